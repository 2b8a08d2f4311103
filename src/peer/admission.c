/*
 * First come, first served: fair, and the order in which people understand a queue. What protects
 * it from growing stale is its bound and the waiters' own deadline; both end in an ordinary 503.
 */
#include "peer/admission.h"

static nw_err fifo_enter(struct nw_admission *queue, struct nw_admission_entry *entry,
                         unsigned max_count)
{
    if (queue->count >= max_count)
        return NW_BUSY;
    nw_list_push_back(&queue->entries, &entry->link);
    entry->is_queued = true;
    queue->count++;
    return NW_OK;
}

static struct nw_admission_entry *fifo_next(struct nw_admission *queue,
                                            struct nw_admission_entry *after)
{
    struct nw_list *at = after != NULL ? after->link.next : queue->entries.next;
    if (at == &queue->entries)
        return NULL;
    return NW_CONTAINER_OF(at, struct nw_admission_entry, link);
}

static void fifo_leave(struct nw_admission *queue, struct nw_admission_entry *entry)
{
    if (!entry->is_queued)
        return;
    nw_list_remove(&entry->link);
    entry->is_queued = false;
    queue->count--;
}

const struct nw_admission_ops nw_admission_fifo = {
    .name = "fifo",
    .enter = fifo_enter,
    .next = fifo_next,
    .leave = fifo_leave,
};

void nw_admission_init(struct nw_admission *queue, const struct nw_admission_ops *ops)
{
    queue->ops = ops;
    nw_list_init(&queue->entries);
    queue->count = 0;
}
