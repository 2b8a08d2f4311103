/* Worked examples D1 to D8: the database. */
#include "facts.h"
#include "model/constants.h"
#include "model/database.h"

static struct nw_model_database base(void)
{
    return (struct nw_model_database){
        .name = "main",
        .read_rate_per_s = nw_model_constant_quantity(NW_MODEL_C_READ_RATE),
        .replica_rate_per_s = nw_model_constant_quantity(NW_MODEL_C_REPLICA_RATE),
        .write_rate_per_s = nw_model_constant_quantity(NW_MODEL_C_WRITE_RATE),
        .size_bytes = nw_model_constant_quantity(NW_MODEL_C_SIZE),
        .size_max_bytes = nw_model_constant_quantity(NW_MODEL_C_SIZE_MAX),
        .own_writes = nw_model_constant_quantity(NW_MODEL_C_OWN_WRITES),
        .domains = nw_model_constant_quantity(NW_MODEL_C_DOMAINS),
    };
}

static struct nw_model_database_answer judge(const struct nw_model_database *database,
                                             double reads_per_s, double hit, double writes_per_s,
                                             double margin)
{
    const struct nw_model_database_reads reads = {"feed", nw_model_given(reads_per_s),
                                                  nw_model_given(hit)};
    const struct nw_model_database_in in = {
        .at = "databases.main",
        .label = "main",
        .database = database,
        .reads = &reads,
        .read_count = 1,
        .writes_per_s = nw_model_given(writes_per_s),
        .margin = nw_model_given(margin),
    };
    return nw_model_database_judge(&in, &facts_steps);
}

static void fact_d1_replicas_for_5220_reads(void **state)
{
    struct nw_model_database database = base();
    struct nw_model_database_answer answer = judge(&database, 5800 * 0.9, 0, 5800 * 0.1, 0);
    assert_is(answer.reads_per_s, 5220);
    assert_is(answer.write_load_per_s, 580);
    assert_is(answer.replicas_exact, 5220.0 / 2000);
    assert_true(answer.replicas == 3);
    assert_int_equal(answer.move, NW_MODEL_READ_REPLICAS);
    assert_step("databases.main.replicas", 2.61, "3");
}

static void fact_d2_580_writes_need_no_shard(void **state)
{
    struct nw_model_database database = base();
    struct nw_model_database_answer answer = judge(&database, 5220, 0.9, 580, 0);
    assert_false(answer.writes_exceed);
    assert_int_equal(answer.move, NW_MODEL_ONE_PRIMARY);
    assert_step("databases.main.write_load_per_s", 580, "580");
}

static void fact_d2b_a_billion_a_day_shards(void **state)
{
    struct nw_model_database database = base();
    double peak = 1e9 / 86400 * 5, writes = peak * 0.2;
    struct nw_model_database_answer answer = judge(&database, peak * 0.8, 0.9, writes, 0);
    assert_shows(answer.write_load_per_s, 11574.1, 1);
    assert_int_equal(answer.move, NW_MODEL_SHARDING);
    assert_step("databases.main.write_load_per_s", 2e8 * 5 / 86400, "11,600");
}

static void fact_d2c_shards_by_margin_and_ceiling(void **state)
{
    struct nw_model_database database = base();
    double writes = 1e9 / 86400 * 5 * 0.2;
    struct nw_model_database_answer answer = judge(&database, 46296, 0.9, writes, 0.3);
    assert_is(answer.shards_exact, writes * 1.3 / 5000);
    assert_shows(answer.shards_exact, 3.009, 3);
    assert_true(answer.shards == 4);
    assert_shows(answer.writes_each_per_s, 2893.5, 1); /* D2b: over 4 shards */
    assert_step("databases.main.shards", writes * 1.3 / 5000, "4");
    assert_string_equal(nw_model_steps_find(&facts_steps, "databases.main.shards")->what,
                        "shards, 2,893.5 writes/s each");
    answer = judge(&database, 46296, 0.9, writes, 0);
    assert_shows(answer.shards_exact, 2.315, 3);
    assert_true(answer.shards == 3);
    database.write_rate_per_s = nw_model_given(10000);
    answer = judge(&database, 46296, 0.9, writes, 0);
    assert_shows(answer.shards_exact, 1.157, 3);
    assert_true(answer.shards == 2);
}

