/*
 * The signature is checked before a single byte of the token is interpreted,
 * with the algorithm this program chose: the token's own `alg` is then only
 * compared with HS256, never looked up. That closes both classic holes, `none`
 * and an RSA public key used as HMAC secret.
 *
 * Base64url is decoded strictly (no padding, no foreign characters, no stray
 * bits), so a token has exactly one spelling.
 */
#include "jwt.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX_BYTES 2048
#define MAC_BYTES 32
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64url_put(struct shop_text *text, const unsigned char *bytes, size_t len)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            shop_text_put(text, &ALPHABET[bits >> bit_count & 63], 1);
        }
    }
    if (bit_count > 0)
        shop_text_put(text, &ALPHABET[bits << (6 - bit_count) & 63], 1);
}

/* Returns NULL unless the text is the one canonical spelling of some bytes. */
static unsigned char *base64url_read(struct shop_arena *arena, const char *text, size_t len,
                                     size_t *out_len)
{
    if (len % 4 == 1)
        return NULL;
    unsigned char *bytes = shop_arena_alloc(arena, len + 1);
    size_t used = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < len; i++) {
        const char *at = text[i] ? strchr(ALPHABET, text[i]) : NULL;
        if (!at)
            return NULL;
        bits = bits << 6 | (uint32_t)(at - ALPHABET);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[used++] = (unsigned char)(bits >> bit_count);
        }
    }
    if ((bits & ((1u << bit_count) - 1)) != 0)
        return NULL;
    *out_len = used;
    return bytes;
}

static void mac(const struct shop_jwt_key *key, const char *bytes, size_t len,
                unsigned char out[MAC_BYTES])
{
    unsigned int mac_len = MAC_BYTES;
    if (!HMAC(EVP_sha256(), key->bytes, (int)key->len, (const unsigned char *)bytes, len, out,
              &mac_len)) {
        fputs("shop: HMAC is not available\n", stderr);
        abort();
    }
}

static char *sign(struct shop_arena *arena, const struct shop_jwt_key *key, json_t *claims)
{
    char *payload = json_dumps(claims, JSON_COMPACT);
    json_decref(claims);
    if (!payload) {
        fputs("shop: out of memory\n", stderr);
        abort();
    }
    struct shop_text text = {0};
    base64url_put(&text, (const unsigned char *)HEADER, sizeof HEADER - 1);
    shop_text_put(&text, ".", 1);
    base64url_put(&text, (const unsigned char *)payload, strlen(payload));
    free(payload);

    unsigned char signature[MAC_BYTES];
    mac(key, text.bytes, text.len, signature);
    shop_text_put(&text, ".", 1);
    base64url_put(&text, signature, sizeof signature);
    char *token = shop_arena_copy(arena, text.bytes, text.len);
    shop_text_done(&text);
    return token;
}

char *shop_jwt_session_sign(struct shop_arena *arena, const struct shop_jwt_key *key,
                            const char *user, const char *role, int64_t now_s)
{
    return sign(arena, key, json_pack("{s:s, s:s, s:I}", "sub", user, "role", role, "exp",
                                      (json_int_t)(now_s + SHOP_JWT_SESSION_S)));
}

char *shop_jwt_cart_sign(struct shop_arena *arena, const struct shop_jwt_key *key,
                         const char *cart, int64_t now_s)
{
    return sign(arena, key, json_pack("{s:s, s:I}", "cart", cart, "exp",
                                      (json_int_t)(now_s + SHOP_JWT_CART_S)));
}

static json_t *part_read(struct shop_arena *arena, const char *text, size_t len)
{
    size_t bytes_len;
    unsigned char *bytes = base64url_read(arena, text, len, &bytes_len);
    if (!bytes)
        return NULL;
    json_t *object = json_loadb((const char *)bytes, bytes_len, JSON_REJECT_DUPLICATES, NULL);
    if (object && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The claims of a rightly signed, unexpired token, else NULL; the caller drops them. */
static json_t *claims_read(struct shop_arena *arena, const struct shop_jwt_key *key,
                           const char *token, int64_t now_s)
{
    const char *dot = strchr(token, '.');
    const char *last = strrchr(token, '.');
    if (!dot || dot == last || strlen(token) > TOKEN_MAX_BYTES)
        return NULL;
    unsigned char expected[MAC_BYTES];
    mac(key, token, (size_t)(last - token), expected);
    size_t signature_len;
    unsigned char *signature = base64url_read(arena, last + 1, strlen(last + 1), &signature_len);
    if (!signature || signature_len != MAC_BYTES ||
        CRYPTO_memcmp(signature, expected, MAC_BYTES) != 0)
        return NULL;

    json_t *header = part_read(arena, token, (size_t)(dot - token));
    const char *alg = json_string_value(json_object_get(header, "alg"));
    bool is_hs256 = alg && strcmp(alg, "HS256") == 0 && !json_object_get(header, "crit");
    json_decref(header);
    if (!is_hs256)
        return NULL;

    json_t *claims = part_read(arena, dot + 1, (size_t)(last - dot - 1));
    json_t *exp = json_object_get(claims, "exp");
    if (!json_is_integer(exp) || json_integer_value(exp) <= now_s) {
        json_decref(claims);
        return NULL;
    }
    return claims;
}

static const char *claim_copy(struct shop_arena *arena, json_t *claims, const char *name)
{
    const char *value = json_string_value(json_object_get(claims, name));
    if (!value || value[0] == '\0')
        return NULL;
    return shop_arena_copy(arena, value, strlen(value));
}

bool shop_jwt_session_read(struct shop_arena *arena, const struct shop_jwt_key *key,
                           const char *token, int64_t now_s, struct shop_jwt_session *out_session)
{
    json_t *claims = claims_read(arena, key, token, now_s);
    struct shop_jwt_session session = {claim_copy(arena, claims, "sub"),
                                       claim_copy(arena, claims, "role")};
    json_decref(claims);
    if (!session.user || !session.role)
        return false;
    *out_session = session;
    return true;
}

bool shop_jwt_cart_read(struct shop_arena *arena, const struct shop_jwt_key *key,
                        const char *token, int64_t now_s, const char **out_cart)
{
    json_t *claims = claims_read(arena, key, token, now_s);
    const char *cart = claim_copy(arena, claims, "cart");
    json_decref(claims);
    if (!cart)
        return false;
    *out_cart = cart;
    return true;
}

char *shop_jwt_random_id(struct shop_arena *arena)
{
    unsigned char random[16];
    if (RAND_bytes(random, sizeof random) != 1) {
        fputs("shop: no random numbers\n", stderr);
        abort();
    }
    char *id = shop_arena_alloc(arena, 2 * sizeof random + 1);
    for (size_t i = 0; i < sizeof random; i++)
        sprintf(id + 2 * i, "%02x", random[i]);
    return id;
}
