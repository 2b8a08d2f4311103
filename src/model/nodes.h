/*
 * nodes.h - requests at peak to machines.
 *
 * The classic formulas (base, production, one spare), the same by connections, by zones and by the
 * scalability law, rounded once; and beside them the counts that the guides' other ways of rounding
 * would give. All quantities finite and >= 0; node_rate and efficiency > 0 (asserted). A count that
 * does not exist has a reason and 0.
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_NODES_H
#define NW_MODEL_NODES_H

#include "model/steps.h"

struct nw_model_nodes_in {
    const char *at;                         /* "services.app" */
    const char *label;                      /* "App" */
    struct nw_model_quantity average_per_s; /* 0: no average fleet wanted */
    struct nw_model_quantity peak_per_s;
    struct nw_model_quantity node_rate_per_s;
    struct nw_model_quantity efficiency; /* 0..1; not used with the law */
    struct nw_model_quantity margin;
    struct nw_model_quantity spare;
    struct nw_model_quantity zones;       /* >= 2: survive the loss of one; below: spare counts */
    struct nw_model_quantity connected;   /* clients at once, at peak; 0: not stated */
    struct nw_model_quantity connections; /* that one node holds */
    bool has_usl;                         /* the scalability law instead of rate x efficiency */
    double usl_gamma_per_s;
    double usl_alpha;
    double usl_beta;
};

struct nw_model_nodes {
    double base_exact; /* peak x (1 + margin) / node_rate: without efficiency (X3) */
    double base;
    double production_exact; /* peak x (1 + margin) / (node_rate x efficiency); 0 by the law */
    double by_rate;          /* production rounded, or by the law */
    double by_connections;   /* 0: not stated */
    double needed;           /* the larger of the two; at least 1 */
    bool is_by_connections;  /* connections decided (X34) */
    double spare;            /* nodes beyond needed */
    double nodes;            /* with spare, or whole zones */
    double double_rounded;   /* ceil(ceil(peak / (rate x efficiency)) x (1 + margin)) (X4) */
    double average_exact;    /* for the average rate with margin; 0: not wanted */
    double average;
    double utilisation;     /* peak over what `nodes` bear; of the law: over X(nodes) */
    const char *reason;     /* NULL, or of the law: "beyond-peak", "beyond-limit" */
    double reachable_per_s; /* then: the highest that the law reaches, at so many nodes; or, with */
    double reachable_nodes; /* by_rate > 0, what `nodes` reach, for they are more than that */
};

/*
 * Steps: AT.nodes_production or AT.nodes_law (with the spare behind it), AT.nodes_connections,
 * AT.nodes (quiet unless zones or connections decide), AT.nodes_average. With a reason all counts
 * by rate are 0.
 */
struct nw_model_nodes nw_model_nodes_count(const struct nw_model_nodes_in *in,
                                           struct nw_model_steps *steps);

/* In `zones` equal zones so that losing one leaves `needed`: z x ceil(n / (z - 1)); z >= 2. */
double nw_model_nodes_for_zones(double needed, double zones);
/* ceil(ceil(peak / capacity) x (1 + margin)): the guides' rounding in two places (X4). */
double nw_model_nodes_rounded_twice(double peak_per_s, double capacity_per_s, double margin);
/* Efficiency at n nodes, X(n) / (n X(1)); 0 when X(1) is 0 (B6). */
double nw_model_nodes_efficiency(double nodes, double rate_per_s, double single_per_s);

#endif
