/*
 * What a node sees. Read back with the parser of the door, so that a line is never taken for part
 * of another.
 */
#include "gate/forward.h"

#include "exchange_build.h"

static struct nw_gate_service keep = {.host = {.kind = NW_CONF_HOST_KEEP}};

struct seen {
    char bytes[32 * 1024];
    struct nw_http1_head head;
};

static nw_err write_head(struct made *made, const struct nw_gate_service *service,
                         const char *node, struct seen *seen)
{
    struct nw_buf out = {.data = seen->bytes, .cap_bytes = sizeof seen->bytes};
    NW_TRY(gate_forward_head(made->exchange, service, node, &out));
    struct nw_http1_parser parser;
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    NW_TRY(nw_http1_parse(&parser, nw_buf_unread(&out), &seen->head));
    assert_int_equal(seen->head.head_bytes, nw_buf_unread_bytes(&out));
    return NW_OK;
}

/* The values of all fields of that name, ", " between; "-" when there is none. */
static const char *values(struct seen *seen, const char *name, char out[512])
{
    size_t len = 0;
    for (int at = -1;;) {
        at = nw_http1_find(&seen->head, seen->bytes, nw_slice_str(name), (uint32_t)(at + 1));
        if (at < 0)
            break;
        struct nw_slice value = nw_http1_value(&seen->head, seen->bytes, (uint32_t)at);
        len += (size_t)snprintf(out + len, 512 - len, "%s%.*s", len > 0 ? " | " : "",
                                NW_SLICE_ARG(value));
    }
    if (len == 0)
        memcpy(out, "-", 2);
    return out;
}

#define assert_field(seen, name, wanted)                                                           \
    do {                                                                                           \
        char values_[512];                                                                         \
        assert_string_equal(values(seen, name, values_), wanted);                                  \
    } while (0)

static void end_to_end_fields_pass_and_the_connections_own_end(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, "GET /a?b=1 HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n"
                     "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                     "Proxy-Connection: keep-alive\r\nTE: trailers\r\nCookie: a=1\r\n\r\n");
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_slice(nw_http1_target(&seen.head, seen.bytes), "/a?b=1");
    assert_field(&seen, "host", "shop.example");
    assert_field(&seen, "accept", "*/*");
    assert_field(&seen, "cookie", "a=1");
    assert_field(&seen, "x-hop", "-");
    assert_field(&seen, "keep-alive", "-");
    assert_field(&seen, "proxy-connection", "-");
    assert_field(&seen, "te", "-");
    assert_field(&seen, "via", "1.1 newel");
    assert_field(&seen, "x-request-id", "id-1");
    assert_field(&seen, "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    made_done(&made);
}

static const char claims[] =
    "GET / HTTP/1.1\r\nHost: shop.example:8080\r\nX-Forwarded-For: 203.0.113.9\r\n"
    "X-Forwarded-For: 198.51.100.2\r\nX-Forwarded-Proto: https\r\nForwarded: for=203.0.113.9\r\n"
    "X-Forwarded-Host: evil.example\r\nX-Real-IP: 203.0.113.9\r\nX-Request-Id: theirs\r\n\r\n";

static void claims_of_an_unknown_peer_are_replaced(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, claims);
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "x-forwarded-for", "192.0.2.7");
    assert_field(&seen, "x-forwarded-proto", "http");
    assert_field(&seen, "x-forwarded-host", "shop.example:8080");
    assert_field(&seen, "forwarded", "for=192.0.2.7;proto=http;host=\"shop.example:8080\"");
    assert_field(&seen, "x-real-ip", "-");
    assert_field(&seen, "x-request-id", "id-1");
    made_done(&made);
}

static void claims_of_a_trusted_peer_are_appended_to(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, claims);
    made.exchange->is_peer_trusted = true;
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "x-forwarded-for", "203.0.113.9, 198.51.100.2, 192.0.2.7");
    assert_field(&seen, "x-forwarded-proto", "https");
    assert_field(&seen, "x-forwarded-host", "evil.example");
    assert_field(&seen, "forwarded",
                 "for=203.0.113.9, for=192.0.2.7;proto=http;host=\"shop.example:8080\"");
    made_done(&made);
}

