/* Both engines of model/fleetsim.h on the same fleets: each is the other's second source. */
#include "model/fleetsim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fleet_kit.h"
#include "model/stats.h"

/* The incident with a twentieth of its requests: nodes of 15/s, the same node counts. */
static struct nw_model_fleet small_incident(void)
{
    static const struct nw_model_fleet_knot load = {0, 600};
    struct nw_model_fleet fleet = kit_incident();
    fleet.node_rate_per_s = 15;
    fleet.load.knots = &load;
    fleet.for_s = 900;
    fleet.balance = NW_MODEL_FLEET_ROUND_ROBIN;
    return fleet;
}

static void assert_same_counts(struct nw_model_fleet fleet)
{
    struct kit_log fluid = kit_run(&fleet);
    fleet.engine = NW_MODEL_FLEET_EVENT;
    struct kit_log event = kit_run(&fleet);
    assert_int_equal(fluid.count, event.count);
    assert_true(fluid.result.added_nodes + fluid.result.taken_nodes > 0);
    for (size_t i = 0; i < fluid.count; i++) {
        assert_int_equal(kit_nodes(&fluid.periods[i]), kit_nodes(&event.periods[i]));
        assert_int_equal(fluid.periods[i].cold_nodes, event.periods[i].cold_nodes);
    }
    assert_true(fluid.result.cost == event.result.cost);
    assert_true(fabs(event.result.offered - fluid.result.offered) <= 2);
}

/* ---- the same node counts: seven scenarios without randomness ---- */

static void the_incident_event_by_event(void **state)
{
    struct nw_model_fleet fleet = small_incident();
    assert_same_counts(fleet);
    fleet.engine = NW_MODEL_FLEET_EVENT;
    struct kit_log log = kit_run(&fleet);
    const int64_t nodes[] = {20, 40, 80, 160, 320, 425, 425};
    for (size_t i = 0; i < NW_COUNT(nodes); i++)
        assert_int_equal(kit_nodes(&log.periods[i]), nodes[i]);
}

static void the_incident_with_a_cooldown(void **state)
{
    struct nw_model_fleet fleet = small_incident();
    fleet.policy.cooldown_s = 300;
    assert_same_counts(fleet);
}

static void the_incident_with_cold_nodes_in_no_mean(void **state)
{
    struct nw_model_fleet fleet = small_incident();
    fleet.policy.counts_cold = false;
    fleet.station = NW_MODEL_FLEET_FIFO;
    assert_same_counts(fleet);
}

static void the_incident_with_two_nodes_a_minute(void **state)
{
    struct nw_model_fleet fleet = small_incident();
    fleet.policy.add_ratio = 0;
    fleet.policy.add_nodes = 2;
    assert_same_counts(fleet);
}

static void the_default_rule_up_and_in_again(void **state)
{
    static const struct nw_model_fleet_knot load[] = {{0, 150}, {300, 325}, {900, 100}};
    struct nw_model_fleet fleet = small_incident();
    fleet.load = (struct nw_model_fleet_load){.knots = load, .knot_count = 3};
    fleet.policy = nw_model_scale_default(45, 100);
    fleet.policy.in_peak_ratio = 2;
    fleet.nodes = 15;
    fleet.start_s = 45;
    fleet.cold_s = 60;
    fleet.drain_s = 20;
    fleet.balance = NW_MODEL_FLEET_LEAST_CONNECTIONS;
    fleet.station = NW_MODEL_FLEET_FIFO; /* a shared node under overload holds half-done work */
    fleet.for_s = 2400;
    assert_same_counts(fleet);
}

