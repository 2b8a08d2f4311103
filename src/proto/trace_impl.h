/*
 * trace_impl.h - what the formats of a trace share. Internal to trace*.c.
 *
 * A format is one function that judges a whole line (or 24 bytes); cutting bytes into lines,
 * counting and places are trace.c's.
 *
 * Owner:   struct nw_trace owns its buffers
 * Threads: one at a time
 */
#ifndef NW_PROTO_TRACE_IMPL_H
#define NW_PROTO_TRACE_IMPL_H

#include "proto/trace.h"

enum { TRACE_ORACLE_BYTES = 24 };

typedef enum trace_verdict { TRACE_RECORD, TRACE_SKIP, TRACE_BAD, TRACE_TROUBLE } trace_verdict;

/* How far the first record of a window was looked through without finding its end. */
typedef enum trace_scan_state {
    TRACE_AT_FIELD, /* a csv field begins here */
    TRACE_IN_PLAIN,
    TRACE_IN_QUOTES,
    TRACE_AT_QUOTE,  /* behind a quote inside quotes: it ends them, or the next one doubles it */
    TRACE_AT_RETURN, /* behind such a quote and a carriage return */
    TRACE_IN_BROKEN, /* no csv: the first line end ends it */
} trace_scan_state;

struct trace_scan {
    size_t at;
    trace_scan_state state;
};

struct nw_trace {
    nw_trace_format format;
    struct nw_trace_columns columns;
    bool is_header_due; /* csv whose columns are known by name only */
    bool is_first;      /* no line was judged yet: it may be a header */
    bool is_skipping;   /* the rest of a line that is too long */
    uint64_t offset;    /* of the first byte that is not judged */
    uint64_t line;      /* its line; records in oracleGeneral */
    struct nw_trace_counts counts;
    struct trace_scan scan;
    char *held; /* bytes of a record that ended in no piece so far, at most LINE_MAX */
    size_t held_at, held_end;
    char *target; /* scratch of LINE_MAX: an access line's target without escapes */
    char *key;    /* scratch of 2 x LINE_MAX: keys that are not in the line as they are */
    char trouble[160];
};

/*
 * The length of the first csv record in `window` with its line end, 0 if it goes on. *out_is_broken
 * when it is none by RFC 4180: then the length is that of its first line.
 */
size_t trace_csv_extent(struct trace_scan *scan, struct nw_slice window, bool *out_is_broken);

/* `line` has no line end. *out_why for TRACE_BAD. */
trace_verdict trace_text_judge(struct nw_trace *trace, struct nw_slice line,
                               struct nw_trace_record *out, const char **out_why);
trace_verdict trace_csv_judge(struct nw_trace *trace, struct nw_slice line,
                              struct nw_trace_record *out, const char **out_why);
trace_verdict trace_access_judge(struct nw_trace *trace, struct nw_slice line,
                                 struct nw_trace_record *out, const char **out_why);
void trace_oracle_judge(const char bytes[TRACE_ORACLE_BYTES], struct nw_trace_record *out);

/* Seconds or milliseconds in digits with at most one point, up to the year 9999. */
bool trace_time_number(struct nw_slice text, bool is_ms, int64_t *out_us);
/* "2026-11-29T01:33:02.123Z", with or without decimals, Z or +01:00; a space for the T. */
bool trace_time_iso(struct nw_slice text, int64_t *out_us);
/* "29/Nov/2026:01:33:02 +0000", without the brackets. */
bool trace_time_common(struct nw_slice text, int64_t *out_us);

/*
 * JSON escapes, and \xHH as other servers write them, replaced; `to` has room for text.len bytes.
 * *out is `text` itself when there are none. False: an escape is none.
 */
bool trace_unescape(struct nw_slice text, char *to, struct nw_slice *out);

#endif
