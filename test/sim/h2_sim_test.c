/*
 * Two HTTP/2 connections of ours in a world where reads and writes are split, kernels are full,
 * events come late and connections break: every answer is the right one, whole, or an error, and
 * the same seed gives the same transcript.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "http/h2.h"
#include "io/backend.h"
#include "io/clock.h"
#include "io/listen.h"
#include "io/sim.h"
#include "io/sync.h"
#include "io/worker.h"
#include "../check.h"

enum { FIBERS = 12, ROUNDS = 12, BODY_MAX_BYTES = 200000 };
static const char address[] = "10.7.0.1:80";

struct h2_world {
    struct nw_sim *sim;
    struct nw_runtime *server, *client;
    struct nw_rng rng;
    struct nw_stream stream; /* the client's */
    struct nw_h2 *h2;
    struct nw_listener *listener;
    struct nw_scope scope;
    unsigned ok, failed, cancelled, served;
    bool is_open, is_done;
};

/* Byte i of body n. */
static char byte_of(unsigned number, size_t i)
{
    return (char)('a' + (number * 7 + i * 31 + i / 251) % 26);
}

/* ---- the server ---- */

struct conn {
    struct h2_world *world;
    struct nw_stream stream;
    struct nw_h2 *h2;
    struct nw_scope scope;
};

struct serving {
    struct conn *conn;
    struct nw_h2_stream *stream;
};

/* "GET /NUMBER/BYTES": so many bytes of that body. */
NW_YIELDS static nw_err answer(struct conn *conn, struct nw_h2_stream *stream)
{
    unsigned number = 0, bytes = 0;
    char head[64];
    struct nw_slice asked = nw_h2_request_head(stream);
    CHECK(sscanf(asked.ptr, "POST /%u/%u ", &number, &bytes) == 2);
    size_t got_bytes = 0;
    struct nw_slice piece;
    do {
        NW_TRY(nw_h2_read(stream, &piece));
        for (size_t i = 0; i < piece.len; i++)
            CHECK_EQ(piece.ptr[i], byte_of(number, got_bytes + i));
        got_bytes += piece.len;
    } while (piece.len != 0);
    CHECK_EQ(got_bytes, bytes / 3);
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", bytes);
    NW_TRY(nw_h2_respond(stream, nw_slice_of(head, (size_t)len), false));
    for (size_t at = 0; at < bytes;) {
        char part[5000];
        size_t step = 1 + number * 997 % sizeof part;
        step = step < bytes - at ? step : bytes - at;
        for (size_t i = 0; i < step; i++)
            part[i] = byte_of(number, at + i);
        struct iovec iov = {part, step};
        NW_TRY(nw_h2_write(stream, &iov, 1, number % 3 * 8000));
        at += step;
    }
    NW_TRY(nw_h2_end(stream, NW_SLICE("X-Sum: 1\r\n")));
    return nw_h2_drain(stream);
}

static void serve(void *arg)
{
    struct serving *serving = arg;
    struct conn *conn = serving->conn;
    nw_err err = answer(conn, serving->stream);
    nw_sim_note(conn->world->sim, "server", "answered %s", nw_err_name(err));
    conn->world->served++;
    nw_h2_stream_done(serving->stream);
    nw_free(serving);
}

static void on_request(void *arg, struct nw_h2_stream *stream)
{
    struct conn *conn = arg;
    struct serving *serving = nw_alloc(sizeof *serving);
    *serving = (struct serving){conn, stream};
    CHECK_OK(nw_scope_spawn(&conn->scope, "serve", serve, serving, NULL));
}

static struct nw_h2_options options_for(struct nw_stream *stream, void *arg, bool is_client)
{
    return (struct nw_h2_options){
        .stream = stream,
        .is_client = is_client,
        .streams_max = FIBERS,
        .head_max_bytes = 32768,
        .window_bytes = 65536,
        .window_max_bytes = is_client ? 256 * 1024 : 1 << 20,
        .idle_ms = 20000,
        .ping_idle_ms = is_client ? 1000 : 0,
        .ping_wait_ms = 30000,
        .arg = arg,
        .on_request = is_client ? NULL : on_request,
    };
}

