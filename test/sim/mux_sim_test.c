/*
 * Many clients, one HTTP/2 connection to a node, virtual time. A client that reads 1 KiB/s of an
 * endless answer costs the others nothing; and whatever the node does with streams and connections
 * (refuses, resets, cuts, says goodbye, falls over), an answer is the request's own or none, and
 * the same seed gives the same run, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "http/h2.h"
#include "io/clock.h"
#include "io/listen.h"
#include "io/stream.h"
#include "io/worker.h"
#include "world.h"

enum {
    CLIENTS = 63,
    ASKS = 20,
    SEEDS = 15,
    BODY_BYTES = 20000,
    BUFFER_BYTES = 256 * 1024,
    ENDLESS_BYTES = 100 << 20,
    REFUSED_STREAM = 7,
    INTERNAL_ERROR = 2,
};

static const char conf[] = "newel: 1\n"
                           "threads: 1\n"
                           "listen: 10.9.0.1:80\n"
                           "limits: { buffers: 64M, fibers: 4000 }\n"
                           "services: { app: { nodes: \"10.0.0.1:80\",\n"
                           "  multiplex: { streams: 100, connections: 1 } } }\n"
                           "routes: { path: /, service: app }\n";

/* ---- the node ---- */

/* Probabilities per request. */
struct manner {
    double refuses, resets, shuts, dies, cuts;
};

struct node {
    struct world *world;
    struct manner manner;
    struct nw_rng rng;
    struct nw_listener *listener;
    unsigned connections;
    unsigned open;
};

struct peer {
    struct node *node;
    struct nw_stream stream;
    struct nw_h2 *h2;
    struct nw_scope works;
};

struct work {
    struct peer *peer;
    struct nw_h2_stream *stream;
};

static char byte_of(unsigned id, size_t at)
{
    return (char)(id * 31 + at % 251);
}

NW_YIELDS static nw_err send_body(struct nw_h2_stream *stream, unsigned id, size_t bytes,
                                  size_t cut_at)
{
    char piece[4096];
    for (size_t at = 0; at < bytes; at += sizeof piece) {
        size_t here = bytes - at < sizeof piece ? bytes - at : sizeof piece;
        if (at >= cut_at) {
            nw_h2_reset(stream, INTERNAL_ERROR);
            return NW_OK;
        }
        for (size_t i = 0; i < here; i++)
            piece[i] = byte_of(id, at + i);
        struct iovec iov = {piece, here};
        NW_TRY(nw_h2_write(stream, &iov, 1, 16384));
    }
    return nw_h2_end(stream, nw_slice_of(NULL, 0));
}

NW_YIELDS static void answer(struct work *work)
{
    struct node *node = work->peer->node;
    struct nw_slice head = nw_h2_request_head(work->stream);
    unsigned id = 0, bytes = 0;
    CHECK(sscanf(head.ptr, "GET /%u/%u ", &id, &bytes) == 2);
    nw_sim_note(node->world->sim, "node", "asked %u", id);
    if (nw_rng_chance(&node->rng, node->manner.refuses)) {
        nw_h2_reset(work->stream, REFUSED_STREAM);
        return;
    }
    if (nw_rng_chance(&node->rng, node->manner.resets)) {
        nw_h2_reset(work->stream, INTERNAL_ERROR);
        return;
    }
    if (nw_rng_chance(&node->rng, node->manner.shuts))
        nw_h2_shutdown(work->peer->h2);
    if (nw_rng_chance(&node->rng, node->manner.dies)) {
        nw_h2_abort(work->peer->h2, INTERNAL_ERROR);
        return;
    }
    if (nw_sleep(1 + id % 5) != NW_OK) /* by the request: comparable between runs */
        return;
    bool is_cut = nw_rng_chance(&node->rng, node->manner.cuts);
    char text[128];
    int len = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %u\r\n\r\n", bytes);
    if (nw_h2_respond(work->stream, nw_slice_of(text, (size_t)len), false) != NW_OK)
        return;
    nw_err err NW_UNUSED = send_body(work->stream, id, bytes, is_cut ? bytes / 2 : SIZE_MAX);
    err = nw_h2_drain(work->stream);
}

