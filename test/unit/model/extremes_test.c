/*
 * Whatever a plan file may hold, within the bounds of its keys, every result is a finite number or
 * has a reason: the recorder asserts on anything else. Values are drawn evenly over their
 * magnitudes, and one in eight is the bound itself.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/cachemath.h"
#include "model/cost.h"
#include "model/database.h"
#include "model/decide.h"
#include "model/nines.h"
#include "model/nodes.h"
#include "model/pool.h"
#include "model/queuemath.h"
#include "model/random.h"
#include "model/region.h"
#include "model/volume.h"

enum { ROUNDS = 500 };

static struct nw_rng rng;
static struct nw_arena arena;
static struct nw_model_steps steps;

/* low 0 gives 0 itself now and then, else down to 1e-9 of high. */
static struct nw_model_quantity any(double low, double high)
{
    double u = nw_rng_double(&rng);
    if (u < 1.0 / 16)
        return nw_model_given(low);
    if (u < 2.0 / 16)
        return nw_model_given(high);
    double least = low > 0 ? low : high * 1e-9;
    return nw_model_given(fmin(high, least * pow(high / least, nw_rng_double(&rng))));
}

static struct nw_model_quantity whole(double low, double high)
{
    return nw_model_given(floor(any(low, high).value));
}

/* Every step is finite or has a reason; the text of each can be printed. */
static void check(void)
{
    struct nw_text text = {0};
    assert_true(steps.count > 0);
    for (size_t i = 0; i < steps.count; i++) {
        const struct nw_model_step *step = &steps.items[i];
        assert_true(step->reason || (isfinite(step->exact) && isfinite(step->rounded)));
        nw_model_step_print_formula(&text, step);
        nw_model_step_print_values(&text, step);
        nw_model_step_print_result(&text, step, "USD");
        for (size_t at = 0; at + 3 <= text.len; at++)
            assert_true(memcmp(text.ptr + at, "nan", 3) != 0 &&
                        memcmp(text.ptr + at, "inf", 3) != 0);
        nw_text_clear(&text);
    }
    nw_text_done(&text);
    nw_arena_reset(&arena);
    nw_model_steps_init(&steps, &arena);
}

static int open_all(void **state)
{
    nw_model_stream_init(&rng, 1, NW_MODEL_NOISE, 0);
    nw_arena_init(&arena, NULL, 0, 1 << 20);
    nw_model_steps_init(&steps, &arena);
    return 0;
}

static int close_all(void **state)
{
    nw_arena_done(&arena);
    return 0;
}

static void volumes_are_finite(void **state)
{
    for (int i = 0; i < ROUNDS; i++) {
        const struct nw_model_load load = {
            .kind = (nw_model_load_kind)(i % 3),
            .users = any(1, 1e15),
            .requests_per_s = any(1 / 86400.0, 1e12),
            .peak = any(1, 1e4),
            .growth = any(1e-6, 1e6),
        };
        const struct nw_model_action actions[] = {{"one", any(0, 1e3)}, {"two", any(0, 1e3)}};
        struct nw_model_volume volume =
            nw_model_volume_count(&(struct nw_model_volume_in){&load, actions, 2}, &steps);
        const struct nw_model_traffic_in in = {
            .at = "load",
            .average_per_s = nw_model_derived(volume.average_per_s),
            .peak_per_s = nw_model_derived(volume.peak_per_s),
            .request_bytes = any(0, 1e12),
            .answer_bytes = any(0, 1e12),
            .log_bytes = any(0, 1e12),
            .retention_s = any(0, 3e8),
        };
        nw_model_traffic_count(&in, &steps);
        check();
    }
}

