/*
 * policy_play.h - the loop of a cache simulation, included once by each policy file at its end.
 *
 * Before, the file defines `struct state`, which lies at the beginning of the policy's memory, and
 * as NW_MODEL_HOT functions:
 *
 *   warm(s, id)                           ask what a request of id touches into the cache
 *   holds(s, id)                          is it an entry?
 *   touch(s, run, id, at, is_plain)       a hit
 *   admit(s, run, id, at, need, is_plain) make room, then enter; need <= capacity
 *   drop(s, run, id)                      take an entry out; never called when plain
 *
 * admit and drop keep run->used and run->entry_count. is_plain is a constant in each of the two
 * copies of the loop, so the common case (objects, no time to live) carries no trace of sizes and
 * times, and both come from one text. State and run are locals while a stretch is played: their
 * fields live in registers.
 *
 * Owner:   as policy_impl.h
 * Threads: as policy_impl.h
 */
#ifndef NW_MODEL_POLICY_PLAY_H
#define NW_MODEL_POLICY_PLAY_H

#include "model/policy_impl.h"

/* Finds the one cause of a miss and fills the entry, unless it is larger than the cache. */
NW_MODEL_HOT void miss(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                       bool is_expired, const bool is_plain)
{
    uint64_t need = nw_model_run_need(run, at, is_plain);
    bool is_first = id == run->seen;
    run->seen += is_first;
    run->miss_count++;
    if (run->sizes != NULL)
        run->miss_bytes += run->sizes[at];
    if (!is_plain && need > run->capacity) {
        run->bypassed_count++;
        return;
    }
    run->cold_count += is_first;
    if (!is_plain)
        run->expired_count += is_expired;
    admit(s, run, id, at, need, is_plain);
    if (!is_plain)
        run->filled[id] = (uint32_t)(at + 1);
}

/* A hit counts nothing: what is not a miss is one. */
NW_MODEL_HOT void play_one(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                           const bool is_plain)
{
    bool is_expired = false;
    if (holds(s, id)) {
        is_expired = !is_plain && nw_model_run_expired(run, id, at);
        if (!is_expired) {
            touch(s, run, id, at, is_plain);
            return;
        }
        drop(s, run, id);
    }
    miss(s, run, id, at, is_expired, is_plain);
}

NW_MODEL_HOT void play_stretch(struct nw_model_run *into, char *memory, uint64_t from, uint64_t to,
                               const bool is_plain)
{
    struct state s = *(const struct state *)memory;
    struct nw_model_run run = *into;
    const uint32_t *ids = run.trace->ids;
    uint64_t at = from, last = run.trace->request_count - 1;
    for (; at < to && at + NW_MODEL_AHEAD <= last; at++) {
        warm(&s, ids[at + NW_MODEL_AHEAD]);
        play_one(&s, &run, ids[at], at, is_plain);
    }
    for (; at < to; at++)
        play_one(&s, &run, ids[at], at, is_plain);
    *into = run;
    *(struct state *)memory = s;
}

static void play(struct nw_model_run *run, char *memory, uint64_t from, uint64_t to)
{
    if (run->is_plain)
        play_stretch(run, memory, from, to, true);
    else
        play_stretch(run, memory, from, to, false);
}

#endif
