/*
 * sync.h - how fibers wait for each other and workers talk.
 *
 * Owner:   each object is embedded in its user's struct
 * Threads: event and semaphore: one worker. Mailbox posts and ticket grants: any thread
 */
#ifndef NW_IO_SYNC_H
#define NW_IO_SYNC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct nw_fiber;
struct nw_worker;
struct nw_runtime;

/* Set once or again and again; wakes all that wait. Stays set until cleared. */
struct nw_event {
    struct nw_list waiters;
    bool is_set;
};
void nw_event_init(struct nw_event *event);
void nw_event_set(struct nw_event *event);
void nw_event_clear(struct nw_event *event);
NW_YIELDS NW_MUST_CHECK nw_err nw_event_wait(struct nw_event *event);

struct nw_semaphore {
    struct nw_list waiters; /* first come, first served */
    int64_t permits;
};
void nw_semaphore_init(struct nw_semaphore *semaphore, int64_t permits);
NW_YIELDS NW_MUST_CHECK nw_err nw_semaphore_take(struct nw_semaphore *semaphore);
bool nw_semaphore_try(struct nw_semaphore *semaphore);
void nw_semaphore_give(struct nw_semaphore *semaphore);

/*
 * A message is embedded in what it is about and owned by the receiver once posted. `run` is called
 * on the receiver's loop stack: it must not yield. Order is kept per sender; one wake per batch.
 */
struct nw_message {
    struct nw_message *_Atomic next;
    void (*run)(struct nw_message *message);
};
/* Any thread; cannot fail. To a stopped worker: never run. */
void nw_mailbox_post(struct nw_worker *to, struct nw_message *message);

/*
 * A counted wait that any thread may grant. Exactly one of grant, timeout, cancel wins;
 * nw_ticket_grant returns false when it lost, and the granter then passes on what it wanted to
 * give.
 */
struct nw_ticket {
    struct nw_message message;
    struct nw_worker *worker;
    struct nw_fiber *fiber;
    void *value;     /* what the granter hands over */
    _Atomic int state;
};
/* By the fiber that will wait. */
void nw_ticket_init(struct nw_ticket *ticket);
/* Any thread. After true the granter must not touch the ticket again. */
bool nw_ticket_grant(struct nw_ticket *ticket, void *value);
/*
 * NW_OK: granted, *out_value is the granter's. On NW_TIMEOUT or NW_CANCELLED every later grant
 * returns false; the caller still has to take the ticket out of the granter's queue before it goes.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_ticket_wait(struct nw_ticket *ticket, void **out_value);

/*
 * Runs fn(arg) on every worker's loop stack (it must not yield) and returns when all have run it,
 * whatever the caller's deadline. From a fiber.
 */
NW_YIELDS void nw_on_every_worker(void (*fn)(void *arg), void *arg);

#endif
