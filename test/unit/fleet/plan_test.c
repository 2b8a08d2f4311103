/* The contracts of fleet/plan.h. */
#include "fleet/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"

static struct nw_slice words[] = {NW_SLICE_LIT("node"), NW_SLICE_LIT("app.js")};
static struct nw_conf_pair pairs[] = {{NW_SLICE_LIT("MODE"), NW_SLICE_LIT("fast")}};

static struct nw_conf_service service(void)
{
    return (struct nw_conf_service){.run = {words, 2}, .env = {pairs, 1}, .instances = 1};
}

static uint64_t identity_of(const struct nw_conf_service *conf)
{
    struct nw_fleet_plan *plan = nw_fleet_plan_new(conf);
    uint64_t identity = plan->identity;
    nw_fleet_plan_free(plan);
    return identity;
}

static void a_plan_copies_the_command(void **state)
{
    struct nw_conf_service conf = service();
    conf.cpu_cores = 1.5;
    struct nw_fleet_plan *plan = nw_fleet_plan_new(&conf);
    assert_int_equal(plan->argc, 2);
    assert_string_equal(plan->argv[1], "app.js");
    assert_null(plan->argv[2]);
    assert_int_equal(plan->env_count, 1);
    assert_string_equal(plan->env[0], "MODE=fast");
    assert_null(plan->cwd);
    assert_int_equal(plan->cpu_count, 2);
    nw_fleet_plan_free(plan);
}

static void the_same_command_has_the_same_identity(void **state)
{
    struct nw_conf_service a = service(), b = service();
    b.stop_ms = 5;
    b.instances = 7;
    assert_int_equal(identity_of(&a), identity_of(&b));
}

static void every_part_of_the_command_counts(void **state)
{
    static struct nw_slice other_words[] = {NW_SLICE_LIT("nodea"), NW_SLICE_LIT("pp.js")};
    static struct nw_conf_pair other_pairs[] = {{NW_SLICE_LIT("MODE"), NW_SLICE_LIT("slow")}};
    struct nw_conf_service base = service(), other[6];
    for (size_t i = 0; i < 6; i++)
        other[i] = service();
    other[0].run.items = other_words; /* a letter moved to the word before */
    other[1].env.items = other_pairs;
    other[2].cwd = NW_SLICE("/srv");
    other[3].user = NW_SLICE("/srv");
    other[4].memory_bytes = 1 << 20;
    other[5].cpu_cores = 1;
    for (size_t i = 0; i < 6; i++) {
        assert_int_not_equal(identity_of(&base), identity_of(&other[i]));
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(identity_of(&other[k]), identity_of(&other[i]));
    }
}

static void check_argument(const char *text, const char *socket, const char *wanted)
{
    char *got = nw_fleet_argument(text, 3000, socket);
    assert_string_equal(got, wanted);
    nw_free(got);
}

static void places_are_put_into_arguments(void **state)
{
    check_argument("127.0.0.1:{port}", "/s", "127.0.0.1:3000");
    check_argument("{port}{port}", "/s", "30003000");
    check_argument("--bind=unix:{socket}", "/run/a.sock", "--bind=unix:/run/a.sock");
    check_argument("{socket}", NULL, "{socket}");
    check_argument("{ports} {port {PORT}", "/s", "{ports} {port {PORT}");
    check_argument("", "/s", "");
}

static void pauses_double_up_to_half_a_minute(void **state)
{
    static const uint64_t wanted[] = {100,  200,   400,   800,   1600, 3200,
                                      6400, 12800, 25600, 30000, 30000};
    for (unsigned n = 0; n < NW_COUNT(wanted); n++)
        assert_int_equal(nw_fleet_backoff_ms(n), wanted[n]);
    assert_int_equal(nw_fleet_backoff_ms(1000000000), 30000);
}

static void a_long_socket_path_is_shortened_or_refused(void **state)
{
    char path[108], run_dir[120], name[61];
    assert_true(nw_fleet_socket_path("/run", "shop", 2, 9, path, sizeof path));
    assert_string_equal(path, "/run/shop-2-9.sock");
    memset(name, 'n', 60);
    name[60] = '\0';
    memset(run_dir, 'd', sizeof run_dir);
    run_dir[70] = '\0';
    assert_true(nw_fleet_socket_path(run_dir, name, 2, 9, path, sizeof path));
    assert_null(strchr(path, 'n'));
    assert_int_equal(strncmp(path, run_dir, 70), 0);
    run_dir[70] = 'd';
    run_dir[105] = '\0';
    assert_false(nw_fleet_socket_path(run_dir, name, 2, 9, path, sizeof path));
}

static void a_service_name_with_a_slash_stays_in_its_folder(void **state)
{
    char path[108];
    assert_true(nw_fleet_socket_path("/run", "../up", 1, 1, path, sizeof path));
    assert_ptr_equal(strrchr(path, '/'), path + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_copies_the_command),
        cmocka_unit_test(the_same_command_has_the_same_identity),
        cmocka_unit_test(every_part_of_the_command_counts),
        cmocka_unit_test(places_are_put_into_arguments),
        cmocka_unit_test(pauses_double_up_to_half_a_minute),
        cmocka_unit_test(a_long_socket_path_is_shortened_or_refused),
        cmocka_unit_test(a_service_name_with_a_slash_stays_in_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
