/*
 * What a listener offers, and how a ClientHello picks from it.
 *
 * One SSL_CTX per server and worker. Which certificate answers is decided in the ClientHello
 * callback, on the session itself: a context per certificate would cost some 50 KiB each, and the
 * callback runs before a ticket is looked at (the SNI callback comes after). There the session id
 * context is set too: a digest of the certificate, of the client policy and of the TLS policy. A
 * ticket is sealed with it, so one that was given under another name or to another listener is
 * answered with a full handshake and never slips past a client certificate (CVE-2025-23419).
 */
#include <ctype.h>
#include <limits.h>
#include <openssl/err.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/planted.h"
#include "io/clock.h"
#include "io/tls_impl.h"

enum { NAME_MAX_BYTES = 255, TICKET_LIFE_S = 12 * 3600 };

/* The identities that a name has, one of each kind of key; NULL where there is none. */
struct entry {
    struct nw_tls_identity *by_kind[NW_TLS_KEY_KINDS];
};

struct nw_tls_server {
    _Atomic unsigned refs;
    struct nw_tls_life *life;
    struct nw_tls_server_spec spec; /* with pointers of its own */
    struct nw_map names;            /* to struct entry; wildcards as "*.example.com" */
    struct entry first;
    char *client_ca;
    uint8_t policy_digest[32]; /* of what a ticket must not cross */
};

struct own_server {
    struct nw_tls_made made;
    SSL_CTX *context;
};

/* ---- names ---- */

static struct entry *entry_of(struct nw_tls_server *server, const char *name)
{
    struct entry *entry = nw_map_get(&server->names, nw_slice_str(name));
    if (entry == NULL) {
        entry = nw_alloc_zero(sizeof *entry);
        (void)nw_map_put(&server->names, nw_slice_str(name), entry);
    }
    return entry;
}

static void enter_names(struct nw_tls_server *server, struct nw_tls_identity *identity)
{
    const struct nw_tls_identity_info *info = nw_tls_identity_info(identity);
    nw_tls_key_kind kind = nw_tls_identity_kind(identity);
    for (unsigned i = 0; i < info->name_count; i++) {
        struct entry *entry = entry_of(server, info->names[i]);
        if (entry->by_kind[kind] == NULL)
            entry->by_kind[kind] = identity;
    }
}

/* Exact, else the wildcard for exactly one label. */
static const struct entry *entry_find(const struct nw_tls_server *server, struct nw_slice name)
{
    const struct entry *entry = nw_map_get(&server->names, name);
    size_t dot = nw_slice_find(name, '.');
    if (entry != NULL || dot == 0 || dot >= name.len || name.len > NAME_MAX_BYTES)
        return entry;
    char wildcard[NAME_MAX_BYTES + 1] = "*";
    memcpy(wildcard + 1, name.ptr + dot, name.len - dot);
    return nw_map_get(&server->names, nw_slice_of(wildcard, 1 + name.len - dot));
}

bool nw_tls_server_has_name(const struct nw_tls_server *server, struct nw_slice name)
{
    return entry_find(server, name) != NULL;
}

/* ---- the object ---- */

static void digest_policy(struct nw_tls_server *server)
{
    uint8_t parts[32 + 2] = {0};
    nw_tls_sha256(server->client_ca, server->spec.client_ca_pem.len, parts);
    parts[32] = server->spec.needs_client_certificate;
    parts[33] = (uint8_t)server->spec.policy;
    nw_tls_sha256(parts, sizeof parts, server->policy_digest);
}

