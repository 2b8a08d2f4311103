/* Rows of `make bench-model`: the ring of ring.h on newel's event lists. */
#include "model_rows.h"

#include <stdlib.h>

#include "base/rng.h"
#include "model/eventlist.h"
#include "ring.h"

struct play {
    struct ring ring;
    struct nw_rng rng;
    struct nw_model_eventlist *list;
};

static void serve(struct play *play, double now_s, uint32_t station)
{
    double end_s = now_s + nw_rng_exponential(&play->rng, 1);
    if (nw_model_eventlist_push(play->list, end_s, station) != NW_OK)
        abort();
}

static void *ring_open(nw_model_eventlist_kind kind, uint32_t station_count)
{
    struct play *play = nw_alloc_zero(sizeof *play);
    ring_init(&play->ring, station_count);
    nw_rng_init(&play->rng, 1);
    play->list = nw_model_eventlist_new(kind, station_count + 1);
    for (uint32_t i = 0; i < station_count; i++)
        serve(play, 0, i);
    return play;
}

static uint64_t ring_run(void *state, uint64_t turns)
{
    struct play *play = state;
    struct nw_model_event event;
    play->ring.left = turns;
    while (play->ring.left > 0 && nw_model_eventlist_pop(play->list, &event)) {
        uint32_t next;
        unsigned begins = ring_step(&play->ring, event.payload, &next);
        if (begins & 1)
            serve(play, event.time_s, event.payload);
        if (begins & 2)
            serve(play, event.time_s, next);
    }
    return turns;
}

static void ring_close(void *state)
{
    struct play *play = state;
    nw_model_eventlist_free(play->list);
    free(play->ring.job_counts);
    nw_free(play);
}

#define OPEN(kind, count)                                                                          \
    static void *open_##kind##_##count(void)                                                       \
    {                                                                                              \
        return ring_open(NW_MODEL_##kind, count);                                                  \
    }
OPEN(CALENDAR, 64)
OPEN(CALENDAR, 1024)
OPEN(CALENDAR, 16384)
OPEN(CALENDAR, 262144)
OPEN(HEAP, 64)
OPEN(HEAP, 1024)
OPEN(HEAP, 16384)

#define ROW(title, text, times, other, opener)                                                     \
    {                                                                                              \
        .name = title, .what = text, .unit = "M events/s", .scale = 1e6, .expected = times,        \
        .against = other, .open = opener, .run = ring_run, .close = ring_close                     \
    }

const struct nw_bench_row nw_bench_events_rows[] = {
    ROW("events-64", "calendar: ring of 64 stations", 4, "ns3-64", open_CALENDAR_64),
    ROW("events-1024", "calendar: ring of 1,024", 4, "ns3-1024", open_CALENDAR_1024),
    ROW("events-16384", "calendar: ring of 16,384", 4, "ns3-16384", open_CALENDAR_16384),
    ROW("events-16384-b", "the same beside the heap", 2, "heap-16384", open_CALENDAR_16384),
    ROW("events-262144", "calendar: ring of 262,144", 0, NULL, open_CALENDAR_262144),
    ROW("heap-64", "binary heap: ring of 64", 0, NULL, open_HEAP_64),
    ROW("heap-1024", "binary heap: ring of 1,024", 0, NULL, open_HEAP_1024),
    ROW("heap-16384", "binary heap: ring of 16,384", 0, NULL, open_HEAP_16384),
    {0},
};
