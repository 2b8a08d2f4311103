/* The contract of cmd/report.h. What it prints is read back by other code: jansson, and by hand. */
#include "cmd/report.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "cmd/report_impl.h"

#define EVIL "</script><script>alert('x')</script>\x1b[31m\x80"

static struct report *new_report(void)
{
    return report_new("newel.test/1", "A test");
}

typedef void (*printer)(const struct report *report, struct nw_text *out);

static char *printed(const struct report *report, printer print)
{
    struct nw_text out = {0};
    print(report, &out);
    return out.ptr;
}

static char *printed_text(const struct report *report, unsigned width, bool has_colour)
{
    struct nw_text out = {0};
    report_print_text(report, width, has_colour, &out);
    return out.ptr;
}

static json_t *json_of(const struct report *report)
{
    char *text = printed(report, report_print_json);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("%s in %s", error.text, text);
    nw_free(text);
    return json;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("`%s` is not in\n%s", part, text);
}

/* ---- numbers ---- */

static void exact_numbers_read_back_as_the_same_double(void **state)
{
    static const double odd[] = {0.1,     1 / 3.0,  1e300, 5e-324,           9007199254740993.0,
                                 -2.5,    100000.0, 1e15,  123456789012345., 0.30000000000000004,
                                 1e-7 / 3};
    struct nw_rng rng;
    struct nw_text out = {0};
    nw_rng_init(&rng, 3);
    for (int i = 0; i < 5000; i++) {
        double value = i < (int)NW_COUNT(odd)
                           ? odd[i]
                           : (nw_rng_double(&rng) - 0.5) * pow(10, nw_rng_double(&rng) * 600 - 300);
        nw_text_clear(&out);
        report_add_exact(value, &out);
        assert_true(strtod(out.ptr, NULL) == value);
        assert_true(out.len <= 24);
    }
    nw_text_clear(&out);
    report_add_exact(0.1, &out);
    report_add_exact(-0.0, &out);
    report_add_exact(225000000, &out);
    assert_string_equal(out.ptr, "0.10225000000");
    nw_text_done(&out);
}

/* ---- JSON ---- */

static void json_is_the_tree_in_its_order(void **state)
{
    struct report *report = new_report();
    report_open(report, "load", "Load");
    report_number(report, "users", "users", 5e7, NW_MODEL_COUNT);
    report_open(report, "inner", NULL);
    report_bool(report, "is_met", "met", true);
    report_text(report, "note", NULL, "a \"b\"\n" EVIL);
    report_close(report);
    report_close(report);
    report_absent(report, "wait_s", "wait", "unstable");
    report_line(report, "for people");
    report_number(report, NULL, "for people, too", 1, NW_MODEL_COUNT);
    char *text = printed(report, report_print_json);
    assert_string_equal(text, "{\n"
                              "  \"schema\": \"newel.test/1\",\n"
                              "  \"complete\": true,\n"
                              "  \"load\": {\n"
                              "    \"users\": 50000000,\n"
                              "    \"inner\": {\n"
                              "      \"is_met\": true,\n"
                              "      \"note\": \"a \\\"b\\\"\\u000a</script><script>alert('x')"
                              "</script>\\u001b[31m\\ufffd\"\n"
                              "    }\n"
                              "  },\n"
                              "  \"wait_s\": null,\n"
                              "  \"wait_s_reason\": \"unstable\"\n"
                              "}\n");
    json_decref(json_of(report));
    nw_free(text);
    report_free(report);
}

static void parts_of_an_object_without_a_name_belong_around_it(void **state)
{
    struct report *report = new_report();
    double value = 0;
    report_open(report, "plan", NULL);
    report_open(report, NULL, "Assumed");
    report_number(report, "margin", "margin", 0.3, NW_MODEL_RATIO);
    report_close(report);
    report_close(report);
    json_t *json = json_of(report);
    assert_true(json_real_value(json_object_get(json_object_get(json, "plan"), "margin")) == 0.3);
    assert_true(report_find(report, "plan.margin", &value));
    assert_true(value == 0.3);
    json_decref(json);
    report_free(report);
}

