/* The contract of io/stream.h, but for parking and unwatched events (park_test.c). */
#include "loopback.h"

/* ---- reading ---- */

static void reading(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_buf buf = {0};
    size_t bytes;
    peer_send(&pair, "hello");
    CHECK_OK(nw_io_read(&pair.stream, &buf, &bytes));
    CHECK(bytes == 5 && nw_slice_eq(nw_buf_unread(&buf), NW_SLICE("hello")));
    peer_send(&pair, " world");
    CHECK_OK(nw_io_read(&pair.stream, &buf, &bytes));
    CHECK(nw_slice_eq(nw_buf_unread(&buf), NW_SLICE("hello world")));
    CHECK(pair.stream.received_bytes == 11);
    nw_buf_release(&buf);
    pair_close(&pair);
}

static void a_read_appends_what_is_there(void **state)
{
    run(reading);
}

static void read_by_a_child(void *arg)
{
    expect_read(arg, "late");
}

static void waiting(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "reader", read_by_a_child, &pair.stream, &fiber));
    CHECK_OK(nw_fiber_yield());
    peer_send(&pair, "late");
    CHECK_OK(nw_scope_join(&scope));
    pair_close(&pair);
}

static void a_read_waits_for_the_peer(void **state)
{
    run(waiting);
}

static void timing_out(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_buf buf = {0};
    size_t bytes;
    {
        NW_WITHIN(soon, 5);
        CHECK_ERR(nw_io_read(&pair.stream, &buf, &bytes), NW_TIMEOUT);
        CHECK(nw_within_ran_out(&soon));
    }
    CHECK(buf.data == NULL);
    peer_send(&pair, "alive");
    expect_read(&pair.stream, "alive");
    pair_close(&pair);
}

static void a_read_that_times_out_borrows_nothing_and_breaks_nothing(void **state)
{
    run(timing_out);
}

static void read_until_cancelled(void *arg)
{
    char byte;
    size_t bytes;
    CHECK_ERR(nw_io_read_into(arg, &byte, 1, &bytes), NW_CANCELLED);
}

static void cancelling(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "reader", read_until_cancelled, &pair.stream, &fiber));
    CHECK_OK(nw_fiber_yield());
    nw_scope_close(&scope);
    CHECK(pair.stream.reader == NULL);
    pair_close(&pair);
}

static void a_cancelled_read_says_so(void **state)
{
    run(cancelling);
}

static void ending(void)
{
    struct pair pair;
    pair_open(&pair);
    char byte;
    size_t bytes = 1;
    peer_send(&pair, "bye");
    close(pair.peer);
    pair.peer = -1;
    expect_read(&pair.stream, "bye");
    for (int i = 0; i < 2; i++) {
        bytes = 1;
        CHECK_OK(nw_io_read_into(&pair.stream, &byte, 1, &bytes));
        CHECK(bytes == 0);
    }
    CHECK(pair.stream.is_ended);
    pair_close(&pair);
}

static void the_end_reads_as_nothing_and_stays(void **state)
{
    run(ending);
}

static void resetting(void)
{
    struct pair pair;
    pair_open(&pair);
    char byte;
    size_t bytes;
    peer_reset(&pair);
    CHECK_ERR(nw_io_read_into(&pair.stream, &byte, 1, &bytes), NW_PEER_RESET);
    CHECK_ERR(nw_io_read_into(&pair.stream, &byte, 1, &bytes), NW_PEER_RESET);
    CHECK_ERR(nw_io_read_some(&pair.stream, &byte, 1, &bytes), NW_PEER_RESET);
    CHECK(pair.stream.error == NW_PEER_RESET);
    pair_close(&pair);
}

static void a_reset_is_no_end(void **state)
{
    run(resetting);
}

static void not_waiting(void)
{
    struct pair pair;
    pair_open(&pair);
    char got[4];
    size_t bytes;
    CHECK_ERR(nw_io_read_some(&pair.stream, got, sizeof got, &bytes), NW_AGAIN);
    peer_send(&pair, "abcd");
    CHECK_OK(nw_io_read_some(&pair.stream, got, sizeof got, &bytes));
    CHECK(bytes == 4);
    CHECK_ERR(nw_io_read_some(&pair.stream, got, sizeof got, &bytes), NW_AGAIN);
    pair_close(&pair);
}