static void work_fiber(void *arg)
{
    struct work *work = arg;
    answer(work);
    nw_h2_stream_done(work->stream);
    nw_free(work);
}

static void on_request(void *arg, struct nw_h2_stream *stream)
{
    struct peer *peer = arg;
    struct work *work = nw_alloc_zero(sizeof *work);
    *work = (struct work){peer, stream};
    nw_err err = nw_scope_spawn(&peer->works, "node.work", work_fiber, work, NULL);
    CHECK(err == NW_OK);
}

static void peer_fiber(void *arg)
{
    struct peer *peer = arg;
    struct nw_h2_options options = {
        .stream = &peer->stream,
        .streams_max = 200,
        .head_max_bytes = 16384,
        .window_bytes = 65536,
        .window_max_bytes = 1 << 20,
        .arg = peer,
        .on_request = on_request,
    };
    nw_scope_open(&peer->works);
    CHECK(nw_h2_new(&options, &peer->h2) == NW_OK);
    nw_err err = NW_OK;
    while (err == NW_OK) {
        err = nw_h2_run(peer->h2, NULL);
        struct nw_wait wait = {.stream = &peer->stream, .want = NW_WANT_READ};
        if (err == NW_OK)
            err = nw_io_wait_any(&wait, 1);
    }
    nw_scope_close(&peer->works);
    nw_h2_free(peer->h2);
    CHECK(nw_grace(5000));
    if (err == NW_PEER_CLOSED)
        nw_stream_linger_close(&peer->stream); /* or the last answer may be lost */
    else
        nw_stream_close(&peer->stream);
    peer->node->open--;
    err = nw_sleep(1); /* the rest turn of its memory */
    nw_free(peer);
}

static void on_accept(void *owner, struct nw_accepted *accepted)
{
    struct node *node = owner;
    struct peer *peer = nw_alloc_zero(sizeof *peer);
    peer->node = node;
    node->connections++;
    node->open++;
    nw_stream_init_accepted(&peer->stream, accepted);
    nw_err err = nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "node.conn", peer_fiber,
                                peer, NULL);
    CHECK(err == NW_OK);
}

static void node_main(void *arg)
{
    struct node *node = arg;
    struct nw_listener_options options = {
        .owner = node, .on_accept = on_accept, .inherited_fd = -1};
    CHECK(nw_addr_parse(NW_SLICE("10.0.0.1:80"), &options.addr) == NW_OK);
    CHECK(nw_listener_open(nw_worker_runtime(nw_worker_self()), &options, &node->listener) ==
          NW_OK);
    nw_listener_start(node->listener);
}

/* ---- clients ---- */

struct client {
    struct world *world;
    unsigned number;
    uint64_t latency_us[ASKS];
    unsigned right, refused, broken;
    bool is_over;
};

/* One request on a connection of its own; what came is checked against what it must be. */
NW_YIELDS static void ask(struct client *c, struct nw_stream *stream, unsigned id)
{
    char text[256], *got = nw_alloc(BODY_BYTES + 4096);
    size_t bytes = 0, here = 1;
    int len = snprintf(text, sizeof text,
                       "GET /%u/%u HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", id,
                       (unsigned)BODY_BYTES);
    struct iovec iov = {text, (size_t)len};
    nw_err err = nw_io_write_all(stream, &iov, 1);
    while (err == NW_OK && here != 0 && bytes < BODY_BYTES + 4095) {
        err = nw_io_read_into(stream, got + bytes, BODY_BYTES + 4095 - bytes, &here);
        bytes += err == NW_OK ? here : 0;
    }
    got[bytes] = '\0';
    const char *body = memmem(got, bytes, "\r\n\r\n", 4);
    size_t body_bytes = body != NULL ? bytes - (size_t)(body + 4 - got) : 0;
    bool is_ok = bytes > 12 && memcmp(got, "HTTP/1.1 200", 12) == 0;
    for (size_t i = 0; is_ok && i < body_bytes; i++)
        if (body[4 + i] != byte_of(id, i)) {
            world_violation(c->world, "request %u got a byte of another answer", id);
            break;
        }
    if (is_ok && body_bytes == BODY_BYTES)
        c->right++;
    else if (is_ok || bytes == 0)
        c->broken++; /* cut, and the client can tell: fewer bytes than were announced */
    else
        c->refused++;
    nw_sim_note(c->world->sim, "client", "%u got %zu", id, bytes);
    nw_free(got);
}

