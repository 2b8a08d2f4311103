/* Ids come from a worker, so each test runs in one. */
#include "gate/ids.h"

#include "../io/core_run.h"
#include "exchange_build.h"

static struct nw_arena arena;
static struct gate_settings settings;
static const struct gate_peer peer = {.kind = NW_ADDR_IP4, .port = 4000, .ip = {192, 0, 2, 7}};

static bool is(struct nw_slice got, const char *wanted)
{
    return nw_slice_eq(got, nw_slice_str(wanted));
}

static bool client_is(const struct made *made, const char *wanted)
{
    char text[NW_ADDR_TEXT_MAX_BYTES];
    return strcmp(nw_addr_print_host(&made->exchange->client, text), wanted) == 0;
}

static void fill(struct made *made, const char *fields)
{
    static char text[2048];
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    made_init(made, text);
    gate_ids_fill(made->exchange, &settings, &peer);
}

static void trust_the_peer(void)
{
    struct nw_cidr trusted;
    CHECK_EQ(nw_cidr_parse(NW_SLICE("192.0.2.0/24"), &trusted), NW_OK);
    settings = (struct gate_settings){.trusted = nw_ip_ranges_new(&trusted, 1, &arena)};
}

static void make_body(void)
{
    char one[NW_HTTP_ID_BYTES + 1] = "", two[NW_HTTP_ID_BYTES + 1] = "";
    gate_ids_make(one);
    gate_ids_make(two);
    CHECK_EQ(strspn(one, "0123456789abcdef"), NW_HTTP_ID_BYTES);
    CHECK_EQ(strspn(two, "0123456789abcdef"), NW_HTTP_ID_BYTES);
    CHECK(strcmp(one, two) != 0);
}

static void stranger_body(void)
{
    struct made made;
    settings = (struct gate_settings){0};
    fill(&made, "X-Request-Id: theirs\r\nX-Forwarded-For: 203.0.113.9\r\n");
    CHECK(!made.exchange->is_peer_trusted);
    CHECK(!is(made.exchange->request_id, "theirs"));
    CHECK_EQ(made.exchange->request_id.len, NW_HTTP_ID_BYTES);
    CHECK(client_is(&made, "192.0.2.7"));
    CHECK_EQ(made.exchange->peer.port, 4000);
    made_done(&made);
}

static void trusted_body(void)
{
    struct made made;
    trust_the_peer();
    fill(&made, "X-Request-Id: Their-id_1:a/b+c=.\r\nX-Forwarded-For: 203.0.113.9\r\n");
    CHECK(made.exchange->is_peer_trusted);
    CHECK(is(made.exchange->request_id, "Their-id_1:a/b+c=."));
    CHECK(client_is(&made, "203.0.113.9"));
    made_done(&made);
}

static void bad_id_body(void)
{
    static const char *const bad[] = {"", "a b", "a\"b", "a;b", "a,b", "<a>"};
    struct made made;
    char fields[512];
    trust_the_peer();
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        snprintf(fields, sizeof fields, "X-Request-Id: %s\r\n", bad[i]);
        fill(&made, fields);
        CHECK_EQ(made.exchange->request_id.len, NW_HTTP_ID_BYTES);
        made_done(&made);
    }
    for (int len = NW_HTTP_ID_MAX_BYTES; len <= NW_HTTP_ID_MAX_BYTES + 1; len++) {
        snprintf(fields, sizeof fields, "X-Request-Id: %0*d\r\n", len, 1);
        fill(&made, fields);
        CHECK_EQ(made.exchange->request_id.len,
                 len <= NW_HTTP_ID_MAX_BYTES ? len : NW_HTTP_ID_BYTES);
        made_done(&made);
    }
}

static void client_body(void)
{
    struct made made;
    trust_the_peer();
    /* The nearest address that no trusted proxy has; what stands before it is hearsay. */
    fill(&made, "X-Forwarded-For: 1.1.1.1, 203.0.113.9, 192.0.2.50\r\n");
    CHECK(client_is(&made, "203.0.113.9"));
    made_done(&made);
    fill(&made, "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2001:db8::5, 192.0.2.50\r\n");
    CHECK(client_is(&made, "2001:db8::5"));
    made_done(&made);
    fill(&made, "X-Forwarded-For: 192.0.2.60, 192.0.2.50\r\n"); /* all are proxies: the farthest */
    CHECK(client_is(&made, "192.0.2.60"));
    made_done(&made);
    fill(&made, "X-Forwarded-For: unknown, nonsense\r\n");
    CHECK(client_is(&made, "192.0.2.7"));
    made_done(&made);
}

