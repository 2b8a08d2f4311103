/*
 * A certificate chain and its key: judged once when read, then kept as plain bytes.
 *
 * The parsed forms belong to workers (tls_worker.c): a key that several library contexts share is
 * exported into each behind a lock that every signature takes. What is kept here is DER, of the key
 * as a secret; the PEM texts are the caller's, and OpenSSL wipes its own copies.
 */
#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/secret.h"
#include "io/fiber.h"
#include "io/tls_impl.h"

enum { RSA_MIN_BITS = 2048, CHAIN_MAX = 16, NAME_MAX_BYTES = 256 };

struct der {
    unsigned char *ptr;
    int len;
};

struct nw_tls_identity {
    _Atomic unsigned refs;
    struct nw_tls_life *life;
    struct nw_tls_identity_info info;
    char **names;
    char *subject;
    char *issuer;
    char key_type[32];
    nw_tls_key_kind kind;
    uint16_t scheme;
    struct der certificates[CHAIN_MAX]; /* the leaf first */
    unsigned certificate_count;
    struct nw_secret *key; /* DER */
    char *ocsp;
    size_t ocsp_bytes;
    int64_t ocsp_until_s;
};

void nw_tls_sha256(const void *bytes, size_t count, uint8_t out[32])
{
    NW_ASSERT(EVP_Q_digest(NULL, "SHA256", NULL, bytes, count, out, NULL) == 1);
}

/* ---- PEM ---- */

/* Nobody is asked for a password. */
static int no_password(char *to, int max_bytes, int is_writing, void *arg)
{
    (void)to, (void)max_bytes, (void)is_writing, (void)arg;
    return -1;
}

static bool holds(struct nw_slice text, const char *part)
{
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* One file was taken for the other, or is in another format: most often it is one of these two. */
static const char *why_none(struct nw_slice pem)
{
    if (holds(pem, "PRIVATE KEY-----"))
        return "there is no certificate in it, but a private key";
    return holds(pem, "-----BEGIN ")
               ? "there is no certificate in it"
               : "there is no certificate in it (PEM is read: -----BEGIN CERTIFICATE-----)";
}

static STACK_OF(X509) *
    read_all(OSSL_LIB_CTX *lib, BIO *bio, struct nw_slice pem, struct nw_text *why)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    for (;;) {
        X509 *certificate = X509_new_ex(lib, NULL);
        if (PEM_read_bio_X509(bio, &certificate, no_password, NULL) == NULL) {
            X509_free(certificate);
            break;
        }
        sk_X509_push(all, certificate);
    }
    unsigned long error = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (is_end && sk_X509_num(all) > 0)
        return all;
    if (is_end)
        nw_text_add_str(why, why_none(pem));
    else
        nw_text_addf(why, "its certificate number %d cannot be parsed", sk_X509_num(all) + 1);
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

STACK_OF(X509) *nw_tls_pem_read(OSSL_LIB_CTX *lib, struct nw_slice pem, struct nw_text *why)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr != NULL ? pem.ptr : "", (int)pem.len);
    STACK_OF(X509) *all = read_all(lib, bio, pem, why);
    BIO_free(bio);
    return all;
}

struct check {
    struct nw_slice pem;
    struct nw_text *why;
    bool is_good;
};

static void run_check(void *arg)
{
    struct check *check = arg;
    STACK_OF(X509) *all = nw_tls_pem_read(NULL, check->pem, check->why);
    check->is_good = all != NULL;
    sk_X509_pop_free(all, X509_free);
}

bool nw_tls_pem_check(struct nw_slice pem, struct nw_text *why)
{
    struct check check = {pem, why, true};
    if (pem.len > 0)
        nw_run_on_big_stack(run_check, &check);
    return check.is_good;
}

static const char *why_no_key(struct nw_slice pem)
{
    if (holds(pem, "ENCRYPTED"))
        return "the key is encrypted; keys are read without a password";
    return holds(pem, "PRIVATE KEY-----") ? "the key cannot be parsed"
                                          : "the file of the key holds no private key";
}

static EVP_PKEY *read_key(struct nw_slice pem, struct nw_text *why)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr != NULL ? pem.ptr : "", (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (key == NULL)
        nw_text_add_str(why, why_no_key(pem));
    return key;
}

