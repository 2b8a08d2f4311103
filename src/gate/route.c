/*
 * A request is answered in two steps. *Gather*: the host leads to a few tries (its own, those of
 * wildcards, that of routes without a host); each is walked segment by segment, and every place
 * that the path passes or ends at yields a list of candidates in file order. *Settle*: the lists
 * are merged by index, and the first candidate whose tests fit is the route. So tests run only for
 * candidates of that path and only up to the one that wins, and where the route stands in the file
 * costs nothing.
 *
 * A candidate without tests bounds the gathering: lists and states whose least index is greater
 * cannot win and are not looked at.
 *
 * Would the path with a slash be taken, when nothing takes it as it is? What the walk passed has
 * said no already, and a path with an empty last segment is taken only by what takes anything
 * behind its last '/': so the states where the walk ended are remembered, and their open lists are
 * settled with the regexes. No second walk.
 *
 * Working memory is on the stack while routes have at most LOCAL segments, which is all but the
 * absurd; what the configuration makes larger comes from the heap. A request cannot make it grow:
 * no segment beyond the deepest route is read.
 */
#include "gate/route.h"

#include "base/alloc.h"
#include "gate/route_impl.h"

enum { LOCAL = 64, CURSORS_MAX = 32, ENDS_MAX = 16, SLASHED_LOCAL_BYTES = 512 };

/* ---- compile ---- */

nw_err nw_route_compile(const struct nw_conf *conf, struct nw_arena *arena, bool warn,
                        struct nw_diag *diag, struct nw_route_table **out)
{
    struct nw_route_table *table = nw_arena_zero(arena, sizeof *table);
    table->conf = conf;
    table->patterns = nw_arena_zero(arena, (conf->routes.count + 1) * sizeof *table->patterns);
    nw_err result = NW_OK;
    for (size_t i = 0; i < conf->routes.count; i++) {
        nw_err err = route_patterns_compile(conf, &conf->routes.items[i], arena, diag,
                                            &table->patterns[i]);
        if (err != NW_OK)
            result = err;
    }
    if (result != NW_OK) {
        nw_route_table_done(table);
        return result;
    }
    struct route_trie trie;
    route_trie_init(&trie, conf);
    if (warn)
        route_cover_warn(conf, &trie, diag);
    route_states_init(&table->states, &trie);
    route_trie_done(&trie);
    *out = table;
    return NW_OK;
}

void nw_route_table_done(struct nw_route_table *table)
{
    for (size_t i = 0; i < table->conf->routes.count; i++)
        route_patterns_done(&table->conf->routes.items[i], &table->patterns[i]);
    route_states_done(&table->states);
}

/* ---- the search ---- */

/* One segment of the path. */
struct cut {
    uint32_t end;     /* offset of the '/' behind it, or the path's length */
    uint32_t literal; /* 0: no route names it */
    bool is_empty;
};

struct pending {
    uint32_t state;
    uint32_t depth;
};

struct cursor {
    const struct route_entry *at;
    const struct route_entry *end;
};

struct hunt {
    const struct nw_route_table *table;
    const struct nw_route_ask *ask;
    struct nw_route_found *out;
    uint32_t best;   /* the least index known to take the request; ROUTE_NONE */
    uint32_t tested; /* the last candidate settled: a route may stand in two tries */
    struct cut *cuts;
    size_t cut_count;
    struct pending *pending;
    bool is_slashed; /* the second round, with a slash behind the path */
    size_t end_count; /* may be more than ENDS_MAX: then not all are there */
    uint32_t ends[ENDS_MAX]; /* states at which the path was over */
    size_t cursor_count;
    struct cursor cursors[CURSORS_MAX];
};

static bool entry_method_fits(const struct hunt *hunt, const struct route_entry *entry)
{
    if (entry->methods >> hunt->ask->method & 1)
        return true;
    return entry->has_names && hunt->ask->method == NW_HTTP_METHOD_OTHER &&
           route_method_fits(&hunt->table->conf->routes.items[entry->index],
                             hunt->ask->method_name);
}

static bool entry_fits(struct hunt *hunt, const struct route_entry *entry)
{
    if (entry->index == hunt->tested || !entry_method_fits(hunt, entry))
        return false;
    hunt->tested = entry->index;
    return !entry->has_tests ||
           route_tests_fit(&hunt->table->conf->routes.items[entry->index],
                           &hunt->table->patterns[entry->index], hunt->ask,
                           &hunt->out->tested_count, NULL, NULL);
}

