/*
 * http1_verdict.h - the whole way of a message through the reader, for tests and fuzzers: head,
 * judgement, target, chunked body. The input is handed over in pieces that end at given places,
 * each time in fresh memory of exactly that size, so that a read beyond the end is seen.
 */
#ifndef NW_TEST_HTTP1_VERDICT_H
#define NW_TEST_HTTP1_VERDICT_H

#include <stdlib.h>

#include "base/assert.h"
#include "proto/http1_chunked.h"
#include "proto/target.h"

/* A class, or this: the input ended in the middle. */
#define VERDICT_MORE NW_HTTP1_CLASS_COUNT

struct verdict {
    nw_http1_class found;
    size_t head_bytes;
    size_t body_bytes; /* chunked: the data */
    size_t used_bytes; /* head and chunked body */
    uint64_t data_hash;
    nw_http1_framing framing;
    bool keep_alive;
};

struct verdict_how {
    bool is_response;
    struct nw_http1_asked asked;
    struct nw_http1_limits limits;
    size_t first; /* bytes in the first piece; 0: one byte each time; >= len: all at once */
};

static inline size_t verdict_next(const struct verdict_how *how, size_t fed, size_t len)
{
    if (how->first == 0)
        return fed + 1;
    return fed == 0 && how->first < len ? how->first : len;
}

static inline char *verdict_copy(struct nw_slice input, size_t from, size_t to)
{
    char *copy = malloc(to > from ? to - from : 1);
    NW_ASSERT(copy != NULL);
    if (to > from)
        memcpy(copy, input.ptr + from, to - from);
    return copy;
}

/* FNV-1a, so that the data of a body can be compared however it was cut. */
static inline uint64_t verdict_hash(uint64_t hash, struct nw_slice data)
{
    for (size_t i = 0; i < data.len; i++)
        hash = (hash ^ (unsigned char)data.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Feeds one piece; true when the body is over, well or badly. */
static inline bool verdict_piece(struct nw_http1_chunked *chunked, struct nw_slice piece,
                                 struct verdict *out)
{
    while (piece.len != 0) {
        struct nw_slice data;
        size_t used = 0;
        nw_err err = nw_http1_chunked_read(chunked, piece, &data, &used);
        if (err != NW_OK && err != NW_AGAIN) {
            NW_ASSERT(err == nw_http1_class_err(chunked->found, chunked->is_response));
            out->found = chunked->found;
            return true;
        }
        NW_ASSERT(used > 0 && used <= piece.len);
        NW_ASSERT(data.len == 0 ||
                  (data.ptr >= piece.ptr && data.ptr + data.len <= piece.ptr + used));
        out->data_hash = verdict_hash(out->data_hash, data);
        out->body_bytes += data.len;
        out->used_bytes += used;
        piece = nw_slice_skip(piece, used);
        if (err == NW_OK) {
            out->found = NW_HTTP1_FINE;
            return true;
        }
    }
    return false;
}

static inline void verdict_body(const struct verdict_how *how, struct nw_slice input, size_t fed,
                                struct verdict *out)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, how->is_response, how->limits.head_bytes);
    size_t from = out->used_bytes;
    bool is_over = false;
    out->data_hash = UINT64_C(14695981039346656037);
    out->found = VERDICT_MORE;
    while (!is_over) {
        char *copy = verdict_copy(input, from, fed);
        is_over = verdict_piece(&chunked, nw_slice_of(copy, fed - from), out);
        free(copy);
        if (is_over || fed >= input.len)
            return;
        from = fed;
        fed = verdict_next(how, fed, input.len);
    }
}

static inline nw_http1_class verdict_head(const struct verdict_how *how,
                                          const struct nw_http1_head *head, const char *bytes,
                                          struct nw_http1_message *message)
{
    nw_http1_class found = NW_HTTP1_FINE;
    if (how->is_response) {
        nw_err err = nw_http1_response_judge(head, bytes, &how->asked, message, &found);
        NW_ASSERT((err == NW_OK) == (found == NW_HTTP1_FINE));
        return found;
    }
    nw_err err = nw_http1_request_judge(head, bytes, message, &found);
    NW_ASSERT(err == nw_http1_class_err(found, false));
    if (err != NW_OK)
        return found;
    struct nw_slice host = nw_http1_get(head, bytes, NW_HTTP_FIELD_HOST);
    struct nw_slice target = nw_http1_target(head, bytes);
    struct nw_target parsed;
    char *scratch = malloc(nw_target_scratch_bytes(target, host));
    NW_ASSERT(scratch != NULL);
    err = nw_target_parse(head->method, target, host, scratch, &parsed, &found);
    NW_ASSERT((err == NW_OK) == (found == NW_HTTP1_FINE));
    free(scratch);
    return found;
}

static inline struct verdict verdict_of(const struct verdict_how *how, struct nw_slice input)
{
    struct verdict out = {.found = VERDICT_MORE};
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    struct nw_http1_message message = {0};
    nw_http1_parser_init(&parser, how->is_response, &how->limits);
    for (size_t fed = 0; fed < input.len;) {
        fed = verdict_next(how, fed, input.len);
        char *copy = verdict_copy(input, 0, fed);
        nw_err err = nw_http1_parse(&parser, nw_slice_of(copy, fed), &head);
        if (err == NW_AGAIN) {
            free(copy);
            continue;
        }
        if (err != NW_OK) {
            NW_ASSERT(err == nw_http1_class_err(parser.found, how->is_response));
            out.found = parser.found;
            free(copy);
            return out;
        }
        out.found = verdict_head(how, &head, copy, &message);
        free(copy);
        out.head_bytes = head.head_bytes;
        out.used_bytes = head.head_bytes;
        out.framing = message.framing;
        out.keep_alive = message.keep_alive;
        if (out.found == NW_HTTP1_FINE && message.framing == NW_HTTP1_BODY_CHUNKED)
            verdict_body(how, input, fed, &out);
        return out;
    }
    return out;
}

static inline bool verdict_same(const struct verdict *a, const struct verdict *b)
{
    if (a->found != b->found)
        return false;
    if (a->found != NW_HTTP1_FINE)
        return true;
    return a->head_bytes == b->head_bytes && a->body_bytes == b->body_bytes &&
           a->used_bytes == b->used_bytes && a->data_hash == b->data_hash &&
           a->framing == b->framing && a->keep_alive == b->keep_alive;
}

#endif