/* ---- judging ---- */

static bool judge_curve(struct nw_tls_identity *identity, const EVP_PKEY *key, struct nw_text *why)
{
    static const struct {
        const char *group;
        const char *name;
        uint16_t scheme;
    } curves[] = {
        {"prime256v1", "P-256", 0x0403},
        {"secp384r1", "P-384", 0x0503},
        {"secp521r1", "P-521", 0x0603},
    };
    char group[64] = "";
    (void)EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
    for (size_t i = 0; i < NW_COUNT(curves); i++) {
        if (strcmp(group, curves[i].group) != 0)
            continue;
        identity->kind = NW_TLS_ECDSA;
        identity->scheme = curves[i].scheme;
        snprintf(identity->key_type, sizeof identity->key_type, "ECDSA %s", curves[i].name);
        return true;
    }
    nw_text_addf(why, "the key is on curve %s; only P-256, P-384 and P-521 are taken", group);
    return false;
}

static bool judge_key(struct nw_tls_identity *identity, EVP_PKEY *key, struct nw_text *why)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        return judge_curve(identity, key, why);
    case EVP_PKEY_ED25519:
        identity->kind = NW_TLS_ED25519;
        identity->scheme = 0x0807;
        snprintf(identity->key_type, sizeof identity->key_type, "Ed25519");
        return true;
    case EVP_PKEY_RSA:
        identity->kind = NW_TLS_RSA;
        identity->scheme = 0x0804;
        snprintf(identity->key_type, sizeof identity->key_type, "RSA %d", EVP_PKEY_get_bits(key));
        if (EVP_PKEY_get_bits(key) >= RSA_MIN_BITS)
            return true;
        nw_text_addf(why, "the RSA key has %d bits; at least %d are taken", EVP_PKEY_get_bits(key),
                     RSA_MIN_BITS);
        return false;
    default:
        nw_text_add_str(why, "the key is neither ECDSA, RSA nor Ed25519");
        return false;
    }
}

static int64_t unix_time(const ASN1_TIME *at)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool judge_time(struct nw_tls_identity *identity, const X509 *leaf, int64_t now_s,
                       struct nw_text *why)
{
    identity->info.not_before_s = unix_time(X509_get0_notBefore(leaf));
    identity->info.not_after_s = unix_time(X509_get0_notAfter(leaf));
    if (identity->info.not_after_s > now_s)
        return true;
    struct tm tm;
    time_t at_s = (time_t)identity->info.not_after_s;
    gmtime_r(&at_s, &tm);
    nw_text_addf(why, "the certificate expired on %04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday);
    return false;
}

/* ---- what is told about it ---- */

static char *name_text(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    char *ptr;
    long bytes = BIO_get_mem_data(bio, &ptr);
    char *text = nw_alloc_string(nw_slice_of(ptr, bytes > 0 ? (size_t)bytes : 0));
    BIO_free(bio);
    return text;
}

/* "" for what is neither a plain DNS name nor an address. */
static void alt_name_text(const GENERAL_NAME *name, char out[NAME_MAX_BYTES])
{
    out[0] = 0;
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return;
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    int count = ASN1_STRING_length(value);
    if (type == GEN_DNS && count < NAME_MAX_BYTES) {
        for (int i = 0; i < count; i++) {
            if (bytes[i] <= ' ' || bytes[i] >= 0x7f) {
                out[0] = 0;
                return;
            }
            out[i] = (char)tolower(bytes[i]);
            out[i + 1] = 0;
        }
    } else if (type == GEN_IPADD && (count == 4 || count == 16)) {
        struct nw_addr addr = {.kind = count == 4 ? NW_ADDR_IP4 : NW_ADDR_IP6};
        memcpy(count == 4 ? (void *)addr.ip4 : (void *)addr.ip6, bytes, (size_t)count);
        char text[NW_ADDR_TEXT_MAX_BYTES];
        size_t bytes_of_text = nw_addr_host_text(&addr, text);
        memcpy(out, text, bytes_of_text);
        out[bytes_of_text] = 0;
    }
}

static void tell_names(struct nw_tls_identity *identity, const X509 *leaf)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
    identity->names = nw_alloc_array((size_t)count + 1, sizeof *identity->names);
    for (int i = 0; i < count; i++) {
        char name[NAME_MAX_BYTES];
        alt_name_text(sk_GENERAL_NAME_value(all, i), name);
        if (name[0] != 0)
            identity->names[identity->info.name_count++] = nw_alloc_string(nw_slice_str(name));
    }
    GENERAL_NAMES_free(all);
    identity->info.names = (const char *const *)identity->names;
}

