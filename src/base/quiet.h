/*
 * quiet.h - lines of the log that somebody else chooses to cause: one in a while, not each.
 *
 * The first is written at once, the next when a time has passed; it tells how many were not.
 *
 * Owner:   embedded; zeroed: nothing was said yet
 * Threads: any
 */
#ifndef NW_BASE_QUIET_H
#define NW_BASE_QUIET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct nw_quiet {
    _Atomic uint64_t due_ms; /* no line before */
    _Atomic uint64_t unsaid; /* since the last line */
};

/* Is this one to be written? Then *out_unsaid others before it were not. */
static inline bool nw_quiet_is_due(struct nw_quiet *quiet, uint64_t now_ms, uint64_t every_ms,
                                   uint64_t *out_unsaid)
{
    uint64_t due_ms = atomic_load_explicit(&quiet->due_ms, memory_order_relaxed);
    if (now_ms < due_ms ||
        !atomic_compare_exchange_strong(&quiet->due_ms, &due_ms, now_ms + every_ms)) {
        atomic_fetch_add_explicit(&quiet->unsaid, 1, memory_order_relaxed);
        return false;
    }
    *out_unsaid = atomic_exchange_explicit(&quiet->unsaid, 0, memory_order_relaxed);
    return true;
}

#endif
