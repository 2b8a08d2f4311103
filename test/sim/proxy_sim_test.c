/*
 * The HTTP door in a hostile world: three nodes that crash, hang, cut and lie, a network that
 * delays, splits and resets, clients that give up. Whatever happens, an answer is the request's own
 * or none.
 *
 *     proxy_sim_test                    the tests
 *     proxy_sim_test --seeds 500        the scenario with 500 seeds; prints the first that fails
 *     proxy_sim_test --seed 17 --print  one seed, with its transcript
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/planted.h"
#include "base/text.h"
#include "io/worker_impl.h"
#include "world.h"

enum { SCENARIO_REQUESTS = 10000, SEED_REQUESTS = 1500, CLIENTS = 24, PLANTED_SEEDS = 20 };

/* ---- the scenario ---- */

struct scenario {
    uint64_t seed;
    unsigned threads;
    uint64_t requests;
    bool has_surplus; /* nodes send too much; then the network cuts nothing, see node.c */
    bool keeps_transcript;
};

struct outcome {
    char violation[400];
    struct world_stats stats;
    struct nw_text transcript;
    uint64_t hash;
    bool is_over;
};

struct chaos {
    struct world *world;
    struct nw_rng rng;
    bool is_over;
};

struct revival {
    struct chaos *chaos;
    struct world_node *node;
};

static void revive(void *arg)
{
    struct revival *revival = arg;
    if (!revival->chaos->is_over)
        world_node_restart(revival->node);
    nw_free(revival);
}

static void strike(void *arg)
{
    struct chaos *chaos = arg;
    struct world *world = chaos->world;
    if (chaos->is_over)
        return;
    struct world_node *node = &world->nodes[nw_rng_below(&chaos->rng, world->node_count)];
    uint64_t dice = nw_rng_below(&chaos->rng, 10);
    if (dice == 0) {
        nw_sim_wall_step(world->sim, (int64_t)nw_rng_below(&chaos->rng, 20000) - 10000);
    } else if (node->runtime != NULL) {
        struct revival *revival = nw_alloc(sizeof *revival);
        *revival = (struct revival){chaos, node};
        world_node_crash(node, dice < 3);
        nw_sim_after(world->sim, 20 + nw_rng_below(&chaos->rng, 300), revive, revival);
    }
    nw_sim_after(world->sim, 50 + nw_rng_below(&chaos->rng, 300), strike, chaos);
}

static void make_hostile(struct world *world, const struct scenario *scenario)
{
    bool cuts = !scenario->has_surplus;
    *nw_sim_faults(world->sim) = (struct nw_sim_faults){
        .split_read = cuts ? 0.05 : 0,
        .split_write = cuts ? 0.05 : 0,
        .full = 0.02,
        .partial_events = 0.05,
        .reset = 0.001,
        .connect_refused = 0.01,
        .connect_lost = 0.005,
        .stall = 0.0005,
        .slow_job = 0.5,
        .latency_us = 100,
        .jitter_us = 200,
        .stall_ms = 30,
        .slow_job_ms = 20,
        .buffer_min_bytes = 8 * 1024,
        .buffer_max_bytes = 64 * 1024,
    };
}

static const char service_lines[] =
    "    timeouts: { connect: 200ms, first_byte: 2s, idle: 2s }\n"
    "    health: { path: /ready, every: 300ms, timeout: 200ms, fall: 2, rise: 1 }\n";

/* Every buffer has a bound, whatever the world does. */
static void check_bounds(void *arg)
{
    struct world *world = arg;
    for (unsigned i = 0; i < world->daemon_count; i++) {
        if (world->daemons[i].daemon == NULL)
            continue;
        struct nw_runtime *runtime = nw_daemon_runtime(world->daemons[i].daemon);
        uint64_t used = atomic_load_explicit(&runtime->memory_total_bytes, memory_order_relaxed);
        if (used > nw_runtime_buffers_max_bytes(runtime))
            world_violation(world, "%llu bytes of buffers", (unsigned long long)used);
    }
}

static void scenario_run(const struct scenario *scenario, struct outcome *out)
{
    *out = (struct outcome){.is_over = false};
    struct world *world = world_new(scenario->seed, !scenario->keeps_transcript);
    struct chaos chaos = {.world = world};
    struct nw_text conf = {0};
    struct world_manner manner = {
        .service_us = 3000,
        .hangs = 0.0005,
        .drops = 0.01,
        .cuts = 0.01,
        .says_close = 0.02,
        .closes = 0.01,
        .fails = 0.005,
        .surplus = scenario->has_surplus ? 0.02 : 0,
    };
    for (unsigned i = 0; i < 3; i++)
        world_node_add(world, &manner);
    world_conf(world, scenario->threads, service_lines, "", &conf);
    world_daemon_add(world, "edge", conf.ptr);
    nw_text_done(&conf);
    make_hostile(world, scenario);
    nw_sim_split(world->sim, "chaos", &chaos.rng);
    nw_sim_after(world->sim, 100, strike, &chaos);
    nw_sim_check_set(world->sim, check_bounds, world);
    struct world_habit habit = {
        .address = "10.9.0.1:80",
        .requests = scenario->requests / CLIENTS + 1,
        .think_us = 2000,
        .patience_ms = 20000,
        .aborts = 0.01,
    };
    world_clients_add(world, CLIENTS, &habit);
    out->is_over = world_run_clients(world, 3600 * 1000);
    chaos.is_over = true;
    snprintf(out->violation, sizeof out->violation, "%s", world->violation);
    out->stats = world->stats;
    out->hash = nw_sim_transcript_hash(world->sim);
    nw_text_add(&out->transcript, nw_sim_transcript(world->sim));
    nw_sim_run_ms(world->sim, 2000); /* revivals that are under way */
    world_free(world);
}

