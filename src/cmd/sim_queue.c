/*
 * `newel sim queue`: options judged, recorded times read, the queue played as often as asked (or
 * computed as a fluid), the report. Two scenarios are played under the same seeds, so that what
 * both share cancels in their difference.
 */
#include "cmd/sim_queue.h"

#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "cmd/emit.h"
#include "cmd/jobs.h"
#include "cmd/scenario.h"
#include "cmd/trace_file.h"
#include "io/console.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20)

enum {
    TRACE_MAX = 1 << 26,        /* times of a trace: 512 MB */
    BAD_RATIO_MAX = 100,        /* one line in so many may be bad */
    EVENTS_PER_LOOK = 1 << 16,  /* played between two looks at Ctrl-C */
    WINDOW_MAX_BYTES = 1 << 27, /* of packed traces */
};

static const struct scenario_flag flags[] = {
    {CLI_ENGINE, "--engine", "engine", false, false},
    {CLI_ARRIVE, "--arrive", "arrive", false, false},
    {CLI_OVER, "--over", "over", false, false},
    {CLI_SHAPE, "--shape", "shape", false, false},
    {CLI_BURST, "--burst", "burst", false, false},
    {CLI_FRONT, "--front", "front", false, false},
    {CLI_PHASE_ON, "--on", "on", false, false},
    {CLI_PHASE_OFF, "--off", "off", false, false},
    {CLI_TRACE, "--trace", "trace", false, false},
    {CLI_FORMAT, "--format", "format", false, false},
    {CLI_COLUMNS, "--columns", "columns", false, false},
    {CLI_BACKLOG, "--backlog", "backlog", false, false},
    {CLI_LOW, "--low", "low", false, false},
    {CLI_DEPTH, "--depth", "depth", false, false},
    {CLI_FULL, "--full", "full", false, false},
    {CLI_MESSAGE_TTL, "--ttl", "ttl", false, false},
    {CLI_WORKERS, "--workers", "workers", false, false},
    {CLI_SERVICE, "--service", "service", false, false},
    {CLI_LAW, "--law", "law", false, false},
    {CLI_CV, "--cv", "cv", false, false},
    {CLI_SERVICES, "--services", "services", false, true},
    {CLI_FAIL, "--fail", "fail", false, false},
    {CLI_ATTEMPTS, "--attempts", "attempts", false, false},
    {CLI_BACKOFF, "--backoff", "backoff", false, false},
    {CLI_OUTAGE, "--outage", "outages", false, true},
    {CLI_ALARM, "--alarm", "alarm", false, false},
    {CLI_SEED, "--seed", "seed", false, false},
    {CLI_RUNS, "--runs", "runs", false, false},
    {CLI_PRECISION, "--precision", "precision", false, false},
    {CLI_THREADS, "--threads", "threads", false, false},
};

/* ---- a recorded trace ---- */

/* Ascending from 0; a trace that runs backwards here and there is put in order. */
static void times_settle(struct sim_queue *sim)
{
    uint64_t count = sim->spec.count;
    nw_model_values_sort(sim->trace_s, count);
    double first_s = count > 0 ? sim->trace_s[0] : 0;
    for (uint64_t i = 0; i < count; i++)
        sim->trace_s[i] -= first_s;
    sim->spec.trace_s = sim->trace_s;
    sim->spec.over_s = count > 0 ? sim->trace_s[count - 1] : 0;
}

