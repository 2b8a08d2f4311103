/*
 * Closed networks. Mean value analysis needs the rate of n customers before the queues of n, and
 * their queues before the rate of n + 1: one division after the other, 14 ns each. The same rate is
 * the ratio of two normalisation constants, X(n) = G(n - 1) / G(n) (Buzen 1973), whose recursion
 *
 *     g_0(n) = Z^n / n!,   g_k(n) = g_(k-1)(n) + D_k g_k(n - 1),   G(n) = g_K(n)
 *
 * only adds and multiplies. So the constants run ahead, the division waits for nobody and nobody
 * for it, and the queues follow by Q_k(n) = X(n) D_k (1 + Q_k(n - 1)), which is mean value analysis
 * again. All terms are positive: nothing cancels.
 *
 * Constants overflow, so demands are divided by the largest (then G never falls), and all are
 * scaled down together when one grows past 1e200: only ratios matter.
 */
#include "model/queueing.h"

#include <math.h>

#include "base/assert.h"

#define SMALLEST 1e-50
#define LARGEST 1e50
#define SCALE_ABOVE 1e200
#define SCALE 1e-200
#define TERM_MIN 1e-290 /* g_0 falls for ever: smaller is nothing beside G >= 1 */

/* The stations where customers wait, side by side. */
struct lines {
    size_t count;
    double demand_s_max;
    double demand_s_sum;
    double delay_s;                          /* of the stations where nobody waits */
    double share[NW_MODEL_STATIONS_MAX];     /* demand / demand_s_max */
    double constant[NW_MODEL_STATIONS_MAX];  /* g_k(n) */
    double customers[NW_MODEL_STATIONS_MAX]; /* Q_k(n) */
};

static inline bool is_demand(double value)
{
    return value == 0 || (value >= SMALLEST && value <= LARGEST);
}

/* False for arguments that make no network. */
static bool lines_gather(const struct nw_model_closed_station *stations, size_t station_count,
                         double think_s, uint64_t customers, struct lines *out)
{
    if (station_count > NW_MODEL_STATIONS_MAX || customers == 0 ||
        customers > NW_MODEL_CUSTOMERS_MAX || !is_demand(think_s))
        return false;
    out->count = 0;
    out->demand_s_max = out->demand_s_sum = out->delay_s = 0;
    for (size_t i = 0; i < station_count; i++) {
        double demand_s = stations[i].demand_s;
        if (!is_demand(demand_s))
            return false;
        if (stations[i].is_delay) {
            out->delay_s += demand_s;
            continue;
        }
        out->demand_s_sum += demand_s;
        out->demand_s_max = demand_s > out->demand_s_max ? demand_s : out->demand_s_max;
        out->share[out->count++] = demand_s;
    }
    return out->demand_s_max + out->delay_s + think_s > 0;
}

/*
 * The rate of `customers`, in rounds per demand_s_max, and their queues. `count` is known to the
 * compiler where this is inlined with a number, which unrolls the inner loops.
 */
static inline double lines_solve(struct lines *lines, size_t count, double delay,
                                 uint64_t customers)
{
    double zeroth = 1, before = 1, rate = 0;
    for (size_t k = 0; k < count; k++) {
        lines->constant[k] = 1;
        lines->customers[k] = 0;
    }
    for (uint64_t n = 1; n <= customers; n++) {
        zeroth = zeroth < TERM_MIN ? 0 : zeroth * (delay / (double)n);
        double sum = zeroth;
        for (size_t k = 0; k < count; k++)
            lines->constant[k] = sum += lines->share[k] * lines->constant[k];
        rate = before / sum;
        for (size_t k = 0; k < count; k++) {
            double busy = rate * lines->share[k];
            lines->customers[k] = busy + busy * lines->customers[k];
        }
        before = sum;
        if (NW_UNLIKELY(sum > SCALE_ABOVE)) {
            before *= SCALE;
            zeroth *= SCALE;
            for (size_t k = 0; k < count; k++)
                lines->constant[k] *= SCALE;
        }
    }
    return rate;
}

static double lines_solve_any(struct lines *lines, double delay, uint64_t customers)
{
    switch (lines->count) {
    case 1: return lines_solve(lines, 1, delay, customers);
    case 2: return lines_solve(lines, 2, delay, customers);
    case 3: return lines_solve(lines, 3, delay, customers);
    case 4: return lines_solve(lines, 4, delay, customers);
    default: return lines_solve(lines, lines->count, delay, customers);
    }
}

nw_model_queue_verdict nw_model_closed_solve(const struct nw_model_closed_station *stations,
                                             size_t station_count, double think_s,
                                             uint64_t customers, struct nw_model_closed *out,
                                             double *out_count)
{
    struct lines lines;
    if (!lines_gather(stations, station_count, think_s, customers, &lines))
        return NW_MODEL_QUEUE_INVALID;
    double waiting_s = lines.delay_s + think_s, inside = 0;
    struct nw_model_closed c = {0};
    if (lines.demand_s_max == 0) {
        c.rate_per_s = (double)customers / waiting_s;
        lines.count = 0;
    } else {
        double per_demand = 1 / lines.demand_s_max;
        for (size_t k = 0; k < lines.count; k++)
            lines.share[k] *= per_demand;
        c.utilisation_max = lines_solve_any(&lines, waiting_s * per_demand, customers);
        c.utilisation_max = c.utilisation_max < 1 ? c.utilisation_max : 1;
        c.rate_per_s = c.utilisation_max * per_demand;
    }
    for (size_t k = 0; k < lines.count; k++)
        inside += lines.customers[k];
    /* Not N / X - Z, which cancels where most of a round is thinking. */
    c.response_s = inside / c.rate_per_s + lines.delay_s;
    c.round_s = (double)customers / c.rate_per_s;
    *out = c;
    for (size_t i = 0, k = 0; out_count && i < station_count; i++) {
        bool is_line = !stations[i].is_delay && lines.count > 0;
        out_count[i] = is_line ? lines.customers[k++] : c.rate_per_s * stations[i].demand_s;
    }
    return NW_MODEL_QUEUE_STEADY;
}

nw_model_queue_verdict nw_model_closed_bound_per_s(const struct nw_model_closed_station *stations,
                                                   size_t station_count, double think_s,
                                                   uint64_t customers, double *out_rate_per_s)
{
    struct lines lines;
    if (!lines_gather(stations, station_count, think_s, customers, &lines))
        return NW_MODEL_QUEUE_INVALID;
    double lone_per_s = (double)customers / (lines.demand_s_sum + lines.delay_s + think_s);
    double served_per_s = lines.demand_s_max > 0 ? 1 / lines.demand_s_max : lone_per_s;
    *out_rate_per_s = lone_per_s < served_per_s ? lone_per_s : served_per_s;
    return NW_MODEL_QUEUE_STEADY;
}
