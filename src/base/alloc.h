/*
 * alloc.h - heap memory that cannot fail, and ownership that is visible.
 *
 * Small heap allocations abort when memory is out: a daemon that cannot get a few hundred bytes
 * cannot do anything sensible. Whatever a peer can make grow has a bound and its own nw_err.
 *
 * Owner:   what nw_alloc* returns belongs to the caller; release with nw_free
 * Threads: any
 */
#ifndef NW_BASE_ALLOC_H
#define NW_BASE_ALLOC_H

#include "base/compiler.h"
#include "base/slice.h"

void *nw_alloc(size_t bytes);
void *nw_alloc_zero(size_t bytes);
/* Zeroed array; aborts when count * bytes overflows. */
void *nw_alloc_array(size_t count, size_t bytes);
void *nw_realloc(void *memory, size_t bytes);
/* A zero-terminated copy. */
char *nw_alloc_string(struct nw_slice text);
void nw_free(void *memory);

/*
 * NW_CLEANUP(nw_thing_free) struct nw_thing *t = …;   freed on every way out,
 * NW_TAKE(t) hands it on and disarms the clean-up.
 */
#define NW_CLEANUP(function) __attribute__((cleanup(function##_cleanup)))
#define NW_CLEANUP_DEFINE(type, function)                                                          \
    NW_UNUSED static inline void function##_cleanup(type **at)                                     \
    {                                                                                              \
        function(*at);                                                                             \
    }
#define NW_TAKE(pointer)                                                                           \
    ({                                                                                             \
        __typeof__(pointer) nw_taken_ = (pointer);                                                 \
        (pointer) = NULL;                                                                          \
        nw_taken_;                                                                                 \
    })

#endif
