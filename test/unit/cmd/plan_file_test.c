/* The contract of cmd/plan_file.h: a file, flags and what-if to the numbers of a plan. */
#include "cmd/plan_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cmd/plan_table.h"
#include "conf/type.h"
#include "model/constants.h"

static struct nw_diag diag;
static struct plan_file *file;

static int open_all(void **state)
{
    nw_diag_init(&diag);
    file = NULL;
    return 0;
}

static int close_all(void **state)
{
    plan_file_free(file);
    nw_diag_done(&diag);
    return 0;
}

static nw_err read_with(const char *text, const struct plan_edit *edits, size_t edit_count)
{
    struct nw_slice slice = text != NULL ? nw_slice_str(text) : (struct nw_slice){0};
    plan_file_free(file);
    file = NULL;
    nw_diag_done(&diag);
    nw_diag_init(&diag);
    return plan_file_read(slice, "p.yaml", edits, edit_count, NULL, &diag, &file);
}

static const struct nw_model_plan_input *right_with(const char *text, const struct plan_edit *edits,
                                                    size_t edit_count)
{
    nw_err err = read_with(text, edits, edit_count);
    struct nw_text said = {0};
    nw_diag_print(&diag, &said);
    if (err != NW_OK)
        fail_msg("%s", said.ptr);
    assert_int_equal(diag.count, 0);
    return file->input;
}

static const struct nw_model_plan_input *right(const char *text)
{
    return right_with(text, NULL, 0);
}

static void check_wrong_with(const char *text, const struct plan_edit *edits, size_t edit_count,
                             const char *expected)
{
    struct nw_text said = {0};
    assert_int_equal(read_with(text, edits, edit_count), NW_INVALID);
    assert_null(file);
    nw_diag_print(&diag, &said);
    assert_string_equal(said.ptr, expected);
    nw_text_done(&said);
}

static void check_wrong(const char *text, const char *expected)
{
    check_wrong_with(text, NULL, 0, expected);
}

static void check_quantity(struct nw_model_quantity quantity, double value, double low, double high,
                           nw_model_origin origin)
{
    assert_true(fabs(quantity.value - value) <= 1e-12 * fabs(value));
    assert_true(fabs(quantity.low - low) <= 1e-12 * fabs(low));
    assert_true(fabs(quantity.high - high) <= 1e-12 * fabs(high));
    assert_int_equal(quantity.origin, origin);
}

#define ENOUGH "plan: 1\nload: { requests: 100M/d, peak: 5 }\n"

static void the_photo_feed_is_read(void **state)
{
    const struct nw_model_plan_input *in =
        right("plan: 1\n"
              "load: { users: 50M, peak: 4 }\n"
              "routes: { feed: { per_user: 4/d, kind: read, cached: 95% },\n"
              "          upload: { per_user: 0.5/d, kind: write } }\n"
              "databases: { main: { replica_rate: 1500/s } }\n");
    assert_int_equal(in->load.kind, NW_MODEL_LOAD_USERS);
    check_quantity(in->load.users, 50e6, 50e6, 50e6, NW_MODEL_GIVEN);
    check_quantity(in->load.peak, 4, 4, 4, NW_MODEL_GIVEN);
    assert_int_equal(in->route_count, 2);
    assert_string_equal(in->routes[0].name, "feed");
    assert_int_equal(in->routes[0].kind, NW_MODEL_ROUTE_READ);
    assert_int_equal(in->routes[1].kind, NW_MODEL_ROUTE_WRITE);
    assert_false(in->routes[0].has_share);
    check_quantity(in->routes[0].per_user_per_s, 4 / 86400.0, 4 / 86400.0, 4 / 86400.0,
                   NW_MODEL_GIVEN);
    check_quantity(in->routes[0].cached, .95, .95, .95, NW_MODEL_GIVEN);
    assert_int_equal(in->routes[0].queue_index, -1);
    assert_int_equal(in->service_count, 1);
    assert_string_equal(in->services[0].name, "app");
    check_quantity(in->services[0].node_rate_per_s, 300, 200, 500, NW_MODEL_ASSUMED);
    check_quantity(in->databases[0].replica_rate_per_s, 1500, 1500, 1500, NW_MODEL_GIVEN);
    check_quantity(in->databases[0].read_rate_per_s, 1000, 1000, 5000, NW_MODEL_ASSUMED);
}

