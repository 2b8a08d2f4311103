/*
 * The contract of model/mrc.h: the exact curve against the cache simulator, the estimator against
 * the exact curve. The reference trace's curve is in cachesim_reference_test.c.
 */
#include "model/mrc.h"

#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"
#include "model/cachesim.h"
#include "model/zipf.h"

enum { SIZES = 50 };

static struct nw_model_trace invented(const struct nw_model_invented *what)
{
    struct nw_model_trace trace;
    assert_int_equal(nw_model_invent(what, 1ull << 30, NULL, &trace), NW_OK);
    return trace;
}

static double simulated_miss_ratio(const struct nw_model_trace *trace, uint64_t size,
                                   uint64_t ttl_us)
{
    struct nw_model_cache_job job = {.policy = NW_MODEL_LRU, .capacity = size, .ttl_us = ttl_us};
    struct nw_model_cache_counts counts;
    assert_int_equal(nw_model_cachesim_run(trace, &job, NULL, &counts), NW_OK);
    return (double)nw_model_cache_misses(&counts) / (double)counts.request_count;
}

static void exact(const struct nw_model_trace *trace, const uint64_t *sizes, size_t count,
                  double *out)
{
    uint64_t played = 0;
    assert_int_equal(nw_model_mrc_exact(trace, sizes, count, NULL, out, &played), NW_OK);
    assert_int_equal(played, trace->request_count);
}

/* -- the exact curve --------------------------------------------------------------------------- */

static void the_exact_curve_is_the_lru_simulation_at_every_size(void **state)
{
    struct nw_model_invented what = {.exponent = 0.8, .key_count = 3000, .request_count = 30000};
    for (what.seed = 1; what.seed <= 3; what.seed++) {
        struct nw_model_trace trace = invented(&what);
        uint64_t sizes[SIZES];
        double ratios[SIZES];
        size_t count = nw_model_mrc_sizes(1, trace.key_count, SIZES, sizes);
        exact(&trace, sizes, count, ratios);
        for (size_t i = 0; i < count; i++)
            assert_true(ratios[i] == simulated_miss_ratio(&trace, sizes[i], 0));
        nw_model_trace_done(&trace);
    }
}

static void an_exact_curve_never_rises(void **state)
{
    struct nw_model_invented what = {.exponent = 0.6, .key_count = 500, .request_count = 5000};
    what.scan_share = 0.3;
    what.scan_keys = 100;
    struct nw_model_trace trace = invented(&what);
    uint64_t sizes[700];
    double ratios[700];
    for (uint64_t i = 0; i < 700; i++)
        sizes[i] = i + 1;
    exact(&trace, sizes, 700, ratios);
    for (int i = 1; i < 700; i++)
        assert_true(ratios[i] <= ratios[i - 1]);
    assert_true(ratios[699] == (double)trace.key_count / 5000); /* cold misses remain */
    nw_model_trace_done(&trace);
}

static void sizes_that_do_not_ascend_are_refused(void **state)
{
    struct nw_model_invented what = {.exponent = 1, .key_count = 5, .request_count = 10};
    struct nw_model_trace trace = invented(&what);
    static const uint64_t none[] = {0}, same[] = {4, 4}, falling[] = {4, 3};
    double ratios[2] = {7, 7};
    uint64_t played = 7;
    assert_int_equal(nw_model_mrc_exact(&trace, none, 1, NULL, ratios, &played), NW_INVALID);
    assert_int_equal(nw_model_mrc_exact(&trace, same, 2, NULL, ratios, &played), NW_INVALID);
    assert_int_equal(nw_model_mrc_exact(&trace, falling, 2, NULL, ratios, &played), NW_INVALID);
    assert_int_equal(nw_model_mrc_estimate(&trace, 0, same, 2, NULL, ratios, &played), NW_INVALID);
    assert_int_equal(nw_model_mrc_estimate(&trace, 9, same, 1, NULL, ratios, &played), NW_INVALID);
    assert_true(ratios[0] == 7 && played == 7);
    nw_model_trace_done(&trace);
}

static void more_keys_than_can_be_simulated_are_refused(void **state)
{
    struct nw_model_trace trace = {.request_count = 1u << 31, .key_count = 1u << 31};
    uint64_t size = 3, played = 7;
    double ratio = 7;
    assert_true(nw_model_mrc_exact_bytes_for(&trace) == UINT64_MAX);
    assert_int_equal(nw_model_mrc_exact(&trace, &size, 1, NULL, &ratio, &played), NW_NO_MEMORY);
    assert_true(ratio == 7 && played == 7);
}

