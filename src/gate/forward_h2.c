/*
 * HTTP/2 to a node: a stream of a connection that it shares with others (peer/multiplex.h). Heads
 * are HTTP/1.1 text on this side of http/h2.h, so the same writer and the same judge serve both
 * ways of talking; the differences are these.
 *
 * The request's body leaves beside the answer for as long as both last: a call may go back and
 * forth (gRPC). A body that lies here whole and is short needs no fiber for that.
 *
 * A stream is independent of the others: whatever becomes of it, the connection stays. What is
 * unfinished at the end is reset by nw_h2_stream_done, and only then does the slot return.
 *
 * What the node provably did not begin (refused, above GOAWAY's last id, never sent) goes to
 * another connection or node. A streamed body can follow only while all that was read of it is
 * still here: one buffer of it is kept until the answer begins.
 */
#include "base/assert.h"
#include "base/log.h"
#include "gate/forward_wire.h"
#include "gate/upstream.h"
#include "http/h2.h"
#include "io/clock.h"
#include "io/worker.h"
#include "proto/grpc.h"

/* Beyond the node's window, of a streamed body; of one that lies here whole. */
enum { AHEAD_BYTES = 16 * 1024, AHEAD_WHOLE_BYTES = GATE_UPLOAD_FIBER_ABOVE_BYTES };

/* ---- the request ---- */

/* As h2.h says it; a stream that we reset ourselves was stuck for too long. */
static nw_err node_error(struct gate_forward *f, nw_err err)
{
    if (err == NW_OK || nw_fiber_is_cancelled())
        return err;
    f->is_unsent = nw_h2_never_started(f->stream);
    if (f->is_unsent) /* whatever the session calls it */
        return NW_PEER_RESET;
    if (err == NW_CANCELLED)
        return NW_TIMEOUT;
    return err == NW_IO || err == NW_DRAINING ? NW_PEER_RESET : err;
}

NW_YIELDS static nw_err write_piece(struct gate_forward *f, struct nw_slice piece,
                                    size_t ahead_bytes)
{
    struct iovec iov = {(void *)piece.ptr, piece.len};
    uint64_t turns = nw_worker_turns(nw_worker_self());
    nw_err err = nw_h2_write(f->stream, &iov, 1, ahead_bytes);
    if (nw_worker_turns(nw_worker_self()) != turns)
        nw_metric_add(f->service->window_blocked, gate_worker_self()->index, 1);
    return err;
}

static nw_err end_request(struct gate_forward *f)
{
    struct nw_http_source *source = f->exchange->source;
    bool has_trailers = source->ops->trailers != NULL;
    struct nw_slice none = {NULL, 0};
    return nw_h2_end(f->stream, has_trailers ? source->ops->trailers(source) : none);
}

/* What was read of a streamed body, should it have to be sent again. */
static void keep(struct gate_forward *f, struct nw_slice piece)
{
    if (f->exchange->source->is_whole || f->is_body_lost)
        return;
    bool has_room = f->kept.data != NULL || nw_buf_reserve(&f->kept) == NW_OK;
    if (!has_room || nw_buf_space_bytes(&f->kept) < piece.len) {
        f->is_body_lost = true;
        nw_buf_release(&f->kept);
        return;
    }
    memcpy(f->kept.data + f->kept.end, piece.ptr, piece.len);
    f->kept.end += (uint32_t)piece.len;
}

/* The body, or the rest of it; a failure of the client's is not the node's fault. */
NW_YIELDS static nw_err send_body(struct gate_forward *f)
{
    struct nw_http_source *source = f->exchange->source;
    size_t ahead_bytes = source->is_whole ? AHEAD_WHOLE_BYTES : AHEAD_BYTES;
    if (nw_buf_unread_bytes(&f->kept) > 0) /* of an earlier try */
        NW_TRY(write_piece(f, nw_buf_unread(&f->kept), NW_BUF_BYTES));
    for (;;) {
        struct nw_slice piece;
        nw_err err = source->ops->read(source, &piece);
        if (err != NW_OK) {
            f->was_node_at_fault = false;
            return err;
        }
        if (piece.len == 0)
            return end_request(f);
        keep(f, piece);
        NW_TRY(write_piece(f, piece, ahead_bytes));
    }
}

NW_YIELDS static void upload_fiber(void *arg)
{
    struct gate_forward *f = arg;
    nw_err err = NW_OK;
    if (!f->exchange->source->is_whole && f->exchange->message.expect_continue) {
        NW_WITHIN(hold, GATE_CONTINUE_WAIT_MS);
        err = nw_event_wait(&f->may_send);
        if (err == NW_TIMEOUT && nw_within_ran_out(&hold))
            err = NW_OK;
    }
    if (err == NW_OK)
        err = send_body(f);
    f->upload_err = err;
    f->is_uploaded = err == NW_OK;
    nw_event_set(&f->uploaded);
}

