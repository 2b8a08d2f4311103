/*
 * How a wait ends. Cancellation and deadlines are judged in one function, verdict(), on the way
 * into a wait, when the deadline's timer fires, and when somebody cancels; no call takes a timeout
 * of its own.
 *
 * The timer is lazy: the first wait below a deadline arms it and every later wait whose deadline is
 * not nearer leaves it alone. When it fires too early it is armed again for what counts then. So a
 * request that waits ten times below one 60 s deadline touches the wheel once, and a wait whose
 * deadline did not change costs nothing there.
 *
 * A grace replaces everything that ended before it (the deadlines of open blocks, the scope's, the
 * cancellation) by one moment of its own; blocks opened within it count as always. When it is over,
 * the old deadlines stand again, passed as they are.
 */
#include "base/assert.h"
#include "io/clock.h"
#include "io/fiber_impl.h"
#include "io/stack.h"

static bool has_grace(const struct nw_fiber *fiber)
{
    return fiber->grace_until_ms != 0;
}

static void deadline_refresh(struct nw_fiber *fiber)
{
    uint64_t nearest_ms = has_grace(fiber) ? fiber->grace_until_ms : fiber->inherited_ms;
    const struct nw_within *last = has_grace(fiber) ? fiber->grace_within : NULL;
    for (const struct nw_within *at = fiber->within; at != last; at = at->outer)
        if (at->at_ms < nearest_ms)
            nearest_ms = at->at_ms;
    fiber->deadline_ms = nearest_ms;
}

/* What a wait of this fiber answers now. Closes a grace that is over. */
static nw_err verdict(struct nw_fiber *fiber)
{
    struct nw_worker *worker = fiber->worker;
    if (NW_UNLIKELY(has_grace(fiber)) &&
        (worker->now_ms >= fiber->grace_until_ms ||
         atomic_load_explicit(&worker->runtime->stop_level, memory_order_relaxed) > 1)) {
        fiber->grace_until_ms = 0;
        deadline_refresh(fiber);
    }
    if (NW_UNLIKELY(fiber->is_cancelled) && !has_grace(fiber))
        return NW_CANCELLED;
    return NW_LIKELY(worker->now_ms < fiber->deadline_ms) ? NW_OK : NW_TIMEOUT;
}

/* The running fiber, which may wait now. */
static inline struct nw_fiber *waiting_self(void)
{
    struct nw_fiber *fiber = nw_worker_self()->current;
    NW_ASSERT(fiber != NULL && !fiber->worker->is_on_big_stack);
    return fiber;
}

static inline struct nw_fiber *running_self(void)
{
    struct nw_fiber *fiber = nw_worker_self()->current;
    NW_ASSERT(fiber != NULL);
    return fiber;
}

/* ---- Waiting ---- */

static bool wake_with(struct nw_fiber *fiber, nw_err why)
{
    if (fiber->state != NW_FIBER_WAITING)
        return false;
    fiber->wake_err = why;
    fiber->state = NW_FIBER_READY;
    nw_list_push_back(&fiber->worker->ready, &fiber->ready);
    return true;
}

bool nw_fiber_wake(struct nw_fiber *fiber)
{
    return fiber != NULL && wake_with(fiber, NW_OK);
}

void nw_fiber_reconsider(struct nw_fiber *fiber)
{
    if (fiber->state != NW_FIBER_WAITING || !fiber->is_interruptible)
        return;
    nw_err err = verdict(fiber);
    if (err != NW_OK)
        wake_with(fiber, err);
    else if (!nw_timer_is_armed(&fiber->timer))
        nw_timer_arm_at(&fiber->timer, fiber->deadline_ms);
}

void nw_fiber_on_deadline(struct nw_timer *timer)
{
    nw_fiber_reconsider(NW_CONTAINER_OF(timer, struct nw_fiber, timer));
}

NW_YIELDS static inline nw_err park(struct nw_fiber *fiber, struct nw_fiber **slot,
                                    bool is_interruptible)
{
    fiber->state = NW_FIBER_WAITING;
    fiber->is_interruptible = is_interruptible;
    if (slot != NULL)
        *slot = fiber;
    nw_switch_out(fiber->worker, fiber, false);
    if (slot != NULL && *slot == fiber)
        *slot = NULL;
    return fiber->wake_err;
}

nw_err nw_fiber_wait(struct nw_fiber **slot)
{
    struct nw_fiber *fiber = waiting_self();
    NW_TRY(verdict(fiber));
    if (fiber->deadline_ms != NW_NEVER &&
        (!nw_timer_is_armed(&fiber->timer) || fiber->deadline_ms < fiber->timer.at_ms))
        nw_timer_arm_at(&fiber->timer, fiber->deadline_ms);
    return park(fiber, slot, true);
}

void nw_fiber_wait_always(struct nw_fiber **slot)
{
    (void)park(waiting_self(), slot, false);
}

nw_err nw_fiber_check(void)
{
    return verdict(running_self());
}

