/* The contract of model/zipf.h; the whole reference trace is in cachesim_reference_test.c. */
#include "model/zipf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/random.h"

/* Drawn by another program: the first keys of the reference trace. */
static void the_reference_trace_begins_as_written(void **state)
{
    static const uint32_t keys[] = {13901, 1006, 2177, 157, 12798, 4, 2, 136};
    struct nw_model_invented what = {.exponent = 1, .key_count = 1000000, .seed = 1};
    struct nw_model_inventor inventor;
    assert_int_equal(nw_model_inventor_init(&inventor, &what), NW_OK);
    for (size_t i = 0; i < NW_COUNT(keys); i++)
        assert_int_equal(nw_model_inventor_next(&inventor), keys[i]);
    nw_model_inventor_done(&inventor);
}

/* The definition itself: the smallest i whose running sum exceeds u. */
static uint32_t rank_by_walking(double exponent, uint32_t key_count, uint64_t draw)
{
    double total = 0, sum = 0;
    for (uint32_t i = 1; i <= key_count; i++)
        total += pow(i, -exponent);
    double u = (double)(draw >> 11) * 0x1p-53 * total;
    for (uint32_t i = 1; i < key_count; i++) {
        sum += pow(i, -exponent);
        if (sum > u)
            return i;
    }
    return key_count;
}

static void a_draw_is_the_smallest_rank_whose_sum_exceeds_it(void **state)
{
    static const double exponents[] = {0, 0.7, 1.3, 10};
    static const uint32_t counts[] = {1, 2, 3, 64, 65, 333};
    for (size_t e = 0; e < NW_COUNT(exponents); e++)
        for (size_t c = 0; c < NW_COUNT(counts); c++) {
            struct nw_model_zipf law;
            assert_int_equal(nw_model_zipf_init(&law, exponents[e], counts[c]), NW_OK);
            struct nw_rng rng, same;
            nw_rng_init(&rng, 3);
            nw_rng_init(&same, 3);
            for (int i = 0; i < 200; i++)
                assert_int_equal(nw_model_zipf_draw(&law, &rng),
                                 rank_by_walking(exponents[e], counts[c], nw_rng_next(&same)));
            nw_model_zipf_done(&law);
        }
}

/* Two equal keys and a draw of exactly one half: the first sum does not exceed it. */
static void a_draw_on_the_border_belongs_to_the_rank_above(void **state)
{
    struct nw_model_zipf law;
    assert_int_equal(nw_model_zipf_init(&law, 0, 2), NW_OK);
    uint64_t turned = (1ull << 63) * 0x8e38e38e38e38e39ull; /* the generator's steps undone: x 9, */
    turned = (turned >> 7) | (turned << 57);                /* turn by 7, x 5 */
    struct nw_rng rng = {.state = {1, turned * 0xcccccccccccccccdull, 2, 3}}, same = rng;
    assert_true(nw_rng_next(&same) == 1ull << 63);
    assert_int_equal(nw_model_zipf_draw(&law, &rng), 2);
    nw_model_zipf_done(&law);
}

static void shares_follow_the_law_and_add_to_1(void **state)
{
    struct nw_model_zipf law;
    assert_int_equal(nw_model_zipf_init(&law, 0.8, 1000), NW_OK);
    double sum = 0;
    for (uint32_t rank = 1; rank <= 1000; rank++)
        sum += nw_model_zipf_share(&law, rank);
    assert_true(fabs(sum - 1) < 1e-12);
    double ratio = nw_model_zipf_share(&law, 1) / nw_model_zipf_share(&law, 32);
    assert_true(fabs(ratio / pow(32, 0.8) - 1) < 1e-9);
    nw_model_zipf_done(&law);
}

static void a_law_out_of_bounds_is_refused(void **state)
{
    struct nw_model_zipf law;
    assert_int_equal(nw_model_zipf_init(&law, 1, 0), NW_INVALID);
    assert_int_equal(nw_model_zipf_init(&law, -0.1, 10), NW_INVALID);
    assert_int_equal(nw_model_zipf_init(&law, 10.1, 10), NW_INVALID);
    assert_int_equal(nw_model_zipf_init(&law, NAN, 10), NW_INVALID);
    assert_int_equal(nw_model_zipf_init(&law, INFINITY, 10), NW_INVALID);
    assert_int_equal(nw_model_zipf_init(&law, 1, UINT32_MAX), NW_INVALID);
}

/* With an exponent of 10 nearly all requests ask for rank 1, so its key can be watched moving. */
static void popularity_shifts_from_key_to_key(void **state)
{
    struct nw_model_invented what = {.exponent = 10, .key_count = 100, .seed = 5};
    what.shift_every = 20;
    what.shift_by = 30;
    struct nw_model_inventor inventor;
    assert_int_equal(nw_model_inventor_init(&inventor, &what), NW_OK);
    uint32_t count = 0;
    for (uint32_t epoch = 0; epoch < 400; epoch++)
        for (int i = 0; i < 20; i++)
            count += nw_model_inventor_next(&inventor) == (epoch * 30) % 100 + 1;
    assert_in_range(count, 7950, 8000);
    nw_model_inventor_done(&inventor);
}

