/*
 * cachemath.h - what a cache takes off the database, how large it is, and what caps its hits.
 *
 * Rates are those at peak: a database sized for the average fails every evening (X9). All finite,
 * >= 0; shares 0..1 (asserted).
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_CACHEMATH_H
#define NW_MODEL_CACHEMATH_H

#include "model/steps.h"

struct nw_model_cache_load_in {
    const char *at;
    struct nw_model_quantity reads_per_s;
    struct nw_model_quantity hit_ratio;
    struct nw_model_quantity bears_per_s; /* reads that the database bears; 0: not asked */
};

struct nw_model_cache_load {
    double misses_per_s;
    bool has_factor; /* false at 100 % hits: nothing is left to divide by */
    double factor;   /* 1 / (1 - hit) */
    double headroom_without_per_s;
    double headroom_with_per_s;
};

/* Steps: AT.reads_after_cache_per_s, and with bears AT.headroom_without_per_s and …_with_per_s. */
struct nw_model_cache_load nw_model_cache_relieve(const struct nw_model_cache_load_in *in,
                                                  struct nw_model_steps *steps);

struct nw_model_cache_size_in {
    const char *at; /* "cache" */
    struct nw_model_quantity entries;
    struct nw_model_quantity entry_bytes;
    struct nw_model_quantity ram_bytes; /* of one node; > 0 */
    struct nw_model_quantity fill;      /* share of it that entries may use; > 0 */
};

struct nw_model_cache_size {
    double entries_bytes; /* entries x bytes of one */
    double bytes;         /* memory: that over fill */
    double nodes_exact;
    double nodes;
};

/* Steps: AT.bytes, AT.nodes. */
struct nw_model_cache_size nw_model_cache_size(const struct nw_model_cache_size_in *in,
                                               struct nw_model_steps *steps);

/*
 * The highest hit ratio of a key that is asked for at random, `rate_per_s` on average, and lives
 * ttl_s: counted from the fill r T / (1 + r T), renewed by every use 1 - exp(-r T) (L10).
 */
double nw_model_cache_ttl_ceiling(double rate_per_s, double ttl_s);
double nw_model_cache_ttl_ceiling_renewed(double rate_per_s, double ttl_s);

struct nw_model_cache_hit_in {
    const char *at; /* "routes.feed" */
    struct nw_model_quantity stated;
    struct nw_model_quantity per_key_per_s; /* 0 or ttl 0: no ceiling by TTL */
    struct nw_model_quantity ttl_s;
    struct nw_model_quantity view_share; /* share of views that what is kept gets; 0: not stated */
};

struct nw_model_cache_hit {
    double hit_ratio;   /* the least of stated and the ceilings */
    double ttl_ceiling; /* 1 where there is none, as is view_ceiling */
    double view_ceiling;
};

/* Steps: AT.hit_ceiling_ttl, AT.hit_ratio, where a ceiling is lower than what was stated. */
struct nw_model_cache_hit nw_model_cache_cap(const struct nw_model_cache_hit_in *in,
                                             struct nw_model_steps *steps);

struct nw_model_cache_outage_in {
    const char *at;
    struct nw_model_quantity rate_per_s;  /* all reads at peak, now without the cache */
    struct nw_model_quantity bears_per_s; /* > 0 */
};
/* How many times its ceiling the database then gets; above 1 it falls. Step: AT.outage_overload. */
double nw_model_cache_outage(const struct nw_model_cache_outage_in *in,
                             struct nw_model_steps *steps);

/*
 * What a request takes on average: so many hits of one time, misses of the other; not both 0
 * (C3).
 */
double nw_model_cache_mean_s(double hits, double hit_s, double misses, double miss_s);
/* Copies for each follower against one copy that all read (C7f): writes each second. within > 0. */
double nw_model_cache_fanout_per_s(double followers, double active_share, double within_s);

#endif
