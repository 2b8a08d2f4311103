/*
 * A fiber is a stack and a place in its scope. It always runs from the loop's stack and always
 * returns there: fibers do not switch to each other, because then the order of the ready list,
 * which a simulation shuffles, would be only half of the truth, and two switches cost 5 ns.
 *
 * What looks blocking ends in deadline.c's park(): the state becomes WAITING, the stack is left,
 * and whoever ends the wait puts the fiber on the ready list. The first to do so wins and says
 * why; all others find the fiber no longer waiting. A double wake is therefore harmless, and
 * nw_fiber_wake answers whether it was the one, so that a permit is handed over only to somebody
 * who takes it.
 *
 * An ended fiber is buried by the loop, not by itself: it cannot give back the stack it stands on.
 * Code of unknown depth runs the same way, by leaving a request behind and switching to the loop's
 * stack, which is the thread's own.
 */
#include "io/fiber_impl.h"

#include "base/assert.h"
#include "io/stack.h"

enum { TRIM_EVERY_MS = 1000, STACK_HOT_BYTES = 768 };

static void fiber_main(void *arg)
{
    struct nw_fiber *fiber = arg;
    nw_switch_arrived(fiber->worker);
    fiber->fn(fiber->arg);
    NW_ASSERT(fiber->within == NULL);
    fiber->state = NW_FIBER_ENDED;
    nw_switch_out(fiber->worker, fiber, true);
    NW_ASSERT(!"an ended fiber ran again");
}

struct nw_fiber *nw_fiber_new(struct nw_worker *worker, const char *name, nw_fiber_fn fn, void *arg,
                              bool is_vital)
{
    struct nw_fiber *fiber = nw_stack_take(worker, fiber_main, is_vital);
    if (fiber == NULL)
        return NULL;
    fiber->worker = worker;
    fiber->is_vital = is_vital;
    fiber->name = name;
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->inherited_ms = fiber->deadline_ms = NW_NEVER;
    fiber->born_ms = worker->now_ms;
    nw_list_init(&fiber->sibling);
    nw_timer_init(&fiber->timer, nw_fiber_on_deadline);
    fiber->state = NW_FIBER_READY;
    nw_list_push_back(&worker->ready, &fiber->ready);
    nw_list_push_back(&worker->fibers, &fiber->all);
    unsigned count = atomic_load_explicit(&worker->fiber_count, memory_order_relaxed);
    atomic_store_explicit(&worker->fiber_count, count + 1, memory_order_release);
    return fiber;
}

static void fiber_bury(struct nw_worker *worker, struct nw_fiber *fiber)
{
    struct nw_scope *scope = fiber->scope;
    nw_timer_disarm(&fiber->timer);
    nw_list_remove(&fiber->sibling);
    nw_list_remove(&fiber->all);
    nw_stack_give(worker, fiber);
    unsigned count = atomic_load_explicit(&worker->fiber_count, memory_order_relaxed);
    atomic_store_explicit(&worker->fiber_count, count - 1, memory_order_release);
    if (--scope->count == 0)
        nw_fiber_make_ready(scope->joiner);
    if (worker->free_stack_count > NW_STACKS_KEPT && !nw_timer_is_armed(&worker->trim)) {
        worker->free_stack_low = worker->free_stack_count;
        nw_timer_arm(&worker->trim, TRIM_EVERY_MS);
    }
}

void nw_fiber_trim(struct nw_timer *timer)
{
    struct nw_worker *worker = NW_CONTAINER_OF(timer, struct nw_worker, trim);
    unsigned keep = worker->free_stack_count - (worker->free_stack_low + 1) / 2;
    nw_stack_trim(worker, keep > NW_STACKS_KEPT ? keep : NW_STACKS_KEPT);
    worker->free_stack_low = worker->free_stack_count;
    if (worker->free_stack_count > NW_STACKS_KEPT)
        nw_timer_arm(timer, TRIM_EVERY_MS);
}

/* A fiber left because it wants fn to run on the thread's own stack. */
static NW_NOINLINE void run_big(struct nw_worker *worker, struct nw_fiber *fiber)
{
    while (worker->big_fn != NULL) {
        void (*fn)(void *arg) = worker->big_fn;
        worker->big_fn = NULL;
        worker->current = fiber; /* its name and deadline stay visible; a wait asserts */
        worker->is_on_big_stack = true;
        fn(worker->big_arg);
        worker->is_on_big_stack = false;
        nw_switch_in(worker, fiber);
    }
}

unsigned nw_fiber_run_ready(struct nw_worker *worker, struct nw_list *list, unsigned max)
{
    unsigned count = 0;
    for (struct nw_list *node; count < max && (node = nw_list_pop_front(list)) != NULL; count++) {
        struct nw_fiber *fiber = NW_CONTAINER_OF(node, struct nw_fiber, ready);
        NW_ASSERT(fiber->state == NW_FIBER_READY);
        if (!nw_list_is_empty(list)) /* its last words on the stack are cold by now */
            nw_prefetch(NW_CONTAINER_OF(list->next, struct nw_fiber, ready)->context.sp,
                        STACK_HOT_BYTES);
        nw_switch_in(worker, fiber);
        if (NW_UNLIKELY(worker->big_fn != NULL))
            run_big(worker, fiber);
        if (fiber->state == NW_FIBER_ENDED)
            fiber_bury(worker, fiber);
    }
    return count;
}

struct nw_fiber *nw_fiber_self(void)
{
    struct nw_worker *worker = nw_worker_self();
    return worker != NULL ? worker->current : NULL;
}

const char *nw_fiber_name(const struct nw_fiber *fiber)
{
    return fiber->name;
}

void nw_fiber_cancel(struct nw_fiber *fiber)
{
    fiber->is_cancelled = true;
    nw_fiber_reconsider(fiber);
}

bool nw_fiber_is_cancelled(void)
{
    return nw_fiber_check() == NW_CANCELLED;
}

void nw_run_on_big_stack(void (*fn)(void *arg), void *arg)
{
    struct nw_worker *worker = nw_worker_self();
    if (worker == NULL || worker->current == NULL || worker->is_on_big_stack) {
        fn(arg);
        return;
    }
    worker->big_fn = fn;
    worker->big_arg = arg;
    nw_switch_out(worker, worker->current, false);
}

size_t nw_fiber_stack_high_water(void)
{
    return nw_stack_high_water(nw_worker_self());
}
