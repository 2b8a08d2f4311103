/*
 * A node's life and the verdicts on it.
 *
 * Life: sets hold a node by set_refs; the last set that lets go retires it, which makes every
 * worker close its idle connections. Connections, probes and messages hold it by refs; the last one
 * sends it to worker 0, where it leaves its group. Its memory stays for five minutes, because
 * whoever tried it may still name it in a log. A set that names the address again before that point
 * simply takes it back. Only worker 0 adds and removes nodes, so nothing here locks the registry.
 *
 * Verdicts are bits in one word that every request reads; they change under the group's lock, and
 * each change is logged once, with its reason, and counted. Active checks own DOWN, live traffic
 * owns EJECTED, people own DRAINING: none overwrites another's.
 *
 * Ejection looks at all members at the moment of a failure, never periodically: without failures
 * there is nothing to decide. The expensive sums are only made for a node that is already over the
 * half of its tries.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "io/clock.h"
#include "peer/node.h"

enum { TELL_FAILING_EVERY_MS = 10 * 1000 };

static const char *const outcome_names[NW_PEER_OUTCOMES] = {
    [NW_PEER_OK] = "ok",           [NW_PEER_CONNECT] = "connect",
    [NW_PEER_RESET_] = "reset",    [NW_PEER_TIMEOUT_] = "timeout",
    [NW_PEER_REFUSING] = "refusing", [NW_PEER_FAILED] = "failed",
    [NW_PEER_ABANDONED] = "abandoned",
};

struct nw_log *nw_peer_log(void)
{
    struct nw_worker *worker = nw_worker_self();
    return worker != NULL ? nw_worker_log(worker) : NULL;
}

/* What a scrape asks. */

static double read_in_flight(void *arg)
{
    return atomic_load(&((struct nw_peer_node *)arg)->in_flight);
}

static double read_up(void *arg)
{
    return nw_peer_node_is_usable(arg) ? 1 : 0;
}

static double read_open(void *arg)
{
    return atomic_load(&((struct nw_peer_node *)arg)->open);
}

static double read_idle(void *arg)
{
    struct nw_peer_node *node = arg;
    unsigned total = 0;
    for (unsigned i = 0; i < node->group->registry->worker_count; i++)
        total += atomic_load_explicit(&node->local[i].idle_count, memory_order_relaxed);
    return total;
}

static void open_series(struct nw_peer_node *node)
{
    struct nw_metrics *metrics = node->group->registry->metrics;
    const char *service = node->group->name, *name = node->address;
    for (unsigned i = 0; i < NW_PEER_OUTCOMES; i++)
        node->requests[i] = nw_metric_open(metrics, NW_METRIC_node_requests_total, service, name,
                                           outcome_names[i]);
    node->duration = nw_metric_open(metrics, NW_METRIC_node_duration_seconds, service, name);
    node->connects = nw_metric_open(metrics, NW_METRIC_node_connects_total, service, name);
    static const char *const reasons[NW_PEER_CONNECT_REASONS] = {"refused", "timeout",
                                                                 "unresolved", "untrusted",
                                                                 "other"};
    for (unsigned i = 0; i < NW_PEER_CONNECT_REASONS; i++)
        node->connect_errors[i] = nw_metric_open(metrics, NW_METRIC_node_connect_errors_total,
                                                 service, name, reasons[i]);
    node->reuses = nw_metric_open(metrics, NW_METRIC_node_reuses_total, service, name);
    node->probes_ok = nw_metric_open(metrics, NW_METRIC_node_probes_total, service, name, "ok");
    node->probes_bad = nw_metric_open(metrics, NW_METRIC_node_probes_total, service, name, "bad");
    node->ejections =
        nw_metric_open(metrics, NW_METRIC_node_state_changes_total, service, name, "ejected");
    if (node->group->driver->shared != NULL)
        node->streams_per_send =
            nw_metric_open(metrics, NW_METRIC_peer_streams_per_send_count, service, name);
    static const nw_metric gauges[] = {NW_METRIC_node_in_flight, NW_METRIC_node_up,
                                       NW_METRIC_node_connections_open,
                                       NW_METRIC_node_connections_idle};
    static double (*const readers[])(void *) = {read_in_flight, read_up, read_open, read_idle};
    for (unsigned i = 0; i < NW_COUNT(gauges); i++) {
        node->gauges[i] = nw_metric_open(metrics, gauges[i], service, name);
        node->watches[i] = nw_metric_watch(metrics, node->gauges[i], readers[i], node);
    }
}

