/* The compiled table against the plain way, and its warnings against comparing all pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "route_build.h"

enum { NOBODY = -1 };

static const char *pick(struct nw_rng *rng, const char *const *words, size_t count)
{
    return words[nw_rng_below(rng, count)];
}
#define PICK(rng, words) pick(rng, words, NW_COUNT(words))

static const char *const host_words[] = {"x", "a.x", "b.x", "c.a.x", "d.c.a.x", "y", "a.y"};
static const char *const host_patterns[] = {"x", "a.x", "c.a.x", "*.x", "*.a.x", "*.y", "y"};
static const char *const method_words[] = {"GET", "POST", "FOO", "BAR"};
static const char *const regex_words[] = {"~ ^/a", "~ b$", "~ /$", "~ ^/[ab]/[bc]", "~ c"};
static const char *const match_words[] = {"1", "2", "*", "~ ^[12]$"};
static const char *const field_words[] = {"", "H: 1\r\n", "H: 2\r\n", "H: 3\r\n",
                                          "Cookie: k=1\r\n", "H: 1\r\nCookie: k=2\r\n"};
static const char *const query_words[] = {"", "q=1", "q=2", "z=1&q=3"};

/* How a random table looks. */
struct mix {
    unsigned route_count;
    unsigned literal_count; /* "a", "b", … or "s0", "s1", … */
    unsigned depth_max;
    double one;   /* share of {segments} */
    double tests; /* share of routes with tests, of regexes, of hosts and methods */
    bool is_deep_only;
};

static void literal_add(struct nw_rng *rng, const struct mix *mix, struct nw_text *out)
{
    unsigned which = (unsigned)nw_rng_below(rng, mix->literal_count + 1);
    if (which == mix->literal_count && mix->literal_count < 10)
        return; /* an empty segment */
    nw_text_addf(out, "s%u", which);
}

static void random_pattern(struct nw_rng *rng, const struct mix *mix, struct nw_text *out)
{
    unsigned depth = 1 + (unsigned)nw_rng_below(rng, mix->depth_max);
    if (mix->is_deep_only)
        depth = mix->depth_max;
    for (unsigned i = 0; i < depth; i++) {
        nw_text_add_char(out, '/');
        if (nw_rng_chance(rng, mix->one))
            nw_text_addf(out, "{v%u}", i);
        else
            literal_add(rng, mix, out);
    }
    uint64_t end = nw_rng_below(rng, 6);
    if (end == 0 && out->ptr[out->len - 1] != '/')
        nw_text_add_char(out, '/');
    if (end == 1)
        nw_text_add_str(out, out->ptr[out->len - 1] == '/' ? "{r...}" : "/{r...}");
}

static void random_route(struct build *b, struct nw_rng *rng, const struct mix *mix)
{
    struct nw_text pattern = {0};
    if (nw_rng_chance(rng, mix->tests / 4))
        nw_text_add_str(&pattern, PICK(rng, regex_words));
    else
        random_pattern(rng, mix, &pattern);
    struct nw_conf_route *route =
        build_route(b, nw_rng_chance(rng, mix->tests / 16) ? NULL : pattern.ptr);
    nw_text_done(&pattern);
    for (uint64_t n = nw_rng_chance(rng, mix->tests) ? 1 + nw_rng_below(rng, 2) : 0; n > 0; n--)
        build_host(b, route, PICK(rng, host_patterns));
    for (uint64_t n = nw_rng_chance(rng, mix->tests) ? 1 + nw_rng_below(rng, 2) : 0; n > 0; n--)
        build_method(b, route, PICK(rng, method_words));
    if (nw_rng_chance(rng, mix->tests))
        build_match(b, &route->header, "h", PICK(rng, match_words));
    if (nw_rng_chance(rng, mix->tests / 3))
        build_match(b, &route->query, "q", PICK(rng, match_words));
    if (nw_rng_chance(rng, mix->tests / 3))
        build_match(b, &route->cookie, "k", PICK(rng, match_words));
}

static void random_path(struct nw_rng *rng, const struct mix *mix, struct nw_text *out)
{
    uint64_t depth = 1 + nw_rng_below(rng, mix->depth_max + 1);
    if (mix->is_deep_only)
        depth = mix->depth_max;
    for (uint64_t i = 0; i < depth; i++) {
        nw_text_add_char(out, '/');
        if (nw_rng_chance(rng, 0.15))
            nw_text_add_str(out, "other");
        else
            literal_add(rng, mix, out);
    }
}

