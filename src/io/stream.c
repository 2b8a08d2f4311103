/*
 * A stream is a descriptor plus a memory of what the loop said about it.
 *
 * The workload is one small request, one small answer, over and over on connections that live long.
 * What it costs there is system calls, so: the hint `is_readable` is set by an event and cleared by
 * a read that returned less than it was asked for, and a read waits first when the hint is clear.
 * In the steady state every readiness costs exactly one recv, none of them fails, and every answer
 * one sendmsg. The descriptor stays registered for reading all the time (level-triggered), writing
 * is watched only between a short write and the moment the rest has left. The alternative, reading
 * at once and waiting on EAGAIN, was a failing recv per request.
 *
 * Invariant: the hint may be true without bytes (a read then finds EAGAIN and waits), but never
 * false while the mask lacks READ, since every wait for input puts READ back.
 *
 * The two directions break apart from each other: when a write fails because the peer has reset,
 * the answer that it sent before may still lie in our kernel, and an HTTP client must see it. But
 * an end that is read afterwards is the reset's, not the peer's, hence nw_stream_read_end.
 *
 * A fiber that never has to wait would own the worker: after 256 KiB moved without a wait it
 * yields.
 */
#include "io/stream.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/errno.h"
#include "io/fiber.h"
#include "io/stream_impl.h"
#include "io/worker_impl.h"

/* ---- what the streams of a worker share ---- */

static void shared_free(void *state)
{
    struct nw_stream_shared *shared = state;
    while (shared->spare_queues != NULL) {
        struct nw_stream_queue *queue = shared->spare_queues;
        shared->spare_queues = queue->next_spare;
        nw_free(queue);
    }
    nw_free(shared);
}

struct nw_stream_shared *nw_stream_shared(void)
{
    struct nw_part *part = &nw_worker_self()->parts[NW_IO_PART_STREAM];
    if (NW_UNLIKELY(part->state == NULL)) {
        part->state = nw_alloc_zero(sizeof(struct nw_stream_shared));
        part->free = shared_free;
    }
    return part->state;
}

/* ---- plain sockets ---- */

static ssize_t plain_readv(struct nw_stream *stream, const struct iovec *iov, int count)
{
    struct nw_worker *worker = stream->source.worker;
    return worker->backend->readv(worker->backend_state, stream->source.fd, iov, count);
}

static ssize_t plain_writev(struct nw_stream *stream, const struct iovec *iov, int count)
{
    struct nw_worker *worker = stream->source.worker;
    return worker->backend->writev(worker->backend_state, stream->source.fd, iov, count);
}

static ssize_t plain_peek(struct nw_stream *stream)
{
    struct nw_worker *worker = stream->source.worker;
    char byte;
    return worker->backend->peek(worker->backend_state, stream->source.fd, &byte, 1);
}

static void plain_close(struct nw_stream *stream, bool with_reset)
{
    struct nw_worker *worker = stream->source.worker;
    if (stream->source.fd < 0)
        return;
    int fd = nw_source_detach(&stream->source);
    worker->backend->close(worker->backend_state, fd, with_reset);
}

const struct nw_stream_ops nw_stream_plain_ops = {
    .readv = plain_readv,
    .writev = plain_writev,
    .peek = plain_peek,
    .close = plain_close,
    .is_plain = true,
};

/* ---- opening ---- */

void nw_stream_init(struct nw_stream *stream, bool is_unix)
{
    *stream = (struct nw_stream){.ops = &nw_stream_plain_ops, .is_open = true, .is_unix = is_unix};
    stream->source.fd = -1;
    stream->source.worker = nw_worker_self();
    stream->idle_until_ms = NW_NEVER;
    nw_stream_idle_init(stream);
}

/* A stream that the loop cannot watch exists, broken: whoever uses it learns why. */
static void register_or_break(struct nw_stream *stream, int fd)
{
    nw_err err = nw_source_add(&stream->source, fd, NW_STREAM_READ_WANT, nw_stream_on_ready);
    if (err == NW_OK)
        return;
    struct nw_worker *worker = nw_worker_self();
    worker->backend->close(worker->backend_state, fd, false);
    stream->source.fd = -1;
    stream->source.worker = worker;
    stream->error = err;
    stream->is_read_broken = stream->is_write_broken = true;
}

void nw_stream_init_accepted(struct nw_stream *stream, const struct nw_accepted *accepted)
{
    nw_stream_init(stream, accepted->is_unix);
    register_or_break(stream, accepted->fd);
}

