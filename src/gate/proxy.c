/*
 * A proxy sends its header at once, mostly with the client's first bytes behind it: one read, one
 * verdict. A proxy that only looks whether somebody listens closes without a byte; that is no
 * fault. Everything else that is no header cuts the connection off with a reset, as the
 * specification asks for, so that the sender notices.
 */
#include "gate/proxy.h"

#include "gate/address.h"
#include "gate/denied.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "proto/proxy_protocol.h"

struct gate_proxy {
    uint64_t until_ms;
    struct nw_generation *generation; /* holds `listen` */
    const struct nw_conf_listen *listen;
};

void gate_proxy_expect(struct gate_conn *conn, struct nw_generation *generation,
                       const struct nw_conf_listen *listen)
{
    conn->proxy = nw_alloc_zero(sizeof *conn->proxy);
    conn->proxy->until_ms = nw_now_ms() + GATE_PROXY_MS;
    conn->proxy->generation = nw_generation_ref(generation);
    conn->proxy->listen = listen;
}

void gate_proxy_forget(struct gate_conn *conn)
{
    if (conn->proxy == NULL)
        return;
    nw_generation_unref(conn->proxy->generation);
    nw_free(conn->proxy);
    conn->proxy = NULL;
}

void gate_proxy_late(struct gate_worker *worker, struct gate_conn *conn)
{
    gate_denied(worker, GATE_DENIED_PROXY_LATE, conn->listener, &conn->peer,
                "the PROXY header did not come whole within 5 s");
}

/* Reads until the header is there or cannot be any more. */
NW_YIELDS static nw_err read_header(struct gate_conn *conn, struct nw_buf *in,
                                    struct nw_proxy_header *out, nw_proxy_fault *out_fault)
{
    for (;;) {
        size_t got_bytes = 0;
        NW_TRY(nw_io_read(&conn->stream, in, &got_bytes));
        if (got_bytes == 0)
            return NW_PEER_CLOSED;
        nw_err err = nw_proxy_header_read(nw_buf_unread(in), out, out_fault);
        if (err != NW_AGAIN)
            return err;
    }
}

NW_YIELDS static nw_err read_in_time(struct gate_conn *conn, struct nw_buf *in,
                                     struct nw_proxy_header *out, nw_proxy_fault *out_fault,
                                     bool *out_is_late)
{
    uint64_t now_ms = nw_now_ms(), until_ms = conn->proxy->until_ms;
    NW_WITHIN(header, until_ms > now_ms ? until_ms - now_ms : 1);
    nw_err err = read_header(conn, in, out, out_fault);
    *out_is_late = err == NW_TIMEOUT && nw_within_ran_out(&header);
    return err;
}

static void set_peer(struct gate_peer *peer, const struct nw_proxy_header *header)
{
    if (!header->has_source)
        return;
    *peer = (struct gate_peer){.kind = header->source.is_v6 ? NW_ADDR_IP6 : NW_ADDR_IP4,
                               .port = header->source_port};
    memcpy(peer->ip, header->source.bytes, sizeof peer->ip);
}

bool gate_proxy_take(struct gate_worker *worker, struct gate_conn *conn, struct nw_buf *in)
{
    struct nw_proxy_header header;
    nw_proxy_fault fault = NW_PROXY_FINE;
    bool is_late = false;
    nw_err err = read_in_time(conn, in, &header, &fault, &is_late);
    if (err == NW_BAD_MESSAGE)
        gate_denied(worker,
                    nw_proxy_fault_is_oversized(fault) ? GATE_DENIED_PROXY_OVERSIZED
                                                       : GATE_DENIED_PROXY_MALFORMED,
                    conn->listener, &conn->peer, nw_proxy_fault_sentence(fault));
    else if (is_late)
        gate_proxy_late(worker, conn);
    else if (err == NW_PEER_CLOSED && nw_buf_unread_bytes(in) > 0)
        gate_denied(worker, GATE_DENIED_PROXY_MALFORMED, conn->listener, &conn->peer,
                    "the connection ended within the PROXY header");
    if (err != NW_OK)
        return false;
    nw_buf_consume(in, header.header_bytes);
    set_peer(&conn->peer, &header);
    bool may_connect = gate_address_may_connect(conn->proxy->listen, &conn->peer);
    if (!may_connect)
        gate_denied(worker, GATE_DENIED_LISTENER, conn->listener, &conn->peer,
                    "the listener is not for the address that the PROXY header told");
    gate_proxy_forget(conn);
    return may_connect;
}
