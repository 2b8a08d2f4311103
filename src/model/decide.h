/*
 * decide.h - a larger machine, more machines, or first a change to the application?
 *
 * The function that the guide "scalability" prints (H1): growth of at most 8 and a bigger
 * machine exists: up; else not stateless: refactor first; else out. What nobody stated as stateless
 * counts as not. current > 0, projected >= 0 (asserted).
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_DECIDE_H
#define NW_MODEL_DECIDE_H

#include "model/plan_input.h"

typedef enum nw_model_move {
    NW_MODEL_SCALE_UP,
    NW_MODEL_REFACTOR_FIRST,
    NW_MODEL_SCALE_OUT,
} nw_model_move;

/* "SCALE_UP"… */
const char *nw_model_move_name(nw_model_move move);

struct nw_model_decide_in {
    const char *at; /* "services.app" */
    struct nw_model_quantity current_per_s;
    struct nw_model_quantity projected_per_s;
    bool has_bigger;
    nw_model_answer stateless;
};

struct nw_model_decision {
    double growth; /* projected / current */
    nw_model_move move;
    const char *why; /* one sentence, static */
};

/* Step: AT.growth, with the decision behind it. */
struct nw_model_decision nw_model_decide(const struct nw_model_decide_in *in,
                                         struct nw_model_steps *steps);

#endif
