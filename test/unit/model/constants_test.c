/* The contract of model/constants.h. */
#include "model/constants.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const metrics[] = {
#define NW_METRIC(name, ...) "newel_" #name,
#include "base/metrics.def"
#undef NW_METRIC
};

static void names_and_paths_are_unique(void **state)
{
    for (int a = 0; a < NW_MODEL_CONSTANT_COUNT; a++) {
        const struct nw_model_constant *row = nw_model_constant((nw_model_constant_id)a);
        assert_ptr_equal(nw_model_constant_find(nw_slice_str(row->name)), row);
        for (int b = 0; b < a && row->path[0]; b++)
            assert_string_not_equal(row->path, nw_model_constant((nw_model_constant_id)b)->path);
    }
    assert_null(nw_model_constant_find(NW_SLICE("no_such_constant")));
    assert_null(nw_model_constant_find(NW_SLICE("")));
}

static void every_row_says_how_sure_it_is_and_where_it_comes_from(void **state)
{
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++) {
        const struct nw_model_constant *row = nw_model_constant((nw_model_constant_id)i);
        if (!(row->low <= row->value && row->value <= row->high && isfinite(row->high)))
            fail_msg("%s: low <= value <= high", row->name);
        assert_true(strlen(row->source) > 0);
        if (row->text[0] == 0 || row->text[strlen(row->text) - 1] != '.')
            fail_msg("%s has no sentence", row->name);
    }
}

/* What a key of the file sets has a flag; what none sets has none. */
static void a_key_has_a_flag_and_a_fixed_number_none(void **state)
{
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++) {
        const struct nw_model_constant *row = nw_model_constant((nw_model_constant_id)i);
        if (row->path[0] ? strncmp(row->flag, "--", 2) != 0 : row->flag[0] != 0)
            fail_msg("%s: path \"%s\", flag \"%s\"", row->name, row->path, row->flag);
    }
}

/* "newel_cache_*" is a part that is still to come, any other name is one of metrics.def. */
static bool is_metric(const char *name)
{
    static const char *const to_come[] = {"newel_cache_*", "newel_pg_*", "newel_queue_*"};
    for (size_t i = 0; i < NW_COUNT(to_come); i++)
        if (strcmp(name, to_come[i]) == 0)
            return true;
    for (size_t i = 0; i < NW_COUNT(metrics); i++)
        if (strcmp(name, metrics[i]) == 0)
            return true;
    return false;
}

static void the_metric_that_replaces_a_constant_exists(void **state)
{
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++) {
        const struct nw_model_constant *row = nw_model_constant((nw_model_constant_id)i);
        if (row->metric[0] && !is_metric(row->metric))
            fail_msg("%s: there is no metric %s", row->name, row->metric);
    }
}

static const char *name_at(const char *path)
{
    const struct nw_model_constant *row = nw_model_constant_of_path(nw_slice_str(path));
    return row ? row->name : "-";
}

static void a_path_finds_its_row_whatever_the_user_called_the_part(void **state)
{
    assert_string_equal(name_at("services.app.node_rate"), "node_rate");
    assert_string_equal(name_at("services.b2-x.bigger.price"), "bigger_price");
    assert_string_equal(name_at("services.app.connections"), "node_connections");
    assert_string_equal(name_at("databases.main.connections"), "database_connections");
    assert_string_equal(name_at("cache.price"), "cache_price");
    assert_string_equal(name_at("availability.parts.app"), "part");
    assert_string_equal(name_at("load.users"), "-");
    assert_string_equal(name_at("services..node_rate"), "-");
    assert_string_equal(name_at("services.app.node_rate.x"), "-");
    assert_string_equal(name_at("services.app.v2.node_rate"), "node_rate"); /* "app.v2" */
    assert_string_equal(name_at("services.app.v2.bigger.price"), "bigger_price");
    assert_string_equal(name_at("services.app.v2.price"), "node_price");
    assert_string_equal(name_at("availability.parts.a.mtbf"), "-");
    assert_string_equal(name_at("load.x.growth"), "-");
    assert_string_equal(name_at("services.app.node_rat"), "-");
    assert_string_equal(name_at("services.app"), "-");
    assert_string_equal(name_at(""), "-");
}

