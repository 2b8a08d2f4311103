/*
 * plan.h - what the commands of the planner share: reading, computing, reporting.
 *
 * Owner:   as each function says
 * Threads: main
 */
#ifndef NW_CMD_PLAN_H
#define NW_CMD_PLAN_H

#include "cmd/emit.h"
#include "cmd/plan_file.h"
#include "model/plan.h"
#include "model/sensitivity.h"

/* A plan and everything that was computed from it. */
struct plan_result {
    struct plan_file *file;
    struct nw_arena arena;
    struct nw_model_steps steps;
    struct nw_model_plan plan;
    struct nw_model_sensitivity sensitivity;
};

/* What the report is to show beside the plan. */
struct plan_show {
    const struct plan_edit *edits; /* those of --set are named as changed */
    size_t edit_count;
    bool has_guides;            /* what the guides print beside our figures */
    bool has_all_disagreements; /* not only those that change a result */
};

/* Reads the file at `path` (NULL: flags alone). NULL: mistakes were told, *out_code says whose. */
struct plan_file *plan_open(const char *path, const struct plan_edit *edits, size_t edit_count,
                            int *out_code);
/* Computes it; takes the file. plan_result_free. */
struct plan_result *plan_compute(struct plan_file *take_file);
void plan_result_free(struct plan_result *result);

/* The report of one plan; borrows the result until report_free. */
struct report *plan_report(struct plan_result *result, const struct plan_show *show);
/* Its tables for machines, and what both halves of it share. */
void plan_report_rows(struct report *report, const struct plan_result *result,
                      const struct plan_show *show);
/* What moves the result when this input moves alone; NULL: nothing does. */
const struct nw_model_swing *plan_swing_of(const struct plan_result *result, const char *path);
/* What the file says at a path, or what would be assumed. */
void plan_print_before(struct nw_text *out, const struct plan_file *file, const char *path);
/* Short names of results, for --fail-if. */
extern const struct emit_alias plan_aliases[];
extern const unsigned plan_alias_count;
/* The numbers that every form has first: "summary". */
void plan_report_summary(struct report *report, const struct nw_model_plan *plan);
/* Replicas and shards of all databases; shards 0: none is split. */
void plan_count_databases(const struct nw_model_plan *plan, double *out_replicas,
                          double *out_shards);
/* The JSON Schema of the report, and the aliases. */
void plan_report_schema(struct nw_text *out);

/* The plan along one input: "load.growth=1..100", so many points. An exit code. */
int plan_sweep(const struct cli *cli, const struct plan_file *file, const char *sweep,
               unsigned point_count);

/* Adds a copy of the chart; its arrays are borrowed. */
void plan_add_chart(struct report *report, const struct nw_model_chart *chart,
                    struct nw_arena *arena);
/* Growth and money, the staircase, the tornado, the wait; the data lie in the arena. */
void plan_charts(struct report *report, const struct plan_result *result, struct nw_arena *arena);

#endif
