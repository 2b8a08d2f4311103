/* One pass over argv against the tables; every mistake is one sentence with what to do about it. */
#include "cmd/cli.h"

#include <string.h>

#include "base/alloc.h"
#include "base/suggest.h"

/* Any text but a sub command's name may stand behind "plan": the longest name that fits wins. */
#define NAME_WORDS_MAX 2

/* Of help, for "--name VALUE"; a longer one pushes its sentence to the right. */
enum { LEFT_COLUMNS = 18, LEFT_COLUMNS_MAX = 24 };

/* What each command takes besides --help. */
#define OPTIONS(...)                                                                               \
    (const cli_option_id[])                                                                        \
    {                                                                                              \
        CLI_HELP, ##__VA_ARGS__, CLI_OPTION_COUNT                                                  \
    }

struct table {
    const struct cli_command *commands;
    size_t count;
};

static const struct {
    const char *name;
    const char *value;
    const char *help;
} options[] = {
#define NW_CLI_OPTION(id, name, value, help) {name, value, help},
#include "cmd/options.def"
#undef NW_CLI_OPTION
};

static const struct cli_command own_commands[] = {
#define NW_CLI_COMMAND(fn, name, arguments, options, args, rest, help)                             \
    {name, arguments, help, options, args, rest, fn},
#include "cmd/commands.def"
#undef NW_CLI_COMMAND
};

static const struct table own_table = {own_commands, NW_COUNT(own_commands)};

#define EACH_OPTION(id, command)                                                                   \
    for (const cli_option_id *id = (command)->options; *id != CLI_OPTION_COUNT; id++)

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct nw_text said = {0}, plain = {0};
    nw_text_addv(&said, format, args);
    va_end(args);
    nw_text_add_plain(&plain, nw_text_slice(&said));
    fprintf(stderr, "newel: %s", plain.ptr);
    nw_text_done(&said);
    nw_text_done(&plain);
    if (cli->command != NULL)
        fprintf(stderr, " (see `newel %s --help`)\n", cli->command->name);
    else
        fputs(" (see `newel --help`)\n", stderr);
    return EXIT_USAGE;
}

/* Does `name` begin with the word `group`? Every name does with "". */
static bool is_of_group(const char *name, const char *group)
{
    size_t len = strlen(group);
    return len == 0 || (strncmp(name, group, len) == 0 && name[len] == ' ');
}

static bool is_group(const struct table *table, const char *word)
{
    for (size_t i = 0; i < table->count; i++)
        if (is_of_group(table->commands[i].name, word))
            return true;
    return false;
}

/* Prints the commands of a group, "sim", or all of them for "". */
static void print_list(FILE *to, const struct table *table, const char *group)
{
    int width = 0;
    for (size_t i = 0; i < table->count; i++)
        if (strlen(table->commands[i].name) > (size_t)width)
            width = (int)strlen(table->commands[i].name);
    for (size_t i = 0; i < table->count; i++)
        if (is_of_group(table->commands[i].name, group))
            fprintf(to, "  %-*s  %s\n", width, table->commands[i].name, table->commands[i].help);
}

static void print_all(FILE *to, const struct table *table)
{
    fputs("newel: one program in the path of every HTTP request of a web application\n\n"
          "usage: newel COMMAND [OPTION…] [ARGUMENT…]\n\n",
          to);
    print_list(to, table, "");
    fputs("\nTry it:\n"
          "  newel run -- python3 -m http.server {port}   start an application and serve it\n"
          "  newel run --to 127.0.0.1:3000                serve one that runs already\n"
          "  newel run newel.yaml                         serve what a file describes\n"
          "\n`newel COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
          "3 configuration invalid, 4 a bar given with --fail-if was missed.\n",
          to);
}

static void print_group(FILE *to, const struct table *table, const char *group)
{
    fprintf(to, "usage: newel %s COMMAND [OPTION…] [ARGUMENT…]\n\n", group);
    print_list(to, table, group);
    fprintf(to, "\n`newel %s COMMAND --help` says more.\n", group);
}

