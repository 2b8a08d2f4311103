/*
 * Moving a body from one stream to another.
 *
 * Small bodies are copied: up to four pooled buffers are filled by one readv and leave by one
 * sendmsg, because a send costs as much as copying 64 KiB. Large ones between plain sockets go
 * through a pipe by splice, which moves references to the kernel's pages: the bytes never enter our
 * address space.
 *
 * Invariant (both ways): nothing is read from `from` before `to` has taken everything that was read
 * before. Memory per relay is thus one pipe or four buffers whatever the peers do, and TCP's own
 * flow control stops the sender. While `to` is full nobody reads `from`; its readiness is then
 * masked like any unwatched event (park.c).
 *
 * Pipes are pooled: making one costs 20 us with its pages. One that still holds bytes is closed.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/fiber.h"
#include "io/stream_impl.h"
#include "io/worker_impl.h"

enum {
    SPLICE_MIN_BYTES = 64 * 1024,
    COPY_BUFS = 4,
    SPLICE_STEP_BYTES = 1024 * 1024, /* more than any pipe takes at once */
    SPARE_PIPES_MAX = 32,
};

struct relay {
    struct nw_stream *from;
    struct nw_stream *to;
    uint64_t left_bytes; /* UINT64_MAX: until the end */
    uint64_t idle_ms;
    struct nw_within *idle; /* starts anew with every byte that moves */
    bool is_ended;          /* `from` ended orderly */
    bool has_from_failed;
};

/* ---- pooled pipes ---- */

struct pipe {
    int read_fd;
    int write_fd;
};

struct pipes {
    struct pipe spare[SPARE_PIPES_MAX];
    unsigned count;
};

static void pipe_close(struct nw_worker *worker, const struct pipe *pipe)
{
    worker->backend->close(worker->backend_state, pipe->read_fd, false);
    worker->backend->close(worker->backend_state, pipe->write_fd, false);
}

static void pipes_free(void *state)
{
    struct pipes *pipes = state;
    while (pipes->count > 0)
        pipe_close(nw_worker_self(), &pipes->spare[--pipes->count]);
    nw_free(pipes);
}

static struct pipes *pipes_of(struct nw_worker *worker)
{
    struct nw_part *part = &worker->parts[NW_IO_PART_RELAY];
    if (part->state == NULL) {
        part->state = nw_alloc_zero(sizeof(struct pipes));
        part->free = pipes_free;
    }
    return part->state;
}

static bool pipe_borrow(struct nw_worker *worker, struct pipe *out)
{
    struct pipes *pipes = pipes_of(worker);
    if (pipes->count > 0) {
        *out = pipes->spare[--pipes->count];
        return true;
    }
    int fds[2];
    size_t cap_bytes;
    if (worker->backend->pipe(worker->backend_state, fds, &cap_bytes) < 0)
        return false;
    *out = (struct pipe){fds[0], fds[1]};
    return true;
}

static void pipe_return(struct nw_worker *worker, const struct pipe *pipe, size_t held_bytes)
{
    struct pipes *pipes = pipes_of(worker);
    if (held_bytes == 0 && pipes->count < SPARE_PIPES_MAX)
        pipes->spare[pipes->count++] = *pipe;
    else
        pipe_close(worker, pipe);
}

/* ---- copying ---- */

static void moved(struct relay *relay)
{
    if (relay->idle_ms != 0)
        nw_within_restart(relay->idle, relay->idle_ms);
}

/* `from` gave bytes. */
static void took(struct relay *relay, uint64_t bytes)
{
    if (relay->left_bytes != UINT64_MAX)
        relay->left_bytes -= bytes;
    moved(relay);
}

/* As many buffers as the rest of the body fills; one will do when memory is short. */
static nw_err borrow_bufs(struct nw_buf bufs[COPY_BUFS], uint64_t want_bytes, unsigned *out_count)
{
    unsigned count = 0;
    while (count < COPY_BUFS && (uint64_t)count * NW_BUF_BYTES < want_bytes) {
        nw_err err = nw_buf_reserve(&bufs[count]);
        if (err != NW_OK && count == 0)
            return err;
        if (err != NW_OK || nw_runtime_is_memory_tight(nw_worker_self()->runtime)) {
            count += err == NW_OK;
            break;
        }
        count++;
    }
    *out_count = count;
    return NW_OK;
}

static void release_bufs(struct nw_buf bufs[COPY_BUFS])
{
    for (unsigned i = 0; i < COPY_BUFS; i++)
        nw_buf_release(&bufs[i]);
}

