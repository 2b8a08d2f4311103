/*
 * HTTP/1.1 to a node: a connection for each exchange, one send, one read. What the hot path is made
 * of, so everything that an ordinary exchange needs lies in one frame and three pooled buffers.
 *
 * Completeness: the connection goes back to the pool only when the answer is provably complete, the
 * request went out whole, and nothing unread is left; in every other case it is closed.
 */
#include "base/assert.h"
#include "base/planted.h"
#include "gate/forward_wire.h"
#include "io/clock.h"
#include "io/worker.h"

static struct nw_stream *node_stream(struct gate_forward *f)
{
    return &f->try.conn->stream;
}

/* ---- the request ---- */

NW_YIELDS static nw_err send_piece(struct gate_forward *f, struct nw_slice piece, bool is_chunked)
{
    char chunk_head[NW_HTTP1_CHUNK_HEAD_MAX_BYTES];
    struct iovec iov[4];
    int n = 0;
    if (nw_buf_unread_bytes(&f->out) > 0)
        iov[n++] = (struct iovec){f->out.data + f->out.start, nw_buf_unread_bytes(&f->out)};
    if (is_chunked && piece.len > 0)
        iov[n++] = (struct iovec){chunk_head, nw_http1_chunk_encode_head(piece.len, chunk_head)};
    if (piece.len > 0)
        iov[n++] = (struct iovec){(void *)piece.ptr, piece.len};
    if (is_chunked)
        iov[n++] = piece.len > 0 ? (struct iovec){(void *)NW_HTTP1_CHUNK_END, 2}
                                 : (struct iovec){(void *)NW_HTTP1_CHUNKED_END, 5};
    f->out.start = f->out.end = 0;
    if (n == 0)
        return NW_OK;
    bool is_late;
    return nw_io_write_timed(node_stream(f), iov, n, 0, f->service->idle_ms, &is_late);
}

/*
 * The rest of the body. A body error towards us cuts the node's connection without a terminator:
 * the node must not take what it got for the whole.
 */
NW_YIELDS static nw_err send_body(struct gate_forward *f)
{
    struct nw_http_source *source = f->exchange->source;
    bool is_chunked = source->length_bytes == NW_HTTP_LENGTH_UNKNOWN;
    for (;;) {
        struct nw_slice piece;
        nw_err err = source->ops->read(source, &piece);
        if (err != NW_OK) {
            f->was_node_at_fault = false;
            return err;
        }
        if (piece.len == 0 && !is_chunked)
            return send_piece(f, piece, false);
        NW_TRY(send_piece(f, piece, is_chunked));
        if (piece.len == 0)
            return NW_OK;
    }
}

