/*
 * queueing.h - textbook queues in closed form: how long is the wait, and where is the end?
 *
 * An open queue gets its customers from outside at a rate that its own slowness does not change; a
 * closed one has a fixed number of customers that go round. The two are never mixed. "Wait" is the
 * time before service, "response" is wait and service. Rates are per second, times in seconds, load
 * in erlangs (rate x mean service time: the mean number of busy servers).
 *
 * No function answers NaN, infinity or a number beyond a pole. What can be unstable returns a
 * verdict: NW_MODEL_QUEUE_UNSTABLE when the rate reaches what the servers can do (within 1e-12,
 * beyond which doubles cannot tell a long wait from an endless one), and NW_MODEL_QUEUE_INVALID,
 * with nothing written, for arguments that are negative, not finite, or outside 1e-100..1e100 where
 * they must be positive. Probabilities and quantiles outside what a function names are asserted on:
 * the caller chose them.
 *
 * Sources: Erlang 1917 for B and C; Little 1961; Allen 1990 for Allen-Cunneen; Buzen 1973 and
 * Reiser and Lavenberg 1980 for closed networks; Denning and Buzen 1978 for the bounds.
 *
 * Owner:   nothing here allocates; every argument is borrowed for the call
 * Threads: stateless, call from anywhere
 */
#ifndef NW_MODEL_QUEUEING_H
#define NW_MODEL_QUEUEING_H

#include <stdbool.h>

#include "base/compiler.h"

typedef enum nw_model_queue_verdict {
    NW_MODEL_QUEUE_STEADY = 0,
    NW_MODEL_QUEUE_UNSTABLE, /* the queue grows without end */
    NW_MODEL_QUEUE_INVALID,  /* the arguments make no queue; nothing was written */
} nw_model_queue_verdict;

/* "steady", "unstable", "invalid". */
const char *nw_model_queue_verdict_name(nw_model_queue_verdict verdict);

#define NW_MODEL_SERVERS_MAX 1000000000u /* more is NW_MODEL_QUEUE_INVALID */
#define NW_MODEL_STATIONS_MAX 64u
#define NW_MODEL_CUSTOMERS_MAX 100000000u

/* ---- laws that hold for every queue ---- */

/* Little: how many are inside, of `rate_per_s` arrivals that stay `time_s` each. */
static inline double nw_model_little_count(double rate_per_s, double time_s)
{
    return rate_per_s * time_s;
}

/* Utilisation law U = X D: how many servers are busy with `demand_s` of work for each passage. */
static inline double nw_model_utilisation_count(double rate_per_s, double demand_s)
{
    return rate_per_s * demand_s;
}

/* ---- open queues: M/M/c and its relatives ---- */

/*
 * Erlang B: the part of Poisson arrivals that finds all `servers` busy where nobody may wait. In
 * 0..1. servers in 0..NW_MODEL_SERVERS_MAX and load_erlang finite, not negative: asserted.
 * Takes about 50 sqrt(load) steps at most, so 1e9 servers are fine.
 */
double nw_model_erlang_b(uint64_t servers, double load_erlang);
/* Erlang C: the part that must wait where everybody may. 1 when load_erlang >= servers. */
double nw_model_erlang_c(uint64_t servers, double load_erlang);

struct nw_model_mmc {
    double utilisation;      /* load / servers; above 1 when unstable */
    double growth_per_s;     /* unstable: by so many does the queue grow each second; else 0 */
    double serve_per_s;      /* of one server, as given */
    double spare_per_s;      /* servers x serve_per_s - arrive_per_s; 0 when unstable */
    double wait_probability; /* these are 0 when unstable */
    double wait_s;           /* mean, of those who need not wait too */
    double response_s;       /* mean */
    double waiting_count;    /* mean number that wait */
    double inside_count;     /* mean number that wait or are served */
};

/* Poisson arrivals, exponential service, `servers` equal servers, one queue without bound. */
NW_MUST_CHECK nw_model_queue_verdict nw_model_mmc_solve(uint64_t servers, double arrive_per_s,
                                                        double serve_per_s,
                                                        struct nw_model_mmc *out);
/*
 * The wait that a part q of the customers does not exceed: ln(C / (1 - q)) / (c mu - lambda), and 0
 * when C <= 1 - q. Of a steady queue, 0 <= q <= 1 - 1e-12: asserted.
 */
double nw_model_mmc_wait_s_quantile(const struct nw_model_mmc *mmc, double q);
/* The same for wait and service together; for one server -ln(1 - q) / (mu - lambda). */
double nw_model_mmc_response_s_quantile(const struct nw_model_mmc *mmc, double q);
/* The part of the customers whose response is longer than t_s >= 0; of a steady queue. */
double nw_model_mmc_response_beyond(const struct nw_model_mmc *mmc, double t_s);

