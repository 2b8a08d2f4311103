/*
 * A job is one piece of memory, known before it is allocated, and a loop in the policy's file. What
 * it needs of the trace are ids; sizes and times only when sizes or a time to live were asked for.
 *
 * The cause of a miss costs nothing to know: ids are numbered in order of first appearance, so a
 * cold miss is the one whose id is the number of keys seen; expired and bypassed are counted where
 * they happen; the rest was evicted.
 *
 * Play goes in stretches, between which the outside may stop it, and ends one at the warm-up's end.
 */
#include "model/cachesim.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "model/policy_impl.h"

static bool is_valid(const struct nw_model_trace *trace, const struct nw_model_cache_job *job)
{
    if ((unsigned)job->policy >= NW_MODEL_POLICY_COUNT || job->capacity == 0)
        return false;
    if (job->is_in_bytes && trace->sizes == NULL)
        return false;
    return job->ttl_us == 0 || trace->times_us != NULL || trace->rate_per_s > 0;
}

/* How many entries of mean size the cache holds; never more than there are keys. */
static uint64_t entries_expected(const struct nw_model_trace *trace,
                                 const struct nw_model_cache_job *job)
{
    double entries = (double)job->capacity;
    if (job->is_in_bytes) {
        double each = nw_model_trace_size_mean(trace) + job->overhead_bytes;
        entries = each > 1 ? entries / each : entries;
    }
    if (entries >= (double)trace->key_count)
        return trace->key_count;
    return entries >= 1 ? (uint64_t)entries : 1;
}

static struct nw_model_run run_of(const struct nw_model_trace *trace,
                                  const struct nw_model_cache_job *job)
{
    struct nw_model_run run = {
        .trace = trace,
        .sizes = trace->sizes,
        .capacity = job->capacity,
        .ttl_us = job->ttl_us,
        .overhead_bytes = job->is_in_bytes ? job->overhead_bytes : 0,
        .is_in_bytes = job->is_in_bytes,
        .is_plain = !job->is_in_bytes && job->ttl_us == 0,
        .entries_expected = entries_expected(trace, job),
    };
    bool is_bound_by_keys = job->is_in_bytes || job->capacity > trace->key_count;
    run.live_max = is_bound_by_keys ? trace->key_count : (uint32_t)job->capacity;
    return run;
}

static uint64_t filled_bytes(const struct nw_model_run *run)
{
    return run->is_plain ? 0 : nw_model_lines(run->trace->key_count * sizeof(uint32_t));
}

uint64_t nw_model_cachesim_bytes_for(const struct nw_model_trace *trace,
                                     const struct nw_model_cache_job *job)
{
    if (!is_valid(trace, job) || trace->key_count > NW_MODEL_TRACE_KEYS_MAX)
        return UINT64_MAX;
    struct nw_model_run run = run_of(trace, job);
    return filled_bytes(&run) + nw_model_policy_face(job->policy)->bytes(&run) + 64;
}

/* The numbers that a warm-up leaves behind are not to be counted. */
static void forget_counts(struct nw_model_run *run)
{
    run->miss_count = run->cold_count = run->bypassed_count = run->expired_count = 0;
    run->miss_bytes = 0;
}

static uint64_t bytes_asked(const struct nw_model_trace *trace, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (uint64_t at = from; trace->sizes != NULL && at < to; at++)
        sum += trace->sizes[at];
    return sum;
}

static struct nw_model_cache_counts counts_of(const struct nw_model_run *run, uint64_t played,
                                              uint64_t warmup)
{
    struct nw_model_cache_counts counts = {
        .played_count = played,
        .entry_count = run->entry_count,
        .used = run->used,
    };
    if (played <= warmup)
        return counts;
    counts.request_count = played - warmup;
    counts.hit_count = counts.request_count - run->miss_count;
    counts.bypassed_count = run->bypassed_count;
    counts.cold_count = run->cold_count;
    counts.expired_count = run->expired_count;
    counts.capacity_count =
        run->miss_count - run->bypassed_count - run->cold_count - run->expired_count;
    counts.request_bytes = bytes_asked(run->trace, warmup, played);
    counts.hit_bytes = counts.request_bytes - run->miss_bytes;
    return counts;
}

/* Plays all of the trace or as much as the watch allows; returns how much. */
static uint64_t play_all(const struct nw_model_policy_face *face, struct nw_model_run *run,
                         char *memory, uint64_t warmup, const struct nw_model_cache_watch *watch)
{
    uint64_t played = 0, count = run->trace->request_count;
    while (played < count) {
        uint64_t until = played + NW_MODEL_CACHE_STRETCH;
        if (played < warmup && until > warmup)
            until = warmup;
        until = until < count ? until : count;
        face->play(run, memory, played, until);
        played = until;
        if (played == warmup)
            forget_counts(run);
        if (watch != NULL && watch->played != NULL)
            __atomic_store_n(watch->played, played, __ATOMIC_RELAXED);
        if (watch != NULL && watch->stop != NULL &&
            __atomic_load_n(watch->stop, __ATOMIC_RELAXED) != 0)
            break;
    }
    return played;
}

nw_err nw_model_cachesim_run(const struct nw_model_trace *trace,
                             const struct nw_model_cache_job *job,
                             const struct nw_model_cache_watch *watch,
                             struct nw_model_cache_counts *out)
{
    if (!is_valid(trace, job))
        return NW_INVALID;
    if (trace->key_count > NW_MODEL_TRACE_KEYS_MAX)
        return NW_NO_MEMORY;
    struct nw_model_run run = run_of(trace, job);
    const struct nw_model_policy_face *face = nw_model_policy_face(job->policy);
    char *block = nw_alloc_array(1, nw_model_cachesim_bytes_for(trace, job));
    char *at = block + (-(uintptr_t)block & 63);
    if (!run.is_plain)
        run.filled = nw_model_carve(&at, filled_bytes(&run));
    face->init(&run, at);
    uint64_t played = play_all(face, &run, at, job->warmup_requests, watch);
    nw_free(block);
    *out = counts_of(&run, played, job->warmup_requests);
    return NW_OK;
}
