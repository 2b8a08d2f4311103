/*
 * h2.h - a client connection that speaks HTTP/2, from its preface to its GOAWAY.
 *
 * http/h2.h reads and writes frames; here it is decided who serves a stream, when the connection
 * rests, and how it ends. A connection without streams is parked like any other: no fiber, no
 * buffer.
 *
 * Owner:   the connection
 * Threads: the connection's worker
 */
#ifndef NW_GATE_H2_H
#define NW_GATE_H2_H

#include "gate/gate_impl.h"

/*
 * In the connection's own fiber, which ends when it returns: the connection is HTTP/2 from here on.
 * `first` holds what was read already and is released.
 */
NW_YIELDS void gate_h2_open(struct gate_conn *conn, struct nw_buf *first);
/* No new requests: what is open is served to its end, and then the connection closes. */
void gate_h2_drain(struct gate_conn *conn);
/* Cancels what is being served; each request is told why. */
void gate_h2_cancel(struct gate_conn *conn);

/* Of the bytes that may be queued ahead of this client: at most `want_bytes`, maybe none. */
size_t gate_h2_ahead_take(struct gate_conn *conn, size_t want_bytes);
void gate_h2_ahead_give(struct gate_conn *conn, size_t bytes);

/* A whole answer as HTTP/1.1 text, sent and ended; whether it arrives is the client's business. */
NW_YIELDS void gate_h2_write_raw(struct nw_h2_stream *stream, struct nw_slice text);

#endif
