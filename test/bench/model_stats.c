/* Rows of `make bench-model`: the scalability law, intervals, convolution. */
#include "model_rows.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "model/convolve.h"
#include "model/stats.h"
#include "model/usl.h"

/* Nine points of the law of L8, 3 % off in turn. */
static void points_make(struct nw_model_usl_point points[9], uint64_t turn)
{
    static const double nodes[] = {1, 2, 4, 8, 16, 24, 32, 48, 64};
    static const struct nw_model_usl law = {.gamma_per_s = 1800, .alpha = 0.03, .beta = 0.0005};
    for (uint64_t i = 0; i < 9; i++) {
        points[i].nodes = nodes[i];
        points[i].rate_per_s =
            nw_model_usl_rate_per_s(&law, nodes[i]) * (1 + 0.03 * sin((double)(turn * 9 + i)));
    }
}

static uint64_t law_run(void *state, uint64_t turns)
{
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++) {
        struct nw_model_usl_point points[9];
        struct nw_model_usl law;
        points_make(points, i);
        if (nw_model_usl_fit_law(points, 9, &law) == NW_OK)
            sum += law.beta;
    }
    nw_bench_keep(sum);
    return turns;
}

static uint64_t band_run(void *state, uint64_t turns)
{
    struct nw_model_usl_fit fit;
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++) {
        struct nw_model_usl_point points[9];
        points_make(points, i);
        if (nw_model_usl_fit(points, 9, i, &fit) == NW_OK)
            sum += fit.beta.low;
    }
    nw_bench_keep(sum);
    return turns;
}

static void *series_open(void)
{
    return nw_alloc_zero(sizeof(struct nw_model_series));
}

static uint64_t series_run(void *state, uint64_t turns)
{
    struct nw_model_series *series = state;
    memset(series, 0, sizeof *series);
    for (uint64_t i = 0; i < turns; i++)
        nw_model_series_add(series, (double)(i * 2654435761u & 1023));
    return turns;
}

static uint64_t interval_run(void *state, uint64_t turns)
{
    struct nw_model_series *series = state;
    double sum = 0;
    series_run(series, 20000);
    for (uint64_t i = 0; i < turns; i++)
        sum += nw_model_series_interval(series).half;
    nw_bench_keep(sum);
    return turns;
}

static uint64_t convolve_run(void *state, uint64_t turns)
{
    struct nw_model_spread spread, both;
    struct nw_model_mmc mmc;
    double sum = 0;
    if (nw_model_mmc_solve(22, 5800, 300, &mmc) != NW_MODEL_QUEUE_STEADY)
        return 0;
    nw_model_spread_of_mmc(&mmc, &spread);
    for (uint64_t i = 0; i < turns; i++) {
        nw_model_spread_convolve(&spread, &spread, &both);
        sum += nw_model_spread_s_quantile(&both, 0.99);
    }
    nw_bench_keep(sum);
    return turns;
}

const struct nw_bench_row nw_bench_stats_rows[] = {
    {.name = "law-fit",
     .what = "scalability law of 9 points",
     .unit = "us",
     .scale = 1e-6,
     .is_time = true,
     .run = law_run},
    {.name = "law-band",
     .what = "the same with 400 refits",
     .unit = "ms",
     .scale = 1e-3,
     .is_time = true,
     .run = band_run},
    {.name = "series-add",
     .what = "a value into a long run's series",
     .unit = "ns",
     .scale = 1e-9,
     .is_time = true,
     .open = series_open,
     .run = series_run,
     .close = nw_free},
    {.name = "series-interval",
     .what = "cut, batches, interval",
     .unit = "us",
     .scale = 1e-6,
     .is_time = true,
     .open = series_open,
     .run = interval_run,
     .close = nw_free},
    {.name = "convolve",
     .what = "two spreads of 512 points",
     .unit = "us",
     .scale = 1e-6,
     .is_time = true,
     .run = convolve_run},
    {0},
};
