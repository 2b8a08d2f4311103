/*
 * Everything about admin happens on worker 0: its load is a scrape every few seconds. The listener
 * is opened by admit, so that a port that is taken refuses the start with one clear sentence; its
 * address cannot be reloaded, its token and hosts can.
 */
#include "admin/admin.h"

#include <stdio.h>
#include <string.h>

#include "admin/admin_impl.h"
#include "conf/generation.h"
#include "io/dns.h"
#include "io/peer_user.h"
#include "io/worker.h"

/* ---- connections ---- */

/* The turn's events may still name the stream: it rests until the turn ends. */
static void conn_free(struct nw_turn_node *node)
{
    nw_free(NW_CONTAINER_OF(node, struct admin_conn, rest));
}

static void conn_free_later(struct admin_conn *conn)
{
    nw_list_init(&conn->rest.node);
    conn->rest.run = conn_free;
    nw_loop_at_rest(nw_worker_self(), &conn->rest);
}

NW_YIELDS static void conn_fiber(void *arg)
{
    struct admin_conn *conn = arg;
    if (conn->is_control)
        admin_serve_control(conn);
    else
        admin_serve_http(conn);
    if (!conn->is_control && nw_grace(1000))
        nw_stream_linger_close(&conn->stream);
    nw_stream_close(&conn->stream);
    nw_list_remove(&conn->node);
    conn->admin->conn_counts[conn->is_control]--;
    conn_free_later(conn);
}

static void on_accept(struct nw_admin *admin, struct nw_accepted *accepted, bool is_control)
{
    if (admin->conn_counts[is_control] >= ADMIN_CONNS_MAX || !admin->has_scope) {
        nw_accepted_close(accepted);
        return;
    }
    struct admin_conn *conn = nw_alloc_zero(sizeof *conn);
    conn->admin = admin;
    conn->is_control = is_control;
    if (is_control)
        nw_peer_user_name(accepted->fd, admin->user, conn->caller, sizeof conn->caller);
    nw_stream_init_accepted(&conn->stream, accepted);
    nw_list_push_back(&admin->conns, &conn->node);
    admin->conn_counts[is_control]++;
    if (nw_scope_spawn_vital(&admin->scope, "admin.conn", conn_fiber, conn, NULL) == NW_OK)
        return;
    nw_stream_close(&conn->stream);
    nw_list_remove(&conn->node);
    admin->conn_counts[is_control]--;
    conn_free_later(conn);
}

static void on_accept_http(void *owner, struct nw_accepted *accepted)
{
    on_accept(owner, accepted, false);
}

static void on_accept_control(void *owner, struct nw_accepted *accepted)
{
    on_accept(owner, accepted, true);
}

/* ---- the section ---- */

static bool is_loopback_conf(const struct nw_conf_address *address)
{
    struct nw_addr addr;
    if (address->kind == NW_CONF_ADDRESS_UNIX ||
        nw_slice_eq(address->host, NW_SLICE("localhost")))
        return true;
    return nw_addr_parse(address->text, &addr) == NW_OK && nw_addr_is_loopback(&addr);
}

NW_YIELDS static nw_err open_http(struct nw_admin *admin, const struct nw_conf *conf,
                                  struct nw_diag *diag)
{
    const struct nw_conf_address *address = &conf->admin.address;
    struct nw_listener_options options = {.inherited_fd = -1,
                                          .only_worker_0 = true,
                                          .on_accept = on_accept_http,
                                          .owner = admin,
                                          .ask_open = admin->options.ask_open,
                                          .ask_arg = admin->options.ask_arg,
                                          .text = address->text.ptr};
    nw_err err =
        nw_io_resolve_listen(address->text, address->host, address->port, &options.addr);
    if (err == NW_OK)
        err = nw_listener_open(admin->options.runtime, &options, &admin->http);
    if (err != NW_OK)
        nw_conf_blame(conf, &conf->admin.block, "address", NULL, diag, "the admin address %.*s %s",
                      NW_SLICE_ARG(address->text), nw_listener_trouble(err));
    return err;
}

