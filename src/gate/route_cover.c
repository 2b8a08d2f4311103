/*
 * A route is dead when one earlier route takes every request that it would. To find that one
 * among 10,000 without comparing all pairs, the later route walks the trie as if its own path were
 * the request, a {segment} following {segment} edges only; the routes that end where it passes
 * cover its path. Of those only the routes whose tests it has too can cover it, so the lists at
 * each place are kept by one test of each route, the rarest (its *anchor*): 10,000 routes of one
 * path that differ in a header value lie in 10,000 lists of one.
 *
 * Routes are entered after they were judged and dead ones not at all: covering is transitive, so
 * whoever covers a dead route's victim is there already, and duplicates make no long lists.
 *
 * What two routes cover together is not judged, nor what a regex means: only an equal regex is the
 * same test. `newel check` warns of the certain, not of the likely.
 */
#include "base/alloc.h"
#include "gate/route_impl.h"

/* The place of a group's regexes; other places are node * 2 + is_open. */
#define GROUP_BIT (UINT32_C(1) << 31)

struct fact {
    const struct nw_conf_route *route;
    uint32_t *tests; /* words */
    uint32_t test_count;
    uint32_t anchor; /* word, or 0 when it has no test */
};

struct entered {
    uint32_t index;
    uint32_t next; /* a later route; 0: none */
};

struct coverage {
    const struct nw_conf *conf;
    const struct route_trie *trie;
    struct fact *facts; /* by route */
    struct route_words tests;
    struct nw_arena memory;   /* tests and their texts */
    struct route_edges first; /* (place, anchor) to the entered */
    struct route_edges last;
    struct entered *entered; /* 0 is not used */
    size_t entered_count, entered_cap;
    struct {
        uint32_t node;
        uint32_t depth;
    } *stack; /* scratch of walk */
    size_t stack_cap;
};

/* ---- what a route tests ---- */

static uint32_t test_word(struct coverage *c, char kind, const struct nw_conf_match *match)
{
    struct nw_slice text = nw_arena_printf(&c->memory, "%c%d %zu %.*s %.*s", kind, (int)match->kind,
                                           match->name.len, NW_SLICE_ARG(match->name),
                                           NW_SLICE_ARG(match->text));
    return route_words_add(&c->tests, text);
}

static void add_tests(struct coverage *c, struct fact *fact, char kind,
                      const struct nw_conf_matches *matches)
{
    for (size_t i = 0; i < matches->count; i++)
        fact->tests[fact->test_count++] = test_word(c, kind, &matches->items[i]);
}

/* A route of one method covers only routes of that one: the same as a test for it. */
static void add_method(struct coverage *c, struct fact *fact)
{
    const struct nw_conf_strings *methods = &fact->route->method;
    for (size_t i = 1; i < methods->count; i++)
        if (!nw_slice_eq(methods->items[i], methods->items[0]))
            return;
    if (methods->count == 0)
        return;
    struct nw_conf_match method = {methods->items[0], NW_CONF_MATCH_EXACT, NW_SLICE("")};
    fact->tests[fact->test_count++] = test_word(c, 'm', &method);
}

static void gather_facts(struct coverage *c)
{
    size_t count = c->conf->routes.count;
    c->facts = nw_alloc_array(count + 1, sizeof *c->facts);
    for (size_t i = 0; i < count; i++) {
        const struct nw_conf_route *route = &c->conf->routes.items[i];
        struct fact *fact = &c->facts[i];
        fact->route = route;
        fact->tests = nw_arena_zero(&c->memory, (2 + route->header.count + route->query.count +
                                                 route->cookie.count) * sizeof *fact->tests);
        if (route->path.kind == NW_CONF_PATH_REGEX) {
            struct nw_conf_match regex = {NW_SLICE(""), NW_CONF_MATCH_REGEX, route->path.text};
            fact->tests[fact->test_count++] = test_word(c, 'p', &regex);
        }
        add_method(c, fact);
        add_tests(c, fact, 'h', &route->header);
        add_tests(c, fact, 'q', &route->query);
        add_tests(c, fact, 'c', &route->cookie);
    }
}

/* How often each test is used decides whose list a route is entered in. */
static void choose_anchors(struct coverage *c)
{
    size_t count = c->conf->routes.count;
    uint32_t *uses = nw_alloc_array(c->tests.count + 1, sizeof *uses);
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < c->facts[i].test_count; k++)
            uses[c->facts[i].tests[k]]++;
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < c->facts[i].test_count; k++) {
            struct fact *fact = &c->facts[i];
            if (fact->anchor == 0 || uses[fact->tests[k]] < uses[fact->anchor])
                fact->anchor = fact->tests[k];
        }
    nw_free(uses);
}

/* ---- does a cover b? ---- */

static bool one_host_covers(const struct nw_conf_host *a, const struct nw_conf_host *b)
{
    if (nw_slice_eq(a->name, b->name))
        return a->is_wildcard == b->is_wildcard;
    return a->is_wildcard && b->name.len > a->name.len + 1 &&
           nw_slice_ends_with(b->name, a->name) &&
           b->name.ptr[b->name.len - a->name.len - 1] == '.';
}

