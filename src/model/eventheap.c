/*
 * The plainest list that is right: a binary heap ordered by time, then by sequence. It holds 24
 * bytes an event; sifting moves a hole, so each level costs one copy.
 */
#include "model/eventheap.h"

#include "base/assert.h"

static bool is_before(const struct nw_model_heapevent *a, const struct nw_model_heapevent *b)
{
    return a->time_s < b->time_s || (a->time_s == b->time_s && a->sequence < b->sequence);
}

void nw_model_eventheap_done(struct nw_model_eventheap *heap)
{
    nw_free(heap->events);
    *heap = (struct nw_model_eventheap){0};
}

void nw_model_eventheap_push(struct nw_model_eventheap *heap, double time_s, uint32_t payload)
{
    if (heap->count == heap->space) {
        heap->space = heap->space > 0 ? 2 * heap->space : 16;
        heap->events = nw_realloc(heap->events, heap->space * sizeof *heap->events);
    }
    struct nw_model_heapevent entry = {time_s, heap->sequence++, payload};
    uint32_t at = heap->count++;
    while (at > 0 && is_before(&entry, &heap->events[(at - 1) / 2])) {
        heap->events[at] = heap->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->events[at] = entry;
}

struct nw_model_event nw_model_eventheap_peek(const struct nw_model_eventheap *heap)
{
    NW_ASSERT(heap->count > 0);
    return (struct nw_model_event){heap->events[0].time_s, heap->events[0].payload};
}

struct nw_model_event nw_model_eventheap_pop(struct nw_model_eventheap *heap)
{
    struct nw_model_event out = nw_model_eventheap_peek(heap);
    struct nw_model_heapevent last = heap->events[--heap->count];
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < heap->count) {
        if (child + 1 < heap->count && is_before(&heap->events[child + 1], &heap->events[child]))
            child++;
        if (!is_before(&heap->events[child], &last))
            break;
        heap->events[at] = heap->events[child];
        at = child;
    }
    heap->events[at] = last; /* the only event overwrites itself */
    return out;
}
