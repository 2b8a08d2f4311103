/*
 * assert.h - what the programmer promises; stays on in release.
 *
 * Bytes from the network or a file are never asserted on: they are judged and answered with nw_err.
 *
 * Owner:   nothing
 * Threads: any
 */
#ifndef NW_BASE_ASSERT_H
#define NW_BASE_ASSERT_H

#include "base/compiler.h"

#define NW_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (NW_UNLIKELY(!(condition)))                                                             \
            nw_assert_failed(#condition, __FILE__, __LINE__);                                      \
    } while (0)

/* Prints one line on stderr and aborts. */
NW_NORETURN void nw_assert_failed(const char *condition, const char *file, int line);

#endif
