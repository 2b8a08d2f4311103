/*
 * Sixty-four requests on one connection leave in one send and come back in one read: of 10 us that
 * a proxied request costs, 5 are such calls. All the bookkeeping here is one worker's own, because
 * connections never move; only three counters are read by others, who grant places in the queue.
 *
 *   try ── reservation ──▶ connection with the fewest tries ──▶ on it
 *              │ full                    │ none has a slot
 *              ▼                         ▼
 *         the set's queue          the worker's line ◀── opened, a slot fell free, or it failed
 *
 * What a worker may reserve is the slots of its open connections plus those that the ones it may
 * still open are expected to have; a peer that grants fewer than it used to leaves some
 * reservations without a slot, and these stand in the line.
 *
 * Each connection has one fiber, which opens it and then runs the driver. Its memory goes when that
 * fiber and the last try are both gone, whichever comes last. A failed connect is one verdict on
 * the node, however many tries waited for it.
 *
 * max_connections is divided among the workers, because a connection of another worker helps
 * nobody: the road not taken was to end an idle one elsewhere for the sake of a permit, which
 * starves a worker for as long as the others are busy.
 */
#include "peer/multiplex.h"

#include "base/assert.h"
#include "base/log.h"
#include "io/clock.h"

enum { TICK_MS = 5 * 1000 };

struct waiter {
    struct nw_list link; /* in lines->waiters while it waits */
    const struct nw_peer_set *set;
    struct nw_event done;
    struct nw_peer_shared *shared; /* granted: the try counts on it already */
    nw_err err;
};

static struct nw_peer_shared *shared_of(struct nw_peer_conn *conn)
{
    return NW_CONTAINER_OF(conn, struct nw_peer_shared, conn);
}

static struct nw_peer_local *local_of(struct nw_peer_node *node)
{
    return &node->local[nw_worker_index(nw_worker_self())];
}

static const struct nw_peer_shared_ops *ops_of(const struct nw_peer_shared *shared)
{
    return shared->conn.node->group->driver->shared;
}

/* ---- reservations ---- */

/* Connections that one worker may keep. */
static uint32_t share_of(const struct nw_peer_node *node)
{
    const struct nw_peer_group *group = node->group;
    uint32_t share = atomic_load_explicit(&group->connections_max, memory_order_relaxed);
    uint32_t max = atomic_load_explicit(&node->max_connections, memory_order_relaxed);
    if (max != 0) {
        uint32_t part = max / group->registry->worker_count;
        share = part < share ? part : share;
    }
    return share != 0 ? share : 1;
}

/* Slots of a connection that is not open yet. */
static uint32_t usual_slots(const struct nw_peer_node *node, const struct nw_peer_lines *lines)
{
    uint32_t most = atomic_load_explicit(&node->group->streams_max, memory_order_relaxed);
    uint32_t usual = atomic_load_explicit(&lines->usual, memory_order_relaxed);
    return usual != 0 && usual < most ? usual : most;
}

static uint32_t limit_of(const struct nw_peer_node *node, const struct nw_peer_lines *lines)
{
    uint32_t share = share_of(node);
    uint32_t limit = atomic_load(&lines->slots), open = atomic_load(&lines->open_count);
    if (share > open)
        limit += (share - open) * usual_slots(node, lines);
    return limit;
}

bool nw_peer_shared_reserve(struct nw_peer_node *node, unsigned worker_index)
{
    if (node->group->driver->shared == NULL)
        return true;
    struct nw_peer_lines *lines = &node->local[worker_index].lines;
    uint32_t limit = limit_of(node, lines);
    uint32_t seen = atomic_load(&lines->taken);
    do {
        if (seen >= limit)
            return false;
    } while (!atomic_compare_exchange_weak(&lines->taken, &seen, seen + 1));
    return true;
}

void nw_peer_shared_release(struct nw_peer_node *node, unsigned worker_index)
{
    uint32_t before = atomic_fetch_sub(&node->local[worker_index].lines.taken, 1);
    NW_ASSERT(before != 0);
}

bool nw_peer_shared_is_full(const struct nw_peer_node *node, unsigned worker_index)
{
    const struct nw_peer_lines *lines = &node->local[worker_index].lines;
    return atomic_load(&lines->taken) >= limit_of(node, lines);
}

/* ---- counting ---- */

/* A peer that has not said its limit is given one try: more may be too many for it. */
static uint32_t slots_now(const struct nw_peer_shared *shared)
{
    if (NW_UNLIKELY(shared->is_unsettled))
        return 1;
    uint32_t most =
        atomic_load_explicit(&shared->conn.node->group->streams_max, memory_order_relaxed);
    uint32_t slots = ops_of(shared)->slots(&shared->conn);
    return slots < most ? slots : most;
}

