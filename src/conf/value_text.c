/*
 * Values that are texts with a grammar: addresses, networks, path patterns, URLs, secrets.
 *
 * Addresses and patterns become canonical here, once, because identity hangs on them: health
 * verdicts, pools and listeners carry over a reload by (service, address), so "LOCALHOST:80" and
 * "localhost:80" must be one thing. A path literal is put in the form to which request paths are
 * normalised (unreserved characters decoded, everything else upper-case percent-encoded), so
 * that matching is a comparison of bytes.
 *
 * Nothing here resolves a name or opens a socket; inet_pton and inet_ntop are arithmetic.
 */
#include <arpa/inet.h>
#include <ctype.h>

#include "base/assert.h"
#include "conf/value.h"

static nw_err refuse(struct nw_conf_why *why, const char *sentence, const char *hint)
{
    *why = (struct nw_conf_why){sentence, hint};
    return NW_INVALID;
}

static struct nw_slice keep(struct nw_arena *arena, struct nw_slice text)
{
    return nw_slice_of(nw_arena_string(arena, text), text.len);
}

static struct nw_slice keep_lower(struct nw_arena *arena, struct nw_slice text)
{
    char *copy = nw_arena_string(arena, text);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return nw_slice_of(copy, text.len);
}

bool nw_conf_value_is_token(struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        bool is_alnum = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                        (byte >= 'A' && byte <= 'Z');
        if (!is_alnum && (byte == '\0' || strchr("!#$%&'*+-.^_`|~", byte) == NULL))
            return false;
    }
    return text.len > 0;
}

bool nw_conf_value_is_host(struct nw_slice text)
{
    struct nw_slice rest = text, label;
    if (text.len == 0 || text.len > 253 || text.ptr[text.len - 1] == '.')
        return false;
    while (nw_slice_split(&rest, '.', &label)) {
        if (label.len == 0 || label.len > 63)
            return false;
        for (size_t i = 0; i < label.len; i++) {
            char byte = label.ptr[i];
            bool is_alnum = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                            (byte >= 'A' && byte <= 'Z');
            bool is_inner = (byte == '-' && i > 0 && i + 1 < label.len) || byte == '_';
            if (!is_alnum && !is_inner)
                return false;
        }
    }
    return true;
}

/* Copies a slice that is short enough for inet_pton. */
static bool parse_ip(int family, struct nw_slice text, void *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy || nw_slice_find(text, '\0') != text.len)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, out) == 1;
}

static nw_err parse_port(struct nw_slice text, bool may_be_zero, uint16_t *out,
                         struct nw_conf_why *why)
{
    uint64_t port;
    if (text.len == 0 || nw_slice_to_u64(text, &port) != NW_OK || port > 65535)
        return refuse(why, "the port must be a number from 1 to 65535", NULL);
    if (port == 0 && !may_be_zero)
        return refuse(why, "port 0 can only be listened on", NULL);
    *out = (uint16_t)port;
    return NW_OK;
}

static nw_err parse_unix(struct nw_slice path, struct nw_arena *arena, struct nw_conf_address *out,
                         struct nw_conf_why *why)
{
    /* sun_path holds 108 bytes with the final zero. */
    if (path.len == 0 || path.len > 107)
        return refuse(why, "the path of a Unix socket must have 1 to 107 bytes", NULL);
    struct nw_slice text = nw_arena_printf(arena, "unix:%.*s", NW_SLICE_ARG(path));
    *out = (struct nw_conf_address){
        .kind = NW_CONF_ADDRESS_UNIX, .text = text, .path = nw_slice_skip(text, 5)};
    return NW_OK;
}

