/*
 * tls_bundle.h - certificates, keys and authorities of one listener or service: from files to what
 * the TLS layer takes, once at load and again whenever the files change.
 *
 * A certificate and its key are read together and must fit: a pair that is half written is refused
 * and the one in force stays; authorities and ticket keys likewise, each by itself. What was
 * refused is remembered by the bytes that were read, so each change is told once.
 *
 * Owner:   a bundle lies in the generation's arena; gate_bundle_done before that goes
 * Threads: load, again, done: one thread at a time, they read files; offers: see gate/tls.h
 */
#ifndef NW_GATE_TLS_BUNDLE_H
#define NW_GATE_TLS_BUNDLE_H

#include <stdatomic.h>

#include "base/metric.h"
#include "conf/conf.h"
#include "io/tls.h"

/* What a listener does with those who connect. Replaced as a whole; counted. */
struct gate_offer {
    _Atomic unsigned refs;
    struct gate_offer *next_old; /* while it waits to be let go */
    struct nw_tls_server *server;
    uint32_t clients; /* its client policy: equal where equal certificates are asked for; 0: none */
};
struct gate_offer *gate_offer_ref(struct gate_offer *offer);
/* NULL does nothing. */
void gate_offer_unref(struct gate_offer *offer);

/* A file that is not a certificate's. */
struct gate_tls_file {
    struct nw_slice path; /* as written; empty: there is none */
    struct nw_secret *bytes; /* in force */
    uint64_t seen; /* of the bytes that were read last, whatever became of them */
    char refused[256]; /* why; empty: what was read last is in force */
};

struct gate_pair {
    const struct nw_conf_block *block; /* to blame */
    struct nw_slice certificate;       /* paths as written */
    struct nw_slice key;
    struct nw_tls_identity *identity; /* in force; NULL before it was loaded */
    uint64_t seen;
    int64_t loaded_s;
    int64_t refused_s; /* 0: what was read last is in force */
    char refused[256];
    char unstapled[160]; /* why the OCSP answer beside the certificate is left out */
    unsigned warned; /* how near its end the last warning was */
    struct nw_metric_series *expiry;
};

struct gate_bundle {
    const struct nw_conf *conf;
    const struct nw_conf_listen *listen;   /* one of the two */
    const struct nw_conf_service *service;
    struct gate_pair *pairs;
    unsigned pair_count;
    struct gate_tls_file ca;
    struct gate_tls_file tickets;
    struct gate_offer *_Atomic offer; /* of a listener */
    struct nw_tls_client *client;     /* of a service */
    struct gate_listener *listener;   /* once adopted */
};

/* What loading needs of the world. */
struct gate_tls_world {
    const struct nw_conf_outside *outside;
    int64_t now_s;
    struct nw_tls_tickets *tickets; /* for listeners whose tickets are `auto`; NULL: none yet */
};

/* Reads everything; each mistake is added to diag at its option. NW_INVALID when there is one. */
NW_MUST_CHECK nw_err gate_bundle_load(struct gate_bundle *bundle,
                                      const struct gate_tls_world *world, struct nw_diag *diag);
/*
 * Reads again into `next` (zeroed; for gate_bundle_done). False: nothing has changed since the last
 * time. What is refused says so in next's pairs and keeps what is in force; next has an offer or
 * client only where a new one is due.
 */
bool gate_bundle_again(const struct gate_bundle *bundle, const struct gate_tls_world *world,
                       struct gate_bundle *next);
/* Lets go of everything that it holds; `is_heap`: of its array too. */
void gate_bundle_done(struct gate_bundle *bundle, bool is_heap);

/* "listen[0].tls" or "services.shop.tls". */
const char *gate_bundle_path(const struct gate_bundle *bundle);
/* The first name in the certificate, for metrics and logs. */
const char *gate_pair_name(const struct gate_pair *pair);

#endif