static int read_records(struct sim_queue *sim, struct trace_file *file, const char *path)
{
    struct nw_trace_record record;
    uint64_t space = 0;
    nw_err err;
    while ((err = trace_file_next(file, &record)) == NW_OK) {
        if (!record.has_time)
            return scenario_fail("%s: its records have no times; a CSV trace needs columns such as "
                                 "time=1,key=2",
                                 path);
        if (sim->spec.count == TRACE_MAX)
            return scenario_fail("%s: holds more than %d messages", path, TRACE_MAX);
        if (sim->spec.count == space) {
            space = space > 0 ? 2 * space : 4096;
            sim->trace_s = nw_realloc(sim->trace_s, space * sizeof *sim->trace_s);
        }
        sim->trace_s[sim->spec.count++] = (double)record.time_us / 1e6;
    }
    if (err == NW_CANCELLED)
        return scenario_fail("interrupted while reading %s; nothing was played", path);
    if (err != NW_NOT_FOUND)
        return scenario_fail("%s: %s", path, trace_file_why(file));
    const struct nw_trace_counts *counts = trace_file_counts(file);
    struct trace_file_end end = trace_file_end(file);
    sim->is_cut = end.is_cut;
    sim->cut_offset = end.offset;
    sim->bad_count = counts->bad;
    if (counts->bad > (counts->bad + counts->records) / BAD_RATIO_MAX)
        return scenario_fail(
            "%s: %llu of %llu lines cannot be read, the first is line %llu: %s", path,
            (unsigned long long)counts->bad, (unsigned long long)(counts->bad + counts->records),
            (unsigned long long)counts->first_bad[0].line, counts->first_bad[0].why);
    if (sim->spec.count == 0)
        return scenario_fail("%s: it holds no messages%s%s", path, end.is_cut ? ": " : "",
                             end.is_cut ? end.why : "");
    return EXIT_DONE;
}

static int read_trace(struct sim_queue *sim)
{
    const struct sim_queue_top *top = &sim->top;
    char *path = nw_alloc_string(top->trace), *why = NULL;
    struct trace_file_options options = {.path = path,
                                         .has_format = top->format != 0,
                                         .format =
                                             (nw_trace_format)(top->format - (top->format != 0)),
                                         .columns = sim->columns,
                                         .window_max_bytes = WINDOW_MAX_BYTES,
                                         .stop = nw_console_stop()};
    struct trace_file *file = NULL;
    int code;
    if (trace_file_open(&options, &file, &why) != NW_OK) {
        code = scenario_fail("%s: %s", path, why != NULL ? why : "it cannot be read");
    } else {
        code = read_records(sim, file, path);
        trace_file_close(file);
    }
    if (code == EXIT_DONE) {
        times_settle(sim);
        const char *wrong = nw_model_queue_spec_judge(&sim->spec);
        if (wrong != NULL)
            code = scenario_fail("%s: %s", path, wrong);
    }
    nw_free(why);
    nw_free(path);
    return code;
}

/* ---- playing ---- */

/* Jobs are ordered by run, then by scenario. */
struct playing {
    struct sim_queue *sims;
    size_t sim_count;
    size_t run_count;  /* of each */
    uint64_t expected; /* messages of all runs */
    uint64_t arrived;  /* so far; added to by all threads */
};

static void figures_note(struct sim_queue *sim, size_t run, size_t group,
                         const struct nw_model_queue_seen *seen)
{
    const struct nw_model_queue_counts *counts = &seen->counts;
    sim_queue_figures(sim, SIM_QUEUE_DONE, group)[run] = (double)counts->done;
    sim_queue_figures(sim, SIM_QUEUE_LOST, group)[run] =
        (double)(counts->refused + counts->dropped + counts->dead + counts->expired);
    sim_queue_figures(sim, SIM_QUEUE_DEPTH_PEAK, group)[run] = (double)seen->depth_peak;
    sim_queue_figures(sim, SIM_QUEUE_WAIT_MEAN, group)[run] = seen->wait_s_mean;
    sim_queue_figures(sim, SIM_QUEUE_WAIT_P99, group)[run] = seen->wait_s_p99;
    sim_queue_figures(sim, SIM_QUEUE_EMPTY, group)[run] = seen->empty_s;
}

