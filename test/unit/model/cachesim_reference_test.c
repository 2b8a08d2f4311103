/*
 * The policies against numbers from elsewhere, on the reference trace: ten million requests, Zipf
 * with exponent 1 over a million keys, seed 1, a cache of 100,000. Second sources: another
 * simulator's counts, and Che's approximation.
 */
#include "model/cachesim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "model/mrc.h"
#include "model/zipf.h"

enum { KEYS = 1000000, REQUESTS = 10000000, CAPACITY = 100000, WARMUP = 1000000 };

static struct nw_model_trace trace;

/* Makes the trace once and checks it on the way: FNV-1a over its keys as 32-bit little endian. */
static int make_trace(void **state)
{
    struct nw_model_invented what = {
        .exponent = 1, .key_count = KEYS, .request_count = REQUESTS, .seed = 1};
    struct nw_model_inventor inventor;
    if (nw_model_inventor_init(&inventor, &what) != NW_OK)
        return -1;
    uint32_t *ids = nw_alloc_array(KEYS + 1, sizeof *ids);
    uint64_t fnv = 0xcbf29ce484222325ull;
    nw_model_trace_init(&trace, false, false, REQUESTS, UINT64_MAX);
    for (int i = 0; i < REQUESTS; i++) {
        uint32_t key = nw_model_inventor_next(&inventor);
        for (int byte = 0; byte < 4; byte++)
            fnv = (fnv ^ ((key >> (8 * byte)) & 255)) * 0x100000001b3ull;
        if (ids[key] == 0)
            ids[key] = trace.key_count + 1;
        if (nw_model_trace_add(&trace, ids[key] - 1, 0, 0) != NW_OK)
            return -1;
    }
    nw_free(ids);
    nw_model_inventor_done(&inventor);
    return fnv == 0xea864249a83c81adull ? 0 : -1;
}

static int free_trace(void **state)
{
    nw_model_trace_done(&trace);
    return 0;
}

static struct nw_model_cache_counts play(nw_model_policy policy, uint64_t warmup)
{
    struct nw_model_cache_job job = {
        .policy = policy, .capacity = CAPACITY, .warmup_requests = warmup};
    struct nw_model_cache_counts counts;
    assert_int_equal(nw_model_cachesim_run(&trace, &job, NULL, &counts), NW_OK);
    assert_int_equal(counts.played_count, REQUESTS);
    assert_int_equal(counts.entry_count, CAPACITY);
    return counts;
}

static double miss_ratio(nw_model_policy policy, uint64_t warmup)
{
    struct nw_model_cache_counts counts = play(policy, warmup);
    return (double)nw_model_cache_misses(&counts) / (double)counts.request_count;
}

/* fact L12; make_trace has compared the checksum. */
static void fact_l12_the_trace_has_763036_distinct_keys(void **state)
{
    assert_int_equal(trace.key_count, 763036);
    struct nw_model_cache_counts counts = play(NW_MODEL_LRU, 0);
    assert_int_equal(counts.cold_count, 763036);
    assert_int_equal(counts.capacity_count, nw_model_cache_misses(&counts) - 763036);
}

static void fact_l12_exact_miss_counts(void **state)
{
    static const struct {
        nw_model_policy policy;
        uint64_t misses;
    } rows[] = {
        {NW_MODEL_FIFO, 2529208},
        {NW_MODEL_LRU, 2233064},
        {NW_MODEL_CLOCK, 2165854},
        {NW_MODEL_SIEVE, 1904175},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_model_cache_counts counts = play(rows[i].policy, 0);
        assert_int_equal(nw_model_cache_misses(&counts), rows[i].misses);
    }
}

static void fact_l12_s3_fifo_and_w_tinylfu_within_their_bounds(void **state)
{
    assert_true(fabs(miss_ratio(NW_MODEL_S3FIFO, 0) - .1884) <= .001);
    assert_true(fabs(miss_ratio(NW_MODEL_TINYLFU, 0) - .1875) <= .003);
}

/* The chance that a key with share p is in the cache, when entries stay for t requests. */
static double chance_in(nw_model_policy policy, double p, double t)
{
    return policy == NW_MODEL_LRU ? -expm1(-p * t) : p * t / (1 + p * t);
}

