/* The contract of proto/http1.h: what a good head becomes. */
#include "proto/http1.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct parsed {
    struct nw_http1_head head;
    struct nw_http1_message message;
    nw_http1_class found;
};

static const struct nw_http1_asked asked_get = {NW_HTTP_GET, false};

static struct parsed parse(bool is_response, const char *text, const struct nw_http1_asked *asked)
{
    struct parsed out = {.found = NW_HTTP1_FINE};
    struct nw_http1_parser parser;
    nw_http1_parser_init(&parser, is_response, &NW_HTTP1_LIMITS_DEFAULT);
    assert_int_equal(nw_http1_parse(&parser, nw_slice_str(text), &out.head), NW_OK);
    nw_err err = is_response
                     ? nw_http1_response_judge(&out.head, text, asked, &out.message, &out.found)
                     : nw_http1_request_judge(&out.head, text, &out.message, &out.found);
    assert_int_equal(err, nw_http1_class_err(out.found, is_response));
    return out;
}

static struct nw_http1_message request(const char *text)
{
    struct parsed parsed = parse(false, text, NULL);
    assert_int_equal(parsed.found, NW_HTTP1_FINE);
    return parsed.message;
}

static struct nw_http1_message response(const char *text)
{
    struct parsed parsed = parse(true, text, &asked_get);
    assert_int_equal(parsed.found, NW_HTTP1_FINE);
    return parsed.message;
}

static void assert_text(struct nw_slice found, const char *expected)
{
    assert_true(nw_slice_eq(found, nw_slice_str(expected)));
}

static void the_pieces_of_a_request_are_found(void **state)
{
    const char *text =
        "POST /a?b HTTP/1.1\r\nhOST:  example.com\t \r\nX-Own:\r\nA: 1\r\na: 2\r\n\r\nbody";
    struct parsed parsed = parse(false, text, NULL);
    const struct nw_http1_head *head = &parsed.head;
    assert_int_equal(head->method, NW_HTTP_POST);
    assert_int_equal(head->version_minor, 1);
    assert_text(nw_http1_method(head, text), "POST");
    assert_text(nw_http1_target(head, text), "/a?b");
    assert_int_equal(head->field_count, 4);
    assert_int_equal(head->head_bytes, strlen(text) - 4);
    assert_int_equal(head->fields[0].id, NW_HTTP_FIELD_HOST);
    assert_text(nw_http1_name(head, text, 0), "hOST");
    assert_text(nw_http1_get(head, text, NW_HTTP_FIELD_HOST), "example.com");
    assert_text(nw_http1_value(head, text, 1), "");
    assert_int_equal(nw_http1_find(head, text, NW_SLICE("A"), 0), 2);
    assert_int_equal(nw_http1_find(head, text, NW_SLICE("A"), 3), 3);
    assert_int_equal(nw_http1_find(head, text, NW_SLICE("B"), 0), -1);
    assert_false(nw_http1_has(head, NW_HTTP_FIELD_OTHER));
    assert_null(nw_http1_get(head, text, NW_HTTP_FIELD_COOKIE).ptr);
}

static void the_pieces_of_a_response_are_found(void **state)
{
    const char *text = "HTTP/1.0 404 Not \xfc here \r\nServer: x\r\n\r\n";
    struct parsed parsed = parse(true, text, &asked_get);
    assert_int_equal(parsed.head.status, 404);
    assert_int_equal(parsed.head.version_minor, 0);
    assert_text(nw_http1_reason(&parsed.head, text), "Not \xfc here ");
    assert_int_equal(parsed.head.first[NW_HTTP_FIELD_SERVER], 0);
}

static void bytes_that_move_between_calls_change_nothing(void **state)
{
    const char *text = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";
    char here[64], there[64];
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    memcpy(here, text, 22);
    assert_int_equal(nw_http1_parse(&parser, nw_slice_of(here, 22), &head), NW_AGAIN);
    memset(here, 0, sizeof here);
    memcpy(there, text, strlen(text));
    assert_int_equal(nw_http1_parse(&parser, nw_slice_of(there, strlen(text)), &head), NW_OK);
    assert_text(nw_http1_target(&head, there), "/path");
    assert_text(nw_http1_value(&head, there, 0), "a");
}

static void a_head_of_exactly_the_limit_passes(void **state)
{
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (uint32_t less = 0; less < 2; less++) {
        struct nw_http1_limits limits = NW_HTTP1_LIMITS_DEFAULT;
        limits.head_bytes = (uint32_t)strlen(text) - less;
        struct nw_http1_parser parser;
        struct nw_http1_head head;
        nw_http1_parser_init(&parser, false, &limits);
        assert_int_equal(nw_http1_parse(&parser, nw_slice_str(text), &head),
                         less == 0 ? NW_OK : NW_HEAD_TOO_LARGE);
    }
}

