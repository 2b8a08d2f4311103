/*
 * Databases, cache and queues.
 *
 * What reaches a database are statements at peak, behind the cache. A route with a queue sends its
 * statements at the pace of the queue's workers: that is what a queue is for.
 */
#include <math.h>

#include "model/plan_impl.h"

/* ---- databases ---- */

struct statements {
    struct nw_model_database_reads *reads;
    unsigned read_count;
    double writes_per_s;
    double writes_day; /* of the requests that write, before they become statements */
};

static struct statements statements_of(struct plan_work *work, unsigned index)
{
    const struct nw_model_plan_input *input = work->input;
    struct statements all = {0};
    unsigned route_count = 0;
    for (unsigned i = 0; i < input->route_count; i++)
        route_count += input->routes[i].database_index == (int)index;
    all.reads = nw_arena_zero(work->arena, route_count * sizeof *all.reads + 1);
    for (unsigned i = 0; i < input->route_count; i++) {
        const struct nw_model_route *route = &input->routes[i];
        const struct plan_route *at = &work->routes[i];
        if (route->database_index != (int)index)
            continue;
        double rate = at->peak_per_s;
        if (route->queue_index >= 0 && input->queues[route->queue_index].drain_per_s.value > 0)
            rate = fmin(rate, input->queues[route->queue_index].drain_per_s.value);
        rate *= route->queries.value;
        if (at->read_share > 0) {
            struct nw_model_quantity hit = route->cached;
            if (at->hit_ratio != hit.value)
                hit = nw_model_derived(at->hit_ratio);
            all.reads[all.read_count++] = (struct nw_model_database_reads){
                route->name, nw_model_derived(rate * at->read_share), hit};
        }
        all.writes_per_s += rate * (1 - at->read_share);
        all.writes_day += at->average_per_s * NW_MODEL_DAY_S * (1 - at->read_share);
    }
    return all;
}

/* Do peak x part of the day give the writes? Not with several statements each, or a queue. */
static bool is_plain_part(const struct plan_work *work, const struct statements *all)
{
    double day = work->volume.per_day;
    return day > 0 && fabs(work->volume.peak_per_s * all->writes_day / day - all->writes_per_s) <=
                          1e-9 * all->writes_per_s;
}

static const struct {
    const char *one;
    const char *many;
} moves[] = {
    [NW_MODEL_ONE_PRIMARY] = {"one primary", NULL},
    [NW_MODEL_READ_REPLICAS] = {"one primary and 1 replica", "replicas beside the primary"},
    [NW_MODEL_SHARDING] = {"one shard", "shards"},
    [NW_MODEL_FEDERATION] = {"one database", "databases, one for each domain"},
};

static void choose_move(struct plan_work *work, unsigned index)
{
    const struct nw_model_database *database = &work->input->databases[index];
    const struct nw_model_database_answer *answer = &work->databases[index].answer;
    const struct nw_model_plan_database *out = &work->plan->databases[index];
    const struct nw_model_choice choice = {
        .path = work->databases[index].in.at,
        .name = nw_model_database_move_name(answer->move),
        .one = moves[answer->move].one,
        .many = moves[answer->move].many,
        .count = out->count,
        .why = answer->why,
    };
    plan_choose(work, &choice);
    if (answer->move == NW_MODEL_READ_REPLICAS && database->own_writes.value == 0)
        plan_find(
            work, NW_MODEL_WARNING, choice.path,
            "a replica is up to %s behind: who reads at once what he wrote needs the primary; "
            "state own_writes, the share of such reads",
            plan_show(work, database->lag_s.value, NW_MODEL_SECONDS));
    if (answer->own_exceeds)
        plan_find(work, NW_MODEL_WARNING, choice.path,
                  "reads of own writes alone (%s) are more than the primary bears: replicas do not "
                  "take them",
                  plan_show(work, answer->own_per_s, NW_MODEL_PER_S));
}

static void check_pool(struct plan_work *work, unsigned index)
{
    const struct nw_model_database *database = &work->input->databases[index];
    struct plan_database *at = &work->databases[index];
    if (work->steps == NULL) /* a warning is all that comes of it */
        return;
    for (unsigned s = 0; s < work->input->service_count; s++) {
        bool uses = false;
        for (unsigned i = 0; i < work->input->route_count && !uses; i++)
            uses = work->input->routes[i].service_index == (int)s &&
                   work->input->routes[i].database_index == (int)index;
        at->nodes += uses ? work->services[s].nodes.nodes : 0;
    }
    if (at->nodes == 0)
        return;
    const struct nw_model_pool_in in = {
        .at = at->in.at,
        .nodes = nw_model_derived(at->nodes),
        .pool = database->pool,
        .connections = database->connections,
    };
    at->pool = nw_model_pool_check(&in, work->steps);
    if (!at->pool.is_within)
        plan_find(work, NW_MODEL_WARNING, in.at,
                  "%s nodes with a pool of %s want %s connections, %s are there: the wall "
                  "stands at %s nodes; a pool that all nodes share is the way around it",
                  plan_show(work, at->nodes, NW_MODEL_COUNT),
                  plan_show(work, database->pool.value, NW_MODEL_COUNT),
                  plan_show(work, at->pool.wanted, NW_MODEL_COUNT),
                  plan_show(work, at->pool.usable, NW_MODEL_COUNT),
                  plan_show(work, at->pool.wall_nodes, NW_MODEL_COUNT));
}

