/*
 * usl.h - the scalability law: what N nodes do, where more of them make it worse, and how sure
 * that is.
 *
 * X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)). gamma is what one node does, alpha the
 * part that waits for its turn (contention), beta the price of agreement between each pair
 * (coherency). N is nodes or concurrency, never a request rate, and the two are never mixed in one
 * set of points.
 *
 * A fit is a guess: from 1, 2, 4 and 8 nodes with 1 % noise a third of plain fits show no peak at
 * all where there is one at 44. So an interval comes with each number, and a peak is named only
 * where the points bear it.
 *
 * Sources: Gunther 1993 and 2007 for the law; Levenberg 1944 and Marquardt 1963 for the fit.
 *
 * Owner:   the caller; plain data; nothing here allocates
 * Threads: stateless, call from anywhere
 */
#ifndef NW_MODEL_USL_H
#define NW_MODEL_USL_H

#include <stdbool.h>

#include "base/err.h"

struct nw_model_usl {
    double gamma_per_s; /* 1e-150..1e150 */
    double alpha;       /* 0..1e100 */
    double beta;        /* 0..1e100 */
};

#define NW_MODEL_USL_NODES_MAX 1000000000u

/* X(N); nodes in 1..NW_MODEL_USL_NODES_MAX. What is out of range is asserted on, here and below. */
double nw_model_usl_rate_per_s(const struct nw_model_usl *law, double nodes);
/* X(N) / (N X(1)): 1 where scaling is linear. */
double nw_model_usl_efficiency(const struct nw_model_usl *law, double nodes);
/*
 * Where X is highest: N* = sqrt((1 - alpha) / beta), at least 1. False, and nothing written, when
 * beta is so small that there is no peak up to NW_MODEL_USL_NODES_MAX.
 */
bool nw_model_usl_peak(const struct nw_model_usl *law, double *out_nodes, double *out_rate_per_s);

typedef enum nw_model_usl_reach {
    NW_MODEL_USL_REACHED = 0,
    NW_MODEL_USL_BEYOND_PEAK,  /* more nodes would do less */
    NW_MODEL_USL_BEYOND_LIMIT, /* no peak, but not with NW_MODEL_USL_NODES_MAX either */
    NW_MODEL_USL_INVALID,      /* rate_per_s is negative or not finite; nothing was written */
} nw_model_usl_reach;

/* "reached", "beyond-peak", "beyond-limit", "invalid". */
const char *nw_model_usl_reach_name(nw_model_usl_reach reach);

/*
 * The smallest whole N with X(N) >= rate_per_s, equality within 1e-9 of it counting. Beyond the
 * peak (or the limit) *out_nodes is the whole N of the highest rate (NW_MODEL_USL_NODES_MAX at a
 * limit). *out_rate_per_s is X(*out_nodes) in each case.
 */
NW_MUST_CHECK nw_model_usl_reach nw_model_usl_nodes_for(const struct nw_model_usl *law,
                                                        double rate_per_s, uint64_t *out_nodes,
                                                        double *out_rate_per_s);

/* ---- the fit ---- */

struct nw_model_usl_point {
    double nodes; /* >= 1 */
    double rate_per_s;
};

struct nw_model_range {
    double low;
    double high;
};

#define NW_MODEL_USL_POINTS_MAX 1000u
#define NW_MODEL_USL_RESAMPLES 400u

typedef enum nw_model_usl_peak_verdict {
    NW_MODEL_USL_PEAK_NAMED = 0,
    NW_MODEL_USL_PEAK_FEW_POINTS, /* under 5 */
    NW_MODEL_USL_PEAK_NO_BEND,    /* beta's interval touches 0: perhaps there is none */
    NW_MODEL_USL_PEAK_TOO_FAR,    /* more than twice the largest N that was measured */
} nw_model_usl_peak_verdict;

/* "named", "few-points", "no-bend", "too-far". */
const char *nw_model_usl_peak_verdict_name(nw_model_usl_peak_verdict verdict);

/* About 10 KB: not for a fiber's stack. Ranges are 95 % intervals. */
struct nw_model_usl_fit {
    struct nw_model_usl law;
    struct nw_model_range gamma_per_s;
    struct nw_model_range alpha;
    struct nw_model_range beta;
    double noise; /* standard deviation of the relative residuals, n - 3 degrees of freedom */
    double nodes_max;
    size_t point_count;
    nw_model_usl_peak_verdict peak;
    double peak_nodes; /* these six are 0 unless peak is NAMED */
    double peak_per_s;
    struct nw_model_range peak_nodes_range;
    struct nw_model_range peak_per_s_range;
    double measure_nodes; /* not NAMED: measure at this many or more */
    double stretch;       /* t(0.975, n - 3) / 1.96 */
    struct nw_model_usl resamples[NW_MODEL_USL_RESAMPLES];
};

/*
 * Least squares of the relative residuals with alpha, beta >= 0. NW_INVALID: fewer than three
 * different N, more than NW_MODEL_USL_POINTS_MAX points, a value not finite or not positive, N < 1
 * or above NW_MODEL_USL_NODES_MAX, rates outside 1e-100..1e100.
 */
NW_MUST_CHECK nw_err nw_model_usl_fit_law(const struct nw_model_usl_point *points,
                                          size_t point_count, struct nw_model_usl *out);
/*
 * The law, its intervals and the verdict on its peak; at least four points. The intervals come from
 * refits of NW_MODEL_USL_RESAMPLES invented data sets with the same noise, drawn from `seed`. Takes
 * some 30 KB of stack and milliseconds.
 */
NW_MUST_CHECK nw_err nw_model_usl_fit(const struct nw_model_usl_point *points, size_t point_count,
                                      uint64_t seed, struct nw_model_usl_fit *out);
/* The 95 % interval of X(nodes); nodes >= 1. */
struct nw_model_range nw_model_usl_band_per_s(const struct nw_model_usl_fit *fit, double nodes);

#endif
