/* Worked example J5, and the walls of pools and prices around it (X32, X18). */
#include "facts.h"
#include "model/cost.h"
#include "model/pool.h"

static void fact_j5_a_pool_of_20_is_1000_a_second(void **state)
{
    double rate_per_s, wait_s;
    nw_model_pool_limit(20, 0.02, 1000, &rate_per_s, &wait_s);
    assert_is(rate_per_s, 1000);
    assert_is(wait_s, 1);
    nw_model_pool_limit(20, 0.3, 1000, &rate_per_s, &wait_s); /* before the query was tuned */
    assert_is(wait_s, 15);
}

static struct nw_model_pool pool(double nodes, double each, double connections)
{
    const struct nw_model_pool_in in = {
        .at = "databases.main",
        .nodes = nw_model_given(nodes),
        .pool = nw_model_given(each),
        .connections = nw_model_given(connections),
    };
    return nw_model_pool_check(&in, &facts_steps);
}

/* A team that had sized 20 nodes met its wall at 15: so many connections were there. */
static void fact_b7_the_wall_at_15_nodes(void **state)
{
    assert_true(pool(20, 20, 15 * 20 + 3).wall_nodes == 15);
    assert_true(pool(20, 10, 15 * 10 + 3).wall_nodes == 15);
    assert_false(pool(20, 20, 15 * 20 + 3).is_within);
    assert_true(pool(20, 20, 15 * 20 + 3).pool_max == 15); /* what all 20 could have */
}

/* X32: 20 nodes take 200 to 400 connections, 100 nodes 1,000 to 2,000. */
static void every_node_brings_its_pool(void **state)
{
    assert_is(pool(20, 10, 100).wanted, 200);
    assert_is(pool(20, 20, 100).wanted, 400);
    assert_is(pool(100, 20, 100).wanted, 2000);
    struct nw_model_pool wall = pool(15, 20, 303);
    assert_true(wall.is_within && wall.wall_nodes == 15 && wall.pool_max == 20);
    assert_false(pool(16, 20, 303).is_within);
    assert_true(pool(4, 20, 100).wall_nodes == 4); /* 97 / 20 = 4.85, downward */
    assert_step("databases.main.pool_wall_nodes", 97 / 20.0, NULL);
    assert_false(pool(5, 20, 100).is_within);
}

static void a_database_smaller_than_its_reserve_takes_nobody(void **state)
{
    struct nw_model_pool none = pool(1, 20, 2);
    assert_true(none.usable == 0 && none.wall_nodes == 0 && none.pool_max == 0);
    assert_false(none.is_within);
    assert_true(pool(0, 20, 2).is_within);
}

static void a_month_is_730_hours_and_a_million_its_share(void **state)
{
    const struct nw_model_cost_line lines[] = {
        {"services.app", nw_model_given(55), nw_model_given(0.5)},
        {"databases.main", nw_model_given(1), nw_model_given(1)},
    };
    struct nw_model_cost_in in = {
        .at = "cost",
        .lines = lines,
        .line_count = 2,
        .average_per_s = nw_model_given(1000),
    };
    struct nw_model_cost cost = nw_model_cost_sum(&in, &facts_steps);
    assert_is(cost.per_h, 28.5);
    assert_is(cost.month, 28.5 * 365 * 24 / 12);
    assert_is(cost.per_million, 28.5 / 3.6); /* 3.6 million an hour */
    assert_step("services.app.cost_month", 55 * 0.5 * 730, NULL);
    assert_step("cost.month", 28.5 * 730, NULL);
    in.average_per_s = nw_model_given(0);
    assert_false(nw_model_cost_sum(&in, NULL).has_per_million);
}

static struct nw_model_bigger bigger(double nodes, double price, double factor, double big_price)
{
    const struct nw_model_bigger_in in = {
        .at = "services.app",
        .nodes_exact = nw_model_given(nodes),
        .price_per_h = nw_model_given(price),
        .bigger_factor = nw_model_given(factor),
        .bigger_price_per_h = nw_model_given(big_price),
    };
    return nw_model_cost_bigger(&in, &facts_steps);
}

