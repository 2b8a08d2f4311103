/*
 * node.h - the insides of a set: registry, group, node, view, set.
 *
 *   registry ── group (one per set name and driver: settings, queue, lock)
 *                 └── node (one per address) ── per worker: idle connections, windows
 *   set ── view (members with weights, balance state) ── nodes
 *
 * Owner:   the registry owns groups and, once nobody refers to them, nodes; views hold nodes by
 *          set_refs, connections and fibers by refs
 * Threads: fields say which lock or worker guards them; nothing on the request path takes a lock
 */
#ifndef NW_PEER_NODE_H
#define NW_PEER_NODE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metric.h"
#include "base/quiet.h"
#include "io/fiber.h"
#include "io/sync.h"
#include "io/timer.h"
#include "io/worker.h"
#include "peer/admission.h"
#include "peer/balance.h"
#include "peer/peer.h"
#include "peer/verdict.h"

enum {
    NW_PEER_SHELVES = 4,
    NW_PEER_SHELF_MAX = 1024,   /* free connection structs kept per worker and size */
    NW_PEER_IDLE_MAX = 4096,    /* idle connections per worker and node */
    NW_PEER_LINGER_MS = 300000, /* a gone node may still be named */
    NW_PEER_REASON_BYTES = 128,
    NW_PEER_TROUBLE_BYTES = 192
};

typedef enum nw_peer_flag {
    NW_PEER_FLAG_KNOWN = 1,       /* there was a verdict or an answer */
    NW_PEER_FLAG_DOWN = 2,        /* by active check or from outside */
    NW_PEER_FLAG_EJECTED = 4,     /* by passive verdict */
    NW_PEER_FLAG_TRIAL = 8,       /* its one trial request is under way */
    NW_PEER_FLAG_DRAINING = 16,
    NW_PEER_FLAG_SLOW_START = 32,
    NW_PEER_FLAG_SLOW = 64,       /* probes time out while requests succeed */
    NW_PEER_FLAG_RETIRED = 128,   /* in no set */
    NW_PEER_FLAG_SHARED = 256     /* its connections carry many tries: never changes */
} nw_peer_flag;
#define NW_PEER_FLAGS_OUT (NW_PEER_FLAG_DOWN | NW_PEER_FLAG_EJECTED)

enum { NW_PEER_OUTCOMES = NW_PEER_ABANDONED + 1 };

/* Why connects fail, as the metric tells it. */
typedef enum nw_peer_connect_reason {
    NW_PEER_CONNECT_REFUSED,
    NW_PEER_CONNECT_TIMEOUT,
    NW_PEER_CONNECT_UNRESOLVED,
    NW_PEER_CONNECT_UNTRUSTED,
    NW_PEER_CONNECT_OTHER,
    NW_PEER_CONNECT_REASONS
} nw_peer_connect_reason;

/* One size of free connection memory on one worker. */
struct nw_peer_shelf {
    size_t bytes;
    struct nw_list free; /* LIFO */
    struct nw_list resting;
    unsigned free_count;
};

/* A worker's part of the registry. */
struct nw_peer_home {
    struct nw_timer rest; /* fires in the next turn: what rested becomes free */
    bool is_ready;
    struct nw_peer_shelf shelves[NW_PEER_SHELVES];
};

struct nw_peer_registry {
    struct nw_runtime *runtime;
    unsigned worker_count;
    struct nw_metrics *metrics;
    struct nw_metrics *own_metrics; /* where the runtime has none */
    struct nw_list groups;          /* worker 0 */
    struct nw_list dead; /* worker 0: nodes nobody refers to, for NW_PEER_LINGER_MS */
    struct nw_peer_home *homes;
    _Atomic unsigned shared_count; /* fibers of shared connections */
};

/* What outlives the sets of one name. */
struct nw_peer_group {
    struct nw_peer_registry *registry;
    struct nw_list link; /* worker 0 */
    char *name;
    const struct nw_peer_driver *driver;
    _Atomic unsigned set_count;
    unsigned node_count; /* worker 0; dead ones too */

    pthread_mutex_t lock;            /* what follows up to the settings */
    struct nw_list nodes;            /* alive */
    struct nw_admission queue;
    struct nw_window retries;
    const struct nw_peer_set *current; /* the started one; also worker 0 alone writes it */

