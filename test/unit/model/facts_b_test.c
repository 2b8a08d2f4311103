/* Worked examples B1 to B8: node counts. */
#include "facts.h"
#include "model/nodes.h"

static struct nw_model_nodes_in in_of(double peak, double rate, double efficiency, double margin)
{
    return (struct nw_model_nodes_in){
        .at = "services.app",
        .label = "App",
        .peak_per_s = nw_model_given(peak),
        .node_rate_per_s = nw_model_given(rate),
        .efficiency = nw_model_given(efficiency),
        .margin = nw_model_given(margin),
        .spare = nw_model_given(1),
    };
}

static struct nw_model_nodes count(double peak, double rate, double efficiency, double margin)
{
    struct nw_model_nodes_in in = in_of(peak, rate, efficiency, margin);
    return nw_model_nodes_count(&in, &facts_steps);
}

static void fact_b1_base_nodes(void **state)
{
    struct nw_model_nodes nodes = count(50000, 2000, 1, 0.3);
    assert_is(nodes.base_exact, 50000 * 1.3 / 2000);
    assert_true(nodes.base == 33);
    assert_step("services.app.nodes_production", 32.5, "33");
}

static void fact_b2_production_nodes(void **state)
{
    struct nw_model_nodes nodes = count(100000, 1800, 0.85, 0.5);
    assert_is(nodes.production_exact, 150000.0 / 1530);
    assert_shows(nodes.production_exact, 98.039, 3);
    assert_true(nodes.by_rate == 99 && nodes.nodes == 100);
    assert_is(nodes.nodes * 0.5, 50);
    assert_step("services.app.nodes_production", 150000.0 / 1530, "98.04, 99, 100 with one spare");
    assert_string_equal(nw_model_steps_find(&facts_steps, "services.app.nodes_production")->what,
                        "nodes, 100 with 1 spare");
    assert_step("services.app.nodes", 100, NULL);
}

static void fact_b3_the_fleet_of_100m_a_day(void **state)
{
    struct nw_model_nodes nodes = count(5800, 300, 1, 0);
    assert_shows(nodes.production_exact, 19.33, 2);
    assert_true(nodes.by_rate == 20);
    assert_step("services.app.nodes_production", 58.0 / 3, "20");
    nodes = count(5800, 300, 1, 0.3);
    assert_true(nodes.by_rate == 26 && nodes.double_rounded == 26);
    assert_true(nw_model_nodes_rounded_twice(5800, 300, 0.3) == 26);
}

static void fact_b4_gateways_for_10000_a_second(void **state)
{
    assert_true(count(10000, 2000, 1, 0).by_rate == 5);
    struct nw_model_nodes nodes = count(10000, 3000, 1, 0);
    assert_shows(nodes.production_exact, 3.33, 2);
    assert_true(nodes.by_rate == 4);
    assert_step("services.app.nodes_production", 10.0 / 3, "3-5");
    /* X6: with 30 % margin 5 to 7. */
    assert_true(count(10000, 3000, 1, 0.3).by_rate == 5);
    assert_true(count(10000, 2000, 1, 0.3).by_rate == 7);
}

static void fact_b6_efficiency_is_measured(void **state)
{
    assert_is(nw_model_nodes_efficiency(8, 11520, 1800), 0.8);
    assert_is(nw_model_nodes_efficiency(1, 1800, 1800), 1);
    assert_true(nw_model_nodes_efficiency(4, 100, 0) == 0);
}

static void fact_b8_the_photo_feed_without_and_with_efficiency(void **state)
{
    double peak = 225e6 / 86400 * 4;
    assert_shows(peak * 1.3, 13541.7, 1);
    struct nw_model_nodes nodes = count(peak, 300, 0.85, 0.3);
    assert_shows(nodes.base_exact, 45.14, 2);
    assert_shows(nodes.production_exact, 53.10, 2);
    assert_true(nodes.base == 46 && nodes.by_rate == 54 && nodes.nodes == 55);
    count(peak, 300, 1, 0.3);
    assert_step("services.app.nodes_production", peak * 1.3 / 300, "from ~13,500/s");
}

static void fact_l11_3000_at_1_1_are_11_nodes(void **state)
{
    assert_true(count(3000, 300, 1, 0.1).by_rate == 11);
}

/* ---- the other ways of counting (X4, X5, X29, X34) ---- */

static void x4_rounding_twice_differs_by_accident(void **state)
{
    assert_true(nw_model_nodes_rounded_twice(1000, 300, 0.3) == 6);
    assert_true(count(1000, 300, 1, 0.3).by_rate == 5);
    assert_true(nw_model_nodes_rounded_twice(6001, 300, 0.3) == 28);
    assert_true(count(6001, 300, 1, 0.3).by_rate == 27);
    assert_true(nw_model_nodes_rounded_twice(35000, 2000, 0.3) == 24);
    assert_true(count(35000, 2000, 1, 0.3).by_rate == 23);
    assert_shows(count(5800, 300, 0.85, 0.3).production_exact, 29.57, 2);
    assert_true(count(5800, 300, 0.85, 0.3).by_rate == 30);
}

static void x5_the_average_needs_4_nodes_and_6_with_margin(void **state)
{
    struct nw_model_nodes_in in = in_of(5800, 300, 1, 0);
    in.average_per_s = nw_model_given(1160);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, &facts_steps);
    assert_shows(nodes.average_exact, 3.87, 2);
    assert_true(nodes.average == 4);
    in.margin = nw_model_given(0.3);
    nodes = nw_model_nodes_count(&in, &facts_steps);
    assert_shows(nodes.average_exact, 5.03, 2);
    assert_true(nodes.average == 6);
}

