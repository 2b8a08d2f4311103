/*
 * pool.h - objects of one size, bounded in number, reused last in first out.
 *
 * The object freed last is in the cache still, so it is handed out first. An object whose file
 * descriptor was closed in this turn of the loop must rest until the turn ends, because the list
 * of events may still name it: nw_pool_put_later keeps it aside and readable until
 * nw_pool_end_turn. Free objects are poisoned under AddressSanitizer.
 *
 * Owner:   the pool owns all memory; an object belongs to whoever got it until it is put back
 * Threads: one at a time (a pool per worker)
 */
#ifndef NW_BASE_POOL_H
#define NW_BASE_POOL_H

#include "base/compiler.h"

struct nw_pool {
    size_t object_bytes; /* as asked for */
    size_t stride_bytes; /* rounded up to 16 */
    size_t max_count;
    size_t made_count;   /* objects that exist, used or not */
    size_t used_count;   /* handed out, resting ones included */
    void **free_objects; /* a stack; room for made_count */
    size_t free_count;
    void **resting; /* room for made_count */
    size_t resting_count;
    void **slabs;
    size_t slab_count;
};

/* Takes no memory yet. object_bytes > 0, max_count > 0. */
void nw_pool_init(struct nw_pool *pool, size_t object_bytes, size_t max_count);
/* Every object must be back (resting is back enough). */
void nw_pool_done(struct nw_pool *pool);
/* As nw_pool_done with objects still out: for a worker that was killed. */
void nw_pool_drop(struct nw_pool *pool);

/* 16-byte aligned, not zeroed; NULL when max_count objects are out. */
void *nw_pool_try(struct nw_pool *pool);
/* As nw_pool_try, zeroed. */
void *nw_pool_try_zero(struct nw_pool *pool);
/* NULL does nothing. */
void nw_pool_put(struct nw_pool *pool, void *object);
/* Put back at the end of this turn; the memory stays readable and writable until then. */
void nw_pool_put_later(struct nw_pool *pool, void *object);
/* Called once per turn of the loop, after the last event was looked at. */
void nw_pool_end_turn(struct nw_pool *pool);

#endif
