/*
 * metric.h - counters, gauges and histograms, counted per thread and summed when read.
 *
 * Families are the rows of metrics.def. A *series* is a family with label values; it is opened with
 * the object it names and closed with it. Opening is counted: the same values give the same series,
 * and a series that was closed and is opened again goes on from where it was. A family with
 * series_max series gives every further one the shared series whose labels are all "other".
 *
 *     struct nw_metric_series *hits = nw_metric_open(m, NW_METRIC_requests_total, "api", "2xx");
 *     nw_metric_add(hits, worker_index, 1);                    a load and a store, no lock prefix
 *
 * Owner:   nw_metrics_new/_free own everything; a series is valid from open to its last close
 * Threads: add, set, record: the thread that owns worker_index, without locks. open, close, watch,
 *          print, value: any, under the registry's mutex, so never on the request path. A watched
 *          function runs under that mutex and must not call back into the registry
 */
#ifndef NW_BASE_METRIC_H
#define NW_BASE_METRIC_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/histogram.h"
#include "base/slice.h"
#include "base/text.h"

typedef enum nw_metric {
#define NW_METRIC(name, kind, unit, labels, help) NW_METRIC_##name,
#include "base/metrics.def"
#undef NW_METRIC
    NW_METRIC_FAMILIES
} nw_metric;

typedef enum nw_metric_kind {
    NW_METRIC_KIND_COUNTER,
    NW_METRIC_KIND_GAUGE,
    NW_METRIC_KIND_HISTOGRAM, /* 2 significant digits */
    NW_METRIC_KIND_COARSE,    /* a histogram of 1 significant digit: 3 KiB instead of 20 */
    NW_METRIC_KIND_COUNTS,    /* the same, of plain numbers instead of times */
} nw_metric_kind;

/* A row of metrics.def. Histograms of times are recorded in microseconds, printed in seconds. */
struct nw_metric_family {
    const char *name; /* without "newel_" */
    nw_metric_kind kind;
    const char *unit;
    const char *labels; /* "route,class"; "" for none */
    const char *help;
};

#define NW_METRIC_LABELS_MAX 4
/* 67 s, the power of two above the last printed bound; greater values count as this in +Inf. */
#define NW_METRIC_HISTOGRAM_MAX_US ((1 << 26) - 1)
/* Words between the cells of two workers: 64 cache lines, so that no line has two writers. */
#define NW_METRIC_STRIDE 512

struct nw_metrics;
struct nw_metric_watch;

/* The first members are for the inline functions below; the rest is metric.c's. */
struct nw_metric_series {
    uint64_t *cells; /* [worker_index * NW_METRIC_STRIDE]; NULL for histograms */
    struct nw_histogram **histograms; /* [worker_index], made at first use; NULL for others */
    uint32_t worker_count;
};

/*
 * worker_count: threads that count, each with an index of its own; add one for the threads that
 * share none of the workers' (a mutex of yours then guards that index). series_max: of one family;
 * 0: 1000.
 */
struct nw_metrics *nw_metrics_new(uint32_t worker_count, uint32_t series_max);
void nw_metrics_free(struct nw_metrics *metrics);

const struct nw_metric_family *nw_metric_family(nw_metric metric);

/* `values` are copied: one for each label of the family, in its order. Never NULL. */
struct nw_metric_series *nw_metric_open_values(struct nw_metrics *metrics, nw_metric metric,
                                               const struct nw_slice *values, size_t count);
struct nw_metric_series *nw_metric_open_strings(struct nw_metrics *metrics, nw_metric metric,
                                                const char *const *values, size_t count);
/* nw_metric_open(metrics, NW_METRIC_name, "value of the first label", …) with C strings. */
#define nw_metric_open(metrics, metric, ...)                                                       \
    nw_metric_open_strings(                                                                        \
        metrics, metric, (const char *const[]){NULL, ##__VA_ARGS__} + 1,                           \
        sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(const char *) - 1)
/* NULL does nothing. A series without openers is not printed any more. */
void nw_metric_close(struct nw_metrics *metrics, struct nw_metric_series *series);

/* Counters and gauges; a gauge's amount may be negative. */
static inline void nw_metric_add(struct nw_metric_series *series, uint32_t worker_index,
                                 int64_t amount)
{
    nw_counter_add(&series->cells[(size_t)worker_index * NW_METRIC_STRIDE], (uint64_t)amount);
}

/* This worker's part of a gauge; what is read is the sum over all workers. */
static inline void nw_metric_set(struct nw_metric_series *series, uint32_t worker_index,
                                 int64_t value)
{
    __atomic_store_n(&series->cells[(size_t)worker_index * NW_METRIC_STRIDE], (uint64_t)value,
                     __ATOMIC_RELAXED);
}

struct nw_histogram *nw_metric_make_histogram(struct nw_metric_series *series,
                                              uint32_t worker_index);

static inline void nw_metric_record_us(struct nw_metric_series *series, uint32_t worker_index,
                                       uint64_t value_us)
{
    struct nw_histogram *own = __atomic_load_n(&series->histograms[worker_index], __ATOMIC_RELAXED);
    if (NW_UNLIKELY(own == NULL))
        own = nw_metric_make_histogram(series, worker_index);
    nw_histogram_record(own, value_us);
}

/* Adds fn(arg), asked whenever the metric is read, to a counter or gauge. */
struct nw_metric_watch *nw_metric_watch(struct nw_metrics *metrics, struct nw_metric_series *series,
                                        double (*fn)(void *arg), void *arg);
/* fn is not called any more once this returns; NULL does nothing. */
void nw_metric_unwatch(struct nw_metrics *metrics, struct nw_metric_watch *watch);

/* Prometheus text format 0.0.4, families in order of metrics.def, series in order of opening. */
void nw_metrics_print(struct nw_metrics *metrics, struct nw_text *out);
/* Sum over the workers and watched functions of one series. */
double nw_metric_read(struct nw_metrics *metrics, struct nw_metric_series *series);
/* All workers' records of one series in one new histogram, for percentiles; the caller frees it. */
struct nw_histogram *nw_metric_merge(struct nw_metrics *metrics, struct nw_metric_series *series);
/*
 * For tests and status: `name` with or without "newel_", for histograms with "_count" or "_sum"
 * (seconds); `labels` as "route=api,class=2xx": the sum over all open series that have them, NULL
 * for all. NaN when there is none.
 */
double nw_metrics_value(struct nw_metrics *metrics, const char *name, const char *labels);

#endif
