/*
 * From a set to one reserved node.
 *
 * Each round turns the members into numbers (weight 0: out) and asks the set's rule. What is out is
 * decided in up to four passes, each more desperate: first the nodes that are well and were not
 * tried yet, then also the one already tried, then, when no node is up, all of them (those that are
 * out before the tried one if that refused a connection). Hard rules
 * hold in every pass: weight 0, draining, the caller's `eligible`. A set in order ends after the
 * first.
 *
 * "Full" needs no look at connections: busy ones never exceed the tries in flight, so a node whose
 * in_flight is below its limit has either a permit left or an idle connection somewhere. Where
 * connections are shared, it is the slots of the asking worker that count.
 *
 * An ejected node whose time is over is given one request before it returns. The compare-and-swap
 * on its flags decides which request that is; it goes before the rule is asked, because a node that
 * nobody chooses would never come back.
 */
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "io/clock.h"
#include "peer/multiplex.h"
#include "peer/node.h"

enum { ATTEMPTS_MAX = 64 };

struct pass {
    bool with_excluded;
    bool with_down;
};
enum { PASSES = 4 };
static const struct pass passes[PASSES] = {
    {false, false}, {true, false}, {false, true}, {true, true}};
/* A node that just refused a connection is worth less than one that was out a while ago. */
static const struct pass passes_refused[PASSES] = {
    {false, false}, {false, true}, {true, false}, {true, true}};

struct round {
    const struct nw_peer_set *set;
    const struct nw_peer_view *view;
    const struct nw_peer_want *want;
    struct nw_balance_item *items;
    unsigned open_count; /* items that may be chosen */
    bool has_full;       /* one is out only because it is full */
    int trial;           /* index of the node whose trial request this is; -1 */
    unsigned for_index;  /* the worker whose try it is */
};

/* Is this request the one that an ejected node is given? */
static bool take_trial(struct nw_peer_node *node, uint32_t flags, uint64_t now_ms)
{
    if ((flags & NW_PEER_FLAGS_OUT) != NW_PEER_FLAG_EJECTED || (flags & NW_PEER_FLAG_TRIAL) != 0)
        return false;
    if (now_ms < atomic_load_explicit(&node->eject_until_ms, memory_order_relaxed))
        return false;
    return atomic_compare_exchange_strong(&node->flags, &flags, flags | NW_PEER_FLAG_TRIAL);
}

static bool is_full(const struct nw_peer_node *node, uint32_t flags, unsigned for_index)
{
    if ((flags & NW_PEER_FLAG_SHARED) != 0)
        return nw_peer_shared_is_full(node, for_index);
    uint32_t max = atomic_load_explicit(&node->max_connections, memory_order_relaxed);
    return max != 0 && atomic_load_explicit(&node->in_flight, memory_order_relaxed) >= max;
}

/* The weight with which a member takes part in this pass; 0: not. */
static uint32_t judge_member(struct round *round, const struct pass *pass, unsigned index)
{
    const struct nw_peer_member *member = &round->view->members[index];
    struct nw_peer_node *node = member->node;
    const struct nw_peer_want *want = round->want;
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    if (member->weight == 0 || (flags & NW_PEER_FLAG_DRAINING) != 0)
        return 0;
    if (node == want->exclude && !pass->with_excluded)
        return 0;
    if (want->eligible != NULL && !want->eligible(node, want->eligible_arg))
        return 0;
    if (is_full(node, flags, round->for_index)) {
        round->has_full |= pass->with_down || (flags & NW_PEER_FLAGS_OUT) == 0;
        return 0;
    }
    if (NW_UNLIKELY((flags & NW_PEER_FLAGS_OUT) != 0) && !pass->with_down) {
        if (round->trial < 0 && !want->spare && take_trial(node, flags, nw_now_ms()))
            round->trial = (int)index;
        return 0;
    }
    if (NW_UNLIKELY((flags & NW_PEER_FLAG_SLOW_START) != 0))
        return member->weight * nw_peer_node_percent(node, nw_now_ms());
    return member->weight * 100;
}

/* Nothing is to be said against the node: what judge_member finds nearly always, at a glance. */
static bool is_plain(const struct nw_peer_node *node, const struct nw_peer_want *want)
{
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    return ((flags & (NW_PEER_FLAGS_OUT | NW_PEER_FLAG_DRAINING | NW_PEER_FLAG_SLOW_START |
                      NW_PEER_FLAG_SHARED)) |
            atomic_load_explicit(&node->max_connections, memory_order_relaxed)) == 0 &&
           node != want->exclude && want->eligible == NULL;
}

/* The numbers that the rule wants to see. */
static void measure(struct round *round)
{
    const struct nw_balance_ops *balance = round->set->balance;
    uint64_t now_ms = balance->need_latency ? nw_now_ms() : 0;
    for (unsigned i = 0; i < round->view->count; i++) {
        struct nw_balance_item *item = &round->items[i];
        struct nw_peer_node *node = round->view->members[i].node;
        item->in_flight = atomic_load_explicit(&node->in_flight, memory_order_relaxed);
        if (balance->need_latency)
            item->latency_us = nw_ewma_read_us(
                atomic_load_explicit(&node->ewma, memory_order_relaxed), now_ms);
    }
}

