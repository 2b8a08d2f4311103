/* The contract of io/addr.h. */
#include "io/addr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct nw_addr parsed(const char *text)
{
    struct nw_addr addr = {0};
    assert_int_equal(nw_addr_parse(nw_slice_str(text), &addr), NW_OK);
    return addr;
}

static void a_literal_survives_parse_and_print(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:443", "[::]:1",
        "[2001:db8::ff00:42:8329]:8080", "unix:/run/shop.sock",
    };
    for (size_t i = 0; i < NW_COUNT(texts); i++) {
        struct nw_addr addr = parsed(texts[i]);
        char out[NW_ADDR_TEXT_MAX_BYTES];
        assert_string_equal(nw_addr_print(&addr, out), texts[i]);
    }
}

static void the_fields_say_what_the_text_said(void **state)
{
    struct nw_addr addr = parsed("10.1.2.3:8080");
    assert_int_equal(addr.kind, NW_ADDR_IP4);
    assert_int_equal(addr.port, 8080);
    assert_memory_equal(addr.ip4, "\x0a\x01\x02\x03", 4);
    addr = parsed("unix:/tmp/x");
    assert_int_equal(addr.kind, NW_ADDR_UNIX);
    assert_int_equal(addr.port, 0);
    assert_string_equal(addr.path, "/tmp/x");
}

