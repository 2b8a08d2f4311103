/*
 * http1_chunked.h - the chunked body: data out of its wrapping, and the wrapping for data.
 *
 * Fed with whatever arrived; yields the data as slices of that input. Trailers are parsed as
 * strictly as a head, bounded, and dropped.
 *
 * Owner:   nothing here allocates; slices point into the caller's input
 * Threads: stateless, one decoder at a time
 */
#ifndef NW_PROTO_HTTP1_CHUNKED_H
#define NW_PROTO_HTTP1_CHUNKED_H

#include "proto/http1.h"

#define NW_HTTP1_CHUNK_EXTENSIONS_MAX_BYTES 1024
/* 16 hex digits, CR, LF. */
#define NW_HTTP1_CHUNK_HEAD_MAX_BYTES 18

struct nw_http1_chunked {
    uint64_t left_bytes; /* of the current chunk's data; while its size is read, the size so far */
    uint32_t extension_bytes;
    uint32_t trailer_bytes;
    uint32_t trailer_max_bytes;
    uint8_t digit_count;
    uint8_t phase;
    bool is_response;
    nw_http1_class found; /* why it failed */
};

/* trailer_max_bytes bounds all trailer lines together: the head limit. */
void nw_http1_chunked_init(struct nw_http1_chunked *chunked, bool is_response,
                           uint32_t trailer_max_bytes);

/*
 * Reads from `input` until a piece of data, the end, an error, or the end of the input.
 * NW_AGAIN: *out_data is the data found (empty: all input is used up, feed more); go on with the
 * input behind *out_used. NW_OK: the body is complete, what stands behind *out_used belongs to the
 * next message; *out_data is empty. An error says why in chunked->found, and data handed out
 * before it must not be finished for the other side.
 */
NW_MUST_CHECK nw_err nw_http1_chunked_read(struct nw_http1_chunked *chunked, struct nw_slice input,
                                           struct nw_slice *out_data, size_t *out_used);

/* How many bytes of data the current chunk still has; 0 between chunks. For splicing. */
uint64_t nw_http1_chunked_left_bytes(const struct nw_http1_chunked *chunked);
/* The caller moved `bytes` of them, at most what is left, without showing them. */
void nw_http1_chunked_skip(struct nw_http1_chunked *chunked, uint64_t bytes);

/* Writes "1f\r\n" for data_bytes > 0; behind the data goes "\r\n". Returns the length. */
size_t nw_http1_chunk_encode_head(uint64_t data_bytes, char out[NW_HTTP1_CHUNK_HEAD_MAX_BYTES]);
/* What follows each chunk's data; what ends the body. */
#define NW_HTTP1_CHUNK_END "\r\n"
#define NW_HTTP1_CHUNKED_END "0\r\n\r\n"

#endif