/* Che, Tung, Wang 2002: t such that the expected number of entries is the capacity. */
static double che_miss_ratio(nw_model_policy policy)
{
    double *shares = nw_alloc_array(KEYS, sizeof *shares), total = 0;
    for (int i = KEYS; i >= 1; i--)
        total += 1.0 / i;
    for (int i = 0; i < KEYS; i++)
        shares[i] = 1.0 / (i + 1) / total;
    double t = CAPACITY, hit = 0;
    for (int step = 0; step < 30; step++) {
        double entries = 0, slope = 0;
        hit = 0;
        for (int i = 0; i < KEYS; i++) {
            double p = shares[i], in = chance_in(policy, p, t), out = 1 - in;
            entries += in;
            hit += p * in;
            slope += policy == NW_MODEL_LRU ? p * out : p * out * out;
        }
        if (fabs(entries - CAPACITY) < 1e-6 * CAPACITY)
            break;
        t += (CAPACITY - entries) / slope; /* Newton; entries is concave in t */
    }
    nw_free(shares);
    return 1 - hit;
}

static void lru_and_fifo_agree_with_che_in_steady_state(void **state)
{
    double lru = che_miss_ratio(NW_MODEL_LRU), fifo = che_miss_ratio(NW_MODEL_FIFO);
    assert_true(fabs(lru - .2206) < .00005); /* solved elsewhere */
    assert_true(fabs(fifo - .2512) < .00005);
    assert_true(fabs(miss_ratio(NW_MODEL_LRU, WARMUP) - lru) <= .001);
    assert_true(fabs(miss_ratio(NW_MODEL_FIFO, WARMUP) - fifo) <= .001);
}

enum { SIZES = 50 };

static double mean_distance(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < SIZES; i++)
        sum += fabs(a[i] - b[i]) / SIZES;
    return sum;
}

/* As the live cache will: every key hashed with a secret. */
static void estimate_by_secret(uint64_t secret, const uint64_t *sizes, double *out)
{
    struct nw_hash_key key = {secret, ~secret};
    NW_CLEANUP(nw_model_mrc_free)
    struct nw_model_mrc *mrc = nw_model_mrc_new(&(struct nw_model_mrc_options){0});
    for (uint64_t i = 0; i < trace.request_count; i++) {
        struct nw_slice id = nw_slice_of((const char *)&trace.ids[i], sizeof trace.ids[i]);
        nw_model_mrc_add(mrc, nw_hash_sip13(&key, id), 0, 0);
    }
    nw_model_mrc_miss_ratios(mrc, sizes, SIZES, out);
}

/* 50 sizes, 2 % to 100 % of the keys. With a random hash the error depends on its luck. */
static void the_estimated_curve_is_within_3_in_1000(void **state)
{
    uint64_t sizes[SIZES], played = 0;
    double truth[SIZES], guess[SIZES];
    for (uint64_t i = 0; i < SIZES; i++)
        sizes[i] = trace.key_count * (i + 1) / SIZES;
    assert_int_equal(nw_model_mrc_exact(&trace, sizes, SIZES, NULL, truth, &played), NW_OK);
    assert_int_equal(nw_model_mrc_estimate(&trace, 0, sizes, SIZES, NULL, guess, &played), NW_OK);
    assert_true(mean_distance(truth, guess) <= 0.003);
    for (uint64_t secret = 1; secret <= 4; secret++) {
        estimate_by_secret(secret, sizes, guess);
        assert_true(mean_distance(truth, guess) <= 0.003);
    }
}

/* The exact curve and the simulation are two ways to one number. */
static void the_exact_curve_meets_the_simulation(void **state)
{
    uint64_t size = CAPACITY, played = 0;
    double ratio = 0;
    assert_int_equal(nw_model_mrc_exact(&trace, &size, 1, NULL, &ratio, &played), NW_OK);
    assert_true(ratio == 0.2233064);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_l12_the_trace_has_763036_distinct_keys),
        cmocka_unit_test(fact_l12_exact_miss_counts),
        cmocka_unit_test(fact_l12_s3_fifo_and_w_tinylfu_within_their_bounds),
        cmocka_unit_test(lru_and_fifo_agree_with_che_in_steady_state),
        cmocka_unit_test(the_estimated_curve_is_within_3_in_1000),
        cmocka_unit_test(the_exact_curve_meets_the_simulation),
    };
    return cmocka_run_group_tests(tests, make_trace, free_trace);
}
