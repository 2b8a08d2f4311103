/*
 * A trace is cut into lines here and nowhere else. A record that lies whole in a piece is judged
 * where it lies; only one that runs over the end of a piece is copied, into a buffer that holds a
 * line at most. The search for the line end goes on where it stopped, so a line that comes byte by
 * byte costs as much as one that comes at once.
 *
 * Whether a line is too long depends on its own length alone, never on how much of it happened to
 * be there: the window that is searched is cut to the bound first.
 */
#include "proto/trace.h"

#include <stdio.h>

#include "base/assert.h"
#include "proto/trace_impl.h"

static const char *const format_names[NW_TRACE_FORMAT_COUNT] = {"text", "csv", "oracleGeneral",
                                                                "access"};

const char *nw_trace_format_name(nw_trace_format format)
{
    NW_ASSERT(format < NW_TRACE_FORMAT_COUNT);
    return format_names[format];
}

nw_err nw_trace_format_find(struct nw_slice name, nw_trace_format *out)
{
    for (unsigned i = 0; i < NW_TRACE_FORMAT_COUNT; i++) {
        if (!nw_slice_eq_nocase(name, nw_slice_str(format_names[i])))
            continue;
        *out = (nw_trace_format)i;
        return NW_OK;
    }
    return NW_NOT_FOUND;
}

struct nw_trace *nw_trace_new(const struct nw_trace_options *options)
{
    NW_ASSERT(options->format < NW_TRACE_FORMAT_COUNT);
    struct nw_trace *trace = nw_alloc_zero(sizeof *trace);
    trace->format = options->format;
    trace->columns = options->columns;
    struct nw_trace_column *columns[] = {&trace->columns.key, &trace->columns.size,
                                         &trace->columns.time};
    for (size_t i = 0; i < NW_COUNT(columns); i++)
        if (columns[i]->name.len > 0)
            columns[i]->name.ptr = nw_alloc_string(columns[i]->name);
    bool is_named = options->columns.key.name.len > 0 || options->columns.size.name.len > 0 ||
                    options->columns.time.name.len > 0;
    trace->is_header_due = is_named || options->columns.key.number == 0;
    trace->is_first = true;
    trace->line = 1;
    trace->held = nw_alloc(NW_TRACE_LINE_MAX_BYTES);
    trace->target = nw_alloc(NW_TRACE_LINE_MAX_BYTES);
    trace->key = nw_alloc((size_t)2 * NW_TRACE_LINE_MAX_BYTES);
    return trace;
}

void nw_trace_free(struct nw_trace *trace)
{
    if (trace == NULL)
        return;
    struct nw_trace_column *columns[] = {&trace->columns.key, &trace->columns.size,
                                         &trace->columns.time};
    for (size_t i = 0; i < NW_COUNT(columns); i++)
        if (columns[i]->name.len > 0)
            nw_free((void *)(uintptr_t)columns[i]->name.ptr);
    nw_free(trace->held);
    nw_free(trace->target);
    nw_free(trace->key);
    nw_free(trace);
}

const struct nw_trace_counts *nw_trace_counts(const struct nw_trace *trace)
{
    return &trace->counts;
}

const char *nw_trace_trouble(const struct nw_trace *trace)
{
    return trace->trouble;
}

/* ---- counting ---- */

static void count_bad(struct nw_trace *trace, const char *why)
{
    struct nw_trace_counts *counts = &trace->counts;
    counts->bad++;
    if (counts->first_bad_count < NW_TRACE_PLACES_MAX)
        counts->first_bad[counts->first_bad_count++] =
            (struct nw_trace_place){trace->offset, trace->line, why};
}

/* The judged bytes are behind us. */
static void move_over(struct nw_trace *trace, struct nw_slice bytes)
{
    trace->offset += bytes.len;
    trace->scan = (struct trace_scan){0};
    if (trace->format != NW_TRACE_CSV) {
        trace->line++;
        return;
    }
    for (size_t at = nw_slice_find(bytes, '\n'); at < bytes.len; at = nw_slice_find(bytes, '\n')) {
        trace->line++;
        bytes = nw_slice_skip(bytes, at + 1);
    }
}

/* ---- one line ---- */

