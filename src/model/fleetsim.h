/*
 * fleetsim.h - what would a scaling rule do to a fleet, under this load, and what would it cost?
 *
 * Nodes are ordered, start, serve cold, get warm, drain and leave; the rule is scale.h, the one
 * that a live fleet runs. Time goes in ticks of one second, in this order: the rule judges the
 * period that ended (every policy.every_s), nodes grow older, the tick's load arrives, what fits is
 * served, the rest waits up to wait_s or is refused, and everything that is ordered and not gone is
 * paid for.
 *
 * Cold nodes fill their caches from prewarm_ratio to hit_ratio with the time constant cold_s / 3
 * and send the misses to the database. Above its rate all nodes slow down by the same factor,
 * whatever their number: the herd.
 *
 * Two engines answer the same question. FLUID treats requests as a liquid: O(1) a tick, however
 * many nodes and requests; its mean response comes from queueing formulas. EVENT plays every
 * request.
 *
 * What a node reads as CPU in a tick: 100 % while a backlog is left at its end, else the part of
 * its capacity that the load asks for; a cold node at least cold_cpu_ratio. In the event engine:
 * the busy part of the tick.
 *
 * Memory: 24 bytes per step that is on its way, and in the event engine 100 bytes per node and 64
 * per request inside.
 *
 * Owner:   the caller; the fleet and what it points to are borrowed for the call
 * Threads: stateless; runs side by side
 */
#ifndef NW_MODEL_FLEETSIM_H
#define NW_MODEL_FLEETSIM_H

#include "model/scale.h"

#define NW_MODEL_FLEET_TICKS_MAX 3200000000ull /* a hundred years */
#define NW_MODEL_FLEET_DELAY_MAX_S 86400.0     /* start, cold, drain, wait */
#define NW_MODEL_FLEET_EVENT_NODES_MAX 1000000 /* in the event engine */
#define NW_MODEL_FLEET_RATE_MAX_PER_S 1e12
/* Of the event engine, highest rate x time: beyond, doubles no longer part two arrivals. */
#define NW_MODEL_FLEET_EVENT_REQUESTS_MAX 1e13

typedef enum nw_model_fleet_engine {
    NW_MODEL_FLEET_FLUID,
    NW_MODEL_FLEET_EVENT,
} nw_model_fleet_engine;

typedef enum nw_model_fleet_arrivals {
    NW_MODEL_FLEET_EVEN, /* equal gaps */
    NW_MODEL_FLEET_POISSON,
} nw_model_fleet_arrivals;

typedef enum nw_model_fleet_station {
    NW_MODEL_FLEET_PS, /* a node works on all its requests at once: CPU */
    NW_MODEL_FLEET_FIFO,
} nw_model_fleet_station;

typedef enum nw_model_fleet_balance {
    NW_MODEL_FLEET_RANDOM,
    NW_MODEL_FLEET_ROUND_ROBIN,
    NW_MODEL_FLEET_TWO_CHOICES,
    NW_MODEL_FLEET_LEAST_CONNECTIONS,
} nw_model_fleet_balance;

struct nw_model_fleet_knot {
    double at_s, rate_per_s;
};

/* Requests per second over time. */
struct nw_model_fleet_load {
    const struct nw_model_fleet_knot *knots; /* ascending, the first at 0 */
    size_t knot_count;                       /* 1 or more */
    bool is_linear;                          /* between knots; else a rate holds until the next */
    double repeat_s; /* begins again after so long, beyond the last knot; 0: the last rate stays */
    double noise_ratio; /* each second's rate is off by up to this part, either way; 0..1 */
};