static void judge_database(struct plan_work *work, unsigned index)
{
    const struct nw_model_database *database = &work->input->databases[index];
    struct plan_database *at = &work->databases[index];
    struct nw_model_plan_database *out = &work->plan->databases[index];
    struct statements all = statements_of(work, index);
    bool is_plain = is_plain_part(work, &all);
    at->in = (struct nw_model_database_in){
        .at = plan_at(work, "databases", database->name),
        .label = database->name,
        .database = database,
        .reads = all.reads,
        .read_count = all.read_count,
        .writes_per_s = nw_model_derived(all.writes_per_s),
        .peak_per_s = work->volume.peak_per_s,
        .writes_day = is_plain ? all.writes_day : 0,
        .requests_day = is_plain ? work->volume.per_day : 0,
        .margin = work->input->services[0].margin,
    };
    at->answer = nw_model_database_judge(&at->in, work->steps);
    const struct nw_model_database_answer *answer = &at->answer;
    *out = (struct nw_model_plan_database){
        .name = database->name,
        .reads_per_s = answer->read_load_per_s,
        .writes_per_s = all.writes_per_s,
        .read_load = answer->reads_per_s,
        .move = answer->move,
        .count = answer->move == NW_MODEL_READ_REPLICAS ? answer->replicas
                 : answer->move == NW_MODEL_SHARDING    ? answer->shards
                 : answer->move == NW_MODEL_FEDERATION  ? answer->domains
                                                        : 0,
        .cost_per_h = (answer->primaries + answer->replicas) * database->price_per_h.value,
    };
    choose_move(work, index);
    check_pool(work, index);
}

void plan_databases(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->database_count; i++)
        judge_database(work, i);
}

/* ---- cache ---- */

/* What the databases would cost if every read reached them. */
static double price_without_cache(struct plan_work *work)
{
    double per_h = 0;
    for (unsigned i = 0; i < work->input->database_count; i++) {
        struct nw_model_database_in in = work->databases[i].in;
        struct nw_model_database_reads *bare =
            nw_arena_zero(work->arena, in.read_count * sizeof *bare + 1);
        for (unsigned r = 0; r < in.read_count; r++) {
            bare[r] = in.reads[r];
            bare[r].hit_ratio = nw_model_derived(0);
        }
        in.reads = bare;
        struct nw_model_database_answer answer = nw_model_database_judge(&in, NULL);
        per_h += (answer.primaries + answer.replicas) * in.database->price_per_h.value;
    }
    return per_h;
}

static void judge_outage(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->database_count; i++) {
        const struct plan_database *at = &work->databases[i];
        double bears = at->answer.replicas > 0
                           ? at->answer.replicas * at->in.database->replica_rate_per_s.value
                           : at->answer.primaries * at->in.database->read_rate_per_s.value;
        if (bears <= 0 || at->answer.reads_per_s == 0)
            continue;
        const struct nw_model_cache_outage_in in = {
            .at = at->in.at,
            .rate_per_s = nw_model_derived(at->answer.reads_per_s),
            .bears_per_s = nw_model_derived(bears),
        };
        double overload = nw_model_cache_outage(&in, work->steps);
        work->cache_overload = fmax(work->cache_overload, overload);
        if (nw_model_is_above(overload, 1))
            plan_find(work, NW_MODEL_WARNING, in.at,
                      "when the cache is gone it gets %.3g times the reads that it bears: stale "
                      "answers, a cap on the pool and pre-warming decide whether the site stays up",
                      overload);
    }
}

void plan_cache(struct plan_work *work)
{
    const struct nw_model_cache *cache = &work->input->cache;
    if (work->plan->hit_ratio == 0)
        return;
    if (cache->hot.value > 0) {
        const struct nw_model_cache_size_in in = {
            .at = "cache",
            .entries = cache->hot,
            .entry_bytes = cache->entry_bytes,
            .ram_bytes = cache->ram_bytes,
            .fill = cache->fill,
        };
        work->cache_size = nw_model_cache_size(&in, work->steps);
        work->plan->cache_nodes = work->cache_size.nodes;
    } else {
        plan_find(work, NW_MODEL_WARNING, "cache",
                  "its size is open: state cache.hot, the entries worth keeping, to see memory, "
                  "nodes and price (`newel sim cache` finds them from an access log)");
    }
    if (work->steps == NULL)
        return;
    judge_outage(work);
    double with = 0;
    for (unsigned i = 0; i < work->input->database_count; i++)
        with += work->plan->databases[i].cost_per_h;
    const struct nw_model_cache_or_database_in in = {
        .at = "cache",
        .cache_nodes = nw_model_derived(work->plan->cache_nodes),
        .cache_price_per_h = cache->price_per_h,
        .with_database_per_h = nw_model_derived(with),
        .only_database_per_h = nw_model_derived(price_without_cache(work)),
    };
    nw_model_cost_cache(&in, work->steps);
}

