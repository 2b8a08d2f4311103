/*
 * Every request of a fleet, one by one: an arrival chooses a node, a node is a station with one
 * server. The nodes' ages and the judgements are the body's, as in the fluid engine; what differs
 * is everything between two ticks, so each engine checks the other.
 *
 * Serving nodes stand in one array in the order in which they began, so the warm ones are its first
 * `body.warm` entries and a node that leaves is its last; which node is cold needs no flag that
 * could be wrong. A node that left keeps its station until its last request is done.
 *
 * What a node still has to do is kept beside the station: both disciplines lose work at the same
 * pace, so one number per node gives its busy time and decides whom to refuse. The database's herd
 * is a speed of all nodes, set anew each second from what that second asks for.
 */
#include "model/fleet_body.h"

#include <math.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "model/station.h"

enum { ARRIVAL = 0, TICK = 1 };
#define INSIDE_MAX (1u << 26)
#define EVENTS_PER_LOOK (1u << 16) /* between two looks at `stop` within a second */
#define NONE UINT32_MAX

struct node {
    uint32_t station;
    uint32_t inside;
    uint32_t before, after;   /* of its level's list: as many inside, longest there first */
    double speed;             /* work seconds per second */
    double left_s, left_at_s; /* work not done yet, at that time */
    double brought_s;         /* work that came in this tick */
    double carried_s;         /* work left at the tick's start */
    double turn;              /* round robin: parts of a turn that a cold node has saved */
    bool is_serving, is_cold;
};

struct level {
    uint32_t first, last;
};

struct engine {
    struct nw_model_fleet_body body;
    struct nw_model_fleet_feed feed;
    struct nw_model_stations *stations;
    struct node *nodes;
    uint32_t node_count, node_room;
    uint32_t *serving, *idle; /* node indices: oldest first; those that may be used again */
    uint32_t serving_count, idle_count, warm_count;
    struct level *levels;
    uint32_t level_count, level_least;
    uint32_t turn_at;
    struct nw_rng arrival_rng, service_rng, choice_rng;
    double rate_per_s; /* in this tick */
    double due;        /* arrivals' worth of time until the next one */
    double due_from_s; /* as of then */
    double slow;       /* the database's factor on all speeds, 0..1 */
    double queries;
};

/* ---- nodes by how much is inside ---- */

static void level_leave(struct engine *engine, uint32_t at)
{
    struct node *node = &engine->nodes[at];
    struct level *level = &engine->levels[node->inside];
    if (node->before == NONE)
        level->first = node->after;
    else
        engine->nodes[node->before].after = node->after;
    if (node->after == NONE)
        level->last = node->before;
    else
        engine->nodes[node->after].before = node->before;
}

static void levels_grow(struct engine *engine, uint32_t inside)
{
    uint32_t before = engine->level_count;
    if (inside < before)
        return;
    while (engine->level_count <= inside)
        engine->level_count = engine->level_count == 0 ? 64 : 2 * engine->level_count;
    engine->levels = nw_realloc(engine->levels, engine->level_count * sizeof *engine->levels);
    for (uint32_t i = before; i < engine->level_count; i++)
        engine->levels[i] = (struct level){NONE, NONE};
}

static void level_join(struct engine *engine, uint32_t at)
{
    struct node *node = &engine->nodes[at];
    levels_grow(engine, node->inside);
    struct level *level = &engine->levels[node->inside];
    node->before = level->last;
    node->after = NONE;
    if (level->last == NONE)
        level->first = at;
    else
        engine->nodes[level->last].after = at;
    level->last = at;
    if (node->inside < engine->level_least)
        engine->level_least = node->inside;
}

/* Only least connections needs the lists; a node that takes nothing stands in none. */
static bool is_listed(const struct engine *engine, const struct node *node)
{
    return engine->body.in->balance == NW_MODEL_FLEET_LEAST_CONNECTIONS && node->is_serving &&
           (!node->is_cold || engine->body.in->cold_rate_ratio > 0);
}

static void inside_set(struct engine *engine, uint32_t at, uint32_t inside)
{
    struct node *node = &engine->nodes[at];
    if (!is_listed(engine, node)) {
        node->inside = inside;
        return;
    }
    level_leave(engine, at);
    node->inside = inside;
    level_join(engine, at);
}

static void serving_set(struct engine *engine, uint32_t at, bool is_serving, bool is_cold)
{
    struct node *node = &engine->nodes[at];
    if (is_listed(engine, node))
        level_leave(engine, at);
    node->is_serving = is_serving;
    node->is_cold = is_cold;
    if (is_listed(engine, node))
        level_join(engine, at);
}

