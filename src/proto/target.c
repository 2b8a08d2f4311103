/*
 * Most targets are normal already: letters, digits and slashes. So the path is first walked once
 * with a table, and only when that walk meets a percent sign, a "/." or a byte that needs judging
 * does the slow way begin anew from its start. The slow way decodes first and removes dot segments
 * second, in this order and never twice: "/%2e%2e/" is "/../", but "%252e" stays what it is.
 *
 * Invariant: normalising a normal path changes nothing (fuzzed), and what is forwarded is what was
 * matched. Encoded reserved bytes keep their meaning, so "%2F" stays one segment's content; its
 * digits become upper case, since RFC 3986 6.2.2.1 calls both spellings equivalent and a router
 * that saw two would let one of them past a rule.
 *
 * Not taken: merging empty segments ("//a" is not "/a": some applications tell them apart),
 * decoding everything (a decoded "%2F" or "%3F" would move the borders), and inet_pton's scope ids.
 */
#include "proto/target.h"

#include <arpa/inet.h>

#include "base/assert.h"
#include "proto/http1_scan.h"
#include "proto/http1_write.h"

#define HOST_MAX_BYTES 255

/* -- authority -------------------------------------------------------------------------------- */

/* Letters, digits, '-', '_' in labels that are not empty; one dot may stand at the end. */
static bool is_host_name(struct nw_slice name)
{
    char before = '.';
    for (size_t i = 0; i < name.len; before = name.ptr[i++]) {
        if (!nw_byte_is(name.ptr[i], NW_BYTE_HOST) || (name.ptr[i] == '.' && before == '.'))
            return false;
    }
    return name.len != 0;
}

