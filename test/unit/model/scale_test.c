/* The contract of model/scale.h. */
#include "model/scale.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/rng.h"

/* A steady fleet: all warm, so much CPU, 100 requests/s a node at full. */
static struct nw_model_scale_seen fleet_at(double now_s, int64_t warm, double cpu)
{
    double served = cpu * 100 * (double)warm;
    return (struct nw_model_scale_seen){
        .now_s = now_s,
        .warm_nodes = warm,
        .report_ratio = 1,
        .cpu_ratio = cpu,
        .cpu_all_ratio = cpu,
        .served_per_s = served,
        .served_warm_per_s = served,
    };
}

static struct nw_model_scale_verdict judge(const struct nw_model_scale_policy *policy,
                                           struct nw_model_scale_state *state,
                                           struct nw_model_scale_seen seen)
{
    struct nw_model_scale_verdict verdict;
    nw_model_scale_judge(policy, state, &seen, &verdict);
    return verdict;
}

/* As the first judgement of a fresh state. */
static struct nw_model_scale_verdict judge_once(const struct nw_model_scale_policy *policy,
                                                struct nw_model_scale_seen seen)
{
    struct nw_model_scale_state state;
    nw_model_scale_init(&state);
    return judge(policy, &state, seen);
}

static struct nw_model_scale_policy step_rule(double add_ratio, double add_nodes)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 425);
    policy.target[NW_MODEL_SCALE_CPU] = 0.8;
    policy.every_s = policy.for_s = 60;
    policy.cooldown_s = 0;
    policy.add_ratio = add_ratio;
    policy.add_nodes = add_nodes;
    policy.counts_cold = true;
    policy.scales_in = false;
    policy.no_benefit_ratio = 0;
    return policy;
}

/* ---- the incident, by its own formula instead of a simulator ---- */

struct replay {
    int64_t nodes[70];
    double cpu[70];
    double cost;
};

/* Mean over all nodes: 100 % in a node's first 3 minutes, else load / (300 n), at most 100 %. */
static struct replay replay_hour(const struct nw_model_scale_policy *policy, double load_per_s)
{
    struct replay replay = {.nodes = {20}};
    struct nw_model_scale_state state;
    int64_t added[70] = {0};
    nw_model_scale_init(&state);
    for (int minute = 0; minute < 60; minute++) {
        int64_t n = replay.nodes[minute], cold = 0;
        for (int age = 0; age < 3 && age <= minute; age++)
            cold += added[minute - age];
        double warm_cpu = fmin(1, load_per_s / (300 * (double)n));
        double served = fmin(load_per_s, 300 * (double)n);
        replay.cpu[minute] = ((double)cold + (double)(n - cold) * warm_cpu) / (double)n;
        replay.cost += (double)n * 100 / 60;
        struct nw_model_scale_verdict verdict =
            judge(policy, &state,
                  (struct nw_model_scale_seen){
                      .now_s = 60 * (minute + 1),
                      .warm_nodes = n - cold,
                      .cold_nodes = cold,
                      .report_ratio = 1,
                      .cpu_ratio = warm_cpu,
                      .cpu_all_ratio = replay.cpu[minute],
                      .served_per_s = served,
                      .served_warm_per_s = served * (double)(n - cold) / (double)n,
                      .refused_per_s = load_per_s - served,
                  });
        added[minute + 1] = verdict.change;
        replay.nodes[minute + 1] = n + verdict.change;
    }
    return replay;
}

static void fact_i1s_the_rule_replays_the_incident(void **state)
{
    const int64_t nodes[] = {20, 40, 80, 160, 320, 425, 425};
    const double cpu[] = {1, 1, 0.875, 0.90625, 0.8906, 0.8295, 0.6590, 0.3179, 0.0941};
    struct nw_model_scale_policy policy = step_rule(1, 0);
    struct replay replay = replay_hour(&policy, 12000);
    for (size_t i = 0; i < NW_COUNT(nodes); i++)
        assert_int_equal(replay.nodes[i], nodes[i]);
    for (size_t i = 0; i < NW_COUNT(cpu); i++)
        assert_true(fabs(replay.cpu[i] - cpu[i]) < 0.00005);
    assert_true(fabs(replay.cost - 39991.67) < 0.005);
}