    _Atomic unsigned waiting_count; /* entries in the queue: read without the lock */
    _Atomic bool is_panicking;      /* no node is up, all are tried */

    /* Settings of the started set; written on worker 0. */
    _Atomic uint32_t idle_ms;
    _Atomic uint32_t slow_start_ms;
    _Atomic uint32_t connect_timeout_ms;
    _Atomic uint32_t streams_max;
    _Atomic uint32_t connections_max;
    _Atomic uint64_t settings_key;
    void *_Atomic driver_arg;
    bool has_health; /* worker 0, as all of these */
    uint32_t health_every_ms;
    uint32_t health_timeout_ms;
    unsigned health_fall;
    unsigned health_rise;
    char *health_check;
    struct nw_scope probes;

    struct nw_metric_series *waits_total;
    struct nw_metric_series *wait_seconds;
    struct nw_metric_series *refused_full;
    struct nw_metric_series *refused_late;
    struct nw_metric_series *retries_denied;
    struct nw_metric_series *panics;
    struct nw_metric_series *depth;
    struct nw_metric_watch *depth_watch;
};

/*
 * One worker's shared connections to a node (multiplex.c). The counters are read by any worker, to
 * grant or refuse; all else is the worker's own.
 */
struct nw_peer_lines {
    struct nw_list conns;   /* open, or being opened */
    struct nw_list waiters; /* tries with a reservation and no connection yet: first come */
    unsigned waiter_count;
    unsigned opening_count;
    _Atomic uint32_t taken;      /* tries with a reservation */
    _Atomic uint32_t slots;      /* of the open connections that take tries */
    _Atomic uint32_t open_count; /* how many those are */
    _Atomic uint32_t usual;      /* slots of a connection, as far as known; 0: as configured */
};

/* One worker's part of a node: on cache lines of its own. */
struct nw_peer_local {
    struct nw_list idle; /* LIFO */
    _Atomic uint32_t idle_count; /* written by the worker, read by all */
    uint32_t last_good_s;        /* __atomic; when an answer was last good */
    struct nw_window tries;
    struct nw_window bad;
    struct nw_peer_lines lines; /* where connections are shared */
    struct nw_message sweep; /* closes idle connections that nobody will use */
    _Atomic bool is_sweeping;
    struct nw_peer_node *node;
} __attribute__((aligned(64)));

struct nw_peer_node {
    struct nw_peer_group *group;
    char *address;
    struct nw_addr addr; /* kind NONE: a name */
    struct nw_slice host;
    uint16_t port;

    _Atomic uint32_t flags;     /* nw_peer_flag */
    _Atomic uint32_t in_flight; /* tries begun and not ended */
    _Atomic uint32_t open;      /* connections = permits taken, idle ones too */
    _Atomic uint32_t max_connections;
    _Atomic uint32_t broken_run; /* connect failures and resets in a row */
    _Atomic uint64_t ewma;
    _Atomic uint64_t eject_until_ms;
    _Atomic uint64_t slow_since_ms;
    _Atomic uint64_t returned_at_ms; /* from an ejection: older failures do not count */
    struct nw_quiet failing; /* what the log says of it */
    _Atomic bool has_trouble;         /* trouble says something */
    _Atomic uint32_t learned_idle_ms;
    _Atomic uint64_t learned_at_ms;
    _Atomic unsigned refs; /* connections, fibers, messages, and one for all set_refs */
    struct nw_message end;  /* to worker 0: refs fell to 0 */
    _Atomic bool is_ending; /* it is under way */

    /* group->lock */
    struct nw_list link; /* in group->nodes (changed on worker 0), then in registry->dead */
    unsigned set_refs;
    unsigned weight; /* in the started set; 0: not in it */
    unsigned eject_count;
    uint64_t eject_last_ms;  /* how long it was out last */
    uint64_t since_wall_ms;  /* of the present state */
    uint64_t died_at_ms;
    char reason[NW_PEER_REASON_BYTES];
    char trouble[NW_PEER_TROUBLE_BYTES];
    struct nw_list drainers; /* waiting for in_flight to fall to 0 */

    /* worker 0 */
    struct nw_health health;
    char *health_check;       /* which check the verdict is of */
    struct nw_fiber *prober;
    uint64_t probe_at_ms;
    struct nw_timer lease;
    bool has_lease;

