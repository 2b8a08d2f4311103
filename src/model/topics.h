/*
 * topics.h - what `newel plan explain` teaches: formula, source, worked example, disagreements.
 *
 * A topic's example is computed by the planner's own functions when it is printed, from the numbers
 * that a guide used, so text and code cannot drift apart.
 *
 * Owner:   static rows
 * Threads: stateless
 */
#ifndef NW_MODEL_TOPICS_H
#define NW_MODEL_TOPICS_H

#include "base/slice.h"
#include "model/steps.h"

struct nw_model_topic {
    const char *name;      /* "nodes" */
    const char *title;     /* "Requests to machines" */
    const char *text;      /* paragraphs, divided by empty lines; a table keeps its lines */
    const char *formula;   /* "": none */
    const char *source;    /* guides by title, papers, standards */
    const char *facts;     /* "B1 B2 B3": the examples that belong here */
    const char *disagrees; /* "X3 X4": of disagree.def */
    const char *constants; /* "node_rate efficiency": of constants.def */
    void (*example)(struct nw_model_steps *steps); /* NULL: none */
};

const struct nw_model_topic *nw_model_topics(size_t *out_count);
/* By its name, or the first that tells the example of that id ("B2"); NULL when there is none. */
const struct nw_model_topic *nw_model_topic_find(struct nw_slice name_or_fact);

#endif