static bool takes_tries(const struct nw_peer_shared *shared)
{
    return shared->is_open && !shared->is_down;
}

/* Looks at every connection anew; the sums are what other workers reserve by. */
static void recount(struct nw_peer_lines *lines)
{
    uint32_t slots = 0, open_count = 0;
    NW_LIST_EACH(at, &lines->conns) {
        struct nw_peer_shared *shared = NW_CONTAINER_OF(at, struct nw_peer_shared, link);
        if (!takes_tries(shared))
            continue;
        open_count++;
        if (shared->is_unsettled) {
            slots += usual_slots(shared->conn.node, lines);
            shared->slots = 1;
            continue;
        }
        shared->slots = slots_now(shared);
        slots += shared->slots;
        if (shared->slots != 0)
            atomic_store_explicit(&lines->usual, shared->slots, memory_order_relaxed);
    }
    atomic_store(&lines->slots, slots);
    atomic_store(&lines->open_count, open_count);
}

static void count_idle(struct nw_peer_local *local, int change)
{
    uint32_t before = atomic_load_explicit(&local->idle_count, memory_order_relaxed);
    atomic_store_explicit(&local->idle_count, before + (uint32_t)change, memory_order_relaxed);
}

static void add_try(struct nw_peer_local *local, struct nw_peer_shared *shared)
{
    if (shared->try_count++ == 0)
        count_idle(local, -1);
}

/* The last of fiber and tries gives the memory back. */
static void close_ended(struct nw_peer_local *local, struct nw_peer_shared *shared)
{
    count_idle(local, -1);
    nw_list_remove(&shared->link);
    nw_peer_conn_close(&shared->conn);
}

static void remove_try(struct nw_peer_local *local, struct nw_peer_shared *shared)
{
    NW_ASSERT(shared->try_count != 0);
    if (--shared->try_count != 0)
        return;
    count_idle(local, 1);
    shared->conn.idle_since_ms = nw_now_ms();
    if (shared->has_ended)
        close_ended(local, shared);
    else if (shared->is_down && shared->is_running)
        ops_of(shared)->stop(&shared->conn);
}

/* ---- the line ---- */

/* Made under these settings, the one with the fewest tries among those with a free slot; NULL. */
static struct nw_peer_shared *pick(struct nw_peer_lines *lines, uint64_t settings_key)
{
    struct nw_peer_shared *best = NULL;
    bool has_changed = false;
    NW_LIST_EACH(at, &lines->conns) {
        struct nw_peer_shared *shared = NW_CONTAINER_OF(at, struct nw_peer_shared, link);
        if (!takes_tries(shared) || shared->conn.settings_key != settings_key)
            continue;
        uint32_t slots = slots_now(shared);
        has_changed |= slots != shared->slots;
        if (shared->try_count < slots && (best == NULL || shared->try_count < best->try_count))
            best = shared;
    }
    if (NW_UNLIKELY(has_changed))
        recount(lines);
    return best;
}

static struct waiter *first_in(const struct nw_peer_lines *lines)
{
    return NW_CONTAINER_OF(lines->waiters.next, struct waiter, link);
}

static void settle(struct nw_peer_lines *lines, struct waiter *waiter,
                   struct nw_peer_shared *shared, nw_err err)
{
    nw_list_remove(&waiter->link);
    lines->waiter_count--;
    waiter->shared = shared;
    waiter->err = err;
    nw_event_set(&waiter->done);
}

static void fail_line(struct nw_peer_lines *lines, nw_err err)
{
    while (lines->waiter_count != 0)
        settle(lines, first_in(lines), NULL, err);
}

/* Do more tries wait than the connections that are new will take? */
static bool wants_another(const struct nw_peer_node *node, const struct nw_peer_lines *lines)
{
    uint32_t open_count = atomic_load_explicit(&lines->open_count, memory_order_relaxed);
    if (lines->waiter_count == 0 || open_count + lines->opening_count >= share_of(node))
        return false;
    uint32_t new_count = lines->opening_count;
    NW_LIST_EACH(at, &lines->conns) {
        const struct nw_peer_shared *shared = NW_CONTAINER_OF(at, struct nw_peer_shared, link);
        new_count += takes_tries(shared) && shared->is_unsettled;
    }
    return lines->waiter_count > new_count * usual_slots(node, lines);
}

static nw_err start_opening(const struct nw_peer_set *set, struct nw_peer_node *node,
                            struct nw_peer_local *local);

