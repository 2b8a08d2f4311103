/*
 * What the options of a cache scenario mean together. Every mistake is told at its own place before
 * anything is read or invented; what only the trace can tell (that it has no sizes) comes later.
 */
#include <math.h>

#include "cmd/sim_cache.h"

#include "base/assert.h"

/* Of whose words a list of texts is made. */
struct reading {
    const struct sim_cache_top *top;
    const char *name;
    struct nw_diag *diag;
    struct sim_cache_want *want;
    size_t mistakes;
};

#define BLAME(reading, option, hint, ...)                                                          \
    (nw_conf_block_blame((reading)->name, &(reading)->top->block, option, hint, (reading)->diag,   \
                         __VA_ARGS__),                                                             \
     (reading)->mistakes++)

static void read_policies(struct reading *r)
{
    struct sim_cache_want *want = r->want;
    struct nw_slice rest = {0}, word;
    bool is_named[NW_MODEL_POLICY_COUNT] = {false};
    for (size_t item = 0; nw_conf_words_next(&r->top->policy, &item, &rest, &word);) {
        nw_model_policy policy;
        if (nw_model_policy_find(word, &policy) != NW_OK) {
            BLAME(r, "policy", "fifo, lru, clock, sieve, s3-fifo or w-tinylfu",
                  "there is no policy `%.*s`", NW_SLICE_ARG(word));
        } else if (!is_named[policy]) {
            is_named[policy] = true;
            want->policies[want->policy_count++] = policy;
        }
    }
    if (r->top->policy.count > 0)
        return;
    for (unsigned i = 0; i < NW_MODEL_POLICY_COUNT; i++)
        want->policies[want->policy_count++] = (nw_model_policy)i;
}

static void read_sizes(struct reading *r, const struct nw_conf_strings *list, const char *option)
{
    struct sim_cache_want *want = r->want;
    struct nw_slice rest = {0}, word;
    for (size_t item = 0; nw_conf_words_next(list, &item, &rest, &word);) {
        struct nw_conf_share share = {0};
        struct nw_conf_why why = {0};
        if (want->size_count == SIM_CACHE_SIZES_MAX) {
            BLAME(r, option, NULL, "more than %d sizes", SIM_CACHE_SIZES_MAX);
            return;
        }
        if (nw_conf_value_share(word, want->is_in_bytes, &share, &why) != NW_OK)
            BLAME(r, option, why.hint, "`%.*s`: %s", NW_SLICE_ARG(word), why.sentence);
        else
            want->sizes[want->size_count++] = share;
    }
}

static void read_all_sizes(struct reading *r)
{
    const struct sim_cache_top *top = r->top;
    r->want->is_in_bytes = top->bytes.count > 0;
    if (top->bytes.count > 0 && top->size.count > 0)
        BLAME(r, "bytes", "choose one", "`size` counts objects and `bytes` counts bytes");
    if (top->overhead_bytes > 0 && top->bytes.count == 0)
        BLAME(r, "overhead", "add bytes", "counts with `bytes` only");
    if (top->bytes.count > 0) {
        read_sizes(r, &top->bytes, "bytes");
    } else if (top->size.count > 0) {
        read_sizes(r, &top->size, "size");
    } else {
        static const double defaults[] = {0.001, 0.01, 0.1};
        for (size_t i = 0; i < NW_COUNT(defaults); i++)
            r->want->sizes[r->want->size_count++] = (struct nw_conf_share){.ratio = defaults[i]};
    }
}

/* ---- where the requests come from ---- */

static void judge_recorded(struct reading *r)
{
    const struct sim_cache_top *top = r->top;
    const char *why;
    bool is_given[] = {SIM_CACHE_GIVEN(top, top, zipf),     SIM_CACHE_GIVEN(top, top, keys),
                       SIM_CACHE_GIVEN(top, top, requests), nw_conf_is_given(&top->shift.block),
                       nw_conf_is_given(&top->scan.block),  nw_conf_is_given(&top->object.block)};
    static const char *const names[] = {"zipf", "keys", "requests", "shift", "scan", "object"};
    for (size_t i = 0; i < NW_COUNT(names); i++)
        if (is_given[i])
            BLAME(r, names[i], NULL, "is of an invented trace; `trace` names a recorded one");
    if (top->columns.len > 0 &&
        nw_trace_columns_parse(top->columns, &r->want->columns, &why) != NW_OK)
        BLAME(r, "columns", NULL, "%s", why);
    if (top->columns.len > 0 && top->format != 0 && top->format != NW_TRACE_CSV + 1)
        BLAME(r, "columns", NULL, "only a CSV trace has columns");
}

static bool is_whole(double value)
{
    return value == floor(value);
}

