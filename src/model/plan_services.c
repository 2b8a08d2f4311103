/*
 * Nodes of each service: by rate, by connections, with spare or by zones; then which way to grow.
 *
 * The guide's question "up or out" takes growth as projected over current. Here "current" is what
 * one node bears and "projected" the peak with its margin: the question then reads "would one
 * bigger machine do", which has an answer for a plan that starts from nothing.
 */
#include <math.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "model/plan_impl.h"
#include "model/queueing.h"
#include "model/usl.h"

/* The law of measured points; false where they do not bear one. */
static bool fit_measured(struct plan_work *work, const struct nw_model_service *service,
                         struct nw_model_usl *out)
{
    struct nw_model_usl_point points[NW_MODEL_MEASURED_MAX];
    for (unsigned i = 0; i < service->measured_count; i++)
        points[i] = (struct nw_model_usl_point){service->measured[i].nodes,
                                                service->measured[i].rate_per_s};
    return nw_model_usl_fit_law(points, service->measured_count, out) == NW_OK;
}

/* Says how far the measured points may be trusted. */
static void judge_measured(struct plan_work *work, const struct nw_model_service *service,
                           const char *at, double nodes)
{
    struct nw_model_usl_point points[NW_MODEL_MEASURED_MAX];
    double most = 0;
    for (unsigned i = 0; i < service->measured_count; i++) {
        points[i] = (struct nw_model_usl_point){service->measured[i].nodes,
                                                service->measured[i].rate_per_s};
        most = fmax(most, points[i].nodes);
    }
    struct nw_model_usl_fit *fit = nw_alloc(sizeof *fit); /* 10 KB: not for a stack */
    nw_err err = nw_model_usl_fit(points, service->measured_count, 1, fit);
    if (err != NW_OK)
        plan_find(work, NW_MODEL_WARNING, at,
                  "%u measured points say nothing about how sure the law is: measure at four node "
                  "counts or more",
                  service->measured_count);
    else if (nodes > 2 * most)
        plan_find(work, NW_MODEL_WARNING, at,
                  "%.0f nodes are more than twice the most that was measured (%.0f): measure at "
                  "%.0f or more",
                  nodes, most, fmax(fit->measure_nodes, most + 1));
    nw_free(fit);
}

static void use_law(struct plan_work *work, const struct nw_model_service *service,
                    struct nw_model_nodes_in *in)
{
    struct nw_model_usl law = {service->usl_gamma_per_s, service->usl_alpha, service->usl_beta};
    if (service->efficiency_kind == NW_MODEL_EFFICIENCY_RATIO)
        return;
    if (service->efficiency_kind == NW_MODEL_EFFICIENCY_MEASURED &&
        !fit_measured(work, service, &law)) {
        plan_find(work, NW_MODEL_WARNING, in->at,
                  "the measured points do not bear a scalability law (three different node counts "
                  "are needed): node_rate and the default efficiency are used");
        return;
    }
    in->has_usl = true;
    in->usl_gamma_per_s = law.gamma_per_s;
    in->usl_alpha = law.alpha;
    in->usl_beta = law.beta;
}

