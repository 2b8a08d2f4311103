/*
 * address.h - who may come in by his address: the lists of listeners and routes.
 *
 * deny wins over allow; a list that is not given excludes nobody. A listener judges who connects:
 * the socket's address, or the one that a PROXY header told. A route judges the client of the
 * request, which may be one that a trusted proxy named. Who comes through a Unix socket has no
 * address and passes.
 *
 * Owner:   lists belong to the generation
 * Threads: a worker's thread
 */
#ifndef NW_GATE_ADDRESS_H
#define NW_GATE_ADDRESS_H

#include "gate/gate_impl.h"

/* May the peer connect? `listen` NULL: anybody may. */
bool gate_address_may_connect(const struct nw_conf_listen *listen, const struct gate_peer *peer);
/* Does the listener expect a PROXY header from this socket? */
bool gate_address_is_proxy(const struct nw_conf_listen *listen, const struct gate_peer *peer);
/* NW_DENIED, counted, when the route is not for this client. Only for routes that are guarded. */
NW_MUST_CHECK nw_err gate_address_check_route(struct gate_request *request,
                                              const struct nw_conf_route *route);

#endif
