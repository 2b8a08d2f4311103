/*
 * The report of a cache simulation: what was played, what each policy made of each size, which won,
 * and what is missing where the trace was not played whole. A ratio never stands without that: an
 * incomplete trace marks the whole report.
 */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "cmd/sim_cache.h"

static struct report_cell number(double value)
{
    return (struct report_cell){.value = value};
}

static struct report_cell text(const char *value)
{
    return (struct report_cell){.text = value};
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static double miss_ratio(const struct nw_model_cache_counts *counts)
{
    return ratio(nw_model_cache_misses(counts), counts->request_count);
}

/* ---- the trace ---- */

static void add_invented(struct report *report, const struct sim_cache_want *want)
{
    const struct nw_model_invented *what = &want->invented;
    report_text(report, "source", "source", "invented");
    report_number(report, "zipf", "Zipf exponent", what->exponent, NW_MODEL_NUMBER);
    report_number(report, "keys_of_law", "keys to choose from", what->key_count, NW_MODEL_COUNT);
    if (what->shift_every > 0) {
        report_number(report, "shift_by", "ranks moved", what->shift_by, NW_MODEL_COUNT);
        report_number(report, "shift_every", "after requests", (double)what->shift_every,
                      NW_MODEL_COUNT);
    }
    if (what->scan_share > 0) {
        report_number(report, "scan_share_ratio", "share of a scan", what->scan_share,
                      NW_MODEL_RATIO);
        report_number(report, "scan_keys", "keys of the scan", what->scan_keys, NW_MODEL_COUNT);
    }
    report_number(report, "seed", "seed", (double)what->seed, NW_MODEL_COUNT);
}

static void add_times(struct report *report, const struct sim_trace *trace)
{
    char first[NW_CLOCK_ISO_BYTES], last[NW_CLOCK_ISO_BYTES];
    double span_s = (double)(trace->last_us - trace->first_us) / 1e6;
    /* Times that count from the trace's own beginning are no dates. */
    if (trace->first_us >= INT64_C(500000000000000)) {
        report_text(report, "first", "first request",
                    nw_clock_iso((uint64_t)trace->first_us / 1000, first));
        report_text(report, "last", "last request",
                    nw_clock_iso((uint64_t)trace->last_us / 1000, last));
    }
    report_number(report, "span_s", "span", span_s, NW_MODEL_SECONDS);
    if (span_s > 0)
        report_number(report, "rate_per_s", "mean rate",
                      (double)trace->model.request_count / span_s, NW_MODEL_PER_S);
    if (trace->back_count > 0)
        report_number(report, "back_count", "times that run backwards", (double)trace->back_count,
                      NW_MODEL_COUNT);
}

static void add_recorded(struct report *report, const struct sim_cache *sim)
{
    const struct sim_trace *trace = &sim->trace;
    const struct nw_trace_counts *counts = &trace->counts;
    char *path = nw_alloc_string(sim->want.top->trace);
    report_text(report, "source", "file", path);
    nw_free(path);
    report_text(report, "format", "format", nw_trace_format_name(trace->format));
    report_text(report, "packing", NULL, unpack_name(trace->packing));
    report_number(report, "skipped", counts->skipped > 0 ? "lines skipped" : NULL,
                  (double)counts->skipped, NW_MODEL_COUNT);
    report_number(report, "bad", counts->bad > 0 ? "lines that cannot be read" : NULL,
                  (double)counts->bad, NW_MODEL_COUNT);
    if (counts->bad > 0) {
        struct nw_text places = {0};
        sim_trace_places(counts, &places);
        report_text(report, "bad_first", "the first of them", places.ptr);
        nw_text_done(&places);
    }
    report_bool(report, "is_unended", NULL, trace->end.is_unended);
}

static double asked_bytes(const struct nw_model_trace *model)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < model->request_count; i++)
        bytes += model->sizes[i];
    return (double)bytes;
}

