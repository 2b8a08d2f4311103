/*
 * From a plain stream to a TLS one, in place.
 *
 * A handshake is a few steps; each takes what came, computes on the thread's big stack (verifying a
 * chain recurses deeper than a fiber's stack allows), and sends what OpenSSL wrote in one send. The
 * expensive step, the one that signs or verifies, takes some 50 to 300 us, so at most four of them
 * run in one turn of a worker: requests on established connections go on in between.
 *
 * A server makes its session only when the first bytes are there; a connection that stays silent
 * costs what a plain one does.
 */
#include <errno.h>
#include <openssl/err.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/clock.h"
#include "io/errno.h"
#include "io/fiber.h"
#include "io/tls_impl.h"

struct shake {
    struct nw_tls *tls;
    struct nw_slice host; /* client */
    uint64_t peer_key;
    unsigned steps;
    uint64_t began_ns;
    nw_err err; /* of a step; NW_AGAIN: more is to come from the peer */
};

/* ---- on the big stack ---- */

static SSL_CTX *context_of(const struct nw_tls *tls)
{
    return tls->server != NULL ? nw_tls_server_context(tls->server)
                               : nw_tls_client_context(tls->client);
}

static bool session_make(struct shake *shake, struct nw_tls_worker *worker)
{
    struct nw_tls *tls = shake->tls;
    SSL_CTX *context = context_of(tls);
    tls->ssl = context != NULL ? SSL_new(context) : NULL;
    if (tls->ssl == NULL)
        return false;
    BIO_up_ref(worker->bio);
    SSL_set_bio(tls->ssl, worker->bio, worker->bio); /* the two are one: one reference */
    X509_VERIFY_PARAM_set_time(SSL_get0_param(tls->ssl), (time_t)(nw_wall_ms() / 1000));
    if (tls->server != NULL)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return tls->server != NULL || nw_tls_client_prepare(tls, shake->host, shake->peer_key);
}

static void tell(struct nw_tls *tls)
{
    const unsigned char *protocol;
    unsigned bytes;
    SSL_get0_alpn_selected(tls->ssl, &protocol, &bytes);
    tls->info.version = SSL_version(tls->ssl) == TLS1_3_VERSION ? "1.3" : "1.2";
    tls->info.cipher = SSL_get_cipher_name(tls->ssl);
    tls->info.is_resumed = SSL_session_reused(tls->ssl) == 1;
    tls->info.is_h2 = bytes == 2 && memcmp(protocol, "h2", 2) == 0;
    tls->info.server = tls->server;
    tls->info.has_client_certificate =
        tls->server != NULL && nw_tls_server_asks_certificate(tls->server) &&
        SSL_get0_peer_certificate(tls->ssl) != NULL &&
        SSL_get_verify_result(tls->ssl) == X509_V_OK;
    /* A client that proved who it is proves it again when its ticket ends. */
    tls->is_ticket_due = tls->takes_tickets && SSL_version(tls->ssl) == TLS1_3_VERSION &&
                         nw_tls_server_tickets(tls->server) != NULL &&
                         !(tls->info.is_resumed && tls->info.has_client_certificate);
    tls->is_done = true;
}

static void step_failed(struct shake *shake, struct nw_tls_worker *worker, int error)
{
    struct nw_tls *tls = shake->tls;
    if (error == SSL_ERROR_WANT_READ && tls->read_errno == 0 && !tls->is_fin) {
        shake->err = NW_AGAIN;
        return;
    }
    tls->is_broken = true;
    if (error == SSL_ERROR_WANT_READ) {
        shake->err = tls->is_fin ? NW_PEER_CLOSED : nw_errno_to_err(tls->read_errno);
        nw_tls_trouble_say(worker, "closed", "the peer closed the connection in the handshake");
        return;
    }
    shake->err = NW_BAD_MESSAGE;
    nw_tls_trouble_note(worker, tls);
}

static void step(void *arg)
{
    struct shake *shake = arg;
    struct nw_tls *tls = shake->tls;
    struct nw_tls_worker *worker = nw_tls_enter(tls);
    shake->steps++;
    if (tls->ssl == NULL && !session_make(shake, worker)) {
        tls->is_broken = true;
        shake->err = NW_NO_MEMORY;
        nw_tls_trouble_say(worker, "internal", "no session could be made");
        ERR_clear_error();
        return;
    }
    int result = SSL_do_handshake(tls->ssl);
    shake->err = NW_OK;
    if (result == 1)
        tell(tls);
    else
        step_failed(shake, worker, SSL_get_error(tls->ssl, result));
}

/* ---- in the fiber ---- */

