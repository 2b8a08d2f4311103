/* The contract of gate/route.h: what a table means, what it costs in tests, how it explains. */
#include "gate/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

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
    assert_string_equal(out.ptr,
                        "newel.yaml:11:5: warning: routes[5]: `/api/{name}` is a duplicate: "
                        "routes[4] /api/{id} (line 10) takes the same requests and comes first "
                        "(remove one of them)\n"
                        "newel.yaml:12:5: warning: routes[6]: `/api/v1` is unreachable: "
                        "routes[4] /api/{id} (line 10) comes first and takes all its requests "
                        "(move it before that one)\n");
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
