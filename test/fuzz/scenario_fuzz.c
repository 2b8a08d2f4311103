/*
 * Scenario files of the simulators: each table reads the same bytes. Whatever they are, reading and
 * judging end with a verdict, say something located when they refuse, and say the same when asked
 * again; what is accepted holds the numbers that the simulators assert.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cmd/sim_cache.h"
#include "cmd/sim_queue.h"
#include "conf/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_MAX_BYTES ((size_t)1 << 30)

static nw_err judge_cache(struct nw_slice text, struct nw_arena *arena, struct nw_diag *diag)
{
    struct sim_cache_top *top = nw_arena_zero(arena, sizeof *top);
    struct sim_cache_want *want = nw_arena_zero(arena, sizeof *want);
    NW_TRY(nw_conf_table_load(text, "f", &sim_cache_tables, NULL, arena, diag, top));
    NW_TRY(sim_cache_want(top, "f", diag, want));
    NW_ASSERT(want->policy_count >= 1 && want->policy_count <= NW_MODEL_POLICY_COUNT);
    NW_ASSERT(want->size_count >= 1 && want->size_count <= SIM_CACHE_SIZES_MAX);
    for (size_t i = 0; i < want->size_count; i++)
        NW_ASSERT(want->sizes[i].ratio >= 0 && want->sizes[i].ratio <= 1);
    NW_ASSERT(isfinite(want->keys) && isfinite(want->requests));
    return NW_OK;
}

static nw_err judge_queue(struct nw_slice text, struct nw_arena *arena, struct nw_diag *diag)
{
    struct sim_queue *sim = nw_arena_zero(arena, sizeof *sim);
    sim->name = "f";
    NW_TRY(nw_conf_table_load(text, "f", &sim_queue_tables, NULL, arena, diag, &sim->top));
    NW_TRY(sim_queue_want(sim, arena, diag));
    const struct nw_model_queue_spec *spec = &sim->spec;
    NW_ASSERT(spec->group_count >= 1 && spec->group_count <= NW_MODEL_QUEUE_GROUPS_MAX);
    NW_ASSERT(isfinite(spec->over_s) && spec->over_s >= 0 && spec->depth_max >= 1);
    NW_ASSERT(spec->low_ratio >= 0 && spec->low_ratio <= 1);
    NW_ASSERT(sim->runs >= 1);
    return NW_OK;
}

typedef nw_err judge(struct nw_slice text, struct nw_arena *arena, struct nw_diag *diag);

static void check(judge *judge, struct nw_slice text, struct nw_text *said)
{
    struct nw_arena arena;
    struct nw_diag diag;
    nw_arena_init(&arena, NULL, 0, ARENA_MAX_BYTES);
    nw_diag_init(&diag);
    nw_err err = judge(text, &arena, &diag);
    NW_ASSERT((err == NW_OK) == (diag.error_count == 0));
    for (size_t i = 0; i < diag.count; i++)
        NW_ASSERT(diag.items[i].file == NULL || diag.items[i].line >= 1);
    nw_diag_print(&diag, said);
    nw_diag_done(&diag);
    nw_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static judge *const judges[] = {judge_cache, judge_queue};
    char *copy = malloc(size != 0 ? size : 1); /* as long as the input: a read beyond it shows */
    NW_ASSERT(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    for (size_t i = 0; i < NW_COUNT(judges); i++) {
        struct nw_text first = {0}, second = {0};
        check(judges[i], nw_slice_of(copy, size), &first);
        check(judges[i], nw_slice_of(copy, size), &second);
        NW_ASSERT(nw_slice_eq(nw_text_slice(&first), nw_text_slice(&second)));
        nw_text_done(&first);
        nw_text_done(&second);
    }
    free(copy);
    return 0;
}
