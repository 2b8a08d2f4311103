/* The contract of gate/route.h: what a table means, and that it is what the plain way says. */
#include "gate/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "conf/generation.h"
#include "route_build.h"

/* ---- meaning ---- */

enum { NOBODY = -1, SLASH = -2 };

struct row {
    const char *routes[4];
    const char *path;
    int taker; /* index, NOBODY or SLASH */
};

static int ask_path(struct build *b, const char *path)
{
    struct asked asked;
    struct nw_route_found found;
    asked_init(&asked, "GET", "shop.example", path, "", "");
    nw_route_find(b->table, &asked.ask, &found);
    asked_done(&asked);
    if (found.route == NULL)
        return found.wants_slash ? SLASH : NOBODY;
    assert_false(found.wants_slash);
    assert_ptr_equal(found.route, &b->conf.routes.items[found.index]);
    return (int)found.index;
}

static void paths_mean_what_the_design_says(void **state)
{
    static const struct row rows[] = {
        {{"/a"}, "/a", 0},
        {{"/a"}, "/a/", NOBODY},
        {{"/a"}, "/A", NOBODY},
        {{"/a"}, "//a", NOBODY},
        {{"/a/"}, "/a/", 0},
        {{"/a/"}, "/a/b/c", 0},
        {{"/a/"}, "/a//", 0},
        {{"/a/"}, "/a", SLASH},
        {{"/a/"}, "/ab", NOBODY},
        {{"/a/", "/a"}, "/a", 1},
        {{"/a/", "/{x}"}, "/a", 1},
        {{"/"}, "/", 0},
        {{"/"}, "/any/thing", 0},
        {{"/{x}"}, "/", NOBODY},
        {{"/{x}"}, "/b", 0},
        {{"/{x}"}, "/b/", NOBODY},
        {{"/{x}"}, "/%2F", 0},
        {{"/{x}/"}, "/b/", 0},
        {{"/{x}/"}, "//", NOBODY},
        {{"/{x}/"}, "/b", SLASH},
        {{"/a//b"}, "/a//b", 0},
        {{"/a//b"}, "/a/b", NOBODY},
        {{"/a/{x}/b"}, "/a//b", NOBODY},
        {{"/f/{r...}"}, "/f/", 0},
        {{"/f/{r...}"}, "/f/g//h/", 0},
        {{"/f/{r...}"}, "/f", SLASH},
        {{"/{r...}"}, "/", 0},
        {{"/{x}/b", "/a/b"}, "/a/b", 0},
        {{"/a/b", "/{x}/b"}, "/a/b", 0},
        {{"/a/c", "/{x}/b"}, "/a/b", 1},
        {{"/a/{x}/c", "/{x}/b/d", "/a/b/"}, "/a/b/d", 1},
        {{"/a/{x}/c", "/{x}/b/d", "/a/b/"}, "/a/b/c", 0},
        {{"/a/{x}/c", "/{x}/b/d", "/a/b/"}, "/a/b/e", 2},
        {{"/", "/a"}, "/a", 0},
        {{"/a", "/"}, "/a", 0},
        {{"~ ^/v[0-9]+/", "/"}, "/v12/x", 0},
        {{"~ ^/v[0-9]+/", "/"}, "/vx/x", 1},
        {{"/v1/", "~ ^/v[0-9]+/"}, "/v1/x", 0},
        {{"~ ^/b/$"}, "/b", SLASH},
        {{"/a"}, "/b", NOBODY},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct build b;
        build_init(&b, 4);
        for (size_t k = 0; k < 4 && rows[i].routes[k] != NULL; k++)
            build_route(&b, rows[i].routes[k]);
        build_compile(&b, false);
        int taker = ask_path(&b, rows[i].path);
        if (taker != rows[i].taker)
            fail_msg("row %zu: %s is taken by %d, not %d", i, rows[i].path, taker, rows[i].taker);
        build_done(&b);
    }
}