static void outcome_print(const struct scenario *scenario, const struct outcome *out)
{
    printf(
        "seed %llu, threads %u: ok %llu, refused %llu, broken %llu, aborted %llu, "
        "connections %llu, "
        "hash %016llx%s%s\n",
        (unsigned long long)scenario->seed, scenario->threads, (unsigned long long)out->stats.ok,
        (unsigned long long)out->stats.refused, (unsigned long long)out->stats.broken,
        (unsigned long long)out->stats.aborted, (unsigned long long)out->stats.connections,
        (unsigned long long)out->hash, out->violation[0] != '\0' ? ", VIOLATION: " : "",
        out->violation);
}

static void must_be_well(const struct scenario *scenario, const struct outcome *out)
{
    if (!out->is_over || out->stats.ok * 2 < scenario->requests) {
        outcome_print(scenario, out);
        fail_msg("seed %llu failed: %s", (unsigned long long)scenario->seed,
                 out->violation[0] != '\0' ? out->violation : "too little was served");
    }
}

/* ---- the tests ---- */

static void repeats(unsigned threads)
{
    struct scenario scenario = {
        .seed = 1, .threads = threads, .requests = SCENARIO_REQUESTS, .keeps_transcript = true};
    struct outcome first, again, other;
    scenario_run(&scenario, &first);
    must_be_well(&scenario, &first);
    scenario_run(&scenario, &again);
    assert_int_equal(first.transcript.len, again.transcript.len);
    assert_memory_equal(first.transcript.ptr, again.transcript.ptr, first.transcript.len);
    scenario.seed = 2;
    scenario_run(&scenario, &other);
    must_be_well(&scenario, &other);
    assert_int_not_equal(first.hash, other.hash);
    nw_text_done(&first.transcript);
    nw_text_done(&again.transcript);
    nw_text_done(&other.transcript);
}

static void one_worker_repeats_itself(void **state)
{
    repeats(1);
}

static void three_workers_repeat_themselves(void **state)
{
    repeats(3);
}

/* Returns the seed that found a violation, 0: none did. */
static uint64_t try_seeds(uint64_t first, uint64_t count, bool must_pass)
{
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct scenario scenario = {.seed = seed,
                                    .threads = seed % 3 == 0 ? 3 : 1,
                                    .requests = SEED_REQUESTS,
                                    .has_surplus = seed % 2 == 0};
        struct outcome out;
        scenario_run(&scenario, &out);
        nw_text_done(&out.transcript);
        if (must_pass)
            must_be_well(&scenario, &out);
        if (out.violation[0] != '\0')
            return seed;
    }
    return 0;
}

static void no_seed_mixes_answers_up(void **state)
{
    const char *wanted = getenv("SEEDS"); /* make sim SEEDS=N */
    uint64_t count = wanted != NULL ? strtoull(wanted, NULL, 10) : 0;
    assert_int_equal(try_seeds(100, count > 0 ? count : 6, true), 0);
}

static void a_connection_with_unread_bytes_is_found(void **state)
{
    if (nw_planted_init("pool_unread") != NW_OK)
        skip(); /* this build has no planted faults */
    uint64_t found = try_seeds(1, PLANTED_SEEDS, false);
    nw_err err = nw_planted_init("");
    assert_int_equal(err, NW_OK);
    assert_int_not_equal(found, 0);
}

/* ---- one seed or many, by hand ---- */

static int run_by_hand(uint64_t first, uint64_t count, bool prints, const char *planted)
{
    if (planted != NULL && nw_planted_init(planted) != NW_OK)
        return 2;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct scenario scenario = {.seed = seed,
                                    .threads = seed % 3 == 0 ? 3 : 1,
                                    .requests = SEED_REQUESTS,
                                    .has_surplus = seed % 2 == 0,
                                    .keeps_transcript = prints};
        struct outcome out;
        scenario_run(&scenario, &out);
        bool is_bad = !out.is_over || out.violation[0] != '\0';
        if (prints)
            fwrite(out.transcript.ptr, 1, out.transcript.len, stdout);
        if (is_bad || prints || seed % 10 == 0)
            outcome_print(&scenario, &out);
        nw_text_done(&out.transcript);
        if (is_bad) {
            printf("FAILED: seed %llu (again: --seed %llu --print)\n", (unsigned long long)seed,
                   (unsigned long long)seed);
            return 1;
        }
    }
    printf("%llu seeds, no violation\n", (unsigned long long)count);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = 0;
    bool prints = false;
    const char *planted = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--print") == 0)
            prints = true;
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            first = strtoull(argv[++i], NULL, 10), count = count != 0 ? count : 1;
        else if (strcmp(argv[i], "--planted") == 0 && i + 1 < argc)
            planted = argv[++i];
        else
            return fprintf(stderr,
                           "usage: [--seeds N] [--seed FIRST] [--planted NAME] [--print]\n"),
                   2;
    }
    if (count != 0)
        return run_by_hand(first, count, prints, planted);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_repeats_itself),
        cmocka_unit_test(three_workers_repeat_themselves),
        cmocka_unit_test(no_seed_mixes_answers_up),
        cmocka_unit_test(a_connection_with_unread_bytes_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