/* Before what follows the name, if anything does. */
static const char *gap_of(const struct cli_command *command)
{
    return command->arguments[0] != '\0' ? " " : "";
}

/* "--name VALUE" */
static void add_option(struct nw_text *out, const char *dashes, cli_option_id id)
{
    nw_text_addf(out, "%s%s%s%s", dashes, options[id].name, options[id].value != NULL ? " " : "",
                 options[id].value != NULL ? options[id].value : "");
}

static void print_command(FILE *to, const struct table *table, const struct cli_command *command)
{
    fprintf(to, "usage: newel %s%s%s\n\n%s\n\n", command->name, gap_of(command), command->arguments,
            command->help);
    int width = LEFT_COLUMNS;
    EACH_OPTION(id, command)
    {
        struct nw_text left = {0};
        add_option(&left, "--", *id);
        width = (int)left.len > width && left.len <= LEFT_COLUMNS_MAX ? (int)left.len : width;
        nw_text_done(&left);
    }
    EACH_OPTION(id, command)
    {
        struct nw_text left = {0};
        add_option(&left, "--", *id);
        fprintf(to, "  %-*s %s\n", width, left.ptr, options[*id].help);
        nw_text_done(&left);
    }
    if (is_group(table, command->name)) {
        fputs("\nfurther commands:\n", to);
        print_list(to, table, command->name);
    }
}

/* The command whose name is argv[at], or argv[at] and the words behind it; the longest wins. */
static const struct cli_command *command_find(const struct table *table, char **argv, int argc,
                                              int at, int *out_words)
{
    const struct cli_command *found = NULL;
    for (int words = 1; words <= NAME_WORDS_MAX && at + words <= argc; words++) {
        struct nw_text name = {0};
        for (int i = 0; i < words; i++)
            nw_text_addf(&name, "%s%s", i > 0 ? " " : "", argv[at + i]);
        for (size_t i = 0; i < table->count; i++) {
            if (strcmp(table->commands[i].name, name.ptr) != 0)
                continue;
            found = &table->commands[i];
            *out_words = words;
        }
        nw_text_done(&name);
    }
    return found;
}

static int unknown_command(const struct cli *cli, const struct table *table, const char *name)
{
    const char **names = nw_alloc_array(table->count, sizeof *names);
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->commands[i].name;
    const char *near = nw_suggest(nw_slice_str(name), names, table->count);
    nw_free(names);
    return near != NULL ? cli_usage(cli, "there is no command `%s`; did you mean `%s`?", name, near)
                        : cli_usage(cli, "there is no command `%s`", name);
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

/* argv[at] is the first word of commands, but no command itself. */
static int read_group(const struct cli *cli, const struct table *table, int argc, char **argv,
                      int at)
{
    const char *group = argv[at];
    if (at + 1 == argc) {
        bool is_asked = at > 1; /* newel help sim */
        print_group(is_asked ? stdout : stderr, table, group);
        return is_asked ? EXIT_DONE : EXIT_USAGE;
    }
    if (is_help(argv[at + 1])) {
        print_group(stdout, table, group);
        return EXIT_DONE;
    }
    struct nw_text name = {0};
    nw_text_addf(&name, "%s %s", group, argv[at + 1]);
    int code = unknown_command(cli, table, name.ptr);
    nw_text_done(&name);
    return code;
}

/* The option of this command spelled name (which may end at '='); CLI_OPTION_COUNT for none. */
static cli_option_id option_find(const struct cli_command *command, struct nw_slice name)
{
    EACH_OPTION(id, command)
    {
        if (nw_slice_eq(name, nw_slice_str(options[*id].name)))
            return *id;
    }
    return CLI_OPTION_COUNT;
}

static int unknown_option(const struct cli *cli, struct nw_slice name)
{
    const char *names[CLI_OPTION_COUNT];
    size_t count = 0;
    EACH_OPTION(id, cli->command)
    {
        names[count++] = options[*id].name;
    }
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
    cli_option_id id = option_find(cli->command, name);
    if (id == CLI_OPTION_COUNT)
        return unknown_option(cli, name);
    const char *value = equals < text.len ? text.ptr + equals + 1 : NULL;
    if (options[id].value == NULL && value != NULL)
        return cli_usage(cli, "--%s takes no value", options[id].name);
    if (options[id].value != NULL && value == NULL) {
        if (*at + 1 >= argc || strcmp(argv[*at + 1], "--") == 0)
            return cli_usage(cli, "--%s needs a value: --%s %s", options[id].name, options[id].name,
                             options[id].value);
        value = argv[++*at];
    }
    struct cli_values *values = &cli->options[id];
    if (values->count == CLI_REPEATS_MAX)
        return cli_usage(cli, "--%s may be given %d times at most", options[id].name,
                         CLI_REPEATS_MAX);
    values->given[values->count++] = value != NULL ? value : "";
    return EXIT_DONE;
}

static int read_args(struct cli *cli, int argc, char **argv, int from)
{
    for (int i = from; i < argc; i++) {
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
            return cli_usage(cli, "unexpected argument `%s`%s", argv[i],
                             cli->command->takes_rest ? "; a command to start stands behind --"
                                                      : "");
        } else {
            cli->args[cli->arg_count++] = argv[i];
        }
    }
    return EXIT_DONE;
}

