/*
 * buf.h - pooled byte buffers and the process-wide memory ceiling.
 *
 * Buffers are 16 KiB (a 32 KiB class exists for heads that outgrow it), pooled per worker, and
 * counted against the runtime's ceiling. An exchange reserves what it cannot run without;
 * everything beyond is nw_memory_try on a named account, never waited for.
 *
 * Owner:   whoever holds the struct; nw_buf_release gives the bytes back to the current worker's
 *          pool
 * Threads: a buffer is used by one worker
 */
#ifndef NW_IO_BUF_H
#define NW_IO_BUF_H

#include <stdbool.h>

#include "base/slice.h"

enum { NW_BUF_BYTES = 16 * 1024, NW_BUF_LARGE_BYTES = 32 * 1024 };

struct nw_buf {
    char *data; /* NULL: no memory borrowed */
    uint32_t cap_bytes;
    uint32_t start; /* first unread byte */
    uint32_t end;   /* behind the last byte */
    bool wants_large; /* what is borrowed for it comes from the 32 KiB class */
};

/* A zeroed struct is an empty buffer without memory. NW_NO_MEMORY at the ceiling. */
NW_MUST_CHECK nw_err nw_buf_reserve(struct nw_buf *buf);
/* Moves the content to the 32 KiB class; NW_HEAD_TOO_LARGE when it is there already. */
NW_MUST_CHECK nw_err nw_buf_enlarge(struct nw_buf *buf);
void nw_buf_give_back(struct nw_buf *buf);
/* Gives the memory back; the struct is empty again. Safe on an empty one, as most are. */
static inline void nw_buf_release(struct nw_buf *buf)
{
    if (buf->data != NULL)
        nw_buf_give_back(buf);
}

static inline struct nw_slice nw_buf_unread(const struct nw_buf *buf)
{
    return nw_slice_of(buf->data + buf->start, buf->end - buf->start);
}

static inline uint32_t nw_buf_unread_bytes(const struct nw_buf *buf)
{
    return buf->end - buf->start;
}

static inline uint32_t nw_buf_space_bytes(const struct nw_buf *buf)
{
    return buf->cap_bytes - buf->end;
}

/* Marks bytes as read; an emptied buffer starts again at 0 (so offsets into it die here). */
static inline void nw_buf_consume(struct nw_buf *buf, uint32_t bytes)
{
    buf->start += bytes;
    if (buf->start == buf->end)
        buf->start = buf->end = 0;
}

/* Moves the unread bytes to the front. */
void nw_buf_compact(struct nw_buf *buf);

typedef enum nw_memory_account {
    NW_MEMORY_BUFFERS,
    NW_MEMORY_STACKS,
    NW_MEMORY_READ_AHEAD,
    NW_MEMORY_BODIES,
    NW_MEMORY_SPOOL,
    NW_MEMORY_OTHER,
    NW_MEMORY_ACCOUNT_COUNT
} nw_memory_account;

const char *nw_memory_account_name(nw_memory_account account);
/* Counts bytes under the ceiling; false when it (or the account's maximum) would be passed. */
bool nw_memory_try(nw_memory_account account, size_t bytes);
void nw_memory_give(nw_memory_account account, size_t bytes);
struct nw_runtime;
/* One account's maximum beside the ceiling; 0: none. The spool lies on disk: it has only this. */
void nw_memory_set_max_bytes(struct nw_runtime *runtime, nw_memory_account account, uint64_t bytes);
uint64_t nw_memory_used_bytes(const struct nw_runtime *runtime, nw_memory_account account);

#endif
