/*
 * `newel sim fleet`: a scaling rule on a fleet, under a load, before it costs anything.
 *
 * One file is played once, with its course, and over more seeds where --runs asks for it. Several
 * files are compared with the first under the same seeds.
 */
#include "base/alloc.h"
#include "cmd/emit.h"
#include "cmd/jobs.h"
#include "cmd/outside.h"
#include "cmd/scenario.h"
#include "cmd/sim_fleet_report.h"
#include "cmd/sim_fleet_table.h"
#include "io/console.h"

enum { RUNS_COMPARED = 32, RUNS_PRECISE = 1000 };

struct options {
    uint64_t seed;
    bool has_seed;
    size_t runs; /* 0: not given */
    double precision;
    int64_t threads; /* 0: one for each core */
    int engine;      /* -1: the files say */
};

/* ---- the command line ---- */

static int take_options(const struct cli *cli, struct options *out)
{
    const char *seed = cli_value(cli, CLI_SEED), *runs = cli_value(cli, CLI_FLEET_RUNS);
    const char *precision = cli_value(cli, CLI_FLEET_PRECISION);
    const char *engine = cli_value(cli, CLI_FLEET_ENGINE), *threads = cli_value(cli, CLI_THREADS);
    struct nw_conf_why why;
    int64_t number = 0;
    *out = (struct options){.engine = -1};
    if (seed != NULL &&
        (nw_conf_value_int(nw_slice_str(seed), &number, &why) != NW_OK || number < 0))
        return cli_usage(cli, "--seed `%s` is no whole number from 0 on", seed);
    out->has_seed = seed != NULL;
    out->seed = (uint64_t)number;
    if (runs != NULL && (nw_conf_value_count(nw_slice_str(runs), &number, &why) != NW_OK ||
                         number < 1 || number > FLEET_RUNS_MAX))
        return cli_usage(cli, "--runs `%s` is no number of runs in 1 to %d", runs, FLEET_RUNS_MAX);
    out->runs = runs != NULL ? (size_t)number : 0;
    if (threads != NULL && strcmp(threads, "auto") != 0 &&
        (nw_conf_value_int(nw_slice_str(threads), &out->threads, &why) != NW_OK ||
         out->threads < 1 || out->threads > JOBS_THREADS_MAX))
        return cli_usage(cli, "--threads `%s` is no number of threads in 1 to %d", threads,
                         JOBS_THREADS_MAX);
    if (precision != NULL &&
        (nw_conf_value_percent(nw_slice_str(precision), &out->precision, &why) != NW_OK ||
         out->precision <= 0))
        return cli_usage(cli, "--precision `%s` is no percentage such as 1%%", precision);
    if (engine != NULL && strcmp(engine, "fluid") != 0 && strcmp(engine, "event") != 0)
        return cli_usage(cli, "--engine `%s` is neither fluid nor event", engine);
    if (engine != NULL)
        out->engine = engine[0] == 'e' ? NW_MODEL_FLEET_EVENT : NW_MODEL_FLEET_FLUID;
    return EXIT_DONE;
}

/* NULL after all that is wrong with the file was said. */
static struct fleet_file *file_open(const char *path, const struct options *options)
{
    struct outside reading = {.conf_file = path};
    struct nw_conf_outside outside = outside_real(&reading);
    struct fleet_file *file = NULL;
    struct nw_text text = {0};
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = outside_read(path, NULL, &diag, &text);
    if (err == NW_OK)
        err = fleet_file_read(text.len > 0 ? nw_text_slice(&text) : NW_SLICE(""), path, &outside,
                              &diag, &file);
    if (file != NULL && options->has_seed)
        file->fleet.seed = options->seed;
    if (file != NULL && options->engine >= 0)
        file->fleet.engine = (nw_model_fleet_engine)options->engine;
    const char *why;
    if (file != NULL && nw_model_fleet_check(&file->fleet, &why) != NW_OK) {
        nw_diag_add(&diag, false, path, 0, 0, NULL, NULL, "--engine: %s", why);
        fleet_file_free(file);
        file = NULL;
    }
    emit_mistakes(&diag);
    nw_diag_done(&diag);
    nw_text_done(&text);
    outside_done(&reading);
    return file;
}

/* ---- one file, several files ---- */

static int failed(nw_err err)
{
    return scenario_fail("sim fleet: %s", err == NW_NO_MEMORY
                                              ? "more than 67 million requests are inside at once; "
                                                "try --engine fluid"
                                              : nw_err_text(err));
}

static void say_incomplete(struct report *report, const char *what, double done, double all)
{
    struct nw_text why = {0};
    nw_text_addf(&why, "interrupted after %.0f of %.0f %s", done, all, what);
    report_mark_incomplete(report, why.ptr);
    nw_text_done(&why);
}

