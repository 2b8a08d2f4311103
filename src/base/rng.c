/*
 * xoshiro256** (Blackman and Vigna): 32 bytes of state, under a nanosecond a number, passes the
 * usual batteries. Its state is filled by splitmix64, so that seeds 1, 2, 3 give unrelated streams.
 * Road not taken: PCG is as good; xoshiro's reference values are the easier ones to find and test.
 */
#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

#define SPLITMIX_STEP 0x9e3779b97f4a7c15ull

uint64_t nw_rng_mix(uint64_t seed)
{
    uint64_t z = seed + SPLITMIX_STEP;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

void nw_rng_init(struct nw_rng *rng, uint64_t seed)
{
    rng->seed = seed;
    for (size_t i = 0; i < NW_COUNT(rng->state); i++)
        rng->state[i] = nw_rng_mix(seed + i * SPLITMIX_STEP);
}

void nw_rng_split(const struct nw_rng *parent, const char *name, struct nw_rng *out)
{
    struct nw_hash_key key = {parent->seed, 0x6e6577656c207267ull};
    nw_rng_init(out, nw_hash_sip24(&key, nw_slice_str(name)));
}

uint64_t nw_rng_below(struct nw_rng *rng, uint64_t n)
{
    NW_ASSERT(n > 0);
    /* Lemire: the high word of x * n is uniform once the few low words that favour some are out. */
    unsigned __int128 product = (unsigned __int128)nw_rng_next(rng) * n;
    if ((uint64_t)product < n) {
        uint64_t unfair = -n % n;
        while ((uint64_t)product < unfair)
            product = (unsigned __int128)nw_rng_next(rng) * n;
    }
    return (uint64_t)(product >> 64);
}

double nw_rng_double(struct nw_rng *rng)
{
    return (double)(nw_rng_next(rng) >> 11) * 0x1p-53;
}

bool nw_rng_chance(struct nw_rng *rng, double p)
{
    return nw_rng_double(rng) < p;
}

double nw_rng_exponential(struct nw_rng *rng, double mean)
{
    /* 1 - u is exact, u being a multiple of 2^-53 below 1; log1p would take twice as long. */
    return -mean * log(1 - nw_rng_double(rng));
}

void nw_rng_shuffle(struct nw_rng *rng, void *items, size_t count, size_t item_bytes)
{
    char spare[256];
    NW_ASSERT(item_bytes <= sizeof spare);
    for (size_t i = count; i > 1; i--) {
        char *a = (char *)items + (i - 1) * item_bytes;
        char *b = (char *)items + nw_rng_below(rng, i) * item_bytes;
        if (a == b)
            continue;
        memcpy(spare, a, item_bytes);
        memcpy(a, b, item_bytes);
        memcpy(b, spare, item_bytes);
    }
}
