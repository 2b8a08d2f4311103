/*
 * Patterns come from the configuration, subjects from the internet: PCRE2 runs with limits on
 * matches, depth and heap, and a pattern that hits one does not match. No JIT: it needs writable
 * code pages.
 */
#include "gate/route_match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"

enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 1000, HEAP_LIMIT_KIB = 1024 };

struct route_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* ---- patterns ---- */

static void pattern_free(struct route_pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    pcre2_match_context_free(pattern->limits);
    nw_free(pattern);
}

static struct route_pattern *pattern_new(struct nw_slice text, int *out_error, size_t *out_at)
{
    PCRE2_SIZE at = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len, PCRE2_NEVER_BACKSLASH_C,
                                     out_error, &at, NULL);
    *out_at = at;
    if (code == NULL)
        return NULL;
    struct route_pattern *pattern = nw_alloc_zero(sizeof *pattern);
    pattern->code = code;
    pattern->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(pattern->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
    return pattern;
}

static bool pattern_fits(const struct route_pattern *pattern, struct nw_slice subject)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    const char *ptr = subject.ptr != NULL ? subject.ptr : "";
    int found = pcre2_match(pattern->code, (PCRE2_SPTR)ptr, subject.len, 0, 0, data,
                            pattern->limits);
    pcre2_match_data_free(data);
    return found >= 0;
}

static nw_err compile_one(const struct nw_conf *conf, const struct nw_conf_route *route,
                          const char *option, struct nw_slice text, struct nw_diag *diag,
                          struct route_pattern **out)
{
    int error = 0;
    size_t at = 0;
    *out = pattern_new(text, &error, &at);
    if (*out != NULL)
        return NW_OK;
    char message[160];
    pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof message);
    nw_conf_blame(conf, &route->block, option, NULL, diag, "the regex `%.*s` is wrong at %zu: %s",
                  NW_SLICE_ARG(text), at, message);
    return NW_INVALID;
}

static nw_err compile_matches(const struct nw_conf *conf, const struct nw_conf_route *route,
                              const char *option, const struct nw_conf_matches *matches,
                              struct nw_arena *arena, struct nw_diag *diag,
                              struct route_pattern ***out)
{
    nw_err result = NW_OK;
    if (matches->count == 0)
        return NW_OK;
    *out = nw_arena_zero(arena, matches->count * sizeof **out);
    for (size_t i = 0; i < matches->count; i++) {
        if (matches->items[i].kind != NW_CONF_MATCH_REGEX)
            continue;
        nw_err err = compile_one(conf, route, option, matches->items[i].text, diag, &(*out)[i]);
        if (err != NW_OK)
            result = err;
    }
    return result;
}

nw_err route_patterns_compile(const struct nw_conf *conf, const struct nw_conf_route *route,
                              struct nw_arena *arena, struct nw_diag *diag,
                              struct route_patterns *out)
{
    *out = (struct route_patterns){0};
    nw_err path = NW_OK;
    if (route->path.kind == NW_CONF_PATH_REGEX)
        path = compile_one(conf, route, "path", route->path.text, diag, &out->path);
    nw_err header =
        compile_matches(conf, route, "header", &route->header, arena, diag, &out->header);
    nw_err query = compile_matches(conf, route, "query", &route->query, arena, diag, &out->query);
    nw_err cookie =
        compile_matches(conf, route, "cookie", &route->cookie, arena, diag, &out->cookie);
    bool is_good = path == NW_OK && header == NW_OK && query == NW_OK && cookie == NW_OK;
    return is_good ? NW_OK : NW_INVALID;
}

static void free_matches(const struct nw_conf_matches *matches, struct route_pattern **patterns)
{
    for (size_t i = 0; patterns != NULL && i < matches->count; i++)
        pattern_free(patterns[i]);
}

void route_patterns_done(const struct nw_conf_route *route, struct route_patterns *patterns)
{
    pattern_free(patterns->path);
    free_matches(&route->header, patterns->header);
    free_matches(&route->query, patterns->query);
    free_matches(&route->cookie, patterns->cookie);
    *patterns = (struct route_patterns){0};
}

/* ---- host, method, path ---- */

bool route_host_fits(const struct nw_conf_route *route, struct nw_slice host)
{
    if (route->host.count == 0)
        return true;
    for (size_t i = 0; i < route->host.count; i++) {
        const struct nw_conf_host *wanted = &route->host.items[i];
        if (!wanted->is_wildcard) {
            if (nw_slice_eq(wanted->name, host))
                return true;
        } else if (host.len > wanted->name.len + 1 && nw_slice_ends_with(host, wanted->name) &&
                   host.ptr[host.len - wanted->name.len - 1] == '.') {
            return true;
        }
    }
    return false;
}

bool route_method_fits(const struct nw_conf_route *route, struct nw_slice method)
{
    if (route->method.count == 0)
        return true;
    for (size_t i = 0; i < route->method.count; i++)
        if (nw_slice_eq(route->method.items[i], method))
            return true;
    return false;
}

