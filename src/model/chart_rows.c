/*
 * Rows: for each label a bar along the x axis, its two ends told in words. The upright line at the
 * base is what everything is compared with: what lies on its left is hollow, on its right full. A
 * row whose ends are one value is a dot: when something is due, say.
 */
#include "model/chart_impl.h"

#include <math.h>

enum {
    WIDTH = 720,
    TOP = 30,
    BOTTOM = 50,
    ROW_HEIGHT = 26,
    LABEL_WIDTH_MAX = 200,
    END_WIDTH_MAX = 150,
};

struct rows {
    const struct nw_model_chart *chart;
    struct nw_text *out;
    unsigned count;
    struct chart_scale x;
    double left, right, bottom;
};

/* "80 (200/s)" */
static void end_text(const struct nw_model_chart *chart, double value, const char *note,
                     struct nw_text *out)
{
    chart_print_value(out, value, chart->x.unit, chart->currency);
    if (note != NULL)
        nw_text_addf(out, " (%s)", note);
}

static double end_width(const struct nw_model_chart *chart, double value, const char *note)
{
    struct nw_text text = {0};
    if (!chart_is_number(value))
        return 0;
    end_text(chart, value, note, &text);
    double width = chart_text_width(text.ptr);
    nw_text_done(&text);
    return fmin(width, END_WIDTH_MAX);
}

/* Room for the labels on the left, and for what stands at both ends of the longest bar. */
static void lay_out(struct rows *rows)
{
    const struct nw_model_chart *chart = rows->chart;
    struct chart_span span = CHART_SPAN_EMPTY;
    double labels = 0, ends = 0;
    for (unsigned i = 0; i < rows->count; i++) {
        const struct nw_model_chart_row *row = &chart->rows[i];
        chart_span_add(&span, row->low);
        chart_span_add(&span, row->high);
        labels = fmax(labels, chart_text_width(row->label));
        ends = fmax(ends, end_width(chart, row->low, row->low_note));
        ends = fmax(ends, end_width(chart, row->high, row->high_note));
    }
    chart_span_add(&span, chart->base);
    chart_scale_set(&rows->x, &span, &chart->x, true, 8);
    rows->left = fmin(labels, LABEL_WIDTH_MAX) + 16;
    rows->right = WIDTH - 12;
    rows->bottom = TOP + ROW_HEIGHT * (double)rows->count + 6;
    rows->x.from = rows->left + ends + 10;
    rows->x.to = rows->right - ends - 10;
}

static void print_part(const struct rows *rows, unsigned index, double from, double to, double y)
{
    if (to <= from)
        return;
    nw_text_addf(rows->out, "<rect class=\"b s%u\"", index);
    chart_add_attribute(rows->out, "x", from);
    chart_add_attribute(rows->out, "y", y);
    chart_add_attribute(rows->out, "width", to - from);
    chart_add_attribute(rows->out, "height", ROW_HEIGHT - 10);
    nw_text_add_str(rows->out, "/>");
}

/* Where both ends are one there is no bar. */
static void print_mark(const struct rows *rows, double x, double y)
{
    nw_text_add_str(rows->out, "<circle class=\"b s0\" r=\"5\"");
    chart_add_attribute(rows->out, "cx", x);
    chart_add_attribute(rows->out, "cy", y);
    nw_text_add_str(rows->out, "/>");
}

static void print_end(const struct rows *rows, double value, const char *note, bool is_left,
                      double y)
{
    struct nw_text text = {0};
    end_text(rows->chart, value, note, &text);
    chart_add_text(rows->out, "k", is_left ? "end" : "start",
                   chart_scale_at(&rows->x, value) + (is_left ? -8 : 8), y, text.ptr,
                   END_WIDTH_MAX);
    nw_text_done(&text);
}

static void print_row(const struct rows *rows, unsigned index)
{
    const struct nw_model_chart_row *row = &rows->chart->rows[index];
    double top = TOP + ROW_HEIGHT * (double)index + 8, middle = top + 12;
    chart_add_text(rows->out, "t", "end", rows->left - 8, middle, row->label, LABEL_WIDTH_MAX);
    if (!chart_scale_has(&rows->x, row->low) || !chart_scale_has(&rows->x, row->high)) {
        chart_add_text(rows->out, "k", "start", rows->left + 6, middle, "no value", 0);
        return;
    }
    bool is_turned = row->low > row->high;
    double low = is_turned ? row->high : row->low, high = is_turned ? row->low : row->high;
    double from = chart_scale_at(&rows->x, low), to = chart_scale_at(&rows->x, high);
    double base = chart_scale_has(&rows->x, rows->chart->base)
                      ? chart_scale_at(&rows->x, rows->chart->base)
                      : from;
    if (to - from < 1) {
        print_mark(rows, from, top + (ROW_HEIGHT - 10) / 2.0);
        print_end(rows, high, is_turned ? row->low_note : row->high_note, false, middle);
        return;
    }
    print_part(rows, 1, from, fmin(to, base), top);
    print_part(rows, 0, fmax(from, base), to, top);
    print_end(rows, low, is_turned ? row->high_note : row->low_note, true, middle);
    print_end(rows, high, is_turned ? row->low_note : row->high_note, false, middle);
}

void chart_print_rows(const struct nw_model_chart *chart, struct nw_text *out)
{
    struct rows rows = {.chart = chart, .out = out, .count = chart->row_count};
    if (rows.count > NW_MODEL_CHART_ROWS_MAX)
        rows.count = NW_MODEL_CHART_ROWS_MAX;
    lay_out(&rows);
    chart_open(chart, WIDTH, rows.bottom + BOTTOM, out);
    chart_print_x_axis(chart, &rows.x, TOP, rows.bottom, out);
    for (unsigned i = 0; i < rows.count; i++)
        print_row(&rows, i);
    if (chart_scale_has(&rows.x, chart->base)) {
        struct nw_text text = {0};
        double at = chart_scale_at(&rows.x, chart->base);
        chart_add_line(out, "x", at, TOP - 4, at, rows.bottom);
        chart_print_value(&text, chart->base, chart->x.unit, chart->currency);
        chart_add_text(out, "n", "middle", at, TOP - 10, text.ptr, 0);
        nw_text_done(&text);
    }
    nw_text_add_str(out, "</svg>");
}
