/* The contract of cmd/bar.h. */
#include "cmd/bar.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/compiler.h"

static struct bar parsed(const char *text)
{
    struct bar bar;
    const char *why;
    assert_int_equal(bar_parse(nw_slice_str(text), &bar, &why), NW_OK);
    return bar;
}

static void a_bar_is_a_name_a_comparison_and_a_number(void **state)
{
    static const struct {
        const char *text, *path;
        bar_compare compare;
        double number;
        const char *unit;
    } cases[] = {
        {"nodes>30", "nodes", BAR_ABOVE, 30, ""},
        {"services.app.nodes >= 5", "services.app.nodes", BAR_AT_LEAST, 5, ""},
        {"  a.b  <=  .5 % ", "a.b", BAR_AT_MOST, 0.5, "%"},
        {"wait_s<200ms", "wait_s", BAR_BELOW, 200, "ms"},
        {"shards==4", "shards", BAR_EQUAL, 4, ""},
        {"shards != -1.25", "shards", BAR_NOT_EQUAL, -1.25, ""},
        {"bytes>64KB", "bytes", BAR_ABOVE, 64, "KB"},
        {"a>1/month", "a", BAR_ABOVE, 1, "/month"},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct bar bar = parsed(cases[i].text);
        assert_true(nw_slice_eq(bar.path, nw_slice_str(cases[i].path)));
        assert_int_equal(bar.compare, cases[i].compare);
        assert_true(bar.number == cases[i].number);
        assert_true(nw_slice_eq(bar.unit, nw_slice_str(cases[i].unit)));
    }
}

static void what_is_no_bar_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "a name is missing"},   {">5", "a name is missing"}, {"nodes", "is missing"},
        {"nodes=5", "is missing"},   {"nodes!5", "is missing"},   {"nodes>", "no number"},
        {"nodes>many", "no number"}, {"nodes>-", "no number"},    {"nodes>1.2.3", "no number"},
        {"nodes>nan", "no number"},  {"nodes>inf", "no number"},  {"nodes>.", "no number"},
        {"nodes>=>5", "no number"},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct bar bar;
        const char *why = NULL;
        assert_int_equal(bar_parse(nw_slice_str(cases[i].text), &bar, &why), NW_INVALID);
        assert_non_null(strstr(why, cases[i].why));
    }
}

static void the_unit_of_the_result_says_what_a_suffix_means(void **state)
{
    static const struct {
        const char *text;
        nw_model_unit unit;
        double number;
    } cases[] = {
        {"x>200ms", NW_MODEL_SECONDS, 0.2},
        {"x>150us", NW_MODEL_SECONDS, 0.00015},
        {"x>5m", NW_MODEL_SECONDS, 300},
        {"x>2h", NW_MODEL_SECONDS, 7200},
        {"x>1d", NW_MODEL_SECONDS, 86400},
        {"x>3", NW_MODEL_SECONDS, 3},
        {"x>5%", NW_MODEL_RATIO, 0.05},
        {"x>1K", NW_MODEL_COUNT, 1000},
        {"x>64M", NW_MODEL_COUNT, 64e6},
        {"x>1B", NW_MODEL_COUNT, 1e9},
        {"x>64M", NW_MODEL_BYTES, 67108864},
        {"x>1K", NW_MODEL_BYTES, 1024},
        {"x>2GB", NW_MODEL_BYTES, 2e9},
        {"x>1T", NW_MODEL_BYTES, 1099511627776},
        {"x>10MB/s", NW_MODEL_BYTES_PER_S, 1e7},
        {"x>80Mbit/s", NW_MODEL_BITS_PER_S, 8e7},
        {"x>100/s", NW_MODEL_PER_S, 100},
        {"x>6K/m", NW_MODEL_PER_S, 100},
        {"x>36/h", NW_MODEL_PER_S, 0.01},
        {"x>100M/d", NW_MODEL_PER_S, 1157.4074074074074},
        {"x>20K", NW_MODEL_MONEY, 20000},
        {"x>0.5/h", NW_MODEL_MONEY_PER_H, 0.5},
        {"x>365/month", NW_MODEL_MONEY_PER_H, 0.5},
        {"x>100km", NW_MODEL_KM, 100},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct bar bar = parsed(cases[i].text);
        double number = -1;
        assert_int_equal(bar_number(&bar, cases[i].unit, &number), NW_OK);
        assert_true(fabs(number - cases[i].number) <= 1e-15 * cases[i].number);
    }
}

static void a_unit_that_does_not_suit_is_refused(void **state)
{
    static const struct {
        const char *text;
        nw_model_unit unit;
    } cases[] = {
        {"x>200ms", NW_MODEL_COUNT},   {"x>5%", NW_MODEL_COUNT},  {"x>1K", NW_MODEL_SECONDS},
        {"x>1K", NW_MODEL_RATIO},      {"x>5/s", NW_MODEL_COUNT}, {"x>64KB", NW_MODEL_COUNT},
        {"x>3 apples", NW_MODEL_KM},   {"x>1G", NW_MODEL_COUNT},  {"x>1MS", NW_MODEL_SECONDS},
        {"x>1/month", NW_MODEL_PER_S}, {"x>1B", NW_MODEL_BYTES},  {"x>1KK", NW_MODEL_COUNT},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct bar bar = parsed(cases[i].text);
        double number = -1;
        assert_int_equal(bar_number(&bar, cases[i].unit, &number), NW_INVALID);
        assert_true(number == -1);
    }
}

/* Columns: below, within rounding of, above the bar. */
static void equal_is_within_rounding(void **state)
{
    static const struct {
        const char *text;
        bool is_missed[3];
    } cases[] = {
        {"x>11", {false, false, true}},  {"x>=11", {false, true, true}},
        {"x<11", {true, false, false}},  {"x<=11", {true, true, false}},
        {"x==11", {false, true, false}}, {"x!=11", {true, false, true}},
    };
    const double values[] = {10.999, 11.000000000000002, 11.001};
    for (size_t i = 0; i < NW_COUNT(cases); i++)
        for (size_t k = 0; k < NW_COUNT(values); k++) {
            struct bar bar = parsed(cases[i].text);
            assert_int_equal(bar_is_missed(&bar, values[k], 11), cases[i].is_missed[k]);
        }
    struct bar zero = parsed("x>0");
    assert_false(bar_is_missed(&zero, 0, 0));
    assert_true(bar_is_missed(&zero, 5e-324, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_is_a_name_a_comparison_and_a_number),
        cmocka_unit_test(what_is_no_bar_is_refused_with_a_reason),
        cmocka_unit_test(the_unit_of_the_result_says_what_a_suffix_means),
        cmocka_unit_test(a_unit_that_does_not_suit_is_refused),
        cmocka_unit_test(equal_is_within_rounding),
    };
    return cmocka_run_group_tests_name("cmd/bar", tests, NULL, NULL);
}
