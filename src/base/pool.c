/*
 * Free objects are named by a stack of pointers beside the slabs, not by links inside the objects:
 * so a free object can be poisoned as a whole, and a stray write into it cannot turn the list into
 * an attacker's pointer. Eight bytes an object pay for that.
 *
 * Invariant: made = free + used, and resting objects count as used: an object that may still be
 * named by an event of this turn cannot be handed out, even at the cost of refusing.
 */
#include "base/pool.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/planted.h"

#if NW_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, bytes) __asan_poison_memory_region(at, bytes)
#define UNPOISON(at, bytes) __asan_unpoison_memory_region(at, bytes)
#define IS_POISONED(at) __asan_address_is_poisoned(at)
#else
#define POISON(at, bytes) ((void)(at))
#define UNPOISON(at, bytes) ((void)(at))
#define IS_POISONED(at) 0
#endif

enum { SLAB_BYTES = 64 * 1024 };

void nw_pool_init(struct nw_pool *pool, size_t object_bytes, size_t max_count)
{
    NW_ASSERT(object_bytes > 0 && max_count > 0);
    *pool = (struct nw_pool){
        .object_bytes = object_bytes,
        .stride_bytes = (object_bytes + 15) & ~(size_t)15,
        .max_count = max_count,
    };
}

static size_t slab_objects(const struct nw_pool *pool, size_t left)
{
    size_t fit = SLAB_BYTES / pool->stride_bytes;
    fit = fit != 0 ? fit : 1;
    return fit < left ? fit : left;
}

void nw_pool_drop(struct nw_pool *pool)
{
    size_t left = pool->max_count;
    for (size_t i = 0; i < pool->slab_count; i++) {
        size_t objects = slab_objects(pool, left);
        UNPOISON(pool->slabs[i], objects * pool->stride_bytes);
        nw_free(pool->slabs[i]);
        left -= objects;
    }
    nw_free(pool->slabs);
    nw_free(pool->free_objects);
    nw_free(pool->resting);
    nw_pool_init(pool, pool->object_bytes, pool->max_count);
}

void nw_pool_done(struct nw_pool *pool)
{
    NW_ASSERT(pool->used_count == pool->resting_count);
    nw_pool_drop(pool);
}

static void grow(struct nw_pool *pool)
{
    size_t objects = slab_objects(pool, pool->max_count - pool->made_count);
    size_t made = pool->made_count + objects;
    char *slab = nw_alloc(objects * pool->stride_bytes);
    pool->slabs = nw_realloc(pool->slabs, (pool->slab_count + 1) * sizeof *pool->slabs);
    pool->slabs[pool->slab_count++] = slab;
    pool->free_objects = nw_realloc(pool->free_objects, made * sizeof(void *));
    pool->resting = nw_realloc(pool->resting, made * sizeof(void *));
    for (size_t i = objects; i > 0; i--)
        pool->free_objects[pool->free_count++] = slab + (i - 1) * pool->stride_bytes;
    pool->made_count = made;
    POISON(slab, objects * pool->stride_bytes);
}

void *nw_pool_try(struct nw_pool *pool)
{
    if (pool->free_count == 0) {
        if (pool->made_count == pool->max_count)
            return NULL;
        grow(pool);
    }
    void *object = pool->free_objects[--pool->free_count];
    pool->used_count++;
    UNPOISON(object, pool->object_bytes);
    return object;
}

void *nw_pool_try_zero(struct nw_pool *pool)
{
    void *object = nw_pool_try(pool);
    return object != NULL ? memset(object, 0, pool->object_bytes) : NULL;
}

void nw_pool_put(struct nw_pool *pool, void *object)
{
    if (object == NULL)
        return;
    NW_ASSERT(pool->used_count > pool->resting_count);
    NW_ASSERT(!IS_POISONED(object)); /* else it was put back twice */
    pool->free_objects[pool->free_count++] = object;
    pool->used_count--;
    POISON(object, pool->stride_bytes);
}

void nw_pool_put_later(struct nw_pool *pool, void *object)
{
    if (object == NULL)
        return;
    if (NW_PLANTED(pool_no_rest)) {
        nw_pool_put(pool, object);
        return;
    }
    NW_ASSERT(pool->used_count > pool->resting_count);
    pool->resting[pool->resting_count++] = object;
}

void nw_pool_end_turn(struct nw_pool *pool)
{
    while (pool->resting_count > 0)
        nw_pool_put(pool, pool->resting[--pool->resting_count]);
}
