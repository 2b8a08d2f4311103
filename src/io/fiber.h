/*
 * fiber.h - stackful fibers, the scopes that own them, deadlines, cancellation.
 *
 * Work in flight runs on fibers, so a protocol reads top to bottom. Every wait has a deadline
 * (which may be "never"), every fiber can be cancelled: its waits then return NW_CANCELLED. Every
 * fiber belongs to a scope; leaving a scope cancels and joins its children, so no orphan outlives
 * the memory that it borrows. A fiber never leaves the worker that made it.
 *
 * Owner:   a scope is embedded in its user's frame or struct and must be closed
 * Threads: one worker
 */
#ifndef NW_IO_FIBER_H
#define NW_IO_FIBER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct nw_fiber;

typedef void (*nw_fiber_fn)(void *arg);

enum { NW_FIBER_STACK_BYTES = 64 * 1024 };
#define NW_NEVER UINT64_MAX

struct nw_scope {
    struct nw_list fibers;   /* children that have not ended */
    struct nw_fiber *joiner; /* the fiber in join or close */
    uint64_t deadline_ms;    /* inherited by children */
    unsigned count;
    bool is_cancelled;       /* a child spawned afterwards is born cancelled */
    bool is_vital;           /* opened by a vital fiber: so are its children */
};

/* Inherits the opening fiber's nearest deadline. */
void nw_scope_open(struct nw_scope *scope);
/*
 * Starts fn(arg) on a new fiber of this scope at the end of the current turn's ready list. `name`
 * is a static string. NW_BUSY when no fibers are left. The pointer stays valid until the fiber
 * ends.
 */
NW_MUST_CHECK nw_err nw_scope_spawn(struct nw_scope *scope, const char *name, nw_fiber_fn fn,
                                    void *arg, struct nw_fiber **out_fiber);
/*
 * As nw_scope_spawn, but no ceiling of fibers or buffers refuses this fiber, nor the children of
 * its scopes: signals and the admin listener must be served when requests have used up everything.
 * The caller bounds how many there are.
 */
NW_MUST_CHECK nw_err nw_scope_spawn_vital(struct nw_scope *scope, const char *name, nw_fiber_fn fn,
                                          void *arg, struct nw_fiber **out_fiber);
/* Cancels all children; does not wait. Callable from the loop's stack (timers, callbacks). */
void nw_scope_cancel(struct nw_scope *scope);
/* Waits until all children have ended. On NW_TIMEOUT or NW_CANCELLED they are still there. */
NW_YIELDS NW_MUST_CHECK nw_err nw_scope_join(struct nw_scope *scope);
/* Cancels all children and waits for them, whatever the caller's own deadline or cancellation. */
NW_YIELDS void nw_scope_close(struct nw_scope *scope);

/* The running fiber; NULL on the loop's own stack. */
struct nw_fiber *nw_fiber_self(void);
const char *nw_fiber_name(const struct nw_fiber *fiber);
/* Sets the flag and wakes the fiber. Callable from the loop's stack. */
void nw_fiber_cancel(struct nw_fiber *fiber);
bool nw_fiber_is_cancelled(void);
/* Lets other ready fibers run first. */
NW_YIELDS NW_MUST_CHECK nw_err nw_fiber_yield(void);
NW_YIELDS NW_MUST_CHECK nw_err nw_sleep(uint64_t ms);
/* Finer than the wheel: for load generators. */
NW_YIELDS NW_MUST_CHECK nw_err nw_sleep_until_ns(uint64_t mono_ns);

/*
 * A nearer deadline for the rest of the enclosing block:
 *     NW_WITHIN(connect, 1000);
 *     nw_err err = nw_io_connect(…);
 *     if (err == NW_TIMEOUT && nw_within_ran_out(&connect)) …
 * 0 ms means no limit of its own.
 */
struct nw_within {
    struct nw_within *outer;
    uint64_t at_ms;
};
void nw_within_open(struct nw_within *within, uint64_t ms);
void nw_within_close(struct nw_within *within);
/* Moves the deadline of an open block: `ms` from now. */
void nw_within_restart(struct nw_within *within, uint64_t ms);
/* Was it this deadline (and no outer one) that passed? */
bool nw_within_ran_out(const struct nw_within *within);
#define NW_WITHIN(name, ms)                                                                        \
    __attribute__((cleanup(nw_within_close))) struct nw_within name;                               \
    nw_within_open(&name, (ms))

/* Milliseconds until the nearest deadline; NW_NEVER when there is none. */
uint64_t nw_deadline_left_ms(void);

/*
 * Once per fiber: cancellation and the passed deadline are set aside for at most `ms`, so that the
 * 504 page, a ROLLBACK or a lingering close can come after the timeout that caused them. False when
 * the fiber had its grace already.
 */
bool nw_grace(uint64_t ms);

/* Runs fn(arg) on the thread's own 8 MiB stack: for recursion of unknown depth. Must not yield. */
void nw_run_on_big_stack(void (*fn)(void *arg), void *arg);

/* Greatest stack use seen on this worker, in whole pages; not cheap: asks the kernel per stack. */
size_t nw_fiber_stack_high_water(void);

#endif