/* "[v6]:port"; the address is printed anew, so that equal ones compare equal. */
static nw_err parse_v6(struct nw_slice text, bool may_be_zero, struct nw_arena *arena,
                       struct nw_conf_address *out, struct nw_conf_why *why)
{
    size_t end = nw_slice_find(text, ']');
    struct in6_addr ip;
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    if (end == text.len || !parse_ip(AF_INET6, nw_slice_of(text.ptr + 1, end - 1), &ip))
        return refuse(why, "this is not an IPv6 address in brackets", "[::1]:8080 is one");
    if (end + 1 == text.len || text.ptr[end + 1] != ':')
        return refuse(why, "a port is missing after the bracket", NULL);
    NW_TRY(parse_port(nw_slice_skip(text, end + 2), may_be_zero, &port, why));
    NW_ASSERT(inet_ntop(AF_INET6, &ip, host, sizeof host) != NULL);
    *out = (struct nw_conf_address){
        .kind = NW_CONF_ADDRESS_IPV6,
        .text = nw_arena_printf(arena, "[%s]:%u", host, port),
        .host = keep(arena, nw_slice_str(host)),
        .port = port,
    };
    return NW_OK;
}

/* What a browser shows is what people paste: the part that is an address is handed back. */
static nw_err refuse_url(struct nw_slice text, struct nw_arena *arena, struct nw_conf_why *why)
{
    bool is_secure = nw_slice_starts_with(text, NW_SLICE("https://"));
    struct nw_slice host = nw_slice_skip(text, is_secure ? 8 : 7);
    host = nw_slice_first(host, nw_slice_find(host, '/'));
    bool has_port = nw_slice_find(host, ':') < host.len;
    return refuse(why, "an address has neither a scheme nor a path",
                  nw_arena_printf(arena, "did you mean %.*s%s", NW_SLICE_ARG(host),
                                  has_port ? "" : is_secure ? ":443" : ":80")
                      .ptr);
}

static size_t digits_count(struct nw_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] >= '0' && text.ptr[i] <= '9';
    return count;
}

static nw_err refuse_address(struct nw_slice text, struct nw_arena *arena, struct nw_conf_why *why)
{
    const char *sentence = "expected an address: host:port, [v6]:port or unix:/path";
    struct in6_addr ip;
    if (text.len > 0 && text.ptr[0] == '/')
        return refuse(why, sentence,
                      nw_arena_printf(arena, "did you mean unix:%.*s", NW_SLICE_ARG(text)).ptr);
    if (parse_ip(AF_INET6, text, &ip))
        return refuse(why, "an IPv6 address needs brackets and a port",
                      nw_arena_printf(arena, "[%.*s]:8080", NW_SLICE_ARG(text)).ptr);
    if (nw_slice_eq(text, NW_SLICE("none")) || nw_slice_eq(text, NW_SLICE("off")))
        return refuse(why, "an address is expected here", "for none, leave the option out");
    bool is_number = text.len > 0 && digits_count(text) == text.len;
    if (is_number)
        return refuse(
            why, "the host is missing",
            nw_arena_printf(arena, "did you mean 127.0.0.1:%.*s", NW_SLICE_ARG(text)).ptr);
    if (nw_conf_value_is_host(text))
        return refuse(why, "the port is missing",
                      nw_arena_printf(arena, "%.*s:8080", NW_SLICE_ARG(text)).ptr);
    return refuse(why, sentence, NULL);
}

/* Four numbers and dots that are no IPv4 address are a slip, not a host name. */
static bool looks_like_ipv4(struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '.' && (text.ptr[i] < '0' || text.ptr[i] > '9'))
            return false;
    return true;
}

