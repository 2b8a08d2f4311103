/*
 * fetch.h - one GET on a connection that no service owns: health checks, later keys and callbacks.
 *
 * Asks, reads the answer's head by the rules of the door and tells the status. The body is not
 * read: the connection carries this one exchange and is closed by the caller.
 *
 * Owner:   the stream is the caller's, before and after; nothing is kept
 * Threads: any fiber; the caller's deadline bounds it
 */
#ifndef NW_HTTP_FETCH_H
#define NW_HTTP_FETCH_H

#include "io/stream.h"

struct nw_http_fetch {
    struct nw_slice path; /* with the query; starts with '/' */
    struct nw_slice host; /* empty: "localhost" */
};

/*
 * `fetch` is read before the first wait. *out_status is that of the final answer; informational
 * ones are passed over. NW_BAD_MESSAGE for a head that the door would not relay or that, with all
 * before it, is longer than 16 KiB; NW_PEER_CLOSED before its end; what reading and writing fail
 * with.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_http_fetch(struct nw_stream *stream,
                                             const struct nw_http_fetch *fetch, int *out_status);

#endif
