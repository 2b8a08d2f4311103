/* The contract of model/plan_input.h. */
#include "model/plan_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/constants.h"

static struct nw_model_route routes[] = {{.name = "feed"}, {.name = "mail", .has_share = true}};
static struct nw_model_service services[] = {
    {.name = "app", .has_bigger = true},
    {.name = "gw", .efficiency_kind = NW_MODEL_EFFICIENCY_USL}};
static struct nw_model_database databases[] = {{.name = "main"}};
static struct nw_model_queue queues[] = {{.name = "mail"}};
static struct nw_model_region regions[] = {{.name = "tokyo"}};
static struct nw_model_part parts[] = {{.name = "app"}, {.name = "main"}};

static struct nw_model_plan_input whole(void)
{
    return (struct nw_model_plan_input){
        .load = {.currency = "USD"},
        .routes = routes,
        .route_count = NW_COUNT(routes),
        .services = services,
        .service_count = NW_COUNT(services),
        .databases = databases,
        .database_count = NW_COUNT(databases),
        .queues = queues,
        .queue_count = NW_COUNT(queues),
        .regions = regions,
        .region_count = NW_COUNT(regions),
        .has_availability = true,
        .parts = parts,
        .part_count = NW_COUNT(parts),
    };
}

struct seen {
    char paths[128][64];
    struct nw_model_quantity *quantities[128];
    unsigned count;
};

/* What a plan must state: there is no default, so no row. */
static bool is_must(const char *path)
{
    return strcmp(path, "load.users") == 0 || strcmp(path, "load.requests") == 0 ||
           strcmp(path, "load.rate") == 0 || strcmp(path, "load.peak") == 0;
}

static void see(void *arg, const char *path, nw_model_unit unit, struct nw_model_quantity *quantity)
{
    struct seen *seen = arg;
    const struct nw_model_constant *row = nw_model_constant_of_path(nw_slice_str(path));
    assert_true(seen->count < NW_COUNT(seen->paths) && strlen(path) < sizeof seen->paths[0]);
    if (!row && !is_must(path))
        fail_msg("%s has no row in constants.def", path);
    if (row && row->unit != unit)
        fail_msg("%s: unit %d, its row says %d", path, unit, row->unit);
    for (unsigned i = 0; i < seen->count; i++)
        if (strcmp(seen->paths[i], path) == 0 || seen->quantities[i] == quantity)
            fail_msg("%s is visited twice", path);
    memcpy(seen->paths[seen->count], path, strlen(path) + 1);
    seen->quantities[seen->count++] = quantity;
}

static bool has_seen(const struct seen *seen, const char *path)
{
    for (unsigned i = 0; i < seen->count; i++)
        if (strcmp(seen->paths[i], path) == 0)
            return true;
    return false;
}

static struct seen walk(struct nw_model_plan_input *input)
{
    struct seen seen = {0};
    nw_model_plan_input_each(input, see, &seen);
    return seen;
}

static void every_quantity_is_visited_once_by_its_path(void **state)
{
    struct nw_model_plan_input input = whole();
    struct seen seen = walk(&input);
    /* 5 load, 6 x 2 routes, 9 + 5 services, 11 database, 7 cache, 8 queue, 5 region, 4 nines, 1 */
    assert_int_equal(seen.count, 5 + 12 + 14 + 11 + 7 + 8 + 5 + 4 + 1);
    assert_string_equal(seen.paths[0], "load.users");
    assert_string_equal(seen.paths[seen.count - 1], "budget.month");
    assert_ptr_equal(seen.quantities[seen.count - 1], &input.budget_month);
    assert_true(has_seen(&seen, "services.app.bigger.factor"));
    assert_true(has_seen(&seen, "availability.parts.main"));
}

/* A default that nobody can set would be a key that nobody can write. */
static void every_default_of_the_file_is_visited(void **state)
{
    struct nw_model_plan_input input = whole();
    struct seen seen = walk(&input);
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++) {
        const struct nw_model_constant *row = nw_model_constant((nw_model_constant_id)i);
        bool is_visited = row->path[0] == 0;
        for (unsigned s = 0; s < seen.count && !is_visited; s++)
            is_visited = nw_model_constant_of_path(nw_slice_str(seen.paths[s])) == row;
        if (!is_visited)
            fail_msg("no quantity of a plan has the path %s", row->path);
    }
}

static void what_something_else_replaced_is_left_out(void **state)
{
    struct nw_model_plan_input input = whole();
    input.load.kind = NW_MODEL_LOAD_RATE;
    struct seen seen = walk(&input);
    assert_true(has_seen(&seen, "load.rate") && !has_seen(&seen, "load.users"));
    assert_true(has_seen(&seen, "routes.feed.per_user") && !has_seen(&seen, "routes.feed.share"));
    assert_true(has_seen(&seen, "routes.mail.share") && !has_seen(&seen, "routes.mail.per_user"));
    assert_true(has_seen(&seen, "services.app.efficiency"));
    assert_false(has_seen(&seen, "services.gw.efficiency")); /* by the law */
    assert_false(has_seen(&seen, "services.gw.node_rate"));
    assert_false(has_seen(&seen, "services.gw.bigger.factor"));
    input.load.kind = NW_MODEL_LOAD_REQUESTS;
    input.has_availability = false;
    seen = walk(&input);
    assert_true(has_seen(&seen, "load.requests"));
    assert_false(has_seen(&seen, "availability.target"));
}

static void a_copy_shares_nothing_with_its_original(void **state)
{
    struct nw_arena arena;
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    char name[] = "feed";
    struct nw_model_plan_input input = whole();
    routes[0].name = name;
    services[0].measured_count = 1;
    services[0].measured[0].nodes = 4;
    struct nw_model_plan_input *copy = nw_model_plan_input_copy(&input, &arena);
    name[0] = 'x';
    copy->services[0].node_rate_per_s.value = 7;
    copy->parts[1].availability.value = 7;
    assert_string_equal(copy->routes[0].name, "feed");
    assert_string_equal(copy->load.currency, "USD");
    assert_true(copy->services[0].measured[0].nodes == 4);
    assert_true(services[0].node_rate_per_s.value == 0 && parts[1].availability.value == 0);
    struct seen of_copy = walk(copy), of_input;
    name[0] = 'f';
    of_input = walk(&input);
    assert_int_equal(of_copy.count, of_input.count);
    for (unsigned i = 0; i < of_copy.count; i++) {
        assert_string_equal(of_copy.paths[i], of_input.paths[i]);
        assert_ptr_not_equal(of_copy.quantities[i], of_input.quantities[i]);
    }
    routes[0].name = "feed";
    nw_arena_done(&arena);
}

static void absent_blocks_are_copied_as_absent(void **state)
{
    struct nw_arena arena;
    nw_arena_init(&arena, NULL, 0, 1 << 16);
    struct nw_model_plan_input input = {0};
    struct nw_model_plan_input *copy = nw_model_plan_input_copy(&input, &arena);
    assert_null(copy->routes);
    assert_int_equal(copy->queue_count, 0);
    assert_null(copy->load.currency);
    nw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_quantity_is_visited_once_by_its_path),
        cmocka_unit_test(every_default_of_the_file_is_visited),
        cmocka_unit_test(what_something_else_replaced_is_left_out),
        cmocka_unit_test(a_copy_shares_nothing_with_its_original),
        cmocka_unit_test(absent_blocks_are_copied_as_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