static void compare(struct build *b, const struct nw_route_ask *ask, uint64_t seed)
{
    struct nw_route_found found, wanted, slashed;
    nw_route_find(b->table, ask, &found);
    route_linear(b->table, ask, &wanted);
    if (found.route != wanted.route)
        fail_msg("seed %llu: %.*s %.*s%.*s: route %d, not %d", (unsigned long long)seed,
                 NW_SLICE_ARG(ask->method_name), NW_SLICE_ARG(ask->host), NW_SLICE_ARG(ask->path),
                 found.route != NULL ? (int)found.index : NOBODY,
                 wanted.route != NULL ? (int)wanted.index : NOBODY);
    if (wanted.route != NULL) {
        assert_int_equal(found.tested_count, wanted.tested_count);
        assert_int_equal(found.capture_count, wanted.capture_count);
        for (unsigned i = 0; i < wanted.capture_count; i++) {
            assert_true(nw_slice_eq(found.captures[i].name, wanted.captures[i].name));
            assert_true(nw_slice_eq(found.captures[i].value, wanted.captures[i].value));
        }
        return;
    }
    struct nw_text path = {0};
    nw_text_addf(&path, "%.*s/", NW_SLICE_ARG(ask->path));
    struct nw_route_ask again = *ask;
    again.path = nw_text_slice(&path);
    route_linear(b->table, &again, &slashed);
    bool ends = ask->path.ptr[ask->path.len - 1] == '/';
    assert_int_equal(found.wants_slash, !ends && slashed.route != NULL);
    nw_text_done(&path);
}

static void compare_random(const struct mix *mix, uint64_t seed, unsigned ask_count,
                           size_t *out_forks)
{
    struct nw_rng rng;
    struct build b;
    nw_rng_init(&rng, seed);
    build_init(&b, mix->route_count);
    for (unsigned i = 0; i < mix->route_count; i++)
        random_route(&b, &rng, mix);
    build_compile(&b, false);
    *out_forks += b.table->states.fork_count;
    for (unsigned i = 0; i < ask_count; i++) {
        struct nw_text path = {0};
        struct asked asked;
        random_path(&rng, mix, &path);
        asked_init(&asked, PICK(&rng, method_words), PICK(&rng, host_words), path.ptr,
                   PICK(&rng, query_words), PICK(&rng, field_words));
        compare(&b, &asked.ask, seed);
        asked_done(&asked);
        nw_text_done(&path);
    }
    build_done(&b);
}

static void small_random_tables_agree_with_the_plain_way(void **state)
{
    size_t forks = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct mix mix = {1 + (unsigned)(seed % 40), 2 + (unsigned)(seed % 3), 4, 0.35,
                          (double)(seed % 4) / 6, false};
        compare_random(&mix, seed, 60, &forks);
    }
}

/* Nodes with more children than are merged. */
static void wide_random_tables_agree_with_the_plain_way(void **state)
{
    size_t forks = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct mix mix = {1500, 100, 3, 0.2, seed % 2 == 0 ? 0.1 : 0, false};
        compare_random(&mix, seed, 300, &forks);
    }
    assert_true(forks > 0);
}

/* More overlap than the budget of merging allows: the walk tries the rest one after the other. */
static void random_tables_over_the_budget_agree_with_the_plain_way(void **state)
{
    size_t forks = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct mix mix = {1200, 9, 7, 0.5, 0, true};
        compare_random(&mix, seed, 300, &forks);
    }
    assert_true(forks > 0);
}

/* ---- unreachable ---- */

static bool same_match(const struct nw_conf_match *a, const struct nw_conf_match *b)
{
    return a->kind == b->kind && nw_slice_eq(a->name, b->name) && nw_slice_eq(a->text, b->text);
}

static bool has_all(const struct nw_conf_matches *a, const struct nw_conf_matches *b)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t k = 0;
        while (k < b->count && !same_match(&a->items[i], &b->items[k]))
            k++;
        if (k == b->count)
            return false;
    }
    return true;
}

/* The route's path with "zz" for every {segment}, which only a {segment} fits, and `end` behind. */
static void witness(const struct nw_conf_path *path, const char *end, struct nw_text *out)
{
    nw_text_clear(out);
    for (size_t i = 0; i < path->segment_count; i++) {
        const struct nw_conf_segment *segment = &path->segments[i];
        if (segment->kind == NW_CONF_SEGMENT_REST)
            break;
        nw_text_add_char(out, '/');
        nw_text_add(out,
                    segment->kind == NW_CONF_SEGMENT_ONE ? NW_SLICE("zz") : segment->text);
    }
    nw_text_add_str(out, end);
}

