/*
 * The law itself. X rises up to N* and falls behind it, so "how many nodes for this rate" is a
 * bisection over whole numbers from 1 to the better neighbour of N*: 30 evaluations, no root of a
 * quadratic that cancels where alpha or beta is small.
 */
#include "model/usl.h"

#include <math.h>

#include "base/assert.h"

#define ENOUGH (1 - 1e-9) /* as everywhere where a rate is compared with a bound */

const char *nw_model_usl_reach_name(nw_model_usl_reach reach)
{
    switch (reach) {
    case NW_MODEL_USL_REACHED: return "reached";
    case NW_MODEL_USL_BEYOND_PEAK: return "beyond-peak";
    case NW_MODEL_USL_BEYOND_LIMIT: return "beyond-limit";
    case NW_MODEL_USL_INVALID: break;
    }
    return "invalid";
}

double nw_model_usl_rate_per_s(const struct nw_model_usl *law, double nodes)
{
    NW_ASSERT(law->gamma_per_s >= 1e-150 && law->gamma_per_s <= 1e150);
    NW_ASSERT(law->alpha >= 0 && law->alpha <= 1e100 && law->beta >= 0 && law->beta <= 1e100);
    NW_ASSERT(nodes >= 1 && nodes <= NW_MODEL_USL_NODES_MAX);
    return law->gamma_per_s * nodes /
           (1 + law->alpha * (nodes - 1) + law->beta * nodes * (nodes - 1));
}

double nw_model_usl_efficiency(const struct nw_model_usl *law, double nodes)
{
    return nw_model_usl_rate_per_s(law, nodes) / (nodes * law->gamma_per_s);
}

bool nw_model_usl_peak(const struct nw_model_usl *law, double *out_nodes, double *out_rate_per_s)
{
    double nodes = 1;
    if (law->alpha < 1) {
        double square = 1 - law->alpha, most = NW_MODEL_USL_NODES_MAX;
        if (law->beta * most * most < square)
            return false;
        nodes = fmin(most, fmax(1, sqrt(square / law->beta)));
    }
    *out_rate_per_s = nw_model_usl_rate_per_s(law, nodes);
    *out_nodes = nodes;
    return true;
}

/* The whole N of the highest rate. */
static uint64_t best_of(const struct nw_model_usl *law, bool *out_has_peak)
{
    double nodes, rate_per_s;
    *out_has_peak = nw_model_usl_peak(law, &nodes, &rate_per_s);
    if (!*out_has_peak)
        return NW_MODEL_USL_NODES_MAX;
    double below = floor(nodes), above = fmin(ceil(nodes), NW_MODEL_USL_NODES_MAX);
    bool is_above = nw_model_usl_rate_per_s(law, above) > nw_model_usl_rate_per_s(law, below);
    return (uint64_t)(is_above ? above : below);
}

nw_model_usl_reach nw_model_usl_nodes_for(const struct nw_model_usl *law, double rate_per_s,
                                          uint64_t *out_nodes, double *out_rate_per_s)
{
    if (!(rate_per_s >= 0 && rate_per_s <= 1e300))
        return NW_MODEL_USL_INVALID;
    bool has_peak;
    uint64_t low = 1, high = best_of(law, &has_peak);
    double wanted = rate_per_s * ENOUGH, highest = nw_model_usl_rate_per_s(law, (double)high);
    if (highest < wanted) {
        *out_nodes = high;
        *out_rate_per_s = highest;
        return has_peak ? NW_MODEL_USL_BEYOND_PEAK : NW_MODEL_USL_BEYOND_LIMIT;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (nw_model_usl_rate_per_s(law, (double)middle) >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    *out_nodes = low;
    *out_rate_per_s = nw_model_usl_rate_per_s(law, (double)low);
    return NW_MODEL_USL_REACHED;
}
