/*
 * The pictures of a plan: what growth costs, which step of the staircase comes when, what moves the
 * bill most, and what the margin buys. Only HTML shows them. A report borrows its charts, so they
 * and their numbers lie in the arena of the result.
 */
#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "cmd/plan.h"
#include "model/queueing.h"

enum { GROWTH_POINTS = 49, WAIT_POINTS = 48, TORNADO_ROWS = 12 };

#define GROWTH_MAX 1000.0 /* times the load that was asked about */

static double *numbers(struct nw_arena *arena, size_t count)
{
    return nw_arena_zero(arena, count * sizeof(double) + 1);
}

void plan_add_chart(struct report *report, const struct nw_model_chart *chart,
                    struct nw_arena *arena)
{
    struct nw_model_chart *kept = nw_arena_zero(arena, sizeof *kept);
    *kept = *chart;
    report_chart(report, NULL, kept);
}

/* Nodes and money against growth, on a scale of ratios. What cannot be met is a gap. */
static void add_growth(struct report *report, const struct plan_result *result,
                       struct nw_arena *arena)
{
    struct nw_model_plan_input *input = nw_model_plan_input_copy(result->file->input, arena);
    double now = input->load.growth.value;
    double *x = numbers(arena, GROWTH_POINTS), *nodes = numbers(arena, GROWTH_POINTS);
    double *money = numbers(arena, GROWTH_POINTS);
    for (unsigned i = 0; i < GROWTH_POINTS; i++) {
        struct nw_model_plan plan;
        x[i] = pow(GROWTH_MAX, (double)i / (GROWTH_POINTS - 1));
        input->load.growth.value = now * x[i];
        nw_model_plan_compute(input, arena, NULL, &plan);
        nodes[i] = plan.is_met ? plan.nodes : NAN;
        money[i] = plan.is_met ? plan.cost_month : NAN;
    }
    const struct nw_model_chart_axis growth = {.label = "times this load", .is_log = true};
    const struct nw_model_chart node_chart = {
        .title = "Nodes against growth",
        .x = growth,
        .y = {.label = "nodes", .unit = NW_MODEL_COUNT, .is_log = true},
        .series = {{.kind = NW_MODEL_CHART_STEP, .x = x, .y = nodes, .count = GROWTH_POINTS}},
        .series_count = 1,
    };
    const struct nw_model_chart money_chart = {
        .title = "Money each month against growth",
        .currency = input->load.currency,
        .x = growth,
        .y = {.label = "a month", .unit = NW_MODEL_MONEY, .is_log = true},
        .series = {{.kind = NW_MODEL_CHART_LINE, .x = x, .y = money, .count = GROWTH_POINTS}},
        .series_count = 1,
    };
    plan_add_chart(report, &node_chart, arena);
    plan_add_chart(report, &money_chart, arena);
}

/* At which growth each rung fires, in the order of this application. */
static void add_stairs(struct report *report, const struct plan_result *result,
                       struct nw_arena *arena)
{
    const struct nw_model_stairs *stairs = &result->plan.stairs;
    struct nw_model_chart_row *rows = nw_arena_zero(arena, NW_MODEL_RUNG_COUNT * sizeof *rows);
    for (unsigned i = 0; i < stairs->order_count; i++) {
        double growth = stairs->rungs[stairs->order[i]].growth;
        rows[i] = (struct nw_model_chart_row){
            .label = nw_model_rung_name(stairs->order[i]), .low = growth, .high = growth};
    }
    const struct nw_model_chart chart = {
        .title = "Staircase: at which growth each step is due",
        .what = "1 is this load; what stands on its left is due already.",
        .x = {.label = "times this load", .is_log = true},
        .rows = rows,
        .row_count = stairs->order_count,
        .base = 1,
    };
    if (stairs->order_count > 0)
        plan_add_chart(report, &chart, arena);
}

static const char *shown(struct nw_arena *arena, double value, nw_model_unit unit,
                         const char *currency)
{
    struct nw_text text = {0};
    nw_model_unit_print(&text, value, unit, currency);
    const char *words = nw_arena_string(arena, nw_text_slice(&text));
    nw_text_done(&text);
    return words;
}

