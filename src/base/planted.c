/*
 * The only process-wide state in base, and only in test builds: a fault must be reachable from any
 * depth without a parameter, else the code under test would differ from the code that ships. It is
 * written once before any thread starts.
 */
#include "base/planted.h"

#include "base/assert.h"
#include "base/slice.h"

static const struct {
    const char *name;
    const char *what;
} table[] = {
#define NW_PLANT(name, what) {#name, what},
#include "base/planted.def"
#undef NW_PLANT
};

#if defined(NW_TEST_BUILD) && NW_TEST_BUILD
static bool is_on[NW_PLANT_COUNT];

static nw_err find(struct nw_slice name, size_t *out)
{
    for (size_t i = 0; i < NW_PLANT_COUNT; i++) {
        if (nw_slice_eq(name, nw_slice_str(table[i].name))) {
            *out = i;
            return NW_OK;
        }
    }
    return NW_NOT_FOUND;
}

nw_err nw_planted_init(const char *list)
{
    bool wanted[NW_PLANT_COUNT] = {false};
    struct nw_slice rest = nw_slice_str(list), name;
    memset(is_on, 0, sizeof is_on);
    while (nw_slice_split(&rest, ',', &name)) {
        size_t at = 0;
        NW_TRY(find(nw_slice_trim(name), &at));
        wanted[at] = true;
    }
    memcpy(is_on, wanted, sizeof is_on);
    return NW_OK;
}

bool nw_planted_is_on(nw_plant plant)
{
    return is_on[plant];
}
#else
nw_err nw_planted_init(const char *list)
{
    return list == NULL || list[0] == '\0' ? NW_OK : NW_NOT_FOUND;
}

bool nw_planted_is_on(nw_plant plant)
{
    (void)plant;
    return false;
}
#endif

const char *nw_planted_name(nw_plant plant)
{
    NW_ASSERT(plant < NW_PLANT_COUNT);
    return table[plant].name;
}

const char *nw_planted_what(nw_plant plant)
{
    NW_ASSERT(plant < NW_PLANT_COUNT);
    return table[plant].what;
}
