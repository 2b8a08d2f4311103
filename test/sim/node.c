/*
 * A scripted node. It answers "/r/ID" with what belongs to that number, "/big/BYTES" with that many
 * bytes, and "/ready" with 204. It judges what newel sends: a body must be the number's, a POST
 * must not begin twice, and behind a surplus of its own nothing may follow: newel has seen that
 * bytes were left over and must not use the connection again.
 *
 * The surplus is sent in one write with the answer, so that both arrive together where the network
 * cuts nothing; a surplus that comes later cannot be told from the next answer by anybody.
 */
#include "actors.h"
#include "base/alloc.h"
#include "io/clock.h"
#include "io/listen.h"
#include "io/worker.h"
#include "talk.h"

enum { BIG_STEP_BYTES = 64 * 1024 };

struct conn {
    struct talk talk;
    struct world_node *node;
    bool is_spoilt; /* a surplus was sent */
};

struct incoming {
    struct world *world;
    uint64_t id;
    size_t at;
};

bool world_is_post(uint64_t id)
{
    return id % 4 == 0;
}

bool world_is_chunked(uint64_t id, char side)
{
    return (id / (side == 'q' ? 8 : 2)) % 2 == 0;
}

static bool check_body(void *arg, const char *bytes, size_t count)
{
    struct incoming *in = arg;
    if (!talk_is_right(in->id, 'q', in->at, bytes, count)) {
        world_violation(in->world, "the body of request %llu reached a node changed",
                        (unsigned long long)in->id);
        return false;
    }
    in->at += count;
    return true;
}

static void note_post(struct world *world, uint64_t id)
{
    while (id >= world->post_cap) {
        uint64_t cap = world->post_cap * 2 + 1024;
        world->post_starts = nw_realloc(world->post_starts, cap);
        memset(world->post_starts + world->post_cap, 0, cap - world->post_cap);
        world->post_cap = cap;
    }
    if (world->post_starts[id]++ > 0)
        world_violation(world, "POST %llu began twice", (unsigned long long)id);
}

static void add_body(uint64_t id, struct nw_text *out)
{
    size_t all = talk_size(id, 'a');
    char bytes[1024];
    bool is_chunked = world_is_chunked(id, 'a');
    for (size_t at = 0; at < all;) {
        size_t count = all - at < sizeof bytes ? all - at : sizeof bytes;
        talk_fill(id, 'a', at, bytes, count);
        if (is_chunked)
            nw_text_addf(out, "%zx\r\n", count);
        nw_text_add(out, nw_slice_of(bytes, count));
        if (is_chunked)
            nw_text_add_str(out, "\r\n");
        at += count;
    }
    if (is_chunked)
        nw_text_add_str(out, "0\r\n\r\n");
}

