/*
 * The contract of proto/proxy_protocol.h. Texts and bytes are those of haproxy's specification
 * (doc/proxy-protocol.txt, sections 2.1 and 2.2) or follow from its rules; the checksums were made
 * by another implementation of CRC32c (RFC 4960 appendix B).
 */
#include "proto/proxy_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal) nw_slice_of(literal, sizeof(literal) - 1)
/* 192.0.2.1:56324 to 198.51.100.2:443 */
#define TCP4_ADDRESSES "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"

/* The verdict on the bytes; the same when they come one by one, from memory of just that length. */
static nw_err judge(struct nw_slice bytes, struct nw_proxy_header *out, nw_proxy_fault *out_fault)
{
    nw_err whole = nw_proxy_header_read(bytes, out, out_fault);
    for (size_t len = 0; len <= bytes.len; len++) {
        struct nw_proxy_header header = {0};
        nw_proxy_fault fault = NW_PROXY_FINE;
        char *copy = malloc(len + 1);
        memcpy(copy, bytes.ptr, len);
        nw_err err = nw_proxy_header_read(nw_slice_of(copy, len), &header, &fault);
        free(copy);
        if (err == NW_AGAIN && len < bytes.len)
            continue;
        assert_int_equal(err, whole);
        if (whole == NW_OK) {
            assert_memory_equal(&header, out, sizeof header);
            assert_int_equal(header.header_bytes, len); /* done with its last byte, not before */
        } else if (whole != NW_AGAIN) {
            assert_int_equal(fault, *out_fault);
        }
        break;
    }
    return whole;
}

static struct nw_proxy_header read_well(struct nw_slice bytes)
{
    struct nw_proxy_header header;
    nw_proxy_fault fault = NW_PROXY_FINE;
    nw_err err = judge(bytes, &header, &fault);
    if (err != NW_OK)
        fail_msg("refused: %s", nw_proxy_fault_name(fault));
    return header;
}

static void assert_refused(struct nw_slice bytes, nw_proxy_fault expected)
{
    struct nw_proxy_header header;
    nw_proxy_fault fault = NW_PROXY_FINE;
    assert_int_equal(judge(bytes, &header, &fault), NW_BAD_MESSAGE);
    assert_string_equal(nw_proxy_fault_name(fault), nw_proxy_fault_name(expected));
}

static void assert_more(struct nw_slice bytes)
{
    struct nw_proxy_header header;
    nw_proxy_fault fault;
    assert_int_equal(judge(bytes, &header, &fault), NW_AGAIN);
}

static void assert_told(const struct nw_proxy_header *header, const char *source, unsigned port,
                        const char *destination, unsigned destination_port)
{
    char text[NW_IP_TEXT_BYTES];
    assert_true(header->has_source);
    assert_string_equal(nw_ip_text(&header->source, text), source);
    assert_string_equal(nw_ip_text(&header->destination, text), destination);
    assert_int_equal(header->source_port, port);
    assert_int_equal(header->destination_port, destination_port);
}

/* ---- version 1 ---- */

static void the_line_of_the_specification_tells_its_addresses(void **state)
{
    struct nw_proxy_header header =
        read_well(BYTES("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n"));
    assert_told(&header, "192.168.0.1", 56324, "192.168.0.11", 443);
    assert_int_equal(header.version, 1);
    assert_int_equal(header.header_bytes, 47); /* GET is what follows */
}

