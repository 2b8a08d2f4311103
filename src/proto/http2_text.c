/*
 * The text of an HTTP/1.1 head becomes fields: the way out.
 *
 * The text was written by newel's own writer, so it is well formed; what cannot be said in HTTP/2
 * (101, a target that is neither a path nor `*`) is refused all the same. nghttp2 copies and lowers
 * the names, so the fields point into the text.
 *
 * Which values enter the peer's table is decided here. Credentials stay out, so that nobody can
 * guess them by size (RFC 7541 section 7.1.3). A value that is new in every message pushes out the
 * ones that repeat, so it stays out too, but in every 64th message: its name is then in the table
 * and is not spelled out again. Requests of 14 fields with ids of their own, 100 clients, 4 KiB of
 * table, instructions to encode and decode one, bytes: all indexed 28,946 and 106; ids and
 * addresses never 24,726 and 124; every 64th time 22,238 and 96.
 */
#include "proto/http2_impl.h"

typedef enum treatment { INDEX, NEVER_INDEX, VOLATILE, DROP, ONLY_TRAILERS, AUTHORITY } treatment;

enum { NAMES_EVERY = 64 };

static treatment treatment_of(struct nw_slice name)
{
    switch (nw_http_field_find(name)) {
    case NW_HTTP_FIELD_HOST: return AUTHORITY;
    case NW_HTTP_FIELD_TE: return ONLY_TRAILERS;
    case NW_HTTP_FIELD_CONNECTION:
    case NW_HTTP_FIELD_KEEP_ALIVE:
    case NW_HTTP_FIELD_PROXY_CONNECTION:
    case NW_HTTP_FIELD_TRANSFER_ENCODING:
    case NW_HTTP_FIELD_UPGRADE: return DROP;
    case NW_HTTP_FIELD_AUTHORIZATION:
    case NW_HTTP_FIELD_COOKIE:
    case NW_HTTP_FIELD_SET_COOKIE: return NEVER_INDEX;
    case NW_HTTP_FIELD_FORWARDED:
    case NW_HTTP_FIELD_TRACEPARENT:
    case NW_HTTP_FIELD_X_FORWARDED_FOR:
    case NW_HTTP_FIELD_X_REAL_IP:
    case NW_HTTP_FIELD_X_REQUEST_ID: return VOLATILE;
    case NW_HTTP_FIELD_OTHER:
        return nw_slice_eq_nocase(name, NW_SLICE("http2-settings")) ? DROP : INDEX;
    default: return INDEX;
    }
}

static nghttp2_nv nv_of(struct nw_slice name, struct nw_slice value, uint8_t flags)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len,
                        value.len, flags};
}

static void add(struct nw_http2_fields *out, struct nw_slice name, struct nw_slice value)
{
    out->nv[out->count++] = nv_of(name, value, NGHTTP2_NV_FLAG_NONE);
}

/* The next line without its end; false at the empty line or the end of the text. */
static bool next_line(struct nw_slice *rest, struct nw_slice *out_line)
{
    size_t at = nw_slice_find(*rest, '\n');
    if (at == rest->len || at <= 1)
        return false;
    *out_line = nw_slice_first(*rest, at - 1);
    *rest = nw_slice_skip(*rest, at + 1);
    return true;
}

static nw_err add_lines(struct nw_slice rest, struct nw_http2_fields *out,
                        struct nw_slice *out_host)
{
    struct nw_slice line;
    while (next_line(&rest, &line)) {
        size_t colon = nw_slice_find(line, ':');
        if (colon == 0 || colon == line.len || out->count == NW_HTTP2_NV_MAX)
            return NW_INVALID;
        struct nw_slice name = nw_slice_first(line, colon);
        struct nw_slice value = nw_slice_trim(nw_slice_skip(line, colon + 1));
        treatment how = treatment_of(name);
        if (how == AUTHORITY)
            *out_host = value;
        if (how == ONLY_TRAILERS)
            how = nw_slice_eq_nocase(value, NW_SLICE("trailers")) ? INDEX : DROP;
        if (how == VOLATILE)
            how = out->message_number % NAMES_EVERY == 0 ? INDEX : NEVER_INDEX;
        if (how == INDEX || how == NEVER_INDEX)
            out->nv[out->count++] =
                nv_of(name, value, how == INDEX ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX);
    }
    return NW_OK;
}

nw_err nw_http2_fields_of_request(struct nw_slice text, bool is_https,
                                  struct nw_http2_fields *out)
{
    struct nw_slice line, rest = text, host = {0};
    if (!next_line(&rest, &line))
        return NW_INVALID;
    size_t method_len = nw_slice_find(line, ' ');
    struct nw_slice target = nw_slice_skip(line, method_len < line.len ? method_len + 1 : line.len);
    target.len = nw_slice_find(target, ' ');
    bool is_path = target.len > 0 && (target.ptr[0] == '/' ||
                                      nw_slice_eq(target, NW_SLICE("*")));
    if (method_len == 0 || !is_path)
        return NW_INVALID;
    struct nw_slice method = nw_slice_first(line, method_len);
    out->count = 0;
    out->is_head_method = nw_slice_eq(method, NW_SLICE("HEAD"));
    add(out, NW_SLICE(":method"), method);
    add(out, NW_SLICE(":scheme"), is_https ? NW_SLICE("https") : NW_SLICE("http"));
    add(out, NW_SLICE(":authority"), NW_SLICE(""));
    add(out, NW_SLICE(":path"), target);
    NW_TRY(add_lines(rest, out, &host));
    if (host.len != 0) {
        out->nv[2] = nv_of(NW_SLICE(":authority"), host, NGHTTP2_NV_FLAG_NONE);
        return NW_OK;
    }
    out->nv[2] = out->nv[3]; /* the last pseudo-field must not stand behind a regular one */
    memmove(&out->nv[3], &out->nv[4], (out->count - 4) * sizeof out->nv[0]);
    out->count--;
    return NW_OK;
}

nw_err nw_http2_fields_of_answer(struct nw_slice text, struct nw_http2_fields *out)
{
    struct nw_slice line, rest = text, host = {0};
    if (!next_line(&rest, &line) || line.len < 12 || line.ptr[8] != ' ')
        return NW_INVALID;
    struct nw_slice status = nw_slice_of(line.ptr + 9, 3);
    uint64_t number = 0;
    NW_TRY(nw_slice_to_u64(status, &number));
    if (number < 100 || number == 101)
        return NW_INVALID;
    out->count = 0;
    out->status = (int)number;
    out->is_head_method = false;
    add(out, NW_SLICE(":status"), status);
    return add_lines(rest, out, &host);
}

nw_err nw_http2_fields_of_trailers(struct nw_slice lines, struct nw_http2_fields *out)
{
    struct nw_slice host = {0};
    out->count = 0;
    out->status = 0;
    out->is_head_method = false;
    NW_TRY(add_lines(lines, out, &host));
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        struct nw_slice name = nw_slice_of((const char *)out->nv[i].name, out->nv[i].namelen);
        if (!nw_http2_is_never_trailer(name))
            out->nv[kept++] = out->nv[i];
    }
    out->count = kept;
    return NW_OK;
}