static void add_answer(uint64_t id, int status, bool is_last, struct nw_text *out)
{
    nw_text_addf(out, "HTTP/1.1 %d Said\r\nX-Id: %llu\r\n", status, (unsigned long long)id);
    if (is_last)
        nw_text_add_str(out, "Connection: close\r\n");
    if (status != 200) {
        nw_text_add_str(out, "Content-Length: 0\r\n\r\n");
        return;
    }
    if (world_is_chunked(id, 'a'))
        nw_text_add_str(out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        nw_text_addf(out, "Content-Length: %zu\r\n\r\n", talk_size(id, 'a'));
    add_body(id, out);
}

static nw_err work(struct world_node *node)
{
    if (node->manner.service_us == 0)
        return NW_OK;
    double us = nw_rng_exponential(&node->rng, (double)node->manner.service_us);
    if (node->manner.slowest_us != 0 && us > (double)node->manner.slowest_us)
        us = (double)node->manner.slowest_us;
    return nw_sleep_until_ns(nw_io_now_ns() + (uint64_t)(us * 1000));
}

/* NW_OK: the connection goes on. */
static nw_err answer(struct conn *conn, uint64_t id)
{
    struct world_node *node = conn->node;
    const struct world_manner *manner = &node->manner;
    struct nw_text text = {0};
    bool is_last = nw_rng_chance(&node->rng, manner->says_close);
    int status = nw_rng_chance(&node->rng, manner->fails) ? 503 : 200;
    add_answer(id, status, is_last, &text);
    if (nw_rng_chance(&node->rng, manner->cuts)) {
        nw_err ignored = talk_send(
            &conn->talk, nw_slice_first(nw_text_slice(&text), nw_rng_below(&node->rng, text.len)));
        (void)ignored;
        nw_text_done(&text);
        nw_stream_reset(&conn->talk.stream);
        return NW_PEER_RESET;
    }
    bool is_small = world_is_chunked(id, 'a') && text.len < 4096 && status == 200;
    if (is_small && !is_last && nw_rng_chance(&node->rng, manner->surplus)) {
        add_answer(id, 200, false, &text);
        conn->is_spoilt = true;
    }
    nw_err err = talk_send(&conn->talk, nw_text_slice(&text));
    nw_text_done(&text);
    node->answered += err == NW_OK;
    if (err == NW_OK && (is_last || nw_rng_chance(&node->rng, manner->closes)))
        err = NW_PEER_CLOSED;
    return err;
}

static nw_err serve_number(struct conn *conn, const struct talk_head *head, uint64_t id)
{
    struct world_node *node = conn->node;
    struct incoming in = {.world = node->world, .id = id};
    if (conn->is_spoilt)
        world_violation(node->world, "request %llu came on a connection with unread bytes",
                        (unsigned long long)id);
    bool is_post = strcmp(head->method, "POST") == 0;
    if (is_post)
        note_post(node->world, id);
    NW_TRY(talk_body(&conn->talk, head, check_body, &in));
    if (is_post && in.at != talk_size(id, 'q'))
        world_violation(node->world, "request %llu reached a node cut but whole",
                        (unsigned long long)id);
    NW_TRY(work(node));
    if (nw_rng_chance(&node->rng, node->manner.hangs) || node->manner.is_mute)
        return nw_sleep(3600 * 1000);
    if (nw_rng_chance(&node->rng, node->manner.drops))
        return NW_PEER_CLOSED;
    return answer(conn, id);
}

static nw_err serve_big(struct conn *conn, uint64_t bytes)
{
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 Said\r\nContent-Length: %llu\r\n\r\n",
             (unsigned long long)bytes);
    NW_TRY(talk_send(&conn->talk, nw_slice_str(head)));
    char *step = nw_alloc_zero(BIG_STEP_BYTES);
    nw_err err = NW_OK;
    while (err == NW_OK && bytes > 0) {
        size_t count = bytes < BIG_STEP_BYTES ? (size_t)bytes : BIG_STEP_BYTES;
        err = talk_send(&conn->talk, nw_slice_of(step, count));
        bytes -= count;
        conn->node->big_sent_bytes += count;
    }
    nw_free(step);
    return err;
}

static nw_err serve_one(struct conn *conn)
{
    struct talk_head head;
    unsigned long long number;
    NW_TRY(talk_head(&conn->talk, &head));
    if (strcmp(head.target, "/ready") == 0)
        return talk_send(&conn->talk, NW_SLICE("HTTP/1.1 204 Said\r\n\r\n"));
    conn->node->requests++;
    if (sscanf(head.target, "/big/%llu", &number) == 1)
        return serve_big(conn, number);
    if (sscanf(head.target, "/r/%llu", &number) == 1)
        return serve_number(conn, &head, number);
    world_violation(conn->node->world, "a node was asked for %s", head.target);
    return NW_BAD_MESSAGE;
}

/* Like a server that notices when nobody waits any more: the fiber is cancelled. */
static void conn_fiber(void *arg)
{
    struct conn *conn = arg;
    nw_err err;
    do
        err = serve_one(conn);
    while (err == NW_OK);
    conn->node->cancelled += err == NW_CANCELLED && conn->talk.stream.is_gone;
    talk_done(&conn->talk);
    nw_free(conn);
}

static void on_accept(void *owner, struct nw_accepted *accepted)
{
    struct world_node *node = owner;
    struct conn *conn = nw_alloc_zero(sizeof *conn);
    struct nw_fiber *fiber;
    conn->node = node;
    node->connections++;
    nw_stream_init_accepted(&conn->talk.stream, accepted);
    nw_err err = nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "node.conn", conn_fiber,
                                conn, &fiber);
    CHECK(err == NW_OK);
    nw_stream_watch_gone(&conn->talk.stream, fiber);
}

void world_node_main(void *arg)
{
    struct world_node *node = arg;
    struct nw_listener_options options = {
        .owner = node, .on_accept = on_accept, .inherited_fd = -1};
    nw_err err = nw_addr_parse(nw_slice_str(node->address), &options.addr);
    CHECK(err == NW_OK);
    struct nw_runtime *runtime = nw_worker_runtime(nw_worker_self());
    err = nw_listener_open(runtime, &options, &node->listener);
    if (nw_sim_is_dead(runtime))
        return; /* killed before it was up */
    CHECK(err == NW_OK);
    nw_listener_start(node->listener);
}
