/*
 * The tree of a report: built once in the order in which a command finds things out, walked by each
 * printer. Nodes and strings live in one arena, so freeing is one step; only cells of tables, which
 * may be many, lie on the heap. Looking a name up is a walk: it happens once per --fail-if.
 */
#include "cmd/report_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

/* A report of ordinary size takes some 100 KB; what is far beyond is a programmer's mistake. */
#define ARENA_MAX_BYTES ((size_t)1 << 30)

static const char *copy(struct report *report, const char *string)
{
    return string != NULL ? nw_arena_string(&report->arena, nw_slice_str(string)) : NULL;
}

struct report *report_new(const char *schema, const char *title)
{
    struct report *report = nw_alloc_zero(sizeof *report);
    nw_arena_init(&report->arena, NULL, 0, ARENA_MAX_BYTES);
    report->schema = copy(report, schema);
    report->title = copy(report, title);
    report->currency = "";
    report->root.kind = REPORT_OBJECT;
    report->open = &report->root;
    return report;
}

void report_free(struct report *report)
{
    if (report == NULL)
        return;
    for (const struct report_node *node = &report->root; node != NULL;
         node = report_next(&report->root, node))
        if (node->kind == REPORT_TABLE)
            nw_free(node->table->cells);
    nw_arena_done(&report->arena);
    nw_free(report);
}

void report_set_currency(struct report *report, const char *currency)
{
    report->currency = copy(report, currency);
}

/* The object in JSON that the node's name belongs to: objects without a name are no part of it. */
static const struct report_node *home_of(const struct report_node *node)
{
    const struct report_node *home = node->parent;
    while (home->parent != NULL && home->name == NULL)
        home = home->parent;
    return home;
}

/* Is there a node of this name in the object `home`, or in objects without a name inside it? */
static bool has_name(const struct report_node *home, const char *name)
{
    for (const struct report_node *node = home->first; node != NULL; node = node->next) {
        if (node->name != NULL && strcmp(node->name, name) == 0)
            return true;
        if (node->name == NULL && node->kind == REPORT_OBJECT && has_name(node, name))
            return true;
    }
    return false;
}

static struct report_node *add(struct report *report, report_kind kind, const char *name,
                               const char *label)
{
    struct report_node *node = nw_arena_zero(&report->arena, sizeof *node);
    struct report_node *parent = report->open;
    node->kind = kind;
    node->parent = parent;
    NW_ASSERT(name == NULL || !has_name(home_of(node), name));
    node->name = copy(report, name);
    node->label = copy(report, label);
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    report->table = NULL;
    return node;
}

void report_open(struct report *report, const char *name, const char *heading)
{
    report->open = add(report, REPORT_OBJECT, name, heading);
}

void report_close(struct report *report)
{
    NW_ASSERT(report->open->parent != NULL);
    report->open = report->open->parent;
    report->table = NULL;
}

void report_number(struct report *report, const char *name, const char *label, double value,
                   nw_model_unit unit)
{
    NW_ASSERT(isfinite(value));
    struct report_node *node = add(report, REPORT_NUMBER, name, label);
    node->value = value;
    node->unit = unit;
}

void report_tile(struct report *report, const char *path, const char *label, double value,
                 nw_model_unit unit)
{
    NW_ASSERT(isfinite(value) && path != NULL && label != NULL);
    struct report_node *node = add(report, REPORT_TILE, NULL, label);
    node->text = copy(report, path);
    node->value = value;
    node->unit = unit;
}

void report_absent(struct report *report, const char *name, const char *label, const char *reason)
{
    NW_ASSERT(reason != NULL);
    add(report, REPORT_ABSENT, name, label)->text = copy(report, reason);
}

void report_text(struct report *report, const char *name, const char *label, const char *text)
{
    NW_ASSERT(text != NULL);
    add(report, REPORT_TEXT, name, label)->text = copy(report, text);
}

void report_bool(struct report *report, const char *name, const char *label, bool value)
{
    add(report, REPORT_BOOL, name, label)->is_true = value;
}

void report_line(struct report *report, const char *format, ...)
{
    struct nw_text line = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&line, format, args);
    va_end(args);
    add(report, REPORT_LINE, NULL, NULL)->text =
        nw_arena_string(&report->arena, nw_text_slice(&line));
    nw_text_done(&line);
}

