/* The contract of model/recency.h, against a list that is searched from its end. */
#include "model/recency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"

enum { IDS = 700 };

static struct nw_model_recency fresh(uint64_t ids, char **out_memory)
{
    struct nw_model_recency recency;
    *out_memory = nw_alloc_zero(nw_model_recency_bytes(ids));
    nw_model_recency_init(&recency, ids, *out_memory);
    return recency;
}

/* -1: not in it. */
static int find(const uint32_t *list, int count, uint32_t id)
{
    for (int i = 0; i < count; i++)
        if (list[i] == id)
            return i;
    return -1;
}

static int take(uint32_t *list, int count, int at)
{
    memmove(&list[at], &list[at + 1], (size_t)(count - at - 1) * sizeof list[0]);
    return count - 1;
}

static void it_is_the_order_of_last_uses(void **state)
{
    char *memory;
    struct nw_model_recency recency = fresh(IDS, &memory);
    uint32_t list[IDS];
    int count = 0;
    struct nw_rng rng;
    nw_rng_init(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        uint32_t id = (uint32_t)nw_rng_below(&rng, i % 1000 < 500 ? IDS : 20);
        int at = find(list, count, id);
        assert_int_equal(nw_model_recency_has(&recency, id), at >= 0);
        if (at >= 0) {
            assert_int_equal(nw_model_recency_younger(&recency, id), count - 1 - at);
            count = take(list, count, at);
        }
        if (at >= 0 && i % 7 == 0) {
            nw_model_recency_forget(&recency, id);
        } else {
            nw_model_recency_use(&recency, id);
            list[count++] = id;
        }
        assert_int_equal(recency.count, count);
        if (count > 0 && i % 3 == 0)
            assert_int_equal(nw_model_recency_oldest(&recency), list[0]);
    }
    nw_free(memory);
}

static void one_id_is_always_the_youngest(void **state)
{
    char *memory;
    struct nw_model_recency recency = fresh(1, &memory);
    for (int i = 0; i < 2000; i++) {
        nw_model_recency_use(&recency, 0);
        assert_int_equal(nw_model_recency_younger(&recency, 0), 0);
        assert_int_equal(nw_model_recency_oldest(&recency), 0);
    }
    nw_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_order_of_last_uses),
        cmocka_unit_test(one_id_is_always_the_youngest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
