/* The contract of model/usl.h; scipy_cases.h has what scipy's curve_fit says. */
#include "model/usl.h"

#include "model/random.h"
#include "near.h"
#include "scipy_cases.h"

static const struct nw_model_usl l8 = {.gamma_per_s = 1800, .alpha = 0.03, .beta = 0.0005};

static void fact_l8_the_law_and_its_peak(void **state)
{
    static const double rows[][2] = {
        {2, 3491.76}, {8, 11631.7}, {32, 23742.8}, {44, 24474.7}, {64, 23481.5}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        double n = rows[i][0], x = nw_model_usl_rate_per_s(&l8, n);
        assert_near(x, 1800 * n / (1 + 0.03 * (n - 1) + 0.0005 * n * (n - 1)), 1e-14);
        assert_near(x, rows[i][1], 5e-6); /* the digits given */
        assert_near(nw_model_usl_efficiency(&l8, n), x / (n * 1800), 1e-14);
    }
    double nodes, rate_per_s;
    assert_true(nw_model_usl_peak(&l8, &nodes, &rate_per_s));
    assert_near(nodes, 44.045431, 1e-8); /* sqrt(0.97 / 0.0005) */
    assert_true(rate_per_s >= nw_model_usl_rate_per_s(&l8, 44));
    assert_true(rate_per_s >= nw_model_usl_rate_per_s(&l8, 44.1));
}

static void fact_l9_nodes_for_a_rate(void **state)
{
    static const struct {
        double rate_per_s;
        uint64_t nodes;
    } rows[] = {{7540, 5}, {15000, 12}, {24000, 35}};
    uint64_t nodes;
    double rate_per_s;
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        assert_int_equal(nw_model_usl_nodes_for(&l8, rows[i].rate_per_s, &nodes, &rate_per_s),
                         NW_MODEL_USL_REACHED);
        assert_int_equal(nodes, rows[i].nodes);
        assert_true(rate_per_s >= rows[i].rate_per_s);
        assert_true(nw_model_usl_rate_per_s(&l8, (double)nodes - 1) < rows[i].rate_per_s);
    }
    assert_int_equal(nw_model_usl_nodes_for(&l8, 24500, &nodes, &rate_per_s),
                     NW_MODEL_USL_BEYOND_PEAK);
    assert_int_equal(nodes, 44);
    assert_near(rate_per_s, nw_model_usl_rate_per_s(&l8, 44), 0);
}

static void every_rate_that_is_reached_needs_each_of_its_nodes(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 6);
    for (int i = 0; i < 2000; i++) {
        struct nw_model_usl law = {.gamma_per_s = 100,
                                   .alpha = nw_rng_chance(&rng, 0.2) ? 0 : nw_rng_double(&rng),
                                   .beta = exp(-20 * nw_rng_double(&rng))};
        uint64_t nodes, exact = 1 + nw_rng_below(&rng, 50);
        double rate_per_s, peak, peak_per_s, wanted = 50 + 3000 * nw_rng_double(&rng);
        assert_true(nw_model_usl_peak(&law, &peak, &peak_per_s));
        if ((double)exact <= peak) { /* equality counts */
            wanted = nw_model_usl_rate_per_s(&law, (double)exact);
            assert_int_equal(nw_model_usl_nodes_for(&law, wanted, &nodes, &rate_per_s),
                             NW_MODEL_USL_REACHED);
            assert_true(nodes <= exact);
            assert_near(rate_per_s, wanted, 2e-9);
        } else if (nw_model_usl_nodes_for(&law, wanted, &nodes, &rate_per_s) ==
                   NW_MODEL_USL_REACHED) {
            assert_true(rate_per_s >= wanted * (1 - 1e-9));
            assert_true(nodes == 1 || nw_model_usl_rate_per_s(&law, (double)nodes - 1) < wanted);
        } else {
            assert_true(peak_per_s < wanted * (1 + 1e-9) || fabs(peak - (double)nodes) < 1);
        }
    }
}