static void fact_i1t_each_cure_alone_stops_the_rule(void **state)
{
    struct nw_model_scale_policy cooled = step_rule(1, 0), warm = step_rule(1, 0),
                                 slow = step_rule(0, 2), broken = step_rule(1, 0);
    cooled.cooldown_s = 300;
    warm.counts_cold = false;
    struct replay replays[] = {replay_hour(&cooled, 12000), replay_hour(&warm, 12000),
                               replay_hour(&slow, 12000), replay_hour(&broken, 5800)};
    const int64_t nodes[] = {80, 80, 52, 40};
    const double cost[] = {7566.67, 7833.33, 4746.67, 0};
    for (size_t i = 0; i < NW_COUNT(replays); i++) {
        assert_int_equal(replays[i].nodes[60], nodes[i]);
        assert_true(cost[i] == 0 || fabs(replays[i].cost - cost[i]) < 0.005);
    }
}

/* ---- a step rule ---- */

static void fact_i1_cpu_over_70_for_5_minutes_adds_two_nodes(void **state)
{
    struct nw_model_scale_policy policy = step_rule(0, 2);
    struct nw_model_scale_state memory;
    policy.target[NW_MODEL_SCALE_CPU] = 0.7;
    policy.for_s = policy.cooldown_s = 300;
    nw_model_scale_init(&memory);
    for (int minute = 1; minute < 5; minute++)
        assert_int_equal(judge(&policy, &memory, fleet_at(60 * minute, 10, 0.75)).reason,
                         NW_MODEL_SCALE_WAITING);
    assert_int_equal(judge(&policy, &memory, fleet_at(300, 10, 0.75)).change, 2);
    for (int minute = 6; minute < 10; minute++)
        assert_int_equal(judge(&policy, &memory, fleet_at(60 * minute, 12, 0.75)).change, 0);
    assert_int_equal(judge(&policy, &memory, fleet_at(600, 12, 0.75)).change, 2);
}

static void one_quiet_minute_begins_the_count_again(void **state)
{
    struct nw_model_scale_policy policy = step_rule(0, 2);
    struct nw_model_scale_state memory;
    policy.for_s = 120;
    nw_model_scale_init(&memory);
    assert_int_equal(judge(&policy, &memory, fleet_at(60, 10, 0.9)).change, 0);
    assert_int_equal(judge(&policy, &memory, fleet_at(120, 10, 0.8)).change, 0); /* not over */
    assert_int_equal(judge(&policy, &memory, fleet_at(180, 10, 0.9)).change, 0);
    assert_int_equal(judge(&policy, &memory, fleet_at(240, 10, 0.9)).change, 2);
}

/* ---- the proportional rule ---- */

static void wanted_is_ready_times_seen_over_target(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_verdict verdict = judge_once(&policy, fleet_at(0, 20, 0.9));
    assert_int_equal(verdict.wanted_nodes, 26); /* 20 x 0.9 / 0.7 = 25.7 */
    assert_int_equal(verdict.change, 6);
    assert_int_equal(judge_once(&policy, fleet_at(0, 30, 0.77)).change,
                     0); /* 33.0: just in the band */
    assert_int_equal(judge_once(&policy, fleet_at(0, 30, 0.7701)).change, 4); /* 33.004 */
}

static void the_largest_of_the_signals_counts(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_seen seen = fleet_at(0, 20, 0.7);
    policy.target[NW_MODEL_SCALE_LATENCY] = 0.2;
    policy.target[NW_MODEL_SCALE_CONCURRENCY] = 10;
    seen.latency_s = 0.3;
    seen.concurrency = 14;
    struct nw_model_scale_verdict verdict = judge_once(&policy, seen);
    assert_int_equal(verdict.wanted_nodes, 30);
    assert_int_equal(verdict.signal, NW_MODEL_SCALE_LATENCY);
    seen.concurrency = 18;
    verdict = judge_once(&policy, seen);
    assert_int_equal(verdict.wanted_nodes, 36);
    assert_int_equal(verdict.signal, NW_MODEL_SCALE_CONCURRENCY);
}

