/*
 * rng.h - pseudo-random numbers from an explicit seed.
 *
 * xoshiro256**: the same seed gives the same sequence on every machine. Not for secrets. A stream
 * split off by name does not depend on what was drawn from its parent before, so a new use of
 * chance somewhere does not move the dice of everyone else.
 *
 * Owner:   the caller; plain data, may be copied
 * Threads: one at a time
 */
#ifndef NW_BASE_RNG_H
#define NW_BASE_RNG_H

#include <stdbool.h>

#include "base/compiler.h"

struct nw_rng {
    uint64_t state[4];
    uint64_t seed; /* what the state was made from; split uses it */
};

/* The first output of splitmix64 from `seed`: what a plain number is spread by. */
uint64_t nw_rng_mix(uint64_t seed);
void nw_rng_init(struct nw_rng *rng, uint64_t seed);
/* A stream that depends on the parent's seed and the name alone. */
void nw_rng_split(const struct nw_rng *parent, const char *name, struct nw_rng *out);

static inline uint64_t nw_rng_next(struct nw_rng *rng)
{
    uint64_t *s = rng->state, times5 = s[1] * 5, shifted = s[1] << 17;
    uint64_t result = ((times5 << 7) | (times5 >> 57)) * 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Uniform in 0..n-1 without bias; n > 0. */
uint64_t nw_rng_below(struct nw_rng *rng, uint64_t n);
/* Uniform in [0, 1). */
double nw_rng_double(struct nw_rng *rng);
/* True with probability p. */
bool nw_rng_chance(struct nw_rng *rng, double p);
/* Exponentially distributed with the given mean: the gap between arrivals of a Poisson process. */
double nw_rng_exponential(struct nw_rng *rng, double mean);
/* Every order is equally likely (Fisher-Yates); item_bytes <= 256. */
void nw_rng_shuffle(struct nw_rng *rng, void *items, size_t count, size_t item_bytes);

#endif
