/*
 * worked.h - the worked examples that the classic guides print, and what each of them printed.
 *
 * A step whose number is that of an example (same kind of result, same exact value) shows the
 * guide's figure beside its own: with --guides, in `explain` and in JSON. Nothing is computed from
 * a printed figure.
 *
 * Owner:   static rows
 * Threads: stateless
 */
#ifndef NW_MODEL_WORKED_H
#define NW_MODEL_WORKED_H

#include "base/compiler.h"

struct nw_model_worked {
    const char *fact; /* "B2" */
    char guide;       /* 'A' to 'E', see nw_model_guide_title */
    const char *leaf; /* last part of the step's path: "nodes_production" */
    double exact;     /* by the example's own formula */
    const char *printed;
};

/* "scalability" for 'D'; NULL for a letter that no guide has. */
const char *nw_model_guide_title(char letter);
/* The example of that leaf whose exact value is this one within 1e-9 relative, or NULL. */
const struct nw_model_worked *nw_model_worked_find(const char *leaf, double exact);
/* All of them, in the order of their ids. */
const struct nw_model_worked *nw_model_worked_rows(size_t *out_count);

#endif
