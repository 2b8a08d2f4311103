/* The contract of model/units.h. */
#include "model/units.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void shows(double value, nw_model_unit unit, const char *currency, const char *expected)
{
    struct nw_text text = {0};
    nw_model_unit_print(&text, value, unit, currency);
    if (strcmp(text.ptr, expected) != 0)
        fail_msg("%.17g as unit %d shows \"%s\", not \"%s\"", value, unit, text.ptr, expected);
    nw_text_done(&text);
}

static void fact_l11_rounding_forgives_the_last_bits_of_a_double(void **state)
{
    double nodes = 3000 * 1.1 / 300;
    assert_true(nodes > 11); /* 11.000000000000002 */
    assert_true(nw_model_ceil(nodes) == 11);
}

static void rounding_goes_up_everywhere_else(void **state)
{
    static const struct {
        double x, expected;
    } cases[] = {{0, 0},
                 {1e-12, 1},
                 {0.4, 1},
                 {1, 1},
                 {1 + 1e-8, 2},
                 {1 + 1e-10, 1},
                 {2 - 1e-10, 2},
                 {19.333, 20},
                 {98.039, 99},
                 {1e9 + 0.4, 1e9},
                 {-1.5, -1},
                 {-2 - 1e-10, -2},
                 {5000000001, 5000000001}};
    for (size_t i = 0; i < NW_COUNT(cases); i++)
        if (nw_model_ceil(cases[i].x) != cases[i].expected)
            fail_msg("ceil(%.17g) is %.17g", cases[i].x, nw_model_ceil(cases[i].x));
}

static void thresholds_forgive_as_much_as_rounding_does(void **state)
{
    assert_false(nw_model_is_above(8, 8));
    assert_false(nw_model_is_above(8 * (1 + 1e-10), 8));
    assert_true(nw_model_is_above(8 * (1 + 1e-8), 8));
    assert_true(nw_model_is_above(8.01, 8));
    assert_false(nw_model_is_above(7.99, 8));
    assert_false(nw_model_is_above(0, 0));
    assert_true(nw_model_is_above(1e-300, 0));
    assert_true(nw_model_is_above(0, -1));
}

static void rates_have_one_decimal_from_100_on(void **state)
{
    shows(225e6 / 86400 * 4, NW_MODEL_PER_S, NULL, "10,416.7/s");
    shows(225e6 / 86400, NW_MODEL_PER_S, NULL, "2,604.2/s");
    shows(200e6 / 86400 * 4 * 0.05, NW_MODEL_PER_S, NULL, "463.0/s"); /* 462.96: rounded */
    shows(300, NW_MODEL_PER_S, NULL, "300/s");
    shows(1234567.8, NW_MODEL_PER_S, NULL, "1,234,568/s");
    shows(-160, NW_MODEL_PER_S, NULL, "-160/s");
    shows(4 / 86400.0, NW_MODEL_PER_S, NULL, "4/d"); /* once in hours is told by the day */
    shows(0.5 / 86400, NW_MODEL_PER_S, NULL, "0.5/d");
    shows(0, NW_MODEL_PER_S, NULL, "0/s");
}

static void factors_have_two_decimals_unless_they_are_whole(void **state)
{
    shows(1.3, NW_MODEL_NUMBER, NULL, "1.30");
    shows(4, NW_MODEL_NUMBER, NULL, "4");
    shows(0.85, NW_MODEL_NUMBER, NULL, "0.85");
    shows(53.098, NW_MODEL_COUNT, NULL, "53.10");
    shows(0.5, NW_MODEL_COUNT, NULL, "0.5"); /* of things: exact as it is */
    shows(0.40123, NW_MODEL_NUMBER, NULL, "0.40");
    shows(0.0123456, NW_MODEL_NUMBER, NULL, "0.0123");
    shows(225e6, NW_MODEL_COUNT, NULL, "225,000,000");
    shows(999, NW_MODEL_COUNT, NULL, "999");
    shows(1000, NW_MODEL_COUNT, NULL, "1,000");
    shows(999999999999999, NW_MODEL_COUNT, NULL, "999,999,999,999,999");
    shows(1e18, NW_MODEL_COUNT, NULL, "1e+18");
    shows(-0.0, NW_MODEL_NUMBER, NULL, "0");
    shows(-0.001, NW_MODEL_NUMBER, NULL, "-0.001");
}

static void times_take_the_unit_that_fits(void **state)
{
    shows(0, NW_MODEL_SECONDS, NULL, "0 s");
    shows(4.2e-3, NW_MODEL_SECONDS, NULL, "4.2 ms");
    shows(0.155, NW_MODEL_SECONDS, NULL, "155 ms");
    shows(156.5e-6, NW_MODEL_SECONDS, NULL, "156.5 us");
    shows(20e-9, NW_MODEL_SECONDS, NULL, "20 ns");
    shows(50, NW_MODEL_SECONDS, NULL, "50 s");
    shows(0.9999999999, NW_MODEL_SECONDS, NULL, "1 s");
    shows(26.28, NW_MODEL_SECONDS, NULL, "26.28 s");
    shows(900, NW_MODEL_SECONDS, NULL, "15 min");
    shows(8.76 * 3600, NW_MODEL_SECONDS, NULL, "8.76 h");
    shows(3.65 * 86400, NW_MODEL_SECONDS, NULL, "3.65 d");
    shows(7 * 86400, NW_MODEL_SECONDS, NULL, "7 d");
}

