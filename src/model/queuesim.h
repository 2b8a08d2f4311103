/*
 * queuesim.h - a queue between whoever sends and whoever works, played or computed.
 *
 * Messages arrive, wait, are worked on by each consumer group, fail and are tried again, and end in
 * one of six ways. Groups are independent: each has its own offset, workers and outages, and what
 * one of them has not settled is its own backlog. Two engines on one description: nw_model_queuesim
 * plays every message (event), nw_model_queue_flow treats them as a fluid, exact for rates that are
 * constant in pieces and without chance.
 *
 * The counts of a group balance at every moment:
 *
 *     arrived = done + refused + dropped + dead + expired + inside
 *     inside  = blocked (at the door) + waiting (in line or backing off) + serving
 *
 * Depth is what the group has accepted and not settled, waiting and serving; a bound of depth
 * counts both, and results say "with those in service" or without.
 *
 * When a group is full (depth_max):
 *   refuse       the sender is told no; nobody gets the message
 *   drop-oldest  the group loses the message that stands first in its line
 *   drop-newest  the group loses the one that just came; the sender is not told
 *   shed-low     a low message that just came is dropped; a high one takes the place of the
 *                youngest low one in line; where there is none, it is refused for this group
 *   block        the sender waits at the door, and everybody behind it
 * Refuse and block hold for all groups as soon as one of them is full; the others lose for
 * the full group alone. A message in service or backing off is never dropped.
 *
 * A message whose time to live is over when a worker would take it is expired, not worked on. A
 * failed attempt takes its service time like any other; then the message backs off for
 * random(least, min(most, base x 2^(attempts - 1))), or exactly that maximum without jitter, and
 * stands last in line again. An outage lets no service begin; what is in service ends as it would.
 *
 * Chance: one stream for arrivals, one for each group's services (drawn when a message arrives,
 * whatever becomes of it), so two policies under one seed meet the same messages and the same work.
 *
 * Owner:   the caller of _new; arrays of the description are borrowed for as long as it lives
 * Threads: one simulation, one thread
 */
#ifndef NW_MODEL_QUEUESIM_H
#define NW_MODEL_QUEUESIM_H

#include "base/alloc.h"
#include "base/err.h"
#include "model/stats.h"

typedef enum nw_model_shape {
    NW_MODEL_SHAPE_EVEN,    /* message i of n at over x i / n; over 0: all at once */
    NW_MODEL_SHAPE_POISSON, /* n independent uniform times */
    NW_MODEL_SHAPE_BURST,   /* burst_count at a time, evenly spaced */
    NW_MODEL_SHAPE_FRONT,   /* evenly, but all within the first front_s */
    NW_MODEL_SHAPE_ON_OFF,  /* Poisson in phases of exponential length; n / over_s in the mean */
    NW_MODEL_SHAPE_TRACE,   /* at trace_s */
} nw_model_shape;

typedef enum nw_model_full {
    NW_MODEL_FULL_REFUSE,
    NW_MODEL_FULL_DROP_OLDEST,
    NW_MODEL_FULL_DROP_NEWEST,
    NW_MODEL_FULL_SHED_LOW,
    NW_MODEL_FULL_BLOCK,
} nw_model_full;

typedef enum nw_model_law {
    NW_MODEL_LAW_FIXED,
    NW_MODEL_LAW_EXPONENTIAL,
    NW_MODEL_LAW_LOGNORMAL, /* mean and coefficient of variation */
    NW_MODEL_LAW_LIST,      /* message i takes list_s[i mod list_count] */
} nw_model_law;

struct nw_model_service_law {
    nw_model_law law;
    double mean_s;        /* 1e-9..1e9; of a list: computed, ignored here */
    double cv;            /* lognormal: 0..100 */
    const double *list_s; /* each 0..1e9, their mean 1e-9 at least */
    size_t list_count;
};

struct nw_model_window {
    double from_s, until_s;
};

enum {
    NW_MODEL_QUEUE_GROUPS_MAX = 16,
    NW_MODEL_QUEUE_BINS = 240,
};
#define NW_MODEL_QUEUE_S_MAX 1e9       /* 31 years: the longest time of a description */
#define NW_MODEL_QUEUE_COUNT_MAX 1e9   /* messages */
#define NW_MODEL_QUEUE_PHASES_MAX 1e7  /* that are on */
#define NW_MODEL_QUEUE_DEPTH_MAX 100e6 /* the largest bound */

struct nw_model_queue_group {
    uint32_t workers; /* 1..1e6 */
    struct nw_model_service_law service;
    double fail_ratio;               /* of attempts; 0..1 */
    uint32_t attempt_max;            /* 1..1000; the last failure makes it dead */
    double backoff_s, backoff_s_max; /* base and most */
    double backoff_s_min;            /* the least of a random one */
    bool has_jitter;
    const struct nw_model_window *outages; /* ascending, apart */
    size_t outage_count;
    double alarm_s; /* age of a waiting message that raises the alarm; 0: none */
};

