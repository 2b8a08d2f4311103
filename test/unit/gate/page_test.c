/* Answers of newel's own, as the sink gets them. */
#include "gate/page.h"

#include "exchange_build.h"

static bool body_has(const struct made *made, const char *part)
{
    return made->body.ptr != NULL && strstr(made->body.ptr, part) != NULL;
}

static bool lines_have(const struct made *made, const char *line)
{
    struct nw_slice lines = made->exchange->answer_lines;
    return memmem(lines.ptr, lines.len, line, strlen(line)) != NULL;
}

static void a_page_names_the_status_a_sentence_and_the_request(void **state)
{
    struct made made;
    made_init(&made, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(gate_page(made.exchange, 502, gate_sentence(502)), NW_OK);
    assert_int_equal(made.answer.status, 502);
    assert_int_equal(made.answer.length_bytes, made.body.len);
    assert_true(lines_have(&made, "Content-Type: text/html; charset=utf-8\r\n"));
    assert_true(lines_have(&made, "Cache-Control: no-store\r\n"));
    assert_true(body_has(&made, "<h1>502 Bad Gateway</h1>"));
    assert_true(body_has(&made, gate_sentence(502)));
    assert_true(body_has(&made, "Request id-1"));
    assert_int_equal(made.heads, 1);
    assert_int_equal(made.ends, 1);
    made_done(&made);
}

static void a_client_that_prefers_json_gets_a_problem(void **state)
{
    static const struct {
        const char *accept;
        bool is_json;
    } cases[] = {
        {"application/json", true},
        {"application/problem+json", true},
        {"Application/JSON;q=0.9, text/html", true},
        {"text/html, application/json", false},
        {"*/*", false},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct made made;
        char text[256];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nAccept: %s\r\n\r\n",
                 cases[i].accept);
        made_init(&made, text);
        assert_int_equal(gate_page(made.exchange, 404, gate_sentence(404)), NW_OK);
        assert_true(lines_have(&made, "application/problem+json") == cases[i].is_json);
        assert_true(body_has(&made, "\"status\":404") == cases[i].is_json);
        assert_true(body_has(&made, "\"request_id\":\"id-1\"") == cases[i].is_json);
        made_done(&made);
    }
}

static void an_id_cannot_break_out_of_a_page(void **state)
{
    struct made made;
    made_init(&made, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    made.exchange->request_id = NW_SLICE("<script>");
    assert_int_equal(gate_page(made.exchange, 404, gate_sentence(404)), NW_OK);
    assert_false(body_has(&made, "<script>"));
    made_done(&made);
}

static void only_a_busy_server_says_when_to_come_again(void **state)
{
    static const int statuses[] = {404, 502, 503};
    for (size_t i = 0; i < NW_COUNT(statuses); i++) {
        struct made made;
        made_init(&made, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(gate_page(made.exchange, statuses[i], "x"), NW_OK);
        assert_true(lines_have(&made, "Retry-After: ") == (statuses[i] == 503));
        made_done(&made);
    }
}

static void head_tells_the_length_and_sends_no_body(void **state)
{
    struct made made;
    made_init(&made, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(gate_respond(made.exchange, 200, NW_SLICE("text/plain"), NW_SLICE("hello")),
                     NW_OK);
    assert_true(made.answer.has_no_body);
    assert_int_equal(made.answer.length_bytes, 5);
    assert_int_equal(made.body.len, 0);
    assert_int_equal(made.ends, 1);
    made_done(&made);
}

static void statuses_without_a_body_have_no_length(void **state)
{
    static const int statuses[] = {204, 304};
    for (size_t i = 0; i < NW_COUNT(statuses); i++) {
        struct made made;
        made_init(&made, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(gate_respond(made.exchange, statuses[i], nw_slice_of(NULL, 0),
                                      NW_SLICE("dropped")),
                         NW_OK);
        assert_true(made.answer.has_no_body);
        assert_int_equal(made.answer.length_bytes, NW_HTTP_LENGTH_UNKNOWN);
        assert_int_equal(made.body.len, 0);
        made_done(&made);
    }
}

static void a_redirect_has_a_location_and_an_empty_body(void **state)
{
    struct made made;
    made_init(&made, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(gate_redirect(made.exchange, 308, NW_SLICE("/a/?x=1")), NW_OK);
    assert_slice(made.exchange->answer_lines, "Location: /a/?x=1\r\n");
    assert_int_equal(made.answer.status, 308);
    assert_int_equal(made.answer.length_bytes, 0);
    made_done(&made);
}

static void a_raw_page_is_one_whole_answer_that_closes(void **state)
{
    char text[2048];
    const char id[NW_HTTP_ID_BYTES + 1] = "0123456789abcdef0123456789abcdef";
    size_t bytes = gate_page_raw(431, gate_sentence(431), id,
                                 NW_SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), text, sizeof text);
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    struct nw_http1_message message;
    struct nw_http1_asked asked = {.method = NW_HTTP_GET};
    nw_http1_class found;
    nw_http1_parser_init(&parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    assert_int_equal(nw_http1_parse(&parser, nw_slice_of(text, bytes), &head), NW_OK);
    assert_int_equal(nw_http1_response_judge(&head, text, &asked, &message, &found), NW_OK);
    assert_int_equal(head.status, 431);
    assert_false(message.keep_alive);
    assert_int_equal(message.framing, NW_HTTP1_BODY_LENGTH);
    assert_int_equal(head.head_bytes + message.length_bytes, bytes);
    assert_slice(nw_http1_get(&head, text, NW_HTTP_FIELD_DATE), "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void a_raw_page_that_does_not_fit_is_nothing(void **state)
{
    char text[64];
    const char id[NW_HTTP_ID_BYTES + 1] = "0123456789abcdef0123456789abcdef";
    assert_int_equal(gate_page_raw(400, "x", id, NW_SLICE("d"), text, sizeof text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_names_the_status_a_sentence_and_the_request),
        cmocka_unit_test(a_client_that_prefers_json_gets_a_problem),
        cmocka_unit_test(an_id_cannot_break_out_of_a_page),
        cmocka_unit_test(only_a_busy_server_says_when_to_come_again),
        cmocka_unit_test(head_tells_the_length_and_sends_no_body),
        cmocka_unit_test(statuses_without_a_body_have_no_length),
        cmocka_unit_test(a_redirect_has_a_location_and_an_empty_body),
        cmocka_unit_test(a_raw_page_is_one_whole_answer_that_closes),
        cmocka_unit_test(a_raw_page_that_does_not_fit_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
