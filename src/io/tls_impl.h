/*
 * tls_impl.h - what the files of TLS share: a session, and what a worker keeps for all of its own.
 *
 * Everything that OpenSSL locks (providers, fetched algorithms, keys) is made per worker, so that
 * no handshake waits for another worker's. The objects of tls.h hold plain bytes; a worker makes
 * its own parsed forms of them at first use (nw_tls_made) and drops them some time after the object
 * went.
 *
 * Owner:   a session belongs to its stream; what a worker made belongs to the worker
 * Threads: the worker's own, but for nw_tls_life
 */
#ifndef NW_IO_TLS_IMPL_H
#define NW_IO_TLS_IMPL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "base/map.h"
#include "base/rng.h"
#include "io/stream_impl.h"
#include "io/tls.h"

struct nw_metric_series;

enum {
    NW_TLS_OUT_BUFS = 8,
    NW_TLS_RECORD_BYTES = 16 * 1024,
    NW_TLS_SIGNED_PER_TURN = 4,
    NW_TLS_SESSIONS_MAX = 256, /* kept per worker for resuming as a client */
    NW_TLS_WARM_MAX = 64,      /* sessions of a worker that keep OpenSSL's buffers */
    NW_TLS_SID_BYTES = 32,
};

/* ---- objects and what workers make of them ---- */

/* Outlives its object: tells workers that what they made of it is of no use any more. */
struct nw_tls_life {
    _Atomic unsigned refs;
    _Atomic bool is_gone;
};
struct nw_tls_life *nw_tls_life_new(void);
/* The object goes; drops its reference. Any thread. */
void nw_tls_life_end(struct nw_tls_life *life);

/* First member of whatever a worker makes of an object. */
struct nw_tls_made {
    struct nw_tls_life *life;
    void (*free)(struct nw_tls_made *made);
};
/* What this worker made of the object before, or NULL. */
struct nw_tls_made *nw_tls_made_get(const struct nw_tls_life *life);
/* Keeps it; first drops what was made of objects that are gone. */
void nw_tls_made_put(struct nw_tls_life *life, struct nw_tls_made *take_made);
/* How many this worker keeps. */
unsigned nw_tls_made_count(void);

/* ---- identities ---- */

typedef enum nw_tls_key_kind {
    NW_TLS_ECDSA,
    NW_TLS_RSA,
    NW_TLS_ED25519,
    NW_TLS_KEY_KINDS
} nw_tls_key_kind;

struct nw_tls_own_identity {
    struct nw_tls_made made;
    X509 *leaf;
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
};
/* On this worker; NULL when OpenSSL refuses what it took before. On the big stack. */
const struct nw_tls_own_identity *nw_tls_identity_own(struct nw_tls_identity *identity);
nw_tls_key_kind nw_tls_identity_kind(const struct nw_tls_identity *identity);
/* The signature scheme of its key (RFC 8446, 4.2.3). */
uint16_t nw_tls_identity_scheme(const struct nw_tls_identity *identity);
/* Empty when there is none or it is too old at now_s. */
struct nw_slice nw_tls_identity_ocsp(const struct nw_tls_identity *identity, int64_t now_s);

/* All certificates of a PEM text into a stack of X509 of `lib`; NULL and a sentence otherwise. */
STACK_OF(X509) *nw_tls_pem_read(OSSL_LIB_CTX *lib, struct nw_slice pem, struct nw_text *why);
/* Can authorities be parsed out of it? An empty text is fine. On whichever stack. */
bool nw_tls_pem_check(struct nw_slice pem, struct nw_text *why);
void nw_tls_sha256(const void *bytes, size_t count, uint8_t out[32]);

/* ---- tickets ---- */

int nw_tls_tickets_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac, int is_encrypting);

/* ---- sessions ---- */

/* Records on their way to the kernel. */
struct nw_tls_out {
    struct nw_tls_out *next_spare;
    size_t bytes;
    unsigned first; /* bufs[first .. count) hold bytes */
    unsigned count;
    struct nw_buf bufs[NW_TLS_OUT_BUFS];
};

