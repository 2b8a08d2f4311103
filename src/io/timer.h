/*
 * timer.h - a hierarchical wheel of 1 ms ticks, one per worker.
 *
 * Owner:   the timer is embedded in what it is about; disarm it before that goes
 * Threads: the worker that armed it
 */
#ifndef NW_IO_TIMER_H
#define NW_IO_TIMER_H

#include <stdbool.h>

#include "base/list.h"

struct nw_timer {
    struct nw_list node;
    uint64_t at_ms;
    void (*fire)(struct nw_timer *timer); /* on the loop's stack: must not yield */
};

void nw_timer_init(struct nw_timer *timer, void (*fire)(struct nw_timer *timer));
/* Fires once, `delay_ms` after this turn's time; re-arms when it was armed. 0 fires next turn. */
void nw_timer_arm(struct nw_timer *timer, uint64_t delay_ms);
void nw_timer_arm_at(struct nw_timer *timer, uint64_t at_ms);
void nw_timer_disarm(struct nw_timer *timer);
bool nw_timer_is_armed(const struct nw_timer *timer);

#endif
