/*
 * jwt.h - signed tokens: the only state a visitor carries.
 *
 * HS256 and nothing else (RFC 7519). Two kinds: a session (`sub role exp`) says
 * who signed in, a cart token (`cart exp`) names an anonymous visitor's cart.
 * One kind is never accepted as the other, because each requires claims that
 * the other has not got.
 *
 * Owner:   strings of a read token live in the arena passed in
 * Threads: the key is read-only after start; call from anywhere
 */
#ifndef SHOP_JWT_H
#define SHOP_JWT_H

#include "text.h"

#define SHOP_JWT_KEY_MIN_BYTES 32
#define SHOP_JWT_KEY_MAX_BYTES 512
#define SHOP_JWT_SESSION_S (8 * 3600)
#define SHOP_JWT_CART_S (30 * 86400)

struct shop_jwt_key {
    unsigned char bytes[SHOP_JWT_KEY_MAX_BYTES];
    size_t len;
};

struct shop_jwt_session {
    const char *user;
    const char *role;
};

char *shop_jwt_session_sign(struct shop_arena *arena, const struct shop_jwt_key *key,
                            const char *user, const char *role, int64_t now_s);
char *shop_jwt_cart_sign(struct shop_arena *arena, const struct shop_jwt_key *key,
                         const char *cart, int64_t now_s);

/* False for anything but a well-formed, rightly signed, unexpired token of that kind. */
bool shop_jwt_session_read(struct shop_arena *arena, const struct shop_jwt_key *key,
                           const char *token, int64_t now_s, struct shop_jwt_session *out_session);
bool shop_jwt_cart_read(struct shop_arena *arena, const struct shop_jwt_key *key,
                        const char *token, int64_t now_s, const char **out_cart);

/* 128 random bits as 32 hexadecimal digits: cart ids, idempotency keys of forms. */
char *shop_jwt_random_id(struct shop_arena *arena);

#endif
