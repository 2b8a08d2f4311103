/*
 * A trie with {segment} children makes a request look at two subtrees wherever a literal and a
 * {segment} both fit: 64 shapes of six segments cost 2^6 visits. So the trie is turned into states,
 * each the set of nodes that are possible at once (the subset construction), and a segment leads
 * to exactly one next state. Equal sets are one state.
 *
 * Merging is only worth its memory while the tables are small: `/{x}/` with 5,000 literals below,
 * merged into 5,000 siblings, would be 25,000,000 edges to save one look-up. A set with a node of
 * more than WIDE children, or beyond a budget in proportion to the trie, stays apart as a *fork*:
 * the walk tries its parts one after the other, the part with the least route index first, and
 * leaves out those that cannot beat what it has. Parts of a fork are disjoint subtrees, so a walk
 * never visits more states than the trie has nodes, whatever the budget says. The budget goes
 * first to the sets whose merging saves most: many nodes, tall ones.
 *
 * Invariant: the routes reachable from a state are those of its nodes. Route indices, not shapes,
 * decide; nothing here knows that a literal is "more specific".
 *
 * Not taken: a DFA over bytes, whose table for 10,000 routes is megabytes and whose captures need a
 * second pass anyway.
 */
#include "gate/route_states.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

enum {
    WIDE = 64,           /* literals under one node beyond which it is not merged */
    BUDGET_FACTOR = 4,   /* edges and copies, per node of the trie, */
    BUDGET_EXTRA = 4096, /*   and for free */
    LIST_MERGE_MAX = 256, /* entries beyond which lists of one state are not copied together */
    GAIN_MAX = 255
};

/* A state's nodes, sorted. */
struct set {
    uint32_t first; /* in members */
    uint32_t count;
};

struct pair {
    uint32_t literal;
    uint32_t node;
};

struct builder {
    const struct route_trie *trie;
    struct route_states *out;
    struct set *sets; /* by state */
    size_t set_cap;
    uint32_t *members;
    size_t member_count, member_cap;
    uint32_t *slots; /* states by the hash of their set */
    size_t slot_count;
    uint32_t *waiting; /* by state: the next of the same gain that is not expanded yet */
    size_t waiting_cap;
    uint32_t first_waiting[GAIN_MAX + 1]; /* by what merging them saves; 0: none */
    struct pair *pairs; /* scratch */
    size_t pair_cap;
    uint32_t *next; /* scratch: a set being collected */
    size_t next_count, next_cap;
    uint32_t *open_lists; /* by node: its own list, made once */
    uint32_t *closed_lists;
    uint32_t *fork_sizes; /* by depth: nodes of the largest fork */
    size_t spent;
    size_t budget;
};

