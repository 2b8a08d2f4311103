/* The figures first, then the course: who reads only the first ten lines has the answer. */
#include "cmd/sim_fleet_report.h"

#include <math.h>

#include "base/assert.h"
#include "model/stats.h"

static const struct {
    const char *name; /* in JSON, with the unit */
    const char *label;
    nw_model_unit unit;
} measures[FLEET_MEASURE_COUNT] = {
    [FLEET_COST] = {"cost", "cost", NW_MODEL_MONEY},
    [FLEET_NODE_HOURS] = {"node_hours", "node-hours", NW_MODEL_NUMBER},
    [FLEET_PEAK_NODES] = {"nodes_peak", "most nodes", NW_MODEL_NUMBER},
    [FLEET_END_NODES] = {"nodes_end", "nodes at the end", NW_MODEL_NUMBER},
    [FLEET_REFUSED_RATIO] = {"refused_ratio", "refused", NW_MODEL_RATIO},
    [FLEET_RESPONSE_S] = {"response_s", "mean response", NW_MODEL_SECONDS},
};

/* ---- one run ---- */

static void report_warnings(struct report *report, const struct fleet_file *file,
                            const struct fleet_course *course)
{
    const struct nw_model_fleet_result *result = &course->result;
    double cold_ratio;
    bool is_away = fleet_runs_away(&file->fleet, &cold_ratio);
    report_bool(report, "runs_away", NULL, is_away);
    if (is_away)
        report_line(report,
                    "This rule runs away at any load: while it grows, %.1f%% of the nodes are "
                    "cold and read 100%% CPU, which alone is over the target of %.0f%%.",
                    100 * cold_ratio, 100 * file->fleet.policy.target[NW_MODEL_SCALE_CPU]);
    if (result->braked == NW_MODEL_SCALE_NOT_DUE)
        return;
    report_line(report, "A brake cut what the rule wanted: %s.",
                nw_model_scale_reason_name(result->braked));
    if (result->bottleneck == NW_MODEL_SCALE_DATABASE)
        report_line(report, "The bottleneck is the database %s: more nodes answer no more.",
                    file->database);
    else if (result->bottleneck == NW_MODEL_SCALE_SHARED)
        report_line(report, "The bottleneck is something that the nodes share.");
}

static void report_figures(struct report *report, const struct fleet_file *file,
                           const struct nw_model_fleet_result *result)
{
    report_number(report, "nodes_peak", "most nodes", (double)result->peak_nodes, NW_MODEL_COUNT);
    report_number(report, "nodes_start", "nodes at the start", (double)file->fleet.nodes,
                  NW_MODEL_COUNT);
    report_number(report, "nodes_end", "nodes at the end", (double)result->end_nodes,
                  NW_MODEL_COUNT);
    if (file->has_cost)
        report_number(report, "cost", "cost", result->cost, NW_MODEL_MONEY);
    else
        report_absent(report, "cost", "cost", "nodes have no price");
    report_number(report, "node_hours", "node-hours", result->node_hours, NW_MODEL_NUMBER);
    report_number(report, "offered", "requests", result->offered, NW_MODEL_NUMBER);
    report_number(report, "served", NULL, result->served, NW_MODEL_NUMBER);
    report_number(report, "refused", NULL, result->refused, NW_MODEL_NUMBER);
    if (result->offered > 0)
        report_number(report, "refused_ratio", "refused", result->refused / result->offered,
                      NW_MODEL_RATIO);
    else
        report_absent(report, "refused_ratio", "refused", "no request arrived");
    if (result->served > 0)
        report_number(report, "response_s", "mean response", result->response_s, NW_MODEL_SECONDS);
    else
        report_absent(report, "response_s", "mean response", "no request was served");
    report_number(report, "cpu_ratio", "mean CPU", result->cpu_ratio, NW_MODEL_RATIO);
    report_number(report, "nodes_added", "nodes added", result->added_nodes, NW_MODEL_COUNT);
    report_number(report, "nodes_taken", "nodes taken away", result->taken_nodes, NW_MODEL_COUNT);
    report_number(report, "turns", "changes of direction", result->turns, NW_MODEL_COUNT);
    report_number(report, "turns_in_5_min", "  most in 5 minutes", result->turns_in_5_min,
                  NW_MODEL_COUNT);
    if (file->fleet.lost_ratio > 0)
        report_number(report, "judgements_lost", "judgements without readings",
                      result->lost_judgements, NW_MODEL_COUNT);
    report_text(report, "braked", NULL,
                result->braked == NW_MODEL_SCALE_NOT_DUE
                    ? "none"
                    : nw_model_scale_reason_name(result->braked));
    report_text(report, "bottleneck", NULL, nw_model_scale_bottleneck_name(result->bottleneck));
}