static trace_verdict judge(struct nw_trace *trace, struct nw_slice line,
                           struct nw_trace_record *out, const char **out_why)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (trace->is_first && nw_slice_starts_with(line, NW_SLICE("\xef\xbb\xbf")))
        line = nw_slice_skip(line, 3); /* the mark with which some editors begin UTF-8 */
    *out = (struct nw_trace_record){.offset = trace->offset};
    trace_verdict verdict;
    switch (trace->format) {
    case NW_TRACE_CSV: verdict = trace_csv_judge(trace, line, out, out_why); break;
    case NW_TRACE_ACCESS: verdict = trace_access_judge(trace, line, out, out_why); break;
    default: verdict = trace_text_judge(trace, line, out, out_why); break;
    }
    trace->is_first &= line.len == 0;
    return verdict;
}

static nw_err settle(struct nw_trace *trace, trace_verdict verdict, const char *why)
{
    switch (verdict) {
    case TRACE_RECORD: trace->counts.records++; return NW_OK;
    case TRACE_SKIP: trace->counts.skipped++; return NW_AGAIN;
    case TRACE_BAD: count_bad(trace, why); return NW_AGAIN;
    default: return NW_INVALID;
    }
}

static size_t line_extent(struct trace_scan *scan, struct nw_slice window)
{
    struct nw_slice rest = nw_slice_skip(window, scan->at);
    size_t at = nw_slice_find(rest, '\n');
    if (at < rest.len)
        return scan->at + at + 1;
    scan->at = window.len;
    return 0;
}

/* Too long: its first line is bad; the rest of it, if no line end is in sight, is skipped. */
static size_t give_up(struct nw_trace *trace, struct nw_slice window)
{
    size_t at = nw_slice_find(window, '\n');
    count_bad(trace, at < window.len ? "a quote is never closed" : "the line is too long");
    if (at < window.len) {
        move_over(trace, nw_slice_first(window, at + 1));
        return at + 1;
    }
    trace->is_skipping = true;
    trace->offset += window.len;
    trace->scan = (struct trace_scan){0};
    return window.len;
}

static size_t skip_on(struct nw_trace *trace, struct nw_slice window)
{
    size_t at = nw_slice_find(window, '\n');
    size_t used = at < window.len ? at + 1 : window.len;
    trace->offset += used;
    trace->line += at < window.len;
    trace->is_skipping = at == window.len;
    return used;
}

/*
 * Judges the first line of the window. NW_OK a record, NW_AGAIN none, NW_INVALID trouble; *out_used
 * 0: the line goes on behind the window.
 */
static nw_err take_line(struct nw_trace *trace, struct nw_slice window, size_t *out_used,
                        struct nw_trace_record *out)
{
    if (NW_UNLIKELY(trace->is_skipping)) {
        *out_used = skip_on(trace, window);
        return NW_AGAIN;
    }
    window = nw_slice_first(window, NW_TRACE_LINE_MAX_BYTES);
    bool is_broken = false;
    size_t used = trace->format == NW_TRACE_CSV ? trace_csv_extent(&trace->scan, window, &is_broken)
                                                : line_extent(&trace->scan, window);
    if (used == 0 && window.len == NW_TRACE_LINE_MAX_BYTES)
        used = give_up(trace, window);
    else if (used > 0) {
        const char *why = "the quotes are not as RFC 4180 has them";
        struct nw_slice line = nw_slice_first(window, used);
        trace_verdict verdict = is_broken ? TRACE_BAD : judge(trace, line, out, &why);
        nw_err err = settle(trace, verdict, why);
        move_over(trace, line);
        *out_used = used;
        return err;
    }
    *out_used = used;
    return NW_AGAIN;
}

/* ---- pieces ---- */

static struct nw_slice held_window(const struct nw_trace *trace)
{
    return nw_slice_of(trace->held + trace->held_at, trace->held_end - trace->held_at);
}

/* Copies from the piece up to its first line end, or as much as is there or fits. */
static void hold(struct nw_trace *trace, struct nw_slice *piece)
{
    size_t held = trace->held_end - trace->held_at;
    if (trace->held_at > 0)
        memmove(trace->held, trace->held + trace->held_at, held);
    size_t at = nw_slice_find(*piece, '\n');
    size_t bytes = at < piece->len ? at + 1 : piece->len;
    if (bytes > NW_TRACE_LINE_MAX_BYTES - held)
        bytes = NW_TRACE_LINE_MAX_BYTES - held;
    memcpy(trace->held + held, piece->ptr, bytes);
    trace->held_at = 0;
    trace->held_end = held + bytes;
    *piece = nw_slice_skip(*piece, bytes);
}

