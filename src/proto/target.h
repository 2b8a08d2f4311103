/*
 * target.h - what a request asks for: host, path, query, in one normal form.
 *
 * That one form is matched, cached and forwarded, so the two sides of newel can never disagree
 * about it. In the path dot segments are removed, percent-encoded unreserved bytes are decoded, and
 * other encodings keep their percent sign with upper-case digits; empty segments stay. The query is
 * passed on byte for byte. A path that is normal already is not copied.
 *
 * Owner:   nothing here allocates; results point into the input or the caller's scratch memory
 * Threads: stateless
 */
#ifndef NW_PROTO_TARGET_H
#define NW_PROTO_TARGET_H

#include "proto/http1.h"

typedef enum nw_target_form {
    NW_TARGET_ORIGIN,   /* /path?query */
    NW_TARGET_ABSOLUTE, /* http://host/path?query: its authority replaces Host */
    NW_TARGET_ASTERISK, /* OPTIONS * */
    NW_TARGET_AUTHORITY /* CONNECT host:port */
} nw_target_form;

struct nw_target {
    nw_target_form form;
    bool is_path_changed; /* normalising changed it */
    bool has_query;       /* "/a?" has an empty one */
    int32_t port;         /* -1 when none was given */
    /* Host and port in lower case, else as sent: the one Host to send on. May be empty. */
    struct nw_slice authority;
    struct nw_slice host;  /* within it: no port, no trailing dot; [brackets] stay */
    struct nw_slice path;  /* normal, begins with '/'; "*" in asterisk form, "" in authority form */
    struct nw_slice query; /* without '?' */
    struct nw_slice raw;   /* path and query as they came; begins with '/' where `path` does */
};

/* Scratch memory that is always enough. */
static inline size_t nw_target_scratch_bytes(struct nw_slice target, struct nw_slice host)
{
    return target.len + host.len;
}

/*
 * `host` is the Host field, empty (HTTP/1.0 may lack it) or valid. NW_BAD_REQUEST with *out_found
 * on error. Scratch must be nw_target_scratch_bytes long and live as long as *out.
 */
NW_MUST_CHECK nw_err nw_target_parse(nw_http_method method, struct nw_slice target,
                                     struct nw_slice host, char *scratch, struct nw_target *out,
                                     nw_http1_class *out_found);

/*
 * The normal form of a path alone, as routes in a configuration need it too. It begins with '/'.
 * Scratch: path.len bytes. *out_path is `path` itself when nothing changes.
 */
NW_MUST_CHECK nw_err nw_path_normalise(struct nw_slice path, char *scratch,
                                       struct nw_slice *out_path, nw_http1_class *out_found);

struct nw_authority {
    struct nw_slice host; /* as sent, without port and trailing dot; [brackets] stay */
    int32_t port;         /* -1 when none was given; 1 to 65535 */
};
/*
 * host [":" port]: a name of letters, digits, '-', '.', '_'; an IPv4 address is one; or an IPv6
 * address in brackets. At most 255 bytes of host. NW_INVALID with *out_found one of EMPTY_HOST,
 * INVALID_HOST, USERINFO.
 */
NW_MUST_CHECK nw_err nw_authority_parse(struct nw_slice text, struct nw_authority *out,
                                        nw_http1_class *out_found);

/* The next `name=value` of a query, raw; false at the end. "a" has an empty value. */
bool nw_query_next(struct nw_slice *rest, struct nw_slice *out_name, struct nw_slice *out_value);
/* The raw value of the first parameter whose decoded name is `name`. */
bool nw_query_find(struct nw_slice query, struct nw_slice name, struct nw_slice *out_value);
/* Is raw, percent-decoded and with '+' as space, the same as plain? */
bool nw_query_eq(struct nw_slice raw, struct nw_slice plain);

/* The next cookie of one Cookie field, name and value trimmed, value without double quotes. */
bool nw_cookie_next(struct nw_slice *rest, struct nw_slice *out_name, struct nw_slice *out_value);
/* The value of the first cookie with this name (case counts) in one Cookie field. */
bool nw_cookie_find(struct nw_slice field, struct nw_slice name, struct nw_slice *out_value);

#endif
