/*
 * fetch_h2.h - one request over HTTP/2 on a connection that no service owns: health checks.
 *
 * The sibling of fetch.h. The answer's head is read by the rules of the door; of its body the first
 * bytes are kept, which are all that a check needs.
 *
 * Owner:   the stream is the caller's, before and after; nothing is kept
 * Threads: any fiber; the caller's deadline bounds it
 */
#ifndef NW_HTTP_FETCH_H2_H
#define NW_HTTP_FETCH_H2_H

#include "io/stream.h"

enum { NW_HTTP_H2_BODY_MAX_BYTES = 1024 };

struct nw_http_h2_ask {
    struct nw_slice head; /* HTTP/1.1 text, with its empty line */
    struct nw_slice body; /* empty: none */
    bool is_https;
    /* False: the status is all that is wanted, the body is not waited for. */
    bool wants_body;
};

struct nw_http_h2_answer {
    int status;
    int grpc_status; /* of the trailers, or of the head; -1: there is none */
    size_t body_bytes;
    char body[NW_HTTP_H2_BODY_MAX_BYTES];
};

/* NW_BAD_MESSAGE for what the door would not relay and for a longer body. */
NW_YIELDS NW_MUST_CHECK nw_err nw_http_fetch_h2(struct nw_stream *stream,
                                                const struct nw_http_h2_ask *ask,
                                                struct nw_http_h2_answer *out);

#endif