static nw_err read_lines(struct nw_trace *trace, struct nw_slice *piece,
                         struct nw_trace_record *out)
{
    for (;;) {
        bool is_held = trace->held_end > trace->held_at;
        struct nw_slice window = is_held ? held_window(trace) : *piece;
        if (window.len == 0)
            return NW_AGAIN;
        size_t used;
        nw_err err = take_line(trace, window, &used, out);
        if (is_held)
            trace->held_at += used;
        else
            *piece = nw_slice_skip(*piece, used);
        if (err != NW_AGAIN)
            return err;
        if (used > 0)
            continue;
        if (piece->len == 0)
            return NW_AGAIN;
        hold(trace, piece);
    }
}

static nw_err read_oracle(struct nw_trace *trace, struct nw_slice *piece,
                          struct nw_trace_record *out)
{
    const char *at = piece->ptr;
    if (NW_UNLIKELY(trace->held_end > 0 || piece->len < TRACE_ORACLE_BYTES)) {
        size_t missing = TRACE_ORACLE_BYTES - trace->held_end;
        size_t bytes = piece->len < missing ? piece->len : missing;
        if (bytes > 0)
            memcpy(trace->held + trace->held_end, piece->ptr, bytes);
        trace->held_end += bytes;
        *piece = nw_slice_skip(*piece, bytes);
        if (trace->held_end < TRACE_ORACLE_BYTES)
            return NW_AGAIN;
        trace->held_end = 0;
        at = trace->held;
    } else {
        *piece = nw_slice_skip(*piece, TRACE_ORACLE_BYTES);
    }
    *out = (struct nw_trace_record){.offset = trace->offset};
    trace_oracle_judge(at, out);
    trace->offset += TRACE_ORACLE_BYTES;
    trace->line++;
    trace->counts.records++;
    return NW_OK;
}

nw_err nw_trace_read(struct nw_trace *trace, struct nw_slice *piece, struct nw_trace_record *out)
{
    if (NW_UNLIKELY(trace->trouble[0] != '\0'))
        return NW_INVALID;
    return trace->format == NW_TRACE_ORACLE ? read_oracle(trace, piece, out)
                                            : read_lines(trace, piece, out);
}

static void mark_end(struct nw_trace *trace, bool is_cut, const char *why, uint64_t bytes)
{
    trace->counts.is_cut = is_cut;
    trace->counts.is_unended = !is_cut;
    trace->counts.end = (struct nw_trace_place){trace->offset, trace->line, why};
    trace->counts.end_bytes = bytes;
}

nw_err nw_trace_end(struct nw_trace *trace, struct nw_trace_record *out)
{
    struct nw_slice rest = held_window(trace);
    const char *why = "";
    if (trace->trouble[0] != '\0')
        return NW_INVALID;
    if (trace->is_skipping)
        mark_end(trace, true, "the last line is too long and has no end", 0);
    if (rest.len == 0 || trace->is_skipping)
        return NW_NOT_FOUND;
    if (trace->format == NW_TRACE_ORACLE || trace->scan.state == TRACE_IN_QUOTES) {
        mark_end(trace, true,
                 trace->format == NW_TRACE_ORACLE ? "a record has 24 bytes"
                                                  : "the last line ends within quotes",
                 rest.len);
        return NW_NOT_FOUND;
    }
    bool is_broken = trace->scan.state == TRACE_IN_BROKEN;
    trace_verdict verdict = is_broken ? TRACE_BAD : judge(trace, rest, out, &why);
    trace->held_at = trace->held_end;
    if (verdict == TRACE_BAD) {
        mark_end(trace, true, is_broken ? "the last line breaks off" : why, rest.len);
        return NW_NOT_FOUND;
    }
    if (verdict == TRACE_RECORD)
        mark_end(trace, false, "the last line has no line end", rest.len);
    nw_err err = settle(trace, verdict, why);
    return err == NW_AGAIN ? NW_NOT_FOUND : err;
}
