/*
 * The contract of io/stream.h for idle streams and for events that nobody waits for: parking, the
 * gone-watch, quiet descriptors, moving between workers.
 */
#include "loopback.h"

/* A turn is cheap but not free: sleeping fiber, timer and clean-up together make a handful. */
enum { QUIET_TURNS_MAX = 20 };

/* ---- parking ---- */

struct parked {
    struct pair pair; /* first */
    struct nw_event woke;
    nw_stream_wake why;
    int count;
};

static void on_wake(struct nw_stream *stream, nw_stream_wake why)
{
    struct parked *parked = (struct parked *)(void *)stream;
    parked->why = why;
    parked->count++;
    nw_event_set(&parked->woke);
}

static void parked_open(struct parked *parked, uint64_t idle_ms)
{
    *parked = (struct parked){0};
    pair_open(&parked->pair);
    nw_event_init(&parked->woke);
    nw_io_park(&parked->pair.stream, idle_ms, on_wake);
    CHECK(nw_stream_is_parked(&parked->pair.stream));
}

static void expect_wake(struct parked *parked, nw_stream_wake why)
{
    CHECK_OK(nw_event_wait(&parked->woke));
    nw_event_clear(&parked->woke);
    CHECK(parked->why == why && parked->count == 1);
    CHECK(!nw_stream_is_parked(&parked->pair.stream));
    parked->count = 0;
}

static void waking(void)
{
    struct parked parked;
    parked_open(&parked, 60000);
    for (int i = 0; i < 3; i++) {
        peer_send(&parked.pair, "request");
        expect_wake(&parked, NW_STREAM_INPUT);
        expect_read(&parked.pair.stream, "request");
        nw_io_park(&parked.pair.stream, 60000, on_wake);
    }
    close(parked.pair.peer);
    parked.pair.peer = -1;
    expect_wake(&parked, NW_STREAM_CLOSED);
    pair_close(&parked.pair);
}

static void input_wakes_a_parked_stream_once_and_so_does_its_end(void **state)
{
    run(waking);
}

static void last_words(void)
{
    struct parked parked;
    parked_open(&parked, 0);
    peer_send(&parked.pair, "request");
    CHECK(shutdown(parked.pair.peer, SHUT_WR) == 0);
    expect_wake(&parked, NW_STREAM_INPUT);
    expect_read(&parked.pair.stream, "request");
    nw_io_park(&parked.pair.stream, 0, on_wake);
    expect_wake(&parked, NW_STREAM_CLOSED);
    pair_close(&parked.pair);
}

static void bytes_before_a_fin_are_input(void **state)
{
    run(last_words);
}

static void parked_reset(void)
{
    struct parked parked;
    char byte;
    size_t bytes;
    parked_open(&parked, 0);
    peer_reset(&parked.pair);
    expect_wake(&parked, NW_STREAM_CLOSED);
    CHECK_ERR(nw_io_read_into(&parked.pair.stream, &byte, 1, &bytes), NW_PEER_RESET);
    nw_io_park(&parked.pair.stream, 0, on_wake);
    expect_wake(&parked, NW_STREAM_CLOSED);
    pair_close(&parked.pair);
}

static void a_reset_wakes_as_closed_and_is_not_forgotten(void **state)
{
    run(parked_reset);
}

static void idling(void)
{
    struct parked parked;
    parked_open(&parked, 1000);
    nw_clock_advance_ms(runtime_here(), 900);
    CHECK_OK(nw_sleep(1));
    CHECK(parked.count == 0);
    peer_send(&parked.pair, "x");
    expect_wake(&parked, NW_STREAM_INPUT);
    expect_read(&parked.pair.stream, "x");
    uint64_t armed_at_ms = parked.pair.stream.idle.at_ms;
    nw_io_park(&parked.pair.stream, 1000, on_wake);
    CHECK(parked.pair.stream.idle.at_ms == armed_at_ms); /* the wheel was not touched */
    nw_clock_advance_ms(runtime_here(), 900);            /* the old moment passes */
    CHECK_OK(nw_sleep(1));
    CHECK(parked.count == 0);
    nw_clock_advance_ms(runtime_here(), 100);
    expect_wake(&parked, NW_STREAM_TIMEOUT);
    nw_io_park(&parked.pair.stream, 5000, on_wake);
    nw_io_unpark(&parked.pair.stream);
    nw_io_park(&parked.pair.stream, 100, on_wake); /* nearer than what is armed */
    nw_clock_advance_ms(runtime_here(), 100);
    CHECK_OK(nw_sleep(1));
    CHECK(parked.count == 1);
    expect_wake(&parked, NW_STREAM_TIMEOUT);
    pair_close(&parked.pair);
}

