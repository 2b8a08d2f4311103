/*
 * The runtime and its workers: made, run, stopped, freed. Everything mutable of the program hangs
 * off these two objects; the one thread-local variable, here, says whose turn it is. A simulation
 * sets it around every turn and so runs any number of workers of any number of daemons on one
 * thread.
 *
 * Stopping is cooperative: each worker cancels its root scope and keeps turning until no worker
 * has a fiber left, because the last fiber of one may still wait for a message from another.
 */
#include "io/worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/fiber_impl.h"
#include "io/gauges.h"
#include "io/limits.h"
#include "io/offload_impl.h"
#include "io/stack.h"

enum { SPARE_SHARE = 8, SPARE_MAX_BYTES = 8 << 20 };
enum { THREAD_STACK_BYTES = 8 << 20, TIMER_SLACK_NS = 1000 };

__thread struct nw_worker *nw_worker_current;

struct nw_worker *nw_worker_enter(struct nw_worker *worker)
{
    struct nw_worker *before = nw_worker_current;
    nw_worker_current = worker;
    return before;
}

void nw_worker_wake(struct nw_worker *worker)
{
    worker->backend->wake(worker->backend_state);
}

/* ---- Making and freeing ---- */

static void worker_init(struct nw_worker *worker, struct nw_runtime *runtime, unsigned index)
{
    worker->runtime = runtime;
    worker->backend = runtime->backend;
    worker->index = index;
    nw_list_init(&worker->ready);
    nw_list_init(&worker->fibers);
    nw_list_init(&worker->stacks);
    nw_list_init(&worker->fine_sleepers);
    nw_list_init(&worker->flush);
    nw_list_init(&worker->rest);
    nw_timer_init(&worker->trim, nw_fiber_trim);
    worker->root_scope.deadline_ms = NW_NEVER;
    nw_list_init(&worker->root_scope.fibers);
    worker->rng = nw_alloc_zero(sizeof *worker->rng);
    if (runtime->log_hub != NULL)
        worker->log = nw_log_open(runtime->log_hub);
}

/* What needs the backend: the clock's first reading and the seed. */
static void worker_start(struct nw_worker *worker)
{
    struct nw_runtime *runtime = worker->runtime;
    if (runtime->seed == 0)
        worker->backend->random(worker->backend_state, &runtime->seed, sizeof runtime->seed);
    struct nw_rng parent;
    nw_rng_init(&parent, runtime->seed);
    char name[32];
    snprintf(name, sizeof name, "worker %u", worker->index);
    nw_rng_split(&parent, name, worker->rng);
    worker->now_ns = worker->backend->mono_ns(worker->backend_state);
    worker->now_ms = worker->now_ns / 1000000;
    nw_wheel_init(&worker->wheel, worker->now_ms);
    atomic_store(&worker->is_sleeping, true); /* posts before the first turn wake it */
}

static void worker_free(struct nw_worker *worker)
{
    if (worker == NULL)
        return;
    struct nw_worker *before = nw_worker_enter(worker);
    NW_ASSERT(atomic_load(&worker->fiber_count) == 0);
    for (int i = NW_IO_PART_COUNT - 1; i >= 0; i--)
        if (worker->parts[i].state != NULL)
            worker->parts[i].free(worker->parts[i].state);
    nw_stack_trim(worker, 0);
    if (worker->backend_state != NULL)
        worker->backend->worker_close(worker, worker->backend_state);
    nw_worker_enter(before);
    nw_log_close(worker->log);
    nw_free(worker->rng);
    nw_free(worker);
}

/* Two mappings for each stack, and a fifth of what the kernel allows is left to everything else. */
static unsigned default_fibers_max(void)
{
    return (unsigned)(nw_limits_map_count() * 8 / 10 / 2);
}

