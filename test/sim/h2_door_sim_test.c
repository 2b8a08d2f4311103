/*
 * Requests over HTTP/2 in a hostile world: bytes cut anywhere, connections reset, streams given up,
 * readers that dawdle. The right answer or a visible failure, and the same for the same seed.
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>

#include <cmocka.h>

#include "actors.h"
#include "base/alloc.h"
#include "http/h2.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "proto/http2.h"
#include "talk.h"
#include "world.h"

enum { CLIENTS = 4, ROUNDS = 12, STREAMS = 6, REQUESTS = 3 };
enum { ASKS = CLIENTS * ROUNDS * STREAMS * REQUESTS, ATTACKERS = 8, ATTACKS = 12 };

struct caller {
    struct world *world;
    struct nw_rng rng;
    struct nw_h2 *h2;
    bool is_over;
    unsigned attack_count;
    bool is_calm; /* neither dawdles nor aborts: its latencies say something */
};

static struct {
    uint64_t us[ASKS];
    unsigned count;
} latencies; /* of right answers, of one run */

/* ---- one request ---- */

static nw_err send_body(struct nw_h2_stream *stream, uint64_t id)
{
    char bytes[4096];
    size_t all = talk_size(id, 'q');
    for (size_t at = 0; at < all;) {
        size_t count = all - at < sizeof bytes ? all - at : sizeof bytes;
        struct iovec iov = {bytes, count};
        talk_fill(id, 'q', at, bytes, count);
        NW_TRY(nw_h2_write(stream, &iov, 1, 0));
        at += count;
    }
    return nw_h2_end(stream, nw_slice_of(NULL, 0));
}

static uint64_t number_in(struct nw_slice head)
{
    const char *at = memmem(head.ptr, head.len, "\r\nx-id: ", 8);
    return at != NULL ? strtoull(at + 8, NULL, 10) : UINT64_MAX;
}

static nw_err read_answer(struct caller *c, struct nw_h2_stream *stream, uint64_t id, int *status)
{
    NW_WITHIN(patience, 20000);
    struct nw_buf head = {0};
    nw_err err = nw_h2_head(stream, &head);
    struct nw_slice text = nw_buf_unread(&head);
    *status = err == NW_OK ? atoi(text.ptr + 9) : 0;
    bool is_page = *status != 200;
    if (err == NW_OK && !is_page && number_in(text) != id)
        world_violation(c->world, "request %llu: the head of another", (unsigned long long)id);
    nw_buf_release(&head);
    for (size_t at = 0; err == NW_OK;) {
        struct nw_slice piece;
        if (!c->is_calm && nw_rng_chance(&c->rng, 0.05)) /* a reader that dawdles */
            err = nw_sleep(nw_rng_below(&c->rng, 300));
        if (err == NW_OK)
            err = nw_h2_read(stream, &piece);
        if (err != NW_OK)
            break;
        if (!is_page && !talk_is_right(id, 'a', at, piece.ptr, piece.len))
            world_violation(c->world, "request %llu: bytes of another", (unsigned long long)id);
        at += piece.len;
        if (piece.len > 0)
            continue;
        if (!is_page && at != talk_size(id, 'a'))
            world_violation(c->world, "request %llu: cut but whole", (unsigned long long)id);
        return NW_OK;
    }
    return err;
}

