/*
 * The order of things. Production leaves to the kernel who runs when, how a stream is cut and
 * how long anything takes; here one generator decides all of it, so a race that needs an unlucky
 * order is found by trying seeds and shown again by its number.
 *
 * A step runs one turn of one worker. Between turns everything is at rest: no fiber runs,
 * nothing is half done; there a daemon can be killed, a clock stepped, an invariant checked.
 * Time stands still within a turn and moves by a fixed cost after it; when nobody can run it
 * jumps to the nearest of: something in flight, a timer, the end of a stall, a job.
 *
 * Nothing may depend on an address or on real time: workers and listeners are kept in lists in
 * order of birth, sockets by number, and whatever is chosen is chosen by the generator from such
 * an order.
 *
 * A killed runtime is not torn out of memory, because its fibers' stacks hold resources that
 * only they can free. It is cut off instead: its sockets are dead, its lines unheard, its files
 * frozen, and it is then run alone until it has ended. The alternative, one memory region per
 * daemon that is dropped whole, would need an allocator that every library honours.
 */
#include "io/sim.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hash.h"
#include "io/clock.h"
#include "io/sim_disk.h"
#include "io/sim_impl.h"

enum {
    TURN_NS = 2000,
    LATENCY_US = 50,
    START_MS = 1000000, /* of the monotonic clock: not 0, as on no machine */
    TRANSCRIPT_TAIL_BYTES = 1 << 20,
    END_MAX_MS = 60000,
    BURY_TURNS_MAX = 10000000
};
static const uint64_t WALL_START_MS = 1767225600000; /* 2026-01-01 */

/* ---- The world ---- */

struct nw_sim *nw_sim_new(const struct nw_sim_options *options)
{
    struct nw_sim *sim = nw_alloc_zero(sizeof *sim);
    nw_rng_init(&sim->rng, options->seed);
    sim->turn_ns = options->turn_ns != 0 ? options->turn_ns : TURN_NS;
    sim->now_ns = (uint64_t)START_MS * 1000000;
    sim->wall_offset_ms = (int64_t)WALL_START_MS - START_MS;
    sim->faults = (struct nw_sim_faults){.latency_us = LATENCY_US,
                                         .buffer_min_bytes = 16 * 1024,
                                         .buffer_max_bytes = 256 * 1024};
    sim->drops_transcript = options->drops_transcript;
    sim->next_port = 20000;
    nw_list_init(&sim->workers);
    nw_list_init(&sim->listeners);
    nw_list_init(&sim->names);
    nw_list_init(&sim->accepts);
    nw_list_init(&sim->disks);
    return sim;
}

static void free_all(struct nw_list *list, size_t node_offset)
{
    for (struct nw_list *node; (node = nw_list_pop_front(list)) != NULL;)
        nw_free((char *)node - node_offset);
}

void nw_sim_free(struct nw_sim *sim)
{
    if (sim == NULL)
        return;
    NW_ASSERT(nw_list_is_empty(&sim->workers)); /* runtimes go before their world */
    free_all(&sim->names, offsetof(struct sim_name, node));
    free_all(&sim->accepts, offsetof(struct sim_accepts, node));
    sim_disks_free(sim);
    nw_free(sim->events);
    nw_free(sim->jobs);
    nw_free(sim->sockets);
    nw_free(sim->free_fds);
    nw_text_done(&sim->transcript);
    nw_free(sim);
}

struct nw_sim_faults *nw_sim_faults(struct nw_sim *sim)
{
    return &sim->faults;
}

uint64_t nw_sim_now_us(const struct nw_sim *sim)
{
    return sim->now_ns / 1000;
}

uint64_t nw_sim_now_ms(const struct nw_sim *sim)
{
    return sim->now_ns / 1000000;
}

void nw_sim_split(const struct nw_sim *sim, const char *name, struct nw_rng *out)
{
    nw_rng_split(&sim->rng, name, out);
}

bool sim_chance(struct nw_sim *sim, double probability)
{
    return probability > 0 && nw_rng_chance(&sim->rng, probability);
}

void nw_sim_check_set(struct nw_sim *sim, void (*check)(void *arg), void *arg)
{
    sim->check = check;
    sim->check_arg = arg;
}

void nw_sim_around_set(struct nw_sim *sim,
                       void (*around)(void *arg, const struct nw_runtime *runtime, bool begins),
                       void *arg)
{
    sim->around = around;
    sim->around_arg = arg;
}

uint64_t nw_sim_steps(const struct nw_sim *sim)
{
    return sim->steps;
}

