/*
 * Counting must cost what an ordinary increment costs. So each worker has cells of its own: a
 * series gets a slot number, slots come in slabs of NW_METRIC_STRIDE words per worker, and a cell
 * is found by one multiplication. One writer per cell makes a relaxed load and store enough; the
 * reader adds the workers up. Histograms are too large for slots and mostly unused, so a worker
 * makes its own at the first record.
 *
 * Invariant: a family never holds more than series_max series; when it is full, the series closed
 * longest ago gives its place to the new one, and with no closed one the shared "other" takes the
 * counts, so totals stay true whatever names appear. Closed series keep their values (a service
 * that leaves and comes back by reload goes on counting) but are not printed, else the health of
 * removed nodes would linger on every dashboard.
 *
 * Road not taken: one hash map of names to atomics, as many clients have it: a lock prefix, a
 * shared cache line and a hash per count.
 */
#include "base/metric.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/map.h"

enum { SERIES_MAX = 1000, LINE_BYTES = 64 };

struct nw_metric_watch {
    struct nw_metric_watch *next;
    struct series *series;
    double (*fn)(void *arg);
    void *arg;
};

struct series {
    struct nw_metric_series face; /* first: the public pointer is ours */
    nw_metric family;
    struct nw_text key;                     /* the label values, each with its length in front */
    struct nw_slice values[NW_METRIC_LABELS_MAX]; /* into key */
    uint32_t opener_count;
    uint64_t closed_at; /* when the last opener left, in closes */
    struct nw_metric_watch *watches;
};

struct family {
    struct series **series; /* in order of opening */
    uint32_t series_count;
    struct nw_map by_key;
    struct series *other; /* beyond series_max; made when first needed */
};

struct nw_metrics {
    pthread_mutex_t mutex;
    uint32_t worker_count;
    uint32_t series_max;
    uint64_t close_count;
    uint32_t slot_count; /* taken in the newest slab */
    void **slabs;        /* as allocated, before alignment */
    size_t slab_count;
    struct family families[NW_METRIC_FAMILIES];
};

#define COUNTER NW_METRIC_KIND_COUNTER
#define GAUGE NW_METRIC_KIND_GAUGE
#define HISTOGRAM NW_METRIC_KIND_HISTOGRAM
#define COARSE NW_METRIC_KIND_COARSE
#define COUNTS NW_METRIC_KIND_COUNTS
static const struct nw_metric_family table[] = {
#define NW_METRIC(name, kind, unit, labels, help) {#name, kind, #unit, labels, help},
#include "base/metrics.def"
#undef NW_METRIC
};

/* What /metrics shows of a histogram: of times, and of plain numbers. */
struct bound {
    uint64_t value;
    const char *text;
};
static const struct bound time_bounds[] = {
    {50, "0.00005"},   {100, "0.0001"},   {250, "0.00025"},  {500, "0.0005"},
    {1000, "0.001"},   {2500, "0.0025"},  {5000, "0.005"},   {10000, "0.01"},
    {25000, "0.025"},  {50000, "0.05"},   {100000, "0.1"},   {250000, "0.25"},
    {500000, "0.5"},   {1000000, "1"},    {2500000, "2.5"},  {5000000, "5"},
    {10000000, "10"},  {20000000, "20"},  {30000000, "30"},  {60000000, "60"},
};
static const struct bound count_bounds[] = {
    {1, "1"},   {2, "2"},     {4, "4"},     {8, "8"},     {16, "16"},
    {32, "32"}, {64, "64"},   {128, "128"}, {256, "256"}, {1024, "1024"},
};

const struct nw_metric_family *nw_metric_family(nw_metric metric)
{
    NW_ASSERT(metric < NW_METRIC_FAMILIES);
    return &table[metric];
}

static bool is_histogram(nw_metric metric)
{
    return table[metric].kind == HISTOGRAM || table[metric].kind == COARSE ||
           table[metric].kind == COUNTS;
}

/* How much of what is recorded makes one of what is printed. */
static unsigned scale_of(nw_metric metric)
{
    return table[metric].kind == COUNTS ? 1 : 1000000;
}

struct nw_metrics *nw_metrics_new(uint32_t worker_count, uint32_t series_max)
{
    NW_ASSERT(worker_count > 0);
    struct nw_metrics *metrics = nw_alloc_zero(sizeof *metrics);
    pthread_mutex_init(&metrics->mutex, NULL);
    metrics->worker_count = worker_count;
    metrics->series_max = series_max != 0 ? series_max : SERIES_MAX;
    metrics->slot_count = NW_METRIC_STRIDE;
    for (size_t i = 0; i < NW_METRIC_FAMILIES; i++)
        nw_map_init(&metrics->families[i].by_key, (struct nw_hash_key){0, 0});
    return metrics;
}

