/*
 * What the options of `tls` mean together. Whether the files that they name can be read, and fit
 * each other, is judged by the gate, which loads them.
 */
#include <string.h>

#include "conf/parse.h"

#define BLAME(block, option, suggestion, ...)                                                      \
    nw_conf_blame(conf, block, option, suggestion, reader->diag, __VA_ARGS__)
#define WARN(block, option, suggestion, ...)                                                       \
    nw_conf_warn(conf, block, option, suggestion, reader->diag, __VA_ARGS__)

/* Stands in the file and was not refused already. */
static bool is_sound(const struct nw_conf_block *block)
{
    return nw_conf_is_given(block) && block->tree->kind == NW_CONF_MAPPING &&
           !block->tree->is_broken;
}

/* certificate and key become a list of one; their mistakes are blamed where they stand. */
static void unfold(struct nw_conf_reader *reader, struct nw_conf_listen_tls *tls)
{
    if (tls->certificate.len == 0 || tls->key.len == 0)
        return;
    struct nw_conf_certificate *one = nw_arena_zero(reader->arena, sizeof *one);
    *one = (struct nw_conf_certificate){tls->block, tls->certificate, tls->key};
    tls->certificates = (struct nw_conf_certificates){one, 1};
}

static void check_listen(struct nw_conf_reader *reader, const struct nw_conf *conf,
                         struct nw_conf_listen_tls *tls)
{
    const struct nw_conf_block *block = &tls->block;
    bool has_certificate = NW_CONF_HAS(tls, listen_tls, certificate);
    bool has_key = NW_CONF_HAS(tls, listen_tls, key);
    bool has_list = NW_CONF_HAS(tls, listen_tls, certificates);
    if (has_list && (has_certificate || has_key))
        BLAME(block, "certificates", "put all of them into certificates",
              "give either certificate and key, or certificates");
    else if (has_list && nw_conf_tree_get(block->tree, "certificates")->child_count == 0 &&
             nw_conf_tree_get(block->tree, "certificates")->kind == NW_CONF_SEQUENCE)
        BLAME(block, "certificates", NULL, "the list is empty");
    else if (!has_list && !has_certificate && !has_key)
        BLAME(block, NULL, "add certificate: FILE and key: FILE", "a certificate is missing");
    else if (has_certificate && !has_key)
        BLAME(block, "certificate", "add key: FILE", "a certificate needs its key");
    else if (has_key && !has_certificate)
        BLAME(block, "key", "add certificate: FILE", "a key needs its certificate");
    if (!has_list)
        unfold(reader, tls);
}

/* Does newel reach a node of the service by a path instead of a host? */
static bool has_unix_node(const struct nw_conf_service *service)
{
    for (size_t i = 0; i < service->nodes.count; i++)
        if (service->nodes.items[i].address.kind == NW_CONF_ADDRESS_UNIX)
            return true;
    for (size_t i = 0; i < service->run.count; i++)
        if (strstr(service->run.items[i].ptr, "{socket}") != NULL)
            return true;
    return false;
}

static void check_service(struct nw_conf_reader *reader, const struct nw_conf *conf,
                          const struct nw_conf_service *service)
{
    const struct nw_conf_service_tls *tls = &service->tls;
    const struct nw_conf_block *block = &tls->block;
    bool has_certificate = NW_CONF_HAS(tls, service_tls, certificate);
    bool has_key = NW_CONF_HAS(tls, service_tls, key);
    bool has_name = NW_CONF_HAS(tls, service_tls, name);
    if (has_certificate && !has_key)
        BLAME(block, "certificate", "add key: FILE", "a certificate needs its key");
    if (has_key && !has_certificate)
        BLAME(block, "key", "add certificate: FILE", "a key needs its certificate");
    if (tls->name.len > 0 && !nw_conf_value_is_host(tls->name))
        BLAME(block, "name", "such as shop.internal", "this cannot be the name in a certificate");
    if (has_unix_node(service) && !has_name && tls->verify)
        BLAME(block, NULL, "add name: the name in its certificate",
              "a node on a Unix socket has no host that its certificate could name");
    if (tls->verify)
        return;
    WARN(block, "verify", "name the authority with ca: FILE",
         "nodes are not verified: whoever answers at their address can read and change all");
    if (NW_CONF_HAS(tls, service_tls, ca))
        WARN(block, "ca", NULL, "has no effect without verify");
}

void nw_conf_check_tls(struct nw_conf_reader *reader, struct nw_conf *conf)
{
    for (size_t i = 0; i < conf->listen.count; i++)
        if (is_sound(&conf->listen.items[i].tls.block))
            check_listen(reader, conf, &conf->listen.items[i].tls);
    for (size_t i = 0; i < conf->services.count; i++)
        if (is_sound(&conf->services.items[i].tls.block))
            check_service(reader, conf, &conf->services.items[i]);
}
