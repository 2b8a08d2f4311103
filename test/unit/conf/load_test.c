/* From text to checked options: conf/parse.h, conf/conf.h and nw_conf_load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "conf/generation.h"

struct loaded {
    struct nw_diag diag;
    struct nw_generation *generation;
    const struct nw_conf *conf;
    nw_err err;
};

static const char *fake_env(void *arg, const char *name)
{
    return strcmp(name, "PORT") == 0 ? "3000" : NULL;
}

static nw_err fake_secret(void *arg, const char *path, struct nw_secret **out)
{
    if (strcmp(path, "admin.token") != 0)
        return NW_NOT_FOUND;
    *out = nw_secret_new(NW_SLICE("s3cret\n"));
    return NW_OK;
}

static const struct nw_conf_outside outside = {.env = fake_env, .read_secret = fake_secret};

static void load(struct loaded *l, const char *text)
{
    *l = (struct loaded){0};
    nw_diag_init(&l->diag);
    l->err = nw_conf_load(nw_slice_str(text), "newel.yaml", &outside, NULL, 1, &l->diag,
                          &l->generation);
    l->conf = l->generation != NULL ? l->generation->conf : NULL;
}

static void done(struct loaded *l)
{
    nw_generation_unref(l->generation);
    nw_diag_done(&l->diag);
}

static void load_right(struct loaded *l, const char *text)
{
    load(l, text);
    if (l->err != NW_OK) {
        struct nw_text shown = {0};
        nw_diag_print(&l->diag, &shown);
        fail_msg("%s", shown.ptr);
    }
}

#define HEAD "newel: 1\nlisten: 127.0.0.1:0\n"
#define SHOP "services: { shop: { nodes: 10.0.0.1:80 } }\n"

/* The example of the documentation, with every block. */
static const char whole[] =
    "newel: 1\n"
    "listen:\n"
    "  - 0.0.0.0:8080\n"
    "  - { address: \"[::1]:8081\", h2: off }\n"
    "admin: { address: \"127.0.0.1:9900\", token: \"file:admin.token\", hosts: [Box.Example.] }\n"
    "threads: 2\n"
    "state: /var/lib/newel\n"
    "trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
    "drain: 1m\n"
    "log: { level: debug, access: { to: access.log, format: json, sample: 1%, redact: [k] } }\n"
    "limits: { connections: 10K, body: 1M, buffers: 25%, body_rate: 2K/s }\n"
    "buffer: { request: 32K }\n"
    "services:\n"
    "  shop:\n"
    "    nodes:\n"
    "      - \"10.0.0.11:${PORT}\"\n"
    "      - { address: 10.0.0.12:3000, weight: 2, max_connections: 7 }\n"
    "      - unix:/run/shop.sock\n"
    "    balance: hash\n"
    "    key: header X-User\n"
    "    health: { path: /ready, every: 1s, expect: [200, 3xx, 404-410] }\n"
    "    host: node\n"
    "    timeouts: { first_byte: 5s }\n"
    "  images:\n"
    "    multiplex: { streams: 50 }\n"
    "    run: [node, images.js, \"{port}\"]\n"
    "    instances: 2\n"
    "    env: { KEY: \"file:admin.token\", DEBUG: true }\n"
    "    memory: 256M\n"
    "    cpu: 0.5\n"
    "routes:\n"
    "  - { name: old, host: [\"*.Shop.Example\", shop.example], path: /old/, redirect: /new/ }\n"
    "  - { path: /hello, respond: { status: 201, body: hi, headers: { X-A: b } } }\n"
    "  - { path: /img/, service: images, method: [GET, HEAD], limits: { body: 0 } }\n"
    "  - { path: \"/api/{id}\", service: shop, header: { X-V: \"~ ^2\" }, query: { q: \"*\" },\n"
    "      cookie: { c: d }, upgrade: [websocket], stream: true, finish: true, target: raw,\n"
    "      buffer: { response: 1M }, timeouts: { request: 9s } }\n"
    "  - service: shop\n";

