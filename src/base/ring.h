/*
 * ring.h - a bounded queue of byte records between two threads.
 *
 * Records lie contiguous in memory: the producer writes in place, the consumer reads in place. A
 * record that finds no room is dropped and counted; nobody waits.
 *
 * Owner:   nw_ring_new/_free
 * Threads: one producer (reserve, commit, put) and one consumer (peek, pop), without locks; the
 *          counters may be read by anyone
 */
#ifndef NW_BASE_RING_H
#define NW_BASE_RING_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/slice.h"

struct nw_ring;

/* cap_bytes is rounded up to a power of two of at least 4096. */
struct nw_ring *nw_ring_new(size_t cap_bytes);
void nw_ring_free(struct nw_ring *ring);

/*
 * Producer: room for a record of up to max_bytes, or NULL, which counts one drop. A record may
 * take at most half of the ring. Reserving again before commit gives the first one up.
 */
char *nw_ring_reserve(struct nw_ring *ring, size_t max_bytes);
/* The memory that reserve gave, until commit. */
char *nw_ring_reserved(const struct nw_ring *ring);
/* Publishes the reserved record with `bytes` <= max_bytes of it. */
void nw_ring_commit(struct nw_ring *ring, size_t bytes);
/* reserve, copy, commit; false when it was dropped. */
bool nw_ring_put(struct nw_ring *ring, struct nw_slice record);
/* Producer: is more than half of the ring in use? */
bool nw_ring_is_half_full(const struct nw_ring *ring);

/* Consumer: the oldest record, valid until pop; false when there is none. */
bool nw_ring_peek(struct nw_ring *ring, struct nw_slice *out_record);
/* Consumer: gives the peeked record's room back. */
void nw_ring_pop(struct nw_ring *ring);
/* Consumer: nothing to read; totally ordered with the producer's commit (see log.c). */
bool nw_ring_is_empty(const struct nw_ring *ring);

uint64_t nw_ring_dropped(const struct nw_ring *ring);

#endif
