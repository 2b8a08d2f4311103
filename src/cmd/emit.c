/*
 * The end of every command that reports: bars judged, then the report printed, then the exit code.
 * Bars come first because a mistake in one must not look like a finished run; they are judged on
 * the tree that the printers walk, so what fails a build is what stands in the JSON.
 */
#include "cmd/emit.h"

#include "base/alloc.h"
#include "base/suggest.h"
#include "cmd/bar.h"
#include "conf/table.h"
#include "io/console.h"

/* ---- judging ---- */

struct names {
    char **items;
    size_t count, cap;
};

static void keep_name(void *arg, const char *path)
{
    struct names *names = arg;
    if (names->count == names->cap) {
        names->cap = names->cap != 0 ? names->cap * 2 : 64;
        names->items = nw_realloc(names->items, names->cap * sizeof *names->items);
    }
    names->items[names->count++] = nw_alloc_string(nw_slice_str(path));
}

/* The name that shares the longest beginning with what was asked for, up to a dot in both. */
static const char *likest(const struct names *names, struct nw_slice path)
{
    const char *found = names->count > 0 ? names->items[0] : "nodes";
    size_t most = 0;
    for (size_t i = 0; i < names->count; i++) {
        size_t same = 0;
        for (size_t at = 0; at < path.len && path.ptr[at] == names->items[i][at]; at++)
            same = path.ptr[at] == '.' ? at + 1 : same;
        if (same > most) {
            found = names->items[i];
            most = same;
        }
    }
    return found;
}

static int unknown_name(const struct cli *cli, const struct report *report, struct nw_slice path,
                        const struct emit_alias *aliases, unsigned alias_count)
{
    struct names names = {0};
    for (unsigned i = 0; i < alias_count; i++)
        keep_name(&names, aliases[i].name);
    report_each_path(report, keep_name, &names);
    const char *near = nw_suggest(path, (const char *const *)names.items, names.count);
    int code = near != NULL
                   ? cli_usage(cli, "--fail-if: no result is called `%.*s`; did you mean `%s`?",
                               NW_SLICE_ARG(path), near)
                   : cli_usage(cli,
                               "--fail-if: no result is called `%.*s`; names are those "
                               "of --json, such as `%s`",
                               NW_SLICE_ARG(path), likest(&names, path));
    for (size_t i = 0; i < names.count; i++)
        nw_free(names.items[i]);
    nw_free(names.items);
    return code;
}

static const char *path_of(struct nw_slice name, const struct emit_alias *aliases,
                           unsigned alias_count)
{
    for (unsigned i = 0; i < alias_count; i++)
        if (nw_slice_eq(name, nw_slice_str(aliases[i].name)))
            return aliases[i].path;
    return NULL;
}

/* EXIT_DONE, EXIT_MISSED or EXIT_USAGE; a missed bar is one line of `missed`. */
static int judge(const struct cli *cli, const struct report *report, const char *text,
                 const struct emit_alias *aliases, unsigned alias_count, struct nw_text *missed)
{
    struct bar bar;
    const char *why;
    if (bar_parse(nw_slice_str(text), &bar, &why) != NW_OK)
        return cli_usage(cli, "--fail-if '%s': %s", text, why);
    char *name = nw_alloc_string(bar.path);
    const char *path = path_of(bar.path, aliases, alias_count);
    struct report_found found;
    bool is_found = report_look_up(report, path != NULL ? path : name, &found);
    nw_free(name);
    if (!is_found)
        return unknown_name(cli, report, bar.path, aliases, alias_count);
    double number = 0;
    struct nw_text is = {0};
    if (found.reason != NULL)
        nw_text_addf(&is, "none: %s", found.reason);
    else
        nw_model_unit_print(&is, found.value, found.unit, "");
    int code = EXIT_MISSED;
    if (found.reason == NULL && bar_number(&bar, found.unit, &number) != NW_OK)
        code = cli_usage(cli, "--fail-if '%s': `%.*s` is no unit of `%.*s`, which is %s", text,
                         NW_SLICE_ARG(bar.unit), NW_SLICE_ARG(bar.path), is.ptr);
    else if (found.reason == NULL && !bar_is_missed(&bar, found.value, number))
        code = EXIT_DONE;
    else
        nw_text_addf(missed, "newel: missed --fail-if '%s': %.*s is %s\n", text,
                     NW_SLICE_ARG(bar.path), is.ptr);
    nw_text_done(&is);
    return code;
}

