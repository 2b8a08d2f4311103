/*
 * The block that new positions come from is left out of the tree until it is full: a use then
 * changes the tree only where the id was, not where it goes. No question needs it, because what is
 * asked for is the sum of the blocks before a position's own.
 *
 * Road not taken: a Fenwick tree over single positions needs no words of bits, but 20 steps instead
 * of 12 for a million keys, and its 8 MB do not fit beside the processor.
 */
#include "model/recency.h"

#include <string.h>

#include "base/assert.h"
#include "model/bits.h"

enum { WORD = 64, BLOCK_WORDS = 4, BLOCK = WORD * BLOCK_WORDS };

static uint64_t blocks_for(uint64_t id_count)
{
    return (2 * id_count + BLOCK - 1) / BLOCK + 1;
}

static uint64_t tree_bytes(uint64_t blocks)
{
    return (blocks + 2) / 2 * 2 * sizeof(uint32_t);
}

uint64_t nw_model_recency_bytes(uint64_t id_count)
{
    uint64_t blocks = blocks_for(id_count), room = blocks * BLOCK;
    return room / 8 + tree_bytes(blocks) + (room + id_count) * sizeof(uint32_t);
}

void nw_model_recency_init(struct nw_model_recency *out, uint64_t id_count, char *memory)
{
    uint64_t blocks = blocks_for(id_count);
    *out = (struct nw_model_recency){.room = blocks * BLOCK};
    out->bits = (uint64_t *)memory;
    memory += out->room / 8;
    out->tree = (uint32_t *)memory;
    memory += tree_bytes(blocks);
    out->ids = (uint32_t *)memory;
    memory += out->room * sizeof(uint32_t);
    out->places = (uint32_t *)memory;
}

/* Live positions in the blocks before this one, all of which are full. */
static inline uint32_t sum_before(const struct nw_model_recency *recency, uint64_t block)
{
    uint32_t sum = 0;
    for (uint64_t i = block; i != 0; i &= i - 1)
        sum += recency->tree[i];
    return sum;
}

static inline void add_to(struct nw_model_recency *recency, uint64_t block, uint32_t amount)
{
    uint64_t blocks = recency->room / BLOCK;
    for (uint64_t i = block + 1; i <= blocks; i += i & -i)
        recency->tree[i] += amount;
}

static uint32_t live_in(const struct nw_model_recency *recency, uint64_t block)
{
    uint32_t live = 0;
    for (uint64_t w = block * BLOCK_WORDS; w < (block + 1) * BLOCK_WORDS; w++)
        live += nw_model_bits_set(recency->bits[w]);
    return live;
}

static inline void take_position(struct nw_model_recency *recency, uint32_t id)
{
    uint64_t at = recency->end++;
    recency->bits[at / WORD] |= 1ull << (at % WORD);
    recency->ids[at] = id;
    recency->places[id] = (uint32_t)(at + 1);
    recency->count++;
    if (recency->end % BLOCK == 0)
        add_to(recency, at / BLOCK, live_in(recency, at / BLOCK));
}

/* Gives the live ids, in order, the first positions. */
NW_NOINLINE static void move_together(struct nw_model_recency *recency)
{
    uint64_t words = recency->room / WORD, live = 0;
    for (uint64_t w = 0; w < words; w++)
        for (uint64_t word = recency->bits[w]; word != 0; word &= word - 1)
            recency->ids[live++] = recency->ids[w * WORD + (uint64_t)__builtin_ctzll(word)];
    NW_ASSERT(live == recency->count && live < recency->room);
    memset(recency->bits, 0, recency->room / 8);
    memset(recency->tree, 0, tree_bytes(recency->room / BLOCK));
    recency->end = recency->oldest = recency->count = 0;
    for (uint64_t i = 0; i < live; i++)
        take_position(recency, recency->ids[i]);
}

void nw_model_recency_forget(struct nw_model_recency *recency, uint32_t id)
{
    uint64_t at = recency->places[id] - 1;
    recency->bits[at / WORD] &= ~(1ull << (at % WORD));
    recency->places[id] = 0;
    recency->count--;
    if (at / BLOCK < recency->end / BLOCK)
        add_to(recency, at / BLOCK, (uint32_t)-1);
}

uint32_t nw_model_recency_younger(const struct nw_model_recency *recency, uint32_t id)
{
    uint64_t at = recency->places[id] - 1, block = at / BLOCK;
    uint32_t not_younger = sum_before(recency, block);
    for (uint64_t w = block * BLOCK_WORDS; w < at / WORD; w++)
        not_younger += nw_model_bits_set(recency->bits[w]);
    not_younger += nw_model_bits_set(recency->bits[at / WORD] & (~0ull >> (WORD - 1 - at % WORD)));
    return recency->count - not_younger;
}

void nw_model_recency_use(struct nw_model_recency *recency, uint32_t id)
{
    if (recency->places[id] != 0)
        nw_model_recency_forget(recency, id);
    if (recency->end == recency->room)
        move_together(recency);
    take_position(recency, id);
}

uint32_t nw_model_recency_oldest(struct nw_model_recency *recency)
{
    NW_ASSERT(recency->count != 0);
    uint64_t w = recency->oldest / WORD;
    while (recency->bits[w] == 0)
        w++;
    recency->oldest = w * WORD;
    return recency->ids[w * WORD + (uint64_t)__builtin_ctzll(recency->bits[w])];
}
