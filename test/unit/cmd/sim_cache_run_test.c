/* The contract of cmd/sim_cache_run.h: threads, memory, stops. */
#include "cmd/sim_cache_run.h"

#include <setjmp.h>
#include <stdarg.h>

#include "base/alloc.h"
#include "model/zipf.h"

#include <cmocka.h>

enum { JOBS = 12 };

static struct nw_model_trace trace;
static struct nw_model_cache_job jobs[JOBS];

static int make_trace(void **state)
{
    struct nw_model_invented what = {
        .exponent = 1, .key_count = 2000, .request_count = 20000, .seed = 3};
    for (unsigned i = 0; i < JOBS; i++)
        jobs[i] = (struct nw_model_cache_job){.policy = (nw_model_policy)(i % 6),
                                              .capacity = 100 + 100 * (i / 6)};
    return nw_model_invent(&what, 1 << 24, NULL, &trace) == NW_OK ? 0 : -1;
}

static int drop_trace(void **state)
{
    nw_model_trace_done(&trace);
    return 0;
}

struct results {
    struct nw_model_cache_counts counts[JOBS];
    bool is_done[JOBS];
    uint64_t played[JOBS];
};

static nw_err run_all(struct results *out, unsigned threads, const int *stop)
{
    *out = (struct results){0};
    struct sim_cache_runs runs = {.trace = &trace,
                                  .jobs = jobs,
                                  .counts = out->counts,
                                  .is_done = out->is_done,
                                  .played = out->played,
                                  .count = JOBS,
                                  .threads = threads,
                                  .stop = stop};
    return sim_cache_run(&runs);
}

static void any_number_of_threads_counts_the_same(void **state)
{
    struct results one, many;
    assert_int_equal(run_all(&one, 1, NULL), NW_OK);
    assert_int_equal(run_all(&many, 4, NULL), NW_OK);
    for (unsigned i = 0; i < JOBS; i++) {
        struct nw_model_cache_counts alone;
        assert_int_equal(nw_model_cachesim_run(&trace, &jobs[i], NULL, &alone), NW_OK);
        assert_true(one.is_done[i] && many.is_done[i]);
        assert_memory_equal(&one.counts[i], &alone, sizeof alone);
        assert_memory_equal(&many.counts[i], &alone, sizeof alone);
        assert_int_equal(many.played[i], trace.request_count);
    }
}

static void a_stop_leaves_all_but_the_first_stretch_undone(void **state)
{
    struct results out;
    int stop = 1;
    assert_int_equal(run_all(&out, 2, &stop), NW_OK);
    assert_in_range(out.played[0], 1, NW_MODEL_CACHE_STRETCH);
    for (unsigned i = 1; i < JOBS; i++)
        assert_true(!out.is_done[i] && out.played[i] == 0);
}

static void a_bad_job_is_an_error(void **state)
{
    struct results out;
    jobs[3].capacity = 0;
    assert_int_equal(run_all(&out, 2, NULL), NW_INVALID);
    jobs[3].capacity = 100;
}

static void as_many_threads_as_memory_has_room_for(void **state)
{
    uint64_t need, largest = 0;
    for (unsigned i = 0; i < JOBS; i++) {
        uint64_t bytes = nw_model_cachesim_bytes_for(&trace, &jobs[i]);
        largest = bytes > largest ? bytes : largest;
    }
    assert_int_equal(sim_cache_threads(&trace, jobs, JOBS, largest * 3, 8, &need), 3);
    assert_int_equal(need, largest);
    assert_int_equal(sim_cache_threads(&trace, jobs, JOBS, largest - 1, 8, &need), 0);
    assert_int_equal(sim_cache_threads(&trace, jobs, JOBS, largest * 100, 8, &need), 8);
    assert_int_equal(sim_cache_threads(&trace, jobs, 2, largest * 100, 8, &need), 2);
    assert_in_range(sim_cache_threads(&trace, jobs, JOBS, largest * 2, 0, &need), 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_counts_the_same),
        cmocka_unit_test(a_stop_leaves_all_but_the_first_stretch_undone),
        cmocka_unit_test(a_bad_job_is_an_error),
        cmocka_unit_test(as_many_threads_as_memory_has_room_for),
    };
    return cmocka_run_group_tests(tests, make_trace, drop_trace);
}