static const struct report_column columns[] = {{"policy", "Policy", NW_MODEL_NUMBER, true},
                                               {"misses", "Misses", NW_MODEL_COUNT, false},
                                               {NULL, "Remark", NW_MODEL_NUMBER, true},
                                               {"code", NULL, NW_MODEL_NUMBER, false}};

static void add_table(struct report *report, const char *name)
{
    report_table(report, name, "Policies", columns, NW_COUNT(columns));
    report_row(report,
               (struct report_cell[]){{.text = "lru"}, {.value = 2233064}, {.text = "list"}, {3}},
               NW_COUNT(columns));
    report_row(report,
               (struct report_cell[]){
                   {.text = "a,\"b\"\nc"}, {.is_absent = true}, {.text = EVIL}, {.value = 0.1}},
               NW_COUNT(columns));
}

static void a_table_is_an_array_of_objects(void **state)
{
    struct report *report = new_report();
    add_table(report, "main");
    json_t *json = json_of(report), *row = json_array_get(json_object_get(json, "main"), 1);
    assert_int_equal(json_object_size(row), 3);
    assert_string_equal(json_string_value(json_object_get(row, "policy")), "a,\"b\"\nc");
    assert_true(json_is_null(json_object_get(row, "misses")));
    assert_true(json_real_value(json_object_get(row, "code")) == 0.1);
    json_decref(json);
    report_free(report);
}

static struct nw_model_step step_items[] = {
    {.path = "app.nodes",
     .label = "App",
     .formula = "{0} / {1}",
     .operands = {{"peak", 1000, NW_MODEL_PER_S, NW_MODEL_GIVEN},
                  {"node_rate", 300, NW_MODEL_PER_S, NW_MODEL_ASSUMED}},
     .operand_count = 2,
     .exact = 10 / 3.0,
     .rounded = 4,
     .is_rounded = true,
     .unit = NW_MODEL_COUNT,
     .what = "nodes",
     .printed = "about 4",
     .fact = "B1"},
    {.path = "app.wait_s", .label = "Wait", .unit = NW_MODEL_SECONDS, .reason = "unstable"},
    {.path = "app.users_concurrently_connected",
     .formula = "{0} x {1}",
     .operands = {{"users", 1e6, NW_MODEL_COUNT, NW_MODEL_SET},
                  {"share", 0.25, NW_MODEL_RATIO, NW_MODEL_ASSUMED}},
     .operand_count = 2,
     .exact = 250000,
     .rounded = 250000,
     .unit = NW_MODEL_COUNT}};
static const struct nw_model_steps some_steps = {.items = step_items,
                                                 .count = NW_COUNT(step_items)};

static void steps_carry_formula_operands_and_both_values(void **state)
{
    struct report *report = new_report();
    report_steps(report, "steps", "Steps", &some_steps, false);
    json_t *json = json_of(report), *steps = json_object_get(json, "steps");
    json_t *step = json_array_get(steps, 0), *wait = json_array_get(steps, 1);
    json_t *operand = json_array_get(json_object_get(step, "operands"), 1);
    assert_string_equal(json_string_value(json_object_get(step, "formula")), "peak / node_rate");
    assert_true(json_number_value(json_object_get(step, "exact")) == 10 / 3.0);
    assert_true(json_number_value(json_object_get(step, "rounded")) == 4);
    assert_string_equal(json_string_value(json_object_get(step, "printed")), "about 4");
    assert_string_equal(json_string_value(json_object_get(operand, "origin")), "assumed");
    assert_string_equal(json_string_value(json_object_get(operand, "unit")), "per_s");
    assert_true(json_is_null(json_object_get(wait, "exact")));
    assert_string_equal(json_string_value(json_object_get(wait, "exact_reason")), "unstable");
    json_decref(json);
    report_free(report);
}

