/*
 * Active checks: one fiber per node, all on worker 0, so that every worker sees one verdict.
 *
 * A probe opens a connection of its own. It never waits behind requests, for a pool, or for a
 * permit: a busy node must not look like a dead one. For the same reason a probe that only times
 * out, while requests to that node succeeded in the meantime, marks it slow and leaves it in:
 * taking a slow node out moves its load to the others, which then are slow.
 *
 * Intervals are jittered by 10 % either way, from the worker's seeded generator, so that many
 * newels do not knock at once. When the next probe is due is kept in the node: a reload restarts
 * the fibers and neither skips nor repeats a probe.
 */
#include "base/log.h"
#include "base/rng.h"
#include "io/clock.h"
#include "peer/node.h"

static uint32_t last_good_s(const struct nw_peer_node *node)
{
    uint32_t last_s = 0;
    for (unsigned i = 0; i < node->group->registry->worker_count; i++) {
        uint32_t at_s = __atomic_load_n(&node->local[i].last_good_s, __ATOMIC_RELAXED);
        last_s = at_s > last_s ? at_s : last_s;
    }
    return last_s;
}

/* Did requests succeed from one interval before the probe until now? */
static bool is_answering(const struct nw_peer_node *node, uint64_t began_ms)
{
    uint64_t since_ms = began_ms - (began_ms < node->group->health_every_ms
                                        ? began_ms
                                        : node->group->health_every_ms);
    uint32_t last_s = last_good_s(node);
    return last_s != 0 && last_s >= since_ms / 1000;
}

static void mark_slow(struct nw_peer_node *node)
{
    uint32_t before = atomic_fetch_or(&node->flags, (uint32_t)NW_PEER_FLAG_SLOW);
    if ((before & NW_PEER_FLAG_SLOW) != 0)
        return;
    nw_peer_node_note(node, "slow", "probes time out while requests succeed");
    nw_log(nw_peer_log(), NW_WARN, "peer.slow", "service=%s node=%s reason=%s",
           node->group->name, node->address, node->reason);
}

/* One verdict of a probe; the failure may be of our own making and then says nothing. */
static void take_answer(struct nw_peer_node *node, nw_err err, const char *reason,
                        uint64_t began_ms)
{
    struct nw_peer_group *group = node->group;
    if (err == NW_TOO_MANY_FILES || err == NW_NO_MEMORY || err == NW_BUSY)
        return;
    nw_metric_add(err == NW_OK ? node->probes_ok : node->probes_bad, 0, 1);
    pthread_mutex_lock(&group->lock);
    uint32_t flags = atomic_load(&node->flags);
    bool is_down = (flags & NW_PEER_FLAG_DOWN) != 0;
    bool is_known = (flags & NW_PEER_FLAG_KNOWN) != 0;
    if (err == NW_TIMEOUT && !is_down && is_answering(node, began_ms)) {
        mark_slow(node);
        pthread_mutex_unlock(&group->lock);
        return;
    }
    if (err == NW_OK)
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_SLOW);
    nw_health_change change = nw_health_step(&node->health, err == NW_OK, is_known, is_down,
                                             group->health_fall, group->health_rise);
    if (change == NW_HEALTH_UP)
        nw_peer_node_up(node, "the health check succeeds");
    else if (change == NW_HEALTH_DOWN)
        nw_peer_node_down(node, reason != NULL ? reason : nw_err_text(err));
    pthread_mutex_unlock(&group->lock);
    if (change == NW_HEALTH_UP && atomic_load(&group->waiting_count) != 0)
        nw_peer_pump(group);
}

NW_YIELDS static nw_err probe(struct nw_peer_node *node, const char **out_reason)
{
    NW_WITHIN(probing, node->group->health_timeout_ms);
    return node->group->driver->probe(node, out_reason);
}

static uint64_t jittered(uint64_t every_ms)
{
    uint64_t tenth_ms = every_ms / 10;
    if (tenth_ms == 0)
        return every_ms;
    return every_ms - tenth_ms + nw_rng_below(nw_worker_rng(nw_worker_self()), 2 * tenth_ms + 1);
}

NW_YIELDS static void probe_main(void *arg)
{
    struct nw_peer_node *node = arg;
    while (!nw_fiber_is_cancelled()) {
        uint64_t now_ms = nw_now_ms();
        if (now_ms < node->probe_at_ms) {
            if (nw_sleep(node->probe_at_ms - now_ms) != NW_OK)
                break;
            continue;
        }
        const char *reason = NULL;
        nw_err err = probe(node, &reason);
        if (err == NW_CANCELLED || nw_fiber_is_cancelled())
            break;
        take_answer(node, err, reason, now_ms);
        node->probe_at_ms = nw_now_ms() + jittered(node->group->health_every_ms);
    }
    node->prober = NULL;
    nw_peer_node_unref(node);
}

void nw_peer_probe_start(struct nw_peer_node *node)
{
    nw_peer_node_ref(node);
    nw_err err = nw_scope_spawn(&node->group->probes, "peer.probe", probe_main, node,
                                &node->prober);
    if (err == NW_OK)
        return;
    node->prober = NULL;
    nw_peer_node_unref(node);
    nw_log(nw_peer_log(), NW_ERROR, "peer.unprobed", "service=%s node=%s reason=%s",
           node->group->name, node->address, nw_err_text(err));
}