static void close_series(struct nw_peer_node *node)
{
    struct nw_metrics *metrics = node->group->registry->metrics;
    for (unsigned i = 0; i < NW_COUNT(node->gauges); i++) {
        nw_metric_unwatch(metrics, node->watches[i]);
        nw_metric_close(metrics, node->gauges[i]);
    }
    nw_metric_close(metrics, node->streams_per_send);
    for (unsigned i = 0; i < NW_PEER_OUTCOMES; i++)
        nw_metric_close(metrics, node->requests[i]);
    for (unsigned i = 0; i < NW_PEER_CONNECT_REASONS; i++)
        nw_metric_close(metrics, node->connect_errors[i]);
    struct nw_metric_series *const others[] = {node->duration,  node->connects,   node->reuses,
                                               node->probes_ok, node->probes_bad, node->ejections};
    for (unsigned i = 0; i < NW_COUNT(others); i++)
        nw_metric_close(metrics, others[i]);
}

/* Life. */

static nw_err parse_address(struct nw_peer_node *node)
{
    struct nw_slice text = nw_slice_str(node->address);
    nw_err err = nw_addr_parse(text, &node->addr);
    if (err != NW_NO_SUCH_NAME)
        return err;
    node->addr.kind = NW_ADDR_NONE;
    return nw_addr_split(text, &node->host, &node->port);
}

/* On worker 0's loop: refs fell to 0, unless a set took the node back meanwhile. */
static void end_run(struct nw_message *message)
{
    struct nw_peer_node *node = NW_CONTAINER_OF(message, struct nw_peer_node, end);
    struct nw_peer_group *group = node->group;
    atomic_store(&node->is_ending, false);
    if (atomic_load(&node->refs) != 0 || node->died_at_ms != 0)
        return;
    pthread_mutex_lock(&group->lock);
    nw_list_remove(&node->link);
    pthread_mutex_unlock(&group->lock);
    nw_peer_drain_forget(node);
    close_series(node);
    node->died_at_ms = nw_now_ms() + 1;
    nw_list_push_back(&group->registry->dead, &node->link);
}

void nw_peer_node_ref(struct nw_peer_node *node)
{
    atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
}

void nw_peer_node_unref(struct nw_peer_node *node)
{
    struct nw_peer_registry *registry = node->group->registry;
    if (atomic_fetch_sub(&node->refs, 1) != 1)
        return;
    if (!atomic_exchange(&node->is_ending, true))
        nw_mailbox_post(nw_runtime_worker(registry->runtime, 0), &node->end);
}

/* On each worker's loop. */
static void sweep_run(struct nw_message *message)
{
    struct nw_peer_local *local = NW_CONTAINER_OF(message, struct nw_peer_local, sweep);
    struct nw_peer_node *node = local->node;
    atomic_store(&local->is_sweeping, false);
    uint32_t flags = atomic_load(&node->flags);
    unsigned worker_index = (unsigned)(local - node->local);
    if ((flags & (NW_PEER_FLAG_RETIRED | NW_PEER_FLAG_DRAINING)) != 0)
        nw_peer_conn_close_idle(node, worker_index);
    else
        nw_peer_conn_close_stale(node, worker_index, atomic_load(&node->group->settings_key));
    if (local == node->local && (flags & NW_PEER_FLAG_RETIRED) != 0 && node->prober != NULL)
        nw_fiber_cancel(node->prober);
    nw_peer_node_unref(node);
}

