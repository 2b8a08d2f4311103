/*
 * Events and semaphores belong to one worker and need no atomics: between two yields nothing else
 * runs. Their waiters lie on the waiting fibers' stacks. Whoever wakes one takes it off the list; a
 * fiber whose wait ended otherwise takes itself off. Between its being cancelled and its running
 * again it is still on the list, so a permit is handed to it only if nw_fiber_wake says that the
 * fiber really took it.
 *
 * A ticket is what crosses threads. One compare-and-swap decides between the granter and the
 * waiter's deadline. The granter then posts the ticket's own message, which is why a waiter that
 * lost against a grant has to stay until that message has arrived: it lies in the waiter's memory.
 */
#include "io/sync.h"

#include "base/assert.h"
#include "io/worker_impl.h"

/* ---- Event ---- */

void nw_event_init(struct nw_event *event)
{
    nw_list_init(&event->waiters);
    event->is_set = false;
}

void nw_event_set(struct nw_event *event)
{
    event->is_set = true;
    for (struct nw_list *node; (node = nw_list_pop_front(&event->waiters)) != NULL;) {
        struct nw_waiter *waiter = NW_CONTAINER_OF(node, struct nw_waiter, node);
        waiter->is_woken = true;
        nw_fiber_make_ready(waiter->fiber);
    }
}

void nw_event_clear(struct nw_event *event)
{
    event->is_set = false;
}

nw_err nw_event_wait(struct nw_event *event)
{
    if (event->is_set)
        return NW_OK;
    struct nw_waiter waiter = {.fiber = nw_fiber_self()};
    nw_list_push_back(&event->waiters, &waiter.node);
    nw_err err = nw_fiber_wait(NULL);
    nw_list_remove(&waiter.node);
    return err;
}

/* ---- Semaphore ---- */

void nw_semaphore_init(struct nw_semaphore *semaphore, int64_t permits)
{
    nw_list_init(&semaphore->waiters);
    semaphore->permits = permits;
}

bool nw_semaphore_try(struct nw_semaphore *semaphore)
{
    if (semaphore->permits <= 0)
        return false;
    semaphore->permits--;
    return true;
}

nw_err nw_semaphore_take(struct nw_semaphore *semaphore)
{
    /* Permits are only ever left over when nobody waits, so this does not overtake anyone. */
    if (nw_semaphore_try(semaphore))
        return NW_OK;
    struct nw_waiter waiter = {.fiber = nw_fiber_self()};
    nw_list_push_back(&semaphore->waiters, &waiter.node);
    nw_err err = nw_fiber_wait(NULL);
    nw_list_remove(&waiter.node);
    NW_ASSERT(waiter.is_woken == (err == NW_OK));
    return err;
}

void nw_semaphore_give(struct nw_semaphore *semaphore)
{
    if (semaphore->permits >= 0)
        for (struct nw_list *node; (node = nw_list_pop_front(&semaphore->waiters)) != NULL;) {
            struct nw_waiter *waiter = NW_CONTAINER_OF(node, struct nw_waiter, node);
            waiter->is_woken = nw_fiber_wake(waiter->fiber);
            if (waiter->is_woken)
                return;
        }
    semaphore->permits++;
}

/* ---- Ticket ---- */

enum { TICKET_OPEN, TICKET_GRANTED, TICKET_ARRIVED, TICKET_CLOSED };

static void arrive(struct nw_ticket *ticket)
{
    atomic_store_explicit(&ticket->state, TICKET_ARRIVED, memory_order_relaxed);
    nw_fiber_make_ready(ticket->fiber); /* NULL while it does not wait yet */
}

static void on_granted(struct nw_message *message)
{
    arrive(NW_CONTAINER_OF(message, struct nw_ticket, message));
}

void nw_ticket_init(struct nw_ticket *ticket)
{
    ticket->message.run = on_granted;
    ticket->worker = nw_worker_self();
    ticket->fiber = NULL;
    ticket->value = NULL;
    atomic_init(&ticket->state, TICKET_OPEN);
}

bool nw_ticket_grant(struct nw_ticket *ticket, void *value)
{
    int expected = TICKET_OPEN;
    /* A grant that lost may free the ticket: it must see all that the waiter did to it. */
    if (!atomic_compare_exchange_strong_explicit(&ticket->state, &expected, TICKET_GRANTED,
                                                 memory_order_acquire, memory_order_acquire))
        return false;
    ticket->value = value; /* published by the post */
    if (ticket->worker == nw_worker_self())
        arrive(ticket);
    else
        nw_mailbox_post(ticket->worker, &ticket->message);
    return true;
}

static bool has_arrived(const struct nw_ticket *ticket)
{
    return atomic_load_explicit(&ticket->state, memory_order_relaxed) == TICKET_ARRIVED;
}

nw_err nw_ticket_wait(struct nw_ticket *ticket, void **out_value)
{
    NW_ASSERT(ticket->worker == nw_worker_self());
    while (!has_arrived(ticket)) {
        nw_err err = nw_fiber_wait(&ticket->fiber);
        if (err == NW_OK)
            continue;
        int expected = TICKET_OPEN;
        if (atomic_compare_exchange_strong_explicit(&ticket->state, &expected, TICKET_CLOSED,
                                                    memory_order_release, memory_order_relaxed))
            return err;
        while (!has_arrived(ticket))
            nw_fiber_wait_always(&ticket->fiber);
    }
    *out_value = ticket->value;
    return NW_OK;
}

/* ---- Every worker ---- */

struct round_trip {
    struct nw_message there[NW_WORKERS_MAX];
    struct nw_message back;
    struct nw_worker *home;
    struct nw_fiber *fiber;
    void (*fn)(void *arg);
    void *arg;
    _Atomic unsigned left;
    bool is_done;
};

/* One of `there`: its index is the worker's, which leads back to the whole. */
static void visit(struct nw_message *message)
{
    struct nw_message *first = message - nw_worker_index(nw_worker_self());
    struct round_trip *trip = NW_CONTAINER_OF(first, struct round_trip, there[0]);
    trip->fn(trip->arg);
    if (atomic_fetch_sub_explicit(&trip->left, 1, memory_order_acq_rel) == 1)
        nw_mailbox_post(trip->home, &trip->back);
}

static void come_home(struct nw_message *message)
{
    struct round_trip *trip = NW_CONTAINER_OF(message, struct round_trip, back);
    trip->is_done = true;
    nw_fiber_make_ready(trip->fiber);
}

void nw_on_every_worker(void (*fn)(void *arg), void *arg)
{
    struct nw_worker *self = nw_worker_self();
    struct nw_runtime *runtime = self->runtime;
    struct round_trip trip = {.home = self, .fn = fn, .arg = arg, .back.run = come_home};
    atomic_init(&trip.left, runtime->worker_count);
    for (unsigned i = 0; i < runtime->worker_count; i++) {
        trip.there[i].run = visit;
        nw_mailbox_post(runtime->workers[i], &trip.there[i]);
    }
    while (!trip.is_done)
        nw_fiber_wait_always(&trip.fiber);
}
