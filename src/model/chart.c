/*
 * Series against two axes. The plot is laid out from what it has to carry: the left margin is as
 * wide as the widest tick, the right one as the longest name, because names stand at the ends of
 * their lines: a legend makes the eye travel, and fails without colour. Names that would cover each
 * other are moved apart and tied to their line.
 *
 * A path is written as differences in whole tenths: a third shorter than absolute positions, and
 * without their sum of rounding, because the tenths themselves are what is subtracted.
 */
#include "model/chart_impl.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"

enum {
    WIDTH = 720,
    HEIGHT = 340,
    TOP = 30,
    BOTTOM = 50,
    NAME_WIDTH_MAX = 190,
    NAME_HEIGHT = 15,
    Y_TICKS = 6,
    TOLD_POINTS_MAX = 40, /* up to so many points each has a mark that tells its value */
    MARKS = 5,            /* else so many along the line */
};

/* Where a name goes. */
struct name_place {
    const char *text;
    unsigned index;
    double x, y; /* the end of what it names */
    double placed_y;
};

struct plot {
    const struct nw_model_chart *chart;
    struct nw_text *out;
    struct chart_scale x, y;
    double left, right, top, bottom;
    double height;
    double bar_width; /* of all bars at one x */
    unsigned bar_series;
    struct name_place names[NW_MODEL_CHART_SERIES_MAX];
    unsigned name_count;
};

static double x_of(const struct nw_model_chart_series *series, size_t i)
{
    return series->x != NULL ? series->x[i] : (double)i;
}

static bool has_place(const struct plot *plot, const struct nw_model_chart_series *series, size_t i)
{
    if (!chart_scale_has(&plot->x, x_of(series, i)))
        return false;
    if (series->kind == NW_MODEL_CHART_BAND)
        return chart_is_number(series->y[i]) && chart_scale_has(&plot->y, series->high[i]);
    return chart_scale_has(&plot->y, series->y[i]);
}

/* On a logarithmic axis what begins at 0 begins at the axis. */
static double y_at(const struct plot *plot, double value)
{
    if (plot->y.is_log && value < plot->y.low)
        return plot->bottom;
    return chart_scale_at(&plot->y, value);
}

/* ---- layout ---- */

static struct chart_span span_of(const struct nw_model_chart *chart, bool is_x)
{
    struct chart_span span = CHART_SPAN_EMPTY;
    for (unsigned s = 0; s < chart->series_count; s++) {
        const struct nw_model_chart_series *series = &chart->series[s];
        for (size_t i = 0; i < series->count; i++) {
            chart_span_add(&span, is_x ? x_of(series, i) : series->y[i]);
            if (!is_x && series->kind == NW_MODEL_CHART_BAND)
                chart_span_add(&span, series->high[i]);
        }
        if (!is_x && series->kind == NW_MODEL_CHART_BAR)
            chart_span_add(&span, 0);
    }
    for (unsigned r = 0; r < chart->rule_count; r++)
        if (chart->rules[r].is_on_x == is_x && span.low <= span.high)
            chart_span_add(&span, chart->rules[r].at);
    return span;
}

/* The least distance of neighbouring bars. */
static double bars_apart(const struct nw_model_chart *chart)
{
    double apart = HUGE_VAL;
    for (unsigned s = 0; s < chart->series_count; s++) {
        const struct nw_model_chart_series *series = &chart->series[s];
        for (size_t i = 1; series->kind == NW_MODEL_CHART_BAR && i < series->count; i++) {
            double distance = fabs(x_of(series, i) - x_of(series, i - 1));
            if (chart_is_number(distance) && distance > 0)
                apart = fmin(apart, distance);
        }
    }
    return isfinite(apart) ? apart : 1;
}

static double widest_tick(const struct plot *plot)
{
    const struct nw_model_chart *chart = plot->chart;
    double ticks[NW_MODEL_TICKS_MAX], widest = 0;
    struct nw_text text = {0};
    unsigned count = nw_model_chart_ticks(plot->y.low, plot->y.high, chart->y.unit, plot->y.is_log,
                                          Y_TICKS + 2, ticks);
    for (unsigned i = 0; i < count; i++) {
        chart_print_value(&text, ticks[i], chart->y.unit, chart->currency);
        widest = fmax(widest, chart_text_width(text.ptr));
    }
    nw_text_done(&text);
    return widest;
}

