/*
 * route_words.h - texts as numbers, and edges between numbers: the two hash tables of the router.
 *
 * Both are filled while a table is compiled and only read afterwards. Their content comes from the
 * configuration, so a plain fast hash serves: whoever sends requests picks what is looked up, not
 * what lies there.
 *
 * Owner:   the struct owns its memory; _done frees it. Texts are borrowed
 * Threads: one writer, then any number of readers
 */
#ifndef NW_GATE_ROUTE_WORDS_H
#define NW_GATE_ROUTE_WORDS_H

#include "base/hash.h"
#include "base/slice.h"

struct route_word {
    struct nw_slice text;
    uint32_t hash;
};

/* A zeroed struct is an empty set. Words are numbered from 1; 0 is "no such word". */
struct route_words {
    struct route_word *items;
    size_t count; /* with the unused word 0 */
    size_t cap;
    uint32_t *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t longest_bytes;
};

void route_words_done(struct route_words *words);
/* The number of the text, new or not. */
uint32_t route_words_add(struct route_words *words, struct nw_slice text);
/* The number of the text, or 0. */
uint32_t route_words_find(const struct route_words *words, struct nw_slice text);

struct route_edge {
    uint64_t key;
    uint32_t to; /* 0: the slot is free */
};

/* From (node, label) to a node; a zeroed struct has none. */
struct route_edges {
    struct route_edge *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
};

void route_edges_done(struct route_edges *edges);
/* Replaces what the pair had; `to` is not 0. */
void route_edges_set(struct route_edges *edges, uint32_t from, uint32_t label, uint32_t to);

static inline size_t route_edge_slot(uint64_t key, size_t slot_count)
{
    return ((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (slot_count - 1);
}

/* Where the edge leads, or 0. */
static inline uint32_t route_edges_get(const struct route_edges *edges, uint32_t from,
                                       uint32_t label)
{
    if (edges->slot_count == 0)
        return 0;
    uint64_t key = (uint64_t)from << 32 | label;
    size_t at = route_edge_slot(key, edges->slot_count);
    while (edges->slots[at].to != 0 && edges->slots[at].key != key)
        at = (at + 1) & (edges->slot_count - 1);
    return edges->slots[at].to;
}

/* Room for one more behind `count` items: the array, moved if need be. */
void *route_grow(void *items, size_t count, size_t *cap, size_t item_bytes);

#endif
