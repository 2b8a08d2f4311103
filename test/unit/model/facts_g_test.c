/* Worked examples G2 to G9: availability. */
#include "facts.h"
#include "model/nines.h"

static void allows(double nines, double year_s, double month_s, double week_s)
{
    double availability = 1 - pow(10, -nines);
    struct nw_model_downtime away = nw_model_nines_downtime(availability);
    /* 1 - 0.999999 has ten digits left, so that is what can be compared. */
    assert_true(fabs(away.year_s / year_s - 1) < 1e-9 && fabs(away.month_s / month_s - 1) < 1e-9 &&
                fabs(away.week_s / week_s - 1) < 1e-9);
}

static void judged(double target, const char *printed)
{
    const struct nw_model_nines_in in = {.at = "availability", .target = nw_model_given(target)};
    nw_model_nines_judge(&in, &facts_steps);
    assert_step("availability.allowed_year_s", (1 - target) * 365 * 86400, printed);
}

static void fact_g2_two_nines(void **state)
{
    allows(2, 3.65 * 86400, 7.3 * 3600, 1.68 * 3600);
    judged(0.99, "3.65 d; a month 7.2 h, a week 1.68 h");
}

static void fact_g3_three_nines(void **state)
{
    allows(3, 8.76 * 3600, 43.8 * 60, 10.08 * 60);
    judged(0.999, "8.76 h; a month 43.8 min, a week 10.1 min");
}

static void fact_g4_four_nines(void **state)
{
    allows(4, 52.56 * 60, 4.38 * 60, 1.008 * 60);
    judged(0.9999, "52.56 min; a month 4.38 min, a week 1.01 min");
}

static void fact_g5_five_nines(void **state)
{
    allows(5, 5.256 * 60, 26.28, 6.048);
    judged(0.99999, "5.26 min; a month 26.3 s, a week 6.05 s");
}

static void fact_g6_six_nines(void **state)
{
    allows(6, 31.536, 2.628, 0.6048);
    judged(0.999999, "31.5 s; a month 2.6 s, a week 0.6 s");
}

static void fact_g8_parts_together(void **state)
{
    const double series[] = {0.9999, 0.9999, 0.999}, parallel[] = {0.99, 0.99};
    assert_is(nw_model_nines_series(series, 3), 0.9999 * 0.9999 * 0.999);
    assert_shows(nw_model_nines_series(series, 3), 0.99880021, 8);
    assert_is(nw_model_nines_parallel(parallel, 2), 0.9999);
    assert_is(nw_model_nines_of(0.999, 2, 3, 0), 3 * 0.999 * 0.999 * 0.001 + pow(0.999, 3));
    assert_shows(nw_model_nines_of(0.999, 2, 3, 0), 0.999997002, 9);
    assert_is(nw_model_nines_of(0.99, 20, 20, 0), pow(0.99, 20));
    assert_shows(nw_model_nines_of(0.99, 20, 20, 0), 0.817907, 6);
    assert_shows(nw_model_nines_of(0.99, 20, 21, 0), 0.981488, 6);
    assert_shows(nw_model_nines_of(0.99, 20, 22, 0), 0.998664, 6);
}

static void fact_g9_how_long_40_percent_errors_may_last(void **state)
{
    assert_is(nw_model_nines_error_window_s(0.97, 0.4, 86400), 1.8 * 3600);
    assert_is(nw_model_nines_error_window_s(0.97, 0.4, 7 * 86400), 12.6 * 3600);
    assert_is(nw_model_nines_error_window_s(0.97, 0.4, 730 * 3600), 54.75 * 3600);
    assert_is(nw_model_nines_error_window_s(0.97, 0.01, 86400), 86400); /* never below it */
    assert_is(nw_model_nines_error_window_s(0.97, 0, 86400), 86400);
}

/* ---- beyond the worked examples ---- */

/* Sums the binomial by its definition, from Pascal's triangle. */
static double by_pascal(double availability, int needed, int count)
{
    double row[64] = {1}, sum = 0;
    for (int n = 1; n <= count; n++)
        for (int k = n; k > 0; k--)
            row[k] += row[k - 1];
    for (int up = needed; up <= count; up++)
        sum += row[up] * pow(availability, up) * pow(1 - availability, count - up);
    return sum;
}

static void k_of_n_is_the_sum_of_the_binomial(void **state)
{
    for (int count = 1; count <= 50; count += 7)
        for (int needed = 1; needed <= count; needed += 3)
            for (double availability = 0.05; availability < 1; availability += 0.09) {
                double ours = nw_model_nines_of(availability, needed, count, 0);
                assert_true(fabs(ours - by_pascal(availability, needed, count)) < 1e-12);
            }
}

