/* The contract of model/queuesim.h: worked examples, balance, and a slow model as second source. */
#include "model/queuesim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/queueing.h"
#include "model/random.h"

/* 10,000 jobs over a minute, one worker that takes 5 ms. */
static struct nw_model_queue_spec jobs(nw_model_shape shape, double over_s)
{
    struct nw_model_queue_spec spec = {.shape = shape,
                                       .count = 10000,
                                       .over_s = over_s,
                                       .burst_count = 500,
                                       .front_s = 10,
                                       .on_s = 1,
                                       .off_s = 1,
                                       .depth_max = 1000000,
                                       .group_count = 1,
                                       .seed = 1};
    spec.groups[0] = (struct nw_model_queue_group){
        .workers = 1, .service = {.law = NW_MODEL_LAW_FIXED, .mean_s = 0.005}, .attempt_max = 1};
    return spec;
}

static struct nw_model_queue_seen played(const struct nw_model_queue_spec *spec, size_t group)
{
    struct nw_model_queuesim *sim;
    struct nw_model_queue_seen seen;
    assert_null(nw_model_queue_spec_judge(spec));
    assert_int_equal(nw_model_queuesim_new(spec, &sim), NW_OK);
    while (nw_model_queuesim_play(sim, 1 << 20) == NW_AGAIN)
        continue;
    nw_model_queuesim_look(sim, group, &seen);
    nw_model_queuesim_free(sim);
    return seen;
}

static struct nw_model_queue_flow flowed(const struct nw_model_queue_spec *spec, size_t group)
{
    struct nw_model_queue_flow flows[NW_MODEL_QUEUE_GROUPS_MAX];
    assert_int_equal(nw_model_queue_flow_solve(spec, flows), NW_OK);
    return flows[group];
}

static void near(double a, double b, double distance)
{
    if (!(fabs(a - b) <= distance))
        fail_msg("%.17g is not %.17g to %g", a, b, distance);
}

/* ---- the worked examples ---- */

static void fact_e1_a_burst_of_10000_is_gone_after_50_s(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 0);
    struct nw_model_queue_seen seen = played(&spec, 0);
    struct nw_model_queue_flow flow = flowed(&spec, 0);
    assert_int_equal(seen.depth_peak, 10000);
    assert_int_equal(seen.waiting_peak, 9999);
    near(seen.empty_s, 50, 1e-8);
    near(flow.depth_peak, 10000, 1e-8);
    near(flow.empty_s, 50, 1e-8);
    near(seen.wait_s_mean, 24.9975, 1e-8); /* 5 ms x (0 + ... + 9,999) / 10,000 */
    near(flow.wait_s_mean, 25, 1e-8);
}

static void fact_e1a_spread_evenly_the_depth_is_1_at_most(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 60);
    struct nw_model_queue_seen seen = played(&spec, 0);
    assert_int_equal(seen.depth_peak, 1);
    assert_int_equal(seen.waiting_peak, 0);
    assert_true(flowed(&spec, 0).depth_peak == 0);
}

static void fact_e1b_poisson_peaks_at_20_in_the_mean(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_POISSON, 60);
    double sum = 0;
    int within = 0;
    for (spec.seed = 1; spec.seed <= 200; spec.seed++) {
        uint64_t peak = played(&spec, 0).depth_peak;
        sum += (double)peak;
        within += peak >= 15 && peak <= 28;
    }
    near(sum / 200, 20, 0.75);                   /* deviation 3.5: three standard errors */
    assert_true(within >= 185 && within <= 199); /* 95 % of 200, three deviations */
}

static void fact_e1c_front_loaded_peaks_at_8000(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_FRONT, 60);
    struct nw_model_queue_seen seen = played(&spec, 0);
    struct nw_model_queue_flow flow = flowed(&spec, 0);
    assert_int_equal(seen.waiting_peak, 8000);
    assert_int_equal(seen.depth_peak, 8001); /* with the one in service */
    near(seen.empty_s, 50, 1e-8);
    near(flow.depth_peak, 8000, 1e-8);
    near(flow.depth_peak_s, 10, 1e-8);
    near(flow.empty_s, 50, 1e-8);
}

