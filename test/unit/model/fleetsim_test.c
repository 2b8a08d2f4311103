/* The contract of model/fleetsim.h: facts and the fluid engine. The engines meet in fleet_event. */
#include "model/fleetsim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_kit.h"

/* ---- facts ---- */

static void fact_i1s_the_incident_to_the_cent(void **state)
{
    const int64_t nodes[] = {20, 40, 80, 160, 320, 425, 425, 425, 425};
    const double cpu[] = {1, 1, 0.875, 0.90625, 285.0 / 320};
    const double rounded[] = {1, 1, 0.875, 0.90625, 0.8906, 0.8295, 0.6590, 0.3179, 0.0941};
    struct nw_model_fleet fleet = kit_incident();
    struct kit_log log = kit_run(&fleet);
    for (size_t i = 0; i < NW_COUNT(nodes); i++)
        assert_int_equal(kit_nodes(&log.periods[i]), nodes[i]);
    for (size_t i = 0; i < NW_COUNT(cpu); i++)
        assert_true(fabs(log.periods[i].cpu_ratio / cpu[i] - 1) < 1e-9);
    for (size_t i = 0; i < NW_COUNT(rounded); i++)
        assert_true(fabs(log.periods[i].cpu_ratio - rounded[i]) < 0.00005);
    for (size_t i = 5; i < log.count; i++)
        assert_int_equal(kit_nodes(&log.periods[i]), 425);
    assert_int_equal(log.count, 60);
    double node_minutes = 20 + 40 + 80 + 160 + 320 + 425 * 55;
    assert_true(fabs(log.result.cost / (node_minutes * 100 / 60) - 1) < 1e-9);
    assert_true(fabs(log.result.cost - 39991.67) < 0.005);
    assert_int_equal(log.result.braked, NW_MODEL_SCALE_AT_MAX);

    fleet.policy.price_per_h = 0.5;
    assert_true(fabs(kit_run(&fleet).result.cost - 199.96) < 0.005);
}

/* "Every start pushed CPU up again; quota reached; 40,000 dollars in an hour" [X25 X26]. */
static void fact_i1x_each_start_pushed_cpu_up_until_the_quota(void **state)
{
    struct nw_model_fleet fleet = kit_incident();
    struct kit_log log = kit_run(&fleet);
    assert_true(log.periods[3].cpu_ratio > log.periods[2].cpu_ratio); /* with twice the nodes */
    assert_int_equal(kit_nodes(&log.periods[5]), fleet.policy.max_nodes);
    assert_true(round(log.result.cost / 1000) == 40);
    /* X25: only at 100/h are these nodes that money. X26: idle nodes lower the mean. */
    fleet.cold_cpu_ratio = 0;
    assert_int_equal(kit_run(&fleet).result.end_nodes, 80);
}

static void fact_i1t_three_cures_and_the_smaller_load(void **state)
{
    struct nw_model_fleet cures[4];
    const int64_t nodes[] = {80, 80, 52, 40};
    const double cost[] = {7566.67, 7833.33, 4746.67, 0};
    for (size_t i = 0; i < NW_COUNT(cures); i++)
        cures[i] = kit_incident();
    cures[0].policy.cooldown_s = 300;
    cures[1].policy.counts_cold = false;
    cures[2].policy.add_ratio = 0;
    cures[2].policy.add_nodes = 2;
    struct nw_model_fleet_knot quiet = {0, 5800};
    cures[3].load.knots = &quiet;
    for (size_t i = 0; i < NW_COUNT(cures); i++) {
        struct kit_log log = kit_run(&cures[i]);
        assert_int_equal(log.result.end_nodes, nodes[i]);
        assert_true(cost[i] == 0 || fabs(log.result.cost - cost[i]) < 0.005);
        assert_int_equal(log.result.braked, NW_MODEL_SCALE_NOT_DUE);
    }
}