/* `newel help`, `newel help plan`. */
static int read_help(const struct cli *cli, const struct table *table, int argc, char **argv)
{
    int words;
    const struct cli_command *command = command_find(table, argv, argc, 2, &words);
    if (command != NULL) {
        print_command(stdout, table, command);
        return EXIT_DONE;
    }
    if (argc > 2 && is_group(table, argv[2]))
        return read_group(cli, table, argc, argv, 2);
    print_all(stdout, table);
    return EXIT_DONE;
}

static int read_line(const struct table *table, int argc, char **argv)
{
    struct cli cli = {0};
    int words = 0;
    if (argc < 2) {
        print_all(stderr, table);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0)
        return read_help(&cli, table, argc, argv);
    if (is_help(argv[1])) {
        print_all(stdout, table);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cmd_version(&cli);
    cli.command = command_find(table, argv, argc, 1, &words);
    if (cli.command == NULL)
        return is_group(table, argv[1]) ? read_group(&cli, table, argc, argv, 1)
                                        : unknown_command(&cli, table, argv[1]);
    int code = read_args(&cli, argc, argv, 1 + words);
    if (code != EXIT_DONE)
        return code;
    if (cli_has(&cli, CLI_HELP)) {
        print_command(stdout, table, cli.command);
        return EXIT_DONE;
    }
    return cli.command->run(&cli);
}

int cli_main_of(const struct cli_command *commands, size_t command_count, int argc, char **argv)
{
    return read_line(&(struct table){commands, command_count}, argc, argv);
}

int cli_main(int argc, char **argv)
{
    return read_line(&own_table, argc, argv);
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
    for (size_t i = 0; i < own_table.count; i++) {
        const struct cli_command *command = &own_table.commands[i];
        nw_text_addf(
            out, "\n## newel %s\n\n`newel %s%s%s`: %s.\n\n| option | meaning |\n|---|---|\n",
            command->name, command->name, gap_of(command), command->arguments, command->help);
        EACH_OPTION(id, command)
        {
            nw_text_add_str(out, "| `");
            add_option(out, "--", *id);
            nw_text_addf(out, "` | %s |\n", options[*id].help);
        }
    }
}

void cli_reference_man(struct nw_text *out)
{
    for (size_t i = 0; i < own_table.count; i++) {
        const struct cli_command *command = &own_table.commands[i];
        nw_text_addf(out, ".SS \"newel %s%s%s\"\n%s.\n", command->name, gap_of(command),
                     command->arguments, command->help);
        EACH_OPTION(id, command)
        {
            if (*id == CLI_HELP)
                continue;
            nw_text_add_str(out, ".TP\n");
            add_option(out, "\\-\\-", *id);
            nw_text_addf(out, "\n%s\n", options[*id].help);
        }
    }
}