/* What the bill does when one input alone moves. */
static void add_tornado(struct report *report, const struct plan_result *result,
                        struct nw_arena *arena)
{
    const struct nw_model_sensitivity *sensitivity = &result->sensitivity;
    const char *currency = result->file->input->load.currency;
    struct nw_model_chart_row *rows = nw_arena_zero(arena, TORNADO_ROWS * sizeof *rows);
    unsigned count = 0;
    for (unsigned i = 0; i < sensitivity->swing_count && count < TORNADO_ROWS; i++) {
        const struct nw_model_swing *swing = &sensitivity->swings[i];
        if (!swing->at_low.is_met || !swing->at_high.is_met)
            continue;
        bool is_rising = swing->at_low.cost_month <= swing->at_high.cost_month;
        const char *at_low = shown(arena, swing->quantity.low, swing->unit, currency);
        const char *at_high = shown(arena, swing->quantity.high, swing->unit, currency);
        rows[count++] = (struct nw_model_chart_row){
            .label = swing->path,
            .low = is_rising ? swing->at_low.cost_month : swing->at_high.cost_month,
            .high = is_rising ? swing->at_high.cost_month : swing->at_low.cost_month,
            .low_note = is_rising ? at_low : at_high,
            .high_note = is_rising ? at_high : at_low,
        };
    }
    const struct nw_model_chart chart = {
        .title = "What moves the bill: one input at a time",
        .currency = currency,
        .x = {.label = "a month", .unit = NW_MODEL_MONEY},
        .rows = rows,
        .row_count = count,
        .base = result->plan.cost_month,
    };
    if (count > 0)
        plan_add_chart(report, &chart, arena);
}

/* How long one in a hundred waits for a free node, against the number of nodes (M/M/c). */
static void add_wait(struct report *report, const struct plan_result *result,
                     struct nw_arena *arena)
{
    const struct nw_model_service *service = &result->file->input->services[0];
    const struct nw_model_plan_service *planned = &result->plan.services[0];
    double serve_per_s = service->node_rate_per_s.value * service->efficiency.value;
    double least = floor(planned->peak_per_s / serve_per_s) + 1;
    double most = fmax(planned->nodes, least + 4);
    double *x = numbers(arena, WAIT_POINTS), *wait_s = numbers(arena, WAIT_POINTS);
    unsigned count = 0;
    if (service->efficiency_kind != NW_MODEL_EFFICIENCY_RATIO || planned->nodes == 0 ||
        most > NW_MODEL_SERVERS_MAX)
        return;
    for (unsigned i = 0; i < WAIT_POINTS; i++) {
        struct nw_model_mmc mmc;
        double nodes = round(least + (most - least) * i / (WAIT_POINTS - 1));
        if (count > 0 && nodes == x[count - 1])
            continue;
        if (nw_model_mmc_solve((uint64_t)nodes, planned->peak_per_s, serve_per_s, &mmc) !=
            NW_MODEL_QUEUE_STEADY)
            continue;
        x[count] = nodes;
        wait_s[count++] = nw_model_mmc_wait_s_quantile(&mmc, 0.99);
    }
    const struct nw_model_chart chart = {
        .title = "What the margin buys: wait for a free node at peak, p99",
        .what = "Poisson arrivals, exponential service; beside the time of the work itself.",
        .x = {.label = "nodes", .unit = NW_MODEL_COUNT},
        .y = {.label = "wait", .unit = NW_MODEL_SECONDS, .is_from_zero = true},
        .series = {{.kind = NW_MODEL_CHART_LINE, .x = x, .y = wait_s, .count = count}},
        .series_count = 1,
        .rules = {{.label = "needed", .at = planned->nodes_needed, .is_on_x = true}},
        .rule_count = 1,
    };
    if (count > 1)
        plan_add_chart(report, &chart, arena);
}

void plan_charts(struct report *report, const struct plan_result *result, struct nw_arena *arena)
{
    add_growth(report, result, arena);
    add_stairs(report, result, arena);
    add_tornado(report, result, arena);
    add_wait(report, result, arena);
}