void report_table(struct report *report, const char *name, const char *heading,
                  const struct report_column *columns, unsigned column_count)
{
    NW_ASSERT(column_count > 0 && column_count <= REPORT_COLUMNS_MAX);
    struct report_node *node = add(report, REPORT_TABLE, name, heading);
    struct report_table_data *table = nw_arena_zero(&report->arena, sizeof *table);
    table->columns = nw_arena_zero(&report->arena, column_count * sizeof *table->columns);
    table->column_count = column_count;
    table->places = nw_arena_zero(&report->arena, column_count * sizeof *table->places);
    for (unsigned i = 0; i < column_count; i++) {
        memset(table->places[i].of, -1, sizeof table->places[i].of);
        table->columns[i] = columns[i];
        table->columns[i].name = copy(report, columns[i].name);
        table->columns[i].label = copy(report, columns[i].label);
    }
    node->table = table;
    report->table = node;
    report->table_count++;
}

/* The letter that the unit behind a printed number begins with, 0 for none; and its decimals. */
static unsigned char unit_letter(const char *number, int *out_decimals)
{
    const char *end = number + strspn(number, "-0123456789,");
    *out_decimals = *end == '.' ? (int)strspn(end + 1, "0123456789") : 0;
    end += *end == '.' ? 1 + *out_decimals : 0;
    end += *end == ' ';
    return (unsigned char)*end < 128 ? (unsigned char)*end : 0;
}

/* One or two decimals for a whole column: a third says nothing beside numbers without it. */
static void learn_places(struct report_table_data *table, unsigned column,
                         const struct report_cell *cell)
{
    struct nw_text text = {0};
    int decimals;
    if (cell->text != NULL || cell->is_absent || table->row_count > REPORT_ROWS_SHOWN)
        return;
    nw_model_unit_print(&text, cell->value, table->columns[column].unit, "");
    signed char *places = &table->places[column].of[unit_letter(text.ptr, &decimals)];
    if (decimals > 0 && *places < 2)
        *places = decimals > 1 ? 2 : 1;
    nw_text_done(&text);
}

void report_row(struct report *report, const struct report_cell *cells, unsigned cell_count)
{
    NW_ASSERT(report->table != NULL);
    struct report_table_data *table = report->table->table;
    NW_ASSERT(cell_count == table->column_count);
    if (table->row_count == REPORT_ROWS_MAX) {
        table->left_out++;
        return;
    }
    if (table->row_count == table->row_cap) {
        table->row_cap = table->row_cap != 0 ? table->row_cap * 2 : 16;
        table->cells =
            nw_realloc(table->cells, table->row_cap * table->column_count * sizeof *cells);
    }
    struct report_cell *to = &table->cells[table->row_count++ * table->column_count];
    for (unsigned i = 0; i < cell_count; i++) {
        to[i] = cells[i];
        to[i].text = copy(report, cells[i].text);
        NW_ASSERT(to[i].text != NULL || to[i].is_absent || !table->columns[i].is_text);
        NW_ASSERT(to[i].text != NULL || to[i].is_absent || isfinite(to[i].value));
        learn_places(table, i, &to[i]);
    }
}

void report_steps(struct report *report, const char *name, const char *heading,
                  const struct nw_model_steps *steps, bool has_guides)
{
    struct report_node *node = add(report, REPORT_STEPS, name, heading);
    node->steps = steps;
    node->has_guides = has_guides;
}

void report_chart(struct report *report, const char *name, const struct nw_model_chart *chart)
{
    add(report, REPORT_CHART, name, NULL)->chart = chart;
}

void report_mark_incomplete(struct report *report, const char *why)
{
    report->incomplete = copy(report, why);
}

bool report_is_complete(const struct report *report)
{
    return report->incomplete == NULL;
}

size_t report_rows_shown(const struct report_table_data *table)
{
    return table->row_count < REPORT_ROWS_SHOWN ? table->row_count : REPORT_ROWS_SHOWN;
}

/* Does a person see anything of the node itself? */
static bool is_seen(const struct report_node *node)
{
    switch (node->kind) {
    case REPORT_OBJECT: return node->label != NULL;
    case REPORT_TABLE: return report_table_is_seen(node->table);
    case REPORT_LINE:
    case REPORT_STEPS: return true;
    case REPORT_CHART:
    case REPORT_TILE: return false; /* pictures stand apart anyway */
    default: return node->label != NULL;
    }
}

static bool is_block(const struct report_node *node)
{
    return node->kind == REPORT_TABLE || node->kind == REPORT_OBJECT ||
           (node->kind == REPORT_STEPS && node->label != NULL);
}