/* Plays to the end, or until somebody wants it to stop: CANCELLED. */
static nw_err play_on(struct nw_model_queuesim *model, uint64_t *total)
{
    uint64_t before = 0;
    for (;;) {
        nw_err err = nw_model_queuesim_play(model, EVENTS_PER_LOOK);
        uint64_t arrived = nw_model_queuesim_counts(model, 0).arrived;
        __atomic_fetch_add(total, arrived - before, __ATOMIC_RELAXED);
        before = arrived;
        if (err != NW_AGAIN)
            return err;
        if (nw_console_is_interrupted())
            return NW_CANCELLED;
    }
}

/* What the first run came to is kept however it ended: it is what a report shows in full. */
static nw_err play_one(void *ctx, size_t job)
{
    struct playing *playing = ctx;
    struct sim_queue *sim = &playing->sims[job % playing->sim_count];
    size_t run = job / playing->sim_count, groups = sim->spec.group_count;
    struct nw_model_queue_spec spec = sim->spec;
    struct nw_model_queuesim *model;
    struct nw_model_queue_seen *seen = nw_alloc_array(groups, sizeof *seen);
    spec.seed += run;
    nw_err err = nw_model_queuesim_new(&spec, &model);
    NW_ASSERT(err == NW_OK); /* the spec was judged */
    err = play_on(model, &playing->arrived);
    for (size_t g = 0; g < groups; g++) {
        nw_model_queuesim_look(model, g, &seen[g]);
        if (err == NW_OK)
            figures_note(sim, run, g, &seen[g]);
    }
    nw_model_queuesim_free(model);
    if (run == 0)
        sim->seen = NW_TAKE(seen);
    nw_free(seen);
    return err;
}

static void show_progress(void *ctx, size_t ended)
{
    const struct playing *playing = ctx;
    struct nw_text line = {0};
    uint64_t arrived = __atomic_load_n(&playing->arrived, __ATOMIC_RELAXED);
    nw_text_addf(&line, "playing: %.1f%%, %zu of %zu runs",
                 100 * (double)arrived / (double)(playing->expected > 0 ? playing->expected : 1),
                 ended, playing->run_count * playing->sim_count);
    nw_console_progress(nw_text_slice(&line));
    nw_text_done(&line);
}

static int solve(struct sim_queue *sim)
{
    nw_err err = nw_model_queue_flow_solve(&sim->spec, sim->flows);
    return err == NW_OK ? EXIT_DONE : scenario_fail("%s: %s", sim->name, nw_err_text(err));
}

/* All scenarios, equally often; the larger wish for threads holds. */
static int play(struct sim_queue *sims, size_t count)
{
    struct playing playing = {.sims = sims, .sim_count = count, .run_count = sims[0].runs};
    int64_t threads = 0;
    for (size_t i = 0; i < count; i++) {
        const struct nw_model_queue_spec *spec = &sims[i].spec;
        sims[i].figures = nw_alloc_array(sims[i].runs * spec->group_count * SIM_QUEUE_FIGURE_COUNT,
                                         sizeof(double));
        playing.expected += sims[i].runs * (spec->backlog + spec->count);
        threads = sims[i].top.threads > threads ? sims[i].top.threads : threads;
    }
    struct jobs jobs = {
        .play = play_one,
        .progress = nw_console_has_progress() ? show_progress : NULL,
        .ctx = &playing,
        .count = playing.run_count * count,
        .threads = jobs_threads(threads, playing.run_count * count),
        .stop = nw_console_stop(),
    };
    nw_err err = jobs_play(&jobs);
    struct sim_queue *last = &sims[jobs.done % count];
    for (size_t i = 0; i < count; i++)
        sims[i].runs_done = (jobs.done + count - 1 - i) / count;
    last->is_stopped = jobs.is_stopped;
    last->is_out_of_memory = err == NW_NO_MEMORY;
    return err == NW_OK || err == NW_NO_MEMORY
               ? EXIT_DONE
               : scenario_fail("%s: %s", last->name, nw_err_text(err));
}

/* ---- the command ---- */

