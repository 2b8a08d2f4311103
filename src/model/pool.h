/*
 * pool.h - every node brings its pool of connections, and the database has so many.
 *
 * nodes x pool <= connections - reserved. Beyond the wall another node gets no connection, so it
 * adds nothing. pool > 0, connections >= 0 (asserted).
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_POOL_H
#define NW_MODEL_POOL_H

#include "model/steps.h"

struct nw_model_pool_in {
    const char *at; /* "databases.main" */
    struct nw_model_quantity nodes;
    struct nw_model_quantity pool;        /* connections of one node */
    struct nw_model_quantity connections; /* max_connections */
};

struct nw_model_pool {
    double wanted;     /* nodes x pool */
    double usable;     /* connections less those reserved for the administrator; not below 0 */
    double wall_nodes; /* the last node count that fits */
    bool is_within;
    double pool_max; /* the largest pool per node with which all nodes fit; 0: none */
};

/* Steps: AT.pool_wanted, AT.pool_wall_nodes. */
struct nw_model_pool nw_model_pool_check(const struct nw_model_pool_in *in,
                                         struct nw_model_steps *steps);
/*
 * What a pool lets through: size / time that a query holds a connection; and what each of `users`
 * who ask at once then waits for the answer (J5, closed law): users / rate. held_s > 0.
 */
void nw_model_pool_limit(double pool, double held_s, double users, double *out_rate_per_s,
                         double *out_wait_s);

#endif
