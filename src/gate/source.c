/*
 * A small body is read whole before a node is chosen, so that a slow uploader occupies a few
 * buffers here and no worker of the application. What outgrows the memory bound goes on into an
 * unlinked file. The ordinary small POST lies in the head's own buffer already: then nothing is
 * copied at all.
 *
 * Keeping and giving again is the same for every transport; how HTTP/1 brings bytes stands here,
 * how an HTTP/2 stream does in h2_source.c.
 *
 * Bytes behind the body belong to the next message: they stay in `in` (known length: we never read
 * further) or are moved there (chunked: a read may bring more).
 */
#include "gate/source.h"

#include "base/assert.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/file.h"
#include "io/worker.h"

enum { RATE_GRACE_MS = 10000 };

NW_YIELDS static nw_err send_continue(struct gate_source *source)
{
    if (!source->owes_continue)
        return NW_OK;
    source->owes_continue = false;
    struct iovec line = {(void *)"HTTP/1.1 100 Continue\r\n\r\n", 25};
    return nw_io_write_all(&source->conn->stream, &line, 1);
}

uint64_t gate_source_patience_ms(struct gate_source *source)
{
    uint64_t now_ms = nw_now_ms();
    if (source->started_ms == 0)
        source->started_ms = now_ms;
    uint64_t patience = source->idle_ms != 0 ? source->idle_ms : NW_NEVER;
    if (source->rate_bytes_per_s == 0)
        return patience;
    uint64_t earned_ms = source->wire_bytes * 1000 / source->rate_bytes_per_s;
    uint64_t until_ms = source->started_ms + RATE_GRACE_MS + earned_ms;
    uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 1;
    return left_ms < patience ? left_ms : patience;
}

/* Reads once from the connection into `more`: at most what the body still needs. */
NW_YIELDS static nw_err read_more(struct gate_source *source)
{
    NW_TRY(send_continue(source));
    uint64_t patience = gate_source_patience_ms(source);
    NW_WITHIN(client, patience == NW_NEVER ? 0 : patience);
    size_t got_bytes = 0;
    nw_err err;
    if (source->is_chunked) {
        err = nw_io_read(&source->conn->stream, &source->more, &got_bytes);
    } else {
        err = nw_buf_reserve(&source->more);
        if (err == NW_OK) {
            size_t want = nw_buf_space_bytes(&source->more);
            if (want > source->left_bytes)
                want = source->left_bytes;
            err = nw_io_read_into(&source->conn->stream, source->more.data + source->more.end, want,
                                  &got_bytes);
            source->more.end += (uint32_t)(err == NW_OK ? got_bytes : 0);
        }
    }
    if (err == NW_TIMEOUT && nw_within_ran_out(&client))
        return NW_CLIENT_SLOW;
    if (err == NW_PEER_RESET || err == NW_PEER_CLOSED || (err == NW_OK && got_bytes == 0))
        return NW_CLIENT_GONE;
    if (err == NW_OK)
        source->wire_bytes += got_bytes;
    return err;
}

/* The buffer that has unread bytes of this message; NULL when the connection must be read. */
static struct nw_buf *unread(struct gate_source *source)
{
    if (nw_buf_unread_bytes(source->in) > 0)
        return source->in;
    return nw_buf_unread_bytes(&source->more) > 0 ? &source->more : NULL;
}

/* Marks as read without the reset to 0 of nw_buf_consume: the head's bytes lie in front. */
static void step(struct nw_buf *buf, size_t bytes)
{
    buf->start += (uint32_t)bytes;
}

