/* The contract of conf/value.h. */
#include "conf/value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"

static struct nw_arena arena;
static struct nw_conf_why why;

static int open_arena(void **state)
{
    nw_arena_init(&arena, NULL, 0, 1 << 24);
    return 0;
}

static int close_arena(void **state)
{
    nw_arena_done(&arena);
    return 0;
}

struct expected {
    const char *text;
    int64_t value; /* -1: refused */
};

typedef nw_err parser(struct nw_slice text, int64_t *out, struct nw_conf_why *why);

static void assert_each(parser *parse, const struct expected *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = -7;
        nw_err err = parse(nw_slice_str(rows[i].text), &value, &why);
        if (err != (rows[i].value == -1 ? NW_INVALID : NW_OK))
            fail_msg("\"%s\": %s", rows[i].text, nw_err_name(err));
        if (rows[i].value == -1)
            assert_non_null(why.sentence);
        else
            assert_int_equal(value, rows[i].value);
    }
}

static void a_duration_needs_a_unit(void **state)
{
    const struct expected rows[] = {
        {"500ms", 500}, {"2s", 2000},      {"5m", 300000}, {"1h", 3600000}, {"7d", 604800000},
        {"0", 0},       {"0s", 0},         {"60", -1},     {"", -1},        {"s", -1},
        {"-1s", -1},    {"1.5s", -1},      {"1 s", -1},    {"1S", -1},      {"1w", -1},
        {"1ms ", -1},   {"106751991168d", -1}};
    assert_each(nw_conf_value_duration, rows, NW_COUNT(rows));
}

static void a_size_knows_both_kinds_of_units(void **state)
{
    const struct expected rows[] = {{"0", 0},        {"100", 100},     {"64K", 65536},
                                    {"1M", 1048576}, {"1G", 1 << 30},  {"1T", 1ll << 40},
                                    {"1KB", 1000},   {"1MB", 1000000}, {"2GB", 2000000000},
                                    {"1k", -1},      {"1B", -1},       {"K", -1},
                                    {"9999999T", -1}, {"1KiB", -1}};
    assert_each(nw_conf_value_size, rows, NW_COUNT(rows));
}

static void a_count_is_decimal(void **state)
{
    const struct expected rows[] = {{"0", 0},   {"10K", 10000}, {"1M", 1000000}, {"1G", 1000000000},
                                    {"1T", -1}, {"-1", -1},     {"1KB", -1},
                                    {"99999999999999999999", -1}};
    assert_each(nw_conf_value_count, rows, NW_COUNT(rows));
    const struct expected ints[] = {{"7", 7}, {"-7", -7}, {"+7", -1}, {"7.0", -1}, {"", -1}};
    assert_each(nw_conf_value_int, ints, NW_COUNT(ints));
    const struct expected byte_rates[] = {{"1K/s", 1024}, {"0", 0},     {"1KB/s", 1000},
                                          {"1K", -1},     {"1K/m", -1}, {"/s", -1}};
    assert_each(nw_conf_value_byte_rate, byte_rates, NW_COUNT(byte_rates));
}

static void a_rate_is_a_count_for_a_time(void **state)
{
    double rate;
    assert_int_equal(nw_conf_value_rate(NW_SLICE("6K/m"), &rate, &why), NW_OK);
    assert_true(rate == 100);
    assert_int_equal(nw_conf_value_rate(NW_SLICE("43200/d"), &rate, &why), NW_OK);
    assert_true(rate == .5);
    const char *wrong[] = {"100", "/s", "100/", "100/w", "x/s", "1/s/s", "", "1/month"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_conf_value_rate(nw_slice_str(wrong[i]), &rate, &why), NW_INVALID);
}