static void a_chart_is_its_series_in_json(void **state)
{
    const double y[] = {1, NAN, 1 / 3.0};
    struct nw_model_chart chart = {.title = "t",
                                   .x = {"time", NW_MODEL_SECONDS},
                                   .series = {{"load", NW_MODEL_CHART_STEP, NULL, y, NULL, 3}},
                                   .series_count = 1};
    struct report *report = new_report();
    report_chart(report, "day", &chart);
    json_t *json = json_of(report), *day = json_object_get(json, "day");
    json_t *series = json_array_get(json_object_get(day, "series"), 0);
    json_t *values = json_object_get(series, "y");
    assert_string_equal(json_string_value(json_object_get(series, "kind")), "step");
    assert_int_equal(json_array_size(json_object_get(series, "x")), 3);
    assert_true(json_is_null(json_array_get(values, 1)));
    assert_true(json_real_value(json_array_get(values, 2)) == 1 / 3.0);
    json_decref(json);
    report_free(report);
}

/* ---- names ---- */

static void results_are_found_by_their_path(void **state)
{
    struct report *report = new_report();
    struct report_found found;
    double value = -1;
    report_open(report, "services", NULL);
    report_open(report, "app.v2", NULL);
    report_number(report, "nodes", NULL, 55, NW_MODEL_COUNT);
    report_close(report);
    report_absent(report, "wait_s", "wait", "unstable");
    report_close(report);
    report_steps(report, "steps", NULL, &some_steps, false);
    assert_true(report_find(report, "services.app.v2.nodes", &value) && value == 55);
    assert_true(report_find(report, "app.nodes", &value) && value == 4); /* a step, rounded */
    assert_false(report_find(report, "services.wait_s", &value));
    assert_true(report_look_up(report, "services.wait_s", &found));
    assert_string_equal(found.reason, "unstable");
    assert_true(report_look_up(report, "app.wait_s", &found));
    assert_string_equal(found.reason, "unstable");
    assert_false(report_look_up(report, "services", &found));
    assert_false(report_look_up(report, "", &found));
    assert_true(value == 4); /* written on success alone */
    report_free(report);
}

static void count_path(void *arg, const char *path)
{
    (*(unsigned *)arg)++;
    assert_non_null(strchr(path, '.'));
}

static void each_path_is_told(void **state)
{
    struct report *report = new_report();
    unsigned count = 0;
    report_open(report, "a", NULL);
    report_number(report, "b", NULL, 1, NW_MODEL_COUNT);
    report_absent(report, "c", NULL, "none");
    report_close(report);
    report_steps(report, "steps", NULL, &some_steps, false);
    report_each_path(report, count_path, &count);
    assert_int_equal(count, 2 + NW_COUNT(step_items));
    report_free(report);
}

/* ---- CSV ---- */

static void csv_is_the_main_table_as_rfc_4180_has_it(void **state)
{
    struct report *report = new_report();
    static const struct report_column other[] = {{"x", "x", NW_MODEL_NUMBER, false}};
    report_table(report, "other", NULL, other, 1);
    add_table(report, "main");
    char *csv = printed(report, report_print_csv);
    assert_string_equal(csv, "policy,misses,code\r\nlru,2233064,3\r\n\"a,\"\"b\"\"\nc\",,0.1\r\n");
    nw_free(csv);
    report_free(report);
}

static void without_a_table_csv_lists_the_results(void **state)
{
    struct report *report = new_report();
    report_open(report, "a", NULL);
    report_number(report, "b_s", NULL, 0.25, NW_MODEL_SECONDS);
    report_close(report);
    report_absent(report, "c", NULL, "beyond-peak, far");
    char *csv = printed(report, report_print_csv);
    assert_string_equal(csv, "name,value,reason\r\na.b_s,0.25,\r\nc,,\"beyond-peak, far\"\r\n");
    nw_free(csv);
    report_free(report);
}

/* ---- text ---- */

static unsigned columns_of(const char *line, size_t bytes)
{
    unsigned count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)line[i] & 0xc0) != 0x80;
    return count;
}