static void free_series(struct series *series)
{
    if (series == NULL)
        return;
    for (uint32_t i = 0; series->face.histograms != NULL && i < series->face.worker_count; i++)
        nw_histogram_free(series->face.histograms[i]);
    nw_free(series->face.histograms);
    while (series->watches != NULL) {
        struct nw_metric_watch *next = series->watches->next;
        nw_free(series->watches);
        series->watches = next;
    }
    nw_text_done(&series->key);
    nw_free(series);
}

void nw_metrics_free(struct nw_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < NW_METRIC_FAMILIES; i++) {
        struct family *family = &metrics->families[i];
        for (uint32_t j = 0; j < family->series_count; j++)
            free_series(family->series[j]);
        free_series(family->other);
        nw_free(family->series);
        nw_map_done(&family->by_key);
    }
    for (size_t i = 0; i < metrics->slab_count; i++)
        nw_free(metrics->slabs[i]);
    nw_free(metrics->slabs);
    pthread_mutex_destroy(&metrics->mutex);
    nw_free(metrics);
}

/* The first worker's cell of a slot that nobody has had before. */
static uint64_t *take_slot(struct nw_metrics *metrics)
{
    if (metrics->slot_count == NW_METRIC_STRIDE) {
        size_t bytes = (size_t)metrics->worker_count * NW_METRIC_STRIDE * sizeof(uint64_t);
        metrics->slabs =
            nw_realloc(metrics->slabs, (metrics->slab_count + 1) * sizeof *metrics->slabs);
        metrics->slabs[metrics->slab_count++] = nw_alloc_zero(bytes + LINE_BYTES);
        metrics->slot_count = 0;
    }
    uintptr_t start = (uintptr_t)metrics->slabs[metrics->slab_count - 1];
    uintptr_t aligned = (start + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1);
    return (uint64_t *)aligned + metrics->slot_count++;
}

static void make_key(struct nw_text *key, const struct nw_slice *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        nw_text_addf(key, "%zu:", values[i].len);
        nw_text_add(key, values[i]);
    }
}

/* Points the series at its own copy of the label values. */
static void name_series(struct series *series, const struct nw_slice *values, size_t count)
{
    nw_text_clear(&series->key);
    make_key(&series->key, values, count);
    const char *at = series->key.ptr;
    for (size_t i = 0; i < count; i++) {
        at = strchr(at, ':') + 1;
        series->values[i] = nw_slice_of(at, values[i].len);
        at += values[i].len;
    }
}

static struct series *new_series(struct nw_metrics *metrics, nw_metric metric)
{
    struct series *series = nw_alloc_zero(sizeof *series);
    series->family = metric;
    series->face.worker_count = metrics->worker_count;
    if (is_histogram(metric))
        series->face.histograms =
            nw_alloc_array(metrics->worker_count, sizeof series->face.histograms[0]);
    else
        series->face.cells = take_slot(metrics);
    return series;
}

/* All counts to zero; nobody counts, because the series is closed. */
static void empty_series(struct series *series)
{
    for (uint32_t i = 0; i < series->face.worker_count; i++) {
        if (series->face.cells != NULL)
            nw_metric_set(&series->face, i, 0);
        else if (series->face.histograms[i] != NULL)
            nw_histogram_reset(series->face.histograms[i]);
    }
}

/* The series closed longest ago, taken out of the family; NULL when all are open. */
static struct series *retire(struct family *family)
{
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; i < family->series_count; i++) {
        struct series *series = family->series[i];
        if (series->opener_count == 0 &&
            (at == UINT32_MAX || series->closed_at < family->series[at]->closed_at))
            at = i;
    }
    if (at == UINT32_MAX)
        return NULL;
    struct series *retired = family->series[at];
    family->series_count--;
    memmove(&family->series[at], &family->series[at + 1],
            (family->series_count - at) * sizeof(struct series *));
    nw_map_remove(&family->by_key, nw_text_slice(&retired->key));
    empty_series(retired);
    return retired;
}

static struct series *other_series(struct nw_metrics *metrics, nw_metric metric, size_t count)
{
    struct family *family = &metrics->families[metric];
    if (family->other == NULL) {
        struct nw_slice values[NW_METRIC_LABELS_MAX];
        for (size_t i = 0; i < count; i++)
            values[i] = NW_SLICE("other");
        family->other = new_series(metrics, metric);
        name_series(family->other, values, count);
    }
    return family->other;
}