/* `te: trailers` says that trailers are welcome; gRPC insists on it (RFC 9110 section 10.1.4). */
static nw_err add_te(struct gate_forward *f)
{
    static const struct nw_slice te = NW_SLICE_LIT("TE: trailers\r\n\r\n");
    if (!f->exchange->is_grpc && !nw_http1_has(f->exchange->head, NW_HTTP_FIELD_TE))
        return NW_OK;
    f->out.end -= 2; /* the empty line */
    if (nw_buf_space_bytes(&f->out) < te.len)
        NW_TRY(nw_buf_enlarge(&f->out));
    memcpy(f->out.data + f->out.end, te.ptr, te.len);
    f->out.end += (uint32_t)te.len;
    return NW_OK;
}

/* The stream is there, its head leaves with this turn; or the connection takes no more. */
static nw_err open_stream(struct gate_forward *f)
{
    const struct nw_http_source *source = f->exchange->source;
    bool is_end = source->is_whole && source->length_bytes == 0;
    NW_TRY(nw_buf_reserve(&f->out));
    NW_TRY(gate_forward_head(f->exchange, f->service, f->exchange->outcome.node, &f->out));
    NW_TRY(add_te(f));
    nw_err err = nw_h2_request(gate_upstream_h2(f->try.conn), nw_buf_unread(&f->out), is_end,
                               &f->stream);
    nw_buf_release(&f->out);
    if (err == NW_OK) {
        f->exchange->outcome.has_started = true;
        f->is_uploaded = is_end;
        return NW_OK;
    }
    f->stream = NULL;
    f->is_unsent = true;
    return err == NW_DRAINING ? NW_PEER_CLOSED : err;
}

/* ---- the answer's head ---- */

