/* The HTTP door's promises about time, memory and endings, in virtual time. */
#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "io/stream.h"
#include "io/worker_impl.h"
#include "world.h"

static const char door[] = "10.9.0.1:80";

/* ---- a client that says what it is told and keeps what it hears ---- */

struct speaker {
    struct world *world;
    const char *says;
    uint64_t leaves_after_ms; /* 0: stays until the other side ends */
    char heard[8192];
    size_t heard_bytes;
    uint64_t asked_ms;
    uint64_t first_ms; /* from asking to the first byte */
    uint64_t end_ms;
    bool is_over;
};

static nw_err speak(struct speaker *s, struct nw_stream *stream)
{
    struct iovec iov = {(void *)(uintptr_t)s->says, strlen(s->says)};
    s->asked_ms = nw_sim_now_ms(s->world->sim);
    NW_TRY(nw_io_write_all(stream, &iov, 1));
    NW_WITHIN(patience, s->leaves_after_ms);
    for (;;) {
        size_t got = 0;
        NW_TRY(nw_io_read_into(stream, s->heard + s->heard_bytes,
                               sizeof s->heard - 1 - s->heard_bytes, &got));
        if (s->heard_bytes == 0)
            s->first_ms = nw_sim_now_ms(s->world->sim) - s->asked_ms;
        s->heard_bytes += got;
        if (got == 0)
            return NW_OK;
    }
}

static void speaker_fiber(void *arg)
{
    struct speaker *s = arg;
    struct nw_addr addr;
    struct nw_stream stream;
    nw_err err = nw_addr_parse(nw_slice_str(door), &addr);
    if (err == NW_OK)
        err = nw_io_connect(&addr, &stream);
    if (err == NW_OK) {
        err = speak(s, &stream);
        nw_stream_close(&stream);
    }
    s->end_ms = nw_sim_now_ms(s->world->sim) - s->asked_ms;
    s->is_over = true;
}

static bool speaker_is_over(void *arg)
{
    return ((struct speaker *)arg)->is_over;
}

static void listen_to(struct speaker *s)
{
    nw_sim_spawn(s->world->hosts, 0, "speaker", speaker_fiber, s);
    CHECK(nw_sim_run_until(s->world->sim, speaker_is_over, s, 3600 * 1000));
}

static bool starts_with(const struct speaker *s, const char *text)
{
    return strncmp(s->heard, text, strlen(text)) == 0;
}

/* ---- a world ---- */

static struct world *world_with(unsigned nodes, const struct world_manner *manner, unsigned threads,
                                const char *service, const char *route)
{
    struct world *world = world_new(5, true);
    struct nw_text conf = {0};
    for (unsigned i = 0; i < nodes; i++)
        world_node_add(world, manner);
    world_conf(world, threads, service, route, &conf);
    world_daemon_add(world, "edge", conf.ptr);
    nw_text_done(&conf);
    return world;
}

static void must_be_clean(struct world *world)
{
    if (world->violation[0] != '\0')
        fail_msg("%s", world->violation);
}

/* ---- time ---- */

#define GET_ONE "GET /r/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void a_request_that_takes_too_long_ends_with_504(void **state)
{
    struct world_manner mute = {.is_mute = true};
    struct world *world = world_with(1, &mute, 1, "", "    timeouts: { request: 300ms }\n");
    struct speaker s = {.world = world, .says = GET_ONE};
    listen_to(&s);
    assert_true(starts_with(&s, "HTTP/1.1 504 "));
    assert_in_range(s.first_ms, 300, 310);
    must_be_clean(world);
    world_free(world);
}

static void a_node_that_says_nothing_ends_with_504(void **state)
{
    struct world_manner mute = {.is_mute = true};
    struct world *world = world_with(1, &mute, 1, "    timeouts: { first_byte: 45s }\n", "");
    struct speaker s = {.world = world, .says = GET_ONE};
    listen_to(&s);
    assert_true(starts_with(&s, "HTTP/1.1 504 "));
    assert_in_range(s.first_ms, 45000, 45010);
    world_free(world);
}

