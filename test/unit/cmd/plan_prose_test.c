/* The contract of cmd/plan_prose.h: texts of the planner in pieces, tables by their gutters. */
#include "cmd/plan_prose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/topics.h"

static void piece_is(struct nw_slice *rest, const char *text, bool is_table, bool is_apart)
{
    struct prose_piece piece;
    assert_true(prose_next(rest, &piece));
    assert_int_equal(piece.text.len, strlen(text));
    assert_memory_equal(piece.text.ptr, text, piece.text.len);
    assert_int_equal(piece.is_table, is_table);
    assert_int_equal(piece.is_apart, is_apart);
}

static void lines_are_paragraphs_and_rows_are_tables(void **state)
{
    struct nw_slice rest = nw_slice_str("One.\nTwo.\n\n  a  b\n  c  d\n\n\nThree.\n  e  f\nFour.");
    struct prose_piece piece;
    piece_is(&rest, "One.", false, false);
    piece_is(&rest, "Two.", false, false);
    piece_is(&rest, "  a  b\n  c  d", true, true);
    piece_is(&rest, "Three.", false, true);
    piece_is(&rest, "  e  f", true, false);
    piece_is(&rest, "Four.", false, false);
    assert_false(prose_next(&rest, &piece));
    rest = nw_slice_str("");
    assert_false(prose_next(&rest, &piece));
    rest = nw_slice_str("\n\n");
    assert_false(prose_next(&rest, &piece));
}

static void columns_are_found_by_their_gutters(void **state)
{
    static const char *const cells[4][3] = {{"", "up", "way out"},
                                            {"one word", "a b", "long text that goes on here"},
                                            {"two", "", "c"},
                                            {"three", "d e", ""}};
    struct prose_table table;
    prose_table_read(nw_slice_str("            up     way out\n"
                                  "  one word  a b    long text that\n"
                                  "                   goes on here\n"
                                  "  two              c\n"
                                  "  three     d e"),
                     &table);
    assert_int_equal(table.row_count, 4);
    assert_int_equal(table.column_count, 3);
    for (unsigned row = 0; row < 4; row++)
        for (unsigned i = 0; i < 3; i++)
            assert_string_equal(table.cells[row][i].ptr, cells[row][i]);
    prose_table_done(&table);
    assert_int_equal(table.row_count, 0);
}

/* Words of a text, without what only draws. */
static void add_words(struct nw_text *out, struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ' && text.ptr[i] != '\n')
            nw_text_add_char(out, text.ptr[i]);
}

/* Sorted characters: a folded cell moves words, it loses none. */
static void sort(struct nw_text *text)
{
    size_t counts[256] = {0}, at = 0;
    for (size_t i = 0; i < text->len; i++)
        counts[(unsigned char)text->ptr[i]]++;
    for (size_t byte = 0; byte < 256; byte++)
        for (size_t i = 0; i < counts[byte]; i++)
            text->ptr[at++] = (char)byte;
}

static void every_table_of_a_topic_keeps_its_words(void **state)
{
    size_t count, tables = 0;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    for (size_t i = 0; i < count; i++) {
        struct nw_slice rest = nw_slice_str(topics[i].text);
        struct prose_piece piece;
        while (prose_next(&rest, &piece)) {
            struct prose_table table;
            struct nw_text drawn = {0}, read = {0};
            for (size_t at = 0; piece.is_table && at < piece.text.len; at++)
                assert_in_range((unsigned char)piece.text.ptr[at], 1, 127);
            if (!piece.is_table)
                continue;
            tables++;
            prose_table_read(piece.text, &table);
            add_words(&drawn, piece.text);
            for (unsigned row = 0; row < table.row_count; row++)
                for (unsigned k = 0; k < table.column_count; k++)
                    add_words(&read, nw_text_slice(&table.cells[row][k]));
            assert_in_range(table.column_count, 2, 5);
            assert_true(table.row_count >= 3);
            sort(&drawn);
            sort(&read);
            assert_string_equal(read.ptr, drawn.ptr);
            prose_table_done(&table);
            nw_text_done(&drawn);
            nw_text_done(&read);
        }
    }
    assert_int_equal(tables, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_paragraphs_and_rows_are_tables),
        cmocka_unit_test(columns_are_found_by_their_gutters),
        cmocka_unit_test(every_table_of_a_topic_keeps_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
