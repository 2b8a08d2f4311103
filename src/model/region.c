/*
 * Light sets a floor that no provider beats, but it is lower than people quote: most of a long
 * round trip is the way the cables and routers take (X17). Both floors are printed, so that nobody
 * waits for physics to improve or blames it for routing.
 */
#include "model/region.h"

#include "base/assert.h"
#include "model/constants.h"

/* Round trip over the distance. */
static double vacuum_s(double distance_km)
{
    NW_ASSERT(distance_km >= 0);
    return 2 * distance_km / nw_model_constant_value(NW_MODEL_C_LIGHT_SPEED);
}

double nw_model_region_fibre_s(double distance_km)
{
    return vacuum_s(distance_km) * nw_model_constant_value(NW_MODEL_C_FIBRE_INDEX);
}

static void show_calls(const struct nw_model_region_in *in, const char *leaf, const char *label,
                       const char *name, struct nw_model_quantity each_s, double total_s,
                       const char *what, struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, leaf),
                   .label = label,
                   .formula = "{0+} x {1}",
                   .operands = {nw_model_operand("calls", NW_MODEL_COUNT, in->region->calls),
                                nw_model_operand(name, NW_MODEL_SECONDS, each_s)},
                   .operand_count = 2,
                   .exact = total_s,
                   .unit = NW_MODEL_SECONDS,
                   .what = what,
               });
}

static void show_gain(const struct nw_model_region_in *in, const struct nw_model_region_answer *out,
                      struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "gain_s"),
                   .formula = "{0} - {1}",
                   .operands = {nw_model_operand("rtt", NW_MODEL_SECONDS, in->region->rtt_s),
                                nw_model_operand("local", NW_MODEL_SECONDS, in->region->local_s)},
                   .operand_count = 2,
                   .exact = out->gain_s,
                   .unit = NW_MODEL_SECONDS,
                   .what = out->fires ? "less for each call: a region is worth a thought"
                                      : "less for each call",
               });
}

static void show_floor(const struct nw_model_region_in *in,
                       const struct nw_model_region_answer *out, struct nw_model_steps *steps)
{
    double speed = nw_model_constant_value(NW_MODEL_C_LIGHT_SPEED) /
                   nw_model_constant_value(NW_MODEL_C_FIBRE_INDEX);
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "floor_s"),
            .formula = "2 x {0} / {1} km/s",
            .operands = {nw_model_operand("distance", NW_MODEL_KM, in->region->distance_km),
                         {"light in fibre", speed, NW_MODEL_COUNT, NW_MODEL_ASSUMED}},
            .operand_count = 2,
            .exact = out->fibre_s,
            .unit = NW_MODEL_SECONDS,
            .what = out->is_below_physics ? "in fibre at least: the stated rtt is shorter than that"
                                          : "in fibre at least; the rest is routing",
        });
}

struct nw_model_region_answer nw_model_region_judge(const struct nw_model_region_in *in,
                                                    struct nw_model_steps *steps)
{
    const struct nw_model_region *region = in->region;
    NW_ASSERT(region->rtt_s.value >= 0 && region->local_s.value >= 0 && region->calls.value >= 0);
    struct nw_model_region_answer out = {
        .far_s = region->calls.value * region->rtt_s.value,
        .near_s = region->calls.value * region->local_s.value,
        .gain_s = region->rtt_s.value - region->local_s.value,
        .vacuum_s = vacuum_s(region->distance_km.value),
        .fibre_s = nw_model_region_fibre_s(region->distance_km.value),
        .fires = nw_model_is_above(region->rtt_s.value,
                                   nw_model_constant_value(NW_MODEL_C_REGION_TRIGGER)),
    };
    out.is_below_physics = nw_model_is_above(out.fibre_s, region->rtt_s.value);
    if (!steps)
        return out;
    show_calls(in, "far_s", region->name, "rtt", region->rtt_s, out.far_s, "from there", steps);
    show_calls(in, "near_s", NULL, "local", region->local_s, out.near_s, "with a region there",
               steps);
    show_gain(in, &out, steps);
    if (region->distance_km.value > 0)
        show_floor(in, &out, steps);
    return out;
}
