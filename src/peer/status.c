/*
 * What a set says about itself: documented JSON, one object per node. Sums are made here, when
 * somebody asks, never on the way of a request.
 */
#include <string.h>

#include "base/histogram.h"
#include "io/clock.h"
#include "peer/node.h"

static void add_string(struct nw_text *out, const char *key, const char *value)
{
    nw_text_addf(out, "\"%s\":\"", key);
    nw_text_add_json(out, nw_slice_str(value));
    nw_text_add_str(out, "\",");
}

static void add_verdict(struct nw_peer_node *node, struct nw_text *out)
{
    pthread_mutex_lock(&node->group->lock);
    add_string(out, "state", nw_peer_node_state_name(node));
    add_string(out, "reason", node->reason);
    if (node->trouble[0] != '\0')
        add_string(out, "trouble", node->trouble);
    uint64_t now_ms = nw_wall_ms();
    uint64_t for_ms = now_ms > node->since_wall_ms ? now_ms - node->since_wall_ms : 0;
    nw_text_addf(out, "\"for_s\":%llu,", (unsigned long long)(for_ms / 1000));
    uint32_t flags = atomic_load(&node->flags);
    bool is_ejected = (flags & NW_PEER_FLAG_EJECTED) != 0;
    nw_text_addf(out, "\"ejected\":%s,", is_ejected ? "true" : "false");
    if (is_ejected) {
        uint64_t until_ms = atomic_load(&node->eject_until_ms), at_ms = nw_now_ms();
        nw_text_addf(out, "\"returns_in_ms\":%llu,",
                     (unsigned long long)(until_ms > at_ms ? until_ms - at_ms : 0));
    }
    pthread_mutex_unlock(&node->group->lock);
}

static void add_counts(struct nw_peer_node *node, struct nw_text *out)
{
    static const char *const names[NW_PEER_OUTCOMES] = {
        [NW_PEER_OK] = "ok",
        [NW_PEER_CONNECT] = "connect",
        [NW_PEER_RESET_] = "reset",
        [NW_PEER_TIMEOUT_] = "timeout",
        [NW_PEER_REFUSING] = "refusing",
        [NW_PEER_FAILED] = "failed",
        [NW_PEER_ABANDONED] = "abandoned",
    };
    struct nw_metrics *metrics = node->group->registry->metrics;
    double total = 0;
    nw_text_add_str(out, "\"tries\":{");
    for (unsigned i = 0; i < NW_PEER_OUTCOMES; i++) {
        double count = nw_metric_read(metrics, node->requests[i]);
        total += count;
        nw_text_addf(out, "%s\"%s\":%.0f", i != 0 ? "," : "", names[i], count);
    }
    uint32_t now_s = (uint32_t)(nw_now_ms() / 1000);
    double connects = nw_metric_read(metrics, node->connects);
    double reuses = nw_metric_read(metrics, node->reuses);
    double used = connects + reuses;
    nw_text_addf(out, "},\"requests\":%.0f,\"rate_per_s\":%.1f,", total,
                 nw_peer_node_try_count(node, now_s) / (double)NW_WINDOW_S);
    nw_text_addf(out, "\"connects\":%.0f,\"reuses\":%.0f,\"reuse_ratio\":%.4f,", connects, reuses,
                 used > 0 ? reuses / used : 0);
}

static void add_latency(struct nw_peer_node *node, struct nw_text *out)
{
    struct nw_metrics *metrics = node->group->registry->metrics;
    struct nw_histogram *histogram = nw_metric_merge(metrics, node->duration);
    uint64_t ewma_us = nw_ewma_read_us(atomic_load(&node->ewma), nw_now_ms());
    nw_text_addf(out, "\"latency_us\":{\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"ewma\":%llu}",
                 (unsigned long long)nw_histogram_percentile(histogram, 50),
                 (unsigned long long)nw_histogram_percentile(histogram, 90),
                 (unsigned long long)nw_histogram_percentile(histogram, 99),
                 (unsigned long long)ewma_us);
    nw_histogram_free(histogram);
}

/* What all workers together have and may have. */
static void add_multiplex(const struct nw_peer_node *node, struct nw_text *out)
{
    unsigned worker_count = node->group->registry->worker_count, streams = 0, slots = 0, open = 0;
    for (unsigned i = 0; i < worker_count; i++) {
        const struct nw_peer_lines *lines = &node->local[i].lines;
        streams += atomic_load_explicit(&lines->taken, memory_order_relaxed);
        slots += atomic_load_explicit(&lines->slots, memory_order_relaxed);
        open += atomic_load_explicit(&lines->open_count, memory_order_relaxed);
    }
    nw_text_addf(out, "\"multiplex\":{\"streams\":%u,\"slots\":%u,\"connections\":%u},", streams,
                 slots, open);
}

static void add_node(const struct nw_peer_member *member, struct nw_text *out)
{
    struct nw_peer_node *node = member->node;
    unsigned idle = 0;
    for (unsigned i = 0; i < node->group->registry->worker_count; i++)
        idle += atomic_load_explicit(&node->local[i].idle_count, memory_order_relaxed);
    nw_text_add_str(out, "{");
    add_string(out, "address", node->address);
    add_verdict(node, out);
    nw_text_addf(out, "\"weight\":%u,\"in_flight\":%u,", member->given_weight,
                 atomic_load(&node->in_flight));
    nw_text_addf(out, "\"connections\":{\"open\":%u,\"idle\":%u,\"max\":%u},",
                 atomic_load(&node->open), idle, atomic_load(&node->max_connections));
    if (node->group->driver->shared != NULL)
        add_multiplex(node, out);
    add_counts(node, out);
    add_latency(node, out);
    nw_text_add_str(out, "}");
}

void nw_peer_set_status(const struct nw_peer_set *set, struct nw_text *out_json)
{
    const struct nw_peer_view *view = atomic_load_explicit(&set->view, memory_order_acquire);
    nw_text_add_str(out_json, "[");
    for (unsigned i = 0; i < view->count; i++) {
        if (i != 0)
            nw_text_add_str(out_json, ",");
        add_node(&view->members[i], out_json);
    }
    nw_text_add_str(out_json, "]");
}
