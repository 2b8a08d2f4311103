/* The contract of model/firsts.h, against the same counts from a table of each key's last use. */
#include "model/firsts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"

enum { SPANS = NW_MODEL_FIRSTS_SPANS, KEYS = 200000, REQUESTS = 1000000 };

/* Small ranks are frequent: the square of an even number. */
static uint32_t draw(struct nw_rng *rng)
{
    double u = (double)(nw_rng_next(rng) >> 11) * 0x1p-53;
    return (uint32_t)(u * u * KEYS);
}

static uint64_t hash_of(uint32_t key)
{
    return (key + 1) * 0x9e3779b97f4a7c15ull;
}

static void firsts_are_estimated_within_1_percent(void **state)
{
    char *memory = nw_alloc_zero(nw_model_firsts_bytes());
    uint32_t *used = nw_alloc_array(KEYS, sizeof *used);
    struct nw_model_firsts firsts;
    struct nw_rng rng;
    double truth[SPANS + 1] = {0};
    nw_model_firsts_init(&firsts, memory);
    nw_rng_init(&rng, 1);
    for (int i = 0; i < REQUESTS; i++) {
        uint32_t key = draw(&rng);
        int depth = nw_model_firsts_depth(&firsts, used[key]);
        for (int span = 1; span <= depth; span++)
            truth[span]++;
        used[key] = firsts.now;
        nw_model_firsts_use(&firsts, hash_of(key), 1);
    }
    for (int span = 1; span <= SPANS; span++) {
        assert_true(truth[span] > KEYS / 2);
        assert_true(fabs(nw_model_firsts_at_least(&firsts, span) / truth[span] - 1) < 0.01);
    }
    assert_true(nw_model_firsts_at_least(&firsts, SPANS + 1) == 0);
    nw_model_firsts_halve(&firsts);
    assert_true(nw_model_firsts_at_least(&firsts, 1) < 0.51 * truth[1]);
    nw_free(used);
    nw_free(memory);
}

static void firsts_of_known_keys_are_exact(void **state)
{
    char *memory = nw_alloc_zero(nw_model_firsts_bytes());
    struct nw_model_firsts firsts;
    nw_model_firsts_init(&firsts, memory);
    assert_int_equal(nw_model_firsts_depth(&firsts, 0), SPANS);
    nw_model_firsts_use_known(&firsts, hash_of(1), SPANS, 2);
    nw_model_firsts_use_known(&firsts, hash_of(2), 1, 3);
    assert_int_equal(nw_model_firsts_depth(&firsts, 1), 0);
    assert_true(nw_model_firsts_at_least(&firsts, 1) == 5);
    assert_true(nw_model_firsts_at_least(&firsts, 2) == 2);
    nw_model_firsts_use(&firsts, hash_of(1), 7); /* its bits are set */
    assert_true(nw_model_firsts_at_least(&firsts, 1) == 5);
    nw_free(memory);
}

/* A use that is forgotten ends all spans that reach back to it; one from before them does not. */
static void no_span_reaches_back_to_what_is_forgotten(void **state)
{
    char *memory = nw_alloc_zero(nw_model_firsts_bytes());
    struct nw_model_firsts firsts;
    nw_model_firsts_init(&firsts, memory);
    uint32_t first = firsts.now;
    nw_model_firsts_use(&firsts, hash_of(1), 1);
    nw_model_firsts_forget(&firsts, 0);
    assert_int_equal(nw_model_firsts_depth(&firsts, first), 0);
    nw_model_firsts_forget(&firsts, first);
    assert_int_equal(nw_model_firsts_depth(&firsts, first), SPANS);
    nw_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firsts_are_estimated_within_1_percent),
        cmocka_unit_test(firsts_of_known_keys_are_exact),
        cmocka_unit_test(no_span_reaches_back_to_what_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
