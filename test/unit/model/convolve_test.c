/*
 * The contract of model/convolve.h. Second sources: dice, the sum of two exponentials (gamma and
 * hypoexponential laws, whose quantiles are scipy's: stats.gamma(2).ppf and roots of the tail).
 */
#include "model/convolve.h"

#include <stdlib.h>

#include "base/rng.h"
#include "near.h"

static double mass_of(const struct nw_model_spread *spread)
{
    double mass = 0;
    for (size_t i = 0; i < spread->count; i++) {
        mass += spread->part[i];
        assert_true(spread->part[i] > 0);
        assert_true(i == 0 || spread->value_s[i] > spread->value_s[i - 1]);
    }
    return mass;
}

static struct nw_model_spread response_of(double arrive_per_s, double serve_per_s)
{
    struct nw_model_mmc mmc;
    struct nw_model_spread spread;
    assert_int_equal(nw_model_mmc_solve(1, arrive_per_s, serve_per_s, &mmc), NW_MODEL_QUEUE_STEADY);
    nw_model_spread_of_mmc(&mmc, &spread);
    assert_near(nw_model_spread_mean_s(&spread), mmc.response_s, 1e-9);
    assert_near(mass_of(&spread), 1, 1e-12);
    return spread;
}

static void two_dice(void **state)
{
    static const double faces[] = {6, 1, 3, 2, 5, 4}, weights[] = {1, 1, 1, 1, 1, 1};
    struct nw_model_spread die, two;
    assert_int_equal(nw_model_spread_of(faces, weights, 6, &die), NW_OK);
    nw_model_spread_convolve(&die, &die, &two);
    assert_int_equal(two.count, 11);
    for (int i = 0; i < 11; i++) {
        assert_near(two.value_s[i], 2 + i, 0);
        assert_near(two.part[i], (6 - abs(5 - i)) / 36.0, 1e-14);
    }
    assert_near(nw_model_spread_mean_s(&two), 7, 1e-14);
    assert_near(nw_model_spread_s_quantile(&two, 15 / 36.0), 6, 0);
    assert_near(nw_model_spread_s_quantile(&two, 16 / 36.0), 7, 0);
    assert_near(nw_model_spread_s_quantile(&two, 0), 2, 0);
    assert_near(nw_model_spread_s_quantile(&two, 1), 12, 0);
}

static void a_constant_hop_moves_every_percentile(void **state)
{
    struct nw_model_spread way, shop = response_of(80, 100), both;
    nw_model_spread_constant(&way, 0.155);
    nw_model_spread_convolve(&way, &shop, &both);
    assert_int_equal(both.count, shop.count);
    for (double q = 0; q <= 1; q += 0.01)
        assert_near(nw_model_spread_s_quantile(&both, q),
                    0.155 + nw_model_spread_s_quantile(&shop, q), 1e-14);
}

/* Response of M/M/1 is exponential with mean 1 / (mu - lambda); two of them make a gamma law. */
static void means_add_and_percentiles_do_not(void **state)
{
    struct nw_model_spread one = response_of(0, 1), two, four;
    assert_near(nw_model_spread_s_quantile(&one, 0.99), 4.605170185988091, 0.025);
    nw_model_spread_convolve(&one, &one, &two);
    assert_near(nw_model_spread_mean_s(&two), 2, 1e-9);
    assert_near(mass_of(&two), 1, 1e-12);
    assert_near(nw_model_spread_s_quantile(&two, 0.5), 1.678346990016661, 0.03);
    assert_near(nw_model_spread_s_quantile(&two, 0.99), 6.638352067993811, 0.03);
    assert_near(nw_model_spread_s_quantile(&two, 0.999), 9.233413476451585, 0.03);
    assert_true(nw_model_spread_s_quantile(&two, 0.99) <
                2 * nw_model_spread_s_quantile(&one, 0.99) * 0.75);
    nw_model_spread_convolve(&two, &two, &four);
    assert_near(nw_model_spread_mean_s(&four), 4, 1e-9);
    assert_near(nw_model_spread_s_quantile(&four, 0.99), 10.045117514831617, 0.03);
}

/* Means 10 ms and 250 us: P(T > t) = (a e^-bt - b e^-at) / (a - b), a = 4,000/s, b = 100/s. */
static void hops_of_different_size_keep_their_own_resolution(void **state)
{
    struct nw_model_spread slow = response_of(0, 100), quick = response_of(6000, 10000), both,
                           swapped;
    nw_model_spread_convolve(&slow, &quick, &both);
    nw_model_spread_convolve(&quick, &slow, &swapped);
    assert_near(nw_model_spread_mean_s(&both), 0.01025, 1e-9);
    static const double qs[] = {0.01, 0.1, 0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < NW_COUNT(qs); i++) {
        double t = nw_model_spread_s_quantile(&both, qs[i]);
        double low = t * 0.97, high = t * 1.03;
        assert_true((4000 * exp(-100 * low) - 100 * exp(-4000 * low)) / 3900 >= 1 - qs[i]);
        assert_true((4000 * exp(-100 * high) - 100 * exp(-4000 * high)) / 3900 <= 1 - qs[i]);
        assert_near(nw_model_spread_s_quantile(&swapped, qs[i]), t, 1e-12);
    }
}

