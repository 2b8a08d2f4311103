/* The contract of base/slice.h. */
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void split_keeps_empty_parts(void **state)
{
    struct nw_slice rest = NW_SLICE("a,,b"), part;
    assert_true(nw_slice_split(&rest, ',', &part) && nw_slice_eq(part, NW_SLICE("a")));
    assert_true(nw_slice_split(&rest, ',', &part) && part.len == 0);
    assert_true(nw_slice_split(&rest, ',', &part) && nw_slice_eq(part, NW_SLICE("b")));
    assert_false(nw_slice_split(&rest, ',', &part));
}

static void a_number_must_be_digits_that_fit(void **state)
{
    uint64_t value = 7;
    assert_int_equal(nw_slice_to_u64(NW_SLICE("18446744073709551615"), &value), NW_OK);
    assert_true(value == UINT64_MAX);
    const char *wrong[] = {"", "-1", "+1", " 1", "1 ", "18446744073709551616", "0x1", "1e3"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        assert_int_equal(nw_slice_to_u64(nw_slice_str(wrong[i]), &value), NW_INVALID);
    assert_true(value == UINT64_MAX);
}

static void case_counts_only_where_asked(void **state)
{
    assert_false(nw_slice_eq(NW_SLICE("Host"), NW_SLICE("host")));
    assert_true(nw_slice_eq_nocase(NW_SLICE("Host"), NW_SLICE("hOST")));
    assert_false(nw_slice_eq_nocase(NW_SLICE("Host"), NW_SLICE("Hosts")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_keeps_empty_parts),
        cmocka_unit_test(a_number_must_be_digits_that_fit),
        cmocka_unit_test(case_counts_only_where_asked),
    };
    return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
