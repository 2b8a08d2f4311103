/* Events, semaphores, tickets granted from other threads, visits to every worker. */
#include <pthread.h>

#include "core_run.h"

static int woken;

static void wait_for(void *arg)
{
    CHECK(nw_event_wait(arg) == NW_OK);
    woken++;
}

static void events(void)
{
    struct nw_event event;
    struct nw_scope scope;
    nw_event_init(&event);
    nw_scope_open(&scope);
    woken = 0;
    for (int i = 0; i < 3; i++)
        CHECK(nw_scope_spawn(&scope, "waiter", wait_for, &event, NULL) == NW_OK);
    pass_turns(1);
    CHECK_EQ(woken, 0);
    nw_event_set(&event);
    nw_event_set(&event); /* a double wake is harmless */
    nw_event_clear(&event); /* those that waited are awake all the same */
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK_EQ(woken, 3);
    nw_event_set(&event);
    CHECK(nw_event_wait(&event) == NW_OK);
}

static void an_event_wakes_all_that_wait_and_stays_set(void **state)
{
    core_run(1, events);
}

static struct nw_semaphore semaphore;
static char order[8];
static int order_count;

static void take(void *arg)
{
    nw_err err = nw_semaphore_take(&semaphore);
    order[order_count++] = err == NW_OK ? *(char *)arg : '!';
}

static void first_come(void)
{
    char names[] = "abc";
    struct nw_fiber *fibers[3];
    struct nw_scope scope;
    nw_scope_open(&scope);
    nw_semaphore_init(&semaphore, 1);
    CHECK(nw_semaphore_try(&semaphore));
    CHECK(!nw_semaphore_try(&semaphore));
    for (int i = 0; i < 3; i++)
        CHECK(nw_scope_spawn(&scope, "taker", take, &names[i], &fibers[i]) == NW_OK);
    pass_turns(1);
    /* The first in line is cancelled and has not run yet: its permit goes to the next. */
    nw_fiber_cancel(fibers[0]);
    nw_semaphore_give(&semaphore);
    CHECK_EQ(semaphore.permits, 0);
    pass_turns(1);
    CHECK(order[0] == '!' && order[1] == 'b' && order_count == 2);
    nw_semaphore_give(&semaphore);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK(order[2] == 'c');
    nw_semaphore_give(&semaphore);
    CHECK_EQ(semaphore.permits, 1);
}

static void permits_go_first_come_first_served_and_never_to_the_cancelled(void **state)
{
    core_run(1, first_come);
}

/* ---- Tickets ---- */

static void granted_before_waiting(void)
{
    struct nw_ticket ticket;
    void *value = NULL;
    int gift;
    nw_ticket_init(&ticket);
    CHECK(nw_ticket_grant(&ticket, &gift));
    CHECK(!nw_ticket_grant(&ticket, NULL)); /* once */
    CHECK(nw_ticket_wait(&ticket, &value) == NW_OK);
    CHECK(value == &gift);
}

static void a_ticket_may_be_granted_before_the_wait(void **state)
{
    core_run(1, granted_before_waiting);
}

enum { TICKETS = NW_TSAN ? 3000 : 20000, GRANTERS = 3 };

/* Where waiters leave their tickets and granters find them: a queue under a lock, as a pool has. */
static struct {
    pthread_mutex_t mutex;
    struct nw_ticket *waiting;
    int permits; /* that nobody wanted */
    int granted;
    bool is_over;
} desk = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void *granter(void *arg)
{
    for (;;) {
        pthread_mutex_lock(&desk.mutex);
        bool is_over = desk.is_over;
        if (desk.waiting != NULL) {
            /* Under the lock, so that a ticket that was taken back is not touched. */
            if (nw_ticket_grant(desk.waiting, arg))
                desk.granted++;
            else
                desk.permits++;
            desk.waiting = NULL;
        }
        pthread_mutex_unlock(&desk.mutex);
        if (is_over)
            return NULL;
    }
}

static int got, lost;

static void wait_at_desk(void *arg)
{
    struct nw_ticket ticket;
    void *value = NULL;
    nw_ticket_init(&ticket);
    pthread_mutex_lock(&desk.mutex);
    bool is_free = desk.waiting == NULL;
    if (is_free)
        desk.waiting = &ticket;
    pthread_mutex_unlock(&desk.mutex);
    if (!is_free)
        return;
    nw_err err = nw_ticket_wait(&ticket, &value);
    pthread_mutex_lock(&desk.mutex);
    if (desk.waiting == &ticket)
        desk.waiting = NULL;
    pthread_mutex_unlock(&desk.mutex);
    if (err == NW_OK) {
        CHECK(value == &desk);
        got++;
    } else {
        CHECK(err == NW_CANCELLED);
        lost++;
    }
}

static void race(void)
{
    pthread_t threads[GRANTERS];
    for (int i = 0; i < GRANTERS; i++)
        CHECK(pthread_create(&threads[i], NULL, granter, &desk) == 0);
    for (int i = 0; i < TICKETS; i++) {
        struct nw_scope scope;
        nw_scope_open(&scope);
        CHECK(nw_scope_spawn(&scope, "at desk", wait_at_desk, NULL, NULL) == NW_OK);
        for (int spins = i % 3; spins > 0; spins--)
            let_others_run();
        nw_scope_close(&scope); /* cancels in the middle of the grant, before it, behind it */
    }
    pthread_mutex_lock(&desk.mutex);
    desk.is_over = true;
    pthread_mutex_unlock(&desk.mutex);
    for (int i = 0; i < GRANTERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(got, desk.granted);
    CHECK_EQ(got + lost, TICKETS);
}

static void exactly_one_of_grant_and_cancel_wins(void **state)
{
    core_run(1, race);
}

/* ---- Every worker ---- */

static _Atomic unsigned visits;
static _Atomic uint64_t seen_workers;

static void visit(void *arg)
{
    CHECK(arg == &visits && nw_fiber_self() == NULL);
    atomic_fetch_add(&visits, 1);
    atomic_fetch_or(&seen_workers, 1ull << nw_worker_index(nw_worker_self()));
}

static void everywhere(void)
{
    for (int round = 0; round < 100; round++)
        nw_on_every_worker(visit, &visits);
    CHECK_EQ(visits, 400);
    CHECK_EQ(seen_workers, 15);
    /* Also by a fiber whose time is up. */
    NW_WITHIN(limit, 1);
    nw_clock_advance_ms(the_runtime(), 5);
    while (nw_fiber_check() == NW_OK)
        let_others_run();
    nw_on_every_worker(visit, &visits);
    CHECK_EQ(visits, 404);
}

static void every_worker_is_visited_once_before_it_returns(void **state)
{
    core_run(4, everywhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_wakes_all_that_wait_and_stays_set),
        cmocka_unit_test(permits_go_first_come_first_served_and_never_to_the_cancelled),
        cmocka_unit_test(a_ticket_may_be_granted_before_the_wait),
        cmocka_unit_test(exactly_one_of_grant_and_cancel_wins),
        cmocka_unit_test(every_worker_is_visited_once_before_it_returns),
    };
    return cmocka_run_group_tests_name("io/sync", tests, NULL, NULL);
}
