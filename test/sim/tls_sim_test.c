/*
 * TLS in a hostile world: a network that splits, delays, fills and resets; two sides that resume,
 * half-close and give up. Whatever happens, bytes arrive as they were sent or the stream breaks; a
 * clean end comes behind the last byte only. Chance in handshakes is the world's, so a seed gives
 * the same transcript again.
 *
 *     tls_sim_test                      the tests
 *     tls_sim_test --seeds 500          so many worlds; prints the first that fails
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../check.h"
#include "base/alloc.h"
#include "io/backend.h"
#include "io/listen.h"
#include "io/sim.h"
#include "io/tls.h"
#include "io/worker.h"
#include "pair.h"

enum { CLIENTS = 30, TALKS = 8, SEEDS = 12, MESSAGE_MAX_BYTES = 150 * 1000 };

struct side {
    struct nw_sim *sim;
    struct nw_runtime *runtime;
    struct nw_tls_server *server;
    struct nw_tls_client *client;
    struct nw_listener *listener;
    bool is_open;
    unsigned done;    /* clients that have ended */
    unsigned shaken;  /* handshakes that came through, as the client saw it */
    unsigned resumed;
    unsigned whole;   /* echoes that came back whole */
    uint64_t bytes;
};

struct conn {
    struct side *side;
    struct nw_stream stream;
};

static struct nw_addr the_addr(void)
{
    struct nw_addr addr;
    CHECK_OK(nw_addr_parse(nw_slice_str("10.0.0.1:443"), &addr));
    return addr;
}

/* ---- the server echoes ---- */

static void serve(void *arg)
{
    struct conn *conn = arg;
    struct nw_stream *stream = &conn->stream;
    char bytes[9000];
    size_t got;
    NW_WITHIN(patience, 60000);
    nw_err err = nw_io_tls_accept(stream, conn->side->server, NULL);
    while (err == NW_OK && (err = nw_io_read_into(stream, bytes, sizeof bytes, &got)) == NW_OK) {
        struct iovec iov[] = {{bytes, got / 2}, {bytes + got / 2, got - got / 2}};
        if (got == 0)
            break;
        err = nw_io_write_ahead(stream, iov, 2, 20000);
    }
    if (err == NW_OK)
        err = nw_io_write_drain(stream);
    nw_sim_note(conn->side->sim, "server", "%s after %llu bytes", nw_err_name(err),
                (unsigned long long)stream->received_bytes);
    if (err == NW_OK)
        nw_stream_linger_close(stream);
    else
        nw_stream_reset(stream);
    nw_free(conn);
}

static void on_accept(void *owner, struct nw_accepted *accepted)
{
    struct conn *conn = nw_alloc_zero(sizeof *conn);
    struct nw_fiber *fiber;
    conn->side = owner;
    nw_stream_init_accepted(&conn->stream, accepted);
    CHECK_OK(nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "serve", serve, conn, &fiber));
}

static void open_listener(void *arg)
{
    struct side *side = arg;
    struct nw_listener_options options = {
        .owner = side, .on_accept = on_accept, .addr = the_addr(), .inherited_fd = -1};
    CHECK_OK(nw_listener_open(side->runtime, &options, &side->listener));
    nw_listener_start(side->listener);
    side->is_open = true;
}

/* ---- clients ---- */

struct client {
    struct side *side;
    unsigned number;
    struct nw_rng rng;
    struct nw_stream stream;
    size_t message_bytes;
    size_t step_bytes;
    unsigned tag;
};

static char byte_at(unsigned tag, size_t at)
{
    return (char)(tag * 31 + at * 7 + at / 251);
}

static void say(void *arg)
{
    struct client *client = arg;
    char *bytes = nw_alloc(client->step_bytes);
    nw_err err = NW_OK;
    for (size_t at = 0; at < client->message_bytes && err == NW_OK;) {
        size_t left = client->message_bytes - at;
        size_t count = left < client->step_bytes ? left : client->step_bytes;
        for (size_t i = 0; i < count; i++)
            bytes[i] = byte_at(client->tag, at + i);
        struct iovec iov = {bytes, count};
        err = nw_io_write_all(&client->stream, &iov, 1);
        at += count;
    }
    if (err == NW_OK)
        nw_stream_shutdown_write(&client->stream);
    nw_free(bytes);
}

/* NW_OK: every byte came back, and then a clean end. */
static nw_err hear(struct client *client)
{
    char bytes[7001];
    size_t at = 0, got;
    for (;;) {
        NW_TRY(nw_io_read_into(&client->stream, bytes, 1 + nw_rng_below(&client->rng, 7000), &got));
        for (size_t i = 0; i < got; i++)
            CHECK(bytes[i] == byte_at(client->tag, at + i));
        at += got;
        client->side->bytes += got;
        if (got > 0)
            continue;
        CHECK_EQ(at, client->message_bytes); /* a cut never looks like an end */
        return NW_OK;
    }
}

static nw_err talk(struct client *client)
{
    struct nw_scope scope;
    struct nw_fiber *fiber;
    struct nw_addr addr = the_addr();
    NW_WITHIN(patience, 30000);
    NW_TRY(nw_io_connect(&addr, &client->stream));
    nw_err err =
        nw_io_tls_connect(&client->stream, client->side->client, NW_SLICE("a.example"), 1);
    if (err != NW_OK)
        return err;
    client->side->shaken++;
    client->side->resumed += nw_stream_tls(&client->stream)->is_resumed;
    if (nw_rng_chance(&client->rng, 0.1))
        return NW_CANCELLED; /* gives up */
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "say", say, client, &fiber));
    err = hear(client);
    nw_scope_close(&scope);
    client->side->whole += err == NW_OK;
    return err;
}

