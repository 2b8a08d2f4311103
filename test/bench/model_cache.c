/*
 * Rows of `make bench-model`: the reference trace (Zipf 1.0 over a million keys, ten million
 * requests, interned) through each policy with 100,000 entries, beside a bare pass over the trace
 * that keeps one word for each key: the least that any simulation does. Then curves and interning.
 */
#include "model_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/cachesim.h"
#include "model/mrc.h"
#include "model/zipf.h"

struct play {
    struct nw_model_trace trace;
    struct nw_model_cache_job job;
    uint32_t *last;   /* by id: the last request + 1 */
    char (*keys)[16]; /* by id: as a trace file would name it */
};

static struct play *play_open(const struct nw_model_invented *what)
{
    struct play *play = nw_alloc_zero(sizeof *play);
    if (nw_model_invent(what, 1ull << 30, NULL, &play->trace) != NW_OK)
        abort();
    play->job = (struct nw_model_cache_job){.capacity = 100000};
    return play;
}

static struct play *reference_open(void)
{
    return play_open(&(struct nw_model_invented){
        .exponent = 1, .key_count = 1000000, .request_count = 10000000, .seed = 1});
}

static void play_close(void *state)
{
    struct play *play = state;
    nw_model_trace_done(&play->trace);
    nw_free(play->last);
    nw_free(play->keys);
    nw_free(play);
}

static void *bare_open(void)
{
    struct play *play = reference_open();
    play->last = nw_alloc_array(play->trace.key_count, sizeof *play->last);
    return play;
}

static uint64_t bare_run(void *state, uint64_t turns)
{
    struct play *play = state;
    uint64_t count = play->trace.request_count, again = 0;
    const uint32_t *ids = play->trace.ids;
    uint32_t *last = play->last;
    for (uint64_t turn = 0; turn < turns; turn++)
        for (uint64_t i = 0; i < count; i++) {
            again += last[ids[i]] != 0;
            last[ids[i]] = (uint32_t)(i + 1);
        }
    nw_bench_keep((double)again);
    return turns * count;
}

static uint64_t policy_run(void *state, uint64_t turns)
{
    struct play *play = state;
    for (uint64_t turn = 0; turn < turns; turn++) {
        struct nw_model_cache_counts counts;
        if (nw_model_cachesim_run(&play->trace, &play->job, NULL, &counts) != NW_OK)
            abort();
        nw_bench_keep((double)counts.hit_count);
    }
    return turns * play->trace.request_count;
}

/* Two sizes: what is asked at the end costs little beside the requests. */
static const uint64_t sizes[] = {10000, 100000};

static uint64_t exact_run(void *state, uint64_t turns)
{
    struct play *play = state;
    for (uint64_t turn = 0; turn < turns; turn++) {
        double ratios[NW_COUNT(sizes)];
        uint64_t played;
        if (nw_model_mrc_exact(&play->trace, sizes, NW_COUNT(sizes), NULL, ratios, &played) !=
            NW_OK)
            abort();
        nw_bench_keep(ratios[0]);
    }
    return turns * play->trace.request_count;
}

static uint64_t estimate_run(void *state, uint64_t turns)
{
    struct play *play = state;
    for (uint64_t turn = 0; turn < turns; turn++) {
        double ratios[NW_COUNT(sizes)];
        uint64_t played;
        if (nw_model_mrc_estimate(&play->trace, 0, sizes, NW_COUNT(sizes), NULL, ratios, &played) !=
            NW_OK)
            abort();
        nw_bench_keep(ratios[0]);
    }
    return turns * play->trace.request_count;
}

static void *small_site_open(void)
{
    return play_open(&(struct nw_model_invented){
        .exponent = 0.9, .key_count = 40000, .request_count = 76000, .seed = 1});
}

static void *curve_open(void)
{
    return reference_open();
}

static void *intern_open(void)
{
    struct play *play = reference_open();
    play->keys = nw_alloc_array(play->trace.key_count, sizeof *play->keys);
    for (uint32_t id = 0; id < play->trace.key_count; id++)
        snprintf(play->keys[id], sizeof *play->keys, "/item/%u", id);
    return play;
}

static uint64_t intern_run(void *state, uint64_t turns)
{
    struct play *play = state;
    uint64_t sum = 0;
    for (uint64_t turn = 0; turn < turns; turn++) {
        struct nw_model_keytable *table =
            nw_model_keytable_new((struct nw_hash_key){1, 2}, 1ull << 30);
        for (uint64_t i = 0; i < play->trace.request_count; i++) {
            uint32_t id;
            const char *key = play->keys[play->trace.ids[i]];
            if (nw_model_keytable_intern(table, nw_slice_str(key), &id) != NW_OK)
                abort();
            sum += id;
        }
        nw_model_keytable_free(table);
    }
    nw_bench_keep((double)sum);
    return turns * play->trace.request_count;
}

static uint64_t invent_run(void *state, uint64_t turns)
{
    for (uint64_t turn = 0; turn < turns; turn++)
        play_close(reference_open());
    return turns * 10000000;
}

#define OPEN(which)                                                                                \
    static void *open_##which(void)                                                                \
    {                                                                                              \
        struct play *play = reference_open();                                                      \
        play->job.policy = NW_MODEL_##which;                                                       \
        return play;                                                                               \
    }
OPEN(FIFO)
OPEN(LRU)
OPEN(CLOCK)
OPEN(SIEVE)
OPEN(S3FIFO)
OPEN(TINYLFU)

#define POLICY(title, text, times, other, opener)                                                  \
    {                                                                                              \
        .name = title, .what = text, .unit = "M requests/s", .scale = 1e6, .expected = times,      \
        .against = other, .open = opener, .run = policy_run, .close = play_close                   \
    }
#define CURVE(title, text, bound, opener, runner)                                                  \
    {                                                                                              \
        .name = title, .what = text, .unit = "ns/request", .scale = 1e-9, .is_time = true,         \
        .expected = bound, .open = opener, .run = runner, .close = play_close                      \
    }

const struct nw_bench_row nw_bench_cache_rows[] = {
    {"cache-bare", "a word for each key, nothing else", "M requests/s", 1e6, false, 0, NULL,
     bare_open, bare_run, play_close},
    POLICY("cache-fifo", "reference trace, 100,000 entries", 0, NULL, open_FIFO),
    POLICY("cache-lru", "the same", 0.25, "cache-bare", open_LRU),
    POLICY("cache-clock", "the same", 0, NULL, open_CLOCK),
    POLICY("cache-sieve", "the same", 0.25, "cache-bare", open_SIEVE),
    POLICY("cache-s3-fifo", "the same", 0.15, "cache-bare", open_S3FIFO),
    POLICY("cache-w-tinylfu", "the same", 0, NULL, open_TINYLFU),
    CURVE("curve-exact", "all sizes, reference trace", 0, curve_open, exact_run),
    CURVE("curve-8192", "8,192 keys, reference trace", 40, curve_open, estimate_run),
    CURVE("curve-8192-small", "a site of 20,000 keys", 40, small_site_open, estimate_run),
    CURVE("intern", "keys of a dozen letters", 0, intern_open, intern_run),
    {"invent", "the reference trace", "M requests/s", 1e6, false, 0, NULL, NULL, invent_run, NULL},
    {0},
};
