/* The plain way: every route in file order. */
#include "gate/route.h"

#include "base/alloc.h"
#include "gate/route_match.h"

struct nw_route_table {
    const struct nw_conf *conf;
    struct route_patterns *patterns; /* by index */
};

nw_err nw_route_compile(const struct nw_conf *conf, struct nw_arena *arena, bool warn,
                        struct nw_diag *diag, struct nw_route_table **out)
{
    struct nw_route_table *table = nw_arena_zero(arena, sizeof *table);
    table->conf = conf;
    table->patterns = nw_arena_zero(arena, (conf->routes.count + 1) * sizeof *table->patterns);
    nw_err result = NW_OK;
    for (size_t i = 0; i < conf->routes.count; i++) {
        nw_err err = route_patterns_compile(conf, &conf->routes.items[i], arena, diag,
                                            &table->patterns[i]);
        if (err != NW_OK)
            result = err;
    }
    if (result != NW_OK) {
        nw_route_table_done(table);
        return result;
    }
    *out = table;
    return NW_OK;
}

void nw_route_table_done(struct nw_route_table *table)
{
    for (size_t i = 0; i < table->conf->routes.count; i++)
        route_patterns_done(&table->conf->routes.items[i], &table->patterns[i]);
}

static bool fits(const struct nw_route_table *table, size_t i, const struct nw_route_ask *ask,
                 struct nw_route_found *out)
{
    const struct nw_conf_route *route = &table->conf->routes.items[i];
    out->capture_count = 0;
    if (!route_host_fits(route, ask->host) || !route_method_fits(route, ask->method_name))
        return false;
    if (route->path.kind == NW_CONF_PATH_SEGMENTS &&
        !route_path_fits(&route->path, ask->path, out->captures, &out->capture_count))
        return false;
    return route_tests_fit(route, &table->patterns[i], ask, &out->tested_count, NULL, NULL);
}

void nw_route_find(const struct nw_route_table *table, const struct nw_route_ask *ask,
                   struct nw_route_found *out)
{
    out->route = NULL;
    out->wants_slash = false;
    out->tested_count = 0;
    for (size_t i = 0; i < table->conf->routes.count; i++) {
        if (!fits(table, i, ask, out))
            continue;
        out->route = &table->conf->routes.items[i];
        out->index = i;
        return;
    }
}

nw_err nw_route_explain(const struct nw_route_table *table, struct nw_slice request,
                        const struct nw_slice *headers, unsigned header_count, struct nw_text *out,
                        struct nw_diag *diag)
{
    nw_diag_error(diag, "not in this build");
    return NW_INVALID;
}

struct nw_slice nw_route_label(const struct nw_conf_route *route)
{
    if (route->name.len > 0)
        return route->name;
    return route->path.text.len > 0 ? route->path.text : NW_SLICE("*");
}
