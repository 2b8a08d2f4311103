/*
 * keytable.h - keys become dense numbers: 0, 1, 2 … in the order in which they first appear.
 *
 * A trace is interned once; after that every simulator works on arrays over these ids. A key is
 * either a string or a 64-bit number. Strings are kept as 64-bit keyed SipHash-1-3 fingerprints, so
 * a table costs the same whatever the keys look like: among 10 million strings the chance that any
 * two are taken for one is 3 in a million. Use strings or numbers in one table, not both.
 *
 * Owner:   nw_model_keytable_new/_free; nothing points into the caller's keys
 * Threads: one at a time
 */
#ifndef NW_MODEL_KEYTABLE_H
#define NW_MODEL_KEYTABLE_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/slice.h"

#define NW_MODEL_KEYS_MAX (UINT32_MAX - 1) /* ids 0 … 4,294,967,293 */

struct nw_model_keytable;

/* Most that a table of so many keys takes, in bytes, the moment of its growth included. */
uint64_t nw_model_keytable_bytes_for(uint64_t key_count);

/* An empty table that never takes more than memory_max_bytes. */
struct nw_model_keytable *nw_model_keytable_new(struct nw_hash_key key, uint64_t memory_max_bytes);
void nw_model_keytable_free(struct nw_model_keytable *table);
NW_CLEANUP_DEFINE(struct nw_model_keytable, nw_model_keytable_free)

/*
 * The id of a key, new or known: a new key gets the next number. NW_NO_MEMORY when a new key would
 * need more than the bound, or more than NW_MODEL_KEYS_MAX keys; known keys are still answered.
 */
NW_MUST_CHECK nw_err nw_model_keytable_intern(struct nw_model_keytable *table, struct nw_slice key,
                                              uint32_t *out_id);
NW_MUST_CHECK nw_err nw_model_keytable_intern_u64(struct nw_model_keytable *table, uint64_t key,
                                                  uint32_t *out_id);

/* Keys so far; bytes taken now. */
uint32_t nw_model_keytable_count(const struct nw_model_keytable *table);
uint64_t nw_model_keytable_bytes(const struct nw_model_keytable *table);

#endif
