/*
 * The stream's operations over TLS, and the BIO below OpenSSL.
 *
 * The workload is one request and one answer per readiness, so what counts is one recv and one send
 * for them. A socket BIO asks the kernel twice per record (header, then body). Here OpenSSL reads
 * ahead: one recv fills its record buffer with all that came, and the BIO does not ask again after
 * a recv that gave less than was asked for, nor without the loop's hint. What OpenSSL writes is
 * appended to pooled buffers, and whatever one call wrote (a ticket, four records, an alert) leaves
 * in one sendmsg.
 *
 * OpenSSL calls of one worker never interleave, so one BIO serves all sessions: it belongs to the
 * session that nw_tls_enter named last. Ours are the buffers of bytes that wait for the kernel;
 * OpenSSL's two (33 KiB) stay with the 64 sessions that were used last and are taken from all
 * others, so an idle session owns none, and a busy one does not allocate per record, as it would
 * with SSL_MODE_RELEASE_BUFFERS (which also leaves one of the two where it was). us of CPU per
 * request of 64 busy connections: 32 kept 23.9, all kept 23.2. Not taken: a list of spare buffers
 * for all, through OpenSSL's allocator hook, which every small piece passes too (25.1).
 *
 * Invariants: a record once made is sent or the stream breaks, so bytes that OpenSSL took count as
 * sent and the rest of a short send is held in tls->out, with is_flush_due set and WRITE watched.
 * Nothing new is encrypted while records wait: at most 64 KiB are held for a slow peer. Reading
 * that ends with the kernel's FIN instead of close_notify is a reset, so that nobody takes a cut
 * body for a whole one (the read BIO hides the FIN from OpenSSL, which would answer with an alert
 * and could not write any more).
 *
 * SSL_read returns when there is data, not before: a peer that sends nothing but key updates or
 * tickets, 22 bytes that cost 4 us each, would keep the worker inside that one call for as long as
 * it likes (one client was seen to hold all others up for 1.5 s). So the messages between data are
 * counted, and at 32 the BIO has nothing more to read.
 */
#include <errno.h>
#include <openssl/err.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/fiber.h"
#include "io/tls_impl.h"

enum {
    WRITE_MAX_BYTES = 64 * 1024,   /* plaintext per send: what relay.c fills */
    RECORD_MORE_BYTES = 5 + 8 + 32, /* a record's header, nonce, type and tag, at most */
    SPARE_OUTS_MAX = 64,
    MESSAGES_MAX = 32, /* without data between them; servers send a few tickets */
};

/* ---- the records on their way out ---- */

static struct nw_tls_out *out_of(struct nw_tls_worker *worker, struct nw_tls *tls)
{
    if (tls->out != NULL)
        return tls->out;
    struct nw_tls_out *out = worker->spare_outs;
    if (out != NULL) {
        worker->spare_outs = out->next_spare;
        worker->spare_out_count--;
    } else {
        out = nw_alloc_zero(sizeof *out);
    }
    tls->out = out;
    return out;
}

void nw_tls_out_drop(struct nw_tls *tls)
{
    struct nw_tls_out *out = tls->out;
    tls->stream->is_flush_due = false;
    if (out == NULL)
        return;
    tls->out = NULL;
    for (unsigned i = 0; i < NW_TLS_OUT_BUFS; i++)
        nw_buf_release(&out->bufs[i]);
    out->first = out->count = 0;
    out->bytes = 0;
    struct nw_tls_worker *worker = nw_tls_worker();
    if (worker->spare_out_count == SPARE_OUTS_MAX) {
        nw_free(out);
        return;
    }
    out->next_spare = worker->spare_outs;
    worker->spare_outs = out;
    worker->spare_out_count++;
}

/* Buffers for so many bytes more; false when they are not to be had. */
static bool out_reserve(struct nw_tls_out *out, size_t bytes)
{
    size_t room_bytes = 0;
    for (unsigned i = out->count > 0 ? out->count - 1 : 0; i < NW_TLS_OUT_BUFS; i++) {
        if (nw_buf_reserve(&out->bufs[i]) != NW_OK)
            return false;
        room_bytes += nw_buf_space_bytes(&out->bufs[i]);
        if (room_bytes >= bytes)
            return true;
    }
    return false;
}

