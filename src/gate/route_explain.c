/*
 * The plain way: every route in file order against one request, with the reason where it does not
 * fit. It shares route_match.c with the compiled table but not its index, so that what it prints
 * is a second opinion (and the tests compare the two). Long runs of routes that fail for one reason
 * are one line: a person with 10,000 routes looks for the few that came close.
 */
#include "base/alloc.h"
#include "gate/route_impl.h"

enum { RUN_MAX = 20, HEAD_MAX_BYTES = NW_HTTP1_HEAD_MAX_BYTES };

#define EXAMPLE "expected 'METHOD host/path', as in 'GET shop.example/a?b=1'"

/* The request that the person wrote, and what it becomes. */
struct question {
    struct nw_slice method;
    struct nw_slice rest;  /* behind the method, without a scheme */
    struct nw_slice host;  /* of a Host line, for a rest that begins with '/' */
    struct nw_text target; /* as it would stand in a request line */
    struct nw_text head;   /* the whole head */
    char *scratch;
    struct nw_target parsed;
    struct nw_http1_head fields;
    struct nw_route_ask ask;
};

static void question_done(struct question *q)
{
    nw_text_done(&q->target);
    nw_text_done(&q->head);
    nw_free(q->scratch);
}

static nw_err refuse(struct nw_diag *diag, nw_http1_class found)
{
    nw_diag_error(diag, "the request is malformed: %s", nw_http1_class_sentence(found));
    return NW_INVALID;
}

/* ---- reading the question ---- */

static nw_err split_request(struct question *q, struct nw_slice request, struct nw_diag *diag)
{
    request = nw_slice_trim(request);
    size_t space = nw_slice_find(request, ' ');
    q->method = nw_slice_first(request, space);
    q->rest = nw_slice_trim(nw_slice_skip(request, space));
    if (!nw_http_is_token(q->method) || q->rest.len == 0) {
        nw_diag_error(diag, EXAMPLE);
        return NW_INVALID;
    }
    static const struct nw_slice schemes[] = {NW_SLICE_LIT("http://"), NW_SLICE_LIT("https://")};
    for (size_t i = 0; i < NW_COUNT(schemes); i++)
        if (nw_slice_starts_with(q->rest, schemes[i])) {
            q->rest = nw_slice_skip(q->rest, schemes[i].len);
            break;
        }
    return NW_OK;
}

static nw_err read_headers(struct question *q, const struct nw_slice *headers, unsigned count,
                           struct nw_text *lines, struct nw_diag *diag)
{
    for (unsigned i = 0; i < count; i++) {
        struct nw_slice line = headers[i];
        size_t colon = nw_slice_find(line, ':');
        if (colon == line.len || nw_slice_find(line, '\n') != line.len ||
            nw_slice_find(line, '\r') != line.len) {
            nw_diag_error(diag, "the header `%.*s` is malformed: expected 'Name: value'",
                          NW_SLICE_ARG(line));
            return NW_INVALID;
        }
        if (nw_slice_eq_nocase(nw_slice_first(line, colon), NW_SLICE("host"))) {
            q->host = nw_slice_trim(nw_slice_skip(line, colon + 1));
            continue; /* the one Host is written with the target's authority */
        }
        nw_text_add(lines, line);
        nw_text_add_str(lines, "\r\n");
    }
    return NW_OK;
}

static nw_err read_target(struct question *q, struct nw_diag *diag)
{
    nw_http1_class found = NW_HTTP1_FINE;
    bool has_host = q->rest.len == 0 || q->rest.ptr[0] != '/';
    if (has_host)
        nw_text_add_str(&q->target, "http://");
    nw_text_add(&q->target, q->rest);
    struct nw_slice target = nw_text_slice(&q->target);
    struct nw_slice host = has_host ? NW_SLICE("") : q->host;
    q->scratch = nw_alloc(nw_target_scratch_bytes(target, host) + 1);
    if (nw_target_parse(nw_http_method_find(q->method), target, host, q->scratch, &q->parsed,
                        &found) != NW_OK)
        return refuse(diag, found);
    return NW_OK;
}

