/*
 * The path of a request meets TLS settings in two places: a new connection takes its listener's
 * offer, a new connection to a node takes its service's client. Both are a load and a count.
 */
#include "gate/tls.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/log.h"
#include "gate/ids.h"
#include "io/clock.h"
#include "io/sync.h"
#include "io/worker.h"

enum { TOLD_EVERY_MS = 60 * 1000, TOLD_NODE_EVERY_MS = 10 * 1000 };

/* ---- build ---- */

static void set_up_listen(struct gate_bundle *bundle, const struct nw_conf_listen *listen,
                          struct nw_arena *arena)
{
    const struct nw_conf_certificates *given = &listen->tls.certificates;
    bundle->listen = listen;
    bundle->pairs = nw_arena_zero(arena, (given->count + 1) * sizeof *bundle->pairs);
    for (size_t i = 0; i < given->count; i++) {
        if (given->items[i].certificate.len == 0 || given->items[i].key.len == 0)
            continue; /* only `newel check` comes so far, to look at the others */
        struct gate_pair *pair = &bundle->pairs[bundle->pair_count++];
        pair->block = &given->items[i].block;
        pair->certificate = given->items[i].certificate;
        pair->key = given->items[i].key;
    }
    bundle->ca.path = listen->tls.clients.ca;
    if (listen->tls.tickets.kind == NW_CONF_TICKETS_FILE)
        bundle->tickets.path = listen->tls.tickets.path;
}

static void set_up_service(struct gate_bundle *bundle, const struct nw_conf_service *service,
                           struct nw_arena *arena)
{
    const struct nw_conf_service_tls *tls = &service->tls;
    bundle->service = service;
    if (tls->certificate.len > 0 && tls->key.len > 0) {
        bundle->pair_count = 1;
        bundle->pairs = nw_arena_zero(arena, sizeof *bundle->pairs);
        bundle->pairs[0].block = &tls->block;
        bundle->pairs[0].certificate = tls->certificate;
        bundle->pairs[0].key = tls->key;
    }
    if (!nw_slice_eq(tls->ca, NW_SLICE("system")))
        bundle->ca.path = tls->ca;
}

void gate_tls_set_up(const struct nw_conf *conf, struct nw_arena *arena,
                     struct gate_tls_part *part)
{
    size_t listens = conf->listen.count, services = conf->services.count;
    *part = (struct gate_tls_part){
        .bundles = nw_arena_zero(arena, (listens + services + 1) * sizeof(struct gate_bundle)),
        .clients = nw_arena_zero(arena, (services + 1) * sizeof(struct gate_bundle *)),
    };
    for (size_t i = 0; i < listens; i++)
        if (nw_conf_is_given(&conf->listen.items[i].tls.block))
            set_up_listen(&part->bundles[part->count++], &conf->listen.items[i], arena);
    part->listen_count = part->count;
    for (size_t i = 0; i < services; i++) {
        if (!nw_conf_is_given(&conf->services.items[i].tls.block))
            continue;
        part->clients[i] = &part->bundles[part->count];
        set_up_service(&part->bundles[part->count++], &conf->services.items[i], arena);
    }
    for (unsigned i = 0; i < part->count; i++)
        part->bundles[i].conf = conf;
}

/* Client policies that differ are what makes a host belong to one listener and not to another. */
static void compare_policies(struct gate_tls_part *part)
{
    for (unsigned i = 1; i < part->listen_count; i++)
        part->has_policies |= atomic_load(&part->bundles[i].offer)->clients !=
                              atomic_load(&part->bundles[0].offer)->clients;
}

nw_err gate_tls_load(const struct gate_tls_world *world, struct gate_tls_part *part,
                     struct nw_diag *diag)
{
    nw_err result = NW_OK;
    for (unsigned i = 0; i < part->count; i++) {
        nw_err err = gate_bundle_load(&part->bundles[i], world, diag);
        if (err != NW_OK)
            result = err;
    }
    if (result == NW_OK)
        compare_policies(part);
    return result;
}

static bool needs_tickets(const struct nw_conf *conf)
{
    for (size_t i = 0; i < conf->listen.count; i++)
        if (nw_conf_is_given(&conf->listen.items[i].tls.block) &&
            conf->listen.items[i].tls.tickets.kind == NW_CONF_TICKETS_AUTO)
            return true;
    return false;
}

