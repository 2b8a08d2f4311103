/*
 * queuesource.h - when messages arrive: the six shapes as one stream of times.
 *
 * Inside of the queue simulator. A source may be copied: the copy goes through the same times
 * again, which is how a blocked sender's line is remembered without storing it.
 *
 * Owner:   the caller; borrows the description
 * Threads: one source, one thread
 */
#ifndef NW_MODEL_QUEUESOURCE_H
#define NW_MODEL_QUEUESOURCE_H

#include "model/queuesim.h"
#include "model/random.h"

struct nw_model_queue_source {
    const struct nw_model_queue_spec *spec;
    struct nw_rng rng;
    struct nw_rng phases; /* on-off: lengths, on first, then off and on in turn */
    uint64_t given;       /* backlog and arrivals so far */
    double time_s;        /* of the last */
    double phase_end_s;   /* on-off */
};

void nw_model_queue_source_init(struct nw_model_queue_source *source,
                                const struct nw_model_queue_spec *spec);
/* The time of the next message, never before the last; false: there are no more. */
bool nw_model_queue_source_next(struct nw_model_queue_source *source, double *out_s);

/* On-off: messages per second while it is on. */
double nw_model_queue_on_rate_per_s(const struct nw_model_queue_spec *spec);

#endif
