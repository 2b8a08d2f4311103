/*
 * The report of a queue simulation: what came, what became of it in each group, how long it waited
 * and when it was over; for many runs the spread of these, for two scenarios their difference.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/sim_queue.h"
#include "model/queueing.h"

static const char *const shapes[] = {"even", "poisson", "burst", "front", "on-off", "trace"};
static const char *const fulls[] = {"refuse", "drop-oldest", "drop-newest", "shed-low", "block"};

static struct report_cell number(double value)
{
    return (struct report_cell){.value = value};
}

static struct report_cell text(const char *value)
{
    return (struct report_cell){.text = value};
}

static bool is_fluid(const struct sim_queue *sim)
{
    return sim->top.engine == 1;
}

/* Does chance play a part at all? */
static bool has_chance(const struct sim_queue *sim)
{
    const struct nw_model_queue_spec *spec = &sim->spec;
    bool has = spec->shape == NW_MODEL_SHAPE_POISSON || spec->shape == NW_MODEL_SHAPE_ON_OFF ||
               spec->low_ratio > 0;
    for (size_t g = 0; g < spec->group_count; g++) {
        const struct nw_model_queue_group *group = &spec->groups[g];
        has |= group->service.law == NW_MODEL_LAW_EXPONENTIAL || group->fail_ratio > 0 ||
               (group->service.law == NW_MODEL_LAW_LOGNORMAL && group->service.cv > 0);
    }
    return has && !is_fluid(sim);
}

/* ---- what came ---- */

static void add_arrivals(struct report *report, const struct sim_queue *sim)
{
    const struct nw_model_queue_spec *spec = &sim->spec;
    report_open(report, "arrivals", "Arrivals");
    report_text(report, "engine", "engine", is_fluid(sim) ? "fluid" : "event");
    report_text(report, "shape", "shape", shapes[spec->shape]);
    report_number(report, "messages", "messages", (double)spec->count, NW_MODEL_COUNT);
    report_number(report, "over_s", "over", spec->over_s, NW_MODEL_SECONDS);
    if (spec->over_s > 0)
        report_number(report, "rate_per_s", "mean rate", (double)spec->count / spec->over_s,
                      NW_MODEL_PER_S);
    if (spec->shape == NW_MODEL_SHAPE_FRONT)
        report_number(report, "front_s", "all within", spec->front_s, NW_MODEL_SECONDS);
    if (spec->shape == NW_MODEL_SHAPE_BURST)
        report_number(report, "burst", "at a time", (double)spec->burst_count, NW_MODEL_COUNT);
    if (spec->backlog > 0)
        report_number(report, "backlog", "wait already", (double)spec->backlog, NW_MODEL_COUNT);
    if (spec->low_ratio > 0)
        report_number(report, "low_ratio", "low messages", spec->low_ratio, NW_MODEL_RATIO);
    report_number(report, "depth_max", "depth bound", (double)spec->depth_max, NW_MODEL_COUNT);
    report_text(report, "full", "when full", fulls[spec->full]);
    if (spec->ttl_s > 0)
        report_number(report, "ttl_s", "time to live", spec->ttl_s, NW_MODEL_SECONDS);
    if (has_chance(sim))
        report_number(report, "seed", "seed", (double)sim->top.seed, NW_MODEL_COUNT);
    if (sim->bad_count > 0)
        report_number(report, "bad", "lines that cannot be read", (double)sim->bad_count,
                      NW_MODEL_COUNT);
    report_close(report);
}

/* ---- what became of it ---- */

static void add_count(struct report *report, const char *name, const char *label, double count,
                      bool is_always)
{
    report_number(report, name, count > 0 || is_always ? label : NULL, count, NW_MODEL_COUNT);
}