static void a_route_without_a_path_takes_every_path(void **state)
{
    struct build b;
    build_init(&b, 2);
    build_route(&b, "/a");
    build_route(&b, NULL);
    build_compile(&b, false);
    assert_int_equal(ask_path(&b, "/a"), 0);
    assert_int_equal(ask_path(&b, "/b/c/"), 1);
    assert_int_equal(ask_path(&b, "/"), 1);
    build_done(&b);
}

static void a_table_without_routes_takes_nothing(void **state)
{
    struct build b;
    build_init(&b, 1);
    build_compile(&b, true);
    assert_int_equal(ask_path(&b, "/"), NOBODY);
    assert_int_equal(ask_path(&b, "/a"), NOBODY);
    assert_int_equal(b.diag.count, 0);
    build_done(&b);
}

static int ask_host(struct build *b, const char *host)
{
    struct asked asked;
    struct nw_route_found found;
    asked_init(&asked, "GET", host, "/", "", "");
    nw_route_find(b->table, &asked.ask, &found);
    asked_done(&asked);
    return found.route != NULL ? (int)found.index : NOBODY;
}

static void hosts_are_exact_or_one_or_more_labels_longer(void **state)
{
    struct build b;
    build_init(&b, 5);
    build_host(&b, build_route(&b, "/"), "www.shop.example");
    build_host(&b, build_route(&b, "/"), "*.shop.example");
    build_host(&b, build_route(&b, "/"), "*.www.shop.example");
    build_host(&b, build_route(&b, "/"), "shop.example");
    struct nw_conf_route *both = build_route(&b, "/");
    build_host(&b, both, "*.example");
    build_host(&b, both, "*.test");
    build_compile(&b, false);
    assert_int_equal(ask_host(&b, "www.shop.example"), 0);
    assert_int_equal(ask_host(&b, "a.shop.example"), 1);
    assert_int_equal(ask_host(&b, "a.b.c.shop.example"), 1);
    assert_int_equal(ask_host(&b, "a.www.shop.example"), 1);
    assert_int_equal(ask_host(&b, "shop.example"), 3);
    assert_int_equal(ask_host(&b, "workshop.example"), 4);
    assert_int_equal(ask_host(&b, "example"), NOBODY);
    assert_int_equal(ask_host(&b, ".example"), NOBODY);
    assert_int_equal(ask_host(&b, "a.test"), 4);
    assert_int_equal(ask_host(&b, ""), NOBODY);
    build_done(&b);
}

static void a_route_without_host_competes_by_its_place_in_the_file(void **state)
{
    struct build b;
    build_init(&b, 3);
    build_host(&b, build_route(&b, "/x"), "a.example");
    build_route(&b, "/");
    build_host(&b, build_route(&b, "/"), "a.example");
    build_compile(&b, false);
    assert_int_equal(ask_host(&b, "a.example"), 1);
    build_done(&b);
}

static void methods_are_compared_by_case_and_may_be_unknown_ones(void **state)
{
    static const struct {
        const char *method;
        int taker;
    } rows[] = {{"GET", 0}, {"POST", 0}, {"PURGE", 1}, {"get", 2}, {"HEAD", 2}, {"PURGEX", 2}};
    struct build b;
    build_init(&b, 3);
    struct nw_conf_route *route = build_route(&b, "/");
    build_method(&b, route, "GET");
    build_method(&b, route, "POST");
    route = build_route(&b, "/");
    build_method(&b, route, "PUT");
    build_method(&b, route, "PURGE");
    build_route(&b, "/");
    build_compile(&b, false);
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct asked asked;
        struct nw_route_found found;
        asked_init(&asked, rows[i].method, "h", "/", "", "");
        nw_route_find(b.table, &asked.ask, &found);
        assert_non_null(found.route);
        assert_int_equal(found.index, rows[i].taker);
        asked_done(&asked);
    }
    build_done(&b);
}

