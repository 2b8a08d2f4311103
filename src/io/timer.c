/* The wheel of the current worker, by the names that everybody uses; the idea is in wheel.c. */
#include "io/timer.h"

#include "base/assert.h"
#include "io/worker_impl.h"

static struct nw_worker *self_or_fail(void)
{
    struct nw_worker *worker = nw_worker_self();
    NW_ASSERT(worker != NULL);
    return worker;
}

void nw_timer_init(struct nw_timer *timer, void (*fire)(struct nw_timer *timer))
{
    nw_list_init(&timer->node);
    timer->at_ms = 0;
    timer->fire = fire;
}

void nw_timer_arm(struct nw_timer *timer, uint64_t delay_ms)
{
    struct nw_worker *worker = self_or_fail();
    uint64_t now_ms = worker->now_ms;
    uint64_t at_ms = delay_ms < NW_NEVER - now_ms ? now_ms + delay_ms : NW_NEVER;
    nw_wheel_arm(&worker->wheel, timer, at_ms);
}

void nw_timer_arm_at(struct nw_timer *timer, uint64_t at_ms)
{
    nw_wheel_arm(&self_or_fail()->wheel, timer, at_ms);
}

void nw_timer_disarm(struct nw_timer *timer)
{
    if (nw_timer_is_armed(timer))
        nw_wheel_disarm(&self_or_fail()->wheel, timer);
}

bool nw_timer_is_armed(const struct nw_timer *timer)
{
    return !nw_list_is_empty(&timer->node);
}