/* ---- work ---- */

static void work_pass(struct node *node, double now_s)
{
    node->left_s = nw_model_fleet_most(0, node->left_s - (now_s - node->left_at_s) * node->speed);
    node->left_at_s = now_s;
}

static void speed_choose(struct engine *engine, uint32_t at, double now_s)
{
    struct node *node = &engine->nodes[at];
    double speed = nw_model_fleet_most(
        engine->slow * (node->is_cold ? engine->body.in->cold_rate_ratio : 1), 1e-6);
    if (speed == node->speed)
        return;
    work_pass(node, now_s);
    node->speed = speed;
    nw_model_station_speed_set(engine->stations, now_s, node->station, speed);
}

/* ---- nodes come and go ---- */

static uint32_t node_new(struct engine *engine)
{
    if (engine->idle_count > 0)
        return engine->idle[--engine->idle_count];
    if (engine->node_count == engine->node_room) {
        engine->node_room = engine->node_room == 0 ? 64 : 2 * engine->node_room;
        size_t room = engine->node_room;
        engine->nodes = nw_realloc(engine->nodes, room * sizeof *engine->nodes);
        engine->serving = nw_realloc(engine->serving, room * sizeof *engine->serving);
        engine->idle = nw_realloc(engine->idle, room * sizeof *engine->idle);
    }
    nw_model_discipline discipline =
        engine->body.in->station == NW_MODEL_FLEET_FIFO ? NW_MODEL_FIFO : NW_MODEL_PS;
    engine->nodes[engine->node_count] = (struct node){
        .station = nw_model_station_add(engine->stations, discipline, 1, 1),
        .speed = 1,
    };
    return engine->node_count++;
}

static void node_rest(struct engine *engine, uint32_t at)
{
    if (!engine->nodes[at].is_serving && engine->nodes[at].inside == 0)
        engine->idle[engine->idle_count++] = at;
}

/* Makes the serving nodes what the body says they are. */
static void nodes_follow(struct engine *engine)
{
    const struct nw_model_fleet_body *body = &engine->body;
    double now_s = (double)body->tick;
    uint32_t wanted = (uint32_t)(body->warm + body->cold), warm = (uint32_t)body->warm;
    while (engine->serving_count > wanted) {
        uint32_t at = engine->serving[--engine->serving_count];
        serving_set(engine, at, false, false);
        node_rest(engine, at);
    }
    while (engine->serving_count < wanted) {
        uint32_t at = node_new(engine);
        struct node *node = &engine->nodes[at];
        node->left_s = node->brought_s = node->carried_s = node->turn = 0;
        node->left_at_s = now_s;
        engine->serving[engine->serving_count++] = at;
        serving_set(engine, at, true, engine->serving_count > warm);
        speed_choose(engine, at, now_s);
    }
    for (uint32_t i = engine->warm_count; i < warm; i++) {
        serving_set(engine, engine->serving[i], true, false);
        speed_choose(engine, engine->serving[i], now_s);
    }
    engine->warm_count = warm;
    if (engine->turn_at >= engine->serving_count)
        engine->turn_at = 0;
}

/* ---- which node? ---- */

static uint32_t any_serving(struct engine *engine)
{
    double cold_ratio = engine->body.in->cold_rate_ratio;
    uint32_t at = NONE;
    for (int tries = 0; tries < 1000; tries++) { /* a cold one takes its part of the draws */
        at = engine->serving[nw_rng_below(&engine->choice_rng, engine->serving_count)];
        if (!engine->nodes[at].is_cold || cold_ratio >= 1 ||
            nw_rng_double(&engine->choice_rng) < cold_ratio)
            break;
    }
    return at;
}

static uint32_t next_in_turn(struct engine *engine)
{
    double cold_ratio = engine->body.in->cold_rate_ratio;
    uint32_t at = NONE;
    for (uint32_t tries = 0; tries <= 2 * engine->serving_count; tries++) {
        at = engine->serving[engine->turn_at];
        engine->turn_at = engine->turn_at + 1 < engine->serving_count ? engine->turn_at + 1 : 0;
        struct node *node = &engine->nodes[at];
        if (!node->is_cold)
            break;
        node->turn += cold_ratio;
        if (node->turn >= 1) {
            node->turn -= 1;
            break;
        }
    }
    return at;
}

static uint32_t least_connected(struct engine *engine)
{
    while (engine->level_least + 1 < engine->level_count &&
           engine->levels[engine->level_least].first == NONE)
        engine->level_least++;
    return engine->levels[engine->level_least].first;
}

