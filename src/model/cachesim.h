/*
 * cachesim.h - what would a cache of this policy and size have done with this trace?
 *
 * A job is a pure function of the trace and its own numbers, so jobs over one trace run on as many
 * threads as there are. An entry is weighed with the size it was filled with; its time to live
 * counts from the fill, never from the last use; an expired entry keeps its room until it is asked
 * for (then it is filled again like any miss) or evicted.
 *
 * Owner:   nothing outlives a call
 * Threads: any number of jobs on one trace
 */
#ifndef NW_MODEL_CACHESIM_H
#define NW_MODEL_CACHESIM_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/err.h"
#include "model/cachetrace.h"
#include "model/policy.h"

/* Requests between two looks at `stop`. */
#define NW_MODEL_CACHE_STRETCH 65536

struct nw_model_cache_job {
    nw_model_policy policy;
    bool is_in_bytes;         /* capacity counts bytes, else objects */
    uint64_t capacity;        /* at least 1 */
    uint32_t overhead_bytes;  /* per entry, with is_in_bytes */
    uint64_t ttl_us;          /* 0: entries do not expire */
    uint64_t warmup_requests; /* played first, not counted */
};

/* Of the requests after the warm-up. Each miss has one cause, the first that applies: */
struct nw_model_cache_counts {
    uint64_t played_count; /* with the warm-up; less than the trace's when it was stopped */
    uint64_t request_count;
    uint64_t hit_count;
    uint64_t bypassed_count; /* larger than the whole cache: not kept */
    uint64_t cold_count;     /* the first request of this key in the trace */
    uint64_t expired_count;  /* still there but too old */
    uint64_t capacity_count; /* was evicted before */
    uint64_t request_bytes;  /* 0 without sizes */
    uint64_t hit_bytes;
    uint64_t entry_count; /* in the cache at the end */
    uint64_t used;        /* objects or bytes in the cache at the end */
};

/* How to stop a long job and to see how far it is; all may be NULL or absent. */
struct nw_model_cache_watch {
    const int *stop;  /* read with relaxed order after each stretch; not 0: stop there */
    uint64_t *played; /* written with relaxed order after each stretch */
};

static inline uint64_t nw_model_cache_misses(const struct nw_model_cache_counts *counts)
{
    return counts->request_count - counts->hit_count;
}

/* Bytes that a job allocates while it runs, beside the trace; UINT64_MAX when it is refused. */
uint64_t nw_model_cachesim_bytes_for(const struct nw_model_trace *trace,
                                     const struct nw_model_cache_job *job);
/*
 * Plays the trace. NW_INVALID: capacity 0, is_in_bytes without sizes, ttl_us without times or
 * rate, no such policy. NW_NO_MEMORY: more than NW_MODEL_TRACE_KEYS_MAX keys. A stopped job is
 * NW_OK with played_count < trace->request_count.
 */
NW_MUST_CHECK nw_err nw_model_cachesim_run(const struct nw_model_trace *trace,
                                           const struct nw_model_cache_job *job,
                                           const struct nw_model_cache_watch *watch,
                                           struct nw_model_cache_counts *out);

#endif
