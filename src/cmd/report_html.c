/*
 * One page that can be mailed, printed and opened years later: style inline, charts inline, no
 * script, nothing fetched; a content security policy says so to the browser, too. Each number
 * stands twice: as people read it, and exact in data-value (the same digits as in the JSON).
 *
 * The page stays below 200 KB: tables show REPORT_ROWS_SHOWN rows, and fewer once much stands
 * before them; what is not shown is said, and --json has it.
 */
#include "cmd/report_impl.h"

#include <string.h>

enum {
    MUCH_BYTES = 110 * 1024,  /* behind this tables are cut to FEW_ROWS */
    FULL_BYTES = 165 * 1024,  /* behind this no chart is drawn */
    CHARTS_BYTES = 90 * 1024, /* so much is kept free for them at most */
    FEW_ROWS = 20,
    CONTENTS_MIN = 5, /* headings that deserve a list at the top */
};

/* What is open just now, so that neighbours of one kind share one table. */
typedef enum html_block {
    BLOCK_NONE,
    BLOCK_VALUES,
    BLOCK_TILES,
} html_block;

struct page {
    const struct report *report;
    struct nw_text *out;
    html_block block;
    const char *label;   /* of the row before, in a block of values */
    size_t charts_bytes; /* of the charts that are still to come */
    unsigned section;    /* number of the last heading of the first level */
};

static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--grid:#dfe3e8;"
    "--wash:#f5f7f9;--accent:#0b5cad;--warn:#8a4b00;--warnwash:#fff4e0}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6e9ed;"
    "--soft:#9aa5b1;--grid:#2b323a;--wash:#1b2027;--accent:#6cb2ff;--warn:#f0b35e;"
    "--warnwash:#2c2415}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,"
    "-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;-webkit-text-size-adjust:100%}\n"
    "main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}\n"
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 1.5rem;letter-spacing:-.01em;"
    "overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;line-height:1.3;margin:2.75rem 0 .75rem;padding-top:1rem;"
    "border-top:1px solid var(--grid)}\n"
    "h3{font-size:1rem;margin:1.75rem 0 .5rem}\n"
    "p{margin:.5rem 0;max-width:46rem;overflow-wrap:anywhere}\n"
    "nav{margin:0 0 1rem;font-size:.9rem}nav a{color:var(--accent);margin-right:1.25rem;"
    "text-decoration:none;white-space:nowrap;line-height:1.9}"
    "nav a:hover{text-decoration:underline}\n"
    ".warn{background:var(--warnwash);color:var(--warn);border-left:4px solid var(--warn);"
    "padding:.6rem .9rem;margin:0 0 1.5rem;max-width:none}\n"
    ".scroll{overflow-x:auto;margin:.5rem 0 1rem}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.95rem}\n"
    "th,td{padding:.4rem 1.25rem .4rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--grid)}\n"
    "tr>:last-child{padding-right:0}\n"
    "thead th{color:var(--soft);font-weight:500;font-size:.85rem;vertical-align:bottom}\n"
    "th[scope=row]{font-weight:400;color:var(--soft);white-space:nowrap}\n"
    ".v th,.v td,.s th,.s td{border-top:1px solid var(--grid);border-bottom:0}"
    ".v tr:first-child>*,.s tr:first-child>*{border-top:0}"
    ".v .c>*,.s .c>*{border-top:0;padding-top:0}\n"
    "hr{border:0;border-top:1px solid var(--grid);margin:2.5rem 0 1.5rem}\n"
    ".n{text-align:right;white-space:nowrap}\n"
    ".v td{font-weight:500;overflow-wrap:anywhere}\n"
    "tbody tr:hover{background:var(--wash)}\n"
    ".none{color:var(--warn)}.soft{color:var(--soft)}.note{color:var(--soft);font-size:.85rem}\n"
    ".s td{white-space:nowrap}.s small{display:block;color:var(--soft);font-size:.8rem}\n"
    ".s .w{white-space:normal;min-width:9rem}.s b{font-weight:600}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.75rem;"
    "margin:1rem 0 1.5rem;padding:0}\n"
    ".tiles div{background:var(--wash);border-radius:.5rem;padding:.75rem .9rem}\n"
    ".tiles dt{color:var(--soft);font-size:.85rem}.tiles dd{margin:.1rem 0 0;font-size:1.2rem;"
    "line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\n"
    "figure{margin:1.5rem 0 2rem}figcaption{font-weight:600;margin-bottom:.25rem}\n"
    "figure p{margin:0 0 .5rem;color:var(--soft);font-size:.9rem}\n"
    ".chart{min-width:34rem}\n"
    "@media screen and (max-width:42rem){main{padding:1.5rem 1rem 3rem}"
    ".tiles{grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr))}.tiles dd{font-size:1.1rem}"
    ".tiles div{padding:.6rem .7rem}"
    ".s,.s tbody,.s tr,.s th,.s td{display:block;padding:0;border:0;white-space:normal}"
    ".s tr{padding:.7rem 0 .35rem;border-top:1px solid var(--grid)}"
    ".s .c{padding:.35rem 0;border-top:0}.s small{margin-bottom:.15rem}.s th:empty{display:none}"
    ".s .e,.s .r,.s .w{display:inline}"
    ".v .t,.v .t>*{display:block;padding-right:0}.v .t{border-top:1px solid var(--grid)}"
    ".v .t>*{border:0}.v .t>td{padding-top:0}.v .t.c,.v .t:first-child{border:0}"
    ".v .t th:empty{display:none}}\n"
    "footer{margin-top:3rem;color:var(--soft);font-size:.8rem}\n"
    "@media print{html{font-size:11px}main{max-width:none;padding:0}nav{display:none}"
    "figure,tr,.tiles div{break-inside:avoid}h2,h3,figcaption{break-after:avoid}"
    ".scroll{overflow:visible}.s td{white-space:normal}.s .e,.s .r{white-space:nowrap}"
    ".chart{min-width:0}.tiles div{border:1px solid var(--grid)}}\n";

