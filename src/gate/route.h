/*
 * route.h - which route takes a request.
 *
 * The routes of a generation are compiled into a host map and a segment trie; the first match in
 * file order wins, whatever the shape of the paths, and 10,000 routes cost a request what ten do.
 * Header, query, cookie and regex tests run only for candidates whose host, path and method fit.
 *
 * Owner:   the table lies in the generation's arena
 * Threads: immutable once compiled; find from any worker
 */
#ifndef NW_GATE_ROUTE_H
#define NW_GATE_ROUTE_H

#include <stdbool.h>

#include "base/diag.h"
#include "conf/conf.h"
#include "http/exchange.h"

struct nw_route_table;

/* What a request shows to the router. */
struct nw_route_ask {
    nw_http_method method;
    struct nw_slice method_name;
    struct nw_slice host; /* lower case, no port */
    struct nw_slice path; /* normalised */
    struct nw_slice query;
    const struct nw_http1_head *head; /* for header and cookie tests; NULL: they fail */
    const char *head_bytes;
};

struct nw_route_found {
    const struct nw_conf_route *route; /* NULL: none takes it */
    size_t index;                      /* in nw_conf.routes */
    bool wants_slash;                  /* none, but path + "/" would be taken: answer 308 */
    struct nw_http_capture captures[NW_HTTP_CAPTURES_MAX];
    unsigned capture_count;
    unsigned tested_count; /* header, query, cookie and regex tests that ran: for a test */
};

/*
 * Compiles; regexes that PCRE2 refuses are located errors (NW_INVALID). The table borrows conf.
 * With `warn`, unreachable and duplicate routes are added to diag as warnings.
 */
NW_MUST_CHECK nw_err nw_route_compile(const struct nw_conf *conf, struct nw_arena *arena, bool warn,
                                      struct nw_diag *diag, struct nw_route_table **out);
/* Frees what lies outside the arena (compiled patterns). */
void nw_route_table_done(struct nw_route_table *table);

void nw_route_find(const struct nw_route_table *table, const struct nw_route_ask *ask,
                   struct nw_route_found *out);

/*
 * For `newel check --route 'GET host/path?query'`: one line per route up to the one that takes the
 * request, why it did not match or that it did. NW_INVALID with a sentence in diag when `request`
 * is malformed. Optional lines "Name: value" in `headers`.
 */
NW_MUST_CHECK nw_err nw_route_explain(const struct nw_route_table *table, struct nw_slice request,
                                      const struct nw_slice *headers, unsigned header_count,
                                      struct nw_text *out, struct nw_diag *diag);

/* "api" or the pattern of its path: the label in metrics and logs. */
struct nw_slice nw_route_label(const struct nw_conf_route *route);

#endif
