/*
 * Positions only grow; their low bits are the place in memory. A record is an 8-byte header and
 * its bytes rounded up to 8, never split: where the end of memory is too near, a filler record
 * takes the rest and the record starts at the front. Each side keeps a copy of the other's position
 * and looks at the real one only when the copy says full (or empty), so that in steady traffic the
 * two cache lines move rarely.
 *
 * Invariant: bytes between tail and head belong to the consumer, all others to the producer; head
 * is stored after the bytes are, tail after they have been read. The store of head and the load in
 * nw_ring_is_empty are sequentially consistent, because the log's writer goes to sleep on "said
 * that I sleep, then saw no record" against "wrote a record, then saw nobody asleep".
 */
#include "base/ring.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { HEADER_BYTES = 8, FILLER = 1 };

struct header {
    uint32_t bytes; /* of the record; of the whole gap for a filler, header included */
    uint32_t kind;
};

struct nw_ring {
    char *memory;
    size_t cap_bytes;
    char apart_0[64];
    uint64_t head;          /* written by the producer */
    uint64_t tail_seen;     /* the producer's copy of tail */
    uint64_t reserved_at;   /* position of the reserved record's header */
    size_t reserved_bytes;  /* 0: none */
    uint64_t dropped_count; /* written by the producer */
    char apart_1[64];
    uint64_t tail;      /* written by the consumer */
    uint64_t head_seen; /* the consumer's copy of head */
    char apart_2[64];
};

struct nw_ring *nw_ring_new(size_t cap_bytes)
{
    struct nw_ring *ring = nw_alloc_zero(sizeof *ring);
    NW_ASSERT(cap_bytes <= UINT32_MAX / 2);
    ring->cap_bytes = 4096;
    while (ring->cap_bytes < cap_bytes)
        ring->cap_bytes *= 2;
    ring->memory = nw_alloc(ring->cap_bytes);
    return ring;
}

void nw_ring_free(struct nw_ring *ring)
{
    if (ring == NULL)
        return;
    nw_free(ring->memory);
    nw_free(ring);
}

static struct header *header_at(const struct nw_ring *ring, uint64_t position)
{
    return (struct header *)(ring->memory + (position & (ring->cap_bytes - 1)));
}

static size_t footprint(size_t bytes)
{
    return HEADER_BYTES + ((bytes + 7) & ~(size_t)7);
}

static bool has_room(struct nw_ring *ring, size_t bytes)
{
    if (ring->cap_bytes - (ring->head - ring->tail_seen) >= bytes)
        return true;
    ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return ring->cap_bytes - (ring->head - ring->tail_seen) >= bytes;
}

char *nw_ring_reserved(const struct nw_ring *ring)
{
    NW_ASSERT(ring->reserved_bytes != 0);
    return (char *)header_at(ring, ring->reserved_at) + HEADER_BYTES;
}

char *nw_ring_reserve(struct nw_ring *ring, size_t max_bytes)
{
    size_t need = footprint(max_bytes);
    size_t to_end = ring->cap_bytes - (ring->head & (ring->cap_bytes - 1));
    size_t filler = to_end < need ? to_end : 0;
    if (max_bytes > ring->cap_bytes / 2 - HEADER_BYTES || !has_room(ring, filler + need)) {
        __atomic_store_n(&ring->dropped_count, ring->dropped_count + 1, __ATOMIC_RELAXED);
        return NULL;
    }
    if (filler != 0)
        *header_at(ring, ring->head) = (struct header){(uint32_t)filler, FILLER};
    ring->reserved_at = ring->head + filler;
    ring->reserved_bytes = need;
    return nw_ring_reserved(ring);
}

void nw_ring_commit(struct nw_ring *ring, size_t bytes)
{
    NW_ASSERT(footprint(bytes) <= ring->reserved_bytes);
    *header_at(ring, ring->reserved_at) = (struct header){(uint32_t)bytes, 0};
    ring->reserved_bytes = 0;
    __atomic_store_n(&ring->head, ring->reserved_at + footprint(bytes), __ATOMIC_SEQ_CST);
}

bool nw_ring_put(struct nw_ring *ring, struct nw_slice record)
{
    char *to = nw_ring_reserve(ring, record.len);
    if (to == NULL)
        return false;
    if (record.len != 0)
        memcpy(to, record.ptr, record.len);
    nw_ring_commit(ring, record.len);
    return true;
}

bool nw_ring_is_half_full(const struct nw_ring *ring)
{
    return ring->head - __atomic_load_n(&ring->tail, __ATOMIC_RELAXED) > ring->cap_bytes / 2;
}

bool nw_ring_peek(struct nw_ring *ring, struct nw_slice *out_record)
{
    for (;;) {
        if (ring->tail == ring->head_seen)
            ring->head_seen = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        if (ring->tail == ring->head_seen)
            return false;
        struct header *header = header_at(ring, ring->tail);
        if (header->kind != FILLER) {
            *out_record = nw_slice_of((char *)header + HEADER_BYTES, header->bytes);
            return true;
        }
        __atomic_store_n(&ring->tail, ring->tail + header->bytes, __ATOMIC_RELEASE);
    }
}

void nw_ring_pop(struct nw_ring *ring)
{
    NW_ASSERT(ring->tail != ring->head_seen);
    size_t bytes = footprint(header_at(ring, ring->tail)->bytes);
    __atomic_store_n(&ring->tail, ring->tail + bytes, __ATOMIC_RELEASE);
}

bool nw_ring_is_empty(const struct nw_ring *ring)
{
    return ring->tail == __atomic_load_n(&ring->head, __ATOMIC_SEQ_CST);
}

uint64_t nw_ring_dropped(const struct nw_ring *ring)
{
    return __atomic_load_n(&ring->dropped_count, __ATOMIC_RELAXED);
}
