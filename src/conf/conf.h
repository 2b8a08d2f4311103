/*
 * conf.h - the checked configuration: what the other parts read.
 *
 * One struct for each block of options.def, one field for each of its rows. A field is named after
 * its option plus its unit (`timeout: 500ms` is timeout_ms = 500). Every field holds a value:
 * the file's, the enclosing group's or top level's (routes), or the default. "0" means "none" or
 * "no limit" wherever an option's help says so.
 *
 * Owner:   everything lies in the arena of the generation that holds the struct; strings are
 *          zero-terminated slices
 * Threads: immutable once loaded
 */
#ifndef NW_CONF_CONF_H
#define NW_CONF_CONF_H

#include "base/diag.h"
#include "base/ip_ranges.h"
#include "base/slice.h"
#include "conf/tree.h"
#include "conf/value.h"

/* Stands first in each block's struct: where it was written, and which options were. */
struct nw_conf_block {
    const struct nw_conf_tree *tree; /* NULL: the block does not stand in the file */
    const char *path;                /* "services.shop.health" */
    uint64_t given;                  /* bit n: the block's option number n stands in the file */
};

/* Does the block stand in the file? */
static inline bool nw_conf_is_given(const struct nw_conf_block *block)
{
    return block->tree != NULL;
}

struct nw_conf_strings {
    struct nw_slice *items;
    size_t count;
};

/* A mapping with the user's own keys, in file order. */
struct nw_conf_pair {
    struct nw_slice key;
    struct nw_slice value;
};
struct nw_conf_pairs {
    struct nw_conf_pair *items;
    size_t count;
};

/* Networks as they are asked for. */
struct nw_conf_networks {
    const struct nw_ip_ranges *ranges; /* NULL: not given, or off */
    size_t count;                      /* of the networks, before they were put together */
};

/* "shop.example" or "*.shop.example" (then name is "shop.example": one or more labels before). */
struct nw_conf_host {
    struct nw_slice name; /* lower case, without port and trailing dot */
    bool is_wildcard;
};
struct nw_conf_hosts {
    struct nw_conf_host *items;
    size_t count;
};

/* A test of a header field, query parameter or cookie. */
typedef enum nw_conf_match_kind {
    NW_CONF_MATCH_EXACT,
    NW_CONF_MATCH_REGEX,   /* "~ regex" */
    NW_CONF_MATCH_PRESENT, /* "*": any value */
} nw_conf_match_kind;
struct nw_conf_match {
    struct nw_slice name; /* header names in lower case */
    nw_conf_match_kind kind;
    struct nw_slice text; /* the value, or the regex without "~ " */
};
struct nw_conf_matches {
    struct nw_conf_match *items;
    size_t count;
};

/* Inclusive: 200 to 399 for "2xx, 3xx". */
struct nw_conf_status_range {
    int from;
    int to;
};
struct nw_conf_statuses {
    struct nw_conf_status_range *items;
    size_t count;
};

/* What the consistent hash is taken of. */
typedef enum nw_conf_key_kind {
    NW_CONF_KEY_NONE,
    NW_CONF_KEY_CLIENT,
    NW_CONF_KEY_PATH,
    NW_CONF_KEY_HEADER,
    NW_CONF_KEY_COOKIE,
} nw_conf_key_kind;
struct nw_conf_key {
    nw_conf_key_kind kind;
    struct nw_slice name; /* of the header (lower case) or cookie */
};

/* Which Host a node sees. */
typedef enum nw_conf_host_rule_kind {
    NW_CONF_HOST_KEEP, /* the client's */
    NW_CONF_HOST_NODE, /* the node's own host:port */
    NW_CONF_HOST_FIXED,
} nw_conf_host_rule_kind;
struct nw_conf_host_rule {
    nw_conf_host_rule_kind kind;
    struct nw_slice text; /* FIXED only */
};

