/* In the order of the options that hold the paths. Whoever adds such an option adds it here. */
#include "conf/files.h"

#include <stdio.h>

typedef void each_fn(void *arg, struct nw_slice path);

static void one(struct nw_slice path, each_fn *each, void *arg)
{
    if (path.len > 0)
        each(arg, path);
}

/* The OCSP answer that may lie beside a certificate. */
static void staple(struct nw_slice certificate, each_fn *each, void *arg)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%.*s.ocsp", NW_SLICE_ARG(certificate));
    if (certificate.len > 0 && (size_t)len < sizeof path)
        each(arg, nw_slice_of(path, (size_t)len));
}

static void of_listener(const struct nw_conf_listen_tls *tls, each_fn *each, void *arg)
{
    for (size_t i = 0; i < tls->certificates.count; i++) {
        one(tls->certificates.items[i].certificate, each, arg);
        one(tls->certificates.items[i].key, each, arg);
        staple(tls->certificates.items[i].certificate, each, arg);
    }
    if (tls->tickets.kind == NW_CONF_TICKETS_FILE)
        one(tls->tickets.path, each, arg);
    if (nw_conf_is_given(&tls->clients.block))
        one(tls->clients.ca, each, arg);
}

static void of_service(const struct nw_conf_service_tls *tls, each_fn *each, void *arg)
{
    if (!nw_slice_eq(tls->ca, NW_SLICE("system")))
        one(tls->ca, each, arg);
    one(tls->certificate, each, arg);
    one(tls->key, each, arg);
}

void nw_conf_each_file(const struct nw_conf *conf, void (*each)(void *arg, struct nw_slice path),
                       void *arg)
{
    for (size_t i = 0; i < conf->listen.count; i++)
        if (nw_conf_is_given(&conf->listen.items[i].tls.block))
            of_listener(&conf->listen.items[i].tls, each, arg);
    for (size_t i = 0; i < conf->services.count; i++)
        if (nw_conf_is_given(&conf->services.items[i].tls.block))
            of_service(&conf->services.items[i].tls, each, arg);
}
