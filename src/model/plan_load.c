/*
 * Who sends how much: the load as a whole, then each route's part of it.
 *
 * A route states its part per user or as a share. Where the load is in users, a share is turned
 * into what one user would have to do for it, so that one sum serves both. Where it is in requests,
 * what the shares leave is divided among the other routes by what their users do, or equally.
 */
#include "base/assert.h"
#include "model/constants.h"
#include "model/plan_impl.h"

struct parts {
    double shares;   /* of routes with a share */
    double per_user; /* of the others, together */
    unsigned others;
};

static struct parts parts_of(const struct nw_model_plan_input *input)
{
    struct parts parts = {0};
    for (unsigned i = 0; i < input->route_count; i++) {
        const struct nw_model_route *route = &input->routes[i];
        if (route->has_share) {
            parts.shares += route->share.value;
        } else {
            parts.per_user += route->per_user_per_s.value;
            parts.others++;
        }
    }
    return parts;
}

/* The route's part of all requests, 0..1. */
static double part_of(const struct nw_model_route *route, const struct parts *parts)
{
    double left = parts->shares < 1 ? 1 - parts->shares : 0;
    if (route->has_share)
        return parts->others > 0 || parts->shares <= 1 ? route->share.value
                                                       : route->share.value / parts->shares;
    if (parts->per_user > 0)
        return left * route->per_user_per_s.value / parts->per_user;
    return left / parts->others;
}

/* What users do, for the sum: a share counts as what it amounts to for one of them. */
static unsigned actions_of(struct plan_work *work, const struct parts *parts,
                           struct nw_model_action *actions)
{
    const struct nw_model_plan_input *input = work->input;
    for (unsigned i = 0; i < input->route_count; i++) {
        const struct nw_model_route *route = &input->routes[i];
        actions[i] = (struct nw_model_action){route->name, route->per_user_per_s};
        if (route->has_share)
            actions[i].per_user_per_s = nw_model_derived(
                parts->shares < 1 ? parts->per_user * route->share.value / (1 - parts->shares) : 0);
    }
    return input->route_count;
}

static double read_share_of(const struct nw_model_plan_input *input,
                            const struct nw_model_route *route)
{
    switch (route->kind) {
    case NW_MODEL_ROUTE_READ: return 1;
    case NW_MODEL_ROUTE_WRITE: return 0;
    case NW_MODEL_ROUTE_MIXED: break;
    }
    return input->read_share.value;
}

static void cap_hits(struct plan_work *work, unsigned index)
{
    const struct nw_model_route *route = &work->input->routes[index];
    struct plan_route *at = &work->routes[index];
    if (route->cached.value == 0 || at->read_share == 0)
        return;
    const struct nw_model_cache_hit_in in = {
        .at = plan_at(work, "routes", route->name),
        .stated = route->cached,
        .per_key_per_s = work->input->cache.per_key_per_s,
        .ttl_s = work->input->cache.ttl_s,
    };
    struct nw_model_cache_hit hit = nw_model_cache_cap(&in, work->steps);
    at->hit_ratio = hit.hit_ratio;
    if (nw_model_is_above(route->cached.value, hit.hit_ratio))
        plan_find(work, NW_MODEL_WARNING, in.at,
                  "%s of its reads cannot hit: with this TTL and rate per key %s is the ceiling, "
                  "and the plan reckons with that",
                  plan_show(work, route->cached.value, NW_MODEL_RATIO),
                  plan_show(work, hit.ttl_ceiling, NW_MODEL_RATIO));
}

/* Means over all requests, so that the bytes of the whole are those of the routes together. */
static void count_bytes(struct plan_work *work, const double *parts)
{
    double request = 0, answer = 0, log = 0;
    for (unsigned i = 0; i < work->input->route_count; i++) {
        const struct nw_model_route *route = &work->input->routes[i];
        request += parts[i] * route->request_bytes.value;
        answer += parts[i] * route->answer_bytes.value;
        log += parts[i] * route->log_bytes.value;
    }
    const struct nw_model_traffic_in in = {
        .at = "load",
        .average_per_s = nw_model_derived(work->volume.average_per_s),
        .peak_per_s = nw_model_derived(work->volume.peak_per_s),
        .request_bytes = nw_model_derived(request),
        .answer_bytes = nw_model_derived(answer),
        .log_bytes = nw_model_derived(log),
        .retention_s = nw_model_constant_quantity(NW_MODEL_C_LOG_RETENTION),
    };
    work->traffic = nw_model_traffic_count(&in, work->steps);
}

void plan_load(struct plan_work *work)
{
    const struct nw_model_plan_input *input = work->input;
    struct parts parts = parts_of(input);
    struct nw_model_action *actions =
        nw_arena_zero(work->arena, input->route_count * sizeof *actions);
    double *shares = nw_arena_zero(work->arena, input->route_count * sizeof *shares);
    const struct nw_model_volume_in in = {
        .load = &input->load,
        .actions = actions,
        .action_count =
            input->load.kind == NW_MODEL_LOAD_USERS ? actions_of(work, &parts, actions) : 0,
    };
    work->volume = nw_model_volume_count(&in, work->steps);
    work->plan->average_per_s = work->volume.average_per_s;
    work->plan->peak_per_s = work->volume.peak_per_s;
    double reads = 0, hits = 0;
    for (unsigned i = 0; i < input->route_count; i++) {
        struct plan_route *route = &work->routes[i];
        shares[i] = part_of(&input->routes[i], &parts);
        route->average_per_s = work->volume.average_per_s * shares[i];
        route->peak_per_s = work->volume.peak_per_s * shares[i];
        route->read_share = read_share_of(input, &input->routes[i]);
        cap_hits(work, i);
        reads += route->peak_per_s * route->read_share;
        hits += route->peak_per_s * route->read_share * route->hit_ratio;
    }
    work->plan->hit_ratio = reads > 0 ? hits / reads : 0;
    count_bytes(work, shares);
}