static void bytes_and_bits_are_decimal(void **state)
{
    shows(512, NW_MODEL_BYTES, NULL, "512 B");
    shows(1e3, NW_MODEL_BYTES, NULL, "1 KB");
    shows(86.4e9, NW_MODEL_BYTES, NULL, "86.4 GB");
    shows(2e12, NW_MODEL_BYTES, NULL, "2 TB");
    shows(5e18, NW_MODEL_BYTES, NULL, "5,000 PB");
    shows(10e6, NW_MODEL_BYTES_PER_S, NULL, "10 MB/s");
    shows(80e6, NW_MODEL_BITS_PER_S, NULL, "80 Mbit/s");
    shows(10872, NW_MODEL_KM, NULL, "10,872 km");
}

static void shares_near_100_keep_their_nines(void **state)
{
    shows(0.95, NW_MODEL_RATIO, NULL, "95%");
    shows(0.9998, NW_MODEL_RATIO, NULL, "99.98%");
    shows(0.999999, NW_MODEL_RATIO, NULL, "99.9999%");
    shows(0.999997002, NW_MODEL_RATIO, NULL, "99.999700%");
    shows(1.0 / 3, NW_MODEL_RATIO, NULL, "33.33%");
    shows(0.017065, NW_MODEL_RATIO, NULL, "1.707%");
    shows(0, NW_MODEL_RATIO, NULL, "0%");
    shows(1, NW_MODEL_RATIO, NULL, "100%");
}

static void money_has_two_decimals_and_a_currency_if_there_is_one(void **state)
{
    shows(0.5, NW_MODEL_MONEY_PER_H, "USD", "0.50 USD/h");
    shows(50, NW_MODEL_MONEY_PER_H, "", "50/h");
    shows(27375, NW_MODEL_MONEY, "EUR", "27,375 EUR");
    shows(1234567.8, NW_MODEL_MONEY, NULL, "1,234,568");
    shows(0.00712, NW_MODEL_MONEY, NULL, "0.00712");
    shows(0, NW_MODEL_MONEY, NULL, "0");
    shows(39991.666667, NW_MODEL_MONEY, NULL, "39,991.67");
}

static void a_column_has_the_decimals_that_it_asks_for(void **state)
{
    static const struct {
        double value;
        nw_model_unit unit;
        int places;
        const char *shown;
    } rows[] = {
        {.09412, NW_MODEL_RATIO, 2, "9.41%"},  {1, NW_MODEL_RATIO, 2, "100.00%"},
        {12, NW_MODEL_NUMBER, 2, "12.00"},     {1384.6, NW_MODEL_COUNT, 0, "1,385"},
        {7200, NW_MODEL_SECONDS, 1, "2.0 h"},  {10416.667, NW_MODEL_PER_S, 2, "10,416.67/s"},
        {1.5e9, NW_MODEL_BYTES, 2, "1.50 GB"}, {4, NW_MODEL_MONEY, 2, "4.00 USD"},
        {-.004, NW_MODEL_NUMBER, 2, "0.00"},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_text out = {0};
        nw_model_unit_print_places(&out, rows[i].value, rows[i].unit, "USD", rows[i].places);
        assert_string_equal(out.ptr, rows[i].shown);
        nw_text_done(&out);
    }
}

static void each_unit_has_the_suffix_of_its_json_names(void **state)
{
    assert_string_equal(nw_model_unit_name(NW_MODEL_COUNT), "");
    assert_string_equal(nw_model_unit_name(NW_MODEL_PER_S), "per_s");
    assert_string_equal(nw_model_unit_name(NW_MODEL_SECONDS), "s");
    assert_string_equal(nw_model_unit_name(NW_MODEL_RATIO), "ratio");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_l11_rounding_forgives_the_last_bits_of_a_double),
        cmocka_unit_test(rounding_goes_up_everywhere_else),
        cmocka_unit_test(thresholds_forgive_as_much_as_rounding_does),
        cmocka_unit_test(rates_have_one_decimal_from_100_on),
        cmocka_unit_test(factors_have_two_decimals_unless_they_are_whole),
        cmocka_unit_test(times_take_the_unit_that_fits),
        cmocka_unit_test(bytes_and_bits_are_decimal),
        cmocka_unit_test(shares_near_100_keep_their_nines),
        cmocka_unit_test(money_has_two_decimals_and_a_currency_if_there_is_one),
        cmocka_unit_test(a_column_has_the_decimals_that_it_asks_for),
        cmocka_unit_test(each_unit_has_the_suffix_of_its_json_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
