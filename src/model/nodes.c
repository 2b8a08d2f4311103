/*
 * One division, rounded once. The guides round in two places (nodes first, then the margin on whole
 * nodes), which buys up to a node more or less by accident; their count is computed beside ours so
 * that a report can say by how much they differ.
 *
 * Connections are a second demand on the same machines, not an addition: size for both, take the
 * larger. Zones replace the spare: with whole zones left over a single node is covered as well.
 */
#include "model/nodes.h"

#include <math.h>

#include "base/assert.h"
#include "model/usl.h"

double nw_model_nodes_for_zones(double needed, double zones)
{
    NW_ASSERT(needed >= 0 && zones >= 2);
    return zones * nw_model_ceil(needed / (zones - 1));
}

double nw_model_nodes_rounded_twice(double peak_per_s, double capacity_per_s, double margin)
{
    NW_ASSERT(peak_per_s >= 0 && capacity_per_s > 0 && margin >= 0);
    return nw_model_ceil(nw_model_ceil(peak_per_s / capacity_per_s) * (1 + margin));
}

double nw_model_nodes_efficiency(double nodes, double rate_per_s, double single_per_s)
{
    double linear_per_s = nodes * single_per_s;
    return linear_per_s > 0 ? rate_per_s / linear_per_s : 0;
}

static double demand_per_s(const struct nw_model_nodes_in *in)
{
    return in->peak_per_s.value * (1 + in->margin.value);
}

static struct nw_model_operand margin_operand(const struct nw_model_nodes_in *in)
{
    return (struct nw_model_operand){"1 + margin", 1 + in->margin.value, NW_MODEL_NUMBER,
                                     in->margin.origin};
}

static void count_by_rate(const struct nw_model_nodes_in *in, struct nw_model_nodes *out)
{
    double capacity_per_s = in->node_rate_per_s.value * in->efficiency.value;
    NW_ASSERT(capacity_per_s > 0);
    out->base_exact = demand_per_s(in) / in->node_rate_per_s.value;
    out->base = nw_model_ceil(out->base_exact);
    out->production_exact = demand_per_s(in) / capacity_per_s;
    out->by_rate = nw_model_ceil(out->production_exact);
    out->double_rounded =
        nw_model_nodes_rounded_twice(in->peak_per_s.value, capacity_per_s, in->margin.value);
    if (in->average_per_s.value > 0) {
        out->average_exact = in->average_per_s.value * (1 + in->margin.value) / capacity_per_s;
        out->average = nw_model_ceil(out->average_exact);
    }
}

/* The smallest fleet that the law lets reach the rate; 0 and the highest one if there is none. */
static double law_nodes(const struct nw_model_usl *law, double rate_per_s,
                        struct nw_model_nodes *out)
{
    uint64_t nodes;
    double reached_per_s;
    nw_model_usl_reach reach = nw_model_usl_nodes_for(law, rate_per_s, &nodes, &reached_per_s);
    if (reach == NW_MODEL_USL_REACHED)
        return (double)nodes;
    NW_ASSERT(reach != NW_MODEL_USL_INVALID);
    out->reason = nw_model_usl_reach_name(reach);
    out->reachable_per_s = reached_per_s;
    out->reachable_nodes = (double)nodes;
    return 0;
}

static void count_by_law(const struct nw_model_nodes_in *in, struct nw_model_nodes *out)
{
    const struct nw_model_usl law = {in->usl_gamma_per_s, in->usl_alpha, in->usl_beta};
    out->base_exact = demand_per_s(in) / law.gamma_per_s;
    out->base = nw_model_ceil(out->base_exact);
    out->by_rate = law_nodes(&law, demand_per_s(in), out);
    if (out->reason || in->average_per_s.value <= 0)
        return;
    out->average_exact = law_nodes(&law, in->average_per_s.value * (1 + in->margin.value), out);
    out->average = out->average_exact;
}

static double capacity_of(const struct nw_model_nodes_in *in, double nodes)
{
    const struct nw_model_usl law = {in->usl_gamma_per_s, in->usl_alpha, in->usl_beta};
    if (in->has_usl)
        return nw_model_usl_rate_per_s(&law, fmin(nodes, NW_MODEL_USL_NODES_MAX));
    return nodes * in->node_rate_per_s.value * in->efficiency.value;
}