static void count_nodes(struct plan_work *work, unsigned index)
{
    const struct nw_model_service *service = &work->input->services[index];
    struct plan_service *at = &work->services[index];
    struct nw_model_plan_service *out = &work->plan->services[index];
    double peak = 0;
    for (unsigned i = 0; i < work->input->route_count; i++) {
        if (work->input->routes[i].service_index != (int)index)
            continue;
        at->average_per_s += work->routes[i].average_per_s;
        peak += work->routes[i].peak_per_s;
    }
    at->in = (struct nw_model_nodes_in){
        .at = plan_at(work, "services", service->name),
        .label = service->name,
        .average_per_s = nw_model_derived(at->average_per_s),
        .peak_per_s = nw_model_derived(peak),
        .node_rate_per_s = service->node_rate_per_s,
        .efficiency = service->efficiency,
        .margin = service->margin,
        .spare = service->spare,
        .zones = service->zones,
        .connected = index == 0 ? work->input->load.connected : nw_model_derived(0),
        .connections = service->connections,
    };
    use_law(work, service, &at->in);
    at->nodes = nw_model_nodes_count(&at->in, work->steps);
    *out = (struct nw_model_plan_service){
        .name = service->name,
        .peak_per_s = peak,
        .nodes = at->nodes.nodes,
        .nodes_needed = at->nodes.needed,
        .cost_per_h = at->nodes.nodes * service->price_per_h.value,
    };
    if (at->nodes.reason != NULL && at->nodes.by_rate > 0) {
        out->nodes = out->nodes_needed = out->cost_per_h = 0;
        plan_find(work, NW_MODEL_UNMET, at->in.at,
                  "%.0f nodes would do for the rate, but connections, zones or the spare ask for "
                  "%.0f, and by the scalability law those bear %s together, less than %s at peak",
                  at->nodes.by_rate, at->nodes.reachable_nodes,
                  plan_show(work, at->nodes.reachable_per_s, NW_MODEL_PER_S),
                  plan_show(work, peak, NW_MODEL_PER_S));
    } else if (at->nodes.reason != NULL) {
        out->nodes = 0;
        work->plan->nodes_reason = at->nodes.reason;
        plan_find(work, NW_MODEL_UNMET, at->in.at,
                  "no number of nodes reaches %s with the margin: the scalability law's highest is "
                  "%s at %.0f nodes; beyond it more nodes do less",
                  plan_show(work, peak * (1 + service->margin.value), NW_MODEL_PER_S),
                  plan_show(work, at->nodes.reachable_per_s, NW_MODEL_PER_S),
                  at->nodes.reachable_nodes);
    } else if (service->efficiency_kind == NW_MODEL_EFFICIENCY_MEASURED && work->steps != NULL) {
        judge_measured(work, service, at->in.at, at->nodes.needed);
    }
    work->plan->nodes += out->nodes;
    work->plan->nodes_needed += at->nodes.reason == NULL ? at->nodes.needed : 0;
}

static void choose_way(struct plan_work *work, unsigned index)
{
    static const struct {
        const char *name;
        const char *words;
    } ways[] = {
        [NW_MODEL_SCALE_UP] = {"SCALE_UP", "one bigger machine would do"},
        [NW_MODEL_REFACTOR_FIRST] = {"REFACTOR_FIRST", "several nodes, once nodes keep no state"},
        [NW_MODEL_SCALE_OUT] = {"SCALE_OUT", "several nodes"},
    };
    const struct nw_model_service *service = &work->input->services[index];
    struct plan_service *at = &work->services[index];
    struct nw_model_plan_service *out = &work->plan->services[index];
    struct nw_model_choice choice = {
        .path = at->in.at,
        .name = "ONE_NODE",
        .one = "one node bears the peak",
        .why = "the peak with its margin is within what one node bears",
    };
    double one_node = at->in.has_usl ? at->in.usl_gamma_per_s : service->node_rate_per_s.value;
    if (one_node > 0 && at->nodes.needed > 1) {
        const struct nw_model_decide_in in = {
            .at = at->in.at,
            .current_per_s = nw_model_derived(one_node),
            .projected_per_s = nw_model_derived(out->peak_per_s * (1 + service->margin.value)),
            .has_bigger = service->has_bigger,
            .stateless = service->stateless,
        };
        struct nw_model_decision decision = nw_model_decide(&in, work->steps);
        out->move = decision.move;
        choice.name = ways[decision.move].name;
        choice.one = ways[decision.move].words;
        choice.why = decision.why;
    }
    if (at->nodes.reason == NULL)
        plan_choose(work, &choice);
    if (choice.name[0] == 'R' && service->stateless == NW_MODEL_UNKNOWN)
        plan_find(work, NW_MODEL_WARNING, at->in.at,
                  "nobody said whether it keeps state: test it (kill a node in mid-session), then "
                  "state services.%s.stateless",
                  service->name);
}