void nw_peer_node_sweep(struct nw_peer_node *node)
{
    struct nw_peer_registry *registry = node->group->registry;
    for (unsigned i = 0; i < registry->worker_count; i++) {
        if (atomic_exchange(&node->local[i].is_sweeping, true))
            continue;
        nw_peer_node_ref(node);
        nw_mailbox_post(nw_runtime_worker(registry->runtime, i), &node->local[i].sweep);
    }
}

static nw_err node_new(struct nw_peer_group *group, const struct nw_peer_node_spec *spec,
                       struct nw_peer_node **out)
{
    struct nw_peer_node *node = nw_alloc_zero(sizeof *node);
    node->group = group;
    if (group->driver->shared != NULL)
        atomic_init(&node->flags, NW_PEER_FLAG_SHARED);
    node->address = nw_alloc_string(nw_slice_str(spec->address));
    nw_err err = parse_address(node);
    if (err != NW_OK) {
        nw_free(node->address);
        nw_free(node);
        return err;
    }
    unsigned count = group->registry->worker_count;
    node->local_memory = nw_alloc_zero((count + 1) * sizeof *node->local);
    uintptr_t at = (uintptr_t)node->local_memory;
    node->local = (struct nw_peer_local *)((at + 63) & ~(uintptr_t)63);
    for (unsigned i = 0; i < count; i++) {
        nw_list_init(&node->local[i].idle);
        nw_list_init(&node->local[i].lines.conns);
        nw_list_init(&node->local[i].lines.waiters);
        node->local[i].node = node;
        node->local[i].sweep.run = sweep_run;
    }
    node->end.run = end_run;
    node->health_check = nw_alloc_string(nw_slice_str(""));
    node->since_wall_ms = nw_wall_ms();
    nw_list_init(&node->link);
    nw_list_init(&node->drainers);
    open_series(node);
    *out = node;
    return NW_OK;
}

void nw_peer_node_destroy(struct nw_peer_node *node)
{
    NW_ASSERT(atomic_load(&node->in_flight) == 0);
    if (node->died_at_ms == 0)
        close_series(node);
    nw_list_remove(&node->link);
    node->group->node_count--;
    nw_free(node->local_memory);
    nw_free(node->health_check);
    nw_free(node->address);
    nw_free(node);
}

static struct nw_peer_node *find(struct nw_peer_group *group, const char *address)
{
    NW_LIST_EACH(at, &group->nodes) {
        struct nw_peer_node *node = NW_CONTAINER_OF(at, struct nw_peer_node, link);
        if (strcmp(node->address, address) == 0)
            return node;
    }
    return NULL;
}

nw_err nw_peer_node_take(struct nw_peer_group *group, const struct nw_peer_node_spec *spec,
                         struct nw_peer_node **out)
{
    struct nw_peer_node *node = find(group, spec->address);
    if (node == NULL) {
        NW_TRY(node_new(group, spec, &node));
        atomic_store(&node->max_connections, spec->max_connections);
        node->weight = spec->weight;
        pthread_mutex_lock(&group->lock);
        nw_list_push_back(&group->nodes, &node->link);
        pthread_mutex_unlock(&group->lock);
        group->node_count++;
    }
    pthread_mutex_lock(&group->lock);
    if (node->set_refs++ == 0) {
        nw_peer_node_ref(node);
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_RETIRED);
    }
    pthread_mutex_unlock(&group->lock);
    *out = node;
    return NW_OK;
}

void nw_peer_node_drop(struct nw_peer_node *node)
{
    pthread_mutex_lock(&node->group->lock);
    bool is_last = --node->set_refs == 0;
    if (is_last) {
        atomic_fetch_or(&node->flags, (uint32_t)NW_PEER_FLAG_RETIRED);
        node->weight = 0;
    }
    pthread_mutex_unlock(&node->group->lock);
    if (!is_last)
        return;
    nw_peer_node_sweep(node);
    nw_peer_node_unref(node);
}

