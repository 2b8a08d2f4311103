/*
 * An idle keep-alive connection is a struct of three hundred bytes in the event loop: no fiber, no
 * stack, no buffer. Input gives it a fiber; when its answers are out and nothing more is in, it is
 * parked again. A pipelining client keeps the fiber until its input is used up.
 */
#include "gate/door.h"

#include "base/assert.h"
#include "base/log.h"
#include "gate/address.h"
#include "gate/clients.h"
#include "gate/denied.h"
#include "gate/greet.h"
#include "gate/h2.h"
#include "gate/ids.h"
#include "gate/page.h"
#include "gate/proxy.h"
#include "gate/serve.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/tls.h"
#include "io/worker.h"
#include "proto/http_date.h"

#define DATE_MAX_S UINT64_C(253402300799)

static void on_wake(struct nw_stream *stream, nw_stream_wake why);

struct gate_worker *gate_worker_self(void)
{
    return nw_worker_get(nw_worker_self(), NW_WORKER_SLOT_GATE);
}

struct gate_pin *gate_pin_take(struct gate_worker *worker)
{
    worker->current->refs++;
    return worker->current;
}

void gate_pin_give(struct gate_worker *worker, struct gate_pin *pin)
{
    NW_ASSERT(pin->refs > 0);
    if (--pin->refs > 0)
        return;
    NW_ASSERT(pin != worker->current);
    nw_list_remove(&pin->node);
    nw_generation_unref(pin->generation);
    nw_free(pin);
    atomic_fetch_sub(&worker->gate->pins, 1);
}

struct nw_slice gate_date(struct gate_worker *worker)
{
    uint64_t now_s = nw_wall_ms() / 1000;
    if (now_s > DATE_MAX_S) /* a clock that went mad; the format has four digits for a year */
        now_s = DATE_MAX_S;
    if (worker->date_s != now_s) {
        nw_http_date_format((int64_t)now_s, worker->date_text);
        worker->date_s = now_s;
    }
    return nw_slice_of(worker->date_text, NW_HTTP_DATE_BYTES);
}

/* ---- closing ---- */

static void forget(struct gate_worker *worker, struct gate_conn *conn)
{
    if (conn->is_counted)
        gate_clients_leave(worker->gate, &conn->peer);
    gate_proxy_forget(conn);
    nw_list_remove(&conn->node);
    nw_metric_add(conn->listener->open, worker->index, -1);
    atomic_fetch_sub_explicit(&conn->listener->conn_count, 1, memory_order_release);
    nw_listener_count(-1);
    nw_pool_put_later(&worker->conn_pool, conn);
    nw_loop_at_rest(worker->worker, &worker->rest);
}

void gate_door_close(struct gate_worker *worker, struct gate_conn *conn)
{
    nw_stream_close(&conn->stream);
    forget(worker, conn);
}

/* ---- serving ---- */

static inline void park(struct gate_worker *worker, struct gate_conn *conn, uint64_t idle_ms,
                        nw_stream_on_wake wake)
{
    nw_list_remove(&conn->node);
    nw_list_push_back(&worker->idle_conns, &conn->node);
    conn->fiber = NULL;
    nw_io_park(&conn->stream, idle_ms, wake);
}

void gate_door_park(struct gate_worker *worker, struct gate_conn *conn, uint64_t idle_ms,
                    nw_stream_on_wake wake)
{
    park(worker, conn, idle_ms, wake);
}

/* One client must not take all connections; loopback and trusted proxies speak for many. */
static bool is_exempt(const struct gate_worker *worker, const struct gate_peer *peer)
{
    if (peer->kind == NW_ADDR_UNIX)
        return true;
    struct nw_ip ip = gate_peer_ip(peer);
    return nw_ip_is_loopback(&ip) ||
           (worker->settings.trusted != NULL && nw_ip_ranges_have(worker->settings.trusted, &ip));
}

