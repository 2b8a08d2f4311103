/*
 * An answer on a stream of HTTP/2. The head is the same text that an HTTP/1.1 client would get;
 * http/h2.h makes frames of it. It is held with the first small pieces like there, not to save a
 * send (all frames of a turn leave in one anyway) but so that an answer that fails at once can
 * still be taken back.
 *
 * Read-ahead belongs to the connection: with 128 streams, 256 KiB for each would let one slow
 * client hold 32 MiB. What a stream may queue is granted when its head is known, and a stream takes
 * at most half of what is left, so that there is always some for the next.
 */
#include "gate/sink.h"

#include "base/assert.h"
#include "gate/h2.h"
#include "proto/http2.h"

static size_t skip_head(struct iovec *iov, size_t bytes)
{
    iov->iov_base = (char *)iov->iov_base + bytes;
    iov->iov_len -= bytes;
    return iov->iov_len;
}

/* What follows does not lie in our buffer: it need not be held while the client takes its time. */
static void let_go(struct gate_sink *sink, const struct iovec *iov, int count)
{
    uintptr_t from = (uintptr_t)sink->out.data, to = from + sink->out.cap_bytes;
    for (int i = 0; i < count; i++)
        if ((uintptr_t)iov[i].iov_base >= from && (uintptr_t)iov[i].iov_base < to)
            return;
    nw_buf_release(&sink->out);
}

nw_err gate_h2_sink_write(struct gate_sink *sink, const struct iovec *iov, int count)
{
    struct iovec rest[GATE_SINK_IOV_MAX];
    memcpy(rest, iov, (size_t)count * sizeof *iov);
    struct iovec *from = rest;
    nw_err err = NW_OK;
    if (sink->head_bytes > 0) {
        struct nw_slice head = nw_slice_of(iov[0].iov_base, sink->head_bytes);
        sink->head_bytes = 0;
        err = nw_h2_respond(sink->h2, head, false);
        if (skip_head(from, head.len) == 0) {
            from++;
            count--;
        }
    }
    if (err == NW_OK && count > 0) {
        let_go(sink, from, count);
        err = nw_h2_write(sink->h2, from, count, sink->ahead_bytes);
    }
    sink->out.start = sink->out.end = 0;
    if (err != NW_OK)
        sink->failed = err;
    return sink->failed;
}

NW_YIELDS static nw_err h2_head(struct nw_http_sink *base, const struct nw_http_answer *answer)
{
    struct gate_sink *sink = gate_sink_of(base);
    struct gate_request *request = gate_request_of(sink->exchange);
    NW_TRY(gate_sink_head(base, answer));
    size_t want_bytes = sink->ahead_bytes;
    if (sink->has_length && sink->left_bytes < want_bytes)
        want_bytes = sink->left_bytes;
    if (sink->has_no_body)
        want_bytes = 0;
    gate_h2_ahead_give(sink->conn, request->granted_bytes); /* of a head that was recalled */
    request->granted_bytes = gate_h2_ahead_take(sink->conn, want_bytes);
    sink->ahead_bytes = request->granted_bytes;
    return NW_OK;
}

/* The lines belong to the caller, the end comes later. */
NW_YIELDS static nw_err h2_trailers(struct nw_http_sink *base, struct nw_slice lines)
{
    struct gate_sink *sink = gate_sink_of(base);
    NW_ASSERT(base->has_head && !sink->is_ended);
    struct gate_request *request = gate_request_of(sink->exchange);
    request->trailers = nw_arena_copy(&request->arena, lines);
    return request->trailers.ptr != NULL ? NW_OK : NW_NO_MEMORY;
}

/* A head that nothing follows ends its stream itself. */
static nw_err end_with_head(struct gate_sink *sink)
{
    struct nw_slice head = nw_buf_unread(&sink->out);
    sink->head_bytes = 0;
    sink->is_head_held = false;
    nw_err err = nw_h2_respond(sink->h2, head, true);
    sink->out.start = sink->out.end = 0;
    return err;
}

NW_YIELDS static nw_err h2_end(struct nw_http_sink *base)
{
    struct gate_sink *sink = gate_sink_of(base);
    NW_ASSERT(base->has_head);
    if (sink->failed != NW_OK)
        return sink->failed;
    if (sink->has_length && sink->left_bytes > 0)
        return NW_BAD_MESSAGE;
    struct nw_slice trailers = gate_request_of(sink->exchange)->trailers;
    bool is_head_alone = sink->is_head_held && trailers.len == 0 &&
                         nw_buf_unread_bytes(&sink->out) == sink->head_bytes;
    nw_err err;
    if (is_head_alone) {
        err = end_with_head(sink);
    } else {
        NW_TRY(gate_sink_flush(base));
        err = nw_h2_end(sink->h2, trailers);
    }
    if (err == NW_OK)
        err = nw_h2_drain(sink->h2);
    sink->failed = err;
    sink->is_ended = err == NW_OK;
    return err;
}

/* The client must not take what it got for the whole: no END_STREAM, but a reset. */
static void h2_abort(struct nw_http_sink *base, nw_err why)
{
    struct gate_sink *sink = gate_sink_of(base);
    sink->is_aborted = true;
    if (sink->failed == NW_OK)
        sink->failed = why;
    if (!nw_h2_is_gone(sink->h2)) /* a reset is not answered by another */
        nw_h2_reset(sink->h2, NW_HTTP2_INTERNAL_ERROR);
}

const struct nw_http_sink_ops gate_h2_sink_ops = {
    .informational = gate_sink_informational,
    .head = h2_head,
    .body = gate_sink_body,
    .flush = gate_sink_flush,
    .trailers = h2_trailers,
    .end = h2_end,
    .recall = gate_sink_recall,
    .abort = h2_abort,
};
