/*
 * From the blocks of a scenario file to the simulator's struct: first what they mean together is
 * judged, every mistake where it stands, then the numbers are copied. The simulator's own check
 * comes last and finds nothing that was not judged here, unless this file is wrong.
 */
#include "cmd/sim_fleet_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cmd/outside.h"
#include "cmd/sim_fleet_load.h"
#include "cmd/sim_fleet_table.h"
#include "model/constants.h"

#define ARENA_MAX_BYTES ((size_t)1 << 29)

struct judge {
    struct fleet_file *file;
    const struct fleet_top *top;
    const struct nw_conf_outside *outside;
    struct nw_diag *diag;
    bool is_clean; /* the reader refused no value: they can be compared */
};

#define BLAME(judge, at, option, hint, ...)                                                        \
    nw_conf_block_blame((judge)->file->name, &(at)->block, option, hint, (judge)->diag, __VA_ARGS__)

/* ---- the load ---- */

static const char *const load_words[] = {"constant", "steps", "line", "day", "csv", "log"};
enum { CONSTANT, STEPS, LINE, DAY, CSV, LOG, LOAD_KINDS };

/* Which of them the file has; -1 when it is not exactly one. */
static int load_kind(const struct judge *judge)
{
    const struct fleet_load *load = &judge->top->load;
    const bool is_given[LOAD_KINDS] = {
        FLEET_GIVEN(load, load, constant), FLEET_GIVEN(load, load, steps),
        FLEET_GIVEN(load, load, line),     FLEET_GIVEN(load, load, day),
        FLEET_GIVEN(load, load, csv),      FLEET_GIVEN(load, load, log)};
    int kind = -1;
    if (!nw_conf_is_given(&load->block)) {
        BLAME(judge, judge->top, "load", "load: { constant: 3000/s }", "is missing");
        return -1;
    }
    for (int i = 0; i < LOAD_KINDS; i++) {
        if (is_given[i] && kind >= 0) {
            BLAME(judge, load, load_words[i], "keep one of them",
                  "the load is stated twice: %s and %s", load_words[kind], load_words[i]);
            return -1;
        }
        kind = is_given[i] ? i : kind;
    }
    if (kind < 0)
        BLAME(judge, load, NULL, "constant: 3000/s, steps, line, day, csv or log",
              "says nothing about how much arrives");
    return kind;
}

static void take_points(struct judge *judge, const struct nw_conf_points *points,
                        const char *option)
{
    const struct fleet_load *load = &judge->top->load;
    struct nw_model_fleet_knot *knots =
        nw_alloc_array(points->count > 0 ? points->count : 1, sizeof *knots);
    for (size_t i = 0; i < points->count; i++) {
        const struct nw_conf_point *point = &points->items[i];
        if (judge->is_clean && i == 0 && point->x != 0)
            BLAME(judge, load, option, "[[0s, 3000/s], …", "the first time must be 0s");
        if (judge->is_clean && i > 0 && !(point->x > points->items[i - 1].x))
            BLAME(judge, load, option, NULL, "the times must rise");
        knots[i] = (struct nw_model_fleet_knot){point->x, point->y};
    }
    judge->file->knots = knots;
    judge->file->fleet.load.knot_count = points->count;
}

static void take_day(struct judge *judge)
{
    const struct fleet_day *day = &judge->top->load.day;
    struct nw_model_fleet_load *load = &judge->file->fleet.load;
    load->knot_count = NW_MODEL_FLEET_DAY_KNOTS;
    load->is_linear = true;
    load->repeat_s = 86400;
    judge->file->knots = nw_alloc_array(load->knot_count, sizeof *judge->file->knots);
    if (nw_model_fleet_day(day->average_per_s, day->peak_per_s, day->at_s, judge->file->knots) !=
            NW_OK &&
        judge->is_clean)
        BLAME(judge, day, "peak", NULL, "must be in 1 to 100 times the average");
}

