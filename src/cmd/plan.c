/*
 * `newel plan`: from users to machines and money, with every step shown.
 *
 * Flags and --set become edits of the file's tree (plan_file.h); what comes out is one report, so
 * text, JSON, CSV and HTML carry the same numbers, and --fail-if reads its bars from it.
 */
#include "cmd/plan.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/suggest.h"
#include "cmd/outside.h"
#include "cmd/plan_table.h"

/* Results are a few hundred numbers; the bound stands for 256 routes and 64 of everything else. */
#define RESULT_MAX_BYTES ((size_t)256 << 20)

enum { EDITS_MAX = 2 * CLI_REPEATS_MAX };

/* Flags of a small plan, and where they stand in a file. */
static const struct {
    cli_option_id id;
    const char *source;
    const char *path;
} flags[] = {
    {CLI_USERS, "--users", "load.users"},
    {CLI_REQUESTS, "--requests", "load.requests"},
    {CLI_RATE, "--rate", "load.rate"},
    {CLI_PEAK, "--peak", "load.peak"},
    {CLI_READ_SHARE, "--read-share", "load.read_share"},
    {CLI_NODE_RATE, "--node-rate", "services.*.node_rate"},
    {CLI_EFFICIENCY, "--efficiency", "services.*.efficiency"},
    {CLI_MARGIN, "--margin", "services.*.margin"},
    {CLI_SPARE, "--spare", "services.*.spare"},
    {CLI_CACHED, "--cached", "routes.*.cached"},
};

struct edits {
    struct plan_edit items[EDITS_MAX];
    size_t count;
    struct nw_arena arena; /* of the sources and paths of --set */
};

/* Flags first, so that --set goes over them. EXIT_DONE, or EXIT_USAGE after a sentence. */
static int take_edits(const struct cli *cli, struct edits *edits)
{
    const struct cli_values *sets = &cli->options[CLI_SET];
    for (size_t i = 0; i < NW_COUNT(flags); i++)
        if (cli_has(cli, flags[i].id))
            edits->items[edits->count++] = (struct plan_edit){flags[i].source, flags[i].path,
                                                              cli_value(cli, flags[i].id), false};
    for (unsigned i = 0; i < sets->count; i++) {
        struct nw_slice text = nw_slice_str(sets->given[i]);
        size_t equals = nw_slice_find(text, '=');
        if (equals == 0 || equals == text.len)
            return cli_usage(cli, "--set wants PATH=VALUE, such as load.growth=10, not `%s`",
                             text.ptr);
        edits->items[edits->count++] = (struct plan_edit){
            .source = nw_arena_printf(&edits->arena, "--set %s", text.ptr).ptr,
            .path = nw_arena_string(&edits->arena, nw_slice_first(text, equals)),
            .value = text.ptr + equals + 1,
            .is_set = true,
        };
    }
    return EXIT_DONE;
}

/* A mistake in the file is an invalid file, one in a flag alone is wrong usage. */
static int code_of(const struct nw_diag *diag, const char *file)
{
    for (size_t i = 0; i < diag->count; i++)
        if (file != NULL && diag->items[i].file != NULL && strcmp(diag->items[i].file, file) == 0)
            return EXIT_INVALID;
    return EXIT_USAGE;
}

/* A file that is not there may be a sub command that is nearly right. */
static const char *hint_of(const char *path)
{
    static const char *const words[] = {"init", "explain", "compare"};
    static const char *const hints[] = {"did you mean `newel plan init`?",
                                        "did you mean `newel plan explain`?",
                                        "did you mean `newel plan compare`?"};
    const char *near = nw_suggest(nw_slice_str(path), words, NW_COUNT(words));
    for (size_t i = 0; near != NULL && i < NW_COUNT(words); i++)
        if (strcmp(near, words[i]) == 0)
            return hints[i];
    return "`newel plan init` prints one to begin with";
}

