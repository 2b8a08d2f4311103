/*
 * tls.h - a stream becomes TLS in place, on either side; callers above cannot tell.
 *
 * OpenSSL 3.0 on a BIO of our own: one recv brings all the records that came, what a call wrote
 * leaves in one send. An idle session owns no buffer, but for a worker's last 64. RFC 8446, and
 * RFC 5246 with AEAD only. Plain HTTP where TLS is spoken is closed without an answer.
 *
 * Three kinds of objects, all immutable and counted, made off the hot path and shared by workers:
 *     identity   a certificate chain and its key
 *     server     what a listener offers: identities by name, policy, tickets, client certificates
 *     client     what a service asks of its nodes: roots, name, own identity, verification
 * Each worker makes its own OSSL_LIB_CTX and, at first use, its own SSL_CTX of them.
 *
 * Owner:   nw_stream_close ends the session with the stream
 * Threads: objects: any; streams: their worker
 */
#ifndef NW_IO_TLS_H
#define NW_IO_TLS_H

#include "base/text.h"
#include "io/stream.h"

struct nw_secret;
struct nw_tls_identity;
struct nw_tls_server;
struct nw_tls_client;
struct nw_tls_tickets;

/* ---- identities ---- */

struct nw_tls_identity_info {
    const char *const *names; /* the certificate's DNS names and IP addresses, lower case */
    unsigned name_count;
    const char *subject;
    const char *issuer;
    const char *key_type; /* "ECDSA P-256", "RSA 2048" */
    int64_t not_before_s; /* UNIX time */
    int64_t not_after_s;
    char sha256[65];      /* of the leaf, hex */
};

/*
 * PEM in. NW_INVALID, with a sentence in `why`: cannot be parsed, key and certificate do not match,
 * expired at now_s, a key too weak. ocsp_der may be empty.
 */
NW_MUST_CHECK nw_err nw_tls_identity_new(struct nw_slice certificate_pem, struct nw_slice key_pem,
                                         struct nw_slice ocsp_der, int64_t now_s,
                                         struct nw_text *why, struct nw_tls_identity **out);
struct nw_tls_identity *nw_tls_identity_ref(struct nw_tls_identity *identity);
void nw_tls_identity_unref(struct nw_tls_identity *identity);
const struct nw_tls_identity_info *nw_tls_identity_info(const struct nw_tls_identity *identity);

/* ---- tickets: keys of our own, the same in all workers ---- */

/* Random keys, turned every 12 h, three kept; or, with `keys` (48 or 80 bytes each), those. */
NW_MUST_CHECK nw_err nw_tls_tickets_new(struct nw_slice keys, struct nw_text *why,
                                        struct nw_tls_tickets **out);
struct nw_tls_tickets *nw_tls_tickets_ref(struct nw_tls_tickets *tickets);
void nw_tls_tickets_unref(struct nw_tls_tickets *tickets);

/* ---- server ---- */

typedef enum nw_tls_policy { NW_TLS_INTERMEDIATE, NW_TLS_MODERN } nw_tls_policy;

struct nw_tls_server_spec {
    struct nw_tls_identity *const *identities; /* the first serves clients that name none */
    unsigned identity_count;
    nw_tls_policy policy;
    bool refuses_unknown_name;      /* else the first identity answers */
    struct nw_tls_tickets *tickets; /* NULL: off */
    struct nw_slice client_ca_pem;  /* empty: client certificates are not asked for */
    bool needs_client_certificate;
    bool has_h2;                    /* ALPN offers h2 before http/1.1 */
};
/* References and copies what it needs. NW_INVALID with a sentence in `why`. */
NW_MUST_CHECK nw_err nw_tls_server_new(const struct nw_tls_server_spec *spec, struct nw_text *why,
                                       struct nw_tls_server **out);
struct nw_tls_server *nw_tls_server_ref(struct nw_tls_server *server);
void nw_tls_server_unref(struct nw_tls_server *server);
/* Is the name (lower case, no port) one that an identity covers: exact or one-label wildcard? */
bool nw_tls_server_has_name(const struct nw_tls_server *server, struct nw_slice name);

/* ---- client ---- */

struct nw_tls_client_spec {
    struct nw_slice ca_pem;           /* empty: the system's roots */
    struct nw_slice name;             /* verified and sent as SNI; empty: the host connected to */
    struct nw_tls_identity *identity; /* NULL: none */
    bool is_unverified;
    bool has_h2;      /* ALPN h2 alone (multiplex); else http/1.1 */
};
NW_MUST_CHECK nw_err nw_tls_client_new(const struct nw_tls_client_spec *spec, struct nw_text *why,
                                       struct nw_tls_client **out);
struct nw_tls_client *nw_tls_client_ref(struct nw_tls_client *client);
void nw_tls_client_unref(struct nw_tls_client *client);
/* Equal for clients under which connections and sessions may be shared. */
uint64_t nw_tls_client_key(const struct nw_tls_client *client);

/* ---- sessions ---- */

struct nw_tls_info {
    const char *version; /* "1.3" */
    const char *cipher;
    bool is_resumed;
    bool is_h2;          /* ALPN chose h2 */
    bool has_client_certificate; /* server: verified against client_ca_pem */
    const struct nw_tls_server *server; /* whose client policy holds; borrowed while open */
};

/*
 * Handshake as server. Bytes already read from the stream may be given in `first` (may be NULL;
 * consumed). NW_TIMEOUT by the fiber's deadline; NW_BAD_MESSAGE: refused, the alert was sent;
 * nw_tls_trouble says why. On failure the stream is still to be closed by the caller: after a
 * refusal with nw_stream_linger_close, or the client's next bytes cost it the alert.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_tls_accept(struct nw_stream *stream,
                                                struct nw_tls_server *server,
                                                struct nw_buf *first);
/*
 * Handshake as client; `host` is who was connected to, as written, without port: the name unless
 * the client has one of its own. Sessions are kept per worker, client key, host and `peer_key`
 * (which node it is).
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_tls_connect(struct nw_stream *stream,
                                                 struct nw_tls_client *client,
                                                 struct nw_slice host, uint64_t peer_key);
/* NULL: the stream is not TLS (yet). Valid until it closes. */
const struct nw_tls_info *nw_stream_tls(const struct nw_stream *stream);
/* Why the last handshake on this worker failed: a word for metrics and a sentence for logs. */
struct nw_tls_trouble {
    const char *word; /* "no_certificate", "unknown_ca", "expired", "name", "version", "garbage"… */
    char sentence[160];
};
const struct nw_tls_trouble *nw_tls_trouble(void);

/* Before threads and confinement: loads the providers, the system's roots. */
NW_MUST_CHECK nw_err nw_tls_prepare(void);

#endif
