/*
 * A flag becomes a node of the tree whose place is the flag itself. Texts are not parsed as YAML,
 * since a file name may hold anything; only what begins with a bracket is.
 */
#include "cmd/scenario.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "cmd/emit.h"
#include "cmd/outside.h"
#include "conf/tree_edit.h"
#include "io/console.h"

static const char *const no_file = "command line";

static const char *text_of(const struct cli *cli, const struct scenario_flag *flag,
                           struct nw_arena *arena)
{
    const struct cli_values *values = &cli->options[flag->option];
    const char *text = flag->is_switch ? "true" : cli_value(cli, flag->option);
    for (unsigned i = 0; flag->is_list && i < values->count; i++)
        text =
            i == 0 ? values->given[0] : nw_arena_printf(arena, "%s,%s", text, values->given[i]).ptr;
    return text;
}

static nw_err value_of(const char *text, const char *source, struct nw_arena *arena,
                       struct nw_diag *diag, struct nw_conf_tree **out)
{
    if (text[0] == '{' || text[0] == '[')
        return nw_conf_tree_parse(nw_slice_str(text), source, "a value", arena, diag, out);
    struct nw_conf_tree *value = nw_arena_zero(arena, sizeof *value);
    value->kind = NW_CONF_SCALAR;
    value->text = nw_slice_str(nw_arena_string(arena, nw_slice_str(text)));
    *out = value;
    return NW_OK;
}

static nw_err put_flag(const struct cli *cli, const struct scenario_flag *flag, const char *name,
                       struct nw_conf_tree *tree, struct nw_arena *arena, struct nw_diag *diag)
{
    if (!cli_has(cli, flag->option))
        return NW_OK;
    struct nw_slice path = nw_slice_str(flag->path);
    const struct nw_conf_tree *there = nw_conf_tree_find(tree, path);
    if (there != NULL) {
        nw_diag_add(diag, false, flag->name, 0, 0, NULL, "keep one of them",
                    "%s stands in %s:%d:%d too", flag->path, name, there->line, there->column);
        return NW_INVALID;
    }
    struct nw_conf_tree *value;
    NW_TRY(value_of(text_of(cli, flag, arena), flag->name, arena, diag, &value));
    return nw_conf_tree_put(tree, path, value, flag->name, arena);
}

static nw_err read_tree(const char *file, const struct nw_conf_tables *tables,
                        struct nw_arena *arena, struct nw_diag *diag, struct nw_conf_tree **out)
{
    struct nw_text text = {0};
    nw_err err = NW_OK;
    *out = NULL;
    if (file == NULL)
        nw_text_addf(&text, "%s\n", tables->first_line);
    else
        err = outside_read(file, NULL, diag, &text);
    if (err == NW_OK)
        err = nw_conf_tree_parse(nw_text_slice(&text), file != NULL ? file : no_file,
                                 tables->first_line, arena, diag, out);
    nw_text_done(&text);
    return err != NW_OK ? NW_INVALID : NW_OK;
}

nw_err scenario_read(const struct cli *cli, const struct nw_conf_tables *tables,
                     const struct scenario_flag *flags, size_t flag_count, struct nw_arena *arena,
                     struct nw_diag *diag, const char **out_name, void *out)
{
    const char *file = cli->arg_count > 0 ? cli->args[0] : NULL;
    const char *name = file != NULL ? file : no_file;
    struct nw_conf_tree *tree;
    *out_name = name;
    nw_err first = read_tree(file, tables, arena, diag, &tree);
    if (tree == NULL)
        return first;
    for (size_t i = 0; i < flag_count; i++) {
        nw_err err = put_flag(cli, &flags[i], name, tree, arena, diag);
        first = first != NW_OK ? first : err;
    }
    nw_err read = nw_conf_table_read(tree, name, tables, NULL, arena, diag, out);
    return first != NW_OK ? first : read;
}

static bool is_argument(const struct cli *cli, const char *file)
{
    for (unsigned i = 0; i < cli->arg_count; i++)
        if (strcmp(cli->args[i], file) == 0)
            return true;
    return false;
}

int scenario_blame(const struct cli *cli, const struct nw_diag *diag)
{
    bool is_in_file = false;
    emit_mistakes(diag);
    for (size_t i = 0; i < diag->count; i++)
        is_in_file |= !diag->items[i].is_warning && is_argument(cli, diag->items[i].file);
    fprintf(stderr, "newel: %zu mistake%s (see `newel %s --help`)\n", diag->error_count,
            diag->error_count == 1 ? "" : "s", cli->command->name);
    return is_in_file ? EXIT_INVALID : EXIT_USAGE;
}

int scenario_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    nw_console_progress(NW_SLICE(""));
    fputs("newel: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILED;
}
