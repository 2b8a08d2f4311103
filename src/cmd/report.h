/*
 * report.h - what a command found out, once; printed as text, JSON, CSV or HTML.
 *
 * A report is a tree as in JSON: objects, values, tables, charts, in the order in which they were
 * added. Every printer walks the same tree, so the forms carry the same numbers; `--fail-if` looks
 * its names up in it. Names are JSON names (lower case, unit last); labels and headings are for
 * people. What has no label stands in JSON alone; what has no name stands in text and HTML alone,
 * but the named parts of an object without a name belong to the object around it.
 *
 * Names within one object differ (asserted: user's own names have an object of their own). Numbers
 * are finite (asserted). A table holds REPORT_ROWS_MAX rows; more are counted and said to be left
 * out. Text and HTML show the first REPORT_ROWS_SHOWN of them and say so.
 *
 * Owner:   strings are copied; steps and charts are borrowed until report_free
 * Threads: one report, one thread
 */
#ifndef NW_CMD_REPORT_H
#define NW_CMD_REPORT_H

#include <stdio.h>

#include "base/text.h"
#include "model/chart.h"
#include "model/steps.h"

enum { REPORT_COLUMNS_MAX = 24, REPORT_ROWS_MAX = 100000, REPORT_ROWS_SHOWN = 200 };

struct report;

/* schema: "newel.plan/1", the first key of the JSON. title: first line of text, <h1> of HTML. */
struct report *report_new(const char *schema, const char *title);
void report_free(struct report *report);
/* A label for amounts of money; "" until set. */
void report_set_currency(struct report *report, const char *currency);

/* Everything until report_close belongs to the object. heading NULL: only JSON sees it as one. */
void report_open(struct report *report, const char *name, const char *heading);
void report_close(struct report *report);

/* A number must be finite; one that does not exist is report_absent. */
void report_number(struct report *report, const char *name, const char *label, double value,
                   nw_model_unit unit);
/*
 * A result that the reader came for: large at the top of a page, a line at the top of text. `path`
 * is that of the result in JSON, which stands in the report as well. Labelled numbers at the top
 * level look so, too.
 */
void report_tile(struct report *report, const char *path, const char *label, double value,
                 nw_model_unit unit);
/* JSON: "name": null, "name_reason": "unstable". Text: "label  none: unstable". */
void report_absent(struct report *report, const char *name, const char *label, const char *reason);
void report_text(struct report *report, const char *name, const char *label, const char *text);
void report_bool(struct report *report, const char *name, const char *label, bool value);
/* A sentence for people; wrapped to the terminal's width. "": an empty line between two of text. */
void report_line(struct report *report, const char *format, ...) NW_PRINTF(2, 3);

struct report_column {
    const char *name;  /* JSON and CSV; NULL: not there */
    const char *label; /* text and HTML; NULL: not there */
    nw_model_unit unit;
    bool is_text; /* cells are texts, left-aligned; a text among numbers stands as they do */
};
struct report_cell {
    double value; /* ignored where text or is_absent is given */
    const char *text;
    bool is_absent; /* JSON null, text "-" */
};
/*
 * An array of objects in JSON; where no column has a label or no row was added, nothing in
 * text and HTML. --csv prints
 * the table whose name is "main" or the first that has one. Without any table CSV lists the
 * results: name, value, reason.
 */
void report_table(struct report *report, const char *name, const char *heading,
                  const struct report_column *columns, unsigned column_count);
void report_row(struct report *report, const struct report_cell *cells, unsigned cell_count);

/*
 * Steps: JSON as an array under `name` with formula, operands, exact, rounded, printed, fact; text
 * as aligned lines "label   values = result", as on a sheet of paper; printed figures of the guides
 * only with has_guides.
 */
void report_steps(struct report *report, const char *name, const char *heading,
                  const struct nw_model_steps *steps, bool has_guides);
/* HTML: inline SVG. Text: nothing. JSON: the series, whole; name NULL: not in JSON. */
void report_chart(struct report *report, const char *name, const struct nw_model_chart *chart);
/* Says in every form that the work was not finished, and why; JSON "complete": false. */
void report_mark_incomplete(struct report *report, const char *why);
bool report_is_complete(const struct report *report);

/* The number at a path such as "services.app.nodes"; false when there is none. */
bool report_find(const struct report *report, const char *path, double *out);

/* What stands at a path, for --fail-if: a number, or why there is none. */
struct report_found {
    double value; /* where reason is NULL */
    nw_model_unit unit;
    const char *reason;
};
/* False when no result has that name. */
bool report_look_up(const struct report *report, const char *path, struct report_found *out);
/* Calls `each` with the path of every result that report_look_up finds. */
void report_each_path(const struct report *report, void (*each)(void *arg, const char *path),
                      void *arg);

/* width 0: no wrapping (not a terminal). */
void report_print_text(const struct report *report, unsigned width, bool has_colour,
                       struct nw_text *out);
void report_print_json(const struct report *report, struct nw_text *out);
void report_print_csv(const struct report *report, struct nw_text *out);
/* One file: inline SVG and CSS, no script, no outside address, light and dark, printable. */
void report_print_html(const struct report *report, struct nw_text *out);

#endif
