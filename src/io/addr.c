/*
 * Addresses are parsed once and compared often, so they are plain values without pointers.
 *
 * Strict on purpose: "010.0.0.1" (octal to some, decimal to others), a bare IPv6 address whose last
 * group might be a port, and scope ids (which name an interface of one machine) are refused instead
 * of guessed. A word that could be a host name is reported apart from nonsense, because the caller
 * then asks the resolver.
 */
#include "io/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/assert.h"

enum { HOST_MAX_BYTES = 253 };

static bool is_digits_and_dots(struct nw_slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (c != '.' && (c < '0' || c > '9'))
            return false;
    }
    return true;
}

/* Letters, digits, '-', '_' and '.': what a name in DNS or /etc/hosts is made of. */
static bool is_name(struct nw_slice host)
{
    if (host.len == 0 || host.len > HOST_MAX_BYTES || host.ptr[0] == '.' || host.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alpha && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
        if (c == '.' && host.ptr[i - 1] == '.')
            return false;
    }
    return true;
}

static nw_err parse_port(struct nw_slice text, uint16_t *out)
{
    uint64_t port;
    if (text.len == 0 || text.len > 5 || nw_slice_to_u64(text, &port) != NW_OK || port > 65535)
        return NW_INVALID;
    *out = (uint16_t)port;
    return NW_OK;
}

/* "host:port" or "[v6]:port"; the brackets are gone from *out_host but told of. */
static nw_err split(struct nw_slice text, struct nw_slice *out_host, uint16_t *out_port,
                    bool *out_has_brackets)
{
    struct nw_slice host;
    size_t colon;
    bool has_brackets = text.len != 0 && text.ptr[0] == '[';
    if (has_brackets) {
        size_t end = nw_slice_find(text, ']');
        if (end + 1 >= text.len || text.ptr[end + 1] != ':')
            return NW_INVALID;
        host = nw_slice_of(text.ptr + 1, end - 1);
        colon = end + 1;
    } else {
        colon = nw_slice_find(text, ':');
        if (colon == text.len)
            return NW_INVALID;
        host = nw_slice_of(text.ptr, colon);
    }
    if (host.len == 0)
        return NW_INVALID;
    NW_TRY(parse_port(nw_slice_skip(text, colon + 1), out_port));
    *out_host = host;
    *out_has_brackets = has_brackets;
    return NW_OK;
}

static nw_err parse_unix(struct nw_slice path, struct nw_addr *out)
{
    if (path.len < 2 || path.len >= NW_ADDR_UNIX_MAX_BYTES || path.ptr[0] != '/')
        return NW_INVALID;
    if (nw_slice_find(path, '\0') != path.len)
        return NW_INVALID;
    *out = (struct nw_addr){.kind = NW_ADDR_UNIX};
    memcpy(out->path, path.ptr, path.len);
    return NW_OK;
}

nw_err nw_addr_parse(struct nw_slice text, struct nw_addr *out)
{
    if (nw_slice_starts_with(text, NW_SLICE("unix:")))
        return parse_unix(nw_slice_skip(text, 5), out);

    struct nw_slice host;
    uint16_t port;
    bool has_brackets;
    NW_TRY(split(text, &host, &port, &has_brackets));
    if (host.len > HOST_MAX_BYTES)
        return NW_INVALID;
    char word[HOST_MAX_BYTES + 1];
    memcpy(word, host.ptr, host.len);
    word[host.len] = '\0';
    if (strlen(word) != host.len)
        return NW_INVALID;

    struct nw_addr addr = {.port = port};
    if (has_brackets) {
        if (inet_pton(AF_INET6, word, addr.ip6) != 1)
            return NW_INVALID;
        addr.kind = NW_ADDR_IP6;
    } else if (is_digits_and_dots(host)) {
        if (inet_pton(AF_INET, word, addr.ip4) != 1)
            return NW_INVALID;
        addr.kind = NW_ADDR_IP4;
    } else {
        return is_name(host) ? NW_NO_SUCH_NAME : NW_INVALID;
    }
    *out = addr;
    return NW_OK;
}

nw_err nw_addr_split(struct nw_slice text, struct nw_slice *out_host, uint16_t *out_port)
{
    struct nw_slice host;
    uint16_t port;
    bool has_brackets;
    NW_TRY(split(text, &host, &port, &has_brackets));
    if (port == 0)
        return NW_INVALID;
    *out_host = host;
    *out_port = port;
    return NW_OK;
}

