/*
 * The streams: what the session says about them, and what fibers do with them.
 *
 * Memory. As client, a stream's whole window is set aside on the account of read-ahead before its
 * request is sent, and the connection's window is out of the way. Hence:
 *
 *     bytes received and not read <= sum of the streams' windows <= what was set aside
 *
 * and a reader that stands still holds up its own stream alone. If a pooled buffer is refused for
 * bytes that came within their window, the memory set aside pays for it. As server, the peer opens
 * streams and their first windows without asking; what all of them may hold is the connection's
 * window. A window grows, to what the reader has shown that it takes, only from counted memory.
 *
 * A stream is dead when the session has closed it before both sides had ended, or the connection is
 * lost: `error` says why, and everything but what was read before fails with it. What the peer
 * ended in order stays readable after that.
 */
#include "base/alloc.h"
#include "base/assert.h"
#include "http/h2.h"
#include "http/h2_impl.h"

enum {
    SPARE_MAX = 64,
    RESERVE_STREAMS = 8,            /* windows set aside at a time */
    BURST_BYTES = 64 * 1024,        /* written beyond ahead_bytes before it is framed */
    BURST_STREAMS = 16,             /* so many may do that whatever the windows say */
};

static struct nw_h2_stream *of(struct nw_http2_stream *wire)
{
    return NW_CONTAINER_OF(wire, struct nw_h2_stream, wire);
}

/* ---- life ---- */

struct nw_h2_stream *nw_h2_stream_new(struct nw_h2 *h2)
{
    struct nw_list *node = nw_list_pop_front(&h2->spare_streams);
    struct nw_h2_stream *stream;
    if (node != NULL) {
        stream = NW_CONTAINER_OF(node, struct nw_h2_stream, node);
        h2->spare_count--;
    } else {
        stream = nw_alloc(sizeof *stream);
    }
    memset(stream, 0, offsetof(struct nw_h2_stream, head_small));
    stream->h2 = h2;
    nw_event_init(&stream->news);
    nw_event_init(&stream->room);
    nw_h2_chain_init(&stream->in, stream->in_small, sizeof stream->in_small);
    nw_h2_chain_init(&stream->out, stream->out_small, sizeof stream->out_small);
    h2->stream_count++;
    return stream;
}

static void head_release(struct nw_h2_stream *stream)
{
    if (stream->head.data == stream->head_small)
        stream->head = (struct nw_buf){0};
    else
        nw_buf_release(&stream->head);
}

static void stream_free(struct nw_h2_stream *stream)
{
    struct nw_h2 *h2 = stream->h2;
    nw_list_remove(&stream->node);
    nw_h2_chain_clear(&stream->in);
    nw_h2_chain_clear(&stream->out);
    head_release(stream);
    nw_buf_release(&stream->trailers_in);
    nw_buf_release(&stream->trailers_out);
    if (stream->reserved_bytes != 0) {
        nw_memory_give(NW_MEMORY_READ_AHEAD, stream->reserved_bytes);
        h2->grown_bytes -= stream->reserved_bytes;
    }
    h2->stream_count--;
    if (h2->spare_count == SPARE_MAX || NW_ASAN) {
        nw_free(stream);
        return;
    }
    nw_list_push_front(&h2->spare_streams, &stream->node);
    h2->spare_count++;
}

void nw_h2_spare_trim(struct nw_h2 *h2)
{
    for (struct nw_list *node; (node = nw_list_pop_front(&h2->spare_streams)) != NULL;)
        nw_free(NW_CONTAINER_OF(node, struct nw_h2_stream, node));
    h2->spare_count = 0;
}

static void news(struct nw_h2_stream *stream)
{
    nw_event_set(&stream->news);
}

void nw_h2_stream_fail(struct nw_h2_stream *stream, nw_err err)
{
    if (stream->error != NW_OK)
        return;
    stream->error = err;
    news(stream);
    nw_event_set(&stream->room);
    stream->is_gone = true;
    struct nw_fiber *fiber = stream->gone_fiber;
    stream->gone_fiber = NULL;
    if (fiber != NULL)
        nw_fiber_cancel(fiber);
}