/*
 * One fleet that grows by `growth` a minute while nodes stay cold for `cold_steps` minutes. The
 * load keeps every node busy until cold ones have had time to follow each other; then only they
 * can keep the rule going.
 */
static bool runs_away(double growth, int cold_steps, double threshold)
{
    struct nw_model_fleet fleet = kit_incident();
    struct nw_model_fleet_knot load = {0, 0};
    fleet.nodes = 10000;
    load.rate_per_s = 3e6 * pow(1 + growth, cold_steps + 2);
    fleet.load.knots = &load;
    fleet.cold_s = 60 * cold_steps;
    fleet.for_s = 7200;
    fleet.policy.target[NW_MODEL_SCALE_CPU] = threshold;
    fleet.policy.add_ratio = growth;
    fleet.policy.max_nodes = 800000000000;
    struct nw_model_fleet_result result = kit_run(&fleet).result;
    return result.end_nodes == fleet.policy.max_nodes;
}

static void fact_i1u_it_runs_away_exactly_when_cold_nodes_alone_are_over_the_threshold(void **state)
{
    const double thresholds[] = {0.5, 0.7, 0.8, 0.9};
    int away = 0, stopped = 0;
    for (size_t t = 0; t < NW_COUNT(thresholds); t++)
        for (int growth = 3; growth <= 30; growth++)
            for (int steps = 1; steps <= 6; steps++) {
                double f = growth / 10.0, cold = 1 - pow(1 + f, -steps);
                if (fabs(cold - thresholds[t]) < 0.002)
                    continue; /* rounding of whole nodes decides there */
                bool is_away = runs_away(f, steps, thresholds[t]);
                assert_int_equal(is_away, cold > thresholds[t]);
                away += is_away;
                stopped += !is_away;
            }
    assert_true(away > 200 && stopped > 100);
}

/* "A fixed step stops by itself": the cold share of + k nodes a step goes to 0. */
static void fact_i1u_a_fixed_step_always_stops(void **state)
{
    for (int steps = 1; steps <= 30; steps += 7) {
        struct nw_model_fleet fleet = kit_incident();
        fleet.policy.add_ratio = 0;
        fleet.policy.add_nodes = 50;
        fleet.policy.max_nodes = 1000000;
        fleet.cold_s = 60 * steps;
        fleet.for_s = 12 * 3600;
        struct kit_log log = kit_run(&fleet);
        assert_true(log.result.end_nodes < 50 * (steps + 1) * 5 + 100);
        assert_int_equal(log.periods[log.count - 1].verdict.change, 0);
    }
}

/* ---- the default rule ---- */

/* The incident's load for the default rule, with everything that can go wrong a little. */
static struct nw_model_fleet noisy(uint64_t seed)
{
    struct nw_model_fleet fleet = kit_incident();
    fleet.policy = nw_model_scale_default(60, 425);
    fleet.policy.price_per_h = 100;
    fleet.policy.max_cost_per_h = 20000;
    fleet.start_s = 60;
    fleet.load.noise_ratio = 0.1;
    fleet.reading_noise_ratio = 0.1;
    fleet.lost_ratio = 0.1;
    fleet.seed = seed;
    return fleet;
}

static void the_default_rule_ends_below_twice_the_need_in_1000_seeds(void **state)
{
    int64_t most = 0, least = INT64_MAX;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct nw_model_fleet fleet = noisy(seed);
        struct nw_model_fleet_result result;
        assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
        most = result.peak_nodes > most ? result.peak_nodes : most;
        least = result.end_nodes < least ? result.end_nodes : least;
        assert_true(result.cost < 20000);
        assert_true(result.lost_judgements > 5);
        assert_true(result.turns_in_5_min <= 1);
        assert_int_equal(result.braked, NW_MODEL_SCALE_NOT_DUE);
    }
    assert_true(most < 104);
    assert_true(least >= 52); /* and it does what it is for */
}

