/*
 * serve.h - one request from its first byte to its last: on an HTTP/1 connection, or on a stream
 * of HTTP/2.
 *
 * Owner:   everything lies in the frame of the fiber that serves
 * Threads: the connection's worker
 */
#ifndef NW_GATE_SERVE_H
#define NW_GATE_SERVE_H

#include "gate/gate_impl.h"

typedef enum gate_next {
    GATE_NEXT,   /* the connection can carry another request */
    GATE_LINGER, /* close once the client can have read the answer */
    GATE_CLOSE,
    GATE_H2      /* not a request: the client preface of HTTP/2, all of which is in `in` */
} gate_next;

/*
 * Serves the request whose bytes are in `in` or arrive next; or that of a stream of HTTP/2, which
 * stays the caller's (then `in` is NULL and what is returned says nothing).
 */
NW_YIELDS gate_next gate_serve(struct gate_worker *worker, struct gate_conn *conn,
                               struct nw_buf *in, struct nw_h2_stream *h2);

/* "Sun, 06 Nov 1994 08:49:37 GMT" of this turn, cached for a second. */
struct nw_slice gate_date(struct gate_worker *worker);

#endif
