/*
 * offload.h - blocking calls on other threads; the calling fiber parks.
 *
 * A lane has a name, threads (1 = in order), a bound. In a simulation jobs run on the sim's own
 * thread in seeded order. A job that has begun is waited for even by a cancelled or late fiber: it
 * may point into that fiber's stack.
 *
 * Owner:   the runtime owns lanes; freed by nw_runtime_free
 * Threads: nw_offload from fibers of any worker
 */
#ifndef NW_IO_OFFLOAD_H
#define NW_IO_OFFLOAD_H

#include "base/err.h"

struct nw_lane;
struct nw_runtime;

struct nw_lane_options {
    const char *name;
    unsigned threads;
    unsigned bound; /* jobs waiting or running; beyond: NW_BUSY */
};

struct nw_lane *nw_lane_new(struct nw_runtime *runtime, const struct nw_lane_options *options);
/* The lanes that every runtime has. */
struct nw_lane *nw_lane_files(struct nw_runtime *runtime);
struct nw_lane *nw_lane_reload(struct nw_runtime *runtime);
/* Returns fn's result, or NW_BUSY; NW_CANCELLED and NW_TIMEOUT only if the job had not begun. */
NW_YIELDS NW_MUST_CHECK nw_err nw_offload(struct nw_lane *lane, nw_err (*fn)(void *arg), void *arg);

#endif