static void accepted_drop(struct nw_accepted *accepted, bool with_reset)
{
    struct nw_worker *worker = nw_worker_self();
    worker->backend->close(worker->backend_state, accepted->fd, with_reset);
    accepted->fd = -1;
}

void nw_accepted_close(struct nw_accepted *accepted)
{
    accepted_drop(accepted, false);
}

void nw_accepted_reset(struct nw_accepted *accepted)
{
    accepted_drop(accepted, true);
}

/*
 * A missing socket file or a full backlog is a server that does not take us; one that we may not
 * use (its mode, a packet filter) is out of reach, and no 403 for the client behind us.
 */
static nw_err connect_err(int number)
{
    if (number == ENOENT || number == EAGAIN)
        return NW_REFUSED;
    if (number == EACCES || number == EPERM || number == ENOTDIR)
        return NW_UNREACHABLE;
    return nw_errno_to_err(number);
}

nw_err nw_io_connect(const struct nw_addr *to, struct nw_stream *stream)
{
    struct nw_worker *worker = nw_worker_self();
    int fd = worker->backend->connect(worker->backend_state, to);
    if (fd < 0)
        return connect_err(-fd);
    nw_stream_init(stream, to->kind == NW_ADDR_UNIX);
    nw_err err = nw_source_add(&stream->source, fd, NW_READY_WRITE, nw_stream_on_ready);
    if (err != NW_OK) {
        worker->backend->close(worker->backend_state, fd, false);
        stream->is_open = false;
        return err;
    }
    err = nw_fiber_wait(&stream->writer);
    if (err == NW_OK) {
        int result = worker->backend->connect_result(worker->backend_state, fd);
        err = result < 0 ? connect_err(-result) : NW_OK;
    }
    if (err != NW_OK) {
        nw_stream_close(stream);
        return err;
    }
    nw_source_want(&stream->source, NW_STREAM_READ_WANT);
    return NW_OK;
}

/* ---- waiting ---- */

nw_err nw_stream_wait_read(struct nw_stream *stream)
{
    NW_ASSERT(stream->reader == NULL);
    NW_ASSERT(stream->on_wake == NULL);
    nw_source_want(&stream->source, stream->source.want | NW_STREAM_READ_WANT);
    stream->source.worker->share_bytes = 0;
    return nw_fiber_wait(&stream->reader);
}

nw_err nw_stream_wait_write(struct nw_stream *stream)
{
    NW_ASSERT(stream->writer == NULL);
    nw_source_want(&stream->source, stream->source.want | NW_READY_WRITE);
    stream->source.worker->share_bytes = 0;
    return nw_fiber_wait(&stream->writer);
}

void nw_stream_wait_write_end(struct nw_stream *stream)
{
    if (stream->queue == NULL && !stream->is_flush_due &&
        (stream->source.want & NW_READY_WRITE) != 0)
        nw_source_want(&stream->source, stream->source.want & ~(unsigned)NW_READY_WRITE);
}

nw_err nw_stream_share_yield(struct nw_worker *worker)
{
    worker->share_bytes = 0;
    return nw_fiber_yield();
}

/* ---- reading ---- */

nw_err nw_stream_read_failed(struct nw_stream *stream, ssize_t result)
{
    nw_err err = nw_errno_to_err((int)-result);
    if (err == NW_AGAIN) {
        stream->is_readable = stream->has_input = false;
        return NW_AGAIN;
    }
    if (stream->error == NW_OK)
        stream->error = err;
    stream->is_read_broken = true;
    return stream->error;
}

nw_err nw_stream_read_end(struct nw_stream *stream)
{
    if (stream->error == NW_PEER_RESET) {
        stream->is_read_broken = true;
        return stream->error;
    }
    stream->is_ended = true;
    return NW_OK;
}

void nw_stream_read_done(struct nw_stream *stream, size_t bytes, size_t max_bytes)
{
    stream->received_bytes += bytes;
    stream->source.worker->share_bytes += bytes;
    /* Less than asked for means there was no more; a layer below asks, and judges, by itself. */
    if (bytes < max_bytes && stream->ops->is_plain && !stream->is_ending)
        stream->is_readable = false;
}

/* The state that ends reading before any call; false when a read may be tried. */
static bool read_is_over(const struct nw_stream *stream, nw_err *out_err)
{
    NW_ASSERT(stream->is_open);
    if (NW_LIKELY(!stream->is_read_broken && !stream->is_ended))
        return false;
    *out_err = stream->is_read_broken ? stream->error : NW_OK;
    return true;
}