static void the_default_rule_on_a_slope_with_cold_nodes_of_half_the_rate(void **state)
{
    static const struct nw_model_fleet_knot load[] = {{0, 100}, {1800, 500}, {2400, 500}};
    struct nw_model_fleet fleet = small_incident();
    fleet.load = (struct nw_model_fleet_load){.knots = load, .knot_count = 3, .is_linear = true};
    fleet.policy = nw_model_scale_default(30, 100);
    fleet.nodes = 10;
    fleet.start_s = 30;
    fleet.cold_rate_ratio = 0.5;
    fleet.for_s = 2400;
    assert_same_counts(fleet);
}

static void the_herd_on_the_database(void **state)
{
    static const struct nw_model_fleet_knot load[] = {{0, 150}, {600, 350}};
    struct nw_model_fleet fleet = small_incident();
    fleet.load = (struct nw_model_fleet_load){.knots = load, .knot_count = 2};
    fleet.policy = nw_model_scale_default(30, 200);
    fleet.nodes = 20;
    fleet.start_s = 30;
    fleet.cold_cpu_ratio = 0;
    fleet.hit_ratio = 0.9;
    fleet.queries = 1;
    fleet.database_per_s = 50;
    fleet.station = NW_MODEL_FLEET_FIFO;
    fleet.for_s = 1500;
    assert_same_counts(fleet);
}

/* ---- the same mean response below 70 % ---- */

struct law {
    nw_model_fleet_arrivals arrivals;
    nw_model_fleet_station station;
    nw_model_fleet_balance balance;
    double cv;
};

/* 80 s of 24 nodes at this utilisation. */
static struct nw_model_fleet steady(const struct law *law, double utilisation,
                                    struct nw_model_fleet_knot *load)
{
    struct nw_model_fleet fleet = kit_incident();
    *load = (struct nw_model_fleet_knot){0, 24 * 150 * utilisation};
    fleet.load.knots = load;
    fleet.node_rate_per_s = 150;
    fleet.nodes = fleet.policy.min_nodes = fleet.policy.max_nodes = 24;
    fleet.policy.scales_in = false;
    fleet.arrivals = law->arrivals;
    fleet.station = law->station;
    fleet.balance = law->balance;
    fleet.service_cv = law->cv;
    fleet.for_s = 80;
    return fleet;
}

static double response_s(struct nw_model_fleet fleet, nw_model_fleet_engine engine)
{
    struct nw_model_fleet_result result;
    fleet.engine = engine;
    assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
    return result.response_s;
}

static void the_mean_response_agrees_within_5_percent_below_70_percent(void **state)
{
    const struct law laws[] = {
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_RANDOM, 1},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_RANDOM, 0},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_FIFO, NW_MODEL_FLEET_RANDOM, 0},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_ROUND_ROBIN, 1},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_FIFO, NW_MODEL_FLEET_ROUND_ROBIN, 1},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_TWO_CHOICES, 1},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_FIFO, NW_MODEL_FLEET_TWO_CHOICES, 0.5},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_LEAST_CONNECTIONS, 2},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_FIFO, NW_MODEL_FLEET_LEAST_CONNECTIONS, 1},
        {NW_MODEL_FLEET_EVEN, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_ROUND_ROBIN, 0},
        {NW_MODEL_FLEET_EVEN, NW_MODEL_FLEET_FIFO, NW_MODEL_FLEET_ROUND_ROBIN, 1},
    };
    for (size_t i = 0; i < NW_COUNT(laws); i++)
        for (double utilisation = 0.35; utilisation < 0.7; utilisation += 0.34) {
            struct nw_model_fleet_knot load;
            struct nw_model_fleet fleet = steady(&laws[i], utilisation, &load);
            double fluid_s = response_s(fleet, NW_MODEL_FLEET_FLUID);
            double event_s = response_s(fleet, NW_MODEL_FLEET_EVENT);
            assert_true(fabs(fluid_s / event_s - 1) < 0.05);
        }
}

