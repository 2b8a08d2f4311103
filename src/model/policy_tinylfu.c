/*
 * W-TinyLFU (Einziger, Friedman, Manes 2017): a newcomer must have been asked for more often than
 * the entry it would replace. A hundredth of the cache is a window, an LRU list that gives bursts a
 * chance; what falls out of it is a candidate for the main part, an LRU in two segments: four
 * fifths protected, which a second use leads to, the rest on probation. A full main part takes the
 * candidate only if the sketch says that it is strictly more frequent than the eldest on probation.
 * "At least as frequent" would let a scan, whose keys all have been seen once, wash through.
 *
 * The lists are rings of 8-byte links by id, each closed over a head of its own behind the ids, so
 * that taking out and putting in never meet an end. Each request counts in the sketch, hit or miss.
 *
 * With sizes a candidate meets the eldest entries one after another until there is room or it
 * loses; those that lost to it before are gone. What is larger than the window is a candidate at
 * once, without washing the window out.
 */
#include "model/policy_impl.h"
#include "model/sketch.h"

enum { NOWHERE = 0, WINDOW = 1, PROBATION = 2, PROTECTED = 3, PLACES = 4 };

struct link {
    uint32_t older;
    uint32_t newer;
};

struct state {
    uint8_t *places;    /* by id */
    struct link *links; /* by id, then one head for each place */
    uint32_t keys;
    uint64_t used[PLACES];
    uint64_t window_max;
    uint64_t main_max;
    uint64_t protected_max;
    struct nw_model_sketch sketch;
};

static uint64_t links_bytes(const struct nw_model_run *run)
{
    return ((uint64_t)run->trace->key_count + PLACES) * sizeof(struct link);
}

static uint64_t bytes(const struct nw_model_run *run)
{
    return nw_model_lines(sizeof(struct state)) + nw_model_lines(run->trace->key_count) +
           nw_model_lines(links_bytes(run)) + nw_model_sketch_bytes(run->entries_expected);
}

static void init(const struct nw_model_run *run, char *memory)
{
    struct state *s = nw_model_carve(&memory, sizeof *s);
    s->keys = run->trace->key_count;
    s->places = nw_model_carve(&memory, s->keys);
    s->links = nw_model_carve(&memory, links_bytes(run));
    for (uint32_t place = 0; place < PLACES; place++)
        s->links[s->keys + place] = (struct link){s->keys + place, s->keys + place};
    s->window_max = run->capacity >= 100 ? run->capacity / 100 : 1;
    s->main_max = run->capacity - s->window_max;
    s->protected_max = s->main_max / 5 * 4 + s->main_max % 5 * 4 / 5;
    nw_model_sketch_init(&s->sketch, run->entries_expected, memory);
}

NW_MODEL_HOT void warm(const struct state *s, uint32_t id)
{
    __builtin_prefetch(&s->places[id], 1);
    __builtin_prefetch(&s->links[id], 1);
    nw_model_sketch_warm(&s->sketch, id);
}

NW_MODEL_HOT bool holds(const struct state *s, uint32_t id)
{
    return s->places[id] != NOWHERE;
}

NW_MODEL_HOT void unlink_id(struct state *s, uint32_t id, uint64_t weight)
{
    struct link link = s->links[id];
    s->links[link.older].newer = link.newer;
    s->links[link.newer].older = link.older;
    s->used[s->places[id]] -= weight;
}

/* Enters a list as its newest. A head's `older` is the list's newest, its `newer` the oldest. */
NW_MODEL_HOT void link_id(struct state *s, uint32_t id, uint64_t weight, uint8_t place)
{
    uint32_t head = s->keys + place, newest = s->links[head].older;
    s->links[id] = (struct link){.older = newest, .newer = head};
    s->links[newest].newer = id;
    s->links[head].older = id;
    s->places[id] = place;
    s->used[place] += weight;
}

/* The oldest of a list; at least s->keys when it is empty. */
NW_MODEL_HOT uint32_t eldest(const struct state *s, uint8_t place)
{
    return s->links[s->keys + place].newer;
}

/* Protected entries beyond their share go back on probation, the oldest first. */
NW_MODEL_HOT void demote(struct state *s, struct nw_model_run *run, const bool is_plain)
{
    while (s->used[PROTECTED] > s->protected_max) {
        uint32_t id = eldest(s, PROTECTED);
        uint64_t weight = nw_model_run_weight(run, id, is_plain);
        unlink_id(s, id, weight);
        link_id(s, id, weight, PROBATION);
    }
}

NW_MODEL_HOT void touch(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        const bool is_plain)
{
    uint64_t weight = nw_model_run_weight(run, id, is_plain);
    uint8_t place = s->places[id] == WINDOW ? WINDOW : PROTECTED;
    nw_model_sketch_add(&s->sketch, id);
    unlink_id(s, id, weight);
    link_id(s, id, weight, place);
    demote(s, run, is_plain);
}

NW_MODEL_HOT void drop(struct state *s, struct nw_model_run *run, uint32_t id)
{
    uint64_t weight = nw_model_run_weight(run, id, false);
    unlink_id(s, id, weight);
    s->places[id] = NOWHERE;
    run->used -= weight;
    run->entry_count--;
}

/* A candidate, linked nowhere and not counted as used, enters the main part or is refused. */
NW_MODEL_HOT void contest(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t weight,
                          const bool is_plain)
{
    while (s->used[PROBATION] + s->used[PROTECTED] + weight > s->main_max) {
        uint32_t victim = eldest(s, PROBATION);
        if (victim >= s->keys)
            victim = eldest(s, PROTECTED);
        if (victim >= s->keys || weight > s->main_max ||
            nw_model_sketch_of(&s->sketch, id) <= nw_model_sketch_of(&s->sketch, victim))
            return;
        uint64_t freed = nw_model_run_weight(run, victim, is_plain);
        unlink_id(s, victim, freed);
        s->places[victim] = NOWHERE;
        run->used -= freed;
        run->entry_count--;
    }
    link_id(s, id, weight, PROBATION);
    run->used += weight;
    run->entry_count++;
}

NW_MODEL_HOT void admit(struct state *s, struct nw_model_run *run, uint32_t id, uint64_t at,
                        uint64_t need, const bool is_plain)
{
    nw_model_sketch_add(&s->sketch, id);
    if (need > s->window_max) {
        contest(s, run, id, need, is_plain);
        return;
    }
    while (s->used[WINDOW] + need > s->window_max) {
        uint32_t candidate = eldest(s, WINDOW);
        uint64_t weight = nw_model_run_weight(run, candidate, is_plain);
        unlink_id(s, candidate, weight);
        s->places[candidate] = NOWHERE;
        run->used -= weight;
        run->entry_count--;
        contest(s, run, candidate, weight, is_plain);
    }
    link_id(s, id, need, WINDOW);
    run->used += need;
    run->entry_count++;
}

#include "model/policy_play.h"

const struct nw_model_policy_face nw_model_policy_tinylfu = {"w-tinylfu", bytes, init, play};
