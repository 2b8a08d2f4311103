/*
 * proxy.h - a connection whose first bytes are a PROXY header: whose it is, before anything else.
 *
 * Where a listener names a source in proxy_protocol, connections from it begin with a header, whole
 * within 5 s of the accept. It is read at the first input, on the connection's fiber: PROXY, then
 * TLS, then HTTP. One read brings it along with what follows; those bytes stay in the buffer that
 * is handed on (io/tls.h and gate_serve both begin with one), so nothing is read twice, and none of
 * them is looked at here. Peeking first would be one more system call for each connection.
 *
 * The address that was told becomes conn->peer, and so everybody's: limits, lists, log, fields,
 * hash. It is judged by the generation that accepted the connection, which is kept until then.
 *
 * Owner:   the connection
 * Threads: its worker
 */
#ifndef NW_GATE_PROXY_H
#define NW_GATE_PROXY_H

#include "gate/gate_impl.h"

enum { GATE_PROXY_MS = 5000 };

/* A header is due; at accept. */
void gate_proxy_expect(struct gate_conn *conn, struct nw_generation *generation,
                       const struct nw_conf_listen *listen);
/*
 * Reads the header into `in`, takes it out, and sets conn->peer. False: refused, late or gone,
 * counted where it is to be; the connection is to be cut off.
 */
NW_YIELDS bool gate_proxy_take(struct gate_worker *worker, struct gate_conn *conn,
                               struct nw_buf *in);
/* Not one byte came in time. */
void gate_proxy_late(struct gate_worker *worker, struct gate_conn *conn);
/* No header is due any more. Does nothing when none was. */
void gate_proxy_forget(struct gate_conn *conn);

#endif
