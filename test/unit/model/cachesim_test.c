/* The contract of model/cachesim.h and policy.h, against lists of cards (cache_oracle.h). */
#include "model/cachesim.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/rng.h"
#include "cache_oracle.h"

/* -- traces ------------------------------------------------------------------------------------ */

/* A letter is a key, a digit after it its size, a `+` that a second passes. */
static struct nw_model_trace spelled(const char *text, bool has_sizes, bool has_times)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, has_sizes, has_times, 0, 1 << 20);
    uint32_t ids[256] = {0};
    uint64_t now_us = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '+')
            now_us += 1000000;
        if (*at < 'a' || *at > 'z')
            continue;
        if (ids[(unsigned char)*at] == 0)
            ids[(unsigned char)*at] = trace.key_count + 1;
        uint64_t size = at[1] >= '0' && at[1] <= '9' ? (uint64_t)(at[1] - '0') : 1;
        assert_int_equal(nw_model_trace_add(&trace, ids[(unsigned char)*at] - 1, size, now_us),
                         NW_OK);
    }
    return trace;
}

/* Skewed keys (the smaller of two draws), sizes that change, time that sometimes runs back. */
static struct nw_model_trace random_trace(uint64_t seed, uint32_t keys, uint32_t requests)
{
    struct nw_model_trace trace;
    struct nw_rng rng;
    nw_rng_init(&rng, seed);
    nw_model_trace_init(&trace, true, true, 0, 1 << 20);
    uint32_t ids[ORACLE_KEYS] = {0};
    uint64_t now_us = 1000;
    for (uint32_t i = 0; i < requests; i++) {
        uint64_t a = nw_rng_below(&rng, keys), b = nw_rng_below(&rng, keys), key = a < b ? a : b;
        if (ids[key] == 0)
            ids[key] = trace.key_count + 1;
        uint64_t size = nw_rng_below(&rng, 10) == 0 ? nw_rng_below(&rng, 200) : key % 7;
        now_us += nw_rng_below(&rng, 20);
        uint64_t back_us = nw_rng_below(&rng, 8) == 0 ? 30 : 0;
        assert_int_equal(nw_model_trace_add(&trace, ids[key] - 1, size, now_us - back_us), NW_OK);
    }
    return trace;
}

static struct nw_model_cache_counts play(const struct nw_model_trace *trace,
                                         const struct nw_model_cache_job *job)
{
    struct nw_model_cache_counts counts;
    assert_int_equal(nw_model_cachesim_run(trace, job, NULL, &counts), NW_OK);
    return counts;
}

static void assert_same_counts(const struct nw_model_cache_counts *a,
                               const struct nw_model_cache_counts *b)
{
    assert_int_equal(a->played_count, b->played_count);
    assert_int_equal(a->request_count, b->request_count);
    assert_int_equal(a->hit_count, b->hit_count);
    assert_int_equal(a->bypassed_count, b->bypassed_count);
    assert_int_equal(a->cold_count, b->cold_count);
    assert_int_equal(a->expired_count, b->expired_count);
    assert_int_equal(a->capacity_count, b->capacity_count);
    assert_int_equal(a->request_bytes, b->request_bytes);
    assert_int_equal(a->hit_bytes, b->hit_bytes);
    assert_int_equal(a->entry_count, b->entry_count);
    assert_int_equal(a->used, b->used);
}

/* -- the oracle -------------------------------------------------------------------------------- */

/* The same measure of the sketch as the simulator's: entries of mean size, at most the keys. */
static uint64_t entries_expected(const struct nw_model_trace *trace,
                                 const struct nw_model_cache_job *job)
{
    double entries = (double)job->capacity, each = 1;
    if (job->is_in_bytes)
        each = nw_model_trace_size_mean(trace) + job->overhead_bytes;
    entries = each > 1 ? entries / each : entries;
    entries = entries < trace->key_count ? entries : trace->key_count;
    return entries >= 1 ? (uint64_t)entries : 1;
}

static void compare_with_cards(const struct nw_model_trace *trace,
                               const struct nw_model_cache_job *job)
{
    static struct oracle oracle;
    oracle_init(&oracle, trace, job, entries_expected(trace, job));
    for (uint64_t at = 0; at < trace->request_count; at++)
        oracle_play(&oracle, at);
    oracle_finish(&oracle);
    struct nw_model_cache_counts counts = play(trace, job);
    assert_same_counts(&counts, &oracle.counts);
}

