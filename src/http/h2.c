/*
 * The connection: one fiber that reads, one send a turn.
 *
 * Whoever has something to say tells the session and asks for the turn's flush. The flush lets the
 * session frame everything that windows allow, of all streams, into one chain of buffers, and gives
 * that to the kernel in one vector. When the kernel is full, nothing more is framed: what a stream
 * has written stays with the stream, where its bound holds it, and the reading fiber waits for room
 * too. So a connection never holds more than about 192 KiB of frames.
 *
 * Calls that begin in the session (events) must not enter it again; nw_h2_frame knows. Requests
 * that arrive are therefore handed over after the session has returned.
 */
#include "http/h2.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "http/h2_impl.h"
#include "io/clock.h"

enum {
    VECTOR_MAX = 64,
    READS_MAX = 16, /* without a wait, before others may run */
    WINDOW_MIN_BYTES = 65535,
    SETTINGS_WAIT_MS = 30 * 1000, /* for their acknowledgement; RFC 9113 names no time */
    /* As client the streams' windows are the bound, so the connection's must never bind. */
    CLIENT_WINDOW_BYTES = 1 << 30,
};

/* ---- sending ---- */

static void flush_run(struct nw_turn_node *node)
{
    nw_h2_flush(NW_CONTAINER_OF(node, struct nw_h2, flush));
}

void nw_h2_touch(struct nw_h2 *h2)
{
    nw_loop_at_flush(h2->stream->source.worker, &h2->flush);
}

void nw_h2_down(struct nw_h2 *h2)
{
    if (h2->is_down)
        return;
    h2->is_down = true;
    if (h2->options.on_down != NULL)
        h2->options.on_down(h2->options.arg);
}

static void fail_streams(struct nw_h2 *h2, nw_err err)
{
    NW_LIST_EACH (node, &h2->streams)
        nw_h2_stream_fail(NW_CONTAINER_OF(node, struct nw_h2_stream, node), err);
}

void nw_h2_lost(struct nw_h2 *h2, nw_err err)
{
    if (h2->error != NW_OK)
        return;
    h2->error = err;
    nw_h2_chain_clear(&h2->out);
    fail_streams(h2, err);
    nw_event_set(&h2->wake);
    nw_event_set(&h2->pinged);
    nw_h2_down(h2);
}

void nw_h2_frame(struct nw_h2 *h2)
{
    if (h2->is_framing || h2->is_blocked || h2->error != NW_OK)
        return;
    h2->is_framing = true;
    nw_err err = NW_OK;
    while (err == NW_OK && h2->out.bytes < NW_H2_OUT_MAX_BYTES) {
        struct nw_slice bytes;
        err = nw_http2_output(h2->wire, &bytes);
        if (err != NW_OK || bytes.len == 0)
            break;
        if (nw_h2_chain_append(&h2->out, bytes) != bytes.len)
            err = NW_NO_MEMORY;
        h2->framed_bytes += bytes.len;
        if (h2->is_out_broken)
            err = NW_NO_MEMORY;
    }
    h2->is_framing = false;
    if (NW_UNLIKELY(err != NW_OK))
        nw_h2_lost(h2, err);
}

static void tell_send(struct nw_h2 *h2)
{
    if (h2->framed_count != 0 && h2->options.on_send != NULL)
        h2->options.on_send(h2->options.arg, h2->framed_count);
    h2->framed_count = 0;
    h2->send_number++;
}

/* One send. False: the kernel is full, or the connection is lost. */
static bool send_some(struct nw_h2 *h2)
{
    struct iovec iov[VECTOR_MAX];
    size_t bytes, taken_bytes = 0;
    int count = nw_h2_chain_vector(&h2->out, iov, VECTOR_MAX, &bytes);
    nw_err err = nw_io_write_some(h2->stream, iov, count, &taken_bytes);
    if (err == NW_OK) {
        tell_send(h2);
        nw_h2_chain_consume(&h2->out, taken_bytes);
        h2->left_bytes += taken_bytes;
        h2->taken_ms = nw_now_ms();
        if (taken_bytes == bytes)
            return true;
    } else if (err != NW_AGAIN) {
        nw_h2_lost(h2, err);
        return false;
    }
    h2->is_blocked = true;
    nw_event_set(&h2->wake);
    return false;
}

