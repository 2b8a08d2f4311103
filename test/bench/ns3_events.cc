/*
 * ns3_events - the ring of ring.h on ns-3's simulator with its default scheduler (a map).
 *
 *   ns3_events --list | ROW      as test/bench/model.c
 *
 * Times are whole nanoseconds, as ns-3's own models give them; the random numbers are newel's.
 */
#include <cstdio>
#include <cstring>
#include <ctime>

#include "ns3/core-module.h"

extern "C" {
#include "base/rng.h"
}
#include "ring.h"

static struct ring ring;
static struct nw_rng rng;

static double cpu_s()
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void depart(uint32_t station);

static void serve(uint32_t station)
{
    auto gap_ns = (int64_t)nw_rng_exponential(&rng, 1e9);
    ns3::Simulator::Schedule(ns3::NanoSeconds(gap_ns), &depart, station);
}

static void depart(uint32_t station)
{
    uint32_t next;
    unsigned begins = ring_step(&ring, station, &next);
    if (begins & 1)
        serve(station);
    if (begins & 2)
        serve(next);
    if (ring.left == 0)
        ns3::Simulator::Stop();
}

static void row_measure(uint32_t station_count)
{
    ring_init(&ring, station_count);
    nw_rng_init(&rng, 1);
    for (uint32_t i = 0; i < station_count; i++)
        serve(i);
    uint64_t event_count = 0;
    double spent_s = 0;
    for (uint64_t turns = 1000; spent_s < 0.5; turns *= 2) {
        ring.left = event_count = turns;
        double before_s = cpu_s();
        ns3::Simulator::Run();
        spent_s = cpu_s() - before_s;
    }
    printf("{\"operations\": %llu, \"cpu_s\": %.9f}\n", (unsigned long long)event_count, spent_s);
    ns3::Simulator::Destroy();
    free(ring.job_counts);
}

int main(int argc, char **argv)
{
    static const uint32_t station_counts[] = {64, 1024, 16384};
    if (argc != 2)
        return 2;
    bool is_list = strcmp(argv[1], "--list") == 0;
    for (uint32_t station_count : station_counts) {
        char name[32];
        snprintf(name, sizeof name, "ns3-%u", station_count);
        if (is_list)
            printf("{\"name\": \"%s\", \"what\": \"ns-3: ring of %u stations\", "
                   "\"unit\": \"M events/s\", \"scale\": 1e6, \"is_time\": false, "
                   "\"expected\": 0, \"against\": \"\"}\n",
                   name, station_count);
        else if (strcmp(argv[1], name) == 0)
            return row_measure(station_count), 0;
    }
    return is_list ? 0 : 2;
}