static void without_beta_there_is_a_limit_and_no_peak(void **state)
{
    struct nw_model_usl law = {.gamma_per_s = 100, .alpha = 0.1}, linear = {.gamma_per_s = 100};
    struct nw_model_usl worse = {.gamma_per_s = 100, .alpha = 1.5};
    double nodes, rate_per_s;
    uint64_t whole;
    assert_false(nw_model_usl_peak(&law, &nodes, &rate_per_s));
    assert_int_equal(nw_model_usl_nodes_for(&law, 999, &whole, &rate_per_s), NW_MODEL_USL_REACHED);
    assert_int_equal(whole, 8991); /* N (100 - 99.9) >= 999 x 0.9 */
    assert_int_equal(nw_model_usl_nodes_for(&law, 1001, &whole, &rate_per_s),
                     NW_MODEL_USL_BEYOND_LIMIT);
    assert_near(rate_per_s, 1000, 1e-6);
    assert_int_equal(nw_model_usl_nodes_for(&linear, 1e12, &whole, &rate_per_s),
                     NW_MODEL_USL_BEYOND_LIMIT);
    assert_true(
        nw_model_usl_peak(&worse, &nodes, &rate_per_s)); /* the second node makes it worse */
    assert_near(nodes, 1, 0);
    assert_int_equal(nw_model_usl_nodes_for(&worse, 101, &whole, &rate_per_s),
                     NW_MODEL_USL_BEYOND_PEAK);
    assert_int_equal(whole, 1);
    assert_int_equal(nw_model_usl_nodes_for(&law, 0, &whole, &rate_per_s), NW_MODEL_USL_REACHED);
    assert_int_equal(whole, 1);
    whole = 42;
    assert_int_equal(nw_model_usl_nodes_for(&law, NAN, &whole, &rate_per_s), NW_MODEL_USL_INVALID);
    assert_int_equal(nw_model_usl_nodes_for(&law, -1, &whole, &rate_per_s), NW_MODEL_USL_INVALID);
    assert_int_equal(nw_model_usl_nodes_for(&law, INFINITY, &whole, &rate_per_s),
                     NW_MODEL_USL_INVALID);
    assert_int_equal(whole, 42);
    assert_string_equal(nw_model_usl_reach_name(NW_MODEL_USL_REACHED), "reached");
    assert_string_equal(nw_model_usl_reach_name(NW_MODEL_USL_BEYOND_PEAK), "beyond-peak");
    assert_string_equal(nw_model_usl_reach_name(NW_MODEL_USL_BEYOND_LIMIT), "beyond-limit");
    assert_string_equal(nw_model_usl_reach_name(NW_MODEL_USL_INVALID), "invalid");
}

static void fifty_noisy_data_sets_fit_as_scipy_fits_them(void **state)
{
    for (size_t i = 0; i < NW_COUNT(scipy_laws); i++) {
        const struct scipy_law *s = &scipy_laws[i];
        struct nw_model_usl_point points[12];
        struct nw_model_usl law;
        for (size_t k = 0; k < s->count; k++)
            points[k] = (struct nw_model_usl_point){s->points[k][0], s->points[k][1]};
        assert_int_equal(nw_model_usl_fit_law(points, s->count, &law), NW_OK);
        assert_near(law.gamma_per_s, s->gamma, 1e-6);
        assert_near(law.alpha, s->alpha, 1e-4);
        assert_near(law.beta, s->beta, 1e-4);
    }
    assert_int_equal(NW_COUNT(scipy_laws), 50);
}

/* X of l8 at these N with 3 % noise, or another. */
static size_t measured(const double *nodes, size_t count, double noise, uint64_t trial,
                       struct nw_model_usl_point *out)
{
    struct nw_rng rng;
    nw_model_stream_init(&rng, trial, NW_MODEL_NOISE, 0);
    for (size_t i = 0; i < count; i++)
        out[i] =
            (struct nw_model_usl_point){nodes[i], nw_model_usl_rate_per_s(&l8, nodes[i]) *
                                                      (1 + noise * nw_model_draw_normal(&rng))};
    return count;
}

static const double nine[] = {1, 2, 4, 8, 16, 24, 32, 48, 64};

static void points_on_the_law_give_the_law_back(void **state)
{
    struct nw_model_usl_point points[9];
    struct nw_model_usl law;
    measured(nine, 9, 0, 1, points);
    assert_int_equal(nw_model_usl_fit_law(points, 9, &law), NW_OK);
    assert_near(law.gamma_per_s, 1800, 1e-9);
    assert_near(law.alpha, 0.03, 1e-9);
    assert_near(law.beta, 0.0005, 1e-9);
    struct nw_model_usl_fit fit;
    assert_int_equal(nw_model_usl_fit(points, 9, 1, &fit), NW_OK);
    assert_int_equal(fit.peak, NW_MODEL_USL_PEAK_NAMED);
    assert_near(fit.peak_nodes, sqrt(0.97 / 0.0005), 1e-9);
    assert_true(fit.noise < 1e-12);
}

