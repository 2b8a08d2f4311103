/*
 * upstream.h - the driver of services whose nodes speak HTTP/2 (`multiplex: h2`).
 *
 * Owner:   static
 * Threads: any
 */
#ifndef NW_GATE_UPSTREAM_H
#define NW_GATE_UPSTREAM_H

#include "gate/gate_impl.h"
#include "http/h2.h"

/* driver_arg is the struct nw_gate_service. */
extern const struct nw_peer_driver gate_h2_driver;

/* The HTTP/2 side of a connection of that driver. */
struct nw_h2 *gate_upstream_h2(struct nw_peer_conn *conn);

#endif
