/*
 * One turn: take events, resume the fibers they woke, run the mailbox, run what became ready
 * meanwhile (bounded, so that two fibers that keep waking each other cannot hold the turn), flush
 * deferred writes, fire timers, let what was closed in this turn go.
 *
 * Events are handed out before any fiber runs. A source can therefore be closed while events still
 * name it only by another source's callback, and then the rest of the list is searched for it; a
 * fiber that closes a thousand connections searches nothing. There is no generation stamp to check
 * on every event.
 *
 * Whatever the turn needs from outside (events, time, wake-ups) comes through worker->backend, and
 * the turn keeps nothing on its stack between calls, so a simulation can drive all workers on one
 * thread, one turn at a time, in an order of its own.
 */
#include "io/loop.h"

#include "base/assert.h"
#include "io/clock.h"
#include "io/fiber_impl.h"
#include "io/mailbox.h"

enum { SOURCE_HOT_BYTES = 256 };

/* ---- Sources ---- */

nw_err nw_source_add(struct nw_source *source, int fd, unsigned want,
                     void (*on_ready)(struct nw_source *source, unsigned ready))
{
    struct nw_worker *worker = nw_worker_self();
    NW_ASSERT(worker != NULL && fd >= 0);
    *source = (struct nw_source){.fd = fd, .worker = worker, .on_ready = on_ready};
    source->want = (uint8_t)want;
    if (want != 0 && worker->backend->add(worker->backend_state, source, want) < 0) {
        source->fd = -1;
        return NW_NO_MEMORY;
    }
    source->is_added = want != 0;
    return NW_OK;
}

static void source_remove(struct nw_source *source)
{
    struct nw_worker *worker = source->worker;
    NW_ASSERT(worker == nw_worker_self());
    if (source->is_added)
        (void)worker->backend->remove(worker->backend_state, source);
    source->is_added = false;
    source->want = 0;
    for (int i = worker->event_at; i < worker->event_count; i++)
        if (worker->events[i].source == source)
            worker->events[i].source = NULL;
}

void nw_source_change(struct nw_source *source, unsigned want)
{
    struct nw_worker *worker = source->worker;
    NW_ASSERT(worker == nw_worker_self() && source->fd >= 0);
    if (want == 0) {
        (void)worker->backend->remove(worker->backend_state, source);
        source->is_added = false;
    } else if (source->is_added) {
        (void)worker->backend->modify(worker->backend_state, source, want);
    } else {
        /* It was registered before, so this can fail only for want of kernel memory. */
        int failed = worker->backend->add(worker->backend_state, source, want);
        NW_ASSERT(failed >= 0);
        source->is_added = true;
    }
    source->want = (uint8_t)want;
}

int nw_source_detach(struct nw_source *source)
{
    int fd = source->fd;
    if (fd >= 0)
        source_remove(source);
    source->fd = -1;
    return fd;
}

void nw_source_close(struct nw_source *source)
{
    struct nw_worker *worker = source->worker;
    int fd = nw_source_detach(source);
    if (fd >= 0)
        worker->backend->close(worker->backend_state, fd, false);
}

/* ---- Points of the turn ---- */

static void register_node(struct nw_list *list, struct nw_turn_node *node)
{
    if (nw_list_is_empty(&node->node))
        nw_list_push_back(list, &node->node);
}

void nw_loop_at_flush(struct nw_worker *worker, struct nw_turn_node *node)
{
    register_node(&worker->flush, node);
}

void nw_loop_at_rest(struct nw_worker *worker, struct nw_turn_node *node)
{
    register_node(&worker->rest, node);
}

static void run_nodes(struct nw_list *list)
{
    struct nw_list now;
    nw_list_init(&now);
    nw_list_splice_back(&now, list);
    for (struct nw_list *at; (at = nw_list_pop_front(&now)) != NULL;) {
        struct nw_turn_node *node = NW_CONTAINER_OF(at, struct nw_turn_node, node);
        node->run(node);
    }
}

/* ---- The turn ---- */

static void read_clock(struct nw_worker *worker)
{
    worker->now_ns = nw_io_now_ns();
    worker->now_ms = worker->now_ns / 1000000;
}

static bool has_work(struct nw_worker *worker)
{
    return !nw_list_is_empty(&worker->ready) || !nw_list_is_empty(&worker->flush) ||
           !nw_list_is_empty(&worker->rest) || nw_mailbox_has_mail(worker) ||
           worker->stop_seen !=
               atomic_load_explicit(&worker->runtime->stop_level, memory_order_relaxed);
}

int64_t nw_loop_timeout_ns(struct nw_worker *worker)
{
    if (has_work(worker))
        return 0;
    uint64_t at_ms = nw_wheel_next_ms(&worker->wheel), at_ns = UINT64_MAX;
    if (at_ms <= worker->now_ms)
        return 0;
    if (at_ms < UINT64_MAX / 1000000)
        at_ns = at_ms * 1000000;
    uint64_t now_ns = worker->now_ns;
    if (!nw_list_is_empty(&worker->fine_sleepers)) {
        struct nw_list *first = worker->fine_sleepers.next;
        uint64_t fine_ns = NW_CONTAINER_OF(first, struct nw_fine_sleeper, node)->at_ns;
        if (fine_ns < at_ns)
            at_ns = fine_ns;
        now_ns = nw_io_now_ns(); /* the turn's time may be too old for a fine sleep */
    }
    if (at_ns == UINT64_MAX)
        return -1;
    if (at_ns <= now_ns)
        return 0;
    return at_ns - now_ns < INT64_MAX ? (int64_t)(at_ns - now_ns) : INT64_MAX;
}

