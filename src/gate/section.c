/*
 * The gate as a section of the configuration: a generation's routes and settings are built beside
 * the running ones, listeners are opened before anything is changed (a port that is taken refuses
 * the whole reload), and peer sets carry their nodes over by identity.
 */
#include "gate/gate.h"

#include "base/assert.h"
#include "gate/account.h"
#include "gate/door.h"
#include "gate/probe.h"
#include "gate/section.h"
#include "gate/tls.h"
#include "gate/upstream.h"
#include "io/clock.h"
#include "io/dns.h"
#include "io/fiber.h"
#include "io/sync.h"
#include "io/system.h"
#include "io/worker.h"

enum { MEMBERS_MAX = 256 };

/* ---- build and drop: pure ---- */

/* The configured number, or share of the descriptor limit. */
static uint64_t connections_max(const struct nw_conf_share *share)
{
    if (share->ratio == 0)
        return (uint64_t)share->value;
    return (uint64_t)(share->ratio * (double)nw_system_files_max());
}

static void build_settings(struct gate_part *part, const struct nw_conf *conf)
{
    struct gate_settings *s = &part->settings;
    s->head_limits = NW_HTTP1_LIMITS_DEFAULT;
    s->head_limits.head_bytes = (uint32_t)conf->limits.head_bytes;
    s->connections_max = connections_max(&conf->limits.connections);
    s->connections_per_client_max = (uint64_t)conf->limits.connections_per_client;
    s->head_time_ms = (uint32_t)conf->limits.head_time_ms;
    s->idle_ms = (uint32_t)conf->limits.idle_ms;
    s->requests_per_connection_max = (uint64_t)conf->limits.requests_per_connection;
    s->ahead_bytes = (size_t)conf->buffer.response_bytes;
    s->spool_max_bytes = (uint64_t)conf->buffer.spool_bytes;
    s->trusted = conf->trusted_proxies.count > 0 ? conf->trusted_proxies.ranges : NULL;
    s->access = nw_conf_is_given(&conf->log.access.block) ? &conf->log.access : NULL;
}

static nw_err build(void *self, struct nw_generation *generation, struct nw_diag *diag,
                    void **out_part)
{
    const struct nw_conf *conf = generation->conf;
    struct gate_part *part = nw_arena_zero(&generation->arena, sizeof *part);
    part->gate = self;
    part->generation = generation;
    build_settings(part, conf);
    part->routes =
        nw_arena_zero(&generation->arena, (conf->routes.count + 1) * sizeof *part->routes);
    part->services =
        nw_arena_zero(&generation->arena, (conf->services.count + 1) * sizeof *part->services);
    NW_TRY(nw_route_compile(conf, &generation->arena, false, diag, &part->table));
    *out_part = part; /* from here on it is dropped, whatever fails */
    return gate_tls_build(part->gate, conf, &generation->arena, &part->tls, diag);
}

static void drop(void *self, void *opaque)
{
    struct gate_part *part = opaque;
    const struct nw_conf *conf = part->generation->conf;
    for (size_t i = 0; i < conf->routes.count; i++)
        gate_route_unref(part->routes[i]);
    for (size_t i = 0; i < conf->services.count; i++)
        gate_service_unref(part->services[i]);
    nw_route_table_done(part->table);
    gate_tls_drop(self, &part->tls);
}

/* ---- listeners ---- */

static struct gate_listener *listener_find(struct nw_gate *gate, struct nw_slice text)
{
    NW_LIST_EACH(node, &gate->listeners) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        if (nw_slice_eq(nw_slice_str(listener->text), text))
            return listener;
    }
    return NULL;
}

/* The smallest that no open listener has. */
static unsigned free_slot(struct nw_gate *gate)
{
    unsigned slot = 0;
    for (struct nw_list *node = gate->listeners.next; node != &gate->listeners;) {
        bool is_taken = NW_CONTAINER_OF(node, struct gate_listener, node)->slot == slot;
        slot += is_taken;
        node = is_taken ? gate->listeners.next : node->next;
    }
    return slot;
}

