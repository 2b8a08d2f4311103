/* Worked examples F1 to F3: regions. */
#include "facts.h"
#include "model/constants.h"
#include "model/region.h"

static struct nw_model_region_answer judge(double rtt_s, double local_s, double calls,
                                           double distance_km)
{
    const struct nw_model_region region = {
        .name = "tokyo",
        .rtt_s = nw_model_given(rtt_s),
        .local_s = nw_model_given(local_s),
        .calls = nw_model_given(calls),
        .distance_km = nw_model_given(distance_km),
    };
    const struct nw_model_region_in in = {"regions.tokyo", &region};
    return nw_model_region_judge(&in, &facts_steps);
}

static void fact_f1_tokyo_gains_152_ms(void **state)
{
    assert_is(judge(0.155, 0.003, 1, 0).gain_s, 0.152);
    assert_step("regions.tokyo.gain_s", 0.152, "~150 ms");
    assert_null(nw_model_steps_find(&facts_steps, "regions.tokyo.floor_s"));
}

static void fact_f1s_five_calls_in_sequence(void **state)
{
    struct nw_model_region_answer tokyo = judge(0.155, 0.003, 5, 0);
    assert_is(tokyo.far_s, 0.775);
    assert_is(tokyo.near_s, 0.015);
    assert_step("regions.tokyo.far_s", 0.775, "775 ms");
    assert_step("regions.tokyo.near_s", 0.015, "15 ms");
}

static void fact_f1p_the_floor_of_physics(void **state)
{
    struct nw_model_region_answer tokyo = judge(0.155, 0.003, 5, 10872);
    assert_is(tokyo.vacuum_s, 2 * 10872e3 / 299792458.0);
    assert_shows(tokyo.vacuum_s * 1e3, 72.5, 1);
    assert_shows(tokyo.fibre_s * 1e3, 106.5, 1);
    assert_step("regions.tokyo.floor_s", 2 * 10872 / (299792.458 / 1.468), "150 ms at minimum");
    assert_false(tokyo.is_below_physics);
    assert_true(judge(0.1, 0.003, 5, 10872).is_below_physics);
}

static void fact_f3_the_trigger_is_100_ms(void **state)
{
    assert_is(nw_model_constant_value(NW_MODEL_C_REGION_TRIGGER), 0.1);
    assert_true(judge(0.155, 0.003, 5, 0).fires);
    assert_false(judge(0.1, 0.003, 5, 0).fires);
    assert_false(judge(0.1 * (1 + 1e-12), 0.003, 5, 0).fires);
    assert_true(judge(0.101, 0.003, 5, 0).fires);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_f1_tokyo_gains_152_ms),
        FACT(fact_f1s_five_calls_in_sequence),
        FACT(fact_f1p_the_floor_of_physics),
        FACT(fact_f3_the_trigger_is_100_ms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
