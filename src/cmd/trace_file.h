/*
 * trace_file.h - a trace in a file or a pipe: read in blocks, unpacked, taken apart into records.
 *
 * Blocks are 256 KiB, so memory is a constant beside the window of Zstandard data, whatever the
 * file holds. Reading blocks the thread, at most a quarter of a second at a time (io/file.h).
 *
 * Owner:   trace_file_open/_close; a record's key lives until the next call
 * Threads: one at a time
 */
#ifndef NW_CMD_TRACE_FILE_H
#define NW_CMD_TRACE_FILE_H

#include "cmd/unpack.h"
#include "proto/trace.h"

struct trace_file_options {
    const char *path;
    bool has_format; /* else by the name and the first bytes */
    nw_trace_format format;
    struct nw_trace_columns columns;
    uint64_t window_max_bytes; /* see unpack.h */
    const int *stop;           /* not 0: NW_CANCELLED; may be NULL */
};

struct trace_file;

/*
 * Opens the file, reads its first bytes and chooses the format. On failure *out_why (a text that
 * the caller frees) is a sentence without the file's name.
 */
NW_MUST_CHECK nw_err trace_file_open(const struct trace_file_options *options,
                                     struct trace_file **out, char **out_why);
void trace_file_close(struct trace_file *file);
NW_CLEANUP_DEFINE(struct trace_file, trace_file_close)

/*
 * The next record. NW_NOT_FOUND: the end, perhaps a cut, see trace_file_end; NW_CANCELLED: *stop is
 * set; anything else: it cannot be read on, trace_file_why says why.
 */
NW_MUST_CHECK nw_err trace_file_next(struct trace_file *file, struct nw_trace_record *out);

/* How a trace that was read to its end ended. */
struct trace_file_end {
    bool is_cut;     /* the last record, or the packed data, is not whole */
    bool is_unended; /* whole, but the last line has no line end: perhaps a cut */
    bool is_packed;  /* `offset` counts bytes of the packed file */
    uint64_t offset; /* where the record that is not whole begins, or the packed data ends */
    uint64_t line;   /* of the record; 0 when is_packed */
    uint64_t bytes;  /* of the record that are there */
    const char *why; /* lives as long as the file */
};
struct trace_file_end trace_file_end(const struct trace_file *file);
const struct nw_trace_counts *trace_file_counts(const struct trace_file *file);
const char *trace_file_why(const struct trace_file *file);
nw_trace_format trace_file_format(const struct trace_file *file);
unpack_kind trace_file_packing(const struct trace_file *file);
/* Bytes of the file itself: read so far; in all, 0 when nobody knows. */
uint64_t trace_file_bytes_read(const struct trace_file *file);
uint64_t trace_file_bytes_total(const struct trace_file *file);
/*
 * Requests that the whole file may hold, judged by its size: exact for a plain oracleGeneral file,
 * else by the length of the records in its first block; 0 for packed data and pipes. Call it before
 * the first record is read.
 */
uint64_t trace_file_requests_expected(const struct trace_file *file);

#endif