/* Every key. */
static const char full[] =
    "plan: 1\n"
    "load: { users: 50M, peak: 5, growth: 1, currency: USD, connected: 10K, read_share: 90% }\n"
    "routes:\n"
    "  feed: { per_user: 4/d, kind: mixed, cached: 0%, request: 1KB, answer: 1KB, queries: 1,\n"
    "          log: 1KB, service: app, database: main }\n"
    "  mail: { share: 2%, kind: write, queue: mail }\n"
    "services:\n"
    "  app:\n"
    "    node_rate: { value: 300/s, low: 200/s, high: 500/s }\n"
    "    efficiency: 85%\n"
    "    margin: 30%\n"
    "    spare: 1\n"
    "    connections: 2000\n"
    "    stateless: unknown\n"
    "    bigger: { factor: 8, price: 4.80/h }\n"
    "    price: 0.50/h\n"
    "  law: { usl: { gamma: 1800/s, alpha: 0.03, beta: 0.0005 }, zones: 3, bigger: none,\n"
    "         stateless: true }\n"
    "  seen: { measured: [[1, 1800/s], [2, 3490/s]], stateless: false }\n"
    "databases:\n"
    "  main: { read_rate: 1000/s, replica_rate: 2000/s, write_rate: 5000/s, size: 0,\n"
    "          size_max: 5TB, own_writes: 0%, lag: 1s, connections: 100, pool: 20, domains: 1,\n"
    "          clear_domains: false, price: 1.00/h }\n"
    "cache:   { entry: 2KB, hot: 0, ttl: 0s, per_key: 0/s, ram: 64GB, fill: 75%, price: 0.50/h }\n"
    "queues:  { mail: { burst: 10000, over: 60s, drain: 200/s, message: 1KB, retention: 7d,\n"
    "                   groups: 1, outage: 2m, alarm: 15m } }\n"
    "regions: { tokyo: { users: 10%, rtt: 155ms, local: 3ms, calls: 5, distance_km: 10872 } }\n"
    "availability: { target: 99.9%, parts: { app: 99%, main: { value: 99.9%, low: 99% } },\n"
    "                common_cause: 0% }\n"
    "budget: { month: 0 }\n";

static void every_key_of_the_full_form_is_read(void **state)
{
    const struct nw_model_plan_input *in = right(full);
    check_quantity(in->load.connected, 10000, 10000, 10000, NW_MODEL_GIVEN);
    check_quantity(in->read_share, .9, .9, .9, NW_MODEL_GIVEN);
    assert_string_equal(in->load.currency, "USD");
    assert_true(in->routes[1].has_share);
    check_quantity(in->routes[1].share, .02, .02, .02, NW_MODEL_GIVEN);
    assert_int_equal(in->routes[1].queue_index, 0);
    check_quantity(in->services[0].node_rate_per_s, 300, 200, 500, NW_MODEL_GIVEN);
    assert_true(in->services[0].has_bigger);
    check_quantity(in->services[0].bigger_price_per_h, 4.8, 4.8, 4.8, NW_MODEL_GIVEN);
    assert_int_equal(in->services[0].stateless, NW_MODEL_UNKNOWN);
    assert_int_equal(in->services[1].stateless, NW_MODEL_YES);
    assert_int_equal(in->services[2].stateless, NW_MODEL_NO);
    assert_int_equal(in->services[1].efficiency_kind, NW_MODEL_EFFICIENCY_USL);
    assert_true(in->services[1].usl_gamma_per_s == 1800 && in->services[1].usl_beta == .0005);
    assert_false(in->services[1].has_bigger);
    check_quantity(in->services[1].zones, 3, 3, 3, NW_MODEL_GIVEN);
    assert_int_equal(in->services[2].efficiency_kind, NW_MODEL_EFFICIENCY_MEASURED);
    assert_int_equal(in->services[2].measured_count, 2);
    assert_true(in->services[2].measured[1].nodes == 2);
    assert_true(in->services[2].measured[1].rate_per_s == 3490);
    check_quantity(in->databases[0].size_max_bytes, 5e12, 5e12, 5e12, NW_MODEL_GIVEN);
    check_quantity(in->cache.ram_bytes, 64e9, 64e9, 64e9, NW_MODEL_GIVEN);
    check_quantity(in->queues[0].outage_s, 120, 120, 120, NW_MODEL_GIVEN);
    check_quantity(in->regions[0].rtt_s, .155, .155, .155, NW_MODEL_GIVEN);
    check_quantity(in->regions[0].distance_km, 10872, 10872, 10872, NW_MODEL_GIVEN);
    assert_true(in->has_availability);
    assert_int_equal(in->part_count, 2);
    check_quantity(in->parts[0].availability, .99, .99, .99, NW_MODEL_GIVEN);
    check_quantity(in->parts[1].availability, .999, .99, .999, NW_MODEL_GIVEN);
    check_quantity(in->budget_month, 0, 0, 0, NW_MODEL_GIVEN);
}

