/* Deadlines and graces. The clock is moved; no test waits for it. */
#include "core_run.h"

static void nest(void)
{
    uint64_t start_ms = nw_now_ms();
    CHECK(nw_deadline_left_ms() == NW_NEVER);
    NW_WITHIN(outer, 5000);
    CHECK(nw_deadline_left_ms() <= 5000);
    {
        NW_WITHIN(inner, 1000);
        NW_WITHIN(unlimited, 0);
        CHECK(nw_deadline_left_ms() <= 1000);
        nw_clock_advance_ms(the_runtime(), 1000);
        CHECK(nw_sleep(4000) == NW_TIMEOUT);
        CHECK(nw_within_ran_out(&inner));
        CHECK(!nw_within_ran_out(&outer) && !nw_within_ran_out(&unlimited));
        CHECK_EQ(nw_deadline_left_ms(), 0);
        CHECK(nw_sleep(0) == NW_TIMEOUT);
        nw_within_restart(&inner, 500);
        CHECK(nw_sleep(1) == NW_OK);
        CHECK(!nw_within_ran_out(&inner));
    }
    CHECK(nw_sleep(1) == NW_OK);
    {
        NW_WITHIN(far, 60000);
        nw_clock_advance_ms(the_runtime(), 4000);
        CHECK(nw_sleep(30000) == NW_TIMEOUT);
        CHECK(!nw_within_ran_out(&far) && nw_within_ran_out(&outer));
    }
    CHECK(nw_now_ms() - start_ms >= 5000);
}

static void the_nearest_deadline_counts_and_knows_that_it_ran_out(void **state)
{
    core_run(1, nest);
}

static void inner_and_outer(void)
{
    NW_WITHIN(outer, 1000);
    NW_WITHIN(inner, 500);
    nw_clock_advance_ms(the_runtime(), 2000);
    CHECK(nw_sleep(5000) == NW_TIMEOUT);
    CHECK(!nw_within_ran_out(&inner)); /* the outer one passed too: nobody may go on */
    CHECK(nw_within_ran_out(&outer));
}

static void when_both_passed_it_was_the_outer_one(void **state)
{
    core_run(1, inner_and_outer);
}

static uint64_t child_left_ms;

static void note_deadline(void *arg)
{
    child_left_ms = nw_deadline_left_ms();
}

static void inherit(void)
{
    struct nw_scope scope, free_scope;
    nw_scope_open(&free_scope);
    NW_WITHIN(outer, 1000);
    nw_scope_open(&scope);
    NW_WITHIN(later, 10); /* opened after the scope: not its children's business */
    CHECK(nw_scope_spawn(&scope, "child", note_deadline, NULL, NULL) == NW_OK);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK(child_left_ms > 10 && child_left_ms <= 1000);
    CHECK(nw_scope_spawn(&free_scope, "child", note_deadline, NULL, NULL) == NW_OK);
    CHECK(nw_scope_join(&free_scope) == NW_OK);
    CHECK(child_left_ms == NW_NEVER);
}

static void children_inherit_what_stood_when_their_scope_opened(void **state)
{
    core_run(1, inherit);
}

static void grace_after_timeout(void)
{
    {
        NW_WITHIN(request, 1000);
        nw_clock_advance_ms(the_runtime(), 1000);
        CHECK(nw_sleep(5000) == NW_TIMEOUT);
        CHECK(nw_grace(3000));
        CHECK(nw_deadline_left_ms() <= 3000 && nw_deadline_left_ms() > 2000);
        CHECK(nw_sleep(1) == NW_OK);
        {
            NW_WITHIN(rollback, 100);
            nw_clock_advance_ms(the_runtime(), 100);
            CHECK(nw_sleep(2000) == NW_TIMEOUT); /* blocks within the grace count */
            CHECK(nw_grace(3000) == false);
        }
        CHECK(nw_sleep(1) == NW_OK);
        nw_clock_advance_ms(the_runtime(), 3000);
        CHECK(nw_sleep(5000) == NW_TIMEOUT);
        CHECK(nw_sleep(1) == NW_TIMEOUT); /* the old deadline stands again, passed as it is */
    }
    CHECK(nw_sleep(1) == NW_OK);
    CHECK(!nw_grace(1));
}

