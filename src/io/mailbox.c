/*
 * A stack that senders push to with one compare-and-swap and that the receiver takes whole with
 * one exchange, then turns around: no message is ever popped alone, so there is no ABA, and the
 * order of each sender is kept. A receiver that is awake looks before it sleeps, so only a
 * sleeping one is woken, and of many senders only the one that finds it sleeping pays for the
 * system call.
 */
#include "io/mailbox.h"

void nw_mailbox_post(struct nw_worker *to, struct nw_message *message)
{
    struct nw_message *head = atomic_load_explicit(&to->mailbox, memory_order_relaxed);
    do
        atomic_store_explicit(&message->next, head, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&to->mailbox, &head, message));
    if (atomic_load(&to->is_sleeping) && atomic_exchange(&to->is_sleeping, false))
        to->backend->wake(to->backend_state);
}

unsigned nw_mailbox_run(struct nw_worker *worker)
{
    if (!nw_mailbox_has_mail(worker))
        return 0;
    struct nw_message *newest = atomic_exchange(&worker->mailbox, NULL), *oldest = NULL;
    while (newest != NULL) {
        struct nw_message *next = atomic_load_explicit(&newest->next, memory_order_relaxed);
        atomic_store_explicit(&newest->next, oldest, memory_order_relaxed);
        oldest = newest;
        newest = next;
    }
    unsigned count = 0;
    while (oldest != NULL) {
        struct nw_message *message = oldest; /* may be gone once it has run */
        oldest = atomic_load_explicit(&message->next, memory_order_relaxed);
        message->run(message);
        count++;
    }
    return count;
}
