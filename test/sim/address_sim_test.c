/*
 * PROXY headers in virtual time: whatever the pieces in which they come, whose connection it is
 * decides the answer; and five seconds are five seconds, however the bytes drip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/stream.h"
#include "world.h"

enum { CALLERS = 40, SEEDS = 25 };

static const char door[] = "10.9.0.1:80";

/* Everybody may send a header here; the lower half of 192.0.2.0/24 may have the answer. */
static const char conf[] = "newel: 1\n"
                           "threads: 2\n"
                           "listen: { address: \"10.9.0.1:80\", proxy_protocol: 0.0.0.0/0,\n"
                           "          deny: 192.0.2.255 }\n"
                           "limits: { buffers: 64M, fibers: 4000 }\n"
                           "routes:\n"
                           "  - { path: /, allow: 192.0.2.0/25, respond: { body: \"in\" } }\n";

struct caller {
    struct world *world;
    struct nw_rng rng;
    unsigned number; /* it says that it is 192.0.2.<number> */
    char says[512];
    size_t says_bytes;
    size_t header_bytes;
    uint64_t drips_ms; /* a byte after each so many; 0: pieces as chance has it */
    char heard[4096];
    size_t heard_bytes;
    nw_err err; /* of the last read */
    uint64_t began_ms;
    uint64_t end_ms;
    bool is_over;
};

static void put_header(struct caller *c)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if (c->number % 2 == 0) {
        c->header_bytes = (size_t)snprintf(c->says, sizeof c->says,
                                           "PROXY TCP4 192.0.2.%u 198.51.100.2 %u 80\r\n",
                                           c->number, 1000 + c->number);
    } else {
        static const char fixed[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02";
        memcpy(c->says, fixed, sizeof fixed - 1);
        c->says[19] = (char)c->number;
        memcpy(c->says + 20, "\xc6\x33\x64\x02\x03\xe8\x00\x50", 8);
        c->header_bytes = 28;
    }
    memcpy(c->says + c->header_bytes, get, sizeof get - 1);
    c->says_bytes = c->header_bytes + sizeof get - 1;
}

static nw_err talk(struct caller *c, struct nw_stream *stream)
{
    for (size_t at = 0; at < c->says_bytes;) {
        size_t piece = c->drips_ms != 0 ? 1 : 1 + nw_rng_below(&c->rng, c->says_bytes - at);
        struct iovec iov = {c->says + at, piece};
        NW_TRY(nw_io_write_all(stream, &iov, 1));
        at += piece;
        uint64_t pause_ms = c->drips_ms != 0 ? c->drips_ms : nw_rng_below(&c->rng, 40);
        if (pause_ms > 0)
            NW_TRY(nw_sleep(pause_ms));
    }
    for (;;) {
        size_t got = 0;
        NW_TRY(nw_io_read_into(stream, c->heard + c->heard_bytes,
                               sizeof c->heard - 1 - c->heard_bytes, &got));
        c->heard_bytes += got;
        if (got == 0)
            return NW_OK;
    }
}

static void caller_fiber(void *arg)
{
    struct caller *c = arg;
    struct nw_addr addr;
    struct nw_stream stream;
    CHECK(nw_addr_parse(nw_slice_str(door), &addr) == NW_OK);
    CHECK(nw_io_connect(&addr, &stream) == NW_OK);
    c->began_ms = nw_sim_now_ms(c->world->sim);
    c->err = talk(c, &stream);
    nw_stream_close(&stream);
    c->end_ms = nw_sim_now_ms(c->world->sim) - c->began_ms;
    c->is_over = true;
}

struct crowd {
    struct world *world;
    struct caller callers[CALLERS];
};

static bool are_over(void *arg)
{
    struct crowd *crowd = arg;
    for (unsigned i = 0; i < CALLERS; i++)
        if (!crowd->callers[i].is_over)
            return false;
    return true;
}

static bool hears(const struct caller *c, const char *start)
{
    return strncmp(c->heard, start, strlen(start)) == 0;
}

static void check(const struct caller *c)
{
    if (c->number == 255)
        assert_int_equal(c->heard_bytes, 0);
    else if (c->number < 128)
        assert_true(c->err == NW_OK && hears(c, "HTTP/1.1 200 "));
    else
        assert_true(c->err == NW_OK && hears(c, "HTTP/1.1 403 "));
}

static void who_was_told_decides_however_the_header_comes(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct crowd *crowd = nw_alloc_zero(sizeof *crowd);
        struct world *world = crowd->world = world_new(seed, true);
        world_daemon_add(world, "edge", conf);
        for (unsigned i = 0; i < CALLERS; i++) {
            struct caller *c = &crowd->callers[i];
            c->world = world;
            nw_rng_init(&c->rng, seed * 1000 + i);
            c->number = i == 0 ? 255 : (unsigned)nw_rng_below(&c->rng, 255);
            put_header(c);
            nw_sim_spawn(world->hosts, 0, "caller", caller_fiber, c);
        }
        assert_true(nw_sim_run_until(world->sim, are_over, crowd, 600 * 1000));
        for (unsigned i = 0; i < CALLERS; i++)
            check(&crowd->callers[i]);
        world_free(world);
        nw_free(crowd);
    }
}

static bool is_over(void *arg)
{
    return ((struct caller *)arg)->is_over;
}

static void call(struct caller *c)
{
    put_header(c);
    c->world = world_new(3, true);
    world_daemon_add(c->world, "edge", conf);
    nw_sim_spawn(c->world->hosts, 0, "caller", caller_fiber, c);
    assert_true(nw_sim_run_until(c->world->sim, is_over, c, 600 * 1000));
    world_free(c->world);
}

static void bytes_that_drip_are_no_new_five_seconds(void **state)
{
    struct caller c = {.number = 4, .drips_ms = 200}; /* 41 bytes: eight seconds */
    call(&c);
    assert_int_equal(c.heard_bytes, 0);
    assert_int_equal(c.err, NW_PEER_RESET);
    assert_in_range(c.end_ms, 5000, 5400); /* noticed with one of the next bytes */
}

static void a_header_that_is_whole_in_time_may_be_slow(void **state)
{
    struct caller c = {.number = 4, .drips_ms = 100};
    call(&c);
    assert_true(hears(&c, "HTTP/1.1 200 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_told_decides_however_the_header_comes),
        cmocka_unit_test(bytes_that_drip_are_no_new_five_seconds),
        cmocka_unit_test(a_header_that_is_whole_in_time_may_be_slow),
    };
    return cmocka_run_group_tests_name("address_sim", tests, NULL, NULL);
}
