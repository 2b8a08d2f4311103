/*
 * Monotonic time is read once per turn, wall time at its first use in a turn (most turns need
 * none). Tests move both by offsets that hang off the runtime and that every reading adds; a
 * worker that sleeps is woken to see that its timers are due.
 */
#include "io/clock.h"

#include "base/assert.h"
#include "io/worker_impl.h"

static struct nw_worker *self_or_fail(void)
{
    struct nw_worker *worker = nw_worker_self();
    NW_ASSERT(worker != NULL);
    return worker;
}

uint64_t nw_now_ms(void)
{
    return self_or_fail()->now_ms;
}

uint64_t nw_now_us(void)
{
    return self_or_fail()->now_ns / 1000;
}

uint64_t nw_wall_ms(void)
{
    struct nw_worker *worker = self_or_fail();
    uint64_t turns = nw_worker_turns(worker);
    if (worker->wall_turn != turns || turns == 0) {
        worker->wall_ms = nw_runtime_wall_ms(worker->runtime);
        worker->wall_turn = turns;
    }
    return worker->wall_ms;
}

uint64_t nw_io_now_ns(void)
{
    struct nw_worker *worker = self_or_fail();
    uint64_t moved_ms = atomic_load_explicit(&worker->runtime->advance_ms, memory_order_relaxed);
    return worker->backend->mono_ns(worker->backend_state) + moved_ms * 1000000;
}

uint64_t nw_runtime_wall_ms(struct nw_runtime *runtime)
{
    uint64_t moved_ms = atomic_load_explicit(&runtime->advance_ms, memory_order_relaxed);
    int64_t step_ms = atomic_load_explicit(&runtime->wall_step_ms, memory_order_relaxed);
    return runtime->backend->wall_ms(runtime->workers[0]->backend_state) + moved_ms +
           (uint64_t)step_ms;
}

static void wake_all(struct nw_runtime *runtime)
{
    for (unsigned i = 0; i < runtime->worker_count; i++)
        nw_worker_wake(runtime->workers[i]);
}

void nw_clock_advance_ms(struct nw_runtime *runtime, uint64_t ms)
{
    atomic_fetch_add_explicit(&runtime->advance_ms, ms, memory_order_relaxed);
    wake_all(runtime);
}

void nw_clock_step_ms(struct nw_runtime *runtime, int64_t ms)
{
    atomic_fetch_add_explicit(&runtime->wall_step_ms, ms, memory_order_relaxed);
    wake_all(runtime);
}