struct nw_model_queue_spec {
    nw_model_shape shape;
    uint64_t count; /* messages that arrive; 0..NW_MODEL_QUEUE_COUNT_MAX */
    double over_s;  /* 0: at once; on-off needs more than 0 */
    uint64_t burst_count;
    double front_s;
    double on_s, off_s;    /* mean phases; the first is on */
    const double *trace_s; /* `count` times, ascending, from 0 */
    uint64_t backlog;      /* messages that wait at time 0, before any arrival */
    double low_ratio;      /* of messages that shed-low may shed; 0..1 */
    uint64_t depth_max;
    nw_model_full full;
    double ttl_s; /* 0: messages live for ever */
    struct nw_model_queue_group groups[NW_MODEL_QUEUE_GROUPS_MAX];
    size_t group_count; /* at least 1 */
    uint64_t seed;
    double precision; /* stop when every mean wait is known to this; 0: play it all */
};

/* What is wrong with a description, as a sentence; NULL: nothing. Checks every bound above. */
const char *nw_model_queue_spec_judge(const struct nw_model_queue_spec *spec);

struct nw_model_queue_counts {
    uint64_t arrived, done, refused, dropped, dead, expired;
    uint64_t blocked, waiting, serving; /* now */
};

struct nw_model_queue_seen {
    struct nw_model_queue_counts counts;
    uint64_t retried;      /* attempts beyond the first */
    uint64_t depth_peak;   /* with those in service */
    uint64_t waiting_peak; /* without them */
    uint64_t blocked_peak;
    double depth_peak_s;                                    /* when it was first reached */
    double depth_mean;                                      /* over the time played */
    double serving_mean;                                    /* busy workers */
    double wait_s_mean, wait_s_p50, wait_s_p99, wait_s_max; /* accepted until first worked on */
    double stay_s_p50, stay_s_p99, stay_s_max;              /* accepted until done */
    double block_s_mean, block_s_max;                       /* at the door */
    struct nw_model_interval wait; /* of the mean wait in the long run, its start left out */
    bool is_alarmed, is_caught_up;
    double alarm_s;          /* when a waiting message first was older than the bound */
    double empty_s;          /* when the last message was settled; meaningless while inside > 0 */
    double caught_up_s;      /* when first nothing waited, after the last outage or the start */
    double caught_up_from_s; /* the end of that outage, or 0 */
    double bin_s;            /* width of a bin; the largest depth within each */
    uint32_t bin_count;
    uint32_t bins[NW_MODEL_QUEUE_BINS];
};

struct nw_model_queuesim;

/* INVALID: _spec_judge finds something. */
NW_MUST_CHECK nw_err nw_model_queuesim_new(const struct nw_model_queue_spec *spec,
                                           struct nw_model_queuesim **out);
void nw_model_queuesim_free(struct nw_model_queuesim *sim);
NW_CLEANUP_DEFINE(struct nw_model_queuesim, nw_model_queuesim_free)
/*
 * Plays up to event_max events. AGAIN: there is more to come. OK: all is settled, or `precision`
 * is reached. NO_MEMORY: 2^25 messages wait in all groups together; what was seen until then holds.
 */
NW_MUST_CHECK nw_err nw_model_queuesim_play(struct nw_model_queuesim *sim, uint64_t event_max);
struct nw_model_queue_counts nw_model_queuesim_counts(const struct nw_model_queuesim *sim,
                                                      size_t group);
/* Writes 1 KB; quantiles are within 0.1 %. */
void nw_model_queuesim_look(const struct nw_model_queuesim *sim, size_t group,
                            struct nw_model_queue_seen *out);

/* ---- the same as a fluid ---- */

struct nw_model_queue_flow {
    double arrived, done, refused, dropped, dead, expired;
    double depth_peak, depth_peak_s;
    double blocked_peak;
    double wait_s_max; /* accepted until worked on; no bound of less than a message applies */
    double wait_s_mean;
    bool is_alarmed, is_caught_up;
    double alarm_s;
    double empty_s;
    double caught_up_s, caught_up_from_s;
};

/*
 * Poisson arrivals are even ones here, on-off ones arrive evenly within the same phases as in the
 * event engine, services take their mean, retries multiply it and do not back off, shed-low
 * cannot tell classes apart and drops what came last. A message in service counts as settled, so
 * depth is without those in service. out: one per group. INVALID as above.
 */
NW_MUST_CHECK nw_err nw_model_queue_flow_solve(const struct nw_model_queue_spec *spec,
                                               struct nw_model_queue_flow *out);

#endif
