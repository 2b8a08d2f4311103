/* Lists of networks in a configuration: written out, in files, in groups; conf/networks.h. */
#include "conf/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "conf/generation.h"

struct loaded {
    struct nw_diag diag;
    struct nw_generation *generation;
    const struct nw_conf *conf;
    nw_err err;
};

static const char *list_text; /* what stands in list.txt */

static nw_err fake_file(void *arg, const char *path, struct nw_text *out)
{
    if (strcmp(path, "list.txt") != 0)
        return NW_NOT_FOUND;
    nw_text_add_str(out, list_text);
    return NW_OK;
}

static void load(struct loaded *l, const char *text)
{
    static const struct nw_conf_outside outside = {.read_file = fake_file};
    *l = (struct loaded){0};
    nw_diag_init(&l->diag);
    l->err =
        nw_conf_load(nw_slice_str(text), "newel.yaml", &outside, NULL, 1, &l->diag, &l->generation);
    l->conf = l->generation != NULL ? l->generation->conf : NULL;
}

static void load_right(struct loaded *l, const char *text)
{
    load(l, text);
    if (l->err != NW_OK)
        fail_msg("%s:%d: %s", l->diag.items[0].file, l->diag.items[0].line,
                 l->diag.items[0].sentence);
}

static void done(struct loaded *l)
{
    nw_generation_unref(l->generation);
    nw_diag_done(&l->diag);
}

static bool has(const struct nw_conf_networks *networks, const char *address)
{
    struct nw_ip ip;
    if (nw_ip_parse(nw_slice_str(address), &ip) != NW_OK)
        fail_msg("not an address: %s", address);
    return networks->ranges != NULL && nw_ip_ranges_have(networks->ranges, &ip);
}

#define HEAD "newel: 1\nlisten: 127.0.0.1:0\n"
#define ANSWER "respond: 204"

static void networks_and_files_may_stand_in_one_list(void **state)
{
    struct loaded l;
    list_text = "# offices\n192.0.2.0/25\r\n\n  2001:db8::/32\t# v6\n198.51.100.7";
    load_right(&l, "newel: 1\n"
                   "listen: { address: \"127.0.0.1:0\", allow: [10.0.0.0/8, \"file:list.txt\"],\n"
                   "          deny: 10.1.0.0/16, proxy_protocol: \"file:list.txt\" }\n"
                   "routes: { " ANSWER " }\n");
    const struct nw_conf_listen *listen = &l.conf->listen.items[0];
    assert_int_equal(listen->allow.count, 4);
    assert_true(has(&listen->allow, "10.1.2.3") && has(&listen->allow, "192.0.2.127"));
    assert_true(has(&listen->allow, "2001:db8::1") && has(&listen->allow, "198.51.100.7"));
    assert_false(has(&listen->allow, "192.0.2.128") || has(&listen->allow, "198.51.100.8"));
    assert_true(has(&listen->deny, "::ffff:10.1.2.3"));
    assert_int_equal(listen->proxy_protocol.count, 3);
    done(&l);
}

static void what_is_not_given_has_no_ranges(void **state)
{
    struct loaded l;
    load_right(&l, HEAD "routes: { " ANSWER " }\n");
    assert_null(l.conf->listen.items[0].allow.ranges);
    assert_null(l.conf->listen.items[0].deny.ranges);
    assert_null(l.conf->listen.items[0].proxy_protocol.ranges);
    assert_int_equal(l.conf->listen.items[0].redirect, NW_CONF_LISTEN_REDIRECT_OFF);
    assert_false(l.conf->routes.items[0].is_guarded);
    assert_null(l.conf->trusted_proxies.ranges);
    done(&l);
}

