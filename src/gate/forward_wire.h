/*
 * forward_wire.h - what the ways to a node share: one forwarded exchange and its answer.
 *
 * forward.c has the loop over tries and all that does not depend on how the node is spoken to;
 * forward_h1.c and forward_h2.c make one try each over HTTP/1.1 and over a stream of HTTP/2.
 *
 * Owner:   nw_gate_forward's frame
 * Threads: the exchange's worker
 */
#ifndef NW_GATE_FORWARD_WIRE_H
#define NW_GATE_FORWARD_WIRE_H

#include "gate/forward.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/sync.h"

enum { GATE_CONTINUE_WAIT_MS = 1000, GATE_UPLOAD_FIBER_ABOVE_BYTES = 64 * 1024 };

struct gate_forward {
    struct nw_exchange *exchange;
    struct nw_gate_service *service;
    struct nw_peer_try try;
    struct nw_buf out; /* the request head */
    struct nw_buf in;  /* from the node: the answer's head, over HTTP/1.1 all of it */
    uint64_t sent_before;
    uint64_t begun_us;
    struct nw_h2_stream *stream; /* HTTP/2 */
    struct nw_buf kept; /* HTTP/2: what was read of a streamed body, to be sent again */
    bool is_body_lost;  /* there was more of it than is kept */
    bool has_upload_fiber; /* the body leaves beside this fiber: scope and events are in use */
    bool is_uploaded;
    bool is_answer_complete;
    bool was_node_at_fault;
    bool is_unsent; /* the try failed, and the node provably began nothing */
    /* Not zeroed. Where has_upload_fiber: */
    struct nw_event uploaded; /* set when the request went out whole, or failed to */
    struct nw_event may_send; /* a held body may go: 100, or a second passed */
    nw_err upload_err;
    /* Valid once a head was judged; framing is NW_HTTP1_BODY_NONE before. */
    struct nw_http1_message message;
    /* Valid once a head is being read. */
    struct nw_http1_parser parser;
    struct nw_http1_head head;
};

/* One try: sends the request, relays the answer, reports how the node did. */
NW_YIELDS NW_MUST_CHECK nw_err gate_forward_h1(struct gate_forward *f);
NW_YIELDS NW_MUST_CHECK nw_err gate_forward_h2(struct gate_forward *f);
/* Gives the connection back. */
void gate_forward_h1_settle(struct gate_forward *f);
void gate_forward_h2_settle(struct gate_forward *f);

/* The client only sees a 502; which rule the node broke stands in the log. NW_BAD_MESSAGE. */
nw_err gate_forward_refuse(struct gate_forward *f, nw_http1_class found);
/* 100 lets a held body go; others are passed on. Consumes the head. */
NW_YIELDS NW_MUST_CHECK nw_err gate_forward_inform(struct gate_forward *f);
nw_peer_outcome gate_forward_outcome(nw_err err);

/* ---- what every exchange runs through: inline ---- */

/* Of the parsed head: into f->message. */
NW_MUST_CHECK static inline nw_err gate_forward_judge(struct gate_forward *f)
{
    bool may_switch = f->exchange->asks_upgrade && !f->service->is_h2;
    struct nw_http1_asked asked = {f->exchange->head->method, may_switch};
    nw_http1_class found = NW_HTTP1_FINE;
    const char *bytes = f->in.data + f->in.start;
    nw_err err = nw_http1_response_judge(&f->head, bytes, &asked, &f->message, &found);
    if (err != NW_OK)
        return found != NW_HTTP1_FINE ? gate_forward_refuse(f, found) : err;
    if (f->message.keep_alive_s >= 0)
        f->try.conn->learned_idle_ms = (uint32_t)f->message.keep_alive_s * 1000;
    return NW_OK;
}

static inline struct nw_http_answer gate_forward_answer(struct gate_forward *f)
{
    const char *bytes = f->in.data + f->in.start;
    struct nw_http_answer answer = {
        .status = f->head.status,
        .reason = nw_http1_reason(&f->head, bytes),
        .fields = {bytes, f->head.fields, f->head.field_count, f->message.dropped,
                   !f->head.has_odd_fields},
        .has_date = nw_http1_has(&f->head, NW_HTTP_FIELD_DATE) &&
                    !nw_http1_set_has(&f->message.dropped, f->head.first[NW_HTTP_FIELD_DATE]),
        .length_bytes = f->message.has_length ? (int64_t)f->message.length_bytes
                                              : NW_HTTP_LENGTH_UNKNOWN,
        .is_h2 = f->service->is_h2,
        .has_no_body = f->message.framing == NW_HTTP1_BODY_NONE,
    };
    answer.fields.skip.word[0] |= f->message.framed.word[0];
    answer.fields.skip.word[1] |= f->message.framed.word[1];
    if (answer.has_no_body && !f->message.has_length && f->exchange->head->method != NW_HTTP_HEAD &&
        f->head.status != 204 && f->head.status != 304)
        answer.length_bytes = 0;
    return answer;
}

static inline nw_peer_outcome gate_forward_status_outcome(int status)
{
    if (status == 502 || status == 503 || status == 504)
        return NW_PEER_REFUSING;
    return status == 500 ? NW_PEER_FAILED : NW_PEER_OK;
}

/* The final head came, and says so much about the node. */
static inline void gate_forward_first_byte(struct gate_forward *f, nw_peer_outcome how)
{
    uint64_t now_us = nw_now_us();
    struct nw_http_outcome *outcome = &f->exchange->outcome;
    outcome->first_byte_us = now_us - outcome->started_us;
    nw_peer_try_report(&f->try, how, now_us - f->begun_us + 1);
}

/* The head to the client; from here on errors abort the sink. */
NW_YIELDS NW_MUST_CHECK static inline nw_err gate_forward_relay_head(struct gate_forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct nw_http_answer answer = gate_forward_answer(f);
    f->was_node_at_fault = false;
    nw_err err = sink->ops->head(sink, &answer);
    f->was_node_at_fault = err == NW_HEAD_TOO_LARGE; /* ours fit, its own did not */
    if (err != NW_OK)
        return f->was_node_at_fault ? NW_BAD_MESSAGE : err;
    nw_buf_consume(&f->in, f->head.head_bytes);
    f->was_node_at_fault = true;
    return NW_OK;
}

NW_YIELDS NW_MUST_CHECK static inline nw_err gate_forward_body(struct gate_forward *f,
                                                               struct nw_slice piece)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct iovec iov = {(void *)piece.ptr, piece.len};
    f->was_node_at_fault = false;
    NW_TRY(sink->ops->body(sink, &iov, 1));
    f->was_node_at_fault = true;
    return NW_OK;
}

#endif
