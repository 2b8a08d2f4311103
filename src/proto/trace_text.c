/* One key a line: every byte of the line is the key. And which format a file has. */
#include "base/assert.h"
#include "proto/trace_impl.h"

trace_verdict trace_text_judge(struct nw_trace *trace, struct nw_slice line,
                               struct nw_trace_record *out, const char **out_why)
{
    out->key = line;
    return line.len > 0 ? TRACE_RECORD : TRACE_SKIP;
}

/* ---- detection ---- */

static struct nw_slice without_end(struct nw_slice name, struct nw_slice end)
{
    size_t kept = name.len - end.len;
    if (name.len >= end.len && nw_slice_eq_nocase(nw_slice_skip(name, kept), end))
        return nw_slice_first(name, kept);
    return name;
}

static bool has_end(struct nw_slice name, struct nw_slice end)
{
    return without_end(name, end).len != name.len;
}

static bool contains_nocase(struct nw_slice text, struct nw_slice what)
{
    for (size_t i = 0; i + what.len <= text.len; i++)
        if (nw_slice_eq_nocase(nw_slice_of(text.ptr + i, what.len), what))
            return true;
    return false;
}

/* Control bytes that no text has: the zeroes of small numbers, above all. */
static bool is_binary(struct nw_slice first)
{
    size_t bytes = first.len < 10 * TRACE_ORACLE_BYTES ? first.len : 10 * TRACE_ORACLE_BYTES;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)first.ptr[i];
        if (byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n')
            return true;
    }
    return false;
}

static bool is_access(struct nw_slice line)
{
    struct nw_trace_options options = {.format = NW_TRACE_ACCESS};
    NW_CLEANUP(nw_trace_free) struct nw_trace *trace = nw_trace_new(&options);
    struct nw_trace_record record;
    const char *why;
    return line.len > 0 && trace_access_judge(trace, line, &record, &why) != TRACE_BAD;
}

nw_trace_format nw_trace_format_detect(struct nw_slice file_name, struct nw_slice first,
                                       bool has_columns)
{
    struct nw_slice name = without_end(without_end(file_name, NW_SLICE(".gz")), NW_SLICE(".zst"));
    if (contains_nocase(name, NW_SLICE("oracleGeneral")))
        return NW_TRACE_ORACLE;
    if (has_columns || has_end(name, NW_SLICE(".csv")))
        return NW_TRACE_CSV;
    if (is_binary(first))
        return NW_TRACE_ORACLE;
    struct nw_slice line = nw_slice_first(first, nw_slice_find(first, '\n'));
    line = nw_slice_first(line, NW_TRACE_LINE_MAX_BYTES - 1);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (is_access(line))
        return NW_TRACE_ACCESS;
    bool is_csv = !has_end(name, NW_SLICE(".txt")) && nw_slice_find(line, ',') < line.len;
    return is_csv ? NW_TRACE_CSV : NW_TRACE_TEXT;
}
