/* The contract of peer/balance.h, each rule beside the simplest thing that does the same. */
#include "peer/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS_MAX = 16 };

struct bench {
    struct nw_balance_item items[ITEMS_MAX];
    int64_t current[ITEMS_MAX];
    struct nw_rng rng;
    struct nw_balance_pick pick;
};

static void bench_init(struct bench *bench, const uint32_t *weights, unsigned count)
{
    memset(bench, 0, sizeof *bench);
    nw_rng_init(&bench->rng, 42);
    for (unsigned i = 0; i < count; i++)
        bench->items[i].weight = weights[i];
    bench->pick = (struct nw_balance_pick){
        .items = bench->items, .count = count, .current = bench->current, .rng = &bench->rng};
}

static void nobody_to_choose_is_minus_one(void **state)
{
    static const struct nw_balance_ops *const rules[] = {
        &nw_balance_round_robin, &nw_balance_least_connections, &nw_balance_two_choices,
        &nw_balance_latency, &nw_balance_hash};
    const char *names[] = {"a", "b"};
    uint32_t weights[] = {0, 0};
    struct bench bench;
    bench_init(&bench, weights, 2);
    struct nw_balance_ring *ring = nw_balance_ring_new(names, (uint32_t[]){1, 1}, 2);
    bench.pick.ring = ring;
    for (unsigned i = 0; i < NW_COUNT(rules); i++) {
        bench.items[1].weight = 0;
        assert_int_equal(rules[i]->choose(&bench.pick), -1);
        bench.items[1].weight = 3;
        assert_int_equal(rules[i]->choose(&bench.pick), 1);
    }
    nw_balance_ring_free(ring);
}

/* ---- round-robin ---- */

static void weights_are_exact_over_a_cycle_from_any_phase(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 3);
    for (unsigned round = 0; round < 200; round++) {
        uint32_t weights[ITEMS_MAX];
        unsigned count = 1 + (unsigned)nw_rng_below(&rng, 8), total = 0;
        for (unsigned i = 0; i < count; i++)
            total += weights[i] = (uint32_t)nw_rng_below(&rng, 9) + (i == 0);
        struct bench bench;
        bench_init(&bench, weights, count);
        for (uint64_t skip = nw_rng_below(&rng, 50); skip != 0; skip--)
            nw_balance_round_robin.choose(&bench.pick);
        unsigned seen[ITEMS_MAX] = {0};
        for (unsigned i = 0; i < total; i++)
            seen[nw_balance_round_robin.choose(&bench.pick)]++;
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(seen[i], weights[i]);
    }
}

static void heavy_nodes_are_interleaved_with_light_ones(void **state)
{
    struct bench bench;
    bench_init(&bench, (uint32_t[]){5, 1, 1}, 3);
    char order[8] = "";
    for (unsigned i = 0; i < 7; i++)
        order[i] = (char)('a' + nw_balance_round_robin.choose(&bench.pick));
    assert_string_equal(order, "aabacaa"); /* nginx's published example */
}

/* ---- least connections ---- */

static void the_smallest_load_per_weight_is_chosen(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 4);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t weights[ITEMS_MAX];
        unsigned count = 2 + (unsigned)nw_rng_below(&rng, 6);
        for (unsigned i = 0; i < count; i++)
            weights[i] = (uint32_t)nw_rng_below(&rng, 4) + (i == 0);
        struct bench bench;
        bench_init(&bench, weights, count);
        for (unsigned i = 0; i < count; i++)
            bench.items[i].in_flight = (uint32_t)nw_rng_below(&rng, 10);
        int chosen = nw_balance_least_connections.choose(&bench.pick);
        double own = (double)bench.items[chosen].in_flight / weights[chosen];
        for (unsigned i = 0; i < count; i++)
            if (weights[i] != 0)
                assert_true((double)bench.items[i].in_flight / weights[i] >= own - 1e-9);
    }
}

static void equal_loads_take_turns(void **state)
{
    struct bench bench;
    bench_init(&bench, (uint32_t[]){1, 1, 1}, 3);
    unsigned seen[3] = {0};
    for (unsigned i = 0; i < 30; i++)
        seen[nw_balance_least_connections.choose(&bench.pick)]++;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(seen[i], 10);
}