static void course_row(struct report *report, const struct fleet_row *row)
{
    double length_s = row->to_s - row->from_s;
    const struct report_cell cells[] = {
        {.value = row->from_s},
        {.value = row->to_s},
        {.value = row->warm + row->cold + row->coming + row->draining},
        {.value = row->warm},
        {.value = row->cold},
        {.value = row->coming},
        {.value = row->draining},
        {.value = row->offered / length_s},
        {.value = row->served / length_s},
        {.value = row->refused / length_s},
        {.value = row->cpu_s / length_s},
        {.value = row->served > 0 ? row->response_total_s / row->served : 0,
         .is_absent = row->served <= 0},
        {.value = row->database_s / length_s},
        {.value = row->cost},
    };
    report_row(report, cells, NW_COUNT(cells));
}

static bool is_near(double a, double a_s, double b, double b_s)
{
    return fabs(a / a_s - b / b_s) <= 1e-6 * fabs(a / a_s);
}

/* Would nobody see a difference between the two but in their times? */
static bool is_alike(const struct fleet_row *a, const struct fleet_row *b)
{
    double a_s = a->to_s - a->from_s, b_s = b->to_s - b->from_s;
    return a->warm == b->warm && a->cold == b->cold && a->coming == b->coming &&
           a->draining == b->draining && is_near(a->offered, a_s, b->offered, b_s) &&
           is_near(a->served, a_s, b->served, b_s) && is_near(a->refused, a_s, b->refused, b_s) &&
           is_near(a->cpu_s, a_s, b->cpu_s, b_s) &&
           is_near(a->database_s, a_s, b->database_s, b_s) &&
           is_near(a->response_total_s, a_s, b->response_total_s, b_s);
}

static void join(struct fleet_row *to, const struct fleet_row *row)
{
    to->to_s = row->to_s;
    to->offered += row->offered;
    to->served += row->served;
    to->refused += row->refused;
    to->cpu_s += row->cpu_s;
    to->database_s += row->database_s;
    to->response_total_s += row->response_total_s;
    to->cost += row->cost;
}

/* Machines get every row; to people an hour in which nothing changes is one. */
static void report_course_table(struct report *report, const struct fleet_course *course)
{
    static const struct report_column seen[] = {
        {NULL, "from", NW_MODEL_SECONDS, false},   {NULL, "to", NW_MODEL_SECONDS, false},
        {NULL, "nodes", NW_MODEL_COUNT, false},    {NULL, NULL, NW_MODEL_COUNT, false},
        {NULL, "cold", NW_MODEL_COUNT, false},     {NULL, "coming", NW_MODEL_COUNT, false},
        {NULL, NULL, NW_MODEL_COUNT, false},       {NULL, "asked", NW_MODEL_PER_S, false},
        {NULL, "served", NW_MODEL_PER_S, false},   {NULL, "refused", NW_MODEL_PER_S, false},
        {NULL, "CPU", NW_MODEL_RATIO, false},      {NULL, "response", NW_MODEL_SECONDS, false},
        {NULL, "database", NW_MODEL_RATIO, false}, {NULL, "cost", NW_MODEL_MONEY, false},
    };
    static const struct report_column named[] = {
        {"from_s", NULL, NW_MODEL_SECONDS, false},
        {"to_s", NULL, NW_MODEL_SECONDS, false},
        {"nodes", NULL, NW_MODEL_COUNT, false},
        {"warm", NULL, NW_MODEL_COUNT, false},
        {"cold", NULL, NW_MODEL_COUNT, false},
        {"coming", NULL, NW_MODEL_COUNT, false},
        {"draining", NULL, NW_MODEL_COUNT, false},
        {"offered_per_s", NULL, NW_MODEL_PER_S, false},
        {"served_per_s", NULL, NW_MODEL_PER_S, false},
        {"refused_per_s", NULL, NW_MODEL_PER_S, false},
        {"cpu_ratio", NULL, NW_MODEL_RATIO, false},
        {"response_s", NULL, NW_MODEL_SECONDS, false},
        {"database_ratio", NULL, NW_MODEL_RATIO, false},
        {"cost", NULL, NW_MODEL_MONEY, false},
    };
    report_table(report, NULL, "The course", seen, NW_COUNT(seen));
    for (size_t i = 0; i < course->row_count;) {
        struct fleet_row row = course->rows[i++];
        while (i < course->row_count && is_alike(&row, &course->rows[i]))
            join(&row, &course->rows[i++]);
        course_row(report, &row);
    }
    report_table(report, "main", NULL, named, NW_COUNT(named));
    for (size_t i = 0; i < course->row_count; i++)
        course_row(report, &course->rows[i]);
}

