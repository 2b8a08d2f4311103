/*
 * fiber_impl.h - what fiber.c, deadline.c, scope.c and the loop need of each other.
 *
 * Owner:   nothing
 * Threads: the worker's thread
 */
#ifndef NW_IO_FIBER_IMPL_H
#define NW_IO_FIBER_IMPL_H

#include "io/worker_impl.h"

/* fiber.c */

/* NULL when no stack is to be had. Ready at once; the caller sets the scope's side. */
struct nw_fiber *nw_fiber_new(struct nw_worker *worker, const char *name, nw_fiber_fn fn,
                              void *arg, bool is_vital);
/* From the loop's stack: runs at most `max` fibers of a list, each until it waits or ends. */
unsigned nw_fiber_run_ready(struct nw_worker *worker, struct nw_list *list, unsigned max);
/* worker->trim fired: half of the stacks that nobody needed lately go. */
void nw_fiber_trim(struct nw_timer *timer);

/* deadline.c */

void nw_fiber_on_deadline(struct nw_timer *timer);
/* Ends an interruptible wait whose fiber was cancelled or is late. */
void nw_fiber_reconsider(struct nw_fiber *fiber);
/* Where nw_sleep_until_ns waits, nearest first. */
struct nw_fine_sleeper {
    struct nw_list node; /* in worker->fine_sleepers */
    uint64_t at_ns;
    struct nw_fiber *fiber;
};
/* Wakes whoever slept long enough. */
void nw_fiber_wake_fine_sleepers(struct nw_worker *worker);

#endif
