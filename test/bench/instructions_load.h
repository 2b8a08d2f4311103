/*
 * instructions_load.h - the requests that instructions.c counts, from clients to node.
 *
 * Owner:   the load belongs to main, the daemon to the world
 * Threads: one
 */
#ifndef NW_TEST_BENCH_INSTRUCTIONS_LOAD_H
#define NW_TEST_BENCH_INSTRUCTIONS_LOAD_H

#include "world.h"

struct nw_tls_client;

struct load {
    struct world *world;
    struct nw_tls_client *tls; /* NULL: clients speak in the clear */
    unsigned left;             /* requests to be made */
    unsigned running;          /* clients at it */
};

/*
 * Starts node, newel and clients: `plain` HTTP/1.1 throughout; `tls` and `h2` towards newel;
 * `mux`, of HTTP/1.1 clients, over one HTTP/2 connection to the node. False: no such kind.
 */
bool load_start(struct load *load, const char *kind);
bool load_is_done(void *load);
void load_done(struct load *load);

#endif
