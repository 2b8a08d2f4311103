/*
 * Registry, groups, sets and their views.
 *
 * A set is made by every generation, so it must cost little and lose nothing: it is a view (an
 * array of members with the balance rule's memory) over nodes that live in the group of that name.
 * A new generation's set finds the same nodes, with verdicts, counters and idle connections; what
 * only the difference touches is made or retired.
 *
 * Two sets of a name exist during a reload. Requests of both are served and share nodes, limits and
 * queue; settings of the nodes come from the one started last. Its start waits for the probes of
 * the one before it, because they use that one's driver argument.
 *
 * A view is replaced as a whole. Readers take the pointer and do not yield while they use it, so
 * the old one is free once every worker has run something else.
 *
 * Everything here runs in fibers on worker 0, except ref and unref.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/clock.h"
#include "peer/node.h"

enum { PHASE_MAX = 1024 };

static const struct nw_balance_ops *const rules[] = {
    [NW_BALANCE_ROUND_ROBIN] = &nw_balance_round_robin,
    [NW_BALANCE_LEAST_CONNECTIONS] = &nw_balance_least_connections,
    [NW_BALANCE_TWO_CHOICES] = &nw_balance_two_choices,
    [NW_BALANCE_LATENCY] = &nw_balance_latency,
    [NW_BALANCE_HASH] = &nw_balance_hash,
};

static void assert_worker_0(void)
{
    NW_ASSERT(nw_worker_self() != NULL && nw_worker_index(nw_worker_self()) == 0);
}

/* Registry and groups. */

nw_err nw_peer_registry_new(struct nw_runtime *runtime, struct nw_peer_registry **out)
{
    struct nw_peer_registry *registry = nw_alloc_zero(sizeof *registry);
    registry->runtime = runtime;
    registry->worker_count = nw_runtime_worker_count(runtime);
    registry->metrics = nw_runtime_metrics(runtime);
    if (registry->metrics == NULL)
        registry->metrics = registry->own_metrics = nw_metrics_new(registry->worker_count, 0);
    nw_list_init(&registry->groups);
    nw_list_init(&registry->dead);
    registry->homes = nw_alloc_array(registry->worker_count, sizeof *registry->homes);
    *out = registry;
    return NW_OK;
}

static double read_depth(void *arg)
{
    return atomic_load(&((struct nw_peer_group *)arg)->waiting_count);
}

static void open_series(struct nw_peer_group *group)
{
    struct nw_metrics *metrics = group->registry->metrics;
    const char *name = group->name;
    group->waits_total = nw_metric_open(metrics, NW_METRIC_service_queue_waits_total, name);
    group->wait_seconds = nw_metric_open(metrics, NW_METRIC_service_queue_wait_seconds, name);
    group->refused_full =
        nw_metric_open(metrics, NW_METRIC_service_queue_refused_total, name, "full");
    group->refused_late =
        nw_metric_open(metrics, NW_METRIC_service_queue_refused_total, name, "timeout");
    group->retries_denied = nw_metric_open(metrics, NW_METRIC_service_retries_denied_total, name);
    group->panics = nw_metric_open(metrics, NW_METRIC_service_none_up_total, name);
    group->depth = nw_metric_open(metrics, NW_METRIC_service_queue_depth, name);
    group->depth_watch = nw_metric_watch(metrics, group->depth, read_depth, group);
}

static void close_series(struct nw_peer_group *group)
{
    struct nw_metrics *metrics = group->registry->metrics;
    nw_metric_unwatch(metrics, group->depth_watch);
    struct nw_metric_series *const all[] = {
        group->waits_total,    group->wait_seconds, group->refused_full, group->refused_late,
        group->retries_denied, group->panics,       group->depth,
    };
    for (unsigned i = 0; i < NW_COUNT(all); i++)
        nw_metric_close(metrics, all[i]);
}

static void open_probes(struct nw_peer_group *group)
{
    nw_scope_open(&group->probes);
    group->probes.deadline_ms = NW_NEVER; /* not the reload's */
}

struct nw_peer_group *nw_peer_group_take(struct nw_peer_registry *registry, const char *name,
                                         const struct nw_peer_driver *driver)
{
    NW_LIST_EACH(at, &registry->groups) {
        struct nw_peer_group *group = NW_CONTAINER_OF(at, struct nw_peer_group, link);
        if (group->driver == driver && strcmp(group->name, name) == 0)
            return group;
    }
    struct nw_peer_group *group = nw_alloc_zero(sizeof *group);
    group->registry = registry;
    group->name = nw_alloc_string(nw_slice_str(name));
    group->driver = driver;
    pthread_mutex_init(&group->lock, NULL);
    nw_list_init(&group->nodes);
    nw_admission_init(&group->queue, &nw_admission_fifo);
    group->health_check = nw_alloc_string(nw_slice_str(""));
    open_probes(group);
    open_series(group);
    nw_list_push_back(&registry->groups, &group->link);
    return group;
}

