/*
 * A ring of buffers. What was written in pieces of 16 KiB leaves in frames of 16 KiB, so a large
 * body goes from the stream to the connection by moving buffers; only odd ends are copied.
 */
#include "http/h2_chain.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { MOVE_MIN_BYTES = 4096 };

static struct nw_buf *buf_at(const struct nw_h2_chain *chain, uint32_t index)
{
    uint32_t at = chain->first + index;
    return &chain->bufs[at < chain->cap ? at : at - chain->cap];
}

void nw_h2_chain_init(struct nw_h2_chain *chain, char *small, uint32_t small_bytes)
{
    chain->bytes = 0;
    chain->small = small;
    chain->small_bytes = small_bytes;
    chain->first = chain->count = 0;
    chain->cap = NW_H2_CHAIN_FEW;
    chain->bufs = chain->few;
}

static void release(struct nw_h2_chain *chain, struct nw_buf *buf)
{
    if (buf->data != chain->small)
        nw_buf_release(buf);
}

void nw_h2_chain_clear(struct nw_h2_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        release(chain, buf_at(chain, i));
    if (chain->bufs != chain->few)
        nw_free(chain->bufs);
    nw_h2_chain_init(chain, chain->small, chain->small_bytes);
}

static NW_NOINLINE void grow(struct nw_h2_chain *chain)
{
    struct nw_buf *bufs = nw_alloc(2 * chain->cap * sizeof *bufs);
    for (uint32_t i = 0; i < chain->count; i++)
        bufs[i] = *buf_at(chain, i);
    if (chain->bufs != chain->few)
        nw_free(chain->bufs);
    chain->bufs = bufs;
    chain->first = 0;
    chain->cap *= 2;
}

static struct nw_buf *push(struct nw_h2_chain *chain)
{
    if (chain->count == chain->cap)
        grow(chain);
    return buf_at(chain, chain->count++);
}

/* A buffer at the back with room; NULL when none is to be had. */
static struct nw_buf *tail_for(struct nw_h2_chain *chain, size_t bytes)
{
    if (chain->count != 0) {
        struct nw_buf *tail = buf_at(chain, chain->count - 1);
        if (nw_buf_space_bytes(tail) != 0)
            return tail;
    } else if (chain->small != NULL && bytes <= chain->small_bytes) {
        struct nw_buf *tail = push(chain);
        *tail = (struct nw_buf){.data = chain->small, .cap_bytes = chain->small_bytes};
        return tail;
    }
    struct nw_buf fresh = {0};
    if (nw_buf_reserve(&fresh) != NW_OK)
        return NULL;
    struct nw_buf *tail = push(chain);
    *tail = fresh;
    return tail;
}

size_t nw_h2_chain_append(struct nw_h2_chain *chain, struct nw_slice bytes)
{
    size_t done_bytes = 0;
    while (done_bytes < bytes.len) {
        struct nw_buf *tail = tail_for(chain, bytes.len - done_bytes);
        if (tail == NULL)
            break;
        size_t step_bytes = nw_buf_space_bytes(tail);
        if (step_bytes > bytes.len - done_bytes)
            step_bytes = bytes.len - done_bytes;
        memcpy(tail->data + tail->end, bytes.ptr + done_bytes, step_bytes);
        tail->end += (uint32_t)step_bytes;
        done_bytes += step_bytes;
    }
    chain->bytes += done_bytes;
    return done_bytes;
}

struct nw_slice nw_h2_chain_front(const struct nw_h2_chain *chain)
{
    return chain->bytes != 0 ? nw_buf_unread(buf_at(chain, 0)) : nw_slice_of(NULL, 0);
}

static void pop(struct nw_h2_chain *chain)
{
    chain->first = chain->first + 1 == chain->cap ? 0 : chain->first + 1;
    chain->count--;
}

void nw_h2_chain_consume(struct nw_h2_chain *chain, size_t bytes)
{
    NW_ASSERT(bytes <= chain->bytes);
    chain->bytes -= bytes;
    while (chain->count != 0) {
        struct nw_buf *front = buf_at(chain, 0);
        uint32_t unread_bytes = nw_buf_unread_bytes(front);
        if (bytes < unread_bytes) {
            front->start += (uint32_t)bytes;
            return;
        }
        bytes -= unread_bytes;
        release(chain, front);
        pop(chain);
    }
}

bool nw_h2_chain_move(struct nw_h2_chain *to, struct nw_h2_chain *from, size_t bytes)
{
    NW_ASSERT(bytes <= from->bytes);
    while (bytes != 0) {
        struct nw_buf *front = buf_at(from, 0);
        struct nw_slice unread = nw_buf_unread(front);
        if (unread.len <= bytes && unread.len >= MOVE_MIN_BYTES && front->data != from->small) {
            struct nw_buf *tail = push(to);
            *tail = *front;
            pop(from);
            from->bytes -= unread.len;
            to->bytes += unread.len;
        } else {
            unread = nw_slice_first(unread, bytes);
            if (nw_h2_chain_append(to, unread) != unread.len)
                return false;
            nw_h2_chain_consume(from, unread.len);
        }
        bytes -= unread.len;
    }
    return true;
}

int nw_h2_chain_vector(const struct nw_h2_chain *chain, struct iovec *iov, int max,
                       size_t *out_bytes)
{
    int used = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < chain->count && used < max; i++) {
        struct nw_slice unread = nw_buf_unread(buf_at(chain, i));
        iov[used++] = (struct iovec){(void *)(uintptr_t)unread.ptr, unread.len};
        bytes += unread.len;
    }
    *out_bytes = bytes;
    return used;
}