static void serve_connection(void *arg)
{
    struct conn *conn = arg;
    struct nw_h2_options options = options_for(&conn->stream, conn, false);
    CHECK_OK(nw_h2_new(&options, &conn->h2));
    nw_scope_open(&conn->scope);
    nw_err err;
    do { /* an idle connection waits without the session's help, as a parked one does */
        err = nw_h2_run(conn->h2, NULL);
        struct nw_wait wait = {.stream = &conn->stream, .want = NW_WANT_READ};
        if (err == NW_OK)
            err = nw_io_wait_any(&wait, 1);
    } while (err == NW_OK);
    nw_sim_note(conn->world->sim, "server", "ended %s", nw_err_name(err));
    CHECK_OK(nw_scope_join(&conn->scope));
    nw_scope_close(&conn->scope);
    nw_h2_free(conn->h2);
    nw_stream_close(&conn->stream);
    nw_free(conn);
}

static void on_accept(void *owner, struct nw_accepted *accepted)
{
    struct conn *conn = nw_alloc_zero(sizeof *conn);
    conn->world = owner;
    nw_stream_init_accepted(&conn->stream, accepted);
    CHECK_OK(nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "conn", serve_connection,
                            conn, NULL));
}

static void open_server(void *arg)
{
    struct h2_world *world = arg;
    struct nw_listener_options options = {
        .inherited_fd = -1, .on_accept = on_accept, .owner = world};
    CHECK_OK(nw_addr_parse(nw_slice_str(address), &options.addr));
    CHECK_OK(nw_listener_open(world->server, &options, &world->listener));
    nw_listener_start(world->listener);
    world->is_open = true;
}

/* ---- the client ---- */

NW_YIELDS static nw_err send_body(struct nw_h2_stream *stream, unsigned number, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        char part[3000];
        size_t step = sizeof part < bytes - at ? sizeof part : bytes - at;
        for (size_t i = 0; i < step; i++)
            part[i] = byte_of(number, at + i);
        struct iovec iov = {part, step};
        NW_TRY(nw_h2_write(stream, &iov, 1, 16384));
        at += step;
    }
    return nw_h2_end(stream, NW_SLICE(""));
}

/* Reads the answer; `stop_at` bytes in, the reader loses interest. */
NW_YIELDS static nw_err read_body(struct h2_world *world, struct nw_h2_stream *stream,
                                  unsigned number, size_t bytes, size_t stop_at)
{
    struct nw_buf head = {0};
    nw_err err = nw_h2_head(stream, &head);
    nw_buf_release(&head);
    NW_TRY(err);
    size_t at = 0;
    for (;;) {
        struct nw_slice piece;
        NW_TRY(nw_h2_read(stream, &piece));
        if (piece.len == 0)
            break;
        for (size_t i = 0; i < piece.len; i++)
            CHECK_EQ(piece.ptr[i], byte_of(number, at + i));
        at += piece.len;
        if (at > stop_at)
            return NW_CANCELLED;
        if (number % 5 == 0)
            NW_TRY(nw_sleep(number % 40));
    }
    CHECK_EQ(at, bytes);
    CHECK(nw_slice_eq(nw_h2_trailers(stream), NW_SLICE("x-sum: 1\r\n")));
    return NW_OK;
}

NW_YIELDS static nw_err ask(struct h2_world *world, unsigned number)
{
    size_t bytes = nw_rng_below(&world->rng, BODY_MAX_BYTES);
    if (nw_rng_below(&world->rng, 3) == 0)
        bytes %= 100;
    size_t stop_at = nw_rng_below(&world->rng, 8) == 0 ? bytes / 2 : SIZE_MAX;
    char head[100];
    int len = snprintf(head, sizeof head, "POST /%u/%zu HTTP/1.1\r\nHost: a\r\n\r\n", number,
                       bytes);
    struct nw_h2_stream *stream;
    NW_TRY(nw_h2_request(world->h2, nw_slice_of(head, (size_t)len), false, &stream));
    nw_err err = send_body(stream, number, bytes / 3);
    if (err == NW_OK)
        err = read_body(world, stream, number, bytes, stop_at);
    nw_h2_stream_done(stream);
    return err;
}

static void client(void *arg)
{
    struct h2_world *world = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = nw_rng_below(&world->rng, 1000);
        nw_err err = ask(world, number);
        nw_sim_note(world->sim, "client", "%u: %s", number, nw_err_name(err));
        if (err == NW_OK)
            world->ok++;
        else if (err == NW_CANCELLED)
            world->cancelled++;
        else
            world->failed++;
    }
}

static void run_client(void *arg)
{
    struct h2_world *world = arg;
    nw_err err = nw_h2_run(world->h2, NULL);
    nw_sim_note(world->sim, "client", "ended %s", nw_err_name(err));
}

