/*
 * stream_impl.h - what the files of the stream share among themselves.
 *
 * Owner:   see stream.h
 * Threads: the stream's worker
 */
#ifndef NW_IO_STREAM_IMPL_H
#define NW_IO_STREAM_IMPL_H

#include "io/stream.h"
#include "io/worker_impl.h"

enum {
    NW_STREAM_SHARE_BYTES = 256 * 1024,
    NW_STREAM_READ_WANT = NW_READY_READ | NW_READY_PEER_END,
    NW_STREAM_QUEUE_FEW = 4, /* buffers that a queue can name without a table of its own */
};

/* The bytes that are held for one stream. */
struct nw_stream_queue {
    struct nw_turn_node node; /* first */
    struct nw_stream *stream;
    struct nw_stream_queue *next_spare;
    size_t held_bytes;
    unsigned count; /* of bufs in use; bytes leave from bufs[0] */
    unsigned cap;
    struct nw_buf *bufs; /* `few` or a larger table */
    struct nw_buf few[NW_STREAM_QUEUE_FEW];
};

/* What the streams of one worker share. */
struct nw_stream_shared {
    struct nw_stream_queue *spare_queues;
    unsigned spare_queue_count;
    unsigned linger_count; /* fibers in nw_stream_linger_close */
};
struct nw_stream_shared *nw_stream_shared(void);

extern const struct nw_stream_ops nw_stream_plain_ops;

/* The stream's callback in the loop (park.c). */
void nw_stream_on_ready(struct nw_source *source, unsigned ready);
/* An empty, open stream without a descriptor. */
void nw_stream_init(struct nw_stream *stream, bool is_unix);
/* Prepares the idle timer (park.c). */
void nw_stream_idle_init(struct nw_stream *stream);

/* Wait until the loop says that reading (writing) would not wait. */
NW_YIELDS NW_MUST_CHECK nw_err nw_stream_wait_read(struct nw_stream *stream);
NW_YIELDS NW_MUST_CHECK nw_err nw_stream_wait_write(struct nw_stream *stream);
/* After the last wait for writing: stops watching for room. */
void nw_stream_wait_write_end(struct nw_stream *stream);
/* Counts bytes moved without a wait; yields when the fiber has had more than its share. */
NW_YIELDS NW_MUST_CHECK nw_err nw_stream_share_yield(struct nw_worker *worker);
NW_YIELDS NW_MUST_CHECK static inline nw_err nw_stream_share(struct nw_worker *worker)
{
    return NW_LIKELY(worker->share_bytes < NW_STREAM_SHARE_BYTES) ? NW_OK
                                                                 : nw_stream_share_yield(worker);
}

/* Judge a negative errno of a read (write); makes it sticky. NW_AGAIN is no failure. */
nw_err nw_stream_read_failed(struct nw_stream *stream, ssize_t result);
nw_err nw_stream_write_failed(struct nw_stream *stream, ssize_t result);
/* A read returned 0: an orderly end, unless a write learned of a reset before. */
nw_err nw_stream_read_end(struct nw_stream *stream);
/* Books a read of `bytes` out of `max_bytes` asked for. */
void nw_stream_read_done(struct nw_stream *stream, size_t bytes, size_t max_bytes);

/* > 0: a read gives bytes; 0: the end; else a negative errno (the caller makes it sticky). */
static inline ssize_t nw_stream_peek(struct nw_stream *stream)
{
    return stream->ops->peek(stream);
}
/* Moves what the layer below holds. NW_OK: it holds nothing; NW_AGAIN: the kernel is full. */
nw_err nw_stream_flush_below(struct nw_stream *stream);

size_t nw_stream_iov_bytes(const struct iovec *iov, int count);
/*
 * One attempt at the queue and iov minus `skip` bytes, without waiting. NW_OK may be a short write:
 * *out_taken tells; it is written whatever comes back. NW_AGAIN with everything taken: the layer
 * below still holds some of it.
 */
nw_err nw_stream_write_once(struct nw_stream *stream, const struct iovec *iov, int count,
                            size_t skip, size_t *out_taken);
/*
 * Sends the queue and behind it iov[0..count) minus its first `skip` bytes in one sendmsg.
 * *out_taken counts iov's bytes that left. NW_AGAIN when something is left over, here or below.
 */
NW_MUST_CHECK nw_err nw_stream_queue_send(struct nw_stream *stream, const struct iovec *iov,
                                          int count, size_t skip, size_t *out_taken);
/* As above with nothing behind it; an error is kept for the next caller, leftovers arm WRITE. */
void nw_stream_queue_flush(struct nw_stream *stream);
static inline size_t nw_stream_queued_bytes(const struct nw_stream *stream)
{
    return stream->queue != NULL ? stream->queue->held_bytes : 0;
}
/* Queued, and held by the layer below. */
size_t nw_stream_held_bytes(const struct nw_stream *stream);
void nw_stream_queue_drop(struct nw_stream *stream);

#endif
