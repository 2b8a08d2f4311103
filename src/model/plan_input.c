/*
 * One walk over the structs, in the order of the file, is what sensitivity, the list of assumptions
 * and the comparison of two plans have in common. What a plan does not use because something else
 * was stated (users beside a rate, an efficiency beside a law) is not visited: nobody should read
 * that it was assumed.
 */
#include "model/plan_input.h"

#include <string.h>

#include "base/assert.h"

struct walk {
    nw_model_quantity_fn fn;
    void *arg;
    struct nw_text path;
    size_t block_len; /* of "services.app." */
};

static void enter(struct walk *walk, const char *block, const char *name)
{
    nw_text_clear(&walk->path);
    nw_text_addf(&walk->path, "%s.", block);
    if (name)
        nw_text_addf(&walk->path, "%s.", name);
    walk->block_len = walk->path.len;
}

static void visit(struct walk *walk, const char *key, nw_model_unit unit,
                  struct nw_model_quantity *quantity)
{
    walk->path.len = walk->block_len;
    nw_text_add_str(&walk->path, key);
    walk->fn(walk->arg, walk->path.ptr, unit, quantity);
}

static void visit_load(struct walk *walk, struct nw_model_plan_input *input)
{
    struct nw_model_load *load = &input->load;
    enter(walk, "load", NULL);
    if (load->kind == NW_MODEL_LOAD_USERS)
        visit(walk, "users", NW_MODEL_COUNT, &load->users);
    else
        visit(walk, load->kind == NW_MODEL_LOAD_RATE ? "rate" : "requests", NW_MODEL_PER_S,
              &load->requests_per_s);
    visit(walk, "peak", NW_MODEL_NUMBER, &load->peak);
    visit(walk, "growth", NW_MODEL_NUMBER, &load->growth);
    visit(walk, "connected", NW_MODEL_COUNT, &load->connected);
    visit(walk, "read_share", NW_MODEL_RATIO, &input->read_share);
}

static void visit_route(struct walk *walk, struct nw_model_route *route)
{
    enter(walk, "routes", route->name);
    if (route->has_share)
        visit(walk, "share", NW_MODEL_RATIO, &route->share);
    else
        visit(walk, "per_user", NW_MODEL_PER_S, &route->per_user_per_s);
    visit(walk, "cached", NW_MODEL_RATIO, &route->cached);
    visit(walk, "request", NW_MODEL_BYTES, &route->request_bytes);
    visit(walk, "answer", NW_MODEL_BYTES, &route->answer_bytes);
    visit(walk, "queries", NW_MODEL_NUMBER, &route->queries);
    visit(walk, "log", NW_MODEL_BYTES, &route->log_bytes);
}

static void visit_service(struct walk *walk, struct nw_model_service *service)
{
    enter(walk, "services", service->name);
    if (service->efficiency_kind == NW_MODEL_EFFICIENCY_RATIO) {
        visit(walk, "node_rate", NW_MODEL_PER_S, &service->node_rate_per_s);
        visit(walk, "efficiency", NW_MODEL_RATIO, &service->efficiency);
    }
    visit(walk, "margin", NW_MODEL_RATIO, &service->margin);
    visit(walk, "spare", NW_MODEL_COUNT, &service->spare);
    visit(walk, "zones", NW_MODEL_COUNT, &service->zones);
    visit(walk, "connections", NW_MODEL_COUNT, &service->connections);
    if (service->has_bigger) {
        visit(walk, "bigger.factor", NW_MODEL_NUMBER, &service->bigger_factor);
        visit(walk, "bigger.price", NW_MODEL_MONEY_PER_H, &service->bigger_price_per_h);
    }
    visit(walk, "price", NW_MODEL_MONEY_PER_H, &service->price_per_h);
}

static void visit_database(struct walk *walk, struct nw_model_database *database)
{
    enter(walk, "databases", database->name);
    visit(walk, "read_rate", NW_MODEL_PER_S, &database->read_rate_per_s);
    visit(walk, "replica_rate", NW_MODEL_PER_S, &database->replica_rate_per_s);
    visit(walk, "write_rate", NW_MODEL_PER_S, &database->write_rate_per_s);
    visit(walk, "size", NW_MODEL_BYTES, &database->size_bytes);
    visit(walk, "size_max", NW_MODEL_BYTES, &database->size_max_bytes);
    visit(walk, "own_writes", NW_MODEL_RATIO, &database->own_writes);
    visit(walk, "lag", NW_MODEL_SECONDS, &database->lag_s);
    visit(walk, "connections", NW_MODEL_COUNT, &database->connections);
    visit(walk, "pool", NW_MODEL_COUNT, &database->pool);
    visit(walk, "domains", NW_MODEL_COUNT, &database->domains);
    visit(walk, "price", NW_MODEL_MONEY_PER_H, &database->price_per_h);
}

