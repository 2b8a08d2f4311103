/*
 * forward.h - an exchange, answered by a node of its service.
 *
 * Owner:   works in the caller's frame and fiber
 * Threads: the exchange's worker
 */
#ifndef NW_GATE_FORWARD_H
#define NW_GATE_FORWARD_H

#include "gate/gate_impl.h"

/*
 * Chooses a node, sends the request, relays the answer. An error before the sink got a head is
 * returned and the caller chooses what to answer; after it the sink has been aborted. A request
 * that provably never started moves to another node once; a safe one whose body is whole is tried
 * once more from the service's budget. 101 turns the exchange into a tunnel until one side ends it.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_gate_forward(struct nw_exchange *exchange);

/*
 * The request head as it goes to `node_name`: into `out`, which must have memory. Pure but for
 * that.
 */
NW_MUST_CHECK nw_err gate_forward_head(const struct nw_exchange *exchange,
                                       const struct nw_gate_service *service, const char *node_name,
                                       struct nw_buf *out);

/*
 * Copies the head's bytes into the arena: a tunnel gives the buffer that they lie in back, and what
 * is logged at its end still names them.
 */
NW_MUST_CHECK nw_err gate_tunnel_keep_head(struct nw_exchange *exchange);
/* Relays both ways after 101 until one side ends, or nothing moved for an hour. */
NW_YIELDS void gate_tunnel(struct gate_conn *conn, struct nw_buf *from_client,
                           struct nw_stream *node, struct nw_buf *from_node);

#endif
