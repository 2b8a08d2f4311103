/* The contract of proto/target.h. What it refuses stands in http1_strict_test.c. */
#include "proto/target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char scratch[1024];

static struct nw_target parse(nw_http_method method, const char *target, const char *host)
{
    struct nw_target out;
    nw_http1_class found = NW_HTTP1_FINE;
    nw_err err =
        nw_target_parse(method, nw_slice_str(target), nw_slice_str(host), scratch, &out, &found);
    if (err != NW_OK)
        fail_msg("%s: %s", target, nw_http1_class_name(found));
    return out;
}

static void assert_text(struct nw_slice found, const char *expected)
{
    if (!nw_slice_eq(found, nw_slice_str(expected)))
        fail_msg("'%.*s' instead of '%s'", NW_SLICE_ARG(found), expected);
}

static void a_path_has_one_normal_form(void **state)
{
    static const char *const rows[][2] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a/./b", "/a/b"},
        {"/a/.", "/a/"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/b/../c", "/a/c"},
        {"/a/b/..", "/a/"},
        {"/./", "/"},
        {"/.", "/"},
        {"//a", "//a"},
        {"//", "//"},
        {"/a//../b", "/a/b"},
        {"/a//", "/a//"},
        {"//..", "/"},
        {"/...", "/..."},
        {"/.a/..b/c.", "/.a/..b/c."},
        {"/%61%2D%2e%5F%7e", "/a-._~"},
        {"/a/%2e%2E/b", "/b"},
        {"/a/.%2e", "/"},
        {"/a%2fb", "/a%2Fb"},
        {"/a%2F..", "/a%2F.."},
        {"/a%2F/..", "/"},
        {"/%25", "/%25"},
        {"/%2565", "/%2565"},
        {"/%c3%A9", "/%C3%A9"},
        {"/a;v=1/b", "/a;v=1/b"},
        {"/[a]|^{b}", "/[a]|^{b}"},
        {"/%3F%23", "/%3F%23"},
        {"/%0a", "/%0A"},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_target target = parse(NW_HTTP_GET, rows[i][0], "a");
        assert_text(target.path, rows[i][1]);
        assert_text(target.raw, rows[i][0]);
        assert_int_equal(target.is_path_changed, strcmp(rows[i][0], rows[i][1]) != 0);
    }
}

static void a_normal_path_is_not_copied(void **state)
{
    static const char *const rows[] = {"/a/b.html", "/a%2Fb", "/.well-known/x", "//a"};
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        assert_ptr_equal(parse(NW_HTTP_GET, rows[i], "a").path.ptr, rows[i]);
}

static void a_query_passes_byte_for_byte(void **state)
{
    struct nw_target target = parse(NW_HTTP_GET, "/a/../b?q=100%&f[a]=\\\"../%2e?x", "a");
    assert_text(target.path, "/b");
    assert_text(target.query, "q=100%&f[a]=\\\"../%2e?x");
    assert_text(target.raw, "/a/../b?q=100%&f[a]=\\\"../%2e?x");
    assert_true(parse(NW_HTTP_GET, "/a?", "a").has_query);
    assert_false(parse(NW_HTTP_GET, "/a", "a").has_query);
}

static void an_absolute_target_replaces_host(void **state)
{
    struct nw_target target = parse(NW_HTTP_GET, "HTTP://Shop.Example:8080/a?b", "other");
    assert_int_equal(target.form, NW_TARGET_ABSOLUTE);
    assert_text(target.authority, "shop.example:8080");
    assert_text(target.host, "shop.example");
    assert_int_equal(target.port, 8080);
    assert_text(target.path, "/a");
    assert_text(target.query, "b");
    target = parse(NW_HTTP_GET, "https://a", "other");
    assert_text(target.host, "a");
    assert_text(target.path, "/");
    assert_text(target.raw, "/");
    target = parse(NW_HTTP_GET, "http://A?x=1", "other");
    assert_text(target.authority, "a");
    assert_text(target.path, "/");
    assert_text(target.query, "x=1");
    assert_text(target.raw, "/?x=1");
    assert_text(parse(NW_HTTP_GET, "/http://a", "other").host, "other");
}

