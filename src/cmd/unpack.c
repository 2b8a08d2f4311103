/*
 * Two libraries behind one face. Both report the end of a member or frame, after which nothing,
 * another one, or rubbish may follow; zlib leaves that to us, Zstandard does not.
 */
#include "cmd/unpack.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "base/assert.h"

struct unpack {
    unpack_kind kind;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    bool is_complete; /* at the end of a member or frame, or before the first */
    const char *why;
};

/* Magic number, method deflate; magic number of a frame, of a skippable frame. */
unpack_kind unpack_detect(struct nw_slice first)
{
    if (nw_slice_starts_with(first, NW_SLICE("\x1f\x8b\x08")))
        return UNPACK_GZIP;
    if (nw_slice_starts_with(first, NW_SLICE("\x28\xb5\x2f\xfd")))
        return UNPACK_ZSTD;
    bool is_skippable = first.len >= 4 && (first.ptr[0] & 0xf0) == 0x50 &&
                        nw_slice_starts_with(nw_slice_skip(first, 1), NW_SLICE("\x2a\x4d\x18"));
    return is_skippable ? UNPACK_ZSTD : UNPACK_NONE;
}

static bool has_end(struct nw_slice name, struct nw_slice end)
{
    return name.len >= end.len && nw_slice_eq_nocase(nw_slice_skip(name, name.len - end.len), end);
}

unpack_kind unpack_by_name(struct nw_slice file_name)
{
    if (has_end(file_name, NW_SLICE(".gz")))
        return UNPACK_GZIP;
    return has_end(file_name, NW_SLICE(".zst")) ? UNPACK_ZSTD : UNPACK_NONE;
}

const char *unpack_name(unpack_kind kind)
{
    static const char *const names[] = {"", "gzip", "Zstandard"};
    return names[kind];
}

struct unpack *unpack_new(unpack_kind kind, uint64_t window_max_bytes)
{
    NW_ASSERT(kind == UNPACK_GZIP || kind == UNPACK_ZSTD);
    NW_ASSERT(window_max_bytes >= 1024);
    struct unpack *unpack = nw_alloc_zero(sizeof *unpack);
    unpack->kind = kind;
    unpack->is_complete = true;
    unpack->why = "";
    if (kind == UNPACK_GZIP) {
        int code = inflateInit2(&unpack->gzip, 15 + 16); /* largest window; gzip, not zlib */
        NW_ASSERT(code == Z_OK);
        return unpack;
    }
    int window_log = 10;
    while (window_log < 31 && window_max_bytes >> (window_log + 1) != 0)
        window_log++;
    unpack->zstd = ZSTD_createDCtx();
    NW_ASSERT(unpack->zstd != NULL);
    size_t code = ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax, window_log);
    NW_ASSERT(!ZSTD_isError(code));
    return unpack;
}

void unpack_free(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    if (unpack->kind == UNPACK_GZIP)
        inflateEnd(&unpack->gzip);
    ZSTD_freeDCtx(unpack->zstd);
    nw_free(unpack);
}

static nw_err step_gzip(struct unpack *unpack, struct nw_slice *in, char *to, size_t bytes,
                        size_t *out_bytes)
{
    z_stream *gzip = &unpack->gzip;
    if (unpack->is_complete && in->len > 0) {
        unpack->is_complete = false;
        inflateReset(gzip);
    }
    gzip->next_in = (Bytef *)(uintptr_t)in->ptr;
    gzip->avail_in = (uInt)(in->len < UINT32_MAX ? in->len : UINT32_MAX);
    gzip->next_out = (Bytef *)to;
    gzip->avail_out = (uInt)(bytes < UINT32_MAX ? bytes : UINT32_MAX);
    uInt room = gzip->avail_out, given = gzip->avail_in;
    int code = unpack->is_complete ? Z_BUF_ERROR : inflate(gzip, Z_NO_FLUSH);
    *in = nw_slice_skip(*in, given - gzip->avail_in);
    if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) {
        unpack->why = gzip->msg != NULL ? gzip->msg : "it asks for a dictionary";
        return NW_BAD_MESSAGE;
    }
    unpack->is_complete |= code == Z_STREAM_END;
    *out_bytes = room - gzip->avail_out;
    return NW_OK;
}

static nw_err step_zstd(struct unpack *unpack, struct nw_slice *in, char *to, size_t bytes,
                        size_t *out_bytes)
{
    ZSTD_inBuffer from = {.src = in->ptr, .size = in->len};
    ZSTD_outBuffer into = {.dst = to, .size = bytes};
    if (unpack->is_complete && in->len == 0) {
        *out_bytes = 0;
        return NW_OK;
    }
    size_t code = ZSTD_decompressStream(unpack->zstd, &into, &from);
    *in = nw_slice_skip(*in, from.pos);
    if (ZSTD_isError(code)) {
        unpack->why = ZSTD_getErrorName(code);
        return ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge
                   ? NW_NO_MEMORY
                   : NW_BAD_MESSAGE;
    }
    unpack->is_complete = code == 0;
    *out_bytes = into.pos;
    return NW_OK;
}

nw_err unpack_step(struct unpack *unpack, struct nw_slice *in, char *to, size_t bytes,
                   size_t *out_bytes)
{
    return unpack->kind == UNPACK_GZIP ? step_gzip(unpack, in, to, bytes, out_bytes)
                                       : step_zstd(unpack, in, to, bytes, out_bytes);
}

bool unpack_is_complete(const struct unpack *unpack)
{
    return unpack->is_complete;
}

const char *unpack_why(const struct unpack *unpack)
{
    return unpack->why;
}
