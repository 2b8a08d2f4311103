/*
 * trace_kit.h - reads a whole trace from a string, cut into pieces, and writes what was read as one
 * line of text: "key/size@time" for each record, numbers that are not there left out.
 */
#ifndef TEST_UNIT_PROTO_TRACE_KIT_H
#define TEST_UNIT_PROTO_TRACE_KIT_H

#include "proto/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#include <cmocka.h>

struct outcome {
    struct nw_text text;
    struct nw_trace_counts counts;
    char trouble[160];
    nw_err err; /* of the end, or NW_INVALID */
};

static inline void kit_add(struct nw_text *out, const struct nw_trace_record *record)
{
    nw_text_add_str(out, out->len > 0 ? " " : "");
    if (record->has_id)
        nw_text_addf(out, "#%llu", (unsigned long long)record->id);
    else
        nw_text_add(out, record->key);
    if (record->has_size)
        nw_text_addf(out, "/%llu", (unsigned long long)record->size_bytes);
    if (record->has_time)
        nw_text_addf(out, "@%lld", (long long)record->time_us);
}

/* Each piece is a copy of exactly its size, so that a sanitizer sees reads beyond it. */
static inline struct outcome kit_read(const struct nw_trace_options *options, struct nw_slice bytes,
                                      size_t first, size_t step)
{
    struct outcome out = {.err = NW_AGAIN};
    NW_CLEANUP(nw_trace_free) struct nw_trace *trace = nw_trace_new(options);
    struct nw_trace_record record;
    for (size_t at = 0; at < bytes.len && out.err == NW_AGAIN;) {
        size_t want = at == 0 ? first : step;
        size_t len = bytes.len - at < want ? bytes.len - at : want;
        char *copy = malloc(len);
        memcpy(copy, bytes.ptr + at, len);
        struct nw_slice piece = nw_slice_of(copy, len);
        while ((out.err = nw_trace_read(trace, &piece, &record)) == NW_OK)
            kit_add(&out.text, &record);
        if (out.err == NW_AGAIN)
            assert_int_equal(piece.len, 0);
        free(copy);
        at += len;
    }
    if (out.err == NW_AGAIN) {
        out.err = nw_trace_end(trace, &record);
        if (out.err == NW_OK)
            kit_add(&out.text, &record);
    }
    out.counts = *nw_trace_counts(trace);
    snprintf(out.trouble, sizeof out.trouble, "%s", nw_trace_trouble(trace));
    nw_text_add_str(&out.text, "");
    return out;
}

static inline bool kit_is_same(const struct outcome *a, const struct outcome *b)
{
    bool is_same = nw_slice_eq(nw_text_slice(&a->text), nw_text_slice(&b->text)) &&
                   a->err == b->err && a->counts.records == b->counts.records &&
                   a->counts.bad == b->counts.bad && a->counts.skipped == b->counts.skipped &&
                   a->counts.is_cut == b->counts.is_cut &&
                   a->counts.is_unended == b->counts.is_unended &&
                   a->counts.end.offset == b->counts.end.offset &&
                   a->counts.end_bytes == b->counts.end_bytes &&
                   a->counts.first_bad_count == b->counts.first_bad_count;
    for (unsigned i = 0; is_same && i < a->counts.first_bad_count; i++)
        is_same = a->counts.first_bad[i].offset == b->counts.first_bad[i].offset &&
                  a->counts.first_bad[i].line == b->counts.first_bad[i].line &&
                  a->counts.first_bad[i].why == b->counts.first_bad[i].why;
    return is_same;
}

/* Whole, and cut once at every byte, and byte by byte: always the same. */
static inline struct outcome kit_whole(const struct nw_trace_options *options,
                                       struct nw_slice bytes)
{
    struct outcome whole = kit_read(options, bytes, SIZE_MAX, SIZE_MAX);
    for (size_t cut = 0; cut < bytes.len && bytes.len < 4096; cut++) {
        struct outcome parts =
            cut == 0 ? kit_read(options, bytes, 1, 1) : kit_read(options, bytes, cut, SIZE_MAX);
        assert_true(kit_is_same(&whole, &parts));
        nw_text_done(&parts.text);
    }
    return whole;
}

static inline void kit_assert(nw_trace_format format, const char *columns, struct nw_slice bytes,
                              const char *records, uint64_t bad, uint64_t skipped)
{
    struct nw_trace_options options = {.format = format};
    const char *why;
    if (columns != NULL)
        assert_int_equal(nw_trace_columns_parse(nw_slice_str(columns), &options.columns, &why),
                         NW_OK);
    struct outcome out = kit_whole(&options, bytes);
    assert_string_equal(out.text.len > 0 ? out.text.ptr : "", records);
    assert_int_equal(out.counts.bad, bad);
    assert_int_equal(out.counts.skipped, skipped);
    nw_text_done(&out.text);
}

#endif
