/*
 * Jobs are taken one by one from a counter, in order: what a report shows first is there first when
 * somebody interrupts. A job shares nothing with another but the trace, which nobody writes.
 */
#include "cmd/sim_cache_run.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/console.h"

enum { THREADS_MAX = 256, PROGRESS_MS = 100 };

struct pool {
    struct sim_cache_runs *runs;
    nw_err *errors;
    atomic_size_t next;
    atomic_size_t done;
};

unsigned sim_cache_threads(const struct nw_model_trace *trace,
                           const struct nw_model_cache_job *jobs, size_t count,
                           uint64_t memory_bytes, unsigned threads_max, uint64_t *out_need_bytes)
{
    uint64_t largest = 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = nw_model_cachesim_bytes_for(trace, &jobs[i]);
        largest = bytes > largest ? bytes : largest;
    }
    *out_need_bytes = largest;
    uint64_t threads = memory_bytes / largest;
    threads = threads < threads_max ? threads : threads_max;
    threads = threads < count ? threads : count;
    return threads < THREADS_MAX ? (unsigned)threads : THREADS_MAX;
}

static bool is_stopped(const struct sim_cache_runs *runs)
{
    return runs->stop != NULL && __atomic_load_n(runs->stop, __ATOMIC_RELAXED) != 0;
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    struct sim_cache_runs *runs = pool->runs;
    for (size_t i; (i = atomic_fetch_add(&pool->next, 1)) < runs->count;) {
        struct nw_model_cache_watch watch = {.stop = runs->stop, .played = &runs->played[i]};
        if (is_stopped(runs))
            break;
        pool->errors[i] =
            nw_model_cachesim_run(runs->trace, &runs->jobs[i], &watch, &runs->counts[i]);
        runs->is_done[i] =
            pool->errors[i] == NW_OK && runs->counts[i].played_count == runs->trace->request_count;
        atomic_fetch_add(&pool->done, 1);
    }
    return NULL;
}

static void watch_on(struct pool *pool)
{
    const struct sim_cache_runs *runs = pool->runs;
    double all = (double)runs->trace->request_count * (double)runs->count;
    for (;;) {
        size_t done = atomic_load(&pool->done);
        double played = 0;
        if (done == runs->count || is_stopped(runs))
            return;
        for (size_t i = 0; i < runs->count; i++)
            played += (double)__atomic_load_n(&runs->played[i], __ATOMIC_RELAXED);
        runs->progress(runs->progress_arg, done, all > 0 ? played / all : 0);
        nw_console_pause_ms(PROGRESS_MS);
    }
}

nw_err sim_cache_run(struct sim_cache_runs *runs)
{
    NW_ASSERT(runs->threads >= 1);
    struct pool pool = {.runs = runs, .errors = nw_alloc_array(runs->count, sizeof(nw_err))};
    pthread_t threads[THREADS_MAX];
    unsigned started = 0;
    while (started < runs->threads && started < THREADS_MAX &&
           pthread_create(&threads[started], NULL, work, &pool) == 0)
        started++;
    if (started == 0)
        work(&pool);
    else if (runs->progress != NULL)
        watch_on(&pool);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    nw_err err = NW_OK;
    for (size_t i = 0; i < runs->count && err == NW_OK; i++)
        err = pool.errors[i];
    nw_free(pool.errors);
    return err;
}
