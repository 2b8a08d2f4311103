/* The contract of model/topics.h: every fact has its topic, every example computes. */
#include "model/topics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/constants.h"
#include "model/disagree.h"

/* Every worked example by its id. */
static const char *const facts[] = {
    "A1",  "A2",  "A3",  "A4",  "A5",  "A6",  "A7",  "A8",  "A9",  "A10", "A11", "A12", "B1",
    "B2",  "B3",  "B3r", "B4",  "B5",  "B6",  "B7",  "B8",  "C1",  "C1h", "C1f", "C2n", "C2r",
    "C2h", "C2m", "C3",  "C4",  "C5",  "C6",  "C6d", "C7",  "C7f", "C8",  "C9",  "C10", "D1",
    "D2",  "D2b", "D2c", "D3",  "D4",  "D4a", "D4b", "D5",  "D6",  "D7",  "D8",  "D8r", "E1",
    "E1a", "E1b", "E1c", "E1d", "E2",  "E2d", "E2p", "E2l", "E3",  "E3c", "E4",  "E5",  "F1",
    "F1s", "F1p", "F2",  "F3",  "G2",  "G3",  "G4",  "G5",  "G6",  "G7",  "G8",  "G9",  "H1",
    "H1a", "H1b", "J2",  "J2d", "H2a", "H2b", "H3",  "H4",  "H5",  "H6",  "I1",  "I1x", "I1s",
    "I1t", "I1u", "I2",  "I3",  "I4",  "I5",  "J1",  "J3",  "J5",  "J7",  "L1",  "L2",  "L3",
    "L4",  "L5",  "L6",  "L7",  "L8",  "L9",  "L10", "L11", "L12",
};

/* The rules among them, and words without which their topic would not tell them. */
static const struct {
    const char *fact;
    const char *topic;
    const char *words[4];
} rules[] = {
    {"B3r", "nodes", {"200 to 500", "300 in the example", "5,000 for a gateway", "50 for Python"}},
    {"B5", "nodes", {"2,000 clients"}},
    {"B7", "pool", {"above some 50 nodes", "balancers", "met that wall at 15", "20 nodes"}},
    {"C4", "cache", {"catalogue 300 s", "profile 60 s", "stock 5 s", "45 minutes"}},
    {"C5", "cache", {"database, then cache with a lifetime of 3,600 s", "on error delete the key"}},
    {"C6d", "cache", {"above 50 %", "30 s old from local memory", "cap on the pool", "pre-warm"}},
    {"C8", "cache", {"Below 50 % hits", "keys", "cold", "99.9 % and turn 300 ms into 5"}},
    {"C9", "cache", {"browser, CDN, application", "100,000 requests a second", "local"}},
    {"C10", "cache", {"60 to 70 % of the bandwidth"}},
    {"D3", "database", {"replicas and a cache come first", "1,000 to 5,000", "1 to 5 TB"}},
    {"D4", "database", {"above 0.8 replicas", "10 TB or 50,000", "more than 3 clear domains"}},
    {"D4b", "database", {"five clear domains", "users, orders, products", "orders by customer"}},
    {"D5",
     "database",
     {"per domain", "eventual on replicas", "composed across services", "medium"}},
    {"D6", "database", {"80 to 95 %", "user_id modulo N", "ranges of one million"}},
    {"D7", "database", {"own writes go to the primary", "seconds under load", "Never send all"}},
    {"D7", "pool", {"10 to 20 connections", "pooler", "raise max_connections only if"}},
    {"E2p", "queue", {"2 ms (Kafka)", "10 ms (SQS)", "10,000 messages a second"}},
    {"E3", "queue", {"15 minutes behind", "7 days", "lag does not touch another"}},
    {"E4", "queue", {"fraud check", "synchronous", "breaker", "fallback"}},
    {"E5", "queue", {"latency into depth", "rates are decoupled"}},
    {"F2", "region", {"active-passive", "conflicting writes"}},
    {"F3", "region", {"above 100 ms", "recovery target"}},
    {"G7", "nines", {"doubles complexity and cost", "weakest link", "internal tools", "banking"}},
    {"H1a", "scaling", {"500 to 50,000", "sessions to Redis or into a token"}},
    {"H1b", "scaling", {"2 vCPU and 4 GB", "16 vCPU and 128 GB", "0.90", "low risk"}},
    {"H5", "scaling", {"find the knee", "health checks", "shards", "scale on latency"}},
    {"H6", "scaling", {"20 ms for one user and 500 ms", "2 s for one user is performance"}},
    {"I1", "autoscaling", {"70 % for 5 minutes adds 2", "cooldown", "lower threshold", "pre-warm"}},
    {"I1x", "autoscaling", {"80 % for 1 minute", "without a cooldown", "quota", "40,000 dollars"}},
    {"I1u", "autoscaling", {"87.5 %", "1 - (1 + f)^-w", "A fixed step stops by itself"}},
    {"I2",
     "stateless",
     {"Kill the server in mid-session", "Sticky", "50,000 users", "40 % errors"}},
    {"I3", "overload", {"CPU of every node", "five slowest queries", "health endpoint", "cold"}},
    {"I4", "gateway", {"401", "HS256", "exp"}},
    {"I4", "stateless", {"cart:<user>", "Round-robin", "least connections"}},
    {"I5", "gateway", {"routes, authenticates, limits (100 a minute", "one route at a time"}},
    {"J1", "scaling", {"minutes, no code", "one point of failure", "days to weeks", "no ceiling"}},
    {"J3",
     "mistakes",
     {"sessions live in the processes", "long lifetime", "All reads", "cooldown"}},
    {"J7", "review", {"converted", "cache formula", "write rate", "metric named for each move"}},
};

