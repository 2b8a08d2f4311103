/*
 * The rows are text; the functions answer one question each: what would this plan's result be by
 * the other guide? They take results, not inputs, so that they cannot compute something else than
 * the plan did.
 */
#include "model/disagree.h"

#include <math.h>

#include "base/assert.h"
#include "model/constants.h"

static const struct nw_model_disagreement rows[] = {
#define NW_MODEL_DISAGREE(number, name, guides, values, uses, why)                                 \
    {number, name, guides, values, uses, why},
#include "model/disagree.def"
#undef NW_MODEL_DISAGREE
};
_Static_assert(NW_COUNT(rows) == NW_MODEL_DISAGREEMENTS, "X1 to X36");

const struct nw_model_disagreement *nw_model_disagreement(unsigned number)
{
    NW_ASSERT(number >= 1 && number <= NW_MODEL_DISAGREEMENTS);
    return &rows[number - 1];
}

const struct nw_model_disagreement *nw_model_disagreement_find(struct nw_slice id_or_name)
{
    uint64_t number;
    bool is_id = id_or_name.len > 1 && (id_or_name.ptr[0] == 'X' || id_or_name.ptr[0] == 'x');
    if (is_id && nw_slice_to_u64(nw_slice_skip(id_or_name, 1), &number) == NW_OK)
        return number >= 1 && number <= NW_MODEL_DISAGREEMENTS ? &rows[number - 1] : NULL;
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        if (nw_slice_eq(id_or_name, nw_slice_str(rows[i].name)))
            return &rows[i];
    return NULL;
}

/* True, and the other value told, where it is another one. */
static bool differs(double ours, double other, double *out_other)
{
    if (!nw_model_is_above(ours, other) && !nw_model_is_above(other, ours))
        return false;
    *out_other = other;
    return true;
}

bool nw_model_disagree_x3(const struct nw_model_nodes *nodes, double *out_nodes)
{
    return nodes->production_exact > 0 && differs(nodes->by_rate, nodes->base, out_nodes);
}

bool nw_model_disagree_x4(const struct nw_model_nodes *nodes, double *out_nodes)
{
    return nodes->production_exact > 0 && differs(nodes->by_rate, nodes->double_rounded, out_nodes);
}

bool nw_model_disagree_x5(const struct nw_model_nodes_in *in, const struct nw_model_nodes *nodes,
                          double *out_nodes)
{
    if (nodes->average == 0 || in->has_usl)
        return false;
    return differs(nodes->average,
                   nw_model_ceil(3 * in->average_per_s.value / in->node_rate_per_s.value),
                   out_nodes);
}

bool nw_model_disagree_x9(double after_cache_peak_per_s, double peak_factor, double *out_per_s)
{
    NW_ASSERT(peak_factor > 0);
    return differs(after_cache_peak_per_s, after_cache_peak_per_s / peak_factor, out_per_s);
}

bool nw_model_disagree_x12(const struct nw_model_database_answer *answer, double *out_replicas)
{
    return differs(answer->replicas_if, answer->replicas_forgetting_cache, out_replicas);
}

bool nw_model_disagree_x14(const struct nw_model_database_answer *answer,
                           nw_model_database_move *out_move)
{
    if (answer->move == answer->guide)
        return false;
    *out_move = answer->guide;
    return true;
}

bool nw_model_disagree_x15(const struct nw_model_database_answer *answer, double *out_replicas)
{
    enum { GUESSED = 3 };
    bool is_asked = answer->move == NW_MODEL_READ_REPLICAS && answer->replicas > 0;
    return is_asked && differs(answer->replicas, GUESSED, out_replicas);
}

bool nw_model_disagree_x16(double jobs, double peak_depth, double *out_depth)
{
    return differs(peak_depth, jobs, out_depth);
}

bool nw_model_disagree_x18(double per_h, double *out_month)
{
    return differs(per_h * NW_MODEL_MONTH_H, per_h * 30 * 24, out_month);
}

bool nw_model_disagree_x29(const struct nw_model_nodes *nodes, double *out_nodes)
{
    return nodes->needed > 0 &&
           differs(nodes->nodes, nw_model_nodes_for_zones(nodes->needed, 3), out_nodes);
}

bool nw_model_disagree_x32(double nodes, double usable, double *out_low, double *out_high)
{
    struct nw_model_quantity pool = nw_model_constant_quantity(NW_MODEL_C_POOL);
    if (!nw_model_is_above(nodes * pool.high, usable))
        return false;
    *out_low = nodes * pool.low;
    *out_high = nodes * pool.high;
    return true;
}

bool nw_model_disagree_x34(const struct nw_model_nodes *nodes, double *out_nodes)
{
    if (nodes->by_connections == 0)
        return false;
    return differs(nodes->needed, nodes->is_by_connections ? nodes->by_rate : nodes->by_connections,
                   out_nodes);
}
