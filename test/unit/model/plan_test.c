/*
 * The contracts of model/plan.h and model/sensitivity.h. Numbers are the worked examples of the
 * guides, and beside them the formula written out.
 */
#include "model/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "near.h"
#include "plan_build.h"

#define NEAR(a, b) assert_near(a, b, 1e-9)

static const struct nw_model_choice *choice_of(const struct nw_model_plan *plan, const char *path)
{
    for (unsigned i = 0; i < plan->choice_count; i++)
        if (strcmp(plan->choices[i].path, path) == 0)
            return &plan->choices[i];
    fail_msg("no choice at %s", path);
    return NULL;
}

static bool has_unmet(const struct nw_model_plan *plan, const char *path)
{
    for (unsigned i = 0; i < plan->finding_count; i++)
        if (plan->findings[i].severity == NW_MODEL_UNMET &&
            strcmp(plan->findings[i].path, path) == 0)
            return true;
    return false;
}

static void the_photo_feed_gives_the_numbers_of_its_guide(void **state)
{
    struct plan_build build;
    plan_build_photo_feed(&build);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    NEAR(plan->average_per_s, 50e6 * 4.5 / 86400);
    NEAR(plan->peak_per_s, 4 * 50e6 * 4.5 / 86400);
    assert_true(plan->services[0].nodes_needed == 54 && plan->nodes == 55);
    NEAR(plan->databases[0].read_load, 50e6 * 4 * 4 / 86400);
    NEAR(plan->databases[0].reads_per_s, 50e6 * 4 * 4 / 86400 * 0.05);
    NEAR(plan->databases[0].writes_per_s, 50e6 * 0.5 * 4 / 86400);
    NEAR(plan->hit_ratio, 0.95);
    assert_string_equal(choice_of(plan, "databases.main")->name, "ONE_PRIMARY");
    assert_non_null(strstr(other_of(plan, 3)->sentence, "46 nodes"));
    assert_non_null(strstr(other_of(plan, 29)->sentence, "81"));
    assert_true(plan->is_met);
    plan_build_done(&build);
}

static void without_a_recorder_the_numbers_are_the_same(void **state)
{
    struct plan_build build;
    struct nw_model_plan bare;
    plan_build_photo_feed(&build);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    nw_model_plan_compute(&build.input, &build.arena, NULL, &bare);
    assert_true(bare.nodes == plan->nodes && bare.cost_month == plan->cost_month);
    assert_true(bare.peak_per_s == plan->peak_per_s && bare.is_met == plan->is_met);
    assert_int_equal(bare.choice_count + bare.finding_count + bare.other_count, 0);
    plan_build_done(&build);
}

/* 11,574.1 writes x 1.30 / 5,000 = 3.009. */
static void a_billion_requests_a_day_need_four_shards_where_100_million_need_none(void **state)
{
    struct plan_build build;
    plan_build_init(&build);
    plan_build_requests(&build, 100e6, 5);
    build.routes[0].cached = nw_model_given(0.9);
    build.input.read_share = nw_model_given(0.9);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    assert_string_equal(choice_of(plan, "databases.main")->name, "ONE_PRIMARY");
    plan_build_requests(&build, 1e9, 5);
    build.input.read_share = nw_model_given(0.8);
    plan = plan_build_compute(&build);
    const struct nw_model_choice *choice = choice_of(plan, "databases.main");
    assert_string_equal(choice->name, "SHARDING");
    assert_true(choice->count == 4);
    struct nw_text words = {0};
    nw_model_choice_print(&words, choice);
    assert_string_equal(words.ptr, "4 shards");
    nw_text_done(&words);
    plan_build_done(&build);
}

static void shares_and_actions_of_users_add_up_to_the_whole(void **state)
{
    struct plan_build build;
    plan_build_init(&build);
    plan_build_users(&build, 86400, 2);
    build.routes[0].per_user_per_s = nw_model_given(3 / 86400.0);
    build.routes[0].name = "page";
    build.routes[1].name = "mail";
    build.routes[1].kind = NW_MODEL_ROUTE_WRITE;
    build.routes[1].has_share = true;
    build.routes[1].share = nw_model_given(0.25);
    build.input.route_count = 2;
    build.input.read_share = nw_model_given(1);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    NEAR(plan->average_per_s, 4); /* 3/s are the three quarters that mail leaves */
    NEAR(plan->databases[0].writes_per_s, 2);
    NEAR(plan->databases[0].read_load, 6);
    plan_build_done(&build);
}

