/* Worked examples C1 to C10 and L10: the cache. */
#include "facts.h"
#include "model/cachemath.h"
#include "model/constants.h"
#include "model/cost.h"

static struct nw_model_cache_load relieve(double reads_per_s, double hit, double bears_per_s)
{
    const struct nw_model_cache_load_in in = {
        .at = "databases.main",
        .reads_per_s = nw_model_given(reads_per_s),
        .hit_ratio = nw_model_given(hit),
        .bears_per_s = nw_model_given(bears_per_s),
    };
    return nw_model_cache_relieve(&in, &facts_steps);
}

static struct nw_model_cache_size size_of(double entries, double bytes, double fill)
{
    const struct nw_model_cache_size_in in = {
        .at = "cache",
        .entries = nw_model_given(entries),
        .entry_bytes = nw_model_given(bytes),
        .ram_bytes = nw_model_given(64e9),
        .fill = nw_model_given(fill),
    };
    return nw_model_cache_size(&in, &facts_steps);
}

static void fact_c1_reads_that_reach_the_database(void **state)
{
    assert_is(relieve(1160, 0.9, 0).misses_per_s, 1160.0 / 10);
    assert_step("databases.main.reads_after_cache_per_s", 116, "116");
}

static void fact_c1h_headroom_without_and_with_cache(void **state)
{
    struct nw_model_cache_load load = relieve(1160, 0.9, 1000);
    assert_is(load.headroom_without_per_s, -160);
    assert_is(load.headroom_with_per_s, 884);
    assert_step("databases.main.headroom_without_per_s", -160, "negative");
    assert_step("databases.main.headroom_with_per_s", 884, "+884");
}

static void fact_c1f_factors_of_90_and_95_percent(void **state)
{
    assert_is(relieve(1, 0.9, 0).factor, 10);
    assert_is(relieve(1, 0.95, 0).factor, 20);
    assert_false(relieve(1, 1, 0).has_factor); /* nothing left to divide by */
    assert_true(relieve(1, 1, 0).misses_per_s == 0);
}

static void fact_c2n_naive_size(void **state)
{
    struct nw_model_cache_size size = size_of(0.2 * 200e6, 50e3, 1);
    assert_is(size.bytes, 2e12);
    assert_step("cache.bytes", 2e12, "2 TB");
}

static void fact_c2r_refined_size(void **state)
{
    double index = size_of(40e6, 2e3, 1).bytes, posts = size_of(10e6, 5e3, 1).bytes;
    assert_is(index, 80e9);
    assert_is(posts, 50e9);
    assert_is(index + posts, 130e9);
}

static void fact_c2h_reads_after_95_and_80_percent(void **state)
{
    double average = 1e9 / 86400;
    assert_shows(average, 11574.1, 1);
    assert_shows(relieve(average, 0.95, 0).misses_per_s, 578.7, 1);
    assert_step("databases.main.reads_after_cache_per_s", average / 20, "575");
    assert_shows(relieve(average, 0.8, 0).misses_per_s, 2314.8, 1);
    assert_step("databases.main.reads_after_cache_per_s", average / 5, "2,300");
}

static void fact_c2m_five_cache_nodes_against_databases_alone(void **state)
{
    struct nw_model_cache_or_database_in in = {
        .at = "cache",
        .cache_nodes = nw_model_given(5),
        .cache_price_per_h = nw_model_given(0.5),
        .with_database_per_h = nw_model_given(0),
        .only_database_per_h = nw_model_given(5000.0 / 730),
    };
    struct nw_model_cache_or_database month = nw_model_cost_cache(&in, &facts_steps);
    assert_is(month.with_month, 5 * 0.5 * 730);
    assert_shows(month.with_month, 1825, 0);
    assert_is(month.with_month / 730 * 720, 1800); /* the guide's month of 30 days */
    assert_shows(month.only_month / 1800, 2.8, 1);
    assert_is(month.only_month, 5000);
    assert_true(month.is_cache_cheaper);
    in.only_database_per_h = nw_model_given(10000.0 / 730);
    assert_shows(nw_model_cost_cache(&in, NULL).only_month / 1800, 5.6, 1);
    assert_step("cache.with_month", 1825, "1,800");
}

static void fact_c3_mean_of_a_traced_key(void **state)
{
    /* Two misses of 187 and 185 ms, 9,998 hits of 4 ms. */
    double mean_s = nw_model_cache_mean_s(9998, 4e-3, 2, (187e-3 + 185e-3) / 2);
    assert_is(mean_s, (9998 * 4e-3 + 187e-3 + 185e-3) / 10000);
    assert_shows(mean_s * 1e3, 4.0364, 4);
    assert_is(9998 / 10000.0, 0.9998);
}

static void fact_c6_overload_when_the_cache_dies(void **state)
{
    const struct nw_model_cache_outage_in in = {
        .at = "databases.main",
        .rate_per_s = nw_model_given(10000),
        .bears_per_s = nw_model_given(3000),
    };
    assert_shows(nw_model_cache_outage(&in, &facts_steps), 3.33, 2);
    assert_step("databases.main.outage_overload", 10.0 / 3, "outage in 30-60 s");
}

