/* The contract of nw_io_relay: copied, spliced, bounded, stopped from either side. */
#include "loopback.h"

#include <pthread.h>

enum { MIB = 1 << 20 };

/* The body is a pattern that no shift or swap of blocks leaves unchanged. */
static unsigned char pattern(uint64_t at)
{
    return (unsigned char)((at ^ at >> 7 ^ at >> 15) * 31);
}

struct end {
    int fd;
    uint64_t bytes; /* to send; or read so far */
};

static void *send_pattern(void *arg)
{
    struct end *end = arg;
    static const size_t block_bytes = 1 << 16;
    unsigned char *block = malloc(block_bytes);
    for (uint64_t at = 0; at < end->bytes;) {
        size_t bytes = end->bytes - at < block_bytes ? (size_t)(end->bytes - at) : block_bytes;
        for (size_t i = 0; i < bytes; i++)
            block[i] = pattern(at + i);
        for (size_t done = 0; done < bytes;) {
            ssize_t sent = send(end->fd, block + done, bytes - done, MSG_NOSIGNAL);
            CHECK(sent > 0);
            done += (size_t)sent;
        }
        at += bytes;
    }
    CHECK(shutdown(end->fd, SHUT_WR) == 0);
    free(block);
    return NULL;
}

static void *read_pattern(void *arg)
{
    struct end *end = arg;
    unsigned char *block = malloc(1 << 16);
    ssize_t bytes;
    end->bytes = 0;
    while ((bytes = recv(end->fd, block, 1 << 16, 0)) > 0)
        for (ssize_t i = 0; i < bytes; i++, end->bytes++)
            CHECK(block[i] == pattern(end->bytes));
    CHECK(bytes == 0);
    free(block);
    return NULL;
}

/* Relays what one thread sends to a thread that checks it. */
struct setup {
    struct pair from, to;
    struct end sender, reader;
    pthread_t threads[2];
};

static void setup_open(struct setup *setup, uint64_t bytes)
{
    pair_open(&setup->from);
    pair_open(&setup->to);
    setup->sender = (struct end){.fd = setup->from.peer, .bytes = bytes};
    setup->reader = (struct end){.fd = setup->to.peer};
    CHECK(pthread_create(&setup->threads[0], NULL, send_pattern, &setup->sender) == 0);
    CHECK(pthread_create(&setup->threads[1], NULL, read_pattern, &setup->reader) == 0);
}

static void setup_close(struct setup *setup, uint64_t expected_bytes)
{
    nw_stream_shutdown_write(&setup->to.stream);
    for (int i = 0; i < 2; i++)
        pthread_join(setup->threads[i], NULL);
    CHECK(setup->reader.bytes == expected_bytes);
    pair_close(&setup->from);
    pair_close(&setup->to);
}

static void relay_exactly(uint64_t bytes)
{
    struct setup setup;
    uint64_t moved_bytes;
    bool from_failed = true;
    setup_open(&setup, bytes);
    CHECK_OK(nw_io_relay(&setup.from.stream, &setup.to.stream, bytes, 60000, &moved_bytes,
                         &from_failed));
    CHECK(moved_bytes == bytes && !from_failed);
    CHECK(setup.from.stream.received_bytes == bytes);
    CHECK(nw_stream_sent_bytes(&setup.to.stream) == bytes);
    setup_close(&setup, bytes);
}

static void all_sizes(void)
{
    static const uint64_t sizes[] = {0, 1, NW_BUF_BYTES, 65535, 65536, 65537, 3 * MIB + 1};
    for (size_t i = 0; i < NW_COUNT(sizes); i++)
        relay_exactly(sizes[i]);
}

static void every_byte_arrives_in_order_whatever_the_size(void **state)
{
    run(all_sizes);
}

static void run_without_splice(void (*body)(void))
{
    struct nw_backend_ops copying = nw_backend_epoll;
    copying.splice = NULL;
    run_on(&copying, 1, body);
}

static void a_backend_without_splice_copies(void **state)
{
    run_without_splice(all_sizes);
}

static void until_the_end(void)
{
    static const uint64_t sizes[] = {0, 100, 65536, 2 * MIB};
    for (size_t i = 0; i < NW_COUNT(sizes); i++) {
        struct setup setup;
        uint64_t moved_bytes;
        setup_open(&setup, sizes[i]);
        CHECK_OK(nw_io_relay(&setup.from.stream, &setup.to.stream, UINT64_MAX, 0, &moved_bytes,
                             NULL));
        CHECK(moved_bytes == sizes[i] && setup.from.stream.is_ended);
        setup_close(&setup, sizes[i]);
    }
}

static void a_body_without_length_ends_with_its_sender(void **state)
{
    run(until_the_end);
}

static void leaving_the_rest(void)
{
    struct pair from, to;
    uint64_t moved_bytes;
    pair_open(&from);
    pair_open(&to);
    peer_send(&from, "bodyNEXT");
    CHECK_OK(queue_text(&to.stream, "head "));
    CHECK_OK(nw_io_relay(&from.stream, &to.stream, 4, 0, &moved_bytes, NULL));
    CHECK(moved_bytes == 4);
    peer_expect(&to, "head body");
    expect_read(&from.stream, "NEXT");
    pair_close(&from);
    pair_close(&to);
}

