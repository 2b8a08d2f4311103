/*
 * bar.h - one --fail-if: "services.app.nodes >= 5" is missed when it is true.
 *
 * PATH OP NUMBER, with OP one of > >= < <= == !=. The number may have a unit, which must suit the
 * result: 200us 200ms 2s 5m 1h 7d for times, 5% for ratios, 10K 1M 2B for counts and money, 64K
 * 256M 1G 1T (powers of two) and KB MB GB TB (decimal) for bytes, 100/s 10/m 5/h 1/d for rates,
 * 0.50/h and 300/month for money each hour. Without a unit it is in base units, as in the JSON.
 *
 * Owner:   nothing here allocates; slices point into the text
 * Threads: stateless
 */
#ifndef NW_CMD_BAR_H
#define NW_CMD_BAR_H

#include "base/err.h"
#include "base/slice.h"
#include "model/units.h"

typedef enum bar_compare {
    BAR_ABOVE,
    BAR_AT_LEAST,
    BAR_BELOW,
    BAR_AT_MOST,
    BAR_EQUAL,
    BAR_NOT_EQUAL,
} bar_compare;

struct bar {
    struct nw_slice path;
    bar_compare compare;
    double number; /* without its unit; finite */
    struct nw_slice unit;
};

/* NW_INVALID: *out_why is a static sentence. */
NW_MUST_CHECK nw_err bar_parse(struct nw_slice text, struct bar *out, const char **out_why);
/* The number in base units for a result of that unit; NW_INVALID: its unit does not suit. */
NW_MUST_CHECK nw_err bar_number(const struct bar *bar, nw_model_unit unit, double *out);
/* Is the comparison true, the bar's number being `number`? Equal is within 1e-9 relative. */
bool bar_is_missed(const struct bar *bar, double value, double number);

#endif