static void judge_invented(struct reading *r)
{
    const struct sim_cache_top *top = r->top;
    static const char *const names[] = {"format", "columns", "skip_bad"};
    const bool is_given[] = {SIM_CACHE_GIVEN(top, top, format), SIM_CACHE_GIVEN(top, top, columns),
                             SIM_CACHE_GIVEN(top, top, skip_bad)};
    for (size_t i = 0; i < NW_COUNT(names); i++)
        if (is_given[i])
            BLAME(r, names[i], NULL, "is of a recorded trace; `zipf` invents one");
    if (!is_whole(top->keys))
        BLAME(r, "keys", NULL, "must be a whole number");
    if (!is_whole(top->requests))
        BLAME(r, "requests", NULL, "must be a whole number");
    if (nw_conf_is_given(&top->shift.block) &&
        !(is_whole(top->shift.by) && is_whole(top->shift.every)))
        BLAME(r, "shift", NULL, "must be whole numbers");
    if (nw_conf_is_given(&top->scan.block) && !is_whole(top->scan.keys))
        BLAME(r, "scan", NULL, "must walk a whole number of keys");
}

static void fill_invented(const struct sim_cache_top *top, struct sim_cache_want *want)
{
    bool has_scan = nw_conf_is_given(&top->scan.block);
    bool has_shift = nw_conf_is_given(&top->shift.block);
    bool has_sizes = nw_conf_is_given(&top->object.block);
    want->keys = top->keys + (has_scan ? top->scan.keys : 0);
    want->requests = top->requests;
    want->invented = (struct nw_model_invented){
        .exponent = top->zipf,
        .key_count = (uint32_t)nw_conf_whole(top->keys, UINT32_MAX),
        .request_count = nw_conf_whole(top->requests, UINT64_MAX),
        .seed = (uint64_t)top->seed,
        .shift_every = has_shift ? nw_conf_whole(top->shift.every, UINT64_MAX) : 0,
        .shift_by = has_shift ? (uint32_t)nw_conf_whole(top->shift.by, UINT32_MAX) : 0,
        .scan_share = has_scan ? top->scan.share_ratio : 0,
        .scan_keys = has_scan ? (uint32_t)nw_conf_whole(top->scan.keys, UINT32_MAX) : 0,
        .size_mean =
            has_sizes ? (uint32_t)nw_conf_whole((double)top->object.size_bytes, UINT32_MAX) : 0,
        .size_cv = has_sizes ? top->object.cv : 0,
        .rate_per_s = top->rate_per_s,
    };
}

static void judge_time(struct reading *r)
{
    const struct sim_cache_top *top = r->top;
    r->want->ttl_us = nw_conf_whole(round(top->ttl_s * 1e6), UINT64_MAX);
    if (r->want->is_invented && top->ttl_s > 0 && top->rate_per_s <= 0)
        BLAME(r, "ttl", "add rate, such as 1000/s", "an invented trace has no times");
    if (top->rate_per_s > 0 && top->ttl_s <= 0)
        BLAME(r, "rate", "add ttl", "counts with `ttl` only");
}

nw_err sim_cache_want(const struct sim_cache_top *top, const char *name, struct nw_diag *diag,
                      struct sim_cache_want *out)
{
    struct reading r = {.top = top, .name = name, .diag = diag, .want = out};
    *out = (struct sim_cache_want){.top = top, .is_invented = top->trace.len == 0};
    if (out->is_invented && !SIM_CACHE_GIVEN(top, top, zipf))
        BLAME(&r, NULL, "--trace FILE, or --zipf 1.0", "nothing says where the requests come from");
    if (out->is_invented && SIM_CACHE_GIVEN(top, top, trace))
        BLAME(&r, "trace", NULL, "has no name");
    read_policies(&r);
    read_all_sizes(&r);
    if (out->is_invented)
        judge_invented(&r);
    else
        judge_recorded(&r);
    judge_time(&r);
    if (out->is_in_bytes && out->is_invented && !nw_conf_is_given(&top->object.block))
        BLAME(&r, "bytes", "add object, such as 10K",
              "the objects of an invented trace have no sizes");
    if (r.mistakes > 0)
        return NW_INVALID;
    if (out->is_invented)
        fill_invented(top, out);
    return NW_OK;
}

/* ---- once the trace is there ---- */

static uint64_t size_of(const struct nw_conf_share *share, double whole)
{
    if (share->ratio <= 0)
        return (uint64_t)share->value;
    double size = floor(share->ratio * whole + 0.5);
    return size >= 1 ? (uint64_t)size : 1;
}

void sim_cache_resolve(struct sim_cache *sim)
{
    const struct nw_model_trace *trace = &sim->trace.model;
    double whole = trace->key_count;
    if (sim->want.is_in_bytes)
        whole *= nw_model_trace_size_mean(trace) + (double)sim->want.top->overhead_bytes;
    sim->size_count = 0;
    for (size_t i = 0; i < sim->want.size_count; i++) {
        uint64_t size = size_of(&sim->want.sizes[i], whole);
        size_t at = sim->size_count;
        bool is_there = false;
        for (size_t k = 0; k < sim->size_count; k++)
            is_there |= sim->sizes[k] == size;
        if (is_there)
            continue;
        for (; at > 0 && sim->sizes[at - 1] > size; at--)
            sim->sizes[at] = sim->sizes[at - 1];
        sim->sizes[at] = size;
        sim->size_count++;
    }
}
