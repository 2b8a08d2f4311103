/*
 * Curves of a whole trace. The exact one asks for each request how many other keys were used since
 * its last one: the distance. A cache of c objects hits exactly the distances below c, so one count
 * by distance answers for every size. It is the oracle of the estimator and the tool for a trace
 * that is at hand; it takes a dozen bytes for each key where the estimator takes a constant.
 */
#include "model/mrc.h"

#include <math.h>

#include "base/alloc.h"
#include "model/cachesim.h"
#include "model/policy_impl.h"
#include "model/recency.h"

enum { STRETCH = NW_MODEL_CACHE_STRETCH };

static bool ascend(const uint64_t *sizes, size_t size_count)
{
    for (size_t i = 0; i < size_count; i++)
        if (sizes[i] < 1 || (i > 0 && sizes[i] <= sizes[i - 1]))
            return false;
    return true;
}

static bool is_stopped(const int *stop, uint64_t at)
{
    return stop != NULL && at % STRETCH == 0 && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0;
}

static uint64_t counts_bytes(const struct nw_model_trace *trace)
{
    return ((uint64_t)trace->key_count + 2) / 2 * 2 * sizeof(uint32_t);
}

uint64_t nw_model_mrc_exact_bytes_for(const struct nw_model_trace *trace)
{
    if (trace->key_count > NW_MODEL_TRACE_KEYS_MAX)
        return UINT64_MAX;
    return counts_bytes(trace) + nw_model_recency_bytes(trace->key_count);
}

/* Counts requests by distance; returns how many it got through. */
static uint64_t count_distances(const struct nw_model_trace *trace,
                                struct nw_model_recency *recency, uint32_t *counts, const int *stop)
{
    uint64_t at = 0, last = trace->request_count - 1;
    for (; at < trace->request_count && !is_stopped(stop, at); at++) {
        uint32_t id = trace->ids[at];
        uint64_t ahead = at + NW_MODEL_AHEAD < last ? at + NW_MODEL_AHEAD : last;
        __builtin_prefetch(&recency->places[trace->ids[ahead]], 1);
        if (nw_model_recency_has(recency, id))
            counts[nw_model_recency_younger(recency, id)]++;
        nw_model_recency_use(recency, id);
    }
    return at;
}

nw_err nw_model_mrc_exact(const struct nw_model_trace *trace, const uint64_t *sizes,
                          size_t size_count, const int *stop, double *out_ratios,
                          uint64_t *out_played)
{
    if (!ascend(sizes, size_count))
        return NW_INVALID;
    if (trace->key_count > NW_MODEL_TRACE_KEYS_MAX)
        return NW_NO_MEMORY;
    char *memory = nw_alloc_array(1, nw_model_mrc_exact_bytes_for(trace));
    uint32_t *counts = (uint32_t *)memory;
    struct nw_model_recency recency;
    nw_model_recency_init(&recency, trace->key_count, memory + counts_bytes(trace));
    uint64_t played = count_distances(trace, &recency, counts, stop);
    uint64_t hits = 0, distance = 0;
    for (size_t i = 0; i < size_count; i++) {
        for (; distance < sizes[i] && distance < trace->key_count; distance++)
            hits += counts[distance];
        out_ratios[i] = played != 0 ? (double)(played - hits) / (double)played : 1;
    }
    nw_free(memory);
    *out_played = played;
    return NW_OK;
}

nw_err nw_model_mrc_estimate(const struct nw_model_trace *trace, uint64_t ttl_us,
                             const uint64_t *sizes, size_t size_count, const int *stop,
                             double *out_ratios, uint64_t *out_played)
{
    bool has_time = trace->times_us != NULL || trace->rate_per_s > 0;
    if (!ascend(sizes, size_count) || (ttl_us != 0 && !has_time))
        return NW_INVALID;
    struct nw_model_mrc *mrc = nw_model_mrc_new(&(struct nw_model_mrc_options){0});
    uint64_t at = 0;
    for (; at < trace->request_count && !is_stopped(stop, at); at++) {
        uint64_t now_us = ttl_us != 0 ? nw_model_run_time(trace, at) : 0;
        nw_model_mrc_add(mrc, nw_model_mrc_spread(trace->ids[at]), now_us, ttl_us);
    }
    nw_model_mrc_miss_ratios(mrc, sizes, size_count, out_ratios);
    nw_model_mrc_free(mrc);
    *out_played = at;
    return NW_OK;
}

size_t nw_model_mrc_sizes(uint64_t size_min, uint64_t size_max, size_t count, uint64_t *out_sizes)
{
    size_t written = 0;
    double low = (double)(size_min != 0 ? size_min : 1),
           steps = (double)(count > 1 ? count - 1 : 1);
    for (size_t i = 0; i < count && low <= (double)size_max; i++) {
        double size = round(low * pow((double)size_max / low, (double)i / steps));
        bool is_last = i + 1 == count || size >= (double)size_max;
        uint64_t whole = is_last ? size_max : (uint64_t)size;
        if (written == 0 || whole > out_sizes[written - 1])
            out_sizes[written++] = whole;
    }
    return written;
}