static void the_idle_limit_counts_from_the_last_parking(void **state)
{
    run(idling);
}

static void unparking(void)
{
    struct parked parked;
    parked_open(&parked, 10);
    nw_io_unpark(&parked.pair.stream);
    nw_clock_advance_ms(runtime_here(), 1000);
    peer_send(&parked.pair, "upstream speaks");
    CHECK_OK(nw_sleep(1));
    CHECK(parked.count == 0);
    expect_read(&parked.pair.stream, "upstream speaks");
    pair_close(&parked.pair);
}

static void an_unparked_stream_wakes_nobody(void **state)
{
    run(unparking);
}

static void parked_with_old_input(void)
{
    struct parked parked = {0};
    pair_open(&parked.pair);
    nw_event_init(&parked.woke);
    peer_send(&parked.pair, "pipelined");
    CHECK_OK(nw_sleep(1)); /* the loop sees it, masks it */
    nw_io_park(&parked.pair.stream, 0, on_wake);
    expect_wake(&parked, NW_STREAM_INPUT);
    pair_close(&parked.pair);
}

static void input_that_was_masked_wakes_after_all(void **state)
{
    run(parked_with_old_input);
}

/* ---- quiet descriptors ---- */

static void expect_quiet(void)
{
    CHECK_OK(nw_sleep(1));
    uint64_t turns = nw_worker_turns(nw_worker_self());
    CHECK_OK(nw_sleep(50));
    CHECK(nw_worker_turns(nw_worker_self()) - turns < QUIET_TURNS_MAX);
}

static void pipelined(void)
{
    struct pair pair;
    pair_open(&pair);
    peer_send(&pair, "GET / HTTP/1.1\r\n\r\n");
    expect_quiet();
    expect_read(&pair.stream, "GET / HTTP/1.1\r\n\r\n");
    peer_send(&pair, "again");
    expect_read(&pair.stream, "again");
    pair_close(&pair);
}

static void input_that_nobody_reads_does_not_spin(void **state)
{
    run(pipelined);
}

static void finished(void)
{
    struct pair pair;
    char byte;
    size_t bytes = 1;
    pair_open(&pair);
    CHECK(shutdown(pair.peer, SHUT_WR) == 0);
    expect_quiet();
    CHECK_OK(nw_io_read_into(&pair.stream, &byte, 1, &bytes));
    CHECK(bytes == 0);
    expect_quiet();
    pair_close(&pair);
}

static void a_fin_that_nobody_reads_does_not_spin(void **state)
{
    run(finished);
}

static void broken(void)
{
    struct pair pair;
    char byte;
    size_t bytes;
    pair_open(&pair);
    peer_reset(&pair);
    expect_quiet();
    CHECK_ERR(nw_io_read_into(&pair.stream, &byte, 1, &bytes), NW_PEER_RESET);
    expect_quiet();
    pair_close(&pair);
}

static void a_reset_that_nobody_reads_does_not_spin(void **state)
{
    run(broken);
}

static void write_big(void *arg)
{
    enum { BIG_BYTES = 16 << 20 };
    char *big = calloc(1, BIG_BYTES);
    struct iovec iov = {big, BIG_BYTES};
    CHECK_ERR(nw_io_write_all(arg, &iov, 1), NW_CANCELLED);
    free(big);
}

static void half_closed_slow_reader(void)
{
    struct pair pair;
    struct nw_scope scope;
    struct nw_fiber *fiber;
    pair_open(&pair);
    CHECK(shutdown(pair.peer, SHUT_WR) == 0);
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "writer", write_big, &pair.stream, &fiber));
    expect_quiet();
    nw_scope_close(&scope);
    expect_quiet();
    pair_close(&pair);
}

