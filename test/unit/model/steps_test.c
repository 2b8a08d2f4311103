/* The contracts of model/steps.h and model/worked.h. */
#include "model/steps.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/worked.h"

static struct nw_arena arena;
static struct nw_model_steps steps;

static int open_recorder(void **state)
{
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    nw_model_steps_init(&steps, &arena);
    return 0;
}

static int close_recorder(void **state)
{
    nw_arena_done(&arena);
    return 0;
}

static const struct nw_model_step nodes = {
    .path = "services.app.nodes",
    .formula = "{0} x {1} / ({2} x {3})",
    .operands = {{"peak", 10416.6667, NW_MODEL_PER_S, NW_MODEL_DERIVED},
                 {"1 + margin", 1.3, NW_MODEL_NUMBER, NW_MODEL_ASSUMED},
                 {"node_rate", 300, NW_MODEL_PER_S, NW_MODEL_GIVEN},
                 {"efficiency", 0.85, NW_MODEL_RATIO, NW_MODEL_ASSUMED}},
    .operand_count = 4,
    .exact = 53.0980,
    .rounded = 54,
    .is_rounded = true,
    .unit = NW_MODEL_COUNT,
};

static void prints(void (*print)(struct nw_text *, const struct nw_model_step *),
                   const struct nw_model_step *step, const char *expected)
{
    struct nw_text text = {0};
    print(&text, step);
    assert_string_equal(text.ptr, expected);
    nw_text_done(&text);
}

static void results_in(const struct nw_model_step *step, const char *expected)
{
    struct nw_text text = {0};
    nw_model_step_print_result(&text, step, "EUR");
    assert_string_equal(text.ptr, expected);
    nw_text_done(&text);
}

static void one_template_prints_names_and_values(void **state)
{
    prints(nw_model_step_print_formula, &nodes, "peak x (1 + margin) / (node_rate x efficiency)");
    prints(nw_model_step_print_values, &nodes, "10,416.7 x 1.30 / (300 x 0.85)");
    results_in(&nodes, "53.10 -> 54");
}

static void a_plus_shows_the_name_behind_the_value(void **state)
{
    const struct nw_model_step step = {
        .path = "a",
        .formula = "{0} x {1+}",
        .operands = {{"average", 2604.1667, NW_MODEL_PER_S, NW_MODEL_DERIVED},
                     {"load.peak", 4, NW_MODEL_NUMBER, NW_MODEL_GIVEN}},
        .operand_count = 2,
    };
    prints(nw_model_step_print_values, &step, "2,604.2 x 4 load.peak");
    prints(nw_model_step_print_formula, &step, "average x load.peak");
}

