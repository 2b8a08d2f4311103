/*
 * Columns, not records: a simulation reads the ids of the whole trace and often nothing else, so
 * its 4 bytes a request are all that passes through the processor's caches.
 *
 * Growth is by half: the allocator moves pages, not bytes, and a bound is reached with little room
 * unused.
 */
#include "model/cachetrace.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { ROOM_MIN = 1024 };

static uint64_t request_bytes(bool has_sizes, bool has_times)
{
    return sizeof(uint32_t) + (has_sizes ? sizeof(uint32_t) : 0) +
           (has_times ? sizeof(uint64_t) : 0);
}

uint64_t nw_model_trace_bytes_for(uint64_t request_count, bool has_sizes, bool has_times)
{
    if (request_count > NW_MODEL_REQUESTS_MAX)
        return UINT64_MAX;
    uint64_t room = request_count > ROOM_MIN ? request_count : ROOM_MIN;
    return (room + room / 2) * request_bytes(has_sizes, has_times);
}

/* How many requests fit into the trace's bound. */
static uint64_t room_max(const struct nw_model_trace *trace)
{
    uint64_t fits =
        trace->memory_max_bytes / request_bytes(trace->sizes != NULL, trace->times_us != NULL);
    return fits < NW_MODEL_REQUESTS_MAX ? fits : NW_MODEL_REQUESTS_MAX;
}

static void set_room(struct nw_model_trace *trace, uint64_t room)
{
    trace->ids = nw_realloc(trace->ids, room * sizeof *trace->ids);
    if (trace->sizes != NULL)
        trace->sizes = nw_realloc(trace->sizes, room * sizeof *trace->sizes);
    if (trace->times_us != NULL)
        trace->times_us = nw_realloc(trace->times_us, room * sizeof *trace->times_us);
    trace->room = room;
}

void nw_model_trace_init(struct nw_model_trace *out, bool has_sizes, bool has_times,
                         uint64_t expected_count, uint64_t memory_max_bytes)
{
    *out = (struct nw_model_trace){.memory_max_bytes = memory_max_bytes};
    out->ids = nw_alloc(1);
    out->sizes = has_sizes ? nw_alloc(1) : NULL;
    out->times_us = has_times ? nw_alloc(1) : NULL;
    uint64_t most = room_max(out);
    if (expected_count != 0)
        set_room(out, expected_count < most ? expected_count : most);
}

void nw_model_trace_done(struct nw_model_trace *trace)
{
    nw_free(trace->ids);
    nw_free(trace->sizes);
    nw_free(trace->times_us);
    *trace = (struct nw_model_trace){0};
}

static nw_err grow(struct nw_model_trace *trace)
{
    uint64_t most = room_max(trace);
    if (trace->room >= most)
        return NW_NO_MEMORY;
    uint64_t wanted = trace->room < ROOM_MIN ? ROOM_MIN : trace->room + trace->room / 2;
    set_room(trace, wanted < most ? wanted : most);
    return NW_OK;
}

nw_err nw_model_trace_add(struct nw_model_trace *trace, uint32_t id, uint64_t size,
                          uint64_t time_us)
{
    NW_ASSERT(id <= trace->key_count);
    if (trace->request_count == trace->room)
        NW_TRY(grow(trace));
    uint64_t at = trace->request_count++;
    trace->ids[at] = id;
    if (trace->sizes != NULL)
        trace->sizes[at] = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    if (trace->times_us != NULL)
        trace->times_us[at] = time_us;
    trace->key_count += id == trace->key_count;
    return NW_OK;
}

double nw_model_trace_size_mean(const struct nw_model_trace *trace)
{
    if (trace->sizes == NULL || trace->key_count == 0)
        return 1;
    uint64_t sum = 0;
    uint32_t seen = 0;
    for (uint64_t i = 0; i < trace->request_count && seen < trace->key_count; i++)
        if (trace->ids[i] == seen) {
            sum += trace->sizes[i];
            seen++;
        }
    return (double)sum / (double)seen;
}
