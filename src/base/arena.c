/*
 * A bump pointer over a borrowed first piece and then heap blocks that double from 4 KiB to 64 KiB.
 * The first piece usually is the unused rest of a request's head buffer, so that the ordinary
 * request costs no allocation at all.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { BLOCK_MIN_BYTES = 4096, BLOCK_MAX_BYTES = 65536, ALIGNMENT = 16 };

struct nw_arena_block {
    struct nw_arena_block *next;
    size_t bytes;
    _Alignas(ALIGNMENT) char data[];
};

void nw_arena_init(struct nw_arena *arena, void *first, size_t first_bytes, size_t max_bytes)
{
    *arena = (struct nw_arena){.max_bytes = max_bytes, .first = first, .first_bytes = first_bytes};
    arena->at = arena->first;
    arena->end = first != NULL ? arena->first + first_bytes : NULL;
}

void nw_arena_reset(struct nw_arena *arena)
{
    while (arena->blocks != NULL) {
        struct nw_arena_block *next = arena->blocks->next;
        nw_free(arena->blocks);
        arena->blocks = next;
    }
    nw_arena_init(arena, arena->first, arena->first_bytes, arena->max_bytes);
}

void nw_arena_done(struct nw_arena *arena)
{
    nw_arena_reset(arena);
    *arena = (struct nw_arena){0};
}

static bool grow(struct nw_arena *arena, size_t bytes)
{
    size_t next_bytes = arena->blocks != NULL ? arena->blocks->bytes * 2 : BLOCK_MIN_BYTES;
    if (next_bytes > BLOCK_MAX_BYTES)
        next_bytes = BLOCK_MAX_BYTES;
    if (next_bytes < bytes + ALIGNMENT)
        next_bytes = bytes + ALIGNMENT;
    if (next_bytes > arena->max_bytes || arena->used_bytes > arena->max_bytes - next_bytes)
        return false;
    struct nw_arena_block *block = nw_alloc(sizeof *block + next_bytes);
    block->next = arena->blocks;
    block->bytes = next_bytes;
    arena->blocks = block;
    arena->used_bytes += next_bytes;
    arena->at = block->data;
    arena->end = block->data + next_bytes;
    return true;
}

static char *aligned(char *at)
{
    return (char *)(((uintptr_t)at + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
}

void *nw_arena_try(struct nw_arena *arena, size_t bytes)
{
    char *at = aligned(arena->at);
    if (arena->at == NULL || at > arena->end || (size_t)(arena->end - at) < bytes) {
        if (bytes > arena->max_bytes || !grow(arena, bytes))
            return NULL;
        at = aligned(arena->at);
    }
    arena->at = at + bytes;
    return at;
}

void *nw_arena_zero(struct nw_arena *arena, size_t bytes)
{
    void *memory = nw_arena_try(arena, bytes);
    NW_ASSERT(memory != NULL);
    return memset(memory, 0, bytes);
}

struct nw_slice nw_arena_copy(struct nw_arena *arena, struct nw_slice text)
{
    char *copy = nw_arena_try(arena, text.len + 1);
    if (copy == NULL)
        return (struct nw_slice){0};
    if (text.len != 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return nw_slice_of(copy, text.len);
}

char *nw_arena_string(struct nw_arena *arena, struct nw_slice text)
{
    struct nw_slice copy = nw_arena_copy(arena, text);
    NW_ASSERT(copy.ptr != NULL);
    return (char *)copy.ptr;
}

struct nw_slice nw_arena_printf(struct nw_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    NW_ASSERT(bytes >= 0);
    char *text = nw_arena_try(arena, (size_t)bytes + 1);
    if (text == NULL)
        return (struct nw_slice){0};
    va_start(args, format);
    vsnprintf(text, (size_t)bytes + 1, format, args);
    va_end(args);
    return nw_slice_of(text, (size_t)bytes);
}
