/*
 * tls.h - TLS of the door: what listeners offer and services ask, put in force, renewed, told.
 *
 * The TLS layer (io/tls.h) knows sessions; here is which files they come from and who uses them.
 * An offer or client in force is one pointer: readers take it and a reference without yielding, and
 * what was replaced goes once every worker has run something else.
 *
 * Owner:   a generation's part owns its bundles; listeners and services hold references
 * Threads: build and drop any; take, connect, is_misdirected on any worker; the rest worker 0
 */
#ifndef NW_GATE_TLS_H
#define NW_GATE_TLS_H

#include "gate/gate_impl.h"
#include "gate/tls_bundle.h"

/* ---- a generation's ---- */

/* Reads all files that the configuration names. NW_INVALID: each mistake is in diag. */
NW_MUST_CHECK nw_err gate_tls_build(struct nw_gate *gate, const struct nw_conf *conf,
                                    struct nw_arena *arena, struct gate_tls_part *out,
                                    struct nw_diag *diag);
void gate_tls_drop(struct nw_gate *gate, struct gate_tls_part *part);
/* The two steps of build: which bundles there are, in the arena; their files. */
void gate_tls_set_up(const struct nw_conf *conf, struct nw_arena *arena,
                     struct gate_tls_part *part);
NW_MUST_CHECK nw_err gate_tls_load(const struct gate_tls_world *world, struct gate_tls_part *part,
                                   struct nw_diag *diag);

/* ---- in force ---- */

/* Listeners of this generation offer what it says from now on. */
NW_YIELDS void gate_tls_adopt(struct nw_gate *gate, struct gate_tls_part *part);
/* Puts an offer in force and the one before it on the list of `old` ones, for gate_tls_let_go. */
void gate_tls_offer(struct gate_listener *listener, struct gate_offer *offer,
                    struct gate_offer **old);
NW_YIELDS void gate_tls_let_go(struct gate_offer *old);
/* When the certificates end, in the metrics. */
void gate_tls_tell_expiry(struct nw_gate *gate, struct gate_tls_part *part);
void gate_tls_init(struct nw_gate *gate);
/* Begins to watch the files, and looks once more what is in them. */
void gate_tls_start(struct nw_gate *gate);
/* No more renewals; returns when the one under way is over. */
NW_YIELDS void gate_tls_stop(struct nw_gate *gate);
void gate_tls_done(struct nw_gate *gate);
/* The settings of a service's TLS; NULL: it is plain. */
struct nw_tls_client *gate_tls_client(const struct gate_tls_part *part, size_t service_index);

/* What the listener offers, for the caller to unref; NULL: it is plain. */
struct gate_offer *gate_tls_take(const struct gate_listener *listener);
/*
 * TLS with a node, when the service has it. NW_UNTRUSTED: the node did not prove who it is, nothing
 * was sent; why stands in the log and in its status.
 */
NW_YIELDS NW_MUST_CHECK nw_err gate_tls_connect(struct nw_gate_service *service,
                                                struct nw_peer_node *node,
                                                struct nw_stream *stream);
/*
 * 421: may this request, which came over TLS, not be answered here? So it is when its host belongs
 * to another listener that asks clients for other certificates, and not to this one; or when this
 * listener has begun to ask for others since the connection was made (then *out_is_over).
 */
bool gate_tls_is_misdirected(const struct gate_request *request, bool *out_is_over);
/* Counted by the TLS layer; here it is said, once a minute and reason. */
void gate_tls_failed(struct gate_conn *conn, const char *reason, const char *sentence);

#endif
