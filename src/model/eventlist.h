/*
 * eventlist.h - what happens next: the list of coming events of a simulation.
 *
 * Events leave in the order of their times; events of the same time leave in the order in which
 * they were pushed. A payload is 32 bits of the caller's own (a station, an index). Two lists
 * behind one interface: the calendar queue (Brown 1988), O(1) for the gaps that simulations have,
 * and a binary heap, its oracle. Both give the same order to the last event.
 *
 * A calendar whose gaps defeat it (see eventlist.c) turns itself into a heap until it is empty, so
 * a push or pop costs O(log n) at the worst.
 *
 * Memory: a heap takes 24 bytes an event, a calendar up to 1 KB while it stays below 16 MB and 96
 * beyond that; never more than event_max events.
 *
 * Owner:   the caller of _new; payloads are copied
 * Threads: one at a time
 */
#ifndef NW_MODEL_EVENTLIST_H
#define NW_MODEL_EVENTLIST_H

#include <stdbool.h>

#include "base/alloc.h"
#include "base/err.h"

typedef enum nw_model_eventlist_kind {
    NW_MODEL_CALENDAR,
    NW_MODEL_HEAP,
} nw_model_eventlist_kind;

struct nw_model_event {
    double time_s;
    uint32_t payload;
};

struct nw_model_eventlist;

/* event_max: 1 to 2^30 events wait at most; it costs nothing until they do. */
struct nw_model_eventlist *nw_model_eventlist_new(nw_model_eventlist_kind kind, uint32_t event_max);
void nw_model_eventlist_free(struct nw_model_eventlist *list);
NW_CLEANUP_DEFINE(struct nw_model_eventlist, nw_model_eventlist_free)

/*
 * INVALID: the time is negative or not finite. NO_MEMORY: event_max events wait. A time before the
 * last popped one is allowed and leaves next.
 */
NW_MUST_CHECK nw_err nw_model_eventlist_push(struct nw_model_eventlist *list, double time_s,
                                             uint32_t payload);
/* False, and *out as it was, when nothing waits. */
bool nw_model_eventlist_pop(struct nw_model_eventlist *list, struct nw_model_event *out);
/* The event that pop would give, left where it is. */
bool nw_model_eventlist_peek(struct nw_model_eventlist *list, struct nw_model_event *out);
uint32_t nw_model_eventlist_count(const struct nw_model_eventlist *list);
/* Forgets what waits; keeps the memory. */
void nw_model_eventlist_clear(struct nw_model_eventlist *list);

#endif
