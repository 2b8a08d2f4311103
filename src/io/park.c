/*
 * What happens on a descriptor while nobody reads or writes.
 *
 * A level-triggered loop repeats what it has said until somebody acts. An event that no fiber waits
 * for is therefore masked at once and the next wait puts it back; otherwise one pipelined request
 * keeps a core busy until the answer before it is done. Masking goes in steps, because each step
 * must leave the next piece of news visible:
 *
 *     bytes          READ goes, PEER_END stays: a FIN behind the bytes is still news
 *     FIN            READ and PEER_END go; a reset is still news (ERROR is always reported)
 *     RST, HUP       cannot be masked: the descriptor leaves the loop until the next wait
 *
 * Whether a peer that sent FIN is gone depends on what lies before it: bytes that nobody has read
 * are a pipelined request, so its sender waits for two answers. One peeked byte tells. A peek takes
 * a pending socket error with it, so that error is kept.
 *
 * The idle timer of a parked stream is left alone when it would fire before the new moment: it then
 * looks at idle_until_ms and goes back to sleep. A busy keep-alive connection so costs one timer
 * per idle period instead of one per request.
 */
#include <errno.h>

#include "base/assert.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/stream_impl.h"
#include "io/worker_impl.h"

/* ---- parking ---- */

static void wake_owner(struct nw_stream *stream, nw_stream_wake why)
{
    nw_stream_on_wake on_wake = stream->on_wake;
    stream->on_wake = NULL;
    on_wake(stream, why);
}

static bool has_input_below(const struct nw_stream *stream)
{
    return stream->has_input;
}

static void idle_fire(struct nw_timer *timer)
{
    struct nw_stream *stream = NW_CONTAINER_OF(timer, struct nw_stream, idle);
    if (stream->on_wake == NULL)
        return;
    if (stream->is_read_broken)
        wake_owner(stream, NW_STREAM_CLOSED);
    else if (has_input_below(stream))
        wake_owner(stream, NW_STREAM_INPUT);
    else if (nw_now_ms() >= stream->idle_until_ms)
        wake_owner(stream, NW_STREAM_TIMEOUT);
    else if (stream->idle_until_ms != NW_NEVER)
        nw_timer_arm_at(timer, stream->idle_until_ms);
}

void nw_stream_idle_init(struct nw_stream *stream)
{
    nw_timer_init(&stream->idle, idle_fire);
}

void nw_io_park(struct nw_stream *stream, uint64_t idle_ms, nw_stream_on_wake on_wake)
{
    NW_ASSERT(stream->is_open && stream->on_wake == NULL && on_wake != NULL);
    NW_ASSERT(stream->reader == NULL && stream->writer == NULL && stream->gone_fiber == NULL);
    stream->on_wake = on_wake;
    stream->idle_until_ms = idle_ms != 0 ? nw_now_ms() + idle_ms : NW_NEVER;
    if (stream->is_read_broken || has_input_below(stream)) {
        nw_timer_arm(&stream->idle, 0);
        return;
    }
    nw_source_want(&stream->source, stream->source.want | NW_STREAM_READ_WANT);
    if (idle_ms == 0)
        return;
    if (!nw_timer_is_armed(&stream->idle) || stream->idle.at_ms > stream->idle_until_ms)
        nw_timer_arm_at(&stream->idle, stream->idle_until_ms);
}

void nw_io_unpark(struct nw_stream *stream)
{
    stream->on_wake = NULL;
}

/* ---- a peer that goes ---- */

/* Does anything lie before the FIN or RST? */
static bool has_unread_bytes(struct nw_stream *stream)
{
    ssize_t bytes = nw_stream_peek(stream);
    if (bytes < 0 && bytes != -EAGAIN)
        (void)nw_stream_read_failed(stream, bytes);
    return bytes > 0;
}

static void peer_went(struct nw_stream *stream)
{
    struct nw_fiber *fiber = stream->gone_fiber;
    stream->gone_fiber = NULL;
    stream->is_gone = true;
    nw_fiber_cancel(fiber);
}

void nw_stream_watch_gone(struct nw_stream *stream, struct nw_fiber *fiber)
{
    NW_ASSERT(stream->is_open && stream->on_wake == NULL);
    stream->gone_fiber = fiber;
    if (fiber == NULL)
        return;
    if (stream->is_read_broken)
        peer_went(stream);
    else if ((stream->source.want & NW_READY_PEER_END) == 0) /* seen before: let it be judged now */
        nw_source_want(&stream->source, stream->source.want | NW_READY_PEER_END);
}

/* Nobody waits for this: mask it, and judge whether the peer is gone. */
static void unwatched(struct nw_stream *stream, unsigned ready)
{
    bool is_reset = (ready & NW_READY_ERROR) != 0;
    bool is_end = (ready & NW_READY_PEER_END) != 0;
    unsigned want = stream->source.want & ~(unsigned)NW_READY_READ;
    if (is_reset)
        want = 0;
    else if (is_end)
        want = (want & ~(unsigned)NW_READY_PEER_END) | NW_READY_ERROR;
    nw_source_want(&stream->source, want);
    if (stream->gone_fiber != NULL && (is_reset || (is_end && !has_unread_bytes(stream))))
        peer_went(stream);
}

/* ---- the loop's callback ---- */

static void input_came(struct nw_stream *stream, unsigned ready)
{
    stream->is_readable = true;
    bool is_ending = (ready & (NW_READY_PEER_END | NW_READY_ERROR)) != 0;
    if (is_ending)
        stream->is_ending = true;
    if (stream->reader != NULL) {
        nw_fiber_make_ready(stream->reader);
        stream->reader = NULL;
    } else if (stream->on_wake != NULL) {
        bool has_input = !is_ending || has_unread_bytes(stream);
        wake_owner(stream, has_input ? NW_STREAM_INPUT : NW_STREAM_CLOSED);
    } else {
        unwatched(stream, ready);
    }
}

static void room_came(struct nw_stream *stream)
{
    if (stream->writer != NULL) {
        nw_fiber_make_ready(stream->writer);
        stream->writer = NULL;
    } else if (stream->queue != NULL || stream->is_flush_due) {
        nw_stream_queue_flush(stream);
    } else if ((stream->source.want & NW_READY_WRITE) != 0) {
        nw_source_want(&stream->source, stream->source.want & ~(unsigned)NW_READY_WRITE);
    }
}

void nw_stream_on_ready(struct nw_source *source, unsigned ready)
{
    struct nw_stream *stream = NW_CONTAINER_OF(source, struct nw_stream, source);
    if (ready & (NW_READY_WRITE | NW_READY_ERROR))
        room_came(stream);
    /* Last: the owner that it wakes may close the stream and reuse its memory. */
    if (ready & (NW_READY_READ | NW_READY_PEER_END | NW_READY_ERROR))
        input_came(stream, ready);
}
