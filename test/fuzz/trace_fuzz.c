/*
 * Traces: in every format, cut anywhere, they yield the same records, the same counts and places,
 * the same end; places lie within the input, and a text or binary trace accounts for every byte.
 */
#include "proto/trace.h"

#include <stdlib.h>

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct nw_trace_counts counts;
    uint64_t digest; /* of all records in order */
    nw_err err;
};

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest ^= value + 0x9e3779b97f4a7c15ull + (digest << 6) + (digest >> 2);
    return digest * 0xbf58476d1ce4e5b9ull;
}

static void take(struct outcome *out, const struct nw_trace_record *record, size_t input_len)
{
    NW_ASSERT(record->offset < input_len);
    NW_ASSERT(record->has_id || record->key.len > 0);
    NW_ASSERT(record->key.len <= NW_TRACE_LINE_MAX_BYTES);
    NW_ASSERT(!record->has_size || record->size_bytes <= NW_TRACE_SIZE_MAX_BYTES);
    NW_ASSERT(!record->has_time || record->time_us >= 0);
    out->digest = mix(out->digest, record->key.len);
    for (size_t i = 0; i < record->key.len; i++)
        out->digest = mix(out->digest, (unsigned char)record->key.ptr[i]);
    out->digest = mix(out->digest, record->id);
    out->digest = mix(out->digest, record->has_size ? record->size_bytes : 0);
    out->digest = mix(out->digest, record->has_time ? (uint64_t)record->time_us : 0);
    out->digest = mix(out->digest, record->offset);
}

static struct outcome read_all(const struct nw_trace_options *options, struct nw_slice input,
                               size_t first, size_t step)
{
    struct outcome out = {.err = NW_AGAIN};
    struct nw_trace *trace = nw_trace_new(options);
    struct nw_trace_record record;
    for (size_t at = 0; at < input.len && out.err == NW_AGAIN;) {
        size_t want = at == 0 ? first : step;
        size_t len = input.len - at < want ? input.len - at : want;
        char *copy = malloc(len); /* exactly as long, for the sanitizer */
        memcpy(copy, input.ptr + at, len);
        struct nw_slice piece = nw_slice_of(copy, len);
        while ((out.err = nw_trace_read(trace, &piece, &record)) == NW_OK)
            take(&out, &record, input.len);
        NW_ASSERT(out.err == NW_INVALID || piece.len == 0);
        free(copy);
        at += len;
    }
    if (out.err == NW_AGAIN && (out.err = nw_trace_end(trace, &record)) == NW_OK)
        take(&out, &record, input.len);
    out.counts = *nw_trace_counts(trace);
    nw_trace_free(trace);
    return out;
}

static void assert_same(const struct outcome *whole, const struct outcome *cut)
{
    NW_ASSERT(whole->err == cut->err && whole->digest == cut->digest);
    const struct nw_trace_counts *a = &whole->counts, *b = &cut->counts;
    NW_ASSERT(a->records == b->records && a->bad == b->bad && a->skipped == b->skipped);
    NW_ASSERT(a->is_cut == b->is_cut && a->is_unended == b->is_unended);
    NW_ASSERT(a->end.offset == b->end.offset && a->end_bytes == b->end_bytes);
    NW_ASSERT(a->first_bad_count == b->first_bad_count);
    for (unsigned i = 0; i < a->first_bad_count; i++)
        NW_ASSERT(a->first_bad[i].offset == b->first_bad[i].offset &&
                  a->first_bad[i].line == b->first_bad[i].line);
}

static void assert_accounted(const struct nw_trace_options *options, struct nw_slice input,
                             const struct nw_trace_counts *counts)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < input.len; i++)
        lines += input.ptr[i] == '\n';
    if (options->format == NW_TRACE_ORACLE) {
        NW_ASSERT(counts->records == input.len / 24 && counts->end_bytes == input.len % 24);
    } else if (options->format == NW_TRACE_TEXT && input.len < NW_TRACE_LINE_MAX_BYTES) {
        lines += input.len > 0 && input.ptr[input.len - 1] != '\n';
        NW_ASSERT(counts->records + counts->skipped == lines);
        NW_ASSERT(counts->bad == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[] = {"key=1", "time=1,key=2,size=3", "key=path,size=len",
                                          "time_ms=2,key=1"};
    if (size < 3)
        return 0;
    struct nw_slice input = nw_slice_of((const char *)data + 3, size - 3);
    struct nw_trace_options options = {.format =
                                           (nw_trace_format)(data[0] % NW_TRACE_FORMAT_COUNT)};
    unsigned choice = data[0] / NW_TRACE_FORMAT_COUNT % (NW_COUNT(columns) + 1);
    const char *why;
    if (choice < NW_COUNT(columns))
        NW_ASSERT(nw_trace_columns_parse(nw_slice_str(columns[choice]), &options.columns, &why) ==
                  NW_OK);
    struct outcome whole = read_all(&options, input, SIZE_MAX, SIZE_MAX);
    struct outcome cut = read_all(&options, input, 1 + data[1], 1 + data[2]);
    assert_same(&whole, &cut);
    if (whole.err != NW_INVALID)
        assert_accounted(&options, input, &whole.counts);
    (void)nw_trace_format_detect(nw_slice_first(input, 20), input, choice < NW_COUNT(columns));
    return 0;
}
