/* The target as the access log shows it. */
#include "gate/access.h"

#include "exchange_build.h"

static void check_target(const char *query, const char *wanted)
{
    struct nw_slice names[] = {NW_SLICE("token"), NW_SLICE("pass word")};
    struct nw_conf_strings redact = {names, NW_COUNT(names)};
    struct nw_target target = {.path = NW_SLICE("/a%2Fb")};
    struct nw_text out = {0};
    target.has_query = query != NULL;
    target.query = query != NULL ? nw_slice_str(query) : nw_slice_of(NULL, 0);
    gate_access_target(&out, &target, &redact);
    assert_slice(nw_text_slice(&out), wanted);
    nw_text_done(&out);
}

static void a_target_without_secrets_is_written_as_it_is(void **state)
{
    check_target(NULL, "/a%2Fb");
    check_target("", "/a%2Fb?");
    check_target("q=100%&f[a]=1", "/a%2Fb?q=100%&f[a]=1");
}

static void values_of_named_parameters_are_not_written(void **state)
{
    check_target("token=abc", "/a%2Fb?token=***");
    check_target("x=1&token=abc&y=2&token=def", "/a%2Fb?x=1&token=***&y=2&token=***");
    check_target("token=", "/a%2Fb?token=***");
    check_target("token=a=b", "/a%2Fb?token=***");
}

static void case_and_encoding_hide_no_secret(void **state)
{
    check_target("TOKEN=abc", "/a%2Fb?TOKEN=***");
    check_target("tok%65n=abc", "/a%2Fb?tok%65n=***");
    check_target("pass+word=abc", "/a%2Fb?pass+word=***");
    check_target("pass%20word=abc", "/a%2Fb?pass%20word=***");
}

static void other_names_are_not_taken_for_a_secret(void **state)
{
    check_target("tokens=abc", "/a%2Fb?tokens=abc");
    check_target("my_token=abc", "/a%2Fb?my_token=abc");
    check_target("token", "/a%2Fb?token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_without_secrets_is_written_as_it_is),
        cmocka_unit_test(values_of_named_parameters_are_not_written),
        cmocka_unit_test(case_and_encoding_hide_no_secret),
        cmocka_unit_test(other_names_are_not_taken_for_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