static void mapped_body(void)
{
    struct made made;
    trust_the_peer();
    fill(&made, "X-Forwarded-For: 203.0.113.9, ::ffff:192.0.2.50\r\n");
    CHECK(client_is(&made, "203.0.113.9"));
    made_done(&made);
    fill(&made, "X-Forwarded-For: ::ffff:203.0.113.9\r\n");
    CHECK(client_is(&made, "203.0.113.9"));
    CHECK_EQ(made.exchange->client.kind, NW_ADDR_IP4);
    made_done(&made);
}

static void hearsay_body(void)
{
    struct made made;
    trust_the_peer();
    fill(&made, "X-Forwarded-For: 6.6.6.6, unknown\r\n");
    CHECK(client_is(&made, "192.0.2.7"));
    made_done(&made);
    fill(&made, "X-Forwarded-For: 6.6.6.6, 203.0.113.9:5555, 192.0.2.50\r\n");
    CHECK(client_is(&made, "192.0.2.50")); /* the farthest of those that can be believed */
    made_done(&made);
    fill(&made, "X-Forwarded-For: 6.6.6.6, unknown, 203.0.113.9, 192.0.2.50\r\n");
    CHECK(client_is(&made, "203.0.113.9"));
    made_done(&made);
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void trace_body(void)
{
    struct made made;
    settings = (struct gate_settings){0};
    fill(&made, "traceparent: 00-" TRACE "-" SPAN "-00\r\n");
    struct nw_slice got = nw_slice_of(made.exchange->traceparent, NW_HTTP_TRACEPARENT_BYTES);
    CHECK(is(nw_slice_first(got, 36), "00-" TRACE "-"));
    CHECK(!is(nw_slice_of(got.ptr + 36, 16), SPAN));
    CHECK(is(nw_slice_skip(got, 52), "-00"));
    made_done(&made);
    fill(&made, "traceparent: cc-" TRACE "-" SPAN "-01-later-version\r\n");
    CHECK(is(nw_slice_of(made.exchange->traceparent, 35), "00-" TRACE));
    made_done(&made);
}

static void bad_trace_body(void)
{
    static const char *const bad[] = {
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01-more",
        "ff-" TRACE "-" SPAN "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "_" SPAN "_01",
    };
    settings = (struct gate_settings){0};
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        struct made made;
        char fields[256];
        snprintf(fields, sizeof fields, "traceparent: %s\r\n", bad[i]);
        fill(&made, fields);
        struct nw_slice got = nw_slice_of(made.exchange->traceparent, NW_HTTP_TRACEPARENT_BYTES);
        CHECK(!is(nw_slice_of(got.ptr + 3, 32), TRACE));
        CHECK(nw_slice_eq(nw_slice_of(got.ptr + 3, 32),
                          nw_slice_of(made.exchange->id_text, NW_HTTP_ID_BYTES)));
        CHECK(is(nw_slice_skip(got, 52), "-01"));
        made_done(&made);
    }
}

static void an_id_is_32_hex_digits_and_never_the_same(void **state)
{
    core_run(1, make_body);
}
static void a_stranger_is_not_believed(void **state)
{
    core_run(1, stranger_body);
}
static void a_trusted_proxy_is_believed(void **state)
{
    core_run(1, trusted_body);
}
static void an_id_that_could_break_a_log_is_replaced(void **state)
{
    core_run(1, bad_id_body);
}
static void the_client_is_the_nearest_that_is_no_proxy(void **state)
{
    core_run(1, client_body);
}
static void a_mapped_address_is_an_ipv4_address(void **state)
{
    core_run(1, mapped_body);
}
static void what_stands_before_no_address_is_hearsay(void **state)
{
    core_run(1, hearsay_body);
}
static void a_trace_goes_on_with_a_new_span(void **state)
{
    core_run(1, trace_body);
}
static void a_malformed_trace_begins_anew(void **state)
{
    core_run(1, bad_trace_body);
}

static int set_up(void **state)
{
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    nw_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_32_hex_digits_and_never_the_same),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(a_trusted_proxy_is_believed),
        cmocka_unit_test(an_id_that_could_break_a_log_is_replaced),
        cmocka_unit_test(the_client_is_the_nearest_that_is_no_proxy),
        cmocka_unit_test(a_mapped_address_is_an_ipv4_address),
        cmocka_unit_test(what_stands_before_no_address_is_hearsay),
        cmocka_unit_test(a_trace_goes_on_with_a_new_span),
        cmocka_unit_test(a_malformed_trace_begins_anew),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
