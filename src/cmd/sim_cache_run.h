/*
 * sim_cache_run.h - many simulations of one trace, on as many threads as there are.
 *
 * Owner:   jobs and trace are borrowed for the call
 * Threads: called by one; starts and ends its own
 */
#ifndef NW_CMD_SIM_CACHE_RUN_H
#define NW_CMD_SIM_CACHE_RUN_H

#include "model/cachesim.h"

struct sim_cache_runs {
    const struct nw_model_trace *trace;
    const struct nw_model_cache_job *jobs;
    struct nw_model_cache_counts *counts; /* one for each job, filled here */
    bool *is_done;                        /* one for each job: it was played to the end */
    uint64_t *played;                     /* one for each job: requests so far, for progress */
    size_t count;
    unsigned threads;
    const int *stop; /* may be NULL */
    /* Called every 40 ms while they run; may be NULL. */
    void (*progress)(void *arg, size_t done, double played_ratio);
    void *progress_arg;
};

/*
 * Threads for the jobs as by jobs_threads, but at most as many as fit into memory_bytes at the same
 * time: 0 when the largest job alone, *out_need_bytes, does not.
 */
unsigned sim_cache_threads(const struct nw_model_trace *trace,
                           const struct nw_model_cache_job *jobs, size_t count,
                           uint64_t memory_bytes, int64_t asked, uint64_t *out_need_bytes);
/*
 * Plays all jobs; those that *stop kept from their end have counts as far as they came. The first
 * error of a job, in the order of jobs, else NW_OK.
 */
NW_MUST_CHECK nw_err sim_cache_run(struct sim_cache_runs *runs);

#endif