static void a_half_closed_slow_reader_does_not_spin(void **state)
{
    run(half_closed_slow_reader);
}

static void relay_forever(void *arg)
{
    struct pair *pairs = arg;
    uint64_t moved_bytes;
    CHECK_ERR(nw_io_relay(&pairs[0].stream, &pairs[1].stream, 1ull << 30, 0, &moved_bytes, NULL),
              NW_CANCELLED);
    CHECK(moved_bytes > 0);
}

static void big_body_for_a_slow_reader(void)
{
    struct pair pairs[2];
    struct nw_scope scope;
    struct nw_fiber *fiber;
    pair_open(&pairs[0]);
    pair_open(&pairs[1]);
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "relay", relay_forever, pairs, &fiber));
    static char block[1 << 16];
    int refusals = 0;
    while (refusals < 50) { /* until everything between the two ends is full */
        if (send(pairs[0].peer, block, sizeof block, MSG_DONTWAIT) < 0) {
            refusals++;
            CHECK_OK(nw_sleep(1));
        } else {
            refusals = 0;
        }
    }
    expect_quiet();
    nw_scope_close(&scope);
    pair_close(&pairs[0]);
    pair_close(&pairs[1]);
}

static void a_body_that_a_slow_reader_holds_back_does_not_spin(void **state)
{
    run(big_body_for_a_slow_reader);
}

/* ---- a client that goes ---- */

static void work(void *arg)
{
    nw_err *out_err = arg;
    *out_err = nw_sleep(3600 * 1000);
}

struct exchange {
    struct pair pair;
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_err err;
};

static void exchange_start(struct exchange *exchange)
{
    nw_scope_open(&exchange->scope);
    exchange->err = NW_OK;
    CHECK_OK(nw_scope_spawn(&exchange->scope, "work", work, &exchange->err, &exchange->fiber));
    nw_stream_watch_gone(&exchange->pair.stream, exchange->fiber);
}

static void expect_gone(struct exchange *exchange)
{
    CHECK_OK(nw_scope_join(&exchange->scope));
    CHECK(exchange->err == NW_CANCELLED);
    CHECK(exchange->pair.stream.is_gone);
}

static void expect_still_there(struct exchange *exchange)
{
    CHECK_OK(nw_sleep(5));
    CHECK(!exchange->pair.stream.is_gone && exchange->scope.count == 1);
}

static void exchange_end(struct exchange *exchange)
{
    nw_stream_watch_gone(&exchange->pair.stream, NULL);
    nw_scope_close(&exchange->scope);
}

static void leaving_with_fin(void)
{
    struct exchange exchange;
    pair_open(&exchange.pair);
    peer_send(&exchange.pair, "request");
    expect_read(&exchange.pair.stream, "request");
    exchange_start(&exchange);
    close(exchange.pair.peer);
    exchange.pair.peer = -1;
    expect_gone(&exchange);
    pair_close(&exchange.pair);
}

static void a_fin_after_the_request_cancels_its_work(void **state)
{
    run(leaving_with_fin);
}

static void leaving_with_reset(void)
{
    struct exchange exchange;
    pair_open(&exchange.pair);
    peer_send(&exchange.pair, "pipelined");
    exchange_start(&exchange);
    expect_still_there(&exchange);
    peer_reset(&exchange.pair);
    expect_gone(&exchange);
    pair_close(&exchange.pair);
}

static void a_reset_cancels_whatever_lies_unread(void **state)
{
    run(leaving_with_reset);
}

static void pipelining(void)
{
    struct exchange exchange;
    pair_open(&exchange.pair);
    exchange_start(&exchange);
    peer_send(&exchange.pair, "second");
    expect_still_there(&exchange);
    CHECK(shutdown(exchange.pair.peer, SHUT_WR) == 0);
    expect_still_there(&exchange);
    exchange_end(&exchange);
    expect_read(&exchange.pair.stream, "second");
    exchange_start(&exchange); /* now everything before the FIN is read */
    expect_gone(&exchange);
    pair_close(&exchange.pair);
}

static void pipelined_bytes_before_a_fin_hold_the_client_here(void **state)
{
    run(pipelining);
}