static void node_counts_are_finite_and_enough(void **state)
{
    for (int i = 0; i < ROUNDS; i++) {
        const struct nw_model_nodes_in in = {
            .at = "services.app",
            .average_per_s = any(0, 1e24),
            .peak_per_s = any(0, 1e28),
            .node_rate_per_s = any(1 / 86400.0, 1e12),
            .efficiency = any(0.01, 1),
            .margin = any(0, 10),
            .spare = whole(0, 1e6),
            .zones = whole(0, 1e3),
            .connected = any(0, 1e12),
            .connections = any(1, 1e9),
            .has_usl = i % 2 == 0,
            .usl_gamma_per_s = any(1 / 86400.0, 1e12).value,
            .usl_alpha = any(0, 1).value,
            .usl_beta = any(0, 1).value,
        };
        struct nw_model_nodes nodes = nw_model_nodes_count(&in, &steps);
        assert_true(nodes.reason || (nodes.nodes >= nodes.needed && nodes.needed >= 1));
        assert_true(nodes.reason || !nw_model_is_above(nodes.utilisation, 1));
        const struct nw_model_nines_fleet_in fleet = {
            .at = "services.app",
            .node = any(0, 1),
            .needed = nw_model_derived(nodes.needed),
            .nodes = nw_model_derived(nodes.nodes),
            .common_cause = any(0, 1),
        };
        if (nodes.nodes < 1e6 || nodes.nodes > 1e9) /* between, it takes a millisecond each */
            nw_model_nines_fleet(&fleet, &steps);
        const struct nw_model_pool_in pool = {
            .at = "databases.main",
            .nodes = nw_model_derived(nodes.nodes),
            .pool = whole(1, 1e5),
            .connections = whole(4, 1e6),
        };
        nw_model_pool_check(&pool, &steps);
        check();
    }
}

static void databases_and_caches_are_finite(void **state)
{
    for (int i = 0; i < ROUNDS; i++) {
        const struct nw_model_database database = {
            .read_rate_per_s = any(1 / 86400.0, 1e12),
            .replica_rate_per_s = any(1 / 86400.0, 1e12),
            .write_rate_per_s = any(1 / 86400.0, 1e12),
            .size_bytes = any(0, 1e18),
            .size_max_bytes = any(1e6, 1e18),
            .own_writes = any(0, 1),
            .domains = whole(1, 1e3),
            .has_clear_domains = i % 2,
        };
        const struct nw_model_database_reads reads[] = {{"a", any(0, 1e26), any(0, 1)},
                                                        {"b", any(0, 1e26), any(0, 1)}};
        const struct nw_model_database_in in = {
            .at = "databases.main",
            .label = "main",
            .database = &database,
            .reads = reads,
            .read_count = (unsigned)i % 3,
            .writes_per_s = any(0, 1e26),
            .margin = any(0, 10),
        };
        struct nw_model_database_answer answer = nw_model_database_judge(&in, &steps);
        assert_true(answer.primaries >= 1 && answer.replicas >= 0);
        const struct nw_model_cache_hit_in hit = {
            .at = "routes.a",
            .stated = any(0, 1),
            .per_key_per_s = any(0, 1e12),
            .ttl_s = any(0, 3e8),
        };
        const struct nw_model_cache_size_in size = {
            .at = "cache",
            .entries = any(0, 1e15),
            .entry_bytes = any(1, 1e9),
            .ram_bytes = any(1e6, 1e15),
            .fill = any(0.01, 1),
        };
        const struct nw_model_cache_load_in load = {"databases.main", any(0, 1e26), any(0, 1),
                                                    any(0, 1e12)};
        assert_true(nw_model_cache_cap(&hit, &steps).hit_ratio <= hit.stated.value);
        nw_model_cache_size(&size, &steps);
        nw_model_cache_relieve(&load, &steps);
        check();
    }
}