static void a_head_that_never_ends_is_told_408(void **state)
{
    struct world_manner manner = {0};
    struct world *world = world_with(1, &manner, 1, "", "");
    struct speaker s = {.world = world, .says = "GET /r/1 HTTP/1.1\r\nHost: a\r\n"};
    listen_to(&s);
    assert_true(starts_with(&s, "HTTP/1.1 408 "));
    assert_in_range(s.first_ms, 10000, 10010); /* limits.head_time */
    assert_int_equal(world->nodes[0].requests, 0);
    world_free(world);
}

static void a_silent_connection_is_closed_without_a_word(void **state)
{
    struct world_manner manner = {0};
    struct world *world = world_with(1, &manner, 1, "", "");
    struct speaker s = {.world = world, .says = ""};
    listen_to(&s);
    assert_int_equal(s.heard_bytes, 0);
    assert_in_range(s.end_ms, 10000, 60010); /* head_time at least, limits.idle at most */
    world_free(world);
}

static bool node_has_request(void *arg)
{
    return ((struct world *)arg)->nodes[0].requests > 0;
}

static bool node_has_cancelled(void *arg)
{
    return ((struct world *)arg)->nodes[0].cancelled > 0;
}

static void a_client_that_goes_ends_the_nodes_work(void **state)
{
    struct world_manner mute = {.is_mute = true};
    struct world *world = world_with(1, &mute, 1, "", "");
    struct speaker s = {.world = world, .says = GET_ONE, .leaves_after_ms = 200};
    listen_to(&s);
    assert_int_equal(s.heard_bytes, 0);
    assert_true(node_has_request(world));
    assert_true(nw_sim_run_until(world->sim, node_has_cancelled, world, 20));
    world_free(world);
}

/* ---- memory ---- */

enum { BIG_BYTES = 1 << 30, SLOW_STEP_BYTES = 256 * 1024, BIG_BOUND_BYTES = 2 << 20 };

struct slow_reader {
    struct world *world;
    uint64_t got_bytes;
    uint64_t most_held_bytes; /* what newel and the two connections held at most */
    uint64_t most_used_bytes; /* newel's buffers */
    bool is_over;
};

static void slow_fiber(void *arg)
{
    struct slow_reader *r = arg;
    struct nw_addr addr;
    struct nw_stream stream;
    char head[128];
    CHECK(nw_addr_parse(nw_slice_str(door), &addr) == NW_OK);
    CHECK(nw_io_connect(&addr, &stream) == NW_OK);
    snprintf(head, sizeof head, "GET /big/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
             BIG_BYTES);
    struct iovec iov = {head, strlen(head)};
    CHECK(nw_io_write_all(&stream, &iov, 1) == NW_OK);
    char *bytes = nw_alloc(SLOW_STEP_BYTES);
    size_t got = 1;
    while (got > 0) {
        CHECK(nw_io_read_into(&stream, bytes, SLOW_STEP_BYTES, &got) == NW_OK);
        r->got_bytes += got;
        if (r->got_bytes % 64 == 0)
            CHECK(nw_sleep(1) == NW_OK);
    }
    nw_free(bytes);
    nw_stream_close(&stream);
    r->is_over = true;
}

static void watch_slow(void *arg)
{
    struct slow_reader *r = arg;
    struct nw_runtime *runtime = nw_daemon_runtime(r->world->daemons[0].daemon);
    uint64_t used = atomic_load_explicit(&runtime->memory_total_bytes, memory_order_relaxed);
    uint64_t sent = r->world->nodes[0].big_sent_bytes;
    if (used > r->most_used_bytes)
        r->most_used_bytes = used;
    if (sent > r->got_bytes && sent - r->got_bytes > r->most_held_bytes)
        r->most_held_bytes = sent - r->got_bytes;
}

static bool slow_is_over(void *arg)
{
    return ((struct slow_reader *)arg)->is_over;
}

static void a_slow_reader_of_a_huge_body_holds_little(void **state)
{
    struct world_manner manner = {0};
    struct world *world = world_with(1, &manner, 1, "", "");
    struct slow_reader r = {.world = world};
    nw_sim_check_set(world->sim, watch_slow, &r);
    nw_sim_spawn(world->hosts, 0, "slow", slow_fiber, &r);
    assert_true(nw_sim_run_until(world->sim, slow_is_over, &r, 3600 * 1000));
    nw_sim_check_set(world->sim, NULL, NULL);
    assert_true(r.got_bytes > BIG_BYTES); /* and a head */
    assert_true(r.most_held_bytes < BIG_BOUND_BYTES);
    assert_true(r.most_used_bytes < BIG_BOUND_BYTES);
    world_free(world);
}