static void assert_no_line_is_wider(const char *text, unsigned width)
{
    for (const char *line = text; *line != '\0';) {
        size_t bytes = strcspn(line, "\n");
        if (columns_of(line, bytes) > width)
            fail_msg("wider than %u: %.*s", width, (int)bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
}

static struct report *full_report(void)
{
    struct report *report = new_report();
    report_number(report, "nodes", "Nodes", 55, NW_MODEL_COUNT);
    report_steps(report, "steps", "Steps", &some_steps, true);
    report_open(report, "load", "Load");
    report_number(report, "users", "users", 5e7, NW_MODEL_COUNT);
    report_absent(report, "wait_s", "wait", "unstable, and for a reason that takes many words");
    report_text(report, "note", "note",
                "öäü and many more words than one line of forty columns has");
    report_close(report);
    report_line(report, "A sentence %s for people.", EVIL);
    add_table(report, "main");
    report_text(report, "end", "end", "after the table");
    return report;
}

static void text_stays_inside_the_terminal(void **state)
{
    struct report *report = full_report();
    for (unsigned width = 44; width <= 120; width += 19) {
        char *text = printed_text(report, width, false);
        assert_no_line_is_wider(text, width);
        nw_free(text);
    }
    char *text = printed_text(report, 0, false);
    assert_contains(text,
                    "\n  note   öäü and many more words than one line of forty columns has\n");
    nw_free(text);
    report_free(report);
}

static void equals_signs_of_steps_stand_under_each_other(void **state)
{
    struct report *report = new_report();
    report_steps(report, "steps", NULL, &some_steps, true);
    char *text = printed_text(report, 0, false), *first = strchr(text, '=');
    assert_contains(text, "App   1,000 / 300");
    assert_contains(text, " -> 4 nodes (the guide prints about 4)");
    assert_contains(text, "Wait  none: unstable");
    char *line = first, *second = strchr(first + 1, '=');
    while (line[-1] != '\n')
        line--;
    char *below = second;
    while (below[-1] != '\n')
        below--;
    assert_int_equal(first - line, second - below);
    nw_free(text);
    report_free(report);
}

static void nobodys_string_talks_to_the_terminal(void **state)
{
    struct report *report = full_report();
    char *plain = printed_text(report, 80, false), *coloured = printed_text(report, 80, true);
    assert_null(strchr(plain, '\x1b'));
    assert_null(strstr(coloured, "\x1b[31m"));
    assert_contains(coloured, "\x1b[1mLoad\x1b[0m");
    assert_null(strchr(plain, '\x80'));
    nw_free(plain);
    nw_free(coloured);
    report_free(report);
}

static void a_long_table_is_cut_for_people_alone(void **state)
{
    static const struct report_column one[] = {{"x", "x", NW_MODEL_COUNT, false}};
    struct report *report = new_report();
    report_table(report, "main", NULL, one, 1);
    for (int i = 0; i < REPORT_ROWS_MAX + 7; i++)
        report_row(report, &(struct report_cell){.value = i}, 1);
    json_t *json = json_of(report);
    assert_int_equal(json_array_size(json_object_get(json, "main")), REPORT_ROWS_MAX);
    assert_int_equal(json_integer_value(json_object_get(json, "main_left_out")), 7);
    char *text = printed_text(report, 80, false), *page = printed(report, report_print_html);
    assert_contains(text, "… 99800 more rows");
    assert_contains(text, "… 7 rows beyond the first 100000 are left out");
    assert_contains(page, "… 99800 more rows");
    assert_true(strlen(page) < 60000);
    nw_free(text);
    nw_free(page);
    json_decref(json);
    report_free(report);
}

/* ---- HTML ---- */

static void a_page_holds_no_markup_of_others_and_fetches_nothing(void **state)
{
    struct report *report = full_report();
    char *page = printed(report, report_print_html);
    assert_contains(page, "content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<link"));
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "@import"));
    assert_null(strchr(page, '\x1b'));
    assert_null(strchr(page, '\x80'));
    assert_contains(page, "&lt;script&gt;alert(&#39;x&#39;)");
    nw_free(page);
    report_free(report);
}

static void numbers_stand_readable_and_exact(void **state)
{
    struct report *report = new_report();
    report_open(report, "load", "Load");
    report_number(report, "peak_per_s", "peak", 31250 / 3.0, NW_MODEL_PER_S);
    report_close(report);
    report_steps(report, "steps", "Steps", &some_steps, false);
    char *page = printed(report, report_print_html);
    assert_contains(page,
                    "data-name=\"load.peak_per_s\" data-value=\"10416.666666666666\">10,416.7/s<");
    assert_contains(page, "data-name=\"app.nodes\" data-value=\"4\"");
    nw_free(page);
    report_free(report);
}

