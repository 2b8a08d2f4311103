/*
 * queuemath.h - how deep a queue gets, how old its messages, and when it is empty again.
 *
 * Fluid: messages are a liquid, so what chance adds is not here (queuesim.h). All finite and >= 0
 * (asserted). What never ends has a reason and its growth instead of a time.
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_QUEUEMATH_H
#define NW_MODEL_QUEUEMATH_H

#include "model/steps.h"

struct nw_model_burst_in {
    const char *at;    /* "queues.mail" */
    const char *label; /* "mail" */
    struct nw_model_quantity jobs;
    struct nw_model_quantity over_s; /* they arrive evenly over it; 0: at once */
    struct nw_model_quantity drain_per_s;
    struct nw_model_quantity stopped_s; /* workers start only then */
};

struct nw_model_burst {
    double peak_depth;  /* waiting */
    double empty_s;     /* from the start of the burst; when nothing waits any more */
    double age_max_s;   /* of the message that waits longest */
    const char *reason; /* NULL, or "never-drains": drain is 0 */
};

/* Steps: AT.peak_depth, AT.empty_s, AT.age_max_s. */
struct nw_model_burst nw_model_queue_burst(const struct nw_model_burst_in *in,
                                           struct nw_model_steps *steps);

struct nw_model_catchup_in {
    const char *at;
    struct nw_model_quantity backlog;
    struct nw_model_quantity arrive_per_s;
    struct nw_model_quantity drain_per_s;
};

struct nw_model_catchup {
    double catchup_s;
    double growth_per_s; /* of the backlog where it never ends, else 0 */
    const char *reason;  /* NULL, or "unstable": drain <= arrivals */
};

/* Backlog / (drain - arrivals), 0 for none. Step: AT.catchup_s. */
struct nw_model_catchup nw_model_queue_catchup(const struct nw_model_catchup_in *in,
                                               struct nw_model_steps *steps);

struct nw_model_retention_in {
    const char *at;
    struct nw_model_quantity arrive_per_s;
    struct nw_model_quantity message_bytes;
    struct nw_model_quantity retention_s;
    struct nw_model_quantity topics;
};
/* Bytes on disk once the retention is full. Step: AT.retention_bytes. */
double nw_model_queue_retention(const struct nw_model_retention_in *in,
                                struct nw_model_steps *steps);

/* Messages that a time behind stands for: rate x time (E3: 15 min; E2d: an outage). */
double nw_model_queue_behind(double arrive_per_s, double behind_s);

struct nw_model_inline_in {
    const char *at;
    struct nw_model_quantity rate_per_s;
    struct nw_model_quantity calls; /* in sequence, each of call_s */
    struct nw_model_quantity call_s;
    struct nw_model_quantity publish_s; /* what the client waits for when it is queued instead */
};

struct nw_model_inline {
    double calls_per_s;
    double inline_s; /* the client waits for all of them */
    double held;     /* requests in progress at any moment (Little) */
    double held_queued;
};

/* What doing work inline costs against queueing it. Steps: AT.calls_per_s, inline_s, held. */
struct nw_model_inline nw_model_queue_inline(const struct nw_model_inline_in *in,
                                             struct nw_model_steps *steps);

#endif
