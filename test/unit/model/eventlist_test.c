/* The contract of model/eventlist.h: the calendar gives the heap's order, whatever the gaps. */
#include "model/eventlist.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/rng.h"

enum {
#if NW_ASAN || NW_TSAN
    OPERATIONS = 500000,
#else
    OPERATIONS = 10000000,
#endif
};

struct pair {
    struct nw_model_eventlist *calendar, *heap;
    double now_s;
    uint32_t pushed;
};

static void pair_push(struct pair *pair, double time_s)
{
    assert_int_equal(nw_model_eventlist_push(pair->calendar, time_s, pair->pushed), NW_OK);
    assert_int_equal(nw_model_eventlist_push(pair->heap, time_s, pair->pushed), NW_OK);
    pair->pushed++;
}

/* Both lists give the same event, and not an earlier one than the last. */
static void pair_pop(struct pair *pair)
{
    struct nw_model_event a, b;
    assert_true(nw_model_eventlist_pop(pair->heap, &b));
    assert_true(nw_model_eventlist_pop(pair->calendar, &a));
    if (a.time_s != b.time_s || a.payload != b.payload)
        fail_msg("calendar: %.17g #%u, heap: %.17g #%u", a.time_s, a.payload, b.time_s, b.payload);
    pair->now_s = a.time_s;
}

static struct pair pair_new(void)
{
    return (struct pair){nw_model_eventlist_new(NW_MODEL_CALENDAR, 1u << 30),
                         nw_model_eventlist_new(NW_MODEL_HEAP, 1u << 30), 0, 0};
}

static void pair_free(struct pair *pair)
{
    while (nw_model_eventlist_count(pair->heap) > 0)
        pair_pop(pair);
    assert_int_equal(nw_model_eventlist_count(pair->calendar), 0);
    nw_model_eventlist_free(pair->calendar);
    nw_model_eventlist_free(pair->heap);
}

/* Gaps of many kinds: ties, steps of a clock, exponential, heavy tails, far away. */
static double gap_draw(struct nw_rng *rng)
{
    switch (nw_rng_below(rng, 6)) {
    case 0: return 0;
    case 1: return (double)nw_rng_below(rng, 4);
    case 2: return floor(nw_rng_exponential(rng, 100));
    case 3: return nw_rng_exponential(rng, 1);
    case 4: return pow(1 - nw_rng_double(rng), -1.5);
    default: return nw_rng_double(rng) * 1e-3;
    }
}

static void ten_million_random_operations_with_ties_leave_in_the_heaps_order(void **state)
{
    struct pair pair = pair_new();
    struct nw_rng rng;
    nw_rng_init(&rng, 1);
    for (int i = 0; i < OPERATIONS;) {
        /* Grows to some ten thousand, shrinks to nothing, and so on. */
        bool grows = nw_rng_chance(&rng, 0.5);
        uint64_t steps = nw_rng_below(&rng, 40000);
        for (uint64_t s = 0; s < steps && i < OPERATIONS; s++, i++) {
            if (nw_model_eventlist_count(pair.heap) == 0 || nw_rng_chance(&rng, grows ? 0.6 : 0.4))
                pair_push(&pair, pair.now_s + gap_draw(&rng));
            else
                pair_pop(&pair);
        }
    }
    pair_free(&pair);
}

static void times_of_any_size_and_order_leave_in_the_heaps_order(void **state)
{
    struct pair pair = pair_new();
    struct nw_rng rng;
    nw_rng_init(&rng, 2);
    for (int i = 0; i < 20000; i++)
        pair_push(&pair, pow(10, 600 * nw_rng_double(&rng) - 300)); /* into the past as well */
    for (int i = 0; i < 15000; i++)
        pair_pop(&pair);
    for (int i = 0; i < 20000; i++)
        pair_push(&pair, ldexp(1, (int)nw_rng_below(&rng, 2000) - 1000));
    pair_push(&pair, 0);
    pair_free(&pair);
}

/* Thousands of ties behind which a later event waits: no width parts them. */
static void ties_that_no_width_parts_leave_in_the_heaps_order(void **state)
{
    struct pair pair = pair_new();
    for (int round = 0; round < 3; round++) {
        pair_push(&pair, pair.now_s + 1e6);
        for (int i = 0; i < 20000; i++)
            pair_push(&pair, pair.now_s + 1 + (i % 2) * 1e-12);
        for (int i = 0; i < 20000; i++)
            pair_pop(&pair);
    }
    pair_free(&pair);
}

static void a_look_moves_nothing_even_when_an_earlier_event_comes(void **state)
{
    struct nw_model_event seen;
    for (int kind = NW_MODEL_CALENDAR; kind <= NW_MODEL_HEAP; kind++) {
        struct nw_model_eventlist *list = nw_model_eventlist_new(kind, 8);
        assert_false(nw_model_eventlist_peek(list, &seen));
        assert_int_equal(nw_model_eventlist_push(list, 1000, 7), NW_OK);
        assert_true(nw_model_eventlist_peek(list, &seen));
        assert_int_equal(seen.payload, 7);
        assert_int_equal(nw_model_eventlist_push(list, 3, 8), NW_OK);
        assert_int_equal(nw_model_eventlist_count(list), 2);
        assert_true(nw_model_eventlist_pop(list, &seen));
        assert_int_equal(seen.payload, 8);
        assert_true(nw_model_eventlist_pop(list, &seen));
        assert_true(seen.time_s == 1000 && seen.payload == 7);
        assert_false(nw_model_eventlist_pop(list, &seen));
        nw_model_eventlist_free(list);
    }
}

static void bad_times_and_one_too_many_are_refused(void **state)
{
    struct nw_model_event seen;
    for (int kind = NW_MODEL_CALENDAR; kind <= NW_MODEL_HEAP; kind++) {
        struct nw_model_eventlist *list = nw_model_eventlist_new(kind, 2);
        assert_int_equal(nw_model_eventlist_push(list, -1e-300, 0), NW_INVALID);
        assert_int_equal(nw_model_eventlist_push(list, HUGE_VAL, 0), NW_INVALID);
        assert_int_equal(nw_model_eventlist_push(list, NAN, 0), NW_INVALID);
        assert_int_equal(nw_model_eventlist_push(list, 1.7e308, 1), NW_OK);
        assert_int_equal(nw_model_eventlist_push(list, 0, 2), NW_OK);
        assert_int_equal(nw_model_eventlist_push(list, 0, 3), NW_NO_MEMORY);
        assert_true(nw_model_eventlist_pop(list, &seen));
        assert_int_equal(seen.payload, 2);
        assert_int_equal(nw_model_eventlist_push(list, 0, 3), NW_OK);
        nw_model_eventlist_clear(list);
        assert_false(nw_model_eventlist_pop(list, &seen));
        nw_model_eventlist_free(list);
    }
    nw_model_eventlist_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_million_random_operations_with_ties_leave_in_the_heaps_order),
        cmocka_unit_test(times_of_any_size_and_order_leave_in_the_heaps_order),
        cmocka_unit_test(ties_that_no_width_parts_leave_in_the_heaps_order),
        cmocka_unit_test(a_look_moves_nothing_even_when_an_earlier_event_comes),
        cmocka_unit_test(bad_times_and_one_too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