static double longest_name(const struct nw_model_chart *chart)
{
    double longest = 0;
    for (unsigned s = 0; s < chart->series_count; s++)
        if (chart->series[s].name != NULL && chart->series[s].kind != NW_MODEL_CHART_BAR)
            longest = fmax(longest, chart_text_width(chart->series[s].name));
    return fmin(longest, NAME_WIDTH_MAX);
}

static void lay_out(struct plot *plot)
{
    const struct nw_model_chart *chart = plot->chart;
    struct chart_span across = span_of(chart, true), up = span_of(chart, false);
    struct nw_model_chart_axis y = chart->y;
    if (up.low > 0 && up.low <= up.high / 2)
        y.is_from_zero = true; /* it is not far; a picture that begins elsewhere exaggerates */
    chart_scale_set(&plot->y, &up, &y, true, Y_TICKS);
    double name_width = longest_name(chart);
    plot->left = ceil(widest_tick(plot)) + 16;
    plot->right = WIDTH - (name_width > 0 ? name_width + 16 : 20);
    plot->top = TOP;
    plot->bottom = HEIGHT - BOTTOM;
    for (unsigned s = 0; s < chart->series_count; s++)
        plot->bar_series += chart->series[s].kind == NW_MODEL_CHART_BAR;
    bool has_places = plot->bar_series > 0 || chart->x.name_count > 0;
    if (has_places && across.low <= across.high && !chart->x.is_log) {
        double half = bars_apart(chart) / 2;
        across.low -= half;
        across.high += half;
    }
    chart_scale_set(&plot->x, &across, &chart->x, false, Y_TICKS);
    plot->x.from = plot->left;
    plot->x.to = plot->right;
    plot->height = HEIGHT + chart_names_height(chart, &plot->x);
    plot->y.from = plot->bottom;
    plot->y.to = plot->top;
    if (plot->bar_series > 0 && !plot->x.is_log)
        plot->bar_width =
            bars_apart(chart) / (plot->x.high - plot->x.low) * (plot->right - plot->left) * 0.8;
    else
        plot->bar_width = 8;
}

/* ---- axes ---- */

static void print_y_axis(const struct plot *plot)
{
    const struct nw_model_chart *chart = plot->chart;
    double ticks[NW_MODEL_TICKS_MAX];
    struct nw_text text = {0};
    unsigned count = nw_model_chart_ticks(plot->y.low, plot->y.high, chart->y.unit, plot->y.is_log,
                                          Y_TICKS + 2, ticks);
    for (unsigned i = 0; i < count; i++) {
        double at = chart_scale_at(&plot->y, ticks[i]);
        chart_add_line(plot->out, "g", plot->left, at, plot->right, at);
        chart_print_value(&text, ticks[i], chart->y.unit, chart->currency);
        chart_add_text(plot->out, "k", "end", plot->left - 8, at + 4, text.ptr, 0);
    }
    nw_text_done(&text);
    if (chart->y.label != NULL)
        chart_add_text(plot->out, "a", "start", 2, 14, chart->y.label, WIDTH / 2.0);
    double zero = plot->y.is_log || plot->y.low > 0 || plot->y.high < 0
                      ? plot->bottom
                      : chart_scale_at(&plot->y, 0);
    chart_add_line(plot->out, "x", plot->left, zero, plot->right, zero);
}

static void print_rules(const struct plot *plot)
{
    unsigned upright = 0;
    for (unsigned r = 0; r < plot->chart->rule_count; r++) {
        const struct nw_model_chart_rule *rule = &plot->chart->rules[r];
        if (!chart_scale_has(rule->is_on_x ? &plot->x : &plot->y, rule->at))
            continue;
        if (!rule->is_on_x) {
            double at = chart_scale_at(&plot->y, rule->at);
            chart_add_line(plot->out, "q", plot->left, at, plot->right, at);
            chart_add_text(plot->out, "r", "start", plot->left + 6, at - 5, rule->label,
                           plot->right - plot->left);
            continue;
        }
        double at = chart_scale_at(&plot->x, rule->at);
        bool is_left = at > (plot->left + plot->right) / 2;
        chart_add_line(plot->out, "q", at, plot->top, at, plot->bottom);
        chart_add_text(plot->out, "r", is_left ? "end" : "start", at + (is_left ? -5 : 5),
                       plot->top + 11 + 14 * (upright++ % 4), rule->label, NAME_WIDTH_MAX);
    }
}