static void fact_d4a_mostly_reads_are_replicas(void **state)
{
    assert_int_equal(nw_model_database_guide(0.9, 5e12, 10000, 1, false), NW_MODEL_READ_REPLICAS);
}

static void fact_d4b_large_and_with_clear_domains_is_federation(void **state)
{
    assert_int_equal(nw_model_database_guide(0.6, 50e12, 100e3, 5, true), NW_MODEL_FEDERATION);
}

/* D4's order: reads mask everything, then size or writes, then replicas by default. */
static void fact_d4_the_guide_s_order(void **state)
{
    assert_int_equal(nw_model_database_guide(0.9, 50e12, 100e3, 5, true), NW_MODEL_READ_REPLICAS);
    assert_int_equal(nw_model_database_guide(0.6, 50e12, 0, 1, true), NW_MODEL_SHARDING);
    assert_int_equal(nw_model_database_guide(0.6, 0, 100e3, 5, false), NW_MODEL_SHARDING);
    assert_int_equal(nw_model_database_guide(0.1, 0, 0, 9, true), NW_MODEL_READ_REPLICAS);
}

static void fact_j2d_the_guide_s_boundaries(void **state)
{
    /* Exactly 0.8 is not the first branch: with a large size it goes on to the second. */
    assert_int_equal(nw_model_database_guide(0.8, 50e12, 0, 1, false), NW_MODEL_SHARDING);
    assert_int_equal(nw_model_database_guide(4.0 / 5 + 1e-12, 50e12, 0, 1, false),
                     NW_MODEL_SHARDING);
    assert_int_equal(nw_model_database_guide(0.81, 50e12, 0, 1, false), NW_MODEL_READ_REPLICAS);
    assert_int_equal(nw_model_database_guide(0.5, 50e12, 0, 3, true), NW_MODEL_SHARDING);
    assert_int_equal(nw_model_database_guide(0.5, 50e12, 0, 4, true), NW_MODEL_FEDERATION);
    assert_int_equal(nw_model_database_guide(0.5, 10e12, 50e3, 9, true), NW_MODEL_READ_REPLICAS);
    assert_int_equal(nw_model_database_guide(0.5, 10.1e12, 0, 1, true), NW_MODEL_SHARDING);
    assert_int_equal(nw_model_database_guide(0.5, 0, 50001, 1, true), NW_MODEL_SHARDING);
}

static void prints_step(const char *path, const char *values, const char *result, const char *what)
{
    struct nw_text text = {0};
    const struct nw_model_step *step = nw_model_steps_find(&facts_steps, path);
    nw_model_step_print_values(&text, step);
    assert_string_equal(text.ptr, values);
    nw_text_clear(&text);
    nw_model_step_print_result(&text, step, NULL);
    assert_string_equal(text.ptr, result);
    assert_string_equal(step->what, what);
    nw_text_done(&text);
}

static void fact_d8_the_photo_feed(void **state)
{
    struct nw_model_database database = base();
    database.replica_rate_per_s = nw_model_given(1500);
    double peak = 225e6 / 86400 * 4, reads = peak * 200 / 225, writes = peak * 25 / 225;
    struct nw_model_database_answer answer = judge(&database, reads, 0.95, writes, 0);
    assert_shows(answer.reads_per_s, 9259.3, 1);
    assert_shows(answer.read_load_per_s, 462.96, 2);
    assert_shows(answer.write_load_per_s, 1157.4, 1);
    assert_step("databases.main.read_load_per_s", reads / 20, "~462");
    assert_step("databases.main.write_load_per_s", writes, "~1,156");
}

static void fact_d8r_one_replica_at_most_and_no_shard(void **state)
{
    struct nw_model_database database = base();
    database.replica_rate_per_s = nw_model_given(1500);
    double peak = 225e6 / 86400 * 4, reads = peak * 200 / 225, writes = peak * 25 / 225;
    struct nw_model_database_answer answer = judge(&database, reads, 0.95, writes, 0);
    assert_shows(answer.replicas_exact, 0.309, 3);
    assert_true(answer.replicas_if == 1);
    assert_int_equal(answer.move, NW_MODEL_ONE_PRIMARY);
    assert_true(answer.shards == 1 && answer.replicas == 0 && answer.primaries == 1);
}

