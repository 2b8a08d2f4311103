/*
 * Where frames begin and end, seen beside nghttp2: it says when a header block is whole, but not
 * while it is not, and nothing at all of one that it reads over (a head that it has refused). A
 * peer that never ends a block holds up the whole connection, since no other frame may come between
 * (RFC 9113 section 6.10); so the owner must be able to ask since when one is open.
 *
 * It reads nine bytes of each frame and skips the rest: two dozen instructions a frame.
 */
#include "proto/http2_impl.h"

enum { FRAME_HEAD_BYTES = 9 };

/* The frame whose head lies in scan->head. */
static void begin_frame(struct nw_http2_scan *scan)
{
    const uint8_t *head = scan->head;
    bool is_first = head[3] == NGHTTP2_HEADERS || head[3] == NGHTTP2_PUSH_PROMISE;
    scan->have_bytes = 0;
    scan->left_bytes = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    scan->is_of_block = is_first || head[3] == NGHTTP2_CONTINUATION;
    if (scan->is_of_block)
        scan->is_open = (head[4] & NGHTTP2_FLAG_END_HEADERS) == 0;
}

void nw_http2_scan_start(struct nw_http2_scan *scan, bool is_client)
{
    scan->left_bytes = is_client ? 0 : NGHTTP2_CLIENT_MAGIC_LEN;
    scan->is_of_block = !is_client;
}

void nw_http2_scan(struct nw_http2_scan *scan, struct nw_slice bytes, uint64_t now_ms)
{
    if (scan->since_ms == 0)
        scan->since_ms = now_ms; /* the preface */
    while (bytes.len != 0) {
        if (scan->left_bytes != 0) {
            size_t skip = bytes.len < scan->left_bytes ? bytes.len : scan->left_bytes;
            scan->left_bytes -= (uint32_t)skip;
            bytes = nw_slice_skip(bytes, skip);
            continue;
        }
        if (scan->have_bytes == 0 && !scan->is_open)
            scan->since_ms = now_ms;
        size_t need = FRAME_HEAD_BYTES - scan->have_bytes;
        size_t step = bytes.len < need ? bytes.len : need;
        memcpy(scan->head + scan->have_bytes, bytes.ptr, step);
        scan->have_bytes += (uint8_t)step;
        bytes = nw_slice_skip(bytes, step);
        if (scan->have_bytes == FRAME_HEAD_BYTES)
            begin_frame(scan);
    }
}

uint64_t nw_http2_cut_since_ms(const struct nw_http2 *http2)
{
    const struct nw_http2_scan *scan = &http2->scan;
    bool is_cut = scan->left_bytes != 0 || scan->have_bytes != 0 || scan->is_open;
    return is_cut ? scan->since_ms : 0;
}

uint64_t nw_http2_head_since_ms(const struct nw_http2 *http2)
{
    const struct nw_http2_scan *scan = &http2->scan;
    bool is_within = scan->is_of_block && scan->left_bytes != 0;
    return is_within || scan->is_open ? scan->since_ms : 0;
}
