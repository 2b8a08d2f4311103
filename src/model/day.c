/*
 * The mean over a period of ((1 + cos) / 2)^k, which is cos^2k of half the angle, is
 * Gamma(k + 1/2) / (sqrt(pi) Gamma(k + 1)): one parameter, and a mean in closed form. A plain sine
 * only reaches a peak of twice the average.
 */
#include "model/day.h"

#include <math.h>
#include <stdbool.h>

#include "base/assert.h"

static double log_mean(double k)
{
    int sign; /* lgamma would write it to a global */
    return lgamma_r(k + 0.5, &sign) - lgamma_r(k + 1, &sign) - 0.5 * log(M_PI);
}

/* Newton on the logarithm. */
double nw_model_day_power(double average_ratio)
{
    NW_ASSERT(average_ratio >= 1e-4 && average_ratio <= 1);
    double k = fmax(0, 1 / (M_PI * average_ratio * average_ratio) - 0.25);
    for (int i = 0; i < 20; i++) {
        double step = 1e-5 * (1 + k);
        double slope = (log_mean(k + step) - log_mean(k)) / step;
        double next = fmax(0, k - (log_mean(k) - log(average_ratio)) / slope);
        bool is_done = fabs(next - k) <= 1e-6 * (1 + k); /* the step after would be its square */
        k = next;
        if (is_done)
            break;
    }
    return k;
}