static void be_client(void *arg)
{
    struct client *client = arg;
    for (unsigned i = 0; i < TALKS; i++) {
        client->tag = client->number * 100 + i;
        client->message_bytes = nw_rng_chance(&client->rng, 0.3)
                                    ? nw_rng_below(&client->rng, MESSAGE_MAX_BYTES)
                                    : nw_rng_below(&client->rng, 300);
        client->step_bytes = 1 + nw_rng_below(&client->rng, 40000);
        nw_err err = talk(client);
        nw_sim_note(client->side->sim, "client", "%u.%u %s", client->number, i, nw_err_name(err));
        if (err == NW_OK)
            nw_stream_close(&client->stream);
        else
            nw_stream_reset(&client->stream);
        CHECK_OK(nw_sleep(nw_rng_below(&client->rng, 200)));
    }
    client->side->done++;
}

/* ---- a world ---- */

static bool all_done(void *arg)
{
    const struct side *side = arg;
    return side->done == CLIENTS;
}

static bool is_set(void *arg)
{
    return *(bool *)arg;
}

static struct nw_runtime *runtime_new(struct nw_sim *sim, const char *name, uint64_t seed)
{
    struct nw_runtime_options options = {.backend = &nw_backend_sim, .world = sim, .name = name,
                                         .worker_count = 2, .seed = seed,
                                         .buffers_max_bytes = 64 << 20, .fibers_max = 1000};
    struct nw_runtime *runtime;
    CHECK_OK(nw_runtime_new(&options, &runtime));
    return runtime;
}

struct outcome {
    uint64_t hash;
    struct side clients;
};

static void objects_make(struct side *server, struct side *client)
{
    struct nw_text why = {0};
    struct nw_tls_identity *identity;
    struct nw_tls_tickets *tickets;
    CHECK_OK(nw_tls_identity_new(nw_slice_str(pair_certificate), nw_slice_str(pair_key),
                                 nw_slice_of(NULL, 0), 0, &why, &identity));
    CHECK_OK(nw_tls_tickets_new(nw_slice_of(NULL, 0), &why, &tickets));
    struct nw_tls_server_spec spec = {
        .identities = &identity, .identity_count = 1, .tickets = tickets};
    CHECK_OK(nw_tls_server_new(&spec, &why, &server->server));
    struct nw_tls_client_spec client_spec = {.ca_pem = nw_slice_str(pair_certificate)};
    CHECK_OK(nw_tls_client_new(&client_spec, &why, &client->client));
    nw_tls_identity_unref(identity);
    nw_tls_tickets_unref(tickets);
}

static void make_hostile(struct nw_sim *sim)
{
    struct nw_sim_faults *faults = nw_sim_faults(sim);
    faults->split_read = 0.3;
    faults->split_write = 0.3;
    faults->full = 0.1;
    faults->partial_events = 0.1;
    faults->reset = 0.002;
    faults->jitter_us = 300;
    faults->buffer_min_bytes = 2000;
    faults->buffer_max_bytes = 100 * 1000;
}

static struct outcome world_run(uint64_t seed, bool is_hostile)
{
    struct nw_sim *sim = nw_sim_new(&(struct nw_sim_options){.seed = seed,
                                                             .drops_transcript = true});
    struct side server = {.sim = sim, .runtime = runtime_new(sim, "server", seed)};
    struct side clients = {.sim = sim, .runtime = runtime_new(sim, "clients", seed)};
    static struct client all[CLIENTS];
    objects_make(&server, &clients);
    if (is_hostile)
        make_hostile(sim);
    nw_sim_spawn(server.runtime, 0, "open", open_listener, &server);
    CHECK(nw_sim_run_until(sim, is_set, &server.is_open, 1000));
    for (unsigned i = 0; i < CLIENTS; i++) {
        all[i] = (struct client){.side = &clients, .number = i};
        nw_rng_init(&all[i].rng, seed * 1000 + i);
        nw_sim_spawn(clients.runtime, i % 2, "client", be_client, &all[i]);
    }
    CHECK(nw_sim_run_until(sim, all_done, &clients, 3600 * 1000));
    struct outcome outcome = {nw_sim_transcript_hash(sim), clients};
    nw_sim_end(sim, clients.runtime);
    nw_sim_end(sim, server.runtime);
    nw_tls_server_unref(server.server);
    nw_tls_client_unref(clients.client);
    nw_sim_free(sim);
    return outcome;
}

static void in_a_kind_world_everything_comes_back(void **state)
{
    struct outcome outcome = world_run(1, false);
    CHECK_EQ(outcome.clients.shaken, CLIENTS * TALKS);
    CHECK(outcome.clients.whole > CLIENTS * TALKS * 8 / 10);
    CHECK(outcome.clients.resumed > CLIENTS * TALKS / 2);
}

static void no_world_makes_a_wrong_byte_or_a_false_end(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct outcome outcome = world_run(seed, true);
        CHECK(outcome.clients.whole > 0 && outcome.clients.bytes > 100000);
    }
}

static void the_same_seed_gives_the_same_world(void **state)
{
    struct outcome first = world_run(7, true), again = world_run(7, true);
    struct outcome other = world_run(8, true);
    CHECK(first.hash == again.hash);
    CHECK(first.hash != other.hash);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        for (uint64_t seed = 1; seed <= strtoull(argv[2], NULL, 10); seed++) {
            fprintf(stderr, "\rseed %llu", (unsigned long long)seed);
            (void)world_run(seed, true);
        }
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_kind_world_everything_comes_back),
        cmocka_unit_test(no_world_makes_a_wrong_byte_or_a_false_end),
        cmocka_unit_test(the_same_seed_gives_the_same_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
