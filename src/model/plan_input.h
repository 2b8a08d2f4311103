/*
 * plan_input.h - what a plan is asked: the plan file as numbers.
 *
 * One struct per block of plan.yaml, one field per key, in base units (seconds, bytes, one each
 * second, money each hour, shares 0..1). The reader (cmd/plan_file) fills every field: what the
 * file did not give has the value, low and high of its row in constants.def and the origin
 * ASSUMED. What-if (--set, --sweep) happens before: the file's tree is edited, then read, so that
 * every path and every check is that of the file.
 *
 * Owner:   names and arrays live in the caller's arena
 * Threads: immutable while a plan is computed; sensitivity computes on copies
 */
#ifndef NW_MODEL_PLAN_INPUT_H
#define NW_MODEL_PLAN_INPUT_H

#include "model/steps.h"

enum {
    NW_MODEL_ROUTES_MAX = 256,
    NW_MODEL_SERVICES_MAX = 64,
    NW_MODEL_DATABASES_MAX = 64,
    NW_MODEL_QUEUES_MAX = 64,
    NW_MODEL_REGIONS_MAX = 64,
    NW_MODEL_PARTS_MAX = 64,
    NW_MODEL_MEASURED_MAX = 64,
};

/* How the load was stated. */
typedef enum nw_model_load_kind {
    NW_MODEL_LOAD_USERS,    /* users x what the routes say that each does */
    NW_MODEL_LOAD_REQUESTS, /* an average: requests: 100M/d */
    NW_MODEL_LOAD_RATE,     /* a peak: rate: 5800/s; peak factor then gives the average */
} nw_model_load_kind;

struct nw_model_load {
    nw_model_load_kind kind;
    struct nw_model_quantity users;
    struct nw_model_quantity requests_per_s; /* REQUESTS: average; RATE: at peak */
    struct nw_model_quantity peak;           /* peak over average, 1..1e4; has no default */
    struct nw_model_quantity growth;         /* multiplies the load: 1 is today */
    struct nw_model_quantity connected;      /* clients connected at once, at peak; 0: not stated */
    const char *currency;
};

typedef enum nw_model_route_kind {
    NW_MODEL_ROUTE_MIXED, /* read_share of it are reads */
    NW_MODEL_ROUTE_READ,
    NW_MODEL_ROUTE_WRITE,
} nw_model_route_kind;

struct nw_model_route {
    const char *name;
    nw_model_route_kind kind;
    bool has_share;                          /* share of all requests, else per_user */
    struct nw_model_quantity per_user_per_s; /* of one user, on average */
    struct nw_model_quantity share;
    struct nw_model_quantity cached; /* share of its reads that the cache answers */
    struct nw_model_quantity request_bytes;
    struct nw_model_quantity answer_bytes;
    struct nw_model_quantity log_bytes;
    struct nw_model_quantity queries; /* statements per request */
    int service_index;                /* the first unless the file says another */
    int database_index;
    int queue_index; /* -1: answered at once */
};

typedef enum nw_model_efficiency_kind {
    NW_MODEL_EFFICIENCY_RATIO,
    NW_MODEL_EFFICIENCY_USL,      /* gamma is one node's rate; node_rate is not used */
    NW_MODEL_EFFICIENCY_MEASURED, /* points of (nodes, rate), fitted */
} nw_model_efficiency_kind;

struct nw_model_measured {
    double nodes;
    double rate_per_s;
};

typedef enum nw_model_answer { NW_MODEL_UNKNOWN, NW_MODEL_YES, NW_MODEL_NO } nw_model_answer;

struct nw_model_service {
    const char *name;
    struct nw_model_quantity node_rate_per_s;
    nw_model_efficiency_kind efficiency_kind;
    struct nw_model_quantity efficiency;
    double usl_gamma_per_s;
    double usl_alpha;
    double usl_beta;
    struct nw_model_measured measured[NW_MODEL_MEASURED_MAX];
    unsigned measured_count;
    struct nw_model_quantity margin;
    struct nw_model_quantity spare;       /* nodes; not used where zones > 0 */
    struct nw_model_quantity zones;       /* survive the loss of one; 0: not asked */
    struct nw_model_quantity connections; /* clients that one node holds */
    nw_model_answer stateless;
    bool has_bigger;
    struct nw_model_quantity bigger_factor;
    struct nw_model_quantity bigger_price_per_h;
    struct nw_model_quantity price_per_h;
};

