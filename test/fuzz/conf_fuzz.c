/*
 * Configurations: whatever the bytes, loading ends with a verdict, says something when it refuses,
 * points into the file, says the same when asked again, and leaks nothing. What is accepted keeps
 * the promises that its readers rely on. Variables and secret files exist or not by their names.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "conf/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *fuzz_env(void *arg, const char *name)
{
    return name[0] == 'A' ? "10.0.0.1:80" : name[0] == 'E' ? "" : NULL;
}

static nw_err fuzz_secret(void *arg, const char *path, struct nw_secret **out)
{
    if (path[0] != 'a')
        return NW_NOT_FOUND;
    *out = nw_secret_new(NW_SLICE("secret\n"));
    return NW_OK;
}

static void check_text(struct nw_slice text)
{
    NW_ASSERT(text.ptr != NULL && text.ptr[text.len] == '\0');
}

static void check_service(const struct nw_conf_service *service)
{
    check_text(service->name);
    NW_ASSERT((service->nodes.count > 0) != (service->run.count > 0));
    for (size_t i = 0; i < service->nodes.count; i++) {
        const struct nw_conf_node *node = &service->nodes.items[i];
        check_text(node->address.text);
        NW_ASSERT(node->address.kind != NW_CONF_ADDRESS_NONE);
        NW_ASSERT(node->address.kind == NW_CONF_ADDRESS_UNIX || node->address.port > 0);
        NW_ASSERT(node->weight >= 0 && node->weight <= 1000);
    }
    NW_ASSERT(service->balance != NW_CONF_BALANCE_HASH || service->key.kind != NW_CONF_KEY_NONE);
    NW_ASSERT(!nw_conf_is_given(&service->health.block) || service->health.path.ptr[0] == '/');
    NW_ASSERT(service->health.timeout_ms > 0);
    NW_ASSERT(service->health.timeout_ms <= service->health.every_ms ||
              !nw_conf_is_given(&service->health.block));
}

static void check_route(const struct nw_conf *conf, const struct nw_conf_route *route)
{
    check_text(route->name);
    NW_ASSERT(route->block.tree != NULL);
    NW_ASSERT(route->action != NW_CONF_ACTION_NONE);
    NW_ASSERT((route->action == NW_CONF_ACTION_SERVICE) == (route->to_service != NULL));
    NW_ASSERT(route->to_service == NULL || nw_conf_service_find(conf, route->service) != NULL);
    NW_ASSERT(route->action != NW_CONF_ACTION_REDIRECT || route->redirect.to.len > 0);
    for (size_t i = 0; i < route->path.segment_count; i++)
        check_text(route->path.segments[i].text);
    for (size_t i = 0; i < route->header.count; i++)
        check_text(route->header.items[i].text);
}

static void check_conf(const struct nw_conf *conf)
{
    NW_ASSERT(conf->newel == 1);
    NW_ASSERT(conf->listen.count > 0);
    check_text(conf->state);
    check_text(nw_secret_bytes(conf->admin.token));
    for (size_t i = 0; i < conf->services.count; i++)
        check_service(&conf->services.items[i]);
    for (size_t i = 0; i < conf->routes.count; i++)
        check_route(conf, &conf->routes.items[i]);
}

static void load(struct nw_slice text, struct nw_text *said, nw_err *out_err)
{
    static const struct nw_conf_outside outside = {.env = fuzz_env, .read_secret = fuzz_secret};
    struct nw_generation *generation = NULL;
    struct nw_diag diag;
    nw_diag_init(&diag);
    *out_err = nw_conf_load(text, "f", &outside, NULL, 1, &diag, &generation);
    NW_ASSERT((*out_err == NW_OK) == (diag.error_count == 0));
    for (size_t i = 0; i < diag.count; i++) {
        NW_ASSERT(diag.items[i].file == NULL || diag.items[i].line >= 1);
        NW_ASSERT(diag.items[i].file == NULL || diag.items[i].column >= 1);
    }
    if (*out_err == NW_OK)
        check_conf(generation->conf);
    nw_diag_print(&diag, said);
    nw_diag_done(&diag);
    nw_generation_unref(generation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size != 0 ? size : 1); /* as long as the input: a read beyond it shows */
    struct nw_text first = {0}, second = {0};
    nw_err err, again;
    NW_ASSERT(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    load(nw_slice_of(copy, size), &first, &err);
    load(nw_slice_of(copy, size), &second, &again);
    NW_ASSERT(err == again && nw_slice_eq(nw_text_slice(&first), nw_text_slice(&second)));
    nw_text_done(&first);
    nw_text_done(&second);
    free(copy);
    return 0;
}