/* Choices are numbered in the order in which options.def lists them. */
enum { NW_CONF_LOG_DEBUG, NW_CONF_LOG_INFO, NW_CONF_LOG_WARN, NW_CONF_LOG_ERROR };
enum { NW_CONF_LOG_FORMAT_LOGFMT, NW_CONF_LOG_FORMAT_JSON };
enum { NW_CONF_ACCESS_FORMAT_LOGFMT, NW_CONF_ACCESS_FORMAT_JSON, NW_CONF_ACCESS_FORMAT_COMMON };
enum {
    NW_CONF_BALANCE_ROUND_ROBIN,
    NW_CONF_BALANCE_LEAST_CONNECTIONS,
    NW_CONF_BALANCE_TWO_CHOICES,
    NW_CONF_BALANCE_LATENCY,
    NW_CONF_BALANCE_HASH,
};
enum { NW_CONF_HARDENING_ON, NW_CONF_HARDENING_OFF };
enum { NW_CONF_LISTEN_REDIRECT_OFF, NW_CONF_LISTEN_REDIRECT_HTTPS };
enum { NW_CONF_MULTIPLEX_OFF, NW_CONF_MULTIPLEX_H2 };
enum { NW_CONF_TARGET_NORMALIZED, NW_CONF_TARGET_RAW };
enum { NW_CONF_TLS_INTERMEDIATE, NW_CONF_TLS_MODERN };
enum { NW_CONF_UNKNOWN_NAME_FIRST, NW_CONF_UNKNOWN_NAME_REFUSE };
/* Bits of upgrade. */
enum { NW_CONF_UPGRADE_WEBSOCKET = 1 };

/* What keys session tickets are sealed with. */
typedef enum nw_conf_tickets_kind {
    NW_CONF_TICKETS_AUTO,
    NW_CONF_TICKETS_OFF,
    NW_CONF_TICKETS_FILE,
} nw_conf_tickets_kind;
struct nw_conf_tickets {
    nw_conf_tickets_kind kind;
    struct nw_slice path; /* FILE only */
};

/* Paths are as written: relative to the configuration's folder. */
struct nw_conf_certificate {
    struct nw_conf_block block;
    struct nw_slice certificate;
    struct nw_slice key;
};
struct nw_conf_certificates {
    struct nw_conf_certificate *items;
    size_t count;
};

/* Client certificates are asked for when block is given. */
struct nw_conf_clients {
    struct nw_conf_block block;
    struct nw_slice ca;
    bool require;
};

/* The listener speaks TLS when block is given; then `certificates` has one at least. */
struct nw_conf_listen_tls {
    struct nw_conf_block block;
    struct nw_slice certificate; /* the short form: stands in certificates too */
    struct nw_slice key;
    struct nw_conf_certificates certificates;
    int policy;
    struct nw_conf_tickets tickets;
    int unknown_name;
    struct nw_conf_clients clients;
};

/* HTTP/2 towards clients. */
struct nw_conf_h2 {
    struct nw_conf_block block;
    int64_t streams; /* of one connection at a time; 0: off */
};

struct nw_conf_listen {
    struct nw_conf_block block;
    struct nw_conf_address address;
    struct nw_conf_listen_tls tls;
    struct nw_conf_h2 h2;
    struct nw_conf_networks proxy_protocol; /* who must send a PROXY header */
    struct nw_conf_networks allow;
    struct nw_conf_networks deny;
    int redirect;
};
struct nw_conf_listens {
    struct nw_conf_listen *items;
    size_t count;
};

struct nw_conf_admin {
    struct nw_conf_block block;
    struct nw_conf_address address; /* kind NONE: no admin listener */
    const struct nw_secret *token;  /* NULL: none */
    struct nw_conf_hosts hosts;     /* accepted in Host beside the address itself */
};

/* The access log is on when block is given. */
struct nw_conf_access {
    struct nw_conf_block block;
    struct nw_slice to; /* "stdout", "stderr" or a file's path */
    int format;
    double sample_ratio;
    struct nw_conf_strings redact; /* query parameters whose values are not written */
};

struct nw_conf_log {
    struct nw_conf_block block;
    int level;
    int format;
    struct nw_slice to; /* "stdout", "stderr" or a file's path */
    struct nw_conf_access access;
};