/* The plan file's defaults, written down a second time. */
static void defaults_are_those_of_the_plan_file(void **state)
{
    static const struct {
        const char *path;
        double value, low, high;
    } defaults[] = {
        {"load.growth", 1, 1, 1},
        {"load.read_share", 0.9, 0.8, 0.95},
        {"routes.x.cached", 0, 0, 0},
        {"routes.x.request", 1000, 1000, 1000},
        {"routes.x.answer", 1000, 1000, 50000},
        {"routes.x.queries", 1, 1, 1},
        {"routes.x.log", 1000, 1000, 1000},
        {"services.x.node_rate", 300, 200, 500},
        {"services.x.efficiency", 0.85, 0.8, 0.9},
        {"services.x.margin", 0.3, 0.2, 0.5},
        {"services.x.spare", 1, 1, 1},
        {"services.x.connections", 2000, 2000, 2000},
        {"services.x.bigger.factor", 8, 8, 8},
        {"services.x.bigger.price", 4.8, 4.8, 4.8},
        {"services.x.price", 0.5, 0.5, 0.5},
        {"databases.x.read_rate", 1000, 1000, 5000},
        {"databases.x.replica_rate", 2000, 1500, 2000},
        {"databases.x.write_rate", 5000, 5000, 10000},
        {"databases.x.size_max", 5e12, 1e12, 10e12},
        {"databases.x.connections", 100, 100, 100},
        {"databases.x.pool", 20, 10, 20},
        {"databases.x.price", 1, 1, 1},
        {"cache.entry", 2000, 2000, 5000},
        {"cache.ram", 64e9, 64e9, 64e9},
        {"cache.fill", 0.75, 0.7, 0.8},
        {"cache.price", 0.5, 0.5, 0.5},
        {"queues.x.over", 60, 60, 60},
        {"queues.x.drain", 200, 200, 200},
        {"queues.x.retention", 7 * 86400, 7 * 86400, 7 * 86400},
        {"queues.x.outage", 120, 120, 120},
        {"queues.x.alarm", 900, 900, 900},
        {"availability.target", 0.999, 0.999, 0.999},
    };
    for (size_t i = 0; i < NW_COUNT(defaults); i++) {
        const struct nw_model_constant *row =
            nw_model_constant_of_path(nw_slice_str(defaults[i].path));
        if (!row || row->value != defaults[i].value || row->low != defaults[i].low ||
            row->high != defaults[i].high)
            fail_msg("%s is not as in the plan file", defaults[i].path);
    }
}

static void as_a_quantity_it_is_assumed(void **state)
{
    struct nw_model_quantity rate = nw_model_constant_quantity(NW_MODEL_C_NODE_RATE);
    assert_true(rate.value == 300 && rate.low == 200 && rate.high == 500);
    assert_int_equal(rate.origin, NW_MODEL_ASSUMED);
    assert_true(nw_model_constant_value(NW_MODEL_C_DAY) == 24 * 60 * 60);
}

/* A rule with a range is a row whose low and high are that range. */
static void ranges(nw_model_constant_id id, double value, double low, double high)
{
    struct nw_model_quantity row = nw_model_constant_quantity(id);
    assert_true(row.value == value && row.low == low && row.high == high);
}

static void fact_b3r_rates_per_node(void **state)
{
    ranges(NW_MODEL_C_NODE_RATE, 300, 200, 500);
}

static void fact_b5_connections_of_a_server(void **state)
{
    ranges(NW_MODEL_C_NODE_CONNECTIONS, 2000, 2000, 2000);
}

static void fact_d3_limits_of_one_database(void **state)
{
    ranges(NW_MODEL_C_READ_RATE, 1000, 1000, 5000);
    ranges(NW_MODEL_C_SIZE_MAX, 5e12, 1e12, 10e12);
}

static void fact_d6_shares_of_reads(void **state)
{
    ranges(NW_MODEL_C_READ_SHARE, 0.9, 0.8, 0.95);
}

static void fact_d7_a_pool_of_10_to_20(void **state)
{
    ranges(NW_MODEL_C_POOL, 20, 10, 20);
}

static void fact_i1_the_trigger_is_70_percent_of_cpu(void **state)
{
    ranges(NW_MODEL_C_CPU_TRIGGER, 0.7, 0.7, 0.7);
}

static void light_in_fibre_makes_204218_km_a_second(void **state)
{
    double speed = nw_model_constant_value(NW_MODEL_C_LIGHT_SPEED) /
                   nw_model_constant_value(NW_MODEL_C_FIBRE_INDEX);
    assert_true(round(speed) == 204218);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_paths_are_unique),
        cmocka_unit_test(every_row_says_how_sure_it_is_and_where_it_comes_from),
        cmocka_unit_test(a_key_has_a_flag_and_a_fixed_number_none),
        cmocka_unit_test(the_metric_that_replaces_a_constant_exists),
        cmocka_unit_test(a_path_finds_its_row_whatever_the_user_called_the_part),
        cmocka_unit_test(defaults_are_those_of_the_plan_file),
        cmocka_unit_test(as_a_quantity_it_is_assumed),
        cmocka_unit_test(fact_b3r_rates_per_node),
        cmocka_unit_test(fact_b5_connections_of_a_server),
        cmocka_unit_test(fact_d3_limits_of_one_database),
        cmocka_unit_test(fact_d6_shares_of_reads),
        cmocka_unit_test(fact_d7_a_pool_of_10_to_20),
        cmocka_unit_test(fact_i1_the_trigger_is_70_percent_of_cpu),
        cmocka_unit_test(light_in_fibre_makes_204218_km_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