/* One readv; *out_bytes 0 is the end. NW_AGAIN: nothing there. */
static nw_err copy_in(struct relay *relay, struct iovec iov[COPY_BUFS], unsigned count,
                      size_t *out_bytes)
{
    struct nw_stream *from = relay->from;
    if (from->is_read_broken)
        return from->error;
    size_t max_bytes = 0;
    for (unsigned i = 0; i < count; i++)
        max_bytes += iov[i].iov_len;
    ssize_t bytes = from->is_ended ? 0 : from->ops->readv(from, iov, (int)count);
    if (bytes < 0)
        return nw_stream_read_failed(from, bytes);
    if (bytes == 0)
        NW_TRY(nw_stream_read_end(from));
    else
        nw_stream_read_done(from, (size_t)bytes, max_bytes);
    *out_bytes = (size_t)bytes;
    return NW_OK;
}

static unsigned iov_of_bufs(const struct nw_buf bufs[COPY_BUFS], unsigned count, uint64_t bytes,
                            struct iovec out[COPY_BUFS])
{
    unsigned used = 0;
    for (; used < count && bytes > 0; used++) {
        size_t part_bytes = bytes < NW_BUF_BYTES ? (size_t)bytes : NW_BUF_BYTES;
        out[used] = (struct iovec){bufs[used].data, part_bytes};
        bytes -= part_bytes;
    }
    return used;
}

/* As nw_io_write_all, but whatever `to` takes counts as movement. */
NW_YIELDS static nw_err copy_out(struct relay *relay, const struct iovec *iov, int count,
                                 size_t all_bytes)
{
    struct nw_stream *to = relay->to;
    size_t done_bytes = 0;
    NW_TRY(nw_stream_share(nw_worker_self()));
    for (;;) {
        if (to->is_write_broken)
            return to->error;
        size_t taken_bytes;
        uint64_t before_bytes = to->sent_bytes - nw_stream_held_bytes(to);
        nw_err err = nw_stream_write_once(to, iov, count, done_bytes, &taken_bytes);
        done_bytes += taken_bytes;
        if (err == NW_OK && done_bytes == all_bytes)
            return NW_OK;
        if (err != NW_OK && err != NW_AGAIN)
            return err;
        if (to->sent_bytes - nw_stream_held_bytes(to) != before_bytes)
            moved(relay);
        NW_TRY(nw_stream_wait_write(to));
    }
}

/* Waits for bytes, borrows, reads, writes; the buffers stay borrowed for the next step. */
NW_YIELDS static nw_err copy_step(struct relay *relay, struct nw_buf bufs[COPY_BUFS],
                                  uint64_t max_bytes)
{
    struct nw_stream *from = relay->from;
    relay->has_from_failed = true;
    if (!nw_stream_may_read(from) && !from->is_ended && !from->is_read_broken) {
        release_bufs(bufs);
        NW_TRY(nw_stream_wait_read(from));
    }
    unsigned count;
    NW_TRY(borrow_bufs(bufs, max_bytes, &count));
    struct iovec iov[COPY_BUFS];
    unsigned used = iov_of_bufs(bufs, count, max_bytes, iov);
    size_t bytes = 0;
    nw_err err = copy_in(relay, iov, used, &bytes);
    if (err != NW_OK)
        return err == NW_AGAIN ? NW_OK : err;
    relay->is_ended = bytes == 0;
    relay->has_from_failed = false;
    used = iov_of_bufs(bufs, count, bytes, iov);
    took(relay, bytes);
    return copy_out(relay, iov, (int)used, bytes);
}

/* At most `max_bytes` of the body. */
NW_YIELDS static nw_err copy_some(struct relay *relay, uint64_t max_bytes)
{
    struct nw_buf bufs[COPY_BUFS] = {{0}};
    uint64_t until_bytes = relay->from->received_bytes + max_bytes;
    nw_err err = NW_OK;
    while (err == NW_OK && !relay->is_ended && relay->left_bytes > 0 &&
           relay->from->received_bytes < until_bytes) {
        uint64_t step_bytes = until_bytes - relay->from->received_bytes;
        if (step_bytes > relay->left_bytes)
            step_bytes = relay->left_bytes;
        err = copy_step(relay, bufs, step_bytes);
    }
    release_bufs(bufs);
    nw_stream_wait_write_end(relay->to);
    return err;
}

/* ---- splicing ---- */