/* The table's defaults are for people; constants.def is what counts. They say the same. */
static void defaults_of_the_table_are_those_of_the_constants(void **state)
{
    struct nw_arena arena;
    unsigned compared = 0;
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    for (int id = 0; id < plan_tables.block_count; id++) {
        const struct nw_conf_block_info *info = nw_conf_block_info(&plan_tables, id);
        NW_CONF_EACH_OPTION(option, info) {
            struct nw_text path = {0};
            for (const char *at = info->path; strcmp(info->path, "the file") != 0 && *at != '\0';) {
                bool is_name = strncmp(at, "NAME", 4) == 0;
                nw_text_add(&path, is_name ? NW_SLICE("x") : nw_slice_of(at, 1));
                at += is_name ? 4 : 1;
            }
            if (strcmp(option->name, "works") != 0)
                nw_text_addf(&path, ".%s", option->name);
            const struct nw_model_constant *constant =
                path.ptr != NULL ? nw_model_constant_of_path(nw_text_slice(&path)) : NULL;
            if (constant != NULL && (constant->value != 0 || option->fallback != NULL)) {
                const struct nw_conf_tree scalar = {.text = nw_slice_str(option->fallback),
                                                    .is_quoted = true};
                struct nw_conf_quantity value = {.value = -1};
                struct nw_conf_reader reader = {
                    .tables = &plan_tables, .file = "t", .arena = &arena, .diag = &diag};
                assert_non_null(option->fallback);
                static const struct nw_conf_outside nothing = {0};
                reader.outside = &nothing;
                nw_conf_type_read(&reader, option, &scalar, option->name, &value);
                if (value.value != constant->value)
                    fail_msg("%s: %s is not %g", path.ptr, option->fallback, constant->value);
                compared++;
            }
            nw_text_done(&path);
        }
    }
    assert_int_equal(diag.count, 0);
    assert_true(compared > 45);
    nw_arena_done(&arena);
}

static void a_plan_without_names_has_one_of_each(void **state)
{
    const struct nw_model_plan_input *in = right(ENOUGH);
    assert_int_equal(in->load.kind, NW_MODEL_LOAD_REQUESTS);
    check_quantity(in->load.requests_per_s, 1e8 / 86400, 1e8 / 86400, 1e8 / 86400, NW_MODEL_GIVEN);
    assert_int_equal(in->route_count, 1);
    assert_string_equal(in->routes[0].name, "all");
    check_quantity(in->routes[0].share, 1, 1, 1, NW_MODEL_DERIVED);
    assert_string_equal(in->services[0].name, "app");
    assert_string_equal(in->databases[0].name, "main");
    assert_true(in->services[0].has_bigger);
    assert_false(in->has_availability);
    in = right("plan: 1\nload: { rate: 5800/s, peak: 5 }\n");
    assert_int_equal(in->load.kind, NW_MODEL_LOAD_RATE);
    assert_true(in->load.requests_per_s.value == 5800);
}

static void the_route_without_a_share_takes_the_rest(void **state)
{
    const struct nw_model_plan_input *in =
        right(ENOUGH "routes: { a: { share: 20% }, b: {}, c: { share: 30% } }\n");
    check_quantity(in->routes[1].share, .5, .5, .5, NW_MODEL_DERIVED);
    in = right(ENOUGH "routes: { a: { cached: 90% } }\n");
    check_quantity(in->routes[0].share, 1, 1, 1, NW_MODEL_DERIVED);
    check_quantity(in->routes[0].cached, .9, .9, .9, NW_MODEL_GIVEN);
}

