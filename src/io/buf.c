/*
 * Buffers are needed the moment bytes arrive and returned the moment they have left, so a worker
 * needs few and always wants the one that it used last: it is still in the cache. Hence a LIFO list
 * per worker and size, linked through the free memory itself.
 *
 * What counts under the ceiling is memory that exists, in use or spare: the counters are then only
 * touched when the pool grows or shrinks and not twice per request on every worker. So that spare
 * buffers cannot keep the ceiling reached, a worker keeps its share of one eighth of it at most,
 * and none at all while memory is tight. Sanitizer builds keep none: a late use is then a report.
 */
#include "io/buf.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io/worker_impl.h"

/* ---- the ceiling ---- */

static const char *const account_names[NW_MEMORY_ACCOUNT_COUNT] = {
    [NW_MEMORY_BUFFERS] = "buffers", [NW_MEMORY_STACKS] = "stacks",
    [NW_MEMORY_READ_AHEAD] = "read_ahead", [NW_MEMORY_BODIES] = "bodies",
    [NW_MEMORY_SPOOL] = "spool", [NW_MEMORY_OTHER] = "other",
};

const char *nw_memory_account_name(nw_memory_account account)
{
    NW_ASSERT((unsigned)account < NW_MEMORY_ACCOUNT_COUNT);
    return account_names[account];
}

/* Adds, looks, and takes back what was too much: a refusal may be early, never late. */
static bool count_up(_Atomic uint64_t *counter, uint64_t bytes, uint64_t max_bytes)
{
    uint64_t before = atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed);
    if (before + bytes <= max_bytes)
        return true;
    const struct nw_fiber *fiber = nw_fiber_self();
    if (fiber != NULL && fiber->is_vital)
        return true;
    atomic_fetch_sub_explicit(counter, bytes, memory_order_relaxed);
    return false;
}

static bool refuse(struct nw_runtime *runtime, nw_memory_account account)
{
    atomic_fetch_add_explicit(&runtime->memory_refusals[account], 1, memory_order_relaxed);
    return false;
}

static bool runtime_try(struct nw_runtime *runtime, nw_memory_account account, uint64_t bytes)
{
    uint64_t max_bytes =
        atomic_load_explicit(&runtime->memory_max_bytes[account], memory_order_relaxed);
    if (!count_up(&runtime->memory_used_bytes[account], bytes,
                  max_bytes != 0 ? max_bytes : UINT64_MAX))
        return refuse(runtime, account);
    if (account == NW_MEMORY_SPOOL)
        return true; /* on disk: bounded by its own maximum alone */
    if (count_up(&runtime->memory_total_bytes, bytes,
                 atomic_load_explicit(&runtime->buffers_max_bytes, memory_order_relaxed)))
        return true;
    atomic_fetch_sub_explicit(&runtime->memory_used_bytes[account], bytes, memory_order_relaxed);
    return refuse(runtime, account);
}

static void runtime_give(struct nw_runtime *runtime, nw_memory_account account, uint64_t bytes)
{
    uint64_t before = atomic_fetch_sub_explicit(&runtime->memory_used_bytes[account], bytes,
                                                memory_order_relaxed);
    NW_ASSERT(before >= bytes);
    if (account == NW_MEMORY_SPOOL)
        return;
    atomic_fetch_sub_explicit(&runtime->memory_total_bytes, bytes, memory_order_relaxed);
}

bool nw_memory_try(nw_memory_account account, size_t bytes)
{
    NW_ASSERT((unsigned)account < NW_MEMORY_ACCOUNT_COUNT);
    return runtime_try(nw_worker_self()->runtime, account, bytes);
}

void nw_memory_give(nw_memory_account account, size_t bytes)
{
    NW_ASSERT((unsigned)account < NW_MEMORY_ACCOUNT_COUNT);
    runtime_give(nw_worker_self()->runtime, account, bytes);
}

void nw_memory_set_max_bytes(struct nw_runtime *runtime, nw_memory_account account, uint64_t bytes)
{
    NW_ASSERT((unsigned)account < NW_MEMORY_ACCOUNT_COUNT);
    atomic_store_explicit(&runtime->memory_max_bytes[account], bytes, memory_order_relaxed);
}

uint64_t nw_memory_used_bytes(const struct nw_runtime *runtime, nw_memory_account account)
{
    return atomic_load_explicit(&runtime->memory_used_bytes[account], memory_order_relaxed);
}

/* ---- the pool ---- */

