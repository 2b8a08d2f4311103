/*
 * yescrypt at its cheapest cost: the demonstration users have printed
 * passwords, and a load test that signs in should measure the shop and not the
 * hash. A user who is not there costs as much time as one who is, so the answer
 * time does not tell names.
 */
#include "password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define METHOD "$y$"
#define COST 1
#define NOBODY "$y$j75$AAAAAAAAAAAAAAAAAAAAA/$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* NULL when the setting is not one that crypt knows. */
static bool crypt_into(const char *password, const char *setting, char *out, size_t out_bytes)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data)
        return false;
    const char *hash = crypt_r(password, setting, data);
    bool is_done = hash && hash[0] != '*' && strlen(hash) < out_bytes;
    if (is_done)
        strcpy(out, hash);
    OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return is_done;
}

bool shop_password_hash(const char *password, char out_hash[SHOP_PASSWORD_HASH_BYTES])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!crypt_gensalt_rn(METHOD, COST, NULL, 0, setting, sizeof setting))
        return false;
    return crypt_into(password, setting, out_hash, SHOP_PASSWORD_HASH_BYTES);
}

bool shop_password_check(const char *password, const char *hash)
{
    char again[SHOP_PASSWORD_HASH_BYTES];
    bool is_hashed = crypt_into(password, hash ? hash : NOBODY, again, sizeof again);
    return is_hashed && hash && strlen(again) == strlen(hash) &&
           CRYPTO_memcmp(again, hash, strlen(hash)) == 0;
}
