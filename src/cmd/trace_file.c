/*
 * file -> block -> (unpack) -> piece -> nw_trace_read. The piece always lies in `piece_buf`, plain
 * or unpacked, so that the format can be judged from it before the first record is asked for.
 */
#include "cmd/trace_file.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/text.h"
#include "io/file.h"

enum { BLOCK_BYTES = 256 * 1024, FIRST_BYTES = 64 * 1024, ORACLE_RECORD_BYTES = 24 };

struct trace_file {
    struct nw_file *file;
    const int *stop;
    struct unpack *unpack; /* NULL: the data is plain */
    unpack_kind packing;
    nw_trace_format format;
    struct nw_trace *trace;
    char *block_buf; /* packed bytes; `block` is what is left of them */
    struct nw_slice block;
    char *piece_buf; /* plain bytes; `piece` is what is left of them */
    struct nw_slice piece;
    uint64_t bytes_read;
    uint64_t bytes_total;
    bool is_at_eof;
    bool is_ended;
    struct trace_file_end end;
    char why[256];
};

static nw_err fail(struct trace_file *file, nw_err err, const char *format, ...) NW_PRINTF(3, 4);
static nw_err fail(struct trace_file *file, nw_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(file->why, sizeof file->why, format, args);
    va_end(args);
    return err;
}

/* ---- bytes ---- */

static bool is_stopped(const struct trace_file *file)
{
    return file->stop != NULL && __atomic_load_n(file->stop, __ATOMIC_RELAXED) != 0;
}

/* Bytes of the file, at least one; NW_NOT_FOUND at its end. */
static nw_err read_some(struct trace_file *file, char *to, size_t bytes, size_t *out_bytes)
{
    nw_err err;
    while ((err = nw_file_next_now(file->file, to, bytes, out_bytes)) == NW_AGAIN)
        if (is_stopped(file))
            return NW_CANCELLED;
    if (err != NW_OK)
        return fail(file, err, "reading fails at byte %llu: %s",
                    (unsigned long long)file->bytes_read,
                    err == NW_INVALID ? "it is a folder, not a file" : nw_err_text(err));
    if (is_stopped(file))
        return NW_CANCELLED;
    file->bytes_read += *out_bytes;
    file->is_at_eof = *out_bytes == 0;
    return file->is_at_eof ? NW_NOT_FOUND : NW_OK;
}

static void mark_packed_cut(struct trace_file *file)
{
    snprintf(file->why, sizeof file->why, "the %s data breaks off", unpack_name(file->packing));
    file->end = (struct trace_file_end){
        .is_cut = true, .is_packed = true, .offset = file->bytes_read, .why = file->why};
}

/* Unpacked bytes, at least one; NW_NOT_FOUND at the end, which may be a cut. */
static nw_err unpack_some(struct trace_file *file, char *to, size_t bytes, size_t *out_bytes)
{
    for (;;) {
        nw_err err = unpack_step(file->unpack, &file->block, to, bytes, out_bytes);
        if (err == NW_NO_MEMORY)
            return fail(file, err,
                        "the %s data cannot be unpacked in the memory given: its window is larger "
                        "(unpack it first, or pack it without --long)",
                        unpack_name(file->packing));
        if (err != NW_OK)
            return fail(
                file, err, "the %s data is damaged near byte %llu: %s", unpack_name(file->packing),
                (unsigned long long)(file->bytes_read - file->block.len), unpack_why(file->unpack));
        if (*out_bytes > 0)
            return NW_OK;
        if (file->block.len > 0)
            continue;
        size_t count;
        err = read_some(file, file->block_buf, BLOCK_BYTES, &count);
        if (err == NW_NOT_FOUND && !unpack_is_complete(file->unpack))
            mark_packed_cut(file);
        if (err != NW_OK)
            return err;
        file->block = nw_slice_of(file->block_buf, count);
    }
}

static nw_err fill(struct trace_file *file)
{
    size_t count;
    NW_TRY(file->unpack != NULL ? unpack_some(file, file->piece_buf, BLOCK_BYTES, &count)
                                : read_some(file, file->piece_buf, BLOCK_BYTES, &count));
    file->piece = nw_slice_of(file->piece_buf, count);
    return NW_OK;
}

/* ---- opening ---- */

/* The first bytes decide whether it is packed; the name only whether that is a surprise. */
static nw_err find_packing(struct trace_file *file, const struct trace_file_options *options)
{
    size_t have = 0, count;
    nw_err err = NW_OK;
    while (have < UNPACK_DETECT_BYTES && err == NW_OK) {
        err = read_some(file, file->block_buf + have, BLOCK_BYTES - have, &count);
        have += err == NW_OK ? count : 0;
    }
    if (err != NW_OK && err != NW_NOT_FOUND)
        return err;
    struct nw_slice first = nw_slice_of(file->block_buf, have);
    unpack_kind promised = unpack_by_name(nw_slice_str(options->path));
    file->packing = unpack_detect(first);
    if (promised != UNPACK_NONE && file->packing != promised) {
        file->packing = promised;
        if (have >= UNPACK_DETECT_BYTES)
            return fail(file, NW_BAD_MESSAGE, "by its name it is %s data, but it is not",
                        unpack_name(promised));
        mark_packed_cut(file);
        return NW_OK;
    }
    if (file->packing != UNPACK_NONE) {
        file->unpack = unpack_new(file->packing, options->window_max_bytes);
        file->block = first;
        return NW_OK;
    }
    if (have > 0)
        memcpy(file->piece_buf, file->block_buf, have);
    file->piece = nw_slice_of(file->piece_buf, have);
    return NW_OK;
}

