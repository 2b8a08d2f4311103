/*
 * compiler.h - the few attributes and macros that the whole tree is written in.
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_BASE_COMPILER_H
#define NW_BASE_COMPILER_H

#include <stddef.h>
#include <stdint.h>

/* The result must not be dropped. */
#define NW_MUST_CHECK __attribute__((warn_unused_result))
#define NW_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define NW_NORETURN __attribute__((noreturn))
#define NW_NOINLINE __attribute__((noinline))
#define NW_LIKELY(x) __builtin_expect(!!(x), 1)
#define NW_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NW_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NW_UNUSED __attribute__((unused))

/* Asks the cache for `bytes` of memory that is needed soon. Safe on any address. */
static inline void nw_prefetch(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const char *)at + i);
}

/*
 * Stands before every declaration of a function that may yield the calling fiber, so that a
 * reader sees where another fiber may run. Expands to nothing; tools/tidy.py reads it.
 */
#define NW_YIELDS

/* The struct that embeds `member`, from a pointer to that member. */
#define NW_CONTAINER_OF(pointer, type, member)                                                     \
    ((type *)((char *)(pointer) - offsetof(type, member)))

#if defined(__SANITIZE_ADDRESS__)
#define NW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NW_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define NW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NW_TSAN 1
#endif
#endif
#ifndef NW_ASAN
#define NW_ASAN 0
#endif
#ifndef NW_TSAN
#define NW_TSAN 0
#endif

#endif
