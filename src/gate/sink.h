/*
 * sink.h - an answer towards an HTTP/1 client.
 *
 * Owner:   the request's frame; gate_sink_done gives the buffer back
 * Threads: the connection's worker
 */
#ifndef NW_GATE_SINK_H
#define NW_GATE_SINK_H

#include "gate/gate_impl.h"

void gate_sink_init(struct gate_sink *sink, struct gate_request *request);
void gate_sink_done(struct gate_sink *sink);

#endif