/* ---- two choices ---- */

static void of_two_nodes_the_less_busy_is_taken(void **state)
{
    struct bench bench;
    bench_init(&bench, (uint32_t[]){1, 1}, 2);
    bench.items[0].in_flight = 3;
    bench.items[1].in_flight = 2;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(nw_balance_two_choices.choose(&bench.pick), 1);
}

static void the_busiest_of_many_is_never_taken(void **state)
{
    struct bench bench;
    bench_init(&bench, (uint32_t[]){1, 1, 1, 1, 1}, 5);
    bench.items[2].in_flight = 9;
    unsigned seen[5] = {0};
    for (unsigned i = 0; i < 4000; i++)
        seen[nw_balance_two_choices.choose(&bench.pick)]++;
    for (unsigned i = 0; i < 5; i++)
        assert_true(i == 2 ? seen[i] == 0 : seen[i] > 700);
}

/* ---- latency ---- */

static void a_faster_node_wins_until_it_is_busier(void **state)
{
    struct bench bench;
    bench_init(&bench, (uint32_t[]){1, 1}, 2);
    bench.items[0].latency_us = 1000;
    bench.items[1].latency_us = 3500;
    for (unsigned busy = 0; busy < 6; busy++) {
        bench.items[0].in_flight = busy;
        assert_int_equal(nw_balance_latency.choose(&bench.pick), busy <= 2 ? 0 : 1);
    }
}

static void an_unmeasured_node_gets_one_request_at_a_time(void **state)
{
    struct bench bench;
    bench_init(&bench, (uint32_t[]){1, 1}, 2);
    bench.items[0].latency_us = 1;
    assert_int_equal(nw_balance_latency.choose(&bench.pick), 1);
    bench.items[1].in_flight = 1;
    assert_int_equal(nw_balance_latency.choose(&bench.pick), 0);
}

/* ---- hash ---- */

