/*
 * Each span is a bitmap. A first use that finds its bit set by another key goes unnoticed; when a
 * share s of the bits is set that happens to a share s of them, so the others are worth 1 / (1 - s)
 * each. That is linear counting (Whang and others, 1990) made running, and right at any moment. The
 * longest span has 64 Ki bits: it counts its 90,000 keys to 0.4 %.
 *
 * The share is known before each bit is looked at, so nothing has to be undone when a span begins
 * anew. Spans are nested, because the depth is a number only if a key unseen in a longer span is
 * unseen in all shorter ones.
 *
 * Road not taken: a table of the last use of many keys knows the same with 32 bits a key.
 */
#include "model/firsts.h"

#include <string.h>

#include "base/assert.h"

enum {
    SPANS = NW_MODEL_FIRSTS_SPANS,
    SHORTEST_BITS = 7, /* log2 of the bits of the shortest span */
    STEP_BITS = 3,     /* log2 of the bits of the next one for each bit */
};

static uint32_t bits_of(int span)
{
    return 1u << (SHORTEST_BITS + STEP_BITS * span);
}

size_t nw_model_firsts_bytes(void)
{
    size_t bytes = 0;
    for (int i = 0; i < SPANS; i++)
        bytes += bits_of(i) / 8;
    return bytes;
}

void nw_model_firsts_init(struct nw_model_firsts *out, char *memory)
{
    *out = (struct nw_model_firsts){.now = 1};
    for (int i = 0; i < SPANS; i++) {
        out->spans[i].bits = (uint64_t *)memory;
        out->spans[i].bit_mask = bits_of(i) - 1;
        out->spans[i].clear_count = bits_of(i);
        out->spans[i].begin = out->now;
        memory += bits_of(i) / 8;
    }
}

static bool is_before(uint32_t time, uint32_t begin)
{
    return (int32_t)(time - begin) < 0;
}

int nw_model_firsts_depth(const struct nw_model_firsts *firsts, uint32_t used_at)
{
    int depth = 0;
    while (depth < SPANS && is_before(used_at, firsts->spans[depth].begin))
        depth++;
    return depth;
}

/* This span and all shorter ones begin with the next request. */
static void begin_anew(struct nw_model_firsts *firsts, int last)
{
    for (int i = 0; i <= last; i++) {
        struct nw_model_firsts_span *span = &firsts->spans[i];
        memset(span->bits, 0, bits_of(i) / 8);
        span->clear_count = bits_of(i);
        span->begin = firsts->now;
    }
}

/* Ids in order, stepped over evenly, would collide less than chance has it: mix them. */
static uint32_t place_of(uint64_t hash)
{
    return (uint32_t)(((hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull) >> 32);
}

/* Sets a bit that may be set; true when the span is full. */
static inline bool set_bit(struct nw_model_firsts_span *span, uint32_t place)
{
    uint64_t *word = &span->bits[(place & span->bit_mask) / 64], bit = 1ull << (place % 64);
    span->clear_count -= (*word & bit) == 0;
    *word |= bit;
    return span->clear_count <= (span->bit_mask + 1) / 4;
}

void nw_model_firsts_use(struct nw_model_firsts *firsts, uint64_t hash, double weight)
{
    uint32_t place = place_of(hash), clear = 0;
#pragma GCC unroll 4
    for (int i = 0; i < SPANS; i++) {
        uint64_t word = firsts->spans[i].bits[(place & (bits_of(i) - 1)) / 64];
        clear |= (uint32_t)(~(word >> (place % 64)) & 1) << i;
    }
    firsts->now++;
    int full = -1;
    for (; clear != 0; clear &= clear - 1) {
        int i = __builtin_ctz(clear);
        struct nw_model_firsts_span *span = &firsts->spans[i];
        span->first_count += weight * (span->bit_mask + 1) / span->clear_count;
        full = set_bit(span, place) ? i : full;
    }
    if (full >= 0)
        begin_anew(firsts, full);
}

void nw_model_firsts_use_known(struct nw_model_firsts *firsts, uint64_t hash, int depth,
                               double weight)
{
    uint32_t place = place_of(hash);
    firsts->now++;
    int full = -1;
    for (int i = 0; i < depth; i++) {
        firsts->spans[i].first_count += weight;
        full = set_bit(&firsts->spans[i], place) ? i : full;
    }
    if (full >= 0)
        begin_anew(firsts, full);
}

void nw_model_firsts_forget(struct nw_model_firsts *firsts, uint32_t used_at)
{
    int first = nw_model_firsts_depth(firsts, used_at);
    if (first < SPANS)
        begin_anew(firsts, SPANS - 1);
}

void nw_model_firsts_halve(struct nw_model_firsts *firsts)
{
    for (int i = 0; i < SPANS; i++)
        firsts->spans[i].first_count /= 2;
}