static void fact_c7_what_is_left_of_1000_and_10000(void **state)
{
    assert_is(relieve(1000, 0.9, 0).misses_per_s, 100);
    assert_is(relieve(10000, 0.9, 0).misses_per_s, 1000);
}

static void fact_c7f_a_celebrity_s_post(void **state)
{
    double writes_per_s = nw_model_cache_fanout_per_s(50e6, 0.1, 300);
    assert_is(writes_per_s * 300, 5e6);
    assert_shows(writes_per_s, 16666.7, 1);
}

static void fact_c8_below_half_the_hits_something_is_wrong(void **state)
{
    assert_true(nw_model_constant_value(NW_MODEL_C_HIT_ALARM) == 0.5);
}

static void fact_l10_hit_ratio_by_ttl(void **state)
{
    double rate_per_s = 5.0 / 86400, asked = 5.0 / 86400 * 300;
    double filled = nw_model_cache_ttl_ceiling(rate_per_s, 300);
    double renewed = nw_model_cache_ttl_ceiling_renewed(rate_per_s, 300);
    assert_is(filled, asked / (1 + asked));
    assert_is(renewed, 1 - exp(-asked));
    assert_shows(filled * 100, 1.7065, 4);
    assert_shows(renewed * 100, 1.7211, 4);
}

/* ---- beyond the worked examples ---- */

/* A cycle of a key that is filled, serves Poisson requests for T, and waits for the next one. */
static void the_ceiling_from_fill_is_hits_over_a_renewal_cycle(void **state)
{
    for (double asked = 0.01; asked < 1000; asked *= 3)
        assert_is(nw_model_cache_ttl_ceiling(asked / 60, 60), 1 - 1 / (1 + asked));
    assert_true(nw_model_cache_ttl_ceiling(0, 60) == 0);
    assert_true(nw_model_cache_ttl_ceiling_renewed(1, 0) == 0);
}

static struct nw_model_cache_hit cap(double stated, double per_key_per_s, double ttl_s,
                                     double view_share)
{
    const struct nw_model_cache_hit_in in = {
        .at = "routes.feed",
        .stated = nw_model_given(stated),
        .per_key_per_s = nw_model_given(per_key_per_s),
        .ttl_s = nw_model_given(ttl_s),
        .view_share = nw_model_given(view_share),
    };
    return nw_model_cache_cap(&in, &facts_steps);
}

static void the_least_of_what_was_stated_and_the_ceilings_counts(void **state)
{
    assert_is(cap(0.95, 0, 0, 0).hit_ratio, 0.95);
    assert_null(nw_model_steps_find(&facts_steps, "routes.feed.hit_ratio")); /* nothing to tell */
    assert_is(cap(0.95, 0, 0, 0.8).hit_ratio, 0.8);                          /* X7 */
    assert_shows(cap(0.95, 5.0 / 86400, 300, 0.8).hit_ratio, 0.017065, 6);   /* X8 */
    assert_step("routes.feed.hit_ceiling_ttl", 5.0 / 288 / (1 + 5.0 / 288), NULL);
    assert_is(cap(0.5, 1, 3600, 0).hit_ratio, 0.5);
    assert_is(cap(0.95, 1, 0, 0).hit_ratio, 0.95); /* ttl not stated */
}

static void memory_is_entries_over_fill_in_whole_nodes(void **state)
{
    struct nw_model_cache_size size = size_of(65e6, 2e3, 0.75);
    assert_is(size.entries_bytes, 130e9);
    assert_is(size.bytes, 130e9 / 0.75);
    assert_is(size.nodes_exact, 130.0 / 0.75 / 64);
    assert_true(size.nodes == 3);
    assert_true(size_of(24e6, 2e3, 0.75).nodes == 1); /* 48 of 48 GB: fits exactly */
    assert_true(size_of(0, 2e3, 0.75).nodes == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_c1_reads_that_reach_the_database),
        FACT(fact_c1h_headroom_without_and_with_cache),
        FACT(fact_c1f_factors_of_90_and_95_percent),
        FACT(fact_c2n_naive_size),
        FACT(fact_c2r_refined_size),
        FACT(fact_c2h_reads_after_95_and_80_percent),
        FACT(fact_c2m_five_cache_nodes_against_databases_alone),
        FACT(fact_c3_mean_of_a_traced_key),
        FACT(fact_c6_overload_when_the_cache_dies),
        FACT(fact_c7_what_is_left_of_1000_and_10000),
        FACT(fact_c7f_a_celebrity_s_post),
        FACT(fact_c8_below_half_the_hits_something_is_wrong),
        FACT(fact_l10_hit_ratio_by_ttl),
        FACT(the_ceiling_from_fill_is_hits_over_a_renewal_cycle),
        FACT(the_least_of_what_was_stated_and_the_ceilings_counts),
        FACT(memory_is_entries_over_fill_in_whole_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
