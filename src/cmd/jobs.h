/*
 * jobs.h - many simulations side by side, counted as if one came after the other.
 *
 *     struct jobs jobs = {.play = play_one, .ctx = sim, .count = runs, .threads = threads,
 *                         .stop = nw_console_stop()};
 *     nw_err err = jobs_play(&jobs);         results of jobs 0 to jobs.done - 1 stand
 *
 * Jobs are begun in order and end in any; what counts is the unbroken row from job 0 on. Whether
 * enough is known is asked each time that row grows by one, and a job that fails counts only where
 * the row reaches it. So done and the error are the same with any number of threads, as long as
 * nobody interrupts: more threads only play some jobs that then count for nothing.
 *
 * Owner:   everything is borrowed for the call
 * Threads: called by one; starts and ends its own
 */
#ifndef NW_CMD_JOBS_H
#define NW_CMD_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { JOBS_THREADS_MAX = 256 };

struct jobs {
    /*
     * Plays one job; several threads are in here at the same time, each with a job of its own, and
     * write only what belongs to that job. NW_CANCELLED: interrupted before its end. Not NW_AGAIN.
     */
    nw_err (*play)(void *ctx, size_t job);
    /* Do jobs 0 to done - 1 say enough? One thread at a time, done = 1, 2, 3 …; NULL: never. */
    bool (*is_enough)(void *ctx, size_t done);
    /* The calling thread, every 40 ms while jobs are played: `ended` of them are. May be NULL. */
    void (*progress)(void *ctx, size_t ended);
    void *ctx;
    size_t count;
    unsigned threads; /* 1..JOBS_THREADS_MAX; fewer where the system gives no more */
    const int *stop;  /* not 0: no further job begins, but the first does always; may be NULL */

    /* Written by jobs_play, also when it fails. */
    size_t done;     /* jobs that came to their end, from the first on without a gap */
    bool is_stopped; /* by stop, before all were done or enough was known */
};

/* As many threads as asked for (0: one for each core), not more than jobs; 1..JOBS_THREADS_MAX. */
unsigned jobs_threads(int64_t asked, size_t count);

/* Plays them; none is OK. The error of job `done`, if that failed; those before are whole. */
NW_MUST_CHECK nw_err jobs_play(struct jobs *jobs);

#endif
