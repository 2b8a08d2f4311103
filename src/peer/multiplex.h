/*
 * multiplex.h - connections that carry many tries at a time: one worker's share of a node.
 *
 * A worker keeps up to connections_max of them to each node and puts each try on the one with the
 * fewest; where all are full it opens another, else the try waits. Tries that come while a
 * connection is being opened wait for it, and fail with it. One that takes no more tries (the peer
 * said so, it idled, it fell silent) ends with its last one, and no longer counts.
 *
 * A reservation comes first: it counts against the slots that the worker has or could have, so that
 * who is refused waits in the set's queue like everybody without a permit.
 *
 * Owner:   the node's per-worker lines hold the connections; each goes with its fiber and last try
 * Threads: reserve, release, is_full: any; the rest on the worker itself
 */
#ifndef NW_PEER_MULTIPLEX_H
#define NW_PEER_MULTIPLEX_H

#include "peer/node.h"

enum { NW_PEER_SILENCE_MS = 15 * 1000, NW_PEER_PING_WAIT_MS = 5 * 1000 };

/* Of the node's slots for this worker: true at once where connections are not shared. */
bool nw_peer_shared_reserve(struct nw_peer_node *node, unsigned worker_index);
/* Before the node itself is released, which wakes who waits. */
void nw_peer_shared_release(struct nw_peer_node *node, unsigned worker_index);
bool nw_peer_shared_is_full(const struct nw_peer_node *node, unsigned worker_index);

/* A connection with a slot, now, for a try that has a reservation; false: it must wait. */
bool nw_peer_shared_take(struct nw_peer_try *try);
/* The same, waiting; opens one where needed. Errors as nw_peer_conn_get. */
NW_YIELDS NW_MUST_CHECK nw_err nw_peer_shared_get(const struct nw_peer_set *set,
                                                  struct nw_peer_try *try, bool is_spare);
/* One try less on it, and its reservation released. */
void nw_peer_shared_end(struct nw_peer_conn *conn);
/* The node takes no more requests: those that idle end, the others with their last try. */
void nw_peer_shared_sweep(struct nw_peer_node *node, unsigned worker_index);
/* The same for those that were made under other settings. */
void nw_peer_shared_sweep_stale(struct nw_peer_node *node, unsigned worker_index,
                                uint64_t settings_key);

#endif
