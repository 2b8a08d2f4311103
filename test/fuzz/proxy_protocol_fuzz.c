/*
 * PROXY headers: cut anywhere they get the same verdict, for the same reason; an accepted one ends
 * with its last byte, neither earlier nor later, whatever follows.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "proto/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    nw_err err;
    nw_proxy_fault fault;
    struct nw_proxy_header header;
};

/* From memory of just that length: a read beyond it shows. */
static struct outcome read_first(const uint8_t *data, size_t len)
{
    struct outcome out = {.fault = NW_PROXY_FINE};
    char *copy = malloc(len != 0 ? len : 1);
    NW_ASSERT(copy != NULL);
    if (len != 0)
        memcpy(copy, data, len);
    out.err = nw_proxy_header_read(nw_slice_of(copy, len), &out.header, &out.fault);
    free(copy);
    return out;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    NW_ASSERT(a->err == b->err && a->fault == b->fault);
    NW_ASSERT(memcmp(&a->header, &b->header, sizeof a->header) == 0);
}

static void assert_accepted_well(const struct outcome *whole, const uint8_t *data, size_t size)
{
    const struct nw_proxy_header *header = &whole->header;
    NW_ASSERT(header->header_bytes >= 15 && header->header_bytes <= size);
    NW_ASSERT(header->version == 2 ? header->header_bytes <= NW_PROXY_MAX_BYTES
                                   : header->header_bytes <= NW_PROXY_V1_MAX_BYTES);
    struct outcome exact = read_first(data, header->header_bytes);
    assert_same(&exact, whole);
    struct outcome shorter = read_first(data, header->header_bytes - 1);
    NW_ASSERT(shorter.err == NW_AGAIN);
    NW_ASSERT(nw_proxy_is_announced(nw_slice_of((const char *)data, size)));
    if (!header->has_source)
        NW_ASSERT(header->source_port == 0 && header->destination_port == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t step = 1 + data[0] % 64;
    data++, size--;
    struct outcome whole = read_first(data, size);
    NW_ASSERT((whole.err == NW_BAD_MESSAGE) == (whole.fault != NW_PROXY_FINE));
    NW_ASSERT(whole.err != NW_AGAIN || size < NW_PROXY_MAX_BYTES);
    struct outcome cut = {.err = NW_AGAIN};
    for (size_t len = 0; cut.err == NW_AGAIN && len < size;) {
        len = size - len > step ? len + step : size;
        cut = read_first(data, len);
    }
    assert_same(&cut, &whole);
    if (whole.err == NW_OK)
        assert_accepted_well(&whole, data, size);
    return 0;
}
