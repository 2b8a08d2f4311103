/*
 * Everything with several servers goes through the inverse of Erlang B, because
 *
 *     1/B(0) = 1,   1/B(n) = 1 + 1/B(n - 1) * n / load
 *
 * has only positive terms, no factorial, no power, and no division inside: rounding errors do not
 * grow below the load and stay relative above it. Erlang C, the losses of M/M/c/K and the waits
 * follow from it by one division each.
 *
 * The recursion forgets where it began: below the load each step shrinks an error by n / load, so
 * whoever starts 9.5 sqrt(load) under it with the fluid limit has an error of exp(-45) at the top.
 * And far above the load 1/B leaves the range of doubles after some 38 sqrt(load) steps, where B is
 * 0. So 100,000 servers cost 3,000 steps and not 100,000, a billion a million.
 *
 * Not taken: incomplete gamma functions (slower at the sizes of a fleet, and less exact beyond),
 * and the square-root staffing rule (an approximation, where the exact value costs 20 ns for 22
 * servers).
 */
#include "model/queueing.h"

#include <math.h>

#include "base/assert.h"

#define SMALLEST 1e-100
#define LARGEST 1e100
#define EDGE 1e-12 /* closer to saturation than this is saturated */
#define QUANTILE_MAX (1 - 1e-12)
#define INVERSE_HUGE 1e290    /* 1/B beyond: B counts as 0 */
#define START_STEPS 9.5       /* times sqrt(load): exp(-9.5^2 / 2) = 3e-20 */
#define START_SERVERS_MIN 100 /* below, the whole way is as short */
#define PLACES_MAX 1000000000000000u

const char *nw_model_queue_verdict_name(nw_model_queue_verdict verdict)
{
    switch (verdict) {
    case NW_MODEL_QUEUE_STEADY: return "steady";
    case NW_MODEL_QUEUE_UNSTABLE: return "unstable";
    case NW_MODEL_QUEUE_INVALID: break;
    }
    return "invalid";
}

static inline bool is_positive(double value)
{
    return value >= SMALLEST && value <= LARGEST;
}

/* 0 or positive; false for NaN. */
static inline bool is_rate(double value)
{
    return value == 0 || is_positive(value);
}

/* 1/B; INFINITY where B is less than the smallest double. */
static inline double erlang_b_inverse(uint64_t servers, double load)
{
    if (NW_UNLIKELY(load < 1e-300))
        return servers == 0 ? 1 : INFINITY;
    double inverse = 1, n = 1;
    if (servers > START_SERVERS_MIN) {
        double start = fmin((double)servers, floor(load)) - ceil(START_STEPS * sqrt(load));
        if (start > 0) {
            inverse = load / (load - start);
            n = start + 1;
        }
    }
    double per_load = 1 / load, last = (double)servers;
    /* Two steps at once halve the chain of dependent operations. */
    for (; n < last; n += 2) {
        double ratio = n * per_load, next = (n + 1) * per_load;
        inverse = (1 + next) + next * ratio * inverse;
        if (NW_UNLIKELY(inverse > INVERSE_HUGE))
            return INFINITY;
    }
    return n == last ? 1 + last * per_load * inverse : inverse;
}

double nw_model_erlang_b(uint64_t servers, double load_erlang)
{
    NW_ASSERT(servers <= NW_MODEL_SERVERS_MAX);
    NW_ASSERT(load_erlang >= 0 && isfinite(load_erlang));
    return 1 / erlang_b_inverse(servers, load_erlang);
}

static inline double erlang_c(double utilisation, double b_inverse)
{
    return 1 / ((1 - utilisation) * b_inverse + utilisation);
}

double nw_model_erlang_c(uint64_t servers, double load_erlang)
{
    NW_ASSERT(servers <= NW_MODEL_SERVERS_MAX);
    NW_ASSERT(load_erlang >= 0 && isfinite(load_erlang));
    if (load_erlang >= (double)servers)
        return 1;
    return erlang_c(load_erlang / (double)servers, erlang_b_inverse(servers, load_erlang));
}

/* Of a queue that is steady. */
static inline void mmc_fill(uint64_t servers, double arrive_per_s, double serve_per_s,
                            double utilisation, struct nw_model_mmc *out)
{
    double service_s = 1 / serve_per_s, load = arrive_per_s * service_s;
    out->utilisation = utilisation;
    out->growth_per_s = 0;
    out->serve_per_s = serve_per_s;
    out->spare_per_s = (double)servers * serve_per_s - arrive_per_s;
    out->wait_probability = erlang_c(utilisation, erlang_b_inverse(servers, load));
    out->wait_s = out->wait_probability / out->spare_per_s;
    out->response_s = out->wait_s + service_s;
    out->waiting_count = arrive_per_s * out->wait_s;
    out->inside_count = out->waiting_count + load;
}

