/*
 * cache_oracle.h - the six policies as a person would play them with cards: lists of entries that
 * are searched from end to end and moved card by card. Nothing is shared with the simulator but the
 * sketch, which has its own tests.
 *
 * Index 0 of a list is its head, where entries come in; the last one is the tail.
 *
 * Owner:   the caller; plain data
 * Threads: one at a time
 */
#ifndef NW_TEST_CACHE_ORACLE_H
#define NW_TEST_CACHE_ORACLE_H

#include <string.h>

#include "base/assert.h"
#include "model/cachesim.h"
#include "model/sketch.h"

enum { ORACLE_KEYS = 64 };

struct card {
    uint32_t id;
    uint64_t weight;
    uint64_t filled_us;
    int uses;
};

struct pile {
    struct card cards[ORACLE_KEYS];
    int count;
};

struct oracle {
    const struct nw_model_trace *trace;
    const struct nw_model_cache_job *job;
    struct pile piles[4]; /* 0: the cache, the small queue or the window; what else: see below */
    int hand;             /* of CLOCK and SIEVE: an index, -1: at the tail */
    struct nw_model_sketch sketch;
    char sketch_memory[NW_MODEL_SKETCH_ROWS * 128] __attribute__((aligned(64)));
    bool was_seen[ORACLE_KEYS];
    struct nw_model_cache_counts counts;
};

/* S3-FIFO: small, main, ghosts. W-TinyLFU: window, probation, protected. */
enum { SMALL = 0, MAIN = 1, GHOSTS = 2, WINDOW = 0, PROBATION = 1, PROTECTED = 2 };

static inline uint64_t weight_of_pile(const struct pile *pile)
{
    uint64_t sum = 0;
    for (int i = 0; i < pile->count; i++)
        sum += pile->cards[i].weight;
    return sum;
}

static inline int find_card(const struct pile *pile, uint32_t id)
{
    for (int i = 0; i < pile->count; i++)
        if (pile->cards[i].id == id)
            return i;
    return -1;
}

static inline void put_card(struct pile *pile, int at, struct card card)
{
    NW_ASSERT(pile->count < ORACLE_KEYS && find_card(pile, card.id) < 0);
    memmove(&pile->cards[at + 1], &pile->cards[at], (size_t)(pile->count - at) * sizeof card);
    pile->cards[at] = card;
    pile->count++;
}

static inline struct card take_card(struct pile *pile, int at)
{
    NW_ASSERT(at >= 0 && at < pile->count);
    struct card card = pile->cards[at];
    pile->count--;
    memmove(&pile->cards[at], &pile->cards[at + 1], (size_t)(pile->count - at) * sizeof card);
    return card;
}

/* Piles that hold entries, not ghosts. */
static inline int pile_count(const struct oracle *o)
{
    return o->job->policy == NW_MODEL_S3FIFO ? 2 : o->job->policy == NW_MODEL_TINYLFU ? 3 : 1;
}

static inline uint64_t weight_in_cache(const struct oracle *o)
{
    uint64_t sum = 0;
    for (int i = 0; i < pile_count(o); i++)
        sum += weight_of_pile(&o->piles[i]);
    return sum;
}

/* -- CLOCK: a ring, here read from the hand on; the hand stands at index `hand` --------------- */

static inline void clock_evict(struct oracle *o)
{
    struct pile *ring = &o->piles[0];
    for (;; o->hand++) {
        if (o->hand >= ring->count)
            o->hand = 0;
        if (ring->cards[o->hand].uses == 0)
            break;
        ring->cards[o->hand].uses = 0;
    }
    take_card(ring, o->hand);
}

/* Just behind the hand: the last that it will come to. */
static inline void clock_put(struct oracle *o, struct card card)
{
    put_card(&o->piles[0], o->hand, card);
    o->hand++;
}

/* -- SIEVE ------------------------------------------------------------------------------------- */

static inline void sieve_evict(struct oracle *o)
{
    struct pile *list = &o->piles[0];
    int at = o->hand >= 0 ? o->hand : list->count - 1;
    while (list->cards[at].uses != 0) {
        list->cards[at].uses = 0;
        at = at > 0 ? at - 1 : list->count - 1;
    }
    take_card(list, at);
    o->hand = at - 1; /* the neighbour towards the head; -1 when it was the head: the tail next */
}

