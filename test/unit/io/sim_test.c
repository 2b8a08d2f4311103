/* The simulated world: order, time, sockets and their faults, death and burial. */
#include "io/sim.h"

#include "base/alloc.h"
#include "core_run.h"
#include "io/dns.h"
#include "io/file.h"
#include "io/listen.h"
#include "io/offload.h"
#include "io/stream.h"
#include "io/sync.h"

static struct nw_runtime *runtime_in(struct nw_sim *sim, const char *name, unsigned workers)
{
    struct nw_runtime_options options = {.backend = &nw_backend_sim,
                                         .world = sim,
                                         .name = name,
                                         .worker_count = workers,
                                         .buffers_max_bytes = 64 << 20,
                                         .fibers_max = 1000};
    struct nw_runtime *runtime;
    CHECK(nw_runtime_new(&options, &runtime) == NW_OK);
    return runtime;
}

static struct nw_sim *world(uint64_t seed)
{
    return nw_sim_new(&(struct nw_sim_options){.seed = seed});
}

static struct nw_addr addr_of(const char *text)
{
    struct nw_addr addr;
    CHECK(nw_addr_parse(nw_slice_str(text), &addr) == NW_OK);
    return addr;
}

static bool is_set(void *flag)
{
    return *(bool *)flag;
}

/* ---- an echo server ---- */

struct echo {
    struct nw_listener *listener;
    struct nw_runtime *runtime;
    const char *addr;
    bool is_open;
    unsigned served;
};

struct echo_conn {
    struct nw_stream stream;
    struct echo *echo;
};

static void echo_fiber(void *arg)
{
    struct echo_conn *conn = arg;
    char bytes[3000];
    size_t got;
    conn->echo->served++;
    while (nw_io_read_into(&conn->stream, bytes, sizeof bytes, &got) == NW_OK && got > 0) {
        struct iovec iov = {bytes, got};
        if (nw_io_write_all(&conn->stream, &iov, 1) != NW_OK)
            break;
    }
    nw_stream_close(&conn->stream);
    nw_free(conn);
}

static void echo_accept(void *owner, struct nw_accepted *accepted)
{
    struct echo_conn *conn = nw_alloc_zero(sizeof *conn);
    conn->echo = owner;
    nw_stream_init_accepted(&conn->stream, accepted);
    nw_err err =
        nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "echo", echo_fiber, conn, NULL);
    CHECK(err == NW_OK);
}

static void echo_open(void *arg)
{
    struct echo *echo = arg;
    struct nw_listener_options options = {.owner = echo,
                                          .on_accept = echo_accept,
                                          .addr = addr_of(echo->addr),
                                          .inherited_fd = -1};
    CHECK(nw_listener_open(echo->runtime, &options, &echo->listener) == NW_OK);
    nw_listener_start(echo->listener);
    echo->is_open = true;
}

static void echo_start(struct nw_sim *sim, struct echo *echo, struct nw_runtime *runtime)
{
    echo->runtime = runtime;
    if (echo->addr == NULL)
        echo->addr = "10.0.0.1:80";
    nw_sim_spawn(runtime, 0, "open", echo_open, echo);
    CHECK(nw_sim_run_until(sim, is_set, &echo->is_open, 1000));
}

/* ---- a client that checks what comes back ---- */

struct client {
    const char *addr;
    size_t bytes; /* to send in all */
    unsigned tag;
    size_t echoed;
    nw_err err;
    bool is_done;
    bool half_closes;
    struct nw_stream stream;
};

static char byte_at(unsigned tag, size_t at)
{
    return (char)(tag * 31 + at * 7 + at / 251);
}

static void send_fiber(void *arg)
{
    struct client *client = arg;
    char bytes[5000];
    for (size_t at = 0; at < client->bytes;) {
        size_t count = client->bytes - at < sizeof bytes ? client->bytes - at : sizeof bytes;
        for (size_t i = 0; i < count; i++)
            bytes[i] = byte_at(client->tag, at + i);
        struct iovec iov = {bytes, count};
        if (nw_io_write_all(&client->stream, &iov, 1) != NW_OK)
            return;
        at += count;
    }
    if (client->half_closes)
        nw_stream_shutdown_write(&client->stream);
}

