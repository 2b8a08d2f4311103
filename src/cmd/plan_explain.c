/*
 * `newel plan explain`: formulas with a worked example, numbers that plans assume with their
 * source, and where the classic guides disagree. All of it comes from the model's own tables; an
 * example is computed while it is printed.
 */
#include <string.h>

#include "base/assert.h"
#include "base/suggest.h"
#include "cmd/emit.h"
#include "model/constants.h"
#include "model/disagree.h"
#include "model/topics.h"
#include "model/worked.h"

#define EXAMPLES_MAX_BYTES ((size_t)64 << 20)

enum { NAMES_MAX = 512, ROWS_MAX = 32, CELLS_MAX = 8 };

/* ---- paragraphs and the tables between them ---- */

struct rows {
    struct nw_slice items[ROWS_MAX];
    size_t count;
    size_t starts[CELLS_MAX]; /* where a cell may begin: as in the first row */
    size_t start_count;
};

/* A cell begins behind two spaces, or at the line's beginning. */
static void find_starts(struct rows *rows)
{
    struct nw_slice first = rows->items[0];
    rows->starts[0] = 2;
    rows->start_count = 1;
    for (size_t i = 4; i < first.len && rows->start_count < CELLS_MAX; i++)
        if (first.ptr[i] != ' ' && first.ptr[i - 1] == ' ' && first.ptr[i - 2] == ' ')
            rows->starts[rows->start_count++] = i;
}

static struct nw_slice cell_of(const struct rows *rows, size_t row, size_t column)
{
    struct nw_slice line = rows->items[row];
    size_t from = rows->starts[column];
    size_t to = column + 1 < rows->start_count ? rows->starts[column + 1] : line.len;
    if (from >= line.len)
        return NW_SLICE("");
    return nw_slice_trim(nw_slice_of(line.ptr + from, (to < line.len ? to : line.len) - from));
}

/* A short list has no heads: "up", and what is said of it. */
static void add_list(struct report *report, const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct nw_text label = {0}, text = {0};
        nw_text_add(&label, cell_of(rows, i, 0));
        for (size_t k = 1; k < rows->start_count; k++)
            nw_text_addf(&text, "%s%.*s", k > 1 ? "  " : "", NW_SLICE_ARG(cell_of(rows, i, k)));
        report_text(report, NULL, label.len > 0 ? label.ptr : "", text.len > 0 ? text.ptr : "");
        nw_text_done(&label);
        nw_text_done(&text);
    }
}

static void add_table(struct report *report, struct rows *rows)
{
    struct report_column columns[CELLS_MAX] = {0};
    struct nw_text texts[CELLS_MAX] = {0};
    for (size_t k = 0; k < rows->start_count; k++) {
        nw_text_add(&texts[k], cell_of(rows, 0, k));
        columns[k] = (struct report_column){.label = texts[k].ptr != NULL ? texts[k].ptr : "",
                                            .is_text = true};
    }
    report_table(report, NULL, NULL, columns, (unsigned)rows->start_count);
    for (size_t i = 1; i < rows->count; i++) {
        struct report_cell cells[CELLS_MAX] = {0};
        for (size_t k = 0; k < rows->start_count; k++) {
            nw_text_clear(&texts[k]);
            nw_text_add(&texts[k], cell_of(rows, i, k));
            cells[k].text = texts[k].ptr != NULL ? texts[k].ptr : "";
        }
        report_row(report, cells, (unsigned)rows->start_count);
    }
    for (size_t k = 0; k < rows->start_count; k++)
        nw_text_done(&texts[k]);
}

static void add_rows(struct report *report, struct rows *rows)
{
    if (rows->count == 0)
        return;
    find_starts(rows);
    if (rows->count < 3)
        add_list(report, rows);
    else
        add_table(report, rows);
    rows->count = 0;
}

static void end_paragraph(struct report *report, struct nw_text *paragraph)
{
    if (paragraph->len > 0)
        report_line(report, "%s", paragraph->ptr);
    nw_text_clear(paragraph);
}

/* "1. Were users converted …" */
static bool is_numbered(struct nw_slice line)
{
    return line.len > 2 && line.ptr[0] >= '0' && line.ptr[0] <= '9' && line.ptr[1] == '.';
}