/* ---- events of the session ---- */

/* Room for `bytes` behind what `buf` holds: in `small` first, else borrowed. */
static bool text_room(struct nw_buf *buf, char *small, uint32_t small_bytes, size_t bytes)
{
    if (buf->data == NULL && bytes <= small_bytes) {
        *buf = (struct nw_buf){.data = small, .cap_bytes = small_bytes};
        return true;
    }
    if (buf->data != NULL && nw_buf_space_bytes(buf) >= bytes)
        return true;
    struct nw_buf wider = {.wants_large = nw_buf_unread_bytes(buf) + bytes > NW_BUF_BYTES};
    if (nw_buf_unread_bytes(buf) + bytes > NW_BUF_LARGE_BYTES || nw_buf_reserve(&wider) != NW_OK)
        return false;
    if (buf->data != NULL) {
        struct nw_slice have = nw_buf_unread(buf);
        memcpy(wider.data, have.ptr, have.len);
        wider.end = (uint32_t)have.len;
        if (buf->data != small)
            nw_buf_release(buf);
    }
    *buf = wider;
    return true;
}

static bool text_add(struct nw_buf *buf, char *small, uint32_t small_bytes, struct nw_slice text)
{
    if (!text_room(buf, small, small_bytes, text.len))
        return false;
    memcpy(buf->data + buf->end, text.ptr, text.len);
    buf->end += (uint32_t)text.len;
    return true;
}

static bool head_add(struct nw_h2_stream *stream, struct nw_slice text)
{
    return text_add(&stream->head, stream->head_small, sizeof stream->head_small, text);
}

static struct nw_http2_stream *on_request(void *arg, const struct nw_http2_head *head)
{
    struct nw_h2 *h2 = arg;
    if (h2->stream_count >= h2->options.streams_max)
        return NULL;
    struct nw_h2_stream *stream = nw_h2_stream_new(h2);
    nw_list_push_back(&h2->arrived, &stream->node);
    if (!head_add(stream, head->text)) {
        stream_free(stream);
        return NULL;
    }
    stream->is_too_large = head->is_too_large;
    return &stream->wire;
}

void nw_h2_deliver(struct nw_h2 *h2)
{
    for (struct nw_list *node; (node = nw_list_pop_front(&h2->arrived)) != NULL;) {
        struct nw_h2_stream *stream = NW_CONTAINER_OF(node, struct nw_h2_stream, node);
        nw_list_push_back(&h2->streams, node);
        h2->options.on_request(h2->options.arg, stream);
    }
}

static void on_answer(void *arg, struct nw_http2_stream *wire, const struct nw_http2_head *head)
{
    struct nw_h2_stream *stream = of(wire);
    bool is_added = head_add(stream, head->text);
    /* An informational head that finds no room may be dropped (RFC 9110 section 15.2). */
    if (!is_added && wire->has_final_head) {
        nw_http2_stream_reset(stream->h2->wire, wire, NW_HTTP2_ENHANCE_YOUR_CALM);
        nw_h2_stream_fail(stream, NW_NO_MEMORY);
        return;
    }
    stream->head_count += is_added;
    news(stream);
}

static bool on_data(void *arg, struct nw_http2_stream *wire, struct nw_slice bytes)
{
    struct nw_h2_stream *stream = of(wire);
    struct nw_h2 *h2 = stream->h2;
    size_t done_bytes = nw_h2_chain_append(&stream->in, bytes);
    if (NW_UNLIKELY(done_bytes != bytes.len) && h2->reserve_bytes >= 2 * NW_BUF_BYTES) {
        nw_memory_give(NW_MEMORY_READ_AHEAD, 2 * NW_BUF_BYTES);
        h2->reserve_bytes -= 2 * NW_BUF_BYTES;
        done_bytes += nw_h2_chain_append(&stream->in, nw_slice_skip(bytes, done_bytes));
    }
    news(stream);
    if (done_bytes == bytes.len)
        return true;
    nw_h2_stream_fail(stream, NW_NO_MEMORY);
    return false;
}

