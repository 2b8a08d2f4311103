/*
 * plan_impl.h - what the parts of plan.h share while one plan is computed.
 *
 * Owner:   everything lies in the arena of the call
 * Threads: one plan, one thread
 */
#ifndef NW_MODEL_PLAN_IMPL_H
#define NW_MODEL_PLAN_IMPL_H

#include "model/cachemath.h"
#include "model/cost.h"
#include "model/nines.h"
#include "model/nodes.h"
#include "model/plan.h"
#include "model/pool.h"
#include "model/queuemath.h"
#include "model/region.h"
#include "model/volume.h"

struct plan_route {
    double average_per_s;
    double peak_per_s;
    double read_share;
    double hit_ratio; /* after ceilings */
};

struct plan_service {
    struct nw_model_nodes_in in;
    struct nw_model_nodes nodes;
    double average_per_s;
};

struct plan_database {
    struct nw_model_database_in in;
    struct nw_model_database_answer answer;
    struct nw_model_pool pool;
    double nodes; /* of the services that use it */
};

struct plan_queue {
    double average_per_s;
    double peak_per_s;
    bool has_burst;
    struct nw_model_burst burst;
    double retention_bytes;
};

struct plan_work {
    const struct nw_model_plan_input *input;
    struct nw_arena *arena;
    struct nw_model_steps *steps; /* NULL: numbers alone */
    struct nw_model_plan *plan;
    struct nw_model_volume volume;
    struct nw_model_traffic traffic;
    struct plan_route *routes;
    struct plan_service *services;
    struct plan_database *databases;
    struct plan_queue *queues;
    struct nw_model_cache_size cache_size;
    struct nw_model_cost cost;
    double cache_overload; /* the busiest database when the cache is gone; 0: no cache */
    double far_s;          /* of the farthest region, one call */
    unsigned choice_cap;
    unsigned finding_cap;
    unsigned other_cap;
};

/* "services.app"; "" where nothing is recorded. */
const char *plan_at(const struct plan_work *work, const char *block, const char *name);
/* Both do nothing where nothing is recorded; format as printf, kept in the arena. */
void plan_find(struct plan_work *work, nw_model_severity severity, const char *path,
               const char *format, ...) NW_PRINTF(4, 5);
void plan_choose(struct plan_work *work, const struct nw_model_choice *choice);
/* "%.*s" of a value as people read it; in the arena. */
const char *plan_show(const struct plan_work *work, double value, nw_model_unit unit);

/* The parts, in their order. */
void plan_load(struct plan_work *work);
void plan_services(struct plan_work *work);
void plan_databases(struct plan_work *work);
void plan_cache(struct plan_work *work);
void plan_queues(struct plan_work *work);
void plan_regions(struct plan_work *work);
void plan_money(struct plan_work *work);
void plan_availability(struct plan_work *work);
void plan_stairs(struct plan_work *work);
/* Contradictions that would change a result. */
void plan_others(struct plan_work *work);

#endif