static void compare_all(bool is_in_bytes, bool has_ttl, uint64_t capacity_max)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 11 + is_in_bytes * 2 + has_ttl);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint32_t keys = 2 + (uint32_t)nw_rng_below(&rng, ORACLE_KEYS - 2);
        struct nw_model_trace trace = random_trace(seed, keys, 700);
        for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
            struct nw_model_cache_job job = {.policy = (nw_model_policy)policy};
            job.is_in_bytes = is_in_bytes;
            job.capacity = 1 + nw_rng_below(&rng, capacity_max);
            job.ttl_us = has_ttl ? 1 + nw_rng_below(&rng, 2000) : 0;
            job.overhead_bytes = is_in_bytes ? (uint32_t)nw_rng_below(&rng, 4) : 0;
            compare_with_cards(&trace, &job);
        }
        nw_model_trace_done(&trace);
    }
}

static void in_objects_each_policy_is_its_list_of_cards(void **state)
{
    compare_all(false, false, ORACLE_KEYS);
}

static void with_a_time_to_live_too(void **state)
{
    compare_all(false, true, ORACLE_KEYS);
}

static void in_bytes_too(void **state)
{
    compare_all(true, false, 300);
}

static void in_bytes_with_a_time_to_live_too(void **state)
{
    compare_all(true, true, 300);
}

/* Objects are bytes when each weighs one: the plain and the general loop, from one text. */
static void the_plain_and_the_general_loop_agree(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct nw_model_trace trace = random_trace(seed, ORACLE_KEYS, 3000);
        for (uint64_t i = 0; i < trace.request_count; i++)
            trace.sizes[i] = 1;
        for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
            struct nw_model_cache_job plain = {.policy = (nw_model_policy)policy};
            plain.capacity = 1 + seed * 2;
            struct nw_model_cache_job bytes = plain, ttl = plain;
            bytes.is_in_bytes = true;
            ttl.ttl_us = UINT64_MAX;
            struct nw_model_cache_counts a = play(&trace, &plain), b = play(&trace, &bytes),
                                         c = play(&trace, &ttl);
            assert_true(a.capacity_count > 0);
            assert_same_counts(&a, &b);
            assert_same_counts(&a, &c);
        }
        nw_model_trace_done(&trace);
    }
}

enum { LARGE = 4096, BLOCKY_REQUESTS = 60000 };

/* A loop over about as many keys as fit; at `more` of 100 moments a new key. */
static uint32_t id_in_a_loop(struct nw_rng *rng, uint32_t i, uint32_t more, uint32_t *seen)
{
    uint32_t loop = LARGE - 40 + more * 10;
    bool is_new = i < loop || nw_rng_below(rng, 100) < more;
    uint32_t near = (uint32_t)nw_rng_below(rng, more < 6 ? 1 : 50);
    return is_new ? (*seen)++ : (i + near) % loop;
}

/* New keys, and between them those that are next to go. */
static uint32_t id_at_the_tail(struct nw_rng *rng, uint32_t more, uint32_t *seen)
{
    bool is_new = *seen < LARGE + 100 || nw_rng_below(rng, 100) >= more;
    uint32_t near = (uint32_t)nw_rng_below(rng, 90);
    return is_new ? (*seen)++ : *seen - LARGE + near;
}

/*
 * A large LRU cache is played in blocks of requests, with sizes one by one. Both kinds of trace ask
 * again and again for what is about to go, which blocks cannot do.
 */
static void blocks_of_requests_are_requests_one_by_one(void **state)
{
    uint64_t hits = 0, evicted = 0;
    for (uint32_t round = 0; round < 24; round++) {
        struct nw_model_trace blocks, singles;
        struct nw_rng rng;
        nw_rng_init(&rng, round);
        nw_model_trace_init(&blocks, false, false, BLOCKY_REQUESTS, 1 << 20);
        nw_model_trace_init(&singles, true, false, BLOCKY_REQUESTS, 1 << 20);
        for (uint32_t i = 0, seen = 0; i < BLOCKY_REQUESTS; i++) {
            uint32_t id = round < 12 ? id_in_a_loop(&rng, i, round, &seen)
                                     : id_at_the_tail(&rng, round - 11, &seen);
            assert_int_equal(nw_model_trace_add(&blocks, id, 1, 0), NW_OK);
            assert_int_equal(nw_model_trace_add(&singles, id, 1, 0), NW_OK);
        }
        struct nw_model_cache_job job = {.policy = NW_MODEL_LRU, .capacity = LARGE};
        job.warmup_requests = 777;
        struct nw_model_cache_counts a = play(&blocks, &job), b = play(&singles, &job);
        hits += a.hit_count;
        evicted += a.capacity_count;
        b.request_bytes = b.hit_bytes = 0;
        assert_same_counts(&a, &b);
        nw_model_trace_done(&blocks);
        nw_model_trace_done(&singles);
    }
    assert_true(hits > 100000 && evicted > 100000);
}

