/* The contract of model/station.h: engine, recursion and closed form tell of the same queue. */
#include "model/station.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/queueing.h"
#include "model/random.h"
#include "model/stats.h"

#if NW_ASAN || NW_TSAN
#define SHORTER 20.0
#define SEEDS 20
#else
#define SHORTER 1.0
#define SEEDS 100
#endif

/* One stream for the gaps, one for the work: the same customers for every station. */
struct customers {
    struct nw_rng gaps, works;
    double gap_s, now_s;
};

static struct customers customers_of(uint64_t seed, double rate_per_s)
{
    struct customers customers = {.gap_s = 1 / rate_per_s};
    nw_model_stream_init(&customers.gaps, seed, NW_MODEL_ARRIVALS, 0);
    nw_model_stream_init(&customers.works, seed, NW_MODEL_SERVICE, 0);
    return customers;
}

static double next_work_s(struct customers *customers)
{
    customers->now_s += nw_rng_exponential(&customers->gaps, customers->gap_s);
    return nw_rng_exponential(&customers->works, 1);
}

/* Mean response of `count` customers of one station, by the engine. */
static double engine_response_s(nw_model_eventlist_kind kind, nw_model_discipline discipline,
                                uint32_t servers, double rate_per_s, uint32_t count)
{
    struct nw_model_stations *set = nw_model_stations_new(kind, 1u << 20);
    struct customers customers = customers_of(1, rate_per_s);
    struct nw_model_happening seen;
    double sum_s = 0, work_s = next_work_s(&customers);
    uint32_t entered = 0;
    nw_model_station_add(set, discipline, servers, 1);
    assert_int_equal(nw_model_stations_remind(set, customers.now_s, 0), NW_OK);
    while (nw_model_stations_next(set, &seen)) {
        if (seen.station != NW_MODEL_STATION_NONE) {
            sum_s += seen.time_s - seen.entered_s;
            continue;
        }
        assert_int_equal(nw_model_station_enter(set, seen.time_s, 0, work_s, entered), NW_OK);
        if (++entered == count)
            continue;
        work_s = next_work_s(&customers);
        assert_int_equal(nw_model_stations_remind(set, customers.now_s, 0), NW_OK);
    }
    assert_int_equal(nw_model_station_look(set, seen.time_s, 0).departed, count);
    nw_model_stations_free(set);
    return sum_s / count;
}

static double lindley_response_s(uint32_t servers, double rate_per_s, uint32_t count)
{
    struct nw_model_lindley queue;
    struct customers customers = customers_of(1, rate_per_s);
    double sum_s = 0;
    nw_model_lindley_init(&queue, servers);
    for (uint32_t i = 0; i < count; i++) {
        double work_s = next_work_s(&customers);
        sum_s += nw_model_lindley_serve(&queue, customers.now_s, work_s) + work_s - customers.now_s;
    }
    nw_model_lindley_done(&queue);
    return sum_s / count;
}

static double theory_response_s(uint32_t servers, double rate_per_s)
{
    struct nw_model_mmc mmc;
    assert_int_equal(nw_model_mmc_solve(servers, rate_per_s, 1, &mmc), NW_MODEL_QUEUE_STEADY);
    return mmc.response_s;
}

static void same_within(double a, double b, double relative)
{
    if (!(fabs(a - b) <= relative * fabs(b)))
        fail_msg("%.17g is not %.17g to %g", a, b, relative);
}

/* The same customers: whatever lists the events, each response is the recursion's to rounding. */
static void calendar_heap_and_recursion_serve_the_same_queue(void **state)
{
    static const struct {
        uint32_t servers;
        double load;
    } cases[] = {{1, 0.8}, {4, 0.9}, {1, 0.3}, {40, 0.97}};
    uint32_t count = (uint32_t)(300000 / SHORTER);
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        double rate_per_s = cases[i].servers * cases[i].load;
        double exact_s = lindley_response_s(cases[i].servers, rate_per_s, count);
        for (int kind = NW_MODEL_CALENDAR; kind <= NW_MODEL_HEAP; kind++)
            same_within(engine_response_s(kind, NW_MODEL_FIFO, cases[i].servers, rate_per_s, count),
                        exact_s, 1e-9);
    }
}

/*
 * Within 1 %, which is three standard errors: one customer's response has the asymptotic deviation
 * 11.1 (M/M/1 at 0.8) and 16 (M/M/4 at 0.9) of its mean (from r (2 + 5r - 4r^2 + r^3) / (1 - r)^4,
 * the variance sum of M/M/1 waits).
 */
static void mm1_at_0_8_and_mm4_at_0_9_are_the_closed_form_within_1_percent(void **state)
{
    double wide = sqrt(SHORTER);
    same_within(lindley_response_s(1, 0.8, (uint32_t)(1.2e7 / SHORTER)), theory_response_s(1, 0.8),
                0.01 * wide);
    same_within(lindley_response_s(4, 3.6, (uint32_t)(2.3e7 / SHORTER)), theory_response_s(4, 3.6),
                0.01 * wide);
}

/* One long run each; the interval is what a user gets, and "too short" covers nothing. */
static int covered_of_seeds(uint32_t servers, double rate_per_s, uint32_t count)
{
    int covered = 0;
    double theory_s = theory_response_s(servers, rate_per_s);
    struct nw_model_series *series = nw_alloc(sizeof *series);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct nw_model_lindley queue;
        struct customers customers = customers_of(seed, rate_per_s);
        *series = (struct nw_model_series){0};
        nw_model_lindley_init(&queue, servers);
        for (uint32_t i = 0; i < count; i++) {
            double work_s = next_work_s(&customers);
            double begin_s = nw_model_lindley_serve(&queue, customers.now_s, work_s);
            nw_model_series_add(series, begin_s + work_s - customers.now_s);
        }
        nw_model_lindley_done(&queue);
        struct nw_model_interval interval = nw_model_series_interval(series);
        covered += interval.verdict == NW_MODEL_INTERVAL_OK &&
                   fabs(interval.mean - theory_s) <= interval.half;
    }
    nw_free(series);
    return covered;
}

