/*
 * A bare suffix means what the result is: "64M" are 67,108,864 bytes but 64,000,000 requests. So a
 * bar is read without a meaning first, and gets its number once the result is known.
 */
#include "cmd/bar.h"

#include <math.h>
#include <stdlib.h>

static const struct {
    const char *sign; /* longer ones first */
    bar_compare compare;
} compares[] = {
    {">=", BAR_AT_LEAST},  {"<=", BAR_AT_MOST}, {"==", BAR_EQUAL},
    {"!=", BAR_NOT_EQUAL}, {">", BAR_ABOVE},    {"<", BAR_BELOW},
};

/* What may stand behind a bar's number, by the unit of the result. */
static const struct {
    const char *suffix;
    nw_model_unit unit;
    double factor;
} suffixes[] = {
    {"us", NW_MODEL_SECONDS, 1e-6},
    {"ms", NW_MODEL_SECONDS, 1e-3},
    {"s", NW_MODEL_SECONDS, 1},
    {"m", NW_MODEL_SECONDS, 60},
    {"h", NW_MODEL_SECONDS, 3600},
    {"d", NW_MODEL_SECONDS, NW_MODEL_DAY_S},
    {"%", NW_MODEL_RATIO, 0.01},
    {"/s", NW_MODEL_PER_S, 1},
    {"/m", NW_MODEL_PER_S, 1.0 / 60},
    {"/h", NW_MODEL_PER_S, 1.0 / 3600},
    {"/d", NW_MODEL_PER_S, 1.0 / NW_MODEL_DAY_S},
    {"KB", NW_MODEL_BYTES, 1e3},
    {"MB", NW_MODEL_BYTES, 1e6},
    {"GB", NW_MODEL_BYTES, 1e9},
    {"TB", NW_MODEL_BYTES, 1e12},
    {"K", NW_MODEL_BYTES, 1024.0},
    {"M", NW_MODEL_BYTES, 1048576.0},
    {"G", NW_MODEL_BYTES, 1073741824.0},
    {"T", NW_MODEL_BYTES, 1099511627776.0},
    {"KB/s", NW_MODEL_BYTES_PER_S, 1e3},
    {"MB/s", NW_MODEL_BYTES_PER_S, 1e6},
    {"GB/s", NW_MODEL_BYTES_PER_S, 1e9},
    {"K/s", NW_MODEL_BYTES_PER_S, 1024.0},
    {"M/s", NW_MODEL_BYTES_PER_S, 1048576.0},
    {"G/s", NW_MODEL_BYTES_PER_S, 1073741824.0},
    {"Kbit/s", NW_MODEL_BITS_PER_S, 1e3},
    {"Mbit/s", NW_MODEL_BITS_PER_S, 1e6},
    {"Gbit/s", NW_MODEL_BITS_PER_S, 1e9},
    {"/h", NW_MODEL_MONEY_PER_H, 1},
    {"/month", NW_MODEL_MONEY_PER_H, 1.0 / NW_MODEL_MONTH_H},
    {"km", NW_MODEL_KM, 1},
};

static bool is_name_byte(char byte)
{
    return byte != '>' && byte != '<' && byte != '=' && byte != '!';
}

static bool take_compare(struct nw_slice *rest, bar_compare *out)
{
    for (size_t i = 0; i < NW_COUNT(compares); i++) {
        struct nw_slice sign = nw_slice_str(compares[i].sign);
        if (!nw_slice_starts_with(*rest, sign))
            continue;
        *out = compares[i].compare;
        *rest = nw_slice_skip(*rest, sign.len);
        return true;
    }
    return false;
}

/* Digits, one point, a sign: "1e9", "inf" and "0x10" are none. */
static bool take_number(struct nw_slice *rest, double *out)
{
    size_t len = 0, digits = 0, points = 0;
    char copy[64];
    if (rest->len > 0 && (rest->ptr[0] == '-' || rest->ptr[0] == '+'))
        len = 1;
    for (; len < rest->len; len++) {
        bool is_digit = rest->ptr[len] >= '0' && rest->ptr[len] <= '9';
        if (!is_digit && rest->ptr[len] != '.')
            break;
        digits += is_digit;
        points += !is_digit;
    }
    if (digits == 0 || points > 1 || len >= sizeof copy)
        return false;
    memcpy(copy, rest->ptr, len);
    copy[len] = '\0';
    *out = strtod(copy, NULL);
    *rest = nw_slice_skip(*rest, len);
    return true;
}

nw_err bar_parse(struct nw_slice text, struct bar *out, const char **out_why)
{
    struct bar bar;
    size_t len = 0;
    while (len < text.len && is_name_byte(text.ptr[len]))
        len++;
    struct nw_slice rest = nw_slice_skip(text, len);
    bar.path = nw_slice_trim(nw_slice_first(text, len));
    if (bar.path.len == 0) {
        *out_why = "a name is missing before the comparison";
        return NW_INVALID;
    }
    if (!take_compare(&rest, &bar.compare)) {
        *out_why = "one of > >= < <= == != is missing";
        return NW_INVALID;
    }
    rest = nw_slice_trim(rest);
    if (!take_number(&rest, &bar.number)) {
        *out_why = "behind the comparison stands no number";
        return NW_INVALID;
    }
    bar.unit = nw_slice_trim(rest);
    *out = bar;
    return NW_OK;
}

/* "1K" of things, "1K/s" of requests: what stands before the suffix of a rate, too. */
static double take_thousands(struct nw_slice *unit)
{
    static const struct {
        char letter;
        double factor;
    } letters[] = {{'K', 1e3}, {'M', 1e6}, {'B', 1e9}};
    for (size_t i = 0; i < NW_COUNT(letters); i++)
        if (unit->len > 0 && unit->ptr[0] == letters[i].letter) {
            *unit = nw_slice_skip(*unit, 1);
            return letters[i].factor;
        }
    return 1;
}

nw_err bar_number(const struct bar *bar, nw_model_unit unit, double *out)
{
    struct nw_slice suffix = bar->unit;
    double number = bar->number;
    bool is_bytes = unit == NW_MODEL_BYTES || unit == NW_MODEL_BYTES_PER_S;
    bool is_time =
        unit == NW_MODEL_SECONDS || unit == NW_MODEL_RATIO || unit == NW_MODEL_BITS_PER_S;
    if (!is_bytes && !is_time)
        number *= take_thousands(&suffix);
    if (suffix.len == 0) {
        *out = number;
        return NW_OK;
    }
    for (size_t i = 0; i < NW_COUNT(suffixes); i++)
        if (suffixes[i].unit == unit && nw_slice_eq(suffix, nw_slice_str(suffixes[i].suffix))) {
            *out = number * suffixes[i].factor;
            return NW_OK;
        }
    return NW_INVALID;
}

/* Equal within the tolerance of every threshold: 1e-9 relative. */
bool bar_is_missed(const struct bar *bar, double value, double bar_number)
{
    double apart = value - bar_number;
    bool is_equal = fabs(apart) <= 1e-9 * fmax(fabs(value), fabs(bar_number));
    switch (bar->compare) {
    case BAR_ABOVE: return !is_equal && apart > 0;
    case BAR_AT_LEAST: return is_equal || apart > 0;
    case BAR_BELOW: return !is_equal && apart < 0;
    case BAR_AT_MOST: return is_equal || apart < 0;
    case BAR_EQUAL: return is_equal;
    case BAR_NOT_EQUAL: break;
    }
    return !is_equal;
}
