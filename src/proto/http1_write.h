/*
 * http1_write.h - heads, written into the caller's memory.
 *
 * Names and values must be valid: they come from a parsed head, from newel itself, or were checked
 * by nw_http_is_token and nw_http1_is_value. A writer that runs out of room says so once, at the
 * end, so that callers check one flag instead of each call.
 *
 * Owner:   the memory is the caller's
 * Threads: stateless, one writer at a time
 */
#ifndef NW_PROTO_HTTP1_WRITE_H
#define NW_PROTO_HTTP1_WRITE_H

#include "proto/http1.h"

struct nw_http1_writer {
    char *ptr;
    size_t len;
    size_t cap_bytes;
    bool is_full; /* something did not fit; nothing was added since */
};

static inline void nw_http1_writer_init(struct nw_http1_writer *writer, char *ptr,
                                        size_t cap_bytes)
{
    *writer = (struct nw_http1_writer){.ptr = ptr, .cap_bytes = cap_bytes};
}

/* Room for `bytes` more, counted as written; NULL when they do not fit. */
static inline char *nw_http1_write_room(struct nw_http1_writer *writer, size_t bytes)
{
    if (NW_UNLIKELY(writer->is_full || writer->cap_bytes - writer->len < bytes)) {
        writer->is_full = true;
        return NULL;
    }
    char *at = writer->ptr + writer->len;
    writer->len += bytes;
    return at;
}

/* Copies a piece that is short nearly always, with fewer steps than memcpy; returns its end. */
NW_NOINLINE char *nw_http1_put(char *to, struct nw_slice from);

void nw_http1_write_bytes(struct nw_http1_writer *writer, struct nw_slice bytes);

/* For a run of pieces into room that was asked for at once; both move `at`. */
#define NW_HTTP1_PUT(at, literal)                                                                  \
    ((at) = (char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)
#define NW_HTTP1_PUT_ARRAY(at, array)                                                              \
    ((at) = (char *)memcpy(at, array, sizeof(array)) + sizeof(array))
/* Gives back what was not used of it: the head goes on at `at`. */
static inline void nw_http1_write_upto(struct nw_http1_writer *writer, const char *at)
{
    writer->len = (size_t)(at - writer->ptr);
}
/* Decimal digits, at most 20; returns the end. */
char *nw_http1_put_u64(char *at, uint64_t value);

/* A literal: a few stores. */
#define NW_HTTP1_WRITE(writer, literal)                                                            \
    do {                                                                                           \
        char *nw_at_ = nw_http1_write_room(writer, sizeof(literal) - 1);                           \
        if (NW_LIKELY(nw_at_ != NULL))                                                             \
            memcpy(nw_at_, literal, sizeof(literal) - 1);                                          \
    } while (0)
/* A literal that ends in "Name: ", the value, and the end of the line. */
#define NW_HTTP1_WRITE_FIELD(writer, literal, value)                                               \
    do {                                                                                           \
        struct nw_slice nw_value_ = (value);                                                       \
        char *nw_at_ = nw_http1_write_room(writer, sizeof(literal) - 1 + nw_value_.len + 2);       \
        if (NW_LIKELY(nw_at_ != NULL)) {                                                           \
            memcpy(nw_at_, literal, sizeof(literal) - 1);                                          \
            memcpy(nw_http1_put(nw_at_ + sizeof(literal) - 1, nw_value_), "\r\n", 2);              \
        }                                                                                          \
    } while (0)

/* "GET /path?query HTTP/1.1\r\n"; the '?' is written when has_query. */
void nw_http1_write_request_line(struct nw_http1_writer *writer, struct nw_slice method,
                                 struct nw_slice path, bool has_query, struct nw_slice query);
/* "HTTP/1.1 404 Not Found\r\n"; the registered phrase when `reason` is empty. */
void nw_http1_write_status_line(struct nw_http1_writer *writer, int status, struct nw_slice reason);
/* "Name: value\r\n". */
void nw_http1_write_field(struct nw_http1_writer *writer, struct nw_slice name,
                          struct nw_slice value);
void nw_http1_write_field_u64(struct nw_http1_writer *writer, struct nw_slice name, uint64_t value);
/*
 * Fields of a parsed head, whose text is `bytes`, but those in `skip`, in order. White space around
 * values becomes one space before it. is_plain: the head has no odd fields.
 */
void nw_http1_write_fields(struct nw_http1_writer *writer, const char *bytes,
                           const struct nw_http1_field *fields, uint32_t count,
                           const struct nw_http1_set *skip, bool is_plain);
/*
 * The fields of a parsed head that are in none of message's dropped and framed sets nor in `also`.
 */
void nw_http1_write_kept(struct nw_http1_writer *writer, const struct nw_http1_head *head,
                         const char *bytes, const struct nw_http1_message *message,
                         const struct nw_http1_set *also);
/* Content-Length or Transfer-Encoding as the framing says; nothing for the others. */
void nw_http1_write_framing(struct nw_http1_writer *writer, nw_http1_framing framing,
                            uint64_t length_bytes);
/* The empty line. */
static inline void nw_http1_write_end(struct nw_http1_writer *writer)
{
    NW_HTTP1_WRITE(writer, "\r\n");
}

/* May the text stand as a field value: no control bytes but tab, no white space at its ends? */
bool nw_http1_is_value(struct nw_slice text);

#endif