static void add_times(struct report *report, double last_s, bool is_empty, bool is_behind,
                      bool is_caught_up, double after_s)
{
    if (is_empty)
        report_number(report, "empty_s", "all settled after", last_s, NW_MODEL_SECONDS);
    else
        report_absent(report, "empty_s", "all settled after", "not-played-to-its-end");
    if (is_behind && is_caught_up)
        report_number(report, "catch_up_s", "caught up in", after_s, NW_MODEL_SECONDS);
    else if (is_behind)
        report_absent(report, "catch_up_s", "caught up in", "never");
}

static void add_alarm(struct report *report, const struct nw_model_queue_group *group,
                      bool is_alarmed, double alarm_s)
{
    if (group->alarm_s <= 0)
        return;
    if (is_alarmed)
        report_number(report, "alarm_s", "alarm at", alarm_s, NW_MODEL_SECONDS);
    else
        report_absent(report, "alarm_s", NULL, "not-raised");
}

static double mean_s(const struct nw_model_service_law *law)
{
    double sum_s = 0;
    if (law->law != NW_MODEL_LAW_LIST)
        return law->mean_s;
    for (size_t i = 0; i < law->list_count; i++)
        sum_s += law->list_s[i];
    return sum_s / (double)law->list_count;
}

/* Work that comes in a second while messages arrive, in workers; 0 where that says nothing. */
static double offered(const struct sim_queue *sim, const struct nw_model_queue_group *group)
{
    double attempts = 0, left = 1;
    for (uint32_t i = 0; i < group->attempt_max; i++, left *= group->fail_ratio)
        attempts += left;
    if (sim->spec.over_s <= 0 || sim->spec.shape == NW_MODEL_SHAPE_FRONT)
        return 0;
    return (double)sim->spec.count / sim->spec.over_s * mean_s(&group->service) * attempts;
}

/* A steady state is there to be known: random, no outage, no start behind. */
static bool is_steady(const struct sim_queue *sim, const struct nw_model_queue_group *group)
{
    double load = offered(sim, group);
    return has_chance(sim) && load > 0 && load < group->workers && group->outage_count == 0 &&
           sim->spec.backlog == 0 && sim->spec.shape != NW_MODEL_SHAPE_TRACE;
}

static void add_long_run(struct report *report, const struct sim_queue *sim, size_t index)
{
    const struct nw_model_queue_spec *spec = &sim->spec;
    const struct nw_model_queue_group *group = &spec->groups[index];
    const struct nw_model_interval *wait = &sim->seen[index].wait;
    struct nw_model_mmc mmc;
    if (!is_steady(sim, group))
        return;
    report_open(report, "long_run", "Mean wait in the long run");
    if (wait->verdict == NW_MODEL_INTERVAL_OK) {
        report_number(report, "wait_s_mean", "mean", wait->mean, NW_MODEL_SECONDS);
        report_number(report, "wait_s_half", "95 % interval: +-", wait->half, NW_MODEL_SECONDS);
        report_number(report, "cut", "left out at the start", (double)wait->cut_count,
                      NW_MODEL_COUNT);
    } else {
        report_absent(report, "wait_s_mean", "mean", "too-short");
        report_number(report, "longer", NULL, wait->longer, NW_MODEL_NUMBER);
        report_line(report,
                    "The run is too short for an interval: play about %.0f times as many messages "
                    "(--arrive and --over).",
                    wait->longer);
    }
    if (spec->shape == NW_MODEL_SHAPE_POISSON && spec->ttl_s <= 0 && group->fail_ratio <= 0 &&
        group->service.law == NW_MODEL_LAW_EXPONENTIAL &&
        nw_model_mmc_solve(group->workers, (double)spec->count / spec->over_s,
                           1 / group->service.mean_s, &mmc) == NW_MODEL_QUEUE_STEADY)
        report_number(report, "theory_wait_s_mean", "closed form (M/M/c)", mmc.wait_s,
                      NW_MODEL_SECONDS);
    report_close(report);
}