static nw_err read_head(struct question *q, const struct nw_text *lines, struct nw_diag *diag)
{
    nw_text_add(&q->head, q->method);
    nw_text_addf(&q->head, " %s HTTP/1.1\r\n", q->target.ptr);
    nw_text_addf(&q->head, "Host: %.*s\r\n", NW_SLICE_ARG(q->parsed.authority));
    nw_text_add(&q->head, nw_text_slice(lines));
    nw_text_add_str(&q->head, "\r\n");
    struct nw_http1_limits limits = {HEAD_MAX_BYTES, HEAD_MAX_BYTES, NW_HTTP1_FIELDS_MAX};
    struct nw_http1_parser parser;
    nw_http1_parser_init(&parser, false, &limits);
    nw_err err = nw_http1_parse(&parser, nw_text_slice(&q->head), &q->fields);
    if (err != NW_OK)
        return refuse(diag, parser.found);
    return NW_OK;
}

static nw_err question_read(struct question *q, struct nw_slice request,
                            const struct nw_slice *headers, unsigned count, struct nw_diag *diag)
{
    struct nw_text lines = {0};
    nw_err err = split_request(q, request, diag);
    if (err == NW_OK)
        err = read_headers(q, headers, count, &lines, diag);
    if (err == NW_OK)
        err = read_target(q, diag);
    if (err == NW_OK)
        err = read_head(q, &lines, diag);
    nw_text_done(&lines);
    if (err != NW_OK)
        return err;
    q->ask = (struct nw_route_ask){
        .method = nw_http_method_find(q->method),
        .method_name = q->method,
        .host = q->parsed.host,
        .path = q->parsed.path,
        .query = q->parsed.query,
        .head = &q->fields,
        .head_bytes = q->head.ptr,
    };
    return NW_OK;
}

/* ---- the answer ---- */

typedef enum verdict {
    VERDICT_TAKES,
    VERDICT_HOST,
    VERDICT_PATH,
    VERDICT_METHOD,
    VERDICT_TEST,
} verdict;

static const char *const verdict_words[] = {"", "host", "path", "method", ""};

/* "9,970" */
static void count_add(struct nw_text *out, size_t count)
{
    if (count >= 1000) {
        count_add(out, count / 1000);
        nw_text_addf(out, ",%03zu", count % 1000);
    } else {
        nw_text_addf(out, "%zu", count);
    }
}

void route_name_add(const struct nw_conf *conf, size_t index, struct nw_text *out)
{
    const struct nw_conf_route *route = &conf->routes.items[index];
    if (route->block.path != NULL)
        nw_text_add_str(out, route->block.path);
    else
        nw_text_addf(out, "routes[%zu]", index);
    if (route->name.len > 0)
        nw_text_addf(out, " %.*s", NW_SLICE_ARG(route->name));
    if (route->path.kind != NW_CONF_PATH_ANY)
        nw_text_addf(out, " %s%.*s", route->path.kind == NW_CONF_PATH_REGEX ? "~ " : "",
                     NW_SLICE_ARG(route->path.text));
    if (route->block.tree != NULL)
        nw_text_addf(out, " (line %d)", route->block.tree->line);
}

static verdict judge(const struct nw_route_table *table, size_t index,
                     const struct nw_route_ask *ask, const char **out_why,
                     struct nw_slice *out_name)
{
    const struct nw_conf_route *route = &table->conf->routes.items[index];
    struct nw_http_capture captures[NW_HTTP_CAPTURES_MAX];
    unsigned count, tested = 0;
    if (!route_host_fits(route, ask->host))
        return VERDICT_HOST;
    if (route->path.kind == NW_CONF_PATH_SEGMENTS &&
        !route_path_fits(&route->path, ask->path, captures, &count))
        return VERDICT_PATH;
    if (!route_method_fits(route, ask->method_name))
        return VERDICT_METHOD;
    if (route_tests_fit(route, &table->patterns[index], ask, &tested, out_why, out_name))
        return VERDICT_TAKES;
    return strcmp(*out_why, "path") == 0 ? VERDICT_PATH : VERDICT_TEST;
}

/* Routes from..to-1 all failed for the same reason. */
static void add_run(const struct nw_route_table *table, size_t from, size_t to, verdict why,
                    struct nw_text *out)
{
    if (to - from > RUN_MAX) {
        nw_text_add_str(out, "… ");
        count_add(out, to - from);
        nw_text_addf(out, " routes whose %s does not fit\n", verdict_words[why]);
        return;
    }
    for (size_t i = from; i < to; i++) {
        route_name_add(table->conf, i, out);
        nw_text_addf(out, ": %s does not fit\n", verdict_words[why]);
    }
}

