/*
 * Least recently used. As in policy_fifo.c the trace itself is the list, only that a hit moves the
 * entry to this request and leaves the position where it stood: the tail of the list is the oldest
 * position that nobody left. A doubly linked list touches four neighbours at random for each hit;
 * this touches one bit among those of the last few hundred thousand requests.
 *
 * A miss is one request in four or five, at random, so a branch on it is guessed wrong as often,
 * and a wrong guess costs more than all the rest. A full cache of objects therefore plays blocks of
 * 64 requests without that branch. In a block the walk passes 64 places at most that nobody left;
 * as long as no request asks for an entry in that reach, each is a hit or a miss whatever the
 * others are, and how many entries go is all that counts. Otherwise, once in some hundred blocks,
 * the block is played request by request.
 *
 * As a list it would be this, and the tests do it so:
 *   hit: move to the head.  miss: while full, remove the tail; insert at the head.
 */
#include "model/bits.h"

#define NW_MODEL_HIT_MOVES 1
#include "model/policy_trail.h"

enum { BLOCK = 64, BLOCKS_FROM = 4096 };

/* The places of a word that nobody left, without the first `skip`. */
NW_MODEL_HOT uint64_t standing(const struct state *s, uint64_t word_at, uint64_t skip)
{
    return ~s->left[word_at] & (~0ull << skip);
}

/* A place behind which at least a block of entries stands: the walk does not come that far. */
NW_MODEL_HOT uint64_t reach_of(const struct state *s)
{
    uint64_t next = s->gone + 1, at = next / 64;
    uint64_t entries = nw_model_bits_set(standing(s, at, next % 64));
    while (entries < BLOCK)
        entries += nw_model_bits_set(~s->left[++at]);
    return at * 64 + 63;
}

/* Does a request of this block ask for an entry that the walk may come to meanwhile? */
NW_MODEL_HOT bool is_unsure(const struct state *s, const uint32_t *ids, uint32_t gone,
                            uint32_t reach)
{
    uint32_t unsure = 0;
    for (int i = 0; i < BLOCK; i++)
        unsure |= s->place[ids[i]] - gone - 1 < reach - gone;
    return unsure != 0;
}

/* The walk passes so many entries. */
NW_MODEL_HOT void walk_past(struct state *s, uint64_t entries)
{
    uint64_t next = s->gone + 1, at = next / 64, word = standing(s, at, next % 64), in_word;
    if (entries == 0)
        return;
    while ((in_word = nw_model_bits_set(word)) < entries) {
        entries -= in_word;
        word = ~s->left[++at];
    }
    while (--entries != 0)
        word &= word - 1;
    s->gone = at * 64 + (uint64_t)__builtin_ctzll(word);
}

/* A block none of whose requests is unsure. What was gone before may be left once more. */
NW_MODEL_HOT void play_block(struct state *s, struct nw_model_run *run, const uint32_t *ids,
                             uint64_t at)
{
    uint64_t misses = 0, first = 0;
    for (int i = 0; i < BLOCK; i++) {
        uint32_t place = s->place[ids[i]];
        s->place[ids[i]] = (uint32_t)(at + (uint64_t)i + 1);
        leave(s, place);
        misses += place <= s->gone;
        first += place == 0;
    }
    run->miss_count += misses;
    run->cold_count += first;
    run->seen += (uint32_t)first;
    walk_past(s, misses);
}

static void play_blocks(struct nw_model_run *into, char *memory, uint64_t from, uint64_t to)
{
    struct state s = *(const struct state *)memory;
    struct nw_model_run run = *into;
    const uint32_t *ids = run.trace->ids;
    uint64_t at = from, last = run.trace->request_count - 1;
    for (; at + BLOCK <= to && at + 2 * BLOCK <= last; at += BLOCK) {
        for (int i = 0; i < BLOCK; i++)
            warm(&s, ids[at + BLOCK + (uint64_t)i]);
        if (run.used < run.capacity ||
            is_unsure(&s, ids + at, (uint32_t)s.gone, (uint32_t)reach_of(&s)))
            for (uint64_t i = at; i < at + BLOCK; i++)
                play_one(&s, &run, ids[i], i, true);
        else
            play_block(&s, &run, ids + at, at);
    }
    for (; at < to; at++)
        play_one(&s, &run, ids[at], at, true);
    *into = run;
    *(struct state *)memory = s;
}

static void play_lru(struct nw_model_run *run, char *memory, uint64_t from, uint64_t to)
{
    if (run->is_plain && run->sizes == NULL && run->capacity >= BLOCKS_FROM)
        play_blocks(run, memory, from, to);
    else
        play(run, memory, from, to);
}

const struct nw_model_policy_face nw_model_policy_lru = {"lru", bytes, init, play_lru};
