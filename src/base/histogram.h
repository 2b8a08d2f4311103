/*
 * histogram.h - how values are spread, with a bounded relative error.
 *
 * Log-linear (HDR) buckets: each power of two is cut into equal steps, as many as the wanted
 * significant digits need, so a bucket is never wider than 1/10, 1/100 or 1/1000 of its values.
 * Two histograms of the same layout can be added.
 *
 * Owner:   nw_histogram_new/_free, or the caller's memory of nw_histogram_bytes through _init
 * Threads: one writer (record, add, reset as the target); any thread may read meanwhile and sees
 *          each number whole, though not all of them from the same moment
 */
#ifndef NW_BASE_HISTOGRAM_H
#define NW_BASE_HISTOGRAM_H

#include <stdbool.h>

#include "base/alloc.h"
#include "base/compiler.h"

struct nw_histogram {
    uint64_t max_value;    /* greater values are counted as this one */
    uint64_t linear_mask;  /* all bits of a value in the first, linear part */
    uint32_t bucket_count; /* of counts */
    uint32_t index_offset; /* unit_bits << half_bits */
    uint8_t half_bits;     /* log2 of the buckets in each power of two */
    uint8_t unit_bits;     /* log2 of the smallest step */
    uint64_t sum;          /* of the values as given, not of bucket middles */
    uint64_t greatest;     /* seen so far, before clamping; 0 when empty */
    uint64_t counts[];
};

/* One bucket that holds something: values low..high inclusive. */
struct nw_histogram_bucket {
    uint64_t low;
    uint64_t high;
    uint64_t count;
    uint32_t index;
};

/* digits 1..3; min_unit >= 1 is the resolution at the low end (rounded down to a power of two). */
size_t nw_histogram_bytes(int digits, uint64_t min_unit, uint64_t max_value);
/* `memory` holds at least nw_histogram_bytes of the same arguments, 8-byte aligned. */
struct nw_histogram *nw_histogram_init(void *memory, int digits, uint64_t min_unit,
                                       uint64_t max_value);
struct nw_histogram *nw_histogram_new(int digits, uint64_t min_unit, uint64_t max_value);
void nw_histogram_free(struct nw_histogram *histogram);
NW_CLEANUP_DEFINE(struct nw_histogram, nw_histogram_free)
void nw_histogram_reset(struct nw_histogram *histogram);

/* A counter of one writer: whole for readers, no lock prefix. */
static inline void nw_counter_add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

static inline uint32_t nw_histogram_index(const struct nw_histogram *histogram, uint64_t value)
{
    value = value < histogram->max_value ? value : histogram->max_value;
    unsigned top = 63u ^ (unsigned)__builtin_clzll(value | histogram->linear_mask);
    unsigned shift = top - histogram->half_bits;
    return (shift << histogram->half_bits) + (uint32_t)(value >> shift) - histogram->index_offset;
}

static inline void nw_histogram_record_many(struct nw_histogram *histogram, uint64_t value,
                                            uint64_t times)
{
    nw_counter_add(&histogram->counts[nw_histogram_index(histogram, value)], times);
    nw_counter_add(&histogram->sum, value * times);
    if (value > __atomic_load_n(&histogram->greatest, __ATOMIC_RELAXED))
        __atomic_store_n(&histogram->greatest, value, __ATOMIC_RELAXED);
}

static inline void nw_histogram_record(struct nw_histogram *histogram, uint64_t value)
{
    nw_histogram_record_many(histogram, value, 1);
}

bool nw_histogram_same_layout(const struct nw_histogram *a, const struct nw_histogram *b);
/* Adds all of `from` to `into`; the layouts must be the same. */
void nw_histogram_add(struct nw_histogram *into, const struct nw_histogram *from);

/* Counted by walking the buckets: not for the request path. */
uint64_t nw_histogram_count(const struct nw_histogram *histogram);
uint64_t nw_histogram_sum(const struct nw_histogram *histogram);
/* The greatest value seen, exactly; 0 when empty. */
uint64_t nw_histogram_max(const struct nw_histogram *histogram);
double nw_histogram_mean(const struct nw_histogram *histogram);
/*
 * The smallest bucket's upper end (never above the greatest value) such that at least `percent`
 * (0..100) of the values are not greater; 0 when empty.
 */
uint64_t nw_histogram_percentile(const struct nw_histogram *histogram, double percent);
/*
 * How many values are not greater than `bound`. A bucket that contains the bound is counted whole,
 * so the result is exact for bounds that end a bucket and at most one bucket's width off else.
 * Values beyond max_value count as max_value.
 */
uint64_t nw_histogram_count_at_most(const struct nw_histogram *histogram, uint64_t bound);
/*
 * The next bucket with a count, in order of value:
 * `bool is_started = false; while (nw_histogram_next(h, &is_started, &bucket)) …`
 */
bool nw_histogram_next(const struct nw_histogram *histogram, bool *is_started,
                       struct nw_histogram_bucket *bucket);

#endif
