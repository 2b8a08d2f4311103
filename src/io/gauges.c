/*
 * The loop, the accounts and the lanes count for their own needs already; a scrape reads those
 * counts where they lie, so that showing them costs a request nothing.
 */
#include "io/gauges.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "io/buf.h"
#include "io/worker_impl.h"

struct nw_gauge {
    struct nw_gauge *next;
    struct nw_metric_series *series;
    struct nw_metric_watch *watch;
};

void nw_gauge_add(struct nw_runtime *runtime, nw_metric metric, const char *label,
                  double (*fn)(void *arg), void *arg)
{
    struct nw_metrics *metrics = runtime->metrics;
    if (metrics == NULL)
        return;
    struct nw_gauge *gauge = nw_alloc_zero(sizeof *gauge);
    gauge->series = label != NULL ? nw_metric_open(metrics, metric, label)
                                  : nw_metric_open(metrics, metric);
    gauge->watch = nw_metric_watch(metrics, gauge->series, fn, arg);
    gauge->next = runtime->gauges;
    runtime->gauges = gauge;
}

void nw_gauges_close(struct nw_runtime *runtime)
{
    while (runtime->gauges != NULL) {
        struct nw_gauge *gauge = runtime->gauges;
        runtime->gauges = gauge->next;
        nw_metric_unwatch(runtime->metrics, gauge->watch);
        nw_metric_close(runtime->metrics, gauge->series);
        nw_free(gauge);
    }
}

/* ---- what is asked ---- */

static double turns_of(void *worker)
{
    return (double)nw_worker_turns(worker);
}

static double lag_of(void *worker)
{
    return (double)nw_loop_lag_us(worker) / 1e6;
}

static double fibers_of(void *arg)
{
    const struct nw_worker *worker = arg;
    return atomic_load_explicit(&worker->fiber_count, memory_order_relaxed);
}

/* The arg of an account is its own counter. */
static double counter_of(void *arg)
{
    const _Atomic uint64_t *counter = arg;
    return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

static double dropped_of(void *hub)
{
    return (double)nw_log_hub_dropped(hub);
}

void nw_gauges_open(struct nw_runtime *runtime)
{
    for (unsigned i = 0; i < runtime->worker_count; i++) {
        struct nw_worker *worker = runtime->workers[i];
        char label[16];
        snprintf(label, sizeof label, "%u", i);
        nw_gauge_add(runtime, NW_METRIC_loop_turns_total, label, turns_of, worker);
        nw_gauge_add(runtime, NW_METRIC_loop_lag_seconds, label, lag_of, worker);
        nw_gauge_add(runtime, NW_METRIC_fibers_alive, label, fibers_of, worker);
    }
    for (int i = 0; i < NW_MEMORY_ACCOUNT_COUNT; i++) {
        const char *label = nw_memory_account_name((nw_memory_account)i);
        nw_gauge_add(runtime, NW_METRIC_memory_bytes, label, counter_of,
                     &runtime->memory_used_bytes[i]);
        nw_gauge_add(runtime, NW_METRIC_memory_refused_total, label, counter_of,
                     &runtime->memory_refusals[i]);
    }
    if (runtime->log_hub != NULL)
        nw_gauge_add(runtime, NW_METRIC_log_dropped_total, NULL, dropped_of, runtime->log_hub);
}
