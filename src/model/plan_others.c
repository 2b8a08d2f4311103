/*
 * Where the guides disagree about this plan: each contradiction whose other value would give
 * another result is named with that result. Those that no number of this plan depends on stay in
 * `explain`.
 *
 * A contradiction is one function; the table at the end is their order. They look at what was
 * computed and recompute only what one number changes.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "model/constants.h"
#include "model/disagree.h"
#include "model/plan_impl.h"

enum { SENTENCE_MAX = 256 };

static void NW_PRINTF(4, 5)
    other(struct plan_work *work, int number, const char *path, const char *format, ...)
{
    char words[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    struct nw_model_plan *plan = work->plan;
    NW_ASSERT(plan->other_count < work->other_cap);
    plan->others[plan->other_count++] = (struct nw_model_plan_other){
        number, path, nw_arena_string(work->arena, nw_slice_str(words))};
}

/* ---- load ---- */

static void log_volume(struct plan_work *work)
{
    double day = work->traffic.log_bytes_day;
    if (day > 0)
        other(work, 1, "load.log_bytes_day",
              "counted in GiB it reads %.4g; one line at entry and one at exit are %s",
              day / 0x1p30, plan_show(work, 2 * day, NW_MODEL_BYTES));
}

static void rate_per_user(struct plan_work *work)
{
    const struct nw_model_load *load = &work->input->load;
    if (load->kind != NW_MODEL_LOAD_USERS || load->users.value == 0)
        return;
    double users = load->users.value * load->growth.value; /* 0.0000521 (E) to 0.1 (A) each */
    other(work, 2, "load.average_per_s", "by the guides' own rates per user it would be %s to %s",
          plan_show(work, users * 4.5 / NW_MODEL_DAY_S, NW_MODEL_PER_S),
          plan_show(work, users * 0.1, NW_MODEL_PER_S));
}

static void peak_cap(struct plan_work *work)
{
    const double cap = 5;
    double peak = work->input->load.peak.value;
    if (!nw_model_is_above(peak, cap))
        return;
    for (unsigned i = 0; i < work->input->service_count; i++) {
        struct nw_model_nodes_in in = work->services[i].in;
        if (work->services[i].nodes.reason != NULL)
            continue;
        in.peak_per_s = nw_model_derived(in.peak_per_s.value * cap / peak);
        double nodes = nw_model_nodes_count(&in, NULL).nodes;
        if (nodes != work->services[i].nodes.nodes)
            other(work, 30, in.at, "a peak capped at 5 times the average gives %s nodes",
                  plan_show(work, nodes, NW_MODEL_COUNT));
    }
}

/* ---- nodes: once for each service ---- */

static void service_others(struct plan_work *work, const struct plan_service *at)
{
    const struct nw_model_nodes *nodes = &at->nodes;
    const char *path = at->in.at;
    double count;
    if (nodes->reason != NULL)
        return;
    if (nw_model_disagree_x3(nodes, &count))
        other(work, 3, path, "without it %s nodes", plan_show(work, count, NW_MODEL_COUNT));
    if (nw_model_disagree_x4(nodes, &count))
        other(work, 4, path, "rounded twice %s nodes instead of %s",
              plan_show(work, count, NW_MODEL_COUNT),
              plan_show(work, nodes->by_rate, NW_MODEL_COUNT));
    if (nw_model_disagree_x5(&at->in, nodes, &count))
        other(work, 5, path, "computed as the guide did, the average fleet would be %s, not %s",
              plan_show(work, count, NW_MODEL_COUNT),
              plan_show(work, nodes->average, NW_MODEL_COUNT));
    if (nodes->needed > 1) {
        double one = at->in.has_usl ? at->in.usl_gamma_per_s : at->in.node_rate_per_s.value;
        double wrong =
            nw_model_ceil(at->in.peak_per_s.value * (1 + at->in.margin.value) / one / one);
        if (wrong != nodes->needed)
            other(work, 19, path, "growth divided by a node's rate would say to add %s",
                  plan_show(work, wrong, NW_MODEL_COUNT));
    }
    if (nw_model_disagree_x29(nodes, &count))
        other(work, 29, path, "surviving one zone of three needs %s",
              plan_show(work, count, NW_MODEL_COUNT));
    if (nw_model_disagree_x34(nodes, &count))
        other(work, 34, path, "sized by %s alone %s nodes",
              nodes->is_by_connections ? "rate" : "connections",
              plan_show(work, count, NW_MODEL_COUNT));
}