NW_YIELDS static nw_err read_one_head(struct gate_forward *f)
{
    NW_TRY(node_error(f, nw_h2_head(f->stream, &f->in)));
    nw_http1_parser_init(&f->parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    nw_err err = nw_http1_parse(&f->parser, nw_buf_unread(&f->in), &f->head);
    if (err == NW_OK)
        return gate_forward_judge(f);
    return gate_forward_refuse(f, err == NW_AGAIN ? NW_HTTP1_HEAD_TOO_LARGE : f->parser.found);
}

NW_YIELDS static nw_err read_answer_head(struct gate_forward *f)
{
    NW_WITHIN(first_byte, f->service->first_byte_ms);
    for (;;) {
        NW_TRY(read_one_head(f));
        if (!f->message.is_informational)
            return NW_OK;
        NW_TRY(gate_forward_inform(f));
    }
}

/* While the body is on its way: the answer may come first, or the upload may fail. */
NW_YIELDS static nw_err wait_upload_or_answer(struct gate_forward *f)
{
    struct nw_event *news = nw_h2_news(f->stream);
    while (!f->uploaded.is_set) {
        nw_event_clear(news);
        while (nw_h2_has_head(f->stream)) {
            NW_TRY(read_one_head(f));
            if (!f->message.is_informational)
                return NW_OK;
            NW_TRY(gate_forward_inform(f));
        }
        struct nw_wait waits[2] = {{.event = news}, {.event = &f->uploaded}};
        NW_TRY(nw_io_wait_any(waits, 2));
    }
    if (!f->is_uploaded && !f->was_node_at_fault)
        return f->upload_err;
    return read_answer_head(f);
}

/* ---- the answer's body ---- */

static bool is_unavailable(int grpc_status)
{
    return grpc_status == NW_GRPC_UNAVAILABLE;
}

/* A call that ended in its head tells how in a field of it. */
static nw_peer_outcome outcome_of_head(const struct gate_forward *f)
{
    nw_peer_outcome outcome = gate_forward_status_outcome(f->head.status);
    if (!f->exchange->is_grpc || outcome != NW_PEER_OK || !nw_h2_is_ended(f->stream))
        return outcome;
    const char *bytes = f->in.data + f->in.start;
    int at = nw_http1_find(&f->head, bytes, NW_SLICE("grpc-status"), 0);
    struct nw_slice value = {NULL, 0};
    if (at >= 0)
        value = nw_http1_value(&f->head, bytes, (uint32_t)at);
    return is_unavailable(nw_grpc_status_read(value)) ? NW_PEER_REFUSING : NW_PEER_OK;
}

NW_YIELDS static nw_err read_piece(struct gate_forward *f, struct nw_slice *out_piece)
{
    struct nw_http_sink *sink = f->exchange->sink;
    if (!nw_h2_is_readable(f->stream)) { /* what is held leaves before this fiber waits */
        if (f->exchange->on_relay != NULL)
            f->exchange->on_relay(f->exchange);
        f->was_node_at_fault = false;
        NW_TRY(sink->ops->flush(sink));
        f->was_node_at_fault = true;
    }
    NW_WITHIN(idle, f->service->idle_ms);
    return node_error(f, nw_h2_read(f->stream, out_piece));
}

NW_YIELDS static nw_err relay_trailers(struct gate_forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct nw_slice lines = nw_h2_trailers(f->stream);
    if (lines.len == 0)
        return NW_OK;
    if (f->exchange->is_grpc && is_unavailable(nw_grpc_status_in(lines)))
        nw_peer_try_report(&f->try, NW_PEER_REFUSING, 0);
    if (sink->ops->trailers == NULL)
        return NW_OK;
    f->was_node_at_fault = false;
    return sink->ops->trailers(sink, lines);
}

NW_YIELDS static nw_err relay_answer(struct gate_forward *f)
{
    if (nw_h2_is_ended(f->stream) && !f->message.has_length) {
        f->message.has_length = f->message.framing != NW_HTTP1_BODY_NONE;
        f->message.length_bytes = 0;
    }
    NW_TRY(gate_forward_relay_head(f));
    while (!nw_h2_is_ended(f->stream)) {
        struct nw_slice piece;
        NW_TRY(read_piece(f, &piece));
        if (piece.len == 0)
            break;
        NW_TRY(gate_forward_body(f, piece));
    }
    NW_TRY(relay_trailers(f));
    f->is_answer_complete = true;
    return NW_OK;
}

/* ---- one try ---- */

NW_YIELDS static nw_err conclude(struct gate_forward *f, nw_err err)
{
    if (err == NW_OK) {
        f->is_body_lost = true; /* nothing is sent again from here on */
        nw_buf_release(&f->kept);
        gate_forward_first_byte(f, outcome_of_head(f));
        return relay_answer(f);
    }
    /* Of one stream among many: no kept connection that happened to close. */
    f->try.is_fresh |= f->stream != NULL && nw_h2_code(f->stream) != 0;
    bool is_nodes = f->was_node_at_fault && !f->is_unsent;
    nw_peer_try_report(&f->try, is_nodes ? gate_forward_outcome(err) : NW_PEER_ABANDONED, 0);
    return err;
}

/* A short body that lies here leaves with its head, without waiting. */
NW_YIELDS static nw_err send_whole(struct gate_forward *f)
{
    nw_err err = f->is_uploaded ? NW_OK : send_body(f);
    f->is_uploaded = err == NW_OK;
    if (err != NW_OK && (!f->was_node_at_fault || nw_fiber_is_cancelled()))
        return err;
    return read_answer_head(f); /* a node may answer without reading */
}

NW_YIELDS static nw_err send_beside(struct gate_forward *f)
{
    struct nw_scope uploads;
    nw_scope_open(&uploads);
    nw_event_init(&f->uploaded);
    nw_event_init(&f->may_send);
    nw_err err = nw_scope_spawn(&uploads, "gate.upload", upload_fiber, f, NULL);
    if (err != NW_OK)
        f->was_node_at_fault = false;
    err = conclude(f, err == NW_OK ? wait_upload_or_answer(f) : err);
    nw_scope_close(&uploads);
    return err;
}

nw_err gate_forward_h2(struct gate_forward *f)
{
    const struct nw_http_source *source = f->exchange->source;
    f->stream = NULL;
    f->is_uploaded = f->is_answer_complete = f->is_unsent = false;
    f->was_node_at_fault = true;
    f->has_upload_fiber =
        !source->is_whole || source->length_bytes > GATE_UPLOAD_FIBER_ABOVE_BYTES;
    nw_err err = open_stream(f);
    if (NW_UNLIKELY(err != NW_OK)) {
        f->was_node_at_fault = f->is_unsent;
        nw_peer_try_report(&f->try, NW_PEER_ABANDONED, 0);
    } else if (NW_LIKELY(!f->has_upload_fiber)) {
        err = conclude(f, send_whole(f));
    } else {
        err = send_beside(f);
    }
    return err;
}

void gate_forward_h2_settle(struct gate_forward *f)
{
    if (f->stream != NULL)
        nw_h2_stream_done(f->stream);
    f->stream = NULL;
    nw_peer_try_end(&f->try, true);
}
