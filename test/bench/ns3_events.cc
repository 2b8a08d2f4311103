/*
 * ns3_events.cc - the ring of ring.h on ns-3's simulator with its default scheduler (a map).
 *
 *   ns3_events STATIONS EVENTS      prints events per second of CPU time and the checksum
 *
 * Times are whole nanoseconds, as ns-3's own models give them; the random numbers are newel's.
 */
#include <cstdio>
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
    if (ring.left == 0)
        return ns3::Simulator::Stop();
    unsigned begins = ring_step(&ring, station, &next);
    if (begins & 1)
        serve(station);
    if (begins & 2)
        serve(next);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    uint64_t event_count = strtoull(argv[2], nullptr, 10);
    ring_init(&ring, (uint32_t)strtoul(argv[1], nullptr, 10), event_count);
    nw_rng_init(&rng, 1);
    for (uint32_t i = 0; i < ring.station_count; i++)
        serve(i);
    double before_s = cpu_s();
    ns3::Simulator::Run();
    double spent_s = cpu_s() - before_s;
    printf("%.0f %016llx\n", (double)event_count / spent_s, (unsigned long long)ring.checksum);
    ns3::Simulator::Destroy();
    free(ring.job_counts);
    return 0;
}
