/*
 * clients.h - how many connections each client address has.
 *
 * Asked when a connection is accepted and closed, never for a request: one lock is enough.
 *
 * Owner:   the gate
 * Threads: any worker
 */
#ifndef NW_GATE_CLIENTS_H
#define NW_GATE_CLIENTS_H

#include "gate/gate_impl.h"

/*
 * Counts one connection (IPv6 by /64); false, and not counted, when the client has `max` already.
 */
bool gate_clients_enter(struct nw_gate *gate, const struct gate_peer *peer, uint64_t max);
void gate_clients_leave(struct nw_gate *gate, const struct gate_peer *peer);

#endif