static bool is_behind_block(const struct report_node *node)
{
    const struct report_node *before = NULL;
    for (const struct report_node *at = node->parent->first; at != node; at = at->next)
        before = is_seen(at) ? at : before;
    if (before != NULL)
        return is_block(before);
    return node->parent->parent != NULL && node->parent->label == NULL &&
           is_behind_block(node->parent);
}

bool report_follows_block(const struct report_node *node)
{
    return is_seen(node) && !is_block(node) && is_behind_block(node);
}

void report_add_path(const struct report_node *node, struct nw_text *out)
{
    const struct report_node *home = home_of(node);
    if (home->parent != NULL) {
        report_add_path(home, out);
        nw_text_add_char(out, '.');
    }
    nw_text_add_str(out, node->name);
}

/* 15 digits name most doubles, 17 all; the C library of another locale writes a comma. */
void report_add_exact(double value, struct nw_text *out)
{
    char digits[40];
    if (value == 0)
        value = 0; /* -0 */
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    for (char *at = digits; *at != '\0'; at++)
        nw_text_add_char(out, *at == ',' ? '.' : *at);
}

/* What would lose its last digit keeps all of its own: 0.00478 among others with two decimals. */
static bool is_lost(const char *rounded, double value)
{
    return value != 0 && strtod(rounded, NULL) == 0;
}

void report_add_cell(const struct report *report, const struct report_table_data *table, size_t row,
                     unsigned column, struct nw_text *out)
{
    const struct report_cell *cell = report_cell_at(table, row, column);
    nw_model_unit unit = table->columns[column].unit;
    struct nw_text own = {0}, rounded = {0};
    int decimals;
    if (cell->is_absent || cell->text != NULL) {
        nw_text_add_str(out, cell->is_absent ? "-" : cell->text);
        return;
    }
    nw_model_unit_print(&own, cell->value, unit, report->currency);
    int places = table->places[column].of[unit_letter(own.ptr, &decimals)];
    if (places >= 0)
        nw_model_unit_print_places(&rounded, cell->value, unit, report->currency, places);
    bool is_rounded = places >= 0 && !is_lost(rounded.ptr, cell->value);
    nw_text_add(out, nw_text_slice(is_rounded ? &rounded : &own));
    nw_text_done(&own);
    nw_text_done(&rounded);
}

static bool is_result(const struct report_node *node)
{
    return node->name != NULL && (node->kind == REPORT_NUMBER || node->kind == REPORT_ABSENT);
}

static const char *path_of(const struct report_node *node, struct nw_text *path)
{
    nw_text_clear(path);
    report_add_path(node, path);
    return path->ptr;
}

static bool find_step(const struct report_node *node, const char *path, struct report_found *out)
{
    const struct nw_model_step *found = NULL;
    for (size_t i = 0; i < node->steps->count; i++)
        if (node->steps->items[i].path != NULL && strcmp(node->steps->items[i].path, path) == 0)
            found = &node->steps->items[i];
    if (found == NULL)
        return false;
    *out = (struct report_found){found->reason == NULL ? found->rounded : 0, found->unit,
                                 found->reason};
    return true;
}

bool report_look_up(const struct report *report, const char *path, struct report_found *out)
{
    struct nw_text own = {0};
    bool is_found = false;
    for (const struct report_node *node = &report->root; node != NULL && !is_found;
         node = report_next(&report->root, node))
        if (is_result(node) && strcmp(path_of(node, &own), path) == 0) {
            *out = (struct report_found){node->value, node->unit, node->text};
            is_found = true;
        }
    for (const struct report_node *node = &report->root; node != NULL && !is_found;
         node = report_next(&report->root, node))
        is_found = node->kind == REPORT_STEPS && find_step(node, path, out);
    nw_text_done(&own);
    return is_found;
}

bool report_find(const struct report *report, const char *path, double *out)
{
    struct report_found found;
    if (!report_look_up(report, path, &found) || found.reason != NULL)
        return false;
    *out = found.value;
    return true;
}

void report_each_path(const struct report *report, void (*each)(void *arg, const char *path),
                      void *arg)
{
    struct nw_text path = {0};
    for (const struct report_node *node = &report->root; node != NULL;
         node = report_next(&report->root, node)) {
        if (is_result(node))
            each(arg, path_of(node, &path));
        for (size_t i = 0; node->kind == REPORT_STEPS && i < node->steps->count; i++)
            if (node->steps->items[i].path != NULL)
                each(arg, node->steps->items[i].path);
    }
    nw_text_done(&path);
}
