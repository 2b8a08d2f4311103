/* The contract of model/stats.h for samples, intervals and long runs. */
#include "model/stats.h"

#include <string.h>

#include "model/random.h"
#include "near.h"

static void moments_survive_a_great_mean(void **state)
{
    struct nw_model_moments m = {0};
    for (int i = 0; i < 1000; i++)
        nw_model_moments_add(&m, 1e9 + (i % 10));
    assert_near(m.mean, 1e9 + 4.5, 1e-15);
    assert_near(nw_model_moments_variance(&m), 8.25 * 1000 / 999, 1e-8);
    struct nw_model_moments one = {0};
    assert_near(nw_model_moments_variance(&one), 0, 0);
    nw_model_moments_add(&one, 3);
    assert_near(nw_model_moments_variance(&one), 0, 0);
}

static void merged_moments_are_those_of_all_values(void **state)
{
    struct nw_rng rng;
    struct nw_model_moments all = {0}, part[3] = {{0}};
    nw_rng_init(&rng, 4);
    for (int i = 0; i < 1000; i++) {
        double x = nw_rng_exponential(&rng, 3) + (i < 500 ? 100 : 0);
        nw_model_moments_add(&all, x);
        nw_model_moments_add(&part[i < 500 ? 0 : 1], x);
    }
    nw_model_moments_merge(&part[2], &part[0]);
    nw_model_moments_merge(&part[2], &part[1]);
    nw_model_moments_merge(&part[2], &(struct nw_model_moments){0});
    assert_int_equal(part[2].count, 1000);
    assert_near(part[2].mean, all.mean, 1e-13);
    assert_near(part[2].squares, all.squares, 1e-12);
}

static void quantiles_interpolate(void **state)
{
    double values[] = {5, 1, 4, 2, 3};
    nw_model_values_sort(values, 5);
    assert_near(values[0], 1, 0);
    assert_near(nw_model_values_quantile(values, 5, 0), 1, 0);
    assert_near(nw_model_values_quantile(values, 5, 0.5), 3, 0);
    assert_near(nw_model_values_quantile(values, 5, 0.9), 4.6, 1e-15);
    assert_near(nw_model_values_quantile(values, 5, 1), 5, 0);
    assert_near(nw_model_values_quantile(values, 1, 0.3), 1, 0);
    nw_model_values_sort(values, 0);
}

