/*
 * origin.h - what the tests of sets share: a runtime, scripted origins on loopback, one-byte
 * requests.
 *
 * An origin answers every byte by a byte, or does what its script says. A failed check ends the
 * program: most happen on fiber stacks, which cmocka cannot leave.
 */
#ifndef NW_TEST_PEER_ORIGIN_H
#define NW_TEST_PEER_ORIGIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "io/backend.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/listen.h"
#include "io/stream.h"
#include "io/sync.h"
#include "io/worker.h"
#include "peer/peer.h"
#include "../../check.h"

#define IGNORE(expression)                                                                         \
    do {                                                                                           \
        nw_err ignored_ NW_UNUSED = (expression);                                                  \
    } while (0)

enum { CHECK_WAIT_MS = 10000 };
/* Waits for other fibers and workers to make it true; the bound only ends a broken test. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        for (int turns_ = 0; !(condition); turns_++) {                                             \
            if (turns_ > CHECK_WAIT_MS) {                                                          \
                fprintf(stderr, "%s:%d: never true: %s\n", __FILE__, __LINE__, #condition);        \
                _exit(1);                                                                          \
            }                                                                                      \
            CHECK_OK(nw_sleep(1));                                                                 \
        }                                                                                          \
    } while (0)

/* ---- a runtime ---- */

struct world {
    struct nw_runtime *runtime;
    struct nw_metrics *metrics;
    struct nw_peer_registry *registry;
    void (*body)(struct world *world);
};

NW_UNUSED static void world_start(void *arg)
{
    struct world *world = arg;
    CHECK_OK(nw_peer_registry_new(world->runtime, &world->registry));
    world->body(world);
    nw_peer_registry_free(world->registry);
    nw_runtime_stop(world->runtime);
}

NW_UNUSED static void run(unsigned workers, void (*body)(struct world *world))
{
    struct world world = {.body = body, .metrics = nw_metrics_new(workers, 0)};
    struct nw_runtime_options options = {
        .backend = &nw_backend_epoll,
        .name = "test",
        .worker_count = workers,
        .seed = 1,
        .buffers_max_bytes = 64 << 20,
        .metrics = world.metrics,
    };
    CHECK_OK(nw_runtime_new(&options, &world.runtime));
    nw_runtime_run(world.runtime, world_start, &world);
    nw_runtime_free(world.runtime);
    nw_metrics_free(world.metrics);
}

NW_UNUSED static void advance(struct world *world, uint64_t ms)
{
    nw_clock_advance_ms(world->runtime, ms);
    CHECK_OK(nw_sleep(1)); /* the next turn knows the new time */
}

/* ---- a function on another worker, waited for ---- */

struct visit {
    struct nw_message message;
    struct nw_ticket ticket;
    void (*fn)(void *arg);
    void *arg;
};

NW_UNUSED static void visit_main(void *arg)
{
    struct visit *visit = arg;
    visit->fn(visit->arg);
    (void)nw_ticket_grant(&visit->ticket, NULL);
}

NW_UNUSED static void visit_run(struct nw_message *message)
{
    struct visit *visit = NW_CONTAINER_OF(message, struct visit, message);
    struct nw_fiber *fiber;
    CHECK_OK(nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "visit", visit_main, visit,
                            &fiber));
}

NW_UNUSED static void visit_begin(struct world *world, struct visit *visit, unsigned worker_index,
                                  void (*fn)(void *arg), void *arg)
{
    *visit = (struct visit){.fn = fn, .arg = arg};
    visit->message.run = visit_run;
    nw_ticket_init(&visit->ticket);
    nw_mailbox_post(nw_runtime_worker(world->runtime, worker_index), &visit->message);
}

NW_UNUSED static void visit_end(struct visit *visit)
{
    void *value;
    CHECK_OK(nw_ticket_wait(&visit->ticket, &value));
}

NW_UNUSED static void on_worker(struct world *world, unsigned worker_index, void (*fn)(void *arg),
                                void *arg)
{
    struct visit visit;
    visit_begin(world, &visit, worker_index, fn, arg);
    visit_end(&visit);
}

/* ---- origins ---- */