/* -- traps ------------------------------------------------------------------------------------- */

/* Hits of each request as a string of 0 and 1, by playing ever longer beginnings. */
static void assert_hits(struct nw_model_trace trace, struct nw_model_cache_job job,
                        const char *expected)
{
    uint64_t count = trace.request_count, before = 0;
    char hits[128] = {0};
    for (uint64_t i = 1; i <= count; i++) {
        trace.request_count = i;
        struct nw_model_cache_counts counts = play(&trace, &job);
        hits[i - 1] = counts.hit_count > before ? '1' : '0';
        before = counts.hit_count;
    }
    assert_string_equal(hits, expected);
    trace.request_count = count;
    nw_model_trace_done(&trace);
}

static void a_first_in_leaves_first_however_often_used(void **state)
{
    struct nw_model_cache_job job = {.policy = NW_MODEL_FIFO, .capacity = 2};
    assert_hits(spelled("abaaca", false, false), job, "001100");
    job.policy = NW_MODEL_LRU;
    assert_hits(spelled("abaaca", false, false), job, "001101");
}

/* a is used and expires; filled again it has no bit: the elder of two, it goes when c comes. */
static void a_bit_does_not_outlive_its_entry(void **state)
{
    struct nw_model_cache_job job = {.policy = NW_MODEL_CLOCK, .capacity = 2, .ttl_us = 1000000};
    assert_hits(spelled("aa+abcba", false, true), job, "0100010");
    job.policy = NW_MODEL_SIEVE;
    assert_hits(spelled("aa+abcba", false, true), job, "0100010");
}

/* c clears a's bit and takes b, the head; the hand goes to the tail and takes a, not c, for d. */
static void the_hand_of_sieve_goes_from_the_head_to_the_tail(void **state)
{
    struct nw_model_cache_job job = {.policy = NW_MODEL_SIEVE, .capacity = 2};
    assert_hits(spelled("abacdc", false, false), job, "001001");
}

/*
 * d and c have expired: d has grown beyond the cache and is not filled again, so c, on which the
 * hand rests, is the head. c is filled again, and the hand must go to the tail: f takes a, not c.
 */
static void the_hand_of_sieve_does_not_wait_for_an_entry_that_expired(void **state)
{
    struct nw_model_cache_job job = {.policy = NW_MODEL_SIEVE, .capacity = 3, .ttl_us = 1000000};
    job.is_in_bytes = true;
    assert_hits(spelled("abcad+d9cefc", true, true), job, "0001000001");
}

/*
 * Small 2, main 18, 18 ghosts. Key 0 becomes a ghost and is asked for again: it enters main and is
 * a ghost no more, so the 18 ghosts after it cannot take it along when the oldest are forgotten.
 */
static void an_id_is_never_ghost_and_entry_at_once(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, false, false, 0, 1 << 20);
    for (uint32_t key = 0; key < 21; key++)
        assert_int_equal(nw_model_trace_add(&trace, key, 1, 0), NW_OK);
    assert_int_equal(nw_model_trace_add(&trace, 0, 1, 0), NW_OK);
    for (uint32_t key = 21; key < 40; key++)
        assert_int_equal(nw_model_trace_add(&trace, key, 1, 0), NW_OK);
    assert_int_equal(nw_model_trace_add(&trace, 0, 1, 0), NW_OK);
    struct nw_model_cache_job job = {.policy = NW_MODEL_S3FIFO, .capacity = 20};
    struct nw_model_cache_counts counts = play(&trace, &job);
    assert_int_equal(counts.hit_count, 1);
    assert_int_equal(counts.entry_count, 20);
    nw_model_trace_done(&trace);
}

static void time_to_live_counts_from_the_fill_not_from_the_last_use(void **state)
{
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        struct nw_model_cache_job job = {.policy = (nw_model_policy)policy, .capacity = 5};
        job.ttl_us = 2000000;
        assert_hits(spelled("a+a+a+a", false, true), job, "0101");
    }
}

/* -- the contract ------------------------------------------------------------------------------ */