static nw_err ask(struct caller *c)
{
    uint64_t id = c->world->next_id++;
    bool is_post = world_is_post(id);
    char head[256], length[64] = "";
    if (is_post && !world_is_chunked(id, 'q'))
        snprintf(length, sizeof length, "content-length: %zu\r\n", talk_size(id, 'q'));
    snprintf(head, sizeof head, "%s /r/%llu HTTP/1.1\r\nhost: shop.example\r\n%s\r\n",
             is_post ? "POST" : "GET", (unsigned long long)id, length);
    struct nw_h2_stream *stream;
    int status = 0;
    uint64_t began_us = nw_sim_now_us(c->world->sim);
    NW_TRY(nw_h2_request(c->h2, nw_slice_str(head), !is_post, &stream));
    nw_err err = is_post ? send_body(stream, id) : NW_OK;
    bool aborts = !c->is_calm && nw_rng_chance(&c->rng, 0.05);
    if (aborts)
        nw_h2_reset(stream, NW_HTTP2_CANCEL);
    if (err == NW_OK || err == NW_PEER_RESET) /* an early answer may be there */
        err = read_answer(c, stream, id, &status);
    if (err == NW_OK && status == 200) {
        c->world->stats.ok++;
        latencies.us[latencies.count++] = nw_sim_now_us(c->world->sim) - began_us;
    }
    c->world->stats.refused += err == NW_OK && status != 200;
    c->world->stats.aborted += err != NW_OK && aborts;
    c->world->stats.broken += err != NW_OK && !aborts;
    nw_h2_stream_done(stream);
    return err;
}

static void stream_fiber(void *arg)
{
    struct caller *c = arg;
    for (unsigned i = 0; i < REQUESTS && c->world->violation[0] == '\0'; i++) {
        nw_err err = ask(c);
        if (err == NW_DRAINING || err == NW_BUSY)
            return;
    }
}

/* ---- one connection after the other ---- */

static void reader_fiber(void *arg)
{
    struct caller *c = arg;
    nw_err err = nw_h2_run(c->h2, NULL);
    (void)err; /* its streams tell */
}

static void one_connection(struct caller *c, struct nw_stream *stream)
{
    struct nw_scope reader, streams;
    struct nw_h2_options options = {
        .stream = stream,
        .is_client = true,
        .streams_max = STREAMS,
        .head_max_bytes = 32768,
        .window_bytes = 65535,
        .window_max_bytes = 65535 + (uint32_t)nw_rng_below(&c->rng, 200000),
    };
    CHECK(nw_h2_new(&options, &c->h2) == NW_OK);
    nw_scope_open(&reader);
    nw_scope_open(&streams);
    CHECK(nw_scope_spawn(&reader, "reader", reader_fiber, c, NULL) == NW_OK);
    for (unsigned i = 0; i < STREAMS; i++)
        CHECK(nw_scope_spawn(&streams, "stream", stream_fiber, c, NULL) == NW_OK);
    nw_err err = nw_scope_join(&streams);
    (void)err;
    nw_scope_close(&streams);
    nw_h2_abort(c->h2, NW_HTTP2_NO_ERROR);
    nw_scope_close(&reader);
    nw_h2_free(c->h2);
}

static void caller_fiber(void *arg)
{
    struct caller *c = arg;
    for (unsigned i = 0; i < ROUNDS && c->world->violation[0] == '\0'; i++) {
        struct nw_addr addr;
        struct nw_stream stream;
        CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
        if (nw_io_connect(&addr, &stream) != NW_OK)
            continue;
        c->world->stats.connections++;
        one_connection(c, &stream);
        nw_stream_close(&stream);
    }
    c->is_over = true;
}

static bool all_are_over(void *arg)
{
    struct caller *callers = arg;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (!callers[i].is_over && callers[i].world->violation[0] == '\0')
            return false;
    return true;
}

/* ---- attackers ---- */

