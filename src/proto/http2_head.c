/*
 * Fields become the text of an HTTP/1.1 head while HPACK decodes them.
 *
 * One judge reads the requests of both protocols, so what is written here must mean to it exactly
 * what HTTP/2 said. nghttp2 has checked before: pseudo-fields known, there once, and first; names
 * lower-case tokens; values without control bytes and outer blanks; no fields of the connection; a
 * Content-Length that is one number. What it lets pass is refused here: an :authority unlike Host,
 * schemes that are not ours, and, once more because the text depends on it, a method that is no
 * token and a path with blanks or control bytes.
 *
 * The pseudo-fields are kept as references until the first other field comes; then the start line
 * and Host are written and the rest follows in order. Crumbs of a cookie join the line of the first
 * one. Usually they follow each other and nothing has to move; where another field stands between,
 * the cookie line moves to the end and that counts as one more line, or 10,000 crumbs of one octet
 * (two of which fit a byte of the wire) would move the head 10,000 times.
 *
 * A head that outgrows its bound goes on being decoded, since the table must stay in step, but its
 * text stops; 4 times the bound, or 1000 fields, end the connection, because decoding is what such
 * a head is for: an indexed field is one byte there and costs 45 ns here.
 */
#include "base/assert.h"
#include "proto/http1_scan.h"
#include "proto/http2_impl.h"

enum { TEXT_FIRST_BYTES = 1024, FAR_TIMES = 4, FAR_FIELDS = 1000, FINISH_BYTES = 64 };

static struct nw_slice slice_of(nghttp2_rcbuf *buf)
{
    if (buf == NULL)
        return nw_slice_of(NULL, 0);
    nghttp2_vec vec = nghttp2_rcbuf_get_buf(buf);
    return nw_slice_of((const char *)vec.base, vec.len);
}

static bool is_made_of(struct nw_slice text, uint8_t kind)
{
    for (size_t i = 0; i < text.len; i++)
        if (!nw_byte_is(text.ptr[i], kind))
            return false;
    return text.len > 0;
}

/* ---- room ---- */

static NW_NOINLINE bool grow(struct nw_http2 *http2, size_t bytes)
{
    struct nw_http2_build *build = &http2->build;
    size_t cap = build->cap != 0 ? build->cap : TEXT_FIRST_BYTES;
    while (cap < build->len + bytes)
        cap *= 2;
    char *text = nw_http2_memory_get(&http2->memory, cap);
    if (text == NULL)
        return false;
    if (build->len != 0)
        memcpy(text, build->text, build->len);
    nw_http2_memory_put(&http2->memory, build->text);
    build->text = text;
    build->cap = (uint32_t)cap;
    return true;
}

/* Room for `bytes` at the end, not counted as written; NULL when the head is too large. */
static inline char *room(struct nw_http2 *http2, size_t bytes)
{
    struct nw_http2_build *build = &http2->build;
    if (NW_UNLIKELY(build->is_too_large || build->len + bytes > http2->head_max_bytes)) {
        build->is_too_large = true;
        return NULL;
    }
    /* The end of every head fits always. */
    if (NW_UNLIKELY(build->len + bytes + FINISH_BYTES > build->cap) &&
        !grow(http2, bytes + FINISH_BYTES)) {
        build->is_too_large = true;
        return NULL;
    }
    return build->text + build->len;
}

static inline char *put(char *at, struct nw_slice piece)
{
    memcpy(at, piece.ptr, piece.len);
    return at + piece.len;
}

static inline void upto(struct nw_http2_build *build, const char *at)
{
    build->len = (uint32_t)(at - build->text);
}

/* ---- the start ---- */

static void begin_answer(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    char *at = room(http2, sizeof "HTTP/1.1 200 \r\n" - 1);
    if (at == NULL)
        return;
    at = put(at, NW_SLICE("HTTP/1.1 "));
    *at++ = (char)('0' + build->status / 100);
    *at++ = (char)('0' + build->status / 10 % 10);
    *at++ = (char)('0' + build->status % 10);
    upto(build, put(at, NW_SLICE(" \r\n")));
}

