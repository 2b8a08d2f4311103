/*
 * admission.h - in which order do requests get what they wait for? A plug point.
 *
 * One queue per service. An entry lives on the stack of the fiber that waits; the queue only links
 * it. FIFO is the rule here; a struct of functions leaves room for others (LIFO under overload,
 * priorities, CoDel).
 *
 * Owner:   entries belong to their waiters, the queue to the service
 * Threads: every call under the service's lock
 */
#ifndef NW_PEER_ADMISSION_H
#define NW_PEER_ADMISSION_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct nw_admission;

struct nw_admission_entry {
    struct nw_list link;
    uint64_t arrived_ms;
    int priority; /* greater goes first, where a discipline looks at it */
    bool is_queued;
};

struct nw_admission_ops {
    const char *name;
    /* NW_BUSY: `max_count` entries wait already. */
    nw_err (*enter)(struct nw_admission *queue, struct nw_admission_entry *entry,
                    unsigned max_count);
    /* Whose turn it is; with `after`, who would follow it. NULL: nobody. Stays queued. */
    struct nw_admission_entry *(*next)(struct nw_admission *queue,
                                       struct nw_admission_entry *after);
    /* Served or given up. Nothing happens when it is not queued. */
    void (*leave)(struct nw_admission *queue, struct nw_admission_entry *entry);
};

struct nw_admission {
    const struct nw_admission_ops *ops;
    struct nw_list entries;
    unsigned count;
};

extern const struct nw_admission_ops nw_admission_fifo;

void nw_admission_init(struct nw_admission *queue, const struct nw_admission_ops *ops);

#endif