nw_err gate_tls_build(struct nw_gate *gate, const struct nw_conf *conf, struct nw_arena *arena,
                      struct gate_tls_part *out, struct nw_diag *diag)
{
    struct nw_text why = {0};
    if (gate->tls.tickets == NULL && needs_tickets(conf)) {
        nw_err err = nw_tls_tickets_new(nw_slice_of(NULL, 0), &why, &gate->tls.tickets);
        nw_text_done(&why);
        NW_TRY(err);
    }
    struct gate_tls_world world = {
        .outside = gate->options.files,
        .now_s = (int64_t)(nw_runtime_wall_ms(gate->runtime) / 1000),
        .tickets = gate->tls.tickets,
    };
    gate_tls_set_up(conf, arena, out);
    return gate_tls_load(&world, out, diag);
}

void gate_tls_drop(struct nw_gate *gate, struct gate_tls_part *part)
{
    for (unsigned i = 0; i < part->count; i++) {
        struct gate_bundle *bundle = &part->bundles[i];
        for (unsigned k = 0; k < bundle->pair_count; k++)
            nw_metric_close(gate->metrics, bundle->pairs[k].expiry);
        gate_bundle_done(bundle, false);
    }
}

/* ---- in force ---- */

static void do_nothing(void *arg)
{
}

/* Nobody can reach them any more but who took a reference. */
void gate_tls_let_go(struct gate_offer *old)
{
    nw_on_every_worker(do_nothing, NULL);
    while (old != NULL) {
        struct gate_offer *next = old->next_old;
        gate_offer_unref(old);
        old = next;
    }
}

static struct gate_bundle *bundle_of(const struct gate_tls_part *part,
                                     const struct gate_listener *listener)
{
    for (unsigned i = 0; i < part->listen_count; i++)
        if (nw_slice_eq(nw_slice_str(listener->text), part->bundles[i].listen->address.text))
            return &part->bundles[i];
    return NULL;
}

void gate_tls_offer(struct gate_listener *listener, struct gate_offer *offer,
                    struct gate_offer **old)
{
    struct gate_offer *before =
        atomic_exchange(&listener->offer, offer != NULL ? gate_offer_ref(offer) : NULL);
    if (before == NULL)
        return;
    before->next_old = *old;
    *old = before;
}

static void open_expiry(struct nw_gate *gate, struct gate_pair *pair)
{
    nw_metric_close(gate->metrics, pair->expiry);
    pair->expiry = nw_metric_open(gate->metrics, NW_METRIC_io_tls_certificate_expiry_seconds,
                                  gate_pair_name(pair));
}

void gate_tls_tell_expiry(struct nw_gate *gate, struct gate_tls_part *part)
{
    for (unsigned i = 0; i < part->count; i++)
        for (unsigned k = 0; k < part->bundles[i].pair_count; k++)
            open_expiry(gate, &part->bundles[i].pairs[k]);
    for (unsigned i = part->count; i-- > 0;) /* of equal names the first one counts */
        for (unsigned k = part->bundles[i].pair_count; k-- > 0;) {
            const struct gate_pair *pair = &part->bundles[i].pairs[k];
            nw_metric_set(pair->expiry, 0, nw_tls_identity_info(pair->identity)->not_after_s);
        }
}

void gate_tls_adopt(struct nw_gate *gate, struct gate_tls_part *part)
{
    struct gate_offer *old = NULL;
    NW_LIST_EACH(node, &gate->listeners) {
        struct gate_listener *listener = NW_CONTAINER_OF(node, struct gate_listener, node);
        struct gate_bundle *bundle = bundle_of(part, listener);
        if (bundle != NULL)
            bundle->listener = listener;
        gate_tls_offer(listener, bundle != NULL ? atomic_load(&bundle->offer) : NULL, &old);
    }
    gate_tls_tell_expiry(gate, part);
    if (old != NULL)
        gate_tls_let_go(old);
}

struct nw_tls_client *gate_tls_client(const struct gate_tls_part *part, size_t service_index)
{
    const struct gate_bundle *bundle = part->clients[service_index];
    return bundle != NULL ? bundle->client : NULL;
}

struct gate_offer *gate_tls_take(const struct gate_listener *listener)
{
    struct gate_offer *offer = atomic_load(&listener->offer);
    return offer != NULL ? gate_offer_ref(offer) : NULL;
}