static bool path_covers(const struct nw_conf_path *a, const struct nw_conf_path *b)
{
    static const char *const ends[] = {"/", "/zz", "/zz/zz", "///", NULL};
    struct nw_http_capture captures[NW_HTTP_CAPTURES_MAX];
    unsigned count;
    if (a->kind == NW_CONF_PATH_ANY)
        return true;
    if (a->kind == NW_CONF_PATH_REGEX)
        return b->kind == NW_CONF_PATH_REGEX && nw_slice_eq(a->text, b->text);
    bool is_open = b->kind != NW_CONF_PATH_SEGMENTS || b->is_prefix ||
                   (b->segment_count > 0 &&
                    b->segments[b->segment_count - 1].kind == NW_CONF_SEGMENT_REST);
    struct nw_text text = {0};
    bool covers = true;
    for (size_t i = 0; is_open && ends[i] != NULL; i++) {
        witness(b, ends[i], &text);
        covers = covers && route_path_fits(a, nw_text_slice(&text), captures, &count);
    }
    if (!is_open) {
        witness(b, "", &text);
        covers = route_path_fits(a, nw_text_slice(&text), captures, &count);
    }
    nw_text_done(&text);
    return covers;
}

static bool hosts_cover(const struct nw_conf_route *a, const struct nw_conf_route *b)
{
    if (b->host.count == 0)
        return route_host_fits(a, NW_SLICE("zz.zz.zz"));
    for (size_t i = 0; i < b->host.count; i++) {
        struct nw_text text = {0};
        nw_text_addf(&text, "%s%.*s", b->host.items[i].is_wildcard ? "zz." : "",
                     NW_SLICE_ARG(b->host.items[i].name));
        bool fits = route_host_fits(a, nw_text_slice(&text));
        nw_text_done(&text);
        if (!fits)
            return false;
    }
    return true;
}

static bool covers(const struct nw_conf_route *a, const struct nw_conf_route *b)
{
    if (!path_covers(&a->path, &b->path) || !hosts_cover(a, b) ||
        !has_all(&a->header, &b->header) || !has_all(&a->query, &b->query) ||
        !has_all(&a->cookie, &b->cookie))
        return false;
    if (b->method.count == 0)
        return route_method_fits(a, NW_SLICE("ZZ"));
    for (size_t i = 0; i < b->method.count; i++)
        if (!route_method_fits(a, b->method.items[i]))
            return false;
    return true;
}

/* Every pair of routes, against what the compiler warned of. */
static void the_unreachable_are_those_that_comparing_all_pairs_finds(void **state)
{
    size_t dead_count = 0, live_count = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct nw_rng rng;
        struct build b;
        struct mix mix = {1 + (unsigned)(seed % 40), 2, 3, 0.35, (double)(seed % 5) / 8, false};
        nw_rng_init(&rng, seed);
        build_init(&b, mix.route_count);
        for (unsigned i = 0; i < mix.route_count; i++)
            random_route(&b, &rng, &mix);
        build_compile(&b, true);
        size_t warning = 0;
        for (size_t i = 0; i < b.conf.routes.count; i++) {
            const struct nw_conf_route *items = b.conf.routes.items;
            size_t k = 0;
            while (k < i && !covers(&items[k], &items[i]))
                k++;
            bool is_warned = warning < b.diag.count &&
                             strcmp(b.diag.items[warning].path, items[i].block.path) == 0;
            if (is_warned != (k < i))
                fail_msg("seed %llu: routes[%zu] is %s", (unsigned long long)seed, i,
                         is_warned ? "warned of but reachable" : "dead but not warned of");
            if (is_warned) {
                char name[32];
                snprintf(name, sizeof name, "routes[%zu]", k);
                const char *sentence = b.diag.items[warning].sentence;
                const char *at = strstr(sentence, name);
                assert_non_null(at);
                assert_int_equal(strstr(sentence, "is a duplicate") != NULL,
                                 covers(&items[i], &items[k]));
                warning++;
            }
            dead_count += k < i;
            live_count += k == i;
        }
        assert_int_equal(warning, b.diag.count);
        assert_int_equal(b.diag.error_count, 0);
        build_done(&b);
    }
    assert_true(dead_count > 100 && live_count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_random_tables_agree_with_the_plain_way),
        cmocka_unit_test(wide_random_tables_agree_with_the_plain_way),
        cmocka_unit_test(random_tables_over_the_budget_agree_with_the_plain_way),
        cmocka_unit_test(the_unreachable_are_those_that_comparing_all_pairs_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