/* ---- paths ---- */

struct pen {
    struct nw_text *out;
    long x, y; /* tenths */
    bool is_down;
};

static void add_tenths(struct nw_text *out, long tenths, bool is_first)
{
    nw_text_add_str(out, tenths < 0 ? "-" : is_first ? "" : " ");
    tenths = labs(tenths);
    if (tenths >= 10 || tenths == 0)
        nw_text_addf(out, "%ld", tenths / 10);
    if (tenths % 10 != 0)
        nw_text_addf(out, ".%ld", tenths % 10);
}

static void pen_move(struct pen *pen, double x, double y)
{
    pen->x = lround(x * 10);
    pen->y = lround(y * 10);
    nw_text_add_char(pen->out, 'M');
    add_tenths(pen->out, pen->x, true);
    add_tenths(pen->out, pen->y, false);
    pen->is_down = true;
}

static void pen_line(struct pen *pen, double x, double y)
{
    long to_x = lround(x * 10), to_y = lround(y * 10);
    if (to_x == pen->x && to_y == pen->y)
        return;
    nw_text_add_char(pen->out, to_y == pen->y ? 'h' : to_x == pen->x ? 'v' : 'l');
    if (to_x != pen->x)
        add_tenths(pen->out, to_x - pen->x, true);
    if (to_y != pen->y)
        add_tenths(pen->out, to_y - pen->y, to_x == pen->x);
    pen->x = to_x;
    pen->y = to_y;
}

static void open_path(const struct plot *plot, const char *css, unsigned index)
{
    nw_text_addf(plot->out, "<path class=\"%s s%u\" d=\"", css, index);
}

/* The line over the kept points; a point that has no place interrupts it. */
static void add_outline(const struct plot *plot, const struct nw_model_chart_series *series,
                        const double *values, const size_t *kept, size_t kept_count, bool is_step)
{
    struct pen pen = {.out = plot->out};
    for (size_t k = 0; k < kept_count; k++) {
        size_t i = kept[k];
        if (!has_place(plot, series, i)) {
            pen.is_down = false;
            continue;
        }
        double x = chart_scale_at(&plot->x, x_of(series, i)), y = y_at(plot, values[i]);
        if (pen.is_down && is_step)
            pen_line(&pen, x, (double)pen.y / 10);
        if (pen.is_down)
            pen_line(&pen, x, y);
        else
            pen_move(&pen, x, y);
    }
}

/* Between y and high: forth along the upper edge, back along the lower one, for each stretch. */
static void add_area(const struct plot *plot, const struct nw_model_chart_series *series,
                     const size_t *kept, size_t kept_count)
{
    struct pen pen = {.out = plot->out};
    for (size_t from = 0; from < kept_count;) {
        size_t to = from;
        while (to < kept_count && has_place(plot, series, kept[to]))
            to++;
        for (size_t k = from; k < to; k++) {
            double x = chart_scale_at(&plot->x, x_of(series, kept[k]));
            double y = y_at(plot, series->high[kept[k]]);
            if (k == from)
                pen_move(&pen, x, y);
            else
                pen_line(&pen, x, y);
        }
        for (size_t k = to; k-- > from;)
            pen_line(&pen, chart_scale_at(&plot->x, x_of(series, kept[k])),
                     y_at(plot, series->y[kept[k]]));
        if (to > from)
            nw_text_add_char(plot->out, 'z');
        from = to + 1;
    }
}

/* ---- marks ---- */