static bool is_ipv6(struct nw_slice inside)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (inside.len == 0 || inside.len >= sizeof text || memchr(inside.ptr, 0, inside.len) != NULL)
        return false;
    memcpy(text, inside.ptr, inside.len);
    text[inside.len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* ":8080" or nothing. */
static bool parse_port(struct nw_slice text, int32_t *out_port)
{
    uint64_t port;
    if (text.len == 0) {
        *out_port = -1;
        return true;
    }
    if (text.ptr[0] != ':' || text.len > 6 ||
        nw_slice_to_u64(nw_slice_skip(text, 1), &port) != NW_OK || port == 0 || port > 65535)
        return false;
    *out_port = (int32_t)port;
    return true;
}

/*
 * How many bytes at the front may stand in a host name; 0 also when a label among them is empty.
 * Sixteen a step: one bit each says "good" and "dot", and two dots in a row are a bit twice.
 */
static size_t host_name_len(struct nw_slice text)
{
    size_t len = 0;
#if defined(__SSE2__)
    unsigned before = 1; /* what stands in front counts as a dot */
    for (unsigned run = 16; run == 16; len += run) {
        char pad[16] = {0};
        const char *from = text.ptr + len;
        if (text.len - len < 16)
            from = (nw_http1_put(pad, nw_slice_skip(text, len)), pad);
        unsigned dots, good = nw_host_bits(from, &dots);
        run = (unsigned)__builtin_ctz(~good);
        dots &= (1u << run) - 1;
        if ((dots & (dots << 1 | before)) != 0)
            return 0;
        before = dots >> 15;
    }
#else
    for (char before = '.'; len < text.len && nw_byte_is(text.ptr[len], NW_BYTE_HOST);
         before = text.ptr[len++])
        if (text.ptr[len] == '.' && before == '.')
            return 0;
#endif
    return len;
}

/* The straight way for "name" and "name:80"; false: the long way says what it is. */
static bool is_plain_authority(struct nw_slice text, struct nw_authority *out)
{
    size_t len = host_name_len(text);
    if (len == 0 || len > HOST_MAX_BYTES || text.len - len == 1 || text.len - len > 6)
        return false;
    int32_t port = 0;
    for (size_t i = len + 1; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        port = port * 10 + (text.ptr[i] - '0');
    }
    if (len < text.len && (text.ptr[len] != ':' || port == 0 || port > 65535))
        return false;
    out->port = len < text.len ? port : -1;
    out->host = nw_slice_first(text, text.ptr[len - 1] == '.' ? len - 1 : len);
    return true;
}

static nw_http1_class judge_authority(struct nw_slice text, struct nw_authority *out)
{
    if (NW_LIKELY(is_plain_authority(text, out)))
        return NW_HTTP1_FINE;
    if (nw_slice_find(text, '@') < text.len)
        return NW_HTTP1_USERINFO;
    bool is_literal = text.len != 0 && text.ptr[0] == '[';
    size_t len = nw_slice_find(text, is_literal ? ']' : ':');
    if (is_literal && len == text.len)
        return NW_HTTP1_INVALID_HOST;
    len += is_literal;
    struct nw_slice host = nw_slice_first(text, len);
    if (len == 0)
        return NW_HTTP1_EMPTY_HOST;
    if (len > HOST_MAX_BYTES || !parse_port(nw_slice_skip(text, len), &out->port))
        return NW_HTTP1_INVALID_HOST;
    if (is_literal ? !is_ipv6(nw_slice_of(host.ptr + 1, len - 2)) : !is_host_name(host))
        return NW_HTTP1_INVALID_HOST;
    if (host.ptr[len - 1] == '.')
        host.len--;
    out->host = host;
    return NW_HTTP1_FINE;
}

nw_err nw_authority_parse(struct nw_slice text, struct nw_authority *out, nw_http1_class *out_found)
{
    struct nw_authority authority;
    nw_http1_class found = judge_authority(text, &authority);
    if (found != NW_HTTP1_FINE) {
        *out_found = found;
        return NW_INVALID;
    }
    *out = authority;
    return NW_OK;
}

/* The first capital letter, or the length; eight bytes at a time while they are ASCII. */
static size_t find_capital(struct nw_slice text)
{
    const uint64_t high = UINT64_C(0x8080808080808080), each = high >> 7;
    size_t i = 0;
    for (uint64_t x; text.len - i >= 8; i += 8) {
        memcpy(&x, text.ptr + i, 8);
        if (((x | ((x + each * (128 - 'A')) & ~(x + each * (127 - 'Z')))) & high) != 0)
            break;
    }
    while (i < text.len && (text.ptr[i] < 'A' || text.ptr[i] > 'Z'))
        i++;
    return i;
}

/* `text` in lower case: itself when it is, else a copy at *scratch, which moves on. */
static struct nw_slice lower_case(struct nw_slice text, char **scratch)
{
    size_t i = find_capital(text);
    if (i == text.len)
        return text;
    char *copy = *scratch;
    memcpy(copy, text.ptr, text.len);
    for (; i < text.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    }
    *scratch += text.len;
    return nw_slice_of(copy, text.len);
}

/* -- path ------------------------------------------------------------------------------------- */

/* How many bytes at the front are plain, or slashes that no dot follows. */
static size_t plain_len(struct nw_slice path)
{
    const char *at = path.ptr, *end = path.ptr + path.len;
    for (; at < end; at++) {
        if (NW_LIKELY(nw_byte_is(*at, NW_BYTE_PLAIN)))
            continue;
        if (*at != '/' || (at + 1 < end && at[1] == '.'))
            break;
    }
    return (size_t)(at - path.ptr);
}

/* "%41" becomes 'A', "%2f" becomes "%2F"; moves both ends. */
static nw_http1_class decode_percent(const char **at, const char *end, char **to)
{
    int high = end - *at >= 3 ? nw_hex_value((*at)[1]) : -1;
    int low = high >= 0 ? nw_hex_value((*at)[2]) : -1;
    if (low < 0)
        return NW_HTTP1_INVALID_PERCENT;
    char byte = (char)(high << 4 | low);
    *at += 3;
    if (byte == '\0')
        return NW_HTTP1_ENCODED_NUL;
    if (byte == '\\')
        return NW_HTTP1_BACKSLASH;
    if (nw_byte_is(byte, NW_BYTE_UNRESERVED)) {
        *(*to)++ = byte;
        return NW_HTTP1_FINE;
    }
    *(*to)++ = '%';
    *(*to)++ = "0123456789ABCDEF"[high];
    *(*to)++ = "0123456789ABCDEF"[low];
    return NW_HTTP1_FINE;
}

static nw_http1_class decode_path(struct nw_slice path, char *scratch, size_t *out_len)
{
    const char *at = path.ptr, *end = path.ptr + path.len;
    char *to = scratch;
    while (at < end) {
        if (*at == '%') {
            nw_http1_class found = decode_percent(&at, end, &to);
            if (found != NW_HTTP1_FINE)
                return found;
        } else if (*at == '\\') {
            return NW_HTTP1_BACKSLASH;
        } else if (!nw_byte_is(*at, NW_BYTE_PATH)) {
            return NW_HTTP1_INVALID_PATH_BYTE;
        } else {
            *to++ = *at++;
        }
    }
    *out_len = (size_t)(to - scratch);
    return NW_HTTP1_FINE;
}

/* In place, segment by segment: "/." goes, "/.." takes the segment before it along. */
static nw_http1_class remove_dots(char *path, size_t *len)
{
    size_t to = 0;
    for (size_t at = 0; at < *len;) {
        size_t end = at + 1; /* path[at] is the slash that opens the segment */
        while (end < *len && path[end] != '/')
            end++;
        size_t bytes = end - at;
        bool is_one = bytes == 2 && path[at + 1] == '.';
        bool is_two = bytes == 3 && path[at + 1] == '.' && path[at + 2] == '.';
        if (is_two && to == 0)
            return NW_HTTP1_ABOVE_ROOT;
        if (is_two) {
            while (path[--to] != '/')
                continue;
        }
        if (!is_one && !is_two) {
            memmove(path + to, path + at, bytes);
            to += bytes;
        } else if (end == *len) {
            path[to++] = '/';
        }
        at = end;
    }
    *len = to;
    return NW_HTTP1_FINE;
}

nw_err nw_path_normalise(struct nw_slice path, char *scratch, struct nw_slice *out_path,
                         nw_http1_class *out_found)
{
    if (path.len == 0 || path.ptr[0] != '/') {
        *out_found = NW_HTTP1_INVALID_TARGET;
        return NW_BAD_REQUEST;
    }
    if (NW_LIKELY(plain_len(path) == path.len)) {
        *out_path = path;
        return NW_OK;
    }
    size_t len = 0;
    nw_http1_class found = decode_path(path, scratch, &len);
    if (found == NW_HTTP1_FINE)
        found = remove_dots(scratch, &len);
    if (found != NW_HTTP1_FINE) {
        *out_found = found;
        return NW_BAD_REQUEST;
    }
    struct nw_slice normal = nw_slice_of(scratch, len);
    *out_path = nw_slice_eq(normal, path) ? path : normal;
    return NW_OK;
}

/* -- target ----------------------------------------------------------------------------------- */

/* The length of "http://" or "https://", case aside; 0 for neither. */
static size_t scheme_len(struct nw_slice target)
{
    const struct nw_slice http = NW_SLICE("http://"), https = NW_SLICE("https://");
    if (nw_slice_eq_nocase(nw_slice_first(target, http.len), http))
        return http.len;
    return nw_slice_eq_nocase(nw_slice_first(target, https.len), https) ? https.len : 0;
}

/* Cuts an absolute target into authority and the rest, which may be empty or begin with '?'. */
static nw_http1_class cut_absolute(struct nw_slice *rest, size_t scheme, struct nw_slice *authority)
{
    struct nw_slice behind = nw_slice_skip(*rest, scheme);
    size_t len = 0;
    while (len < behind.len && strchr("/?#", behind.ptr[len]) == NULL)
        len++;
    *authority = nw_slice_first(behind, len);
    *rest = nw_slice_skip(behind, len);
    struct nw_authority ignored;
    nw_http1_class found = judge_authority(*authority, &ignored);
    if (found == NW_HTTP1_FINE || found == NW_HTTP1_USERINFO)
        return found;
    return NW_HTTP1_INVALID_AUTHORITY;
}

/* Which form it is; *rest becomes path and query, *authority what stands for Host. */
static nw_http1_class judge_form(nw_http_method method, struct nw_slice *rest,
                                 struct nw_slice *authority, struct nw_target *out)
{
    if (method == NW_HTTP_CONNECT) {
        out->form = NW_TARGET_AUTHORITY;
        *authority = *rest;
        *rest = nw_slice_of(rest->ptr, 0);
        struct nw_authority parsed;
        return judge_authority(*authority, &parsed) == NW_HTTP1_FINE && parsed.port > 0
                   ? NW_HTTP1_FINE
                   : NW_HTTP1_INVALID_AUTHORITY;
    }
    if (rest->len != 0 && rest->ptr[0] == '/') {
        out->form = NW_TARGET_ORIGIN;
        return NW_HTTP1_FINE;
    }
    if (method == NW_HTTP_OPTIONS && nw_slice_eq(*rest, NW_SLICE("*"))) {
        out->form = NW_TARGET_ASTERISK;
        return NW_HTTP1_FINE;
    }
    size_t scheme = scheme_len(*rest);
    if (scheme == 0)
        return NW_HTTP1_INVALID_TARGET;
    out->form = NW_TARGET_ABSOLUTE;
    nw_http1_class found = cut_absolute(rest, scheme, authority);
    /* RFC 9112 3.2.4: OPTIONS for a host without a path asks about the host as a whole. */
    if (found == NW_HTTP1_FINE && rest->len == 0 && method == NW_HTTP_OPTIONS) {
        out->form = NW_TARGET_ASTERISK;
        *rest = NW_SLICE("*");
    }
    return found;
}

/* The straight way for a path that is normal and a query or none; false: nothing was decided. */
static bool is_plain_target(struct nw_slice rest, struct nw_target *out)
{
    size_t path_len = plain_len(rest);
    if (rest.len == 0 || rest.ptr[0] != '/')
        return false;
    if (path_len < rest.len &&
        (rest.ptr[path_len] != '?' || nw_slice_find(rest, '#') < rest.len))
        return false;
    out->raw = rest;
    out->path = nw_slice_first(rest, path_len);
    out->has_query = path_len < rest.len;
    if (out->has_query)
        out->query = nw_slice_skip(rest, path_len + 1);
    return true;
}

static nw_http1_class judge_path(struct nw_slice rest, char *scratch, struct nw_target *out)
{
    if (NW_LIKELY(is_plain_target(rest, out)))
        return NW_HTTP1_FINE;
    if (nw_slice_find(rest, '#') < rest.len)
        return NW_HTTP1_FRAGMENT;
    if (out->form == NW_TARGET_ASTERISK || out->form == NW_TARGET_AUTHORITY) {
        out->path = rest;
        out->raw = rest;
        return NW_HTTP1_FINE;
    }
    if (rest.len == 0) {
        rest = NW_SLICE("/");
    } else if (rest.ptr[0] == '?') {
        /* "http://host?q": the scheme's bytes of scratch are free for the missing slash. */
        *scratch = '/';
        memcpy(scratch + 1, rest.ptr, rest.len);
        rest = nw_slice_of(scratch, rest.len + 1);
        scratch += rest.len;
    }
    size_t path_len = nw_slice_find(rest, '?');
    out->raw = rest;
    out->has_query = path_len < rest.len;
    out->query = out->has_query ? nw_slice_skip(rest, path_len + 1) : nw_slice_of(NULL, 0);
    struct nw_slice path = nw_slice_first(rest, path_len);
    nw_http1_class found = NW_HTTP1_FINE;
    nw_err err = nw_path_normalise(path, scratch, &out->path, &found);
    out->is_path_changed = err == NW_OK && out->path.ptr != path.ptr;
    return found;
}

static nw_http1_class judge_bytes(struct nw_slice target)
{
    const char *end = target.ptr + target.len, *at = nw_scan_target(target.ptr, end);
    if (NW_LIKELY(at == end))
        return NW_HTTP1_FINE;
    return *at == '\r' ? NW_HTTP1_BARE_CR : nw_byte_class(*at, NW_HTTP1_EXTRA_SPACE);
}

static nw_http1_class judge_target(nw_http_method method, struct nw_slice target,
                                   struct nw_slice host, char *scratch, struct nw_target *out)
{
    nw_http1_class found = judge_bytes(target);
    if (found == NW_HTTP1_FINE)
        found = judge_form(method, &target, &host, out);
    if (found != NW_HTTP1_FINE)
        return found;
    out->port = -1;
    if (host.len != 0) {
        struct nw_authority authority;
        host = lower_case(host, &scratch);
        found = judge_authority(host, &authority);
        if (found != NW_HTTP1_FINE)
            return NW_HTTP1_INVALID_HOST;
        out->authority = host;
        out->host = authority.host;
        out->port = authority.port;
    }
    return judge_path(target, scratch, out);
}

nw_err nw_target_parse(nw_http_method method, struct nw_slice target, struct nw_slice host,
                       char *scratch, struct nw_target *out, nw_http1_class *out_found)
{
    struct nw_target parsed = {0};
    nw_http1_class found = judge_target(method, target, host, scratch, &parsed);
    if (found != NW_HTTP1_FINE) {
        *out_found = found;
        return NW_BAD_REQUEST;
    }
    *out = parsed;
    return NW_OK;
}
