/* The contract of model/disagree.h: X1 to X36 as text, and as predicates where one formula says. */
#include "model/disagree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/worked.h"

/* X1 to X36, by name. */
static const char *const names[] = {
    "log-volume",          "rate-per-user",     "efficiency",
    "double-rounding",     "average-fleet",     "gateway-three",
    "pareto-hit",          "private-ttl",       "average-sizing",
    "refill-from-replica", "set-before-commit", "cache-forgotten",
    "eighty-percent",      "reads-mask-size",   "replica-count",
    "spread-or-burst",     "light-speed",       "month-length",
    "add-nodes-unit",      "vertical-cost",     "stage-thresholds",
    "rung-order",          "rung-two",          "quiz-answer",
    "incident-price",      "idle-nodes",        "database-limit",
    "average-in-rung-3",   "one-spare",         "peak-cap",
    "retention-unsized",   "pool-times-nodes",  "hit-time",
    "connections-or-rate", "add-node-first",    "node-rate",
};

static bool is_sentence(const char *text)
{
    return strlen(text) > 10 && text[strlen(text) - 1] == '.';
}

static void all_36_are_there_complete_and_in_order(void **state)
{
    assert_int_equal(NW_COUNT(names), NW_MODEL_DISAGREEMENTS);
    for (unsigned i = 0; i < NW_MODEL_DISAGREEMENTS; i++) {
        const struct nw_model_disagreement *row = nw_model_disagreement(i + 1);
        assert_int_equal(row->number, i + 1);
        assert_string_equal(row->name, names[i]);
        if (!is_sentence(row->values) || !is_sentence(row->uses) || !is_sentence(row->why))
            fail_msg("X%u is incomplete", i + 1);
        assert_true(strlen(row->guides) >= 1);
        for (const char *at = row->guides; *at; at++)
            assert_non_null(nw_model_guide_title(*at));
    }
}

static void each_is_found_by_its_id_and_by_its_name(void **state)
{
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++) {
        char id[8];
        int length = snprintf(id, sizeof id, "%c%u", i % 2 ? 'X' : 'x', i);
        const struct nw_model_disagreement *row = nw_model_disagreement(i);
        assert_ptr_equal(nw_model_disagreement_find(nw_slice_of(id, (size_t)length)), row);
        assert_ptr_equal(nw_model_disagreement_find(nw_slice_str(row->name)), row);
    }
    static const char *const none[] = {
        "X0", "X37", "X", "x4a", "4", "", "double", "X-4", "X99999999999999999999"};
    for (size_t i = 0; i < NW_COUNT(none); i++)
        assert_null(nw_model_disagreement_find(nw_slice_str(none[i])));
}

static struct nw_model_nodes_in fleet(double peak, double rate, double efficiency)
{
    return (struct nw_model_nodes_in){
        .peak_per_s = nw_model_given(peak),
        .node_rate_per_s = nw_model_given(rate),
        .efficiency = nw_model_given(efficiency),
        .margin = nw_model_given(0.3),
        .spare = nw_model_given(1),
    };
}

static void x3_without_efficiency_the_photo_feed_has_46_nodes(void **state)
{
    struct nw_model_nodes_in in = fleet(225e6 / 86400 * 4, 300, 0.85);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, NULL);
    double other = 0;
    assert_true(nw_model_disagree_x3(&nodes, &other) && other == 46);
    in.efficiency = nw_model_given(1);
    nodes = nw_model_nodes_count(&in, NULL);
    assert_false(nw_model_disagree_x3(&nodes, &other));
}

static void x4_is_told_only_where_rounding_twice_differs(void **state)
{
    struct nw_model_nodes_in in = fleet(5800, 300, 1);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, NULL);
    double other = 0;
    assert_false(nw_model_disagree_x4(&nodes, &other)); /* 26 either way */
    in = fleet(1000, 300, 1);
    nodes = nw_model_nodes_count(&in, NULL);
    assert_true(nw_model_disagree_x4(&nodes, &other) && other == 6 && nodes.by_rate == 5);
}

static void x5_an_average_fleet_is_not_that_of_three_times_the_average(void **state)
{
    struct nw_model_nodes_in in = fleet(5800, 300, 1);
    in.average_per_s = nw_model_given(1160);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, NULL);
    double other = 0;
    assert_true(nw_model_disagree_x5(&in, &nodes, &other));
    assert_true(other == 12 && nodes.average == 6); /* 11.6 */
    in.average_per_s = nw_model_given(0);
    nodes = nw_model_nodes_count(&in, NULL);
    assert_false(nw_model_disagree_x5(&in, &nodes, &other));
}

static void x9_at_the_peak_three_times_as_many_reads_arrive(void **state)
{
    double other = 0, at_peak = 1e9 / 86400 * 3 * 0.05;
    assert_true(fabs(at_peak - 1736) < 0.5);
    assert_true(nw_model_disagree_x9(at_peak, 3, &other));
    assert_true(fabs(other - 1e9 / 86400 * 0.05) < 1e-9 * other);
    assert_false(nw_model_disagree_x9(at_peak, 1, &other));
}