static void add_waits(struct report *report, const struct sim_queue *sim,
                      const struct nw_model_queue_seen *seen)
{
    if (sim->spec.full == NW_MODEL_FULL_BLOCK) {
        report_number(report, "blocked_peak", "most at the door", (double)seen->blocked_peak,
                      NW_MODEL_COUNT);
        report_number(report, "block_s_mean", "at the door: mean", seen->block_s_mean,
                      NW_MODEL_SECONDS);
        report_number(report, "block_s_max", "at the door: longest", seen->block_s_max,
                      NW_MODEL_SECONDS);
    }
    report_number(report, "wait_s_mean", "wait: mean", seen->wait_s_mean, NW_MODEL_SECONDS);
    report_number(report, "wait_s_p50", "wait: p50", seen->wait_s_p50, NW_MODEL_SECONDS);
    report_number(report, "wait_s_p99", "wait: p99", seen->wait_s_p99, NW_MODEL_SECONDS);
    report_number(report, "wait_s_max", "wait: longest", seen->wait_s_max, NW_MODEL_SECONDS);
    report_number(report, "stay_s_p50", "done after: p50", seen->stay_s_p50, NW_MODEL_SECONDS);
    report_number(report, "stay_s_p99", "done after: p99", seen->stay_s_p99, NW_MODEL_SECONDS);
    report_number(report, "stay_s_max", "done after: longest", seen->stay_s_max, NW_MODEL_SECONDS);
}

static void add_group(struct report *report, const struct sim_queue *sim, size_t index)
{
    const struct nw_model_queue_seen *seen = &sim->seen[index];
    const struct nw_model_queue_counts *counts = &seen->counts;
    const struct nw_model_queue_group *group = &sim->spec.groups[index];
    double inside = (double)(counts->blocked + counts->waiting + counts->serving);
    add_count(report, "arrived", "arrived", (double)counts->arrived, true);
    add_count(report, "done", "done", (double)counts->done, true);
    add_count(report, "refused", "refused", (double)counts->refused, false);
    add_count(report, "dropped", "dropped", (double)counts->dropped, false);
    add_count(report, "dead", "dead: attempts used up", (double)counts->dead, false);
    add_count(report, "expired", "expired", (double)counts->expired, false);
    add_count(report, "lost", NULL,
              (double)(counts->refused + counts->dropped + counts->dead + counts->expired), false);
    add_count(report, "inside", "still there", inside, false);
    add_count(report, "retried", "attempts beyond the first", (double)seen->retried, false);
    report_number(report, "depth_peak", "peak, with in service", (double)seen->depth_peak,
                  NW_MODEL_COUNT);
    report_number(report, "waiting_peak", "peak, only waiting", (double)seen->waiting_peak,
                  NW_MODEL_COUNT);
    report_number(report, "depth_peak_s", "peak reached at", seen->depth_peak_s, NW_MODEL_SECONDS);
    report_number(report, "depth_mean", "mean depth", seen->depth_mean, NW_MODEL_NUMBER);
    report_number(report, "busy_ratio", "workers busy", seen->serving_mean / group->workers,
                  NW_MODEL_RATIO);
    add_waits(report, sim, seen);
    add_times(report, seen->empty_s, inside <= 0, sim->spec.backlog > 0 || group->outage_count > 0,
              seen->is_caught_up, seen->caught_up_s - seen->caught_up_from_s);
    add_alarm(report, group, seen->is_alarmed, seen->alarm_s);
    add_long_run(report, sim, index);
}

