/*
 * chart.h - numbers to SVG, readable without colour, without a script and on paper.
 *
 * A chart is a plain struct that the caller fills; nw_model_chart_print turns it into one <svg>
 * that scales with its viewBox. Lines carry their names at their ends instead of a legend, and
 * differ by dash and marker as well as by colour; colours are CSS variables that
 * nw_model_chart_css defines once for a page, light and dark. What is not finite, or beyond 1e150,
 * is a gap in a line, never a number in the SVG. Series of any length are thinned to a bounded
 * number of points that keeps their extremes. Same chart, same bytes, in any locale.
 *
 * Owner:   all arrays and strings are borrowed, until the last print
 * Threads: stateless
 */
#ifndef NW_MODEL_CHART_H
#define NW_MODEL_CHART_H

#include <stdbool.h>

#include "base/text.h"
#include "model/units.h"

enum {
    NW_MODEL_CHART_SERIES_MAX = 8, /* more lines than that nobody can tell apart */
    NW_MODEL_CHART_RULES_MAX = 8,
    NW_MODEL_CHART_ROWS_MAX = 40,
    NW_MODEL_CHART_POINTS_MAX = 240, /* of one series in the SVG; more are thinned to this */
    NW_MODEL_CHART_BARS_MAX = 64,    /* more bars than that become an outline with steps */
    NW_MODEL_TICKS_MAX = 16,
};

typedef enum nw_model_chart_kind {
    NW_MODEL_CHART_LINE,
    NW_MODEL_CHART_STEP, /* a value holds until the next x */
    NW_MODEL_CHART_BAR,  /* from zero; side by side where several series have bars */
    NW_MODEL_CHART_BAND, /* the area from y to high; its name stands at its upper edge */
    NW_MODEL_CHART_DOTS, /* a scatter of marks */
} nw_model_chart_kind;

struct nw_model_chart_series {
    const char *name; /* stands at its end; NULL where there is nothing to tell apart */
    nw_model_chart_kind kind;
    const double *x; /* rising; NULL: 0, 1, 2, … */
    const double *y;
    const double *high; /* bands: the upper edge */
    size_t count;
};

struct nw_model_chart_axis {
    const char *label;
    nw_model_unit unit;
    bool is_log;       /* 0 and below have no place on it: a gap. Linear if nothing is above 0 */
    bool is_from_zero; /* begins at 0 even where the values are far from it; linear axes only */
    const char *const *names; /* x axis: what stands at 0, 1, 2, … instead of numbers */
    unsigned name_count;
};

/* A line across at one value: a ceiling, the moment of a failure. */
struct nw_model_chart_rule {
    const char *label;
    double at;
    bool is_on_x; /* upright, at an x */
};

/*
 * A row of a tornado: how far the result goes when this input alone moves. low may be > high; where
 * they are equal the row is a dot with high_note.
 */
struct nw_model_chart_row {
    const char *label;
    double low;
    double high;
    const char *low_note; /* in parentheses behind the value of that end: "200/s"; or NULL */
    const char *high_note;
};

/*
 * Series against x and y; or, where row_count > 0, rows: horizontal bars from low to high along
 * the x axis, with an upright line at `base` unless that is not finite (a tornado; the caller
 * sorts).
 */
struct nw_model_chart {
    const char *title;
    const char *what; /* one or two sentences for who cannot see it; or NULL */
    const char *currency;
    struct nw_model_chart_axis x;
    struct nw_model_chart_axis y;
    struct nw_model_chart_series series[NW_MODEL_CHART_SERIES_MAX];
    unsigned series_count;
    struct nw_model_chart_rule rules[NW_MODEL_CHART_RULES_MAX];
    unsigned rule_count;
    const struct nw_model_chart_row *rows;
    unsigned row_count; /* those behind NW_MODEL_CHART_ROWS_MAX are left out */
    double base;
};

/* The style rules that every chart of a page shares, without <style>. */
void nw_model_chart_css(struct nw_text *out);
/* Appends one <svg>. A chart without any value says "no data". A title must be given. */
void nw_model_chart_print(const struct nw_model_chart *chart, struct nw_text *out);

/*
 * Round numbers (1, 2, 5 times a power of ten; seconds, minutes, hours, days for NW_MODEL_SECONDS;
 * powers of ten and their 2 and 5 where is_log) between low and high, `most` at most; returns how
 * many. low < high, both finite, above 0 where is_log, most in 2..NW_MODEL_TICKS_MAX.
 */
unsigned nw_model_chart_ticks(double low, double high, nw_model_unit unit, bool is_log,
                              unsigned most, double out_ticks[NW_MODEL_TICKS_MAX]);
/*
 * Which of `count` values to keep so that a line looks the same: the first and last of each
 * stretch, its least and greatest, and one that is not finite where there is one. Writes rising
 * indices, `most` (at least 10) at most, and returns how many.
 */
size_t nw_model_chart_thin(const double *values, size_t count, size_t most, size_t *out_indices);

#endif
