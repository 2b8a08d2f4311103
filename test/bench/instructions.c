/*
 * The workload of `make bench-instructions`: small requests through a whole newel in the
 * simulated world, the same every time to the last instruction. Counting is on only while
 * newel's own worker has its turn and does not ask the world for something; instructions.py runs
 * it under callgrind with two counts and takes the difference, so that start and end cancel out.
 *
 *     instructions plain|tls|h2|mux REQUESTS
 */
#include <valgrind/callgrind.h>

#include "instructions_load.h"
#include "io/backend.h"

/* ---- counting ---- */

static bool is_counting;

static void count(bool on)
{
    if (is_counting != on)
        CALLGRIND_TOGGLE_COLLECT;
    is_counting = on;
}

static void around(void *arg, const struct nw_runtime *runtime, bool begins)
{
    struct load *load = arg;
    if (runtime == nw_daemon_runtime(load->world->daemons[0].daemon))
        count(begins);
}

/* newel's backend: the simulated one, which does not count. The calls of the steady state. */
#define UNCOUNTED(type, call)                                                                      \
    bool before = is_counting;                                                                     \
    count(false);                                                                                  \
    type result = nw_backend_sim.call;                                                             \
    count(before);                                                                                 \
    return result

static int bench_modify(void *state, struct nw_source *source, unsigned want)
{
    UNCOUNTED(int, modify(state, source, want));
}

static int bench_wait(void *state, struct nw_ready *out, int max, int64_t timeout_ns)
{
    UNCOUNTED(int, wait(state, out, max, timeout_ns));
}

static uint64_t bench_mono(void *state)
{
    UNCOUNTED(uint64_t, mono_ns(state));
}

static uint64_t bench_wall(void *state)
{
    UNCOUNTED(uint64_t, wall_ms(state));
}

static ssize_t bench_readv(void *state, int fd, const struct iovec *iov, int iov_count)
{
    UNCOUNTED(ssize_t, readv(state, fd, iov, iov_count));
}

static ssize_t bench_peek(void *state, int fd, void *to, size_t bytes)
{
    UNCOUNTED(ssize_t, peek(state, fd, to, bytes));
}

static ssize_t bench_writev(void *state, int fd, const struct iovec *iov, int iov_count)
{
    UNCOUNTED(ssize_t, writev(state, fd, iov, iov_count));
}

/* ---- the run ---- */

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct load load = {.world = world_new(1, true)};
    struct nw_backend_ops backend = nw_backend_sim;
    backend.modify = bench_modify;
    backend.wait = bench_wait;
    backend.mono_ns = bench_mono;
    backend.wall_ms = bench_wall;
    backend.readv = bench_readv;
    backend.peek = bench_peek;
    backend.writev = bench_writev;
    load.world->backend = &backend;
    load.left = (unsigned)strtoul(argv[2], NULL, 10);
    nw_sim_faults(load.world->sim)->buffer_min_bytes = 64 * 1024;
    nw_sim_faults(load.world->sim)->buffer_max_bytes = 64 * 1024;
    if (!load_start(&load, argv[1]))
        return 2;
    nw_sim_around_set(load.world->sim, around, &load);
    CHECK(nw_sim_run_until(load.world->sim, load_is_done, &load, 3600 * 1000));
    nw_sim_around_set(load.world->sim, NULL, NULL);
    load_done(&load);
    return 0;
}
