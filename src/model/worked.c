/*
 * Examples are found by value, not by a switch in each function: a plan that happens to be a
 * guide's own sees the guide's figures, any other plan sees none.
 */
#include "model/worked.h"

#include <math.h>
#include <string.h>

static const struct nw_model_worked rows[] = {
#define NW_MODEL_WORKED(fact, guide, leaf, exact, printed) {fact, guide, leaf, exact, printed},
#include "model/worked.def"
#undef NW_MODEL_WORKED
};

const char *nw_model_guide_title(char letter)
{
    static const char *const titles[] = {
        "entry and exit flow",          "building blocks", "strangler fig", "scalability",
        "one box to 100M requests/day",
    };
    return letter >= 'A' && letter <= 'E' ? titles[letter - 'A'] : NULL;
}

const struct nw_model_worked *nw_model_worked_find(const char *leaf, double exact)
{
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        if (fabs(rows[i].exact - exact) <= 1e-9 * fabs(exact) && strcmp(rows[i].leaf, leaf) == 0)
            return &rows[i];
    return NULL;
}

const struct nw_model_worked *nw_model_worked_rows(size_t *out_count)
{
    *out_count = NW_COUNT(rows);
    return rows;
}
