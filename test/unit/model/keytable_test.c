/* The contract of model/keytable.h. */
#include "model/keytable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"

static const struct nw_hash_key hash_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static uint32_t id_of(struct nw_model_keytable *table, const char *key)
{
    uint32_t id = UINT32_MAX;
    assert_int_equal(nw_model_keytable_intern(table, nw_slice_str(key), &id), NW_OK);
    return id;
}

static void keys_are_numbered_in_the_order_of_their_first_appearance(void **state)
{
    NW_CLEANUP(nw_model_keytable_free)
    struct nw_model_keytable *table = nw_model_keytable_new(hash_key, 1 << 20);
    assert_int_equal(nw_model_keytable_count(table), 0);
    assert_int_equal(id_of(table, "/b"), 0);
    assert_int_equal(id_of(table, "/a"), 1);
    assert_int_equal(id_of(table, "/b"), 0);
    assert_int_equal(id_of(table, ""), 2);
    assert_int_equal(id_of(table, "/a/"), 3);
    assert_int_equal(id_of(table, ""), 2);
    assert_int_equal(nw_model_keytable_count(table), 4);
}

static void numbers_are_keys_whatever_their_value(void **state)
{
    static const uint64_t keys[] = {0, UINT64_MAX, 1, 1ull << 63, 1ull << 32, 0x0706050403020100};
    NW_CLEANUP(nw_model_keytable_free)
    struct nw_model_keytable *table = nw_model_keytable_new(hash_key, 1 << 20);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < NW_COUNT(keys); i++) {
            uint32_t id = UINT32_MAX;
            assert_int_equal(nw_model_keytable_intern_u64(table, keys[i], &id), NW_OK);
            assert_int_equal(id, i);
        }
}

/* An array by key is the oracle. */
static void a_growing_table_forgets_and_confuses_nothing(void **state)
{
    enum { KEYS = 1 << 14 };
    static uint32_t known[KEYS];
    NW_CLEANUP(nw_model_keytable_free)
    struct nw_model_keytable *table = nw_model_keytable_new(hash_key, 1 << 20);
    struct nw_rng rng;
    nw_rng_init(&rng, 7);
    uint32_t distinct = 0;
    for (int i = 0; i < 4 * KEYS; i++) {
        uint64_t key = nw_rng_below(&rng, KEYS);
        char text[32];
        snprintf(text, sizeof text, "/item/%llu", (unsigned long long)key);
        uint32_t id = id_of(table, text);
        if (known[key] == 0)
            known[key] = ++distinct;
        assert_int_equal(id, known[key] - 1);
    }
    assert_int_equal(nw_model_keytable_count(table), distinct);
}

static void its_size_is_known_beforehand(void **state)
{
    for (uint64_t keys = 1; keys <= 3000; keys = keys * 3 / 2 + 1) {
        uint64_t most = nw_model_keytable_bytes_for(keys);
        NW_CLEANUP(nw_model_keytable_free)
        struct nw_model_keytable *table = nw_model_keytable_new(hash_key, most);
        for (uint64_t key = 0; key < keys; key++) {
            uint32_t id;
            assert_int_equal(nw_model_keytable_intern_u64(table, key, &id), NW_OK);
        }
        assert_true(nw_model_keytable_bytes(table) <= most);
        assert_true(most < 64 * keys + 4096);
    }
    assert_true(nw_model_keytable_bytes_for((uint64_t)NW_MODEL_KEYS_MAX + 1) == UINT64_MAX);
}

static void a_full_table_refuses_new_keys_and_answers_known_ones(void **state)
{
    NW_CLEANUP(nw_model_keytable_free)
    struct nw_model_keytable *table =
        nw_model_keytable_new(hash_key, nw_model_keytable_bytes_for(1000));
    nw_err err = NW_OK;
    uint32_t id = 0;
    uint64_t key = 0;
    for (; key < 100000 && err == NW_OK; key++)
        err = nw_model_keytable_intern_u64(table, key, &id);
    assert_int_equal(err, NW_NO_MEMORY);
    assert_true(key > 1000 && id == key - 2);
    assert_int_equal(nw_model_keytable_intern_u64(table, 5, &id), NW_OK);
    assert_int_equal(id, 5);
    assert_true(nw_model_keytable_bytes(table) <= nw_model_keytable_bytes_for(1000));
}

static void a_table_without_memory_takes_nothing(void **state)
{
    NW_CLEANUP(nw_model_keytable_free)
    struct nw_model_keytable *table = nw_model_keytable_new(hash_key, 0);
    uint32_t id = 9;
    assert_int_equal(nw_model_keytable_intern_u64(table, 1, &id), NW_NO_MEMORY);
    assert_int_equal(id, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_numbered_in_the_order_of_their_first_appearance),
        cmocka_unit_test(numbers_are_keys_whatever_their_value),
        cmocka_unit_test(a_growing_table_forgets_and_confuses_nothing),
        cmocka_unit_test(its_size_is_known_beforehand),
        cmocka_unit_test(a_full_table_refuses_new_keys_and_answers_known_ones),
        cmocka_unit_test(a_table_without_memory_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