static bool is_known_scheme(struct nw_slice scheme)
{
    return nw_slice_eq_nocase(scheme, NW_SLICE("https")) ||
           nw_slice_eq_nocase(scheme, NW_SLICE("http"));
}

static void begin_request(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    struct nw_slice method = slice_of(build->method), path = slice_of(build->path);
    struct nw_slice authority = slice_of(build->authority);
    bool is_connect = nw_slice_eq(method, NW_SLICE("CONNECT"));
    struct nw_slice target = is_connect ? authority : path;
    if (!is_made_of(method, NW_BYTE_TOKEN) || !is_made_of(target, NW_BYTE_TARGET) ||
        (!is_connect && !is_known_scheme(slice_of(build->scheme)))) {
        build->is_bad = true;
        return;
    }
    size_t bytes = method.len + 1 + target.len + sizeof " HTTP/1.1\r\nhost: \r\n" + authority.len;
    char *at = room(http2, bytes);
    if (at == NULL)
        return;
    at = put(at, method);
    *at++ = ' ';
    at = put(put(at, target), NW_SLICE(" HTTP/1.1\r\n"));
    if (build->authority != NULL) {
        at = put(put(put(at, NW_SLICE("host: ")), authority), NW_SLICE("\r\n"));
        build->line_count++;
    }
    upto(build, at);
}

static void begin(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    build->is_begun = true;
    if (build->is_trailers)
        return;
    if (build->is_request)
        begin_request(http2);
    else
        begin_answer(http2);
}

/* ---- fields ---- */

static void keep(nghttp2_rcbuf **kept, nghttp2_rcbuf *value)
{
    nghttp2_rcbuf_incref(value);
    *kept = value;
}

static void add_pseudo(struct nw_http2_build *build, struct nw_slice name, nghttp2_rcbuf *value)
{
    nghttp2_rcbuf **kept = NULL;
    if (nw_slice_eq(name, NW_SLICE(":method")))
        kept = &build->method;
    else if (nw_slice_eq(name, NW_SLICE(":path")))
        kept = &build->path;
    else if (nw_slice_eq(name, NW_SLICE(":authority")))
        kept = &build->authority;
    else if (nw_slice_eq(name, NW_SLICE(":scheme")))
        kept = &build->scheme;
    if (build->is_request && kept != NULL && *kept == NULL) {
        keep(kept, value);
        return;
    }
    struct nw_slice status = slice_of(value);
    bool is_status = nw_slice_eq(name, NW_SLICE(":status")) && status.len == 3;
    if (build->is_request || !is_status || build->status != 0) {
        build->is_bad = true;
        return;
    }
    build->status = (status.ptr[0] - '0') * 100 + (status.ptr[1] - '0') * 10 +
                    (status.ptr[2] - '0');
    if (build->status < 100 || build->status > 999 || build->status == 101)
        build->is_bad = true;
}

/* The cookie line moves behind what came after it. False: no memory, or too many lines. */
static NW_NOINLINE bool cookie_to_end(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    uint32_t bytes = build->cookie_end + 2 - build->cookie_start;
    if (++build->line_count > NW_HTTP1_FIELDS_MAX ||
        (build->len + bytes + FINISH_BYTES > build->cap && !grow(http2, bytes + FINISH_BYTES)))
        return false;
    char *line = build->text + build->cookie_start;
    memcpy(build->text + build->len, line, bytes);
    memmove(line, line + bytes, build->len - build->cookie_start);
    build->cookie_start = build->len - bytes;
    build->cookie_end = build->len - 2;
    return true;
}

/* A further crumb goes to the end of the cookie line; an empty one would leave a blank there. */
static void join_crumb(struct nw_http2 *http2, struct nw_slice value)
{
    struct nw_http2_build *build = &http2->build;
    if (value.len == 0)
        return;
    bool is_last = build->cookie_end + 2 == build->len;
    if (NW_UNLIKELY(!is_last && !cookie_to_end(http2))) {
        build->is_too_large = true;
        return;
    }
    if (room(http2, value.len + 2) == NULL)
        return;
    char *at = build->text + build->cookie_end;
    upto(build, put(put(put(at, NW_SLICE("; ")), value), NW_SLICE("\r\n")));
    build->cookie_end = build->len - 2;
}