static bool out_append(struct nw_tls_out *out, const char *from, size_t bytes)
{
    while (bytes > 0) {
        struct nw_buf *tail = out->count > out->first ? &out->bufs[out->count - 1] : NULL;
        if (tail == NULL || nw_buf_space_bytes(tail) == 0) {
            if (out->count == NW_TLS_OUT_BUFS || nw_buf_reserve(&out->bufs[out->count]) != NW_OK)
                return false;
            tail = &out->bufs[out->count++];
        }
        uint32_t step_bytes = nw_buf_space_bytes(tail);
        if (step_bytes > bytes)
            step_bytes = (uint32_t)bytes;
        memcpy(tail->data + tail->end, from, step_bytes);
        tail->end += step_bytes;
        out->bytes += step_bytes;
        from += step_bytes;
        bytes -= step_bytes;
    }
    return true;
}

static void out_consume(struct nw_tls_out *out, size_t bytes)
{
    out->bytes -= bytes;
    while (bytes > 0) {
        struct nw_buf *buf = &out->bufs[out->first];
        uint32_t unread_bytes = nw_buf_unread_bytes(buf);
        if (bytes < unread_bytes) {
            nw_buf_consume(buf, (uint32_t)bytes);
            return;
        }
        bytes -= unread_bytes;
        nw_buf_release(buf);
        out->first++;
    }
}

ssize_t nw_tls_send(struct nw_tls *tls)
{
    struct nw_tls_out *out = tls->out;
    struct nw_stream *stream = tls->stream;
    if (out == NULL || out->bytes == 0) {
        nw_tls_out_drop(tls);
        return 0;
    }
    struct iovec iov[NW_TLS_OUT_BUFS];
    int used = 0;
    for (unsigned i = out->first; i < out->count; i++) {
        struct nw_slice unread = nw_buf_unread(&out->bufs[i]);
        iov[used++] = (struct iovec){(void *)(uintptr_t)unread.ptr, unread.len};
    }
    ssize_t bytes = nw_stream_plain_ops.writev(stream, iov, used);
    if (bytes < 0 && bytes != -EAGAIN) {
        nw_tls_out_drop(tls);
        return bytes;
    }
    if (NW_LIKELY(bytes == (ssize_t)out->bytes)) {
        nw_tls_out_drop(tls);
        return 0;
    }
    if (bytes > 0)
        out_consume(out, (size_t)bytes);
    stream->is_flush_due = true;
    nw_source_want(&stream->source, stream->source.want | NW_READY_WRITE);
    return 0;
}

/* ---- below OpenSSL ---- */

static int take_first(struct nw_tls *tls, char *to, int max_bytes)
{
    uint32_t bytes = nw_buf_unread_bytes(&tls->first);
    if (bytes > (uint32_t)max_bytes)
        bytes = (uint32_t)max_bytes;
    memcpy(to, tls->first.data + tls->first.start, bytes);
    nw_buf_consume(&tls->first, bytes);
    if (nw_buf_unread_bytes(&tls->first) == 0)
        nw_buf_release(&tls->first);
    return (int)bytes;
}

/* Whatever goes wrong is kept for our own caller; OpenSSL only learns that there is nothing now. */
static int bio_read(BIO *bio, char *to, int max_bytes)
{
    struct nw_tls_worker *worker = BIO_get_data(bio);
    struct nw_tls *tls = worker->current;
    struct nw_stream *stream = tls->stream;
    BIO_clear_retry_flags(bio);
    if (tls->first.data != NULL)
        return take_first(tls, to, max_bytes);
    BIO_set_retry_read(bio);
    if (tls->is_fin || tls->read_errno != 0 || (!stream->is_readable && !tls->is_forced))
        return -1;
    tls->is_forced = false;
    struct iovec iov = {to, (size_t)max_bytes};
    ssize_t bytes = nw_stream_plain_ops.readv(stream, &iov, 1);
    if (bytes > 0) {
        if (bytes < max_bytes && !stream->is_ending)
            stream->is_readable = false;
        BIO_clear_retry_flags(bio);
        return (int)bytes;
    }
    stream->is_readable = false;
    if (bytes == 0)
        tls->is_fin = true;
    else if (bytes != -EAGAIN && bytes != -EINTR)
        tls->read_errno = (int)-bytes;
    return -1;
}

