/*
 * Comma separated values as RFC 4180 has them, and no more: a quote opens a field at its beginning
 * only, inside quotes it is doubled, behind the closing one stands a comma or the line end. Strict
 * because of what leniency costs: a stray quote that is taken for an opening one swallows every
 * line up to the next quote. Here it costs one line.
 */
#include <stdio.h>

#include "proto/trace_impl.h"

/* ---- where a record ends ---- */

static trace_scan_state next_state(trace_scan_state state, char byte)
{
    switch (state) {
    case TRACE_AT_FIELD: /* a doubled quote begins like an empty field */
        return byte == '"' ? TRACE_IN_QUOTES : byte == ',' ? TRACE_AT_FIELD : TRACE_IN_PLAIN;
    case TRACE_IN_PLAIN:
        return byte == ',' ? TRACE_AT_FIELD : byte == '"' ? TRACE_IN_BROKEN : TRACE_IN_PLAIN;
    case TRACE_IN_QUOTES: return byte == '"' ? TRACE_AT_QUOTE : TRACE_IN_QUOTES;
    case TRACE_AT_QUOTE:
        if (byte == '"')
            return TRACE_IN_QUOTES;
        if (byte == '\r')
            return TRACE_AT_RETURN;
        return byte == ',' ? TRACE_AT_FIELD : TRACE_IN_BROKEN;
    default: return TRACE_IN_BROKEN; /* a carriage return without its line end, or worse */
    }
}

/* Most records have no quotes at all: two searches at the speed of memory find that out. */
static size_t plain_extent(struct nw_slice window)
{
    size_t at = nw_slice_find(window, '\n');
    if (at == window.len || nw_slice_find(nw_slice_first(window, at), '"') < at)
        return 0;
    return at + 1;
}

size_t trace_csv_extent(struct trace_scan *scan, struct nw_slice window, bool *out_is_broken)
{
    size_t used = scan->at == 0 ? plain_extent(window) : 0;
    for (size_t at = scan->at; used == 0 && at < window.len; at++) {
        char byte = window.ptr[at];
        if (byte == '\n' && scan->state != TRACE_IN_QUOTES) {
            used = at + 1;
            break;
        }
        scan->state = next_state(scan->state, byte);
        scan->at = at + 1;
        if (scan->state == TRACE_IN_BROKEN) { /* perhaps lines below its first one */
            size_t end = nw_slice_find(window, '\n');
            scan->at = end < window.len ? end : window.len;
            used = end < window.len ? end + 1 : 0;
            break;
        }
    }
    *out_is_broken = used > 0 && scan->state == TRACE_IN_BROKEN;
    return used;
}

/* ---- fields ---- */

/* The next field, as it stands with its quotes; false at the end. */
static bool next_field(struct nw_slice *rest, bool *is_more, struct nw_slice *out)
{
    if (!*is_more)
        return false;
    size_t end = 0;
    if (rest->len > 0 && rest->ptr[0] == '"') {
        bool is_inside = true; /* the quotes are balanced: the extent saw to it */
        for (end = 1; end < rest->len && (is_inside || rest->ptr[end] != ','); end++)
            is_inside ^= rest->ptr[end] == '"';
    } else {
        end = nw_slice_find(*rest, ',');
    }
    *out = nw_slice_first(*rest, end);
    *is_more = end < rest->len;
    *rest = nw_slice_skip(*rest, end + (*is_more ? 1 : 0));
    return true;
}

/* Without its quotes; `to` has room for field.len bytes. */
static struct nw_slice unquote(struct nw_slice field, char *to)
{
    if (field.len < 2 || field.ptr[0] != '"')
        return field;
    struct nw_slice inside = nw_slice_of(field.ptr + 1, field.len - 2);
    if (nw_slice_find(inside, '"') == inside.len)
        return inside;
    size_t len = 0;
    for (size_t i = 0; i < inside.len; i++) {
        to[len++] = inside.ptr[i];
        i += inside.ptr[i] == '"'; /* its twin */
    }
    return nw_slice_of(to, len);
}

struct fields {
    struct nw_slice key, size, time;
    unsigned count;
};