nw_model_queue_verdict nw_model_mmc_solve(uint64_t servers, double arrive_per_s, double serve_per_s,
                                          struct nw_model_mmc *out)
{
    if (servers == 0 || servers > NW_MODEL_SERVERS_MAX || !is_rate(arrive_per_s) ||
        !is_positive(serve_per_s))
        return NW_MODEL_QUEUE_INVALID;
    double capacity_per_s = (double)servers * serve_per_s;
    double utilisation = arrive_per_s / capacity_per_s;
    if (NW_UNLIKELY(utilisation >= 1 - EDGE)) {
        *out = (struct nw_model_mmc){.utilisation = utilisation,
                                     .growth_per_s = fmax(0, arrive_per_s - capacity_per_s),
                                     .serve_per_s = serve_per_s};
        return NW_MODEL_QUEUE_UNSTABLE;
    }
    mmc_fill(servers, arrive_per_s, serve_per_s, utilisation, out);
    return NW_MODEL_QUEUE_STEADY;
}

double nw_model_mmc_wait_s_quantile(const struct nw_model_mmc *mmc, double q)
{
    NW_ASSERT(mmc->spare_per_s > 0);
    NW_ASSERT(q >= 0 && q <= QUANTILE_MAX);
    if (mmc->wait_probability <= 1 - q)
        return 0;
    return log(mmc->wait_probability / (1 - q)) / mmc->spare_per_s;
}

/*
 * The response is a service, after a wait that a part C has and that is
 * exponential with rate `spare`; the sum of two exponentials has a form of its own where their
 * rates are near.
 */
double nw_model_mmc_response_beyond(const struct nw_model_mmc *mmc, double t_s)
{
    NW_ASSERT(mmc->spare_per_s > 0 && t_s >= 0);
    double serve = mmc->serve_per_s, spare = mmc->spare_per_s, apart = spare - serve;
    double alone = exp(-serve * t_s), both;
    if (apart * t_s < -1)
        both = (serve * exp(-spare * t_s) - spare * alone) / -apart;
    else if (apart == 0)
        both = alone * (1 + serve * t_s);
    else
        both = alone * (1 - serve * expm1(-apart * t_s) / apart);
    return (1 - mmc->wait_probability) * alone + mmc->wait_probability * both;
}

double nw_model_mmc_response_s_quantile(const struct nw_model_mmc *mmc, double q)
{
    NW_ASSERT(mmc->spare_per_s > 0);
    NW_ASSERT(q >= 0 && q <= QUANTILE_MAX);
    /* Half of what may be beyond for each part: no smaller than the whole. */
    double low = 0, high = nw_model_mmc_wait_s_quantile(mmc, 0.5 + q / 2);
    high -= log((1 - q) / 2) / mmc->serve_per_s;
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        double middle = low + (high - low) / 2;
        if (nw_model_mmc_response_beyond(mmc, middle) > 1 - q)
            low = middle;
        else
            high = middle;
    }
    return q == 0 ? 0 : high;
}

double nw_model_allen_cunneen_wait_s(double mmc_wait_s, double arrive_cv_squared,
                                     double serve_cv_squared)
{
    NW_ASSERT(mmc_wait_s >= 0 && arrive_cv_squared >= 0 && serve_cv_squared >= 0);
    return mmc_wait_s * ((arrive_cv_squared + serve_cv_squared) / 2);
}

nw_model_queue_verdict nw_model_mg1_ps_response_s(double arrive_per_s, double demand_s,
                                                  double *out_response_s, double *out_growth_per_s)
{
    if (!is_rate(arrive_per_s) || !is_positive(demand_s))
        return NW_MODEL_QUEUE_INVALID;
    double idle = 1 - arrive_per_s * demand_s;
    if (idle <= EDGE) {
        *out_response_s = 0;
        *out_growth_per_s = fmax(0, arrive_per_s - 1 / demand_s);
        return NW_MODEL_QUEUE_UNSTABLE;
    }
    *out_response_s = demand_s / idle;
    *out_growth_per_s = 0;
    return NW_MODEL_QUEUE_STEADY;
}

/* ratio^count, and the sums of ratio^i and of i ratio^i for i < count; 0 <= ratio <= 1. */
struct powers {
    double power;
    double sum;
    double weighted;
};

/* By doubling: positive terms only, no pole at ratio 1, 50 steps for 1e15. */
static struct powers powers_of(double ratio, uint64_t count)
{
    struct powers p = {.power = 1};
    double n = 0;
    for (int bit = 63; bit >= 0; bit--) {
        p.weighted += p.power * (p.weighted + n * p.sum);
        p.sum += p.power * p.sum;
        p.power *= p.power;
        n += n;
        if (count >> bit & 1) {
            p.weighted += n * p.power;
            p.sum += p.power;
            p.power *= ratio;
            n += 1;
        }
    }
    return p;
}