static struct series *find_or_make(struct nw_metrics *metrics, nw_metric metric,
                                   const struct nw_slice *values, size_t count)
{
    struct family *family = &metrics->families[metric];
    struct nw_text key = {0};
    nw_text_add_str(&key, "");
    make_key(&key, values, count);
    struct series *series = nw_map_get(&family->by_key, nw_text_slice(&key));
    nw_text_done(&key);
    if (series != NULL)
        return series;
    if (family->series_count < metrics->series_max)
        series = new_series(metrics, metric);
    else
        series = retire(family);
    if (series == NULL)
        return other_series(metrics, metric, count);
    name_series(series, values, count);
    family->series = nw_realloc(family->series, (family->series_count + 1) * sizeof(void *));
    family->series[family->series_count++] = series;
    nw_map_put(&family->by_key, nw_text_slice(&series->key), series);
    return series;
}

static size_t label_count(nw_metric metric)
{
    struct nw_slice rest = nw_slice_str(table[metric].labels), label;
    size_t count = 0;
    while (nw_slice_split(&rest, ',', &label))
        count++;
    return count;
}

struct nw_metric_series *nw_metric_open_values(struct nw_metrics *metrics, nw_metric metric,
                                               const struct nw_slice *values, size_t count)
{
    NW_ASSERT(metric < NW_METRIC_FAMILIES);
    NW_ASSERT(count <= NW_METRIC_LABELS_MAX && count == label_count(metric));
    pthread_mutex_lock(&metrics->mutex);
    struct series *series = find_or_make(metrics, metric, values, count);
    series->opener_count++;
    pthread_mutex_unlock(&metrics->mutex);
    return &series->face;
}

struct nw_metric_series *nw_metric_open_strings(struct nw_metrics *metrics, nw_metric metric,
                                                const char *const *values, size_t count)
{
    struct nw_slice slices[NW_METRIC_LABELS_MAX];
    NW_ASSERT(count <= NW_METRIC_LABELS_MAX);
    for (size_t i = 0; i < count; i++)
        slices[i] = nw_slice_str(values[i]);
    return nw_metric_open_values(metrics, metric, slices, count);
}

void nw_metric_close(struct nw_metrics *metrics, struct nw_metric_series *face)
{
    if (face == NULL)
        return;
    struct series *series = (struct series *)face;
    pthread_mutex_lock(&metrics->mutex);
    NW_ASSERT(series->opener_count > 0);
    series->opener_count--;
    if (series->opener_count == 0) {
        NW_ASSERT(series->watches == NULL);
        series->closed_at = ++metrics->close_count;
    }
    pthread_mutex_unlock(&metrics->mutex);
}

struct nw_histogram *nw_metric_make_histogram(struct nw_metric_series *face, uint32_t worker_index)
{
    NW_ASSERT(face->histograms != NULL && worker_index < face->worker_count);
    int digits = table[((struct series *)face)->family].kind == HISTOGRAM ? 2 : 1;
    struct nw_histogram *own = nw_histogram_new(digits, 1, NW_METRIC_HISTOGRAM_MAX_US);
    __atomic_store_n(&face->histograms[worker_index], own, __ATOMIC_RELEASE);
    return own;
}

struct nw_metric_watch *nw_metric_watch(struct nw_metrics *metrics, struct nw_metric_series *face,
                                        double (*fn)(void *arg), void *arg)
{
    NW_ASSERT(face->cells != NULL);
    struct nw_metric_watch *watch = nw_alloc(sizeof *watch);
    struct series *series = (struct series *)face;
    pthread_mutex_lock(&metrics->mutex);
    *watch = (struct nw_metric_watch){series->watches, series, fn, arg};
    series->watches = watch;
    pthread_mutex_unlock(&metrics->mutex);
    return watch;
}

void nw_metric_unwatch(struct nw_metrics *metrics, struct nw_metric_watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&metrics->mutex);
    struct nw_metric_watch **at = &watch->series->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    pthread_mutex_unlock(&metrics->mutex);
    nw_free(watch);
}

/* Cells of all workers; a gauge may go below zero on one worker and above it on another. */
static int64_t sum_cells(const struct series *series)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < series->face.worker_count; i++)
        total += __atomic_load_n(&series->face.cells[(size_t)i * NW_METRIC_STRIDE],
                                 __ATOMIC_RELAXED);
    return (int64_t)total;
}

static double watched(const struct series *series)
{
    double total = 0;
    for (const struct nw_metric_watch *w = series->watches; w != NULL; w = w->next)
        total += w->fn(w->arg);
    return total;
}

