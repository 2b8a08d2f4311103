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

void nw_http1_writer_init(struct nw_http1_writer *writer, char *ptr, size_t cap_bytes);
void nw_http1_write_bytes(struct nw_http1_writer *writer, struct nw_slice bytes);
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
 * The fields of a parsed head that are in none of message's dropped and framed sets nor in `also`
 * (may be NULL), in order. White space around values becomes one space before it.
 */
void nw_http1_write_kept(struct nw_http1_writer *writer, const struct nw_http1_head *head,
                         const char *bytes, const struct nw_http1_message *message,
                         const struct nw_http1_set *also);
/* Content-Length or Transfer-Encoding as the framing says; nothing for the others. */
void nw_http1_write_framing(struct nw_http1_writer *writer, nw_http1_framing framing,
                            uint64_t length_bytes);
/* The empty line. */
void nw_http1_write_end(struct nw_http1_writer *writer);

/* May the text stand as a field value: no control bytes but tab, no white space at its ends? */
bool nw_http1_is_value(struct nw_slice text);

#endif