/*
 * Allen-Cunneen: a mean wait of M/M/c corrected for arrivals and service of another variability;
 * exact for one server with Poisson arrivals, near for the rest. Squared coefficients of variation
 * (variance / mean^2): 0 for a clock, 1 for Poisson or exponential.
 */
double nw_model_allen_cunneen_wait_s(double mmc_wait_s, double arrive_cv_squared,
                                     double serve_cv_squared);

/*
 * M/G/1 under processor sharing, which is what a CPU-bound node is: mean response
 * demand / (1 - utilisation), whatever the law of the demands.
 */
NW_MUST_CHECK nw_model_queue_verdict nw_model_mg1_ps_response_s(double arrive_per_s,
                                                                double demand_s,
                                                                double *out_response_s,
                                                                double *out_growth_per_s);

struct nw_model_mmck {
    double loss_probability; /* of an arrival: all places taken */
    double accepted_per_s;
    double utilisation;   /* of a server; below 1 */
    double waiting_count; /* mean */
    double inside_count;  /* mean */
    double wait_s;        /* mean, of those accepted */
    double response_s;    /* mean, of those accepted */
};

/*
 * `places` for customers in all, those in service included; who finds none is lost. Never unstable.
 * servers <= places <= 1e15, else NW_MODEL_QUEUE_INVALID.
 */
NW_MUST_CHECK nw_model_queue_verdict nw_model_mmck_solve(uint64_t servers, uint64_t places,
                                                         double arrive_per_s, double serve_per_s,
                                                         struct nw_model_mmck *out);

/* ---- an open network: stations that a request visits, each an M/M/c ---- */

struct nw_model_open_station {
    uint64_t servers;   /* at least 1 */
    double visits;      /* per request; 0: not used */
    double serve_per_s; /* of one server */
};

struct nw_model_open {
    double response_s;       /* mean over all visits: means add, percentiles do not (convolve.h) */
    double wait_s;           /* the part of it that is waiting */
    double rate_per_s_max;   /* where the first station saturates */
    double growth_per_s;     /* unstable: of the queues in all; else 0 */
    double utilisation;      /* of the bottleneck */
    size_t bottleneck_index; /* the station of the highest utilisation */
};

/*
 * Jackson's network: each station sees Poisson arrivals of visits x rate. Unstable when one station
 * is: growth_per_s, utilisation, bottleneck_index and rate_per_s_max are written, the rest is 0.
 * 1..NW_MODEL_STATIONS_MAX stations, at least one of them visited, else invalid. out_stations may
 * be NULL, or has room for one entry per station; of an unstable network those before the
 * bottleneck tell no truth, because what the bottleneck holds back never reaches them, so nothing
 * is written.
 */
NW_MUST_CHECK nw_model_queue_verdict nw_model_open_solve(
    const struct nw_model_open_station *stations, size_t station_count, double arrive_per_s,
    struct nw_model_open *out, struct nw_model_mmc *out_stations);

/* ---- a closed network: customers that go round ---- */

struct nw_model_closed_station {
    double demand_s; /* visits x service time of one round; 0 or 1e-50..1e50 */
    bool is_delay;   /* everybody is served at once, nobody waits */
};

struct nw_model_closed {
    double rate_per_s;      /* rounds that are completed */
    double response_s;      /* of one round, without the thinking */
    double round_s;         /* with it */
    double utilisation_max; /* of the busiest queue */
};

/*
 * Exact for one server per station, first come first served with exponential service or processor
 * sharing. customers in 1..NW_MODEL_CUSTOMERS_MAX; at least one demand or think_s must be positive;
 * think_s is 0 or 1e-50..1e50: else invalid. Never unstable. Costs about customers x stations
 * additions and multiplications. out_count may be NULL, or gets the mean number of customers at
 * each station.
 */
NW_MUST_CHECK nw_model_queue_verdict nw_model_closed_solve(
    const struct nw_model_closed_station *stations, size_t station_count, double think_s,
    uint64_t customers, struct nw_model_closed *out, double *out_count);

/*
 * No closed network is faster than min(1 / Dmax, N / (D + Z)). The round that follows from it,
 * N / rate, is the shortest possible. Arguments and verdict as above.
 */
NW_MUST_CHECK nw_model_queue_verdict
nw_model_closed_bound_per_s(const struct nw_model_closed_station *stations, size_t station_count,
                            double think_s, uint64_t customers, double *out_rate_per_s);

#endif
