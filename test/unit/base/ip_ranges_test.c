/* The contract of base/ip_ranges.h; the second opinion is nw_cidr_any, which scans. */
#include "base/ip_ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"

static struct nw_arena arena;

static int set_up(void **state)
{
    nw_arena_init(&arena, NULL, 0, 64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    nw_arena_done(&arena);
    return 0;
}

static struct nw_ip ip(const char *text)
{
    struct nw_ip ip = {0};
    if (nw_ip_parse(nw_slice_str(text), &ip) != NW_OK)
        fail_msg("not an address: %s", text);
    return ip;
}

/* From words that end with NULL. */
static const struct nw_ip_ranges *ranges_of(const char *const *texts)
{
    struct nw_cidr networks[16];
    size_t count = 0;
    for (; texts[count] != NULL; count++)
        if (nw_cidr_parse(nw_slice_str(texts[count]), &networks[count]) != NW_OK)
            fail_msg("not a network: %s", texts[count]);
    return nw_ip_ranges_new(networks, count, &arena);
}

#define RANGES(...) ranges_of((const char *const[]){__VA_ARGS__, NULL})

static bool has(const struct nw_ip_ranges *ranges, const char *address)
{
    struct nw_ip at = ip(address);
    return nw_ip_ranges_have(ranges, &at);
}

static void an_empty_list_has_nobody(void **state)
{
    const struct nw_ip_ranges *ranges = nw_ip_ranges_new(NULL, 0, &arena);
    assert_false(has(ranges, "0.0.0.0"));
    assert_false(has(ranges, "::"));
}

static void both_ends_of_a_network_are_in_it(void **state)
{
    const struct nw_ip_ranges *ranges = RANGES("198.51.100.0/24", "10.0.0.0/8", "2001:db8::/33");
    assert_true(has(ranges, "10.0.0.0") && has(ranges, "10.255.255.255"));
    assert_false(has(ranges, "9.255.255.255") || has(ranges, "11.0.0.0"));
    assert_true(has(ranges, "198.51.100.0") && has(ranges, "198.51.100.255"));
    assert_false(has(ranges, "198.51.99.255") || has(ranges, "198.51.101.0"));
    assert_true(has(ranges, "2001:db8::") && has(ranges, "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
    assert_false(has(ranges, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_false(has(ranges, "2001:db8:8000::"));
}

static void what_overlaps_or_touches_is_one_range(void **state)
{
    const struct nw_ip_ranges *ranges =
        RANGES("10.0.1.0/24", "10.0.0.0/24", "10.0.0.7", "10.0.3.0/24", "2001:db8::/64",
               "2001:db8:0:1::/64", "2001:db8::/32", "2001:db9::/32");
    assert_int_equal(ranges->ip4_count, 2);
    assert_int_equal(ranges->ip6_count, 1);
    assert_true(has(ranges, "10.0.1.255"));
    assert_false(has(ranges, "10.0.2.0"));
    assert_true(has(ranges, "10.0.3.0"));
    assert_true(has(ranges, "2001:db9:ffff::1"));
}

static void a_low_half_that_is_full_carries_into_the_high_one(void **state)
{
    const struct nw_ip_ranges *ranges = RANGES("2001:db8:0:2::/64", "2001:db8:0:1::/64");
    assert_int_equal(ranges->ip6_count, 1);
    ranges = RANGES("2001:db8:0:1::/64", "2001:db8:0:3::/64");
    assert_int_equal(ranges->ip6_count, 2);
}

static void the_whole_of_a_family_is_one_family(void **state)
{
    const struct nw_ip_ranges *all4 = RANGES("0.0.0.0/0", "255.255.255.255");
    const struct nw_ip_ranges *all6 = RANGES("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    assert_true(nw_ip_ranges_have_all(all4, false));
    assert_false(nw_ip_ranges_have_all(all4, true));
    assert_true(nw_ip_ranges_have_all(all6, true));
    assert_false(nw_ip_ranges_have_all(all6, false));
    assert_true(has(all4, "255.255.255.255") && has(all4, "0.0.0.0"));
    assert_false(has(all4, "::1"));
    assert_true(has(all6, "::") && has(all6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_true(nw_ip_ranges_have_all(RANGES("128.0.0.0/1", "0.0.0.0/1"), false));
    assert_true(nw_ip_ranges_have_all(RANGES("8000::/1", "::/1"), true));
    assert_false(nw_ip_ranges_have_all(RANGES("0.0.0.0/1"), false));
}

static void a_mapped_address_is_an_ipv4_address(void **state)
{
    assert_true(has(RANGES("10.0.0.0/8"), "::ffff:10.1.2.3"));
    assert_true(has(RANGES("::ffff:10.0.0.0/104"), "10.1.2.3"));
    assert_false(has(RANGES("::/0"), "::ffff:10.1.2.3"));
}

/* Addresses near the networks' ends, where mistakes would be. */
static void assert_agrees(const struct nw_ip_ranges *ranges, const struct nw_cidr *networks,
                          size_t count, struct nw_rng *rng)
{
    for (unsigned i = 0; i < 2000; i++) {
        const struct nw_cidr *near = &networks[nw_rng_below(rng, count)];
        struct nw_ip at = near->base;
        unsigned bits = at.is_v6 ? 128 : 32;
        unsigned flip = (unsigned)nw_rng_below(rng, bits + 1);
        for (unsigned bit = near->prefix_bits; bit < bits && nw_rng_below(rng, 2) == 0; bit++)
            at.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        if (flip < bits)
            at.bytes[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
        assert_int_equal(nw_ip_ranges_have(ranges, &at), nw_cidr_any(networks, count, &at));
    }
}

static struct nw_cidr any_network(struct nw_rng *rng)
{
    uint8_t bytes[16];
    bool is_v6 = nw_rng_below(rng, 2) == 0;
    unsigned bits = is_v6 ? 128 : 32, prefix = (unsigned)nw_rng_below(rng, bits + 1);
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (uint8_t)nw_rng_below(rng, 256);
    for (unsigned bit = prefix; bit < bits; bit++)
        bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    bytes[0] |= is_v6 && prefix > 0 ? 0x80 : 0; /* no mapped one by chance */
    return (struct nw_cidr){nw_ip_of_bytes(bytes, is_v6 ? 16 : 4), (uint8_t)prefix};
}

static void any_list_agrees_with_a_scan(void **state)
{
    struct nw_rng rng;
    struct nw_cidr networks[64];
    nw_rng_init(&rng, 20260101);
    for (unsigned round = 0; round < 200; round++) {
        size_t count = 1 + nw_rng_below(&rng, NW_COUNT(networks));
        for (size_t i = 0; i < count; i++)
            networks[i] = any_network(&rng);
        assert_agrees(nw_ip_ranges_new(networks, count, &arena), networks, count, &rng);
        nw_arena_reset(&arena);
    }
}

static void the_largest_list_takes_the_memory_that_is_said(void **state)
{
    struct nw_cidr *networks = nw_alloc_array(NW_IP_RANGES_MAX, sizeof *networks);
    for (uint32_t i = 0; i < NW_IP_RANGES_MAX; i++) { /* every other /127: none touch */
        uint32_t number = i * 4;
        uint8_t bytes[16] = {0x20,
                             0x01,
                             0x0d,
                             0xb8,
                             [12] = (uint8_t)(number >> 24),
                             (uint8_t)(number >> 16),
                             (uint8_t)(number >> 8),
                             (uint8_t)number};
        networks[NW_IP_RANGES_MAX - 1 - i] = (struct nw_cidr){nw_ip_of_bytes(bytes, 16), 127};
    }
    const struct nw_ip_ranges *ranges = nw_ip_ranges_new(networks, NW_IP_RANGES_MAX, &arena);
    assert_int_equal(ranges->ip6_count, NW_IP_RANGES_MAX);
    assert_true(arena.used_bytes >= 3200000 && arena.used_bytes < 3300000);
    assert_true(has(ranges, "2001:db8::1") && has(ranges, "2001:db8::5"));
    assert_false(has(ranges, "2001:db8::2") || has(ranges, "2001:db8::6:1a80"));
    nw_free(networks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_has_nobody),
        cmocka_unit_test(both_ends_of_a_network_are_in_it),
        cmocka_unit_test(what_overlaps_or_touches_is_one_range),
        cmocka_unit_test(a_low_half_that_is_full_carries_into_the_high_one),
        cmocka_unit_test(the_whole_of_a_family_is_one_family),
        cmocka_unit_test(a_mapped_address_is_an_ipv4_address),
        cmocka_unit_test(any_list_agrees_with_a_scan),
        cmocka_unit_test(the_largest_list_takes_the_memory_that_is_said),
    };
    return cmocka_run_group_tests_name("base/ip_ranges", tests, set_up, tear_down);
}
