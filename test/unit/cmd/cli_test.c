/* What a command line means, by exit code and by what is said on both outputs. */
#include "cmd/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct said {
    int code;
    char *out;
    char *err;
};

static struct said say_to(const struct cli_command *commands, size_t count, const char *first,
                          va_list args)
{
    char *argv[16] = {"newel"};
    int argc = 1;
    for (const char *arg = first; arg != NULL; arg = va_arg(args, const char *))
        argv[argc++] = (char *)arg;
    struct said said;
    size_t out_bytes, err_bytes;
    FILE *before_out = stdout, *before_err = stderr;
    stdout = open_memstream(&said.out, &out_bytes);
    stderr = open_memstream(&said.err, &err_bytes);
    said.code = commands != NULL ? cli_main_of(commands, count, argc, argv) : cli_main(argc, argv);
    fclose(stdout);
    fclose(stderr);
    stdout = before_out;
    stderr = before_err;
    return said;
}

static struct said say(const char *first, ...)
{
    va_list args;
    va_start(args, first);
    struct said said = say_to(NULL, 0, first, args);
    va_end(args);
    return said;
}

/* Commands that only say who they are, what they got, and one of two options named alike. */
static int name_and_arg(const struct cli *cli)
{
    printf("%s|%s", cli->command->name, cli->arg_count > 0 ? cli->args[0] : "");
    if (cli_has(cli, CLI_STATE))
        printf("|%s", cli_value(cli, CLI_STATE));
    return EXIT_DONE;
}

static const cli_option_id no_options[] = {CLI_HELP, CLI_OPTION_COUNT};
static const cli_option_id some_options[] = {CLI_HELP, CLI_STATE, CLI_OPTION_COUNT};
static const struct cli_command two_words[] = {
    {"plan", "FILE", "make a plan", some_options, 1, false, name_and_arg},
    {"plan init", "", "begin one", no_options, 0, false, name_and_arg},
    {"sim cache", "", "play a cache", some_options, 0, false, name_and_arg},
    {"sim fleet", "", "play a fleet", no_options, 1, false, name_and_arg},
    {"simple", "", "another word", no_options, 0, false, name_and_arg},
};

static struct said say_two(const char *first, ...)
{
    va_list args;
    va_start(args, first);
    struct said said = say_to(two_words, NW_COUNT(two_words), first, args);
    va_end(args);
    return said;
}

static void forget(struct said *said)
{
    free(said->out);
    free(said->err);
}

/* A usage error in one line that has `part`, and nothing on stdout. */
static void check_usage(struct said said, const char *part)
{
    if (strstr(said.err, part) == NULL)
        fail_msg("\"%s\" has no \"%s\"", said.err, part);
    assert_int_equal(said.code, EXIT_USAGE);
    assert_string_equal(said.out, "");
    assert_ptr_equal(strchr(said.err, '\n'), said.err + strlen(said.err) - 1);
    forget(&said);
}

static void a_command_that_is_nearly_right_gets_a_suggestion(void **state)
{
    check_usage(say("chekc", NULL), "there is no command `chekc`; did you mean `check`?");
    check_usage(say("zzzzzzzz", NULL), "there is no command `zzzzzzzz` (see");
}

static void an_option_that_is_nearly_right_gets_a_suggestion(void **state)
{
    check_usage(say("run", "--stat", "x", NULL), "has no option --stat; did you mean --state?");
    check_usage(say("check", "--strcit=1", NULL), "did you mean --strict?");
}

static void an_option_of_another_command_is_unknown_here(void **state)
{
    check_usage(say("version", "--listen", "127.0.0.1:0", NULL), "has no option --listen");
}

static void values_are_asked_for_and_refused_by_the_table(void **state)
{
    check_usage(say("run", "--to", NULL), "--to needs a value: --to ADDR");
    check_usage(say("run", "--to", "--", "x", NULL), "--to needs a value");
    check_usage(say("check", "--strict=yes", NULL), "--strict takes no value");
}

static void arguments_are_counted(void **state)
{
    check_usage(say("version", "now", NULL), "unexpected argument `now`");
    check_usage(say("check", "a.yaml", "b.yaml", NULL), "unexpected argument `b.yaml`");
}