/* The caller's buffer is as large as the limit: asking for more would wait for ever. */
static void an_incomplete_head_of_the_limit_is_too_large_at_once(void **state)
{
    struct nw_slice text = NW_SLICE("GET / HTTP/1.1\r\nHost: a\r\n");
    struct nw_http1_limits limits = NW_HTTP1_LIMITS_DEFAULT;
    limits.head_bytes = (uint32_t)text.len;
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    nw_http1_parser_init(&parser, false, &limits);
    assert_int_equal(nw_http1_parse(&parser, nw_slice_first(text, text.len - 1), &head), NW_AGAIN);
    assert_int_equal(nw_http1_parse(&parser, text, &head), NW_HEAD_TOO_LARGE);
    assert_int_equal(parser.found, NW_HTTP1_HEAD_TOO_LARGE);
}

static void the_framing_of_a_request_follows_its_fields(void **state)
{
    struct nw_http1_message message = request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(message.framing, NW_HTTP1_BODY_NONE);
    assert_false(message.has_length);
    message = request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(message.framing, NW_HTTP1_BODY_NONE);
    assert_true(message.has_length);
    message = request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n");
    assert_int_equal(message.framing, NW_HTTP1_BODY_LENGTH);
    assert_true(message.length_bytes == UINT64_C(999999999999999999));
    message = request("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(message.framing, NW_HTTP1_BODY_CHUNKED);
}

static void the_framing_of_a_response_follows_status_and_method(void **state)
{
    assert_int_equal(response("HTTP/1.1 200 OK\r\n\r\n").framing, NW_HTTP1_BODY_UNTIL_CLOSE);
    assert_false(response("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
    const char *length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert_int_equal(response(length).framing, NW_HTTP1_BODY_LENGTH);
    assert_true(response(length).keep_alive);
    const char *bodiless[] = {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n",
                              "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n",
                              "HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\n"};
    for (size_t i = 0; i < NW_COUNT(bodiless); i++) {
        assert_int_equal(response(bodiless[i]).framing, NW_HTTP1_BODY_NONE);
        assert_true(response(bodiless[i]).keep_alive);
    }
    assert_true(response(bodiless[2]).is_informational);
    assert_false(response(bodiless[0]).is_informational);
    struct nw_http1_asked head = {NW_HTTP_HEAD, false};
    struct parsed parsed = parse(true, length, &head);
    assert_int_equal(parsed.message.framing, NW_HTTP1_BODY_NONE);
    assert_true(parsed.message.has_length && parsed.message.length_bytes == 5);
}

static void a_connection_lives_on_as_version_and_connection_say(void **state)
{
    static const struct {
        const char *text;
        bool keeps;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        assert_int_equal(request(rows[i].text).keep_alive, rows[i].keeps);
}

static void the_keep_alive_time_of_a_node_is_read(void **state)
{
    assert_int_equal(
        response("HTTP/1.1 204 No\r\nKeep-Alive: timeout=5, max=100\r\n\r\n").keep_alive_s, 5);
    assert_int_equal(
        response("HTTP/1.1 204 No\r\nKeep-Alive: max=1, Timeout=7\r\n\r\n").keep_alive_s, 7);
    assert_int_equal(response("HTTP/1.1 204 No\r\nKeep-Alive: timeout=x\r\n\r\n").keep_alive_s, -1);
    assert_int_equal(response("HTTP/1.1 204 No\r\n\r\n").keep_alive_s, -1);
}

static void only_a_body_in_http_1_1_waits_for_100(void **state)
{
    assert_true(request("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
                        "Content-Length: 1\r\n\r\n")
                    .expect_continue);
    assert_false(
        request("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expect_continue);
    assert_false(request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
                     .expect_continue);
}

static void a_websocket_is_asked_for_by_both_fields(void **state)
{
    assert_true(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
                        "Upgrade: h2c, WebSocket\r\n\r\n")
                    .upgrade_websocket);
    assert_false(
        request("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").upgrade_websocket);
    assert_false(
        request("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n").upgrade_websocket);
    assert_false(request("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                         "Upgrade: websocket\r\n\r\n")
                     .upgrade_websocket);
    struct nw_http1_asked asked = {NW_HTTP_GET, true};
    struct parsed parsed =
        parse(true, "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", &asked);
    assert_int_equal(parsed.found, NW_HTTP1_FINE);
    assert_int_equal(parsed.message.framing, NW_HTTP1_BODY_TUNNEL);
    assert_false(parsed.message.keep_alive);
    parsed = parse(true, "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", &asked);
    assert_int_equal(parsed.found, NW_HTTP1_UNASKED_UPGRADE);
}

static void fields_of_the_connection_end_here(void **state)
{
    static const struct {
        const char *line;
        bool is_dropped;
        bool is_framed;
    } rows[] = {
        {"Host: a\r\n", false, true},
        {"Connection: X-Named, host, Content-Length, cookie, authorization, accept\r\n", true,
         false},
        {"Keep-Alive: timeout=5\r\n", true, false},
        {"Proxy-Connection: close\r\n", true, false},
        {"TE: trailers\r\n", true, false},
        {"Trailer: X\r\n", true, false},
        {"Upgrade: h2c\r\n", true, false},
        {"Content-Length: 3\r\n", false, true},
        {"x-named: 1\r\n", true, false},
        {"X-Named-Not: 1\r\n", false, false},
        {"Accept: */*\r\n", true, false},
        {"Cookie: a=b\r\n", false, false},
        {"Authorization: x\r\n", false, false},
        {"Connection: cache-control, via\r\n", true, false},
        {"Cache-Control: no-cache\r\n", false, false},
        {"Via: 1.1 x\r\n", true, false},
        {"Newel-Debug: 1\r\n", true, false},
        {"nEWEL_Debug: 1\r\n", true, false},
        {"Newell-Own: 1\r\n", false, false},
    };
    char text[1024] = "POST / HTTP/1.1\r\n";
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        strcat(text, rows[i].line);
    strcat(text, "\r\n");
    struct nw_http1_message message = request(text);
    for (uint32_t i = 0; i < NW_COUNT(rows); i++) {
        assert_int_equal(nw_http1_set_has(&message.dropped, i), rows[i].is_dropped);
        assert_int_equal(nw_http1_set_has(&message.framed, i), rows[i].is_framed);
    }
    assert_true(nw_http1_set_has(&message.newel, 16) && nw_http1_set_has(&message.newel, 17));
}

static void newel_fields_of_a_node_are_seen_and_not_dropped(void **state)
{
    struct nw_http1_message message = response("HTTP/1.1 204 No\r\nNewel-Tag: a\r\n\r\n");
    assert_true(nw_http1_set_has(&message.newel, 0));
    assert_false(nw_http1_set_has(&message.dropped, 0));
}

static void a_set_reaches_to_the_last_field(void **state)
{
    char text[4096] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: last\r\n";
    for (int i = 0; i < 97; i++)
        strcat(text, "X: 1\r\n");
    strcat(text, "Last: 1\r\n\r\n");
    struct nw_http1_message message = request(text);
    assert_true(nw_http1_set_has(&message.dropped, 99));
    assert_false(nw_http1_set_has(&message.dropped, 98));
}

static void an_error_means_502_when_a_node_made_it(void **state)
{
    for (int class = 1; class < NW_HTTP1_CLASS_COUNT; class ++) {
        nw_err err = nw_http1_class_err((nw_http1_class) class, false);
        assert_int_equal(nw_err_status(err), nw_http1_class_status((nw_http1_class) class));
        err = nw_http1_class_err((nw_http1_class) class, true);
        assert_int_equal(nw_err_status(err), 502);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pieces_of_a_request_are_found),
        cmocka_unit_test(the_pieces_of_a_response_are_found),
        cmocka_unit_test(bytes_that_move_between_calls_change_nothing),
        cmocka_unit_test(a_head_of_exactly_the_limit_passes),
        cmocka_unit_test(an_incomplete_head_of_the_limit_is_too_large_at_once),
        cmocka_unit_test(the_framing_of_a_request_follows_its_fields),
        cmocka_unit_test(the_framing_of_a_response_follows_status_and_method),
        cmocka_unit_test(a_connection_lives_on_as_version_and_connection_say),
        cmocka_unit_test(the_keep_alive_time_of_a_node_is_read),
        cmocka_unit_test(only_a_body_in_http_1_1_waits_for_100),
        cmocka_unit_test(a_websocket_is_asked_for_by_both_fields),
        cmocka_unit_test(fields_of_the_connection_end_here),
        cmocka_unit_test(newel_fields_of_a_node_are_seen_and_not_dropped),
        cmocka_unit_test(a_set_reaches_to_the_last_field),
        cmocka_unit_test(an_error_means_502_when_a_node_made_it),
    };
    return cmocka_run_group_tests_name("proto/http1_head", tests, NULL, NULL);
}
