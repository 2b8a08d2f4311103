/*
 * CLOCK: a ring of entries, one bit each. A hit sets the bit; an entry enters without it, just
 * behind the hand. When room is needed the hand clears bits and walks on until it meets an entry
 * whose bit is clear: that one goes, and its bit with it.
 *
 * The ring is a queue here: what the hand spares goes from the old end to the young end. That is
 * the same order, and it works for entries of different sizes as well.
 */
#include "model/policy_queue.h"

enum { HELD = 1, USED = 2 };

struct state {
    uint8_t *flags;  /* by id */
    uint32_t *slots; /* by id: where in the queue; NULL when plain, where none leaves the middle */
    struct nw_model_queue ring;
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
    s->ring = nw_model_queue_make(run->live_max, &memory);
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

NW_MODEL_HOT void drop(struct state *s, struct nw_model_run *run, uint32_t id)
{
    run->used -= nw_model_run_weight(run, id, false);
    run->entry_count--;
    nw_model_queue_remove(&s->ring, s->slots[id]);
    s->flags[id] = 0;
}

NW_MODEL_HOT void evict(struct state *s, struct nw_model_run *run, const bool is_plain)
{
    for (;;) {
        __builtin_prefetch(s->flags + nw_model_queue_ahead(&s->ring, s->ring.old));
        uint32_t id = nw_model_queue_pop(&s->ring);
        if ((s->flags[id] & USED) == 0) {
            run->used -= nw_model_run_weight(run, id, is_plain);
            run->entry_count--;
            s->flags[id] = 0;
            return;
        }
        s->flags[id] = HELD;
        nw_model_queue_push(&s->ring, id, is_plain ? NULL : s->slots);
    }
}

NW_MODEL_HOT void admit(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        uint64_t need, const bool is_plain)
{
    while (run->used + need > run->capacity)
        evict(s, run, is_plain);
    nw_model_queue_push(&s->ring, id, is_plain ? NULL : s->slots);
    s->flags[id] = HELD;
    run->used += need;
    run->entry_count++;
}

#include "model/policy_play.h"

const struct nw_model_policy_face nw_model_policy_clock = {"clock", bytes, init, play};