/* An arrow of two characters would be torn apart at the end of a line. */
static void add_slice(struct page *to, struct nw_slice text)
{
    for (size_t at = 0; at + 1 < text.len;) {
        if (text.ptr[at] == '-' && text.ptr[at + 1] == '>') {
            nw_text_add_xml(to->out, nw_slice_first(text, at));
            nw_text_add_str(to->out, "→");
            text = nw_slice_skip(text, at + 2);
            at = 0;
        } else {
            at++;
        }
    }
    nw_text_add_xml(to->out, text);
}

static void add_text(struct page *to, const char *text)
{
    add_slice(to, nw_slice_str(text));
}

static void add_exact(struct page *to, double value)
{
    nw_text_add_str(to->out, " data-value=\"");
    report_add_exact(value, to->out);
    nw_text_add_char(to->out, '"');
}

static void add_name(struct page *to, const char *name)
{
    nw_text_add_str(to->out, " data-name=\"");
    nw_text_add_xml(to->out, nw_slice_str(name));
    nw_text_add_char(to->out, '"');
}

static void add_path(struct page *to, const struct report_node *node)
{
    struct nw_text path = {0};
    if (node->name == NULL)
        return;
    report_add_path(node, &path);
    add_name(to, path.ptr);
    nw_text_done(&path);
}

static void close_block(struct page *to)
{
    if (to->block == BLOCK_VALUES)
        nw_text_add_str(to->out, "</table></div>\n");
    else if (to->block == BLOCK_TILES)
        nw_text_add_str(to->out, "</dl>\n");
    to->block = BLOCK_NONE;
}

static void open_block(struct page *to, html_block block)
{
    if (to->block == block)
        return;
    close_block(to);
    nw_text_add_str(to->out, block == BLOCK_VALUES ? "<div class=\"scroll\"><table class=\"v\">\n"
                                                   : "<dl class=\"tiles\">\n");
    to->block = block;
    to->label = NULL;
}

/* ---- headings ---- */

static unsigned level_of(const struct report_node *node)
{
    unsigned level = 2;
    for (const struct report_node *above = node->parent; above != NULL; above = above->parent)
        level += above->label != NULL;
    return level;
}

static bool has_heading(const struct report_node *node)
{
    if (node->kind == REPORT_TABLE && !report_table_is_seen(node->table))
        return false;
    return node->label != NULL && (node->kind == REPORT_OBJECT || node->kind == REPORT_TABLE ||
                                   node->kind == REPORT_STEPS);
}

