/*
 * The fit. In q = (1, alpha, beta) / gamma the law is N over a sum of products,
 *
 *     X(N) = N / (q0 + q1 (N - 1) + q2 N (N - 1)),
 *
 * so it begins with a linear fit of 1 = q0 X/N + q1 X (N - 1)/N + q2 X (N - 1), and the steps of
 * Levenberg and Marquardt on the residuals X(N)/x - 1 have little left to do. Steps are solved by
 * Givens rotations, one row at a time into a triangle of three, which keeps the digits that normal
 * equations would square away (columns go as 1, N, N^2) and no row.
 *
 * alpha, beta >= 0: where the free fit is outside, the fits with one or both of them at 0 are made,
 * and the best of those inside is taken.
 *
 * Intervals: refits of invented data sets, the fitted law with noise of the size that was found. A
 * plain quantile of so few refits promises too much; its distance from the estimate is stretched by
 * t(0.975, n - 3) / 1.96. For the peak's N on a scale of ratios, because it goes with 1 /
 * sqrt(beta).
 */
#include "model/usl.h"

#include <math.h>

#include "base/assert.h"
#include "model/random.h"
#include "model/stats.h"

#define TERMS 3
#define STEPS_MAX 200
#define STEP_ENOUGH 1e-11  /* relative: of every term */
#define SQUARES_NONE 1e-28 /* of a residual: the points lie on the law */
#define DAMPING_FIRST 1e-4
#define DAMPING_MIN 1e-15
#define DAMPING_MAX 1e12
#define RATIO_MAX 1e9 /* of alpha and beta: beyond, one node's rate is a guess out of nothing */
#define REDRAWS_MAX 50

struct data {
    const struct nw_model_usl_point *points;
    size_t count;
};

/* Upper triangle and right side of a least-squares problem that rows are rotated into. */
struct triangle {
    double at[TERMS][TERMS + 1];
};

static void triangle_add(struct triangle *t, double row[TERMS + 1])
{
    for (int k = 0; k < TERMS; k++) {
        if (row[k] == 0)
            continue;
        double inverse = 1 / sqrt(t->at[k][k] * t->at[k][k] + row[k] * row[k]);
        double c = t->at[k][k] * inverse, s = row[k] * inverse;
        for (int j = k; j <= TERMS; j++) {
            double old = t->at[k][j];
            t->at[k][j] = c * old + s * row[j];
            row[j] = c * row[j] - s * old;
        }
    }
}

/* Terms that no row had are 0. */
static void triangle_solve(const struct triangle *t, double out[TERMS])
{
    for (int k = TERMS - 1; k >= 0; k--) {
        double rest = t->at[k][TERMS];
        for (int j = k + 1; j < TERMS; j++)
            rest -= t->at[k][j] * out[j];
        out[k] = t->at[k][k] != 0 ? rest / t->at[k][k] : 0;
    }
}

static void terms_of(double n, double out[TERMS])
{
    out[0] = 1;
    out[1] = n - 1;
    out[2] = n * (n - 1);
}

/* Terms that are not in the mask stay 0. */
static void start(const struct data *data, unsigned mask, double q[TERMS])
{
    struct triangle t = {0};
    for (size_t i = 0; i < data->count; i++) {
        double n = data->points[i].nodes, x = data->points[i].rate_per_s;
        double terms[TERMS], row[TERMS + 1];
        terms_of(n, terms);
        for (int k = 0; k < TERMS; k++)
            row[k] = mask >> k & 1 ? terms[k] * x / n : 0;
        row[TERMS] = 1;
        triangle_add(&t, row);
    }
    triangle_solve(&t, q);
}

/* Sum of squared relative residuals; INFINITY where the law has no positive rate at a point. */
static double squares_of(const struct data *data, const double q[TERMS])
{
    double squares = 0;
    for (size_t i = 0; i < data->count; i++) {
        double n = data->points[i].nodes, terms[TERMS];
        terms_of(n, terms);
        double inverse = q[0] + q[1] * terms[1] + q[2] * terms[2];
        if (!(inverse > 0))
            return INFINITY;
        double residual = n / (inverse * data->points[i].rate_per_s) - 1;
        squares += residual * residual;
    }
    return squares;
}

/* The triangle of the linearised problem at q, not damped. */
static void linearise(const struct data *data, unsigned mask, const double q[TERMS],
                      struct triangle *out)
{
    *out = (struct triangle){0};
    for (size_t i = 0; i < data->count; i++) {
        double n = data->points[i].nodes, terms[TERMS], row[TERMS + 1];
        terms_of(n, terms);
        double inverse = q[0] + q[1] * terms[1] + q[2] * terms[2];
        double ratio = n / (inverse * data->points[i].rate_per_s);
        for (int k = 0; k < TERMS; k++)
            row[k] = mask >> k & 1 ? -ratio / inverse * terms[k] : 0;
        row[TERMS] = 1 - ratio;
        triangle_add(out, row);
    }
}