static void fact_e1d_stopped_workers_leave_10000_and_110_s(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 60);
    const struct nw_model_window outage = {0, 60};
    spec.groups[0].outages = &outage;
    spec.groups[0].outage_count = 1;
    spec.groups[0].alarm_s = 30;
    struct nw_model_queue_seen seen = played(&spec, 0);
    struct nw_model_queue_flow flow = flowed(&spec, 0);
    assert_int_equal(seen.depth_peak, 10000);
    near(seen.empty_s, 110, 1e-8);
    near(flow.depth_peak, 10000, 1e-8);
    near(flow.empty_s, 110, 1e-8);
    assert_true(seen.is_alarmed && seen.alarm_s == 30);
    assert_true(flow.is_alarmed);
    near(flow.alarm_s, 30, 1e-8);
    near(seen.caught_up_s - seen.caught_up_from_s, 49.995, 1e-8); /* the last has a worker then */
    near(flow.caught_up_s - flow.caught_up_from_s, 50, 1e-8);
}

/* 5,000 orders a minute, three calls of 200 ms each: how many threads hold one, by Little. */
static void fact_e2_e2l_threads_held_are_rate_times_time(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 600);
    spec.count = 50000;
    spec.groups[0].workers = 1000;
    spec.groups[0].service.mean_s = 0.6;
    near(played(&spec, 0).serving_mean, 50, 0.06); /* the last 0.6 s are past the end */
    spec.groups[0].service.mean_s = 0.05;
    near(played(&spec, 0).serving_mean, 4.1667, 0.005);
}

/* Mail is down for two minutes: inline 10,000 orders fail, queued none is lost. */
static void fact_e2d_an_outage_of_two_minutes_loses_nothing(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 600);
    const struct nw_model_window outage = {60, 180};
    spec.count = 50000;
    spec.groups[0].outages = &outage;
    spec.groups[0].outage_count = 1;
    struct nw_model_queue_seen seen = played(&spec, 0);
    assert_int_equal(seen.counts.done, 50000);
    near((double)seen.waiting_peak, 10000, 1);
    near(flowed(&spec, 0).depth_peak, 10000, 1e-8);
    near(seen.caught_up_s - seen.caught_up_from_s, 10000 / (200 - 50000 / 600.0), 0.02);
}

/* A partition for 10,000/s takes 83.33/s forty times over (the ratio needs no queue: 120). */
static void fact_e2p_a_partition_takes_forty_times_three_calls(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 60);
    spec.count = 15000; /* 250 calls a second */
    spec.groups[0].service.mean_s = 1e-4;
    near(1 / played(&spec, 0).serving_mean, 40, 0.01);
}

/* A group that is 15 minutes behind has 75,000 messages; the other does not notice. */
static void fact_e3_one_groups_lag_does_not_touch_another(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 3600);
    const struct nw_model_window outage = {0, 900};
    spec.count = 300000;
    spec.group_count = 2;
    spec.groups[1] = spec.groups[0];
    spec.groups[0].outages = &outage;
    spec.groups[0].outage_count = 1;
    spec.groups[0].alarm_s = spec.groups[1].alarm_s = 899.9;
    struct nw_model_queue_seen behind = played(&spec, 0), other = played(&spec, 1);
    assert_int_equal(behind.waiting_peak, 75000);
    near(flowed(&spec, 0).depth_peak, 75000, 1e-6);
    assert_true(behind.is_alarmed && behind.alarm_s == 899.9);
    assert_int_equal(other.depth_peak, 1);
    assert_false(other.is_alarmed);
    spec.group_count = 1;
    spec.groups[0].outage_count = 0;
    struct nw_model_queue_seen alone = played(&spec, 0);
    assert_memory_equal(alone.bins, other.bins, sizeof alone.bins);
}

static void fact_e3c_two_hours_behind_are_caught_up(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 7200);
    spec.count = spec.backlog = 600000;
    near(flowed(&spec, 0).caught_up_s, 5142.857142857, 1e-6);
    near(played(&spec, 0).caught_up_s, 5142.857142857, 0.012); /* within an arrival */
    spec.groups[0].service.mean_s = 0.004;
    near(flowed(&spec, 0).caught_up_s, 3600, 1e-6);
    near(played(&spec, 0).caught_up_s, 3600, 0.012);
}