/* NW_INVALID: these descriptors cannot be spliced. */
NW_YIELDS static nw_err splice_in(struct relay *relay, const struct pipe *pipe, size_t *out_bytes)
{
    struct nw_stream *from = relay->from;
    struct nw_worker *worker = from->source.worker;
    size_t ask_bytes = relay->left_bytes < SPLICE_STEP_BYTES ? (size_t)relay->left_bytes
                                                             : SPLICE_STEP_BYTES;
    for (;;) {
        if (from->is_read_broken)
            return from->error;
        if (from->is_ended) {
            *out_bytes = 0;
            return NW_OK;
        }
        if (!from->is_readable)
            NW_TRY(nw_stream_wait_read(from));
        ssize_t bytes = worker->backend->splice(worker->backend_state, from->source.fd,
                                                pipe->write_fd, ask_bytes, false);
        if (bytes == -EINVAL)
            return NW_INVALID;
        if (bytes == 0)
            NW_TRY(nw_stream_read_end(from));
        if (bytes >= 0) {
            from->received_bytes += (size_t)bytes;
            *out_bytes = (size_t)bytes;
            return NW_OK;
        }
        nw_err err = nw_stream_read_failed(from, bytes);
        if (err != NW_AGAIN)
            return err;
    }
}

NW_YIELDS static nw_err splice_out(struct relay *relay, const struct pipe *pipe, size_t *held_bytes)
{
    struct nw_stream *to = relay->to;
    struct nw_worker *worker = to->source.worker;
    while (*held_bytes > 0) {
        if (to->is_write_broken)
            return to->error;
        bool is_more = relay->left_bytes > 0 && relay->left_bytes != UINT64_MAX;
        ssize_t bytes = worker->backend->splice(worker->backend_state, pipe->read_fd, to->source.fd,
                                                *held_bytes, is_more);
        if (bytes < 0) {
            nw_err err = nw_stream_write_failed(to, bytes);
            if (err != NW_AGAIN)
                return err;
            NW_TRY(nw_stream_wait_write(to));
            continue;
        }
        *held_bytes -= (size_t)bytes;
        to->sent_bytes += (size_t)bytes;
        nw_worker_self()->share_bytes += (size_t)bytes;
        moved(relay);
    }
    return NW_OK;
}

NW_YIELDS static nw_err splice_all(struct relay *relay)
{
    if (relay->to->queue != NULL) /* a pipe cannot carry it along */
        NW_TRY(copy_out(relay, NULL, 0, 0));
    struct nw_worker *worker = relay->to->source.worker;
    struct pipe pipe;
    if (!pipe_borrow(worker, &pipe))
        return copy_some(relay, UINT64_MAX / 2);
    size_t held_bytes = 0;
    nw_err err = NW_OK;
    while (err == NW_OK && !relay->is_ended && relay->left_bytes > 0) {
        relay->has_from_failed = true;
        err = splice_in(relay, &pipe, &held_bytes);
        if (err != NW_OK)
            break;
        relay->is_ended = held_bytes == 0;
        took(relay, held_bytes);
        relay->has_from_failed = false;
        err = splice_out(relay, &pipe, &held_bytes);
        if (err == NW_OK)
            err = nw_stream_share(nw_worker_self());
    }
    nw_stream_wait_write_end(relay->to);
    pipe_return(worker, &pipe, held_bytes);
    if (err == NW_INVALID && relay->has_from_failed)
        return copy_some(relay, UINT64_MAX / 2);
    return err;
}

/* ---- the relay ---- */

NW_YIELDS static nw_err relay_run(struct relay *relay)
{
    struct nw_stream *from = relay->from, *to = relay->to;
    bool can_splice = from->ops->is_plain && to->ops->is_plain &&
                      to->source.worker->backend->splice != NULL;
    if (!can_splice || relay->left_bytes < SPLICE_MIN_BYTES)
        return copy_some(relay, UINT64_MAX / 2);
    if (relay->left_bytes == UINT64_MAX) /* how much will it be? begin as if it were little */
        NW_TRY(copy_some(relay, SPLICE_MIN_BYTES));
    if (relay->is_ended || relay->left_bytes == 0)
        return NW_OK;
    return splice_all(relay);
}

nw_err nw_io_relay(struct nw_stream *from, struct nw_stream *to, uint64_t bytes, uint64_t idle_ms,
                   uint64_t *out_moved_bytes, bool *out_from_failed)
{
    NW_ASSERT(from->is_open && to->is_open && from != to);
    NW_WITHIN(idle, idle_ms);
    struct relay relay = {
        .from = from, .to = to, .left_bytes = bytes, .idle_ms = idle_ms, .idle = &idle};
    /* What is queued leaves with the first bytes of a copied body, in one send. */
    uint64_t before_bytes = to->sent_bytes + nw_stream_queued_bytes(to);
    nw_err err = relay_run(&relay);
    *out_moved_bytes = to->sent_bytes > before_bytes ? to->sent_bytes - before_bytes : 0;
    if (err == NW_OK && relay.is_ended && bytes != UINT64_MAX) {
        err = NW_PEER_CLOSED;
        relay.has_from_failed = true;
    }
    if (out_from_failed != NULL)
        *out_from_failed = err != NW_OK && relay.has_from_failed;
    return err;
}
