/* The contract of model/cachetrace.h. */
#include "model/cachetrace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_trace_keeps_what_it_was_given(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, true, true, 0, 1 << 20);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(nw_model_trace_add(&trace, i % 100, i, 7ull * i), NW_OK);
    assert_int_equal(trace.request_count, 5000);
    assert_int_equal(trace.key_count, 100);
    for (uint32_t i = 0; i < 5000; i++)
        assert_true(trace.ids[i] == i % 100 && trace.sizes[i] == i &&
                    trace.times_us[i] == 7ull * i);
    nw_model_trace_done(&trace);
}

static void columns_nobody_asked_for_do_not_exist(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, false, false, 10, 1 << 20);
    assert_int_equal(nw_model_trace_add(&trace, 0, 5, 5), NW_OK);
    assert_null(trace.sizes);
    assert_null(trace.times_us);
    assert_true(nw_model_trace_size_mean(&trace) == 1);
    nw_model_trace_done(&trace);
}

static void sizes_beyond_4_gib_become_the_largest(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, true, false, 0, 1 << 20);
    assert_int_equal(nw_model_trace_add(&trace, 0, 1ull << 40, 0), NW_OK);
    assert_true(trace.sizes[0] == UINT32_MAX);
    nw_model_trace_done(&trace);
}

static void the_bound_is_kept_and_what_was_added_stays(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, true, true, 0, 16 * 3000 + 5);
    uint64_t added = 0;
    while (nw_model_trace_add(&trace, 0, 1, added) == NW_OK)
        added++;
    assert_int_equal(added, 3000);
    assert_int_equal(trace.request_count, 3000);
    assert_int_equal(nw_model_trace_add(&trace, 0, 1, 0), NW_NO_MEMORY);
    assert_true(trace.times_us[2999] == 2999);
    nw_model_trace_done(&trace);
}

static void room_asked_for_stays_within_the_bound(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, false, false, 1ull << 40, 4000);
    assert_int_equal(trace.room, 1000);
    nw_model_trace_done(&trace);
}

static void its_size_is_known_beforehand(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, true, true, 0, UINT64_MAX);
    for (uint64_t i = 0; i < 20000; i++) {
        assert_int_equal(nw_model_trace_add(&trace, 0, 1, 1), NW_OK);
        assert_true(trace.room * 16 <= nw_model_trace_bytes_for(i + 1, true, true));
    }
    assert_true(nw_model_trace_bytes_for(1ull << 33, false, false) == UINT64_MAX);
    nw_model_trace_done(&trace);
}

static void the_mean_size_is_that_of_keys_not_of_requests(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, true, false, 0, 1 << 20);
    static const uint32_t ids[] = {0, 0, 0, 1, 2}, sizes[] = {10, 10, 500, 20, 60};
    for (int i = 0; i < 5; i++)
        assert_int_equal(nw_model_trace_add(&trace, ids[i], sizes[i], 0), NW_OK);
    assert_true(nw_model_trace_size_mean(&trace) == 30);
    nw_model_trace_done(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_keeps_what_it_was_given),
        cmocka_unit_test(columns_nobody_asked_for_do_not_exist),
        cmocka_unit_test(sizes_beyond_4_gib_become_the_largest),
        cmocka_unit_test(the_bound_is_kept_and_what_was_added_stays),
        cmocka_unit_test(room_asked_for_stays_within_the_bound),
        cmocka_unit_test(its_size_is_known_beforehand),
        cmocka_unit_test(the_mean_size_is_that_of_keys_not_of_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
