/*
 * cli.h - the command line as tables: parsing, help texts, reference pages and the man page come
 * from the same rows (cmd/options.def, cmd/commands.def).
 *
 * Owner:   values point into argv
 * Threads: main, before any other starts
 */
#ifndef NW_CMD_CLI_H
#define NW_CMD_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

/* Exit codes of every command. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INVALID = 3, EXIT_MISSED = 4 };

/*
 * All options of all commands; a command takes those that commands.def lists for it. Rows may
 * share a name where no command takes both.
 */
typedef enum cli_option_id {
#define NW_CLI_OPTION(id, name, value, help) CLI_##id,
#include "cmd/options.def"
#undef NW_CLI_OPTION
    CLI_OPTION_COUNT
} cli_option_id;

enum { CLI_REPEATS_MAX = 64, CLI_ARGS_MAX = 64 };

struct cli_values {
    const char *given[CLI_REPEATS_MAX];
    unsigned count;
};

struct cli {
    const struct cli_command *command;
    struct cli_values options[CLI_OPTION_COUNT]; /* a flag's value is "" */
    const char *args[CLI_ARGS_MAX];
    unsigned arg_count;
    char **rest; /* behind "--"; NULL when there is none */
    int rest_count;
};

struct cli_command {
    const char *name;             /* one word or two: "plan", "plan init" */
    const char *arguments;        /* "[CONFIG] [-- COMMAND…]" */
    const char *help;             /* one sentence */
    const cli_option_id *options; /* in the order of help, ended by CLI_OPTION_COUNT */
    unsigned args_max;
    bool takes_rest;
    int (*run)(const struct cli *cli); /* an exit code */
};

/* Parses and runs; prints help and usage errors. Returns the exit code. */
int cli_main(int argc, char **argv);
/* The same with other commands than those of commands.def. */
int cli_main_of(const struct cli_command *commands, size_t command_count, int argc, char **argv);

static inline bool cli_has(const struct cli *cli, cli_option_id id)
{
    return cli->options[id].count > 0;
}
/* The last value given, or NULL. */
static inline const char *cli_value(const struct cli *cli, cli_option_id id)
{
    return cli->options[id].count > 0 ? cli->options[id].given[cli->options[id].count - 1] : NULL;
}

/* A usage error in one sentence on stderr; returns EXIT_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) NW_PRINTF(2, 3);

/* docs/reference/commands.md and the commands of newel.1. */
void cli_reference_markdown(struct nw_text *out);
void cli_reference_man(struct nw_text *out);

int cmd_run(const struct cli *cli);
int cmd_check(const struct cli *cli);
int cmd_status(const struct cli *cli);
int cmd_reload(const struct cli *cli);
int cmd_drain(const struct cli *cli);
int cmd_undrain(const struct cli *cli);
int cmd_tls(const struct cli *cli);
int cmd_plan(const struct cli *cli);
int cmd_plan_init(const struct cli *cli);
int cmd_plan_explain(const struct cli *cli);
int cmd_plan_compare(const struct cli *cli);
int cmd_sim_cache(const struct cli *cli);
int cmd_sim_fleet(const struct cli *cli);
int cmd_sim_queue(const struct cli *cli);
int cmd_version(const struct cli *cli);

#endif