static void client_fiber(void *arg)
{
    struct client *c = arg;
    struct nw_addr addr;
    CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
    for (unsigned i = 0; i < ASKS; i++) {
        struct nw_stream stream;
        CHECK(nw_sleep(50) == NW_OK);
        uint64_t began_us = nw_sim_now_us(c->world->sim);
        CHECK(nw_io_connect(&addr, &stream) == NW_OK);
        ask(c, &stream, c->number * ASKS + i + 1);
        nw_stream_close(&stream);
        c->latency_us[i] = nw_sim_now_us(c->world->sim) - began_us;
        CHECK(nw_sleep(1) == NW_OK); /* the rest turn of its memory */
    }
    c->is_over = true;
}

/* 1 KiB each second of a long answer. */
static void slow_fiber(void *arg)
{
    struct client *c = arg;
    struct nw_addr addr;
    struct nw_stream stream;
    char text[1024];
    size_t here;
    CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
    CHECK(nw_io_connect(&addr, &stream) == NW_OK);
    int len = snprintf(text, sizeof text, "GET /0/%u HTTP/1.1\r\nHost: a\r\n\r\n",
                       (unsigned)ENDLESS_BYTES);
    struct iovec iov = {text, (size_t)len};
    CHECK(nw_io_write_all(&stream, &iov, 1) == NW_OK);
    while (nw_io_read_into(&stream, text, sizeof text, &here) == NW_OK && here != 0) {
        c->right++;
        if (nw_sleep(1000) != NW_OK)
            break;
    }
    nw_stream_close(&stream);
}

/* ---- games with windows ---- */

enum {
    GAMERS = 6,
    GAME_STREAMS = 4,
    GAME_ROUNDS = 3,
    GAME_BYTES = 3000,
    RFC_WINDOW_BYTES = 65535,
    DATA_FRAME = 0,
    RST_FRAME = 3,
    SETTINGS_FRAME = 4,
    GOAWAY_FRAME = 7,
};

/* A client of raw frames, which grants windows of an octet, takes them back, and counts. */
struct gamer {
    struct world *world;
    struct nw_rng rng;
    struct nw_stream stream;
    char buf[64 * 1024];
    size_t have_bytes;
    int64_t conn_window, window[GAME_STREAMS];
    int64_t initial, next_initial; /* sent, and acknowledged */
    unsigned first_id, settings_count;
    size_t got_bytes[GAME_STREAMS];
    unsigned ended, right;
    bool is_unsettled; /* SETTINGS are to be acknowledged */
    bool is_over;
};

static size_t put_frame(char *to, unsigned type, unsigned flags, uint32_t id, const char *body,
                        size_t bytes)
{
    char head[] = {0, (char)(bytes >> 8), (char)bytes, (char)type, (char)flags,
                   (char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, body, bytes);
    return sizeof head + bytes;
}

static size_t put_u32_frame(char *to, unsigned type, uint32_t id, uint32_t value)
{
    char body[] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};
    return put_frame(to, type, 0, id, body, sizeof body);
}

static size_t put_initial(char *to, uint32_t value)
{
    char body[] = {0, 4, (char)(value >> 24), (char)(value >> 16), (char)(value >> 8),
                   (char)value};
    return put_frame(to, SETTINGS_FRAME, 0, 0, body, sizeof body);
}

NW_YIELDS static nw_err say(struct gamer *g, const char *bytes, size_t count)
{
    struct iovec iov = {(void *)(uintptr_t)bytes, count};
    return nw_io_write_all(&g->stream, &iov, 1);
}

static uint32_t drawn_window(struct gamer *g)
{
    static const uint32_t some[] = {0, 1, 7, 100, 5000};
    return some[nw_rng_below(&g->rng, NW_COUNT(some))];
}