static void the_money_brake_holds_the_bill_in_1000_seeds(void **state)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct nw_model_fleet fleet = noisy(seed);
        struct nw_model_fleet_result result;
        fleet.policy.max_cost_per_h = 4500;
        assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
        assert_true(result.cost <= 4500);
        assert_int_equal(result.peak_nodes, 45);
        assert_int_equal(result.braked, NW_MODEL_SCALE_AT_COST);
    }
}

/* A steady load of any size between two nodes' worth and ten more, three hours, 10 % of noise. */
static void noise_of_10_percent_turns_it_at_most_once_in_5_minutes(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct nw_model_fleet fleet = noisy(seed);
        struct nw_model_fleet_knot load = {0, 300 * (2 + (double)seed / 3)};
        struct nw_model_fleet_result result;
        fleet.load.knots = &load;
        fleet.for_s = 3 * 3600;
        fleet.nodes = 1 + (int64_t)(seed * 7 % 100);
        assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
        assert_true(result.turns_in_5_min <= 1);
        assert_true(result.turns <= 2);
        assert_true(result.refused < 0.05 * result.offered);
    }
}

/* ---- the herd ---- */

/* A fleet whose warm caches keep the database at half, and whose cold ones do not. */
static struct nw_model_fleet herd(void)
{
    static const struct nw_model_fleet_knot load[] = {{0, 3000}, {600, 6000}};
    struct nw_model_fleet fleet = kit_incident();
    fleet.load = (struct nw_model_fleet_load){.knots = load, .knot_count = 2};
    fleet.policy = nw_model_scale_default(30, 425);
    fleet.policy.price_per_h = 1;
    fleet.start_s = 30;
    fleet.cold_cpu_ratio = 0;
    fleet.hit_ratio = 0.9;
    fleet.queries = 1;
    fleet.database_per_s = 1000;
    fleet.for_s = 3600;
    return fleet;
}

static void a_fixed_fleet_beyond_the_database_serves_what_the_database_bears(void **state)
{
    for (int nodes = 60; nodes <= 240; nodes *= 2) {
        struct nw_model_fleet fleet = herd();
        struct nw_model_fleet_knot load = {0, 15000};
        fleet.load = (struct nw_model_fleet_load){.knots = &load, .knot_count = 1};
        fleet.nodes = nodes;
        fleet.policy.min_nodes = fleet.policy.max_nodes = nodes;
        struct kit_log log = kit_run(&fleet);
        assert_true(fabs(log.periods[5].served_per_s / 10000 - 1) < 1e-9); /* 1000 / (1 - 0.9) */
        assert_true(fabs(log.periods[5].database_ratio - 1) < 1e-9);
    }
}

static void emptied_caches_overload_the_database_until_they_are_filled(void **state)
{
    struct nw_model_fleet fleet = herd();
    struct nw_model_fleet_knot load = {0, 3000};
    fleet.load = (struct nw_model_fleet_load){.knots = &load, .knot_count = 1};
    fleet.policy.min_nodes = fleet.policy.max_nodes = 20;
    fleet.cache_lost_s = 600;
    fleet.cold_s = 180;
    struct kit_log run = kit_run(&fleet);
    assert_true(run.periods[39].refused_per_s == 0);
    assert_true(fabs(run.periods[39].database_ratio - 0.3) < 1e-9);
    /* Everything misses: 3,000 asked, 1,000 borne. The ratio grows as 1 - 0.9 e^(-t / 60 s). */
    assert_true(run.periods[40].served_per_s > 1000 && run.periods[40].served_per_s < 1300);
    double filled_s = 60 * log(0.9 / (1000.0 / 3000 - 0.1)); /* misses x 3,000 = 1,000 again */
    size_t last = 40 + (size_t)(filled_s / 15);
    assert_true(run.periods[last - 1].database_ratio > 0.999);
    assert_true(run.periods[last + 2].refused_per_s == 0);
    assert_true(fabs(run.periods[60].database_ratio - 0.3) < 1e-9);
}