void nw_sim_wall_step(struct nw_sim *sim, int64_t ms)
{
    sim->wall_offset_ms += ms;
    nw_sim_note(sim, "world", "wall clock %+lld ms", (long long)ms);
}

/* ---- The transcript ---- */

static void note(struct nw_sim *sim, const char *who, const char *format, va_list args)
{
    if (sim->drops_transcript && sim->transcript.len > TRANSCRIPT_TAIL_BYTES)
        nw_text_clear(&sim->transcript);
    size_t before = sim->transcript.len;
    uint64_t us = sim->now_ns / 1000 - (uint64_t)START_MS * 1000;
    nw_text_addf(&sim->transcript, "%6llu.%06llu %s ", (unsigned long long)(us / 1000000),
                 (unsigned long long)(us % 1000000), who);
    nw_text_addv(&sim->transcript, format, args);
    nw_text_add_char(&sim->transcript, '\n');
    struct nw_slice line = nw_slice_skip(nw_text_slice(&sim->transcript), before);
    sim->transcript_hash = nw_hash_fast(line, sim->transcript_hash);
}

void nw_sim_note(struct nw_sim *sim, const char *who, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(sim, who, format, args);
    va_end(args);
}

/* The dead are not heard. */
void sim_note(struct nw_sim *sim, const struct sim_worker *who, const char *format, ...)
{
    if (who != NULL && who->is_dead)
        return;
    va_list args;
    va_start(args, format);
    note(sim, who != NULL ? who->name : "net", format, args);
    va_end(args);
}

struct nw_slice nw_sim_transcript(const struct nw_sim *sim)
{
    return nw_text_slice(&sim->transcript);
}

uint64_t nw_sim_transcript_hash(const struct nw_sim *sim)
{
    return sim->transcript_hash;
}

/* ---- Events: a heap by time, then by order of birth ---- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void sim_event_push(struct nw_sim *sim, struct sim_event event)
{
    if (sim->event_count == sim->event_cap) {
        sim->event_cap = sim->event_cap * 2 + 64;
        sim->events = nw_realloc(sim->events, sim->event_cap * sizeof *sim->events);
    }
    event.order = sim->event_order++;
    size_t at = sim->event_count++;
    while (at > 0 && is_before(&event, &sim->events[(at - 1) / 2])) {
        sim->events[at] = sim->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->events[at] = event;
}

static struct sim_event event_pop(struct nw_sim *sim)
{
    struct sim_event first = sim->events[0], last = sim->events[--sim->event_count];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= sim->event_count)
            break;
        if (child + 1 < sim->event_count &&
            is_before(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!is_before(&sim->events[child], &last))
            break;
        sim->events[at] = sim->events[child];
        at = child;
    }
    if (sim->event_count > 0)
        sim->events[at] = last;
    return first;
}

static void run_due_events(struct nw_sim *sim)
{
    while (sim->event_count > 0 && sim->events[0].at_ns <= sim->now_ns) {
        struct sim_event event = event_pop(sim);
        if (event.kind == SIM_CALL)
            event.call(event.arg);
        else
            sim_net_event(sim, &event);
    }
}

void nw_sim_after(struct nw_sim *sim, uint64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    sim_event_push(sim, (struct sim_event){.at_ns = sim->now_ns + delay_ms * 1000000,
                                           .kind = SIM_CALL,
                                           .fd = -1,
                                           .call = fn,
                                           .arg = arg});
}

/* ---- Workers ---- */

static struct sim_worker *state_of(const struct nw_runtime *runtime, unsigned index)
{
    NW_ASSERT(index < runtime->worker_count && runtime->backend->is_simulated);
    return runtime->workers[index]->backend_state;
}

static struct nw_sim *sim_of(const struct nw_runtime *runtime)
{
    return state_of(runtime, 0)->sim;
}

/* A lane has a job; it runs later, in a step of its own. */
static void on_job(struct nw_runtime *runtime, struct nw_lane *lane)
{
    struct nw_sim *sim = sim_of(runtime);
    if (sim->job_count == sim->job_cap) {
        sim->job_cap = sim->job_cap * 2 + 16;
        sim->jobs = nw_realloc(sim->jobs, sim->job_cap * sizeof *sim->jobs);
    }
    uint64_t delay_ns = 0;
    if (sim_chance(sim, sim->faults.slow_job))
        delay_ns = nw_rng_below(&sim->rng, sim->faults.slow_job_ms * 1000000 + 1);
    sim->jobs[sim->job_count++] = (struct sim_job){runtime, lane, sim->now_ns + delay_ns};
}