static void take_csv(struct judge *judge)
{
    const struct fleet_load *load = &judge->top->load;
    struct nw_text text = {0};
    if (judge->outside == NULL || judge->outside->read_file == NULL) {
        BLAME(judge, load, "csv", NULL, "no file can be read here");
        return;
    }
    nw_err err = judge->outside->read_file(judge->outside->arg, load->csv.ptr, &text);
    if (err != NW_OK)
        BLAME(judge, load, "csv", NULL, "cannot be read: %s", outside_why(err));
    else if (fleet_load_csv(nw_text_slice(&text), load->csv.ptr, judge->diag, &judge->file->knots,
                            &judge->file->fleet.load.knot_count) != NW_OK)
        NW_ASSERT(judge->diag->error_count > 0);
    nw_text_done(&text);
}

static void take_log(struct judge *judge)
{
    char path[OUTSIDE_PATH_BYTES];
    outside_path(judge->file->name, judge->top->load.log.ptr, path);
    if (judge->outside == NULL || judge->outside->read_file == NULL)
        BLAME(judge, &judge->top->load, "log", NULL, "no file can be read here");
    else if (fleet_load_log(path, judge->diag, &judge->file->knots,
                            &judge->file->fleet.load.knot_count) != NW_OK)
        NW_ASSERT(judge->diag->error_count > 0);
}

static void finish_load(struct judge *judge, int kind)
{
    const struct fleet_load *from = &judge->top->load;
    struct nw_model_fleet_load *load = &judge->file->fleet.load;
    double last_s = load->knot_count > 0 ? judge->file->knots[load->knot_count - 1].at_s : 0;
    if (from->repeat_s > 0 && kind == DAY)
        BLAME(judge, from, "repeat", NULL, "a day repeats by itself");
    else if (judge->is_clean && from->repeat_s > 0 && from->repeat_s < last_s + 1)
        BLAME(judge, from, "repeat", NULL, "is not behind the load's last time by a second");
    else if (from->repeat_s > 0)
        load->repeat_s = from->repeat_s;
    for (size_t i = 0; i < load->knot_count; i++)
        judge->file->knots[i].rate_per_s *= from->factor;
    for (size_t i = 0; i < load->knot_count; i++)
        if (judge->is_clean &&
            !(judge->file->knots[i].rate_per_s <= NW_MODEL_FLEET_RATE_MAX_PER_S)) {
            BLAME(judge, from, "factor", NULL, "makes a rate above 1T/s");
            break;
        }
    if (!FLEET_GIVEN(judge->top, top, for) && (kind == CSV || kind == LOG) && last_s > 0)
        judge->file->fleet.for_s = last_s + 1;
    load->is_linear = load->is_linear || kind == LINE;
    load->knots = judge->file->knots;
    load->noise_ratio = from->noise_ratio;
}

static void take_load(struct judge *judge)
{
    const struct fleet_load *from = &judge->top->load;
    int kind = load_kind(judge);
    switch (kind) {
    case CONSTANT:
        judge->file->knots = nw_alloc_array(1, sizeof *judge->file->knots);
        judge->file->knots[0].rate_per_s = from->constant_per_s;
        judge->file->fleet.load.knot_count = 1;
        break;
    case STEPS: take_points(judge, &from->steps, "steps"); break;
    case LINE: take_points(judge, &from->line, "line"); break;
    case DAY: take_day(judge); break;
    case CSV: take_csv(judge); break;
    case LOG: take_log(judge); break;
    default: return;
    }
    finish_load(judge, kind);
}

/* ---- the nodes and what they share ---- */

static const struct fleet_service *take_service(struct judge *judge)
{
    const struct fleet_services *services = &judge->top->services;
    struct nw_model_fleet *fleet = &judge->file->fleet;
    if (services->count == 0) {
        BLAME(judge, judge->top, "services", "services: { app: { nodes: 20 } }", "is missing");
        return NULL;
    }
    const struct fleet_service *from = &services->items[0];
    if (services->count > 1)
        BLAME(judge, &services->items[1], NULL, "one file for each", "a fleet is one service");
    if (judge->is_clean && from->prewarm_ratio > from->cached_ratio)
        BLAME(judge, from, "prewarm", NULL, "is above `cached`, which a warm node has");
    judge->file->service = from->name.ptr;
    judge->file->has_cost = from->price_per_h > 0;
    fleet->nodes = from->nodes;
    fleet->node_rate_per_s = from->node_rate_per_s;
    fleet->start_s = from->start_s;
    fleet->cold_s = from->cold_s;
    fleet->cold_rate_ratio = from->cold_rate_ratio;
    fleet->cold_cpu_ratio = from->cold_cpu_ratio;
    fleet->drain_s = from->drain_s;
    fleet->wait_s = from->wait_s;
    fleet->hit_ratio = from->cached_ratio;
    fleet->prewarm_ratio = from->prewarm_ratio;
    fleet->queries = from->queries;
    fleet->cache_lost_s = from->cache_lost_s;
    fleet->station = (nw_model_fleet_station)from->station;
    fleet->balance = (nw_model_fleet_balance)from->balance;
    fleet->service_cv = from->cv;
    return from;
}