static void options_asks_about_the_server_as_a_whole(void **state)
{
    assert_int_equal(parse(NW_HTTP_OPTIONS, "*", "a").form, NW_TARGET_ASTERISK);
    assert_text(parse(NW_HTTP_OPTIONS, "*", "a").path, "*");
    struct nw_target target = parse(NW_HTTP_OPTIONS, "http://b", "a");
    assert_int_equal(target.form, NW_TARGET_ASTERISK);
    assert_text(target.host, "b");
}

static void connect_names_an_authority(void **state)
{
    struct nw_target target = parse(NW_HTTP_CONNECT, "A:443", "b");
    assert_int_equal(target.form, NW_TARGET_AUTHORITY);
    assert_text(target.host, "a");
    assert_int_equal(target.port, 443);
    assert_int_equal(target.path.len, 0);
}

static void a_host_has_one_normal_form(void **state)
{
    static const struct {
        const char *sent, *authority, *host;
        int port;
    } rows[] = {
        {"Shop.Example", "shop.example", "shop.example", -1},
        {"shop.example.", "shop.example.", "shop.example", -1},
        {"shop.example.:80", "shop.example.:80", "shop.example", 80},
        {"10.0.0.1:8080", "10.0.0.1:8080", "10.0.0.1", 8080},
        {"[2001:DB8::1]:443", "[2001:db8::1]:443", "[2001:db8::1]", 443},
        {"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", -1},
        {"my_host-1:65535", "my_host-1:65535", "my_host-1", 65535},
        {"", "", "", -1},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_target target = parse(NW_HTTP_GET, "/", rows[i].sent);
        assert_text(target.authority, rows[i].authority);
        assert_text(target.host, rows[i].host);
        assert_int_equal(target.port, rows[i].port);
    }
}

static void what_is_no_authority_is_refused(void **state)
{
    static const struct {
        const char *text;
        nw_http1_class found;
    } rows[] = {
        {"", NW_HTTP1_EMPTY_HOST},
        {":80", NW_HTTP1_EMPTY_HOST},
        {".", NW_HTTP1_INVALID_HOST},
        {"a..b", NW_HTTP1_INVALID_HOST},
        {".a", NW_HTTP1_INVALID_HOST},
        {"a b", NW_HTTP1_INVALID_HOST},
        {"a:", NW_HTTP1_INVALID_HOST},
        {"a:0", NW_HTTP1_INVALID_HOST},
        {"a:080000", NW_HTTP1_INVALID_HOST},
        {"a:8x", NW_HTTP1_INVALID_HOST},
        {"a:80:80", NW_HTTP1_INVALID_HOST},
        {"::1", NW_HTTP1_EMPTY_HOST},
        {"[]", NW_HTTP1_INVALID_HOST},
        {"[::1]x", NW_HTTP1_INVALID_HOST},
        {"[::1%25lo]", NW_HTTP1_INVALID_HOST},
        {"[1.2.3.4]", NW_HTTP1_INVALID_HOST},
        {"[v1.a]", NW_HTTP1_INVALID_HOST},
        {"a%41", NW_HTTP1_INVALID_HOST},
        {"b\xc3\xbc", NW_HTTP1_INVALID_HOST},
        {"u@a", NW_HTTP1_USERINFO},
        {"u:p@a:80", NW_HTTP1_USERINFO},
        {"a\\b", NW_HTTP1_INVALID_HOST},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_authority authority;
        nw_http1_class found = NW_HTTP1_FINE;
        assert_int_equal(nw_authority_parse(nw_slice_str(rows[i].text), &authority, &found),
                         NW_INVALID);
        if (found != rows[i].found)
            fail_msg("%s: %s", rows[i].text, nw_http1_class_name(found));
    }
    char name[257];
    struct nw_authority authority;
    nw_http1_class found;
    memset(name, 'a', sizeof name);
    assert_int_equal(nw_authority_parse(nw_slice_of(name, 255), &authority, &found), NW_OK);
    assert_int_equal(nw_authority_parse(nw_slice_of(name, 256), &authority, &found), NW_INVALID);
}

