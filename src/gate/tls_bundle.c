/*
 * Everything is read through one function that cmd hands in, certificates like keys: where newel
 * itself has no right to a file, that function asks whoever has.
 *
 * Reading again compares hashes of what was read with those of the last time, so neither dates nor
 * inodes matter: a file that was touched, or swapped by a link, is judged by its bytes alone.
 */
#include "gate/tls_bundle.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hash.h"
#include "io/file.h"

/* ---- offers ---- */

struct gate_offer *gate_offer_ref(struct gate_offer *offer)
{
    atomic_fetch_add_explicit(&offer->refs, 1, memory_order_relaxed);
    return offer;
}

void gate_offer_unref(struct gate_offer *offer)
{
    if (offer == NULL || atomic_fetch_sub(&offer->refs, 1) != 1)
        return;
    nw_tls_server_unref(offer->server);
    nw_free(offer);
}

/* ---- reading ---- */

static void say_unreadable(const struct nw_conf_outside *outside, const char *path, nw_err err,
                           struct nw_text *why)
{
    struct nw_text full = {0}, rights = {0};
    if (err == NW_NOT_FOUND) {
        nw_text_addf(why, "%s: there is no such file", path);
        return;
    }
    if (err == NW_INVALID) {
        nw_text_addf(why, "%s is a folder, not a file", path);
        return;
    }
    if (err == NW_DENIED && outside->locate != NULL) {
        outside->locate(outside->arg, path, &full);
        nw_file_rights_now(full.ptr, &rights);
    }
    nw_text_addf(why, "%s cannot be read: %s", path, nw_err_text(err));
    if (rights.len > 0)
        nw_text_addf(why, " (%s)", rights.ptr);
    nw_text_done(&full);
    nw_text_done(&rights);
}

static nw_err read_file(const struct nw_conf_outside *outside, const char *path,
                        struct nw_text *why, struct nw_secret **out)
{
    nw_err err = outside != NULL && outside->read_secret != NULL
                     ? outside->read_secret(outside->arg, path, out)
                     : NW_NOT_FOUND;
    if (err != NW_OK) {
        say_unreadable(outside, path, err, why);
        return err;
    }
    if (nw_secret_bytes(*out).len > 0)
        return NW_OK;
    nw_secret_free(*out); /* nothing would be asked for where "no authority" means "no question" */
    *out = NULL;
    nw_text_addf(why, "%s is empty", path);
    return NW_INVALID;
}

static uint64_t hash_of(const struct nw_secret *bytes, uint64_t seed)
{
    return nw_hash_fast(nw_secret_bytes(bytes), seed);
}

/* What was read of a pair; `option` is the one to blame. */
struct found {
    struct nw_secret *certificate;
    struct nw_secret *key;
    struct nw_secret *staple; /* NULL: there is none */
    uint64_t seen;
    const char *option;
    struct nw_text why;
};

static void found_done(struct found *found)
{
    nw_secret_free(found->certificate);
    nw_secret_free(found->key);
    nw_secret_free(found->staple);
    nw_text_done(&found->why);
}

/* A failure has a hash too: the same failure is not told again. */
static nw_err find(const struct gate_pair *pair, const struct nw_conf_outside *outside,
                   struct found *found)
{
    found->option = "certificate";
    nw_err err = read_file(outside, pair->certificate.ptr, &found->why, &found->certificate);
    if (err == NW_OK) {
        found->option = "key";
        err = read_file(outside, pair->key.ptr, &found->why, &found->key);
    }
    if (err != NW_OK) {
        found->seen = nw_hash_fast(nw_text_slice(&found->why), 1);
        return NW_INVALID;
    }
    struct nw_text path = {0};
    nw_text_addf(&path, "%s.ocsp", pair->certificate.ptr);
    if (outside->read_secret(outside->arg, path.ptr, &found->staple) != NW_OK)
        found->staple = NULL;
    nw_text_done(&path);
    found->seen = hash_of(found->key, hash_of(found->certificate, 2));
    if (found->staple != NULL)
        found->seen = hash_of(found->staple, found->seen);
    return NW_OK;
}