/* ---- keeping connections ---- */

static uint64_t node_connections(const struct world *world)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < world->node_count; i++)
        count += world->nodes[i].connections;
    return count;
}

static void nearly_every_request_finds_a_connection(void **state)
{
    struct world_manner manner = {.service_us = 500};
    struct world *world = world_with(2, &manner, 1, "", "");
    struct world_habit habit = {
        .address = door, .requests = 2000, .think_us = 300, .patience_ms = 10000};
    world_clients_add(world, 8, &habit);
    assert_true(world_run_clients(world, 3600 * 1000));
    assert_int_equal(world->stats.ok, 16000);
    assert_int_equal(world->stats.connections, 8);
    assert_true(node_connections(world) * 1000 < 16000); /* > 99.9 % are reused */
    must_be_clean(world);
    world_free(world);
}

/* ---- reload ---- */

struct reloader {
    struct world *world;
    struct nw_text texts[2];
    unsigned count;
    bool is_over;
};

static void reload_next(void *arg)
{
    struct reloader *r = arg;
    if (r->is_over)
        return;
    world_daemon_reload(&r->world->daemons[0], r->texts[r->count++ % 2].ptr);
    nw_sim_after(r->world->sim, 17, reload_next, r);
}

static void no_request_notices_a_reload_with(unsigned threads)
{
    struct world_manner manner = {.service_us = 4000};
    struct world *world = world_with(3, &manner, threads, "", "");
    struct reloader r = {.world = world};
    world_conf(world, threads, "    balance: round-robin\n", "", &r.texts[1]);
    world->node_count--; /* the other text knows two nodes */
    world_conf(world, threads, "    max_connections: 50\n", "    timeouts: { request: 5s }\n",
               &r.texts[0]);
    world->node_count++;
    struct world_habit habit = {
        .address = door, .requests = 150, .think_us = 2000, .patience_ms = 10000};
    world_clients_add(world, 20, &habit);
    nw_sim_after(world->sim, 20, reload_next, &r);
    assert_true(world_run_clients(world, 3600 * 1000));
    r.is_over = true;
    assert_int_equal(world->stats.ok, 20 * 150);
    assert_true(world->daemons[0].reloads_done > 20);
    assert_int_equal(world->daemons[0].reloads_failed, 0);
    must_be_clean(world);
    nw_text_done(&r.texts[0]);
    nw_text_done(&r.texts[1]);
    world_free(world);
}

static void no_request_notices_a_reload(void **state)
{
    no_request_notices_a_reload_with(1);
    no_request_notices_a_reload_with(3);
}

static bool has_reload_failed(void *arg)
{
    return ((struct world *)arg)->daemons[0].reloads_failed > 0;
}

static void a_broken_text_changes_nothing(void **state)
{
    struct world_manner manner = {.service_us = 1000};
    struct world *world = world_with(1, &manner, 1, "", "");
    world_daemon_reload(&world->daemons[0], "newel: 1\nlisten: nonsense\n");
    assert_true(nw_sim_run_until(world->sim, has_reload_failed, world, 1000));
    struct world_habit habit = {.address = door, .requests = 100, .patience_ms = 10000};
    world_clients_add(world, 2, &habit);
    assert_true(world_run_clients(world, 60000));
    assert_int_equal(world->stats.ok, 200);
    world_free(world);
}

/* ---- endings ---- */

static bool twenty_are_in_work(void *arg)
{
    return ((struct world *)arg)->nodes[0].requests == 20;
}

