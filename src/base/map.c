/*
 * Two arrays: entries in order of insertion, and a table of slots that name entries (linear
 * probing, at most 3/4 full). Iteration walks the entries, so its order is the caller's own and
 * the hash key, which differs from run to run, can never show in any output.
 *
 * Invariant: a removed entry stays as a hole that keeps its slot, so probe chains never break; when
 * the entries are used up the table is rebuilt without holes, at a size that leaves room for half
 * as many again, which makes put amortised constant even under put-remove-put.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/assert.h"

static size_t entry_cap(size_t slot_count)
{
    return slot_count / 4 * 3;
}

void nw_map_init(struct nw_map *map, struct nw_hash_key key)
{
    *map = (struct nw_map){.hash_key = key};
}

void nw_map_done(struct nw_map *map)
{
    for (size_t i = 0; i < map->entry_count; i++)
        nw_free((char *)map->entries[i].key.ptr);
    nw_free(map->entries);
    nw_free(map->slots);
    nw_map_init(map, map->hash_key);
}

/* The slot that names the key's entry, or the free slot where it would go. */
static uint32_t *find(const struct nw_map *map, struct nw_slice key, uint64_t hash)
{
    size_t mask = map->slot_count - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &map->slots[at];
        if (*slot == 0)
            return slot;
        const struct nw_map_entry *entry = &map->entries[*slot - 1];
        if (entry->hash == hash && entry->key.ptr != NULL && nw_slice_eq(entry->key, key))
            return slot;
    }
}

static void rebuild(struct nw_map *map)
{
    size_t slot_count = 16;
    while (entry_cap(slot_count) < map->count + map->count / 2 + 4)
        slot_count *= 2;
    NW_ASSERT(slot_count <= UINT32_MAX);
    struct nw_map_entry *entries = nw_alloc_array(entry_cap(slot_count), sizeof *entries);
    uint32_t *slots = nw_alloc_array(slot_count, sizeof *slots);
    size_t kept = 0;
    for (size_t i = 0; i < map->entry_count; i++) {
        if (map->entries[i].key.ptr == NULL)
            continue;
        entries[kept++] = map->entries[i];
        size_t at = map->entries[i].hash & (slot_count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)kept;
    }
    nw_free(map->entries);
    nw_free(map->slots);
    map->entries = entries;
    map->slots = slots;
    map->entry_count = kept;
    map->slot_count = slot_count;
}

void *nw_map_put(struct nw_map *map, struct nw_slice key, void *value)
{
    NW_ASSERT(value != NULL);
    uint64_t hash = nw_hash_sip13(&map->hash_key, key);
    if (map->slot_count != 0) {
        uint32_t *slot = find(map, key, hash);
        if (*slot != 0) {
            void *before = map->entries[*slot - 1].value;
            map->entries[*slot - 1].value = value;
            return before;
        }
    }
    if (map->slot_count == 0 || map->entry_count == entry_cap(map->slot_count))
        rebuild(map);
    uint32_t *slot = find(map, key, hash);
    map->entries[map->entry_count] =
        (struct nw_map_entry){{nw_alloc_string(key), key.len}, value, hash};
    *slot = (uint32_t)++map->entry_count;
    map->count++;
    return NULL;
}

static struct nw_map_entry *lookup(const struct nw_map *map, struct nw_slice key)
{
    if (map->count == 0)
        return NULL;
    uint32_t slot = *find(map, key, nw_hash_sip13(&map->hash_key, key));
    return slot != 0 ? &map->entries[slot - 1] : NULL;
}

void *nw_map_get(const struct nw_map *map, struct nw_slice key)
{
    struct nw_map_entry *entry = lookup(map, key);
    return entry != NULL ? entry->value : NULL;
}

void *nw_map_remove(struct nw_map *map, struct nw_slice key)
{
    struct nw_map_entry *entry = lookup(map, key);
    if (entry == NULL)
        return NULL;
    nw_free((char *)entry->key.ptr);
    entry->key = nw_slice_of(NULL, 0);
    map->count--;
    return entry->value;
}

const struct nw_map_entry *nw_map_next(const struct nw_map *map, size_t *cursor)
{
    while (*cursor < map->entry_count) {
        const struct nw_map_entry *entry = &map->entries[(*cursor)++];
        if (entry->key.ptr != NULL)
            return entry;
    }
    return NULL;
}
