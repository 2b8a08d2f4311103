/* The contract of cmd/jobs.h: the row from job 0 on, whoever was faster. */
#include "cmd/jobs.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "base/slice.h"

#include <cmocka.h>

enum { JOBS = 40, NOBODY = JOBS };

struct work {
    size_t late, waits_for; /* this job ends after that one has; NOBODY: none does */
    size_t enough_at;       /* 0: never */
    nw_err verdicts[JOBS];
    size_t stops;             /* the job that sets stop; NOBODY: none */
    atomic_uint played[JOBS]; /* how often */
    size_t asked[JOBS];
    size_t asked_count;
    int stop;
    pthread_t caller;
    atomic_uint reports;
    bool waits_for_report;
};

static nw_err play(void *ctx, size_t job)
{
    struct work *work = ctx;
    while (job == work->late && work->played[work->waits_for] == 0)
        sched_yield();
    while (work->waits_for_report && work->reports == 0)
        sched_yield();
    if (job == work->stops)
        __atomic_store_n(&work->stop, 1, __ATOMIC_RELAXED);
    work->played[job]++;
    return work->verdicts[job];
}

static bool is_enough(void *ctx, size_t done)
{
    struct work *work = ctx;
    work->asked[work->asked_count++] = done;
    return done == work->enough_at;
}

static void progress(void *ctx, size_t ended)
{
    struct work *work = ctx;
    assert_true(pthread_equal(work->caller, pthread_self()));
    assert_true(ended <= JOBS);
    work->reports++;
}

static struct work nothing_special(void)
{
    struct work work = {.late = NOBODY, .stops = NOBODY, .caller = pthread_self()};
    for (size_t i = 0; i < JOBS; i++)
        work.verdicts[i] = NW_OK;
    return work;
}

static struct jobs jobs_of(struct work *work, unsigned threads)
{
    return (struct jobs){.play = play,
                         .is_enough = is_enough,
                         .ctx = work,
                         .count = JOBS,
                         .threads = threads,
                         .stop = &work->stop};
}

static const unsigned thread_counts[] = {1, 2, 4, 16};

static void every_job_is_played_once(void **state)
{
    for (size_t t = 0; t < NW_COUNT(thread_counts); t++) {
        struct work work = nothing_special();
        struct jobs jobs = jobs_of(&work, thread_counts[t]);
        assert_int_equal(jobs_play(&jobs), NW_OK);
        assert_int_equal(jobs.done, JOBS);
        assert_false(jobs.is_stopped);
        for (size_t i = 0; i < JOBS; i++)
            assert_int_equal(work.played[i], 1);
    }
}

static void the_row_is_asked_one_by_one_though_its_first_ends_late(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 3);
    work.late = 0;
    work.waits_for = 7;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(work.asked_count, JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(work.asked[i], i + 1);
}

static void enough_is_known_at_the_same_job_with_any_number_of_threads(void **state)
{
    for (size_t t = 0; t < NW_COUNT(thread_counts); t++) {
        struct work work = nothing_special();
        struct jobs jobs = jobs_of(&work, thread_counts[t]);
        work.enough_at = 5;
        assert_int_equal(jobs_play(&jobs), NW_OK);
        assert_int_equal(jobs.done, 5);
        assert_int_equal(work.asked_count, 5);
        assert_false(jobs.is_stopped);
    }
}

static void after_enough_no_job_begins(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 1); /* a second one may be ahead by then */
    work.enough_at = 3;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    for (size_t i = 3; i < JOBS; i++)
        assert_int_equal(work.played[i], 0);
}

static void the_first_failure_in_the_row_is_the_one_reported(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 2);
    work.verdicts[4] = NW_INVALID;
    work.verdicts[5] = NW_IO;
    work.late = 4;
    work.waits_for = 5;
    assert_int_equal(jobs_play(&jobs), NW_INVALID);
    assert_int_equal(jobs.done, 4);
    assert_false(jobs.is_stopped);
    for (size_t i = 6; i < JOBS; i++)
        assert_int_equal(work.played[i], 0);
}

static void a_failure_behind_enough_is_none(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 2);
    work.enough_at = 3;
    work.verdicts[5] = NW_IO;
    work.late = 0;
    work.waits_for = 5;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, 3);
    assert_int_equal(work.played[5], 1);
}

static void a_stop_keeps_the_row_before_it(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 1);
    work.stops = 6;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, 7);
    assert_true(jobs.is_stopped);
}

static void what_was_cancelled_is_no_failure_and_does_not_count(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 2);
    work.stops = 2;
    work.verdicts[2] = NW_CANCELLED;
    work.late = 2;
    work.waits_for = 3;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, 2);
    assert_true(jobs.is_stopped);
}

static void the_first_job_begins_even_when_stopped(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 4);
    work.stop = 1;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, 1);
    assert_true(jobs.is_stopped);
    assert_int_equal(work.played[0], 1);
    assert_int_equal(work.played[1], 0);
}

static void a_stop_that_comes_too_late_is_none(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 1);
    work.stops = JOBS - 1;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, JOBS);
    assert_false(jobs.is_stopped);
}

static void progress_is_shown_by_the_caller_at_once(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 2);
    jobs.progress = progress;
    work.waits_for_report = true; /* without one no job would end */
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, JOBS);
}

static void no_jobs_are_done_at_once(void **state)
{
    struct work work = nothing_special();
    struct jobs jobs = jobs_of(&work, 2);
    jobs.count = 0;
    assert_int_equal(jobs_play(&jobs), NW_OK);
    assert_int_equal(jobs.done, 0);
    assert_false(jobs.is_stopped);
}

static void never_more_threads_than_jobs_or_than_the_most(void **state)
{
    assert_int_equal(jobs_threads(3, 100), 3);
    assert_int_equal(jobs_threads(3, 2), 2);
    assert_int_equal(jobs_threads(100000, 100000), JOBS_THREADS_MAX);
    assert_int_equal(jobs_threads(4, 0), 1);
    assert_in_range(jobs_threads(0, 100000), 1, JOBS_THREADS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_played_once),
        cmocka_unit_test(the_row_is_asked_one_by_one_though_its_first_ends_late),
        cmocka_unit_test(enough_is_known_at_the_same_job_with_any_number_of_threads),
        cmocka_unit_test(after_enough_no_job_begins),
        cmocka_unit_test(the_first_failure_in_the_row_is_the_one_reported),
        cmocka_unit_test(a_failure_behind_enough_is_none),
        cmocka_unit_test(a_stop_keeps_the_row_before_it),
        cmocka_unit_test(what_was_cancelled_is_no_failure_and_does_not_count),
        cmocka_unit_test(the_first_job_begins_even_when_stopped),
        cmocka_unit_test(a_stop_that_comes_too_late_is_none),
        cmocka_unit_test(progress_is_shown_by_the_caller_at_once),
        cmocka_unit_test(no_jobs_are_done_at_once),
        cmocka_unit_test(never_more_threads_than_jobs_or_than_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