static void print_heading(struct page *to, const struct report_node *node)
{
    unsigned level = level_of(node);
    close_block(to);
    if (level == 2)
        nw_text_addf(to->out, "<h2 id=\"s%u\">", ++to->section);
    else
        nw_text_addf(to->out, "<h%u>", level < 6 ? level : 6);
    add_text(to, node->label);
    nw_text_addf(to->out, "</h%u>\n", level < 6 ? level : 6);
}

static void print_contents(struct page *to)
{
    unsigned count = 0, number = 0;
    const struct report_node *root = &to->report->root;
    for (const struct report_node *node = root; node != NULL; node = report_next(root, node))
        count += has_heading(node) && level_of(node) == 2;
    if (count < CONTENTS_MIN)
        return;
    nw_text_add_str(to->out, "<nav aria-label=\"Contents\">");
    for (const struct report_node *node = root; node != NULL; node = report_next(root, node)) {
        if (!has_heading(node) || level_of(node) != 2)
            continue;
        nw_text_addf(to->out, "<a href=\"#s%u\">", ++number);
        add_text(to, node->label);
        nw_text_add_str(to->out, "</a> ");
    }
    nw_text_add_str(to->out, "</nav>\n");
}

/* ---- values ---- */

/* Behind the tag's name: attributes, ">", the text. */
static void add_value(struct page *to, const struct report_node *node)
{
    struct nw_text value = {0};
    bool is_number = node->kind == REPORT_NUMBER || node->kind == REPORT_TILE;
    add_path(to, node);
    if (node->kind == REPORT_TILE)
        add_name(to, node->text);
    if (is_number)
        add_exact(to, node->value);
    if (node->kind == REPORT_ABSENT)
        nw_text_add_str(to->out, " class=\"none\"");
    nw_text_add_char(to->out, '>');
    if (is_number)
        nw_model_unit_print(&value, node->value, node->unit, to->report->currency);
    else if (node->kind == REPORT_ABSENT)
        nw_text_addf(&value, "none: %s", node->text);
    else if (node->kind == REPORT_BOOL)
        nw_text_add_str(&value, node->is_true ? "yes" : "no");
    else
        nw_text_add_str(&value, node->text);
    add_slice(to, nw_text_slice(&value));
    nw_text_done(&value);
}

/* Numbers at the very top are what the reader came for: large, side by side. */
static bool is_tile(const struct report_node *node)
{
    return node->kind == REPORT_TILE || (node->parent->parent == NULL && node->kind != REPORT_TEXT);
}

static void print_value(struct page *to, const struct report_node *node)
{
    if (node->label == NULL)
        return;
    bool is_large = is_tile(node);
    open_block(to, is_large ? BLOCK_TILES : BLOCK_VALUES);
    bool goes_on =
        to->label != NULL && (node->label[0] == '\0' || strcmp(node->label, to->label) == 0);
    bool is_text = node->kind == REPORT_TEXT;
    if (is_large)
        nw_text_add_str(to->out, "<div><dt>");
    else if (is_text || goes_on)
        nw_text_addf(to->out, "<tr class=\"%s%s\"><th scope=\"row\">", is_text ? "t" : "",
                     !goes_on  ? ""
                     : is_text ? " c"
                               : "c");
    else
        nw_text_add_str(to->out, "<tr><th scope=\"row\">");
    to->label = goes_on ? to->label : node->label;
    if (is_large || !goes_on)
        add_text(to, node->label);
    nw_text_add_str(to->out, is_large ? "</dt><dd" : "</th><td");
    add_value(to, node);
    nw_text_add_str(to->out, is_large ? "</dd></div>\n" : "</td></tr>\n");
}

/* ---- steps ---- */

static void print_values_cell(struct page *to, const struct nw_model_step *step)
{
    struct nw_text text = {0};
    nw_text_add_str(to->out, "<td>");
    if (step->formula != NULL) {
        nw_model_step_print_values(&text, step);
        add_slice(to, nw_text_slice(&text));
        nw_text_clear(&text);
        nw_model_step_print_formula(&text, step);
        nw_text_add_str(to->out, "<small>");
        add_slice(to, nw_text_slice(&text));
        nw_text_add_str(to->out, "</small>");
    }
    nw_text_add_str(to->out, "</td>");
    nw_text_done(&text);
}

