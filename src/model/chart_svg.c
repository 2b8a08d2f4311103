/*
 * The pieces of SVG that all charts are made of. Numbers are written from whole tenths, so that no
 * locale and no printf rounding shows; texts are escaped for XML, which is stricter than HTML and
 * what a file of its own must satisfy.
 */
#include "model/chart_impl.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"

enum { GLYPH_TENTHS = 67, LABEL_GAP = 14, NAME_WIDTH_MAX = 160, NAME_APART_MIN = 16 };

#define LEAN_COS 0.866 /* of 30 degrees */
#define LEAN_SIN 0.5

double chart_text_width(const char *text)
{
    size_t glyphs = 0;
    for (; *text != '\0'; text++)
        glyphs += ((unsigned char)*text & 0xc0) != 0x80;
    return (double)glyphs * GLYPH_TENTHS / 10;
}

void chart_add_length(struct nw_text *out, double length)
{
    NW_ASSERT(chart_is_number(length));
    long tenths = lround(fmax(-1e6, fmin(1e6, length)) * 10);
    nw_text_add_str(out, tenths < 0 ? "-" : "");
    tenths = labs(tenths);
    nw_text_addf(out, "%ld", tenths / 10);
    if (tenths % 10 != 0)
        nw_text_addf(out, ".%ld", tenths % 10);
}

void chart_add_attribute(struct nw_text *out, const char *name, double length)
{
    nw_text_addf(out, " %s=\"", name);
    chart_add_length(out, length);
    nw_text_add_char(out, '"');
}

void chart_add_line(struct nw_text *out, const char *css, double x1, double y1, double x2,
                    double y2)
{
    nw_text_addf(out, "<line class=\"%s\"", css);
    chart_add_attribute(out, "x1", x1);
    chart_add_attribute(out, "y1", y1);
    chart_add_attribute(out, "x2", x2);
    chart_add_attribute(out, "y2", y2);
    nw_text_add_str(out, "/>");
}

/* The bytes of the characters that fit. */
static size_t fitting(const char *text, double width_max)
{
    size_t bytes = 0, glyphs = 0, room = (size_t)(width_max * 10 / GLYPH_TENTHS);
    for (; text[bytes] != '\0'; bytes++) {
        if (((unsigned char)text[bytes] & 0xc0) == 0x80)
            continue;
        if (glyphs++ >= room)
            break;
    }
    return bytes;
}

void chart_add_text(struct nw_text *out, const char *css, const char *anchor, double x, double y,
                    const char *text, double width_max)
{
    nw_text_addf(out, "<text class=\"%s\" text-anchor=\"%s\"", css, anchor);
    chart_add_attribute(out, "x", x);
    chart_add_attribute(out, "y", y);
    nw_text_add_char(out, '>');
    if (width_max > 0 && chart_text_width(text) > width_max) {
        nw_text_add_xml(out, nw_slice_of(text, fitting(text, width_max - 7)));
        nw_text_add_str(out, "…");
    } else {
        nw_text_add_xml(out, nw_slice_str(text));
    }
    nw_text_add_str(out, "</text>");
}

void chart_print_value(struct nw_text *out, double value, nw_model_unit unit, const char *currency)
{
    nw_text_clear(out);
    nw_model_unit_print(out, value, unit, currency != NULL ? currency : "");
}

void chart_open(const struct nw_model_chart *chart, double width, double height,
                struct nw_text *out)
{
    nw_text_add_str(out, "<svg class=\"chart\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" "
                         "viewBox=\"0 0 ");
    chart_add_length(out, width);
    nw_text_add_char(out, ' ');
    chart_add_length(out, height);
    nw_text_add_str(out, "\"><title>");
    nw_text_add_xml(out, nw_slice_str(chart->title));
    nw_text_add_str(out, "</title>");
    if (chart->what != NULL) {
        nw_text_add_str(out, "<desc>");
        nw_text_add_xml(out, nw_slice_str(chart->what));
        nw_text_add_str(out, "</desc>");
    }
}

