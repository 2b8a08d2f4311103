/*
 * cost.h - machines to money, and where one way of spending it gets dearer than the other.
 *
 * A month is 730 h (X18). All finite and >= 0 (asserted). Money in the plan's currency, which is a
 * label.
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_COST_H
#define NW_MODEL_COST_H

#include "model/steps.h"

/* So many machines at one price. */
struct nw_model_cost_line {
    const char *name; /* "services.app": its step is NAME.cost_month */
    struct nw_model_quantity count;
    struct nw_model_quantity price_per_h;
    const char *reason; /* there is no count, and so no sum: "beyond-peak"; else NULL */
};

struct nw_model_cost_in {
    const char *at; /* "cost" */
    const struct nw_model_cost_line *lines;
    unsigned line_count;
    struct nw_model_quantity average_per_s; /* 0: no price per request */
};

struct nw_model_cost {
    const char *reason; /* NULL, or that of a line: the numbers are those of the others */
    double per_h;
    double month;
    bool has_per_million;
    double per_million; /* requests */
};

/* Steps: NAME.cost_month each, AT.per_h, AT.month, AT.per_million. */
struct nw_model_cost nw_model_cost_sum(const struct nw_model_cost_in *in,
                                       struct nw_model_steps *steps);

struct nw_model_bigger_in {
    const char *at;                       /* "services.app" */
    struct nw_model_quantity nodes_exact; /* of the present size, before rounding */
    struct nw_model_quantity price_per_h;
    struct nw_model_quantity bigger_factor; /* > 0 */
    struct nw_model_quantity bigger_price_per_h;
};

struct nw_model_bigger {
    double small; /* machines */
    double big;
    double small_month;
    double big_month;
    bool is_big_cheaper;
    bool has_ratio;          /* false when the small one costs nothing */
    double price_ratio;      /* 5.33 times the price for 8 times the capacity */
    double unit_ratio;       /* price of a unit of capacity, big over small */
    double break_even;       /* from so many small ones a big one is cheaper; 0 without ratio */
    double fair_price_per_h; /* at which both cost the same for each unit of capacity */
};

/* Steps: AT.bigger_month, AT.bigger_break_even. */
struct nw_model_bigger nw_model_cost_bigger(const struct nw_model_bigger_in *in,
                                            struct nw_model_steps *steps);

struct nw_model_cache_or_database_in {
    const char *at; /* "cache" */
    struct nw_model_quantity cache_nodes;
    struct nw_model_quantity cache_price_per_h;
    struct nw_model_quantity with_database_per_h; /* databases as planned, behind the cache */
    struct nw_model_quantity only_database_per_h; /* databases if every read reached them */
};

struct nw_model_cache_or_database {
    double with_month; /* cache and databases */
    double only_month;
    bool is_cache_cheaper;
    bool has_ratio; /* false when the first costs nothing */
    double ratio;   /* only / with */
};

/* Steps: AT.with_month, AT.only_month. */
struct nw_model_cache_or_database nw_model_cost_cache(
    const struct nw_model_cache_or_database_in *in, struct nw_model_steps *steps);

enum { NW_MODEL_DAY_HOURS = 24 };

struct nw_model_autoscale_in {
    const char *at; /* "services.app" */
    struct nw_model_quantity average_per_s;
    struct nw_model_quantity peak_per_s;     /* >= average */
    struct nw_model_quantity capacity_per_s; /* of one node, with efficiency; > 0 */
    struct nw_model_quantity margin;
    struct nw_model_quantity spare;
    struct nw_model_quantity price_per_h;
};

struct nw_model_autoscale {
    double rate_per_s[NW_MODEL_DAY_HOURS]; /* highest of each hour; the peak is in hour 12 */
    double nodes[NW_MODEL_DAY_HOURS];
    double node_hours;
    double fixed_node_hours; /* the peak's nodes around the clock */
    double month;
    double saved_share; /* 0..1; 0 when the fixed fleet has no node hours */
};

/*
 * A day whose rate rises and falls once, as a power of a cosine with this average and this peak,
 * sized anew each hour for the highest rate of that hour. Steps: AT.autoscaled_month,
 * AT.saved_share.
 */
struct nw_model_autoscale nw_model_cost_autoscale(const struct nw_model_autoscale_in *in,
                                                  struct nw_model_steps *steps);

#endif
