/*
 * A draw is a search in the running sums of the law. Over a million keys a binary search costs
 * twenty cache misses; a guide that says for the draw's top bits where its search begins leaves
 * four steps on average and gives the same answer: the product (next >> 11) x 2^-53 x total never
 * falls when the draw grows, so an answer lies between those of its bucket's ends.
 *
 * Road not taken: rejection-inversion needs no table, but would be another sequence than the
 * reference trace's, whose sums run in one double from the first key up.
 *
 * Shifting popularity moves ranks over keys, as a river moves under a bridge: the law stays. A scan
 * takes requests away from it with another stream of chance, so the ranks drawn stay the same.
 */
#include "model/zipf.h"

#include <math.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "model/random.h"

enum { GUIDE_BITS_MAX = 20, STRETCH = 65536 };

static uint32_t guide_bits_of(uint32_t key_count)
{
    uint32_t bits = 1;
    while (bits < GUIDE_BITS_MAX && (1u << bits) < key_count)
        bits++;
    return bits;
}

uint64_t nw_model_zipf_bytes_for(uint32_t key_count)
{
    return (uint64_t)key_count * sizeof(double) +
           ((1ull << guide_bits_of(key_count)) + 1) * sizeof(uint32_t);
}

/* The index of the smallest sum that exceeds u, within first … last. */
static uint32_t search(const struct nw_model_zipf *law, double u, uint32_t first, uint32_t last)
{
    while (first < last) {
        uint32_t middle = first + (last - first) / 2;
        if (law->sums[middle] > u)
            last = middle;
        else
            first = middle + 1;
    }
    return first;
}

static double u_of(const struct nw_model_zipf *law, uint64_t draw)
{
    return (double)(draw >> 11) * 0x1p-53 * law->sums[law->key_count - 1];
}

nw_err nw_model_zipf_init(struct nw_model_zipf *out, double exponent, uint32_t key_count)
{
    if (key_count < 1 || key_count > NW_MODEL_KEYS_MAX)
        return NW_INVALID;
    if (!(exponent >= 0 && exponent <= NW_MODEL_ZIPF_EXPONENT_MAX))
        return NW_INVALID;
    struct nw_model_zipf law = {.key_count = key_count, .guide_bits = guide_bits_of(key_count)};
    law.sums = nw_alloc_array(key_count, sizeof *law.sums);
    double sum = 0;
    for (uint32_t i = 0; i < key_count; i++) {
        double rank = (double)i + 1;
        sum += exponent == 1 ? 1 / rank : pow(rank, -exponent);
        law.sums[i] = sum;
    }
    uint64_t buckets = 1ull << law.guide_bits;
    law.guide = nw_alloc_array(buckets + 1, sizeof *law.guide);
    for (uint64_t b = 0; b < buckets; b++)
        law.guide[b] = search(&law, u_of(&law, b << (64 - law.guide_bits)), 0, key_count - 1);
    law.guide[buckets] = key_count - 1;
    *out = law;
    return NW_OK;
}

void nw_model_zipf_done(struct nw_model_zipf *law)
{
    nw_free(law->sums);
    nw_free(law->guide);
    *law = (struct nw_model_zipf){0};
}

uint32_t nw_model_zipf_draw(const struct nw_model_zipf *law, struct nw_rng *rng)
{
    uint64_t draw = nw_rng_next(rng);
    uint64_t bucket = draw >> (64 - law->guide_bits);
    return search(law, u_of(law, draw), law->guide[bucket], law->guide[bucket + 1]) + 1;
}

double nw_model_zipf_share(const struct nw_model_zipf *law, uint32_t rank)
{
    NW_ASSERT(rank >= 1 && rank <= law->key_count);
    double below = rank > 1 ? law->sums[rank - 2] : 0;
    return (law->sums[rank - 1] - below) / law->sums[law->key_count - 1];
}

/* -- the inventor ----------------------------------------------------------------------------- */

static bool is_valid(const struct nw_model_invented *what)
{
    return what->key_count >= 1 && what->request_count <= NW_MODEL_REQUESTS_MAX &&
           (uint64_t)what->key_count + what->scan_keys <= NW_MODEL_KEYS_MAX &&
           what->scan_share >= 0 && what->scan_share <= 1 &&
           (what->scan_share == 0 || what->scan_keys >= 1) && what->size_cv >= 0 &&
           what->size_cv <= 100 && what->rate_per_s >= 0 && isfinite(what->rate_per_s);
}