/* Whoever is in the middle of filling its cache loses it like the warm ones. */
static void cold_nodes_lose_their_caches_too(void **state)
{
    struct nw_model_fleet fleet = herd();
    struct nw_model_fleet_knot load = {0, 6000};
    fleet.load = (struct nw_model_fleet_load){.knots = &load, .knot_count = 1};
    fleet.start_s = 0;
    fleet.cold_s = 300;
    fleet.policy.no_benefit_ratio = 0;
    fleet.policy.max_nodes = 40;
    fleet.cache_lost_s = 150;
    struct kit_log run = kit_run(&fleet);
    assert_true(run.periods[9].cold_nodes > 0);
    double wanted = 0;
    for (int t = 0; t < 15; t++)
        wanted += 1000 / (0.1 + 0.9 * exp(-t / 100.0)) / 15;
    assert_true(fabs(run.periods[10].served_per_s / wanted - 1) < 1e-9);
}

static void prewarmed_nodes_make_no_herd(void **state)
{
    struct nw_model_fleet fleet = herd();
    double cold_refused = kit_run(&fleet).result.refused;
    fleet.prewarm_ratio = 0.85;
    assert_true(kit_run(&fleet).result.refused < cold_refused / 2);
}

static void more_nodes_before_a_full_database_are_stopped_and_named(void **state)
{
    struct nw_model_fleet fleet = herd();
    struct nw_model_fleet_knot load = {0, 30000}; /* the database ends at 10,000 */
    fleet.load = (struct nw_model_fleet_load){.knots = &load, .knot_count = 1};
    fleet.nodes = 20;
    struct kit_log log = kit_run(&fleet);
    assert_int_equal(log.result.braked, NW_MODEL_SCALE_NO_BENEFIT);
    assert_int_equal(log.result.bottleneck, NW_MODEL_SCALE_DATABASE);
    assert_true(log.result.end_nodes < 425);
    fleet.policy.no_benefit_ratio = 0;
    assert_int_equal(kit_run(&fleet).result.end_nodes, 425);
}

/* ---- bookkeeping ---- */

static void every_request_is_served_or_refused_or_waits(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct nw_model_fleet fleet = noisy(seed);
        struct nw_model_fleet_result result;
        assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
        double left = result.offered - result.served - result.refused;
        assert_true(left >= -1e-6 * result.offered);
        assert_true(left <= 425 * 300 * fleet.wait_s + 1e-6 * result.offered);
    }
}

static void periods_add_up_to_the_result(void **state)
{
    struct nw_model_fleet fleet = noisy(4);
    fleet.for_s = 1000; /* the last period is shorter */
    struct kit_log log = kit_run(&fleet);
    double cost = 0, offered = 0, served = 0;
    for (size_t i = 0; i < log.count; i++) {
        double length_s = log.periods[i].to_s - log.periods[i].from_s;
        assert_true(i == 0 || log.periods[i].from_s == log.periods[i - 1].to_s);
        cost += log.periods[i].cost;
        offered += log.periods[i].offered_per_s * length_s;
        served += log.periods[i].served_per_s * length_s;
    }
    assert_true(log.periods[log.count - 1].to_s == 1000);
    assert_true(fabs(cost / log.result.cost - 1) < 1e-9);
    assert_true(fabs(offered / log.result.offered - 1) < 1e-9);
    assert_true(fabs(served / log.result.served - 1) < 1e-9);
}

