/*
 * peer.h - a set of upstreams: who is there, who is well, who comes next, a connection to it.
 *
 * Knows nodes, weights, verdicts, permits, waiters and idle connections, never a protocol: the user
 * brings a driver, asks for a try, and reports how it went. HTTP, PostgreSQL, Redis and regions
 * share it.
 *
 * A node object is keyed by (set name, driver, address) in the daemon's registry and survives
 * reloads with its verdict, counters and idle connections; a set is a small view over nodes that
 * each generation makes anew.
 *
 * Owner:   the registry belongs to the daemon; sets and nodes are counted references
 * Threads: begin/borrow/give_back/end on any worker (connections belong to the worker that borrowed
 *          them); set and registry changes in fibers on worker 0
 */
#ifndef NW_PEER_PEER_H
#define NW_PEER_PEER_H

#include <stdbool.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/text.h"
#include "io/addr.h"
#include "io/fiber.h"
#include "io/stream.h"
#include "io/timer.h"

struct nw_peer_registry;
struct nw_peer_set;
struct nw_peer_node;
struct nw_runtime;

typedef enum nw_peer_state {
    NW_PEER_UNKNOWN, /* counts as up until the first verdict */
    NW_PEER_UP,
    NW_PEER_SLOW_START,
    NW_PEER_DOWN,
    NW_PEER_DRAINING
} nw_peer_state;

/* How a try went; the driver's user maps its protocol's answers. */
typedef enum nw_peer_outcome {
    NW_PEER_OK,
    NW_PEER_CONNECT,  /* no connection */
    NW_PEER_RESET_,   /* the connection broke before an answer */
    NW_PEER_TIMEOUT_, /* no first byte in time */
    NW_PEER_REFUSING, /* answered that it cannot (502, 503, 504) */
    NW_PEER_FAILED,   /* answered with its own failure (500): never ejects */
    NW_PEER_ABANDONED /* our side gave up (client gone): says nothing about the node */
} nw_peer_outcome;

typedef enum nw_peer_balance {
    NW_BALANCE_ROUND_ROBIN,
    NW_BALANCE_LEAST_CONNECTIONS,
    NW_BALANCE_TWO_CHOICES,
    NW_BALANCE_LATENCY,
    NW_BALANCE_HASH
} nw_peer_balance;

/* One upstream connection. A driver's own struct embeds it first. */
struct nw_peer_conn {
    struct nw_stream stream;
    struct nw_peer_node *node;
    struct nw_list idle;         /* in the node's per-worker LIFO */
    uint64_t idle_since_ms;
    uint32_t use_count;          /* tries that it served before this one; 0: fresh */
    uint32_t learned_idle_ms;    /* what the node's Keep-Alive said; 0 nothing */
    uint64_t settings_key;       /* of the set that it was made for */
};

/*
 * What a driver adds whose connections carry many tries at a time. The set opens them, chooses the
 * one with the fewest tries, and ends those that idle or fall silent.
 */
struct nw_peer_shared_ops {
    /* Reads and serves the connection until it has ended; in a fiber of the connection's own. */
    NW_YIELDS nw_err (*run)(struct nw_peer_conn *conn);
    /* How many tries it may carry now, those that run included; 0: it takes no more. */
    unsigned (*slots)(const struct nw_peer_conn *conn);
    /* Asks for a sign of life. NW_TIMEOUT: there was none within wait_ms. */
    NW_YIELDS nw_err (*ping)(struct nw_peer_conn *conn, uint64_t wait_ms);
    /* Ends it, whatever is open: run returns, tries on it fail. Must not yield. */
    void (*stop)(struct nw_peer_conn *conn);
    /* Keeps driver_arg alive while `open` runs, which may outlast who asked for it. May be NULL. */
    void (*hold)(void *driver_arg);
    void (*let_go)(void *driver_arg);
};

struct nw_peer_driver {
    size_t conn_bytes; /* of the struct that embeds nw_peer_conn; shared: nw_peer_shared */
    /* Not NULL: a connection carries many tries at a time. */
    const struct nw_peer_shared_ops *shared;
    /*
     * After the stream has connected (TLS, start-up packets), within what is left of the connect
     * timeout; driver_arg is that of the set which asks. NULL: nothing to do. When it fails it has
     * freed what it added.
     */
    NW_YIELDS nw_err (*open)(struct nw_peer_conn *conn, void *driver_arg);
    /*
     * One health check on a connection of its own, within health_timeout_ms. NW_OK: well.
     * *out_reason (a static string) says what was wrong. NULL: verdicts are set by
     * nw_peer_node_judge.
     */
    NW_YIELDS nw_err (*probe)(struct nw_peer_node *node, const char **out_reason);
    /* Frees what open added; the stream is closed afterwards. NULL: nothing to do. */
    void (*close)(struct nw_peer_conn *conn);
};

