/*
 * What no single option can say: names that must exist, options that exclude or need each other,
 * addresses that clash. Every check points at the option a person would edit, and one that was
 * refused already (its field is empty although it stands in the file) is passed over, so that one
 * mistake is one message.
 *
 * Regular expressions and routes that nothing can reach are judged where routes are compiled.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/suggest.h"
#include "conf/parse.h"

#define BLAME(block, option, suggestion, ...)                                                      \
    nw_conf_blame(conf, block, option, suggestion, reader->diag, __VA_ARGS__)
#define WARN(block, option, suggestion, ...)                                                       \
    nw_conf_warn(conf, block, option, suggestion, reader->diag, __VA_ARGS__)

static bool is_loopback(const struct nw_conf_address *address)
{
    struct nw_ip ip;
    if (address->kind == NW_CONF_ADDRESS_NAME)
        return nw_slice_eq(address->host, NW_SLICE("localhost"));
    return address->kind == NW_CONF_ADDRESS_UNIX ||
           (nw_ip_parse(address->host, &ip) == NW_OK && nw_ip_is_loopback(&ip));
}

/* Port 0 is another port each time. */
static bool is_same_listener(const struct nw_conf_address *a, const struct nw_conf_address *b)
{
    if (a->kind == NW_CONF_ADDRESS_NONE || (a->kind != NW_CONF_ADDRESS_UNIX && a->port == 0))
        return false;
    return nw_slice_eq(a->text, b->text);
}

/* Only HTTP listeners share a port; nobody else gets one that 0.0.0.0 has. */
static bool takes_port_of(const struct nw_conf_address *listen, const struct nw_conf_address *admin)
{
    if (is_same_listener(listen, admin))
        return true;
    bool is_wildcard = nw_slice_eq(listen->host, NW_SLICE("0.0.0.0")) ||
                       nw_slice_eq(admin->host, NW_SLICE("0.0.0.0"));
    return is_wildcard && listen->kind == admin->kind && listen->port == admin->port &&
           listen->port != 0;
}

static bool has_everybody(const struct nw_conf_networks *networks)
{
    return networks->ranges != NULL && (nw_ip_ranges_have_all(networks->ranges, false) ||
                                        nw_ip_ranges_have_all(networks->ranges, true));
}

/* A list that lets nobody in is no list of friends; a mistake in it was told already. */
void nw_conf_check_allow(struct nw_conf_reader *reader, const struct nw_conf *conf,
                         const struct nw_conf_block *block, const struct nw_conf_networks *allow)
{
    const struct nw_conf_tree *tree = nw_conf_tree_get(block->tree, "allow");
    bool is_list = tree != NULL && !tree->is_broken && tree->kind != NW_CONF_MAPPING;
    if (is_list && allow->ranges != NULL && allow->count == 0)
        BLAME(block, "allow", "write off to let everybody in", "the list would let nobody in");
}

/* Who may connect, and who is believed about it. */
static void check_admission(struct nw_conf_reader *reader, const struct nw_conf *conf,
                            const struct nw_conf_listen *listen)
{
    const struct nw_conf_block *block = &listen->block;
    bool is_unix = listen->address.kind == NW_CONF_ADDRESS_UNIX;
    nw_conf_check_allow(reader, conf, block, &listen->allow);
    if (is_unix && NW_CONF_HAS(listen, listen, proxy_protocol))
        BLAME(block, "proxy_protocol", NULL,
              "clients of a Unix socket have no address to be named");
    if (is_unix && (NW_CONF_HAS(listen, listen, allow) || NW_CONF_HAS(listen, listen, deny)))
        WARN(block, NW_CONF_HAS(listen, listen, allow) ? "allow" : "deny",
             "the mode of the socket's folder says who may connect",
             "has no effect on a Unix socket: its clients have no address");
    if (listen->redirect == NW_CONF_LISTEN_REDIRECT_HTTPS && nw_conf_is_given(&listen->tls.block))
        BLAME(block, "redirect", "it belongs to the listener of plain HTTP",
              "would send every client back to where it is");
    if (has_everybody(&listen->proxy_protocol))
        WARN(block, "proxy_protocol", "name the addresses of your own proxies",
             "every client is believed, so all of them can forge their address");
}