static void visit_cache(struct walk *walk, struct nw_model_cache *cache)
{
    enter(walk, "cache", NULL);
    visit(walk, "entry", NW_MODEL_BYTES, &cache->entry_bytes);
    visit(walk, "hot", NW_MODEL_COUNT, &cache->hot);
    visit(walk, "ttl", NW_MODEL_SECONDS, &cache->ttl_s);
    visit(walk, "per_key", NW_MODEL_PER_S, &cache->per_key_per_s);
    visit(walk, "ram", NW_MODEL_BYTES, &cache->ram_bytes);
    visit(walk, "fill", NW_MODEL_RATIO, &cache->fill);
    visit(walk, "price", NW_MODEL_MONEY_PER_H, &cache->price_per_h);
}

static void visit_queue(struct walk *walk, struct nw_model_queue *queue)
{
    enter(walk, "queues", queue->name);
    visit(walk, "burst", NW_MODEL_COUNT, &queue->burst);
    visit(walk, "over", NW_MODEL_SECONDS, &queue->over_s);
    visit(walk, "drain", NW_MODEL_PER_S, &queue->drain_per_s);
    visit(walk, "message", NW_MODEL_BYTES, &queue->message_bytes);
    visit(walk, "retention", NW_MODEL_SECONDS, &queue->retention_s);
    visit(walk, "groups", NW_MODEL_COUNT, &queue->groups);
    visit(walk, "outage", NW_MODEL_SECONDS, &queue->outage_s);
    visit(walk, "alarm", NW_MODEL_SECONDS, &queue->alarm_s);
}

static void visit_region(struct walk *walk, struct nw_model_region *region)
{
    enter(walk, "regions", region->name);
    visit(walk, "users", NW_MODEL_RATIO, &region->users);
    visit(walk, "rtt", NW_MODEL_SECONDS, &region->rtt_s);
    visit(walk, "local", NW_MODEL_SECONDS, &region->local_s);
    visit(walk, "calls", NW_MODEL_COUNT, &region->calls);
    visit(walk, "distance_km", NW_MODEL_KM, &region->distance_km);
}

static void visit_availability(struct walk *walk, struct nw_model_plan_input *input)
{
    enter(walk, "availability", NULL);
    visit(walk, "target", NW_MODEL_RATIO, &input->availability_target);
    enter(walk, "availability", "parts");
    for (unsigned i = 0; i < input->part_count; i++)
        visit(walk, input->parts[i].name, NW_MODEL_RATIO, &input->parts[i].availability);
    enter(walk, "availability", NULL);
    visit(walk, "common_cause", NW_MODEL_RATIO, &input->common_cause);
}

void nw_model_plan_input_each(struct nw_model_plan_input *input, nw_model_quantity_fn fn, void *arg)
{
    struct walk walk = {.fn = fn, .arg = arg};
    visit_load(&walk, input);
    for (unsigned i = 0; i < input->route_count; i++)
        visit_route(&walk, &input->routes[i]);
    for (unsigned i = 0; i < input->service_count; i++)
        visit_service(&walk, &input->services[i]);
    for (unsigned i = 0; i < input->database_count; i++)
        visit_database(&walk, &input->databases[i]);
    visit_cache(&walk, &input->cache);
    for (unsigned i = 0; i < input->queue_count; i++)
        visit_queue(&walk, &input->queues[i]);
    for (unsigned i = 0; i < input->region_count; i++)
        visit_region(&walk, &input->regions[i]);
    if (input->has_availability)
        visit_availability(&walk, input);
    enter(&walk, "budget", NULL);
    visit(&walk, "month", NW_MODEL_MONEY, &input->budget_month);
    nw_text_done(&walk.path);
}

static void *copy_array(struct nw_arena *arena, const void *from, size_t bytes)
{
    if (!bytes)
        return NULL;
    void *to = nw_arena_zero(arena, bytes);
    memcpy(to, from, bytes);
    return to;
}

static const char *copy_name(struct nw_arena *arena, const char *name)
{
    return name ? nw_arena_string(arena, nw_slice_str(name)) : NULL;
}

/* Copies an array of the input and the name of each item. */
#define COPY(array, count)                                                                         \
    do {                                                                                           \
        copy->array = copy_array(arena, input->array, input->count * sizeof *input->array);        \
        for (unsigned i = 0; i < input->count; i++)                                                \
            copy->array[i].name = copy_name(arena, input->array[i].name);                          \
    } while (0)

struct nw_model_plan_input *nw_model_plan_input_copy(const struct nw_model_plan_input *input,
                                                     struct nw_arena *arena)
{
    struct nw_model_plan_input *copy = copy_array(arena, input, sizeof *input);
    copy->load.currency = copy_name(arena, input->load.currency);
    COPY(routes, route_count);
    COPY(services, service_count);
    COPY(databases, database_count);
    COPY(queues, queue_count);
    COPY(regions, region_count);
    COPY(parts, part_count);
    return copy;
}