static void nothing_asked_or_stopped_at_once_misses_all(void **state)
{
    struct nw_model_invented what = {.exponent = 1, .key_count = 5};
    uint64_t size = 3, played = 7;
    double ratio = 0;
    struct nw_model_trace empty = invented(&what);
    assert_int_equal(nw_model_mrc_exact(&empty, &size, 1, NULL, &ratio, &played), NW_OK);
    assert_true(ratio == 1 && played == 0);
    ratio = 0;
    assert_int_equal(nw_model_mrc_estimate(&empty, 0, &size, 1, NULL, &ratio, &played), NW_OK);
    assert_true(ratio == 1 && played == 0);
    nw_model_trace_done(&empty);
    what.request_count = 100;
    struct nw_model_trace trace = invented(&what);
    int stop = 1;
    assert_int_equal(nw_model_mrc_exact(&trace, &size, 1, &stop, &ratio, &played), NW_OK);
    assert_true(ratio == 1 && played == 0);
    assert_int_equal(nw_model_mrc_estimate(&trace, 0, &size, 1, &stop, &ratio, &played), NW_OK);
    assert_true(ratio == 1 && played == 0);
    nw_model_trace_done(&trace);
}

/* -- the estimator ----------------------------------------------------------------------------- */

static void estimate_by_secret(const struct nw_model_trace *trace, uint64_t secret,
                               const uint64_t *sizes, double *out)
{
    struct nw_hash_key key = {secret, ~secret};
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *mrc = nw_model_mrc_new(&(struct nw_model_mrc_options){0});
    for (uint64_t i = 0; i < trace->request_count; i++) {
        struct nw_slice id = nw_slice_of((const char *)&trace->ids[i], sizeof trace->ids[i]);
        nw_model_mrc_add(mrc, nw_hash_sip13(&key, id), 0, 0);
    }
    nw_model_mrc_miss_ratios(mrc, sizes, SIZES, out);
}

static double mean_distance(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < SIZES; i++)
        sum += fabs(a[i] - b[i]) / SIZES;
    return sum;
}

/*
 * Mean absolute error over 50 sizes, 2 % … 100 % of the keys: with the hash for ids, and with keyed
 * hashes, whose luck differs: on average within 3 in 1000, each of them within each_max.
 */
static void check_errors(const struct nw_model_trace *trace, int secrets, double each_max)
{
    uint64_t sizes[SIZES], played = 0;
    double truth[SIZES], guess[SIZES], mean = 0;
    for (uint64_t i = 0; i < SIZES; i++)
        sizes[i] = trace->key_count * (i + 1) / SIZES;
    exact(trace, sizes, SIZES, truth);
    assert_int_equal(nw_model_mrc_estimate(trace, 0, sizes, SIZES, NULL, guess, &played), NW_OK);
    assert_true(mean_distance(truth, guess) <= 0.003);
    for (uint64_t secret = 1; secret <= (uint64_t)secrets; secret++) {
        estimate_by_secret(trace, secret, sizes, guess);
        double error = mean_distance(truth, guess);
        assert_true(error <= each_max);
        mean += error / secrets;
    }
    assert_true(mean <= 0.003);
}

/* All keys sampled, and distances that have buckets of their own: nothing is left to chance. */
static void a_few_keys_are_known_exactly(void **state)
{
    struct nw_model_invented what = {.exponent = 0.5, .key_count = 120, .request_count = 5000};
    struct nw_model_trace trace = invented(&what);
    uint64_t sizes[120], played = 0;
    double truth[120], guess[120];
    for (uint64_t i = 0; i < 120; i++)
        sizes[i] = i + 1;
    exact(&trace, sizes, 120, truth);
    assert_int_equal(nw_model_mrc_estimate(&trace, 0, sizes, 120, NULL, guess, &played), NW_OK);
    for (int i = 0; i < 120; i++)
        assert_true(fabs(guess[i] - truth[i]) < 1e-12);
    nw_model_trace_done(&trace);
}

static void the_curve_of_shifting_popularity_is_within_3_in_1000(void **state)
{
    struct nw_model_invented what = {.exponent = 1, .key_count = 300000, .seed = 1};
    what.request_count = 2000000;
    what.shift_every = 40000;
    what.shift_by = 1500;
    struct nw_model_trace trace = invented(&what);
    check_errors(&trace, 6, 0.003);
    nw_model_trace_done(&trace);
}

static void the_curve_of_mixed_scans_is_within_3_in_1000(void **state)
{
    struct nw_model_invented what = {.exponent = 1, .key_count = 300000, .seed = 1};
    what.request_count = 2000000;
    what.scan_share = 0.2;
    what.scan_keys = 90000;
    struct nw_model_trace trace = invented(&what);
    check_errors(&trace, 12, 0.006);
    nw_model_trace_done(&trace);
}

