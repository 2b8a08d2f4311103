/*
 * RFC 4180: one table, header first, CRLF, quotes where a text needs them. The table named "main"
 * or else the first; a report without tables is the list of its results.
 */
#include "cmd/report_impl.h"

#include <string.h>

static void add_field(const char *text, struct nw_text *out)
{
    if (strpbrk(text, ",\"\r\n") == NULL && text[0] != ' ') {
        nw_text_add_str(out, text);
        return;
    }
    nw_text_add_char(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            nw_text_add_char(out, '"');
        nw_text_add_char(out, *text);
    }
    nw_text_add_char(out, '"');
}

static void print_table(const struct report_table_data *table, struct nw_text *out)
{
    const char *comma = "";
    for (unsigned i = 0; i < table->column_count; i++) {
        if (table->columns[i].name == NULL)
            continue;
        nw_text_add_str(out, comma);
        add_field(table->columns[i].name, out);
        comma = ",";
    }
    nw_text_add_str(out, "\r\n");
    for (size_t row = 0; row < table->row_count; row++) {
        comma = "";
        for (unsigned i = 0; i < table->column_count; i++) {
            const struct report_cell *cell = report_cell_at(table, row, i);
            if (table->columns[i].name == NULL)
                continue;
            nw_text_add_str(out, comma);
            comma = ",";
            if (cell->is_absent)
                continue;
            if (cell->text != NULL)
                add_field(cell->text, out);
            else
                report_add_exact(cell->value, out);
        }
        nw_text_add_str(out, "\r\n");
    }
}

static void print_result(const struct report_node *node, struct nw_text *out)
{
    struct nw_text path = {0};
    report_add_path(node, &path);
    add_field(path.ptr, out);
    nw_text_add_char(out, ',');
    if (node->kind == REPORT_NUMBER)
        report_add_exact(node->value, out);
    nw_text_add_char(out, ',');
    if (node->kind == REPORT_ABSENT)
        add_field(node->text, out);
    nw_text_add_str(out, "\r\n");
    nw_text_done(&path);
}

void report_print_csv(const struct report *report, struct nw_text *out)
{
    const struct report_node *table = NULL;
    for (const struct report_node *node = &report->root; node != NULL;
         node = report_next(&report->root, node)) {
        if (node->kind != REPORT_TABLE || node->name == NULL)
            continue;
        if (table == NULL || strcmp(node->name, "main") == 0)
            table = node;
    }
    if (table != NULL) {
        print_table(table->table, out);
        return;
    }
    nw_text_add_str(out, "name,value,reason\r\n");
    for (const struct report_node *node = &report->root; node != NULL;
         node = report_next(&report->root, node))
        if (node->name != NULL && (node->kind == REPORT_NUMBER || node->kind == REPORT_ABSENT))
            print_result(node, out);
}