/* NONE: no node takes anything. */
static uint32_t choose(struct engine *engine)
{
    if (engine->body.warm == 0 &&
        (engine->serving_count == 0 || engine->body.in->cold_rate_ratio <= 0))
        return NONE;
    switch (engine->body.in->balance) {
    case NW_MODEL_FLEET_RANDOM: return any_serving(engine);
    case NW_MODEL_FLEET_ROUND_ROBIN: return next_in_turn(engine);
    case NW_MODEL_FLEET_LEAST_CONNECTIONS: return least_connected(engine);
    case NW_MODEL_FLEET_TWO_CHOICES: break;
    }
    uint32_t a = any_serving(engine), b = any_serving(engine);
    return engine->nodes[b].inside < engine->nodes[a].inside ? b : a;
}

/* ---- requests ---- */

static double work_draw_s(struct engine *engine)
{
    const struct nw_model_fleet *in = engine->body.in;
    double mean_s = 1 / in->node_rate_per_s;
    if (in->service_cv <= 0)
        return mean_s;
    if (in->service_cv == 1)
        return nw_rng_exponential(&engine->service_rng, mean_s);
    return nw_model_draw_lognormal(&engine->service_rng, mean_s, in->service_cv);
}

static nw_err arrive(struct engine *engine, double now_s)
{
    double work_s = work_draw_s(engine); /* drawn for refused ones too: the same for all policies */
    uint32_t at = choose(engine);
    engine->body.sums.offered++;
    if (at == NONE) {
        engine->body.sums.refused++;
        return NW_OK;
    }
    struct node *node = &engine->nodes[at];
    work_pass(node, now_s);
    if (node->left_s > engine->body.in->wait_s * node->speed) {
        engine->body.sums.refused++;
        return NW_OK;
    }
    NW_TRY(nw_model_station_enter(engine->stations, now_s, node->station, work_s, at));
    node->left_s += work_s;
    node->brought_s += work_s;
    inside_set(engine, at, node->inside + 1);
    return NW_OK;
}

static void depart(struct engine *engine, const struct nw_model_happening *happening)
{
    uint32_t at = happening->tag;
    struct nw_model_fleet_sums *sums = &engine->body.sums;
    sums->served++;
    sums->served_warm += engine->nodes[at].is_serving && !engine->nodes[at].is_cold;
    sums->response_s += happening->time_s - happening->entered_s;
    inside_set(engine, at, engine->nodes[at].inside - 1);
    node_rest(engine, at);
}

/* Asks for a reminder of the next arrival if it falls into this tick, [tick, tick + 1). */
static nw_err arrival_plan(struct engine *engine)
{
    double end_s = (double)engine->body.tick + 1;
    if (engine->rate_per_s > 0) {
        double at_s = engine->due_from_s + engine->due / engine->rate_per_s;
        if (at_s < end_s) {
            engine->due_from_s = at_s;
            engine->due = 1;
            if (engine->body.in->arrivals == NW_MODEL_FLEET_POISSON)
                engine->due = nw_rng_exponential(&engine->arrival_rng, 1);
            return nw_model_stations_remind(engine->stations, at_s, ARRIVAL);
        }
    }
    engine->due =
        nw_model_fleet_most(0, engine->due - (end_s - engine->due_from_s) * engine->rate_per_s);
    engine->due_from_s = end_s;
    return NW_OK;
}

/* ---- ticks ---- */

/* The herd: what this second asks of the database against what it bears. */
static void slow_choose(struct engine *engine)
{
    const struct nw_model_fleet *in = engine->body.in;
    if (in->database_per_s <= 0)
        return;
    double full_per_s = in->node_rate_per_s * nw_model_fleet_body_weight(&engine->body);
    double waiting = 0, slow = 1, now_s = (double)engine->body.tick;
    for (uint32_t i = 0; i < engine->serving_count; i++)
        waiting += engine->nodes[engine->serving[i]].left_s * in->node_rate_per_s;
    engine->queries = nw_model_fleet_body_queries(&engine->body);
    double asked = nw_model_fleet_least(waiting + engine->rate_per_s, full_per_s) * engine->queries;
    if (asked > in->database_per_s)
        slow = in->database_per_s / (engine->queries * full_per_s);
    if (slow == engine->slow)
        return;
    engine->slow = slow;
    for (uint32_t i = 0; i < engine->serving_count; i++)
        speed_choose(engine, engine->serving[i], now_s);
}