/* The i-th file, or what the flags say without one. */
static nw_err read_one(const struct cli *cli, unsigned index, struct nw_arena *arena,
                       struct nw_diag *diag, struct sim_queue *sim)
{
    struct cli *one = nw_arena_zero(arena, sizeof *one);
    *one = *cli;
    one->arg_count = index < cli->arg_count ? 1 : 0;
    one->args[0] = one->arg_count > 0 ? cli->args[index] : NULL;
    nw_err err = scenario_read(one, &sim_queue_tables, flags, NW_COUNT(flags), arena, diag,
                               &sim->name, &sim->top);
    if (sim->top.block.tree != NULL && sim_queue_want(sim, arena, diag) != NW_OK)
        err = NW_INVALID;
    return err;
}

/* Two that are compared are played equally often. */
static int judge_pair(const struct cli *cli, struct sim_queue *sims, unsigned count)
{
    if (count < 2)
        return EXIT_DONE;
    if (sims[0].top.engine == 1 || sims[1].top.engine == 1)
        return cli_usage(cli, "a fluid has no chance, so there is no difference to give an "
                              "interval for: give one file at a time");
    size_t runs = sims[0].runs > sims[1].runs ? sims[0].runs : sims[1].runs;
    sims[0].runs = sims[1].runs = runs > 1 ? runs : SIM_QUEUE_PAIRS;
    return EXIT_DONE;
}

static int run_all(const struct cli *cli, struct sim_queue *sims, unsigned count)
{
    int code = judge_pair(cli, sims, count);
    nw_console_watch_interrupts();
    for (unsigned i = 0; i < count && code == EXIT_DONE; i++)
        if (sims[i].top.trace.len > 0)
            code = read_trace(&sims[i]);
    if (code == EXIT_DONE)
        code = sims[0].top.engine == 1 ? solve(&sims[0]) : play(sims, count);
    if (code != EXIT_DONE)
        return code;
    nw_console_progress(NW_SLICE(""));
    struct report *report = sim_queue_report(sims, count);
    struct nw_text path[3] = {0};
    static const char *const names[] = {"depth_peak", "lost", "wait_s_p99"};
    struct emit_alias aliases[NW_COUNT(names)];
    for (size_t i = 0; i < NW_COUNT(names); i++) {
        nw_text_addf(&path[i], "groups.%s.%s", sims[0].group_names[0], names[i]);
        aliases[i] = (struct emit_alias){names[i], path[i].ptr};
    }
    code = emit_report(cli, report, aliases, count == 1 ? NW_COUNT(names) : 0, EXIT_DONE);
    report_free(report);
    for (size_t i = 0; i < NW_COUNT(names); i++)
        nw_text_done(&path[i]);
    return code;
}

int cmd_sim_queue(const struct cli *cli)
{
    struct nw_arena arena;
    struct nw_diag diag;
    unsigned count = cli->arg_count > 1 ? cli->arg_count : 1;
    nw_err err = NW_OK;
    int code = emit_check(cli);
    if (code != EXIT_DONE)
        return code;
    if (cli_has(cli, CLI_SCENARIO_SCHEMA))
        return emit_schema(&sim_queue_tables);
    struct sim_queue *sims = nw_alloc_array(count, sizeof *sims);
    nw_arena_init(&arena, NULL, 0, ARENA_MAX_BYTES);
    nw_diag_init(&diag);
    for (unsigned i = 0; i < count; i++) {
        nw_err one = read_one(cli, i, &arena, &diag, &sims[i]);
        err = err != NW_OK ? err : one;
    }
    if (err == NW_OK)
        code = run_all(cli, sims, count);
    else
        code = scenario_blame(cli, &diag);
    for (unsigned i = 0; i < count; i++)
        sim_queue_done(&sims[i]);
    nw_free(sims);
    nw_diag_done(&diag);
    nw_arena_done(&arena);
    return code;
}