static void capture(struct nw_http_capture *captures, unsigned *count, struct nw_slice name,
                    struct nw_slice value)
{
    if (*count < NW_HTTP_CAPTURES_MAX)
        captures[(*count)++] = (struct nw_http_capture){name, value};
}

bool route_path_fits(const struct nw_conf_path *path, struct nw_slice text,
                     struct nw_http_capture *captures, unsigned *out_capture_count)
{
    unsigned count = 0;
    struct nw_slice rest = nw_slice_skip(text, 1); /* behind the leading '/' */
    bool is_over = false;                          /* the text has no further segment */
    for (size_t i = 0; i < path->segment_count; i++) {
        const struct nw_conf_segment *segment = &path->segments[i];
        if (is_over)
            return false;
        if (segment->kind == NW_CONF_SEGMENT_REST) {
            capture(captures, &count, segment->text, rest);
            *out_capture_count = count;
            return true;
        }
        size_t at = nw_slice_find(rest, '/');
        struct nw_slice part = nw_slice_first(rest, at);
        is_over = at == rest.len;
        if (!is_over)
            rest = nw_slice_skip(rest, at + 1);
        if (segment->kind == NW_CONF_SEGMENT_ONE) {
            if (part.len == 0)
                return false;
            capture(captures, &count, segment->text, part);
        } else if (!nw_slice_eq(part, segment->text)) {
            return false;
        }
    }
    *out_capture_count = count;
    return path->is_prefix ? !is_over : is_over;
}

/* ---- header, query, cookie, regex ---- */

static bool value_fits(const struct nw_conf_match *match, const struct route_pattern *pattern,
                       struct nw_slice value, bool is_query)
{
    switch (match->kind) {
    case NW_CONF_MATCH_PRESENT: return true;
    case NW_CONF_MATCH_REGEX: return pattern_fits(pattern, value);
    case NW_CONF_MATCH_EXACT: break;
    }
    return is_query ? nw_query_eq(value, match->text) : nw_slice_eq(value, match->text);
}

static bool header_fits(const struct nw_conf_match *match, const struct route_pattern *pattern,
                        const struct nw_route_ask *ask)
{
    if (ask->head == NULL)
        return false;
    for (int at = 0;; at++) {
        at = nw_http1_find(ask->head, ask->head_bytes, match->name, (uint32_t)at);
        if (at < 0)
            return false;
        if (value_fits(match, pattern, nw_http1_value(ask->head, ask->head_bytes, (uint32_t)at),
                       false))
            return true;
    }
}

static bool query_fits(const struct nw_conf_match *match, const struct route_pattern *pattern,
                       const struct nw_route_ask *ask)
{
    struct nw_slice value;
    return nw_query_find(ask->query, match->name, &value) &&
           value_fits(match, pattern, value, true);
}

static bool cookie_fits(const struct nw_conf_match *match, const struct route_pattern *pattern,
                        const struct nw_route_ask *ask)
{
    struct nw_slice value;
    if (ask->head == NULL)
        return false;
    struct nw_slice field = nw_http1_get(ask->head, ask->head_bytes, NW_HTTP_FIELD_COOKIE);
    return field.ptr != NULL && nw_cookie_find(field, match->name, &value) &&
           value_fits(match, pattern, value, false);
}

typedef bool match_fn(const struct nw_conf_match *match, const struct route_pattern *pattern,
                      const struct nw_route_ask *ask);

static bool all_fit(const struct nw_conf_matches *matches, struct route_pattern **patterns,
                    const struct nw_route_ask *ask, match_fn *fits, unsigned *tested,
                    struct nw_slice *out_name)
{
    for (size_t i = 0; i < matches->count; i++) {
        (*tested)++;
        *out_name = matches->items[i].name;
        if (!fits(&matches->items[i], patterns != NULL ? patterns[i] : NULL, ask))
            return false;
    }
    return true;
}

bool route_has_tests(const struct nw_conf_route *route)
{
    return route->path.kind == NW_CONF_PATH_REGEX || route->header.count > 0 ||
           route->query.count > 0 || route->cookie.count > 0;
}

bool route_tests_fit(const struct nw_conf_route *route, const struct route_patterns *patterns,
                     const struct nw_route_ask *ask, unsigned *tested, const char **out_why,
                     struct nw_slice *out_name)
{
    const char *why = NULL;
    struct nw_slice name = route->path.text;
    if (route->path.kind == NW_CONF_PATH_REGEX) {
        (*tested)++;
        if (!pattern_fits(patterns->path, ask->path))
            why = "path";
    }
    if (why == NULL &&
        !all_fit(&route->header, patterns->header, ask, header_fits, tested, &name))
        why = "header";
    if (why == NULL && !all_fit(&route->query, patterns->query, ask, query_fits, tested, &name))
        why = "query";
    if (why == NULL && !all_fit(&route->cookie, patterns->cookie, ask, cookie_fits, tested, &name))
        why = "cookie";
    if (out_why != NULL) {
        *out_why = why;
        *out_name = name;
    }
    return why == NULL;
}