static void read_some_never_waits(void **state)
{
    run(not_waiting);
}

static void full(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_buf buf = {0};
    size_t bytes;
    CHECK_OK(nw_buf_reserve(&buf));
    buf.end = buf.cap_bytes;
    peer_send(&pair, "x");
    CHECK_ERR(nw_io_read(&pair.stream, &buf, &bytes), NW_NO_MEMORY);
    nw_buf_release(&buf);
    expect_read(&pair.stream, "x");
    pair_close(&pair);
}

static void a_full_buffer_takes_nothing_and_loses_nothing(void **state)
{
    run(full);
}

/* ---- the price of an exchange ---- */

enum { ROUNDS = 50 };

static void serve_pings(void *arg)
{
    struct nw_stream *stream = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct nw_buf buf = {0};
        size_t bytes;
        CHECK_OK(nw_io_read(stream, &buf, &bytes));
        CHECK(bytes == 4);
        nw_buf_release(&buf);
        struct iovec iov[2] = {{"head ", 5}, {"body", 4}};
        CHECK_OK(nw_io_write_all(stream, iov, 2));
    }
}

static void ping_pong(void)
{
    struct pair pair;
    struct nw_scope scope;
    pair_open(&pair);
    nw_scope_open(&scope);
    int reads = calls.reads, writes = calls.writes, changes = calls.changes;
    CHECK_OK(nw_scope_spawn(&scope, "server", serve_pings, &pair.stream, NULL));
    for (int i = 0; i < ROUNDS; i++) {
        while (pair.stream.reader == NULL) /* it waits before each request */
            CHECK_OK(nw_fiber_yield());
        peer_send(&pair, "ping");
        char seen[9];
        while (recv(pair.peer, seen, sizeof seen, MSG_PEEK | MSG_DONTWAIT) < 9)
            CHECK_OK(nw_fiber_yield());
        peer_expect(&pair, "head body");
    }
    CHECK_OK(nw_scope_join(&scope));
    CHECK(calls.reads - reads == ROUNDS);
    CHECK(calls.failed_reads == 0);
    CHECK(calls.writes - writes == ROUNDS);
    CHECK(calls.changes == changes);
    pair_close(&pair);
}

static void an_exchange_costs_one_read_and_one_write(void **state)
{
    run_counting(ping_pong);
}

/* ---- writing ---- */

enum { BIG_BYTES = 16 << 20 };

static size_t drain_peer(struct pair *pair)
{
    static char sink[1 << 16];
    size_t all_bytes = 0;
    ssize_t bytes;
    while ((bytes = recv(pair->peer, sink, sizeof sink, 0)) > 0)
        all_bytes += (size_t)bytes;
    return all_bytes;
}

static void stalling(void)
{
    struct pair pair;
    pair_open(&pair);
    char *big = calloc(1, BIG_BYTES);
    struct iovec iov = {big, BIG_BYTES};
    {
        NW_WITHIN(soon, 20);
        CHECK_ERR(nw_io_write_all(&pair.stream, &iov, 1), NW_TIMEOUT);
    }
    CHECK(nw_stream_sent_bytes(&pair.stream) > 0);
    nw_err err;
    size_t bytes;
    while ((err = nw_io_write_some(&pair.stream, &iov, 1, &bytes)) == NW_OK)
        CHECK(bytes > 0);
    CHECK(err == NW_AGAIN);
    nw_stream_shutdown_write(&pair.stream);
    CHECK(drain_peer(&pair) == nw_stream_sent_bytes(&pair.stream));
    free(big);
    pair_close(&pair);
}

static void sent_bytes_are_exact_after_a_timeout(void **state)
{
    run(stalling);
}

static void write_big(void *arg)
{
    char *big = calloc(1, BIG_BYTES);
    struct iovec iov[2] = {{big, BIG_BYTES / 2}, {big, BIG_BYTES / 2}};
    CHECK_OK(nw_io_write_all(arg, iov, 2));
    free(big);
}

static void flowing(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "writer", write_big, &pair.stream, &fiber));
    size_t all_bytes = 0;
    static char sink[1 << 16];
    while (all_bytes < BIG_BYTES) {
        ssize_t bytes = recv(pair.peer, sink, sizeof sink, MSG_DONTWAIT);
        if (bytes > 0)
            all_bytes += (size_t)bytes;
        else
            CHECK_OK(nw_fiber_yield());
    }
    CHECK_OK(nw_scope_join(&scope));
    CHECK(nw_stream_sent_bytes(&pair.stream) == BIG_BYTES);
    pair_close(&pair);
}

