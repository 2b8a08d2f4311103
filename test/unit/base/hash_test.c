/* The contract of base/hash.h; libcrypto's SipHash is the oracle. */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

static uint64_t oracle(const unsigned char key[16], const char *bytes, size_t length,
                       unsigned per_word, unsigned at_end)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    size_t size = 8, got = 0;
    unsigned char out[8];
    uint64_t value = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &per_word),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &at_end),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_MAC_init(context, key, 16, params), 1);
    assert_int_equal(EVP_MAC_update(context, (const unsigned char *)bytes, length), 1);
    assert_int_equal(EVP_MAC_final(context, out, &got, sizeof out), 1);
    assert_int_equal(got, 8);
    for (int i = 7; i >= 0; i--)
        value = value << 8 | out[i];
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return value;
}

static void both_siphashes_agree_with_libcrypto_for_every_length(void **state)
{
    unsigned char key_bytes[16];
    char bytes[64];
    struct nw_hash_key key = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
    for (unsigned i = 0; i < 16; i++)
        key_bytes[i] = (unsigned char)i;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        struct nw_slice slice = nw_slice_of(bytes, length);
        assert_true(nw_hash_sip13(&key, slice) == oracle(key_bytes, bytes, length, 1, 3));
        assert_true(nw_hash_sip24(&key, slice) == oracle(key_bytes, bytes, length, 2, 4));
    }
}

/* Appendix A of the SipHash paper. */
static void the_vector_of_the_paper_holds(void **state)
{
    struct nw_hash_key key = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
    const char bytes[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_true(nw_hash_sip24(&key, nw_slice_of(bytes, 15)) == 0xa129ca6149be45e5ull);
}

static void the_fast_hash_is_xxh3(void **state)
{
    /* XXH3_64bits of nothing, as in the xxHash specification's sanity checks. */
    assert_true(nw_hash_fast(nw_slice_of(NULL, 0), 0) == 0x2d06800538d394c2ull);
    assert_true(nw_hash_fast(NW_SLICE("a"), 0) != nw_hash_fast(NW_SLICE("a"), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_siphashes_agree_with_libcrypto_for_every_length),
        cmocka_unit_test(the_vector_of_the_paper_holds),
        cmocka_unit_test(the_fast_hash_is_xxh3),
    };
    return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