/* ---- nodes ---- */

/* What failed on the way to the node is not its proof: the connection's own errors stay. */
static bool is_refusal(nw_err err)
{
    return err != NW_TIMEOUT && err != NW_CANCELLED && err != NW_NO_MEMORY && err != NW_BUSY &&
           err != NW_TOO_MANY_FILES;
}

static void tell_refused(struct nw_gate_service *service, struct nw_peer_node *node,
                         const char *sentence)
{
    uint64_t unsaid;
    nw_peer_node_trouble(node, sentence);
    if (nw_quiet_is_due(&service->tls_refused, nw_now_ms(), TOLD_NODE_EVERY_MS, &unsaid))
        nw_log(nw_worker_log(nw_worker_self()), NW_WARN, "node.tls_refused",
               "service=%s node=%s reason=%s unsaid=%llu", service->name, nw_peer_node_name(node),
               sentence, (unsigned long long)unsaid);
}

nw_err gate_tls_connect(struct nw_gate_service *service, struct nw_peer_node *node,
                        struct nw_stream *stream)
{
    struct nw_tls_client *client = atomic_load(&service->tls);
    if (client == NULL)
        return NW_OK;
    nw_tls_client_ref(client);
    uint64_t peer_key = nw_hash_fast(nw_slice_str(nw_peer_node_name(node)), 0);
    nw_err err = nw_io_tls_connect(stream, client, nw_peer_node_host(node), peer_key);
    if (err == NW_OK && service->is_h2 && !nw_stream_tls(stream)->is_h2) {
        tell_refused(service, node, "it did not choose HTTP/2 (ALPN)");
        err = NW_UNREACHABLE;
    } else if (err == NW_OK) {
        nw_peer_node_trouble(node, NULL);
    } else if (is_refusal(err)) {
        tell_refused(service, node, nw_tls_trouble()->sentence);
        err = NW_UNTRUSTED;
    }
    nw_tls_client_unref(client);
    return err;
}

/* ---- clients ---- */

bool gate_tls_is_misdirected(const struct gate_request *request, bool *out_is_over)
{
    const struct gate_conn *conn = request->conn;
    const struct gate_tls_part *part = &request->pin->part->tls;
    const struct gate_offer *own = NULL;
    *out_is_over = false;
    for (unsigned i = 0; i < part->listen_count && own == NULL; i++)
        if (part->bundles[i].listener == conn->listener)
            own = atomic_load(&part->bundles[i].offer);
    *out_is_over = own != NULL && own->clients != conn->clients;
    if (*out_is_over || !atomic_load_explicit(&part->has_policies, memory_order_relaxed))
        return *out_is_over;
    struct nw_slice host = request->exchange.target.host;
    if (own != NULL && nw_tls_server_has_name(own->server, host))
        return false;
    for (unsigned i = 0; i < part->listen_count; i++) {
        const struct gate_offer *other = atomic_load(&part->bundles[i].offer);
        if (other->clients != conn->clients && nw_tls_server_has_name(other->server, host))
            return true;
    }
    return false;
}

/* Words are few and static. */
static struct nw_quiet *quiet_of(struct nw_gate *gate, const char *reason)
{
    struct gate_told *told = gate->tls.told, *last = &told[NW_COUNT(gate->tls.told) - 1];
    pthread_mutex_lock(&gate->lock);
    while (told != last && told->reason != NULL && strcmp(told->reason, reason) != 0)
        told++;
    told->reason = reason;
    pthread_mutex_unlock(&gate->lock);
    return &told->quiet;
}

void gate_tls_failed(struct gate_conn *conn, const char *reason, const char *sentence)
{
    struct nw_gate *gate = conn->listener->gate;
    uint64_t unsaid;
    if (!nw_quiet_is_due(quiet_of(gate, reason), nw_now_ms(), TOLD_EVERY_MS, &unsaid))
        return;
    struct nw_addr peer;
    char client[NW_ADDR_TEXT_MAX_BYTES];
    gate_peer_addr(&conn->peer, &peer);
    client[nw_addr_host_text(&peer, client)] = '\0';
    nw_log(nw_worker_log(nw_worker_self()), NW_INFO, "tls.handshake_failed",
           "listen=%s client=%s reason=%s text=%s unsaid=%llu", conn->listener->text, client,
           reason, sentence, (unsigned long long)unsaid);
}
