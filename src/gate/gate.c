/*
 * The gate's own life: one object for the daemon, one for each worker, and how a worker takes a new
 * generation: its old pin loses the one reference that kept it current, and goes when the last
 * exchange that decides on it lets go.
 */
#include "gate/gate.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/rng.h"
#include "gate/account.h"
#include "gate/denied.h"
#include "gate/door.h"
#include "gate/section.h"
#include "gate/tls.h"
#include "io/fiber.h"
#include "io/sync.h"
#include "io/turn.h"
#include "io/worker.h"

enum { CONNS_PER_WORKER_MAX = 1 << 20, DRAIN_POLL_MS = 10 };

/* ---- workers ---- */

static void end_turn(struct nw_turn_node *node)
{
    struct gate_worker *worker = NW_CONTAINER_OF(node, struct gate_worker, rest);
    nw_pool_end_turn(&worker->conn_pool);
}

static struct gate_worker *worker_new(struct nw_gate *gate, unsigned index)
{
    struct gate_worker *worker = nw_alloc_zero(sizeof *worker);
    worker->gate = gate;
    worker->worker = nw_runtime_worker(gate->runtime, index);
    worker->index = index;
    nw_list_init(&worker->pins);
    nw_list_init(&worker->idle_conns);
    nw_list_init(&worker->active_conns);
    nw_list_init(&worker->rest.node);
    worker->rest.run = end_turn;
    nw_pool_init(&worker->conn_pool, sizeof(struct gate_conn), CONNS_PER_WORKER_MAX);
    worker->in_flight = nw_metric_open(gate->metrics, NW_METRIC_requests_in_flight);
    worker->h2_connections = nw_metric_open(gate->metrics, NW_METRIC_h2_connections_open);
    worker->h2_streams = nw_metric_open(gate->metrics, NW_METRIC_h2_streams_open);
    nw_worker_set(worker->worker, NW_WORKER_SLOT_GATE, worker);
    return worker;
}

static void worker_free(struct gate_worker *worker)
{
    nw_metric_close(worker->gate->metrics, worker->in_flight);
    nw_metric_close(worker->gate->metrics, worker->h2_connections);
    nw_metric_close(worker->gate->metrics, worker->h2_streams);
    nw_pool_end_turn(&worker->conn_pool);
    nw_pool_done(&worker->conn_pool);
    nw_free(worker);
}

void nw_gate_take(struct nw_gate *gate, struct nw_generation *generation)
{
    struct gate_worker *worker = gate_worker_self();
    struct gate_pin *old = worker->current;
    struct gate_pin *pin = nw_alloc_zero(sizeof *pin);
    pin->generation = nw_generation_ref(generation);
    pin->part = nw_generation_part(generation, "gate");
    pin->refs = 1;
    nw_list_push_back(&worker->pins, &pin->node);
    atomic_fetch_add(&gate->pins, 1);
    worker->current = pin;
    worker->settings = pin->part->settings;
    if (old != NULL)
        gate_pin_give(worker, old);
}

/* ---- the gate ---- */

nw_err nw_gate_new(const struct nw_gate_options *options, struct nw_gate **out)
{
    struct nw_gate *gate = nw_alloc_zero(sizeof *gate);
    gate->options = *options;
    gate->runtime = options->runtime;
    gate->metrics = nw_runtime_metrics(options->runtime);
    if (options->spool_dir != NULL)
        gate->spool_dir = nw_alloc_string(nw_slice_str(options->spool_dir));
    nw_list_init(&gate->listeners);
    nw_list_init(&gate->old_listeners);
    pthread_mutex_init(&gate->lock, NULL);
    struct nw_rng *rng = nw_worker_rng(nw_runtime_worker(gate->runtime, 0));
    struct nw_hash_key key = {nw_rng_next(rng), nw_rng_next(rng)};
    nw_map_init(&gate->routes, key);
    nw_map_init(&gate->clients, key);
    for (unsigned i = 1; i < NW_HTTP1_CLASS_COUNT; i++)
        gate->refused[i] = nw_metric_open(gate->metrics, NW_METRIC_requests_refused_total,
                                          nw_http1_class_name((nw_http1_class)i));
    gate_denied_init(gate);
    gate->connections_refused =
        nw_metric_open(gate->metrics, NW_METRIC_connections_refused_total, "limit");
    gate->h2_streams_refused = nw_metric_open(gate->metrics, NW_METRIC_h2_streams_refused_total);
    for (unsigned i = 0; i < NW_HTTP2_GLITCH_COUNT; i++)
        gate->h2_glitches[i] = nw_metric_open(gate->metrics, NW_METRIC_h2_glitches_total,
                                              nw_http2_glitch_name((nw_http2_glitch)i));
    gate->descriptors_exhausted =
        nw_metric_open(gate->metrics, NW_METRIC_descriptors_exhausted_total);
    gate->no_route = gate_route_get(gate, NW_SLICE("none"));
    gate_tls_init(gate);
    for (unsigned i = 0; i < nw_runtime_worker_count(gate->runtime); i++)
        gate->workers[i] = worker_new(gate, i);
    *out = gate;
    return NW_OK;
}

