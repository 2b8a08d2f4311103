/* The contract of proto/trace.h: lines and pieces, text and oracleGeneral, times, detection. */
#include <time.h>

#include "proto/trace_impl.h"
#include "trace_kit.h"

#define TEXT(literal) NW_SLICE(literal)

static const struct nw_trace_options as_text = {.format = NW_TRACE_TEXT};
static const struct nw_trace_options as_oracle = {.format = NW_TRACE_ORACLE};

static void a_line_is_a_key(void **state)
{
    kit_assert(NW_TRACE_TEXT, NULL, TEXT("13901\n/a b,c\n13901\n"), "13901 /a b,c 13901", 0, 0);
    kit_assert(NW_TRACE_TEXT, NULL, TEXT("dos\r\n\r\n\nunix\n"), "dos unix", 0, 2);
    kit_assert(NW_TRACE_TEXT, NULL, TEXT("\xef\xbb\xbfmarked\n"), "marked", 0, 0);
    kit_assert(NW_TRACE_TEXT, NULL, TEXT(""), "", 0, 0);
}

static void a_last_line_without_an_end_is_read_and_told(void **state)
{
    struct outcome out = kit_whole(&as_text, TEXT("one\ntw"));
    assert_string_equal(out.text.ptr, "one tw");
    assert_true(out.counts.is_unended);
    assert_false(out.counts.is_cut);
    assert_int_equal(out.counts.end.offset, 4);
    assert_int_equal(out.counts.end.line, 2);
    assert_int_equal(out.counts.end_bytes, 2);
    nw_text_done(&out.text);
}

static struct nw_text line_of(size_t bytes)
{
    struct nw_text text = {0};
    for (size_t i = 0; i + 1 < bytes; i++)
        nw_text_add_char(&text, 'x');
    nw_text_add_str(&text, "\n");
    return text;
}

static void a_line_of_64_kib_is_read_and_a_longer_one_costs_itself(void **state)
{
    for (size_t more = 0; more <= 2; more++) {
        struct nw_text text = line_of(NW_TRACE_LINE_MAX_BYTES + more);
        nw_text_add_str(&text, "next\n");
        const size_t steps[] = {SIZE_MAX, 1, 1000, NW_TRACE_LINE_MAX_BYTES,
                                NW_TRACE_LINE_MAX_BYTES + 1};
        for (size_t i = 0; i < NW_COUNT(steps); i++) {
            struct outcome out = kit_read(&as_text, nw_text_slice(&text), steps[i], steps[i]);
            assert_int_equal(out.counts.bad, more > 0);
            assert_int_equal(out.counts.records, more > 0 ? 1 : 2);
            if (more > 0) {
                assert_string_equal(out.text.ptr, "next");
                assert_int_equal(out.counts.first_bad[0].line, 1);
                assert_int_equal(out.counts.first_bad[0].offset, 0);
            }
            nw_text_done(&out.text);
        }
        nw_text_done(&text);
    }
}

static void a_long_line_without_an_end_is_a_cut(void **state)
{
    struct nw_text text = line_of(3 * NW_TRACE_LINE_MAX_BYTES);
    struct nw_slice bytes = nw_slice_first(nw_text_slice(&text), text.len - 1);
    struct outcome out = kit_read(&as_text, bytes, 4096, 4096);
    assert_true(out.counts.is_cut);
    assert_int_equal(out.counts.bad, 1);
    assert_int_equal(out.err, NW_NOT_FOUND);
    nw_text_done(&out.text);
    nw_text_done(&text);
}

/* ---- oracleGeneral ---- */

static void put(char *to, uint32_t time_s, uint64_t id, uint32_t size, int64_t next)
{
    memcpy(to, &time_s, 4); /* the test runs on little-endian machines */
    memcpy(to + 4, &id, 8);
    memcpy(to + 12, &size, 4);
    memcpy(to + 16, &next, 8);
}

static void a_binary_record_has_24_bytes(void **state)
{
    char bytes[72];
    put(bytes, 0, 7, 4096, 2);
    put(bytes + 24, 5, UINT64_MAX, 0, -1);
    put(bytes + 48, UINT32_MAX, 7, UINT32_MAX, -1);
    kit_assert(NW_TRACE_ORACLE, NULL, nw_slice_of(bytes, 72),
               "#7/4096@0 #18446744073709551615/0@5000000 #7/4294967295@4294967295000000", 0, 0);
}

static void a_cut_binary_record_names_its_offset(void **state)
{
    char bytes[72];
    for (size_t i = 0; i < 3; i++)
        put(bytes + i * 24, 1, i, 1, -1);
    for (size_t len = 0; len <= 72; len++) {
        struct outcome out = kit_whole(&as_oracle, nw_slice_of(bytes, len));
        assert_int_equal(out.counts.records, len / 24);
        assert_int_equal(out.counts.is_cut, len % 24 != 0);
        assert_int_equal(out.counts.end_bytes, len % 24);
        if (out.counts.is_cut)
            assert_int_equal(out.counts.end.offset, len / 24 * 24);
        nw_text_done(&out.text);
    }
}

/* ---- times ---- */

static void dates_agree_with_the_c_library(void **state)
{
    for (int64_t s = 0; s < INT64_C(253402300800); s += 979797979) {
        char iso[64], common[64];
        time_t at = (time_t)s;
        struct tm tm;
        int64_t us = -1;
        gmtime_r(&at, &tm);
        strftime(iso, sizeof iso, "%Y-%m-%dT%H:%M:%S.25Z", &tm);
        strftime(common, sizeof common, "%d/%b/%Y:%H:%M:%S +0000", &tm);
        assert_true(trace_time_iso(nw_slice_str(iso), &us) && us == s * 1000000 + 250000);
        assert_true(trace_time_common(nw_slice_str(common), &us) && us == s * 1000000);
    }
}

