/*
 * stairs.h - the eight rungs of the staircase, and at what growth each fires for this application.
 *
 * The guides list the moves in one order; an application meets them in its own. For each rung the
 * trigger is judged from the model: needed now, not needed, or "measure first" where the model
 * cannot see what the trigger asks (a process's share of CPU). Where the trigger grows with the
 * load the factor at which it fires is computed in closed form.
 *
 * Owner:   nothing here allocates; strings are static
 * Threads: stateless
 */
#ifndef NW_MODEL_STAIRS_H
#define NW_MODEL_STAIRS_H

#include <stdbool.h>

typedef enum nw_model_rung {
    NW_MODEL_RUNG_ONE_BOX,
    NW_MODEL_RUNG_DATABASE_APART,
    NW_MODEL_RUNG_CACHE,
    NW_MODEL_RUNG_BALANCER,
    NW_MODEL_RUNG_REPLICAS,
    NW_MODEL_RUNG_SHARDS,
    NW_MODEL_RUNG_QUEUES,
    NW_MODEL_RUNG_REGIONS,
    NW_MODEL_RUNG_COUNT,
} nw_model_rung;

typedef enum nw_model_need {
    NW_MODEL_NOT_NEEDED,
    NW_MODEL_NEEDED,
    NW_MODEL_IN_PLACE,      /* the plan has it already: a cache, a queue */
    NW_MODEL_MEASURE_FIRST, /* the model cannot see the trigger */
} nw_model_need;

/* What the triggers are judged by; rates at peak, at the plan's growth. */
struct nw_model_stairs_input {
    double one_node_per_s; /* what one application node carries within margin */
    double peak_per_s;
    double read_load_per_s; /* reads before the cache */
    double reads_per_s;     /* reads behind it */
    double writes_per_s;    /* with margin */
    double primary_reads_per_s;
    double primary_writes_per_s;
    double size_bytes;
    double size_max_bytes;
    bool has_cache;
    bool has_queue;
    bool is_burst_beyond_drain; /* some queue's burst arrives faster than it drains */
    double far_p50_s;           /* of the farthest region; 0: none stated */
    bool has_regions;
};

struct nw_model_stair {
    nw_model_need need;
    bool has_growth;
    double growth; /* times the plan's load: 1 or less means it has fired */
    const char *why;
};

struct nw_model_stairs {
    struct nw_model_stair rungs[NW_MODEL_RUNG_COUNT];
    /* Rungs with a growth, the first to fire first: this application's order. */
    nw_model_rung order[NW_MODEL_RUNG_COUNT];
    unsigned order_count;
};

void nw_model_stairs_judge(const struct nw_model_stairs_input *in, struct nw_model_stairs *out);
/* "cache", "balancer and nodes" */
const char *nw_model_rung_name(nw_model_rung rung);

#endif
