/*
 * One plan as one report. The arithmetic is printed from its steps; around it stand what was
 * changed, what was decided, what cannot be met, where the guides would have said something else,
 * what was assumed and what that is worth.
 *
 * People get sentences, machines get tables: a fact that both need is added twice, once with a
 * label and no name, once with a name and no label, from the same numbers.
 */
#include "base/assert.h"
#include "cmd/plan.h"
#include "cmd/plan_guides.h"
#include "cmd/plan_table.h"
#include "model/constants.h"
#include "model/disagree.h"

/* ---- words ---- */

/* "300", "85%", "2 KB": as short as it can be understood beside its name. */
static void add_bare(struct nw_text *out, double value, nw_model_unit unit, const char *currency)
{
    nw_model_unit_print(out, value, unit == NW_MODEL_PER_S ? NW_MODEL_NUMBER : unit, currency);
}

/* How many parts the block names; *out_first is written for a block that may: "" if it has none. */
static unsigned named_count(const struct nw_model_plan_input *input, struct nw_slice block,
                            const char **out_first)
{
    const char *queue = input->queue_count > 0 ? input->queues[0].name : "";
    const char *region = input->region_count > 0 ? input->regions[0].name : "";
    const struct {
        const char *name;
        unsigned count;
        const char *first;
    } blocks[] = {{"routes", input->route_count, input->routes[0].name},
                  {"services", input->service_count, input->services[0].name},
                  {"databases", input->database_count, input->databases[0].name},
                  {"queues", input->queue_count, queue},
                  {"regions", input->region_count, region}};
    for (size_t i = 0; i < NW_COUNT(blocks); i++) {
        if (!nw_slice_eq(block, nw_slice_str(blocks[i].name)))
            continue;
        *out_first = blocks[i].first;
        return blocks[i].count;
    }
    return 0;
}

/* "services.app.node_rate" is "node_rate" to people where there is one service only. */
static const char *short_path(const struct nw_model_plan_input *input, const char *path)
{
    struct nw_slice block =
        nw_slice_first(nw_slice_str(path), nw_slice_find(nw_slice_str(path), '.'));
    const char *rest = path[block.len] == '.' ? path + block.len + 1 : path;
    const char *only = "";
    unsigned count = named_count(input, block, &only);
    size_t len = strlen(only);
    if (count == 0)
        return path;
    return count == 1 && strncmp(rest, only, len) == 0 && rest[len] == '.' ? rest + len + 1 : rest;
}

/* ---- what was changed ---- */

/* What the table says where nobody says anything; a block that a bare value stands for, that. */
static const char *default_of(const char *path)
{
    const struct nw_conf_option *option = nw_conf_table_find(&plan_tables, nw_slice_str(path));
    const struct nw_conf_block_info *info = option != NULL && option->of != NW_CONF_BLOCK_NONE
                                                ? nw_conf_block_info(&plan_tables, option->of)
                                                : NULL;
    if (info != NULL && info->shorthand != NULL)
        option = nw_conf_option_find(info, nw_slice_str(info->shorthand));
    bool has_default =
        option != NULL && option->fallback != NULL && !nw_conf_option_is_required(option);
    return has_default ? option->fallback : "nothing";
}

void plan_print_before(struct nw_text *out, const struct plan_file *file, const char *path)
{
    const struct nw_conf_tree *there = nw_conf_tree_find(file->written, nw_slice_str(path));
    const struct nw_model_constant *constant = nw_model_constant_of_path(nw_slice_str(path));
    if (there != NULL && there->kind == NW_CONF_SCALAR)
        nw_text_add(out, there->text);
    else if (there != NULL)
        nw_text_addf(out, "what %s:%d says", file->name, there->line);
    else if (constant != NULL)
        nw_model_unit_print(out, constant->value, constant->unit, file->input->load.currency);
    else
        nw_text_add_str(out, default_of(path));
}

