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
        cmocka_unit_test(formatting_appends),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