static void a_redirect_to_the_slash_needs_a_route_whose_method_and_tests_fit(void **state)
{
    struct build b;
    build_init(&b, 2);
    struct nw_conf_route *route = build_route(&b, "/a/");
    build_method(&b, route, "POST");
    build_match(&b, &build_route(&b, "/b/")->query, "v", "2");
    build_compile(&b, false);
    assert_int_equal(ask_path(&b, "/a"), NOBODY);
    assert_int_equal(ask_path(&b, "/b"), NOBODY);
    struct asked asked;
    struct nw_route_found found;
    asked_init(&asked, "POST", "h", "/a", "", "");
    nw_route_find(b.table, &asked.ask, &found);
    assert_true(found.route == NULL && found.wants_slash);
    asked_done(&asked);
    asked_init(&asked, "GET", "h", "/b", "v=2", "");
    nw_route_find(b.table, &asked.ask, &found);
    assert_true(found.route == NULL && found.wants_slash);
    asked_done(&asked);
    build_done(&b);
}

/* ---- captures ---- */

static void captures_are_those_of_the_route_that_takes_it(void **state)
{
    struct build b;
    build_init(&b, 2);
    build_route(&b, "/{user}/post/{id}/x");
    build_route(&b, "/{who}/post/{rest...}");
    build_compile(&b, false);
    struct asked asked;
    struct nw_route_found found;
    asked_init(&asked, "GET", "h", "/ada/post/17/y", "", "");
    nw_route_find(b.table, &asked.ask, &found);
    assert_int_equal(found.index, 1);
    assert_int_equal(found.capture_count, 2);
    assert_true(nw_slice_eq(found.captures[0].name, NW_SLICE("who")));
    assert_true(nw_slice_eq(found.captures[0].value, NW_SLICE("ada")));
    assert_true(nw_slice_eq(found.captures[1].name, NW_SLICE("rest")));
    assert_true(nw_slice_eq(found.captures[1].value, NW_SLICE("17/y")));
    asked_done(&asked);
    build_done(&b);
}

static void captures_beyond_the_maximum_are_matched_but_not_kept(void **state)
{
    struct nw_text pattern = {0}, path = {0};
    for (int i = 0; i < 20; i++) {
        nw_text_addf(&pattern, "/{c%d}", i);
        nw_text_addf(&path, "/v%d", i);
    }
    struct build b;
    build_init(&b, 1);
    build_route(&b, pattern.ptr);
    build_compile(&b, false);
    struct asked asked;
    struct nw_route_found found;
    asked_init(&asked, "GET", "h", path.ptr, "", "");
    nw_route_find(b.table, &asked.ask, &found);
    assert_non_null(found.route);
    assert_int_equal(found.capture_count, NW_HTTP_CAPTURES_MAX);
    assert_true(nw_slice_eq(found.captures[15].value, NW_SLICE("v15")));
    asked_done(&asked);
    build_done(&b);
    nw_text_done(&pattern);
    nw_text_done(&path);
}

/* ---- bounds ---- */

static void a_path_of_thousands_of_segments_meets_no_more_than_the_routes_have(void **state)
{
    struct nw_text path = {0};
    for (int i = 0; i < 4000; i++)
        nw_text_add_str(&path, "/a");
    struct build b;
    build_init(&b, 3);
    build_route(&b, "/a/a/b");
    build_route(&b, "/{x}/{y}/{z}");
    build_route(&b, "/a/{x}/");
    build_compile(&b, false);
    assert_int_equal(ask_path(&b, path.ptr), 2);
    build_done(&b);
    nw_text_done(&path);
}