static nw_err make_identity(const struct found *found, bool has_staple, int64_t now_s,
                            struct nw_text *why, struct nw_tls_identity **out)
{
    nw_text_clear(why);
    return nw_tls_identity_new(nw_secret_bytes(found->certificate), nw_secret_bytes(found->key),
                               has_staple ? nw_secret_bytes(found->staple) : nw_slice_of(NULL, 0),
                               now_s, why, out);
}

/* The identity that the files make, or why not. A bad OCSP answer is left out, and said. */
static nw_err judge(struct gate_pair *pair, struct found *found, int64_t now_s,
                    struct nw_tls_identity **out)
{
    struct nw_text why = {0};
    pair->unstapled[0] = '\0';
    nw_err err = make_identity(found, found->staple != NULL, now_s, &why, out);
    if (err != NW_OK && found->staple != NULL) {
        snprintf(pair->unstapled, sizeof pair->unstapled, "%s",
                 why.len > 0 ? why.ptr : nw_err_text(err));
        err = make_identity(found, false, now_s, &why, out);
    }
    if (err != NW_OK) {
        found->option = "certificate";
        nw_text_addf(&found->why, "%s with %s: %s", pair->certificate.ptr, pair->key.ptr,
                     why.len > 0 ? why.ptr : nw_err_text(err));
    }
    nw_text_done(&why);
    return err;
}

static void accept_pair(struct gate_pair *pair, struct nw_tls_identity *take_identity,
                        int64_t now_s)
{
    nw_tls_identity_unref(pair->identity);
    pair->identity = take_identity;
    pair->loaded_s = now_s;
    pair->refused_s = 0;
    pair->refused[0] = '\0';
    pair->warned = 0;
}

/* ---- putting together ---- */

const char *gate_bundle_path(const struct gate_bundle *bundle)
{
    return bundle->listen != NULL ? bundle->listen->tls.block.path
                                  : bundle->service->tls.block.path;
}

const char *gate_pair_name(const struct gate_pair *pair)
{
    const struct nw_tls_identity_info *info = nw_tls_identity_info(pair->identity);
    return info->name_count > 0 ? info->names[0] : info->subject;
}

static struct nw_slice bytes_of(const struct gate_tls_file *file)
{
    return file->bytes != NULL ? nw_secret_bytes(file->bytes) : nw_slice_of(NULL, 0);
}

static uint32_t client_policy(const struct gate_bundle *bundle)
{
    const struct nw_conf_clients *clients = &bundle->listen->tls.clients;
    if (!nw_conf_is_given(&clients->block))
        return 0;
    uint64_t hash = nw_hash_fast(bytes_of(&bundle->ca), clients->require ? 1 : 2);
    uint32_t policy = (uint32_t)(hash ^ hash >> 32);
    return policy != 0 ? policy : 1;
}

/* The keys of a listener's tickets, for the caller to unref; NULL: off. */
static nw_err make_tickets(const struct gate_bundle *bundle, const struct gate_tls_world *world,
                           struct nw_text *why, struct nw_tls_tickets **out)
{
    *out = NULL;
    switch (bundle->listen->tls.tickets.kind) {
    case NW_CONF_TICKETS_OFF: return NW_OK;
    case NW_CONF_TICKETS_AUTO:
        if (world->tickets != NULL)
            *out = nw_tls_tickets_ref(world->tickets);
        return NW_OK;
    case NW_CONF_TICKETS_FILE: break;
    }
    nw_err err = nw_tls_tickets_new(bytes_of(&bundle->tickets), why, out);
    return err;
}

