/* The contracts of conf/generation.h and conf/section.h. */
#include "conf/generation.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RIGHT "newel: 1\nlisten: 127.0.0.1:0\n"

/* Two parts that write down what is asked of them: "a" and "b". */
struct part {
    char name;
    struct nw_text *log;
    bool refuses_check;
    bool refuses_build;
    bool refuses_admit;
    bool is_ready;
};

static void note(struct part *part, const char *what)
{
    nw_text_addf(part->log, "%c.%s ", part->name, what);
}

static void part_check(void *self, const struct nw_conf *conf, struct nw_diag *diag)
{
    struct part *part = self;
    note(part, "check");
    if (part->refuses_check)
        nw_conf_blame(conf, &conf->block, "listen", NULL, diag, "part %c cannot", part->name);
}

static nw_err part_build(void *self, struct nw_generation *generation, struct nw_diag *diag,
                         void **out_part)
{
    struct part *part = self;
    note(part, "build");
    if (part->refuses_build)
        return NW_NO_MEMORY;
    *out_part = part;
    return NW_OK;
}

static void part_drop(void *self, void *built)
{
    assert_ptr_equal(self, built);
    note(self, "drop");
}

static nw_err part_admit(void *self, const struct nw_generation *old,
                         const struct nw_generation *next, struct nw_diag *diag)
{
    struct part *part = self;
    note(part, "admit");
    return part->refuses_admit ? NW_BUSY : NW_OK;
}

static void part_adopt(void *self, const struct nw_generation *old, struct nw_generation *next)
{
    note(self, "adopt");
}

static void part_start(void *self, struct nw_generation *next)
{
    note(self, "start");
}

static void part_drain(void *self, struct nw_generation *old)
{
    note(self, "drain");
}

static void part_stop(void *self)
{
    note(self, "stop");
}

static bool part_is_ready(void *self, struct nw_text *why)
{
    const struct part *part = self;
    if (!part->is_ready)
        nw_text_add_char(why, part->name);
    return part->is_ready;
}

static void swap(void *arg, struct nw_generation *next)
{
    nw_text_addf(arg, "swap%d ", (int)next->number);
}

static struct nw_text events;
static struct part a = {.name = 'a', .log = &events}, b = {.name = 'b', .log = &events};

#define PART(part_name, state)                                                                     \
    {.name = part_name, .self = state, .check = part_check, .build = part_build,                   \
     .drop = part_drop, .admit = part_admit, .adopt = part_adopt, .start = part_start,             \
     .drain = part_drain, .stop = part_stop, .is_ready = part_is_ready}

static const struct nw_section items[] = {PART("a", &a), {.name = "idle"}, PART("b", &b)};
static const struct nw_sections sections = {items, NW_COUNT(items)};

static nw_err load(const char *text, uint64_t number, struct nw_diag *diag,
                   struct nw_generation **out)
{
    nw_diag_init(diag);
    return nw_conf_load(nw_slice_str(text), "newel.yaml", NULL, &sections, number, diag, out);
}

static int reset(void **state)
{
    nw_text_done(&events);
    a.refuses_check = a.refuses_build = a.refuses_admit = false;
    b.refuses_check = b.refuses_build = b.refuses_admit = false;
    return 0;
}

static void the_last_reference_drops_the_parts_in_reverse(void **state)
{
    struct nw_generation *generation = NULL;
    struct nw_diag diag;
    assert_int_equal(load(RIGHT, 3, &diag, &generation), NW_OK);
    assert_int_equal(generation->number, 3);
    assert_ptr_equal(nw_generation_part(generation, "a"), &a);
    assert_null(nw_generation_part(generation, "idle"));
    assert_null(nw_generation_part(generation, "nobody"));
    assert_ptr_equal(nw_generation_ref(generation), generation);
    nw_generation_unref(generation);
    assert_string_equal(events.ptr, "a.check b.check a.build b.build ");
    nw_generation_unref(generation);
    assert_string_equal(events.ptr, "a.check b.check a.build b.build b.drop a.drop ");
    nw_generation_unref(NULL);
    nw_diag_done(&diag);
}

