/*
 * One long run. Its values hang together (a long queue now is a long queue in a moment), so their
 * plain variance says too little about the mean. Means of long enough batches hang together no
 * more; how long is long enough the run itself must say. Cells of equal length are the clay: MSER
 * chooses where to begin, and batches are made of whole cells.
 *
 * The cut: sum((y_i - mean)^2) / (n - d)^2 of what is left when d cells are dropped says how wide
 * an interval would be if cells were independent (White 1997). They are not, so where there is no
 * warm-up the least score lies anywhere, mostly before a quiet end, which is then taken for the
 * truth. So the smallest d within 10 % of the least score is taken: a real warm-up costs far more
 * than that. Of 400 runs of M/M/1 with 100,000 customers each, 92.4 % of the intervals held the
 * truth at load 0.9 instead of 90.1, 92.9 instead of 91.2 at 0.8. Coarser cells make it worse (85 %
 * with 64 of them).
 *
 * The batches: 32, then 24, 18, 14, 11 longer ones. The correlation of so few is a rough guess, and
 * whoever guesses five times is right by luck once; so a run whose 32 batches agree by more than
 * half is too short at once. Of 400 runs of three relaxation times that finds 281 instead of 175.
 */
#include "model/stats.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"

#define FIRST_VALUES 5   /* per cell: the 5 of MSER-5 */
#define SCORE_ENOUGH 1.1 /* times the least */
#define BATCHES 32
#define BATCHES_MIN 10
#define CORRELATION_MAX 0.2
#define CORRELATION_HOPELESS 0.5 /* of 32 batches: in 11 a third of it is left at least */
#define LONGER_MAX 1000.0

/* The first cell whose score is at most `enough`, and the least score of all. */
static size_t cells_scan(const double *values, size_t count, size_t each, double enough,
                         double *out_least)
{
    struct nw_model_moments rest = {0};
    size_t found = 0;
    double least = INFINITY;
    for (size_t first = count; first-- > 0;) {
        double sum = 0;
        for (size_t i = 0; i < each; i++)
            sum += values[first * each + i];
        nw_model_moments_add(&rest, sum / (double)each);
        double left = (double)rest.count, score = rest.squares / (left * left);
        if (first > count / 2)
            continue;
        least = score < least ? score : least;
        found = score <= enough ? first : found;
    }
    *out_least = least;
    return found;
}

/* How many of the cells to drop, of `each` values each. */
static size_t cells_cut(const double *values, size_t count, size_t each)
{
    double least;
    cells_scan(values, count, each, 0, &least);
    return cells_scan(values, count, each, SCORE_ENOUGH * least, &least);
}

size_t nw_model_mser5_cut(const double *values, size_t count)
{
    return cells_cut(values, count / FIRST_VALUES, FIRST_VALUES) * FIRST_VALUES;
}

/* Between neighbours; 0 for values that are all the same. */
static double correlation(const double *values, size_t count, double mean)
{
    double products = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
        if (i > 0)
            products += (values[i] - mean) * (values[i - 1] - mean);
    }
    return squares > 0 ? products / squares : 0;
}

/*
 * How much longer a run must be whose `batches` batches still agree by r. With correlations that
 * decay as exp(-lag / T), neighbouring means over x T agree by (1 - e^-x)^2 / (2 (x - 1 + e^-x)),
 * which is 0.1, comfortably below the limit, at x = 6. So: find x of this r, ask for 6 in each of
 * 32.
 */
static double longer_than(double r, size_t batches)
{
    double low = 1e-6, high = 100;
    for (int i = 0; i < 60; i++) {
        double x = sqrt(low * high), e = -expm1(-x);
        if (e * e / (2 * (x - e)) > r)
            low = x;
        else
            high = x;
    }
    double longer = 6.0 * BATCHES / (low * (double)batches);
    return fmin(LONGER_MAX, fmax(2, ceil(longer)));
}

