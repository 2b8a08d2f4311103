/*
 * A recorded load becomes knots like a written one, so the simulator knows no files.
 *
 * An access log is counted second by second. Its lines stand in the order in which requests ended,
 * so a line may be older than the one before it; an hour of room before the first one is enough for
 * any request that newel lets live.
 */
#include "cmd/sim_fleet_load.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/sim_fleet_file.h"
#include "cmd/trace_file.h"
#include "conf/value.h"

enum { MISTAKES_MAX = 10, BACK_MAX_S = 3600 };

/* ---- CSV ---- */

struct csv {
    const char *name;
    struct nw_diag *diag;
    struct nw_model_fleet_knot *knots;
    size_t count, cap;
    int line, mistakes;
    bool has_heading;
};

static void blame(struct csv *csv, const char *hint, const char *sentence)
{
    if (csv->mistakes++ < MISTAKES_MAX)
        nw_diag_add(csv->diag, false, csv->name, csv->line, 1, NULL, hint, "%s", sentence);
}

/* A plain number without spaces around it. */
static bool take_number(struct nw_slice text, double *out)
{
    struct nw_conf_why why;
    return nw_conf_value_number(nw_slice_trim(text), out, &why) == NW_OK;
}

static void knot_add(struct csv *csv, double at_s, double rate_per_s)
{
    if (csv->count == csv->cap) {
        csv->cap = csv->cap == 0 ? 1024 : 2 * csv->cap;
        csv->knots = nw_realloc(csv->knots, csv->cap * sizeof *csv->knots);
    }
    csv->knots[csv->count++] = (struct nw_model_fleet_knot){at_s, rate_per_s};
}

/* The first line with words instead of numbers. */
static bool is_heading(struct csv *csv, struct nw_slice first, bool has_comma)
{
    double number;
    if (csv->count > 0 || csv->has_heading || !has_comma || take_number(first, &number))
        return false;
    csv->has_heading = true;
    return true;
}

static void line_take(struct csv *csv, struct nw_slice line)
{
    size_t comma = nw_slice_find(line, ',');
    bool has_comma = comma < line.len;
    struct nw_slice first = nw_slice_first(line, comma);
    struct nw_slice rest = nw_slice_skip(line, has_comma ? comma + 1 : comma);
    double at_s, rate_per_s;
    if (is_heading(csv, first, has_comma))
        return;
    if (!take_number(first, &at_s) || !take_number(rest, &rate_per_s)) {
        blame(csv, "0,3000", "expected seconds, a comma and requests per second");
        return;
    }
    if (rate_per_s > NW_MODEL_FLEET_RATE_MAX_PER_S)
        blame(csv, NULL, "the rate is above 1e12 per second");
    else if (csv->count == 0 && at_s != 0)
        blame(csv, "0,…", "the first line must be for 0 seconds");
    else if (csv->count > 0 && at_s <= csv->knots[csv->count - 1].at_s)
        blame(csv, NULL, "the seconds must rise from line to line");
    else if (csv->count == FLEET_KNOTS_MAX)
        blame(csv, NULL, "there are more than 4,000,000 lines");
    else
        knot_add(csv, at_s, rate_per_s);
}

nw_err fleet_load_csv(struct nw_slice text, const char *name, struct nw_diag *diag,
                      struct nw_model_fleet_knot **out_knots, size_t *out_count)
{
    struct csv csv = {.name = name, .diag = diag};
    struct nw_slice line;
    while (csv.mistakes <= MISTAKES_MAX && nw_slice_split(&text, '\n', &line)) {
        csv.line++;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = nw_slice_trim(line);
        if (line.len > 0 && line.ptr[0] != '#')
            line_take(&csv, line);
    }
    if (csv.mistakes == 0 && csv.count == 0) {
        csv.line = 0;
        blame(&csv, "0,3000", "has no line of seconds and a rate");
    }
    if (csv.mistakes > 0) {
        nw_free(csv.knots);
        return NW_INVALID;
    }
    *out_knots = csv.knots;
    *out_count = csv.count;
    return NW_OK;
}

/* ---- access log ---- */

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
