/*
 * tls_kit.h - certificates made on the spot, and two streams that speak TLS to each other.
 *
 * Both ends live in one worker: the server's handshake runs in a child fiber, the client's in the
 * caller's.
 */
#ifndef NW_TEST_IO_TLS_KIT_H
#define NW_TEST_IO_TLS_KIT_H

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "io/tls.h"
#include "loopback.h"

#define KIT_NOW_S ((int64_t)time(NULL))
enum { KIT_DAY_S = 86400 };

/* A key and its certificate, as PEM. */
struct cert {
    char *pem;
    char *key_pem;
    EVP_PKEY *key;
    X509 *x509;
};

/* What is asked of one; zeros are sensible. */
struct cert_want {
    const char *cn;
    const char *names;  /* "DNS:a.example,IP:127.0.0.1"; NULL: none */
    const struct cert *by; /* NULL: itself */
    const char *key;    /* "P-256", "P-384", "RSA-2048", "RSA-1024", "ED25519" */
    int64_t ends_in_s;  /* 0: 30 days */
    bool is_ca;
};

NW_UNUSED static EVP_PKEY *kit_key(const char *kind)
{
    if (strncmp(kind, "RSA-", 4) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(kind + 4));
    if (strcmp(kind, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
}

static char *kit_take_text(BIO *bio)
{
    char *ptr;
    long bytes = BIO_get_mem_data(bio, &ptr);
    char *text = strndup(ptr, (size_t)bytes);
    BIO_free(bio);
    return text;
}

static void kit_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(extension != NULL && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

NW_UNUSED static struct cert cert_make(struct cert_want want)
{
    static long serial;
    struct cert cert = {.key = kit_key(want.key != NULL ? want.key : "P-256"), .x509 = X509_new()};
    X509 *issuer = want.by != NULL ? want.by->x509 : cert.x509;
    X509_set_version(cert.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.x509), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert.x509), -2 * KIT_DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert.x509),
                    want.ends_in_s != 0 ? (long)want.ends_in_s : 30 * KIT_DAY_S);
    X509_set_pubkey(cert.x509, cert.key);
    X509_NAME *name = X509_get_subject_name(cert.x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)want.cn, -1, -1, 0);
    X509_set_issuer_name(cert.x509, X509_get_subject_name(issuer));
    kit_extend(cert.x509, issuer, NID_basic_constraints,
               want.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (want.names != NULL)
        kit_extend(cert.x509, issuer, NID_subject_alt_name, want.names);
    EVP_PKEY *signer = want.by != NULL ? want.by->key : cert.key;
    const EVP_MD *digest = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    CHECK(X509_sign(cert.x509, signer, digest) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_X509(bio, cert.x509) == 1);
    cert.pem = kit_take_text(bio);
    bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_PrivateKey(bio, cert.key, NULL, NULL, 0, NULL, NULL) == 1);
    cert.key_pem = kit_take_text(bio);
    return cert;
}

NW_UNUSED static void cert_free(struct cert *cert)
{
    free(cert->pem);
    free(cert->key_pem);
    EVP_PKEY_free(cert->key);
    X509_free(cert->x509);
}

NW_UNUSED static struct nw_tls_identity *identity_of(const struct cert *cert)
{
    struct nw_text why = {0};
    struct nw_tls_identity *identity = NULL;
    nw_err err = nw_tls_identity_new(nw_slice_str(cert->pem), nw_slice_str(cert->key_pem),
                                     nw_slice_of(NULL, 0), KIT_NOW_S, &why, &identity);
    if (err != NW_OK)
        fprintf(stderr, "identity: %s\n", why.ptr);
    CHECK_OK(err);
    nw_text_done(&why);
    return identity;
}

NW_UNUSED static struct nw_tls_server *server_of(const struct nw_tls_server_spec *spec)
{
    struct nw_text why = {0};
    struct nw_tls_server *server = NULL;
    CHECK_OK(nw_tls_server_new(spec, &why, &server));
    nw_text_done(&why);
    return server;
}

NW_UNUSED static struct nw_tls_client *client_of(const struct nw_tls_client_spec *spec)
{
    struct nw_text why = {0};
    struct nw_tls_client *client = NULL;
    CHECK_OK(nw_tls_client_new(spec, &why, &client));
    nw_text_done(&why);
    return client;
}

/* ---- two ends ---- */

struct ends {
    struct nw_stream client;
    struct nw_stream server;
    nw_err client_err;
    nw_err server_err;
    const char *client_word;
    const char *server_word;
    /* for the child */
    struct nw_tls_server *accepts;
};

NW_UNUSED static void ends_open(struct ends *ends)
{
    int fds[2];
    *ends = (struct ends){0};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    nw_stream_init_accepted(&ends->client, &(struct nw_accepted){.fd = fds[0], .is_unix = true});
    nw_stream_init_accepted(&ends->server, &(struct nw_accepted){.fd = fds[1], .is_unix = true});
}

NW_UNUSED static void ends_accept(void *arg)
{
    struct ends *ends = arg;
    ends->server_err = nw_io_tls_accept(&ends->server, ends->accepts, NULL);
    ends->server_word = nw_tls_trouble()->word;
    if (ends->server_err != NW_OK)
        nw_stream_close(&ends->server);
}

/* Both handshakes; what came of them is in `ends`. */
NW_UNUSED static void ends_shake(struct ends *ends, struct nw_tls_server *server,
                                 struct nw_tls_client *client, const char *host)
{
    struct nw_scope scope;
    struct nw_fiber *fiber;
    ends->accepts = server;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "server", ends_accept, ends, &fiber));
    ends->client_err = nw_io_tls_connect(&ends->client, client, nw_slice_str(host), 1);
    ends->client_word = nw_tls_trouble()->word;
    if (ends->client_err != NW_OK)
        nw_stream_close(&ends->client);
    CHECK_OK(nw_scope_join(&scope));
}

NW_UNUSED static void ends_close(struct ends *ends)
{
    nw_stream_close(&ends->client);
    nw_stream_close(&ends->server);
}

#endif
