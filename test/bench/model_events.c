/*
 * Rows of `make bench-model`: the ring of ring.h on newel's event lists; stations and queues that
 * are played on them, one customer or message each turn.
 */
#include "model_rows.h"

#include <stdlib.h>

#include "base/rng.h"
#include "model/eventlist.h"
#include "model/queuesim.h"
#include "model/random.h"
#include "model/station.h"
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

/* M/M/1 at 0.8 by the recursion, without events. */
static uint64_t lindley_run(void *state, uint64_t turns)
{
    struct nw_model_lindley queue;
    struct nw_rng rng;
    double now_s = 0, wait_s = 0;
    nw_model_lindley_init(&queue, 1);
    nw_rng_init(&rng, 1);
    for (uint64_t i = 0; i < turns; i++) {
        now_s += nw_rng_exponential(&rng, 1.25);
        wait_s += nw_model_lindley_serve(&queue, now_s, nw_rng_exponential(&rng, 1)) - now_s;
    }
    nw_model_lindley_done(&queue);
    nw_bench_keep(wait_s);
    return turns;
}

/* The same by events: an arrival and a departure for each customer. */
static uint64_t station_run(nw_model_discipline discipline, uint64_t turns)
{
    struct nw_model_stations *set = nw_model_stations_new(NW_MODEL_CALENDAR, 1u << 20);
    struct nw_model_happening seen;
    struct nw_rng rng;
    uint64_t left = turns;
    double wait_s = 0;
    nw_rng_init(&rng, 1);
    nw_model_station_add(set, discipline, 1, 1);
    bool is_well = nw_model_stations_remind(set, 0, 0) == NW_OK;
    while (is_well && nw_model_stations_next(set, &seen)) {
        if (seen.station != NW_MODEL_STATION_NONE) {
            wait_s += seen.time_s - seen.entered_s;
            continue;
        }
        double work_s = nw_rng_exponential(&rng, 1);
        is_well = nw_model_station_enter(set, seen.time_s, 0, work_s, 0) == NW_OK;
        if (--left > 0 && is_well)
            is_well = nw_model_stations_remind(set, seen.time_s + nw_rng_exponential(&rng, 1.25),
                                               0) == NW_OK;
    }
    nw_model_stations_free(set);
    nw_bench_keep(wait_s);
    return is_well ? turns : 0;
}

static uint64_t fifo_run(void *state, uint64_t turns)
{
    return station_run(NW_MODEL_FIFO, turns);
}

static uint64_t ps_run(void *state, uint64_t turns)
{
    return station_run(NW_MODEL_PS, turns);
}

static struct nw_model_queue_spec queue_spec(uint64_t count)
{
    struct nw_model_queue_spec spec = {.shape = NW_MODEL_SHAPE_POISSON,
                                       .count = count,
                                       .over_s = (double)count / 200,
                                       .depth_max = 1000000,
                                       .group_count = 1,
                                       .seed = 1};
    spec.groups[0] =
        (struct nw_model_queue_group){.workers = 1,
                                      .service = {.law = NW_MODEL_LAW_EXPONENTIAL, .mean_s = 0.004},
                                      .attempt_max = 1};
    return spec;
}

static uint64_t queue_run(void *state, uint64_t turns)
{
    struct nw_model_queue_spec spec = queue_spec(turns);
    struct nw_model_queuesim *sim;
    if (nw_model_queuesim_new(&spec, &sim) != NW_OK)
        return 0;
    while (nw_model_queuesim_play(sim, 1 << 20) == NW_AGAIN)
        continue;
    nw_model_queuesim_free(sim);
    return turns;
}

/* A day: even arrivals, an outage, a bound that refuses. */
static uint64_t flow_run(void *state, uint64_t turns)
{
    static const struct nw_model_window outage = {3600, 7200};
    struct nw_model_queue_spec spec = queue_spec(10000000);
    struct nw_model_queue_flow flow = {0};
    spec.over_s = 86400;
    spec.groups[0].outages = &outage;
    spec.groups[0].outage_count = 1;
    for (uint64_t i = 0; i < turns; i++) {
        spec.depth_max = 100000 + (i & 1023);
        if (nw_model_queue_flow_solve(&spec, &flow) != NW_OK)
            return 0;
        nw_bench_keep(flow.refused);
    }
    return turns;
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
    {.name = "lindley",
     .what = "M/M/1 at 0.8 by recursion",
     .unit = "M customers/s",
     .scale = 1e6,
     .run = lindley_run},
    {.name = "station-fifo",
     .what = "the same by events",
     .unit = "M customers/s",
     .scale = 1e6,
     .run = fifo_run},
    {.name = "station-ps",
     .what = "the same, processor sharing",
     .unit = "M customers/s",
     .scale = 1e6,
     .run = ps_run},
    {.name = "queue-event",
     .what = "queue simulator: M/M/1 at 0.8 with histograms",
     .unit = "M messages/s",
     .scale = 1e6,
     .run = queue_run},
    {.name = "queue-fluid",
     .what = "queue simulator: a day with an outage as a fluid",
     .unit = "us",
     .scale = 1e-6,
     .is_time = true,
     .run = flow_run},
    {0},
};
