/*
 * units.h - what a number of the planner measures, how it is rounded and how it is shown.
 *
 * Inside, everything is in base units: seconds, bytes, one each second, money each hour, shares as
 * 0..1. A unit says how a person sees the value: "10,416.7/s", "130 GB", "27,375 /month", "90%".
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_MODEL_UNITS_H
#define NW_MODEL_UNITS_H

#include <stdbool.h>

#include "base/text.h"

#define NW_MODEL_DAY_S 86400.0
#define NW_MODEL_YEAR_H 8760.0
#define NW_MODEL_MONTH_H 730.0 /* a twelfth of a year */

typedef enum nw_model_unit {
    NW_MODEL_NUMBER,      /* a factor: 1.30 */
    NW_MODEL_COUNT,       /* things: 54 */
    NW_MODEL_SECONDS,     /* shown as 4.2 ms, 50 s, 3.65 d */
    NW_MODEL_PER_S,       /* shown as 10,416.7/s */
    NW_MODEL_BYTES,       /* shown decimal: 86.4 GB */
    NW_MODEL_BYTES_PER_S, /* 10 MB/s */
    NW_MODEL_BITS_PER_S,  /* 80 Mbit/s */
    NW_MODEL_RATIO,       /* 0..1, shown as 95% */
    NW_MODEL_MONEY,       /* an amount, in the plan's currency */
    NW_MODEL_MONEY_PER_H,
    NW_MODEL_KM,
} nw_model_unit;

/* "per_s", "bytes"…: the suffix that JSON names carry; "" for NUMBER and COUNT. */
const char *nw_model_unit_name(nw_model_unit unit);
/*
 * Appends the value as a person reads it, thousands separated: a whole number without decimals,
 * another with three to six digits ("10,416.7/s", "53.10"); never in exponent form below 1e15. A
 * trailing zero is either that of a factor or of money (two decimals) or says that something was
 * rounded away. A value that is not finite is a programmer's mistake (asserted): a result without a
 * value has a reason instead. currency may be NULL.
 */
void nw_model_unit_print(struct nw_text *out, double value, nw_model_unit unit,
                         const char *currency);
/* The same with so many decimals (0 to 12), as in a column in which the points line up. */
void nw_model_unit_print_places(struct nw_text *out, double value, nw_model_unit unit,
                                const char *currency, int places);

/* Upward, once, at the end: the nearest integer if within 1e-9 relative of it, else the next. */
double nw_model_ceil(double x);
/* Compares with a threshold under the same tolerance: is a > b by more than 1e-9 relative? */
bool nw_model_is_above(double a, double b);

#endif
