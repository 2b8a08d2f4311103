/* Fibers: order, many of them, the big stack, overflow, what is shown of them. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "core_run.h"

static struct nw_text trace;

static void add_and_yield(void *arg)
{
    for (int i = 0; i < 3; i++) {
        nw_text_add_char(&trace, *(char *)arg);
        CHECK(nw_fiber_yield() == NW_OK);
    }
}

static void two_take_turns(void)
{
    char a = 'a', b = 'b';
    struct nw_scope scope;
    nw_scope_open(&scope);
    CHECK(nw_scope_spawn(&scope, "a", add_and_yield, &a, NULL) == NW_OK);
    CHECK(nw_scope_spawn(&scope, "b", add_and_yield, &b, NULL) == NW_OK);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK(nw_slice_eq(nw_text_slice(&trace), NW_SLICE("ababab")));
    nw_text_done(&trace);
}

static void fibers_run_in_the_order_in_which_they_became_ready(void **state)
{
    core_run(1, two_take_turns);
}

enum { MANY = NW_TSAN ? 1000 : 10000 };

static unsigned arrived;
static struct nw_event gate;

static void arrive_and_wait(void *arg)
{
    char local[256];
    memset(local, (int)(uintptr_t)arg & 255, sizeof local);
    arrived++;
    CHECK(nw_event_wait(&gate) == NW_OK);
    for (size_t i = 0; i < sizeof local; i++)
        CHECK(local[i] == (char)((uintptr_t)arg & 255));
    arrived--;
}

static void many(void)
{
    struct nw_scope scope;
    nw_event_init(&gate);
    for (int round = 0; round < 2; round++) {
        nw_scope_open(&scope);
        nw_event_clear(&gate);
        for (uintptr_t i = 0; i < MANY; i++)
            CHECK(nw_scope_spawn(&scope, "one of many", arrive_and_wait, (void *)i, NULL) == NW_OK);
        while (arrived != MANY)
            CHECK(nw_fiber_yield() == NW_OK);
        CHECK_EQ(atomic_load(&the_runtime()->stack_count), MANY + 1); /* the second round reuses */
        nw_event_set(&gate);
        CHECK(nw_scope_join(&scope) == NW_OK);
        CHECK_EQ(arrived, 0);
    }
    /* Half of what was not needed goes every second. */
    for (int i = 0; i < 20; i++)
        advance(1000);
    CHECK(atomic_load(&the_runtime()->stack_count) <= NW_STACKS_KEPT + 1);
}

