/*
 * The contract of model/queueing.h for closed networks. The other form of each answer is mean value
 * analysis as the textbook has it, in this file and, where digits are given, in mpmath.
 */
#include "model/queueing.h"

#include "base/rng.h"
#include "near.h"

static struct nw_model_closed closed(const double *demands_s, size_t count, double think_s,
                                     uint64_t customers, double *out_count)
{
    struct nw_model_closed_station stations[NW_MODEL_STATIONS_MAX];
    struct nw_model_closed out;
    for (size_t i = 0; i < count; i++)
        stations[i] = (struct nw_model_closed_station){.demand_s = demands_s[i]};
    assert_int_equal(nw_model_closed_solve(stations, count, think_s, customers, &out, out_count),
                     NW_MODEL_QUEUE_STEADY);
    return out;
}

static void fact_l6_one_station_for_one_and_for_a_hundred(void **state)
{
    struct nw_model_closed one = closed((double[]){0.005}, 1, 0.015, 1, NULL);
    assert_near(one.rate_per_s, 50, 1e-12);
    assert_near(one.round_s, 0.020, 1e-12);
    struct nw_model_closed many = closed((double[]){0.005}, 1, 0.015, 100, NULL);
    assert_near(many.rate_per_s, 200, 1e-12);
    assert_near(many.round_s, 0.500, 1e-12);
}

/* 20 ms for one user and 500 ms for a hundred is a matter of scale: the station is the limit. */
static void fact_h6_slow_for_a_hundred_but_not_for_one(void **state)
{
    struct nw_model_closed_station station = {.demand_s = 0.005};
    double one_per_s, many_per_s;
    assert_int_equal(nw_model_closed_bound_per_s(&station, 1, 0.015, 1, &one_per_s),
                     NW_MODEL_QUEUE_STEADY);
    assert_int_equal(nw_model_closed_bound_per_s(&station, 1, 0.015, 100, &many_per_s),
                     NW_MODEL_QUEUE_STEADY);
    assert_near(1 / one_per_s, 0.020, 1e-12);
    assert_near(100 / many_per_s, 0.500, 1e-12);
}

/* A pool of 20 whose query takes 20 ms is a station of 1 ms. */
static void fact_j5_a_pool_of_20_and_a_thousand_users(void **state)
{
    struct nw_model_closed_station pool = {.demand_s = 0.02 / 20};
    double rate_per_s;
    assert_int_equal(nw_model_closed_bound_per_s(&pool, 1, 0, 1000, &rate_per_s),
                     NW_MODEL_QUEUE_STEADY);
    assert_near(rate_per_s, 1000, 1e-12);
    assert_near(1000 / rate_per_s, 1, 1e-12);
}

static void fact_l7_three_stations(void **state)
{
    static const double demands_s[] = {0.005, 0.030, 0.027};
    double inside[3];
    struct nw_model_closed c = closed(demands_s, 3, 0, 50, inside);
    assert_near(c.rate_per_s, 33.3156799004926, 1e-12);
    assert_near(c.response_s, 1.50079482541975, 1e-12);
    assert_near(inside[0], 0.199870006539991, 1e-12);
    assert_near(inside[1], 41.0421344848429, 1e-12);
    assert_near(inside[2], 8.75799550861715, 1e-12);
    c = closed(demands_s, 3, 15, 100, NULL);
    assert_near(c.rate_per_s, 6.63336206146178, 1e-12);
    assert_near(c.response_s, 0.0753115951525775, 1e-12);
    assert_near(c.utilisation_max, 6.63336206146178 * 0.030, 1e-12);
}

