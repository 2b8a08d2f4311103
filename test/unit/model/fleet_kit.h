/*
 * fleet_kit.h - the incident, and a run with its periods kept, for the tests of both engines.
 *
 * Owner:   logs are plain data
 * Threads: one
 */
#ifndef NW_TEST_UNIT_MODEL_FLEET_KIT_H
#define NW_TEST_UNIT_MODEL_FLEET_KIT_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/fleetsim.h"

enum { KIT_PERIODS_MAX = 1000 };

struct kit_log {
    struct nw_model_fleet_period periods[KIT_PERIODS_MAX];
    size_t count;
    struct nw_model_fleet_result result;
};

static inline bool kit_keep(void *ctx, const struct nw_model_fleet_period *period)
{
    struct kit_log *log = ctx;
    if (log->count < KIT_PERIODS_MAX)
        log->periods[log->count++] = *period;
    return true;
}

static inline struct kit_log kit_run(const struct nw_model_fleet *fleet)
{
    struct kit_log log = {.count = 0};
    assert_int_equal(nw_model_fleet_run(fleet, kit_keep, &log, &log.result), NW_OK);
    return log;
}

/* In the period, ordered and leaving ones included. */
static inline int64_t kit_nodes(const struct nw_model_fleet_period *period)
{
    return period->warm_nodes + period->cold_nodes + period->coming_nodes + period->draining_nodes;
}

/* Guide D's incident, I1s: doubles every minute while the mean over all nodes is over 80 %. */
static inline struct nw_model_fleet kit_incident(void)
{
    static const struct nw_model_fleet_knot load = {0, 12000};
    struct nw_model_fleet fleet = {
        .for_s = 3600,
        .load = {.knots = &load, .knot_count = 1},
        .nodes = 20,
        .node_rate_per_s = 300,
        .cold_s = 180,
        .cold_rate_ratio = 1,
        .cold_cpu_ratio = 1,
        .wait_s = 1,
        .policy = nw_model_scale_default(0, 425),
        .engine = NW_MODEL_FLEET_FLUID,
        .seed = 1,
    };
    fleet.policy.target[NW_MODEL_SCALE_CPU] = 0.8;
    fleet.policy.every_s = fleet.policy.for_s = 60;
    fleet.policy.cooldown_s = 0;
    fleet.policy.add_ratio = 1;
    fleet.policy.counts_cold = true;
    fleet.policy.scales_in = false;
    fleet.policy.no_benefit_ratio = 0;
    fleet.policy.price_per_h = 100;
    return fleet;
}

#endif