static void add_trace(struct report *report, const struct sim_cache *sim)
{
    const struct nw_model_trace *model = &sim->trace.model;
    report_open(report, "trace", "Trace");
    if (sim->want.is_invented)
        add_invented(report, &sim->want);
    else
        add_recorded(report, sim);
    report_number(report, "requests", "requests", (double)model->request_count, NW_MODEL_COUNT);
    report_number(report, "keys", "keys asked for", model->key_count, NW_MODEL_COUNT);
    if (model->sizes != NULL) {
        report_number(report, "asked_bytes", "bytes asked for", asked_bytes(model), NW_MODEL_BYTES);
        report_number(report, "size_mean_bytes", "mean size of an object",
                      nw_model_trace_size_mean(model), NW_MODEL_BYTES);
    }
    if (sim->trace.has_times && model->request_count > 0)
        add_times(report, &sim->trace);
    if (model->rate_per_s > 0)
        report_number(report, "rate_given_per_s", "rate, as given", model->rate_per_s,
                      NW_MODEL_PER_S);
    if (sim->trace.end.is_unended)
        report_line(report,
                    "The last line (at byte %llu) has no line end. If the file was cut there, that "
                    "key is not whole and what followed is missing.",
                    (unsigned long long)sim->trace.end.offset);
    report_close(report);
}

/* ---- what is missing ---- */

static void mark_missing(struct report *report, const struct sim_cache *sim)
{
    const struct sim_trace *trace = &sim->trace;
    const struct trace_file_end *end = &trace->end;
    unsigned long long requests = trace->model.request_count;
    char why[400];
    if (end->is_cut && end->is_packed)
        snprintf(why, sizeof why,
                 "the trace is cut off: %s at byte %llu of the file. What follows is missing; the "
                 "figures are those of the %llu requests before it",
                 end->why, (unsigned long long)end->offset, requests);
    else if (end->is_cut)
        snprintf(why, sizeof why,
                 "the trace is cut off within the record at byte %llu, of which %llu bytes are "
                 "there (%s). What follows is missing; the figures are those of the %llu requests "
                 "before it",
                 (unsigned long long)end->offset, (unsigned long long)end->bytes, end->why,
                 requests);
    else if (trace->is_stopped)
        snprintf(why, sizeof why,
                 "interrupted while the trace was read, after %llu requests; nothing was simulated",
                 requests);
    else if (sim->is_stopped)
        snprintf(why, sizeof why,
                 "interrupted: simulations that played fewer than %llu requests have no ratio",
                 requests);
    else if (sim->job_count > 0 && requests > 0 && sim->jobs[0].warmup_requests >= requests)
        snprintf(why, sizeof why,
                 "all %llu requests were played before counting (warmup), so no ratio is known; "
                 "count from an earlier one on",
                 requests);
    else
        return;
    report_mark_incomplete(report, why);
}

/* ---- the runs ---- */

enum { RUN_COLUMNS = 14 };

static void add_run(struct report *report, const struct sim_cache *sim, size_t i)
{
    const struct nw_model_cache_job *job = &sim->jobs[i];
    const struct nw_model_cache_counts *counts = &sim->counts[i];
    const struct nw_model_trace *trace = &sim->trace.model;
    bool is_whole = sim->is_done[i] && counts->request_count > 0;
    struct report_cell miss = number(miss_ratio(counts));
    struct report_cell bytes = number(1 - ratio(counts->hit_bytes, counts->request_bytes));
    miss.is_absent = !is_whole;
    bytes.is_absent = !is_whole || counts->request_bytes == 0;
    struct report_cell cells[RUN_COLUMNS] = {
        number((double)job->capacity),
        text(nw_model_policy_name(job->policy)),
        miss,
        bytes,
        number((double)counts->request_count),
        number((double)counts->hit_count),
        number((double)nw_model_cache_misses(counts)),
        number((double)counts->cold_count),
        number((double)counts->capacity_count),
        number((double)counts->expired_count),
        number((double)counts->bypassed_count),
        number((double)counts->entry_count),
        number(ratio(counts->entry_count, trace->key_count)),
        number((double)counts->used),
    };
    report_row(report, cells, RUN_COLUMNS);
}

