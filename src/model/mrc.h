/*
 * mrc.h - the miss ratio of an LRU cache at every size, from one pass over the requests.
 *
 * A request hits an LRU cache of c objects exactly when fewer than c other keys were asked since
 * the last request of its own. The exact curve counts that distance for every request; the
 * estimator does it for a sample of keys, at most 8,192, chosen by their hash (fixed-size SHARDS:
 * Waldspurger, Park, Garthwaite, Ahmad 2015), with its counts corrected to the number of requests
 * at each depth (firsts.h). docs/decisions/0013-curve-from-8192-keys.md has the errors.
 *
 * Owner:   nw_model_mrc_new/_free
 * Threads: one at a time
 */
#ifndef NW_MODEL_MRC_H
#define NW_MODEL_MRC_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/err.h"
#include "model/cachetrace.h"

#define NW_MODEL_MRC_KEYS 8192

/* -- the estimator ---------------------------------------------------------------------------- */

struct nw_model_mrc;

struct nw_model_mrc_options {
    uint64_t size_max;        /* largest size that will be asked about: keys that lie deeper are
                                 forgotten, so that endless traffic keeps its sample; 0: none are */
    uint64_t window_requests; /* after so many requests all counts halve; 0: never */
};

/* Bytes of one estimator: a constant, at most half a megabyte. */
size_t nw_model_mrc_bytes(void);
struct nw_model_mrc *nw_model_mrc_new(const struct nw_model_mrc_options *options);
void nw_model_mrc_free(struct nw_model_mrc *mrc);
NW_CLEANUP_DEFINE(struct nw_model_mrc, nw_model_mrc_free)

/*
 * The hash for a trace's ids: a step of the golden ratio for each, so that of the ids in order of
 * their first appearance every n-th is sampled, popular and rare ones in their proportion. Where
 * clients choose keys: nw_hash_sip13.
 */
static inline uint64_t nw_model_mrc_spread(uint32_t id)
{
    return (id + 1) * 0x9e3779b97f4a7c15ull;
}

/*
 * A request for the key of this hash. Never allocates. ttl_us: how long what this request finds or
 * fetches may be used, from the fill on; 0: for ever. A reuse after that is a miss at any size.
 */
void nw_model_mrc_add(struct nw_model_mrc *mrc, uint64_t hash, uint64_t now_us, uint64_t ttl_us);

/*
 * Estimated miss ratios, 0 … 1, of LRU caches of `sizes` objects, ascending; 1 before any request.
 * Sizes of less than 100 / rate objects are guesses: too few sampled keys lie that close.
 */
void nw_model_mrc_miss_ratios(const struct nw_model_mrc *mrc, const uint64_t *sizes, size_t count,
                              double *out_ratios);
/* Share of all keys that is sampled now, above 0 … 1. */
double nw_model_mrc_rate(const struct nw_model_mrc *mrc);

/* -- a trace ---------------------------------------------------------------------------------- */

/* Bytes that nw_model_mrc_exact allocates while it runs; UINT64_MAX when it refuses. */
uint64_t nw_model_mrc_exact_bytes_for(const struct nw_model_trace *trace);
/*
 * Miss ratios of LRU caches of these sizes (ascending, each >= 1), exactly; *out_played is less
 * than the trace's count when `stop` (may be NULL, read every 64 K requests) became not 0.
 * NW_INVALID for sizes that do not ascend, NW_NO_MEMORY for more than NW_MODEL_TRACE_KEYS_MAX keys;
 * an empty trace has ratios of 1.
 */
NW_MUST_CHECK nw_err nw_model_mrc_exact(const struct nw_model_trace *trace, const uint64_t *sizes,
                                        size_t size_count, const int *stop, double *out_ratios,
                                        uint64_t *out_played);

/* The same from the estimator; times and ttl_us (0: none) as in cachesim.h. */
NW_MUST_CHECK nw_err nw_model_mrc_estimate(const struct nw_model_trace *trace, uint64_t ttl_us,
                                           const uint64_t *sizes, size_t size_count,
                                           const int *stop, double *out_ratios,
                                           uint64_t *out_played);
/*
 * `count` sizes from size_min (0 is taken as 1) to size_max, evenly spaced on a logarithmic scale,
 * each once, ascending; returns how many there are: fewer than count where the scale is finer than
 * an object, none when size_max < size_min.
 */
size_t nw_model_mrc_sizes(uint64_t size_min, uint64_t size_max, size_t count, uint64_t *out_sizes);

#endif
