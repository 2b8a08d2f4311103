/* The contract of peer/verdict.h. */
#include "peer/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

/* ---- windows ---- */

static void a_window_holds_ten_seconds(void **state)
{
    struct nw_window window = {{0}};
    nw_window_add(&window, 100);
    nw_window_add(&window, 100);
    nw_window_add(&window, 105);
    assert_int_equal(nw_window_sum(&window, 105, 0), 3);
    assert_int_equal(nw_window_sum(&window, 109, 0), 3);
    assert_int_equal(nw_window_sum(&window, 110, 0), 1);
    assert_int_equal(nw_window_sum(&window, 115, 0), 0);
    assert_int_equal(nw_window_now(&window, 105), 1);
    assert_int_equal(nw_window_now(&window, 106), 0);
}

static void what_was_before_the_return_does_not_count(void **state)
{
    struct nw_window window = {{0}};
    nw_window_add(&window, 100);
    nw_window_add(&window, 103);
    assert_int_equal(nw_window_sum(&window, 104, 101), 1);
}

static void a_window_agrees_with_a_list_of_all_events(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 7);
    struct nw_window window = {{0}};
    uint32_t events[4000];
    unsigned count = 0;
    uint32_t now_s = 50;
    for (unsigned i = 0; i < 4000; i++) {
        now_s += (uint32_t)nw_rng_below(&rng, 20) == 0 ? (uint32_t)nw_rng_below(&rng, 15) : 0;
        nw_window_add(&window, now_s);
        events[count++] = now_s;
        unsigned expected = 0;
        for (unsigned k = 0; k < count; k++)
            expected += events[k] + 10 > now_s;
        assert_int_equal(nw_window_sum(&window, now_s, 0), expected);
    }
}

/* ---- active checks ---- */

static void the_first_good_answer_is_a_verdict(void **state)
{
    struct nw_health health = {0};
    assert_int_equal(nw_health_step(&health, true, false, false, 3, 2), NW_HEALTH_UP);
    assert_int_equal(nw_health_step(&health, true, true, false, 3, 2), NW_HEALTH_SAME);
}

static void a_node_falls_after_fall_and_rises_after_rise(void **state)
{
    struct nw_health health = {0};
    assert_int_equal(nw_health_step(&health, false, true, false, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, false, true, false, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, true, true, false, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, false, true, false, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, false, true, false, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, false, true, false, 3, 2), NW_HEALTH_DOWN);
    assert_int_equal(nw_health_step(&health, false, true, true, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, true, true, true, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, false, true, true, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, true, true, true, 3, 2), NW_HEALTH_SAME);
    assert_int_equal(nw_health_step(&health, true, true, true, 3, 2), NW_HEALTH_UP);
}

/* ---- ejection ---- */

static const struct nw_eject_facts broken = {
    .member_count = 4,
    .usable_others = 3,
    .broken_run = 5,
    .has_well_other = true,
};

static void five_failures_in_a_row_eject(void **state)
{
    const char *reason = NULL;
    struct nw_eject_facts facts = broken;
    assert_true(nw_eject_judge(&facts, &reason));
    assert_non_null(reason);
    facts.broken_run = 4;
    assert_false(nw_eject_judge(&facts, &reason));
}

static void the_last_usable_node_is_never_ejected(void **state)
{
    const char *reason = NULL;
    struct nw_eject_facts facts = broken;
    facts.usable_others = 0;
    facts.broken_run = 1000;
    facts.is_refused = true;
    facts.try_count = facts.bad_count = 1000;
    assert_false(nw_eject_judge(&facts, &reason));
}

static void at_most_half_goes_out_but_for_refused_connects(void **state)
{
    const char *reason = NULL;
    struct nw_eject_facts facts = broken;
    facts.ejected_count = 1;
    facts.usable_others = 2;
    assert_true(nw_eject_judge(&facts, &reason));
    facts.ejected_count = 2;
    facts.usable_others = 1;
    assert_false(nw_eject_judge(&facts, &reason));
    facts.is_refused = true;
    assert_true(nw_eject_judge(&facts, &reason));
    facts = broken;
    facts.member_count = 3;
    facts.usable_others = 2;
    assert_true(nw_eject_judge(&facts, &reason));
    facts.ejected_count = 1;
    assert_false(nw_eject_judge(&facts, &reason));
}

static void most_of_twenty_tries_eject_while_another_is_well(void **state)
{
    const char *reason = NULL;
    struct nw_eject_facts facts = {
        .member_count = 2, .usable_others = 1, .try_count = 20, .bad_count = 11,
        .has_well_other = true};
    assert_true(nw_eject_judge(&facts, &reason));
    facts.bad_count = 10;
    assert_false(nw_eject_judge(&facts, &reason));
    facts.try_count = facts.bad_count = 19;
    assert_false(nw_eject_judge(&facts, &reason));
    facts.try_count = facts.bad_count = 100;
    facts.has_well_other = false;
    assert_false(nw_eject_judge(&facts, &reason));
}

static void well_is_under_ten_percent(void **state)
{
    assert_true(nw_eject_is_well(0, 0));
    assert_true(nw_eject_is_well(100, 9));
    assert_false(nw_eject_is_well(100, 10));
    assert_true(nw_eject_is_well(5, 0));
}