nw_err nw_fiber_yield(void)
{
    struct nw_fiber *fiber = waiting_self();
    fiber->state = NW_FIBER_READY;
    nw_list_push_back(&fiber->worker->ready, &fiber->ready);
    nw_switch_out(fiber->worker, fiber, false);
    return verdict(fiber);
}

/* ---- Deadlines ---- */

static uint64_t moment_ms(const struct nw_worker *worker, uint64_t ms)
{
    return ms == 0 || ms >= NW_NEVER - worker->now_ms ? NW_NEVER : worker->now_ms + ms;
}

void nw_within_open(struct nw_within *within, uint64_t ms)
{
    struct nw_fiber *fiber = running_self();
    within->outer = fiber->within;
    within->at_ms = moment_ms(fiber->worker, ms);
    fiber->within = within;
    if (within->at_ms < fiber->deadline_ms)
        fiber->deadline_ms = within->at_ms;
}

void nw_within_close(struct nw_within *within)
{
    struct nw_fiber *fiber = running_self();
    NW_ASSERT(fiber->within == within);
    fiber->within = within->outer;
    if (NW_UNLIKELY(fiber->grace_within == within))
        fiber->grace_within = within->outer;
    if (within->at_ms <= fiber->deadline_ms && within->at_ms != NW_NEVER)
        deadline_refresh(fiber); /* it was the nearest */
}

void nw_within_restart(struct nw_within *within, uint64_t ms)
{
    struct nw_fiber *fiber = running_self();
    within->at_ms = moment_ms(fiber->worker, ms);
    deadline_refresh(fiber);
}

bool nw_within_ran_out(const struct nw_within *within)
{
    const struct nw_fiber *fiber = running_self();
    uint64_t now_ms = fiber->worker->now_ms;
    if (now_ms < within->at_ms || now_ms >= fiber->inherited_ms)
        return false;
    for (const struct nw_within *outer = within->outer; outer != NULL; outer = outer->outer)
        if (now_ms >= outer->at_ms)
            return false;
    return true;
}

uint64_t nw_deadline_left_ms(void)
{
    struct nw_fiber *fiber = nw_fiber_self();
    if (fiber == NULL)
        return NW_NEVER;
    (void)verdict(fiber); /* a grace that is over counts no more */
    uint64_t now_ms = fiber->worker->now_ms;
    if (fiber->deadline_ms == NW_NEVER)
        return NW_NEVER;
    return fiber->deadline_ms > now_ms ? fiber->deadline_ms - now_ms : 0;
}

bool nw_grace(uint64_t ms)
{
    struct nw_fiber *fiber = running_self();
    if (fiber->had_grace)
        return false;
    fiber->had_grace = true;
    uint64_t now_ms = fiber->worker->now_ms;
    fiber->grace_until_ms = ms < NW_NEVER - now_ms ? now_ms + ms : NW_NEVER;
    fiber->grace_within = fiber->within;
    deadline_refresh(fiber);
    return true;
}

/* ---- Sleeping ---- */

struct sleeper {
    struct nw_timer timer;
    struct nw_fiber *fiber;
};

static void on_slept(struct nw_timer *timer)
{
    nw_fiber_make_ready(NW_CONTAINER_OF(timer, struct sleeper, timer)->fiber);
}

nw_err nw_sleep(uint64_t ms)
{
    struct sleeper sleeper = {.fiber = waiting_self()};
    nw_timer_init(&sleeper.timer, on_slept);
    nw_timer_arm(&sleeper.timer, ms);
    nw_err err = nw_fiber_wait(NULL);
    nw_timer_disarm(&sleeper.timer);
    return err;
}

nw_err nw_sleep_until_ns(uint64_t mono_ns)
{
    struct nw_fine_sleeper sleeper = {.at_ns = mono_ns, .fiber = waiting_self()};
    if (nw_io_now_ns() >= mono_ns)
        return nw_fiber_check();
    struct nw_list *sleepers = &sleeper.fiber->worker->fine_sleepers;
    struct nw_list *behind = sleepers->prev; /* new ones usually sleep longest */
    while (behind != sleepers &&
           NW_CONTAINER_OF(behind, struct nw_fine_sleeper, node)->at_ns > mono_ns)
        behind = behind->prev;
    nw_list_push_front(behind, &sleeper.node);
    nw_err err = nw_fiber_wait(NULL);
    nw_list_remove(&sleeper.node);
    return err;
}

void nw_fiber_wake_fine_sleepers(struct nw_worker *worker)
{
    if (nw_list_is_empty(&worker->fine_sleepers))
        return;
    uint64_t now_ns = nw_io_now_ns();
    NW_LIST_EACH (node, &worker->fine_sleepers) {
        struct nw_fine_sleeper *sleeper = NW_CONTAINER_OF(node, struct nw_fine_sleeper, node);
        if (sleeper->at_ns > now_ns)
            break;
        nw_list_remove(node);
        nw_fiber_make_ready(sleeper->fiber);
    }
}