/* Around x, y; by the number of the series. */
static void add_mark(struct nw_text *out, unsigned index, double x, double y)
{
    static const char *const shapes[] = {
        "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z", /* circle */
        "m-3-3h6v6h-6z",                                /* square */
        "m0-4l4 7h-8z",                                 /* triangle */
        "m0-4.5l4 4.5l-4 4.5l-4-4.5z",                  /* diamond */
        "m0 4l4-7h-8z",                                 /* triangle, upside down */
        "m-3.5-3.5l7 7m0-7l-7 7",                       /* cross */
        "m-4 0h8m-4-4v8",                               /* plus */
        "m-4-2h8v4h-8z",                                /* bar */
    };
    nw_text_add_char(out, 'M');
    chart_add_length(out, x);
    nw_text_add_char(out, ' ');
    chart_add_length(out, y);
    nw_text_add_str(out, shapes[index % NW_COUNT(shapes)]);
}

/* "queue: 12 ms at 10,000/s", shown when the pointer rests on it. */
static void add_told(const struct plot *plot, const struct nw_model_chart_series *series, size_t i)
{
    const struct nw_model_chart *chart = plot->chart;
    struct nw_text text = {0}, value = {0};
    double x = x_of(series, i);
    if (series->name != NULL)
        nw_text_addf(&text, "%s: ", series->name);
    if (series->kind == NW_MODEL_CHART_BAND) {
        chart_print_value(&value, series->y[i], chart->y.unit, chart->currency);
        nw_text_addf(&text, "%s to ", value.ptr);
    }
    chart_print_value(&value, series->kind == NW_MODEL_CHART_BAND ? series->high[i] : series->y[i],
                      chart->y.unit, chart->currency);
    nw_text_addf(&text, "%s at ", value.ptr);
    if (x >= 0 && x < chart->x.name_count)
        nw_text_add_str(&text, chart->x.names[(unsigned)x]);
    else
        nw_model_unit_print(&text, x, chart->x.unit, "");
    nw_text_add_str(plot->out, "<title>");
    nw_text_add_xml(plot->out, nw_text_slice(&text));
    nw_text_add_str(plot->out, "</title>");
    nw_text_done(&text);
    nw_text_done(&value);
}

static void print_told_marks(const struct plot *plot, const struct nw_model_chart_series *series,
                             unsigned index)
{
    for (size_t i = 0; i < series->count; i++) {
        if (!has_place(plot, series, i))
            continue;
        open_path(plot, "m", index);
        add_mark(plot->out, index, chart_scale_at(&plot->x, x_of(series, i)),
                 y_at(plot, series->kind == NW_MODEL_CHART_BAND ? series->high[i] : series->y[i]));
        nw_text_add_str(plot->out, "\">");
        add_told(plot, series, i);
        nw_text_add_str(plot->out, "</path>");
    }
}

/* All in one path: of a scatter each kept point, of a line a few. */
static void print_marks(const struct plot *plot, const struct nw_model_chart_series *series,
                        unsigned index, const size_t *kept, size_t kept_count)
{
    bool is_scatter = series->kind == NW_MODEL_CHART_DOTS;
    size_t stride = is_scatter ? 1 : kept_count / MARKS + 1;
    if (!is_scatter && plot->chart->series_count == 1)
        return; /* nothing to tell apart */
    open_path(plot, "m", index);
    size_t first = is_scatter ? 0 : stride * (index + 1) / (NW_MODEL_CHART_SERIES_MAX + 1);
    for (size_t k = first; k < kept_count; k += stride)
        if (has_place(plot, series, kept[k]))
            add_mark(plot->out, index, chart_scale_at(&plot->x, x_of(series, kept[k])),
                     y_at(plot, series->y[kept[k]]));
    nw_text_add_str(plot->out, "\"/>");
}

/* ---- series ---- */

static void note_name(struct plot *plot, const struct nw_model_chart_series *series, unsigned index,
                      const size_t *kept, size_t kept_count)
{
    size_t last = kept_count;
    while (last > 0 && !has_place(plot, series, kept[last - 1]))
        last--;
    if (last == 0 || series->name == NULL)
        return;
    size_t i = kept[last - 1];
    double y = y_at(plot, series->kind == NW_MODEL_CHART_BAND ? series->high[i] : series->y[i]);
    plot->names[plot->name_count++] =
        (struct name_place){series->name, index, chart_scale_at(&plot->x, x_of(series, i)), y, y};
}

