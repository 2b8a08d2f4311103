/*
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi 2023): three queues. A new entry waits in the small one, a
 * tenth of the cache; what was asked for at least twice more by the time it leaves goes to the main
 * queue, the rest out, and its id is remembered among the ghosts. A miss of a ghost enters main at
 * once. Main gives an entry another round for each use that was counted, three at most.
 *
 * One byte for each id says where it is, so no id can be in two places; ghosts have left the byte's
 * counter and the cache's room behind.
 *
 * Who makes room: small when it has its share or main is empty, else main. A promotion frees
 * nothing, so the question is asked again; that keeps the whole within its capacity without a
 * promotion evicting on its own.
 */
#include "model/policy_queue.h"

enum { IN_SMALL = 1, IN_MAIN = 2, IN_CACHE = 3, GHOST = 4, ONE_USE = 8, MOST_USES = 24 };

struct state {
    uint8_t *flags;  /* by id: a place and, in the cache, uses */
    uint32_t *slots; /* by id: where in its queue; when plain of ghosts only */
    uint64_t small_max;
    uint64_t ghost_max;
    struct nw_model_queue small;
    struct nw_model_queue main;
    struct nw_model_queue ghosts;
};

static uint64_t small_share(const struct nw_model_run *run)
{
    return run->capacity >= 10 ? run->capacity / 10 : 1;
}

static uint64_t ghosts_live_max(const struct nw_model_run *run)
{
    uint64_t keys = run->trace->key_count, most = run->capacity - small_share(run);
    return run->is_in_bytes || keys < most ? keys : most;
}

static uint64_t bytes(const struct nw_model_run *run)
{
    uint64_t keys = run->trace->key_count;
    return nw_model_lines(sizeof(struct state)) + nw_model_lines(keys) +
           nw_model_lines(keys * sizeof(uint32_t)) + 2 * nw_model_queue_bytes(run->live_max) +
           nw_model_queue_bytes(ghosts_live_max(run));
}

static void init(const struct nw_model_run *run, char *memory)
{
    uint64_t keys = run->trace->key_count;
    struct state *s = nw_model_carve(&memory, sizeof *s);
    s->flags = nw_model_carve(&memory, keys);
    s->slots = nw_model_carve(&memory, keys * sizeof(uint32_t));
    s->small = nw_model_queue_make(run->live_max, &memory);
    s->main = nw_model_queue_make(run->live_max, &memory);
    s->ghosts = nw_model_queue_make(ghosts_live_max(run), &memory);
    s->small_max = small_share(run);
    s->ghost_max = run->capacity - s->small_max;
}

NW_MODEL_HOT void warm(const struct state *s, uint32_t id)
{
    __builtin_prefetch(&s->flags[id], 1);
}

NW_MODEL_HOT bool holds(const struct state *s, uint32_t id)
{
    return (s->flags[id] & IN_CACHE) != 0;
}

NW_MODEL_HOT void touch(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        const bool is_plain)
{
    uint8_t flags = s->flags[id];
    s->flags[id] = flags < MOST_USES ? flags + ONE_USE : flags;
}

NW_MODEL_HOT void drop(struct state *s, struct nw_model_run *run, uint32_t id)
{
    uint64_t weight = nw_model_run_weight(run, id, false);
    struct nw_model_queue *queue = (s->flags[id] & IN_SMALL) != 0 ? &s->small : &s->main;
    nw_model_queue_remove(queue, s->slots[id]);
    queue->used -= weight;
    s->flags[id] = 0;
    run->used -= weight;
    run->entry_count--;
}

/* Remembers an id that left; the oldest are forgotten when there are too many. */
NW_MODEL_HOT void haunt(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t weight,
                        const bool is_plain)
{
    s->flags[id] = GHOST;
    nw_model_queue_push(&s->ghosts, id, s->slots);
    s->ghosts.used += weight;
    while (s->ghosts.used > s->ghost_max) {
        __builtin_prefetch(s->flags + nw_model_queue_ahead(&s->ghosts, s->ghosts.old), 1);
        uint32_t gone = nw_model_queue_pop(&s->ghosts);
        s->ghosts.used -= nw_model_run_weight(run, gone, is_plain);
        s->flags[gone] = 0;
    }
}

/* The oldest of the small queue goes to main or becomes a ghost. */
NW_MODEL_HOT void judge_small(struct state *s, struct nw_model_run *run, const bool is_plain)
{
    __builtin_prefetch(s->flags + nw_model_queue_ahead(&s->small, s->small.old), 1);
    uint32_t id = nw_model_queue_pop(&s->small);
    uint64_t weight = nw_model_run_weight(run, id, is_plain);
    s->small.used -= weight;
    if (s->flags[id] >= 2 * ONE_USE) {
        s->flags[id] = IN_MAIN;
        nw_model_queue_push(&s->main, id, is_plain ? NULL : s->slots);
        s->main.used += weight;
        return;
    }
    run->used -= weight;
    run->entry_count--;
    haunt(s, run, id, weight, is_plain);
}

/* The oldest of main without a use left goes; the others pay one for another round. */
NW_MODEL_HOT void evict_main(struct state *s, struct nw_model_run *run, const bool is_plain)
{
    for (;;) {
        __builtin_prefetch(s->flags + nw_model_queue_ahead(&s->main, s->main.old), 1);
        uint32_t id = nw_model_queue_pop(&s->main);
        if (s->flags[id] < ONE_USE) {
            uint64_t weight = nw_model_run_weight(run, id, is_plain);
            s->main.used -= weight;
            run->used -= weight;
            run->entry_count--;
            s->flags[id] = 0;
            return;
        }
        s->flags[id] -= ONE_USE;
        nw_model_queue_push(&s->main, id, is_plain ? NULL : s->slots);
    }
}

NW_MODEL_HOT void admit(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        uint64_t need, const bool is_plain)
{
    bool was_ghost = s->flags[id] == GHOST;
    if (was_ghost) {
        nw_model_queue_remove(&s->ghosts, s->slots[id]);
        s->ghosts.used -= nw_model_run_weight(run, id, is_plain);
    }
    while (run->used + need > run->capacity) {
        bool is_small_full = s->small.count != 0 && s->small.used >= s->small_max;
        if (is_small_full || s->main.count == 0)
            judge_small(s, run, is_plain);
        else
            evict_main(s, run, is_plain);
    }
    struct nw_model_queue *queue = was_ghost ? &s->main : &s->small;
    nw_model_queue_push(queue, id, is_plain ? NULL : s->slots);
    queue->used += need;
    s->flags[id] = was_ghost ? IN_MAIN : IN_SMALL;
    run->used += need;
    run->entry_count++;
}

#include "model/policy_play.h"

const struct nw_model_policy_face nw_model_policy_s3fifo = {"s3-fifo", bytes, init, play};
