/*
 * firsts.h - how many requests are the first of their key in a while?
 *
 * Four spans of traffic, each about eight times as long as the one before. A span begins anew when
 * it has seen about as many keys as it has bits, and so do all shorter ones then. A request's depth
 * is the number of spans that its key had not been asked in: 0 for the hottest keys, all of them
 * for a key that comes for the first time. The requests of each depth are counted, those of every
 * key; where the last use of a key is known its depth is known too.
 *
 * Owner:   the memory is the caller's
 * Threads: one at a time
 */
#ifndef NW_MODEL_FIRSTS_H
#define NW_MODEL_FIRSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

#define NW_MODEL_FIRSTS_SPANS 4

struct nw_model_firsts_span {
    uint64_t *bits;     /* one for each hash: asked in this span? */
    double first_count; /* first uses in a span, all spans together; halved by _halve */
    uint32_t bit_mask;
    uint32_t clear_count; /* of bits */
    uint32_t begin;       /* a time */
};

struct nw_model_firsts {
    struct nw_model_firsts_span spans[NW_MODEL_FIRSTS_SPANS]; /* the shortest first */
    uint32_t now; /* the time of the next use: 1, 2, 3 … modulo 2^32 */
};

size_t nw_model_firsts_bytes(void);
/* memory: nw_model_firsts_bytes, zeroed, 8-byte aligned. */
void nw_model_firsts_init(struct nw_model_firsts *out, char *memory);

/*
 * A key's depth, 0 … NW_MODEL_FIRSTS_SPANS, from its last use (a `now` within the last 2^31 uses;
 * 0: before the first use). All of the spans when it was never used.
 */
int nw_model_firsts_depth(const struct nw_model_firsts *firsts, uint32_t used_at);
/*
 * A request of a key whose last use is unknown; it counts as `weight` requests. Its depth is
 * estimated, right on average. Any 64 bits that tell keys apart are good for a hash.
 */
void nw_model_firsts_use(struct nw_model_firsts *firsts, uint64_t hash, double weight);
/* The same of a key of this depth. */
void nw_model_firsts_use_known(struct nw_model_firsts *firsts, uint64_t hash, int depth,
                               double weight);
/* A key last used then will be taken for new: no span may reach back so far. */
void nw_model_firsts_forget(struct nw_model_firsts *firsts, uint32_t used_at);
void nw_model_firsts_halve(struct nw_model_firsts *firsts);

/* Requests of at least this depth, 1 … NW_MODEL_FIRSTS_SPANS; 0 beyond. */
static inline double nw_model_firsts_at_least(const struct nw_model_firsts *firsts, int depth)
{
    return depth <= NW_MODEL_FIRSTS_SPANS ? firsts->spans[depth - 1].first_count : 0;
}

#endif