static void one_send(void)
{
    struct pair from, to;
    uint64_t moved_bytes;
    pair_open(&from);
    pair_open(&to);
    peer_send(&from, "body");
    CHECK_OK(nw_sleep(1));
    int writes = calls.writes;
    CHECK_OK(queue_text(&to.stream, "head "));
    CHECK_OK(nw_io_relay(&from.stream, &to.stream, 4, 0, &moved_bytes, NULL));
    CHECK(moved_bytes == 4 && calls.writes == writes + 1);
    peer_expect(&to, "head body");
    CHECK_OK(queue_text(&to.stream, "head ")); /* the body does not come: the head leaves alone */
    CHECK_ERR(nw_io_relay(&from.stream, &to.stream, 4, 5, &moved_bytes, NULL), NW_TIMEOUT);
    CHECK(moved_bytes == 0);
    peer_expect(&to, "head ");
    pair_close(&from);
    pair_close(&to);
}

static void a_queued_head_and_its_body_leave_in_one_send(void **state)
{
    run_counting(one_send);
}

static void what_was_queued_goes_first_and_what_follows_stays(void **state)
{
    run(leaving_the_rest);
}

static void ending_early(void)
{
    static const uint64_t sizes[] = {10, MIB};
    for (size_t i = 0; i < NW_COUNT(sizes); i++) {
        struct pair from, to;
        uint64_t moved_bytes;
        bool from_failed = false;
        pair_open(&from);
        pair_open(&to);
        peer_send(&from, "short");
        close(from.peer);
        from.peer = -1;
        CHECK_ERR(nw_io_relay(&from.stream, &to.stream, sizes[i], 0, &moved_bytes, &from_failed),
                  NW_PEER_CLOSED);
        CHECK(moved_bytes == 5 && from_failed);
        peer_expect(&to, "short");
        pair_close(&from);
        pair_close(&to);
    }
}

static void an_early_end_is_the_senders_fault(void **state)
{
    run(ending_early);
}

static void reset_by_sender(void)
{
    static const uint64_t sizes[] = {10, MIB};
    for (size_t i = 0; i < NW_COUNT(sizes); i++) {
        struct pair from, to;
        uint64_t moved_bytes;
        bool from_failed = false;
        pair_open(&from);
        pair_open(&to);
        peer_reset(&from);
        CHECK_ERR(nw_io_relay(&from.stream, &to.stream, sizes[i], 0, &moved_bytes, &from_failed),
                  NW_PEER_RESET);
        CHECK(moved_bytes == 0 && from_failed);
        pair_close(&from);
        pair_close(&to);
    }
}

static void a_reset_of_the_sender_is_told_apart(void **state)
{
    run(reset_by_sender);
}

static void *send_until_refused(void *arg)
{
    static const char block[1 << 16];
    while (send(*(int *)arg, block, sizeof block, MSG_NOSIGNAL) > 0)
        continue;
    return NULL;
}

static void reset_by_reader(void)
{
    struct pair from, to;
    uint64_t moved_bytes;
    bool from_failed = true;
    pthread_t thread;
    pair_open(&from);
    pair_open(&to);
    CHECK(pthread_create(&thread, NULL, send_until_refused, &from.peer) == 0);
    uint64_t first_bytes;
    CHECK_OK(nw_io_relay(&from.stream, &to.stream, 65536, 0, &first_bytes, NULL));
    peer_reset(&to);
    nw_err err = nw_io_relay(&from.stream, &to.stream, UINT64_MAX, 0, &moved_bytes, &from_failed);
    CHECK(err == NW_PEER_RESET || err == NW_PEER_CLOSED);
    CHECK(!from_failed);
    CHECK(nw_stream_sent_bytes(&to.stream) == first_bytes + moved_bytes);
    nw_stream_reset(&from.stream);
    pthread_join(thread, NULL);
    pair_close(&from);
    pair_close(&to);
}

static void a_reset_of_the_reader_is_told_apart(void **state)
{
    run(reset_by_reader);
}

static void stalled_sender(void)
{
    static const uint64_t sizes[] = {10, MIB};
    for (size_t i = 0; i < NW_COUNT(sizes); i++) {
        struct pair from, to;
        uint64_t moved_bytes;
        bool from_failed = false;
        pair_open(&from);
        pair_open(&to);
        peer_send(&from, "then nothing"); /* longer than the first body */
        if (sizes[i] > 12)
            CHECK_ERR(nw_io_relay(&from.stream, &to.stream, sizes[i], 5, &moved_bytes,
                                  &from_failed),
                      NW_TIMEOUT);
        else
            CHECK_OK(nw_io_relay(&from.stream, &to.stream, sizes[i], 5, &moved_bytes, NULL));
        CHECK(from_failed == (sizes[i] > 12));
        CHECK(moved_bytes == (sizes[i] > 12 ? 12 : sizes[i]));
        pair_close(&from);
        pair_close(&to);
    }
}