typedef enum origin_manner {
    ORIGIN_ANSWERS,
    ORIGIN_BREAKS, /* closes when it gets a byte */
    ORIGIN_HANGS   /* reads and says nothing */
} origin_manner;

struct origin {
    struct nw_listener *listener;
    struct nw_scope scope;
    char address[NW_ADDR_TEXT_MAX_BYTES];
    _Atomic int manner;
    unsigned accepted;
    unsigned requests;
    struct nw_list clients;
};

struct origin_client {
    struct nw_stream stream;
    struct origin *origin;
    struct nw_accepted accepted;
    struct nw_list link;
};

NW_UNUSED static void origin_serve(void *arg)
{
    struct origin_client *client = arg;
    struct origin *origin = client->origin;
    nw_stream_init_accepted(&client->stream, &client->accepted);
    char byte;
    size_t bytes = 0;
    while (nw_io_read_into(&client->stream, &byte, 1, &bytes) == NW_OK && bytes == 1) {
        origin->requests++;
        if (origin->manner == ORIGIN_BREAKS)
            break;
        if (origin->manner == ORIGIN_HANGS)
            continue;
        struct iovec iov = {&byte, 1};
        if (nw_io_write_all(&client->stream, &iov, 1) != NW_OK)
            break;
    }
    nw_stream_close(&client->stream);
    nw_list_remove(&client->link);
    CHECK(nw_grace(1000));
    IGNORE(nw_sleep(1)); /* the rest turn of its memory */
    nw_free(client);
}

NW_UNUSED static void origin_accept(void *owner, struct nw_accepted *accepted)
{
    struct origin *origin = owner;
    struct origin_client *client = nw_alloc_zero(sizeof *client);
    client->origin = origin;
    client->accepted = *accepted;
    nw_list_push_back(&origin->clients, &client->link);
    origin->accepted++;
    struct nw_fiber *fiber;
    CHECK_OK(nw_scope_spawn(&origin->scope, "origin", origin_serve, client, &fiber));
}

NW_UNUSED static void origin_listen(struct origin *origin, const struct nw_addr *addr)
{
    struct nw_listener_options options = {
        .addr = *addr,
        .inherited_fd = -1,
        .only_worker_0 = true,
        .on_accept = origin_accept,
        .owner = origin,
    };
    CHECK_OK(nw_listener_open(nw_worker_runtime(nw_worker_self()), &options, &origin->listener));
    nw_addr_print(nw_listener_addr(origin->listener), origin->address);
    nw_listener_start(origin->listener);
}

NW_UNUSED static void origin_start(struct origin *origin)
{
    memset(origin, 0, sizeof *origin);
    nw_scope_open(&origin->scope);
    nw_list_init(&origin->clients);
    struct nw_addr addr = {.kind = NW_ADDR_IP4, .ip4 = {127, 0, 0, 1}};
    origin_listen(origin, &addr);
}

/* No more connections; those it has are cut. */
NW_UNUSED static void origin_stop(struct origin *origin)
{
    if (origin->listener != NULL)
        nw_listener_close(origin->listener);
    origin->listener = NULL;
    nw_scope_close(&origin->scope);
    nw_scope_open(&origin->scope);
}

/* On the port it had. */
NW_UNUSED static void origin_restart(struct origin *origin)
{
    struct nw_addr addr;
    CHECK_OK(nw_addr_parse(nw_slice_str(origin->address), &addr));
    origin_listen(origin, &addr);
}

/* ---- sets ---- */

struct test_conn {
    struct nw_peer_conn conn;
    unsigned greeting;
};

NW_UNUSED static nw_err test_open(struct nw_peer_conn *conn, void *driver_arg)
{
    ((struct test_conn *)conn)->greeting = 42;
    return NW_OK;
}

/* What probes do: a request on a connection of their own. */
NW_UNUSED static nw_err test_probe(struct nw_peer_node *node, const char **out_reason)
{
    struct nw_stream stream;
    memset(&stream, 0, sizeof stream);
    NW_TRY(nw_peer_node_connect(node, &stream));
    char byte = 'p';
    size_t bytes = 0;
    struct iovec iov = {&byte, 1};
    nw_err err = nw_io_write_all(&stream, &iov, 1);
    if (err == NW_OK)
        err = nw_io_read_into(&stream, &byte, 1, &bytes);
    nw_stream_close(&stream);
    if (err == NW_OK && bytes == 0) {
        *out_reason = "no answer";
        err = NW_PEER_CLOSED;
    }
    if (nw_fiber_is_cancelled())
        return NW_CANCELLED;
    IGNORE(nw_sleep(1)); /* the rest turn of the stream's memory */
    return err;
}