static bool on_end(void *arg, struct nw_http2_stream *wire, struct nw_slice trailers)
{
    struct nw_h2_stream *stream = of(wire);
    bool is_taken = trailers.len == 0 || text_add(&stream->trailers_in, NULL, 0, trailers);
    if (!is_taken)
        nw_h2_stream_fail(stream, NW_NO_MEMORY);
    news(stream);
    return is_taken;
}

static nw_err error_of(const struct nw_h2_stream *stream)
{
    const struct nw_http2_stream *wire = &stream->wire;
    if (wire->is_peer_reset || wire->is_unprocessed)
        return NW_PEER_RESET;
    if (wire->is_reset)
        return NW_CANCELLED;
    return stream->h2->options.is_client ? NW_BAD_MESSAGE : NW_BAD_REQUEST;
}

static void on_close(void *arg, struct nw_http2_stream *wire)
{
    struct nw_h2_stream *stream = of(wire);
    if (wire->is_read_ended && wire->is_write_ended)
        nw_event_set(&stream->room);
    else
        nw_h2_stream_fail(stream, error_of(stream));
}

static void on_goaway(void *arg, uint32_t code)
{
    nw_h2_down(arg);
}

static void on_ping_answer(void *arg)
{
    struct nw_h2 *h2 = arg;
    h2->pinged_ms = 0;
    nw_event_set(&h2->pinged);
}

static void on_settings(void *arg)
{
    struct nw_h2 *h2 = arg;
    if (h2->options.on_slot != NULL)
        h2->options.on_slot(h2->options.arg);
}

static void on_glitch(void *arg, nw_http2_glitch kind)
{
    struct nw_h2 *h2 = arg;
    if (h2->options.on_glitch != NULL)
        h2->options.on_glitch(h2->options.arg, kind);
}

static struct nw_http2_ready on_ready(void *arg, struct nw_http2_stream *wire, size_t max_bytes)
{
    struct nw_h2_stream *stream = of(wire);
    size_t bytes = stream->out.bytes < max_bytes ? stream->out.bytes : max_bytes;
    bool is_end = stream->is_out_ended && bytes == stream->out.bytes;
    return (struct nw_http2_ready){bytes, is_end, nw_buf_unread_bytes(&stream->trailers_out) != 0};
}

/* For on_send: how many streams share a send. */
static void note_framed(struct nw_h2 *h2, struct nw_h2_stream *stream)
{
    h2->framed_count += stream->send_number != h2->send_number;
    stream->send_number = h2->send_number;
}

static bool on_frame(void *arg, struct nw_http2_stream *wire, const uint8_t *head, size_t bytes)
{
    enum { FRAME_HEAD_BYTES = 9 };
    struct nw_h2_stream *stream = of(wire);
    struct nw_h2 *h2 = arg;
    if (h2->out.bytes >= NW_H2_OUT_MAX_BYTES)
        return false;
    struct nw_slice head_bytes = nw_slice_of((const char *)head, FRAME_HEAD_BYTES);
    if (nw_h2_chain_append(&h2->out, head_bytes) != FRAME_HEAD_BYTES ||
        !nw_h2_chain_move(&h2->out, &stream->out, bytes))
        h2->is_out_broken = true; /* half a frame stands there: nothing may follow */
    h2->framed_bytes += FRAME_HEAD_BYTES + bytes;
    note_framed(h2, stream);
    nw_event_set(&stream->room);
    return true;
}

static void on_head_sent(void *arg, struct nw_http2_stream *wire)
{
    struct nw_h2 *h2 = arg;
    struct nw_h2_stream *stream = of(wire);
    note_framed(h2, stream);
    if (stream->head_at == 0)
        stream->head_at = h2->framed_bytes;
    nw_event_set(&stream->room); /* the end may stand in these very fields */
}

static struct nw_slice on_trailers(void *arg, struct nw_http2_stream *wire)
{
    return nw_buf_unread(&of(wire)->trailers_out);
}