/*
 * A connection of a driver with `shared`. It belongs to one worker, lives while a fiber of its own
 * runs it or a try is on it, and is never moved.
 */
struct nw_peer_shared {
    struct nw_peer_conn conn; /* first */
    struct nw_list link;      /* in the worker's list */
    void *driver_arg;         /* for open */
    struct nw_fiber *fiber;   /* opens and runs it; gone with has_ended */
    struct nw_timer tick;     /* looks for idleness and silence */
    struct nw_scope *pings;   /* while it runs */
    unsigned try_count;
    uint32_t slots;           /* as counted last */
    uint64_t heard_bytes;     /* received when the tick last looked */
    uint64_t heard_ms;
    bool is_open;             /* connected and greeted */
    bool is_unsettled;        /* by the driver: the peer has not said yet how many it takes */
    bool is_running;          /* stop may be called */
    bool is_down;             /* takes no more tries */
    bool has_ended;           /* its fiber is gone: the last try frees it */
    bool is_pinging;
};
/* By the driver, when the number of slots may have changed. Must not be called from slots. */
void nw_peer_shared_changed(struct nw_peer_conn *conn);
/* By the driver: one send left, with parts of so many requests. */
void nw_peer_shared_sent(struct nw_peer_conn *conn, unsigned stream_count);
/* By the driver, when it takes no more tries for good; those on it go on. */
void nw_peer_shared_down(struct nw_peer_conn *conn);

struct nw_peer_node_spec {
    const char *address; /* as written: "10.0.0.1:80", "name:80", "unix:/path" */
    unsigned weight;     /* 0: gets nothing */
    unsigned max_connections; /* 0: unlimited */
};

struct nw_peer_set_spec {
    const char *name; /* of the service */
    const struct nw_peer_driver *driver;
    void *driver_arg; /* for open, and for probes by nw_peer_node_driver_arg; outlives the set */
    /* Of what `open` does: an idle connection that was made under another one is not used. */
    uint64_t settings_key;
    nw_peer_balance balance;
    const struct nw_peer_node_spec *nodes;
    unsigned node_count;
    unsigned waiting_max;       /* depth of the admission queue */
    uint32_t wait_ms;
    uint32_t connect_timeout_ms;
    uint32_t idle_ms;
    uint32_t slow_start_ms;
    /*
     * Of a driver with `shared`: tries on one connection, and connections per worker and node.
     * max_connections is then shared out among the workers, at least one to each.
     */
    unsigned streams_max;
    unsigned connections_max;
    bool has_health;
    /* What is asked, as "GET /ready": a verdict of another check does not count. NULL: any. */
    const char *health_check;
    uint32_t health_every_ms;
    uint32_t health_timeout_ms;
    unsigned health_fall;
    unsigned health_rise;
};

NW_MUST_CHECK nw_err nw_peer_registry_new(struct nw_runtime *runtime,
                                          struct nw_peer_registry **out);
/* All sets must be gone and all tries ended. In a fiber on worker 0; NULL does nothing. */
NW_YIELDS void nw_peer_registry_free(struct nw_peer_registry *registry);

/*
 * Strings of the spec are copied. Nodes that the registry knows by (set name, address) are taken
 * over with verdict and connections; others start as unknown. Nodes that no set names any more
 * finish what is in flight, close their idle connections and vanish from status and metrics.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_set_new(struct nw_peer_registry *registry,
                                               const struct nw_peer_set_spec *spec,
                                               struct nw_peer_set **out);
/*
 * Makes this set the one that the settings of shared nodes come from: waits until no probe of the
 * set before it runs any more, then starts its own. On worker 0.
 */
NW_YIELDS void nw_peer_set_start(struct nw_peer_set *set);
/*
 * Returns when no probe uses the set's driver_arg any more; does nothing to a set that is not the
 * started one (a newer one has taken over). On worker 0, before the last unref where driver_arg
 * dies with the set.
 */
NW_YIELDS void nw_peer_set_stop(struct nw_peer_set *set);
struct nw_peer_set *nw_peer_set_ref(struct nw_peer_set *set);
/* Any worker; the last one lets go of the nodes. */
void nw_peer_set_unref(struct nw_peer_set *set);
const char *nw_peer_set_name(const struct nw_peer_set *set);
/* What `open` does has changed: idle connections that were made before are closed. Worker 0. */
void nw_peer_set_rekey(struct nw_peer_set *set, uint64_t settings_key);
/* Replaces the members (supervised processes come and go). On worker 0. */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_set_change(struct nw_peer_set *set,
                                                  const struct nw_peer_node_spec *nodes,
                                                  unsigned node_count);

