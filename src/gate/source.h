/*
 * source.h - a request's body as HTTP/1 brings it: streamed, or collected before a node is chosen.
 *
 * Owner:   the request's frame; gate_source_done gives buffers and files back
 * Threads: the connection's worker
 */
#ifndef NW_GATE_SOURCE_H
#define NW_GATE_SOURCE_H

#include "gate/gate_impl.h"

/* After the head was judged; `in` holds the head's bytes up to in->start, then body bytes. */
void gate_source_init(struct gate_source *source, struct gate_request *request, struct nw_buf *in);
/*
 * After the exchange: is the connection at the start of the next message? What was read beyond the
 * body is then in `in`. False: the connection must close.
 */
bool gate_source_done(struct gate_source *source, struct nw_buf *in);

#endif
