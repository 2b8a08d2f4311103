/*
 * sink.h - an answer towards a client: over HTTP/1 (sink.c) or a stream of HTTP/2 (h2_sink.c).
 *
 * Owner:   the request's frame; gate_sink_done gives back what it holds
 * Threads: the connection's worker
 */
#ifndef NW_GATE_SINK_H
#define NW_GATE_SINK_H

#include "gate/gate_impl.h"

void gate_sink_init(struct gate_sink *sink, struct gate_request *request);
void gate_sink_done(struct gate_sink *sink);

/* ---- what the transports share ---- */

enum { GATE_SINK_IOV_MAX = 8 };

static inline struct gate_sink *gate_sink_of(struct nw_http_sink *base)
{
    return NW_CONTAINER_OF(base, struct gate_sink, base);
}
/* Writes the head as HTTP/1.1 text into `out`, where it is held. */
NW_YIELDS nw_err gate_sink_head(struct nw_http_sink *base, const struct nw_http_answer *answer);
NW_YIELDS nw_err gate_sink_informational(struct nw_http_sink *base,
                                         const struct nw_http_answer *answer);
NW_YIELDS nw_err gate_sink_body(struct nw_http_sink *base, const struct iovec *iov, int count);
NW_YIELDS nw_err gate_sink_flush(struct nw_http_sink *base);
bool gate_sink_recall(struct nw_http_sink *base);
extern const struct nw_http_sink_ops gate_h2_sink_ops;
/*
 * What was held, then what was not, to a stream of HTTP/2; the first head_bytes are a head if one
 * was held. `out` is empty afterwards.
 */
NW_YIELDS NW_MUST_CHECK nw_err gate_h2_sink_write(struct gate_sink *sink, const struct iovec *iov,
                                                  int count);

#endif