struct nw_conf_limits {
    struct nw_conf_block block;
    struct nw_conf_share connections; /* ratio: of the descriptor limit */
    int64_t connections_per_client;
    int64_t head_bytes;
    int64_t body_bytes;
    int64_t head_time_ms;
    int64_t body_rate_bytes_per_s;
    int64_t idle_ms;
    int64_t requests_per_connection; /* 0: no limit */
    struct nw_conf_share buffers;    /* ratio: of memory */
    struct nw_conf_share fibers;     /* ratio: of what vm.max_map_count allows */
};

struct nw_conf_buffer {
    struct nw_conf_block block;
    int64_t request_bytes;
    int64_t response_bytes;
    int64_t spool_bytes; /* all request bodies in spool files together */
};

struct nw_conf_node {
    struct nw_conf_block block;
    struct nw_conf_address address;
    int64_t weight;          /* 0: gets no new requests */
    int64_t max_connections; /* 0: the service's */
};
struct nw_conf_nodes {
    struct nw_conf_node *items;
    size_t count;
};

/* Active checks run when the block is given: of path, or, where that is empty, of grpc. */
struct nw_conf_health {
    struct nw_conf_block block;
    struct nw_slice path;
    struct nw_slice grpc;
    int64_t every_ms;
    int64_t timeout_ms;
    int64_t fall;
    int64_t rise;
    struct nw_conf_statuses expect;
};

/* Many requests on one connection; see nw_conf_is_multiplexed. */
struct nw_conf_multiplex {
    struct nw_conf_block block;
    int protocol;
    int64_t streams;
    int64_t connections; /* of a worker to a node */
};

struct nw_conf_service_timeouts {
    struct nw_conf_block block;
    int64_t connect_ms;
    int64_t first_byte_ms;
    int64_t idle_ms;
};

/* Nodes speak TLS when block is given. */
struct nw_conf_service_tls {
    struct nw_conf_block block;
    struct nw_slice ca;          /* "system" or a path */
    struct nw_slice name;        /* empty: the node's host */
    struct nw_slice certificate; /* empty: newel shows none */
    struct nw_slice key;
    bool verify;
};

struct nw_conf_service {
    struct nw_conf_block block;
    struct nw_slice name;
    size_t index; /* in nw_conf.services */
    struct nw_conf_nodes nodes;
    int balance;
    struct nw_conf_key key;
    struct nw_conf_health health;
    int64_t slow_start_ms;
    int64_t max_connections; /* to each node; 0: no limit */
    int64_t waiting;         /* requests that may wait for a connection */
    int64_t wait_ms;
    struct nw_conf_host_rule host;
    struct nw_conf_service_timeouts timeouts;
    struct nw_conf_multiplex multiplex;
    struct nw_conf_service_tls tls;
    struct nw_conf_strings run; /* a supervised process instead of nodes; empty: not supervised */
    int64_t instances;
    struct nw_conf_pairs env; /* `file:` values are read already; they lie in secrets */
    struct nw_slice user;     /* empty: the file's */
    struct nw_slice cwd;      /* empty: newel's own */
    int64_t memory_bytes;     /* 0: no limit */
    double cpu_cores;         /* 0: no limit */
    int64_t stop_ms;          /* between SIGTERM and SIGKILL */
};
struct nw_conf_services {
    struct nw_conf_service *items;
    size_t count;
};

struct nw_conf_redirect {
    struct nw_conf_block block;
    struct nw_slice to; /* the Location, as written */
    int64_t status;
};

struct nw_conf_respond {
    struct nw_conf_block block;
    int64_t status;
    struct nw_slice body;
    struct nw_slice content_type;
    struct nw_conf_pairs headers;
};

struct nw_conf_route_buffer {
    struct nw_conf_block block;
    int64_t request_bytes;
    int64_t response_bytes;
};

struct nw_conf_route_timeouts {
    struct nw_conf_block block;
    int64_t request_ms; /* 0: none */
};

struct nw_conf_route_limits {
    struct nw_conf_block block;
    int64_t body_bytes;
    int64_t body_rate_bytes_per_s;
};