/* A step from q, damped in proportion to each column's length. */
static void step_of(const struct triangle *linear, double damping, double out[TERMS])
{
    struct triangle t = *linear;
    for (int k = 0; k < TERMS; k++) {
        double length = 0, row[TERMS + 1] = {0};
        for (int i = 0; i <= k; i++)
            length += linear->at[i][k] * linear->at[i][k];
        row[k] = sqrt(damping * length);
        triangle_add(&t, row);
    }
    triangle_solve(&t, out);
}

static bool is_small(const double step[TERMS], const double q[TERMS])
{
    for (int k = 0; k < TERMS; k++)
        if (fabs(step[k]) > STEP_ENOUGH * fabs(q[k]))
            return false;
    return true;
}

/* The best q with the terms of the mask alone, which may be negative; the sum of its squares. */
static double descend(const struct data *data, unsigned mask, double q[TERMS])
{
    start(data, mask, q);
    double squares = squares_of(data, q), damping = DAMPING_FIRST;
    if (!isfinite(squares))
        return INFINITY;
    for (int i = 0; i < STEPS_MAX && squares > SQUARES_NONE; i++) {
        struct triangle linear;
        double step[TERMS], next[TERMS], next_squares;
        linearise(data, mask, q, &linear);
        for (;;) {
            step_of(&linear, damping, step);
            for (int k = 0; k < TERMS; k++)
                next[k] = q[k] + step[k];
            next_squares = squares_of(data, next);
            if (next_squares <= squares || damping > DAMPING_MAX)
                break;
            damping *= 10;
        }
        if (!(next_squares <= squares))
            break;
        bool is_done = is_small(step, q);
        for (int k = 0; k < TERMS; k++)
            q[k] = next[k];
        squares = next_squares;
        damping = fmax(DAMPING_MIN, damping / 10);
        if (is_done)
            break;
    }
    return squares;
}

/* Tries the free fit, then those at a bound. The one with q0 alone is inside for certain. */
static double fit(const struct data *data, struct nw_model_usl *out)
{
    static const unsigned masks[] = {7, 5, 3, 1};
    double best[TERMS] = {0}, least = INFINITY;
    for (size_t m = 0; m < NW_COUNT(masks); m++) {
        double q[TERMS], squares = descend(data, masks[m], q);
        bool is_inside = q[0] > 0 && q[1] >= 0 && q[2] >= 0 && q[1] <= RATIO_MAX * q[0] &&
                         q[2] <= RATIO_MAX * q[0];
        if (!is_inside || !(squares < least))
            continue;
        least = squares;
        for (int k = 0; k < TERMS; k++)
            best[k] = q[k];
        if (m == 0)
            break;
    }
    out->gamma_per_s = 1 / best[0];
    out->alpha = best[1] / best[0];
    out->beta = best[2] / best[0];
    return least;
}

static bool is_usable(const struct nw_model_usl_point *point)
{
    return point->nodes >= 1 && point->nodes <= NW_MODEL_USL_NODES_MAX &&
           point->rate_per_s >= 1e-100 && point->rate_per_s <= 1e100;
}

/* All values usable, and three different N. */
static bool points_are_valid(const struct nw_model_usl_point *points, size_t count)
{
    double seen[TERMS];
    size_t seen_count = 0;
    if (count > NW_MODEL_USL_POINTS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_usable(&points[i]))
            return false;
        bool is_new = true;
        for (size_t k = 0; k < seen_count; k++)
            is_new = is_new && points[i].nodes != seen[k];
        if (is_new && seen_count < TERMS)
            seen[seen_count++] = points[i].nodes;
    }
    return seen_count == TERMS;
}

nw_err nw_model_usl_fit_law(const struct nw_model_usl_point *points, size_t point_count,
                            struct nw_model_usl *out)
{
    if (!points_are_valid(points, point_count))
        return NW_INVALID;
    fit(&(struct data){points, point_count}, out);
    return NW_OK;
}

/* Fits of data that the law itself would give, with noise of the size that was found. */
static void resample(struct nw_model_usl_fit *f, const struct nw_model_usl_point *points,
                     uint64_t seed)
{
    struct nw_model_usl_point invented[NW_MODEL_USL_POINTS_MAX];
    struct nw_rng rng;
    nw_model_stream_init(&rng, seed, NW_MODEL_RESAMPLE, 0);
    for (size_t r = 0; r < NW_MODEL_USL_RESAMPLES; r++) {
        for (size_t i = 0; i < f->point_count; i++) {
            double factor = 0;
            for (int tries = 0; tries < REDRAWS_MAX && factor <= 0; tries++)
                factor = 1 + f->noise * nw_model_draw_normal(&rng);
            invented[i].nodes = points[i].nodes;
            invented[i].rate_per_s = nw_model_usl_rate_per_s(&f->law, points[i].nodes);
            invented[i].rate_per_s *= factor > 0 ? factor : 1;
        }
        fit(&(struct data){invented, f->point_count}, &f->resamples[r]);
    }
}