static void intervals_of_95_percent_cover_theory_in_90_of_100_seeds(void **state)
{
    int mm1 = covered_of_seeds(1, 0.8, 100000), mm4 = covered_of_seeds(4, 3.6, 200000);
    if (mm1 < SEEDS * 9 / 10 || mm4 < SEEDS * 9 / 10)
        fail_msg("M/M/1: %d, M/M/4: %d of %d", mm1, mm4, SEEDS);
}

/* M/G/1-PS has the mean response of M/M/1; exponential work has M/M/1's under either discipline. */
static void ps_has_the_mean_of_mm1(void **state)
{
    uint32_t count = (uint32_t)(1e6 / SHORTER);
    double ps_s = engine_response_s(NW_MODEL_CALENDAR, NW_MODEL_PS, 1, 0.5, count);
    same_within(ps_s, 2, 0.02 * sqrt(SHORTER));
    assert_true(ps_s == engine_response_s(NW_MODEL_HEAP, NW_MODEL_PS, 1, 0.5, count));
}

/* Hand-made: work 3 and 1 at time 0 share until 2, when the short one is done; then alone to 4. */
static void shares_are_what_arithmetic_says(void **state)
{
    struct nw_model_stations *set = nw_model_stations_new(NW_MODEL_CALENDAR, 4);
    struct nw_model_happening seen;
    assert_int_equal(nw_model_station_add(set, NW_MODEL_PS, 1, 1), 0);
    assert_int_equal(nw_model_station_enter(set, 0, 0, 3, 30), NW_OK);
    assert_int_equal(nw_model_station_enter(set, 0, 0, 1, 10), NW_OK);
    assert_true(nw_model_stations_next(set, &seen));
    assert_true(seen.time_s == 2 && seen.tag == 10);
    nw_model_station_speed_set(set, 2, 0, 4); /* 2 s of work are left: half a second */
    assert_true(nw_model_stations_next(set, &seen));
    assert_true(seen.time_s == 2.5 && seen.tag == 30 && seen.entered_s == 0);
    assert_false(nw_model_stations_next(set, &seen));

    /* Two servers, three customers of 2: each gets 2/3, all end at 2.5 + 3 / 4 in their order. */
    uint32_t two = nw_model_station_add(set, NW_MODEL_PS, 2, 4);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(nw_model_station_enter(set, 2.5, two, 2, i), NW_OK);
    struct nw_model_station_state at = nw_model_station_look(set, 3, two);
    assert_true(at.inside == 3 && at.serving == 2 && at.inside_s == 1.5 && at.serving_s == 1);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(nw_model_stations_next(set, &seen));
        assert_true(fabs(seen.time_s - 3.25) < 1e-12 && seen.tag == i);
    }
    nw_model_stations_free(set);
}

/* A slower station puts the end off, a faster one brings it nearer; nobody leaves twice. */
static void a_change_of_speed_moves_the_end(void **state)
{
    struct nw_model_stations *set = nw_model_stations_new(NW_MODEL_HEAP, 4);
    struct nw_model_happening seen;
    nw_model_station_add(set, NW_MODEL_PS, 1, 1);
    assert_int_equal(nw_model_station_enter(set, 0, 0, 10, 1), NW_OK);
    nw_model_station_speed_set(set, 5, 0, 0.5); /* 5 left: ends at 15 */
    nw_model_station_speed_set(set, 7, 0, 2);   /* 4 left: ends at 9 */
    assert_true(nw_model_stations_next(set, &seen));
    assert_true(seen.time_s == 9);
    assert_false(nw_model_stations_next(set, &seen));
    nw_model_stations_free(set);
}

static void fifo_keeps_the_order_and_counts_its_time(void **state)
{
    struct nw_model_stations *set = nw_model_stations_new(NW_MODEL_CALENDAR, 3);
    struct nw_model_happening seen;
    nw_model_station_add(set, NW_MODEL_FIFO, 1, 2);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(nw_model_station_enter(set, 0, 0, 4, i), NW_OK);
    assert_int_equal(nw_model_station_enter(set, 0, 0, 4, 3), NW_NO_MEMORY);
    assert_int_equal(nw_model_stations_remind(set, 3, 77), NW_OK);
    for (uint32_t i = 0; i < 3; i++) {
        if (i == 1) {
            assert_true(nw_model_stations_next(set, &seen));
            assert_true(seen.station == NW_MODEL_STATION_NONE && seen.tag == 77 &&
                        seen.time_s == 3);
        }
        assert_true(nw_model_stations_next(set, &seen));
        assert_true(seen.tag == i && seen.time_s == 2 * (i + 1) && seen.begun_s == 2 * i);
    }
    struct nw_model_station_state at = nw_model_station_look(set, 10, 0);
    assert_true(at.inside == 0 && at.departed == 3 && at.serving_s == 6 && at.inside_s == 12);
    nw_model_stations_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_heap_and_recursion_serve_the_same_queue),
        cmocka_unit_test(mm1_at_0_8_and_mm4_at_0_9_are_the_closed_form_within_1_percent),
        cmocka_unit_test(intervals_of_95_percent_cover_theory_in_90_of_100_seeds),
        cmocka_unit_test(ps_has_the_mean_of_mm1),
        cmocka_unit_test(shares_are_what_arithmetic_says),
        cmocka_unit_test(a_change_of_speed_moves_the_end),
        cmocka_unit_test(fifo_keeps_the_order_and_counts_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
