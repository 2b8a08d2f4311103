/* Who may ask the admin listener: the rules, without a listener. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/admin_impl.h"

static bool host(const struct nw_admin *admin, const char *text)
{
    return admin_host_is_allowed(admin, nw_slice_str(text));
}

static bool token(const struct nw_admin *admin, const char *text)
{
    return admin_token_is_right(admin, nw_slice_str(text));
}

static void a_literal_loopback_address_is_always_allowed(void **state)
{
    struct nw_admin admin = {0};
    assert_true(host(&admin, "127.0.0.1"));
    assert_true(host(&admin, "127.0.0.1:9900"));
    assert_true(host(&admin, "127.8.9.10:1"));
    assert_true(host(&admin, "[::1]"));
    assert_true(host(&admin, "[::1]:9900"));
}

static void a_name_that_a_stranger_could_point_here_is_not(void **state)
{
    struct nw_admin admin = {0};
    assert_false(host(&admin, "evil.example:9900"));
    assert_false(host(&admin, "127.0.0.1.evil.example"));
    assert_false(host(&admin, "10.0.0.1:9900"));
    assert_false(host(&admin, "[2001:db8::1]"));
    assert_false(host(&admin, ""));
    assert_false(host(&admin, "127.0.0.1:port"));
    assert_false(host(&admin, "a b"));
}

static void listed_names_are_allowed_in_any_case_and_no_others(void **state)
{
    char *names[] = {"newel.internal", "ops.example"};
    struct nw_admin admin = {.hosts = names, .host_count = 2};
    assert_true(host(&admin, "newel.internal"));
    assert_true(host(&admin, "NEWEL.internal:9900"));
    assert_true(host(&admin, "ops.example"));
    assert_false(host(&admin, "x.newel.internal"));
    assert_false(host(&admin, "newel.internal.evil.example"));
    assert_true(host(&admin, "127.0.0.1"));
}

static void only_the_whole_token_opens(void **state)
{
    struct nw_admin admin = {.token = nw_secret_new(NW_SLICE("s3cret"))};
    assert_true(token(&admin, "Bearer s3cret"));
    assert_true(token(&admin, "bearer s3cret"));
    assert_false(token(&admin, "Bearer s3cre"));
    assert_false(token(&admin, "Bearer s3cretx"));
    assert_false(token(&admin, "Bearer S3cret"));
    assert_false(token(&admin, "Bearer  s3cret"));
    assert_false(token(&admin, "Basic s3cret"));
    assert_false(token(&admin, "s3cret"));
    assert_false(token(&admin, "Bearer "));
    assert_false(token(&admin, ""));
    assert_false(admin_token_is_right(&admin, nw_slice_of(NULL, 0)));
    nw_secret_free(admin.token);
}

static void without_a_token_nothing_opens(void **state)
{
    struct nw_admin admin = {0};
    assert_false(token(&admin, "Bearer "));
    assert_false(token(&admin, "Bearer anything"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_loopback_address_is_always_allowed),
        cmocka_unit_test(a_name_that_a_stranger_could_point_here_is_not),
        cmocka_unit_test(listed_names_are_allowed_in_any_case_and_no_others),
        cmocka_unit_test(only_the_whole_token_opens),
        cmocka_unit_test(without_a_token_nothing_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
