/*
 * The texts are topics.def. Examples are functions rather than texts, so that what `explain` prints
 * was computed a moment before, by the same code as a plan.
 */
#include "model/topics.h"

#include "model/examples.h"

#define nw_model_example_none NULL

static const struct nw_model_topic rows[] = {
#define NW_MODEL_TOPIC(name, title, text, formula, source, facts, disagrees, constants, example)   \
    {name, title, text, formula, source, facts, disagrees, constants, nw_model_example_##example},
#include "model/topics.def"
#undef NW_MODEL_TOPIC
};

const struct nw_model_topic *nw_model_topics(size_t *out_count)
{
    *out_count = NW_COUNT(rows);
    return rows;
}

static bool is_telling(const struct nw_model_topic *topic, struct nw_slice fact)
{
    struct nw_slice rest = nw_slice_str(topic->facts), one;
    while (nw_slice_split(&rest, ' ', &one))
        if (nw_slice_eq(one, fact))
            return true;
    return false;
}

const struct nw_model_topic *nw_model_topic_find(struct nw_slice name_or_fact)
{
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        if (nw_slice_eq(name_or_fact, nw_slice_str(rows[i].name)))
            return &rows[i];
    for (size_t i = 0; i < NW_COUNT(rows) && name_or_fact.len > 0; i++)
        if (is_telling(&rows[i], name_or_fact))
            return &rows[i];
    return NULL;
}
