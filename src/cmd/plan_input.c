/*
 * From the structs of a plan file to the model's.
 *
 * Two passes over the same blocks: first what they mean together is judged (every mistake, where it
 * stands), then, if nothing was wrong, the numbers are copied, each with the place it came from.
 * The judgement runs even where the reader refused single values, so it asks which options were
 * given, not what they hold. Everything that the model asserts is made sure of here or by a bound
 * in plan.def; nothing else stands between a file and an assertion.
 */
#include "cmd/plan_input.h"

#include <math.h>

#include "base/assert.h"
#include "base/suggest.h"
#include "model/constants.h"

struct judge {
    const struct plan_top *top;
    const char *file;
    struct nw_arena *arena;
    struct nw_diag *diag;
};

#define BLAME(judge, at, option, hint, ...)                                                        \
    nw_conf_block_blame((judge)->file, &(at)->block, option, hint, (judge)->diag, __VA_ARGS__)

/* Shares that miss 100 % by less than what nine digits lose. */
#define SHARE_TOLERANCE 1e-9

/* ---- what the blocks mean together ---- */

/* "plan.yaml:3:9" or "--users": where an option of the block stands. */
static const char *place_of(const struct judge *judge, const struct nw_conf_block *block,
                            const char *option)
{
    const struct nw_conf_tree *at = nw_conf_tree_get(block->tree, option);
    NW_ASSERT(at != NULL);
    if (at->file != NULL)
        return at->file;
    return nw_arena_printf(judge->arena, "%s:%d:%d", judge->file, at->line, at->column).ptr;
}

/* The same number from two sources: both are named, the second is pointed at. */
static void blame_two(const struct judge *judge, const struct nw_conf_block *block,
                      const char *first, const char *second, const char *what)
{
    nw_conf_block_blame(judge->file, block, second, "keep one of them", judge->diag,
                        "%s is stated twice: %s (%s) and %s (%s)", what, first,
                        place_of(judge, block, first), second, place_of(judge, block, second));
}

static const char *const load_words[] = {"users", "requests", "rate"};

/* Which of the three ways the load is stated in; -1 for none. */
static int load_kind_of(const struct plan_load *load)
{
    const bool is_given[] = {PLAN_GIVEN(load, load, users), PLAN_GIVEN(load, load, requests),
                             PLAN_GIVEN(load, load, rate)};
    for (int i = 0; i < (int)NW_COUNT(is_given); i++)
        if (is_given[i])
            return i;
    return -1;
}

static void judge_load(const struct judge *judge)
{
    const struct plan_load *load = &judge->top->load;
    const bool is_given[] = {PLAN_GIVEN(load, load, users), PLAN_GIVEN(load, load, requests),
                             PLAN_GIVEN(load, load, rate)};
    int kind = load_kind_of(load);
    if (!nw_conf_is_given(&load->block)) {
        BLAME(judge, judge->top, "load", "load: { requests: 100M/d, peak: 5 }", "is missing");
        return;
    }
    if (kind < 0)
        BLAME(judge, load, NULL, "users with routes, requests: 100M/d, or rate: 5800/s",
              "says nothing about how much is asked");
    for (int i = kind + 1; kind >= 0 && i < (int)NW_COUNT(is_given); i++)
        if (is_given[i])
            blame_two(judge, &load->block, load_words[kind], load_words[i], "the load");
    if (kind == 0 && judge->top->routes.count == 0)
        BLAME(judge, load, "users", "routes: { all: { per_user: 4/d } }",
              "what does a user do? no route says it");
}

static bool has_per_user(const struct plan_route *route)
{
    return PLAN_GIVEN(route, route, per_user);
}

static bool has_share(const struct plan_route *route)
{
    return PLAN_GIVEN(route, route, share);
}

