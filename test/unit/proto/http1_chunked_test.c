/* The contract of proto/http1_chunked.h. What it refuses stands in http1_strict_test.c. */
#include "proto/http1_chunked.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void data_is_handed_out_where_it_lies(void **state)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, false, 1000);
    struct nw_slice input = NW_SLICE("5\r\nhello\r\n6;x\r\n world\r\n0\r\nA: b\r\n\r\nGET"), data;
    size_t used;
    assert_int_equal(nw_http1_chunked_read(&chunked, input, &data, &used), NW_AGAIN);
    assert_true(data.ptr == input.ptr + 3 && data.len == 5 && used == 8);
    input = nw_slice_skip(input, used);
    assert_int_equal(nw_http1_chunked_read(&chunked, input, &data, &used), NW_AGAIN);
    assert_true(nw_slice_eq(data, NW_SLICE(" world")));
    input = nw_slice_skip(input, used);
    assert_int_equal(nw_http1_chunked_read(&chunked, input, &data, &used), NW_OK);
    assert_int_equal(data.len, 0);
    assert_true(nw_slice_eq(nw_slice_skip(input, used), NW_SLICE("GET")));
}

static void data_that_is_spliced_is_counted(void **state)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, false, 1000);
    struct nw_slice data;
    size_t used;
    assert_int_equal(nw_http1_chunked_left_bytes(&chunked), 0);
    assert_int_equal(nw_http1_chunked_read(&chunked, NW_SLICE("64\r\n"), &data, &used), NW_AGAIN);
    assert_true(data.len == 0 && used == 4);
    assert_int_equal(nw_http1_chunked_left_bytes(&chunked), 100);
    nw_http1_chunked_skip(&chunked, 99);
    assert_int_equal(nw_http1_chunked_left_bytes(&chunked), 1);
    nw_http1_chunked_skip(&chunked, 1);
    assert_int_equal(nw_http1_chunked_left_bytes(&chunked), 0);
    assert_int_equal(nw_http1_chunked_read(&chunked, NW_SLICE("\r\n0\r\n\r\n"), &data, &used),
                     NW_OK);
    assert_int_equal(used, 7);
}

static void the_largest_chunk_is_just_below_2_to_63(void **state)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, false, 1000);
    struct nw_slice data;
    size_t used;
    assert_int_equal(
        nw_http1_chunked_read(&chunked, NW_SLICE("7fffFFFFffffFFFF\r\n"), &data, &used), NW_AGAIN);
    assert_true(nw_http1_chunked_left_bytes(&chunked) == INT64_MAX);
}

static void an_error_of_a_node_is_a_bad_message(void **state)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, true, 1000);
    struct nw_slice data;
    size_t used;
    assert_int_equal(nw_http1_chunked_read(&chunked, NW_SLICE("z"), &data, &used), NW_BAD_MESSAGE);
    assert_int_equal(chunked.found, NW_HTTP1_INVALID_CHUNK_SIZE);
}

static void a_written_chunk_head_is_read_again(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{1, "1\r\n"},        {15, "f\r\n"},
                {16, "10\r\n"},      {255, "ff\r\n"},
                {256, "100\r\n"},    {16384, "4000\r\n"},
                {65535, "ffff\r\n"}, {INT64_MAX, "7fffffffffffffff\r\n"}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        char out[NW_HTTP1_CHUNK_HEAD_MAX_BYTES];
        struct nw_slice written = nw_slice_of(out, nw_http1_chunk_encode_head(rows[i].bytes, out));
        assert_true(nw_slice_eq(written, nw_slice_str(rows[i].text)));
        struct nw_http1_chunked chunked;
        struct nw_slice data;
        size_t used;
        nw_http1_chunked_init(&chunked, false, 0);
        assert_int_equal(nw_http1_chunked_read(&chunked, written, &data, &used), NW_AGAIN);
        assert_true(nw_http1_chunked_left_bytes(&chunked) == rows[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_handed_out_where_it_lies),
        cmocka_unit_test(data_that_is_spliced_is_counted),
        cmocka_unit_test(the_largest_chunk_is_just_below_2_to_63),
        cmocka_unit_test(an_error_of_a_node_is_a_bad_message),
        cmocka_unit_test(a_written_chunk_head_is_read_again),
    };
    return cmocka_run_group_tests_name("proto/http1_chunked", tests, NULL, NULL);
}
