/*
 * A cache is worth what it keeps away at the worst moment, so everything is told at peak. Two
 * ceilings are easy to forget when a hit ratio is written down: an entry that dies before it is
 * asked for again was never a hit, and what is not kept cannot be one.
 */
#include "model/cachemath.h"

#include <math.h>

#include "base/assert.h"

static void show_headroom(const struct nw_model_cache_load_in *in, const char *leaf,
                          const char *name, double load_per_s, double headroom_per_s,
                          struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, leaf),
            .formula = "{0} - {1}",
            .operands = {nw_model_operand("the database bears", NW_MODEL_PER_S, in->bears_per_s),
                         nw_model_operand_derived(name, NW_MODEL_PER_S, load_per_s)},
            .operand_count = 2,
            .exact = headroom_per_s,
            .unit = NW_MODEL_PER_S,
            .what = headroom_per_s < 0 ? "too much for it" : "to spare",
        });
}

static void show_relief(const struct nw_model_cache_load_in *in,
                        const struct nw_model_cache_load *out, struct nw_model_steps *steps)
{
    nw_model_steps_add(steps,
                       &(struct nw_model_step){
                           .path = nw_model_steps_path(steps, in->at, "reads_after_cache_per_s"),
                           .formula = "{0} x (1 - {1})",
                           .operands = {nw_model_operand("reads", NW_MODEL_PER_S, in->reads_per_s),
                                        nw_model_operand("cached", NW_MODEL_RATIO, in->hit_ratio)},
                           .operand_count = 2,
                           .exact = out->misses_per_s,
                           .unit = NW_MODEL_PER_S,
                           .what = "reads reach the database",
                       });
    if (in->bears_per_s.value <= 0)
        return;
    show_headroom(in, "headroom_without_per_s", "reads without a cache", in->reads_per_s.value,
                  out->headroom_without_per_s, steps);
    show_headroom(in, "headroom_with_per_s", "reads after the cache", out->misses_per_s,
                  out->headroom_with_per_s, steps);
}

struct nw_model_cache_load nw_model_cache_relieve(const struct nw_model_cache_load_in *in,
                                                  struct nw_model_steps *steps)
{
    NW_ASSERT(in->hit_ratio.value >= 0 && in->hit_ratio.value <= 1);
    NW_ASSERT(in->reads_per_s.value >= 0 && in->bears_per_s.value >= 0);
    double miss_ratio = 1 - in->hit_ratio.value;
    struct nw_model_cache_load out = {
        .misses_per_s = in->reads_per_s.value * miss_ratio,
        .has_factor = miss_ratio > 0,
        .factor = miss_ratio > 0 ? 1 / miss_ratio : 0,
    };
    out.headroom_without_per_s = in->bears_per_s.value - in->reads_per_s.value;
    out.headroom_with_per_s = in->bears_per_s.value - out.misses_per_s;
    if (steps)
        show_relief(in, &out, steps);
    return out;
}

static void show_size(const struct nw_model_cache_size_in *in,
                      const struct nw_model_cache_size *out, struct nw_model_steps *steps)
{
    nw_model_steps_add(steps,
                       &(struct nw_model_step){
                           .path = nw_model_steps_path(steps, in->at, "bytes"),
                           .label = "Cache",
                           .formula = "{0+} x {1} / {2}",
                           .operands = {nw_model_operand("entries", NW_MODEL_COUNT, in->entries),
                                        nw_model_operand("entry", NW_MODEL_BYTES, in->entry_bytes),
                                        nw_model_operand("fill", NW_MODEL_RATIO, in->fill)},
                           .operand_count = 3,
                           .exact = out->bytes,
                           .unit = NW_MODEL_BYTES,
                           .what = "of memory",
                       });
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "nodes"),
                   .formula = "{0} / {1}",
                   .operands = {nw_model_operand_derived("memory", NW_MODEL_BYTES, out->bytes),
                                nw_model_operand("ram", NW_MODEL_BYTES, in->ram_bytes)},
                   .operand_count = 2,
                   .exact = out->nodes_exact,
                   .rounded = out->nodes,
                   .is_rounded = true,
                   .unit = NW_MODEL_COUNT,
                   .what = out->nodes == 1 ? "cache node" : "cache nodes",
               });
}

struct nw_model_cache_size nw_model_cache_size(const struct nw_model_cache_size_in *in,
                                               struct nw_model_steps *steps)
{
    NW_ASSERT(in->ram_bytes.value > 0 && in->fill.value > 0 && in->fill.value <= 1);
    NW_ASSERT(in->entries.value >= 0 && in->entry_bytes.value >= 0);
    struct nw_model_cache_size out = {.entries_bytes = in->entries.value * in->entry_bytes.value};
    out.bytes = out.entries_bytes / in->fill.value;
    out.nodes_exact = out.bytes / in->ram_bytes.value;
    out.nodes = nw_model_ceil(out.nodes_exact);
    if (steps)
        show_size(in, &out, steps);
    return out;
}