static void the_whole_vocabulary_becomes_typed(void **state)
{
    struct loaded l;
    load_right(&l, whole);
    const struct nw_conf *c = l.conf;
    assert_int_equal(l.diag.count, 1); /* half a core */
    assert_true(l.diag.items[0].is_warning);
    assert_int_equal(c->listen.count, 2);
    assert_string_equal(c->listen.items[0].address.text.ptr, "0.0.0.0:8080");
    assert_string_equal(c->listen.items[1].address.text.ptr, "[::1]:8081");
    assert_int_equal(c->listen.items[0].h2.streams, 128);
    assert_int_equal(c->listen.items[1].h2.streams, 0);
    assert_string_equal(c->admin.address.text.ptr, "127.0.0.1:9900");
    assert_true(nw_secret_equals(c->admin.token, NW_SLICE("s3cret")));
    assert_true(nw_slice_eq(c->admin.hosts.items[0].name, NW_SLICE("box.example")));
    assert_int_equal(c->threads, 2);
    assert_string_equal(c->state.ptr, "/var/lib/newel");
    assert_int_equal(c->trusted_proxies.count, 2);
    assert_int_equal(c->drain_ms, 60000);
    assert_int_equal(c->log.level, NW_CONF_LOG_DEBUG);
    assert_true(nw_conf_is_given(&c->log.access.block));
    assert_int_equal(c->log.access.format, NW_CONF_ACCESS_FORMAT_JSON);
    assert_true(c->log.access.sample_ratio == 0.01);
    assert_int_equal(c->log.access.redact.count, 1);
    assert_int_equal(c->limits.connections.value, 10000);
    assert_true(c->limits.buffers.ratio == 0.25);
    assert_int_equal(c->limits.body_rate_bytes_per_s, 2048);
    assert_int_equal(c->services.count, 2);
    done(&l);
}

static void services_become_typed(void **state)
{
    struct loaded l;
    load_right(&l, whole);
    const struct nw_conf_service *shop = nw_conf_service_find(l.conf, NW_SLICE("shop"));
    const struct nw_conf_service *images = nw_conf_service_find(l.conf, NW_SLICE("images"));
    assert_null(nw_conf_service_find(l.conf, NW_SLICE("sho")));
    assert_int_equal(shop->index, 0);
    assert_int_equal(shop->nodes.count, 3);
    assert_string_equal(shop->nodes.items[0].address.text.ptr, "10.0.0.11:3000");
    assert_int_equal(shop->nodes.items[0].weight, 1);
    assert_int_equal(shop->nodes.items[1].weight, 2);
    assert_int_equal(shop->nodes.items[1].max_connections, 7);
    assert_string_equal(shop->nodes.items[2].address.path.ptr, "/run/shop.sock");
    assert_int_equal(shop->balance, NW_CONF_BALANCE_HASH);
    assert_int_equal(shop->key.kind, NW_CONF_KEY_HEADER);
    assert_true(nw_slice_eq(shop->key.name, NW_SLICE("x-user")));
    assert_string_equal(shop->health.path.ptr, "/ready");
    assert_int_equal(shop->health.every_ms, 1000);
    assert_int_equal(shop->health.expect.count, 3);
    assert_int_equal(shop->health.expect.items[1].from, 300);
    assert_int_equal(shop->health.expect.items[2].to, 410);
    assert_int_equal(shop->host.kind, NW_CONF_HOST_NODE);
    assert_int_equal(shop->timeouts.connect_ms, 1000);
    assert_int_equal(shop->timeouts.first_byte_ms, 5000);
    assert_int_equal(images->run.count, 3);
    assert_string_equal(images->run.items[1].ptr, "images.js");
    assert_int_equal(images->instances, 2);
    assert_string_equal(images->env.items[0].value.ptr, "s3cret");
    assert_string_equal(images->env.items[1].value.ptr, "true");
    assert_int_equal(images->memory_bytes, 256 << 20);
    assert_true(images->cpu_cores == 0.5);
    assert_true(nw_conf_is_multiplexed(images));
    assert_int_equal(images->multiplex.streams, 50);
    assert_int_equal(images->multiplex.connections, 4);
    done(&l);
}

