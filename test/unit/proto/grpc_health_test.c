/*
 * grpc.health.v1.Health/Check on the wire. Expected bytes are what protoc's Python classes give for
 * these messages (encoding.proto: tag = number << 3 | type, lengths and enums as varints).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/grpc_health.h"

static void the_whole_node_is_an_empty_message(void **state)
{
    char out[NW_GRPC_HEALTH_ASK_MAX_BYTES];
    assert_int_equal(nw_grpc_health_ask(NW_SLICE(""), out), 5);
    assert_memory_equal(out, "\0\0\0\0\0", 5);
}

static void a_service_is_field_one(void **state)
{
    char out[NW_GRPC_HEALTH_ASK_MAX_BYTES];
    assert_int_equal(nw_grpc_health_ask(NW_SLICE("shop.Orders"), out), 5 + 2 + 11);
    assert_memory_equal(out, "\0\0\0\0\x0d\x0a\x0bshop.Orders", 18);
    char name[200];
    memset(name, 'a', sizeof name);
    assert_int_equal(nw_grpc_health_ask(nw_slice_of(name, 200), out), 5 + 3 + 200);
    assert_memory_equal(out, "\0\0\0\0\xcb\x0a\xc8\x01", 8);
    assert_memory_equal(out + 8, name, 200);
}

static uint64_t status_of(const char *bytes, size_t len)
{
    uint64_t status = 99;
    assert_int_equal(nw_grpc_health_read(nw_slice_of(bytes, len), &status), NW_OK);
    return status;
}

static void the_status_is_field_one(void **state)
{
    assert_int_equal(status_of("\0\0\0\0\2\x08\1", 7), NW_GRPC_HEALTH_SERVING);
    assert_int_equal(status_of("\0\0\0\0\2\x08\2", 7), 2);  /* NOT_SERVING */
    assert_int_equal(status_of("\0\0\0\0\0", 5), 0);        /* UNKNOWN is the default: left out */
    assert_int_equal(status_of("\0\0\0\0\3\x08\x81\0", 8), 1); /* a varint may be longer */
}

static void fields_of_later_versions_are_passed_over(void **state)
{
    static const char bytes[] = "\0\0\0\0\x16"
                                "\x12\2hi"               /* 2: "hi" */
                                "\x1d\1\2\3\4"           /* 3: fixed32 */
                                "\x21\1\2\3\4\5\6\7\x08" /* 4: fixed64 */
                                "\x28\7"                 /* 5: 7 */
                                "\x08\1";
    assert_int_equal(status_of(bytes, sizeof bytes - 1), 1);
}

static void what_is_cut_or_odd_is_no_answer(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0},
        {"\0\0\0\0", 4},
        {"\1\0\0\0\2\x08\1", 7},       /* compressed */
        {"\0\0\0\0\3\x08\1", 7},       /* cut */
        {"\0\0\0\0\2\x08\1\0", 8},     /* something behind it */
        {"\0\0\0\0\1\x08", 6},         /* a value is missing */
        {"\0\0\0\0\2\x12\5", 7},       /* longer than it is */
        {"\0\0\0\0\2\x0b\1", 7},       /* a group */
        {"\0\0\0\0\2\0\1", 7},         /* field 0 */
        {"\0\0\0\0\3\x1d\1\2", 8},     /* half a fixed32 */
        {"\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 17},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t status = 99;
        assert_int_equal(nw_grpc_health_read(nw_slice_of(bad[i].bytes, bad[i].len), &status),
                         NW_BAD_MESSAGE);
        assert_int_equal(status, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_node_is_an_empty_message),
        cmocka_unit_test(a_service_is_field_one),
        cmocka_unit_test(the_status_is_field_one),
        cmocka_unit_test(fields_of_later_versions_are_passed_over),
        cmocka_unit_test(what_is_cut_or_odd_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