static void one_dash_and_a_stray_rest_are_told(void **state)
{
    check_usage(say("run", "-to", "x", NULL), "options begin with two dashes");
    check_usage(say("status", "--", "x", NULL), "takes nothing behind --");
}

static void two_forms_of_run_are_not_mixed(void **state)
{
    check_usage(say("run", "a.yaml", "--to", "127.0.0.1:1", NULL), "give one of");
    check_usage(say("run", "--to", "127.0.0.1:1", "--", "x", NULL), "give one of");
    check_usage(say("run", "--", NULL), "which command shall be started?");
    check_usage(say("run", "a.yaml", "--listen", "127.0.0.1:0", NULL),
                "for the forms without a file");
}

static void a_node_is_asked_for_and_a_duration_is_checked(void **state)
{
    check_usage(say("drain", NULL), "which node?");
    check_usage(say("drain", "shop/a:1", "--for", "soon", NULL), "--for soon: ");
    check_usage(say("undrain", NULL), "which node?");
}

static void no_command_is_a_usage_error_with_help(void **state)
{
    struct said said = say(NULL);
    assert_int_equal(said.code, EXIT_USAGE);
    assert_string_equal(said.out, "");
    assert_non_null(strstr(said.err, "usage: newel COMMAND"));
    forget(&said);
}

static void help_is_no_error_and_knows_every_command(void **state)
{
    static const char *const names[] = {
#define NW_CLI_COMMAND(fn, name, arguments, options, args, rest, help) name,
#include "cmd/commands.def"
#undef NW_CLI_COMMAND
    };
    static const char *const ways[] = {"--help", "-h", "help"};
    for (size_t i = 0; i < NW_COUNT(ways); i++) {
        struct said said = say(ways[i], NULL);
        assert_int_equal(said.code, EXIT_DONE);
        assert_string_equal(said.err, "");
        for (size_t n = 0; n < NW_COUNT(names); n++)
            assert_non_null(strstr(said.out, names[n]));
        forget(&said);
    }
}

static void help_of_a_command_shows_its_options_and_runs_nothing(void **state)
{
    struct said said = say("check", "no-such-file.yaml", "--help", NULL);
    assert_int_equal(said.code, EXIT_DONE);
    assert_non_null(strstr(said.out, "--strict"));
    assert_null(strstr(said.out, "--listen"));
    forget(&said);
}

static void the_version_is_one_line(void **state)
{
    struct said one = say("version", NULL), two = say("--version", NULL);
    assert_int_equal(one.code, EXIT_DONE);
    assert_string_equal(one.out, "newel " NW_VERSION "\n");
    assert_string_equal(two.out, one.out);
    forget(&one);
    forget(&two);
}

static void a_file_that_is_not_there_is_an_invalid_configuration(void **state)
{
    struct said said = say("check", "/no/such/newel.yaml", NULL);
    assert_int_equal(said.code, EXIT_INVALID);
    assert_non_null(strstr(said.err, "/no/such/newel.yaml"));
    assert_non_null(strstr(said.err, "cannot be read"));
    forget(&said);
}

static void check_out(struct said said, int code, const char *out)
{
    assert_string_equal(said.err, "");
    assert_string_equal(said.out, out);
    assert_int_equal(said.code, code);
    forget(&said);
}

static void the_longest_name_wins(void **state)
{
    check_out(say_two("plan", NULL), EXIT_DONE, "plan|");
    check_out(say_two("plan", "my.yaml", NULL), EXIT_DONE, "plan|my.yaml");
    check_out(say_two("plan", "init", NULL), EXIT_DONE, "plan init|");
    check_out(say_two("plan", "./init", NULL), EXIT_DONE, "plan|./init");
    check_out(say_two("sim", "fleet", "a", NULL), EXIT_DONE, "sim fleet|a");
    check_out(say_two("sim", "cache", "--state", "x", NULL), EXIT_DONE, "sim cache||x");
    check_out(say_two("simple", NULL), EXIT_DONE, "simple|");
}

