/*
 * gate_impl.h - the structs that the files of gate share.
 *
 * Owner:   said at each struct
 * Threads: struct nw_gate on worker 0 but for its atomics; struct gate_worker on its worker
 */
#ifndef NW_GATE_GATE_IMPL_H
#define NW_GATE_GATE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ip_ranges.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/pool.h"
#include "base/quiet.h"
#include "gate/gate.h"
#include "gate/route.h"
#include "http/exchange.h"
#include "http/h2.h"
#include "io/listen.h"
#include "io/stream.h"
#include "io/sync.h"
#include "io/turn.h"
#include "io/worker.h"
#include "proto/http1_chunked.h"
#include "proto/http1_write.h"
#include "proto/http2.h"

enum { GATE_CLASSES = 6 }; /* index status / 100; 0: none was sent */
extern const char *const gate_class_names[GATE_CLASSES];

struct gate_bundle;
struct gate_offer;
struct nw_tls_client;
struct nw_tls_tickets;
struct nw_watch;

/* What outlives a generation of a route: its label and series. Counted; keyed by label. */
struct nw_gate_route {
    _Atomic unsigned refs;
    struct nw_gate *gate;
    char *label;
    struct nw_metric_series *requests[GATE_CLASSES];
    struct nw_metric_series *duration;
    struct nw_metric_series *request_bytes;
    struct nw_metric_series *response_bytes;
    struct nw_metric_series *client_gone;
};

/* What outlives a generation of a service: made anew by each, kept by the exchanges in relay. */
struct nw_gate_service {
    _Atomic unsigned refs;
    struct nw_gate *gate;
    char *name;
    struct nw_peer_set *set;
    struct nw_tls_client *_Atomic tls; /* NULL: nodes speak in the clear; read as gate/tls.h says */
    struct nw_quiet tls_refused; /* nodes */
    uint32_t first_byte_ms;
    uint32_t idle_ms;
    struct nw_conf_key key; /* name copied */
    struct nw_conf_host_rule host; /* text copied */
    char *health_path;             /* what probes ask for; empty: there are none */
    struct nw_conf_statuses expect; /* of probes; items copied */
    bool is_h2; /* its nodes are spoken to over HTTP/2 */
    uint32_t streams_max; /* HTTP/2: of one connection */
    bool has_grpc_check;
    char *grpc_check; /* "grpc:" and the service that gRPC probes ask about, which may be empty */
    struct nw_metric_series *requests[GATE_CLASSES];
    struct nw_metric_series *duration;
    struct nw_metric_series *moved;   /* tries after one that never started */
    struct nw_metric_series *retried; /* tries from the budget */
    struct nw_metric_series *window_blocked;
};

/* Why an address, or who told it, was refused. */
typedef enum gate_denial {
    GATE_DENIED_LISTENER, /* by allow and deny of a listener */
    GATE_DENIED_ROUTE,
    GATE_DENIED_PROXY_MALFORMED,
    GATE_DENIED_PROXY_LATE,
    GATE_DENIED_PROXY_OVERSIZED,
    GATE_DENIED_PROXY_UNNAMED, /* a header from a source that proxy_protocol does not name */
    GATE_DENIALS
} gate_denial;

/* See denied.h. */
struct gate_denied {
    struct nw_metric_series *series;
    struct nw_quiet quiet;
};

/* Reloadable settings, copied to every worker with each generation. */
struct gate_settings {
    struct nw_http1_limits head_limits;
    uint64_t connections_max;
    uint64_t connections_per_client_max;
    uint32_t head_time_ms;
    uint32_t idle_ms;
    uint64_t requests_per_connection_max;
    uint64_t spool_max_bytes;
    size_t ahead_bytes; /* that may be queued ahead of one client of HTTP/2 */
    const struct nw_ip_ranges *trusted; /* in the generation's arena; NULL: nobody */
    const struct nw_conf_access *access; /* NULL: off */
};

/* The certificates of a generation: those of listeners, then those of services. */
struct gate_tls_part {
    struct gate_bundle *bundles;
    unsigned count;
    unsigned listen_count;
    struct gate_bundle **clients; /* by index in conf.services; NULL: plain */
    _Atomic bool has_policies;    /* listeners ask clients for different certificates */
};