static int by_number(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

/* ---- lists ---- */

static struct route_entry entry_of(const struct nw_conf_route *route, uint32_t index)
{
    struct route_entry entry = {.index = index, .methods = UINT16_MAX};
    entry.has_tests = route->path.kind == NW_CONF_PATH_REGEX || route->header.count > 0 ||
                      route->query.count > 0 || route->cookie.count > 0;
    if (route->method.count == 0)
        return entry;
    entry.methods = 0;
    for (size_t i = 0; i < route->method.count; i++) {
        nw_http_method method = nw_http_method_find(route->method.items[i]);
        if (method == NW_HTTP_METHOD_OTHER)
            entry.has_names = true;
        else
            entry.methods |= (uint16_t)(1u << method);
    }
    return entry;
}

static bool takes_all(const struct route_entry *entry)
{
    return !entry->has_tests && entry->methods == UINT16_MAX;
}

static void entry_add(struct route_states *out, struct route_entry entry)
{
    out->entries =
        route_grow(out->entries, out->entry_count, &out->entry_cap, sizeof *out->entries);
    out->entries[out->entry_count++] = entry;
}

static uint32_t list_close(struct route_states *out, size_t first)
{
    if (out->entry_count == first)
        return 0;
    out->lists = route_grow(out->lists, out->list_count, &out->list_cap, sizeof *out->lists);
    out->lists[out->list_count] =
        (struct route_list){(uint32_t)first, (uint32_t)(out->entry_count - first)};
    return (uint32_t)out->list_count++;
}

static uint32_t list_of(struct builder *b, const struct trie_list *list)
{
    struct route_states *out = b->out;
    size_t first = out->entry_count;
    for (uint32_t at = list->first; at != 0; at = b->trie->links[at].next) {
        uint32_t index = b->trie->links[at].index;
        struct route_entry entry = entry_of(&b->trie->conf->routes.items[index], index);
        entry_add(out, entry);
        if (takes_all(&entry))
            break;
    }
    return list_close(out, first);
}

static int by_index(const void *left, const void *right)
{
    const struct route_entry *a = left, *b = right;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Copies the last `count` state lists into one when that is cheap. Returns how many there are. */
static uint32_t merge_lists(struct builder *b, uint32_t count)
{
    struct route_states *out = b->out;
    uint32_t *ids = out->state_lists + out->state_list_count - count;
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += out->lists[ids[i]].count;
    if (count < 2 || total > LIST_MERGE_MAX || b->spent + total > b->budget)
        return count;
    b->spent += total;
    size_t first = out->entry_count;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < out->lists[ids[i]].count; k++)
            entry_add(out, out->entries[out->lists[ids[i]].first + k]);
    qsort(out->entries + first, total, sizeof *out->entries, by_index);
    for (size_t i = first; i < first + total; i++)
        if (takes_all(&out->entries[i])) {
            out->entry_count = i + 1;
            break;
        }
    ids[0] = list_close(out, first);
    out->state_list_count -= count - 1;
    return 1;
}

static uint32_t add_lists(struct builder *b, struct set set, bool is_open)
{
    struct route_states *out = b->out;
    uint32_t count = 0;
    for (uint32_t i = 0; i < set.count; i++) {
        uint32_t node = b->members[set.first + i];
        uint32_t *known = is_open ? &b->open_lists[node] : &b->closed_lists[node];
        const struct trie_node *trie_node = &b->trie->nodes[node];
        const struct trie_list *list = is_open ? &trie_node->open : &trie_node->closed;
        if (list->first == 0)
            continue;
        if (*known == 0)
            *known = list_of(b, list);
        out->state_lists = route_grow(out->state_lists, out->state_list_count,
                                      &out->state_list_cap, sizeof *out->state_lists);
        out->state_lists[out->state_list_count++] = *known;
        count++;
    }
    return merge_lists(b, count);
}

/* ---- sets ---- */

static void next_add(struct builder *b, uint32_t node)
{
    b->next = route_grow(b->next, b->next_count, &b->next_cap, sizeof *b->next);
    b->next[b->next_count++] = node;
}

static void slots_rehash(struct builder *b)
{
    struct route_states *out = b->out;
    nw_free(b->slots);
    b->slot_count = b->slot_count != 0 ? b->slot_count * 2 : 1024;
    b->slots = nw_alloc_array(b->slot_count, sizeof *b->slots);
    for (uint32_t i = 1; i < out->state_count; i++) {
        struct nw_slice bytes = nw_slice_of((const char *)(b->members + b->sets[i].first),
                                            b->sets[i].count * sizeof *b->members);
        size_t at = nw_hash_fast(bytes, 0) & (b->slot_count - 1);
        while (b->slots[at] != 0)
            at = (at + 1) & (b->slot_count - 1);
        b->slots[at] = i;
    }
}

/*
 * The visits that merging may save: all but those of the tallest node. A single node costs nothing
 * to expand, so it comes first.
 */
static size_t gain_of(const struct builder *b, const uint32_t *nodes, size_t count)
{
    size_t sum = 0, tallest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t height = (size_t)b->trie->nodes[nodes[i]].height + 1;
        sum += height;
        if (height > tallest)
            tallest = height;
    }
    return count == 1 || sum - tallest > GAIN_MAX ? GAIN_MAX : sum - tallest;
}

static void postpone(struct builder *b, uint32_t state, size_t gain)
{
    b->waiting = route_grow(b->waiting, state, &b->waiting_cap, sizeof *b->waiting);
    b->waiting[state] = b->first_waiting[gain];
    b->first_waiting[gain] = state;
}

/* The next state to expand, or 0. */
static uint32_t next_waiting(struct builder *b)
{
    for (size_t gain = GAIN_MAX;; gain--) {
        uint32_t state = b->first_waiting[gain];
        if (state != 0)
            b->first_waiting[gain] = b->waiting[state];
        if (state != 0 || gain == 0)
            return state;
    }
}