typedef enum nw_conf_action {
    NW_CONF_ACTION_NONE, /* only in a group */
    NW_CONF_ACTION_SERVICE,
    NW_CONF_ACTION_REDIRECT,
    NW_CONF_ACTION_RESPOND,
} nw_conf_action;

struct nw_conf_route;
struct nw_conf_routes {
    struct nw_conf_route *items;
    size_t count;
};

/* Tests that are empty (count 0, kind ANY) match everything; those given must all match. */
struct nw_conf_route {
    struct nw_conf_block block;
    struct nw_slice name;          /* empty: none */
    struct nw_conf_hosts host;     /* any of them */
    struct nw_conf_path path;
    struct nw_conf_strings method; /* any of them */
    struct nw_conf_matches header; /* all of them */
    struct nw_conf_matches query;
    struct nw_conf_matches cookie;
    nw_conf_action action;
    struct nw_slice service;
    const struct nw_conf_service *to_service; /* ACTION_SERVICE only, else NULL */
    struct nw_conf_redirect redirect;
    struct nw_conf_respond respond;
    struct nw_conf_networks allow;
    struct nw_conf_networks deny;
    bool is_guarded; /* allow or deny has ranges */
    unsigned upgrade;
    bool stream;
    bool finish;
    int target;
    struct nw_conf_route_buffer buffer;
    struct nw_conf_route_timeouts timeouts;
    struct nw_conf_route_limits limits;
    struct nw_conf_routes routes; /* a group's own; empty in the flat list that nw_conf holds */
};

struct nw_conf {
    struct nw_conf_block block;
    const char *file;   /* for messages: "newel.yaml" */
    int64_t newel;      /* the format's version: 1 */
    struct nw_conf_listens listen;
    struct nw_conf_admin admin;
    struct nw_slice state; /* folder */
    struct nw_slice user;  /* empty: stays who it is */
    int hardening;
    int64_t threads;       /* 0: auto */
    struct nw_conf_networks trusted_proxies;
    int64_t drain_ms;
    struct nw_conf_log log;
    struct nw_conf_limits limits;
    struct nw_conf_buffer buffer;
    struct nw_conf_services services;
    struct nw_conf_routes routes; /* groups are flattened and inherited; first match wins */
};

/* The service of that name, or NULL. */
const struct nw_conf_service *nw_conf_service_find(const struct nw_conf *conf,
                                                   struct nw_slice name);

/* Do its nodes speak HTTP/2? */
static inline bool nw_conf_is_multiplexed(const struct nw_conf_service *service)
{
    return nw_conf_is_given(&service->multiplex.block) &&
           service->multiplex.protocol == NW_CONF_MULTIPLEX_H2;
}

/* Is the status one of them? */
bool nw_conf_statuses_have(const struct nw_conf_statuses *statuses, int status);
/* Lives beyond the generation: the caller frees `items`. */
struct nw_conf_statuses nw_conf_statuses_copy(const struct nw_conf_statuses *statuses);

/*
 * Adds an error located at `option` of the block (at the block itself when it is NULL or not in the
 * file), with the path "block.path.option". suggestion may be NULL. `file` is what was read.
 */
void nw_conf_block_blame(const char *file, const struct nw_conf_block *block, const char *option,
                         const char *suggestion, struct nw_diag *diag, const char *format, ...)
    NW_PRINTF(6, 7);
/* The same for newel.yaml. */
void nw_conf_blame(const struct nw_conf *conf, const struct nw_conf_block *block,
                   const char *option, const char *suggestion, struct nw_diag *diag,
                   const char *format, ...) NW_PRINTF(6, 7);
/* The same as a warning. */
void nw_conf_warn(const struct nw_conf *conf, const struct nw_conf_block *block, const char *option,
                  const char *suggestion, struct nw_diag *diag, const char *format, ...)
    NW_PRINTF(6, 7);

/*
 * Adds one error for each option that differs and that a reload cannot change (threads, state,
 * user, hardening, admin.address, a first service of root); NW_INVALID when there is one.
 */
NW_MUST_CHECK nw_err nw_conf_not_reloadable(const struct nw_conf *old, const struct nw_conf *next,
                                            struct nw_diag *diag);

#endif
