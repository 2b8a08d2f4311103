/*
 * Text as on a sheet of paper: labels in a left column, `values = result` beside them, the equals
 * signs of a block of steps under each other. Lines are built whole and then broken at the
 * terminal's width; columns are counted in characters, not bytes. Anybody's strings go through
 * nw_text_add_plain, so that no name in a file can talk to the terminal.
 */
#include "cmd/report_impl.h"

#include <string.h>

#include "base/assert.h"

enum {
    LABEL_MAX = 26,  /* a longer one stands alone on its line */
    VALUES_MAX = 56, /* of a step; longer ones push their result to the right */
    FOLD_MIN = 16,   /* a column of text is not folded to less */
};

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define WARN "\033[33m"
#define PLAIN "\033[0m"

struct printer {
    const struct report *report;
    struct nw_text *out;
    unsigned width; /* 0: lines are not broken */
    bool has_colour;
    unsigned label_width; /* with the indent before it and the gap behind it */
    unsigned indent;      /* of what is being printed */
    bool is_blank;        /* the last line printed was empty */
};

/* ---- characters and columns ---- */

/* Columns of a UTF-8 text in which every character takes one. */
static unsigned columns_of(const char *text, size_t bytes)
{
    unsigned columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

static unsigned width_of(const char *text)
{
    return columns_of(text, strlen(text));
}

static void add_plain(struct nw_text *out, const char *text)
{
    nw_text_add_plain(out, nw_slice_str(text));
}

static void add_spaces(struct nw_text *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        nw_text_add_char(out, ' ');
}

static void add_colour(struct printer *to, const char *colour)
{
    if (to->has_colour)
        nw_text_add_str(to->out, colour);
}

static void end_line(struct printer *to)
{
    while (to->out->len > 0 && to->out->ptr[to->out->len - 1] == ' ')
        to->out->len--;
    nw_text_add_char(to->out, '\n');
    to->is_blank = false;
}

static void add_blank(struct printer *to)
{
    if (!to->is_blank)
        nw_text_add_char(to->out, '\n');
    to->is_blank = true;
}

/*
 * Words, the first at column `at`, further lines indented by `indent`; ends the line. `colour` may
 * be NULL. A word longer than a line keeps its length.
 */
static void add_words(struct printer *to, const char *text, unsigned at, unsigned indent,
                      const char *colour)
{
    struct nw_text plain = {0};
    add_plain(&plain, text);
    struct nw_slice rest = nw_text_slice(&plain), word;
    unsigned column = at;
    bool is_first = true;
    if (colour != NULL)
        add_colour(to, colour);
    while (nw_slice_split(&rest, ' ', &word)) {
        unsigned columns = columns_of(word.ptr, word.len);
        if (word.len == 0)
            continue;
        if (!is_first && to->width > 0 && column + 1 + columns > to->width) {
            end_line(to);
            add_spaces(to->out, indent);
            column = indent;
        } else if (!is_first) {
            nw_text_add_char(to->out, ' ');
            column++;
        }
        nw_text_add(to->out, word);
        column += columns;
        is_first = false;
    }
    if (colour != NULL)
        add_colour(to, PLAIN);
    end_line(to);
    nw_text_done(&plain);
}

/* ---- labels ---- */

/* Two columns for each heading that a node stands under. */
static unsigned indent_of(const struct report_node *node)
{
    unsigned indent = 0;
    for (const struct report_node *above = node->parent; above != NULL; above = above->parent)
        indent += above->label != NULL ? 2 : 0;
    return indent;
}

static void widen(unsigned *width, unsigned indent, const char *label)
{
    unsigned columns = label != NULL ? indent + width_of(label) : 0;
    if (columns > *width && columns <= LABEL_MAX)
        *width = columns;
}

/* One column for the whole report, so that blocks line up under each other. */
static unsigned label_width_of(const struct report *report)
{
    unsigned width = 0;
    for (const struct report_node *node = &report->root; node != NULL;
         node = report_next(&report->root, node)) {
        unsigned indent = indent_of(node);
        if ((node->kind >= REPORT_NUMBER && node->kind <= REPORT_BOOL) || node->kind == REPORT_TILE)
            widen(&width, indent, node->label);
        for (size_t i = 0; node->kind == REPORT_STEPS && i < node->steps->count; i++)
            if (!node->steps->items[i].is_quiet)
                widen(&width, indent + (node->label != NULL ? 2 : 0), node->steps->items[i].label);
    }
    return width + 2;
}

static void add_label(struct printer *to, const char *label)
{
    unsigned columns = to->indent + width_of(label);
    add_spaces(to->out, to->indent);
    add_plain(to->out, label);
    if (columns + 2 > to->label_width) {
        end_line(to);
        columns = 0;
    }
    add_spaces(to->out, to->label_width - columns);
}

/* What stands under it is indented by two. */
static void print_heading(struct printer *to, const char *heading)
{
    if (to->indent == 0)
        add_blank(to);
    add_spaces(to->out, to->indent);
    add_colour(to, BOLD);
    add_plain(to->out, heading);
    add_colour(to, PLAIN);
    end_line(to);
    to->indent += 2;
}

/* ---- values ---- */

static void print_value(struct printer *to, const struct report_node *node)
{
    struct nw_text value = {0};
    if (node->label == NULL)
        return;
    add_label(to, node->label);
    if (node->kind == REPORT_NUMBER || node->kind == REPORT_TILE)
        nw_model_unit_print(&value, node->value, node->unit, to->report->currency);
    else if (node->kind == REPORT_ABSENT)
        nw_text_addf(&value, "none: %s", node->text);
    else if (node->kind == REPORT_BOOL)
        nw_text_add_str(&value, node->is_true ? "yes" : "no");
    else
        nw_text_add_str(&value, node->text);
    add_words(to, value.ptr != NULL ? value.ptr : "", to->label_width, to->label_width,
              node->kind == REPORT_ABSENT ? WARN : NULL);
    nw_text_done(&value);
}

/* ---- steps ---- */

static void add_result(const struct printer *to, const struct nw_model_step *step, bool has_guides,
                       struct nw_text *out)
{
    if (step->formula != NULL)
        nw_text_add_str(out, "= ");
    nw_model_step_print_result(out, step, to->report->currency);
    if (step->what != NULL)
        nw_text_addf(out, "%s %s", step->reason != NULL ? "," : "", step->what);
    if (has_guides && step->printed != NULL)
        nw_text_addf(out, "  (the guide prints %s)", step->printed);
}

static unsigned values_width_of(const struct nw_model_steps *steps, unsigned room)
{
    unsigned width = 0;
    for (size_t i = 0; i < steps->count; i++) {
        struct nw_text values = {0};
        if (steps->items[i].formula != NULL && !steps->items[i].is_quiet)
            nw_model_step_print_values(&values, &steps->items[i]);
        unsigned columns = columns_of(values.ptr, values.len);
        if (columns > width && columns <= room)
            width = columns;
        nw_text_done(&values);
    }
    return width;
}

static void print_step(struct printer *to, const struct nw_model_step *step, unsigned values_width,
                       bool has_guides)
{
    struct nw_text values = {0}, result = {0};
    if (step->formula != NULL)
        nw_model_step_print_values(&values, step);
    add_result(to, step, has_guides, &result);
    add_label(to, step->label != NULL ? step->label : "");
    unsigned columns = columns_of(values.ptr, values.len), at = to->label_width;
    if (columns > 0) {
        add_plain(to->out, values.ptr);
        unsigned padded = columns > values_width ? columns : values_width;
        bool is_room = to->width == 0 ||
                       at + padded + 1 + columns_of(result.ptr, result.len) <= to->width ||
                       at + padded + 20 <= to->width;
        if (is_room) {
            add_spaces(to->out, padded - columns + 1);
            at += padded + 1;
        } else {
            end_line(to);
            add_spaces(to->out, at);
        }
    }
    add_words(to, result.ptr, at, at + 2, step->reason != NULL ? WARN : NULL);
    nw_text_done(&values);
    nw_text_done(&result);
}

static void print_steps(struct printer *to, const struct report_node *node)
{
    unsigned room = VALUES_MAX;
    if (to->width > 0 && to->width < to->label_width + VALUES_MAX + 24)
        room = to->width > to->label_width + 40 ? to->width - to->label_width - 24 : 16;
    unsigned values_width = values_width_of(node->steps, room);
    for (size_t i = 0; i < node->steps->count; i++)
        if (!node->steps->items[i].is_quiet)
            print_step(to, &node->steps->items[i], values_width, node->has_guides);
}

/* ---- tables ---- */

static unsigned cell_width(const struct printer *to, const struct report_table_data *table,
                           size_t row, unsigned column)
{
    struct nw_text text = {0};
    report_add_cell(to->report, table, row, column, &text);
    unsigned columns = columns_of(text.ptr, text.len);
    nw_text_done(&text);
    return columns;
}

/* The widest text gives way, a column of characters at a time. */
static void narrow_columns(const struct report_table_data *table,
                           unsigned widths[REPORT_COLUMNS_MAX], unsigned over)
{
    for (; over > 0; over--) {
        unsigned widest = REPORT_COLUMNS_MAX;
        for (unsigned i = 0; i < table->column_count; i++)
            if (table->columns[i].is_text && widths[i] > FOLD_MIN &&
                (widest == REPORT_COLUMNS_MAX || widths[i] > widths[widest]))
                widest = i;
        if (widest == REPORT_COLUMNS_MAX)
            return;
        widths[widest]--;
    }
}

/* Widths of the columns, narrowed where the terminal is. */
static void fit_columns(struct printer *to, const struct report_table_data *table,
                        unsigned widths[REPORT_COLUMNS_MAX])
{
    unsigned total = to->indent;
    for (unsigned i = 0; i < table->column_count; i++) {
        widths[i] = 0;
        if (table->columns[i].label == NULL)
            continue;
        widths[i] = width_of(table->columns[i].label);
        for (size_t row = 0; row < report_rows_shown(table); row++) {
            unsigned columns = cell_width(to, table, row, i);
            widths[i] = columns > widths[i] ? columns : widths[i];
        }
        total += widths[i] + 2;
    }
    if (to->width > 0 && total > to->width + 2) /* nothing stands behind the last column */
        narrow_columns(table, widths, total - 2 - to->width);
}

/* The part of *rest that fits into `width` columns, broken at a space where there is one. */
static struct nw_slice take_fitting(struct nw_slice *rest, unsigned width)
{
    size_t fits = 0, space = 0;
    while (fits < rest->len && columns_of(rest->ptr, fits + 1) <= width) {
        fits++;
        if (fits < rest->len && rest->ptr[fits] == ' ')
            space = fits;
    }
    while (fits < rest->len && ((unsigned char)rest->ptr[fits] & 0xc0) == 0x80)
        fits++; /* the rest of a character */
    if (fits < rest->len && space > 0)
        fits = space;
    struct nw_slice part = nw_slice_first(*rest, fits);
    *rest = nw_slice_skip(*rest, fits);
    while (rest->len > 0 && rest->ptr[0] == ' ')
        *rest = nw_slice_skip(*rest, 1);
    return part;
}

/* One row, over several lines where a text is folded. */
static void print_cells(struct printer *to, const struct report_table_data *table,
                        struct nw_text texts[], const unsigned widths[])
{
    struct nw_slice rests[REPORT_COLUMNS_MAX];
    for (unsigned i = 0; i < table->column_count; i++)
        rests[i] = nw_text_slice(&texts[i]);
    bool is_more = true;
    while (is_more) {
        is_more = false;
        add_spaces(to->out, to->indent);
        for (unsigned i = 0; i < table->column_count; i++) {
            if (table->columns[i].label == NULL)
                continue;
            struct nw_slice part = rests[i];
            if (columns_of(part.ptr, part.len) > widths[i])
                part = take_fitting(&rests[i], widths[i]);
            else
                rests[i].len = 0;
            unsigned pad = widths[i] - columns_of(part.ptr, part.len);
            if (!table->columns[i].is_text)
                add_spaces(to->out, pad);
            nw_text_add(to->out, part);
            add_spaces(to->out, (table->columns[i].is_text ? pad : 0) + 2);
            is_more = is_more || rests[i].len > 0;
        }
        end_line(to);
    }
}

static void print_row(struct printer *to, const struct report_table_data *table, size_t row,
                      const unsigned widths[])
{
    struct nw_text texts[REPORT_COLUMNS_MAX] = {0};
    for (unsigned i = 0; i < table->column_count; i++) {
        struct nw_text raw = {0};
        if (table->columns[i].label != NULL) {
            report_add_cell(to->report, table, row, i, &raw);
            add_plain(&texts[i], raw.ptr != NULL ? raw.ptr : "");
        }
        nw_text_done(&raw);
    }
    print_cells(to, table, texts, widths);
    for (unsigned i = 0; i < table->column_count; i++)
        nw_text_done(&texts[i]);
}

static void print_table(struct printer *to, const struct report_node *node)
{
    const struct report_table_data *table = node->table;
    unsigned widths[REPORT_COLUMNS_MAX];
    struct nw_text heads[REPORT_COLUMNS_MAX] = {0};
    if (!report_table_is_seen(table))
        return;
    if (node->label != NULL)
        print_heading(to, node->label);
    else
        add_blank(to);
    fit_columns(to, table, widths);
    for (unsigned i = 0; i < table->column_count; i++)
        nw_text_add_str(&heads[i], table->columns[i].label != NULL ? table->columns[i].label : "");
    add_colour(to, DIM);
    print_cells(to, table, heads, widths);
    add_colour(to, PLAIN);
    for (unsigned i = 0; i < table->column_count; i++)
        nw_text_done(&heads[i]);
    for (size_t row = 0; row < report_rows_shown(table); row++)
        print_row(to, table, row, widths);
    size_t hidden = table->row_count - report_rows_shown(table);
    if (hidden > 0) {
        add_spaces(to->out, to->indent);
        nw_text_addf(to->out, "… %zu more rows: --json has them", hidden);
        end_line(to);
    }
    if (table->left_out > 0) {
        add_spaces(to->out, to->indent);
        nw_text_addf(to->out, "… %zu rows beyond the first %d are left out", table->left_out,
                     REPORT_ROWS_MAX);
        end_line(to);
    }
}

static void print_node(struct printer *to, const struct report_node *node)
{
    to->indent = indent_of(node);
    switch (node->kind) {
    case REPORT_OBJECT:
        if (node->label != NULL)
            print_heading(to, node->label);
        break;
    case REPORT_NUMBER:
    case REPORT_ABSENT:
    case REPORT_TEXT:
    case REPORT_BOOL:
    case REPORT_TILE: print_value(to, node); break;
    case REPORT_LINE:
        if (node->text[0] == '\0') {
            add_blank(to);
            break;
        }
        add_spaces(to->out, to->indent);
        add_words(to, node->text, to->indent, to->indent, NULL);
        break;
    case REPORT_TABLE: print_table(to, node); break;
    case REPORT_STEPS:
        if (node->label != NULL)
            print_heading(to, node->label);
        print_steps(to, node);
        break;
    case REPORT_CHART: break;
    }
}

void report_print_text(const struct report *report, unsigned width, bool has_colour,
                       struct nw_text *out)
{
    struct printer to = {.report = report,
                         .out = out,
                         .width = width,
                         .has_colour = has_colour,
                         .label_width = label_width_of(report)};
    if (report->title != NULL) {
        to.is_blank = true; /* no gap above it */
        print_heading(&to, report->title);
    }
    if (report->incomplete != NULL) {
        struct nw_text line = {0};
        nw_text_addf(&line, "incomplete: %s", report->incomplete);
        add_words(&to, line.ptr, 0, 2, WARN);
        nw_text_done(&line);
    }
    if (report->title != NULL)
        add_blank(&to);
    bool is_behind_tile = false;
    for (const struct report_node *node = report->root.first; node != NULL;
         node = report_next(&report->root, node)) {
        if (report_follows_block(node) || (is_behind_tile && node->kind != REPORT_TILE))
            add_blank(&to);
        is_behind_tile = node->kind == REPORT_TILE;
        print_node(&to, node);
    }
}