static void each_miss_has_one_cause(void **state)
{
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        struct nw_model_cache_job job = {.policy = (nw_model_policy)policy, .capacity = 8};
        job.is_in_bytes = true;
        job.overhead_bytes = 1;
        job.ttl_us = 3000000;
        /* cold, larger than the cache, hit, expired, expired and larger */
        struct nw_model_trace trace = spelled("a4b9a4+++a4+++a8", true, true);
        struct nw_model_cache_counts counts = play(&trace, &job);
        assert_int_equal(counts.request_count, 5);
        assert_int_equal(counts.hit_count, 1);
        assert_int_equal(counts.bypassed_count, 2);
        assert_int_equal(counts.cold_count, 1);
        assert_int_equal(counts.expired_count, 1);
        assert_int_equal(counts.capacity_count, 0);
        assert_int_equal(counts.request_bytes, 4 + 9 + 4 + 4 + 8);
        assert_int_equal(counts.hit_bytes, 4);
        assert_int_equal(counts.entry_count, 0);
        assert_int_equal(counts.used, 0);
        nw_model_trace_done(&trace);
    }
}

static void overhead_takes_room_for_each_entry(void **state)
{
    struct nw_model_trace trace = spelled("a3b3a3b3", true, false);
    struct nw_model_cache_job job = {.policy = NW_MODEL_LRU, .is_in_bytes = true, .capacity = 8};
    job.overhead_bytes = 1;
    assert_int_equal(play(&trace, &job).hit_count, 2);
    assert_int_equal(play(&trace, &job).used, 8);
    job.overhead_bytes = 2;
    assert_int_equal(play(&trace, &job).hit_count, 0);
    assert_int_equal(play(&trace, &job).capacity_count, 2);
    nw_model_trace_done(&trace);
}

static void a_cache_for_all_keys_misses_each_once(void **state)
{
    struct nw_model_trace trace = random_trace(3, ORACLE_KEYS, 2000);
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        struct nw_model_cache_job job = {.policy = (nw_model_policy)policy};
        job.capacity = policy == NW_MODEL_TINYLFU ? 100 * ORACLE_KEYS : ORACLE_KEYS;
        struct nw_model_cache_counts counts = play(&trace, &job);
        assert_int_equal(nw_model_cache_misses(&counts), trace.key_count);
        assert_int_equal(counts.cold_count, trace.key_count);
    }
    nw_model_trace_done(&trace);
}

static void a_warm_up_is_played_but_not_counted(void **state)
{
    struct nw_model_trace trace = random_trace(4, ORACLE_KEYS, 1000);
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        struct nw_model_cache_job job = {.policy = (nw_model_policy)policy, .capacity = 90};
        job.is_in_bytes = true;
        job.ttl_us = 1500;
        struct nw_model_cache_counts whole = play(&trace, &job);
        trace.request_count = 300;
        struct nw_model_cache_counts first = play(&trace, &job);
        trace.request_count = 1000;
        job.warmup_requests = 300;
        struct nw_model_cache_counts rest = play(&trace, &job);
        assert_int_equal(rest.played_count, 1000);
        assert_int_equal(rest.request_count, 700);
        assert_int_equal(rest.hit_count, whole.hit_count - first.hit_count);
        assert_int_equal(rest.cold_count, whole.cold_count - first.cold_count);
        assert_int_equal(rest.expired_count, whole.expired_count - first.expired_count);
        assert_int_equal(rest.bypassed_count, whole.bypassed_count - first.bypassed_count);
        assert_int_equal(rest.capacity_count, whole.capacity_count - first.capacity_count);
        assert_int_equal(rest.hit_bytes, whole.hit_bytes - first.hit_bytes);
    }
    nw_model_trace_done(&trace);
}

static void a_warm_up_of_all_counts_nothing(void **state)
{
    struct nw_model_trace trace = random_trace(4, ORACLE_KEYS, 100);
    struct nw_model_cache_job job = {.policy = NW_MODEL_LRU, .capacity = 9};
    static const uint64_t warmups[] = {100, 101, UINT64_MAX};
    for (size_t i = 0; i < NW_COUNT(warmups); i++) {
        job.warmup_requests = warmups[i];
        struct nw_model_cache_counts counts = play(&trace, &job);
        assert_int_equal(counts.played_count, 100);
        assert_int_equal(counts.request_count, 0);
        assert_int_equal(counts.hit_count + counts.cold_count + counts.capacity_count, 0);
    }
    nw_model_trace_done(&trace);
}

