/*
 * outside.h - environment and files for the configuration loader.
 *
 * Owner:   static
 * Threads: any; reading blocks
 */
#ifndef NW_CMD_OUTSIDE_H
#define NW_CMD_OUTSIDE_H

#include "conf/value.h"

/*
 * The real world; paths are relative to the folder of conf_file (NULL: the current one), but for
 * conf_file itself.
 */
struct nw_conf_outside outside_real(const char *conf_file);
/* Why a configuration file cannot be read, for people; static. */
const char *outside_why(nw_err err);

#endif
