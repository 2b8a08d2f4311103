/*
 * convolve.h - the latency of one hop after another: means add, percentiles do not.
 *
 * A spread is a law of chance on at most NW_MODEL_SPREAD_POINTS points: a latency and the part of
 * the requests that has it. The sum of two independent hops pairs every point with every other and
 * puts each pair on a geometric grid, between whose points its mass is divided so that the mean
 * stays what it was. Mass and mean are exact, percentiles within one step of the grid: 3 % over
 * six decades, less over fewer; sums of so few points that all have room are exact.
 *
 * Owner:   the caller; plain data of 8 KB; nothing here allocates
 * Threads: stateless, call from anywhere
 */
#ifndef NW_MODEL_CONVOLVE_H
#define NW_MODEL_CONVOLVE_H

#include "base/err.h"
#include "base/histogram.h"
#include "model/queueing.h"

#define NW_MODEL_SPREAD_POINTS 512u

/* Points ascending, each once; parts are positive and add up to 1. */
struct nw_model_spread {
    size_t count;
    double value_s[NW_MODEL_SPREAD_POINTS];
    double part[NW_MODEL_SPREAD_POINTS];
};

/* Everybody takes value_s; finite and not negative, asserted. */
void nw_model_spread_constant(struct nw_model_spread *out, double value_s);
/*
 * From points in any order with weights that need not add up to 1, as many as there are.
 * NW_INVALID: none with a positive weight, a value or weight that is negative or not finite.
 */
NW_MUST_CHECK nw_err nw_model_spread_of(const double *values_s, const double *weights, size_t count,
                                        struct nw_model_spread *out);
/* From the middles of a histogram's buckets, `unit_s` seconds each. NW_INVALID: it is empty. */
NW_MUST_CHECK nw_err nw_model_spread_of_histogram(const struct nw_histogram *histogram,
                                                  double unit_s, struct nw_model_spread *out);
/* The response of a steady M/M/c; its mean is exact. */
void nw_model_spread_of_mmc(const struct nw_model_mmc *mmc, struct nw_model_spread *out);
/* The sum of two independent latencies. `out` may be a or b. */
void nw_model_spread_convolve(const struct nw_model_spread *a, const struct nw_model_spread *b,
                              struct nw_model_spread *out);
double nw_model_spread_mean_s(const struct nw_model_spread *spread);
/* The smallest point that a part q of the requests does not exceed; q in 0..1. */
double nw_model_spread_s_quantile(const struct nw_model_spread *spread, double q);

#endif
