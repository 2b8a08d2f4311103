/*
 * http_words.h - HTTP's own vocabulary as numbers: methods, field names, reason phrases.
 *
 * Field names are recognised once, while a head is parsed; afterwards nobody compares strings.
 *
 * Owner:   the texts are static
 * Threads: stateless
 */
#ifndef NW_PROTO_HTTP_WORDS_H
#define NW_PROTO_HTTP_WORDS_H

#include "base/slice.h"

typedef enum nw_http_method {
    NW_HTTP_METHOD_OTHER = 0,
#define NW_HTTP_METHOD(name) NW_HTTP_##name,
#include "proto/http_method.def"
#undef NW_HTTP_METHOD
    NW_HTTP_METHOD_COUNT
} nw_http_method;

/* Fewer than 64, so that a set of them is one word. */
typedef enum nw_http_field {
    NW_HTTP_FIELD_OTHER = 0,
#define NW_HTTP_FIELD(name, spelling, kind) NW_HTTP_FIELD_##name,
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
    NW_HTTP_FIELD_COUNT
} nw_http_field;

typedef enum nw_http_field_kind {
    NW_HTTP_KIND_END,
    NW_HTTP_KIND_HOP,
    NW_HTTP_KIND_KEPT,
    NW_HTTP_KIND_FRAME
} nw_http_field_kind;

/* Case counts: `get` is another method, NW_HTTP_METHOD_OTHER. */
nw_http_method nw_http_method_find(struct nw_slice name);
/* "GET"; "" for NW_HTTP_METHOD_OTHER. */
struct nw_slice nw_http_method_name(nw_http_method method);
/* GET, HEAD, OPTIONS, TRACE: repeating it asks for nothing new (RFC 9110 9.2.1). */
static inline bool nw_http_method_is_safe(nw_http_method method)
{
    return method >= NW_HTTP_GET && method <= NW_HTTP_TRACE;
}
/* The safe ones, PUT and DELETE (RFC 9110 9.2.2). */
static inline bool nw_http_method_is_idempotent(nw_http_method method)
{
    return method >= NW_HTTP_GET && method <= NW_HTTP_DELETE;
}

/* `name` must consist of token bytes; case does not count. */
nw_http_field nw_http_field_find(struct nw_slice name);
/* "content-length"; "" for NW_HTTP_FIELD_OTHER. */
struct nw_slice nw_http_field_name(nw_http_field field);
nw_http_field_kind nw_http_field_kind_of(nw_http_field field);
/* Does the name begin with `Newel-`, case aside and `_` read as `-`? */
bool nw_http_field_is_newel(struct nw_slice name);

/* "Not Found"; a status that no registry has gets the phrase of its class ("Client Error"). */
struct nw_slice nw_http_reason(int status);

/* One or more token bytes (RFC 9110 5.6.2) and nothing else? */
bool nw_http_is_token(struct nw_slice text);
/*
 * The next element of a comma separated list (RFC 9110 5.6.1), trimmed; empty ones are skipped.
 * Commas inside quoted strings do not separate. False when nothing is left.
 */
bool nw_http_list_next(struct nw_slice *rest, struct nw_slice *out_element);

#endif