void nw_h2_flush(struct nw_h2 *h2)
{
    if (h2->is_blocked || h2->is_framing || !h2->stream->is_open)
        return;
    do
        nw_h2_frame(h2);
    while (h2->error == NW_OK && h2->out.bytes != 0 && send_some(h2) &&
           (h2->out.bytes != 0 || nw_http2_has_output(h2->wire)));
    /* The GOAWAY that nghttp2 answers a broken connection with has left. */
    if (h2->error == NW_OK && h2->out.bytes == 0 && nw_http2_error_code(h2->wire) != 0 &&
        nw_http2_is_over(h2->wire))
        nw_h2_lost(h2, NW_BAD_MESSAGE);
}

/* ---- silence ---- */

static void keepalive_fire(struct nw_timer *timer)
{
    struct nw_h2 *h2 = NW_CONTAINER_OF(timer, struct nw_h2, keepalive);
    uint64_t now_ms = nw_now_ms();
    if (h2->error != NW_OK)
        return;
    if (h2->pinged_ms != 0 && now_ms >= h2->pinged_ms + h2->options.ping_wait_ms) {
        nw_h2_lost(h2, NW_TIMEOUT);
        return;
    }
    uint64_t due_ms = h2->input_ms + h2->options.ping_idle_ms;
    if (h2->pinged_ms != 0) {
        nw_timer_arm_at(timer, h2->pinged_ms + h2->options.ping_wait_ms);
    } else if (now_ms < due_ms || h2->stream_count == 0) {
        nw_timer_arm_at(timer, now_ms < due_ms ? due_ms : now_ms + h2->options.ping_idle_ms);
    } else if (nw_http2_ping(h2->wire) == NW_OK) {
        h2->pinged_ms = now_ms;
        nw_h2_touch(h2);
        nw_timer_arm(timer, h2->options.ping_wait_ms);
    }
}

/* ---- what the peer owes ---- */

/* A body's frames have the time of their body. */
static uint64_t head_due_ms(const struct nw_h2 *h2)
{
    uint64_t since_ms = h2->stream_count == 0 ? nw_http2_cut_since_ms(h2->wire)
                                              : nw_http2_head_since_ms(h2->wire);
    return since_ms != 0 && h2->options.head_ms != 0 ? since_ms + h2->options.head_ms : 0;
}

uint64_t nw_h2_due_ms(const struct nw_h2 *h2)
{
    uint64_t due_ms = head_due_ms(h2);
    if (h2->settings_ms == 0 || nw_http2_is_settled(h2->wire))
        return due_ms;
    uint64_t settled_ms = h2->settings_ms + SETTINGS_WAIT_MS;
    return due_ms != 0 && due_ms < settled_ms ? due_ms : settled_ms;
}

uint32_t nw_h2_overdue_code(const struct nw_h2 *h2)
{
    uint64_t now_ms = nw_now_ms(), due_ms = nw_h2_due_ms(h2);
    if (due_ms == 0 || now_ms < due_ms)
        return NW_HTTP2_NO_ERROR;
    return due_ms == head_due_ms(h2) ? NW_HTTP2_ENHANCE_YOUR_CALM : NW_HTTP2_SETTINGS_TIMEOUT;
}

/* Armed lazily: most heads are whole with the read that brings them. */
static void watch_due(struct nw_h2 *h2)
{
    uint64_t due_ms = nw_h2_due_ms(h2);
    if (due_ms != 0 && (!nw_timer_is_armed(&h2->overdue) || due_ms < h2->overdue.at_ms))
        nw_timer_arm_at(&h2->overdue, due_ms);
}

static void overdue_fire(struct nw_timer *timer)
{
    struct nw_h2 *h2 = NW_CONTAINER_OF(timer, struct nw_h2, overdue);
    uint32_t code = nw_h2_overdue_code(h2);
    if (h2->error != NW_OK)
        return;
    if (code != NW_HTTP2_NO_ERROR)
        nw_h2_abort(h2, code);
    else
        watch_due(h2);
}

/* ---- life ---- */