static size_t thin(const struct nw_model_chart_series *series, size_t *kept)
{
    return nw_model_chart_thin(series->kind == NW_MODEL_CHART_BAND ? series->high : series->y,
                               series->count, NW_MODEL_CHART_POINTS_MAX, kept);
}

static void print_series(struct plot *plot, unsigned index, const size_t *kept, size_t kept_count)
{
    const struct nw_model_chart_series *series = &plot->chart->series[index];
    bool is_step = series->kind == NW_MODEL_CHART_STEP || series->kind == NW_MODEL_CHART_BAR;
    if (series->kind == NW_MODEL_CHART_BAND) {
        open_path(plot, "f", index);
        add_area(plot, series, kept, kept_count);
        nw_text_add_str(plot->out, "\"/>");
        open_path(plot, "d", index);
        add_outline(plot, series, series->high, kept, kept_count, false);
        add_outline(plot, series, series->y, kept, kept_count, false);
        nw_text_add_str(plot->out, "\"/>");
    } else if (series->kind != NW_MODEL_CHART_DOTS) {
        open_path(plot, "l", index);
        add_outline(plot, series, series->y, kept, kept_count, is_step);
        nw_text_add_str(plot->out, "\"/>");
    }
    if (series->count <= TOLD_POINTS_MAX)
        print_told_marks(plot, series, index);
    else if (series->kind != NW_MODEL_CHART_BAND)
        print_marks(plot, series, index, kept, kept_count);
    note_name(plot, series, index, kept, kept_count);
}

static void print_bar(const struct plot *plot, const struct nw_model_chart_series *series,
                      unsigned index, unsigned place, size_t i)
{
    double width = plot->bar_width / plot->bar_series;
    double x = chart_scale_at(&plot->x, x_of(series, i)) - plot->bar_width / 2 + place * width;
    double zero = plot->y.is_log ? plot->bottom : chart_scale_at(&plot->y, 0);
    double y = y_at(plot, series->y[i]);
    nw_text_addf(plot->out, "<rect class=\"b s%u\"", index);
    chart_add_attribute(plot->out, "x", x);
    chart_add_attribute(plot->out, "y", fmin(y, zero));
    chart_add_attribute(plot->out, "width", fmax(width - 1, 0.5));
    chart_add_attribute(plot->out, "height", fabs(zero - y));
    nw_text_add_char(plot->out, '>');
    add_told(plot, series, i);
    nw_text_add_str(plot->out, "</rect>");
    struct nw_text value = {0};
    chart_print_value(&value, series->y[i], plot->chart->y.unit, "");
    if (chart_text_width(value.ptr) <= width + 2)
        chart_add_text(plot->out, "k", "middle", x + width / 2, fmin(y, zero) - 5, value.ptr, 0);
    nw_text_done(&value);
}

/* Names of bars stand above the plot, each behind a small bar of its kind. */
static double print_bar_name(const struct plot *plot, const char *name, unsigned index,
                             double right)
{
    double width = fmin(chart_text_width(name), NAME_WIDTH_MAX), x = right - width - 20;
    nw_text_addf(plot->out, "<rect class=\"b s%u\"", index);
    chart_add_attribute(plot->out, "x", x);
    nw_text_add_str(plot->out, " y=\"4\" width=\"12\" height=\"12\"/>");
    nw_text_addf(plot->out, "<g class=\"s%u\">", index);
    chart_add_text(plot->out, "n", "start", x + 17, 14, name, NAME_WIDTH_MAX);
    nw_text_add_str(plot->out, "</g>");
    return x - 14;
}

static void print_bars(const struct plot *plot)
{
    unsigned place = 0;
    double right = plot->right;
    for (unsigned s = 0; s < plot->chart->series_count; s++) {
        const struct nw_model_chart_series *series = &plot->chart->series[s];
        if (series->kind != NW_MODEL_CHART_BAR || series->count > NW_MODEL_CHART_BARS_MAX)
            continue;
        for (size_t i = 0; i < series->count; i++)
            if (has_place(plot, series, i))
                print_bar(plot, series, s, place, i);
        place++;
    }
    for (unsigned s = plot->chart->series_count; s-- > 0;)
        if (plot->chart->series[s].kind == NW_MODEL_CHART_BAR &&
            plot->chart->series[s].name != NULL)
            right = print_bar_name(plot, plot->chart->series[s].name, s, right);
}

