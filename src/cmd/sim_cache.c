/*
 * `newel sim cache`: options judged, the trace read or invented within the bound of memory, one
 * simulation for each size and policy on as many threads as fit, the curve, the report.
 *
 * What would not fit is refused before anything is read or invented wherever that can be known,
 * with the estimate.
 */
#include "cmd/sim_cache.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "cmd/emit.h"
#include "cmd/scenario.h"
#include "io/console.h"
#include "model/mrc.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20)

static const struct scenario_flag flags[] = {
    {CLI_TRACE, "--trace", "trace", false, false},
    {CLI_FORMAT, "--format", "format", false, false},
    {CLI_COLUMNS, "--columns", "columns", false, false},
    {CLI_SKIP_BAD, "--skip-bad", "skip_bad", true, false},
    {CLI_ZIPF, "--zipf", "zipf", false, false},
    {CLI_KEYS, "--keys", "keys", false, false},
    {CLI_SIM_REQUESTS, "--requests", "requests", false, false},
    {CLI_SHIFT, "--shift", "shift", false, false},
    {CLI_SCAN, "--scan", "scan", false, false},
    {CLI_OBJECT, "--object", "object", false, false},
    {CLI_POLICY, "--policy", "policy", false, true},
    {CLI_SIZE, "--size", "size", false, true},
    {CLI_BYTES, "--bytes", "bytes", false, true},
    {CLI_OVERHEAD, "--overhead", "overhead", false, false},
    {CLI_TTL, "--ttl", "ttl", false, false},
    {CLI_SIM_RATE, "--rate", "rate", false, false},
    {CLI_WARMUP, "--warmup", "warmup", false, false},
    {CLI_MRC, "--mrc", "mrc", true, false},
    {CLI_SEED, "--seed", "seed", false, false},
    {CLI_THREADS, "--threads", "threads", false, false},
    {CLI_MEMORY, "--memory", "memory", false, false},
};

/* ---- progress ---- */

static void show_reading(void *arg, uint64_t requests, uint64_t bytes_read, uint64_t bytes_total)
{
    struct nw_text line = {0};
    if (!nw_console_has_progress())
        return;
    nw_text_addf(&line, "reading: %.1f M requests", (double)requests / 1e6);
    if (bytes_total > 0)
        nw_text_addf(&line, ", %.0f%%", 100.0 * (double)bytes_read / (double)bytes_total);
    nw_console_progress(nw_text_slice(&line));
    nw_text_done(&line);
}

static void show_running(void *arg, size_t done, double played_ratio)
{
    const struct sim_cache *sim = arg;
    struct nw_text line = {0};
    nw_text_addf(&line, "simulating: %zu of %zu done, %.0f%%", done, sim->job_count,
                 100 * played_ratio);
    nw_console_progress(nw_text_slice(&line));
    nw_text_done(&line);
}

/* ---- the trace ---- */

static uint64_t memory_of(const struct sim_cache *sim)
{
    return (uint64_t)sim->want.top->memory_bytes;
}

static uint64_t column_bytes(const struct nw_model_trace *trace)
{
    uint64_t each = sizeof(uint32_t) + (trace->sizes != NULL ? sizeof(uint32_t) : 0) +
                    (trace->times_us != NULL ? sizeof(uint64_t) : 0);
    return trace->room * each;
}

/*
 * What an invented trace and one simulation of it need at most, in bytes; what passes 32 bits is
 * scaled up from what does not.
 */
static double invented_bytes(const struct sim_cache *sim)
{
    const struct sim_cache_want *want = &sim->want;
    struct nw_model_invented what = want->invented;
    double keys = want->keys, requests = want->requests, scale = 1;
    while (keys / scale > 1e9 || requests / scale > 1e9)
        scale *= 2;
    what.key_count = (uint32_t)(what.key_count / scale) + 1;
    what.scan_keys = (uint32_t)(what.scan_keys / scale);
    what.request_count = (uint64_t)(requests / scale);
    double inventing = (double)nw_model_invent_bytes_for(&what);
    struct nw_model_trace trace = {.request_count = what.request_count,
                                   .key_count = (uint32_t)(keys / scale) + 1};
    double running = 0;
    for (size_t p = 0; p < want->policy_count; p++) {
        struct nw_model_cache_job job = {.policy = want->policies[p], .capacity = trace.key_count};
        running = fmax(running, (double)nw_model_cachesim_bytes_for(&trace, &job));
    }
    bool has_sizes = what.size_mean > 0;
    double columns = requests / scale * (has_sizes ? 8 : 4);
    return scale * fmax(inventing, columns + running);
}

static void add_size(struct nw_text *out, double bytes)
{
    char size[NW_CLOCK_SIZE_BYTES];
    nw_text_add_str(out, nw_clock_size(bytes < 1e18 ? (uint64_t)bytes : UINT64_C(1) << 60, size));
}