/* ---- beyond the worked examples ---- */

static void the_photo_feed_s_lines_are_those_on_the_page(void **state)
{
    struct nw_model_database database = base();
    database.replica_rate_per_s = nw_model_given(1500);
    double peak = 225e6 / 86400 * 4;
    const struct nw_model_database_reads reads = {"feed", nw_model_derived(peak * 200 / 225),
                                                  nw_model_given(0.95)};
    const struct nw_model_database_in in = {
        .at = "databases.main",
        .label = "main",
        .database = &database,
        .reads = &reads,
        .read_count = 1,
        .writes_per_s = nw_model_derived(peak * 25 / 225),
        .peak_per_s = peak,
        .writes_day = 25e6,
        .requests_day = 225e6,
        .margin = nw_model_given(0.3),
    };
    nw_model_database_judge(&in, &facts_steps);
    prints_step("databases.main.read_load_per_s", "9,259.3 feed x (1 - 0.95)", "463.0 reads/s",
                "< 1,000: primary alone; as replicas 0.40 -> 1");
    prints_step("databases.main.write_load_per_s", "10,416.7 x 25/225 x 1.30", "1,504.6 writes/s",
                "< 5,000: no shard");
}

/* Newel's rule asks for writes and size first: replicas would copy both. */
static void writes_and_size_come_before_reads(void **state)
{
    struct nw_model_database database = base();
    database.size_bytes = nw_model_given(50e12);
    struct nw_model_database_answer answer = judge(&database, 90000, 0, 10000, 0);
    assert_int_equal(answer.move, NW_MODEL_SHARDING);
    assert_int_equal(answer.guide, NW_MODEL_READ_REPLICAS); /* X14 */
    assert_true(answer.shards == 10 && answer.is_by_size);
    database.size_bytes = nw_model_given(5e12); /* D4a by rates: 45 replicas, not three (X15) */
    database.write_rate_per_s = nw_model_given(10000);
    answer = judge(&database, 90000, 0, 10000, 0);
    assert_int_equal(answer.move, NW_MODEL_READ_REPLICAS);
    assert_true(answer.replicas == 45);
}

static void at_the_ceiling_is_not_above_it(void **state)
{
    struct nw_model_database database = base();
    database.size_bytes = nw_model_given(5e12);
    assert_int_equal(judge(&database, 1000, 0, 5000, 0).move, NW_MODEL_ONE_PRIMARY);
    assert_int_equal(judge(&database, 1000.01, 0, 5000, 0).move, NW_MODEL_READ_REPLICAS);
    assert_int_equal(judge(&database, 1000, 0, 5000.01, 0).move, NW_MODEL_SHARDING);
    assert_int_equal(judge(&database, 1000, 0, 4000, 0.25).move, NW_MODEL_ONE_PRIMARY);
    assert_int_equal(judge(&database, 1000, 0, 4000, 0.26).move, NW_MODEL_SHARDING);
    database.size_bytes = nw_model_given(5.01e12);
    assert_int_equal(judge(&database, 1000, 0, 5000, 0).move, NW_MODEL_SHARDING);
}

static void federation_needs_more_than_three_clear_domains_that_fit(void **state)
{
    struct nw_model_database database = base();
    database.domains = nw_model_given(5);
    database.has_clear_domains = true;
    struct nw_model_database_answer answer = judge(&database, 0, 0, 20000, 0);
    assert_int_equal(answer.move, NW_MODEL_FEDERATION); /* 4,000 each */
    assert_true(answer.domains == 5 && answer.primaries == 5 && answer.shards == 1);
    assert_int_equal(judge(&database, 0, 0, 26000, 0).move, NW_MODEL_SHARDING); /* 5,200 each */
    database.domains = nw_model_given(3);
    assert_int_equal(judge(&database, 0, 0, 14000, 0).move, NW_MODEL_SHARDING);
    database.domains = nw_model_given(4);
    assert_int_equal(judge(&database, 0, 0, 14000, 0).move, NW_MODEL_FEDERATION);
    database.has_clear_domains = false;
    assert_int_equal(judge(&database, 0, 0, 14000, 0).move, NW_MODEL_SHARDING);
}

