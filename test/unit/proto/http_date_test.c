/* The contract of proto/http_date.h; libc's calendar is the second opinion. */
#include "proto/http_date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void dates_agree_with_the_c_library(void **state)
{
    /* Steps of about 31 years and 11 days that fall on ever other times of the day. */
    for (int64_t s = 0; s < INT64_C(253402300800); s += 979797979) {
        char ours[NW_HTTP_DATE_BYTES], theirs[64];
        time_t at = (time_t)s;
        struct tm tm;
        gmtime_r(&at, &tm);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        nw_http_date_format(s, ours);
        assert_memory_equal(ours, theirs, NW_HTTP_DATE_BYTES);
        int64_t back = -1;
        assert_int_equal(nw_http_date_parse(nw_slice_of(ours, sizeof ours), 0, &back), NW_OK);
        assert_true(back == s);
    }
}

static void every_day_of_a_leap_century_comes_back(void **state)
{
    for (int64_t day = 10000; day < 11500; day++) { /* May 1997 to June 2001 */
        char text[NW_HTTP_DATE_BYTES];
        int64_t back = -1;
        nw_http_date_format(day * 86400 + 86399, text);
        assert_int_equal(nw_http_date_parse(nw_slice_of(text, sizeof text), 0, &back), NW_OK);
        assert_true(back == day * 86400 + 86399);
    }
}

static void the_three_forms_of_rfc_9110_mean_the_same(void **state)
{
    const char *forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < NW_COUNT(forms); i++) {
        int64_t s = 0;
        assert_int_equal(nw_http_date_parse(nw_slice_str(forms[i]), 1700000000, &s), NW_OK);
        assert_true(s == 784111777);
    }
}

static void two_digits_of_a_year_are_never_far_in_the_future(void **state)
{
    int64_t s = 0, now_s = 1700000000; /* 2023 */
    struct nw_slice near = NW_SLICE("Wednesday, 01-Jan-70 00:00:00 GMT");
    assert_int_equal(nw_http_date_parse(near, now_s, &s), NW_OK);
    assert_true(s == INT64_C(3155760000)); /* 2070 */
    struct nw_slice far = NW_SLICE("Wednesday, 01-Jan-74 00:00:00 GMT");
    assert_int_equal(nw_http_date_parse(far, now_s, &s), NW_OK);
    assert_true(s == 126230400); /* 1974, as 2074 is 51 years away */
}

static void what_is_no_date_is_refused(void **state)
{
    const char *wrong[] = {"",
                           "0",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 31 Apr 1994 08:49:37 GMT",
                           "Sun, 29 Feb 2001 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "Son, 06 Nov 1994 08:49:37 GMT"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++) {
        int64_t s = 0;
        assert_int_equal(nw_http_date_parse(nw_slice_str(wrong[i]), 0, &s), NW_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(every_day_of_a_leap_century_comes_back),
        cmocka_unit_test(the_three_forms_of_rfc_9110_mean_the_same),
        cmocka_unit_test(two_digits_of_a_year_are_never_far_in_the_future),
        cmocka_unit_test(what_is_no_date_is_refused),
    };
    return cmocka_run_group_tests_name("proto/http_date", tests, NULL, NULL);
}