static bool enter(struct gate_worker *worker, struct gate_conn *conn)
{
    if (is_exempt(worker, &conn->peer))
        return true;
    conn->is_counted =
        gate_clients_enter(worker->gate, &conn->peer, worker->settings.connections_per_client_max);
    return conn->is_counted;
}

/* Tells a client that is not served why, so that it does not take us for dead. */
NW_YIELDS static void tell_busy(struct gate_worker *worker, struct gate_conn *conn)
{
    if (!conn->is_greeted) { /* before its handshake it would not understand */
        gate_door_close(worker, conn);
        return;
    }
    if (gate_page_send(&conn->stream, 503, gate_sentence(503)) == NW_OK)
        nw_stream_linger_close(&conn->stream);
    gate_door_close(worker, conn);
}

NW_YIELDS static void refuse_fiber(void *arg)
{
    tell_busy(gate_worker_self(), arg);
}

/*
 * The first step of a connection that a proxy hands on: PROXY, then TLS, then HTTP. True: `in`
 * begins with what follows. False: it was parked, as nothing has followed yet, or closed.
 */
NW_YIELDS static bool begin_proxied(struct gate_worker *worker, struct gate_conn *conn,
                                    struct nw_buf *in)
{
    if (!gate_proxy_take(worker, conn, in)) {
        nw_buf_release(in);
        nw_stream_reset(&conn->stream);
        gate_door_close(worker, conn);
        return false;
    }
    bool is_served = enter(worker, conn);
    bool has_input = nw_buf_unread_bytes(in) > 0;
    if (is_served && has_input)
        return true;
    nw_buf_release(in);
    if (!is_served) {
        nw_metric_add(worker->gate->connections_refused, worker->index, 1);
        tell_busy(worker, conn);
    } else if (worker->is_draining || nw_fiber_is_cancelled()) {
        gate_door_close(worker, conn);
    } else {
        park(worker, conn, GATE_FIRST_BYTE_MS, on_wake);
    }
    return false;
}

/* After its first words: is a request there, or does the connection wait for one, or end? */
NW_YIELDS static bool greet(struct gate_conn *conn, struct nw_buf *in, gate_next *out_next)
{
    *out_next = gate_greet(conn, in);
    const struct nw_tls_info *tls = *out_next == GATE_NEXT ? nw_stream_tls(&conn->stream) : NULL;
    if (tls != NULL && tls->is_h2)
        *out_next = GATE_H2;
    return *out_next == GATE_NEXT && nw_buf_unread_bytes(in) > 0;
}

NW_YIELDS static void serve_fiber(void *arg)
{
    struct gate_conn *conn = arg;
    struct gate_worker *worker = gate_worker_self();
    struct nw_buf in = {0};
    gate_next next = GATE_NEXT;
    if (NW_UNLIKELY(conn->proxy != NULL) && !begin_proxied(worker, conn, &in))
        return;
    bool is_due = NW_LIKELY(conn->is_greeted) || greet(conn, &in, &next);
    while (is_due) {
        next = gate_serve(worker, conn, &in, NULL);
        conn->request_count++;
        is_due = next == GATE_NEXT && nw_buf_unread_bytes(&in) > 0;
    }
    if (next == GATE_H2) {
        gate_h2_open(conn, &in);
        return;
    }
    nw_buf_release(&in);
    if (next == GATE_NEXT && !worker->is_draining && !nw_fiber_is_cancelled()) {
        bool has_asked = conn->request_count > 0; /* or it only shook hands */
        park(worker, conn, has_asked ? worker->settings.idle_ms : GATE_FIRST_BYTE_MS, on_wake);
        return;
    }
    if (next == GATE_LINGER && nw_grace(3000))
        nw_stream_linger_close(&conn->stream);
    gate_door_close(worker, conn);
}

