/*
 * h2_chain.h - bytes in order, in pooled buffers, between an HTTP/2 stream and its connection.
 *
 * A few bytes lie in the owner's own memory (`small`) so that a short body borrows no buffer.
 *
 * Owner:   embedded; nw_h2_chain_clear gives the buffers back
 * Threads: one worker
 */
#ifndef NW_HTTP_H2_CHAIN_H
#define NW_HTTP_H2_CHAIN_H

#include <sys/uio.h>

#include "io/buf.h"

enum { NW_H2_CHAIN_FEW = 2 };

struct nw_h2_chain {
    size_t bytes;
    char *small; /* used first when the chain is empty; NULL: none */
    uint32_t small_bytes;
    uint32_t first; /* index of the front buffer */
    uint32_t count;
    uint32_t cap;
    struct nw_buf *bufs; /* `few` or a larger table; a ring */
    struct nw_buf few[NW_H2_CHAIN_FEW];
};

void nw_h2_chain_init(struct nw_h2_chain *chain, char *small, uint32_t small_bytes);
void nw_h2_chain_clear(struct nw_h2_chain *chain);
/* Copies; returns how many of them, fewer when no buffer is to be had. */
NW_MUST_CHECK size_t nw_h2_chain_append(struct nw_h2_chain *chain, struct nw_slice bytes);
/* The bytes in the front buffer; empty when there are none. */
struct nw_slice nw_h2_chain_front(const struct nw_h2_chain *chain);
/* Takes `bytes` off the front; at most as many as there are. */
void nw_h2_chain_consume(struct nw_h2_chain *chain, size_t bytes);
/* Moves `bytes` from the front of `from` to the back of `to`: whole large buffers by reference. */
NW_MUST_CHECK bool nw_h2_chain_move(struct nw_h2_chain *to, struct nw_h2_chain *from,
                                    size_t bytes);
/* At most `max` pieces from the front; *out_bytes is what they hold. */
int nw_h2_chain_vector(const struct nw_h2_chain *chain, struct iovec *iov, int max,
                       size_t *out_bytes);

#endif
