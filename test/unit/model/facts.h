/*
 * facts.h - what the tests of worked examples share: a recorder, and two ways of comparing.
 *
 * A result is held against the formula written out in the test (1e-9 relative) and against the
 * figure that the example states (to the digits given).
 */
#ifndef NW_TEST_MODEL_FACTS_H
#define NW_TEST_MODEL_FACTS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/steps.h"

static struct nw_arena facts_arena;
static struct nw_model_steps facts_steps;

static inline int facts_open(void **state)
{
    nw_arena_init(&facts_arena, NULL, 0, 1 << 20);
    nw_model_steps_init(&facts_steps, &facts_arena);
    return 0;
}

static inline int facts_close(void **state)
{
    nw_arena_done(&facts_arena);
    return 0;
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, facts_open, facts_close)

static inline void facts_is(double value, double formula, const char *file, int line)
{
    if (!(fabs(value - formula) <= 1e-9 * fabs(formula))) {
        print_error("%.17g is not %.17g\n", value, formula);
        _fail(file, line);
    }
}

static inline void facts_shows(double value, double figure, int decimals, const char *file,
                               int line)
{
    if (!(fabs(value - figure) <= 0.5000001 * pow(10, -decimals))) {
        print_error("%.17g is not %.*f to the digits given\n", value, decimals, figure);
        _fail(file, line);
    }
}

/* By the formula. */
#define assert_is(value, formula) facts_is(value, formula, __FILE__, __LINE__)
/* By the stated figure, with so many decimals. */
#define assert_shows(value, figure, decimals)                                                      \
    facts_shows(value, figure, decimals, __FILE__, __LINE__)

/* The recorded step of a path: exactly this value, and beside it what the guide printed. */
static inline void facts_step(const char *path, double exact, const char *printed, const char *file,
                              int line)
{
    const struct nw_model_step *step = nw_model_steps_find(&facts_steps, path);
    if (!step) {
        print_error("no step %s\n", path);
        _fail(file, line);
    }
    facts_is(step->exact, exact, file, line);
    if (printed && (!step->printed || strcmp(step->printed, printed) != 0)) {
        print_error("%s: printed beside is %s\n", path, step->printed ? step->printed : "nothing");
        _fail(file, line);
    }
}

#define assert_step(path, exact, printed) facts_step(path, exact, printed, __FILE__, __LINE__)

#endif