static inline bool start(struct gate_worker *worker, struct gate_conn *conn, const char *name,
                         nw_fiber_fn fn)
{
    nw_list_remove(&conn->node);
    nw_list_push_back(&worker->active_conns, &conn->node);
    struct nw_scope *root = nw_worker_root_scope(worker->worker);
    /* Known before it first runs, so that a cancel in between reaches it. */
    return nw_scope_spawn(root, name, fn, conn, &conn->fiber) == NW_OK;
}

bool gate_door_start(struct gate_worker *worker, struct gate_conn *conn, const char *name,
                     nw_fiber_fn fn)
{
    return start(worker, conn, name, fn);
}

static void refuse(struct gate_worker *worker, struct gate_conn *conn)
{
    nw_metric_add(worker->gate->connections_refused, worker->index, 1);
    if (!start(worker, conn, "gate.refuse", refuse_fiber))
        gate_door_close(worker, conn);
}

static void on_wake(struct nw_stream *stream, nw_stream_wake why)
{
    struct gate_conn *conn = NW_CONTAINER_OF(stream, struct gate_conn, stream);
    struct gate_worker *worker = gate_worker_self();
    if (why == NW_STREAM_TIMEOUT && conn->proxy != NULL)
        gate_proxy_late(worker, conn);
    if (why != NW_STREAM_INPUT) {
        gate_door_close(worker, conn);
        return;
    }
    if (!nw_runtime_can_admit(worker->gate->runtime) ||
        !start(worker, conn, "gate.conn", serve_fiber))
        refuse(worker, conn);
}

/* ---- accepting ---- */

static void set_peer(struct gate_peer *peer, const struct nw_accepted *accepted)
{
    peer->kind = accepted->is_unix ? NW_ADDR_UNIX : accepted->peer.kind;
    peer->port = accepted->peer.port;
    if (peer->kind == NW_ADDR_IP4)
        memcpy(peer->ip, accepted->peer.ip4, 4);
    else if (peer->kind == NW_ADDR_IP6)
        memcpy(peer->ip, accepted->peer.ip6, 16);
}

/* Whoever speaks for a proxy is counted once it is known who that is. */
static bool may_serve(struct gate_worker *worker, struct gate_conn *conn)
{
    uint64_t count = nw_listener_connections(worker->gate->runtime);
    return count <= worker->settings.connections_max &&
           (conn->proxy != NULL || enter(worker, conn));
}

/*
 * Who is told that there is no room holds a descriptor while being told. Beyond a sixteenth more
 * nobody is: the last descriptors belong to files, probes and whoever steers newel.
 */
static bool has_room(struct gate_worker *worker)
{
    uint64_t max = worker->settings.connections_max;
    uint64_t told_max = max + max / 16 + 4;
    if (nw_listener_connections(worker->gate->runtime) < told_max)
        return true;
    nw_metric_add(worker->gate->connections_refused, worker->index, 1);
    return false;
}

/*
 * What the listener asks of who connects, and the generation that says so; NULL: nothing. One that
 * is named no more asks its last connections what it asked before.
 */
static const struct nw_conf_listen *asked_by(const struct gate_worker *worker,
                                             const struct gate_listener *listener,
                                             struct nw_generation **out_generation)
{
    const struct nw_conf_listen *listen = worker->current->part->listens[listener->slot];
    *out_generation = worker->current->generation;
    if (NW_LIKELY(listen != NULL || listener->last_listen == NULL))
        return listen;
    *out_generation = listener->last_generation;
    return listener->last_listen;
}

/*
 * The lists of a listener are asked before anything is spent on the connection. Where a PROXY
 * header is due they wait for the address that it tells.
 */
static bool is_denied(struct gate_worker *worker, struct gate_listener *listener,
                      const struct nw_conf_listen *listen, const struct gate_peer *peer)
{
    if (NW_LIKELY(listen == NULL) || gate_address_is_proxy(listen, peer) ||
        gate_address_may_connect(listen, peer))
        return false;
    gate_denied(worker, GATE_DENIED_LISTENER, listener, peer,
                "the listener is not for this address");
    return true;
}