static void times_and_bytes_keep_their_unit_among_the_values(void **state)
{
    const struct nw_model_step step = {
        .path = "a",
        .formula = "{0} x {1} / {2} x {3}",
        .operands = {{"calls", 5, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                     {"rtt", 0.155, NW_MODEL_SECONDS, NW_MODEL_GIVEN},
                     {"log", 1000, NW_MODEL_BYTES, NW_MODEL_GIVEN},
                     {"price", 0.5, NW_MODEL_MONEY_PER_H, NW_MODEL_GIVEN}},
        .operand_count = 4,
    };
    prints(nw_model_step_print_values, &step, "5 x 155 ms / 1 KB x 0.50");
}

static void shares_near_1_keep_their_nines_among_the_values(void **state)
{
    const struct nw_model_step step = {
        .path = "a",
        .formula = "{0} {1} {2} {3} {4}",
        .operands = {{"a", 0.9999, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                     {"b", 0.998800209, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                     {"c", 0.995, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                     {"d", 1, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                     {"e", 0.85, NW_MODEL_RATIO, NW_MODEL_GIVEN}},
        .operand_count = 5,
    };
    prints(nw_model_step_print_values, &step, "0.9999 0.9988 0.995 1 0.85");
}

static void a_result_that_needed_no_rounding_shows_no_arrow(void **state)
{
    struct nw_model_step step = nodes;
    step.exact = 11.000000000000002;
    step.rounded = 11;
    results_in(&step, "11");
}

static void a_reason_stands_where_a_value_would(void **state)
{
    struct nw_model_step step = nodes;
    step.exact = 0.0 / 0.0;
    step.reason = "beyond-peak";
    results_in(&step, "none: beyond-peak");
    assert_non_null(nw_model_steps_add(&steps, &step)); /* and is not asserted on */
}

static void money_carries_the_currency_of_the_plan(void **state)
{
    results_in(
        &(struct nw_model_step){
            .path = "a", .exact = 27375, .rounded = 27375, .unit = NW_MODEL_MONEY},
        "27,375 EUR");
}

static void a_rate_may_say_what_is_counted(void **state)
{
    struct nw_model_step step = {
        .path = "a", .exact = 462.96, .rounded = 462.96, .unit = NW_MODEL_PER_S, .noun = "reads"};
    results_in(&step, "463.0 reads/s");
    step.noun = "";
    results_in(&step, "463.0 /s");
    step.noun = NULL;
    results_in(&step, "463.0/s");
}

static void without_a_recorder_nothing_is_recorded(void **state)
{
    assert_null(nw_model_steps_add(NULL, &nodes));
    assert_null(nw_model_steps_path(NULL, "a", "b"));
    assert_null(nw_model_steps_text(NULL, "%d", 1));
}

static void the_last_step_of_a_path_is_found_among_many(void **state)
{
    for (int i = 0; i < 1000; i++) {
        struct nw_model_step step = {.path = nw_model_steps_text(&steps, "a.s%d", i % 500)};
        step.exact = i;
        nw_model_steps_add(&steps, &step);
    }
    assert_int_equal(steps.count, 1000);
    assert_true(nw_model_steps_find(&steps, "a.s7")->exact == 507);
    assert_true(nw_model_steps_find(&steps, "a.s7")->rounded == 507); /* as exact: not rounded */
    assert_null(nw_model_steps_find(&steps, "a.s500"));
    assert_string_equal(nw_model_steps_path(&steps, "services.app", "nodes"), "services.app.nodes");
}

static void a_number_of_a_guide_gets_the_guide_s_figure(void **state)
{
    struct nw_model_step step = {.path = "load.average_per_s", .exact = 100e6 / 86400};
    const struct nw_model_step *added = nw_model_steps_add(&steps, &step);
    assert_string_equal(added->printed, "1,157, then ~1,160");
    assert_string_equal(added->fact, "A1");
    step.path = "load.other_per_s"; /* another kind of result */
    assert_null(nw_model_steps_add(&steps, &step)->printed);
    step.path = "load.average_per_s";
    step.exact *= 1 + 1e-8; /* another number */
    assert_null(nw_model_steps_add(&steps, &step)->printed);
}

static void examples_are_complete_and_unique(void **state)
{
    size_t count;
    const struct nw_model_worked *rows = nw_model_worked_rows(&count);
    assert_true(count > 40);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(nw_model_guide_title(rows[i].guide));
        assert_true(strlen(rows[i].fact) >= 2 && strlen(rows[i].printed) > 0);
        /* The first of that leaf and value is this row: none hides another. */
        assert_ptr_equal(nw_model_worked_find(rows[i].leaf, rows[i].exact), &rows[i]);
    }
    assert_null(nw_model_guide_title('N'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_template_prints_names_and_values),
        cmocka_unit_test(a_plus_shows_the_name_behind_the_value),
        cmocka_unit_test(times_and_bytes_keep_their_unit_among_the_values),
        cmocka_unit_test(shares_near_1_keep_their_nines_among_the_values),
        cmocka_unit_test(a_result_that_needed_no_rounding_shows_no_arrow),
        cmocka_unit_test_setup_teardown(a_reason_stands_where_a_value_would, open_recorder,
                                        close_recorder),
        cmocka_unit_test(money_carries_the_currency_of_the_plan),
        cmocka_unit_test(a_rate_may_say_what_is_counted),
        cmocka_unit_test(without_a_recorder_nothing_is_recorded),
        cmocka_unit_test_setup_teardown(the_last_step_of_a_path_is_found_among_many, open_recorder,
                                        close_recorder),
        cmocka_unit_test_setup_teardown(a_number_of_a_guide_gets_the_guide_s_figure, open_recorder,
                                        close_recorder),
        cmocka_unit_test(examples_are_complete_and_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
