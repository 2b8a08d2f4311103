/* base/quiet.h: one line in a while. */
#include "base/quiet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_first_is_said_at_once(void **state)
{
    struct nw_quiet quiet = {0};
    uint64_t unsaid = 7;
    assert_true(nw_quiet_is_due(&quiet, 0, 1000, &unsaid));
    assert_int_equal(unsaid, 0);
}

static void the_next_tells_how_many_were_not(void **state)
{
    struct nw_quiet quiet = {0};
    uint64_t unsaid = 0;
    assert_true(nw_quiet_is_due(&quiet, 5000, 1000, &unsaid));
    for (unsigned i = 0; i < 3; i++)
        assert_false(nw_quiet_is_due(&quiet, 5999, 1000, &unsaid));
    assert_true(nw_quiet_is_due(&quiet, 6000, 1000, &unsaid));
    assert_int_equal(unsaid, 3);
    assert_true(nw_quiet_is_due(&quiet, 9000, 1000, &unsaid));
    assert_int_equal(unsaid, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_said_at_once),
        cmocka_unit_test(the_next_tells_how_many_were_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
