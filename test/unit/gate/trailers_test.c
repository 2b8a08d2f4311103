/* Which fields may follow a body: RFC 9110 section 6.5.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gate/trailers.h"

static void check(const char *lines, const char *wanted)
{
    struct nw_arena arena;
    char first[512];
    nw_arena_init(&arena, first, sizeof first, 4096);
    struct nw_slice got;
    assert_int_equal(gate_trailers_pick(nw_slice_str(lines), &arena, &got), NW_OK);
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.ptr != NULL ? got.ptr : "", wanted, got.len);
    nw_arena_done(&arena);
}

static void what_trailers_are_for_passes(void **state)
{
    check("", "");
    check("grpc-status: 0\r\ngrpc-message: \r\nx-sum: a:b\r\n",
          "grpc-status: 0\r\ngrpc-message: \r\nx-sum: a:b\r\n");
    check("etag: \"x\"\r\nserver-timing: a;dur=1\r\n", "etag: \"x\"\r\nserver-timing: a;dur=1\r\n");
}

static void what_frames_routes_or_authenticates_does_not(void **state)
{
    static const char *const names[] = {
        "transfer-encoding", "content-length", "connection",    "te",           "host",
        "via",               "forwarded",      "x-forwarded-for", "authorization", "set-cookie",
        "cookie",            "if-match",       "content-type",  "Content-Length", "cache-control",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char lines[128];
        snprintf(lines, sizeof lines, "a: 1\r\n%s: x\r\nb: 2\r\n", names[i]);
        check(lines, "a: 1\r\nb: 2\r\n");
        snprintf(lines, sizeof lines, "%s: x\r\n", names[i]);
        check(lines, "");
    }
}

static void only_whole_names_are_meant(void **state)
{
    check("hosts: 1\r\nx-te: 2\r\nx-forwarded-: 3\r\nifs: 4\r\n",
          "hosts: 1\r\nx-te: 2\r\nx-forwarded-: 3\r\nifs: 4\r\n");
}

static void more_than_the_arena_holds_is_an_error(void **state)
{
    struct nw_arena arena;
    char first[16], lines[] = "x-long: 0123456789012345678901234567890123456789\r\n";
    nw_arena_init(&arena, first, sizeof first, 32);
    struct nw_slice got;
    assert_int_equal(gate_trailers_pick(nw_slice_str(lines), &arena, &got), NW_NO_MEMORY);
    nw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_trailers_are_for_passes),
        cmocka_unit_test(what_frames_routes_or_authenticates_does_not),
        cmocka_unit_test(only_whole_names_are_meant),
        cmocka_unit_test(more_than_the_arena_holds_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