static nw_err client_run(struct client *client)
{
    struct nw_addr addr = addr_of(client->addr != NULL ? client->addr : "10.0.0.1:80");
    NW_TRY(nw_io_connect(&addr, &client->stream));
    struct nw_scope sender;
    nw_scope_open(&sender);
    nw_err err = nw_scope_spawn(&sender, "send", send_fiber, client, NULL);
    while (err == NW_OK && (client->half_closes || client->echoed < client->bytes)) {
        char bytes[700];
        size_t got = 0;
        err = nw_io_read_into(&client->stream, bytes, sizeof bytes, &got);
        for (size_t i = 0; err == NW_OK && i < got; i++)
            CHECK(bytes[i] == byte_at(client->tag, client->echoed + i));
        client->echoed += got;
        if (err == NW_OK && got == 0)
            break;
    }
    nw_scope_close(&sender);
    nw_stream_close(&client->stream);
    return err;
}

static void client_fiber(void *arg)
{
    struct client *client = arg;
    client->err = client_run(client);
    client->is_done = true;
}

static struct client talk(struct nw_sim *sim, struct nw_runtime *runtime, struct client client)
{
    struct client *at = nw_alloc_zero(sizeof *at);
    *at = client;
    nw_sim_spawn(runtime, 0, "client", client_fiber, at);
    CHECK(nw_sim_run_until(sim, is_set, &at->is_done, 600000));
    client = *at;
    nw_free(at);
    return client;
}

/* ---- determinism ---- */

static void faulty(struct nw_sim *sim)
{
    *nw_sim_faults(sim) = (struct nw_sim_faults){
        .split_read = 0.3,
        .split_write = 0.3,
        .full = 0.1,
        .partial_events = 0.2,
        .reset = 0.002,
        .connect_refused = 0.1,
        .stall = 0.01,
        .slow_job = 0.5,
        .latency_us = 300,
        .jitter_us = 500,
        .stall_ms = 20,
        .slow_job_ms = 5,
        .buffer_min_bytes = 100,
        .buffer_max_bytes = 9000,
    };
}

struct busy {
    struct client clients[12];
};

static bool all_done(void *arg)
{
    struct busy *busy = arg;
    for (size_t i = 0; i < NW_COUNT(busy->clients); i++)
        if (!busy->clients[i].is_done)
            return false;
    return true;
}

/* A dozen clients of an echo server on a bad network; the transcript. */
static struct nw_text busy_run(uint64_t seed, unsigned workers, struct busy *busy)
{
    struct nw_sim *sim = world(seed);
    struct nw_runtime *server = runtime_in(sim, "server", workers);
    struct nw_runtime *clients = runtime_in(sim, "clients", 1);
    struct echo echo = {0};
    *busy = (struct busy){0};
    echo_start(sim, &echo, server);
    faulty(sim);
    for (unsigned i = 0; i < NW_COUNT(busy->clients); i++) {
        busy->clients[i] =
            (struct client){.bytes = 20000 + 999 * i, .tag = i, .half_closes = i % 2};
        nw_sim_spawn(clients, 0, "client", client_fiber, &busy->clients[i]);
    }
    CHECK(nw_sim_run_until(sim, all_done, busy, 600000));
    nw_sim_end(sim, clients);
    nw_sim_end(sim, server);
    struct nw_text text = {0};
    nw_text_add(&text, nw_sim_transcript(sim));
    nw_sim_free(sim);
    return text;
}

