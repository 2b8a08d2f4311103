/*
 * The workload of `make bench-instructions`: small requests through a whole newel in the
 * simulated world, the same every time to the last instruction. Counting is on only while
 * newel's own worker has its turn and does not ask the world for something; instructions.py runs
 * it under callgrind with two counts and takes the difference, so that start and end cancel out.
 *
 *     instructions REQUESTS
 */
#include <valgrind/callgrind.h>

#include "io/backend.h"
#include "io/worker.h"
#include "talk.h"
#include "world.h"

enum { CLIENTS = 8 };

struct load {
    struct world *world;
    unsigned left;
    unsigned running;
};

static bool ignore_body(void *arg, const char *bytes, size_t count)
{
    return true;
}

static void client_fiber(void *arg)
{
    struct load *load = arg;
    struct talk talk;
    struct nw_addr addr;
    CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
    CHECK(nw_io_connect(&addr, &talk.stream) == NW_OK);
    talk_init(&talk);
    while (load->left > 0) {
        struct talk_head head;
        load->left--;
        CHECK(talk_send(&talk, NW_SLICE("GET /big/128 HTTP/1.1\r\nHost: shop.example\r\n"
                                        "User-Agent: instructions\r\nAccept: */*\r\n\r\n")) ==
              NW_OK);
        CHECK(talk_head(&talk, &head) == NW_OK);
        CHECK(head.status == 200);
        CHECK(talk_body(&talk, &head, ignore_body, NULL) == NW_OK);
    }
    talk_done(&talk);
    load->running--;
}

static bool is_done(void *arg)
{
    return ((struct load *)arg)->running == 0;
}

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
    struct load load = {.world = world_new(1, true), .running = CLIENTS};
    struct world_manner manner = {0};
    struct nw_text conf = {0};
    struct nw_backend_ops backend = nw_backend_sim;
    backend.modify = bench_modify;
    backend.wait = bench_wait;
    backend.mono_ns = bench_mono;
    backend.wall_ms = bench_wall;
    backend.readv = bench_readv;
    backend.peek = bench_peek;
    backend.writev = bench_writev;
    load.world->backend = &backend;
    load.left = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    nw_sim_faults(load.world->sim)->buffer_min_bytes = 64 * 1024;
    nw_sim_faults(load.world->sim)->buffer_max_bytes = 64 * 1024;
    world_node_add(load.world, &manner);
    world_conf(load.world, 1, "", "", &conf);
    world_daemon_add(load.world, "edge", conf.ptr);
    nw_text_done(&conf);
    for (unsigned i = 0; i < CLIENTS; i++)
        nw_sim_spawn(load.world->hosts, 0, "client", client_fiber, &load);
    nw_sim_around_set(load.world->sim, around, &load);
    CHECK(nw_sim_run_until(load.world->sim, is_done, &load, 3600 * 1000));
    nw_sim_around_set(load.world->sim, NULL, NULL);
    world_free(load.world);
    return 0;
}