static struct nw_model_database_answer judge(double reads, double hit, double writes, double size)
{
    const struct nw_model_database database = {
        .read_rate_per_s = nw_model_given(1000),
        .replica_rate_per_s = nw_model_given(2000),
        .write_rate_per_s = nw_model_given(10000),
        .size_bytes = nw_model_given(size),
        .size_max_bytes = nw_model_given(5e12),
        .domains = nw_model_given(1),
    };
    const struct nw_model_database_reads route = {"all", nw_model_given(reads),
                                                  nw_model_given(hit)};
    const struct nw_model_database_in in = {
        .database = &database,
        .reads = &route,
        .read_count = 1,
        .writes_per_s = nw_model_given(writes),
    };
    return nw_model_database_judge(&in, NULL);
}

static void x12_forgetting_the_cache_makes_three_replicas_of_one(void **state)
{
    struct nw_model_database_answer answer = judge(5220, 0.9, 580, 0);
    double other = 0;
    assert_true(nw_model_disagree_x12(&answer, &other) && other == 3);
    assert_true(answer.replicas_if == 1);
    answer = judge(5220, 0, 580, 0);
    assert_false(nw_model_disagree_x12(&answer, &other));
}

static void x14_the_guide_answers_replicas_to_50_tb(void **state)
{
    struct nw_model_database_answer answer = judge(9000, 0, 1000, 50e12);
    nw_model_database_move move = NW_MODEL_ONE_PRIMARY;
    assert_int_equal(answer.move, NW_MODEL_SHARDING);
    assert_true(nw_model_disagree_x14(&answer, &move) && move == NW_MODEL_READ_REPLICAS);
    answer = judge(9000, 0, 1000, 0);
    assert_false(nw_model_disagree_x14(&answer, &move));
}

static void x15_three_replicas_are_a_guess(void **state)
{
    struct nw_model_database_answer answer = judge(90000, 0, 10000, 5e12);
    double other = 0;
    assert_true(nw_model_disagree_x15(&answer, &other) && other == 3 && answer.replicas == 45);
    answer = judge(5220, 0, 580, 0); /* three indeed */
    assert_false(nw_model_disagree_x15(&answer, &other));
    answer = judge(500, 0, 50, 0); /* none wanted */
    assert_false(nw_model_disagree_x15(&answer, &other));
}

static void x16_x18_x29_x32_x34_tell_the_other_value(void **state)
{
    double other = 0, high = 0;
    assert_true(nw_model_disagree_x16(10000, 0, &other) && other == 10000);
    assert_false(nw_model_disagree_x16(10000, 10000, &other));
    assert_true(nw_model_disagree_x18(2.5, &other) && fabs(other - 1800) < 1e-9);
    assert_false(nw_model_disagree_x18(0, &other));
    struct nw_model_nodes_in in = fleet(225e6 / 86400 * 4, 300, 0.85);
    struct nw_model_nodes nodes = nw_model_nodes_count(&in, NULL);
    assert_true(nw_model_disagree_x29(&nodes, &other) && other == 81);
    in.zones = nw_model_given(3);
    nodes = nw_model_nodes_count(&in, NULL);
    assert_false(nw_model_disagree_x29(&nodes, &other));
    assert_true(nw_model_disagree_x32(20, 97, &other, &high) && other == 200 && high == 400);
    assert_true(nw_model_disagree_x32(6, 97, &other, &high) && other == 60); /* 10 would do */
    assert_false(nw_model_disagree_x32(4, 97, &other, &high));
    in = fleet(1000, 300, 1);
    in.connected = nw_model_given(12000);
    in.connections = nw_model_given(2000);
    nodes = nw_model_nodes_count(&in, NULL);
    assert_true(nw_model_disagree_x34(&nodes, &other) && other == 5 && nodes.needed == 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_36_are_there_complete_and_in_order),
        cmocka_unit_test(each_is_found_by_its_id_and_by_its_name),
        cmocka_unit_test(x3_without_efficiency_the_photo_feed_has_46_nodes),
        cmocka_unit_test(x4_is_told_only_where_rounding_twice_differs),
        cmocka_unit_test(x5_an_average_fleet_is_not_that_of_three_times_the_average),
        cmocka_unit_test(x9_at_the_peak_three_times_as_many_reads_arrive),
        cmocka_unit_test(x12_forgetting_the_cache_makes_three_replicas_of_one),
        cmocka_unit_test(x14_the_guide_answers_replicas_to_50_tb),
        cmocka_unit_test(x15_three_replicas_are_a_guess),
        cmocka_unit_test(x16_x18_x29_x32_x34_tell_the_other_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
