/*
 * plan_pages.h - reference pages of the planner, made from its tables.
 *
 * Owner:   nothing
 * Threads: main
 */
#ifndef NW_CMD_PLAN_PAGES_H
#define NW_CMD_PLAN_PAGES_H

#include "base/text.h"

/* Every key of a plan file. */
void plan_page_file(struct nw_text *out);
/* Every number that a plan assumes, with its source. */
void plan_page_constants(struct nw_text *out);
/* Where the classic guides disagree. */
void plan_page_disagreements(struct nw_text *out);
/* Every topic of `newel plan explain`, with its worked example. */
void plan_page_formulas(struct nw_text *out);

#endif
