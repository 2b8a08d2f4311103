/* The contract of base/map.h. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"

static struct nw_slice number(char to[16], unsigned value)
{
    return nw_slice_of(to, (size_t)snprintf(to, 16, "key-%u", value));
}

/* A plain array of presence is the oracle. */
static void a_map_behaves_like_an_array_under_random_work(void **state)
{
    enum { KEYS = 300 };
    static char cells[KEYS][2];
    char name[16];
    void *expected[KEYS] = {0};
    size_t count = 0;
    struct nw_map map;
    struct nw_rng rng;
    nw_map_init(&map, (struct nw_hash_key){1, 2});
    nw_rng_init(&rng, 8);
    for (int i = 0; i < 50000; i++) {
        unsigned at = (unsigned)nw_rng_below(&rng, KEYS);
        if (nw_rng_chance(&rng, 0.5)) {
            void *value = &cells[at][nw_rng_below(&rng, 2)];
            assert_ptr_equal(nw_map_put(&map, number(name, at), value), expected[at]);
            count += expected[at] == NULL;
            expected[at] = value;
        } else {
            assert_ptr_equal(nw_map_remove(&map, number(name, at)), expected[at]);
            count -= expected[at] != NULL;
            expected[at] = NULL;
        }
        assert_int_equal(nw_map_count(&map), count);
    }
    for (unsigned at = 0; at < KEYS; at++)
        assert_ptr_equal(nw_map_get(&map, number(name, at)), expected[at]);
    assert_true(map.slot_count <= 2048); /* put and remove alone do not make it grow */
    nw_map_done(&map);
}

static void iteration_is_in_order_of_insertion_whatever_the_key(void **state)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        char name[16];
        int value = 0;
        struct nw_map map;
        nw_map_init(&map, (struct nw_hash_key){seed, ~seed});
        for (unsigned i = 0; i < 100; i++)
            nw_map_put(&map, number(name, i), &value);
        for (unsigned i = 0; i < 100; i += 2)
            nw_map_remove(&map, number(name, i));
        nw_map_put(&map, number(name, 4), &value);
        nw_map_put(&map, number(name, 7), &value); /* there already: keeps its place */
        size_t cursor = 0;
        for (unsigned i = 1; i < 100; i += 2)
            assert_true(nw_slice_eq(nw_map_next(&map, &cursor)->key, number(name, i)));
        assert_true(nw_slice_eq(nw_map_next(&map, &cursor)->key, NW_SLICE("key-4")));
        assert_null(nw_map_next(&map, &cursor));
        nw_map_done(&map);
    }
}

static void the_entry_just_seen_may_be_removed(void **state)
{
    char name[16];
    int value = 0;
    struct nw_map map;
    const struct nw_map_entry *entry;
    size_t cursor = 0, seen = 0;
    nw_map_init(&map, (struct nw_hash_key){3, 4});
    for (unsigned i = 0; i < 50; i++)
        nw_map_put(&map, number(name, i), &value);
    for (; (entry = nw_map_next(&map, &cursor)) != NULL; seen++)
        nw_map_remove(&map, entry->key);
    assert_int_equal(seen, 50);
    assert_int_equal(nw_map_count(&map), 0);
    nw_map_done(&map);
}

static void keys_are_copied_and_may_hold_any_byte(void **state)
{
    int value = 0;
    char key[] = {'a', 0, 'b'};
    struct nw_map map;
    nw_map_init(&map, (struct nw_hash_key){5, 6});
    assert_null(nw_map_get(&map, NW_SLICE("")));
    nw_map_put(&map, nw_slice_of(key, 3), &value);
    nw_map_put(&map, NW_SLICE(""), &map);
    key[0] = 'x';
    assert_null(nw_map_get(&map, nw_slice_of(key, 3)));
    assert_ptr_equal(nw_map_get(&map, nw_slice_of("a\0b", 3)), &value);
    assert_null(nw_map_get(&map, NW_SLICE("a")));
    assert_ptr_equal(nw_map_get(&map, NW_SLICE("")), &map);
    nw_map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_behaves_like_an_array_under_random_work),
        cmocka_unit_test(iteration_is_in_order_of_insertion_whatever_the_key),
        cmocka_unit_test(the_entry_just_seen_may_be_removed),
        cmocka_unit_test(keys_are_copied_and_may_hold_any_byte),
    };
    return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