static void routes_become_typed(void **state)
{
    struct loaded l;
    load_right(&l, whole);
    const struct nw_conf_route *r = l.conf->routes.items;
    assert_int_equal(l.conf->routes.count, 5);
    assert_int_equal(r[0].action, NW_CONF_ACTION_REDIRECT);
    assert_int_equal(r[0].redirect.status, 308);
    assert_true(r[0].host.items[0].is_wildcard);
    assert_true(nw_slice_eq(r[0].host.items[0].name, NW_SLICE("shop.example")));
    assert_false(r[0].host.items[1].is_wildcard);
    assert_true(r[0].path.is_prefix);
    assert_int_equal(r[1].respond.status, 201);
    assert_string_equal(r[1].respond.headers.items[0].key.ptr, "X-A");
    assert_string_equal(r[1].respond.content_type.ptr, "text/plain; charset=utf-8");
    assert_int_equal(r[2].method.count, 2);
    assert_int_equal(r[2].limits.body_bytes, 0);
    assert_int_equal(r[2].limits.body_rate_bytes_per_s, 2048); /* the file's */
    assert_ptr_equal(r[2].to_service, nw_conf_service_find(l.conf, NW_SLICE("images")));
    assert_int_equal(r[3].path.segments[1].kind, NW_CONF_SEGMENT_ONE);
    assert_int_equal(r[3].header.items[0].kind, NW_CONF_MATCH_REGEX);
    assert_true(nw_slice_eq(r[3].header.items[0].name, NW_SLICE("x-v")));
    assert_string_equal(r[3].header.items[0].text.ptr, "^2");
    assert_int_equal(r[3].query.items[0].kind, NW_CONF_MATCH_PRESENT);
    assert_int_equal(r[3].cookie.items[0].kind, NW_CONF_MATCH_EXACT);
    assert_int_equal(r[3].upgrade, NW_CONF_UPGRADE_WEBSOCKET);
    assert_true(r[3].stream && r[3].finish);
    assert_int_equal(r[3].target, NW_CONF_TARGET_RAW);
    assert_int_equal(r[3].buffer.request_bytes, 32 << 10);
    assert_int_equal(r[3].buffer.response_bytes, 1 << 20);
    assert_int_equal(r[3].timeouts.request_ms, 9000);
    assert_int_equal(r[4].path.kind, NW_CONF_PATH_ANY);
    assert_int_equal(r[4].limits.body_bytes, 1 << 20);
    done(&l);
}

static void what_is_not_said_has_its_default(void **state)
{
    struct loaded l;
    load_right(&l, HEAD SHOP "routes: { service: shop }\n");
    const struct nw_conf *c = l.conf;
    assert_int_equal(c->threads, 0);
    assert_string_equal(c->state.ptr, "./newel-data");
    assert_int_equal(c->admin.address.kind, NW_CONF_ADDRESS_NONE);
    assert_false(nw_conf_is_given(&c->log.access.block));
    assert_int_equal(c->drain_ms, 30000);
    assert_true(c->limits.connections.ratio == 0.45);
    assert_int_equal(c->limits.head_bytes, 32768);
    assert_int_equal(c->limits.body_bytes, 64 << 20);
    assert_true(c->limits.buffers.ratio == 0.125);
    assert_int_equal(c->log.access.redact.count, 2);
    assert_string_equal(c->log.access.redact.items[1].ptr, "password");
    assert_int_equal(c->services.items[0].wait_ms, 1000);
    assert_int_equal(c->services.items[0].waiting, 1000);
    assert_int_equal(c->services.items[0].health.expect.items[1].to, 399);
    assert_int_equal(c->services.items[0].health.path.len, 0);
    assert_false(nw_conf_is_multiplexed(&c->services.items[0]));
    assert_int_equal(c->services.items[0].stop_ms, 10000);
    assert_int_equal(c->routes.items[0].buffer.response_bytes, 256 << 10);
    done(&l);
}

struct mistake {
    const char *text; /* behind HEAD, which has two lines */
    int line;
    int column;
    const char *path;
    const char *words;
    const char *hint; /* part of it; NULL: any */
};

