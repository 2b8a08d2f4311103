/* The contract of model/chart.h. */
#include "model/chart.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

/* ---- reading SVG back ---- */

/* One tag of well-formed XML at *at: name, attributes quoted, nothing raw in them. */
static const char *read_tag(const char *at, char name[32], bool *out_is_empty)
{
    size_t len = 0;
    for (; isalnum((unsigned char)*at) && len < 31; at++)
        name[len++] = *at;
    name[len] = '\0';
    assert_true(len > 0);
    while (*at == ' ') {
        at++;
        while (isalpha((unsigned char)*at) || *at == '-' || isdigit((unsigned char)*at))
            at++;
        assert_true(at[0] == '=' && at[1] == '"');
        for (at += 2; *at != '"'; at++)
            assert_true(*at != '\0' && *at != '<' && *at != '>');
        at++;
    }
    *out_is_empty = *at == '/';
    at += *out_is_empty;
    assert_int_equal(*at, '>');
    return at + 1;
}

/* Every tag is closed by its own, every & begins an entity, no byte is one that XML forbids. */
static void assert_well_formed(const char *xml)
{
    char open[16][32], name[32];
    unsigned depth = 0;
    bool is_empty;
    for (const char *at = xml; *at != '\0';) {
        assert_true((unsigned char)*at >= 0x20 && *at != '>' && *at != '"');
        if (at[0] == '<' && at[1] == '/') {
            at = read_tag(at + 2, name, &is_empty);
            assert_true(depth > 0 && !is_empty);
            assert_string_equal(open[--depth], name);
        } else if (at[0] == '<') {
            assert_true(depth < 16);
            at = read_tag(at + 1, open[depth], &is_empty);
            depth += !is_empty;
        } else if (at[0] == '&') {
            assert_non_null(strchr(at, ';'));
            assert_true(strchr(at, ';') - at <= 5);
            at++;
        } else {
            assert_true(depth > 0);
            at++;
        }
    }
    assert_int_equal(depth, 0);
}

/* All numbers in attributes are plain decimals: no exponent, no nan, no inf. */
static void assert_plain_numbers(const char *svg)
{
    static const char *const names[] = {" cx=\"", " cy=\"",    " d=\"",     " x=\"",
                                        " y=\"",  " x1=\"",    " x2=\"",    " y1=\"",
                                        " y2=\"", " width=\"", " height=\""};
    for (size_t i = 0; i < NW_COUNT(names); i++)
        for (const char *at = strstr(svg, names[i]); at != NULL; at = strstr(at, names[i])) {
            at += strlen(names[i]);
            for (; *at != '"'; at++)
                assert_non_null(strchr("0123456789.- MlhvmazZ", *at));
        }
}

static const char *print(const struct nw_model_chart *chart, struct nw_text *out)
{
    nw_text_clear(out);
    nw_model_chart_print(chart, out);
    assert_well_formed(out->ptr);
    assert_plain_numbers(out->ptr);
    return out->ptr;
}

struct point {
    double x, y;
    bool is_start;
};

/* The path whose class begins with `css`, as absolute points; returns how many. */
static size_t read_path(const char *svg, const char *css, struct point *out, size_t max)
{
    char wanted[48];
    snprintf(wanted, sizeof wanted, "<path class=\"%s", css);
    const char *at = strstr(svg, wanted);
    assert_non_null(at);
    at = strstr(at, " d=\"") + 4;
    double x = 0, y = 0;
    size_t count = 0;
    while (*at != '"') {
        char command = *at++, *end;
        if (command == 'z')
            continue;
        double first = strtod(at, &end), second = 0;
        at = end;
        if (command == 'M' || command == 'l') {
            second = strtod(at, &end);
            at = end;
        }
        x = command == 'M' ? first : command == 'v' ? x : x + first;
        y = command == 'M' ? second : command == 'l' ? y + second : command == 'v' ? y + first : y;
        assert_true(count < max);
        out[count++] = (struct point){x, y, command == 'M'};
    }
    return count;
}

static double attribute_of(const char *tag, const char *name)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %s=\"", name);
    const char *at = strstr(tag, wanted);
    assert_non_null(at);
    return strtod(at + strlen(wanted), NULL);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