static int refuse_invented(const struct sim_cache *sim, double need)
{
    const struct sim_cache_want *want = &sim->want;
    struct nw_text text = {0};
    nw_text_addf(&text, "%.0f keys and %.0f requests need about ", want->keys, want->requests);
    add_size(&text, need);
    nw_text_add_str(&text, " of memory; ");
    if (want->keys > NW_MODEL_KEYS_MAX || want->requests > NW_MODEL_REQUESTS_MAX) {
        nw_text_add_str(&text, "a simulation counts to 4,294,967,293");
    } else {
        nw_text_add_str(&text, "--memory is ");
        add_size(&text, (double)memory_of(sim));
    }
    nw_text_add_str(&text, ". Nothing was invented");
    int code = scenario_fail("%s", text.ptr);
    nw_text_done(&text);
    return code;
}

static int invent(struct sim_cache *sim)
{
    const struct sim_cache_want *want = &sim->want;
    double need = invented_bytes(sim);
    if (want->keys > NW_MODEL_KEYS_MAX || want->requests > NW_MODEL_REQUESTS_MAX ||
        need > (double)memory_of(sim))
        return refuse_invented(sim, need);
    if (nw_console_has_progress())
        nw_console_progress(NW_SLICE("inventing the trace"));
    nw_err err =
        nw_model_invent(&want->invented, memory_of(sim), nw_console_stop(), &sim->trace.model);
    if (err == NW_NO_MEMORY)
        return refuse_invented(sim, need);
    if (err != NW_OK)
        return scenario_fail("the trace cannot be invented: %s", nw_err_text(err));
    sim->trace.is_stopped = sim->trace.model.request_count < want->invented.request_count;
    return EXIT_DONE;
}

static int read_trace(struct sim_cache *sim)
{
    const struct sim_cache_top *top = sim->want.top;
    char *path = nw_alloc_string(top->trace), *why = NULL;
    struct sim_trace_options options = {
        .file = {.path = path,
                 .has_format = top->format != 0,
                 .format = (nw_trace_format)(top->format - (top->format != 0)),
                 .columns = sim->want.columns,
                 .window_max_bytes = memory_of(sim) / 8,
                 .stop = nw_console_stop()},
        .memory_max_bytes = memory_of(sim),
        .keeps_times = top->ttl_s > 0,
        .keeps_bad = top->skip_bad,
        .progress = show_reading,
    };
    int code = EXIT_DONE;
    if (sim_trace_read(&options, &sim->trace, &why) != NW_OK)
        code = scenario_fail("%s: %s", path, why != NULL ? why : "it cannot be read");
    nw_free(why);
    nw_free(path);
    return code;
}

/* What only the trace itself can tell about the options. */
static int judge_trace(struct sim_cache *sim)
{
    const struct sim_cache_top *top = sim->want.top;
    struct nw_model_trace *model = &sim->trace.model;
    if (sim->want.is_invented || sim->trace.is_stopped)
        return EXIT_DONE;
    if (sim->want.is_in_bytes && !sim->trace.has_sizes)
        return scenario_fail(
            "the trace has no sizes, so `bytes` cannot be counted: give `size` in objects, "
            "or a column for the size");
    if (top->ttl_s > 0 && !sim->trace.has_times && top->rate_per_s <= 0)
        return scenario_fail(
            "the trace has no times, so nothing can grow old: --ttl needs --rate, such as "
            "--rate 1000/s");
    if (top->rate_per_s > 0 && sim->trace.has_times)
        return scenario_fail("the trace has times of its own; --rate is for traces without");
    model->rate_per_s = top->rate_per_s;
    return EXIT_DONE;
}

/* ---- the simulations ---- */

static void make_jobs(struct sim_cache *sim)
{
    const struct sim_cache_want *want = &sim->want;
    const struct nw_conf_share *warmup = &want->top->warmup;
    uint64_t requests = sim->trace.model.request_count;
    uint64_t skipped =
        warmup->ratio > 0 ? (uint64_t)(warmup->ratio * (double)requests) : (uint64_t)warmup->value;
    sim->job_count = sim->size_count * want->policy_count;
    sim->jobs = nw_alloc_array(sim->job_count, sizeof *sim->jobs);
    sim->counts = nw_alloc_array(sim->job_count, sizeof *sim->counts);
    sim->is_done = nw_alloc_array(sim->job_count, sizeof *sim->is_done);
    sim->played = nw_alloc_array(sim->job_count, sizeof *sim->played);
    for (size_t i = 0; i < sim->job_count; i++)
        sim->jobs[i] = (struct nw_model_cache_job){
            .policy = want->policies[i % want->policy_count],
            .is_in_bytes = want->is_in_bytes,
            .capacity = sim->sizes[i / want->policy_count],
            .overhead_bytes = (uint32_t)want->top->overhead_bytes,
            .ttl_us = want->ttl_us,
            .warmup_requests = skipped < requests ? skipped : requests,
        };
}

