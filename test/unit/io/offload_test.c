/* Lanes: results, order, the bound, and what happens to jobs whose fiber is late or cancelled. */
#include <pthread.h>

#include "core_run.h"
#include "io/offload_impl.h"

/* A job that says that it began and ends when it is told to. */
struct stop_sign {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool has_begun;
    bool may_end;
};

static void sign_set(struct stop_sign *sign, bool *flag)
{
    pthread_mutex_lock(&sign->mutex);
    *flag = true;
    pthread_cond_broadcast(&sign->changed);
    pthread_mutex_unlock(&sign->mutex);
}

static void sign_await(struct stop_sign *sign, const bool *flag)
{
    pthread_mutex_lock(&sign->mutex);
    while (!*flag)
        pthread_cond_wait(&sign->changed, &sign->mutex);
    pthread_mutex_unlock(&sign->mutex);
}

static struct stop_sign sign;
static bool other_ran;

static void sign_reset(void)
{
    sign = (struct stop_sign){.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    other_ran = false;
}

static nw_err hold(void *arg)
{
    CHECK(nw_worker_self() == NULL);
    sign_set(&sign, &sign.has_begun);
    sign_await(&sign, &sign.may_end);
    return NW_DISK_FULL;
}

static nw_err mark(void *arg)
{
    *(bool *)arg = true;
    return NW_OK;
}

static void offload_hold(void *arg)
{
    *(nw_err *)arg = nw_offload(nw_lane_reload(the_runtime()), hold, NULL);
}

static void offload_mark(void *arg)
{
    *(nw_err *)arg = nw_offload(nw_lane_reload(the_runtime()), mark, &other_ran);
}

static void results(void)
{
    bool has_run = false;
    CHECK(nw_offload(nw_lane_files(the_runtime()), mark, &has_run) == NW_OK);
    CHECK(has_run);
    sign_reset();
    sign.may_end = true;
    CHECK(nw_offload(nw_lane_files(the_runtime()), hold, NULL) == NW_DISK_FULL);
}

static void the_jobs_result_comes_back(void **state)
{
    core_run(1, results);
}

static void begun_and_waiting(void)
{
    nw_err held = NW_OK, queued = NW_OK;
    struct nw_scope scope;
    struct nw_fiber *holder, *waiter;
    sign_reset();
    nw_scope_open(&scope);
    CHECK(nw_scope_spawn(&scope, "holder", offload_hold, &held, &holder) == NW_OK);
    pass_turns(1);
    sign_await(&sign, &sign.has_begun);
    CHECK(nw_scope_spawn(&scope, "waiter", offload_mark, &queued, &waiter) == NW_OK);
    pass_turns(1);
    nw_fiber_cancel(holder);
    nw_fiber_cancel(waiter);
    pass_turns(2);
    CHECK_EQ(queued, NW_CANCELLED); /* taken back */
    CHECK_EQ(scope.count, 1);       /* the begun one is waited for */
    sign_set(&sign, &sign.may_end);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK_EQ(held, NW_DISK_FULL); /* and its result is the truth */
    CHECK(!other_ran);
}

static void a_begun_job_is_waited_for_and_a_queued_one_taken_back(void **state)
{
    core_run(1, begun_and_waiting);
}

static struct nw_lane *narrow;

static void offload_narrow(void *arg)
{
    *(nw_err *)arg = nw_offload(narrow, hold, NULL);
}

static void at_the_bound(void)
{
    nw_err errs[3] = {NW_OK, NW_OK, NW_OK};
    struct nw_scope scope;
    sign_reset();
    narrow = nw_lane_new(the_runtime(),
                         &(struct nw_lane_options){.name = "narrow", .threads = 1, .bound = 2});
    nw_scope_open(&scope);
    for (int i = 0; i < 3; i++)
        CHECK(nw_scope_spawn(&scope, "job", offload_narrow, &errs[i], NULL) == NW_OK);
    pass_turns(2);
    CHECK_EQ(errs[2], NW_BUSY);
    sign_set(&sign, &sign.may_end);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK(errs[0] == NW_DISK_FULL && errs[1] == NW_DISK_FULL);
}

static void beyond_its_bound_a_lane_is_busy(void **state)
{
    core_run(1, at_the_bound);
}

enum { JOBS = 200 };
static int sequence[JOBS], sequence_count;

static nw_err note_number(void *arg)
{
    sequence[sequence_count++] = *(int *)arg; /* one thread: no lock needed */
    return NW_OK;
}

static void offload_number(void *arg)
{
    CHECK(nw_offload(narrow, note_number, arg) == NW_OK);
}

static void in_order(void)
{
    static int numbers[JOBS];
    struct nw_scope scope;
    narrow = nw_lane_new(the_runtime(),
                         &(struct nw_lane_options){.name = "order", .threads = 1, .bound = JOBS});
    nw_scope_open(&scope);
    for (int i = 0; i < JOBS; i++) {
        numbers[i] = i;
        CHECK(nw_scope_spawn(&scope, "job", offload_number, &numbers[i], NULL) == NW_OK);
    }
    CHECK(nw_scope_join(&scope) == NW_OK);
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(sequence[i], i);
}

static void a_lane_of_one_thread_keeps_the_order(void **state)
{
    core_run(1, in_order);
}

/* ---- As a simulation drives it ---- */

static struct nw_lane *hooked_lane;
static int hooked;

static void hook(struct nw_runtime *runtime, struct nw_lane *lane)
{
    hooked_lane = lane;
    hooked++;
}

static void hooked_fiber(void *arg)
{
    CHECK(nw_offload(nw_lane_files(the_runtime()), mark, arg) == NW_OK);
    nw_runtime_stop(the_runtime());
}

static void with_a_hook_jobs_run_when_the_driver_says(void **state)
{
    struct nw_runtime *runtime;
    bool has_run = false;
    struct nw_runtime_options options = {.backend = &nw_backend_epoll, .worker_count = 1};
    assert_int_equal(nw_runtime_new(&options, &runtime), NW_OK);
    runtime->offload_hook = hook;
    struct nw_worker *worker = nw_runtime_worker(runtime, 0);
    struct nw_worker *before = nw_worker_enter(worker);
    CHECK(nw_scope_spawn(nw_worker_root_scope(worker), "asks", hooked_fiber, &has_run, NULL) ==
          NW_OK);
    nw_loop_turn(worker, false);
    nw_loop_turn(worker, false);
    assert_int_equal(hooked, 1);
    assert_false(has_run);
    assert_true(nw_offload_run_next(hooked_lane));
    assert_true(has_run);
    assert_false(nw_offload_run_next(hooked_lane));
    for (int i = 0; i < 10 && !nw_loop_is_over(worker); i++)
        nw_loop_turn(worker, false);
    assert_true(nw_loop_is_over(worker));
    nw_worker_enter(before);
    nw_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jobs_result_comes_back),
        cmocka_unit_test(a_begun_job_is_waited_for_and_a_queued_one_taken_back),
        cmocka_unit_test(beyond_its_bound_a_lane_is_busy),
        cmocka_unit_test(a_lane_of_one_thread_keeps_the_order),
        cmocka_unit_test(with_a_hook_jobs_run_when_the_driver_says),
    };
    return cmocka_run_group_tests_name("io/offload", tests, NULL, NULL);
}
