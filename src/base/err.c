/* The table of err.def as three look-ups. */
#include "base/err.h"

#include "base/assert.h"

static const struct {
    const char *name;
    int status;
    const char *text;
} table[] = {
    {"OK", 200, "it worked"},
#define NW_ERR(name, status, text) {#name, status, text},
#include "base/err.def"
#undef NW_ERR
};

const char *nw_err_name(nw_err err)
{
    NW_ASSERT(err < NW_ERR_COUNT);
    return table[err].name;
}

const char *nw_err_text(nw_err err)
{
    NW_ASSERT(err < NW_ERR_COUNT);
    return table[err].text;
}

int nw_err_status(nw_err err)
{
    NW_ASSERT(err < NW_ERR_COUNT);
    return table[err].status;
}