nw_err nw_conf_value_address(struct nw_slice text, bool may_be_zero, struct nw_arena *arena,
                             struct nw_conf_address *out, struct nw_conf_why *why)
{
    struct in_addr ip;
    uint16_t port;
    if (nw_slice_starts_with(text, NW_SLICE("http://")) ||
        nw_slice_starts_with(text, NW_SLICE("https://")))
        return refuse_url(text, arena, why);
    if (nw_slice_starts_with(text, NW_SLICE("unix:")))
        return parse_unix(nw_slice_skip(text, 5), arena, out, why);
    if (text.len > 0 && text.ptr[0] == '[')
        return parse_v6(text, may_be_zero, arena, out, why);
    size_t colon = nw_slice_find(text, ':');
    struct nw_slice host = nw_slice_first(text, colon);
    struct nw_slice after = nw_slice_skip(text, colon < text.len ? colon + 1 : colon);
    bool is_one_colon = nw_slice_find(after, ':') == after.len;
    if ((colon == 0 || nw_slice_eq(host, NW_SLICE("*"))) && after.len > 0 && is_one_colon)
        return refuse(why, "the host is missing; newel does not guess which interfaces you mean",
                      nw_arena_printf(arena, "0.0.0.0:%.*s for all, 127.0.0.1:%.*s for this one",
                                      NW_SLICE_ARG(after), NW_SLICE_ARG(after))
                          .ptr);
    if (colon == text.len || !is_one_colon || !nw_conf_value_is_host(host))
        return refuse_address(text, arena, why);
    NW_TRY(parse_port(after, may_be_zero, &port, why));
    bool is_ipv4 = parse_ip(AF_INET, host, &ip);
    if (!is_ipv4 && looks_like_ipv4(host))
        return refuse(why, "this is not an IPv4 address", NULL);
    struct nw_slice lower = keep_lower(arena, host);
    *out = (struct nw_conf_address){
        .kind = is_ipv4 ? NW_CONF_ADDRESS_IPV4 : NW_CONF_ADDRESS_NAME,
        .text = nw_arena_printf(arena, "%s:%u", lower.ptr, port),
        .host = lower,
        .port = port,
    };
    return NW_OK;
}

nw_err nw_conf_value_cidr(struct nw_slice text, struct nw_arena *arena, struct nw_cidr *out,
                          struct nw_conf_why *why)
{
    size_t slash = nw_slice_find(text, '/');
    struct nw_slice host = nw_slice_first(text, slash);
    bool is_v6 = nw_slice_find(host, ':') != host.len;
    uint8_t bytes[16] = {0}, masked[16];
    if (!parse_ip(is_v6 ? AF_INET6 : AF_INET, host, bytes))
        return refuse(why, "expected a network such as 10.0.0.0/8 or 2001:db8::/32", NULL);
    uint64_t max_bits = is_v6 ? 128 : 32, bits = max_bits;
    if (slash < text.len &&
        (nw_slice_to_u64(nw_slice_skip(text, slash + 1), &bits) != NW_OK || bits > max_bits))
        return refuse(why, is_v6 ? "the prefix length must be a number from 0 to 128"
                                 : "the prefix length must be a number from 0 to 32",
                      NULL);
    memcpy(masked, bytes, sizeof masked);
    for (size_t bit = bits; bit < max_bits; bit++)
        masked[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
    if (memcmp(masked, bytes, sizeof bytes) != 0) {
        char printed[INET6_ADDRSTRLEN];
        NW_ASSERT(inet_ntop(is_v6 ? AF_INET6 : AF_INET, masked, printed, sizeof printed) != NULL);
        return refuse(why, "the address has bits beyond the prefix",
                      nw_arena_printf(arena, "did you mean %s/%u", printed, (unsigned)bits).ptr);
    }
    if (nw_cidr_parse(text, out) != NW_OK)
        return refuse(why, "expected a network such as 10.0.0.0/8 or 2001:db8::/32", NULL);
    return NW_OK;
}

static int hex_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || (byte != '\0' && strchr("-._~", byte) != NULL);
}

/* Visible ASCII but for what has a meaning of its own in a target or in a pattern. */
static bool is_path_byte(unsigned char byte)
{
    return byte > 0x20 && byte < 0x7f && strchr("\"#<>?\\`{}%", byte) == NULL;
}