static bool holds(struct nw_model_range range, double truth)
{
    return range.low <= truth && truth <= range.high;
}

/* Of 200 trials: how many bands hold the truth. */
static void the_95_percent_bands_hold_the_peak_and_the_rate_at_64(void **state)
{
    static struct nw_model_usl_fit fit; /* 10 KB: the tests are its only thread */
    double peak_nodes, peak_per_s, at_64 = nw_model_usl_rate_per_s(&l8, 64);
    int named = 0, nodes_held = 0, peaks_held = 0, rates_held = 0;
    int gammas_held = 0, alphas_held = 0, betas_held = 0;
    assert_true(nw_model_usl_peak(&l8, &peak_nodes, &peak_per_s));
    for (uint64_t trial = 0; trial < 200; trial++) {
        struct nw_model_usl_point points[9];
        size_t count = measured(nine, 9, 0.03, trial, points);
        assert_int_equal(nw_model_usl_fit(points, count, trial, &fit), NW_OK);
        rates_held += holds(nw_model_usl_band_per_s(&fit, 64), at_64);
        gammas_held += holds(fit.gamma_per_s, 1800);
        alphas_held += holds(fit.alpha, 0.03);
        betas_held += holds(fit.beta, 0.0005);
        if (fit.peak != NW_MODEL_USL_PEAK_NAMED)
            continue;
        named++;
        nodes_held += holds(fit.peak_nodes_range, peak_nodes);
        peaks_held += holds(fit.peak_per_s_range, peak_per_s);
    }
    assert_true(named >= 190);
    assert_true(nodes_held >= named * 9 / 10 && peaks_held >= named * 9 / 10);
    assert_true(rates_held >= 180);
    assert_true(gammas_held >= 180 && alphas_held >= 180 && betas_held >= 180);
}

static void few_points_name_no_peak_and_say_where_to_measure(void **state)
{
    static struct nw_model_usl_fit fit;
    for (uint64_t trial = 0; trial < 50; trial++) {
        struct nw_model_usl_point points[4];
        measured(nine, 4, 0.01, trial, points); /* 1, 2, 4, 8 */
        assert_int_equal(nw_model_usl_fit(points, 4, trial, &fit), NW_OK);
        assert_int_equal(fit.peak, NW_MODEL_USL_PEAK_FEW_POINTS);
        assert_near(fit.measure_nodes, 16, 0);
        assert_near(fit.peak_nodes + fit.peak_per_s + fit.peak_nodes_range.high, 0, 0);
    }
}

static void without_a_bend_no_peak_is_named(void **state)
{
    static struct nw_model_usl_fit fit;
    static const double six[] = {1, 2, 3, 4, 6, 8};
    int named = 0;
    for (uint64_t trial = 0; trial < 50; trial++) {
        struct nw_model_usl_point points[6];
        measured(six, 6, 0.01, trial, points);
        assert_int_equal(nw_model_usl_fit(points, 6, trial, &fit), NW_OK);
        named += fit.peak == NW_MODEL_USL_PEAK_NAMED; /* where there is one, at 44 of 8 measured */
        if (fit.peak == NW_MODEL_USL_PEAK_NO_BEND) {
            assert_near(fit.beta.low, 0, 0);
            assert_near(fit.measure_nodes, 16, 0);
        }
    }
    assert_true(named <= 2);
}

static void a_peak_far_beyond_the_points_is_not_named(void **state)
{
    static struct nw_model_usl_fit fit;
    struct nw_model_usl_point points[5];
    measured(nine, 5, 0, 1, points); /* to 16, without noise: beta is certain, and N* = 44 > 32 */
    assert_int_equal(nw_model_usl_fit(points, 5, 1, &fit), NW_OK);
    assert_int_equal(fit.peak, NW_MODEL_USL_PEAK_TOO_FAR);
    assert_near(fit.measure_nodes, 23, 0); /* half of 44.05 */
    assert_string_equal(nw_model_usl_peak_verdict_name(NW_MODEL_USL_PEAK_NAMED), "named");
    assert_string_equal(nw_model_usl_peak_verdict_name(NW_MODEL_USL_PEAK_FEW_POINTS), "few-points");
    assert_string_equal(nw_model_usl_peak_verdict_name(NW_MODEL_USL_PEAK_NO_BEND), "no-bend");
    assert_string_equal(nw_model_usl_peak_verdict_name(NW_MODEL_USL_PEAK_TOO_FAR), "too-far");
}