static void print_step(struct page *to, const struct nw_model_step *step, bool has_guides)
{
    struct nw_text text = {0};
    nw_text_add_str(to->out, step->label != NULL ? "<tr><th scope=\"row\">"
                                                 : "<tr class=\"c\"><th scope=\"row\">");
    add_text(to, step->label != NULL ? step->label : "");
    nw_text_add_str(to->out, "</th>");
    print_values_cell(to, step);
    nw_text_add_str(to->out, step->formula != NULL ? "<td class=\"e\">=</td> " : "<td></td>");
    nw_text_addf(to->out, "<td class=\"r%s\"", step->reason != NULL ? " none" : "");
    if (step->path != NULL)
        add_name(to, step->path);
    if (step->reason == NULL)
        add_exact(to, step->is_rounded ? step->rounded : step->exact);
    nw_text_add_str(to->out, "><b>");
    nw_model_step_print_result(&text, step, to->report->currency);
    add_slice(to, nw_text_slice(&text));
    nw_text_done(&text);
    nw_text_add_str(to->out, "</b></td> <td class=\"w\">");
    add_text(to, step->what != NULL ? step->what : "");
    if (has_guides && step->printed != NULL) {
        nw_text_add_str(to->out, "<small>the guide prints ");
        add_text(to, step->printed);
        nw_text_add_str(to->out, "</small>");
    }
    nw_text_add_str(to->out, "</td></tr>\n");
}

static void print_steps(struct page *to, const struct report_node *node)
{
    nw_text_add_str(to->out, "<div class=\"scroll\"><table class=\"s\"><tbody>\n");
    for (size_t i = 0; i < node->steps->count; i++)
        if (!node->steps->items[i].is_quiet)
            print_step(to, &node->steps->items[i], node->has_guides);
    nw_text_add_str(to->out, "</tbody></table></div>\n");
}

/* ---- tables ---- */

static void print_table_head(struct page *to, const struct report_node *node)
{
    const struct report_table_data *table = node->table;
    nw_text_add_str(to->out, "<div class=\"scroll\"><table");
    add_path(to, node);
    nw_text_add_str(to->out, "><thead><tr>");
    for (unsigned i = 0; i < table->column_count; i++) {
        if (table->columns[i].label == NULL)
            continue;
        nw_text_add_str(to->out, "<th scope=\"col\"");
        if (table->columns[i].name != NULL)
            add_name(to, table->columns[i].name);
        nw_text_addf(to->out, "%s>", table->columns[i].is_text ? "" : " class=\"n\"");
        add_text(to, table->columns[i].label);
        nw_text_add_str(to->out, "</th>");
    }
    nw_text_add_str(to->out, "</tr></thead><tbody>\n");
}

static void print_row(struct page *to, const struct report_table_data *table, size_t row)
{
    nw_text_add_str(to->out, "<tr>");
    for (unsigned i = 0; i < table->column_count; i++) {
        const struct report_cell *cell = report_cell_at(table, row, i);
        struct nw_text text = {0};
        if (table->columns[i].label == NULL)
            continue;
        nw_text_add_str(to->out, table->columns[i].is_text ? "<td" : "<td class=\"n\"");
        if (cell->text == NULL && !cell->is_absent)
            add_exact(to, cell->value);
        nw_text_add_char(to->out, '>');
        report_add_cell(to->report, table, row, i, &text);
        add_slice(to, nw_text_slice(&text));
        nw_text_add_str(to->out, "</td>");
        nw_text_done(&text);
    }
    nw_text_add_str(to->out, "</tr>\n");
}

static void print_table(struct page *to, const struct report_node *node)
{
    const struct report_table_data *table = node->table;
    size_t shown = report_rows_shown(table);
    if (!report_table_is_seen(table))
        return;
    if (to->out->len + to->charts_bytes > MUCH_BYTES && shown > FEW_ROWS)
        shown = FEW_ROWS;
    print_table_head(to, node);
    size_t row = 0;
    for (; row < shown && to->out->len + to->charts_bytes < FULL_BYTES; row++)
        print_row(to, table, row);
    nw_text_add_str(to->out, "</tbody></table></div>\n");
    if (table->row_count > row)
        nw_text_addf(to->out, "<p class=\"note\">… %zu more rows: --json has them</p>\n",
                     table->row_count - row);
    if (table->left_out > 0)
        nw_text_addf(to->out, "<p class=\"note\">… %zu rows beyond the first %d are left out</p>\n",
                     table->left_out, REPORT_ROWS_MAX);
}