static const struct nw_peer_driver test_driver NW_UNUSED = {
    .conn_bytes = sizeof(struct test_conn),
    .open = test_open,
    .probe = test_probe,
};

enum { NODES_MAX = 8 };
struct site {
    struct nw_peer_set_spec spec;
    struct nw_peer_node_spec nodes[NODES_MAX];
    struct origin origins[NODES_MAX];
    struct nw_peer_set *set;
    unsigned count;
};

/* Origins and a spec over them; change the spec, then site_open. */
NW_UNUSED static void site_init(struct site *site, unsigned count)
{
    memset(site, 0, sizeof *site);
    site->count = count;
    for (unsigned i = 0; i < count; i++) {
        origin_start(&site->origins[i]);
        site->nodes[i] = (struct nw_peer_node_spec){site->origins[i].address, 1, 0};
    }
    site->spec = (struct nw_peer_set_spec){
        .name = "shop",
        .driver = &test_driver,
        .nodes = site->nodes,
        .node_count = count,
        .waiting_max = 1000,
        .wait_ms = 5000,
        .connect_timeout_ms = 5000,
        .idle_ms = 60000,
        .health_every_ms = 1000,
        .health_timeout_ms = 500,
        .health_fall = 2,
        .health_rise = 2,
    };
}

NW_UNUSED static void site_open(struct world *world, struct site *site)
{
    CHECK_OK(nw_peer_set_new(world->registry, &site->spec, &site->set));
    nw_peer_set_start(site->set);
}

NW_UNUSED static void site_close(struct site *site)
{
    nw_peer_set_stop(site->set);
    nw_peer_set_unref(site->set);
    for (unsigned i = 0; i < site->count; i++) {
        origin_stop(&site->origins[i]);
        nw_scope_close(&site->origins[i].scope);
    }
}

NW_UNUSED static double metric_of(struct world *world, const char *name, const char *labels)
{
    double value = nw_metrics_value(world->metrics, name, labels);
    return value == value ? value : 0;
}

/* ---- requests ---- */

/* A byte there and back on a begun try; reports it. */
NW_UNUSED static nw_err exchange(struct nw_peer_try *try)
{
    char byte = 'r';
    size_t bytes = 0;
    struct iovec iov = {&byte, 1};
    CHECK(((struct test_conn *)try->conn)->greeting == 42);
    nw_err err = nw_io_write_all(&try->conn->stream, &iov, 1);
    if (err == NW_OK)
        err = nw_io_read_into(&try->conn->stream, &byte, 1, &bytes);
    if (err == NW_OK && bytes == 0)
        err = NW_PEER_CLOSED;
    nw_peer_try_report(try,
                       err == NW_OK        ? NW_PEER_OK
                       : err == NW_TIMEOUT ? NW_PEER_TIMEOUT_
                                           : NW_PEER_RESET_,
                       err == NW_OK ? 100 : 0);
    return err;
}

NW_UNUSED static nw_err ask_for(struct nw_peer_set *set, const struct nw_peer_want *want,
                                const struct nw_peer_node **out_node)
{
    struct nw_peer_try try;
    nw_err err = nw_peer_try_begin(set, want, &try);
    if (out_node != NULL)
        *out_node = try.node;
    if (err != NW_OK)
        return err;
    err = exchange(&try);
    nw_peer_try_end(&try, err == NW_OK);
    return err;
}

NW_UNUSED static nw_err ask(struct nw_peer_set *set)
{
    return ask_for(set, NULL, NULL);
}

/* A begun try that the caller ends, for tests that hold a connection. */
NW_UNUSED static void hold(struct nw_peer_set *set, struct nw_peer_try *try)
{
    CHECK_OK(nw_peer_try_begin(set, NULL, try));
}

NW_UNUSED static void let_go(struct nw_peer_try *try)
{
    CHECK_OK(exchange(try));
    nw_peer_try_end(try, true);
}

#endif
