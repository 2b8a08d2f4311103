/*
 * h2_pair.h - two HTTP/2 connections of ours that talk to each other over loopback.
 *
 * The server answers by path: what each path does stands with its handler in the test.
 */
#ifndef NW_TEST_HTTP_H2_PAIR_H
#define NW_TEST_HTTP_H2_PAIR_H

#include "../io/loopback.h"

#include "http/h2.h"

struct h2_pair {
    struct nw_stream client_stream, server_stream;
    struct nw_h2 *client, *server;
    struct nw_scope scope;
    void (*serve)(struct h2_pair *pair, struct nw_h2_stream *stream);
    nw_err client_result, server_result;
    unsigned requests, downs, slots;
    unsigned glitches[NW_HTTP2_GLITCH_COUNT];
    bool is_client_over, is_server_over;
    nw_err last_error; /* what a handler met */
    uint32_t last_code;
    bool was_gone;
    unsigned done; /* handlers that have ended */
    struct nw_event let_go;
};

struct h2_serving {
    struct h2_pair *pair;
    struct nw_h2_stream *stream;
};

static void h2_serve(void *arg)
{
    struct h2_serving *serving = arg;
    serving->pair->serve(serving->pair, serving->stream);
    free(serving);
}

static void h2_on_request(void *arg, struct nw_h2_stream *stream)
{
    struct h2_pair *pair = arg;
    struct h2_serving *serving = malloc(sizeof *serving);
    *serving = (struct h2_serving){pair, stream};
    pair->requests++;
    struct nw_fiber *fiber;
    CHECK_OK(nw_scope_spawn(&pair->scope, "serve", h2_serve, serving, &fiber));
}

static void h2_on_down(void *arg)
{
    ((struct h2_pair *)arg)->downs++;
}

static void h2_on_slot(void *arg)
{
    ((struct h2_pair *)arg)->slots++;
}

static void h2_on_glitch(void *arg, nw_http2_glitch kind)
{
    ((struct h2_pair *)arg)->glitches[kind]++;
}

static void h2_run_client(void *arg)
{
    struct h2_pair *pair = arg;
    pair->client_result = nw_h2_run(pair->client, NULL);
    pair->is_client_over = true;
    nw_stream_close(&pair->client_stream);
}

static void h2_run_server(void *arg)
{
    struct h2_pair *pair = arg;
    do {
        pair->server_result = nw_h2_run(pair->server, NULL);
        struct nw_wait wait = {.stream = &pair->server_stream, .want = NW_WANT_READ};
        if (pair->server_result == NW_OK && nw_io_wait_any(&wait, 1) != NW_OK)
            break;
    } while (pair->server_result == NW_OK);
    pair->is_server_over = true;
    if (pair->server_stream.is_open)
        nw_stream_close(&pair->server_stream);
}

NW_UNUSED static void pass_some_turns(unsigned count)
{
    uint64_t until = nw_worker_turns(nw_worker_self()) + count;
    while (nw_worker_turns(nw_worker_self()) < until)
        CHECK_OK(nw_fiber_yield());
}