NW_YIELDS static void group_free(struct nw_peer_group *group)
{
    nw_list_remove(&group->link);
    nw_scope_close(&group->probes);
    close_series(group);
    pthread_mutex_destroy(&group->lock);
    nw_free(group->health_check);
    nw_free(group->name);
    nw_free(group);
}

/* What nobody names any more: nodes after their time, groups without sets and nodes. */
NW_YIELDS static void collect(struct nw_peer_registry *registry, bool is_over)
{
    uint64_t now_ms = is_over ? 0 : nw_now_ms(); /* at the end perhaps outside of any worker */
    NW_LIST_EACH(at, &registry->dead) {
        struct nw_peer_node *node = NW_CONTAINER_OF(at, struct nw_peer_node, link);
        if (is_over || now_ms - node->died_at_ms > NW_PEER_LINGER_MS)
            nw_peer_node_destroy(node);
    }
    struct nw_list *at = registry->groups.next;
    while (at != &registry->groups) {
        struct nw_peer_group *group = NW_CONTAINER_OF(at, struct nw_peer_group, link);
        bool is_unused = atomic_load(&group->set_count) == 0 && group->node_count == 0;
        at = at->next;
        if (is_over || is_unused)
            group_free(group);
    }
}

static void do_nothing(void *arg)
{
}

static void close_all_idle(void *arg)
{
    struct nw_peer_registry *registry = arg;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    NW_LIST_EACH(group_at, &registry->groups) {
        struct nw_peer_group *group = NW_CONTAINER_OF(group_at, struct nw_peer_group, link);
        pthread_mutex_lock(&group->lock);
        NW_LIST_EACH(at, &group->nodes)
            nw_peer_conn_close_idle(NW_CONTAINER_OF(at, struct nw_peer_node, link), worker_index);
        pthread_mutex_unlock(&group->lock);
    }
}

static void free_home(void *arg)
{
    nw_peer_home_done(arg, nw_worker_index(nw_worker_self()));
}

/* Probes end, idle connections close, and what the workers keep is freed. */
NW_YIELDS static void leave_workers(struct nw_peer_registry *registry)
{
    assert_worker_0();
    NW_LIST_EACH(at, &registry->groups) {
        struct nw_peer_group *group = NW_CONTAINER_OF(at, struct nw_peer_group, link);
        nw_scope_close(&group->probes);
        open_probes(group);
    }
    nw_on_every_worker(close_all_idle, registry);
    do /* messages of the last step arrive; shared connections end */
        nw_on_every_worker(do_nothing, NULL);
    while (atomic_load(&registry->shared_count) != 0);
    NW_LIST_EACH(at, &registry->groups)
        NW_ASSERT(atomic_load(&NW_CONTAINER_OF(at, struct nw_peer_group, link)->set_count) == 0);
    nw_on_every_worker(free_home, registry);
}

void nw_peer_registry_free(struct nw_peer_registry *registry)
{
    if (registry == NULL)
        return;
    if (!nw_list_is_empty(&registry->groups)) /* else no worker has seen it yet */
        leave_workers(registry);
    NW_LIST_EACH(at, &registry->groups) {
        struct nw_peer_group *group = NW_CONTAINER_OF(at, struct nw_peer_group, link);
        NW_LIST_EACH(node_at, &group->nodes) {
            struct nw_peer_node *node = NW_CONTAINER_OF(node_at, struct nw_peer_node, link);
            nw_peer_drain_forget(node);
            nw_peer_node_destroy(node);
        }
    }
    collect(registry, true);
    nw_metrics_free(registry->own_metrics);
    nw_free(registry->homes);
    nw_free(registry);
}

/* Views. */

static void view_free(struct nw_peer_view *view)
{
    if (view == NULL)
        return;
    for (unsigned i = 0; i < view->count; i++)
        nw_peer_node_drop(view->members[i].node);
    nw_balance_ring_free(view->ring);
    nw_free(view->scratch);
    nw_free(view);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Small weights let slow start multiply without overflow and keep a cycle short. */
static void reduce_weights(struct nw_peer_view *view)
{
    uint32_t divisor = 0;
    for (unsigned i = 0; i < view->count; i++)
        divisor = common_divisor(view->members[i].given_weight, divisor);
    for (unsigned i = 0; i < view->count; i++)
        view->members[i].weight =
            divisor != 0 ? view->members[i].given_weight / divisor : 0;
}

/* Each worker starts at another point of the cycle, so that they do not march in step. */
static void shift_phases(struct nw_peer_view *view, unsigned worker_count, struct nw_rng *rng)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < view->count; i++)
        total += view->members[i].weight;
    for (unsigned w = 0; w < worker_count; w++) {
        struct nw_balance_pick pick = {.items = nw_peer_view_items(view, w),
                                       .count = view->count,
                                       .current = nw_peer_view_current(view, w)};
        for (unsigned i = 0; i < view->count; i++)
            nw_peer_view_items(view, w)[i].weight = view->members[i].weight * 100;
        uint64_t steps = total != 0 ? nw_rng_below(rng, total < PHASE_MAX ? total : PHASE_MAX) : 0;
        while (steps-- != 0)
            nw_balance_round_robin.choose(&pick);
    }
}