static void report_changes(struct report *report, const struct fleet_course *course)
{
    static const struct report_column columns[] = {
        {"at_s", "at", NW_MODEL_SECONDS, false},
        {"change", "change", NW_MODEL_COUNT, false},
        {"nodes", "nodes", NW_MODEL_COUNT, false},
        {"reason", "why", NW_MODEL_NUMBER, true},
    };
    if (course->change_count == 0)
        report_line(report, "The rule changed nothing.");
    report_table(report, "changes", "What the rule did", columns, NW_COUNT(columns));
    for (size_t i = 0; i < course->change_count; i++) {
        const struct fleet_change *change = &course->changes[i];
        const struct report_cell cells[] = {
            {.value = change->at_s},
            {.value = (double)change->change},
            {.value = (double)change->nodes},
            {.text = nw_model_scale_reason_name(change->reason)},
        };
        report_row(report, cells, NW_COUNT(cells));
    }
    if (course->changes_left_out > 0)
        report_line(report, "%.0f more changes are not listed.", course->changes_left_out);
}

static struct nw_model_chart chart_of(const char *title, const char *label, nw_model_unit unit)
{
    return (struct nw_model_chart){
        .title = title,
        .x = {.label = "time", .unit = NW_MODEL_SECONDS},
        .y = {.label = label, .unit = unit, .is_from_zero = true},
    };
}

static void chart_add(struct nw_model_chart *chart, const char *name, nw_model_chart_kind kind,
                      const double *x, const double *y, size_t count)
{
    NW_ASSERT(chart->series_count < NW_MODEL_CHART_SERIES_MAX);
    chart->series[chart->series_count++] =
        (struct nw_model_chart_series){.name = name, .kind = kind, .x = x, .y = y, .count = count};
}

static void report_charts(struct report *report, const struct fleet_course *course,
                          struct fleet_charts *charts)
{
    size_t count = course->row_count;
    double paid = 0;
    for (size_t i = 0; i < count; i++) {
        const struct fleet_row *row = &course->rows[i];
        double length_s = row->to_s - row->from_s;
        charts->end_s[i] = row->to_s;
        charts->all[i] = row->warm + row->cold + row->coming + row->draining;
        charts->warm[i] = row->warm;
        charts->offered[i] = row->offered / length_s;
        charts->served[i] = row->served / length_s;
        charts->paid[i] = paid += row->cost;
    }
    charts->nodes = chart_of("Nodes", "nodes", NW_MODEL_COUNT);
    chart_add(&charts->nodes, "paid for", NW_MODEL_CHART_STEP, charts->end_s, charts->all, count);
    chart_add(&charts->nodes, "warm", NW_MODEL_CHART_STEP, charts->end_s, charts->warm, count);
    charts->rate = chart_of("Requests", "per second", NW_MODEL_PER_S);
    chart_add(&charts->rate, "asked", NW_MODEL_CHART_LINE, charts->end_s, charts->offered, count);
    chart_add(&charts->rate, "served", NW_MODEL_CHART_LINE, charts->end_s, charts->served, count);
    charts->cost = chart_of("Cost so far", "cost", NW_MODEL_MONEY);
    chart_add(&charts->cost, NULL, NW_MODEL_CHART_LINE, charts->end_s, charts->paid, count);
    report_chart(report, NULL, &charts->nodes);
    report_chart(report, NULL, &charts->rate);
    report_chart(report, NULL, &charts->cost);
}