/* One literal segment, normalised; ptr NULL when it cannot occur in a request. */
static struct nw_slice normalise_segment(struct nw_slice segment, struct nw_arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    char *to = nw_arena_zero(arena, segment.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char byte = (unsigned char)segment.ptr[i];
        bool is_encoded = byte >= 0x80 || byte == ' ';
        if (byte == '%') {
            int high = i + 2 < segment.len ? hex_of(segment.ptr[i + 1]) : -1;
            int low = i + 2 < segment.len ? hex_of(segment.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0) || (high == 5 && low == 0xc))
                return (struct nw_slice){0};
            byte = (unsigned char)(high * 16 + low);
            is_encoded = !is_unreserved(byte);
            i += 2;
        } else if (!is_encoded && !is_path_byte(byte)) {
            return (struct nw_slice){0};
        }
        to[len++] = is_encoded ? '%' : (char)byte;
        if (is_encoded) {
            to[len++] = hex[byte >> 4];
            to[len++] = hex[byte & 15];
        }
    }
    return nw_slice_of(to, len);
}

static bool is_capture_name(struct nw_slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return name.len > 0 && !isdigit((unsigned char)name.ptr[0]);
}

static nw_err parse_capture(struct nw_slice part, bool is_last, struct nw_arena *arena,
                            struct nw_conf_segment *out, struct nw_conf_why *why)
{
    struct nw_slice name = nw_slice_of(part.ptr + 1, part.len - 2);
    bool is_rest = nw_slice_ends_with(name, NW_SLICE("..."));
    if (is_rest)
        name = nw_slice_first(name, name.len - 3);
    if (!is_capture_name(name))
        return refuse(why, "a capture is {name} or {name...}: letters, digits and _", NULL);
    if (is_rest && !is_last)
        return refuse(why, "{name...} takes the rest of the path and must stand last", NULL);
    out->kind = is_rest ? NW_CONF_SEGMENT_REST : NW_CONF_SEGMENT_ONE;
    out->text = keep(arena, name);
    return NW_OK;
}

static nw_err parse_segment(struct nw_slice part, bool is_last, struct nw_arena *arena,
                            struct nw_conf_segment *out, struct nw_conf_why *why)
{
    if (part.len >= 2 && part.ptr[0] == '{' && part.ptr[part.len - 1] == '}')
        return parse_capture(part, is_last, arena, out, why);
    if (nw_slice_find(part, '{') != part.len || nw_slice_find(part, '}') != part.len)
        return refuse(why, "a capture must be a whole segment between slashes",
                      "use \"~ regex\" for parts of a segment");
    out->kind = NW_CONF_SEGMENT_LITERAL;
    out->text = normalise_segment(part, arena);
    if (out->text.ptr == NULL)
        return refuse(why, "no request path can match this",
                      "a path has no ?, #, \\, quotes or stray %");
    if (nw_slice_eq(out->text, NW_SLICE(".")) || nw_slice_eq(out->text, NW_SLICE("..")))
        return refuse(why, "dot segments are removed from request paths, so this never matches",
                      NULL);
    return NW_OK;
}

static nw_err parse_segments(struct nw_slice text, struct nw_arena *arena,
                             struct nw_conf_path *path, struct nw_conf_why *why)
{
    size_t slash_count = 0;
    for (size_t i = 0; i < text.len; i++)
        slash_count += text.ptr[i] == '/';
    path->is_prefix = text.ptr[text.len - 1] == '/';
    path->segment_count = slash_count - path->is_prefix;
    path->segments = nw_arena_zero(arena, slash_count * sizeof *path->segments);
    struct nw_slice rest = nw_slice_skip(text, 1);
    for (size_t i = 0; i < path->segment_count; i++) {
        struct nw_slice part = nw_slice_first(rest, nw_slice_find(rest, '/'));
        bool is_last = i + 1 == path->segment_count;
        NW_TRY(parse_segment(part, is_last, arena, &path->segments[i], why));
        if (is_last && path->segments[i].kind == NW_CONF_SEGMENT_REST && path->is_prefix)
            return refuse(why, "{name...} takes the rest of the path and must stand last", NULL);
        rest = nw_slice_skip(rest, part.len < rest.len ? part.len + 1 : part.len);
    }
    for (size_t i = 0; i < path->segment_count; i++)
        for (size_t k = i + 1; k < path->segment_count; k++)
            if (path->segments[i].kind != NW_CONF_SEGMENT_LITERAL &&
                path->segments[k].kind != NW_CONF_SEGMENT_LITERAL &&
                nw_slice_eq(path->segments[i].text, path->segments[k].text))
                return refuse(why, "two captures have the same name", NULL);
    return NW_OK;
}

