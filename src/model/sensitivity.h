/*
 * sensitivity.h - how sure is a plan: one input at a time, then all of them at once.
 *
 * Every input whose low and high differ is set to each of them alone (the tornado: what moves the
 * result most stands first); then all are set to their cautious side, and all to their hopeful one
 * (the band). The cautious side of an input is the one that costs more, on its own.
 *
 * Owner:   results live in the arena; paths are copies
 * Threads: stateless
 */
#ifndef NW_MODEL_SENSITIVITY_H
#define NW_MODEL_SENSITIVITY_H

#include "model/plan.h"

/* What of a plan is compared. */
struct nw_model_outcome {
    double nodes;        /* with spare */
    double nodes_needed; /* without */
    double cost_month;
    const char *reason; /* NULL, or why there are no nodes and no cost: "beyond-peak" */
    bool is_met;
};

struct nw_model_swing {
    const char *path;
    nw_model_unit unit;
    struct nw_model_quantity quantity;
    struct nw_model_outcome at_low;
    struct nw_model_outcome at_high;
};

struct nw_model_sensitivity {
    struct nw_model_swing *swings; /* those that change nodes or cost, widest (in cost) first */
    unsigned swing_count;
    unsigned tried_count; /* inputs with low < high */
    struct nw_model_outcome cautious;
    struct nw_model_outcome hopeful;
};

void nw_model_sensitivity_compute(const struct nw_model_plan_input *input, struct nw_arena *arena,
                                  struct nw_model_sensitivity *out);

#endif