static void the_load_is_stated_once(void **state)
{
    check_wrong("plan: 1\n",
                "p.yaml:1:1: load: is missing (load: { requests: 100M/d, peak: 5 })\n");
    check_wrong("plan: 1\nload: { growth: 2 }\n",
                "p.yaml:2:7: load.peak: is missing (how many times the average the busiest moment "
                "is; 3 to 5 is common, a sale may bring 100)\n"
                "p.yaml:2:7: load: says nothing about how much is asked (users with routes, "
                "requests: 100M/d, or rate: 5800/s)\n");
    check_wrong("plan: 1\nload: { users: 1M, requests: 1/s, rate: 9/s, peak: 2 }\n"
                "routes: { a: { per_user: 1/d } }\n",
                "p.yaml:2:30: load.requests: the load is stated twice: users (p.yaml:2:16) and "
                "requests (p.yaml:2:30) (keep one of them)\n"
                "p.yaml:2:41: load.rate: the load is stated twice: users (p.yaml:2:16) and rate "
                "(p.yaml:2:41) (keep one of them)\n");
    check_wrong("plan: 1\nload: { users: 1M, peak: 2 }\n",
                "p.yaml:2:16: load.users: what does a user do? no route says it (routes: { all: { "
                "per_user: 4/d } })\n");
}

static void shares_must_add_up(void **state)
{
    check_wrong(ENOUGH "routes: { a: { share: 60% }, b: { share: 50% } }\n",
                "p.yaml:3:9: routes: the shares add up to 110%\n");
    check_wrong(
        ENOUGH "routes: { a: { share: 60% } }\n",
        "p.yaml:3:9: routes: the shares add up to 60% only (one route without a share takes "
        "the rest)\n");
    check_wrong(ENOUGH "routes: { a: {}, b: {}, c: { per_user: 1/d } }\n",
                "p.yaml:3:21: routes.b: says nothing about how often it is asked for (share: 10%)\n"
                "p.yaml:3:40: routes.c.per_user: the load is not stated in users, but by "
                "load.requests (p.yaml:2:19) (give its share instead, or load.users)\n");
    check_wrong("plan: 1\nload: { users: 1M, peak: 2 }\n"
                "routes: { a: { per_user: 1/d, share: 1% }, b: {} }\n",
                "p.yaml:3:38: routes.a.share: how often it is asked for is stated twice: per_user "
                "(p.yaml:3:26) and share (p.yaml:3:38) (keep one of them)\n"
                "p.yaml:3:47: routes.b: says nothing about how often it is asked for (per_user: "
                "4/d)\n");
    check_wrong("plan: 1\nload: { users: 1M, peak: 2 }\n"
                "routes: { a: { per_user: 0/d } }\n",
                "p.yaml:3:9: routes: nobody asks for anything\n");
}

static void names_must_exist(void **state)
{
    check_wrong(ENOUGH "routes: { a: { service: ap, queue: mial, database: main } }\n"
                       "services: { app: {} }\nqueues: { mail: {} }\n",
                "p.yaml:3:25: routes.a.service: there is no service of that name (did you mean "
                "app)\n"
                "p.yaml:3:36: routes.a.queue: there is no queue of that name (did you mean mail)\n"
                "p.yaml:3:52: routes.a.database: there is no database of that name\n");
}

static void two_sources_for_one_number_are_both_named(void **state)
{
    check_wrong(ENOUGH "services:\n"
                       "  a: { efficiency: 80%, usl: { gamma: 1/s } }\n"
                       "  b: { node_rate: 300/s, measured: [[1, 1/s]] }\n"
                       "  c: { spare: 2, zones: 3 }\n"
                       "  d: { zones: 1, measured: [[2, 1/s], [2, 2/s]] }\n",
                "p.yaml:4:30: services.a.usl: how nodes work beside others is stated twice: "
                "efficiency (p.yaml:4:20) and usl (p.yaml:4:30) (keep one of them)\n"
                "p.yaml:5:36: services.b.measured: the rate of one node is stated twice: node_rate "
                "(p.yaml:5:19) and measured (p.yaml:5:36) (keep one of them)\n"
                "p.yaml:6:25: services.c.zones: what may be lost is stated twice: spare "
                "(p.yaml:6:15) and zones (p.yaml:6:25) (keep one of them)\n"
                "p.yaml:7:15: services.d.zones: must be at least 2, or 0 for not asked for (zones: "
                "3)\n"
                "p.yaml:7:28: services.d.measured: the numbers of nodes must rise from at least 1, "
                "but 2 follows 2\n");
}