/* The cursor with the least index; *out_limit is where another takes over. */
static struct cursor *least_cursor(struct hunt *hunt, uint32_t *out_limit)
{
    struct cursor *least = NULL;
    uint32_t index = hunt->best, limit = hunt->best;
    for (size_t i = 0; i < hunt->cursor_count; i++) {
        struct cursor *cursor = &hunt->cursors[i];
        if (cursor->at == cursor->end || cursor->at->index >= limit)
            continue;
        if (cursor->at->index < index) {
            limit = index;
            index = cursor->at->index;
            least = cursor;
        } else {
            limit = cursor->at->index;
        }
    }
    *out_limit = limit;
    return least;
}

/* Judges the gathered candidates in file order until one fits. */
static void settle(struct hunt *hunt)
{
    uint32_t limit;
    struct cursor *cursor;
    while ((cursor = least_cursor(hunt, &limit)) != NULL) {
        do {
            if (entry_fits(hunt, cursor->at)) {
                hunt->best = cursor->at->index;
                hunt->cursor_count = 0;
                return;
            }
        } while (++cursor->at != cursor->end && cursor->at->index <= limit);
    }
    hunt->cursor_count = 0;
}

static void gather(struct hunt *hunt, uint32_t list_id)
{
    const struct route_states *states = &hunt->table->states;
    const struct route_list *list = &states->lists[list_id];
    struct cursor cursor = {states->entries + list->first,
                            states->entries + list->first + list->count};
    while (cursor.at != cursor.end && cursor.at->index < hunt->best &&
           !entry_method_fits(hunt, cursor.at))
        cursor.at++;
    if (cursor.at == cursor.end || cursor.at->index >= hunt->best)
        return;
    if (!cursor.at->has_tests) {
        hunt->best = cursor.at->index;
        return;
    }
    if (hunt->cursor_count == CURSORS_MAX)
        settle(hunt);
    hunt->cursors[hunt->cursor_count++] = cursor;
}

static const struct cut *cut_at(struct hunt *hunt, size_t depth)
{
    struct nw_slice path = hunt->ask->path;
    while (hunt->cut_count <= depth) {
        size_t start = hunt->cut_count > 0 ? hunt->cuts[hunt->cut_count - 1].end + 1 : 1;
        struct nw_slice rest = path.len > start ? nw_slice_skip(path, start) : NW_SLICE("");
        struct nw_slice segment = nw_slice_first(rest, nw_slice_find(rest, '/'));
        hunt->cuts[hunt->cut_count++] = (struct cut){
            .end = (uint32_t)(start + segment.len),
            .literal = route_words_find(&hunt->table->states.literals, segment),
            .is_empty = segment.len == 0,
        };
    }
    return &hunt->cuts[depth];
}

/* The next state, or 0. */
static uint32_t step(struct hunt *hunt, uint32_t id, size_t depth)
{
    const struct route_states *states = &hunt->table->states;
    const struct route_state *state = &states->states[id];
    if (!state->has_edges && state->otherwise == 0)
        return 0;
    const struct cut *cut = cut_at(hunt, depth);
    uint32_t next = 0;
    if (state->has_edges && cut->literal != 0)
        next = route_edges_get(&states->edges, id, cut->literal);
    return next == 0 && !cut->is_empty ? state->otherwise : next;
}

static void walk(struct hunt *hunt, uint32_t root)
{
    const struct route_states *states = &hunt->table->states;
    size_t pending_count = 0;
    struct pending now = {root, 0};
    for (;;) {
        const struct route_state *state = &states->states[now.state];
        uint32_t next = 0;
        if (now.state == 0 || state->min_index >= hunt->best) {
            next = 0;
        } else if (state->fork_count > 0) {
            for (uint32_t i = state->fork_count - 1; i > 0; i--)
                hunt->pending[pending_count++] =
                    (struct pending){states->forks[state->forks + i], now.depth};
            now.state = states->forks[state->forks];
            continue;
        } else if (now.depth > 0 && hunt->cuts[now.depth - 1].end >= hunt->ask->path.len) {
            if (hunt->end_count++ < ENDS_MAX)
                hunt->ends[hunt->end_count - 1] = now.state;
            for (uint32_t i = 0; i < state->closed_count; i++)
                gather(hunt, states->state_lists[state->lists + state->open_count + i]);
        } else {
            for (uint32_t i = 0; i < state->open_count; i++)
                gather(hunt, states->state_lists[state->lists + i]);
            next = step(hunt, now.state, now.depth);
        }
        if (next != 0)
            now = (struct pending){next, now.depth + 1};
        else if (pending_count > 0)
            now = hunt->pending[--pending_count];
        else
            return;
    }
}

