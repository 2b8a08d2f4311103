/*
 * The bound is looked at every 1,024 requests, with what the next 1,024 could need at worst: each a
 * new key, and the table and the columns at the moment of their growth, when old and new are there
 * together. So nothing is allocated beyond it, and a look costs nothing.
 */
#include "cmd/sim_trace.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/text.h"
#include "io/system.h"
#include "model/keytable.h"

enum { LOOK_EVERY = 1024, PROGRESS_EVERY = 65536 };

/* Blocks and line buffers of the reader, beside a window. */
#define READER_BYTES (UINT64_C(1) << 20)
#define BAD_RATIO_MAX 0.01

struct reading {
    const struct sim_trace_options *options;
    struct trace_file *file;
    struct nw_model_keytable *keys;
    struct sim_trace out;
    uint32_t *size_of; /* by id, where requests may lack a size: the last that was known */
    uint64_t size_room;
    uint64_t budget_bytes; /* what is left for keys and columns */
    char *why;
};

static nw_err fail(struct reading *r, nw_err err, const char *format, ...) NW_PRINTF(3, 4);
static nw_err fail(struct reading *r, nw_err err, const char *format, ...)
{
    struct nw_text text = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&text, format, args);
    va_end(args);
    nw_free(r->why);
    r->why = nw_alloc_string(nw_text_slice(&text));
    nw_text_done(&text);
    return err;
}

void sim_trace_places(const struct nw_trace_counts *counts, struct nw_text *out)
{
    for (unsigned i = 0; i < counts->first_bad_count; i++)
        nw_text_addf(out, "%sline %llu (byte %llu): %s", i > 0 ? "; " : "",
                     (unsigned long long)counts->first_bad[i].line,
                     (unsigned long long)counts->first_bad[i].offset, counts->first_bad[i].why);
}

/* ---- memory ---- */

static bool is_sparse(const struct reading *r)
{
    return r->out.has_sizes && r->out.format == NW_TRACE_ACCESS;
}

static uint64_t request_bytes(const struct reading *r)
{
    return sizeof(uint32_t) + (r->out.has_sizes ? sizeof(uint32_t) : 0) +
           (r->out.has_times && r->options->keeps_times ? sizeof(uint64_t) : 0);
}

static uint64_t need_bytes(const struct reading *r, uint64_t requests, uint64_t keys)
{
    uint64_t sparse = is_sparse(r) ? keys * 3 * sizeof(uint32_t) : 0;
    uint64_t columns = requests <= r->out.model.room
                           ? r->out.model.room * request_bytes(r)
                           : nw_model_trace_bytes_for(requests, r->out.has_sizes,
                                                      r->out.has_times && r->options->keeps_times);
    return columns + nw_model_keytable_bytes_for(keys) + sparse;
}

static nw_err refuse(struct reading *r)
{
    char memory[NW_CLOCK_SIZE_BYTES], need[NW_CLOCK_SIZE_BYTES];
    uint64_t requests = r->out.model.request_count;
    uint32_t keys = nw_model_keytable_count(r->keys);
    if (requests + LOOK_EVERY > NW_MODEL_REQUESTS_MAX || keys + LOOK_EVERY > NW_MODEL_KEYS_MAX)
        return fail(r, NW_NO_MEMORY,
                    "it has more than 4,294,967,293 requests or keys, which is as far as a "
                    "simulation counts");
    return fail(
        r, NW_NO_MEMORY,
        "it needs more memory than --memory %s: after %llu requests with %u keys the next "
        "ones may need %s; nothing was simulated",
        nw_clock_size(r->options->memory_max_bytes, memory), (unsigned long long)requests, keys,
        nw_clock_size(r->options->memory_max_bytes - r->budget_bytes +
                          need_bytes(r, requests + LOOK_EVERY, (uint64_t)keys + LOOK_EVERY),
                      need));
}

static bool has_room(const struct reading *r)
{
    uint64_t requests = r->out.model.request_count + LOOK_EVERY;
    uint64_t keys = (uint64_t)nw_model_keytable_count(r->keys) + LOOK_EVERY;
    return requests <= NW_MODEL_REQUESTS_MAX && keys <= NW_MODEL_KEYS_MAX &&
           need_bytes(r, requests, keys) <= r->budget_bytes;
}

/* What the file's size says about it, before the first request is read. */
static nw_err judge_size(struct reading *r, uint64_t expected)
{
    char memory[NW_CLOCK_SIZE_BYTES], need[NW_CLOCK_SIZE_BYTES];
    uint64_t columns = expected * request_bytes(r);
    if (columns <= r->budget_bytes && expected <= NW_MODEL_REQUESTS_MAX)
        return NW_OK;
    return fail(r, NW_NO_MEMORY,
                "it holds %s%llu requests, whose columns alone need %s; --memory is %s and %u "
                "requests are as far as a simulation counts; nothing was read",
                r->out.format == NW_TRACE_ORACLE ? "" : "about ", (unsigned long long)expected,
                nw_clock_size(columns, need), nw_clock_size(r->options->memory_max_bytes, memory),
                NW_MODEL_REQUESTS_MAX);
}

/* ---- requests ---- */

/* The size of a request that has none is the last one of its key. */
static uint64_t fill_size(struct reading *r, uint32_t id, const struct nw_trace_record *record)
{
    if (id >= r->size_room) {
        uint64_t room = r->size_room > 0 ? r->size_room * 2 : LOOK_EVERY;
        r->size_of = nw_realloc(r->size_of, room * sizeof *r->size_of);
        memset(r->size_of + r->size_room, 0, (room - r->size_room) * sizeof *r->size_of);
        r->size_room = room;
    }
    if (record->has_size)
        r->size_of[id] =
            record->size_bytes < UINT32_MAX ? (uint32_t)record->size_bytes : UINT32_MAX;
    return r->size_of[id];
}

