/*
 * model_events.c - the ring of ring.h on newel's event lists.
 *
 *   model_events calendar|heap STATIONS EVENTS [ns]   prints events per second of CPU time and the
 *                                                     checksum; ns: times in whole nanoseconds
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "model/eventlist.h"
#include "ring.h"

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool in_ns;

static bool serve(struct nw_model_eventlist *list, struct nw_rng *rng, double now_s, uint32_t at)
{
    double gap = in_ns ? (double)(int64_t)nw_rng_exponential(rng, 1e9) : nw_rng_exponential(rng, 1);
    return nw_model_eventlist_push(list, now_s + gap, at) == NW_OK;
}

static bool play(struct nw_model_eventlist *list, struct nw_rng *rng, struct ring *ring)
{
    struct nw_model_event event;
    while (ring->left > 0 && nw_model_eventlist_pop(list, &event)) {
        uint32_t next;
        unsigned begins = ring_step(ring, event.payload, &next);
        if ((begins & 1) && !serve(list, rng, event.time_s, event.payload))
            return false;
        if ((begins & 2) && !serve(list, rng, event.time_s, next))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct ring ring;
    struct nw_rng rng;
    if (argc < 4)
        return 2;
    nw_model_eventlist_kind kind = strcmp(argv[1], "heap") ? NW_MODEL_CALENDAR : NW_MODEL_HEAP;
    in_ns = argc > 4;
    ring_init(&ring, (uint32_t)strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    nw_rng_init(&rng, 1);
    struct nw_model_eventlist *list = nw_model_eventlist_new(kind, ring.station_count + 1);
    for (uint32_t i = 0; i < ring.station_count; i++)
        if (!serve(list, &rng, 0, i))
            return 1;
    double event_count = (double)ring.left, before_s = cpu_s();
    if (!play(list, &rng, &ring))
        return 1;
    double spent_s = cpu_s() - before_s;
    printf("%.0f %016llx\n", event_count / spent_s, (unsigned long long)ring.checksum);
    nw_model_eventlist_free(list);
    free(ring.job_counts);
    return 0;
}
