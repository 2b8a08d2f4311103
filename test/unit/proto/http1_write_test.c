/* The contract of proto/http1_write.h. */
#include "proto/http1_write.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_request_line_is_written(void **state)
{
    char out[64];
    struct nw_http1_writer writer;
    nw_http1_writer_init(&writer, out, sizeof out);
    nw_http1_write_request_line(&writer, NW_SLICE("GET"), NW_SLICE("/a"), true, NW_SLICE(""));
    nw_http1_write_request_line(&writer, NW_SLICE("PUT"), NW_SLICE("/b"), false, NW_SLICE("x"));
    nw_http1_write_end(&writer);
    assert_true(nw_slice_eq(nw_slice_of(out, writer.len),
                            NW_SLICE("GET /a? HTTP/1.1\r\nPUT /b HTTP/1.1\r\n\r\n")));
}

static void a_status_line_is_written(void **state)
{
    char out[64];
    struct nw_http1_writer writer;
    nw_http1_writer_init(&writer, out, sizeof out);
    nw_http1_write_status_line(&writer, 404, nw_slice_of(NULL, 0));
    nw_http1_write_status_line(&writer, 200, NW_SLICE("Fine"));
    assert_true(nw_slice_eq(nw_slice_of(out, writer.len),
                            NW_SLICE("HTTP/1.1 404 Not Found\r\nHTTP/1.1 200 Fine\r\n")));
}

static void a_number_is_written_in_decimal(void **state)
{
    char out[128];
    struct nw_http1_writer writer;
    nw_http1_writer_init(&writer, out, sizeof out);
    nw_http1_write_field_u64(&writer, NW_SLICE("A"), 0);
    nw_http1_write_field_u64(&writer, NW_SLICE("B"), UINT64_MAX);
    assert_true(
        nw_slice_eq(nw_slice_of(out, writer.len), NW_SLICE("A: 0\r\nB: 18446744073709551615\r\n")));
}

static void framing_is_written_from_the_enum(void **state)
{
    static const struct {
        nw_http1_framing framing;
        const char *text;
    } rows[] = {{NW_HTTP1_BODY_NONE, ""},
                {NW_HTTP1_BODY_LENGTH, "Content-Length: 7\r\n"},
                {NW_HTTP1_BODY_CHUNKED, "Transfer-Encoding: chunked\r\n"},
                {NW_HTTP1_BODY_UNTIL_CLOSE, ""},
                {NW_HTTP1_BODY_TUNNEL, ""}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        char out[64];
        struct nw_http1_writer writer;
        nw_http1_writer_init(&writer, out, sizeof out);
        nw_http1_write_framing(&writer, rows[i].framing, 7);
        assert_true(nw_slice_eq(nw_slice_of(out, writer.len), nw_slice_str(rows[i].text)));
    }
}

/* At every capacity: all or nothing of each call, and nothing after the first that did not fit. */
static void a_full_writer_stays_within_its_memory(void **state)
{
    const struct nw_slice whole = NW_SLICE("HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    for (size_t cap = 0; cap <= whole.len; cap++) {
        char out[64];
        memset(out, '#', sizeof out);
        struct nw_http1_writer writer;
        nw_http1_writer_init(&writer, out, cap);
        nw_http1_write_status_line(&writer, 200, nw_slice_of(NULL, 0));
        nw_http1_write_field(&writer, NW_SLICE("A"), NW_SLICE("b"));
        nw_http1_write_end(&writer);
        assert_int_equal(writer.is_full, cap < whole.len);
        assert_true(writer.len <= cap && memcmp(out, whole.ptr, writer.len) == 0);
        assert_int_equal(out[cap], '#');
    }
}

static void kept_fields_leave_in_order(void **state)
{
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nConnection: c\r\nK: 3\r\n"
                       "D:4\r\nE:  5 \r\nF: \r\nG:\r\nNewel-X: 1\r\nH: 8\r\nI: 9\r\nC: 3\r\n"
                       "J:\t10\r\n\r\n";
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    struct nw_http1_message message;
    nw_http1_class found;
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    assert_int_equal(nw_http1_parse(&parser, nw_slice_str(text), &head), NW_OK);
    assert_int_equal(nw_http1_request_judge(&head, text, &message, &found), NW_OK);
    struct nw_http1_set also = {{0, 0}};
    int at = nw_http1_find(&head, text, NW_SLICE("H"), 0);
    assert_true(at > 0);
    nw_http1_set_add(&also, (uint32_t)at);
    char out[256];
    struct nw_http1_writer writer;
    nw_http1_writer_init(&writer, out, sizeof out);
    nw_http1_write_kept(&writer, &head, text, &message, &also);
    assert_true(nw_slice_eq(nw_slice_of(out, writer.len),
                            NW_SLICE("A: 1\r\nB: 2\r\nK: 3\r\nD: 4\r\nE: 5\r\nF: \r\nG: \r\n"
                                     "I: 9\r\nJ: 10\r\n")));
    nw_http1_writer_init(&writer, out, sizeof out);
    nw_http1_write_kept(&writer, &head, text, &message, NULL);
    assert_true(
        nw_slice_ends_with(nw_slice_of(out, writer.len), NW_SLICE("H: 8\r\nI: 9\r\nJ: 10\r\n")));
}

static void a_value_has_no_control_bytes_and_no_space_at_its_ends(void **state)
{
    assert_true(nw_http1_is_value(NW_SLICE("")));
    assert_true(nw_http1_is_value(NW_SLICE("a \t\xc3\xa9")));
    const struct nw_slice wrong[] = {
        NW_SLICE_LIT(" a"),   NW_SLICE_LIT("a "),   NW_SLICE_LIT("a\t"), NW_SLICE_LIT("a\r\n"),
        NW_SLICE_LIT("a\nb"), NW_SLICE_LIT("a\0b"), NW_SLICE_LIT("\x7f")};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_false(nw_http1_is_value(wrong[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_line_is_written),
        cmocka_unit_test(a_status_line_is_written),
        cmocka_unit_test(a_number_is_written_in_decimal),
        cmocka_unit_test(framing_is_written_from_the_enum),
        cmocka_unit_test(a_full_writer_stays_within_its_memory),
        cmocka_unit_test(kept_fields_leave_in_order),
        cmocka_unit_test(a_value_has_no_control_bytes_and_no_space_at_its_ends),
    };
    return cmocka_run_group_tests_name("proto/http1_write", tests, NULL, NULL);
}
