/*
 * Round numbers, spans and thinning: everything about a chart that is arithmetic and no SVG.
 *
 * Ticks are whole multiples of a step, never a running sum, so that 0.6 does not become
 * 0.6000000000000001 by the way it was reached twice. A step is 1, 2 or 5 times a power of ten;
 * for times beyond a second it is what clocks have.
 *
 * Thinning keeps, of each stretch of values, the first, the last, the least and the greatest: what
 * a line over more values than pixels would cover anyway (an average would hide a peak of one
 * second, which is what such charts are looked at for).
 */
#include "model/chart_impl.h"

#include <math.h>

#include "base/assert.h"

#define LARGEST 1e150 /* squares and differences of such values are still finite */
#define ROUGHLY 1e-9

bool chart_is_number(double value)
{
    return isfinite(value) && fabs(value) <= LARGEST;
}

/* The least of 1, 2, 5 times a power of ten that is not below `least`. */
static double round_up(double least)
{
    static const double factors[] = {1, 2, 5};
    double power = pow(10, floor(log10(least)));
    for (size_t i = 0; i < NW_COUNT(factors); i++)
        if (factors[i] * power >= least * (1 - ROUGHLY))
            return factors[i] * power;
    return 10 * power;
}

/* The round step of which a span holds most - 1 at most. */
static double step_of(double span, unsigned most, nw_model_unit unit)
{
    static const double clock_steps[] = {1,     2,     5,     10,    15,     30,    60,
                                         120,   300,   600,   900,   1800,   3600,  7200,
                                         10800, 21600, 43200, 86400, 172800, 604800};
    double least = span / (most - 1);
    if (unit == NW_MODEL_SECONDS && least > 0.5) {
        for (size_t i = 0; i < NW_COUNT(clock_steps); i++)
            if (clock_steps[i] >= least * (1 - ROUGHLY))
                return clock_steps[i];
        return round_up(least / NW_MODEL_DAY_S) * NW_MODEL_DAY_S;
    }
    if (unit == NW_MODEL_COUNT && least < 1 && span >= 1)
        return 1; /* there are no half nodes */
    return round_up(least);
}

static unsigned linear_ticks(double low, double high, nw_model_unit unit, unsigned most,
                             double out_ticks[NW_MODEL_TICKS_MAX])
{
    double step = step_of(high - low, most, unit);
    double first = ceil(low / step - ROUGHLY);
    unsigned count = 0;
    for (; count < most && (first + count) * step <= high + step * ROUGHLY; count++)
        out_ticks[count] = (first + count) * step + 0.0; /* no -0 */
    return count;
}

/* Powers of ten, each `stride`-th, with their 2 and 5 where is_dense. Counts beyond `most`, too. */
static unsigned log_ticks(double low, double high, bool is_dense, int stride, unsigned most,
                          double out_ticks[NW_MODEL_TICKS_MAX])
{
    static const double factors[] = {1, 2, 5};
    int first = (int)floor(log10(low)), last = (int)ceil(log10(high));
    unsigned count = 0;
    for (int exponent = first; exponent <= last; exponent++) {
        if (exponent % stride != 0)
            continue;
        for (size_t i = 0; i < (is_dense ? NW_COUNT(factors) : 1); i++) {
            double tick = factors[i] * pow(10, exponent);
            if (tick < low * (1 - ROUGHLY) || tick > high * (1 + ROUGHLY))
                continue;
            if (count < most)
                out_ticks[count] = tick;
            count++;
        }
    }
    return count;
}

unsigned nw_model_chart_ticks(double low, double high, nw_model_unit unit, bool is_log,
                              unsigned most, double out_ticks[NW_MODEL_TICKS_MAX])
{
    NW_ASSERT(isfinite(low) && isfinite(high) && low < high);
    NW_ASSERT(most >= 2 && most <= NW_MODEL_TICKS_MAX);
    if (!is_log)
        return linear_ticks(low, high, unit, most, out_ticks);
    NW_ASSERT(low > 0);
    unsigned count = log_ticks(low, high, true, 1, most, out_ticks);
    if (count < 2) /* less than a factor of 2.5 */
        return linear_ticks(low, high, unit, most, out_ticks);
    for (int stride = 1; count > most; stride++)
        count = log_ticks(low, high, false, stride, most, out_ticks);
    return count;
}

void chart_span_add(struct chart_span *span, double value)
{
    if (!chart_is_number(value))
        return;
    span->low = fmin(span->low, value);
    span->high = fmax(span->high, value);
    if (value > 0)
        span->above_zero = fmin(span->above_zero, value);
}

/* Out to the next 1, 2 or 5 times a power of ten. */
static double log_round(double value, bool is_up)
{
    double power = pow(10, floor(log10(value) + ROUGHLY)), factor = value / power;
    if (is_up)
        return power * (factor <= 1 + ROUGHLY   ? 1
                        : factor <= 2 + ROUGHLY ? 2
                        : factor <= 5 + ROUGHLY ? 5
                                                : 10);
    return power * (factor >= 5 - ROUGHLY ? 5 : factor >= 2 - ROUGHLY ? 2 : 1);
}