nw_err nw_runtime_new(const struct nw_runtime_options *options, struct nw_runtime **out)
{
    struct nw_runtime *runtime = nw_alloc_zero(sizeof *runtime);
    unsigned cores = nw_limits_core_count();
    unsigned count = options->worker_count != 0 ? options->worker_count : cores;
    runtime->backend = options->backend;
    runtime->world = options->world;
    runtime->name = nw_alloc_string(nw_slice_str(options->name != NULL ? options->name : "newel"));
    runtime->seed = options->seed;
    runtime->log_hub = options->log_hub;
    runtime->metrics = options->metrics;
    runtime->worker_count = count < NW_WORKERS_MAX ? count : NW_WORKERS_MAX;
    nw_runtime_buffers_max_set(runtime, options->buffers_max_bytes != 0
                                            ? options->buffers_max_bytes
                                            : nw_limits_memory_bytes() / 8);
    atomic_init(&runtime->fibers_max,
                options->fibers_max != 0 ? options->fibers_max : default_fibers_max());
    nw_offload_init(runtime);
    for (unsigned i = 0; i < runtime->worker_count; i++) {
        struct nw_worker *worker = nw_alloc_zero(sizeof *worker);
        runtime->workers[i] = worker;
        worker_init(worker, runtime, i);
        nw_err err = worker->backend->worker_open(worker, runtime->world, &worker->backend_state);
        if (err != NW_OK) {
            nw_runtime_free(runtime);
            return err;
        }
        worker_start(worker);
        if (cores > runtime->worker_count) /* else spinning would take time from another worker */
            worker->spin_ns = (uint64_t)options->spin_us * 1000;
    }
    if (!runtime->backend->is_simulated) {
        nw_stack_guard_install();
        signal(SIGPIPE, SIG_IGN); /* sends ask for none, but splice cannot */
    }
    nw_gauges_open(runtime);
    *out = runtime;
    return NW_OK;
}

void nw_runtime_free(struct nw_runtime *runtime)
{
    if (runtime == NULL)
        return;
    nw_gauges_close(runtime);
    nw_offload_done(runtime);
    for (int i = NW_IO_PART_COUNT - 1; i >= 0; i--)
        if (runtime->parts[i].state != NULL)
            runtime->parts[i].free(runtime->parts[i].state);
    for (unsigned i = runtime->worker_count; i-- > 0;)
        worker_free(runtime->workers[i]);
    nw_free(runtime->name);
    nw_free(runtime);
}

/* ---- Running ---- */

static void worker_run(struct nw_worker *worker)
{
    struct nw_worker *before = nw_worker_enter(worker);
    worker->alt_stack = nw_stack_guard_thread_start();
    while (!nw_loop_is_over(worker))
        nw_loop_turn(worker, true);
    nw_stack_guard_thread_stop(worker->alt_stack);
    worker->alt_stack = NULL;
    nw_worker_enter(before);
}

static void *worker_thread(void *arg)
{
    struct nw_worker *worker = arg;
    /* The kernel may delay a sleep's end by this much to save wake-ups; 50 us is its default. */
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    worker_run(worker);
    return NULL;
}

void nw_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: signals go to the main thread */
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
    int failed = pthread_create(out, &attr, run, arg);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    NW_ASSERT(failed == 0);
}

void nw_runtime_run(struct nw_runtime *runtime, void (*start)(void *arg), void *arg)
{
    NW_ASSERT(!runtime->backend->is_simulated);
    struct nw_worker *first = runtime->workers[0];
    struct nw_worker *before = nw_worker_enter(first);
    nw_err err = nw_scope_spawn(&first->root_scope, "start", start, arg, NULL);
    NW_ASSERT(err == NW_OK);
    nw_worker_enter(before);
    for (unsigned i = 1; i < runtime->worker_count; i++)
        nw_thread_start(&runtime->workers[i]->thread, worker_thread, runtime->workers[i]);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    worker_run(first);
    for (unsigned i = 1; i < runtime->worker_count; i++)
        pthread_join(runtime->workers[i]->thread, NULL);
}

void nw_runtime_stop(struct nw_runtime *runtime)
{
    int level = 0;
    if (!atomic_compare_exchange_strong(&runtime->stop_level, &level, 1))
        atomic_store(&runtime->stop_level, 2);
    for (unsigned i = 0; i < runtime->worker_count; i++)
        nw_worker_wake(runtime->workers[i]);
}

/* ---- Questions ---- */

unsigned nw_runtime_worker_count(const struct nw_runtime *runtime)
{
    return runtime->worker_count;
}

struct nw_worker *nw_runtime_worker(struct nw_runtime *runtime, unsigned index)
{
    NW_ASSERT(index < runtime->worker_count);
    return runtime->workers[index];
}

struct nw_log_hub *nw_runtime_log_hub(const struct nw_runtime *runtime)
{
    return runtime->log_hub;
}

struct nw_metrics *nw_runtime_metrics(const struct nw_runtime *runtime)
{
    return runtime->metrics;
}

uint64_t nw_runtime_buffers_max_bytes(const struct nw_runtime *runtime)
{
    return atomic_load_explicit(&runtime->buffers_max_bytes, memory_order_relaxed);
}