NW_YIELDS static void upload_fiber(void *arg)
{
    struct gate_forward *f = arg;
    nw_err err = NW_OK;
    bool is_streaming = !f->exchange->source->is_whole;
    if (is_streaming) /* the node may answer before the client sends the first byte of its body */
        err = send_piece(f, nw_slice_of(NULL, 0), false);
    if (is_streaming && f->exchange->message.expect_continue) {
        NW_WITHIN(hold, GATE_CONTINUE_WAIT_MS);
        if (err == NW_OK)
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

/* ---- the answer's head ---- */

NW_YIELDS static nw_err read_once(struct gate_forward *f)
{
    size_t got_bytes = 0;
    if (f->in.data != NULL && nw_buf_space_bytes(&f->in) == 0) {
        if (f->in.start > 0)
            nw_buf_compact(&f->in);
        else
            NW_TRY(nw_buf_enlarge(&f->in));
    }
    NW_TRY(nw_io_read(node_stream(f), &f->in, &got_bytes));
    return got_bytes > 0 ? NW_OK : NW_PEER_CLOSED;
}

/* One head, final or informational; its bytes stay at in.start. */
NW_YIELDS static nw_err read_one_head(struct gate_forward *f)
{
    nw_http1_parser_init(&f->parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    for (;;) {
        if (nw_buf_unread_bytes(&f->in) > 0) {
            nw_err err = nw_http1_parse(&f->parser, nw_buf_unread(&f->in), &f->head);
            if (err == NW_OK)
                return gate_forward_judge(f);
            if (err != NW_AGAIN)
                return gate_forward_refuse(f, f->parser.found);
        }
        NW_TRY(read_once(f));
    }
}

/* The final head; informational ones are passed on. */
NW_YIELDS static nw_err read_answer_head(struct gate_forward *f)
{
    for (;;) {
        NW_TRY(read_one_head(f));
        if (!f->message.is_informational)
            return NW_OK;
        NW_TRY(gate_forward_inform(f));
    }
}

/* While the body is still on its way: the answer may come first, or the upload may fail. */
NW_YIELDS static nw_err wait_upload_or_answer(struct gate_forward *f)
{
    while (!f->uploaded.is_set) {
        struct nw_wait waits[2] = {
            {.stream = node_stream(f), .want = NW_WANT_READ},
            {.event = &f->uploaded},
        };
        NW_TRY(nw_io_wait_any(waits, 2));
        if (waits[0].ready == 0)
            continue;
        NW_WITHIN(first_byte, f->service->first_byte_ms); /* a head that began must end */
        NW_TRY(read_one_head(f));
        if (!f->message.is_informational)
            return NW_OK;
        NW_TRY(gate_forward_inform(f));
    }
    if (!f->is_uploaded && !f->was_node_at_fault)
        return f->upload_err;
    return NW_AGAIN;
}

NW_YIELDS static nw_err await_answer(struct gate_forward *f)
{
    NW_WITHIN(first_byte, f->service->first_byte_ms);
    return read_answer_head(f);
}

/* ---- the answer's body ---- */

/* What is held leaves before this fiber waits for more from the node. */
NW_YIELDS static nw_err read_more(struct gate_forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    f->was_node_at_fault = false;
    if (!nw_stream_may_read(node_stream(f)))
        NW_TRY(sink->ops->flush(sink));
    f->was_node_at_fault = true;
    f->in.start = f->in.end = 0;
    NW_WITHIN(idle, f->service->idle_ms);
    return read_once(f);
}

/* A long body of known length between two plain streams passes through a pipe, never through us. */
NW_YIELDS static nw_err splice_rest(struct gate_forward *f, uint64_t left_bytes)
{
    struct nw_http_sink *sink = f->exchange->sink;
    f->was_node_at_fault = false;
    NW_TRY(sink->ops->flush(sink));
    uint64_t moved_bytes = 0;
    bool is_from_fault = false;
    nw_err err = nw_io_relay(node_stream(f), sink->ops->stream(sink), left_bytes,
                             f->service->idle_ms, &moved_bytes, &is_from_fault);
    sink->ops->sent(sink, moved_bytes);
    f->was_node_at_fault = is_from_fault;
    return err;
}

NW_YIELDS static nw_err relay_length(struct gate_forward *f)
{
    struct nw_exchange *exchange = f->exchange;
    uint64_t left_bytes = f->message.length_bytes;
    struct nw_slice piece = nw_slice_first(nw_buf_unread(&f->in), left_bytes);
    NW_TRY(gate_forward_body(f, piece));
    nw_buf_consume(&f->in, (uint32_t)piece.len);
    left_bytes -= piece.len;
    bool can_splice = exchange->sink->ops->stream != NULL && node_stream(f)->ops->is_plain &&
                      exchange->sink->ops->stream(exchange->sink) != NULL;
    if (left_bytes > exchange->ahead_bytes && can_splice) {
        NW_TRY(splice_rest(f, left_bytes));
        left_bytes = 0;
    }
    while (left_bytes > 0) {
        NW_TRY(read_more(f));
        piece = nw_slice_first(nw_buf_unread(&f->in), left_bytes);
        NW_TRY(gate_forward_body(f, piece));
        nw_buf_consume(&f->in, (uint32_t)piece.len);
        left_bytes -= piece.len;
    }
    return NW_OK;
}

NW_YIELDS static nw_err relay_chunked(struct gate_forward *f)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, true, NW_HTTP1_LIMITS_DEFAULT.head_bytes);
    for (;;) {
        struct nw_slice data;
        size_t used_bytes = 0;
        nw_err err = nw_http1_chunked_read(&chunked, nw_buf_unread(&f->in), &data, &used_bytes);
        if (err != NW_OK && err != NW_AGAIN)
            return gate_forward_refuse(f, chunked.found);
        if (data.len > 0)
            NW_TRY(gate_forward_body(f, data));
        nw_buf_consume(&f->in, (uint32_t)used_bytes);
        if (err == NW_OK)
            return NW_OK;
        if (data.len == 0)
            NW_TRY(read_more(f));
    }
}

NW_YIELDS static nw_err relay_until_close(struct gate_forward *f)
{
    for (;;) {
        NW_TRY(gate_forward_body(f, nw_buf_unread(&f->in)));
        f->in.start = f->in.end = 0;
        nw_err err = read_more(f);
        if (err == NW_PEER_CLOSED && f->was_node_at_fault)
            return NW_OK;
        NW_TRY(err);
    }
}

NW_YIELDS static nw_err relay_body(struct gate_forward *f)
{
    uint64_t here_bytes = nw_buf_unread_bytes(&f->in);
    bool is_all_here =
        f->message.framing == NW_HTTP1_BODY_NONE ||
        (f->message.framing == NW_HTTP1_BODY_LENGTH && here_bytes >= f->message.length_bytes);
    if (!is_all_here && f->exchange->on_relay != NULL)
        f->exchange->on_relay(f->exchange);
    switch (f->message.framing) {
    case NW_HTTP1_BODY_LENGTH: return relay_length(f);
    case NW_HTTP1_BODY_CHUNKED: return relay_chunked(f);
    case NW_HTTP1_BODY_UNTIL_CLOSE: return relay_until_close(f);
    default: return NW_OK;
    }
}

/* Bytes behind the answer that are here already make it a lie: nothing of it is passed on. */
static bool has_surplus(const struct gate_forward *f)
{
    uint64_t here_bytes = nw_buf_unread_bytes(&f->in) - f->head.head_bytes;
    if (f->message.framing == NW_HTTP1_BODY_NONE)
        return here_bytes > 0;
    return f->message.framing == NW_HTTP1_BODY_LENGTH && here_bytes > f->message.length_bytes;
}

NW_YIELDS static nw_err relay_answer(struct gate_forward *f)
{
    NW_TRY(gate_forward_relay_head(f));
    nw_err err = relay_body(f);
    f->is_answer_complete = err == NW_OK && f->message.framing != NW_HTTP1_BODY_UNTIL_CLOSE;
    return err;
}

NW_YIELDS static nw_err tunnel(struct gate_forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct nw_http_answer answer = gate_forward_answer(f);
    struct gate_request *request = gate_request_of(f->exchange);
    NW_TRY(gate_tunnel_keep_head(f->exchange));
    NW_TRY(sink->ops->informational(sink, &answer));
    sink->has_head = true;
    f->exchange->outcome.status = 101;
    nw_buf_consume(&f->in, f->head.head_bytes);
    if (f->exchange->on_relay != NULL)
        f->exchange->on_relay(f->exchange);
    gate_tunnel(request->conn, request->source.in, node_stream(f), &f->in);
    request->sink.keeps_alive = false; /* the connection ends with the tunnel */
    return NW_OK;
}

/* ---- one try ---- */

NW_YIELDS static nw_err send_whole(struct gate_forward *f)
{
    struct nw_http_source *source = f->exchange->source;
    nw_err err = source->length_bytes == 0 ? send_piece(f, nw_slice_of(NULL, 0), false)
                                           : send_body(f);
    f->is_uploaded = err == NW_OK;
    if (NW_UNLIKELY(err != NW_OK) &&
        (!f->was_node_at_fault || err == NW_CANCELLED || err == NW_TIMEOUT))
        return err;
    nw_buf_release(&f->out); /* many may wait for long, and whoever reads first uses it again */
    return await_answer(f); /* a node may answer and close without reading */
}

/* In a scope of its own: what is left of an upload when the answer is out is not forwarded. */
NW_YIELDS static nw_err send_beside(struct gate_forward *f, struct nw_scope *uploads)
{
    nw_event_init(&f->uploaded);
    nw_event_init(&f->may_send);
    NW_TRY(nw_scope_spawn(uploads, "gate.upload", upload_fiber, f, NULL));
    nw_err err = wait_upload_or_answer(f);
    return err == NW_AGAIN ? await_answer(f) : err;
}

NW_YIELDS static nw_err conclude(struct gate_forward *f, nw_err err)
{
    nw_buf_release(&f->out);
    if (err == NW_OK && f->message.framing != NW_HTTP1_BODY_TUNNEL && has_surplus(f))
        err = NW_BAD_MESSAGE;
    if (NW_LIKELY(err == NW_OK)) {
        gate_forward_first_byte(f, gate_forward_status_outcome(f->head.status));
        return f->message.framing == NW_HTTP1_BODY_TUNNEL ? tunnel(f) : relay_answer(f);
    }
    nw_peer_outcome how = f->was_node_at_fault ? gate_forward_outcome(err) : NW_PEER_ABANDONED;
    nw_peer_try_report(&f->try, how, 0);
    return err;
}

nw_err gate_forward_h1(struct gate_forward *f)
{
    const struct nw_http_source *source = f->exchange->source;
    NW_TRY(nw_buf_reserve(&f->out));
    NW_TRY(gate_forward_head(f->exchange, f->service, f->exchange->outcome.node, &f->out));
    f->is_uploaded = f->is_answer_complete = false;
    f->was_node_at_fault = true;
    f->sent_before = nw_stream_sent_bytes(node_stream(f));
    f->has_upload_fiber = !source->is_whole || source->length_bytes > GATE_UPLOAD_FIBER_ABOVE_BYTES;
    nw_err err;
    if (NW_LIKELY(!f->has_upload_fiber)) {
        err = conclude(f, send_whole(f));
    } else {
        struct nw_scope uploads;
        nw_scope_open(&uploads);
        err = conclude(f, send_beside(f, &uploads));
        nw_scope_close(&uploads);
    }
    f->is_unsent = nw_stream_sent_bytes(node_stream(f)) == f->sent_before;
    f->exchange->outcome.has_started |= !f->is_unsent;
    return err;
}

/* A 204 that announces a length may send it after all (RFC 9110 section 8.6 forbids both). */
static bool may_still_send(const struct gate_forward *f)
{
    return f->head.status == 204 && f->message.has_length && f->message.length_bytes > 0;
}

void gate_forward_h1_settle(struct gate_forward *f)
{
    bool is_more_here = nw_buf_unread_bytes(&f->in) > 0;
    bool is_reusable = f->is_answer_complete && f->is_uploaded && f->message.keep_alive &&
                       !may_still_send(f) && (!is_more_here || NW_PLANTED(pool_unread));
    if (NW_UNLIKELY(is_more_here) && f->is_answer_complete)
        nw_peer_try_report(&f->try, NW_PEER_REFUSING, 0); /* surplus bytes behind a whole answer */
    nw_peer_try_end(&f->try, is_reusable);
}