/* Not only the engines agree: M/M/1 by the textbook, S / (1 - u), and PS blind to the law. */
static void a_node_under_random_balance_is_the_textbooks_queue(void **state)
{
    const struct law laws[] = {
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_FIFO, NW_MODEL_FLEET_RANDOM, 1},
        {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_RANDOM, 2},
    };
    for (size_t i = 0; i < NW_COUNT(laws); i++) {
        struct nw_model_fleet_knot load;
        struct nw_model_fleet fleet = steady(&laws[i], 0.6, &load);
        double wanted_s = 1 / 150.0 / (1 - 0.6);
        double wait = nw_model_fleet_wait(&fleet, 24, 0.6);
        assert_true(fabs((1 + wait) / 150 / wanted_s - 1) < 1e-9);
        assert_true(fabs(response_s(fleet, NW_MODEL_FLEET_FLUID) / wanted_s - 1) < 1e-5);
        fleet.for_s = 300;
        assert_true(fabs(response_s(fleet, NW_MODEL_FLEET_EVENT) / wanted_s - 1) < 0.02);
    }
}

/* What balance is for: at 65 % each of these waits less than the one before it. */
static void a_better_informed_balance_waits_less(void **state)
{
    double before_s = INFINITY;
    const nw_model_fleet_balance balances[] = {NW_MODEL_FLEET_RANDOM, NW_MODEL_FLEET_ROUND_ROBIN,
                                               NW_MODEL_FLEET_TWO_CHOICES,
                                               NW_MODEL_FLEET_LEAST_CONNECTIONS};
    for (size_t i = 0; i < NW_COUNT(balances); i++) {
        struct law law = {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, balances[i], 1};
        struct nw_model_fleet_knot load;
        struct nw_model_fleet fleet = steady(&law, 0.65, &load);
        double after_s = response_s(fleet, NW_MODEL_FLEET_EVENT);
        assert_true(after_s < 0.97 * before_s);
        before_s = after_s;
    }
}

/* ---- bookkeeping ---- */

static void overload_serves_what_the_nodes_can_and_refuses_the_rest(void **state)
{
    struct law law = {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_RANDOM, 1};
    struct nw_model_fleet_knot load;
    struct nw_model_fleet fleet = steady(&law, 1.5, &load);
    struct nw_model_fleet_result result;
    fleet.engine = NW_MODEL_FLEET_EVENT;
    assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
    assert_true(fabs(result.served / (24 * 150 * 80) - 1) < 0.02);
    double inside = result.offered - result.served - result.refused;
    assert_true(inside >= 0 && inside < 24 * 150 * 2);
}

static void the_same_seed_gives_the_same_events(void **state)
{
    struct law law = {NW_MODEL_FLEET_POISSON, NW_MODEL_FLEET_PS, NW_MODEL_FLEET_TWO_CHOICES, 2};
    struct nw_model_fleet_knot load;
    struct nw_model_fleet fleet = steady(&law, 0.6, &load);
    fleet.for_s = 20;
    double once = response_s(fleet, NW_MODEL_FLEET_EVENT);
    assert_true(once == response_s(fleet, NW_MODEL_FLEET_EVENT));
    fleet.seed = 2;
    assert_true(once != response_s(fleet, NW_MODEL_FLEET_EVENT));
}

static void a_cold_node_takes_its_part_of_the_turns(void **state)
{
    struct nw_model_fleet fleet = small_incident();
    struct nw_model_fleet_knot load = {0, 300};
    fleet.load.knots = &load;
    fleet.policy.add_nodes = 20; /* of 20, in the first minute, and no more */
    fleet.policy.add_ratio = 0;
    fleet.policy.max_nodes = 40;
    fleet.policy.target[NW_MODEL_SCALE_CPU] = 0.5;
    fleet.cold_rate_ratio = 0.5;
    fleet.cold_cpu_ratio = 0;
    fleet.engine = NW_MODEL_FLEET_EVENT;
    struct kit_log log = kit_run(&fleet);
    assert_int_equal(log.periods[2].cold_nodes, 20);
    /* 300/s over 20 x 15 + 20 x 7.5: two thirds busy, whether cold or warm */
    assert_true(fabs(log.periods[2].cpu_warm_ratio - 2.0 / 3) < 0.01);
    assert_true(fabs(log.periods[2].cpu_ratio - 2.0 / 3) < 0.01);
}

