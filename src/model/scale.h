/*
 * scale.h - how many nodes should there be? The scaling rule, as one pure function.
 *
 * The fleet simulator calls it, and the live fleet calls the same function with measured numbers:
 * what was tried on last week's traffic is what runs. The caller shows what it sees as often as it
 * likes; the rule judges once per `every_s` and answers HOLD in between.
 *
 * Two rules. A step rule (add_ratio or add_nodes above 0) adds that much when CPU was over its
 * target for `for_s`, and then not again before `cooldown_s`. The default rule is proportional:
 * wanted = ceil(ready x seen / target), the largest over CPU, latency and concurrency, where ready
 * is what the fleet can do counted in warm nodes, and requests that were refused count as asked
 * for. Ordered nodes count as there; cold ones are in no mean, and until the nodes of a step are
 * warm it is judged by what a request cost before them.
 *
 * Nodes leave one at a time, and only where the last hour's peak would still have had room. Brakes
 * stand above both rules: max, money, the pool wall of the database, and a step that did not help.
 *
 * Owner:   the caller; policy, state and seen are plain data, nothing here allocates
 * Threads: stateless; one state, one thread
 */
#ifndef NW_MODEL_SCALE_H
#define NW_MODEL_SCALE_H

#include <stdbool.h>

#include "base/err.h"

#define NW_MODEL_SCALE_NODES_MAX 1000000000000 /* of every node count here */
#define NW_MODEL_SCALE_PEAKS 60u               /* minutes of memory for scaling in */

typedef enum nw_model_scale_signal {
    NW_MODEL_SCALE_CPU,         /* 0..1, mean of the warm nodes */
    NW_MODEL_SCALE_LATENCY,     /* seconds */
    NW_MODEL_SCALE_CONCURRENCY, /* requests inside one node */
    NW_MODEL_SCALE_SIGNAL_COUNT,
} nw_model_scale_signal;

struct nw_model_scale_policy {
    double target[NW_MODEL_SCALE_SIGNAL_COUNT]; /* 0: this signal is not used */
    double every_s;                             /* between judgements */
    double for_s;                               /* over target for so long before nodes are added */
    double cooldown_s;       /* after adding: a step rule adds nothing, no rule takes any away */
    double add_ratio;        /* step rule: 1 doubles */
    double add_nodes;        /* step rule: so many; with add_ratio the larger of the two */
    double band_up_ratio;    /* proportional: 0.1 tolerates 10 % too few nodes */
    double band_in_ratio;    /* 0.2 tolerates 20 % too many */
    double in_peak_ratio;    /* in only if the last hour's peak leaves less CPU than this */
    bool counts_cold;        /* step rule: starting nodes' readings are in the mean */
    bool scales_in;          /* false: never */
    int64_t min_nodes;       /* 1 .. max_nodes */
    int64_t max_nodes;       /* .. NW_MODEL_SCALE_NODES_MAX */
    double price_per_h;      /* of one node */
    double max_cost_per_h;   /* brake; 0: none */
    double no_benefit_ratio; /* brake: a step must gain this part of its forecast; 0: none */
    double pool_size;        /* brake: database connections of one node; 0: none */
    double pool_wall;        /* connections that the database has for them */
};

/* What the rule remembers. Start with nw_model_scale_init. */
struct nw_model_scale_state {
    bool has_judged, has_added, has_base, is_stopped;
    double begun_s, judged_s, added_s;        /* when it first and last judged, last added */
    double over_s;                            /* over target for so long */
    double window_s;                          /* growth is bounded from here for 15 s */
    int64_t window_nodes;                     /* by what there was then */
    double base_ready, base_cost_s;           /* before the step that is on trial */
    double benefit_ratio;                     /* of the step that was stopped */
    int64_t peak_minute;                      /* minute of the newest peak */
    double peaks_nodes[NW_MODEL_SCALE_PEAKS]; /* busiest moment of each minute, in busy nodes */
};