    struct nw_metric_series *requests[NW_PEER_OUTCOMES];
    struct nw_metric_series *duration;
    struct nw_metric_series *connects;
    struct nw_metric_series *connect_errors[NW_PEER_CONNECT_REASONS];
    struct nw_metric_series *reuses;
    struct nw_metric_series *probes_ok;
    struct nw_metric_series *probes_bad;
    struct nw_metric_series *ejections;
    struct nw_metric_series *streams_per_send; /* where connections are shared */
    struct nw_metric_series *gauges[4]; /* in flight, up, open, idle */
    struct nw_metric_watch *watches[4];

    void *local_memory;
    struct nw_peer_local *local; /* [worker] */
};

struct nw_peer_member {
    struct nw_peer_node *node;
    uint32_t weight; /* divided by the weights' common divisor */
    uint32_t given_weight;
    uint32_t max_connections;
};

/* Who is in a set, with each worker's memory of the balance rule. Replaced as a whole. */
struct nw_peer_view {
    unsigned count;
    struct nw_balance_ring *ring;
    char *scratch; /* per worker: items, then current */
    size_t scratch_bytes;
    struct nw_peer_member members[];
};

struct nw_peer_set {
    struct nw_peer_group *group;
    struct nw_peer_view *_Atomic view;
    const struct nw_balance_ops *balance;
    _Atomic unsigned refs;
    _Atomic uint64_t settings_key;
    unsigned waiting_max;
    uint32_t wait_ms;
    uint32_t connect_timeout_ms;
    nw_peer_balance balance_kind;
    void *driver_arg; /* given to the group at start, with what follows */
    uint32_t idle_ms;
    uint32_t slow_start_ms;
    unsigned streams_max;
    unsigned connections_max;
    bool has_health;
    char *health_check;
    uint32_t health_every_ms;
    uint32_t health_timeout_ms;
    unsigned health_fall;
    unsigned health_rise;
};

static inline struct nw_balance_item *nw_peer_view_items(const struct nw_peer_view *view,
                                                         unsigned worker_index)
{
    return (struct nw_balance_item *)(view->scratch + worker_index * view->scratch_bytes);
}

static inline int64_t *nw_peer_view_current(const struct nw_peer_view *view, unsigned worker_index)
{
    return (int64_t *)(nw_peer_view_items(view, worker_index) + view->count);
}

/* node.c: lifetime, verdicts. */
/* Found or made; set_refs counts one more. On worker 0. */
NW_MUST_CHECK nw_err nw_peer_node_take(struct nw_peer_group *group,
                                       const struct nw_peer_node_spec *spec,
                                       struct nw_peer_node **out);
/* One set less; the last one retires the node. Any worker. */
void nw_peer_node_drop(struct nw_peer_node *node);
void nw_peer_node_ref(struct nw_peer_node *node);
void nw_peer_node_unref(struct nw_peer_node *node);
/* All memory and series; nobody refers to it. */
void nw_peer_node_destroy(struct nw_peer_node *node);
/*
 * Asks every worker to close the idle connections: all if the node is draining or retired by then,
 * else those of other settings than the started set's.
 */
void nw_peer_node_sweep(struct nw_peer_node *node);
/* Takes new requests: not down, ejected or draining. */
bool nw_peer_node_is_usable(const struct nw_peer_node *node);
/* Percent of its weight, by slow start; ends slow start when it is over. */
unsigned nw_peer_node_percent(struct nw_peer_node *node, uint64_t now_ms);
/* Of the last ten seconds, since it returned from an ejection, over all workers. */
uint32_t nw_peer_node_try_count(const struct nw_peer_node *node, uint32_t now_s);
uint32_t nw_peer_node_bad_count(const struct nw_peer_node *node, uint32_t now_s);
/* A try has failed in a way that can eject. */
void nw_peer_node_failed(struct nw_peer_node *node, bool is_refused, uint64_t now_ms);
/* The trial request went well or not, or any went well while no node was up. */
void nw_peer_node_tried(struct nw_peer_node *node, bool is_good, bool is_trial, uint64_t now_ms);
/*
 * Says in the log that tries fail, at most every ten seconds: a node may be kept although they do
 * (it is the last one), and nobody should have to guess why every answer is a 502.
 */
