/* The contract of gate/address.h for listeners; routes: test/scenario/50_address_test.py. */
#include "gate/address.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct nw_arena arena;

static int set_up(void **state)
{
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    nw_arena_done(&arena);
    return 0;
}

static struct nw_conf_networks networks(const char *text)
{
    struct nw_cidr one;
    assert_int_equal(nw_cidr_parse(nw_slice_str(text), &one), NW_OK);
    return (struct nw_conf_networks){nw_ip_ranges_new(&one, 1, &arena), 1};
}

static struct gate_peer peer(const char *text)
{
    struct nw_ip ip;
    struct gate_peer peer = {0};
    assert_int_equal(nw_ip_parse(nw_slice_str(text), &ip), NW_OK);
    peer.kind = ip.is_v6 ? NW_ADDR_IP6 : NW_ADDR_IP4;
    memcpy(peer.ip, ip.bytes, sizeof peer.ip);
    return peer;
}

static bool may(const struct nw_conf_listen *listen, const char *text)
{
    struct gate_peer who = peer(text);
    return gate_address_may_connect(listen, &who);
}

static void a_list_that_is_not_given_excludes_nobody(void **state)
{
    struct nw_conf_listen listen = {0};
    assert_true(may(&listen, "192.0.2.1") && may(&listen, "2001:db8::1"));
    assert_true(may(NULL, "192.0.2.1"));
}

static void allow_lets_in_those_it_names_and_nobody_else(void **state)
{
    struct nw_conf_listen listen = {.allow = networks("192.0.2.0/24")};
    assert_true(may(&listen, "192.0.2.1"));
    assert_false(may(&listen, "192.0.3.1"));
    assert_false(may(&listen, "2001:db8::1"));
}

static void deny_wins(void **state)
{
    struct nw_conf_listen listen = {.allow = networks("192.0.2.0/24"),
                                    .deny = networks("192.0.2.9")};
    assert_true(may(&listen, "192.0.2.8"));
    assert_false(may(&listen, "192.0.2.9"));
    listen.allow = (struct nw_conf_networks){0};
    assert_true(may(&listen, "203.0.113.1"));
    assert_false(may(&listen, "192.0.2.9"));
}

/* A listener on [::] shows IPv4 clients as ::ffff:a.b.c.d. */
static void a_mapped_address_is_an_ipv4_address(void **state)
{
    struct nw_conf_listen listen = {.deny = networks("192.0.2.0/24"),
                                    .proxy_protocol = networks("10.0.0.0/8")};
    struct gate_peer mapped = {.kind = NW_ADDR_IP6, .ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}};
    assert_false(gate_address_may_connect(&listen, &mapped));
    mapped.ip[12] = 10;
    assert_true(gate_address_may_connect(&listen, &mapped));
    assert_true(gate_address_is_proxy(&listen, &mapped));
}

static void who_comes_through_a_unix_socket_passes(void **state)
{
    struct nw_conf_listen listen = {.allow = networks("192.0.2.1"),
                                    .proxy_protocol = networks("0.0.0.0/0")};
    struct gate_peer who = {.kind = NW_ADDR_UNIX};
    assert_true(gate_address_may_connect(&listen, &who));
    assert_false(gate_address_is_proxy(&listen, &who));
}

static void only_named_sources_are_proxies(void **state)
{
    struct nw_conf_listen listen = {.proxy_protocol = networks("10.0.0.0/28")};
    struct gate_peer in = peer("10.0.0.15"), out = peer("10.0.0.16");
    assert_true(gate_address_is_proxy(&listen, &in));
    assert_false(gate_address_is_proxy(&listen, &out));
    assert_false(gate_address_is_proxy(NULL, &in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_is_not_given_excludes_nobody),
        cmocka_unit_test(allow_lets_in_those_it_names_and_nobody_else),
        cmocka_unit_test(deny_wins),
        cmocka_unit_test(a_mapped_address_is_an_ipv4_address),
        cmocka_unit_test(who_comes_through_a_unix_socket_passes),
        cmocka_unit_test(only_named_sources_are_proxies),
    };
    return cmocka_run_group_tests_name("gate/address", tests, set_up, tear_down);
}
