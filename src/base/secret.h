/*
 * secret.h - bytes that must not leave the process: keys, tokens, passwords.
 *
 * Each lies in pages of its own that are locked into memory (as far as RLIMIT_MEMLOCK allows), left
 * out of core dumps, and wiped before they are given back. Nothing prints one: where a secret would
 * be shown, NW_SECRET_SHOWN is.
 *
 * Costs two system calls and a page each, so it is for what a configuration names, not for what a
 * request brings.
 *
 * Owner:   nw_secret_new/_free; a list owns what it was given until nw_secrets_free
 * Threads: one writes, then any may read
 */
#ifndef NW_BASE_SECRET_H
#define NW_BASE_SECRET_H

#include <stdbool.h>

#include "base/slice.h"

#define NW_SECRET_SHOWN "***"

struct nw_secret;

/* A copy of `bytes`; the caller wipes its own (nw_wipe). */
struct nw_secret *nw_secret_new(struct nw_slice bytes);
void nw_secret_append(struct nw_secret *secret, struct nw_slice bytes);
/* Without the last `bytes` (at most all) of it. */
void nw_secret_shorten(struct nw_secret *secret, size_t bytes);
/* Wiped first. NULL does nothing. */
void nw_secret_free(struct nw_secret *secret);

/* Borrowed until the secret is freed or appended to; a zero byte follows. NULL: empty. */
struct nw_slice nw_secret_bytes(const struct nw_secret *secret);
/* In a time that depends on the length of `given` alone. */
bool nw_secret_equals(const struct nw_secret *secret, struct nw_slice given);

/* Overwrites, also where the compiler sees no later use. */
void nw_wipe(void *at, size_t bytes);

/* Secrets that end together. Zeroed: an empty list. */
struct nw_secrets {
    struct nw_secret *first;
};
/* Returns the secret. */
struct nw_secret *nw_secrets_take(struct nw_secrets *list, struct nw_secret *take_secret);
void nw_secrets_free(struct nw_secrets *list);

#endif