static void every_part_is_asked_before_a_load_fails(void **state)
{
    struct nw_generation *generation = NULL;
    struct nw_diag diag;
    a.refuses_check = b.refuses_check = true;
    assert_int_equal(load(RIGHT, 1, &diag, &generation), NW_INVALID);
    assert_null(generation);
    assert_int_equal(diag.error_count, 2);
    assert_int_equal(diag.items[0].line, 2);
    assert_string_equal(events.ptr, "a.check b.check ");
    nw_diag_done(&diag);
}

static void a_failed_build_leaves_nothing_behind(void **state)
{
    struct nw_generation *generation = NULL;
    struct nw_diag diag;
    b.refuses_build = true;
    assert_int_equal(load(RIGHT, 1, &diag, &generation), NW_NO_MEMORY);
    assert_null(generation);
    assert_string_equal(events.ptr, "a.check b.check a.build b.build a.drop ");
    nw_diag_done(&diag);
}

static void a_switch_asks_in_order_and_drains_in_reverse(void **state)
{
    struct nw_generation *old = NULL, *next = NULL;
    struct nw_diag diag, again;
    assert_int_equal(load(RIGHT, 1, &diag, &old), NW_OK);
    assert_int_equal(load(RIGHT "drain: 1s\n", 2, &again, &next), NW_OK);
    nw_text_clear(&events);
    assert_int_equal(nw_generation_switch(NULL, old, swap, &events, &diag), NW_OK);
    assert_string_equal(events.ptr, "a.admit b.admit a.adopt b.adopt swap1 a.start b.start ");
    nw_text_clear(&events);
    assert_int_equal(nw_generation_switch(old, next, swap, &events, &diag), NW_OK);
    assert_string_equal(events.ptr, "a.admit b.admit a.adopt b.adopt swap2 a.start b.start "
                                    "b.drain a.drain ");
    nw_text_clear(&events);
    nw_sections_stop(&sections);
    assert_string_equal(events.ptr, "b.stop a.stop ");
    nw_generation_unref(old);
    nw_generation_unref(next);
    nw_diag_done(&diag);
    nw_diag_done(&again);
}

static void a_refused_switch_changes_nothing(void **state)
{
    struct nw_generation *old = NULL, *next = NULL;
    struct nw_diag diag, again;
    assert_int_equal(load(RIGHT, 1, &diag, &old), NW_OK);
    assert_int_equal(load(RIGHT "threads: 4\n", 2, &again, &next), NW_OK);
    nw_text_clear(&events);
    assert_int_equal(nw_generation_switch(old, next, swap, &events, &diag), NW_INVALID);
    assert_string_equal(events.ptr, "a.admit b.admit ");
    assert_string_equal(diag.items[0].path, "threads");
    nw_text_clear(&events);
    a.refuses_admit = true;
    assert_int_equal(nw_generation_switch(old, old, swap, &events, &diag), NW_BUSY);
    assert_string_equal(events.ptr, "a.admit b.admit ");
    nw_generation_unref(old);
    nw_generation_unref(next);
    nw_diag_done(&diag);
    nw_diag_done(&again);
}

static void readiness_names_who_is_missing(void **state)
{
    struct nw_text who = {0};
    a.is_ready = true;
    b.is_ready = false;
    assert_false(nw_sections_are_ready(&sections, &who));
    assert_string_equal(who.ptr, "b");
    nw_text_clear(&who);
    b.is_ready = true;
    assert_true(nw_sections_are_ready(&sections, &who));
    assert_int_equal(who.len, 0);
    nw_text_done(&who);
}

static int clear_events(void **state)
{
    nw_text_done(&events);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_reference_drops_the_parts_in_reverse, reset),
        cmocka_unit_test_setup(every_part_is_asked_before_a_load_fails, reset),
        cmocka_unit_test_setup(a_failed_build_leaves_nothing_behind, reset),
        cmocka_unit_test_setup(a_switch_asks_in_order_and_drains_in_reverse, reset),
        cmocka_unit_test_setup(a_refused_switch_changes_nothing, reset),
        cmocka_unit_test_setup(readiness_names_who_is_missing, reset),
    };
    return cmocka_run_group_tests(tests, NULL, clear_events);
}
