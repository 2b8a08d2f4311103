/* Worked examples H1 to H4: up or out, and the stages that the guides see. */
#include "facts.h"
#include "model/cost.h"
#include "model/decide.h"
#include "model/stages.h"
#include "model/stairs.h"

static struct nw_model_decision decide(double current, double projected, bool has_bigger,
                                       nw_model_answer stateless)
{
    const struct nw_model_decide_in in = {
        .at = "services.app",
        .current_per_s = nw_model_given(current),
        .projected_per_s = nw_model_given(projected),
        .has_bigger = has_bigger,
        .stateless = stateless,
    };
    return nw_model_decide(&in, &facts_steps);
}

static void fact_h1_the_three_answers_in_their_order(void **state)
{
    assert_int_equal(decide(100, 799, true, NW_MODEL_NO).move, NW_MODEL_SCALE_UP);
    assert_int_equal(decide(100, 801, true, NW_MODEL_NO).move, NW_MODEL_REFACTOR_FIRST);
    assert_int_equal(decide(100, 801, true, NW_MODEL_YES).move, NW_MODEL_SCALE_OUT);
    assert_int_equal(decide(100, 200, false, NW_MODEL_YES).move, NW_MODEL_SCALE_OUT);
}

static void fact_h1a_a_hundredfold_with_state_is_refactored_first(void **state)
{
    struct nw_model_decision friday = decide(500, 50000, true, NW_MODEL_NO);
    assert_is(friday.growth, 100);
    assert_int_equal(friday.move, NW_MODEL_REFACTOR_FIRST);
    assert_string_equal(nw_model_steps_find(&facts_steps, "services.app.growth")->what,
                        "times: REFACTOR_FIRST");
}

static void fact_h1b_four_times_goes_up(void **state)
{
    struct nw_model_decision small = decide(500, 2000, true, NW_MODEL_YES);
    assert_is(small.growth, 4);
    assert_int_equal(small.move, NW_MODEL_SCALE_UP);
    const struct nw_model_bigger_in in = {
        .at = "services.app",
        .nodes_exact = nw_model_given(4),
        .price_per_h = nw_model_given(0.9),
        .bigger_factor = nw_model_given(8),
        .bigger_price_per_h = nw_model_given(4.8),
    };
    struct nw_model_bigger bigger = nw_model_cost_bigger(&in, &facts_steps);
    assert_is(bigger.price_ratio, 16.0 / 3);
    assert_shows(bigger.price_ratio, 5.33, 2);
    assert_is(bigger.unit_ratio, 2.0 / 3); /* cheaper for each unit of capacity (X20) */
    assert_is(bigger.fair_price_per_h, 7.2);
}

static void fact_j2_boundaries_of_the_decision(void **state)
{
    assert_int_equal(decide(1, 8, true, NW_MODEL_NO).move, NW_MODEL_SCALE_UP);
    assert_int_equal(decide(1, 8 * (1 + 1e-12), true, NW_MODEL_NO).move, NW_MODEL_SCALE_UP);
    assert_int_equal(decide(1, 8, false, NW_MODEL_NO).move, NW_MODEL_REFACTOR_FIRST);
    assert_int_equal(decide(1, 8, false, NW_MODEL_YES).move, NW_MODEL_SCALE_OUT);
    assert_int_equal(decide(1, 8.01, true, NW_MODEL_YES).move, NW_MODEL_SCALE_OUT);
    assert_int_equal(decide(1, 3, false, NW_MODEL_NO).move, NW_MODEL_REFACTOR_FIRST);
}

static void what_nobody_stated_as_stateless_counts_as_not(void **state)
{
    struct nw_model_decision unknown = decide(1, 10, true, NW_MODEL_UNKNOWN);
    assert_int_equal(unknown.move, NW_MODEL_REFACTOR_FIRST);
    assert_non_null(strstr(unknown.why, "nobody has said so"));
    assert_string_equal(nw_model_move_name(NW_MODEL_SCALE_OUT), "SCALE_OUT");
}

static const char *view(double peak_per_s, double users, unsigned index)
{
    const struct nw_model_stage *stages[NW_MODEL_STAGE_VIEWS];
    nw_model_stages_at(peak_per_s, users, stages);
    return stages[index] ? stages[index]->text : "-";
}

static void fact_h2a_stages_by_magnitude(void **state)
{
    assert_string_equal(view(99, 0, 0), "-");
    assert_string_equal(view(100, 0, 0), "one server");
    assert_string_equal(view(1000, 0, 0), "cache and load balancer");
    assert_string_equal(view(10000, 0, 0), "read replicas, perhaps a CDN");
    assert_string_equal(view(1e6, 0, 0), "shards, queues, several regions");
}

static void fact_h2b_stages_with_their_monthly_bill(void **state)
{
    const struct nw_model_stage *stages[NW_MODEL_STAGE_VIEWS];
    nw_model_stages_at(999, 0, stages);
    assert_string_equal(stages[1]->month, "200");
    nw_model_stages_at(1000, 0, stages);
    assert_string_equal(stages[1]->month, "2,000-5,000");
    nw_model_stages_at(99999, 0, stages);
    assert_string_equal(stages[1]->month, "20,000-50,000");
    nw_model_stages_at(100000, 0, stages);
    assert_string_equal(stages[1]->month, "200,000+");
}

static void fact_h4_stages_by_users(void **state)
{
    assert_string_equal(view(1, 0, 2), "-"); /* users are not known */
    assert_string_equal(view(1, 100, 2), "one server");
    assert_string_equal(view(1, 10000, 2), "load balancer and cache");
    assert_string_equal(view(1, 10000, 3), "the first services apart, a routing layer");
    assert_string_equal(view(1, 1e6, 2), "shards, asynchronous work, CDN");
    assert_string_equal(view(1, 1e8, 3), "the monolith is gone");
}

/* Its ceilings are in explain's text, which topics_test reads. */
static void fact_h3_the_staircase_has_eight_rungs(void **state)
{
    assert_int_equal(NW_MODEL_RUNG_COUNT, 8);
    assert_string_equal(nw_model_rung_name(NW_MODEL_RUNG_ONE_BOX), "one box");
    assert_string_equal(nw_model_rung_name(NW_MODEL_RUNG_REGIONS), "regions");
    assert_string_equal(view(499, 0, 4), "one box");
    assert_string_equal(view(500, 0, 4), "application and database apart");
    assert_string_equal(view(2000, 0, 4), "cache");
}

/* Rows of one view stand together and rise, or nw_model_stages_at would answer wrongly. */
static void each_view_rises(void **state)
{
    size_t count;
    const struct nw_model_stage *rows = nw_model_stage_rows(&count);
    for (size_t i = 1; i < count; i++)
        if (rows[i].guide == rows[i - 1].guide && strcmp(rows[i].fact, rows[i - 1].fact) == 0)
            assert_true(rows[i].from > rows[i - 1].from && rows[i].by == rows[i - 1].by);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_h1_the_three_answers_in_their_order),
        FACT(fact_h1a_a_hundredfold_with_state_is_refactored_first),
        FACT(fact_h1b_four_times_goes_up),
        FACT(fact_j2_boundaries_of_the_decision),
        FACT(what_nobody_stated_as_stateless_counts_as_not),
        FACT(fact_h2a_stages_by_magnitude),
        FACT(fact_h2b_stages_with_their_monthly_bill),
        FACT(fact_h4_stages_by_users),
        FACT(fact_h3_the_staircase_has_eight_rungs),
        FACT(each_view_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
