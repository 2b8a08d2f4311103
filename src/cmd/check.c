/* `newel check`: every mistake at once; which route takes a request; the pages made from tables. */
#include <stdio.h>
#include <string.h>

#include "base/metric.h"
#include "cmd/cli.h"
#include "cmd/emit.h"
#include "cmd/outside.h"
#include "cmd/reference.h"
#include "conf/generation.h"
#include "conf/option.h"
#include "gate/gate.h"
#include "gate/route.h"
#include "io/system.h"
#include "io/tls.h"

static void print_json(const struct nw_diag *diag)
{
    struct nw_text out = {0};
    nw_text_addf(&out, "{\"mistakes\":%zu,\"findings\":[", diag->error_count);
    for (size_t i = 0; i < diag->count; i++) {
        const struct nw_diag_item *item = &diag->items[i];
        nw_text_addf(&out, "%s{\"severity\":\"%s\",\"line\":%d,\"column\":%d", i > 0 ? "," : "",
                     item->is_warning ? "warning" : "error", item->line, item->column);
        const char *const keys[] = {"file", "path", "message", "suggestion"};
        const char *const values[] = {item->file, item->path, item->sentence, item->suggestion};
        for (size_t k = 0; k < NW_COUNT(keys); k++) {
            if (values[k] == NULL)
                continue;
            nw_text_addf(&out, ",\"%s\":", keys[k]);
            nw_text_add_json_string(&out, nw_slice_str(values[k]));
        }
        nw_text_add_char(&out, '}');
    }
    nw_text_add_str(&out, "]}\n");
    fputs(out.ptr, stdout);
    nw_text_done(&out);
}

static void print_findings(const struct cli *cli, const char *file, const struct nw_diag *diag)
{
    if (cli_has(cli, CLI_JSON)) {
        print_json(diag);
        return;
    }
    emit_mistakes(diag);
    size_t warnings = diag->count - diag->error_count;
    if (diag->error_count > 0)
        fprintf(stderr, "%s: %zu mistake%s\n", file, diag->error_count,
                diag->error_count == 1 ? "" : "s");
    else if (warnings > 0)
        printf("%s: valid, %zu warning%s\n", file, warnings, warnings == 1 ? "" : "s");
    else
        printf("%s: valid\n", file);
}

/* The routes as a section of their own: compiled to find what nothing can reach. */
static nw_err build_routes(void *self, struct nw_generation *generation, struct nw_diag *diag,
                           void **out_part)
{
    struct nw_route_table *table;
    NW_TRY(nw_route_compile(generation->conf, &generation->arena, true, diag, &table));
    *out_part = table;
    return NW_OK;
}

static void drop_routes(void *self, void *part)
{
    nw_route_table_done(part);
}

static void check_tls(void *self, const struct nw_conf *conf, struct nw_diag *diag)
{
    nw_gate_check_tls(self, (int64_t)(nw_system_wall_ms() / 1000), conf, diag);
}

static int explain(const struct cli *cli, const struct nw_generation *generation)
{
    const struct cli_values *given = &cli->options[CLI_HEADER];
    struct nw_slice headers[CLI_REPEATS_MAX];
    for (unsigned i = 0; i < given->count; i++)
        headers[i] = nw_slice_str(given->given[i]);
    struct nw_text out = {0};
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = nw_route_explain(nw_generation_part(generation, "routes"),
                                  nw_slice_str(cli_value(cli, CLI_ROUTE)), headers, given->count,
                                  &out, &diag);
    int code = EXIT_DONE;
    if (err != NW_OK) {
        struct nw_text text = {0};
        nw_diag_print(&diag, &text);
        fprintf(stderr, "newel: %s", text.len > 0 ? text.ptr : "the request is malformed\n");
        nw_text_done(&text);
        code = EXIT_USAGE;
    } else {
        fputs(out.len > 0 ? out.ptr : "", stdout);
    }
    nw_diag_done(&diag);
    nw_text_done(&out);
    return code;
}

int cmd_check(const struct cli *cli)
{
    if (cli_has(cli, CLI_REFERENCE))
        return reference_print(cli, cli_value(cli, CLI_REFERENCE));
    if (cli_has(cli, CLI_SCHEMA))
        return emit_schema(&nw_conf_newel_tables);
    if (cli_has(cli, CLI_ROUTE) && cli_has(cli, CLI_JSON))
        return cli_usage(cli, "--route answers in words only, not in JSON");
    if (cli_has(cli, CLI_HEADER) && !cli_has(cli, CLI_ROUTE))
        return cli_usage(cli, "--header belongs to --route");
    const char *file = cli->arg_count > 0 ? cli->args[0] : "newel.yaml";
    struct outside reading = {.conf_file = file};
    struct nw_conf_outside outside = outside_real(&reading);
    struct nw_section items[] = {
        {.name = "routes", .build = build_routes, .drop = drop_routes},
        {.name = "tls", .self = &outside, .check = check_tls},
    };
    struct nw_sections sections = {items, NW_COUNT(items)};
    struct nw_generation *generation = NULL;
    struct nw_diag diag;
    struct nw_text text = {0};
    nw_diag_init(&diag);
    nw_err err = nw_tls_prepare();
    if (err == NW_OK)
        err = outside.read_file(outside.arg, file, &text);
    if (err != NW_OK)
        nw_diag_add(&diag, false, file, 0, 0, NULL, NULL, "the file cannot be read: %s",
                    outside_why(err));
    else
        err = nw_conf_load(nw_text_slice(&text), file, &outside, &sections, 1, &diag, &generation);
    bool is_bad = err != NW_OK || (cli_has(cli, CLI_STRICT) && diag.count > 0);
    int code = is_bad ? EXIT_INVALID : EXIT_DONE;
    if (!is_bad && cli_has(cli, CLI_ROUTE))
        code = explain(cli, generation);
    else
        print_findings(cli, file, &diag);
    if (generation != NULL)
        nw_generation_unref(generation);
    nw_wipe(text.ptr, text.len);
    nw_text_done(&text);
    nw_diag_done(&diag);
    outside_done(&reading);
    return code;
}
