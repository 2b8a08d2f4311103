/*
 * sim_disk.h - files of a simulation: a tree in memory for each runtime name.
 *
 * A daemon that starts again under its name finds its disk as it was. After a kill a file holds
 * what was synced last; names are durable at once.
 *
 * Owner:   the world owns the disks; a runtime its open files
 * Threads: one
 */
#ifndef NW_IO_SIM_DISK_H
#define NW_IO_SIM_DISK_H

#include "io/file_impl.h"

struct nw_sim;

extern const struct nw_file_ops sim_file_ops;

/* The runtime ended: its locks and open files go. */
void sim_disk_release(struct nw_sim *sim, struct nw_runtime *runtime);
/* The runtime was killed: what it did not sync is lost. */
void sim_disk_crash(struct nw_sim *sim, struct nw_runtime *runtime);
void sim_disks_free(struct nw_sim *sim);

#endif
