/*
 * The order of the questions is the guide's: a larger machine is the cheap answer, so it is asked
 * for first, and only what cannot be solved that way has to know whether it is stateless.
 */
#include "model/decide.h"

#include "base/assert.h"
#include "model/constants.h"

const char *nw_model_move_name(nw_model_move move)
{
    switch (move) {
    case NW_MODEL_SCALE_UP: return "SCALE_UP";
    case NW_MODEL_REFACTOR_FIRST: return "REFACTOR_FIRST";
    case NW_MODEL_SCALE_OUT: return "SCALE_OUT";
    }
    NW_ASSERT(!"a move");
    return "";
}

static void judge(const struct nw_model_decide_in *in, struct nw_model_decision *out)
{
    bool is_small =
        !nw_model_is_above(out->growth, nw_model_constant_value(NW_MODEL_C_GROWTH_LIMIT));
    if (is_small && in->has_bigger) {
        out->move = NW_MODEL_SCALE_UP;
        out->why = "a larger machine bears this growth: minutes, no code, but a hard ceiling and "
                   "one point of failure";
    } else if (in->stateless != NW_MODEL_YES) {
        out->move = NW_MODEL_REFACTOR_FIRST;
        out->why = in->stateless == NW_MODEL_NO
                       ? "more machines need an application that keeps nothing in its processes: "
                         "move sessions to a shared store or into a token first"
                       : "more machines need an application that keeps nothing in its processes, "
                         "and nobody has said so: kill a server in mid-session, and see whether "
                         "the user notices";
    } else {
        out->move = NW_MODEL_SCALE_OUT;
        out->why = "stateless, so machines side by side bear it, and the next one is always the "
                   "same";
    }
}

struct nw_model_decision nw_model_decide(const struct nw_model_decide_in *in,
                                         struct nw_model_steps *steps)
{
    NW_ASSERT(in->current_per_s.value > 0 && in->projected_per_s.value >= 0);
    struct nw_model_decision out = {.growth = in->projected_per_s.value / in->current_per_s.value};
    judge(in, &out);
    if (steps)
        nw_model_steps_add(
            steps,
            &(struct nw_model_step){
                .path = nw_model_steps_path(steps, in->at, "growth"),
                .formula = "{0} / {1}",
                .operands = {nw_model_operand("projected", NW_MODEL_PER_S, in->projected_per_s),
                             nw_model_operand("current", NW_MODEL_PER_S, in->current_per_s)},
                .operand_count = 2,
                .exact = out.growth,
                .unit = NW_MODEL_NUMBER,
                .what = nw_model_steps_text(steps, "times: %s", nw_model_move_name(out.move)),
            });
    return out;
}
