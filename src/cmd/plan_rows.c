/*
 * One plan for machines: the tables that stand in JSON alone, from the same numbers as the
 * sentences of plan_report.c.
 */
#include "cmd/plan.h"
#include "model/constants.h"
#include "model/disagree.h"

#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, NULL, NW_MODEL_NUMBER, true                                                          \
    }
#define NUMBER(name)                                                                               \
    {                                                                                              \
        name, NULL, NW_MODEL_NUMBER, false                                                         \
    }

/* What --set changed. */
static void add_changed(struct report *report, const struct plan_file *file,
                        const struct plan_show *show)
{
    static const struct report_column columns[] = {TEXT("path"), TEXT("was"), TEXT("is")};
    report_table(report, "changed", NULL, columns, NW_COUNT(columns));
    for (size_t i = 0; i < show->edit_count; i++) {
        struct nw_text was = {0};
        if (!show->edits[i].is_set)
            continue;
        plan_print_before(&was, file, show->edits[i].path);
        const struct report_cell cells[] = {
            {.text = show->edits[i].path}, {.text = was.ptr}, {.text = show->edits[i].value}};
        report_row(report, cells, NW_COUNT(cells));
        nw_text_done(&was);
    }
}

/* Every step as a row: what --csv prints. */
static void add_results(struct report *report, const struct nw_model_steps *steps)
{
    static const struct report_column columns[] = {TEXT("name"), NUMBER("value"), TEXT("unit"),
                                                   TEXT("reason")};
    report_table(report, "results", NULL, columns, NW_COUNT(columns));
    for (size_t i = 0; i < steps->count; i++) {
        const struct nw_model_step *step = &steps->items[i];
        const struct report_cell cells[] = {
            {.text = step->path},
            {.value = step->rounded, .is_absent = step->reason != NULL},
            {.text = nw_model_unit_name(step->unit)},
            {.text = step->reason, .is_absent = step->reason == NULL}};
        report_row(report, cells, NW_COUNT(cells));
    }
}

static void add_decisions(struct report *report, const struct nw_model_plan *plan)
{
    static const struct report_column columns[] = {TEXT("path"), TEXT("decision"), NUMBER("count"),
                                                   TEXT("words"), TEXT("why")};
    report_table(report, "decisions", NULL, columns, NW_COUNT(columns));
    for (unsigned i = 0; i < plan->choice_count; i++) {
        const struct nw_model_choice *choice = &plan->choices[i];
        struct nw_text words = {0};
        nw_model_choice_print(&words, choice);
        const struct report_cell cells[] = {{.text = choice->path},
                                            {.text = choice->name},
                                            {.value = choice->count},
                                            {.text = words.ptr},
                                            {.text = choice->why}};
        report_row(report, cells, NW_COUNT(cells));
        nw_text_done(&words);
    }
}

static void add_findings(struct report *report, const struct nw_model_plan *plan)
{
    static const struct report_column columns[] = {TEXT("severity"), TEXT("path"),
                                                   TEXT("sentence")};
    report_table(report, "findings", NULL, columns, NW_COUNT(columns));
    for (unsigned i = 0; i < plan->finding_count; i++) {
        const struct nw_model_finding *finding = &plan->findings[i];
        const struct report_cell cells[] = {
            {.text = finding->severity == NW_MODEL_UNMET ? "unmet" : "warning"},
            {.text = finding->path},
            {.text = finding->sentence}};
        report_row(report, cells, NW_COUNT(cells));
    }
}

static void add_disagreements(struct report *report, const struct nw_model_plan *plan)
{
    static const struct report_column columns[] = {TEXT("id"), TEXT("name"), TEXT("path"),
                                                   TEXT("sentence")};
    report_table(report, "disagreements", NULL, columns, NW_COUNT(columns));
    for (unsigned i = 0; i < plan->other_count; i++) {
        const struct nw_model_plan_other *other = &plan->others[i];
        struct nw_text id = {0};
        nw_text_addf(&id, "X%d", other->number);
        const struct report_cell cells[] = {
            {.text = id.ptr},
            {.text = nw_model_disagreement((unsigned)other->number)->name},
            {.text = other->path},
            {.text = other->sentence}};
        report_row(report, cells, NW_COUNT(cells));
        nw_text_done(&id);
    }
}

