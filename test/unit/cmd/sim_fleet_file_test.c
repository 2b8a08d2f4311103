/* The contracts of cmd/sim_fleet_file.h and cmd/sim_fleet_load.h (CSV). */
#include "cmd/sim_fleet_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cmd/sim_fleet_load.h"

static struct nw_diag diag;
static struct fleet_file *file;

static int open_all(void **state)
{
    nw_diag_init(&diag);
    file = NULL;
    return 0;
}

static int close_all(void **state)
{
    fleet_file_free(file);
    nw_diag_done(&diag);
    return 0;
}

static nw_err read_text(const char *text)
{
    fleet_file_free(file);
    file = NULL;
    nw_diag_done(&diag);
    nw_diag_init(&diag);
    return fleet_file_read(nw_slice_str(text), "f.yaml", NULL, &diag, &file);
}

static const struct nw_model_fleet *right(const char *text)
{
    struct nw_text said = {0};
    nw_err err = read_text(text);
    nw_diag_print(&diag, &said);
    if (err != NW_OK)
        fail_msg("%s", said.ptr);
    nw_text_done(&said);
    return &file->fleet;
}

static void check_wrong(const char *text, const char *expected)
{
    struct nw_text said = {0};
    assert_int_equal(read_text(text), NW_INVALID);
    assert_null(file);
    nw_diag_print(&diag, &said);
    assert_string_equal(said.ptr, expected);
    nw_text_done(&said);
}

#define REST "load: {constant: 5/s}\nservices: {app: {}}\n"

static void a_file_becomes_what_the_simulator_takes(void **state)
{
    const struct nw_model_fleet *fleet = right(
        "sim: fleet\nfor: 2h\nengine: event\nseed: 7\n"
        "load: {steps: [[0s, 3000/s], [10m, 12K/s]], noise: 10%, arrivals: even, factor: 2}\n"
        "services: {shop: {nodes: 20, node_rate: 200/s, start: 30s, cold: 2m, cold_rate: 50%,\n"
        "  cold_cpu: 90%, drain: 10s, wait: 500ms, price: 2/h, cached: 90%, prewarm: 20%,\n"
        "  queries: 3, cache_lost: 15m, balance: two-choices, station: fifo, cv: 0.5}}\n"
        "databases: {main: {read_rate: 1000/s, connections: 103, pool: 10}}\n"
        "metrics: {noise: 5%, lost: 2%}\n"
        "scale: {on: [cpu, latency], target: 60%, latency: 200ms, every: 30s, for: 1m, min: 2,\n"
        "  max: 400, cooldown: 10m, scale_in: never, band_up: 5%, band_in: 30%, in_below: 65%,\n"
        "  max_cost: 100/h, no_benefit: 40%}\n");
    assert_true(fleet->for_s == 7200 && fleet->engine == NW_MODEL_FLEET_EVENT);
    assert_true(fleet->seed == 7 && fleet->nodes == 20 && fleet->node_rate_per_s == 200);
    assert_true(fleet->load.knot_count == 2 && fleet->load.knots[1].at_s == 600);
    assert_true(fleet->load.knots[1].rate_per_s == 24000 && !fleet->load.is_linear);
    assert_true(fleet->load.noise_ratio == 0.1 && fleet->arrivals == NW_MODEL_FLEET_EVEN);
    assert_true(fleet->start_s == 30 && fleet->cold_s == 120 && fleet->cold_rate_ratio == 0.5);
    assert_true(fleet->cold_cpu_ratio == 0.9 && fleet->drain_s == 10 && fleet->wait_s == 0.5);
    assert_true(fleet->hit_ratio == 0.9 && fleet->prewarm_ratio == 0.2 && fleet->queries == 3);
    assert_true(fleet->cache_lost_s == 900 && fleet->database_per_s == 1000);
    assert_true(fleet->balance == NW_MODEL_FLEET_TWO_CHOICES && fleet->service_cv == 0.5);
    assert_true(fleet->station == NW_MODEL_FLEET_FIFO);
    assert_true(fleet->reading_noise_ratio == 0.05 && fleet->lost_ratio == 0.02);
    const struct nw_model_scale_policy *policy = &fleet->policy;
    assert_true(policy->target[NW_MODEL_SCALE_CPU] == 0.6);
    assert_true(policy->target[NW_MODEL_SCALE_LATENCY] == 0.2);
    assert_true(policy->target[NW_MODEL_SCALE_CONCURRENCY] == 0);
    assert_true(policy->every_s == 30 && policy->for_s == 60 && policy->cooldown_s == 600);
    assert_true(policy->min_nodes == 2 && policy->max_nodes == 400 && !policy->scales_in);
    assert_true(policy->band_up_ratio == 0.05 && policy->band_in_ratio == 0.3);
    assert_true(policy->in_peak_ratio == 0.65 && policy->no_benefit_ratio == 0.4);
    assert_true(policy->price_per_h == 2 && policy->max_cost_per_h == 100);
    assert_true(policy->pool_size == 10 && policy->pool_wall == 100);
    assert_string_equal(file->service, "shop");
    assert_string_equal(file->database, "main");
}

