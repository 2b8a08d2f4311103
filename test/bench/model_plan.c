/* Rows of `make bench-model`: a whole plan. */
#include "model_rows.h"

#include "../unit/model/plan_build.h"
#include "base/alloc.h"

static void *photo_feed_open(void)
{
    struct plan_build *build = nw_alloc_zero(sizeof *build);
    plan_build_photo_feed(build);
    return build;
}

static void photo_feed_close(void *state)
{
    plan_build_done(state);
    nw_free(state);
}

/* What `newel plan` computes before it prints: all steps, and how sure they are. */
static uint64_t plan_run(void *state, uint64_t turns)
{
    struct plan_build *build = state;
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++) {
        struct nw_model_sensitivity sensitivity;
        nw_arena_reset(&build->arena);
        build->input.load.users = nw_model_given(50e6 + (double)(i & 1023) * 1000);
        sum += plan_build_compute(build)->nodes;
        nw_model_sensitivity_compute(&build->input, &build->arena, &sensitivity);
        sum += sensitivity.cautious.nodes;
    }
    nw_bench_keep(sum);
    return turns;
}

/* The numbers alone: a point of a sweep. */
static uint64_t bare_run(void *state, uint64_t turns)
{
    struct plan_build *build = state;
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++) {
        nw_arena_reset(&build->arena);
        build->input.load.users = nw_model_given(50e6 + (double)(i & 1023) * 1000);
        nw_model_plan_compute(&build->input, &build->arena, NULL, &build->plan);
        sum += build->plan.nodes;
    }
    nw_bench_keep(sum);
    return turns;
}

const struct nw_bench_row nw_bench_plan_rows[] = {
    {.name = "plan",
     .what = "the photo feed, all steps and sensitivity",
     .unit = "ms",
     .scale = 1e-3,
     .is_time = true,
     .expected = 1,
     .open = photo_feed_open,
     .run = plan_run,
     .close = photo_feed_close},
    {.name = "plan-numbers",
     .what = "the same, numbers alone",
     .unit = "us",
     .scale = 1e-6,
     .is_time = true,
     .open = photo_feed_open,
     .run = bare_run,
     .close = photo_feed_close},
    {0},
};