NW_YIELDS static nw_err listener_open(struct nw_gate *gate, const struct nw_conf *conf,
                                      const struct nw_conf_listen *listen, struct nw_diag *diag)
{
    struct gate_listener *made = nw_alloc_zero(sizeof *made);
    struct nw_listener_options options = {
        .inherited_fd = -1,
        .on_accept = gate_door_on_accept,
        .on_exhausted = gate_door_on_exhausted,
        .owner = made,
        .ask_open = gate->options.ask_open,
        .ask_arg = gate->options.ask_arg,
        .text = listen->address.text.ptr,
    };
    const struct nw_conf_address *address = &listen->address;
    nw_err err =
        nw_io_resolve_listen(address->text, address->host, address->port, &options.addr);
    if (err == NW_OK && gate->options.inherited_fd != NULL)
        options.inherited_fd =
            gate->options.inherited_fd(gate->options.inherited_arg, &options.addr);
    if (err == NW_OK)
        err = nw_listener_open(gate->runtime, &options, &made->listener);
    if (err != NW_OK) {
        nw_conf_blame(conf, &listen->block, NULL, NULL, diag, "%.*s %s",
                      NW_SLICE_ARG(address->text), nw_listener_trouble(err));
        nw_free(made);
        return err;
    }
    made->gate = gate;
    atomic_init(&made->h2_streams, (uint32_t)listen->h2.streams);
    made->slot = free_slot(gate);
    made->text = nw_alloc_string(listen->address.text);
    made->open = nw_metric_open(gate->metrics, NW_METRIC_connections_open, made->text);
    made->accepted =
        nw_metric_open(gate->metrics, NW_METRIC_connections_accepted_total, made->text);
    nw_list_push_back(&gate->listeners, &made->node);
    return NW_OK;
}

void gate_listener_drop(struct gate_listener *listener)
{
    struct nw_gate *gate = listener->gate;
    nw_list_remove(&listener->node);
    nw_listener_close(listener->listener);
    nw_generation_unref(listener->last_generation);
    listener->last_generation = NULL;
    listener->last_listen = NULL;
    /* Connections that it accepted still name it: it rests until they are gone. */
    nw_list_push_back(&gate->old_listeners, &listener->node);
}

void gate_listeners_reap(struct nw_gate *gate)
{
    for (struct nw_list *node = gate->old_listeners.next; node != &gate->old_listeners;) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        node = node->next;
        if (atomic_load_explicit(&listener->conn_count, memory_order_acquire) != 0)
            continue;
        nw_list_remove(&listener->node);
        nw_metric_close(gate->metrics, listener->open);
        nw_metric_close(gate->metrics, listener->accepted);
        gate_offer_unref(atomic_load(&listener->offer));
        nw_free(listener->text);
        nw_free(listener);
    }
}

/* Those that no generation has adopted. */
NW_YIELDS static void drop_unadopted(struct nw_gate *gate)
{
    for (struct nw_list *node = gate->listeners.next; node != &gate->listeners;) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        node = node->next;
        if (!listener->is_kept)
            gate_listener_drop(listener);
    }
}

NW_YIELDS static nw_err admit(void *self, const struct nw_generation *old,
                              const struct nw_generation *next, struct nw_diag *diag)
{
    struct nw_gate *gate = self;
    nw_err result = NW_OK;
    gate_listeners_reap(gate);
    drop_unadopted(gate);
    for (size_t i = 0; i < next->conf->listen.count; i++) {
        const struct nw_conf_listen *listen = &next->conf->listen.items[i];
        if (listener_find(gate, listen->address.text) != NULL)
            continue;
        nw_err err = listener_open(gate, next->conf, listen, diag);
        if (err != NW_OK)
            result = err;
    }
    if (result != NW_OK)
        drop_unadopted(gate);
    return result;
}

/* ---- services ---- */

static unsigned node_specs(struct nw_gate *gate, const struct nw_conf_service *conf,
                           struct nw_peer_node_spec *out)
{
    if (conf->run.count > 0)
        return gate->options.members == NULL
                   ? 0
                   : gate->options.members(gate->options.members_arg, conf->name, out, MEMBERS_MAX);
    for (size_t i = 0; i < conf->nodes.count; i++) {
        const struct nw_conf_node *node = &conf->nodes.items[i];
        int64_t max = node->max_connections > 0 ? node->max_connections : conf->max_connections;
        out[i] = (struct nw_peer_node_spec){node->address.text.ptr, (unsigned)node->weight,
                                            (unsigned)max};
    }
    return (unsigned)conf->nodes.count;
}