nw_err nw_tls_server_new(const struct nw_tls_server_spec *spec, struct nw_text *why,
                         struct nw_tls_server **out)
{
    if (spec->identity_count == 0) {
        nw_text_add_str(why, "there is no certificate");
        return NW_INVALID;
    }
    if (!nw_tls_pem_check(spec->client_ca_pem, why))
        return NW_INVALID;
    struct nw_tls_server *server = nw_alloc_zero(sizeof *server);
    atomic_init(&server->refs, 1);
    server->life = nw_tls_life_new();
    server->spec = *spec;
    server->client_ca = nw_alloc_string(spec->client_ca_pem);
    server->spec.client_ca_pem.ptr = server->client_ca;
    struct nw_tls_identity **own = nw_alloc_array(spec->identity_count, sizeof(void *));
    server->spec.identities = own;
    nw_map_init(&server->names, (struct nw_hash_key){(uint64_t)(uintptr_t)server, 0});
    for (unsigned i = 0; i < spec->identity_count; i++) {
        own[i] = nw_tls_identity_ref(spec->identities[i]);
        enter_names(server, own[i]);
    }
    const struct nw_tls_identity_info *info = nw_tls_identity_info(own[0]);
    if (info->name_count > 0)
        server->first = *entry_of(server, info->names[0]);
    server->first.by_kind[nw_tls_identity_kind(own[0])] = own[0];
    if (spec->tickets != NULL)
        server->spec.tickets = nw_tls_tickets_ref(spec->tickets);
    digest_policy(server);
    *out = server;
    return NW_OK;
}

struct nw_tls_server *nw_tls_server_ref(struct nw_tls_server *server)
{
    atomic_fetch_add_explicit(&server->refs, 1, memory_order_relaxed);
    return server;
}

void nw_tls_server_unref(struct nw_tls_server *server)
{
    if (server == NULL || atomic_fetch_sub_explicit(&server->refs, 1, memory_order_acq_rel) != 1)
        return;
    size_t cursor = 0;
    const struct nw_map_entry *entry;
    while ((entry = nw_map_next(&server->names, &cursor)) != NULL)
        nw_free(entry->value);
    nw_map_done(&server->names);
    for (unsigned i = 0; i < server->spec.identity_count; i++)
        nw_tls_identity_unref(server->spec.identities[i]);
    nw_free((void *)(uintptr_t)server->spec.identities);
    nw_tls_tickets_unref(server->spec.tickets);
    nw_free(server->client_ca);
    nw_tls_life_end(server->life);
    nw_free(server);
}

bool nw_tls_server_asks_certificate(const struct nw_tls_server *server)
{
    return server->spec.client_ca_pem.len > 0;
}

struct nw_tls_tickets *nw_tls_server_tickets(const struct nw_tls_server *server)
{
    return server->spec.tickets;
}

/* ---- the ClientHello ---- */

static uint16_t u16_at(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/*
 * The one host name of the extension (RFC 6066, 3), lower case. False: malformed. An empty name:
 * none was sent.
 */
static bool parse_name(SSL *ssl, char out[NAME_MAX_BYTES + 1])
{
    const unsigned char *bytes;
    size_t count;
    out[0] = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &count) != 1)
        return true;
    if (count < 5 || u16_at(bytes) != count - 2 || bytes[2] != TLSEXT_NAMETYPE_host_name)
        return false;
    size_t name_bytes = u16_at(bytes + 3);
    if (name_bytes != count - 5 || name_bytes == 0 || name_bytes > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name_bytes; i++) {
        unsigned char byte = bytes[5 + i];
        if (!isalnum(byte) && byte != '-' && byte != '.' && byte != '_')
            return false;
        out[i] = (char)tolower(byte);
    }
    out[name_bytes] = 0;
    return true;
}

/* Does a list of 16-bit numbers behind `skip` bytes hold one of `wanted`? */
static bool has_u16(const unsigned char *bytes, size_t count, size_t skip, const uint16_t *wanted,
                    size_t wanted_count)
{
    for (size_t i = skip; i + 1 < count; i += 2)
        for (size_t j = 0; j < wanted_count; j++)
            if (u16_at(bytes + i) == wanted[j])
                return true;
    return false;
}

/* May this client be answered with a key of ours that is no RSA key? */
static bool can_verify(SSL *ssl, const struct nw_tls_identity *identity)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9};
    uint16_t scheme = nw_tls_identity_scheme(identity);
    const unsigned char *bytes;
    size_t count;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms, &bytes, &count) != 1 ||
        !has_u16(bytes, count, 2, &scheme, 1))
        return false;
    count = SSL_client_hello_get0_ciphers(ssl, &bytes);
    return has_u16(bytes, count, 0, suites, NW_COUNT(suites));
}

