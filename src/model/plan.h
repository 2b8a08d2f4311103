/*
 * plan.h - a plan: from users to nodes, cache, replicas, shards, queues, regions and money.
 *
 * Calls the arithmetic of its folder in order and keeps what came out: numbers as steps, choices as
 * such, what is wrong as findings. The JSON path of a number is the path of its step, so a
 * report, `--fail-if` and `compare` all read the same list.
 *
 * Owner:   results live in the arena given and borrow the input
 * Threads: stateless
 */
#ifndef NW_MODEL_PLAN_H
#define NW_MODEL_PLAN_H

#include "model/database.h"
#include "model/decide.h"
#include "model/plan_input.h"
#include "model/stairs.h"

/* A choice: "databases.main", SHARDING, 4. */
struct nw_model_choice {
    const char *path;
    const char *name; /* "ONE_PRIMARY" */
    const char *one;  /* "one primary": what count 0 and 1 are called */
    const char *many; /* "shards": behind the count; NULL: `one` whatever the count */
    double count;
    const char *why; /* a sentence; the numbers are in the steps */
};

typedef enum nw_model_severity {
    NW_MODEL_UNMET,   /* the plan cannot be met: exit 1 */
    NW_MODEL_WARNING, /* it can, but somebody should know */
} nw_model_severity;

struct nw_model_finding {
    nw_model_severity severity;
    const char *path;
    const char *sentence;
};

/* A contradiction of the guides whose other value would change a result of this plan. */
struct nw_model_plan_other {
    int number;           /* X3 is 3: row of disagree.def */
    const char *path;     /* the result that it changes */
    const char *sentence; /* "without it 46 nodes" */
};

/* What so many nodes make of the peak: the share of N that is margin buys this. */
struct nw_model_plan_wait {
    double nodes;
    double utilisation; /* 1 or more: unstable, and no wait */
    double wait_s_p99;
};

enum { NW_MODEL_PLAN_WAITS = 3 };

struct nw_model_plan_service {
    const char *name;
    double peak_per_s;
    double nodes; /* all: rate or connections, then spare or zones; 0: beyond the law's peak */
    double nodes_needed;
    double cost_per_h;
    nw_model_move move;
    /* Without margin, with it, with spare; only with steps, and not by a law. */
    struct nw_model_plan_wait waits[NW_MODEL_PLAN_WAITS];
    unsigned wait_count;
};

struct nw_model_plan_database {
    const char *name;
    double reads_per_s;  /* at peak, behind the cache */
    double writes_per_s; /* at peak */
    double read_load;    /* at peak, before the cache */
    nw_model_database_move move;
    double count; /* replicas or shards, else 0 */
    double cost_per_h;
};

struct nw_model_plan {
    const struct nw_model_plan_input *input;
    double average_per_s;
    double peak_per_s;
    double hit_ratio;    /* of all reads, after ceilings */
    double nodes;        /* of all services */
    double nodes_needed; /* those without spare ones */
    double cache_nodes;
    double cost_per_h;
    double cost_month;
    const char *nodes_reason; /* NULL, or why nodes and cost are those of a part: "beyond-peak" */
    bool is_met;
    struct nw_model_plan_service *services;
    struct nw_model_plan_database *databases;
    struct nw_model_stairs stairs;
    struct nw_model_choice *choices;
    unsigned choice_count;
    struct nw_model_finding *findings;
    unsigned finding_count;
    struct nw_model_plan_other *others; /* only with steps */
    unsigned other_count;
};

/*
 * Computes everything. With steps NULL it records nothing and leaves choices, findings, others
 * and stairs out: the numbers alone, for sensitivity and sweeps. Never fails: what cannot be met is
 * a finding, and is_met is false.
 */
void nw_model_plan_compute(const struct nw_model_plan_input *input, struct nw_arena *arena,
                           struct nw_model_steps *steps, struct nw_model_plan *out);

/* "4 shards" */
void nw_model_choice_print(struct nw_text *out, const struct nw_model_choice *choice);

#endif