/* ---- queues ---- */

static void count_arrivals(struct plan_work *work, unsigned index)
{
    struct plan_queue *at = &work->queues[index];
    for (unsigned i = 0; i < work->input->route_count; i++) {
        if (work->input->routes[i].queue_index != (int)index)
            continue;
        at->average_per_s += work->routes[i].average_per_s;
        at->peak_per_s += work->routes[i].peak_per_s;
    }
}

static void judge_burst(struct plan_work *work, unsigned index, const char *path)
{
    const struct nw_model_queue *queue = &work->input->queues[index];
    struct plan_queue *at = &work->queues[index];
    at->has_burst = queue->burst.value > 0;
    if (!at->has_burst)
        return;
    const struct nw_model_burst_in in = {
        .at = path,
        .label = queue->name,
        .jobs = queue->burst,
        .over_s = queue->over_s,
        .drain_per_s = queue->drain_per_s,
        .stopped_s = nw_model_derived(0),
    };
    at->burst = nw_model_queue_burst(&in, work->steps);
    if (at->burst.reason == NULL && queue->alarm_s.value > 0 &&
        nw_model_is_above(at->burst.age_max_s, queue->alarm_s.value))
        plan_find(work, NW_MODEL_WARNING, path,
                  "a burst ages messages to %s: the alarm at %s will go off",
                  plan_show(work, at->burst.age_max_s, NW_MODEL_SECONDS),
                  plan_show(work, queue->alarm_s.value, NW_MODEL_SECONDS));
}

static void judge_backlog(struct plan_work *work, unsigned index, const char *path)
{
    const struct nw_model_queue *queue = &work->input->queues[index];
    struct plan_queue *at = &work->queues[index];
    const struct nw_model_catchup_in in = {
        .at = path,
        .backlog = nw_model_derived(at->average_per_s * queue->outage_s.value),
        .arrive_per_s = nw_model_derived(at->average_per_s),
        .drain_per_s = queue->drain_per_s,
    };
    nw_model_queue_catchup(&in, work->steps);
    if (!nw_model_is_above(queue->drain_per_s.value, at->average_per_s) && at->average_per_s > 0)
        plan_find(work, NW_MODEL_UNMET, path,
                  "unstable: %s arrive on average and %s are worked off, so it grows without end",
                  plan_show(work, at->average_per_s, NW_MODEL_PER_S),
                  plan_show(work, queue->drain_per_s.value, NW_MODEL_PER_S));
}

/* Each group of consumers gets every message; the log holds it once. */
static void count_deliveries(struct plan_work *work, unsigned index, const char *block)
{
    const struct nw_model_queue *queue = &work->input->queues[index];
    double arrive_per_s = work->queues[index].average_per_s;
    if (work->steps == NULL || queue->groups.value == 1)
        return;
    const struct nw_model_step step = {
        .path = nw_arena_printf(work->arena, "%s.deliveries_per_s", block).ptr,
        .formula = "{0} x {1}",
        .operands = {{"arrivals", arrive_per_s, NW_MODEL_PER_S, NW_MODEL_DERIVED},
                     {"groups", queue->groups.value, NW_MODEL_COUNT, queue->groups.origin}},
        .operand_count = 2,
        .exact = arrive_per_s * queue->groups.value,
        .rounded = arrive_per_s * queue->groups.value,
        .unit = NW_MODEL_PER_S,
        .what = "to all groups",
    };
    nw_model_steps_add(work->steps, &step);
}

void plan_queues(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->queue_count; i++) {
        const struct nw_model_queue *queue = &work->input->queues[i];
        const char *path = plan_at(work, "queues", queue->name);
        count_arrivals(work, i);
        count_deliveries(work, i, path);
        judge_burst(work, i, path);
        judge_backlog(work, i, path);
        const struct nw_model_retention_in in = {
            .at = path,
            .arrive_per_s = nw_model_derived(work->queues[i].average_per_s),
            .message_bytes = queue->message_bytes,
            .retention_s = queue->retention_s,
            .topics = nw_model_derived(1),
        };
        work->queues[i].retention_bytes = nw_model_queue_retention(&in, work->steps);
    }
}