static void job_remove(struct nw_sim *sim, size_t at)
{
    for (; at + 1 < sim->job_count; at++)
        sim->jobs[at] = sim->jobs[at + 1];
    sim->job_count--;
}

static nw_err worker_open(struct nw_worker *worker, void *world, void **out_state)
{
    struct nw_sim *sim = world;
    NW_ASSERT(sim != NULL);
    struct sim_worker *state = nw_alloc_zero(sizeof *state);
    state->sim = sim;
    state->worker = worker;
    snprintf(state->name, sizeof state->name, "%s/%u", worker->runtime->name, worker->index);
    nw_list_init(&state->ready);
    nw_list_push_back(&sim->workers, &state->node);
    worker->runtime->offload_hook = on_job;
    *out_state = state;
    return NW_OK;
}

static void worker_close(struct nw_worker *worker, void *arg)
{
    struct sim_worker *state = arg;
    struct nw_sim *sim = state->sim;
    if (worker->index == 0) { /* the last to go */
        for (size_t i = sim->job_count; i-- > 0;)
            if (sim->jobs[i].runtime == worker->runtime)
                job_remove(sim, i);
        sim_net_forget(sim, worker->runtime);
        sim_disk_release(sim, worker->runtime);
    }
    nw_list_remove(&state->node);
    nw_free(state);
}

static int sim_wait(void *arg, struct nw_ready *out, int max, int64_t timeout_ns)
{
    struct sim_worker *state = arg;
    (void)timeout_ns;
    state->is_woken = false;
    return sim_net_wait(state, out, max);
}

static void sim_wake(void *arg)
{
    struct sim_worker *state = arg;
    state->is_woken = true;
}

static uint64_t sim_mono(void *arg)
{
    const struct sim_worker *state = arg;
    return state->sim->now_ns + state->ahead_ns;
}

static uint64_t sim_wall(void *arg)
{
    const struct sim_worker *state = arg;
    return (uint64_t)((int64_t)(state->sim->now_ns / 1000000) + state->sim->wall_offset_ms);
}

static void sim_random(void *arg, void *out, size_t bytes)
{
    struct sim_worker *state = arg;
    for (size_t at = 0; at < bytes; at++)
        ((unsigned char *)out)[at] = (unsigned char)nw_rng_next(&state->sim->rng);
}

NW_YIELDS static nw_err sim_resolve(void *arg, const char *host, struct nw_addr_list *out)
{
    struct nw_sim *sim = ((struct sim_worker *)arg)->sim;
    NW_TRY(nw_sleep(nw_rng_below(&sim->rng, 5)));
    NW_LIST_EACH (node, &sim->names) {
        const struct sim_name *name = NW_CONTAINER_OF(node, struct sim_name, node);
        if (!nw_slice_eq_nocase(nw_slice_str(host), nw_slice_str(name->name)))
            continue;
        if (name->answer.count == 0)
            return NW_NO_SUCH_NAME;
        *out = name->answer;
        return NW_OK;
    }
    return NW_NO_SUCH_NAME;
}

void nw_sim_name_set(struct nw_sim *sim, const char *name, const struct nw_addr *addrs,
                     unsigned count, uint32_t ttl_s)
{
    struct sim_name *entry = NULL;
    NW_LIST_EACH (node, &sim->names)
        if (strcmp(NW_CONTAINER_OF(node, struct sim_name, node)->name, name) == 0)
            entry = NW_CONTAINER_OF(node, struct sim_name, node);
    if (entry == NULL) {
        entry = nw_alloc_zero(sizeof *entry);
        snprintf(entry->name, sizeof entry->name, "%s", name);
        nw_list_push_back(&sim->names, &entry->node);
    }
    NW_ASSERT(count <= NW_COUNT(entry->answer.addr));
    entry->answer = (struct nw_addr_list){.count = count, .ttl_s = ttl_s};
    for (unsigned i = 0; i < count; i++)
        entry->answer.addr[i] = addrs[i];
}

const struct nw_backend_ops nw_backend_sim = {
    .name = "sim",
    .is_simulated = true,
    .worker_open = worker_open,
    .worker_close = worker_close,
    .add = sim_add,
    .modify = sim_modify,
    .remove = sim_remove,
    .wait = sim_wait,
    .wake = sim_wake,
    .mono_ns = sim_mono,
    .wall_ms = sim_wall,
    .random = sim_random,
    .listen = sim_listen,
    .local_addr = sim_local_addr,
    .accept = sim_accept,
    .connect = sim_connect,
    .connect_result = sim_connect_result,
    .readv = sim_readv,
    .peek = sim_peek,
    .writev = sim_writev,
    .shutdown_write = sim_shutdown_write,
    .close = sim_close,
    .resolve = sim_resolve,
    .files = &sim_file_ops,
};