static nw_err read_once(struct nw_stream *stream, void *to, size_t max_bytes, size_t *out_bytes)
{
    struct iovec iov = {to, max_bytes};
    ssize_t bytes = stream->ops->readv(stream, &iov, 1);
    if (NW_UNLIKELY(bytes < 0))
        return nw_stream_read_failed(stream, bytes);
    if (bytes == 0)
        NW_TRY(nw_stream_read_end(stream));
    else
        nw_stream_read_done(stream, (size_t)bytes, max_bytes);
    *out_bytes = (size_t)bytes;
    return NW_OK;
}

nw_err nw_io_read(struct nw_stream *stream, struct nw_buf *into, size_t *out_read_bytes)
{
    nw_err err;
    if (into->data != NULL && nw_buf_space_bytes(into) == 0)
        return NW_NO_MEMORY;
    NW_TRY(nw_stream_share(stream->source.worker));
    for (;;) {
        if (read_is_over(stream, &err)) {
            if (err == NW_OK)
                *out_read_bytes = 0;
            return err;
        }
        if (!nw_stream_may_read(stream))
            NW_TRY(nw_stream_wait_read(stream));
        bool is_borrowed = into->data == NULL;
        NW_TRY(nw_buf_reserve(into));
        size_t bytes = 0;
        err = read_once(stream, into->data + into->end, nw_buf_space_bytes(into), &bytes);
        into->end += (uint32_t)bytes;
        if (bytes == 0 && is_borrowed)
            nw_buf_release(into);
        if (err == NW_OK)
            *out_read_bytes = bytes;
        if (err != NW_AGAIN)
            return err;
    }
}

nw_err nw_io_read_now(struct nw_stream *stream, struct nw_buf *into, size_t *out_read_bytes)
{
    NW_ASSERT(stream->is_open && into->data == NULL);
    if (!nw_stream_may_read(stream) || stream->is_read_broken || stream->is_ended)
        return NW_AGAIN;
    NW_TRY(nw_buf_reserve(into));
    size_t bytes = 0;
    nw_err err = read_once(stream, into->data, into->cap_bytes, &bytes);
    into->end = (uint32_t)bytes;
    if (NW_UNLIKELY(bytes == 0))
        nw_buf_release(into);
    if (err == NW_OK)
        *out_read_bytes = bytes;
    return err;
}

nw_err nw_io_read_into(struct nw_stream *stream, void *to, size_t max_bytes, size_t *out_read_bytes)
{
    NW_ASSERT(max_bytes > 0);
    nw_err err;
    NW_TRY(nw_stream_share(stream->source.worker));
    for (;;) {
        if (read_is_over(stream, &err)) {
            if (err == NW_OK)
                *out_read_bytes = 0;
            return err;
        }
        if (!nw_stream_may_read(stream))
            NW_TRY(nw_stream_wait_read(stream));
        err = read_once(stream, to, max_bytes, out_read_bytes);
        if (err != NW_AGAIN)
            return err;
    }
}

nw_err nw_io_read_some(struct nw_stream *stream, void *to, size_t max_bytes, size_t *out_read_bytes)
{
    NW_ASSERT(max_bytes > 0);
    nw_err err;
    if (read_is_over(stream, &err)) {
        if (err == NW_OK)
            *out_read_bytes = 0;
        return err;
    }
    return read_once(stream, to, max_bytes, out_read_bytes);
}

/* ---- writing ---- */

nw_err nw_stream_write_failed(struct nw_stream *stream, ssize_t result)
{
    nw_err err = nw_errno_to_err((int)-result);
    if (err == NW_AGAIN)
        return NW_AGAIN;
    if (stream->error == NW_OK)
        stream->error = err;
    stream->is_write_broken = true;
    return stream->error;
}