static void runs_repeat(unsigned workers)
{
    struct busy busy;
    struct nw_text first = busy_run(11, workers, &busy);
    struct nw_text again = busy_run(11, workers, &busy);
    struct nw_text other = busy_run(12, workers, &busy);
    CHECK(first.len > 10000);
    CHECK(nw_slice_eq(nw_text_slice(&first), nw_text_slice(&again)));
    CHECK(!nw_slice_eq(nw_text_slice(&first), nw_text_slice(&other)));
    nw_text_done(&first);
    nw_text_done(&again);
    nw_text_done(&other);
}

static void the_same_seed_gives_the_same_transcript(void **state)
{
    runs_repeat(1);
}

static void the_same_seed_gives_the_same_transcript_with_three_workers(void **state)
{
    runs_repeat(3);
}

static void whatever_goes_wrong_bytes_are_never_changed(void **state)
{
    unsigned whole = 0, broken = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct busy busy;
        struct nw_text text = busy_run(seed, 2, &busy);
        for (size_t i = 0; i < NW_COUNT(busy.clients); i++) {
            bool is_whole = busy.clients[i].err == NW_OK;
            whole += is_whole;
            broken += !is_whole;
            CHECK(!is_whole || busy.clients[i].echoed == busy.clients[i].bytes);
        }
        nw_text_done(&text);
    }
    CHECK(whole > 20 && broken > 20); /* of 240: both kinds must have been seen */
}

/* ---- one thing at a time ---- */

struct pair {
    struct nw_sim *sim;
    struct nw_runtime *server;
    struct nw_runtime *clients;
    struct echo echo;
};

static void pair_open(struct pair *pair)
{
    *pair = (struct pair){.sim = world(3)};
    pair->server = runtime_in(pair->sim, "server", 1);
    pair->clients = runtime_in(pair->sim, "clients", 1);
    echo_start(pair->sim, &pair->echo, pair->server);
}

static void pair_close(struct pair *pair)
{
    nw_sim_end(pair->sim, pair->clients);
    if (pair->server != NULL)
        nw_sim_end(pair->sim, pair->server);
    nw_sim_free(pair->sim);
}

static void an_address_without_a_listener_refuses(void **state)
{
    struct pair pair;
    pair_open(&pair);
    struct client client =
        talk(pair.sim, pair.clients, (struct client){.addr = "10.0.0.1:81", .bytes = 1});
    CHECK_EQ(client.err, NW_REFUSED);
    client = talk(pair.sim, pair.clients, (struct client){.addr = "unix:/none", .bytes = 1});
    CHECK_EQ(client.err, NW_REFUSED);
    pair_close(&pair);
}

static void a_lost_attempt_ends_with_the_callers_deadline(void **state)
{
    struct pair pair;
    pair_open(&pair);
    nw_sim_faults(pair.sim)->connect_lost = 1;
    struct client client = {.bytes = 1};
    nw_sim_spawn(pair.clients, 0, "client", client_fiber, &client);
    nw_sim_run_ms(pair.sim, 100000);
    CHECK(!client.is_done);
    pair_close(&pair); /* the stop cancels it */
    CHECK_EQ(client.err, NW_CANCELLED);
}

static void a_half_closed_connection_still_answers(void **state)
{
    struct pair pair;
    pair_open(&pair);
    struct client client =
        talk(pair.sim, pair.clients, (struct client){.bytes = 100000, .half_closes = true});
    CHECK_EQ(client.err, NW_OK);
    CHECK_EQ(client.echoed, 100000);
    pair_close(&pair);
}

static void a_reset_is_seen_by_the_reader(void **state)
{
    struct pair pair;
    pair_open(&pair);
    nw_sim_faults(pair.sim)->reset = 1;
    struct client client = talk(pair.sim, pair.clients, (struct client){.bytes = 100000});
    CHECK(client.err == NW_PEER_RESET || client.err == NW_PEER_CLOSED);
    pair_close(&pair);
}

struct filler {
    struct nw_stream stream;
    size_t taken;
    bool is_full;
};

