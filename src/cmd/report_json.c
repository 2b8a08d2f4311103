/*
 * JSON in the order in which things were added, two spaces for each level, one line for each row
 * of a table, so that a plan kept in a repository shows readable differences. Numbers are the
 * shortest that read back as the same double.
 */
#include "cmd/report_impl.h"

#include <math.h>

struct writer {
    struct nw_text *out;
    unsigned depth;
    bool is_first; /* in its object or array */
};

static void begin_item(struct writer *to)
{
    nw_text_add_str(to->out, to->is_first ? "\n" : ",\n");
    for (unsigned i = 0; i < to->depth; i++)
        nw_text_add_str(to->out, "  ");
    to->is_first = false;
}

static void add_key(struct writer *to, const char *name)
{
    begin_item(to);
    nw_text_add_json_string(to->out, nw_slice_str(name));
    nw_text_add_str(to->out, ": ");
}

static void open_with(struct writer *to, char bracket)
{
    nw_text_add_char(to->out, bracket);
    to->depth++;
    to->is_first = true;
}

static void close_with(struct writer *to, char bracket)
{
    bool is_empty = to->is_first;
    to->depth--;
    to->is_first = true;
    if (!is_empty)
        begin_item(to);
    nw_text_add_char(to->out, bracket);
    to->is_first = false;
}

static void add_string(struct writer *to, const char *text)
{
    nw_text_add_json_string(to->out, nw_slice_str(text));
}

static void add_number(struct writer *to, double value)
{
    if (isfinite(value))
        report_add_exact(value, to->out);
    else
        nw_text_add_str(to->out, "null");
}

static void add_pair(struct writer *to, const char *name, const char *text)
{
    if (text == NULL)
        return;
    add_key(to, name);
    add_string(to, text);
}

/* One item of an object on one line: `"name": `, a comma before all but the first. */
static void add_inline_key(struct writer *to, bool *is_first, const char *name)
{
    nw_text_add_str(to->out, *is_first ? "" : ", ");
    *is_first = false;
    add_string(to, name);
    nw_text_add_str(to->out, ": ");
}

static void add_row(struct writer *to, const struct report_table_data *table, size_t row)
{
    bool is_first = true;
    nw_text_add_char(to->out, '{');
    for (unsigned i = 0; i < table->column_count; i++) {
        const struct report_cell *cell = report_cell_at(table, row, i);
        if (table->columns[i].name == NULL)
            continue;
        add_inline_key(to, &is_first, table->columns[i].name);
        if (cell->is_absent)
            nw_text_add_str(to->out, "null");
        else if (cell->text != NULL)
            add_string(to, cell->text);
        else
            add_number(to, cell->value);
    }
    nw_text_add_char(to->out, '}');
}

static void add_table(struct writer *to, const struct report_node *node)
{
    const struct report_table_data *table = node->table;
    add_key(to, node->name);
    open_with(to, '[');
    for (size_t row = 0; row < table->row_count; row++) {
        begin_item(to);
        add_row(to, table, row);
    }
    close_with(to, ']');
    if (table->left_out > 0) {
        begin_item(to);
        nw_text_addf(to->out, "\"%s_left_out\": %zu", node->name, table->left_out);
    }
}

static const char *origin_name(nw_model_origin origin)
{
    switch (origin) {
    case NW_MODEL_ASSUMED: return "assumed";
    case NW_MODEL_GIVEN: return "given";
    case NW_MODEL_SET: return "set";
    case NW_MODEL_DERIVED: break;
    }
    return "derived";
}

static void add_operands(struct writer *to, const struct nw_model_step *step)
{
    add_key(to, "operands");
    open_with(to, '[');
    for (unsigned i = 0; i < step->operand_count; i++) {
        const struct nw_model_operand *operand = &step->operands[i];
        bool is_first = true;
        begin_item(to);
        nw_text_add_char(to->out, '{');
        add_inline_key(to, &is_first, "name");
        add_string(to, operand->name);
        add_inline_key(to, &is_first, "value");
        add_number(to, operand->value);
        add_inline_key(to, &is_first, "unit");
        add_string(to, nw_model_unit_name(operand->unit));
        add_inline_key(to, &is_first, "origin");
        add_string(to, origin_name(operand->origin));
        nw_text_add_char(to->out, '}');
    }
    close_with(to, ']');
}

static void add_step(struct writer *to, const struct nw_model_step *step)
{
    begin_item(to);
    open_with(to, '{');
    add_pair(to, "path", step->path);
    add_pair(to, "label", step->label);
    if (step->formula != NULL) {
        struct nw_text formula = {0};
        nw_model_step_print_formula(&formula, step);
        add_pair(to, "formula", formula.ptr != NULL ? formula.ptr : "");
        nw_text_done(&formula);
    }
    if (step->operand_count > 0)
        add_operands(to, step);
    add_key(to, "exact");
    add_number(to, step->reason == NULL ? step->exact : (double)NAN);
    add_pair(to, "exact_reason", step->reason);
    if (step->reason == NULL) {
        add_key(to, "rounded");
        add_number(to, step->rounded);
    }
    add_pair(to, "unit", nw_model_unit_name(step->unit));
    add_pair(to, "what", step->what);
    add_pair(to, "printed", step->printed);
    add_pair(to, "fact", step->fact);
    close_with(to, '}');
}

