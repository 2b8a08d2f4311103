/*
 * section.h - what the files about the gate's own life share.
 *
 * Owner:   nothing
 * Threads: worker 0
 */
#ifndef NW_GATE_SECTION_H
#define NW_GATE_SECTION_H

#include "gate/gate_impl.h"

/* {"listeners": […], "services": {…}, "routes": […], "h2": {…}, "generations_alive": n} */
void gate_status(void *self, struct nw_text *out);

/* Frees the closed listeners that no connection names any more. */
void gate_listeners_reap(struct nw_gate *gate);
/* Accepts what is queued, closes; the object stays until its last connection has gone. */
NW_YIELDS void gate_listener_drop(struct gate_listener *listener);

#endif
