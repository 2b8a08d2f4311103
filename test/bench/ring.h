/*
 * ring.h - the model that event lists are compared on: a closed ring of stations.
 *
 * Each station has one server, exponential service of mean 1 s and begins with two jobs; a job that
 * is done joins the next station. An event is the end of a service. Shared by the programs that
 * play it on newel's lists and on ns-3, so that they differ in the list alone.
 *
 * Owner:   the caller of ring_init frees job_counts
 * Threads: one ring, one thread
 */
#ifndef NW_TEST_BENCH_RING_H
#define NW_TEST_BENCH_RING_H

#include <stdint.h>
#include <stdlib.h>

struct ring {
    uint32_t *job_counts;
    uint32_t station_count;
    uint64_t left; /* events to play */
};

static inline void ring_init(struct ring *ring, uint32_t station_count)
{
    ring->job_counts = (uint32_t *)calloc(station_count, sizeof *ring->job_counts);
    if (!ring->job_counts)
        abort();
    for (uint32_t i = 0; i < station_count; i++)
        ring->job_counts[i] = 2;
    ring->station_count = station_count;
    ring->left = 0;
}

/* A service ended at `station`. Which begin: 1 its own next, 2 the one at *out_next. */
static inline unsigned ring_step(struct ring *ring, uint32_t station, uint32_t *out_next)
{
    uint32_t next = station + 1 < ring->station_count ? station + 1 : 0;
    ring->left--;
    *out_next = next;
    unsigned begins = --ring->job_counts[station] > 0 ? 1 : 0;
    return begins | (ring->job_counts[next]++ == 0 ? 2u : 0u);
}

#endif