static void a_mistake_in_a_file_is_told_where_it_stands(void **state)
{
    struct loaded l;
    list_text = "10.0.0.0/8\n\n  192.0.2.1/24 # one too many\nexample.org\n";
    load(&l, HEAD "routes: { deny: [ \"file:list.txt\" ], " ANSWER " }\n");
    assert_int_equal(l.err, NW_INVALID);
    assert_int_equal(l.diag.error_count, 2);
    assert_string_equal(l.diag.items[0].file, "list.txt");
    assert_int_equal(l.diag.items[0].line, 3);
    assert_int_equal(l.diag.items[0].column, 3);
    assert_non_null(strstr(l.diag.items[0].suggestion, "192.0.2.0/24"));
    assert_int_equal(l.diag.items[1].line, 4);
    assert_non_null(strstr(l.diag.items[1].sentence, "network such as"));
    done(&l);
}

static void many_mistakes_in_a_file_are_counted(void **state)
{
    struct loaded l;
    struct nw_text lines = {0};
    for (unsigned i = 0; i < 600; i++)
        nw_text_add_str(&lines, "nonsense\n");
    list_text = lines.ptr;
    load(&l, HEAD "routes: { deny: \"file:list.txt\", " ANSWER " }\n");
    assert_int_equal(l.diag.error_count, 501);
    assert_non_null(strstr(l.diag.items[500].sentence, "100 more"));
    nw_text_done(&lines);
    done(&l);
}

static void a_file_that_cannot_be_read_is_told_at_the_option(void **state)
{
    struct loaded l;
    load(&l, HEAD "routes: { deny: [ \"file:other.txt\" ], " ANSWER " }\n");
    assert_int_equal(l.diag.error_count, 1);
    assert_string_equal(l.diag.items[0].file, "newel.yaml");
    assert_int_equal(l.diag.items[0].line, 3);
    assert_int_equal(l.diag.items[0].column, 19);
    assert_non_null(strstr(l.diag.items[0].sentence, "other.txt cannot be read: there is no such"));
    done(&l);
}

static void a_list_has_at_most_100000_networks(void **state)
{
    struct loaded l;
    struct nw_text lines = {0};
    for (unsigned i = 0; i < NW_IP_RANGES_MAX; i++)
        nw_text_addf(&lines, "10.%u.%u.%u\n", i >> 16, i >> 8 & 255, i & 255);
    list_text = lines.ptr;
    load_right(&l, HEAD "routes: { deny: \"file:list.txt\", " ANSWER " }\n");
    assert_int_equal(l.conf->routes.items[0].deny.count, NW_IP_RANGES_MAX);
    assert_true(has(&l.conf->routes.items[0].deny, "10.1.134.159"));
    assert_false(has(&l.conf->routes.items[0].deny, "10.1.134.160"));
    done(&l);
    load(&l, HEAD "routes: { deny: [ 192.0.2.1, \"file:list.txt\" ], " ANSWER " }\n");
    assert_int_equal(l.diag.error_count, 1);
    assert_non_null(strstr(l.diag.items[0].sentence, "at most 100000"));
    assert_string_equal(l.diag.items[0].file, "newel.yaml");
    done(&l);
    nw_text_add_str(&lines, "192.0.2.1\n192.0.2.2\n");
    list_text = lines.ptr;
    load(&l, HEAD "routes: { deny: \"file:list.txt\", " ANSWER " }\n");
    assert_int_equal(l.diag.error_count, 1);
    assert_int_equal(l.diag.items[0].line, 100001);
    nw_text_done(&lines);
    done(&l);
}

static void a_group_hands_down_its_lists_and_off_undoes_them(void **state)
{
    struct loaded l;
    load_right(&l, HEAD "routes:\n"
                        "  - path: /in/\n"
                        "    allow: 10.0.0.0/8\n"
                        "    deny: 10.1.0.0/16\n"
                        "    routes:\n"
                        "      - { path: /in/a, " ANSWER " }\n"
                        "      - { path: /in/b, deny: 10.2.0.0/16, " ANSWER " }\n"
                        "      - { path: /in/c, allow: off, " ANSWER " }\n"
                        "      - { path: /in/d, allow: off, deny: [off], " ANSWER " }\n"
                        "  - { path: /out, " ANSWER " }\n");
    const struct nw_conf_route *routes = l.conf->routes.items;
    assert_true(has(&routes[0].allow, "10.1.0.1") && has(&routes[0].deny, "10.1.0.1"));
    assert_ptr_equal(routes[0].allow.ranges, routes[1].allow.ranges);
    assert_true(has(&routes[1].deny, "10.2.0.1") && !has(&routes[1].deny, "10.1.0.1"));
    assert_null(routes[2].allow.ranges);
    assert_true(has(&routes[2].deny, "10.1.0.1") && routes[2].is_guarded);
    assert_false(routes[3].is_guarded);
    assert_false(routes[4].is_guarded);
    done(&l);
}