/* Student's own sleep data (1908): scipy.stats gives 0.7001.. 2.4599 for the mean difference. */
static void an_interval_of_pairs_is_that_of_their_differences(void **state)
{
    static const double a[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    static const double b[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    struct nw_model_interval i = nw_model_interval_paired(a, b, 10);
    assert_int_equal(i.verdict, NW_MODEL_INTERVAL_OK);
    assert_near(i.mean, 1.58, 1e-14);
    assert_near(i.mean - i.half, 0.7001142, 1e-6);
    assert_near(i.mean + i.half, 2.4598858, 1e-6);
    assert_int_equal(nw_model_interval_of(a, 1).verdict, NW_MODEL_INTERVAL_TOO_SHORT);
    assert_int_equal(nw_model_interval_of(a, 0).verdict, NW_MODEL_INTERVAL_TOO_SHORT);
    assert_false(nw_model_interval_is_precise(&(struct nw_model_interval){.verdict = 1}, 1));
    assert_true(nw_model_interval_is_precise(&i, 0.56));
    assert_false(nw_model_interval_is_precise(&i, 0.55));
}

/* From 20 down to 0 over a few hundred values, then noise around 0. */
static void the_warm_up_is_cut(void **state)
{
    double values[4000];
    struct nw_rng rng;
    nw_rng_init(&rng, 2);
    for (int i = 0; i < 4000; i++)
        values[i] = 20 * exp(-i / 100.0) + nw_model_draw_normal(&rng);
    size_t cut = nw_model_mser5_cut(values, 4000);
    assert_true(cut % 5 == 0 && cut >= 150 && cut <= 600);
}

static void at_most_half_is_cut_and_of_a_constant_nothing(void **state)
{
    double rising[200], flat[200];
    for (int i = 0; i < 200; i++) {
        rising[i] = i;
        flat[i] = 7;
    }
    assert_true(nw_model_mser5_cut(rising, 200) <= 100);
    assert_int_equal(nw_model_mser5_cut(flat, 200), 0);
    assert_int_equal(nw_model_mser5_cut(flat, 0), 0);
    assert_int_equal(nw_model_mser5_cut(flat, 4), 0);
}

/* MSER by its definition, every d from scratch, and the first that is within 10 % of the least. */
static void the_cut_is_where_the_definition_says(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 9);
    for (int run = 0; run < 20; run++) {
        double values[250], cells[50], scores[26], least = INFINITY;
        for (int i = 0; i < 250; i++)
            values[i] = nw_model_draw_normal(&rng) + 8 * exp(-i / (1.0 + 4 * run));
        for (int c = 0; c < 50; c++) {
            cells[c] = 0;
            for (int i = 0; i < 5; i++)
                cells[c] += values[5 * c + i] / 5;
        }
        for (size_t d = 0; d <= 25; d++) {
            double mean = 0, squares = 0, left = 50 - (double)d;
            for (size_t c = d; c < 50; c++)
                mean += cells[c] / left;
            for (size_t c = d; c < 50; c++)
                squares += (cells[c] - mean) * (cells[c] - mean);
            scores[d] = squares / (left * left);
            least = fmin(least, scores[d]);
        }
        size_t first = 0;
        while (scores[first] > 1.1 * least)
            first++;
        assert_int_equal(nw_model_mser5_cut(values, 250), first * 5);
    }
}

static struct nw_model_series series; /* 16 KB: the tests are its only thread */

typedef double step_fn(struct nw_rng *rng, double before);

static double independent(struct nw_rng *rng, double before)
{
    return 10 + nw_model_draw_normal(rng);
}

/* Mean 10, and neighbours agree by 0.9. */
static double autoregressive(struct nw_rng *rng, double before)
{
    return 10 + 0.9 * (before - 10) + nw_model_draw_normal(rng);
}

/* Waits of M/M/1 with mean service 1 (Lindley 1952): the next customer's from this one's. */
static double waiting(struct nw_rng *rng, double before, double load)
{
    return fmax(0, before + nw_rng_exponential(rng, 1) - nw_rng_exponential(rng, 1 / load));
}

static double waiting_half(struct nw_rng *rng, double before)
{
    return waiting(rng, before, 0.5);
}

static double waiting_four_fifths(struct nw_rng *rng, double before)
{
    return waiting(rng, before, 0.8);
}

static struct nw_model_interval run(step_fn *step, uint64_t seed, int count, double first)
{
    struct nw_rng rng;
    nw_model_stream_init(&rng, seed, NW_MODEL_ARRIVALS, 0);
    memset(&series, 0, sizeof series);
    double value = first;
    for (int i = 0; i < count; i++) {
        nw_model_series_add(&series, value);
        value = step(&rng, value);
    }
    return nw_model_series_interval(&series);
}

/* Of 100 seeds; those that were called too short hold nothing. */
static int covered(step_fn *step, int count, double first, double truth)
{
    int held = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct nw_model_interval i = run(step, seed, count, first);
        held += i.verdict == NW_MODEL_INTERVAL_OK && fabs(i.mean - truth) <= i.half;
    }
    return held;
}

static void intervals_hold_the_mean_of_independent_values(void **state)
{
    assert_in_range(covered(independent, 5000, 10, 10), 90, 99);
}

/* Begun at 30, so a warm-up is in it too. */
static void intervals_hold_the_mean_of_what_hangs_together(void **state)
{
    assert_in_range(covered(autoregressive, 10000, 30, 10), 90, 99);
}

static void intervals_hold_the_wait_of_a_simulated_queue(void **state)
{
    assert_in_range(covered(waiting_half, 20000, 0, 1), 90, 99); /* rho / (1 - rho) */
    assert_in_range(covered(waiting_four_fifths, 100000, 0, 4), 90, 99);
}

/* 200 values whose neighbours agree by 0.9 are worth ten independent ones. */
static void a_short_run_is_called_too_short(void **state)
{
    int short_count = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct nw_model_interval i = run(autoregressive, seed, 200, 10);
        if (i.verdict != NW_MODEL_INTERVAL_TOO_SHORT)
            continue;
        short_count++;
        assert_true(i.longer >= 2 && i.longer <= 1000);
        assert_near(i.half, 0, 0);
    }
    assert_true(short_count > 60);
    struct nw_model_interval none = run(independent, 1, 0, 10), few = run(independent, 1, 7, 10);
    assert_int_equal(none.verdict, NW_MODEL_INTERVAL_TOO_SHORT);
    assert_int_equal(few.verdict, NW_MODEL_INTERVAL_TOO_SHORT);
    assert_true(isfinite(none.mean) && isfinite(none.longer) && few.longer >= 2);
}

/* What it asks for is enough: the run that is so many times as long gets its interval. */
static void running_longer_as_told_gives_an_interval(void **state)
{
    int told = 0, enough = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct nw_model_interval i = run(autoregressive, seed, 600, 10);
        if (i.verdict == NW_MODEL_INTERVAL_OK)
            continue;
        told++;
        i = run(autoregressive, seed, (int)(600 * i.longer), 10);
        enough += i.verdict == NW_MODEL_INTERVAL_OK;
    }
    assert_true(told >= 20 && enough >= told * 9 / 10);
}