static void a_path_of_a_configuration_is_judged_alike(void **state)
{
    struct nw_slice out;
    nw_http1_class found;
    assert_int_equal(nw_path_normalise(NW_SLICE("/a/./%62"), scratch, &out, &found), NW_OK);
    assert_text(out, "/a/b");
    static const struct {
        const char *text;
        nw_http1_class found;
    } rows[] = {{"", NW_HTTP1_INVALID_TARGET},
                {"a", NW_HTTP1_INVALID_TARGET},
                {"/a?b", NW_HTTP1_INVALID_PATH_BYTE},
                {"/a b", NW_HTTP1_INVALID_PATH_BYTE},
                {"/%", NW_HTTP1_INVALID_PERCENT}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        assert_int_equal(nw_path_normalise(nw_slice_str(rows[i].text), scratch, &out, &found),
                         NW_BAD_REQUEST);
        assert_int_equal(found, rows[i].found);
    }
}

static void a_parameter_is_found_by_its_decoded_name(void **state)
{
    struct nw_slice query = NW_SLICE("a=1&&b&a=2&c%20d=x+y&=z&e==="), value;
    assert_true(nw_query_find(query, NW_SLICE("a"), &value) && nw_slice_eq(value, NW_SLICE("1")));
    assert_true(nw_query_find(query, NW_SLICE("b"), &value) && value.len == 0);
    assert_true(nw_query_find(query, NW_SLICE("c d"), &value) &&
                nw_query_eq(value, NW_SLICE("x y")));
    assert_true(nw_query_find(query, NW_SLICE("e"), &value) && nw_slice_eq(value, NW_SLICE("==")));
    assert_false(nw_query_find(query, NW_SLICE("c%20d"), &value));
    assert_false(nw_query_find(query, NW_SLICE("f"), &value));
    assert_false(nw_query_find(nw_slice_of(NULL, 0), NW_SLICE("a"), &value));
    assert_true(nw_query_eq(NW_SLICE("100%"), NW_SLICE("100%")));
    assert_true(nw_query_eq(NW_SLICE("%4"), NW_SLICE("%4")));
    assert_false(nw_query_eq(NW_SLICE("ab"), NW_SLICE("a")));
    assert_false(nw_query_eq(NW_SLICE("a"), NW_SLICE("ab")));
}

static void a_cookie_is_found_by_its_exact_name(void **state)
{
    struct nw_slice field = NW_SLICE("id=\"7\"; Id=8;theme = dark ; flag; x=a=b"), value;
    assert_true(nw_cookie_find(field, NW_SLICE("id"), &value) && nw_slice_eq(value, NW_SLICE("7")));
    assert_true(nw_cookie_find(field, NW_SLICE("Id"), &value) && nw_slice_eq(value, NW_SLICE("8")));
    assert_true(nw_cookie_find(field, NW_SLICE("theme"), &value) &&
                nw_slice_eq(value, NW_SLICE("dark")));
    assert_true(nw_cookie_find(field, NW_SLICE("flag"), &value) && value.len == 0);
    assert_true(nw_cookie_find(field, NW_SLICE("x"), &value) &&
                nw_slice_eq(value, NW_SLICE("a=b")));
    assert_false(nw_cookie_find(field, NW_SLICE("i"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_one_normal_form),
        cmocka_unit_test(a_normal_path_is_not_copied),
        cmocka_unit_test(a_query_passes_byte_for_byte),
        cmocka_unit_test(an_absolute_target_replaces_host),
        cmocka_unit_test(options_asks_about_the_server_as_a_whole),
        cmocka_unit_test(connect_names_an_authority),
        cmocka_unit_test(a_host_has_one_normal_form),
        cmocka_unit_test(what_is_no_authority_is_refused),
        cmocka_unit_test(a_path_of_a_configuration_is_judged_alike),
        cmocka_unit_test(a_parameter_is_found_by_its_decoded_name),
        cmocka_unit_test(a_cookie_is_found_by_its_exact_name),
    };
    return cmocka_run_group_tests_name("proto/target", tests, NULL, NULL);
}
