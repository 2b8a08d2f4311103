/*
 * Certificates are renewed under a running newel. A change in one of their folders starts a second
 * of quiet, because a certificate and its key are written one after the other; then everything is
 * read again, off the workers, and what is new and good is put in force. An hour's clock does the
 * same where nothing can be watched.
 *
 * One fiber on worker 0 does it, one at a time. A generation that goes while its files are read is
 * left alone: its successor read them too, and looks once more when it starts.
 */
#include "base/assert.h"
#include "base/log.h"
#include "gate/tls.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/offload.h"
#include "io/sync.h"
#include "io/watch.h"
#include "io/worker.h"

enum {
    SETTLE_MS = 1000,
    SETTLE_MAX_MS = 5000, /* of a folder that is never quiet */
    EVERY_MS = 60 * 60 * 1000,
    DAY_S = 86400,
};

/* ---- in the lane ---- */

struct renewal {
    struct nw_gate *gate;
    struct gate_part *part;
    struct gate_bundle *next; /* by bundle; with pairs where something has changed */
    struct nw_watch *watch;   /* NULL: nothing can be watched */
    bool is_all_watched;
};

static bool watch_path(const struct nw_conf_outside *outside, struct nw_watch *watch,
                       struct nw_slice path)
{
    struct nw_text full = {0};
    if (path.len == 0)
        return true;
    outside->locate(outside->arg, path.ptr, &full);
    bool is_watched = nw_watch_path(watch, full.ptr);
    nw_text_done(&full);
    return is_watched;
}

static void watch_all(struct renewal *renewal)
{
    const struct nw_conf_outside *outside = renewal->gate->options.files;
    const struct gate_tls_part *tls = &renewal->part->tls;
    if (outside == NULL || outside->locate == NULL || nw_watch_new(&renewal->watch) != NW_OK)
        return;
    renewal->is_all_watched = true;
    for (unsigned i = 0; i < tls->count; i++) {
        const struct gate_bundle *bundle = &tls->bundles[i];
        bool is_watched = watch_path(outside, renewal->watch, bundle->ca.path);
        is_watched &= watch_path(outside, renewal->watch, bundle->tickets.path);
        for (unsigned k = 0; k < bundle->pair_count; k++) {
            is_watched &= watch_path(outside, renewal->watch, bundle->pairs[k].certificate);
            is_watched &= watch_path(outside, renewal->watch, bundle->pairs[k].key);
        }
        renewal->is_all_watched &= is_watched;
    }
}

/* Watched first, read then: what changes in between is read again. */
static nw_err renew_job(void *arg)
{
    struct renewal *renewal = arg;
    const struct gate_tls_part *tls = &renewal->part->tls;
    struct gate_tls_world world = {
        .outside = renewal->gate->options.files,
        .now_s = (int64_t)(nw_runtime_wall_ms(renewal->gate->runtime) / 1000),
        .tickets = renewal->gate->tls.tickets,
    };
    watch_all(renewal);
    for (unsigned i = 0; i < tls->count; i++) {
        struct gate_bundle *next = &renewal->next[i];
        if (gate_bundle_again(&tls->bundles[i], &world, next))
            continue;
        gate_bundle_done(next, true);
        *next = (struct gate_bundle){0};
    }
    return NW_OK;
}

/* ---- put in force ---- */

static void tell_pair(struct nw_gate *gate, const struct gate_bundle *bundle,
                      const struct gate_pair *before, const struct gate_pair *pair)
{
    struct nw_log *log = nw_worker_log(nw_worker_self());
    if (pair->identity != before->identity) {
        nw_log(log, NW_INFO, "tls.certificate_renewed", "for=%s name=%s file=%s not_after=%lld",
               gate_bundle_path(bundle), gate_pair_name(pair), pair->certificate.ptr,
               (long long)nw_tls_identity_info(pair->identity)->not_after_s);
        nw_metric_add(gate->tls.renewed, 0, 1);
    }
    if (pair->identity != before->identity && pair->unstapled[0] != '\0')
        nw_log(log, NW_WARN, "tls.staple_refused", "for=%s file=%s.ocsp reason=%s",
               gate_bundle_path(bundle), pair->certificate.ptr, pair->unstapled);
    if (pair->seen == before->seen || pair->refused_s == 0)
        return;
    nw_log(log, NW_ERROR, "tls.certificate_refused", "for=%s file=%s reason=%s in_force=%s",
           gate_bundle_path(bundle), pair->certificate.ptr, pair->refused, "the one before");
    nw_metric_add(gate->tls.refused, 0, 1);
}

