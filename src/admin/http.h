/*
 * http.h - the little HTTP that the admin listener speaks: one request, one answer, close or keep.
 *
 * Owner:   buffers are the call's
 * Threads: worker 0
 */
#ifndef NW_ADMIN_HTTP_H
#define NW_ADMIN_HTTP_H

#include "io/stream.h"
#include "proto/http1.h"

struct admin_request {
    struct nw_http1_head head;
    struct nw_http1_message message;
    struct nw_buf buf;          /* head, then body bytes */
    struct nw_slice path;       /* of the target, without query */
    struct nw_slice host;       /* as sent, with port */
    struct nw_slice body;       /* whole; at most what the buffer holds */
    const char *bytes;
};

/*
 * Reads one request with its whole body. NW_BAD_REQUEST and kin with the status to answer in
 * *out_status (0: just close).
 */
NW_YIELDS NW_MUST_CHECK nw_err admin_http_read(struct nw_stream *stream, struct admin_request *out,
                                               int *out_status);
/* One answer with a body; `close` ends the connection after it. */
NW_YIELDS NW_MUST_CHECK nw_err admin_http_answer(struct nw_stream *stream, int status,
                                                 const char *content_type, struct nw_slice body,
                                                 bool is_head, bool close);

#endif
