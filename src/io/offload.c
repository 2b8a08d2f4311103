/*
 * A lane is a bounded queue under a mutex with a few threads behind it. It is not on the request
 * path, so a mutex and a condition are good enough; the way back to the worker is its mailbox, like
 * every other message.
 *
 * The job lies on the stack of the fiber that asked, and so does what it works on. A fiber whose
 * time is up may therefore take back a job that still waits, but must stay for one that has begun.
 * The lane touches the job for the last time when it posts it: from then on it belongs to the
 * worker.
 *
 * Threads start with a lane's first job, so a program that never reads a file has none for files.
 */
#include "io/offload_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io/gauges.h"

enum { THREADS_MAX = 16 };

struct nw_lane {
    struct nw_lane *next;
    struct nw_runtime *runtime;
    char *name;
    unsigned thread_max;
    unsigned bound;
    pthread_mutex_t mutex;
    pthread_cond_t has_jobs;
    struct nw_list queue;
    unsigned job_count; /* waiting or running */
    uint64_t taken_count;
    uint64_t refused_count;
    unsigned idle_count;
    unsigned thread_count;
    bool is_stopping;
    pthread_t threads[THREADS_MAX];
};

/* ---- What a scrape asks ---- */

static double count_of(struct nw_lane *lane, const uint64_t *count)
{
    pthread_mutex_lock(&lane->mutex);
    double value = (double)*count;
    pthread_mutex_unlock(&lane->mutex);
    return value;
}

static double taken_of(void *arg)
{
    struct nw_lane *lane = arg;
    return count_of(lane, &lane->taken_count);
}

static double refused_of(void *arg)
{
    struct nw_lane *lane = arg;
    return count_of(lane, &lane->refused_count);
}

static double depth_of(void *arg)
{
    struct nw_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    unsigned depth = lane->job_count;
    pthread_mutex_unlock(&lane->mutex);
    return depth;
}

/* ---- Lanes ---- */

struct nw_lane *nw_lane_new(struct nw_runtime *runtime, const struct nw_lane_options *options)
{
    NW_ASSERT(options->threads > 0 && options->threads <= THREADS_MAX && options->bound > 0);
    struct nw_lane *lane = nw_alloc_zero(sizeof *lane);
    lane->runtime = runtime;
    lane->name = nw_alloc_string(nw_slice_str(options->name));
    lane->thread_max = options->threads;
    lane->bound = options->bound;
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->has_jobs, NULL);
    nw_list_init(&lane->queue);
    pthread_mutex_lock(&runtime->lanes_mutex);
    lane->next = runtime->lanes;
    runtime->lanes = lane;
    nw_gauge_add(runtime, NW_METRIC_offload_jobs_total, lane->name, taken_of, lane);
    nw_gauge_add(runtime, NW_METRIC_offload_refused_total, lane->name, refused_of, lane);
    nw_gauge_add(runtime, NW_METRIC_offload_depth, lane->name, depth_of, lane);
    pthread_mutex_unlock(&runtime->lanes_mutex);
    return lane;
}

static void lane_free(struct nw_lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    NW_ASSERT(lane->job_count == 0);
    lane->is_stopping = true;
    pthread_cond_broadcast(&lane->has_jobs);
    pthread_mutex_unlock(&lane->mutex);
    for (unsigned i = 0; i < lane->thread_count; i++)
        pthread_join(lane->threads[i], NULL);
    pthread_cond_destroy(&lane->has_jobs);
    pthread_mutex_destroy(&lane->mutex);
    nw_free(lane->name);
    nw_free(lane);
}

void nw_offload_init(struct nw_runtime *runtime)
{
    pthread_mutex_init(&runtime->lanes_mutex, NULL);
    runtime->lane_files = nw_lane_new(
        runtime, &(struct nw_lane_options){.name = "files", .threads = 4, .bound = 1024});
    runtime->lane_reload = nw_lane_new(
        runtime, &(struct nw_lane_options){.name = "reload", .threads = 1, .bound = 16});
}

