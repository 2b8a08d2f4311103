/*
 * Texts for people are written once, in topics.def, as a person would type them. A table typed with
 * spaces is readable there and needs no second notation; what it means follows from its picture.
 */
#include "cmd/plan_prose.h"

#include "base/assert.h"

enum { WIDTH_MAX = 256 };

static bool is_row(struct nw_slice line)
{
    return line.len > 2 && line.ptr[0] == ' ' && line.ptr[1] == ' ';
}

bool prose_next(struct nw_slice *rest, struct prose_piece *out)
{
    struct nw_slice line, left = *rest;
    *out = (struct prose_piece){0};
    do {
        if (left.len == 0 || !nw_slice_split(&left, '\n', &line))
            return false;
        out->is_apart = out->is_apart || line.len == 0;
    } while (line.len == 0);
    out->text = line;
    out->is_table = is_row(line);
    *rest = left;
    while (out->is_table && left.len > 0 && nw_slice_split(&left, '\n', &line) && is_row(line)) {
        out->text.len = (size_t)(line.ptr + line.len - out->text.ptr);
        *rest = left;
    }
    return true;
}

/* Which columns of characters are blank in every row? Returns the longest row's length. */
static size_t find_blanks(struct nw_slice text, bool is_blank[WIDTH_MAX])
{
    struct nw_slice line;
    size_t width = 0;
    for (size_t i = 0; i < WIDTH_MAX; i++)
        is_blank[i] = true;
    while (text.len > 0 && nw_slice_split(&text, '\n', &line)) {
        NW_ASSERT(line.len < WIDTH_MAX);
        for (size_t i = 0; i < line.len; i++)
            is_blank[i] = is_blank[i] && line.ptr[i] == ' ';
        width = line.len > width ? line.len : width;
    }
    return width;
}

/* Where each column begins; the end of the last behind them. */
static unsigned find_columns(const bool is_blank[WIDTH_MAX], size_t width,
                             size_t starts[PROSE_COLUMNS_MAX + 1])
{
    unsigned count = 0;
    for (size_t i = 2; i < width; i++)
        if (!is_blank[i] && is_blank[i - 1] && is_blank[i - 2]) {
            NW_ASSERT(count < PROSE_COLUMNS_MAX);
            starts[count++] = i;
        }
    starts[count] = width;
    return count;
}

static void add_row(struct prose_table *table, struct nw_slice line, const size_t starts[])
{
    struct nw_slice cells[PROSE_COLUMNS_MAX];
    for (unsigned i = 0; i < table->column_count; i++) {
        size_t end = starts[i + 1] < line.len ? starts[i + 1] : line.len;
        cells[i] =
            starts[i] < end ? nw_slice_of(line.ptr + starts[i], end - starts[i]) : nw_slice_str("");
        cells[i] = nw_slice_trim(cells[i]);
    }
    bool goes_on = table->row_count > 1 && cells[0].len == 0;
    NW_ASSERT(goes_on || table->row_count < PROSE_ROWS_MAX);
    struct nw_text *row = table->cells[goes_on ? table->row_count - 1 : table->row_count++];
    for (unsigned i = 0; i < table->column_count; i++) {
        if (row[i].len > 0 && cells[i].len > 0)
            nw_text_add_char(&row[i], ' ');
        nw_text_add(&row[i], cells[i]);
        nw_text_add_str(&row[i], ""); /* never NULL */
    }
}

void prose_table_read(struct nw_slice text, struct prose_table *out)
{
    bool is_blank[WIDTH_MAX];
    size_t starts[PROSE_COLUMNS_MAX + 1];
    struct nw_slice line;
    size_t width = find_blanks(text, is_blank);
    *out = (struct prose_table){.column_count = find_columns(is_blank, width, starts)};
    while (text.len > 0 && nw_slice_split(&text, '\n', &line))
        add_row(out, line, starts);
}

void prose_table_done(struct prose_table *table)
{
    for (unsigned row = 0; row < table->row_count; row++)
        for (unsigned i = 0; i < table->column_count; i++)
            nw_text_done(&table->cells[row][i]);
    *table = (struct prose_table){0};
}