static void values_meet_their_bound(void **state)
{
    check_wrong("plan: 2\n"
                "load: { requests: -1/s, peak: 0.5, growth: 1e30 }\n"
                "services: { app: { node_rate: 0/s, efficiency: 101%, margin: 1001% } }\n"
                "databases: { main: { connections: 3, clear_domains: maybe } }\n"
                "regions: { a: { users: 60% }, b: { users: 50% } }\n",
                "p.yaml:1:7: plan: must be at most 1, not \"2\"\n"
                "p.yaml:2:19: load.requests: must be at least 1/d, not \"-1/s\"\n"
                "p.yaml:2:31: load.peak: must be at least 1, not \"0.5\"\n"
                "p.yaml:2:44: load.growth: must be at most 1e6, not \"1e30\"\n"
                "p.yaml:3:31: services.app.node_rate: must be at least 1/d, not \"0/s\"\n"
                "p.yaml:3:48: services.app.efficiency: must be at most 100%, not \"101%\"\n"
                "p.yaml:3:62: services.app.margin: must be at most 1000%, not \"1001%\"\n"
                "p.yaml:4:35: databases.main.connections: must be at least 4, not \"3\"\n"
                "p.yaml:4:53: databases.main.clear_domains: expected true or false, not \"maybe\"\n"
                "p.yaml:5:10: regions: their users add up to 110%\n");
}

static const struct plan_edit flag_peak = {"--peak", "load.peak", "4", false};
static const struct plan_edit flag_requests = {"--requests", "load.requests", "86400/d", false};
static const struct plan_edit flag_rate = {"--node-rate", "services.*.node_rate", "500/s", false};
static const struct plan_edit flag_cached = {"--cached", "routes.*.cached", "90%", false};
static const struct plan_edit set_growth = {"--set load.growth=10", "load.growth", "10", true};
static const struct plan_edit set_rate = {"--set services.app.node_rate={ value: 7/s, low: 1/s }",
                                          "services.app.node_rate", "{ value: 7/s, low: 1/s }",
                                          true};

static void flags_alone_are_a_plan(void **state)
{
    const struct plan_edit edits[] = {flag_peak, flag_requests, flag_rate, flag_cached, set_growth};
    const struct nw_model_plan_input *in = right_with(NULL, edits, NW_COUNT(edits));
    check_quantity(in->load.requests_per_s, 1, 1, 1, NW_MODEL_GIVEN);
    check_quantity(in->load.peak, 4, 4, 4, NW_MODEL_GIVEN);
    check_quantity(in->load.growth, 10, 10, 10, NW_MODEL_SET);
    assert_string_equal(in->services[0].name, "app");
    check_quantity(in->services[0].node_rate_per_s, 500, 500, 500, NW_MODEL_GIVEN);
    assert_string_equal(in->routes[0].name, "all");
    check_quantity(in->routes[0].cached, .9, .9, .9, NW_MODEL_GIVEN);
    assert_string_equal(file->name, "command line");
}

static void flags_find_the_only_name_of_a_file(void **state)
{
    const struct plan_edit edits[] = {flag_rate, flag_cached};
    const struct nw_model_plan_input *in = right_with(
        ENOUGH "services: { shop: { margin: 50% } }\nroutes: { r: {} }\n", edits, NW_COUNT(edits));
    assert_int_equal(in->service_count, 1);
    assert_string_equal(in->services[0].name, "shop");
    check_quantity(in->services[0].node_rate_per_s, 500, 500, 500, NW_MODEL_GIVEN);
    check_quantity(in->services[0].margin, .5, .5, .5, NW_MODEL_GIVEN);
    check_quantity(in->routes[0].cached, .9, .9, .9, NW_MODEL_GIVEN);
    check_wrong_with(ENOUGH "services: { a: {}, b: {} }\n", &flag_rate, 1,
                     "--node-rate: which of the 2 services? (--set services.a.node_rate=500/s)\n");
}

