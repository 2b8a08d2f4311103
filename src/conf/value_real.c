/*
 * Numbers to compute with: rates, money, times and sizes of a plan or a simulation.
 *
 * newel.yaml is obeyed to the millisecond and the byte, so its numbers are whole (value.c). A plan
 * is arithmetic on estimates: 0.5 uploads a day and 2.5 million users are honest there. One grammar
 * reads them all: a decimal with sign and exponent, then a suffix from the type's table. The sign
 * is read although hardly any option allows it: "must be at least 0" at line and column says more
 * than "expected a rate". strtod sees only what this grammar has accepted, so neither "nan", "inf"
 * nor hexadecimal gets near it; newel sets no locale.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/value.h"

#define NUMBER_BYTES_MAX 64

/* Powers of ten go into the decimal's exponent, so that 99.9% is 0.999 and not the next double. */
struct real_unit {
    const char *suffix;
    double times;
    int ten;
};

static const struct real_unit plain_units[] = {{"", 1}};
static const struct real_unit amount_units[] = {{"", 1},     {"K", 1, 3}, {"M", 1, 6},
                                                {"G", 1, 9}, {"B", 1, 9}, {"T", 1, 12}};
static const struct real_unit volume_units[] = {
    {"", 1},      {"K", 1024},  {"M", 1048576}, {"G", 1073741824}, {"T", 1099511627776.0},
    {"KB", 1, 3}, {"MB", 1, 6}, {"GB", 1, 9},   {"TB", 1, 12}};
static const struct real_unit span_units[] = {{"us", 1, -6}, {"ms", 1, -3}, {"s", 1},
                                              {"m", 60},     {"h", 3600},   {"d", 86400}};
