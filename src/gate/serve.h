/*
 * serve.h - one request on an HTTP/1 connection, from its first byte to its last.
 *
 * Owner:   everything lies in the frame of the connection's fiber
 * Threads: the connection's worker
 */
#ifndef NW_GATE_SERVE_H
#define NW_GATE_SERVE_H

#include "gate/gate_impl.h"

typedef enum gate_next {
    GATE_NEXT,   /* the connection can carry another request */
    GATE_LINGER, /* close once the client can have read the answer */
    GATE_CLOSE
} gate_next;

/* Serves the request whose bytes are in `in` or arrive next. */
NW_YIELDS gate_next gate_serve(struct gate_conn *conn, struct nw_buf *in);

/* "Sun, 06 Nov 1994 08:49:37 GMT" of this turn, cached for a second. */
struct nw_slice gate_date(struct gate_worker *worker);

#endif