nw_err nw_h2_new(const struct nw_h2_options *options, struct nw_h2 **out)
{
    NW_ASSERT(options->head_max_bytes <= NW_BUF_LARGE_BYTES);
    NW_ASSERT(options->window_bytes >= WINDOW_MIN_BYTES);
    NW_ASSERT(options->window_max_bytes >= options->window_bytes);
    struct nw_h2 *h2 = nw_alloc_zero(sizeof *h2);
    h2->options = *options;
    h2->stream = options->stream;
    struct nw_http2_options wire = {
        .events = &nw_h2_events,
        .arg = h2,
        .is_client = options->is_client,
        .is_https = options->is_https,
        .streams_max = options->streams_max,
        .head_max_bytes = options->head_max_bytes,
        .stream_window_bytes = options->window_bytes,
        .connection_window_bytes =
            options->is_client ? CLIENT_WINDOW_BYTES : options->window_max_bytes,
    };
    nw_err err = nw_http2_new(&wire, &h2->wire);
    if (err != NW_OK) {
        nw_free(h2);
        return err;
    }
    nw_list_init(&h2->flush.node);
    h2->flush.run = flush_run;
    nw_list_init(&h2->streams);
    nw_list_init(&h2->arrived);
    nw_list_init(&h2->spare_streams);
    nw_event_init(&h2->wake);
    nw_event_init(&h2->pinged);
    nw_timer_init(&h2->keepalive, keepalive_fire);
    nw_timer_init(&h2->overdue, overdue_fire);
    nw_h2_chain_init(&h2->out, NULL, 0);
    h2->send_number = 1; /* no stream has seen it */
    h2->input_ms = nw_now_ms();
    if (options->ping_idle_ms != 0)
        nw_timer_arm(&h2->keepalive, options->ping_idle_ms);
    *out = h2;
    return NW_OK;
}

void nw_h2_free(struct nw_h2 *h2)
{
    if (h2 == NULL)
        return;
    NW_ASSERT(h2->stream_count == 0 && !h2->is_running);
    nw_timer_disarm(&h2->keepalive);
    nw_timer_disarm(&h2->overdue);
    nw_list_remove(&h2->flush.node);
    nw_h2_chain_clear(&h2->out);
    nw_h2_spare_trim(h2);
    if (h2->reserve_bytes != 0)
        nw_memory_give(NW_MEMORY_READ_AHEAD, h2->reserve_bytes);
    nw_http2_free(h2->wire);
    nw_free(h2);
}

/* ---- reading ---- */

/* Bytes from the peer; what they mean was said to streams when it returns. */
static nw_err feed(struct nw_h2 *h2, struct nw_slice bytes)
{
    h2->input_ms = nw_now_ms();
    if (NW_UNLIKELY(h2->settings_ms == 0))
        h2->settings_ms = h2->input_ms;
    h2->is_framing = true;
    nw_err err = nw_http2_input(h2->wire, bytes, h2->input_ms);
    h2->is_framing = false;
    watch_due(h2);
    nw_h2_touch(h2);
    nw_h2_deliver(h2);
    return err;
}

static bool is_idle(const struct nw_h2 *h2)
{
    return h2->stream_count == 0 && h2->out.bytes == 0 && !nw_http2_has_output(h2->wire);
}

/* The last words leave if the kernel takes them. */
static nw_err end_with(struct nw_h2 *h2, nw_err err)
{
    nw_h2_flush(h2);
    nw_h2_lost(h2, err);
    return h2->error;
}

/*
 * How long the client may go on taking nothing of the last answers; 0: that counts nowhere. Streams
 * have their own time, but theirs is over when all is framed.
 */
static uint64_t take_left_ms(const struct nw_h2 *h2)
{
    uint64_t idle_ms = h2->options.idle_ms, now_ms = nw_now_ms();
    if (h2->options.is_client || h2->stream_count != 0 || !h2->is_blocked || idle_ms == 0)
        return 0;
    return h2->taken_ms + idle_ms > now_ms ? h2->taken_ms + idle_ms - now_ms : 1;
}

NW_YIELDS static nw_err wait_for_news(struct nw_h2 *h2)
{
    NW_WITHIN(take, take_left_ms(h2));
    struct nw_wait waits[] = {
        {.stream = h2->stream,
         .want = NW_WANT_READ | (h2->is_blocked ? (unsigned)NW_WANT_WRITE : 0)},
        {.event = &h2->wake},
    };
    nw_err err = nw_io_wait_any(waits, NW_COUNT(waits));
    if (err == NW_TIMEOUT && nw_within_ran_out(&take))
        return NW_CLIENT_SLOW;
    NW_TRY(err);
    nw_event_clear(&h2->wake);
    if ((waits[0].ready & NW_WANT_WRITE) != 0) {
        h2->is_blocked = false;
        nw_h2_flush(h2);
    }
    return NW_OK;
}

