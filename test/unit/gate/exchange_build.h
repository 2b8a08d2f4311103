/*
 * exchange_build.h - an exchange made of the text of a request, and a sink that remembers.
 *
 * Owner:   the struct owns everything; made_done frees it
 * Threads: one at a time
 */
#ifndef NW_TEST_GATE_EXCHANGE_BUILD_H
#define NW_TEST_GATE_EXCHANGE_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "gate/gate_impl.h"

#define assert_slice(slice, wanted)                                                                \
    do {                                                                                           \
        struct nw_slice slice_ = (slice);                                                          \
        if (!nw_slice_eq(slice_, nw_slice_str(wanted)))                                            \
            fail_msg("\"%.*s\" is not \"%s\"", NW_SLICE_ARG(slice_), wanted);                      \
    } while (0)

struct made {
    struct gate_request request;
    struct nw_exchange *exchange; /* the request's */
    const char *text;
    char scratch[8192];
    struct nw_http_source source;
    /* What the sink was told. */
    struct nw_http_sink sink;
    struct nw_http_answer answer;
    struct nw_text body;
    unsigned heads;
    unsigned ends;
};

static nw_err made_head(struct nw_http_sink *sink, const struct nw_http_answer *answer)
{
    struct made *made = NW_CONTAINER_OF(sink, struct made, sink);
    made->answer = *answer;
    made->heads++;
    sink->has_head = true;
    return NW_OK;
}

static nw_err made_body(struct nw_http_sink *sink, const struct iovec *iov, int count)
{
    struct made *made = NW_CONTAINER_OF(sink, struct made, sink);
    for (int i = 0; i < count; i++)
        nw_text_add(&made->body, nw_slice_of(iov[i].iov_base, iov[i].iov_len));
    return NW_OK;
}

static nw_err made_end(struct nw_http_sink *sink)
{
    NW_CONTAINER_OF(sink, struct made, sink)->ends++;
    return NW_OK;
}

static const struct nw_http_sink_ops made_sink_ops = {
    .head = made_head, .body = made_body, .end = made_end};

/* The text must be a whole, valid head and outlive the struct. */
NW_UNUSED static void made_init(struct made *made, const char *text)
{
    struct nw_http1_parser parser;
    nw_http1_class found;
    memset(made, 0, sizeof *made);
    made->text = text;
    struct nw_exchange *x = made->exchange = &made->request.exchange;
    struct nw_http1_head *head = &made->request.head;
    nw_arena_init(&made->request.arena, made->request.arena_first,
                  sizeof made->request.arena_first, 64 * 1024);
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    NW_ASSERT(nw_http1_parse(&parser, nw_slice_str(text), head) == NW_OK);
    NW_ASSERT(nw_http1_request_judge(head, text, &x->message, &found) == NW_OK);
    NW_ASSERT(nw_target_parse(head->method, nw_http1_target(head, text),
                              nw_http1_get(head, text, NW_HTTP_FIELD_HOST), made->scratch,
                              &x->target, &found) == NW_OK);
    x->head = head;
    x->head_bytes = text;
    x->arena = &made->request.arena;
    x->request_id = NW_SLICE("id-1");
    memcpy(x->traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           NW_HTTP_TRACEPARENT_BYTES);
    x->peer = x->client = (struct nw_addr){.kind = NW_ADDR_IP4, .ip4 = {192, 0, 2, 7}};
    made->source.is_whole = true;
    x->source = &made->source;
    made->sink.ops = &made_sink_ops;
    x->sink = &made->sink;
}

NW_UNUSED static void made_done(struct made *made)
{
    nw_text_done(&made->body);
    nw_arena_done(&made->request.arena);
}

#endif
