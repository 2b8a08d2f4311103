/* What gate/route.h tells people: unreachable routes, why a route was chosen, labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "conf/generation.h"
#include "gate/route.h"

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