static void what_is_not_given_is_the_default_rule(void **state)
{
    const struct nw_model_fleet *fleet = right("sim: fleet\n" REST "scale: {max: 9}\n");
    struct nw_model_scale_policy wanted = nw_model_scale_default(60, 9);
    wanted.price_per_h = 0.5;
    assert_memory_equal(&fleet->policy, &wanted, sizeof wanted);
    assert_true(file->has_rule);
    fleet = right("sim: fleet\nload: {constant: 5/s}\nservices: {app: {start: 5m}}\n"
                  "scale: {max: 9}\n");
    assert_true(fleet->policy.cooldown_s == 600); /* auto: twice the start */
}

static void without_a_rule_the_fleet_stays(void **state)
{
    struct nw_model_fleet_result result;
    const struct nw_model_fleet *fleet = right("sim: fleet\nload: {constant: 9K/s}\n"
                                               "services: {app: {nodes: 3}}\n");
    assert_false(file->has_rule);
    assert_int_equal(nw_model_fleet_run(fleet, NULL, NULL, &result), NW_OK);
    assert_true(result.added_nodes == 0 && result.end_nodes == 3);
    fleet = right("sim: fleet\nload: {constant: 0/s}\nservices: {app: {nodes: 3}}\n");
    assert_int_equal(nw_model_fleet_run(fleet, NULL, NULL, &result), NW_OK);
    assert_true(result.taken_nodes == 0);
}

static void steps_of_a_rule_are_nodes_or_a_part_of_the_fleet(void **state)
{
    const struct nw_model_fleet *fleet =
        right("sim: fleet\n" REST "scale: {max: 9, add: 2, cooldown: 0s, brakes: none}\n");
    assert_true(fleet->policy.add_nodes == 2 && fleet->policy.add_ratio == 0);
    assert_true(fleet->policy.cooldown_s == 0 && fleet->policy.no_benefit_ratio == 0);
    fleet = right("sim: fleet\n" REST "scale: {max: 9, add: 50%, count_cold: true}\n");
    assert_true(fleet->policy.add_nodes == 0 && fleet->policy.add_ratio == 0.5);
    assert_true(fleet->policy.counts_cold);
}

static void all_mistakes_are_told_at_once(void **state)
{
    check_wrong("sim: fleet\nfor: 0s\nload: {constant: 12000, steps: [[1s, 3/s]], nois: 10%}\n"
                "services: {app: {nodes: 0}, web: {}}\n"
                "scale: {on: [cpu, latency], add: 2}\n",
                "f.yaml:2:6: for: must be at least 1s, not \"0s\"\n"
                "f.yaml:3:18: load.constant: expected a rate such as 300/s, 5K/m, 10/h or 0.5/d, "
                "not \"12000\" (the time is missing)\n"
                "f.yaml:3:32: load.steps: the load is stated twice: constant and steps (keep one "
                "of them)\n"
                "f.yaml:3:45: load.nois: there is no such option (did you mean noise)\n"
                "f.yaml:4:25: services.app.nodes: must be at least 1, not \"0\"\n"
                "f.yaml:4:34: services.web: a fleet is one service (one file for each)\n"
                "f.yaml:5:8: scale.max: is missing (never more: the quota)\n"
                "f.yaml:5:13: scale.on: latency has no target (latency: 200ms)\n"
                "f.yaml:5:13: scale.on: a step rule looks at cpu alone (on: cpu)\n");
}