/* ---- the five answers to a full queue, bound 1,000 ---- */

static struct nw_model_queue_seen full_with(nw_model_full full, nw_model_shape shape,
                                            struct nw_model_queue_flow *flow)
{
    struct nw_model_queue_spec spec = jobs(shape, shape == NW_MODEL_SHAPE_EVEN ? 0 : 60);
    spec.full = full;
    spec.depth_max = 1000;
    spec.low_ratio = 0.2;
    *flow = flowed(&spec, 0);
    return played(&spec, 0);
}

static void a_full_queue_refuses_drops_or_delays_as_it_was_told(void **state)
{
    struct nw_model_queue_flow flow;
    struct nw_model_queue_seen seen = full_with(NW_MODEL_FULL_REFUSE, NW_MODEL_SHAPE_EVEN, &flow);
    assert_true(seen.counts.refused == 9000 && seen.counts.done == 1000);
    near(flow.refused, 9000, 1e-6);

    seen = full_with(NW_MODEL_FULL_DROP_OLDEST, NW_MODEL_SHAPE_EVEN, &flow);
    assert_true(seen.counts.dropped == 9000 && seen.counts.done == 1000);
    near(flow.dropped, 9000, 1e-6);

    seen = full_with(NW_MODEL_FULL_DROP_NEWEST, NW_MODEL_SHAPE_EVEN, &flow);
    assert_true(seen.counts.dropped == 9000 && seen.counts.done == 1000);
    near(flow.dropped, 9000, 1e-6);

    /* Every low one but the one in service is shed; the rest of the high ones are refused. */
    seen = full_with(NW_MODEL_FULL_SHED_LOW, NW_MODEL_SHAPE_EVEN, &flow);
    assert_true(seen.counts.dropped + seen.counts.refused == 9000 && seen.counts.done == 1000);
    near((double)seen.counts.dropped, 2000, 120); /* binomial: three deviations */
    near(flow.dropped, 9000, 1e-6);

    seen = full_with(NW_MODEL_FULL_BLOCK, NW_MODEL_SHAPE_EVEN, &flow);
    assert_true(seen.counts.done == 10000 && seen.blocked_peak == 9000);
    near(seen.block_s_max, 45, 1e-8);
    near(seen.empty_s, 50, 1e-8);
    near(flow.blocked_peak, 9000, 1e-6);
    near(flow.empty_s, 50, 1e-8);
}

/* All of 10 s at 1,000/s: 1,000 fill in 1.25 s, then 800/s are lost; 2,000 leave meanwhile. */
static void a_front_against_a_bound_of_1000_leaves_3000(void **state)
{
    for (int full = NW_MODEL_FULL_REFUSE; full < NW_MODEL_FULL_BLOCK; full++) {
        struct nw_model_queue_flow flow;
        struct nw_model_queue_seen seen = full_with(full, NW_MODEL_SHAPE_FRONT, &flow);
        near(flow.done, 3000, 1e-6);
        near((double)seen.counts.done, 3000, 1);
        near(flow.refused + flow.dropped, 7000, 1e-6);
        /* Who drops the oldest keeps a second's worth of the newest: 1,000 at 1,000/s. */
        near(seen.wait_s_p50, full == NW_MODEL_FULL_DROP_OLDEST ? 1 : 5, 0.01);
    }
}

/* ---- a slow model that knows nothing of lists ---- */

enum { SLOW_MAX = 400 };

struct slow {
    const struct nw_model_queue_spec *spec;
    double accepted_s[SLOW_MAX], ends_s[SLOW_MAX], wait_s;
    enum slow_is {
        OUTSIDE,
        AT_DOOR,
        IN_LINE,
        WORKED,
        DONE,
        REFUSED,
        DROPPED,
        EXPIRED
    } is[SLOW_MAX];
};

static size_t slow_count(const struct slow *slow, enum slow_is what)
{
    size_t count = 0;
    for (uint64_t i = 0; i < slow->spec->count; i++)
        count += slow->is[i] == what;
    return count;
}

static int64_t slow_first(const struct slow *slow, enum slow_is what)
{
    for (uint64_t i = 0; i < slow->spec->count; i++)
        if (slow->is[i] == what)
            return (int64_t)i;
    return -1;
}

