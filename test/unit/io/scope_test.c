/* Scopes: closing joins, cancellation reaches every wait, nothing outlives its scope. */
#include "core_run.h"
#include "io/offload.h"

static int ended;

static void sleep_forever(void *arg)
{
    CHECK(nw_sleep(1000000) == NW_CANCELLED);
    CHECK(nw_fiber_is_cancelled());
    CHECK(nw_sleep(1) == NW_CANCELLED); /* and so does every later wait */
    ended++;
}

static void close_joins(void)
{
    struct nw_scope scope;
    nw_scope_open(&scope);
    ended = 0;
    for (int i = 0; i < 5; i++)
        CHECK(nw_scope_spawn(&scope, "sleeper", sleep_forever, NULL, NULL) == NW_OK);
    let_others_run();
    CHECK_EQ(ended, 0);
    nw_scope_close(&scope);
    CHECK_EQ(ended, 5);
    CHECK_EQ(scope.count, 0);
}

static void closing_cancels_and_waits_for_all_children(void **state)
{
    core_run(1, close_joins);
}

static void see_that_it_is_cancelled(void *arg)
{
    CHECK(nw_fiber_is_cancelled());
    CHECK(nw_fiber_check() == NW_CANCELLED);
    ended++;
}

static void born_cancelled(void)
{
    struct nw_scope scope;
    nw_scope_open(&scope);
    nw_scope_cancel(&scope);
    ended = 0;
    CHECK(nw_scope_spawn(&scope, "late", see_that_it_is_cancelled, NULL, NULL) == NW_OK);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK_EQ(ended, 1);
}

static void a_child_of_a_cancelled_scope_is_born_cancelled(void **state)
{
    core_run(1, born_cancelled);
}

static void stubborn(void *arg)
{
    struct nw_event *release = arg;
    CHECK(nw_sleep(1000000) == NW_CANCELLED);
    CHECK(nw_grace(5000));
    CHECK(nw_event_wait(release) == NW_OK);
    ended++;
}

static void set_event(struct nw_timer *timer);
struct release {
    struct nw_timer timer;
    struct nw_event event;
};
static void set_event(struct nw_timer *timer)
{
    nw_event_set(&NW_CONTAINER_OF(timer, struct release, timer)->event);
}

static void owner_is_late(void *arg)
{
    struct release release;
    nw_event_init(&release.event);
    nw_timer_init(&release.timer, set_event);
    struct nw_scope scope;
    nw_scope_open(&scope);
    CHECK(nw_scope_spawn(&scope, "stubborn", stubborn, &release.event, NULL) == NW_OK);
    CHECK(nw_scope_join(&scope) == NW_CANCELLED);
    CHECK_EQ(scope.count, 1);
    nw_timer_arm(&release.timer, 2);
    nw_scope_close(&scope); /* although this fiber is cancelled itself */
    CHECK_EQ(ended, 1);
}

static void late_owner(void)
{
    struct nw_scope scope;
    nw_scope_open(&scope);
    ended = 0;
    CHECK(nw_scope_spawn(&scope, "owner", owner_is_late, NULL, NULL) == NW_OK);
    pass_turns(2);
    nw_scope_close(&scope);
    CHECK_EQ(ended, 1);
}

static void even_a_cancelled_owner_waits_for_its_children(void **state)
{
    core_run(1, late_owner);
}

static void join_with_deadline(void)
{
    struct nw_scope scope;
    nw_scope_open(&scope);
    ended = 0;
    CHECK(nw_scope_spawn(&scope, "sleeper", sleep_forever, NULL, NULL) == NW_OK);
    {
        NW_WITHIN(soon, 1);
        CHECK(nw_scope_join(&scope) == NW_TIMEOUT);
        CHECK(nw_within_ran_out(&soon));
    }
    CHECK_EQ(scope.count, 1);
    nw_scope_close(&scope);
    CHECK_EQ(ended, 1);
}

static void a_join_that_times_out_leaves_the_children_alone(void **state)
{
    core_run(1, join_with_deadline);
}

/* ---- Every wait can be cancelled ---- */

static struct nw_event never;
static struct nw_semaphore none;

static void wait_event(void *arg)
{
    *(nw_err *)arg = nw_event_wait(&never);
}
static void wait_semaphore(void *arg)
{
    *(nw_err *)arg = nw_semaphore_take(&none);
}
static void wait_ticket(void *arg)
{
    struct nw_ticket ticket;
    void *value;
    nw_ticket_init(&ticket);
    *(nw_err *)arg = nw_ticket_wait(&ticket, &value);
    CHECK(!nw_ticket_grant(&ticket, NULL)); /* lost: the granter has to pass it on */
}
static void wait_sleep(void *arg)
{
    *(nw_err *)arg = nw_sleep(1000000);
}
static void wait_fine_sleep(void *arg)
{
    *(nw_err *)arg = nw_sleep_until_ns(nw_io_now_ns() + 1000000000000);
}
static void wait_slot(void *arg)
{
    struct nw_fiber *slot = NULL;
    *(nw_err *)arg = nw_fiber_wait(&slot);
    CHECK(slot == NULL);
}
static void wait_yield(void *arg)
{
    while ((*(nw_err *)arg = nw_fiber_yield()) == NW_OK)
        ;
}
static void wait_join(void *arg)
{
    struct nw_scope scope;
    nw_err ignored;
    nw_scope_open(&scope);
    CHECK(nw_scope_spawn(&scope, "inner", wait_event, &ignored, NULL) == NW_OK);
    *(nw_err *)arg = nw_scope_join(&scope);
    nw_scope_close(&scope);
}

static const nw_fiber_fn waits[] = {wait_event, wait_semaphore, wait_ticket, wait_sleep,
                                    wait_fine_sleep, wait_slot, wait_yield, wait_join};

static void end_every_wait(uint64_t within_ms, nw_err expected)
{
    nw_event_init(&never);
    nw_semaphore_init(&none, 0);
    for (size_t i = 0; i < NW_COUNT(waits); i++) {
        nw_err err = NW_OK;
        struct nw_scope scope;
        NW_WITHIN(limit, within_ms);
        nw_scope_open(&scope);
        CHECK(nw_scope_spawn(&scope, "waiter", waits[i], &err, NULL) == NW_OK);
        pass_turns(1);
        if (expected == NW_CANCELLED)
            nw_scope_close(&scope);
        else
            while (scope.count != 0)
                let_others_run();
        CHECK_EQ(err, expected);
    }
    CHECK(nw_list_is_empty(&never.waiters) && nw_list_is_empty(&none.waiters));
    CHECK(nw_list_is_empty(&nw_worker_self()->fine_sleepers));
}

static void cancel_all(void)
{
    end_every_wait(0, NW_CANCELLED);
}

static void every_wait_ends_by_cancellation(void **state)
{
    core_run(1, cancel_all);
}

static void time_out_all(void)
{
    end_every_wait(2, NW_TIMEOUT);
}

static void every_wait_ends_by_an_inherited_deadline(void **state)
{
    core_run(1, time_out_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_cancels_and_waits_for_all_children),
        cmocka_unit_test(a_child_of_a_cancelled_scope_is_born_cancelled),
        cmocka_unit_test(even_a_cancelled_owner_waits_for_its_children),
        cmocka_unit_test(a_join_that_times_out_leaves_the_children_alone),
        cmocka_unit_test(every_wait_ends_by_cancellation),
        cmocka_unit_test(every_wait_ends_by_an_inherited_deadline),
    };
    return cmocka_run_group_tests_name("io/scope", tests, NULL, NULL);
}