/* ---- Whose turn is it? ---- */

/* When the worker has something to do: a moment, UINT64_MAX for never. */
static uint64_t due_ns(struct sim_worker *state)
{
    struct nw_worker *worker = state->worker;
    uint64_t now_ns = state->sim->now_ns + state->ahead_ns, at_ns = now_ns;
    struct nw_worker *before = nw_worker_enter(worker);
    if (nw_loop_is_over(worker)) {
        at_ns = UINT64_MAX;
    } else if (!state->is_woken && nw_list_is_empty(&state->ready)) {
        worker->now_ns = nw_io_now_ns(); /* what the timeout is reckoned from */
        worker->now_ms = worker->now_ns / 1000000;
        int64_t timeout_ns = nw_loop_timeout_ns(worker);
        at_ns = timeout_ns < 0 ? UINT64_MAX : now_ns + (uint64_t)timeout_ns;
    }
    nw_worker_enter(before);
    return at_ns != UINT64_MAX && at_ns < state->stalled_until_ns ? state->stalled_until_ns : at_ns;
}

static void run_turn(struct sim_worker *state)
{
    struct nw_sim *sim = state->sim;
    struct nw_worker *before = nw_worker_enter(state->worker);
    if (sim->around != NULL)
        sim->around(sim->around_arg, state->worker->runtime, true);
    nw_loop_turn(state->worker, false);
    if (sim->around != NULL)
        sim->around(sim->around_arg, state->worker->runtime, false);
    nw_worker_enter(before);
    if (state->is_dead)
        return;
    sim->now_ns += sim->turn_ns;
    if (sim_chance(sim, sim->faults.stall)) {
        double ns = nw_rng_exponential(&sim->rng, (double)sim->faults.stall_ms * 1e6);
        state->stalled_until_ns = sim->now_ns + (uint64_t)ns;
        sim_note(sim, state, "stalls for %llu us", (unsigned long long)(ns / 1000));
    }
}

static void run_job(struct nw_sim *sim, size_t at)
{
    struct nw_lane *lane = sim->jobs[at].lane;
    job_remove(sim, at);
    (void)nw_offload_run_next(lane); /* false: its fiber gave up meanwhile */
}

/*
 * Runs one of those that are due at this moment, chosen by the generator; false when there is none,
 * and then *out_next_ns says when there will be.
 */
static bool run_one(struct nw_sim *sim, uint64_t *out_next_ns)
{
    uint64_t next_ns = sim->event_count > 0 ? sim->events[0].at_ns : UINT64_MAX;
    uint64_t count = 0;
    struct sim_worker *chosen = NULL;
    size_t job = SIZE_MAX;
    /* A choice among those seen so far, each equally likely: no list of them is needed. */
    NW_LIST_EACH (node, &sim->workers) {
        struct sim_worker *state = NW_CONTAINER_OF(node, struct sim_worker, node);
        if (state->is_dead)
            continue;
        uint64_t at_ns = due_ns(state);
        if (at_ns < next_ns)
            next_ns = at_ns;
        if (at_ns <= sim->now_ns && nw_rng_below(&sim->rng, ++count) == 0)
            chosen = state;
    }
    for (size_t i = 0; i < sim->job_count; i++) {
        if (sim->jobs[i].at_ns < next_ns)
            next_ns = sim->jobs[i].at_ns;
        if (sim->jobs[i].at_ns <= sim->now_ns && nw_rng_below(&sim->rng, ++count) == 0)
            job = i;
    }
    *out_next_ns = next_ns;
    if (count == 0)
        return false;
    if (job != SIZE_MAX)
        run_job(sim, job);
    else
        run_turn(chosen);
    return true;
}

/* One step, at most until limit_ns. False: nothing happens before that moment. */
static bool step_until(struct nw_sim *sim, uint64_t limit_ns)
{
    uint64_t next_ns;
    NW_ASSERT(nw_worker_self() == NULL);
    for (;;) {
        run_due_events(sim);
        if (run_one(sim, &next_ns))
            break;
        if (next_ns > limit_ns || next_ns == UINT64_MAX) {
            if (limit_ns != UINT64_MAX && limit_ns > sim->now_ns)
                sim->now_ns = limit_ns;
            return false;
        }
        if (next_ns > sim->now_ns)
            sim->now_ns = next_ns;
    }
    sim->steps++;
    if (sim->check != NULL)
        sim->check(sim->check_arg);
    return true;
}

