/*
 * Cache scenarios: whatever the bytes, reading ends with a verdict, says something when it refuses,
 * and says the same when asked again. What is accepted has policies and sizes, sizes that resolve
 * to ascending ones, and, where it invents few keys, a law that draws them.
 */
#include "base/assert.h"
#include "cmd/sim_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inventor(const struct sim_cache_want *want)
{
    struct nw_model_inventor inventor;
    if (want->keys > 1000)
        return;
    if (nw_model_inventor_init(&inventor, &want->invented) != NW_OK) {
        NW_ASSERT(want->requests > NW_MODEL_REQUESTS_MAX);
        return;
    }
    for (unsigned i = 0; i < 20; i++) {
        uint32_t key = nw_model_inventor_next(&inventor);
        NW_ASSERT(key >= 1 && key <= want->keys);
    }
    nw_model_inventor_done(&inventor);
}

static void check_sizes(const struct sim_cache_want *want)
{
    struct sim_cache sim = {.want = *want};
    sim.trace.model.key_count = 1000;
    if (!want->is_in_bytes)
        sim_cache_resolve(&sim);
    for (size_t i = 0; i < sim.size_count; i++)
        NW_ASSERT(sim.sizes[i] >= 1 && (i == 0 || sim.sizes[i] > sim.sizes[i - 1]));
    NW_ASSERT(want->is_in_bytes || sim.size_count > 0);
}

/* A digest of what was said. */
static size_t read_once(struct nw_slice text)
{
    struct nw_arena arena;
    struct nw_diag diag;
    struct sim_cache_top top = {0};
    struct sim_cache_want want;
    nw_arena_init(&arena, NULL, 0, (size_t)1 << 26);
    nw_diag_init(&diag);
    nw_err err = nw_conf_table_load(text, "f", &sim_cache_tables, NULL, &arena, &diag, &top);
    if (top.block.tree != NULL && sim_cache_want(&top, "f", &diag, &want) != NW_OK)
        err = NW_INVALID;
    NW_ASSERT((err == NW_OK) == (diag.error_count == 0));
    if (err == NW_OK) {
        NW_ASSERT(want.policy_count >= 1 && want.size_count >= 1);
        NW_ASSERT(want.ttl_us == 0 || want.ttl_us <= UINT64_C(315360000000000));
        if (want.is_invented)
            check_inventor(&want);
        check_sizes(&want);
    }
    struct nw_text said = {0};
    nw_diag_print(&diag, &said);
    size_t digest = said.len;
    for (size_t i = 0; i < said.len; i++)
        digest = digest * 31 + (unsigned char)said.ptr[i];
    nw_text_done(&said);
    nw_diag_done(&diag);
    nw_arena_done(&arena);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_slice text = nw_slice_of((const char *)data, size);
    NW_ASSERT(read_once(text) == read_once(text));
    return 0;
}