static nw_err make_offer(struct gate_bundle *bundle, const struct gate_tls_world *world,
                         struct nw_text *why, const char **out_option)
{
    const struct nw_conf_listen_tls *tls = &bundle->listen->tls;
    struct nw_tls_tickets *tickets;
    *out_option = "tickets";
    NW_TRY(make_tickets(bundle, world, why, &tickets));
    struct nw_tls_identity **identities =
        nw_alloc_array(bundle->pair_count, sizeof(struct nw_tls_identity *));
    for (unsigned i = 0; i < bundle->pair_count; i++)
        identities[i] = bundle->pairs[i].identity;
    struct nw_tls_server_spec spec = {
        .identities = identities,
        .identity_count = bundle->pair_count,
        .policy = tls->policy == NW_CONF_TLS_MODERN ? NW_TLS_MODERN : NW_TLS_INTERMEDIATE,
        .refuses_unknown_name = tls->unknown_name == NW_CONF_UNKNOWN_NAME_REFUSE,
        .tickets = tickets,
        .client_ca_pem = bytes_of(&bundle->ca),
        .needs_client_certificate = nw_conf_is_given(&tls->clients.block) && tls->clients.require,
        .has_h2 = bundle->listen->h2.streams > 0,
    };
    struct nw_tls_server *server = NULL;
    *out_option = nw_conf_is_given(&tls->clients.block) ? "ca" : NULL;
    nw_err err = nw_tls_server_new(&spec, why, &server);
    nw_free(identities);
    nw_tls_tickets_unref(tickets);
    NW_TRY(err);
    struct gate_offer *offer = nw_alloc_zero(sizeof *offer);
    atomic_init(&offer->refs, 1);
    offer->server = server;
    offer->clients = client_policy(bundle);
    atomic_store(&bundle->offer, offer);
    return NW_OK;
}

static nw_err make_client(struct gate_bundle *bundle, struct nw_text *why, const char **out_option)
{
    const struct nw_conf_service_tls *tls = &bundle->service->tls;
    struct nw_tls_client_spec spec = {
        .ca_pem = bytes_of(&bundle->ca),
        .name = tls->name,
        .identity = bundle->pair_count > 0 ? bundle->pairs[0].identity : NULL,
        .is_unverified = !tls->verify,
        .has_h2 = nw_conf_is_multiplexed(bundle->service),
    };
    *out_option = "ca";
    return nw_tls_client_new(&spec, why, &bundle->client);
}

static nw_err make_product(struct gate_bundle *bundle, const struct gate_tls_world *world,
                           struct nw_text *why, const char **out_option)
{
    return bundle->listen != NULL ? make_offer(bundle, world, why, out_option)
                                  : make_client(bundle, why, out_option);
}

/* ---- the first time ---- */

static bool load_pair(struct gate_bundle *bundle, struct gate_pair *pair,
                      const struct gate_tls_world *world, struct nw_diag *diag)
{
    struct found found = {0};
    struct nw_tls_identity *identity = NULL;
    nw_err err = find(pair, world->outside, &found);
    if (err == NW_OK)
        err = judge(pair, &found, world->now_s, &identity);
    if (err == NW_OK)
        accept_pair(pair, identity, world->now_s);
    if (err == NW_OK && pair->unstapled[0] != '\0')
        nw_conf_warn(bundle->conf, pair->block, "certificate", NULL, diag,
                     "the OCSP answer beside it is left out: %s", pair->unstapled);
    if (err != NW_OK)
        nw_conf_blame(bundle->conf, pair->block, found.option, NULL, diag, "%s", found.why.ptr);
    pair->seen = found.seen;
    found_done(&found);
    return err == NW_OK;
}

static const struct nw_conf_block *ca_block(const struct gate_bundle *bundle)
{
    return bundle->listen != NULL ? &bundle->listen->tls.clients.block
                                  : &bundle->service->tls.block;
}