static void a_tile_stands_on_top_of_page_and_text(void **state)
{
    struct report *report = new_report();
    report_open(report, "summary", NULL);
    report_number(report, "nodes", NULL, 55, NW_MODEL_COUNT);
    report_close(report);
    report_tile(report, "summary.nodes", "Nodes", 55, NW_MODEL_COUNT);
    report_text(report, NULL, "How", "so");
    char *page = printed(report, report_print_html), *text = printed_text(report, 0, false);
    json_t *json = json_of(report);
    assert_contains(page,
                    "<dt>Nodes</dt><dd data-name=\"summary.nodes\" data-value=\"55\">55</dd>");
    assert_string_equal(text, "A test\n\nNodes  55\n\nHow    so\n");
    assert_int_equal(json_object_size(json), 3);
    json_decref(json);
    nw_free(page);
    nw_free(text);
    report_free(report);
}

static void points_of_a_column_stand_under_each_other(void **state)
{
    static const struct report_column mixed[] = {{"ratio", "ratio", NW_MODEL_RATIO, false},
                                                 {"wait_s", "wait", NW_MODEL_SECONDS, false},
                                                 {"growth", "growth", NW_MODEL_NUMBER, false},
                                                 {"count", "count", NW_MODEL_COUNT, false}};
    struct report *report = new_report();
    report_table(report, "main", NULL, mixed, NW_COUNT(mixed));
    report_row(report, (struct report_cell[]){{1}, {7200}, {.0339}, {3}}, 4);
    report_row(report, (struct report_cell[]){{.09412}, {.503333}, {1384.6}, {40}}, 4);
    report_row(report, (struct report_cell[]){{.875}, {.002}, {.is_absent = true}, {5}}, 4);
    report_row(report, (struct report_cell[]){{.00001}, {5}, {.00123}, {1}}, 4);
    char *text = printed_text(report, 0, false);
    assert_string_equal(text, "A test\n\n"
                              "  ratio      wait    growth  count\n"
                              "100.00%       2 h      0.03      3\n"
                              "  9.41%  503.3 ms  1,384.60     40\n"
                              " 87.50%    2.0 ms         -      5\n"
                              " 0.001%       5 s   0.00123      1\n");
    nw_free(text);
    report_free(report);
}

/* 30 tables of 1,000 rows and 40 charts of 8 lines with 10,000 points each. */
static void a_page_stays_below_200_kb(void **state)
{
    enum { POINTS = 10000 };
    double *values = calloc(POINTS, sizeof *values);
    struct nw_rng rng;
    nw_rng_init(&rng, 1);
    for (int i = 0; i < POINTS; i++)
        values[i] = nw_rng_double(&rng);
    struct nw_model_chart chart = {.title = "t", .series_count = NW_MODEL_CHART_SERIES_MAX};
    for (unsigned s = 0; s < chart.series_count; s++)
        chart.series[s] = (struct nw_model_chart_series){
            "a line", NW_MODEL_CHART_LINE, NULL, values, NULL, POINTS};
    struct report *report = new_report();
    for (int t = 0; t < 40; t++) {
        report_chart(report, NULL, &chart);
        if (t < 10)
            continue;
        report_table(report, NULL, "Table", columns, NW_COUNT(columns));
        for (int i = 0; i < 1000; i++)
            report_row(report,
                       (struct report_cell[]){{.text = "policy"}, {.value = i}, {.text = "x"}, {1}},
                       NW_COUNT(columns));
    }
    char *page = printed(report, report_print_html);
    assert_true(strlen(page) < 200000);
    assert_contains(page, "This page is full");
    assert_contains(page, "</html>");
    nw_free(page);
    report_free(report);
    free(values);
}