static char *put_decimal(char *at, unsigned value)
{
    if (value >= 100)
        *at++ = (char)('0' + value / 100);
    if (value >= 10)
        *at++ = (char)('0' + value / 10 % 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

static char *put_ip4(char *at, const uint8_t ip[4])
{
    for (int i = 0; i < 3; i++) {
        at = put_decimal(at, ip[i]);
        *at++ = '.';
    }
    return put_decimal(at, ip[3]);
}

static char *put_group(char *at, unsigned value)
{
    static const char digits[] = "0123456789abcdef";
    for (int shift = 12; shift > 0; shift -= 4)
        if (value >> shift != 0)
            *at++ = digits[value >> shift & 15];
    *at++ = digits[value & 15];
    return at;
}

/* The longest run of at least two groups that are zero, the first of equals; 0 length: none. */
static void find_zeros(const unsigned groups[8], int *out_start, int *out_length)
{
    *out_start = -1;
    *out_length = 1;
    for (int i = 0; i < 8; i++) {
        int end = i;
        while (end < 8 && groups[end] == 0)
            end++;
        if (end - i > *out_length) {
            *out_start = i;
            *out_length = end - i;
        }
        i = end > i ? end : i;
    }
}

static char *put_ip6(char *at, const uint8_t ip[16])
{
    unsigned groups[8];
    int zeros, zero_count;
    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    find_zeros(groups, &zeros, &zero_count);
    bool has_ip4 = zeros == 0 && (zero_count == 6 || (zero_count == 5 && groups[5] == 0xffff));
    for (int i = 0; i < (has_ip4 ? 6 : 8); i++) {
        if (i == zeros) {
            *at++ = ':';
            i += zero_count - 1;
            if (i == 7)
                *at++ = ':';
            continue;
        }
        if (i > 0)
            *at++ = ':';
        at = put_group(at, groups[i]);
    }
    if (!has_ip4)
        return at;
    *at++ = ':';
    return put_ip4(at, ip + 12);
}

size_t nw_addr_host_text(const struct nw_addr *addr, char out[NW_ADDR_TEXT_MAX_BYTES])
{
    char *end = out;
    switch ((nw_addr_kind)addr->kind) {
    case NW_ADDR_IP4:
        end = put_ip4(out, addr->ip4);
        break;
    case NW_ADDR_IP6:
        end = put_ip6(out, addr->ip6);
        break;
    case NW_ADDR_UNIX:
        memcpy(out, "unix", 4);
        end += 4;
        break;
    case NW_ADDR_NONE:
        memcpy(out, "none", 4);
        end += 4;
        break;
    }
    *end = '\0';
    return (size_t)(end - out);
}

const char *nw_addr_print_host(const struct nw_addr *addr, char out[NW_ADDR_TEXT_MAX_BYTES])
{
    nw_addr_host_text(addr, out);
    return out;
}

const char *nw_addr_print(const struct nw_addr *addr, char out[NW_ADDR_TEXT_MAX_BYTES])
{
    char host[NW_ADDR_TEXT_MAX_BYTES];
    nw_addr_print_host(addr, host);
    int bytes;
    if (addr->kind == NW_ADDR_UNIX)
        bytes = snprintf(out, NW_ADDR_TEXT_MAX_BYTES, "unix:%.*s", NW_ADDR_UNIX_MAX_BYTES,
                         addr->path);
    else if (addr->kind == NW_ADDR_IP6)
        bytes = snprintf(out, NW_ADDR_TEXT_MAX_BYTES, "[%.45s]:%u", host, addr->port);
    else if (addr->kind == NW_ADDR_IP4)
        bytes = snprintf(out, NW_ADDR_TEXT_MAX_BYTES, "%.15s:%u", host, addr->port);
    else
        bytes = snprintf(out, NW_ADDR_TEXT_MAX_BYTES, "none");
    NW_ASSERT(bytes > 0 && bytes < NW_ADDR_TEXT_MAX_BYTES);
    return out;
}

bool nw_addr_eq(const struct nw_addr *a, const struct nw_addr *b)
{
    if (a->kind != b->kind || a->port != b->port)
        return false;
    switch ((nw_addr_kind)a->kind) {
    case NW_ADDR_IP4:
        return memcmp(a->ip4, b->ip4, sizeof a->ip4) == 0;
    case NW_ADDR_IP6:
        return memcmp(a->ip6, b->ip6, sizeof a->ip6) == 0;
    case NW_ADDR_UNIX:
        return strncmp(a->path, b->path, sizeof a->path) == 0;
    case NW_ADDR_NONE:
        return true;
    }
    return false;
}

bool nw_addr_is_loopback(const struct nw_addr *addr)
{
    static const uint8_t one[16] = {[15] = 1};
    static const uint8_t mapped_127[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    switch ((nw_addr_kind)addr->kind) {
    case NW_ADDR_IP4:
        return addr->ip4[0] == 127;
    case NW_ADDR_IP6:
        return memcmp(addr->ip6, one, 16) == 0 || memcmp(addr->ip6, mapped_127, 13) == 0;
    case NW_ADDR_UNIX:
        return true;
    case NW_ADDR_NONE:
        return false;
    }
    return false;
}
