/*
 * route_impl.h - what the files of the router share: the compiled table and the search for routes
 * that an earlier one hides.
 *
 * Owner:   see route.h
 * Threads: see route.h
 */
#ifndef NW_GATE_ROUTE_IMPL_H
#define NW_GATE_ROUTE_IMPL_H

#include "gate/route.h"
#include "gate/route_match.h"
#include "gate/route_states.h"

struct nw_route_table {
    const struct nw_conf *conf;
    struct route_patterns *patterns; /* by index */
    struct route_states states;
};

/* Adds a warning for each route that one earlier route hides. */
void route_cover_warn(const struct nw_conf *conf, const struct route_trie *trie,
                      struct nw_diag *diag);

/* "routes[3] /a/ (line 12)": how messages name a route. */
void route_name_add(const struct nw_conf *conf, size_t index, struct nw_text *out);

#endif
