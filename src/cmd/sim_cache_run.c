/* A simulation shares nothing with another but the trace, which nobody writes. */
#include "cmd/sim_cache_run.h"

#include "cmd/jobs.h"

unsigned sim_cache_threads(const struct nw_model_trace *trace,
                           const struct nw_model_cache_job *jobs, size_t count,
                           uint64_t memory_bytes, int64_t asked, uint64_t *out_need_bytes)
{
    uint64_t largest = 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = nw_model_cachesim_bytes_for(trace, &jobs[i]);
        largest = bytes > largest ? bytes : largest;
    }
    *out_need_bytes = largest;
    uint64_t fitting = memory_bytes / largest;
    unsigned threads = jobs_threads(asked, count);
    return fitting < threads ? (unsigned)fitting : threads;
}

static nw_err play(void *ctx, size_t i)
{
    struct sim_cache_runs *runs = ctx;
    struct nw_model_cache_watch watch = {.stop = runs->stop, .played = &runs->played[i]};
    NW_TRY(nw_model_cachesim_run(runs->trace, &runs->jobs[i], &watch, &runs->counts[i]));
    runs->is_done[i] = runs->counts[i].played_count == runs->trace->request_count;
    return runs->is_done[i] ? NW_OK : NW_CANCELLED;
}

static void report_progress(void *ctx, size_t ended)
{
    const struct sim_cache_runs *runs = ctx;
    double all = (double)runs->trace->request_count * (double)runs->count, played = 0;
    for (size_t i = 0; i < runs->count; i++)
        played += (double)__atomic_load_n(&runs->played[i], __ATOMIC_RELAXED);
    runs->progress(runs->progress_arg, ended, all > 0 ? played / all : 0);
}

nw_err sim_cache_run(struct sim_cache_runs *runs)
{
    struct jobs jobs = {
        .play = play,
        .progress = runs->progress != NULL ? report_progress : NULL,
        .ctx = runs,
        .count = runs->count,
        .threads = runs->threads,
        .stop = runs->stop,
    };
    return jobs_play(&jobs);
}
