/* HTTP/2 connections: both roles of ours against each other, and against hand-made frames. */
#include "h2_pair.h"

#include "http/h2_impl.h"

/* ---- serving ---- */


static void serve_text(struct nw_h2_stream *stream, const char *text)
{
    nw_err err = nw_h2_respond(stream, NW_SLICE("HTTP/1.1 200 OK\r\nServer: t\r\n\r\n"), false);
    if (err == NW_OK)
        err = h2_write_text(stream, text);
    if (err == NW_OK)
        err = nw_h2_end(stream, NW_SLICE(""));
    if (err == NW_OK)
        err = nw_h2_drain(stream);
    CHECK(err == NW_OK || nw_h2_is_gone(stream));
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

/* ---- back pressure ---- */

enum { LARGE_BYTES = 3 << 20 };
static char large[LARGE_BYTES];

static void fill_large(void)
{
    for (unsigned i = 0; i < LARGE_BYTES; i++)
        large[i] = (char)(i * 2654435761U >> 24);
}

static void serve_large(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    struct iovec iov = {large, LARGE_BYTES};
    CHECK_OK(nw_h2_respond(stream, NW_SLICE("HTTP/1.1 200 OK\r\n\r\n"), false));
    nw_err err = nw_h2_write(stream, &iov, 1, 0);
    if (err == NW_OK)
        CHECK_OK(nw_h2_end(stream, NW_SLICE("")));
    if (err == NW_OK)
        CHECK_OK(nw_h2_drain(stream));
    pair->last_error = err;
    nw_h2_stream_done(stream);
}

/* The whole of `large`, in order. */
static void expect_large(struct nw_h2_stream *stream)
{
    size_t at = 0;
    for (;;) {
        struct nw_slice piece;
        CHECK_OK(nw_h2_read(stream, &piece));
        if (piece.len == 0)
            break;
        CHECK(at + piece.len <= LARGE_BYTES && memcmp(piece.ptr, large + at, piece.len) == 0);
        at += piece.len;
    }
    CHECK_EQ(at, LARGE_BYTES);
}

static void body_of_slow_and_fast(void)
{
    enum { SLOW = 20, FAST = 5 };
    struct h2_pair pair;
    struct nw_h2_stream *slow[SLOW];
    h2_pair_open(&pair, serve_large);
    uint64_t before_bytes = nw_memory_used_bytes(runtime_here(), NW_MEMORY_READ_AHEAD);
    for (unsigned i = 0; i < SLOW; i++)
        slow[i] = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    CHECK(nw_memory_used_bytes(runtime_here(), NW_MEMORY_READ_AHEAD) - before_bytes >=
          SLOW * 64 * 1024);
    for (unsigned i = 0; i < FAST; i++) { /* all windows of the slow ones are full by now */
        struct nw_h2_stream *fast = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
        h2_expect_head(fast, "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
        expect_large(fast);
        nw_h2_stream_done(fast);
    }
    for (unsigned i = 0; i < SLOW; i++) {
        h2_expect_head(slow[i], "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
        expect_large(slow[i]);
        nw_h2_stream_done(slow[i]);
    }
    CHECK_EQ(nw_memory_used_bytes(runtime_here(), NW_MEMORY_READ_AHEAD), before_bytes);
    h2_pair_close(&pair);
}

static void slow_readers_hold_up_nobody_else(void **state)
{
    fill_large();
    run(body_of_slow_and_fast);
}

static void serve_hash(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    expect_large(stream);
    CHECK(nw_h2_is_ended(stream));
    serve_text(stream, "ok");
    nw_h2_stream_done(stream);
}

static void body_of_uploads(void)
{
    struct h2_pair pair;
    struct nw_h2_stream *streams[4];
    struct iovec iov = {large, LARGE_BYTES};
    h2_pair_open(&pair, serve_hash);
    for (unsigned i = 0; i < 4; i++) {
        streams[i] = h2_ask(&pair, "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", false);
        CHECK_OK(nw_h2_write(streams[i], &iov, 1, 64 * 1024));
        CHECK_OK(nw_h2_end(streams[i], NW_SLICE("")));
    }
    for (unsigned i = 0; i < 4; i++) {
        h2_expect_head(streams[i],
                       "HTTP/1.1 200 \r\nserver: t\r\ntransfer-encoding: chunked\r\n\r\n");
        h2_expect_body(streams[i], "ok");
        nw_h2_stream_done(streams[i]);
    }
    h2_pair_close(&pair);
}

static void large_uploads_arrive_whole(void **state)
{
    fill_large();
    run(body_of_uploads);
}

static void body_of_a_reader_that_stops(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_large);
    pair.last_error = NW_OK;
    struct nw_h2_stream *stream = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    h2_expect_head(stream, "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
    pass_some_turns(20);
    nw_clock_advance_ms(runtime_here(), 11000);
    struct nw_slice piece;
    nw_err err;
    do { /* what had arrived is not lost to the reset, but the end is an error */
        err = nw_event_wait(nw_h2_news(stream));
        nw_event_clear(nw_h2_news(stream));
    } while (err == NW_OK && !nw_h2_is_gone(stream));
    CHECK_ERR(nw_h2_read(stream, &piece), NW_PEER_RESET);
    CHECK_EQ(nw_h2_code(stream), NW_HTTP2_CANCEL);
    CHECK_EQ(pair.last_error, NW_CLIENT_SLOW);
    CHECK(!nw_h2_never_started(stream));
    nw_h2_stream_done(stream);
    h2_pair_close(&pair);
}

static void a_reader_that_stops_is_reset(void **state)
{
    run(body_of_a_reader_that_stops);
}

static void body_of_little_memory(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_path);
    nw_memory_set_max_bytes(runtime_here(), NW_MEMORY_READ_AHEAD, 3 * 64 * 1024);
    struct nw_h2_stream *streams[3], *more;
    for (unsigned i = 0; i < 3; i++)
        streams[i] = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    CHECK_ERR(nw_h2_request(pair.client, NW_SLICE("GET / HTTP/1.1\r\n\r\n"), true, &more),
              NW_BUSY);
    for (unsigned i = 0; i < 3; i++)
        nw_h2_stream_done(streams[i]);
    CHECK_EQ(nw_memory_used_bytes(runtime_here(), NW_MEMORY_READ_AHEAD), 0);
    h2_pair_close(&pair);
}

static void a_window_without_memory_behind_it_is_not_opened(void **state)
{
    run(body_of_little_memory);
}

/* Reads to the end and says how that went. */
static void serve_reading(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    char got[64];
    size_t bytes;
    pair->last_error = h2_read_all(stream, got, sizeof got, &bytes);
    nw_h2_stream_done(stream);
    pair->done++;
}

/* All buffers that there are but one, which the connection needs to read at all. */
static unsigned take_all_but_one(struct nw_buf *bufs, unsigned max)
{
    unsigned count = 0;
    uint64_t used_bytes = nw_memory_used_bytes(runtime_here(), NW_MEMORY_BUFFERS);
    nw_memory_set_max_bytes(runtime_here(), NW_MEMORY_BUFFERS, used_bytes + NW_BUF_BYTES);
    while (nw_buf_reserve(&bufs[count]) == NW_OK)
        CHECK(++count < max);
    nw_buf_release(&bufs[--count]);
    return count;
}

static void give_back(struct nw_buf *bufs, unsigned count)
{
    nw_memory_set_max_bytes(runtime_here(), NW_MEMORY_BUFFERS, 0);
    while (count > 0)
        nw_buf_release(&bufs[--count]);
}

/* Head, bytes and END_STREAM come with one read, whose bytes find no room. */
static void fail_for_memory(const char *body, const char *trailers)
{
    static struct nw_buf bufs[1024];
    struct h2_pair pair;
    h2_pair_open(&pair, serve_reading);
    struct nw_h2_stream *stream = h2_ask(&pair, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    CHECK_OK(h2_write_text(stream, body));
    CHECK_OK(nw_h2_end(stream, nw_slice_str(trailers)));
    CHECK_OK(nw_h2_drain(stream));
    nw_h2_flush(pair.client);
    unsigned count = take_all_but_one(bufs, NW_COUNT(bufs));
    while (pair.done == 0)
        pass_some_turns(1);
    CHECK_ERR(pair.last_error, NW_NO_MEMORY);
    give_back(bufs, count);
    struct nw_buf head = {0};
    CHECK_ERR(nw_h2_head(stream, &head), NW_PEER_RESET);
    CHECK_EQ(nw_h2_code(stream), NW_HTTP2_ENHANCE_YOUR_CALM);
    nw_h2_stream_done(stream);
    h2_pair_close(&pair);
}

static void body_of_no_memory_for_a_body(void)
{
    char body[3001];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    fail_for_memory(body, "");
}

static void a_body_that_finds_no_memory_is_not_whole(void **state)
{
    run(body_of_no_memory_for_a_body);
}

static void body_of_no_memory_for_trailers(void)
{
    fail_for_memory("short", "x-sum: 1\r\n");
}

static void an_end_whose_trailers_find_no_memory_is_none(void **state)
{
    run(body_of_no_memory_for_trailers);
}

/* ---- ends ---- */

static void serve_nothing(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    nw_h2_watch_gone(stream, nw_fiber_self());
    pair->last_error = nw_sleep(3600000);
    pair->was_gone = nw_h2_is_gone(stream);
    pair->last_code = nw_h2_code(stream);
    nw_h2_stream_done(stream);
    pair->done++;
}

static void body_of_a_client_that_resets(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_nothing);
    struct nw_h2_stream *stream = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    while (pair.requests == 0)
        pass_some_turns(1);
    nw_h2_stream_done(stream);
    while (pair.done == 0)
        pass_some_turns(1);
    CHECK_ERR(pair.last_error, NW_CANCELLED);
    CHECK(pair.was_gone);
    CHECK_EQ(pair.last_code, NW_HTTP2_CANCEL);
    CHECK_EQ(pair.glitches[NW_HTTP2_GLITCH_RESET], 1);
    h2_pair_close(&pair);
}

static void a_reset_cancels_who_watches(void **state)
{
    run(body_of_a_client_that_resets);
}

static void serve_early(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    CHECK_OK(nw_h2_respond(stream, NW_SLICE("HTTP/1.1 413 Large\r\n\r\n"), true));
    nw_h2_stream_done(stream);
}

static void body_of_an_early_answer(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_early);
    struct nw_h2_stream *stream = h2_ask(&pair, "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    h2_expect_head(stream, "HTTP/1.1 413 \r\ncontent-length: 0\r\n\r\n");
    CHECK(nw_h2_is_ended(stream));
    while (!nw_h2_is_gone(stream))
        pass_some_turns(1);
    CHECK_EQ(nw_h2_code(stream), NW_HTTP2_NO_ERROR);
    CHECK_ERR(h2_write_text(stream, "late"), NW_PEER_RESET);
    h2_expect_body(stream, ""); /* the answer is whole all the same */
    nw_h2_stream_done(stream);
    h2_pair_close(&pair);
}

static void an_answer_before_the_bodys_end_stays_whole(void **state)
{
    run(body_of_an_early_answer);
}

/* A handler that keeps working although its client is gone. */
static void serve_until_let_go(struct h2_pair *pair, struct nw_h2_stream *stream)
{
    CHECK_OK(nw_event_wait(&pair->let_go));
    nw_h2_stream_done(stream);
}

static void body_of_slots(void)
{
    enum { TRIES = 30 };
    struct h2_pair pair;
    memset(&pair, 0, sizeof pair);
    pair.serve = serve_until_let_go;
    nw_event_init(&pair.let_go);
    struct nw_h2_options client = h2_options(&pair, true), server = h2_options(&pair, false);
    server.streams_max = 3;
    h2_pair_open_with(&pair, &client, &server);
    CHECK_OK(nw_h2_ping(pair.client, 1000));
    CHECK_EQ(nw_h2_slots_free(pair.client), 3);
    for (unsigned i = 0; i < TRIES; i++) { /* opened and reset at once: no slot comes back */
        struct nw_h2_stream *stream = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
        CHECK_OK(nw_h2_ping(pair.client, 1000));
        nw_h2_stream_done(stream);
        CHECK_OK(nw_h2_ping(pair.client, 1000));
    }
    CHECK_EQ(pair.requests, 3);
    CHECK_EQ(pair.glitches[NW_HTTP2_GLITCH_REFUSED], TRIES - 3);
    CHECK_EQ(pair.glitches[NW_HTTP2_GLITCH_RESET], 3); /* the refused ones are over already */
    nw_event_set(&pair.let_go);
    h2_pair_close(&pair);
}

static void a_reset_buys_no_slot(void **state)
{
    run(body_of_slots);
}

static void body_of_shutdown(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_echo);
    struct nw_h2_stream *stream =
        h2_ask(&pair, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    h2_expect_head(stream, "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
    nw_h2_shutdown(pair.server);
    while (pair.downs == 0)
        pass_some_turns(1);
    CHECK_EQ(nw_h2_slots_free(pair.client), 0);
    struct nw_h2_stream *more;
    CHECK_ERR(nw_h2_request(pair.client, NW_SLICE("GET / HTTP/1.1\r\n\r\n"), true, &more),
              NW_DRAINING);
    CHECK_OK(h2_write_text(stream, "still here")); /* what runs goes on */
    CHECK_OK(nw_h2_end(stream, NW_SLICE("")));
    h2_expect_body(stream, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                           "still here");
    nw_h2_stream_done(stream);
    while (!pair.is_server_over || !pair.is_client_over)
        pass_some_turns(1);
    CHECK_ERR(pair.server_result, NW_PEER_CLOSED);
    CHECK_ERR(pair.client_result, NW_PEER_CLOSED);
    CHECK_EQ(pair.downs, 1);
    h2_pair_close(&pair);
}

static void a_drained_connection_ends_with_its_last_stream(void **state)
{
    run(body_of_shutdown);
}

static void body_of_a_dead_node(void)
{
    struct h2_pair pair;
    h2_pair_open(&pair, serve_nothing);
    struct nw_h2_stream *sent = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    while (pair.requests == 0)
        pass_some_turns(1);
    struct nw_h2_stream *unsent = h2_ask(&pair, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    nw_h2_abort(pair.client, NW_HTTP2_NO_ERROR);
    CHECK(nw_h2_is_gone(sent) && nw_h2_is_gone(unsent));
    CHECK(!nw_h2_never_started(sent));
    struct nw_buf buf = {0};
    CHECK_ERR(nw_h2_head(sent, &buf), NW_PEER_CLOSED);
    CHECK_ERR(nw_h2_head(unsent, &buf), NW_PEER_CLOSED);
    nw_h2_stream_done(sent);
    nw_h2_stream_done(unsent);
    h2_pair_close(&pair);
}

static void the_end_of_the_connection_fails_its_streams(void **state)
{
    run(body_of_a_dead_node);
}

/* ---- what the peer owes ---- */

static const char preface_and_settings[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0";
enum { PREFACE_BYTES = 24, SETTINGS_BYTES = 9, ACK_BYTES = 9 };

/* A server of ours on a raw client, which sends `bytes` of the above and then `more`. */
static void owe(struct h2_pair *pair, size_t bytes, struct nw_slice more)
{
    memset(pair, 0, sizeof *pair);
    pair->serve = serve_path;
    struct nw_h2_options options = h2_options(pair, false);
    options.head_ms = 10000;
    h2_pair_connect(&pair->client_stream, &pair->server_stream);
    CHECK_OK(nw_h2_new(&options, &pair->server));
    nw_scope_open(&pair->scope);
    struct nw_fiber *fiber;
    CHECK_OK(nw_scope_spawn(&pair->scope, "server", h2_run_server, pair, &fiber));
    struct iovec iov[] = {{(void *)(uintptr_t)preface_and_settings, bytes},
                          {(void *)(uintptr_t)more.ptr, more.len}};
    CHECK_OK(nw_io_write_all(&pair->client_stream, iov, 2));
    while (pair->server_stream.received_bytes < bytes + more.len)
        pass_some_turns(1);
}

static void owe_no_more(struct h2_pair *pair)
{
    nw_stream_close(&pair->client_stream);
    CHECK_OK(nw_scope_join(&pair->scope));
    nw_h2_free(pair->server);
    nw_stream_close(&pair->server_stream);
    nw_scope_close(&pair->scope);
}

static void body_of_a_due_time(void)
{
    static const struct {
        size_t bytes;
        struct nw_slice more;
        uint32_t after_ms; /* 0: nothing is owed */
        uint32_t code;
    } rows[] = {
        {PREFACE_BYTES - 1, NW_SLICE_LIT(""), 10000, NW_HTTP2_ENHANCE_YOUR_CALM},
        {PREFACE_BYTES + SETTINGS_BYTES, NW_SLICE_LIT(""), 30000, NW_HTTP2_SETTINGS_TIMEOUT},
        {PREFACE_BYTES + SETTINGS_BYTES + ACK_BYTES, NW_SLICE_LIT(""), 0, NW_HTTP2_NO_ERROR},
        /* HEADERS of 5 bytes: none of them, all of them without END_HEADERS, CONTINUATION */
        {PREFACE_BYTES + SETTINGS_BYTES + ACK_BYTES, NW_SLICE_LIT("\0\0\5\1\5\0\0\0\1"), 10000,
         NW_HTTP2_ENHANCE_YOUR_CALM},
        {PREFACE_BYTES + SETTINGS_BYTES + ACK_BYTES,
         NW_SLICE_LIT("\0\0\5\1\1\0\0\0\1\x82\x86\x84\x41\1"), 10000,
         NW_HTTP2_ENHANCE_YOUR_CALM},
        {PREFACE_BYTES + SETTINGS_BYTES,
         NW_SLICE_LIT("\0\0\5\1\1\0\0\0\1\x82\x86\x84\x41\1\0\0\0\x9\0\0\0\0\1"), 10000,
         NW_HTTP2_ENHANCE_YOUR_CALM},
    };
    for (unsigned i = 0; i < NW_COUNT(rows); i++) {
        struct h2_pair pair;
        owe(&pair, rows[i].bytes, rows[i].more);
        uint64_t due_ms = nw_h2_due_ms(pair.server), now_ms = nw_now_ms();
        CHECK_EQ(nw_h2_overdue_code(pair.server), NW_HTTP2_NO_ERROR);
        CHECK(rows[i].after_ms == 0 ? due_ms == 0
                                    : due_ms <= now_ms + rows[i].after_ms &&
                                          due_ms + 5000 > now_ms + rows[i].after_ms);
        nw_clock_advance_ms(runtime_here(), rows[i].after_ms);
        pass_some_turns(2);
        CHECK_EQ(nw_h2_overdue_code(pair.server), rows[i].code);
        owe_no_more(&pair);
    }
}

static void what_a_peer_owes_has_its_time(void **state)
{
    run(body_of_a_due_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_there_and_back),
        cmocka_unit_test(a_hundred_streams_share_a_connection),
        cmocka_unit_test(slow_readers_hold_up_nobody_else),
        cmocka_unit_test(large_uploads_arrive_whole),
        cmocka_unit_test(a_reader_that_stops_is_reset),
        cmocka_unit_test(a_window_without_memory_behind_it_is_not_opened),
        cmocka_unit_test(a_body_that_finds_no_memory_is_not_whole),
        cmocka_unit_test(an_end_whose_trailers_find_no_memory_is_none),
        cmocka_unit_test(a_reset_cancels_who_watches),
        cmocka_unit_test(an_answer_before_the_bodys_end_stays_whole),
        cmocka_unit_test(a_reset_buys_no_slot),
        cmocka_unit_test(a_drained_connection_ends_with_its_last_stream),
        cmocka_unit_test(the_end_of_the_connection_fails_its_streams),
        cmocka_unit_test(what_a_peer_owes_has_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