const struct nw_http2_events nw_h2_events = {
    .on_request = on_request,
    .on_answer = on_answer,
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
    .on_goaway = on_goaway,
    .on_ping_answer = on_ping_answer,
    .on_settings = on_settings,
    .on_glitch = on_glitch,
    .on_ready = on_ready,
    .on_frame = on_frame,
    .on_head_sent = on_head_sent,
    .on_trailers = on_trailers,
};

/* ---- opening ---- */

/* Sets the window of one more stream aside. */
static bool reserve(struct nw_h2 *h2)
{
    size_t window_bytes = h2->options.window_bytes;
    if (h2->reserve_bytes >= (h2->stream_count + 1) * window_bytes)
        return true;
    size_t more_bytes = RESERVE_STREAMS * window_bytes;
    if (!nw_memory_try(NW_MEMORY_READ_AHEAD, more_bytes)) {
        more_bytes = (h2->stream_count + 1) * window_bytes - h2->reserve_bytes;
        if (!nw_memory_try(NW_MEMORY_READ_AHEAD, more_bytes))
            return false;
    }
    h2->reserve_bytes += more_bytes;
    return true;
}

/* Keeps what the next few streams need, so that a busy connection does not count at each one. */
static void unreserve(struct nw_h2 *h2)
{
    size_t window_bytes = h2->options.window_bytes;
    size_t keep_bytes = (h2->stream_count + (h2->stream_count != 0 ? 2 * RESERVE_STREAMS : 0)) *
                        window_bytes;
    if (h2->reserve_bytes <= keep_bytes)
        return;
    nw_memory_give(NW_MEMORY_READ_AHEAD, h2->reserve_bytes - keep_bytes);
    h2->reserve_bytes = keep_bytes;
}

nw_err nw_h2_request(struct nw_h2 *h2, struct nw_slice head, bool is_end,
                     struct nw_h2_stream **out)
{
    if (h2->error != NW_OK || h2->is_down || nw_http2_is_shut(h2->wire))
        return NW_DRAINING;
    if (nw_h2_slots_free(h2) == 0 || !reserve(h2))
        return NW_BUSY;
    struct nw_h2_stream *stream = nw_h2_stream_new(h2);
    nw_list_push_back(&h2->streams, &stream->node);
    stream->is_out_ended = is_end;
    stream->is_answered = true;
    nw_err err = nw_http2_request(h2->wire, &stream->wire, head, is_end);
    if (err != NW_OK) {
        stream_free(stream);
        return err;
    }
    nw_h2_touch(h2);
    *out = stream;
    return NW_OK;
}

/* ---- reading ---- */

struct nw_slice nw_h2_request_head(const struct nw_h2_stream *stream)
{
    return nw_buf_unread(&stream->head);
}

bool nw_h2_is_head_too_large(const struct nw_h2_stream *stream)
{
    return stream->is_too_large;
}

/* Waits for the next thing said about the stream, once. */
NW_YIELDS static nw_err wait_for_news(struct nw_h2_stream *stream)
{
    nw_event_clear(&stream->news);
    return nw_event_wait(&stream->news);
}

static size_t first_head_bytes(struct nw_slice text)
{
    const char *end = memmem(text.ptr, text.len, "\r\n\r\n", 4);
    NW_ASSERT(end != NULL);
    return (size_t)(end - text.ptr) + 4;
}

/* Client: takes the next head out. */
static nw_err head_take(struct nw_h2_stream *stream, struct nw_buf *into)
{
    struct nw_slice text = nw_buf_unread(&stream->head);
    size_t bytes = stream->head_count == 1 ? text.len : first_head_bytes(text);
    if (!text_room(into, NULL, 0, bytes))
        return NW_NO_MEMORY;
    memcpy(into->data + into->end, text.ptr, bytes);
    into->end += (uint32_t)bytes;
    nw_buf_consume(&stream->head, (uint32_t)bytes);
    stream->head_count--;
    return NW_OK;
}

nw_err nw_h2_head(struct nw_h2_stream *stream, struct nw_buf *into)
{
    while (nw_buf_unread_bytes(&stream->head) == 0) {
        if (stream->error != NW_OK)
            return stream->error;
        if (stream->wire.is_read_ended)
            return NW_BAD_MESSAGE; /* every head was read */
        NW_TRY(wait_for_news(stream));
    }
    return head_take(stream, into);
}