/* Who stands in front gets what is there; connections are opened for the others. */
static void serve_line(struct nw_peer_node *node, struct nw_peer_local *local)
{
    struct nw_peer_lines *lines = &local->lines;
    struct nw_peer_shared *shared;
    while (lines->waiter_count != 0) {
        shared = pick(lines, nw_peer_set_key(first_in(lines)->set));
        if (shared == NULL)
            break;
        add_try(local, shared);
        settle(lines, first_in(lines), shared, NW_OK);
    }
    while (wants_another(node, lines)) {
        nw_err err = start_opening(first_in(lines)->set, node, local);
        if (err == NW_OK)
            continue;
        if (lines->opening_count == 0)
            fail_line(lines, err);
        break;
    }
}

/* Slots came or went: the line first, then those who wait without a reservation. */
static void pass_on(struct nw_peer_node *node, struct nw_peer_local *local)
{
    recount(&local->lines);
    serve_line(node, local);
    if (atomic_load(&node->group->waiting_count) != 0)
        nw_peer_pump(node->group);
}

void nw_peer_shared_changed(struct nw_peer_conn *conn)
{
    struct nw_peer_shared *shared = shared_of(conn);
    if (!takes_tries(shared))
        return;
    struct nw_peer_local *local = local_of(conn->node);
    if (NW_UNLIKELY(local->lines.waiter_count != 0 || slots_now(shared) != shared->slots))
        pass_on(conn->node, local);
}

void nw_peer_shared_sent(struct nw_peer_conn *conn, unsigned stream_count)
{
    nw_metric_record_us(conn->node->streams_per_send, nw_worker_index(nw_worker_self()),
                        stream_count);
}

void nw_peer_shared_down(struct nw_peer_conn *conn)
{
    struct nw_peer_shared *shared = shared_of(conn);
    if (shared->is_down)
        return;
    shared->is_down = true;
    if (!shared->is_open)
        return;
    if (shared->is_running) /* not now: the driver may be in the midst of something */
        nw_timer_arm(&shared->tick, 0);
    pass_on(conn->node, local_of(conn->node));
}

/* ---- idleness and silence ---- */

NW_YIELDS static void ping_main(void *arg)
{
    struct nw_peer_shared *shared = arg;
    struct nw_peer_node *node = shared->conn.node;
    nw_err err = ops_of(shared)->ping(&shared->conn, NW_PEER_PING_WAIT_MS);
    shared->is_pinging = false;
    if (err != NW_TIMEOUT || !shared->is_running)
        return;
    nw_log(nw_peer_log(), NW_WARN, "peer.silent", "service=%s node=%s streams=%u",
           node->group->name, node->address, shared->try_count);
    nw_peer_shared_down(&shared->conn);
    if (shared->is_running)
        ops_of(shared)->stop(&shared->conn);
}

static void listen_for_life(struct nw_peer_shared *shared, uint64_t now_ms)
{
    if (shared->conn.stream.received_bytes != shared->heard_bytes) {
        shared->heard_bytes = shared->conn.stream.received_bytes;
        shared->heard_ms = now_ms;
    }
    if (now_ms - shared->heard_ms < NW_PEER_SILENCE_MS || shared->is_pinging)
        return;
    struct nw_fiber *fiber;
    shared->is_pinging =
        nw_scope_spawn(shared->pings, "peer.ping", ping_main, shared, &fiber) == NW_OK;
}

static void on_tick(struct nw_timer *timer)
{
    struct nw_peer_shared *shared = NW_CONTAINER_OF(timer, struct nw_peer_shared, tick);
    uint64_t now_ms = nw_now_ms(), next_ms = TICK_MS;
    if (shared->is_down && shared->try_count == 0) {
        ops_of(shared)->stop(&shared->conn);
        return;
    }
    uint64_t limit_ms =
        atomic_load_explicit(&shared->conn.node->group->idle_ms, memory_order_relaxed);
    if (shared->try_count == 0 && limit_ms != 0) {
        uint64_t idle_ms = now_ms - shared->conn.idle_since_ms;
        if (idle_ms >= limit_ms) {
            nw_peer_shared_down(&shared->conn);
            return;
        }
        next_ms = limit_ms - idle_ms < next_ms ? limit_ms - idle_ms : next_ms;
    }
    listen_for_life(shared, now_ms);
    nw_timer_arm(timer, next_ms);
}

/* ---- a connection's life ---- */