static void shares_percentages_and_money(void **state)
{
    struct nw_conf_share share;
    double number;
    assert_int_equal(nw_conf_value_percent(NW_SLICE("12.5%"), &number, &why), NW_OK);
    assert_true(number == 0.125);
    assert_int_equal(nw_conf_value_percent(NW_SLICE("101%"), &number, &why), NW_INVALID);
    assert_int_equal(nw_conf_value_percent(NW_SLICE("5"), &number, &why), NW_INVALID);
    assert_int_equal(nw_conf_value_money(NW_SLICE("0.50/h"), &number, &why), NW_OK);
    assert_true(number == 0.5);
    assert_int_equal(nw_conf_value_money(NW_SLICE("1460/month"), &number, &why), NW_OK);
    assert_true(number == 2);
    assert_int_equal(nw_conf_value_money(NW_SLICE("1"), &number, &why), NW_INVALID);
    assert_int_equal(nw_conf_value_number(NW_SLICE("1.5"), &number, &why), NW_OK);
    assert_true(number == 1.5);
    const char *wrong[] = {"", ".5", "1.", "1e3", "-1", "1.2.3", "0x1", "nan"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_conf_value_number(nw_slice_str(wrong[i]), &number, &why), NW_INVALID);
    assert_int_equal(nw_conf_value_share(NW_SLICE("1/8"), true, &share, &why), NW_OK);
    assert_true(share.ratio == 0.125);
    assert_int_equal(nw_conf_value_share(NW_SLICE("1M"), true, &share, &why), NW_OK);
    assert_true(share.ratio == 0 && share.value == 1048576);
    assert_int_equal(nw_conf_value_share(NW_SLICE("1M"), false, &share, &why), NW_OK);
    assert_int_equal(share.value, 1000000);
    const char *no_share[] = {"0", "0%", "3/2", "1/0", "x"};
    for (size_t i = 0; i < NW_COUNT(no_share); i++)
        assert_int_equal(nw_conf_value_share(nw_slice_str(no_share[i]), true, &share, &why),
                         NW_INVALID);
}

static void only_true_and_false_are_booleans(void **state)
{
    bool value;
    assert_int_equal(nw_conf_value_bool(NW_SLICE("true"), &value, &why), NW_OK);
    assert_true(value);
    assert_int_equal(nw_conf_value_bool(NW_SLICE("false"), &value, &why), NW_OK);
    assert_false(value);
    const char *wrong[] = {"True", "1", "yes", ""};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_conf_value_bool(nw_slice_str(wrong[i]), &value, &why), NW_INVALID);
}

static void assert_address(const char *text, nw_conf_address_kind kind, const char *canonical,
                           const char *host, int port)
{
    struct nw_conf_address address;
    assert_int_equal(nw_conf_value_address(nw_slice_str(text), true, &arena, &address, &why),
                     NW_OK);
    assert_int_equal(address.kind, kind);
    assert_string_equal(address.text.ptr, canonical);
    assert_string_equal(kind == NW_CONF_ADDRESS_UNIX ? address.path.ptr : address.host.ptr, host);
    assert_int_equal(address.port, port);
}

static void an_address_becomes_canonical(void **state)
{
    assert_address("10.0.0.1:80", NW_CONF_ADDRESS_IPV4, "10.0.0.1:80", "10.0.0.1", 80);
    assert_address("LocalHost:0080", NW_CONF_ADDRESS_NAME, "localhost:80", "localhost", 80);
    assert_address("[0:0::1]:8080", NW_CONF_ADDRESS_IPV6, "[::1]:8080", "::1", 8080);
    assert_address("unix:/run/a.sock", NW_CONF_ADDRESS_UNIX, "unix:/run/a.sock", "/run/a.sock", 0);
    assert_address("127.0.0.1:0", NW_CONF_ADDRESS_IPV4, "127.0.0.1:0", "127.0.0.1", 0);
}

static void a_wrong_address_comes_with_a_better_one(void **state)
{
    struct nw_conf_address address;
    const struct {
        const char *text;
        const char *hint; /* part of it */
    } rows[] = {{":8080", "0.0.0.0:8080"},  {"*:8080", "127.0.0.1:8080"},
                {"::1", "[::1]:8080"},      {"localhost", "localhost:8080"},
                {"/run/x.sock", "unix:/run/x.sock"}, {"http://a:1", "did you mean a:1"},
                {"https://a/b", "did you mean a:443"}, {"3000", "did you mean 127.0.0.1:3000"},
                {"none", "leave the option out"},
                {"a:0", NULL},              {"a:65536", NULL},
                {"a:", NULL},               {"1.2.3:4", NULL},
                {"1.2.3.400:1", NULL},      {"[::1]", NULL},
                {"[::1]x", NULL},           {"[::1", "[::1]:8080"},
                {"a b:1", NULL},            {"-a:1", NULL},
                {"unix:", NULL},            {"", NULL},
                {"a:1:2", NULL},            {"user@host:1", NULL}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        why.hint = NULL;
        if (nw_conf_value_address(nw_slice_str(rows[i].text), false, &arena, &address, &why) !=
            NW_INVALID)
            fail_msg("\"%s\" was accepted", rows[i].text);
        if (rows[i].hint != NULL && (why.hint == NULL || !strstr(why.hint, rows[i].hint)))
            fail_msg("\"%s\": hint %s", rows[i].text, why.hint);
    }
}