struct plan_file *plan_open(const char *path, const struct plan_edit *edits, size_t edit_count,
                            int *out_code)
{
    struct outside reading = {.conf_file = path};
    struct nw_conf_outside outside = outside_real(&reading);
    struct plan_file *file = NULL;
    struct nw_text text = {0};
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = path != NULL ? outside_read(path, hint_of(path), &diag, &text) : NW_OK;
    struct nw_slice bytes = path == NULL    ? (struct nw_slice){0}
                            : text.len == 0 ? NW_SLICE("")
                                            : nw_text_slice(&text);
    if (err == NW_OK)
        err = plan_file_read(bytes, path, edits, edit_count, &outside, &diag, &file);
    *out_code = EXIT_DONE;
    if (err != NW_OK) {
        emit_mistakes(&diag);
        *out_code = code_of(&diag, path);
    }
    nw_diag_done(&diag);
    nw_text_done(&text);
    outside_done(&reading);
    return file;
}

struct plan_result *plan_compute(struct plan_file *take_file)
{
    struct plan_result *result = nw_alloc_zero(sizeof *result);
    result->file = take_file;
    nw_arena_init(&result->arena, NULL, 0, RESULT_MAX_BYTES);
    nw_model_steps_init(&result->steps, &result->arena);
    nw_model_plan_compute(take_file->input, &result->arena, &result->steps, &result->plan);
    nw_model_sensitivity_compute(take_file->input, &result->arena, &result->sensitivity);
    return result;
}

void plan_result_free(struct plan_result *result)
{
    if (result == NULL)
        return;
    nw_arena_done(&result->arena);
    plan_file_free(result->file);
    nw_free(result);
}

static int print_schema(void)
{
    struct nw_text schema = {0};
    plan_report_schema(&schema);
    int code = emit_text(nw_text_slice(&schema));
    nw_text_done(&schema);
    return code;
}

/* --points, or 25; 0 after a sentence. */
static unsigned points_of(const struct cli *cli)
{
    const char *text = cli_value(cli, CLI_POINTS);
    uint64_t points = 25;
    if (text != NULL &&
        (nw_slice_to_u64(nw_slice_str(text), &points) != NW_OK || points < 2 || points > 1000)) {
        (void)cli_usage(cli, "--points wants a number from 2 to 1000, not `%s`", text);
        return 0;
    }
    return (unsigned)points;
}

static int run(const struct cli *cli, const struct edits *edits)
{
    const struct plan_show show = {
        .edits = edits->items,
        .edit_count = edits->count,
        .has_guides = cli_has(cli, CLI_GUIDES),
        .has_all_disagreements = cli_has(cli, CLI_ALL_DISAGREEMENTS),
    };
    unsigned points = points_of(cli);
    int code;
    if (points == 0)
        return EXIT_USAGE;
    struct plan_file *file =
        plan_open(cli->arg_count > 0 ? cli->args[0] : NULL, edits->items, edits->count, &code);
    if (file == NULL)
        return code;
    if (cli_has(cli, CLI_SWEEP)) {
        code = plan_sweep(cli, file, cli_value(cli, CLI_SWEEP), points);
        plan_file_free(file);
        return code;
    }
    struct plan_result *result = plan_compute(file);
    struct report *report = plan_report(result, &show);
    code = emit_report(cli, report, plan_aliases, plan_alias_count,
                       result->plan.is_met ? EXIT_DONE : EXIT_FAILED);
    report_free(report);
    plan_result_free(result);
    return code;
}

int cmd_plan(const struct cli *cli)
{
    if (cli_has(cli, CLI_PLAN_SCHEMA))
        return print_schema();
    int code = emit_check(cli);
    if (code != EXIT_DONE)
        return code;
    if (cli_has(cli, CLI_POINTS) && !cli_has(cli, CLI_SWEEP))
        return cli_usage(cli, "--points belongs to --sweep");
    struct edits edits = {0};
    nw_arena_init(&edits.arena, NULL, 0, RESULT_MAX_BYTES);
    code = take_edits(cli, &edits);
    if (code == EXIT_DONE && cli->arg_count == 0 && edits.count == 0)
        code =
            cli_usage(cli, "which plan? give a file, or flags such as --requests 100M/d --peak 5");
    else if (code == EXIT_DONE)
        code = run(cli, &edits);
    nw_arena_done(&edits.arena);
    return code;
}