/* The guides' rates per node, where nobody has measured this one. */
static void node_rates(struct plan_work *work, const struct plan_service *at)
{
    if (at->in.has_usl || at->nodes.reason != NULL ||
        at->in.node_rate_per_s.origin != NW_MODEL_ASSUMED)
        return;
    struct nw_model_nodes_in slow = at->in, fast = at->in;
    slow.node_rate_per_s = nw_model_derived(50);
    fast.node_rate_per_s = nw_model_derived(5000);
    double most = nw_model_nodes_count(&slow, NULL).nodes;
    double least = nw_model_nodes_count(&fast, NULL).nodes;
    if (most != at->nodes.nodes || least != at->nodes.nodes)
        other(work, 36, at->in.at, "at 50/s %s nodes, at 5,000/s %s: measure it",
              plan_show(work, most, NW_MODEL_COUNT), plan_show(work, least, NW_MODEL_COUNT));
}

static void services(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->service_count; i++) {
        service_others(work, &work->services[i]);
        node_rates(work, &work->services[i]);
    }
}

/* ---- databases: once for each ---- */

static void guide_rule(struct plan_work *work, const struct plan_database *at)
{
    nw_model_database_move move;
    double share = at->answer.read_share;
    if (nw_model_disagree_x14(&at->answer, &move))
        other(work, 14, at->in.at, "the guide's rule, reads first, says %s",
              nw_model_database_move_name(move));
    if (fabs(share - 0.8) <= 0.8 * 1e-9)
        other(work, 13, at->in.at,
              "reads are exactly 80 %%: the guide's text says READ_REPLICAS, its code goes on to "
              "size and writes");
}

static void replica_counts(struct plan_work *work, const struct plan_database *at)
{
    double count, rate, peak = work->input->load.peak.value;
    if (nw_model_disagree_x9(at->answer.after_cache_per_s, peak, &rate))
        other(work, 9, at->in.at, "sized for the average it would see %s instead of %s",
              plan_show(work, rate, NW_MODEL_PER_S),
              plan_show(work, at->answer.after_cache_per_s, NW_MODEL_PER_S));
    if (nw_model_disagree_x12(&at->answer, &count))
        other(work, 12, at->in.at, "with the cache forgotten %s replicas",
              plan_show(work, count, NW_MODEL_COUNT));
    if (nw_model_disagree_x15(&at->answer, &count))
        other(work, 15, at->in.at, "the guide adds %.0f replicas whatever the rate", count);
}

/* One database is said to bear 1,000 to 5,000 reads. */
static void database_limit(struct plan_work *work, const struct plan_database *at)
{
    double reads = at->answer.read_load_per_s, limit = at->in.database->read_rate_per_s.value;
    bool is_above = nw_model_is_above(reads, limit);
    if (at->in.database->read_rate_per_s.origin != NW_MODEL_ASSUMED)
        return;
    if (is_above && !nw_model_is_above(reads, 5000))
        other(work, 27, at->in.at, "were the limit 5,000/s, one primary would bear the reads");
    if (!is_above && nw_model_is_above(reads, 1000))
        other(work, 27, at->in.at, "were the limit 1,000/s, the reads would need replicas");
}

static void average_for_peak(struct plan_work *work, const struct plan_database *at)
{
    double reads = at->answer.reads_per_s, peak = work->input->load.peak.value;
    double limit = at->in.database->read_rate_per_s.value;
    if (nw_model_is_above(reads, limit) && !nw_model_is_above(reads / peak, limit))
        other(work, 28, at->in.at, "compared at the average (%s) it would seem to need no cache",
              plan_show(work, reads / peak, NW_MODEL_PER_S));
}

static void databases(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->database_count; i++) {
        const struct plan_database *at = &work->databases[i];
        double low, high;
        guide_rule(work, at);
        replica_counts(work, at);
        database_limit(work, at);
        average_for_peak(work, at);
        if (at->nodes > 0 && nw_model_disagree_x32(at->nodes, at->pool.usable, &low, &high))
            other(work, 32, at->in.at,
                  "10 to 20 connections a node are %s to %s, and %s can be used",
                  plan_show(work, low, NW_MODEL_COUNT), plan_show(work, high, NW_MODEL_COUNT),
                  plan_show(work, at->pool.usable, NW_MODEL_COUNT));
    }
}