struct nw_tls {
    SSL *ssl;
    struct nw_stream *stream;
    struct nw_list warm;          /* in worker->warm, or alone */
    struct nw_tls_out *out;       /* NULL: nothing is on its way */
    struct nw_tls_server *server; /* or */
    struct nw_tls_client *client;
    struct nw_tls_identity *identity; /* borrowed of server; set by the ClientHello */
    struct nw_buf first;          /* bytes that were read before the handshake */
    struct nw_tls_info info;
    uint64_t session_key;         /* client: where its sessions are kept */
    const char *trouble_word;     /* set by our own callbacks */
    int read_errno;               /* what broke the kernel's side */
    unsigned message_count;       /* of the handshake's kind, since the last byte of data */
    bool is_done;                 /* the handshake is */
    bool is_broken;               /* OpenSSL must not be asked any more */
    bool is_finished;             /* close_notify was sent */
    bool is_fin;                  /* the kernel gave the end */
    bool is_forced;               /* one recv whatever the hint says */
    bool has_hello;               /* server: the ClientHello was whole */
    bool takes_tickets;           /* the client said so */
    bool is_ticket_due;
};

extern const struct nw_stream_ops nw_tls_stream_ops;
/* Counts what the peer says after the handshake that is no data. For SSL_CTX_set_msg_callback. */
void nw_tls_on_message(int is_ours, int version, int kind, const void *bytes, size_t count,
                       SSL *ssl, void *arg);
/* The worker's BIO: of whichever session is current. */
BIO_METHOD *nw_tls_bio_method_new(void);
/* Makes `tls` the session that the next call into OpenSSL is about; empties the error queue. */
struct nw_tls_worker *nw_tls_enter(struct nw_tls *tls);
/* The session was used: the one that was not for longest gives its buffers back. */
void nw_tls_warm(struct nw_tls_worker *worker, struct nw_tls *tls);
/* Sends what OpenSSL wrote. 0, or what the kernel did not take is held; -errno: dropped. */
ssize_t nw_tls_send(struct nw_tls *tls);
void nw_tls_out_drop(struct nw_tls *tls);
/* Frees the session and makes the stream plain again. */
void nw_tls_free(struct nw_tls *tls);

/* ---- the worker's ---- */

struct nw_tls_worker {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *providers[2];
    BIO_METHOD *bio_method;
    BIO *bio;
    struct nw_tls *current;
    struct nw_tls_out *spare_outs;
    unsigned spare_out_count;
    struct nw_list warm;          /* sessions with buffers, the last used last */
    unsigned warm_count;
    struct nw_map made;           /* by nw_tls_life's address */
    size_t sweep_at;              /* so many in `made`: look for those of gone objects */
    struct nw_rng rng;            /* simulations: what OpenSSL's chance is made of */
    uint64_t signed_turn;         /* the turn that signed_count is about */
    unsigned signed_count;
    struct nw_list signers;       /* handshakes that wait for a turn; nw_waiter */
    struct nw_turn_node signers_node;
    struct nw_list sessions;      /* of clients, the last used last */
    unsigned session_count;
    struct nw_tls_trouble trouble;
    struct nw_tls_counters *counters;
    char gathered[NW_TLS_RECORD_BYTES]; /* small pieces of one record */
};
struct nw_tls_worker *nw_tls_worker(void);

/* Waits until this turn has room for a handshake that signs or verifies. */
NW_YIELDS NW_MUST_CHECK nw_err nw_tls_turn_take(void);
/* It did not sign after all. */
void nw_tls_turn_give(void);

/* ---- contexts ---- */

/* Common to both sides; NULL when OpenSSL has no memory. */
SSL_CTX *nw_tls_context_new(OSSL_LIB_CTX *lib, const SSL_METHOD *method, bool is_modern);
/* On this worker and its big stack. */
SSL_CTX *nw_tls_server_context(struct nw_tls_server *server);
SSL_CTX *nw_tls_client_context(struct nw_tls_client *client);
bool nw_tls_server_asks_certificate(const struct nw_tls_server *server);
struct nw_tls_tickets *nw_tls_server_tickets(const struct nw_tls_server *server);
/* Name, verification, session to resume. False: no memory. */
bool nw_tls_client_prepare(struct nw_tls *tls, struct nw_slice host, uint64_t peer_key);
void nw_tls_client_sessions_free(struct nw_tls_worker *worker);
/* The store finds the system's roots when it needs them. */
void nw_tls_roots_use(X509_STORE *store);

/* ---- trouble ---- */

/* Notes why the current session's handshake failed, from OpenSSL's error queue. */
void nw_tls_trouble_note(struct nw_tls_worker *worker, const struct nw_tls *tls);
void nw_tls_trouble_say(struct nw_tls_worker *worker, const char *word, const char *sentence);
/* The trouble was an alert of the peer. */
bool nw_tls_is_alert(const struct nw_tls_worker *worker);
/* Counts a handshake that ended; result "ok" or the trouble's word. */
void nw_tls_count(const struct nw_tls *tls, const char *result, uint64_t began_ns);
void nw_tls_counters_free(struct nw_tls_worker *worker);

#endif