static int bio_write(BIO *bio, const char *from, int bytes)
{
    struct nw_tls_worker *worker = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (bytes <= 0 || !out_append(out_of(worker, worker->current), from, (size_t)bytes))
        return -1;
    return bytes;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH; /* what is written leaves when OpenSSL has returned */
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

void nw_tls_on_message(int is_ours, int version, int kind, const void *bytes, size_t count,
                       SSL *ssl, void *arg)
{
    struct nw_tls *tls = nw_tls_worker()->current;
    if (NW_LIKELY(kind != SSL3_RT_HANDSHAKE) || is_ours || !tls->is_done)
        return;
    if (++tls->message_count > MESSAGES_MAX && tls->read_errno == 0)
        tls->read_errno = EBADMSG;
}

BIO_METHOD *nw_tls_bio_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 127, "newel stream");
    NW_ASSERT(method != NULL && BIO_meth_set_read(method, bio_read) == 1 &&
              BIO_meth_set_write(method, bio_write) == 1 &&
              BIO_meth_set_ctrl(method, bio_ctrl) == 1 &&
              BIO_meth_set_create(method, bio_create) == 1);
    return method;
}

struct nw_tls_worker *nw_tls_enter(struct nw_tls *tls)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    worker->current = tls;
    if (NW_UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
    return worker;
}

void nw_tls_warm(struct nw_tls_worker *worker, struct nw_tls *tls)
{
    if (worker->warm.prev == &tls->warm)
        return;
    if (nw_list_is_empty(&tls->warm))
        worker->warm_count++;
    else
        nw_list_remove(&tls->warm);
    nw_list_push_back(&worker->warm, &tls->warm);
    if (worker->warm_count <= NW_TLS_WARM_MAX)
        return;
    worker->warm_count--;
    struct nw_list *oldest = nw_list_pop_front(&worker->warm);
    (void)SSL_free_buffers(NW_CONTAINER_OF(oldest, struct nw_tls, warm)->ssl);
}

/* ---- reading ---- */

/* What an unsuccessful read means: 0 the orderly end, or a negative errno. */
static ssize_t read_failed(struct nw_tls *tls, int result)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        if (tls->read_errno != 0)
            return -tls->read_errno;
        return tls->is_fin ? -ECONNRESET : -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        tls->is_broken = true;
        nw_tls_trouble_note(worker, tls);
        return nw_tls_is_alert(worker) ? -ECONNRESET : -EBADMSG;
    }
}

/* An answer to a key update, or the alert that says why we stop. */
static void send_aside(struct nw_tls *tls)
{
    if (NW_UNLIKELY(tls->out != NULL && !tls->stream->is_flush_due))
        (void)nw_tls_send(tls);
}