nw_err nw_conf_value_path(struct nw_slice text, struct nw_arena *arena, struct nw_conf_path *out,
                          struct nw_conf_why *why)
{
    struct nw_conf_path path = {.kind = NW_CONF_PATH_SEGMENTS};
    if (text.len > 0 && text.ptr[0] == '~') {
        struct nw_slice regex = nw_slice_trim(nw_slice_skip(text, 1));
        if (regex.len == 0)
            return refuse(why, "a regular expression is missing after ~", NULL);
        path.kind = NW_CONF_PATH_REGEX;
        path.text = keep(arena, regex);
        *out = path;
        return NW_OK;
    }
    if (text.len == 0 || text.ptr[0] != '/')
        return refuse(why, "a path begins with /",
                      nw_arena_printf(arena, "did you mean /%.*s", NW_SLICE_ARG(text)).ptr);
    if (text.len > 4096)
        return refuse(why, "the path is longer than 4096 bytes", NULL);
    path.text = keep(arena, text);
    NW_TRY(parse_segments(path.text, arena, &path, why));
    *out = path;
    return NW_OK;
}

/* host, host:port or [v6]:port, as it may stand in a URL. */
static bool is_authority(struct nw_slice text)
{
    size_t colon = nw_slice_find(text, ':');
    struct nw_slice host = nw_slice_first(text, colon);
    struct in6_addr ip;
    uint64_t port;
    if (text.len > 0 && text.ptr[0] == '[') {
        size_t end = nw_slice_find(text, ']');
        if (end == text.len || !parse_ip(AF_INET6, nw_slice_of(text.ptr + 1, end - 1), &ip))
            return false;
        host = NW_SLICE("v6");
        colon = end + 1;
        if (colon < text.len && text.ptr[colon] != ':')
            return false;
    }
    if (!nw_conf_value_is_host(host))
        return false;
    return colon >= text.len || (nw_slice_to_u64(nw_slice_skip(text, colon + 1), &port) == NW_OK &&
                                 port > 0 && port <= 65535);
}

nw_err nw_conf_value_url(struct nw_slice text, bool is_path_ok, struct nw_conf_why *why)
{
    const char *sentence = is_path_ok ? "expected a URL (https://host/…) or a path (/…)"
                                      : "expected a URL such as https://host/…";
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f)
            return refuse(why, "a URL has no spaces, control or non-ASCII bytes",
                          "percent-encode them");
    if (is_path_ok && text.len > 0 && text.ptr[0] == '/') {
        if (text.len > 1 && text.ptr[1] == '/')
            return refuse(why, "// at the start names another host", "write https://host/…");
        return NW_OK;
    }
    struct nw_slice rest = text;
    if (nw_slice_starts_with(text, NW_SLICE("https://")))
        rest = nw_slice_skip(text, 8);
    else if (nw_slice_starts_with(text, NW_SLICE("http://")))
        rest = nw_slice_skip(text, 7);
    else
        return refuse(why, sentence, NULL);
    size_t end = 0;
    while (end < rest.len && strchr("/?#", rest.ptr[end]) == NULL)
        end++;
    if (nw_slice_find(nw_slice_first(rest, end), '@') != end)
        return refuse(why, "user information does not belong into a URL", NULL);
    return is_authority(nw_slice_first(rest, end)) ? NW_OK : refuse(why, sentence, NULL);
}