static void a_write_continues_when_there_is_room(void **state)
{
    run(flowing);
}

static void write_until_reset(void *arg)
{
    char *big = calloc(1, BIG_BYTES);
    struct iovec iov = {big, BIG_BYTES};
    nw_err err = nw_io_write_all(arg, &iov, 1);
    CHECK(err == NW_PEER_RESET);
    free(big);
}

static void resetting_a_writer(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "writer", write_until_reset, &pair.stream, &fiber));
    CHECK_OK(nw_sleep(1));
    CHECK(pair.stream.writer != NULL);
    peer_reset(&pair);
    CHECK_OK(nw_scope_join(&scope));
    CHECK(nw_stream_sent_bytes(&pair.stream) < BIG_BYTES);
    CHECK_ERR(write_text(&pair.stream, "x"), NW_PEER_RESET);
    pair_close(&pair);
}

static void a_reset_in_mid_write_ends_the_write(void **state)
{
    run(resetting_a_writer);
}

/* The peer closes although it has not read everything, so a reset follows its answer. */
static void answering_early(void)
{
    struct pair pair;
    pair_open(&pair);
    CHECK_OK(write_text(&pair.stream, "unread"));
    peer_send(&pair, "413");
    close(pair.peer);
    pair.peer = -1;
    nw_err err = NW_OK;
    for (int i = 0; i < 1000 && err == NW_OK; i++) {
        CHECK_OK(nw_fiber_yield());
        err = write_text(&pair.stream, "more");
    }
    CHECK(err == NW_PEER_RESET || err == NW_PEER_CLOSED);
    expect_read(&pair.stream, "413");
    char byte;
    size_t bytes;
    CHECK_ERR(nw_io_read_into(&pair.stream, &byte, 1, &bytes), NW_PEER_RESET);
    pair_close(&pair);
}

static void an_answer_before_a_reset_can_still_be_read_but_not_its_end(void **state)
{
    run(answering_early);
}

static void half_closing(void)
{
    struct pair pair;
    pair_open(&pair);
    char byte;
    size_t bytes = 1;
    CHECK(shutdown(pair.peer, SHUT_WR) == 0);
    CHECK_OK(nw_io_read_into(&pair.stream, &byte, 1, &bytes));
    CHECK(bytes == 0);
    CHECK_OK(write_text(&pair.stream, "answer"));
    peer_expect(&pair, "answer");
    nw_stream_shutdown_write(&pair.stream);
    CHECK(drain_peer(&pair) == 0);
    pair_close(&pair);
}

static void a_half_closed_peer_still_gets_its_answer(void **state)
{
    run(half_closing);
}

static void closing_with_reset(void)
{
    struct pair pair;
    pair_open(&pair);
    CHECK_OK(write_text(&pair.stream, "half a bo"));
    nw_stream_reset(&pair.stream);
    CHECK(!pair.stream.is_open);
    char got[64];
    ssize_t bytes;
    while ((bytes = recv(pair.peer, got, sizeof got, 0)) > 0)
        continue;
    CHECK(bytes < 0 && errno == ECONNRESET);
    nw_stream_close(&pair.stream);
    pair_close(&pair);
}

static void reset_cannot_be_taken_for_the_end(void **state)
{
    run(closing_with_reset);
}

/* ---- deferred writes ---- */

static void queueing(void)
{
    struct pair pair;
    pair_open(&pair);
    int writes = calls.writes;
    for (int i = 0; i < 10; i++)
        CHECK_OK(queue_text(&pair.stream, "0123456789"));
    CHECK(calls.writes == writes);
    CHECK(nw_stream_sent_bytes(&pair.stream) == 0);
    CHECK_OK(nw_sleep(1));
    CHECK(calls.writes == writes + 1);
    CHECK(pair.stream.queue == NULL);
    CHECK(nw_stream_sent_bytes(&pair.stream) == 100);
    for (int i = 0; i < 10; i++)
        peer_expect(&pair, "0123456789");
    pair_close(&pair);
}