static const struct mistake mistakes[] = {
    {SHOP "routes: [ { service: shpo } ]\n", 4, 22, "routes[0].service", "no service", "shop"},
    {SHOP "routes: [ { path: / } ]\n", 4, 11, "routes[0]", "no action", "service"},
    {SHOP "routes: [ { service: shop, redirect: /x } ]\n", 4, 11, "routes[0]", "one action", NULL},
    {SHOP "routes: [ { path: /_newel/a, service: shop } ]\n", 4, 19, "routes[0].path", "/_newel/",
     NULL},
    {SHOP "routes: [ { path: \"~ ^/_newel/\", service: shop } ]\n", 4, 19, "routes[0].path",
     "/_newel/", NULL},
    {SHOP "routes: [ { upgrade: [h2c], service: shop } ]\n", 4, 23, "routes[0].upgrade",
     "websocket", NULL},
    {SHOP "routes: [ { upgrade: websocket, respond: 204 } ]\n", 4, 22, "routes[0].upgrade",
     "needs a service", NULL},
    {SHOP "routes: [ { method: get, service: shop } ]\n", 4, 21, "routes[0].method", "capitals",
     "GET"},
    {SHOP "routes: [ { method: [], service: shop } ]\n", 4, 21, "routes[0].method", "empty", NULL},
    {SHOP "routes: [ { host: \"a:80\", service: shop } ]\n", 4, 19, "routes[0].host",
     "without a port", NULL},
    {SHOP "routes: [ { name: a, service: shop }, { name: a, service: shop } ]\n", 4, 47,
     "routes[1].name", "this name", NULL},
    {SHOP "routes: [ { redirect: { to: \"//x\" } }, { service: shop } ]\n", 4, 29,
     "routes[0].redirect.to", "another host", NULL},
    {SHOP "routes: [ { redirect: { to: /x, status: 305 } }, { service: shop } ]\n", 4, 41,
     "routes[0].redirect.status", "307", NULL},
    {SHOP "routes: [ { respond: { status: 204, body: x } }, { service: shop } ]\n", 4, 43,
     "routes[0].respond.body", "no body", NULL},
    {SHOP "routes: [ { respond: { headers: { Content-Length: 3 } } }, { service: shop } ]\n", 4, 51,
     "routes[0].respond.headers.Content-Length", "itself", NULL},
    {SHOP "routes: [ { service: shop, sevice: x } ]\n", 4, 28, "routes[0].sevice", "no such",
     "service"},
    {"services: { a: {} }\nroutes: { service: a }\n", 3, 16, "services.a", "neither", NULL},
    {"services: { a: { nodes: [] } }\nroutes: { service: a }\n", 3, 25, "services.a.nodes", "empty",
     NULL},
    {"services: { a: { nodes: b:1, run: [x] } }\nroutes: { service: a }\n", 3, 35, "services.a.run",
     "not both", NULL},
    {"services: { a: { run: ./app --x } }\nroutes: { service: a }\n", 3, 23, "services.a.run",
     "as a list", NULL},
    {"services: { a: { nodes: [b:1, B:1] } }\nroutes: { service: a }\n", 3, 31,
     "services.a.nodes[1]", "already", "weight"},
    {"services: { a: { nodes: { address: b:1, weight: 1001 } } }\nroutes: { service: a }\n", 3, 49,
     "services.a.nodes[0].weight", "at most 1000", NULL},
    {"services: { a: { nodes: b:1, instances: 2 } }\nroutes: { service: a }\n", 3, 41,
     "services.a.instances", "together with run", NULL},
    {"services: { a: { nodes: b:1, balance: hash } }\nroutes: { service: a }\n", 3, 39,
     "services.a.balance", "needs a key", "client"},
    {"services: { a: { nodes: b:1, health: ready } }\nroutes: { service: a }\n", 3, 38,
     "services.a.health.path", "begin with /", NULL},
    {"services: { a: { nodes: b:1, health: { every: 1s } } }\nroutes: { service: a }\n", 3, 38,
     "services.a.health.path", "missing", NULL},
    {"services: { a: { nodes: b:1, multiplex: h3 } }\nroutes: { service: a }\n", 3, 41,
     "services.a.multiplex", "h2", NULL},
    {"services: { a: { nodes: b:1, multiplex: { streams: 0 } } }\nroutes: { service: a }\n", 3, 52,
     "services.a.multiplex.streams", "at least 1", NULL},
    {"services: { a: { nodes: b:1, multiplex: h2 } }\n"
     "routes: { service: a, upgrade: [websocket] }\n",
     4, 32, "routes[0].upgrade", "cannot be upgraded", "without multiplex"},
    {"services: { a: { nodes: b:1, health: { grpc: \"\" } } }\nroutes: { service: a }\n", 3, 46,
     "services.a.health.grpc", "HTTP/2", "multiplex: h2"},
    {"services: { a: { nodes: b:1, multiplex: h2, health: { grpc: \"\", path: / } } }\n"
     "routes: { service: a }\n",
     3, 61, "services.a.health.grpc", "path or by gRPC", NULL},
    {"services: { a: { nodes: b:1, health: { path: /, every: 1s, timeout: 2s } } }\n"
     "routes: { service: a }\n",
     3, 69, "services.a.health.timeout", "longer than every", NULL},
    {"services: { a: { run: [x], env: { PORT: 1 } } }\nroutes: { service: a }\n", 3, 41,
     "services.a.env.PORT", "itself", NULL},
    {"services: { a: { run: [x], env: { K: \"file:nope\" } } }\nroutes: { service: a }\n", 3, 38,
     "services.a.env.K", "nope", NULL},
    {"services: { \"a b\": { nodes: b:1 } }\n", 3, 13, "services.a b", "a name has", NULL},
    {"services: { a: { nodes: \"b:${NOPE}\" } }\nroutes: { service: a }\n", 3, 25,
     "services.a.nodes[0]", "NOPE is not set", NULL},
    {"services: [ a ]\n", 3, 11, "services", "mapping of names", NULL},
    {"services:\n", 3, 10, "services", "no value", NULL},
    {"drain: 25h\n", 3, 8, "drain", "at most 1d", NULL},
    {"drain:\n", 3, 7, "drain", "no value", NULL},
    {"drain: [1s]\n", 3, 8, "drain", "not a list", NULL},
    {"threads: 0\n", 3, 10, "threads", "auto", NULL},
    {"threads: off\n", 3, 10, "threads", "bare off", "quotes"},
    {"routes: { respond: 200, stream: on }\n", 3, 33, "routes[0].stream", "bare on", "true"},
    {"limits: off\n", 3, 9, "limits", "not a bare value", NULL},
    {"limits: { fibers: 1 }\n", 3, 19, "limits.fibers", "at least 64", NULL},
    {"limits: 5\n", 3, 9, "limits", "not a bare value", NULL},
    {"admin: { token: x }\n", 3, 8, "admin.address", "missing", NULL},
    {"admin: 0.0.0.0:9900\n", 3, 8, "admin.address", "needs a token", "admin.token"},
    {"trusted_proxies: [ 10.0.0.1/8 ]\n", 3, 20, "trusted_proxies", "beyond", "10.0.0.0/8"},
    {"tls: {}\n", 3, 1, "tls", "no such", NULL},
    {"log: { access: { sample: 5 } }\n", 3, 26, "log.access.sample", "percentage", NULL},
};

