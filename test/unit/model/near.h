/*
 * near.h - cmocka assertions on doubles: within so much of the expected value, relatively.
 *
 * assert_near(got, 0.25, 1e-9): an expected 0 demands 0. Not finite is never near.
 */
#ifndef NW_TEST_UNIT_MODEL_NEAR_H
#define NW_TEST_UNIT_MODEL_NEAR_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_near(got, expected, relative)                                                       \
    do {                                                                                           \
        double got_ = (got), expected_ = (expected);                                               \
        if (!(fabs(got_ - expected_) <= (relative)*fabs(expected_)))                               \
            fail_msg("%s:%d: %s is %.17g, not %.17g", __FILE__, __LINE__, #got, got_, expected_);  \
    } while (0)

#endif
