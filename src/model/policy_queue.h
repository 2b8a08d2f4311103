/*
 * policy_queue.h - ids in the order in which they came, as a window that slides along an array.
 *
 * Entries leave from the old end, or from the middle as a hole. At the array's end the window moves
 * back to its beginning without its holes: with twice the room that is needed, one or two moved
 * words for each push, in one forward pass. A linked list would need no moving, but each step
 * along it is a cache miss; along this one the processor fetches ahead.
 *
 * Owner:   the memory is the policy's
 * Threads: as policy_impl.h
 */
#ifndef NW_MODEL_POLICY_QUEUE_H
#define NW_MODEL_POLICY_QUEUE_H

#include "base/assert.h"
#include "model/policy_impl.h"

#define NW_MODEL_HOLE UINT32_MAX

struct nw_model_queue {
    uint32_t *ids;  /* NW_MODEL_HOLE: left from the middle */
    uint32_t old;   /* the oldest entry is here or beyond */
    uint32_t end;   /* the next push goes here */
    uint32_t hand;  /* a slot that follows its entry when the window moves */
    uint32_t room;  /* words in ids, beside NW_MODEL_AHEAD that are only looked at */
    uint32_t count; /* entries in it */
    uint64_t used;  /* what they weigh; kept by the policy */
};

/* Words for a queue of at most live_max entries. */
static inline uint64_t nw_model_queue_room(uint64_t live_max)
{
    return 2 * live_max + 64;
}

static inline uint64_t nw_model_queue_bytes(uint64_t live_max)
{
    return nw_model_lines((nw_model_queue_room(live_max) + NW_MODEL_AHEAD) * sizeof(uint32_t));
}

/* An empty queue in the next nw_model_queue_bytes of *at, which moves behind them. */
static inline struct nw_model_queue nw_model_queue_make(uint64_t live_max, char **at)
{
    struct nw_model_queue queue = {.room = (uint32_t)nw_model_queue_room(live_max)};
    queue.ids = nw_model_carve(at, nw_model_queue_bytes(live_max));
    return queue;
}

/*
 * The same queue with all entries at the array's beginning; slots (by id, may be NULL) follow. By
 * value, so that the caller's queue stays in registers. A hand on a hole comes to the next entry.
 */
NW_NOINLINE NW_UNUSED static struct nw_model_queue nw_model_queue_pack(struct nw_model_queue queue,
                                                                       uint32_t *slots)
{
    uint32_t to = 0, hand = 0;
    for (uint32_t from = queue.old; from < queue.end; from++) {
        if (from == queue.hand)
            hand = to;
        uint32_t id = queue.ids[from];
        if (id == NW_MODEL_HOLE)
            continue;
        if (slots != NULL)
            slots[id] = to;
        queue.ids[to++] = id;
    }
    NW_ASSERT(to == queue.count && to < queue.room);
    queue.old = 0;
    queue.end = to;
    queue.hand = hand;
    return queue;
}

/* Appends at the young end; slots (by id, may be NULL) learns where. Keeps count, not used. */
NW_MODEL_HOT void nw_model_queue_push(struct nw_model_queue *queue, uint32_t id, uint32_t *slots)
{
    if (NW_UNLIKELY(queue->end == queue->room))
        *queue = nw_model_queue_pack(*queue, slots);
    if (slots != NULL)
        slots[id] = queue->end;
    queue->ids[queue->end++] = id;
    queue->count++;
}

/* The oldest entry, taken out; there must be one. */
NW_MODEL_HOT uint32_t nw_model_queue_pop(struct nw_model_queue *queue)
{
    while (queue->ids[queue->old] == NW_MODEL_HOLE)
        queue->old++;
    queue->count--;
    return queue->ids[queue->old++];
}

/* The id that will be popped NW_MODEL_AHEAD pops from now, or any word: good for a prefetch. */
NW_MODEL_HOT uint32_t nw_model_queue_ahead(const struct nw_model_queue *queue, uint32_t slot)
{
    return queue->ids[slot + NW_MODEL_AHEAD];
}

/* Takes the entry of this slot out of the middle. */
NW_MODEL_HOT void nw_model_queue_remove(struct nw_model_queue *queue, uint32_t slot)
{
    queue->ids[slot] = NW_MODEL_HOLE;
    queue->count--;
}

#endif
