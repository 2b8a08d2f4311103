/* The contracts of fleet/lines.h. */
#include "fleet/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"

static void join(void *arg, struct nw_slice text)
{
    struct nw_text *all = arg;
    nw_text_add_char(all, '[');
    nw_text_add(all, text);
    nw_text_add_char(all, ']');
}

/* Fed in pieces of every size, the lines are the same. */
static void check(const char *input, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen(input); piece++) {
        struct nw_fleet_lines lines = {.len = 0};
        struct nw_text all = {0};
        nw_text_add_str(&all, "");
        for (size_t at = 0; at < strlen(input); at += piece)
            nw_fleet_lines_feed(&lines, nw_slice_first(nw_slice_str(input + at), piece), join,
                                &all);
        nw_fleet_lines_flush(&lines, join, &all);
        assert_string_equal(all.ptr, wanted);
        nw_text_done(&all);
    }
}

static void lines_end_where_they_say(void **state)
{
    check("a\nbc\n", "[a][bc]");
    check("a\r\nbc\r\n", "[a][bc]");
    check("a\n\n\r\nbc", "[a][bc]");
    check("\n", "");
}

static void a_long_line_comes_in_pieces(void **state)
{
    struct nw_fleet_lines lines = {.len = 0};
    struct nw_text all = {0};
    char x[2500];
    memset(x, 'x', sizeof x);
    nw_fleet_lines_feed(&lines, nw_slice_of(x, sizeof x), join, &all);
    assert_int_equal(all.len, 2 * (NW_FLEET_LINE_MAX_BYTES + 2));
    nw_fleet_lines_flush(&lines, join, &all);
    assert_int_equal(all.len, sizeof x + 3 * 2);
    nw_text_done(&all);
}

static void a_character_is_not_cut(void **state)
{
    static const char *const characters[] = {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < NW_COUNT(characters); i++) {
        for (size_t before = 1; before <= 4; before++) {
            struct nw_fleet_lines lines = {.len = 0};
            struct nw_text all = {0};
            char x[NW_FLEET_LINE_MAX_BYTES];
            memset(x, 'x', sizeof x);
            nw_fleet_lines_feed(&lines, nw_slice_of(x, sizeof x - before), join, &all);
            nw_fleet_lines_feed(&lines, nw_slice_str(characters[i]), join, &all);
            nw_fleet_lines_feed(&lines, NW_SLICE("zzzz"), join, &all);
            nw_fleet_lines_flush(&lines, join, &all);
            assert_non_null(strstr(all.ptr, characters[i]));
            nw_text_done(&all);
        }
    }
}

static void what_is_no_text_still_moves_on(void **state)
{
    struct nw_fleet_lines lines = {.len = 0};
    struct nw_text all = {0};
    char x[3000];
    memset(x, 0x80, sizeof x);
    nw_fleet_lines_feed(&lines, nw_slice_of(x, sizeof x), join, &all);
    assert_int_equal(all.len, 3 * (NW_FLEET_LINE_MAX_BYTES + 2));
    nw_text_done(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_where_they_say),
        cmocka_unit_test(a_long_line_comes_in_pieces),
        cmocka_unit_test(a_character_is_not_cut),
        cmocka_unit_test(what_is_no_text_still_moves_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
