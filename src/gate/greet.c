/*
 * A connection's first words under TLS; a PROXY header before them was taken by the door. Only
 * connections that have something to say before a request come here: the others' first byte is a
 * request's, and they pay nothing.
 */
#include "gate/greet.h"

#include "gate/page.h"
#include "gate/tls.h"
#include "io/fiber.h"

enum { TLS_HANDSHAKE_RECORD = 22 };

/* ---- TLS ---- */

/* Somebody wrote http:// for the port of https://; he is told in the language that he speaks. */
NW_YIELDS static gate_next tell_plain(struct gate_conn *conn)
{
    gate_tls_failed(conn, "plain_http", "a request in plain HTTP");
    nw_err err = gate_page_send(&conn->stream, 400,
                                "This address speaks HTTPS, and the request came in HTTP.");
    return err == NW_OK ? GATE_LINGER : GATE_CLOSE;
}

/* A handshake begins with its record's type; a method begins with a letter. */
static bool is_plain_http(const struct nw_buf *in)
{
    struct nw_slice bytes = nw_buf_unread(in);
    return bytes.len > 0 && bytes.ptr[0] != TLS_HANDSHAKE_RECORD && bytes.ptr[0] >= 'A' &&
           bytes.ptr[0] <= 'Z';
}

NW_YIELDS static nw_err read_first(struct gate_conn *conn, struct nw_buf *in)
{
    size_t got_bytes = 0;
    if (nw_buf_unread_bytes(in) > 0)
        return NW_OK;
    NW_TRY(nw_io_read(&conn->stream, in, &got_bytes));
    return got_bytes > 0 ? NW_OK : NW_CLIENT_GONE;
}

NW_YIELDS static gate_next secure(struct gate_conn *conn, struct gate_offer *offer,
                                  struct nw_buf *in)
{
    NW_WITHIN(handshake, gate_worker_self()->settings.head_time_ms);
    if (read_first(conn, in) != NW_OK)
        return GATE_CLOSE;
    if (is_plain_http(in))
        return tell_plain(conn);
    nw_err err = nw_io_tls_accept(&conn->stream, offer->server, in);
    if (err != NW_OK) {
        const struct nw_tls_trouble *trouble = nw_tls_trouble();
        gate_tls_failed(conn, trouble->word, trouble->sentence);
        return err == NW_BAD_MESSAGE ? GATE_LINGER : GATE_CLOSE; /* with TLS 1.3 he sends already */
    }
    conn->is_secure = true;
    conn->clients = offer->clients;
    return GATE_NEXT;
}

/* The first request often comes with the last bytes of the handshake; else the client is parked. */
static gate_next peek(struct gate_conn *conn, struct nw_buf *in)
{
    size_t got_bytes = 0;
    if (nw_buf_unread_bytes(in) > 0)
        return GATE_NEXT;
    nw_err err = nw_io_read_now(&conn->stream, in, &got_bytes);
    if (err == NW_AGAIN)
        return GATE_NEXT;
    return err == NW_OK && got_bytes > 0 ? GATE_NEXT : GATE_CLOSE;
}

gate_next gate_greet(struct gate_conn *conn, struct nw_buf *in)
{
    conn->is_greeted = true;
    struct gate_offer *offer = gate_tls_take(conn->listener);
    if (offer == NULL) /* a reload took TLS away since it was accepted */
        return GATE_NEXT;
    gate_next next = secure(conn, offer, in);
    gate_offer_unref(offer);
    return next == GATE_NEXT ? peek(conn, in) : next;
}