/* Do the texts of these ticks, centred below them, leave gaps? */
static bool is_roomy(const struct nw_model_chart *chart, const struct chart_scale *scale,
                     const double ticks[], unsigned count)
{
    struct nw_text text = {0};
    double end = -1e9;
    bool is_room = true;
    for (unsigned i = 0; i < count; i++) {
        chart_print_value(&text, ticks[i], chart->x.unit, chart->currency);
        double half = chart_text_width(text.ptr) / 2, at = chart_scale_at(scale, ticks[i]);
        is_room = is_room && at - half > end;
        end = at + half + LABEL_GAP;
    }
    nw_text_done(&text);
    return is_room;
}

static void print_x_ticks(const struct nw_model_chart *chart, const struct chart_scale *scale,
                          double top, double bottom, struct nw_text *out)
{
    double ticks[NW_MODEL_TICKS_MAX];
    struct nw_text text = {0};
    unsigned most = 11, count;
    do {
        most--;
        count = nw_model_chart_ticks(scale->low, scale->high, chart->x.unit, scale->is_log, most,
                                     ticks);
    } while (most > 2 && !is_roomy(chart, scale, ticks, count));
    for (unsigned i = 0; i < count; i++) {
        double at = chart_scale_at(scale, ticks[i]);
        chart_add_line(out, "g", at, top, at, bottom);
        chart_print_value(&text, ticks[i], chart->x.unit, chart->currency);
        chart_add_text(out, "k", "middle", at, bottom + 16, text.ptr, 0);
    }
    nw_text_done(&text);
}

static double names_apart(const struct chart_scale *scale)
{
    return chart_scale_at(scale, 1) - chart_scale_at(scale, 0);
}

/* A leaning name ends below its place at the latest where the picture begins. */
static double leaning_width(const struct nw_model_chart *chart, const struct chart_scale *scale,
                            unsigned index)
{
    double room = fmin(NAME_WIDTH_MAX, (chart_scale_at(scale, index) - 2) / LEAN_COS);
    return fmin(chart_text_width(chart->x.names[index]), room);
}

double chart_names_height(const struct nw_model_chart *chart, const struct chart_scale *scale)
{
    double longest = 0, leaning = 0;
    for (unsigned i = 0; i < chart->x.name_count; i++) {
        if (i < scale->low || i > scale->high)
            continue;
        longest = fmax(longest, chart_text_width(chart->x.names[i]));
        leaning = fmax(leaning, leaning_width(chart, scale, i));
    }
    return scale->is_log || longest + 8 <= names_apart(scale) ? 0 : leaning * LEAN_SIN;
}

static void print_leaning_name(const struct nw_model_chart *chart, const struct chart_scale *scale,
                               unsigned index, double bottom, struct nw_text *out)
{
    double x = chart_scale_at(scale, index) + 4, y = bottom + 14;
    nw_text_add_str(out, "<g transform=\"rotate(-30 ");
    chart_add_length(out, x);
    nw_text_add_char(out, ' ');
    chart_add_length(out, y);
    nw_text_add_str(out, ")\">");
    chart_add_text(out, "k", "end", x, y, chart->x.names[index],
                   leaning_width(chart, scale, index));
    nw_text_add_str(out, "</g>");
}

/* Names at 0, 1, 2, …; where they are many, each second, third… */
static void print_x_names(const struct nw_model_chart *chart, const struct chart_scale *scale,
                          double bottom, struct nw_text *out)
{
    bool is_leaning = chart_names_height(chart, scale) > 0;
    double apart = names_apart(scale);
    unsigned stride = apart >= NAME_APART_MIN ? 1 : (unsigned)fmin(1e6, NAME_APART_MIN / apart) + 1;
    for (unsigned i = 0; i < chart->x.name_count; i += stride) {
        if (i < scale->low || i > scale->high)
            continue;
        if (is_leaning)
            print_leaning_name(chart, scale, i, bottom, out);
        else
            chart_add_text(out, "k", "middle", chart_scale_at(scale, i), bottom + 16,
                           chart->x.names[i], 0);
    }
}

