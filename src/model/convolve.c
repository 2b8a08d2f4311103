/*
 * A lattice of equal steps would make convolution a plain sum over differences, but a tail of ten
 * seconds and a body of one millisecond do not share a step. On a geometric grid every pair is
 * placed by itself: for one point of the first law the sums with the second ascend, so the place in
 * the grid only moves forward, and 512 x 512 pairs need no logarithm.
 *
 * A value between two grid points gives its mass to both, more to the nearer, so that their mean is
 * the value.
 */
#include "model/convolve.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"

#define POINTS NW_MODEL_SPREAD_POINTS
#define MMC_FIRST 1e-3  /* of the mean: below, one cell */
#define MMC_BEYOND 1e-9 /* the last cell holds so much, or less */

struct grid {
    double at[POINTS];
    double mass[POINTS];
};

/* From `low` to `high`, both among the points; low = 0 is a point of its own before `second`. */
static void grid_make(struct grid *grid, double low, double second, double high)
{
    size_t first = low > 0 ? 0 : 1;
    double from = low > 0 ? low : second, steps = (double)(POINTS - 1 - first);
    grid->at[0] = low;
    for (size_t i = first; i < POINTS; i++)
        grid->at[i] = from * exp(log(high / from) * ((double)(i - first) / steps));
    grid->at[first] = from;
    grid->at[POINTS - 1] = high;
    for (size_t i = 0; i < POINTS; i++)
        grid->mass[i] = 0;
}

/* `place` is a grid point at or below the value; returns the nearest such. */
static inline size_t grid_add(struct grid *grid, size_t place, double value, double mass)
{
    while (place + 2 < POINTS && grid->at[place + 1] <= value)
        place++;
    double width = grid->at[place + 1] - grid->at[place];
    double upper = width > 0 ? (value - grid->at[place]) / width : 0;
    upper = upper < 0 ? 0 : upper > 1 ? 1 : upper;
    grid->mass[place] += mass * (1 - upper);
    grid->mass[place + 1] += mass * upper;
    return place;
}

/* The last grid point that is not above the value. */
static size_t grid_place(const struct grid *grid, double value)
{
    size_t low = 0, high = POINTS - 1;
    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        if (grid->at[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Divides by the sum of all parts. */
static void spread_scale(struct nw_model_spread *spread)
{
    double sum = 0;
    for (size_t i = 0; i < spread->count; i++)
        sum += spread->part[i];
    for (size_t i = 0; i < spread->count; i++)
        spread->part[i] /= sum;
}

static void spread_from_grid(const struct grid *grid, struct nw_model_spread *out)
{
    out->count = 0;
    for (size_t i = 0; i < POINTS; i++) {
        if (grid->mass[i] <= 0)
            continue;
        out->value_s[out->count] = grid->at[i];
        out->part[out->count++] = grid->mass[i];
    }
    spread_scale(out);
}

struct point {
    double value_s;
    double part;
};

static int compare(const void *a, const void *b)
{
    double x = ((const struct point *)a)->value_s, y = ((const struct point *)b)->value_s;
    return (x > y) - (x < y);
}

/* Sorts the points and adds up equal ones; at most POINTS of them. */
static void spread_from_points(struct point *points, size_t count, struct nw_model_spread *out)
{
    qsort(points, count, sizeof *points, compare);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (out->count > 0 && out->value_s[out->count - 1] == points[i].value_s) {
            out->part[out->count - 1] += points[i].part;
            continue;
        }
        out->value_s[out->count] = points[i].value_s;
        out->part[out->count++] = points[i].part;
    }
    spread_scale(out);
}

void nw_model_spread_constant(struct nw_model_spread *out, double value_s)
{
    NW_ASSERT(value_s >= 0 && isfinite(value_s));
    out->count = 1;
    out->value_s[0] = value_s;
    out->part[0] = 1;
}

static bool is_usable(double value)
{
    return value >= 0 && value <= 1e100;
}

nw_err nw_model_spread_of(const double *values_s, const double *weights, size_t count,
                          struct nw_model_spread *out)
{
    double low = INFINITY, second = INFINITY, high = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_usable(values_s[i]) || !is_usable(weights[i]))
            return NW_INVALID;
        if (weights[i] == 0)
            continue;
        used++;
        low = fmin(low, values_s[i]);
        second = values_s[i] > 0 ? fmin(second, values_s[i]) : second;
        high = fmax(high, values_s[i]);
    }
    if (used == 0)
        return NW_INVALID;
    if (used <= POINTS) {
        struct point points[POINTS];
        used = 0;
        for (size_t i = 0; i < count; i++)
            if (weights[i] > 0)
                points[used++] = (struct point){values_s[i], weights[i]};
        spread_from_points(points, used, out);
        return NW_OK;
    }
    if (low == high) {
        nw_model_spread_constant(out, low);
        return NW_OK;
    }
    struct grid grid;
    grid_make(&grid, low, second, high);
    for (size_t i = 0; i < count; i++)
        grid_add(&grid, grid_place(&grid, values_s[i]), values_s[i], weights[i]);
    spread_from_grid(&grid, out);
    return NW_OK;
}

