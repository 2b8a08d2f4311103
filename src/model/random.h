/*
 * random.h - streams of chance for simulations: one per purpose and entity, all from one seed.
 *
 * Two policies that are compared meet the same arrivals (common random numbers) because the
 * arrivals of entity 3 come from a stream that depends on the seed, the purpose and 3 alone, not on
 * what anything else drew before. A purpose is a row below; its number is part of what a seed means
 * and never changes.
 *
 * Owner:   the caller; plain data
 * Threads: one stream, one thread
 */
#ifndef NW_MODEL_RANDOM_H
#define NW_MODEL_RANDOM_H

#include "base/rng.h"

typedef enum nw_model_purpose {
    NW_MODEL_TRACE = 0,    /* keys of an invented cache trace: the seed itself */
    NW_MODEL_ARRIVALS = 1, /* gaps between arrivals */
    NW_MODEL_SERVICE = 2,  /* service times */
    NW_MODEL_CHOICE = 3,   /* which station, which node */
    NW_MODEL_NOISE = 4,    /* noise on loads and readings */
    NW_MODEL_LOSS = 5,     /* lost metrics, failed attempts */
    NW_MODEL_BACKOFF = 6,  /* jitter of retries */
    NW_MODEL_RESAMPLE = 7, /* resampled data of intervals */
    NW_MODEL_SIZES = 8,    /* sizes of invented objects */
} nw_model_purpose;

/* Purpose NW_MODEL_TRACE, entity 0: state from `seed`; else from splitmix64(seed ^ xxh3(p, e)). */
void nw_model_stream_init(struct nw_rng *out, uint64_t seed, nw_model_purpose purpose,
                          uint64_t entity);
/* Mean 0, standard deviation 1 (polar method; draws a varying number of times). */
double nw_model_draw_normal(struct nw_rng *rng);
/* Mean and coefficient of variation of the values themselves, not of their logarithms; cv >= 0. */
double nw_model_draw_lognormal(struct nw_rng *rng, double mean, double cv);

#endif