static void a_flag_does_not_go_over_the_file_but_set_does(void **state)
{
    check_wrong_with(ENOUGH, &flag_peak, 1,
                     "--peak: load.peak stands in p.yaml:2:33 too (keep one of them, or use "
                     "--set)\n");
    const struct nw_model_plan_input *in =
        right_with(ENOUGH "services: { app: { node_rate: 300/s } }\n", &set_rate, 1);
    check_quantity(in->services[0].node_rate_per_s, 7, 1, 7, NW_MODEL_SET);
    const struct plan_edit both[] = {flag_requests, {"--users", "load.users", "1M", false}};
    check_wrong_with("plan: 1\nload: { peak: 4 }\nroutes: { a: { per_user: 1/d } }\n", both, 2,
                     "--requests: load.requests: the load is stated twice: users (--users) and "
                     "requests (--requests) (keep one of them)\n");
}

static void mistakes_in_edits_name_them(void **state)
{
    const struct plan_edit edits[] = {
        {"--set load.peak=no", "load.peak", "maybe", true},
        {"--set load.grwoth=2", "load.grwoth", "2", true},
        {"--set services.app.pool=[1", "services.app.pool", "[1", true},
        {"--set load.peak.x=1", "load.peak.x", "1", true},
        {"--set budget.month=", "budget.month", "", true},
    };
    struct nw_text said = {0};
    assert_int_equal(read_with(ENOUGH, edits, NW_COUNT(edits)), NW_INVALID);
    nw_diag_print(&diag, &said);
    static const char *const expected[] = {
        "--set load.peak=no: load.peak: expected a number such as 4 or 1.5, not \"maybe\"\n",
        "--set load.grwoth=2: load.grwoth: there is no such option (did you mean growth)\n",
        "--set services.app.pool=[1:",
        "--set load.peak.x=1: no option can stand there",
        "--set budget.month=: has no value\n",
    };
    for (size_t i = 0; i < NW_COUNT(expected); i++)
        if (strstr(said.ptr, expected[i]) == NULL)
            fail_msg("\"%s\" is not in\n%s", expected[i], said.ptr);
    nw_text_done(&said);
}

static void a_file_that_is_too_large_is_not_read(void **state)
{
    struct nw_text text = {0};
    nw_text_add_str(&text, ENOUGH);
    while (text.len <= PLAN_FILE_MAX_BYTES)
        nw_text_add_str(&text, "# a line of a comment that goes on and on and on\n");
    assert_int_equal(read_with(text.ptr, NULL, 0), NW_INVALID);
    assert_string_equal(diag.items[0].sentence, "is larger than 1 MiB");
    nw_text_done(&text);
}

static void more_names_than_the_model_holds_are_refused(void **state)
{
    struct nw_text text = {0};
    nw_text_add_str(&text, ENOUGH "services:\n");
    for (int i = 0; i <= NW_MODEL_SERVICES_MAX; i++)
        nw_text_addf(&text, "  s%d: {}\n", i);
    check_wrong(text.ptr, "p.yaml:4:3: services: 65 are more than 64\n");
    nw_text_done(&text);
}

static void things_are_counted_whole(void **state)
{
    check_wrong("plan: 1\nload: { rate: 1/s, peak: 2 }\n"
                "services: { app: { spare: 0.5, connections: { value: 2, low: 1.5 } } }\n"
                "databases: { main: { pool: 1.5K, domains: 2.5 } }\n"
                "queues: { q: { groups: 1.1, burst: 0.5 } }\nregions: { r: { calls: 1.2 } }\n",
                "p.yaml:3:27: services.app.spare: must be a whole number\n"
                "p.yaml:3:45: services.app.connections: must be a whole number\n"
                "p.yaml:4:43: databases.main.domains: must be a whole number\n"
                "p.yaml:5:24: queues.q.groups: must be a whole number\n"
                "p.yaml:6:24: regions.r.calls: must be a whole number\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_photo_feed_is_read),
        TEST(every_key_of_the_full_form_is_read),
        TEST(defaults_of_the_table_are_those_of_the_constants),
        TEST(a_plan_without_names_has_one_of_each),
        TEST(the_route_without_a_share_takes_the_rest),
        TEST(the_load_is_stated_once),
        TEST(shares_must_add_up),
        TEST(names_must_exist),
        TEST(two_sources_for_one_number_are_both_named),
        TEST(values_meet_their_bound),
        TEST(things_are_counted_whole),
        TEST(flags_alone_are_a_plan),
        TEST(flags_find_the_only_name_of_a_file),
        TEST(a_flag_does_not_go_over_the_file_but_set_does),
        TEST(mistakes_in_edits_name_them),
        TEST(a_file_that_is_too_large_is_not_read),
        TEST(more_names_than_the_model_holds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
