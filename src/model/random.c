/*
 * A stream's start is a hash of who it is for: nothing is drawn from a parent, so a new use of
 * chance moves nobody's dice. splitmix64 stands between the hash and the generator, as it does
 * between a plain seed and the generator, so that neighbouring entities get unrelated states.
 */
#include "model/random.h"

#include <math.h>

#include "base/assert.h"
#include "base/hash.h"

/* Little endian, so that a seed means the same on every machine. */
static void put_u64(char to[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (char)(value >> (8 * i));
}

void nw_model_stream_init(struct nw_rng *out, uint64_t seed, nw_model_purpose purpose,
                          uint64_t entity)
{
    if (purpose == NW_MODEL_TRACE && entity == 0) {
        nw_rng_init(out, seed);
        return;
    }
    char name[16];
    put_u64(name, (uint64_t)purpose);
    put_u64(name + 8, entity);
    nw_rng_init(out, nw_rng_mix(seed ^ nw_hash_fast(nw_slice_of(name, sizeof name), 0)));
}

double nw_model_draw_normal(struct nw_rng *rng)
{
    for (;;) {
        double u = 2 * nw_rng_double(rng) - 1, v = 2 * nw_rng_double(rng) - 1;
        double s = u * u + v * v;
        if (s > 0 && s < 1)
            return u * sqrt(-2 * log(s) / s);
    }
}

double nw_model_draw_lognormal(struct nw_rng *rng, double mean, double cv)
{
    NW_ASSERT(mean >= 0 && cv >= 0);
    double variance = log1p(cv * cv);
    return mean * exp(sqrt(variance) * nw_model_draw_normal(rng) - variance / 2);
}