/* The state of the set in b->next, known or new; empties it. 0 for the empty set. */
static uint32_t state_of_next(struct builder *b)
{
    struct route_states *out = b->out;
    size_t count = b->next_count;
    b->next_count = 0;
    if (count == 0)
        return 0;
    if (count > 1)
        qsort(b->next, count, sizeof *b->next, by_number);
    if ((out->state_count + 1) * 2 > b->slot_count)
        slots_rehash(b);
    size_t bytes = count * sizeof *b->next;
    size_t at = nw_hash_fast(nw_slice_of((const char *)b->next, bytes), 0) & (b->slot_count - 1);
    for (; b->slots[at] != 0; at = (at + 1) & (b->slot_count - 1)) {
        struct set known = b->sets[b->slots[at]];
        if (known.count == count && memcmp(b->members + known.first, b->next, bytes) == 0)
            return b->slots[at];
    }
    uint32_t state = (uint32_t)out->state_count;
    b->slots[at] = state;
    out->states = route_grow(out->states, out->state_count, &out->state_cap, sizeof *out->states);
    b->sets = route_grow(b->sets, out->state_count, &b->set_cap, sizeof *b->sets);
    out->state_count++;
    out->states[state] = (struct route_state){.min_index = ROUTE_NONE};
    b->sets[state] = (struct set){(uint32_t)b->member_count, (uint32_t)count};
    postpone(b, state, gain_of(b, b->next, count));
    for (size_t i = 0; i < count; i++) {
        uint32_t index = b->trie->nodes[b->next[i]].min_index;
        if (index < out->states[state].min_index)
            out->states[state].min_index = index;
        b->members = route_grow(b->members, b->member_count, &b->member_cap, sizeof *b->members);
        b->members[b->member_count++] = b->next[i];
    }
    return state;
}

/* ---- forks ---- */

static void fork_add(struct builder *b)
{
    struct route_states *out = b->out;
    uint32_t part = state_of_next(b);
    out->forks = route_grow(out->forks, out->fork_count, &out->fork_cap, sizeof *out->forks);
    out->forks[out->fork_count++] = part;
}

static void sort_forks(struct route_states *out, uint32_t first)
{
    for (size_t i = first + 1; i < out->fork_count; i++)
        for (size_t k = i; k > first; k--) {
            uint32_t *pair = out->forks + k - 1;
            if (out->states[pair[0]].min_index <= out->states[pair[1]].min_index)
                break;
            uint32_t less = pair[1];
            pair[1] = pair[0];
            pair[0] = less;
        }
}

/* Wide nodes alone, the others together; each alone when the budget is spent. */
static void make_fork(struct builder *b, uint32_t state, bool is_over_budget)
{
    struct route_states *out = b->out;
    struct set set = b->sets[state];
    uint32_t first = (uint32_t)out->fork_count, depth = b->trie->nodes[b->members[set.first]].depth;
    for (uint32_t i = 0; i < set.count; i++) {
        uint32_t node = b->members[set.first + i];
        if (!is_over_budget && b->trie->nodes[node].child_count <= WIDE)
            continue;
        next_add(b, node);
        fork_add(b);
    }
    for (uint32_t i = 0; !is_over_budget && i < set.count; i++)
        if (b->trie->nodes[b->members[set.first + i]].child_count <= WIDE)
            next_add(b, b->members[set.first + i]);
    if (b->next_count > 0)
        fork_add(b);
    sort_forks(out, first);
    out->states[state].forks = first;
    out->states[state].fork_count = (uint32_t)out->fork_count - first;
    if (set.count > b->fork_sizes[depth])
        b->fork_sizes[depth] = set.count;
}

/* Must the set stay apart? Else its cost is charged. */
static bool must_fork(struct builder *b, struct set set, bool *out_is_over_budget)
{
    size_t cost = set.count;
    uint32_t wide_count = 0;
    *out_is_over_budget = false;
    if (set.count == 1)
        return false;
    for (uint32_t i = 0; i < set.count; i++) {
        uint32_t width = b->trie->nodes[b->members[set.first + i]].child_count;
        wide_count += width > WIDE;
        cost += width;
    }
    *out_is_over_budget = b->spent + cost > b->budget;
    if (wide_count > 0 || *out_is_over_budget)
        return true;
    b->spent += cost;
    return false;
}

/* ---- states ---- */

static int by_literal(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    return a->literal < b->literal ? -1 : a->literal > b->literal;
}

static void add_anys(struct builder *b, struct set set)
{
    for (uint32_t i = 0; i < set.count; i++) {
        uint32_t any = b->trie->nodes[b->members[set.first + i]].any;
        if (any != 0)
            next_add(b, any);
    }
}