/* How one route's part of the load is stated; the sum of shares goes up by its share. */
static void judge_part(const struct judge *judge, const struct plan_route *route, int kind,
                       double *shares, unsigned *silent_count)
{
    *shares += route->share_ratio.value;
    if (has_per_user(route) && has_share(route))
        blame_two(judge, &route->block, "per_user", "share", "how often it is asked for");
    else if (has_per_user(route) && kind > 0)
        BLAME(judge, route, "per_user", "give its share instead, or load.users",
              "the load is not stated in users, but by load.%s (%s)", load_words[kind],
              place_of(judge, &judge->top->load.block, load_words[kind]));
    else if (!has_per_user(route) && !has_share(route) && (kind == 0 || ++*silent_count > 1))
        BLAME(judge, route, NULL, kind == 0 ? "per_user: 4/d" : "share: 10%",
              "says nothing about how often it is asked for");
}

static void judge_parts(const struct judge *judge)
{
    const struct plan_routes *routes = &judge->top->routes;
    int kind = load_kind_of(&judge->top->load);
    double shares = 0, per_user = 0;
    unsigned silent_count = 0;
    for (size_t i = 0; i < routes->count; i++) {
        judge_part(judge, &routes->items[i], kind, &shares, &silent_count);
        per_user += routes->items[i].per_user_per_s.value;
    }
    if (routes->count == 0 || kind < 0 || judge->diag->error_count > 0)
        return;
    if (shares > 1 + SHARE_TOLERANCE || (kind == 0 && shares > 1 - SHARE_TOLERANCE))
        BLAME(judge, judge->top, "routes", NULL, "the shares add up to %.10g%%%s", shares * 100,
              kind == 0 ? " and leave nothing for what users do" : "");
    else if (kind != 0 && silent_count == 0 && shares < 1 - SHARE_TOLERANCE)
        BLAME(judge, judge->top, "routes", "one route without a share takes the rest",
              "the shares add up to %.10g%% only", shares * 100);
    else if (kind == 0 && per_user <= 0)
        BLAME(judge, judge->top, "routes", NULL, "nobody asks for anything");
}

static const char *nearest_of(const struct judge *judge, struct nw_slice name,
                              const struct nw_conf_tree *mapping)
{
    const char *names[NW_MODEL_ROUTES_MAX];
    size_t count = 0;
    if (mapping == NULL)
        return NULL;
    for (const struct nw_conf_tree *child = mapping->first;
         child != NULL && count < NW_COUNT(names); child = child->next)
        names[count++] = child->key.ptr;
    const char *nearest = nw_suggest(name, names, count);
    return nearest != NULL ? nw_arena_printf(judge->arena, "did you mean %s", nearest).ptr : NULL;
}

/* Routes name services, databases and queues that exist. */
static void judge_name(const struct judge *judge, const struct plan_route *route,
                       const char *option, struct nw_slice name, const char *places)
{
    const struct nw_conf_tree *mapping = nw_conf_tree_get(judge->top->block.tree, places);
    if (name.len > 0 && nw_conf_tree_get(mapping, name.ptr) == NULL)
        BLAME(judge, route, option, nearest_of(judge, name, mapping), "there is no %s of that name",
              option);
}

static void judge_service(const struct judge *judge, const struct plan_service *service)
{
    bool has_usl = nw_conf_is_given(&service->usl.block);
    const struct {
        const char *name;
        bool is_given;
    } ways[] = {{"efficiency", PLAN_GIVEN(service, service, efficiency)},
                {"usl", has_usl},
                {"measured", PLAN_GIVEN(service, service, measured)}};
    size_t first = 0;
    while (first < NW_COUNT(ways) && !ways[first].is_given)
        first++;
    for (size_t i = first + 1; i < NW_COUNT(ways); i++)
        if (ways[i].is_given)
            blame_two(judge, &service->block, ways[first].name, ways[i].name,
                      "how nodes work beside others");
    for (size_t i = 1; i < NW_COUNT(ways); i++)
        if (ways[i].is_given && PLAN_GIVEN(service, service, node_rate))
            blame_two(judge, &service->block, "node_rate", ways[i].name, "the rate of one node");
    if (PLAN_GIVEN(service, service, spare) && PLAN_GIVEN(service, service, zones))
        blame_two(judge, &service->block, "spare", "zones", "what may be lost");
    if (service->zones.at != NULL && service->zones.value == 1)
        BLAME(judge, service, "zones", "zones: 3", "must be at least 2, or 0 for not asked for");
}