static const struct real_unit ratio_units[] = {{"%", 1, -2}};
/* What a rate is divided by. */
static const struct real_unit rate_periods[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const struct real_unit money_periods[] = {
    {"h", 1}, {"d", 24}, {"month", 730}, {"year", 8760}};

static nw_err refuse(struct nw_conf_why *why, const char *sentence, const char *hint)
{
    *why = (struct nw_conf_why){sentence, hint};
    return NW_INVALID;
}

static size_t digit_run(struct nw_slice text, size_t from)
{
    size_t at = from;
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    return at - from;
}

static size_t sign_at(struct nw_slice text, size_t at)
{
    return at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
}

/* How many bytes at the beginning are a decimal number: "-1.5e3"; 0: none. */
static size_t number_len(struct nw_slice text)
{
    size_t at = sign_at(text, 0);
    size_t whole = digit_run(text, at);
    if (whole == 0)
        return 0;
    at += whole;
    if (at < text.len && text.ptr[at] == '.') {
        size_t part = digit_run(text, at + 1);
        if (part == 0)
            return 0;
        at += 1 + part;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        size_t digits_at = at + 1 + sign_at(text, at + 1);
        size_t digits = digit_run(text, digits_at);
        if (digits > 0)
            at = digits_at + digits;
    }
    return at;
}

/* The exponent that the number has itself, 0 without; *len is what stands before it. */
static int exponent_of(struct nw_slice text, size_t *len)
{
    size_t at = 0, end = *len;
    int exponent = 0;
    while (at < end && text.ptr[at] != 'e' && text.ptr[at] != 'E')
        at++;
    *len = at;
    bool is_negative = at + 1 < end && text.ptr[at + 1] == '-';
    for (at += 1 + sign_at(text, at + 1); at < end && exponent < 9999; at++)
        exponent = exponent * 10 + (text.ptr[at] - '0');
    return is_negative ? -exponent : exponent;
}

static const struct real_unit *find_unit(const struct real_unit *units, size_t count,
                                         struct nw_slice suffix)
{
    for (size_t i = 0; i < count; i++)
        if (nw_slice_eq(suffix, nw_slice_str(units[i].suffix)))
            return &units[i];
    return NULL;
}

/* "number suffix" by the table. NW_AGAIN: it is no such thing; NW_INVALID: no double holds it. */
static nw_err scale(struct nw_slice text, const struct real_unit *units, size_t unit_count,
                    double *out, struct nw_conf_why *why)
{
    char copy[NUMBER_BYTES_MAX + 16];
    size_t len = number_len(text);
    const struct real_unit *unit = find_unit(units, unit_count, nw_slice_skip(text, len));
    if (len == 0 || unit == NULL)
        return NW_AGAIN;
    if (len > NUMBER_BYTES_MAX)
        return refuse(why, "has too many digits", NULL);
    int ten = exponent_of(text, &len) + unit->ten;
    snprintf(copy, sizeof copy, "%.*se%d", (int)len, text.ptr, ten);
    double value = strtod(copy, NULL) * unit->times;
    if (!isfinite(value))
        return refuse(why, "is too large", NULL);
    *out = value == 0 ? 0 : value; /* never "-0" */
    return NW_OK;
}

static nw_err read_real(struct nw_slice text, const struct real_unit *units, size_t unit_count,
                        const char *expected, const char *hint, double *out,
                        struct nw_conf_why *why)
{
    nw_err err = scale(text, units, unit_count, out, why);
    return err == NW_AGAIN ? refuse(why, expected, hint) : err;
}

/* Nothing is nothing in every unit. */
static bool is_zero(struct nw_slice text, double *out)
{
    if (!nw_slice_eq(text, NW_SLICE("0")))
        return false;
    *out = 0;
    return true;
}

static bool is_bare_number(struct nw_slice text)
{
    return text.len > 0 && number_len(text) == text.len;
}

/* "amount / period" */
static nw_err read_per(struct nw_slice text, const struct real_unit *periods, size_t period_count,
                       const char *expected, double *out, struct nw_conf_why *why)
{
    size_t slash = nw_slice_find(text, '/');
    const struct real_unit *period =
        slash < text.len ? find_unit(periods, period_count, nw_slice_skip(text, slash + 1)) : NULL;
    double amount;
    if (is_zero(text, out))
        return NW_OK;
    if (period == NULL)
        return refuse(why, expected, is_bare_number(text) ? "the time is missing" : NULL);
    nw_err err =
        scale(nw_slice_first(text, slash), amount_units, NW_COUNT(amount_units), &amount, why);
    if (err != NW_OK)
        return err == NW_AGAIN ? refuse(why, expected, NULL) : err;
    *out = amount / period->times;
    return NW_OK;
}

nw_err nw_conf_value_real(struct nw_slice text, double *out, struct nw_conf_why *why)
{
    return read_real(text, plain_units, NW_COUNT(plain_units), "expected a number such as 4 or 1.5",
                     NULL, out, why);
}

nw_err nw_conf_value_amount(struct nw_slice text, double *out, struct nw_conf_why *why)
{
    return read_real(text, amount_units, NW_COUNT(amount_units),
                     "expected a count such as 2000, 10K or 2.5M", NULL, out, why);
}

nw_err nw_conf_value_rate(struct nw_slice text, double *out_per_s, struct nw_conf_why *why)
{
    return read_per(text, rate_periods, NW_COUNT(rate_periods),
                    "expected a rate such as 300/s, 5K/m, 10/h or 0.5/d", out_per_s, why);
}

nw_err nw_conf_value_money(struct nw_slice text, double *out_per_h, struct nw_conf_why *why)
{
    return read_per(text, money_periods, NW_COUNT(money_periods),
                    "expected money for a time, such as 0.50/h or 30/month", out_per_h, why);
}

nw_err nw_conf_value_span(struct nw_slice text, double *out_s, struct nw_conf_why *why)
{
    if (is_zero(text, out_s))
        return NW_OK;
    return read_real(text, span_units, NW_COUNT(span_units),
                     "expected a time: a number and us, ms, s, m, h or d",
                     is_bare_number(text) ? "a unit is missing" : NULL, out_s, why);
}

nw_err nw_conf_value_ratio(struct nw_slice text, double *out_ratio, struct nw_conf_why *why)
{
    if (is_zero(text, out_ratio))
        return NW_OK;
    return read_real(text, ratio_units, NW_COUNT(ratio_units), "expected a percentage such as 85%",
                     is_bare_number(text) ? "the sign % is missing" : NULL, out_ratio, why);
}

nw_err nw_conf_value_volume(struct nw_slice text, double *out_bytes, struct nw_conf_why *why)
{
    return read_real(text, volume_units, NW_COUNT(volume_units),
                     "expected a size: a number and K, M, G, T or KB, MB, GB, TB", NULL, out_bytes,
                     why);
}
