/*
 * plan_names.h - what `newel plan explain` can be asked for, by its name or the beginning of it.
 *
 * Owner:   static rows
 * Threads: stateless
 */
#ifndef NW_CMD_PLAN_NAMES_H
#define NW_CMD_PLAN_NAMES_H

#include "base/text.h"
#include "model/constants.h"
#include "model/disagree.h"
#include "model/topics.h"

/* One of the three. */
struct plan_named {
    const char *name;
    const struct nw_model_topic *topic;
    const struct nw_model_constant *constant;
    const struct nw_model_disagreement *disagreement;
};

enum { PLAN_FOUND_MAX = 8 };

struct plan_found {
    struct plan_named items[PLAN_FOUND_MAX];
    unsigned count;
};

/*
 * By name, without regard to case, '-' as '_': all that are called so ("efficiency" is a number and
 * a disagreement). Else by "X4"; else the topics that hold a worked example ("B2"); else the only
 * one that begins with the word. False: nothing, and *out_why becomes the end of a sentence for
 * the person who asked.
 */
bool plan_names_find(const char *word, struct plan_found *out, struct nw_text *out_why);
/* Is the word one of a list divided by spaces? */
bool plan_names_has(const char *list, struct nw_slice word);

#endif