/* CGI, WSGI and PHP read X_Forwarded_For as X-Forwarded-For. */
static void disguised_claims_are_nobodys_word(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 203.0.113.9\r\n"
                     "x-forwarded_proto: https\r\nX_Forwarded-Host: evil.example\r\n"
                     "x_forwarded_port: 1\r\nX_Real_IP: 203.0.113.9\r\nX_Request_Id: theirs\r\n"
                     "x_forwarded: mine\r\nx_mine: mine\r\nX-Mine: mine\r\n\r\n");
    for (unsigned i = 0; i < 2; i++) {
        made.exchange->is_peer_trusted = i == 1;
        assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
        assert_field(&seen, "x-forwarded-for", "192.0.2.7");
        assert_field(&seen, "x_forwarded_for", "-");
        assert_field(&seen, "x-forwarded_proto", "-");
        assert_field(&seen, "x_forwarded-host", "-");
        assert_field(&seen, "x_forwarded_port", "-");
        assert_field(&seen, "x_real_ip", "-");
        assert_field(&seen, "x_request_id", "-");
        assert_field(&seen, "x_forwarded", "mine");
        assert_field(&seen, "x_mine", "mine");
        assert_field(&seen, "x-mine", "mine");
    }
    made_done(&made);
}

static void one_host_goes_out_by_the_services_rule(void **state)
{
    struct nw_gate_service node = {.host = {.kind = NW_CONF_HOST_NODE}};
    struct nw_gate_service fixed = {
        .host = {.kind = NW_CONF_HOST_FIXED, .text = NW_SLICE("inside.example")}};
    struct made made;
    struct seen seen;
    made_init(&made, "GET http://real.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n");
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "host", "real.example");
    assert_slice(nw_http1_target(&seen.head, seen.bytes), "/x");
    assert_int_equal(write_head(&made, &node, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "host", "10.0.0.1:80");
    assert_int_equal(write_head(&made, &node, "unix:/run/shop.sock", &seen), NW_OK);
    assert_field(&seen, "host", "real.example");
    assert_int_equal(write_head(&made, &fixed, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "host", "inside.example");
    made_done(&made);
}

static void framing_is_written_from_what_is_known_of_the_body(void **state)
{
    static const struct {
        const char *request;
        int64_t length_bytes;
        const char *length;
        const char *coding;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "-", "-"},
        {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "0", "-"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0, "0", "-"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 9, "9", "-"},
        /* Chunked, but collected meanwhile. */
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 7, "7", "-"},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "0", "-"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
         NW_HTTP_LENGTH_UNKNOWN, "-", "chunked"},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct made made;
        struct seen seen;
        made_init(&made, cases[i].request);
        made.source.length_bytes = cases[i].length_bytes;
        assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
        assert_field(&seen, "content-length", cases[i].length);
        assert_field(&seen, "transfer-encoding", cases[i].coding);
        made_done(&made);
    }
}

static void an_expectation_goes_on_only_with_a_body_that_is_still_coming(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                     "Expect: 100-continue\r\n\r\n");
    made.source.length_bytes = 5;
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "expect", "-");
    made.source.is_whole = false;
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "expect", "100-continue");
    made_done(&made);
}

static void the_path_is_the_normalised_one_unless_the_route_wants_it_raw(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, "GET /a/../%62?x=%7e HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_slice(nw_http1_target(&seen.head, seen.bytes), "/b?x=%7e");
    made.exchange->is_target_raw = true;
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_slice(nw_http1_target(&seen.head, seen.bytes), "/a/../%62?x=%7e");
    made_done(&made);
}

static void an_ipv6_peer_is_quoted_where_a_colon_would_mean_something(void **state)
{
    struct made made;
    struct seen seen;
    made_init(&made, "GET / HTTP/1.0\r\n\r\n");
    made.exchange->peer = (struct nw_addr){.kind = NW_ADDR_IP6, .ip6 = {0x20, 0x01, 0x0d, 0xb8}};
    made.exchange->peer.ip6[15] = 1;
    assert_int_equal(write_head(&made, &keep, "10.0.0.1:80", &seen), NW_OK);
    assert_field(&seen, "x-forwarded-for", "2001:db8::1");
    assert_field(&seen, "forwarded", "for=\"[2001:db8::1]\";proto=http");
    assert_field(&seen, "host", "localhost");
    assert_field(&seen, "x-forwarded-host", "-");
    made_done(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_to_end_fields_pass_and_the_connections_own_end),
        cmocka_unit_test(claims_of_an_unknown_peer_are_replaced),
        cmocka_unit_test(claims_of_a_trusted_peer_are_appended_to),
        cmocka_unit_test(disguised_claims_are_nobodys_word),
        cmocka_unit_test(one_host_goes_out_by_the_services_rule),
        cmocka_unit_test(framing_is_written_from_what_is_known_of_the_body),
        cmocka_unit_test(an_expectation_goes_on_only_with_a_body_that_is_still_coming),
        cmocka_unit_test(the_path_is_the_normalised_one_unless_the_route_wants_it_raw),
        cmocka_unit_test(an_ipv6_peer_is_quoted_where_a_colon_would_mean_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
