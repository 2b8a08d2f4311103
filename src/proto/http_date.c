/*
 * Days are counted with the civil calendar arithmetic that starts years in March, so that the leap
 * day is the last of its year (see Hinnant, "chrono-compatible low-level date algorithms"). No libc
 * call: gmtime and strptime read the environment's zone and locale, and this must be pure.
 */
#include "proto/http_date.h"

#include "base/assert.h"

#define DAY_S 86400
#define DAYS_TO_1970 719468 /* from 1 March of year 0 */
#define DAYS_IN_ERA 146097  /* 400 years */

static const char weekday_name[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday"};
static const char month_name[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    int64_t year;
    int month; /* 1 to 12 */
    int day;
    int hour;
    int minute;
    int second;
    int weekday; /* 0 is Sunday */
};

static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400, year_of_era = year % 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_IN_ERA + day_of_era - DAYS_TO_1970;
}

static struct civil civil_of(int64_t unix_s)
{
    int64_t days = unix_s / DAY_S, second = unix_s % DAY_S;
    int64_t shifted = days + DAYS_TO_1970, era = shifted / DAYS_IN_ERA;
    int64_t day_of_era = shifted % DAYS_IN_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .hour = (int)(second / 3600),
        .minute = (int)(second / 60 % 60),
        .second = (int)(second % 60),
        .weekday = (int)((days + 4) % 7), /* 1 January 1970 was a Thursday */
    };
}

static void put_digits(char *to, int count, int64_t value)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
}

void nw_http_date_format(int64_t unix_s, char out[NW_HTTP_DATE_BYTES])
{
    NW_ASSERT(unix_s >= 0 && unix_s < INT64_C(253402300800)); /* the year 10000 */
    struct civil civil = civil_of(unix_s);
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", NW_HTTP_DATE_BYTES);
    memcpy(out, weekday_name[civil.weekday], 3);
    put_digits(out + 5, 2, civil.day);
    memcpy(out + 8, month_name[civil.month - 1], 3);
    put_digits(out + 12, 4, civil.year);
    put_digits(out + 17, 2, civil.hour);
    put_digits(out + 20, 2, civil.minute);
    put_digits(out + 23, 2, civil.second);
}

/* One letter of a pattern against one byte; digits are added to what the letter stands for. */
static bool match_byte(char pattern, const char *at, struct civil *civil, char month[4])
{
    int digit = *at - '0';
    bool is_digit = digit >= 0 && digit <= 9;
    switch (pattern) {
    case 'Y':
        civil->year = civil->year * 10 + digit;
        return is_digit;
    case 'D':
        civil->day = civil->day * 10 + digit;
        return is_digit;
    case 'd': /* asctime pads the day with a space */
        civil->day = is_digit ? digit : 0;
        return is_digit || *at == ' ';
    case 'h':
        civil->hour = civil->hour * 10 + digit;
        return is_digit;
    case 'm':
        civil->minute = civil->minute * 10 + digit;
        return is_digit;
    case 's':
        civil->second = civil->second * 10 + digit;
        return is_digit;
    case 'b': { /* three of them */
        size_t len = strlen(month);
        month[len] = *at;
        return *at != '\0';
    }
    default:
        return *at == pattern;
    }
}

static bool match(struct nw_slice text, const char *pattern, struct civil *out)
{
    char month[4] = "";
    struct civil civil = {0};
    if (text.len != strlen(pattern))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!match_byte(pattern[i], text.ptr + i, &civil, month))
            return false;
    }
    for (int i = 0; i < 12; i++) {
        if (memcmp(month, month_name[i], 3) == 0)
            civil.month = i + 1;
    }
    *out = civil;
    return civil.month != 0;
}

/* Takes a weekday, its whole name or three letters, from the front; which one is not judged. */
static bool skip_weekday(struct nw_slice *text, bool is_whole)
{
    for (int i = 0; i < 7; i++) {
        struct nw_slice name = nw_slice_str(weekday_name[i]);
        if (!is_whole)
            name.len = 3;
        if (nw_slice_starts_with(*text, name)) {
            *text = nw_slice_skip(*text, name.len);
            return true;
        }
    }
    return false;
}

static int days_in_month(int64_t year, int month)
{
    int64_t next = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);
    return (int)(next - days_of(year, month, 1));
}

/* Seconds, once every part is in its range; 60 seconds are a leap second. */
static nw_err seconds_of(const struct civil *civil, int64_t *out_unix_s)
{
    if (civil->day < 1 || civil->day > days_in_month(civil->year, civil->month) ||
        civil->hour > 23 || civil->minute > 59 || civil->second > 60)
        return NW_INVALID;
    int64_t days = days_of(civil->year, civil->month, civil->day);
    *out_unix_s = days * DAY_S + civil->hour * 3600 + civil->minute * 60 + civil->second;
    return NW_OK;
}

nw_err nw_http_date_parse(struct nw_slice text, int64_t now_s, int64_t *out_unix_s)
{
    struct civil civil;
    struct nw_slice rest = text;
    if (skip_weekday(&rest, true) && match(rest, ", DD-bbb-YY hh:mm:ss GMT", &civil)) {
        int64_t this_year = civil_of(now_s).year;
        civil.year += this_year - this_year % 100;
        if (civil.year > this_year + 50)
            civil.year -= 100;
        return seconds_of(&civil, out_unix_s);
    }
    rest = text;
    if (skip_weekday(&rest, false) && (match(rest, ", DD bbb YYYY hh:mm:ss GMT", &civil) ||
                                       match(rest, " bbb dD hh:mm:ss YYYY", &civil)))
        return seconds_of(&civil, out_unix_s);
    return NW_INVALID;
}