/* The preface, a first window, and all requests of a round. */
NW_YIELDS static nw_err begin_round(struct gamer *g)
{
    char bytes[1024] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", block[64];
    size_t count = 24;
    g->conn_window = RFC_WINDOW_BYTES;
    g->initial = g->next_initial = drawn_window(g);
    g->have_bytes = g->ended = g->settings_count = 0;
    g->is_unsettled = true;
    count += put_initial(bytes + count, (uint32_t)g->initial);
    for (unsigned i = 0; i < GAME_STREAMS; i++) {
        char path[32];
        int len = snprintf(path, sizeof path, "/%u/%u", g->first_id + i, (unsigned)GAME_BYTES);
        int all = snprintf(block, sizeof block, "\x82\x86\x04%c%s\x41\x01""a", len, path);
        count += put_frame(bytes + count, 1, 5, 2 * i + 1, block, (size_t)all);
        g->window[i] = g->initial;
        g->got_bytes[i] = 0;
    }
    return say(g, bytes, count);
}

/* A little window for everybody who has none; now and then another first one. */
NW_YIELDS static nw_err grant(struct gamer *g)
{
    char bytes[512];
    size_t count = 0;
    if (g->conn_window <= 0) {
        count += put_u32_frame(bytes + count, 8, 0, 2000);
        g->conn_window += 2000;
    }
    for (unsigned i = 0; i < GAME_STREAMS; i++) {
        if (g->window[i] > 0 || g->got_bytes[i] == GAME_BYTES)
            continue;
        uint32_t step = nw_rng_chance(&g->rng, 0.8) ? 1 + nw_rng_below(&g->rng, 300) : 1;
        step -= g->window[i] < 0 ? (uint32_t)g->window[i] : 0; /* it was taken back */
        count += put_u32_frame(bytes + count, 8, 2 * i + 1, step);
        g->window[i] += step;
    }
    if (g->settings_count < 20 && !g->is_unsettled && nw_rng_chance(&g->rng, 0.3)) {
        g->is_unsettled = true;
        g->next_initial = drawn_window(g);
        g->settings_count++;
        count += put_initial(bytes + count, (uint32_t)g->next_initial);
        for (unsigned i = 0; i < GAME_STREAMS && g->next_initial > g->initial; i++)
            g->window[i] += g->next_initial - g->initial; /* may be used before the ACK is here */
    }
    return count != 0 ? say(g, bytes, count) : NW_OK;
}

static void take_data(struct gamer *g, unsigned i, const char *body, size_t bytes, bool is_end)
{
    for (size_t k = 0; k < bytes; k++)
        if (body[k] != byte_of(g->first_id + i, g->got_bytes[i] + k))
            world_violation(g->world, "request %u got a byte of another", g->first_id + i);
    g->got_bytes[i] += bytes;
    g->window[i] -= (int64_t)bytes;
    g->conn_window -= (int64_t)bytes;
    if (bytes != 0 && (g->window[i] < 0 || g->conn_window < 0))
        world_violation(g->world, "request %u: more than its window", g->first_id + i);
    g->ended += is_end;
    g->right += is_end && g->got_bytes[i] == GAME_BYTES;
}

/* The frames that are whole; NW_PEER_RESET when newel gives up. */
NW_YIELDS static nw_err take_frames(struct gamer *g)
{
    for (;;) {
        const uint8_t *head = (const uint8_t *)g->buf;
        size_t bytes = g->have_bytes < 9 ? 0 : (size_t)head[1] << 8 | head[2];
        if (g->have_bytes < 9 + bytes || g->have_bytes < 9)
            return NW_OK;
        unsigned type = head[3], flags = head[4], id = (unsigned)head[7] << 8 | head[8];
        if (type == RST_FRAME || type == GOAWAY_FRAME)
            return NW_PEER_RESET;
        if (type == DATA_FRAME)
            take_data(g, id / 2, g->buf + 9, bytes, (flags & 1) != 0);
        if (type == SETTINGS_FRAME && (flags & 1) == 0)
            NW_TRY(say(g, "\0\0\0\4\1\0\0\0\0", 9));
        if (type == SETTINGS_FRAME && (flags & 1) != 0) {
            for (unsigned i = 0; i < GAME_STREAMS && g->next_initial < g->initial; i++)
                g->window[i] += g->next_initial - g->initial;
            g->initial = g->next_initial;
            g->is_unsettled = false;
        }
        g->have_bytes -= 9 + bytes;
        memmove(g->buf, g->buf + 9 + bytes, g->have_bytes);
    }
}