static const struct fleet_database *take_database(struct judge *judge,
                                                  const struct fleet_service *service)
{
    const struct fleet_databases *databases = &judge->top->databases;
    judge->file->database = "";
    if (databases->count == 0) {
        if (service != NULL && FLEET_GIVEN(service, service, cache_lost))
            BLAME(judge, service, "cache_lost", "databases: { main: { read_rate: 1000/s } }",
                  "nothing is behind the caches that could feel it");
        return NULL;
    }
    const struct fleet_database *from = &databases->items[0];
    if (databases->count > 1)
        BLAME(judge, &databases->items[1], NULL, NULL, "a fleet has one database");
    judge->file->database = from->name.ptr;
    judge->file->fleet.database_per_s = from->read_rate_per_s;
    return from;
}

/* ---- the rule ---- */

static void judge_signals(struct judge *judge, struct nw_model_scale_policy *policy)
{
    const struct fleet_scale *from = &judge->top->scale;
    const double targets[] = {from->target_ratio, from->latency_s, from->concurrency};
    const bool is_given[] = {FLEET_GIVEN(from, scale, target), FLEET_GIVEN(from, scale, latency),
                             FLEET_GIVEN(from, scale, concurrency)};
    static const char *const words[] = {"target", "latency", "concurrency"};
    for (int i = 0; i < NW_MODEL_SCALE_SIGNAL_COUNT; i++) {
        bool is_on = (from->on >> i & 1) != 0;
        policy->target[i] = is_on ? targets[i] : 0;
        if (is_given[i] && !is_on)
            BLAME(judge, from, words[i], NULL, "`on` does not name %s",
                  nw_model_scale_signal_name((nw_model_scale_signal)i));
        if (is_on && i != NW_MODEL_SCALE_CPU && !is_given[i])
            BLAME(judge, from, "on",
                  i == NW_MODEL_SCALE_LATENCY ? "latency: 200ms" : "concurrency: 10",
                  "%s has no target", words[i]);
    }
}

static void judge_kind(struct judge *judge)
{
    const struct fleet_scale *from = &judge->top->scale;
    bool is_step = FLEET_GIVEN(from, scale, add);
    if (judge->is_clean && from->min > from->max)
        BLAME(judge, from, "min", NULL, "is above `max`");
    if (is_step && (from->on & 1) == 0)
        BLAME(judge, from, "add", NULL, "a step rule looks at cpu");
    if (is_step && from->on >> 1 != 0)
        BLAME(judge, from, "on", "on: cpu", "a step rule looks at cpu alone");
    if (!is_step && FLEET_GIVEN(from, scale, count_cold))
        BLAME(judge, from, "count_cold", "add: 100%", "belongs to a step rule, which has `add`");
    if (is_step && FLEET_GIVEN(from, scale, band_up))
        BLAME(judge, from, "band_up", NULL, "a step rule has no band");
}

