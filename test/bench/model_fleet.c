/* Rows of `make bench-model`: a day of a fleet. */
#include "model_rows.h"

#include "base/alloc.h"
#include "model/fleetsim.h"

struct day {
    struct nw_model_fleet_knot knots[NW_MODEL_FLEET_DAY_KNOTS];
    struct nw_model_fleet fleet;
};

/* 3,000/s on average and 8,000 in the evening, 10 % noise, the default rule with its brakes. */
static void *day_open(void)
{
    struct day *day = nw_alloc_zero(sizeof *day);
    if (nw_model_fleet_day(3000, 8000, 72000, day->knots) != NW_OK) {
        nw_free(day);
        return NULL;
    }
    day->fleet = (struct nw_model_fleet){
        .for_s = 86400,
        .load = {.knots = day->knots,
                 .knot_count = NW_MODEL_FLEET_DAY_KNOTS,
                 .is_linear = true,
                 .repeat_s = 86400,
                 .noise_ratio = 0.1},
        .nodes = 20,
        .node_rate_per_s = 300,
        .start_s = 60,
        .cold_s = 180,
        .cold_rate_ratio = 0.7,
        .cold_cpu_ratio = 1,
        .wait_s = 1,
        .hit_ratio = 0.9,
        .queries = 1,
        .database_per_s = 3000,
        .policy = nw_model_scale_default(60, 104),
        .engine = NW_MODEL_FLEET_FLUID,
    };
    return day;
}

static uint64_t day_run(void *state, uint64_t turns)
{
    struct day *day = state;
    double sum = 0;
    if (!day)
        return 0;
    for (uint64_t i = 0; i < turns; i++) {
        struct nw_model_fleet_result result;
        day->fleet.seed = i;
        if (nw_model_fleet_run(&day->fleet, NULL, NULL, &result) != NW_OK)
            return 0;
        sum += result.cost + result.node_hours;
    }
    nw_bench_keep(sum);
    return turns;
}

const struct nw_bench_row nw_bench_fleet_rows[] = {
    {.name = "fluid-day",
     .what = "a fleet's day in ticks of 1 s, with noise, caches, a database, the default rule",
     .unit = "ms",
     .scale = 1e-3,
     .is_time = true,
     .expected = 1,
     .open = day_open,
     .run = day_run,
     .close = nw_free},
    {0},
};