/* What is known. */

bool nw_peer_node_is_usable(const struct nw_peer_node *node)
{
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    return (flags & (NW_PEER_FLAGS_OUT | NW_PEER_FLAG_DRAINING)) == 0;
}

const char *nw_peer_node_name(const struct nw_peer_node *node)
{
    return node->address;
}

struct nw_slice nw_peer_node_host(const struct nw_peer_node *node)
{
    struct nw_slice host = {NULL, 0};
    uint16_t port;
    if (node->addr.kind != NW_ADDR_UNIX &&
        nw_addr_split(nw_slice_str(node->address), &host, &port) != NW_OK)
        host = nw_slice_of(NULL, 0);
    return host;
}

void nw_peer_node_trouble(struct nw_peer_node *node, const char *sentence)
{
    bool has_trouble = sentence != NULL;
    if (!has_trouble && !atomic_load_explicit(&node->has_trouble, memory_order_relaxed))
        return;
    pthread_mutex_lock(&node->group->lock);
    snprintf(node->trouble, sizeof node->trouble, "%s", has_trouble ? sentence : "");
    atomic_store(&node->has_trouble, has_trouble);
    pthread_mutex_unlock(&node->group->lock);
}

nw_peer_state nw_peer_node_state(const struct nw_peer_node *node)
{
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    if ((flags & NW_PEER_FLAG_DRAINING) != 0)
        return NW_PEER_DRAINING;
    if ((flags & NW_PEER_FLAGS_OUT) != 0)
        return NW_PEER_DOWN;
    if ((flags & NW_PEER_FLAG_SLOW_START) != 0)
        return NW_PEER_SLOW_START;
    return (flags & NW_PEER_FLAG_KNOWN) != 0 ? NW_PEER_UP : NW_PEER_UNKNOWN;
}

const char *nw_peer_node_state_name(const struct nw_peer_node *node)
{
    static const char *const names[] = {"unknown", "up", "slow-start", "down", "draining"};
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    nw_peer_state state = nw_peer_node_state(node);
    if (state == NW_PEER_UP && (flags & NW_PEER_FLAG_SLOW) != 0)
        return "slow";
    return names[state];
}

void *nw_peer_node_driver_arg(const struct nw_peer_node *node)
{
    return atomic_load(&node->group->driver_arg);
}

nw_err nw_peer_node_connect(struct nw_peer_node *node, struct nw_stream *stream)
{
    return nw_peer_node_dial(node, stream, atomic_load(&node->group->connect_timeout_ms));
}

unsigned nw_peer_node_percent(struct nw_peer_node *node, uint64_t now_ms)
{
    uint64_t since_ms = atomic_load_explicit(&node->slow_since_ms, memory_order_relaxed);
    uint32_t slow_start_ms =
        atomic_load_explicit(&node->group->slow_start_ms, memory_order_relaxed);
    unsigned percent =
        nw_slow_start_percent(now_ms > since_ms ? now_ms - since_ms : 0, slow_start_ms);
    if (percent == 100)
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_SLOW_START);
    return percent;
}

static uint32_t since_s(const struct nw_peer_node *node)
{
    uint64_t at_ms = atomic_load_explicit(&node->returned_at_ms, memory_order_relaxed);
    return (uint32_t)(at_ms / 1000);
}

uint32_t nw_peer_node_try_count(const struct nw_peer_node *node, uint32_t now_s)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < node->group->registry->worker_count; i++)
        sum += nw_window_sum(&node->local[i].tries, now_s, since_s(node));
    return sum;
}

uint32_t nw_peer_node_bad_count(const struct nw_peer_node *node, uint32_t now_s)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < node->group->registry->worker_count; i++)
        sum += nw_window_sum(&node->local[i].bad, now_s, since_s(node));
    return sum;
}

