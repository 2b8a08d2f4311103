/*
 * source.h - a request's body from its client: streamed, or collected before a node is chosen.
 *
 * Two transports bring it: HTTP/1 (source.c) and a stream of HTTP/2 (h2_source.c).
 *
 * Owner:   the request's frame; gate_source_done gives buffers and files back
 * Threads: the connection's worker
 */
#ifndef NW_GATE_SOURCE_H
#define NW_GATE_SOURCE_H

#include "gate/gate_impl.h"

/*
 * After the head was judged. `in` of an HTTP/1 connection holds the head's bytes up to in->start,
 * then body bytes, before the first call on the source; NULL where a stream brings the body.
 */
void gate_source_init(struct gate_source *source, struct gate_request *request, struct nw_buf *in);
/*
 * After the exchange: is the connection at the start of the next message? What was read beyond the
 * body is then in `in`. False: an HTTP/1 connection must close.
 */
bool gate_source_done(struct gate_source *source, struct nw_buf *in);

/* ---- what the transports share ---- */

static inline struct gate_source *gate_source_of(struct nw_http_source *base)
{
    return NW_CONTAINER_OF(base, struct gate_source, base);
}
/* The stream of the request brings the body. */
void gate_h2_source_take(struct gate_source *source);
/*
 * How long the client may take for its next byte: the idle limit, or what the minimum rate leaves.
 */
uint64_t gate_source_patience_ms(struct gate_source *source);
/* The next piece from the client, counted; empty at the end. Errors are sticky. */
NW_YIELDS NW_MUST_CHECK nw_err gate_source_next(struct gate_source *source,
                                                struct nw_slice *out_piece);
/* Takes `piece` and all that follow into memory up to memory_bytes, then into a file. */
NW_YIELDS NW_MUST_CHECK nw_err gate_source_keep(struct gate_source *source, struct nw_slice piece,
                                                uint64_t memory_bytes);
/* All of the body is held. */
static inline void gate_source_is_whole(struct gate_source *source)
{
    source->base.is_whole = true;
    source->base.length_bytes = (int64_t)source->read_bytes;
}
NW_YIELDS nw_err gate_source_read(struct nw_http_source *base, struct nw_slice *out_piece);
void gate_source_rewind(struct nw_http_source *base);

#endif
