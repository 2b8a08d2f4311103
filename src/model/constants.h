/*
 * constants.h - every number that the planner assumes: how sure it is and what will replace it.
 *
 * One row of constants.def each. The plan file's reader takes its defaults from here, a report
 * lists which of them it used and by which flag they change, sensitivity takes low and high, and
 * `explain CONSTANT` and the reference page print the row.
 *
 * Owner:   static rows
 * Threads: stateless
 */
#ifndef NW_MODEL_CONSTANTS_H
#define NW_MODEL_CONSTANTS_H

#include "base/slice.h"
#include "model/steps.h"

typedef enum nw_model_constant_id {
#define NW_MODEL_CONSTANT(id, name, path, unit, value, low, high, source, metric, flag, text)      \
    NW_MODEL_C_##id,
#include "model/constants.def"
#undef NW_MODEL_CONSTANT
    NW_MODEL_CONSTANT_COUNT
} nw_model_constant_id;

struct nw_model_constant {
    const char *name; /* "node_rate": unique */
    const char *path; /* of the plan file, * for a name of the user's; "": fixed, no key sets it */
    nw_model_unit unit; /* values are in its base unit: seconds, bytes, each second, 0..1 */
    double value;
    double low;
    double high;
    const char *source; /* a guide's title and the example's id, a standard, or "estimate" */
    const char *metric; /* of newel, that will replace it: "newel_cache_*"; "": none */
    const char *flag;   /* "--node-rate" or "--set services.NAME.pool=…"; "": fixed */
    const char *text;   /* one sentence */
};

const struct nw_model_constant *nw_model_constant(nw_model_constant_id id);
double nw_model_constant_value(nw_model_constant_id id);
/* Value, low and high, with origin NW_MODEL_ASSUMED. */
struct nw_model_quantity nw_model_constant_quantity(nw_model_constant_id id);
/* By name ("node_rate"); NULL when there is none. */
const struct nw_model_constant *nw_model_constant_find(struct nw_slice name);
/*
 * By a path of a plan ("services.app.node_rate"), whose names may hold dots where an option
 * follows; NULL for keys without default.
 */
const struct nw_model_constant *nw_model_constant_of_path(struct nw_slice path);

#endif
