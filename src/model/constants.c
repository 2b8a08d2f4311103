/*
 * The table is the file constants.def; what is here finds its rows. A path is looked up by walking
 * the rows, because a plan has a few hundred keys and asks once for each.
 */
#include "model/constants.h"

#include <string.h>

#include "base/assert.h"

static const struct nw_model_constant rows[NW_MODEL_CONSTANT_COUNT] = {
#define NW_MODEL_CONSTANT(id, name, path, unit, value, low, high, source, metric, flag, text)      \
    [NW_MODEL_C_##id] = {name, path, NW_MODEL_##unit, value, low, high, source, metric, flag, text},
#include "model/constants.def"
#undef NW_MODEL_CONSTANT
};

const struct nw_model_constant *nw_model_constant(nw_model_constant_id id)
{
    NW_ASSERT(id < NW_MODEL_CONSTANT_COUNT);
    return &rows[id];
}

double nw_model_constant_value(nw_model_constant_id id)
{
    return nw_model_constant(id)->value;
}

struct nw_model_quantity nw_model_constant_quantity(nw_model_constant_id id)
{
    const struct nw_model_constant *row = nw_model_constant(id);
    return (struct nw_model_quantity){row->value, row->low, row->high, NW_MODEL_ASSUMED};
}

const struct nw_model_constant *nw_model_constant_find(struct nw_slice name)
{
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        if (nw_slice_eq(name, nw_slice_str(rows[i].name)))
            return &rows[i];
    return NULL;
}

/* Does the path fit the pattern, whose * is any one name? */
static bool is_match(const char *pattern, struct nw_slice path)
{
    size_t at = 0;
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            size_t from = at;
            while (at < path.len && path.ptr[at] != '.')
                at++;
            if (at == from)
                return false;
        } else if (at >= path.len || path.ptr[at++] != *pattern) {
            return false;
        }
    }
    return at == path.len;
}

const struct nw_model_constant *nw_model_constant_of_path(struct nw_slice path)
{
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        if (rows[i].path[0] && is_match(rows[i].path, path))
            return &rows[i];
    return NULL;
}