static void refused_requests_count_as_asked_for(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_seen seen = fleet_at(0, 20, 1);
    seen.refused_per_s = seen.served_per_s; /* as much again */
    struct nw_model_scale_verdict verdict = judge_once(&policy, seen);
    assert_int_equal(verdict.wanted_nodes, 58); /* 40 / 0.7 = 57.1 */
    assert_int_equal(verdict.change, 20);       /* up by double at most */
}

static void ordered_nodes_count_as_there(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(60, 1000);
    struct nw_model_scale_seen seen = fleet_at(0, 20, 0.9);
    seen.coming_nodes = 6;
    assert_int_equal(judge_once(&policy, seen).change, 0);
}

/* Starting nodes that read 100 % are in no mean, but the work they do counts. */
static void cold_nodes_are_in_no_mean(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_seen seen = fleet_at(0, 20, 0.5);
    seen.cold_nodes = 20;
    seen.cpu_all_ratio = 0.75;
    seen.served_per_s *= 2; /* they do as much */
    struct nw_model_scale_verdict verdict = judge_once(&policy, seen);
    assert_int_equal(verdict.change, 0);
    assert_int_equal(verdict.wanted_nodes, 29); /* 40 x 0.5 / 0.7 = 28.6, not 20 x 0.5 / 0.7 */
    seen.cpu_ratio = 0.8;                       /* half as much each: 30 ready */
    seen.served_per_s = seen.served_warm_per_s * 1.5;
    assert_int_equal(judge_once(&policy, seen).wanted_nodes, 35); /* 34.3 */
}

static void up_by_double_or_four_in_15_seconds(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    struct nw_model_scale_seen seen = fleet_at(0, 1, 1);
    policy.every_s = 5;
    seen.refused_per_s = 100 * seen.served_per_s;
    nw_model_scale_init(&memory);
    assert_int_equal(judge(&policy, &memory, seen).change, 4);
    seen.coming_nodes = 4;
    seen.now_s = 5;
    assert_int_equal(judge(&policy, &memory, seen).change, 0);
    seen.now_s = 10;
    assert_int_equal(judge(&policy, &memory, seen).change, 0);
    seen.now_s = 15;
    assert_int_equal(judge(&policy, &memory, seen).change, 5);
}

static void nothing_is_judged_before_it_is_due(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    nw_model_scale_init(&memory);
    assert_int_equal(judge(&policy, &memory, fleet_at(100, 20, 0.9)).change, 6);
    assert_int_equal(judge(&policy, &memory, fleet_at(114.9, 20, 0.9)).reason,
                     NW_MODEL_SCALE_NOT_DUE);
    assert_int_equal(judge(&policy, &memory, fleet_at(115, 20, 0.9)).reason, NW_MODEL_SCALE_ADDED);
}

/* ---- in ---- */

/* Judges a steady fleet every 15 s from `from_s`; returns when a node was taken, or -1. */
static double first_taken_s(const struct nw_model_scale_policy *policy,
                            struct nw_model_scale_state *memory, double from_s, double to_s,
                            int64_t nodes, double cpu)
{
    for (double now_s = from_s; now_s <= to_s; now_s += 15)
        if (judge(policy, memory, fleet_at(now_s, nodes, cpu)).change < 0)
            return now_s;
    return -1;
}

static void a_node_leaves_after_the_cooldown(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    nw_model_scale_init(&memory);
    assert_true(first_taken_s(&policy, &memory, 0, 1000, 20, 0.5) == 300);
    policy = nw_model_scale_default(400, 1000); /* 2 x start is longer */
    nw_model_scale_init(&memory);
    assert_true(first_taken_s(&policy, &memory, 0, 1000, 20, 0.5) == 810); /* the first from 800 */
    nw_model_scale_init(&memory);
    assert_true(first_taken_s(&policy, &memory, 0, 1e4, 20, 0.56) < 0); /* exactly 20 % too many */
}

static void after_adding_no_node_leaves_before_the_cooldown(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    policy.in_peak_ratio = 2;
    nw_model_scale_init(&memory);
    assert_true(judge(&policy, &memory, fleet_at(1000, 20, 0.5)).change == 0);
    assert_true(judge(&policy, &memory, fleet_at(2000, 20, 0.9)).change > 0);
    assert_true(first_taken_s(&policy, &memory, 2015, 4000, 26, 0.5) == 2300);
}