static size_t put_frame(char *to, unsigned type, unsigned flags, uint32_t id, struct nw_slice body)
{
    char head[] = {0, (char)(body.len >> 8), (char)body.len, (char)type, (char)flags,
                   (char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, body.ptr, body.len);
    return sizeof head + body.len;
}

typedef enum attack { RAPID_RESET, UNFINISHED_BODIES, PINGS, CONTINUATIONS, ATTACK_COUNT } attack;

/* One portion of the attack, from this stream on. */
static size_t put_attack(char *to, attack kind, uint32_t id)
{
    enum { HEADERS = 1, RST_STREAM = 3, PING = 6, CONTINUATION = 9, END_BOTH = 5, END_HEADERS = 4 };
    static const struct nw_slice get = NW_SLICE_LIT("\x82\x86\x04\x04/r/1\x41\x01""a");
    static const struct nw_slice post = NW_SLICE_LIT("\x83\x86\x04\x04/r/1\x41\x01""a");
    switch (kind) {
    case RAPID_RESET: {
        size_t bytes = put_frame(to, HEADERS, END_BOTH, id, get);
        return bytes + put_frame(to + bytes, RST_STREAM, 0, id, NW_SLICE("\0\0\0\x8"));
    }
    case UNFINISHED_BODIES: return put_frame(to, HEADERS, END_HEADERS, id, post);
    case PINGS: return put_frame(to, PING, 0, 0, NW_SLICE("8 octets"));
    default:
        return id == 1 ? put_frame(to, HEADERS, 0, 1, get)
                       : put_frame(to, CONTINUATION, 0, 1, NW_SLICE(""));
    }
}

/* Until it is thrown out, or has sent what an attacker of this size has. */
static void attack_once(struct nw_stream *stream, attack kind)
{
    enum { PORTIONS = 40, FRAMES = 50 };
    char bytes[FRAMES * 64];
    struct iovec greeting = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                             "\0\0\0\4\1\0\0\0\0", 42};
    uint32_t id = 1;
    nw_err err = nw_io_write_all(stream, &greeting, 1);
    for (unsigned i = 0; i < PORTIONS && err == NW_OK; i++) {
        size_t count = 0;
        for (unsigned k = 0; k < FRAMES; k++, id += 2)
            count += put_attack(bytes + count, kind, id);
        struct iovec iov = {bytes, count};
        err = nw_io_write_all(stream, &iov, 1);
        if (err == NW_OK)
            err = nw_sleep(1);
    }
}

static void attacker_fiber(void *arg)
{
    struct caller *c = arg;
    for (unsigned i = 0; i < ATTACKS; i++) {
        struct nw_addr addr;
        struct nw_stream stream;
        CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
        if (nw_io_connect(&addr, &stream) != NW_OK)
            continue;
        attack_once(&stream, (attack)nw_rng_below(&c->rng, ATTACK_COUNT));
        nw_stream_close(&stream);
        c->attack_count++;
        if (nw_sleep(1) != NW_OK) /* the rest turn of its memory */
            return;
    }
    c->is_over = true;
}

/* ---- a world ---- */

struct outcome {
    struct world_stats stats;
    uint64_t hash;
    char violation[400];
    bool is_over;
};

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void add_callers(struct world *world, struct caller *callers, unsigned count,
                        const char *name, void (*fiber)(void *), bool is_calm)
{
    for (unsigned i = 0; i < count; i++) {
        callers[i] = (struct caller){.world = world, .is_calm = is_calm};
        nw_sim_split(world->sim, name, &callers[i].rng);
        nw_sim_spawn(world->hosts, 0, name, fiber, &callers[i]);
    }
}

/* The virtual time within which 99 of 100 right answers were there. */
static uint64_t calm_run(uint64_t seed, unsigned attacker_count)
{
    static struct caller callers[CLIENTS], attackers[ATTACKERS];
    struct world *world = world_new(seed, true);
    struct world_manner manner = {.service_us = 2000, .slowest_us = 20000};
    struct nw_text conf = {0};
    for (unsigned i = 0; i < 2; i++)
        world_node_add(world, &manner);
    world_conf(world, 1, "", "", &conf);
    world_daemon_add(world, "edge", conf.ptr);
    nw_text_done(&conf);
    latencies.count = 0;
    add_callers(world, callers, CLIENTS, "caller", caller_fiber, true);
    add_callers(world, attackers, attacker_count, "attacker", attacker_fiber, true);
    assert_true(nw_sim_run_until(world->sim, all_are_over, callers, 3600 * 1000));
    assert_string_equal(world->violation, "");
    assert_int_equal(world->stats.ok, ASKS); /* whatever the others do */
    for (unsigned i = 0; i < attacker_count; i++)
        assert_in_range(attackers[i].attack_count, 2, ATTACKS);
    world_free(world);
    qsort(latencies.us, latencies.count, sizeof latencies.us[0], by_size);
    return latencies.us[latencies.count * 99 / 100];
}

