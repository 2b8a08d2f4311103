/*
 * trace.h - recorded traffic, read record by record: which key, how large, when.
 *
 * Four formats. `text`: one key a line. `csv` (RFC 4180): columns by number, or by the names of a
 * header. `oracleGeneral`: 24-byte little-endian records: u32 seconds, u64 id, u32 size, i64 next
 * access (not used). `access`: newel's own access log in each of its forms (logfmt, json, common),
 * told apart line by line; a record is a GET or HEAD, the safe methods whose answers a cache may
 * store; its key is host and normalised target, its size the body's bytes.
 *
 * Bytes come in pieces of any size, and the records do not depend on where the pieces end. A line
 * that cannot be read is counted, the first ones with their place, and costs nothing but itself: a
 * CSV record that breaks RFC 4180 is given up after its first line. A line is bounded, so is
 * memory: two buffers of NW_TRACE_LINE_MAX_BYTES and one more for keys.
 *
 * Owner:   nw_trace_new/_free; a record's key lives until the next call with the same trace, or as
 *          long as the piece that was read
 * Threads: one at a time
 */
#ifndef NW_PROTO_TRACE_H
#define NW_PROTO_TRACE_H

#include <stdbool.h>

#include "base/alloc.h"
#include "base/slice.h"

/* With its line end, and for csv with the line ends inside quotes. */
#define NW_TRACE_LINE_MAX_BYTES (64 * 1024)
#define NW_TRACE_COLUMN_MAX 1000
#define NW_TRACE_SIZE_MAX_BYTES ((UINT64_C(1) << 53) - 1)
#define NW_TRACE_PLACES_MAX 5

typedef enum nw_trace_format {
    NW_TRACE_TEXT,
    NW_TRACE_CSV,
    NW_TRACE_ORACLE,
    NW_TRACE_ACCESS,
    NW_TRACE_FORMAT_COUNT
} nw_trace_format;

/* "text", "csv", "oracleGeneral", "access". */
const char *nw_trace_format_name(nw_trace_format format);
/* Case does not count; NW_NOT_FOUND for any other name. */
NW_MUST_CHECK nw_err nw_trace_format_find(struct nw_slice name, nw_trace_format *out);
/*
 * The format by a file's name and its first bytes (a few KiB will do): the name decides for
 * oracleGeneral and .csv, the bytes for the rest. `.gz` and `.zst` behind a name do not count.
 */
nw_trace_format nw_trace_format_detect(struct nw_slice file_name, struct nw_slice first,
                                       bool has_columns);

/* A column of a CSV file, by number (1 is the first) or by the name in the header; neither: none.*/
struct nw_trace_column {
    unsigned number;
    struct nw_slice name;
};

struct nw_trace_columns {
    struct nw_trace_column key;
    struct nw_trace_column size; /* bytes */
    struct nw_trace_column time; /* seconds with decimals, or 2026-11-29T01:33:02Z */
    bool is_time_ms;             /* the time is in milliseconds */
};

/*
 * "time=1,key=2,size=3" or with names of the header, "key=url,time_ms=at". The key is a must; none
 * twice. NW_INVALID with *out_why, a sentence.
 */
NW_MUST_CHECK nw_err nw_trace_columns_parse(struct nw_slice text, struct nw_trace_columns *out,
                                            const char **out_why);

struct nw_trace_record {
    struct nw_slice key; /* bytes; when has_id they are not set */
    uint64_t id;         /* instead of a key (oracleGeneral) */
    uint64_t size_bytes; /* at most NW_TRACE_SIZE_MAX_BYTES */
    int64_t time_us;     /* from 0; since 1970 in UTC, or since where the trace begins to count */
    uint64_t offset;     /* of its first byte in the trace */
    bool has_id;
    bool has_size; /* not for HEAD, 206 and 304, whose bodies are not the object's */
    bool has_time;
};

struct nw_trace_place {
    uint64_t offset;
    uint64_t line;   /* 1 is the first */
    const char *why; /* a static sentence without a full stop */
};

struct nw_trace_counts {
    uint64_t records;
    uint64_t skipped; /* well-formed, but no request that a cache answers; empty lines; header */
    uint64_t bad;     /* lines that could not be read */
    struct nw_trace_place first_bad[NW_TRACE_PLACES_MAX];
    unsigned first_bad_count;
    bool is_cut;               /* it ends within a record, which was not handed out */
    bool is_unended;           /* the last line was handed out, but has no line end */
    struct nw_trace_place end; /* where that record begins */
    uint64_t end_bytes;        /* how much of it is there */
};

struct nw_trace_options {
    nw_trace_format format;
    struct nw_trace_columns columns; /* csv; without a key column the first line is a header */
};

struct nw_trace;

/* Names in options->columns are copied. */
struct nw_trace *nw_trace_new(const struct nw_trace_options *options);
void nw_trace_free(struct nw_trace *trace);
NW_CLEANUP_DEFINE(struct nw_trace, nw_trace_free)

/*
 * The next record; *piece moves behind what was taken. NW_AGAIN: *piece is used up, go on with the
 * next one. NW_INVALID: the header names no column for the key, or not a column that was asked for;
 * nw_trace_trouble says which; no call helps.
 */
NW_MUST_CHECK nw_err nw_trace_read(struct nw_trace *trace, struct nw_slice *piece,
                                   struct nw_trace_record *out);
/*
 * No more bytes will come. NW_OK: one more record, from a last line without a line end;
 * NW_NOT_FOUND: none; NW_INVALID as nw_trace_read. Call it once; then read the counts.
 */
NW_MUST_CHECK nw_err nw_trace_end(struct nw_trace *trace, struct nw_trace_record *out);

const struct nw_trace_counts *nw_trace_counts(const struct nw_trace *trace);
/* A sentence for NW_INVALID; "" before. */
const char *nw_trace_trouble(const struct nw_trace *trace);

#endif