static void percentiles_of_a_queue_are_those_of_its_closed_form(void **state)
{
    struct nw_model_mmc mmc;
    struct nw_model_spread spread;
    assert_int_equal(nw_model_mmc_solve(22, 5800, 300, &mmc), NW_MODEL_QUEUE_STEADY);
    nw_model_spread_of_mmc(&mmc, &spread);
    assert_near(nw_model_spread_mean_s(&spread), mmc.response_s, 1e-9);
    for (double q = 0.05; q < 1; q += 0.05)
        assert_near(nw_model_spread_s_quantile(&spread, q),
                    nw_model_mmc_response_s_quantile(&mmc, q), 0.03);
}

static void mass_and_mean_are_kept_over_any_number_of_hops(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 3);
    struct nw_model_spread sum;
    double mean_s = 0;
    nw_model_spread_constant(&sum, 0);
    for (int hop = 0; hop < 12; hop++) {
        double values_s[2000], weights[2000];
        size_t count = 1 + nw_rng_below(&rng, 2000);
        for (size_t i = 0; i < count; i++) {
            values_s[i] = nw_rng_chance(&rng, 0.05) ? 0 : exp(14 * nw_rng_double(&rng) - 10);
            weights[i] = nw_rng_chance(&rng, 0.2) ? 0 : nw_rng_double(&rng) * 1e6;
        }
        weights[0] = 1;
        double weight = 0, weighted_s = 0;
        for (size_t i = 0; i < count; i++) {
            weight += weights[i];
            weighted_s += weights[i] * values_s[i];
        }
        struct nw_model_spread next;
        assert_int_equal(nw_model_spread_of(values_s, weights, count, &next), NW_OK);
        assert_near(nw_model_spread_mean_s(&next), weighted_s / weight, 1e-12);
        nw_model_spread_convolve(&sum, &next, &sum); /* in place */
        mean_s += weighted_s / weight;
        assert_near(nw_model_spread_mean_s(&sum), mean_s, 1e-11);
        assert_near(mass_of(&sum), 1, 1e-12);
    }
}

static void a_histogram_becomes_a_spread(void **state)
{
    NW_CLEANUP(nw_histogram_free) struct nw_histogram *h = nw_histogram_new(2, 1, 100000000);
    struct nw_model_spread spread;
    assert_int_equal(nw_model_spread_of_histogram(h, 1e-6, &spread), NW_INVALID);
    struct nw_rng rng;
    nw_rng_init(&rng, 12);
    for (int i = 0; i < 20000; i++)
        nw_histogram_record(h, (uint64_t)exp(18 * nw_rng_double(&rng)));
    assert_int_equal(nw_model_spread_of_histogram(h, 1e-6, &spread), NW_OK);
    assert_near(mass_of(&spread), 1, 1e-12);
    assert_near(nw_model_spread_mean_s(&spread), nw_histogram_mean(h) * 1e-6, 0.005);
    for (int percent = 10; percent < 100; percent += 10)
        assert_near(nw_model_spread_s_quantile(&spread, percent / 100.0),
                    (double)nw_histogram_percentile(h, percent) * 1e-6, 0.06);
    nw_histogram_reset(h);
    nw_histogram_record_many(h, 250, 7);
    assert_int_equal(nw_model_spread_of_histogram(h, 1e-6, &spread), NW_OK);
    assert_int_equal(spread.count, 1);
    assert_near(spread.value_s[0], 250e-6, 0.01);
}

static void what_is_no_law_is_invalid(void **state)
{
    static const double bad[] = {-1, NAN, INFINITY, 1e101};
    struct nw_model_spread spread = {.count = 42};
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        assert_int_equal(nw_model_spread_of(&bad[i], &(double){1}, 1, &spread), NW_INVALID);
        assert_int_equal(nw_model_spread_of(&(double){1}, &bad[i], 1, &spread), NW_INVALID);
    }
    assert_int_equal(nw_model_spread_of(&(double){1}, &(double){0}, 1, &spread), NW_INVALID);
    assert_int_equal(nw_model_spread_of(NULL, NULL, 0, &spread), NW_INVALID);
    assert_int_equal(spread.count, 42);
    double same[600], ones[600];
    for (int i = 0; i < 600; i++)
        same[i] = ones[i] = 1;
    assert_int_equal(nw_model_spread_of(same, ones, 600, &spread), NW_OK);
    assert_int_equal(spread.count, 1);
    same[17] = 0; /* two values, more points than there is room */
    assert_int_equal(nw_model_spread_of(same, ones, 600, &spread), NW_OK);
    assert_int_equal(spread.count, 2);
    assert_near(nw_model_spread_mean_s(&spread), 599 / 600.0, 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_dice),
        cmocka_unit_test(a_constant_hop_moves_every_percentile),
        cmocka_unit_test(means_add_and_percentiles_do_not),
        cmocka_unit_test(hops_of_different_size_keep_their_own_resolution),
        cmocka_unit_test(percentiles_of_a_queue_are_those_of_its_closed_form),
        cmocka_unit_test(mass_and_mean_are_kept_over_any_number_of_hops),
        cmocka_unit_test(a_histogram_becomes_a_spread),
        cmocka_unit_test(what_is_no_law_is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