NW_YIELDS static void serve(struct nw_peer_shared *shared)
{
    struct nw_peer_node *node = shared->conn.node;
    struct nw_scope pings;
    nw_scope_open(&pings);
    shared->pings = &pings;
    shared->is_open = shared->is_running = true;
    shared->conn.idle_since_ms = shared->heard_ms = nw_now_ms();
    nw_timer_init(&shared->tick, on_tick);
    nw_timer_arm(&shared->tick, 1);
    pass_on(node, local_of(node));
    const uint32_t closing = NW_PEER_FLAG_DRAINING | NW_PEER_FLAG_RETIRED;
    if ((atomic_load(&node->flags) & closing) != 0 ||
        shared->conn.settings_key != atomic_load(&node->group->settings_key))
        nw_peer_shared_down(&shared->conn);
    nw_err err = ops_of(shared)->run(&shared->conn);
    shared->is_running = false;
    nw_timer_disarm(&shared->tick);
    bool is_told = err != NW_PEER_CLOSED && err != NW_OK && err != NW_CANCELLED;
    if (is_told && (shared->try_count != 0 || err == NW_NOT_HTTP2))
        nw_log(nw_peer_log(), NW_WARN, "peer.lost", "service=%s node=%s streams=%u reason=%s",
               node->group->name, node->address, shared->try_count, nw_err_text(err));
    nw_scope_close(&pings);
    shared->pings = NULL;
}

/* All who stand in the line waited for it, or for others to end: now they can go elsewhere. */
static void fail_opening(struct nw_peer_shared *shared, uint64_t started_us, nw_err err,
                         bool is_ours)
{
    struct nw_peer_node *node = shared->conn.node;
    struct nw_peer_local *local = local_of(node);
    struct nw_peer_try verdict = {.node = node, .started_us = started_us, .is_fresh = true};
    if (!is_ours)
        nw_peer_try_blame(&verdict, NW_PEER_CONNECT, 0, err == NW_REFUSED);
    if (!shared->is_down) /* else nobody waited for it any more */
        fail_line(&local->lines, err);
    count_idle(local, -1);
    nw_list_remove(&shared->link);
    atomic_fetch_sub(&node->open, 1);
    nw_peer_conn_rest(&shared->conn);
}

/* Nobody waits for what is being opened. */
static void abandon_openings(struct nw_peer_lines *lines)
{
    NW_LIST_EACH(at, &lines->conns) {
        struct nw_peer_shared *shared = NW_CONTAINER_OF(at, struct nw_peer_shared, link);
        if (shared->is_open || shared->is_down)
            continue;
        shared->is_down = true;
        lines->opening_count--;
        nw_fiber_cancel(shared->fiber);
    }
}

NW_YIELDS static void shared_main(void *arg)
{
    struct nw_peer_shared *shared = arg;
    struct nw_peer_node *node = shared->conn.node;
    struct nw_peer_local *local = local_of(node);
    struct nw_peer_registry *registry = node->group->registry;
    uint64_t started_us = nw_now_us();
    bool is_ours = false;
    uint32_t timeout_ms = atomic_load(&node->group->connect_timeout_ms);
    nw_err err = nw_peer_conn_open(&shared->conn, shared->driver_arg, timeout_ms, &is_ours);
    if (ops_of(shared)->let_go != NULL)
        ops_of(shared)->let_go(shared->driver_arg);
    local->lines.opening_count -= shared->is_down ? 0 : 1;
    if (err != NW_OK) {
        fail_opening(shared, started_us, err, is_ours);
    } else {
        serve(shared);
        nw_peer_shared_down(&shared->conn);
        shared->has_ended = true;
        if (shared->try_count == 0)
            close_ended(local, shared);
    }
    atomic_fetch_sub(&registry->shared_count, 1);
}

static nw_err start_opening(const struct nw_peer_set *set, struct nw_peer_node *node,
                            struct nw_peer_local *local)
{
    struct nw_worker *worker = nw_worker_self();
    struct nw_peer_conn *conn = nw_peer_conn_new(node, nw_worker_index(worker));
    struct nw_peer_shared *shared = shared_of(conn);
    nw_err err = nw_scope_spawn(nw_worker_root_scope(worker), "peer.shared", shared_main, shared,
                                &shared->fiber);
    if (err != NW_OK) {
        nw_peer_conn_rest(conn);
        return err;
    }
    conn->settings_key = nw_peer_set_key(set);
    shared->driver_arg = set->driver_arg;
    if (ops_of(shared)->hold != NULL)
        ops_of(shared)->hold(shared->driver_arg);
    atomic_fetch_add(&node->group->registry->shared_count, 1);
    atomic_fetch_add(&node->open, 1);
    nw_list_push_back(&local->lines.conns, &shared->link);
    local->lines.opening_count++;
    count_idle(local, 1);
    return NW_OK;
}

