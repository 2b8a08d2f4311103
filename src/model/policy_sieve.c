/*
 * SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi 2024): CLOCK whose survivors stay where they are. A
 * new entry goes to the head; a hit sets its bit and moves nothing. The hand walks from the tail
 * to the head, clears bits, takes the first entry without one, rests on that entry's neighbour
 * towards the head, and begins at the tail again after the head. New entries are thus judged soon
 * after they came, while the proven ones lie behind the hand.
 *
 * Entries leave the middle of the queue as holes that the hand steps over. It must not rest behind
 * the last entry: what came next would stand under it, and it has to go to the tail instead.
 */
#include "model/policy_queue.h"

enum { HELD = 1, USED = 2 };

struct state {
    uint8_t *flags;  /* by id */
    uint32_t *slots; /* by id: where in the queue; NULL when plain: only the hand takes out */
    struct nw_model_queue list; /* tail at the old end; its hand is the hand */
};

static uint64_t bytes(const struct nw_model_run *run)
{
    uint64_t keys = run->trace->key_count;
    return nw_model_lines(sizeof(struct state)) + nw_model_lines(keys) +
           (run->is_plain ? 0 : nw_model_lines(keys * sizeof(uint32_t))) +
           nw_model_queue_bytes(run->live_max);
}

static void init(const struct nw_model_run *run, char *memory)
{
    uint64_t keys = run->trace->key_count;
    struct state *s = nw_model_carve(&memory, sizeof *s);
    s->flags = nw_model_carve(&memory, keys);
    s->slots = run->is_plain ? NULL : nw_model_carve(&memory, keys * sizeof(uint32_t));
    s->list = nw_model_queue_make(run->live_max, &memory);
}

NW_MODEL_HOT void warm(const struct state *s, uint32_t id)
{
    __builtin_prefetch(&s->flags[id], 1);
}

NW_MODEL_HOT bool holds(const struct state *s, uint32_t id)
{
    return s->flags[id] != 0;
}

NW_MODEL_HOT void touch(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        const bool is_plain)
{
    s->flags[id] = HELD | USED;
}

/* The hand rests on the entry at `slot` or the next one headward, or goes to the tail. */
NW_MODEL_HOT void rest(struct nw_model_queue *list, uint32_t slot)
{
    while (slot < list->end && list->ids[slot] == NW_MODEL_HOLE)
        slot++;
    list->hand = slot < list->end ? slot : list->old;
}

NW_MODEL_HOT void drop(struct state *s, struct nw_model_run *run, uint32_t id)
{
    run->used -= nw_model_run_weight(run, id, false);
    run->entry_count--;
    nw_model_queue_remove(&s->list, s->slots[id]);
    s->flags[id] = 0;
    if (s->slots[id] == s->list.hand)
        rest(&s->list, s->list.hand);
}

NW_MODEL_HOT void evict(struct state *s, struct nw_model_run *run, const bool is_plain)
{
    struct nw_model_queue *list = &s->list;
    uint32_t slot = list->hand, id;
    for (;; slot++) {
        if (slot == list->end)
            slot = list->old;
        __builtin_prefetch(s->flags + nw_model_queue_ahead(list, slot), 1);
        id = list->ids[slot];
        if (id == NW_MODEL_HOLE)
            continue;
        if ((s->flags[id] & USED) == 0)
            break;
        s->flags[id] = HELD;
    }
    run->used -= nw_model_run_weight(run, id, is_plain);
    run->entry_count--;
    nw_model_queue_remove(list, slot);
    s->flags[id] = 0;
    rest(list, slot + 1);
}

NW_MODEL_HOT void admit(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        uint64_t need, const bool is_plain)
{
    while (run->used + need > run->capacity)
        evict(s, run, is_plain);
    nw_model_queue_push(&s->list, id, is_plain ? NULL : s->slots);
    s->flags[id] = HELD;
    run->used += need;
    run->entry_count++;
}

#include "model/policy_play.h"

const struct nw_model_policy_face nw_model_policy_sieve = {"sieve", bytes, init, play};
