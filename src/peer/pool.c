/*
 * Connections: kept per worker, last in first out, counted per node for all workers.
 *
 * The order of two counters is what makes limits exact without a lock. in_flight is the
 * reservation, `open` the permits; a reservation is taken before a permit and given back after it.
 * So whoever holds a reservation below the limit knows that a permit is free or a connection idle
 * somewhere, if only on another worker, and may look until it finds it: nobody is refused while a
 * connection idles elsewhere. An idle connection keeps its permit.
 *
 * An idle connection moves by a message to the worker that holds it: it is taken from its loop,
 * travels in a heap object (the asker may give up meanwhile and its stack be gone), and joins the
 * asker's loop. Its memory moves with it: structs come from the heap one by one and are kept on
 * per-worker shelves, so any worker may keep what another allocated. A shared list under a lock was
 * the other way; it would be touched by every request.
 *
 * A struct whose stream was closed rests until the next turn, because the event list of this one
 * may name it still.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/dns.h"
#include "peer/multiplex.h"
#include "peer/node.h"

enum { LEARNED_FOR_MS = 10 * 60 * 1000, FIND_MAX_MS = 1000 };

/* Reservations. */

/* What few nodes have: false, and the reservation is undone, when it cannot be. */
static bool is_still_reserved(struct nw_peer_node *node, uint32_t flags, unsigned for_index)
{
    /* A drain that saw 0 in flight must not be followed by one more request. */
    if ((flags & NW_PEER_FLAG_DRAINING) == 0 && nw_peer_shared_reserve(node, for_index))
        return true;
    atomic_fetch_sub(&node->in_flight, 1); /* the drain looks again by itself */
    return false;
}

bool nw_peer_node_reserve(struct nw_peer_node *node, unsigned for_index)
{
    uint32_t max = atomic_load_explicit(&node->max_connections, memory_order_relaxed);
    const uint32_t special = NW_PEER_FLAG_DRAINING | NW_PEER_FLAG_SHARED;
    if (NW_LIKELY(max == 0) || (atomic_load(&node->flags) & NW_PEER_FLAG_SHARED) != 0) {
        atomic_fetch_add(&node->in_flight, 1);
    } else {
        uint32_t seen = atomic_load(&node->in_flight);
        do {
            if (seen >= max)
                return false;
        } while (!atomic_compare_exchange_weak(&node->in_flight, &seen, seen + 1));
    }
    uint32_t flags = atomic_load(&node->flags);
    return NW_LIKELY((flags & special) == 0) || is_still_reserved(node, flags, for_index);
}

void nw_peer_node_release(struct nw_peer_node *node)
{
    uint32_t before = atomic_fetch_sub(&node->in_flight, 1);
    NW_ASSERT(before != 0);
    if (NW_UNLIKELY(atomic_load(&node->group->waiting_count) != 0))
        nw_peer_pump(node->group);
    if (before == 1 && NW_UNLIKELY((atomic_load(&node->flags) & NW_PEER_FLAG_DRAINING) != 0))
        nw_peer_drain_wake(node);
}

static bool permit_try(struct nw_peer_node *node)
{
    uint32_t max = atomic_load_explicit(&node->max_connections, memory_order_relaxed);
    uint32_t seen = atomic_load(&node->open);
    do {
        if (max != 0 && seen >= max)
            return false;
    } while (!atomic_compare_exchange_weak(&node->open, &seen, seen + 1));
    return true;
}

/* Memory. */

static void rest_is_over(struct nw_timer *timer)
{
    struct nw_peer_home *home = NW_CONTAINER_OF(timer, struct nw_peer_home, rest);
    for (unsigned i = 0; i < NW_PEER_SHELVES && home->shelves[i].bytes != 0; i++) {
        struct nw_peer_shelf *shelf = &home->shelves[i];
        struct nw_list *at;
        while ((at = nw_list_pop_front(&shelf->resting)) != NULL) {
            if (shelf->free_count >= NW_PEER_SHELF_MAX) {
                nw_free(NW_CONTAINER_OF(at, struct nw_peer_conn, idle));
                continue;
            }
            nw_list_push_front(&shelf->free, at);
            shelf->free_count++;
        }
    }
}