/* Paragraphs are folded to the terminal; lines that begin with two spaces are rows of a table. */
static void add_paragraphs(struct report *report, const char *text)
{
    struct nw_slice rest = nw_slice_str(text), line;
    struct nw_text paragraph = {0};
    struct rows rows = {0};
    while (nw_slice_split(&rest, '\n', &line)) {
        bool is_row = nw_slice_starts_with(line, NW_SLICE("  "));
        if (line.len == 0 || is_row || is_numbered(line))
            end_paragraph(report, &paragraph);
        if (!is_row)
            add_rows(report, &rows);
        if (is_row && rows.count < ROWS_MAX)
            rows.items[rows.count++] = line;
        else if (line.len > 0)
            nw_text_addf(&paragraph, "%s%.*s", paragraph.len > 0 ? " " : "", NW_SLICE_ARG(line));
    }
    end_paragraph(report, &paragraph);
    add_rows(report, &rows);
    nw_text_done(&paragraph);
}

/* ---- constants, disagreements, topics ---- */

static void add_text(struct report *report, const char *name, const char *label, const char *text)
{
    if (text[0] != '\0')
        report_text(report, name, label, text);
}

static void add_constant(struct report *report, const struct nw_model_constant *constant)
{
    report_open(report, constant->name, constant->name);
    report_text(report, "text", "", constant->text);
    report_number(report, "value", "value", constant->value, constant->unit);
    report_number(report, "low", "low", constant->low, constant->unit);
    report_number(report, "high", "high", constant->high, constant->unit);
    add_text(report, "path", "in a plan file", constant->path);
    add_text(report, "flag", "changed by", constant->flag);
    add_text(report, "source", "source", constant->source);
    add_text(report, "metric", "will be measured as", constant->metric);
    report_close(report);
}

/* "D": the guide's title. */
static void add_guides(struct report *report, const char *letters)
{
    struct nw_text titles = {0};
    for (const char *at = letters; *at != '\0'; at++) {
        const char *title = nw_model_guide_title(*at);
        nw_text_addf(&titles, "%s%s", titles.len > 0 ? ", " : "", title != NULL ? title : "newel");
    }
    add_text(report, "guides", "guides", titles.len > 0 ? titles.ptr : "");
    nw_text_done(&titles);
}

static void add_disagreement(struct report *report, const struct nw_model_disagreement *row)
{
    struct nw_text id = {0}, heading = {0};
    nw_text_addf(&id, "X%u", row->number);
    nw_text_addf(&heading, "%s %s", id.ptr, row->name);
    report_open(report, id.ptr, heading.ptr);
    report_text(report, "name", NULL, row->name);
    add_guides(report, row->guides);
    add_text(report, "values", "they say", row->values);
    add_text(report, "uses", "newel", row->uses);
    add_text(report, "why", "because", row->why);
    report_close(report);
    nw_text_done(&id);
    nw_text_done(&heading);
}

/* The constants and disagreements that a topic names, in a line each. */
static void add_related(struct report *report, const struct nw_model_topic *topic)
{
    struct nw_slice rest = nw_slice_str(topic->constants), word;
    while (nw_slice_split(&rest, ' ', &word)) {
        const struct nw_model_constant *constant = nw_model_constant_find(word);
        if (constant == NULL)
            continue;
        struct nw_text line = {0};
        nw_model_unit_print(&line, constant->value, constant->unit, "");
        nw_text_addf(&line, ". %s Source: %s.", constant->text, constant->source);
        report_text(report, NULL, constant->name, line.ptr);
        nw_text_done(&line);
    }
    rest = nw_slice_str(topic->disagrees);
    while (nw_slice_split(&rest, ' ', &word)) {
        const struct nw_model_disagreement *row = nw_model_disagreement_find(word);
        if (row == NULL)
            continue;
        struct nw_text label = {0}, line = {0};
        nw_text_addf(&label, "X%u %s", row->number, row->name);
        nw_text_addf(&line, "%s newel: %s", row->values, row->uses);
        report_text(report, NULL, label.ptr, line.ptr);
        nw_text_done(&label);
        nw_text_done(&line);
    }
}

