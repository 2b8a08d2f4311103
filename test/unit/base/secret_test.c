/* The contract of base/secret.h; what the kernel knows of the pages is asked of the kernel. */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static void a_secret_is_the_bytes_it_was_given(void **state)
{
    struct nw_secret *secret = nw_secret_new(NW_SLICE("open\0sesame"));
    struct nw_slice bytes = nw_secret_bytes(secret);
    assert_int_equal(bytes.len, 11);
    assert_memory_equal(bytes.ptr, "open\0sesame", 12); /* with the zero behind */
    nw_secret_free(secret);
    assert_int_equal(nw_secret_bytes(NULL).len, 0);
    nw_secret_free(NULL);
}

static void it_grows_piece_by_piece_over_many_pages(void **state)
{
    enum { PIECES = 5000 };
    struct nw_secret *secret = nw_secret_new(NW_SLICE(""));
    for (int i = 0; i < PIECES; i++)
        nw_secret_append(secret, NW_SLICE("0123456789"));
    struct nw_slice bytes = nw_secret_bytes(secret);
    assert_int_equal(bytes.len, 10 * PIECES);
    for (int i = 0; i < PIECES; i++)
        assert_memory_equal(bytes.ptr + 10 * i, "0123456789", 10);
    assert_int_equal(bytes.ptr[bytes.len], 0);
    nw_secret_free(secret);
}

static void what_is_cut_off_is_wiped(void **state)
{
    struct nw_secret *secret = nw_secret_new(NW_SLICE("token\r\n"));
    nw_secret_shorten(secret, 2);
    assert_true(nw_slice_eq(nw_secret_bytes(secret), NW_SLICE("token")));
    assert_memory_equal(nw_secret_bytes(secret).ptr + 5, "\0\0\0", 3);
    nw_secret_free(secret);
}

static void only_the_same_bytes_are_equal(void **state)
{
    struct nw_secret *secret = nw_secret_new(NW_SLICE("abc"));
    struct nw_secret *empty = nw_secret_new(NW_SLICE(""));
    assert_true(nw_secret_equals(secret, NW_SLICE("abc")));
    assert_false(nw_secret_equals(secret, NW_SLICE("abd")));
    assert_false(nw_secret_equals(secret, NW_SLICE("ab")));
    assert_false(nw_secret_equals(secret, NW_SLICE("abcabc")));
    assert_false(nw_secret_equals(secret, NW_SLICE("")));
    assert_true(nw_secret_equals(empty, NW_SLICE("")));
    assert_false(nw_secret_equals(empty, NW_SLICE("\0")));
    nw_secret_free(secret);
    nw_secret_free(empty);
}

/* "VmFlags: rd wr … lo … dd" of the mapping that holds the address. */
static void flags_of(const void *address, char *out, size_t out_bytes)
{
    char line[512];
    bool is_here = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    assert_non_null(file);
    out[0] = '\0';
    while (out[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            is_here = from <= (unsigned long)address && (unsigned long)address < to;
        if (is_here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(out, out_bytes, "%s", line);
    }
    fclose(file);
}

static void its_pages_are_locked_and_left_out_of_dumps(void **state)
{
    char flags[512];
    struct rlimit limit;
    struct nw_secret *secret = nw_secret_new(NW_SLICE("abc"));
    flags_of(nw_secret_bytes(secret).ptr, flags, sizeof flags);
    assert_non_null(strstr(flags, " dd"));
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (limit.rlim_cur >= 1 << 20 && !NW_ASAN && !NW_TSAN) /* which make mlock do nothing */
        assert_non_null(strstr(flags, " lo"));
    nw_secret_free(secret);
}

static void a_list_frees_what_it_took(void **state)
{
    struct nw_secrets list = {0};
    struct nw_secret *first = nw_secrets_take(&list, nw_secret_new(NW_SLICE("a")));
    struct nw_secret *second = nw_secrets_take(&list, nw_secret_new(NW_SLICE("b")));
    assert_true(nw_secret_equals(first, NW_SLICE("a")));
    assert_true(nw_secret_equals(second, NW_SLICE("b")));
    nw_secrets_free(&list);
    assert_null(list.first);
}

static void wiping_leaves_zeros(void **state)
{
    char bytes[] = "abcdef";
    nw_wipe(bytes + 1, 3);
    assert_memory_equal(bytes, "a\0\0\0ef", 6);
    nw_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_the_bytes_it_was_given),
        cmocka_unit_test(it_grows_piece_by_piece_over_many_pages),
        cmocka_unit_test(what_is_cut_off_is_wiped),
        cmocka_unit_test(only_the_same_bytes_are_equal),
        cmocka_unit_test(its_pages_are_locked_and_left_out_of_dumps),
        cmocka_unit_test(a_list_frees_what_it_took),
        cmocka_unit_test(wiping_leaves_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
