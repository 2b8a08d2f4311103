/*
 * Days are turned into dates by counting years from the first of March (Hinnant), which puts the
 * leap day last and needs no table. Nothing here uses gmtime: it is slow under a lock in some libc,
 * and the simulator may live in any year.
 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#define LAST_MS 253402300799999ull /* the end of the year 9999 */

struct nw_civil nw_clock_civil(int64_t unix_s)
{
    int64_t days = unix_s / 86400, second = unix_s % 86400;
    if (second < 0) {
        second += 86400;
        days--;
    }
    int64_t shifted = days + 719468; /* days since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153; /* 0 is March */
    int month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    int64_t weekday = (days % 7 + 11) % 7; /* 1970-01-01 was a Thursday */
    return (struct nw_civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1),
        .hour = (int)(second / 3600),
        .minute = (int)(second / 60 % 60),
        .second = (int)(second % 60),
        .weekday = (int)weekday,
    };
}

int64_t nw_clock_unix_s(const struct nw_civil *civil)
{
    NW_ASSERT(civil->month >= 1 && civil->month <= 12);
    int64_t year = civil->year - (civil->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t march_month = civil->month > 2 ? civil->month - 3 : civil->month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + civil->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * 146097 + day_of_era - 719468;
    return days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

/* `digits` decimal digits of value, most significant first. */
static char *put_digits(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

static char *put_time(char *at, const struct nw_civil *civil)
{
    at = put_digits(at, civil->hour, 2);
    *at++ = ':';
    at = put_digits(at, civil->minute, 2);
    *at++ = ':';
    return put_digits(at, civil->second, 2);
}

static uint64_t clamp_ms(uint64_t unix_ms)
{
    return unix_ms < LAST_MS ? unix_ms : LAST_MS;
}

char *nw_clock_iso(uint64_t unix_ms, char to[NW_CLOCK_ISO_BYTES])
{
    unix_ms = clamp_ms(unix_ms);
    struct nw_civil civil = nw_clock_civil((int64_t)(unix_ms / 1000));
    char *at = put_digits(to, civil.year, 4);
    *at++ = '-';
    at = put_digits(at, civil.month, 2);
    *at++ = '-';
    at = put_digits(at, civil.day, 2);
    *at++ = 'T';
    at = put_time(at, &civil);
    *at++ = '.';
    at = put_digits(at, (int64_t)(unix_ms % 1000), 3);
    memcpy(at, "Z", 2);
    return to;
}

char *nw_clock_common(uint64_t unix_ms, char to[NW_CLOCK_COMMON_BYTES])
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct nw_civil civil = nw_clock_civil((int64_t)(clamp_ms(unix_ms) / 1000));
    to[0] = '[';
    char *at = put_digits(to + 1, civil.day, 2);
    *at++ = '/';
    memcpy(at, names + (civil.month - 1) * 3, 3);
    at[3] = '/';
    at = put_digits(at + 4, civil.year, 4);
    *at++ = ':';
    at = put_time(at, &civil);
    memcpy(at, " +0000]", 8);
    return to;
}

/* value / unit with three significant digits, rounded down, no trailing zeros, then the suffix. */
static void put_scaled(char *to, size_t to_bytes, uint64_t value, uint64_t unit, const char *suffix)
{
    uint64_t whole = value / unit;
    uint64_t thousandths = (uint64_t)((unsigned __int128)(value % unit) * 1000 / unit);
    int decimals = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
    uint64_t fraction = decimals == 2 ? thousandths / 10 : thousandths / 100;
    if (decimals == 2 && fraction % 10 == 0) {
        fraction /= 10;
        decimals = 1;
    }
    if (decimals == 0 || fraction == 0)
        snprintf(to, to_bytes, "%llu%s", (unsigned long long)whole, suffix);
    else
        snprintf(to, to_bytes, "%llu.%0*llu%s", (unsigned long long)whole, decimals,
                 (unsigned long long)fraction, suffix);
}

char *nw_clock_duration(uint64_t ns, char to[NW_CLOCK_DURATION_BYTES])
{
    static const struct {
        uint64_t ns;
        const char *suffix;
    } small[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    static const struct {
        uint64_t s;
        const char *suffix;
        uint64_t next_s;
        const char *next_suffix;
    } large[] = {{86400, "d", 3600, "h"}, {3600, "h", 60, "m"}, {60, "m", 1, "s"}};
    uint64_t seconds = ns / 1000000000;
    for (size_t i = 0; i < NW_COUNT(large); i++) {
        unsigned long long first = seconds / large[i].s;
        unsigned long long second = seconds % large[i].s / large[i].next_s;
        if (first == 0)
            continue;
        int used = snprintf(to, NW_CLOCK_DURATION_BYTES, "%llu%s", first, large[i].suffix);
        if (second != 0)
            snprintf(to + used, NW_CLOCK_DURATION_BYTES - (size_t)used, "%llu%s", second,
                     large[i].next_suffix);
        return to;
    }
    size_t i = 0;
    while (i + 1 < NW_COUNT(small) && ns < small[i].ns)
        i++;
    put_scaled(to, NW_CLOCK_DURATION_BYTES, ns, small[i].ns, small[i].suffix);
    return to;
}

char *nw_clock_size(uint64_t bytes, char to[NW_CLOCK_SIZE_BYTES])
{
    static const char *const suffixes[] = {"B", "K", "M", "G", "T"};
    size_t i = 0;
    while (i + 1 < NW_COUNT(suffixes) && bytes >> (10 * (i + 1)) != 0)
        i++;
    put_scaled(to, NW_CLOCK_SIZE_BYTES, bytes, 1ull << (10 * i), suffixes[i]);
    return to;
}