void nw_gate_free(struct nw_gate *gate)
{
    if (gate == NULL)
        return;
    for (unsigned i = 0; i < nw_runtime_worker_count(gate->runtime); i++)
        worker_free(gate->workers[i]);
    gate_listeners_reap(gate);
    NW_ASSERT(nw_list_is_empty(&gate->old_listeners));
    gate_tls_done(gate);
    gate_route_unref(gate->no_route);
    for (unsigned i = 1; i < NW_HTTP1_CLASS_COUNT; i++)
        nw_metric_close(gate->metrics, gate->refused[i]);
    gate_denied_done(gate);
    nw_metric_close(gate->metrics, gate->connections_refused);
    nw_metric_close(gate->metrics, gate->h2_streams_refused);
    for (unsigned i = 0; i < NW_HTTP2_GLITCH_COUNT; i++)
        nw_metric_close(gate->metrics, gate->h2_glitches[i]);
    nw_metric_close(gate->metrics, gate->descriptors_exhausted);
    nw_map_done(&gate->routes);
    nw_map_done(&gate->clients);
    pthread_mutex_destroy(&gate->lock);
    nw_free(gate->spool_dir);
    nw_free(gate);
}

/* ---- the end ---- */

static void drain_worker(void *arg)
{
    struct gate_worker *worker = gate_worker_self();
    worker->is_draining = true;
    gate_door_drain(worker);
}

void nw_gate_drain(struct nw_gate *gate)
{
    /* Closing yields, and a second end may come meanwhile: no place in the list is kept. */
    while (!nw_list_is_empty(&gate->listeners))
        gate_listener_drop(NW_CONTAINER_OF(gate->listeners.next, struct gate_listener, node));
    nw_on_every_worker(drain_worker, NULL);
}

struct busy_count {
    _Atomic unsigned count;
};

static void count_busy(void *arg)
{
    struct busy_count *busy = arg;
    struct gate_worker *worker = gate_worker_self();
    NW_LIST_EACH(node, &worker->active_conns)
        atomic_fetch_add(&busy->count, 1);
}

nw_err nw_gate_wait_idle(struct nw_gate *gate)
{
    for (;;) {
        struct busy_count busy = {0};
        nw_on_every_worker(count_busy, &busy);
        if (busy.count == 0)
            return NW_OK;
        NW_TRY(nw_sleep(DRAIN_POLL_MS));
    }
}

static void cancel_worker(void *arg)
{
    struct gate_worker *worker = gate_worker_self();
    worker->is_draining = true;
    gate_door_drain(worker);
    gate_door_cancel(worker);
}

static void release_worker(void *arg)
{
    struct gate_worker *worker = gate_worker_self();
    struct gate_pin *pin = worker->current;
    worker->current = NULL;
    if (pin != NULL)
        gate_pin_give(worker, pin);
}

void nw_gate_stop(struct nw_gate *gate)
{
    gate_tls_stop(gate);
    nw_gate_drain(gate);
    nw_on_every_worker(cancel_worker, gate);
    NW_WITHIN(rest, 10000);
    nw_err err = nw_gate_wait_idle(gate);
    (void)err; /* the runtime cancels what is left */
    gate->part = NULL;
    nw_on_every_worker(release_worker, gate);
}

unsigned nw_gate_generations_alive(struct nw_gate *gate)
{
    return atomic_load(&gate->pins);
}

static struct gate_listener *listener_at(struct nw_gate *gate, unsigned index)
{
    NW_LIST_EACH(node, &gate->listeners) {
        if (index-- == 0)
            return NW_CONTAINER_OF(node, struct gate_listener, node);
    }
    return NULL;
}

const struct nw_addr *nw_gate_listener_addr(struct nw_gate *gate, unsigned index)
{
    struct gate_listener *listener = listener_at(gate, index);
    return listener != NULL ? nw_listener_addr(listener->listener) : NULL;
}

bool nw_gate_listener_is_secure(struct nw_gate *gate, unsigned index)
{
    struct gate_listener *listener = listener_at(gate, index);
    return listener != NULL && atomic_load(&listener->offer) != NULL;
}