static void add_changes(struct report *report, const struct plan_file *file,
                        const struct plan_show *show)
{
    const char *label = "Changed";
    for (size_t i = 0; i < show->edit_count; i++) {
        const struct plan_edit *edit = &show->edits[i];
        struct nw_text line = {0};
        if (!edit->is_set)
            continue;
        nw_text_addf(&line, "%s: ", edit->path);
        plan_print_before(&line, file, edit->path);
        nw_text_addf(&line, " -> %s   --set", edit->value);
        report_text(report, NULL, label, line.ptr);
        label = "";
        nw_text_done(&line);
    }
}

/* ---- results ---- */

void plan_count_databases(const struct nw_model_plan *plan, double *out_replicas,
                          double *out_shards)
{
    *out_replicas = 0;
    *out_shards = 0;
    for (unsigned i = 0; i < plan->input->database_count; i++) {
        const struct nw_model_plan_database *database = &plan->databases[i];
        if (database->move == NW_MODEL_READ_REPLICAS)
            *out_replicas += database->count;
        else if (database->move == NW_MODEL_SHARDING)
            *out_shards += database->count;
    }
}

void plan_report_summary(struct report *report, const struct nw_model_plan *plan)
{
    double replicas, shards;
    const char *reason = plan->nodes_reason;
    plan_count_databases(plan, &replicas, &shards);
    const struct {
        const char *name;
        double value;
        nw_model_unit unit;
        bool hangs_on_nodes;
    } rows[] = {
        {"average_per_s", plan->average_per_s, NW_MODEL_PER_S, false},
        {"peak_per_s", plan->peak_per_s, NW_MODEL_PER_S, false},
        {"nodes", plan->nodes, NW_MODEL_COUNT, true},
        {"nodes_needed", plan->nodes_needed, NW_MODEL_COUNT, true},
        {"hit_ratio", plan->hit_ratio, NW_MODEL_RATIO, false},
        {"cache_nodes", plan->cache_nodes, NW_MODEL_COUNT, false},
        {"replicas", replicas, NW_MODEL_COUNT, false},
        {"shards", shards, NW_MODEL_COUNT, false},
        {"cost_per_h", plan->cost_per_h, NW_MODEL_MONEY_PER_H, true},
        {"cost_month", plan->cost_month, NW_MODEL_MONEY, true},
    };
    report_open(report, "summary", NULL);
    report_bool(report, "is_met", NULL, plan->is_met);
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        if (reason != NULL && rows[i].hangs_on_nodes)
            report_absent(report, rows[i].name, NULL, reason);
        else
            report_number(report, rows[i].name, NULL, rows[i].value, rows[i].unit);
    }
    report_close(report);
}

/* What a reader of the page came for. */
static void add_tiles(struct report *report, const struct nw_model_plan *plan)
{
    double replicas, shards;
    plan_count_databases(plan, &replicas, &shards);
    report_tile(report, "summary.peak_per_s", "At the peak", plan->peak_per_s, NW_MODEL_PER_S);
    if (plan->nodes_reason == NULL)
        report_tile(report, "summary.nodes", "Nodes", plan->nodes, NW_MODEL_COUNT);
    if (plan->hit_ratio > 0)
        report_tile(report, "summary.hit_ratio", "Cache hits", plan->hit_ratio, NW_MODEL_RATIO);
    if (replicas > 0)
        report_tile(report, "summary.replicas", "Read replicas", replicas, NW_MODEL_COUNT);
    if (shards > 0)
        report_tile(report, "summary.shards", "Shards", shards, NW_MODEL_COUNT);
    if (plan->nodes_reason == NULL)
        report_tile(report, "summary.cost_month", "A month", plan->cost_month, NW_MODEL_MONEY);
}

const struct emit_alias plan_aliases[] = {
    {"average", "summary.average_per_s"}, {"peak", "summary.peak_per_s"},
    {"nodes", "summary.nodes"},           {"nodes_needed", "summary.nodes_needed"},
    {"hit_ratio", "summary.hit_ratio"},   {"cache_nodes", "summary.cache_nodes"},
    {"replicas", "summary.replicas"},     {"shards", "summary.shards"},
    {"cost_per_h", "summary.cost_per_h"}, {"cost_month", "summary.cost_month"},
};
const unsigned plan_alias_count = NW_COUNT(plan_aliases);