static void tick_begin(struct engine *engine)
{
    nw_model_fleet_feed_seek(&engine->feed, engine->body.tick);
    engine->rate_per_s =
        nw_model_fleet_most(0, nw_model_fleet_feed_noisy(&engine->feed, engine->feed.rate_per_s));
    slow_choose(engine);
    for (uint32_t i = 0; i < engine->serving_count; i++) {
        struct node *node = &engine->nodes[engine->serving[i]];
        node->carried_s = node->left_s;
        node->brought_s = 0;
    }
}

/* Busy is what was done of what there was; speeds did not change within the tick. */
static void tick_end(struct engine *engine, double served_before)
{
    struct nw_model_fleet_body *body = &engine->body;
    double end_s = (double)body->tick + 1, warm = 0, cold = 0;
    for (uint32_t i = 0; i < engine->serving_count; i++) {
        struct node *node = &engine->nodes[engine->serving[i]];
        work_pass(node, end_s);
        double done_s = node->carried_s + node->brought_s - node->left_s;
        double busy = nw_model_fleet_least(1, nw_model_fleet_most(0, done_s) / node->speed);
        if (node->is_cold)
            cold += nw_model_fleet_most(busy, body->in->cold_cpu_ratio);
        else
            warm += busy;
    }
    if (engine->serving_count > 0)
        body->sums.cpu += (warm + cold) / engine->serving_count;
    if (body->warm > 0)
        body->sums.cpu_warm += warm / (double)body->warm;
    if (body->in->database_per_s > 0)
        body->sums.database += nw_model_fleet_least(
            1, (body->sums.served - served_before) * engine->queries / body->in->database_per_s);
    nw_model_fleet_body_pass(body, 1);
}

static bool is_stopped(const struct engine *engine)
{
    const int *stop = engine->body.in->stop;
    return stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0;
}

/* A second may hold a billion requests: one that is stopped in its middle does not count. */
static nw_err tick_play(struct engine *engine)
{
    struct nw_model_happening happening;
    const struct nw_model_fleet_sums before = engine->body.sums;
    uint32_t events = 0;
    tick_begin(engine);
    NW_TRY(nw_model_stations_remind(engine->stations, (double)engine->body.tick + 1, TICK));
    NW_TRY(arrival_plan(engine));
    while (nw_model_stations_next(engine->stations, &happening)) {
        if (++events % EVENTS_PER_LOOK == 0 && is_stopped(engine)) {
            engine->body.sums = before;
            engine->body.is_interrupted = true;
            return NW_OK;
        }
        if (happening.station != NW_MODEL_STATION_NONE) {
            depart(engine, &happening);
            continue;
        }
        if (happening.tag == TICK)
            break;
        NW_TRY(arrive(engine, happening.time_s));
        NW_TRY(arrival_plan(engine));
    }
    tick_end(engine, before.served);
    return NW_OK;
}

static void engine_init(struct engine *engine, const struct nw_model_fleet *fleet,
                        nw_model_fleet_sink *sink, void *ctx)
{
    *engine = (struct engine){.slow = 1, .due = 0.5, .level_least = 0};
    nw_model_fleet_body_init(&engine->body, fleet, sink, ctx);
    nw_model_fleet_feed_init(&engine->feed, fleet);
    nw_model_stream_init(&engine->arrival_rng, fleet->seed, NW_MODEL_ARRIVALS, 0);
    nw_model_stream_init(&engine->service_rng, fleet->seed, NW_MODEL_SERVICE, 0);
    nw_model_stream_init(&engine->choice_rng, fleet->seed, NW_MODEL_CHOICE, 0);
    engine->stations = nw_model_stations_new(NW_MODEL_CALENDAR, INSIDE_MAX);
    levels_grow(engine, 0);
}

static void engine_done(struct engine *engine)
{
    nw_model_fleet_body_done(&engine->body);
    nw_model_stations_free(engine->stations);
    nw_free(engine->nodes);
    nw_free(engine->serving);
    nw_free(engine->idle);
    nw_free(engine->levels);
}

static nw_err play(struct engine *engine)
{
    bool goes_on = true;
    while (engine->body.tick < engine->body.end_tick && !engine->body.is_interrupted) {
        nw_model_fleet_body_turn(&engine->body, &goes_on);
        if (!goes_on)
            break;
        nodes_follow(engine);
        NW_TRY(tick_play(engine));
    }
    return NW_OK;
}

nw_err nw_model_fleet_event_run(const struct nw_model_fleet *fleet, nw_model_fleet_sink *sink,
                                void *ctx, struct nw_model_fleet_result *out)
{
    struct engine engine;
    engine_init(&engine, fleet, sink, ctx);
    nw_err err = play(&engine);
    if (err == NW_OK) {
        nw_model_fleet_body_end(&engine.body);
        *out = engine.body.result;
    }
    engine_done(&engine);
    return err;
}
