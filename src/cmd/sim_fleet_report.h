/*
 * sim_fleet_report.h - what was simulated, as a report.
 *
 * Owner:   the caller frees the report; it borrows the charts
 * Threads: one at a time
 */
#ifndef NW_CMD_SIM_FLEET_REPORT_H
#define NW_CMD_SIM_FLEET_REPORT_H

#include "cmd/report.h"
#include "cmd/sim_fleet_run.h"

/* The arrays behind a course's charts; lives as long as the report. */
struct fleet_charts {
    struct nw_model_chart nodes, rate, cost;
    double end_s[FLEET_ROWS_MAX], all[FLEET_ROWS_MAX], warm[FLEET_ROWS_MAX];
    double offered[FLEET_ROWS_MAX], served[FLEET_ROWS_MAX], paid[FLEET_ROWS_MAX];
};

/* One run: figures, course, changes, charts. */
void fleet_report_course(struct report *report, const struct fleet_file *file,
                         const struct fleet_course *course, struct fleet_charts *charts);
/* Means over runs with their intervals. */
void fleet_report_runs(struct report *report, const struct fleet_file *file,
                       const struct fleet_sample *sample, uint64_t seed);
/* Every file against the first: differences with intervals, or exact where there is no chance. */
void fleet_report_compare(struct report *report, const struct fleet_file *const *files,
                          const struct fleet_sample *samples, size_t count);

#endif
