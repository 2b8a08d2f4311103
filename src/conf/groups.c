/*
 * A route that holds routes is a group: what it says holds for all of them. Here the nesting ends;
 * everything after sees one flat list in file order, in which each route carries all of its tests
 * and settings.
 *
 * Tests can only narrow. Fields, parameters and cookies add up; a method must be one of the
 * group's; a path must lie below the group's and is written out in full, not appended, so that what
 * stands in the file is what is matched and can be searched for. Settings (buffer, limits, …) are
 * taken from the nearest place that gives them: route, group, file, default.
 */
#include "conf/parse.h"

#define BLAME(option, suggestion, ...)                                                             \
    nw_conf_blame(conf, &route->block, option, suggestion, reader->diag, __VA_ARGS__)

static struct nw_conf_matches both(struct nw_conf_reader *reader, struct nw_conf_matches above,
                                   struct nw_conf_matches own)
{
    if (above.count == 0 || own.count == 0)
        return above.count == 0 ? own : above;
    struct nw_conf_matches all = {.count = above.count + own.count};
    all.items = nw_arena_zero(reader->arena, all.count * sizeof *all.items);
    memcpy(all.items, above.items, above.count * sizeof *all.items);
    memcpy(all.items + above.count, own.items, own.count * sizeof *all.items);
    return all;
}

static bool has_string(const struct nw_conf_strings *list, struct nw_slice word)
{
    for (size_t i = 0; i < list->count; i++)
        if (nw_slice_eq(list->items[i], word))
            return true;
    return false;
}

static void inherit_method(struct nw_conf_reader *reader, const struct nw_conf *conf,
                           const struct nw_conf_route *group, struct nw_conf_route *route)
{
    if (group->method.count == 0)
        return;
    if (!NW_CONF_HAS(route, route, method)) {
        route->method = group->method;
        return;
    }
    for (size_t i = 0; i < route->method.count; i++)
        if (!has_string(&group->method, route->method.items[i]))
            BLAME("method", NULL, "the group does not take %s", route->method.items[i].ptr);
}

static bool is_below(const struct nw_conf_path *group, const struct nw_conf_path *path)
{
    if (!group->is_prefix || path->kind != NW_CONF_PATH_SEGMENTS ||
        path->segment_count < group->segment_count)
        return false;
    for (size_t i = 0; i < group->segment_count; i++)
        if (path->segments[i].kind != group->segments[i].kind ||
            !nw_slice_eq(path->segments[i].text, group->segments[i].text))
            return false;
    return path->segment_count > group->segment_count || path->is_prefix;
}

static void inherit_path(struct nw_conf_reader *reader, const struct nw_conf *conf,
                         const struct nw_conf_route *group, struct nw_conf_route *route)
{
    if (group->path.kind == NW_CONF_PATH_ANY)
        return;
    if (!NW_CONF_HAS(route, route, path)) {
        route->path = group->path;
        return;
    }
    if (route->path.kind != NW_CONF_PATH_ANY && !is_below(&group->path, &route->path))
        BLAME("path", "write the whole path, the group's included",
              "does not lie below the group's path %s", group->path.text.ptr);
}

static void inherit_host(struct nw_conf_reader *reader, const struct nw_conf *conf,
                         const struct nw_conf_route *group, struct nw_conf_route *route)
{
    if (group->host.count == 0)
        return;
    if (NW_CONF_HAS(route, route, host))
        BLAME("host", "remove it here or there", "the group tests the host already");
    route->host = group->host;
}

static void inherit_settings(const struct nw_conf_route *group, struct nw_conf_route *route)
{
    if (!NW_CONF_HAS(route, route, allow))
        route->allow = group->allow;
    if (!NW_CONF_HAS(route, route, deny))
        route->deny = group->deny;
    route->is_guarded = route->allow.ranges != NULL || route->deny.ranges != NULL;
    if (!NW_CONF_HAS(route, route, upgrade))
        route->upgrade = group->upgrade;
    if (!NW_CONF_HAS(route, route, stream))
        route->stream = group->stream;
    if (!NW_CONF_HAS(route, route, finish))
        route->finish = group->finish;
    if (!NW_CONF_HAS(route, route, target))
        route->target = group->target;
    if (!NW_CONF_HAS(&route->buffer, route_buffer, request))
        route->buffer.request_bytes = group->buffer.request_bytes;
    if (!NW_CONF_HAS(&route->buffer, route_buffer, response))
        route->buffer.response_bytes = group->buffer.response_bytes;
    if (!NW_CONF_HAS(&route->timeouts, route_timeouts, request))
        route->timeouts.request_ms = group->timeouts.request_ms;
    if (!NW_CONF_HAS(&route->limits, route_limits, body))
        route->limits.body_bytes = group->limits.body_bytes;
    if (!NW_CONF_HAS(&route->limits, route_limits, body_rate))
        route->limits.body_rate_bytes_per_s = group->limits.body_rate_bytes_per_s;
}