static bool hosts_cover(const struct nw_conf_hosts *a, const struct nw_conf_hosts *b)
{
    if (a->count == 0)
        return true;
    for (size_t i = 0; i < b->count; i++) {
        size_t k = 0;
        while (k < a->count && !one_host_covers(&a->items[k], &b->items[i]))
            k++;
        if (k == a->count)
            return false;
    }
    return b->count > 0;
}

static bool methods_cover(const struct nw_conf_strings *a, const struct nw_conf_strings *b)
{
    if (a->count == 0)
        return true;
    for (size_t i = 0; i < b->count; i++) {
        size_t k = 0;
        while (k < a->count && !nw_slice_eq(a->items[k], b->items[i]))
            k++;
        if (k == a->count)
            return false;
    }
    return b->count > 0;
}

static bool tests_cover(const struct fact *a, const struct fact *b)
{
    for (uint32_t i = 0; i < a->test_count; i++) {
        uint32_t k = 0;
        while (k < b->test_count && a->tests[i] != b->tests[k])
            k++;
        if (k == b->test_count)
            return false;
    }
    return true;
}

/* All but the path. */
static bool covers_beside(const struct fact *a, const struct fact *b)
{
    return tests_cover(a, b) && methods_cover(&a->route->method, &b->route->method) &&
           hosts_cover(&a->route->host, &b->route->host);
}

static bool path_is_same(const struct nw_conf_path *a, const struct nw_conf_path *b)
{
    struct trie_shape left = trie_shape_of(a), right = trie_shape_of(b);
    if ((a->kind == NW_CONF_PATH_REGEX) != (b->kind == NW_CONF_PATH_REGEX) ||
        left.count != right.count || left.is_open != right.is_open)
        return false;
    for (size_t i = 0; i < left.count; i++)
        if (left.segments[i].kind != right.segments[i].kind ||
            (left.segments[i].kind == NW_CONF_SEGMENT_LITERAL &&
             !nw_slice_eq(left.segments[i].text, right.segments[i].text)))
            return false;
    return true; /* regexes: their texts are tests and were compared as such */
}

/* ---- the search ---- */

/* The first route entered at this place that covers; never one behind `best`. */
static uint32_t ask_place(struct coverage *c, uint32_t place, const struct fact *fact,
                          uint32_t best)
{
    for (uint32_t i = 0; i <= fact->test_count; i++) {
        uint32_t anchor = i == 0 ? 0 : fact->tests[i - 1];
        uint32_t at = route_edges_get(&c->first, place, anchor);
        for (; at != 0 && c->entered[at].index < best; at = c->entered[at].next)
            if (covers_beside(&c->facts[c->entered[at].index], fact)) {
                best = c->entered[at].index;
                break;
            }
    }
    return best;
}

static void push(struct coverage *c, size_t *count, uint32_t node, uint32_t depth)
{
    if (node == 0)
        return;
    c->stack = route_grow(c->stack, *count, &c->stack_cap, sizeof *c->stack);
    c->stack[*count].node = node;
    c->stack[(*count)++].depth = depth;
}

static uint32_t walk(struct coverage *c, uint32_t root, uint32_t index, uint32_t best)
{
    const struct fact *fact = &c->facts[index];
    struct trie_shape shape = trie_shape_of(&fact->route->path);
    size_t count = 0;
    push(c, &count, root, 0);
    while (count > 0) {
        uint32_t id = c->stack[--count].node, depth = c->stack[count].depth;
        const struct trie_node *node = &c->trie->nodes[id];
        if (node->min_index >= index || node->min_index >= best)
            continue;
        if (node->open.first != 0 && (depth < shape.count || shape.is_open))
            best = ask_place(c, id * 2 + 1, fact, best);
        if (depth == shape.count) {
            if (node->closed.first != 0 && !shape.is_open)
                best = ask_place(c, id * 2, fact, best);
            continue;
        }
        const struct nw_conf_segment *segment = &shape.segments[depth];
        bool is_literal = segment->kind == NW_CONF_SEGMENT_LITERAL;
        if (!is_literal || segment->text.len > 0)
            push(c, &count, node->any, depth + 1);
        if (is_literal)
            push(c, &count, route_edges_get(&c->trie->edges, id,
                                            route_words_find(&c->trie->literals, segment->text)),
                 depth + 1);
    }
    return best;
}

static uint32_t ask_group(struct coverage *c, uint32_t group, uint32_t index, uint32_t best)
{
    const struct fact *fact = &c->facts[index];
    if (fact->route->path.kind == NW_CONF_PATH_REGEX)
        best = ask_place(c, group | GROUP_BIT, fact, best);
    return walk(c, c->trie->groups[group].root, index, best);
}

static uint32_t group_of_host(const struct coverage *c, const struct nw_conf_host *host)
{
    uint32_t word = route_words_find(&c->trie->hosts, host->name);
    return host->is_wildcard ? c->trie->wild[word] : c->trie->exact[word];
}