static void scenario_run(uint64_t seed, bool is_hostile, struct outcome *out)
{
    static struct caller callers[CLIENTS];
    latencies.count = 0;
    struct world *world = world_new(seed, false);
    struct nw_sim_faults *faults = nw_sim_faults(world->sim);
    struct world_manner manner = {.service_us = 2000};
    struct nw_text conf = {0};
    if (is_hostile) {
        manner.drops = manner.cuts = manner.says_close = manner.closes = 0.02;
        faults->split_read = faults->split_write = 0.2;
        faults->full = faults->partial_events = 0.05;
        faults->reset = 0.0005;
        faults->buffer_min_bytes = 8 * 1024;
    }
    for (unsigned i = 0; i < 2; i++)
        world_node_add(world, &manner);
    world_conf(world, seed % 3 == 0 ? 3 : 1, "", "", &conf);
    world_daemon_add(world, "edge", conf.ptr);
    nw_text_done(&conf);
    add_callers(world, callers, CLIENTS, "caller", caller_fiber, false);
    out->is_over = nw_sim_run_until(world->sim, all_are_over, callers, 3600 * 1000);
    out->stats = world->stats;
    out->hash = nw_sim_transcript_hash(world->sim);
    snprintf(out->violation, sizeof out->violation, "%s", world->violation);
    world_free(world);
}

static void must_be_well(uint64_t seed, const struct outcome *out)
{
    uint64_t all = CLIENTS * ROUNDS * STREAMS * REQUESTS;
    if (!out->is_over || out->violation[0] != '\0' || out->stats.ok * 2 < all)
        fail_msg("seed %llu: %s ok %llu, refused %llu, broken %llu, aborted %llu",
                 (unsigned long long)seed, out->violation, (unsigned long long)out->stats.ok,
                 (unsigned long long)out->stats.refused, (unsigned long long)out->stats.broken,
                 (unsigned long long)out->stats.aborted);
}

static void in_a_friendly_world_every_request_is_answered(void **state)
{
    struct outcome out;
    scenario_run(4, false, &out);
    must_be_well(4, &out);
    assert_int_equal(out.stats.broken + out.stats.refused, 0);
    assert_int_equal(out.stats.ok + out.stats.aborted, CLIENTS * ROUNDS * STREAMS * REQUESTS);
}

static void the_same_seed_is_the_same_to_the_byte(void **state)
{
    struct outcome first, again, other;
    scenario_run(1, true, &first);
    scenario_run(1, true, &again);
    scenario_run(2, true, &other);
    must_be_well(1, &first);
    assert_int_equal(first.hash, again.hash);
    assert_int_not_equal(first.hash, other.hash);
}

static void no_seed_mixes_answers_up(void **state)
{
    const char *wanted = getenv("SEEDS"); /* make sim SEEDS=N */
    uint64_t count = wanted != NULL ? strtoull(wanted, NULL, 10) : 6;
    for (uint64_t seed = 10; seed < 10 + count; seed++) {
        struct outcome out;
        scenario_run(seed, true, &out);
        must_be_well(seed, &out);
    }
}

static void attackers_cost_the_others_little(void **state)
{
    for (uint64_t seed = 30; seed < 34; seed++) {
        uint64_t quiet_us = calm_run(seed, 0), loud_us = calm_run(seed, ATTACKERS);
        print_message("seed %llu: p99 %llu us, with attackers %llu us\n", (unsigned long long)seed,
                      (unsigned long long)quiet_us, (unsigned long long)loud_us);
        assert_in_range(loud_us, 0, 2 * quiet_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_friendly_world_every_request_is_answered),
        cmocka_unit_test(the_same_seed_is_the_same_to_the_byte),
        cmocka_unit_test(no_seed_mixes_answers_up),
        cmocka_unit_test(attackers_cost_the_others_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
