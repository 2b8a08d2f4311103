/*
 * Topics, constants and disagreements are one list of names here, because who asks for a name does
 * not care in which table it stands.
 */
#include "cmd/plan_names.h"

#include <string.h>

#include "base/assert.h"
#include "base/suggest.h"

enum { NAMES_MAX = 512, LISTED_MAX = 12 };

static size_t list_names(struct plan_named names[NAMES_MAX])
{
    size_t count = 0, topic_count;
    const struct nw_model_topic *topics = nw_model_topics(&topic_count);
    NW_ASSERT(topic_count + NW_MODEL_CONSTANT_COUNT + NW_MODEL_DISAGREEMENTS <= NAMES_MAX);
    for (size_t i = 0; i < topic_count; i++)
        names[count++] = (struct plan_named){.name = topics[i].name, .topic = &topics[i]};
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++) {
        const struct nw_model_constant *row = nw_model_constant((nw_model_constant_id)i);
        names[count++] = (struct plan_named){.name = row->name, .constant = row};
    }
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++) {
        const struct nw_model_disagreement *row = nw_model_disagreement(i);
        names[count++] = (struct plan_named){.name = row->name, .disagreement = row};
    }
    return count;
}

static char folded(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte - 'A' + 'a');
    return byte == '-' ? '_' : byte;
}

static bool begins_with(const char *name, struct nw_slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (name[i] == '\0' || folded(name[i]) != folded(word.ptr[i]))
            return false;
    return true;
}

static void add(struct plan_found *out, struct plan_named named)
{
    NW_ASSERT(out->count < PLAN_FOUND_MAX);
    out->items[out->count++] = named;
}

bool plan_names_has(const char *list, struct nw_slice word)
{
    struct nw_slice rest = nw_slice_str(list), item;
    while (nw_slice_split(&rest, ' ', &item))
        if (nw_slice_eq_nocase(item, word))
            return true;
    return false;
}

/* Words that a report prints and that are no topic's name. */
static const struct {
    const char *word, *topic;
} words[] = {
    {"SCALE_UP", "scaling"},       {"REFACTOR_FIRST", "scaling"}, {"SCALE_OUT", "scaling"},
    {"READ_REPLICAS", "database"}, {"SHARDING", "database"},      {"FEDERATION", "database"},
    {"wait", "queueing"},          {"p99", "queueing"},           {"wall", "pool"},
    {"connections", "pool"},       {"replicas", "database"},      {"shards", "database"},
    {"primary", "database"},       {"rungs", "staircase"},
};

static void find_words(struct nw_slice word, const struct plan_named names[], size_t count,
                       struct plan_found *out)
{
    for (size_t w = 0; w < NW_COUNT(words); w++) {
        if (!nw_slice_eq_nocase(word, nw_slice_str(words[w].word)))
            continue;
        for (size_t i = 0; i < count; i++)
            if (names[i].topic != NULL && strcmp(names[i].name, words[w].topic) == 0)
                add(out, names[i]);
    }
}

static void find_ids(struct nw_slice word, const struct plan_named names[], size_t count,
                     struct plan_found *out)
{
    const struct nw_model_disagreement *row = nw_model_disagreement_find(word);
    if (row != NULL)
        add(out, (struct plan_named){.name = row->name, .disagreement = row});
    for (size_t i = 0; i < count && row == NULL; i++)
        if (names[i].topic != NULL && plan_names_has(names[i].topic->facts, word))
            add(out, names[i]);
}

/* "nothing is called `nods`; did you mean `nodes`?" */
static void explain_miss(const char *word, const struct plan_named names[], size_t count,
                         struct nw_text *out)
{
    const char *all[NAMES_MAX];
    for (size_t i = 0; i < count; i++)
        all[i] = names[i].name;
    const char *near = nw_suggest(nw_slice_str(word), all, count);
    nw_text_add_str(out, "nothing is called `");
    nw_text_add_plain(out, nw_slice_str(word));
    nw_text_add_char(out, '`');
    if (near != NULL)
        nw_text_addf(out, "; did you mean `%s`?", near);
    else
        nw_text_addf(out, "; without a name it lists the topics, and X1 to X%u are numbered",
                     NW_MODEL_DISAGREEMENTS);
}

/* Those that begin so; false when they have different names, which are listed. */
static bool find_beginnings(struct nw_slice word, const struct plan_named names[], size_t count,
                            struct plan_found *out, struct nw_text *out_names)
{
    const char *one = NULL;
    unsigned differing = 0;
    *out = (struct plan_found){0};
    for (size_t i = 0; i < count; i++) {
        if (!begins_with(names[i].name, word))
            continue;
        bool is_same = one != NULL && strlen(one) == strlen(names[i].name) &&
                       begins_with(one, nw_slice_str(names[i].name));
        if (!is_same && differing++ < LISTED_MAX)
            nw_text_addf(out_names, "%s`%s`", differing > 1 ? ", " : "", names[i].name);
        if (differing == 1)
            add(out, names[i]);
        one = names[i].name;
    }
    if (differing > LISTED_MAX)
        nw_text_add_str(out_names, " and more");
    return differing == 1;
}

bool plan_names_find(const char *word, struct plan_found *out, struct nw_text *out_why)
{
    struct plan_named names[NAMES_MAX];
    struct nw_slice slice = nw_slice_str(word);
    size_t count = list_names(names);
    struct nw_text begins = {0};
    *out = (struct plan_found){0};
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i].name) == slice.len && begins_with(names[i].name, slice))
            add(out, names[i]);
    if (out->count == 0)
        find_ids(slice, names, count, out);
    if (out->count == 0)
        find_words(slice, names, count, out);
    if (out->count > 0)
        return true;
    bool is_found = slice.len > 0 && find_beginnings(slice, names, count, out, &begins);
    if (!is_found && begins.len > 0)
        nw_text_addf(out_why, "`%s` may be %s", word, begins.ptr);
    else if (!is_found)
        explain_miss(word, names, count, out_why);
    nw_text_done(&begins);
    return is_found;
}
