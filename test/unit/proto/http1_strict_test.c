/*
 * Everything that is refused, and its nearest neighbours that are not. Each row is a test; each
 * input is fed whole, cut in two at every byte, and byte by byte, and must get the same verdict.
 * tools/check_strictness.py sees to it that every class has a row.
 */
#include "http1_verdict.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct row {
    const char *name;
    nw_http1_class expected;
    enum { REQUEST, RESPONSE } side;
    struct nw_slice input;
};

#define H "Host: a\r\n"
#define POST_CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define X8 "xxxxxxxx"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8
#define X512 X64 X64 X64 X64 X64 X64 X64 X64
#define X1024 X512 X512
#define BAD(name, class, side, input)                                                              \
    {                                                                                              \
        name, NW_HTTP1_##class, side, NW_SLICE_LIT(input)                                          \
    }
#define GOOD(name, side, input)                                                                    \
    {                                                                                              \
        name, NW_HTTP1_FINE, side, NW_SLICE_LIT(input)                                             \
    }

/* head 2048 bytes, target 64 bytes, 5 fields; see `limits` below */
static const struct row rows[] = {
    /* lines */
    BAD("lf_alone_after_the_request_line_is_refused", BARE_LF, REQUEST,
        "GET / HTTP/1.1\n" H "\r\n"),
    BAD("lf_alone_after_a_field_is_refused", BARE_LF, REQUEST, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    BAD("lf_alone_as_the_empty_line_is_refused", BARE_LF, REQUEST, "GET / HTTP/1.1\r\n" H "\n"),
    BAD("lf_alone_in_a_status_line_is_refused", BARE_LF, RESPONSE, "HTTP/1.1 200 OK\n\r\n"),
    BAD("cr_alone_in_a_value_is_refused", BARE_CR, REQUEST,
        "GET / HTTP/1.1\r\nA: b\rc\r\n" H "\r\n"),
    BAD("cr_alone_in_a_request_line_is_refused", BARE_CR, REQUEST, "GET / HTTP/1.1\rX\r\n\r\n"),
    BAD("cr_alone_in_a_target_is_refused", BARE_CR, REQUEST, "GET /a\rb HTTP/1.1\r\n" H "\r\n"),
    BAD("cr_cr_lf_is_refused", BARE_CR, REQUEST, "GET / HTTP/1.1\r\n" H "\r\r\n"),
    BAD("nul_in_a_value_is_refused", CONTROL_BYTE, REQUEST, "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
    BAD("nul_in_a_target_is_refused", CONTROL_BYTE, REQUEST, "GET /\0 HTTP/1.1\r\n" H "\r\n"),
    BAD("del_in_a_name_is_refused", CONTROL_BYTE, REQUEST,
        "GET / HTTP/1.1\r\nA\x7f: b\r\n" H "\r\n"),
    BAD("escape_in_a_reason_is_refused", CONTROL_BYTE, RESPONSE, "HTTP/1.1 200 O\x1bK\r\n\r\n"),
    BAD("a_high_byte_in_a_name_is_refused", HIGH_BYTE, REQUEST,
        "GET / HTTP/1.1\r\n\xe9tat: 1\r\n" H "\r\n"),
    BAD("a_high_byte_inside_a_name_is_refused", HIGH_BYTE, RESPONSE,
        "HTTP/1.1 200 OK\r\nContent-Length\xa0: 3\r\n\r\n"),
    BAD("a_high_byte_in_a_target_is_refused", HIGH_BYTE, REQUEST,
        "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"),
    BAD("a_high_byte_in_a_method_is_refused", HIGH_BYTE, REQUEST, "G\xffT / HTTP/1.1\r\n" H "\r\n"),
    GOOD("a_high_byte_in_a_value_passes", REQUEST, "GET / HTTP/1.1\r\nA: caf\xc3\xa9\r\n" H "\r\n"),
    GOOD("a_tab_in_a_value_passes", REQUEST, "GET / HTTP/1.1\r\nA:\tb\tc\t\r\n" H "\r\n"),
    BAD("a_head_over_the_limit_is_refused", HEAD_TOO_LARGE, REQUEST,
        "GET / HTTP/1.1\r\nA: " X1024 X1024 "\r\n" H "\r\n"),
    BAD("an_endless_reason_is_refused", HEAD_TOO_LARGE, RESPONSE, "HTTP/1.1 200 " X1024 X1024),
    BAD("a_field_over_the_limit_is_refused", TOO_MANY_FIELDS, REQUEST,
        "GET / HTTP/1.1\r\n" H "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n"),
    GOOD("as_many_fields_as_allowed_pass", REQUEST,
         "GET / HTTP/1.1\r\n" H "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n"),
    /* request line */
    BAD("an_empty_line_before_a_request_is_refused", LEADING_EMPTY_LINE, REQUEST,
        "\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    BAD("an_empty_line_before_a_response_is_refused", LEADING_EMPTY_LINE, RESPONSE,
        "\r\nHTTP/1.1 200 OK\r\n\r\n"),
    BAD("a_method_with_a_colon_is_refused", INVALID_METHOD, REQUEST,
        "GE:T / HTTP/1.1\r\n" H "\r\n"),
    BAD("a_tls_client_hello_is_refused", CONTROL_BYTE, REQUEST, "\x16\x03\x01\x02"),
    GOOD("any_token_is_a_method", REQUEST, "x-Y!z / HTTP/1.1\r\n" H "\r\n"),
    BAD("two_spaces_behind_the_method_are_refused", EXTRA_SPACE, REQUEST,
        "GET  / HTTP/1.1\r\n" H "\r\n"),
    BAD("two_spaces_behind_the_target_are_refused", EXTRA_SPACE, REQUEST,
        "GET /  HTTP/1.1\r\n" H "\r\n"),
    BAD("a_space_behind_the_version_is_refused", EXTRA_SPACE, REQUEST,
        "GET / HTTP/1.1 \r\n" H "\r\n"),
    BAD("a_space_before_the_method_is_refused", EXTRA_SPACE, REQUEST,
        " GET / HTTP/1.1\r\n" H "\r\n"),
    BAD("a_tab_in_the_request_line_is_refused", EXTRA_SPACE, REQUEST,
        "GET\t/ HTTP/1.1\r\n" H "\r\n"),
    BAD("two_spaces_before_the_status_are_refused", EXTRA_SPACE, RESPONSE,
        "HTTP/1.1  200 OK\r\n\r\n"),
    BAD("a_target_over_the_limit_is_refused", TARGET_TOO_LONG, REQUEST,
        "GET /" X64 " HTTP/1.1\r\n" H "\r\n"),
    BAD("a_long_target_is_too_long_before_it_is_malformed", TARGET_TOO_LONG, REQUEST,
        "GET /" X64 "\x01 HTTP/1.1\r\n" H "\r\n"),
    BAD("a_request_without_version_is_refused", MISSING_VERSION, REQUEST, "GET /\r\n"),
    BAD("a_request_that_is_only_a_method_is_refused", MISSING_VERSION, REQUEST, "GET\r\n"),
    BAD("a_request_with_a_space_for_a_version_is_refused", MISSING_VERSION, REQUEST, "GET / \r\n"),
    BAD("http_1_2_is_refused", INVALID_VERSION, REQUEST, "GET / HTTP/1.2\r\n" H "\r\n"),
    BAD("a_version_in_lower_case_is_refused", INVALID_VERSION, REQUEST,
        "GET / http/1.1\r\n" H "\r\n"),
    BAD("a_version_with_two_digits_is_refused", INVALID_VERSION, REQUEST,
        "GET / HTTP/1.10\r\n" H "\r\n"),
    BAD("a_target_with_a_space_is_refused", INVALID_VERSION, REQUEST,
        "GET /a b HTTP/1.1\r\n" H "\r\n"),
    BAD("a_foreign_protocol_in_an_answer_is_refused", INVALID_VERSION, RESPONSE,
        "ICY 200 OK\r\n\r\n"),
    BAD("http_2_in_a_request_line_is_unsupported", UNSUPPORTED_VERSION, REQUEST,
        "PRI * HTTP/2.0\r\n\r\n"),
    BAD("http_0_9_in_a_request_line_is_unsupported", UNSUPPORTED_VERSION, REQUEST,
        "GET / HTTP/0.9\r\n\r\n"),
    BAD("http_2_in_a_status_line_is_unsupported", UNSUPPORTED_VERSION, RESPONSE,
        "HTTP/2.0 200 OK\r\n\r\n"),
    BAD("connect_is_refused", METHOD_REFUSED, REQUEST, "CONNECT a:443 HTTP/1.1\r\n" H "\r\n"),
    BAD("trace_is_refused", METHOD_REFUSED, REQUEST, "TRACE / HTTP/1.1\r\n" H "\r\n"),
    /* status line */
    BAD("a_status_of_two_digits_is_refused", INVALID_STATUS, RESPONSE, "HTTP/1.1 20\r\n\r\n"),
    BAD("a_status_of_four_digits_is_refused", INVALID_STATUS, RESPONSE, "HTTP/1.1 2000 OK\r\n\r\n"),
    BAD("a_status_below_100_is_refused", INVALID_STATUS, RESPONSE, "HTTP/1.1 099 No\r\n\r\n"),
    BAD("a_status_above_599_is_refused", INVALID_STATUS, RESPONSE, "HTTP/1.1 600 No\r\n\r\n"),
    BAD("a_signed_status_is_refused", INVALID_STATUS, RESPONSE, "HTTP/1.1 +20 No\r\n\r\n"),
    BAD("an_answer_without_status_is_refused", INVALID_STATUS, RESPONSE, "HTTP/1.1\r\n\r\n"),
    GOOD("a_status_without_phrase_passes", RESPONSE, "HTTP/1.1 200\r\n\r\n"),
    GOOD("a_status_with_an_empty_phrase_passes", RESPONSE, "HTTP/1.1 200 \r\n\r\n"),
    BAD("an_upgrade_that_nobody_asked_for_is_refused", UNASKED_UPGRADE, RESPONSE,
        "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    /* field lines */
    BAD("a_space_before_the_colon_is_refused", SPACE_BEFORE_COLON, REQUEST,
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    BAD("a_tab_before_the_colon_is_refused", SPACE_BEFORE_COLON, RESPONSE,
        "HTTP/1.1 200 OK\r\nContent-Length\t: 3\r\n\r\n"),
    BAD("an_empty_field_name_is_refused", EMPTY_NAME, REQUEST, "GET / HTTP/1.1\r\n: a\r\n\r\n"),
    BAD("a_field_name_with_a_slash_is_refused", INVALID_NAME, REQUEST,
        "GET / HTTP/1.1\r\nA/B: c\r\n" H "\r\n"),
    BAD("a_field_name_that_begins_with_a_quote_is_refused", INVALID_NAME, REQUEST,
        "GET / HTTP/1.1\r\n\"A\": c\r\n" H "\r\n"),
    BAD("a_line_without_colon_is_refused", MISSING_COLON, REQUEST,
        "GET / HTTP/1.1\r\n" H "garbage\r\n\r\n"),
    BAD("a_folded_line_is_refused", FOLDED_LINE, REQUEST,
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n" H "\r\n"),
    BAD("a_space_before_the_first_field_is_refused", FOLDED_LINE, REQUEST,
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    BAD("a_folded_line_in_an_answer_is_refused", FOLDED_LINE, RESPONSE,
        "HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n"),
    /* Host */
    BAD("a_request_without_host_is_refused", MISSING_HOST, REQUEST,
        "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
    BAD("absolute_form_does_not_replace_a_missing_host", MISSING_HOST, REQUEST,
        "GET http://a/ HTTP/1.1\r\n\r\n"),
    GOOD("http_1_0_needs_no_host", REQUEST, "GET / HTTP/1.0\r\n\r\n"),
    BAD("two_hosts_are_refused", REPEATED_HOST, REQUEST, "GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n"),
    BAD("two_equal_hosts_are_refused", REPEATED_HOST, REQUEST, "GET / HTTP/1.1\r\n" H H "\r\n"),
    BAD("two_hosts_in_http_1_0_are_refused", REPEATED_HOST, REQUEST,
        "GET / HTTP/1.0\r\n" H "HOST: b\r\n\r\n"),
    BAD("an_empty_host_is_refused", EMPTY_HOST, REQUEST, "GET / HTTP/1.1\r\nHost: \r\n\r\n"),
    BAD("a_host_of_a_port_alone_is_refused", EMPTY_HOST, REQUEST,
        "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    BAD("a_host_with_a_path_is_refused", INVALID_HOST, REQUEST,
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    BAD("a_list_of_hosts_is_refused", INVALID_HOST, REQUEST, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    BAD("a_host_with_user_information_is_refused", INVALID_HOST, REQUEST,
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    BAD("a_port_above_65535_is_refused", INVALID_HOST, REQUEST,
        "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
    BAD("an_open_bracket_is_refused", INVALID_HOST, REQUEST,
        "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    GOOD("an_ipv6_host_with_a_port_passes", REQUEST, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
    /* target */
    BAD("a_relative_target_is_refused", INVALID_TARGET, REQUEST, "GET a HTTP/1.1\r\n" H "\r\n"),
    BAD("an_asterisk_with_get_is_refused", INVALID_TARGET, REQUEST, "GET * HTTP/1.1\r\n" H "\r\n"),
    BAD("a_foreign_scheme_is_refused", INVALID_TARGET, REQUEST,
        "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"),
    GOOD("an_asterisk_with_options_passes", REQUEST, "OPTIONS * HTTP/1.1\r\n" H "\r\n"),
    BAD("an_empty_authority_is_refused", INVALID_AUTHORITY, REQUEST,
        "GET http:/// HTTP/1.1\r\n" H "\r\n"),
    BAD("an_authority_with_a_bad_port_is_refused", INVALID_AUTHORITY, REQUEST,
        "GET http://a:x/ HTTP/1.1\r\n" H "\r\n"),
    BAD("user_information_in_the_target_is_refused", USERINFO, REQUEST,
        "GET http://u:p@a/ HTTP/1.1\r\n" H "\r\n"),
    BAD("a_fragment_is_refused", FRAGMENT, REQUEST, "GET /a#b HTTP/1.1\r\n" H "\r\n"),
    BAD("a_fragment_behind_a_query_is_refused", FRAGMENT, REQUEST,
        "GET /?a#b HTTP/1.1\r\n" H "\r\n"),
    BAD("a_quote_in_the_path_is_refused", INVALID_PATH_BYTE, REQUEST,
        "GET /a\"b HTTP/1.1\r\n" H "\r\n"),
    BAD("an_angle_bracket_in_the_path_is_refused", INVALID_PATH_BYTE, REQUEST,
        "GET /<b HTTP/1.1\r\n" H "\r\n"),
    GOOD("brackets_and_braces_in_the_path_pass", REQUEST, "GET /[a]|^{b} HTTP/1.1\r\n" H "\r\n"),
    BAD("a_percent_sign_without_digits_is_refused", INVALID_PERCENT, REQUEST,
        "GET /100% HTTP/1.1\r\n" H "\r\n"),
    BAD("a_percent_sign_with_one_digit_is_refused", INVALID_PERCENT, REQUEST,
        "GET /%4 HTTP/1.1\r\n" H "\r\n"),
    BAD("a_percent_sign_with_other_letters_is_refused", INVALID_PERCENT, REQUEST,
        "GET /%zz HTTP/1.1\r\n" H "\r\n"),
    GOOD("a_raw_percent_sign_in_the_query_passes", REQUEST,
         "GET /?q=100%&f[a]=\"1\" HTTP/1.1\r\n" H "\r\n"),
    BAD("an_encoded_nul_is_refused", ENCODED_NUL, REQUEST, "GET /a%00b HTTP/1.1\r\n" H "\r\n"),
    BAD("a_backslash_is_refused", BACKSLASH, REQUEST, "GET /a\\b HTTP/1.1\r\n" H "\r\n"),
    BAD("an_encoded_backslash_is_refused", BACKSLASH, REQUEST, "GET /a%5cb HTTP/1.1\r\n" H "\r\n"),
    BAD("a_path_above_the_root_is_refused", ABOVE_ROOT, REQUEST,
        "GET /a/../../b HTTP/1.1\r\n" H "\r\n"),
    BAD("an_encoded_path_above_the_root_is_refused", ABOVE_ROOT, REQUEST,
        "GET /%2e%2E/b HTTP/1.1\r\n" H "\r\n"),
    GOOD("dots_that_stay_below_the_root_pass", REQUEST, "GET /a/../b HTTP/1.1\r\n" H "\r\n"),
    /* framing */
    BAD("an_empty_content_length_is_refused", INVALID_LENGTH, REQUEST,
        "POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n"),
    BAD("a_signed_content_length_is_refused", INVALID_LENGTH, REQUEST,
        "POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc"),
    BAD("a_hexadecimal_content_length_is_refused", INVALID_LENGTH, RESPONSE,
        "HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc"),
    BAD("a_content_length_of_19_digits_is_refused", LENGTH_TOO_LONG, REQUEST,
        "POST / HTTP/1.1\r\n" H "Content-Length: 0000000000000000003\r\n\r\nabc"),
    GOOD("a_content_length_of_18_digits_passes", REQUEST,
         "POST / HTTP/1.1\r\n" H "Content-Length: 000000000000000003\r\n\r\nabc"),
    BAD("a_list_of_equal_lengths_is_refused", LENGTH_LIST, REQUEST,
        "POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc"),
    BAD("a_list_of_differing_lengths_is_refused", LENGTH_LIST, RESPONSE,
        "HTTP/1.1 200 OK\r\nContent-Length: 3,4\r\n\r\nabc"),
    BAD("a_repeated_differing_length_is_refused", REPEATED_LENGTH, REQUEST,
        "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    BAD("a_repeated_equal_length_is_refused", REPEATED_LENGTH, RESPONSE,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc"),
    BAD("chunked_with_a_length_is_refused", CODING_WITH_LENGTH, REQUEST,
        "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("a_length_with_chunked_is_refused", CODING_WITH_LENGTH, RESPONSE,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    BAD("chunked_in_http_1_0_is_refused", CODING_IN_HTTP10, REQUEST,
        "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("an_empty_transfer_encoding_is_refused", INVALID_CODING, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n"),
    BAD("a_comma_behind_chunked_is_refused", INVALID_CODING, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"),
    BAD("a_quoted_chunked_is_refused", INVALID_CODING, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    BAD("chunked_with_a_parameter_is_refused", INVALID_CODING, RESPONSE,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    BAD("chunked_before_gzip_is_refused", CHUNKED_NOT_LAST, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n"),
    BAD("chunked_before_another_field_with_gzip_is_refused", CHUNKED_NOT_LAST, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n"),
    BAD("chunked_twice_is_refused", CHUNKED_TWICE, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    BAD("chunked_in_two_fields_is_refused", CHUNKED_TWICE, RESPONSE,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD("gzip_before_chunked_is_not_supported", UNKNOWN_CODING, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    BAD("identity_is_not_supported", UNKNOWN_CODING, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"),
    BAD("a_coding_that_ends_like_chunked_is_not_supported", UNKNOWN_CODING, REQUEST,
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"),
    GOOD("chunked_in_another_case_passes", REQUEST,
         "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \t Chunked \r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    BAD("a_connection_field_with_a_semicolon_is_refused", INVALID_CONNECTION, REQUEST,
        "GET / HTTP/1.1\r\n" H "Connection: close;x\r\n\r\n"),
    BAD("a_connection_field_of_33_tokens_is_refused", INVALID_CONNECTION, RESPONSE,
        "HTTP/1.1 200 OK\r\nConnection: "
        "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
        "a,a,a\r\n\r\n"),
    BAD("a_connection_field_of_1025_bytes_is_refused", INVALID_CONNECTION, REQUEST,
        "GET / HTTP/1.1\r\n" H "Connection: x" X1024 "\r\n\r\n"),
    GOOD("a_connection_field_with_empty_elements_passes", REQUEST,
         "GET / HTTP/1.1\r\n" H "Connection: , close ,\r\n\r\n"),
    BAD("an_unknown_expectation_is_refused", UNKNOWN_EXPECTATION, REQUEST,
        "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nContent-Length: 3\r\n\r\n"),
    /* chunked bodies */
    BAD("a_chunk_size_of_letters_is_refused", INVALID_CHUNK_SIZE, REQUEST, POST_CHUNKED "xyz\r\n"),
    BAD("a_chunk_size_with_0x_is_refused", INVALID_CHUNK_SIZE, REQUEST, POST_CHUNKED "0x3\r\nabc"),
    BAD("a_signed_chunk_size_is_refused", INVALID_CHUNK_SIZE, REQUEST, POST_CHUNKED "+3\r\nabc"),
    BAD("a_negative_chunk_size_is_refused", INVALID_CHUNK_SIZE, REQUEST, POST_CHUNKED "-1\r\nabc"),
    BAD("a_chunk_size_with_an_underscore_is_refused", INVALID_CHUNK_SIZE, REQUEST,
        POST_CHUNKED "1_0\r\nabc"),
    BAD("a_space_before_a_chunk_size_is_refused", INVALID_CHUNK_SIZE, REQUEST,
        POST_CHUNKED " 3\r\n"),
    BAD("a_space_behind_a_chunk_size_is_refused", INVALID_CHUNK_SIZE, RESPONSE,
        OK_CHUNKED "3 \r\n"),
    BAD("an_empty_chunk_size_is_refused", INVALID_CHUNK_SIZE, REQUEST, POST_CHUNKED "\r\nabc"),
    BAD("a_chunk_size_of_an_extension_alone_is_refused", INVALID_CHUNK_SIZE, REQUEST,
        POST_CHUNKED ";a=b\r\nabc"),
    BAD("a_chunk_size_of_17_digits_is_refused", CHUNK_SIZE_TOO_LONG, REQUEST,
        POST_CHUNKED "00000000000000003\r\nabc\r\n"),
    BAD("a_chunk_size_above_2_to_63_is_refused", CHUNK_SIZE_TOO_LONG, REQUEST,
        POST_CHUNKED "8000000000000000\r\n"),
    GOOD("a_chunk_size_of_16_digits_passes", REQUEST,
         POST_CHUNKED "0000000000000003\r\nabc\r\n0\r\n\r\n"),
    BAD("lf_alone_behind_a_chunk_size_is_refused", BARE_LF, REQUEST, POST_CHUNKED "3\nabc\r\n"),
    BAD("cr_alone_behind_a_chunk_size_is_refused", BARE_CR, REQUEST, POST_CHUNKED "3\rabc\r\n"),
    BAD("a_control_byte_in_an_extension_is_refused", INVALID_CHUNK_EXTENSION, REQUEST,
        POST_CHUNKED "3;a\x01\r\nabc\r\n"),
    BAD("lf_alone_in_an_extension_is_refused", BARE_LF, RESPONSE, OK_CHUNKED "3;a\nabc\r\n"),
    BAD("cr_alone_in_an_extension_is_refused", BARE_CR, REQUEST, POST_CHUNKED "3;a\rb\r\nabc\r\n"),
    BAD("extensions_over_1_kib_are_refused", CHUNK_EXTENSIONS_TOO_LONG, REQUEST,
        POST_CHUNKED "3;" X1024 "\r\nabc\r\n"),
    BAD("extensions_over_1_kib_in_all_are_refused", CHUNK_EXTENSIONS_TOO_LONG, REQUEST,
        POST_CHUNKED "1;" X512 "\r\na\r\n1;" X512 "\r\na\r\n"),
    GOOD("an_extension_passes", REQUEST, POST_CHUNKED "3;a=\"b c\"\r\nabc\r\n0;z\r\n\r\n"),
    BAD("chunk_data_longer_than_its_size_is_refused", CHUNK_WITHOUT_CRLF, REQUEST,
        POST_CHUNKED "3\r\nabcd\r\n0\r\n\r\n"),
    BAD("lf_alone_behind_chunk_data_is_refused", CHUNK_WITHOUT_CRLF, RESPONSE,
        OK_CHUNKED "3\r\nabc\n0\r\n\r\n"),
    BAD("cr_alone_behind_chunk_data_is_refused", CHUNK_WITHOUT_CRLF, REQUEST,
        POST_CHUNKED "3\r\nabc\r0\r\n\r\n"),
    BAD("trailers_over_the_limit_are_refused", TRAILERS_TOO_LARGE, REQUEST,
        POST_CHUNKED "0\r\nA: " X1024 X1024 "\r\n\r\n"),
    BAD("a_trailer_that_is_folded_is_refused", FOLDED_LINE, REQUEST,
        POST_CHUNKED "0\r\nA: b\r\n c\r\n\r\n"),
    BAD("a_trailer_with_a_space_before_its_colon_is_refused", SPACE_BEFORE_COLON, RESPONSE,
        OK_CHUNKED "0\r\nA : b\r\n\r\n"),
    BAD("a_trailer_without_name_is_refused", EMPTY_NAME, REQUEST, POST_CHUNKED "0\r\n: b\r\n\r\n"),
    BAD("a_trailer_without_colon_is_refused", MISSING_COLON, REQUEST,
        POST_CHUNKED "0\r\nab\r\n\r\n"),
    BAD("a_trailer_with_nul_is_refused", CONTROL_BYTE, REQUEST, POST_CHUNKED "0\r\nA: \0\r\n\r\n"),
    BAD("a_trailer_that_ends_with_lf_is_refused", BARE_LF, REQUEST, POST_CHUNKED "0\r\nA: b\n\r\n"),
    BAD("a_trailer_with_cr_alone_is_refused", BARE_CR, REQUEST,
        POST_CHUNKED "0\r\nA: b\rc\r\n\r\n"),
    GOOD("trailers_pass", REQUEST, POST_CHUNKED "3\r\nabc\r\n0\r\nA: b\r\nC:\r\n\r\nGET /next"),
};

static const struct nw_http1_limits limits = {2048, 64, 5};

static struct verdict fed(const struct row *row, size_t first)
{
    struct verdict_how how = {
        .is_response = row->side == RESPONSE, .limits = limits, .first = first};
    return verdict_of(&how, row->input);
}

static void every_cut_gets_the_same_verdict(void **state)
{
    const struct row *row = *state;
    struct verdict whole = fed(row, row->input.len);
    if (whole.found != row->expected)
        fail_msg("%s instead of %s",
                 whole.found == VERDICT_MORE ? "MORE" : nw_http1_class_name(whole.found),
                 nw_http1_class_name(row->expected));
    for (size_t first = 0; first < row->input.len; first++) {
        struct verdict cut = fed(row, first);
        if (!verdict_same(&cut, &whole))
            fail_msg("another verdict when cut at %zu", first);
    }
}

static void every_class_has_a_row_that_it_refuses(void **state)
{
    for (int class = 1; class < NW_HTTP1_CLASS_COUNT; class ++) {
        bool has_row = false;
        for (size_t i = 0; i < NW_COUNT(rows); i++)
            has_row = has_row || rows[i].expected == (nw_http1_class) class;
        if (!has_row)
            fail_msg("%s", nw_http1_class_name((nw_http1_class) class));
    }
}

/* Whatever is cut off an accepted message before its end is incomplete, never an error. */
static void a_good_message_that_is_cut_short_asks_for_more(void **state)
{
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        if (rows[i].expected != NW_HTTP1_FINE)
            continue;
        struct verdict whole = fed(&rows[i], rows[i].input.len);
        for (size_t len = 0; len < whole.used_bytes; len++) {
            struct verdict_how how = {
                .is_response = rows[i].side == RESPONSE, .limits = limits, .first = len + 1};
            struct verdict cut = verdict_of(&how, nw_slice_first(rows[i].input, len));
            assert_int_equal(cut.found, VERDICT_MORE);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[NW_COUNT(rows) + 2];
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, every_cut_gets_the_same_verdict, NULL, NULL,
                                       (void *)(uintptr_t)&rows[i]};
    tests[NW_COUNT(rows)] =
        (struct CMUnitTest)cmocka_unit_test(every_class_has_a_row_that_it_refuses);
    tests[NW_COUNT(rows) + 1] =
        (struct CMUnitTest)cmocka_unit_test(a_good_message_that_is_cut_short_asks_for_more);
    return cmocka_run_group_tests_name("proto/http1_strict", tests, NULL, NULL);
}