static inline void sieve_put(struct oracle *o, struct card card)
{
    put_card(&o->piles[0], 0, card);
    if (o->hand >= 0)
        o->hand++; /* it rests on the same entry */
}

/* -- S3-FIFO ----------------------------------------------------------------------------------- */

static inline uint64_t s3_small_max(const struct oracle *o)
{
    return o->job->capacity >= 10 ? o->job->capacity / 10 : 1;
}

static inline void s3_evict(struct oracle *o)
{
    struct pile *small = &o->piles[SMALL], *main = &o->piles[MAIN], *ghosts = &o->piles[GHOSTS];
    bool is_small_full = small->count > 0 && weight_of_pile(small) >= s3_small_max(o);
    if (is_small_full || main->count == 0) {
        struct card card = take_card(small, small->count - 1);
        bool is_proven = card.uses >= 2;
        card.uses = 0;
        put_card(is_proven ? main : ghosts, 0, card);
        while (weight_of_pile(ghosts) > o->job->capacity - s3_small_max(o))
            take_card(ghosts, ghosts->count - 1);
        return;
    }
    struct card card = take_card(main, main->count - 1);
    if (card.uses == 0)
        return;
    card.uses--;
    put_card(main, 0, card);
}

static inline void s3_put(struct oracle *o, struct card card, bool was_ghost)
{
    put_card(&o->piles[was_ghost ? MAIN : SMALL], 0, card);
}

/* -- W-TinyLFU --------------------------------------------------------------------------------- */

static inline uint64_t lfu_window_max(const struct oracle *o)
{
    return o->job->capacity >= 100 ? o->job->capacity / 100 : 1;
}

static inline void lfu_hit(struct oracle *o, int pile, int at)
{
    struct card card = take_card(&o->piles[pile], at);
    put_card(&o->piles[pile == WINDOW ? WINDOW : PROTECTED], 0, card);
    uint64_t main_max = o->job->capacity - lfu_window_max(o);
    struct pile *protected = &o->piles[PROTECTED];
    while (weight_of_pile(protected) > main_max * 4 / 5)
        put_card(&o->piles[PROBATION], 0, take_card(protected, protected->count - 1));
}

static inline void lfu_contest(struct oracle *o, struct card card)
{
    struct pile *probation = &o->piles[PROBATION], *protected = &o->piles[PROTECTED];
    uint64_t main_max = o->job->capacity - lfu_window_max(o);
    if (card.weight > main_max)
        return;
    while (weight_of_pile(probation) + weight_of_pile(protected) + card.weight > main_max) {
        struct pile *from = probation->count > 0 ? probation : protected;
        uint32_t victim = from->cards[from->count - 1].id;
        if (nw_model_sketch_of(&o->sketch, card.id) <= nw_model_sketch_of(&o->sketch, victim))
            return;
        take_card(from, from->count - 1);
    }
    put_card(probation, 0, card);
}

static inline void lfu_put(struct oracle *o, struct card card)
{
    struct pile *window = &o->piles[WINDOW];
    if (card.weight > lfu_window_max(o)) {
        lfu_contest(o, card);
        return;
    }
    while (weight_of_pile(window) + card.weight > lfu_window_max(o))
        lfu_contest(o, take_card(window, window->count - 1));
    put_card(window, 0, card);
}

/* -- all of them ------------------------------------------------------------------------------- */

static inline uint64_t oracle_time(const struct oracle *o, uint64_t at)
{
    return o->trace->times_us != NULL ? o->trace->times_us[at] : 0;
}

static inline void oracle_hit(struct oracle *o, int pile, int at)
{
    struct card *card = &o->piles[pile].cards[at];
    switch (o->job->policy) {
    case NW_MODEL_LRU: put_card(&o->piles[0], 0, take_card(&o->piles[0], at)); break;
    case NW_MODEL_CLOCK:
    case NW_MODEL_SIEVE: card->uses = 1; break;
    case NW_MODEL_S3FIFO: card->uses += card->uses < 3; break;
    case NW_MODEL_TINYLFU: lfu_hit(o, pile, at); break;
    default: break;
    }
}