static void a_larger_machine_pays_from_the_break_even_on(void **state)
{
    assert_true(bigger(1, 0.9, 8, 4.8).break_even == 6); /* 5.33 */
    assert_false(bigger(5, 0.9, 8, 4.8).is_big_cheaper); /* 4.50 against 4.80 */
    assert_true(bigger(6, 0.9, 8, 4.8).is_big_cheaper);  /* 5.40 */
    assert_false(bigger(9, 0.9, 8, 4.8).is_big_cheaper); /* two of them: 9.60 against 8.10 */
    struct nw_model_bigger gift = bigger(5, 0, 8, 4.8);
    assert_false(gift.has_ratio);
    assert_true(gift.break_even == 0 && gift.fair_price_per_h == 0);
}

static struct nw_model_autoscale day(double average, double peak, double spare)
{
    const struct nw_model_autoscale_in in = {
        .at = "services.app",
        .average_per_s = nw_model_given(average),
        .peak_per_s = nw_model_given(peak),
        .capacity_per_s = nw_model_given(100),
        .margin = nw_model_given(0),
        .spare = nw_model_given(spare),
        .price_per_h = nw_model_given(1),
    };
    return nw_model_cost_autoscale(&in, &facts_steps);
}

/* The curve's mean, summed in small steps, is the average that was asked for. */
static void a_day_has_the_average_and_the_peak_asked_for(void **state)
{
    static const double ratios[] = {1, 1.01, 1.5, 2, 3, 5, 10, 100};
    for (size_t i = 0; i < NW_COUNT(ratios); i++) {
        struct nw_model_autoscale curve = day(1e6, 1e6 * ratios[i], 0);
        assert_is(curve.rate_per_s[12], 1e6 * ratios[i]);
        /* hour 11's highest is at 1/2 h from the peak: gives the power, and so the whole curve */
        double square = pow(cos(M_PI * 0.5 / 24), 2);
        double power = log(curve.rate_per_s[11] / (1e6 * ratios[i])) / log(square);
        double sum = 0;
        enum { STEPS = 100000 };
        for (int s = 0; s < STEPS; s++)
            sum += pow(pow(cos(M_PI * (s + 0.5) / STEPS), 2), power);
        assert_true(fabs(sum / STEPS * ratios[i] - 1) < 1e-4);
    }
}

static void a_level_load_saves_nothing_and_a_peaked_one_does(void **state)
{
    struct nw_model_autoscale level = day(1000, 1000, 1);
    assert_is(level.node_hours, 24 * 11);
    assert_true(level.saved_share == 0);
    struct nw_model_autoscale peaked = day(1000, 5000, 1);
    assert_is(peaked.fixed_node_hours, 24 * 51);
    assert_true(peaked.saved_share > 0.5 && peaked.saved_share < 0.8);
    assert_is(peaked.month, peaked.node_hours / 24 * 730);
    for (int hour = 0; hour < NW_MODEL_DAY_HOURS; hour++)
        assert_true(peaked.nodes[hour] >= 2 && peaked.nodes[hour] <= 51);
    assert_true(day(1e-3, 10, 0).nodes[0] == 1); /* one at least */
    assert_true(day(0, 0, 0).node_hours == 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_j5_a_pool_of_20_is_1000_a_second),
        FACT(fact_b7_the_wall_at_15_nodes),
        FACT(every_node_brings_its_pool),
        FACT(a_database_smaller_than_its_reserve_takes_nobody),
        FACT(a_month_is_730_hours_and_a_million_its_share),
        FACT(a_larger_machine_pays_from_the_break_even_on),
        FACT(a_day_has_the_average_and_the_peak_asked_for),
        FACT(a_level_load_saves_nothing_and_a_peaked_one_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
