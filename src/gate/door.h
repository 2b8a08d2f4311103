/*
 * door.h - client connections: accepted, served, parked, closed.
 *
 * Owner:   connections come from the worker's pool and go back after a rest turn
 * Threads: each on its worker
 */
#ifndef NW_GATE_DOOR_H
#define NW_GATE_DOOR_H

#include "gate/gate_impl.h"
#include "io/fiber.h"

enum { GATE_FIRST_BYTE_MS = 10000 }; /* what a new connection may take for its first byte */

/* The listener's callback. */
void gate_door_on_accept(void *owner, struct nw_accepted *accepted);

/* Another of its callbacks: descriptors ran out, or came back. */
void gate_door_on_exhausted(void *owner, bool is_exhausted);

/* The worker's current generation, pinned once more. */
struct gate_pin *gate_pin_take(struct gate_worker *worker);
void gate_pin_give(struct gate_worker *worker, struct gate_pin *pin);

/* Into a fiber of its own; false: there is none to be had. */
NW_MUST_CHECK bool gate_door_start(struct gate_worker *worker, struct gate_conn *conn,
                                   const char *name, nw_fiber_fn fn);
/* At rest until input comes; the fiber that served it ends. */
void gate_door_park(struct gate_worker *worker, struct gate_conn *conn, uint64_t idle_ms,
                    nw_stream_on_wake wake);
void gate_door_close(struct gate_worker *worker, struct gate_conn *conn);

/* Closes the parked connections of this worker; those being served close after their answers. */
void gate_door_drain(struct gate_worker *worker);
/* Cancels the fibers of this worker's connections. */
void gate_door_cancel(struct gate_worker *worker);

#endif