static void add_decisions(struct report *report, const struct nw_model_plan *plan)
{
    report_open(report, NULL, plan->choice_count > 0 ? "Decisions" : NULL);
    for (unsigned i = 0; i < plan->choice_count; i++) {
        const struct nw_model_choice *choice = &plan->choices[i];
        struct nw_text line = {0};
        nw_model_choice_print(&line, choice);
        nw_text_addf(&line, ": %s", choice->why);
        report_text(report, NULL, choice->path, line.ptr);
        nw_text_done(&line);
    }
    report_close(report);
}

static void add_findings(struct report *report, const struct nw_model_plan *plan)
{
    static const char *const labels[] = {"Cannot be met", "Warning"};
    for (unsigned i = 0; i < plan->finding_count; i++) {
        const struct nw_model_finding *finding = &plan->findings[i];
        struct nw_text line = {0};
        nw_text_addf(&line, "%s: %s", finding->path, finding->sentence);
        report_text(report, NULL, labels[finding->severity], line.ptr);
        nw_text_done(&line);
    }
}

/* ---- where the guides disagree ---- */

static void add_others(struct report *report, const struct nw_model_plan *plan)
{
    const char *label = "Sources disagree";
    for (unsigned i = 0; i < plan->other_count; i++) {
        const struct nw_model_plan_other *other = &plan->others[i];
        struct nw_text line = {0};
        nw_text_addf(&line, "X%d %s: %s.", other->number,
                     nw_model_disagreement((unsigned)other->number)->name, other->sentence);
        report_text(report, NULL, label, line.ptr);
        label = "";
        nw_text_done(&line);
    }
}

static void add_all_disagreements(struct report *report)
{
    static const struct report_column columns[] = {
        {"id", "", NW_MODEL_NUMBER, true},
        {"name", "name", NW_MODEL_NUMBER, true},
        {"values", "what they say", NW_MODEL_NUMBER, true},
        {"uses", "what newel does", NW_MODEL_NUMBER, true}};
    report_table(report, "all_disagreements", "All disagreements", columns, NW_COUNT(columns));
    for (unsigned i = 1; i <= NW_MODEL_DISAGREEMENTS; i++) {
        const struct nw_model_disagreement *row = nw_model_disagreement(i);
        struct nw_text id = {0};
        nw_text_addf(&id, "X%u", i);
        const struct report_cell cells[] = {
            {.text = id.ptr}, {.text = row->name}, {.text = row->values}, {.text = row->uses}};
        report_row(report, cells, NW_COUNT(cells));
        nw_text_done(&id);
    }
}

/* ---- what was assumed, and how sure the plan is ---- */

const struct nw_model_swing *plan_swing_of(const struct plan_result *result, const char *path)
{
    for (unsigned i = 0; i < result->sensitivity.swing_count; i++)
        if (strcmp(result->sensitivity.swings[i].path, path) == 0)
            return &result->sensitivity.swings[i];
    return NULL;
}

static void add_end(struct nw_text *out, double at, nw_model_unit unit, double result,
                    nw_model_unit result_unit, const char *currency)
{
    nw_text_add_str(out, "at ");
    add_bare(out, at, unit, currency);
    nw_text_add_str(out, " -> ");
    nw_model_unit_print(out, result, result_unit, currency);
}

