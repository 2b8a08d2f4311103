/* The contract of base/cidr.h. */
#include "base/cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct nw_ip ip(const char *text)
{
    struct nw_ip ip = {0};
    if (nw_ip_parse(nw_slice_str(text), &ip) != NW_OK)
        fail_msg("not an address: %s", text);
    return ip;
}

static bool contains(const char *network, const char *address)
{
    struct nw_cidr cidr;
    struct nw_ip at = ip(address);
    if (nw_cidr_parse(nw_slice_str(network), &cidr) != NW_OK)
        fail_msg("not a network: %s", network);
    return nw_cidr_contains(&cidr, &at);
}

static void a_network_contains_its_addresses_and_no_others(void **state)
{
    assert_true(contains("10.0.0.0/8", "10.255.255.255"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.0.2.128/25", "192.0.2.200"));
    assert_false(contains("192.0.2.128/25", "192.0.2.127"));
    assert_true(contains("0.0.0.0/0", "203.0.113.9"));
    assert_true(contains("192.0.2.1", "192.0.2.1"));
    assert_false(contains("192.0.2.1/32", "192.0.2.0"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("::1", "::1"));
}

/* Every prefix length against plain arithmetic. */
static void every_prefix_cuts_where_arithmetic_says(void **state)
{
    for (unsigned bits = 0; bits <= 32; bits++) {
        uint32_t address = 0xc0a8d5a7, mask = bits != 0 ? ~0u << (32 - bits) : 0;
        uint32_t base = address & mask;
        char text[32];
        struct nw_cidr cidr;
        snprintf(text, sizeof text, "%u.%u.%u.%u/%u", base >> 24, base >> 16 & 255, base >> 8 & 255,
                 base & 255, bits);
        assert_int_equal(nw_cidr_parse(nw_slice_str(text), &cidr), NW_OK);
        for (unsigned flip = 0; flip < 32; flip++) {
            uint32_t other = address ^ (1u << flip);
            uint8_t bytes[4] = {(uint8_t)(other >> 24), (uint8_t)(other >> 16),
                                (uint8_t)(other >> 8), (uint8_t)other};
            struct nw_ip at = nw_ip_of_bytes(bytes, 4);
            assert_int_equal(nw_cidr_contains(&cidr, &at), (other & mask) == base);
        }
    }
}

static void a_mapped_address_is_an_ipv4_address(void **state)
{
    struct nw_ip plain = ip("10.1.2.3"), mapped = ip("::ffff:10.1.2.3");
    char text[NW_IP_TEXT_BYTES];
    assert_true(nw_ip_eq(&plain, &mapped));
    assert_string_equal(nw_ip_text(&mapped, text), "10.1.2.3");
    assert_true(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_false(contains("::ffff:10.0.0.0/104", "11.1.2.3"));
    assert_false(contains("::/0", "::ffff:10.1.2.3"));
    assert_false(contains("::ffff:0:0/96", "::1"));
}

static void what_is_not_exactly_an_address_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "10", "10.0.0", "10.0.0.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", " 10.0.0.1",
        "0x0a.0.0.1", "[::1]", "::1%lo", "1::2::3", "12345::", ":::", "10.0.0.1:80", "localhost",
        "2001:db8:0:0:0:0:0:0:1", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
    };
    struct nw_ip out;
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_ip_parse(nw_slice_str(wrong[i]), &out), NW_INVALID);
    assert_int_equal(nw_ip_parse(nw_slice_of("1.2.3.4\0x", 9), &out), NW_INVALID);
}

static void what_is_not_exactly_a_network_is_refused(void **state)
{
    static const char *const wrong[] = {
        "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.1/8",
        "/8", "::/129", "2001:db8::1/64", "::ffff:0:0/95", "10.0.0.0/ 8",
    };
    struct nw_cidr out;
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_cidr_parse(nw_slice_str(wrong[i]), &out), NW_INVALID);
}

static void a_client_is_an_ipv4_address_or_a_64(void **state)
{
    struct nw_ip a = ip("2001:db8:1:2::1"), b = ip("2001:db8:1:2:ffff::9");
    struct nw_ip c = ip("2001:db8:1:3::1"), v4 = ip("192.0.2.7");
    struct nw_ip client_a = nw_ip_client(&a), client_b = nw_ip_client(&b);
    struct nw_ip client_c = nw_ip_client(&c), client_v4 = nw_ip_client(&v4);
    assert_true(nw_ip_eq(&client_a, &client_b));
    assert_false(nw_ip_eq(&client_a, &client_c));
    assert_true(nw_ip_eq(&client_v4, &v4));
}

static void loopback_is_recognised(void **state)
{
    static const char *const yes[] = {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"};
    static const char *const no[] = {"128.0.0.1", "::2", "::"};
    for (size_t i = 0; i < NW_COUNT(yes); i++) {
        struct nw_ip at = ip(yes[i]);
        assert_true(nw_ip_is_loopback(&at));
    }
    for (size_t i = 0; i < NW_COUNT(no); i++) {
        struct nw_ip at = ip(no[i]);
        assert_false(nw_ip_is_loopback(&at));
    }
}

static void a_list_matches_when_one_of_it_does(void **state)
{
    struct nw_cidr list[2];
    struct nw_ip inside = ip("2001:db8::5"), outside = ip("192.0.2.1");
    assert_int_equal(nw_cidr_parse(NW_SLICE("10.0.0.0/8"), &list[0]), NW_OK);
    assert_int_equal(nw_cidr_parse(NW_SLICE("2001:db8::/32"), &list[1]), NW_OK);
    assert_true(nw_cidr_any(list, 2, &inside));
    assert_false(nw_cidr_any(list, 2, &outside));
    assert_false(nw_cidr_any(NULL, 0, &outside));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_contains_its_addresses_and_no_others),
        cmocka_unit_test(every_prefix_cuts_where_arithmetic_says),
        cmocka_unit_test(a_mapped_address_is_an_ipv4_address),
        cmocka_unit_test(what_is_not_exactly_an_address_is_refused),
        cmocka_unit_test(what_is_not_exactly_a_network_is_refused),
        cmocka_unit_test(a_client_is_an_ipv4_address_or_a_64),
        cmocka_unit_test(loopback_is_recognised),
        cmocka_unit_test(a_list_matches_when_one_of_it_does),
    };
    return cmocka_run_group_tests_name("base/cidr", tests, NULL, NULL);
}
