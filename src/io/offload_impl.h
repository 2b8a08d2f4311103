/*
 * offload_impl.h - lanes as the runtime and a simulation see them.
 *
 * Owner:   the runtime
 * Threads: as said
 */
#ifndef NW_IO_OFFLOAD_IMPL_H
#define NW_IO_OFFLOAD_IMPL_H

#include "io/offload.h"
#include "io/worker_impl.h"

typedef enum nw_job_state { NW_JOB_QUEUED, NW_JOB_RUNNING, NW_JOB_REVOKED } nw_job_state;

/* Lies on the stack of the fiber that waits for it. */
struct nw_offload_job {
    struct nw_list node; /* in lane->queue while QUEUED */
    struct nw_message done;
    struct nw_lane *lane;
    struct nw_worker *worker;
    struct nw_fiber *fiber;
    nw_err (*fn)(void *arg);
    void *arg;
    nw_err result;
    nw_job_state state; /* under the lane's mutex */
    bool is_done;       /* the worker's thread */
};

void nw_offload_init(struct nw_runtime *runtime);
/* Ends all threads; no job may be waiting. */
void nw_offload_done(struct nw_runtime *runtime);

/*
 * For a simulation's offload_hook: the oldest queued job of the lane runs on the calling thread and
 * its fiber is told. False when the lane's queue is empty: the job was revoked meanwhile.
 */
bool nw_offload_run_next(struct nw_lane *lane);

/* Starts a thread with all signals blocked and an 8 MiB stack (worker.c). */
void nw_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg);

#endif