void nw_runtime_buffers_max_set(struct nw_runtime *runtime, uint64_t bytes)
{
    uint64_t spare_bytes = bytes / SPARE_SHARE / runtime->worker_count;
    if (spare_bytes > SPARE_MAX_BYTES)
        spare_bytes = SPARE_MAX_BYTES;
    atomic_store_explicit(&runtime->buffers_max_bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&runtime->spare_max_bytes, spare_bytes, memory_order_relaxed);
}

void nw_runtime_fibers_max_set(struct nw_runtime *runtime, unsigned count)
{
    atomic_store_explicit(&runtime->fibers_max, count, memory_order_relaxed);
}

bool nw_runtime_is_memory_tight(const struct nw_runtime *runtime)
{
    uint64_t used = atomic_load_explicit(&runtime->memory_total_bytes, memory_order_relaxed);
    return used > nw_runtime_buffers_max_bytes(runtime) / 4 * 3;
}

bool nw_runtime_can_admit(const struct nw_runtime *runtime)
{
    uint64_t used = atomic_load_explicit(&runtime->memory_total_bytes, memory_order_relaxed);
    if (used >= nw_runtime_buffers_max_bytes(runtime))
        return false;
    /* The last sixteenth is for telling the others that they are refused. */
    unsigned max = atomic_load_explicit(&runtime->fibers_max, memory_order_relaxed);
    unsigned count = atomic_load_explicit(&runtime->stack_count, memory_order_relaxed);
    const struct nw_worker *worker = nw_worker_self();
    if (worker != NULL && worker->runtime == runtime)
        count -= worker->free_stack_count < count ? worker->free_stack_count : count;
    return count < max - max / 16;
}

unsigned nw_worker_index(const struct nw_worker *worker)
{
    return worker->index;
}

struct nw_runtime *nw_worker_runtime(const struct nw_worker *worker)
{
    return worker->runtime;
}

struct nw_scope *nw_worker_root_scope(struct nw_worker *worker)
{
    return &worker->root_scope;
}

struct nw_rng *nw_worker_rng(struct nw_worker *worker)
{
    return worker->rng;
}

struct nw_log *nw_worker_log(const struct nw_worker *worker)
{
    return worker->log;
}

uint64_t nw_loop_lag_us(const struct nw_worker *worker)
{
    return atomic_load_explicit(&worker->lag_us, memory_order_relaxed);
}

uint64_t nw_worker_turns(const struct nw_worker *worker)
{
    return atomic_load_explicit(&worker->turns, memory_order_relaxed);
}

void *nw_worker_get(const struct nw_worker *worker, nw_worker_slot slot)
{
    return worker->slots[slot];
}

void nw_worker_set(struct nw_worker *worker, nw_worker_slot slot, void *value)
{
    worker->slots[slot] = value;
}

/* ---- What fibers do ---- */

struct fiber_row {
    const char *name;
    nw_fiber_state state;
    unsigned count;
    uint64_t oldest_ms;
};

static const char *state_name(nw_fiber_state state)
{
    static const char *const names[] = {"ready", "running", "waiting", "ended"};
    return names[state];
}

void nw_worker_print_fibers(struct nw_worker *worker, struct nw_text *out_json)
{
    struct fiber_row rows[128];
    size_t row_count = 0;
    NW_LIST_EACH (node, &worker->fibers) {
        const struct nw_fiber *fiber = NW_CONTAINER_OF(node, struct nw_fiber, all);
        uint64_t age_ms = worker->now_ms - fiber->born_ms;
        size_t i = 0;
        while (i < row_count && (rows[i].name != fiber->name || rows[i].state != fiber->state))
            i++;
        if (i == NW_COUNT(rows))
            continue; /* more spawn sites than the program has */
        if (i == row_count)
            rows[row_count++] = (struct fiber_row){.name = fiber->name, .state = fiber->state};
        rows[i].count++;
        if (age_ms > rows[i].oldest_ms)
            rows[i].oldest_ms = age_ms;
    }
    nw_text_add_char(out_json, '[');
    for (size_t i = 0; i < row_count; i++)
        nw_text_addf(out_json,
                     "%s{\"name\":\"%s\",\"state\":\"%s\",\"count\":%u,\"oldest_ms\":%llu}",
                     i != 0 ? "," : "", rows[i].name, state_name(rows[i].state), rows[i].count,
                     (unsigned long long)rows[i].oldest_ms);
    nw_text_add_char(out_json, ']');
}