nw_err nw_model_spread_of_histogram(const struct nw_histogram *histogram, double unit_s,
                                    struct nw_model_spread *out)
{
    NW_ASSERT(unit_s > 0 && unit_s <= 1e6);
    struct nw_histogram_bucket bucket;
    double low = INFINITY, second = INFINITY, high = 0;
    size_t used = 0;
    for (bool is_started = false; nw_histogram_next(histogram, &is_started, &bucket); used++) {
        double value_s = unit_s * ((double)bucket.low + (double)bucket.high) / 2;
        low = fmin(low, value_s);
        second = value_s > 0 ? fmin(second, value_s) : second;
        high = fmax(high, value_s);
    }
    if (used == 0)
        return NW_INVALID;
    struct grid grid;
    size_t place = 0;
    if (used > POINTS)
        grid_make(&grid, low, second, high);
    out->count = 0;
    for (bool is_started = false; nw_histogram_next(histogram, &is_started, &bucket);) {
        double value_s = unit_s * ((double)bucket.low + (double)bucket.high) / 2;
        if (used > POINTS) {
            place = grid_add(&grid, place, value_s, (double)bucket.count);
            continue;
        }
        out->value_s[out->count] = value_s;
        out->part[out->count++] = (double)bucket.count;
    }
    if (used > POINTS)
        spread_from_grid(&grid, out);
    else
        spread_scale(out);
    return NW_OK;
}

/*
 * Cells from 0 to where next to nobody is beyond, each a point at its own mean: the part of the
 * mean that lies in a cell is what the integral of the tail says, by Simpson's rule. What is beyond
 * the last edge decays with the slower rate. All is then scaled to the exact mean, by some 1e-8.
 */
void nw_model_spread_of_mmc(const struct nw_model_mmc *mmc, struct nw_model_spread *out)
{
    double high = nw_model_mmc_response_s_quantile(mmc, 1 - MMC_BEYOND);
    double first = MMC_FIRST * mmc->response_s, edge = 0, beyond = 1;
    out->count = 0;
    for (size_t i = 0; i + 1 < POINTS; i++) {
        double next = first * exp(log(high / first) * ((double)i / (POINTS - 2)));
        double next_beyond = nw_model_mmc_response_beyond(mmc, next);
        double middle = nw_model_mmc_response_beyond(mmc, (edge + next) / 2);
        double area = (next - edge) * (beyond + 4 * middle + next_beyond) / 6;
        double part = beyond - next_beyond, share_s = edge * beyond - next * next_beyond + area;
        if (part > 0) {
            double value_s = fmin(next, fmax(edge, share_s / part));
            out->value_s[out->count] = value_s;
            out->part[out->count++] = part;
        }
        edge = next;
        beyond = next_beyond;
    }
    out->value_s[out->count] = edge + 1 / fmin(mmc->spare_per_s, mmc->serve_per_s);
    out->part[out->count++] = beyond;
    spread_scale(out);
    double exact = mmc->response_s / nw_model_spread_mean_s(out);
    for (size_t i = 0; i < out->count; i++)
        out->value_s[i] *= exact;
}

static void convolve_few(const struct nw_model_spread *a, const struct nw_model_spread *b,
                         struct nw_model_spread *out)
{
    struct point points[POINTS];
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            points[count++] =
                (struct point){a->value_s[i] + b->value_s[j], a->part[i] * b->part[j]};
    spread_from_points(points, count, out);
}

void nw_model_spread_convolve(const struct nw_model_spread *a, const struct nw_model_spread *b,
                              struct nw_model_spread *out)
{
    NW_ASSERT(a->count > 0 && a->count <= POINTS && b->count > 0 && b->count <= POINTS);
    if (a->count * b->count <= POINTS) {
        convolve_few(a, b, out);
        return;
    }
    struct grid grid;
    double low = a->value_s[0] + b->value_s[0], second = INFINITY;
    if (a->count > 1)
        second = a->value_s[1] + b->value_s[0];
    if (b->count > 1)
        second = fmin(second, a->value_s[0] + b->value_s[1]);
    grid_make(&grid, low, second, a->value_s[a->count - 1] + b->value_s[b->count - 1]);
    for (size_t i = 0, start = 0; i < a->count; i++) {
        size_t place = start;
        for (size_t j = 0; j < b->count; j++) {
            place = grid_add(&grid, place, a->value_s[i] + b->value_s[j], a->part[i] * b->part[j]);
            start = j == 0 ? place : start;
        }
    }
    spread_from_grid(&grid, out);
}

double nw_model_spread_mean_s(const struct nw_model_spread *spread)
{
    double mean_s = 0;
    for (size_t i = 0; i < spread->count; i++)
        mean_s += spread->part[i] * spread->value_s[i];
    return mean_s;
}

double nw_model_spread_s_quantile(const struct nw_model_spread *spread, double q)
{
    NW_ASSERT(spread->count > 0 && q >= 0 && q <= 1);
    double below = 0;
    for (size_t i = 0; i < spread->count; i++) {
        below += spread->part[i];
        if (below >= q - 1e-12)
            return spread->value_s[i];
    }
    return spread->value_s[spread->count - 1];
}