static bool slow_is_full(const struct slow *slow)
{
    return slow_count(slow, IN_LINE) + slow_count(slow, WORKED) >= slow->spec->depth_max;
}

static bool slow_is_out(const struct slow *slow, double now_s)
{
    const struct nw_model_queue_group *group = &slow->spec->groups[0];
    for (size_t i = 0; i < group->outage_count; i++)
        if (now_s >= group->outages[i].from_s && now_s < group->outages[i].until_s)
            return true;
    return false;
}

static void slow_accept(struct slow *slow, uint64_t i, double now_s)
{
    slow->is[i] = IN_LINE;
    slow->accepted_s[i] = now_s;
}

static void slow_settle(struct slow *slow, double now_s)
{
    const struct nw_model_queue_group *group = &slow->spec->groups[0];
    for (bool again = true; again;) {
        int64_t first = slow_first(slow, IN_LINE), door = slow_first(slow, AT_DOOR);
        again = false;
        if (first >= 0 && slow->spec->ttl_s > 0 &&
            now_s >= slow->accepted_s[first] + slow->spec->ttl_s) {
            slow->is[first] = EXPIRED;
            again = true;
        } else if (first >= 0 && !slow_is_out(slow, now_s) &&
                   slow_count(slow, WORKED) < group->workers) {
            slow->is[first] = WORKED;
            slow->wait_s += now_s - slow->accepted_s[first];
            slow->ends_s[first] =
                now_s + group->service.list_s[(uint64_t)first % group->service.list_count];
            again = true;
        } else if (door >= 0 && !slow_is_full(slow)) {
            slow_accept(slow, (uint64_t)door, now_s);
            again = true;
        }
    }
}

static void slow_arrive(struct slow *slow, uint64_t i, double now_s)
{
    slow_settle(slow, now_s);
    if (!slow_is_full(slow)) {
        slow_accept(slow, i, now_s);
    } else if (slow->spec->full == NW_MODEL_FULL_BLOCK) {
        slow->is[i] = AT_DOOR;
    } else if (slow->spec->full == NW_MODEL_FULL_DROP_OLDEST && slow_first(slow, IN_LINE) >= 0) {
        slow->is[slow_first(slow, IN_LINE)] = DROPPED;
        slow_accept(slow, i, now_s);
    } else {
        slow->is[i] = slow->spec->full == NW_MODEL_FULL_REFUSE ? REFUSED : DROPPED;
    }
    slow_settle(slow, now_s);
}

/* The next moment at which something ends: a service, an outage, a life. */
static double slow_next_s(const struct slow *slow, double now_s)
{
    const struct nw_model_queue_group *group = &slow->spec->groups[0];
    double next_s = HUGE_VAL;
    for (uint64_t i = 0; i < slow->spec->count; i++)
        if (slow->is[i] == WORKED && slow->ends_s[i] < next_s)
            next_s = slow->ends_s[i];
    for (uint64_t i = 0; slow->spec->ttl_s > 0 && i < slow->spec->count; i++)
        if (slow->is[i] == IN_LINE && slow->accepted_s[i] + slow->spec->ttl_s < next_s)
            next_s = slow->accepted_s[i] + slow->spec->ttl_s;
    for (size_t i = 0; i < group->outage_count; i++)
        if (group->outages[i].until_s > now_s && group->outages[i].until_s < next_s)
            next_s = group->outages[i].until_s;
    return next_s;
}

static void slow_play(struct slow *slow)
{
    uint64_t next = 0;
    double now_s = 0;
    for (;;) {
        double end_s = slow_next_s(slow, now_s);
        bool is_arrival = next < slow->spec->count && slow->spec->trace_s[next] < end_s;
        if (!is_arrival && end_s == HUGE_VAL)
            break;
        now_s = is_arrival ? slow->spec->trace_s[next] : end_s;
        if (is_arrival) {
            slow_arrive(slow, next++, now_s);
            continue;
        }
        for (uint64_t i = 0; i < slow->spec->count; i++)
            if (slow->is[i] == WORKED && slow->ends_s[i] <= now_s)
                slow->is[i] = DONE;
        slow_settle(slow, now_s);
    }
}

