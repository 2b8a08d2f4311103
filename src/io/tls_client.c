/*
 * What a service asks of its nodes: whom we trust, by which name, and what we resume.
 *
 * A session is only resumed under what it was verified for: the same trust, name, credentials, host
 * and node. A TLS 1.3 ticket is used once (RFC 8446, C.4).
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "io/tls_impl.h"

enum { HOST_MAX_BYTES = 255 };

struct nw_tls_client {
    _Atomic unsigned refs;
    struct nw_tls_life *life;
    struct nw_tls_client_spec spec; /* with pointers of its own */
    char *ca;
    char *name;
    uint64_t key;
};

struct own_client {
    struct nw_tls_made made;
    SSL_CTX *context;
};

/* ---- the object ---- */

static uint64_t digest(const struct nw_tls_client_spec *spec)
{
    uint8_t parts[32 * 3 + 2] = {0}, out[32];
    uint64_t key;
    nw_tls_sha256(spec->ca_pem.ptr, spec->ca_pem.len, parts);
    nw_tls_sha256(spec->name.ptr, spec->name.len, parts + 32);
    if (spec->identity != NULL)
        nw_tls_sha256(nw_tls_identity_info(spec->identity)->sha256, 64, parts + 64);
    parts[96] = spec->is_unverified;
    parts[97] = spec->has_h2;
    nw_tls_sha256(parts, sizeof parts, out);
    memcpy(&key, out, sizeof key);
    return key;
}

nw_err nw_tls_client_new(const struct nw_tls_client_spec *spec, struct nw_text *why,
                         struct nw_tls_client **out)
{
    if (!nw_tls_pem_check(spec->ca_pem, why))
        return NW_INVALID;
    if (spec->name.len > HOST_MAX_BYTES) {
        nw_text_add_str(why, "the name is too long");
        return NW_INVALID;
    }
    struct nw_tls_client *client = nw_alloc_zero(sizeof *client);
    atomic_init(&client->refs, 1);
    client->life = nw_tls_life_new();
    client->spec = *spec;
    client->ca = nw_alloc_string(spec->ca_pem);
    client->name = nw_alloc_string(spec->name);
    client->spec.ca_pem.ptr = client->ca;
    client->spec.name.ptr = client->name;
    if (spec->identity != NULL)
        client->spec.identity = nw_tls_identity_ref(spec->identity);
    client->key = digest(spec);
    *out = client;
    return NW_OK;
}

struct nw_tls_client *nw_tls_client_ref(struct nw_tls_client *client)
{
    atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
    return client;
}

void nw_tls_client_unref(struct nw_tls_client *client)
{
    if (client == NULL || atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) != 1)
        return;
    nw_tls_identity_unref(client->spec.identity);
    nw_free(client->ca);
    nw_free(client->name);
    nw_tls_life_end(client->life);
    nw_free(client);
}

uint64_t nw_tls_client_key(const struct nw_tls_client *client)
{
    return client->key;
}

/* ---- sessions to resume ---- */

struct session {
    struct nw_list node;
    uint64_t key;
    SSL_SESSION *session;
};

static void session_drop(struct nw_tls_worker *worker, struct session *session)
{
    nw_list_remove(&session->node);
    worker->session_count--;
    SSL_SESSION_free(session->session);
    nw_free(session);
}

void nw_tls_client_sessions_free(struct nw_tls_worker *worker)
{
    while (!nw_list_is_empty(&worker->sessions))
        session_drop(worker, NW_CONTAINER_OF(worker->sessions.next, struct session, node));
}

/* The newest under this key; it leaves, unless its protocol lets it be used again. */
static void resume(struct nw_tls_worker *worker, struct nw_tls *tls)
{
    for (struct nw_list *at = worker->sessions.prev; at != &worker->sessions; at = at->prev) {
        struct session *session = NW_CONTAINER_OF(at, struct session, node);
        if (session->key != tls->session_key)
            continue;
        if (nw_worker_self()->backend->is_simulated) /* its age is told: none, in each run */
            (void)SSL_SESSION_set_time(session->session, (long)time(NULL));
        (void)SSL_set_session(tls->ssl, session->session);
        if (SSL_SESSION_get_protocol_version(session->session) == TLS1_3_VERSION)
            session_drop(worker, session);
        return;
    }
}

/*
 * A copy is kept: OpenSSL marks the connection's own one as not to be resumed when the connection
 * ends without goodbyes, which says nothing about a ticket (RFC 8446 section 6.1).
 */