static const char *const names[] = {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"};

/* The simplest implementation: of all points, the nearest clockwise one that may be taken. */
static int oracle(const struct bench *bench, const struct nw_balance_ring *ring)
{
    uint64_t weight_total = 0, in_flight_total = 0;
    for (unsigned i = 0; i < bench->pick.count; i++) {
        weight_total += bench->items[i].weight;
        in_flight_total += bench->items[i].weight != 0 ? bench->items[i].in_flight : 0;
    }
    int best = -1;
    uint64_t best_distance = UINT64_MAX, position;
    unsigned item;
    for (unsigned i = 0; nw_balance_ring_point(ring, i, &position, &item); i++) {
        const struct nw_balance_item *at = &bench->items[item];
        double bound = 1.25 * (double)(in_flight_total + 1) * at->weight / (double)weight_total;
        if (at->weight == 0 || at->in_flight >= bound)
            continue;
        uint64_t distance = position - bench->pick.key_hash;
        if (best < 0 || distance < best_distance) {
            best = (int)item;
            best_distance = distance;
        }
    }
    return best;
}

static void a_key_goes_to_the_next_point_that_is_not_full(void **state)
{
    struct nw_balance_ring *ring = nw_balance_ring_new(names, (uint32_t[]){1, 2, 1, 1}, 4);
    struct bench bench;
    bench_init(&bench, (uint32_t[]){100, 200, 100, 0}, 4);
    bench.pick.ring = ring;
    for (unsigned i = 0; i < 3000; i++) {
        bench.pick.key_hash = nw_rng_next(&bench.rng);
        for (unsigned k = 0; k < 4; k++)
            bench.items[k].in_flight = (uint32_t)nw_rng_below(&bench.rng, 12);
        assert_int_equal(nw_balance_hash.choose(&bench.pick), oracle(&bench, ring));
    }
    nw_balance_ring_free(ring);
}

static void a_ring_has_256_points_per_weight_unit_in_order(void **state)
{
    struct nw_balance_ring *ring = nw_balance_ring_new(names, (uint32_t[]){1, 3}, 2);
    unsigned seen[2] = {0}, item, count = 0;
    uint64_t position, before = 0;
    while (nw_balance_ring_point(ring, count, &position, &item)) {
        assert_true(position >= before);
        before = position;
        seen[item]++;
        count++;
    }
    assert_int_equal(seen[0], 256);
    assert_int_equal(seen[1], 768);
    nw_balance_ring_free(ring);
}

static void a_node_that_goes_moves_only_its_own_keys(void **state)
{
    struct nw_balance_ring *four = nw_balance_ring_new(names, (uint32_t[]){1, 1, 1, 1}, 4);
    struct nw_balance_ring *three = nw_balance_ring_new(names, (uint32_t[]){1, 1, 1}, 3);
    struct bench bench;
    bench_init(&bench, (uint32_t[]){1, 1, 1, 1}, 4);
    unsigned seen[4] = {0};
    for (unsigned i = 0; i < 10000; i++) {
        bench.pick.key_hash = nw_rng_next(&bench.rng);
        bench.pick.count = 4;
        bench.pick.ring = four;
        int before = nw_balance_hash.choose(&bench.pick);
        seen[before]++;
        bench.pick.count = 3;
        bench.pick.ring = three;
        int after = nw_balance_hash.choose(&bench.pick);
        assert_true(before == 3 || after == before);
    }
    for (unsigned i = 0; i < 4; i++) /* 256 points: a standard deviation of 6 % */
        assert_in_range(seen[i], 1900, 3100);
    nw_balance_ring_free(four);
    nw_balance_ring_free(three);
}

static void one_hot_key_never_loads_a_node_over_its_bound(void **state)
{
    struct nw_balance_ring *ring = nw_balance_ring_new(names, (uint32_t[]){1, 1, 1, 1}, 4);
    struct bench bench;
    bench_init(&bench, (uint32_t[]){100, 100, 100, 100}, 4);
    bench.pick.ring = ring;
    bench.pick.key_hash = 12345;
    for (unsigned total = 1; total <= 1000; total++) {
        int chosen = nw_balance_hash.choose(&bench.pick);
        bench.items[chosen].in_flight++;
        for (unsigned i = 0; i < 4; i++)
            assert_true(bench.items[i].in_flight <= 1.25 * total / 4 + 1);
    }
    nw_balance_ring_free(ring);
}

static void huge_weights_keep_the_ring_small(void **state)
{
    struct nw_balance_ring *ring = nw_balance_ring_new(names, (uint32_t[]){1000000, 2000000, 1}, 3);
    unsigned seen[3] = {0}, item, count = 0;
    uint64_t position;
    while (nw_balance_ring_point(ring, count, &position, &item)) {
        seen[item]++;
        count++;
    }
    assert_true(count <= NW_RING_POINTS_MAX + 3);
    assert_true(seen[2] >= 1);
    assert_in_range(seen[1] * 100 / seen[0], 195, 205);
    nw_balance_ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_to_choose_is_minus_one),
        cmocka_unit_test(weights_are_exact_over_a_cycle_from_any_phase),
        cmocka_unit_test(heavy_nodes_are_interleaved_with_light_ones),
        cmocka_unit_test(the_smallest_load_per_weight_is_chosen),
        cmocka_unit_test(equal_loads_take_turns),
        cmocka_unit_test(of_two_nodes_the_less_busy_is_taken),
        cmocka_unit_test(the_busiest_of_many_is_never_taken),
        cmocka_unit_test(a_faster_node_wins_until_it_is_busier),
        cmocka_unit_test(an_unmeasured_node_gets_one_request_at_a_time),
        cmocka_unit_test(a_key_goes_to_the_next_point_that_is_not_full),
        cmocka_unit_test(a_ring_has_256_points_per_weight_unit_in_order),
        cmocka_unit_test(a_node_that_goes_moves_only_its_own_keys),
        cmocka_unit_test(one_hot_key_never_loads_a_node_over_its_bound),
        cmocka_unit_test(huge_weights_keep_the_ring_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
