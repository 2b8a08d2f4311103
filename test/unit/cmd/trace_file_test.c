/* The contract of cmd/trace_file.h on files of its own. */
#include "cmd/trace_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"

#include <cmocka.h>

static char directory[64];

static int make_dir(void **state)
{
    strcpy(directory, "/tmp/newel-trace-XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    return rmdir(directory); /* fails when a test left a file behind */
}

static const char *put(const char *name, struct nw_slice bytes)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    fclose(file);
    return path;
}

static struct nw_slice gzip_of(struct nw_slice from, char *to, size_t room)
{
    z_stream gzip = {.next_in = (Bytef *)(uintptr_t)from.ptr,
                     .avail_in = (uInt)from.len,
                     .next_out = (Bytef *)to,
                     .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
    size_t len = gzip.total_out;
    deflateEnd(&gzip);
    return nw_slice_of(to, len);
}

static struct trace_file *open_file(const char *path)
{
    struct trace_file_options options = {.path = path, .window_max_bytes = 1 << 20};
    struct trace_file *file = NULL;
    char *why = NULL;
    nw_err err = trace_file_open(&options, &file, &why);
    if (err != NW_OK)
        fail_msg("%s: %s", path, why);
    return file;
}

static uint64_t count_records(struct trace_file *file, nw_err *out_err)
{
    struct nw_trace_record record;
    uint64_t count = 0;
    while ((*out_err = trace_file_next(file, &record)) == NW_OK)
        count++;
    return count;
}

static void a_file_longer_than_a_block_is_read_whole(void **state)
{
    struct nw_text text = {0};
    nw_err err;
    for (unsigned i = 0; i < 100000; i++)
        nw_text_addf(&text, "key-%07u\n", i);
    const char *path = put("long", nw_text_slice(&text));
    struct trace_file *file = open_file(path);
    assert_int_equal(trace_file_format(file), NW_TRACE_TEXT);
    assert_int_equal(trace_file_requests_expected(file), 100000);
    assert_int_equal(count_records(file, &err), 100000);
    assert_int_equal(err, NW_NOT_FOUND);
    assert_int_equal(trace_file_bytes_read(file), text.len);
    assert_int_equal(trace_file_bytes_total(file), text.len);
    assert_false(trace_file_end(file).is_cut || trace_file_end(file).is_unended);
    assert_int_equal(trace_file_next(file, &(struct nw_trace_record){0}), NW_NOT_FOUND);
    trace_file_close(file);
    unlink(path);
    nw_text_done(&text);
}

static void the_last_line_is_handed_out_once(void **state)
{
    nw_err err;
    const char *path = put("open-ended", NW_SLICE("a\nb"));
    struct trace_file *file = open_file(path);
    assert_int_equal(count_records(file, &err), 2);
    assert_int_equal(count_records(file, &err), 0);
    assert_int_equal(err, NW_NOT_FOUND);
    assert_true(trace_file_end(file).is_unended);
    assert_int_equal(trace_file_end(file).offset, 2);
    trace_file_close(file);
    unlink(path);
}

static void packed_data_is_known_by_its_bytes(void **state)
{
    char packed[256];
    nw_err err;
    struct nw_slice bytes = gzip_of(NW_SLICE("time,key\n1,a\n2,b\n"), packed, sizeof packed);
    const char *path = put("noname", bytes);
    struct trace_file *file = open_file(path);
    assert_int_equal(trace_file_packing(file), UNPACK_GZIP);
    assert_int_equal(trace_file_format(file), NW_TRACE_CSV);
    assert_int_equal(trace_file_requests_expected(file), 0);
    assert_int_equal(count_records(file, &err), 2);
    assert_int_equal(trace_file_bytes_read(file), bytes.len);
    trace_file_close(file);
    unlink(path);
}

static void every_cut_of_packed_data_is_told(void **state)
{
    char packed[256];
    nw_err err;
    struct nw_slice whole = gzip_of(NW_SLICE("a\nb\nc\na\nb\nc\n"), packed, sizeof packed);
    for (size_t len = 0; len < whole.len; len++) {
        const char *path = put("cut.gz", nw_slice_first(whole, len));
        struct trace_file *file = open_file(path);
        assert_true(count_records(file, &err) <= 6);
        assert_int_equal(err, NW_NOT_FOUND);
        struct trace_file_end end = trace_file_end(file);
        assert_true(end.is_cut && end.is_packed);
        assert_int_equal(end.offset, len);
        assert_string_equal(end.why, "the gzip data breaks off");
        trace_file_close(file);
        unlink(path);
    }
}

static void assert_refused(const char *path, nw_err expected, const char *sentence)
{
    struct trace_file_options options = {.path = path, .window_max_bytes = 1 << 20};
    struct trace_file *file = NULL;
    char *why = NULL;
    assert_int_equal(trace_file_open(&options, &file, &why), expected);
    assert_non_null(strstr(why, sentence));
    nw_free(why);
}

static void what_cannot_be_read_says_why(void **state)
{
    assert_refused("/nonexistent/trace", NW_NOT_FOUND, "it cannot be opened");
    assert_refused(directory, NW_INVALID, "reading fails at byte 0: it is a folder");
    const char *path = put("plain.gz", NW_SLICE("one\ntwo\n"));
    assert_refused(path, NW_BAD_MESSAGE, "by its name it is gzip data, but it is not");
    unlink(path);
}

static void damage_is_told_with_its_place(void **state)
{
    char packed[256];
    struct nw_slice whole = gzip_of(NW_SLICE("a\nb\nc\na\nb\nc\n"), packed, sizeof packed);
    packed[whole.len - 8] ^= 1; /* the checksum */
    const char *path = put("damaged", whole);
    assert_refused(path, NW_BAD_MESSAGE, "the gzip data is damaged near byte");
    unlink(path);
}

static void a_stop_is_heeded(void **state)
{
    struct nw_text text = {0};
    for (unsigned i = 0; i < 100000; i++)
        nw_text_addf(&text, "key-%07u\n", i);
    const char *path = put("stopped", nw_text_slice(&text));
    int stop = 0;
    struct trace_file_options options = {.path = path, .window_max_bytes = 1 << 20, .stop = &stop};
    struct trace_file *file = NULL;
    char *why;
    nw_err err;
    assert_int_equal(trace_file_open(&options, &file, &why), NW_OK);
    stop = 1;
    assert_true(count_records(file, &err) < 100000);
    assert_int_equal(err, NW_CANCELLED);
    trace_file_close(file);
    unlink(path);
    nw_text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_longer_than_a_block_is_read_whole),
        cmocka_unit_test(the_last_line_is_handed_out_once),
        cmocka_unit_test(packed_data_is_known_by_its_bytes),
        cmocka_unit_test(every_cut_of_packed_data_is_told),
        cmocka_unit_test(what_cannot_be_read_says_why),
        cmocka_unit_test(damage_is_told_with_its_place),
        cmocka_unit_test(a_stop_is_heeded),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