static bool load_file(struct gate_bundle *bundle, struct gate_tls_file *file,
                      const struct nw_conf_block *block, const char *option,
                      const struct gate_tls_world *world, struct nw_diag *diag)
{
    struct nw_text why = {0};
    if (file->path.len == 0)
        return true;
    nw_err err = read_file(world->outside, file->path.ptr, &why, &file->bytes);
    if (err == NW_OK)
        file->seen = hash_of(file->bytes, 3);
    else
        nw_conf_blame(bundle->conf, block, option, NULL, diag, "%s", why.ptr);
    nw_text_done(&why);
    return err == NW_OK;
}

static const struct nw_conf_block *block_of(const struct gate_bundle *bundle)
{
    return bundle->listen != NULL ? &bundle->listen->tls.block : &bundle->service->tls.block;
}

/* What the files are together cannot be used; the one behind `option` is to blame. */
static void blame_product(const struct gate_bundle *bundle, const char *option, const char *why,
                          struct nw_diag *diag)
{
    bool is_ca = option != NULL && strcmp(option, "ca") == 0;
    bool is_tickets = option != NULL && strcmp(option, "tickets") == 0;
    struct nw_slice path = is_ca        ? bundle->ca.path
                           : is_tickets ? bundle->tickets.path
                                        : nw_slice_of(NULL, 0);
    nw_conf_blame(bundle->conf, is_ca ? ca_block(bundle) : block_of(bundle), option, NULL, diag,
                  "%.*s%s%s", NW_SLICE_ARG(path), path.len > 0 ? ": " : "", why);
}

/* A pair that is missing was blamed when the options were read: once is enough. */
static bool is_blamed_already(const struct gate_bundle *bundle, const struct nw_diag *diag)
{
    return bundle->listen != NULL && bundle->pair_count == 0 && diag->error_count > 0;
}

nw_err gate_bundle_load(struct gate_bundle *bundle, const struct gate_tls_world *world,
                        struct nw_diag *diag)
{
    bool is_whole = true;
    for (unsigned i = 0; i < bundle->pair_count; i++)
        is_whole &= load_pair(bundle, &bundle->pairs[i], world, diag);
    is_whole &= load_file(bundle, &bundle->ca, ca_block(bundle), "ca", world, diag);
    is_whole &= load_file(bundle, &bundle->tickets, block_of(bundle), "tickets", world, diag);
    if (!is_whole || is_blamed_already(bundle, diag))
        return NW_INVALID;
    struct nw_text why = {0};
    const char *option = NULL;
    nw_err err = make_product(bundle, world, &why, &option);
    if (err != NW_OK)
        blame_product(bundle, option, why.len > 0 ? why.ptr : nw_err_text(err), diag);
    nw_text_done(&why);
    return err == NW_OK ? NW_OK : NW_INVALID;
}

/* ---- again ---- */

static void refuse_pair(struct gate_pair *pair, const char *why, int64_t now_s)
{
    pair->refused_s = now_s;
    snprintf(pair->refused, sizeof pair->refused, "%s", why);
}

/* True: the files hold something else than the last time; *out_is_new: it is good. */
static bool again_pair(struct gate_pair *pair, const struct gate_tls_world *world,
                       bool *out_is_new)
{
    struct found found = {0};
    struct nw_tls_identity *identity = NULL;
    nw_err err = find(pair, world->outside, &found);
    bool is_changed = found.seen != pair->seen;
    pair->seen = found.seen;
    if (is_changed && err == NW_OK)
        err = judge(pair, &found, world->now_s, &identity);
    if (is_changed && err == NW_OK) {
        accept_pair(pair, identity, world->now_s);
        *out_is_new = true;
    } else if (is_changed) {
        refuse_pair(pair, found.why.ptr, world->now_s);
    }
    found_done(&found);
    return is_changed;
}

