/*
 * A send on loopback costs five microseconds, a copy of 8 KiB a tenth of one. So a head is held in
 * a pooled buffer, small body pieces are copied behind it, and all leave together: at the end of
 * the answer, when the buffer is full, or when the caller says flush before it waits for more from
 * the node. A large piece goes out of the caller's memory in one vector with what is held.
 *
 * What a slow client does not take is queued by the stream up to the route's read-ahead, so that
 * the node is free long before the client is.
 */
#include "gate/sink.h"

#include "base/assert.h"
#include "gate/serve.h"
#include "io/fiber.h"

enum { COPY_MAX_BYTES = 8 * 1024, PIECES_MAX = 4 };
_Static_assert(PIECES_MAX + 4 == GATE_SINK_IOV_MAX, "what send_out may hand on");

/* Everything that is held, then the caller's pieces, in one vector. */
NW_YIELDS static nw_err send_out(struct gate_sink *sink, const struct iovec *iov, int count)
{
    struct iovec all[GATE_SINK_IOV_MAX];
    int n = 0;
    NW_ASSERT(count <= PIECES_MAX + 2);
    struct nw_slice held = nw_buf_unread(&sink->out);
    if (held.len > 0)
        all[n++] = (struct iovec){(void *)held.ptr, held.len};
    for (int i = 0; i < count; i++)
        if (iov[i].iov_len > 0)
            all[n++] = iov[i];
    if (n == 0)
        return NW_OK;
    sink->is_head_held = false;
    if (sink->h2 != NULL)
        return gate_h2_sink_write(sink, all, n);
    bool is_late;
    nw_err err = nw_io_write_timed(&sink->conn->stream, all, n, sink->ahead_bytes, sink->idle_ms,
                                   &is_late);
    sink->out.start = sink->out.end = 0;
    if (err != NW_OK)
        sink->failed = is_late ? NW_CLIENT_SLOW : err;
    return sink->failed;
}

static void hold(struct gate_sink *sink, const void *bytes, size_t len)
{
    memcpy(sink->out.data + sink->out.end, bytes, len);
    sink->out.end += (uint32_t)len;
}