static void welcome(struct gate_worker *worker, struct gate_conn *conn,
                    const struct nw_accepted *accepted)
{
    struct gate_listener *listener = conn->listener;
    nw_stream_init_accepted(&conn->stream, accepted);
    nw_listener_count(1);
    atomic_fetch_add_explicit(&listener->conn_count, 1, memory_order_relaxed);
    nw_metric_add(listener->accepted, worker->index, 1);
    nw_metric_add(listener->open, worker->index, 1);
    if (may_serve(worker, conn))
        park(worker, conn, conn->proxy != NULL ? GATE_PROXY_MS : GATE_FIRST_BYTE_MS, on_wake);
    else
        refuse(worker, conn);
}

void gate_door_on_accept(void *owner, struct nw_accepted *accepted)
{
    struct gate_listener *listener = owner;
    struct gate_worker *worker = gate_worker_self();
    struct gate_peer peer = {0};
    struct nw_generation *generation;
    if (worker == NULL || worker->current == NULL) {
        nw_accepted_close(accepted);
        return;
    }
    const struct nw_conf_listen *listen = asked_by(worker, listener, &generation);
    set_peer(&peer, accepted);
    if (is_denied(worker, listener, listen, &peer)) {
        nw_accepted_reset(accepted);
        return;
    }
    struct gate_conn *conn = has_room(worker) ? nw_pool_try_zero(&worker->conn_pool) : NULL;
    if (conn == NULL) {
        nw_accepted_close(accepted);
        return;
    }
    conn->listener = listener;
    conn->peer = peer;
    nw_list_init(&conn->node);
    conn->is_greeted = atomic_load_explicit(&listener->offer, memory_order_relaxed) == NULL;
    if (NW_UNLIKELY(listen != NULL) && gate_address_is_proxy(listen, &peer))
        gate_proxy_expect(conn, generation, listen);
    welcome(worker, conn, accepted);
}

void gate_door_on_exhausted(void *owner, bool is_exhausted)
{
    struct gate_listener *listener = owner;
    struct nw_worker *worker = nw_worker_self();
    if (!is_exhausted) {
        nw_log(nw_worker_log(worker), NW_INFO, "door.descriptors_back", "listen=%s",
               listener->text);
        return;
    }
    nw_metric_add(listener->gate->descriptors_exhausted, nw_worker_index(worker), 1);
    nw_log(nw_worker_log(worker), NW_ERROR, "door.descriptors_exhausted", "listen=%s hint=%s",
           listener->text, "connections wait in the kernel; raise the limit of open files");
}

void gate_door_drain(struct gate_worker *worker)
{
    NW_LIST_EACH(node, &worker->active_conns) {
        struct gate_conn *conn = NW_CONTAINER_OF(node, struct gate_conn, node);
        if (conn->h2 != NULL)
            gate_h2_drain(conn);
    }
    for (struct nw_list *node = worker->idle_conns.next; node != &worker->idle_conns;) {
        struct gate_conn *conn = NW_CONTAINER_OF(node, struct gate_conn, node);
        node = node->next;
        if (!nw_stream_is_parked(&conn->stream))
            continue;
        if (conn->h2 != NULL) {
            gate_h2_drain(conn);
            continue;
        }
        nw_io_unpark(&conn->stream);
        gate_door_close(worker, conn);
    }
}

void gate_door_cancel(struct gate_worker *worker)
{
    NW_LIST_EACH(node, &worker->active_conns) {
        struct gate_conn *conn = NW_CONTAINER_OF(node, struct gate_conn, node);
        if (conn->h2 != NULL)
            gate_h2_cancel(conn);
        else if (conn->fiber != NULL)
            nw_fiber_cancel(conn->fiber);
    }
}
