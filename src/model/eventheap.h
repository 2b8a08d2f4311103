/*
 * eventheap.h - a binary heap of events, ties by sequence: the event list's oracle and last resort.
 *
 * Inside of eventlist.c; everyone else uses eventlist.h.
 *
 * Owner:   the caller, by _init and _done
 * Threads: one at a time
 */
#ifndef NW_MODEL_EVENTHEAP_H
#define NW_MODEL_EVENTHEAP_H

#include "model/eventlist.h"

struct nw_model_heapevent {
    double time_s;
    uint64_t sequence;
    uint32_t payload;
};

struct nw_model_eventheap {
    struct nw_model_heapevent *events; /* a heap by (time, sequence) */
    uint32_t count, space;
    uint64_t sequence; /* of the next push */
};

/* All zero is an empty heap; the caller bounds how many it pushes. */
void nw_model_eventheap_done(struct nw_model_eventheap *heap);
void nw_model_eventheap_push(struct nw_model_eventheap *heap, double time_s, uint32_t payload);
/* The heap is not empty. */
struct nw_model_event nw_model_eventheap_pop(struct nw_model_eventheap *heap);
struct nw_model_event nw_model_eventheap_peek(const struct nw_model_eventheap *heap);

#endif
