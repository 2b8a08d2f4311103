/*
 * slice.h - borrowed bytes.
 *
 * A slice lives no longer than what it points into, owns nothing, and is not zero-terminated.
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_BASE_SLICE_H
#define NW_BASE_SLICE_H

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "base/err.h"

struct nw_slice {
    const char *ptr;
    size_t len;
};

/* A slice of a string literal, usable in static initialisers. */
#define NW_SLICE_LIT(literal)                                                                      \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define NW_SLICE(literal) ((struct nw_slice)NW_SLICE_LIT(literal))
/* For printf's "%.*s". */
#define NW_SLICE_ARG(slice) (int)(slice).len, (slice).ptr

static inline struct nw_slice nw_slice_of(const char *ptr, size_t len)
{
    return (struct nw_slice){ptr, len};
}

static inline struct nw_slice nw_slice_str(const char *string)
{
    return (struct nw_slice){string, string != NULL ? strlen(string) : 0};
}

static inline bool nw_slice_eq(struct nw_slice a, struct nw_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Equal but for the case of ASCII letters. */
static inline bool nw_slice_eq_nocase(struct nw_slice a, struct nw_slice b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool nw_slice_starts_with(struct nw_slice slice, struct nw_slice prefix)
{
    return slice.len >= prefix.len &&
           (prefix.len == 0 || memcmp(slice.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool nw_slice_ends_with(struct nw_slice slice, struct nw_slice suffix)
{
    return slice.len >= suffix.len &&
           (suffix.len == 0 ||
            memcmp(slice.ptr + slice.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

static inline struct nw_slice nw_slice_skip(struct nw_slice slice, size_t bytes)
{
    return (struct nw_slice){slice.ptr + bytes, slice.len - bytes};
}

static inline struct nw_slice nw_slice_first(struct nw_slice slice, size_t bytes)
{
    return (struct nw_slice){slice.ptr, bytes < slice.len ? bytes : slice.len};
}

/* Index of the first `byte`, or slice.len. */
static inline size_t nw_slice_find(struct nw_slice slice, char byte)
{
    const char *at = slice.len != 0 ? memchr(slice.ptr, byte, slice.len) : NULL;
    return at != NULL ? (size_t)(at - slice.ptr) : slice.len;
}

/* Without leading and trailing spaces and tabs. */
struct nw_slice nw_slice_trim(struct nw_slice slice);

/*
 * The next part of *rest up to `separator`; *rest moves behind it. False when nothing is left:
 * "a,,b" yields "a", "", "b"; "" yields nothing.
 */
bool nw_slice_split(struct nw_slice *rest, char separator, struct nw_slice *out_part);

/* Decimal digits only, no sign, no more than fit: anything else is NW_INVALID. */
NW_MUST_CHECK nw_err nw_slice_to_u64(struct nw_slice slice, uint64_t *out);

#endif