static void visit(struct hunt *hunt, uint32_t group_id)
{
    const struct route_group *group = &hunt->table->states.groups[group_id];
    if (group->regexes != 0)
        gather(hunt, group->regexes);
    if (!hunt->is_slashed || hunt->end_count > ENDS_MAX)
        walk(hunt, group->state);
}

/* Where the longest suffix begins that a wildcard's name can be: at least 1. */
static size_t suffix_start(const struct route_states *states, struct nw_slice host)
{
    size_t at = host.len;
    for (uint32_t labels = states->wild_labels_max; labels > 0; labels--) {
        const char *dot = at > 0 ? memrchr(host.ptr, '.', at) : NULL;
        if (dot == NULL)
            return 1;
        at = (size_t)(dot - host.ptr);
    }
    return at > 1 ? at : 1;
}

static void visit_hosts(struct hunt *hunt)
{
    const struct route_states *states = &hunt->table->states;
    struct nw_slice host = hunt->ask->host, suffix;
    uint32_t word = route_words_find(&states->hosts, host);
    if (word != 0 && states->exact[word] != 0)
        visit(hunt, states->exact[word]);
    if (states->wild_labels_max > 0) {
        size_t at = suffix_start(states, host);
        while (route_host_suffix(host, &at, &suffix)) {
            word = route_words_find(&states->hosts, suffix);
            if (word != 0 && states->wild[word] != 0)
                visit(hunt, states->wild[word]);
        }
    }
    visit(hunt, 0);
}

/* Nothing took the path. Would it with a slash? A copy, for regexes need the whole text. */
static bool slash_helps(struct hunt *hunt)
{
    const struct route_states *states = &hunt->table->states;
    struct nw_slice path = hunt->ask->path;
    if (path.len == 0 || path.ptr[0] != '/' || path.ptr[path.len - 1] == '/')
        return false;
    char local[SLASHED_LOCAL_BYTES];
    char *slashed = path.len < sizeof local ? local : nw_alloc(path.len + 1);
    memcpy(slashed, path.ptr, path.len);
    slashed[path.len] = '/';
    struct nw_route_ask again = *hunt->ask;
    again.path = nw_slice_of(slashed, path.len + 1);
    hunt->ask = &again;
    hunt->tested = ROUTE_NONE;
    hunt->is_slashed = true;
    hunt->cut_count = 0;
    bool has_all_ends = hunt->end_count <= ENDS_MAX;
    visit_hosts(hunt);
    for (size_t i = 0; has_all_ends && i < hunt->end_count; i++) {
        const struct route_state *state = &states->states[hunt->ends[i]];
        for (uint32_t k = 0; k < state->open_count; k++)
            gather(hunt, states->state_lists[state->lists + k]);
    }
    settle(hunt);
    if (slashed != local)
        nw_free(slashed);
    return hunt->best != ROUTE_NONE;
}

/* The index of the route that takes the request, or ROUTE_NONE. */
static uint32_t search(const struct nw_route_table *table, const struct nw_route_ask *ask,
                       struct nw_route_found *out)
{
    struct cut cuts[LOCAL];
    struct pending pending[LOCAL];
    const struct route_states *states = &table->states;
    struct hunt hunt;
    hunt.table = table;
    hunt.ask = ask;
    hunt.out = out;
    hunt.best = hunt.tested = ROUTE_NONE;
    hunt.cuts = states->depth_max <= LOCAL
                    ? cuts
                    : nw_alloc_array(states->depth_max, sizeof *hunt.cuts);
    hunt.pending = states->pending_max <= LOCAL
                       ? pending
                       : nw_alloc_array(states->pending_max, sizeof *hunt.pending);
    hunt.is_slashed = false;
    hunt.cut_count = hunt.end_count = hunt.cursor_count = 0;
    visit_hosts(&hunt);
    settle(&hunt);
    uint32_t index = hunt.best;
    if (index == ROUTE_NONE)
        out->wants_slash = slash_helps(&hunt);
    if (hunt.cuts != cuts)
        nw_free(hunt.cuts);
    if (hunt.pending != pending)
        nw_free(hunt.pending);
    return index;
}

void nw_route_find(const struct nw_route_table *table, const struct nw_route_ask *ask,
                   struct nw_route_found *out)
{
    out->route = NULL;
    out->index = 0;
    out->wants_slash = false;
    out->capture_count = 0;
    out->tested_count = 0;
    uint32_t index = search(table, ask, out);
    if (index == ROUTE_NONE)
        return;
    out->route = &table->conf->routes.items[index];
    out->index = index;
    if (out->route->path.kind == NW_CONF_PATH_SEGMENTS && ask->path.len > 0)
        (void)route_path_fits(&out->route->path, ask->path, out->captures, &out->capture_count);
}
