/*
 * Contradictions of the guides that change a number of a plan are named by the plan itself: for
 * each of them one plan in which it does. The others are texts of
 * `explain` (disagree_test.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/disagree.h"
#include "plan_build.h"

/* 100M requests a day at five times: 5,787/s. */
static void hundred_million(struct plan_build *build)
{
    plan_build_requests(build, 100e6, 5);
}

/* Reads are 521/s on average, 2,604/s at peak: the limit of 1,000/s lies between (X28). */
static void fifty_million(struct plan_build *build)
{
    plan_build_requests(build, 50e6, 5);
}

/* One node, one primary, nothing else: next to no contradiction can matter. */
static void tiny(struct plan_build *build)
{
    plan_build_requests(build, 86400, 1);
    build->services[0].node_rate_per_s = nw_model_given(5000);
    build->services[0].efficiency = nw_model_given(1);
    build->services[0].margin = nw_model_given(0);
    build->services[0].spare = nw_model_given(0);
    build->services[0].zones = nw_model_given(3);
    build->services[0].connections = nw_model_given(1e9);
    build->services[0].price_per_h = nw_model_given(0);
    build->databases[0].price_per_h = nw_model_given(0);
    build->databases[0].connections = nw_model_given(1000);
    build->databases[0].read_rate_per_s = nw_model_given(5000);
    build->routes[0].log_bytes = nw_model_given(0);
}

static void users(struct plan_build *build)
{
    plan_build_photo_feed(build);
}

/* 1,000/300 with 30 %: 5 at once, 6 rounded twice (X4). */
static void rounded_twice(struct plan_build *build)
{
    build->input.load.kind = NW_MODEL_LOAD_RATE;
    build->input.load.requests_per_s = nw_model_given(1000);
    build->input.load.peak = nw_model_given(1);
    build->services[0].efficiency = nw_model_given(1);
}

static void popular_part(struct plan_build *build)
{
    hundred_million(build);
    build->routes[0].cached = nw_model_given(0.95);
    build->input.cache.hot = nw_model_given(40e6);
}

/* Seen five times a day with a TTL of 5 min: 1.7 % (L10). */
static void private_page(struct plan_build *build)
{
    hundred_million(build);
    build->routes[0].cached = nw_model_given(0.9);
    build->input.cache.ttl_s = nw_model_given(300);
    build->input.cache.per_key_per_s = nw_model_given(5 / 86400.0);
}

static void cached_at_peak(struct plan_build *build)
{
    hundred_million(build);
    build->routes[0].cached = nw_model_given(0.9);
}

/* 2,604 reads reach the database: between the limits that the guides state (X27). */
static void half_cached(struct plan_build *build)
{
    hundred_million(build);
    build->routes[0].cached = nw_model_given(0.5);
}

static void exactly_eighty_percent(struct plan_build *build)
{
    hundred_million(build);
    build->input.read_share = nw_model_given(0.8);
}

/* 0.9 reads and 50 TB (X14). */
static void large_and_read(struct plan_build *build)
{
    hundred_million(build);
    build->databases[0].size_bytes = nw_model_given(50e12);
}

/* 10,000 writes at 0.9 reads: 45 replicas at 2,000 (X15). */
static void many_replicas(struct plan_build *build)
{
    build->input.load.kind = NW_MODEL_LOAD_RATE;
    build->input.load.requests_per_s = nw_model_given(100e3);
    build->input.load.peak = nw_model_given(1);
    build->services[0].margin = nw_model_given(0);
    build->databases[0].write_rate_per_s = nw_model_given(10e3);
}

static void spread_burst(struct plan_build *build)
{
    hundred_million(build);
    build->queues[0].name = "jobs";
    build->queues[0].burst = nw_model_given(10e3);
    build->queues[0].over_s = nw_model_given(60);
    build->queues[0].drain_per_s = nw_model_given(200);
    build->input.queue_count = 1;
}

static void kept_a_week(struct plan_build *build)
{
    plan_build_requests(build, 5000 * 1440, 1);
    build->queues[0].name = "mail";
    build->queues[0].retention_s = nw_model_given(7 * 86400);
    build->queues[0].drain_per_s = nw_model_given(250);
    build->routes[0].queue_index = 0;
    build->input.queue_count = 1;
}