static void split(const struct nw_trace_columns *columns, struct nw_slice line, struct fields *out)
{
    bool is_more = true;
    struct nw_slice field;
    *out = (struct fields){0};
    while (next_field(&line, &is_more, &field)) {
        out->count++;
        if (out->count == columns->key.number)
            out->key = field;
        if (out->count == columns->size.number)
            out->size = field;
        if (out->count == columns->time.number)
            out->time = field;
    }
}

static bool read_time(struct nw_slice text, bool is_ms, int64_t *out_us)
{
    return trace_time_number(text, is_ms, out_us) || trace_time_iso(text, out_us);
}

static trace_verdict judge_fields(struct nw_trace *trace, const struct fields *fields,
                                  struct nw_trace_record *out, const char **out_why)
{
    const struct nw_trace_columns *columns = &trace->columns;
    if (fields->count < columns->key.number || fields->count < columns->size.number ||
        fields->count < columns->time.number) {
        *out_why = "a column is missing";
        return TRACE_BAD;
    }
    if (columns->size.number > 0) {
        struct nw_slice size = nw_slice_trim(unquote(fields->size, trace->target));
        out->has_size = true;
        if (nw_slice_to_u64(size, &out->size_bytes) != NW_OK ||
            out->size_bytes > NW_TRACE_SIZE_MAX_BYTES) {
            *out_why = "the size is not a number of bytes";
            return TRACE_BAD;
        }
    }
    if (columns->time.number > 0) {
        struct nw_slice time = nw_slice_trim(unquote(fields->time, trace->target));
        out->has_time = true;
        if (!read_time(time, columns->is_time_ms, &out->time_us)) {
            *out_why = "the time is neither a number nor a date";
            return TRACE_BAD;
        }
    }
    out->key = unquote(fields->key, trace->key);
    *out_why = "the key is empty";
    return out->key.len > 0 ? TRACE_RECORD : TRACE_BAD;
}

/* ---- the header ---- */

static const struct {
    struct nw_slice name;
    char column;
} known_names[] = {
    {NW_SLICE_LIT("key"), 'k'},       {NW_SLICE_LIT("id"), 'k'},
    {NW_SLICE_LIT("obj_id"), 'k'},    {NW_SLICE_LIT("object"), 'k'},
    {NW_SLICE_LIT("url"), 'k'},       {NW_SLICE_LIT("target"), 'k'},
    {NW_SLICE_LIT("size"), 's'},      {NW_SLICE_LIT("bytes"), 's'},
    {NW_SLICE_LIT("obj_size"), 's'},  {NW_SLICE_LIT("time"), 't'},
    {NW_SLICE_LIT("timestamp"), 't'}, {NW_SLICE_LIT("time_ms"), 'm'},
    {NW_SLICE_LIT("ts"), 't'},        {NW_SLICE_LIT("timestamp_ms"), 'm'},
};

/* 'k', 's', 't', 'm' (milliseconds); 0 for a name that says nothing. */
static char column_of(struct nw_slice name)
{
    for (size_t i = 0; i < NW_COUNT(known_names); i++)
        if (nw_slice_eq_nocase(name, known_names[i].name))
            return known_names[i].column;
    return 0;
}

/* The first column that the header gives a meaning keeps it. */
static void learn(struct nw_trace_columns *columns, struct nw_slice name, unsigned number)
{
    char column = column_of(name);
    if (column == 'k' && columns->key.number == 0)
        columns->key.number = number;
    if (column == 's' && columns->size.number == 0)
        columns->size.number = number;
    if ((column == 't' || column == 'm') && columns->time.number == 0) {
        columns->time.number = number;
        columns->is_time_ms = column == 'm';
    }
}

static void find_named(struct nw_trace_column *column, struct nw_slice name, unsigned number)
{
    if (column->name.len > 0 && column->number == 0 && nw_slice_eq_nocase(name, column->name))
        column->number = number;
}

