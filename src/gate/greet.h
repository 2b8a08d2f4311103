/*
 * greet.h - what a new connection says before its first request.
 *
 * Owner:   the connection's fiber
 * Threads: the connection's worker
 */
#ifndef NW_GATE_GREET_H
#define NW_GATE_GREET_H

#include "gate/serve.h"

/*
 * Once per connection, when its first byte is in; `in` may hold bytes of the first request
 * afterwards. GATE_NEXT: it can be served.
 */
NW_YIELDS gate_next gate_greet(struct gate_conn *conn, struct nw_buf *in);

#endif
