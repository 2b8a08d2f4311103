/*
 * plan_guides.h - which stage of growth the classic guides see at a rate, side by side.
 *
 * Owner:   nothing
 * Threads: main
 */
#ifndef NW_CMD_PLAN_GUIDES_H
#define NW_CMD_PLAN_GUIDES_H

#include "cmd/report.h"

/*
 * The table "stages": one row of each view; users 0: not known. It is orientation, never an input,
 * so people see it only where is_seen.
 */
void plan_report_stages(struct report *report, double peak_per_s, double users, bool is_seen);

#endif