struct nw_model_database {
    const char *name;
    struct nw_model_quantity read_rate_per_s;
    struct nw_model_quantity replica_rate_per_s;
    struct nw_model_quantity write_rate_per_s;
    struct nw_model_quantity size_bytes;
    struct nw_model_quantity size_max_bytes;
    struct nw_model_quantity own_writes; /* share of reads that stay on the primary */
    struct nw_model_quantity lag_s;
    struct nw_model_quantity connections;
    struct nw_model_quantity pool; /* of one application node */
    struct nw_model_quantity domains;
    bool has_clear_domains;
    struct nw_model_quantity price_per_h;
};

struct nw_model_cache {
    struct nw_model_quantity entry_bytes;
    struct nw_model_quantity hot; /* entries worth keeping; 0: not stated */
    struct nw_model_quantity ttl_s;
    struct nw_model_quantity per_key_per_s;
    struct nw_model_quantity ram_bytes; /* of one cache node */
    struct nw_model_quantity fill;      /* share of it that holds entries */
    struct nw_model_quantity price_per_h;
};

struct nw_model_queue {
    const char *name;
    struct nw_model_quantity burst; /* messages that arrive together; 0: none */
    struct nw_model_quantity over_s;
    struct nw_model_quantity drain_per_s;
    struct nw_model_quantity message_bytes;
    struct nw_model_quantity retention_s;
    struct nw_model_quantity groups;
    struct nw_model_quantity outage_s;
    struct nw_model_quantity alarm_s;
};

struct nw_model_region {
    const char *name;
    struct nw_model_quantity users; /* share of them */
    struct nw_model_quantity rtt_s;
    struct nw_model_quantity local_s;
    struct nw_model_quantity calls;
    struct nw_model_quantity distance_km; /* 0: not stated */
};

struct nw_model_part {
    const char *name;
    struct nw_model_quantity availability; /* of one */
};

/* All of plan.yaml. Absent blocks have count 0 or has_… false. */
struct nw_model_plan_input {
    struct nw_model_load load;
    struct nw_model_quantity read_share; /* of mixed routes */
    struct nw_model_route *routes;       /* one at least: `all`, mixed, where the file has none */
    unsigned route_count;
    struct nw_model_service *services; /* one at least */
    unsigned service_count;
    struct nw_model_database *databases; /* one at least */
    unsigned database_count;
    struct nw_model_cache cache;
    struct nw_model_queue *queues;
    unsigned queue_count;
    struct nw_model_region *regions;
    unsigned region_count;
    bool has_availability;
    struct nw_model_quantity availability_target;
    struct nw_model_quantity common_cause;
    struct nw_model_part *parts;
    unsigned part_count;
    struct nw_model_quantity budget_month; /* 0: none */
};

/*
 * Each fills a block with the constants that the plan file leaves to newel: values, low and high of
 * constants.def, origin ASSUMED; names, counts and lists are 0. A route is mixed and goes to the
 * first service and database, without a queue. `peak` and whatever else has no default is 0.
 */
void nw_model_route_init(struct nw_model_route *route);
void nw_model_service_init(struct nw_model_service *service);
void nw_model_database_init(struct nw_model_database *database);
void nw_model_queue_init(struct nw_model_queue *queue);
void nw_model_region_init(struct nw_model_region *region);
/* The blocks that stand alone, load and cache too; lists are empty. */
void nw_model_plan_input_init(struct nw_model_plan_input *input);

/*
 * Calls back for every quantity with its path as in the file ("services.app.node_rate") and its
 * unit, in the order of the structs; the path is valid during the call. Sensitivity, the list of
 * what was assumed and `compare` walk the inputs by it.
 */
typedef void (*nw_model_quantity_fn)(void *arg, const char *path, nw_model_unit unit,
                                     struct nw_model_quantity *quantity);
void nw_model_plan_input_each(struct nw_model_plan_input *input, nw_model_quantity_fn fn,
                              void *arg);
/* A deep copy in the arena. */
struct nw_model_plan_input *nw_model_plan_input_copy(const struct nw_model_plan_input *input,
                                                     struct nw_arena *arena);

#endif