/* What a request wants of its node. */
struct nw_peer_want {
    uint64_t key_hash;                  /* for NW_BALANCE_HASH */
    const struct nw_peer_node *exclude; /* already tried; used only when it is the only one */
    bool
        has_refused; /* the excluded one refused a connection: even nodes that are out come first */
    /* Hard; NULL: all. While begin waits it may be asked on any worker. */
    bool (*eligible)(const struct nw_peer_node *node, const void *arg);
    const void *eligible_arg;
    bool spare; /* only a permit that is free and that nobody waits for, else NW_BUSY */
};

/*
 * One try in flight, embedded in the request. The node may be named (logs, exclude) for five
 * minutes after the try has failed or ended.
 */
struct nw_peer_try {
    struct nw_peer_set *set;
    struct nw_peer_node *node;
    struct nw_peer_conn *conn;
    uint64_t started_us;
    bool is_fresh;    /* the connection was made for this try; shared: no try ended on it before */
    bool has_started; /* begin succeeded, end is owed */
    bool is_trial;    /* the one request that decides whether an ejected node returns */
};

/*
 * Chooses a node and gets a connection to it: an idle one, one moved from another worker, a new
 * one, or one that a waiter is granted. NW_NO_NODE, NW_BUSY (queue full or waited wait_ms),
 * NW_REFUSED/NW_UNREACHABLE/NW_TIMEOUT (connect failed: reported by itself as NW_PEER_CONNECT;
 * try->node says who, for `exclude`), NW_CANCELLED. On success nw_peer_try_end is owed; a tunnel
 * ends the try with is_reusable false when it closes. A shared connection may be down already:
 * the driver says so when the request is given to it.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_try_begin(struct nw_peer_set *set,
                                                 const struct nw_peer_want *want,
                                                 struct nw_peer_try *out_try);
/* Once per try. first_byte_us: from begin to the first byte of the answer; 0: there was none. */
void nw_peer_try_report(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us);
/*
 * Gives the connection back. `is_reusable`: the peer's last response is provably complete and
 * nothing unread is left; else it is closed. in_flight falls here. A shared connection stays,
 * whatever is_reusable says: only its driver knows.
 */
void nw_peer_try_end(struct nw_peer_try *try, bool is_reusable);

/* Retry budget of the set: 10 % of requests over 10 s, at least 3/s. Counts one use when true. */
bool nw_peer_may_retry(struct nw_peer_set *set);
/* Is there another node than `node` that may be tried, well or not? */
bool nw_peer_has_other(const struct nw_peer_set *set, const struct nw_peer_node *node);

const char *nw_peer_node_name(const struct nw_peer_node *node); /* the address as written */
/* The host of the address, without port and brackets; empty for a Unix socket. */
struct nw_slice nw_peer_node_host(const struct nw_peer_node *node);
/*
 * For status: what a driver found wrong when it opened a connection, until one could be opened
 * (NULL). The sentence is copied. Any worker.
 */
void nw_peer_node_trouble(struct nw_peer_node *node, const char *sentence);
nw_peer_state nw_peer_node_state(const struct nw_peer_node *node);
void *nw_peer_node_driver_arg(const struct nw_peer_node *node);
/* Connects a stream of one's own to the node (probes): counts no permit. */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_node_connect(struct nw_peer_node *node,
                                                    struct nw_stream *stream);
/* The member with this address, as written; NULL. Stays while the set and its members stay. */
struct nw_peer_node *nw_peer_set_find(const struct nw_peer_set *set, const char *address);
/* A verdict from outside. Worker 0. */
void nw_peer_node_judge(struct nw_peer_node *node, bool is_up, const char *reason);

/*
 * Worker 0. Stops new requests to a node and waits until none is in flight (NW_TIMEOUT,
 * NW_CANCELLED leave it draining). `for_ms` 0: until undrain; else a lease. NW_NOT_FOUND.
 * "set/address" or a unique address.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_drain(struct nw_peer_registry *registry,
                                             struct nw_slice name, uint64_t for_ms,
                                             struct nw_diag *diag);
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_undrain(struct nw_peer_registry *registry,
                                               struct nw_slice name, struct nw_diag *diag);

/* Any set with a usable node? (readiness) */
bool nw_peer_set_is_usable(const struct nw_peer_set *set);
/*
 * JSON array of the set's nodes: address, state, reason, since, weight, in_flight, …
 * (status.md).
 */
void nw_peer_set_status(const struct nw_peer_set *set, struct nw_text *out_json);

#endif