/* Authorities, or keys of tickets. */
static void exchange_file(struct nw_gate *gate, const struct gate_bundle *bundle,
                          struct gate_tls_file *file, struct gate_tls_file *next)
{
    struct nw_log *log = nw_worker_log(nw_worker_self());
    struct gate_tls_file before = *file;
    *file = *next;
    *next = before;
    if (file->seen == before.seen)
        return;
    if (file->refused[0] == '\0')
        nw_log(log, NW_INFO, "tls.file_renewed", "for=%s file=%s", gate_bundle_path(bundle),
               file->path.ptr);
    else
        nw_log(log, NW_ERROR, "tls.file_refused", "for=%s file=%s reason=%s in_force=%s",
               gate_bundle_path(bundle), file->path.ptr, file->refused, "the one before");
    nw_metric_add(file->refused[0] == '\0' ? gate->tls.renewed : gate->tls.refused, 0, 1);
}

/* What takes the place of what is in force; what was there before is in `next` afterwards. */
static void exchange(struct nw_gate *gate, struct gate_bundle *bundle, struct gate_bundle *next)
{
    for (unsigned i = 0; i < bundle->pair_count; i++) {
        struct gate_pair before = bundle->pairs[i];
        tell_pair(gate, bundle, &before, &next->pairs[i]);
        next->pairs[i].expiry = before.expiry;
        bundle->pairs[i] = next->pairs[i];
        next->pairs[i] = before;
    }
    exchange_file(gate, bundle, &bundle->ca, &next->ca);
    exchange_file(gate, bundle, &bundle->tickets, &next->tickets);
}

static void exchange_offer(struct gate_tls_part *tls, struct gate_bundle *bundle,
                           struct gate_bundle *next, struct gate_offer **old)
{
    struct gate_offer *offer = atomic_exchange(&next->offer, NULL);
    if (offer == NULL)
        return;
    /* Who is let in under the new one is judged by it too: the bundle's comes first. */
    struct gate_offer *before = atomic_exchange(&bundle->offer, offer);
    atomic_store(&next->offer, before); /* goes with it, when nobody looks at it any more */
    if (bundle->listener != NULL)
        gate_tls_offer(bundle->listener, offer, old);
    if (before->clients != offer->clients)
        atomic_store(&tls->has_policies, true);
}

static void exchange_client(struct nw_gate *gate, const struct gate_part *part,
                            struct gate_bundle *bundle, struct gate_bundle *next)
{
    if (next->client == NULL)
        return;
    struct nw_gate_service *service = part->services[bundle->service->index];
    struct nw_tls_client *before = bundle->client;
    bundle->client = next->client;
    next->client = before;
    atomic_store(&service->tls, nw_tls_client_ref(bundle->client)); /* its old one: below */
    nw_peer_set_rekey(service->set, nw_tls_client_key(bundle->client));
}

/* The bundles' own references go when `next` does, after every worker has run something else. */
NW_YIELDS static void put_in_force(struct renewal *renewal)
{
    struct nw_gate *gate = renewal->gate;
    struct gate_tls_part *tls = &renewal->part->tls;
    struct gate_offer *old = NULL;
    for (unsigned i = 0; i < tls->count; i++) {
        struct gate_bundle *bundle = &tls->bundles[i], *next = &renewal->next[i];
        if (next->pairs == NULL)
            continue;
        exchange(gate, bundle, next);
        if (bundle->listen != NULL)
            exchange_offer(tls, bundle, next, &old);
        else
            exchange_client(gate, renewal->part, bundle, next);
    }
    gate_tls_tell_expiry(gate, tls);
    gate_tls_let_go(old);
    for (unsigned i = 0; i < tls->count; i++)
        if (renewal->next[i].client != NULL)
            nw_tls_client_unref(renewal->next[i].client); /* the service's own reference */
}

/* ---- what ends soon ---- */

static unsigned nearness(int64_t left_s)
{
    return left_s <= 0 ? 3 : left_s <= 3 * DAY_S ? 2 : left_s <= 14 * DAY_S ? 1 : 0;
}

static void warn_of_end(const struct gate_bundle *bundle, struct gate_pair *pair, int64_t now_s)
{
    int64_t left_s = nw_tls_identity_info(pair->identity)->not_after_s - now_s;
    unsigned near = nearness(left_s);
    if (near <= pair->warned)
        return;
    pair->warned = near;
    nw_log(nw_worker_log(nw_worker_self()), near == 1 ? NW_WARN : NW_ERROR,
           near == 3 ? "tls.certificate_expired" : "tls.certificate_expires",
           "for=%s name=%s file=%s days=%lld", gate_bundle_path(bundle), gate_pair_name(pair),
           pair->certificate.ptr, (long long)(left_s / DAY_S));
}

static void warn_of_ends(struct gate_tls_part *tls)
{
    int64_t now_s = (int64_t)(nw_wall_ms() / 1000);
    for (unsigned i = 0; i < tls->count; i++)
        for (unsigned k = 0; k < tls->bundles[i].pair_count; k++)
            warn_of_end(&tls->bundles[i], &tls->bundles[i].pairs[k], now_s);
}

/* ---- when ---- */