#define LISTEN(options) "newel: 1\nlisten: { address: \"127.0.0.1:0\", " options " }\n"
#define SOCKET(options) "newel: 1\nlisten: { address: unix:/run/n.sock, " options " }\n"
#define END "routes: { " ANSWER " }\n"

static void what_cannot_be_meant_is_one_mistake(void **state)
{
    static const struct {
        const char *text;
        const char *path;
        const char *words;
    } rows[] = {
        {LISTEN("allow: []") END, "listen[0].allow", "nobody"},
        {LISTEN("allow: 10.0.0.1/8") END, "listen[0].allow", "beyond the prefix"},
        {LISTEN("allow: [off, 10.0.0.0/8]") END, "listen[0].allow", "stands alone"},
        {LISTEN("allow: {}") END, "listen[0].allow", "not a mapping"},
        {LISTEN("deny: [\"file:\"]") END, "listen[0].deny", "path is missing"},
        {LISTEN("redirect: https, tls: { certificate: a, key: b }") END, "listen[0].redirect",
         "back to where it is"},
        {LISTEN("redirect: http") END, "listen[0].redirect", "off or https"},
        {SOCKET("proxy_protocol: 10.0.0.0/8") END, "listen[0].proxy_protocol", "Unix socket"},
        {HEAD "routes: { allow: [], " ANSWER " }\n", "routes[0].allow", "nobody"},
        {HEAD "routes: { allow: [], routes: { path: /, " ANSWER " } }\n", "routes[0].allow",
         "nobody"},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct loaded l;
        load(&l, rows[i].text);
        if (l.diag.count != 1)
            fail_msg("%s: %zu findings", rows[i].text, l.diag.count);
        assert_false(l.diag.items[0].is_warning);
        assert_string_equal(l.diag.items[0].path, rows[i].path);
        assert_non_null(strstr(l.diag.items[0].sentence, rows[i].words));
        done(&l);
    }
}

static void what_is_dangerous_or_idle_is_a_warning(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {LISTEN("proxy_protocol: [0.0.0.0/0]") END, "believed"},
        {LISTEN("proxy_protocol: [\"8000::/1\", \"::/1\"]") END, "believed"},
        {SOCKET("deny: 10.0.0.0/8") END, "no effect"},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct loaded l;
        load_right(&l, rows[i].text);
        assert_int_equal(l.diag.count, 1);
        assert_true(l.diag.items[0].is_warning);
        assert_non_null(strstr(l.diag.items[0].sentence, rows[i].words));
        done(&l);
    }
}

static void an_empty_list_denies_nobody(void **state)
{
    struct loaded l;
    list_text = "# nobody yet\n";
    load_right(&l, LISTEN("deny: \"file:list.txt\"") END);
    assert_int_equal(l.conf->listen.items[0].deny.count, 0);
    assert_false(has(&l.conf->listen.items[0].deny, "10.0.0.1"));
    done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_and_files_may_stand_in_one_list),
        cmocka_unit_test(what_is_not_given_has_no_ranges),
        cmocka_unit_test(a_mistake_in_a_file_is_told_where_it_stands),
        cmocka_unit_test(many_mistakes_in_a_file_are_counted),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told_at_the_option),
        cmocka_unit_test(a_list_has_at_most_100000_networks),
        cmocka_unit_test(a_group_hands_down_its_lists_and_off_undoes_them),
        cmocka_unit_test(what_cannot_be_meant_is_one_mistake),
        cmocka_unit_test(what_is_dangerous_or_idle_is_a_warning),
        cmocka_unit_test(an_empty_list_denies_nobody),
    };
    return cmocka_run_group_tests_name("conf/networks", tests, NULL, NULL);
}
