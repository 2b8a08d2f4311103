/*
 * hash.h - two hashes: one that an attacker cannot steer, one that is fast.
 *
 * Whatever a peer can choose (header names, hosts, cache keys, client addresses) goes through
 * SipHash with a key that nobody outside knows; xxh3 serves data that is ours.
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_BASE_HASH_H
#define NW_BASE_HASH_H

#include "base/compiler.h"
#include "base/slice.h"

struct nw_hash_key {
    uint64_t k0; /* the first 8 key bytes, little endian */
    uint64_t k1;
};

/* SipHash-1-3: for tables in memory. */
uint64_t nw_hash_sip13(const struct nw_hash_key *key, struct nw_slice bytes);
/* SipHash-2-4: the original with its wider margin. */
uint64_t nw_hash_sip24(const struct nw_hash_key *key, struct nw_slice bytes);
/* xxh3, 64 bits: stable across versions and machines, steerable by whoever picks the bytes. */
uint64_t nw_hash_fast(struct nw_slice bytes, uint64_t seed);

#endif
