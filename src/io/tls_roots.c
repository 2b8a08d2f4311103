/*
 * The roots that the system trusts.
 *
 * They are read and cut into DER once per process; a worker parses those that its chains really end
 * in, when they do, into the store of its own context. A store with all of them would weigh 0.7 MiB
 * per worker and service, and certificates that workers share have a lock each.
 *
 * The one mutable static here is written once, before or by the first who asks.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "io/tls_impl.h"

enum { ROOTS_MAX = 4096 };

struct root {
    unsigned long subject_hash;
    unsigned char *der;
    int der_bytes;
};

/* Written once, then read only. */
static struct {
    pthread_once_t once;
    struct root *roots;
    unsigned count;
} system_roots = {.once = PTHREAD_ONCE_INIT};

static void read_roots(BIO *bio)
{
    X509 *certificate;
    while (system_roots.count < ROOTS_MAX &&
           (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        struct root *root = &system_roots.roots[system_roots.count];
        root->der = NULL;
        root->der_bytes = i2d_X509(certificate, &root->der);
        root->subject_hash = X509_subject_name_hash(certificate);
        system_roots.count += root->der_bytes > 0;
        X509_free(certificate);
    }
}

static void load_roots(void)
{
    const char *path = getenv("SSL_CERT_FILE");
    BIO *bio = BIO_new_file(path != NULL ? path : "/etc/ssl/certs/ca-certificates.crt", "r");
    if (bio != NULL) {
        system_roots.roots = nw_alloc_array(ROOTS_MAX, sizeof *system_roots.roots);
        read_roots(bio);
        system_roots.roots = nw_realloc(system_roots.roots,
                                        (system_roots.count + 1) * sizeof *system_roots.roots);
    }
    BIO_free(bio);
    ERR_clear_error();
}

nw_err nw_tls_prepare(void)
{
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NW_NO_MEMORY;
    pthread_once(&system_roots.once, load_roots);
    return NW_OK;
}

/* Puts the roots of this subject into the store; those that are there already stay single. */
static void add_roots(X509_STORE *store, const X509_NAME *subject)
{
    OSSL_LIB_CTX *lib = nw_tls_worker()->lib;
    unsigned long hash = X509_NAME_hash_ex(subject, lib, NULL, NULL);
    for (unsigned i = 0; i < system_roots.count; i++) {
        const struct root *root = &system_roots.roots[i];
        if (root->subject_hash != hash)
            continue;
        const unsigned char *at = root->der;
        X509 *certificate = X509_new_ex(lib, NULL);
        if (d2i_X509(&certificate, &at, root->der_bytes) != NULL)
            (void)X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
    }
}

static int on_issuer(X509 **out, X509_STORE_CTX *verifying, X509 *certificate)
{
    int found = X509_STORE_CTX_get1_issuer(out, verifying, certificate);
    if (found == 1)
        return found;
    add_roots(X509_STORE_CTX_get0_store(verifying), X509_get_issuer_name(certificate));
    return X509_STORE_CTX_get1_issuer(out, verifying, certificate);
}

void nw_tls_roots_use(X509_STORE *store)
{
    pthread_once(&system_roots.once, load_roots);
    X509_STORE_set_get_issuer(store, on_issuer);
}