static void what_is_in_flight_ends_well_when_newel_drains(void **state)
{
    struct world_manner slow = {.service_us = 2000000, .slowest_us = 5000000};
    struct world *world = world_with(1, &slow, 2, "", "");
    struct world_habit habit = {.address = door, .requests = 2, .patience_ms = 60000};
    world_clients_add(world, 20, &habit);
    assert_true(nw_sim_run_until(world->sim, twenty_are_in_work, world, 1000));
    uint64_t before_ms = nw_sim_now_ms(world->sim);
    world_daemon_end_begin(&world->daemons[0]);
    assert_true(world_run_clients(world, 60000));
    assert_int_equal(world->stats.ok, 20);     /* the first of each */
    assert_int_equal(world->stats.broken, 20); /* the second finds nobody */
    world_daemon_end(&world->daemons[0]);
    assert_true(nw_sim_now_ms(world->sim) - before_ms < 6000);
    must_be_clean(world);
    world_free(world);
}

static void what_takes_longer_than_the_drain_is_cut(void **state)
{
    struct world_manner mute = {.is_mute = true};
    struct world *world = world_with(1, &mute, 1, "", "");
    struct world_habit habit = {.address = door, .requests = 1, .patience_ms = 3600 * 1000};
    world_clients_add(world, 5, &habit);
    nw_sim_run_ms(world->sim, 1000);
    uint64_t before_ms = nw_sim_now_ms(world->sim);
    world_daemon_end(&world->daemons[0]);
    assert_in_range(nw_sim_now_ms(world->sim) - before_ms, 29000, 31000); /* drain: 30s */
    assert_true(world_run_clients(world, 60000));
    assert_int_equal(world->stats.ok, 0);
    world_free(world);
}

static void a_killed_newel_starts_again(void **state)
{
    struct world_manner manner = {.service_us = 2000};
    struct world *world = world_with(2, &manner, 2, "", "");
    struct world_habit habit = {
        .address = door, .requests = 400, .think_us = 1000, .patience_ms = 5000};
    world_clients_add(world, 10, &habit);
    for (unsigned i = 0; i < 5; i++) {
        nw_sim_run_ms(world->sim, 100);
        world_daemon_kill(&world->daemons[0], i == 4);
        nw_sim_run_ms(world->sim, 5);
        world_daemon_restart(&world->daemons[0]);
    }
    assert_true(world_run_clients(world, 3600 * 1000));
    assert_true(world->stats.ok > 3000);
    assert_true(world->stats.broken >= 10);
    must_be_clean(world);
    world_free(world);
}

/* ---- two in a row ---- */

static void two_newels_in_a_row_mix_nothing_up(void **state)
{
    struct world_manner manner = {
        .service_us = 2000, .closes = 0.01, .says_close = 0.02, .cuts = 0.01};
    struct world *world = world_with(2, &manner, 2, "", "");
    world_daemon_add(world, "front",
                     "newel: 1\nthreads: 2\nlisten: 10.9.0.2:80\n"
                     "limits: { buffers: 64M, fibers: 4000 }\n"
                     "services: { edge: { nodes: [ 10.9.0.1:80 ] } }\n"
                     "routes: [ { path: /, service: edge } ]\n");
    nw_sim_faults(world->sim)->reset = 0.001;
    nw_sim_faults(world->sim)->split_read = nw_sim_faults(world->sim)->split_write = 0.05;
    struct world_habit habit = {
        .address = "10.9.0.2:80", .requests = 200, .patience_ms = 5000, .aborts = 0.02};
    world_clients_add(world, 10, &habit);
    assert_true(world_run_clients(world, 3600 * 1000));
    assert_true(world->stats.ok > 1800);
    must_be_clean(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_takes_too_long_ends_with_504),
        cmocka_unit_test(a_node_that_says_nothing_ends_with_504),
        cmocka_unit_test(a_head_that_never_ends_is_told_408),
        cmocka_unit_test(a_silent_connection_is_closed_without_a_word),
        cmocka_unit_test(a_client_that_goes_ends_the_nodes_work),
        cmocka_unit_test(a_slow_reader_of_a_huge_body_holds_little),
        cmocka_unit_test(nearly_every_request_finds_a_connection),
        cmocka_unit_test(no_request_notices_a_reload),
        cmocka_unit_test(a_broken_text_changes_nothing),
        cmocka_unit_test(what_is_in_flight_ends_well_when_newel_drains),
        cmocka_unit_test(what_takes_longer_than_the_drain_is_cut),
        cmocka_unit_test(a_killed_newel_starts_again),
        cmocka_unit_test(two_newels_in_a_row_mix_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
