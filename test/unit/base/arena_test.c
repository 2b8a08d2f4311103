/* The contract of base/arena.h. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_first_piece_is_used_before_the_heap(void **state)
{
    char first[256];
    struct nw_arena arena;
    nw_arena_init(&arena, first, sizeof first, 1 << 20);
    char *at = nw_arena_try(&arena, 100);
    assert_true(at >= first && at + 100 <= first + sizeof first);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(nw_arena_try(&arena, 200));
    assert_true(arena.used_bytes > 0);
    nw_arena_done(&arena);
}

static void the_bound_holds_and_reset_gives_everything_back(void **state)
{
    struct nw_arena arena;
    nw_arena_init(&arena, NULL, 0, 64 * 1024);
    size_t got_bytes = 0;
    while (nw_arena_try(&arena, 1000) != NULL)
        got_bytes += 1000;
    assert_in_range(got_bytes, 20 * 1024, 64 * 1024);
    nw_arena_reset(&arena);
    assert_non_null(nw_arena_try(&arena, 1000));
    assert_null(nw_arena_try(&arena, 1 << 20));
    nw_arena_done(&arena);
}

static void everything_is_aligned(void **state)
{
    struct nw_arena arena;
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    for (size_t bytes = 1; bytes < 100; bytes++)
        assert_int_equal((uintptr_t)nw_arena_try(&arena, bytes) % 16, 0);
    nw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_piece_is_used_before_the_heap),
        cmocka_unit_test(the_bound_holds_and_reset_gives_everything_back),
        cmocka_unit_test(everything_is_aligned),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