static void fill_fiber(void *arg)
{
    struct filler *filler = arg;
    static const char bytes[1000];
    struct nw_addr addr = addr_of("10.0.0.2:80");
    CHECK(nw_io_connect(&addr, &filler->stream) == NW_OK);
    for (;;) {
        struct iovec iov = {(void *)(uintptr_t)bytes, sizeof bytes};
        size_t taken;
        nw_err err = nw_io_write_some(&filler->stream, &iov, 1, &taken);
        if (err == NW_AGAIN)
            break;
        CHECK(err == NW_OK);
        filler->taken += taken;
    }
    filler->is_full = true;
    nw_err err = nw_sleep(3600 * 1000);
    CHECK_EQ(err, NW_CANCELLED);
    nw_stream_close(&filler->stream);
}

static void a_buffer_holds_no_more_than_its_size(void **state)
{
    struct pair pair;
    pair_open(&pair);
    nw_sim_faults(pair.sim)->buffer_min_bytes = nw_sim_faults(pair.sim)->buffer_max_bytes = 54321;
    struct echo quiet = {.addr = "10.0.0.2:80"};
    echo_start(pair.sim, &quiet, pair.clients);
    struct filler filler = {0};
    nw_sim_spawn(pair.clients, 0, "fill", fill_fiber, &filler);
    CHECK(nw_sim_run_until(pair.sim, is_set, &filler.is_full, 1000));
    CHECK_EQ(filler.taken, 54321);
    pair_close(&pair);
}

/* ---- time ---- */

struct sleeper {
    bool is_done;
    uint64_t woke_ms;
    uint64_t wall_before_ms;
    uint64_t wall_after_ms;
};

static void sleep_fiber(void *arg)
{
    struct sleeper *sleeper = arg;
    uint64_t from_ms = nw_now_ms();
    sleeper->wall_before_ms = nw_wall_ms();
    nw_err err = nw_sleep(86400 * 1000);
    CHECK_EQ(err, NW_OK);
    sleeper->woke_ms = nw_now_ms() - from_ms;
    sleeper->wall_after_ms = nw_wall_ms();
    sleeper->is_done = true;
}

static void step_back(void *sim)
{
    nw_sim_wall_step(sim, -3600 * 1000);
}

static void a_day_of_sleep_takes_a_few_steps(void **state)
{
    struct nw_sim *sim = world(1);
    struct nw_runtime *runtime = runtime_in(sim, "a", 1);
    struct sleeper sleeper = {0};
    nw_sim_spawn(runtime, 0, "sleep", sleep_fiber, &sleeper);
    nw_sim_after(sim, 1000, step_back, sim);
    CHECK(nw_sim_run_until(sim, is_set, &sleeper.is_done, 86401 * 1000));
    CHECK(sleeper.woke_ms >= 86400 * 1000 && sleeper.woke_ms <= 86400 * 1000 + 2);
    CHECK(nw_sim_steps(sim) < 100);
    uint64_t wall_ms = sleeper.wall_after_ms - sleeper.wall_before_ms;
    CHECK(wall_ms >= (86400 - 3600) * 1000 && wall_ms <= (86400 - 3600) * 1000 + 2);
    CHECK(!nw_sim_step(sim) || nw_sim_steps(sim) < 200);
    nw_sim_end(sim, runtime);
    nw_sim_free(sim);
}

static void a_stalled_worker_wakes_late(void **state)
{
    struct nw_sim *sim = world(1);
    struct nw_runtime *runtime = runtime_in(sim, "a", 1);
    struct sleeper sleeper = {0};
    nw_sim_spawn(runtime, 0, "sleep", sleep_fiber, &sleeper);
    nw_sim_run_ms(sim, 10);
    nw_sim_stall(sim, runtime, 0, 90000 * 1000);
    CHECK(nw_sim_run_until(sim, is_set, &sleeper.is_done, 99999 * 1000));
    CHECK(sleeper.woke_ms >= 90000 * 1000);
    nw_sim_end(sim, runtime);
    nw_sim_free(sim);
}

/* ---- jobs, names, files ---- */

