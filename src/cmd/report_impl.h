/*
 * report_impl.h - the tree of a report as its printers see it.
 *
 * Owner:   the report; printers only read
 * Threads: as report.h
 */
#ifndef NW_CMD_REPORT_IMPL_H
#define NW_CMD_REPORT_IMPL_H

#include "base/arena.h"
#include "cmd/report.h"

typedef enum report_kind {
    REPORT_OBJECT,
    REPORT_NUMBER,
    REPORT_ABSENT,
    REPORT_TEXT,
    REPORT_BOOL,
    REPORT_LINE,
    REPORT_TABLE,
    REPORT_STEPS,
    REPORT_CHART,
    REPORT_TILE,
} report_kind;

/*
 * How many decimals a column shows for each unit in it, by the letter that the unit begins with: ms
 * have others than s. -1: all are whole.
 */
struct report_places {
    signed char of[128];
};

struct report_table_data {
    struct report_column *columns;
    unsigned column_count;
    struct report_cell *cells; /* row after row; on the heap */
    size_t row_count;
    size_t row_cap;
    size_t left_out;              /* rows behind REPORT_ROWS_MAX */
    struct report_places *places; /* of each column */
};

struct report_node {
    report_kind kind;
    struct report_node *parent;
    struct report_node *first;
    struct report_node *last;
    struct report_node *next;
    const char *name;
    const char *label; /* or heading */
    const char *text;  /* TEXT, LINE; ABSENT: the reason; TILE: the path */
    double value;
    nw_model_unit unit;
    bool is_true; /* BOOL */
    bool has_guides;
    struct report_table_data *table;
    const struct nw_model_steps *steps;
    const struct nw_model_chart *chart;
};

struct report {
    struct nw_arena arena;
    const char *schema;
    const char *title;
    const char *currency;
    const char *incomplete; /* NULL: it is complete */
    struct report_node root;
    struct report_node *open;
    struct report_node *table; /* the one that rows go to */
    unsigned table_count;
};

/* The node behind `node` in print order when its own children were printed; NULL at the end. */
static inline const struct report_node *report_next(const struct report_node *root,
                                                    const struct report_node *node)
{
    if (node->first != NULL)
        return node->first;
    while (node != root && node->next == NULL)
        node = node->parent;
    return node != root ? node->next : NULL;
}

/* Does anybody but a machine see the table? Some column has a label then, and there is a row. */
static inline bool report_table_is_seen(const struct report_table_data *table)
{
    for (unsigned i = 0; i < table->column_count && table->row_count > 0; i++)
        if (table->columns[i].label != NULL)
            return true;
    return false;
}
/* How many rows of a table people see. */
size_t report_rows_shown(const struct report_table_data *table);
static inline const struct report_cell *report_cell_at(const struct report_table_data *table,
                                                       size_t row, unsigned column)
{
    return &table->cells[row * table->column_count + column];
}
/*
 * Does a person need a gap before it? It stands behind a table or a headed block and is none, and
 * is seen at all.
 */
bool report_follows_block(const struct report_node *node);
/* The dotted names from the root to the node, which has one. */
void report_add_path(const struct report_node *node, struct nw_text *out);
/* The shortest decimal that reads back as the same double; never "-0". In any locale. */
void report_add_exact(double value, struct nw_text *out);
/* A cell as people read it, points under each other; "-" where there is none. Texts as they are. */
void report_add_cell(const struct report *report, const struct report_table_data *table, size_t row,
                     unsigned column, struct nw_text *out);

#endif
