/*
 * policy_trail.h - FIFO and LRU as a walk along the trace; policy_fifo.c explains.
 *
 * NW_MODEL_HIT_MOVES: whether a hit renews the entry's place.
 *
 * Owner:   as policy_impl.h
 * Threads: as policy_impl.h
 */
#ifndef NW_MODEL_POLICY_TRAIL_H
#define NW_MODEL_POLICY_TRAIL_H

#include "model/policy_impl.h"

/* An id is an entry exactly when its place is beyond the walk: place[id] > gone. */
struct state {
    uint32_t *place; /* by id: position + 1 of the request that put it where it stands; 0: never */
    uint64_t *left;  /* a bit for each place: whatever stood there stands there no more */
    uint64_t gone;   /* the last place that the walk for the oldest entry has passed */
};

static uint64_t left_bytes(const struct nw_model_run *run)
{
    return nw_model_lines(run->trace->request_count / 8 + 8);
}

static uint64_t bytes(const struct nw_model_run *run)
{
    return nw_model_lines(sizeof(struct state)) +
           nw_model_lines(run->trace->key_count * sizeof(uint32_t)) + left_bytes(run);
}

static void init(const struct nw_model_run *run, char *memory)
{
    struct state *s = nw_model_carve(&memory, sizeof *s);
    s->place = nw_model_carve(&memory, run->trace->key_count * sizeof *s->place);
    s->left = nw_model_carve(&memory, left_bytes(run));
}

NW_MODEL_HOT void warm(const struct state *s, uint32_t id)
{
    __builtin_prefetch(&s->place[id], 1);
}

NW_MODEL_HOT bool holds(const struct state *s, uint32_t id)
{
    return s->place[id] > s->gone;
}

NW_MODEL_HOT void leave(struct state *s, uint64_t place)
{
    s->left[place / 64] |= 1ull << (place % 64);
}

NW_MODEL_HOT void touch(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        const bool is_plain)
{
    leave(s, NW_MODEL_HIT_MOVES ? s->place[id] : at + 1);
    if (NW_MODEL_HIT_MOVES)
        s->place[id] = (uint32_t)(at + 1);
}

NW_MODEL_HOT void drop(struct state *s, struct nw_model_run *run, uint32_t id)
{
    run->used -= nw_model_run_weight(run, id, false);
    run->entry_count--;
    leave(s, s->place[id]);
    s->place[id] = 0;
}

/* Goes on to the next place that was not left. */
NW_MODEL_HOT void walk(struct state *s)
{
    uint64_t next = s->gone + 1, at = next / 64, word = ~s->left[at] & (~0ull << (next % 64));
    while (word == 0)
        word = ~s->left[++at];
    s->gone = at * 64 + (uint64_t)__builtin_ctzll(word);
}

/*
 * Takes the oldest entry out. There is one: something is in use. Only what was never filled,
 * being larger than the cache, stands where nobody left.
 */
NW_MODEL_HOT void evict(struct state *s, struct nw_model_run *run, const bool is_plain)
{
    const uint32_t *ids = run->trace->ids;
    do {
        walk(s);
    } while (!is_plain && s->place[ids[s->gone - 1]] != s->gone);
    run->used -= is_plain ? 1 : nw_model_run_weight(run, ids[s->gone - 1], is_plain);
    run->entry_count--;
}

NW_MODEL_HOT void admit(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        uint64_t need, const bool is_plain)
{
    while (run->used + need > run->capacity)
        evict(s, run, is_plain);
    run->used += need;
    run->entry_count++;
    s->place[id] = (uint32_t)(at + 1);
}

#include "model/policy_play.h"

#endif