/* ---- tries ---- */

static void put_on(struct nw_peer_try *try, struct nw_peer_shared *shared)
{
    try->conn = &shared->conn;
    try->is_fresh = shared->conn.use_count == 0;
    try->started_us = nw_now_us();
}

bool nw_peer_shared_take(struct nw_peer_try *try)
{
    struct nw_peer_local *local = local_of(try->node);
    if (NW_UNLIKELY(local->lines.waiter_count != 0))
        return false;
    struct nw_peer_shared *shared = pick(&local->lines, nw_peer_set_key(try->set));
    if (NW_UNLIKELY(shared == NULL))
        return false;
    add_try(local, shared);
    put_on(try, shared);
    return true;
}

/* In the line. A slot that came too late goes to the next. */
NW_YIELDS static nw_err stand_in_line(struct nw_peer_node *node, struct waiter *waiter,
                                      uint64_t wait_ms)
{
    struct nw_peer_local *local = local_of(node);
    nw_event_init(&waiter->done);
    nw_list_push_back(&local->lines.waiters, &waiter->link);
    local->lines.waiter_count++;
    serve_line(node, local);
    NW_WITHIN(waiting, wait_ms);
    nw_err err = nw_event_wait(&waiter->done);
    if (err == NW_OK)
        return waiter->err;
    if (waiter->shared != NULL) {
        remove_try(local, waiter->shared);
        serve_line(node, local);
    } else if (!waiter->done.is_set) {
        nw_list_remove(&waiter->link);
        if (--local->lines.waiter_count == 0)
            abandon_openings(&local->lines);
    }
    return err == NW_TIMEOUT && nw_within_ran_out(&waiting) ? NW_BUSY : err;
}

nw_err nw_peer_shared_get(const struct nw_peer_set *set, struct nw_peer_try *try, bool is_spare)
{
    struct nw_peer_node *node = try->node;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    struct waiter waiter = {.set = set};
    if (nw_peer_shared_take(try))
        return NW_OK;
    struct nw_peer_lines *lines = &node->local[worker_index].lines;
    if (is_spare && atomic_load(&lines->open_count) + lines->opening_count >= share_of(node))
        return NW_BUSY;
    try->started_us = nw_now_us();
    nw_err err =
        stand_in_line(node, &waiter, (uint64_t)set->wait_ms + set->connect_timeout_ms);
    if (err == NW_OK) {
        put_on(try, waiter.shared);
        return NW_OK;
    }
    bool is_ours = err == NW_CANCELLED || err == NW_TOO_MANY_FILES || err == NW_NO_MEMORY ||
                   err == NW_BUSY;
    bool is_connect = !is_ours && waiter.done.is_set;
    nw_peer_outcome outcome = is_connect ? NW_PEER_CONNECT : NW_PEER_ABANDONED;
    nw_metric_add(node->requests[outcome], worker_index, 1);
    if (is_connect && try->is_trial) {
        try->is_trial = false;
        nw_peer_node_tried(node, false, true, nw_now_ms());
    }
    return err;
}

void nw_peer_shared_end(struct nw_peer_conn *conn)
{
    struct nw_peer_node *node = conn->node;
    struct nw_peer_local *local = local_of(node);
    remove_try(local, shared_of(conn));
    if (NW_UNLIKELY(local->lines.waiter_count != 0))
        serve_line(node, local);
    nw_peer_shared_release(node, (unsigned)(local - node->local));
}

void nw_peer_shared_sweep(struct nw_peer_node *node, unsigned worker_index)
{
    struct nw_peer_lines *lines = &node->local[worker_index].lines;
    NW_LIST_EACH(at, &lines->conns) {
        struct nw_peer_shared *shared = NW_CONTAINER_OF(at, struct nw_peer_shared, link);
        shared->is_down |= shared->is_open;
        if (shared->is_running && shared->try_count == 0)
            ops_of(shared)->stop(&shared->conn);
    }
    if (lines->waiter_count == 0)
        abandon_openings(lines);
    recount(lines);
}

void nw_peer_shared_sweep_stale(struct nw_peer_node *node, unsigned worker_index,
                                uint64_t settings_key)
{
    NW_LIST_EACH(at, &node->local[worker_index].lines.conns) {
        struct nw_peer_shared *shared = NW_CONTAINER_OF(at, struct nw_peer_shared, link);
        if (shared->is_open && shared->conn.settings_key != settings_key)
            nw_peer_shared_down(&shared->conn);
    }
}