static void take_scale(struct judge *judge, const struct fleet_database *database)
{
    const struct fleet_scale *from = &judge->top->scale;
    struct nw_model_fleet *fleet = &judge->file->fleet;
    struct nw_model_scale_policy *policy = &fleet->policy;
    bool has_brakes = from->brakes == 0;
    *policy = nw_model_scale_default(judge->is_clean ? fleet->start_s : 0, from->max);
    judge_signals(judge, policy);
    policy->every_s = from->every_s;
    policy->for_s = from->for_s;
    if (from->cooldown_s.word == 0)
        policy->cooldown_s = from->cooldown_s.value;
    if (FLEET_GIVEN(from, scale, add)) {
        policy->add_ratio = from->add.ratio;
        policy->add_nodes = (double)from->add.value;
    }
    policy->band_up_ratio = from->band_up_ratio;
    policy->band_in_ratio = from->band_in_ratio;
    policy->in_peak_ratio = from->in_below_ratio;
    policy->counts_cold = from->count_cold;
    policy->scales_in = from->scale_in == 0;
    policy->min_nodes = from->min;
    policy->max_cost_per_h = has_brakes ? from->max_cost_per_h : 0;
    policy->no_benefit_ratio = has_brakes ? from->no_benefit_ratio : 0;
    judge_kind(judge);
    if (has_brakes && database != NULL && database->connections > 0) {
        double reserved = nw_model_constant_value(NW_MODEL_C_RESERVED_CONNECTIONS);
        policy->pool_size = (double)database->pool;
        policy->pool_wall = (double)database->connections - reserved;
        if (judge->is_clean && policy->pool_wall < policy->pool_size)
            BLAME(judge, database, "connections", NULL,
                  "do not suffice for one node's pool beside %.0f reserved ones", reserved);
    }
}

/* Without a rule: judged, since the periods are, but nothing follows. */
static void take_no_scale(struct judge *judge)
{
    struct nw_model_fleet *fleet = &judge->file->fleet;
    fleet->policy = nw_model_scale_default(judge->is_clean ? fleet->start_s : 0, fleet->nodes);
    fleet->policy.min_nodes = 1;
    fleet->policy.scales_in = false;
    fleet->policy.no_benefit_ratio = 0;
    fleet->policy.every_s = 60;
}

/* ---- the file ---- */

static void take_all(struct judge *judge)
{
    const struct fleet_top *top = judge->top;
    struct nw_model_fleet *fleet = &judge->file->fleet;
    fleet->for_s = top->for_s;
    fleet->engine = (nw_model_fleet_engine)top->engine;
    fleet->seed = (uint64_t)top->seed;
    fleet->reading_noise_ratio = top->metrics.noise_ratio;
    fleet->lost_ratio = top->metrics.lost_ratio;
    fleet->arrivals = (nw_model_fleet_arrivals)top->load.arrivals;
    take_load(judge);
    const struct fleet_service *service = take_service(judge);
    const struct fleet_database *database = take_database(judge, service);
    judge->file->has_rule = nw_conf_is_given(&top->scale.block);
    if (judge->file->has_rule)
        take_scale(judge, database);
    else
        take_no_scale(judge);
    if (service != NULL)
        fleet->policy.price_per_h = service->price_per_h;
    if (judge->is_clean && fleet->policy.max_cost_per_h > 0 && !judge->file->has_cost)
        BLAME(judge, &top->scale, "max_cost", "price: 0.50/h", "nodes have no price");
}

nw_err fleet_file_read(struct nw_slice text, const char *name,
                       const struct nw_conf_outside *outside, struct nw_diag *diag,
                       struct fleet_file **out)
{
    struct fleet_file *file = nw_alloc_zero(sizeof *file);
    nw_arena_init(&file->arena, NULL, 0, ARENA_MAX_BYTES);
    file->name = nw_arena_string(&file->arena, nw_slice_str(name));
    struct fleet_top *top = nw_arena_zero(&file->arena, sizeof *top);
    nw_err err =
        nw_conf_table_load(text, file->name, &fleet_tables, outside, &file->arena, diag, top);
    struct judge judge = {
        .file = file, .top = top, .outside = outside, .diag = diag, .is_clean = err == NW_OK};
    if (nw_conf_is_given(&top->block)) /* else it is no YAML at all */
        take_all(&judge);
    err = err == NW_OK && diag->error_count > 0 ? NW_INVALID : err;
    const char *why;
    if (err == NW_OK && nw_model_fleet_check(&file->fleet, &why) != NW_OK) {
        nw_diag_add(diag, false, file->name, 0, 0, NULL, NULL, "%s", why);
        err = NW_INVALID;
    }
    if (err == NW_OK)
        *out = file;
    else
        fleet_file_free(file);
    return err;
}

void fleet_file_free(struct fleet_file *file)
{
    if (file == NULL)
        return;
    nw_free(file->knots);
    nw_arena_done(&file->arena);
    nw_free(file);
}