static void a_network_has_no_bits_beyond_its_prefix(void **state)
{
    struct nw_cidr cidr;
    assert_int_equal(nw_conf_value_cidr(NW_SLICE("10.0.0.0/8"), &arena, &cidr, &why), NW_OK);
    assert_int_equal(cidr.prefix_bits, 8);
    assert_int_equal(nw_conf_value_cidr(NW_SLICE("2001:db8::/32"), &arena, &cidr, &why), NW_OK);
    assert_true(cidr.base.is_v6);
    assert_int_equal(nw_conf_value_cidr(NW_SLICE("192.0.2.7"), &arena, &cidr, &why), NW_OK);
    assert_int_equal(cidr.prefix_bits, 32);
    assert_int_equal(nw_conf_value_cidr(NW_SLICE("10.1.0.0/8"), &arena, &cidr, &why), NW_INVALID);
    assert_non_null(strstr(why.hint, "10.0.0.0/8"));
    const char *wrong[] = {"", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_conf_value_cidr(nw_slice_str(wrong[i]), &arena, &cidr, &why),
                         NW_INVALID);
}

/* Segments as "L:a O:id R:rest", with "+" when it is a prefix. */
static void assert_path(const char *text, const char *expected)
{
    struct nw_conf_path path;
    struct nw_text shown = {0};
    nw_err err = nw_conf_value_path(nw_slice_str(text), &arena, &path, &why);
    if (err != NW_OK)
        fail_msg("%s: %s", text, why.sentence);
    nw_text_add_str(&shown, "");
    for (size_t i = 0; i < path.segment_count; i++)
        nw_text_addf(&shown, "%c:%.*s ", "LOR"[path.segments[i].kind],
                     NW_SLICE_ARG(path.segments[i].text));
    nw_text_add_str(&shown, path.is_prefix ? "+" : "");
    assert_string_equal(shown.ptr, expected);
    nw_text_done(&shown);
}

static void a_path_pattern_is_taken_apart(void **state)
{
    assert_path("/", "+");
    assert_path("/a", "L:a ");
    assert_path("/a/", "L:a +");
    assert_path("/a//b", "L:a L: L:b ");
    assert_path("//", "L: +");
    assert_path("/u/{id}/x", "L:u O:id L:x ");
    assert_path("/u/{id}/", "L:u O:id +");
    assert_path("/f/{rest...}", "L:f R:rest ");
    assert_path("/%7euser/caf\xc3\xa9/a%2fb", "L:~user L:caf%C3%A9 L:a%2Fb ");
    struct nw_conf_path path;
    assert_int_equal(nw_conf_value_path(NW_SLICE("~ ^/x[0-9]+$"), &arena, &path, &why), NW_OK);
    assert_int_equal(path.kind, NW_CONF_PATH_REGEX);
    assert_string_equal(path.text.ptr, "^/x[0-9]+$");
}