/* What a window may be wider by, from counted memory. */
static uint32_t growth_of(struct nw_h2_stream *stream)
{
    struct nw_h2 *h2 = stream->h2;
    uint32_t window_bytes = stream->wire.window_bytes, max_bytes = h2->options.window_max_bytes;
    if (stream->in.bytes != 0 || window_bytes >= max_bytes)
        return 0;
    uint32_t growth_bytes = window_bytes;
    if (growth_bytes > max_bytes - window_bytes)
        growth_bytes = max_bytes - window_bytes;
    /* As server all of them lie within the connection's window anyway. */
    if (!h2->options.is_client && h2->grown_bytes + growth_bytes > max_bytes)
        return 0;
    if (!nw_memory_try(NW_MEMORY_READ_AHEAD, growth_bytes))
        return 0;
    stream->reserved_bytes += growth_bytes;
    h2->grown_bytes += growth_bytes;
    return growth_bytes;
}

/* The piece that was lent is done with. */
static void consume(struct nw_h2_stream *stream)
{
    size_t bytes = stream->lent_bytes;
    struct nw_h2 *h2 = stream->h2;
    if (bytes == 0)
        return;
    stream->lent_bytes = 0;
    nw_h2_chain_consume(&stream->in, bytes);
    nw_http2_consume(h2->wire, &stream->wire, bytes);
    if (nw_http2_is_window_due(&stream->wire))
        nw_http2_window_announce(h2->wire, &stream->wire, growth_of(stream));
    if (h2->error == NW_OK && nw_http2_has_output(h2->wire))
        nw_h2_touch(h2);
}

bool nw_h2_has_head(const struct nw_h2_stream *stream)
{
    return nw_buf_unread_bytes(&stream->head) != 0 || stream->error != NW_OK ||
           stream->wire.is_read_ended;
}

bool nw_h2_is_ended(const struct nw_h2_stream *stream)
{
    return stream->wire.is_read_ended && stream->in.bytes == stream->lent_bytes;
}

nw_err nw_h2_read(struct nw_h2_stream *stream, struct nw_slice *out_piece)
{
    consume(stream);
    for (;;) {
        if (stream->error != NW_OK && !stream->wire.is_read_ended)
            return stream->error;
        *out_piece = nw_h2_chain_front(&stream->in);
        stream->lent_bytes = out_piece->len;
        if (out_piece->len != 0 || stream->wire.is_read_ended)
            return NW_OK;
        NW_TRY(wait_for_news(stream));
    }
}

bool nw_h2_is_readable(const struct nw_h2_stream *stream)
{
    return stream->in.bytes != stream->lent_bytes || stream->wire.is_read_ended ||
           stream->error != NW_OK;
}

struct nw_slice nw_h2_trailers(const struct nw_h2_stream *stream)
{
    return nw_buf_unread(&stream->trailers_in);
}

/* ---- writing ---- */

/* Can it be written to? A stream that closed in order has nothing more to say. */
static nw_err writable(const struct nw_h2_stream *stream)
{
    if (stream->error != NW_OK)
        return stream->error;
    return stream->wire.id != 0 ? NW_OK : NW_PEER_CLOSED;
}

nw_err nw_h2_respond(struct nw_h2_stream *stream, struct nw_slice head, bool is_end)
{
    NW_TRY(writable(stream));
    NW_ASSERT(!stream->is_answered);
    NW_TRY(nw_http2_respond(stream->h2->wire, &stream->wire, head, is_end));
    stream->is_answered = head.len > 9 && head.ptr[9] != '1';
    stream->is_out_ended = is_end;
    nw_h2_touch(stream->h2);
    return NW_OK;
}

/* Until some of it was framed. */
NW_YIELDS static nw_err wait_for_room(struct nw_h2_stream *stream)
{
    struct nw_h2 *h2 = stream->h2;
    nw_event_clear(&stream->room);
    NW_WITHIN(progress, h2->options.idle_ms);
    nw_err err = nw_event_wait(&stream->room);
    if (err != NW_TIMEOUT || !nw_within_ran_out(&progress))
        return err;
    nw_h2_reset(stream, NW_HTTP2_CANCEL);
    return h2->options.is_client ? NW_TIMEOUT : NW_CLIENT_SLOW;
}