static struct nw_peer_node_spec *specs_new(const struct nw_conf_service *conf)
{
    size_t max = conf->nodes.count > MEMBERS_MAX ? conf->nodes.count : MEMBERS_MAX;
    return nw_alloc_array(max, sizeof(struct nw_peer_node_spec));
}

NW_YIELDS static void adopt_service(struct nw_gate *gate, const struct nw_conf_service *conf,
                                    struct nw_tls_client *tls, struct nw_gate_service **out)
{
    struct nw_gate_service *service = gate_service_new(gate, conf);
    if (tls != NULL)
        atomic_init(&service->tls, nw_tls_client_ref(tls));
    struct nw_peer_node_spec *specs = specs_new(conf);
    struct nw_peer_set_spec spec = {
        .name = service->name,
        .driver = service->is_h2 ? &gate_h2_driver : &gate_http_driver,
        .driver_arg = service,
        .settings_key = tls != NULL ? nw_tls_client_key(tls) : 0,
        .balance = (nw_peer_balance)conf->balance,
        .nodes = specs,
        .node_count = node_specs(gate, conf, specs),
        .waiting_max = (unsigned)conf->waiting,
        .wait_ms = (uint32_t)conf->wait_ms,
        .connect_timeout_ms = (uint32_t)conf->timeouts.connect_ms,
        .idle_ms = service->idle_ms,
        .slow_start_ms = (uint32_t)conf->slow_start_ms,
        .streams_max = (unsigned)conf->multiplex.streams,
        .connections_max = (unsigned)conf->multiplex.connections,
        .has_health = conf->health.path.len > 0 || service->has_grpc_check,
        .health_check =
            service->has_grpc_check ? service->grpc_check : service->health_path,
        .health_every_ms = (uint32_t)conf->health.every_ms,
        .health_timeout_ms = (uint32_t)conf->health.timeout_ms,
        .health_fall = (unsigned)conf->health.fall,
        .health_rise = (unsigned)conf->health.rise,
    };
    nw_err err = nw_peer_set_new(gate->options.registry, &spec, &service->set);
    NW_ASSERT(err == NW_OK);
    nw_free(specs);
    *out = service;
}

static const struct nw_conf_listen *listen_find(const struct nw_conf *conf, const char *text)
{
    for (size_t i = 0; i < conf->listen.count; i++)
        if (nw_slice_eq(nw_slice_str(text), conf->listen.items[i].address.text))
            return &conf->listen.items[i];
    return NULL;
}

static bool asks_who(const struct nw_conf_listen *listen)
{
    return listen->allow.ranges != NULL || listen->deny.ranges != NULL ||
           listen->proxy_protocol.count > 0;
}

/* What is queued at a listener that is named no more is still asked what it was asked before. */
static void keep_last(struct nw_gate *gate, struct gate_listener *listener)
{
    if (gate->part == NULL || gate->part->listens[listener->slot] == NULL)
        return;
    listener->last_listen = gate->part->listens[listener->slot];
    listener->last_generation = nw_generation_ref(gate->part->generation);
}

static void adopt_listeners(struct nw_gate *gate, struct nw_generation *next,
                            struct gate_part *part)
{
    unsigned slots = 0;
    NW_LIST_EACH(node, &gate->listeners) {
        unsigned slot = NW_CONTAINER_OF(node, struct gate_listener, node)->slot;
        slots = slot >= slots ? slot + 1 : slots;
    }
    part->listens = nw_arena_zero(&next->arena, slots * sizeof *part->listens);
    NW_LIST_EACH(node, &gate->listeners) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        const struct nw_conf_listen *listen = listen_find(next->conf, listener->text);
        listener->is_kept = listen != NULL;
        if (listen == NULL) {
            keep_last(gate, listener);
            continue;
        }
        atomic_store_explicit(&listener->redirects,
                              listen->redirect == NW_CONF_LISTEN_REDIRECT_HTTPS,
                              memory_order_relaxed);
        atomic_store_explicit(&listener->h2_streams, (uint32_t)listen->h2.streams,
                              memory_order_relaxed);
        if (asks_who(listen))
            part->listens[listener->slot] = listen;
    }
}

