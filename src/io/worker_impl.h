/*
 * worker_impl.h - the insides that the files of io/ share: worker, runtime, fiber, the wait
 * primitive, and one turn of the loop. Nothing above io/ includes it.
 *
 * Owner:   the runtime owns its workers; a worker owns its fibers and stacks
 * Threads: a worker's fields belong to its thread, but for those marked "any thread"
 */
#ifndef NW_IO_WORKER_IMPL_H
#define NW_IO_WORKER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"
#include "io/backend.h"
#include "io/buf.h"
#include "io/fiber.h"
#include "io/switch.h"
#include "io/sync.h"
#include "io/timer.h"
#include "io/turn.h"
#include "io/wheel.h"
#include "io/worker.h"

struct nw_gauge;
struct nw_lane;
struct nw_stack;

enum {
    NW_TURN_EVENTS_MAX = 512,
    NW_TURN_RESUMES_MAX = 256, /* fibers that became ready within the turn; the rest: next turn */
    NW_STACK_COUNTED_BYTES = 8 * 1024, /* what a stack weighs in the memory account */
    NW_STACKS_KEPT = 64        /* free stacks that trimming leaves */
};

/* ---- State of other files, freed with the worker (or the runtime) ---- */

typedef enum nw_io_part {
    NW_IO_PART_BUF,
    NW_IO_PART_STREAM,
    NW_IO_PART_RELAY,
    NW_IO_PART_LISTEN,
    NW_IO_PART_DNS,
    NW_IO_PART_FILE,
    NW_IO_PART_TLS,
    NW_IO_PART_COUNT
} nw_io_part;

/* Set by the file that owns the part on first use; freed in reverse order, the worker entered. */
struct nw_part {
    void *state;
    void (*free)(void *state);
};

/* Spare buffers of one size, linked through their own memory; last in, first out. */
struct nw_buf_spare {
    struct nw_buf_spare *next;
};
struct nw_buf_pool {
    struct nw_buf_spare *small;
    struct nw_buf_spare *large;
    uint64_t spare_bytes;
    bool is_known; /* its part is registered */
};

/* ---- Fibers ---- */

typedef enum nw_fiber_state {
    NW_FIBER_READY,
    NW_FIBER_RUNNING,
    NW_FIBER_WAITING,
    NW_FIBER_ENDED
} nw_fiber_state;

/* Lies at the top of its own stack, so that a fiber costs no allocation. */
struct nw_fiber {
    /* What every switch and every wait touches: two cache lines. */
    struct nw_context context; /* while it does not run */
    struct nw_list ready;      /* in worker->ready */
    struct nw_worker *worker;
    nw_err wake_err;
    uint8_t state; /* nw_fiber_state */
    bool is_cancelled;
    bool had_grace;
    bool is_interruptible; /* of the wait it is in */
    uint64_t deadline_ms;           /* the nearest that counts now; NW_NEVER */
    struct nw_within *within;       /* innermost open block */
    struct nw_within *grace_within; /* innermost block that the grace sets aside */
    uint64_t inherited_ms;          /* the scope's deadline */
    uint64_t grace_until_ms;        /* 0: no grace is open */
    struct nw_timer timer;          /* the deadline's; armed lazily, never later than it */
    /* What birth and death touch. */
    struct nw_list sibling; /* in scope->fibers */
    struct nw_list all;     /* in worker->fibers */
    struct nw_scope *scope;
    nw_fiber_fn fn;
    void *arg;
    const char *name;
    struct nw_stack *stack;
    uint64_t born_ms;
    bool is_vital; /* no ceiling refuses it; bounded by whoever makes such fibers */
};

/*
 * The one wait primitive: parks the running fiber until nw_fiber_wake (NW_OK), its deadline
 * (NW_TIMEOUT) or its cancellation (NW_CANCELLED); both are also checked on entry. While it waits
 * *slot (may be NULL) names the fiber; it is NULL afterwards unless another took the slot over.
 * Asserts that a fiber runs and that it is not on the big stack.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_fiber_wait(struct nw_fiber **slot);
/* As nw_fiber_wait, but only nw_fiber_wake ends it. */
NW_YIELDS void nw_fiber_wait_always(struct nw_fiber **slot);
/* What a wait of the running fiber would answer now without waiting: OK, CANCELLED or TIMEOUT. */
NW_MUST_CHECK nw_err nw_fiber_check(void);
/*
 * Makes a waiting fiber ready. False when it does not wait (any more): woken before in this turn,
 * by its deadline or cancelled; then nothing was handed over. NULL is false. On its worker only.
 */
bool nw_fiber_wake(struct nw_fiber *fiber);
static inline void nw_fiber_make_ready(struct nw_fiber *fiber)
{
    (void)nw_fiber_wake(fiber);
}

/*
 * An entry of nw_event.waiters or nw_semaphore.waiters, on the waiting fiber's stack. Who wakes
 * removes it and sets is_woken; the fiber removes it itself after any other end of its wait.
 */
struct nw_waiter {
    struct nw_list node;
    struct nw_fiber *fiber;
    bool is_woken;
};

/* ---- Worker ---- */

struct nw_worker {
    struct nw_runtime *runtime;
    const struct nw_backend_ops *backend;
    void *backend_state;
    unsigned index;

