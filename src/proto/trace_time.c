/*
 * Moments as traces write them, in microseconds: numbers, ISO 8601, the common log format. Integer
 * arithmetic throughout: a time in doubles would round at the ninth decimal and differ by format.
 */
#include "base/clock.h"
#include "proto/trace_impl.h"

#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Digits behind a decimal point as millionths; more than six are cut off. */
static bool read_millionths(struct nw_slice digits, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        if (!is_digit(digits.ptr[i]))
            return false;
    for (size_t i = 0; i < 6; i++)
        value = value * 10 + (i < digits.len ? digits.ptr[i] - '0' : 0);
    *out = value;
    return digits.len > 0;
}

bool trace_time_number(struct nw_slice text, bool is_ms, int64_t *out_us)
{
    size_t point = nw_slice_find(text, '.');
    uint64_t whole;
    int64_t millionths = 0;
    if (nw_slice_to_u64(nw_slice_first(text, point), &whole) != NW_OK)
        return false;
    if (point < text.len && !read_millionths(nw_slice_skip(text, point + 1), &millionths))
        return false;
    if (whole > (uint64_t)LAST_S * (is_ms ? 1000 : 1))
        return false;
    *out_us =
        is_ms ? (int64_t)whole * 1000 + millionths / 1000 : (int64_t)whole * 1000000 + millionths;
    return true;
}

/* Exactly `count` digits at text[*at], moving behind them. */
static bool read_digits(struct nw_slice text, size_t *at, int count, int *out)
{
    int value = 0;
    if (text.len < *at + (size_t)count)
        return false;
    for (int i = 0; i < count; i++) {
        char byte = text.ptr[(*at)++];
        if (!is_digit(byte))
            return false;
        value = value * 10 + (byte - '0');
    }
    *out = value;
    return true;
}

static bool read_char(struct nw_slice text, size_t *at, char byte)
{
    return *at < text.len && text.ptr[(*at)++] == byte;
}

/* "Z", "+0100", "+01:00" up to the end of the text, as seconds east of UTC. */
static bool read_zone(struct nw_slice text, size_t at, int64_t *out_s)
{
    int hours, minutes;
    if (text.len == at + 1 && text.ptr[at] == 'Z') {
        *out_s = 0;
        return true;
    }
    if (at >= text.len || (text.ptr[at] != '+' && text.ptr[at] != '-'))
        return false;
    int64_t sign = text.ptr[at++] == '-' ? -1 : 1;
    if (!read_digits(text, &at, 2, &hours))
        return false;
    if (at < text.len && text.ptr[at] == ':')
        at++;
    if (!read_digits(text, &at, 2, &minutes) || at != text.len || hours > 23 || minutes > 59)
        return false;
    *out_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool read_clock(struct nw_slice text, size_t *at, struct nw_civil *civil)
{
    return read_digits(text, at, 2, &civil->hour) && read_char(text, at, ':') &&
           read_digits(text, at, 2, &civil->minute) && read_char(text, at, ':') &&
           read_digits(text, at, 2, &civil->second) && civil->hour <= 23 && civil->minute <= 59 &&
           civil->second <= 60; /* a leap second falls together with the next one */
}

/* Moves over ".123" if it is there. */
static bool read_fraction(struct nw_slice text, size_t *at, int64_t *out_us)
{
    *out_us = 0;
    if (*at >= text.len || text.ptr[*at] != '.')
        return true;
    size_t first = ++*at;
    while (*at < text.len && is_digit(text.ptr[*at]))
        (*at)++;
    return read_millionths(nw_slice_of(text.ptr + first, *at - first), out_us);
}

static bool finish(const struct nw_civil *civil, int64_t zone_s, int64_t us, int64_t *out_us)
{
    if (civil->month < 1 || civil->month > 12 || civil->day < 1 || civil->day > 31)
        return false;
    int64_t unix_s = nw_clock_unix_s(civil) - zone_s;
    if (unix_s < 0)
        return false;
    *out_us = unix_s * 1000000 + us;
    return true;
}

bool trace_time_iso(struct nw_slice text, int64_t *out_us)
{
    struct nw_civil civil = {0};
    size_t at = 0;
    int year;
    int64_t zone_s, us;
    if (!read_digits(text, &at, 4, &year) || !read_char(text, &at, '-') ||
        !read_digits(text, &at, 2, &civil.month) || !read_char(text, &at, '-') ||
        !read_digits(text, &at, 2, &civil.day) || at >= text.len)
        return false;
    if (text.ptr[at] != 'T' && text.ptr[at] != ' ')
        return false;
    at++;
    if (!read_clock(text, &at, &civil) || !read_fraction(text, &at, &us) ||
        !read_zone(text, at, &zone_s))
        return false;
    civil.year = year;
    return finish(&civil, zone_s, us, out_us);
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 0; month < 12; month++)
        if (memcmp(names + (size_t)month * 3, name, 3) == 0)
            return month + 1;
    return 0;
}

bool trace_time_common(struct nw_slice text, int64_t *out_us)
{
    struct nw_civil civil = {0};
    size_t at = 0;
    int year;
    int64_t zone_s;
    if (!read_digits(text, &at, 2, &civil.day) || !read_char(text, &at, '/') || text.len < at + 3)
        return false;
    civil.month = month_of(text.ptr + at);
    at += 3;
    if (!read_char(text, &at, '/') || !read_digits(text, &at, 4, &year) ||
        !read_char(text, &at, ':') || !read_clock(text, &at, &civil) ||
        !read_char(text, &at, ' ') || !read_zone(text, at, &zone_s))
        return false;
    civil.year = year;
    return finish(&civil, zone_s, 0, out_us);
}
