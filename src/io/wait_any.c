/*
 * Waiting for several things at once, so that one fiber can drive both sides of a tunnel.
 *
 * The fiber enters itself as reader or writer of every stream (and as waiter of every event), waits
 * once, and takes itself out again. Who is ready is read off the places: the loop clears the one it
 * wakes. A readable hint is checked with a peek first, because "ready" must mean that a read would
 * not wait and the hint alone may be stale after a read that was filled to the brim.
 */
#include <errno.h>

#include "base/assert.h"
#include "io/stream_impl.h"
#include "io/worker_impl.h"

enum { WAITS_MAX = 16 };

static bool is_readable_now(struct nw_stream *stream)
{
    if (stream->is_read_broken || stream->is_ended)
        return true;
    if (!nw_stream_may_read(stream))
        return false;
    ssize_t bytes = nw_stream_peek(stream);
    if (bytes >= 0)
        return true;
    return nw_stream_read_failed(stream, bytes) != NW_AGAIN;
}

/* What can be said without waiting; writability only the loop knows. */
static bool look(struct nw_wait *wait)
{
    wait->ready = 0;
    if (wait->stream == NULL)
        wait->ready = wait->event->is_set ? NW_WANT_READ : 0;
    else {
        if ((wait->want & NW_WANT_READ) && is_readable_now(wait->stream))
            wait->ready |= NW_WANT_READ;
        if ((wait->want & NW_WANT_WRITE) && wait->stream->is_write_broken)
            wait->ready |= NW_WANT_WRITE;
    }
    return wait->ready != 0;
}

static void enter(struct nw_wait *wait, struct nw_waiter *waiter)
{
    struct nw_stream *stream = wait->stream;
    if (stream == NULL) {
        *waiter = (struct nw_waiter){.fiber = nw_fiber_self()};
        nw_list_push_back(&wait->event->waiters, &waiter->node);
        return;
    }
    unsigned want = stream->source.want;
    if (wait->want & NW_WANT_READ) {
        NW_ASSERT(stream->reader == NULL && stream->on_wake == NULL);
        stream->reader = nw_fiber_self();
        want |= NW_STREAM_READ_WANT;
    }
    if (wait->want & NW_WANT_WRITE) {
        NW_ASSERT(stream->writer == NULL);
        stream->writer = nw_fiber_self();
        want |= NW_READY_WRITE;
    }
    nw_source_want(&stream->source, want);
}

static void leave(struct nw_wait *wait, struct nw_waiter *waiter)
{
    struct nw_stream *stream = wait->stream;
    if (stream == NULL) {
        if (waiter->is_woken)
            wait->ready = NW_WANT_READ;
        else
            nw_list_remove(&waiter->node);
        return;
    }
    if (wait->want & NW_WANT_READ) {
        if (stream->reader == NULL)
            wait->ready |= NW_WANT_READ;
        stream->reader = NULL;
    }
    if (wait->want & NW_WANT_WRITE) {
        if (stream->writer == NULL)
            wait->ready |= NW_WANT_WRITE;
        stream->writer = NULL;
        nw_stream_wait_write_end(stream);
    }
}

nw_err nw_io_wait_any(struct nw_wait *waits, unsigned count)
{
    NW_ASSERT(count > 0 && count <= WAITS_MAX);
    bool is_ready = false;
    for (unsigned i = 0; i < count; i++)
        is_ready |= look(&waits[i]);
    if (is_ready)
        return nw_stream_share(nw_worker_self());

    struct nw_waiter waiters[WAITS_MAX];
    nw_worker_self()->share_bytes = 0;
    for (unsigned i = 0; i < count; i++)
        enter(&waits[i], &waiters[i]);
    nw_err err = nw_fiber_wait(NULL);
    for (unsigned i = 0; i < count; i++)
        leave(&waits[i], &waiters[i]);
    return err;
}
