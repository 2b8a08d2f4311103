/*
 * disagree.h - where the classic guides contradict themselves or each other.
 *
 * One row of disagree.def each, X1 to X36. A plan prints those whose other value would change one
 * of its results; the functions below compute that other value where it is one formula.
 *
 * Owner:   static rows
 * Threads: stateless
 */
#ifndef NW_MODEL_DISAGREE_H
#define NW_MODEL_DISAGREE_H

#include "base/slice.h"
#include "model/database.h"
#include "model/nodes.h"

struct nw_model_disagreement {
    unsigned number;    /* 1 to 36: "X4" */
    const char *name;   /* "double-rounding" */
    const char *guides; /* letters, "BD"; see nw_model_guide_title */
    const char *values; /* what they say */
    const char *uses;   /* what newel does */
    const char *why;
};

enum { NW_MODEL_DISAGREEMENTS = 36 };

/* 1 to 36. */
const struct nw_model_disagreement *nw_model_disagreement(unsigned number);
/* By id ("X4", "x4") or name ("double-rounding"); NULL when there is none. */
const struct nw_model_disagreement *nw_model_disagreement_find(struct nw_slice id_or_name);

/*
 * Would the other value change the result? Then true and the result that it would give. Counts
 * compare after rounding, rates and amounts under the tolerance of units.h.
 */
bool nw_model_disagree_x3(const struct nw_model_nodes *nodes,
                          double *out_nodes); /* base, no eff. */
bool nw_model_disagree_x4(const struct nw_model_nodes *nodes,
                          double *out_nodes); /* rounded twice */
/* Fleet at the average, as "10-12 at average" was computed: a 3x peak without margin. */
bool nw_model_disagree_x5(const struct nw_model_nodes_in *in, const struct nw_model_nodes *nodes,
                          double *out_nodes);
/* Reads after the cache on average, by which a guide sized the database. */
bool nw_model_disagree_x9(double after_cache_peak_per_s, double peak_factor, double *out_per_s);
/* Replicas counted from the rate before the cache. */
bool nw_model_disagree_x12(const struct nw_model_database_answer *answer, double *out_replicas);
/* The guide's function answers otherwise than newel's rule (X13 to X15 say why). */
bool nw_model_disagree_x14(const struct nw_model_database_answer *answer,
                           nw_model_database_move *out_move);
/* "Add 3" replicas, whatever the rates. */
bool nw_model_disagree_x15(const struct nw_model_database_answer *answer, double *out_replicas);
/* Depth of a burst at once where it is spread (over_s > 0). */
bool nw_model_disagree_x16(double jobs, double peak_depth, double *out_depth);
/* A month of 30 days: what a month costs then. */
bool nw_model_disagree_x18(double per_h, double *out_month);
/* Nodes that survive the loss of one zone of three, where one spare was planned. */
bool nw_model_disagree_x29(const struct nw_model_nodes *nodes, double *out_nodes);
/* Connections at 10 and at 20 a node against what there is. */
bool nw_model_disagree_x32(double nodes, double usable, double *out_low, double *out_high);
/* Servers by the other of the two: connections where the rate decided, and the reverse. */
bool nw_model_disagree_x34(const struct nw_model_nodes *nodes, double *out_nodes);

#endif