struct thing {
    const char *option;
    const struct nw_conf_quantity *count;
};

/* Half a node does not exist; half a user, on average, does. */
static void judge_things(const struct judge *judge, const struct nw_conf_block *block,
                         const struct thing *things, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct nw_conf_quantity *of = things[i].count;
        if (of->value != floor(of->value) || of->low != floor(of->low) ||
            of->high != floor(of->high))
            nw_conf_block_blame(judge->file, block, things[i].option, NULL, judge->diag,
                                "must be a whole number");
    }
}

static void judge_all_things(const struct judge *judge)
{
    const struct plan_top *top = judge->top;
    for (size_t i = 0; i < top->services.count; i++) {
        const struct plan_service *at = &top->services.items[i];
        const struct thing things[] = {
            {"spare", &at->spare}, {"zones", &at->zones}, {"connections", &at->connections}};
        judge_things(judge, &at->block, things, NW_COUNT(things));
    }
    for (size_t i = 0; i < top->databases.count; i++) {
        const struct plan_database *at = &top->databases.items[i];
        const struct thing things[] = {
            {"connections", &at->connections}, {"pool", &at->pool}, {"domains", &at->domains}};
        judge_things(judge, &at->block, things, NW_COUNT(things));
    }
    for (size_t i = 0; i < top->queues.count; i++) {
        const struct thing groups = {"groups", &top->queues.items[i].groups};
        judge_things(judge, &top->queues.items[i].block, &groups, 1);
    }
    for (size_t i = 0; i < top->regions.count; i++) {
        const struct thing calls = {"calls", &top->regions.items[i].calls};
        judge_things(judge, &top->regions.items[i].block, &calls, 1);
    }
}

static void judge_measured(const struct judge *judge, const struct plan_service *service)
{
    const struct nw_conf_points *points = &service->measured;
    double before = 0;
    if (!PLAN_GIVEN(service, service, measured))
        return;
    if (points->count == 0 || points->count > NW_MODEL_MEASURED_MAX)
        BLAME(judge, service, "measured", NULL, "expected 1 to %d points", NW_MODEL_MEASURED_MAX);
    for (size_t i = 0; i < points->count; i++) {
        if (points->items[i].x < 1 || points->items[i].x <= before)
            BLAME(judge, service, "measured", NULL,
                  "the numbers of nodes must rise from at least 1, but %.10g follows %.10g",
                  points->items[i].x, before);
        before = points->items[i].x;
    }
}

static void judge_count(const struct judge *judge, const char *option, size_t count, size_t most)
{
    if (count > most)
        BLAME(judge, judge->top, option, NULL, "%zu are more than %zu", count, most);
}

static void judge_regions(const struct judge *judge)
{
    const struct plan_regions *regions = &judge->top->regions;
    double users = 0;
    for (size_t i = 0; i < regions->count; i++)
        users += regions->items[i].users_ratio.value;
    if (users > 1 + SHARE_TOLERANCE)
        BLAME(judge, judge->top, "regions", NULL, "their users add up to %.10g%%", users * 100);
}