/* One read and what it means; waits first when nothing is there. */
NW_YIELDS static nw_err step(struct nw_h2 *h2, unsigned *reads)
{
    if (!nw_stream_may_read(h2->stream) || h2->is_blocked) {
        *reads = 0;
        NW_TRY(wait_for_news(h2));
        if (!nw_stream_may_read(h2->stream) && !h2->stream->is_ended &&
            !h2->stream->is_read_broken)
            return NW_OK;
    } else if (++*reads > READS_MAX) {
        *reads = 0;
        NW_TRY(nw_fiber_yield());
    }
    struct nw_buf buf = {0};
    size_t bytes = 0;
    nw_err err = nw_io_read_now(h2->stream, &buf, &bytes);
    if (err == NW_OK)
        err = bytes != 0 ? feed(h2, nw_buf_unread(&buf)) : NW_PEER_CLOSED;
    nw_buf_release(&buf);
    return err != NW_AGAIN ? err : NW_OK;
}

NW_YIELDS static nw_err run(struct nw_h2 *h2, struct nw_buf *first)
{
    nw_err err = NW_OK;
    unsigned reads = 0;
    bool has_looked = first != NULL && nw_buf_unread_bytes(first) != 0;
    if (has_looked)
        err = feed(h2, nw_buf_unread(first));
    if (first != NULL)
        nw_buf_release(first);
    for (;;) {
        if (h2->error != NW_OK)
            return h2->error;
        if (err != NW_OK)
            return end_with(h2, err);
        if (h2->stream_count == 0 && nw_http2_is_shut(h2->wire)) {
            nw_h2_flush(h2);
            if (h2->error == NW_OK && is_idle(h2)) /* the last answers have left */
                return end_with(h2, NW_PEER_CLOSED);
        }
        if (h2->stream_count == 0 && !h2->options.is_client && has_looked) {
            nw_h2_flush(h2);
            if (h2->error == NW_OK && is_idle(h2))
                return NW_OK;
        }
        err = step(h2, &reads);
        has_looked = true;
    }
}

nw_err nw_h2_run(struct nw_h2 *h2, struct nw_buf *first)
{
    NW_ASSERT(!h2->is_running);
    h2->is_running = true;
    watch_due(h2);
    nw_err err = run(h2, first);
    h2->is_running = false;
    nw_timer_disarm(&h2->overdue);
    if (err == NW_OK) {
        nw_http2_trim(h2->wire);
        nw_h2_spare_trim(h2);
    }
    return err;
}

/* ---- the connection ---- */

void nw_h2_shutdown(struct nw_h2 *h2)
{
    if (h2->error != NW_OK)
        return;
    nw_http2_shutdown(h2->wire);
    nw_h2_touch(h2);
    nw_event_set(&h2->wake);
}

void nw_h2_abort(struct nw_h2 *h2, uint32_t code)
{
    if (h2->error != NW_OK)
        return;
    nw_http2_abort(h2->wire, code);
    fail_streams(h2, NW_PEER_CLOSED); /* before the session closes them with reasons of its own */
    nw_h2_flush(h2);
    nw_h2_lost(h2, NW_PEER_CLOSED);
}

unsigned nw_h2_stream_count(const struct nw_h2 *h2)
{
    return h2->stream_count;
}

unsigned nw_h2_slots_free(const struct nw_h2 *h2)
{
    if (h2->error != NW_OK)
        return 0;
    uint32_t most = nw_http2_peer_streams_max(h2->wire);
    if (most > h2->options.streams_max)
        most = h2->options.streams_max;
    return most > h2->stream_count ? most - h2->stream_count : 0;
}

bool nw_h2_has_begun(const struct nw_h2 *h2)
{
    return nw_http2_has_begun(h2->wire);
}

size_t nw_h2_memory_bytes(const struct nw_h2 *h2)
{
    return sizeof *h2 + nw_http2_memory_bytes(h2->wire) +
           (h2->stream_count + h2->spare_count) * sizeof(struct nw_h2_stream);
}

nw_err nw_h2_ping(struct nw_h2 *h2, uint64_t wait_ms)
{
    if (h2->error != NW_OK)
        return h2->error;
    NW_TRY(nw_http2_ping(h2->wire));
    nw_h2_touch(h2);
    nw_event_clear(&h2->pinged);
    NW_WITHIN(answer, wait_ms);
    NW_TRY(nw_event_wait(&h2->pinged));
    return h2->error;
}