static void add_action(const struct nw_conf_route *route, struct nw_text *out)
{
    switch (route->action) {
    case NW_CONF_ACTION_SERVICE:
        nw_text_addf(out, " -> service %.*s", NW_SLICE_ARG(route->service));
        break;
    case NW_CONF_ACTION_REDIRECT:
        nw_text_addf(out, " -> redirect to %.*s", NW_SLICE_ARG(route->redirect.to));
        break;
    case NW_CONF_ACTION_RESPOND:
        nw_text_addf(out, " -> respond %d", (int)route->respond.status);
        break;
    case NW_CONF_ACTION_NONE: break;
    }
}

static void add_taker(const struct nw_route_table *table, size_t index,
                      const struct nw_route_ask *ask, struct nw_text *out)
{
    const struct nw_conf_route *route = &table->conf->routes.items[index];
    struct nw_http_capture captures[NW_HTTP_CAPTURES_MAX];
    unsigned count = 0;
    route_name_add(table->conf, index, out);
    nw_text_add_str(out, " takes it");
    add_action(route, out);
    if (route->path.kind == NW_CONF_PATH_SEGMENTS)
        (void)route_path_fits(&route->path, ask->path, captures, &count);
    for (unsigned i = 0; i < count; i++)
        nw_text_addf(out, "; %.*s = %.*s", NW_SLICE_ARG(captures[i].name),
                     NW_SLICE_ARG(captures[i].value));
    nw_text_add_char(out, '\n');
}

static void add_none(const struct nw_route_table *table, const struct nw_route_ask *ask,
                     struct nw_text *out)
{
    struct nw_route_found found;
    nw_route_find(table, ask, &found);
    if (!found.wants_slash) {
        nw_text_add_str(out, "no route takes it: 404\n");
        return;
    }
    struct nw_text path = {0};
    nw_text_addf(&path, "%.*s/", NW_SLICE_ARG(ask->path));
    struct nw_route_ask again = *ask;
    again.path = nw_text_slice(&path);
    nw_route_find(table, &again, &found);
    nw_text_addf(out, "no route takes it: 308 to %s, which ", path.ptr);
    route_name_add(table->conf, found.index, out);
    nw_text_add_str(out, " takes\n");
    nw_text_done(&path);
}

static void answer(const struct nw_route_table *table, const struct nw_route_ask *ask,
                   struct nw_text *out)
{
    size_t count = table->conf->routes.count, run_from = 0;
    verdict run = VERDICT_TAKES; /* no run */
    for (size_t i = 0; i <= count; i++) {
        const char *why = NULL;
        struct nw_slice name = {0};
        verdict now = i < count ? judge(table, i, ask, &why, &name) : VERDICT_TAKES;
        if (now == run && run != VERDICT_TAKES)
            continue;
        if (run != VERDICT_TAKES)
            add_run(table, run_from, i, run, out);
        run = now == VERDICT_TEST ? VERDICT_TAKES : now;
        run_from = i;
        if (i < count && now == VERDICT_TAKES) {
            add_taker(table, i, ask, out);
            return;
        }
        if (now == VERDICT_TEST) {
            route_name_add(table->conf, i, out);
            nw_text_addf(out, ": %s %.*s does not fit\n", why, NW_SLICE_ARG(name));
        }
    }
    add_none(table, ask, out);
}

nw_err nw_route_explain(const struct nw_route_table *table, struct nw_slice request,
                        const struct nw_slice *headers, unsigned header_count, struct nw_text *out,
                        struct nw_diag *diag)
{
    struct question q = {0};
    nw_err err = question_read(&q, request, headers, header_count, diag);
    if (err != NW_OK) {
        question_done(&q);
        return err;
    }
    if (q.ask.method == NW_HTTP_CONNECT || q.ask.method == NW_HTTP_TRACE)
        nw_text_addf(out, "no route is asked: newel answers %.*s with 405\n",
                     NW_SLICE_ARG(q.method));
    else if (nw_slice_starts_with(q.ask.path, NW_SLICE("/_newel/")))
        nw_text_add_str(out, "no route is asked: paths under /_newel/ belong to newel\n");
    else
        answer(table, &q.ask, out);
    question_done(&q);
    return NW_OK;
}

struct nw_slice nw_route_label(const struct nw_conf_route *route)
{
    if (route->name.len > 0)
        return route->name;
    return route->path.text.len > 0 ? route->path.text : NW_SLICE("*");
}