/* Both streams, without HTTP/2 on them. */
static void h2_pair_connect(struct nw_stream *client, struct nw_stream *server)
{
    struct nw_addr addr;
    int listen_fd = raw_listen(&addr);
    CHECK_OK(nw_io_connect(&addr, client));
    struct nw_accepted accepted = {
        .fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    CHECK(accepted.fd >= 0);
    close(listen_fd);
    nw_stream_init_accepted(server, &accepted);
}

static struct nw_h2_options h2_options(struct h2_pair *pair, bool is_client)
{
    return (struct nw_h2_options){
        .stream = is_client ? &pair->client_stream : &pair->server_stream,
        .is_client = is_client,
        .streams_max = 100,
        .head_max_bytes = 32 * 1024,
        .window_bytes = 64 * 1024,
        .window_max_bytes = is_client ? 256 * 1024 : 1024 * 1024,
        .idle_ms = 10000,
        .arg = pair,
        .on_request = h2_on_request,
        .on_down = is_client ? h2_on_down : NULL,
        .on_slot = is_client ? h2_on_slot : NULL,
        .on_glitch = is_client ? NULL : h2_on_glitch,
    };
}

static void h2_pair_open_with(struct h2_pair *pair, const struct nw_h2_options *client,
                              const struct nw_h2_options *server)
{
    h2_pair_connect(&pair->client_stream, &pair->server_stream);
    CHECK_OK(nw_h2_new(client, &pair->client));
    CHECK_OK(nw_h2_new(server, &pair->server));
    nw_scope_open(&pair->scope);
    struct nw_fiber *fiber;
    CHECK_OK(nw_scope_spawn(&pair->scope, "client", h2_run_client, pair, &fiber));
    CHECK_OK(nw_scope_spawn(&pair->scope, "server", h2_run_server, pair, &fiber));
}

NW_UNUSED static void h2_pair_open(struct h2_pair *pair,
                                   void (*serve)(struct h2_pair *pair,
                                                 struct nw_h2_stream *stream))
{
    memset(pair, 0, sizeof *pair);
    pair->serve = serve;
    struct nw_h2_options client = h2_options(pair, true), server = h2_options(pair, false);
    h2_pair_open_with(pair, &client, &server);
}

NW_UNUSED static void h2_pair_close(struct h2_pair *pair)
{
    nw_h2_abort(pair->client, NW_HTTP2_NO_ERROR);
    CHECK_OK(nw_scope_join(&pair->scope));
    CHECK_EQ(nw_h2_stream_count(pair->client), 0);
    CHECK_EQ(nw_h2_stream_count(pair->server), 0);
    nw_h2_free(pair->client);
    nw_h2_free(pair->server);
    nw_stream_close(&pair->client_stream);
    nw_stream_close(&pair->server_stream);
    nw_scope_close(&pair->scope);
}

/* ---- what fibers do with a stream ---- */

NW_UNUSED static struct nw_h2_stream *h2_ask(struct h2_pair *pair, const char *head, bool is_end)
{
    struct nw_h2_stream *stream = NULL;
    CHECK_OK(nw_h2_request(pair->client, nw_slice_str(head), is_end, &stream));
    return stream;
}

NW_UNUSED static void h2_expect_head(struct nw_h2_stream *stream, const char *text)
{
    struct nw_buf buf = {0};
    CHECK_OK(nw_h2_head(stream, &buf));
    struct nw_slice got = nw_buf_unread(&buf);
    if (!nw_slice_eq(got, nw_slice_str(text))) {
        fprintf(stderr, "got: %.*s\nnot: %s\n", NW_SLICE_ARG(got), text);
        abort();
    }
    nw_buf_release(&buf);
}

/* Reads to the end; at most `max` bytes are kept. */
NW_UNUSED static nw_err h2_read_all(struct nw_h2_stream *stream, char *to, size_t max,
                                    size_t *out_bytes)
{
    *out_bytes = 0;
    for (;;) {
        struct nw_slice piece;
        nw_err err = nw_h2_read(stream, &piece);
        if (err != NW_OK || piece.len == 0)
            return err;
        if (*out_bytes + piece.len <= max)
            memcpy(to + *out_bytes, piece.ptr, piece.len);
        *out_bytes += piece.len;
    }
}

NW_UNUSED static void h2_expect_body(struct nw_h2_stream *stream, const char *text)
{
    char got[4096];
    size_t bytes;
    CHECK_OK(h2_read_all(stream, got, sizeof got, &bytes));
    CHECK_EQ(bytes, strlen(text));
    CHECK(memcmp(got, text, bytes) == 0);
}

NW_UNUSED static nw_err h2_write_text(struct nw_h2_stream *stream, const char *text)
{
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    return nw_h2_write(stream, &iov, 1, 64 * 1024);
}

#endif
