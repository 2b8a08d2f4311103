/*
 * A failed assertion means that the program no longer knows what it is doing: one line that says
 * where, then a core. Nothing is flushed or unlocked on the way out.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void nw_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "newel: assertion failed: %s at %s:%d\n", condition, file, line);
    abort();
}