static void k_of_n_of_a_million_is_a_number(void **state)
{
    double half = nw_model_nines_of(0.99, 990000, 1000000, 0);
    assert_true(half > 0.49 && half < 0.52); /* the median is the mean, by the normal law */
    assert_true(nw_model_nines_of(0.99, 980000, 1000000, 0) > 1 - 1e-12);
    assert_true(nw_model_nines_of(0.99, 1000000, 1000000, 0) >= 0);
    assert_true(nw_model_nines_of(0.99, 1000000, 1000000, 0) < 1e-12);
}

static void k_of_n_beyond_counting_is_all_or_nothing(void **state)
{
    assert_true(nw_model_nines_of(0.99, 0.98e12, 1e12, 0) == 1);
    assert_true(nw_model_nines_of(0.99, 0.995e30, 1e30, 0) == 0);
    assert_is(nw_model_nines_of(0.99, 0.98e30, 1e30, 0.1), 0.999);
    /* and a billion is counted: 30 deviations of safety on either side */
    assert_true(nw_model_nines_of(0.99, 989900000, 1e9, 0) > 1 - 1e-12);
    assert_true(nw_model_nines_of(0.99, 990100000, 1e9, 0) < 1e-12);
}

static void certain_parts_and_dead_ones(void **state)
{
    assert_true(nw_model_nines_of(1, 3, 3, 0) == 1);
    assert_true(nw_model_nines_of(1, 3, 3, 0.5) == 1);
    assert_true(nw_model_nines_of(0, 1, 3, 0) == 0);
    assert_true(nw_model_nines_of(0.5, 0, 3, 0) == 1);
    assert_true(nw_model_nines_series(NULL, 0) == 1);
    assert_true(nw_model_nines_parallel(NULL, 0) == 0);
}

/* Failures that take all copies at once: no number of spares is better than one without them. */
static void a_common_cause_bounds_what_spares_can_buy(void **state)
{
    double alone = nw_model_nines_of(0.99, 1, 1, 0.1);
    assert_true(fabs(alone - 0.99) < 1e-4); /* one copy: 0.999 x 0.991 */
    assert_is(nw_model_nines_of(0.99, 1, 30, 0.1), 0.999);
    assert_is(nw_model_nines_of(0.99, 1, 2, 0.1), 0.999 * (1 - 0.009 * 0.009));
    assert_is(nw_model_nines_of(0.99, 1, 2, 1), 0.99);
}

static void repair_time_makes_availability(void **state)
{
    assert_is(nw_model_nines_repair(99, 1), 0.99);
    assert_true(nw_model_nines_repair(0, 5) == 0 && nw_model_nines_repair(5, 0) == 1);
}

static void the_weakest_part_decides(void **state)
{
    const struct nw_model_part parts[] = {{"app", nw_model_given(0.9999)},
                                          {"main", nw_model_given(0.999)},
                                          {"cache", nw_model_given(0.9999)}};
    struct nw_model_nines_in in = {
        .at = "availability",
        .target = nw_model_given(0.999),
        .parts = parts,
        .part_count = 3,
    };
    struct nw_model_nines nines = nw_model_nines_judge(&in, &facts_steps);
    assert_is(nines.availability, 0.9999 * 0.999 * 0.9999);
    assert_false(nines.is_met);
    assert_int_equal(nines.weakest_index, 1);
    assert_is(nines.best, 0.999);
    in.target = nw_model_given(0.998);
    assert_true(nw_model_nines_judge(&in, NULL).is_met);
    in.part_count = 1;
    in.target = nw_model_given(0.9999);
    assert_true(nw_model_nines_judge(&in, NULL).is_met); /* exactly as stated */
}

static void a_fleet_with_spares_shows_what_it_assumes(void **state)
{
    struct nw_model_nines_fleet_in in = {
        .at = "services.app",
        .node = nw_model_given(0.99),
        .needed = nw_model_derived(20),
        .nodes = nw_model_derived(21),
        .common_cause = nw_model_given(0),
    };
    assert_shows(nw_model_nines_fleet(&in, &facts_steps), 0.981488, 6);
    assert_string_equal(nw_model_steps_find(&facts_steps, "services.app.availability")->what,
                        "of the time, if they fail independently");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_g2_two_nines),
        FACT(fact_g3_three_nines),
        FACT(fact_g4_four_nines),
        FACT(fact_g5_five_nines),
        FACT(fact_g6_six_nines),
        FACT(fact_g8_parts_together),
        FACT(fact_g9_how_long_40_percent_errors_may_last),
        FACT(k_of_n_is_the_sum_of_the_binomial),
        FACT(k_of_n_of_a_million_is_a_number),
        FACT(k_of_n_beyond_counting_is_all_or_nothing),
        FACT(certain_parts_and_dead_ones),
        FACT(a_common_cause_bounds_what_spares_can_buy),
        FACT(repair_time_makes_availability),
        FACT(the_weakest_part_decides),
        FACT(a_fleet_with_spares_shows_what_it_assumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