static bool is_variable_name(struct nw_slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return name.len > 0 && !isdigit((unsigned char)name.ptr[0]);
}

/* `rest` begins behind "${". Moves it behind the closing brace. */
static nw_err expand_one(struct nw_slice *rest, const struct nw_conf_outside *outside,
                         struct nw_arena *arena, struct nw_text *to, struct nw_conf_why *why)
{
    size_t end = nw_slice_find(*rest, '}');
    struct nw_slice name = nw_slice_first(*rest, end);
    if (end == rest->len || !is_variable_name(name))
        return refuse(why, "${ must be followed by a variable's name and }",
                      "write $${ for the text ${");
    const char *key = nw_arena_string(arena, name);
    const char *value = outside->env != NULL ? outside->env(outside->arg, key) : NULL;
    if (value == NULL)
        return refuse(why,
                      nw_arena_printf(arena, "the environment variable %s is not set", key).ptr,
                      NULL);
    nw_text_add_str(to, value);
    *rest = nw_slice_skip(*rest, end + 1);
    return NW_OK;
}

static nw_err expand_all(struct nw_slice text, const struct nw_conf_outside *outside,
                         struct nw_arena *arena, struct nw_text *to, struct nw_conf_why *why)
{
    while (text.len > 0) {
        if (nw_slice_starts_with(text, NW_SLICE("$${"))) {
            nw_text_add_str(to, "${");
            text = nw_slice_skip(text, 3);
        } else if (nw_slice_starts_with(text, NW_SLICE("${"))) {
            text = nw_slice_skip(text, 2);
            NW_TRY(expand_one(&text, outside, arena, to, why));
        } else {
            nw_text_add_char(to, text.ptr[0]);
            text = nw_slice_skip(text, 1);
        }
    }
    return NW_OK;
}

nw_err nw_conf_value_expand(struct nw_slice text, const struct nw_conf_outside *outside,
                            struct nw_arena *arena, struct nw_slice *out, struct nw_conf_why *why)
{
    if (memmem(text.ptr, text.len, "${", 2) == NULL) {
        *out = text;
        return NW_OK;
    }
    struct nw_text to = {0};
    nw_err err = expand_all(text, outside, arena, &to, why);
    if (err == NW_OK)
        *out = keep(arena, nw_slice_of(to.ptr != NULL ? to.ptr : "", to.len));
    nw_text_done(&to);
    return err;
}

nw_err nw_conf_value_secret(struct nw_slice text, const struct nw_conf_outside *outside,
                            struct nw_arena *arena, struct nw_secret **out, struct nw_conf_why *why)
{
    if (!nw_slice_starts_with(text, NW_SLICE("file:"))) {
        *out = nw_secret_new(text);
        return NW_OK;
    }
    const char *path = nw_arena_string(arena, nw_slice_skip(text, 5));
    if (path[0] == '\0')
        return refuse(why, "a path is missing after file:", NULL);
    struct nw_secret *secret = NULL;
    nw_err err = outside->read_secret != NULL ? outside->read_secret(outside->arg, path, &secret)
                                              : NW_NOT_FOUND;
    if (nw_slice_ends_with(nw_secret_bytes(secret), NW_SLICE("\n")))
        nw_secret_shorten(secret, 1);
    if (nw_slice_ends_with(nw_secret_bytes(secret), NW_SLICE("\r")))
        nw_secret_shorten(secret, 1);
    struct nw_slice bytes = nw_secret_bytes(secret);
    const char *problem = err != NW_OK                                  ? nw_err_text(err)
                          : bytes.len == 0                              ? "it is empty"
                          : nw_slice_find(bytes, '\0') != bytes.len ? "it holds a NUL byte"
                                                                        : NULL;
    if (problem == NULL) {
        *out = secret;
        return NW_OK;
    }
    nw_secret_free(secret);
    return refuse(
        why, nw_arena_printf(arena, "the secret file %s cannot be used: %s", path, problem).ptr,
        NULL);
}
