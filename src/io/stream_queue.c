/*
 * Bytes that we hold for a peer: deferred to the end of the turn, or ahead of a slow reader.
 *
 * A send to a small peer costs 5 us and a copy of a kilobyte next to nothing, so several things
 * that are said to one peer in a turn are copied into pooled buffers and leave in one send when the
 * fibers of the turn have run (nw_io_write_queue). The same buffers let an answer run ahead of a
 * slow client, so that the connection to the node behind is free again (nw_io_write_ahead). A
 * writer that comes while bytes are held sends them and its own in one vector, so order is kept
 * without a second path.
 *
 * Invariant: stream->queue is not NULL exactly while bytes are held here, and then either the flush
 * of this turn or WRITE readiness will move them. Records that a TLS layer has made of them and the
 * kernel did not take are the layer's (is_flush_due); they count as held, and go first.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/fiber.h"
#include "io/stream_impl.h"
#include "io/worker_impl.h"

enum { VECTOR_MAX = 64, SPARE_QUEUES_MAX = 64, QUEUE_MAX_BYTES = 64 * 1024 };

static void queue_run(struct nw_turn_node *node)
{
    struct nw_stream_queue *queue = NW_CONTAINER_OF(node, struct nw_stream_queue, node);
    nw_stream_queue_flush(queue->stream);
}

static struct nw_stream_queue *queue_of(struct nw_stream *stream)
{
    if (stream->queue != NULL)
        return stream->queue;
    struct nw_stream_shared *shared = nw_stream_shared();
    struct nw_stream_queue *queue = shared->spare_queues;
    if (queue != NULL) {
        shared->spare_queues = queue->next_spare;
        shared->spare_queue_count--;
    } else {
        queue = nw_alloc_zero(sizeof *queue);
        nw_list_init(&queue->node.node);
        queue->node.run = queue_run;
        queue->bufs = queue->few;
        queue->cap = NW_STREAM_QUEUE_FEW;
    }
    queue->stream = stream;
    stream->queue = queue;
    return queue;
}

/* A queue that once held much gives its table back. */
static void table_shrink(struct nw_stream_queue *queue)
{
    if (queue->bufs == queue->few)
        return;
    nw_free(queue->bufs);
    queue->bufs = queue->few;
    queue->cap = NW_STREAM_QUEUE_FEW;
}

static void table_grow(struct nw_stream_queue *queue)
{
    struct nw_buf *bufs = nw_alloc(2 * queue->cap * sizeof *bufs);
    memcpy(bufs, queue->bufs, queue->count * sizeof *bufs);
    if (queue->bufs != queue->few)
        nw_free(queue->bufs);
    queue->bufs = bufs;
    queue->cap *= 2;
}

void nw_stream_queue_drop(struct nw_stream *stream)
{
    struct nw_stream_queue *queue = stream->queue;
    if (queue == NULL)
        return;
    stream->queue = NULL;
    nw_list_remove(&queue->node.node);
    for (unsigned i = 0; i < queue->count; i++)
        nw_buf_release(&queue->bufs[i]);
    table_shrink(queue);
    queue->count = 0;
    queue->held_bytes = 0;
    queue->stream = NULL;
    struct nw_stream_shared *shared = nw_stream_shared();
    if (shared->spare_queue_count == SPARE_QUEUES_MAX) {
        nw_free(queue);
        return;
    }
    queue->next_spare = shared->spare_queues;
    shared->spare_queues = queue;
    shared->spare_queue_count++;
}

/* ---- out ---- */

/* Takes `bytes` that left off the front; returns how many of them were not the queue's. */
static size_t queue_consume(struct nw_stream *stream, size_t bytes)
{
    struct nw_stream_queue *queue = stream->queue;
    if (queue == NULL)
        return bytes;
    size_t ours = bytes < queue->held_bytes ? bytes : queue->held_bytes;
    bytes -= ours;
    queue->held_bytes -= ours;
    if (queue->held_bytes == 0) {
        nw_stream_queue_drop(stream);
        return bytes;
    }
    unsigned gone = 0;
    while (ours >= nw_buf_unread_bytes(&queue->bufs[gone])) {
        ours -= nw_buf_unread_bytes(&queue->bufs[gone]);
        nw_buf_release(&queue->bufs[gone++]);
    }
    nw_buf_consume(&queue->bufs[gone], (uint32_t)ours);
    queue->count -= gone;
    memmove(queue->bufs, queue->bufs + gone, queue->count * sizeof queue->bufs[0]);
    return bytes;
}

/* The queue, then iov without its first `skip` bytes, as far as the vector reaches. */
static int vector_fill(const struct nw_stream *stream, const struct iovec *iov, int count,
                       size_t skip, struct iovec out[VECTOR_MAX], size_t *out_bytes)
{
    int used = 0;
    size_t bytes = 0;
    unsigned held = stream->queue != NULL ? stream->queue->count : 0;
    for (unsigned i = 0; i < held && used < VECTOR_MAX; i++) {
        struct nw_slice unread = nw_buf_unread(&stream->queue->bufs[i]);
        out[used++] = (struct iovec){(void *)(uintptr_t)unread.ptr, unread.len};
        bytes += unread.len;
    }
    for (int i = 0; i < count && used < VECTOR_MAX; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        out[used++] = (struct iovec){(char *)iov[i].iov_base + skip, iov[i].iov_len - skip};
        bytes += iov[i].iov_len - skip;
        skip = 0;
    }
    *out_bytes = bytes;
    return used;
}