static void a_zone_is_taken_off(void **state)
{
    int64_t east, west, utc;
    assert_true(trace_time_iso(TEXT("2026-11-29T01:33:02Z"), &utc));
    assert_true(trace_time_iso(TEXT("2026-11-29 03:03:02.0+01:30"), &east));
    assert_true(trace_time_common(TEXT("28/Nov/2026:20:33:02 -0500"), &west));
    assert_true(east == utc && west == utc);
}

static void what_is_no_time_is_refused(void **state)
{
    const char *bad[] = {"",
                         ".",
                         "1.",
                         ".5",
                         "-1",
                         "1e9",
                         "1.2.3",
                         "253402300800",
                         "1 ",
                         "0x1",
                         "99999999999999999999"};
    const char *bad_iso[] = {"2026-11-29",
                             "2026-13-29T01:33:02Z",
                             "2026-11-29T24:33:02Z",
                             "2026-11-29T01:33:02",
                             "2026-11-29T01:33:02.Z",
                             "1969-12-31T00:00:00Z",
                             "2026-11-29T01:33:02+1",
                             "2026-11-29T01:33:02Zz",
                             ""};
    int64_t us;
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        assert_false(trace_time_number(nw_slice_str(bad[i]), false, &us));
    for (size_t i = 0; i < NW_COUNT(bad_iso); i++)
        assert_false(trace_time_iso(nw_slice_str(bad_iso[i]), &us));
    assert_false(trace_time_common(TEXT("28/Now/2026:20:33:02 -0500"), &us));
    assert_false(trace_time_common(TEXT("28/Nov/2026:20:33:02"), &us));
}

static void numbers_are_seconds_or_milliseconds(void **state)
{
    int64_t us;
    assert_true(trace_time_number(TEXT("1.5"), false, &us) && us == 1500000);
    assert_true(trace_time_number(TEXT("1.0000019"), false, &us) && us == 1000001);
    assert_true(trace_time_number(TEXT("1500"), true, &us) && us == 1500000);
    assert_true(trace_time_number(TEXT("253402300799"), false, &us) &&
                us == INT64_C(253402300799000000));
}

/* ---- formats ---- */

static void a_format_is_known_by_name_and_by_sight(void **state)
{
    static const char binary[24] = {1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 16};
    const struct {
        const char *name;
        struct nw_slice first;
        nw_trace_format format;
    } rows[] = {
        {"a.oracleGeneral", TEXT("whatever"), NW_TRACE_ORACLE},
        {"w.ORACLEgeneral.bin.zst", TEXT("whatever"), NW_TRACE_ORACLE},
        {"a.csv.gz", TEXT("1\n"), NW_TRACE_CSV},
        {"a", nw_slice_of(binary, 24), NW_TRACE_ORACLE},
        {"a", TEXT("time,key\n"), NW_TRACE_CSV},
        {"a.txt", TEXT("a,b\n"), NW_TRACE_TEXT},
        {"a", TEXT("13901\n1006\n"), NW_TRACE_TEXT},
        {"a", TEXT(""), NW_TRACE_TEXT},
        {"a.txt", TEXT("1.2.3.4 - - [29/Nov/2026:01:33:02 +0000] \"GET / HTTP/1.1\" 200 5\n"),
         NW_TRACE_ACCESS},
        {"a", TEXT("{\"time\":\"2026-11-29T01:33:02Z\",\"event\":\"x\"}\r\n"), NW_TRACE_ACCESS},
        {"a", TEXT("time=2026-11-29T01:33:02.000Z level=info event=daemon.ready\n"),
         NW_TRACE_ACCESS},
        {"a", TEXT("{\"a\":1}\n"), NW_TRACE_TEXT},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        assert_int_equal(nw_trace_format_detect(nw_slice_str(rows[i].name), rows[i].first, false),
                         rows[i].format);
    assert_int_equal(nw_trace_format_detect(TEXT("a.txt"), TEXT("a b\n"), true), NW_TRACE_CSV);
}

static void a_format_is_found_by_its_name(void **state)
{
    nw_trace_format format = NW_TRACE_CSV;
    for (unsigned i = 0; i < NW_TRACE_FORMAT_COUNT; i++) {
        const char *name = nw_trace_format_name((nw_trace_format)i);
        assert_int_equal(nw_trace_format_find(nw_slice_str(name), &format), NW_OK);
        assert_int_equal(format, i);
    }
    assert_int_equal(nw_trace_format_find(TEXT("ORACLEGENERAL"), &format), NW_OK);
    assert_int_equal(nw_trace_format_find(TEXT("orc"), &format), NW_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_key),
        cmocka_unit_test(a_last_line_without_an_end_is_read_and_told),
        cmocka_unit_test(a_line_of_64_kib_is_read_and_a_longer_one_costs_itself),
        cmocka_unit_test(a_long_line_without_an_end_is_a_cut),
        cmocka_unit_test(a_binary_record_has_24_bytes),
        cmocka_unit_test(a_cut_binary_record_names_its_offset),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(a_zone_is_taken_off),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(numbers_are_seconds_or_milliseconds),
        cmocka_unit_test(a_format_is_known_by_name_and_by_sight),
        cmocka_unit_test(a_format_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
