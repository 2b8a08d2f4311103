/* `newel tls` and its part of status: which certificates serve, until when, what was refused. */
#include "gate/gate.h"
#include "gate/tls.h"
#include "io/clock.h"

static void add_text(struct nw_text *out, const char *key, const char *value)
{
    nw_text_addf(out, ",\"%s\":", key);
    nw_text_add_json_string(out, nw_slice_str(value));
}

static void add_pair(struct nw_text *out, const struct gate_pair *pair, int64_t now_s)
{
    const struct nw_tls_identity_info *info = nw_tls_identity_info(pair->identity);
    nw_text_add_str(out, "{\"names\":[");
    for (unsigned i = 0; i < info->name_count; i++) {
        nw_text_add_str(out, i > 0 ? "," : "");
        nw_text_add_json_string(out, nw_slice_str(info->names[i]));
    }
    nw_text_add_char(out, ']');
    add_text(out, "subject", info->subject);
    add_text(out, "issuer", info->issuer);
    add_text(out, "key_type", info->key_type);
    add_text(out, "sha256", info->sha256);
    add_text(out, "file", pair->certificate.ptr);
    nw_text_addf(out,
                 ",\"not_before_unix_s\":%lld,\"not_after_unix_s\":%lld,\"days_left\":%lld,"
                 "\"loaded_unix_s\":%lld",
                 (long long)info->not_before_s, (long long)info->not_after_s,
                 (long long)((info->not_after_s - now_s) / 86400), (long long)pair->loaded_s);
    if (pair->unstapled[0] != '\0')
        add_text(out, "staple_refused", pair->unstapled);
    if (pair->refused_s != 0) {
        add_text(out, "refused", pair->refused);
        nw_text_addf(out, ",\"refused_unix_s\":%lld", (long long)pair->refused_s);
    }
    nw_text_add_char(out, '}');
}

static void add_pairs(struct nw_text *out, const struct gate_bundle *bundle, int64_t now_s)
{
    nw_text_add_str(out, ",\"certificates\":[");
    for (unsigned i = 0; i < bundle->pair_count; i++) {
        nw_text_add_str(out, i > 0 ? "," : "");
        add_pair(out, &bundle->pairs[i], now_s);
    }
    nw_text_add_char(out, ']');
}

static void add_refused(struct nw_text *out, const char *key, const struct gate_tls_file *file)
{
    if (file->refused[0] != '\0')
        add_text(out, key, file->refused);
}

static void add_listen(struct nw_text *out, const struct gate_bundle *bundle, int64_t now_s)
{
    const struct nw_conf_listen_tls *tls = &bundle->listen->tls;
    bool has_clients = nw_conf_is_given(&tls->clients.block);
    nw_text_add_str(out, "{\"address\":");
    nw_text_add_json_string(out, bundle->listen->address.text);
    add_text(out, "policy", tls->policy == NW_CONF_TLS_MODERN ? "modern" : "intermediate");
    add_text(out, "clients", !has_clients ? "off" : tls->clients.require ? "required" : "optional");
    static const char *const tickets[] = {
        [NW_CONF_TICKETS_AUTO] = "auto",
        [NW_CONF_TICKETS_OFF] = "off",
        [NW_CONF_TICKETS_FILE] = "file",
    };
    add_text(out, "tickets", tickets[tls->tickets.kind]);
    add_refused(out, "ca_refused", &bundle->ca);
    add_refused(out, "tickets_refused", &bundle->tickets);
    add_pairs(out, bundle, now_s);
    nw_text_add_char(out, '}');
}

static void add_service(struct nw_text *out, const struct gate_bundle *bundle, int64_t now_s)
{
    const struct nw_conf_service_tls *tls = &bundle->service->tls;
    nw_text_add_str(out, "{\"service\":");
    nw_text_add_json_string(out, bundle->service->name);
    nw_text_addf(out, ",\"verified\":%s", tls->verify ? "true" : "false");
    add_text(out, "ca", tls->ca.ptr);
    if (tls->name.len > 0)
        add_text(out, "name", tls->name.ptr);
    add_refused(out, "ca_refused", &bundle->ca);
    add_pairs(out, bundle, now_s);
    nw_text_add_char(out, '}');
}

void nw_gate_tls_status(const struct nw_gate *gate, struct nw_text *out)
{
    static const struct gate_tls_part none;
    const struct gate_tls_part *tls = gate->part != NULL ? &gate->part->tls : &none;
    int64_t now_s = (int64_t)(nw_wall_ms() / 1000);
    nw_text_add_str(out, "{\"listeners\":[");
    for (unsigned i = 0; i < tls->listen_count; i++) {
        nw_text_add_str(out, i > 0 ? "," : "");
        add_listen(out, &tls->bundles[i], now_s);
    }
    nw_text_add_str(out, "],\"services\":[");
    for (unsigned i = tls->listen_count; i < tls->count; i++) {
        nw_text_add_str(out, i > tls->listen_count ? "," : "");
        add_service(out, &tls->bundles[i], now_s);
    }
    nw_text_addf(out, "],\"watched\":%s}", gate->tls.is_watched ? "true" : "false");
}