nw_err nw_stream_queue_send(struct nw_stream *stream, const struct iovec *iov, int count,
                            size_t skip, size_t *out_taken)
{
    size_t taken_bytes = 0;
    *out_taken = 0;
    for (;;) {
        struct iovec vector[VECTOR_MAX];
        size_t vector_bytes;
        int used = vector_fill(stream, iov, count, skip + taken_bytes, vector, &vector_bytes);
        if (used == 0)
            return nw_stream_flush_below(stream);
        ssize_t bytes = stream->ops->writev(stream, vector, used);
        if (bytes < 0) {
            nw_err err = nw_stream_write_failed(stream, bytes);
            if (err != NW_AGAIN)
                nw_stream_queue_drop(stream);
            return err;
        }
        stream->sent_bytes += (size_t)bytes;
        stream->source.worker->share_bytes += (size_t)bytes;
        taken_bytes += queue_consume(stream, (size_t)bytes);
        *out_taken = taken_bytes;
        if ((size_t)bytes < vector_bytes || stream->is_flush_due)
            return NW_AGAIN;
    }
}

static void watch_room(struct nw_stream *stream)
{
    nw_source_want(&stream->source, stream->source.want | NW_READY_WRITE);
}

void nw_stream_queue_flush(struct nw_stream *stream)
{
    size_t taken_bytes;
    nw_err err = nw_stream_queue_send(stream, NULL, 0, 0, &taken_bytes);
    if (err == NW_AGAIN) {
        watch_room(stream);
        return;
    }
    if (stream->writer == NULL)
        nw_stream_wait_write_end(stream);
    if (err == NW_OK && stream->is_fin_due) {
        stream->is_fin_due = false;
        nw_stream_shutdown_write(stream);
    }
}

/* ---- in ---- */

/* Copies at most `bytes` to the back; how many depends on the memory that is to be had. */
static size_t queue_append(struct nw_stream_queue *queue, const char *from, size_t bytes)
{
    size_t done_bytes = 0;
    while (done_bytes < bytes) {
        struct nw_buf *tail = queue->count != 0 ? &queue->bufs[queue->count - 1] : NULL;
        if (tail == NULL || nw_buf_space_bytes(tail) == 0) {
            if (queue->count == queue->cap)
                table_grow(queue);
            tail = &queue->bufs[queue->count];
            *tail = (struct nw_buf){0};
            if (nw_buf_reserve(tail) != NW_OK)
                break;
            queue->count++;
        }
        uint32_t step_bytes = nw_buf_space_bytes(tail);
        if (step_bytes > bytes - done_bytes)
            step_bytes = (uint32_t)(bytes - done_bytes);
        memcpy(tail->data + tail->end, from + done_bytes, step_bytes);
        tail->end += step_bytes;
        done_bytes += step_bytes;
    }
    queue->held_bytes += done_bytes;
    return done_bytes;
}

/* Copies iov without its first `skip` bytes. False when memory ran out; *out_taken counts. */
static bool queue_append_iov(struct nw_stream *stream, const struct iovec *iov, int count,
                             size_t skip, size_t *out_taken)
{
    struct nw_stream_queue *queue = queue_of(stream);
    size_t taken_bytes = 0;
    bool is_all = true;
    for (int i = 0; i < count && is_all; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        size_t left_bytes = iov[i].iov_len - skip;
        size_t done_bytes = queue_append(queue, (const char *)iov[i].iov_base + skip, left_bytes);
        is_all = done_bytes == left_bytes;
        taken_bytes += done_bytes;
        skip = 0;
    }
    if (queue->held_bytes == 0)
        nw_stream_queue_drop(stream);
    *out_taken = taken_bytes;
    return is_all;
}

size_t nw_stream_held_bytes(const struct nw_stream *stream)
{
    size_t bytes = nw_stream_queued_bytes(stream);
    return NW_UNLIKELY(stream->is_flush_due) ? bytes + stream->ops->held_bytes(stream) : bytes;
}

static bool is_room_watched(const struct nw_stream *stream)
{
    return stream->is_flush_due ||
           (stream->queue != NULL && (stream->source.want & NW_READY_WRITE) != 0);
}

/* Sends, and waits while what is left of iov does not fit below max_bytes of held ones. */
NW_YIELDS static nw_err send_until_fit(struct nw_stream *stream, const struct iovec *iov, int count,
                                       size_t all_bytes, size_t max_bytes, size_t *done_bytes,
                                       bool is_kernel_full)
{
    for (;;) {
        size_t left_bytes = all_bytes - *done_bytes;
        if (is_kernel_full && nw_stream_held_bytes(stream) + left_bytes <= max_bytes)
            return NW_OK;
        if (is_kernel_full)
            NW_TRY(nw_stream_wait_write(stream));
        if (stream->is_write_broken)
            return stream->error;
        size_t taken_bytes;
        nw_err err = nw_stream_queue_send(stream, iov, count, *done_bytes, &taken_bytes);
        *done_bytes += taken_bytes;
        if (err != NW_AGAIN)
            return err;
        is_kernel_full = true;
    }
}

