/*
 * Pages of its own, because locking and leaving out of dumps work on whole pages: on a shared one
 * the first secret to be freed would unlock its neighbours. A mapping also never returns to malloc,
 * so what was wiped cannot come back as somebody's buffer.
 *
 * mlock may be refused (RLIMIT_MEMLOCK is 64 KiB on old systems). A secret that may be swapped out
 * is worth more than a daemon that does not start, so the refusal is not an error.
 */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

struct nw_secret {
    struct nw_secret *next; /* in a list */
    char *at;
    size_t len;
    size_t mapped_bytes;
};

void nw_wipe(void *at, size_t bytes)
{
    if (bytes > 0)
        explicit_bzero(at, bytes);
}

/* ---- pages ---- */

static char *pages_new(size_t bytes)
{
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NW_ASSERT(at != MAP_FAILED);
    (void)mlock(at, bytes);
    (void)madvise(at, bytes, MADV_DONTDUMP);
    return at;
}

static void pages_free(char *at, size_t bytes)
{
    nw_wipe(at, bytes);
    (void)munmap(at, bytes);
}

/* Room for `bytes` and a zero behind them. */
static void reserve(struct nw_secret *secret, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    NW_ASSERT(bytes < SIZE_MAX - 2 * page);
    size_t wanted = (bytes + page) / page * page;
    if (wanted <= secret->mapped_bytes)
        return;
    if (secret->mapped_bytes > 0 && wanted < 2 * secret->mapped_bytes)
        wanted = 2 * secret->mapped_bytes;
    char *at = pages_new(wanted);
    if (secret->at != NULL) {
        memcpy(at, secret->at, secret->len);
        pages_free(secret->at, secret->mapped_bytes);
    }
    secret->at = at;
    secret->mapped_bytes = wanted;
}

/* ---- secrets ---- */

struct nw_secret *nw_secret_new(struct nw_slice bytes)
{
    struct nw_secret *secret = nw_alloc_zero(sizeof *secret);
    nw_secret_append(secret, bytes);
    return secret;
}

void nw_secret_append(struct nw_secret *secret, struct nw_slice bytes)
{
    reserve(secret, secret->len + bytes.len);
    if (bytes.len > 0)
        memcpy(secret->at + secret->len, bytes.ptr, bytes.len);
    secret->len += bytes.len;
    secret->at[secret->len] = '\0';
}

void nw_secret_shorten(struct nw_secret *secret, size_t bytes)
{
    NW_ASSERT(bytes <= secret->len);
    secret->len -= bytes;
    nw_wipe(secret->at + secret->len, bytes);
}

void nw_secret_free(struct nw_secret *secret)
{
    if (secret == NULL)
        return;
    pages_free(secret->at, secret->mapped_bytes);
    nw_free(secret);
}

struct nw_slice nw_secret_bytes(const struct nw_secret *secret)
{
    return secret != NULL ? nw_slice_of(secret->at, secret->len) : nw_slice_of("", 0);
}

bool nw_secret_equals(const struct nw_secret *secret, struct nw_slice given)
{
    struct nw_slice own = nw_secret_bytes(secret);
    unsigned char difference = own.len == given.len ? 0 : 1;
    for (size_t i = 0; i < given.len; i++) {
        size_t at = own.len > 0 ? i % own.len : 0; /* the zero behind an empty one */
        difference |= (unsigned char)(given.ptr[i] ^ own.ptr[at]);
    }
    return difference == 0;
}

/* ---- lists ---- */

struct nw_secret *nw_secrets_take(struct nw_secrets *list, struct nw_secret *take_secret)
{
    take_secret->next = list->first;
    list->first = take_secret;
    return take_secret;
}

void nw_secrets_free(struct nw_secrets *list)
{
    while (list->first != NULL) {
        struct nw_secret *secret = list->first;
        list->first = secret->next;
        nw_secret_free(secret);
    }
}