static void add_runs(struct report *report, const struct sim_cache *sim)
{
    bool is_in_bytes = sim->want.is_in_bytes;
    nw_model_unit unit = is_in_bytes ? NW_MODEL_BYTES : NW_MODEL_COUNT;
    bool has_sizes = sim->trace.model.sizes != NULL;
    const struct report_column columns[RUN_COLUMNS] = {
        {.name = is_in_bytes ? "size_bytes" : "size", .label = "size", .unit = unit},
        {.name = "policy", .label = "policy", .is_text = true},
        {.name = "miss_ratio", .label = "miss ratio", .unit = NW_MODEL_RATIO},
        {.name = "byte_miss_ratio", .label = has_sizes ? "of bytes" : NULL, .unit = NW_MODEL_RATIO},
        {.name = "requests", .label = sim->is_stopped ? "played" : NULL, .unit = NW_MODEL_COUNT},
        {.name = "hits", .unit = NW_MODEL_COUNT},
        {.name = "misses", .label = "misses", .unit = NW_MODEL_COUNT},
        {.name = "cold", .label = "cold", .unit = NW_MODEL_COUNT},
        {.name = "capacity", .label = "capacity", .unit = NW_MODEL_COUNT},
        {.name = "expired",
         .label = sim->want.ttl_us > 0 ? "expired" : NULL,
         .unit = NW_MODEL_COUNT},
        {.name = "bypassed", .label = is_in_bytes ? "bypassed" : NULL, .unit = NW_MODEL_COUNT},
        {.name = "entries", .label = "entries", .unit = NW_MODEL_COUNT},
        {.name = "entries_ratio", .label = "of keys", .unit = NW_MODEL_RATIO},
        {.name = is_in_bytes ? "used_bytes" : "used", .unit = unit},
    };
    report_table(report, "runs", "Policies", columns, RUN_COLUMNS);
    for (size_t i = 0; i < sim->job_count; i++)
        add_run(report, sim, i);
}

/* The same ratios under names for --fail-if: miss_ratio.lru.100000. */
static void add_names(struct report *report, const struct sim_cache *sim)
{
    report_open(report, "miss_ratio", NULL);
    for (size_t p = 0; p < sim->want.policy_count; p++) {
        report_open(report, nw_model_policy_name(sim->want.policies[p]), NULL);
        for (size_t s = 0; s < sim->size_count; s++) {
            size_t i = s * sim->want.policy_count + p;
            char name[32];
            snprintf(name, sizeof name, "%llu", (unsigned long long)sim->sizes[s]);
            if (sim->is_done[i] && sim->counts[i].request_count > 0)
                report_number(report, name, NULL, miss_ratio(&sim->counts[i]), NW_MODEL_RATIO);
            else
                report_absent(report, name, NULL,
                              sim->is_done[i] ? "all requests were warm-up"
                                              : "not played to the end");
        }
        report_close(report);
    }
    report_close(report);
}

/* ---- who won ---- */