static trace_verdict judge_header(struct nw_trace *trace, struct nw_slice line)
{
    struct nw_trace_columns *columns = &trace->columns;
    bool is_named =
        columns->key.name.len > 0 || columns->size.name.len > 0 || columns->time.name.len > 0;
    bool is_more = true;
    struct nw_slice field;
    for (unsigned number = 1; next_field(&line, &is_more, &field); number++) {
        struct nw_slice name = nw_slice_trim(unquote(field, trace->key));
        if (!is_named)
            learn(columns, name, number);
        find_named(&columns->key, name, number);
        find_named(&columns->size, name, number);
        find_named(&columns->time, name, number);
    }
    const struct nw_trace_column *asked[] = {&columns->key, &columns->size, &columns->time};
    for (size_t i = 0; i < NW_COUNT(asked); i++) {
        if (asked[i]->name.len == 0 || asked[i]->number > 0)
            continue;
        snprintf(trace->trouble, sizeof trace->trouble, "the header has no column `%.*s`",
                 asked[i]->name.len < 64 ? (int)asked[i]->name.len : 64, asked[i]->name.ptr);
        return TRACE_TROUBLE;
    }
    if (columns->key.number > 0) {
        trace->is_header_due = false;
        return TRACE_SKIP;
    }
    snprintf(trace->trouble, sizeof trace->trouble,
             "the first line is no header that names a `key`: say which column is what, as in "
             "time=1,key=2,size=3");
    return TRACE_TROUBLE;
}

/* With columns by number a header may stand above them: no number where one is due, or "key". */
static bool is_header(const struct nw_trace *trace, const struct fields *fields,
                      trace_verdict verdict)
{
    const struct nw_trace_columns *columns = &trace->columns;
    if (fields->count < columns->key.number)
        return false;
    if (columns->size.number > 0 || columns->time.number > 0)
        return verdict == TRACE_BAD;
    return column_of(nw_slice_trim(fields->key)) == 'k';
}

trace_verdict trace_csv_judge(struct nw_trace *trace, struct nw_slice line,
                              struct nw_trace_record *out, const char **out_why)
{
    const struct nw_trace_columns *columns = &trace->columns;
    if (line.len == 0)
        return TRACE_SKIP;
    if (trace->is_header_due)
        return judge_header(trace, line);
    struct fields fields;
    split(columns, line, &fields);
    trace_verdict verdict = judge_fields(trace, &fields, out, out_why);
    return trace->is_first && is_header(trace, &fields, verdict) ? TRACE_SKIP : verdict;
}

/* ---- what the user says about columns ---- */

static nw_err parse_column(struct nw_slice value, struct nw_trace_column *out, const char **out_why)
{
    uint64_t number;
    value = nw_slice_trim(value);
    *out_why = "a column is a number from 1 to 1000 or a name of the header";
    if (value.len == 0 || value.len > 64)
        return NW_INVALID;
    if (nw_slice_to_u64(value, &number) != NW_OK) {
        out->name = value;
        return NW_OK;
    }
    if (number < 1 || number > NW_TRACE_COLUMN_MAX)
        return NW_INVALID;
    out->number = (unsigned)number;
    return NW_OK;
}

static bool is_given(const struct nw_trace_column *column)
{
    return column->number > 0 || column->name.len > 0;
}

nw_err nw_trace_columns_parse(struct nw_slice text, struct nw_trace_columns *out,
                              const char **out_why)
{
    struct nw_trace_columns columns = {0};
    struct nw_slice part;
    while (nw_slice_split(&text, ',', &part)) {
        size_t equals = nw_slice_find(part, '=');
        struct nw_slice name = nw_slice_trim(nw_slice_first(part, equals));
        bool is_ms = nw_slice_eq(name, NW_SLICE("time_ms"));
        struct nw_trace_column *column = nw_slice_eq(name, NW_SLICE("key"))    ? &columns.key
                                         : nw_slice_eq(name, NW_SLICE("size")) ? &columns.size
                                         : nw_slice_eq(name, NW_SLICE("time")) ? &columns.time
                                         : is_ms                               ? &columns.time
                                                                               : NULL;
        if (column == NULL || equals == part.len) {
            *out_why = "columns are given as key=2,size=3,time=1 (or time_ms=1)";
            return NW_INVALID;
        }
        if (is_given(column)) {
            *out_why = "a column is given twice";
            return NW_INVALID;
        }
        NW_TRY(parse_column(nw_slice_skip(part, equals + 1), column, out_why));
        columns.is_time_ms |= is_ms;
    }
    if (!is_given(&columns.key)) {
        *out_why = "the key's column is missing: key=2";
        return NW_INVALID;
    }
    *out = columns;
    return NW_OK;
}