/* Whoever covers the route covers each of its hosts: the one with the fewest routes is asked. */
static const struct nw_conf_host *rarest_host(const struct coverage *c,
                                              const struct nw_conf_hosts *hosts)
{
    const struct nw_conf_host *rarest = &hosts->items[0];
    for (size_t i = 1; i < hosts->count; i++)
        if (c->trie->groups[group_of_host(c, &hosts->items[i])].route_count <
            c->trie->groups[group_of_host(c, rarest)].route_count)
            rarest = &hosts->items[i];
    return rarest;
}

/* The first earlier route that covers it, or ROUTE_NONE. */
static uint32_t find_cover(struct coverage *c, uint32_t index)
{
    const struct nw_conf_hosts *hosts = &c->facts[index].route->host;
    uint32_t best = ask_group(c, 0, index, ROUTE_NONE);
    if (hosts->count == 0)
        return best;
    const struct nw_conf_host *host = rarest_host(c, hosts);
    best = ask_group(c, group_of_host(c, host), index, best);
    struct nw_slice suffix;
    for (size_t at = 1; route_host_suffix(host->name, &at, &suffix);) {
        uint32_t word = route_words_find(&c->trie->hosts, suffix);
        if (word != 0 && c->trie->wild[word] != 0)
            best = ask_group(c, c->trie->wild[word], index, best);
    }
    return best;
}

/* ---- entering ---- */

static void enter_place(struct coverage *c, uint32_t place, uint32_t index)
{
    uint32_t anchor = c->facts[index].anchor;
    uint32_t last = route_edges_get(&c->last, place, anchor);
    if (last != 0 && c->entered[last].index == index)
        return;
    c->entered = route_grow(c->entered, c->entered_count, &c->entered_cap, sizeof *c->entered);
    uint32_t at = (uint32_t)c->entered_count++;
    c->entered[at] = (struct entered){index, 0};
    if (last != 0)
        c->entered[last].next = at;
    else
        route_edges_set(&c->first, place, anchor, at);
    route_edges_set(&c->last, place, anchor, at);
}

static void enter_group(struct coverage *c, uint32_t group, uint32_t index)
{
    const struct nw_conf_path *path = &c->facts[index].route->path;
    if (path->kind == NW_CONF_PATH_REGEX) {
        enter_place(c, group | GROUP_BIT, index);
        return;
    }
    struct trie_shape shape = trie_shape_of(path);
    uint32_t node = c->trie->groups[group].root;
    for (size_t i = 0; i < shape.count; i++) {
        const struct nw_conf_segment *segment = &shape.segments[i];
        node = segment->kind == NW_CONF_SEGMENT_ONE
                   ? c->trie->nodes[node].any
                   : route_edges_get(&c->trie->edges, node,
                                     route_words_find(&c->trie->literals, segment->text));
    }
    enter_place(c, node * 2 + shape.is_open, index);
}

static void enter(struct coverage *c, uint32_t index)
{
    const struct nw_conf_hosts *hosts = &c->facts[index].route->host;
    if (hosts->count == 0)
        enter_group(c, 0, index);
    for (size_t i = 0; i < hosts->count; i++)
        enter_group(c, group_of_host(c, &hosts->items[i]), index);
}

/* ---- the warning ---- */

static void warn_of(struct coverage *c, uint32_t index, uint32_t cover, struct nw_diag *diag)
{
    const struct fact *first = &c->facts[cover], *second = &c->facts[index];
    bool is_same = covers_beside(second, first) &&
                   path_is_same(&first->route->path, &second->route->path);
    struct nw_text name = {0};
    route_name_add(c->conf, cover, &name);
    if (is_same)
        nw_conf_warn(c->conf, &second->route->block, NULL, "remove one of them", diag,
                     "`%.*s` is a duplicate: %s takes the same requests and comes first",
                     NW_SLICE_ARG(nw_route_label(second->route)), name.ptr);
    else
        nw_conf_warn(c->conf, &second->route->block, NULL, "move it before that one", diag,
                     "`%.*s` is unreachable: %s comes first and takes all its requests",
                     NW_SLICE_ARG(nw_route_label(second->route)), name.ptr);
    nw_text_done(&name);
}

void route_cover_warn(const struct nw_conf *conf, const struct route_trie *trie,
                      struct nw_diag *diag)
{
    struct coverage c = {.conf = conf, .trie = trie, .entered_count = 1};
    nw_arena_init(&c.memory, NULL, 0, SIZE_MAX);
    c.entered = route_grow(NULL, 0, &c.entered_cap, sizeof *c.entered);
    gather_facts(&c);
    choose_anchors(&c);
    for (uint32_t i = 0; i < conf->routes.count; i++) {
        uint32_t cover = find_cover(&c, i);
        if (cover == ROUTE_NONE)
            enter(&c, i);
        else
            warn_of(&c, i, cover, diag);
    }
    nw_free(c.facts);
    route_words_done(&c.tests);
    nw_arena_done(&c.memory);
    route_edges_done(&c.first);
    route_edges_done(&c.last);
    nw_free(c.entered);
    nw_free(c.stack);
}