static void add_line(struct nw_http2 *http2, struct nw_slice name, struct nw_slice value)
{
    struct nw_http2_build *build = &http2->build;
    if (build->line_count == NW_HTTP1_FIELDS_MAX) {
        build->is_too_large = true;
        return;
    }
    char *at = room(http2, name.len + value.len + 4);
    if (at == NULL)
        return;
    build->line_count++;
    at = put(at, name);
    *at++ = ':';
    *at++ = ' ';
    upto(build, put(put(at, value), NW_SLICE("\r\n")));
}

static void add_host(struct nw_http2 *http2, struct nw_slice value)
{
    struct nw_http2_build *build = &http2->build;
    if (build->has_host || (build->authority != NULL &&
                            !nw_slice_eq_nocase(value, slice_of(build->authority)))) {
        build->is_bad = true;
        return;
    }
    build->has_host = true;
    if (build->authority == NULL)
        add_line(http2, NW_SLICE("host"), value);
}

bool nw_http2_is_never_trailer(struct nw_slice name)
{
    switch (nw_http_field_find(name)) {
    case NW_HTTP_FIELD_TE:
    case NW_HTTP_FIELD_HOST:
    case NW_HTTP_FIELD_TRAILER:
    case NW_HTTP_FIELD_CONTENT_LENGTH:
    case NW_HTTP_FIELD_TRANSFER_ENCODING:
    case NW_HTTP_FIELD_CONTENT_ENCODING:
    case NW_HTTP_FIELD_CONTENT_TYPE:
    case NW_HTTP_FIELD_CONTENT_RANGE:
    case NW_HTTP_FIELD_AUTHORIZATION:
    case NW_HTTP_FIELD_WWW_AUTHENTICATE:
    case NW_HTTP_FIELD_COOKIE:
    case NW_HTTP_FIELD_SET_COOKIE:
    case NW_HTTP_FIELD_CACHE_CONTROL:
    case NW_HTTP_FIELD_EXPECT:
    case NW_HTTP_FIELD_RANGE:
    case NW_HTTP_FIELD_LOCATION:
    case NW_HTTP_FIELD_FORWARDED:
    case NW_HTTP_FIELD_X_FORWARDED_FOR:
    case NW_HTTP_FIELD_X_FORWARDED_HOST:
    case NW_HTTP_FIELD_X_FORWARDED_PROTO:
    case NW_HTTP_FIELD_X_FORWARDED_PORT:
    case NW_HTTP_FIELD_X_REAL_IP: return true;
    default: return nw_http_field_is_newel(name);
    }
}

static void add_regular(struct nw_http2 *http2, struct nw_slice name, struct nw_slice value)
{
    struct nw_http2_build *build = &http2->build;
    if (build->is_trailers) {
        if (!nw_http2_is_never_trailer(name))
            add_line(http2, name, value);
        return;
    }
    /* By length first: most names are none of these. */
    if (name.len == 4 && memcmp(name.ptr, "host", 4) == 0 && build->is_request) {
        add_host(http2, value);
        return;
    }
    if (name.len == 14 && memcmp(name.ptr, "content-length", 14) == 0)
        build->has_length = true;
    if (name.len == 6 && memcmp(name.ptr, "cookie", 6) == 0) {
        if (build->cookie_end != 0) {
            join_crumb(http2, value);
            return;
        }
        build->cookie_start = build->len;
        add_line(http2, name, value);
        if (!build->is_too_large)
            build->cookie_end = build->len - 2;
        return;
    }
    add_line(http2, name, value);
}