void chart_print_x_axis(const struct nw_model_chart *chart, const struct chart_scale *scale,
                        double top, double bottom, struct nw_text *out)
{
    if (chart->x.name_count > 0)
        print_x_names(chart, scale, bottom, out);
    else
        print_x_ticks(chart, scale, top, bottom, out);
    if (chart->x.label != NULL)
        chart_add_text(out, "a", "middle", (scale->from + scale->to) / 2,
                       bottom + 36 + chart_names_height(chart, scale), chart->x.label,
                       scale->to - scale->from);
}

/*
 * Colours have a contrast of at least 4.5 to their paper, in both themes; dashes and marks tell
 * series apart without them. Texts carry a halo of the paper's colour, so that they can be read
 * where they cross a line.
 */
void nw_model_chart_css(struct nw_text *out)
{
    static const char *const light[] = {"#0b5cad", "#b3261e", "#1b7a3d", "#8a4b00",
                                        "#6a3fb5", "#00707a", "#a1316f", "#4d5560"};
    static const char *const dark[] = {"#6cb2ff", "#ff8f85", "#6fd08c", "#f0b35e",
                                       "#c0a2ff", "#5fd3dd", "#ff9bd0", "#b5bec9"};
    static const char *const dashes[] = {"none", "8 4", "2 3", "10 3 2 3",
                                         "14 4", "5 2", "1 4", "12 3 3 3 3 3"};
    static const double fills[] = {.85, .35, .6, .15, .75, .25, .5, .05};
    nw_text_add_str(
        out, ".chart{--paper:#fff;--ink:#1b1f24;--soft:#57606a;--grid:#dfe3e8;--c:var(--ink);");
    for (size_t i = 0; i < NW_COUNT(light); i++)
        nw_text_addf(out, "--c%zu:%s;", i, light[i]);
    nw_text_add_str(out, "display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"
                         "'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
                         "@media screen and (prefers-color-scheme:dark){.chart{--paper:#14181d;"
                         "--ink:#e6e9ed;--soft:#9aa5b1;--grid:#2b323a;");
    for (size_t i = 0; i < NW_COUNT(dark); i++)
        nw_text_addf(out, "--c%zu:%s;", i, dark[i]);
    nw_text_add_str(out, "}}\n"
                         ".chart text{fill:var(--ink);paint-order:stroke;stroke:var(--paper);"
                         "stroke-width:3px;stroke-linejoin:round}\n"
                         ".chart .k,.chart .a,.chart .r{fill:var(--soft)}"
                         ".chart .k{font-variant-numeric:tabular-nums}"
                         ".chart .n{font-weight:600;fill:var(--c)}"
                         ".chart .h{fill:var(--soft);font-size:14px}\n"
                         ".chart .g{stroke:var(--grid)}.chart .x{stroke:var(--soft)}"
                         ".chart .q{stroke:var(--soft);stroke-dasharray:3 3}"
                         ".chart .e{stroke:var(--c);stroke-dasharray:1 3}\n"
                         ".chart .l{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}"
                         ".chart .d{fill:none;stroke:var(--c);stroke-width:1}"
                         ".chart .f{fill:var(--c);fill-opacity:.16}"
                         ".chart .b{fill:var(--c);stroke:var(--c)}"
                         ".chart .m{fill:var(--paper);stroke:var(--c);stroke-width:1.5}\n");
    for (size_t i = 0; i < NW_COUNT(light); i++)
        nw_text_addf(out,
                     ".chart .s%zu{--c:var(--c%zu)}.chart .l.s%zu{stroke-dasharray:%s}"
                     ".chart .b.s%zu{fill-opacity:.%02d}\n",
                     i, i, i, dashes[i], i, (int)lround(fills[i] * 100));
}