    /* Fibers. */
    struct nw_fiber *current; /* NULL on the loop's own stack */
    struct nw_context loop_context; /* while a fiber runs */
    struct nw_list ready;
    struct nw_list fibers; /* all that have not ended */
    struct nw_scope root_scope;
    _Atomic unsigned fiber_count;  /* one writer, any thread reads */
    struct nw_stack *free_stacks;  /* last in, first out */
    unsigned free_stack_count;
    unsigned free_stack_low;       /* fewest since the last trim */
    struct nw_list stacks;         /* all that are mapped */
    struct nw_timer trim;
    size_t stack_high_water_bytes; /* of stacks that were unmapped */
    uint64_t stacks_made;
    void (*big_fn)(void *arg); /* asked for by the fiber that just switched out */
    void *big_arg;
    bool is_on_big_stack;
    const void *loop_stack_bottom; /* for AddressSanitizer */
    size_t loop_stack_bytes;
    void *loop_fake_stack;
    void *loop_tsan;

    /* Time. */
    uint64_t now_ns;  /* of this turn */
    uint64_t now_ms;
    uint64_t wall_ms; /* valid while wall_turn == turns */
    uint64_t wall_turn;
    struct nw_wheel wheel;
    struct nw_list fine_sleepers; /* nearest first */
    uint64_t seen_advance_ms; /* a turn in which the clock was moved measures no lag */
    _Atomic uint64_t lag_us;

    /* The turn. */
    _Atomic uint64_t turns;
    struct nw_list flush; /* nw_turn_node */
    struct nw_list rest;  /* nw_turn_node */
    int event_at;         /* while events are handed out: the next one */
    int event_count;
    bool is_busy;         /* the last turn had something to do */
    int stop_seen;        /* the stop_level that this worker acted on */
    bool was_idle;        /* no fiber was left at the end of the last turn */
    uint64_t spin_ns;
    struct nw_message *_Atomic mailbox; /* any thread; newest first */
    _Atomic bool is_sleeping;           /* any thread: a post must wake the backend */

    /* Others. */
    struct nw_buf_pool bufs;
    size_t share_bytes; /* moved by the running fiber since it last waited (stream.c) */
    struct nw_part parts[NW_IO_PART_COUNT];
    void *slots[NW_WORKER_SLOT_COUNT];
    struct nw_rng *rng;
    struct nw_log *log;
    pthread_t thread;
    void *alt_stack;
    struct nw_ready events[NW_TURN_EVENTS_MAX];
};

struct nw_runtime {
    const struct nw_backend_ops *backend;
    void *world;
    char *name;
    uint64_t seed;
    struct nw_log_hub *log_hub;
    struct nw_metrics *metrics;
    struct nw_gauge *gauges; /* gauges.c */
    unsigned worker_count;
    struct nw_worker *workers[NW_WORKERS_MAX];
    struct nw_part parts[NW_IO_PART_COUNT];

    /* Any thread. Whoever changes an account changes the total by the same. */
    _Atomic uint64_t memory_used_bytes[NW_MEMORY_ACCOUNT_COUNT];
    _Atomic uint64_t memory_max_bytes[NW_MEMORY_ACCOUNT_COUNT]; /* 0: only the ceiling */
    _Atomic uint64_t memory_refusals[NW_MEMORY_ACCOUNT_COUNT];
    _Atomic uint64_t memory_total_bytes;
    _Atomic uint64_t buffers_max_bytes; /* the ceiling */
    _Atomic uint64_t spare_max_bytes;   /* of it, what one worker may keep unused */
    _Atomic unsigned stack_count;       /* mapped, on all workers */
    _Atomic unsigned fibers_max;
    _Atomic int64_t connections; /* listen.c */

    /* Tests move the clocks. Any thread. */
    _Atomic uint64_t advance_ms;
    _Atomic int64_t wall_step_ms;

    _Atomic int stop_level; /* 0 runs, 1 stops, 2 and graces end too */

    /* Offload. */
    pthread_mutex_t lanes_mutex;
    struct nw_lane *lanes;
    struct nw_lane *lane_files;
    struct nw_lane *lane_reload;
    /*
     * Set by a simulation: called for each job that was queued; later, in a turn of its own choice,
     * it calls nw_offload_run_next(lane) (offload_impl.h). NULL: lanes have threads.
     */
    void (*offload_hook)(struct nw_runtime *runtime, struct nw_lane *lane);
};

/* Makes `worker` the calling thread's current one (NULL: none); returns the one before. */
struct nw_worker *nw_worker_enter(struct nw_worker *worker);
/* Any thread: makes a sleeping worker, or its next sleep, end. */
void nw_worker_wake(struct nw_worker *worker);

/* ---- The turn (loop.c) ---- */

/*
 * One turn of the entered worker. may_sleep: waits for events until the next timer; else it takes
 * what is there. A simulation passes false and asks nw_loop_timeout_ns when to come again.
 */
NW_NOINLINE void nw_loop_turn(struct nw_worker *worker, bool may_sleep);
/* 0: there is work now; -1: nothing to do until an event; else ns until the nearest timer. */
int64_t nw_loop_timeout_ns(struct nw_worker *worker);
/* Stop was asked for and no fiber is left on any worker. */
bool nw_loop_is_over(struct nw_worker *worker);
#endif