/* As again_pair; whether the bytes are good shows when the product is made of them. */
static bool again_file(struct gate_tls_file *file, const struct gate_tls_world *world,
                       bool *out_is_new)
{
    struct nw_text why = {0};
    struct nw_secret *bytes = NULL;
    if (file->path.len == 0)
        return false;
    nw_err err = read_file(world->outside, file->path.ptr, &why, &bytes);
    uint64_t seen = err == NW_OK ? hash_of(bytes, 3) : nw_hash_fast(nw_text_slice(&why), 1);
    bool is_changed = seen != file->seen;
    file->seen = seen;
    if (is_changed && err == NW_OK) {
        nw_secret_free(file->bytes);
        file->bytes = NW_TAKE(bytes);
        file->refused[0] = '\0';
        *out_is_new = true;
    } else if (is_changed) {
        snprintf(file->refused, sizeof file->refused, "%s", why.ptr);
    }
    nw_secret_free(bytes);
    nw_text_done(&why);
    return is_changed;
}

static void copy_file(const struct gate_tls_file *from, struct gate_tls_file *to)
{
    *to = *from;
    if (from->bytes != NULL)
        to->bytes = nw_secret_new(nw_secret_bytes(from->bytes));
}

static void copy(const struct gate_bundle *from, struct gate_bundle *to)
{
    *to = (struct gate_bundle){
        .conf = from->conf,
        .listen = from->listen,
        .service = from->service,
        .pair_count = from->pair_count,
        .pairs = nw_alloc_array(from->pair_count + 1, sizeof *to->pairs),
    };
    for (unsigned i = 0; i < from->pair_count; i++) {
        to->pairs[i] = from->pairs[i];
        to->pairs[i].expiry = NULL;
        nw_tls_identity_ref(to->pairs[i].identity);
    }
    copy_file(&from->ca, &to->ca);
    copy_file(&from->tickets, &to->tickets);
}

/* The product could not be made because of a file: its bytes in force stay. */
static void keep_file(const struct gate_tls_file *before, const char *why,
                      struct gate_tls_file *file)
{
    uint64_t seen = file->seen;
    nw_secret_free(file->bytes);
    copy_file(before, file);
    file->seen = seen;
    snprintf(file->refused, sizeof file->refused, "%s: %s", file->path.ptr, why);
}

/* Pairs are good when they come here; a file that is not is left out, and the rest made without. */
static void again_product(const struct gate_bundle *bundle, const struct gate_tls_world *world,
                          struct gate_bundle *next)
{
    enum { FILES = 2 };
    nw_err err = NW_INVALID;
    for (int i = 0; err != NW_OK && i <= FILES; i++) {
        struct nw_text why = {0};
        const char *option = NULL;
        err = make_product(next, world, &why, &option);
        bool is_tickets = option != NULL && strcmp(option, "tickets") == 0;
        if (err != NW_OK)
            keep_file(is_tickets ? &bundle->tickets : &bundle->ca,
                      why.len > 0 ? why.ptr : nw_err_text(err),
                      is_tickets ? &next->tickets : &next->ca);
        nw_text_done(&why);
    }
    NW_ASSERT(err == NW_OK); /* the files in force made one before */
}

bool gate_bundle_again(const struct gate_bundle *bundle, const struct gate_tls_world *world,
                       struct gate_bundle *next)
{
    copy(bundle, next);
    bool is_changed = false, is_new = false;
    for (unsigned i = 0; i < next->pair_count; i++)
        is_changed |= again_pair(&next->pairs[i], world, &is_new);
    is_changed |= again_file(&next->ca, world, &is_new);
    is_changed |= again_file(&next->tickets, world, &is_new);
    if (is_new)
        again_product(bundle, world, next);
    return is_changed;
}

void gate_bundle_done(struct gate_bundle *bundle, bool is_heap)
{
    for (unsigned i = 0; i < bundle->pair_count; i++)
        nw_tls_identity_unref(bundle->pairs[i].identity);
    nw_secret_free(bundle->ca.bytes);
    nw_secret_free(bundle->tickets.bytes);
    gate_offer_unref(atomic_load(&bundle->offer));
    nw_tls_client_unref(bundle->client);
    if (is_heap)
        nw_free(bundle->pairs);
}