static void add_steps(struct writer *to, const struct report_node *node)
{
    add_key(to, node->name);
    open_with(to, '[');
    for (size_t i = 0; i < node->steps->count; i++)
        add_step(to, &node->steps->items[i]);
    close_with(to, ']');
}

static void add_numbers(struct writer *to, const char *name, const double *values, size_t count)
{
    add_key(to, name);
    nw_text_add_char(to->out, '[');
    for (size_t i = 0; i < count; i++) {
        nw_text_add_str(to->out, i > 0 ? ", " : "");
        if (values != NULL)
            add_number(to, values[i]);
        else
            add_number(to, (double)i);
    }
    nw_text_add_char(to->out, ']');
}

static void add_axis(struct writer *to, const char *name, const struct nw_model_chart_axis *axis)
{
    add_key(to, name);
    open_with(to, '{');
    add_pair(to, "label", axis->label);
    add_pair(to, "unit", nw_model_unit_name(axis->unit));
    if (axis->name_count > 0) {
        add_key(to, "names");
        nw_text_add_char(to->out, '[');
        for (unsigned i = 0; i < axis->name_count; i++) {
            nw_text_add_str(to->out, i > 0 ? ", " : "");
            add_string(to, axis->names[i]);
        }
        nw_text_add_char(to->out, ']');
    }
    close_with(to, '}');
}

static void add_series(struct writer *to, const struct nw_model_chart_series *series)
{
    static const char *const kinds[] = {"line", "step", "bar", "band", "dots"};
    begin_item(to);
    open_with(to, '{');
    add_pair(to, "name", series->name);
    add_pair(to, "kind", kinds[series->kind]);
    add_numbers(to, "x", series->x, series->count);
    add_numbers(to, "y", series->y, series->count);
    if (series->kind == NW_MODEL_CHART_BAND)
        add_numbers(to, "high", series->high, series->count);
    close_with(to, '}');
}

static void add_chart_row(struct writer *to, const struct nw_model_chart_row *row)
{
    bool is_first = true;
    begin_item(to);
    nw_text_add_char(to->out, '{');
    add_inline_key(to, &is_first, "label");
    add_string(to, row->label);
    add_inline_key(to, &is_first, "low");
    add_number(to, row->low);
    add_inline_key(to, &is_first, "high");
    add_number(to, row->high);
    nw_text_add_char(to->out, '}');
}

static void add_chart(struct writer *to, const struct report_node *node)
{
    const struct nw_model_chart *chart = node->chart;
    add_key(to, node->name);
    open_with(to, '{');
    add_pair(to, "title", chart->title);
    add_axis(to, "x", &chart->x);
    if (chart->row_count > 0) {
        add_key(to, "base");
        add_number(to, chart->base);
        add_key(to, "rows");
        open_with(to, '[');
        for (unsigned i = 0; i < chart->row_count; i++)
            add_chart_row(to, &chart->rows[i]);
        close_with(to, ']');
    } else {
        add_axis(to, "y", &chart->y);
        add_key(to, "series");
        open_with(to, '[');
        for (unsigned i = 0; i < chart->series_count; i++)
            add_series(to, &chart->series[i]);
        close_with(to, ']');
    }
    close_with(to, '}');
}

static void add_absent(struct writer *to, const struct report_node *node)
{
    add_key(to, node->name);
    nw_text_add_str(to->out, "null");
    begin_item(to);
    nw_text_add_char(to->out, '"');
    nw_text_add_json(to->out, nw_slice_str(node->name));
    nw_text_add_str(to->out, "_reason\": ");
    add_string(to, node->text);
}

static void add_parts(struct writer *to, const struct report_node *object);

static void add_node(struct writer *to, const struct report_node *node)
{
    switch (node->kind) {
    case REPORT_OBJECT:
        add_key(to, node->name);
        open_with(to, '{');
        add_parts(to, node);
        close_with(to, '}');
        break;
    case REPORT_NUMBER:
        add_key(to, node->name);
        add_number(to, node->value);
        break;
    case REPORT_ABSENT: add_absent(to, node); break;
    case REPORT_TEXT: add_pair(to, node->name, node->text); break;
    case REPORT_BOOL:
        add_key(to, node->name);
        nw_text_add_str(to->out, node->is_true ? "true" : "false");
        break;
    case REPORT_LINE:
    case REPORT_TILE: break;
    case REPORT_TABLE: add_table(to, node); break;
    case REPORT_STEPS: add_steps(to, node); break;
    case REPORT_CHART: add_chart(to, node); break;
    }
}

/* An object without a name is a heading for people: its parts belong here. */
static void add_parts(struct writer *to, const struct report_node *object)
{
    for (const struct report_node *node = object->first; node != NULL; node = node->next)
        if (node->name != NULL)
            add_node(to, node);
        else if (node->kind == REPORT_OBJECT)
            add_parts(to, node);
}

void report_print_json(const struct report *report, struct nw_text *out)
{
    struct writer to = {.out = out};
    open_with(&to, '{');
    add_pair(&to, "schema", report->schema);
    add_key(&to, "complete");
    nw_text_add_str(out, report->incomplete == NULL ? "true" : "false");
    add_pair(&to, "incomplete_reason", report->incomplete);
    if (report->currency[0] != '\0')
        add_pair(&to, "currency", report->currency);
    add_parts(&to, &report->root);
    close_with(&to, '}');
    nw_text_add_char(out, '\n');
}
