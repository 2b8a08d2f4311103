/*
 * mailbox.h - the receiving side of nw_mailbox_post.
 *
 * Owner:   messages are their senders' until posted, the receiver's then
 * Threads: the receiving worker
 */
#ifndef NW_IO_MAILBOX_H
#define NW_IO_MAILBOX_H

#include "io/worker_impl.h"

/* Runs what is there now, oldest first; what is posted meanwhile waits for the next turn. */
unsigned nw_mailbox_run(struct nw_worker *worker);

static inline bool nw_mailbox_has_mail(struct nw_worker *worker)
{
    /* Sequentially consistent: see take_events in loop.c. */
    return atomic_load(&worker->mailbox) != NULL;
}

#endif
