/*
 * An access log is counted second by second. Its lines stand in the order in which requests ended,
 * so a line may be older than the one before it; an hour of room before the first one is enough for
 * any request that newel lets live.
 */
#include "cmd/sim_fleet_load.h"

#include <string.h>

#include "base/alloc.h"
#include "cmd/sim_fleet_file.h"
#include "cmd/trace_file.h"

enum { BACK_MAX_S = 3600 };

struct counts {
    double *seconds;
    size_t cap;
    int64_t base_s, first_s, last_s;
    bool has_any;
};

static const char *second_count(struct counts *counts, const struct nw_trace_record *record)
{
    if (!record->has_time)
        return "its lines have no time";
    int64_t at_s = record->time_us / 1000000;
    if (!counts->has_any) {
        counts->base_s = at_s - BACK_MAX_S;
        counts->first_s = counts->last_s = at_s;
        counts->has_any = true;
    }
    if (at_s < counts->base_s)
        return "its times jump back by more than an hour";
    uint64_t index = (uint64_t)(at_s - counts->base_s);
    if (index >= FLEET_KNOTS_MAX)
        return "it spans more than 46 days";
    if (index >= counts->cap) {
        size_t cap = counts->cap == 0 ? 8192 : counts->cap;
        while (cap <= index)
            cap *= 2;
        counts->seconds = nw_realloc(counts->seconds, cap * sizeof *counts->seconds);
        memset(counts->seconds + counts->cap, 0, (cap - counts->cap) * sizeof *counts->seconds);
        counts->cap = cap;
    }
    counts->seconds[index]++;
    counts->first_s = at_s < counts->first_s ? at_s : counts->first_s;
    counts->last_s = at_s > counts->last_s ? at_s : counts->last_s;
    return NULL;
}

static nw_err log_count(struct trace_file *file, const char *path, struct counts *counts,
                        struct nw_diag *diag)
{
    struct nw_trace_record record;
    const char *why = NULL;
    nw_err err;
    while (why == NULL && (err = trace_file_next(file, &record)) == NW_OK)
        why = second_count(counts, &record);
    if (why == NULL && err != NW_NOT_FOUND)
        why = trace_file_why(file);
    const struct nw_trace_counts *lines = trace_file_counts(file);
    struct trace_file_end end = trace_file_end(file);
    if (why == NULL && lines->bad * 100 > lines->records + lines->bad)
        why = "more than one line in a hundred is no line of an access log";
    if (why == NULL && !counts->has_any)
        why = "it has no GET or HEAD request";
    if (why != NULL) {
        nw_diag_add(diag, false, path, 0, 0, NULL, NULL, "%s", why);
        return NW_INVALID;
    }
    if (end.is_cut)
        nw_diag_add(diag, true, path, (int)end.line, 0, NULL, NULL,
                    "is cut off at byte %llu: %s; what stands before it is the load",
                    (unsigned long long)end.offset, end.why);
    return NW_OK;
}

nw_err fleet_load_log(const char *path, struct nw_diag *diag,
                      struct nw_model_fleet_knot **out_knots, size_t *out_count)
{
    struct trace_file_options options = {
        .path = path, .has_format = true, .format = NW_TRACE_ACCESS, .window_max_bytes = 128 << 20};
    NW_CLEANUP(trace_file_close) struct trace_file *file = NULL;
    struct counts counts = {0};
    char *why = NULL;
    if (trace_file_open(&options, &file, &why) != NW_OK) {
        nw_diag_add(diag, false, path, 0, 0, NULL, NULL, "%s", why);
        nw_free(why);
        return NW_INVALID;
    }
    nw_err err = log_count(file, path, &counts, diag);
    if (err == NW_OK) {
        size_t count = (size_t)(counts.last_s - counts.first_s) + 1;
        struct nw_model_fleet_knot *knots = nw_alloc_array(count, sizeof *knots);
        const double *seconds = counts.seconds + (counts.first_s - counts.base_s);
        for (size_t i = 0; i < count; i++)
            knots[i] = (struct nw_model_fleet_knot){(double)i, seconds[i]};
        *out_knots = knots;
        *out_count = count;
    }
    nw_free(counts.seconds);
    return err;
}