static void check_listeners(struct nw_conf_reader *reader, const struct nw_conf *conf)
{
    if (!NW_CONF_HAS(conf, top, listen) || (conf->listen.items != NULL && conf->listen.count == 0))
        BLAME(&conf->block, "listen", "add one, such as listen: 127.0.0.1:8080",
              "there is no address to listen on");
    for (size_t i = 0; i < conf->listen.count; i++) {
        const struct nw_conf_listen *listen = &conf->listen.items[i];
        for (size_t k = 0; k < i; k++)
            if (is_same_listener(&listen->address, &conf->listen.items[k].address))
                BLAME(&listen->block, NULL, NULL, "%s is listened on already, on line %d",
                      listen->address.text.ptr, conf->listen.items[k].block.tree->line);
        if (takes_port_of(&listen->address, &conf->admin.address))
            BLAME(&listen->block, NULL, "give admin a port of its own",
                  "%s has the port of the admin address", listen->address.text.ptr);
        check_admission(reader, conf, listen);
    }
    const struct nw_conf_tree *token = nw_conf_tree_get(conf->admin.block.tree, "token");
    if (conf->admin.address.kind != NW_CONF_ADDRESS_NONE && !is_loopback(&conf->admin.address) &&
        conf->admin.token == NULL && (token == NULL || !token->is_broken))
        BLAME(&conf->admin.block, "address", "set admin.token, or listen on 127.0.0.1",
              "an admin address that other machines can reach needs a token");
}

static void check_top(struct nw_conf_reader *reader, const struct nw_conf *conf)
{
    const struct nw_conf_tree *version = nw_conf_tree_get(conf->block.tree, "newel");
    bool is_number = conf->newel != 0 || (version != NULL && strcmp(version->text.ptr, "0") == 0);
    if (version != NULL && version->kind == NW_CONF_SCALAR && is_number && conf->newel != 1)
        BLAME(&conf->block, "newel", "write newel: 1", "this newel reads format 1 only");
    if (has_everybody(&conf->trusted_proxies))
        WARN(&conf->block, "trusted_proxies", "name the networks of your own proxies",
             "every client is trusted, so all of them can forge their address");
}

/* Sorted neighbours that are equal are duplicates; the later one in the file is blamed. */
static int by_address(const void *left, const void *right)
{
    const struct nw_conf_node *a = *(const struct nw_conf_node *const *)left;
    const struct nw_conf_node *b = *(const struct nw_conf_node *const *)right;
    int order = strcmp(a->address.text.ptr, b->address.text.ptr);
    return order != 0 ? order : a < b ? -1 : a > b;
}

static void check_nodes(struct nw_conf_reader *reader, const struct nw_conf *conf,
                        const struct nw_conf_service *service)
{
    const struct nw_conf_node **order = nw_alloc_array(service->nodes.count + 1, sizeof *order);
    size_t count = 0;
    int64_t weight = 0;
    for (size_t i = 0; i < service->nodes.count; i++) {
        const struct nw_conf_node *node = &service->nodes.items[i];
        weight += node->weight;
        if (node->address.kind != NW_CONF_ADDRESS_NONE)
            order[count++] = node;
    }
    qsort(order, count, sizeof *order, by_address);
    for (size_t i = 1; i < count; i++)
        if (nw_slice_eq(order[i]->address.text, order[i - 1]->address.text))
            BLAME(&order[i]->block, NULL, "use weight for a larger share",
                  "%s is a node of this service already", order[i]->address.text.ptr);
    nw_free(order);
    if (service->nodes.count > 0 && weight == 0)
        WARN(&service->block, "nodes", NULL, "every node has weight 0, so none gets requests");
}

/* What a process asks for and cannot get. */
static void check_means(struct nw_conf_reader *reader, const struct nw_conf *conf,
                        const struct nw_conf_service *service)
{
    bool uses_socket = false;
    for (size_t i = 0; i < service->run.count; i++)
        uses_socket |= strstr(service->run.items[i].ptr, "{socket}") != NULL;
    if (service->user.len > 0 && uses_socket)
        BLAME(&service->block, "run", "use {port}",
              "a process of another user cannot reach a socket in the state folder");
    unsigned cores = (unsigned)service->cpu_cores;
    if (service->cpu_cores != (double)cores)
        WARN(&service->block, "cpu", NULL, "only whole processors can be kept apart: it may use %u",
             cores + 1);
}

