/*
 * The keys that session tickets are sealed with, the same in all workers.
 *
 * A stolen ticket key opens every TLS 1.2 session whose ticket it sealed, so keys do not live long:
 * a new one every 12 h, and the two before it only open tickets. Keys that several newels share
 * come from a file instead and change with it.
 *
 * A ticket is bound to the identity and the client policy by the session id context, which OpenSSL
 * seals into it and compares when it comes back (tls_server.c).
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/clock.h"
#include "io/tls_impl.h"

enum { NAME_BYTES = 16, SHORT_BYTES = 48, LONG_BYTES = 80, KEYS_KEPT = 3, KEYS_MAX = 16 };
#define TURN_MS ((uint64_t)12 * 3600 * 1000)

struct ticket_key {
    unsigned char name[NAME_BYTES];
    unsigned char mac[32];
    unsigned char cipher[32];
    unsigned mac_bytes;
    unsigned cipher_bytes;
};

struct nw_tls_tickets {
    _Atomic unsigned refs;
    pthread_mutex_t mutex; /* held for a copy of a key, and for making one twice a day */
    bool is_fixed;
    uint64_t made_ms;
    unsigned count;
    struct ticket_key keys[KEYS_MAX]; /* the first seals */
};

/* As nginx's: name, then HMAC and AES keys of 16 bytes each or of 32 (in this order). */
static void key_parse(const char *from, size_t bytes, struct ticket_key *out)
{
    unsigned part_bytes = bytes == LONG_BYTES ? 32 : 16;
    memcpy(out->name, from, NAME_BYTES);
    const char *mac = from + NAME_BYTES, *cipher = mac + part_bytes;
    if (part_bytes == 16) { /* there it is the cipher's that comes first */
        cipher = from + NAME_BYTES;
        mac = cipher + part_bytes;
    }
    memcpy(out->mac, mac, part_bytes);
    memcpy(out->cipher, cipher, part_bytes);
    out->mac_bytes = out->cipher_bytes = part_bytes;
}

nw_err nw_tls_tickets_new(struct nw_slice keys, struct nw_text *why, struct nw_tls_tickets **out)
{
    size_t key_bytes = keys.len % LONG_BYTES == 0 ? LONG_BYTES : SHORT_BYTES;
    if (keys.len % key_bytes != 0 || keys.len / key_bytes > KEYS_MAX) {
        nw_text_addf(why, "ticket keys are 1 to %d of 80 (or 48) bytes each; this has %zu bytes",
                     KEYS_MAX, keys.len);
        return NW_INVALID;
    }
    struct nw_tls_tickets *tickets = nw_alloc_zero(sizeof *tickets);
    atomic_init(&tickets->refs, 1);
    pthread_mutex_init(&tickets->mutex, NULL);
    tickets->is_fixed = keys.len > 0;
    for (; tickets->count < keys.len / key_bytes; tickets->count++)
        key_parse(keys.ptr + tickets->count * key_bytes, key_bytes, &tickets->keys[tickets->count]);
    *out = tickets;
    return NW_OK;
}

struct nw_tls_tickets *nw_tls_tickets_ref(struct nw_tls_tickets *tickets)
{
    atomic_fetch_add_explicit(&tickets->refs, 1, memory_order_relaxed);
    return tickets;
}

void nw_tls_tickets_unref(struct nw_tls_tickets *tickets)
{
    if (tickets == NULL ||
        atomic_fetch_sub_explicit(&tickets->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&tickets->mutex);
    OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
    nw_free(tickets);
}

/* ---- in a handshake ---- */

static bool key_make(struct ticket_key *key)
{
    OSSL_LIB_CTX *lib = nw_tls_worker()->lib;
    key->mac_bytes = key->cipher_bytes = 32;
    return RAND_bytes_ex(lib, key->name, sizeof key->name, 0) == 1 &&
           RAND_priv_bytes_ex(lib, key->mac, sizeof key->mac, 0) == 1 &&
           RAND_priv_bytes_ex(lib, key->cipher, sizeof key->cipher, 0) == 1;
}

/* Under the mutex. A server that slept through several periods keeps nothing that is too old. */
static bool turn(struct nw_tls_tickets *tickets)
{
    uint64_t now_ms = nw_now_ms(), age_ms = now_ms - tickets->made_ms;
    if (tickets->is_fixed || (tickets->count > 0 && age_ms < TURN_MS))
        return true;
    struct ticket_key fresh = {{0}};
    if (!key_make(&fresh))
        return false;
    unsigned kept = age_ms < 2 * TURN_MS ? tickets->count : age_ms < 3 * TURN_MS;
    if (kept > tickets->count)
        kept = tickets->count;
    if (kept > KEYS_KEPT - 1)
        kept = KEYS_KEPT - 1;
    memmove(&tickets->keys[1], &tickets->keys[0], kept * sizeof tickets->keys[0]);
    tickets->keys[0] = fresh;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    tickets->count = kept + 1;
    tickets->made_ms = now_ms;
    return true;
}

/* A copy of the key that seals, or of the one with this name. Its index, or -1. */
static int key_find(struct nw_tls_tickets *tickets, const unsigned char *name,
                    struct ticket_key *out)
{
    int found = -1;
    pthread_mutex_lock(&tickets->mutex);
    unsigned count = turn(tickets) ? tickets->count : 0;
    for (unsigned i = 0; i < count && found < 0; i++)
        if (name == NULL || CRYPTO_memcmp(name, tickets->keys[i].name, NAME_BYTES) == 0)
            found = (int)i;
    if (found >= 0)
        *out = tickets->keys[found];
    pthread_mutex_unlock(&tickets->mutex);
    return found;
}

static bool key_use(const struct ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int is_sealing)
{
    OSSL_LIB_CTX *lib = nw_tls_worker()->lib;
    const char *name = key->cipher_bytes == 32 ? "AES-256-CBC" : "AES-128-CBC";
    EVP_CIPHER *algorithm = EVP_CIPHER_fetch(lib, name, NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, key->mac_bytes),
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_END,
    };
    bool is_good = algorithm != NULL &&
                   EVP_CipherInit_ex2(cipher, algorithm, key->cipher, iv, is_sealing, NULL) == 1 &&
                   EVP_MAC_CTX_set_params(mac, params) == 1;
    EVP_CIPHER_free(algorithm);
    return is_good;
}

int nw_tls_tickets_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac, int is_encrypting)
{
    (void)ssl;
    struct nw_tls_worker *worker = nw_tls_worker();
    struct nw_tls_tickets *tickets = nw_tls_server_tickets(worker->current->server);
    struct ticket_key key;
    int found = tickets != NULL ? key_find(tickets, is_encrypting ? NULL : name, &key) : -1;
    if (found < 0)
        return 0; /* sealing: no ticket; opening: a full handshake */
    if (is_encrypting) {
        memcpy(name, key.name, NAME_BYTES);
        if (RAND_bytes_ex(worker->lib, iv, EVP_MAX_IV_LENGTH, 0) != 1)
            return -1;
    }
    bool is_good = key_use(&key, iv, cipher, mac, is_encrypting);
    OPENSSL_cleanse(&key, sizeof key);
    if (!is_good)
        return -1;
    return found == 0 ? 1 : 2; /* 2: opened, and replace it */
}