static void judge_all(const struct judge *judge)
{
    const struct plan_top *top = judge->top;
    judge_load(judge);
    judge_parts(judge);
    for (size_t i = 0; i < top->routes.count; i++) {
        const struct plan_route *route = &top->routes.items[i];
        judge_name(judge, route, "service", route->service, "services");
        judge_name(judge, route, "database", route->database, "databases");
        judge_name(judge, route, "queue", route->queue, "queues");
    }
    for (size_t i = 0; i < top->services.count; i++) {
        judge_service(judge, &top->services.items[i]);
        judge_measured(judge, &top->services.items[i]);
    }
    judge_regions(judge);
    judge_all_things(judge);
    judge_count(judge, "routes", top->routes.count, NW_MODEL_ROUTES_MAX);
    judge_count(judge, "services", top->services.count, NW_MODEL_SERVICES_MAX);
    judge_count(judge, "databases", top->databases.count, NW_MODEL_DATABASES_MAX);
    judge_count(judge, "queues", top->queues.count, NW_MODEL_QUEUES_MAX);
    judge_count(judge, "regions", top->regions.count, NW_MODEL_REGIONS_MAX);
    judge_count(judge, "availability", top->availability.parts.count, NW_MODEL_PARTS_MAX);
}

/* ---- numbers ---- */

static struct nw_model_quantity given(const struct nw_conf_quantity *from)
{
    bool is_set = from->at != NULL && from->at->file != NULL &&
                  strncmp(from->at->file, "--set ", strlen("--set ")) == 0;
    return (struct nw_model_quantity){.value = from->value,
                                      .low = from->low,
                                      .high = from->high,
                                      .origin = is_set ? NW_MODEL_SET : NW_MODEL_GIVEN};
}

/* What was given goes over what is assumed. */
static void take(struct nw_model_quantity *to, const struct nw_conf_quantity *from)
{
    if (from->at != NULL)
        *to = given(from);
}

/* The field of the same name. */
#define TAKE(to, from, field) take(&(to)->field, &(from)->field)
/* Shares have no unit in the model's names. */
#define TAKE_RATIO(to, from, field) take(&(to)->field, &(from)->field##_ratio)

static void take_load(const struct plan_load *from, struct nw_model_plan_input *to)
{
    int kind = load_kind_of(from);
    NW_ASSERT(kind >= 0);
    to->load.kind = (nw_model_load_kind)kind;
    to->load.users = given(&from->users);
    to->load.requests_per_s =
        given(kind == NW_MODEL_LOAD_RATE ? &from->rate_per_s : &from->requests_per_s);
    to->load.peak = given(&from->peak);
    TAKE(&to->load, from, growth);
    TAKE(&to->load, from, connected);
    take(&to->read_share, &from->read_share_ratio);
    to->load.currency = from->currency.ptr;
}

/* Of a name among the keys of a mapping; `none` where no name is given. */
static int index_of(const struct nw_conf_tree *mapping, struct nw_slice name, int none)
{
    int index = 0;
    if (name.len == 0)
        return none;
    for (const struct nw_conf_tree *child = mapping->first; child != NULL; child = child->next) {
        if (nw_slice_eq(child->key, name))
            return index;
        index++;
    }
    return none;
}

static void take_route(const struct plan_top *top, const struct plan_route *from,
                       struct nw_model_route *to)
{
    const struct nw_conf_tree *root = top->block.tree;
    nw_model_route_init(to);
    to->name = from->name.ptr;
    to->kind = (nw_model_route_kind)from->kind;
    to->has_share = !has_per_user(from);
    TAKE(to, from, per_user_per_s);
    TAKE_RATIO(to, from, share);
    TAKE_RATIO(to, from, cached);
    TAKE(to, from, request_bytes);
    TAKE(to, from, answer_bytes);
    TAKE(to, from, log_bytes);
    TAKE(to, from, queries);
    to->service_index = index_of(nw_conf_tree_get(root, "services"), from->service, 0);
    to->database_index = index_of(nw_conf_tree_get(root, "databases"), from->database, 0);
    to->queue_index = index_of(nw_conf_tree_get(root, "queues"), from->queue, -1);
}

/* The one route without a share takes what the others leave. */
static void share_the_rest(const struct plan_routes *from, struct nw_model_plan_input *to)
{
    double rest = 1;
    for (unsigned i = 0; i < to->route_count; i++)
        rest -= has_share(&from->items[i]) ? to->routes[i].share.value : 0;
    for (unsigned i = 0; i < to->route_count; i++)
        if (!has_share(&from->items[i]) && !has_per_user(&from->items[i]))
            to->routes[i].share = nw_model_derived(rest > 0 ? rest : 0);
}