static void every_answer_is_what_the_slow_model_says(void **state)
{
    static const nw_model_full answers[] = {NW_MODEL_FULL_REFUSE, NW_MODEL_FULL_DROP_OLDEST,
                                            NW_MODEL_FULL_DROP_NEWEST, NW_MODEL_FULL_BLOCK};
    struct nw_rng rng;
    nw_rng_init(&rng, 4);
    for (int round = 0; round < (NW_ASAN || NW_TSAN ? 40 : 200); round++) {
        double times_s[SLOW_MAX], works_s[7], at_s = 0;
        struct nw_model_window outages[2] = {{5, 12}, {20, 20 + 10 * nw_rng_double(&rng)}};
        struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_TRACE, 40);
        struct slow *slow = nw_alloc_zero(sizeof *slow);
        spec.count = 1 + nw_rng_below(&rng, SLOW_MAX);
        for (uint64_t i = 0; i < spec.count; i++)
            times_s[i] = at_s += nw_rng_exponential(&rng, 0.1);
        for (size_t i = 0; i < NW_COUNT(works_s); i++)
            works_s[i] = nw_rng_exponential(&rng, 0.3);
        spec.trace_s = times_s;
        spec.depth_max = 1 + nw_rng_below(&rng, 30);
        spec.full = answers[nw_rng_below(&rng, NW_COUNT(answers))];
        spec.ttl_s = nw_rng_chance(&rng, 0.5) ? 4 * nw_rng_double(&rng) + 0.01 : 0;
        spec.groups[0].workers = 1 + (uint32_t)nw_rng_below(&rng, 5);
        spec.groups[0].service = (struct nw_model_service_law){
            .law = NW_MODEL_LAW_LIST, .list_s = works_s, .list_count = NW_COUNT(works_s)};
        spec.groups[0].outages = outages;
        spec.groups[0].outage_count = nw_rng_below(&rng, 3);
        slow->spec = &spec;
        slow_play(slow);
        struct nw_model_queue_seen seen = played(&spec, 0);
        assert_int_equal(seen.counts.done, slow_count(slow, DONE));
        assert_int_equal(seen.counts.refused, slow_count(slow, REFUSED));
        assert_int_equal(seen.counts.dropped, slow_count(slow, DROPPED));
        assert_int_equal(seen.counts.expired, slow_count(slow, EXPIRED));
        if (seen.counts.done > 0)
            near(seen.wait_s_mean, slow->wait_s / (double)seen.counts.done, 1e-9);
        nw_free(slow);
    }
}

/* ---- properties ---- */

static struct nw_model_queue_group random_group(struct nw_rng *rng,
                                                const struct nw_model_window *outages,
                                                const double *list_s)
{
    return (struct nw_model_queue_group){.workers = 1 + (uint32_t)nw_rng_below(rng, 8),
                                         .service = {.law = (nw_model_law)nw_rng_below(rng, 4),
                                                     .mean_s = nw_rng_exponential(rng, 0.05) + 1e-6,
                                                     .cv = 2 * nw_rng_double(rng),
                                                     .list_s = list_s,
                                                     .list_count = 3},
                                         .fail_ratio =
                                             nw_rng_chance(rng, 0.5) ? 0 : nw_rng_double(rng),
                                         .attempt_max = 1 + (uint32_t)nw_rng_below(rng, 4),
                                         .backoff_s = nw_rng_double(rng),
                                         .backoff_s_max = 2,
                                         .backoff_s_min = 0.1,
                                         .has_jitter = nw_rng_chance(rng, 0.5),
                                         .outages = outages,
                                         .outage_count = nw_rng_below(rng, 3),
                                         .alarm_s = 3 * nw_rng_double(rng)};
}

static void counts_balance(const struct nw_model_queuesim *sim,
                           const struct nw_model_queue_spec *spec, uint64_t *io_most)
{
    for (size_t g = 0; g < spec->group_count; g++) {
        struct nw_model_queue_counts at = nw_model_queuesim_counts(sim, g);
        assert_int_equal(at.arrived, at.done + at.refused + at.dropped + at.dead + at.expired +
                                         at.blocked + at.waiting + at.serving);
        assert_true(at.serving <= spec->groups[g].workers);
        assert_true(at.waiting + at.serving <= spec->depth_max);
        assert_true(at.arrived >= io_most[g]);
        io_most[g] = at.arrived;
    }
}

