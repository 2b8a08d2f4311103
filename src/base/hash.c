/*
 * SipHash (Aumasson and Bernstein) with 1-3 and 2-4 rounds; the reduced one is what Python, Rust
 * and Ruby use for tables: no collision attack on it is known, and it takes two thirds of the time.
 * A short key costs about 10 ns. xxh3 comes from libxxhash.
 */
#include "base/hash.h"

#include <xxhash.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void rounds(struct sip *s, int count)
{
    for (int i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

/* Up to 8 bytes, little endian. */
static inline uint64_t word(const char *from, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, from, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline uint64_t sip(const struct nw_hash_key *key, struct nw_slice bytes, int per_word,
                           int at_end)
{
    struct sip s = {
        key->k0 ^ 0x736f6d6570736575ull,
        key->k1 ^ 0x646f72616e646f6dull,
        key->k0 ^ 0x6c7967656e657261ull,
        key->k1 ^ 0x7465646279746573ull,
    };
    uint64_t last = (uint64_t)bytes.len << 56;
    for (; bytes.len >= 8; bytes = nw_slice_skip(bytes, 8)) {
        uint64_t m = word(bytes.ptr, 8);
        s.v3 ^= m;
        rounds(&s, per_word);
        s.v0 ^= m;
    }
    if (bytes.len != 0)
        last |= word(bytes.ptr, bytes.len);
    s.v3 ^= last;
    rounds(&s, per_word);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    rounds(&s, at_end);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t nw_hash_sip13(const struct nw_hash_key *key, struct nw_slice bytes)
{
    return sip(key, bytes, 1, 3);
}

uint64_t nw_hash_sip24(const struct nw_hash_key *key, struct nw_slice bytes)
{
    return sip(key, bytes, 2, 4);
}

uint64_t nw_hash_fast(struct nw_slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.len != 0 ? bytes.ptr : "", bytes.len, seed);
}