static void ten_thousand_fibers_keep_their_own_stacks_which_are_given_back_when_quiet(void **state)
{
    core_run(1, many);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void at_the_bound(void)
{
    struct nw_scope scope;
    nw_scope_open(&scope);
    CHECK(nw_runtime_can_admit(the_runtime()));
    for (int i = 0; i < 9; i++)
        CHECK(nw_scope_spawn(&scope, "child", nothing, NULL, NULL) == NW_OK);
    CHECK(!nw_runtime_can_admit(the_runtime()));
    CHECK(nw_scope_spawn(&scope, "child", nothing, NULL, NULL) == NW_BUSY);
    CHECK(nw_scope_join(&scope) == NW_OK);
    CHECK(nw_runtime_can_admit(the_runtime()));
    CHECK(nw_scope_spawn(&scope, "child", nothing, NULL, NULL) == NW_OK);
    nw_scope_close(&scope);
}

static void beyond_the_bound_a_spawn_is_refused(void **state)
{
    struct nw_runtime_options options = {
        .backend = &nw_backend_epoll, .worker_count = 1, .fibers_max = 10};
    core_run_with(&options, at_the_bound);
}

static unsigned recurse(unsigned depth)
{
    volatile char frame[1024];
    frame[depth % sizeof frame] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + (frame[depth % sizeof frame] == (char)depth);
}

static void recurse_deep(void *arg)
{
    *(unsigned *)arg = recurse(2000); /* two megabytes */
}

static void deep(void)
{
    unsigned sum = 0;
    nw_run_on_big_stack(recurse_deep, &sum);
    CHECK_EQ(sum, 2000);
    CHECK(nw_fiber_yield() == NW_OK);
    CHECK(strcmp(nw_fiber_name(nw_fiber_self()), "start") == 0);
}

static void deep_recursion_runs_on_the_threads_own_stack(void **state)
{
    core_run(1, deep);
}

static void touch(unsigned kib)
{
    volatile char frame[1024];
    frame[0] = (char)kib;
    if (kib != 0)
        touch(kib - 1);
    frame[1] = frame[0];
}

static void high_water(void)
{
    size_t before = nw_fiber_stack_high_water();
    CHECK(before > 0 && before <= NW_FIBER_STACK_BYTES / 2);
    touch(30);
    CHECK(nw_fiber_stack_high_water() >= 30 * 1024);
}

static void the_deepest_use_of_a_stack_is_known(void **state)
{
    if (NW_ASAN || NW_TSAN)
        skip(); /* their frames have other sizes, their stacks too */
    core_run(1, high_water);
}

static void overflow(void)
{
    (void)recurse(10000);
}

/* Touches only the far end of each frame, so a single guard page could be stepped over. */
static NW_NOINLINE int stride(int depth)
{
    volatile char frame[24 * 1024];
    frame[0] = (char)depth;
    return depth == 0 ? 0 : stride(depth - 1) + frame[0];
}

static void overflow_in_strides(void)
{
    (void)stride(100);
}

/* Runs `body` in a child; what it wrote to stderr and whether a signal ended it. */
static bool dies(void (*body)(void), char *out, size_t out_bytes)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[1], STDERR_FILENO);
        core_run(1, body);
        _exit(0);
    }
    close(pipe_fds[1]);
    size_t got = 0;
    for (ssize_t n; (n = read(pipe_fds[0], out + got, out_bytes - 1 - got)) > 0;)
        got += (size_t)n;
    out[got] = '\0';
    close(pipe_fds[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void an_overflow_is_reported_with_the_fibers_name(void **state)
{
    char said[64 * 1024];
    assert_true(dies(overflow, said, sizeof said));
    if (!NW_ASAN && !NW_TSAN) /* they report it themselves, unless cmocka's handler is in the way */
        assert_non_null(strstr(said, "stack overflow in fiber start"));
    assert_true(dies(overflow_in_strides, said, sizeof said));
    if (!NW_ASAN && !NW_TSAN)
        assert_non_null(strstr(said, "stack overflow in fiber start"));
}

static void wait_on_big_stack_inner(void *arg)
{
    (void)arg;
    let_others_run();
}

static void wait_on_big_stack(void)
{
    nw_run_on_big_stack(wait_on_big_stack_inner, NULL);
}

static void waiting_on_the_big_stack_is_an_assertion(void **state)
{
    char said[64 * 1024];
    assert_true(dies(wait_on_big_stack, said, sizeof said));
    assert_non_null(strstr(said, "is_on_big_stack"));
}

static void show(void)
{
    struct nw_scope scope;
    nw_scope_open(&scope);
    nw_event_init(&gate);
    arrived = 0;
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(nw_scope_spawn(&scope, "waiter", arrive_and_wait, (void *)i, NULL) == NW_OK);
    CHECK(nw_fiber_yield() == NW_OK);
    struct nw_text text;
    nw_text_init(&text);
    nw_worker_print_fibers(nw_worker_self(), &text);
    CHECK(strstr(text.ptr, "{\"name\":\"waiter\",\"state\":\"waiting\",\"count\":3,") != NULL);
    CHECK(strstr(text.ptr, "{\"name\":\"start\",\"state\":\"running\",\"count\":1,") != NULL);
    nw_text_done(&text);
    nw_event_set(&gate);
    CHECK(nw_scope_join(&scope) == NW_OK);
}

static void fibers_are_listed_by_name_and_state(void **state)
{
    core_run(1, show);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_run_in_the_order_in_which_they_became_ready),
        cmocka_unit_test(ten_thousand_fibers_keep_their_own_stacks_which_are_given_back_when_quiet),
        cmocka_unit_test(beyond_the_bound_a_spawn_is_refused),
        cmocka_unit_test(deep_recursion_runs_on_the_threads_own_stack),
        cmocka_unit_test(the_deepest_use_of_a_stack_is_known),
        cmocka_unit_test(an_overflow_is_reported_with_the_fibers_name),
        cmocka_unit_test(waiting_on_the_big_stack_is_an_assertion),
        cmocka_unit_test(fibers_are_listed_by_name_and_state),
    };
    return cmocka_run_group_tests_name("io/fiber", tests, NULL, NULL);
}
