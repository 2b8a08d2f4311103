/* The contract of cmd/unpack.h; the packers of zlib and Zstandard are the second opinion. */
#include "cmd/unpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/rng.h"
#include "base/text.h"

#include <cmocka.h>

static const unpack_kind kinds[] = {UNPACK_GZIP, UNPACK_ZSTD};

static struct nw_text sample(size_t lines)
{
    struct nw_text text = {0};
    struct nw_rng rng;
    nw_rng_init(&rng, 7);
    for (size_t i = 0; i < lines; i++)
        nw_text_addf(&text, "/page/%u\n", (unsigned)nw_rng_below(&rng, 1000));
    return text;
}

/* Appends a whole member or frame, with a checksum. */
static void pack(unpack_kind kind, struct nw_slice from, int window_log, struct nw_text *out)
{
    size_t room = 2 * from.len + 4096, len;
    char *to = malloc(room);
    if (kind == UNPACK_GZIP) {
        z_stream gzip = {.next_in = (Bytef *)(uintptr_t)from.ptr,
                         .avail_in = (uInt)from.len,
                         .next_out = (Bytef *)to,
                         .avail_out = (uInt)room};
        assert_int_equal(deflateInit2(&gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
        len = gzip.total_out;
        deflateEnd(&gzip);
    } else {
        ZSTD_CCtx *zstd = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log);
        ZSTD_inBuffer in = {from.ptr, from.len / 2, 0}; /* in two steps: of unknown length */
        ZSTD_outBuffer into = {to, room, 0};
        assert_false(ZSTD_isError(ZSTD_compressStream2(zstd, &into, &in, ZSTD_e_continue)));
        in.size = from.len;
        assert_int_equal(ZSTD_compressStream2(zstd, &into, &in, ZSTD_e_end), 0);
        len = into.pos;
        ZSTD_freeCCtx(zstd);
    }
    nw_text_add(out, nw_slice_of(to, len));
    free(to);
}

/* Unpacks in steps; NW_AGAIN when it breaks off. */
static nw_err unpack_all(unpack_kind kind, struct nw_slice packed, size_t in_step, size_t out_step,
                         struct nw_text *out)
{
    struct unpack *unpack = unpack_new(kind, 1 << 20);
    char *to = malloc(out_step);
    nw_err err = NW_OK;
    for (size_t at = 0; err == NW_OK;) {
        size_t len = packed.len - at < in_step ? packed.len - at : in_step, count = 0;
        char *copy = malloc(len + (len == 0));
        if (len > 0)
            memcpy(copy, packed.ptr + at, len);
        struct nw_slice in = nw_slice_of(copy, len);
        do {
            err = unpack_step(unpack, &in, to, out_step, &count);
            if (err == NW_OK && count > 0)
                nw_text_add(out, nw_slice_of(to, count));
        } while (err == NW_OK && (count > 0 || in.len > 0));
        free(copy);
        at += len;
        if (len == 0)
            break;
    }
    if (err == NW_OK && !unpack_is_complete(unpack))
        err = NW_AGAIN;
    if (err == NW_BAD_MESSAGE)
        assert_true(strlen(unpack_why(unpack)) > 0);
    free(to);
    unpack_free(unpack);
    return err;
}

static void what_was_packed_comes_back_in_steps_of_any_size(void **state)
{
    struct nw_text text = sample(5000);
    const size_t steps[] = {1, 13, 4096, 1 << 20};
    for (size_t k = 0; k < NW_COUNT(kinds); k++) {
        struct nw_text packed = {0};
        pack(kinds[k], nw_text_slice(&text), 17, &packed);
        assert_int_equal(unpack_detect(nw_text_slice(&packed)), kinds[k]);
        for (size_t i = 0; i < NW_COUNT(steps); i++) {
            struct nw_text got = {0};
            assert_int_equal(unpack_all(kinds[k], nw_text_slice(&packed), steps[i],
                                        steps[NW_COUNT(steps) - 1 - i], &got),
                             NW_OK);
            assert_true(nw_slice_eq(nw_text_slice(&got), nw_text_slice(&text)));
            nw_text_done(&got);
        }
        nw_text_done(&packed);
    }
    nw_text_done(&text);
}

static void members_that_follow_each_other_are_one_stream(void **state)
{
    for (size_t k = 0; k < NW_COUNT(kinds); k++) {
        struct nw_text packed = {0}, got = {0};
        pack(kinds[k], NW_SLICE("one\n"), 17, &packed);
        if (kinds[k] == UNPACK_ZSTD) /* skippable, two bytes long */
            nw_text_add(&packed, NW_SLICE("\x50\x2a\x4d\x18\x02\0\0\0xx"));
        pack(kinds[k], NW_SLICE(""), 17, &packed);
        pack(kinds[k], NW_SLICE("two\n"), 17, &packed);
        assert_int_equal(unpack_all(kinds[k], nw_text_slice(&packed), 3, 100, &got), NW_OK);
        assert_string_equal(got.ptr, "one\ntwo\n");
        nw_text_add_str(&packed, "rubbish");
        nw_text_clear(&got);
        assert_int_equal(unpack_all(kinds[k], nw_text_slice(&packed), 100, 100, &got),
                         NW_BAD_MESSAGE);
        nw_text_done(&packed);
        nw_text_done(&got);
    }
}

static void every_cut_is_seen(void **state)
{
    struct nw_text text = sample(100);
    for (size_t k = 0; k < NW_COUNT(kinds); k++) {
        struct nw_text packed = {0};
        pack(kinds[k], nw_text_slice(&text), 17, &packed);
        for (size_t len = 1; len < packed.len; len++) {
            struct nw_text got = {0};
            assert_int_equal(unpack_all(kinds[k], nw_slice_of(packed.ptr, len), 64, 4096, &got),
                             NW_AGAIN);
            assert_true(nw_slice_starts_with(nw_text_slice(&text), nw_text_slice(&got)));
            nw_text_done(&got);
        }
        nw_text_done(&packed);
    }
    nw_text_done(&text);
}

/* A flipped bit is damage, or seems a cut, or lies where nothing depends on it (gzip's time). */
static void damage_never_yields_other_data(void **state)
{
    struct nw_text text = sample(60);
    for (size_t k = 0; k < NW_COUNT(kinds); k++) {
        struct nw_text packed = {0};
        size_t seen = 0;
        pack(kinds[k], nw_text_slice(&text), 17, &packed);
        for (size_t bit = 0; bit < packed.len * 8; bit++) {
            struct nw_text got = {0};
            packed.ptr[bit / 8] ^= (char)(1 << (bit % 8));
            nw_err err = unpack_all(kinds[k], nw_text_slice(&packed), 4096, 4096, &got);
            packed.ptr[bit / 8] ^= (char)(1 << (bit % 8));
            seen += err == NW_BAD_MESSAGE;
            if (err == NW_OK)
                assert_true(nw_slice_eq(nw_text_slice(&got), nw_text_slice(&text)));
            nw_text_done(&got);
        }
        assert_true(seen > packed.len * 6);
        nw_text_done(&packed);
    }
    nw_text_done(&text);
}

static void a_window_that_does_not_fit_is_refused(void **state)
{
    struct nw_text text = sample(1000), packed = {0}, got = {0};
    pack(UNPACK_ZSTD, nw_text_slice(&text), 20, &packed); /* 1 MiB: just fits */
    assert_int_equal(unpack_all(UNPACK_ZSTD, nw_text_slice(&packed), 4096, 4096, &got), NW_OK);
    nw_text_clear(&packed);
    pack(UNPACK_ZSTD, nw_text_slice(&text), 21, &packed);
    assert_int_equal(unpack_all(UNPACK_ZSTD, nw_text_slice(&packed), 4096, 4096, &got),
                     NW_NO_MEMORY);
    nw_text_done(&text);
    nw_text_done(&packed);
    nw_text_done(&got);
}

static void plain_data_is_told_apart(void **state)
{
    assert_int_equal(unpack_detect(NW_SLICE("")), UNPACK_NONE);
    assert_int_equal(unpack_detect(NW_SLICE("time,key\n")), UNPACK_NONE);
    assert_int_equal(unpack_detect(NW_SLICE("\x1f\x8b\x07\x00")), UNPACK_NONE);
    assert_int_equal(unpack_detect(NW_SLICE("\x5f\x2a\x4d\x18")), UNPACK_ZSTD);
    assert_int_equal(unpack_by_name(NW_SLICE("a.csv.GZ")), UNPACK_GZIP);
    assert_int_equal(unpack_by_name(NW_SLICE("a.zst")), UNPACK_ZSTD);
    assert_int_equal(unpack_by_name(NW_SLICE("gz")), UNPACK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back_in_steps_of_any_size),
        cmocka_unit_test(members_that_follow_each_other_are_one_stream),
        cmocka_unit_test(every_cut_is_seen),
        cmocka_unit_test(damage_never_yields_other_data),
        cmocka_unit_test(a_window_that_does_not_fit_is_refused),
        cmocka_unit_test(plain_data_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