static void note_time(struct sim_trace *out, int64_t time_us, int64_t *last_us)
{
    bool is_first = out->model.request_count == 0;
    out->back_count += !is_first && time_us < *last_us;
    out->first_us = is_first || time_us < out->first_us ? time_us : out->first_us;
    out->last_us = is_first || time_us > out->last_us ? time_us : out->last_us;
    *last_us = time_us;
}

static nw_err add_request(struct reading *r, const struct nw_trace_record *record)
{
    uint32_t id;
    NW_TRY(record->has_id ? nw_model_keytable_intern_u64(r->keys, record->id, &id)
                          : nw_model_keytable_intern(r->keys, record->key, &id));
    uint64_t size = is_sparse(r) ? fill_size(r, id, record) : record->size_bytes;
    return nw_model_trace_add(&r->out.model, id, size, (uint64_t)record->time_us);
}

static void tell(const struct reading *r)
{
    if (r->options->progress != NULL)
        r->options->progress(r->options->progress_arg, r->out.model.request_count,
                             trace_file_bytes_read(r->file), trace_file_bytes_total(r->file));
}

/* Which columns the trace has: its first record says so, but for logs, where it may lack a size. */
static nw_err start(struct reading *r, const struct nw_trace_record *first, uint64_t expected)
{
    bool is_log = r->out.format == NW_TRACE_ACCESS;
    r->out.has_sizes = is_log || first->has_size;
    r->out.has_times = is_log || first->has_time;
    NW_TRY(judge_size(r, expected));
    nw_model_trace_init(&r->out.model, r->out.has_sizes,
                        r->out.has_times && r->options->keeps_times,
                        r->out.format == NW_TRACE_ORACLE ? expected : 0, r->budget_bytes);
    return NW_OK;
}

static nw_err read_requests(struct reading *r)
{
    struct nw_trace_record record;
    uint64_t expected = trace_file_requests_expected(r->file);
    int64_t last_us = 0;
    nw_err err = trace_file_next(r->file, &record);
    if (err != NW_OK)
        return err;
    NW_TRY(start(r, &record, expected));
    for (; err == NW_OK; err = trace_file_next(r->file, &record)) {
        if (r->out.model.request_count % LOOK_EVERY == 0 && !has_room(r))
            return refuse(r);
        if (r->out.model.request_count % PROGRESS_EVERY == 0)
            tell(r);
        if (r->out.has_times)
            note_time(&r->out, record.time_us, &last_us);
        if (add_request(r, &record) != NW_OK)
            return refuse(r);
    }
    return err;
}

static nw_err judge_bad(struct reading *r)
{
    const struct nw_trace_counts *counts = &r->out.counts;
    uint64_t lines = counts->records + counts->bad;
    if (r->options->keeps_bad || (double)counts->bad <= BAD_RATIO_MAX * (double)lines)
        return NW_OK;
    struct nw_text places = {0};
    sim_trace_places(counts, &places);
    nw_err err =
        fail(r, NW_INVALID,
             "%llu of %llu lines cannot be read as %s, more than 1%%: %s. --skip-bad reads "
             "the others, --format says what it is",
             (unsigned long long)counts->bad, (unsigned long long)lines,
             nw_trace_format_name(r->out.format), places.ptr);
    nw_text_done(&places);
    return err;
}

static nw_err read_all(struct reading *r)
{
    nw_err err = trace_file_open(&r->options->file, &r->file, &r->why);
    if (err != NW_OK)
        return err;
    r->out.format = trace_file_format(r->file);
    r->out.packing = trace_file_packing(r->file);
    struct nw_hash_key key;
    nw_system_random(&key, sizeof key);
    r->keys = nw_model_keytable_new(key, r->budget_bytes);
    err = read_requests(r);
    if (r->why != NULL)
        return err;
    r->out.is_stopped = err == NW_CANCELLED;
    if (err != NW_NOT_FOUND && err != NW_CANCELLED)
        return fail(r, err, "%s (%llu requests were read before; nothing was simulated)",
                    trace_file_why(r->file), (unsigned long long)r->out.model.request_count);
    r->out.counts = *trace_file_counts(r->file);
    r->out.end = trace_file_end(r->file);
    NW_TRY(judge_bad(r));
    if (r->out.end.why != NULL) { /* it may lie in the file, which is closed soon */
        snprintf(r->out.end_why, sizeof r->out.end_why, "%s", r->out.end.why);
        r->out.end.why = r->out.end_why;
    }
    if (r->out.model.request_count == 0 && !r->out.is_stopped)
        return fail(r, NW_INVALID, "it holds no requests%s%s", r->out.end.is_cut ? ": " : "",
                    r->out.end.is_cut ? r->out.end_why : "");
    return NW_OK;
}

nw_err sim_trace_read(const struct sim_trace_options *options, struct sim_trace *out,
                      char **out_why)
{
    NW_ASSERT(options->memory_max_bytes >= READER_BYTES);
    struct reading r = {.options = options};
    r.budget_bytes = options->memory_max_bytes - options->memory_max_bytes / 8;
    if (r.budget_bytes > options->memory_max_bytes - READER_BYTES)
        r.budget_bytes = options->memory_max_bytes - READER_BYTES;
    nw_err err = read_all(&r);
    nw_model_keytable_free(r.keys);
    nw_free(r.size_of);
    if (err == NW_OK) {
        *out = r.out;
        if (out->end.why != NULL)
            out->end.why = out->end_why;
    } else {
        nw_model_trace_done(&r.out.model);
        *out_why = r.why;
    }
    trace_file_close(r.file);
    return err;
}

void sim_trace_done(struct sim_trace *trace)
{
    nw_model_trace_done(&trace->model);
}