/* What there is to see, as means of the time since the last judgement. */
struct nw_model_scale_seen {
    double now_s;           /* any clock that does not jump */
    int64_t warm_nodes;     /* serve, and their readings count */
    int64_t cold_nodes;     /* serve, but do not count yet */
    int64_t coming_nodes;   /* ordered or starting */
    int64_t draining_nodes; /* leaving; in none of the other counts */
    double report_ratio;    /* part of the warm nodes whose readings arrived, 0..1 */
    double cpu_ratio;       /* mean of the warm nodes that reported, 0..1 */
    double cpu_all_ratio;   /* the same with cold nodes in it */
    double latency_s, concurrency;
    double served_per_s;      /* answered */
    double served_warm_per_s; /* answered by warm nodes */
    double refused_per_s;     /* asked for and not answered */
    double database_ratio;    /* how full the database is; 0 when unknown. From 0.95 on no_benefit
                                 adds nothing, since the next step could not gain half */
};

typedef enum nw_model_scale_reason {
    NW_MODEL_SCALE_NOT_DUE,     /* less than every_s since the last judgement */
    NW_MODEL_SCALE_LOST,        /* readings missing or senseless: hold */
    NW_MODEL_SCALE_IN_BAND,     /* near enough */
    NW_MODEL_SCALE_WAITING,     /* over target, but not for long enough, or cooling down */
    NW_MODEL_SCALE_ADDED,       /* change > 0 */
    NW_MODEL_SCALE_TAKEN,       /* change = -1 */
    NW_MODEL_SCALE_PEAK_NEEDED, /* too many now, not too many for the last hour's peak */
    NW_MODEL_SCALE_AT_MAX,      /* brakes: more was wanted */
    NW_MODEL_SCALE_AT_COST,
    NW_MODEL_SCALE_AT_POOL_WALL,
    NW_MODEL_SCALE_NO_BENEFIT, /* more nodes did not help; see bottleneck */
    NW_MODEL_SCALE_REASON_COUNT,
} nw_model_scale_reason;

typedef enum nw_model_scale_bottleneck {
    NW_MODEL_SCALE_NONE,
    NW_MODEL_SCALE_DATABASE, /* it is full */
    NW_MODEL_SCALE_SHARED,   /* something that all nodes share, not measured here */
} nw_model_scale_bottleneck;

struct nw_model_scale_verdict {
    int64_t change;                       /* order so many, or drain one (-1), or nothing */
    int64_t wanted_nodes;                 /* without brakes and bounds on growth; 0 when LOST */
    nw_model_scale_signal signal;         /* that asked for the most */
    nw_model_scale_reason reason;         /* when a brake cut a step short: that brake */
    nw_model_scale_bottleneck bottleneck; /* with NO_BENEFIT */
    double benefit_ratio;                 /* with NO_BENEFIT: gained part of the forecast */
};

/*
 * The default rule for nodes that take start_s to start: CPU 70 %, every 15 s, dead band 10 % up
 * and 20 % down, cooldown max(5 min, 2 x start), scaling in, no_benefit 50 %; min 1. The caller
 * gives max_nodes. start_s finite and not negative: asserted.
 */
struct nw_model_scale_policy nw_model_scale_default(double start_s, int64_t max_nodes);
/*
 * INVALID, and a sentence in *out_why when it is not NULL: a number is not finite or negative,
 * every_s is not above 0, no target, nodes out of order, or a step rule without a CPU target.
 */
NW_MUST_CHECK nw_err nw_model_scale_policy_check(const struct nw_model_scale_policy *policy,
                                                 const char **out_why);

void nw_model_scale_init(struct nw_model_scale_state *state);
/*
 * The next step. The policy must pass its check (asserted in part); whatever is *seen* is judged:
 * counts below 0 or beyond the maximum, readings that are negative or not finite are LOST.
 */
void nw_model_scale_judge(const struct nw_model_scale_policy *policy,
                          struct nw_model_scale_state *state,
                          const struct nw_model_scale_seen *seen,
                          struct nw_model_scale_verdict *out);
/* The most nodes that brakes allow, and which one that is (AT_MAX, AT_COST, AT_POOL_WALL). */
int64_t nw_model_scale_bound(const struct nw_model_scale_policy *policy,
                             nw_model_scale_reason *out_which);

/* "not due", "added", "stopped: no benefit", ... */
const char *nw_model_scale_reason_name(nw_model_scale_reason reason);
/* "database", "something the nodes share", "none". */
const char *nw_model_scale_bottleneck_name(nw_model_scale_bottleneck bottleneck);
/* "cpu", "latency", "concurrency". */
const char *nw_model_scale_signal_name(nw_model_scale_signal signal);

#endif