static void queued_writes_leave_in_one_send_per_turn(void **state)
{
    run_counting(queueing);
}

static void queueing_before_a_write(void)
{
    struct pair pair;
    pair_open(&pair);
    int writes = calls.writes;
    CHECK_OK(queue_text(&pair.stream, "first "));
    CHECK_OK(write_text(&pair.stream, "second"));
    CHECK(calls.writes == writes + 1);
    peer_expect(&pair, "first second");
    CHECK_OK(nw_sleep(1));
    CHECK(calls.writes == writes + 1);
    CHECK_OK(queue_text(&pair.stream, "third"));
    nw_stream_shutdown_write(&pair.stream);
    peer_expect(&pair, "third");
    CHECK(drain_peer(&pair) == 0);
    pair_close(&pair);
}

static void a_write_takes_the_queue_along(void **state)
{
    run_counting(queueing_before_a_write);
}

static void dropping(void)
{
    struct pair pair;
    pair_open(&pair);
    CHECK_OK(queue_text(&pair.stream, "never"));
    nw_stream_close(&pair.stream);
    CHECK(nw_stream_sent_bytes(&pair.stream) == 0);
    CHECK(drain_peer(&pair) == 0);
    CHECK_OK(nw_sleep(1));
    pair_close(&pair);
}

static void close_drops_what_is_queued(void **state)
{
    run(dropping);
}

static void queue_much(void *arg)
{
    char *big = malloc(BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = (char)(i * 7 >> 3);
    for (size_t at = 0; at < BIG_BYTES; at += BIG_BYTES / 64) {
        struct iovec iov = {big + at, BIG_BYTES / 64};
        CHECK_OK(nw_io_write_queue(arg, &iov, 1));
        CHECK(nw_memory_used_bytes(runtime_here(), NW_MEMORY_BUFFERS) <= 6 * NW_BUF_BYTES);
    }
    free(big);
}

static void queueing_for_a_slow_reader(void)
{
    struct pair pair;
    pair_open(&pair);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "queuer", queue_much, &pair.stream, &fiber));
    static unsigned char sink[1 << 16];
    size_t all_bytes = 0;
    while (all_bytes < BIG_BYTES) {
        ssize_t bytes = recv(pair.peer, sink, sizeof sink, MSG_DONTWAIT);
        for (ssize_t i = 0; i < bytes; i++, all_bytes++)
            CHECK(sink[i] == (unsigned char)(all_bytes * 7 >> 3));
        if (bytes < 0)
            CHECK_OK(nw_fiber_yield());
    }
    CHECK_OK(nw_scope_join(&scope));
    CHECK_OK(nw_sleep(1));
    CHECK(pair.stream.queue == NULL);
    pair_close(&pair);
}

static void a_queue_is_bounded_and_keeps_order(void **state)
{
    run(queueing_for_a_slow_reader);
}