static int sample_one(const struct fleet_file *file, const struct options *options,
                      struct report *report, nw_err *out_err)
{
    size_t runs = options->runs != 0 ? options->runs : RUNS_PRECISE;
    struct fleet_sampling sampling = {
        .files = &file,
        .samples = nw_alloc_array(1, sizeof(struct fleet_sample)),
        .file_count = 1,
        .runs_max = fleet_has_chance(&file->fleet) ? runs : 1,
        .threads = options->threads,
        .seed = file->fleet.seed,
        .precision = options->precision,
    };
    *out_err = fleet_sample(&sampling);
    if (*out_err == NW_OK && sampling.samples[0].count > 0)
        fleet_report_runs(report, file, &sampling.samples[0], sampling.seed);
    if (*out_err == NW_OK && sampling.is_stopped)
        say_incomplete(report, "runs", (double)sampling.samples[0].count,
                       (double)sampling.runs_max);
    if (*out_err == NW_OK && !fleet_has_chance(&file->fleet))
        report_line(report, "Nothing is drawn in this scenario: every run is the same.");
    fleet_samples_free(sampling.samples, 1);
    return *out_err == NW_OK ? EXIT_DONE : EXIT_FAILED;
}

static int run_one(const struct cli *cli, const struct fleet_file *file,
                   const struct options *options)
{
    struct fleet_course *course = nw_alloc_zero(sizeof *course);
    struct fleet_charts *charts = nw_alloc_zero(sizeof *charts);
    struct nw_text title = {0};
    nw_text_addf(&title, "Fleet: %s", file->name);
    struct report *report = report_new("newel.sim.fleet/1", title.ptr);
    nw_text_done(&title);
    nw_err err = fleet_course_run(&file->fleet, course);
    if (err == NW_OK) {
        fleet_report_course(report, file, course, charts);
        if (!course->result.is_complete)
            say_incomplete(report, "s", course->result.ran_s, file->fleet.for_s);
        else if (options->runs > 1 || options->precision > 0)
            sample_one(file, options, report, &err);
    }
    int code = err != NW_OK ? failed(err)
                            : emit_report(cli, report, NULL, 0,
                                          report_is_complete(report) ? EXIT_DONE : EXIT_FAILED);
    report_free(report);
    fleet_course_done(course);
    nw_free(course);
    nw_free(charts);
    return code;
}

static int compare(const struct cli *cli, struct fleet_file *const *files, size_t count,
                   const struct options *options)
{
    bool has_chance = false;
    for (size_t i = 0; i < count; i++)
        has_chance = has_chance || fleet_has_chance(&files[i]->fleet);
    size_t runs = options->runs != 0       ? options->runs
                  : options->precision > 0 ? RUNS_PRECISE
                                           : RUNS_COMPARED;
    struct fleet_sampling sampling = {
        .files = (const struct fleet_file *const *)files,
        .samples = nw_alloc_array(count, sizeof(struct fleet_sample)),
        .file_count = count,
        .runs_max = has_chance ? runs : 1,
        .threads = options->threads,
        .seed = files[0]->fleet.seed,
        .precision = options->precision,
    };
    struct report *report = report_new("newel.sim.fleet.compare/1", "Fleets compared");
    nw_err err = fleet_sample(&sampling);
    size_t done = sampling.samples[0].count;
    if (err == NW_OK && done > 0)
        fleet_report_compare(report, sampling.files, sampling.samples, count);
    if (err == NW_OK && sampling.is_stopped)
        say_incomplete(report, "runs of each", (double)done, (double)sampling.runs_max);
    int code = err != NW_OK ? failed(err)
                            : emit_report(cli, report, NULL, 0,
                                          report_is_complete(report) ? EXIT_DONE : EXIT_FAILED);
    report_free(report);
    fleet_samples_free(sampling.samples, count);
    return code;
}

int cmd_sim_fleet(const struct cli *cli)
{
    struct options options;
    struct fleet_file *files[CLI_ARGS_MAX] = {NULL};
    if (cli_has(cli, CLI_SCENARIO_SCHEMA))
        return emit_schema(&fleet_tables);
    int code = emit_check(cli);
    if (code == EXIT_DONE)
        code = take_options(cli, &options);
    if (code == EXIT_DONE && cli->arg_count == 0)
        code = cli_usage(cli, "which scenario? `newel sim fleet FILE`; conf/sim has examples");
    if (code != EXIT_DONE)
        return code;
    for (unsigned i = 0; i < cli->arg_count; i++) {
        files[i] = file_open(cli->args[i], &options);
        if (files[i] == NULL)
            code = EXIT_INVALID;
        else
            files[i]->fleet.stop = nw_console_stop();
    }
    if (code == EXIT_DONE) {
        nw_console_watch_interrupts();
        code = cli->arg_count == 1 ? run_one(cli, files[0], &options)
                                   : compare(cli, files, cli->arg_count, &options);
    }
    for (unsigned i = 0; i < cli->arg_count; i++)
        fleet_file_free(files[i]);
    return code;
}