static void pool_drop(struct nw_runtime *runtime, struct nw_buf_spare *list, uint32_t bytes)
{
    while (list != NULL) {
        struct nw_buf_spare *next = list->next;
        nw_free(list);
        runtime_give(runtime, NW_MEMORY_BUFFERS, bytes);
        list = next;
    }
}

static void pool_free(void *state)
{
    struct nw_buf_pool *pool = state;
    struct nw_runtime *runtime = nw_worker_self()->runtime;
    pool_drop(runtime, pool->small, NW_BUF_BYTES);
    pool_drop(runtime, pool->large, NW_BUF_LARGE_BYTES);
    *pool = (struct nw_buf_pool){0};
}

static NW_NOINLINE char *make(struct nw_worker *worker, uint32_t bytes)
{
    if (!worker->bufs.is_known) {
        worker->bufs.is_known = true;
        worker->parts[NW_IO_PART_BUF] = (struct nw_part){&worker->bufs, pool_free};
    }
    return runtime_try(worker->runtime, NW_MEMORY_BUFFERS, bytes) ? nw_alloc(bytes) : NULL;
}

static inline char *borrow(bool is_large)
{
    struct nw_worker *worker = nw_worker_self();
    struct nw_buf_spare **list = is_large ? &worker->bufs.large : &worker->bufs.small;
    uint32_t bytes = is_large ? NW_BUF_LARGE_BYTES : NW_BUF_BYTES;
    struct nw_buf_spare *spare = *list;
    if (NW_UNLIKELY(spare == NULL))
        return make(worker, bytes);
    *list = spare->next;
    nw_prefetch(spare->next, 64); /* the next of a burst is cold by now */
    worker->bufs.spare_bytes -= bytes;
    return (char *)spare;
}

static NW_NOINLINE void discard(struct nw_worker *worker, char *data, uint32_t bytes)
{
    nw_free(data);
    runtime_give(worker->runtime, NW_MEMORY_BUFFERS, bytes);
}

static inline void give_back(char *data, uint32_t bytes)
{
    struct nw_worker *worker = nw_worker_self();
    struct nw_runtime *runtime = worker->runtime;
    struct nw_buf_pool *pool = &worker->bufs;
    if (NW_UNLIKELY(NW_ASAN || NW_TSAN ||
                    pool->spare_bytes + bytes >
                        atomic_load_explicit(&runtime->spare_max_bytes, memory_order_relaxed) ||
                    nw_runtime_is_memory_tight(runtime))) {
        discard(worker, data, bytes);
        return;
    }
    struct nw_buf_spare *spare = (struct nw_buf_spare *)(void *)data;
    struct nw_buf_spare **list = bytes == NW_BUF_BYTES ? &pool->small : &pool->large;
    spare->next = *list;
    *list = spare;
    pool->spare_bytes += bytes;
}

nw_err nw_buf_reserve(struct nw_buf *buf)
{
    if (buf->data != NULL)
        return NW_OK;
    char *data = borrow(buf->wants_large);
    if (NW_UNLIKELY(data == NULL))
        return NW_NO_MEMORY;
    buf->data = data;
    buf->cap_bytes = buf->wants_large ? NW_BUF_LARGE_BYTES : NW_BUF_BYTES;
    buf->start = buf->end = 0;
    return NW_OK;
}

nw_err nw_buf_enlarge(struct nw_buf *buf)
{
    if (buf->cap_bytes == NW_BUF_LARGE_BYTES)
        return NW_HEAD_TOO_LARGE;
    char *data = borrow(true);
    if (data == NULL)
        return NW_NO_MEMORY;
    uint32_t bytes = nw_buf_unread_bytes(buf);
    if (buf->data != NULL) {
        memcpy(data, buf->data + buf->start, bytes);
        give_back(buf->data, buf->cap_bytes);
    }
    buf->data = data;
    buf->cap_bytes = NW_BUF_LARGE_BYTES;
    buf->start = 0;
    buf->end = bytes;
    return NW_OK;
}

void nw_buf_give_back(struct nw_buf *buf)
{
    give_back(buf->data, buf->cap_bytes);
    buf->data = NULL;
    buf->cap_bytes = buf->start = buf->end = 0;
}

void nw_buf_compact(struct nw_buf *buf)
{
    uint32_t bytes = nw_buf_unread_bytes(buf);
    if (buf->start == 0)
        return;
    memmove(buf->data, buf->data + buf->start, bytes);
    buf->start = 0;
    buf->end = bytes;
}