/* Will all but ahead_bytes of it leave at the flush? */
static bool is_within_window(const struct nw_h2_stream *stream, size_t ahead_bytes)
{
    const struct nw_h2 *h2 = stream->h2;
    if (stream->out.bytes <= ahead_bytes)
        return true;
    return !h2->is_blocked && h2->out.bytes < NW_H2_OUT_MAX_BYTES / 2 &&
           stream->out.bytes - ahead_bytes <= nw_http2_send_window(h2->wire, &stream->wire);
}

/*
 * How much a stream may hold beyond what its owner allows. Where streams are many, nothing that is
 * worth a buffer while the peer's window or the kernel is shut, or 128 of them would hold 8 MiB;
 * what is held at least fits the stream itself and makes a frame when the window opens, which wakes
 * the writer.
 */
static size_t burst_bytes(const struct nw_h2_stream *stream)
{
    if (stream->h2->stream_count <= BURST_STREAMS)
        return BURST_BYTES;
    size_t window_bytes = nw_http2_send_window(stream->h2->wire, &stream->wire);
    if (window_bytes < NW_H2_BODY_SMALL_BYTES || stream->h2->is_blocked)
        return stream->out.bytes == 0 ? NW_H2_BODY_SMALL_BYTES : 0;
    return window_bytes < BURST_BYTES ? window_bytes : BURST_BYTES;
}

/* Copies what fits below the bound; *skip moves on. */
static nw_err take(struct nw_h2_stream *stream, const struct iovec **iov, int *count, size_t *skip,
                   size_t max_bytes)
{
    while (*count > 0) {
        size_t left_bytes = (*iov)->iov_len - *skip;
        size_t room_bytes = max_bytes > stream->out.bytes ? max_bytes - stream->out.bytes : 0;
        if (left_bytes != 0 && room_bytes == 0)
            return NW_OK;
        struct nw_slice piece = nw_slice_of((const char *)(*iov)->iov_base + *skip,
                                            left_bytes < room_bytes ? left_bytes : room_bytes);
        size_t taken_bytes = nw_h2_chain_append(&stream->out, piece);
        *skip += taken_bytes;
        if (taken_bytes != piece.len)
            return NW_NO_MEMORY;
        if (*skip == (*iov)->iov_len) {
            ++*iov;
            --*count;
            *skip = 0;
        }
    }
    return NW_OK;
}

nw_err nw_h2_write(struct nw_h2_stream *stream, const struct iovec *iov, int count,
                   size_t ahead_bytes)
{
    struct nw_h2 *h2 = stream->h2;
    NW_ASSERT(!stream->is_out_ended && stream->is_answered);
    size_t skip = 0;
    for (;;) {
        NW_TRY(writable(stream));
        nw_err err = take(stream, &iov, &count, &skip, ahead_bytes + burst_bytes(stream));
        nw_http2_stream_resume(h2->wire, &stream->wire);
        if (err == NW_OK && count == 0 && is_within_window(stream, ahead_bytes)) {
            nw_h2_touch(h2);
            return NW_OK;
        }
        size_t before_bytes = stream->out.bytes;
        nw_h2_flush(h2);
        if (stream->out.bytes < before_bytes)
            continue;
        /* Memory is out and nothing of ours is on its way: waiting would not free any. */
        if (err != NW_OK && before_bytes == 0)
            return err;
        NW_TRY(writable(stream));
        NW_TRY(wait_for_room(stream));
    }
}

nw_err nw_h2_end(struct nw_h2_stream *stream, struct nw_slice trailers)
{
    NW_TRY(writable(stream));
    NW_ASSERT(!stream->is_out_ended && stream->is_answered);
    if (trailers.len != 0 && !text_add(&stream->trailers_out, NULL, 0, trailers))
        return NW_NO_MEMORY;
    stream->is_out_ended = true;
    nw_http2_stream_resume(stream->h2->wire, &stream->wire);
    nw_h2_touch(stream->h2);
    return NW_OK;
}