static void the_last_hours_peak_must_have_room_in_what_is_left(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    nw_model_scale_init(&memory);
    assert_int_equal(judge(&policy, &memory, fleet_at(0, 20, 0.69)).change, 0);
    assert_int_equal(judge(&policy, &memory, fleet_at(600, 20, 0.4)).reason,
                     NW_MODEL_SCALE_PEAK_NEEDED); /* 13.8 / 19 = 0.726 */
    double taken_s = first_taken_s(&policy, &memory, 615, 4000, 20, 0.4);
    assert_true(taken_s >= 3600 && taken_s < 3660);
}

static void one_at_a_time_and_none_while_others_come_or_go(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_seen seen[4];
    for (int i = 0; i < 4; i++)
        seen[i] = fleet_at(400, 20, 0.3);
    seen[1].draining_nodes = 1;
    seen[2].cold_nodes = 1;
    seen[3].coming_nodes = 1;
    for (int i = 0; i < 4; i++) {
        struct nw_model_scale_state memory;
        nw_model_scale_init(&memory);
        assert_int_equal(judge(&policy, &memory, fleet_at(0, 20, 0.3)).change, 0);
        assert_int_equal(judge(&policy, &memory, seen[i]).change, i == 0 ? -1 : 0);
    }
}

static void the_last_node_stays(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    nw_model_scale_init(&memory);
    assert_true(first_taken_s(&policy, &memory, 0, 1e4, 1, 0) < 0);
    policy.min_nodes = 5;
    assert_true(first_taken_s(&policy, &memory, 2e4, 3e4, 5, 0.01) < 0);
    assert_int_equal(judge(&policy, &memory, fleet_at(4e4, 3, 0.01)).change, 2);
}

/* ---- lost readings ---- */

static void lost_readings_hold_whatever_they_would_have_said(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_seen seen[8];
    for (int i = 0; i < 8; i++)
        seen[i] = fleet_at(0, 20, 0.9);
    seen[0].report_ratio = 0.49;
    seen[1].cpu_ratio = NAN;
    seen[2].served_per_s = INFINITY;
    seen[3].latency_s = -1;
    seen[4].warm_nodes = 0;
    seen[5].coming_nodes = -1;
    seen[6].report_ratio = NAN;
    seen[7].cold_nodes = INT64_MAX;
    for (int i = 0; i < 8; i++) {
        struct nw_model_scale_verdict verdict = judge_once(&policy, seen[i]);
        assert_int_equal(verdict.reason, NW_MODEL_SCALE_LOST);
        assert_int_equal(verdict.change, 0);
    }
    seen[0].report_ratio = 0.5;
    assert_int_equal(judge_once(&policy, seen[0]).change, 6);
    seen[4].cold_nodes = 20; /* only cold ones: nothing to read, unless they are read */
    assert_int_equal(judge_once(&policy, seen[4]).reason, NW_MODEL_SCALE_LOST);
    struct nw_model_scale_policy counting = step_rule(1, 0);
    assert_int_equal(judge_once(&counting, seen[4]).change, 20);
    seen[4].cold_nodes = 0;
    assert_int_equal(judge_once(&counting, seen[4]).reason, NW_MODEL_SCALE_LOST);
}

static void a_clock_that_jumps_back_begins_anew(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    nw_model_scale_init(&memory);
    assert_int_equal(judge(&policy, &memory, fleet_at(1e6, 20, 0.9)).change, 6);
    assert_int_equal(judge(&policy, &memory, fleet_at(10, 26, 0.3)).change, 0);
    assert_true(first_taken_s(&policy, &memory, 25, 1000, 26, 0.3) == 310);
}

/* ---- brakes ---- */