bool nw_sim_step(struct nw_sim *sim)
{
    return step_until(sim, UINT64_MAX);
}

bool nw_sim_run_until(struct nw_sim *sim, bool (*is_done)(void *arg), void *arg, uint64_t max_ms)
{
    uint64_t limit_ns = sim->now_ns + max_ms * 1000000;
    while (!is_done(arg))
        if (sim->now_ns >= limit_ns || !step_until(sim, limit_ns))
            return is_done(arg);
    return true;
}

void nw_sim_run_ms(struct nw_sim *sim, uint64_t ms)
{
    uint64_t limit_ns = sim->now_ns + ms * 1000000;
    while (sim->now_ns < limit_ns && step_until(sim, limit_ns))
        continue;
}

void nw_sim_spawn(struct nw_runtime *runtime, unsigned worker_index, const char *name,
                  nw_fiber_fn fn, void *arg)
{
    struct nw_worker *worker = nw_runtime_worker(runtime, worker_index);
    struct nw_worker *before = nw_worker_enter(worker);
    nw_err err = nw_scope_spawn(&worker->root_scope, name, fn, arg, NULL);
    NW_ASSERT(err == NW_OK);
    nw_worker_enter(before);
}

/* ---- The end of a runtime ---- */

bool nw_sim_is_over(const struct nw_runtime *runtime)
{
    for (unsigned i = 0; i < runtime->worker_count; i++)
        if (!nw_loop_is_over(runtime->workers[i]))
            return false;
    return true;
}

static bool is_over(void *runtime)
{
    return nw_sim_is_over(runtime);
}

void nw_sim_end(struct nw_sim *sim, struct nw_runtime *runtime)
{
    nw_runtime_stop(runtime);
    bool has_ended = nw_sim_run_until(sim, is_over, runtime, END_MAX_MS);
    NW_ASSERT(has_ended);
    nw_runtime_free(runtime);
}

void nw_sim_kill(struct nw_sim *sim, struct nw_runtime *runtime, bool is_silent)
{
    NW_ASSERT(nw_worker_self() == NULL);
    nw_sim_note(sim, runtime->name, "%s", is_silent ? "dies without a word" : "dies");
    for (unsigned i = 0; i < runtime->worker_count; i++)
        state_of(runtime, i)->is_dead = true;
    sim_net_kill(sim, runtime, is_silent);
    sim_disk_crash(sim, runtime);
}

bool nw_sim_is_dead(const struct nw_runtime *runtime)
{
    return state_of(runtime, 0)->is_dead;
}

/* The nearest thing that a dead runtime waits for, its workers by turns; false: there is none. */
static bool run_dead(struct nw_sim *sim, struct nw_runtime *runtime, unsigned turn)
{
    uint64_t next_ns = UINT64_MAX;
    for (size_t i = 0; i < sim->job_count; i++) {
        if (sim->jobs[i].runtime == runtime) {
            run_job(sim, i);
            return true;
        }
    }
    for (unsigned i = 0; i < runtime->worker_count; i++) {
        struct sim_worker *state = state_of(runtime, (i + turn) % runtime->worker_count);
        state->stalled_until_ns = 0;
        uint64_t at_ns = due_ns(state);
        if (at_ns <= sim->now_ns + state->ahead_ns) {
            run_turn(state);
            return true;
        }
        if (at_ns < next_ns)
            next_ns = at_ns;
    }
    if (next_ns == UINT64_MAX)
        return false;
    for (unsigned i = 0; i < runtime->worker_count; i++)
        state_of(runtime, i)->ahead_ns = next_ns - sim->now_ns;
    return true;
}

void nw_sim_bury(struct nw_sim *sim, struct nw_runtime *runtime, nw_fiber_fn end, void *arg)
{
    NW_ASSERT(nw_sim_is_dead(runtime));
    if (end != NULL)
        nw_sim_spawn(runtime, 0, "end", end, arg);
    else
        nw_runtime_stop(runtime);
    for (unsigned turns = 0; !nw_sim_is_over(runtime); turns++) {
        bool has_run = run_dead(sim, runtime, turns);
        NW_ASSERT(has_run && turns < BURY_TURNS_MAX); /* some fiber waits for what cannot come */
    }
}

void nw_sim_stall(struct nw_sim *sim, struct nw_runtime *runtime, unsigned worker_index,
                  uint64_t ms)
{
    struct sim_worker *state = state_of(runtime, worker_index);
    state->stalled_until_ns = sim->now_ns + ms * 1000000;
    sim_note(sim, state, "stalls for %llu ms", (unsigned long long)ms);
}