static void a_node_is_paid_for_from_its_order_to_the_end_of_its_drain(void **state)
{
    struct nw_model_fleet fleet = kit_incident();
    struct nw_model_fleet_knot load = {0, 200};
    fleet.load.knots = &load;
    fleet.nodes = 2;
    fleet.policy = nw_model_scale_default(0, 10);
    fleet.policy.price_per_h = 3600; /* a second costs 1 */
    fleet.policy.in_peak_ratio = 1.1;
    fleet.drain_s = 100;
    fleet.for_s = 600;
    struct kit_log log = kit_run(&fleet);
    assert_true(log.result.taken_nodes == 1); /* after 5 min and the next judgement, at 315 */
    assert_true(log.result.cost == 600 + 315 + 100);
    load.rate_per_s = 600;
    fleet.nodes = 2;
    fleet.start_s = 150;
    log = kit_run(&fleet);
    assert_true(log.periods[0].verdict.change > 0);
    assert_true(log.periods[9].coming_nodes > 0 && log.periods[11].coming_nodes == 0);
    double added = (double)log.periods[0].verdict.change;
    assert_true(log.result.added_nodes == added && log.result.cost == 2 * 600 + added * 585);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    struct nw_model_fleet fleet = noisy(9);
    struct kit_log a = kit_run(&fleet), b = kit_run(&fleet);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(&a.result, &b.result, sizeof a.result);
    for (size_t i = 0; i < a.count; i++)
        assert_true(a.periods[i].served_per_s == b.periods[i].served_per_s &&
                    kit_nodes(&a.periods[i]) == kit_nodes(&b.periods[i]));
    fleet.seed = 10;
    assert_true(kit_run(&fleet).result.cost != a.result.cost ||
                kit_run(&fleet).result.served != a.result.served);
}

static bool stop_at_the_third(void *ctx, const struct nw_model_fleet_period *period)
{
    return ++*(int *)ctx < 3;
}

static void a_sink_ends_the_run_and_the_result_says_so(void **state)
{
    struct nw_model_fleet fleet = kit_incident();
    struct nw_model_fleet_result result;
    int told = 0;
    assert_int_equal(nw_model_fleet_run(&fleet, stop_at_the_third, &told, &result), NW_OK);
    assert_false(result.is_complete);
    assert_true(result.ran_s == 180);
    assert_int_equal(told, 3);
    fleet.for_s = 150; /* the third period is the last: interrupted all the same */
    told = 0;
    assert_int_equal(nw_model_fleet_run(&fleet, stop_at_the_third, &told, &result), NW_OK);
    assert_false(result.is_complete);
}

/* ---- loads ---- */

static void steps_and_lines_offer_what_they_say(void **state)
{
    const struct nw_model_fleet_knot knots[] = {{0, 100}, {10, 200}, {20, 0}};
    struct nw_model_fleet fleet = kit_incident();
    fleet.for_s = 60;
    fleet.load = (struct nw_model_fleet_load){.knots = knots, .knot_count = 3};
    assert_true(kit_run(&fleet).result.offered == 3000);
    fleet.load.repeat_s = 30;
    assert_true(kit_run(&fleet).result.offered == 6000);
    fleet.load.is_linear = true; /* 100 110 .. 190, 200 180 .. 20, then 0 */
    assert_true(fabs(kit_run(&fleet).result.offered - 2 * (1450 + 1100)) < 1e-6);
}

static void a_day_has_the_average_and_the_peak_it_was_given(void **state)
{
    static struct nw_model_fleet_knot knots[NW_MODEL_FLEET_DAY_KNOTS];
    const double factors[] = {1, 1.5, 2, 2.0001, 3, 10, 100};
    for (size_t i = 0; i < NW_COUNT(factors); i++) {
        double most = 0, at_s = 0;
        assert_int_equal(nw_model_fleet_day(50, 50 * factors[i], 72000, knots), NW_OK);
        for (unsigned k = 0; k < NW_MODEL_FLEET_DAY_KNOTS; k++) {
            assert_true(knots[k].rate_per_s >= 0);
            at_s = knots[k].rate_per_s > most ? knots[k].at_s : at_s;
            most = fmax(most, knots[k].rate_per_s);
        }
        assert_true(fabs(most / (50 * factors[i]) - 1) < 1e-9);
        assert_true(i == 0 || at_s == 72000);
        struct nw_model_fleet fleet = kit_incident();
        struct nw_model_fleet_result result;
        fleet.for_s = 2 * 86400;
        fleet.policy.max_nodes = fleet.nodes = 1000;
        fleet.load = (struct nw_model_fleet_load){.knots = knots,
                                                  .knot_count = NW_MODEL_FLEET_DAY_KNOTS,
                                                  .is_linear = true,
                                                  .repeat_s = 86400};
        assert_int_equal(nw_model_fleet_run(&fleet, NULL, NULL, &result), NW_OK);
        assert_true(fabs(result.offered / (2 * 86400 * 50) - 1) < 0.001);
    }
    assert_int_equal(nw_model_fleet_day(0, 1, 0, knots), NW_INVALID);
    assert_int_equal(nw_model_fleet_day(2, 1, 0, knots), NW_INVALID);
    assert_int_equal(nw_model_fleet_day(1, NAN, 0, knots), NW_INVALID);
    assert_int_equal(nw_model_fleet_day(1, 101, 0, knots), NW_INVALID);
}

