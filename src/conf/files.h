/*
 * files.h - which files a configuration names beyond those that its loader reads itself.
 *
 * What stands here may be opened for newel by its helper process, however little newel itself may
 * read, and its folder is readable to a confined newel.
 *
 * Owner:   paths are the configuration's
 * Threads: stateless
 */
#ifndef NW_CONF_FILES_H
#define NW_CONF_FILES_H

#include "conf/conf.h"

/* Calls `each` for every file that a part reads after loading; paths as written. */
void nw_conf_each_file(const struct nw_conf *conf, void (*each)(void *arg, struct nw_slice path),
                       void *arg);

#endif