static void brakes_cut_a_step_and_say_which_it_was(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 24);
    struct nw_model_scale_verdict verdict = judge_once(&policy, fleet_at(0, 20, 0.9));
    assert_int_equal(verdict.change, 4);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_AT_MAX);
    policy.price_per_h = 0.1;
    policy.max_cost_per_h = 2.3; /* 23 x 0.1 is 2.3000000000000003 */
    verdict = judge_once(&policy, fleet_at(0, 20, 0.9));
    assert_int_equal(verdict.change, 3);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_AT_COST);
    policy.pool_size = 20;
    policy.pool_wall = 400; /* 20 nodes */
    verdict = judge_once(&policy, fleet_at(0, 20, 0.9));
    assert_int_equal(verdict.change, 0);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_AT_POOL_WALL);
    assert_int_equal(judge_once(&policy, fleet_at(0, 30, 0.9)).change, 0); /* beyond: never taken */
    nw_model_scale_reason which;
    policy.pool_size = 0.1;
    policy.pool_wall = 0.3; /* / 0.1 is 2.9999999999999996 */
    assert_int_equal(nw_model_scale_bound(&policy, &which), 3);
    assert_int_equal(which, NW_MODEL_SCALE_AT_POOL_WALL);
}

/* 20 nodes at the end of the database, then 40 that answer no more than they did. */
static struct nw_model_scale_verdict after_doubling(struct nw_model_scale_state *memory,
                                                    double gained_ratio, double database_ratio)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_seen seen = fleet_at(0, 20, 1);
    seen.refused_per_s = 10000;
    nw_model_scale_init(memory);
    assert_int_equal(judge(&policy, memory, seen).change, 20);
    seen.now_s = 300;
    seen.warm_nodes = 40;
    seen.served_per_s = seen.served_warm_per_s = 2000 * (1 + gained_ratio);
    seen.database_ratio = database_ratio;
    return judge(&policy, memory, seen);
}

static void a_step_that_did_not_help_stops_all_and_names_the_bottleneck(void **state)
{
    struct nw_model_scale_state memory;
    struct nw_model_scale_verdict verdict = after_doubling(&memory, 0, 1);
    assert_int_equal(verdict.change, 0);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_NO_BENEFIT);
    assert_int_equal(verdict.bottleneck, NW_MODEL_SCALE_DATABASE);
    assert_true(fabs(verdict.benefit_ratio) < 1e-12);
    verdict = after_doubling(&memory, 0.1, 0.3);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_NO_BENEFIT);
    assert_int_equal(verdict.bottleneck, NW_MODEL_SCALE_SHARED);
    assert_int_equal(after_doubling(&memory, 1, 0.3).change, 40); /* it helped as forecast */
    assert_int_equal(after_doubling(&memory, 0.5, 0.94).change, 40);
}

/* Small steps that never grow the fleet by half are one step: the trial begins with the first. */
static void a_trial_begins_with_the_first_of_several_steps(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    struct nw_model_scale_seen seen = fleet_at(0, 20, 0.9);
    nw_model_scale_init(&memory);
    assert_int_equal(judge(&policy, &memory, seen).change, 6);
    seen.now_s = 300;
    seen.warm_nodes = 26; /* as busy, and no answer more */
    assert_int_equal(judge(&policy, &memory, seen).change, 8);
    seen.now_s = 600;
    seen.warm_nodes = 34;
    assert_int_equal(judge(&policy, &memory, seen).reason, NW_MODEL_SCALE_NO_BENEFIT);
}

/* A step that helped is the base of the next one. */
static void each_trial_is_measured_against_its_own_base(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    struct nw_model_scale_seen seen = fleet_at(300, 40, 1);
    assert_int_equal(after_doubling(&memory, 1, 0).change, 40); /* 20 to 40 helped */
    seen.now_s = 600;
    seen.warm_nodes = 80;
    seen.refused_per_s = 4000; /* 40 to 80 did not: against 20 nodes it would be two thirds */
    struct nw_model_scale_verdict verdict = judge(&policy, &memory, seen);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_NO_BENEFIT);
    assert_true(fabs(verdict.benefit_ratio) < 1e-12);
}