static void running_ahead(void)
{
    enum { AHEAD_BYTES = 4 << 20, HEAD_BYTES = 32 << 10 };
    struct pair pair;
    pair_open(&pair);
    char *big = malloc(BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = (char)(i * 7 >> 3);
    size_t all_bytes = 0, held_bytes = 0;
    while (held_bytes < AHEAD_BYTES - HEAD_BYTES) { /* never waits: nobody reads yet */
        NW_WITHIN(never, 1);
        struct iovec iov[2] = {{big + all_bytes, HEAD_BYTES / 2},
                               {big + all_bytes + HEAD_BYTES / 2, HEAD_BYTES / 2}};
        CHECK_OK(nw_io_write_ahead(&pair.stream, iov, 2, AHEAD_BYTES));
        all_bytes += HEAD_BYTES;
        CHECK(all_bytes < BIG_BYTES);
        held_bytes = all_bytes - nw_stream_sent_bytes(&pair.stream);
    }
    {
        NW_WITHIN(soon, 5);
        struct iovec iov = {big, 2 * HEAD_BYTES};
        CHECK_ERR(nw_io_write_ahead(&pair.stream, &iov, 1, AHEAD_BYTES), NW_TIMEOUT);
        CHECK_ERR(nw_io_write_drain(&pair.stream), NW_TIMEOUT);
    }
    CHECK(nw_memory_used_bytes(runtime_here(), NW_MEMORY_BUFFERS) >= AHEAD_BYTES - HEAD_BYTES);
    static unsigned char sink[1 << 16];
    for (size_t at = 0; at < all_bytes;) { /* it leaves without any fiber of ours */
        ssize_t bytes = recv(pair.peer, sink, sizeof sink, MSG_DONTWAIT);
        for (ssize_t i = 0; i < bytes; i++, at++)
            CHECK(sink[i] == (unsigned char)(at * 7 >> 3));
        if (bytes < 0)
            CHECK_OK(nw_fiber_yield());
    }
    CHECK_OK(nw_io_write_drain(&pair.stream));
    CHECK(pair.stream.queue == NULL && nw_stream_sent_bytes(&pair.stream) == all_bytes);
    free(big);
    pair_close(&pair);
}

static void an_answer_runs_ahead_of_a_slow_reader_up_to_its_bound(void **state)
{
    run(running_ahead);
}

static void running_ahead_of_nothing(void)
{
    struct pair pair;
    pair_open(&pair);
    int writes = calls.writes;
    struct iovec iov[2] = {{"head ", 5}, {"body", 4}};
    CHECK_OK(queue_text(&pair.stream, "before "));
    CHECK_OK(nw_io_write_ahead(&pair.stream, iov, 2, 1 << 20));
    CHECK(calls.writes == writes + 1 && pair.stream.queue == NULL);
    CHECK_OK(nw_io_write_drain(&pair.stream));
    CHECK(calls.writes == writes + 1);
    peer_expect(&pair, "before head body");
    peer_reset(&pair);
    CHECK_OK(nw_sleep(1));
    nw_err err = nw_io_write_ahead(&pair.stream, iov, 2, 1 << 20);
    CHECK(err == NW_PEER_RESET);
    CHECK_ERR(nw_io_write_drain(&pair.stream), NW_PEER_RESET);
    pair_close(&pair);
}

static void write_ahead_sends_at_once_what_the_kernel_takes(void **state)
{
    run_counting(running_ahead_of_nothing);
}

/* ---- connecting ---- */

static void connecting_to_nobody(void)
{
    struct nw_addr addr;
    struct nw_stream stream = {0};
    close(raw_listen(&addr));
    CHECK_ERR(nw_io_connect(&addr, &stream), NW_REFUSED);
    CHECK(!stream.is_open);
    nw_stream_close(&stream);
    CHECK_OK(nw_addr_parse(NW_SLICE("unix:/nonexistent/newel.sock"), &addr));
    CHECK_ERR(nw_io_connect(&addr, &stream), NW_REFUSED);
    CHECK(!stream.is_open);
}

static void a_refused_connection_leaves_a_closed_stream(void **state)
{
    run(connecting_to_nobody);
}

/* ---- several at once ---- */

static void waiting_for_any(void)
{
    struct pair a, b;
    struct nw_event event;
    pair_open(&a);
    pair_open(&b);
    nw_event_init(&event);
    struct nw_wait waits[3] = {
        {.stream = &a.stream, .want = NW_WANT_READ},
        {.stream = &b.stream, .want = NW_WANT_READ},
        {.event = &event},
    };
    peer_send(&b, "b");
    CHECK_OK(nw_io_wait_any(waits, 3));
    CHECK(waits[0].ready == 0 && waits[1].ready == NW_WANT_READ && waits[2].ready == 0);
    expect_read(&b.stream, "b");
    {
        NW_WITHIN(soon, 5);
        CHECK_ERR(nw_io_wait_any(waits, 3), NW_TIMEOUT);
    }
    nw_event_set(&event);
    CHECK_OK(nw_io_wait_any(waits, 3));
    CHECK(waits[0].ready == 0 && waits[1].ready == 0 && waits[2].ready == NW_WANT_READ);
    nw_event_clear(&event);
    waits[0].want |= NW_WANT_WRITE;
    CHECK_OK(nw_io_wait_any(waits, 3));
    CHECK(waits[0].ready == NW_WANT_WRITE);
    CHECK(a.stream.reader == NULL && a.stream.writer == NULL && b.stream.reader == NULL);
    pair_close(&a);
    pair_close(&b);
}

static void wait_any_tells_who_is_ready(void **state)
{
    run(waiting_for_any);
}

static void set_later(void *arg)
{
    nw_event_set(arg);
}

static void waiting_for_an_event(void)
{
    struct pair pair;
    struct nw_event event;
    struct nw_scope scope;
    struct nw_fiber *fiber;
    pair_open(&pair);
    nw_event_init(&event);
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "setter", set_later, &event, &fiber));
    struct nw_wait waits[2] = {{.stream = &pair.stream, .want = NW_WANT_READ}, {.event = &event}};
    CHECK_OK(nw_io_wait_any(waits, 2));
    CHECK(waits[0].ready == 0 && waits[1].ready == NW_WANT_READ);
    CHECK(nw_list_is_empty(&event.waiters));
    nw_scope_close(&scope);
    pair_close(&pair);
}