/* Of `count` cells in `batches` batches of equal length, the first of the rest left out. */
static size_t batches_make(const double *cells, size_t count, size_t batches, double *out)
{
    size_t each = count / batches, skipped = count - each * batches;
    for (size_t b = 0; b < batches; b++) {
        double sum = 0;
        for (size_t i = 0; i < each; i++)
            sum += cells[skipped + b * each + i];
        out[b] = sum / (double)each;
    }
    return skipped;
}

static struct nw_model_interval cells_interval(const double *cells, size_t count,
                                               uint64_t cell_values)
{
    struct nw_model_interval out = {.verdict = NW_MODEL_INTERVAL_TOO_SHORT};
    size_t cut = cells_cut(cells, count, 1), left = count - cut;
    double means[BATCHES];
    if (left < 2 * BATCHES) {
        out = nw_model_interval_of(cells + cut, left);
        out.verdict = NW_MODEL_INTERVAL_TOO_SHORT;
        out.longer = ceil(4.0 * BATCHES / (double)(count > 0 ? count : 1));
        out.half = 0;
        out.cut_count = cut * cell_values;
        out.used_count = left * cell_values;
        return out;
    }
    for (size_t batches = BATCHES; batches >= BATCHES_MIN; batches -= batches / 4) {
        size_t skipped = batches_make(cells + cut, left, batches, means);
        out = nw_model_interval_of(means, batches);
        out.cut_count = (cut + skipped) * cell_values;
        out.used_count = (left - skipped) * cell_values;
        out.correlation = correlation(means, batches, out.mean);
        if (out.correlation <= CORRELATION_MAX)
            return out;
        if (out.correlation > CORRELATION_HOPELESS)
            break;
    }
    out.verdict = NW_MODEL_INTERVAL_TOO_SHORT;
    out.longer = longer_than(out.correlation, out.batch_count);
    out.half = 0;
    return out;
}

/* Averages neighbours; the open cell, just closed, is among them. */
static void series_halve(struct nw_model_series *series)
{
    for (size_t i = 0; i < NW_MODEL_SERIES_CELLS / 2; i++)
        series->cells[i] = (series->cells[2 * i] + series->cells[2 * i + 1]) / 2;
    series->cell_count = NW_MODEL_SERIES_CELLS / 2;
    series->cell_values *= 2;
}

void nw_model_series_add(struct nw_model_series *series, double value)
{
    if (series->cell_values == 0)
        series->cell_values = FIRST_VALUES;
    series->sum += value;
    if (++series->held < series->cell_values)
        return;
    series->cells[series->cell_count++] = series->sum / (double)series->held;
    series->held = 0;
    series->sum = 0;
    if (series->cell_count == NW_MODEL_SERIES_CELLS)
        series_halve(series);
}

struct nw_model_interval nw_model_series_interval(const struct nw_model_series *series)
{
    return cells_interval(series->cells, series->cell_count, series->cell_values);
}

/* Cell i of a series as it would be if its cells stood for `times` as many values. */
static double cell_of(const struct nw_model_series *series, size_t i, size_t times)
{
    double sum = 0;
    for (size_t k = 0; k < times; k++)
        sum += series->cells[i * times + k];
    return sum / (double)times;
}

struct nw_model_interval nw_model_series_paired(const struct nw_model_series *a,
                                                const struct nw_model_series *b)
{
    double apart[NW_MODEL_SERIES_CELLS];
    uint64_t values = a->cell_values > b->cell_values ? a->cell_values : b->cell_values;
    size_t count_a = 0, count_b = 0, times_a = 1, times_b = 1;
    if (a->cell_values > 0 && b->cell_values > 0) {
        times_a = values / a->cell_values;
        times_b = values / b->cell_values;
        count_a = a->cell_count / times_a;
        count_b = b->cell_count / times_b;
    }
    size_t count = count_a < count_b ? count_a : count_b;
    for (size_t i = 0; i < count; i++)
        apart[i] = cell_of(a, i, times_a) - cell_of(b, i, times_b);
    return cells_interval(apart, count, values);
}
