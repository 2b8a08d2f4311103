/*
 * chart_impl.h - scales and primitives that the kinds of charts share.
 *
 * Lengths are in the units of the viewBox, which are CSS pixels at full size.
 *
 * Owner:   nothing here allocates but the texts that the caller hands in
 * Threads: stateless
 */
#ifndef NW_MODEL_CHART_IMPL_H
#define NW_MODEL_CHART_IMPL_H

#include "model/chart.h"

/* One axis: values to positions. */
struct chart_scale {
    double low;
    double high;
    bool is_log;
    double from; /* position of low */
    double to;   /* position of high; less than from for y */
};

struct chart_span {
    double low; /* low > high: no value yet */
    double high;
    double above_zero; /* the least value above 0; HUGE_VAL: none */
};

#define CHART_SPAN_EMPTY ((struct chart_span){HUGE_VAL, -HUGE_VAL, HUGE_VAL})

/* Can the value be drawn at all? */
bool chart_is_number(double value);
void chart_span_add(struct chart_span *span, double value);
/*
 * Turns what the values span into a scale that begins and ends at round numbers (is_round) or at
 * the values themselves. Always low < high.
 */
void chart_scale_set(struct chart_scale *scale, const struct chart_span *span,
                     const struct nw_model_chart_axis *axis, bool is_round, unsigned most);
/* Has the value a place on the axis? */
bool chart_scale_has(const struct chart_scale *scale, double value);
double chart_scale_at(const struct chart_scale *scale, double value);

/* Widths are estimated: no font is at hand. */
double chart_text_width(const char *text);
/* " 12.3": one decimal, in any locale. */
void chart_add_length(struct nw_text *out, double length);
/* name="12.3" with a space before it. */
void chart_add_attribute(struct nw_text *out, const char *name, double length);
void chart_add_line(struct nw_text *out, const char *css, double x1, double y1, double x2,
                    double y2);
/* anchor: "start", "middle", "end". Shortened with an ellipsis beyond width_max (0: never). */
void chart_add_text(struct nw_text *out, const char *css, const char *anchor, double x, double y,
                    const char *text, double width_max);
/* The value as on a tick. */
void chart_print_value(struct nw_text *out, double value, nw_model_unit unit, const char *currency);
/* <svg …><title>…</title><desc>…</desc> */
void chart_open(const struct nw_model_chart *chart, double width, double height,
                struct nw_text *out);
/*
 * Ticks of the x axis with grid lines from top to bottom and texts below; as many as fit without
 * touching each other. The axis's label stands below them.
 */
void chart_print_x_axis(const struct nw_model_chart *chart, const struct chart_scale *scale,
                        double top, double bottom, struct nw_text *out);

/* How much lower the axis ends because its names, wider than their places, lean; or 0. */
double chart_names_height(const struct nw_model_chart *chart, const struct chart_scale *scale);

/* A chart of rows. */
void chart_print_rows(const struct nw_model_chart *chart, struct nw_text *out);

#endif
