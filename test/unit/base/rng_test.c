/* The contract of base/rng.h. */
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* From the reference C programs of the authors (also in the tests of Rust's rand_xoshiro). */
static void the_sequence_is_that_of_the_reference(void **state)
{
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240ull,
                                        1216172134540287360ull, 607988272756665600ull};
    struct nw_rng rng = {.state = {1, 2, 3, 4}};
    for (size_t i = 0; i < NW_COUNT(expected); i++)
        assert_true(nw_rng_next(&rng) == expected[i]);
}

/* splitmix64's published output for the seed 1234567. */
static void the_seed_is_spread_by_splitmix(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 1234567);
    assert_true(rng.state[0] == 6457827717110365317ull);
    assert_true(rng.state[1] == 3203168211198807973ull);
    assert_true(rng.state[2] == 9817491932198370423ull);
    assert_true(rng.state[3] == 4593380528125082431ull);
}

static void below_is_uniform(void **state)
{
    struct nw_rng rng;
    unsigned counts[7] = {0};
    nw_rng_init(&rng, 3);
    for (int i = 0; i < 70000; i++) {
        uint64_t at = nw_rng_below(&rng, 7);
        assert_true(at < 7);
        counts[at]++;
    }
    for (size_t i = 0; i < NW_COUNT(counts); i++)
        assert_in_range(counts[i], 10000 - 500, 10000 + 500); /* five standard deviations */
    assert_int_equal(nw_rng_below(&rng, 1), 0);
}

/* 2/3 of 2^64: taking the remainder would hit the lower half twice as often as the upper. */
static void below_has_no_bias_for_great_bounds(void **state)
{
    struct nw_rng rng;
    uint64_t bound = UINT64_MAX / 3 * 2;
    unsigned low_count = 0;
    nw_rng_init(&rng, 4);
    for (int i = 0; i < 40000; i++)
        low_count += nw_rng_below(&rng, bound) < bound / 2;
    assert_in_range(low_count, 20000 - 500, 20000 + 500);
}

static void a_stream_depends_on_its_name_and_not_on_earlier_draws(void **state)
{
    struct nw_rng parent, early, late, another;
    nw_rng_init(&parent, 5);
    nw_rng_split(&parent, "delays", &early);
    nw_rng_next(&parent);
    nw_rng_split(&parent, "delays", &late);
    nw_rng_split(&parent, "faults", &another);
    uint64_t first = nw_rng_next(&early);
    assert_true(first == nw_rng_next(&late));
    assert_true(first != nw_rng_next(&another));
}

static void doubles_and_gaps_have_their_means(void **state)
{
    struct nw_rng rng;
    double sum = 0, gap_sum = 0;
    nw_rng_init(&rng, 6);
    for (int i = 0; i < 100000; i++) {
        double x = nw_rng_double(&rng), gap = nw_rng_exponential(&rng, 20);
        assert_true(x >= 0 && x < 1 && gap >= 0 && isfinite(gap));
        sum += x;
        gap_sum += gap;
    }
    assert_true(fabs(sum / 100000 - 0.5) < 0.005);
    assert_true(fabs(gap_sum / 100000 - 20) < 0.4);
}

static void a_shuffle_keeps_everything_and_reaches_every_order(void **state)
{
    struct nw_rng rng;
    unsigned seen[27] = {0}, orders = 0;
    nw_rng_init(&rng, 7);
    for (int i = 0; i < 6000; i++) {
        int items[3] = {0, 1, 2};
        nw_rng_shuffle(&rng, items, 3, sizeof items[0]);
        assert_int_equal(1 << items[0] | 1 << items[1] | 1 << items[2], 7);
        seen[items[0] * 9 + items[1] * 3 + items[2]]++;
    }
    for (size_t i = 0; i < NW_COUNT(seen); i++) {
        if (seen[i] != 0)
            assert_in_range(seen[i], 1000 - 150, 1000 + 150);
        orders += seen[i] != 0;
    }
    assert_int_equal(orders, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_that_of_the_reference),
        cmocka_unit_test(the_seed_is_spread_by_splitmix),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(below_has_no_bias_for_great_bounds),
        cmocka_unit_test(a_stream_depends_on_its_name_and_not_on_earlier_draws),
        cmocka_unit_test(doubles_and_gaps_have_their_means),
        cmocka_unit_test(a_shuffle_keeps_everything_and_reaches_every_order),
    };
    return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