static void mistakes_behind_two_words_name_both(void **state)
{
    check_usage(say_two("sim", "flete", NULL), "no command `sim flete`; did you mean `sim fleet`?");
    check_usage(say_two("sim", "fleet", "--state", "x", NULL), "`newel sim fleet` has no option");
    check_usage(say_two("plan", "init", "x", NULL), "(see `newel plan init --help`)");
    check_usage(say_two("plan fleet", NULL), "no command `plan fleet`");
}

/* Lists the commands of the group and no others. */
static void check_group(struct said said, int code)
{
    const char *text = code == EXIT_DONE ? said.out : said.err;
    assert_int_equal(said.code, code);
    assert_non_null(strstr(text, "usage: newel sim COMMAND"));
    assert_non_null(strstr(text, "  sim cache  play a cache\n"));
    assert_non_null(strstr(text, "  sim fleet  play a fleet\n"));
    assert_null(strstr(text, "simple"));
    assert_null(strstr(text, "plan"));
    assert_string_equal(code == EXIT_DONE ? said.err : said.out, "");
    forget(&said);
}

static void the_first_word_alone_lists_its_commands(void **state)
{
    check_group(say_two("sim", NULL), EXIT_USAGE);
    check_group(say_two("sim", "--help", NULL), EXIT_DONE);
    check_group(say_two("sim", "-h", NULL), EXIT_DONE);
    check_group(say_two("help", "sim", NULL), EXIT_DONE);
}

static void help_of_a_command_names_those_that_are_longer(void **state)
{
    struct said own = say_two("plan", "--help", NULL),
                longer = say_two("help", "plan", "init", NULL);
    assert_non_null(strstr(own.out, "usage: newel plan FILE\n"));
    assert_non_null(strstr(own.out, "--state DIR"));
    assert_non_null(strstr(own.out, "  plan init  begin one\n"));
    assert_null(strstr(own.out, "sim"));
    assert_non_null(strstr(longer.out, "usage: newel plan init\n"));
    assert_null(strstr(longer.out, "--state"));
    forget(&own);
    forget(&longer);
}

/* The name decides only among the options of one command. */
static void no_command_has_two_options_of_one_name(void **state)
{
    static const char *const names[] = {
#define NW_CLI_OPTION(id, name, value, help) name,
#include "cmd/options.def"
#undef NW_CLI_OPTION
    };
#define OPTIONS(...)                                                                               \
    (const cli_option_id[])                                                                        \
    {                                                                                              \
        CLI_HELP, ##__VA_ARGS__, CLI_OPTION_COUNT                                                  \
    }
    const cli_option_id *const lists[] = {
#define NW_CLI_COMMAND(fn, name, arguments, options, args, rest, help) options,
#include "cmd/commands.def"
#undef NW_CLI_COMMAND
    };
    for (size_t i = 0; i < NW_COUNT(lists); i++)
        for (const cli_option_id *a = lists[i]; *a != CLI_OPTION_COUNT; a++)
            for (const cli_option_id *b = lists[i]; b < a; b++)
                assert_string_not_equal(names[*a], names[*b]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_that_is_nearly_right_gets_a_suggestion),
        cmocka_unit_test(an_option_that_is_nearly_right_gets_a_suggestion),
        cmocka_unit_test(an_option_of_another_command_is_unknown_here),
        cmocka_unit_test(values_are_asked_for_and_refused_by_the_table),
        cmocka_unit_test(arguments_are_counted),
        cmocka_unit_test(one_dash_and_a_stray_rest_are_told),
        cmocka_unit_test(two_forms_of_run_are_not_mixed),
        cmocka_unit_test(a_node_is_asked_for_and_a_duration_is_checked),
        cmocka_unit_test(no_command_is_a_usage_error_with_help),
        cmocka_unit_test(help_is_no_error_and_knows_every_command),
        cmocka_unit_test(help_of_a_command_shows_its_options_and_runs_nothing),
        cmocka_unit_test(the_version_is_one_line),
        cmocka_unit_test(the_longest_name_wins),
        cmocka_unit_test(mistakes_behind_two_words_name_both),
        cmocka_unit_test(the_first_word_alone_lists_its_commands),
        cmocka_unit_test(help_of_a_command_names_those_that_are_longer),
        cmocka_unit_test(no_command_has_two_options_of_one_name),
        cmocka_unit_test(a_file_that_is_not_there_is_an_invalid_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