static void a_stopped_job_counts_what_it_played(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, false, false, 0, 1 << 22);
    for (uint32_t i = 0; i < 3 * NW_MODEL_CACHE_STRETCH; i++)
        assert_int_equal(nw_model_trace_add(&trace, i % 100, 1, 0), NW_OK);
    struct nw_model_cache_job job = {.policy = NW_MODEL_SIEVE, .capacity = 50};
    int stop = 1;
    uint64_t played = 0;
    struct nw_model_cache_watch watch = {&stop, &played};
    struct nw_model_cache_counts stopped;
    assert_int_equal(nw_model_cachesim_run(&trace, &job, &watch, &stopped), NW_OK);
    assert_int_equal(stopped.played_count, NW_MODEL_CACHE_STRETCH);
    assert_int_equal(played, NW_MODEL_CACHE_STRETCH);
    trace.request_count = NW_MODEL_CACHE_STRETCH;
    struct nw_model_cache_counts shorter = play(&trace, &job);
    assert_same_counts(&stopped, &shorter);
    stop = 0;
    trace.request_count = 3 * NW_MODEL_CACHE_STRETCH;
    assert_int_equal(nw_model_cachesim_run(&trace, &job, &watch, &stopped), NW_OK);
    assert_int_equal(played, trace.request_count);
    nw_model_trace_done(&trace);
}

/* Four requests a second, once by rate and once by a column. */
static void a_rate_is_as_good_as_a_column_of_times(void **state)
{
    struct nw_model_trace by_rate, by_times;
    nw_model_trace_init(&by_rate, false, false, 0, 1 << 20);
    nw_model_trace_init(&by_times, false, true, 0, 1 << 20);
    by_rate.rate_per_s = 4;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t id = i < 20 ? i : i * i % 20;
        assert_int_equal(nw_model_trace_add(&by_rate, id, 1, 0), NW_OK);
        assert_int_equal(nw_model_trace_add(&by_times, id, 1, i * 250000ull), NW_OK);
    }
    struct nw_model_cache_job job = {.policy = NW_MODEL_LRU, .capacity = 10, .ttl_us = 3000000};
    struct nw_model_cache_counts a = play(&by_rate, &job), b = play(&by_times, &job);
    assert_true(a.expired_count > 0 && a.hit_count > 0);
    assert_same_counts(&a, &b);
    nw_model_trace_done(&by_rate);
    nw_model_trace_done(&by_times);
}

static void a_job_that_makes_no_sense_is_refused(void **state)
{
    struct nw_model_trace trace = spelled("abc", false, false);
    struct nw_model_cache_counts counts = {.hit_count = 77};
    struct nw_model_cache_job empty = {.policy = NW_MODEL_LRU};
    struct nw_model_cache_job sizeless = {.capacity = 10, .is_in_bytes = true};
    struct nw_model_cache_job timeless = {.capacity = 10, .ttl_us = 5};
    struct nw_model_cache_job nobody = {.capacity = 10, .policy = NW_MODEL_POLICY_COUNT};
    const struct nw_model_cache_job *const bad[] = {&empty, &sizeless, &timeless, &nobody};
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        assert_int_equal(nw_model_cachesim_run(&trace, bad[i], NULL, &counts), NW_INVALID);
        assert_true(nw_model_cachesim_bytes_for(&trace, bad[i]) == UINT64_MAX);
    }
    assert_int_equal(counts.hit_count, 77);
    nw_model_trace_done(&trace);
}

static void more_keys_than_can_be_simulated_are_refused(void **state)
{
    struct nw_model_trace trace = {.request_count = 1u << 31, .key_count = 1u << 31};
    struct nw_model_cache_job job = {.policy = NW_MODEL_SIEVE, .capacity = 5};
    struct nw_model_cache_counts counts;
    assert_int_equal(nw_model_cachesim_run(&trace, &job, NULL, &counts), NW_NO_MEMORY);
    assert_true(nw_model_cachesim_bytes_for(&trace, &job) == UINT64_MAX);
}

struct shared {
    const struct nw_model_trace *trace;
    struct nw_model_cache_job job;
    struct nw_model_cache_counts counts;
};

static void *play_shared(void *argument)
{
    struct shared *shared = argument;
    if (nw_model_cachesim_run(shared->trace, &shared->job, NULL, &shared->counts) != NW_OK)
        shared->counts.played_count = 0;
    return NULL;
}