/* 20 tables of 1,000 rows, and behind them what the page is looked at for. */
static void charts_have_room_behind_long_tables(void **state)
{
    const double y[] = {1, 2, 3};
    struct nw_model_chart chart = {.title = "behind all",
                                   .series = {{"a", NW_MODEL_CHART_LINE, NULL, y, NULL, 3}},
                                   .series_count = 1};
    struct report *report = new_report();
    for (int t = 0; t < 20; t++) {
        report_table(report, NULL, "Table", columns, NW_COUNT(columns));
        for (int i = 0; i < 1000; i++)
            report_row(report,
                       (struct report_cell[]){{.text = "a policy of a name that is long enough"},
                                              {.value = i / 3.0},
                                              {.text = "and a remark beside it, for each row"},
                                              {1}},
                       NW_COUNT(columns));
    }
    report_chart(report, NULL, &chart);
    char *page = printed(report, report_print_html);
    assert_true(strlen(page) < 200000);
    assert_contains(page, "<title>behind all</title>");
    assert_null(strstr(page, "This page is full"));
    nw_free(page);
    report_free(report);
}

/* ---- all forms ---- */

static void what_is_incomplete_says_so_in_every_form(void **state)
{
    struct report *report = full_report();
    assert_true(report_is_complete(report));
    report_mark_incomplete(report, "interrupted after 3 of 20 runs");
    assert_false(report_is_complete(report));
    json_t *json = json_of(report);
    assert_true(json_is_false(json_object_get(json, "complete")));
    assert_string_equal(json_string_value(json_object_get(json, "incomplete_reason")),
                        "interrupted after 3 of 20 runs");
    char *text = printed_text(report, 80, false), *page = printed(report, report_print_html);
    assert_contains(text, "incomplete: interrupted after 3 of 20 runs\n");
    assert_contains(page, "interrupted after 3 of 20 runs</p>");
    nw_free(text);
    nw_free(page);
    json_decref(json);
    report_free(report);
}

static void the_same_report_is_the_same_bytes(void **state)
{
    static const printer printers[] = {report_print_json, report_print_csv, report_print_html};
    struct report *one = full_report(), *two = full_report();
    for (size_t i = 0; i < NW_COUNT(printers); i++) {
        char *a = printed(one, printers[i]), *b = printed(two, printers[i]);
        assert_string_equal(a, b);
        nw_free(a);
        nw_free(b);
    }
    report_free(one);
    report_free(two);
}

static void an_empty_report_prints(void **state)
{
    struct report *report = report_new("newel.test/1", NULL);
    char *text = printed_text(report, 80, true), *page = printed(report, report_print_html);
    json_t *json = json_of(report);
    assert_true(text == NULL || text[0] == '\0');
    assert_contains(page, "<title>newel.test/1</title>");
    nw_free(text);
    nw_free(page);
    json_decref(json);
    report_free(report);
    report_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_numbers_read_back_as_the_same_double),
        cmocka_unit_test(json_is_the_tree_in_its_order),
        cmocka_unit_test(parts_of_an_object_without_a_name_belong_around_it),
        cmocka_unit_test(a_table_is_an_array_of_objects),
        cmocka_unit_test(steps_carry_formula_operands_and_both_values),
        cmocka_unit_test(a_chart_is_its_series_in_json),
        cmocka_unit_test(results_are_found_by_their_path),
        cmocka_unit_test(each_path_is_told),
        cmocka_unit_test(csv_is_the_main_table_as_rfc_4180_has_it),
        cmocka_unit_test(without_a_table_csv_lists_the_results),
        cmocka_unit_test(text_stays_inside_the_terminal),
        cmocka_unit_test(equals_signs_of_steps_stand_under_each_other),
        cmocka_unit_test(nobodys_string_talks_to_the_terminal),
        cmocka_unit_test(a_long_table_is_cut_for_people_alone),
        cmocka_unit_test(a_page_holds_no_markup_of_others_and_fetches_nothing),
        cmocka_unit_test(numbers_stand_readable_and_exact),
        cmocka_unit_test(a_tile_stands_on_top_of_page_and_text),
        cmocka_unit_test(points_of_a_column_stand_under_each_other),
        cmocka_unit_test(a_page_stays_below_200_kb),
        cmocka_unit_test(charts_have_room_behind_long_tables),
        cmocka_unit_test(what_is_incomplete_says_so_in_every_form),
        cmocka_unit_test(the_same_report_is_the_same_bytes),
        cmocka_unit_test(an_empty_report_prints),
    };
    return cmocka_run_group_tests_name("cmd/report", tests, NULL, NULL);
}