size_t nw_stream_iov_bytes(const struct iovec *iov, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

/* Without a queue the caller's vector goes to the kernel as it is. */
nw_err nw_stream_write_once(struct nw_stream *stream, const struct iovec *iov, int count,
                            size_t skip, size_t *out_taken)
{
    if (NW_UNLIKELY(stream->queue != NULL || skip != 0 || count > 64))
        return nw_stream_queue_send(stream, iov, count, skip, out_taken);
    ssize_t bytes = stream->ops->writev(stream, iov, count);
    if (NW_UNLIKELY(bytes < 0)) {
        *out_taken = 0;
        return nw_stream_write_failed(stream, bytes);
    }
    stream->sent_bytes += (size_t)bytes;
    stream->source.worker->share_bytes += (size_t)bytes;
    *out_taken = (size_t)bytes;
    return NW_UNLIKELY(stream->is_flush_due) ? NW_AGAIN : NW_OK;
}

nw_err nw_stream_flush_below(struct nw_stream *stream)
{
    if (NW_LIKELY(!stream->is_flush_due))
        return NW_OK;
    ssize_t result = stream->ops->flush(stream);
    return result < 0 ? nw_stream_write_failed(stream, result) : NW_OK;
}

/* The rest of a write that the kernel did not take at once. */
NW_YIELDS static nw_err write_rest(struct nw_stream *stream, const struct iovec *iov, int count,
                         size_t all_bytes, size_t done_bytes)
{
    for (;;) {
        NW_TRY(nw_stream_wait_write(stream));
        if (stream->is_write_broken)
            return stream->error;
        size_t taken_bytes;
        nw_err err = nw_stream_write_once(stream, iov, count, done_bytes, &taken_bytes);
        done_bytes += taken_bytes;
        if (err == NW_OK && done_bytes == all_bytes)
            return NW_OK;
        if (err != NW_OK && err != NW_AGAIN)
            return err;
    }
}

nw_err nw_io_write_all(struct nw_stream *stream, const struct iovec *iov, int count)
{
    NW_ASSERT(stream->is_open && stream->writer == NULL && !stream->is_fin_due);
    size_t all_bytes = nw_stream_iov_bytes(iov, count);
    NW_TRY(nw_stream_share(stream->source.worker));
    if (NW_UNLIKELY(stream->is_write_broken))
        return stream->error;
    if (all_bytes == 0 && stream->queue == NULL && !stream->is_flush_due)
        return NW_OK;
    size_t taken_bytes;
    nw_err err = nw_stream_write_once(stream, iov, count, 0, &taken_bytes);
    if (NW_LIKELY(err == NW_OK && taken_bytes == all_bytes))
        return NW_OK;
    if (err != NW_OK && err != NW_AGAIN)
        return err;
    err = write_rest(stream, iov, count, all_bytes, taken_bytes);
    nw_stream_wait_write_end(stream);
    return err;
}

nw_err nw_io_write_some(struct nw_stream *stream, const struct iovec *iov, int count,
                        size_t *out_written_bytes)
{
    NW_ASSERT(stream->is_open && !stream->is_fin_due);
    if (stream->is_write_broken)
        return stream->error;
    size_t taken_bytes;
    nw_err err = nw_stream_write_once(stream, iov, count, 0, &taken_bytes);
    if (err == NW_AGAIN && taken_bytes > 0)
        err = NW_OK;
    if (err == NW_OK)
        *out_written_bytes = taken_bytes;
    return err;
}

/* ---- ending ---- */

void nw_stream_shutdown_write(struct nw_stream *stream)
{
    if (!stream->is_open || stream->source.fd < 0)
        return;
    if (stream->queue != NULL)
        nw_stream_queue_flush(stream);
    if (stream->queue == NULL && stream->ops->finish != NULL)
        stream->ops->finish(stream);
    if (!stream->is_write_broken && (stream->queue != NULL || stream->is_flush_due)) {
        stream->is_fin_due = true;
        return;
    }
    struct nw_worker *worker = stream->source.worker;
    worker->backend->shutdown_write(worker->backend_state, stream->source.fd);
}

static void forget(struct nw_stream *stream)
{
    NW_ASSERT(stream->reader == NULL && stream->writer == NULL);
    nw_stream_queue_drop(stream);
    nw_timer_disarm(&stream->idle);
    stream->on_wake = NULL;
    stream->gone_fiber = NULL;
}

void nw_stream_close(struct nw_stream *stream)
{
    if (!stream->is_open)
        return;
    forget(stream);
    stream->is_open = false;
    stream->ops->close(stream, false);
}

void nw_stream_reset(struct nw_stream *stream)
{
    if (!stream->is_open)
        return;
    forget(stream);
    stream->is_open = false;
    stream->ops->close(stream, true);
}

void nw_stream_detach(struct nw_stream *stream)
{
    NW_ASSERT(stream->is_open && stream->queue == NULL && nw_stream_can_move(stream));
    forget(stream);
    int fd = nw_source_detach(&stream->source);
    stream->source.fd = fd;
    stream->source.worker = NULL;
}

void nw_stream_attach(struct nw_stream *stream)
{
    NW_ASSERT(stream->is_open && stream->source.worker == NULL);
    int fd = stream->source.fd;
    stream->source.fd = -1;
    stream->source.worker = nw_worker_self();
    if (stream->is_read_broken && stream->is_write_broken && fd < 0)
        return;
    register_or_break(stream, fd);
}
