/*
 * The blocks of a plan as newel assumes them: one line for each field, each naming its row of
 * constants.def, so that no number stands here.
 */
#include "model/constants.h"
#include "model/plan_input.h"

#define ASSUME(field, id) (field) = nw_model_constant_quantity(NW_MODEL_C_##id)

static void load_init(struct nw_model_load *load)
{
    *load = (struct nw_model_load){.currency = "USD"};
    ASSUME(load->growth, GROWTH);
    ASSUME(load->connected, CONNECTED);
}

void nw_model_route_init(struct nw_model_route *route)
{
    *route = (struct nw_model_route){.queue_index = -1};
    ASSUME(route->per_user_per_s, PER_USER);
    ASSUME(route->share, SHARE);
    ASSUME(route->cached, CACHED);
    ASSUME(route->request_bytes, REQUEST);
    ASSUME(route->answer_bytes, ANSWER);
    ASSUME(route->log_bytes, LOG);
    ASSUME(route->queries, QUERIES);
}

void nw_model_service_init(struct nw_model_service *service)
{
    *service = (struct nw_model_service){.has_bigger = true};
    ASSUME(service->node_rate_per_s, NODE_RATE);
    ASSUME(service->efficiency, EFFICIENCY);
    ASSUME(service->margin, MARGIN);
    ASSUME(service->spare, SPARE);
    ASSUME(service->zones, ZONES);
    ASSUME(service->connections, NODE_CONNECTIONS);
    ASSUME(service->bigger_factor, BIGGER_FACTOR);
    ASSUME(service->bigger_price_per_h, BIGGER_PRICE);
    ASSUME(service->price_per_h, NODE_PRICE);
}

void nw_model_database_init(struct nw_model_database *database)
{
    *database = (struct nw_model_database){0};
    ASSUME(database->read_rate_per_s, READ_RATE);
    ASSUME(database->replica_rate_per_s, REPLICA_RATE);
    ASSUME(database->write_rate_per_s, WRITE_RATE);
    ASSUME(database->size_bytes, SIZE);
    ASSUME(database->size_max_bytes, SIZE_MAX);
    ASSUME(database->own_writes, OWN_WRITES);
    ASSUME(database->lag_s, LAG);
    ASSUME(database->connections, DATABASE_CONNECTIONS);
    ASSUME(database->pool, POOL);
    ASSUME(database->domains, DOMAINS);
    ASSUME(database->price_per_h, DATABASE_PRICE);
}

static void cache_init(struct nw_model_cache *cache)
{
    *cache = (struct nw_model_cache){0};
    ASSUME(cache->entry_bytes, ENTRY);
    ASSUME(cache->hot, HOT);
    ASSUME(cache->ttl_s, TTL);
    ASSUME(cache->per_key_per_s, PER_KEY);
    ASSUME(cache->ram_bytes, RAM);
    ASSUME(cache->fill, FILL);
    ASSUME(cache->price_per_h, CACHE_PRICE);
}

void nw_model_queue_init(struct nw_model_queue *queue)
{
    *queue = (struct nw_model_queue){0};
    ASSUME(queue->burst, BURST);
    ASSUME(queue->over_s, OVER);
    ASSUME(queue->drain_per_s, DRAIN);
    ASSUME(queue->message_bytes, MESSAGE);
    ASSUME(queue->retention_s, RETENTION);
    ASSUME(queue->groups, GROUPS);
    ASSUME(queue->outage_s, OUTAGE);
    ASSUME(queue->alarm_s, ALARM);
}

void nw_model_region_init(struct nw_model_region *region)
{
    *region = (struct nw_model_region){0};
    ASSUME(region->users, REGION_USERS);
    ASSUME(region->rtt_s, RTT);
    ASSUME(region->local_s, LOCAL);
    ASSUME(region->calls, CALLS);
    ASSUME(region->distance_km, DISTANCE);
}

void nw_model_plan_input_init(struct nw_model_plan_input *input)
{
    *input = (struct nw_model_plan_input){0};
    load_init(&input->load);
    cache_init(&input->cache);
    ASSUME(input->read_share, READ_SHARE);
    ASSUME(input->availability_target, TARGET);
    ASSUME(input->common_cause, COMMON_CAUSE);
    ASSUME(input->budget_month, BUDGET);
}