/* 300 segments: more than the walk keeps on its stack; a {segment} at each depth makes it fork. */
static void routes_deeper_than_the_stack_has_room_for_still_match(void **state)
{
    enum { DEPTH = 300 };
    struct build b;
    build_init(&b, DEPTH);
    for (int one = 0; one < DEPTH; one++) {
        struct nw_text pattern = {0};
        for (int i = 0; i < DEPTH; i++)
            nw_text_add_str(&pattern, i == one ? "/{x}" : i < one ? "/a" : "/b");
        build_route(&b, pattern.ptr);
        nw_text_done(&pattern);
    }
    build_compile(&b, true);
    for (int one = 0; one < DEPTH; one += 23) {
        struct nw_text path = {0};
        for (int i = 0; i < DEPTH; i++)
            nw_text_add_str(&path, i == one ? "/c" : i < one ? "/a" : "/b");
        assert_int_equal(ask_path(&b, path.ptr), one);
        nw_text_done(&path);
    }
    build_done(&b);
}

static void a_regex_that_hits_its_limit_does_not_match(void **state)
{
    struct build b;
    build_init(&b, 2);
    build_route(&b, "~ ^/(a+)+$");
    build_route(&b, "/");
    build_compile(&b, false);
    assert_int_equal(ask_path(&b, "/aaaa"), 0);
    assert_int_equal(ask_path(&b, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 1);
    build_done(&b);
}

static void a_regex_that_is_wrong_is_a_located_mistake(void **state)
{
    struct build b;
    build_init(&b, 1);
    build_route(&b, "~ ^/(a");
    assert_int_equal(nw_route_compile(&b.conf, &b.arena, false, &b.diag, &b.table), NW_INVALID);
    assert_int_equal(b.diag.error_count, 1);
    assert_string_equal(b.diag.items[0].path, "routes[0].path");
    assert_null(b.table);
    build_done(&b);
}

/* ---- what is counted ---- */

static unsigned count_tests(struct build *b, const char *host, const char *path, const char *fields,
                            int *out_taker)
{
    struct asked asked;
    struct nw_route_found found;
    asked_init(&asked, "GET", host, path, "", fields);
    nw_route_find(b->table, &asked.ask, &found);
    *out_taker = found.route != NULL ? (int)found.index : NOBODY;
    asked_done(&asked);
    return found.tested_count;
}

/* 1,000 paths, each with 9 routes that test a header and one that does not. */
static void header_tests_run_only_for_the_candidates_of_that_path(void **state)
{
    struct build b;
    build_init(&b, 10000);
    for (int turn = 0; turn < 10; turn++)
        for (int i = 0; i < 1000; i++) {
            char text[32];
            snprintf(text, sizeof text, "/p%d/{id}", i);
            struct nw_conf_route *route = build_route(&b, text);
            snprintf(text, sizeof text, turn % 2 == 0 ? "%d" : "~ ^%d$", turn);
            if (turn < 9)
                build_match(&b, &route->header, "x-turn", text);
        }
    build_compile(&b, false);
    int taker;
    assert_int_equal(count_tests(&b, "h", "/p7/1", "", &taker), 9);
    assert_int_equal(taker, 9007);
    assert_int_equal(count_tests(&b, "h", "/p7/1", "X-Turn: 0\r\n", &taker), 1);
    assert_int_equal(taker, 7);
    assert_int_equal(count_tests(&b, "h", "/p999/1", "X-Turn: 5\r\n", &taker), 6);
    assert_int_equal(taker, 5999);
    assert_int_equal(count_tests(&b, "h", "/q/1", "X-Turn: 5\r\n", &taker), 0);
    assert_int_equal(taker, NOBODY);
    build_done(&b);
}

static void regexes_run_only_for_their_host_and_only_up_to_the_route_that_wins(void **state)
{
    struct build b;
    build_init(&b, 3000);
    for (int i = 0; i < 1000; i++) {
        char host[32], regex[32];
        snprintf(host, sizeof host, "h%d.example", i);
        for (int k = 0; k < 2; k++) {
            snprintf(regex, sizeof regex, "~ ^/%c[0-9]+$", 'a' + k);
            build_host(&b, build_route(&b, regex), host);
            if (k == 0)
                build_host(&b, build_route(&b, "/fixed"), host);
        }
    }
    build_compile(&b, false);
    int taker;
    assert_int_equal(count_tests(&b, "h500.example", "/a1", "", &taker), 1);
    assert_int_equal(taker, 1500);
    assert_int_equal(count_tests(&b, "h500.example", "/fixed", "", &taker), 1);
    assert_int_equal(taker, 1501);
    assert_int_equal(count_tests(&b, "h500.example", "/b1", "", &taker), 2);
    assert_int_equal(taker, 1502);
    build_done(&b);
}

/* ---- against the plain way ---- */

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
    for (size_t i = 0; i < path->segment_count; i++)
        if (path->segments[i].kind != NW_CONF_SEGMENT_REST)
            nw_text_addf(
                out, "/%.*s",
                path->segments[i].kind == NW_CONF_SEGMENT_ONE ? 2 : (int)path->segments[i].text.len,
                path->segments[i].kind == NW_CONF_SEGMENT_ONE ? "zz" : path->segments[i].text.ptr);
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

/* ---- explain ---- */

#define FILE_HEAD                                                                                  \
    "newel: 1\nlisten: 127.0.0.1:0\nservices:\n  shop: { nodes: [ 127.0.0.1:9 ] }\nroutes:\n"

static const char shop_file[] =
    FILE_HEAD
    "  - { path: /, host: other.example, service: shop }\n"
    "  - { path: /api/, method: [POST], service: shop }\n"
    "  - { path: '/api/{id}', header: { x-beta: '1' }, service: shop }\n"
    "  - { path: '~ ^/old', redirect: 'https://new.example/' }\n"
    "  - { path: '/api/{id}', service: shop }\n"
    "  - { path: '/api/{name}', service: shop }\n"
    "  - { path: /api/v1, service: shop }\n"
    "  - { path: /gone, respond: 410 }\n";

static nw_err build_part(void *self, struct nw_generation *generation, struct nw_diag *diag,
                         void **out_part)
{
    struct nw_route_table *table = NULL;
    NW_TRY(nw_route_compile(generation->conf, &generation->arena, true, diag, &table));
    *out_part = table;
    return NW_OK;
}

static void drop_part(void *self, void *part)
{
    nw_route_table_done(part);
}

static const struct nw_section section = {.name = "routes", .build = build_part, .drop = drop_part};
static const struct nw_sections sections = {&section, 1};

static struct nw_generation *load(const char *text, struct nw_diag *diag)
{
    struct nw_generation *generation = NULL;
    nw_diag_init(diag);
    assert_int_equal(nw_conf_load(nw_slice_str(text), "newel.yaml", NULL, &sections, 1, diag,
                                  &generation),
                     NW_OK);
    return generation;
}

static void assert_explained(const char *file, const char *request, const char *header,
                             const char *wanted)
{
    struct nw_diag diag;
    struct nw_generation *generation = load(file, &diag);
    struct nw_text out = {0};
    struct nw_slice headers[] = {nw_slice_str(header)};
    assert_int_equal(nw_route_explain(nw_generation_part(generation, "routes"),
                                      nw_slice_str(request), headers, header != NULL, &out, &diag),
                     NW_OK);
    assert_string_equal(out.ptr, wanted);
    nw_text_done(&out);
    nw_generation_unref(generation);
    nw_diag_done(&diag);
}

static void warnings_stand_at_the_route_and_name_the_one_before(void **state)
{
    struct nw_diag diag;
    struct nw_generation *generation = load(shop_file, &diag);
    struct nw_text out = {0};
    nw_diag_print(&diag, &out);
    assert_string_equal(
        out.ptr,
        "newel.yaml:11:5: warning: routes[5]: `/api/{name}` is a duplicate: routes[4] /api/{id} "
        "(line 10) takes the same requests and comes first (remove one of them)\n"
        "newel.yaml:12:5: warning: routes[6]: `/api/v1` is unreachable: routes[4] /api/{id} "
        "(line 10) comes first and takes all its requests (move it before that "
        "one)\n");
    nw_text_done(&out);
    nw_generation_unref(generation);
    nw_diag_done(&diag);
}

static void an_explanation_says_why_the_earlier_routes_do_not_fit(void **state)
{
    assert_explained(shop_file, "GET Shop.Example:80/api/./5?b=1", NULL,
                     "routes[0] / (line 6): host does not fit\n"
                     "routes[1] /api/ (line 7): method does not fit\n"
                     "routes[2] /api/{id} (line 8): header x-beta does not fit\n"
                     "routes[3] ~ ^/old (line 9): path does not fit\n"
                     "routes[4] /api/{id} (line 10) takes it -> service shop; id = 5\n");
    assert_explained(shop_file, "GET https://shop.example/api/5", "X-Beta: 1",
                     "routes[0] / (line 6): host does not fit\n"
                     "routes[1] /api/ (line 7): method does not fit\n"
                     "routes[2] /api/{id} (line 8) takes it -> service shop; id = 5\n");
    assert_explained(shop_file, "GET /older", "Host: other.example",
                     "routes[0] / (line 6) takes it -> service shop\n");
}

static void an_explanation_of_no_route_is_the_404_or_the_308(void **state)
{
    static const char rest[] = "routes[2] /api/{id} (line 8): path does not fit\n"
                               "routes[3] ~ ^/old (line 9): path does not fit\n"
                               "routes[4] /api/{id} (line 10): path does not fit\n"
                               "routes[5] /api/{name} (line 11): path does not fit\n"
                               "routes[6] /api/v1 (line 12): path does not fit\n"
                               "routes[7] /gone (line 13): path does not fit\n";
    char wanted[1024];
    snprintf(wanted, sizeof wanted,
             "routes[0] / (line 6): host does not fit\n"
             "routes[1] /api/ (line 7): path does not fit\n%sno route takes it: 404\n",
             rest);
    assert_explained(shop_file, "POST h/none", NULL, wanted);
    snprintf(wanted, sizeof wanted,
             "routes[0] / (line 6): host does not fit\n"
             "routes[1] /api/ (line 7): path does not fit\n%sno route takes it: 308 to /api/, "
             "which routes[1] /api/ (line 7) takes\n",
             rest);
    assert_explained(shop_file, "POST h/api", NULL, wanted);
}

static void long_runs_of_one_reason_are_one_line(void **state)
{
    struct nw_text file = {0};
    nw_text_add_str(&file, FILE_HEAD);
    for (int i = 0; i < 1020; i++)
        nw_text_addf(&file, "  - { host: h%d.example, service: shop }\n", i);
    nw_text_add_str(&file, "  - { path: /b, service: shop }\n  - { path: /a, respond: 204 }\n");
    assert_explained(file.ptr, "GET h.example/a", NULL,
                     "… 1,020 routes whose host does not fit\n"
                     "routes[1020] /b (line 1026): path does not fit\n"
                     "routes[1021] /a (line 1027) takes it -> respond 204\n");
    nw_text_done(&file);
}

static void what_newel_answers_itself_asks_no_route(void **state)
{
    assert_explained(shop_file, "GET h/_newel/ready", NULL,
                     "no route is asked: paths under /_newel/ belong to newel\n");
    assert_explained(shop_file, "TRACE h/", NULL,
                     "no route is asked: newel answers TRACE with 405\n");
}

static void a_malformed_question_is_refused_with_a_sentence(void **state)
{
    static const char *const bad[] = {"",          "GET",       "/a",          "GET  ",
                                      "G@T h/a",   "GET h/a b", "GET h/%zz",   "GET u@h/a",
                                      "GET h/..\\", "GET h/../..", "GET h:x/a"};
    struct nw_diag diag;
    struct nw_generation *generation = load(shop_file, &diag);
    const struct nw_route_table *table = nw_generation_part(generation, "routes");
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        struct nw_diag why;
        struct nw_text out = {0};
        nw_diag_init(&why);
        if (nw_route_explain(table, nw_slice_str(bad[i]), NULL, 0, &out, &why) != NW_INVALID)
            fail_msg("`%s` was not refused", bad[i]);
        assert_int_equal(why.error_count, 1);
        assert_int_equal(out.len, 0);
        nw_diag_done(&why);
        nw_text_done(&out);
    }
    static const char *const bad_headers[] = {"x", "a: b\r\nc: d", "a b: c"};
    for (size_t i = 0; i < NW_COUNT(bad_headers); i++) {
        struct nw_diag why;
        struct nw_text out = {0};
        struct nw_slice header = nw_slice_str(bad_headers[i]);
        nw_diag_init(&why);
        assert_int_equal(nw_route_explain(table, NW_SLICE("GET h/"), &header, 1, &out, &why),
                         NW_INVALID);
        assert_int_equal(why.error_count, 1);
        nw_diag_done(&why);
        nw_text_done(&out);
    }
    nw_generation_unref(generation);
    nw_diag_done(&diag);
}