static void counts_balance_at_every_moment_of_random_scenarios(void **state)
{
    const struct nw_model_window outages[] = {{0, 1}, {2, 2.5}};
    const double trace_s[] = {0, 0, 0.5, 3, 3, 3}, list_s[] = {0, 0.1, 0.01};
    struct nw_rng rng;
    nw_rng_init(&rng, 3);
    for (int round = 0; round < (NW_ASAN || NW_TSAN ? 50 : 400); round++) {
        struct nw_model_queue_spec spec = jobs((nw_model_shape)nw_rng_below(&rng, 6), 5);
        uint64_t most[NW_MODEL_QUEUE_GROUPS_MAX] = {0};
        spec.seed = (uint64_t)round;
        spec.trace_s = trace_s;
        spec.count = spec.shape == NW_MODEL_SHAPE_TRACE ? 6 : nw_rng_below(&rng, 600);
        spec.over_s = 0.1 + 5 * nw_rng_double(&rng);
        spec.burst_count = 1 + nw_rng_below(&rng, 100);
        spec.front_s = nw_rng_double(&rng);
        spec.backlog = nw_rng_below(&rng, 20);
        spec.low_ratio = nw_rng_double(&rng);
        spec.depth_max = 1 + nw_rng_below(&rng, 60);
        spec.full = (nw_model_full)nw_rng_below(&rng, 5);
        spec.ttl_s = nw_rng_chance(&rng, 0.5) ? 0 : nw_rng_double(&rng);
        spec.group_count = 1 + nw_rng_below(&rng, 3);
        for (size_t g = 0; g < spec.group_count; g++)
            spec.groups[g] = random_group(&rng, outages, list_s);
        struct nw_model_queuesim *sim;
        assert_int_equal(nw_model_queuesim_new(&spec, &sim), NW_OK);
        nw_err err;
        while ((err = nw_model_queuesim_play(sim, 1)) == NW_AGAIN)
            counts_balance(sim, &spec, most);
        assert_int_equal(err, NW_OK);
        for (size_t g = 0; g < spec.group_count; g++) {
            struct nw_model_queue_counts at = nw_model_queuesim_counts(sim, g);
            assert_int_equal(at.arrived, spec.count + spec.backlog);
            assert_int_equal(at.blocked + at.waiting + at.serving, 0);
        }
        nw_model_queuesim_free(sim);
    }
}

/* The fluid balances too, and loses what the played queue loses where chance plays no part. */
static void the_fluid_balances_in_random_scenarios(void **state)
{
    const struct nw_model_window outages[] = {{0, 1}, {2, 2.5}};
    const double list_s[] = {0, 0.1, 0.01};
    struct nw_rng rng;
    nw_rng_init(&rng, 5);
    for (int round = 0; round < 400; round++) {
        struct nw_model_queue_spec spec = jobs((nw_model_shape)nw_rng_below(&rng, 5), 5);
        spec.seed = (uint64_t)round;
        spec.count = nw_rng_below(&rng, 6000);
        spec.backlog = nw_rng_below(&rng, 200);
        spec.depth_max = 1 + nw_rng_below(&rng, 600);
        spec.full = (nw_model_full)nw_rng_below(&rng, 5);
        spec.ttl_s = nw_rng_chance(&rng, 0.5) ? 0 : nw_rng_double(&rng);
        spec.group_count = 1 + nw_rng_below(&rng, 3);
        for (size_t g = 0; g < spec.group_count; g++)
            spec.groups[g] = random_group(&rng, outages, list_s);
        struct nw_model_queue_flow flows[NW_MODEL_QUEUE_GROUPS_MAX];
        assert_int_equal(nw_model_queue_flow_solve(&spec, flows), NW_OK);
        for (size_t g = 0; g < spec.group_count; g++) {
            const struct nw_model_queue_flow *flow = &flows[g];
            near(flow->done + flow->refused + flow->dropped + flow->dead + flow->expired,
                 flow->arrived, 1e-6 * (1 + flow->arrived));
            assert_true(flow->depth_peak <= (double)spec.depth_max * (1 + 1e-9));
        }
    }
}