/* A herd of cold caches makes requests dear for everybody; that is no reason to order more. */
static void until_a_step_is_warm_a_request_costs_what_it_did(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    struct nw_model_scale_seen seen = fleet_at(0, 20, 1);
    nw_model_scale_init(&memory);
    seen.refused_per_s = 800; /* 28 busy nodes: 40 wanted */
    assert_int_equal(judge(&policy, &memory, seen).change, 20);
    for (double now_s = 15; now_s < 100; now_s += 15) { /* in band, and the trial goes on */
        seen.now_s = now_s;
        seen.cold_nodes = 20;
        seen.served_per_s = 1000; /* of 2,800, by nodes that are all busy */
        seen.served_warm_per_s = 500;
        seen.refused_per_s = 1800;
        assert_int_equal(judge(&policy, &memory, seen).change, 0);
    }
    policy.target[NW_MODEL_SCALE_LATENCY] = 0.1;
    seen.now_s = 105;
    seen.latency_s = 1; /* nor is their latency */
    assert_int_equal(judge(&policy, &memory, seen).change, 0);
    seen.now_s = 120;
    seen.warm_nodes = 40;
    seen.cold_nodes = 0;
    seen.served_warm_per_s = 1000; /* warm, and as bad as before */
    assert_int_equal(judge(&policy, &memory, seen).reason, NW_MODEL_SCALE_NO_BENEFIT);
}

/* Cold caches before a full database: more of them would prolong what they were ordered against. */
static void nothing_is_added_before_a_full_database(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    struct nw_model_scale_seen seen = fleet_at(0, 20, 1);
    nw_model_scale_init(&memory);
    seen.database_ratio = 0.95;
    struct nw_model_scale_verdict verdict = judge(&policy, &memory, seen);
    assert_int_equal(verdict.change, 0);
    assert_int_equal(verdict.reason, NW_MODEL_SCALE_NO_BENEFIT);
    assert_int_equal(verdict.bottleneck, NW_MODEL_SCALE_DATABASE);
    seen.now_s = 15;
    seen.database_ratio = 0.94;
    assert_int_equal(judge(&policy, &memory, seen).change, 9); /* no longer than it is full */
    policy.no_benefit_ratio = 0;
    seen.database_ratio = 1;
    assert_int_equal(judge_once(&policy, seen).change, 9);
}

static void a_stop_holds_until_the_pain_is_gone(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
    struct nw_model_scale_state memory;
    after_doubling(&memory, 0, 1);
    assert_int_equal(judge(&policy, &memory, fleet_at(400, 40, 1)).reason,
                     NW_MODEL_SCALE_NO_BENEFIT);
    assert_int_equal(judge(&policy, &memory, fleet_at(500, 40, 0.7)).reason,
                     NW_MODEL_SCALE_IN_BAND);
    assert_true(judge(&policy, &memory, fleet_at(600, 40, 0.9)).change > 0);
}

/* The trial's threshold was chosen so that 10 % of error on both readings cannot fake a stop. */
static void noise_of_ten_percent_never_looks_like_no_benefit(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 3);
    for (int run = 0; run < 2000; run++) {
        struct nw_model_scale_policy policy = nw_model_scale_default(0, 1000);
        struct nw_model_scale_state memory;
        int64_t nodes = 10 + (int64_t)nw_rng_below(&rng, 50), after = nodes;
        nw_model_scale_init(&memory);
        struct nw_model_scale_seen seen = fleet_at(0, nodes, 0.8);
        seen.refused_per_s = 2 * seen.served_per_s;
        seen.cpu_ratio *= 0.9 + 0.2 * nw_rng_double(&rng);
        after += judge(&policy, &memory, seen).change;
        seen = fleet_at(15, after, 0.8);
        seen.refused_per_s = seen.served_per_s;
        seen.cpu_ratio *= 0.9 + 0.2 * nw_rng_double(&rng);
        assert_int_not_equal(judge(&policy, &memory, seen).reason, NW_MODEL_SCALE_NO_BENEFIT);
    }
}

/* ---- properties ---- */

static void more_load_never_wants_fewer_nodes(void **state)
{
    struct nw_model_scale_policy policy = nw_model_scale_default(0, 100000);
    int64_t before = 0;
    for (int i = 0; i <= 1000; i++) {
        int64_t after = 50 + judge_once(&policy, fleet_at(0, 50, i / 1000.0)).change;
        assert_true(after >= before);
        before = after;
    }
}

