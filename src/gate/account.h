/*
 * account.h - what a finished exchange leaves behind: counters, histograms, one access line.
 *
 * Also the counted objects that carry its labels across generations.
 *
 * Owner:   routes and services are counted references
 * Threads: ref, unref, account on any worker; get and new on worker 0
 */
#ifndef NW_GATE_ACCOUNT_H
#define NW_GATE_ACCOUNT_H

#include "gate/gate_impl.h"

/* The route object of this label, made when it is new; the caller gets one reference. */
struct nw_gate_route *gate_route_get(struct nw_gate *gate, struct nw_slice label);
void gate_route_ref(struct nw_gate_route *route);
/* NULL does nothing. */
void gate_route_unref(struct nw_gate_route *route);

/* Without a set: the caller adds it. */
struct nw_gate_service *gate_service_new(struct nw_gate *gate, const struct nw_conf_service *conf);
void gate_service_ref(struct nw_gate_service *service);
/* NULL does nothing. The last one lets go of the set. */
void gate_service_unref(struct nw_gate_service *service);

/* Counts the exchange and writes its access line. */
void gate_account(struct gate_request *request);

#endif