NW_YIELDS static nw_err next_of_length(struct gate_source *source, struct nw_slice *out_piece)
{
    if (source->left_bytes == 0) {
        source->is_done = true;
        *out_piece = nw_slice_of(NULL, 0);
        return NW_OK;
    }
    struct nw_buf *buf = unread(source);
    if (buf == NULL) {
        source->more.start = source->more.end = 0;
        NW_TRY(read_more(source));
        buf = &source->more;
    }
    struct nw_slice piece = nw_slice_first(nw_buf_unread(buf), source->left_bytes);
    step(buf, piece.len);
    source->left_bytes -= piece.len;
    source->is_done = source->left_bytes == 0;
    *out_piece = piece;
    return NW_OK;
}

NW_YIELDS static nw_err next_of_chunked(struct gate_source *source, struct nw_slice *out_piece)
{
    for (;;) {
        struct nw_buf *buf = unread(source);
        if (buf == NULL) {
            source->more.start = source->more.end = 0;
            NW_TRY(read_more(source));
            buf = &source->more;
        }
        struct nw_slice data;
        size_t used_bytes = 0;
        nw_err err =
            nw_http1_chunked_read(&source->chunked, nw_buf_unread(buf), &data, &used_bytes);
        if (err != NW_OK && err != NW_AGAIN) {
            struct gate_worker *worker = gate_worker_self();
            nw_metric_add(worker->gate->refused[source->chunked.found], worker->index, 1);
            return err;
        }
        step(buf, used_bytes);
        if (err == NW_OK) {
            source->is_done = true;
            *out_piece = nw_slice_of(NULL, 0);
            return NW_OK;
        }
        if (data.len > 0) {
            *out_piece = data;
            return NW_OK;
        }
    }
}

nw_err gate_source_next(struct gate_source *source, struct nw_slice *out_piece)
{
    if (source->failed != NW_OK)
        return source->failed;
    *out_piece = nw_slice_of(NULL, 0);
    if (source->is_done)
        return NW_OK;
    nw_err err = source->next(source, out_piece);
    if (err == NW_OK) {
        source->read_bytes += out_piece->len;
        source->exchange->outcome.request_body_bytes = source->read_bytes;
        if (source->read_bytes > source->max_bytes)
            err = NW_BODY_TOO_LARGE;
    }
    if (err != NW_OK && err != NW_CANCELLED)
        source->failed = err;
    return err;
}

NW_YIELDS static nw_err next_from_spool(struct gate_source *source, struct nw_slice *out_piece)
{
    *out_piece = nw_slice_of(NULL, 0);
    if (source->spool_at == source->spool_bytes)
        return NW_OK;
    NW_TRY(nw_buf_reserve(&source->spool_buf));
    size_t got_bytes = 0;
    NW_TRY(nw_file_read(source->spool, source->spool_at, source->spool_buf.data,
                        source->spool_buf.cap_bytes, &got_bytes));
    if (got_bytes == 0)
        return NW_IO;
    source->spool_at += got_bytes;
    *out_piece = nw_slice_of(source->spool_buf.data, got_bytes);
    return NW_OK;
}

nw_err gate_source_read(struct nw_http_source *base, struct nw_slice *out_piece)
{
    struct gate_source *source = gate_source_of(base);
    if (!base->is_whole)
        return gate_source_next(source, out_piece);
    if (source->spool != NULL)
        return next_from_spool(source, out_piece);
    *out_piece = nw_slice_of(NULL, 0);
    if (source->is_direct) {
        if (!source->was_given)
            *out_piece = source->direct;
        source->was_given = true;
    } else if (source->chain_at < source->chain_count) {
        *out_piece = nw_buf_unread(&source->chain[source->chain_at++]);
    }
    return NW_OK;
}

/* The whole body lies behind the head already: it is its own copy. */
static bool take_direct(struct gate_source *source)
{
    if (source->is_chunked || nw_buf_unread_bytes(source->in) < source->left_bytes)
        return false;
    source->direct = nw_slice_first(nw_buf_unread(source->in), source->left_bytes);
    step(source->in, source->left_bytes);
    source->read_bytes = source->direct.len;
    source->exchange->outcome.request_body_bytes = source->read_bytes;
    source->left_bytes = 0;
    source->is_done = true;
    source->is_direct = true;
    return true;
}

