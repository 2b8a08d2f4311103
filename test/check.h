/*
 * check.h - assertions that may fail on any fiber or thread.
 *
 * cmocka's leave a failed test by longjmp, which must not cross from one stack to another. These
 * say where and what, and end the process.
 *
 * Owner:   nothing
 * Threads: any
 */
#ifndef NW_TEST_CHECK_H
#define NW_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_) {                                                                            \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, a_, b_);      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define CHECK_ERR(expression, wanted)                                                              \
    do {                                                                                           \
        nw_err got_ = (expression);                                                                \
        if (got_ != (wanted)) {                                                                    \
            fprintf(stderr, "%s:%d: %s gave %s\n", __FILE__, __LINE__, #expression,                \
                    nw_err_name(got_));                                                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define CHECK_OK(expression) CHECK_ERR(expression, NW_OK)

#endif
