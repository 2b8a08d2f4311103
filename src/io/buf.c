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

enum { SPARE_SHARE = 8, SPARE_MAX = 512 };

struct spare {
    struct spare *next;
};

struct pool {
    struct spare *small;
    struct spare *large;
    unsigned small_count;
    unsigned large_count;
};

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

static bool runtime_try(struct nw_runtime *runtime, nw_memory_account account, uint64_t bytes)
{
    uint64_t max_bytes =
        atomic_load_explicit(&runtime->memory_max_bytes[account], memory_order_relaxed);
    if (!count_up(&runtime->memory_used_bytes[account], bytes,
                  max_bytes != 0 ? max_bytes : UINT64_MAX))
        return false;
    if (account == NW_MEMORY_SPOOL)
        return true; /* on disk: bounded by its own maximum alone */
    if (count_up(&runtime->memory_total_bytes, bytes,
                 atomic_load_explicit(&runtime->buffers_max_bytes, memory_order_relaxed)))
        return true;
    atomic_fetch_sub_explicit(&runtime->memory_used_bytes[account], bytes, memory_order_relaxed);
    return false;
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

static void pool_drop(struct nw_runtime *runtime, struct spare *list, uint32_t bytes)
{
    while (list != NULL) {
        struct spare *next = list->next;
        nw_free(list);
        runtime_give(runtime, NW_MEMORY_BUFFERS, bytes);
        list = next;
    }
}

static void pool_free(void *state)
{
    struct pool *pool = state;
    struct nw_runtime *runtime = nw_worker_self()->runtime;
    pool_drop(runtime, pool->small, NW_BUF_BYTES);
    pool_drop(runtime, pool->large, NW_BUF_LARGE_BYTES);
    nw_free(pool);
}

static struct pool *pool_of(struct nw_worker *worker)
{
    struct nw_part *part = &worker->parts[NW_IO_PART_BUF];
    if (NW_UNLIKELY(part->state == NULL)) {
        part->state = nw_alloc_zero(sizeof(struct pool));
        part->free = pool_free;
    }
    return part->state;
}

static void *borrow(struct nw_worker *worker, struct spare **list, unsigned *count, uint32_t bytes)
{
    struct spare *spare = *list;
    if (NW_LIKELY(spare != NULL)) {
        *list = spare->next;
        (*count)--;
        return spare;
    }
    return runtime_try(worker->runtime, NW_MEMORY_BUFFERS, bytes) ? nw_alloc(bytes) : NULL;
}

static bool may_keep(struct nw_worker *worker, const struct pool *pool, uint32_t bytes)
{
    if (NW_ASAN || NW_TSAN || pool->small_count + pool->large_count >= SPARE_MAX)
        return false;
    uint64_t kept_bytes = (uint64_t)pool->small_count * NW_BUF_BYTES +
                          (uint64_t)pool->large_count * NW_BUF_LARGE_BYTES + bytes;
    struct nw_runtime *runtime = worker->runtime;
    return kept_bytes * SPARE_SHARE * runtime->worker_count <=
               atomic_load_explicit(&runtime->buffers_max_bytes, memory_order_relaxed) &&
           !nw_runtime_is_memory_tight(runtime);
}

static void give_back(char *data, uint32_t bytes)
{
    struct nw_worker *worker = nw_worker_self();
    struct pool *pool = pool_of(worker);
    if (NW_UNLIKELY(!may_keep(worker, pool, bytes))) {
        nw_free(data);
        runtime_give(worker->runtime, NW_MEMORY_BUFFERS, bytes);
        return;
    }
    struct spare *spare = (struct spare *)(void *)data;
    struct spare **list = bytes == NW_BUF_BYTES ? &pool->small : &pool->large;
    spare->next = *list;
    *list = spare;
    if (bytes == NW_BUF_BYTES)
        pool->small_count++;
    else
        pool->large_count++;
}

static char *borrow_small(struct nw_worker *worker)
{
    struct pool *pool = pool_of(worker);
    return borrow(worker, &pool->small, &pool->small_count, NW_BUF_BYTES);
}

static char *borrow_large(struct nw_worker *worker)
{
    struct pool *pool = pool_of(worker);
    return borrow(worker, &pool->large, &pool->large_count, NW_BUF_LARGE_BYTES);
}

nw_err nw_buf_reserve(struct nw_buf *buf)
{
    if (buf->data != NULL)
        return NW_OK;
    struct nw_worker *worker = nw_worker_self();
    char *data = buf->wants_large ? borrow_large(worker) : borrow_small(worker);
    if (data == NULL)
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
    char *data = borrow_large(nw_worker_self());
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

void nw_buf_release(struct nw_buf *buf)
{
    if (buf->data != NULL)
        give_back(buf->data, buf->cap_bytes);
    *buf = (struct nw_buf){.wants_large = buf->wants_large};
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
