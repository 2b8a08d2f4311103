/* CSV traces: RFC 4180, headers and columns, what a mistake costs. */
#include "trace_kit.h"

#define CSV(text) NW_TRACE_CSV, NULL, NW_SLICE(text)
#define COLUMNS(columns, text) NW_TRACE_CSV, columns, NW_SLICE(text)

static void a_header_says_which_column_is_what(void **state)
{
    kit_assert(CSV("time,key,size\n1,a,10\n1.5,b,20\n"), "a/10@1000000 b/20@1500000", 0, 1);
    kit_assert(CSV("Size , URL\n10,/x\n"), "/x/10", 0, 1);
    kit_assert(CSV("key\n\na\n"), "a", 0, 2);
    kit_assert(CSV("timestamp_ms,obj_id,extra\n1500,7,\n"), "7@1500000", 0, 1);
    kit_assert(CSV("\xef\xbb\xbf"
                   "key,time\na,2026-11-29T01:33:02Z\n"),
               "a@1795915982000000", 0, 1);
}

static void columns_may_be_numbers(void **state)
{
    kit_assert(COLUMNS("time=1,key=2,size=3", "1,a,10\n2,b,20\n"), "a/10@1000000 b/20@2000000", 0,
               0);
    kit_assert(COLUMNS("time=1,key=2", "at,what\n1,a\n"), "a@1000000", 0, 1); /* a header above */
    kit_assert(COLUMNS("key=1", "key,more\na,1\n"), "a", 0, 1);
    kit_assert(COLUMNS("key=1", "kex,more\na,1\n"), "kex a", 0, 0);
    kit_assert(COLUMNS("key=1,size=2", "a,1\nb,x\n"), "a/1", 1, 0);
}

static void columns_may_be_names_of_the_header(void **state)
{
    kit_assert(COLUMNS("key=path,size=len", "len,key,path\n5,no,yes\n"), "yes/5", 0, 1);
    kit_assert(COLUMNS("key=2,size=len", "len,any\n5,yes\n"), "yes/5", 0, 1);
}

static void quotes_hold_commas_line_ends_and_quotes(void **state)
{
    kit_assert(CSV("key,size\n\"a,b\",1\n\"c\nd\",2\n\"e\"\"f\",\"3\"\n\"\"\"\",4\r\n\"g\"\r\n"),
               "a,b/1 c\nd/2 e\"f/3 \"/4", 1, 1);         /* the last one lacks a column */
    kit_assert(CSV("\"key\"\n\"a\"\n\"\"\n"), "a", 1, 1); /* an empty key is none */
}

static void a_stray_quote_costs_its_line_alone(void **state)
{
    kit_assert(CSV("key\na\"b\nc\nd\n"), "c d", 1, 1);
    kit_assert(CSV("key\n\"a\"b\nc\n"), "c", 1, 1);
    kit_assert(CSV("key\n\"a\nb\nc\"d\ne\n"), "b e", 2, 1); /* not b, c and e */
    kit_assert(CSV("key\n\"a\"\rb\nc\n"), "c", 1, 1);
}

static void a_quote_that_is_never_closed_costs_its_line_alone(void **state)
{
    struct nw_text text = {0};
    nw_text_add_str(&text, "key\n\"open\n");
    for (unsigned i = 0; i < 10000; i++)
        nw_text_addf(&text, "%08u\n", i);
    struct nw_trace_options options = {.format = NW_TRACE_CSV};
    const size_t steps[] = {SIZE_MAX, 1, 777};
    for (size_t i = 0; i < NW_COUNT(steps); i++) {
        struct outcome out = kit_read(&options, nw_text_slice(&text), steps[i], steps[i]);
        assert_int_equal(out.counts.records, 10000);
        assert_int_equal(out.counts.bad, 1);
        assert_int_equal(out.counts.first_bad[0].line, 2);
        assert_false(out.counts.is_cut);
        nw_text_done(&out.text);
    }
    nw_text_done(&text);
}