void nw_http2_build_field(struct nw_http2 *http2, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    struct nw_http2_build *build = &http2->build;
    struct nw_slice key = slice_of(name), text = slice_of(value);
    build->decoded_bytes += key.len + text.len + 32; /* RFC 7541 section 4.1 */
    if (NW_UNLIKELY(build->decoded_bytes > (uint64_t)http2->head_max_bytes * FAR_TIMES ||
                    ++build->field_count > FAR_FIELDS)) {
        build->is_far_too_large = true;
        return;
    }
    if (build->is_skipped || build->is_bad)
        return;
    if (key.len > 0 && key.ptr[0] == ':') {
        if (build->is_begun || build->is_trailers)
            build->is_bad = true;
        else
            add_pseudo(build, key, value);
        return;
    }
    if (!build->is_begun)
        begin(http2);
    if (NW_LIKELY(!build->is_bad))
        add_regular(http2, key, text);
}

/* ---- the whole ---- */

void nw_http2_build_reset(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    nghttp2_rcbuf **kept[] = {&build->method, &build->path, &build->authority, &build->scheme};
    for (unsigned i = 0; i < NW_COUNT(kept); i++)
        if (*kept[i] != NULL) {
            nghttp2_rcbuf_decref(*kept[i]);
            *kept[i] = NULL;
        }
    *build = (struct nw_http2_build){.text = build->text, .cap = build->cap};
}

void nw_http2_build_done(struct nw_http2 *http2)
{
    nw_http2_build_reset(http2);
    nw_http2_memory_put(&http2->memory, http2->build.text);
    http2->build.text = NULL;
    http2->build.cap = 0;
}

void nw_http2_build_start(struct nw_http2 *http2, bool is_request, bool is_trailers,
                          bool is_end_stream)
{
    nw_http2_build_reset(http2);
    http2->build.is_request = is_request;
    http2->build.is_trailers = is_trailers;
    http2->build.is_end_stream = is_end_stream;
}

/* How an HTTP/1.1 head would say whether a body follows. */
static struct nw_slice framing_of(const struct nw_http2_build *build)
{
    if (build->has_length)
        return NW_SLICE("");
    if (build->is_request)
        return build->is_end_stream ? NW_SLICE("") : NW_SLICE("transfer-encoding: chunked\r\n");
    if (build->status < 200 || build->status == 204 || build->status == 304)
        return NW_SLICE("");
    if (!build->is_end_stream)
        return NW_SLICE("transfer-encoding: chunked\r\n");
    return build->is_head_method ? NW_SLICE("") : NW_SLICE("content-length: 0\r\n");
}

/* A head that did not fit: who asked for what, as far as that fits a line. */
static void shorten(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    if (build->cap < TEXT_FIRST_BYTES) {
        build->len = 0;
        if (!grow(http2, TEXT_FIRST_BYTES)) {
            build->is_bad = true;
            return;
        }
    }
    build->is_too_large = false;
    build->len = 0;
    build->line_count = 0;
    struct nw_slice method = slice_of(build->method), path = slice_of(build->path);
    bool is_short = method.len < 32 && path.len < 512 && slice_of(build->authority).len < 256;
    if (build->is_request && is_short && is_made_of(path, NW_BYTE_TARGET))
        begin_request(http2);
    else if (build->is_request)
        upto(build, put(build->text, NW_SLICE("GET / HTTP/1.1\r\nhost: large\r\n")));
    else
        begin_answer(http2);
    build->is_too_large = true;
}

bool nw_http2_build_finish(struct nw_http2 *http2)
{
    struct nw_http2_build *build = &http2->build;
    if (!build->is_begun && !build->is_bad)
        begin(http2);
    if (build->is_bad)
        return false;
    if (build->is_trailers)
        return true;
    struct nw_slice framing = framing_of(build);
    build->is_too_large |= framing.len != 0 && build->line_count == NW_HTTP1_FIELDS_MAX;
    build->is_too_large |= build->len + framing.len + 2 > http2->head_max_bytes;
    if (build->is_too_large)
        shorten(http2);
    if (build->is_bad)
        return false;
    char *at = put(put(build->text + build->len, framing), NW_SLICE("\r\n"));
    NW_ASSERT(at <= build->text + build->cap);
    upto(build, at);
    return true;
}
