/*
 * Deferred writes: what several parts of a turn say to one peer leaves in one send.
 *
 * A send to a small peer costs 5 us and a copy of a kilobyte next to nothing, so bytes are copied into
 * pooled buffers and leave when the fibers of the turn have run. What the kernel does not take then
 * waits for WRITE readiness; a writer that comes meanwhile sends the queue and its own bytes in one
 * vector, so order is kept without a second path.
 *
 * Invariant: stream->queue is not NULL exactly while bytes are queued, and then either the flush of
 * this turn or WRITE readiness will move them.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/stream_impl.h"
#include "io/worker_impl.h"

enum { VECTOR_MAX = 64, SPARE_QUEUES_MAX = 64 };

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
    }
    queue->stream = stream;
    stream->queue = queue;
    nw_loop_at_flush(stream->source.worker, &queue->node);
    return queue;
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
    queue->count = 0;
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

/* Takes `bytes` that left off the front; returns how many of them were not the queue's. */
static size_t queue_consume(struct nw_stream *stream, size_t bytes)
{
    struct nw_stream_queue *queue = stream->queue;
    if (queue == NULL)
        return bytes;
    unsigned gone = 0;
    while (gone < queue->count) {
        struct nw_buf *buf = &queue->bufs[gone];
        uint32_t unread_bytes = nw_buf_unread_bytes(buf);
        if (bytes < unread_bytes) {
            nw_buf_consume(buf, (uint32_t)bytes);
            bytes = 0;
            break;
        }
        bytes -= unread_bytes;
        nw_buf_release(buf);
        gone++;
    }
    queue->count -= gone;
    memmove(queue->bufs, queue->bufs + gone, queue->count * sizeof queue->bufs[0]);
    memset(queue->bufs + queue->count, 0, gone * sizeof queue->bufs[0]);
    if (queue->count == 0)
        nw_stream_queue_drop(stream);
    return bytes;
}

/* The queue, then iov without its first `skip` bytes, as far as the vector reaches. */
static int vector_fill(const struct nw_stream *stream, const struct iovec *iov, int count, size_t skip,
                       struct iovec out[VECTOR_MAX], size_t *out_bytes)
{
    int used = 0;
    size_t bytes = 0;
    for (unsigned i = 0; stream->queue != NULL && i < stream->queue->count; i++) {
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

nw_err nw_stream_queue_send(struct nw_stream *stream, const struct iovec *iov, int count, size_t skip,
                            size_t *out_taken)
{
    size_t taken_bytes = 0;
    *out_taken = 0;
    for (;;) {
        struct iovec vector[VECTOR_MAX];
        size_t vector_bytes;
        int used = vector_fill(stream, iov, count, skip + taken_bytes, vector, &vector_bytes);
        if (used == 0)
            return NW_OK;
        ssize_t bytes = stream->ops->writev(stream, vector, used);
        if (bytes < 0) {
            nw_err err = nw_stream_write_failed(stream, bytes);
            if (err != NW_AGAIN)
                nw_stream_queue_drop(stream);
            return err;
        }
        stream->sent_bytes += (size_t)bytes;
        nw_stream_share_spend((size_t)bytes);
        taken_bytes += queue_consume(stream, (size_t)bytes);
        *out_taken = taken_bytes;
        if ((size_t)bytes < vector_bytes)
            return NW_AGAIN;
    }
}

void nw_stream_queue_flush(struct nw_stream *stream)
{
    size_t taken_bytes;
    nw_err err = nw_stream_queue_send(stream, NULL, 0, 0, &taken_bytes);
    if (err == NW_AGAIN) {
        nw_source_want(&stream->source, stream->source.want | NW_READY_WRITE);
        return;
    }
    if (stream->writer == NULL && (stream->source.want & NW_READY_WRITE) != 0)
        nw_source_want(&stream->source, stream->source.want & ~(unsigned)NW_READY_WRITE);
    if (err == NW_OK && stream->is_fin_due) {
        stream->is_fin_due = false;
        nw_stream_shutdown_write(stream);
    }
}

/* The buffer that has room for more; NULL when 64 KiB are queued. NW_NO_MEMORY at the ceiling. */
static nw_err tail_of(struct nw_stream *stream, struct nw_buf **out)
{
    struct nw_stream_queue *queue = queue_of(stream);
    if (queue->count != 0 && nw_buf_space_bytes(&queue->bufs[queue->count - 1]) != 0) {
        *out = &queue->bufs[queue->count - 1];
        return NW_OK;
    }
    *out = NULL;
    if (queue->count == NW_STREAM_QUEUE_BUFS)
        return NW_OK;
    nw_err err = nw_buf_reserve(&queue->bufs[queue->count]);
    if (err == NW_OK)
        *out = &queue->bufs[queue->count++];
    else if (queue->count == 0)
        nw_stream_queue_drop(stream);
    return err;
}

/* The queue is full: what the kernel takes now must go, and if it takes nothing, we wait. */
static nw_err queue_make_room(struct nw_stream *stream)
{
    size_t taken_bytes;
    nw_err err = nw_stream_queue_send(stream, NULL, 0, 0, &taken_bytes);
    if (err == NW_AGAIN && stream->queue->count == NW_STREAM_QUEUE_BUFS)
        return nw_stream_wait_write(stream);
    if (err == NW_AGAIN)
        nw_source_want(&stream->source, stream->source.want | NW_READY_WRITE);
    return err == NW_AGAIN ? NW_OK : err;
}

nw_err nw_io_write_queue(struct nw_stream *stream, const struct iovec *iov, int count)
{
    NW_ASSERT(stream->is_open && stream->writer == NULL && !stream->is_fin_due);
    if (stream->is_write_broken)
        return stream->error;
    for (int i = 0; i < count; i++) {
        const char *from = iov[i].iov_base;
        size_t left_bytes = iov[i].iov_len;
        while (left_bytes != 0) {
            struct nw_buf *tail;
            if (tail_of(stream, &tail) != NW_OK) { /* no memory to defer with: now, then */
                NW_TRY(nw_io_write_all(stream, &(struct iovec){(void *)(uintptr_t)from, left_bytes},
                                       1));
                break;
            }
            if (tail == NULL) {
                NW_TRY(queue_make_room(stream));
                continue;
            }
            uint32_t bytes = nw_buf_space_bytes(tail);
            if (bytes > left_bytes)
                bytes = (uint32_t)left_bytes;
            memcpy(tail->data + tail->end, from, bytes);
            tail->end += bytes;
            from += bytes;
            left_bytes -= bytes;
        }
    }
    return NW_OK;
}