static void nothing_for_too_long_is_a_timeout(void **state)
{
    run(stalled_sender);
}

static void stalled_reader(void)
{
    struct pair from, to;
    uint64_t moved_bytes;
    bool from_failed = true;
    pthread_t thread;
    pair_open(&from);
    pair_open(&to);
    CHECK(pthread_create(&thread, NULL, send_until_refused, &from.peer) == 0);
    CHECK_ERR(nw_io_relay(&from.stream, &to.stream, 1ull << 40, 50, &moved_bytes, &from_failed),
              NW_TIMEOUT);
    CHECK(!from_failed && moved_bytes > 0);
    nw_stream_reset(&from.stream);
    pthread_join(thread, NULL);
    pair_close(&from);
    pair_close(&to);
}

static void a_reader_that_takes_nothing_is_a_timeout_too(void **state)
{
    run(stalled_reader);
}

/* ---- a slow reader ---- */

struct slow {
    struct setup setup;
    uint64_t moved_bytes;
};

static void relay_64_mib(void *arg)
{
    struct slow *slow = arg;
    CHECK_OK(nw_io_relay(&slow->setup.from.stream, &slow->setup.to.stream, 64 * MIB, 0,
                         &slow->moved_bytes, NULL));
}

static void slow_reading(void)
{
    struct slow slow;
    struct nw_scope scope;
    pair_open(&slow.setup.from);
    pair_open(&slow.setup.to);
    slow.setup.sender = (struct end){.fd = slow.setup.from.peer, .bytes = 64 * MIB};
    CHECK(pthread_create(&slow.setup.threads[0], NULL, send_pattern, &slow.setup.sender) == 0);
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "relay", relay_64_mib, &slow, NULL));
    static unsigned char block[1 << 16];
    for (uint64_t at = 0; at < 64 * MIB;) { /* one block per turn of the loop at most */
        ssize_t bytes = recv(slow.setup.to.peer, block, sizeof block, MSG_DONTWAIT);
        for (ssize_t i = 0; i < bytes; i++, at++)
            CHECK(block[i] == pattern(at));
        CHECK(nw_memory_used_bytes(runtime_here(), NW_MEMORY_BUFFERS) <= 4 * NW_BUF_BYTES);
        /* What was read and not yet taken: a pipe or four buffers, never more. */
        CHECK(slow.setup.from.stream.received_bytes <=
              nw_stream_sent_bytes(&slow.setup.to.stream) + MIB);
        CHECK_OK(nw_fiber_yield());
    }
    CHECK_OK(nw_scope_join(&scope));
    CHECK(slow.moved_bytes == 64 * MIB);
    pthread_join(slow.setup.threads[0], NULL);
    pair_close(&slow.setup.from);
    pair_close(&slow.setup.to);
}

static void a_slow_reader_holds_back_the_sender_not_memory(void **state)
{
    run(slow_reading);
    run_without_splice(slow_reading);
}

/* ---- cancelled ---- */

struct cancelled {
    struct pair from, to;
    nw_err err;
};

static void relay_until_cancelled(void *arg)
{
    struct cancelled *cancelled = arg;
    uint64_t moved_bytes;
    cancelled->err = nw_io_relay(&cancelled->from.stream, &cancelled->to.stream, MIB, 0,
                                 &moved_bytes, NULL);
}

static void cancelling(void)
{
    struct cancelled cancelled;
    struct nw_scope scope;
    pair_open(&cancelled.from);
    pair_open(&cancelled.to);
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "relay", relay_until_cancelled, &cancelled, NULL));
    CHECK_OK(nw_fiber_yield());
    nw_scope_close(&scope);
    CHECK(cancelled.err == NW_CANCELLED);
    CHECK(cancelled.from.stream.reader == NULL && cancelled.to.stream.writer == NULL);
    pair_close(&cancelled.from);
    pair_close(&cancelled.to);
}

static void a_relay_can_be_cancelled(void **state)
{
    run(cancelling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_arrives_in_order_whatever_the_size),
        cmocka_unit_test(a_backend_without_splice_copies),
        cmocka_unit_test(a_body_without_length_ends_with_its_sender),
        cmocka_unit_test(what_was_queued_goes_first_and_what_follows_stays),
        cmocka_unit_test(a_queued_head_and_its_body_leave_in_one_send),
        cmocka_unit_test(an_early_end_is_the_senders_fault),
        cmocka_unit_test(a_reset_of_the_sender_is_told_apart),
        cmocka_unit_test(a_reset_of_the_reader_is_told_apart),
        cmocka_unit_test(nothing_for_too_long_is_a_timeout),
        cmocka_unit_test(a_reader_that_takes_nothing_is_a_timeout_too),
        cmocka_unit_test(a_slow_reader_holds_back_the_sender_not_memory),
        cmocka_unit_test(a_relay_can_be_cancelled),
    };
    return cmocka_run_group_tests_name("io/relay", tests, NULL, NULL);
}