/* "node_rate 300/s: at 200 -> 80 nodes, at 500 -> 32." */
static void add_swing(struct nw_text *out, const struct plan_result *result,
                      const struct nw_model_swing *swing)
{
    const struct nw_model_plan_input *input = result->file->input;
    const char *currency = input->load.currency;
    const struct nw_model_outcome *low = &swing->at_low, *high = &swing->at_high;
    bool is_nodes = low->nodes_needed != high->nodes_needed;
    nw_text_addf(out, "%s ", short_path(input, swing->path));
    nw_model_unit_print(out, swing->quantity.value, swing->unit, currency);
    nw_text_add_str(out, ": ");
    if (!low->is_met || !high->is_met) {
        nw_text_add_str(out, "at ");
        add_bare(out, low->is_met ? swing->quantity.high : swing->quantity.low, swing->unit,
                 currency);
        nw_text_add_str(out, " it cannot be met.");
        return;
    }
    nw_model_unit unit = is_nodes ? NW_MODEL_COUNT : NW_MODEL_MONEY;
    add_end(out, swing->quantity.low, swing->unit, is_nodes ? low->nodes_needed : low->cost_month,
            unit, currency);
    nw_text_add_str(out, is_nodes ? " nodes, " : ", ");
    add_end(out, swing->quantity.high, swing->unit,
            is_nodes ? high->nodes_needed : high->cost_month, unit, currency);
    nw_text_add_str(out, is_nodes ? "." : " a month.");
}

/* Nodes and databases both have a price and connections: beside each other they need more name. */
static bool is_in_two_blocks(const char *path)
{
    static const char *const shared[] = {".price", ".connections"};
    size_t len = strlen(path);
    for (size_t i = 0; i < NW_COUNT(shared) && strstr(path, ".bigger.") == NULL; i++)
        if (len > strlen(shared[i]) && strcmp(path + len - strlen(shared[i]), shared[i]) == 0)
            return true;
    return false;
}

struct quiet {
    const struct plan_result *result;
    struct nw_text words;
};

/* Assumptions that move nothing, as words; those of several routes once. */
static void add_quiet(void *arg, const char *path, nw_model_unit unit,
                      struct nw_model_quantity *quantity)
{
    struct quiet *quiet = arg;
    const struct nw_model_plan_input *input = quiet->result->file->input;
    bool is_route = strncmp(path, "routes.", strlen("routes.")) == 0;
    struct nw_text words = {0};
    if (quantity->origin != NW_MODEL_ASSUMED || quantity->value == 0 ||
        plan_swing_of(quiet->result, path) != NULL)
        return;
    nw_text_addf(&words, "%s%s ", quiet->words.len > 0 ? ", " : "",
                 is_route                 ? strrchr(path, '.') + 1
                 : is_in_two_blocks(path) ? path
                                          : short_path(input, path));
    nw_model_unit_print(&words, quantity->value, unit, input->load.currency);
    if (!is_route || quiet->words.len == 0 || strstr(quiet->words.ptr, words.ptr) == NULL)
        nw_text_add(&quiet->words, nw_text_slice(&words));
    nw_text_done(&words);
}

static void add_assumed(struct report *report, const struct plan_result *result)
{
    const struct nw_model_sensitivity *sensitivity = &result->sensitivity;
    struct quiet quiet = {.result = result};
    const char *label = "Assumed";
    for (unsigned i = 0; i < sensitivity->swing_count; i++) {
        const struct nw_model_swing *swing = &sensitivity->swings[i];
        const struct nw_model_constant *constant =
            nw_model_constant_of_path(nw_slice_str(swing->path));
        struct nw_text line = {0};
        if (swing->quantity.origin != NW_MODEL_ASSUMED || constant == NULL)
            continue;
        add_swing(&line, result, swing);
        nw_text_addf(&line, "   %s", constant->flag);
        report_text(report, NULL, label, line.ptr);
        label = "";
        nw_text_done(&line);
    }
    nw_model_plan_input_each(result->file->input, add_quiet, &quiet);
    if (quiet.words.len > 0)
        nw_text_add_str(&quiet.words, "   --set PATH=VALUE");
    if (quiet.words.len > 0)
        report_text(report, NULL, label, quiet.words.ptr);
    nw_text_done(&quiet.words);
}

/* Ranges that the file gives are as uncertain as those that were assumed. */
static void add_given_ranges(struct report *report, const struct plan_result *result)
{
    const char *label = "Given as a range";
    for (unsigned i = 0; i < result->sensitivity.swing_count; i++) {
        const struct nw_model_swing *swing = &result->sensitivity.swings[i];
        struct nw_text line = {0};
        if (swing->quantity.origin == NW_MODEL_ASSUMED)
            continue;
        add_swing(&line, result, swing);
        report_text(report, NULL, label, line.ptr);
        label = "";
        nw_text_done(&line);
    }
}

