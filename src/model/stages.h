/*
 * stages.h - which stage of growth do the classic guides see at this rate, side by side?
 *
 * Orientation only, never an input: they contradict each other (X21, X22).
 *
 * Owner:   static rows
 * Threads: stateless
 */
#ifndef NW_MODEL_STAGES_H
#define NW_MODEL_STAGES_H

#include "base/compiler.h"

typedef enum nw_model_stage_by {
    NW_MODEL_BY_RATE,  /* requests each second at peak */
    NW_MODEL_BY_USERS, /* users */
} nw_model_stage_by;

struct nw_model_stage {
    const char *fact; /* "H2a" */
    char guide;
    nw_model_stage_by by;
    double from; /* this and more, up to the `from` of the next row of the same fact and guide */
    const char *text;
    const char *month; /* what the guide says that it costs a month; "" when it is silent */
};

const struct nw_model_stage *nw_model_stage_rows(size_t *out_count);

enum { NW_MODEL_STAGE_VIEWS = 5 };

/*
 * One row of each view (guide B by magnitude, B by stage, A and C by users, E's rungs), in this
 * order; NULL where users are not known (users 0) or the rate is below the first row.
 */
void nw_model_stages_at(double peak_per_s, double users,
                        const struct nw_model_stage *out[NW_MODEL_STAGE_VIEWS]);

#endif