/* The tag in front of a text such as ">5,000/s<". */
static const char *tag_of_text(const char *svg, const char *text)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, ">%s</text>", text);
    const char *at = strstr(svg, wanted);
    assert_non_null(at);
    while (*at != '<')
        at--;
    return at;
}

/* ---- ticks ---- */

static void assert_ticks(double low, double high, nw_model_unit unit, bool is_log, unsigned most,
                         const double *wanted, unsigned count)
{
    double ticks[NW_MODEL_TICKS_MAX];
    assert_int_equal(nw_model_chart_ticks(low, high, unit, is_log, most, ticks), count);
    for (unsigned i = 0; i < count; i++)
        assert_true(fabs(ticks[i] - wanted[i]) <= 1e-12 * fabs(wanted[i]));
}
#define ASSERT_TICKS(low, high, unit, is_log, most, ...)                                           \
    assert_ticks(low, high, unit, is_log, most, (const double[]){__VA_ARGS__},                     \
                 sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void ticks_are_round(void **state)
{
    ASSERT_TICKS(0, 10, NW_MODEL_NUMBER, false, 6, 0, 2, 4, 6, 8, 10);
    ASSERT_TICKS(0, 10416.7, NW_MODEL_PER_S, false, 6, 0, 5000, 10000);
    ASSERT_TICKS(0.75, 0.81, NW_MODEL_RATIO, false, 6, 0.76, 0.78, 0.80);
    ASSERT_TICKS(-3, 3, NW_MODEL_NUMBER, false, 7, -3, -2, -1, 0, 1, 2, 3);
    ASSERT_TICKS(1e12, 1e12 + 4, NW_MODEL_NUMBER, false, 5, 1e12, 1e12 + 1, 1e12 + 2, 1e12 + 3,
                 1e12 + 4);
}

static void ticks_of_times_are_those_of_clocks(void **state)
{
    ASSERT_TICKS(0, 86400, NW_MODEL_SECONDS, false, 9, 0, 10800, 21600, 32400, 43200, 54000, 64800,
                 75600, 86400);
    ASSERT_TICKS(0, 3600, NW_MODEL_SECONDS, false, 5, 0, 900, 1800, 2700, 3600);
    ASSERT_TICKS(0, 50, NW_MODEL_SECONDS, false, 6, 0, 10, 20, 30, 40, 50);
    ASSERT_TICKS(0, 0.03, NW_MODEL_SECONDS, false, 4, 0, 0.01, 0.02, 0.03);
    ASSERT_TICKS(0, 365 * 86400.0, NW_MODEL_SECONDS, false, 5, 0, 100 * 86400.0, 200 * 86400.0,
                 300 * 86400.0);
}

static void things_have_no_halves(void **state)
{
    ASSERT_TICKS(0, 2, NW_MODEL_COUNT, false, 8, 0, 1, 2);
}

static void ticks_of_a_logarithmic_axis_are_powers(void **state)
{
    ASSERT_TICKS(1, 100, NW_MODEL_NUMBER, true, 10, 1, 2, 5, 10, 20, 50, 100);
    ASSERT_TICKS(1, 100, NW_MODEL_NUMBER, true, 6, 1, 10, 100);
    ASSERT_TICKS(1, 1e12, NW_MODEL_NUMBER, true, 7, 1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12);
    ASSERT_TICKS(300, 400, NW_MODEL_NUMBER, true, 6, 300, 320, 340, 360, 380, 400);
}

/* Whatever the span: rising, inside, no more than asked for, at least two on a linear axis. */
static void ticks_hold_their_promises_everywhere(void **state)
{
    struct nw_rng rng;
    nw_rng_init(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        double ticks[NW_MODEL_TICKS_MAX], size = pow(10, nw_rng_double(&rng) * 40 - 20);
        double low = (nw_rng_double(&rng) - 0.5) * size, high = low + nw_rng_double(&rng) * size;
        bool is_log = i % 3 == 0;
        if (is_log)
            low = fabs(low) + 1e-30;
        if (!(high > low + fabs(low) * 1e-6))
            continue;
        unsigned most = 2 + (unsigned)i % (NW_MODEL_TICKS_MAX - 1);
        unsigned count =
            nw_model_chart_ticks(low, high, (nw_model_unit)(i % 11), is_log, most, ticks);
        assert_true(count <= most);
        for (unsigned k = 0; k < count; k++) {
            assert_true(ticks[k] >= low - (high - low) * 1e-6);
            assert_true(ticks[k] <= high + (high - low) * 1e-6);
            assert_true(k == 0 || ticks[k] > ticks[k - 1]);
        }
    }
}

/* ---- thinning ---- */

static void thinning_keeps_a_peak_of_one_second(void **state)
{
    enum { COUNT = 86400, MOST = 240 };
    double *values = calloc(COUNT, sizeof *values);
    size_t kept[MOST];
    for (size_t i = 0; i < COUNT; i++)
        values[i] = 100 + sin((double)i);
    values[54321] = 5000;
    values[12345] = -7;
    values[77777] = NAN;
    size_t count = nw_model_chart_thin(values, COUNT, MOST, kept);
    unsigned found = 0;
    assert_in_range(count, MOST / 4, MOST);
    for (size_t i = 0; i < count; i++) {
        assert_true(kept[i] < COUNT && (i == 0 || kept[i] > kept[i - 1]));
        found += kept[i] == 54321 || kept[i] == 12345 || kept[i] == 77777;
    }
    assert_int_equal(found, 3);
    assert_int_equal(kept[0], 0);
    assert_int_equal(kept[count - 1], COUNT - 1);
    free(values);
}

static void few_points_are_all_kept(void **state)
{
    const double values[] = {3, NAN, 1, 2, 5, 4, 7, 6, 9, 8};
    size_t kept[10];
    assert_int_equal(nw_model_chart_thin(values, 10, 10, kept), 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(kept[i], i);
}

/* ---- series ---- */

static struct nw_model_chart chart_of(const double *x, const double *y, size_t count)
{
    return (struct nw_model_chart){.title = "t",
                                   .series = {{"name", NW_MODEL_CHART_LINE, x, y, NULL, count}},
                                   .series_count = 1};
}

/* The tick "20" stands where the line has its value 20. */
static void a_line_goes_through_its_values(void **state)
{
    const double x[] = {0, 1, 2, 4}, y[] = {0, 20, 40, 10};
    struct nw_model_chart chart = chart_of(x, y, 4);
    struct nw_text out = {0};
    struct point points[8];
    const char *svg = print(&chart, &out);
    assert_int_equal(read_path(svg, "l s0", points, 8), 4);
    double zero = attribute_of(tag_of_text(svg, "0"), "y");
    double twenty = attribute_of(tag_of_text(svg, "20"), "y") - 4;
    double forty = attribute_of(tag_of_text(svg, "40"), "y") - 4;
    assert_true(zero > twenty);
    assert_true(fabs(points[1].y - twenty) < 0.11 && fabs(points[2].y - forty) < 0.11);
    assert_true(fabs((points[3].x - points[0].x) - 4 * (points[1].x - points[0].x)) < 0.5);
    assert_true(fabs(points[3].y - (points[0].y + (twenty - points[0].y) / 2)) < 0.2);
    nw_text_done(&out);
}

static void what_is_not_finite_is_a_gap(void **state)
{
    const double holes[] = {NAN, INFINITY, -INFINITY, 1e200};
    for (size_t i = 0; i < NW_COUNT(holes); i++) {
        const double x[] = {0, 1, 2, 3, 4}, y[] = {1, 2, holes[i], 4, 5};
        struct nw_model_chart chart = chart_of(x, y, 5);
        struct nw_text out = {0};
        struct point points[8];
        assert_int_equal(read_path(print(&chart, &out), "l s0", points, 8), 4);
        assert_true(points[0].is_start && !points[1].is_start);
        assert_true(points[2].is_start && !points[3].is_start);
        assert_int_equal(count_of(out.ptr, "<path class=\"m"), 4);
        nw_text_done(&out);
    }
}

static void zero_has_no_place_on_a_logarithmic_axis(void **state)
{
    const double x[] = {1, 10, 100, 1000}, y[] = {10, 0, 1000, 100};
    struct nw_model_chart chart = chart_of(x, y, 4);
    struct nw_text out = {0};
    struct point points[8];
    chart.x.is_log = chart.y.is_log = true;
    assert_int_equal(read_path(print(&chart, &out), "l s0", points, 8), 3);
    assert_true(points[1].is_start); /* behind the gap */
    /* x: a third of the axis for each power of ten; y: 10, 100, 1000 are equally far apart */
    assert_true(fabs((points[2].x - points[1].x) * 2 - (points[1].x - points[0].x)) < 0.5);
    assert_true(fabs((points[0].y - points[2].y) - (points[2].y - points[1].y)) < 0.3);
    const double none[] = {0, -1, 0, -2};
    chart.series[0].y = none;
    assert_int_equal(read_path(print(&chart, &out), "l s0", points, 8), 4); /* linear instead */
    nw_text_done(&out);
}

static void one_point_is_a_mark(void **state)
{
    const double x[] = {7}, y[] = {42};
    struct nw_model_chart chart = chart_of(x, y, 1);
    struct nw_text out = {0};
    print(&chart, &out);
    assert_int_equal(count_of(out.ptr, "<path class=\"m"), 1);
    assert_non_null(strstr(out.ptr, "name: 42 at 7"));
    nw_text_done(&out);
}

static void without_a_value_there_is_no_data(void **state)
{
    const double nothing[] = {NAN, NAN};
    struct nw_model_chart chart = {.title = "t"};
    struct nw_text out = {0};
    assert_non_null(strstr(print(&chart, &out), ">no data<"));
    chart = chart_of(NULL, nothing, 2);
    assert_non_null(strstr(print(&chart, &out), ">no data<"));
    chart = chart_of(NULL, nothing, 0);
    assert_non_null(strstr(print(&chart, &out), ">no data<"));
    nw_text_done(&out);
}

static void a_step_holds_until_the_next_x(void **state)
{
    const double x[] = {0, 10, 20}, y[] = {1, 2, 3};
    struct nw_model_chart chart = chart_of(x, y, 3);
    struct nw_text out = {0};
    struct point points[8];
    chart.series[0].kind = NW_MODEL_CHART_STEP;
    assert_int_equal(read_path(print(&chart, &out), "l s0", points, 8), 5);
    for (int i = 1; i < 5; i++) /* across, up, across, up */
        assert_true(i % 2 == 1 ? points[i].y == points[i - 1].y : points[i].x == points[i - 1].x);
    nw_text_done(&out);
}

static void a_band_goes_forth_above_and_back_below(void **state)
{
    const double low[] = {1, 2, NAN, 3, 4}, high[] = {5, 6, 7, 8, 9};
    struct nw_model_chart chart = chart_of(NULL, low, 5);
    struct nw_text out = {0};
    struct point points[16];
    chart.series[0].kind = NW_MODEL_CHART_BAND;
    chart.series[0].high = high;
    assert_int_equal(read_path(print(&chart, &out), "f s0", points, 16), 8);
    assert_true(points[0].is_start && points[4].is_start);
    assert_true(points[0].x == points[3].x && points[0].y < points[3].y);
    assert_true(points[1].x == points[2].x && points[1].y < points[2].y);
    assert_int_equal(count_of(out.ptr, "z\""), 1 + 4); /* its end, and the marks' */
    nw_text_done(&out);
}

static void bars_are_as_high_as_their_values(void **state)
{
    static const char *const names[] = {"fifo", "lru", "sieve"};
    const double y[] = {0.5, 0.25, 1};
    struct nw_model_chart chart = chart_of(NULL, y, 3);
    struct nw_text out = {0};
    chart.series[0].kind = NW_MODEL_CHART_BAR;
    chart.x.names = names;
    chart.x.name_count = 3;
    const char *at = print(&chart, &out);
    double heights[3], middles[3];
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "<rect class=\"b s0\"") + 1;
        heights[i] = attribute_of(at, "height");
        middles[i] = attribute_of(at, "x") + attribute_of(at, "width") / 2;
        double told = attribute_of(tag_of_text(out.ptr, names[i]), "x");
        assert_true(fabs(told - middles[i]) < 1); /* its name stands below it */
    }
    assert_true(fabs(heights[0] - 2 * heights[1]) < 0.3);
    assert_true(fabs(heights[2] - 4 * heights[1]) < 0.5);
    nw_text_done(&out);
}