/* Sorts the values. What is below `least` cannot be. */
static struct nw_model_range stretched(double *values, double estimate, double stretch,
                                       double least)
{
    nw_model_values_sort(values, NW_MODEL_USL_RESAMPLES);
    double low = nw_model_values_quantile(values, NW_MODEL_USL_RESAMPLES, 0.025);
    double high = nw_model_values_quantile(values, NW_MODEL_USL_RESAMPLES, 0.975);
    low = estimate - stretch * fmax(0, estimate - low);
    return (struct nw_model_range){fmax(low, least), estimate + stretch * fmax(0, high - estimate)};
}

static void coefficients_range(struct nw_model_usl_fit *f)
{
    double gamma[NW_MODEL_USL_RESAMPLES], alpha[NW_MODEL_USL_RESAMPLES];
    double beta[NW_MODEL_USL_RESAMPLES];
    for (size_t r = 0; r < NW_MODEL_USL_RESAMPLES; r++) {
        gamma[r] = f->resamples[r].gamma_per_s;
        alpha[r] = f->resamples[r].alpha;
        beta[r] = f->resamples[r].beta;
    }
    f->gamma_per_s = stretched(gamma, f->law.gamma_per_s, f->stretch, 0);
    f->alpha = stretched(alpha, f->law.alpha, f->stretch, 0);
    f->beta = stretched(beta, f->law.beta, f->stretch, 0);
}

static void peak_of(const struct nw_model_usl *law, double *out_nodes, double *out_rate_per_s)
{
    if (nw_model_usl_peak(law, out_nodes, out_rate_per_s))
        return;
    *out_nodes = NW_MODEL_USL_NODES_MAX;
    *out_rate_per_s = nw_model_usl_rate_per_s(law, NW_MODEL_USL_NODES_MAX);
}

static void peak_range(struct nw_model_usl_fit *f)
{
    double nodes[NW_MODEL_USL_RESAMPLES], rates[NW_MODEL_USL_RESAMPLES];
    for (size_t r = 0; r < NW_MODEL_USL_RESAMPLES; r++) {
        peak_of(&f->resamples[r], &nodes[r], &rates[r]);
        nodes[r] = log(nodes[r]);
    }
    struct nw_model_range scale = stretched(nodes, log(f->peak_nodes), f->stretch, 0);
    f->peak_nodes_range =
        (struct nw_model_range){exp(scale.low), fmin(exp(scale.high), NW_MODEL_USL_NODES_MAX)};
    f->peak_per_s_range = stretched(rates, f->peak_per_s, f->stretch, 0);
}

static void peak_judge(struct nw_model_usl_fit *f)
{
    double nodes, rate_per_s;
    peak_of(&f->law, &nodes, &rate_per_s);
    f->measure_nodes = 2 * f->nodes_max;
    if (f->point_count < 5) {
        f->peak = NW_MODEL_USL_PEAK_FEW_POINTS;
    } else if (f->beta.low <= 0) {
        f->peak = NW_MODEL_USL_PEAK_NO_BEND;
    } else if (nodes > 2 * f->nodes_max) {
        f->peak = NW_MODEL_USL_PEAK_TOO_FAR;
        f->measure_nodes = ceil(nodes / 2);
    } else {
        f->peak = NW_MODEL_USL_PEAK_NAMED;
        f->measure_nodes = 0;
        f->peak_nodes = nodes;
        f->peak_per_s = rate_per_s;
        peak_range(f);
    }
}

nw_err nw_model_usl_fit(const struct nw_model_usl_point *points, size_t point_count, uint64_t seed,
                        struct nw_model_usl_fit *out)
{
    if (point_count < 4 || !points_are_valid(points, point_count))
        return NW_INVALID;
    double freedom = (double)(point_count - TERMS);
    *out = (struct nw_model_usl_fit){.point_count = point_count};
    for (size_t i = 0; i < point_count; i++)
        out->nodes_max = fmax(out->nodes_max, points[i].nodes);
    out->noise = sqrt(fit(&(struct data){points, point_count}, &out->law) / freedom);
    out->stretch = nw_model_student_quantile(0.975, freedom) / nw_model_normal_quantile(0.975);
    resample(out, points, seed);
    coefficients_range(out);
    peak_judge(out);
    return NW_OK;
}

struct nw_model_range nw_model_usl_band_per_s(const struct nw_model_usl_fit *fit_made, double nodes)
{
    double rates[NW_MODEL_USL_RESAMPLES];
    for (size_t r = 0; r < NW_MODEL_USL_RESAMPLES; r++)
        rates[r] = nw_model_usl_rate_per_s(&fit_made->resamples[r], nodes);
    return stretched(rates, nw_model_usl_rate_per_s(&fit_made->law, nodes), fit_made->stretch, 0);
}

const char *nw_model_usl_peak_verdict_name(nw_model_usl_peak_verdict verdict)
{
    switch (verdict) {
    case NW_MODEL_USL_PEAK_NAMED: return "named";
    case NW_MODEL_USL_PEAK_FEW_POINTS: return "few-points";
    case NW_MODEL_USL_PEAK_NO_BEND: return "no-bend";
    case NW_MODEL_USL_PEAK_TOO_FAR: break;
    }
    return "too-far";
}
