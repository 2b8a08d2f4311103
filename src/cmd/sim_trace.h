/*
 * sim_trace.h - a recorded trace, read once into the columns that simulators play.
 *
 * Memory is bounded by one number, which the columns, the table of keys and the reader share. A
 * file whose size tells that it cannot fit is refused before it is read; one whose size says
 * nothing (packed data, a pipe) is read until it does not fit.
 *
 * Owner:   sim_trace_done frees the columns
 * Threads: one at a time
 */
#ifndef NW_CMD_SIM_TRACE_H
#define NW_CMD_SIM_TRACE_H

#include "base/text.h"
#include "cmd/trace_file.h"
#include "model/cachetrace.h"

struct sim_trace_options {
    struct trace_file_options file;
    uint64_t memory_max_bytes; /* at least 1 MiB */
    bool keeps_times;          /* 8 bytes a request, for a time to live */
    bool keeps_bad;            /* more than one bad line in a hundred is no failure */
    /* Every few ten thousand requests; may be NULL. bytes_total 0: nobody knows. */
    void (*progress)(void *arg, uint64_t requests, uint64_t bytes_read, uint64_t bytes_total);
    void *progress_arg;
};

struct sim_trace {
    struct nw_model_trace model;
    struct nw_trace_counts counts;
    struct trace_file_end end; /* `why` is static or points to end_why */
    char end_why[96];
    nw_trace_format format;
    unpack_kind packing;
    bool has_sizes;
    bool has_times;
    bool is_stopped;  /* by *stop, before the end */
    int64_t first_us; /* with has_times: the earliest and the latest time */
    int64_t last_us;
    uint64_t back_count; /* requests whose time is before that of the request above them */
};

/*
 * Reads the trace. A cut or a stop is not a failure, but is told in *out. On failure nothing is
 * written and *out_why (for the caller to free) is one sentence or more without the file's name:
 * NW_NO_MEMORY: it would need more than the bound; NW_INVALID: too many bad lines, no requests,
 * no key column; else the file cannot be read or its data is damaged.
 */
NW_MUST_CHECK nw_err sim_trace_read(const struct sim_trace_options *options, struct sim_trace *out,
                                    char **out_why);
void sim_trace_done(struct sim_trace *trace);

/* The places of the first bad lines: "line 7 (byte 120): the key is empty; line 9 …". */
void sim_trace_places(const struct nw_trace_counts *counts, struct nw_text *out);

#endif