static void mistakes_have_places(void **state)
{
    struct nw_trace_options options = {.format = NW_TRACE_CSV};
    struct nw_slice bytes = NW_SLICE("key,size,time\n\"x\ny\",1,1\na,-1,1\nb,1,soon\nc,1\n"
                                     "d,9007199254740992,1\ne,1,1\n,1,1\nf,,1\n");
    struct outcome out = kit_whole(&options, bytes);
    assert_int_equal(out.counts.records, 2);
    assert_int_equal(out.counts.bad, 6);
    assert_int_equal(out.counts.first_bad_count, NW_TRACE_PLACES_MAX);
    const unsigned lines[] = {4, 5, 6, 7, 9};
    for (size_t i = 0; i < NW_COUNT(lines); i++)
        assert_int_equal(out.counts.first_bad[i].line, lines[i]);
    assert_int_equal(out.counts.first_bad[0].offset, 24);
    assert_string_equal(out.counts.first_bad[1].why, "the time is neither a number nor a date");
    assert_string_equal(out.counts.first_bad[2].why, "a column is missing");
    assert_string_equal(out.counts.first_bad[4].why, "the key is empty");
    nw_text_done(&out.text);
}

static void an_end_within_a_record_is_a_cut(void **state)
{
    struct nw_trace_options options = {.format = NW_TRACE_CSV};
    const struct {
        const char *text;
        bool is_cut, is_unended;
        uint64_t records;
    } rows[] = {
        {"key,size\na,1\n", false, false, 1}, {"key,size\na,1", false, true, 1},
        {"key,size\na,", true, false, 0},     {"key,size\na", true, false, 0},
        {"key,size\n\"a\nb", true, false, 0}, {"key,size\n\"a\"b", true, false, 0},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct outcome out = kit_whole(&options, nw_slice_str(rows[i].text));
        assert_int_equal(out.counts.is_cut, rows[i].is_cut);
        assert_int_equal(out.counts.is_unended, rows[i].is_unended);
        assert_int_equal(out.counts.records, rows[i].records);
        assert_int_equal(out.counts.bad, 0);
        if (rows[i].is_cut)
            assert_int_equal(out.counts.end.offset, 9);
        nw_text_done(&out.text);
    }
}

static void without_a_key_column_nothing_is_guessed(void **state)
{
    struct nw_trace_options options = {.format = NW_TRACE_CSV};
    struct outcome out = kit_whole(&options, NW_SLICE("1,a,10\n2,b,20\n"));
    assert_int_equal(out.err, NW_INVALID);
    assert_non_null(strstr(out.trouble, "time=1,key=2,size=3"));
    nw_text_done(&out.text);
    options.columns.key.name = NW_SLICE("path");
    out = kit_whole(&options, NW_SLICE("key,size\na,1\n"));
    assert_int_equal(out.err, NW_INVALID);
    assert_string_equal(out.trouble, "the header has no column `path`");
    nw_text_done(&out.text);
}

static void columns_are_read(void **state)
{
    struct nw_trace_columns columns;
    const char *why = NULL;
    assert_int_equal(nw_trace_columns_parse(NW_SLICE(" time_ms = 1 ,key=url"), &columns, &why),
                     NW_OK);
    assert_true(columns.is_time_ms && columns.time.number == 1 && columns.size.number == 0);
    assert_true(nw_slice_eq(columns.key.name, NW_SLICE("url")));
    const char *bad[] = {"",
                         "time=1",
                         "key",
                         "key=",
                         "key=0",
                         "key=1001",
                         "key=1,key=2",
                         "Key=1",
                         "key=1,,",
                         "keys=1",
                         "key=1,time=2,time_ms=3"};
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        assert_int_equal(nw_trace_columns_parse(nw_slice_str(bad[i]), &columns, &why), NW_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_says_which_column_is_what),
        cmocka_unit_test(columns_may_be_numbers),
        cmocka_unit_test(columns_may_be_names_of_the_header),
        cmocka_unit_test(quotes_hold_commas_line_ends_and_quotes),
        cmocka_unit_test(a_stray_quote_costs_its_line_alone),
        cmocka_unit_test(a_quote_that_is_never_closed_costs_its_line_alone),
        cmocka_unit_test(mistakes_have_places),
        cmocka_unit_test(an_end_within_a_record_is_a_cut),
        cmocka_unit_test(without_a_key_column_nothing_is_guessed),
        cmocka_unit_test(columns_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