static int poll_events(struct nw_worker *worker, int64_t timeout_ns)
{
    return worker->backend->wait(worker->backend_state, worker->events, NW_TURN_EVENTS_MAX,
                                 timeout_ns);
}

/* Looks again and again for a short while: a wake-up from sleep costs more than a request. */
static int spin(struct nw_worker *worker)
{
    uint64_t end_ns = nw_io_now_ns() + worker->spin_ns;
    int count;
    do
        count = poll_events(worker, 0);
    while (count == 0 && !nw_mailbox_has_mail(worker) && nw_io_now_ns() < end_ns);
    return count;
}

static int take_events(struct nw_worker *worker, bool may_sleep)
{
    int64_t timeout_ns = may_sleep ? nw_loop_timeout_ns(worker) : 0;
    if (timeout_ns != 0 && worker->spin_ns != 0 && worker->is_busy) {
        int count = spin(worker);
        if (count != 0)
            return count;
    }
    if (timeout_ns == 0)
        return poll_events(worker, 0);
    /*
     * Whoever posts first pushes, then looks at is_sleeping; we first say that we sleep, then look
     * for mail. In the single order of these four one of us sees the other.
     */
    atomic_store(&worker->is_sleeping, true);
    int count = poll_events(worker, has_work(worker) ? 0 : timeout_ns);
    atomic_store(&worker->is_sleeping, false);
    return count;
}

static void hand_out_events(struct nw_worker *worker, int count)
{
    worker->event_count = count;
    for (worker->event_at = 0; worker->event_at < worker->event_count;) {
        struct nw_ready event = worker->events[worker->event_at++];
        if (worker->event_at <
            worker->event_count) /* what a source is embedded in is cold by now */
            nw_prefetch(worker->events[worker->event_at].source, SOURCE_HOT_BYTES);
        if (event.source != NULL)
            event.source->on_ready(event.source, event.bits);
    }
    worker->event_at = worker->event_count = 0;
}

static void fire_timers(struct nw_worker *worker)
{
    uint64_t first_at_ms = 0;
    uint64_t moved_ms = atomic_load_explicit(&worker->runtime->advance_ms, memory_order_relaxed);
    nw_wheel_advance(&worker->wheel, worker->now_ms);
    size_t count = nw_wheel_fire(&worker->wheel, &first_at_ms);
    if (count != 0 && worker->seen_advance_ms == moved_ms) {
        uint64_t now_us = worker->now_ns / 1000, at_us = first_at_ms * 1000;
        atomic_store_explicit(&worker->lag_us, now_us > at_us ? now_us - at_us : 0,
                              memory_order_relaxed);
    }
    worker->seen_advance_ms = moved_ms;
    nw_fiber_wake_fine_sleepers(worker);
}

static void follow_stop(struct nw_worker *worker)
{
    int level = atomic_load_explicit(&worker->runtime->stop_level, memory_order_relaxed);
    if (NW_LIKELY(level == 0))
        return;
    if (worker->stop_seen != level) {
        worker->stop_seen = level;
        nw_scope_cancel(&worker->root_scope);
        NW_LIST_EACH (node, &worker->fibers) /* graces may be over */
            nw_fiber_reconsider(NW_CONTAINER_OF(node, struct nw_fiber, all));
    }
}

/* The last fiber anywhere lets all workers go: until then one may need another's mailbox. */
static void tell_when_idle(struct nw_worker *worker)
{
    bool is_idle = atomic_load_explicit(&worker->fiber_count, memory_order_relaxed) == 0;
    if (is_idle && !worker->was_idle && worker->stop_seen != 0)
        for (unsigned i = 0; i < worker->runtime->worker_count; i++)
            if (i != worker->index)
                nw_worker_wake(worker->runtime->workers[i]);
    worker->was_idle = is_idle && worker->stop_seen != 0;
}

bool nw_loop_is_over(struct nw_worker *worker)
{
    const struct nw_runtime *runtime = worker->runtime;
    if (worker->stop_seen == 0)
        return false;
    unsigned count = 0;
    for (unsigned i = 0; i < runtime->worker_count; i++)
        count += atomic_load_explicit(&runtime->workers[i]->fiber_count, memory_order_acquire);
    return count == 0;
}

void nw_loop_turn(struct nw_worker *worker, bool may_sleep)
{
    NW_ASSERT(worker == nw_worker_self() && worker->current == NULL);
    uint64_t turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);
    if (!may_sleep)
        atomic_store(&worker->is_sleeping, false);
    int event_count = take_events(worker, may_sleep);
    atomic_store_explicit(&worker->turns, turns + 1, memory_order_relaxed);
    read_clock(worker);
    follow_stop(worker);

    hand_out_events(worker, event_count);
    struct nw_list woken;
    nw_list_init(&woken);
    nw_list_splice_back(&woken, &worker->ready);
    unsigned ran = nw_fiber_run_ready(worker, &woken, UINT32_MAX);
    ran += nw_mailbox_run(worker);
    ran += nw_fiber_run_ready(worker, &worker->ready, NW_TURN_RESUMES_MAX);
    worker->is_busy = ran != 0 || event_count != 0;

    run_nodes(&worker->flush);
    fire_timers(worker);
    run_nodes(&worker->rest);
    tell_when_idle(worker);
    if (!may_sleep)
        atomic_store(&worker->is_sleeping, true); /* posts and advances must reach the driver */
}
