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

static struct said say(const char *first, ...)
{
    char *argv[16] = {"newel"};
    int argc = 1;
    va_list args;
    va_start(args, first);
    for (const char *arg = first; arg != NULL; arg = va_arg(args, const char *))
        argv[argc++] = (char *)arg;
    va_end(args);
    struct said said;
    size_t out_bytes, err_bytes;
    FILE *before_out = stdout, *before_err = stderr;
    stdout = open_memstream(&said.out, &out_bytes);
    stderr = open_memstream(&said.err, &err_bytes);
    said.code = cli_main(argc, argv);
    fclose(stdout);
    fclose(stderr);
    stdout = before_out;
    stderr = before_err;
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
        cmocka_unit_test(a_file_that_is_not_there_is_an_invalid_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