/* 200/s at one worker of 4 ms is M/M/1 at 0.8: the mean wait is 16 ms. */
static void poisson_and_exponential_are_mm1(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_POISSON, 2500);
    struct nw_model_mmc mmc;
    spec.count = 500000;
    spec.groups[0].service =
        (struct nw_model_service_law){.law = NW_MODEL_LAW_EXPONENTIAL, .mean_s = 0.004};
    struct nw_model_queue_seen seen = played(&spec, 0);
    assert_int_equal(nw_model_mmc_solve(1, 200, 250, &mmc), NW_MODEL_QUEUE_STEADY);
    near(seen.wait_s_mean, mmc.wait_s, mmc.wait_s * 3 * 11.1 * 1.25 / sqrt(500000));
    near(seen.wait_s_p99, nw_model_mmc_wait_s_quantile(&mmc, 0.99), 0.1 * seen.wait_s_p99);
    near(seen.depth_mean, mmc.inside_count, 0.06 * mmc.inside_count);
    assert_int_equal(seen.wait.verdict, NW_MODEL_INTERVAL_OK);
    near(seen.wait.mean, mmc.wait_s, 2 * seen.wait.half);
}

/* Half of the attempts fail, three are allowed: an eighth dies, 1.75 attempts each. */
static void attempts_fail_back_off_and_die(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_EVEN, 1000);
    spec.count = 40000;
    spec.groups[0].fail_ratio = 0.5;
    spec.groups[0].attempt_max = 3;
    spec.groups[0].backoff_s = 1;
    spec.groups[0].backoff_s_max = 10;
    struct nw_model_queue_seen seen = played(&spec, 0);
    near((double)seen.counts.dead, 5000, 3 * 66.2);
    near((double)seen.retried, 30000, 3 * 166);
    /* The longest way is 1 s and 2 s of backing off, and little else. */
    assert_true(seen.stay_s_max > 3.015 && seen.stay_s_max < 3.5);
    near(flowed(&spec, 0).dead, 5000, 1e-6);
    spec.groups[0].has_jitter = true;
    spec.groups[0].backoff_s_min = 0.1;
    seen = played(&spec, 0);
    assert_true(seen.stay_s_max < 3.5);
    near(seen.stay_s_p50, 0.305, 0.3);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_ON_OFF, 60);
    spec.groups[0].fail_ratio = 0.1;
    spec.groups[0].attempt_max = 3;
    spec.groups[0].has_jitter = true;
    spec.groups[0].backoff_s = spec.groups[0].backoff_s_max = 1;
    struct nw_model_queue_seen a = played(&spec, 0), b = played(&spec, 0);
    assert_memory_equal(&a, &b, sizeof a);
    spec.seed = 2;
    b = played(&spec, 0);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static double mean_wait_s(nw_model_full full, uint64_t seed)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_POISSON, 100);
    spec.count = 20000; /* 200/s for 220/s of work */
    spec.groups[0].service =
        (struct nw_model_service_law){.law = NW_MODEL_LAW_EXPONENTIAL, .mean_s = 1 / 220.0};
    spec.depth_max = 30;
    spec.full = full;
    spec.seed = seed;
    return played(&spec, 0).wait_s_mean;
}

/* The same seeds for both policies, or other ones for the second. */
static void common_random_numbers_halve_the_interval_of_a_difference(void **state)
{
    enum { PAIRS = 20 };
    double refuse[PAIRS], oldest[PAIRS], apart[PAIRS];
    for (uint64_t i = 0; i < PAIRS; i++) {
        refuse[i] = mean_wait_s(NW_MODEL_FULL_REFUSE, i);
        oldest[i] = mean_wait_s(NW_MODEL_FULL_DROP_OLDEST, i);
        apart[i] = mean_wait_s(NW_MODEL_FULL_DROP_OLDEST, 1000 + i);
    }
    struct nw_model_interval common = nw_model_interval_paired(refuse, oldest, PAIRS);
    struct nw_model_interval other = nw_model_interval_paired(refuse, apart, PAIRS);
    if (!(common.half <= other.half / 2))
        fail_msg("common: %g, apart: %g", common.half, other.half);
    assert_true(common.mean > common.half); /* who loses the oldest makes the others wait less */
}

