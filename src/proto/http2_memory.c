/*
 * What nghttp2 allocates is counted per session and ends at a bound, so no peer can make tables,
 * queues and streams grow beyond it: nghttp2 then gives the session up.
 *
 * A stream costs five small blocks that are freed as soon as it has closed. They are kept in lists
 * by size, the last one freed first, which is cheaper than the heap and stays in the cache; an idle
 * connection gives them back (nw_http2_trim).
 */
#include "base/alloc.h"
#include "proto/http2_impl.h"

struct nw_http2_block {
    size_t bytes; /* with this head */
    struct nw_http2_block *next;
    char data[];
};
_Static_assert(sizeof(struct nw_http2_block) == 16, "blocks keep the heap's alignment");

enum { CLASS_BYTES = 64 };

static unsigned class_of(size_t bytes)
{
    return (unsigned)((bytes + CLASS_BYTES - 1) / CLASS_BYTES) - 1;
}

void *nw_http2_memory_get(struct nw_http2_memory *memory, size_t bytes)
{
    unsigned class = class_of(bytes != 0 ? bytes : 1);
    bool is_small = class < NW_HTTP2_MEMORY_CLASSES;
    if (is_small && memory->spare[class] != NULL) {
        struct nw_http2_block *block = memory->spare[class];
        memory->spare[class] = block->next;
        memory->spare_bytes -= block->bytes;
        return block->data;
    }
    size_t block_bytes = sizeof(struct nw_http2_block) +
                         (is_small ? (size_t)(class + 1) * CLASS_BYTES : bytes);
    if (block_bytes < bytes || block_bytes > memory->max_bytes - memory->used_bytes)
        return NULL;
    struct nw_http2_block *block = nw_alloc(block_bytes);
    block->bytes = block_bytes;
    memory->used_bytes += block_bytes;
    return block->data;
}

void nw_http2_memory_put(struct nw_http2_memory *memory, void *data)
{
    if (data == NULL)
        return;
    struct nw_http2_block *block = NW_CONTAINER_OF(data, struct nw_http2_block, data);
    unsigned class = class_of(block->bytes - sizeof *block);
    if (class < NW_HTTP2_MEMORY_CLASSES && !NW_ASAN &&
        memory->spare_bytes + block->bytes <= NW_HTTP2_SPARE_MAX_BYTES) {
        block->next = memory->spare[class];
        memory->spare[class] = block;
        memory->spare_bytes += block->bytes;
        return;
    }
    memory->used_bytes -= block->bytes;
    nw_free(block);
}

void nw_http2_memory_trim(struct nw_http2_memory *memory)
{
    for (unsigned class = 0; class < NW_HTTP2_MEMORY_CLASSES; class++) {
        struct nw_http2_block *block = memory->spare[class];
        while (block != NULL) {
            struct nw_http2_block *next = block->next;
            memory->used_bytes -= block->bytes;
            nw_free(block);
            block = next;
        }
        memory->spare[class] = NULL;
    }
    memory->spare_bytes = 0;
}

/* ---- nghttp2's own view ---- */

static void *get(size_t bytes, void *memory)
{
    return nw_http2_memory_get(memory, bytes);
}

static void put(void *data, void *memory)
{
    nw_http2_memory_put(memory, data);
}

static void *get_zeroed(size_t count, size_t bytes, void *memory)
{
    size_t all_bytes;
    if (__builtin_mul_overflow(count, bytes, &all_bytes))
        return NULL;
    void *data = nw_http2_memory_get(memory, all_bytes);
    if (data != NULL)
        memset(data, 0, all_bytes);
    return data;
}

static void *get_again(void *data, size_t bytes, void *memory)
{
    if (data == NULL)
        return nw_http2_memory_get(memory, bytes);
    struct nw_http2_block *block = NW_CONTAINER_OF(data, struct nw_http2_block, data);
    size_t have_bytes = block->bytes - sizeof *block;
    if (bytes <= have_bytes)
        return data;
    void *moved = nw_http2_memory_get(memory, bytes);
    if (moved == NULL)
        return NULL;
    memcpy(moved, data, have_bytes);
    nw_http2_memory_put(memory, data);
    return moved;
}

void nw_http2_memory_functions(struct nw_http2_memory *memory, nghttp2_mem *out)
{
    *out = (nghttp2_mem){memory, get, put, get_zeroed, get_again};
}