static void check_mistake(const char *text, const struct mistake *m)
{
    struct loaded l;
    load(&l, text);
    const struct nw_diag_item *item = NULL;
    for (size_t i = 0; i < l.diag.count; i++)
        if (!l.diag.items[i].is_warning)
            item = &l.diag.items[i];
    if (l.err != NW_INVALID || l.diag.error_count != 1)
        fail_msg("%zu errors in:\n%s", l.diag.error_count, text);
    if (item->line != m->line || item->column != m->column)
        fail_msg("%d:%d %s in:\n%s", item->line, item->column, item->sentence, text);
    assert_string_equal(item->path, m->path);
    if (strstr(item->sentence, m->words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", item->sentence, m->words);
    if (m->hint != NULL && (item->suggestion == NULL || !strstr(item->suggestion, m->hint)))
        fail_msg("suggestion \"%s\" lacks \"%s\"", item->suggestion, m->hint);
    done(&l);
}

static void each_mistake_is_one_located_sentence(void **state)
{
    for (size_t i = 0; i < NW_COUNT(mistakes); i++) {
        struct nw_text text = {0};
        nw_text_addf(&text, HEAD "%s", mistakes[i].text);
        check_mistake(text.ptr, &mistakes[i]);
        nw_text_done(&text);
    }
}

#define LISTEN(h2)                                                                                 \
    "newel: 1\nlisten: [{ address: \"a:1\", h2: " h2 " }]\n" SHOP "routes: { service: shop }\n"

static void http2_is_a_count_of_streams_or_off(void **state)
{
    static const struct {
        const char *text;
        int64_t streams;
    } rows[] = {{LISTEN("off"), 0},
                {LISTEN("7"), 7},
                {LISTEN("{ streams: off }"), 0},
                {LISTEN("{ streams: 1K }"), 1000},
                {LISTEN("{}"), 128}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct loaded l;
        load_right(&l, rows[i].text);
        assert_int_equal(l.conf->listen.items[0].h2.streams, rows[i].streams);
        done(&l);
    }
    const struct mistake wrong[] = {
        {LISTEN("0"), 2, 32, "listen[0].h2", "off or a count", NULL},
        {LISTEN("on"), 2, 32, "listen[0].h2", "bare on", "quotes"},
        {LISTEN("Off"), 2, 32, "listen[0].h2", "bare Off", "quotes"},
        {LISTEN("\"on\""), 2, 32, "listen[0].h2", "off or a count", NULL},
        {LISTEN("1001"), 2, 32, "listen[0].h2", "at most 1000", NULL},
        {LISTEN("{ stream: 1 }"), 2, 34, "listen[0].h2.stream", "no such", "streams"},
    };
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        check_mistake(wrong[i].text, &wrong[i]);
}

static void the_head_of_the_file_is_checked(void **state)
{
    const struct mistake rows[] = {
        {"listen: a:1\n", 1, 1, "newel", "missing", "newel: 1"},
        {"newel: 2\nlisten: a:1\n", 1, 8, "newel", "format 1", NULL},
        {"newel: 0\nlisten: a:1\n", 1, 8, "newel", "format 1", NULL},
        {"newel: one\nlisten: a:1\n", 1, 8, "newel", "whole number", NULL},
        {"newel: 1\n", 1, 1, "listen", "no address", NULL},
        {"newel: 1\nlisten: []\n", 2, 9, "listen", "no address", NULL},
        {"newel: 1\nlisten: [a:1, A:1]\n", 2, 15, "listen[1]", "already", NULL},
        {"newel: 1\nlisten: localhost:1\nadmin: localhost:1\n", 2, 9, "listen[0]", "admin", NULL},
        {"newel: 1\nlisten: 0.0.0.0:1\nadmin: 127.0.0.1:1\n", 2, 9, "listen[0]", "admin", NULL},
        {"newel: 1\nlisten: \":80\"\n", 2, 9, "listen[0]", "host is missing", "0.0.0.0:80"},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        check_mistake(rows[i].text, &rows[i]);
}

static void one_run_names_every_mistake(void **state)
{
    struct loaded l;
    load(&l, "newel: 1\n"
             "listen: 8080\n"                                            /* 2 */
             "drian: 5s\n"                                               /* 3 */
             "log: { level: loud }\n"                                    /* 4 */
             "limits: { idle: 60 }\n"                                    /* 5 */
             "threads: yes\n"                                            /* 6 */
             "services:\n"
             "  shop: { nodes: [10.0.0.1], balance: random }\n"          /* 8, twice */
             "  bad: {}\n"                                               /* 9 */
             "routes:\n"
             "  - { path: api, service: shpo }\n"                        /* 11, twice */
             "  - { method: post, service: shop }\n"                     /* 12 */
             "  - { path: /x }\n"                                        /* 13 */
             "state: &s /tmp\n"                                          /* 14 */
             "drain: 1s\n"
             "drain: 2s\n");                                             /* 16 */
    const int lines[] = {2, 3, 4, 5, 6, 8, 8, 9, 11, 11, 12, 13, 14, 16};
    struct nw_text shown = {0};
    assert_int_equal(l.err, NW_INVALID);
    assert_int_equal(l.diag.error_count, NW_COUNT(lines));
    nw_diag_print(&l.diag, &shown);
    struct nw_slice rest = nw_text_slice(&shown), line;
    size_t next = 0;
    while (nw_slice_split(&rest, '\n', &line)) {
        char start[32];
        if (memmem(line.ptr, line.len, "warning", 7) != NULL)
            continue;
        snprintf(start, sizeof start, "newel.yaml:%d:", lines[next++]);
        if (!nw_slice_starts_with(line, nw_slice_str(start)))
            fail_msg("%.*s does not start with %s", NW_SLICE_ARG(line), start);
    }
    assert_int_equal(next, NW_COUNT(lines));
    nw_text_done(&shown);
    done(&l);
}

static void a_flood_of_mistakes_is_bounded(void **state)
{
    struct nw_text text = {0};
    nw_text_add_str(&text, HEAD);
    for (int i = 0; i < 5000; i++)
        nw_text_addf(&text, "unknown%d: 1\n", i);
    struct loaded l;
    load(&l, text.ptr);
    assert_int_equal(l.err, NW_INVALID);
    assert_int_equal(l.diag.error_count, 501);
    assert_non_null(strstr(l.diag.items[500].sentence, "4500 more"));
    nw_text_done(&text);
    done(&l);
}

static void what_is_odd_but_works_is_a_warning(void **state)
{
    const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {HEAD SHOP, "no route uses"},
        {HEAD SHOP "routes: { service: shop, path: /api/* }\n", "star"},
        {HEAD "services: { a: { run: [ node server.js ] } }\nroutes: { service: a }\n", "a space"},
        {HEAD "services: { a: { run: [ app ], cpu: 0.5 } }\nroutes: { service: a }\n", "may use 1"},
        {HEAD "routes: { path: \"/a/{id}\", redirect: \"/b/{id}\" }\n", "sent as it is"},
        {HEAD SHOP "routes: { service: shop }\ntrusted_proxies: 0.0.0.0/0\n", "forge"},
        {HEAD "services: { a: { nodes: b:1, key: path } }\nroutes: { service: a }\n", "no effect"},
        {HEAD "services: { a: { nodes: { address: b:1, weight: 0 } } }\nroutes: { service: a }\n",
         "weight 0"},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct loaded l;
        load_right(&l, rows[i].text);
        assert_int_equal(l.diag.count, 1);
        assert_true(l.diag.items[0].is_warning);
        assert_non_null(strstr(l.diag.items[0].sentence, rows[i].words));
        done(&l);
    }
}

static void a_group_hands_down_tests_and_settings(void **state)
{
    struct loaded l;
    load_right(&l, HEAD SHOP
               "routes:\n"
               "  - path: /api/\n"
               "    host: a.example\n"
               "    method: [GET, POST]\n"
               "    header: { X-A: \"1\" }\n"
               "    service: shop\n"
               "    limits: { body: 5M }\n"
               "    stream: true\n"
               "    routes:\n"
               "      - { path: /api/one, method: POST, header: { X-B: \"2\" }, stream: false }\n"
               "      - limits: { body_rate: 0 }\n"
               "        routes:\n"
               "          - { path: /api/two/, respond: 200 }\n"
               "  - { service: shop }\n");
    const struct nw_conf_route *r = l.conf->routes.items;
    assert_int_equal(l.conf->routes.count, 3);
    assert_string_equal(r[0].path.text.ptr, "/api/one");
    assert_int_equal(r[0].host.count, 1);
    assert_int_equal(r[0].method.count, 1);
    assert_int_equal(r[0].header.count, 2);
    assert_int_equal(r[0].action, NW_CONF_ACTION_SERVICE);
    assert_ptr_equal(r[0].to_service, &l.conf->services.items[0]);
    assert_int_equal(r[0].limits.body_bytes, 5 << 20);
    assert_false(r[0].stream);
    assert_int_equal(r[1].action, NW_CONF_ACTION_RESPOND);
    assert_null(r[1].to_service);
    assert_int_equal(r[1].method.count, 2);
    assert_int_equal(r[1].limits.body_rate_bytes_per_s, 0);
    assert_int_equal(r[1].limits.body_bytes, 5 << 20);
    assert_true(r[1].stream);
    assert_int_equal(r[2].host.count, 0);
    assert_int_equal(r[2].limits.body_bytes, 64 << 20);
    done(&l);
}

static void a_group_can_only_be_narrowed(void **state)
{
    const struct mistake rows[] = {
        {HEAD SHOP "routes: { path: /a/, routes: [ { path: /b, service: shop } ] }\n", 4, 40,
         "routes[0].routes[0].path", "below the group's path /a/", NULL},
        {HEAD SHOP "routes: { path: /a/, routes: [ { path: /a, service: shop } ] }\n", 4, 40,
         "routes[0].routes[0].path", "below", NULL},
        {HEAD SHOP "routes: { method: GET, routes: [ { method: POST, service: shop } ] }\n", 4, 44,
         "routes[0].routes[0].method", "does not take POST", NULL},
        {HEAD SHOP "routes: { host: a, routes: [ { host: b, service: shop } ] }\n", 4, 38,
         "routes[0].routes[0].host", "already", NULL},
        {HEAD SHOP "routes: [ { respond: 200, routes: [ { service: shop } ] } ]\n", 4, 22,
         "routes[0].respond", "no other action", NULL},
        {HEAD SHOP "routes: [ { routes: [] }, { service: shop } ]\n", 4, 21, "routes[0].routes",
         "no routes", NULL},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        check_mistake(rows[i].text, &rows[i]);
}

static void assert_reload(const char *from, const char *to, const char *path)
{
    struct loaded a, b;
    struct nw_diag diag;
    nw_diag_init(&diag);
    load_right(&a, from);
    load_right(&b, to);
    nw_err err = nw_conf_not_reloadable(a.conf, b.conf, &diag);
    assert_int_equal(err, path == NULL ? NW_OK : NW_INVALID);
    assert_int_equal(diag.error_count, path == NULL ? 0 : 1);
    if (path != NULL)
        assert_string_equal(diag.items[0].path, path);
    nw_diag_done(&diag);
    done(&a);
    done(&b);
}

static void some_options_need_a_restart(void **state)
{
    assert_reload(HEAD, HEAD "drain: 1s\nlog: debug\n", NULL);
    assert_reload(HEAD, HEAD "threads: auto\nstate: ./newel-data\n", NULL);
    assert_reload(HEAD, HEAD "threads: 2\n", "threads");
    assert_reload(HEAD "state: /a\n", HEAD "state: /b\n", "state");
    assert_reload(HEAD "admin: 127.0.0.1:1\n", HEAD "admin: 127.0.0.1:2\n", "admin.address");
    assert_reload(HEAD "admin: 127.0.0.1:1\n", HEAD, "admin.address");
    assert_reload(HEAD "admin: LOCALHOST:1\n", HEAD "admin: { address: localhost:1, token: x }\n",
                  NULL);
}

static void a_message_from_another_part_is_located(void **state)
{
    struct loaded l;
    load_right(&l, HEAD SHOP "routes: [ { path: /a, service: shop } ]\n");
    size_t before = l.diag.count;
    nw_conf_blame(l.conf, &l.conf->routes.items[0].block, "path", "hm", &l.diag, "is %s", "odd");
    nw_conf_warn(l.conf, &l.conf->routes.items[0].block, "host", NULL, &l.diag, "is missing");
    const struct nw_diag_item *item = &l.diag.items[before];
    assert_int_equal(item->line, 4);
    assert_int_equal(item->column, 19);
    assert_string_equal(item->path, "routes[0].path");
    assert_string_equal(item->sentence, "is odd");
    assert_true(item[1].is_warning);
    assert_int_equal(item[1].column, 11);
    done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_vocabulary_becomes_typed),
        cmocka_unit_test(services_become_typed),
        cmocka_unit_test(routes_become_typed),
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(each_mistake_is_one_located_sentence),
        cmocka_unit_test(http2_is_a_count_of_streams_or_off),
        cmocka_unit_test(the_head_of_the_file_is_checked),
        cmocka_unit_test(one_run_names_every_mistake),
        cmocka_unit_test(a_flood_of_mistakes_is_bounded),
        cmocka_unit_test(what_is_odd_but_works_is_a_warning),
        cmocka_unit_test(a_group_hands_down_tests_and_settings),
        cmocka_unit_test(a_group_can_only_be_narrowed),
        cmocka_unit_test(some_options_need_a_restart),
        cmocka_unit_test(a_message_from_another_part_is_located),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
