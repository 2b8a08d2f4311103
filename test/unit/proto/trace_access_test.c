/* The access log as a trace: its three forms, what a cache sees of it, escapes. */
#include "base/log.h"
#include "trace_kit.h"

#define LOG(text) NW_TRACE_ACCESS, NULL, NW_SLICE(text)
#define AT "time=2026-11-29T01:33:02.250Z id=1 client=127.0.0.1 "
#define WHEN "@1795915982250000"

static void the_three_forms_say_the_same(void **state)
{
    kit_assert(LOG(AT "method=GET host=shop.example target=/a?b=1 protocol=HTTP/1.1 status=200 "
                      "request_bytes=0 bytes=512 duration_ms=1.250\n"
                      "{\"time\":\"2026-11-29T01:33:02.250Z\",\"id\":\"1\",\"method\":\"GET\","
                      "\"host\":\"shop.example\",\"target\":\"/a?b=1\",\"status\":200,"
                      "\"request_bytes\":0,\"bytes\":512,\"duration_ms\":1.250}\n"
                      "127.0.0.1 - - [29/Nov/2026:01:33:02 +0000] \"GET /a?b=1 HTTP/1.1\" 200 512 "
                      "\"-\" \"curl/7.88 \\\"x\\\"\"\n"),
               "shop.example/a?b=1/512" WHEN " shop.example/a?b=1/512" WHEN
               " /a?b=1/512@1795915982000000",
               0, 0);
}

static void a_cache_sees_get_and_head_only(void **state)
{
    kit_assert(LOG(AT "method=POST host=h target=/a status=200 bytes=5\n" AT
                      "method=OPTIONS host=h target=* status=200 bytes=5\n" AT
                      "method=get host=h target=/a status=400 bytes=5\n" AT
                      "status=400 refused=\"a field name is malformed\"\n"
                      "time=2026-11-29T01:33:02.250Z level=info event=daemon.ready\n"
                      "\n"
                      "127.0.0.1 - - [29/Nov/2026:01:33:02 +0000] \"-\" 400 0 \"-\" \"-\"\n" AT
                      "method=HEAD host=h target=/a status=200 bytes=0\n"),
               "h/a" WHEN, 0, 7);
}

static void the_size_is_that_of_the_object(void **state)
{
    kit_assert(LOG(AT "method=GET host=h target=/a status=206 bytes=5\n" AT
                      "method=GET host=h target=/a status=304 bytes=0\n" AT
                      "method=GET host=h target=/a status=404 bytes=0\n" AT
                      "method=GET host=h target=/a status=0 bytes=3\n"),
               "h/a" WHEN " h/a" WHEN " h/a/0" WHEN " h/a" WHEN, 0, 0);
}

static void a_target_is_read_in_its_normal_form(void **state)
{
    kit_assert(LOG("::1 - bob [29/Nov/2026:02:33:02 +0100] \"GET /%7Ea/./b/../c?x=%7e HTTP/1.0\" "
                   "200 -\n"
                   "::1 - - [29/Nov/2026:01:33:02 +0000] \"GET http://H.example:80/a HTTP/1.1\" "
                   "200 1 \"-\" \"-\"\n"
                   "::1 - - [29/Nov/2026:01:33:02 +0000] \"GET /a\\x22b HTTP/1.1\" 400 1\n"
                   "::1 - - [29/Nov/2026:01:33:02 +0000] \"\\x16\\x03\\x01\" 400 1\n"),
               "/~a/c?x=%7e/0@1795915982000000 h.example/a/1@1795915982000000", 0, 2);
}

static void a_line_that_breaks_off_is_bad(void **state)
{
    const char whole[] = AT "method=GET host=h target=/a status=200 bytes=5";
    const char json[] = "{\"time\":\"2026-11-29T01:33:02.250Z\",\"method\":\"GET\",\"host\":\"h\","
                        "\"target\":\"/a\",\"status\":200,\"bytes\":5}";
    const char common[] = "::1 - - [29/Nov/2026:01:33:02 +0000] \"GET /a HTTP/1.1\" 200 5";
    const char *lines[] = {whole, json, common};
    struct nw_trace_options options = {.format = NW_TRACE_ACCESS};
    for (size_t i = 0; i < NW_COUNT(lines); i++) {
        for (size_t len = 1; len < strlen(lines[i]); len++) {
            struct nw_text text = {0};
            nw_text_addf(&text, "%.*s\n", (int)len, lines[i]);
            struct outcome out = kit_read(&options, nw_text_slice(&text), SIZE_MAX, SIZE_MAX);
            assert_int_equal(out.counts.bad, 1);
            assert_int_equal(out.counts.records + out.counts.skipped, 0);
            nw_text_done(&out.text);
            nw_text_done(&text);
        }
    }
}

static void what_is_no_access_log_is_bad(void **state)
{
    kit_assert(LOG("hello\n{\"a\":1}\n{}\n{\"a\":[1]}\ntime=x method=GET\ntime= =\n[ ] \"\n"
                   "a - [b] \"GET / HTTP/1.1\" 99 5\n"
                   "::1 - - [29/Nov/2026:01:33:02 +0000] \"GET / HTTP/1.1\" 20 5\n" AT
                   "method=GET host=h target=\"/\\q\" status=200 bytes=5\n" AT
                   "method=GET host=h target=/a status=200 bytes=-5\n" AT
                   "method=GET host=h target=/a status=200 bytes=9007199254740992\n"),
               "", 12, 0);
}

/* What the log's own writers make of a value comes back as the same key in each form. */
static void what_the_log_escapes_comes_back(void **state)
{
    const char *targets[] = {"/plain", "/a=b", "/q?a=\"b\"", "/back\\slash", "/\xc3\xa4\xc2\x85"};
    struct nw_trace_options options = {.format = NW_TRACE_ACCESS};
    for (size_t i = 0; i < NW_COUNT(targets); i++) {
        struct nw_slice target = nw_slice_str(targets[i]);
        struct nw_text text = {0}, expected = {0};
        nw_text_add_str(&text, AT "method=GET host=h target=");
        nw_log_add_value(&text, target);
        nw_text_add_str(&text, " status=200 bytes=5 user_agent=\"target=/x\"\n"
                               "{\"time\":\"2026-11-29T01:33:02.250Z\",\"method\":\"GET\","
                               "\"host\":\"h\",\"target\":");
        nw_text_add_json_string(&text, target);
        nw_text_add_str(&text, ",\"status\":200,\"bytes\":5}\n");
        struct outcome out = kit_whole(&options, nw_text_slice(&text));
        assert_int_equal(out.counts.bad, 0);
        if (out.counts.skipped == 0) {
            nw_text_addf(&expected, "h%s/5" WHEN " h%s/5" WHEN, targets[i], targets[i]);
            assert_string_equal(out.text.ptr, expected.ptr);
        } else { /* a target that newel refuses */
            assert_int_equal(out.counts.skipped, 2);
            assert_true(i >= 2);
        }
        nw_text_done(&out.text);
        nw_text_done(&text);
        nw_text_done(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_say_the_same),
        cmocka_unit_test(a_cache_sees_get_and_head_only),
        cmocka_unit_test(the_size_is_that_of_the_object),
        cmocka_unit_test(a_target_is_read_in_its_normal_form),
        cmocka_unit_test(a_line_that_breaks_off_is_bad),
        cmocka_unit_test(what_is_no_access_log_is_bad),
        cmocka_unit_test(what_the_log_escapes_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