static void finish(const struct nw_model_nodes_in *in, struct nw_model_nodes *out)
{
    if (in->connected.value > 0) {
        NW_ASSERT(in->connections.value > 0);
        out->by_connections = nw_model_ceil(in->connected.value / in->connections.value);
    }
    if (out->reason)
        return;
    out->is_by_connections = out->by_connections > out->by_rate;
    out->needed = fmax(1, fmax(out->by_rate, out->by_connections));
    out->nodes = in->zones.value >= 2 ? nw_model_nodes_for_zones(out->needed, in->zones.value)
                                      : out->needed + in->spare.value;
    out->spare = out->nodes - out->needed;
    double bears_per_s = capacity_of(in, out->nodes);
    out->utilisation = in->peak_per_s.value / bears_per_s;
    if (in->has_usl && nw_model_is_above(out->utilisation, 1)) { /* beyond the peak more do less */
        out->reason = nw_model_usl_reach_name(NW_MODEL_USL_BEYOND_PEAK);
        out->reachable_per_s = bears_per_s;
        out->reachable_nodes = out->nodes;
    }
}

static bool has_own_line(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out)
{
    return in->zones.value >= 2 || out->is_by_connections || out->needed > out->by_rate ||
           out->reason != NULL;
}

/* "nodes, 55 with 1 spare": the total rides on the line that counts the nodes, if it can. */
static const char *total_text(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                              struct nw_model_steps *steps)
{
    const char *noun = out->by_rate == 1 ? "node" : "nodes";
    if (out->spare == 0 || has_own_line(in, out))
        return noun;
    struct nw_text all = {0}, spare = {0};
    nw_model_unit_print(&all, out->nodes, NW_MODEL_COUNT, NULL);
    nw_model_unit_print(&spare, out->spare, NW_MODEL_COUNT, NULL);
    const char *text = nw_model_steps_text(steps, "%s, %s with %s spare", noun, all.ptr, spare.ptr);
    nw_text_done(&all);
    nw_text_done(&spare);
    return text;
}

/* What is 1 is left out. */
static const char *formula_of(const struct nw_model_nodes_in *in)
{
    if (in->efficiency.value == 1)
        return in->margin.value == 0 ? "{0} / {2}" : "{0} x {1} / {2}";
    return in->margin.value == 0 ? "{0} / ({2} x {3})" : "{0} x {1} / ({2} x {3})";
}

static void show_rate(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                      struct nw_model_steps *steps)
{
    struct nw_model_operand peak = nw_model_operand("peak", NW_MODEL_PER_S, in->peak_per_s);
    struct nw_model_operand rate =
        nw_model_operand("node_rate", NW_MODEL_PER_S, in->node_rate_per_s);
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "nodes_production"),
                   .label = in->label,
                   .formula = formula_of(in),
                   .operands = {peak, margin_operand(in), rate,
                                nw_model_operand("efficiency", NW_MODEL_RATIO, in->efficiency)},
                   .operand_count = 4,
                   .exact = out->production_exact,
                   .rounded = out->by_rate,
                   .is_rounded = true,
                   .unit = NW_MODEL_COUNT,
                   .what = total_text(in, out, steps),
               });
}

static const char *highest_text(const struct nw_model_nodes *out, struct nw_model_steps *steps)
{
    struct nw_text rate = {0};
    nw_model_unit_print(&rate, out->reachable_per_s, NW_MODEL_PER_S, NULL);
    const char *text = nw_model_steps_text(steps, "the highest is %s with %.0f nodes", rate.ptr,
                                           out->reachable_nodes);
    nw_text_done(&rate);
    return text;
}

