/*
 * One lock around a counter, a row of verdicts and the length of its unbroken beginning. A job
 * takes microseconds at the least, so nobody waits for the lock; asking whether enough is known
 * happens under it, since each answer may be the last.
 *
 * A stop rule that looks at whatever has ended would depend on which thread was faster, and favour
 * short runs. Fixed batches would not, but play whole batches too many; asking along the row plays
 * at most one job a thread in vain and stops where one thread would have stopped.
 */
#include "cmd/jobs.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/console.h"
#include "io/limits.h"

enum { PROGRESS_MS = 40 };

struct pool {
    struct jobs *jobs;
    pthread_mutex_t lock;
    nw_err *verdicts; /* of each job; NW_AGAIN: not played */
    size_t next, ended;
    unsigned busy; /* threads that are not at their end */
    bool has_failed, has_enough;
};

unsigned jobs_threads(int64_t asked, size_t count)
{
    uint64_t threads = asked > 0 ? (uint64_t)asked : nw_limits_core_count();
    threads = threads < count ? threads : count;
    threads = threads < JOBS_THREADS_MAX ? threads : JOBS_THREADS_MAX;
    return threads > 0 ? (unsigned)threads : 1;
}

/* ---- one thread ---- */

static bool is_stopped(const struct jobs *jobs)
{
    return jobs->stop != NULL && __atomic_load_n(jobs->stop, __ATOMIC_RELAXED) != 0;
}

static bool may_begin(const struct pool *pool)
{
    if (pool->next == pool->jobs->count || pool->has_failed || pool->has_enough)
        return false;
    return pool->next == 0 || !is_stopped(pool->jobs);
}

static void note(struct pool *pool, size_t job, nw_err verdict)
{
    struct jobs *jobs = pool->jobs;
    NW_ASSERT(verdict != NW_AGAIN);
    pool->verdicts[job] = verdict;
    pool->ended += verdict == NW_OK;
    pool->has_failed |= verdict != NW_OK;
    while (!pool->has_enough && jobs->done < jobs->count && pool->verdicts[jobs->done] == NW_OK) {
        jobs->done++;
        pool->has_enough = jobs->is_enough != NULL && jobs->is_enough(jobs->ctx, jobs->done);
    }
}

static void work(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (may_begin(pool)) {
        size_t job = pool->next++;
        pthread_mutex_unlock(&pool->lock);
        nw_err verdict = pool->jobs->play(pool->jobs->ctx, job);
        pthread_mutex_lock(&pool->lock);
        note(pool, job, verdict);
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *work_thread(void *arg)
{
    struct pool *pool = arg;
    work(pool);
    pthread_mutex_lock(&pool->lock);
    pool->busy--;
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- all of them ---- */

/* Says how far they are until no thread is busy. */
static void watch_on(struct pool *pool)
{
    const struct jobs *jobs = pool->jobs;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        size_t ended = pool->ended;
        unsigned busy = pool->busy;
        pthread_mutex_unlock(&pool->lock);
        if (busy == 0)
            return;
        jobs->progress(jobs->ctx, ended);
        nw_console_pause_ms(PROGRESS_MS);
    }
}

static void pool_init(struct pool *pool, struct jobs *jobs)
{
    *pool = (struct pool){.jobs = jobs, .verdicts = nw_alloc_array(jobs->count, sizeof(nw_err))};
    for (size_t i = 0; i < jobs->count; i++)
        pool->verdicts[i] = NW_AGAIN;
    pthread_mutex_init(&pool->lock, NULL);
}

/* Runs until no thread has a job; without a second thread, in this one. */
static void run(struct pool *pool)
{
    pthread_t threads[JOBS_THREADS_MAX];
    unsigned wanted = pool->jobs->threads, started = 0;
    pool->busy = wanted;
    while (started < wanted && pthread_create(&threads[started], NULL, work_thread, pool) == 0)
        started++;
    pthread_mutex_lock(&pool->lock);
    pool->busy -= wanted - started;
    pthread_mutex_unlock(&pool->lock);
    if (started == 0)
        work(pool);
    else if (pool->jobs->progress != NULL)
        watch_on(pool);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

nw_err jobs_play(struct jobs *jobs)
{
    struct pool pool;
    NW_ASSERT(jobs->threads >= 1 && jobs->threads <= JOBS_THREADS_MAX);
    jobs->done = 0;
    jobs->is_stopped = false;
    pool_init(&pool, jobs);
    run(&pool);
    nw_err err = NW_OK;
    if (!pool.has_enough && jobs->done < jobs->count) {
        nw_err verdict = pool.verdicts[jobs->done];
        jobs->is_stopped = verdict == NW_AGAIN || verdict == NW_CANCELLED;
        err = jobs->is_stopped ? NW_OK : verdict;
    }
    pthread_mutex_destroy(&pool.lock);
    nw_free(pool.verdicts);
    return err;
}
