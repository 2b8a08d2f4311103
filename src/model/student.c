/*
 * Normal and Student's t, by what libm has (erfc, lgamma) and one continued fraction.
 *
 * The upper tail is the thing that is computed, not the part below, because 1 - part loses the
 * digits of a small tail. Quantiles solve ln(tail) = ln(wanted): the logarithm of a normal tail is
 * concave and falls, so Newton's method stays right of the root once it is there and needs no
 * bracket; that of t is concave in ln t. The normal's quantile is below that of t, Cauchy's above.
 */
#include "model/stats.h"

#include <math.h>

#include "base/assert.h"

#define P_MIN 1e-100
#define FREEDOM_GREAT 1e5 /* from here the series about the normal is better than the fraction */
#define STEPS_MAX 200

double nw_model_normal_part(double x)
{
    NW_ASSERT(!isnan(x));
    return 0.5 * erfc(-x / sqrt(2));
}

/* z >= 0 with P(Z > z) = tail; 0 < tail <= 0.5. */
static double normal_from_tail(double tail)
{
    double z = sqrt(fmax(0, -2 * log(2 * tail))); /* right of the root: erfc(x) <= exp(-x^2) */
    for (int i = 0; i < STEPS_MAX; i++) {
        double here = 0.5 * erfc(z / sqrt(2)), density = exp(-z * z / 2) / sqrt(2 * M_PI);
        double step = log(here / tail) * here / density;
        z += step;
        if (fabs(step) <= 1e-15 * z)
            break;
    }
    return z;
}

double nw_model_normal_quantile(double p)
{
    NW_ASSERT(p >= P_MIN && p < 1);
    if (p == 0.5)
        return 0;
    return p < 0.5 ? -normal_from_tail(p) : normal_from_tail(1 - p);
}

/* gamma(a + 1/2) / gamma(a), whose logarithms cancel for great a; then by its asymptotic series. */
static double gamma_ratio(double a)
{
    if (a < 50) {
        int sign;
        return exp(lgamma_r(a + 0.5, &sign) - lgamma_r(a, &sign));
    }
    double r = 1 / a;
    return sqrt(a) *
           (1 + r * (-1 / 8.0 + r * (1 / 128.0 +
                                     r * (5 / 1024.0 + r * (-21 / 32768.0 - r * 399 / 262144.0)))));
}

/*
 * The continued fraction of the regularised incomplete beta function I_x(a, b), by Lentz's method,
 * without its factor x^a (1 - x)^b / (a B(a, b)); rest is 1 - x, which would cancel. Converges fast
 * for x < (a + 1) / (a + b + 2), in some sqrt(max(a, b)) steps.
 */
static double beta_fraction(double a, double b, double x, double rest)
{
    double c = 1, d = (a + 1) / (1 - b + (a + b) * rest), product = d; /* 1 - (a + b) x / (a + 1) */
    for (double m = 1; m < 1e6; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        product *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        product *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return product;
}

/* P(T > t) for t >= 0: half of I_x(f / 2, 1 / 2) at x = f / (f + t^2). */
static double student_tail(double t, double freedom)
{
    double a = freedom / 2, b = 0.5, x = freedom / (freedom + t * t);
    double rest = t * t / (freedom + t * t); /* 1 - x */
    double factor = exp(-a * log1p(t * t / freedom)) * sqrt(rest / M_PI) * gamma_ratio(a);
    if (x < (a + 1) / (a + b + 2))
        return 0.5 * factor * beta_fraction(a, b, x, rest) / a;
    return 0.5 - 0.5 * factor * beta_fraction(b, a, rest, x) / b;
}

/* The normal deviate with the same tail as t, for great degrees of freedom. */
static double normal_like(double t, double freedom)
{
    double r = 1 / freedom, u = t * t;
    double third = ((35 * u + 19) * u + 1) * u - 15;
    return t * (1 + r * (-(u + 1) / 4 + r * (((13 * u + 8) * u + 3) / 96 - r * third / 384)));
}

/* Its inverse (Cornish and Fisher 1937). */
static double student_like(double z, double freedom)
{
    double r = 1 / freedom, u = z * z;
    double third = ((3 * u + 19) * u + 17) * u - 15;
    return z * (1 + r * ((u + 1) / 4 + r * (((5 * u + 16) * u + 3) / 96 + r * third / 384)));
}

double nw_model_student_part(double t, double freedom)
{
    NW_ASSERT(!isnan(t) && freedom >= 1);
    bool is_great = freedom > FREEDOM_GREAT;
    if (fabs(t) > (is_great ? 40 : 1e100))
        return t > 0 ? 1 : 0;
    if (is_great)
        return nw_model_normal_part(normal_like(t, freedom));
    double tail = student_tail(fabs(t), freedom);
    return t > 0 ? 1 - tail : tail;
}

/* t >= 0 with P(T > t) = tail. Newton in ln t, where tails of powers are straight lines. */
static double student_from_tail(double tail, double freedom)
{
    double t = normal_from_tail(tail), cauchy = 1 / tan(M_PI * tail);
    double peak = gamma_ratio(freedom / 2) / sqrt(freedom * M_PI); /* of the density, at 0 */
    for (int i = 0; i < STEPS_MAX && t > 0; i++) {
        double here = student_tail(t, freedom), before = t;
        double density = peak * exp(-(freedom + 1) / 2 * log1p(t * t / freedom));
        t = fmin(cauchy, t * exp(log(here / tail) * here / (t * density)));
        if (fabs(t - before) <= 4e-16 * t)
            break;
    }
    return t;
}

double nw_model_student_quantile(double p, double freedom)
{
    NW_ASSERT(p >= P_MIN && p < 1 && freedom >= 1);
    if (freedom > FREEDOM_GREAT)
        return student_like(nw_model_normal_quantile(p), freedom);
    if (p == 0.5)
        return 0;
    return p < 0.5 ? -student_from_tail(p, freedom) : student_from_tail(1 - p, freedom);
}
