/*
 * plan_prose.h - the texts of model/topics.def in pieces: paragraphs, and tables drawn with spaces.
 *
 * A table's columns are found by its gutters: two or more columns of characters that are blank in
 * every row. Its first row is its head; a row whose first cell is blank goes on with the row above.
 * So one text prints as a table that a narrow terminal folds, as HTML and as Markdown.
 *
 * Owner:   slices borrow from the text; a table's cells are its own
 * Threads: stateless
 */
#ifndef NW_CMD_PLAN_PROSE_H
#define NW_CMD_PLAN_PROSE_H

#include "base/text.h"

enum { PROSE_COLUMNS_MAX = 6, PROSE_ROWS_MAX = 16 };

struct prose_piece {
    struct nw_slice text; /* one paragraph, or all rows of a table */
    bool is_table;
    bool is_apart; /* an empty line was before it */
};

/* The next piece of *rest, or false at its end. */
bool prose_next(struct nw_slice *rest, struct prose_piece *out);

/* rows[0] is the head. More rows or columns than there is room for are a mistake of the text. */
struct prose_table {
    struct nw_text cells[PROSE_ROWS_MAX][PROSE_COLUMNS_MAX];
    unsigned row_count;
    unsigned column_count;
};

/* `text` as prose_next gave it: ASCII, a row a line. prose_table_done. */
void prose_table_read(struct nw_slice text, struct prose_table *out);
void prose_table_done(struct prose_table *table);

#endif
