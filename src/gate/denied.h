/*
 * denied.h - refusals by address: counted each, said once a minute and reason.
 *
 * Who is refused chooses how often, so the log must not be his: the line that is written tells how
 * many were not.
 *
 * Owner:   the gate
 * Threads: any worker
 */
#ifndef NW_GATE_DENIED_H
#define NW_GATE_DENIED_H

#include "gate/gate_impl.h"

/* `detail` is a sentence of ours without a full stop; nothing that was sent is repeated. */
void gate_denied(struct gate_worker *worker, gate_denial why, const struct gate_listener *listener,
                 const struct gate_peer *peer, const char *detail);

/* Opens and closes the series. */
void gate_denied_init(struct nw_gate *gate);
void gate_denied_done(struct nw_gate *gate);

#endif