/* Reiser and Lavenberg, one customer after the other. */
static double rate_by_mean_values(const double *demands_s, size_t count, double think_s,
                                  uint64_t customers, double *inside)
{
    double rate = 0;
    for (size_t k = 0; k < count; k++)
        inside[k] = 0;
    for (uint64_t n = 1; n <= customers; n++) {
        double round_s = think_s, response_s[NW_MODEL_STATIONS_MAX];
        for (size_t k = 0; k < count; k++)
            round_s += response_s[k] = demands_s[k] * (1 + inside[k]);
        rate = (double)n / round_s;
        for (size_t k = 0; k < count; k++)
            inside[k] = rate * response_s[k];
    }
    return rate;
}

static void every_network_agrees_with_mean_value_analysis(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 1);
    for (int i = 0; i < 200; i++) {
        double demands_s[NW_MODEL_STATIONS_MAX], inside[NW_MODEL_STATIONS_MAX];
        double expected_inside[NW_MODEL_STATIONS_MAX];
        size_t count = 1 + nw_rng_below(&rng, i < 150 ? 6 : NW_MODEL_STATIONS_MAX);
        uint64_t customers = 1 + nw_rng_below(&rng, 300);
        for (size_t k = 0; k < count; k++)
            demands_s[k] = nw_rng_chance(&rng, 0.1) ? 0 : exp(12 * nw_rng_double(&rng) - 10);
        demands_s[0] = 0.01;
        double think_s = nw_rng_chance(&rng, 0.3) ? 0 : exp(16 * nw_rng_double(&rng) - 8);
        double rate = rate_by_mean_values(demands_s, count, think_s, customers, expected_inside);
        struct nw_model_closed c = closed(demands_s, count, think_s, customers, inside);
        assert_near(c.rate_per_s, rate, 1e-11);
        double response_s = 0;
        for (size_t k = 0; k < count; k++) {
            assert_near(inside[k], expected_inside[k], 1e-10);
            response_s += expected_inside[k] / rate;
        }
        assert_near(c.response_s, response_s, 1e-11);
        assert_near(c.round_s, (double)customers / rate, 1e-11);
    }
}

/* g_0 reaches 2,000^2,000 / 2,000!, beyond every double, and falls below every double again. */
static void constants_beyond_the_range_of_doubles_do_not_show(void **state)
{
    double inside[2];
    struct nw_model_closed c = closed((double[]){0.001}, 1, 2, 5000, inside);
    assert_near(c.rate_per_s, 1000, 1e-11);
    assert_near(c.response_s, 3, 1e-11);
    assert_near(inside[0], 3000, 1e-11);
    c = closed((double[]){0.001, 0.0005}, 2, 5, 4000, inside);
    assert_near(c.rate_per_s, 799.075429062011, 1e-11);
    assert_near(c.response_s, 0.00578525446011237, 1e-11);
    assert_near(inside[0], 3.95765463676628, 1e-11);
    c = closed((double[]){0.002, 0.002, 0.002}, 3, 0, 1000, NULL); /* N / (N + K - 1) / D */
    assert_near(c.rate_per_s, 1000 / 1002.0 / 0.002, 1e-11);
}

static void stations_where_nobody_waits_are_part_of_the_response(void **state)
{
    struct nw_model_closed_station stations[] = {{.demand_s = 0.2, .is_delay = true},
                                                 {.demand_s = 0},
                                                 {.demand_s = 0.005},
                                                 {.demand_s = 0.3, .is_delay = true}};
    struct nw_model_closed c, plain = closed((double[]){0.005}, 1, 1.5, 80, NULL);
    double inside[4];
    assert_int_equal(nw_model_closed_solve(stations, 4, 1, 80, &c, inside), NW_MODEL_QUEUE_STEADY);
    assert_near(c.rate_per_s, plain.rate_per_s, 1e-12);
    assert_near(c.response_s, plain.response_s + 0.5, 1e-12);
    assert_near(inside[0], 0.2 * c.rate_per_s, 1e-12);
    assert_near(inside[1], 0, 0);
    assert_near(inside[0] + inside[2] + inside[3] + c.rate_per_s, 80, 1e-12);

    stations[2].demand_s = 0; /* nobody waits anywhere */
    assert_int_equal(nw_model_closed_solve(stations, 4, 1, 80, &c, inside), NW_MODEL_QUEUE_STEADY);
    assert_near(c.rate_per_s, 80 / 1.5, 1e-12);
    assert_near(c.response_s, 0.5, 1e-12);
    assert_near(inside[3], 0.3 * 80 / 1.5, 1e-12);
    assert_near(c.utilisation_max + inside[1] + inside[2], 0, 0);
}

