/*
 * Numbers with units. One scanner reads digits and leaves the suffix; each type owns a small table
 * of suffixes. A bare suffix letter means what the option's type says: K is 1024 in a size and
 * 1000 in a count, which is why there is no "number with K" on its own.
 *
 * Whole numbers only, except where a fraction is the point (percent, cores): "1.5h" invites the
 * question what 1.33h is, "90m" does not. Every product is checked for overflow. What is computed
 * with instead of obeyed is in value_real.c.
 */
#include "conf/value.h"

struct unit {
    const char *suffix;
    int64_t factor;
};

static nw_err refuse(struct nw_conf_why *why, const char *sentence, const char *hint)
{
    *why = (struct nw_conf_why){sentence, hint};
    return NW_INVALID;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static struct nw_slice digits_of(struct nw_slice text)
{
    size_t len = 0;
    while (len < text.len && is_digit(text.ptr[len]))
        len++;
    return nw_slice_first(text, len);
}

/* "digits suffix" by the table; false when it is anything else or does not fit. */
static bool scale(struct nw_slice text, const struct unit *units, size_t unit_count, int64_t *out)
{
    struct nw_slice digits = digits_of(text);
    struct nw_slice suffix = nw_slice_skip(text, digits.len);
    uint64_t number;
    if (digits.len == 0 || nw_slice_to_u64(digits, &number) != NW_OK || number > INT64_MAX)
        return false;
    for (size_t i = 0; i < unit_count; i++)
        if (nw_slice_eq(suffix, nw_slice_str(units[i].suffix)))
            return !__builtin_mul_overflow((int64_t)number, units[i].factor, out);
    return false;
}

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
static const struct unit size_units[] = {
    {"", 1},          {"K", 1ll << 10}, {"M", 1ll << 20}, {"G", 1ll << 30},     {"T", 1ll << 40},
    {"KB", 1000},     {"MB", 1000000},  {"GB", 1000000000}, {"TB", 1000000000000}};
static const struct unit count_units[] = {{"", 1}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000}};

nw_err nw_conf_value_duration(struct nw_slice text, int64_t *out_ms, struct nw_conf_why *why)
{
    if (nw_slice_eq(text, NW_SLICE("0"))) {
        *out_ms = 0;
        return NW_OK;
    }
    if (scale(text, duration_units, NW_COUNT(duration_units), out_ms))
        return NW_OK;
    return refuse(why, "expected a duration: a whole number and ms, s, m, h or d",
                  digits_of(text).len == text.len && text.len > 0 ? "a unit is missing" : NULL);
}

nw_err nw_conf_value_size(struct nw_slice text, int64_t *out_bytes, struct nw_conf_why *why)
{
    if (scale(text, size_units, NW_COUNT(size_units), out_bytes))
        return NW_OK;
    return refuse(why, "expected a size: a whole number and K, M, G, T or KB, MB, GB, TB", NULL);
}

nw_err nw_conf_value_count(struct nw_slice text, int64_t *out, struct nw_conf_why *why)
{
    if (scale(text, count_units, NW_COUNT(count_units), out))
        return NW_OK;
    return refuse(why, "expected a count: a whole number, with K, M or G if it is large", NULL);
}

nw_err nw_conf_value_int(struct nw_slice text, int64_t *out, struct nw_conf_why *why)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t number;
    if (nw_slice_to_u64(is_negative ? nw_slice_skip(text, 1) : text, &number) != NW_OK ||
        number > INT64_MAX)
        return refuse(why, "expected a whole number", NULL);
    *out = is_negative ? -(int64_t)number : (int64_t)number;
    return NW_OK;
}