void nw_peer_node_tell_failing(struct nw_peer_node *node, const char *reason, uint64_t now_ms);
/* Under group->lock: state change with its reason. */
void nw_peer_node_note(struct nw_peer_node *node, const char *state, const char *reason);
void nw_peer_node_up(struct nw_peer_node *node, const char *reason);
void nw_peer_node_down(struct nw_peer_node *node, const char *reason);
const char *nw_peer_node_state_name(const struct nw_peer_node *node);

/* try.c: nw_peer_try_report, which also knows of refused connects. */
void nw_peer_try_judge(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us,
                       bool is_refused);
/* The same without counting the try: one verdict on a connect that many tries waited for. */
void nw_peer_try_blame(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us,
                       bool is_refused);

/* pool.c: permits and connections. */
/*
 * Reserves the right to one connection, or to one of the slots of this worker's shared ones:
 * in_flight rises. False: full, or draining meanwhile.
 */
bool nw_peer_node_reserve(struct nw_peer_node *node, unsigned for_index);
/* Gives it back, on the worker it was for: wakes who waits for it. */
void nw_peer_node_release(struct nw_peer_node *node);
/* For a try whose node is reserved: an idle, moved or new connection in try->conn. */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_conn_get(const struct nw_peer_set *set,
                                                struct nw_peer_try *try, bool is_spare);
/* The newest idle one of this worker made with that key, unparked; NULL when there is none. */
struct nw_peer_conn *nw_peer_conn_pop(struct nw_peer_node *node, unsigned worker_index,
                                      uint64_t settings_key);
void nw_peer_conn_park(struct nw_peer_conn *conn);
void nw_peer_conn_close(struct nw_peer_conn *conn);
void nw_peer_conn_close_idle(struct nw_peer_node *node, unsigned worker_index);
/* Memory for one, which holds the node; nw_peer_conn_rest gives both back, once it is closed. */
struct nw_peer_conn *nw_peer_conn_new(struct nw_peer_node *node, unsigned worker_index);
void nw_peer_conn_rest(struct nw_peer_conn *conn);
/*
 * Connects and lets the driver greet. On failure the stream is closed and the failure counted;
 * *out_is_ours: it says nothing about the node.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_conn_open(struct nw_peer_conn *conn, void *driver_arg,
                                                 uint32_t timeout_ms, bool *out_is_ours);
/* Those of another key only. */
void nw_peer_conn_close_stale(struct nw_peer_node *node, unsigned worker_index,
                              uint64_t settings_key);
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_node_dial(struct nw_peer_node *node,
                                                 struct nw_stream *stream, uint32_t timeout_ms);
/* On the worker itself: frees the memory it kept. */
void nw_peer_home_done(struct nw_peer_registry *registry, unsigned worker_index);

/*
 * choose.c: a node, reserved for a try of the worker for_index (`worker` is the one that runs).
 * NW_AGAIN: all that could serve are full. NW_NO_NODE.
 */
NW_MUST_CHECK nw_err nw_peer_choose(const struct nw_peer_set *set, const struct nw_peer_want *want,
                                    struct nw_worker *worker, unsigned for_index,
                                    struct nw_peer_node **out_node, bool *out_is_trial);

/* wait.c: the admission queue. */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_wait(struct nw_peer_set *set,
                                            const struct nw_peer_want *want,
                                            struct nw_peer_try *try);
/* Grants as many waiters as can be served now. */
void nw_peer_pump(struct nw_peer_group *group);
/* drain.c: in_flight fell to 0 on a draining node. */
void nw_peer_drain_wake(struct nw_peer_node *node);
void nw_peer_drain_forget(struct nw_peer_node *node);

/* health.c; worker 0. */
void nw_peer_probe_start(struct nw_peer_node *node);

/* set.c */
static inline uint64_t nw_peer_set_key(const struct nw_peer_set *set)
{
    return atomic_load_explicit(&set->settings_key, memory_order_relaxed);
}
struct nw_peer_group *nw_peer_group_take(struct nw_peer_registry *registry, const char *name,
                                         const struct nw_peer_driver *driver);
struct nw_log *nw_peer_log(void);

#endif
