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

/* How a path fits a pattern, whose * is any one name. */
typedef enum fit { FIT_NONE, FIT_DOTTED, FIT_PLAIN } fit;

static fit fit_of(const char *pattern, struct nw_slice path)
{
    struct nw_slice whole = nw_slice_str(pattern);
    size_t star = nw_slice_find(whole, '*');
    if (star == whole.len)
        return nw_slice_eq(whole, path) ? FIT_PLAIN : FIT_NONE;
    struct nw_slice before = nw_slice_first(whole, star), after = nw_slice_skip(whole, star + 1);
    if (path.len <= before.len + after.len || !nw_slice_starts_with(path, before) ||
        !nw_slice_ends_with(path, after))
        return FIT_NONE;
    struct nw_slice name = nw_slice_of(path.ptr + star, path.len - before.len - after.len);
    if (nw_slice_find(name, '.') == name.len)
        return FIT_PLAIN;
    return after.len > 0 ? FIT_DOTTED : FIT_NONE; /* at the end the rest may be an option's */
}

/* A name may hold dots. The more a row spells out the less it takes for a name, so it wins. */
const struct nw_model_constant *nw_model_constant_of_path(struct nw_slice path)
{
    const struct nw_model_constant *dotted = NULL;
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        fit how = rows[i].path[0] != '\0' ? fit_of(rows[i].path, path) : FIT_NONE;
        if (how == FIT_PLAIN)
            return &rows[i];
        if (how == FIT_DOTTED && (dotted == NULL || strlen(rows[i].path) > strlen(dotted->path)))
            dotted = &rows[i];
    }
    return dotted;
}