static struct nw_histogram *merge(const struct series *series)
{
    int digits = table[series->family].kind == HISTOGRAM ? 2 : 1;
    struct nw_histogram *all = nw_histogram_new(digits, 1, NW_METRIC_HISTOGRAM_MAX_US);
    for (uint32_t i = 0; i < series->face.worker_count; i++) {
        struct nw_histogram *one = __atomic_load_n(&series->face.histograms[i], __ATOMIC_ACQUIRE);
        if (one != NULL)
            nw_histogram_add(all, one);
    }
    return all;
}

double nw_metric_read(struct nw_metrics *metrics, struct nw_metric_series *face)
{
    struct series *series = (struct series *)face;
    NW_ASSERT(face->cells != NULL);
    pthread_mutex_lock(&metrics->mutex);
    double total = (double)sum_cells(series) + watched(series);
    pthread_mutex_unlock(&metrics->mutex);
    return total;
}

struct nw_histogram *nw_metric_merge(struct nw_metrics *metrics, struct nw_metric_series *face)
{
    NW_ASSERT(face->histograms != NULL);
    pthread_mutex_lock(&metrics->mutex);
    struct nw_histogram *all = merge((struct series *)face);
    pthread_mutex_unlock(&metrics->mutex);
    return all;
}

static void add_escaped(struct nw_text *out, struct nw_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.ptr[i];
        if (byte == '\n')
            nw_text_add_str(out, "\\n");
        else if (byte == '"' || byte == '\\')
            nw_text_addf(out, "\\%c", byte);
        else
            nw_text_add_char(out, byte);
    }
}

/* `newel_name suffix {labels`, without the end of the braces; false when nothing opened them. */
static bool add_name(struct nw_text *out, const struct series *series, const char *suffix)
{
    struct nw_slice rest = nw_slice_str(table[series->family].labels), label;
    nw_text_add_str(out, "newel_");
    nw_text_add_str(out, table[series->family].name);
    nw_text_add_str(out, suffix);
    for (size_t i = 0; nw_slice_split(&rest, ',', &label); i++) {
        nw_text_add_char(out, i == 0 ? '{' : ',');
        nw_text_add(out, label);
        nw_text_add_str(out, "=\"");
        add_escaped(out, series->values[i]);
        nw_text_add_char(out, '"');
    }
    return table[series->family].labels[0] != '\0';
}

static void add_full_name(struct nw_text *out, const struct series *series, const char *suffix)
{
    nw_text_add_str(out, add_name(out, series, suffix) ? "} " : " ");
}

static void add_bucket(struct nw_text *out, struct nw_slice prefix, const char *le, uint64_t count)
{
    nw_text_add(out, prefix);
    nw_text_add_str(out, le);
    nw_text_addf(out, "\"} %llu\n", (unsigned long long)count);
}

static void print_scalar(struct nw_text *out, const struct series *series)
{
    double more = watched(series);
    int64_t cells = sum_cells(series);
    add_full_name(out, series, "");
    if (more == 0)
        nw_text_addf(out, "%lld\n", (long long)cells);
    else if (isfinite(more))
        nw_text_addf(out, "%.15g\n", (double)cells + more);
    else
        nw_text_add_str(out, isnan(more) ? "NaN\n" : more > 0 ? "+Inf\n" : "-Inf\n");
}

static void print_histogram(struct nw_text *out, const struct series *series)
{
    struct nw_histogram *all = merge(series);
    struct nw_histogram_bucket bucket = {0};
    struct nw_text prefix = {0};
    uint64_t seen = 0;
    bool is_started = false, has_bucket = nw_histogram_next(all, &is_started, &bucket);
    nw_text_add_str(&prefix, add_name(&prefix, series, "_bucket") ? ",le=\"" : "{le=\"");
    unsigned scale = scale_of(series->family);
    const struct bound *bounds = scale == 1 ? count_bounds : time_bounds;
    size_t bound_count = scale == 1 ? NW_COUNT(count_bounds) : NW_COUNT(time_bounds);
    for (size_t i = 0; i < bound_count; i++) {
        for (; has_bucket && bucket.low <= bounds[i].value;
             has_bucket = nw_histogram_next(all, &is_started, &bucket))
            seen += bucket.count;
        add_bucket(out, nw_text_slice(&prefix), bounds[i].text, seen);
    }
    unsigned long long count = nw_histogram_count(all), sum = nw_histogram_sum(all);
    add_bucket(out, nw_text_slice(&prefix), "+Inf", count);
    add_full_name(out, series, "_sum");
    if (scale == 1)
        nw_text_addf(out, "%llu\n", sum);
    else
        nw_text_addf(out, "%llu.%06llu\n", sum / scale, sum % scale);
    add_full_name(out, series, "_count");
    nw_text_addf(out, "%llu\n", count);
    nw_text_done(&prefix);
    nw_histogram_free(all);
}