static void a_grace_follows_a_timeout_once(void **state)
{
    core_run(1, grace_after_timeout);
}

static void closing_block(void)
{
    NW_WITHIN(outer, 1000);
    nw_clock_advance_ms(the_runtime(), 1000);
    CHECK(nw_sleep(5000) == NW_TIMEOUT);
    {
        NW_WITHIN(inner, 10000);
        CHECK(nw_grace(3000));
    }
    CHECK(nw_sleep(1) == NW_OK); /* outer is still set aside */
}

static void a_grace_outlives_the_block_it_was_opened_in(void **state)
{
    core_run(1, closing_block);
}

static int steps;

static void clean_up_after_cancel(void *arg)
{
    CHECK(nw_sleep(100000) == NW_CANCELLED);
    CHECK(nw_grace(1000));
    CHECK(!nw_fiber_is_cancelled());
    CHECK(nw_sleep(1) == NW_OK);
    steps = 1;
    CHECK(nw_sleep(50000) == NW_CANCELLED); /* the grace ran out */
    CHECK(nw_fiber_is_cancelled());
    steps = 2;
}

static void grace_after_cancel(void)
{
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    steps = 0;
    CHECK(nw_scope_spawn(&scope, "cleaner", clean_up_after_cancel, NULL, &fiber) == NW_OK);
    pass_turns(1);
    nw_fiber_cancel(fiber);
    while (steps == 0)
        let_others_run();
    pass_turns(2);
    nw_fiber_cancel(fiber); /* a second cancellation does not break the grace */
    pass_turns(2);
    CHECK_EQ(steps, 1);
    advance(1000);
    CHECK_EQ(steps, 2);
    CHECK(nw_scope_join(&scope) == NW_OK);
}

static void a_grace_sets_cancellation_aside_for_its_time(void **state)
{
    core_run(1, grace_after_cancel);
}

static void many_waits(void)
{
    struct nw_worker *worker = nw_worker_self();
    struct nw_fiber *self = nw_fiber_self();
    NW_WITHIN(request, 60000);
    CHECK(nw_sleep(0) == NW_OK);
    uint64_t at_ms = self->timer.at_ms;
    for (int i = 0; i < 10; i++) {
        nw_within_restart(&request, 60000 + (uint64_t)i);
        CHECK(nw_sleep(0) == NW_OK);
        CHECK(self->timer.at_ms == at_ms);
    }
    NW_WITHIN(nearer, 500);
    CHECK(nw_sleep(0) == NW_OK);
    CHECK(self->timer.at_ms <= worker->now_ms + 500);
}

static void a_wait_whose_deadline_is_no_nearer_leaves_the_timer_alone(void **state)
{
    core_run(1, many_waits);
}

static void far_deadline(void)
{
    NW_WITHIN(request, 1000);
    CHECK(nw_sleep(0) == NW_OK); /* arms for 1,000 */
    nw_within_restart(&request, 5000);
    uint64_t start_ms = nw_now_ms();
    struct nw_fiber *slot = NULL;
    nw_clock_advance_ms(the_runtime(), 1000); /* fires early and arms again */
    CHECK(nw_sleep(2) == NW_OK);
    nw_clock_advance_ms(the_runtime(), 4000);
    CHECK(nw_fiber_wait(&slot) == NW_TIMEOUT);
    CHECK(nw_now_ms() - start_ms >= 5000);
}

static void a_timer_that_fired_too_early_is_armed_again(void **state)
{
    core_run(1, far_deadline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_deadline_counts_and_knows_that_it_ran_out),
        cmocka_unit_test(when_both_passed_it_was_the_outer_one),
        cmocka_unit_test(children_inherit_what_stood_when_their_scope_opened),
        cmocka_unit_test(a_grace_follows_a_timeout_once),
        cmocka_unit_test(a_grace_outlives_the_block_it_was_opened_in),
        cmocka_unit_test(a_grace_sets_cancellation_aside_for_its_time),
        cmocka_unit_test(a_wait_whose_deadline_is_no_nearer_leaves_the_timer_alone),
        cmocka_unit_test(a_timer_that_fired_too_early_is_armed_again),
    };
    return cmocka_run_group_tests_name("io/deadline", tests, NULL, NULL);
}