static void x29_losing_one_zone_of_three_needs_half_as_many_again(void **state)
{
    assert_true(nw_model_nodes_for_zones(99, 3) == 150);
    assert_true(nw_model_nodes_for_zones(54, 3) == 81);
    assert_true(nw_model_nodes_for_zones(54, 2) == 108);
    assert_true(nw_model_nodes_for_zones(1, 3) == 3);
    struct nw_model_nodes_in in = in_of(100000, 1800, 0.85, 0.5);
    in.zones = nw_model_given(3);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, &facts_steps);
    assert_true(nodes.nodes == 150 && nodes.spare == 51 && nodes.needed == 99);
    assert_true(nodes.nodes - nodes.nodes / 3 >= nodes.needed);
    assert_false(nw_model_steps_find(&facts_steps, "services.app.nodes")->is_quiet);
}

static void x34_connections_decide_where_they_need_more(void **state)
{
    struct nw_model_nodes_in in = in_of(1000, 300, 1, 0);
    in.connected = nw_model_given(10000);
    in.connections = nw_model_given(2000);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, &facts_steps);
    assert_true(nodes.by_rate == 4 && nodes.by_connections == 5 && nodes.needed == 5);
    assert_true(nodes.is_by_connections && nodes.nodes == 6);
    assert_step("services.app.nodes_connections", 5, NULL);
    in.connected = nw_model_given(1000);
    nodes = nw_model_nodes_count(&in, &facts_steps);
    assert_true(nodes.needed == 4 && !nodes.is_by_connections);
    in.connected = nw_model_given(8000); /* as many: the rate decided */
    nodes = nw_model_nodes_count(&in, &facts_steps);
    assert_true(nodes.by_connections == 4 && !nodes.is_by_connections);
}

/* ---- by the scalability law ---- */

static struct nw_model_nodes by_law(double peak, double average)
{
    struct nw_model_nodes_in in = in_of(peak, 300, 0.85, 0);
    in.average_per_s = nw_model_given(average);
    in.has_usl = true;
    in.usl_gamma_per_s = 1800;
    in.usl_alpha = 0.03;
    in.usl_beta = 0.0005;
    return nw_model_nodes_count(&in, &facts_steps);
}

static double law_rate(double nodes)
{
    return 1800 * nodes / (1 + 0.03 * (nodes - 1) + 0.0005 * nodes * (nodes - 1));
}

static void the_law_gives_the_smallest_fleet_that_reaches_the_rate(void **state)
{
    static const struct {
        double peak, nodes;
    } cases[] = {{7540, 5}, {15000, 12}, {24000, 35}};
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct nw_model_nodes nodes = by_law(cases[i].peak, 0);
        assert_true(nodes.by_rate == cases[i].nodes);
        assert_true(law_rate(nodes.by_rate) >= cases[i].peak);
        assert_true(law_rate(nodes.by_rate - 1) < cases[i].peak);
        assert_is(nodes.utilisation, cases[i].peak / law_rate(nodes.nodes));
        assert_true(nodes.production_exact == 0);
    }
    assert_true(by_law(24000, 7540).average == 5);
}

static void beyond_the_law_s_peak_there_is_a_reason_and_no_count(void **state)
{
    struct nw_model_nodes nodes = by_law(24500, 1000);
    assert_string_equal(nodes.reason, "beyond-peak");
    assert_true(nodes.nodes == 0 && nodes.by_rate == 0 && nodes.average == 0);
    assert_true(nodes.reachable_nodes == 44);
    assert_is(nodes.reachable_per_s, law_rate(44));
    const struct nw_model_step *step = nw_model_steps_find(&facts_steps, "services.app.nodes_law");
    assert_string_equal(step->reason, "beyond-peak");
    assert_string_equal(step->what, "the highest is 24,474.7/s with 44 nodes");
    assert_null(nw_model_steps_find(&facts_steps, "services.app.nodes"));
}

/* ---- properties ---- */

static void more_load_never_means_fewer_nodes(void **state)
{
    double before = 0, before_law = 0;
    for (double peak = 0; peak < 24000; peak += 37) {
        struct nw_model_nodes_in in = in_of(peak, 300, 0.85, 0.3);
        double nodes = nw_model_nodes_count(&in, NULL).nodes, law;
        in.has_usl = true;
        in.usl_gamma_per_s = 1800;
        in.usl_alpha = 0.03;
        in.usl_beta = 0.0005;
        in.margin = nw_model_given(0);
        law = nw_model_nodes_count(&in, NULL).nodes;
        assert_true(nodes >= before && law >= before_law);
        before = nodes;
        before_law = law;
    }
}

static void no_load_still_takes_one_node_and_its_spare(void **state)
{
    struct nw_model_nodes nodes = count(0, 300, 0.85, 0.3);
    assert_true(nodes.needed == 1 && nodes.nodes == 2 && nodes.utilisation == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_b1_base_nodes),
        FACT(fact_b2_production_nodes),
        FACT(fact_b3_the_fleet_of_100m_a_day),
        FACT(fact_b4_gateways_for_10000_a_second),
        FACT(fact_b6_efficiency_is_measured),
        FACT(fact_b8_the_photo_feed_without_and_with_efficiency),
        FACT(fact_l11_3000_at_1_1_are_11_nodes),
        FACT(x4_rounding_twice_differs_by_accident),
        FACT(x5_the_average_needs_4_nodes_and_6_with_margin),
        FACT(x29_losing_one_zone_of_three_needs_half_as_many_again),
        FACT(x34_connections_decide_where_they_need_more),
        FACT(the_law_gives_the_smallest_fleet_that_reaches_the_rate),
        FACT(beyond_the_law_s_peak_there_is_a_reason_and_no_count),
        FACT(more_load_never_means_fewer_nodes),
        FACT(no_load_still_takes_one_node_and_its_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