void nw_offload_done(struct nw_runtime *runtime)
{
    while (runtime->lanes != NULL) {
        struct nw_lane *lane = runtime->lanes;
        runtime->lanes = lane->next;
        lane_free(lane);
    }
    pthread_mutex_destroy(&runtime->lanes_mutex);
}

struct nw_lane *nw_lane_files(struct nw_runtime *runtime)
{
    return runtime->lane_files;
}

struct nw_lane *nw_lane_reload(struct nw_runtime *runtime)
{
    return runtime->lane_reload;
}

/* ---- The lane's side ---- */

/* Mutex held on entry and return, released while the job runs. False: nothing is queued. */
static bool run_next_locked(struct nw_lane *lane)
{
    struct nw_list *node = nw_list_pop_front(&lane->queue);
    if (node == NULL)
        return false;
    struct nw_offload_job *job = NW_CONTAINER_OF(node, struct nw_offload_job, node);
    job->state = NW_JOB_RUNNING;
    pthread_mutex_unlock(&lane->mutex);
    job->result = job->fn(job->arg);
    pthread_mutex_lock(&lane->mutex);
    lane->job_count--;
    nw_mailbox_post(job->worker, &job->done); /* the job is gone from here on */
    return true;
}

static void *lane_thread(void *arg)
{
    struct nw_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    while (!lane->is_stopping) {
        if (run_next_locked(lane))
            continue;
        lane->idle_count++;
        pthread_cond_wait(&lane->has_jobs, &lane->mutex);
        lane->idle_count--;
    }
    pthread_mutex_unlock(&lane->mutex);
    return NULL;
}

bool nw_offload_run_next(struct nw_lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    bool has_run = run_next_locked(lane);
    pthread_mutex_unlock(&lane->mutex);
    return has_run;
}

/* ---- The fiber's side ---- */

static void on_done(struct nw_message *message)
{
    struct nw_offload_job *job = NW_CONTAINER_OF(message, struct nw_offload_job, done);
    job->is_done = true;
    nw_fiber_make_ready(job->fiber);
}

static nw_err submit(struct nw_lane *lane, struct nw_offload_job *job)
{
    bool is_simulated = lane->runtime->offload_hook != NULL;
    pthread_mutex_lock(&lane->mutex);
    if (lane->job_count >= lane->bound) {
        lane->refused_count++;
        pthread_mutex_unlock(&lane->mutex);
        return NW_BUSY;
    }
    lane->job_count++;
    lane->taken_count++;
    nw_list_push_back(&lane->queue, &job->node);
    if (!is_simulated) {
        if (lane->idle_count == 0 && lane->thread_count < lane->thread_max)
            nw_thread_start(&lane->threads[lane->thread_count++], lane_thread, lane);
        pthread_cond_signal(&lane->has_jobs);
    }
    pthread_mutex_unlock(&lane->mutex);
    if (is_simulated)
        lane->runtime->offload_hook(lane->runtime, lane);
    return NW_OK;
}

/* Takes the job back; false when it has begun. */
static bool revoke(struct nw_lane *lane, struct nw_offload_job *job)
{
    pthread_mutex_lock(&lane->mutex);
    bool is_queued = job->state == NW_JOB_QUEUED;
    if (is_queued) {
        nw_list_remove(&job->node);
        job->state = NW_JOB_REVOKED;
        lane->job_count--;
    }
    pthread_mutex_unlock(&lane->mutex);
    return is_queued;
}

nw_err nw_offload(struct nw_lane *lane, nw_err (*fn)(void *arg), void *arg)
{
    NW_TRY(nw_fiber_check());
    struct nw_offload_job job = {.fn = fn, .arg = arg, .lane = lane, .done.run = on_done};
    job.worker = nw_worker_self();
    job.fiber = nw_fiber_self();
    NW_TRY(submit(lane, &job));
    while (!job.is_done) {
        nw_err err = nw_fiber_wait(NULL);
        if (err == NW_OK)
            continue;
        if (revoke(lane, &job))
            return err;
        while (!job.is_done)
            nw_fiber_wait_always(NULL);
    }
    return job.result;
}