static void take_routes(const struct plan_top *top, struct nw_arena *arena,
                        struct nw_model_plan_input *to)
{
    static const struct plan_route all = {.name = NW_SLICE_LIT("all")};
    size_t count = top->routes.count > 0 ? top->routes.count : 1;
    to->routes = nw_arena_zero(arena, count * sizeof *to->routes);
    to->route_count = (unsigned)count;
    for (size_t i = 0; i < top->routes.count; i++)
        take_route(top, &top->routes.items[i], &to->routes[i]);
    if (top->routes.count > 0) {
        share_the_rest(&top->routes, to);
        return;
    }
    take_route(top, &all, &to->routes[0]);
    to->routes[0].share = nw_model_derived(1);
}

static void take_measured(const struct nw_conf_points *from, struct nw_model_service *to)
{
    to->measured_count = (unsigned)from->count;
    for (unsigned i = 0; i < to->measured_count; i++)
        to->measured[i] =
            (struct nw_model_measured){.nodes = from->items[i].x, .rate_per_s = from->items[i].y};
}

static void take_service(const struct plan_service *from, struct nw_model_service *to)
{
    nw_model_service_init(to);
    to->name = from->name.ptr;
    TAKE(to, from, node_rate_per_s);
    TAKE_RATIO(to, from, efficiency);
    to->efficiency_kind = from->measured.count > 0             ? NW_MODEL_EFFICIENCY_MEASURED
                          : nw_conf_is_given(&from->usl.block) ? NW_MODEL_EFFICIENCY_USL
                                                               : NW_MODEL_EFFICIENCY_RATIO;
    to->usl_gamma_per_s = from->usl.gamma_per_s;
    to->usl_alpha = from->usl.alpha;
    to->usl_beta = from->usl.beta;
    take_measured(&from->measured, to);
    TAKE_RATIO(to, from, margin);
    TAKE(to, from, spare);
    TAKE(to, from, zones);
    TAKE(to, from, connections);
    to->stateless = (nw_model_answer)from->stateless;
    to->has_bigger = from->bigger.factor.word == 0;
    if (to->has_bigger)
        take(&to->bigger_factor, &from->bigger.factor);
    take(&to->bigger_price_per_h, &from->bigger.price_per_h);
    TAKE(to, from, price_per_h);
}

static void take_services(const struct plan_services *from, struct nw_arena *arena,
                          struct nw_model_plan_input *to)
{
    static const struct plan_service app = {.name = NW_SLICE_LIT("app")};
    to->service_count = from->count > 0 ? (unsigned)from->count : 1;
    to->services = nw_arena_zero(arena, to->service_count * sizeof *to->services);
    for (unsigned i = 0; i < to->service_count; i++)
        take_service(from->count > 0 ? &from->items[i] : &app, &to->services[i]);
}

static void take_database(const struct plan_database *from, struct nw_model_database *to)
{
    nw_model_database_init(to);
    to->name = from->name.ptr;
    TAKE(to, from, read_rate_per_s);
    TAKE(to, from, replica_rate_per_s);
    TAKE(to, from, write_rate_per_s);
    TAKE(to, from, size_bytes);
    TAKE(to, from, size_max_bytes);
    TAKE_RATIO(to, from, own_writes);
    TAKE(to, from, lag_s);
    TAKE(to, from, connections);
    TAKE(to, from, pool);
    TAKE(to, from, domains);
    to->has_clear_domains = from->clear_domains;
    TAKE(to, from, price_per_h);
}

