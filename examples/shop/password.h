/*
 * password.h - hashing and checking of passwords with libxcrypt.
 *
 * Owner:   nothing is kept
 * Threads: stateless; a check takes milliseconds by intent
 */
#ifndef SHOP_PASSWORD_H
#define SHOP_PASSWORD_H

#include <stdbool.h>

#define SHOP_PASSWORD_HASH_BYTES 384

bool shop_password_hash(const char *password, char out_hash[SHOP_PASSWORD_HASH_BYTES]);
/* With a NULL hash (no such user) it works as long as usual, and says no. */
bool shop_password_check(const char *password, const char *hash);

#endif