static bool has_word(const char *list, const char *word)
{
    struct nw_slice rest = nw_slice_str(list), part;
    while (nw_slice_split(&rest, ' ', &part))
        if (nw_slice_eq(part, nw_slice_str(word)))
            return true;
    return false;
}

static void every_fact_belongs_to_a_topic_and_every_topic_to_facts(void **state)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    for (size_t f = 0; f < NW_COUNT(facts); f++) {
        bool is_told = false;
        for (size_t i = 0; i < count && !is_told; i++)
            is_told = has_word(topics[i].facts, facts[f]);
        if (!is_told)
            fail_msg("no topic tells %s", facts[f]);
    }
    for (size_t i = 0; i < count; i++) {
        struct nw_slice rest = nw_slice_str(topics[i].facts), part;
        assert_true(rest.len > 0);
        while (nw_slice_split(&rest, ' ', &part)) {
            bool is_known = false;
            for (size_t f = 0; f < NW_COUNT(facts); f++)
                is_known = is_known || nw_slice_eq(part, nw_slice_str(facts[f]));
            if (!is_known)
                fail_msg("%s tells %.*s, which is no fact", topics[i].name, NW_SLICE_ARG(part));
        }
    }
}

static void an_example_s_id_finds_its_topic(void **state)
{
    assert_string_equal(nw_model_topic_find(NW_SLICE("B2"))->name, "nodes");
    assert_string_equal(nw_model_topic_find(NW_SLICE("L10"))->name, "cache");
    assert_string_equal(nw_model_topic_find(NW_SLICE("J7"))->name, "review");
    assert_null(nw_model_topic_find(NW_SLICE("B")));
    assert_null(nw_model_topic_find(NW_SLICE("B9")));
    assert_null(nw_model_topic_find(NW_SLICE("")));
}

static bool is_said(const char *text, const char *words)
{
    struct nw_slice all = nw_slice_str(text), wanted = nw_slice_str(words);
    for (; all.len >= wanted.len; all = nw_slice_skip(all, 1))
        if (nw_slice_eq_nocase(nw_slice_first(all, wanted.len), wanted))
            return true;
    return false;
}

static void every_rule_is_told_by_its_topic(void **state)
{
    for (size_t i = 0; i < NW_COUNT(rules); i++) {
        const struct nw_model_topic *topic = nw_model_topic_find(nw_slice_str(rules[i].topic));
        assert_non_null(topic);
        assert_true(has_word(topic->facts, rules[i].fact));
        for (size_t w = 0; w < NW_COUNT(rules[i].words) && rules[i].words[w]; w++)
            if (!is_said(topic->text, rules[i].words[w]) &&
                !is_said(topic->formula, rules[i].words[w]))
                fail_msg("%s: %s does not say \"%s\"", rules[i].fact, topic->name,
                         rules[i].words[w]);
    }
}

