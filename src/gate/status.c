/*
 * What `newel status` and /status say about the door: listeners, services with their nodes, routes.
 */
#include "base/histogram.h"
#include "gate/gate.h"
#include "gate/section.h"

static void add_latency(struct nw_text *out, struct nw_metrics *metrics,
                        struct nw_metric_series *series)
{
    struct nw_histogram *all = nw_metric_merge(metrics, series);
    nw_text_addf(out, "{\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f}",
                 (double)nw_histogram_percentile(all, 50) / 1000,
                 (double)nw_histogram_percentile(all, 90) / 1000,
                 (double)nw_histogram_percentile(all, 99) / 1000);
    nw_histogram_free(all);
}

static void add_classes(struct nw_text *out, struct nw_metrics *metrics,
                        struct nw_metric_series *const *requests)
{
    nw_text_add_char(out, '{');
    for (int i = 0; i < GATE_CLASSES; i++)
        nw_text_addf(out, "%s\"%s\":%.0f", i > 0 ? "," : "", gate_class_names[i],
                     nw_metric_read(metrics, requests[i]));
    nw_text_add_char(out, '}');
}

static void add_listeners(struct nw_text *out, struct nw_gate *gate)
{
    bool is_first = true;
    NW_LIST_EACH(node, &gate->listeners) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        char bound[NW_ADDR_TEXT_MAX_BYTES];
        nw_text_addf(out, "%s{\"address\":", is_first ? "" : ",");
        nw_text_add_json_string(out, nw_slice_str(listener->text));
        nw_text_add_str(out, ",\"bound\":");
        nw_addr_print(nw_listener_addr(listener->listener), bound);
        nw_text_add_json_string(out, nw_slice_str(bound));
        nw_text_addf(out, ",\"secure\":%s",
                     atomic_load(&listener->offer) != NULL ? "true" : "false");
        nw_text_addf(out, ",\"connections\":%.0f,\"accepted\":%.0f}",
                     nw_metric_read(gate->metrics, listener->open),
                     nw_metric_read(gate->metrics, listener->accepted));
        is_first = false;
    }
}

static void add_services(struct nw_text *out, struct nw_gate *gate)
{
    const struct nw_conf *conf = gate->part->generation->conf;
    for (size_t i = 0; i < conf->services.count; i++) {
        struct nw_gate_service *service = gate->part->services[i];
        nw_text_add_str(out, i > 0 ? "," : "");
        nw_text_add_json_string(out, nw_slice_str(service->name));
        nw_text_add_str(out, ":{\"requests\":");
        add_classes(out, gate->metrics, service->requests);
        nw_text_add_str(out, ",\"latency\":");
        add_latency(out, gate->metrics, service->duration);
        if (nw_conf_is_given(&conf->services.items[i].tls.block))
            nw_text_addf(out, ",\"tls\":{\"verified\":%s}",
                         conf->services.items[i].tls.verify ? "true" : "false");
        nw_text_add_str(out, ",\"nodes\":");
        nw_peer_set_status(service->set, out);
        nw_text_add_char(out, '}');
    }
}

static void add_routes(struct nw_text *out, struct nw_gate *gate)
{
    enum { SHOWN_MAX = 1000 };
    const struct nw_conf *conf = gate->part->generation->conf;
    size_t count = conf->routes.count < SHOWN_MAX ? conf->routes.count : SHOWN_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct nw_conf_route *route = &conf->routes.items[i];
        nw_text_addf(out, "%s{\"route\":", i > 0 ? "," : "");
        nw_text_add_json_string(out, nw_slice_str(gate->part->routes[i]->label));
        if (route->to_service != NULL) {
            nw_text_add_str(out, ",\"service\":");
            nw_text_add_json_string(out, route->service);
        }
        nw_text_add_str(out, ",\"requests\":");
        add_classes(out, gate->metrics, gate->part->routes[i]->requests);
        nw_text_add_char(out, '}');
    }
}

void gate_status(void *self, struct nw_text *out)
{
    struct nw_gate *gate = self;
    nw_text_add_str(out, "{\"listeners\":[");
    add_listeners(out, gate);
    nw_text_add_str(out, "],\"services\":{");
    if (gate->part != NULL)
        add_services(out, gate);
    nw_text_add_str(out, "},\"tls\":");
    nw_gate_tls_status(gate, out);
    nw_text_add_str(out, ",\"routes\":[");
    if (gate->part != NULL)
        add_routes(out, gate);
    struct gate_worker *worker = gate->workers[0]; /* its series hold the sum of all */
    nw_text_addf(out, "],\"h2\":{\"connections\":%.0f,\"streams\":%.0f}",
                 nw_metric_read(gate->metrics, worker->h2_connections),
                 nw_metric_read(gate->metrics, worker->h2_streams));
    nw_text_addf(
        out, ",\"generations_alive\":%u,\"connections_max\":%llu}",
        nw_gate_generations_alive(gate) / nw_runtime_worker_count(gate->runtime),
        (unsigned long long)(gate->part != NULL ? gate->part->settings.connections_max : 0));
}
