/*
 * A chunked body cannot be asked for again, so this reader sees each byte once and keeps only a
 * phase and a few counters. Wrapping is read a byte at a time (a handful per chunk), data is
 * handed out as it lies in the input.
 *
 * The traps are all in the wrapping: a size that one reader takes for hexadecimal and another not
 * ("0x10", "+10", "1_0", " 10"), a size that overflows, LF where CRLF belongs, an extension that
 * hides a line end. None of them is forgiven, and an error is final: the phase stays FAILED, so
 * bytes behind it are never read as another message.
 */
#include "proto/http1_chunked.h"

#include "base/assert.h"
#include "proto/http1_scan.h"

#define SIZE_MAX_DIGITS 16

enum phase {
    PHASE_SIZE,
    PHASE_EXTENSION,
    PHASE_SIZE_LF,
    PHASE_DATA,
    PHASE_DATA_CR,
    PHASE_DATA_LF,
    PHASE_TRAILER,
    PHASE_TRAILER_NAME,
    PHASE_TRAILER_VALUE,
    PHASE_TRAILER_LF,
    PHASE_END_LF,
    PHASE_DONE,
    PHASE_FAILED
};

void nw_http1_chunked_init(struct nw_http1_chunked *chunked, bool is_response,
                           uint32_t trailer_max_bytes)
{
    *chunked = (struct nw_http1_chunked){.trailer_max_bytes = trailer_max_bytes,
                                         .is_response = is_response};
}

static nw_http1_class read_size(struct nw_http1_chunked *chunked, char byte)
{
    int digit = nw_hex_value(byte);
    if (digit >= 0) {
        if (chunked->digit_count == SIZE_MAX_DIGITS || chunked->left_bytes >> 59 != 0)
            return NW_HTTP1_CHUNK_SIZE_TOO_LONG;
        chunked->digit_count++;
        chunked->left_bytes = chunked->left_bytes << 4 | (unsigned)digit;
        return NW_HTTP1_FINE;
    }
    if (byte == '\n')
        return NW_HTTP1_BARE_LF;
    if ((byte != '\r' && byte != ';') || chunked->digit_count == 0)
        return NW_HTTP1_INVALID_CHUNK_SIZE;
    chunked->phase = byte == '\r' ? PHASE_SIZE_LF : PHASE_EXTENSION;
    chunked->extension_bytes += byte == ';';
    return NW_HTTP1_FINE;
}

static nw_http1_class read_extension(struct nw_http1_chunked *chunked, char byte)
{
    if (byte == '\r') {
        chunked->phase = PHASE_SIZE_LF;
        return NW_HTTP1_FINE;
    }
    if (chunked->extension_bytes++ >= NW_HTTP1_CHUNK_EXTENSIONS_MAX_BYTES)
        return NW_HTTP1_CHUNK_EXTENSIONS_TOO_LONG;
    if (byte == '\n')
        return NW_HTTP1_BARE_LF;
    bool fits = byte == ' ' || byte == '\t' || nw_byte_is(byte, NW_BYTE_TARGET);
    return fits ? NW_HTTP1_FINE : NW_HTTP1_INVALID_CHUNK_EXTENSION;
}

static nw_http1_class read_trailer(struct nw_http1_chunked *chunked, char byte)
{
    if (byte == '\r') {
        chunked->phase = PHASE_END_LF;
        return NW_HTTP1_FINE;
    }
    if (nw_byte_is(byte, NW_BYTE_TOKEN)) {
        chunked->phase = PHASE_TRAILER_NAME;
        return NW_HTTP1_FINE;
    }
    if (byte == ' ' || byte == '\t')
        return NW_HTTP1_FOLDED_LINE;
    if (byte == ':')
        return NW_HTTP1_EMPTY_NAME;
    return nw_byte_class(byte, NW_HTTP1_INVALID_NAME);
}

static nw_http1_class read_trailer_name(struct nw_http1_chunked *chunked, char byte)
{
    if (nw_byte_is(byte, NW_BYTE_TOKEN))
        return NW_HTTP1_FINE;
    if (byte == ':') {
        chunked->phase = PHASE_TRAILER_VALUE;
        return NW_HTTP1_FINE;
    }
    if (byte == ' ' || byte == '\t')
        return NW_HTTP1_SPACE_BEFORE_COLON;
    return byte == '\r' ? NW_HTTP1_MISSING_COLON : nw_byte_class(byte, NW_HTTP1_INVALID_NAME);
}

static nw_http1_class read_trailer_value(struct nw_http1_chunked *chunked, char byte)
{
    if (byte == '\r') {
        chunked->phase = PHASE_TRAILER_LF;
        return NW_HTTP1_FINE;
    }
    return nw_byte_is(byte, NW_BYTE_VALUE) ? NW_HTTP1_FINE
                                           : nw_byte_class(byte, NW_HTTP1_CONTROL_BYTE);
}