void fleet_report_course(struct report *report, const struct fleet_file *file,
                         const struct fleet_course *course, struct fleet_charts *charts)
{
    report_text(report, "file", NULL, file->name);
    report_text(report, "service", NULL, file->service);
    report_text(report, "engine", NULL,
                file->fleet.engine == NW_MODEL_FLEET_EVENT ? "event" : "fluid");
    report_figures(report, file, &course->result);
    report_number(report, "ran_s", "simulated time", course->result.ran_s, NW_MODEL_SECONDS);
    report_number(report, "seed", "seed", (double)file->fleet.seed, NW_MODEL_NUMBER);
    report_warnings(report, file, course);
    report_charts(report, course, charts);
    report_changes(report, course);
    report_course_table(report, course);
}

/* ---- many runs ---- */

static const char *interval_reason(const struct nw_model_interval *interval)
{
    return interval->verdict == NW_MODEL_INTERVAL_TOO_SHORT
               ? "too short for an interval: one run; --runs 2 or more"
               : NULL;
}

static void runs_row(struct report *report, const struct nw_model_interval *interval, int m)
{
    struct nw_text mean = {0}, half = {0};
    bool has_half = interval_reason(interval) == NULL;
    nw_model_unit_print(&mean, interval->mean, measures[m].unit, "");
    if (has_half)
        nw_model_unit_print(&half, interval->half, measures[m].unit, "");
    const struct report_cell cells[] = {{.text = measures[m].label},
                                        {.text = mean.ptr},
                                        {.text = half.ptr, .is_absent = !has_half}};
    report_row(report, cells, NW_COUNT(cells));
    nw_text_done(&mean);
    nw_text_done(&half);
}

void fleet_report_runs(struct report *report, const struct fleet_file *file,
                       const struct fleet_sample *sample, uint64_t seed)
{
    static const struct report_column columns[] = {{NULL, "figure", NW_MODEL_NUMBER, true},
                                                   {NULL, "mean", NW_MODEL_NUMBER, false},
                                                   {NULL, "+- (95%)", NW_MODEL_NUMBER, false}};
    struct nw_model_interval intervals[FLEET_MEASURE_COUNT];
    const char *reason = NULL;
    report_open(report, "over_runs", "Over runs");
    report_number(report, "runs", "runs", (double)sample->count, NW_MODEL_COUNT);
    report_line(report, "Seeds %llu to %llu.", (unsigned long long)seed,
                (unsigned long long)(seed + sample->count - 1));
    for (int m = 0; m < FLEET_MEASURE_COUNT; m++) {
        intervals[m] = nw_model_interval_of(sample->values[m], sample->count);
        reason = interval_reason(&intervals[m]);
        if (m == FLEET_COST && !file->has_cost)
            continue;
        report_open(report, measures[m].name, NULL);
        report_number(report, "mean", NULL, intervals[m].mean, measures[m].unit);
        if (reason != NULL)
            report_absent(report, "half", NULL, reason);
        else
            report_number(report, "half", NULL, intervals[m].half, measures[m].unit);
        report_close(report);
    }
    report_table(report, NULL, NULL, columns, NW_COUNT(columns));
    for (int m = 0; m < FLEET_MEASURE_COUNT; m++)
        if (m != FLEET_COST || file->has_cost)
            runs_row(report, &intervals[m], m);
    if (reason != NULL)
        report_line(report, "No interval: %s.", reason);
    report_close(report);
}

/* ---- files against the first ---- */

struct fleet_measured {
    double first, second, half;
    const char *reason; /* why there is no interval, or NULL */
};

