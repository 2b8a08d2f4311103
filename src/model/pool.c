/*
 * Adding servers adds pools, and a database that is full answers the next one with an error. The
 * count at which that happens is known beforehand.
 */
#include "model/pool.h"

#include <math.h>

#include "base/assert.h"
#include "model/constants.h"

/* Downward, with the tolerance of nw_model_ceil. */
static double floor_of(double x)
{
    return -nw_model_ceil(-x);
}

static void show(const struct nw_model_pool_in *in, const struct nw_model_pool *out,
                 struct nw_model_steps *steps)
{
    struct nw_model_operand pool = nw_model_operand("pool", NW_MODEL_COUNT, in->pool);
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "pool_wanted"),
                   .formula = in->nodes.value == 1 ? "{0} node x {1}" : "{0+} x {1}",
                   .operands = {nw_model_operand("nodes", NW_MODEL_COUNT, in->nodes), pool},
                   .operand_count = 2,
                   .exact = out->wanted,
                   .unit = NW_MODEL_COUNT,
                   .what = out->is_within ? "connections" : "connections: more than there are",
               });
    struct nw_model_quantity reserved = nw_model_constant_quantity(NW_MODEL_C_RESERVED_CONNECTIONS);
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "pool_wall_nodes"),
                   .formula = "({0} - {1}) / {2}, downward",
                   .operands = {nw_model_operand("connections", NW_MODEL_COUNT, in->connections),
                                nw_model_operand("reserved", NW_MODEL_COUNT, reserved), pool},
                   .operand_count = 3,
                   .exact = out->usable / in->pool.value,
                   .rounded = out->wall_nodes,
                   .is_rounded = true,
                   .unit = NW_MODEL_COUNT,
                   .what = "nodes: there stands the wall",
               });
}

struct nw_model_pool nw_model_pool_check(const struct nw_model_pool_in *in,
                                         struct nw_model_steps *steps)
{
    NW_ASSERT(in->pool.value > 0 && in->connections.value >= 0 && in->nodes.value >= 0);
    double reserved = nw_model_constant_value(NW_MODEL_C_RESERVED_CONNECTIONS);
    struct nw_model_pool out = {
        .wanted = in->nodes.value * in->pool.value,
        .usable = fmax(0, in->connections.value - reserved),
    };
    out.wall_nodes = floor_of(out.usable / in->pool.value);
    out.is_within = !nw_model_is_above(out.wanted, out.usable);
    if (in->nodes.value > 0)
        out.pool_max = floor_of(out.usable / in->nodes.value);
    if (steps)
        show(in, &out, steps);
    return out;
}

void nw_model_pool_limit(double pool, double held_s, double users, double *out_rate_per_s,
                         double *out_wait_s)
{
    NW_ASSERT(pool > 0 && held_s > 0 && users >= 0);
    *out_rate_per_s = pool / held_s;
    *out_wait_s = users / *out_rate_per_s;
}
