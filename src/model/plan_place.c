/*
 * What the plan costs and where it stands: regions, money, availability, and the staircase that
 * sums the triggers up.
 */
#include <math.h>
#include <string.h>

#include "model/plan_impl.h"

/* ---- regions ---- */

static void add_mean_way(struct plan_work *work, double far_s, double near_s, double share)
{
    const struct nw_model_step far = {
        .path = "regions_mean_far_s",
        .label = "Regions",
        .exact = far_s,
        .rounded = far_s,
        .unit = NW_MODEL_SECONDS,
        .what = "on the way, mean over those regions' users, from one place",
    };
    const struct nw_model_step near = {
        .path = "regions_mean_near_s",
        .exact = near_s,
        .rounded = near_s,
        .unit = NW_MODEL_SECONDS,
        .what = "with a region near each of them",
    };
    const struct nw_model_step users = {
        .path = "regions_users_ratio",
        .exact = share,
        .rounded = share,
        .unit = NW_MODEL_RATIO,
        .what = "of all users live there",
    };
    nw_model_steps_add(work->steps, &far);
    nw_model_steps_add(work->steps, &near);
    nw_model_steps_add(work->steps, &users);
}

void plan_regions(struct plan_work *work)
{
    double share = 0, far_s = 0, near_s = 0;
    for (unsigned i = 0; i < work->input->region_count; i++) {
        const struct nw_model_region *region = &work->input->regions[i];
        const struct nw_model_region_in in = {plan_at(work, "regions", region->name), region};
        struct nw_model_region_answer answer = nw_model_region_judge(&in, work->steps);
        work->far_s = fmax(work->far_s, region->rtt_s.value);
        share += region->users.value;
        far_s += region->users.value * answer.far_s;
        near_s += region->users.value * answer.near_s;
        if (answer.is_below_physics)
            plan_find(work, NW_MODEL_UNMET, in.at,
                      "a round trip of %s is shorter than light in fibre takes over %s km (%s)",
                      plan_show(work, region->rtt_s.value, NW_MODEL_SECONDS),
                      plan_show(work, region->distance_km.value, NW_MODEL_COUNT),
                      plan_show(work, answer.fibre_s, NW_MODEL_SECONDS));
    }
    if (share > 0)
        add_mean_way(work, far_s / share, near_s / share, share);
}

/* ---- money ---- */

void plan_money(struct plan_work *work)
{
    const struct nw_model_plan_input *input = work->input;
    struct nw_model_plan *plan = work->plan;
    unsigned count = 0, most = input->service_count + input->database_count + 1;
    struct nw_model_cost_line *lines = nw_arena_zero(work->arena, most * sizeof *lines);
    for (unsigned i = 0; i < input->service_count; i++)
        lines[count++] = (struct nw_model_cost_line){
            plan_at(work, "services", input->services[i].name),
            nw_model_derived(plan->services[i].nodes), input->services[i].price_per_h,
            work->services[i].nodes.reason};
    for (unsigned i = 0; i < input->database_count; i++) {
        const struct nw_model_database_answer *answer = &work->databases[i].answer;
        lines[count++] =
            (struct nw_model_cost_line){plan_at(work, "databases", input->databases[i].name),
                                        nw_model_derived(answer->primaries + answer->replicas),
                                        input->databases[i].price_per_h};
    }
    if (plan->cache_nodes > 0)
        lines[count++] = (struct nw_model_cost_line){"cache", nw_model_derived(plan->cache_nodes),
                                                     input->cache.price_per_h};
    const struct nw_model_cost_in in = {
        .at = "cost",
        .lines = lines,
        .line_count = count,
        .average_per_s = nw_model_derived(plan->average_per_s),
    };
    work->cost = nw_model_cost_sum(&in, work->steps);
    plan->cost_per_h = work->cost.per_h;
    plan->cost_month = work->cost.month;
    double budget = input->budget_month.value;
    if (budget > 0 && nw_model_is_above(plan->cost_month, budget))
        plan_find(work, NW_MODEL_UNMET, "budget.month", "it costs %s a month, the budget is %s",
                  plan_show(work, plan->cost_month, NW_MODEL_MONEY),
                  plan_show(work, budget, NW_MODEL_MONEY));
}