static void compare_measure(struct report *report, const struct fleet_measured *measured, int m)
{
    report_open(report, measures[m].name, NULL);
    report_number(report, "first", NULL, measured->first, measures[m].unit);
    report_number(report, "second", NULL, measured->second, measures[m].unit);
    report_number(report, "difference", NULL, measured->second - measured->first, measures[m].unit);
    if (measured->reason != NULL)
        report_absent(report, "half", NULL, measured->reason);
    else
        report_number(report, "half", NULL, measured->half, measures[m].unit);
    report_close(report);
}

/* The same for people: a row for each figure. */
static void compare_row(struct report *report, const struct fleet_measured *measured, int m)
{
    struct nw_text first = {0}, second = {0}, difference = {0}, half = {0};
    nw_model_unit_print(&first, measured->first, measures[m].unit, "");
    nw_model_unit_print(&second, measured->second, measures[m].unit, "");
    nw_model_unit_print(&difference, measured->second - measured->first, measures[m].unit, "");
    if (measured->reason == NULL)
        nw_model_unit_print(&half, measured->half, measures[m].unit, "");
    const struct report_cell cells[] = {{.text = measures[m].label},
                                        {.text = first.ptr},
                                        {.text = second.ptr},
                                        {.text = difference.ptr},
                                        {.text = half.ptr, .is_absent = half.ptr == NULL}};
    report_row(report, cells, NW_COUNT(cells));
    nw_text_done(&first);
    nw_text_done(&second);
    nw_text_done(&difference);
    nw_text_done(&half);
}

static void compare_file(struct report *report, const struct fleet_sample *base,
                         const struct fleet_sample *other, bool has_chance, bool has_cost)
{
    static const struct report_column columns[] = {{NULL, "figure", NW_MODEL_NUMBER, true},
                                                   {NULL, "first", NW_MODEL_NUMBER, false},
                                                   {NULL, "this", NW_MODEL_NUMBER, false},
                                                   {NULL, "this - first", NW_MODEL_NUMBER, false},
                                                   {NULL, "+- (95%)", NW_MODEL_NUMBER, false}};
    struct fleet_measured measured[FLEET_MEASURE_COUNT];
    const char *reason = NULL;
    for (int m = 0; m < FLEET_MEASURE_COUNT; m++) {
        struct nw_model_interval difference =
            nw_model_interval_paired(other->values[m], base->values[m], base->count);
        measured[m] = (struct fleet_measured){
            .first = nw_model_interval_of(base->values[m], base->count).mean,
            .second = nw_model_interval_of(other->values[m], other->count).mean,
            .half = has_chance ? difference.half : 0, /* nothing is drawn: exact */
            .reason = has_chance ? interval_reason(&difference) : NULL,
        };
        reason = measured[m].reason != NULL ? measured[m].reason : reason;
        if (m != FLEET_COST || has_cost)
            compare_measure(report, &measured[m], m);
    }
    report_table(report, NULL, NULL, columns, NW_COUNT(columns));
    for (int m = 0; m < FLEET_MEASURE_COUNT; m++)
        if (m != FLEET_COST || has_cost)
            compare_row(report, &measured[m], m);
    if (reason != NULL)
        report_line(report, "No interval: %s.", reason);
}

void fleet_report_compare(struct report *report, const struct fleet_file *const *files,
                          const struct fleet_sample *samples, size_t count)
{
    report_text(report, "first_file", "compared with", files[0]->name);
    report_number(report, "runs", "runs of each", (double)samples[0].count, NW_MODEL_COUNT);
    for (size_t i = 1; i < count; i++) {
        bool has_chance = fleet_has_chance(&files[0]->fleet) || fleet_has_chance(&files[i]->fleet);
        struct nw_text name = {0};
        nw_text_addf(&name, "against_%zu", i);
        report_open(report, name.ptr, files[i]->name);
        report_text(report, "file", NULL, files[i]->name);
        report_line(report, has_chance
                                ? "Both met the same seeds; differences with 95 %% intervals."
                                : "Nothing is drawn: the differences are exact.");
        compare_file(report, &samples[0], &samples[i], has_chance,
                     files[0]->has_cost && files[i]->has_cost);
        report_close(report);
        nw_text_done(&name);
    }
}
