/*
 * sim_fleet_load.h - a load from a file: CSV of seconds and rates, or an access log of newel.
 *
 * Owner:   *out_knots is the caller's, nw_free
 * Threads: one at a time; reading blocks
 */
#ifndef NW_CMD_SIM_FLEET_LOAD_H
#define NW_CMD_SIM_FLEET_LOAD_H

#include "base/diag.h"
#include "model/fleetsim.h"

/*
 * Lines "seconds,rate", the rate per second: ascending, the first at 0; empty lines, lines that
 * begin with '#' and one heading are passed over. INVALID: each mistake (the first ten) is told
 * with its line.
 */
NW_MUST_CHECK nw_err fleet_load_csv(struct nw_slice text, const char *name, struct nw_diag *diag,
                                    struct nw_model_fleet_knot **out_knots, size_t *out_count);
/*
 * Counts the requests of each second, from the second of the first. INVALID, and told: it cannot
 * be read, has no times, spans more than FLEET_KNOTS_MAX seconds, or more than one line in a
 * hundred is no record.
 */
NW_MUST_CHECK nw_err fleet_load_log(const char *path, struct nw_diag *diag,
                                    struct nw_model_fleet_knot **out_knots, size_t *out_count);

#endif
