/*
 * `newel plan explain`: formulas with a worked example, numbers that plans assume with their
 * source, and where the classic guides disagree. All of it comes from the model's own tables; an
 * example is computed while it is printed.
 */
#include <string.h>

#include "cmd/emit.h"
#include "cmd/plan_names.h"
#include "cmd/plan_prose.h"
#include "model/worked.h"

#define EXAMPLES_MAX_BYTES ((size_t)64 << 20)

/* What an explanation is written into. */
struct page {
    struct report *report;
    struct nw_arena arena; /* the examples' steps */
    bool is_alone;         /* one thing was asked for: its title is the report's */
};

/* ---- words ---- */

static void add_table(struct report *report, struct nw_slice text)
{
    struct prose_table table;
    struct report_column columns[PROSE_COLUMNS_MAX];
    struct report_cell cells[PROSE_COLUMNS_MAX];
    prose_table_read(text, &table);
    for (unsigned i = 0; i < table.column_count; i++)
        columns[i] = (struct report_column){NULL, table.cells[0][i].ptr, NW_MODEL_NUMBER, true};
    report_table(report, NULL, NULL, columns, table.column_count);
    for (unsigned row = 1; row < table.row_count; row++) {
        for (unsigned i = 0; i < table.column_count; i++)
            cells[i] = (struct report_cell){.text = table.cells[row][i].ptr};
        report_row(report, cells, table.column_count);
    }
    prose_table_done(&table);
}

/* Paragraphs are folded to the terminal; what is drawn as a table becomes one. */
static void add_prose(struct report *report, const char *text)
{
    struct nw_slice rest = nw_slice_str(text);
    struct prose_piece piece;
    while (prose_next(&rest, &piece)) {
        if (piece.is_apart)
            report_line(report, "%s", "");
        if (piece.is_table)
            add_table(report, piece.text);
        else
            report_line(report, "%.*s", NW_SLICE_ARG(piece.text));
    }
    report_line(report, "%s", "");
}

static void add_text(struct report *report, const char *name, const char *label, const char *text)
{
    if (text[0] != '\0')
        report_text(report, name, label, text);
}

/* ---- what belongs together ---- */

/* Every X4 in a text, once, with what the guides say and what newel does. */
static void add_disagreements_in(struct report *report, const char *text)
{
    bool is_told[NW_MODEL_DISAGREEMENTS + 1] = {false};
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != 'X' || (at > text && strchr(" (", at[-1]) == NULL))
            continue;
        const struct nw_model_disagreement *row =
            nw_model_disagreement_find(nw_slice_of(at, 1 + strspn(at + 1, "0123456789")));
        if (row == NULL || is_told[row->number])
            continue;
        is_told[row->number] = true;
        struct nw_text label = {0}, line = {0};
        nw_text_addf(&label, "X%u %s", row->number, row->name);
        nw_text_addf(&line, "They say: %s newel: %s", row->values, row->uses);
        report_text(report, NULL, label.ptr, line.ptr);
        nw_text_done(&label);
        nw_text_done(&line);
    }
}

static void add_number(struct nw_text *out, double value, nw_model_unit unit)
{
    nw_model_unit_print(out, value, unit, "");
}

/* "300/s (200/s to 500/s). Requests that … Source: …; changed by …; replaced by …" */
static void add_constant_row(struct report *report, const struct nw_model_constant *row)
{
    struct nw_text line = {0};
    add_number(&line, row->value, row->unit);
    if (row->low < row->high) {
        nw_text_add_str(&line, " (");
        add_number(&line, row->low, row->unit);
        nw_text_add_str(&line, " to ");
        add_number(&line, row->high, row->unit);
        nw_text_add_char(&line, ')');
    }
    nw_text_addf(&line, ". %s Source: %s.", row->text, row->source);
    if (row->flag[0] != '\0')
        nw_text_addf(&line, " Changed by %s.", row->flag);
    if (row->metric[0] != '\0')
        nw_text_addf(&line, " Replaced by %s once measured.", row->metric);
    report_text(report, NULL, row->name, line.ptr);
    nw_text_done(&line);
}

