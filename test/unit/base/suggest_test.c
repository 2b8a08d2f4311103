/* The contract of base/suggest.h. */
#include "base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void the_four_edits_count_one_each(void **state)
{
    static const char *const near[] = {"balance", "balanc", "balancee", "balanse", "balacne"};
    for (size_t i = 0; i < NW_COUNT(near); i++)
        assert_int_equal(nw_suggest_distance(NW_SLICE("balance"), nw_slice_str(near[i]), 5), i > 0);
    assert_int_equal(nw_suggest_distance(NW_SLICE("kitten"), NW_SLICE("sitting"), 5), 3);
    assert_int_equal(nw_suggest_distance(NW_SLICE("ca"), NW_SLICE("abc"), 5), 3);
    assert_int_equal(nw_suggest_distance(NW_SLICE(""), NW_SLICE("abc"), 5), 3);
    assert_int_equal(nw_suggest_distance(NW_SLICE("Host"), NW_SLICE("hOST"), 5), 0);
}

static void beyond_the_bound_is_only_known_to_be_beyond(void **state)
{
    char long_word[200];
    memset(long_word, 'x', sizeof long_word);
    assert_int_equal(nw_suggest_distance(NW_SLICE("abcdef"), NW_SLICE("uvwxyz"), 2), 3);
    assert_int_equal(nw_suggest_distance(nw_slice_of(long_word, 200), NW_SLICE("x"), 3), 4);
    assert_int_equal(
        nw_suggest_distance(nw_slice_of(long_word, 65), nw_slice_of(long_word, 65), 3), 4);
}

static void the_nearest_word_is_suggested(void **state)
{
    static const char *const words[] = {"listen", "services", "routes", "nodes", "node", "limits"};
    size_t count = NW_COUNT(words);
    assert_string_equal(nw_suggest(NW_SLICE("sevices"), words, count), "services");
    assert_string_equal(nw_suggest(NW_SLICE("nodse"), words, count), "nodes");
    assert_string_equal(nw_suggest(NW_SLICE("Routes"), words, count), "routes");
    assert_string_equal(nw_suggest(NW_SLICE("nod"), words, count), "node");
    assert_null(nw_suggest(NW_SLICE("databases"), words, count));
    assert_null(nw_suggest(NW_SLICE("x"), words, count));
    assert_null(nw_suggest(NW_SLICE("x"), NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_edits_count_one_each),
        cmocka_unit_test(beyond_the_bound_is_only_known_to_be_beyond),
        cmocka_unit_test(the_nearest_word_is_suggested),
    };
    return cmocka_run_group_tests_name("base/suggest", tests, NULL, NULL);
}
