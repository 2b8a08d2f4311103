/* The contract of proto/grpc.h; values from PROTOCOL-HTTP2.md and statuscodes.md of gRPC. */
#include "proto/grpc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void grpc_is_told_by_its_content_type(void **state)
{
    assert_true(nw_grpc_is_content_type(NW_SLICE("application/grpc")));
    assert_true(nw_grpc_is_content_type(NW_SLICE("application/grpc+proto")));
    assert_true(nw_grpc_is_content_type(NW_SLICE("application/grpc+json; charset=utf-8")));
    assert_true(nw_grpc_is_content_type(NW_SLICE("Application/GRPC;v=1")));
    assert_true(nw_grpc_is_content_type(NW_SLICE("application/grpc ;v=1")));
}

static void what_only_begins_like_it_is_not_grpc(void **state)
{
    assert_false(nw_grpc_is_content_type(NW_SLICE("application/grpc-web")));
    assert_false(nw_grpc_is_content_type(NW_SLICE("application/grpcx")));
    assert_false(nw_grpc_is_content_type(NW_SLICE("application/grp")));
    assert_false(nw_grpc_is_content_type(NW_SLICE("application/json")));
    assert_false(nw_grpc_is_content_type(NW_SLICE("")));
    assert_false(nw_grpc_is_content_type(nw_slice_of(NULL, 0)));
}

static void answers_of_newel_have_their_grpc_status(void **state)
{
    static const struct {
        int http, grpc;
    } rows[] = {{401, 16}, {403, 7}, {404, 12}, {413, 8},  {429, 8},  {502, 14}, {503, 14},
                {504, 4},  {400, 13}, {405, 13}, {408, 13}, {421, 13}, {500, 13}, {507, 13}};
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        assert_int_equal(nw_grpc_status_of_http(rows[i].http), rows[i].grpc);
}

static uint64_t timeout_of(const char *text)
{
    uint64_t ms = 4711;
    assert_int_equal(nw_grpc_timeout_read(nw_slice_str(text), &ms), NW_OK);
    return ms;
}

static void every_unit_of_a_timeout_is_read(void **state)
{
    assert_int_equal(timeout_of("2H"), 7200000);
    assert_int_equal(timeout_of("3M"), 180000);
    assert_int_equal(timeout_of("10S"), 10000);
    assert_int_equal(timeout_of("250m"), 250);
    assert_int_equal(timeout_of("5000u"), 5);
    assert_int_equal(timeout_of("7000000n"), 7);
}

static void a_part_of_a_millisecond_is_rounded_up(void **state)
{
    assert_int_equal(timeout_of("1u"), 1);
    assert_int_equal(timeout_of("1001u"), 2);
    assert_int_equal(timeout_of("1n"), 1);
    assert_int_equal(timeout_of("99999999n"), 100);
    assert_int_equal(timeout_of("0n"), 0);
    assert_int_equal(timeout_of("0S"), 0);
}

static void the_longest_timeout_fits(void **state)
{
    assert_int_equal(timeout_of("99999999H"), UINT64_C(359999996400000));
}

static void a_malformed_timeout_is_refused(void **state)
{
    static const char *const rows[] = {"",    "1",    "S",   "123456789S", "-1S", "+1S", "1 S",
                                       " 1S", "1S ",  "1.5S", "1s",        "1h",  "1U",  "1SS",
                                       "0x1S", "1µ"};
    uint64_t ms = 4711;
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        assert_int_equal(nw_grpc_timeout_read(nw_slice_str(rows[i]), &ms), NW_INVALID);
        assert_int_equal(ms, 4711);
    }
}

static void a_status_is_digits_alone(void **state)
{
    assert_int_equal(nw_grpc_status_read(NW_SLICE("0")), 0);
    assert_int_equal(nw_grpc_status_read(NW_SLICE("14")), 14);
    assert_int_equal(nw_grpc_status_read(NW_SLICE("99")), 99);
    assert_int_equal(nw_grpc_status_read(NW_SLICE("")), -1);
    assert_int_equal(nw_grpc_status_read(NW_SLICE("-1")), -1);
    assert_int_equal(nw_grpc_status_read(NW_SLICE("1x")), -1);
    assert_int_equal(nw_grpc_status_read(NW_SLICE("100")), -1);
}

static void a_status_is_found_among_trailers(void **state)
{
    assert_int_equal(
        nw_grpc_status_in(NW_SLICE("grpc-message: no\r\ngrpc-status: 14\r\nx: 1\r\n")), 14);
    assert_int_equal(nw_grpc_status_in(NW_SLICE("grpc-status: 0\r\n")), 0);
    assert_int_equal(nw_grpc_status_in(NW_SLICE("x-grpc-status: 0\r\n")), -1);
    assert_int_equal(nw_grpc_status_in(NW_SLICE("grpc-status-details: 0\r\n")), -1);
    assert_int_equal(nw_grpc_status_in(NW_SLICE("grpc-status: no\r\n")), -1);
    assert_int_equal(nw_grpc_status_in(NW_SLICE("")), -1);
}

static void check_message(const char *text, const char *expected)
{
    char out[64];
    size_t len = nw_grpc_message_encode(nw_slice_str(text), out, sizeof out);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
}

static void a_message_is_percent_encoded(void **state)
{
    check_message("plain text, ~ and !", "plain text, ~ and !");
    check_message("100%", "100%25");
    check_message("a\r\nb", "a%0D%0Ab");
    check_message("\x7f", "%7F");
    check_message("f\xc3\xbcr", "f%C3%BCr");
    check_message("", "");
}

static void a_message_is_never_cut_inside_an_escape(void **state)
{
    char out[8];
    for (size_t cap = 0; cap <= 6; cap++)
        assert_int_equal(nw_grpc_message_encode(NW_SLICE("a\nb\n"), out, cap),
                         cap < 1 ? 0 : cap < 4 ? 1 : cap < 5 ? 4 : 5);
    assert_int_equal(nw_grpc_message_encode(NW_SLICE("a\nb\n"), out, 8), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpc_is_told_by_its_content_type),
        cmocka_unit_test(what_only_begins_like_it_is_not_grpc),
        cmocka_unit_test(answers_of_newel_have_their_grpc_status),
        cmocka_unit_test(every_unit_of_a_timeout_is_read),
        cmocka_unit_test(a_part_of_a_millisecond_is_rounded_up),
        cmocka_unit_test(the_longest_timeout_fits),
        cmocka_unit_test(a_malformed_timeout_is_refused),
        cmocka_unit_test(a_status_is_digits_alone),
        cmocka_unit_test(a_status_is_found_among_trailers),
        cmocka_unit_test(a_message_is_percent_encoded),
        cmocka_unit_test(a_message_is_never_cut_inside_an_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
