/* The contract of base/histogram.h. */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* The oracle is a sorted array. */
static void a_percentile_is_within_the_promised_digits_of_the_sorted_values(void **state)
{
    enum { COUNT = 20000 };
    static const double percents[] = {0, 1, 25, 50, 90, 99, 99.9, 99.99, 100};
    static const double error[] = {0, 0.1, 0.01, 0.001};
    uint64_t *values = nw_alloc_array(COUNT, sizeof *values);
    struct nw_rng rng;
    nw_rng_init(&rng, 1);
    for (int digits = 1; digits <= 3; digits++) {
        struct nw_histogram *histogram = nw_histogram_new(digits, 1, 60000000);
        uint64_t sum = 0;
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = (uint64_t)nw_rng_exponential(&rng, i % 2 ? 100 : 100000);
            sum += values[i];
            nw_histogram_record(histogram, values[i]);
        }
        qsort(values, COUNT, sizeof *values, by_value);
        for (size_t i = 0; i < NW_COUNT(percents); i++) {
            size_t rank = (size_t)(percents[i] * COUNT / 100 + 0.999);
            double exact = (double)values[rank > 0 ? rank - 1 : 0];
            double got = (double)nw_histogram_percentile(histogram, percents[i]);
            assert_true(got >= exact && got <= exact * (1 + error[digits]) + 1e-9);
        }
        assert_int_equal(nw_histogram_count(histogram), COUNT);
        assert_int_equal(nw_histogram_sum(histogram), sum);
        assert_int_equal(nw_histogram_max(histogram), values[COUNT - 1]);
        nw_histogram_free(histogram);
    }
    nw_free(values);
}

static void buckets_tile_the_numbers_without_gap_or_overlap(void **state)
{
    for (int digits = 1; digits <= 3; digits++) {
        struct nw_histogram *histogram = nw_histogram_new(digits, 1, 1000000);
        for (uint64_t value = 0; value <= 1000000; value++)
            nw_histogram_record(histogram, value);
        struct nw_histogram_bucket bucket;
        bool is_started = false;
        uint64_t next = 0;
        while (nw_histogram_next(histogram, &is_started, &bucket)) {
            assert_int_equal(bucket.low, next);
            uint64_t end = bucket.high < 1000000 ? bucket.high : 1000000;
            assert_int_equal(bucket.count, end - bucket.low + 1);
            assert_int_equal(nw_histogram_count_at_most(histogram, end), end + 1);
            next = bucket.high + 1;
        }
        assert_true(next > 1000000);
        nw_histogram_free(histogram);
    }
}

static void what_is_beyond_the_end_counts_there_and_keeps_its_sum(void **state)
{
    struct nw_histogram *histogram = nw_histogram_new(2, 1, 1000);
    nw_histogram_record(histogram, 5000);
    nw_histogram_record(histogram, 10);
    assert_int_equal(nw_histogram_count(histogram), 2);
    assert_int_equal(nw_histogram_sum(histogram), 5010);
    assert_int_equal(nw_histogram_max(histogram), 5000);
    assert_int_equal(nw_histogram_percentile(histogram, 100), 5000);
    assert_int_equal(nw_histogram_count_at_most(histogram, 900), 1);
    nw_histogram_free(histogram);
}

static void adding_two_equals_recording_all_in_one(void **state)
{
    struct nw_histogram *a = nw_histogram_new(2, 16, 1 << 30);
    struct nw_histogram *b = nw_histogram_new(2, 16, 1 << 30);
    struct nw_histogram *both = nw_histogram_new(2, 16, 1 << 30);
    struct nw_rng rng;
    nw_rng_init(&rng, 2);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = nw_rng_next(&rng) >> (34 + nw_rng_below(&rng, 30));
        nw_histogram_record(i % 3 ? a : b, value);
        nw_histogram_record(both, value);
    }
    nw_histogram_add(a, b);
    assert_memory_equal(a, both, nw_histogram_bytes(2, 16, 1 << 30));
    nw_histogram_reset(a);
    assert_int_equal(nw_histogram_count(a), 0);
    assert_int_equal(nw_histogram_percentile(a, 50), 0);
    assert_true(nw_histogram_mean(a) == 0.0);
    nw_histogram_free(a);
    nw_histogram_free(b);
    nw_histogram_free(both);
}

static void one_digit_from_a_microsecond_to_a_minute_is_small(void **state)
{
    assert_in_range(nw_histogram_bytes(1, 1, 60000000), 1000, 4096);
    assert_in_range(nw_histogram_bytes(2, 1, 60000000), 10000, 24 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_within_the_promised_digits_of_the_sorted_values),
        cmocka_unit_test(buckets_tile_the_numbers_without_gap_or_overlap),
        cmocka_unit_test(what_is_beyond_the_end_counts_there_and_keeps_its_sum),
        cmocka_unit_test(adding_two_equals_recording_all_in_one),
        cmocka_unit_test(one_digit_from_a_microsecond_to_a_minute_is_small),
    };
    return cmocka_run_group_tests_name("base/histogram", tests, NULL, NULL);
}