/* Whatever comes, the answer is between what is there minus one and the bound. */
static void random_readings_never_leave_the_bounds(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 5);
    struct nw_model_scale_state memory;
    nw_model_scale_init(&memory);
    for (int i = 0; i < 20000; i++) {
        struct nw_model_scale_policy policy = nw_model_scale_default(30, 500);
        struct nw_model_scale_seen seen =
            fleet_at(15.0 * i, (int64_t)nw_rng_below(&rng, 600), 2 * nw_rng_double(&rng));
        seen.cold_nodes = (int64_t)nw_rng_below(&rng, 50);
        seen.refused_per_s = 1000 * nw_rng_double(&rng);
        int64_t total = seen.warm_nodes + seen.cold_nodes;
        struct nw_model_scale_verdict verdict = judge(&policy, &memory, seen);
        assert_true(verdict.change >= -1);
        assert_true(verdict.change <= 0 || total + verdict.change <= 500);
        assert_true(total + verdict.change >= 0);
    }
}

static void a_policy_is_checked_before_it_rules(void **state)
{
    const char *why = NULL;
    struct nw_model_scale_policy good = nw_model_scale_default(60, 10), bad[8];
    assert_int_equal(nw_model_scale_policy_check(&good, &why), NW_OK);
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        bad[i] = good;
    struct nw_model_scale_policy latency = good;
    latency.target[NW_MODEL_SCALE_CPU] = 0;
    latency.target[NW_MODEL_SCALE_LATENCY] = 0.2;
    assert_int_equal(nw_model_scale_policy_check(&latency, &why), NW_OK);
    bad[0].every_s = 0;
    bad[1].target[NW_MODEL_SCALE_CPU] = 0;
    bad[2].max_nodes = 0;
    bad[3].min_nodes = 11;
    bad[4].cooldown_s = NAN;
    bad[5].max_cost_per_h = -1;
    bad[6].target[NW_MODEL_SCALE_CPU] = 0;
    bad[6].target[NW_MODEL_SCALE_LATENCY] = 1;
    bad[6].add_nodes = 2;
    bad[7].target[NW_MODEL_SCALE_LATENCY] = INFINITY;
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        why = NULL;
        assert_int_equal(nw_model_scale_policy_check(&bad[i], &why), NW_INVALID);
        assert_non_null(why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_i1s_the_rule_replays_the_incident),
        cmocka_unit_test(fact_i1t_each_cure_alone_stops_the_rule),
        cmocka_unit_test(fact_i1_cpu_over_70_for_5_minutes_adds_two_nodes),
        cmocka_unit_test(one_quiet_minute_begins_the_count_again),
        cmocka_unit_test(wanted_is_ready_times_seen_over_target),
        cmocka_unit_test(the_largest_of_the_signals_counts),
        cmocka_unit_test(refused_requests_count_as_asked_for),
        cmocka_unit_test(ordered_nodes_count_as_there),
        cmocka_unit_test(cold_nodes_are_in_no_mean),
        cmocka_unit_test(up_by_double_or_four_in_15_seconds),
        cmocka_unit_test(nothing_is_judged_before_it_is_due),
        cmocka_unit_test(a_node_leaves_after_the_cooldown),
        cmocka_unit_test(after_adding_no_node_leaves_before_the_cooldown),
        cmocka_unit_test(the_last_hours_peak_must_have_room_in_what_is_left),
        cmocka_unit_test(one_at_a_time_and_none_while_others_come_or_go),
        cmocka_unit_test(the_last_node_stays),
        cmocka_unit_test(lost_readings_hold_whatever_they_would_have_said),
        cmocka_unit_test(a_clock_that_jumps_back_begins_anew),
        cmocka_unit_test(brakes_cut_a_step_and_say_which_it_was),
        cmocka_unit_test(a_step_that_did_not_help_stops_all_and_names_the_bottleneck),
        cmocka_unit_test(a_trial_begins_with_the_first_of_several_steps),
        cmocka_unit_test(each_trial_is_measured_against_its_own_base),
        cmocka_unit_test(until_a_step_is_warm_a_request_costs_what_it_did),
        cmocka_unit_test(nothing_is_added_before_a_full_database),
        cmocka_unit_test(a_stop_holds_until_the_pain_is_gone),
        cmocka_unit_test(noise_of_ten_percent_never_looks_like_no_benefit),
        cmocka_unit_test(more_load_never_wants_fewer_nodes),
        cmocka_unit_test(random_readings_never_leave_the_bounds),
        cmocka_unit_test(a_policy_is_checked_before_it_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