static void add_flow(struct report *report, const struct sim_queue *sim, size_t index)
{
    const struct nw_model_queue_flow *flow = &sim->flows[index];
    const struct nw_model_queue_group *group = &sim->spec.groups[index];
    add_count(report, "arrived", "arrived", flow->arrived, true);
    add_count(report, "done", "done", flow->done, true);
    add_count(report, "refused", "refused", flow->refused, false);
    add_count(report, "dropped", "dropped", flow->dropped, false);
    add_count(report, "dead", "dead: attempts used up", flow->dead, false);
    add_count(report, "expired", "expired", flow->expired, false);
    add_count(report, "lost", NULL, flow->refused + flow->dropped + flow->dead + flow->expired,
              false);
    report_number(report, "depth_peak", "peak depth", flow->depth_peak, NW_MODEL_COUNT);
    report_number(report, "depth_peak_s", "peak reached at", flow->depth_peak_s, NW_MODEL_SECONDS);
    if (sim->spec.full == NW_MODEL_FULL_BLOCK)
        report_number(report, "blocked_peak", "most at the door", flow->blocked_peak,
                      NW_MODEL_COUNT);
    report_number(report, "wait_s_mean", "wait: mean", flow->wait_s_mean, NW_MODEL_SECONDS);
    report_number(report, "wait_s_max", "wait: longest", flow->wait_s_max, NW_MODEL_SECONDS);
    add_times(report, flow->empty_s, true, sim->spec.backlog > 0 || group->outage_count > 0,
              flow->is_caught_up, flow->caught_up_s - flow->caught_up_from_s);
    add_alarm(report, group, flow->is_alarmed, flow->alarm_s);
}

/* ---- all groups ---- */

static const struct report_column main_columns[] = {
    {"scenario", "scenario", NW_MODEL_NUMBER, true},
    {"group", "group", NW_MODEL_NUMBER, true},
    {"done", "done", NW_MODEL_COUNT, false},
    {"lost", "lost", NW_MODEL_COUNT, false},
    {"depth_peak", "peak depth", NW_MODEL_COUNT, false},
    {"wait_s_mean", "wait: mean", NW_MODEL_SECONDS, false},
    {"wait_s_p99", "wait: p99", NW_MODEL_SECONDS, false},
    {"wait_s_max", "wait: longest", NW_MODEL_SECONDS, false},
    {"empty_s", "settled after", NW_MODEL_SECONDS, false},
};

/* The file's name without its folders. */
static const char *short_name(const struct sim_queue *sim)
{
    const char *slash = strrchr(sim->name, '/');
    return slash != NULL ? slash + 1 : sim->name;
}

static void add_row(struct report *report, const struct sim_queue *sim, size_t index)
{
    struct report_cell cells[NW_COUNT(main_columns)] = {text(short_name(sim)),
                                                        text(sim->group_names[index])};
    if (is_fluid(sim)) {
        const struct nw_model_queue_flow *flow = &sim->flows[index];
        cells[2] = number(flow->done);
        cells[3] = number(flow->refused + flow->dropped + flow->dead + flow->expired);
        cells[4] = number(flow->depth_peak);
        cells[5] = number(flow->wait_s_mean);
        cells[6] = (struct report_cell){.is_absent = true};
        cells[7] = number(flow->wait_s_max);
        cells[8] = number(flow->empty_s);
    } else {
        const struct nw_model_queue_seen *seen = &sim->seen[index];
        const struct nw_model_queue_counts *counts = &seen->counts;
        cells[2] = number((double)counts->done);
        cells[3] =
            number((double)(counts->refused + counts->dropped + counts->dead + counts->expired));
        cells[4] = number((double)seen->depth_peak);
        cells[5] = number(seen->wait_s_mean);
        cells[6] = number(seen->wait_s_p99);
        cells[7] = number(seen->wait_s_max);
        cells[8] = number(seen->empty_s);
        cells[8].is_absent = counts->blocked + counts->waiting + counts->serving > 0;
    }
    report_row(report, cells, NW_COUNT(main_columns));
}