static void values_that_do_not_go_together_are_named(void **state)
{
    check_wrong("sim: fleet\nload: {}\nservices: {app: {prewarm: 20%, cache_lost: 5m}}\n"
                "scale: {max: 3, min: 5, count_cold: true, max_cost: 5/h}\n",
                "f.yaml:2:7: load: says nothing about how much arrives (constant: 3000/s, steps, "
                "line, day, csv or log)\n"
                "f.yaml:3:27: services.app.prewarm: is above `cached`, which a warm node has\n"
                "f.yaml:3:44: services.app.cache_lost: nothing is behind the caches that could "
                "feel it (databases: { main: { read_rate: 1000/s } })\n"
                "f.yaml:4:22: scale.min: is above `max`\n"
                "f.yaml:4:37: scale.count_cold: belongs to a step rule, which has `add` (add: "
                "100%)\n");
    check_wrong("sim: fleet\nload: {line: [[5s, 1/s], [5s, 2/s]]}\nservices: {app: {price: 0/h}}\n"
                "databases: {main: {connections: 20}}\n"
                "scale: {max: 3, max_cost: 5/h}\n",
                "f.yaml:2:14: load.line: the first time must be 0s ([[0s, 3000/s], …)\n"
                "f.yaml:2:14: load.line: the times must rise\n"
                "f.yaml:4:33: databases.main.connections: do not suffice for one node's pool "
                "beside 3 reserved ones\n"
                "f.yaml:5:27: scale.max_cost: nodes have no price (price: 0.50/h)\n");
    check_wrong("sim: fleet\n",
                "f.yaml:1:1: load: is missing (load: { constant: 3000/s })\n"
                "f.yaml:1:1: services: is missing (services: { app: { nodes: 20 } })\n");
    check_wrong("sim: fleet\nload: {day: {average: 1/s, peak: 101/s}}\nservices: {app: {}}\n",
                "f.yaml:2:34: load.day.peak: must be in 1 to 100 times the average\n");
}

/* ---- CSV ---- */

static nw_err read_csv(const char *text, struct nw_model_fleet_knot **knots, size_t *count)
{
    nw_diag_done(&diag);
    nw_diag_init(&diag);
    return fleet_load_csv(nw_slice_str(text), "l.csv", &diag, knots, count);
}

static void csv_lines_are_seconds_and_rates(void **state)
{
    static const char *const texts[] = {"0,100\n60,250.5\n", "seconds,rate\n0,100\n60,250.5\n",
                                        "# recorded\r\nseconds,rate\r\n0, 100\r\n\r\n60,250.5"};
    for (size_t i = 0; i < NW_COUNT(texts); i++) {
        struct nw_model_fleet_knot *knots = NULL;
        size_t count = 0;
        assert_int_equal(read_csv(texts[i], &knots, &count), NW_OK);
        assert_int_equal(count, 2);
        assert_true(knots[0].at_s == 0 && knots[0].rate_per_s == 100);
        assert_true(knots[1].at_s == 60 && knots[1].rate_per_s == 250.5);
        nw_free(knots);
    }
}

static void a_wrong_csv_line_is_named_with_its_number(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "l.csv: has no line of seconds and a rate (0,3000)\n"},
        {"5,100\n", "l.csv:1:1: the first line must be for 0 seconds (0,…)\n"},
        {"0,1\n0,2\nx,3\n",
         "l.csv:2:1: the seconds must rise from line to line\n"
         "l.csv:3:1: expected seconds, a comma and requests per second (0,3000)\n"},
        {"0,2e13\n", "l.csv:1:1: expected seconds, a comma and requests per second (0,3000)\n"},
        {"0,-1\n", "l.csv:1:1: expected seconds, a comma and requests per second (0,3000)\n"},
        {"0,1\n1,nan\n", "l.csv:2:1: expected seconds, a comma and requests per second (0,3000)\n"},
        {"0,20000000000000\n", "l.csv:1:1: the rate is above 1e12 per second\n"},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct nw_model_fleet_knot *knots = NULL;
        struct nw_text said = {0};
        size_t count = 0;
        assert_int_equal(read_csv(cases[i].text, &knots, &count), NW_INVALID);
        assert_null(knots);
        nw_diag_print(&diag, &said);
        assert_string_equal(said.ptr, cases[i].said);
        nw_text_done(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_becomes_what_the_simulator_takes, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(what_is_not_given_is_the_default_rule, open_all, close_all),
        cmocka_unit_test_setup_teardown(without_a_rule_the_fleet_stays, open_all, close_all),
        cmocka_unit_test_setup_teardown(steps_of_a_rule_are_nodes_or_a_part_of_the_fleet, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(all_mistakes_are_told_at_once, open_all, close_all),
        cmocka_unit_test_setup_teardown(values_that_do_not_go_together_are_named, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(csv_lines_are_seconds_and_rates, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_wrong_csv_line_is_named_with_its_number, open_all,
                                        close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
