/* The contract of base/pool.h. */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/planted.h"

#if NW_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void the_last_one_back_is_the_first_one_out(void **state)
{
    struct nw_pool pool;
    nw_pool_init(&pool, 40, 10);
    void *a = nw_pool_try(&pool), *b = nw_pool_try(&pool);
    nw_pool_put(&pool, a);
    nw_pool_put(&pool, b);
    assert_ptr_equal(nw_pool_try(&pool), b);
    assert_ptr_equal(nw_pool_try(&pool), a);
    nw_pool_put(&pool, a);
    nw_pool_put(&pool, b);
    nw_pool_put(&pool, NULL);
    nw_pool_done(&pool);
}

static void the_maximum_holds_and_objects_do_not_overlap(void **state)
{
    enum { MAX = 3000 };
    static unsigned char *objects[MAX];
    struct nw_pool pool;
    nw_pool_init(&pool, 100, MAX);
    for (int i = 0; i < MAX; i++) {
        objects[i] = nw_pool_try_zero(&pool);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], i, 100);
    }
    assert_null(nw_pool_try(&pool));
    for (int i = 0; i < MAX; i++) {
        assert_int_equal(objects[i][0], (unsigned char)i);
        assert_int_equal(objects[i][99], (unsigned char)i);
        nw_pool_put(&pool, objects[i]);
    }
    assert_int_equal(pool.used_count, 0);
    nw_pool_done(&pool);
}

/* True when an object that was put back for later waits for the end of the turn. */
static bool rests(void)
{
    struct nw_pool pool;
    nw_pool_init(&pool, 16, 1);
    char *object = nw_pool_try(&pool);
    nw_pool_put_later(&pool, object);
    bool is_resting = nw_pool_try(&pool) == NULL;
    if (is_resting)
        object[0] = 'x'; /* an event of this turn may still look at it */
    nw_pool_end_turn(&pool);
    if (is_resting)
        assert_ptr_equal(nw_pool_try(&pool), object);
    nw_pool_drop(&pool);
    return is_resting;
}

static void a_resting_object_is_not_handed_out_before_the_turn_ends(void **state)
{
    assert_true(rests());
}

static void the_check_above_catches_a_pool_without_rest(void **state)
{
#if defined(NW_TEST_BUILD) && NW_TEST_BUILD
    assert_int_equal(nw_planted_init("pool_no_rest"), NW_OK);
    assert_false(rests());
    assert_int_equal(nw_planted_init(NULL), NW_OK);
#else
    assert_int_equal(nw_planted_init("pool_no_rest"), NW_NOT_FOUND);
#endif
}

static void a_free_object_is_poisoned(void **state)
{
#if NW_ASAN
    struct nw_pool pool;
    nw_pool_init(&pool, 24, 2);
    char *object = nw_pool_try(&pool);
    assert_false(__asan_address_is_poisoned(object + 23));
    nw_pool_put_later(&pool, object);
    assert_false(__asan_address_is_poisoned(object));
    nw_pool_end_turn(&pool);
    assert_true(__asan_address_is_poisoned(object));
    assert_true(__asan_address_is_poisoned(object + 23));
    nw_pool_done(&pool);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_back_is_the_first_one_out),
        cmocka_unit_test(the_maximum_holds_and_objects_do_not_overlap),
        cmocka_unit_test(a_resting_object_is_not_handed_out_before_the_turn_ends),
        cmocka_unit_test(the_check_above_catches_a_pool_without_rest),
        cmocka_unit_test(a_free_object_is_poisoned),
    };
    return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
