/*
 * database.h - one primary, replicas, shards or databases apart?
 *
 * newel's own rule in its order: writes and size first, because replicas help neither. Beside it
 * the function that the guide "scalability" prints, literally. Rates are those at peak, all finite
 * and >= 0; the ceilings > 0 (asserted). Thresholds compare under the tolerance of units.h.
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_DATABASE_H
#define NW_MODEL_DATABASE_H

#include "model/plan_input.h"

typedef enum nw_model_database_move {
    NW_MODEL_ONE_PRIMARY,
    NW_MODEL_READ_REPLICAS,
    NW_MODEL_SHARDING,
    NW_MODEL_FEDERATION,
} nw_model_database_move;

/* "ONE_PRIMARY"… */
const char *nw_model_database_move_name(nw_model_database_move move);

/* Reads of one route that go to this database, and what the cache answers of them. */
struct nw_model_database_reads {
    const char *name;
    struct nw_model_quantity reads_per_s; /* statements at peak, before the cache */
    struct nw_model_quantity hit_ratio;
};

struct nw_model_database_in {
    const char *at;    /* "databases.main" */
    const char *label; /* "main" */
    const struct nw_model_database *database;
    const struct nw_model_database_reads *reads;
    unsigned read_count;
    struct nw_model_quantity writes_per_s; /* statements at peak */
    /* How the writes follow from the load, only for the formula shown; requests_day 0: not told. */
    double peak_per_s;
    double writes_day;
    double requests_day;
    struct nw_model_quantity margin;
    double largest_share; /* of the writes and bytes, in the largest domain; 0: equal shares */
};

struct nw_model_database_answer {
    nw_model_database_move move;
    double reads_per_s;       /* before the cache */
    double after_cache_per_s; /* misses: may go to replicas */
    double own_per_s;         /* reads of one's own writes: primary only, past the cache */
    double read_load_per_s;   /* the two together */
    double write_load_per_s;  /* writes x (1 + margin) */
    double replicas_exact;    /* as if replicas were wanted: after_cache x (1 + margin) / rate */
    double replicas_if;       /* that, rounded: "as replicas 0.40 -> 1" */
    double shards_exact;      /* the larger of writes / write_rate and size / size_max */
    double shards_if;
    bool is_by_size;          /* the size asks for more shards than the writes */
    double replicas;          /* of READ_REPLICAS, or beside the parts of a split database */
    double replicas_each;     /* beside each primary */
    double shards;            /* 1 unless SHARDING; FEDERATION: 1, see domains */
    double domains;           /* databases apart: FEDERATION's, else 1 */
    double primaries;         /* shards or domains: machines that take writes */
    double writes_each_per_s; /* of each, when they spread evenly; without margin */
    bool own_exceeds; /* own reads alone are more than the primary bears: replicas do not help */
    bool writes_exceed;
    bool size_exceeds;
    bool reads_exceed;                      /* of each primary where the database is split */
    const char *why;                        /* one sentence, static */
    nw_model_database_move guide;           /* the guide's function for the same numbers */
    double read_share;                      /* that it judged by */
    double replicas_forgetting_cache_exact; /* X12: replicas if the cache is forgotten */
    double replicas_forgetting_cache;
};

/* Steps: AT.read_load_per_s, write_load_per_s, replicas, shards, primaries (some of them quiet). */
struct nw_model_database_answer nw_model_database_judge(const struct nw_model_database_in *in,
                                                        struct nw_model_steps *steps);

/* The guide's function (D4): reads > 0.8, then size > 10 TB or writes > 50,000/s, else replicas. */
nw_model_database_move nw_model_database_guide(double read_share, double size_bytes,
                                               double writes_per_s, double domains,
                                               bool has_clear_domains);

#endif
