/*
 * wheel.h - the hierarchical timing wheel behind io/timer.h.
 *
 * Owner:   embedded in a worker; timers are the callers'
 * Threads: one at a time
 */
#ifndef NW_IO_WHEEL_H
#define NW_IO_WHEEL_H

#include "io/timer.h"

enum { NW_WHEEL_LEVELS = 7, NW_WHEEL_SLOT_BITS = 6, NW_WHEEL_SLOTS = 1 << NW_WHEEL_SLOT_BITS };

struct nw_wheel {
    uint64_t now_ms;                    /* everything at or before it is due or fired */
    uint64_t occupied[NW_WHEEL_LEVELS]; /* one bit per slot with timers */
    struct nw_list due;                 /* fires in the next nw_wheel_fire */
    struct nw_list slots[NW_WHEEL_LEVELS][NW_WHEEL_SLOTS];
};

void nw_wheel_init(struct nw_wheel *wheel, uint64_t now_ms);
/* O(1). A moment that has passed is due at once. NW_NEVER disarms. */
void nw_wheel_arm(struct nw_wheel *wheel, struct nw_timer *timer, uint64_t at_ms);
void nw_wheel_disarm(struct nw_wheel *wheel, struct nw_timer *timer);
/* Moves time forward and everything that became due to the due list. Never backward. */
void nw_wheel_advance(struct nw_wheel *wheel, uint64_t to_ms);
/*
 * Fires what is due; timers armed meanwhile wait for the next call. Returns how many fired and in
 * out_first_at_ms the moment of the first.
 */
size_t nw_wheel_fire(struct nw_wheel *wheel, uint64_t *out_first_at_ms);
/*
 * The moment at which the wheel has to be advanced next: never later than the nearest timer, and at
 * most one cascade per level earlier. NW_NEVER when it is empty.
 */
uint64_t nw_wheel_next_ms(const struct nw_wheel *wheel);

#endif