/* ---- cache ---- */

static void hit_ceilings(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->route_count; i++) {
        const struct nw_model_route *route = &work->input->routes[i];
        const struct plan_route *at = &work->routes[i];
        double reads = at->peak_per_s * at->read_share * route->queries.value;
        const char *path = plan_at(work, "routes", route->name);
        if (at->hit_ratio == 0)
            continue;
        if (nw_model_is_above(route->cached.value, at->hit_ratio))
            other(work, 8, path, "as stated %s would hit, with this TTL %s can",
                  plan_show(work, route->cached.value, NW_MODEL_RATIO),
                  plan_show(work, at->hit_ratio, NW_MODEL_RATIO));
        if (work->input->cache.hot.value > 0 && nw_model_is_above(at->hit_ratio, 0.8))
            other(work, 7, path,
                  "if only what 80 %% of views go to is kept, %s reach the database instead of %s",
                  plan_show(work, reads * 0.2, NW_MODEL_PER_S),
                  plan_show(work, reads * (1 - at->hit_ratio), NW_MODEL_PER_S));
    }
}

/* ---- queues, regions, money, stairs ---- */

static void queues(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->queue_count; i++) {
        const struct nw_model_queue *queue = &work->input->queues[i];
        const struct plan_queue *at = &work->queues[i];
        const char *path = plan_at(work, "queues", queue->name);
        double depth;
        if (at->has_burst && queue->over_s.value > 0 &&
            nw_model_disagree_x16(queue->burst.value, at->burst.peak_depth, &depth))
            other(work, 16, path, "the same messages all at once are %s deep",
                  plan_show(work, depth, NW_MODEL_COUNT));
        double hour = at->average_per_s * 3600 * queue->message_bytes.value;
        if (nw_model_is_above(at->retention_bytes, hour) && hour > 0)
            other(work, 31, path, "sized for an hour as the guide does it would be %s",
                  plan_show(work, hour, NW_MODEL_BYTES));
    }
}

static void regions(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->region_count; i++) {
        const struct nw_model_region *region = &work->input->regions[i];
        double fibre = nw_model_region_fibre_s(region->distance_km.value);
        if (region->distance_km.value > 0 && nw_model_is_above(region->rtt_s.value, fibre))
            other(work, 17, plan_at(work, "regions", region->name),
                  "light in fibre needs %s, the rest of %s is routing",
                  plan_show(work, fibre, NW_MODEL_SECONDS),
                  plan_show(work, region->rtt_s.value, NW_MODEL_SECONDS));
    }
}

static void month(struct plan_work *work)
{
    double cost;
    if (nw_model_disagree_x18(work->plan->cost_per_h, &cost))
        other(work, 18, "cost.month", "a month of 30 days costs %s",
              plan_show(work, cost, NW_MODEL_MONEY));
}

static void stage_thresholds(struct plan_work *work)
{
    double peak = work->plan->peak_per_s;
    if (!nw_model_is_above(1000, peak) && nw_model_is_above(10000, peak))
        other(work, 21, "load.peak_per_s",
              "one stage table has replicas from 1,000/s, the other from 10,000/s");
    else if (!nw_model_is_above(10000, peak) && nw_model_is_above(100000, peak))
        other(work, 21, "load.peak_per_s",
              "one stage table has queues from 10,000/s, the other from 100,000/s");
}

/* Only where it matters by now: the earlier of the two has fired. */
static void rung_order(struct plan_work *work)
{
    const struct nw_model_stairs *stairs = &work->plan->stairs;
    for (unsigned i = 0; i + 1 < stairs->order_count; i++) {
        nw_model_rung first = stairs->order[i], next = stairs->order[i + 1];
        if (first < next || nw_model_is_above(stairs->rungs[first].growth, 1))
            continue;
        other(work, 22, "stairs", "here %s is due before %s", nw_model_rung_name(first),
              nw_model_rung_name(next));
        return;
    }
}

void plan_others(struct plan_work *work)
{
    static void (*const all[])(struct plan_work *) = {
        services, databases,  hit_ceilings,     queues,        regions,    month,
        peak_cap, rung_order, stage_thresholds, rate_per_user, log_volume,
    };
    for (size_t i = 0; i < NW_COUNT(all); i++)
        all[i](work);
}