static void choose_action(struct nw_conf_reader *reader, const struct nw_conf *conf,
                          const struct nw_conf_route *group, struct nw_conf_route *route)
{
    bool is_group = NW_CONF_HAS(route, route, routes);
    bool has_service = NW_CONF_HAS(route, route, service);
    bool has_redirect = NW_CONF_HAS(route, route, redirect);
    bool has_respond = NW_CONF_HAS(route, route, respond);
    int count = has_service + has_redirect + has_respond;
    if (count > 1)
        BLAME(NULL, "service, redirect or respond", "a route can have only one action");
    else if (is_group && (has_redirect || has_respond))
        BLAME(has_redirect ? "redirect" : "respond", "give it to one of its routes",
              "a group can have a service, but no other action");
    route->action = has_service    ? NW_CONF_ACTION_SERVICE
                    : has_redirect ? NW_CONF_ACTION_REDIRECT
                    : has_respond  ? NW_CONF_ACTION_RESPOND
                                   : group->action;
    if (count == 0 && group->action == NW_CONF_ACTION_SERVICE)
        route->service = group->service;
    bool is_mapping = route->block.tree->kind == NW_CONF_MAPPING;
    if (route->action == NW_CONF_ACTION_NONE && !is_group && is_mapping)
        BLAME(NULL, "add service, redirect or respond", "the route has no action");
}

static void inherit(struct nw_conf_reader *reader, const struct nw_conf *conf,
                    const struct nw_conf_route *group, struct nw_conf_route *route)
{
    inherit_host(reader, conf, group, route);
    inherit_path(reader, conf, group, route);
    inherit_method(reader, conf, group, route);
    route->header = both(reader, group->header, route->header);
    route->query = both(reader, group->query, route->query);
    route->cookie = both(reader, group->cookie, route->cookie);
    inherit_settings(group, route);
    choose_action(reader, conf, group, route);
}

static size_t count_leaves(const struct nw_conf_routes *routes)
{
    size_t count = 0;
    for (size_t i = 0; i < routes->count; i++)
        count += NW_CONF_HAS(&routes->items[i], route, routes)
                     ? count_leaves(&routes->items[i].routes)
                     : 1;
    return count;
}

/* Appends the leaves below `group` to `flat`, which has room for all of them. */
static void flatten(struct nw_conf_reader *reader, const struct nw_conf *conf,
                    const struct nw_conf_route *group, const struct nw_conf_routes *routes,
                    struct nw_conf_routes *flat)
{
    for (size_t i = 0; i < routes->count; i++) {
        struct nw_conf_route *route = &routes->items[i];
        inherit(reader, conf, group, route);
        if (!NW_CONF_HAS(route, route, routes)) {
            flat->items[flat->count++] = *route;
            continue;
        }
        if (route->routes.count == 0)
            BLAME("routes", NULL, "the group holds no routes");
        nw_conf_check_allow(reader, conf, &route->block, &route->allow);
        flatten(reader, conf, route, &route->routes, flat);
    }
}

void nw_conf_groups(struct nw_conf_reader *reader, struct nw_conf *conf)
{
    struct nw_conf_routes flat = {0};
    struct nw_conf_route file = {
        .buffer = {.request_bytes = conf->buffer.request_bytes,
                   .response_bytes = conf->buffer.response_bytes},
        .limits = {.body_bytes = conf->limits.body_bytes,
                   .body_rate_bytes_per_s = conf->limits.body_rate_bytes_per_s},
    };
    size_t count = count_leaves(&conf->routes);
    flat.items = nw_arena_zero(reader->arena, count * sizeof *flat.items + 1);
    flatten(reader, conf, &file, &conf->routes, &flat);
    conf->routes = flat;
}