static void open_client(void *arg)
{
    struct h2_world *world = arg;
    struct nw_addr addr;
    CHECK_OK(nw_addr_parse(nw_slice_str(address), &addr));
    CHECK_OK(nw_io_connect(&addr, &world->stream));
    struct nw_h2_options options = options_for(&world->stream, world, true);
    CHECK_OK(nw_h2_new(&options, &world->h2));
    struct nw_scope runner;
    nw_scope_open(&runner);
    CHECK_OK(nw_scope_spawn(&runner, "run", run_client, world, NULL));
    nw_scope_open(&world->scope);
    for (unsigned i = 0; i < FIBERS; i++)
        CHECK_OK(nw_scope_spawn(&world->scope, "client", client, world, NULL));
    CHECK_OK(nw_scope_join(&world->scope));
    nw_scope_close(&world->scope);
    nw_h2_abort(world->h2, NW_HTTP2_NO_ERROR);
    CHECK_OK(nw_scope_join(&runner));
    nw_scope_close(&runner);
    nw_h2_free(world->h2);
    nw_stream_close(&world->stream);
    world->is_done = true;
}

/* ---- worlds ---- */

static bool is_set(void *flag)
{
    return *(bool *)flag;
}

static struct nw_runtime *runtime_in(struct nw_sim *sim, const char *name)
{
    struct nw_runtime_options options = {.backend = &nw_backend_sim,
                                         .world = sim,
                                         .name = name,
                                         .worker_count = 1,
                                         .buffers_max_bytes = 64 << 20,
                                         .fibers_max = 200};
    struct nw_runtime *runtime;
    CHECK_OK(nw_runtime_new(&options, &runtime));
    return runtime;
}

static uint64_t live(uint64_t seed, double reset, struct h2_world *out)
{
    struct h2_world world = {.sim = nw_sim_new(&(struct nw_sim_options){.seed = seed})};
    struct nw_sim_faults *faults = nw_sim_faults(world.sim);
    faults->split_read = faults->split_write = 0.3;
    faults->full = faults->partial_events = 0.1;
    faults->reset = reset;
    faults->buffer_min_bytes = 2000;
    faults->buffer_max_bytes = 60000;
    nw_sim_split(world.sim, "h2", &world.rng);
    world.server = runtime_in(world.sim, "server");
    world.client = runtime_in(world.sim, "client");
    nw_sim_spawn(world.server, 0, "open", open_server, &world);
    CHECK(nw_sim_run_until(world.sim, is_set, &world.is_open, 1000));
    nw_sim_spawn(world.client, 0, "open", open_client, &world);
    if (!nw_sim_run_until(world.sim, is_set, &world.is_done, 3600 * 1000)) {
        fprintf(stderr, "seed %llu never ends\n", (unsigned long long)seed);
        abort();
    }
    nw_sim_run_ms(world.sim, 60000);
    CHECK_EQ(nw_memory_used_bytes(world.client, NW_MEMORY_READ_AHEAD), 0);
    CHECK_EQ(nw_memory_used_bytes(world.server, NW_MEMORY_READ_AHEAD), 0);
    uint64_t hash = nw_sim_transcript_hash(world.sim);
    nw_sim_end(world.sim, world.client);
    nw_sim_end(world.sim, world.server);
    nw_sim_free(world.sim);
    *out = world;
    return hash;
}

static void every_answer_is_whole_however_bytes_are_cut(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct h2_world world;
        live(seed, 0, &world);
        CHECK_EQ(world.failed, 0);
        CHECK_EQ(world.ok + world.cancelled, FIBERS * ROUNDS);
        CHECK(world.ok > FIBERS * ROUNDS / 2 && world.cancelled > 0);
    }
}

static void a_broken_connection_fails_what_is_on_it(void **state)
{
    unsigned failed = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct h2_world world;
        live(seed, 0.002, &world);
        CHECK_EQ(world.ok + world.cancelled + world.failed, FIBERS * ROUNDS);
        failed += world.failed;
    }
    CHECK(failed > 0);
}

static void the_same_seed_is_the_same_story(void **state)
{
    struct h2_world world;
    for (uint64_t seed = 20; seed < 23; seed++)
        CHECK(live(seed, 0.001, &world) == live(seed, 0.001, &world));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_whole_however_bytes_are_cut),
        cmocka_unit_test(a_broken_connection_fails_what_is_on_it),
        cmocka_unit_test(the_same_seed_is_the_same_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