/* ---- two policies under the same chance ---- */

/* Cost of half an hour whose seconds are off by up to 50 %, at this CPU target. */
static double cost_at(double target, uint64_t seed)
{
    struct nw_model_fleet fleet = kit_incident();
    struct nw_model_fleet_result result;
    static const struct nw_model_fleet_knot load[] = {{0, 4000}, {900, 12000}, {1800, 4000}};
    fleet.load = (struct nw_model_fleet_load){
        .knots = load, .knot_count = 3, .is_linear = true, .noise_ratio = 0.5};
    fleet.policy = nw_model_scale_default(60, 425);
    fleet.policy.target[NW_MODEL_SCALE_CPU] = target;
    fleet.policy.price_per_h = 1;
    fleet.start_s = 60;
    fleet.for_s = 1800;
    fleet.lost_ratio = 0.1;
    fleet.seed = seed;
    assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
    return result.cost;
}

static void common_random_numbers_halve_the_interval_of_a_difference(void **state)
{
    enum { PAIRS = 200 };
    double a[PAIRS], common[PAIRS], apart[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        a[i] = cost_at(0.7, 1 + i);
        common[i] = cost_at(0.6, 1 + i);
        apart[i] = cost_at(0.6, 1001 + i);
    }
    struct nw_model_interval paired = nw_model_interval_paired(a, common, PAIRS);
    struct nw_model_interval unpaired = nw_model_interval_paired(a, apart, PAIRS);
    assert_int_equal(paired.verdict, NW_MODEL_INTERVAL_OK);
    assert_true(paired.half > 0);
    assert_true(paired.half <= 0.5 * unpaired.half);
    assert_true(paired.mean + paired.half < 0); /* a lower target costs more */
}

static void a_second_that_is_stopped_in_its_middle_does_not_count(void **state)
{
    const struct nw_model_fleet_knot load[] = {{0, 100}, {3, 1e6}};
    const int stop = 1;
    struct nw_model_fleet fleet = kit_incident();
    struct nw_model_fleet_result result;
    fleet.load.knots = load;
    fleet.load.knot_count = NW_COUNT(load);
    fleet.for_s = 4;
    fleet.engine = NW_MODEL_FLEET_EVENT;
    fleet.stop = &stop;
    assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
    assert_false(result.is_complete);
    assert_true(result.ran_s == 3);
    assert_true(fabs(result.offered - 300) < 100); /* Poisson: 6 deviations */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_incident_event_by_event),
        cmocka_unit_test(the_incident_with_a_cooldown),
        cmocka_unit_test(the_incident_with_cold_nodes_in_no_mean),
        cmocka_unit_test(the_incident_with_two_nodes_a_minute),
        cmocka_unit_test(the_default_rule_up_and_in_again),
        cmocka_unit_test(the_default_rule_on_a_slope_with_cold_nodes_of_half_the_rate),
        cmocka_unit_test(the_herd_on_the_database),
        cmocka_unit_test(the_mean_response_agrees_within_5_percent_below_70_percent),
        cmocka_unit_test(a_node_under_random_balance_is_the_textbooks_queue),
        cmocka_unit_test(a_better_informed_balance_waits_less),
        cmocka_unit_test(overload_serves_what_the_nodes_can_and_refuses_the_rest),
        cmocka_unit_test(the_same_seed_gives_the_same_events),
        cmocka_unit_test(a_cold_node_takes_its_part_of_the_turns),
        cmocka_unit_test(common_random_numbers_halve_the_interval_of_a_difference),
        cmocka_unit_test(a_second_that_is_stopped_in_its_middle_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