static void check_process(struct nw_conf_reader *reader, const struct nw_conf *conf,
                          const struct nw_conf_service *service)
{
    const struct nw_conf_block *block = &service->block;
    bool has_nodes = NW_CONF_HAS(service, service, nodes);
    bool has_run = NW_CONF_HAS(service, service, run);
    static const char *const only_run[] = {"instances", "env", "user", "cwd",
                                           "memory",    "cpu", "stop"};
    if (has_nodes && has_run)
        BLAME(block, "run", "remove one of them",
              "a service has either nodes or run, not both");
    if (block->tree->kind == NW_CONF_MAPPING && !has_nodes && !has_run)
        BLAME(block, NULL, "add nodes: [ host:port ] or run: [ program ]",
              "the service has neither nodes nor run");
    const struct nw_conf_tree *nodes = nw_conf_tree_get(block->tree, "nodes");
    if (has_nodes && nodes->kind == NW_CONF_SEQUENCE && nodes->child_count == 0)
        BLAME(block, "nodes", NULL, "the list is empty");
    for (size_t i = 0; i < NW_COUNT(only_run) && !has_run; i++)
        if (nw_conf_tree_get(block->tree, only_run[i]) != NULL)
            BLAME(block, only_run[i], NULL, "has a meaning only together with run");
    const struct nw_conf_tree *run = nw_conf_tree_get(block->tree, "run");
    if (!has_run || run->is_broken)
        return;
    if (run->kind == NW_CONF_SCALAR && nw_slice_find(run->text, ' ') != run->text.len)
        BLAME(block, "run", "run: [ program, argument, … ]",
              "write the command as a list; no shell splits it");
    else if (run->kind == NW_CONF_SEQUENCE && run->child_count == 0)
        BLAME(block, "run", NULL, "the list is empty");
    else if (service->run.count > 0 && service->run.items[0].len == 0)
        BLAME(block, "run", NULL, "the program's name is empty");
    else if (service->run.count == 1 &&
             nw_slice_find(service->run.items[0], ' ') != service->run.items[0].len)
        WARN(block, "run", "write [ program, argument ], with commas",
             "this one program has a space in its name");
    check_means(reader, conf, service);
}

static bool is_origin_form(struct nw_slice text)
{
    if (text.len == 0 || text.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f || text.ptr[i] == '#')
            return false;
    return true;
}

static void check_health_kind(struct nw_conf_reader *reader, const struct nw_conf *conf,
                              const struct nw_conf_service *service)
{
    const struct nw_conf_health *health = &service->health;
    bool has_path = NW_CONF_HAS(health, health, path), has_grpc = NW_CONF_HAS(health, health, grpc);
    if (health->block.tree->is_broken)
        return;
    if (!has_path && !has_grpc)
        BLAME(&health->block, "path", "add path: /ready, or grpc: \"\"", "is missing");
    if (has_path && has_grpc)
        BLAME(&health->block, "grpc", "remove one of them", "a check asks for a path or by gRPC");
    if (has_grpc && !nw_conf_is_multiplexed(service))
        BLAME(&health->block, "grpc", "add multiplex: h2 to the service",
              "gRPC needs HTTP/2 to the nodes");
    if (health->grpc.len > 255)
        BLAME(&health->block, "grpc", NULL, "a service's name has at most 255 bytes");
    if (has_grpc && NW_CONF_HAS(health, health, expect))
        WARN(&health->block, "expect", NULL, "has no effect on a gRPC check");
}

static void check_health(struct nw_conf_reader *reader, const struct nw_conf *conf,
                         struct nw_conf_health *health)
{
    if (!NW_CONF_HAS(health, health, timeout) && health->timeout_ms > health->every_ms)
        health->timeout_ms = health->every_ms; /* only the default was too long */
    if (health->path.len > 0 && !is_origin_form(health->path))
        BLAME(&health->block, "path", NULL,
              "must begin with / and have no spaces, control or non-ASCII bytes");
    if (health->timeout_ms > health->every_ms)
        BLAME(&health->block, "timeout", NULL, "must not be longer than every");
    if (NW_CONF_HAS(health, health, expect) && health->expect.count == 0 &&
        nw_conf_tree_get(health->block.tree, "expect")->child_count == 0 &&
        nw_conf_tree_get(health->block.tree, "expect")->kind == NW_CONF_SEQUENCE)
        BLAME(&health->block, "expect", NULL, "no status would be healthy");
}

