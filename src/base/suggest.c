/*
 * The optimal string alignment form of Damerau-Levenshtein: three rows of at most 65 numbers on the
 * stack. It is asked once per mistake of a person, over a few dozen candidates, so nothing is
 * pruned but the difference of lengths.
 */
#include "base/suggest.h"

#include <ctype.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int lower(struct nw_slice word, size_t at)
{
    return tolower((unsigned char)word.ptr[at]);
}

unsigned nw_suggest_distance(struct nw_slice a, struct nw_slice b, unsigned bound)
{
    size_t apart = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (a.len > NW_SUGGEST_MAX_BYTES || b.len > NW_SUGGEST_MAX_BYTES || apart > bound)
        return bound + 1;
    unsigned rows[3][NW_SUGGEST_MAX_BYTES + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned same = lower(a, i - 1) != lower(b, j - 1);
            row[j] = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + same);
            if (i > 1 && j > 1 && lower(a, i - 1) == lower(b, j - 2) &&
                lower(a, i - 2) == lower(b, j - 1))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return least(last[b.len], bound + 1);
}

const char *nw_suggest(struct nw_slice word, const char *const *candidates, size_t count)
{
    unsigned bound = word.len <= 4 ? 1 : word.len <= 8 ? 2 : 3;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = nw_suggest_distance(word, nw_slice_str(candidates[i]), bound);
        if (distance > bound)
            continue;
        best = candidates[i];
        if (distance == 0)
            break;
        bound = distance - 1; /* only a nearer one may replace it */
    }
    return best;
}
