/*
 * cachetrace.h - a recorded or invented sequence of requests as columns of numbers.
 *
 * Ids are numbered in the order of their first appearance (keytable.h does that), so that the first
 * request of a key is the one whose id is the number of keys seen before: no simulator needs memory
 * for it. Filled once, then read by any number of simulations at the same time.
 *
 * Owner:   nw_model_trace_init/_done; the columns belong to the trace
 * Threads: one while it is filled, any number while nobody changes it
 */
#ifndef NW_MODEL_CACHETRACE_H
#define NW_MODEL_CACHETRACE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/err.h"

#define NW_MODEL_REQUESTS_MAX (UINT32_MAX - 1)
/* Keys of a trace that is simulated: queues have two 32-bit places for each. */
#define NW_MODEL_TRACE_KEYS_MAX ((1u << 31) - 1024)

struct nw_model_trace {
    uint32_t *ids;      /* 0 … key_count - 1, in order of first appearance */
    uint32_t *sizes;    /* bytes of the object as answered; NULL: not known */
    uint64_t *times_us; /* since any moment; NULL: not known */
    double rate_per_s;  /* without times: request i happens at i / rate; 0: there is no time */
    uint64_t request_count;
    uint32_t key_count;
    uint64_t room;             /* requests that the columns have room for */
    uint64_t memory_max_bytes; /* of all columns together */
};

/* Most that the columns of so many requests take, in bytes. */
uint64_t nw_model_trace_bytes_for(uint64_t request_count, bool has_sizes, bool has_times);

/*
 * An empty trace with the columns asked for. expected_count reserves room (within the bound);
 * 0 when nobody knows.
 */
void nw_model_trace_init(struct nw_model_trace *out, bool has_sizes, bool has_times,
                         uint64_t expected_count, uint64_t memory_max_bytes);
void nw_model_trace_done(struct nw_model_trace *trace);

/*
 * Appends a request. id is at most key_count (asserted: ids come in order of first appearance).
 * size and time_us are dropped where the trace has no such column; sizes beyond 4 GiB - 1 become
 * that. Time may run backwards, as it does in logs written at the end of requests: an age is then
 * taken as 0. NW_NO_MEMORY at the bound or beyond NW_MODEL_REQUESTS_MAX; the trace stays as it was.
 */
NW_MUST_CHECK nw_err nw_model_trace_add(struct nw_model_trace *trace, uint32_t id, uint64_t size,
                                        uint64_t time_us);

/* Mean size over the keys (the size at the first request of each); 1 without sizes or requests. */
double nw_model_trace_size_mean(const struct nw_model_trace *trace);

#endif