/* ---- availability ---- */

enum { FLEET_MAX = 100000 }; /* k of n is summed term by term */

/* A part named after a service is one of its nodes: the tier needs so many of those it has. */
static double tier_of(struct plan_work *work, const struct nw_model_part *part)
{
    for (unsigned i = 0; i < work->input->service_count; i++) {
        const struct nw_model_nodes *nodes = &work->services[i].nodes;
        if (strcmp(part->name, work->input->services[i].name) != 0 || nodes->reason != NULL ||
            nodes->nodes > FLEET_MAX)
            continue;
        const struct nw_model_nines_fleet_in in = {
            .at = work->services[i].in.at,
            .node = part->availability,
            .needed = nw_model_derived(nodes->needed),
            .nodes = nw_model_derived(nodes->nodes),
            .common_cause = work->input->common_cause,
        };
        return nw_model_nines_fleet(&in, work->steps);
    }
    return part->availability.value;
}

void plan_availability(struct plan_work *work)
{
    const struct nw_model_plan_input *input = work->input;
    if (!input->has_availability)
        return;
    struct nw_model_part *tiers = nw_arena_zero(work->arena, input->part_count * sizeof *tiers + 1);
    for (unsigned i = 0; i < input->part_count; i++) {
        double tier = tier_of(work, &input->parts[i]);
        tiers[i] = input->parts[i];
        if (tier != tiers[i].availability.value)
            tiers[i].availability = nw_model_derived(tier);
    }
    const struct nw_model_nines_in in = {
        .at = "availability",
        .target = input->availability_target,
        .parts = tiers,
        .part_count = input->part_count,
    };
    struct nw_model_nines nines = nw_model_nines_judge(&in, work->steps);
    if (nines.is_met || input->part_count == 0)
        return;
    plan_find(work, NW_MODEL_UNMET, "availability.target",
              "%.10g%% of the parts together is below the target of %.10g%%; the weakest is %s%s",
              nines.availability * 100, input->availability_target.value * 100,
              input->parts[nines.weakest_index].name,
              nw_model_is_above(input->availability_target.value, nines.best)
                  ? ", which misses it alone"
                  : "");
}

/* ---- staircase ---- */

/* The busiest database decides; several of them climb on their own, this shows the first. */
static const struct plan_database *busiest(const struct plan_work *work)
{
    const struct plan_database *most = &work->databases[0];
    for (unsigned i = 1; i < work->input->database_count; i++)
        if (work->databases[i].answer.reads_per_s + work->databases[i].answer.write_load_per_s >
            most->answer.reads_per_s + most->answer.write_load_per_s)
            most = &work->databases[i];
    return most;
}

static bool has_fast_burst(const struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->queue_count; i++)
        if (work->queues[i].has_burst && nw_model_is_above(work->queues[i].burst.peak_depth, 1))
            return true;
    return false;
}

void plan_stairs(struct plan_work *work)
{
    const struct plan_database *database = busiest(work);
    const struct nw_model_service *service = &work->input->services[0];
    const struct plan_service *at = &work->services[0];
    double one_node = at->in.has_usl ? at->in.usl_gamma_per_s
                                     : service->node_rate_per_s.value * service->efficiency.value;
    const struct nw_model_stairs_input in = {
        .one_node_per_s = one_node / (1 + service->margin.value),
        .peak_per_s = work->plan->services[0].peak_per_s,
        .read_load_per_s = database->answer.reads_per_s,
        .reads_per_s = database->answer.read_load_per_s,
        .writes_per_s = database->answer.write_load_per_s,
        .primary_reads_per_s = database->in.database->read_rate_per_s.value,
        .primary_writes_per_s = database->in.database->write_rate_per_s.value,
        .size_bytes = database->in.database->size_bytes.value,
        .size_max_bytes = database->in.database->size_max_bytes.value,
        .has_cache = work->plan->hit_ratio > 0,
        .has_queue = work->input->queue_count > 0,
        .is_burst_beyond_drain = has_fast_burst(work),
        .far_p50_s = work->far_s,
        .has_regions = work->input->region_count > 0,
    };
    nw_model_stairs_judge(&in, &work->plan->stairs);
}