/* What newel adds, up to the empty line. */
static void write_own_fields(struct gate_sink *sink, const struct nw_http_answer *answer,
                             struct nw_http1_writer *writer)
{
    enum { FIXED_BYTES = 256 };
    struct nw_exchange *exchange = sink->exchange;
    char *at = nw_http1_write_room(
        writer, FIXED_BYTES + exchange->request_id.len + exchange->answer_lines.len);
    if (at == NULL)
        return;
    if (NW_UNLIKELY(answer->is_h2))
        NW_HTTP1_PUT(at, "Via: 2 newel\r\nX-Request-Id: ");
    else
        NW_HTTP1_PUT(at, "Via: 1.1 newel\r\nX-Request-Id: ");
    at = nw_http1_put(at, exchange->request_id);
    NW_HTTP1_PUT(at, "\r\n");
    at = nw_http1_put(at, exchange->answer_lines);
    if (sink->is_chunked) {
        NW_HTTP1_PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (answer->length_bytes >= 0 && answer->status >= 200 && answer->status != 204) {
        NW_HTTP1_PUT(at, "Content-Length: ");
        at = nw_http1_put_u64(at, (uint64_t)answer->length_bytes);
        NW_HTTP1_PUT(at, "\r\n");
    }
    if (!sink->keeps_alive)
        NW_HTTP1_PUT(at, "Connection: close\r\n");
    else if (exchange->head->version_minor == 0)
        NW_HTTP1_PUT(at, "Connection: keep-alive\r\n");
    NW_HTTP1_PUT(at, "\r\n");
    nw_http1_write_upto(writer, at);
}

static void write_fields(struct nw_http1_writer *writer, const struct nw_http_fields *fields)
{
    nw_http1_write_fields(writer, fields->bytes, fields->items, fields->count, &fields->skip,
                          fields->is_plain);
}

static void write_head(struct gate_sink *sink, const struct nw_http_answer *answer,
                       struct nw_http1_writer *writer)
{
    nw_http1_write_status_line(writer, answer->status, answer->reason);
    write_fields(writer, &answer->fields);
    if (!answer->has_date)
        nw_http1_write_field(writer, NW_SLICE("Date"),
                             gate_date(gate_request_of(sink->exchange)->worker));
    write_own_fields(sink, answer, writer);
}

/* The framing towards this client, decided from what is known and what it speaks. */
static void decide_framing(struct gate_sink *sink, const struct nw_http_answer *answer)
{
    sink->has_no_body = answer->has_no_body;
    sink->has_length = answer->length_bytes >= 0 && !answer->has_no_body;
    sink->left_bytes = sink->has_length ? (uint64_t)answer->length_bytes : 0;
    bool is_unknown = answer->length_bytes < 0 && !answer->has_no_body;
    sink->is_chunked = is_unknown && sink->h2 == NULL && sink->exchange->head->version_minor > 0;
    if (is_unknown && sink->exchange->head->version_minor == 0)
        sink->keeps_alive = false;
}

static nw_err reserve_out(struct gate_sink *sink)
{
    return sink->out.data != NULL ? NW_OK : nw_buf_reserve(&sink->out);
}

/* Behind what is held. */
static void begin_writing(struct gate_sink *sink, struct nw_http1_writer *writer)
{
    nw_http1_writer_init(writer, sink->out.data + sink->out.end, nw_buf_space_bytes(&sink->out));
}

nw_err gate_sink_head(struct nw_http_sink *base, const struct nw_http_answer *answer)
{
    struct gate_sink *sink = gate_sink_of(base);
    NW_ASSERT(!base->has_head);
    const struct gate_request *request = gate_request_of(sink->exchange);
    bool is_body_left = !request->source.is_done;
    if ((request->worker->is_draining || is_body_left) && sink->h2 == NULL)
        sink->keeps_alive = false;
    decide_framing(sink, answer);
    NW_TRY(reserve_out(sink));
    struct nw_http1_writer writer;
    begin_writing(sink, &writer);
    write_head(sink, answer, &writer);
    while (writer.is_full) {
        NW_TRY(nw_buf_enlarge(&sink->out));
        begin_writing(sink, &writer);
        write_head(sink, answer, &writer);
    }
    sink->out.end += (uint32_t)writer.len;
    sink->head_bytes = (uint32_t)writer.len;
    base->has_head = sink->is_head_held = true;
    sink->exchange->outcome.status = answer->status;
    return NW_OK;
}

/* Connection and Upgrade ended here, like every field of the connection: 101 has newel's own. */
static void write_informational(struct nw_http1_writer *writer, const struct nw_http_answer *answer)
{
    nw_http1_write_status_line(writer, answer->status, answer->reason);
    write_fields(writer, &answer->fields);
    if (answer->status == 101)
        nw_http1_write_bytes(writer, NW_SLICE("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    nw_http1_write_end(writer);
}

nw_err gate_sink_informational(struct nw_http_sink *base, const struct nw_http_answer *answer)
{
    struct gate_sink *sink = gate_sink_of(base);
    if (sink->exchange->head->version_minor == 0 && answer->status != 101)
        return NW_OK;
    NW_TRY(reserve_out(sink));
    struct nw_http1_writer writer;
    begin_writing(sink, &writer);
    write_informational(&writer, answer);
    if (writer.is_full && answer->status != 101)
        return NW_OK; /* hints may be dropped */
    while (writer.is_full) {
        NW_TRY(nw_buf_enlarge(&sink->out));
        begin_writing(sink, &writer);
        write_informational(&writer, answer);
    }
    sink->out.end += (uint32_t)writer.len;
    sink->head_bytes = (uint32_t)writer.len;
    return send_out(sink, NULL, 0);
}

static size_t total_bytes(const struct iovec *iov, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

nw_err gate_sink_body(struct nw_http_sink *base, const struct iovec *iov, int count)
{
    struct gate_sink *sink = gate_sink_of(base);
    NW_ASSERT(base->has_head && count <= PIECES_MAX);
    if (sink->failed != NW_OK)
        return sink->failed;
    size_t bytes = total_bytes(iov, count);
    if (bytes == 0 || sink->has_no_body)
        return NW_OK;
    if (sink->has_length) {
        if (bytes > sink->left_bytes)
            return NW_BAD_MESSAGE;
        sink->left_bytes -= bytes;
    }
    sink->exchange->outcome.response_body_bytes += bytes;

    char chunk_head[NW_HTTP1_CHUNK_HEAD_MAX_BYTES];
    size_t chunk_bytes = sink->is_chunked ? nw_http1_chunk_encode_head(bytes, chunk_head) : 0;
    size_t wire_bytes = bytes + (sink->is_chunked ? chunk_bytes + 2 : 0);
    NW_TRY(reserve_out(sink));
    if (bytes <= COPY_MAX_BYTES && wire_bytes <= nw_buf_space_bytes(&sink->out)) {
        hold(sink, chunk_head, chunk_bytes);
        for (int i = 0; i < count; i++)
            hold(sink, iov[i].iov_base, iov[i].iov_len);
        if (sink->is_chunked)
            hold(sink, NW_HTTP1_CHUNK_END, 2);
        return NW_OK;
    }
    struct iovec all[PIECES_MAX + 2];
    int n = 0;
    if (sink->is_chunked)
        all[n++] = (struct iovec){chunk_head, chunk_bytes};
    for (int i = 0; i < count; i++)
        all[n++] = iov[i];
    if (sink->is_chunked)
        all[n++] = (struct iovec){(void *)NW_HTTP1_CHUNK_END, 2};
    return send_out(sink, all, n);
}

nw_err gate_sink_flush(struct nw_http_sink *base)
{
    struct gate_sink *sink = gate_sink_of(base);
    return sink->failed != NW_OK ? sink->failed : send_out(sink, NULL, 0);
}

/* Until the client has taken what was sent ahead of it. */
NW_YIELDS static nw_err drain(struct gate_sink *sink)
{
    NW_WITHIN(idle, sink->idle_ms);
    nw_err err = nw_io_write_drain(&sink->conn->stream);
    if (err != NW_OK)
        sink->failed = err == NW_TIMEOUT && nw_within_ran_out(&idle) ? NW_CLIENT_SLOW : err;
    return sink->failed;
}

NW_YIELDS static nw_err sink_end(struct nw_http_sink *base)
{
    struct gate_sink *sink = gate_sink_of(base);
    NW_ASSERT(base->has_head);
    if (sink->failed != NW_OK)
        return sink->failed;
    if (sink->has_length && sink->left_bytes > 0)
        return NW_BAD_MESSAGE;
    if (sink->is_chunked) {
        struct iovec last = {(void *)NW_HTTP1_CHUNKED_END, sizeof NW_HTTP1_CHUNKED_END - 1};
        NW_TRY(send_out(sink, &last, 1));
    } else {
        NW_TRY(send_out(sink, NULL, 0));
    }
    if (NW_UNLIKELY(!nw_stream_is_drained(&sink->conn->stream)))
        NW_TRY(drain(sink));
    sink->is_ended = true;
    return NW_OK;
}

bool gate_sink_recall(struct nw_http_sink *base)
{
    struct gate_sink *sink = gate_sink_of(base);
    if (!base->has_head || !sink->is_head_held || sink->failed != NW_OK)
        return false;
    base->has_head = sink->is_head_held = false;
    sink->out.start = sink->out.end = 0;
    sink->exchange->outcome.status = 0;
    sink->exchange->outcome.response_body_bytes = 0;
    return true;
}

/*
 * The client must not take what it got for the whole: a known length or a chunked body is cut by
 * closing; a body that ends with the connection is cut by a reset.
 */
static void sink_abort(struct nw_http_sink *base, nw_err why)
{
    struct gate_sink *sink = gate_sink_of(base);
    sink->is_aborted = true;
    sink->keeps_alive = false;
    if (sink->failed == NW_OK)
        sink->failed = why;
    if (base->has_head && !sink->has_length && !sink->is_chunked)
        nw_stream_reset(&sink->conn->stream);
}

static struct nw_stream *sink_stream(struct nw_http_sink *base)
{
    struct gate_sink *sink = gate_sink_of(base);
    return sink->has_length && sink->conn->stream.ops->is_plain ? &sink->conn->stream : NULL;
}

static void sink_sent(struct nw_http_sink *base, uint64_t bytes)
{
    struct gate_sink *sink = gate_sink_of(base);
    NW_ASSERT(bytes <= sink->left_bytes);
    sink->left_bytes -= bytes;
    sink->exchange->outcome.response_body_bytes += bytes;
}

static const struct nw_http_sink_ops ops = {
    .informational = gate_sink_informational,
    .head = gate_sink_head,
    .body = gate_sink_body,
    .flush = gate_sink_flush,
    .end = sink_end,
    .recall = gate_sink_recall,
    .abort = sink_abort,
    .stream = sink_stream,
    .sent = sink_sent,
};

void gate_sink_init(struct gate_sink *sink, struct gate_request *request)
{
    *sink = (struct gate_sink){
        .base.ops = NW_LIKELY(request->h2 == NULL) ? &ops : &gate_h2_sink_ops,
        .conn = request->conn,
        .exchange = &request->exchange,
        .h2 = request->h2,
        .idle_ms = request->worker->settings.idle_ms,
        .keeps_alive = request->exchange.message.keep_alive,
    };
}

void gate_sink_done(struct gate_sink *sink)
{
    nw_buf_release(&sink->out);
}
