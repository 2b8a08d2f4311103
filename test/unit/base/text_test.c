/* The contract of base/text.h. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void json_escapes_what_would_break_a_string(void **state)
{
    struct nw_text text = {0};
    nw_text_add_json(&text, NW_SLICE("a\"\\\n\x01\xc3\xa4\xff\xc0\x80"));
    assert_string_equal(text.ptr, "a\\\"\\\\\\u000a\\u0001\xc3\xa4\\ufffd\\ufffd\\ufffd");
    nw_text_done(&text);
}

static void html_escapes_markup(void **state)
{
    struct nw_text text = {0};
    nw_text_add_html(&text, NW_SLICE("<a href=\"x\">&'"));
    assert_string_equal(text.ptr, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    nw_text_done(&text);
}

static void xml_holds_only_what_xml_may_hold(void **state)
{
    struct nw_text text = {0};
    nw_text_add_xml(&text, NW_SLICE("<\xc3\xa4&\x01\x1b\xff\n\xef\xbf\xbe\xef\xbf\xbd"));
    assert_string_equal(text.ptr, "&lt;\xc3\xa4&amp;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"
                                  "\xef\xbf\xbd\xef\xbf\xbd");
    nw_text_done(&text);
}

static void a_plain_line_holds_no_control_characters(void **state)
{
    struct nw_text text = {0};
    nw_text_add_plain(&text, NW_SLICE("a\n\tb\x1b[0m\x7f\xc2\x9b\xc2\xa0\x9b\xc3\xa4"));
    assert_string_equal(text.ptr, "a  b?[0m??\xc2\xa0?\xc3\xa4");
    nw_text_done(&text);
}

static void formatting_appends(void **state)
{
    struct nw_text text = {0};
    for (int i = 0; i < 1000; i++)
        nw_text_addf(&text, "%03d", i);
    assert_int_equal(text.len, 3000);
    assert_memory_equal(text.ptr + 2997, "999", 4);
    nw_text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_escapes_what_would_break_a_string),
        cmocka_unit_test(html_escapes_markup),
        cmocka_unit_test(xml_holds_only_what_xml_may_hold),
        cmocka_unit_test(a_plain_line_holds_no_control_characters),
        cmocka_unit_test(formatting_appends),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
