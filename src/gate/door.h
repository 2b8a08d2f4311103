/*
 * door.h - client connections: accepted, served, parked, closed.
 *
 * Owner:   connections come from the worker's pool and go back after a rest turn
 * Threads: each on its worker
 */
#ifndef NW_GATE_DOOR_H
#define NW_GATE_DOOR_H

#include "gate/gate_impl.h"

/* The listener's callback. */
void gate_door_on_accept(void *owner, struct nw_accepted *accepted);

/* Another of its callbacks: descriptors ran out, or came back. */
void gate_door_on_exhausted(void *owner, bool is_exhausted);

/* The worker's current generation, pinned once more. */
struct gate_pin *gate_pin_take(struct gate_worker *worker);
void gate_pin_give(struct gate_worker *worker, struct gate_pin *pin);

/* Closes the parked connections of this worker; those being served close after their answer. */
void gate_door_close_idle(struct gate_worker *worker);
/* Cancels the fibers of this worker's connections. */
void gate_door_cancel(struct gate_worker *worker);

#endif