static void add_topic(struct report *report, const struct nw_model_topic *topic,
                      struct nw_arena *arena)
{
    report_open(report, topic->name, topic->title);
    report_text(report, "title", NULL, topic->title);
    report_text(report, "text", NULL, topic->text);
    add_paragraphs(report, topic->text);
    add_text(report, "formula", "formula", topic->formula);
    if (topic->example != NULL) {
        struct nw_model_steps *steps = nw_arena_zero(arena, sizeof *steps);
        nw_model_steps_init(steps, arena);
        topic->example(steps);
        report_steps(report, "example", "Worked example", steps, true);
    }
    add_text(report, "source", "source", topic->source);
    add_text(report, "facts", "examples", topic->facts);
    add_text(report, "constants", NULL, topic->constants);
    add_text(report, "disagrees", NULL, topic->disagrees);
    add_related(report, topic);
    report_close(report);
}

static void add_everything(struct report *report, struct nw_arena *arena)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    report_open(report, "topics", NULL);
    for (size_t i = 0; i < count; i++)
        add_topic(report, &topics[i], arena);
    report_close(report);
    report_open(report, "constants", "What plans assume");
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++)
        add_constant(report, nw_model_constant((nw_model_constant_id)i));
    report_close(report);
    report_open(report, "disagreements", "Where the guides disagree");
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++)
        add_disagreement(report, nw_model_disagreement(i));
    report_close(report);
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
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++)
        nw_text_addf(&names, "%s%s", i > 0 ? " " : "",
                     nw_model_constant((nw_model_constant_id)i)->name);
    report_text(report, "constants", "constants", names.ptr);
    report_text(report, NULL, "disagreements", "X1 to X36");
    nw_text_done(&names);
}

/*
 * EXIT_DONE, or EXIT_USAGE with a suggestion. A topic and a constant may share a name (pool): both
 * are explained.
 */
static int add_named(const struct cli *cli, struct report *report, const char *name,
                     struct nw_arena *arena)
{
    struct nw_slice word = nw_slice_str(name);
    const struct nw_model_topic *topic = nw_model_topic_find(word);
    const struct nw_model_constant *constant = nw_model_constant_find(word);
    const struct nw_model_disagreement *row = nw_model_disagreement_find(word);
    report_open(report, "topics", NULL);
    if (topic != NULL)
        add_topic(report, topic, arena);
    report_close(report);
    report_open(report, "constants", NULL);
    if (constant != NULL)
        add_constant(report, constant);
    report_close(report);
    report_open(report, "disagreements", NULL);
    if (row != NULL)
        add_disagreement(report, row);
    report_close(report);
    if (topic != NULL || constant != NULL || row != NULL)
        return EXIT_DONE;
    const char *names[NAMES_MAX];
    size_t count = 0, topic_count;
    const struct nw_model_topic *topics = nw_model_topics(&topic_count);
    for (size_t i = 0; i < topic_count; i++)
        names[count++] = topics[i].name;
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++)
        names[count++] = nw_model_constant((nw_model_constant_id)i)->name;
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++)
        names[count++] = nw_model_disagreement(i)->name;
    NW_ASSERT(count <= NAMES_MAX);
    const char *near = nw_suggest(word, names, count);
    return near != NULL ? cli_usage(cli, "nothing is called `%s`; did you mean `%s`?", name, near)
                        : cli_usage(cli, "nothing is called `%s`", name);
}

int cmd_plan_explain(const struct cli *cli)
{
    int code = emit_check(cli);
    if (code != EXIT_DONE)
        return code;
    if (cli_has(cli, CLI_ALL) && cli->arg_count > 0)
        return cli_usage(cli, "--all and a name are two questions");
    struct nw_arena arena;
    nw_arena_init(&arena, NULL, 0, EXAMPLES_MAX_BYTES);
    struct report *report = report_new("newel.plan-explain/1", "Plans explained");
    if (cli_has(cli, CLI_ALL))
        add_everything(report, &arena);
    else if (cli->arg_count == 0)
        add_index(report);
    else
        code = add_named(cli, report, cli->args[0], &arena);
    if (code == EXIT_DONE)
        code = emit_report(cli, report, NULL, 0, EXIT_DONE);
    report_free(report);
    nw_arena_done(&arena);
    return code;
}