static struct nw_peer_home *home_of(struct nw_peer_registry *registry, unsigned worker_index)
{
    struct nw_peer_home *home = &registry->homes[worker_index];
    if (!home->is_ready) {
        home->is_ready = true;
        nw_timer_init(&home->rest, rest_is_over);
    }
    return home;
}

static struct nw_peer_shelf *shelf_of(struct nw_peer_home *home, size_t bytes)
{
    for (unsigned i = 0; i < NW_PEER_SHELVES; i++) {
        struct nw_peer_shelf *shelf = &home->shelves[i];
        if (shelf->bytes == 0) {
            shelf->bytes = bytes;
            nw_list_init(&shelf->free);
            nw_list_init(&shelf->resting);
        }
        if (shelf->bytes == bytes)
            return shelf;
    }
    NW_ASSERT(!"more sizes of connections than shelves");
    return NULL;
}

struct nw_peer_conn *nw_peer_conn_new(struct nw_peer_node *node, unsigned worker_index)
{
    size_t bytes = node->group->driver->conn_bytes;
    NW_ASSERT(bytes >= sizeof(struct nw_peer_conn));
    struct nw_peer_home *home = home_of(node->group->registry, worker_index);
    struct nw_peer_shelf *shelf = shelf_of(home, bytes);
    struct nw_list *at = nw_list_pop_front(&shelf->free);
    struct nw_peer_conn *conn;
    if (at != NULL) {
        shelf->free_count--;
        conn = NW_CONTAINER_OF(at, struct nw_peer_conn, idle);
        memset(conn, 0, bytes);
    } else {
        conn = nw_alloc_zero(bytes);
    }
    nw_list_init(&conn->idle);
    conn->node = node;
    nw_peer_node_ref(node);
    return conn;
}

void nw_peer_conn_rest(struct nw_peer_conn *conn)
{
    struct nw_peer_node *node = conn->node;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    struct nw_peer_home *home = home_of(node->group->registry, worker_index);
    struct nw_peer_shelf *shelf = shelf_of(home, node->group->driver->conn_bytes);
    nw_list_push_back(&shelf->resting, &conn->idle);
    if (!nw_timer_is_armed(&home->rest))
        nw_timer_arm(&home->rest, 0);
    nw_peer_node_unref(node);
}

void nw_peer_home_done(struct nw_peer_registry *registry, unsigned worker_index)
{
    struct nw_peer_home *home = home_of(registry, worker_index);
    nw_timer_disarm(&home->rest);
    for (unsigned i = 0; i < NW_PEER_SHELVES && home->shelves[i].bytes != 0; i++) {
        struct nw_peer_shelf *shelf = &home->shelves[i];
        nw_list_splice_back(&shelf->free, &shelf->resting);
        struct nw_list *at;
        while ((at = nw_list_pop_front(&shelf->free)) != NULL)
            nw_free(NW_CONTAINER_OF(at, struct nw_peer_conn, idle));
    }
}

void nw_peer_conn_close(struct nw_peer_conn *conn)
{
    struct nw_peer_node *node = conn->node;
    if (node->group->driver->close != NULL)
        node->group->driver->close(conn);
    nw_stream_close(&conn->stream);
    atomic_fetch_sub(&node->open, 1);
    nw_peer_conn_rest(conn);
}

/* Idling. */

static void idle_unlink(struct nw_peer_conn *conn, struct nw_peer_local *local)
{
    nw_list_remove(&conn->idle);
    atomic_store_explicit(&local->idle_count,
                          atomic_load_explicit(&local->idle_count, memory_order_relaxed) - 1,
                          memory_order_relaxed);
}

/* Input nobody asked for, the peer's close, or our own limit: each ends the connection. */
static void on_wake(struct nw_stream *stream, nw_stream_wake why)
{
    struct nw_peer_conn *conn = NW_CONTAINER_OF(stream, struct nw_peer_conn, stream);
    struct nw_peer_node *node = conn->node;
    uint64_t now_ms = nw_now_ms();
    idle_unlink(conn, &node->local[nw_worker_index(nw_worker_self())]);
    if (why == NW_STREAM_CLOSED) {
        uint32_t known_ms = atomic_load_explicit(&node->learned_idle_ms, memory_order_relaxed);
        uint32_t learned_ms = nw_idle_learn_ms(known_ms, now_ms - conn->idle_since_ms);
        if (learned_ms != known_ms) {
            atomic_store_explicit(&node->learned_idle_ms, learned_ms, memory_order_relaxed);
            atomic_store_explicit(&node->learned_at_ms, now_ms, memory_order_relaxed);
        }
    }
    nw_peer_conn_close(conn);
}