static void queues_and_regions_are_finite(void **state)
{
    for (int i = 0; i < ROUNDS; i++) {
        const struct nw_model_burst_in burst = {
            .at = "queues.mail",
            .label = "mail",
            .jobs = any(0, 1e15),
            .over_s = any(0, 3e7),
            .drain_per_s = any(1 / 86400.0, 1e12),
            .stopped_s = any(0, 3e7),
        };
        const struct nw_model_catchup_in behind = {
            .at = "queues.mail",
            .backlog = any(0, 1e33),
            .arrive_per_s = any(0, 1e26),
            .drain_per_s = any(1 / 86400.0, 1e12),
        };
        struct nw_model_burst out = nw_model_queue_burst(&burst, &steps);
        assert_true(out.peak_depth <= burst.jobs.value);
        nw_model_queue_catchup(&behind, &steps);
        const struct nw_model_region region = {
            .name = "far",
            .rtt_s = any(0, 60),
            .local_s = any(0, 60),
            .calls = whole(1, 1e3),
            .distance_km = any(0, 20038),
        };
        nw_model_region_judge(&(struct nw_model_region_in){"regions.far", &region}, &steps);
        const struct nw_model_decide_in decide = {
            .at = "services.app",
            .current_per_s = any(1 / 86400.0, 1e12),
            .projected_per_s = any(0, 1e28),
        };
        nw_model_decide(&decide, &steps);
        check();
    }
}

static void money_is_finite(void **state)
{
    for (int i = 0; i < ROUNDS; i++) {
        const struct nw_model_cost_line line = {"services.app", any(0, 1e31), any(0, 1e6)};
        const struct nw_model_cost_in in = {"cost", &line, 1, any(0, 1e24)};
        const struct nw_model_bigger_in bigger = {
            .at = "services.app",
            .nodes_exact = any(0, 1e31),
            .price_per_h = any(0, 1e6),
            .bigger_factor = any(1, 1e4),
            .bigger_price_per_h = any(0, 1e6),
        };
        struct nw_model_quantity peak = any(0, 1e28);
        const struct nw_model_autoscale_in day = {
            .at = "services.app",
            .average_per_s = nw_model_given(peak.value / any(1, 1e4).value),
            .peak_per_s = peak,
            .capacity_per_s = any(1e-7, 1e12),
            .margin = any(0, 10),
            .spare = whole(0, 1e6),
            .price_per_h = any(0, 1e6),
        };
        nw_model_cost_sum(&in, &steps);
        nw_model_cost_bigger(&bigger, &steps);
        struct nw_model_autoscale out = nw_model_cost_autoscale(&day, &steps);
        assert_true(out.saved_share >= 0 && out.saved_share < 1);
        assert_true(out.node_hours <= out.fixed_node_hours);
        check();
    }
}

/* X(501) of this law is 586/s, and 1e12 nodes are beyond what it counts to. */
static void more_nodes_than_the_law_bears_cannot_be_met(void **state)
{
    const double connected[] = {1e6, 2e15};
    for (size_t i = 0; i < NW_COUNT(connected); i++) {
        const struct nw_model_nodes_in in = {
            .at = "services.app",
            .peak_per_s = nw_model_derived(1000),
            .margin = nw_model_derived(0.3),
            .spare = nw_model_derived(1),
            .connected = nw_model_derived(connected[i]),
            .connections = nw_model_derived(2000),
            .has_usl = true,
            .usl_gamma_per_s = 300,
            .usl_alpha = 0.01,
            .usl_beta = 0.001,
        };
        const struct nw_model_nodes nodes = nw_model_nodes_count(&in, NULL);
        assert_non_null(nodes.reason);
        assert_true(nodes.by_rate == 5 && nodes.reachable_nodes == connected[i] / 2000 + 1);
        if (i == 0) {
            double bears_per_s = 300 * 501 / (1 + 0.01 * 500 + 0.001 * 501 * 500);
            assert_true(fabs(nodes.reachable_per_s / bears_per_s - 1) < 1e-12);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(volumes_are_finite, open_all, close_all),
        cmocka_unit_test_setup_teardown(node_counts_are_finite_and_enough, open_all, close_all),
        cmocka_unit_test_setup_teardown(databases_and_caches_are_finite, open_all, close_all),
        cmocka_unit_test_setup_teardown(queues_and_regions_are_finite, open_all, close_all),
        cmocka_unit_test_setup_teardown(money_is_finite, open_all, close_all),
        cmocka_unit_test(more_nodes_than_the_law_bears_cannot_be_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