/* 76,000 requests for some 20,000 keys: a fixed rate of 1 % would look at 200 of them. */
static void the_curve_of_a_small_site_is_within_3_in_1000(void **state)
{
    struct nw_model_invented what = {.exponent = 0.9, .key_count = 40000, .request_count = 76000};
    for (what.seed = 1; what.seed <= 5; what.seed++) {
        struct nw_model_trace trace = invented(&what);
        assert_in_range(trace.key_count, 19000, 21000);
        check_errors(&trace, 4, 0.003);
        nw_model_trace_done(&trace);
    }
}

static void it_takes_less_than_half_a_megabyte_and_no_more_later(void **state)
{
    assert_true(nw_model_mrc_bytes() <= 500000);
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *mrc = nw_model_mrc_new(&(struct nw_model_mrc_options){0});
    struct nw_rng rng;
    nw_rng_init(&rng, 1);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 200000; i++)
        nw_model_mrc_add(mrc, nw_rng_next(&rng), 0, 0);
    assert_int_equal(mallinfo2().uordblks, before);
}

/* The rate is what 8,192 of the distinct keys are; its own error is 1 in sqrt(8,192). */
static void the_rate_falls_with_the_number_of_keys(void **state)
{
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *mrc = nw_model_mrc_new(&(struct nw_model_mrc_options){0});
    struct nw_rng rng;
    nw_rng_init(&rng, 2);
    assert_true(nw_model_mrc_rate(mrc) == 1);
    for (int i = 0; i < NW_MODEL_MRC_KEYS; i++)
        nw_model_mrc_add(mrc, nw_rng_next(&rng), 0, 0);
    assert_true(nw_model_mrc_rate(mrc) == 1);
    for (int i = NW_MODEL_MRC_KEYS; i < 500000; i++)
        nw_model_mrc_add(mrc, nw_rng_next(&rng), 0, 0);
    double expected = (double)NW_MODEL_MRC_KEYS / 500000;
    assert_true(fabs(nw_model_mrc_rate(mrc) / expected - 1) < 4 / sqrt(NW_MODEL_MRC_KEYS));
}

/* An infinite cache with the same time to live misses the same requests. */
static void a_reuse_after_its_time_to_live_misses_at_any_size(void **state)
{
    struct nw_model_invented what = {.exponent = 0.9, .key_count = 2000, .request_count = 40000};
    what.rate_per_s = 1000;
    struct nw_model_trace trace = invented(&what);
    uint64_t size = trace.key_count, played = 0;
    static const uint64_t ttls_us[] = {1, 50000, 1000000, 15000000, UINT64_MAX};
    double before = 2;
    for (size_t i = 0; i < NW_COUNT(ttls_us); i++) {
        double ratio = 0;
        assert_int_equal(nw_model_mrc_estimate(&trace, ttls_us[i], &size, 1, NULL, &ratio, &played),
                         NW_OK);
        assert_true(fabs(ratio - simulated_miss_ratio(&trace, size, ttls_us[i])) < 1e-12);
        assert_true(ratio < before);
        before = ratio;
    }
    nw_model_trace_done(&trace);
}

/* Ten windows in which one key is asked for, then ten in which none is asked for twice. */
static double ratio_after_a_change(uint64_t window_requests)
{
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *mrc =
        nw_model_mrc_new(&(struct nw_model_mrc_options){.window_requests = window_requests});
    struct nw_rng rng;
    nw_rng_init(&rng, 3);
    for (int i = 0; i < 10000; i++)
        nw_model_mrc_add(mrc, 1, 0, 0);
    for (int i = 0; i < 10000; i++)
        nw_model_mrc_add(mrc, nw_rng_next(&rng), 0, 0);
    uint64_t size = 1000;
    double ratio = 0;
    nw_model_mrc_miss_ratios(mrc, &size, 1, &ratio);
    return ratio;
}

static void counts_that_halve_follow_the_traffic(void **state)
{
    assert_true(fabs(ratio_after_a_change(0) - 0.5) < 0.01);
    assert_true(fabs(ratio_after_a_change(1000) - 0.999) < 0.01);
}