/* ---- charts ---- */

/* Pictures have their room, however long the tables before them are. */
static size_t charts_bytes_of(const struct report *report)
{
    struct nw_text charts = {0};
    for (const struct report_node *node = &report->root; node != NULL;
         node = report_next(&report->root, node))
        if (node->kind == REPORT_CHART && charts.len < CHARTS_BYTES)
            nw_model_chart_print(node->chart, &charts);
    size_t bytes = charts.len;
    nw_text_done(&charts);
    return bytes < CHARTS_BYTES ? bytes : CHARTS_BYTES;
}

static void print_chart(struct page *to, const struct nw_model_chart *chart)
{
    size_t before = to->out->len;
    nw_text_add_str(to->out, "<figure><figcaption>");
    add_text(to, chart->title);
    nw_text_add_str(to->out, "</figcaption>");
    if (chart->what != NULL) {
        nw_text_add_str(to->out, "<p>");
        add_text(to, chart->what);
        nw_text_add_str(to->out, "</p>");
    }
    if (to->out->len < FULL_BYTES) {
        nw_text_add_str(to->out, "<div class=\"scroll\">");
        nw_model_chart_print(chart, to->out);
        nw_text_add_str(to->out, "</div>");
    } else {
        nw_text_add_str(to->out, "<p>This page is full: --json has the numbers.</p>");
    }
    nw_text_add_str(to->out, "</figure>\n");
    size_t bytes = to->out->len - before;
    to->charts_bytes -= bytes < to->charts_bytes ? bytes : to->charts_bytes;
}

static void print_node(struct page *to, const struct report_node *node)
{
    if ((node->kind < REPORT_NUMBER || node->kind > REPORT_BOOL) && node->kind != REPORT_TILE)
        close_block(to);
    if (has_heading(node))
        print_heading(to, node);
    switch (node->kind) {
    case REPORT_OBJECT: break;
    case REPORT_NUMBER:
    case REPORT_ABSENT:
    case REPORT_TEXT:
    case REPORT_BOOL:
    case REPORT_TILE: print_value(to, node); break;
    case REPORT_LINE:
        if (node->text[0] == '\0')
            break;
        nw_text_add_str(to->out, "<p>");
        add_text(to, node->text);
        nw_text_add_str(to->out, "</p>\n");
        break;
    case REPORT_TABLE: print_table(to, node); break;
    case REPORT_STEPS: print_steps(to, node); break;
    case REPORT_CHART: print_chart(to, node->chart); break;
    }
}

static void print_head(struct page *to)
{
    const char *title = to->report->title != NULL ? to->report->title : to->report->schema;
    nw_text_add_str(to->out,
                    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                    "style-src 'unsafe-inline'\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<title>");
    add_text(to, title);
    nw_text_add_str(to->out, "</title>\n<style>\n");
    nw_model_chart_css(to->out);
    nw_text_add_str(to->out, style);
    nw_text_add_str(to->out, "</style></head>\n<body><main>\n<h1>");
    add_text(to, title);
    nw_text_add_str(to->out, "</h1>\n");
    if (to->report->incomplete != NULL) {
        nw_text_add_str(to->out, "<p class=\"warn\"><strong>Incomplete:</strong> ");
        add_text(to, to->report->incomplete);
        nw_text_add_str(to->out, "</p>\n");
    }
}

void report_print_html(const struct report *report, struct nw_text *out)
{
    struct page to = {.report = report, .out = out, .charts_bytes = charts_bytes_of(report)};
    print_head(&to);
    print_contents(&to);
    const struct report_node *above = &report->root;
    for (const struct report_node *node = report->root.first; node != NULL;
         node = report_next(&report->root, node)) {
        if (node->parent != above)
            close_block(&to);
        above = node->parent;
        if (report_follows_block(node)) {
            close_block(&to);
            nw_text_add_str(out, "<hr>\n");
        }
        print_node(&to, node);
    }
    close_block(&to);
    nw_text_add_str(out, "<footer>newel " NW_VERSION ", ");
    add_text(&to, report->schema);
    nw_text_add_str(out, "</footer>\n</main></body></html>\n");
}