static void a_queue_that_cannot_keep_up_is_named_and_so_is_a_budget(void **state)
{
    struct plan_build build;
    plan_build_init(&build);
    plan_build_requests(&build, 86400 * 300, 2);
    build.queues[0].name = "mail";
    build.queues[0].drain_per_s = nw_model_given(200);
    build.routes[0].queue_index = 0;
    build.input.queue_count = 1;
    build.input.budget_month = nw_model_given(1);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    assert_false(plan->is_met);
    assert_true(has_unmet(plan, "queues.mail"));
    assert_true(has_unmet(plan, "budget.month"));
    const struct nw_model_step *step = nw_model_steps_find(&build.steps, "queues.mail.catchup_s");
    assert_non_null(step);
    assert_string_equal(step->reason, "unstable");
    plan_build_done(&build);
}

/* L9: gamma 1,800, alpha .03, beta .0005 reaches 24,474.7 at 44 nodes, 24,500 never. */
static void a_rate_beyond_the_laws_peak_is_named_with_the_highest(void **state)
{
    struct plan_build build;
    plan_build_init(&build);
    build.input.load.kind = NW_MODEL_LOAD_RATE;
    build.input.load.requests_per_s = nw_model_given(24500);
    build.input.load.peak = nw_model_given(2);
    build.services[0].efficiency_kind = NW_MODEL_EFFICIENCY_USL;
    build.services[0].usl_gamma_per_s = 1800;
    build.services[0].usl_alpha = 0.03;
    build.services[0].usl_beta = 0.0005;
    build.services[0].margin = nw_model_given(0);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    assert_false(plan->is_met);
    assert_true(has_unmet(plan, "services.app"));
    assert_string_equal(plan->nodes_reason, "beyond-peak");
    assert_string_equal(nw_model_steps_find(&build.steps, "cost.month")->reason, "beyond-peak");
    assert_null(nw_model_steps_find(&build.steps, "databases.main.cost_month")->reason);
    build.input.load.requests_per_s = nw_model_given(24000);
    plan = plan_build_compute(&build);
    assert_true(plan->is_met);
    assert_null(plan->nodes_reason);
    assert_true(plan->services[0].nodes_needed == 35);
    plan_build_done(&build);
}

static void the_stairs_come_in_this_applications_order(void **state)
{
    struct plan_build build;
    plan_build_photo_feed(&build);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    const struct nw_model_stairs *stairs = &plan->stairs;
    assert_int_equal(stairs->rungs[NW_MODEL_RUNG_CACHE].need, NW_MODEL_IN_PLACE);
    assert_int_equal(stairs->rungs[NW_MODEL_RUNG_BALANCER].need, NW_MODEL_NEEDED);
    assert_int_equal(stairs->rungs[NW_MODEL_RUNG_REPLICAS].need, NW_MODEL_NOT_NEEDED);
    NEAR(stairs->rungs[NW_MODEL_RUNG_REPLICAS].growth, 1000 / (50e6 * 16 / 86400 * 0.05));
    NEAR(stairs->rungs[NW_MODEL_RUNG_SHARDS].growth, 5000 / (50e6 * 2 / 86400 * 1.3));
    for (unsigned i = 0; i + 1 < stairs->order_count; i++)
        assert_true(stairs->rungs[stairs->order[i]].growth <=
                    stairs->rungs[stairs->order[i + 1]].growth);
    /* At the growth named the rung has not fired, a little above it has. */
    double growth = stairs->rungs[NW_MODEL_RUNG_SHARDS].growth;
    build.input.load.growth = nw_model_given(growth);
    plan = plan_build_compute(&build);
    assert_int_equal(plan->stairs.rungs[NW_MODEL_RUNG_SHARDS].need, NW_MODEL_NOT_NEEDED);
    build.input.load.growth = nw_model_given(growth * 1.0001);
    plan = plan_build_compute(&build);
    assert_int_equal(plan->stairs.rungs[NW_MODEL_RUNG_SHARDS].need, NW_MODEL_NEEDED);
    plan_build_done(&build);
}