static void make_ring(struct nw_peer_view *view)
{
    const char **names = nw_alloc_array(view->count + 1, sizeof *names);
    uint32_t *weights = nw_alloc_array(view->count + 1, sizeof *weights);
    for (unsigned i = 0; i < view->count; i++) {
        names[i] = view->members[i].node->address;
        weights[i] = view->members[i].given_weight;
    }
    view->ring = nw_balance_ring_new(names, weights, view->count);
    nw_free(names);
    nw_free(weights);
}

static nw_err view_new(struct nw_peer_group *group, const struct nw_balance_ops *balance,
                       const struct nw_peer_node_spec *nodes, unsigned node_count,
                       struct nw_peer_view **out)
{
    struct nw_peer_view *view =
        nw_alloc_zero(sizeof *view + node_count * sizeof view->members[0]);
    for (unsigned i = 0; i < node_count; i++) {
        nw_err err = nw_peer_node_take(group, &nodes[i], &view->members[i].node);
        if (err != NW_OK) {
            view_free(view);
            return err;
        }
        view->members[i].given_weight = nodes[i].weight;
        view->members[i].max_connections = nodes[i].max_connections;
        view->count++;
    }
    reduce_weights(view);
    unsigned worker_count = group->registry->worker_count;
    size_t bytes = node_count * (sizeof(struct nw_balance_item) + sizeof(int64_t));
    view->scratch_bytes = (bytes + 127) & ~(size_t)63; /* a line between two workers */
    view->scratch = nw_alloc_zero(worker_count * view->scratch_bytes);
    shift_phases(view, worker_count, nw_worker_rng(nw_worker_self()));
    if (balance->need_ring)
        make_ring(view);
    *out = view;
    return NW_OK;
}

/* Sets. */

/* What requests read of the group without its lock. */
static void give_settings(const struct nw_peer_set *set)
{
    struct nw_peer_group *group = set->group;
    atomic_store(&group->driver_arg, set->driver_arg);
    atomic_store(&group->connect_timeout_ms, set->connect_timeout_ms);
    atomic_store(&group->idle_ms, set->idle_ms);
    atomic_store(&group->slow_start_ms, set->slow_start_ms);
    atomic_store(&group->streams_max, set->streams_max);
    atomic_store(&group->connections_max, set->connections_max);
}

nw_err nw_peer_set_new(struct nw_peer_registry *registry, const struct nw_peer_set_spec *spec,
                       struct nw_peer_set **out)
{
    assert_worker_0();
    collect(registry, false);
    struct nw_peer_group *group = nw_peer_group_take(registry, spec->name, spec->driver);
    const struct nw_balance_ops *balance = rules[spec->balance];
    struct nw_peer_view *view = NULL;
    NW_TRY(view_new(group, balance, spec->nodes, spec->node_count, &view));
    struct nw_peer_set *set = nw_alloc_zero(sizeof *set);
    *set = (struct nw_peer_set){
        .group = group,
        .balance = balance,
        .balance_kind = spec->balance,
        .waiting_max = spec->waiting_max,
        .wait_ms = spec->wait_ms,
        .connect_timeout_ms = spec->connect_timeout_ms,
        .driver_arg = spec->driver_arg,
        .idle_ms = spec->idle_ms,
        .slow_start_ms = spec->slow_start_ms,
        .streams_max = spec->streams_max,
        .connections_max = spec->connections_max,
        .has_health = spec->has_health && spec->driver->probe != NULL,
        .health_every_ms = spec->health_every_ms != 0 ? spec->health_every_ms : 1000,
        .health_timeout_ms = spec->health_timeout_ms,
        .health_fall = spec->health_fall,
        .health_rise = spec->health_rise,
    };
    const char *check = spec->health_check != NULL ? spec->health_check : "check";
    set->health_check = nw_alloc_string(nw_slice_str(set->has_health ? check : ""));
    atomic_init(&set->view, view);
    atomic_init(&set->refs, 1);
    atomic_init(&set->settings_key, spec->settings_key);
    if (atomic_fetch_add(&group->set_count, 1) == 0) { /* the first one: in force at once */
        give_settings(set);
        atomic_store(&group->settings_key, spec->settings_key);
    }
    *out = set;
    return NW_OK;
}

