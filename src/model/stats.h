/*
 * stats.h - what a sample says about the truth: intervals that keep their promise.
 *
 * A simulation is a measurement: it starts empty, and its values hang together. So a mean from one
 * long run comes from `nw_model_series`: the warm-up is cut where MSER says (at most half), the
 * rest is split into 32 batches, batches are merged while neighbours still agree too much, and
 * Student's t makes the interval; under 10 batches the answer is "too short" and by how much, not
 * an interval.
 *
 * No function answers NaN or infinity. Counts and probabilities outside what is named are asserted
 * on, values that are not finite too: simulators make finite numbers.
 *
 * Sources: Student 1908; Welford 1962; White 1997 (MSER-5); Schmeiser 1982 (few, long batches).
 *
 * Owner:   the caller; nothing here allocates
 * Threads: stateless; one series, one thread
 */
#ifndef NW_MODEL_STATS_H
#define NW_MODEL_STATS_H

#include <stdbool.h>

#include "base/compiler.h"

/* ---- laws ---- */

/* P(Z <= x) of the standard normal. */
double nw_model_normal_part(double x);
/* Its inverse; 1e-100 <= p < 1. */
double nw_model_normal_quantile(double p);
/* P(T <= t) of Student's t; freedom 1 or more, whole or broken; t may be infinite. */
double nw_model_student_part(double t, double freedom);
/* Its inverse; 1e-100 <= p < 1. */
double nw_model_student_quantile(double p, double freedom);

/* ---- plain samples of independent values ---- */

/* Mean and variance in one pass; start with zeros. */
struct nw_model_moments {
    uint64_t count;
    double mean;
    double squares; /* sum of squared distances from the mean */
};

static inline void nw_model_moments_add(struct nw_model_moments *moments, double value)
{
    double before = value - moments->mean;
    moments->count++;
    moments->mean += before / (double)moments->count;
    moments->squares += before * (value - moments->mean);
}

/* As if `to` had seen all values of both. */
void nw_model_moments_merge(struct nw_model_moments *to, const struct nw_model_moments *from);
/* With count - 1 in the denominator; 0 below two values. */
double nw_model_moments_variance(const struct nw_model_moments *moments);

/* Ascending. */
void nw_model_values_sort(double *values, size_t count);
/* Interpolates between the two neighbours of (count - 1) q; ascending, count > 0, q in 0..1. */
double nw_model_values_quantile(const double *sorted, size_t count, double q);

/* ---- intervals ---- */

typedef enum nw_model_interval_verdict {
    NW_MODEL_INTERVAL_OK = 0,
    NW_MODEL_INTERVAL_TOO_SHORT, /* half is 0 and means nothing; run `longer` times as long */
} nw_model_interval_verdict;

struct nw_model_interval {
    nw_model_interval_verdict verdict;
    double mean;
    double half;         /* the 95 % interval is mean - half .. mean + half */
    size_t batch_count;  /* batches or pairs behind it */
    double correlation;  /* between neighbouring batches; 0 for pairs */
    double longer;       /* too short: so many times; else 1 */
    uint64_t cut_count;  /* values dropped as warm-up */
    uint64_t used_count; /* values behind the mean */
};

/*
 * Is the mean known to within `precision` of it (0.01 for 1 %)? Never when too short. A run that
 * stops when this is true asks at lengths that grow by half at least: every look is another chance
 * to stop by luck.
 */
bool nw_model_interval_is_precise(const struct nw_model_interval *interval, double precision);

/* From independent values, one per replication; under 2 too short. */
struct nw_model_interval nw_model_interval_of(const double *values, size_t count);
/*
 * Of mean(a) - mean(b), where a[i] and b[i] met the same chance (common random numbers): what both
 * share cancels. Under 2 pairs too short.
 */
struct nw_model_interval nw_model_interval_paired(const double *a, const double *b, size_t count);

/* ---- one long run ---- */

/*
 * How many of the first values to drop: MSER over means of five, the smallest cut within 10 % of
 * the best score, at most half of the values. Constant values are not cut.
 */
size_t nw_model_mser5_cut(const double *values, size_t count);

#define NW_MODEL_SERIES_CELLS 2048u

/*
 * A run of any length in 16 KB: means of five values each at first; when all cells are full,
 * neighbours are averaged and a cell stands for twice as many. Start with zeros.
 */
struct nw_model_series {
    uint32_t cell_count;
    uint32_t held;        /* values in the open cell */
    uint64_t cell_values; /* values per cell: 5, 10, 20, ...; 0 at the start */
    double sum;           /* of the open cell */
    double cells[NW_MODEL_SERIES_CELLS];
};

void nw_model_series_add(struct nw_model_series *series, double value);
/* The 95 % interval of the long-run mean, as described above. */
struct nw_model_interval nw_model_series_interval(const struct nw_model_series *series);
/*
 * Of the difference of two runs of the same length under common random numbers: cell by cell, then
 * as above. Series of different lengths are compared over the shorter. Takes 16 KB of stack.
 */
struct nw_model_interval nw_model_series_paired(const struct nw_model_series *a,
                                                const struct nw_model_series *b);

#endif