NW_YIELDS static nw_err play_round(struct gamer *g)
{
    NW_TRY(begin_round(g));
    while (g->ended < GAME_STREAMS && g->world->violation[0] == '\0') {
        size_t here = 0;
        nw_err err;
        {
            NW_WITHIN(pause, 20);
            err = nw_io_read_into(&g->stream, g->buf + g->have_bytes,
                                  sizeof g->buf - g->have_bytes, &here);
        }
        if (err != NW_TIMEOUT)
            NW_TRY(err);
        if (err == NW_OK && here == 0)
            return NW_PEER_CLOSED;
        g->have_bytes += here;
        NW_TRY(take_frames(g));
        NW_TRY(grant(g));
    }
    return NW_OK;
}

static void gamer_fiber(void *arg)
{
    struct gamer *g = arg;
    struct nw_addr addr;
    CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
    for (unsigned i = 0; i < GAME_ROUNDS; i++) {
        CHECK(nw_io_connect(&addr, &g->stream) == NW_OK);
        nw_err err = play_round(g);
        nw_sim_note(g->world->sim, "gamer", "%u: %s", g->first_id, nw_err_name(err));
        nw_stream_close(&g->stream);
        if (nw_sleep(1) != NW_OK) /* the rest turn of its memory */
            return;
    }
    g->is_over = true;
}

static bool are_games_over(void *arg)
{
    struct gamer *gamers = arg;
    for (unsigned i = 0; i < GAMERS; i++)
        if (!gamers[i].is_over)
            return gamers[i].world->violation[0] != '\0';
    return true;
}

static uint64_t run_games(uint64_t seed, unsigned *out_right, char violation[400])
{
    struct world *world = world_new(seed, true);
    struct node node = {.world = world};
    struct gamer *gamers = nw_alloc_zero(GAMERS * sizeof *gamers);
    nw_sim_faults(world->sim)->split_read = nw_sim_faults(world->sim)->split_write = 0.2;
    nw_sim_split(world->sim, "node", &node.rng);
    nw_sim_spawn(world->hosts, 0, "node", node_main, &node);
    world_daemon_add(world, "edge", conf);
    for (unsigned i = 0; i < GAMERS; i++) {
        gamers[i].world = world;
        gamers[i].first_id = i * GAME_STREAMS + 1;
        nw_sim_split(world->sim, "gamer", &gamers[i].rng);
        nw_sim_spawn(world->hosts, 0, "gamer", gamer_fiber, &gamers[i]);
    }
    CHECK(nw_sim_run_until(world->sim, are_games_over, gamers, 600 * 1000));
    *out_right = 0;
    for (unsigned i = 0; i < GAMERS; i++)
        *out_right += gamers[i].right;
    memcpy(violation, world->violation, sizeof world->violation);
    uint64_t hash = nw_sim_transcript_hash(world->sim);
    world_free(world);
    nw_free(gamers);
    return hash;
}

static void windows_of_an_octet_and_less_give_whole_answers(void **state)
{
    unsigned right, again;
    char violation[400];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t hash = run_games(seed, &right, violation);
        assert_string_equal(violation, "");
        assert_int_equal(right, GAMERS * GAME_STREAMS * GAME_ROUNDS);
        assert_true(hash == run_games(seed, &again, violation));
    }
}

/* ---- runs ---- */

struct run {
    struct world *world;
    struct node node;
    struct client clients[CLIENTS];
    struct client slow;
    uint64_t hash;
    uint64_t right, refused, broken;
    char violation[400];
};

static bool are_over(void *arg)
{
    struct run *run = arg;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (!run->clients[i].is_over)
            return run->world->violation[0] != '\0';
    return true;
}

/*
 * is_instant: turns and segments take no time, so that in whose turn something happens, which the
 * seed decides anew with every party more, is no difference; what is left is waiting.
 */
