/*
 * ids.h - who a request is: its id, its trace, its client.
 *
 * Owner:   texts live in the exchange or its head
 * Threads: the exchange's worker
 */
#ifndef NW_GATE_IDS_H
#define NW_GATE_IDS_H

#include "gate/gate_impl.h"

/*
 * Fills peer, client, is_peer_trusted, request_id and traceparent. X-Request-Id and X-Forwarded-For
 * count only from a peer in trusted_proxies; the trace id of a well-formed traceparent (W3C Trace
 * Context) is kept from anybody, with a new span.
 */
void gate_ids_fill(struct nw_exchange *exchange, const struct gate_settings *settings,
                   const struct gate_peer *peer);

/* 32 hex digits from the worker's generator. */
void gate_ids_make(char out[NW_HTTP_ID_BYTES]);

struct nw_ip gate_peer_ip(const struct gate_peer *peer);
void gate_peer_addr(const struct gate_peer *peer, struct nw_addr *out);

#endif
