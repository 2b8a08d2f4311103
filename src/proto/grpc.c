/*
 * The mapping from HTTP statuses is newel's own and finer than the one that the gRPC documents give
 * to clients for answers without a grpc-status: it is made by who knows why it refuses. A client
 * that retries UNAVAILABLE (14) must find there only what may be tried again, and one that backs
 * off on RESOURCE_EXHAUSTED (8) what was too much.
 */
#include "proto/grpc.h"

enum { TIMEOUT_DIGITS_MAX = 8, STATUS_DIGITS_MAX = 2 };

bool nw_grpc_is_content_type(struct nw_slice value)
{
    static const struct nw_slice type = NW_SLICE_LIT("application/grpc");
    if (value.len < type.len || !nw_slice_eq_nocase(nw_slice_first(value, type.len), type))
        return false;
    if (value.len == type.len)
        return true;
    char next = value.ptr[type.len];
    return next == '+' || next == ';' || next == ' ' || next == '\t';
}

nw_grpc_status nw_grpc_status_of_http(int http_status)
{
    switch (http_status) {
    case 401: return NW_GRPC_UNAUTHENTICATED;
    case 403: return NW_GRPC_PERMISSION_DENIED;
    case 404: return NW_GRPC_UNIMPLEMENTED;
    case 413:
    case 429: return NW_GRPC_RESOURCE_EXHAUSTED;
    case 502:
    case 503: return NW_GRPC_UNAVAILABLE;
    case 504: return NW_GRPC_DEADLINE_EXCEEDED;
    default: return NW_GRPC_INTERNAL;
    }
}

/* Digits alone, 1 to `digits_max`. */
static bool read_digits(struct nw_slice text, size_t digits_max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > digits_max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

int nw_grpc_status_read(struct nw_slice value)
{
    uint64_t status;
    return read_digits(value, STATUS_DIGITS_MAX, &status) ? (int)status : -1;
}

int nw_grpc_status_in(struct nw_slice lines)
{
    static const struct nw_slice name = NW_SLICE_LIT("grpc-status:");
    struct nw_slice line;
    while (nw_slice_split(&lines, '\n', &line)) {
        if (!nw_slice_starts_with(line, name))
            continue;
        if (nw_slice_ends_with(line, NW_SLICE("\r")))
            line.len--;
        return nw_grpc_status_read(nw_slice_trim(nw_slice_skip(line, name.len)));
    }
    return -1;
}

nw_err nw_grpc_timeout_read(struct nw_slice value, uint64_t *out_ms)
{
    uint64_t count;
    if (value.len < 2 ||
        !read_digits(nw_slice_first(value, value.len - 1), TIMEOUT_DIGITS_MAX, &count))
        return NW_INVALID;
    switch (value.ptr[value.len - 1]) {
    case 'H': *out_ms = count * 3600 * 1000; return NW_OK;
    case 'M': *out_ms = count * 60 * 1000; return NW_OK;
    case 'S': *out_ms = count * 1000; return NW_OK;
    case 'm': *out_ms = count; return NW_OK;
    case 'u': *out_ms = (count + 999) / 1000; return NW_OK;
    case 'n': *out_ms = (count + 999999) / 1000000; return NW_OK;
    default: return NW_INVALID;
    }
}

size_t nw_grpc_message_encode(struct nw_slice text, char *out, size_t cap_bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool is_plain = byte >= 0x20 && byte <= 0x7E && byte != '%';
        if (cap_bytes - len < (is_plain ? 1U : 3U))
            break;
        if (is_plain) {
            out[len++] = (char)byte;
            continue;
        }
        out[len++] = '%';
        out[len++] = digits[byte >> 4];
        out[len++] = digits[byte & 15];
    }
    return len;
}
