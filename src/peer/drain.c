/*
 * Taking a node out of service by hand: no new requests, wait for those in flight, close what
 * idles.
 *
 * The flag is set first, then in_flight is read; a request reserves first and then reads the flag
 * (pool.c). So either the drain sees the request or the request sees the drain. The last request to
 * end wakes the drain; it also looks by itself ten times a second, because a reservation that backs
 * out wakes nobody.
 *
 * A lease ends a drain that its author forgot or died over.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "io/clock.h"
#include "peer/node.h"

enum { LOOK_MS = 100 };

struct drainer {
    struct nw_list link;
    struct nw_ticket ticket;
};

static bool has_name(const struct nw_peer_node *node, struct nw_slice name, bool *out_is_full)
{
    size_t set_bytes = strlen(node->group->name);
    struct nw_slice address = nw_slice_str(node->address);
    *out_is_full = false;
    if (nw_slice_eq(name, address))
        return true;
    if (name.len != set_bytes + 1 + address.len || name.ptr[set_bytes] != '/')
        return false;
    *out_is_full = memcmp(name.ptr, node->group->name, set_bytes) == 0 &&
                   nw_slice_eq(nw_slice_skip(name, set_bytes + 1), address);
    return *out_is_full;
}

/* "set/address", or an address that one set alone has. */
static nw_err find(struct nw_peer_registry *registry, struct nw_slice name, struct nw_diag *diag,
                   struct nw_peer_node **out)
{
    struct nw_peer_node *found = NULL;
    unsigned count = 0;
    NW_LIST_EACH(group_at, &registry->groups) {
        struct nw_peer_group *group = NW_CONTAINER_OF(group_at, struct nw_peer_group, link);
        NW_LIST_EACH(at, &group->nodes) {
            struct nw_peer_node *node = NW_CONTAINER_OF(at, struct nw_peer_node, link);
            bool is_full = false;
            bool is_retired = (atomic_load(&node->flags) & NW_PEER_FLAG_RETIRED) != 0;
            if (is_retired || !has_name(node, name, &is_full))
                continue;
            found = node;
            count = is_full ? 1 : count + 1;
        }
    }
    if (count == 1) {
        *out = found;
        return NW_OK;
    }
    if (diag != NULL && count == 0)
        nw_diag_error(diag, "there is no node %.*s; `newel status` names them", NW_SLICE_ARG(name));
    else if (diag != NULL)
        nw_diag_error(diag, "%u services have a node %.*s: write SERVICE/%.*s", count,
                      NW_SLICE_ARG(name), NW_SLICE_ARG(name));
    return NW_NOT_FOUND;
}

static void end_drain(struct nw_peer_node *node, const char *reason)
{
    pthread_mutex_lock(&node->group->lock);
    uint32_t before = atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_DRAINING);
    if ((before & NW_PEER_FLAG_DRAINING) != 0) {
        nw_peer_node_note(node, "undrained", reason);
        nw_log(nw_peer_log(), NW_INFO, "peer.undrain", "service=%s node=%s reason=%s",
               node->group->name, node->address, reason);
    }
    pthread_mutex_unlock(&node->group->lock);
    nw_peer_pump(node->group);
}

static void lease_is_over(struct nw_timer *timer)
{
    struct nw_peer_node *node = NW_CONTAINER_OF(timer, struct nw_peer_node, lease);
    node->has_lease = false;
    end_drain(node, "the lease ran out");
}

void nw_peer_drain_forget(struct nw_peer_node *node)
{
    if (node->has_lease)
        nw_timer_disarm(&node->lease);
    node->has_lease = false;
}

void nw_peer_drain_wake(struct nw_peer_node *node)
{
    pthread_mutex_lock(&node->group->lock);
    struct nw_list *at;
    while ((at = nw_list_pop_front(&node->drainers)) != NULL)
        (void)nw_ticket_grant(&NW_CONTAINER_OF(at, struct drainer, link)->ticket, NULL);
    pthread_mutex_unlock(&node->group->lock);
}

/* Until something ended, or for LOOK_MS. */
NW_YIELDS static nw_err wait_a_little(struct nw_peer_node *node)
{
    struct drainer drainer;
    nw_ticket_init(&drainer.ticket);
    nw_list_init(&drainer.link);
    pthread_mutex_lock(&node->group->lock);
    nw_list_push_back(&node->drainers, &drainer.link);
    pthread_mutex_unlock(&node->group->lock);
    NW_WITHIN(looking, LOOK_MS);
    void *value = NULL;
    nw_err err = NW_OK;
    if (atomic_load(&node->in_flight) != 0)
        err = nw_ticket_wait(&drainer.ticket, &value);
    pthread_mutex_lock(&node->group->lock);
    nw_list_remove(&drainer.link);
    pthread_mutex_unlock(&node->group->lock);
    return err == NW_TIMEOUT && nw_within_ran_out(&looking) ? NW_OK : err;
}

static void begin_drain(struct nw_peer_node *node, uint64_t for_ms)
{
    nw_peer_drain_forget(node);
    pthread_mutex_lock(&node->group->lock);
    uint32_t before = atomic_fetch_or(&node->flags, (uint32_t)NW_PEER_FLAG_DRAINING);
    if ((before & NW_PEER_FLAG_DRAINING) == 0) {
        nw_peer_node_note(node, "draining", "on request");
        nw_log(nw_peer_log(), NW_INFO, "peer.drain",
               "service=%s node=%s in_flight=%u lease_ms=%llu", node->group->name, node->address,
               atomic_load(&node->in_flight), (unsigned long long)for_ms);
    }
    pthread_mutex_unlock(&node->group->lock);
    if (for_ms != 0) {
        nw_timer_init(&node->lease, lease_is_over);
        nw_timer_arm(&node->lease, for_ms);
        node->has_lease = true;
    }
    nw_peer_node_sweep(node);
}

nw_err nw_peer_drain(struct nw_peer_registry *registry, struct nw_slice name, uint64_t for_ms,
                     struct nw_diag *diag)
{
    NW_ASSERT(nw_worker_index(nw_worker_self()) == 0);
    struct nw_peer_node *node = NULL;
    NW_TRY(find(registry, name, diag, &node));
    nw_peer_node_ref(node);
    begin_drain(node, for_ms);
    nw_err err = NW_OK;
    while (err == NW_OK && atomic_load(&node->in_flight) != 0 &&
           (atomic_load(&node->flags) & NW_PEER_FLAG_DRAINING) != 0)
        err = wait_a_little(node);
    if (err == NW_OK)
        nw_log(nw_peer_log(), NW_INFO, "peer.drained", "service=%s node=%s", node->group->name,
               node->address);
    nw_peer_node_unref(node);
    return err;
}

nw_err nw_peer_undrain(struct nw_peer_registry *registry, struct nw_slice name,
                       struct nw_diag *diag)
{
    NW_ASSERT(nw_worker_index(nw_worker_self()) == 0);
    struct nw_peer_node *node = NULL;
    NW_TRY(find(registry, name, diag, &node));
    nw_peer_drain_forget(node);
    end_drain(node, "on request");
    return NW_OK;
}
