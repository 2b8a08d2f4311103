/*
 * sketch.h - about how often was an id asked for lately? A count-min sketch of 4-bit counters.
 *
 * Four rows; each id has a counter in each, shared with others, so the smallest of its four is the
 * estimate. Only the counters at that minimum grow (conservative), to 15 at most, and after a
 * period all of them halve.
 *
 * Owner:   the memory is the caller's
 * Threads: one at a time
 */
#ifndef NW_MODEL_SKETCH_H
#define NW_MODEL_SKETCH_H

#include "base/compiler.h"

#define NW_MODEL_SKETCH_ROWS 4
#define NW_MODEL_SKETCH_WIDTH_MAX (1ull << 31)

struct nw_model_sketch {
    uint8_t *rows[NW_MODEL_SKETCH_ROWS]; /* two counters a byte */
    uint64_t width;                      /* counters in a row, a power of two */
    uint64_t period;                     /* requests between two halvings */
    uint64_t since;                      /* the last halving */
};

/* An id's hash: the first row's counter in the low half, the step to the next row's above. */
static inline uint64_t nw_model_sketch_hash(uint32_t id)
{
    uint64_t z = (id + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93ull;
    return z ^ (z >> 32);
}

static inline uint64_t nw_model_sketch_at(const struct nw_model_sketch *sketch, uint64_t hash,
                                          int row)
{
    uint64_t step = (hash >> 32) | 1;
    return (hash + (uint64_t)row * step) & (sketch->width - 1);
}

static inline unsigned nw_model_sketch_count(const struct nw_model_sketch *sketch, uint64_t hash,
                                             int row)
{
    uint64_t at = nw_model_sketch_at(sketch, hash, row);
    return (sketch->rows[row][at >> 1] >> ((at & 1) * 4)) & 15;
}

/* The estimate, 0 … 15: never below the true number of requests since the last halving. */
static inline unsigned nw_model_sketch_of(const struct nw_model_sketch *sketch, uint32_t id)
{
    uint64_t hash = nw_model_sketch_hash(id);
    unsigned least = 15;
    for (int row = 0; row < NW_MODEL_SKETCH_ROWS; row++) {
        unsigned count = nw_model_sketch_count(sketch, hash, row);
        least = count < least ? count : least;
    }
    return least;
}

/* The next power of two >= 2 x entries: with half of it, one id in three looks too frequent. */
uint64_t nw_model_sketch_width(uint64_t entries);
uint64_t nw_model_sketch_bytes(uint64_t entries);
/* memory: zeroed, nw_model_sketch_bytes, 64-byte aligned. */
void nw_model_sketch_init(struct nw_model_sketch *out, uint64_t entries, char *memory);
/* One request; halves all counters after each period of 10 x entries. */
void nw_model_sketch_halve(struct nw_model_sketch *sketch);

static inline void nw_model_sketch_add(struct nw_model_sketch *sketch, uint32_t id)
{
    uint64_t hash = nw_model_sketch_hash(id);
    unsigned counts[NW_MODEL_SKETCH_ROWS], least = 15;
    for (int row = 0; row < NW_MODEL_SKETCH_ROWS; row++) {
        counts[row] = nw_model_sketch_count(sketch, hash, row);
        least = counts[row] < least ? counts[row] : least;
    }
    for (int row = 0; row < NW_MODEL_SKETCH_ROWS && least < 15; row++) {
        uint64_t at = nw_model_sketch_at(sketch, hash, row);
        sketch->rows[row][at >> 1] += (uint8_t)((counts[row] == least) << ((at & 1) * 4));
    }
    if (NW_UNLIKELY(++sketch->since == sketch->period))
        nw_model_sketch_halve(sketch);
}

/* Asks an id's counters into the processor's cache. */
static inline void nw_model_sketch_warm(const struct nw_model_sketch *sketch, uint32_t id)
{
    uint64_t hash = nw_model_sketch_hash(id);
    for (int row = 0; row < NW_MODEL_SKETCH_ROWS; row++)
        __builtin_prefetch(&sketch->rows[row][nw_model_sketch_at(sketch, hash, row) >> 1], 1);
}

#endif
