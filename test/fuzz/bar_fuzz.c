/*
 * --fail-if: a bar that is accepted, written again with other spaces, is the same bar; its number
 * is finite for every unit that takes it; and of a value and the bar's number, exactly one of
 * "above", "equal" and "below" holds, whichever comparison asks.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cmd/bar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_missed(struct bar bar, bar_compare compare, double value, double number)
{
    bar.compare = compare;
    return bar_is_missed(&bar, value, number);
}

static void compare_all(const struct bar *bar, double value, double number)
{
    bool is_above = is_missed(*bar, BAR_ABOVE, value, number);
    bool is_equal = is_missed(*bar, BAR_EQUAL, value, number);
    bool is_below = is_missed(*bar, BAR_BELOW, value, number);
    NW_ASSERT(is_above + is_equal + is_below == 1);
    NW_ASSERT(is_missed(*bar, BAR_AT_LEAST, value, number) == (is_above || is_equal));
    NW_ASSERT(is_missed(*bar, BAR_AT_MOST, value, number) == (is_below || is_equal));
    NW_ASSERT(is_missed(*bar, BAR_NOT_EQUAL, value, number) == !is_equal);
}

static void write_again(const struct bar *bar)
{
    static const char *const signs[] = {">", ">=", "<", "<=", "==", "!="};
    char text[4096];
    struct bar again;
    const char *why;
    int len = snprintf(text, sizeof text, " %.*s \t%s  %.17f%.*s ", NW_SLICE_ARG(bar->path),
                       signs[bar->compare], bar->number, NW_SLICE_ARG(bar->unit));
    if (len < 0 || len >= (int)sizeof text || fabs(bar->number) > 1e30 ||
        (bar->unit.len > 0 && strchr(".0123456789", bar->unit.ptr[0]) != NULL))
        return; /* more digits than a bar takes, or a unit that would go on the number */
    NW_ASSERT(bar_parse(nw_slice_of(text, (size_t)len), &again, &why) == NW_OK);
    NW_ASSERT(nw_slice_eq(again.path, bar->path) && nw_slice_eq(again.unit, bar->unit));
    NW_ASSERT(again.compare == bar->compare);
    NW_ASSERT(fabs(again.number - bar->number) <= 1e-15 * fabs(bar->number) + 1e-16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bar bar;
    const char *why = NULL;
    char *copy = malloc(size != 0 ? size : 1);
    NW_ASSERT(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    if (bar_parse(nw_slice_of(copy, size), &bar, &why) != NW_OK) {
        NW_ASSERT(why != NULL && why[0] != '\0');
        free(copy);
        return 0;
    }
    NW_ASSERT(bar.path.len > 0 && isfinite(bar.number));
    if (memchr(copy, '\0', size) == NULL)
        write_again(&bar);
    for (int unit = NW_MODEL_NUMBER; unit <= NW_MODEL_KM; unit++) {
        double number;
        if (bar_number(&bar, (nw_model_unit)unit, &number) != NW_OK)
            continue;
        NW_ASSERT(isfinite(number));
        compare_all(&bar, number, number);
        compare_all(&bar, number * 1.5, number);
        compare_all(&bar, 0, number);
    }
    free(copy);
    return 0;
}
