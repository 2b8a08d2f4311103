/*
 * arena.h - many allocations, one reset.
 *
 * Owner:   whoever calls nw_arena_init; everything allocated dies with reset or done
 * Threads: one at a time
 */
#ifndef NW_BASE_ARENA_H
#define NW_BASE_ARENA_H

#include "base/compiler.h"
#include "base/slice.h"

struct nw_arena_block;

struct nw_arena {
    char *at;
    char *end;
    struct nw_arena_block *blocks; /* newest first; none belongs to us when only `first` is used */
    size_t used_bytes;             /* in blocks of our own */
    size_t max_bytes;
    char *first; /* borrowed memory that is used before any block is allocated; may be NULL */
    size_t first_bytes;
};

/*
 * `first` (may be NULL) is borrowed memory used before the heap is asked: a request whose needs fit
 * there allocates nothing. max_bytes bounds what is taken from the heap beyond it.
 */
void nw_arena_init(struct nw_arena *arena, void *first, size_t first_bytes, size_t max_bytes);
/* Frees all blocks; the arena is as new. */
void nw_arena_reset(struct nw_arena *arena);
void nw_arena_done(struct nw_arena *arena);

/* 16-byte aligned, not zeroed; NULL when max_bytes would be passed. */
void *nw_arena_try(struct nw_arena *arena, size_t bytes);
/* As nw_arena_try, zeroed, for arenas whose growth no peer controls: asserts instead of NULL. */
void *nw_arena_zero(struct nw_arena *arena, size_t bytes);
/* A zero-terminated copy; a NULL slice when the bound is reached. */
struct nw_slice nw_arena_copy(struct nw_arena *arena, struct nw_slice text);
/* As nw_arena_copy, as a C string; asserts on the bound: for generations, not for requests. */
char *nw_arena_string(struct nw_arena *arena, struct nw_slice text);
/* A formatted string; a NULL slice when the bound is reached. */
struct nw_slice nw_arena_printf(struct nw_arena *arena, const char *format, ...) NW_PRINTF(2, 3);

#endif
