/* The planner's tables as Markdown, for docs/reference/. */
#include "cmd/plan_pages.h"

#include "cmd/plan_prose.h"
#include "cmd/plan_table.h"
#include "model/constants.h"
#include "model/disagree.h"
#include "model/topics.h"
#include "model/worked.h"

#define EXAMPLE_MAX_BYTES ((size_t)16 << 20)

void plan_page_file(struct nw_text *out)
{
    nw_conf_reference_markdown(&plan_tables, out);
}

/* A bar would end the cell; an asterisk or an underscore would start emphasis. */
static void add_cell(struct nw_text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("|*_<", *text) != NULL)
            nw_text_add_char(out, '\\');
        nw_text_add_char(out, *text);
    }
}

/* "300/s"; money without a label, whatever the currency. */
static void add_number(struct nw_text *out, double value, nw_model_unit unit)
{
    nw_model_unit_print(out, value, unit, "");
}

static void add_constant(struct nw_text *out, const struct nw_model_constant *constant)
{
    nw_text_addf(out, "| `%s` | ", constant->name);
    add_number(out, constant->value, constant->unit);
    nw_text_add_str(out, " | ");
    if (constant->low < constant->high) {
        add_number(out, constant->low, constant->unit);
        nw_text_add_str(out, " to ");
        add_number(out, constant->high, constant->unit);
    }
    nw_text_add_str(out, " | ");
    if (constant->path[0] != '\0')
        nw_text_addf(out, "`%s`", constant->path);
    nw_text_add_str(out, " | ");
    add_cell(out, constant->text);
    nw_text_add_str(out, " | ");
    add_cell(out, constant->source);
    nw_text_add_str(out, " | ");
    if (constant->metric[0] != '\0')
        nw_text_addf(out, "`%s`", constant->metric);
    nw_text_add_str(out, " | ");
    if (constant->flag[0] != '\0')
        nw_text_addf(out, "`%s`", constant->flag);
    nw_text_add_str(out, " |\n");
}

void plan_page_constants(struct nw_text *out)
{
    nw_text_add_str(
        out,
        "<!-- Generated from src/model/constants.def by tools/gen_reference.py. -->\n"
        "# Numbers that a plan assumes\n\n"
        "What neither the file nor a flag states is taken from this table, and the report says so\n"
        "under *Assumed*. Where a range stands, the report says what each end of it does to the\n"
        "result. A number without a place in the file is fixed. `newel plan explain NAME` prints\n"
        "one row; what newel measures will replace the guess where a metric is named.\n\n"
        "| name | value | range | in a plan file | meaning | source | replaced by | flag |\n"
        "|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < NW_MODEL_CONSTANT_COUNT; i++)
        add_constant(out, nw_model_constant((nw_model_constant_id)i));
}

static void add_disagreement(struct nw_text *out, const struct nw_model_disagreement *row)
{
    nw_text_addf(out, "\n## X%u %s\n\nGuides: ", row->number, row->name);
    for (const char *at = row->guides; *at != '\0'; at++) {
        const char *title = nw_model_guide_title(*at);
        nw_text_addf(out, "%s%s", at > row->guides ? "; " : "", title != NULL ? title : "newel");
    }
    nw_text_add_str(out, ".\n\n- They say: ");
    add_cell(out, row->values);
    nw_text_add_str(out, "\n- newel: ");
    add_cell(out, row->uses);
    nw_text_add_str(out, "\n- Because: ");
    add_cell(out, row->why);
    nw_text_add_char(out, '\n');
}

void plan_page_disagreements(struct nw_text *out)
{
    nw_text_add_str(
        out,
        "<!-- Generated from src/model/disagree.def by tools/gen_reference.py. -->\n"
        "# Where the classic guides disagree\n\n"
        "Five guides teach how a web system grows; they contradict themselves and each other.\n"
        "`newel plan` names those whose other value would change a result of *your* plan, and\n"
        "`newel plan explain X4` prints one of them.\n");
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++)
        add_disagreement(out, nw_model_disagreement(i));
}

static void add_topic_table(struct nw_text *out, struct nw_slice text)
{
    struct prose_table table;
    prose_table_read(text, &table);
    for (unsigned row = 0; row < table.row_count; row++) {
        for (unsigned i = 0; i < table.column_count; i++) {
            nw_text_add_str(out, "| ");
            add_cell(out, table.cells[row][i].ptr);
            nw_text_add_char(out, ' ');
        }
        nw_text_add_str(out, "|\n");
        for (unsigned i = 0; row == 0 && i < table.column_count; i++)
            nw_text_add_str(out, i + 1 < table.column_count ? "|---" : "|---|\n");
    }
    prose_table_done(&table);
}

static void add_topic_text(struct nw_text *out, const char *text)
{
    struct nw_slice rest = nw_slice_str(text);
    struct prose_piece piece;
    while (prose_next(&rest, &piece)) {
        if (piece.is_apart)
            nw_text_add_char(out, '\n');
        if (piece.is_table)
            add_topic_table(out, piece.text);
        else
            nw_text_addf(out, "%.*s\n", NW_SLICE_ARG(piece.text));
    }
}

static void add_example(struct nw_text *out, const struct nw_model_topic *topic)
{
    struct nw_arena arena;
    struct nw_model_steps steps;
    nw_arena_init(&arena, NULL, 0, EXAMPLE_MAX_BYTES);
    nw_model_steps_init(&steps, &arena);
    topic->example(&steps);
    nw_text_add_str(out, "\nWorked example:\n\n```\n");
    for (size_t i = 0; i < steps.count; i++) {
        const struct nw_model_step *step = &steps.items[i];
        if (step->label != NULL)
            nw_text_addf(out, "%s: ", step->label);
        if (step->formula != NULL) {
            nw_model_step_print_values(out, step);
            nw_text_add_str(out, " = ");
        }
        nw_model_step_print_result(out, step, "");
        if (step->what != NULL)
            nw_text_addf(out, " %s", step->what);
        if (step->printed != NULL)
            nw_text_addf(out, " (the guide prints %s)", step->printed);
        nw_text_add_char(out, '\n');
    }
    nw_text_add_str(out, "```\n");
    nw_arena_done(&arena);
}

void plan_page_formulas(struct nw_text *out)
{
    size_t count;
    const struct nw_model_topic *topics = nw_model_topics(&count);
    nw_text_add_str(
        out, "<!-- Generated from src/model/topics.def by tools/gen_reference.py. -->\n"
             "# What a plan computes, and why\n\n"
             "What `newel plan explain TOPIC` prints. The examples are computed by the same\n"
             "functions as your plan; a guide's own figure stands beside where it has one.\n");
    for (size_t i = 0; i < count; i++) {
        const struct nw_model_topic *topic = &topics[i];
        nw_text_addf(out, "\n## %s\n\n", topic->title);
        add_topic_text(out, topic->text);
        if (topic->formula[0] != '\0')
            nw_text_addf(out, "\nFormula: `%s`\n", topic->formula);
        if (topic->example != NULL)
            add_example(out, topic);
        if (topic->source[0] != '\0')
            nw_text_addf(out, "\nSource: %s. `newel plan explain %s`\n", topic->source,
                         topic->name);
    }
}