/*
 * States are weighed against "all servers busy, nobody waits", which is 1: those below add up to
 * 1/B with it, those above to a geometric series; under overload against the fullest state, so that
 * no weight exceeds 1. `busy` is then c P(not full) / P(...) in a form that does not cancel.
 */
static void mmck_weigh(uint64_t servers, uint64_t room, double load, double *out_loss,
                       double *out_waiting, double *out_busy)
{
    double ratio = load / (double)servers, inverse = erlang_b_inverse(servers, load);
    if (ratio <= 1) {
        struct powers p = powers_of(ratio, room);
        double total = inverse + ratio * p.sum;
        *out_loss = p.power / total;
        *out_waiting = ratio * (p.weighted + p.sum) / total;
        *out_busy = load * (1 - *out_loss);
        return;
    }
    struct powers p = powers_of(1 / ratio, room);
    double total = p.power * inverse + p.sum, open;
    *out_loss = 1 / total;
    *out_waiting = ((double)room * p.sum - p.weighted) / total;
    if (room == 0) {
        *out_loss = 1 / inverse;
        open = erlang_b_inverse(servers - 1, load) / inverse;
    } else {
        struct powers less = powers_of(1 / ratio, room - 1);
        open = (less.power * inverse + less.sum) / total;
    }
    *out_busy = (double)servers * fmin(1, open);
}

nw_model_queue_verdict nw_model_mmck_solve(uint64_t servers, uint64_t places, double arrive_per_s,
                                           double serve_per_s, struct nw_model_mmck *out)
{
    if (servers == 0 || servers > NW_MODEL_SERVERS_MAX || places < servers || places > PLACES_MAX ||
        !is_rate(arrive_per_s) || !is_positive(serve_per_s))
        return NW_MODEL_QUEUE_INVALID;
    double service_s = 1 / serve_per_s, busy;
    struct nw_model_mmck k = {0};
    mmck_weigh(servers, places - servers, arrive_per_s * service_s, &k.loss_probability,
               &k.waiting_count, &busy);
    k.accepted_per_s = busy * serve_per_s;
    k.utilisation = busy / (double)servers;
    k.inside_count = k.waiting_count + busy;
    k.wait_s = k.accepted_per_s > 0 ? k.waiting_count / k.accepted_per_s : 0;
    k.response_s = k.wait_s + service_s;
    *out = k;
    return NW_MODEL_QUEUE_STEADY;
}

static bool open_is_valid(const struct nw_model_open_station *stations, size_t station_count,
                          double arrive_per_s)
{
    bool is_visited = false;
    if (station_count == 0 || station_count > NW_MODEL_STATIONS_MAX || !is_rate(arrive_per_s))
        return false;
    for (size_t i = 0; i < station_count; i++) {
        const struct nw_model_open_station *s = &stations[i];
        if (s->servers == 0 || s->servers > NW_MODEL_SERVERS_MAX || !is_rate(s->visits) ||
            !is_positive(s->serve_per_s) || !is_rate(s->visits * arrive_per_s))
            return false;
        is_visited = is_visited || s->visits > 0;
    }
    return is_visited;
}

nw_model_queue_verdict nw_model_open_solve(const struct nw_model_open_station *stations,
                                           size_t station_count, double arrive_per_s,
                                           struct nw_model_open *out,
                                           struct nw_model_mmc *out_stations)
{
    if (!open_is_valid(stations, station_count, arrive_per_s))
        return NW_MODEL_QUEUE_INVALID;
    size_t bottleneck = 0;
    double demand_s_max = 0; /* of a request, on one of the station's servers */
    for (size_t i = 0; i < station_count; i++) {
        const struct nw_model_open_station *s = &stations[i];
        double demand_s = s->visits / ((double)s->servers * s->serve_per_s);
        if (demand_s > demand_s_max) {
            demand_s_max = demand_s;
            bottleneck = i;
        }
    }
    *out = (struct nw_model_open){.rate_per_s_max = 1 / demand_s_max,
                                  .utilisation = arrive_per_s * demand_s_max,
                                  .bottleneck_index = bottleneck};
    if (NW_UNLIKELY(out->utilisation >= 1 - EDGE)) {
        out->growth_per_s = fmax(0, arrive_per_s - out->rate_per_s_max);
        return NW_MODEL_QUEUE_UNSTABLE;
    }
    for (size_t i = 0; i < station_count; i++) {
        const struct nw_model_open_station *s = &stations[i];
        struct nw_model_mmc here, *m = out_stations ? &out_stations[i] : &here;
        double rate_per_s = s->visits * arrive_per_s;
        mmc_fill(s->servers, rate_per_s, s->serve_per_s,
                 rate_per_s / ((double)s->servers * s->serve_per_s), m);
        out->response_s += s->visits * m->response_s;
        out->wait_s += s->visits * m->wait_s;
    }
    return NW_MODEL_QUEUE_STEADY;
}