static const char *type_name(nw_metric metric)
{
    return is_histogram(metric)             ? "histogram"
           : table[metric].kind == COUNTER ? "counter"
                                            : "gauge";
}

/* The family's series in order; NULL at the end. The shared one comes last. */
static const struct series *next_open(const struct family *family, uint32_t *cursor)
{
    while (*cursor <= family->series_count) {
        uint32_t at = (*cursor)++;
        const struct series *series =
            at < family->series_count ? family->series[at] : family->other;
        if (series != NULL && series->opener_count > 0)
            return series;
    }
    return NULL;
}

static void print_family(struct nw_text *out, const struct family *family, nw_metric metric)
{
    uint32_t cursor = 0;
    const struct series *series = next_open(family, &cursor);
    if (series == NULL)
        return;
    nw_text_addf(out, "# HELP newel_%s %s\n# TYPE newel_%s %s\n", table[metric].name,
                 table[metric].help, table[metric].name, type_name(metric));
    for (; series != NULL; series = next_open(family, &cursor)) {
        if (is_histogram(metric))
            print_histogram(out, series);
        else
            print_scalar(out, series);
    }
}

void nw_metrics_print(struct nw_metrics *metrics, struct nw_text *out)
{
    pthread_mutex_lock(&metrics->mutex);
    for (size_t i = 0; i < NW_METRIC_FAMILIES; i++)
        print_family(out, &metrics->families[i], (nw_metric)i);
    pthread_mutex_unlock(&metrics->mutex);
}

/* Does the series have every "label=value" of the list? */
static bool has_labels(const struct series *series, const char *wanted)
{
    struct nw_slice pairs = nw_slice_str(wanted), pair, label;
    while (nw_slice_split(&pairs, ',', &pair)) {
        struct nw_slice rest = nw_slice_str(table[series->family].labels);
        struct nw_slice name = nw_slice_first(pair, nw_slice_find(pair, '='));
        struct nw_slice value = nw_slice_skip(pair, name.len < pair.len ? name.len + 1 : name.len);
        bool is_there = false;
        for (size_t i = 0; nw_slice_split(&rest, ',', &label); i++)
            is_there |= nw_slice_eq(label, name) && nw_slice_eq(series->values[i], value);
        if (!is_there)
            return false;
    }
    return true;
}

static double value_of(const struct series *series, struct nw_slice suffix)
{
    if (!is_histogram(series->family))
        return (double)sum_cells(series) + watched(series);
    struct nw_histogram *all = merge(series);
    double value = nw_slice_eq(suffix, NW_SLICE("_sum"))
                       ? (double)nw_histogram_sum(all) / scale_of(series->family)
                       : (double)nw_histogram_count(all);
    nw_histogram_free(all);
    return value;
}

/* The family that `name` means, and what stands behind its name. */
static bool find_family(struct nw_slice name, nw_metric *out, struct nw_slice *out_suffix)
{
    for (size_t i = 0; i < NW_METRIC_FAMILIES; i++) {
        struct nw_slice own = nw_slice_str(table[i].name);
        if (!nw_slice_starts_with(name, own))
            continue;
        struct nw_slice suffix = nw_slice_skip(name, own.len);
        bool is_part = nw_slice_eq(suffix, NW_SLICE("_count")) ||
                       nw_slice_eq(suffix, NW_SLICE("_sum"));
        if (is_histogram((nw_metric)i) ? !is_part : suffix.len != 0)
            continue;
        *out = (nw_metric)i;
        *out_suffix = suffix;
        return true;
    }
    return false;
}

double nw_metrics_value(struct nw_metrics *metrics, const char *name, const char *labels)
{
    struct nw_slice wanted = nw_slice_str(name), suffix = {0};
    nw_metric metric = NW_METRIC_FAMILIES;
    if (nw_slice_starts_with(wanted, NW_SLICE("newel_")))
        wanted = nw_slice_skip(wanted, 6);
    if (!find_family(wanted, &metric, &suffix))
        return NAN;
    double total = NAN;
    uint32_t cursor = 0;
    pthread_mutex_lock(&metrics->mutex);
    const struct family *family = &metrics->families[metric];
    for (const struct series *series; (series = next_open(family, &cursor)) != NULL;)
        if (has_labels(series, labels))
            total = (isnan(total) ? 0 : total) + value_of(series, suffix);
    pthread_mutex_unlock(&metrics->mutex);
    return total;
}