struct things {
    bool is_done;
    unsigned jobs;
    struct nw_addr_list answer;
};

static nw_err job(void *arg)
{
    CHECK(nw_worker_self() == NULL); /* as on a lane's own thread */
    struct things *things = arg;
    things->jobs++;
    return NW_EXISTS;
}

static void things_fiber(void *arg)
{
    struct things *things = arg;
    struct nw_runtime *runtime = the_runtime();
    CHECK_EQ(nw_offload(nw_lane_files(runtime), job, things), NW_EXISTS);
    CHECK_EQ(nw_io_resolve(NW_SLICE("shop.internal"), 80, &things->answer), NW_OK);
    struct nw_addr_list none;
    CHECK_EQ(nw_io_resolve(NW_SLICE("other.internal"), 80, &none), NW_NO_SUCH_NAME);
    struct nw_file *file;
    size_t got;
    char bytes[16];
    CHECK_EQ(nw_file_open("/state/x", NW_FILE_READ, 0, &file), NW_NOT_FOUND);
    CHECK_EQ(nw_file_open("/state/x", NW_FILE_WRITE | NW_FILE_CREATE, 0600, &file), NW_OK);
    CHECK_EQ(nw_file_write(file, 2, "kept", 4), NW_OK);
    CHECK_EQ(nw_file_datasync(file), NW_OK);
    CHECK_EQ(nw_file_write(file, 6, "lost", 4), NW_OK);
    CHECK_EQ(nw_file_read(file, 0, bytes, sizeof bytes, &got), NW_OK);
    CHECK_EQ(got, 10);
    CHECK(memcmp(bytes, "\0\0keptlost", 10) == 0);
    nw_file_close(file);
    things->is_done = true;
}

static void jobs_names_and_files_are_the_worlds(void **state)
{
    struct nw_sim *sim = world(1);
    struct nw_runtime *runtime = runtime_in(sim, "a", 1);
    struct things things = {0};
    struct nw_addr addrs[2] = {addr_of("10.1.1.1:1"), addr_of("10.1.1.2:1")};
    nw_sim_name_set(sim, "shop.internal", addrs, 2, 30);
    nw_sim_spawn(runtime, 0, "things", things_fiber, &things);
    CHECK(nw_sim_run_until(sim, is_set, &things.is_done, 1000));
    CHECK_EQ(things.jobs, 1);
    CHECK_EQ(things.answer.count, 2);
    CHECK_EQ(things.answer.ttl_s, 30);
    CHECK_EQ(things.answer.addr[1].port, 80);
    nw_sim_kill(sim, runtime, false);
    nw_sim_bury(sim, runtime, NULL, NULL);
    nw_runtime_free(runtime);

    runtime = runtime_in(sim, "a", 1); /* the same machine starts again */
    struct nw_text text = {0};
    CHECK_EQ(nw_file_read_now(runtime, "/state/x", 100, &text), NW_OK);
    CHECK(nw_slice_eq(nw_text_slice(&text), nw_slice_of("\0\0kept", 6)));
    nw_text_done(&text);
    nw_sim_end(sim, runtime);
    nw_sim_free(sim);
}

static void a_lock_is_free_again_after_death(void **state)
{
    struct nw_sim *sim = world(1);
    struct nw_runtime *first = runtime_in(sim, "a", 1), *second = runtime_in(sim, "a", 1);
    struct nw_file *lock, *other;
    int pid;
    CHECK_EQ(nw_file_lock_now(first, "/state/lock", &lock, &pid), NW_OK);
    CHECK_EQ(nw_file_lock_now(second, "/state/lock", &other, &pid), NW_EXISTS);
    nw_sim_kill(sim, first, false);
    CHECK_EQ(nw_file_lock_now(second, "/state/lock", &other, &pid), NW_OK);
    CHECK_EQ(nw_file_replace_now(first, "/state/x", NW_SLICE("late"), 0600), NW_IO);
    nw_file_close(lock);
    nw_file_close(other);
    nw_sim_bury(sim, first, NULL, NULL);
    nw_runtime_free(first);
    nw_sim_end(sim, second);
    nw_sim_free(sim);
}