/* ---- names at the ends of lines ---- */

static void sort_names(struct plot *plot)
{
    for (unsigned i = 1; i < plot->name_count; i++)
        for (unsigned k = i; k > 0 && plot->names[k].y < plot->names[k - 1].y; k--) {
            struct name_place swapped = plot->names[k];
            plot->names[k] = plot->names[k - 1];
            plot->names[k - 1] = swapped;
        }
}

/* Downwards until none touches the next, then up again from the bottom edge. */
static void spread_names(struct plot *plot)
{
    double least = plot->top, most = plot->bottom;
    for (unsigned i = 0; i < plot->name_count; i++) {
        plot->names[i].placed_y = fmax(plot->names[i].y, least);
        least = plot->names[i].placed_y + NAME_HEIGHT;
    }
    for (unsigned i = plot->name_count; i-- > 0;) {
        plot->names[i].placed_y = fmin(plot->names[i].placed_y, most);
        most = plot->names[i].placed_y - NAME_HEIGHT;
    }
}

static void print_names(struct plot *plot)
{
    sort_names(plot);
    spread_names(plot);
    for (unsigned i = 0; i < plot->name_count; i++) {
        const struct name_place *name = &plot->names[i];
        double x = plot->right + 10;
        nw_text_addf(plot->out, "<g class=\"s%u\">", name->index);
        if (fabs(name->placed_y - name->y) > 3 || plot->right - name->x > 6)
            chart_add_line(plot->out, "e", name->x + 3, name->y, x - 2, name->placed_y);
        chart_add_text(plot->out, "n", "start", x, name->placed_y + 4, name->text, NAME_WIDTH_MAX);
        nw_text_add_str(plot->out, "</g>");
    }
}

static bool has_data(const struct plot *plot)
{
    for (unsigned s = 0; s < plot->chart->series_count; s++)
        for (size_t i = 0; i < plot->chart->series[s].count; i++)
            if (has_place(plot, &plot->chart->series[s], i))
                return true;
    return false;
}

/* Areas lie under bars, bars under lines. */
static void print_plot(struct plot *plot)
{
    size_t kept[NW_MODEL_CHART_POINTS_MAX];
    chart_print_x_axis(plot->chart, &plot->x, plot->top, plot->bottom, plot->out);
    print_y_axis(plot);
    for (int is_band = 1; is_band >= 0; is_band--) {
        for (unsigned s = 0; s < plot->chart->series_count; s++) {
            const struct nw_model_chart_series *series = &plot->chart->series[s];
            bool has_bars =
                series->kind == NW_MODEL_CHART_BAR && series->count <= NW_MODEL_CHART_BARS_MAX;
            if (!has_bars && (series->kind == NW_MODEL_CHART_BAND) == is_band)
                print_series(plot, s, kept, thin(series, kept));
        }
        if (is_band && plot->bar_series > 0)
            print_bars(plot);
    }
    print_rules(plot);
    print_names(plot);
}

void nw_model_chart_print(const struct nw_model_chart *chart, struct nw_text *out)
{
    NW_ASSERT(chart->title != NULL);
    NW_ASSERT(chart->series_count <= NW_MODEL_CHART_SERIES_MAX);
    NW_ASSERT(chart->rule_count <= NW_MODEL_CHART_RULES_MAX);
    if (chart->row_count > 0) {
        chart_print_rows(chart, out);
        return;
    }
    struct plot plot = {.chart = chart, .out = out};
    lay_out(&plot);
    chart_open(chart, WIDTH, plot.height, out);
    if (has_data(&plot))
        print_plot(&plot);
    else
        chart_add_text(out, "h", "middle", WIDTH / 2.0, HEIGHT / 2.0, "no data", 0);
    nw_text_add_str(out, "</svg>");
}
