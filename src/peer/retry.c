/*
 * The retry budget: what keeps a failing service from being hit twice as hard.
 *
 * Per service and over all workers: of ten requests in ten seconds one may be repeated; at least
 * three a second, so that a quiet service can retry at all. The requests are the tries that the
 * workers count anyway; the sum is only made when someone wants to retry.
 */
#include "io/clock.h"
#include "peer/node.h"

bool nw_peer_may_retry(struct nw_peer_set *set)
{
    struct nw_peer_group *group = set->group;
    uint32_t now_s = (uint32_t)(nw_now_ms() / 1000);
    uint64_t tries = 0;
    pthread_mutex_lock(&group->lock);
    NW_LIST_EACH(at, &group->nodes) {
        const struct nw_peer_node *node = NW_CONTAINER_OF(at, struct nw_peer_node, link);
        for (unsigned i = 0; i < group->registry->worker_count; i++)
            tries += nw_window_sum(&node->local[i].tries, now_s, 0);
    }
    uint32_t retries = nw_window_sum(&group->retries, now_s, 0);
    uint64_t requests = tries > retries ? tries - retries : 0;
    bool may = nw_retry_allow(requests, retries, nw_window_now(&group->retries, now_s));
    if (may)
        nw_window_add(&group->retries, now_s);
    pthread_mutex_unlock(&group->lock);
    if (!may)
        nw_metric_add(group->retries_denied, nw_worker_index(nw_worker_self()), 1);
    return may;
}