static void check_service(struct nw_conf_reader *reader, const struct nw_conf *conf,
                          struct nw_conf_service *service)
{
    const struct nw_conf_block *block = &service->block;
    bool is_hash = service->balance == NW_CONF_BALANCE_HASH;
    if (block->tree->is_broken)
        return;
    check_process(reader, conf, service);
    check_nodes(reader, conf, service);
    if (nw_conf_is_given(&service->health.block)) {
        check_health(reader, conf, &service->health);
        check_health_kind(reader, conf, service);
    }
    if (is_hash && !NW_CONF_HAS(service, service, key))
        BLAME(block, "balance", "add key: client, path, header NAME or cookie NAME",
              "hash needs a key");
    if (!is_hash && NW_CONF_HAS(service, service, key))
        WARN(block, "key", "use balance: hash", "has no effect with this balance");
    if (NW_CONF_HAS(&service->timeouts, service_timeouts, connect) &&
        service->timeouts.connect_ms > service->timeouts.first_byte_ms)
        BLAME(&service->timeouts.block, "connect", NULL, "must not be longer than first_byte");
}

static void check_respond(struct nw_conf_reader *reader, const struct nw_conf *conf,
                          const struct nw_conf_respond *respond)
{
    bool is_bodiless = respond->status == 204 || respond->status == 304;
    if (is_bodiless && respond->body.len > 0)
        BLAME(&respond->block, "body", NULL, "an answer %d has no body", (int)respond->status);
}

static void check_redirect(struct nw_conf_reader *reader, const struct nw_conf *conf,
                           const struct nw_conf_redirect *redirect)
{
    if (redirect->status > 303 && redirect->status < 307)
        BLAME(&redirect->block, "status", NULL, "expected 301, 302, 303, 307 or 308");
    if (nw_slice_find(redirect->to, '{') != redirect->to.len)
        WARN(&redirect->block, "to", NULL, "{…} is sent as it is; nothing is put in its place");
}

static bool claims_newel(const struct nw_conf_path *path)
{
    if (path->kind == NW_CONF_PATH_REGEX)
        return nw_slice_starts_with(path->text, NW_SLICE("^/_newel/"));
    return path->kind == NW_CONF_PATH_SEGMENTS && path->segment_count > 0 &&
           path->segments[0].kind == NW_CONF_SEGMENT_LITERAL &&
           nw_slice_eq(path->segments[0].text, NW_SLICE("_newel"));
}

/* An empty list would match everything, which is the opposite of what it looks like. */
static void check_empty_tests(struct nw_conf_reader *reader, const struct nw_conf *conf,
                              const struct nw_conf_route *route)
{
    static const char *const tests[] = {"host", "method", "header", "query", "cookie"};
    for (size_t i = 0; i < NW_COUNT(tests); i++) {
        const struct nw_conf_tree *tree = nw_conf_tree_get(route->block.tree, tests[i]);
        if (tree != NULL && tree->kind != NW_CONF_SCALAR && tree->child_count == 0)
            BLAME(&route->block, tests[i], "remove the line", "is empty, which would match all");
    }
}

static const char *nearest_service(struct nw_conf_reader *reader, const struct nw_conf *conf,
                                   struct nw_slice name)
{
    const char **names = nw_alloc_array(conf->services.count + 1, sizeof *names);
    for (size_t i = 0; i < conf->services.count; i++)
        names[i] = conf->services.items[i].name.ptr;
    const char *nearest = nw_suggest(name, names, conf->services.count);
    nw_free(names);
    return nearest != NULL ? nw_arena_printf(reader->arena, "did you mean %s", nearest).ptr : NULL;
}