static uint32_t idle_limit_ms(const struct nw_peer_conn *conn, uint64_t now_ms)
{
    struct nw_peer_node *node = conn->node;
    uint32_t learned_ms = atomic_load_explicit(&node->learned_idle_ms, memory_order_relaxed);
    if (NW_UNLIKELY(learned_ms != 0) &&
        now_ms - atomic_load_explicit(&node->learned_at_ms, memory_order_relaxed) >
            LEARNED_FOR_MS) {
        atomic_store_explicit(&node->learned_idle_ms, 0, memory_order_relaxed);
        learned_ms = 0;
    }
    uint32_t configured_ms =
        atomic_load_explicit(&node->group->idle_ms, memory_order_relaxed);
    return nw_idle_limit_ms(configured_ms, conn->learned_idle_ms, learned_ms);
}

static void park(struct nw_peer_conn *conn, struct nw_peer_local *local, uint32_t limit_ms)
{
    nw_list_push_front(&local->idle, &conn->idle);
    atomic_store_explicit(&local->idle_count,
                          atomic_load_explicit(&local->idle_count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    nw_io_park(&conn->stream, limit_ms, on_wake);
}

void nw_peer_conn_park(struct nw_peer_conn *conn)
{
    struct nw_peer_node *node = conn->node;
    struct nw_peer_local *local = &node->local[nw_worker_index(nw_worker_self())];
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    bool is_closing = (flags & (NW_PEER_FLAG_DRAINING | NW_PEER_FLAG_RETIRED)) != 0;
    const struct nw_stream *stream = &conn->stream;
    if (NW_UNLIKELY(is_closing || !stream->is_open || stream->is_ended || stream->is_gone ||
                    stream->error != NW_OK ||
                    atomic_load_explicit(&local->idle_count, memory_order_relaxed) >=
                        NW_PEER_IDLE_MAX)) {
        nw_peer_conn_close(conn);
        return;
    }
    uint64_t now_ms = nw_now_ms();
    conn->idle_since_ms = now_ms;
    park(conn, local, idle_limit_ms(conn, now_ms));
}

/* Whole, and nothing came on it since its last answer: bytes nobody asked for answer nothing. */
static bool is_clean(struct nw_stream *stream)
{
    char byte;
    size_t got_bytes;
    if (NW_UNLIKELY(stream->is_ended || stream->is_gone || stream->error != NW_OK))
        return false;
    if (NW_LIKELY(!nw_stream_may_read(stream)))
        return true;
    return nw_io_read_some(stream, &byte, 1, &got_bytes) == NW_AGAIN;
}

struct nw_peer_conn *nw_peer_conn_pop(struct nw_peer_node *node, unsigned worker_index,
                                      uint64_t settings_key)
{
    struct nw_peer_local *local = &node->local[worker_index];
    while (!nw_list_is_empty(&local->idle)) {
        struct nw_peer_conn *conn = NW_CONTAINER_OF(local->idle.next, struct nw_peer_conn, idle);
        idle_unlink(conn, local);
        nw_io_unpark(&conn->stream);
        if (NW_LIKELY(conn->settings_key == settings_key) && is_clean(&conn->stream))
            return conn;
        nw_peer_conn_close(conn);
    }
    return NULL;
}

static void close_parked(struct nw_peer_conn *conn, struct nw_peer_local *local)
{
    idle_unlink(conn, local);
    nw_io_unpark(&conn->stream);
    nw_peer_conn_close(conn);
}

void nw_peer_conn_close_idle(struct nw_peer_node *node, unsigned worker_index)
{
    if (node->group->driver->shared != NULL) {
        nw_peer_shared_sweep(node, worker_index);
        return;
    }
    struct nw_peer_local *local = &node->local[worker_index];
    while (!nw_list_is_empty(&local->idle))
        close_parked(NW_CONTAINER_OF(local->idle.next, struct nw_peer_conn, idle), local);
}

void nw_peer_conn_close_stale(struct nw_peer_node *node, unsigned worker_index,
                              uint64_t settings_key)
{
    if (node->group->driver->shared != NULL) {
        nw_peer_shared_sweep_stale(node, worker_index, settings_key);
        return;
    }
    struct nw_peer_local *local = &node->local[worker_index];
    for (struct nw_list *at = local->idle.next; at != &local->idle;) {
        struct nw_peer_conn *conn = NW_CONTAINER_OF(at, struct nw_peer_conn, idle);
        at = at->next;
        if (conn->settings_key != settings_key)
            close_parked(conn, local);
    }
}

/* Moving. */

struct hunt {
    struct nw_message message;
    struct nw_ticket ticket;
    struct nw_peer_node *node;
    uint64_t settings_key;
};

/* On the worker that was asked. */
static void hunt_run(struct nw_message *message)
{
    struct hunt *hunt = NW_CONTAINER_OF(message, struct hunt, message);
    struct nw_peer_node *node = hunt->node;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    struct nw_peer_conn *conn = nw_peer_conn_pop(node, worker_index, hunt->settings_key);
    if (conn != NULL)
        nw_stream_detach(&conn->stream);
    if (!nw_ticket_grant(&hunt->ticket, conn)) {
        nw_free(hunt);
        if (conn != NULL) {
            nw_stream_attach(&conn->stream);
            nw_peer_conn_park(conn);
        }
    }
    nw_peer_node_unref(node);
}

/* Asks one worker for an idle connection; *out_conn NULL: it has none. */
NW_YIELDS static nw_err hunt(struct nw_peer_node *node, unsigned at_index, uint64_t settings_key,
                             struct nw_peer_conn **out_conn)
{
    struct hunt *hunt = nw_alloc_zero(sizeof *hunt);
    hunt->message.run = hunt_run;
    hunt->node = node;
    hunt->settings_key = settings_key;
    nw_ticket_init(&hunt->ticket);
    nw_peer_node_ref(node);
    nw_mailbox_post(nw_runtime_worker(node->group->registry->runtime, at_index), &hunt->message);
    void *value = NULL;
    nw_err err = nw_ticket_wait(&hunt->ticket, &value);
    if (err != NW_OK)
        return err; /* the worker that was asked frees it */
    nw_free(hunt);
    struct nw_peer_conn *conn = value;
    if (conn != NULL)
        nw_stream_attach(&conn->stream);
    *out_conn = conn;
    return NW_OK;
}

static int find_idle(const struct nw_peer_node *node, unsigned own_index)
{
    unsigned count = node->group->registry->worker_count;
    for (unsigned step = 1; step < count; step++) {
        unsigned index = (own_index + step) % count;
        if (atomic_load_explicit(&node->local[index].idle_count, memory_order_relaxed) != 0)
            return (int)index;
    }
    return -1;
}

/* Opening. */

/* The addresses of a name are tried in order; each gets its share of the time left. */
NW_YIELDS static nw_err dial(struct nw_peer_node *node, struct nw_stream *stream)
{
    if (node->addr.kind != NW_ADDR_NONE)
        return nw_io_connect(&node->addr, stream);
    struct nw_addr_list list;
    NW_TRY(nw_io_resolve(node->host, node->port, &list));
    nw_err err = NW_NO_SUCH_NAME;
    for (unsigned i = 0; i < list.count; i++) {
        uint64_t left_ms = nw_deadline_left_ms();
        NW_WITHIN(share, left_ms == NW_NEVER ? 0 : left_ms / (list.count - i) + 1);
        err = nw_io_connect(&list.addr[i], stream);
        if (err == NW_OK || err == NW_CANCELLED)
            break;
        if (err == NW_TIMEOUT && !nw_within_ran_out(&share))
            break;
    }
    return err;
}

nw_err nw_peer_node_dial(struct nw_peer_node *node, struct nw_stream *stream, uint32_t timeout_ms)
{
    NW_WITHIN(connecting, timeout_ms);
    return dial(node, stream);
}

static nw_peer_connect_reason reason_of(nw_err err)
{
    if (err == NW_REFUSED)
        return NW_PEER_CONNECT_REFUSED;
    if (err == NW_TIMEOUT)
        return NW_PEER_CONNECT_TIMEOUT;
    if (err == NW_UNTRUSTED)
        return NW_PEER_CONNECT_UNTRUSTED;
    return err == NW_NO_SUCH_NAME ? NW_PEER_CONNECT_UNRESOLVED : NW_PEER_CONNECT_OTHER;
}

static void count_connect(struct nw_peer_node *node, nw_err err, bool is_ours)
{
    unsigned worker_index = nw_worker_index(nw_worker_self());
    if (err == NW_OK)
        nw_metric_add(node->connects, worker_index, 1);
    else if (!is_ours)
        nw_metric_add(node->connect_errors[reason_of(err)], worker_index, 1);
    if (err == NW_REFUSED) /* it restarts: what its idle limit was may not hold any more */
        atomic_store_explicit(&node->learned_idle_ms, 0, memory_order_relaxed);
}

nw_err nw_peer_conn_open(struct nw_peer_conn *conn, void *driver_arg, uint32_t timeout_ms,
                         bool *out_is_ours)
{
    struct nw_peer_node *node = conn->node;
    NW_WITHIN(opening, timeout_ms);
    nw_err err = dial(node, &conn->stream);
    if (err == NW_OK && node->group->driver->open != NULL) {
        err = node->group->driver->open(conn, driver_arg);
        if (err != NW_OK)
            nw_stream_close(&conn->stream);
    }
    bool is_late_by_caller = err == NW_TIMEOUT && !nw_within_ran_out(&opening);
    *out_is_ours = err == NW_CANCELLED || err == NW_TOO_MANY_FILES || err == NW_NO_MEMORY ||
                   err == NW_BUSY || is_late_by_caller;
    count_connect(node, err, *out_is_ours);
    return err;
}

/* A permit is held; it goes again when this fails. */
NW_YIELDS static nw_err connect_fresh(const struct nw_peer_set *set, struct nw_peer_try *try)
{
    struct nw_peer_node *node = try->node;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    struct nw_peer_conn *conn = nw_peer_conn_new(node, worker_index);
    bool is_ours = false;
    try->started_us = nw_now_us();
    conn->settings_key = nw_peer_set_key(set);
    nw_err err = nw_peer_conn_open(conn, set->driver_arg, set->connect_timeout_ms, &is_ours);
    if (err == NW_OK) {
        try->conn = conn;
        try->is_fresh = true;
        return NW_OK;
    }
    atomic_fetch_sub(&node->open, 1);
    nw_peer_try_judge(try, is_ours ? NW_PEER_ABANDONED : NW_PEER_CONNECT, 0, err == NW_REFUSED);
    nw_peer_conn_rest(conn);
    return err;
}

NW_YIELDS static nw_err find_conn(const struct nw_peer_set *set, struct nw_peer_try *try,
                                  bool is_spare)
{
    struct nw_peer_node *node = try->node;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    for (;;) {
        if (permit_try(node))
            return connect_fresh(set, try);
        int at = find_idle(node, worker_index);
        if (at >= 0)
            NW_TRY(hunt(node, (unsigned)at, nw_peer_set_key(set), &try->conn));
        else if (is_spare)
            return NW_BUSY;
        else
            NW_TRY(nw_sleep(1)); /* one is on its way between two workers */
        if (try->conn == NULL)
            try->conn = nw_peer_conn_pop(node, worker_index, nw_peer_set_key(set));
        if (try->conn != NULL)
            return NW_OK;
    }
}

nw_err nw_peer_conn_get(const struct nw_peer_set *set, struct nw_peer_try *try, bool is_spare)
{
    if (try->node->group->driver->shared != NULL)
        return nw_peer_shared_get(set, try, is_spare);
    if (permit_try(try->node))
        return connect_fresh(set, try);
    NW_WITHIN(finding, set->wait_ms != 0 ? set->wait_ms : FIND_MAX_MS);
    nw_err err = find_conn(set, try, is_spare);
    return err == NW_TIMEOUT && nw_within_ran_out(&finding) ? NW_BUSY : err;
}