static void add_chart(struct report *report, struct sim_queue *sim)
{
    size_t groups = sim->spec.group_count;
    struct nw_model_chart *chart = &sim->charts[0];
    sim->points = nw_alloc_array(2 * groups * NW_MODEL_QUEUE_BINS, sizeof *sim->points);
    *chart = (struct nw_model_chart){
        .title = "Depth over time",
        .what = "The largest number of unsettled messages within each stretch of time.",
        .x = {.label = "time", .unit = NW_MODEL_SECONDS},
        .y = {.label = "messages", .unit = NW_MODEL_COUNT, .is_from_zero = true}};
    for (size_t g = 0; g < groups && g < NW_MODEL_CHART_SERIES_MAX; g++) {
        const struct nw_model_queue_seen *seen = &sim->seen[g];
        double *x = sim->points + 2 * g * NW_MODEL_QUEUE_BINS, *y = x + NW_MODEL_QUEUE_BINS;
        for (uint32_t i = 0; i < seen->bin_count; i++) {
            x[i] = i * seen->bin_s;
            y[i] = seen->bins[i];
        }
        chart->series[chart->series_count++] =
            (struct nw_model_chart_series){.name = groups > 1 ? sim->group_names[g] : NULL,
                                           .kind = NW_MODEL_CHART_STEP,
                                           .x = x,
                                           .y = y,
                                           .count = seen->bin_count};
    }
    report_chart(report, "depth", chart);
}

static void say_growth(struct report *report, const struct sim_queue *sim)
{
    for (size_t g = 0; g < sim->spec.group_count; g++) {
        const struct nw_model_queue_group *group = &sim->spec.groups[g];
        double load = offered(sim, group);
        if (load > group->workers)
            report_line(report,
                        "%s: more comes than %u workers do: while messages arrive the backlog "
                        "grows by %.4g a second.",
                        sim->group_names[g], group->workers,
                        (double)sim->spec.count / sim->spec.over_s * (1 - group->workers / load));
    }
}

static void add_scenario(struct report *report, struct sim_queue *sim)
{
    char heading[128];
    add_arrivals(report, sim);
    report_open(report, "groups", NULL);
    for (size_t g = 0; g < sim->spec.group_count; g++) {
        snprintf(heading, sizeof heading, "Group %s", sim->group_names[g]);
        report_open(report, sim->group_names[g], heading);
        if (is_fluid(sim))
            add_flow(report, sim, g);
        else
            add_group(report, sim, g);
        report_close(report);
    }
    report_close(report);
    say_growth(report, sim);
    if (!is_fluid(sim))
        add_chart(report, sim);
}

/* ---- many runs, two scenarios ---- */

static const struct {
    const char *name;
    const char *label;
    nw_model_unit unit;
} figure_names[SIM_QUEUE_FIGURE_COUNT] = {
    [SIM_QUEUE_DONE] = {"done", "done", NW_MODEL_COUNT},
    [SIM_QUEUE_LOST] = {"lost", "lost", NW_MODEL_COUNT},
    [SIM_QUEUE_DEPTH_PEAK] = {"depth_peak", "peak depth", NW_MODEL_COUNT},
    [SIM_QUEUE_WAIT_MEAN] = {"wait_s_mean", "wait: mean", NW_MODEL_SECONDS},
    [SIM_QUEUE_WAIT_P99] = {"wait_s_p99", "wait: p99", NW_MODEL_SECONDS},
    [SIM_QUEUE_EMPTY] = {"empty_s", "settled after", NW_MODEL_SECONDS},
};

/* One figure over the runs, or of the difference where there are two scenarios. */
static void add_spread(struct report *report, const char *group, sim_queue_figure figure,
                       const struct nw_model_interval *interval, double low, double high)
{
    nw_model_unit unit = figure_names[figure].unit;
    report_open(report, figure_names[figure].name, NULL);
    report_number(report, "mean", NULL, interval->mean, unit);
    report_number(report, "half", NULL, interval->half, unit);
    report_number(report, "low", NULL, low, unit);
    report_number(report, "high", NULL, high, unit);
    report_close(report);
}