/* Verdicts; the group's lock is held. */

void nw_peer_node_note(struct nw_peer_node *node, const char *state, const char *reason)
{
    struct nw_metrics *metrics = node->group->registry->metrics;
    snprintf(node->reason, sizeof node->reason, "%s", reason != NULL ? reason : "");
    node->since_wall_ms = nw_wall_ms();
    struct nw_metric_series *series = nw_metric_open(
        metrics, NW_METRIC_node_state_changes_total, node->group->name, node->address, state);
    nw_metric_add(series, nw_worker_index(nw_worker_self()), 1);
    nw_metric_close(metrics, series);
}

static void begin_slow_start(struct nw_peer_node *node)
{
    if (atomic_load(&node->group->slow_start_ms) == 0)
        return;
    atomic_store(&node->slow_since_ms, nw_now_ms());
    atomic_fetch_or(&node->flags, (uint32_t)NW_PEER_FLAG_SLOW_START);
}

void nw_peer_node_up(struct nw_peer_node *node, const char *reason)
{
    uint32_t before = atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_DOWN);
    uint32_t known = atomic_fetch_or(&node->flags, (uint32_t)NW_PEER_FLAG_KNOWN);
    bool was_down = (before & NW_PEER_FLAG_DOWN) != 0;
    if (!was_down && (known & NW_PEER_FLAG_KNOWN) != 0)
        return;
    if (was_down)
        begin_slow_start(node);
    nw_peer_node_note(node, "up", reason);
    nw_log(nw_peer_log(), NW_INFO, "peer.up", "service=%s node=%s reason=%s", node->group->name,
           node->address, reason != NULL ? reason : "");
}

void nw_peer_node_down(struct nw_peer_node *node, const char *reason)
{
    uint32_t before =
        atomic_fetch_or(&node->flags, (uint32_t)(NW_PEER_FLAG_DOWN | NW_PEER_FLAG_KNOWN));
    if ((before & NW_PEER_FLAG_DOWN) != 0)
        return;
    atomic_fetch_and(&node->flags, ~(uint32_t)(NW_PEER_FLAG_SLOW | NW_PEER_FLAG_SLOW_START));
    nw_peer_node_note(node, "down", reason);
    nw_log(nw_peer_log(), NW_WARN, "peer.down", "service=%s node=%s reason=%s", node->group->name,
           node->address, reason != NULL ? reason : "");
}

/* A node that came back may serve who waits. */
static void pump_if_waiting(struct nw_peer_group *group)
{
    if (atomic_load(&group->waiting_count) != 0)
        nw_peer_pump(group);
}

void nw_peer_node_judge(struct nw_peer_node *node, bool is_up, const char *reason)
{
    pthread_mutex_lock(&node->group->lock);
    node->health = (struct nw_health){0};
    if (is_up)
        nw_peer_node_up(node, reason);
    else
        nw_peer_node_down(node, reason);
    pthread_mutex_unlock(&node->group->lock);
    pump_if_waiting(node->group);
}

static void eject(struct nw_peer_node *node, const char *reason, uint64_t now_ms)
{
    bool was_well_for_long = now_ms - atomic_load(&node->returned_at_ms) > node->eject_last_ms;
    if (node->eject_count != 0 && was_well_for_long && node->eject_last_ms != 0 &&
        (atomic_load(&node->flags) & NW_PEER_FLAG_EJECTED) == 0)
        node->eject_count = 0;
    node->eject_last_ms = nw_eject_ms(node->eject_count++);
    atomic_store(&node->eject_until_ms, now_ms + node->eject_last_ms);
    atomic_store(&node->broken_run, 0);
    atomic_fetch_or(&node->flags, (uint32_t)(NW_PEER_FLAG_EJECTED | NW_PEER_FLAG_KNOWN));
    atomic_fetch_and(&node->flags, ~(uint32_t)(NW_PEER_FLAG_TRIAL | NW_PEER_FLAG_SLOW_START));
    nw_peer_node_note(node, "ejected", reason);
    nw_log(nw_peer_log(), NW_WARN, "peer.ejected", "service=%s node=%s for_ms=%llu reason=%s",
           node->group->name, node->address, (unsigned long long)node->eject_last_ms, reason);
}