/* All policies at once on one trace, as `sim cache` runs them; a sanitizer looks on. */
static void jobs_share_a_trace_and_nothing_else(void **state)
{
    struct nw_model_trace trace = random_trace(6, ORACLE_KEYS, 5000);
    struct shared shared[NW_MODEL_POLICY_COUNT];
    pthread_t threads[NW_MODEL_POLICY_COUNT];
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        shared[policy] = (struct shared){.trace = &trace};
        shared[policy].job.policy = (nw_model_policy)policy;
        shared[policy].job.capacity = 20;
        assert_int_equal(pthread_create(&threads[policy], NULL, play_shared, &shared[policy]), 0);
    }
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        assert_int_equal(pthread_join(threads[policy], NULL), 0);
        struct nw_model_cache_counts alone = play(&trace, &shared[policy].job);
        assert_same_counts(&alone, &shared[policy].counts);
    }
    nw_model_trace_done(&trace);
}

static void an_empty_trace_has_no_requests(void **state)
{
    struct nw_model_trace trace;
    nw_model_trace_init(&trace, true, true, 0, 1 << 20);
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        struct nw_model_cache_job job = {.policy = (nw_model_policy)policy, .capacity = 5};
        assert_int_equal(play(&trace, &job).request_count, 0);
        job.is_in_bytes = true;
        assert_int_equal(play(&trace, &job).request_count, 0);
    }
    nw_model_trace_done(&trace);
}

/* By key; of requests a bit each at most. */
static void memory_is_that_of_keys(void **state)
{
    struct nw_model_trace trace = {.request_count = 1000000, .key_count = 1000};
    for (int policy = 0; policy < NW_MODEL_POLICY_COUNT; policy++) {
        struct nw_model_cache_job job = {.policy = (nw_model_policy)policy, .capacity = 500};
        assert_in_range(nw_model_cachesim_bytes_for(&trace, &job), 1000, 1000000 / 8 + 16 * 1000);
    }
}

static void policies_are_found_by_name(void **state)
{
    static const char *const names[] = {"fifo", "lru", "clock", "sieve", "s3-fifo", "w-tinylfu"};
    nw_model_policy found = NW_MODEL_POLICY_COUNT;
    for (int i = 0; i < NW_MODEL_POLICY_COUNT; i++) {
        assert_string_equal(nw_model_policy_name((nw_model_policy)i), names[i]);
        assert_int_equal(nw_model_policy_find(nw_slice_str(names[i]), &found), NW_OK);
        assert_int_equal(found, i);
    }
    assert_int_equal(nw_model_policy_find(NW_SLICE("LRU"), &found), NW_NOT_FOUND);
    assert_int_equal(nw_model_policy_find(NW_SLICE(""), &found), NW_NOT_FOUND);
    assert_int_equal(found, NW_MODEL_TINYLFU);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_objects_each_policy_is_its_list_of_cards),
        cmocka_unit_test(with_a_time_to_live_too),
        cmocka_unit_test(in_bytes_too),
        cmocka_unit_test(in_bytes_with_a_time_to_live_too),
        cmocka_unit_test(the_plain_and_the_general_loop_agree),
        cmocka_unit_test(blocks_of_requests_are_requests_one_by_one),
        cmocka_unit_test(a_first_in_leaves_first_however_often_used),
        cmocka_unit_test(a_bit_does_not_outlive_its_entry),
        cmocka_unit_test(the_hand_of_sieve_goes_from_the_head_to_the_tail),
        cmocka_unit_test(the_hand_of_sieve_does_not_wait_for_an_entry_that_expired),
        cmocka_unit_test(an_id_is_never_ghost_and_entry_at_once),
        cmocka_unit_test(time_to_live_counts_from_the_fill_not_from_the_last_use),
        cmocka_unit_test(each_miss_has_one_cause),
        cmocka_unit_test(overhead_takes_room_for_each_entry),
        cmocka_unit_test(a_cache_for_all_keys_misses_each_once),
        cmocka_unit_test(a_warm_up_is_played_but_not_counted),
        cmocka_unit_test(a_warm_up_of_all_counts_nothing),
        cmocka_unit_test(a_stopped_job_counts_what_it_played),
        cmocka_unit_test(a_rate_is_as_good_as_a_column_of_times),
        cmocka_unit_test(a_job_that_makes_no_sense_is_refused),
        cmocka_unit_test(more_keys_than_can_be_simulated_are_refused),
        cmocka_unit_test(jobs_share_a_trace_and_nothing_else),
        cmocka_unit_test(an_empty_trace_has_no_requests),
        cmocka_unit_test(memory_is_that_of_keys),
        cmocka_unit_test(policies_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