static void long_names_below_lean(void **state)
{
    static const char *const names[] = {
        "one box",       "database apart",     "cache in front", "balancer and nodes",
        "read replicas", "shards, federation", "queues",         "regions"};
    const double y[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct nw_model_chart chart = chart_of(NULL, y, 8);
    struct nw_text out = {0};
    chart.series[0].kind = NW_MODEL_CHART_BAR;
    chart.x.names = names;
    chart.x.name_count = 8;
    print(&chart, &out);
    for (int i = 0; i < 8; i++)
        assert_true(count_of(out.ptr, names[i]) >= 2); /* below, and when pointed at */
    assert_int_equal(count_of(out.ptr, "rotate(-30"), 8);
    chart.x.name_count = 2;
    chart.series[0].count = 2;
    assert_int_equal(count_of(print(&chart, &out), "rotate(-30"), 0);
    nw_text_done(&out);
}

static void many_bars_become_an_outline(void **state)
{
    double y[500] = {0};
    struct nw_model_chart chart = chart_of(NULL, y, 500);
    struct nw_text out = {0};
    for (int i = 0; i < 500; i++)
        y[i] = i % 7;
    chart.series[0].kind = NW_MODEL_CHART_BAR;
    print(&chart, &out);
    assert_null(strstr(out.ptr, "<rect class=\"b s0\" x=\"0"));
    assert_non_null(strstr(out.ptr, "<path class=\"l s0\""));
    assert_true(out.len < 8000);
    nw_text_done(&out);
}

/* Four lines; three of them end at `end`, the fourth at the other edge of the plot. */
static void assert_names_apart(double end)
{
    const double a[] = {1, end}, b[] = {2, end}, c[] = {3, end}, d[] = {0, 100 - end};
    struct nw_model_chart chart = {.title = "t",
                                   .series = {{"one", NW_MODEL_CHART_LINE, NULL, a, NULL, 2},
                                              {"two", NW_MODEL_CHART_LINE, NULL, b, NULL, 2},
                                              {"three", NW_MODEL_CHART_LINE, NULL, c, NULL, 2},
                                              {"four", NW_MODEL_CHART_LINE, NULL, d, NULL, 2}},
                                   .series_count = 4};
    static const char *const names[] = {"one", "two", "three", "four"};
    struct nw_text out = {0};
    print(&chart, &out);
    for (int i = 0; i < 4; i++) {
        double y = attribute_of(tag_of_text(out.ptr, names[i]), "y");
        assert_true(y >= 30 && y <= 300); /* beside the plot, not above or below it */
        for (int k = 0; k < i; k++)
            assert_true(fabs(y - attribute_of(tag_of_text(out.ptr, names[k]), "y")) >= 14.9);
    }
    nw_text_done(&out);
}

static void names_at_line_ends_do_not_cover_each_other(void **state)
{
    assert_names_apart(100);
    assert_names_apart(0);
}

static void rules_stand_at_their_value(void **state)
{
    const double x[] = {0, 10}, y[] = {0, 100};
    struct nw_model_chart chart = chart_of(x, y, 2);
    struct nw_text out = {0};
    struct point points[4];
    chart.rules[0] = (struct nw_model_chart_rule){"ceiling", 50, false};
    chart.rules[1] = (struct nw_model_chart_rule){"failure", 5, true};
    chart.rules[2] = (struct nw_model_chart_rule){"never", NAN, false};
    chart.rule_count = 3;
    read_path(print(&chart, &out), "l s0", points, 4);
    const char *level = strstr(out.ptr, "<line class=\"q\"");
    const char *upright = strstr(level + 1, "<line class=\"q\"");
    assert_true(fabs(attribute_of(level, "y1") - (points[0].y + points[1].y) / 2) < 0.2);
    assert_true(fabs(attribute_of(upright, "x1") - (points[0].x + points[1].x) / 2) < 0.2);
    assert_int_equal(count_of(out.ptr, "class=\"q\""), 2);
    nw_text_done(&out);
}

static void texts_are_escaped(void **state)
{
    const double y[] = {1, 2};
    struct nw_model_chart chart = chart_of(NULL, y, 2);
    struct nw_text out = {0};
    chart.title = "</title><script>alert(1)</script>\x01\xff\xef\xbf\xbf";
    chart.what = "\"&'<>";
    chart.series[0].name = "a<b & \"c\"";
    chart.x.label = chart.y.label = "<x>";
    chart.rules[0] = (struct nw_model_chart_rule){"<r>", 1, false};
    chart.rule_count = 1;
    print(&chart, &out);
    assert_null(strstr(out.ptr, "<script"));
    assert_non_null(strstr(out.ptr, "&lt;script&gt;"));
    assert_non_null(strstr(out.ptr, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</title>"));
    assert_non_null(strstr(out.ptr, "role=\"img\""));
    assert_non_null(strstr(out.ptr, "<desc>&quot;&amp;&#39;&lt;&gt;</desc>"));
    nw_text_done(&out);
}

/* ---- rows ---- */

static void a_tornado_shows_how_far_each_input_goes(void **state)
{
    const struct nw_model_chart_row rows[] = {{"node_rate", 80, 32, "200/s", "500/s"},
                                              {"margin", 49, 62, "20%", NULL},
                                              {"broken", NAN, 3, NULL, NULL}};
    struct nw_model_chart chart = {
        .title = "t", .x = {"nodes"}, .rows = rows, .row_count = 3, .base = 54};
    struct nw_text out = {0};
    const char *svg = print(&chart, &out);
    const char *below = strstr(svg, "<rect class=\"b s1\""),
               *above = strstr(svg, "<rect class=\"b s0\"");
    double unit = attribute_of(above, "width") / (80 - 54);
    assert_true(fabs(attribute_of(below, "width") - unit * (54 - 32)) < 0.2);
    double base = attribute_of(above, "x");
    assert_true(fabs(attribute_of(below, "x") + attribute_of(below, "width") - base) < 0.2);
    assert_true(fabs(attribute_of(tag_of_text(svg, "54"), "x") - base) < 0.2);
    assert_non_null(strstr(svg, ">32 (500/s)<"));
    assert_non_null(strstr(svg, ">80 (200/s)<"));
    assert_non_null(strstr(svg, ">62<"));
    assert_non_null(strstr(svg, ">no value<"));
    nw_text_done(&out);
}

static void a_row_of_one_value_is_a_dot(void **state)
{
    const struct nw_model_chart_row rows[] = {{"cache", 2, 2, "low", "due"},
                                              {"shards", 200, 200, NULL, NULL},
                                              {"queue", 20, 20, NULL, NULL}};
    struct nw_model_chart chart = {.title = "t",
                                   .x = {"growth", NW_MODEL_NUMBER, .is_log = true},
                                   .rows = rows,
                                   .row_count = 3,
                                   .base = 1};
    struct nw_text out = {0};
    const char *at = print(&chart, &out);
    double x[3];
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "<circle") + 1;
        x[i] = attribute_of(at, "cx");
    }
    assert_true(fabs((x[2] - x[0]) - (x[1] - x[2])) < 0.3); /* 2, 20, 200 */
    assert_non_null(strstr(out.ptr, ">2 (due)<"));
    assert_null(strstr(out.ptr, "(low)"));
    nw_text_done(&out);
}

static void rows_have_a_bound(void **state)
{
    struct nw_model_chart_row rows[200];
    struct nw_model_chart chart = {.title = "t", .rows = rows, .row_count = 200, .base = NAN};
    struct nw_text out = {0};
    for (int i = 0; i < 200; i++)
        rows[i] = (struct nw_model_chart_row){"row", i, i + 1, NULL, NULL};
    print(&chart, &out);
    assert_int_equal(count_of(out.ptr, ">row<"), NW_MODEL_CHART_ROWS_MAX);
    nw_text_done(&out);
}

/* ---- everything ---- */

static double wild(struct nw_rng *rng)
{
    static const double odd[] = {0,       -0.0,   NAN,   INFINITY, -INFINITY, DBL_MAX, -DBL_MAX,
                                 DBL_MIN, 5e-324, 1e150, -1e150,   1e-150,    1,       -1};
    if (nw_rng_below(rng, 2) == 0)
        return odd[nw_rng_below(rng, NW_COUNT(odd))];
    return (nw_rng_double(rng) - 0.3) * pow(10, nw_rng_double(rng) * 300 - 150);
}

/* 300 charts of the oddest values are all well-formed, finite, bounded, and twice the same. */
static void no_value_breaks_a_chart(void **state)
{
    struct nw_rng rng;
    struct nw_text out = {0}, again = {0};
    nw_rng_init(&rng, 11);
    for (int i = 0; i < 300; i++) {
        double x[60], y[60], high[60];
        struct nw_model_chart chart = {.title = "t", .base = wild(&rng)};
        struct nw_model_chart_row rows[3];
        size_t count = nw_rng_below(&rng, 60);
        for (size_t k = 0; k < 60; k++) {
            x[k] = i % 2 == 0 ? (double)k : wild(&rng);
            y[k] = wild(&rng);
            high[k] = wild(&rng);
        }
        for (unsigned s = 0; s < 4; s++)
            chart.series[s] = (struct nw_model_chart_series){
                "s", (nw_model_chart_kind)nw_rng_below(&rng, 5), x, y, high, count};
        for (int k = 0; k < 3; k++)
            rows[k] = (struct nw_model_chart_row){"r", wild(&rng), wild(&rng), "note", NULL};
        chart.series_count = 4;
        chart.rules[0] = (struct nw_model_chart_rule){"rule", wild(&rng), i % 5 == 0};
        chart.rule_count = 1;
        chart.x.is_log = i % 3 == 0;
        chart.y.is_log = i % 4 == 0;
        chart.x.is_from_zero = i % 7 == 0;
        chart.y.unit = (nw_model_unit)(i % 11);
        chart.rows = rows;
        chart.row_count = i % 10 == 0 ? 3 : 0;
        print(&chart, &out);
        assert_true(out.len < 120000);
        nw_text_clear(&again);
        nw_model_chart_print(&chart, &again);
        assert_true(nw_slice_eq(nw_text_slice(&out), nw_text_slice(&again)));
    }
    nw_text_done(&out);
    nw_text_done(&again);
}

static void the_styles_name_all_series_in_both_themes(void **state)
{
    struct nw_text css = {0};
    nw_model_chart_css(&css);
    for (int i = 0; i < NW_MODEL_CHART_SERIES_MAX; i++) {
        char colour[16], dash[40];
        snprintf(colour, sizeof colour, "--c%d:#", i);
        snprintf(dash, sizeof dash, ".l.s%d{stroke-dasharray:", i);
        assert_int_equal(count_of(css.ptr, colour), 2);
        assert_int_equal(count_of(css.ptr, dash), 1);
    }
    assert_non_null(strstr(css.ptr, "prefers-color-scheme:dark"));
    assert_null(strstr(css.ptr, "url("));
    nw_text_done(&css);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(ticks_of_times_are_those_of_clocks),
        cmocka_unit_test(things_have_no_halves),
        cmocka_unit_test(ticks_of_a_logarithmic_axis_are_powers),
        cmocka_unit_test(ticks_hold_their_promises_everywhere),
        cmocka_unit_test(thinning_keeps_a_peak_of_one_second),
        cmocka_unit_test(few_points_are_all_kept),
        cmocka_unit_test(a_line_goes_through_its_values),
        cmocka_unit_test(what_is_not_finite_is_a_gap),
        cmocka_unit_test(zero_has_no_place_on_a_logarithmic_axis),
        cmocka_unit_test(one_point_is_a_mark),
        cmocka_unit_test(without_a_value_there_is_no_data),
        cmocka_unit_test(a_step_holds_until_the_next_x),
        cmocka_unit_test(a_band_goes_forth_above_and_back_below),
        cmocka_unit_test(bars_are_as_high_as_their_values),
        cmocka_unit_test(long_names_below_lean),
        cmocka_unit_test(many_bars_become_an_outline),
        cmocka_unit_test(names_at_line_ends_do_not_cover_each_other),
        cmocka_unit_test(rules_stand_at_their_value),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(a_tornado_shows_how_far_each_input_goes),
        cmocka_unit_test(a_row_of_one_value_is_a_dot),
        cmocka_unit_test(rows_have_a_bound),
        cmocka_unit_test(no_value_breaks_a_chart),
        cmocka_unit_test(the_styles_name_all_series_in_both_themes),
    };
    return cmocka_run_group_tests_name("model/chart", tests, NULL, NULL);
}