static void each_ejection_doubles_up_to_five_minutes(void **state)
{
    static const uint64_t expected_s[] = {5, 10, 20, 40, 80, 160, 300, 300};
    for (unsigned i = 0; i < NW_COUNT(expected_s); i++)
        assert_int_equal(nw_eject_ms(i), expected_s[i] * 1000);
    assert_int_equal(nw_eject_ms(1000000), 300000);
}

/* ---- slow start ---- */

static void slow_start_climbs_from_ten_to_hundred_percent(void **state)
{
    assert_int_equal(nw_slow_start_percent(0, 10000), 10);
    assert_int_equal(nw_slow_start_percent(5000, 10000), 55);
    assert_int_equal(nw_slow_start_percent(10000, 10000), 100);
    assert_int_equal(nw_slow_start_percent(0, 0), 100);
    unsigned before = 0;
    for (uint64_t ms = 0; ms <= 10000; ms += 37) {
        unsigned percent = nw_slow_start_percent(ms, 10000);
        assert_true(percent >= before && percent <= 100);
        before = percent;
    }
}

/* ---- latency ---- */

static void a_peak_shows_at_once_and_halves_in_ten_seconds(void **state)
{
    uint64_t ewma = nw_ewma_add(0, 1000000, 1000);
    assert_in_range(nw_ewma_read_us(ewma, 1000000), 999, 1000);
    ewma = nw_ewma_add(ewma, 1000001, 80000);
    assert_in_range(nw_ewma_read_us(ewma, 1000001), 79990, 80000);
    assert_in_range(nw_ewma_read_us(ewma, 1010001), 39900, 40100);
    assert_in_range(nw_ewma_read_us(ewma, 1020001), 19950, 20050);
    assert_int_equal(nw_ewma_read_us(0, 5), 0);
    assert_int_equal(nw_ewma_read_us(ewma, 9000000), 1);
}

static void frequent_small_samples_still_pull_it_down(void **state)
{
    uint64_t now_ms = 5000000, ewma = nw_ewma_add(0, now_ms, 100000);
    for (unsigned i = 0; i < 60000; i++)
        ewma = nw_ewma_add(ewma, ++now_ms, 100);
    double expected = 100 + 99900 * pow(0.5, 6); /* sixty seconds */
    double got = (double)nw_ewma_read_us(ewma, now_ms);
    assert_true(fabs(got - expected) < 0.03 * expected + 5);
}

/* ---- retries ---- */

static void a_tenth_may_be_retried_and_three_a_second_always(void **state)
{
    assert_true(nw_retry_allow(0, 0, 0));
    assert_true(nw_retry_allow(0, 25, 2));
    assert_false(nw_retry_allow(0, 25, 3));
    assert_true(nw_retry_allow(1000, 99, 50));
    assert_false(nw_retry_allow(1000, 100, 50));
}

/* ---- idling ---- */

static void idling_stays_below_what_the_node_bears(void **state)
{
    assert_int_equal(nw_idle_limit_ms(60000, 0, 0), 60000);
    assert_int_equal(nw_idle_limit_ms(0, 0, 0), 60000);
    assert_int_equal(nw_idle_limit_ms(60000, 5000, 0), 4000);
    assert_int_equal(nw_idle_limit_ms(60000, 5000, 1600), 1600);
    assert_int_equal(nw_idle_limit_ms(1000, 5000, 1600), 1000);
    assert_true(nw_idle_limit_ms(60000, 1000, 0) < 1000);
    assert_true(nw_idle_limit_ms(60000, 1, 0) > 0);
}

static void the_shortest_close_teaches_and_a_restart_does_not(void **state)
{
    assert_int_equal(nw_idle_learn_ms(0, 5000), 4000);
    assert_int_equal(nw_idle_learn_ms(4000, 2000), 1600);
    assert_int_equal(nw_idle_learn_ms(1600, 5000), 1600);
    assert_int_equal(nw_idle_learn_ms(1600, 999), 1600);
    assert_int_equal(nw_idle_learn_ms(0, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_holds_ten_seconds),
        cmocka_unit_test(what_was_before_the_return_does_not_count),
        cmocka_unit_test(a_window_agrees_with_a_list_of_all_events),
        cmocka_unit_test(the_first_good_answer_is_a_verdict),
        cmocka_unit_test(a_node_falls_after_fall_and_rises_after_rise),
        cmocka_unit_test(five_failures_in_a_row_eject),
        cmocka_unit_test(the_last_usable_node_is_never_ejected),
        cmocka_unit_test(at_most_half_goes_out_but_for_refused_connects),
        cmocka_unit_test(most_of_twenty_tries_eject_while_another_is_well),
        cmocka_unit_test(well_is_under_ten_percent),
        cmocka_unit_test(each_ejection_doubles_up_to_five_minutes),
        cmocka_unit_test(slow_start_climbs_from_ten_to_hundred_percent),
        cmocka_unit_test(a_peak_shows_at_once_and_halves_in_ten_seconds),
        cmocka_unit_test(frequent_small_samples_still_pull_it_down),
        cmocka_unit_test(a_tenth_may_be_retried_and_three_a_second_always),
        cmocka_unit_test(idling_stays_below_what_the_node_bears),
        cmocka_unit_test(the_shortest_close_teaches_and_a_restart_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
