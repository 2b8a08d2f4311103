/* The contract of proto/http_words.h and of the byte table behind it. */
#include "proto/http_words.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/http1_scan.h"

static void every_field_is_found_in_any_case(void **state)
{
    size_t len_before = 0;
    for (int id = 1; id < NW_HTTP_FIELD_COUNT; id++) {
        struct nw_slice name = nw_http_field_name((nw_http_field)id);
        assert_true(name.len >= len_before); /* the look-up needs the order */
        len_before = name.len;
        char upper[64];
        for (size_t i = 0; i < name.len; i++)
            upper[i] = (char)toupper(name.ptr[i]);
        assert_int_equal(nw_http_field_find(name), id);
        assert_int_equal(nw_http_field_find(nw_slice_of(upper, name.len)), id);
    }
}

/* A wrong byte in any place, and a byte more or less, make it another name. */
static void a_name_that_differs_in_one_byte_is_another(void **state)
{
    for (int id = 1; id < NW_HTTP_FIELD_COUNT; id++) {
        struct nw_slice name = nw_http_field_name((nw_http_field)id);
        char other[64];
        for (size_t i = 0; i < name.len; i++) {
            memcpy(other, name.ptr, name.len);
            other[i] = '_';
            assert_int_equal(nw_http_field_find(nw_slice_of(other, name.len)), NW_HTTP_FIELD_OTHER);
        }
        other[name.len - 1] = name.ptr[name.len - 1];
        other[name.len] = 'q';
        assert_int_equal(nw_http_field_find(nw_slice_of(other, name.len + 1)), NW_HTTP_FIELD_OTHER);
        assert_int_equal(nw_http_field_find(nw_slice_first(name, name.len - 1)),
                         NW_HTTP_FIELD_OTHER);
    }
}

static void every_method_is_found_in_its_own_case(void **state)
{
    for (int id = 1; id < NW_HTTP_METHOD_COUNT; id++)
        assert_int_equal(nw_http_method_find(nw_http_method_name((nw_http_method)id)), id);
    assert_int_equal(nw_http_method_find(NW_SLICE("get")), NW_HTTP_METHOD_OTHER);
    assert_int_equal(nw_http_method_find(NW_SLICE("GETS")), NW_HTTP_METHOD_OTHER);
    assert_int_equal(nw_http_method_find(NW_SLICE("")), NW_HTTP_METHOD_OTHER);
}

static void the_safe_methods_are_those_of_rfc_9110(void **state)
{
    for (int id = 0; id < NW_HTTP_METHOD_COUNT; id++) {
        bool is_safe =
            id == NW_HTTP_GET || id == NW_HTTP_HEAD || id == NW_HTTP_OPTIONS || id == NW_HTTP_TRACE;
        bool is_idempotent = is_safe || id == NW_HTTP_PUT || id == NW_HTTP_DELETE;
        assert_int_equal(nw_http_method_is_safe((nw_http_method)id), is_safe);
        assert_int_equal(nw_http_method_is_idempotent((nw_http_method)id), is_idempotent);
    }
}

static void each_byte_is_of_the_kind_that_the_rfcs_say(void **state)
{
    for (int b = 0; b < 256; b++) {
        char byte = (char)b;
        bool is_alnum = b < 128 && isalnum(b);
        bool is_unreserved = is_alnum || (b != 0 && strchr("-._~", b) != NULL);
        bool is_sub = b != 0 && strchr("!$&'()*+,;=", b) != NULL;
        bool is_token = is_alnum || (b != 0 && strchr("!#$%&'*+-.^_`|~", b) != NULL);
        bool is_path = is_unreserved || is_sub || (b != 0 && strchr(":@/[]|^{}", b) != NULL);
        bool is_host = is_alnum || (b != 0 && strchr("-._", b) != NULL);
        assert_int_equal(nw_byte_is(byte, NW_BYTE_UNRESERVED), is_unreserved);
        assert_int_equal(nw_byte_is(byte, NW_BYTE_TOKEN), is_token);
        assert_int_equal(nw_byte_is(byte, NW_BYTE_PATH), is_path);
        assert_int_equal(nw_byte_is(byte, NW_BYTE_PLAIN), is_path && b != '/');
        assert_int_equal(nw_byte_is(byte, NW_BYTE_HOST), is_host);
        assert_int_equal(nw_byte_is(byte, NW_BYTE_TARGET), b > 0x20 && b < 0x7f);
        assert_int_equal(nw_byte_is(byte, NW_BYTE_VALUE), (b >= 0x20 && b != 0x7f) || b == '\t');
    }
}