/* Names of the topics that list the word among their constants or disagreements. */
static void add_topics_of(struct report *report, struct nw_slice constant, struct nw_slice id)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    struct nw_text names = {0};
    for (size_t i = 0; i < count; i++)
        if (plan_names_has(topics[i].constants, constant) ||
            plan_names_has(topics[i].disagrees, id))
            nw_text_addf(&names, "%s%s", names.len > 0 ? ", " : "", topics[i].name);
    report_text(report, "topics", names.len > 0 ? "topics" : NULL, names.len > 0 ? names.ptr : "");
    nw_text_done(&names);
}

/* ---- one thing each ---- */

static void open_page(const struct page *page, const char *name, const char *heading)
{
    report_open(page->report, name, page->is_alone ? NULL : heading);
}

static void add_topic(struct page *page, const struct nw_model_topic *topic)
{
    struct report *report = page->report;
    open_page(page, topic->name, topic->title);
    report_text(report, "title", NULL, topic->title);
    report_text(report, "text", NULL, topic->text);
    add_prose(report, topic->text);
    add_text(report, "formula", "formula", topic->formula);
    add_text(report, "source", "source", topic->source);
    add_text(report, "facts", "examples", topic->facts);
    report_text(report, "constants", NULL, topic->constants);
    report_text(report, "disagreements", NULL, topic->disagrees);
    if (topic->example != NULL) {
        struct nw_model_steps *steps = nw_arena_zero(&page->arena, sizeof *steps);
        nw_model_steps_init(steps, &page->arena);
        topic->example(steps);
        report_steps(report, "example", "Worked example", steps, true);
    }
    struct nw_slice rest = nw_slice_str(topic->constants), word;
    if (rest.len > 0)
        report_open(report, NULL, "Numbers that plans assume");
    while (nw_slice_split(&rest, ' ', &word))
        add_constant_row(report, nw_model_constant_find(word));
    if (topic->constants[0] != '\0')
        report_close(report);
    if (topic->disagrees[0] != '\0') {
        report_open(report, NULL, "Where the guides disagree");
        add_disagreements_in(report, topic->disagrees);
        report_close(report);
    }
    report_close(report);
}

static void add_constant(struct page *page, const struct nw_model_constant *row)
{
    struct report *report = page->report;
    struct nw_text named = {0};
    open_page(page, row->name, row->name);
    report_text(report, "text", NULL, row->text);
    report_line(report, "%s", row->text);
    report_line(report, "%s", "");
    report_number(report, "value", "value", row->value, row->unit);
    report_number(report, "low", row->low < row->high ? "low" : NULL, row->low, row->unit);
    report_number(report, "high", row->low < row->high ? "high" : NULL, row->high, row->unit);
    report_text(report, "path", "in a plan file", row->path[0] != '\0' ? row->path : "fixed");
    add_text(report, "flag", "changed by", row->flag);
    report_text(report, "source", "source", row->source);
    add_text(report, "metric", "once measured", row->metric);
    add_topics_of(report, nw_slice_str(row->name), nw_slice_str("-"));
    nw_text_addf(&named, "%s %s", row->source, row->text);
    add_disagreements_in(report, named.ptr);
    nw_text_done(&named);
    report_close(report);
}

static void add_disagreement(struct page *page, const struct nw_model_disagreement *row)
{
    struct report *report = page->report;
    struct nw_text id = {0}, heading = {0}, titles = {0};
    nw_text_addf(&id, "X%u", row->number);
    nw_text_addf(&heading, "%s %s", id.ptr, row->name);
    for (const char *at = row->guides; *at != '\0'; at++)
        nw_text_addf(&titles, "%s%s", titles.len > 0 ? ", " : "", nw_model_guide_title(*at));
    open_page(page, id.ptr, heading.ptr);
    report_text(report, "name", NULL, row->name);
    report_text(report, "guides", row->guides[1] != '\0' ? "guides" : "guide", titles.ptr);
    report_text(report, "values", "they say", row->values);
    report_text(report, "uses", "newel", row->uses);
    report_text(report, "why", "because", row->why);
    add_topics_of(report, nw_slice_str("-"), nw_text_slice(&id));
    report_close(report);
    nw_text_done(&id);
    nw_text_done(&heading);
    nw_text_done(&titles);
}

/* ---- all, the list, what was asked for ---- */