static void the_same_seed_gives_the_same_intervals(void **state)
{
    static struct nw_model_usl_fit a, b;
    struct nw_model_usl_point points[9];
    measured(nine, 9, 0.03, 7, points);
    assert_int_equal(nw_model_usl_fit(points, 9, 3, &a), NW_OK);
    assert_int_equal(nw_model_usl_fit(points, 9, 3, &b), NW_OK);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(nw_model_usl_fit(points, 9, 4, &b), NW_OK);
    assert_true(a.beta.low != b.beta.low);
    assert_near(a.law.beta, b.law.beta, 0);
}

static void what_cannot_be_fitted_is_invalid_and_writes_nothing(void **state)
{
    struct nw_model_usl law = {.gamma_per_s = 42};
    struct nw_model_usl_point good[] = {{1, 10}, {2, 19}, {4, 33}, {4, 34}};
    static const double bad[] = {0, -1, NAN, INFINITY, 1e101};
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        struct nw_model_usl_point points[] = {{1, 10}, {2, 19}, {4, 33}};
        points[1].rate_per_s = bad[i];
        assert_int_equal(nw_model_usl_fit_law(points, 3, &law), NW_INVALID);
        points[1] = (struct nw_model_usl_point){bad[i], 19};
        assert_int_equal(nw_model_usl_fit_law(points, 3, &law), NW_INVALID);
    }
    static struct nw_model_usl_fit fit;
    assert_int_equal(nw_model_usl_fit_law(good, 2, &law), NW_INVALID);
    assert_int_equal(nw_model_usl_fit_law(good, 0, &law), NW_INVALID);
    assert_int_equal(nw_model_usl_fit_law(good + 1, 3, &law), NW_INVALID); /* two different N */
    assert_int_equal(nw_model_usl_fit(good, 3, 1, &fit), NW_INVALID);
    assert_near(law.gamma_per_s, 42, 0);
    assert_int_equal(nw_model_usl_fit_law(good, 3, &law), NW_OK);
    assert_int_equal(nw_model_usl_fit(good, 4, 1, &fit), NW_OK);
}

/* Any usable points, however far from a law, give coefficients in range and finite intervals. */
static void nonsense_gives_finite_numbers(void **state)
{
    static struct nw_model_usl_fit fit;
    struct nw_rng rng;
    nw_rng_init(&rng, 8);
    for (int i = 0; i < 40; i++) {
        struct nw_model_usl_point points[6];
        for (int k = 0; k < 6; k++)
            points[k] = (struct nw_model_usl_point){floor(exp(20 * nw_rng_double(&rng))),
                                                    exp(200 * nw_rng_double(&rng) - 100)};
        if (nw_model_usl_fit(points, 6, 1, &fit) != NW_OK)
            continue;
        double numbers[] = {fit.law.gamma_per_s,
                            fit.law.alpha,
                            fit.law.beta,
                            fit.gamma_per_s.high,
                            fit.alpha.high,
                            fit.beta.high,
                            fit.peak_nodes_range.low,
                            fit.peak_nodes_range.high,
                            fit.peak_per_s_range.high,
                            fit.noise,
                            fit.measure_nodes};
        for (size_t k = 0; k < NW_COUNT(numbers); k++)
            assert_true(isfinite(numbers[k]) && numbers[k] >= 0);
        assert_true(isfinite(nw_model_usl_band_per_s(&fit, 1e9).high));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_l8_the_law_and_its_peak),
        cmocka_unit_test(fact_l9_nodes_for_a_rate),
        cmocka_unit_test(every_rate_that_is_reached_needs_each_of_its_nodes),
        cmocka_unit_test(without_beta_there_is_a_limit_and_no_peak),
        cmocka_unit_test(fifty_noisy_data_sets_fit_as_scipy_fits_them),
        cmocka_unit_test(points_on_the_law_give_the_law_back),
        cmocka_unit_test(the_95_percent_bands_hold_the_peak_and_the_rate_at_64),
        cmocka_unit_test(few_points_name_no_peak_and_say_where_to_measure),
        cmocka_unit_test(without_a_bend_no_peak_is_named),
        cmocka_unit_test(a_peak_far_beyond_the_points_is_not_named),
        cmocka_unit_test(the_same_seed_gives_the_same_intervals),
        cmocka_unit_test(what_cannot_be_fitted_is_invalid_and_writes_nothing),
        cmocka_unit_test(nonsense_gives_finite_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