static void a_name_is_left_to_the_resolver(void **state)
{
    static const char *const names[] = {"localhost:80", "shop.example.org:3000", "a_b-c:1",
                                        "1.2.3.4.example:80"};
    for (size_t i = 0; i < NW_COUNT(names); i++) {
        struct nw_addr addr;
        assert_int_equal(nw_addr_parse(nw_slice_str(names[i]), &addr), NW_NO_SUCH_NAME);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = {
        "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.1:000080", "256.0.0.1:80", "1.2.3:80",
        "010.0.0.1:80", "::1:80", "[::1]", "[::1]80", "[]:80", "[::1%lo]:80", "[127.0.0.1]:80",
        "a b:80", "a..b:80", "-a:80", "http://a:80", "unix:", "unix:relative", "unix:/",
    };
    for (size_t i = 0; i < NW_COUNT(texts); i++) {
        struct nw_addr addr;
        if (nw_addr_parse(nw_slice_str(texts[i]), &addr) != NW_INVALID)
            fail_msg("accepted: %s", texts[i]);
    }
    struct nw_addr addr;
    assert_int_equal(nw_addr_parse(nw_slice_of("unix:/a\0b", 9), &addr), NW_INVALID);
    assert_int_equal(nw_addr_parse(nw_slice_of("1.2.3.4\0:80", 11), &addr), NW_INVALID);
}

static void a_unix_path_fills_the_field_and_no_more(void **state)
{
    char text[5 + NW_ADDR_UNIX_MAX_BYTES] = "unix:/";
    memset(text + 6, 'x', sizeof text - 6);
    struct nw_addr addr;
    assert_int_equal(nw_addr_parse(nw_slice_of(text, 5 + NW_ADDR_UNIX_MAX_BYTES), &addr),
                     NW_INVALID);
    assert_int_equal(nw_addr_parse(nw_slice_of(text, 5 + NW_ADDR_UNIX_MAX_BYTES - 1), &addr),
                     NW_OK);
    char out[NW_ADDR_TEXT_MAX_BYTES];
    assert_int_equal(strlen(nw_addr_print(&addr, out)), 5 + NW_ADDR_UNIX_MAX_BYTES - 1);
}

static void split_takes_any_host_and_demands_a_port(void **state)
{
    struct nw_slice host;
    uint16_t port;
    assert_int_equal(nw_addr_split(NW_SLICE("shop:3000"), &host, &port), NW_OK);
    assert_true(nw_slice_eq(host, NW_SLICE("shop")));
    assert_int_equal(port, 3000);
    assert_int_equal(nw_addr_split(NW_SLICE("[fe80::1]:5"), &host, &port), NW_OK);
    assert_true(nw_slice_eq(host, NW_SLICE("fe80::1")));
    assert_int_equal(nw_addr_split(NW_SLICE("shop:0"), &host, &port), NW_INVALID);
    assert_int_equal(nw_addr_split(NW_SLICE("shop"), &host, &port), NW_INVALID);
    assert_int_equal(nw_addr_split(NW_SLICE("shop:x"), &host, &port), NW_INVALID);
}

static void equality_looks_at_kind_host_and_port(void **state)
{
    struct nw_addr a = parsed("127.0.0.1:80"), b = parsed("127.0.0.1:80");
    assert_true(nw_addr_eq(&a, &b));
    b = parsed("127.0.0.1:81");
    assert_false(nw_addr_eq(&a, &b));
    b = parsed("127.0.0.2:80");
    assert_false(nw_addr_eq(&a, &b));
    b = parsed("[::1]:80");
    assert_false(nw_addr_eq(&a, &b));
    a = parsed("unix:/a");
    b = parsed("unix:/ab");
    assert_false(nw_addr_eq(&a, &b));
}

static void loopback_is_this_machine(void **state)
{
    static const char *const inside[] = {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "unix:/a",
                                         "[::ffff:127.0.0.1]:1"};
    static const char *const outside[] = {"128.0.0.1:1", "0.0.0.0:1", "[::2]:1", "[::]:1",
                                          "[::ffff:10.0.0.1]:1"};
    for (size_t i = 0; i < NW_COUNT(inside); i++) {
        struct nw_addr addr = parsed(inside[i]);
        assert_true(nw_addr_is_loopback(&addr));
    }
    for (size_t i = 0; i < NW_COUNT(outside); i++) {
        struct nw_addr addr = parsed(outside[i]);
        assert_false(nw_addr_is_loopback(&addr));
    }
}

static void the_host_alone_has_no_port(void **state)
{
    char out[NW_ADDR_TEXT_MAX_BYTES];
    struct nw_addr addr = parsed("10.0.0.1:80");
    assert_string_equal(nw_addr_print_host(&addr, out), "10.0.0.1");
    addr = parsed("[::1]:80");
    assert_string_equal(nw_addr_print_host(&addr, out), "::1");
    addr = parsed("unix:/a");
    assert_string_equal(nw_addr_print_host(&addr, out), "unix");
}

/* A generator of its own: any fixed sequence does. */
static uint32_t next(uint32_t *seed)
{
    return *seed = *seed * 1664525 + 1013904223;
}

static void addresses_read_as_the_c_library_writes_them(void **state)
{
    char ours[NW_ADDR_TEXT_MAX_BYTES], theirs[NW_ADDR_TEXT_MAX_BYTES];
    uint32_t seed = 1;
    for (int n = 0; n < 20000; n++) {
        struct nw_addr addr = {.kind = NW_ADDR_IP6};
        uint32_t zeros = next(&seed) >> 16, mapped = next(&seed) >> 30;
        for (int i = 0; i < 16; i++) /* groups of zeros, and groups with leading zeros */
            if ((zeros >> (i / 2) & 1) != 0 && ((zeros >> 8 >> (i / 2) & 1) == 0 || i % 2 == 1))
                addr.ip6[i] = (uint8_t)(next(&seed) >> 24);
        if (mapped == 0) {
            memset(addr.ip6, 0, 10);
            memset(addr.ip6 + 10, zeros & 1 ? 0xff : 0, 2);
        }
        assert_non_null(inet_ntop(AF_INET6, addr.ip6, theirs, sizeof theirs));
        assert_int_equal(nw_addr_host_text(&addr, ours), strlen(theirs));
        assert_string_equal(ours, theirs);
        addr.kind = NW_ADDR_IP4;
        assert_non_null(inet_ntop(AF_INET, addr.ip4, theirs, sizeof theirs));
        assert_string_equal(nw_addr_print_host(&addr, ours), theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_survives_parse_and_print),
        cmocka_unit_test(the_fields_say_what_the_text_said),
        cmocka_unit_test(a_name_is_left_to_the_resolver),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_unix_path_fills_the_field_and_no_more),
        cmocka_unit_test(split_takes_any_host_and_demands_a_port),
        cmocka_unit_test(equality_looks_at_kind_host_and_port),
        cmocka_unit_test(loopback_is_this_machine),
        cmocka_unit_test(the_host_alone_has_no_port),
        cmocka_unit_test(addresses_read_as_the_c_library_writes_them),
    };
    return cmocka_run_group_tests_name("io/addr", tests, NULL, NULL);
}
