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
    struct nw_event uploaded; /* set when the request went out whole, or failed to */
    struct nw_event may_send; /* a held body may go: 100, or a second passed */
    nw_err upload_err;
    struct nw_h2_stream *stream; /* HTTP/2 */
    struct nw_buf kept; /* HTTP/2: what was read of a streamed body, to be sent again */
    bool is_body_lost;  /* there was more of it than is kept */
    bool has_upload_fiber; /* the body leaves beside this fiber: scope and events are in use */
    bool is_uploaded;
    bool is_answer_complete;
    bool was_node_at_fault;
    bool is_unsent; /* the try failed, and the node provably began nothing */
    struct nw_http1_message message;
    /* Not zeroed: valid once a head is being read. */
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
/* Of the parsed head: into f->message. */
NW_MUST_CHECK nw_err gate_forward_judge(struct gate_forward *f);
struct nw_http_answer gate_forward_answer(struct gate_forward *f);
/* 100 lets a held body go; others are passed on. Consumes the head. */
NW_YIELDS NW_MUST_CHECK nw_err gate_forward_inform(struct gate_forward *f);
/* The final head came, and says so much about the node. */
void gate_forward_first_byte(struct gate_forward *f, nw_peer_outcome outcome);
nw_peer_outcome gate_forward_status_outcome(int status);
/* The head to the client; from here on errors abort the sink. */
NW_YIELDS NW_MUST_CHECK nw_err gate_forward_relay_head(struct gate_forward *f);
NW_YIELDS NW_MUST_CHECK nw_err gate_forward_body(struct gate_forward *f, struct nw_slice piece);
nw_peer_outcome gate_forward_outcome(nw_err err);

#endif