static void check_service_action(struct nw_conf_reader *reader, const struct nw_conf *conf,
                                 struct nw_conf_route *route, bool *used)
{
    if (route->service.len == 0)
        return;
    route->to_service = nw_conf_service_find(conf, route->service);
    if (route->to_service != NULL)
        used[route->to_service->index] = true;
    if (route->to_service != NULL && route->upgrade != 0 &&
        nw_conf_is_multiplexed(route->to_service))
        BLAME(&route->block, "upgrade", "use a service without multiplex",
              "the nodes of \"%s\" speak HTTP/2, which cannot be upgraded", route->service.ptr);
    if (route->to_service == NULL)
        BLAME(&route->block, "service", nearest_service(reader, conf, route->service),
              "there is no service \"%s\"", route->service.ptr);
}

/* Elsewhere a star is a wildcard. */
static void check_stars(struct nw_conf_reader *reader, const struct nw_conf *conf,
                        const struct nw_conf_route *route)
{
    const struct nw_conf_path *path = &route->path;
    for (size_t i = 0; i < path->segment_count; i++)
        if (path->segments[i].kind == NW_CONF_SEGMENT_LITERAL &&
            nw_slice_find(path->segments[i].text, '*') != path->segments[i].text.len) {
            WARN(&route->block, "path", "/prefix/ takes everything below, /{name}/ one segment",
                 "the star stands for itself");
            return;
        }
}

static void check_route(struct nw_conf_reader *reader, const struct nw_conf *conf,
                        struct nw_conf_route *route, bool *used)
{
    check_empty_tests(reader, conf, route);
    nw_conf_check_allow(reader, conf, &route->block, &route->allow);
    check_stars(reader, conf, route);
    if (claims_newel(&route->path))
        BLAME(&route->block, "path", NULL,
              "paths under /_newel/ belong to newel and are answered before any route");
    if (route->action == NW_CONF_ACTION_SERVICE) {
        check_service_action(reader, conf, route, used);
    } else if (NW_CONF_HAS(route, route, upgrade) && route->action != NW_CONF_ACTION_NONE) {
        BLAME(&route->block, "upgrade", NULL, "needs a service to talk to");
    }
    if (nw_conf_is_given(&route->redirect.block))
        check_redirect(reader, conf, &route->redirect);
    if (nw_conf_is_given(&route->respond.block))
        check_respond(reader, conf, &route->respond);
}

static int by_name(const void *left, const void *right)
{
    const struct nw_conf_route *a = *(const struct nw_conf_route *const *)left;
    const struct nw_conf_route *b = *(const struct nw_conf_route *const *)right;
    int order = strcmp(a->name.ptr, b->name.ptr);
    return order != 0 ? order : a < b ? -1 : a > b;
}

static void check_route_names(struct nw_conf_reader *reader, const struct nw_conf *conf)
{
    const struct nw_conf_route **order = nw_alloc_array(conf->routes.count + 1, sizeof *order);
    size_t count = 0;
    for (size_t i = 0; i < conf->routes.count; i++)
        if (conf->routes.items[i].name.len > 0)
            order[count++] = &conf->routes.items[i];
    qsort(order, count, sizeof *order, by_name);
    for (size_t i = 1; i < count; i++)
        if (nw_slice_eq(order[i]->name, order[i - 1]->name))
            BLAME(&order[i]->block, "name", NULL, "another route has this name, on line %d",
                  order[i - 1]->block.tree->line);
    nw_free(order);
}

void nw_conf_check(struct nw_conf_reader *reader, struct nw_conf *conf)
{
    bool *used = nw_alloc_array(conf->services.count + 1, sizeof *used);
    check_top(reader, conf);
    check_listeners(reader, conf);
    nw_conf_check_tls(reader, conf);
    for (size_t i = 0; i < conf->services.count; i++)
        if (reader->diag->error_count < NW_CONF_MISTAKES_MAX)
            check_service(reader, conf, &conf->services.items[i]);
    for (size_t i = 0; i < conf->routes.count; i++)
        if (reader->diag->error_count < NW_CONF_MISTAKES_MAX)
            check_route(reader, conf, &conf->routes.items[i], used);
    check_route_names(reader, conf);
    for (size_t i = 0; i < conf->services.count; i++)
        if (!used[i])
            WARN(&conf->services.items[i].block, NULL, NULL, "no route uses this service");
    nw_free(used);
}