/* An expired entry goes; a hand that rested on it or beyond stays with its neighbours. */
static inline void oracle_drop(struct oracle *o, int pile, int at)
{
    take_card(&o->piles[pile], at);
    if (o->job->policy == NW_MODEL_CLOCK && at < o->hand)
        o->hand--;
    if (o->job->policy == NW_MODEL_SIEVE && at <= o->hand)
        o->hand--;
}

static inline void oracle_fill(struct oracle *o, struct card card)
{
    int ghost = o->job->policy == NW_MODEL_S3FIFO ? find_card(&o->piles[GHOSTS], card.id) : -1;
    if (ghost >= 0)
        take_card(&o->piles[GHOSTS], ghost);
    while (o->job->policy != NW_MODEL_TINYLFU &&
           weight_in_cache(o) + card.weight > o->job->capacity)
        switch (o->job->policy) {
        case NW_MODEL_CLOCK: clock_evict(o); break;
        case NW_MODEL_SIEVE: sieve_evict(o); break;
        case NW_MODEL_S3FIFO: s3_evict(o); break;
        default: take_card(&o->piles[0], o->piles[0].count - 1);
        }
    switch (o->job->policy) {
    case NW_MODEL_CLOCK: clock_put(o, card); break;
    case NW_MODEL_SIEVE: sieve_put(o, card); break;
    case NW_MODEL_S3FIFO: s3_put(o, card, ghost >= 0); break;
    case NW_MODEL_TINYLFU: lfu_put(o, card); break;
    default: put_card(&o->piles[0], 0, card);
    }
}

/* Counts a request; true when it is a hit or its entry expired, which is then gone. */
static inline bool oracle_lookup(struct oracle *o, uint64_t at, uint32_t id, bool *is_expired)
{
    for (int pile = 0; pile < pile_count(o); pile++) {
        int found = find_card(&o->piles[pile], id);
        if (found < 0)
            continue;
        uint64_t filled = o->piles[pile].cards[found].filled_us, now = oracle_time(o, at);
        *is_expired = o->job->ttl_us != 0 && now > filled && now - filled >= o->job->ttl_us;
        if (*is_expired)
            oracle_drop(o, pile, found);
        else
            oracle_hit(o, pile, found);
        return !*is_expired;
    }
    return false;
}

static inline void oracle_play(struct oracle *o, uint64_t at)
{
    struct nw_model_cache_counts *counts = &o->counts;
    uint32_t id = o->trace->ids[at], size = o->trace->sizes != NULL ? o->trace->sizes[at] : 0;
    bool is_first = !o->was_seen[id], is_expired = false;
    o->was_seen[id] = true;
    counts->played_count++;
    counts->request_count++;
    counts->request_bytes += size;
    struct card card = {id, 1, oracle_time(o, at), 0};
    if (o->job->is_in_bytes)
        card.weight = size + (uint64_t)o->job->overhead_bytes;
    bool is_hit = oracle_lookup(o, at, id, &is_expired);
    bool is_bypassed = !is_hit && card.weight > o->job->capacity;
    if (!is_bypassed)
        nw_model_sketch_add(&o->sketch, id);
    if (is_hit) {
        counts->hit_count++;
        counts->hit_bytes += size;
    } else if (is_bypassed) {
        counts->bypassed_count++;
    } else {
        counts->cold_count += is_first;
        counts->expired_count += is_expired;
        counts->capacity_count += !is_first && !is_expired;
        oracle_fill(o, card);
    }
}

static inline void oracle_init(struct oracle *o, const struct nw_model_trace *trace,
                               const struct nw_model_cache_job *job, uint64_t entries_expected)
{
    memset(o, 0, sizeof *o);
    o->trace = trace;
    o->job = job;
    o->hand = job->policy == NW_MODEL_SIEVE ? -1 : 0;
    NW_ASSERT(nw_model_sketch_bytes(entries_expected) <= sizeof o->sketch_memory);
    nw_model_sketch_init(&o->sketch, entries_expected, o->sketch_memory);
}

static inline void oracle_finish(struct oracle *o)
{
    for (int i = 0; i < pile_count(o); i++)
        o->counts.entry_count += (uint64_t)o->piles[i].count;
    o->counts.used = weight_in_cache(o);
}

#endif