/* What did not go out at once: held for the peer up to the bound, waited for beyond it. */
NW_YIELDS static NW_NOINLINE nw_err write_ahead(struct nw_stream *stream, const struct iovec *iov,
                                                int count, size_t max_queued_bytes,
                                                size_t done_bytes)
{
    size_t all_bytes = nw_stream_iov_bytes(iov, count);
    bool is_kernel_full = done_bytes > 0 || is_room_watched(stream);
    NW_TRY(nw_stream_share(stream->source.worker));
    if (stream->is_write_broken)
        return stream->error;
    nw_err err = send_until_fit(stream, iov, count, all_bytes, max_queued_bytes, &done_bytes,
                                is_kernel_full);
    if (err == NW_OK && done_bytes < all_bytes) {
        size_t taken_bytes;
        bool is_all = queue_append_iov(stream, iov, count, done_bytes, &taken_bytes);
        done_bytes += taken_bytes;
        if (!is_all) /* no memory to run ahead with: at the peer's pace, then */
            err = send_until_fit(stream, iov, count, all_bytes, 0, &done_bytes,
                                 is_room_watched(stream));
    }
    if (stream->queue != NULL)
        watch_room(stream);
    else
        nw_stream_wait_write_end(stream);
    return err;
}

nw_err nw_io_write_timed(struct nw_stream *stream, const struct iovec *iov, int count,
                         size_t max_queued_bytes, uint64_t wait_ms, bool *out_is_late)
{
    NW_ASSERT(stream->is_open && stream->writer == NULL && !stream->is_fin_due);
    struct nw_worker *worker = stream->source.worker;
    size_t taken_bytes = 0;
    *out_is_late = false;
    if (NW_LIKELY(stream->queue == NULL && !stream->is_write_broken &&
                  worker->share_bytes < NW_STREAM_SHARE_BYTES)) {
        size_t all_bytes = nw_stream_iov_bytes(iov, count);
        ssize_t bytes = all_bytes != 0 ? stream->ops->writev(stream, iov, count) : 0;
        if (NW_UNLIKELY(bytes < 0)) {
            nw_err err = nw_stream_write_failed(stream, bytes);
            if (err != NW_AGAIN)
                return err;
            bytes = 0;
        }
        taken_bytes = (size_t)bytes;
        stream->sent_bytes += taken_bytes;
        worker->share_bytes += taken_bytes;
        if (NW_LIKELY(taken_bytes == all_bytes && !stream->is_flush_due))
            return NW_OK;
    }
    NW_WITHIN(waiting, wait_ms);
    nw_err err = write_ahead(stream, iov, count, max_queued_bytes, taken_bytes);
    *out_is_late = err == NW_TIMEOUT && nw_within_ran_out(&waiting);
    return err;
}

nw_err nw_io_write_ahead(struct nw_stream *stream, const struct iovec *iov, int count,
                         size_t max_queued_bytes)
{
    bool is_late;
    return nw_io_write_timed(stream, iov, count, max_queued_bytes, 0, &is_late);
}

nw_err nw_io_write_drain(struct nw_stream *stream)
{
    NW_ASSERT(stream->is_open && stream->writer == NULL);
    if (stream->is_write_broken)
        return stream->error;
    size_t done_bytes = 0;
    if (stream->queue == NULL && !stream->is_flush_due)
        return NW_OK;
    nw_err err = send_until_fit(stream, NULL, 0, 0, 0, &done_bytes, is_room_watched(stream));
    nw_stream_wait_write_end(stream);
    return err;
}

nw_err nw_io_write_queue(struct nw_stream *stream, const struct iovec *iov, int count)
{
    NW_ASSERT(stream->is_open && stream->writer == NULL && !stream->is_fin_due);
    if (stream->is_write_broken)
        return stream->error;
    size_t all_bytes = nw_stream_iov_bytes(iov, count);
    if (all_bytes == 0)
        return NW_OK;
    if (nw_stream_held_bytes(stream) + all_bytes > QUEUE_MAX_BYTES) /* too much to defer: now */
        return nw_io_write_ahead(stream, iov, count, QUEUE_MAX_BYTES);
    size_t taken_bytes;
    if (!queue_append_iov(stream, iov, count, 0, &taken_bytes)) {
        size_t done_bytes = taken_bytes;
        nw_err err = send_until_fit(stream, iov, count, all_bytes, 0, &done_bytes,
                                    is_room_watched(stream));
        nw_stream_wait_write_end(stream);
        return err;
    }
    if (!is_room_watched(stream))
        nw_loop_at_flush(stream->source.worker, &stream->queue->node);
    return NW_OK;
}
