/* The contract of base/ring.h. */
#include "base/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/rng.h"

enum { RECORDS = 100000, LONGEST = 300 };

/* A record's bytes follow from its number, so the reader can check all of them. */
static size_t make_record(char *to, uint32_t number)
{
    size_t length = sizeof number + number * 7919u % LONGEST;
    memcpy(to, &number, sizeof number);
    for (size_t i = sizeof number; i < length; i++)
        to[i] = (char)(number + i);
    return length;
}

static void check_record(struct nw_slice record, uint32_t number)
{
    char expected[sizeof number + LONGEST];
    assert_int_equal(record.len, make_record(expected, number));
    assert_memory_equal(record.ptr, expected, record.len);
}

static void records_come_out_whole_and_in_order(void **state)
{
    struct nw_ring *ring = nw_ring_new(1);
    char record[sizeof(uint32_t) + LONGEST];
    struct nw_slice out;
    struct nw_rng rng;
    uint32_t in_count = 0, out_count = 0;
    nw_rng_init(&rng, 9);
    for (int i = 0; i < 20000; i++) {
        if (nw_rng_chance(&rng, 0.5)) {
            if (nw_ring_put(ring, nw_slice_of(record, make_record(record, in_count))))
                in_count++;
        } else if (nw_ring_peek(ring, &out)) {
            check_record(out, out_count++);
            nw_ring_pop(ring);
        }
    }
    while (nw_ring_peek(ring, &out)) {
        check_record(out, out_count++);
        nw_ring_pop(ring);
    }
    assert_int_equal(in_count, out_count);
    assert_true(in_count > 1000 && nw_ring_is_empty(ring));
    nw_ring_free(ring);
}

static void what_finds_no_room_is_counted(void **state)
{
    struct nw_ring *ring = nw_ring_new(4096);
    uint64_t tries = 0, kept = 0;
    for (; tries < 100; tries++)
        kept += nw_ring_put(ring, nw_slice_of("0123456789012345678901234567890123456789"
                                              "0123456789012345678901234567890123456789",
                                              80));
    assert_int_equal(kept, 4096 / 88);
    assert_int_equal(nw_ring_dropped(ring), tries - kept);
    assert_true(nw_ring_is_half_full(ring));
    assert_null(nw_ring_reserve(ring, 4096));
    assert_int_equal(nw_ring_dropped(ring), tries - kept + 1);
    nw_ring_free(ring);
}

static void a_reserved_record_may_turn_out_shorter_or_be_given_up(void **state)
{
    struct nw_ring *ring = nw_ring_new(4096);
    struct nw_slice out;
    assert_non_null(nw_ring_reserve(ring, 2000));
    char *at = nw_ring_reserve(ring, 1000);
    assert_ptr_equal(at, nw_ring_reserved(ring));
    assert_false(nw_ring_peek(ring, &out));
    memcpy(at, "short", 5);
    nw_ring_commit(ring, 5);
    assert_true(nw_ring_peek(ring, &out) && nw_slice_eq(out, NW_SLICE("short")));
    nw_ring_pop(ring);
    assert_true(nw_ring_put(ring, NW_SLICE("")));
    assert_true(nw_ring_peek(ring, &out) && out.len == 0);
    nw_ring_free(ring);
}

static void *produce(void *arg)
{
    struct nw_ring *ring = arg;
    char record[sizeof(uint32_t) + LONGEST];
    for (uint32_t number = 0; number < RECORDS;) {
        if (nw_ring_put(ring, nw_slice_of(record, make_record(record, number))))
            number++;
        else
            sched_yield();
    }
    return NULL;
}

static void two_threads_pass_every_record_unharmed(void **state)
{
    struct nw_ring *ring = nw_ring_new(8192);
    struct nw_slice out;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, ring), 0);
    for (uint32_t number = 0; number < RECORDS;) {
        if (!nw_ring_peek(ring, &out)) {
            sched_yield();
            continue;
        }
        check_record(out, number++);
        nw_ring_pop(ring);
    }
    pthread_join(thread, NULL);
    assert_true(nw_ring_is_empty(ring));
    nw_ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_whole_and_in_order),
        cmocka_unit_test(what_finds_no_room_is_counted),
        cmocka_unit_test(a_reserved_record_may_turn_out_shorter_or_be_given_up),
        cmocka_unit_test(two_threads_pass_every_record_unharmed),
    };
    return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