static void tell(struct nw_tls_identity *identity, const X509 *leaf)
{
    tell_names(identity, leaf);
    identity->subject = name_text(X509_get_subject_name(leaf));
    identity->issuer = name_text(X509_get_issuer_name(leaf));
    identity->info.subject = identity->subject;
    identity->info.issuer = identity->issuer;
    identity->info.key_type = identity->key_type;
    uint8_t digest[32];
    nw_tls_sha256(identity->certificates[0].ptr, (size_t)identity->certificates[0].len, digest);
    for (int i = 0; i < 32; i++)
        snprintf(identity->info.sha256 + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* ---- the stapled answer ---- */

static bool judge_ocsp(struct nw_tls_identity *identity, struct nw_slice der, struct nw_text *why)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
    OCSP_SINGLERESP *single = basic != NULL ? OCSP_resp_get0(basic, 0) : NULL;
    ASN1_GENERALIZEDTIME *until = NULL;
    bool is_good = single != NULL && OCSP_single_get0_status(single, NULL, NULL, NULL, &until) ==
                                         V_OCSP_CERTSTATUS_GOOD;
    if (is_good) {
        identity->ocsp = nw_alloc(der.len);
        memcpy(identity->ocsp, der.ptr, der.len);
        identity->ocsp_bytes = der.len;
        identity->ocsp_until_s = until != NULL ? unix_time(until) : INT64_MAX;
    } else {
        nw_text_add_str(why, "the OCSP answer cannot be parsed or does not say good");
    }
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return is_good;
}

struct nw_slice nw_tls_identity_ocsp(const struct nw_tls_identity *identity, int64_t now_s)
{
    if (now_s >= identity->ocsp_until_s)
        return nw_slice_of(NULL, 0);
    return nw_slice_of(identity->ocsp, identity->ocsp_bytes);
}

/* ---- making ---- */

struct making {
    struct nw_slice certificate_pem;
    struct nw_slice key_pem;
    struct nw_slice ocsp_der;
    int64_t now_s;
    struct nw_text *why;
    struct nw_tls_identity *identity;
    bool is_good;
};

static bool keep(struct nw_tls_identity *identity, STACK_OF(X509) *chain, const EVP_PKEY *key,
                 struct nw_text *why)
{
    if (sk_X509_num(chain) > CHAIN_MAX) {
        nw_text_addf(why, "the chain has more than %d certificates", CHAIN_MAX);
        return false;
    }
    for (int i = 0; i < sk_X509_num(chain); i++) {
        struct der *der = &identity->certificates[identity->certificate_count++];
        der->len = i2d_X509(sk_X509_value(chain, i), &der->ptr);
        NW_ASSERT(der->len > 0);
    }
    unsigned char *der = NULL;
    int bytes = i2d_PrivateKey(key, &der);
    NW_ASSERT(bytes > 0);
    identity->key = nw_secret_new(nw_slice_of((const char *)der, (size_t)bytes));
    OPENSSL_clear_free(der, (size_t)bytes);
    return true;
}

static bool judge(struct making *making, STACK_OF(X509) *chain, EVP_PKEY *key)
{
    struct nw_tls_identity *identity = making->identity;
    X509 *leaf = sk_X509_value(chain, 0);
    bool is_pair = X509_check_private_key(leaf, key) == 1;
    ERR_clear_error();
    if (!is_pair) {
        nw_text_add_str(making->why, "the key is not the one of the (first) certificate");
        return false;
    }
    if (!judge_key(identity, key, making->why) ||
        !judge_time(identity, leaf, making->now_s, making->why) ||
        !keep(identity, chain, key, making->why))
        return false;
    tell(identity, leaf);
    return making->ocsp_der.len == 0 || judge_ocsp(identity, making->ocsp_der, making->why);
}

static void make(void *arg)
{
    struct making *making = arg;
    STACK_OF(X509) *chain = nw_tls_pem_read(NULL, making->certificate_pem, making->why);
    EVP_PKEY *key = chain != NULL ? read_key(making->key_pem, making->why) : NULL;
    making->is_good = key != NULL && judge(making, chain, key);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
}

static void identity_free(struct nw_tls_identity *identity)
{
    for (unsigned i = 0; i < identity->certificate_count; i++)
        OPENSSL_free(identity->certificates[i].ptr);
    nw_secret_free(identity->key);
    for (unsigned i = 0; i < identity->info.name_count; i++)
        nw_free(identity->names[i]);
    nw_free(identity->names);
    nw_free(identity->subject);
    nw_free(identity->issuer);
    nw_free(identity->ocsp);
    nw_tls_life_end(identity->life);
    nw_free(identity);
}

nw_err nw_tls_identity_new(struct nw_slice certificate_pem, struct nw_slice key_pem,
                           struct nw_slice ocsp_der, int64_t now_s, struct nw_text *why,
                           struct nw_tls_identity **out)
{
    struct making making = {.certificate_pem = certificate_pem, .key_pem = key_pem,
                            .ocsp_der = ocsp_der, .now_s = now_s, .why = why};
    making.identity = nw_alloc_zero(sizeof *making.identity);
    making.identity->life = nw_tls_life_new();
    atomic_init(&making.identity->refs, 1);
    nw_run_on_big_stack(make, &making);
    if (!making.is_good) {
        identity_free(making.identity);
        return NW_INVALID;
    }
    *out = making.identity;
    return NW_OK;
}

struct nw_tls_identity *nw_tls_identity_ref(struct nw_tls_identity *identity)
{
    atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
    return identity;
}

void nw_tls_identity_unref(struct nw_tls_identity *identity)
{
    if (identity != NULL &&
        atomic_fetch_sub_explicit(&identity->refs, 1, memory_order_acq_rel) == 1)
        identity_free(identity);
}

const struct nw_tls_identity_info *nw_tls_identity_info(const struct nw_tls_identity *identity)
{
    return &identity->info;
}

nw_tls_key_kind nw_tls_identity_kind(const struct nw_tls_identity *identity)
{
    return identity->kind;
}

uint16_t nw_tls_identity_scheme(const struct nw_tls_identity *identity)
{
    return identity->scheme;
}

/* ---- a worker's own form ---- */

static void own_free(struct nw_tls_made *made)
{
    struct nw_tls_own_identity *own = NW_CONTAINER_OF(made, struct nw_tls_own_identity, made);
    X509_free(own->leaf);
    sk_X509_pop_free(own->chain, X509_free);
    EVP_PKEY_free(own->key);
    nw_free(own);
}

static X509 *parse(OSSL_LIB_CTX *lib, const struct der *der)
{
    X509 *certificate = X509_new_ex(lib, NULL);
    const unsigned char *at = der->ptr;
    return d2i_X509(&certificate, &at, der->len);
}

const struct nw_tls_own_identity *nw_tls_identity_own(struct nw_tls_identity *identity)
{
    struct nw_tls_made *made = nw_tls_made_get(identity->life);
    if (made != NULL)
        return NW_CONTAINER_OF(made, struct nw_tls_own_identity, made);
    OSSL_LIB_CTX *lib = nw_tls_worker()->lib;
    struct nw_tls_own_identity *own = nw_alloc_zero(sizeof *own);
    own->made.free = own_free;
    own->leaf = parse(lib, &identity->certificates[0]);
    own->chain = sk_X509_new_null();
    for (unsigned i = 1; i < identity->certificate_count; i++)
        sk_X509_push(own->chain, parse(lib, &identity->certificates[i]));
    struct nw_slice key = nw_secret_bytes(identity->key);
    const unsigned char *at = (const unsigned char *)key.ptr;
    own->key = d2i_AutoPrivateKey_ex(NULL, &at, (long)key.len, lib, NULL);
    if (own->leaf == NULL || own->key == NULL) {
        own_free(&own->made);
        return NULL;
    }
    nw_tls_made_put(identity->life, &own->made);
    return own;
}