/* Will the next read say something without asking the kernel? */
static bool has_news(const struct nw_tls *tls)
{
    return tls->is_fin || tls->is_broken || tls->read_errno != 0 || tls->first.data != NULL ||
           SSL_has_pending(tls->ssl) ||
           (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/* Fills `to` as far as the records reach. Returns a result for the case that nothing came. */
static ssize_t read_piece(struct nw_tls *tls, char *to, size_t max_bytes, size_t *done_bytes)
{
    while (*done_bytes < max_bytes) {
        size_t bytes;
        int result = SSL_read_ex(tls->ssl, to + *done_bytes, max_bytes - *done_bytes, &bytes);
        if (NW_UNLIKELY(result <= 0))
            return read_failed(tls, result);
        *done_bytes += bytes;
        tls->message_count = 0;
        if (!tls->stream->is_readable && !SSL_has_pending(tls->ssl))
            return -EAGAIN;
    }
    return 1;
}

static ssize_t tls_readv(struct nw_stream *stream, const struct iovec *iov, int count)
{
    struct nw_tls *tls = stream->tls;
    if (tls->is_broken)
        return -EBADMSG;
    nw_tls_warm(nw_tls_enter(tls), tls);
    tls->is_forced = !stream->has_input;
    size_t all_bytes = 0;
    ssize_t result = 1;
    for (int i = 0; i < count && result > 0; i++) {
        size_t bytes = 0;
        result = read_piece(tls, iov[i].iov_base, iov[i].iov_len, &bytes);
        all_bytes += bytes;
    }
    send_aside(tls);
    /* Nothing is left, unless the caller's memory is full or an end lies behind the bytes. */
    stream->has_input = result == -EAGAIN ? false : has_news(tls);
    return all_bytes > 0 ? (ssize_t)all_bytes : result;
}

static ssize_t tls_peek(struct nw_stream *stream)
{
    struct nw_tls *tls = stream->tls;
    if (tls->is_broken)
        return -EBADMSG;
    nw_tls_warm(nw_tls_enter(tls), tls);
    char byte;
    size_t bytes;
    int result = SSL_peek_ex(tls->ssl, &byte, 1, &bytes);
    ssize_t answer = result > 0 ? 1 : read_failed(tls, result);
    send_aside(tls);
    stream->has_input = answer != -EAGAIN;
    return answer;
}

/* ---- writing ---- */

static ssize_t tls_flush(struct nw_stream *stream)
{
    stream->is_flush_due = false;
    ssize_t result = nw_tls_send(stream->tls);
    return result == 0 && stream->is_flush_due ? -EAGAIN : result;
}

static size_t tls_held_bytes(const struct nw_stream *stream)
{
    return stream->tls->out != NULL ? stream->tls->out->bytes : 0;
}

struct write {
    struct nw_tls *tls;
    struct nw_tls_worker *worker;
    const struct iovec *iov;
    int count;
    int at;            /* the piece */
    size_t skip;       /* in it */
    size_t max_bytes;
    size_t done_bytes;
    bool has_failed;
};

/*
 * The next record's bytes: where they lie when one piece has enough of them or is the last, else
 * gathered, so that a head and its body make one record.
 */
static struct nw_slice next_record(struct write *write)
{
    size_t max_bytes = write->max_bytes - write->done_bytes, bytes = 0;
    if (max_bytes > NW_TLS_RECORD_BYTES)
        max_bytes = NW_TLS_RECORD_BYTES;
    while (write->at < write->count) {
        const struct iovec *piece = &write->iov[write->at];
        const char *from = (const char *)piece->iov_base + write->skip;
        size_t left_bytes = piece->iov_len - write->skip;
        size_t step_bytes = left_bytes < max_bytes - bytes ? left_bytes : max_bytes - bytes;
        bool is_whole = bytes == 0 && (step_bytes == max_bytes || write->at + 1 == write->count);
        if (!is_whole)
            memcpy(write->worker->gathered + bytes, from, step_bytes);
        write->skip += step_bytes;
        if (step_bytes == left_bytes) {
            write->at++;
            write->skip = 0;
        }
        if (is_whole)
            return nw_slice_of(from, step_bytes);
        bytes += step_bytes;
        if (bytes == max_bytes)
            break;
    }
    return nw_slice_of(write->worker->gathered, bytes);
}

static void encrypt(void *arg)
{
    struct write *write = arg;
    struct nw_tls *tls = write->tls;
    while (write->done_bytes < write->max_bytes) {
        struct nw_slice record = next_record(write);
        size_t bytes;
        if (record.len == 0)
            return;
        if (SSL_write_ex(tls->ssl, record.ptr, record.len, &bytes) <= 0) {
            write->has_failed = true;
            return;
        }
        NW_ASSERT(bytes == record.len);
        write->done_bytes += bytes;
    }
}

/* One ticket, in the same send as the first answer. Deep: it encodes the session. */
static void encrypt_with_ticket(void *arg)
{
    struct write *write = arg;
    write->tls->is_ticket_due = false;
    (void)SSL_new_session_ticket(write->tls->ssl);
    encrypt(write);
}

/* As many bytes as there are buffers for; 0 when there is none at all. */
static size_t fund(struct nw_tls_out *out, size_t want_bytes)
{
    size_t max_bytes = want_bytes < WRITE_MAX_BYTES ? want_bytes : WRITE_MAX_BYTES;
    for (;;) {
        size_t records = 1 + max_bytes / NW_TLS_RECORD_BYTES;
        size_t bytes = max_bytes + records * RECORD_MORE_BYTES;
        if (out_reserve(out, bytes))
            return max_bytes;
        if (max_bytes <= NW_TLS_RECORD_BYTES / 2)
            return 0;
        max_bytes /= 2;
    }
}

static ssize_t tls_writev(struct nw_stream *stream, const struct iovec *iov, int count)
{
    struct nw_tls *tls = stream->tls;
    if (stream->is_flush_due) {
        ssize_t result = tls_flush(stream);
        if (result < 0)
            return result;
    }
    if (tls->is_broken || tls->is_finished)
        return -EPIPE;
    struct write write = {.tls = tls, .worker = nw_tls_enter(tls), .iov = iov, .count = count};
    nw_tls_warm(write.worker, tls);
    size_t all_bytes = nw_stream_iov_bytes(iov, count);
    write.max_bytes = fund(out_of(write.worker, tls), all_bytes);
    if (write.max_bytes == 0 && all_bytes != 0) {
        nw_tls_out_drop(tls);
        return -ENOBUFS;
    }
    if (NW_UNLIKELY(tls->is_ticket_due))
        nw_run_on_big_stack(encrypt_with_ticket, &write);
    else
        encrypt(&write);
    ssize_t result = nw_tls_send(tls);
    if (write.has_failed)
        tls->is_broken = true;
    if (result < 0)
        return result;
    return write.has_failed ? -EPIPE : (ssize_t)write.done_bytes;
}

/* ---- ending ---- */

static void tls_finish(struct nw_stream *stream)
{
    struct nw_tls *tls = stream->tls;
    if (!tls->is_done || tls->is_finished || tls->is_broken)
        return;
    tls->is_finished = true;
    (void)nw_tls_enter(tls);
    (void)SSL_shutdown(tls->ssl);
    ssize_t result = stream->is_flush_due ? 0 : nw_tls_send(tls);
    if (result < 0)
        (void)nw_stream_write_failed(stream, result);
}

void nw_tls_free(struct nw_tls *tls)
{
    struct nw_stream *stream = tls->stream;
    nw_tls_out_drop(tls);
    nw_buf_release(&tls->first);
    if (!nw_list_is_empty(&tls->warm)) {
        nw_list_remove(&tls->warm);
        nw_tls_worker()->warm_count--;
    }
    if (tls->ssl != NULL) {
        (void)nw_tls_enter(tls);
        SSL_free(tls->ssl);
        nw_tls_worker()->current = NULL;
    }
    nw_tls_server_unref(tls->server);
    nw_tls_client_unref(tls->client);
    stream->tls = NULL;
    stream->ops = &nw_stream_plain_ops;
    stream->has_input = false;
    nw_free(tls);
}

static void tls_close(struct nw_stream *stream, bool with_reset)
{
    /* Not behind records that are dropped: what was cut must not look whole. */
    if (!with_reset && !stream->is_flush_due && !stream->is_write_broken)
        tls_finish(stream);
    nw_tls_free(stream->tls);
    nw_stream_plain_ops.close(stream, with_reset);
}

const struct nw_stream_ops nw_tls_stream_ops = {
    .readv = tls_readv,
    .writev = tls_writev,
    .peek = tls_peek,
    .flush = tls_flush,
    .held_bytes = tls_held_bytes,
    .finish = tls_finish,
    .close = tls_close,
};

const struct nw_tls_info *nw_stream_tls(const struct nw_stream *stream)
{
    return stream->tls != NULL && stream->tls->is_done ? &stream->tls->info : NULL;
}