static void run_world(struct run *run, uint64_t seed, const struct manner *manner, bool has_slow,
                      bool is_instant)
{
    struct nw_sim_options options = {
        .seed = seed, .turn_ns = is_instant, .drops_transcript = true};
    *run = (struct run){.world = world_new_in(&options), .node = {.manner = *manner}};
    struct nw_sim_faults *faults = nw_sim_faults(run->world->sim);
    faults->latency_us = is_instant ? 0 : faults->latency_us;
    faults->buffer_min_bytes = faults->buffer_max_bytes = BUFFER_BYTES;
    run->node.world = run->world;
    nw_sim_split(run->world->sim, "node", &run->node.rng);
    nw_sim_spawn(run->world->hosts, 0, "node", node_main, &run->node);
    world_daemon_add(run->world, "edge", conf);
    if (has_slow) {
        run->slow.world = run->world;
        nw_sim_spawn(run->world->hosts, 0, "slow", slow_fiber, &run->slow);
    }
    nw_sim_run_ms(run->world->sim, 3000); /* its answer has filled what it may */
    for (unsigned i = 0; i < CLIENTS; i++) {
        run->clients[i].world = run->world;
        run->clients[i].number = i;
        nw_sim_spawn(run->world->hosts, 0, "client", client_fiber, &run->clients[i]);
    }
    CHECK(nw_sim_run_until(run->world->sim, are_over, run, 600 * 1000));
    for (unsigned i = 0; i < CLIENTS; i++) {
        run->right += run->clients[i].right;
        run->refused += run->clients[i].refused;
        run->broken += run->clients[i].broken;
    }
    run->hash = nw_sim_transcript_hash(run->world->sim);
    memcpy(run->violation, run->world->violation, sizeof run->violation);
    world_free(run->world);
}

static void a_client_that_reads_slowly_costs_the_others_nothing(void **state)
{
    struct run *with = nw_alloc_zero(sizeof *with), *without = nw_alloc_zero(sizeof *without);
    struct manner good = {0};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        run_world(without, seed, &good, false, true);
        run_world(with, seed, &good, true, true);
        assert_string_equal(with->violation, "");
        assert_int_equal(without->right, CLIENTS * ASKS);
        assert_int_equal(with->right, CLIENTS * ASKS);
        assert_int_equal(with->node.connections, 1);
        assert_true(with->slow.right > 3); /* it still reads */
        for (unsigned i = 0; i < CLIENTS; i++) /* one by one, to the microsecond */
            assert_memory_equal(with->clients[i].latency_us, without->clients[i].latency_us,
                                sizeof with->clients[i].latency_us);
    }
    nw_free(with);
    nw_free(without);
}

static void an_answer_is_the_requests_own_or_none(void **state)
{
    struct run *run = nw_alloc_zero(sizeof *run);
    struct manner bad = {.refuses = 0.05, .resets = 0.02, .shuts = 0.01, .dies = 0.003,
                         .cuts = 0.02};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_world(run, seed, &bad, seed % 2 == 0, false);
        if (run->violation[0] != '\0')
            fail_msg("seed %llu: %s", (unsigned long long)seed, run->violation);
        assert_int_equal(run->right + run->refused + run->broken, CLIENTS * ASKS);
        assert_true(run->right > CLIENTS * ASKS / 2);
        assert_true(run->node.connections > 1);
    }
    nw_free(run);
}

static void what_a_node_only_refuses_or_retires_fails_nothing(void **state)
{
    struct run *run = nw_alloc_zero(sizeof *run);
    struct manner calm = {.shuts = 0.01};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_world(run, seed, &calm, false, false);
        assert_int_equal(run->right, CLIENTS * ASKS);
    }
    nw_free(run);
}

static void the_same_seed_is_the_same_run(void **state)
{
    struct run *first = nw_alloc_zero(sizeof *first), *again = nw_alloc_zero(sizeof *again);
    struct manner bad = {.refuses = 0.05, .resets = 0.02, .shuts = 0.01, .dies = 0.003,
                         .cuts = 0.02};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        run_world(first, seed, &bad, true, false);
        run_world(again, seed, &bad, true, false);
        assert_true(first->hash == again->hash);
    }
    nw_free(first);
    nw_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_reads_slowly_costs_the_others_nothing),
        cmocka_unit_test(an_answer_is_the_requests_own_or_none),
        cmocka_unit_test(what_a_node_only_refuses_or_retires_fails_nothing),
        cmocka_unit_test(the_same_seed_is_the_same_run),
        cmocka_unit_test(windows_of_an_octet_and_less_give_whole_answers),
    };
    return cmocka_run_group_tests_name("mux_sim", tests, NULL, NULL);
}
