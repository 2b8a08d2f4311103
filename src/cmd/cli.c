/* One pass over argv against the tables; every mistake is one sentence with what to do about it. */
#include "cmd/cli.h"

#include <string.h>

#include "base/suggest.h"

#define BIT(id) (UINT64_C(1) << CLI_##id)

static const struct {
    const char *name;
    const char *value;
    const char *help;
} options[] = {
#define NW_CLI_OPTION(id, name, value, help) {name, value, help},
#include "cmd/options.def"
#undef NW_CLI_OPTION
};

static const struct cli_command commands[] = {
#define NW_CLI_COMMAND(fn, name, arguments, options, args, rest, help)                             \
    {name, arguments, help, (options) | BIT(HELP), args, rest, fn},
#include "cmd/commands.def"
#undef NW_CLI_COMMAND
};

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("newel: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    if (cli->command != NULL)
        fprintf(stderr, " (see `newel %s --help`)\n", cli->command->name);
    else
        fputs(" (see `newel --help`)\n", stderr);
    return EXIT_USAGE;
}

static void print_all(FILE *to)
{
    fputs("newel: one program in the path of every HTTP request of a web application\n\n"
          "usage: newel COMMAND [OPTION…] [ARGUMENT…]\n\n",
          to);
    for (size_t i = 0; i < NW_COUNT(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs("\nTry it:\n"
          "  newel run -- python3 -m http.server {port}   start an application and serve it\n"
          "  newel run --to 127.0.0.1:3000                serve one that runs already\n"
          "  newel run newel.yaml                         serve what a file describes\n"
          "\n`newel COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
          "3 configuration invalid, 4 a bar given with --fail-if was missed.\n",
          to);
}

/* Before what follows the name, if anything does. */
static const char *gap_of(const struct cli_command *command)
{
    return command->arguments[0] != '\0' ? " " : "";
}

static void print_command(FILE *to, const struct cli_command *command)
{
    fprintf(to, "usage: newel %s%s%s\n\n%s\n\n", command->name, gap_of(command), command->arguments,
            command->help);
    for (unsigned id = 0; id < CLI_OPTION_COUNT; id++) {
        if (((command->options >> id) & 1) == 0)
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options[id].name,
                 options[id].value != NULL ? " " : "",
                 options[id].value != NULL ? options[id].value : "");
        fprintf(to, "  %-18s %s\n", left, options[id].help);
    }
}

static const struct cli_command *command_find(const char *name)
{
    for (size_t i = 0; i < NW_COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const struct cli *cli, const char *name)
{
    const char *names[NW_COUNT(commands)];
    for (size_t i = 0; i < NW_COUNT(commands); i++)
        names[i] = commands[i].name;
    const char *near = nw_suggest(nw_slice_str(name), names, NW_COUNT(names));
    return near != NULL
               ? cli_usage(cli, "there is no command `%s`; did you mean `%s`?", name, near)
               : cli_usage(cli, "there is no command `%s`", name);
}

/* The option of this command spelled name (which may end at '='); -1 for none. */
static int option_find(const struct cli_command *command, struct nw_slice name)
{
    for (int id = 0; id < CLI_OPTION_COUNT; id++)
        if (((command->options >> id) & 1) != 0 &&
            nw_slice_eq(name, nw_slice_str(options[id].name)))
            return id;
    return -1;
}

static int unknown_option(const struct cli *cli, struct nw_slice name)
{
    const char *names[CLI_OPTION_COUNT];
    size_t count = 0;
    for (unsigned id = 0; id < CLI_OPTION_COUNT; id++)
        if (((cli->command->options >> id) & 1) != 0)
            names[count++] = options[id].name;
    const char *near = nw_suggest(name, names, count);
    return near != NULL ? cli_usage(cli, "`newel %s` has no option --%.*s; did you mean --%s?",
                                    cli->command->name, NW_SLICE_ARG(name), near)
                        : cli_usage(cli, "`newel %s` has no option --%.*s", cli->command->name,
                                    NW_SLICE_ARG(name));
}

/* Reads the option at argv[*at]; *at moves over its value. */
static int read_option(struct cli *cli, char **argv, int argc, int *at)
{
    struct nw_slice text = nw_slice_str(argv[*at] + 2);
    size_t equals = nw_slice_find(text, '=');
    struct nw_slice name = nw_slice_first(text, equals);
    int id = option_find(cli->command, name);
    if (id < 0)
        return unknown_option(cli, name);
    const char *value = equals < text.len ? text.ptr + equals + 1 : NULL;
    if (options[id].value == NULL && value != NULL)
        return cli_usage(cli, "--%s takes no value", options[id].name);
    if (options[id].value != NULL && value == NULL) {
        if (*at + 1 >= argc || strcmp(argv[*at + 1], "--") == 0)
            return cli_usage(cli, "--%s needs a value: --%s %s", options[id].name,
                             options[id].name, options[id].value);
        value = argv[++*at];
    }
    struct cli_values *values = &cli->options[id];
    if (values->count == CLI_REPEATS_MAX)
        return cli_usage(cli, "--%s may be given %d times at most", options[id].name,
                         CLI_REPEATS_MAX);
    values->given[values->count++] = value != NULL ? value : "";
    return EXIT_DONE;
}

static int read_args(struct cli *cli, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            if (!cli->command->takes_rest)
                return cli_usage(cli, "`newel %s` takes nothing behind --", cli->command->name);
            cli->rest = argv + i + 1;
            cli->rest_count = argc - i - 1;
            break;
        }
        if (strcmp(argv[i], "-h") == 0) {
            cli->options[CLI_HELP].count = 1;
        } else if (strncmp(argv[i], "--", 2) == 0) {
            int code = read_option(cli, argv, argc, &i);
            if (code != EXIT_DONE)
                return code;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return cli_usage(cli, "options begin with two dashes; `%s` does not%s", argv[i],
                             cli->command->takes_rest && cli->arg_count > 0
                                 ? "; a command to start stands behind --"
                                 : "");
        } else if (cli->arg_count == cli->command->args_max) {
            return cli_usage(
                cli, "unexpected argument `%s`%s", argv[i],
                cli->command->takes_rest ? "; a command to start stands behind --" : "");
        } else {
            cli->args[cli->arg_count++] = argv[i];
        }
    }
    return EXIT_DONE;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {0};
    if (argc < 2) {
        print_all(stderr);
        return EXIT_USAGE;
    }
    bool is_help = strcmp(argv[1], "help") == 0;
    if (is_help && argc > 2 && command_find(argv[2]) != NULL) {
        print_command(stdout, command_find(argv[2]));
        return EXIT_DONE;
    }
    if (is_help || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_all(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cmd_version(&cli);
    const struct cli_command *command = command_find(argv[1]);
    if (command == NULL)
        return unknown_command(&cli, argv[1]);
    cli.command = command;
    int code = read_args(&cli, argc, argv);
    if (code != EXIT_DONE)
        return code;
    if (cli_has(&cli, CLI_HELP)) {
        print_command(stdout, command);
        return EXIT_DONE;
    }
    return command->run(&cli);
}

int cmd_version(const struct cli *cli)
{
    puts("newel " NW_VERSION);
    return EXIT_DONE;
}

void cli_reference_markdown(struct nw_text *out)
{
    nw_text_add_str(out,
                    "# Commands\n\nGenerated from `src/cmd/*.def` by `tools/gen_reference.py`.\n\n"
                    "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 configuration invalid; "
                    "4 a bar given with `--fail-if` was missed.\n");
    for (size_t i = 0; i < NW_COUNT(commands); i++) {
        const struct cli_command *command = &commands[i];
        nw_text_addf(
            out, "\n## newel %s\n\n`newel %s%s%s`: %s.\n\n| option | meaning |\n|---|---|\n",
            command->name, command->name, gap_of(command), command->arguments, command->help);
        for (unsigned id = 0; id < CLI_OPTION_COUNT; id++)
            if (((command->options >> id) & 1) != 0)
                nw_text_addf(out, "| `--%s%s%s` | %s |\n", options[id].name,
                             options[id].value != NULL ? " " : "",
                             options[id].value != NULL ? options[id].value : "", options[id].help);
    }
}

void cli_reference_man(struct nw_text *out)
{
    for (size_t i = 0; i < NW_COUNT(commands); i++) {
        const struct cli_command *command = &commands[i];
        nw_text_addf(out, ".SS \"newel %s%s%s\"\n%s.\n", command->name, gap_of(command),
                     command->arguments, command->help);
        for (unsigned id = 1; id < CLI_OPTION_COUNT; id++)
            if (((command->options >> id) & 1) != 0)
                nw_text_addf(out, ".TP\n\\-\\-%s%s%s\n%s\n", options[id].name,
                             options[id].value != NULL ? " " : "",
                             options[id].value != NULL ? options[id].value : "", options[id].help);
    }
}