/* A verdict of another check, or of one that is not asked any more, does not count. */
static void forget_other_check(struct nw_peer_node *node, const char *health_check)
{
    if (strcmp(node->health_check, health_check) == 0)
        return;
    if (node->health_check[0] != '\0')
        atomic_fetch_and(&node->flags, ~(uint32_t)(NW_PEER_FLAG_DOWN | NW_PEER_FLAG_KNOWN |
                                                   NW_PEER_FLAG_SLOW));
    node->health = (struct nw_health){0};
    node->probe_at_ms = 0;
    nw_free(node->health_check);
    node->health_check = nw_alloc_string(nw_slice_str(health_check));
}

/* The members of the started set give their nodes weight, limit and probe. */
static void apply_members(struct nw_peer_set *set)
{
    struct nw_peer_group *group = set->group;
    struct nw_peer_view *view = atomic_load(&set->view);
    pthread_mutex_lock(&group->lock);
    NW_LIST_EACH(at, &group->nodes)
        NW_CONTAINER_OF(at, struct nw_peer_node, link)->weight = 0;
    for (unsigned i = 0; i < view->count; i++) {
        struct nw_peer_node *node = view->members[i].node;
        node->weight = view->members[i].given_weight;
        atomic_store(&node->max_connections, view->members[i].max_connections);
        forget_other_check(node, set->health_check);
    }
    pthread_mutex_unlock(&group->lock);
    for (unsigned i = 0; i < view->count && group->has_health; i++)
        if (view->members[i].node->prober == NULL)
            nw_peer_probe_start(view->members[i].node);
    nw_peer_pump(group);
}

/* What is parked under other settings would only be closed when somebody wanted to use it. */
static void apply_key(struct nw_peer_set *set)
{
    struct nw_peer_group *group = set->group;
    uint64_t key = nw_peer_set_key(set);
    if (atomic_exchange(&group->settings_key, key) == key)
        return;
    NW_LIST_EACH(at, &group->nodes)
        nw_peer_node_sweep(NW_CONTAINER_OF(at, struct nw_peer_node, link));
}

void nw_peer_set_rekey(struct nw_peer_set *set, uint64_t settings_key)
{
    assert_worker_0();
    atomic_store(&set->settings_key, settings_key);
    if (set->group->current == set)
        apply_key(set);
}

void nw_peer_set_start(struct nw_peer_set *set)
{
    assert_worker_0();
    struct nw_peer_group *group = set->group;
    nw_scope_close(&group->probes);
    open_probes(group);
    pthread_mutex_lock(&group->lock);
    group->current = set;
    pthread_mutex_unlock(&group->lock);
    give_settings(set);
    group->has_health = set->has_health;
    group->health_every_ms = set->health_every_ms;
    group->health_timeout_ms = set->health_timeout_ms;
    group->health_fall = set->health_fall;
    group->health_rise = set->health_rise;
    apply_members(set);
    apply_key(set);
}

void nw_peer_set_stop(struct nw_peer_set *set)
{
    assert_worker_0();
    struct nw_peer_group *group = set->group;
    if (group->current != set)
        return;
    nw_scope_close(&group->probes);
    open_probes(group);
    group->has_health = false;
    pthread_mutex_lock(&group->lock);
    if (group->current == set)
        group->current = NULL;
    pthread_mutex_unlock(&group->lock);
}

struct nw_peer_set *nw_peer_set_ref(struct nw_peer_set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void nw_peer_set_unref(struct nw_peer_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    struct nw_peer_group *group = set->group;
    pthread_mutex_lock(&group->lock);
    if (group->current == set)
        group->current = NULL;
    pthread_mutex_unlock(&group->lock);
    view_free(atomic_load(&set->view));
    nw_free(set->health_check);
    nw_free(set);
    atomic_fetch_sub(&group->set_count, 1);
}

const char *nw_peer_set_name(const struct nw_peer_set *set)
{
    return set->group->name;
}

struct nw_peer_node *nw_peer_set_find(const struct nw_peer_set *set, const char *address)
{
    const struct nw_peer_view *view = atomic_load_explicit(&set->view, memory_order_acquire);
    for (unsigned i = 0; i < view->count; i++)
        if (strcmp(view->members[i].node->address, address) == 0)
            return view->members[i].node;
    return NULL;
}

nw_err nw_peer_set_change(struct nw_peer_set *set, const struct nw_peer_node_spec *nodes,
                          unsigned node_count)
{
    assert_worker_0();
    struct nw_peer_view *view = NULL;
    NW_TRY(view_new(set->group, set->balance, nodes, node_count, &view));
    struct nw_peer_view *old = atomic_exchange(&set->view, view);
    if (set->group->current == set)
        apply_members(set);
    nw_on_every_worker(do_nothing, NULL);
    view_free(old);
    return NW_OK;
}
