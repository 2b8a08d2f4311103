/*
 * Labels outlive generations: a route object is keyed by its label, so that a reload neither resets
 * a counter nor keeps an old configuration alive because somebody still downloads.
 */
#include "gate/account.h"

#include "io/tls.h"

#include "base/assert.h"
#include "conf/option.h"
#include "gate/access.h"
#include "io/clock.h"
#include "io/worker.h"

const char *const gate_class_names[GATE_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

/* ---- routes ---- */

static void open_route_series(struct nw_gate_route *route, struct nw_metrics *metrics)
{
    const char *label = route->label;
    for (int i = 0; i < GATE_CLASSES; i++)
        route->requests[i] =
            nw_metric_open(metrics, NW_METRIC_requests_total, label, gate_class_names[i]);
    route->duration = nw_metric_open(metrics, NW_METRIC_request_duration_seconds, label);
    route->request_bytes = nw_metric_open(metrics, NW_METRIC_request_bytes_total, label);
    route->response_bytes = nw_metric_open(metrics, NW_METRIC_response_bytes_total, label);
    route->client_gone = nw_metric_open(metrics, NW_METRIC_client_gone_total, label);
}

struct nw_gate_route *gate_route_get(struct nw_gate *gate, struct nw_slice label)
{
    pthread_mutex_lock(&gate->lock);
    struct nw_gate_route *route = nw_map_get(&gate->routes, label);
    if (route != NULL) {
        gate_route_ref(route);
    } else {
        route = nw_alloc_zero(sizeof *route);
        route->gate = gate;
        route->label = nw_alloc_string(label);
        atomic_init(&route->refs, 1);
        open_route_series(route, gate->metrics);
        nw_map_put(&gate->routes, nw_slice_str(route->label), route);
    }
    pthread_mutex_unlock(&gate->lock);
    return route;
}

void gate_route_ref(struct nw_gate_route *route)
{
    if (route != NULL)
        atomic_fetch_add_explicit(&route->refs, 1, memory_order_relaxed);
}

void gate_route_unref(struct nw_gate_route *route)
{
    if (route == NULL)
        return;
    struct nw_gate *gate = route->gate;
    pthread_mutex_lock(&gate->lock); /* a look-up must not find what is about to go */
    bool is_last = atomic_fetch_sub(&route->refs, 1) == 1;
    if (is_last)
        nw_map_remove(&gate->routes, nw_slice_str(route->label));
    pthread_mutex_unlock(&gate->lock);
    if (!is_last)
        return;
    for (int i = 0; i < GATE_CLASSES; i++)
        nw_metric_close(gate->metrics, route->requests[i]);
    nw_metric_close(gate->metrics, route->duration);
    nw_metric_close(gate->metrics, route->request_bytes);
    nw_metric_close(gate->metrics, route->response_bytes);
    nw_metric_close(gate->metrics, route->client_gone);
    nw_free(route->label);
    nw_free(route);
}

/* ---- services ---- */

struct nw_gate_service *gate_service_new(struct nw_gate *gate, const struct nw_conf_service *conf)
{
    struct nw_gate_service *service = nw_alloc_zero(sizeof *service);
    atomic_init(&service->refs, 1);
    service->gate = gate;
    service->name = nw_alloc_string(conf->name);
    service->first_byte_ms = (uint32_t)conf->timeouts.first_byte_ms;
    service->idle_ms = (uint32_t)conf->timeouts.idle_ms;
    service->key = conf->key;
    service->key.name = nw_slice_str(nw_alloc_string(conf->key.name));
    service->host = conf->host;
    service->host.text = nw_slice_str(nw_alloc_string(conf->host.text));
    service->health_path = nw_alloc_string(conf->health.path);
    service->is_h2 = nw_conf_is_multiplexed(conf);
    service->streams_max = (uint32_t)conf->multiplex.streams;
    service->has_grpc_check = NW_CONF_HAS(&conf->health, health, grpc);
    struct nw_text check = {0};
    nw_text_addf(&check, "grpc:%.*s", NW_SLICE_ARG(conf->health.grpc));
    service->grpc_check = nw_alloc_string(nw_slice_of(check.ptr, check.len));
    nw_text_done(&check);
    service->expect = nw_conf_statuses_copy(&conf->health.expect);
    for (int i = 0; i < GATE_CLASSES; i++)
        service->requests[i] = nw_metric_open(gate->metrics, NW_METRIC_service_requests_total,
                                              service->name, gate_class_names[i]);
    service->duration =
        nw_metric_open(gate->metrics, NW_METRIC_service_duration_seconds, service->name);
    service->moved =
        nw_metric_open(gate->metrics, NW_METRIC_service_retries_total, service->name, "unsent");
    service->retried =
        nw_metric_open(gate->metrics, NW_METRIC_service_retries_total, service->name, "safe");
    service->window_blocked =
        nw_metric_open(gate->metrics, NW_METRIC_peer_window_blocked_total, service->name);
    return service;
}

void gate_service_ref(struct nw_gate_service *service)
{
    if (service != NULL)
        atomic_fetch_add_explicit(&service->refs, 1, memory_order_relaxed);
}

void gate_service_unref(struct nw_gate_service *service)
{
    if (service == NULL || atomic_fetch_sub(&service->refs, 1) != 1)
        return;
    if (service->set != NULL)
        nw_peer_set_unref(service->set);
    for (int i = 0; i < GATE_CLASSES; i++)
        nw_metric_close(service->gate->metrics, service->requests[i]);
    nw_metric_close(service->gate->metrics, service->duration);
    nw_tls_client_unref(atomic_load(&service->tls));
    nw_metric_close(service->gate->metrics, service->moved);
    nw_metric_close(service->gate->metrics, service->retried);
    nw_metric_close(service->gate->metrics, service->window_blocked);
    nw_free((void *)service->key.name.ptr);
    nw_free((void *)service->host.text.ptr);
    nw_free(service->health_path);
    nw_free(service->grpc_check);
    nw_free(service->expect.items);
    nw_free(service->name);
    nw_free(service);
}

/* ---- one exchange ---- */

void gate_account(struct gate_request *r)
{
    struct nw_exchange *x = &r->exchange;
    const struct nw_http_outcome *outcome = &x->outcome;
    unsigned w = r->worker->index;
    int class = outcome->status / 100;
    NW_ASSERT(class >= 0 && class < GATE_CLASSES);
    uint64_t duration_us = nw_now_us() - outcome->started_us;
    const struct nw_gate_route *route = x->route != NULL ? x->route : r->worker->gate->no_route;
    nw_metric_add(route->requests[class], w, 1);
    nw_metric_record_us(route->duration, w, duration_us);
    if (outcome->request_body_bytes > 0)
        nw_metric_add(route->request_bytes, w, (int64_t)outcome->request_body_bytes);
    if (outcome->response_body_bytes > 0)
        nw_metric_add(route->response_bytes, w, (int64_t)outcome->response_body_bytes);
    if (outcome->ended_by == NW_HTTP_ENDED_BY_CLIENT)
        nw_metric_add(route->client_gone, w, 1);
    if (x->service != NULL) {
        nw_metric_add(x->service->requests[class], w, 1);
        nw_metric_record_us(x->service->duration, w, duration_us);
    }
    if (r->worker->settings.access != NULL)
        gate_access_log(r, r->worker->settings.access, duration_us);
}