static int on_session(SSL *ssl, SSL_SESSION *given)
{
    (void)ssl;
    struct nw_tls_worker *worker = nw_tls_worker();
    SSL_SESSION *copy = SSL_SESSION_is_resumable(given) ? SSL_SESSION_dup(given) : NULL;
    if (copy == NULL)
        return 0;
    if (worker->session_count == NW_TLS_SESSIONS_MAX)
        session_drop(worker, NW_CONTAINER_OF(worker->sessions.next, struct session, node));
    struct session *session = nw_alloc_zero(sizeof *session);
    session->key = worker->current->session_key;
    session->session = copy;
    nw_list_push_back(&worker->sessions, &session->node);
    worker->session_count++;
    return 0; /* its own one is not ours */
}

/* ---- a worker's context ---- */

static void own_free(struct nw_tls_made *made)
{
    struct own_client *own = NW_CONTAINER_OF(made, struct own_client, made);
    SSL_CTX_free(own->context);
    nw_free(own);
}

static bool trust(const struct nw_tls_client *client, SSL_CTX *context)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    SSL_CTX_set_verify(context, client->spec.is_unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    if (client->spec.ca_pem.len == 0) {
        nw_tls_roots_use(store);
        return true;
    }
    struct nw_text why = {0};
    STACK_OF(X509) *all = nw_tls_pem_read(nw_tls_worker()->lib, client->spec.ca_pem, &why);
    nw_text_done(&why);
    bool is_good = all != NULL;
    for (int i = 0; is_good && i < sk_X509_num(all); i++)
        is_good = X509_STORE_add_cert(store, sk_X509_value(all, i)) == 1;
    sk_X509_pop_free(all, X509_free);
    return is_good;
}

static bool set_up(const struct nw_tls_client *client, SSL_CTX *context)
{
    const char *protocols = client->spec.has_h2 ? "\x02h2" : "\x08http/1.1";
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT |
                                                      SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    if (SSL_CTX_set_alpn_protos(context, (const unsigned char *)protocols,
                                (unsigned)strlen(protocols)) != 0)
        return false;
    if (client->spec.identity != NULL) {
        const struct nw_tls_own_identity *own = nw_tls_identity_own(client->spec.identity);
        if (own == NULL ||
            SSL_CTX_use_cert_and_key(context, own->leaf, own->key, own->chain, 1) != 1)
            return false;
    }
    return trust(client, context);
}

SSL_CTX *nw_tls_client_context(struct nw_tls_client *client)
{
    struct nw_tls_made *made = nw_tls_made_get(client->life);
    if (made != NULL)
        return NW_CONTAINER_OF(made, struct own_client, made)->context;
    SSL_CTX *context = nw_tls_context_new(nw_tls_worker()->lib, TLS_client_method(), false);
    if (context == NULL)
        return NULL;
    struct own_client *own = nw_alloc_zero(sizeof *own);
    own->made.free = own_free;
    own->context = context;
    if (!set_up(client, context)) {
        own_free(&own->made);
        return NULL;
    }
    nw_tls_made_put(client->life, &own->made);
    return context;
}

/* ---- one connection ---- */

/* Zero-terminated, without the brackets of an IPv6 address and without a last dot. */
static bool copy_host(struct nw_slice host, char out[HOST_MAX_BYTES + 1])
{
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = nw_slice_of(host.ptr + 1, host.len - 2);
    if (host.len > 1 && host.ptr[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len > HOST_MAX_BYTES || memchr(host.ptr, 0, host.len) != NULL)
        return false;
    memcpy(out, host.ptr, host.len);
    out[host.len] = 0;
    return true;
}

static uint64_t key_of(const struct nw_tls_client *client, const char *host, uint64_t peer_key)
{
    uint8_t parts[HOST_MAX_BYTES + 16], out[32];
    size_t bytes = strlen(host);
    uint64_t key;
    memcpy(parts, &client->key, 8);
    memcpy(parts + 8, &peer_key, 8);
    memcpy(parts + 16, host, bytes);
    nw_tls_sha256(parts, 16 + bytes, out);
    memcpy(&key, out, sizeof key);
    return key;
}

bool nw_tls_client_prepare(struct nw_tls *tls, struct nw_slice host, uint64_t peer_key)
{
    const struct nw_tls_client *client = tls->client;
    char name[HOST_MAX_BYTES + 1];
    if (!copy_host(client->spec.name.len > 0 ? client->spec.name : host, name))
        return false;
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool is_ip = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    ERR_clear_error();
    if (!is_ip && (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1 ||
                   SSL_set_tlsext_host_name(tls->ssl, name) != 1))
        return false;
    tls->session_key = key_of(client, name, peer_key);
    resume(nw_tls_worker(), tls);
    return true;
}