static int run_jobs(struct sim_cache *sim)
{
    uint64_t need, taken = column_bytes(&sim->trace.model);
    uint64_t left = memory_of(sim) > taken ? memory_of(sim) - taken : 0;
    unsigned threads = sim_cache_threads(&sim->trace.model, sim->jobs, sim->job_count, left,
                                         sim->want.top->threads, &need);
    if (threads == 0) {
        struct nw_text text = {0};
        nw_text_add_str(&text, "the trace takes ");
        add_size(&text, (double)taken);
        nw_text_add_str(&text, " and one simulation of it ");
        add_size(&text, (double)need);
        nw_text_add_str(&text, " more, beyond --memory ");
        add_size(&text, (double)memory_of(sim));
        int code = scenario_fail("%s; nothing was simulated", text.ptr);
        nw_text_done(&text);
        return code;
    }
    struct sim_cache_runs runs = {
        .trace = &sim->trace.model,
        .jobs = sim->jobs,
        .counts = sim->counts,
        .is_done = sim->is_done,
        .played = sim->played,
        .count = sim->job_count,
        .threads = threads,
        .stop = nw_console_stop(),
        .progress = nw_console_has_progress() ? show_running : NULL,
        .progress_arg = sim,
    };
    nw_err err = sim_cache_run(&runs);
    if (err != NW_OK)
        return scenario_fail("a simulation failed: %s", nw_err_text(err));
    for (size_t i = 0; i < sim->job_count; i++)
        sim->is_stopped |= !sim->is_done[i];
    return EXIT_DONE;
}

static int draw_curve(struct sim_cache *sim)
{
    struct sim_cache_curve *curve = &sim->curve;
    const struct nw_model_trace *trace = &sim->trace.model;
    uint64_t played = 0, taken = column_bytes(trace), need = nw_model_mrc_exact_bytes_for(trace);
    if (nw_console_has_progress())
        nw_console_progress(NW_SLICE("drawing the curve"));
    curve->count = nw_model_mrc_sizes(trace->key_count / 1000, trace->key_count,
                                      SIM_CACHE_CURVE_SIZES, curve->sizes);
    for (size_t i = 0; i < curve->count; i++)
        curve->x[i] = (double)curve->sizes[i];
    curve->why_no_exact = sim->want.ttl_us > 0            ? "entries expire"
                          : taken + need > memory_of(sim) ? "it needs more than --memory"
                                                          : NULL;
    if (curve->why_no_exact == NULL) {
        if (nw_model_mrc_exact(trace, curve->sizes, curve->count, nw_console_stop(), curve->exact,
                               &played) != NW_OK)
            return scenario_fail("the curve cannot be drawn");
        curve->has_exact = played == trace->request_count;
        curve->why_no_exact = curve->has_exact ? NULL : "interrupted";
    }
    if (nw_model_mrc_estimate(trace, sim->want.ttl_us, curve->sizes, curve->count,
                              nw_console_stop(), curve->estimate, &played) != NW_OK)
        return scenario_fail("the curve cannot be drawn");
    curve->has_estimate = played == trace->request_count;
    sim->is_stopped |= !curve->has_estimate;
    return EXIT_DONE;
}

/* ---- all of it ---- */

static int simulate(struct sim_cache *sim)
{
    int code = sim->want.is_invented ? invent(sim) : read_trace(sim);
    if (code == EXIT_DONE)
        code = judge_trace(sim);
    if (code != EXIT_DONE || sim->trace.is_stopped)
        return code;
    sim_cache_resolve(sim);
    make_jobs(sim);
    code = run_jobs(sim);
    sim->curve.is_wanted = sim->want.top->mrc;
    if (code == EXIT_DONE && sim->curve.is_wanted && !sim->is_stopped)
        code = draw_curve(sim);
    return code;
}

static int run_wanted(const struct cli *cli, const struct sim_cache_want *want, const char *name)
{
    struct sim_cache sim = {.name = name, .want = *want};
    nw_console_watch_interrupts();
    int code = simulate(&sim);
    nw_console_progress(NW_SLICE(""));
    if (code == EXIT_DONE) {
        struct report *report = sim_cache_report(&sim);
        code = emit_report(cli, report, NULL, 0, EXIT_DONE);
        report_free(report);
    }
    sim_trace_done(&sim.trace);
    nw_free(sim.jobs);
    nw_free(sim.counts);
    nw_free(sim.is_done);
    nw_free(sim.played);
    nw_free(sim.points);
    return code;
}

int cmd_sim_cache(const struct cli *cli)
{
    struct nw_arena arena;
    struct nw_diag diag;
    struct sim_cache_top top = {0};
    struct sim_cache_want want;
    const char *name;
    int code = emit_check(cli);
    if (code != EXIT_DONE)
        return code;
    if (cli_has(cli, CLI_SCENARIO_SCHEMA))
        return emit_schema(&sim_cache_tables);
    nw_arena_init(&arena, NULL, 0, ARENA_MAX_BYTES);
    nw_diag_init(&diag);
    nw_err err =
        scenario_read(cli, &sim_cache_tables, flags, NW_COUNT(flags), &arena, &diag, &name, &top);
    if (top.block.tree != NULL && sim_cache_want(&top, name, &diag, &want) != NW_OK)
        err = NW_INVALID;
    code = err == NW_OK ? run_wanted(cli, &want, name) : scenario_blame(cli, &diag);
    nw_diag_done(&diag);
    nw_arena_done(&arena);
    return code;
}
