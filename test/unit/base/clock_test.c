/* The contract of base/clock.h; the C library's gmtime_r is the oracle for dates. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "base/rng.h"

static void dates_agree_with_the_c_library(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 10);
    for (int i = 0; i < 100000; i++) {
        /* The years 1000 to 9000, and every hour around 2000. */
        int64_t at = i % 2 ? (int64_t)nw_rng_below(&rng, 252455616000ull) - 30610224000ll
                           : 946684800 + (i - 50000) * 3600ll;
        time_t t = (time_t)at;
        struct tm tm;
        gmtime_r(&t, &tm);
        struct nw_civil civil = nw_clock_civil(at);
        assert_int_equal(civil.year, tm.tm_year + 1900);
        assert_int_equal(civil.month, tm.tm_mon + 1);
        assert_int_equal(civil.day, tm.tm_mday);
        assert_int_equal(civil.hour, tm.tm_hour);
        assert_int_equal(civil.minute, tm.tm_min);
        assert_int_equal(civil.second, tm.tm_sec);
        assert_int_equal(civil.weekday, tm.tm_wday);
        assert_true(nw_clock_unix_s(&civil) == at);
    }
}

static void dates_print_as_the_formats_want(void **state)
{
    char iso[NW_CLOCK_ISO_BYTES], common[NW_CLOCK_COMMON_BYTES];
    assert_string_equal(nw_clock_iso(971186136123, iso), "2000-10-10T13:55:36.123Z");
    assert_string_equal(nw_clock_common(971186136123, common), "[10/Oct/2000:13:55:36 +0000]");
    assert_string_equal(nw_clock_iso(0, iso), "1970-01-01T00:00:00.000Z");
    assert_string_equal(nw_clock_iso(UINT64_MAX, iso), "9999-12-31T23:59:59.999Z");
}

static void durations_are_short(void **state)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        {0, "0ns"},
        {850, "850ns"},
        {12000, "12us"},
        {1500000, "1.5ms"},
        {1059999, "1.05ms"},
        {12345678, "12.3ms"},
        {999999999, "999ms"},
        {1000000000, "1s"},
        {2000000000, "2s"},
        {59999000000, "59.9s"},
        {60000000000, "1m"},
        {90500000000, "1m30s"},
        {7500000000000, "2h5m"},
        {7210000000000, "2h"},
        {273600000000000, "3d4h"},
    };
    char text[NW_CLOCK_DURATION_BYTES];
    for (size_t i = 0; i < NW_COUNT(cases); i++)
        assert_string_equal(nw_clock_duration(cases[i].ns, text), cases[i].text);
    nw_clock_duration(UINT64_MAX, text);
}

static void sizes_are_powers_of_two(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0B"},           {512, "512B"},
        {1023, "1023B"},     {1024, "1K"},
        {1536, "1.5K"},      {65536, "64K"},
        {268435456, "256M"}, {1ull << 40, "1T"},
        {1100000, "1.04M"},  {UINT64_MAX, "16777215T"},
    };
    char text[NW_CLOCK_SIZE_BYTES];
    for (size_t i = 0; i < NW_COUNT(cases); i++)
        assert_string_equal(nw_clock_size(cases[i].bytes, text), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(dates_print_as_the_formats_want),
        cmocka_unit_test(durations_are_short),
        cmocka_unit_test(sizes_are_powers_of_two),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