/* Same seed with and without: the requests that are not of a scan are the same ones in order. */
static void scans_go_between_and_leave_the_rest_as_it_was(void **state)
{
    struct nw_model_invented plain = {.exponent = 1, .key_count = 1000, .seed = 9};
    struct nw_model_invented mixed = plain;
    mixed.scan_share = 0.25;
    mixed.scan_keys = 300;
    struct nw_model_inventor a, b;
    assert_int_equal(nw_model_inventor_init(&a, &plain), NW_OK);
    assert_int_equal(nw_model_inventor_init(&b, &mixed), NW_OK);
    uint32_t scanned = 0;
    for (int i = 0; i < 10000; i++) {
        uint32_t key = nw_model_inventor_next(&b);
        if (key > 1000)
            assert_int_equal(key, 1001 + scanned++ % 300);
        else
            assert_int_equal(key, nw_model_inventor_next(&a));
    }
    assert_in_range(scanned, 2370, 2630); /* 3 deviations */
    nw_model_inventor_done(&a);
    nw_model_inventor_done(&b);
}

static void a_key_keeps_its_size_and_the_mean_is_as_asked(void **state)
{
    struct nw_model_invented what = {.exponent = 0.5, .key_count = 20000, .seed = 2};
    what.size_mean = 5000;
    what.size_cv = 1;
    struct nw_model_inventor inventor;
    assert_int_equal(nw_model_inventor_init(&inventor, &what), NW_OK);
    double sum = 0;
    for (uint32_t key = 1; key <= 20000; key++) {
        uint32_t size = nw_model_inventor_size(&inventor, key);
        assert_int_equal(size, nw_model_inventor_size(&inventor, key));
        sum += size;
    }
    assert_true(fabs(sum / 20000 - 5000) < 3 * 5000 / sqrt(20000));
    nw_model_inventor_done(&inventor);
}

/* Renumbering by first appearance must not change which requests are equal. */
static void an_invented_trace_is_the_inventors_keys_interned(void **state)
{
    struct nw_model_invented what = {.exponent = 0.9, .key_count = 500, .seed = 4};
    what.request_count = 5000;
    what.size_mean = 100;
    what.size_cv = 2;
    what.rate_per_s = 50;
    struct nw_model_trace trace;
    assert_int_equal(nw_model_invent(&what, 1 << 20, NULL, &trace), NW_OK);
    assert_int_equal(trace.request_count, 5000);
    assert_true(trace.rate_per_s == 50);
    struct nw_model_inventor inventor;
    assert_int_equal(nw_model_inventor_init(&inventor, &what), NW_OK);
    uint32_t ids[501] = {0}, distinct = 0;
    for (int i = 0; i < 5000; i++) {
        uint32_t key = nw_model_inventor_next(&inventor);
        if (ids[key] == 0)
            ids[key] = ++distinct;
        assert_int_equal(trace.ids[i], ids[key] - 1);
        assert_int_equal(trace.sizes[i], nw_model_inventor_size(&inventor, key));
    }
    assert_int_equal(trace.key_count, distinct);
    nw_model_inventor_done(&inventor);
    nw_model_trace_done(&trace);
}

static void an_invention_out_of_bounds_is_refused(void **state)
{
    const struct nw_model_invented good = {.exponent = 1, .key_count = 10, .request_count = 10};
    struct nw_model_invented bad[9];
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        bad[i] = good;
    bad[0].key_count = 0;
    bad[1].exponent = -1;
    bad[2].request_count = 1ull << 40;
    bad[3].scan_share = 0.5; /* of no keys */
    bad[4].scan_share = 1.5;
    bad[5].scan_share = NAN;
    bad[6].size_cv = -1;
    bad[7].rate_per_s = INFINITY;
    bad[8].scan_keys = UINT32_MAX;
    struct nw_model_trace trace;
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        assert_int_equal(nw_model_invent(&bad[i], UINT64_MAX, NULL, &trace), NW_INVALID);
    assert_int_equal(nw_model_invent(&good, 1 << 20, NULL, &trace), NW_OK);
    nw_model_trace_done(&trace);
}

static void too_little_memory_is_refused_beforehand(void **state)
{
    struct nw_model_invented what = {.exponent = 1, .key_count = 100, .request_count = 1000};
    struct nw_model_trace trace;
    uint64_t need = nw_model_invent_bytes_for(&what);
    assert_int_equal(nw_model_invent(&what, need - 1, NULL, &trace), NW_NO_MEMORY);
    assert_int_equal(nw_model_invent(&what, need, NULL, &trace), NW_OK);
    nw_model_trace_done(&trace);
}

static void a_stopped_invention_ends_early(void **state)
{
    struct nw_model_invented what = {.exponent = 1, .key_count = 100, .request_count = 1000};
    struct nw_model_trace trace;
    int stop = 1;
    assert_int_equal(nw_model_invent(&what, 1 << 20, &stop, &trace), NW_OK);
    assert_int_equal(trace.request_count, 0);
    nw_model_trace_done(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_trace_begins_as_written),
        cmocka_unit_test(a_draw_is_the_smallest_rank_whose_sum_exceeds_it),
        cmocka_unit_test(a_draw_on_the_border_belongs_to_the_rank_above),
        cmocka_unit_test(shares_follow_the_law_and_add_to_1),
        cmocka_unit_test(a_law_out_of_bounds_is_refused),
        cmocka_unit_test(popularity_shifts_from_key_to_key),
        cmocka_unit_test(scans_go_between_and_leave_the_rest_as_it_was),
        cmocka_unit_test(a_key_keeps_its_size_and_the_mean_is_as_asked),
        cmocka_unit_test(an_invented_trace_is_the_inventors_keys_interned),
        cmocka_unit_test(an_invention_out_of_bounds_is_refused),
        cmocka_unit_test(too_little_memory_is_refused_beforehand),
        cmocka_unit_test(a_stopped_invention_ends_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