NW_YIELDS static void adopt(void *self, const struct nw_generation *old, struct nw_generation *next)
{
    struct nw_gate *gate = self;
    struct gate_part *part = nw_generation_part(next, "gate");
    const struct nw_conf *conf = next->conf;
    for (size_t i = 0; i < conf->routes.count; i++)
        part->routes[i] = gate_route_get(gate, nw_route_label(&conf->routes.items[i]));
    for (size_t i = 0; i < conf->services.count; i++)
        adopt_service(gate, &conf->services.items[i], gate_tls_client(&part->tls, i),
                      &part->services[i]);
    adopt_listeners(gate, next, part);
    gate_tls_adopt(gate, &part->tls);
    uint64_t spool_bytes = part->settings.spool_max_bytes;
    nw_memory_set_max_bytes(gate->runtime, NW_MEMORY_SPOOL, spool_bytes > 0 ? spool_bytes : 1);
    gate->part = part;
}

NW_YIELDS static void start(void *self, struct nw_generation *next)
{
    struct nw_gate *gate = self;
    struct gate_part *part = nw_generation_part(next, "gate");
    for (size_t i = 0; i < next->conf->services.count; i++)
        nw_peer_set_start(part->services[i]->set);
    gate_tls_start(gate);
    NW_LIST_EACH(node, &gate->listeners) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        if (listener->is_kept && !listener->is_started) {
            listener->is_started = true;
            nw_listener_start(listener->listener);
        }
    }
}

/* Probes name the old generation's services: they end before those can go. */
NW_YIELDS static void stop_probes(struct nw_generation *old)
{
    struct gate_part *part = nw_generation_part(old, "gate");
    for (size_t i = 0; i < old->conf->services.count; i++)
        nw_peer_set_stop(part->services[i]->set);
}

NW_YIELDS static void drain(void *self, struct nw_generation *old)
{
    stop_probes(old);
    drop_unadopted(self);
}

NW_YIELDS static void stop(void *self)
{
    struct nw_gate *gate = self;
    if (gate->part != NULL)
        stop_probes(gate->part->generation);
    nw_gate_stop(gate);
}

static bool is_ready(void *self, struct nw_text *why)
{
    struct nw_gate *gate = self;
    if (gate->part == NULL)
        return false;
    const struct nw_conf_services *services = &gate->part->generation->conf->services;
    for (size_t i = 0; i < services->count; i++)
        if (!nw_peer_set_is_usable(gate->part->services[i]->set)) {
            nw_text_addf(why, "a usable node of service %s", services->items[i].name.ptr);
            return false;
        }
    return true;
}

static void check(void *self, const struct nw_conf *conf, struct nw_diag *diag)
{
    struct nw_gate *gate = self;
    nw_gate_check_tls(gate->options.files, (int64_t)(nw_runtime_wall_ms(gate->runtime) / 1000),
                      conf, diag);
}

struct nw_section nw_gate_section(struct nw_gate *gate)
{
    return (struct nw_section){
        .name = "gate",
        .self = gate,
        .check = check,
        .build = build,
        .drop = drop,
        .admit = admit,
        .adopt = adopt,
        .start = start,
        .drain = drain,
        .stop = stop,
        .is_ready = is_ready,
        .status = gate_status,
    };
}

void nw_gate_members_changed(struct nw_gate *gate, struct nw_slice name)
{
    if (gate->part == NULL)
        return;
    const struct nw_conf_service *conf =
        nw_conf_service_find(gate->part->generation->conf, name);
    if (conf == NULL || conf->run.count == 0)
        return;
    struct nw_gate_service *service = gate->part->services[conf->index];
    gate_service_ref(service); /* the change yields: a reload may come between */
    struct nw_peer_node_spec *specs = specs_new(conf);
    unsigned count = node_specs(gate, conf, specs);
    nw_err err = nw_peer_set_change(service->set, specs, count);
    NW_ASSERT(err == NW_OK);
    nw_free(specs);
    gate_service_unref(service);
}