/* The mean wait is known to 10 % long before a billion messages have come. */
static void precision_stops_early(void **state)
{
    struct nw_model_queue_spec spec = jobs(NW_MODEL_SHAPE_POISSON, 5e6);
    spec.count = 1000000000;
    spec.groups[0].service =
        (struct nw_model_service_law){.law = NW_MODEL_LAW_EXPONENTIAL, .mean_s = 0.0025};
    spec.precision = 0.1;
    struct nw_model_queue_seen seen = played(&spec, 0);
    assert_true(seen.counts.arrived < 2000000);
    assert_true(nw_model_interval_is_precise(&seen.wait, 0.1));
}

static void what_makes_no_queue_is_said(void **state)
{
    struct nw_model_queue_spec good = jobs(NW_MODEL_SHAPE_EVEN, 60), bad = good;
    struct nw_model_queuesim *sim = NULL;
    struct nw_model_queue_flow flow;
    const double down_s[] = {1, 0.5};
    assert_null(nw_model_queue_spec_judge(&good));
    bad.groups[0].workers = 0;
    assert_string_equal(nw_model_queue_spec_judge(&bad), "a group has 1 to 1,000,000 workers");
    assert_int_equal(nw_model_queuesim_new(&bad, &sim), NW_INVALID);
    assert_int_equal(nw_model_queue_flow_solve(&bad, &flow), NW_INVALID);
    assert_null(sim);
    bad = good;
    bad.over_s = NAN;
    assert_non_null(nw_model_queue_spec_judge(&bad));
    bad = good;
    bad.groups[0].service.mean_s = 0;
    assert_non_null(nw_model_queue_spec_judge(&bad));
    bad = good;
    bad.shape = NW_MODEL_SHAPE_TRACE;
    bad.trace_s = down_s;
    bad.count = 2;
    assert_non_null(nw_model_queue_spec_judge(&bad));
    bad = good;
    bad.depth_max = 0;
    assert_non_null(nw_model_queue_spec_judge(&bad));
    bad = good;
    bad.shape = NW_MODEL_SHAPE_ON_OFF;
    bad.on_s = bad.off_s = 1e-6;
    assert_non_null(nw_model_queue_spec_judge(&bad)); /* 30 million phases */
    bad = good;
    bad.group_count = 0;
    assert_non_null(nw_model_queue_spec_judge(&bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_e1_a_burst_of_10000_is_gone_after_50_s),
        cmocka_unit_test(fact_e1a_spread_evenly_the_depth_is_1_at_most),
        cmocka_unit_test(fact_e1b_poisson_peaks_at_20_in_the_mean),
        cmocka_unit_test(fact_e1c_front_loaded_peaks_at_8000),
        cmocka_unit_test(fact_e1d_stopped_workers_leave_10000_and_110_s),
        cmocka_unit_test(fact_e2_e2l_threads_held_are_rate_times_time),
        cmocka_unit_test(fact_e2d_an_outage_of_two_minutes_loses_nothing),
        cmocka_unit_test(fact_e2p_a_partition_takes_forty_times_three_calls),
        cmocka_unit_test(fact_e3_one_groups_lag_does_not_touch_another),
        cmocka_unit_test(fact_e3c_two_hours_behind_are_caught_up),
        cmocka_unit_test(a_full_queue_refuses_drops_or_delays_as_it_was_told),
        cmocka_unit_test(a_front_against_a_bound_of_1000_leaves_3000),
        cmocka_unit_test(every_answer_is_what_the_slow_model_says),
        cmocka_unit_test(counts_balance_at_every_moment_of_random_scenarios),
        cmocka_unit_test(the_fluid_balances_in_random_scenarios),
        cmocka_unit_test(poisson_and_exponential_are_mm1),
        cmocka_unit_test(attempts_fail_back_off_and_die),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(common_random_numbers_halve_the_interval_of_a_difference),
        cmocka_unit_test(precision_stops_early),
        cmocka_unit_test(what_makes_no_queue_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