/* Nothing of it waits: it is framed, and the connection's flush takes it along. */
static bool is_drained(const struct nw_h2_stream *stream)
{
    return stream->out.bytes == 0 && stream->head_at != 0 &&
           (!stream->is_out_ended || stream->wire.is_write_ended);
}

nw_err nw_h2_drain(struct nw_h2_stream *stream)
{
    for (;;) {
        if (is_drained(stream))
            return stream->error;
        NW_TRY(writable(stream));
        nw_h2_frame(stream->h2);
        if (stream->h2->out.bytes >= NW_H2_OUT_MAX_BYTES)
            nw_h2_flush(stream->h2);
        if (is_drained(stream))
            return stream->error;
        NW_TRY(writable(stream));
        NW_TRY(wait_for_room(stream));
    }
}

/* ---- ending ---- */

void nw_h2_reset(struct nw_h2_stream *stream, uint32_t code)
{
    struct nw_h2 *h2 = stream->h2;
    if (h2->error != NW_OK)
        return;
    nw_http2_stream_reset(h2->wire, &stream->wire, code);
    nw_h2_touch(h2);
    stream->gone_fiber = NULL; /* it is us who go */
    bool was_gone = stream->is_gone;
    nw_h2_stream_fail(stream, NW_CANCELLED);
    stream->is_gone = was_gone;
}

/* What is unfinished at the end of our work ends here. */
static void finish(struct nw_h2_stream *stream)
{
    struct nw_h2 *h2 = stream->h2;
    if (stream->is_out_ended && !stream->wire.is_write_ended)
        nw_h2_frame(h2);
    if (stream->wire.id == 0)
        return;
    bool is_only_theirs = stream->wire.is_write_ended && !h2->options.is_client;
    nw_http2_stream_reset(h2->wire, &stream->wire,
                          is_only_theirs ? NW_HTTP2_NO_ERROR : NW_HTTP2_CANCEL);
}

void nw_h2_stream_done(struct nw_h2_stream *stream)
{
    struct nw_h2 *h2 = stream->h2;
    stream->gone_fiber = NULL;
    if (h2->error == NW_OK) {
        finish(stream);
        nw_h2_touch(h2);
    }
    nw_http2_stream_forget(h2->wire, &stream->wire);
    stream_free(stream);
    if (h2->options.is_client)
        unreserve(h2);
    if (h2->stream_count == 0)
        nw_event_set(&h2->wake);
    if (h2->options.on_slot != NULL)
        h2->options.on_slot(h2->options.arg);
}

void nw_h2_watch_gone(struct nw_h2_stream *stream, struct nw_fiber *fiber)
{
    stream->gone_fiber = fiber;
    if (fiber == NULL || stream->error == NW_OK)
        return;
    stream->gone_fiber = NULL;
    stream->is_gone = true;
    nw_fiber_cancel(fiber);
}

bool nw_h2_is_gone(const struct nw_h2_stream *stream)
{
    return stream->is_gone;
}

uint32_t nw_h2_code(const struct nw_h2_stream *stream)
{
    if (stream->wire.code != 0 || stream->error == NW_OK)
        return stream->wire.code;
    return nw_http2_error_code(stream->h2->wire);
}

bool nw_h2_never_started(const struct nw_h2_stream *stream)
{
    const struct nw_h2 *h2 = stream->h2;
    if (stream->wire.is_unprocessed)
        return true;
    /* The session tells of a head with the next frame: until then it is the last in h2->out. */
    return stream->error != NW_OK && (stream->head_at == 0 || stream->head_at > h2->left_bytes);
}

struct nw_event *nw_h2_news(struct nw_h2_stream *stream)
{
    return &stream->news;
}

void nw_h2_set_owner(struct nw_h2_stream *stream, void *owner)
{
    stream->owner = owner;
}

void *nw_h2_owner(const struct nw_h2_stream *stream)
{
    return stream->owner;
}