static void price_alternatives(struct plan_work *work, unsigned index)
{
    const struct nw_model_service *service = &work->input->services[index];
    struct plan_service *at = &work->services[index];
    if (at->nodes.reason != NULL || at->in.has_usl || work->steps == NULL)
        return;
    if (service->has_bigger && at->nodes.needed > 1) {
        const struct nw_model_bigger_in in = {
            .at = at->in.at,
            .nodes_exact = nw_model_derived(at->nodes.production_exact),
            .price_per_h = service->price_per_h,
            .bigger_factor = service->bigger_factor,
            .bigger_price_per_h = service->bigger_price_per_h,
        };
        nw_model_cost_bigger(&in, work->steps);
    }
    if (at->average_per_s > 0 && at->nodes.needed > 1) {
        const struct nw_model_autoscale_in in = {
            .at = at->in.at,
            .average_per_s = at->in.average_per_s,
            .peak_per_s = at->in.peak_per_s,
            .capacity_per_s =
                nw_model_derived(service->node_rate_per_s.value * service->efficiency.value),
            .margin = service->margin,
            .spare = service->spare,
            .price_per_h = service->price_per_h,
        };
        nw_model_cost_autoscale(&in, work->steps);
    }
}

/* Nodes as one queue with as many servers (M/M/c): how long the slowest hundredth waits. */
static void add_wait(struct plan_work *work, unsigned index, double nodes, const char *leaf,
                     const char *what)
{
    struct nw_model_plan_service *out = &work->plan->services[index];
    const struct nw_model_nodes_in *in = &work->services[index].in;
    double rate = in->node_rate_per_s.value * in->efficiency.value;
    struct nw_model_mmc mmc;
    struct nw_model_step step = {
        .path = nw_arena_printf(work->arena, "%s.%s", in->at, leaf).ptr,
        .formula =
            nodes == 1 ? "p99 wait of {0}, {1} node of {2}" : "p99 wait of {0}, {1} nodes of {2}",
        .operands = {{"peak", out->peak_per_s, NW_MODEL_PER_S, NW_MODEL_DERIVED},
                     {"N", nodes, NW_MODEL_COUNT, NW_MODEL_DERIVED},
                     {"node_rate x efficiency", rate, NW_MODEL_PER_S, NW_MODEL_DERIVED}},
        .operand_count = 3,
        .unit = NW_MODEL_SECONDS,
        .what = what,
        .fact = "L1",
    };
    if (nodes < 1 || nodes > NW_MODEL_SERVERS_MAX)
        return;
    nw_model_queue_verdict verdict =
        nw_model_mmc_solve((uint64_t)nodes, out->peak_per_s, rate, &mmc);
    if (verdict == NW_MODEL_QUEUE_INVALID)
        return;
    struct nw_model_plan_wait *wait = &out->waits[out->wait_count++];
    *wait = (struct nw_model_plan_wait){.nodes = nodes, .utilisation = mmc.utilisation};
    if (verdict == NW_MODEL_QUEUE_UNSTABLE)
        step.reason = "unstable";
    else
        step.exact = step.rounded = wait->wait_s_p99 = nw_model_mmc_wait_s_quantile(&mmc, 0.99);
    nw_model_steps_add(work->steps, &step);
}

static void show_waits(struct plan_work *work, unsigned index)
{
    const struct plan_service *at = &work->services[index];
    double capacity = at->in.node_rate_per_s.value * at->in.efficiency.value;
    if (work->steps == NULL || at->in.has_usl || at->nodes.reason != NULL || capacity <= 0)
        return;
    double bare = nw_model_ceil(work->plan->services[index].peak_per_s / capacity);
    if (bare < at->nodes.needed)
        add_wait(work, index, bare, "wait_s_p99_bare", "without margin");
    add_wait(work, index, at->nodes.needed, "wait_s_p99", "with the margin: that is what it buys");
    if (at->nodes.nodes > at->nodes.needed)
        add_wait(work, index, at->nodes.nodes, "wait_s_p99_spare",
                 at->in.zones.value >= 2 ? "while all zones run" : "while the spare runs too");
}

void plan_services(struct plan_work *work)
{
    for (unsigned i = 0; i < work->input->service_count; i++) {
        count_nodes(work, i);
        choose_way(work, i);
        show_waits(work, i);
        price_alternatives(work, i);
    }
}