static void on_change(void *arg)
{
    struct gate_tls *tls = arg;
    uint64_t now_ms = nw_now_ms();
    if (!nw_timer_is_armed(&tls->settle))
        tls->settle_until_ms = now_ms + SETTLE_MAX_MS;
    uint64_t at_ms = now_ms + SETTLE_MS;
    nw_timer_arm_at(&tls->settle, at_ms < tls->settle_until_ms ? at_ms : tls->settle_until_ms);
}

static void take_watch(struct gate_tls *tls, struct renewal *renewal)
{
    struct nw_watch *before = tls->watch;
    tls->watch = NULL;
    tls->is_watched = false;
    if (renewal->watch != NULL && nw_watch_start(renewal->watch, on_change, tls) == NW_OK) {
        tls->watch = NW_TAKE(renewal->watch);
        tls->is_watched = renewal->is_all_watched;
    }
    nw_watch_free(before);
}

NW_YIELDS static void renew_once(struct nw_gate *gate)
{
    struct gate_part *part = gate->part;
    struct renewal renewal = {
        .gate = gate,
        .part = part,
        .next = nw_alloc_array(part->tls.count + 1, sizeof(struct gate_bundle)),
    };
    struct nw_generation *generation = nw_generation_ref(part->generation);
    nw_err err = nw_offload(nw_lane_reload(gate->runtime), renew_job, &renewal);
    if (err == NW_OK && gate->part == part) {
        put_in_force(&renewal);
        warn_of_ends(&part->tls);
    }
    if (err == NW_OK && gate->part == part && !gate->tls.is_over)
        take_watch(&gate->tls, &renewal);
    nw_watch_free(renewal.watch);
    for (unsigned i = 0; i < part->tls.count; i++)
        if (renewal.next[i].pairs != NULL)
            gate_bundle_done(&renewal.next[i], true);
    nw_free(renewal.next);
    nw_generation_unref(generation);
}

NW_YIELDS static void renew_fiber(void *arg)
{
    struct nw_gate *gate = arg;
    while (gate->tls.is_due && gate->part != NULL && !gate->tls.is_over &&
           !nw_fiber_is_cancelled()) {
        gate->tls.is_due = false;
        renew_once(gate);
    }
    gate->tls.is_renewing = false;
    nw_event_set(&gate->tls.idle);
}

static void renew(struct nw_gate *gate)
{
    struct gate_tls *tls = &gate->tls;
    tls->is_due = true;
    if (tls->is_renewing || tls->is_over)
        return;
    tls->is_renewing = true;
    nw_event_clear(&tls->idle);
    struct nw_scope *root = nw_worker_root_scope(nw_worker_self());
    if (nw_scope_spawn_vital(root, "gate.tls_renew", renew_fiber, gate, NULL) == NW_OK)
        return;
    tls->is_renewing = false;
    nw_event_set(&tls->idle);
    nw_timer_arm(&tls->settle, SETTLE_MS);
}

static void on_settled(struct nw_timer *timer)
{
    renew(NW_CONTAINER_OF(timer, struct nw_gate, tls.settle));
}

static void on_hour(struct nw_timer *timer)
{
    nw_timer_arm(timer, EVERY_MS);
    renew(NW_CONTAINER_OF(timer, struct nw_gate, tls.hourly));
}

void gate_tls_init(struct nw_gate *gate)
{
    nw_timer_init(&gate->tls.settle, on_settled);
    nw_timer_init(&gate->tls.hourly, on_hour);
    nw_event_init(&gate->tls.idle);
    gate->tls.idle.is_set = true;
    gate->tls.renewed =
        nw_metric_open(gate->metrics, NW_METRIC_io_tls_certificate_reads_total, "renewed");
    gate->tls.refused =
        nw_metric_open(gate->metrics, NW_METRIC_io_tls_certificate_reads_total, "refused");
}

void gate_tls_start(struct nw_gate *gate)
{
    if (gate->part->tls.count == 0) {
        nw_timer_disarm(&gate->tls.hourly);
        nw_watch_free(gate->tls.watch);
        gate->tls.watch = NULL;
        return;
    }
    if (!nw_timer_is_armed(&gate->tls.hourly))
        nw_timer_arm(&gate->tls.hourly, EVERY_MS);
    renew(gate);
}

void gate_tls_stop(struct nw_gate *gate)
{
    gate->tls.is_over = true;
    nw_timer_disarm(&gate->tls.settle);
    nw_timer_disarm(&gate->tls.hourly);
    nw_watch_free(gate->tls.watch);
    gate->tls.watch = NULL;
    while (gate->tls.is_renewing) { /* it holds a generation, and with it the peers */
        if (nw_event_wait(&gate->tls.idle) != NW_OK)
            return;
    }
}

void gate_tls_done(struct nw_gate *gate)
{
    nw_metric_close(gate->metrics, gate->tls.renewed);
    nw_metric_close(gate->metrics, gate->tls.refused);
    nw_tls_tickets_unref(gate->tls.tickets);
}