/* Jobs of a size by their misses, ties in the order they were asked for; false: not all ended. */
static bool rank(const struct sim_cache *sim, size_t size, size_t order[NW_MODEL_POLICY_COUNT])
{
    for (size_t p = 0; p < sim->want.policy_count; p++) {
        size_t i = size * sim->want.policy_count + p, at = p;
        uint64_t misses = nw_model_cache_misses(&sim->counts[i]);
        if (!sim->is_done[i] || sim->counts[i].request_count == 0)
            return false;
        for (; at > 0 && nw_model_cache_misses(&sim->counts[order[at - 1]]) > misses; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return true;
}

static void add_winner(struct report *report, const struct sim_cache *sim, size_t size)
{
    size_t order[NW_MODEL_POLICY_COUNT], last = sim->want.policy_count - 1;
    if (!rank(sim, size, order))
        return;
    const struct nw_model_cache_counts *best = &sim->counts[order[0]];
    const struct nw_model_cache_counts *second = &sim->counts[order[1]];
    const struct nw_model_cache_counts *worst = &sim->counts[order[last]];
    uint64_t misses = nw_model_cache_misses(best);
    bool is_tie = misses == nw_model_cache_misses(worst);
    struct report_cell cells[] = {
        number((double)sim->sizes[size]),
        text(is_tie ? "all alike" : nw_model_policy_name(sim->jobs[order[0]].policy)),
        number(miss_ratio(best)),
        text(nw_model_policy_name(sim->jobs[order[1]].policy)),
        number(1 - ratio(misses, nw_model_cache_misses(second))),
        text(nw_model_policy_name(sim->jobs[order[last]].policy)),
        number(1 - ratio(misses, nw_model_cache_misses(worst))),
    };
    cells[3].is_absent = is_tie; /* nobody is second */
    cells[4].is_absent = is_tie || nw_model_cache_misses(second) == 0;
    cells[5].is_absent = is_tie;
    cells[6].is_absent = is_tie || nw_model_cache_misses(worst) == 0;
    report_row(report, cells, NW_COUNT(cells));
}

static void add_winners(struct report *report, const struct sim_cache *sim)
{
    nw_model_unit unit = sim->want.is_in_bytes ? NW_MODEL_BYTES : NW_MODEL_COUNT;
    const struct report_column columns[] = {
        {.name = sim->want.is_in_bytes ? "size_bytes" : "size", .label = "size", .unit = unit},
        {.name = "winner", .label = "fewest misses", .is_text = true},
        {.name = "miss_ratio", .label = "miss ratio", .unit = NW_MODEL_RATIO},
        {.name = "second", .label = "second", .is_text = true},
        {.name = "fewer_than_second_ratio", .label = "fewer misses", .unit = NW_MODEL_RATIO},
        {.name = "last", .label = "last", .is_text = true},
        {.name = "fewer_than_last_ratio", .label = "fewer misses", .unit = NW_MODEL_RATIO},
    };
    if (sim->want.policy_count < 2)
        return;
    report_table(report, "best", "Best at each size", columns, NW_COUNT(columns));
    for (size_t s = 0; s < sim->size_count; s++)
        add_winner(report, sim, s);
}

/* ---- curves ---- */

static void add_curve(struct report *report, const struct sim_cache_curve *curve)
{
    const struct report_column columns[] = {
        {.name = "size", .label = "size", .unit = NW_MODEL_COUNT},
        {.name = "miss_ratio", .label = "LRU, exact", .unit = NW_MODEL_RATIO},
        {.name = "miss_ratio_estimate", .label = "estimated", .unit = NW_MODEL_RATIO},
    };
    report_table(report, "mrc", "Miss-ratio curve of LRU", columns, NW_COUNT(columns));
    for (size_t i = 0; i < curve->count; i++) {
        struct report_cell cells[] = {number((double)curve->sizes[i]), number(curve->exact[i]),
                                      number(curve->estimate[i])};
        cells[1].is_absent = !curve->has_exact;
        cells[2].is_absent = !curve->has_estimate;
        report_row(report, cells, NW_COUNT(cells));
    }
    if (!curve->has_exact && curve->why_no_exact != NULL)
        report_line(report, "No exact curve: %s.", curve->why_no_exact);
}

static void add_series(struct nw_model_chart *chart, const char *name, const double *x,
                       const double *y, size_t count)
{
    chart->series[chart->series_count++] = (struct nw_model_chart_series){
        .name = name, .kind = NW_MODEL_CHART_LINE, .x = x, .y = y, .count = count};
}

static void add_chart(struct report *report, struct sim_cache *sim)
{
    struct nw_model_chart *chart = &sim->chart;
    size_t sizes = sim->size_count, policies = sim->want.policy_count;
    *chart = (struct nw_model_chart){
        .title = "Miss ratio by size of the cache",
        .what = "One line for each policy; lower is better.",
        .currency = "",
        .x = {.label = "size of the cache",
              .unit = sim->want.is_in_bytes ? NW_MODEL_BYTES : NW_MODEL_COUNT,
              .is_log = true},
        .y = {.label = "miss ratio", .unit = NW_MODEL_RATIO, .is_from_zero = true},
    };
    sim->points = nw_alloc_array((policies + 1) * sizes + 1, sizeof(double));
    for (size_t s = 0; s < sizes; s++)
        sim->points[s] = (double)sim->sizes[s];
    for (size_t p = 0; p < policies && sizes > 1; p++) {
        double *y = sim->points + (p + 1) * sizes;
        for (size_t s = 0; s < sizes; s++) {
            size_t i = s * policies + p;
            y[s] = sim->is_done[i] ? miss_ratio(&sim->counts[i]) : (double)NAN;
        }
        add_series(chart, nw_model_policy_name(sim->want.policies[p]), sim->points, y, sizes);
    }
    const struct sim_cache_curve *curve = &sim->curve;
    if (curve->has_exact && !sim->want.is_in_bytes)
        add_series(chart, "LRU, exact", curve->x, curve->exact, curve->count);
    else if (curve->has_estimate && !sim->want.is_in_bytes)
        add_series(chart, "LRU, estimated", curve->x, curve->estimate, curve->count);
    if (chart->series_count > 0)
        report_chart(report, NULL, chart);
}

/* ---- all of it ---- */

static void add_words(struct report *report, const struct sim_cache *sim)
{
    uint64_t largest = sim->size_count > 0 ? sim->sizes[sim->size_count - 1] : 0;
    report_open(report, NULL, "How sure it is");
    report_line(report, "The counts are exact for this trace, and hold for traffic like it. No "
                        "policy is the best one everywhere.");
    if (!sim->want.is_invented && sim->trace.model.request_count > 0)
        report_line(report,
                    "Of the requests %.2f%% were the first for their key: the longer the trace, "
                    "the fewer. A cache that has been running for long does not pay them again; "
                    "--warmup leaves the beginning out.",
                    100.0 * sim->trace.model.key_count / (double)sim->trace.model.request_count);
    if (!sim->want.is_in_bytes && largest >= sim->trace.model.key_count)
        report_line(report,
                    "The largest cache holds all keys of the trace: every miss there is a first "
                    "request, and no policy can do anything about that.");
    report_close(report);
}

struct report *sim_cache_report(struct sim_cache *sim)
{
    struct report *report = report_new("newel.sim.cache/1", "Cache simulation");
    const struct sim_cache_want *want = &sim->want;
    add_trace(report, sim);
    bool has_more = want->ttl_us > 0 || want->top->overhead_bytes > 0 ||
                    (sim->job_count > 0 && sim->jobs[0].warmup_requests > 0);
    report_open(report, "cache", has_more ? "Cache" : NULL);
    report_number(report, "ttl_s", want->ttl_us > 0 ? "time to live" : NULL, want->top->ttl_s,
                  NW_MODEL_SECONDS);
    report_number(report, "overhead_bytes",
                  want->top->overhead_bytes > 0 ? "overhead of an entry" : NULL,
                  (double)want->top->overhead_bytes, NW_MODEL_BYTES);
    report_number(report, "warmup_requests",
                  sim->job_count > 0 && sim->jobs[0].warmup_requests > 0
                      ? "requests played before counting"
                      : NULL,
                  sim->job_count > 0 ? (double)sim->jobs[0].warmup_requests : 0, NW_MODEL_COUNT);
    report_close(report);
    if (sim->job_count > 0) {
        add_runs(report, sim);
        add_winners(report, sim);
        add_names(report, sim);
        if (sim->curve.is_wanted)
            add_curve(report, &sim->curve);
        add_chart(report, sim);
        add_words(report, sim);
    }
    mark_missing(report, sim);
    return report;
}