static void no_network_beats_its_bound(void **state)
{
    struct nw_model_closed_station stations[] = {
        {.demand_s = 0.005}, {.demand_s = 0.03}, {.demand_s = 0.1, .is_delay = true}};
    double last = 0;
    for (uint64_t n = 1; n <= 200; n++) {
        struct nw_model_closed c;
        double bound;
        assert_int_equal(nw_model_closed_solve(stations, 3, 0.2, n, &c, NULL),
                         NW_MODEL_QUEUE_STEADY);
        assert_int_equal(nw_model_closed_bound_per_s(stations, 3, 0.2, n, &bound),
                         NW_MODEL_QUEUE_STEADY);
        double expected = fmin(1 / 0.03, (double)n / 0.335);
        assert_near(bound, expected, 1e-12);
        assert_true(c.rate_per_s <= bound * (1 + 1e-12) && c.rate_per_s >= last);
        last = c.rate_per_s;
    }
}

static void what_is_no_network_is_invalid_and_writes_nothing(void **state)
{
    static const double bad[] = {-1, NAN, INFINITY, 1e51, 1e-51};
    struct nw_model_closed_station station = {.demand_s = 1}, empty = {0};
    struct nw_model_closed c = {.rate_per_s = 42};
    double bound = 42;
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        struct nw_model_closed_station s = {.demand_s = bad[i], .is_delay = i & 1};
        assert_int_equal(nw_model_closed_solve(&s, 1, 1, 1, &c, NULL), NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_closed_solve(&station, 1, bad[i], 1, &c, NULL),
                         NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_closed_bound_per_s(&s, 1, 1, 1, &bound), NW_MODEL_QUEUE_INVALID);
    }
    assert_int_equal(nw_model_closed_solve(&empty, 1, 0, 1, &c, NULL), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_closed_solve(NULL, 0, 0, 1, &c, NULL), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_closed_solve(&station, 1, 0, 0, &c, NULL), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_closed_solve(&station, 65, 0, 1, &c, NULL), NW_MODEL_QUEUE_INVALID);
    assert_near(c.rate_per_s + bound, 84, 0);
}

static void extremes_stay_finite(void **state)
{
    double inside[2];
    struct nw_model_closed c = closed((double[]){1e-50, 1e50}, 2, 1e50, 100000, inside);
    assert_near(c.rate_per_s, 1e-50, 1e-4);
    assert_true(isfinite(c.response_s) && isfinite(inside[0]) && isfinite(inside[1]));
    c = closed((double[]){1e-50}, 1, 1e50, 100000, inside);
    assert_near(c.rate_per_s, 1e-45, 1e-12);
    assert_near(c.response_s, 1e-50, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_l6_one_station_for_one_and_for_a_hundred),
        cmocka_unit_test(fact_h6_slow_for_a_hundred_but_not_for_one),
        cmocka_unit_test(fact_j5_a_pool_of_20_and_a_thousand_users),
        cmocka_unit_test(fact_l7_three_stations),
        cmocka_unit_test(every_network_agrees_with_mean_value_analysis),
        cmocka_unit_test(constants_beyond_the_range_of_doubles_do_not_show),
        cmocka_unit_test(stations_where_nobody_waits_are_part_of_the_response),
        cmocka_unit_test(no_network_beats_its_bound),
        cmocka_unit_test(what_is_no_network_is_invalid_and_writes_nothing),
        cmocka_unit_test(extremes_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