static void fill(struct round *round, const struct pass *pass)
{
    const struct nw_peer_member *member = round->view->members;
    struct nw_balance_item *item = round->items;
    unsigned count = round->view->count, open_count = 0;
    round->has_full = false;
    for (unsigned i = 0; i < count; i++, member++, item++) {
        bool is_simple = NW_LIKELY(is_plain(member->node, round->want));
        item->weight = is_simple ? member->weight * 100 : judge_member(round, pass, i);
        open_count += item->weight != 0;
    }
    round->open_count = open_count;
    if (round->set->balance->need_in_flight)
        measure(round);
}

/* No node is up, or one is again: said once per change. */
static void tell_panic(struct nw_peer_group *group, bool is_panicking, unsigned worker_index)
{
    if (is_panicking)
        nw_metric_add(group->panics, worker_index, 1);
    if (atomic_load_explicit(&group->is_panicking, memory_order_relaxed) == is_panicking)
        return;
    if (atomic_exchange(&group->is_panicking, is_panicking) == is_panicking)
        return;
    if (is_panicking)
        nw_log(nw_peer_log(), NW_ERROR, "peer.none_up", "service=%s action=%s", group->name,
               "all nodes are tried");
    else
        nw_log(nw_peer_log(), NW_INFO, "peer.some_up", "service=%s", group->name);
}

/* One look at the set: the index of a member, -1 none, -2 all full. */
static int look(struct round *round, struct nw_worker *worker)
{
    unsigned worker_index = nw_worker_index(worker);
    struct nw_peer_group *group = round->set->group;
    const struct pass *order = round->want->has_refused ? passes_refused : passes;
    for (unsigned i = 0; i < PASSES; i++) {
        if (order[i].with_excluded && round->want->exclude == NULL)
            continue;
        fill(round, &order[i]);
        if (NW_UNLIKELY(round->trial >= 0))
            return round->trial;
        if (round->open_count != 0) {
            bool with_down = order[i].with_down;
            if (NW_UNLIKELY(with_down) ||
                atomic_load_explicit(&group->is_panicking, memory_order_relaxed))
                tell_panic(group, with_down, worker_index);
            struct nw_balance_pick pick = {
                .items = round->items,
                .count = round->view->count,
                .current = nw_peer_view_current(round->view, worker_index),
                .rng = nw_worker_rng(worker),
                .ring = round->view->ring,
                .key_hash = round->want->key_hash,
            };
            return round->set->balance->choose(&pick);
        }
        if (round->has_full)
            return -2;
    }
    return -1;
}

/* A set of one whose node is well has nothing to choose: reserved, unless anything is special. */
static bool is_only_choice(const struct nw_peer_member *member, const struct nw_peer_want *want,
                           unsigned for_index)
{
    struct nw_peer_node *node = member->node;
    return member->weight != 0 && is_plain(node, want) &&
           !atomic_load_explicit(&node->group->is_panicking, memory_order_relaxed) &&
           nw_peer_node_reserve(node, for_index);
}

nw_err nw_peer_choose(const struct nw_peer_set *set, const struct nw_peer_want *want,
                      struct nw_worker *worker, unsigned for_index, struct nw_peer_node **out_node,
                      bool *out_is_trial)
{
    const struct nw_peer_view *view = atomic_load_explicit(&set->view, memory_order_acquire);
    if (view->count == 1 && is_only_choice(&view->members[0], want, for_index)) {
        *out_node = view->members[0].node;
        *out_is_trial = false;
        return NW_OK;
    }
    struct round round = {
        .set = set,
        .view = view,
        .want = want,
        .items = nw_peer_view_items(view, nw_worker_index(worker)),
        .trial = -1,
        .for_index = for_index,
    };
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        round.trial = -1;
        int index = look(&round, worker);
        if (index < 0)
            return index == -2 ? NW_AGAIN : NW_NO_NODE;
        struct nw_peer_node *node = view->members[index].node;
        if (NW_LIKELY(nw_peer_node_reserve(node, for_index))) {
            *out_node = node;
            *out_is_trial = round.trial >= 0;
            return NW_OK;
        }
        if (round.trial >= 0)
            atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_TRIAL);
    }
    return NW_AGAIN;
}

bool nw_peer_has_other(const struct nw_peer_set *set, const struct nw_peer_node *node)
{
    const struct nw_peer_view *view = atomic_load_explicit(&set->view, memory_order_acquire);
    for (unsigned i = 0; i < view->count; i++) {
        const struct nw_peer_member *member = &view->members[i];
        uint32_t flags = atomic_load_explicit(&member->node->flags, memory_order_relaxed);
        if (member->node != node && member->weight != 0 && (flags & NW_PEER_FLAG_DRAINING) == 0)
            return true;
    }
    return false;
}

bool nw_peer_set_is_usable(const struct nw_peer_set *set)
{
    const struct nw_peer_view *view = atomic_load_explicit(&set->view, memory_order_acquire);
    for (unsigned i = 0; i < view->count; i++)
        if (view->members[i].weight != 0 && nw_peer_node_is_usable(view->members[i].node))
            return true;
    return false;
}