/* ---- bad input ---- */

static void what_is_out_of_bounds_is_named(void **state)
{
    const struct nw_model_fleet_knot late = {1, 5}, negative = {0, -1}, nan = {0, NAN};
    const struct nw_model_fleet_knot torrent = {0, 1e10};
    struct nw_model_fleet bad[13];
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        bad[i] = kit_incident();
    bad[0].for_s = 0;
    bad[1].for_s = INFINITY;
    bad[2].nodes = 0;
    bad[3].node_rate_per_s = 0;
    bad[4].cold_s = -1;
    bad[5].prewarm_ratio = 0.5; /* above the hit ratio of 0 */
    bad[6].load.knots = &late;
    bad[7].load.knots = &negative;
    bad[8].load.knots = &nan;
    bad[9].load.knot_count = 0;
    bad[10].policy.every_s = 0;
    bad[11].lost_ratio = 1.1;
    bad[12].load.knots = &torrent; /* for an hour */
    assert_int_equal(nw_model_fleet_check(&bad[12], NULL), NW_OK);
    bad[12].engine = NW_MODEL_FLEET_EVENT;
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        const char *why = NULL;
        struct nw_model_fleet_result result;
        assert_int_equal(nw_model_fleet_check(&bad[i], &why), NW_INVALID);
        assert_non_null(why);
        assert_int_equal(nw_model_fleet_run(&bad[i], NULL, NULL, &result), NW_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_i1s_the_incident_to_the_cent),
        cmocka_unit_test(fact_i1x_each_start_pushed_cpu_up_until_the_quota),
        cmocka_unit_test(fact_i1t_three_cures_and_the_smaller_load),
        cmocka_unit_test(
            fact_i1u_it_runs_away_exactly_when_cold_nodes_alone_are_over_the_threshold),
        cmocka_unit_test(fact_i1u_a_fixed_step_always_stops),
        cmocka_unit_test(the_default_rule_ends_below_twice_the_need_in_1000_seeds),
        cmocka_unit_test(the_money_brake_holds_the_bill_in_1000_seeds),
        cmocka_unit_test(noise_of_10_percent_turns_it_at_most_once_in_5_minutes),
        cmocka_unit_test(a_fixed_fleet_beyond_the_database_serves_what_the_database_bears),
        cmocka_unit_test(emptied_caches_overload_the_database_until_they_are_filled),
        cmocka_unit_test(cold_nodes_lose_their_caches_too),
        cmocka_unit_test(prewarmed_nodes_make_no_herd),
        cmocka_unit_test(more_nodes_before_a_full_database_are_stopped_and_named),
        cmocka_unit_test(every_request_is_served_or_refused_or_waits),
        cmocka_unit_test(periods_add_up_to_the_result),
        cmocka_unit_test(a_node_is_paid_for_from_its_order_to_the_end_of_its_drain),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(a_sink_ends_the_run_and_the_result_says_so),
        cmocka_unit_test(steps_and_lines_offer_what_they_say),
        cmocka_unit_test(a_day_has_the_average_and_the_peak_it_was_given),
        cmocka_unit_test(what_is_out_of_bounds_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