/* ---- death ---- */

static bool has_echoed(void *arg)
{
    return ((struct client *)arg)->echoed > 0;
}

static void peers_of_a_killed_process_see_a_reset(void **state)
{
    struct pair pair;
    pair_open(&pair);
    struct client client = {.bytes = 10 << 20};
    nw_sim_spawn(pair.clients, 0, "client", client_fiber, &client);
    CHECK(nw_sim_run_until(pair.sim, has_echoed, &client, 1000));
    nw_sim_kill(pair.sim, pair.server, false);
    nw_sim_bury(pair.sim, pair.server, NULL, NULL);
    nw_runtime_free(pair.server);
    CHECK(nw_sim_run_until(pair.sim, is_set, &client.is_done, 1000));
    CHECK(client.err == NW_PEER_RESET || client.err == NW_PEER_CLOSED);

    struct client late = talk(pair.sim, pair.clients, (struct client){.bytes = 1});
    CHECK_EQ(late.err, NW_REFUSED);
    pair.server = runtime_in(pair.sim, "server", 1);
    pair.echo = (struct echo){0};
    echo_start(pair.sim, &pair.echo, pair.server);
    late = talk(pair.sim, pair.clients, (struct client){.bytes = 1000});
    CHECK_EQ(late.err, NW_OK);
    pair_close(&pair);
}

static void peers_of_a_silent_death_learn_nothing(void **state)
{
    struct pair pair;
    pair_open(&pair);
    struct client client = {.bytes = 10 << 20};
    nw_sim_spawn(pair.clients, 0, "client", client_fiber, &client);
    CHECK(nw_sim_run_until(pair.sim, has_echoed, &client, 1000));
    nw_sim_kill(pair.sim, pair.server, true);
    nw_sim_bury(pair.sim, pair.server, NULL, NULL);
    nw_runtime_free(pair.server);
    pair.server = NULL;
    CHECK(!nw_sim_run_until(pair.sim, is_set, &client.is_done, 3600 * 1000));
    pair_close(&pair);
}

static void the_last_socket_is_given_back(void **state)
{
    struct pair pair;
    pair_open(&pair);
    unsigned before = nw_sim_socket_count(pair.server);
    for (unsigned i = 0; i < 50; i++)
        (void)talk(pair.sim, pair.clients, (struct client){.bytes = 500, .tag = i});
    nw_sim_run_ms(pair.sim, 1000);
    CHECK_EQ(nw_sim_socket_count(pair.server), before);
    CHECK_EQ(nw_sim_socket_count(pair.clients), 0);
    struct nw_addr addr = addr_of("10.0.0.1:80");
    CHECK_EQ(nw_sim_accepted_count(pair.sim, &addr), 50);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_transcript),
        cmocka_unit_test(the_same_seed_gives_the_same_transcript_with_three_workers),
        cmocka_unit_test(whatever_goes_wrong_bytes_are_never_changed),
        cmocka_unit_test(an_address_without_a_listener_refuses),
        cmocka_unit_test(a_lost_attempt_ends_with_the_callers_deadline),
        cmocka_unit_test(a_half_closed_connection_still_answers),
        cmocka_unit_test(a_reset_is_seen_by_the_reader),
        cmocka_unit_test(a_buffer_holds_no_more_than_its_size),
        cmocka_unit_test(a_day_of_sleep_takes_a_few_steps),
        cmocka_unit_test(a_stalled_worker_wakes_late),
        cmocka_unit_test(jobs_names_and_files_are_the_worlds),
        cmocka_unit_test(a_lock_is_free_again_after_death),
        cmocka_unit_test(peers_of_a_killed_process_see_a_reset),
        cmocka_unit_test(peers_of_a_silent_death_learn_nothing),
        cmocka_unit_test(the_last_socket_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