double nw_model_cache_ttl_ceiling(double rate_per_s, double ttl_s)
{
    NW_ASSERT(rate_per_s >= 0 && ttl_s >= 0);
    double asked = rate_per_s * ttl_s;
    return asked / (1 + asked);
}

double nw_model_cache_ttl_ceiling_renewed(double rate_per_s, double ttl_s)
{
    NW_ASSERT(rate_per_s >= 0 && ttl_s >= 0);
    return -expm1(-rate_per_s * ttl_s);
}

static void show_cap(const struct nw_model_cache_hit_in *in, const struct nw_model_cache_hit *out,
                     struct nw_model_steps *steps)
{
    if (out->ttl_ceiling < in->stated.value)
        nw_model_steps_add(
            steps,
            &(struct nw_model_step){
                .path = nw_model_steps_path(steps, in->at, "hit_ceiling_ttl"),
                .formula = "{0}/d x {1} / (1 + {0}/d x {1})",
                .operands = {nw_model_operand_derived("per_key", NW_MODEL_NUMBER,
                                                      in->per_key_per_s.value * NW_MODEL_DAY_S),
                             nw_model_operand("ttl", NW_MODEL_SECONDS, in->ttl_s)},
                .operand_count = 2,
                .exact = out->ttl_ceiling,
                .unit = NW_MODEL_RATIO,
                .what = "hits at most: the entry is gone before it is asked for again",
            });
    if (out->hit_ratio < in->stated.value)
        nw_model_steps_add(steps,
                           &(struct nw_model_step){
                               .path = nw_model_steps_path(steps, in->at, "hit_ratio"),
                               .formula = "least of {0} and {1}",
                               .operands = {nw_model_operand("cached", NW_MODEL_RATIO, in->stated),
                                            nw_model_operand_derived("the ceiling", NW_MODEL_RATIO,
                                                                     out->hit_ratio)},
                               .operand_count = 2,
                               .exact = out->hit_ratio,
                               .unit = NW_MODEL_RATIO,
                               .what = "hits",
                           });
}

struct nw_model_cache_hit nw_model_cache_cap(const struct nw_model_cache_hit_in *in,
                                             struct nw_model_steps *steps)
{
    NW_ASSERT(in->stated.value >= 0 && in->stated.value <= 1);
    NW_ASSERT(in->view_share.value >= 0 && in->view_share.value <= 1);
    struct nw_model_cache_hit out = {.ttl_ceiling = 1, .view_ceiling = 1};
    if (in->per_key_per_s.value > 0 && in->ttl_s.value > 0)
        out.ttl_ceiling = nw_model_cache_ttl_ceiling(in->per_key_per_s.value, in->ttl_s.value);
    if (in->view_share.value > 0)
        out.view_ceiling = in->view_share.value;
    out.hit_ratio = fmin(in->stated.value, fmin(out.ttl_ceiling, out.view_ceiling));
    if (steps)
        show_cap(in, &out, steps);
    return out;
}

double nw_model_cache_outage(const struct nw_model_cache_outage_in *in,
                             struct nw_model_steps *steps)
{
    NW_ASSERT(in->rate_per_s.value >= 0 && in->bears_per_s.value > 0);
    double overload = in->rate_per_s.value / in->bears_per_s.value;
    if (steps)
        nw_model_steps_add(
            steps, &(struct nw_model_step){
                       .path = nw_model_steps_path(steps, in->at, "outage_overload"),
                       .formula = "{0} / {1}",
                       .operands = {nw_model_operand("reads without the cache", NW_MODEL_PER_S,
                                                     in->rate_per_s),
                                    nw_model_operand("the database bears", NW_MODEL_PER_S,
                                                     in->bears_per_s)},
                       .operand_count = 2,
                       .exact = overload,
                       .unit = NW_MODEL_NUMBER,
                       .what = nw_model_is_above(overload, 1)
                                   ? "times its ceiling while the cache is down: it falls too"
                                   : "of its ceiling while the cache is down",
                   });
    return overload;
}

double nw_model_cache_mean_s(double hits, double hit_s, double misses, double miss_s)
{
    NW_ASSERT(hits >= 0 && misses >= 0 && hits + misses > 0);
    return (hits * hit_s + misses * miss_s) / (hits + misses);
}

double nw_model_cache_fanout_per_s(double followers, double active_share, double within_s)
{
    NW_ASSERT(followers >= 0 && active_share >= 0 && active_share <= 1 && within_s > 0);
    return followers * active_share / within_s;
}
