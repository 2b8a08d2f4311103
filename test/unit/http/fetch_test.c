/* The peer is a plain socket: what it says may lie in the kernel before the question is asked. */
#include "http/fetch.h"

#include "../io/loopback.h"
#include "io/buf.h"

static nw_err fetch_from(struct pair *pair, int *out_status)
{
    struct nw_http_fetch fetch = {.path = NW_SLICE("/ready?full=1")};
    return nw_http_fetch(&pair->stream, &fetch, out_status);
}

/* What a fetch makes of an answer after which the peer says no more. */
static nw_err fetch_answer(const char *answer, int *out_status)
{
    struct pair pair;
    pair_open(&pair);
    peer_send(&pair, answer);
    CHECK(shutdown(pair.peer, SHUT_WR) == 0);
    nw_err err = fetch_from(&pair, out_status);
    pair_close(&pair);
    return err;
}

static void ask_body(void)
{
    struct pair pair;
    int status = 0;
    pair_open(&pair);
    peer_send(&pair, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK_OK(fetch_from(&pair, &status));
    CHECK(status == 200);
    peer_expect(&pair, "GET /ready?full=1 HTTP/1.1\r\nHost: localhost\r\n"
                       "User-Agent: newel-health\r\nConnection: close\r\n\r\n");
    pair_close(&pair);
}

static void host_body(void)
{
    struct pair pair;
    struct nw_http_fetch fetch = {.path = NW_SLICE("/"), .host = NW_SLICE("shop.example:8080")};
    int status = 0;
    pair_open(&pair);
    peer_send(&pair, "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK_OK(nw_http_fetch(&pair.stream, &fetch, &status));
    CHECK(status == 204);
    peer_expect(&pair, "GET / HTTP/1.1\r\nHost: shop.example:8080\r\n");
    pair_close(&pair);
}

static void final_body(void)
{
    int status = 0;
    CHECK_OK(fetch_answer("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                          "HTTP/1.1 100 Continue\r\n\r\n"
                          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\nnot ready",
                          &status));
    CHECK(status == 503);
}

static void send_rest(void *arg)
{
    peer_send(arg, "TP/1.0 301 Moved\r\nLocation: /\r\n\r\n");
}

static void pieces_body(void)
{
    struct pair pair;
    struct nw_scope scope;
    int status = 0;
    pair_open(&pair);
    peer_send(&pair, "HT");
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "rest", send_rest, &pair, NULL));
    CHECK_OK(fetch_from(&pair, &status));
    CHECK(status == 301);
    nw_scope_close(&scope);
    pair_close(&pair);
}

static void strict_body(void)
{
    static const char *const bad[] = {
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    };
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        int status = 7;
        CHECK_ERR(fetch_answer(bad[i], &status), NW_BAD_MESSAGE);
        CHECK(status == 7);
    }
}

static void early_body(void)
{
    int status = 7;
    CHECK_ERR(fetch_answer("", &status), NW_PEER_CLOSED);
    CHECK_ERR(fetch_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", &status), NW_PEER_CLOSED);
    CHECK_ERR(fetch_answer("HTTP/1.1 103 Early Hints\r\n\r\n", &status), NW_PEER_CLOSED);
    CHECK(status == 7);
}

static void endless_body(void)
{
    static char endless[64 * 1024];
    int status = 7;
    size_t len = (size_t)snprintf(endless, sizeof endless, "HTTP/1.1 200 OK\r\nX: ");
    memset(endless + len, 'x', 20 * 1024);
    CHECK_ERR(fetch_answer(endless, &status), NW_BAD_MESSAGE);

    static const char hint[] = "HTTP/1.1 103 Early Hints\r\n\r\n";
    len = 0;
    while (len < 20 * 1024) {
        memcpy(endless + len, hint, sizeof hint - 1);
        len += sizeof hint - 1;
    }
    endless[len] = '\0';
    CHECK_ERR(fetch_answer(endless, &status), NW_BAD_MESSAGE);
    CHECK(status == 7);
}

static void tight_body(void)
{
    struct nw_buf buf = {0};
    size_t taken_bytes = 0;
    int status = 0;
    while (nw_memory_try(NW_MEMORY_OTHER, NW_BUF_BYTES))
        taken_bytes += NW_BUF_BYTES;
    CHECK_ERR(nw_buf_reserve(&buf), NW_NO_MEMORY);
    CHECK_OK(fetch_answer("HTTP/1.1 200 OK\r\n\r\n", &status));
    CHECK(status == 200);
    nw_memory_give(NW_MEMORY_OTHER, taken_bytes);
}

static void late_body(void)
{
    struct pair pair;
    int status = 7;
    pair_open(&pair);
    NW_WITHIN(patience, 1);
    CHECK_ERR(fetch_from(&pair, &status), NW_TIMEOUT);
    CHECK(status == 7);
    pair_close(&pair);
}

static void one_get_is_asked_on_a_connection_that_will_close(void **state)
{
    run(ask_body);
}
static void the_host_is_the_given_one(void **state)
{
    run(host_body);
}
static void the_final_answer_counts(void **state)
{
    run(final_body);
}
static void an_answer_may_come_in_pieces(void **state)
{
    run(pieces_body);
}
static void what_the_door_would_refuse_is_no_answer(void **state)
{
    run(strict_body);
}
static void a_head_without_its_end_is_no_answer(void **state)
{
    run(early_body);
}
static void a_head_without_end_is_bounded(void **state)
{
    run(endless_body);
}
static void requests_that_use_up_the_buffers_do_not_fail_it(void **state)
{
    run(tight_body);
}
static void the_callers_deadline_counts(void **state)
{
    run(late_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_get_is_asked_on_a_connection_that_will_close),
        cmocka_unit_test(the_host_is_the_given_one),
        cmocka_unit_test(the_final_answer_counts),
        cmocka_unit_test(an_answer_may_come_in_pieces),
        cmocka_unit_test(what_the_door_would_refuse_is_no_answer),
        cmocka_unit_test(a_head_without_its_end_is_no_answer),
        cmocka_unit_test(a_head_without_end_is_bounded),
        cmocka_unit_test(requests_that_use_up_the_buffers_do_not_fail_it),
        cmocka_unit_test(the_callers_deadline_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