static void a_label_is_the_name_else_the_path(void **state)
{
    struct nw_conf_route route = {.name = NW_SLICE_LIT("api"), .path.text = NW_SLICE_LIT("/a")};
    assert_true(nw_slice_eq(nw_route_label(&route), NW_SLICE("api")));
    route.name = nw_slice_of(NULL, 0);
    assert_true(nw_slice_eq(nw_route_label(&route), NW_SLICE("/a")));
    route.path.text = nw_slice_of(NULL, 0);
    assert_true(nw_slice_eq(nw_route_label(&route), NW_SLICE("*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_mean_what_the_design_says),
        cmocka_unit_test(a_route_without_a_path_takes_every_path),
        cmocka_unit_test(a_table_without_routes_takes_nothing),
        cmocka_unit_test(hosts_are_exact_or_one_or_more_labels_longer),
        cmocka_unit_test(a_route_without_host_competes_by_its_place_in_the_file),
        cmocka_unit_test(methods_are_compared_by_case_and_may_be_unknown_ones),
        cmocka_unit_test(a_redirect_to_the_slash_needs_a_route_whose_method_and_tests_fit),
        cmocka_unit_test(captures_are_those_of_the_route_that_takes_it),
        cmocka_unit_test(captures_beyond_the_maximum_are_matched_but_not_kept),
        cmocka_unit_test(a_path_of_thousands_of_segments_meets_no_more_than_the_routes_have),
        cmocka_unit_test(routes_deeper_than_the_stack_has_room_for_still_match),
        cmocka_unit_test(a_regex_that_hits_its_limit_does_not_match),
        cmocka_unit_test(a_regex_that_is_wrong_is_a_located_mistake),
        cmocka_unit_test(header_tests_run_only_for_the_candidates_of_that_path),
        cmocka_unit_test(regexes_run_only_for_their_host_and_only_up_to_the_route_that_wins),
        cmocka_unit_test(small_random_tables_agree_with_the_plain_way),
        cmocka_unit_test(wide_random_tables_agree_with_the_plain_way),
        cmocka_unit_test(random_tables_over_the_budget_agree_with_the_plain_way),
        cmocka_unit_test(the_unreachable_are_those_that_comparing_all_pairs_finds),
        cmocka_unit_test(warnings_stand_at_the_route_and_name_the_one_before),
        cmocka_unit_test(an_explanation_says_why_the_earlier_routes_do_not_fit),
        cmocka_unit_test(an_explanation_of_no_route_is_the_404_or_the_308),
        cmocka_unit_test(long_runs_of_one_reason_are_one_line),
        cmocka_unit_test(what_newel_answers_itself_asks_no_route),
        cmocka_unit_test(a_malformed_question_is_refused_with_a_sentence),
        cmocka_unit_test(a_label_is_the_name_else_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
