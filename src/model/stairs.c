/*
 * Growth multiplies every rate alike, so a rung whose trigger is "rate above ceiling" fires at
 * ceiling / rate: no search, and the order of the rungs is the order of these quotients. What the
 * model cannot see (a process's share of CPU, a p99) it does not guess.
 */
#include "model/stairs.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "model/units.h"

static const char *const names[NW_MODEL_RUNG_COUNT] = {
    "one box",       "database apart", "cache",  "balancer and nodes",
    "read replicas", "shards",         "queues", "regions",
};

const char *nw_model_rung_name(nw_model_rung rung)
{
    NW_ASSERT(rung < NW_MODEL_RUNG_COUNT);
    return names[rung];
}

/* A rate that meets its ceiling at some growth; a rate of 0 never does. */
static void judge_rate(struct nw_model_stair *stair, double rate, double ceiling,
                       const char *why_fired, const char *why_not)
{
    bool has_fired = nw_model_is_above(rate, ceiling);
    stair->has_growth = rate > 0 && ceiling > 0;
    if (stair->has_growth)
        stair->growth = ceiling / rate;
    stair->need = has_fired ? NW_MODEL_NEEDED : NW_MODEL_NOT_NEEDED;
    stair->why = has_fired ? why_fired : why_not;
}

static void judge_database_apart(const struct nw_model_stairs_input *in,
                                 struct nw_model_stair *stair)
{
    judge_rate(stair, in->peak_per_s, in->one_node_per_s,
               "several application nodes need a database that is not on one of them",
               "the database's share of CPU on the one box decides; at the latest when a second "
               "node is needed");
    if (stair->need == NW_MODEL_NOT_NEEDED)
        stair->need = NW_MODEL_MEASURE_FIRST;
}

static void judge_cache(const struct nw_model_stairs_input *in, struct nw_model_stair *stair)
{
    judge_rate(stair, in->read_load_per_s, in->primary_reads_per_s,
               "without it reads are more than the primary bears",
               "the primary bears the reads without it");
    if (in->has_cache) {
        stair->why = stair->need == NW_MODEL_NEEDED
                         ? "in the plan; without it reads are more than the primary bears"
                         : "in the plan, though the primary would bear the reads without it";
        stair->need = NW_MODEL_IN_PLACE;
    }
}

static void judge_shards(const struct nw_model_stairs_input *in, struct nw_model_stair *stair)
{
    struct nw_model_stair size;
    judge_rate(stair, in->writes_per_s, in->primary_writes_per_s,
               "writes with their margin are more than one primary bears",
               "one primary bears the writes");
    judge_rate(&size, in->size_bytes, in->size_max_bytes,
               "the data are more than one primary should hold", stair->why);
    if (size.has_growth && (!stair->has_growth || size.growth < stair->growth))
        *stair = size;
}

static void judge_queues(const struct nw_model_stairs_input *in, struct nw_model_stair *stair)
{
    stair->has_growth = false;
    if (in->has_queue) {
        stair->need = NW_MODEL_IN_PLACE;
        stair->why = in->is_burst_beyond_drain
                         ? "in the plan; bursts arrive faster than they are worked off"
                         : "in the plan; no burst arrives faster than it is worked off";
    } else {
        stair->need = NW_MODEL_MEASURE_FIRST;
        stair->why = "p99 of write-heavy routes in bursts decides; it needs no shards first";
    }
}

static void judge_regions(const struct nw_model_stairs_input *in, struct nw_model_stair *stair)
{
    stair->has_growth = false;
    if (!in->has_regions) {
        stair->need = NW_MODEL_MEASURE_FIRST;
        stair->why = "p50 by region decides; the plan names no regions";
        return;
    }
    bool is_far = nw_model_is_above(in->far_p50_s, 0.1);
    stair->need = is_far ? NW_MODEL_NEEDED : NW_MODEL_NOT_NEEDED;
    stair->why = is_far ? "users of some region wait over 100 ms for the way alone"
                        : "no region's users wait over 100 ms for the way";
}

static void sort_by_growth(struct nw_model_stairs *stairs)
{
    stairs->order_count = 0;
    for (unsigned rung = 0; rung < NW_MODEL_RUNG_COUNT; rung++) {
        if (!stairs->rungs[rung].has_growth)
            continue;
        unsigned at = stairs->order_count++;
        for (; at > 0; at--) { /* eight at most; equal ones keep the guides' order */
            nw_model_rung before = stairs->order[at - 1];
            if (stairs->rungs[before].growth <= stairs->rungs[rung].growth)
                break;
            stairs->order[at] = before;
        }
        stairs->order[at] = (nw_model_rung)rung;
    }
}

void nw_model_stairs_judge(const struct nw_model_stairs_input *in, struct nw_model_stairs *out)
{
    *out = (struct nw_model_stairs){0};
    out->rungs[NW_MODEL_RUNG_ONE_BOX] =
        (struct nw_model_stair){.need = NW_MODEL_IN_PLACE, .why = "where everybody starts"};
    judge_database_apart(in, &out->rungs[NW_MODEL_RUNG_DATABASE_APART]);
    judge_cache(in, &out->rungs[NW_MODEL_RUNG_CACHE]);
    judge_rate(&out->rungs[NW_MODEL_RUNG_BALANCER], in->peak_per_s, in->one_node_per_s,
               "one node does not carry the peak with its margin",
               "one node carries the peak with its margin");
    judge_rate(&out->rungs[NW_MODEL_RUNG_REPLICAS], in->reads_per_s, in->primary_reads_per_s,
               "reads behind the cache are more than the primary bears",
               "the primary bears the reads behind the cache");
    judge_shards(in, &out->rungs[NW_MODEL_RUNG_SHARDS]);
    judge_queues(in, &out->rungs[NW_MODEL_RUNG_QUEUES]);
    judge_regions(in, &out->rungs[NW_MODEL_RUNG_REGIONS]);
    sort_by_growth(out);
}