/* Digits, one point, digits: neither exponent nor sign, and short enough to be exact. */
static bool read_decimal(struct nw_slice text, double *out)
{
    struct nw_slice whole = digits_of(text);
    struct nw_slice rest = nw_slice_skip(text, whole.len);
    struct nw_slice part = {0};
    if (rest.len > 0) {
        if (rest.ptr[0] != '.')
            return false;
        part = nw_slice_skip(rest, 1);
        if (part.len == 0 || digits_of(part).len != part.len)
            return false;
    }
    if (whole.len == 0 || whole.len + part.len > 15)
        return false;
    double value = 0, divisor = 1;
    for (size_t i = 0; i < whole.len; i++)
        value = value * 10 + (whole.ptr[i] - '0');
    for (size_t i = 0; i < part.len; i++, divisor *= 10)
        value = value * 10 + (part.ptr[i] - '0');
    *out = value / divisor;
    return true;
}

nw_err nw_conf_value_number(struct nw_slice text, double *out, struct nw_conf_why *why)
{
    if (read_decimal(text, out))
        return NW_OK;
    return refuse(why, "expected a number such as 2 or 1.5", NULL);
}

/* Splits at the last '/'; false when there is none. */
static bool split_per(struct nw_slice text, struct nw_slice *out_left, struct nw_slice *out_right)
{
    size_t at = nw_slice_find(text, '/');
    if (at == text.len)
        return false;
    *out_left = nw_slice_first(text, at);
    *out_right = nw_slice_skip(text, at + 1);
    return true;
}

nw_err nw_conf_value_byte_rate(struct nw_slice text, int64_t *out_bytes_per_s,
                               struct nw_conf_why *why)
{
    struct nw_slice left, right;
    if (nw_slice_eq(text, NW_SLICE("0"))) {
        *out_bytes_per_s = 0;
        return NW_OK;
    }
    if (split_per(text, &left, &right) && nw_slice_eq(right, NW_SLICE("s")) &&
        scale(left, size_units, NW_COUNT(size_units), out_bytes_per_s))
        return NW_OK;
    return refuse(why, "expected bytes for each second, such as 1K/s", NULL);
}

nw_err nw_conf_value_percent(struct nw_slice text, double *out_ratio, struct nw_conf_why *why)
{
    double percent;
    if (nw_slice_ends_with(text, NW_SLICE("%")) &&
        read_decimal(nw_slice_first(text, text.len - 1), &percent) && percent <= 100) {
        *out_ratio = percent / 100;
        return NW_OK;
    }
    return refuse(why, "expected a percentage from 0% to 100%", NULL);
}

nw_err nw_conf_value_bool(struct nw_slice text, bool *out, struct nw_conf_why *why)
{
    if (!nw_slice_eq(text, NW_SLICE("true")) && !nw_slice_eq(text, NW_SLICE("false")))
        return refuse(why, "expected true or false", NULL);
    *out = text.ptr[0] == 't';
    return NW_OK;
}

nw_err nw_conf_value_share(struct nw_slice text, bool is_size, struct nw_conf_share *out,
                           struct nw_conf_why *why)
{
    struct nw_slice left, right;
    struct nw_conf_why ignored;
    struct nw_conf_share share = {0};
    double above, below;
    if (nw_slice_ends_with(text, NW_SLICE("%"))) {
        NW_TRY(nw_conf_value_percent(text, &share.ratio, why));
    } else if (split_per(text, &left, &right)) {
        if (!read_decimal(left, &above) || !read_decimal(right, &below) || below <= 0 ||
            above > below)
            return refuse(why, "expected a fraction of at most 1, such as 1/8", NULL);
        share.ratio = above / below;
    } else if ((is_size ? nw_conf_value_size(text, &share.value, &ignored)
                        : nw_conf_value_count(text, &share.value, &ignored)) != NW_OK) {
        return refuse(why, is_size ? "expected a share such as 45% or 1/8, or a size such as 512M"
                                   : "expected a share such as 45% or 1/8, or a count such as 10K",
                      NULL);
    }
    if (share.ratio <= 0 && share.value <= 0)
        return refuse(why, "must be more than nothing", NULL);
    *out = share;
    return NW_OK;
}
