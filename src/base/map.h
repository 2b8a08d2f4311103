/*
 * map.h - a hash map from byte strings to pointers.
 *
 * Keyed with SipHash-1-3, so keys may come from an attacker. Iteration is in order of insertion:
 * nothing depends on the hash key or on an address.
 *
 * Owner:   the map copies its keys; values are borrowed, the caller frees them
 * Threads: one at a time
 */
#ifndef NW_BASE_MAP_H
#define NW_BASE_MAP_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"

struct nw_map_entry {
    struct nw_slice key; /* zero-terminated; ptr NULL: removed */
    void *value;
    uint64_t hash;
};

struct nw_map {
    struct nw_hash_key hash_key;
    struct nw_map_entry *entries; /* in order of insertion, with holes */
    uint32_t *slots;              /* entry index + 1; 0 never used */
    size_t entry_count;           /* with holes */
    size_t slot_count;            /* a power of two, or 0 */
    size_t count;                 /* keys present */
};

void nw_map_init(struct nw_map *map, struct nw_hash_key key);
void nw_map_done(struct nw_map *map);
/* Sets the value of a key, new or not; returns the value it had, or NULL. value is not NULL. */
void *nw_map_put(struct nw_map *map, struct nw_slice key, void *value);
/* The value, or NULL. */
void *nw_map_get(const struct nw_map *map, struct nw_slice key);
/* Removes the key; returns the value it had, or NULL. */
void *nw_map_remove(struct nw_map *map, struct nw_slice key);

static inline size_t nw_map_count(const struct nw_map *map)
{
    return map->count;
}

/*
 * The entry at or after *cursor (start with 0), which moves behind it; NULL at the end. The entry
 * just returned may be removed while iterating; nothing may be put.
 */
const struct nw_map_entry *nw_map_next(const struct nw_map *map, size_t *cursor);

#endif
