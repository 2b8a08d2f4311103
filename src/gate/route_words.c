/* Open addressing with linear probing, at most half full: a look-up that misses ends quickly. */
#include "gate/route_words.h"

#include "base/alloc.h"

enum { SLOTS_MIN = 16 };

void *route_grow(void *items, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap)
        return items;
    *cap = *cap != 0 ? *cap * 2 : 16;
    return nw_realloc(items, *cap * item_bytes);
}

/* ---- words ---- */

void route_words_done(struct route_words *words)
{
    nw_free(words->items);
    nw_free(words->slots);
    *words = (struct route_words){0};
}

static uint32_t hash_of(struct nw_slice text)
{
    return (uint32_t)nw_hash_fast(text, 0);
}

/* The slot that holds the text or is free for it. */
static size_t word_slot(const struct route_words *words, struct nw_slice text, uint32_t hash)
{
    size_t at = hash & (words->slot_count - 1);
    for (; words->slots[at] != 0; at = (at + 1) & (words->slot_count - 1)) {
        const struct route_word *word = &words->items[words->slots[at]];
        if (word->hash == hash && nw_slice_eq(word->text, text))
            break;
    }
    return at;
}

static void words_rehash(struct route_words *words)
{
    nw_free(words->slots);
    words->slot_count = words->slot_count != 0 ? words->slot_count * 2 : SLOTS_MIN;
    words->slots = nw_alloc_array(words->slot_count, sizeof *words->slots);
    for (uint32_t i = 1; i < words->count; i++)
        words->slots[word_slot(words, words->items[i].text, words->items[i].hash)] = i;
}

uint32_t route_words_add(struct route_words *words, struct nw_slice text)
{
    if ((words->count + 1) * 2 > words->slot_count)
        words_rehash(words);
    if (words->count == 0)
        words->count = 1;
    uint32_t hash = hash_of(text);
    size_t at = word_slot(words, text, hash);
    if (words->slots[at] != 0)
        return words->slots[at];
    words->items = route_grow(words->items, words->count, &words->cap, sizeof *words->items);
    words->items[words->count] = (struct route_word){text, hash};
    words->slots[at] = (uint32_t)words->count;
    if (text.len > words->longest_bytes)
        words->longest_bytes = text.len;
    return (uint32_t)words->count++;
}

uint32_t route_words_find(const struct route_words *words, struct nw_slice text)
{
    if (words->count == 0 || text.len > words->longest_bytes)
        return 0;
    return words->slots[word_slot(words, text, hash_of(text))];
}

/* ---- edges ---- */

void route_edges_done(struct route_edges *edges)
{
    nw_free(edges->slots);
    *edges = (struct route_edges){0};
}

static size_t edge_slot(const struct route_edges *edges, uint64_t key)
{
    size_t at = route_edge_slot(key, edges->slot_count);
    while (edges->slots[at].to != 0 && edges->slots[at].key != key)
        at = (at + 1) & (edges->slot_count - 1);
    return at;
}

static void edges_rehash(struct route_edges *edges)
{
    struct route_edge *old = edges->slots;
    size_t old_count = edges->slot_count;
    edges->slot_count = old_count != 0 ? old_count * 2 : SLOTS_MIN;
    edges->slots = nw_alloc_array(edges->slot_count, sizeof *edges->slots);
    for (size_t i = 0; i < old_count; i++)
        if (old[i].to != 0)
            edges->slots[edge_slot(edges, old[i].key)] = old[i];
    nw_free(old);
}

void route_edges_set(struct route_edges *edges, uint32_t from, uint32_t label, uint32_t to)
{
    if ((edges->count + 1) * 2 > edges->slot_count)
        edges_rehash(edges);
    uint64_t key = (uint64_t)from << 32 | label;
    size_t at = edge_slot(edges, key);
    edges->count += edges->slots[at].to == 0;
    edges->slots[at] = (struct route_edge){key, to};
}