static struct nw_tls_identity *choose(SSL *ssl, const struct entry *entry)
{
    static const nw_tls_key_kind order[] = {NW_TLS_ECDSA, NW_TLS_ED25519};
    for (size_t i = 0; i < NW_COUNT(order); i++) {
        struct nw_tls_identity *identity = entry->by_kind[order[i]];
        if (identity != NULL && can_verify(ssl, identity))
            return identity;
    }
    for (int kind = NW_TLS_KEY_KINDS - 1; kind >= 0; kind--) /* RSA, or what there is */
        if (entry->by_kind[kind] != NULL &&
            (kind == NW_TLS_RSA || entry->by_kind[NW_TLS_RSA] == NULL))
            return entry->by_kind[kind];
    return NULL;
}

static bool takes_tickets(SSL *ssl)
{
    const unsigned char *bytes;
    size_t count; /* RFC 8446, 4.2.9: psk_dhe_ke is 1 */
    return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk_kex_modes, &bytes, &count) == 1 &&
           count > 1 && memchr(bytes + 1, 1, count - 1) != NULL;
}

/* What a ticket belongs to. */
static bool bind_tickets(const struct nw_tls_server *server, SSL *ssl,
                         const struct nw_tls_identity *identity)
{
    const char *sha256 = nw_tls_identity_info(identity)->sha256;
    uint8_t parts[32 + 64], sid[32];
    memcpy(parts, server->policy_digest, 32);
    memcpy(parts + 32, sha256, 64);
    if (NW_PLANTED(ticket_crosses_policy))
        memset(parts, 0, sizeof parts);
    nw_tls_sha256(parts, sizeof parts, sid);
    return SSL_set_session_id_context(ssl, sid, sizeof sid) == 1;
}

