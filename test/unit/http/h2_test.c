/* HTTP/2 connections: both roles of ours against each other, and against hand-made frames. */
#include "h2_pair.h"

/* ---- serving ---- */


static void serve_text(struct nw_h2_stream *stream, const char *text)
{
    CHECK_OK(nw_h2_respond(stream, NW_SLICE("HTTP/1.1 200 OK\r\nServer: t\r\n\r\n"), false));
    CHECK_OK(h2_write_text(stream, text));
    CHECK_OK(nw_h2_end(stream, NW_SLICE("")));
    CHECK_OK(nw_h2_drain(stream));
}

/* Answers with the request's own head and body. */
static void serve_echo(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    struct nw_slice head = nw_h2_request_head(stream);
    CHECK_OK(nw_h2_respond(stream, NW_SLICE("HTTP/1.1 200 OK\r\n\r\n"), false));
    struct iovec iov = {(void *)(uintptr_t)head.ptr, head.len};
    CHECK_OK(nw_h2_write(stream, &iov, 1, 0));
    for (;;) {
        struct nw_slice piece;
        nw_err err = nw_h2_read(stream, &piece);
        if (err != NW_OK || piece.len == 0)
            break;
        iov = (struct iovec){(void *)(uintptr_t)piece.ptr, piece.len};
        if (nw_h2_write(stream, &iov, 1, 0) != NW_OK)
            break;
    }
    (void)!nw_h2_end(stream, nw_h2_trailers(stream));
    (void)!nw_h2_drain(stream);
    nw_h2_stream_done(stream);
}

static void body_of_a_request_goes_there_and_back(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_echo);
    struct nw_h2_stream *stream =
        h2_ask(&pair, "POST /a?b HTTP/1.1\r\nHost: Ex.org\r\nX-One: 1\r\nCookie: a=b\r\n"
                      "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
               false);
    CHECK_OK(h2_write_text(stream, "hello"));
    CHECK_OK(nw_h2_end(stream, NW_SLICE("Grpc-Status: 0\r\n")));
    h2_expect_head(stream, "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
    h2_expect_body(stream, "POST /a?b HTTP/1.1\r\nhost: Ex.org\r\nx-one: 1\r\ncookie: a=b\r\n"
                           "transfer-encoding: chunked\r\n\r\nhello");
    CHECK(nw_slice_eq(nw_h2_trailers(stream), NW_SLICE("grpc-status: 0\r\n")));
    CHECK(nw_h2_is_ended(stream));
    nw_h2_stream_done(stream);
    h2_pair_close(&pair);
}

static void a_request_goes_there_and_back(void **state)
{
    run(body_of_a_request_goes_there_and_back);
}

/* ---- many at once ---- */

static void serve_path(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    struct nw_slice head = nw_h2_request_head(stream);
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)nw_slice_find(head, '\r'), head.ptr);
    serve_text(stream, text);
    nw_h2_stream_done(stream);
}

static void body_of_many_streams(void)
{
    enum { COUNT = 100 };
    struct h2_pair pair;
    h2_pair_open(&pair, serve_path);
    for (unsigned round = 0; round < 5; round++) {
        struct nw_h2_stream *streams[COUNT];
        for (unsigned i = 0; i < COUNT; i++) {
            char head[96];
            snprintf(head, sizeof head, "GET /%u HTTP/1.1\r\nHost: a\r\n\r\n", i);
            streams[i] = h2_ask(&pair, head, true);
        }
        struct nw_h2_stream *more;
        CHECK_ERR(nw_h2_request(pair.client, NW_SLICE("GET / HTTP/1.1\r\n\r\n"), true, &more),
                  NW_BUSY);
        for (unsigned i = COUNT; i-- > 0;) {
            char body[64];
            snprintf(body, sizeof body, "GET /%u HTTP/1.1", i);
            h2_expect_head(streams[i],
                           "HTTP/1.1 200 \r\nserver: t\r\ntransfer-encoding: chunked\r\n\r\n");
            h2_expect_body(streams[i], body);
            nw_h2_stream_done(streams[i]);
        }
    }
    CHECK_EQ(pair.requests, 5 * COUNT);
    h2_pair_close(&pair);
}

static void a_hundred_streams_share_a_connection(void **state)
{
    run(body_of_many_streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_there_and_back),
        cmocka_unit_test(a_hundred_streams_share_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