nw_err nw_model_inventor_init(struct nw_model_inventor *out, const struct nw_model_invented *what)
{
    if (!is_valid(what))
        return NW_INVALID;
    struct nw_model_inventor inventor = {.what = *what, .until_shift = what->shift_every};
    NW_TRY(nw_model_zipf_init(&inventor.law, what->exponent, what->key_count));
    nw_model_stream_init(&inventor.ranks, what->seed, NW_MODEL_TRACE, 0);
    nw_model_stream_init(&inventor.scans, what->seed, NW_MODEL_CHOICE, 0);
    *out = inventor;
    return NW_OK;
}

void nw_model_inventor_done(struct nw_model_inventor *inventor)
{
    nw_model_zipf_done(&inventor->law);
}

uint32_t nw_model_inventor_next(struct nw_model_inventor *inventor)
{
    const struct nw_model_invented *what = &inventor->what;
    if (what->shift_every != 0 && inventor->until_shift-- == 0) {
        uint64_t moved = (uint64_t)inventor->offset + what->shift_by;
        inventor->offset = (uint32_t)(moved % what->key_count);
        inventor->until_shift = what->shift_every - 1;
    }
    if (what->scan_share > 0 && nw_rng_chance(&inventor->scans, what->scan_share))
        return what->key_count + 1 + (uint32_t)(inventor->scanned++ % what->scan_keys);
    uint64_t rank = nw_model_zipf_draw(&inventor->law, &inventor->ranks);
    uint64_t moved = rank - 1 + inventor->offset;
    return (uint32_t)(moved % what->key_count) + 1;
}

uint32_t nw_model_inventor_size(const struct nw_model_inventor *inventor, uint32_t key)
{
    const struct nw_model_invented *what = &inventor->what;
    if (what->size_mean == 0)
        return 0;
    if (what->size_cv == 0)
        return what->size_mean;
    struct nw_rng rng;
    nw_model_stream_init(&rng, what->seed, NW_MODEL_SIZES, key);
    double size = round(nw_model_draw_lognormal(&rng, what->size_mean, what->size_cv));
    if (size < 1)
        return 1;
    return size < (double)UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* Of the ids by key that interning needs, and the sizes that keys keep. */
static uint64_t key_bytes(const struct nw_model_invented *what)
{
    uint64_t each = sizeof(uint32_t) * (what->size_mean != 0 ? 2 : 1);
    return ((uint64_t)what->key_count + what->scan_keys + 1) * each;
}

static uint64_t column_bytes(const struct nw_model_invented *what)
{
    return what->request_count * (what->size_mean != 0 ? 8 : 4);
}

uint64_t nw_model_invent_bytes_for(const struct nw_model_invented *what)
{
    if (what->request_count > NW_MODEL_REQUESTS_MAX)
        return UINT64_MAX;
    return column_bytes(what) + key_bytes(what) + nw_model_zipf_bytes_for(what->key_count);
}

/* Appends requests until the trace is whole or stopped. ids[key] is id + 1, or 0 when unseen. */
static nw_err fill(struct nw_model_inventor *inventor, uint32_t *ids, uint32_t *sizes,
                   const int *stop, struct nw_model_trace *trace)
{
    for (uint64_t i = 0; i < inventor->what.request_count; i++) {
        if (i % STRETCH == 0 && stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0)
            return NW_OK;
        uint32_t key = nw_model_inventor_next(inventor);
        if (ids[key] == 0) {
            ids[key] = trace->key_count + 1;
            if (sizes != NULL)
                sizes[key] = nw_model_inventor_size(inventor, key);
        }
        NW_TRY(nw_model_trace_add(trace, ids[key] - 1, sizes != NULL ? sizes[key] : 0, 0));
    }
    return NW_OK;
}

nw_err nw_model_invent(const struct nw_model_invented *what, uint64_t memory_max_bytes,
                       const int *stop, struct nw_model_trace *out)
{
    if (!is_valid(what))
        return NW_INVALID;
    if (nw_model_invent_bytes_for(what) > memory_max_bytes)
        return NW_NO_MEMORY;
    struct nw_model_inventor inventor;
    NW_TRY(nw_model_inventor_init(&inventor, what));
    struct nw_model_trace trace;
    bool has_sizes = what->size_mean != 0;
    uint64_t keys = (uint64_t)what->key_count + what->scan_keys + 1;
    nw_model_trace_init(&trace, has_sizes, false, what->request_count, column_bytes(what));
    trace.rate_per_s = what->rate_per_s;
    uint32_t *ids = nw_alloc_array(keys, sizeof *ids);
    uint32_t *sizes = has_sizes ? nw_alloc_array(keys, sizeof *sizes) : NULL;
    nw_err err = fill(&inventor, ids, sizes, stop, &trace);
    NW_ASSERT(err == NW_OK); /* its room was made beforehand */
    nw_free(ids);
    nw_free(sizes);
    nw_model_inventor_done(&inventor);
    *out = trace;
    return NW_OK;
}