/* Looks at all members; only worth it for a node that is over its own part of the rules. */
static void gather(const struct nw_peer_node *node, uint32_t now_s, struct nw_eject_facts *facts)
{
    NW_LIST_EACH(at, &node->group->nodes) {
        const struct nw_peer_node *other = NW_CONTAINER_OF(at, struct nw_peer_node, link);
        if (other->weight == 0)
            continue;
        facts->member_count++;
        if ((atomic_load(&other->flags) & NW_PEER_FLAG_EJECTED) != 0)
            facts->ejected_count++;
        if (other == node || !nw_peer_node_is_usable(other))
            continue;
        facts->usable_others++;
        facts->has_well_other |= nw_eject_is_well(nw_peer_node_try_count(other, now_s),
                                                  nw_peer_node_bad_count(other, now_s));
    }
}

void nw_peer_node_tell_failing(struct nw_peer_node *node, const char *reason, uint64_t now_ms)
{
    uint64_t unsaid;
    if (nw_quiet_is_due(&node->failing, now_ms, TELL_FAILING_EVERY_MS, &unsaid))
        nw_log(nw_peer_log(), NW_WARN, "peer.failing", "service=%s node=%s reason=%s unsaid=%llu",
               node->group->name, node->address, reason, (unsigned long long)unsaid);
}

void nw_peer_node_failed(struct nw_peer_node *node, bool is_refused, uint64_t now_ms)
{
    if ((atomic_load(&node->flags) & NW_PEER_FLAGS_OUT) != 0)
        return;
    uint32_t now_s = (uint32_t)(now_ms / 1000);
    struct nw_eject_facts facts = {
        .broken_run = atomic_load(&node->broken_run),
        .is_refused = is_refused,
        .try_count = nw_peer_node_try_count(node, now_s),
        .bad_count = nw_peer_node_bad_count(node, now_s),
    };
    const char *reason = NULL;
    struct nw_eject_facts alone = facts;
    alone.usable_others = 1;
    alone.member_count = 2;
    alone.has_well_other = true;
    if (!nw_eject_judge(&alone, &reason)) /* not even in the worst light */
        return;
    pthread_mutex_lock(&node->group->lock);
    gather(node, now_s, &facts);
    bool is_in = (atomic_load(&node->flags) & NW_PEER_FLAGS_OUT) == 0;
    if (is_in && nw_eject_judge(&facts, &reason))
        eject(node, reason, now_ms);
    pthread_mutex_unlock(&node->group->lock);
}

void nw_peer_node_tried(struct nw_peer_node *node, bool is_good, bool is_trial, uint64_t now_ms)
{
    struct nw_peer_group *group = node->group;
    pthread_mutex_lock(&group->lock);
    if ((atomic_load(&node->flags) & NW_PEER_FLAG_EJECTED) == 0) {
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_TRIAL);
    } else if (!is_good) {
        eject(node, "the trial request failed", now_ms);
    } else {
        atomic_store(&node->returned_at_ms, now_ms);
        atomic_store(&node->broken_run, 0);
        atomic_fetch_and(&node->flags, ~(uint32_t)(NW_PEER_FLAG_EJECTED | NW_PEER_FLAG_TRIAL));
        begin_slow_start(node);
        nw_peer_node_note(node, "up", is_trial ? "the trial request succeeded"
                                             : "it answered while no node was up");
        nw_log(nw_peer_log(), NW_INFO, "peer.up", "service=%s node=%s reason=%s", group->name,
               node->address, node->reason);
    }
    pthread_mutex_unlock(&group->lock);
    pump_if_waiting(group);
}