/* The spool is disk: it has a ceiling of its own and takes nothing from the memory's. */
static nw_err spool_reserve(struct gate_source *source, size_t bytes)
{
    struct gate_worker *worker = gate_worker_self();
    _Atomic uint64_t *all_bytes = &worker->gate->spool_bytes;
    uint64_t before = atomic_fetch_add_explicit(all_bytes, bytes, memory_order_relaxed);
    if (before + bytes > worker->settings.spool_max_bytes) {
        atomic_fetch_sub_explicit(all_bytes, bytes, memory_order_relaxed);
        return NW_BUSY;
    }
    source->spool_bytes += bytes;
    return NW_OK;
}

NW_YIELDS static nw_err open_spool(struct gate_source *source)
{
    struct gate_worker *worker = gate_worker_self();
    if (worker->gate->spool_dir == NULL)
        return NW_BODY_TOO_LARGE;
    nw_err err = nw_file_open(worker->gate->spool_dir,
                              NW_FILE_READ | NW_FILE_WRITE | NW_FILE_UNLINKED, 0600,
                              &source->spool);
    if (err == NW_NOT_FOUND || err == NW_DENIED)
        return NW_IO; /* our folder, not what the client asked for */
    NW_TRY(err);
    for (unsigned i = 0; i < source->chain_count; i++) {
        struct nw_slice piece = nw_buf_unread(&source->chain[i]);
        NW_TRY(spool_reserve(source, piece.len));
        NW_TRY(nw_file_write(source->spool, source->spool_bytes - piece.len, piece.ptr, piece.len));
        nw_buf_release(&source->chain[i]);
    }
    source->chain_count = 0;
    return NW_OK;
}

NW_YIELDS static nw_err keep_piece(struct gate_source *source, struct nw_slice piece,
                                   unsigned chain_max)
{
    while (source->spool == NULL && piece.len > 0) {
        struct nw_buf *last =
            source->chain_count > 0 ? &source->chain[source->chain_count - 1] : NULL;
        if (last == NULL || nw_buf_space_bytes(last) == 0) {
            if (source->chain_count == chain_max) {
                NW_TRY(open_spool(source));
                break;
            }
            last = &source->chain[source->chain_count];
            *last = (struct nw_buf){0};
            NW_TRY(nw_buf_reserve(last));
            source->chain_count++;
        }
        struct nw_slice part = nw_slice_first(piece, nw_buf_space_bytes(last));
        memcpy(last->data + last->end, part.ptr, part.len);
        last->end += (uint32_t)part.len;
        piece = nw_slice_skip(piece, part.len);
    }
    if (piece.len == 0)
        return NW_OK;
    NW_TRY(spool_reserve(source, piece.len));
    return nw_file_write(source->spool, source->spool_bytes - piece.len, piece.ptr, piece.len);
}

/* Gives back what was kept of the body. */
static void let_go(struct gate_source *source)
{
    for (unsigned i = 0; i < source->chain_count; i++)
        nw_buf_release(&source->chain[i]);
    source->chain_count = 0;
    nw_buf_release(&source->spool_buf);
    if (source->spool != NULL)
        nw_file_close(source->spool);
    source->spool = NULL;
    if (source->spool_bytes > 0)
        atomic_fetch_sub_explicit(&gate_worker_self()->gate->spool_bytes, source->spool_bytes,
                                  memory_order_relaxed);
    source->spool_bytes = 0;
}

NW_YIELDS static nw_err keep_all(struct gate_source *source, struct nw_slice piece,
                                 unsigned chain_max)
{
    while (piece.len > 0) {
        NW_TRY(keep_piece(source, piece, chain_max));
        NW_TRY(gate_source_next(source, &piece));
    }
    return NW_OK;
}