/* Enough of the data to see what it is: a whole line, if lines are not absurd. */
static nw_err read_first(struct trace_file *file)
{
    size_t have = file->piece.len, count;
    while (have < FIRST_BYTES && !file->end.is_cut) {
        char *to = file->piece_buf + have;
        nw_err err = file->unpack != NULL ? unpack_some(file, to, BLOCK_BYTES - have, &count)
                                          : read_some(file, to, BLOCK_BYTES - have, &count);
        if (err == NW_NOT_FOUND)
            break;
        NW_TRY(err);
        have += count;
    }
    file->piece = nw_slice_of(file->piece_buf, have);
    return NW_OK;
}

static nw_err start(struct trace_file *file, const struct trace_file_options *options)
{
    nw_err err = nw_file_open_now(options->path, &file->file);
    if (err != NW_OK)
        return fail(file, err, "it cannot be opened: %s",
                    err == NW_NOT_FOUND ? "there is no such file" : nw_err_text(err));
    file->bytes_total = nw_file_size_now(file->file);
    NW_TRY(find_packing(file, options));
    NW_TRY(read_first(file));
    bool has_columns = options->columns.key.number > 0 || options->columns.key.name.len > 0;
    file->format = options->has_format ? options->format
                                       : nw_trace_format_detect(nw_slice_str(options->path),
                                                                file->piece, has_columns);
    file->trace = nw_trace_new(
        &(struct nw_trace_options){.format = file->format, .columns = options->columns});
    return NW_OK;
}

nw_err trace_file_open(const struct trace_file_options *options, struct trace_file **out,
                       char **out_why)
{
    struct trace_file *file = nw_alloc_zero(sizeof *file);
    file->stop = options->stop;
    file->block_buf = nw_alloc(BLOCK_BYTES);
    file->piece_buf = nw_alloc(BLOCK_BYTES);
    nw_err err = start(file, options);
    if (err == NW_OK) {
        *out = file;
        return NW_OK;
    }
    *out_why = nw_alloc_string(nw_slice_str(file->why));
    trace_file_close(file);
    return err;
}

void trace_file_close(struct trace_file *file)
{
    if (file == NULL)
        return;
    nw_trace_free(file->trace);
    unpack_free(file->unpack);
    nw_file_close(file->file);
    nw_free(file->block_buf);
    nw_free(file->piece_buf);
    nw_free(file);
}

/* ---- records ---- */

/* Of packed data that breaks off the last record is not whole either, whatever it looks like. */
static nw_err finish(struct trace_file *file, struct nw_trace_record *out)
{
    if (file->is_ended || file->end.is_cut)
        return NW_NOT_FOUND;
    file->is_ended = true;
    nw_err err = nw_trace_end(file->trace, out);
    const struct nw_trace_counts *counts = nw_trace_counts(file->trace);
    if (counts->is_cut || counts->is_unended)
        file->end = (struct trace_file_end){.is_cut = counts->is_cut,
                                            .is_unended = counts->is_unended,
                                            .offset = counts->end.offset,
                                            .line = counts->end.line,
                                            .bytes = counts->end_bytes,
                                            .why = counts->end.why};
    return err;
}

nw_err trace_file_next(struct trace_file *file, struct nw_trace_record *out)
{
    for (;;) {
        nw_err err = nw_trace_read(file->trace, &file->piece, out);
        if (NW_LIKELY(err == NW_OK))
            return NW_OK;
        if (err == NW_AGAIN) {
            err = file->is_at_eof || file->end.is_cut ? NW_NOT_FOUND : fill(file);
            if (err == NW_OK)
                continue;
            if (err == NW_NOT_FOUND)
                err = finish(file, out);
        }
        if (err == NW_INVALID)
            return fail(file, err, "%s", nw_trace_trouble(file->trace));
        return err;
    }
}

struct trace_file_end trace_file_end(const struct trace_file *file)
{
    return file->end;
}

const struct nw_trace_counts *trace_file_counts(const struct trace_file *file)
{
    return nw_trace_counts(file->trace);
}

const char *trace_file_why(const struct trace_file *file)
{
    return file->why;
}

nw_trace_format trace_file_format(const struct trace_file *file)
{
    return file->format;
}

unpack_kind trace_file_packing(const struct trace_file *file)
{
    return file->packing;
}

uint64_t trace_file_bytes_read(const struct trace_file *file)
{
    return file->bytes_read;
}

uint64_t trace_file_bytes_total(const struct trace_file *file)
{
    return file->bytes_total;
}

uint64_t trace_file_requests_expected(const struct trace_file *file)
{
    if (file->bytes_total == 0 || file->packing != UNPACK_NONE)
        return 0;
    if (file->format == NW_TRACE_ORACLE)
        return file->bytes_total / ORACLE_RECORD_BYTES;
    uint64_t lines = 0;
    struct nw_slice rest = file->piece;
    for (size_t at; (at = nw_slice_find(rest, '\n')) < rest.len; lines++)
        rest = nw_slice_skip(rest, at + 1);
    uint64_t line_bytes = file->piece.len - rest.len;
    return lines > 0 ? (uint64_t)((unsigned __int128)file->bytes_total * lines / line_bytes) : 0;
}