static int refuse(struct nw_tls *tls, const char *word, int *alert, int number)
{
    tls->trouble_word = word;
    *alert = number;
    return SSL_CLIENT_HELLO_ERROR;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
    (void)arg;
    struct nw_tls *tls = nw_tls_worker()->current;
    const struct nw_tls_server *server = tls->server;
    char name[NAME_MAX_BYTES + 1];
    tls->has_hello = true;
    if (!parse_name(ssl, name))
        return refuse(tls, "bad_name", alert, SSL_AD_DECODE_ERROR);
    const struct entry *entry = name[0] != 0 ? entry_find(server, nw_slice_str(name)) : NULL;
    if (entry == NULL && name[0] != 0 && server->spec.refuses_unknown_name)
        return refuse(tls, "unknown_name", alert, SSL_AD_UNRECOGNIZED_NAME);
    tls->identity = choose(ssl, entry != NULL ? entry : &server->first);
    const struct nw_tls_own_identity *own = nw_tls_identity_own(tls->identity);
    if (own == NULL || SSL_use_cert_and_key(ssl, own->leaf, own->key, own->chain, 1) != 1 ||
        !bind_tickets(server, ssl, tls->identity))
        return refuse(tls, "internal", alert, SSL_AD_INTERNAL_ERROR);
    tls->takes_tickets = takes_tickets(ssl);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static bool offers(const unsigned char *list, unsigned bytes, const char *protocol)
{
    size_t wanted = strlen(protocol);
    for (unsigned i = 0; i < bytes; i += 1U + list[i])
        if (list[i] == wanted && i + 1 + wanted <= bytes &&
            memcmp(list + i + 1, protocol, wanted) == 0)
            return true;
    return false;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                   const unsigned char *list, unsigned bytes, void *arg)
{
    (void)ssl, (void)arg;
    struct nw_tls *tls = nw_tls_worker()->current;
    const char *protocol = tls->server->spec.has_h2 && offers(list, bytes, "h2") ? "h2"
                           : offers(list, bytes, "http/1.1")                     ? "http/1.1"
                                                                                 : NULL;
    if (protocol == NULL) {
        tls->trouble_word = "alpn";
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = (const unsigned char *)protocol;
    *out_bytes = (unsigned char)strlen(protocol);
    return SSL_TLSEXT_ERR_OK;
}

static int on_status(SSL *ssl, void *arg)
{
    (void)arg;
    const struct nw_tls *tls = nw_tls_worker()->current;
    struct nw_slice answer = nw_tls_identity_ocsp(tls->identity, (int64_t)(nw_wall_ms() / 1000));
    void *copy = answer.len > 0 ? OPENSSL_memdup(answer.ptr, answer.len) : NULL;
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)answer.len);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- a worker's context ---- */

SSL_CTX *nw_tls_context_new(OSSL_LIB_CTX *lib, const SSL_METHOD *method, bool is_modern)
{
    static const char suites[] =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    static const char ciphers[] =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
    SSL_CTX *context = SSL_CTX_new_ex(lib, NULL, method);
    if (context == NULL)
        return NULL;
    bool is_good =
        SSL_CTX_set_min_proto_version(context, is_modern ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_ciphersuites(context, suites) == 1 &&
        SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
        SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
    SSL_CTX_set_security_level(context, 2); /* 112 bits: RSA 2048, no SHA-1 */
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_msg_callback(context, nw_tls_on_message);
    SSL_CTX_set_read_ahead(context, 1);
    (void)SSL_CTX_set_max_early_data(context, 0);
    if (is_good)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static void own_free(struct nw_tls_made *made)
{
    struct own_server *own = NW_CONTAINER_OF(made, struct own_server, made);
    SSL_CTX_free(own->context);
    nw_free(own);
}

/* The authorities and, for the client to choose by, their names. */
static bool ask_clients(const struct nw_tls_server *server, SSL_CTX *context)
{
    struct nw_text why = {0};
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    STACK_OF(X509) *all =
        nw_tls_pem_read(nw_tls_worker()->lib, server->spec.client_ca_pem, &why);
    nw_text_done(&why);
    bool is_good = all != NULL;
    for (int i = 0; is_good && i < sk_X509_num(all); i++)
        is_good = X509_STORE_add_cert(store, sk_X509_value(all, i)) == 1 &&
                  SSL_CTX_add_client_CA(context, sk_X509_value(all, i)) == 1;
    sk_X509_pop_free(all, X509_free);
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | (server->spec.needs_client_certificate
                                              ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                              : 0),
                       NULL);
    return is_good;
}

/* OpenSSL dates tickets by the real clock: a simulation's have none, or no two runs were alike. */
static int on_ticket(SSL *ssl, void *arg)
{
    (void)arg;
    return (int)SSL_SESSION_set_time(SSL_get_session(ssl), 1);
}

static bool set_up(const struct nw_tls_server *server, SSL_CTX *context)
{
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(context, 0); /* ours goes with the first answer */
    (void)SSL_CTX_set_timeout(context, TICKET_LIFE_S);
    if (nw_worker_self()->backend->is_simulated) {
        (void)SSL_CTX_set_timeout(context, LONG_MAX / 2);
        (void)SSL_CTX_set_session_ticket_cb(context, on_ticket, NULL, NULL);
    }
    if (server->spec.tickets == NULL)
        (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    else if (SSL_CTX_set_tlsext_ticket_key_evp_cb(context, nw_tls_tickets_key) != 1)
        return false;
    SSL_CTX_set_client_hello_cb(context, on_hello, NULL);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    (void)SSL_CTX_set_tlsext_status_cb(context, on_status);
    return !nw_tls_server_asks_certificate(server) || ask_clients(server, context);
}

SSL_CTX *nw_tls_server_context(struct nw_tls_server *server)
{
    struct nw_tls_made *made = nw_tls_made_get(server->life);
    if (made != NULL)
        return NW_CONTAINER_OF(made, struct own_server, made)->context;
    SSL_CTX *context = nw_tls_context_new(nw_tls_worker()->lib, TLS_server_method(),
                                          server->spec.policy == NW_TLS_MODERN);
    if (context == NULL)
        return NULL;
    struct own_server *own = nw_alloc_zero(sizeof *own);
    own->made.free = own_free;
    own->context = context;
    if (!set_up(server, context)) {
        own_free(&own->made);
        return NULL;
    }
    nw_tls_made_put(server->life, &own->made);
    return context;
}
