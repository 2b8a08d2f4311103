/*
 * route_build.h - routes made by hand, for tests that need many.
 *
 * Owner:   the struct owns everything; build_done frees it
 * Threads: one at a time
 */
#ifndef NW_TEST_GATE_ROUTE_BUILD_H
#define NW_TEST_GATE_ROUTE_BUILD_H

#include "base/alloc.h"
#include "base/assert.h"
#include "gate/route_impl.h"

struct build {
    struct nw_arena arena;
    struct nw_conf conf;
    size_t max;
    struct nw_diag diag;
    struct nw_route_table *table;
};

NW_UNUSED static void build_init(struct build *b, size_t max)
{
    *b = (struct build){.max = max};
    nw_arena_init(&b->arena, NULL, 0, SIZE_MAX);
    nw_diag_init(&b->diag);
    b->conf.file = "newel.yaml";
    b->conf.routes.items = nw_arena_zero(&b->arena, max * sizeof *b->conf.routes.items);
}

NW_UNUSED static void build_done(struct build *b)
{
    if (b->table != NULL)
        nw_route_table_done(b->table);
    nw_diag_done(&b->diag);
    nw_arena_done(&b->arena);
}

/* A route with that path (NULL: none), at the end of the file. */
NW_UNUSED static struct nw_conf_route *build_route(struct build *b, const char *path)
{
    NW_ASSERT(b->conf.routes.count < b->max);
    struct nw_conf_route *route = &b->conf.routes.items[b->conf.routes.count];
    route->block.path =
        nw_arena_printf(&b->arena, "routes[%zu]", b->conf.routes.count).ptr;
    b->conf.routes.count++;
    struct nw_conf_why why = {0};
    if (path != NULL) {
        struct nw_slice text = nw_arena_copy(&b->arena, nw_slice_str(path));
        nw_err err = nw_conf_value_path(text, &b->arena, &route->path, &why);
        NW_ASSERT(err == NW_OK);
    }
    return route;
}

/* "shop.example" or "*.shop.example". */
NW_UNUSED static void build_host(struct build *b, struct nw_conf_route *route, const char *host)
{
    struct nw_conf_host *items =
        nw_arena_zero(&b->arena, (route->host.count + 1) * sizeof *items);
    if (route->host.count > 0)
        memcpy(items, route->host.items, route->host.count * sizeof *items);
    struct nw_slice name = nw_arena_copy(&b->arena, nw_slice_str(host));
    bool is_wildcard = nw_slice_starts_with(name, NW_SLICE("*."));
    items[route->host.count++] =
        (struct nw_conf_host){is_wildcard ? nw_slice_skip(name, 2) : name, is_wildcard};
    route->host.items = items;
}

NW_UNUSED static void build_method(struct build *b, struct nw_conf_route *route, const char *name)
{
    struct nw_slice *items =
        nw_arena_zero(&b->arena, (route->method.count + 1) * sizeof *items);
    if (route->method.count > 0)
        memcpy(items, route->method.items, route->method.count * sizeof *items);
    items[route->method.count++] = nw_arena_copy(&b->arena, nw_slice_str(name));
    route->method.items = items;
}

/* text: "*", "~ regex" or a value. */
NW_UNUSED static void build_match(struct build *b, struct nw_conf_matches *matches,
                                  const char *name, const char *text)
{
    struct nw_conf_match *items = nw_arena_zero(&b->arena, (matches->count + 1) * sizeof *items);
    if (matches->count > 0)
        memcpy(items, matches->items, matches->count * sizeof *items);
    struct nw_conf_match *match = &items[matches->count++];
    match->name = nw_arena_copy(&b->arena, nw_slice_str(name));
    match->text = nw_arena_copy(&b->arena, nw_slice_str(text));
    match->kind = NW_CONF_MATCH_EXACT;
    if (nw_slice_eq(match->text, NW_SLICE("*")))
        match->kind = NW_CONF_MATCH_PRESENT;
    if (nw_slice_starts_with(match->text, NW_SLICE("~ "))) {
        match->kind = NW_CONF_MATCH_REGEX;
        match->text = nw_slice_skip(match->text, 2);
    }
    matches->items = items;
}

NW_UNUSED static void build_compile(struct build *b, bool warn)
{
    nw_err err = nw_route_compile(&b->conf, &b->arena, warn, &b->diag, &b->table);
    NW_ASSERT(err == NW_OK);
}

/* A request whose head is `head` ("" has no fields), for as long as the struct lives. */
struct asked {
    struct nw_text text;
    struct nw_http1_head head;
    struct nw_route_ask ask;
};

NW_UNUSED static void asked_init(struct asked *asked, const char *method, const char *host,
                                 const char *path, const char *query, const char *fields)
{
    *asked = (struct asked){0};
    nw_text_addf(&asked->text, "%s / HTTP/1.1\r\n%s\r\n", method, fields);
    struct nw_http1_parser parser;
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    nw_err err = nw_http1_parse(&parser, nw_text_slice(&asked->text), &asked->head);
    NW_ASSERT(err == NW_OK);
    asked->ask = (struct nw_route_ask){
        .method = nw_http_method_find(nw_slice_str(method)),
        .method_name = nw_slice_str(method),
        .host = nw_slice_str(host),
        .path = nw_slice_str(path),
        .query = nw_slice_str(query),
        .head = &asked->head,
        .head_bytes = asked->text.ptr,
    };
}

NW_UNUSED static void asked_done(struct asked *asked)
{
    nw_text_done(&asked->text);
}

/* The meaning of a table: every route in file order. */
NW_UNUSED static void route_linear(const struct nw_route_table *table,
                                   const struct nw_route_ask *ask, struct nw_route_found *out)
{
    out->route = NULL;
    out->tested_count = 0;
    for (size_t i = 0; i < table->conf->routes.count; i++) {
        const struct nw_conf_route *route = &table->conf->routes.items[i];
        out->capture_count = 0;
        if (!route_host_fits(route, ask->host) || !route_method_fits(route, ask->method_name))
            continue;
        if (route->path.kind == NW_CONF_PATH_SEGMENTS &&
            !route_path_fits(&route->path, ask->path, out->captures, &out->capture_count))
            continue;
        if (!route_tests_fit(route, &table->patterns[i], ask, &out->tested_count, NULL, NULL))
            continue;
        out->route = route;
        out->index = i;
        return;
    }
}

#endif
