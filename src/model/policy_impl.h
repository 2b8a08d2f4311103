/*
 * policy_impl.h - what a policy is inside: a run's numbers and four functions.
 *
 * cachesim.c prepares a run, gives the policy zeroed memory and lets it play stretches of the
 * trace. policy_play.h is the loop that all of them share.
 *
 * Owner:   cachesim.c owns run and memory
 * Threads: one run, one thread; the trace is only read
 */
#ifndef NW_MODEL_POLICY_IMPL_H
#define NW_MODEL_POLICY_IMPL_H

#include <stdbool.h>

#include "base/compiler.h"
#include "model/cachetrace.h"
#include "model/policy.h"

/* Requests between the moment an id's state is asked into the cache and the moment it is needed. */
#define NW_MODEL_AHEAD 24

/* A loop is compiled twice, plain and general: all of it has to be in its sight. */
#define NW_MODEL_HOT static inline __attribute__((always_inline))

/* One job under way. */
struct nw_model_run {
    const struct nw_model_trace *trace;
    const uint32_t *sizes; /* the trace's, or NULL */
    uint64_t capacity;     /* objects or bytes */
    uint64_t ttl_us;       /* 0: none */
    uint64_t overhead_bytes;
    bool is_in_bytes;
    bool is_plain;             /* objects without a time to live: nothing but ids matters */
    uint32_t live_max;         /* entries at any moment */
    uint64_t entries_expected; /* in a full cache: the measure of a sketch */
    uint32_t *filled; /* by id: position of the request that filled it + 1; NULL when plain */

    uint64_t used; /* objects or bytes */
    uint64_t entry_count;
    uint32_t seen; /* keys so far */
    uint64_t miss_count, cold_count, bypassed_count, expired_count;
    uint64_t miss_bytes;
};

/* A policy as cachesim.c sees it. Memory: zeroed, 64-byte aligned. */
struct nw_model_policy_face {
    const char *name;
    uint64_t (*bytes)(const struct nw_model_run *run);
    void (*init)(const struct nw_model_run *run, char *memory);
    void (*play)(struct nw_model_run *run, char *memory, uint64_t from, uint64_t to);
};

extern const struct nw_model_policy_face nw_model_policy_fifo;
extern const struct nw_model_policy_face nw_model_policy_lru;
extern const struct nw_model_policy_face nw_model_policy_clock;
extern const struct nw_model_policy_face nw_model_policy_sieve;
extern const struct nw_model_policy_face nw_model_policy_s3fifo;
extern const struct nw_model_policy_face nw_model_policy_tinylfu;

/* The face of a policy. */
const struct nw_model_policy_face *nw_model_policy_face(nw_model_policy policy);

/* When request `at` happened, in microseconds. */
static inline uint64_t nw_model_run_time(const struct nw_model_trace *trace, uint64_t at)
{
    if (trace->times_us != NULL)
        return trace->times_us[at];
    return (uint64_t)((double)at / trace->rate_per_s * 1e6);
}

/* Room that the object of request `at` needs. */
static inline uint64_t nw_model_run_need(const struct nw_model_run *run, uint64_t at,
                                         const bool is_plain)
{
    if (is_plain || !run->is_in_bytes)
        return 1;
    return run->trace->sizes[at] + run->overhead_bytes;
}

/* Room that an entry takes, or took when it was last filled. */
static inline uint64_t nw_model_run_weight(const struct nw_model_run *run, uint32_t id,
                                           const bool is_plain)
{
    return is_plain ? 1 : nw_model_run_need(run, run->filled[id] - 1, is_plain);
}

/* Is the entry too old at request `at`? */
static inline bool nw_model_run_expired(const struct nw_model_run *run, uint32_t id, uint64_t at)
{
    if (run->ttl_us == 0)
        return false;
    uint64_t filled_us = nw_model_run_time(run->trace, run->filled[id] - 1);
    uint64_t now_us = nw_model_run_time(run->trace, at);
    return now_us > filled_us && now_us - filled_us >= run->ttl_us;
}

/* Memory is handed out in whole cache lines. */
static inline uint64_t nw_model_lines(uint64_t bytes)
{
    return (bytes + 63) & ~63ull;
}

/* The next piece of a policy's memory; *at moves behind it. */
static inline void *nw_model_carve(char **at, uint64_t bytes)
{
    char *piece = *at;
    *at += nw_model_lines(bytes);
    return piece;
}

#endif
