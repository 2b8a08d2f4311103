/*
 * admin_impl.h - shared by the files of admin.
 *
 * Owner:   struct nw_admin is cmd's; connections are their fibers'
 * Threads: worker 0
 */
#ifndef NW_ADMIN_ADMIN_IMPL_H
#define NW_ADMIN_ADMIN_IMPL_H

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/secret.h"
#include "io/fiber.h"
#include "io/listen.h"
#include "io/turn.h"

enum { ADMIN_CONNS_MAX = 64 };

struct nw_admin {
    struct nw_admin_options options;
    struct nw_metrics *metrics;
    char *state_dir;
    char *user; /* NULL: unknown */
    struct nw_listener *http;
    struct nw_listener *control;
    struct nw_scope scope; /* all connections; opened by start */
    bool has_scope;
    bool is_http_started;
    bool is_control_started;
    struct nw_list conns;
    unsigned conn_counts[2]; /* of the listener, of the socket */
    /* Of the generation in force, copied. */
    struct nw_secret *token; /* NULL: none */
    char **hosts;
    size_t host_count;
    bool is_loopback;
};

struct admin_conn {
    struct nw_list node;
    struct nw_admin *admin;
    struct nw_stream stream;
    struct nw_turn_node rest;
    char caller[64];
    bool is_control; /* lines instead of HTTP */
};

/* Serves one connection of the HTTP listener, of the control socket. */
NW_YIELDS void admin_serve_http(struct admin_conn *conn);
NW_YIELDS void admin_serve_control(struct admin_conn *conn);

/*
 * Runs the verb that `request` names and writes its lines: on the socket as they come; for HTTP the
 * last one is left in `last` (with "done") and the status in *out_status.
 */
NW_YIELDS void admin_call(struct admin_conn *conn, const char *verb, const json_t *args,
                          bool is_socket, struct nw_text *last, int *out_status);

/*
 * Parses and frees on the thread's own stack: jansson goes down a level for each bracket, and
 * whoever asks chooses how many there are. NULL: not JSON.
 */
json_t *admin_json_parse(struct nw_slice text);
void admin_json_free(json_t *value);

/* Does Host name this machine's loopback or a listed name? Against DNS rebinding. */
bool admin_host_is_allowed(const struct nw_admin *admin, struct nw_slice host);
/* In constant time. */
bool admin_token_is_right(const struct nw_admin *admin, struct nw_slice authorization);

#endif
