/*
 * spawn.h - the helper process that starts application processes.
 *
 * Forked before any thread exists, so that fork never meets threads; it outlives nothing: when newel
 * goes, it ends the process groups that it started, and itself.
 *
 * Owner:   main; nw_spawner_stop after the daemon is freed
 * Threads: start and stop on the main thread; requests on worker 0
 */
#ifndef NW_IO_SPAWN_H
#define NW_IO_SPAWN_H

#include "base/err.h"

struct nw_spawner;

/* Forks the helper. Before any thread, and before signals are blocked. */
NW_MUST_CHECK nw_err nw_spawner_start(struct nw_spawner **out);
/* Closes the connection: the helper ends what still runs. Waits for it. NULL does nothing. */
void nw_spawner_stop(struct nw_spawner *spawner);

#endif