static void watched_too_late(void)
{
    struct exchange exchange;
    pair_open(&exchange.pair);
    close(exchange.pair.peer);
    exchange.pair.peer = -1;
    CHECK_OK(nw_sleep(1)); /* the loop sees the FIN and masks it */
    exchange_start(&exchange);
    expect_gone(&exchange);
    pair_close(&exchange.pair);

    pair_open(&exchange.pair);
    peer_reset(&exchange.pair);
    CHECK_OK(nw_sleep(1));
    exchange_start(&exchange);
    expect_gone(&exchange);
    pair_close(&exchange.pair);
}

static void a_client_that_went_before_the_watch_is_gone(void **state)
{
    run(watched_too_late);
}

static void no_longer_watched(void)
{
    struct exchange exchange;
    pair_open(&exchange.pair);
    exchange_start(&exchange);
    nw_stream_watch_gone(&exchange.pair.stream, NULL);
    peer_reset(&exchange.pair);
    expect_still_there(&exchange);
    nw_scope_close(&exchange.scope);
    pair_close(&exchange.pair);
}

static void an_ended_watch_cancels_nothing(void **state)
{
    run(no_longer_watched);
}

/* ---- moving to another worker ---- */

struct move {
    struct pair pair;
    struct nw_worker *first;
    struct nw_message there, back;
    struct nw_event done;
};

static void move_back(struct nw_message *message)
{
    nw_event_set(&NW_CONTAINER_OF(message, struct move, back)->done);
}

static void serve_there(void *arg)
{
    struct move *move = arg;
    nw_stream_attach(&move->pair.stream);
    expect_read(&move->pair.stream, "request");
    CHECK_OK(write_text(&move->pair.stream, "answer"));
    nw_stream_detach(&move->pair.stream);
    move->back.run = move_back;
    nw_mailbox_post(move->first, &move->back);
}

static void move_there(struct nw_message *message)
{
    struct move *move = NW_CONTAINER_OF(message, struct move, there);
    CHECK_OK(nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "server", serve_there, move,
                            NULL));
}

static void moving(void)
{
    struct move move = {.first = nw_worker_self(), .there.run = move_there};
    pair_open(&move.pair);
    nw_event_init(&move.done);
    nw_stream_detach(&move.pair.stream);
    nw_mailbox_post(nw_runtime_worker(runtime_here(), 1), &move.there);
    peer_send(&move.pair, "request");
    CHECK_OK(nw_event_wait(&move.done));
    peer_expect(&move.pair, "answer");
    nw_stream_attach(&move.pair.stream);
    peer_send(&move.pair, "home");
    expect_read(&move.pair.stream, "home");
    CHECK(move.pair.stream.received_bytes == strlen("requesthome"));
    pair_close(&move.pair);
}

static void a_stream_moves_between_workers(void **state)
{
    run_on(&nw_backend_epoll, 2, moving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_wakes_a_parked_stream_once_and_so_does_its_end),
        cmocka_unit_test(bytes_before_a_fin_are_input),
        cmocka_unit_test(a_reset_wakes_as_closed_and_is_not_forgotten),
        cmocka_unit_test(the_idle_limit_counts_from_the_last_parking),
        cmocka_unit_test(an_unparked_stream_wakes_nobody),
        cmocka_unit_test(input_that_was_masked_wakes_after_all),
        cmocka_unit_test(input_that_nobody_reads_does_not_spin),
        cmocka_unit_test(a_fin_that_nobody_reads_does_not_spin),
        cmocka_unit_test(a_reset_that_nobody_reads_does_not_spin),
        cmocka_unit_test(a_half_closed_slow_reader_does_not_spin),
        cmocka_unit_test(a_body_that_a_slow_reader_holds_back_does_not_spin),
        cmocka_unit_test(a_fin_after_the_request_cancels_its_work),
        cmocka_unit_test(a_reset_cancels_whatever_lies_unread),
        cmocka_unit_test(pipelined_bytes_before_a_fin_hold_the_client_here),
        cmocka_unit_test(a_client_that_went_before_the_watch_is_gone),
        cmocka_unit_test(an_ended_watch_cancels_nothing),
        cmocka_unit_test(a_stream_moves_between_workers),
    };
    return cmocka_run_group_tests_name("io/park", tests, NULL, NULL);
}