/* A reason for failed handshakes. */
struct gate_told {
    const char *reason; /* NULL: a free place; given under the gate's lock */
    struct nw_quiet quiet;
};

/* TLS in force; worker 0, but for told. */
struct gate_tls {
    struct nw_tls_tickets *tickets; /* of listeners whose tickets are auto */
    struct nw_watch *watch;
    bool is_watched; /* every file is */
    struct nw_timer settle;
    struct nw_timer hourly;
    uint64_t settle_until_ms;
    struct nw_event idle; /* set while nothing is renewed */
    bool is_renewing;
    bool is_due;
    bool is_over;
    struct nw_metric_series *renewed;
    struct nw_metric_series *refused;
    struct gate_told told[24];
};

/* What the section builds for one generation. In its arena. */
struct gate_part {
    struct nw_gate *gate;
    struct nw_generation *generation;
    struct nw_route_table *table;
    struct nw_gate_route **routes;     /* by index in conf.routes; NULL before adopt */
    struct nw_gate_service **services; /* by index in conf.services; NULL before adopt */
    /* By slot of the listener; NULL: it asks nobody who he is, or is not named any more. */
    const struct nw_conf_listen **listens; /* NULL before adopt */
    struct gate_settings settings;
    struct gate_tls_part tls;
};

/* A generation as one worker uses it: a plain count of the exchanges that decide on it. */
struct gate_pin {
    struct nw_list node; /* in gate_worker.pins */
    struct nw_generation *generation;
    struct gate_part *part;
    unsigned refs; /* exchanges, plus one while it is the worker's current */
};

struct gate_listener {
    struct nw_list node;
    struct nw_gate *gate;
    struct nw_listener *listener;
    char *text; /* the address as the configuration spells it */
    struct gate_offer *_Atomic offer; /* NULL: plain HTTP; read as gate/tls.h says */
    struct nw_metric_series *open;
    struct nw_metric_series *accepted;
    _Atomic uint32_t h2_streams; /* of one connection at a time; 0: HTTP/1 alone */
    _Atomic unsigned conn_count; /* those that name it: it may go when there are none */
    unsigned slot;               /* its place in gate_part.listens */
    /* Of the last generation that named it, while it accepts what is still queued; else NULL. */
    struct nw_generation *last_generation;
    const struct nw_conf_listen *last_listen;
    _Atomic bool redirects; /* every request goes to https */
    bool is_kept;    /* a generation in force names it */
    bool is_started; /* accepts */
};

struct gate_worker {
    struct nw_gate *gate;
    struct nw_worker *worker;
    unsigned index;
    struct gate_pin *current;
    struct nw_list pins;
    struct gate_settings settings;
    struct nw_list idle_conns;   /* parked */
    struct nw_list active_conns; /* served by a fiber */
    struct nw_pool conn_pool;
    struct nw_metric_series *in_flight;
    struct nw_metric_series *h2_connections;
    struct nw_metric_series *h2_streams;
    bool is_draining;
    struct nw_turn_node rest; /* gives closed connections back to the pool */
    uint64_t date_s; /* the second that date_text spells */
    char date_text[32];
};

struct nw_gate {
    struct nw_gate_options options;
    struct nw_runtime *runtime;
    struct nw_metrics *metrics;
    char *spool_dir;
    struct gate_worker *workers[NW_WORKERS_MAX];
    struct nw_list listeners;
    struct nw_list old_listeners; /* closed; connections still name them, or did until lately */
    struct nw_map routes; /* label -> nw_gate_route; under lock */
    pthread_mutex_t lock;
    struct gate_part *part; /* in force */
    struct gate_tls tls;
    struct nw_map clients;  /* client address -> count of connections; under lock */
    _Atomic uint64_t spool_bytes; /* of all bodies that lie in files */
    _Atomic unsigned pins;  /* gate_pin objects alive, of all workers */
    struct nw_metric_series *refused[NW_HTTP1_CLASS_COUNT]; /* by strictness class */
    struct gate_denied denied[GATE_DENIALS];
    struct nw_metric_series *connections_refused;
    struct nw_metric_series *h2_streams_refused;
    struct nw_metric_series *h2_glitches[NW_HTTP2_GLITCH_COUNT];
    struct nw_metric_series *descriptors_exhausted;
    struct nw_gate_route *no_route; /* label "none": requests that no route took */
};