static void add_everything(struct page *page)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    report_open(page->report, "topics", NULL);
    for (size_t i = 0; i < count; i++)
        add_topic(page, &topics[i]);
    report_close(page->report);
    report_open(page->report, "constants", "Numbers that plans assume");
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++)
        add_constant(page, nw_model_constant((nw_model_constant_id)i));
    report_close(page->report);
    report_open(page->report, "disagreements", "Where the guides disagree");
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++)
        add_disagreement(page, nw_model_disagreement(i));
    report_close(page->report);
}

static void add_index(struct report *report)
{
    static const struct report_column columns[] = {{"name", "topic", NW_MODEL_NUMBER, true},
                                                   {"title", "", NW_MODEL_NUMBER, true}};
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    struct nw_text names = {0};
    report_table(report, "topics", NULL, columns, NW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        const struct report_cell cells[] = {{.text = topics[i].name}, {.text = topics[i].title}};
        report_row(report, cells, NW_COUNT(cells));
    }
    report_line(report, "%s", "");
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++)
        nw_text_addf(&names, "%s%s", i > 0 ? " " : "",
                     nw_model_constant((nw_model_constant_id)i)->name);
    report_text(report, "constants", "numbers", names.ptr);
    nw_text_clear(&names);
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++)
        nw_text_addf(&names, "%sX%u %s", i > 1 ? ", " : "", i, nw_model_disagreement(i)->name);
    report_text(report, "disagreements", "disagreements", names.ptr);
    report_line(report, "%s", "");
    report_line(report,
                "newel plan explain NAME takes any of these, or how it begins; X4 or a worked "
                "example such as B2; --all prints everything.");
    nw_text_done(&names);
}

static void add_found(struct page *page, const struct plan_found *found)
{
    for (unsigned i = 0; i < found->count; i++) {
        const struct plan_named *one = &found->items[i];
        const char *kind = one->topic != NULL      ? "topics"
                           : one->constant != NULL ? "constants"
                                                   : "disagreements";
        bool is_first = i == 0 || (one->topic == NULL && found->items[i - 1].topic != NULL) ||
                        (one->disagreement != NULL && found->items[i - 1].disagreement == NULL);
        if (i > 0 && is_first)
            report_close(page->report);
        if (is_first)
            report_open(page->report, kind, NULL);
        if (one->topic != NULL)
            add_topic(page, one->topic);
        else if (one->constant != NULL)
            add_constant(page, one->constant);
        else
            add_disagreement(page, one->disagreement);
    }
    report_close(page->report);
}

/* What stands over the report. */
static void add_title(const struct plan_found *found, const char *word, struct nw_text *out)
{
    const struct plan_named *one = &found->items[0];
    if (word == NULL)
        nw_text_add_str(out, "Plans explained");
    else if (found->count == 1 && one->topic != NULL)
        nw_text_add_str(out, one->topic->title);
    else if (found->count == 1 && one->disagreement != NULL)
        nw_text_addf(out, "X%u %s", one->disagreement->number, one->name);
    else if (found->count == 1)
        nw_text_add_str(out, one->name);
    else
        nw_text_addf(out, "Explained: %s", one->name);
}

int cmd_plan_explain(const struct cli *cli)
{
    const char *word = cli->arg_count > 0 ? cli->args[0] : NULL;
    struct plan_found found = {0};
    struct nw_text text = {0};
    int code = emit_check(cli);
    if (code == EXIT_DONE && word != NULL && cli_has(cli, CLI_ALL))
        code = cli_usage(cli, "--all and a name are two questions");
    if (code == EXIT_DONE && word != NULL && !plan_names_find(word, &found, &text))
        code = cli_usage(cli, "%s", text.ptr);
    if (code != EXIT_DONE) {
        nw_text_done(&text);
        return code;
    }
    add_title(&found, word, &text);
    struct page page = {report_new("newel.plan.explain/1", text.ptr), {0}, found.count == 1};
    nw_arena_init(&page.arena, NULL, 0, EXAMPLES_MAX_BYTES);
    if (cli_has(cli, CLI_ALL))
        add_everything(&page);
    else if (word == NULL)
        add_index(page.report);
    else
        add_found(&page, &found);
    code = emit_report(cli, page.report, NULL, 0, EXIT_DONE);
    report_free(page.report);
    nw_arena_done(&page.arena);
    nw_text_done(&text);
    return code;
}
