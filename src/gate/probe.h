/*
 * probe.h - the HTTP driver of peer sets: health checks over HTTP.
 *
 * Owner:   static
 * Threads: any
 */
#ifndef NW_GATE_PROBE_H
#define NW_GATE_PROBE_H

#include "gate/gate_impl.h"

/* One health check by what the service of the node says. */
NW_YIELDS nw_err gate_probe(struct nw_peer_node *node, const char **out_reason);

/* driver_arg is the struct nw_gate_service. */
extern const struct nw_peer_driver gate_http_driver;

#endif