static void spread_row(struct report *report, const char *group, sim_queue_figure figure,
                       const struct nw_model_interval *interval, double low, double high)
{
    const double values[] = {interval->mean, interval->half, low, high};
    struct nw_text words[NW_COUNT(values)] = {0};
    struct report_cell cells[2 + NW_COUNT(values)] = {text(group),
                                                      text(figure_names[figure].label)};
    for (size_t i = 0; i < NW_COUNT(values); i++) {
        nw_model_unit_print(&words[i], values[i], figure_names[figure].unit, NULL);
        cells[2 + i] = text(words[i].ptr);
    }
    report_row(report, cells, NW_COUNT(cells));
    for (size_t i = 0; i < NW_COUNT(values); i++)
        nw_text_done(&words[i]);
}

/* All of one group: named numbers for machines, or rows for people. */
static void add_figures(struct report *report, const struct sim_queue *sim, size_t group,
                        double *sorted, bool is_seen)
{
    size_t count = sim->runs_done;
    for (int f = 0; f < SIM_QUEUE_FIGURE_COUNT; f++) {
        const double *values = sim_queue_figures(sim, (sim_queue_figure)f, group);
        struct nw_model_interval interval = nw_model_interval_of(values, count);
        for (size_t i = 0; i < count; i++)
            sorted[i] = values[i];
        nw_model_values_sort(sorted, count);
        double low = nw_model_values_quantile(sorted, count, 0.025);
        double high = nw_model_values_quantile(sorted, count, 0.975);
        if (is_seen)
            spread_row(report, sim->group_names[group], (sim_queue_figure)f, &interval, low, high);
        else
            add_spread(report, sim->group_names[group], (sim_queue_figure)f, &interval, low, high);
    }
}

static void add_runs(struct report *report, const struct sim_queue *sim)
{
    static const struct report_column columns[] = {
        {NULL, "group", NW_MODEL_NUMBER, true},     {NULL, "figure", NW_MODEL_NUMBER, true},
        {NULL, "mean", NW_MODEL_NUMBER, false},     {NULL, "+- (95%)", NW_MODEL_NUMBER, false},
        {NULL, "95% from", NW_MODEL_NUMBER, false}, {NULL, "to", NW_MODEL_NUMBER, false},
    };
    size_t count = sim->runs_done;
    if (sim->runs < 2 || count < 2)
        return;
    double *sorted = nw_alloc_array(count, sizeof *sorted);
    report_open(report, "runs", "All runs");
    report_number(report, "count", "runs", (double)count, NW_MODEL_COUNT);
    for (size_t g = 0; g < sim->spec.group_count; g++) {
        report_open(report, sim->group_names[g], NULL);
        add_figures(report, sim, g, sorted, false);
        report_close(report);
    }
    report_table(report, NULL, NULL, columns, NW_COUNT(columns));
    for (size_t g = 0; g < sim->spec.group_count; g++)
        add_figures(report, sim, g, sorted, true);
    report_close(report);
    report_line(report,
                "Of 100 runs 95 are between the last two columns. What stands above is the "
                "first of %zu runs, seed %llu.",
                count, (unsigned long long)sim->top.seed);
    nw_free(sorted);
}

/* For machines the name and base units, for people the words and a unit that fits the size. */
static void difference_row(struct report *report, const struct sim_queue *sims, size_t group,
                           sim_queue_figure figure, size_t count, bool is_seen)
{
    const double *a = sim_queue_figures(&sims[0], figure, group);
    const double *b = sim_queue_figures(&sims[1], figure, group);
    struct nw_model_interval difference = nw_model_interval_paired(b, a, count);
    const double values[] = {nw_model_interval_of(a, count).mean,
                             nw_model_interval_of(b, count).mean, difference.mean, difference.half};
    struct nw_text words[NW_COUNT(values)] = {0};
    struct report_cell cells[2 + NW_COUNT(values)] = {
        text(sims[0].group_names[group]),
        text(is_seen ? figure_names[figure].label : figure_names[figure].name)};
    for (size_t i = 0; i < NW_COUNT(values); i++) {
        nw_model_unit_print(&words[i], values[i], figure_names[figure].unit, NULL);
        cells[2 + i] = is_seen ? text(words[i].ptr) : number(values[i]);
    }
    report_row(report, cells, NW_COUNT(cells));
    for (size_t i = 0; i < NW_COUNT(values); i++)
        nw_text_done(&words[i]);
}

