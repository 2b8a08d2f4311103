/*
 * Waiting for a turn at a full service.
 *
 * A waiter enters the queue, then everybody who frees something pumps: as long as the first in line
 * can be given a reserved node, it is taken out and granted. The counter of waiters is raised
 * before the waiter's own first pump and a releaser lowers in_flight before it reads the counter,
 * so one of the two sees the other: no grant is lost between "full" and "queued". New requests find
 * the counter above 0 and queue up behind, so nobody overtakes.
 *
 * The pump runs under the group's lock, which also keeps the waiter's stack in place: whoever gives
 * up must take the lock to leave. A connection that idles on the pumping worker travels with the
 * grant; a grant that lost its race against timeout or cancel takes back what it gave and passes
 * on.
 *
 * A first in line that accepts any node and gets none ends the pump; one with conditions of its own
 * (`eligible`, `exclude`) does not hold up those behind it.
 */
#include "base/assert.h"
#include "io/clock.h"
#include "peer/multiplex.h"
#include "peer/node.h"

struct waiter {
    struct nw_admission_entry entry;
    struct nw_ticket ticket;
    struct nw_peer_set *set;
    const struct nw_peer_want *want;
    unsigned worker_index;
    /* Granted: */
    struct nw_peer_node *node; /* NULL: there is none any more */
    struct nw_peer_conn *conn;
    bool is_trial;
    bool has_moved; /* conn comes from another worker's loop */
};

static void leave(struct nw_peer_group *group, struct waiter *waiter)
{
    if (!waiter->entry.is_queued)
        return;
    group->queue.ops->leave(&group->queue, &waiter->entry);
    atomic_fetch_sub(&group->waiting_count, 1);
}

/* A grant came too late: its gifts go back. The reservation is given up without a pump. */
static void take_back(struct nw_peer_node *node, struct nw_peer_conn *conn, bool has_moved,
                      bool is_trial, unsigned for_index)
{
    if (node == NULL)
        return;
    if (conn != NULL && has_moved)
        nw_stream_attach(&conn->stream);
    if (conn != NULL)
        nw_peer_conn_park(conn);
    if (is_trial)
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_TRIAL);
    if ((atomic_load(&node->flags) & NW_PEER_FLAG_SHARED) != 0)
        nw_peer_shared_release(node, for_index);
    uint32_t before = atomic_fetch_sub(&node->in_flight, 1);
    NW_ASSERT(before != 0);
}

/* Serves one waiter; false: nothing for it now. */
static bool serve(struct nw_peer_group *group, struct waiter *waiter, struct nw_worker *worker)
{
    struct nw_peer_node *node = NULL;
    struct nw_peer_conn *conn = NULL;
    bool is_trial = false, has_moved = false;
    unsigned for_index = waiter->worker_index;
    nw_err err = nw_peer_choose(waiter->set, waiter->want, worker, for_index, &node, &is_trial);
    if (err == NW_AGAIN)
        return false;
    if (err == NW_OK) {
        nw_peer_node_ref(node); /* until the waiter has a connection */
        if (group->driver->shared == NULL) /* else it finds one by itself */
            conn = nw_peer_conn_pop(node, nw_worker_index(worker), nw_peer_set_key(waiter->set));
        has_moved = conn != NULL && for_index != nw_worker_index(worker);
        if (has_moved)
            nw_stream_detach(&conn->stream);
    }
    leave(group, waiter);
    waiter->node = node;
    waiter->conn = conn;
    waiter->is_trial = is_trial;
    waiter->has_moved = has_moved;
    if (!nw_ticket_grant(&waiter->ticket, waiter)) {
        take_back(node, conn, has_moved, is_trial, for_index);
        if (node != NULL)
            nw_peer_node_unref(node);
    }
    return true;
}

/*
 * Who is full together: all workers, who share every connection; or, where connections are the
 * worker's own, the workers of these bits.
 */
static uint64_t full_if(const struct nw_peer_group *group, uint64_t bits)
{
    unsigned count = group->registry->worker_count;
    if (group->driver->shared == NULL)
        return 1;
    return count < 64 ? bits & ((UINT64_C(1) << count) - 1) : bits;
}

void nw_peer_pump(struct nw_peer_group *group)
{
    struct nw_worker *worker = nw_worker_self();
    pthread_mutex_lock(&group->lock);
    const struct nw_admission_ops *ops = group->queue.ops;
    struct nw_admission_entry *entry = ops->next(&group->queue, NULL);
    uint64_t full = 0, all = full_if(group, ~UINT64_C(0));
    while (entry != NULL) {
        struct waiter *waiter = NW_CONTAINER_OF(entry, struct waiter, entry);
        uint64_t bit = full_if(group, UINT64_C(1) << waiter->worker_index);
        bool takes_any = waiter->want->eligible == NULL && waiter->want->exclude == NULL;
        if ((full & bit) == 0 && serve(group, waiter, worker)) {
            entry = ops->next(&group->queue, NULL);
            continue;
        }
        if (takes_any)
            full |= bit;
        if (full == all)
            break;
        entry = ops->next(&group->queue, entry);
    }
    pthread_mutex_unlock(&group->lock);
}

static nw_err enter(struct nw_peer_group *group, struct waiter *waiter)
{
    pthread_mutex_lock(&group->lock);
    nw_err err = group->queue.ops->enter(&group->queue, &waiter->entry, waiter->set->waiting_max);
    if (err == NW_OK)
        atomic_fetch_add(&group->waiting_count, 1);
    pthread_mutex_unlock(&group->lock);
    return err;
}

/* In the queue: waits for the grant. */
NW_YIELDS static nw_err await(struct nw_peer_group *group, struct waiter *waiter, uint32_t wait_ms)
{
    NW_WITHIN(waiting, wait_ms);
    nw_peer_pump(group);
    void *value = NULL;
    nw_err err = nw_ticket_wait(&waiter->ticket, &value);
    if (err == NW_OK)
        return NW_OK;
    pthread_mutex_lock(&group->lock);
    leave(group, waiter);
    pthread_mutex_unlock(&group->lock);
    return err == NW_TIMEOUT && nw_within_ran_out(&waiting) ? NW_BUSY : err;
}

/* On success the caller holds a reference to the node. */
nw_err nw_peer_wait(struct nw_peer_set *set, const struct nw_peer_want *want,
                    struct nw_peer_try *try)
{
    struct nw_peer_group *group = set->group;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    struct waiter waiter = {.set = set, .want = want, .worker_index = worker_index};
    waiter.entry.arrived_ms = nw_now_ms();
    nw_list_init(&waiter.entry.link);
    nw_ticket_init(&waiter.ticket);
    nw_err err = set->wait_ms == 0 ? NW_BUSY : enter(group, &waiter);
    if (err != NW_OK) {
        nw_metric_add(group->refused_full, worker_index, 1);
        return err;
    }
    nw_metric_add(group->waits_total, worker_index, 1);
    uint64_t since_us = nw_now_us();
    nw_peer_set_ref(set);
    err = await(group, &waiter, set->wait_ms);
    nw_peer_set_unref(set);
    nw_metric_record_us(group->wait_seconds, worker_index, nw_now_us() - since_us);
    if (err == NW_BUSY)
        nw_metric_add(group->refused_late, worker_index, 1);
    if (err != NW_OK)
        return err;
    if (waiter.node == NULL)
        return NW_NO_NODE;
    if (waiter.conn != NULL && waiter.has_moved)
        nw_stream_attach(&waiter.conn->stream);
    try->node = waiter.node;
    try->conn = waiter.conn;
    try->is_trial = waiter.is_trial;
    return NW_OK;
}
