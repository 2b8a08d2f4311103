/*
 * A connection to a node that carries many requests. The window granted to the node is memory set
 * aside for it (http/h2.h), so that a client that reads slowly holds up its own stream alone.
 */
#include "gate/upstream.h"

#include "gate/account.h"
#include "gate/probe.h"
#include "gate/tls.h"

enum {
    HEAD_MAX_BYTES = 32 * 1024,
    WINDOW_BYTES = 64 * 1024,
    WINDOW_MAX_BYTES = 256 * 1024,
};

struct upstream {
    struct nw_peer_shared shared; /* first */
    struct nw_h2 *h2;
};

static struct upstream *upstream_of(const struct nw_peer_conn *conn)
{
    return (struct upstream *)conn;
}

struct nw_h2 *gate_upstream_h2(struct nw_peer_conn *conn)
{
    return upstream_of(conn)->h2;
}

static void on_down(void *arg)
{
    nw_peer_shared_down(arg);
}

/* The first word of the peer are its SETTINGS, which come before any stream can end. */
static void on_slot(void *arg)
{
    struct upstream *upstream = arg;
    if (NW_UNLIKELY(upstream->shared.is_unsettled) && nw_h2_has_begun(upstream->h2))
        nw_peer_node_trouble(upstream->shared.conn.node, NULL);
    upstream->shared.is_unsettled = false;
    nw_peer_shared_changed(arg);
}

static void on_send(void *arg, unsigned stream_count)
{
    nw_peer_shared_sent(arg, stream_count);
}

NW_YIELDS static nw_err open_conn(struct nw_peer_conn *conn, void *driver_arg)
{
    struct nw_gate_service *service = driver_arg;
    NW_TRY(gate_tls_connect(service, conn->node, &conn->stream));
    struct nw_h2_options options = {
        .stream = &conn->stream,
        .is_client = true,
        .is_https = nw_stream_tls(&conn->stream) != NULL,
        .streams_max = service->streams_max,
        .head_max_bytes = HEAD_MAX_BYTES,
        .window_bytes = WINDOW_BYTES,
        .window_max_bytes = WINDOW_MAX_BYTES,
        .idle_ms = service->idle_ms,
        .head_ms = gate_worker_self()->settings.head_time_ms,
        .arg = conn,
        .on_down = on_down,
        .on_slot = on_slot,
        .on_send = on_send,
    };
    upstream_of(conn)->shared.is_unsettled = true;
    return nw_h2_new(&options, &upstream_of(conn)->h2);
}

static void close_conn(struct nw_peer_conn *conn)
{
    nw_h2_free(upstream_of(conn)->h2);
}

NW_YIELDS static nw_err run(struct nw_peer_conn *conn)
{
    nw_err err = nw_h2_run(upstream_of(conn)->h2, NULL);
    if (err != NW_BAD_MESSAGE || nw_h2_has_begun(upstream_of(conn)->h2))
        return err;
    /* Most often a server of HTTP/1: "malformed" would have its owner look for another fault. */
    nw_peer_node_trouble(conn->node, nw_err_text(NW_NOT_HTTP2));
    return NW_NOT_HTTP2;
}

static unsigned slots(const struct nw_peer_conn *conn)
{
    const struct nw_h2 *h2 = upstream_of(conn)->h2;
    return nw_h2_stream_count(h2) + nw_h2_slots_free(h2);
}

NW_YIELDS static nw_err ping(struct nw_peer_conn *conn, uint64_t wait_ms)
{
    return nw_h2_ping(upstream_of(conn)->h2, wait_ms);
}

static void stop(struct nw_peer_conn *conn)
{
    nw_h2_abort(upstream_of(conn)->h2, NW_HTTP2_NO_ERROR);
}

static void hold(void *driver_arg)
{
    gate_service_ref(driver_arg);
}

static void let_go(void *driver_arg)
{
    gate_service_unref(driver_arg);
}

static const struct nw_peer_shared_ops shared_ops = {
    .run = run,
    .slots = slots,
    .ping = ping,
    .stop = stop,
    .hold = hold,
    .let_go = let_go,
};

const struct nw_peer_driver gate_h2_driver = {
    .conn_bytes = sizeof(struct upstream),
    .open = open_conn,
    .probe = gate_probe,
    .close = close_conn,
    .shared = &shared_ops,
};