static void more_load_never_needs_fewer_nodes_or_less_money(void **state)
{
    struct plan_build build;
    double nodes = 0, money = 0;
    plan_build_photo_feed(&build);
    for (double growth = 0.01; growth < 1000; growth *= 1.37) {
        struct nw_model_plan plan;
        build.input.load.growth = nw_model_given(growth);
        nw_model_plan_compute(&build.input, &build.arena, NULL, &plan);
        assert_true(plan.nodes >= nodes && plan.cost_month >= money);
        nodes = plan.nodes;
        money = plan.cost_month;
    }
    plan_build_done(&build);
}

/* L1: at 5,800/s 20 nodes of 300/s wait 22 ms at p99, 26 wait 1.2. */
static void a_plan_says_what_the_margin_buys(void **state)
{
    struct plan_build build;
    plan_build_init(&build);
    build.input.load.kind = NW_MODEL_LOAD_RATE;
    build.input.load.requests_per_s = nw_model_given(5800);
    build.input.load.peak = nw_model_given(5);
    build.services[0].efficiency = nw_model_given(1);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    const struct nw_model_plan_wait *waits = plan->services[0].waits;
    assert_int_equal(plan->services[0].wait_count, 3);
    assert_true(waits[0].nodes == 20 && fabs(waits[0].wait_s_p99 - 22.11e-3) < 0.005e-3);
    assert_true(waits[1].nodes == 26 && fabs(waits[1].wait_s_p99 - 1.178e-3) < 0.0005e-3);
    assert_true(waits[2].nodes == 27 && waits[2].wait_s_p99 < waits[1].wait_s_p99);
    plan_build_done(&build);
}

/* 10,416.7 x 1.3 / (200 x 0.85) = 79.66; / (500 x 0.85) = 31.86. */
static void sensitivity_moves_one_input_and_puts_it_back(void **state)
{
    struct plan_build build;
    struct nw_model_sensitivity sensitivity;
    plan_build_photo_feed(&build);
    nw_model_sensitivity_compute(&build.input, &build.arena, &sensitivity);
    const struct nw_model_swing *rate = NULL;
    for (unsigned i = 0; i < sensitivity.swing_count; i++)
        if (strcmp(sensitivity.swings[i].path, "services.app.node_rate") == 0)
            rate = &sensitivity.swings[i];
    assert_non_null(rate);
    assert_true(rate->at_low.nodes_needed == 80 && rate->at_high.nodes_needed == 32);
    assert_true(build.input.services[0].node_rate_per_s.value == 300);
    for (unsigned i = 0; i < sensitivity.swing_count; i++) {
        const struct nw_model_swing *swing = &sensitivity.swings[i];
        assert_true(sensitivity.cautious.cost_month >= swing->at_low.cost_month);
        assert_true(sensitivity.hopeful.cost_month <= swing->at_high.cost_month);
    }
    assert_true(sensitivity.swing_count <= sensitivity.tried_count);
    plan_build_done(&build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_photo_feed_gives_the_numbers_of_its_guide),
        cmocka_unit_test(without_a_recorder_the_numbers_are_the_same),
        cmocka_unit_test(a_billion_requests_a_day_need_four_shards_where_100_million_need_none),
        cmocka_unit_test(shares_and_actions_of_users_add_up_to_the_whole),
        cmocka_unit_test(a_queue_that_cannot_keep_up_is_named_and_so_is_a_budget),
        cmocka_unit_test(a_rate_beyond_the_laws_peak_is_named_with_the_highest),
        cmocka_unit_test(the_stairs_come_in_this_applications_order),
        cmocka_unit_test(more_load_never_needs_fewer_nodes_or_less_money),
        cmocka_unit_test(a_plan_says_what_the_margin_buys),
        cmocka_unit_test(sensitivity_moves_one_input_and_puts_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
