/* What belongs to an exchange whoever carries it: notes and answer fields. */
#include "http/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_slice(slice, text)                                                                  \
    do {                                                                                           \
        assert_int_equal((slice).len, strlen(text));                                               \
        assert_memory_equal((slice).ptr, text, strlen(text));                                      \
    } while (0)

struct fixture {
    struct nw_exchange exchange;
    struct nw_arena arena;
    char first[256];
};

static struct nw_exchange *begin(struct fixture *fixture, size_t max_bytes)
{
    memset(&fixture->exchange, 0, sizeof fixture->exchange);
    nw_arena_init(&fixture->arena, fixture->first, sizeof fixture->first, max_bytes);
    fixture->exchange.arena = &fixture->arena;
    return &fixture->exchange;
}

static void notes_stand_behind_each_other(void **state)
{
    struct fixture fixture;
    struct nw_exchange *exchange = begin(&fixture, 4096);
    nw_exchange_note(exchange, "cache", NW_SLICE("hit"));
    nw_exchange_note(exchange, "age_s", NW_SLICE("12"));
    assert_slice(exchange->notes, " cache=hit age_s=12");
    nw_arena_done(&fixture.arena);
}

static void answer_fields_are_ready_lines_in_order(void **state)
{
    struct fixture fixture;
    struct nw_exchange *exchange = begin(&fixture, 4096);
    assert_int_equal(nw_exchange_answer_field(exchange, "Location", NW_SLICE("/a")), NW_OK);
    assert_int_equal(nw_exchange_answer_field(exchange, "Retry-After", NW_SLICE("1")), NW_OK);
    assert_slice(exchange->answer_lines, "Location: /a\r\nRetry-After: 1\r\n");
    nw_arena_done(&fixture.arena);
}

static void what_is_added_is_copied(void **state)
{
    struct fixture fixture;
    struct nw_exchange *exchange = begin(&fixture, 4096);
    char value[] = "first";
    nw_exchange_note(exchange, "k", nw_slice_str(value));
    assert_int_equal(nw_exchange_answer_field(exchange, "K", nw_slice_str(value)), NW_OK);
    memcpy(value, "other", 5);
    assert_slice(exchange->notes, " k=first");
    assert_slice(exchange->answer_lines, "K: first\r\n");
    nw_arena_done(&fixture.arena);
}

static void beyond_the_arena_a_field_is_refused_and_the_others_stay(void **state)
{
    struct fixture fixture;
    struct nw_exchange *exchange = begin(&fixture, 1024);
    char big[2000];
    memset(big, 'x', sizeof big);
    assert_int_equal(nw_exchange_answer_field(exchange, "A", NW_SLICE("1")), NW_OK);
    assert_int_equal(nw_exchange_answer_field(exchange, "B", nw_slice_of(big, sizeof big)),
                     NW_NO_MEMORY);
    assert_slice(exchange->answer_lines, "A: 1\r\n");
    nw_arena_done(&fixture.arena);
}

static void a_note_that_does_not_fit_is_left_out(void **state)
{
    struct fixture fixture;
    struct nw_exchange *exchange = begin(&fixture, 1024);
    char big[2000];
    memset(big, 'x', sizeof big);
    nw_exchange_note(exchange, "a", NW_SLICE("1"));
    nw_exchange_note(exchange, "b", nw_slice_of(big, sizeof big));
    nw_exchange_note(exchange, "c", NW_SLICE("3"));
    assert_slice(exchange->notes, " a=1 c=3");
    nw_arena_done(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_stand_behind_each_other),
        cmocka_unit_test(answer_fields_are_ready_lines_in_order),
        cmocka_unit_test(what_is_added_is_copied),
        cmocka_unit_test(beyond_the_arena_a_field_is_refused_and_the_others_stay),
        cmocka_unit_test(a_note_that_does_not_fit_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
