/*
 * sim.h - a world of runtimes on one OS thread: virtual time, sockets in memory, one seeded
 * generator.
 *
 * Every runtime made with `backend = &nw_backend_sim, world = sim` belongs to the world; the
 * world drives its workers instead of nw_runtime_run. One step is one turn of one worker (or one
 * offload job); the generator chooses whose. When nobody can run the clock jumps to the next
 * event, so an hour of keep-alive costs nothing. The same seed and the same calls give the same
 * transcript, byte for byte.
 *
 *     struct nw_sim *sim = nw_sim_new(&(struct nw_sim_options){.seed = 7});
 *     nw_runtime_new(&(struct nw_runtime_options){.backend = &nw_backend_sim, .world = sim}, &rt);
 *     nw_sim_spawn(rt, 0, "client", client, arg);
 *     nw_sim_run_until(sim, is_done, arg, 60000);
 *
 * It is one host: an address belongs to whoever listens on it, a wildcard listener takes every
 * address of its port. Names come from a table, files from a tree in memory.
 *
 * Owner:   the caller; all runtimes of the world are freed before it
 * Threads: one; never from inside a worker's turn unless a line says so
 */
#ifndef NW_IO_SIM_H
#define NW_IO_SIM_H

#include <stdbool.h>

#include "base/rng.h"
#include "base/text.h"
#include "io/addr.h"
#include "io/fiber.h"

struct nw_runtime;
struct nw_sim;

/* What goes wrong, and how often; may be changed at any moment. Probabilities are 0..1. */
struct nw_sim_faults {
    double split_read;      /* a read gives only a part of what is there */
    double split_write;     /* a write takes only a part, or arrives in pieces */
    double full;            /* a write finds no room although there is some */
    double partial_events;  /* a turn is told only some of what is ready */
    double reset;           /* per write: the connection breaks, both sides get a reset */
    double connect_refused; /* although somebody listens */
    double connect_lost;    /* the attempt gets no answer at all */
    double stall;           /* per turn: the worker does not run for a while */
    double slow_job;        /* an offload job takes up to slow_job_ms */
    uint64_t latency_us;    /* of every segment, one way */
    uint64_t jitter_us;     /* on top: mean of an exponential distribution */
    uint64_t stall_ms;      /* mean */
    uint64_t slow_job_ms;
    size_t buffer_min_bytes; /* of each direction of a connection, drawn when it is made */
    size_t buffer_max_bytes;
};

struct nw_sim_options {
    uint64_t seed;
    uint64_t turn_ns;      /* what a turn costs; 0: 2 us */
    bool drops_transcript; /* keeps only its hash and its end: for long runs */
};

struct nw_sim *nw_sim_new(const struct nw_sim_options *options);
void nw_sim_free(struct nw_sim *sim);

/* None, but for 50 us of latency and buffers of 16 to 256 KiB. */
struct nw_sim_faults *nw_sim_faults(struct nw_sim *sim);
/* Also from inside a turn. */
uint64_t nw_sim_now_us(const struct nw_sim *sim);
uint64_t nw_sim_now_ms(const struct nw_sim *sim);
/* A stream of chance of the caller's own, which moves nobody else's dice. */
void nw_sim_split(const struct nw_sim *sim, const char *name, struct nw_rng *out);

/* ---- Running ---- */

/* Starts a fiber in the root scope of a worker. */
void nw_sim_spawn(struct nw_runtime *runtime, unsigned worker_index, const char *name,
                  nw_fiber_fn fn, void *arg);
/* Calls fn(arg) between two turns, delay_ms from now. Also from inside a turn. */
void nw_sim_after(struct nw_sim *sim, uint64_t delay_ms, void (*fn)(void *arg), void *arg);
/* One turn or job, after the clock has jumped if need be. False: nothing will ever happen. */
bool nw_sim_step(struct nw_sim *sim);
/* Steps until is_done(arg), at most max_ms of virtual time. Returns is_done's last answer. */
bool nw_sim_run_until(struct nw_sim *sim, bool (*is_done)(void *arg), void *arg, uint64_t max_ms);
/* Steps for that long, or until nothing will ever happen. */
void nw_sim_run_ms(struct nw_sim *sim, uint64_t ms);
/* Called after every step; reports what it finds itself. NULL ends it. */
void nw_sim_check_set(struct nw_sim *sim, void (*check)(void *arg), void *arg);
/* Called before and after every turn of a worker: for measuring. */
void nw_sim_around_set(struct nw_sim *sim,
                       void (*around)(void *arg, const struct nw_runtime *runtime, bool begins),
                       void *arg);
uint64_t nw_sim_steps(const struct nw_sim *sim);
/* nw_runtime_stop was called and the loops have ended: the runtime may be freed. */
bool nw_sim_is_over(const struct nw_runtime *runtime);
/* Stops a runtime, steps the world until it is over (at most 60 virtual seconds), and frees it. */
void nw_sim_end(struct nw_sim *sim, struct nw_runtime *runtime);

/* ---- What happens to a runtime ---- */

/*
 * The process dies: listeners vanish, peers get resets (silently: they get nothing at all, as if
 * the cable were cut), files lose what was not synced, and from now on nothing that the runtime
 * does reaches anybody. Its memory is still there: nw_sim_bury, then its owner's _free.
 */
void nw_sim_kill(struct nw_sim *sim, struct nw_runtime *runtime, bool is_silent);
bool nw_sim_is_dead(const struct nw_runtime *runtime);
/*
 * Runs a killed runtime, and nobody else, until all its fibers have ended; the world's clock
 * stands still. end(arg) is run in a fiber of its worker 0 and must lead to nw_runtime_stop;
 * NULL: stop it.
 */
void nw_sim_bury(struct nw_sim *sim, struct nw_runtime *runtime, nw_fiber_fn end, void *arg);
/* One worker does not run for that long. */
void nw_sim_stall(struct nw_sim *sim, struct nw_runtime *runtime, unsigned worker_index,
                  uint64_t ms);
/* Moves the wall clock of the whole world, either way. */
void nw_sim_wall_step(struct nw_sim *sim, int64_t ms);
/* What a name resolves to from now on; count 0: it does not. At most 16 addresses. */
void nw_sim_name_set(struct nw_sim *sim, const char *name, const struct nw_addr *addrs,
                     unsigned count, uint32_t ttl_s);
/* Sockets of a runtime that are open, listeners included. */
unsigned nw_sim_socket_count(const struct nw_runtime *runtime);
/* Connections that were ever accepted on an address. */
uint64_t nw_sim_accepted_count(const struct nw_sim *sim, const struct nw_addr *addr);

/* ---- The transcript ---- */

/* A line of the caller's own. Also from inside a turn. No pointers, no real time. */
void nw_sim_note(struct nw_sim *sim, const char *who, const char *format, ...) NW_PRINTF(3, 4);
/* All of it, or its end (drops_transcript). Valid until the next step. */
struct nw_slice nw_sim_transcript(const struct nw_sim *sim);
/* Of everything ever noted. */
uint64_t nw_sim_transcript_hash(const struct nw_sim *sim);

#endif