static void add_difference(struct report *report, const struct sim_queue *sims)
{
    static const struct report_column columns[] = {
        {"group", NULL, NW_MODEL_NUMBER, true},       {"figure", NULL, NW_MODEL_NUMBER, true},
        {"first", NULL, NW_MODEL_NUMBER, false},      {"second", NULL, NW_MODEL_NUMBER, false},
        {"difference", NULL, NW_MODEL_NUMBER, false}, {"half", NULL, NW_MODEL_NUMBER, false},
    };
    static const struct report_column seen[] = {
        {NULL, "group", NW_MODEL_NUMBER, true},
        {NULL, "figure", NW_MODEL_NUMBER, true},
        {NULL, "first", NW_MODEL_NUMBER, false},
        {NULL, "second", NW_MODEL_NUMBER, false},
        {NULL, "second - first", NW_MODEL_NUMBER, false},
        {NULL, "+- (95%)", NW_MODEL_NUMBER, false},
    };
    size_t count = sims[0].runs_done < sims[1].runs_done ? sims[0].runs_done : sims[1].runs_done;
    size_t groups = sims[0].spec.group_count;
    if (count < 2)
        return;
    if (groups > sims[1].spec.group_count)
        groups = sims[1].spec.group_count;
    report_table(report, "difference", NULL, columns, NW_COUNT(columns));
    for (size_t g = 0; g < groups; g++)
        for (int f = 0; f < SIM_QUEUE_FIGURE_COUNT; f++)
            difference_row(report, sims, g, (sim_queue_figure)f, count, false);
    report_table(report, NULL, "Difference", seen, NW_COUNT(seen));
    for (size_t g = 0; g < groups; g++)
        for (int f = 0; f < SIM_QUEUE_FIGURE_COUNT; f++)
            difference_row(report, sims, g, (sim_queue_figure)f, count, true);
    report_line(report,
                "%zu runs of each under the same seeds, so that chance that both share cancels. "
                "A difference within its interval may be none.",
                count);
}

static void mark_missing(struct report *report, const struct sim_queue *sim)
{
    char why[200];
    if (sim->is_cut) {
        snprintf(why, sizeof why,
                 "the trace is cut off at byte %llu; the figures are those of the %llu messages "
                 "before it",
                 (unsigned long long)sim->cut_offset, (unsigned long long)sim->spec.count);
        report_mark_incomplete(report, why);
    } else if (sim->is_stopped) {
        snprintf(why, sizeof why, "interrupted in run %zu of %zu", sim->runs_done + 1, sim->runs);
        report_mark_incomplete(report, why);
    } else if (sim->is_out_of_memory) {
        report_mark_incomplete(report, "more than 33 million messages wait at once");
    }
}

struct report *sim_queue_report(struct sim_queue *sims, size_t count)
{
    struct report *report = report_new("newel.sim.queue/1", "Queue");
    for (size_t i = 0; i < count; i++)
        mark_missing(report, &sims[i]);
    report_table(report, "main", "At a glance", main_columns, NW_COUNT(main_columns));
    for (size_t i = 0; i < count; i++)
        for (size_t g = 0; g < sims[i].spec.group_count; g++)
            if (sims[i].seen != NULL || is_fluid(&sims[i]))
                add_row(report, &sims[i], g);
    if (count == 1) {
        add_scenario(report, &sims[0]);
        add_runs(report, &sims[0]);
        return report;
    }
    add_difference(report, sims);
    for (size_t i = 0; i < count; i++) {
        if (sims[i].seen == NULL)
            continue;
        report_open(report, i == 0 ? "first" : "second", sims[i].name);
        add_scenario(report, &sims[i]);
        report_close(report);
    }
    return report;
}
