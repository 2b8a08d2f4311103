/*
 * route_match.h - one route against one request: the meaning that the compiled table must keep.
 *
 * The table uses the tests that its index cannot answer; `newel check --route` and the tests use
 * all.
 *
 * Owner:   a pattern set belongs to the table
 * Threads: stateless but for the pattern's own match data, which is made for each call
 */
#ifndef NW_GATE_ROUTE_MATCH_H
#define NW_GATE_ROUTE_MATCH_H

#include "gate/route.h"

struct route_pattern; /* a compiled regex */

/* The compiled regexes of one route, in the order path, header, query, cookie; NULL where exact. */
struct route_patterns {
    struct route_pattern *path;
    struct route_pattern **header;
    struct route_pattern **query;
    struct route_pattern **cookie;
};

/* NW_INVALID with a located sentence when PCRE2 refuses one. Arrays lie in the arena. */
NW_MUST_CHECK nw_err route_patterns_compile(const struct nw_conf *conf,
                                            const struct nw_conf_route *route,
                                            struct nw_arena *arena, struct nw_diag *diag,
                                            struct route_patterns *out);
void route_patterns_done(const struct nw_conf_route *route, struct route_patterns *patterns);

bool route_host_fits(const struct nw_conf_route *route, struct nw_slice host);
bool route_method_fits(const struct nw_conf_route *route, struct nw_slice method);
/* Literal, prefix and {segment} paths; captures are written on success. Not for regexes. */
bool route_path_fits(const struct nw_conf_path *path, struct nw_slice text,
                     struct nw_http_capture *captures, unsigned *out_capture_count);
/*
 * The tests that cost something: path regex, header, query, cookie. Counts each that ran in
 * *tested. On failure *out_why (may be NULL) is a static word and *out_name what it was about.
 */
bool route_tests_fit(const struct nw_conf_route *route, const struct route_patterns *patterns,
                     const struct nw_route_ask *ask, unsigned *tested, const char **out_why,
                     struct nw_slice *out_name);
bool route_has_tests(const struct nw_conf_route *route);

#endif