static void fact_h3_the_staircase_shows_the_ceilings_as_printed(void **state)
{
    static const char *const ceilings[] = {"100-500", "500-2,000", "2,000-20,000",
                                           "20,000-100,000", "150 ms -> 3 ms"};
    const struct nw_model_topic *topic = nw_model_topic_find(NW_SLICE("staircase"));
    for (size_t i = 0; i < NW_COUNT(ceilings); i++)
        assert_true(is_said(topic->text, ceilings[i]));
}

static void what_a_topic_refers_to_exists(void **state)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    for (size_t i = 0; i < count; i++) {
        const struct nw_model_topic *topic = &topics[i];
        struct nw_slice rest = nw_slice_str(topic->constants), part;
        while (rest.len && nw_slice_split(&rest, ' ', &part))
            if (!nw_model_constant_find(part))
                fail_msg("%s: no constant %.*s", topic->name, NW_SLICE_ARG(part));
        rest = nw_slice_str(topic->disagrees);
        while (rest.len && nw_slice_split(&rest, ' ', &part))
            if (!nw_model_disagreement_find(part))
                fail_msg("%s: no disagreement %.*s", topic->name, NW_SLICE_ARG(part));
        assert_ptr_equal(nw_model_topic_find(nw_slice_str(topic->name)), topic);
        assert_true(strlen(topic->title) > 0 && strlen(topic->source) > 0);
    }
    assert_null(nw_model_topic_find(NW_SLICE("nothing")));
}

/* X1 to X36 but those that are only a slip of the pen. */
static void every_disagreement_is_told_with_a_topic(void **state)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    for (unsigned x = 1; x <= NW_MODEL_DISAGREEMENTS; x++) {
        char id[8];
        bool is_told = x == 24;
        snprintf(id, sizeof id, "X%u", x);
        for (size_t i = 0; i < count && !is_told; i++)
            is_told = has_word(topics[i].disagrees, id);
        if (!is_told)
            fail_msg("no topic tells %s", id);
    }
}

static void every_example_computes_and_shows_a_guide_s_figure(void **state)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    for (size_t i = 0; i < count; i++) {
        struct nw_arena arena;
        struct nw_model_steps steps;
        size_t printed = 0;
        if (!topics[i].example)
            continue;
        nw_arena_init(&arena, NULL, 0, 1 << 20);
        nw_model_steps_init(&steps, &arena);
        topics[i].example(&steps);
        for (size_t s = 0; s < steps.count; s++)
            printed += steps.items[s].printed != NULL;
        bool is_newel_s =
            strcmp(topics[i].name, "queueing") == 0 || strcmp(topics[i].name, "law") == 0 ||
            strcmp(topics[i].name, "pool") == 0 || strcmp(topics[i].name, "scaling") == 0;
        if (steps.count == 0 || (printed == 0 && !is_newel_s))
            fail_msg("%s: %zu steps, %zu of them with a guide's figure", topics[i].name,
                     steps.count, printed);
        nw_arena_done(&arena);
    }
}

/* What 20, 22, 26 and 30 nodes make of 5,800/s. */
static void fact_l1_is_the_example_of_queueing(void **state)
{
    static const struct {
        const char *path;
        double wait_ms;
    } waits[] = {{"nodes_20.wait_s_p99", 22.11},
                 {"nodes_22.wait_s_p99", 4.775},
                 {"nodes_26.wait_s_p99", 1.178},
                 {"nodes_30.wait_s_p99", 0.1565}};
    struct nw_arena arena;
    struct nw_model_steps steps;
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    nw_model_steps_init(&steps, &arena);
    nw_model_topic_find(NW_SLICE("queueing"))->example(&steps);
    for (size_t i = 0; i < NW_COUNT(waits); i++) {
        double wait_ms = nw_model_steps_find(&steps, waits[i].path)->exact * 1e3;
        assert_true(fabs(wait_ms / waits[i].wait_ms - 1) < 5e-4);
    }
    nw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fact_belongs_to_a_topic_and_every_topic_to_facts),
        cmocka_unit_test(an_example_s_id_finds_its_topic),
        cmocka_unit_test(every_rule_is_told_by_its_topic),
        cmocka_unit_test(fact_h3_the_staircase_shows_the_ceilings_as_printed),
        cmocka_unit_test(what_a_topic_refers_to_exists),
        cmocka_unit_test(every_disagreement_is_told_with_a_topic),
        cmocka_unit_test(every_example_computes_and_shows_a_guide_s_figure),
        cmocka_unit_test(fact_l1_is_the_example_of_queueing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