/* Keys that never return press the rate of one, not of the other, and the curve stays true. */
static void keys_deeper_than_the_largest_size_are_forgotten(void **state)
{
    enum { LARGEST = 50000 };
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *deep = nw_model_mrc_new(&(struct nw_model_mrc_options){0});
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *bound =
        nw_model_mrc_new(&(struct nw_model_mrc_options){.size_max = LARGEST});
    struct nw_model_invented what = {.exponent = 0.8, .key_count = 40000, .seed = 1};
    what.request_count = 1500000;
    what.scan_share = 0.4;
    what.scan_keys = 1000000;
    struct nw_model_trace trace = invented(&what);
    for (uint64_t i = 0; i < trace.request_count; i++) {
        nw_model_mrc_add(deep, nw_model_mrc_spread(trace.ids[i]), 0, 0);
        nw_model_mrc_add(bound, nw_model_mrc_spread(trace.ids[i]), 0, 0);
    }
    double settled = (double)NW_MODEL_MRC_KEYS / LARGEST;
    assert_true(nw_model_mrc_rate(deep) < 0.1 * settled);
    assert_true(nw_model_mrc_rate(bound) > 0.9 * settled);
    static const uint64_t sizes[] = {2000, 5000, 10000, 20000, 30000, 40000, LARGEST};
    double truth[NW_COUNT(sizes)], guess[NW_COUNT(sizes)];
    exact(&trace, sizes, NW_COUNT(sizes), truth);
    nw_model_mrc_miss_ratios(bound, sizes, NW_COUNT(sizes), guess);
    for (size_t i = 0; i < NW_COUNT(sizes); i++)
        assert_true(fabs(guess[i] - truth[i]) < 0.01);
    nw_model_trace_done(&trace);
}

/* Hashes that somebody made as bad as can be bring no crash and no ratio beyond 0 … 1. */
static void bad_hashes_do_no_harm(void **state)
{
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *mrc =
        nw_model_mrc_new(&(struct nw_model_mrc_options){.size_max = 100, .window_requests = 777});
    struct nw_rng rng;
    nw_rng_init(&rng, 5);
    for (uint64_t i = 0; i < 60000; i++) {
        uint64_t hash = i < 20000 ? i : i < 40000 ? 40000 - i : nw_rng_next(&rng) << 50;
        nw_model_mrc_add(mrc, hash, i, 1000);
    }
    static const uint64_t sizes[] = {1, 10, 100, 1ull << 40, UINT64_MAX};
    double ratios[NW_COUNT(sizes)];
    nw_model_mrc_miss_ratios(mrc, sizes, NW_COUNT(sizes), ratios);
    for (size_t i = 0; i < NW_COUNT(sizes); i++)
        assert_true(ratios[i] >= 0 && ratios[i] <= 1);
    assert_true(nw_model_mrc_rate(mrc) > 0);
}

static void sizes_are_spaced_evenly_by_ratio(void **state)
{
    uint64_t sizes[SIZES];
    assert_int_equal(nw_model_mrc_sizes(1, 10000, 5, sizes), 5);
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000};
    for (int i = 0; i < 5; i++)
        assert_int_equal(sizes[i], powers[i]);
    assert_int_equal(nw_model_mrc_sizes(0, 4, SIZES, sizes), 4);
    assert_int_equal(sizes[0], 1);
    assert_int_equal(sizes[3], 4);
    assert_int_equal(nw_model_mrc_sizes(100, 763036, SIZES, sizes), SIZES);
    assert_true(sizes[0] == 100 && sizes[SIZES - 1] == 763036);
    assert_int_equal(nw_model_mrc_sizes(5, 4, SIZES, sizes), 0);
    assert_int_equal(nw_model_mrc_sizes(1, UINT64_MAX, 2, sizes), 2);
    assert_true(sizes[1] == UINT64_MAX);
    assert_int_equal(nw_model_mrc_sizes(7, 70, 1, sizes), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_curve_is_the_lru_simulation_at_every_size),
        cmocka_unit_test(an_exact_curve_never_rises),
        cmocka_unit_test(sizes_that_do_not_ascend_are_refused),
        cmocka_unit_test(more_keys_than_can_be_simulated_are_refused),
        cmocka_unit_test(nothing_asked_or_stopped_at_once_misses_all),
        cmocka_unit_test(a_few_keys_are_known_exactly),
        cmocka_unit_test(the_curve_of_shifting_popularity_is_within_3_in_1000),
        cmocka_unit_test(the_curve_of_mixed_scans_is_within_3_in_1000),
        cmocka_unit_test(the_curve_of_a_small_site_is_within_3_in_1000),
        cmocka_unit_test(it_takes_less_than_half_a_megabyte_and_no_more_later),
        cmocka_unit_test(the_rate_falls_with_the_number_of_keys),
        cmocka_unit_test(a_reuse_after_its_time_to_live_misses_at_any_size),
        cmocka_unit_test(counts_that_halve_follow_the_traffic),
        cmocka_unit_test(keys_deeper_than_the_largest_size_are_forgotten),
        cmocka_unit_test(bad_hashes_do_no_harm),
        cmocka_unit_test(sizes_are_spaced_evenly_by_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
