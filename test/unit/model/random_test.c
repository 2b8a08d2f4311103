/* The contract of model/random.h. */
#include "model/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The trace of a seed is the plain generator's: its first words are those of nw_rng_init. */
static void the_trace_is_the_seed_itself(void **state)
{
    struct nw_rng plain, stream;
    nw_rng_init(&plain, 1);
    nw_model_stream_init(&stream, 1, NW_MODEL_TRACE, 0);
    assert_memory_equal(&plain.state, &stream.state, sizeof plain.state);
}

static void purposes_entities_and_seeds_each_give_another_stream(void **state)
{
    struct nw_rng streams[5];
    nw_model_stream_init(&streams[0], 1, NW_MODEL_ARRIVALS, 0);
    nw_model_stream_init(&streams[1], 1, NW_MODEL_ARRIVALS, 1);
    nw_model_stream_init(&streams[2], 1, NW_MODEL_SERVICE, 0);
    nw_model_stream_init(&streams[3], 2, NW_MODEL_ARRIVALS, 0);
    nw_model_stream_init(&streams[4], 1, NW_MODEL_TRACE, 1);
    for (size_t a = 0; a < NW_COUNT(streams); a++)
        for (size_t b = a + 1; b < NW_COUNT(streams); b++)
            assert_true(streams[a].state[0] != streams[b].state[0]);
}

static void the_normal_has_mean_0_and_deviation_1(void **state)
{
    struct nw_rng rng;
    double sum = 0, squares = 0;
    nw_model_stream_init(&rng, 7, NW_MODEL_NOISE, 0);
    for (int i = 0; i < 100000; i++) {
        double x = nw_model_draw_normal(&rng);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 1e5) < 5 / sqrt(1e5)); /* five standard errors */
    assert_true(fabs(squares / 1e5 - 1) < 5 * sqrt(2 / 1e5));
}

static void the_lognormal_has_the_mean_and_spread_asked_for(void **state)
{
    struct nw_rng rng;
    double sum = 0, squares = 0;
    nw_model_stream_init(&rng, 8, NW_MODEL_SERVICE, 0);
    for (int i = 0; i < 200000; i++) {
        double x = nw_model_draw_lognormal(&rng, 5, 0.5);
        sum += x;
        squares += x * x;
    }
    double mean = sum / 2e5, cv = sqrt(squares / 2e5 - mean * mean) / mean;
    assert_true(fabs(mean / 5 - 1) < 0.01);
    assert_true(fabs(cv / 0.5 - 1) < 0.03);
    assert_true(nw_model_draw_lognormal(&rng, 5, 0) == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trace_is_the_seed_itself),
        cmocka_unit_test(purposes_entities_and_seeds_each_give_another_stream),
        cmocka_unit_test(the_normal_has_mean_0_and_deviation_1),
        cmocka_unit_test(the_lognormal_has_the_mean_and_spread_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