NW_YIELDS static nw_err open_control(struct nw_admin *admin, struct nw_diag *diag)
{
    char path[4096];
    struct nw_listener_options options = {.inherited_fd = -1,
                                          .mode = 0600,
                                          .only_worker_0 = true,
                                          .on_accept = on_accept_control,
                                          .owner = admin};
    options.addr.kind = NW_ADDR_UNIX;
    snprintf(path, sizeof path, "%s/control.sock", admin->state_dir);
    if (strlen(path) >= sizeof options.addr.path) {
        nw_diag_error(diag, "the path of the control socket is too long: %s", path);
        return NW_INVALID;
    }
    memcpy(options.addr.path, path, strlen(path) + 1);
    nw_err err = nw_listener_open(admin->options.runtime, &options, &admin->control);
    if (err != NW_OK)
        nw_diag_error(diag, "the control socket %s cannot be opened: %s", path, nw_err_text(err));
    return err;
}

NW_YIELDS static nw_err admit(void *self, const struct nw_generation *old,
                              const struct nw_generation *next, struct nw_diag *diag)
{
    struct nw_admin *admin = self;
    nw_err http = NW_OK, control = NW_OK;
    if (admin->http == NULL && next->conf->admin.address.kind != NW_CONF_ADDRESS_NONE)
        http = open_http(admin, next->conf, diag);
    if (admin->control == NULL && admin->state_dir != NULL)
        control = open_control(admin, diag);
    return http != NW_OK ? http : control;
}

static void free_settings(struct nw_admin *admin)
{
    nw_secret_free(admin->token);
    for (size_t i = 0; i < admin->host_count; i++)
        nw_free(admin->hosts[i]);
    nw_free(admin->hosts);
    admin->token = NULL;
    admin->hosts = NULL;
    admin->host_count = 0;
}

static void adopt(void *self, const struct nw_generation *old, struct nw_generation *next)
{
    struct nw_admin *admin = self;
    const struct nw_conf_admin *conf = &next->conf->admin;
    free_settings(admin);
    admin->token = conf->token != NULL ? nw_secret_new(nw_secret_bytes(conf->token)) : NULL;
    admin->hosts = nw_alloc_array(conf->hosts.count + 1, sizeof *admin->hosts);
    admin->host_count = conf->hosts.count;
    for (size_t i = 0; i < conf->hosts.count; i++)
        admin->hosts[i] = nw_alloc_string(conf->hosts.items[i].name);
    admin->is_loopback = is_loopback_conf(&conf->address);
}

NW_YIELDS static void start(void *self, struct nw_generation *next)
{
    struct nw_admin *admin = self;
    if (!admin->has_scope)
        nw_scope_open(&admin->scope);
    admin->has_scope = true;
    if (admin->http != NULL && !admin->is_http_started)
        nw_listener_start(admin->http);
    admin->is_http_started = admin->http != NULL;
    if (admin->control != NULL && !admin->is_control_started)
        nw_listener_start(admin->control);
    admin->is_control_started = admin->control != NULL;
}

NW_YIELDS static void stop(void *self)
{
    struct nw_admin *admin = self;
    if (admin->http != NULL)
        nw_listener_close(admin->http);
    if (admin->control != NULL)
        nw_listener_close(admin->control);
    admin->http = admin->control = NULL;
    if (admin->has_scope)
        nw_scope_close(&admin->scope);
    admin->has_scope = false;
}

/* ---- the object ---- */

nw_err nw_admin_new(const struct nw_admin_options *options, struct nw_admin **out)
{
    struct nw_admin *admin = nw_alloc_zero(sizeof *admin);
    admin->options = *options;
    admin->metrics = nw_runtime_metrics(options->runtime);
    nw_list_init(&admin->conns);
    if (options->state_dir != NULL)
        admin->state_dir = nw_alloc_string(nw_slice_str(options->state_dir));
    if (options->user != NULL)
        admin->user = nw_alloc_string(nw_slice_str(options->user));
    *out = admin;
    return NW_OK;
}

void nw_admin_free(struct nw_admin *admin)
{
    if (admin == NULL)
        return;
    free_settings(admin);
    nw_free(admin->state_dir);
    nw_free(admin->user);
    nw_free(admin);
}

struct nw_section nw_admin_section(struct nw_admin *admin)
{
    return (struct nw_section){
        .name = "admin",
        .self = admin,
        .admit = admit,
        .adopt = adopt,
        .start = start,
        .stop = stop,
    };
}

const struct nw_addr *nw_admin_addr(const struct nw_admin *admin)
{
    return admin->http != NULL ? nw_listener_addr(admin->http) : NULL;
}