static void a_path_that_no_request_has_is_refused(void **state)
{
    struct nw_conf_path path;
    const char *wrong[] = {"",        "a",        "/a?b",       "/a#b",        "/%",
                           "/%zz",    "/%00",     "/%5c",       "/a\\b",       "/a/../b",
                           "/.",      "/%2e%2e/", "/x{id}",     "/{id",        "/{}",
                           "/{1a}",   "/{a...}/b", "/{a...}/",  "/{a}/{a}",    "~",
                           "~  ",     "/a\tb",    "/{a-b}"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        if (nw_conf_value_path(nw_slice_str(wrong[i]), &arena, &path, &why) != NW_INVALID)
            fail_msg("\"%s\" was accepted", wrong[i]);
}

static void a_url_names_scheme_and_host(void **state)
{
    const char *right[] = {"https://a.example", "http://a:80/x?y#z", "https://[::1]:8080/",
                           "https://10.0.0.1?x"};
    for (size_t i = 0; i < NW_COUNT(right); i++)
        assert_int_equal(nw_conf_value_url(nw_slice_str(right[i]), false, &why), NW_OK);
    const char *wrong[] = {"",           "a.example",       "ftp://a",     "https://",
                           "https:///x", "https://u:p@a/",  "https://a b", "https://a:0",
                           "/x",         "https://a:70000", "https://[::1"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_conf_value_url(nw_slice_str(wrong[i]), false, &why), NW_INVALID);
    assert_int_equal(nw_conf_value_url(NW_SLICE("/x"), true, &why), NW_OK);
    assert_int_equal(nw_conf_value_url(NW_SLICE("//evil.example"), true, &why), NW_INVALID);
}

static const char *fake_env(void *arg, const char *name)
{
    return strcmp(name, "PORT") == 0 ? "8080" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static nw_err fake_secret(void *arg, const char *path, struct nw_secret **out)
{
    if (strcmp(path, "missing") == 0)
        return NW_NOT_FOUND;
    *out = nw_secret_new(strcmp(path, "empty") == 0 ? NW_SLICE("")
                         : strcmp(path, "two") == 0 ? NW_SLICE("s3cret\n\n")
                                                    : NW_SLICE("s3cret\r\n"));
    return NW_OK;
}

static const struct nw_conf_outside outside = {.env = fake_env, .read_secret = fake_secret};

static void variables_are_expanded_once(void **state)
{
    struct nw_slice out;
    const char *rows[][2] = {{"a:${PORT}", "a:8080"}, {"${PORT}${PORT}", "80808080"},
                             {"$PORT", "$PORT"},      {"$${PORT}", "${PORT}"},
                             {"${EMPTY}", ""},        {"plain", "plain"}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        assert_int_equal(
            nw_conf_value_expand(nw_slice_str(rows[i][0]), &outside, &arena, &out, &why), NW_OK);
        assert_true(nw_slice_eq(out, nw_slice_str(rows[i][1])));
    }
    const char *wrong[] = {"${NONE}", "${", "${}", "${a b}", "${1}"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(
            nw_conf_value_expand(nw_slice_str(wrong[i]), &outside, &arena, &out, &why), NW_INVALID);
}

static void a_secret_comes_from_its_file_without_the_newline(void **state)
{
    const char *right[][2] = {{"file:one", "s3cret"}, {"file:two", "s3cret\n"}, {"plain", "plain"}};
    const char *wrong[][2] = {
        {"file:missing", "missing"}, {"file:empty", "empty"}, {"file:", "path"}};
    struct nw_secret *secret = NULL;
    for (size_t i = 0; i < NW_COUNT(right); i++) {
        assert_int_equal(
            nw_conf_value_secret(nw_slice_str(right[i][0]), &outside, &arena, &secret, &why),
            NW_OK);
        assert_true(nw_secret_equals(secret, nw_slice_str(right[i][1])));
        nw_secret_free(NW_TAKE(secret));
    }
    for (size_t i = 0; i < NW_COUNT(wrong); i++) {
        assert_int_equal(
            nw_conf_value_secret(nw_slice_str(wrong[i][0]), &outside, &arena, &secret, &why),
            NW_INVALID);
        assert_non_null(strstr(why.sentence, wrong[i][1]));
    }
    assert_null(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_needs_a_unit),
        cmocka_unit_test(a_size_knows_both_kinds_of_units),
        cmocka_unit_test(a_count_is_decimal),
        cmocka_unit_test(a_rate_is_a_count_for_a_time),
        cmocka_unit_test(shares_percentages_and_money),
        cmocka_unit_test(only_true_and_false_are_booleans),
        cmocka_unit_test(an_address_becomes_canonical),
        cmocka_unit_test(a_wrong_address_comes_with_a_better_one),
        cmocka_unit_test(a_network_has_no_bits_beyond_its_prefix),
        cmocka_unit_test(a_path_pattern_is_taken_apart),
        cmocka_unit_test(a_path_that_no_request_has_is_refused),
        cmocka_unit_test(a_url_names_scheme_and_host),
        cmocka_unit_test(variables_are_expanded_once),
        cmocka_unit_test(a_secret_comes_from_its_file_without_the_newline),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