static void add_edges(struct builder *b, uint32_t state)
{
    struct set set = b->sets[state];
    size_t count = 0;
    for (uint32_t i = 0; i < set.count; i++) {
        const struct trie_node *node = &b->trie->nodes[b->members[set.first + i]];
        for (uint32_t child = node->children; child != 0; child = b->trie->nodes[child].next) {
            b->pairs = route_grow(b->pairs, count, &b->pair_cap, sizeof *b->pairs);
            b->pairs[count++] = (struct pair){b->trie->nodes[child].literal, child};
        }
    }
    if (set.count > 1 && count > 1)
        qsort(b->pairs, count, sizeof *b->pairs, by_literal);
    for (size_t i = 0; i < count;) {
        uint32_t literal = b->pairs[i].literal;
        while (i < count && b->pairs[i].literal == literal)
            next_add(b, b->pairs[i++].node);
        if (b->trie->literals.items[literal].text.len > 0)
            add_anys(b, set);
        route_edges_set(&b->out->edges, state, literal, state_of_next(b));
    }
    add_anys(b, set);
    uint32_t otherwise = state_of_next(b);
    b->out->states[state].otherwise = otherwise;
    b->out->states[state].has_edges = count > 0;
}

static void expand(struct builder *b, uint32_t state)
{
    struct set set = b->sets[state];
    bool is_over_budget;
    if (must_fork(b, set, &is_over_budget)) {
        make_fork(b, state, is_over_budget);
        return;
    }
    struct route_states *out = b->out;
    out->states[state].lists = (uint32_t)out->state_list_count;
    out->states[state].open_count = add_lists(b, set, true);
    out->states[state].closed_count = add_lists(b, set, false);
    add_edges(b, state);
}

static void add_groups(struct builder *b)
{
    struct route_states *out = b->out;
    out->group_count = b->trie->group_count;
    out->groups = nw_alloc_array(out->group_count, sizeof *out->groups);
    for (size_t i = 0; i < out->group_count; i++) {
        next_add(b, b->trie->groups[i].root);
        out->groups[i].state = state_of_next(b);
        out->groups[i].regexes = list_of(b, &b->trie->groups[i].regexes);
    }
}

static void builder_done(struct builder *b)
{
    nw_free(b->sets);
    nw_free(b->members);
    nw_free(b->slots);
    nw_free(b->waiting);
    nw_free(b->pairs);
    nw_free(b->next);
    nw_free(b->open_lists);
    nw_free(b->closed_lists);
    nw_free(b->fork_sizes);
}

void route_states_init(struct route_states *states, struct route_trie *trie)
{
    *states = (struct route_states){.state_count = 1, .list_count = 1};
    states->states = route_grow(NULL, 0, &states->state_cap, sizeof *states->states);
    states->lists = route_grow(NULL, 0, &states->list_cap, sizeof *states->lists);
    states->lists[0] = (struct route_list){0};
    struct builder b = {.trie = trie, .out = states};
    b.sets = route_grow(NULL, 0, &b.set_cap, sizeof *b.sets);
    b.budget = trie->node_count * BUDGET_FACTOR + BUDGET_EXTRA;
    b.open_lists = nw_alloc_array(trie->node_count, sizeof *b.open_lists);
    b.closed_lists = nw_alloc_array(trie->node_count, sizeof *b.closed_lists);
    b.fork_sizes = nw_alloc_array((size_t)trie->depth_max + 1, sizeof *b.fork_sizes);
    add_groups(&b);
    for (uint32_t state; (state = next_waiting(&b)) != 0;)
        expand(&b, state);
    states->depth_max = trie->depth_max;
    for (size_t i = 0; i <= trie->depth_max; i++)
        states->pending_max += b.fork_sizes[i];
    states->literals = trie->literals;
    states->hosts = trie->hosts;
    states->exact = trie->exact;
    states->wild = trie->wild;
    states->wild_labels_max = trie->wild_labels_max;
    trie->literals = trie->hosts = (struct route_words){0};
    trie->exact = trie->wild = NULL;
    builder_done(&b);
}

void route_states_done(struct route_states *states)
{
    route_words_done(&states->literals);
    route_words_done(&states->hosts);
    route_edges_done(&states->edges);
    nw_free(states->exact);
    nw_free(states->wild);
    nw_free(states->groups);
    nw_free(states->states);
    nw_free(states->lists);
    nw_free(states->entries);
    nw_free(states->forks);
    nw_free(states->state_lists);
    *states = (struct route_states){0};
}