/* "17 to 56"; "2" where both ends are the same. */
static void add_range(struct nw_text *out, double low, double high, nw_model_unit unit,
                      const char *currency)
{
    nw_model_unit_print(out, low, unit, currency);
    if (low == high)
        return;
    nw_text_add_str(out, " to ");
    nw_model_unit_print(out, high, unit, currency);
}

static void add_band(struct report *report, const struct plan_result *result)
{
    const struct nw_model_outcome *cautious = &result->sensitivity.cautious;
    const struct nw_model_outcome *hopeful = &result->sensitivity.hopeful;
    const char *currency = result->file->input->load.currency;
    struct nw_text line = {0};
    if (result->sensitivity.tried_count > 0 && cautious->is_met) {
        add_range(&line, hopeful->nodes, cautious->nodes, NW_MODEL_COUNT, currency);
        nw_text_addf(&line, " node%s in all, ", cautious->nodes == 1 ? "" : "s");
        add_range(&line, hopeful->cost_month, cautious->cost_month, NW_MODEL_MONEY, currency);
        nw_text_add_str(&line, " a month: all inputs at their hopeful, all at their cautious end");
        report_text(report, NULL, "How sure", line.ptr);
    } else if (result->sensitivity.tried_count > 0) {
        report_text(report, NULL, "How sure",
                    "with all inputs at their cautious end it cannot be met");
    }
    nw_text_done(&line);
}

/* ---- the staircase ---- */

static void add_stairs(struct report *report, const struct nw_model_plan *plan)
{
    static const struct report_column columns[] = {{"rung", "rung", NW_MODEL_NUMBER, true},
                                                   {"state", NULL, NW_MODEL_NUMBER, true},
                                                   {NULL, "now", NW_MODEL_NUMBER, true},
                                                   {"growth", "at growth", NW_MODEL_NUMBER, false},
                                                   {"why", "because", NW_MODEL_NUMBER, true}};
    static const char *const states[] = {"not_needed", "needed", "in_place", "measure_first"};
    static const char *const words[] = {"not needed", "needed", "in place", "measure first"};
    report_table(report, "staircase", "Staircase", columns, NW_COUNT(columns));
    for (int i = 0; i < NW_MODEL_RUNG_COUNT; i++) {
        const struct nw_model_stair *stair = &plan->stairs.rungs[i];
        const struct report_cell cells[] = {
            {.text = nw_model_rung_name((nw_model_rung)i)},
            {.text = states[stair->need]},
            {.text = words[stair->need]},
            {.value = stair->growth, .is_absent = !stair->has_growth},
            {.text = stair->why}};
        report_row(report, cells, NW_COUNT(cells));
    }
}

struct report *plan_report(struct plan_result *result, const struct plan_show *show)
{
    const struct nw_model_plan *plan = &result->plan;
    struct nw_text title = {0};
    nw_text_addf(&title, "Plan: %s", result->file->name);
    struct report *report = report_new("newel.plan/1", title.ptr);
    nw_text_done(&title);
    report_set_currency(report, result->file->input->load.currency);
    report_text(report, "source", NULL, result->file->name);
    plan_report_summary(report, plan);
    add_tiles(report, plan);
    plan_report_rows(report, result, show);
    add_changes(report, result->file, show);
    report_steps(report, "steps", NULL, &result->steps, show->has_guides);
    add_findings(report, plan);
    add_decisions(report, plan);
    add_others(report, plan);
    add_assumed(report, result);
    add_given_ranges(report, result);
    add_band(report, result);
    add_stairs(report, plan);
    plan_report_stages(report, plan->peak_per_s, result->file->input->load.users.value,
                       show->has_guides);
    plan_charts(report, result, &result->arena);
    if (show->has_all_disagreements)
        add_all_disagreements(report);
    return report;
}