/* Own reads pass the cache and stay on the primary; the others may be hits, then go to replicas. */
static void reads_of_own_writes_stay_on_the_primary(void **state)
{
    struct nw_model_database database = base();
    database.own_writes = nw_model_given(0.1);
    struct nw_model_database_answer answer = judge(&database, 8000, 0.5, 0, 0);
    assert_is(answer.own_per_s, 800);
    assert_is(answer.after_cache_per_s, 7200 * 0.5);
    assert_is(answer.read_load_per_s, 4400);
    assert_true(answer.replicas == 2); /* 3,600 / 2,000 */
    assert_false(answer.own_exceeds);
    assert_true(judge(&database, 11000, 0.5, 0, 0).own_exceeds);
}

/* D2b: 46,296 reads/s at 90 % hits are 1,157 for each of four shards, more than one bears. */
static void shards_that_are_read_too_much_get_replicas_each(void **state)
{
    struct nw_model_database database = base();
    double peak = 1e9 / 86400 * 5;
    struct nw_model_database_answer answer = judge(&database, peak * 0.8, 0.9, peak * 0.2, 0.3);
    assert_true(answer.shards == 4 && answer.reads_exceed);
    assert_is(answer.read_load_per_s / 4, peak * 0.08 / 4);
    assert_true(answer.replicas_each == 1 && answer.replicas == 4); /* 1,157 x 1.3 / 2,000 */
    assert_step("databases.main.replicas", 4, NULL);
    answer = judge(&database, peak * 0.8, 0.95, peak * 0.2, 0.3);
    assert_true(answer.shards == 4 && answer.replicas == 0 && !answer.reads_exceed);
}

static void more_load_never_means_fewer_machines(void **state)
{
    struct nw_model_database database = base();
    double before = 0;
    for (double growth = 1; growth < 1e4; growth *= 1.1) {
        struct nw_model_database_answer answer =
            judge(&database, 500 * growth, 0.5, 100 * growth, 0.3);
        double machines = answer.move == NW_MODEL_READ_REPLICAS ? answer.replicas : 0;
        double now = answer.move == NW_MODEL_SHARDING ? 1e6 + answer.shards : machines;
        assert_true(now >= before);
        before = now;
    }
}

static void nothing_asked_is_one_primary(void **state)
{
    struct nw_model_database database = base();
    struct nw_model_database_answer answer = judge(&database, 0, 0, 0, 0.3);
    assert_int_equal(answer.move, NW_MODEL_ONE_PRIMARY);
    assert_true(answer.read_share == 0);
    assert_string_equal(nw_model_database_move_name(answer.move), "ONE_PRIMARY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_d1_replicas_for_5220_reads),
        FACT(fact_d2_580_writes_need_no_shard),
        FACT(fact_d2b_a_billion_a_day_shards),
        FACT(fact_d2c_shards_by_margin_and_ceiling),
        FACT(fact_d4a_mostly_reads_are_replicas),
        FACT(fact_d4b_large_and_with_clear_domains_is_federation),
        FACT(fact_d4_the_guide_s_order),
        FACT(fact_j2d_the_guide_s_boundaries),
        FACT(fact_d8_the_photo_feed),
        FACT(fact_d8r_one_replica_at_most_and_no_shard),
        FACT(the_photo_feed_s_lines_are_those_on_the_page),
        FACT(writes_and_size_come_before_reads),
        FACT(at_the_ceiling_is_not_above_it),
        FACT(federation_needs_more_than_three_clear_domains_that_fit),
        FACT(reads_of_own_writes_stay_on_the_primary),
        FACT(shards_that_are_read_too_much_get_replicas_each),
        FACT(more_load_never_means_fewer_machines),
        FACT(nothing_asked_is_one_primary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