static void show_law(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                     struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "nodes_law"),
            .label = in->label,
            .formula = in->margin.value == 0
                           ? "least N with {2} N / (1 + {3} (N - 1) + {4} N (N - 1)) >= {0}"
                           : "least N with {2} N / (1 + {3} (N - 1) + {4} N (N - 1)) >= {0} x {1}",
            .operands = {nw_model_operand("peak", NW_MODEL_PER_S, in->peak_per_s),
                         margin_operand(in),
                         nw_model_operand_derived("gamma", NW_MODEL_PER_S, in->usl_gamma_per_s),
                         nw_model_operand_derived("alpha", NW_MODEL_NUMBER, in->usl_alpha),
                         nw_model_operand_derived("beta", NW_MODEL_NUMBER, in->usl_beta)},
            .operand_count = 5,
            .exact = out->by_rate,
            .unit = NW_MODEL_COUNT,
            .what = out->by_rate > 0 ? total_text(in, out, steps) : highest_text(out, steps),
            .reason = out->by_rate > 0 ? NULL : out->reason,
        });
}

static void show_connections(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                             struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "nodes_connections"),
                   .formula = "{0+} / {1}",
                   .operands = {nw_model_operand("connected", NW_MODEL_COUNT, in->connected),
                                nw_model_operand("connections", NW_MODEL_COUNT, in->connections)},
                   .operand_count = 2,
                   .exact = in->connected.value / in->connections.value,
                   .rounded = out->by_connections,
                   .is_rounded = true,
                   .unit = NW_MODEL_COUNT,
                   .what = out->is_by_connections ? "nodes by connections: this decides"
                                                  : "nodes by connections",
               });
}

/* Whole zones or the spare, on top of what is needed. */
static void show_total(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                       struct nw_model_steps *steps)
{
    bool has_zones = in->zones.value >= 2;
    struct nw_model_operand needed =
        nw_model_operand_derived("needed", NW_MODEL_COUNT, out->needed);
    struct nw_model_step step = {
        .path = nw_model_steps_path(steps, in->at, "nodes"),
        .formula = has_zones ? "{1} x ceil({0} / {2})" : "{0} + {1+}",
        .operands = {needed, has_zones ? nw_model_operand("zones", NW_MODEL_COUNT, in->zones)
                                       : nw_model_operand("spare", NW_MODEL_COUNT, in->spare)},
        .operand_count = 2,
        .exact = out->nodes,
        .unit = NW_MODEL_COUNT,
        .what = has_zones ? "nodes: any one zone may be lost" : "nodes with the spare",
        .reason = out->reason,
        .is_quiet = !has_own_line(in, out),
    };
    if (has_zones)
        step.operands[step.operand_count++] =
            nw_model_operand_derived("zones - 1", NW_MODEL_COUNT, in->zones.value - 1);
    nw_model_steps_add(steps, &step);
}

static void show_average(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                         struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "nodes_average"),
            .formula = in->has_usl ? "by the law for {0} x {1}" : formula_of(in),
            .operands = {nw_model_operand("average", NW_MODEL_PER_S, in->average_per_s),
                         margin_operand(in),
                         nw_model_operand("node_rate", NW_MODEL_PER_S, in->node_rate_per_s),
                         nw_model_operand("efficiency", NW_MODEL_RATIO, in->efficiency)},
            .operand_count = in->has_usl ? 2 : 4,
            .exact = out->average_exact,
            .rounded = out->average,
            .is_rounded = true,
            .unit = NW_MODEL_COUNT,
            .what = out->average == 1 ? "node at the average rate" : "nodes at the average rate",
        });
}

static void show(const struct nw_model_nodes_in *in, const struct nw_model_nodes *out,
                 struct nw_model_steps *steps)
{
    if (in->has_usl)
        show_law(in, out, steps);
    else
        show_rate(in, out, steps);
    if (out->by_connections > 0)
        show_connections(in, out, steps);
    if (out->reason && out->by_rate == 0)
        return;
    show_total(in, out, steps);
    if (out->average > 0)
        show_average(in, out, steps);
}

struct nw_model_nodes nw_model_nodes_count(const struct nw_model_nodes_in *in,
                                           struct nw_model_steps *steps)
{
    struct nw_model_nodes out = {0};
    NW_ASSERT(in->peak_per_s.value >= 0 && in->margin.value >= 0);
    if (in->has_usl)
        count_by_law(in, &out);
    else
        count_by_rate(in, &out);
    finish(in, &out);
    if (steps)
        show(in, &out, steps);
    return out;
}