/* May the next step sign or verify? */
static bool is_costly(const struct shake *shake)
{
    const struct nw_tls *tls = shake->tls;
    if (tls->client != NULL)
        return shake->steps > 0;
    return !tls->has_hello || nw_tls_server_asks_certificate(tls->server);
}

/* Did it, then? */
static bool was_cheap(const struct shake *shake)
{
    const struct nw_tls *tls = shake->tls;
    return (tls->server != NULL && !tls->has_hello) ||
           (tls->ssl != NULL && SSL_session_reused(tls->ssl) == 1);
}

NW_YIELDS static nw_err run_step(struct shake *shake)
{
    struct nw_tls *tls = shake->tls;
    bool is_counted = is_costly(shake);
    if (is_counted)
        NW_TRY(nw_tls_turn_take());
    nw_run_on_big_stack(step, shake);
    if (is_counted && was_cheap(shake))
        nw_tls_turn_give();
    ssize_t result = nw_tls_send(tls);
    if (result < 0 && shake->err == NW_AGAIN)
        return nw_stream_write_failed(tls->stream, result);
    while (tls->stream->is_flush_due && (shake->err == NW_OK || shake->err == NW_AGAIN)) {
        NW_TRY(nw_stream_wait_write(tls->stream));
        nw_err err = nw_stream_flush_below(tls->stream);
        if (err != NW_OK && err != NW_AGAIN)
            return err;
    }
    nw_stream_wait_write_end(tls->stream);
    return shake->err;
}

static bool has_input(const struct nw_tls *tls)
{
    return tls->stream->is_readable || tls->first.data != NULL;
}

NW_YIELDS static nw_err shake_hands(struct shake *shake)
{
    struct nw_tls *tls = shake->tls;
    bool is_listening = tls->server != NULL;
    for (;;) {
        if (is_listening && !has_input(tls))
            NW_TRY(nw_stream_wait_read(tls->stream));
        is_listening = true;
        nw_err err = run_step(shake);
        if (err != NW_AGAIN)
            return err;
    }
}

/* Our own reasons for giving up, which OpenSSL does not know. */
static void note_end(const struct nw_tls *tls, nw_err err)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    if (err == NW_TIMEOUT)
        nw_tls_trouble_say(worker, "timeout", "the handshake took too long");
    else if (err == NW_CANCELLED)
        nw_tls_trouble_say(worker, "cancelled", "the connection was given up in the handshake");
    else if (!tls->is_broken)
        nw_tls_trouble_say(worker, "closed", "the peer closed the connection in the handshake");
}

/* OpenSSL may have read ahead into what follows the handshake. */
static void note_input(struct nw_tls *tls)
{
    nw_tls_warm(nw_tls_enter(tls), tls);
    tls->stream->has_input = SSL_has_pending(tls->ssl) == 1 || tls->first.data != NULL;
}

NW_YIELDS static nw_err start(struct nw_stream *stream, struct shake *shake)
{
    struct nw_tls *tls = shake->tls;
    NW_ASSERT(stream->is_open && stream->tls == NULL && stream->queue == NULL);
    nw_list_init(&tls->warm);
    tls->stream = stream;
    stream->tls = tls;
    stream->ops = &nw_tls_stream_ops;
    shake->began_ns = nw_io_now_ns();
    nw_err err = stream->is_read_broken ? stream->error : shake_hands(shake);
    if (err != NW_OK) {
        note_end(tls, err);
        tls->is_broken = true;
        tls->is_done = false;
        nw_tls_count(tls, nw_tls_worker()->trouble.word, shake->began_ns);
        return err;
    }
    note_input(tls);
    nw_tls_count(tls, "ok", shake->began_ns);
    return NW_OK;
}

nw_err nw_io_tls_accept(struct nw_stream *stream, struct nw_tls_server *server,
                        struct nw_buf *first)
{
    struct nw_tls *tls = nw_alloc_zero(sizeof *tls);
    tls->server = nw_tls_server_ref(server);
    if (first != NULL) {
        if (nw_buf_unread_bytes(first) > 0)
            tls->first = *first;
        else
            nw_buf_release(first);
        *first = (struct nw_buf){0};
    }
    struct shake shake = {.tls = tls};
    nw_err err = start(stream, &shake);
    if (err == NW_BAD_MESSAGE && !stream->is_flush_due)
        nw_tls_free(tls); /* so that the caller can linger over what is no TLS to us any more */
    return err;
}

nw_err nw_io_tls_connect(struct nw_stream *stream, struct nw_tls_client *client,
                         struct nw_slice host, uint64_t peer_key)
{
    struct nw_tls *tls = nw_alloc_zero(sizeof *tls);
    tls->client = nw_tls_client_ref(client);
    struct shake shake = {.tls = tls, .host = host, .peer_key = peer_key};
    return start(stream, &shake);
}
