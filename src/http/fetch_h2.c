/*
 * A connection of its own with one stream: a second fiber reads the connection while the caller's
 * waits for the answer, and both are gone when this returns.
 */
#include "http/fetch_h2.h"

#include <string.h>

#include "http/h2.h"
#include "io/fiber.h"
#include "proto/grpc.h"
#include "proto/http1.h"

enum { HEAD_MAX_BYTES = 16 * 1024, WINDOW_BYTES = 64 * 1024 };

struct fetch {
    const struct nw_http_h2_ask *ask;
    struct nw_http_h2_answer *answer;
    struct nw_h2_stream *stream;
    struct nw_buf in;
    struct nw_http1_parser parser;
    struct nw_http1_head head;
};

NW_YIELDS static nw_err read_head(struct fetch *fetch, struct nw_http1_message *out)
{
    static const struct nw_http1_asked asked = {.method = NW_HTTP_GET};
    nw_http1_class found;
    fetch->in.start = fetch->in.end = 0;
    NW_TRY(nw_h2_head(fetch->stream, &fetch->in));
    nw_http1_parser_init(&fetch->parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    const char *bytes = fetch->in.data + fetch->in.start;
    if (nw_http1_parse(&fetch->parser, nw_buf_unread(&fetch->in), &fetch->head) != NW_OK)
        return NW_BAD_MESSAGE;
    return nw_http1_response_judge(&fetch->head, bytes, &asked, out, &found);
}

NW_YIELDS static nw_err read_body(struct fetch *fetch)
{
    struct nw_http_h2_answer *answer = fetch->answer;
    for (;;) {
        struct nw_slice piece;
        NW_TRY(nw_h2_read(fetch->stream, &piece));
        if (piece.len == 0)
            return NW_OK;
        if (piece.len > sizeof answer->body - answer->body_bytes)
            return NW_BAD_MESSAGE;
        memcpy(answer->body + answer->body_bytes, piece.ptr, piece.len);
        answer->body_bytes += piece.len;
    }
}

static int grpc_status_of(struct fetch *fetch)
{
    const char *bytes = fetch->in.data + fetch->in.start;
    int at = nw_http1_find(&fetch->head, bytes, NW_SLICE("grpc-status"), 0);
    if (at >= 0)
        return nw_grpc_status_read(nw_http1_value(&fetch->head, bytes, (uint32_t)at));
    return nw_grpc_status_in(nw_h2_trailers(fetch->stream));
}

NW_YIELDS static nw_err talk(struct fetch *fetch)
{
    struct nw_slice body = fetch->ask->body;
    struct iovec iov = {(void *)body.ptr, body.len};
    struct nw_http1_message message = {.is_informational = true};
    if (body.len > 0) {
        NW_TRY(nw_h2_write(fetch->stream, &iov, 1, WINDOW_BYTES));
        NW_TRY(nw_h2_end(fetch->stream, nw_slice_of(NULL, 0)));
    }
    while (message.is_informational)
        NW_TRY(read_head(fetch, &message));
    fetch->answer->status = fetch->head.status;
    if (!fetch->ask->wants_body)
        return NW_OK;
    NW_TRY(read_body(fetch));
    fetch->answer->grpc_status = grpc_status_of(fetch);
    return NW_OK;
}

NW_YIELDS static void run_main(void *arg)
{
    nw_err err NW_UNUSED = nw_h2_run(arg, NULL); /* its streams fail with it */
}

NW_YIELDS static nw_err ask_on(struct nw_h2 *h2, const struct nw_http_h2_ask *ask,
                               struct nw_http_h2_answer *out)
{
    struct fetch fetch = {.ask = ask, .answer = out};
    struct nw_scope runs;
    nw_scope_open(&runs);
    nw_err err = nw_scope_spawn(&runs, "http.fetch", run_main, h2, NULL);
    if (err == NW_OK)
        err = nw_h2_request(h2, ask->head, ask->body.len == 0, &fetch.stream);
    if (err == NW_OK) {
        err = talk(&fetch);
        nw_h2_stream_done(fetch.stream);
        nw_buf_release(&fetch.in);
    }
    nw_h2_abort(h2, NW_HTTP2_NO_ERROR);
    nw_scope_close(&runs);
    return err;
}

nw_err nw_http_fetch_h2(struct nw_stream *stream, const struct nw_http_h2_ask *ask,
                        struct nw_http_h2_answer *out)
{
    struct nw_h2_options options = {
        .stream = stream,
        .is_client = true,
        .is_https = ask->is_https,
        .streams_max = 1,
        .head_max_bytes = HEAD_MAX_BYTES,
        .window_bytes = WINDOW_BYTES,
        .window_max_bytes = WINDOW_BYTES,
    };
    struct nw_h2 *h2;
    *out = (struct nw_http_h2_answer){.grpc_status = -1};
    NW_TRY(nw_h2_new(&options, &h2));
    nw_err err = ask_on(h2, ask, out);
    nw_h2_free(h2);
    return err;
}