/* Each byte at each place of a run that is longer than two vectors. */
static void a_scan_stops_where_the_table_says(void **state)
{
    char run[48];
    for (int b = 0; b < 256; b++) {
        for (size_t at = 0; at < sizeof run; at++) {
            memset(run, 'a', sizeof run);
            run[at] = (char)b;
            size_t target = (size_t)(nw_scan_target(run, run + sizeof run) - run);
            size_t value = (size_t)(nw_scan_value(run, run + sizeof run) - run);
            size_t token = (size_t)(nw_scan_token(run, run + sizeof run) - run);
            assert_int_equal(target, nw_byte_is((char)b, NW_BYTE_TARGET) ? sizeof run : at);
            assert_int_equal(value, nw_byte_is((char)b, NW_BYTE_VALUE) ? sizeof run : at);
            assert_int_equal(token, nw_byte_is((char)b, NW_BYTE_TOKEN) ? sizeof run : at);
        }
    }
}

static void a_status_without_phrase_gets_that_of_its_class(void **state)
{
    assert_true(nw_slice_eq(nw_http_reason(404), NW_SLICE("Not Found")));
    assert_true(nw_slice_eq(nw_http_reason(299), NW_SLICE("Success")));
    assert_true(nw_slice_eq(nw_http_reason(599), NW_SLICE("Server Error")));
}

static void newel_names_are_known_by_either_dash(void **state)
{
    assert_true(nw_http_field_is_newel(NW_SLICE("Newel-Tag")));
    assert_true(nw_http_field_is_newel(NW_SLICE("NEWEL_tag")));
    assert_true(nw_http_field_is_newel(NW_SLICE("newel-")));
    assert_false(nw_http_field_is_newel(NW_SLICE("newel")));
    assert_false(nw_http_field_is_newel(NW_SLICE("newels-tag")));
    assert_false(nw_http_field_is_newel(NW_SLICE("x-newel-tag")));
}

static void a_list_skips_what_is_empty_and_respects_quotes(void **state)
{
    struct nw_slice rest = NW_SLICE(" , a ,,\"b,c\\\",\" ; d,\te"), element;
    const char *expected[] = {"a", "\"b,c\\\",\" ; d", "e"};
    for (size_t i = 0; i < NW_COUNT(expected); i++) {
        assert_true(nw_http_list_next(&rest, &element));
        assert_true(nw_slice_eq(element, nw_slice_str(expected[i])));
    }
    assert_false(nw_http_list_next(&rest, &element));
    rest = NW_SLICE("\"open\\");
    assert_true(nw_http_list_next(&rest, &element));
    assert_false(nw_http_list_next(&rest, &element));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_found_in_any_case),
        cmocka_unit_test(a_name_that_differs_in_one_byte_is_another),
        cmocka_unit_test(every_method_is_found_in_its_own_case),
        cmocka_unit_test(the_safe_methods_are_those_of_rfc_9110),
        cmocka_unit_test(each_byte_is_of_the_kind_that_the_rfcs_say),
        cmocka_unit_test(a_scan_stops_where_the_table_says),
        cmocka_unit_test(a_status_without_phrase_gets_that_of_its_class),
        cmocka_unit_test(newel_names_are_known_by_either_dash),
        cmocka_unit_test(a_list_skips_what_is_empty_and_respects_quotes),
    };
    return cmocka_run_group_tests_name("proto/http_words", tests, NULL, NULL);
}
