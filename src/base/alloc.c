/* malloc with the failure handled once. */
#include "base/alloc.h"

#include <stdlib.h>

#include "base/assert.h"

void *nw_alloc(size_t bytes)
{
    void *memory = malloc(bytes != 0 ? bytes : 1);
    NW_ASSERT(memory != NULL);
    return memory;
}

void *nw_alloc_zero(size_t bytes)
{
    return nw_alloc_array(1, bytes);
}

void *nw_alloc_array(size_t count, size_t bytes)
{
    void *memory = calloc(count != 0 ? count : 1, bytes != 0 ? bytes : 1);
    NW_ASSERT(memory != NULL);
    return memory;
}

void *nw_realloc(void *memory, size_t bytes)
{
    void *moved = realloc(memory, bytes != 0 ? bytes : 1);
    NW_ASSERT(moved != NULL);
    return moved;
}

char *nw_alloc_string(struct nw_slice text)
{
    char *copy = nw_alloc(text.len + 1);
    if (text.len != 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

void nw_free(void *memory)
{
    free(memory);
}
