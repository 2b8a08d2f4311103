/*
 * sim_fleet_file.h - a fleet's scenario file to what the simulator takes.
 *
 * The file is read by sim_fleet.def, then judged as a whole; every mistake is told at once, where
 * it stands. A load that stands in another file (CSV, access log) is read here, too.
 *
 * Owner:   fleet_file_free; `fleet` points into the file
 * Threads: one at a time; immutable once read
 */
#ifndef NW_CMD_SIM_FLEET_FILE_H
#define NW_CMD_SIM_FLEET_FILE_H

#include "base/diag.h"
#include "conf/value.h"
#include "model/fleetsim.h"

#define FLEET_KNOTS_MAX 4000000u /* of a load from a file: 46 days of seconds, 64 MB */

struct fleet_file {
    struct nw_arena arena;
    const char *name;                  /* as given */
    const char *service;               /* the fleet's own name */
    const char *database;              /* "" when there is none */
    struct nw_model_fleet_knot *knots; /* the load's */
    struct nw_model_fleet fleet;
    bool has_rule; /* false: the fleet stays as it is */
    bool has_cost; /* a node has a price */
};

/* On NW_INVALID diag holds at least one error and *out is not written. */
NW_MUST_CHECK nw_err fleet_file_read(struct nw_slice text, const char *name,
                                     const struct nw_conf_outside *outside, struct nw_diag *diag,
                                     struct fleet_file **out);
void fleet_file_free(struct fleet_file *file);

#endif