/* A run that ends as soon as it is precise enough, asked at lengths that grow by half. */
static void stopping_when_precise_keeps_the_promise(void **state)
{
    int held = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct nw_model_interval i = {.verdict = NW_MODEL_INTERVAL_TOO_SHORT};
        for (int count = 2000; !nw_model_interval_is_precise(&i, 0.02); count += count / 2)
            i = run(autoregressive, seed, count, 10);
        assert_true(i.half <= 0.02 * i.mean);
        held += fabs(i.mean - 10) <= i.half;
    }
    assert_in_range(held, 90, 99);
}

static void a_constant_has_an_interval_of_no_width(void **state)
{
    memset(&series, 0, sizeof series);
    for (int i = 0; i < 1000; i++)
        nw_model_series_add(&series, 3);
    struct nw_model_interval i = nw_model_series_interval(&series);
    assert_int_equal(i.verdict, NW_MODEL_INTERVAL_OK);
    assert_near(i.mean, 3, 0);
    assert_near(i.half, 0, 0);
    assert_int_equal(i.cut_count + i.used_count, 1000);
}

/* 163,842 values: cells are halved five times and still average to the mean of the values. */
static void a_series_of_any_length_keeps_its_mean(void **state)
{
    memset(&series, 0, sizeof series);
    int count = 5 * 2048 * 16;
    for (int i = 0; i < count; i++)
        nw_model_series_add(&series, i % 2 ? 1 : -1 + 1e-3 * (i / 2 % 2));
    assert_int_equal(series.cell_count, 1024);
    assert_int_equal(series.cell_values, 160);
    struct nw_model_interval i = nw_model_series_interval(&series);
    assert_near(i.mean, 0.00025, 1e-9);
    assert_true(i.used_count + i.cut_count == (uint64_t)count);
}

/* Two loads under the same draws, and under draws of their own. */
static void common_random_numbers_narrow_a_difference(void **state)
{
    static struct nw_model_series pair[2], other;
    int narrower = 0, held = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct nw_rng rng[2];
        double wait[2] = {0, 0};
        memset(pair, 0, sizeof pair);
        nw_model_stream_init(&rng[0], seed, NW_MODEL_SERVICE, 0);
        nw_model_stream_init(&rng[1], seed, NW_MODEL_SERVICE, 0);
        for (int i = 0; i < 30000; i++) {
            for (int k = 0; k < 2; k++) {
                nw_model_series_add(&pair[k], wait[k]);
                wait[k] = waiting(&rng[k], wait[k], k ? 0.5 : 0.52);
            }
        }
        run(waiting_half, seed + 1000, 30000, 0);
        other = series;
        struct nw_model_interval common = nw_model_series_paired(&pair[0], &pair[1]);
        struct nw_model_interval apart = nw_model_series_paired(&pair[0], &other);
        if (common.verdict != NW_MODEL_INTERVAL_OK || apart.verdict != NW_MODEL_INTERVAL_OK)
            continue;
        narrower += common.half <= apart.half / 2;
        held += fabs(common.mean - (0.52 / 0.48 - 1)) <= common.half;
    }
    assert_true(narrower >= 17 && held >= 16);
}

static void series_of_different_lengths_are_compared_over_the_shorter(void **state)
{
    static struct nw_model_series a, b;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    assert_int_equal(nw_model_series_paired(&a, &b).verdict, NW_MODEL_INTERVAL_TOO_SHORT);
    for (int i = 0; i < 50000; i++) /* cells of 40 */
        nw_model_series_add(&a, i);
    for (int i = 0; i < 2000; i++) /* cells of 5 */
        nw_model_series_add(&b, i - 3);
    struct nw_model_interval i = nw_model_series_paired(&a, &b);
    assert_near(i.mean, 3, 1e-12);
    assert_true(i.cut_count + i.used_count <= 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_survive_a_great_mean),
        cmocka_unit_test(merged_moments_are_those_of_all_values),
        cmocka_unit_test(quantiles_interpolate),
        cmocka_unit_test(an_interval_of_pairs_is_that_of_their_differences),
        cmocka_unit_test(the_warm_up_is_cut),
        cmocka_unit_test(at_most_half_is_cut_and_of_a_constant_nothing),
        cmocka_unit_test(the_cut_is_where_the_definition_says),
        cmocka_unit_test(intervals_hold_the_mean_of_independent_values),
        cmocka_unit_test(intervals_hold_the_mean_of_what_hangs_together),
        cmocka_unit_test(intervals_hold_the_wait_of_a_simulated_queue),
        cmocka_unit_test(a_short_run_is_called_too_short),
        cmocka_unit_test(running_longer_as_told_gives_an_interval),
        cmocka_unit_test(stopping_when_precise_keeps_the_promise),
        cmocka_unit_test(a_constant_has_an_interval_of_no_width),
        cmocka_unit_test(a_series_of_any_length_keeps_its_mean),
        cmocka_unit_test(common_random_numbers_narrow_a_difference),
        cmocka_unit_test(series_of_different_lengths_are_compared_over_the_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
