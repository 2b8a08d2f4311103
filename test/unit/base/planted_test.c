/* The contract of base/planted.h. */
#include "base/planted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_fault_has_a_name_and_a_sentence(void **state)
{
    for (int i = 0; i < NW_PLANT_COUNT; i++) {
        assert_true(strlen(nw_planted_name((nw_plant)i)) > 0);
        assert_true(strlen(nw_planted_what((nw_plant)i)) > 0);
    }
}

static void nothing_is_planted_unless_asked_for(void **state)
{
    assert_int_equal(nw_planted_init(NULL), NW_OK);
    assert_int_equal(nw_planted_init(""), NW_OK);
    assert_false(NW_PLANTED(pool_no_rest));
}

static void an_unknown_name_plants_nothing(void **state)
{
    assert_int_equal(nw_planted_init("pool_no_rest,no_such_fault"), NW_NOT_FOUND);
    assert_false(NW_PLANTED(pool_no_rest));
}

static void only_a_test_build_knows_faults(void **state)
{
#if defined(NW_TEST_BUILD) && NW_TEST_BUILD
    assert_int_equal(nw_planted_init(" pool_no_rest "), NW_OK);
    assert_true(NW_PLANTED(pool_no_rest));
    assert_int_equal(nw_planted_init(""), NW_OK);
#else
    assert_int_equal(nw_planted_init("pool_no_rest"), NW_NOT_FOUND);
#endif
    assert_false(NW_PLANTED(pool_no_rest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_a_name_and_a_sentence),
        cmocka_unit_test(nothing_is_planted_unless_asked_for),
        cmocka_unit_test(an_unknown_name_plants_nothing),
        cmocka_unit_test(only_a_test_build_knows_faults),
    };
    return cmocka_run_group_tests_name("base/planted", tests, NULL, NULL);
}
