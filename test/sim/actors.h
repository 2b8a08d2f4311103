/*
 * actors.h - the fibers of nodes and clients, for world.c.
 *
 * Owner:   the world
 * Threads: the actor's worker
 */
#ifndef NW_TEST_SIM_ACTORS_H
#define NW_TEST_SIM_ACTORS_H

#include "world.h"

/* Opens the node's listener; each connection gets a fiber. */
void world_node_main(void *node);
/* One client's requests, one after the other. */
void world_client_main(void *client);

/* What follows from a request's number. */
bool world_is_post(uint64_t id);
bool world_is_chunked(uint64_t id, char side);

#endif
