/*
 * Chunked bodies: cut anywhere they yield the same data, end at the same byte, fail with the same
 * class; and data that was read, wrapped again in chunks of another size, is read as the same data.
 */
#include "../unit/proto/http1_verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct verdict verdict;
    char *data; /* as much as the input is long is always enough */
    size_t len;
};

static struct outcome read_all(struct nw_slice input, size_t step, size_t first)
{
    struct outcome out = {.verdict = {.found = VERDICT_MORE},
                          .data = malloc(input.len != 0 ? input.len : 1)};
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, false, 1000);
    for (size_t fed = 0; fed < input.len;) {
        size_t want = fed == 0 ? first : step;
        size_t to = input.len - fed > want ? fed + want : input.len;
        char *copy = verdict_copy(input, fed, to);
        struct nw_slice piece = nw_slice_of(copy, to - fed);
        fed = to;
        while (piece.len != 0) {
            struct nw_slice found;
            size_t used;
            nw_err err = nw_http1_chunked_read(&chunked, piece, &found, &used);
            if (err == NW_AGAIN || err == NW_OK) {
                NW_ASSERT(used <= piece.len && found.len <= used);
                if (found.len != 0)
                    memcpy(out.data + out.len, found.ptr, found.len);
                out.len += found.len;
                out.verdict.used_bytes += used;
                piece = nw_slice_skip(piece, used);
            }
            if (err != NW_AGAIN) {
                out.verdict.found = chunked.found;
                free(copy);
                return out;
            }
        }
        free(copy);
    }
    return out;
}

static void assert_rewraps(const struct outcome *read, size_t step)
{
    char *wrapped = malloc(read->len * 20 + 64);
    size_t len = 0;
    for (size_t at = 0; at < read->len; at += step) {
        size_t bytes = read->len - at < step ? read->len - at : step;
        len += nw_http1_chunk_encode_head(bytes, wrapped + len);
        memcpy(wrapped + len, read->data + at, bytes);
        len += bytes;
        memcpy(wrapped + len, NW_HTTP1_CHUNK_END, 2);
        len += 2;
    }
    memcpy(wrapped + len, NW_HTTP1_CHUNKED_END, 5);
    struct outcome again = read_all(nw_slice_of(wrapped, len + 5), SIZE_MAX, SIZE_MAX);
    NW_ASSERT(again.verdict.found == NW_HTTP1_FINE && again.len == read->len);
    NW_ASSERT(memcmp(again.data, read->data, read->len) == 0);
    free(again.data);
    free(wrapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct nw_slice input = nw_slice_of((const char *)data + 2, size - 2);
    struct outcome whole = read_all(input, SIZE_MAX, SIZE_MAX);
    struct outcome cut = read_all(input, 1 + data[0], 1 + data[1]);
    NW_ASSERT(cut.verdict.found == whole.verdict.found && cut.len == whole.len);
    NW_ASSERT(memcmp(cut.data, whole.data, whole.len) == 0);
    if (whole.verdict.found == NW_HTTP1_FINE) {
        NW_ASSERT(cut.verdict.used_bytes == whole.verdict.used_bytes);
        assert_rewraps(&whole, 1 + data[0]);
    }
    free(cut.data);
    free(whole.data);
    return 0;
}
