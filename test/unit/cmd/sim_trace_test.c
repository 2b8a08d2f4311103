/* The contract of cmd/sim_trace.h on files of its own. */
#include "cmd/sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

#include <cmocka.h>

static char path[64];

static void put(struct nw_slice bytes)
{
    strcpy(path, "/tmp/newel-sim-trace-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

static nw_err read_it(uint64_t memory_bytes, bool keeps_times, struct sim_trace *out, char **why)
{
    struct sim_trace_options options = {
        .file = {.path = path, .window_max_bytes = 1 << 20},
        .memory_max_bytes = memory_bytes,
        .keeps_times = keeps_times,
    };
    nw_err err = sim_trace_read(&options, out, why);
    unlink(path);
    return err;
}

static void keys_are_numbered_as_they_come(void **state)
{
    struct sim_trace trace;
    char *why = NULL;
    put(NW_SLICE("time,key,size\n5,b,10\n4,a,20\n6,b,11\n"));
    assert_int_equal(read_it(1 << 24, true, &trace, &why), NW_OK);
    assert_int_equal(trace.model.request_count, 3);
    assert_int_equal(trace.model.key_count, 2);
    const uint32_t ids[] = {0, 1, 0}, sizes[] = {10, 20, 11};
    const uint64_t times_us[] = {5000000, 4000000, 6000000};
    assert_memory_equal(trace.model.ids, ids, sizeof ids);
    assert_memory_equal(trace.model.sizes, sizes, sizeof sizes);
    assert_memory_equal(trace.model.times_us, times_us, sizeof times_us);
    assert_true(trace.first_us == 4000000 && trace.last_us == 6000000);
    assert_int_equal(trace.back_count, 1);
    sim_trace_done(&trace);
}

static void times_are_kept_only_where_they_are_needed(void **state)
{
    struct sim_trace trace;
    char *why = NULL;
    put(NW_SLICE("time,key\n5,b\n"));
    assert_int_equal(read_it(1 << 24, false, &trace, &why), NW_OK);
    assert_null(trace.model.times_us);
    assert_null(trace.model.sizes);
    assert_true(trace.has_times && !trace.has_sizes);
    sim_trace_done(&trace);
}

#define LINE(method, target, status, bytes)                                                        \
    "time=2026-11-29T01:33:02.250Z method=" method " host=h target=" target " status=" status      \
    " bytes=" bytes "\n"

static void a_request_without_a_size_takes_the_last_one_of_its_key(void **state)
{
    struct sim_trace trace;
    char *why = NULL;
    put(NW_SLICE(LINE("HEAD", "/a", "200", "0") LINE("GET", "/a", "200", "100")
                     LINE("GET", "/b", "200", "7") LINE("GET", "/a", "304", "0")
                         LINE("GET", "/a", "206", "5") LINE("GET", "/a", "200", "101")
                             LINE("HEAD", "/a", "200", "0") LINE("HEAD", "/b", "200", "0")));
    assert_int_equal(read_it(1 << 24, false, &trace, &why), NW_OK);
    const uint32_t sizes[] = {0, 100, 7, 100, 100, 101, 101, 7};
    assert_int_equal(trace.model.request_count, NW_COUNT(sizes));
    assert_memory_equal(trace.model.sizes, sizes, sizeof sizes);
    sim_trace_done(&trace);
}

static void more_than_fits_is_refused_with_how_far_it_came(void **state)
{
    struct nw_text text = {0};
    struct sim_trace trace;
    char *why = NULL;
    for (unsigned i = 0; i < 100000; i++)
        nw_text_addf(&text, "%u\n", i);
    put(nw_text_slice(&text));
    assert_int_equal(read_it((uint64_t)3 << 20, false, &trace, &why), NW_NO_MEMORY);
    assert_non_null(strstr(why, "it needs more memory than --memory 3M: after "));
    nw_free(why);
    put(nw_text_slice(&text));
    assert_int_equal(read_it((uint64_t)32 << 20, false, &trace, &why), NW_OK);
    assert_int_equal(trace.model.key_count, 100000);
    sim_trace_done(&trace);
    nw_text_done(&text);
}

static void known_keys_need_no_more_than_their_columns(void **state)
{
    struct nw_text text = {0};
    struct sim_trace trace;
    char *why = NULL;
    for (unsigned i = 0; i < 300000; i++)
        nw_text_addf(&text, "%u\n", i % 100);
    put(nw_text_slice(&text));
    assert_int_equal(read_it((uint64_t)3 << 20, false, &trace, &why), NW_OK);
    assert_int_equal(trace.model.key_count, 100);
    assert_int_equal(trace.model.request_count, 300000);
    sim_trace_done(&trace);
    nw_text_done(&text);
}

static void a_cut_is_told_and_its_words_outlive_the_file(void **state)
{
    struct sim_trace trace;
    char *why = NULL;
    put(NW_SLICE("key,size\na,1\nb,2\nc"));
    assert_int_equal(read_it(1 << 24, false, &trace, &why), NW_OK);
    assert_true(trace.end.is_cut);
    assert_int_equal(trace.end.offset, 17);
    assert_string_equal(trace.end.why, "a column is missing");
    assert_ptr_equal(trace.end.why, trace.end_why);
    assert_int_equal(trace.model.request_count, 2);
    sim_trace_done(&trace);
}

static void one_bad_line_in_a_hundred_is_suffered(void **state)
{
    for (unsigned bad = 1; bad <= 2; bad++) {
        struct nw_text text = {0};
        struct sim_trace trace;
        char *why = NULL;
        nw_text_add_str(&text, "key,size\n");
        for (unsigned i = 0; i < 100; i++)
            nw_text_addf(&text, "%u,%s\n", i, i < bad ? "x" : "1");
        put(nw_text_slice(&text));
        nw_err err = read_it(1 << 24, false, &trace, &why);
        if (bad == 1) {
            assert_int_equal(err, NW_OK);
            assert_int_equal(trace.counts.bad, 1);
            sim_trace_done(&trace);
        } else {
            assert_int_equal(err, NW_INVALID);
            assert_non_null(strstr(why, "2 of 100 lines cannot be read as csv"));
            nw_free(why);
        }
        nw_text_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_numbered_as_they_come),
        cmocka_unit_test(times_are_kept_only_where_they_are_needed),
        cmocka_unit_test(a_request_without_a_size_takes_the_last_one_of_its_key),
        cmocka_unit_test(more_than_fits_is_refused_with_how_far_it_came),
        cmocka_unit_test(known_keys_need_no_more_than_their_columns),
        cmocka_unit_test(a_cut_is_told_and_its_words_outlive_the_file),
        cmocka_unit_test(one_bad_line_in_a_hundred_is_suffered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