/* An LF that a CR before it demands. */
static nw_http1_class read_lf(struct nw_http1_chunked *chunked, char byte, enum phase next,
                              nw_http1_class otherwise)
{
    if (byte != '\n')
        return otherwise;
    chunked->phase = (uint8_t)next;
    return NW_HTTP1_FINE;
}

static nw_http1_class read_wrapping(struct nw_http1_chunked *chunked, char byte)
{
    if (chunked->phase >= PHASE_TRAILER && chunked->trailer_bytes++ >= chunked->trailer_max_bytes)
        return NW_HTTP1_TRAILERS_TOO_LARGE;
    switch ((enum phase)chunked->phase) {
    case PHASE_SIZE:
        return read_size(chunked, byte);
    case PHASE_EXTENSION:
        return read_extension(chunked, byte);
    case PHASE_SIZE_LF:
        return read_lf(chunked, byte, chunked->left_bytes != 0 ? PHASE_DATA : PHASE_TRAILER,
                       NW_HTTP1_BARE_CR);
    case PHASE_DATA_CR:
        chunked->phase = PHASE_DATA_LF;
        return byte == '\r' ? NW_HTTP1_FINE : NW_HTTP1_CHUNK_WITHOUT_CRLF;
    case PHASE_DATA_LF:
        chunked->digit_count = 0;
        return read_lf(chunked, byte, PHASE_SIZE, NW_HTTP1_CHUNK_WITHOUT_CRLF);
    case PHASE_TRAILER:
        return read_trailer(chunked, byte);
    case PHASE_TRAILER_NAME:
        return read_trailer_name(chunked, byte);
    case PHASE_TRAILER_VALUE:
        return read_trailer_value(chunked, byte);
    case PHASE_TRAILER_LF:
        return read_lf(chunked, byte, PHASE_TRAILER, NW_HTTP1_BARE_CR);
    case PHASE_END_LF:
        return read_lf(chunked, byte, PHASE_DONE, NW_HTTP1_BARE_CR);
    case PHASE_DATA:
    case PHASE_DONE:
    case PHASE_FAILED:
        break;
    }
    return chunked->found;
}

nw_err nw_http1_chunked_read(struct nw_http1_chunked *chunked, struct nw_slice input,
                             struct nw_slice *out_data, size_t *out_used)
{
    NW_ASSERT(chunked->phase != PHASE_DONE && chunked->phase != PHASE_FAILED);
    for (size_t used = 0; used < input.len;) {
        if (chunked->phase == PHASE_DATA) {
            struct nw_slice rest = nw_slice_skip(input, used);
            size_t len = rest.len < chunked->left_bytes ? rest.len : (size_t)chunked->left_bytes;
            nw_http1_chunked_skip(chunked, len);
            *out_data = nw_slice_first(rest, len);
            *out_used = used + len;
            return NW_AGAIN;
        }
        nw_http1_class found = read_wrapping(chunked, input.ptr[used++]);
        if (NW_UNLIKELY(found != NW_HTTP1_FINE)) {
            chunked->found = found;
            chunked->phase = PHASE_FAILED;
            return nw_http1_class_err(found, chunked->is_response);
        }
        if (chunked->phase == PHASE_DONE) {
            *out_data = nw_slice_of(NULL, 0);
            *out_used = used;
            return NW_OK;
        }
    }
    *out_data = nw_slice_of(NULL, 0);
    *out_used = input.len;
    return NW_AGAIN;
}

uint64_t nw_http1_chunked_left_bytes(const struct nw_http1_chunked *chunked)
{
    return chunked->phase == PHASE_DATA ? chunked->left_bytes : 0;
}

void nw_http1_chunked_skip(struct nw_http1_chunked *chunked, uint64_t bytes)
{
    NW_ASSERT(chunked->phase == PHASE_DATA && bytes <= chunked->left_bytes);
    chunked->left_bytes -= bytes;
    if (chunked->left_bytes == 0)
        chunked->phase = PHASE_DATA_CR;
}

size_t nw_http1_chunk_encode_head(uint64_t data_bytes, char out[NW_HTTP1_CHUNK_HEAD_MAX_BYTES])
{
    NW_ASSERT(data_bytes != 0); /* a chunk of nothing would end the body */
    size_t digits = (size_t)(67 - __builtin_clzll(data_bytes)) / 4;
    for (size_t i = digits; i-- > 0; data_bytes >>= 4)
        out[i] = "0123456789abcdef"[data_bytes & 15];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}
