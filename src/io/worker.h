/*
 * worker.h - a worker (one thread, one event loop) and the runtime that a daemon owns.
 *
 * Everything mutable hangs off these two objects, so that several daemons can live in one
 * simulation. The only thread-local of the program is the current worker's pointer.
 *
 * Owner:   cmd owns the runtime; workers live and die with it
 * Threads: a worker's own functions are called on its thread only, unless a line says "any thread"
 */
#ifndef NW_IO_WORKER_H
#define NW_IO_WORKER_H

#include <stdbool.h>

#include "base/err.h"

struct nw_backend_ops;
struct nw_log;
struct nw_log_hub;
struct nw_metrics;
struct nw_rng;
struct nw_runtime;
struct nw_scope;
struct nw_worker;

enum { NW_WORKERS_MAX = 64 };

struct nw_runtime_options {
    const struct nw_backend_ops *backend; /* nw_backend_epoll or nw_backend_sim */
    void *world;                          /* the sim's world, NULL for epoll */
    const char *name;                     /* of the daemon, for logs and simulations */
    unsigned worker_count;                /* 0: as many as affinity and cgroup quota grant */
    uint64_t seed;                        /* 0: from the system */
    uint64_t buffers_max_bytes;           /* 0: 1/8 of memory or of the cgroup's limit */
    unsigned fibers_max;                  /* 0: 80 % of what vm.max_map_count allows */
    unsigned spin_us;                     /* polls once more for so long before sleeping; 0 off */
    struct nw_log_hub *log_hub;           /* borrowed; may be NULL */
    struct nw_metrics *metrics;           /* borrowed; may be NULL */
};

NW_MUST_CHECK nw_err nw_runtime_new(const struct nw_runtime_options *options,
                                    struct nw_runtime **out);
/*
 * Runs `start` in a fiber on worker 0, starts the threads of workers 1…, and runs worker 0 on the
 * calling thread until nw_runtime_stop; joins the threads. With the sim backend the world drives
 * the workers instead and this function must not be called (io/sim.h).
 */
void nw_runtime_run(struct nw_runtime *runtime, void (*start)(void *arg), void *arg);
/*
 * Any thread: every worker cancels its root scope, waits for its fibers, and its loop ends. A
 * second call also ends the graces that fibers opened.
 */
void nw_runtime_stop(struct nw_runtime *runtime);
void nw_runtime_free(struct nw_runtime *runtime);

unsigned nw_runtime_worker_count(const struct nw_runtime *runtime);
struct nw_worker *nw_runtime_worker(struct nw_runtime *runtime, unsigned index);
struct nw_log_hub *nw_runtime_log_hub(const struct nw_runtime *runtime);
struct nw_metrics *nw_runtime_metrics(const struct nw_runtime *runtime);
uint64_t nw_runtime_buffers_max_bytes(const struct nw_runtime *runtime);
/* Reloadable limits. */
void nw_runtime_buffers_max_set(struct nw_runtime *runtime, uint64_t bytes);
void nw_runtime_fibers_max_set(struct nw_runtime *runtime, unsigned count);
/* True above 75 % of the buffer ceiling: read-ahead falls to one buffer. Any thread. */
bool nw_runtime_is_memory_tight(const struct nw_runtime *runtime);
/* False when buffers or fibers are at their ceiling: new requests are refused. Any thread. */
bool nw_runtime_can_admit(const struct nw_runtime *runtime);

/*
 * The worker whose loop runs the caller; NULL outside of workers. A fiber never leaves its thread,
 * so the variable's address holds across a yield, and nw_switch tells the compiler that its value
 * may not.
 */
extern __thread struct nw_worker *nw_worker_current;
static inline struct nw_worker *nw_worker_self(void)
{
    return nw_worker_current;
}
unsigned nw_worker_index(const struct nw_worker *worker);
struct nw_runtime *nw_worker_runtime(const struct nw_worker *worker);
/* Fibers that belong to no request: background work. Cancelled by nw_runtime_stop. */
struct nw_scope *nw_worker_root_scope(struct nw_worker *worker);
/* The worker's own seeded generator. */
struct nw_rng *nw_worker_rng(struct nw_worker *worker);
/* This worker's producer handle of the log. */
struct nw_log *nw_worker_log(const struct nw_worker *worker);
/* How late the loop ran its last timer, us: a measure of overload. */
uint64_t nw_loop_lag_us(const struct nw_worker *worker);
uint64_t nw_worker_turns(const struct nw_worker *worker);

/* Pointers of higher layers, by index of their own (gate: door state, admin: …). */
typedef enum nw_worker_slot {
    NW_WORKER_SLOT_DAEMON,
    NW_WORKER_SLOT_GATE,
    NW_WORKER_SLOT_PEER,
    NW_WORKER_SLOT_ADMIN,
    NW_WORKER_SLOT_TEST,
    NW_WORKER_SLOT_COUNT
} nw_worker_slot;
void *nw_worker_get(const struct nw_worker *worker, nw_worker_slot slot);
void nw_worker_set(struct nw_worker *worker, nw_worker_slot slot, void *value);

/* Text for `newel status --fibers`: name, state, count, oldest age. On the worker itself. */
struct nw_text;
void nw_worker_print_fibers(struct nw_worker *worker, struct nw_text *out_json);

#endif
