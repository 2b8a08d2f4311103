/*
 * plan_build.h - plans for tests, in base units, as the reader of plan.yaml would hand them over.
 *
 * Owner:   the build owns everything; plan_build_done
 * Threads: one at a time
 */
#ifndef NW_TEST_UNIT_MODEL_PLAN_BUILD_H
#define NW_TEST_UNIT_MODEL_PLAN_BUILD_H

#include "model/sensitivity.h"

enum { PLAN_BUILD_MAX = 4 };

struct plan_build {
    struct nw_arena arena;
    struct nw_model_plan_input input;
    struct nw_model_route routes[PLAN_BUILD_MAX];
    struct nw_model_service services[PLAN_BUILD_MAX];
    struct nw_model_database databases[PLAN_BUILD_MAX];
    struct nw_model_queue queues[PLAN_BUILD_MAX];
    struct nw_model_region regions[PLAN_BUILD_MAX];
    struct nw_model_part parts[PLAN_BUILD_MAX];
    struct nw_model_steps steps;
    struct nw_model_plan plan;
};

/* One mixed route `all`, one service `app`, one database `main`, all else as assumed. */
static inline void plan_build_init(struct plan_build *build)
{
    *build = (struct plan_build){0};
    nw_arena_init(&build->arena, NULL, 0, 64u << 20);
    nw_model_plan_input_init(&build->input);
    for (int i = 0; i < PLAN_BUILD_MAX; i++) {
        nw_model_route_init(&build->routes[i]);
        nw_model_service_init(&build->services[i]);
        nw_model_database_init(&build->databases[i]);
        nw_model_queue_init(&build->queues[i]);
        nw_model_region_init(&build->regions[i]);
    }
    build->routes[0].name = "all";
    build->services[0].name = "app";
    build->databases[0].name = "main";
    build->input.routes = build->routes;
    build->input.services = build->services;
    build->input.databases = build->databases;
    build->input.queues = build->queues;
    build->input.regions = build->regions;
    build->input.parts = build->parts;
    build->input.route_count = 1;
    build->input.service_count = 1;
    build->input.database_count = 1;
}

static inline void plan_build_requests(struct plan_build *build, double per_day, double peak)
{
    build->input.load.kind = NW_MODEL_LOAD_REQUESTS;
    build->input.load.requests_per_s = nw_model_given(per_day / 86400);
    build->input.load.peak = nw_model_given(peak);
}

static inline void plan_build_users(struct plan_build *build, double users, double peak)
{
    build->input.load.kind = NW_MODEL_LOAD_USERS;
    build->input.load.users = nw_model_given(users);
    build->input.load.peak = nw_model_given(peak);
}

/* The photo feed of the guide "one box to 100M requests/day" (D8). */
static inline void plan_build_photo_feed(struct plan_build *build)
{
    plan_build_init(build);
    plan_build_users(build, 50e6, 4);
    build->routes[0].name = "feed";
    build->routes[0].kind = NW_MODEL_ROUTE_READ;
    build->routes[0].per_user_per_s = nw_model_given(4 / 86400.0);
    build->routes[0].cached = nw_model_given(0.95);
    build->routes[1].name = "upload";
    build->routes[1].kind = NW_MODEL_ROUTE_WRITE;
    build->routes[1].per_user_per_s = nw_model_given(0.5 / 86400.0);
    build->databases[0].replica_rate_per_s = nw_model_given(1500);
    build->input.route_count = 2;
}

static inline const struct nw_model_plan *plan_build_compute(struct plan_build *build)
{
    nw_model_steps_init(&build->steps, &build->arena);
    nw_model_plan_compute(&build->input, &build->arena, &build->steps, &build->plan);
    return &build->plan;
}

static inline void plan_build_done(struct plan_build *build)
{
    nw_arena_done(&build->arena);
}

/* The contradiction of that number that the plan names, or NULL. */
static inline const struct nw_model_plan_other *other_of(const struct nw_model_plan *plan,
                                                         int number)
{
    for (unsigned i = 0; i < plan->other_count; i++)
        if (plan->others[i].number == number)
            return &plan->others[i];
    return NULL;
}

#endif