struct assumed {
    struct report *report;
    const struct plan_result *result;
};

static void add_assumed_row(void *arg, const char *path, nw_model_unit unit,
                            struct nw_model_quantity *quantity)
{
    struct assumed *assumed = arg;
    const struct nw_model_constant *constant = nw_model_constant_of_path(nw_slice_str(path));
    const struct nw_model_swing *swing = plan_swing_of(assumed->result, path);
    if (quantity->origin != NW_MODEL_ASSUMED || constant == NULL)
        return;
    bool has_low = swing != NULL && swing->at_low.reason == NULL;
    bool has_high = swing != NULL && swing->at_high.reason == NULL;
    const struct report_cell cells[] = {
        {.text = path},
        {.value = quantity->value},
        {.value = quantity->low},
        {.value = quantity->high},
        {.text = nw_model_unit_name(unit)},
        {.value = has_low ? swing->at_low.nodes_needed : 0, .is_absent = !has_low},
        {.value = has_high ? swing->at_high.nodes_needed : 0, .is_absent = !has_high},
        {.value = has_low ? swing->at_low.cost_month : 0, .is_absent = !has_low},
        {.value = has_high ? swing->at_high.cost_month : 0, .is_absent = !has_high},
        {.text = constant->flag},
        {.text = constant->source},
        {.text = constant->metric}};
    report_row(assumed->report, cells, NW_COUNT(cells));
}

static void add_assumed(struct report *report, const struct plan_result *result)
{
    static const struct report_column columns[] = {TEXT("path"),
                                                   NUMBER("value"),
                                                   NUMBER("low"),
                                                   NUMBER("high"),
                                                   TEXT("unit"),
                                                   NUMBER("nodes_needed_at_low"),
                                                   NUMBER("nodes_needed_at_high"),
                                                   NUMBER("cost_month_at_low"),
                                                   NUMBER("cost_month_at_high"),
                                                   TEXT("flag"),
                                                   TEXT("source"),
                                                   TEXT("metric")};
    struct assumed assumed = {report, result};
    report_table(report, "assumed", NULL, columns, NW_COUNT(columns));
    nw_model_plan_input_each(result->file->input, add_assumed_row, &assumed);
}

static void add_result(struct report *report, const char *name, double value, nw_model_unit unit,
                       const char *reason)
{
    if (reason != NULL)
        report_absent(report, name, NULL, reason);
    else
        report_number(report, name, NULL, value, unit);
}

static void add_outcome(struct report *report, const char *name,
                        const struct nw_model_outcome *outcome)
{
    const char *reason = outcome->reason;
    report_open(report, name, NULL);
    report_bool(report, "is_met", NULL, outcome->is_met);
    add_result(report, "nodes", outcome->nodes, NW_MODEL_COUNT, reason);
    add_result(report, "nodes_needed", outcome->nodes_needed, NW_MODEL_COUNT, reason);
    add_result(report, "cost_month", outcome->cost_month, NW_MODEL_MONEY, reason);
    report_close(report);
}

static void add_sensitivity(struct report *report, const struct nw_model_sensitivity *sensitivity)
{
    report_open(report, "sensitivity", NULL);
    add_outcome(report, "cautious", &sensitivity->cautious);
    add_outcome(report, "hopeful", &sensitivity->hopeful);
    report_close(report);
}

void plan_report_rows(struct report *report, const struct plan_result *result,
                      const struct plan_show *show)
{
    add_results(report, &result->steps); /* the first table is what --csv prints */
    add_changed(report, result->file, show);
    add_decisions(report, &result->plan);
    add_findings(report, &result->plan);
    add_disagreements(report, &result->plan);
    add_assumed(report, result);
    add_sensitivity(report, &result->sensitivity);
}
