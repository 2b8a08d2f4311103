/*
 * Plain samples: moments in one pass (Welford: no difference of great sums), quantiles of what is
 * sorted, and intervals from values that do not depend on each other.
 */
#include "model/stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"

void nw_model_moments_merge(struct nw_model_moments *to, const struct nw_model_moments *from)
{
    if (from->count == 0)
        return;
    double a = (double)to->count, b = (double)from->count, apart = from->mean - to->mean;
    to->count += from->count;
    to->mean += apart * (b / (a + b));
    to->squares += from->squares + apart * apart * (a * b / (a + b));
}

double nw_model_moments_variance(const struct nw_model_moments *moments)
{
    return moments->count < 2 ? 0 : moments->squares / (double)(moments->count - 1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nw_model_values_sort(double *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof *values, compare);
}

double nw_model_values_quantile(const double *sorted, size_t count, double q)
{
    NW_ASSERT(count > 0 && q >= 0 && q <= 1);
    double at = (double)(count - 1) * q;
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

bool nw_model_interval_is_precise(const struct nw_model_interval *interval, double precision)
{
    return interval->verdict == NW_MODEL_INTERVAL_OK &&
           interval->half <= precision * fabs(interval->mean);
}

static struct nw_model_interval interval_from(const struct nw_model_moments *moments)
{
    struct nw_model_interval out = {.mean = moments->mean,
                                    .batch_count = moments->count,
                                    .used_count = moments->count,
                                    .longer = 1};
    if (moments->count < 2) {
        out.verdict = NW_MODEL_INTERVAL_TOO_SHORT;
        out.longer = 2;
        return out;
    }
    double t = nw_model_student_quantile(0.975, (double)(moments->count - 1));
    out.half = t * sqrt(nw_model_moments_variance(moments) / (double)moments->count);
    return out;
}

struct nw_model_interval nw_model_interval_of(const double *values, size_t count)
{
    struct nw_model_moments moments = {0};
    for (size_t i = 0; i < count; i++)
        nw_model_moments_add(&moments, values[i]);
    return interval_from(&moments);
}

struct nw_model_interval nw_model_interval_paired(const double *a, const double *b, size_t count)
{
    struct nw_model_moments moments = {0};
    for (size_t i = 0; i < count; i++)
        nw_model_moments_add(&moments, a[i] - b[i]);
    return interval_from(&moments);
}