static void the_longest_lines_fit(void **state)
{
    struct nw_proxy_header header =
        read_well(BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"));
    assert_int_equal(header.header_bytes, 56);
    header = read_well(BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"));
    assert_int_equal(header.header_bytes, 104);
    assert_int_equal(header.source_port, 65535);
    header = read_well(BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"));
    assert_int_equal(header.header_bytes, 107);
}

static void the_shortest_lines_are_whole(void **state)
{
    struct nw_proxy_header header = read_well(BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"));
    assert_told(&header, "0.0.0.0", 0, "0.0.0.0", 0);
    header = read_well(BYTES("PROXY TCP6 :: ::1 0 1\r\n"));
    assert_told(&header, "::", 0, "::1", 1);
}

static void ipv6_may_be_upper_case_and_mapped(void **state)
{
    struct nw_proxy_header header =
        read_well(BYTES("PROXY TCP6 2001:DB8::A ::ffff:192.0.2.9 1 2\r\n"));
    assert_told(&header, "2001:db8::a", 1, "192.0.2.9", 2);
    assert_false(header.destination.is_v6);
}

static void unknown_keeps_the_socket_whatever_follows(void **state)
{
    static const char *const lines[] = {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n",
                                        "PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n",
                                        "PROXY UNKNOWN \x01\xff  anything\r\n"};
    for (size_t i = 0; i < NW_COUNT(lines); i++) {
        struct nw_proxy_header header = read_well(nw_slice_str(lines[i]));
        assert_false(header.has_source);
        assert_int_equal(header.header_bytes, strlen(lines[i]));
    }
}

static void a_line_that_is_not_whole_asks_for_more(void **state)
{
    assert_more(BYTES(""));
    assert_more(BYTES("P"));
    assert_more(BYTES("PROXY TCP4 192.0.2.1"));
    assert_more(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r"));
    assert_more(BYTES("PROXY nonsense")); /* decoded once its end is there */
}

static void a_line_ends_with_cr_lf_together(void **state)
{
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nGET / HTTP/1.1\r\n"),
                   NW_PROXY_LINE_END);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rGET / HTTP/1.1\r\n"),
                   NW_PROXY_LINE_END);
    assert_refused(BYTES("PROXY UNKNOWN a\nb\r\n"), NW_PROXY_LINE_END);
    assert_refused(BYTES("PROXY UNKNOWN a\rb\r\n"), NW_PROXY_LINE_END);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n"), NW_PROXY_LINE_END);
}

static void a_line_beyond_107_bytes_is_too_long(void **state)
{
    char line[256];
    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + 105, "\r\n", 2);
    struct nw_proxy_header header = read_well(nw_slice_of(line, 107));
    assert_int_equal(header.header_bytes, 107);
    memcpy(line + 105, "x\r\n", 3); /* one byte more */
    assert_more(nw_slice_of(line, 106));
    assert_refused(nw_slice_of(line, 107), NW_PROXY_LINE_TOO_LONG);
    assert_refused(nw_slice_of(line, 108), NW_PROXY_LINE_TOO_LONG);
    memset(line + 105, 'x', 3);
    assert_refused(nw_slice_of(line, 107), NW_PROXY_LINE_TOO_LONG);
    assert_true(nw_proxy_fault_is_oversized(NW_PROXY_LINE_TOO_LONG));
}

static void other_protocols_are_refused_with_their_first_wrong_byte(void **state)
{
    assert_refused(BYTES("G"), NW_PROXY_SIGNATURE);
    assert_refused(BYTES("\x16\x03\x01"), NW_PROXY_SIGNATURE);
    assert_refused(BYTES("PRI"), NW_PROXY_SIGNATURE); /* HTTP/2's preface */
    assert_refused(BYTES("proxy TCP4"), NW_PROXY_SIGNATURE);
    assert_refused(BYTES(" PROXY"), NW_PROXY_SIGNATURE);
    assert_refused(BYTES("PROXYTCP4"), NW_PROXY_SIGNATURE);
    assert_refused(BYTES("\r\nGET"), NW_PROXY_SIGNATURE);
    assert_refused(BYTES("\r\n\r\n\r\n"), NW_PROXY_SIGNATURE);
}

static void only_three_protocols_exist(void **state)
{
    assert_refused(BYTES("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_PROTOCOL);
    assert_refused(BYTES("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_PROTOCOL);
    assert_refused(BYTES("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_PROTOCOL);
    assert_refused(BYTES("PROXY UNKNOWNS\r\n"), NW_PROXY_PROTOCOL);
    assert_refused(BYTES("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_PROTOCOL);
    assert_refused(BYTES("PROXY \r\n"), NW_PROXY_PROTOCOL);
}

static void there_are_exactly_four_fields_one_space_apart(void **state)
{
    assert_refused(BYTES("PROXY TCP4\r\n"), NW_PROXY_FIELDS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), NW_PROXY_FIELDS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), NW_PROXY_FIELDS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), NW_PROXY_FIELDS);
    assert_refused(BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_FIELDS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n"), NW_PROXY_FIELDS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"), NW_PROXY_FIELDS);
}

static void an_address_is_of_the_family_that_the_line_names(void **state)
{
    assert_refused(BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP6 ::1 192.0.2.2 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP6 1::2::3 ::1 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP6 ::1%lo ::1 1 2\r\n"), NW_PROXY_ADDRESS);
    assert_refused(BYTES("PROXY TCP4 localhost 192.0.2.2 1 2\r\n"), NW_PROXY_ADDRESS);
}

static void a_port_is_a_plain_number_up_to_65535(void **state)
{
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), NW_PROXY_PORT);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"), NW_PROXY_PORT);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"), NW_PROXY_PORT);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"), NW_PROXY_PORT);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n"), NW_PROXY_PORT);
    assert_refused(BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 0x2\r\n"), NW_PROXY_PORT);
}

/* ---- version 2 ---- */

static void the_binary_header_tells_ipv4_addresses(void **state)
{
    struct nw_proxy_header header =
        read_well(BYTES(SIGNATURE "\x21\x11\x00\x0c" TCP4_ADDRESSES "GET /"));
    assert_told(&header, "192.0.2.1", 56324, "198.51.100.2", 443);
    assert_int_equal(header.version, 2);
    assert_int_equal(header.header_bytes, 28);
}

static void the_binary_header_tells_ipv6_addresses(void **state)
{
    struct nw_proxy_header header =
        read_well(BYTES(SIGNATURE "\x21\x21\x00\x24"
                                  "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                                  "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xcb\x00\x71\x07"
                                  "\xff\xff\x00\x50"));
    assert_told(&header, "2001:db8::1", 65535, "203.0.113.7", 80);
    assert_false(header.destination.is_v6);
    assert_int_equal(header.header_bytes, 52);
}

static void local_keeps_the_socket_and_discards_the_block(void **state)
{
    assert_false(read_well(BYTES(SIGNATURE "\x20\x00\x00\x00")).has_source);
    assert_false(read_well(BYTES(SIGNATURE "\x20\x11\x00\x0c" TCP4_ADDRESSES)).has_source);
    /* The family and whatever the block holds are ignored; its length is not. */
    struct nw_proxy_header header = read_well(BYTES(SIGNATURE "\x20\xff\x00\x05\x03\xff\xff\x01\x02"
                                                              "GET"));
    assert_false(header.has_source);
    assert_int_equal(header.header_bytes, 21);
    assert_more(BYTES(SIGNATURE "\x20\xff\x00\x05\x03\xff\xff\x01"));
}

static void what_tells_no_tcp_address_keeps_the_socket(void **state)
{
    assert_false(read_well(BYTES(SIGNATURE "\x21\x00\x00\x00")).has_source);
    assert_false(read_well(BYTES(SIGNATURE "\x21\x12\x00\x0c" TCP4_ADDRESSES)).has_source);
    char unix_header[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/app.sock";
    assert_false(read_well(nw_slice_of(unix_header, sizeof unix_header)).has_source);
    unix_header[13] = 0x32;
    assert_false(read_well(nw_slice_of(unix_header, sizeof unix_header)).has_source);
}

static void only_version_two_is_binary(void **state)
{
    assert_refused(BYTES(SIGNATURE "\x11"), NW_PROXY_VERSION);
    assert_refused(BYTES(SIGNATURE "\x31\x11\x00\x0c" TCP4_ADDRESSES), NW_PROXY_VERSION);
    assert_refused(BYTES(SIGNATURE "\x01"), NW_PROXY_VERSION);
}

static void only_two_commands_exist(void **state)
{
    assert_refused(BYTES(SIGNATURE "\x22"), NW_PROXY_COMMAND);
    assert_refused(BYTES(SIGNATURE "\x2f\x11\x00\x0c" TCP4_ADDRESSES), NW_PROXY_COMMAND);
}

static void families_and_transports_that_do_not_exist_are_refused(void **state)
{
    static const uint8_t valid[] = {0x00, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32};
    for (unsigned family = 0; family < 256; family++) {
        char header[16 + 216] = SIGNATURE "\x21";
        bool is_valid = memchr(valid, (int)family, sizeof valid) != NULL;
        header[13] = (char)family;
        header[15] = (char)216; /* enough for each: in the others a run of empty values */
        if (is_valid)
            assert_int_equal(read_well(nw_slice_of(header, sizeof header)).header_bytes, 232);
        else
            assert_refused(nw_slice_of(header, 14), NW_PROXY_FAMILY);
    }
}

static void addresses_must_lie_within_the_length(void **state)
{
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x0b" TCP4_ADDRESSES), NW_PROXY_TOO_SHORT);
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x00"), NW_PROXY_TOO_SHORT);
    assert_refused(BYTES(SIGNATURE "\x21\x21\x00\x23"), NW_PROXY_TOO_SHORT);
    assert_refused(BYTES(SIGNATURE "\x21\x31\x00\xd7"), NW_PROXY_TOO_SHORT);
}

static void a_header_has_at_most_2048_bytes(void **state)
{
    char header[NW_PROXY_MAX_BYTES + 1] =
        SIGNATURE "\x21\x11\x07\xf0" TCP4_ADDRESSES "\x04\x07\xe1";
    assert_int_equal(read_well(nw_slice_of(header, NW_PROXY_MAX_BYTES)).header_bytes, 2048);
    header[15] = (char)0xf1;
    assert_refused(nw_slice_of(header, 16), NW_PROXY_TOO_LARGE);
    assert_refused(BYTES(SIGNATURE "\x20\x00\xff\xff"), NW_PROXY_TOO_LARGE);
    assert_true(nw_proxy_fault_is_oversized(NW_PROXY_TOO_LARGE));
    assert_false(nw_proxy_fault_is_oversized(NW_PROXY_TOO_SHORT));
}

static void values_are_skipped_once_they_end_within_the_header(void **state)
{
    struct nw_proxy_header header =
        read_well(BYTES(SIGNATURE "\x21\x11\x00\x1b" TCP4_ADDRESSES "\x01\x00\x02h2"
                                  "\xea\x00\x04\x01\x02\x03\x04"
                                  "\x04\x00\x00"
                                  "GET"));
    assert_told(&header, "192.0.2.1", 56324, "198.51.100.2", 443);
    assert_int_equal(header.header_bytes, 43);
}

static void a_value_that_ends_beyond_the_header_is_refused(void **state)
{
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x10" TCP4_ADDRESSES "\x01\x00\x02h"),
                   NW_PROXY_TLV);
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x0e" TCP4_ADDRESSES "\x01\x00"), NW_PROXY_TLV);
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x0d" TCP4_ADDRESSES "\x01"), NW_PROXY_TLV);
    assert_refused(BYTES(SIGNATURE "\x21\x00\x00\x03\x01\x00\x01"), NW_PROXY_TLV);
}

/* ---- the checksum ---- */

static void a_checksum_that_fits_is_accepted(void **state)
{
    struct nw_proxy_header header = read_well(
        BYTES(SIGNATURE "\x21\x11\x00\x13" TCP4_ADDRESSES "\x03\x00\x04\x20\xec\x95\x49"));
    assert_told(&header, "192.0.2.1", 56324, "198.51.100.2", 443);
    (void)read_well(BYTES(SIGNATURE "\x21\x11\x00\x18" TCP4_ADDRESSES "\x03\x00\x04\x4b\x35\xda\xaf"
                                    "\x04\x00\x02hi"));
    (void)read_well(BYTES(SIGNATURE "\x21\x00\x00\x07\x03\x00\x04\x3e\xc9\x89\x4e"));
}

static void a_bit_that_changed_on_the_way_is_found(void **state)
{
    char header[] = SIGNATURE "\x21\x11\x00\x18" TCP4_ADDRESSES "\x03\x00\x04\x4b\x35\xda\xaf"
                              "\x04\x00\x02hi";
    size_t len = sizeof header - 1;
    for (size_t bit = 16 * 8; bit < len * 8; bit++) {
        struct nw_proxy_header out;
        nw_proxy_fault fault = NW_PROXY_FINE;
        header[bit / 8] ^= (char)(1 << bit % 8);
        nw_err err = nw_proxy_header_read(nw_slice_of(header, len), &out, &fault);
        bool hides_it = bit / 8 == 28; /* the type: no checksum is there any more */
        assert_int_equal(err, hides_it ? NW_OK : NW_BAD_MESSAGE);
        if (!hides_it)
            assert_true(fault == NW_PROXY_CHECKSUM || fault == NW_PROXY_TLV);
        header[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void there_is_one_checksum_of_four_bytes(void **state)
{
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x12" TCP4_ADDRESSES "\x03\x00\x03\x20\xec\x95"),
                   NW_PROXY_CHECKSUM);
    assert_refused(BYTES(SIGNATURE "\x21\x11\x00\x1a" TCP4_ADDRESSES "\x03\x00\x04\x00\x00\x00\x00"
                                   "\x03\x00\x04\x00\x00\x00\x00"),
                   NW_PROXY_CHECKSUM);
}

static void a_header_that_nobody_asked_for_is_recognised(void **state)
{
    assert_true(nw_proxy_is_announced(BYTES("PROXY TCP4 192.0.2.1")));
    assert_true(nw_proxy_is_announced(BYTES(SIGNATURE)));
    assert_false(nw_proxy_is_announced(BYTES("PROXY")));
    assert_false(nw_proxy_is_announced(BYTES("\r\n\r\n")));
    assert_false(nw_proxy_is_announced(BYTES("")));
    assert_false(nw_proxy_is_announced(BYTES("GET / HTTP/1.1\r\n")));
}

static void every_fault_has_its_words(void **state)
{
    for (unsigned fault = 0; fault < NW_PROXY_FAULT_COUNT; fault++) {
        assert_true(strlen(nw_proxy_fault_name((nw_proxy_fault)fault)) > 2);
        assert_true(strlen(nw_proxy_fault_sentence((nw_proxy_fault)fault)) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_of_the_specification_tells_its_addresses),
        cmocka_unit_test(the_longest_lines_fit),
        cmocka_unit_test(the_shortest_lines_are_whole),
        cmocka_unit_test(ipv6_may_be_upper_case_and_mapped),
        cmocka_unit_test(unknown_keeps_the_socket_whatever_follows),
        cmocka_unit_test(a_line_that_is_not_whole_asks_for_more),
        cmocka_unit_test(a_line_ends_with_cr_lf_together),
        cmocka_unit_test(a_line_beyond_107_bytes_is_too_long),
        cmocka_unit_test(other_protocols_are_refused_with_their_first_wrong_byte),
        cmocka_unit_test(only_three_protocols_exist),
        cmocka_unit_test(there_are_exactly_four_fields_one_space_apart),
        cmocka_unit_test(an_address_is_of_the_family_that_the_line_names),
        cmocka_unit_test(a_port_is_a_plain_number_up_to_65535),
        cmocka_unit_test(the_binary_header_tells_ipv4_addresses),
        cmocka_unit_test(the_binary_header_tells_ipv6_addresses),
        cmocka_unit_test(local_keeps_the_socket_and_discards_the_block),
        cmocka_unit_test(what_tells_no_tcp_address_keeps_the_socket),
        cmocka_unit_test(only_version_two_is_binary),
        cmocka_unit_test(only_two_commands_exist),
        cmocka_unit_test(families_and_transports_that_do_not_exist_are_refused),
        cmocka_unit_test(addresses_must_lie_within_the_length),
        cmocka_unit_test(a_header_has_at_most_2048_bytes),
        cmocka_unit_test(values_are_skipped_once_they_end_within_the_header),
        cmocka_unit_test(a_value_that_ends_beyond_the_header_is_refused),
        cmocka_unit_test(a_checksum_that_fits_is_accepted),
        cmocka_unit_test(a_bit_that_changed_on_the_way_is_found),
        cmocka_unit_test(there_is_one_checksum_of_four_bytes),
        cmocka_unit_test(a_header_that_nobody_asked_for_is_recognised),
        cmocka_unit_test(every_fault_has_its_words),
    };
    return cmocka_run_group_tests_name("proto/proxy_protocol", tests, NULL, NULL);
}
