/* Rows of one view stand together in stages.def, so the last one that is reached is the answer. */
#include "model/stages.h"

#include "base/assert.h"
#include "model/units.h"

static const struct nw_model_stage rows[] = {
#define NW_MODEL_STAGE(view, fact, guide, by, from, text, month)                                   \
    {fact, guide, NW_MODEL_BY_##by, from, text, month},
#include "model/stages.def"
#undef NW_MODEL_STAGE
};

static const unsigned views[] = {
#define NW_MODEL_STAGE(view, fact, guide, by, from, text, month) view,
#include "model/stages.def"
#undef NW_MODEL_STAGE
};

const struct nw_model_stage *nw_model_stage_rows(size_t *out_count)
{
    *out_count = NW_COUNT(rows);
    return rows;
}

void nw_model_stages_at(double peak_per_s, double users,
                        const struct nw_model_stage *out[NW_MODEL_STAGE_VIEWS])
{
    NW_ASSERT(peak_per_s >= 0 && users >= 0);
    for (unsigned view = 0; view < NW_MODEL_STAGE_VIEWS; view++)
        out[view] = NULL;
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        double at = rows[i].by == NW_MODEL_BY_USERS ? users : peak_per_s;
        if (!nw_model_is_above(rows[i].from, at))
            out[views[i]] = &rows[i];
    }
}