int emit_check(const struct cli *cli)
{
    if (cli_has(cli, CLI_JSON) && cli_has(cli, CLI_CSV))
        return cli_usage(cli, "--json and --csv are two forms of one output; choose one");
    const char *page = cli_value(cli, CLI_HTML);
    if (page != NULL && page[0] == '\0')
        return cli_usage(cli, "--html needs the name of a file");
    if (page != NULL && strcmp(page, "-") == 0 && (cli_has(cli, CLI_JSON) || cli_has(cli, CLI_CSV)))
        return cli_usage(cli, "--html - prints the page instead of --json or --csv; choose one");
    const struct cli_values *bars = &cli->options[CLI_FAIL_IF];
    for (unsigned i = 0; i < bars->count; i++) {
        struct bar bar;
        const char *why;
        if (bar_parse(nw_slice_str(bars->given[i]), &bar, &why) != NW_OK)
            return cli_usage(cli, "--fail-if '%s': %s", bars->given[i], why);
    }
    return EXIT_DONE;
}

/* ---- printing ---- */

static const char *sentence_of(nw_err err)
{
    return err == NW_PEER_CLOSED ? "nobody reads it any more" : nw_err_text(err);
}

static bool save_page(const struct report *report, const char *path)
{
    struct nw_text page = {0};
    report_print_html(report, &page);
    nw_err err = nw_console_save(path, nw_text_slice(&page));
    nw_text_done(&page);
    if (err != NW_OK)
        fprintf(stderr, "newel: cannot write %s: %s\n", path,
                err == NW_INVALID ? "it is a folder, or its name is too long" : sentence_of(err));
    return err == NW_OK;
}

int emit_text(struct nw_slice text)
{
    nw_err err = nw_console_print(text);
    if (err != NW_OK)
        fprintf(stderr, "newel: cannot write to standard output: %s\n", sentence_of(err));
    return err == NW_OK ? EXIT_DONE : EXIT_FAILED;
}

int emit_schema(const struct nw_conf_tables *tables)
{
    struct nw_text schema = {0};
    nw_conf_schema_json(tables, &schema);
    int code = emit_text(nw_text_slice(&schema));
    nw_text_done(&schema);
    return code;
}

void emit_mistakes(const struct nw_diag *diag)
{
    struct nw_text said = {0};
    nw_diag_print(diag, &said);
    if (said.len > 0)
        fputs(said.ptr, stderr);
    nw_text_done(&said);
}

static bool print_form(const struct cli *cli, const struct report *report)
{
    struct nw_text form = {0};
    const char *page = cli_value(cli, CLI_HTML);
    if (page != NULL && strcmp(page, "-") == 0)
        report_print_html(report, &form);
    else if (cli_has(cli, CLI_JSON))
        report_print_json(report, &form);
    else if (cli_has(cli, CLI_CSV))
        report_print_csv(report, &form);
    else
        report_print_text(report, nw_console_width(), nw_console_has_colour(), &form);
    int code = emit_text(nw_text_slice(&form));
    nw_text_done(&form);
    return code == EXIT_DONE;
}

int emit_report(const struct cli *cli, const struct report *report,
                const struct emit_alias *aliases, unsigned alias_count, int code)
{
    const struct cli_values *bars = &cli->options[CLI_FAIL_IF];
    struct nw_text missed = {0};
    if (code == EXIT_DONE && !report_is_complete(report))
        code = EXIT_FAILED;
    for (unsigned i = 0; i < bars->count; i++) {
        int judged = judge(cli, report, bars->given[i], aliases, alias_count, &missed);
        if (judged == EXIT_USAGE) {
            nw_text_done(&missed);
            return EXIT_USAGE;
        }
        code = judged != EXIT_DONE ? judged : code;
    }
    const char *page = cli_value(cli, CLI_HTML);
    bool is_written = page == NULL || strcmp(page, "-") == 0 || save_page(report, page);
    is_written = print_form(cli, report) && is_written;
    if (missed.len > 0)
        fputs(missed.ptr, stderr);
    nw_text_done(&missed);
    return is_written ? code : EXIT_FAILED;
}