struct nw_model_fleet {
    double for_s; /* whole seconds, up to NW_MODEL_FLEET_TICKS_MAX */
    struct nw_model_fleet_load load;
    int64_t nodes; /* at the beginning, all warm */
    double node_rate_per_s;
    double start_s;             /* from order to the first request; times are rounded up to ticks */
    double cold_s;              /* from then until warm */
    double cold_rate_ratio;     /* of node_rate while cold, 0..1 */
    double cold_cpu_ratio;      /* a cold node reads at least this, 0..1 */
    double drain_s;             /* from the decision to the end of the bill */
    double wait_s;              /* a request that would wait longer is refused */
    double hit_ratio;           /* of a warm node's cache, 0..1 */
    double prewarm_ratio;       /* of a starting node's cache, at most hit_ratio */
    double queries;             /* to the database per request that missed */
    double database_per_s;      /* queries that it bears; 0: no database in the picture */
    double cache_lost_s;        /* all caches are emptied at this time; 0: never */
    double reading_noise_ratio; /* what the rule reads of CPU is off by up to this part */
    double lost_ratio;          /* of the judgements, nothing arrives */
    nw_model_fleet_arrivals arrivals;
    nw_model_fleet_station station;
    nw_model_fleet_balance balance;
    double service_cv; /* of service times: 0 fixed, 1 exponential, else lognormal; up to 10 */
    struct nw_model_scale_policy policy; /* its price_per_h is what the bill uses */
    nw_model_fleet_engine engine;
    uint64_t seed;
    const int *stop; /* the event engine looks at it within a second, relaxed; not 0: stop. NULL */
};

/* One period between judgements (the last may be shorter). */
struct nw_model_fleet_period {
    double from_s, to_s;
    int64_t warm_nodes, cold_nodes, coming_nodes, draining_nodes; /* at its end, before judging */
    double offered_per_s, served_per_s, refused_per_s;
    double cpu_ratio, cpu_warm_ratio; /* means over the period; the second 0 without warm nodes */
    double response_s;                /* mean of those served; 0 when none was */
    double database_ratio;            /* busy part of the database */
    double cost;                      /* of this period */
    struct nw_model_scale_verdict verdict; /* NOT_DUE after the last period */
};

/* Is told of each period; false ends the run there, as interrupted. */
typedef bool nw_model_fleet_sink(void *ctx, const struct nw_model_fleet_period *period);

struct nw_model_fleet_result {
    bool is_complete; /* the sink did not end it */
    double ran_s;
    int64_t end_nodes, peak_nodes; /* ordered ones included, draining ones too */
    double cost;
    double node_hours;
    double offered, served, refused; /* requests */
    double response_s;               /* mean of those served; 0 when none was */
    double cpu_ratio;                /* mean over time of the period means */
    double added_nodes, taken_nodes;
    double turns;            /* changes of direction: a step up after one down, or the reverse */
    uint32_t turns_in_5_min; /* the most within any 300 s; counts up to 8 */
    double lost_judgements, judgements;
    nw_model_scale_reason braked; /* the last brake that cut a step; NOT_DUE when none did */
    nw_model_scale_bottleneck bottleneck;
};

/* INVALID, and a sentence in *out_why when not NULL: which value is out of the bounds above. */
NW_MUST_CHECK nw_err nw_model_fleet_check(const struct nw_model_fleet *fleet, const char **out_why);
/*
 * Runs to the end, or to the last whole second before a stop. sink may be NULL. INVALID as by
 * nw_model_fleet_check; NO_MEMORY when more than 2^26 requests are inside at once (event engine).
 * Nothing is written then.
 */
NW_MUST_CHECK nw_err nw_model_fleet_run(const struct nw_model_fleet *fleet,
                                        nw_model_fleet_sink *sink, void *ctx,
                                        struct nw_model_fleet_result *out);

/*
 * Mean wait before or beside service, in mean service times, of the fleet's stations, balance and
 * laws with `nodes` at `utilisation` (0..1, at 1 no more than 1e9). Exact for Poisson arrivals over
 * random balance; else an estimate, see fleetsim.c. Bad arguments are asserted.
 */
double nw_model_fleet_wait(const struct nw_model_fleet *fleet, double nodes, double utilisation);

/*
 * The shape of a day as 1,440 linear knots, one a minute, and repeat 86,400 s: its mean and its
 * highest rate are as given, the peak at `peak_at_s` of the day. 0 < average <= peak <= 100 x
 * average: else INVALID; a narrower peak than that is less than ten minutes wide, write steps.
 */
#define NW_MODEL_FLEET_DAY_KNOTS 1441u
NW_MUST_CHECK nw_err nw_model_fleet_day(double average_per_s, double peak_per_s, double peak_at_s,
                                        struct nw_model_fleet_knot *out_knots);

#endif