/* Who is connected, in little space. */
struct gate_peer {
    uint8_t kind; /* nw_addr_kind; UNIX has no address */
    uint16_t port;
    uint8_t ip[16];
};

/* One client connection. Idle it is all there is: keep it small. */
struct gate_conn {
    struct nw_stream stream; /* first */
    struct nw_list node;     /* idle_conns or active_conns */
    struct gate_listener *listener;
    struct nw_fiber *fiber; /* while active */
    struct gate_h2 *h2;     /* NULL: it speaks HTTP/1 */
    struct gate_proxy *proxy; /* a PROXY header is due; else NULL */
    uint32_t request_count;
    struct gate_peer peer;
    bool is_counted; /* in gate.clients */
    uint32_t clients; /* the client policy that its handshake was made under; 0: none */
    bool is_tunnel;
    bool is_greeted; /* nothing stands before its next request (gate/greet.h) */
    bool is_secure;  /* over TLS */
};
_Static_assert(sizeof(struct gate_conn) <= 320, "an idle connection must stay small");

/* The request's body: read as its transport brings it, kept in one way. */
struct gate_source {
    struct nw_http_source base;
    struct gate_conn *conn;
    struct nw_exchange *exchange;
    /* The next piece from the client, which sets is_done at the end. */
    NW_YIELDS nw_err (*next)(struct gate_source *source, struct nw_slice *out_piece);
    struct nw_buf *in;       /* HTTP/1: head and first body bytes; unread part starts at the body */
    struct nw_buf more;      /* what came after */
    uint64_t left_bytes;     /* LENGTH: not yet read from the connection */
    uint64_t max_bytes;      /* 413 beyond */
    uint64_t read_bytes;     /* body bytes decoded so far */
    uint64_t wire_bytes;     /* as they came, for the minimum rate */
    uint64_t rate_bytes_per_s;
    uint64_t started_ms;     /* of the first wait */
    uint32_t idle_ms;
    bool is_chunked;
    bool is_done;            /* all of it was read from the client */
    bool owes_continue;      /* a 100 must be sent before reading */
    nw_err failed;           /* sticky */
    /* collected: */
    struct nw_buf *chain; /* in the arena */
    unsigned chain_count;
    unsigned chain_at;
    struct nw_slice direct; /* the whole body where it came in one piece that stays */
    bool is_direct;
    bool was_given; /* direct piece was read */
    struct nw_file *spool;
    uint64_t spool_bytes;
    uint64_t spool_at;
    struct nw_buf spool_buf;
    struct nw_http1_chunked chunked; /* set only where is_chunked is */
};

struct gate_sink {
    struct nw_http_sink base;
    struct gate_conn *conn;
    struct nw_exchange *exchange;
    struct nw_h2_stream *h2; /* NULL: HTTP/1 */
    struct nw_buf out;     /* held head and small pieces */
    uint64_t left_bytes;   /* of a known length */
    uint32_t idle_ms;
    uint32_t head_bytes;   /* HTTP/2: of `out`, in front */
    size_t ahead_bytes;    /* may be queued beyond the client */
    bool has_length;
    bool is_chunked;
    bool has_no_body;
    bool keeps_alive;      /* what the answer promised */
    bool is_head_held;     /* nothing of the answer has left */
    bool is_ended;
    bool is_aborted;
    nw_err failed;
};

/* A request being served, in the fiber's frame. */
struct gate_request {
    struct nw_exchange exchange;
    struct gate_conn *conn;
    struct nw_h2_stream *h2; /* NULL: HTTP/1, which has the connection to itself */
    struct gate_worker *worker;
    struct gate_pin *pin; /* NULL once released */
    bool holds_refs;      /* on route and service, after release */
    struct gate_source source;
    struct gate_sink sink;
    struct nw_slice trailers; /* HTTP/2 alone: lines to send with the answer's end, in the arena */
    size_t granted_bytes;     /* HTTP/2 alone: of the connection's read-ahead */
    struct nw_arena arena;
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    char arena_first[2048];
};

static inline struct gate_request *gate_request_of(struct nw_exchange *exchange)
{
    return NW_CONTAINER_OF(exchange, struct gate_request, exchange);
}

/* The current worker's part of the gate. */
struct gate_worker *gate_worker_self(void);

#endif