static void set_log(struct chart_scale *scale, const struct chart_span *span, bool is_round)
{
    scale->is_log = true;
    scale->low = fmax(span->above_zero, 1 / LARGEST);
    scale->high = fmax(span->high, scale->low);
    if (is_round) {
        scale->low = log_round(scale->low, false);
        scale->high = log_round(scale->high, true);
    }
    if (scale->high < scale->low * (1 + ROUGHLY)) {
        scale->low /= 2;
        scale->high *= 2;
    }
}

void chart_scale_set(struct chart_scale *scale, const struct chart_span *span,
                     const struct nw_model_chart_axis *axis, bool is_round, unsigned most)
{
    if (axis->is_log && span->above_zero <= LARGEST) {
        set_log(scale, span, is_round);
        return;
    }
    scale->is_log = false;
    scale->low = span->low <= span->high ? span->low : 0;
    scale->high = span->low <= span->high ? span->high : 1;
    if (scale->low > 0 && axis->is_from_zero)
        scale->low = 0;
    if (scale->high < 0 && axis->is_from_zero)
        scale->high = 0;
    double apart = scale->high - scale->low;
    double size = fmax(fabs(scale->low), fabs(scale->high));
    if (apart <= ROUGHLY * size || apart < 1 / LARGEST) {
        double half = size >= 1 / LARGEST && is_round ? size / 2 : 0.5;
        half = fmax(half, ROUGHLY * 10 * size);
        scale->low -= half;
        scale->high += half;
    }
    if (is_round) {
        double step = step_of(scale->high - scale->low, most, axis->unit);
        scale->low = floor(scale->low / step + ROUGHLY) * step;
        scale->high = ceil(scale->high / step - ROUGHLY) * step;
    }
}

bool chart_scale_has(const struct chart_scale *scale, double value)
{
    return chart_is_number(value) && (!scale->is_log || value > 0);
}

double chart_scale_at(const struct chart_scale *scale, double value)
{
    double share = scale->is_log ? log(value / scale->low) / log(scale->high / scale->low)
                                 : (value - scale->low) / (scale->high - scale->low);
    return scale->from + share * (scale->to - scale->from);
}

/* Of values[from..to): first, last, least, greatest, and one that is not finite; in order. */
static size_t thin_stretch(const double *values, size_t from, size_t to, size_t out[5])
{
    size_t picked[5], count = 0, kept = 0;
    size_t least = to, greatest = to, hole = to;
    for (size_t i = from; i < to; i++) {
        if (!chart_is_number(values[i])) {
            hole = hole == to ? i : hole;
            continue;
        }
        least = least == to || values[i] < values[least] ? i : least;
        greatest = greatest == to || values[i] > values[greatest] ? i : greatest;
    }
    picked[count++] = from;
    picked[count++] = to - 1;
    if (least < to)
        picked[count++] = least;
    if (greatest < to)
        picked[count++] = greatest;
    if (hole < to)
        picked[count++] = hole;
    for (size_t i = 1; i < count; i++) /* few enough to insert each at its place */
        for (size_t k = i; k > 0 && picked[k - 1] > picked[k]; k--) {
            size_t swapped = picked[k];
            picked[k] = picked[k - 1];
            picked[k - 1] = swapped;
        }
    for (size_t i = 0; i < count; i++)
        if (i == 0 || picked[i] != picked[i - 1])
            out[kept++] = picked[i];
    return kept;
}

/* In so many stretches; what does not fit is counted but not written. */
static size_t thin_into(const double *values, size_t count, size_t stretches, size_t most,
                        size_t *out_indices)
{
    size_t kept = 0;
    for (size_t i = 0; i < stretches; i++) {
        /* count may be large: no product of the two that overflows */
        size_t from = count / stretches * i + count % stretches * i / stretches;
        size_t to = count / stretches * (i + 1) + count % stretches * (i + 1) / stretches;
        size_t picked[5], picked_count = thin_stretch(values, from, to, picked);
        for (size_t k = 0; k < picked_count; k++, kept++)
            if (kept < most)
                out_indices[kept] = picked[k];
    }
    return kept;
}

/* A smooth stretch takes two points, a rough one four: as many stretches as fit. */
size_t nw_model_chart_thin(const double *values, size_t count, size_t most, size_t *out_indices)
{
    NW_ASSERT(most >= 10);
    if (count <= most) {
        for (size_t i = 0; i < count; i++)
            out_indices[i] = i;
        return count;
    }
    size_t stretches = most / 2, kept;
    do {
        kept = thin_into(values, count, stretches, most, out_indices);
        stretches = kept > most && stretches * 4 / 5 > most / 5 ? stretches * 4 / 5 : most / 5;
    } while (kept > most);
    return kept;
}