/* A body that cannot be kept whole is kept no more: whoever is told so may come again at once. */
nw_err gate_source_keep(struct gate_source *source, struct nw_slice piece, uint64_t memory_bytes)
{
    unsigned chain_max = (unsigned)(memory_bytes / NW_BUF_BYTES);
    source->chain = nw_arena_try(source->exchange->arena, (chain_max + 1) * sizeof *source->chain);
    if (source->chain == NULL)
        return NW_NO_MEMORY;
    nw_err err = keep_all(source, piece, chain_max);
    if (err == NW_OK)
        gate_source_is_whole(source);
    else
        let_go(source);
    return err;
}

NW_YIELDS static nw_err source_collect(struct nw_http_source *base, uint64_t memory_bytes)
{
    struct gate_source *source = gate_source_of(base);
    if (base->is_whole)
        return NW_OK;
    NW_ASSERT(source->read_bytes == 0);
    if (take_direct(source)) {
        gate_source_is_whole(source);
        return NW_OK;
    }
    struct nw_slice piece;
    NW_TRY(gate_source_next(source, &piece));
    return gate_source_keep(source, piece, memory_bytes);
}

void gate_source_rewind(struct nw_http_source *base)
{
    struct gate_source *source = gate_source_of(base);
    NW_ASSERT(base->is_whole);
    source->was_given = false;
    source->chain_at = 0;
    source->spool_at = 0;
}

static struct nw_stream *source_stream(struct nw_http_source *base)
{
    struct gate_source *source = gate_source_of(base);
    return base->is_whole ? NULL : &source->conn->stream;
}

NW_YIELDS static nw_err source_proceed(struct nw_http_source *base)
{
    return send_continue(gate_source_of(base));
}

static const struct nw_http_source_ops ops = {
    .read = gate_source_read,
    .collect = source_collect,
    .rewind = gate_source_rewind,
    .stream = source_stream,
    .proceed = source_proceed,
};

void gate_source_init(struct gate_source *source, struct gate_request *request, struct nw_buf *in)
{
    const struct nw_http1_message *message = &request->exchange.message;
    const struct gate_settings *settings = &request->worker->settings;
    bool has_body = message->framing != NW_HTTP1_BODY_NONE;
    memset(source, 0, offsetof(struct gate_source, chunked));
    source->base.ops = &ops;
    source->base.is_whole = !has_body;
    source->conn = request->conn;
    source->exchange = &request->exchange;
    source->in = in;
    source->idle_ms = settings->idle_ms;
    source->max_bytes = UINT64_MAX;
    source->is_done = !has_body;
    source->owes_continue = has_body && message->expect_continue;
    source->next = next_of_length;
    if (message->framing == NW_HTTP1_BODY_LENGTH) {
        source->left_bytes = message->length_bytes;
        source->base.length_bytes = (int64_t)message->length_bytes;
    } else if (message->framing == NW_HTTP1_BODY_CHUNKED) {
        source->is_chunked = true;
        source->next = next_of_chunked;
        source->base.length_bytes = NW_HTTP_LENGTH_UNKNOWN;
        nw_http1_chunked_init(&source->chunked, false, settings->head_limits.head_bytes);
    }
    if (NW_UNLIKELY(request->h2 != NULL))
        gate_h2_source_take(source);
}

bool gate_source_done(struct gate_source *source, struct nw_buf *in)
{
    if (NW_LIKELY(source->chain_count == 0 && source->spool == NULL && source->more.data == NULL &&
                  source->spool_bytes == 0))
        return source->is_done && source->failed == NW_OK;
    let_go(source);
    bool is_at_next = source->is_done && source->failed == NW_OK;
    if (is_at_next && nw_buf_unread_bytes(&source->more) > 0) {
        NW_ASSERT(nw_buf_unread_bytes(in) == 0);
        nw_buf_release(in);
        *in = source->more;
        source->more = (struct nw_buf){0};
    }
    nw_buf_release(&source->more);
    return is_at_next;
}