static void take_databases(const struct plan_databases *from, struct nw_arena *arena,
                           struct nw_model_plan_input *to)
{
    static const struct plan_database main_one = {.name = NW_SLICE_LIT("main")};
    to->database_count = from->count > 0 ? (unsigned)from->count : 1;
    to->databases = nw_arena_zero(arena, to->database_count * sizeof *to->databases);
    for (unsigned i = 0; i < to->database_count; i++)
        take_database(from->count > 0 ? &from->items[i] : &main_one, &to->databases[i]);
}

static void take_cache(const struct plan_cache *from, struct nw_model_cache *to)
{
    TAKE(to, from, entry_bytes);
    TAKE(to, from, hot);
    TAKE(to, from, ttl_s);
    TAKE(to, from, per_key_per_s);
    TAKE(to, from, ram_bytes);
    TAKE_RATIO(to, from, fill);
    TAKE(to, from, price_per_h);
}

static void take_queues(const struct plan_queues *queues, struct nw_arena *arena,
                        struct nw_model_plan_input *input)
{
    input->queue_count = (unsigned)queues->count;
    input->queues = nw_arena_zero(arena, queues->count * sizeof *input->queues + 1);
    for (unsigned i = 0; i < input->queue_count; i++) {
        const struct plan_queue *from = &queues->items[i];
        struct nw_model_queue *to = &input->queues[i];
        nw_model_queue_init(to);
        to->name = from->name.ptr;
        TAKE(to, from, burst);
        TAKE(to, from, over_s);
        TAKE(to, from, drain_per_s);
        TAKE(to, from, message_bytes);
        TAKE(to, from, retention_s);
        TAKE(to, from, groups);
        TAKE(to, from, outage_s);
        TAKE(to, from, alarm_s);
    }
}

static void take_regions(const struct plan_regions *regions, struct nw_arena *arena,
                         struct nw_model_plan_input *input)
{
    input->region_count = (unsigned)regions->count;
    input->regions = nw_arena_zero(arena, regions->count * sizeof *input->regions + 1);
    for (unsigned i = 0; i < input->region_count; i++) {
        const struct plan_region *from = &regions->items[i];
        struct nw_model_region *to = &input->regions[i];
        nw_model_region_init(to);
        to->name = from->name.ptr;
        TAKE_RATIO(to, from, users);
        TAKE(to, from, rtt_s);
        TAKE(to, from, local_s);
        TAKE(to, from, calls);
        TAKE(to, from, distance_km);
    }
}

static void take_availability(const struct plan_availability *from, struct nw_arena *arena,
                              struct nw_model_plan_input *to)
{
    to->has_availability = nw_conf_is_given(&from->block);
    take(&to->availability_target, &from->target_ratio);
    take(&to->common_cause, &from->common_cause_ratio);
    to->part_count = (unsigned)from->parts.count;
    to->parts = nw_arena_zero(arena, from->parts.count * sizeof *to->parts + 1);
    for (unsigned i = 0; i < to->part_count; i++) {
        to->parts[i].name = from->parts.items[i].name.ptr;
        to->parts[i].availability = nw_model_constant_quantity(NW_MODEL_C_PART);
        take(&to->parts[i].availability, &from->parts.items[i].works_ratio);
    }
}

nw_err plan_input_make(const struct plan_top *top, const char *file, struct nw_arena *arena,
                       struct nw_diag *diag, struct nw_model_plan_input **out)
{
    const struct judge judge = {.top = top, .file = file, .arena = arena, .diag = diag};
    judge_all(&judge);
    if (diag->error_count > 0)
        return NW_INVALID;
    struct nw_model_plan_input *input = nw_arena_zero(arena, sizeof *input);
    nw_model_plan_input_init(input);
    take_load(&top->load, input);
    take_routes(top, arena, input);
    take_services(&top->services, arena, input);
    take_databases(&top->databases, arena, input);
    take_cache(&top->cache, &input->cache);
    take_queues(&top->queues, arena, input);
    take_regions(&top->regions, arena, input);
    take_availability(&top->availability, arena, input);
    take(&input->budget_month, &top->budget.month);
    *out = input;
    return NW_OK;
}
