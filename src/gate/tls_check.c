/*
 * Whether the files that `tls` names can be read, fit each other, and hold for a while: for
 * `newel check`, and for a start or reload before anything is built.
 */
#include "gate/gate.h"
#include "gate/tls.h"

enum { SOON_S = 14 * 86400, ARENA_BYTES = 64 << 20 };

static bool is_open_to_others(const struct nw_conf_address *address)
{
    struct nw_ip ip;
    if (address->kind == NW_CONF_ADDRESS_UNIX)
        return false;
    return nw_ip_parse(address->host, &ip) != NW_OK || !nw_ip_is_loopback(&ip);
}

/* Whoever is kept out by a certificate could come in by the door beside it. */
static void warn_of_plain(const struct gate_tls_part *part, const struct nw_conf *conf,
                          struct nw_diag *diag)
{
    const struct nw_conf_listen *strict = NULL;
    for (unsigned i = 0; i < part->listen_count; i++)
        if (nw_conf_is_given(&part->bundles[i].listen->tls.clients.block) &&
            part->bundles[i].listen->tls.clients.require)
            strict = part->bundles[i].listen;
    for (size_t i = 0; i < conf->listen.count && strict != NULL; i++) {
        const struct nw_conf_listen *listen = &conf->listen.items[i];
        if (!nw_conf_is_given(&listen->tls.block) && is_open_to_others(&listen->address) &&
            listen->redirect != NW_CONF_LISTEN_REDIRECT_HTTPS)
            nw_conf_warn(conf, &listen->block, NULL, "add redirect: https, or listen on 127.0.0.1",
                         diag,
                         "the same routes are reached here without the client certificate that %s "
                         "requires",
                         strict->address.text.ptr);
    }
}

static void warn(const struct gate_tls_part *part, int64_t now_s, struct nw_diag *diag)
{
    for (unsigned i = 0; i < part->count; i++) {
        const struct gate_bundle *bundle = &part->bundles[i];
        for (unsigned k = 0; k < bundle->pair_count; k++) {
            const struct gate_pair *pair = &bundle->pairs[k];
            int64_t left_s = nw_tls_identity_info(pair->identity)->not_after_s - now_s;
            if (left_s < SOON_S)
                nw_conf_warn(bundle->conf, pair->block, "certificate", "renew it", diag,
                             "the certificate of %s ends in %lld days", gate_pair_name(pair),
                             (long long)(left_s / 86400));
        }
    }
    if (part->count > 0)
        warn_of_plain(part, part->bundles[0].conf, diag);
}

void nw_gate_check_tls(const struct nw_conf_outside *outside, int64_t now_s,
                       const struct nw_conf *conf, struct nw_diag *diag)
{
    struct gate_tls_world world = {.outside = outside, .now_s = now_s};
    struct nw_arena arena;
    struct gate_tls_part part;
    nw_arena_init(&arena, NULL, 0, ARENA_BYTES);
    gate_tls_set_up(conf, &arena, &part);
    if (gate_tls_load(&world, &part, diag) == NW_OK)
        warn(&part, now_s, diag);
    for (unsigned i = 0; i < part.count; i++)
        gate_bundle_done(&part.bundles[i], false);
    nw_arena_done(&arena);
}