static void an_event_ends_a_wait_for_streams(void **state)
{
    run(waiting_for_an_event);
}

/* ---- lingering ---- */

static void lingering(void)
{
    struct pair pair;
    pair_open(&pair);
    peer_send(&pair, "unread input");
    CHECK_OK(write_text(&pair.stream, "413"));
    CHECK(shutdown(pair.peer, SHUT_WR) == 0);
    nw_stream_linger_close(&pair.stream);
    CHECK(!pair.stream.is_open);
    peer_expect(&pair, "413");
    CHECK(drain_peer(&pair) == 0); /* and no reset */
    pair_close(&pair);
}

static void a_lingering_close_saves_the_last_answer(void **state)
{
    run(lingering);
}

static void lingering_with_a_flood(void)
{
    struct pair pair;
    pair_open(&pair);
    static char flood[512 * 1024];
    int space = 1 << 20;
    CHECK(setsockopt(pair.peer, SOL_SOCKET, SO_SNDBUF, &space, sizeof space) == 0);
    ssize_t sent_bytes = send(pair.peer, flood, sizeof flood, MSG_DONTWAIT);
    CHECK(sent_bytes > 256 * 1024);
    nw_stream_linger_close(&pair.stream);
    CHECK(!pair.stream.is_open);
    CHECK(pair.stream.received_bytes >= 256 * 1024);
    CHECK(pair.stream.received_bytes < 256 * 1024 + 8192);
    pair_close(&pair);
}

static void a_lingering_close_reads_only_so_much(void **state)
{
    run(lingering_with_a_flood);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_appends_what_is_there),
        cmocka_unit_test(a_read_waits_for_the_peer),
        cmocka_unit_test(a_read_that_times_out_borrows_nothing_and_breaks_nothing),
        cmocka_unit_test(a_cancelled_read_says_so),
        cmocka_unit_test(the_end_reads_as_nothing_and_stays),
        cmocka_unit_test(a_reset_is_no_end),
        cmocka_unit_test(read_some_never_waits),
        cmocka_unit_test(a_full_buffer_takes_nothing_and_loses_nothing),
        cmocka_unit_test(an_exchange_costs_one_read_and_one_write),
        cmocka_unit_test(sent_bytes_are_exact_after_a_timeout),
        cmocka_unit_test(a_write_continues_when_there_is_room),
        cmocka_unit_test(a_reset_in_mid_write_ends_the_write),
        cmocka_unit_test(an_answer_before_a_reset_can_still_be_read_but_not_its_end),
        cmocka_unit_test(a_half_closed_peer_still_gets_its_answer),
        cmocka_unit_test(reset_cannot_be_taken_for_the_end),
        cmocka_unit_test(queued_writes_leave_in_one_send_per_turn),
        cmocka_unit_test(a_write_takes_the_queue_along),
        cmocka_unit_test(close_drops_what_is_queued),
        cmocka_unit_test(a_queue_is_bounded_and_keeps_order),
        cmocka_unit_test(an_answer_runs_ahead_of_a_slow_reader_up_to_its_bound),
        cmocka_unit_test(write_ahead_sends_at_once_what_the_kernel_takes),
        cmocka_unit_test(a_refused_connection_leaves_a_closed_stream),
        cmocka_unit_test(wait_any_tells_who_is_ready),
        cmocka_unit_test(an_event_ends_a_wait_for_streams),
        cmocka_unit_test(a_lingering_close_saves_the_last_answer),
        cmocka_unit_test(a_lingering_close_reads_only_so_much),
    };
    return cmocka_run_group_tests_name("io/stream", tests, NULL, NULL);
}