static void far_away(struct plan_build *build)
{
    hundred_million(build);
    build->regions[0].name = "tokyo";
    build->regions[0].users = nw_model_given(0.1);
    build->regions[0].rtt_s = nw_model_given(0.155);
    build->regions[0].local_s = nw_model_given(0.003);
    build->regions[0].distance_km = nw_model_given(10872);
    build->input.region_count = 1;
}

static void black_friday(struct plan_build *build)
{
    plan_build_requests(build, 500 * 86400, 100);
}

static void many_connections(struct plan_build *build)
{
    rounded_twice(build);
    build->services[0].margin = nw_model_given(0);
    build->input.load.connected = nw_model_given(10e3);
}

static void twenty_nodes(struct plan_build *build)
{
    hundred_million(build);
}

/* Which plan makes contradiction `number` matter; one row for each that a plan names. */
static const struct {
    int number;
    void (*build)(struct plan_build *build);
} rows[] = {
    {1, hundred_million},   {2, users},
    {3, hundred_million},   {4, rounded_twice},
    {5, hundred_million},   {7, popular_part},
    {8, private_page},      {9, cached_at_peak},
    {12, cached_at_peak},   {13, exactly_eighty_percent},
    {14, large_and_read},   {15, many_replicas},
    {16, spread_burst},     {17, far_away},
    {18, hundred_million},  {19, hundred_million},
    {21, hundred_million},  {22, users},
    {27, half_cached},      {28, fifty_million},
    {29, hundred_million},  {30, black_friday},
    {31, kept_a_week},      {32, twenty_nodes},
    {34, many_connections}, {36, hundred_million},
};

static void each_is_named_by_the_plan_that_it_changes(void **state)
{
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct plan_build build;
        plan_build_init(&build);
        rows[i].build(&build);
        const struct nw_model_plan *plan = plan_build_compute(&build);
        const struct nw_model_plan_other *other = other_of(plan, rows[i].number);
        if (other == NULL)
            fail_msg("X%d is not named by its plan", rows[i].number);
        assert_non_null(nw_model_disagreement((unsigned)rows[i].number));
        assert_true(strlen(other->sentence) > 10 && strlen(other->path) > 0);
        assert_null(strstr(other->sentence, "nan"));
        plan_build_done(&build);
    }
}

/* That guide knows no "one primary": it says replicas to everybody. */
static void a_tiny_plan_is_changed_by_the_guide_without_one_primary_alone(void **state)
{
    struct plan_build build;
    plan_build_init(&build);
    tiny(&build);
    const struct nw_model_plan *plan = plan_build_compute(&build);
    for (unsigned i = 0; i < plan->other_count; i++)
        if (plan->others[i].number != 14)
            fail_msg("X%d: %s: %s", plan->others[i].number, plan->others[i].path,
                     plan->others[i].sentence);
    plan_build_done(&build);
}

/* Figures that the page of contradictions states. */
static void the_other_value_is_the_one_that_the_guides_would_give(void **state)
{
    static const struct {
        int number;
        void (*build)(struct plan_build *build);
        const char *words;
    } figures[] = {
        {4, rounded_twice, "6 nodes instead of 5"},
        {8, private_page, "1.706%"},
        {15, many_replicas, "3 replicas"},
        {16, spread_burst, "10,000 deep"},
        {17, far_away, "106.5 ms"},
        {32, twenty_nodes, "10 to 20 connections"},
    };
    for (size_t i = 0; i < NW_COUNT(figures); i++) {
        struct plan_build build;
        plan_build_init(&build);
        figures[i].build(&build);
        const struct nw_model_plan_other *other =
            other_of(plan_build_compute(&build), figures[i].number);
        assert_non_null(other);
        if (strstr(other->sentence, figures[i].words) == NULL)
            fail_msg("X%d says \"%s\", not \"%s\"", figures[i].number, other->sentence,
                     figures[i].words);
        plan_build_done(&build);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_named_by_the_plan_that_it_changes),
        cmocka_unit_test(a_tiny_plan_is_changed_by_the_guide_without_one_primary_alone),
        cmocka_unit_test(the_other_value_is_the_one_that_the_guides_would_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
