/*
 * core_run.h - runs a test's body in a fiber of a real runtime.
 *
 * CHECK instead of cmocka's assertions: those jump off the fiber's stack.
 */
#ifndef NW_TEST_IO_CORE_RUN_H
#define NW_TEST_IO_CORE_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/clock.h"
#include "io/worker_impl.h"
#include "../../check.h"

struct core_run {
    struct nw_runtime *runtime;
    void (*body)(void);
};

static void core_run_start(void *arg)
{
    struct core_run *run = arg;
    run->body();
    nw_runtime_stop(run->runtime);
}

static inline void core_run_with(const struct nw_runtime_options *options, void (*body)(void))
{
    struct core_run run = {.body = body};
    CHECK(nw_runtime_new(options, &run.runtime) == NW_OK);
    nw_runtime_run(run.runtime, core_run_start, &run);
    nw_runtime_free(run.runtime);
}

static inline void core_run(unsigned workers, void (*body)(void))
{
    struct nw_runtime_options options = {
        .backend = &nw_backend_epoll, .worker_count = workers, .seed = 1};
    core_run_with(&options, body);
}

NW_UNUSED static struct nw_runtime *the_runtime(void)
{
    return nw_worker_runtime(nw_worker_self());
}

/* Lets other fibers run, whatever it answers. */
NW_UNUSED static void let_others_run(void)
{
    nw_err ignored = nw_fiber_yield();
    (void)ignored;
}

/* Until `count` more turns have begun. */
NW_UNUSED static void pass_turns(uint64_t count)
{
    uint64_t until = nw_worker_turns(nw_worker_self()) + count;
    while (nw_worker_turns(nw_worker_self()) < until)
        let_others_run();
}

/* Moves the clock and lets everything that became due happen. */
NW_UNUSED static void advance(uint64_t ms)
{
    uint64_t until_ms = nw_now_ms() + ms;
    nw_clock_advance_ms(the_runtime(), ms);
    while (nw_now_ms() < until_ms)
        let_others_run();
    pass_turns(2); /* timers fire at the end of one turn, the fibers they wake run in the next */
    pass_turns(1);
}

#endif
