/*
 * k of n is a binomial tail. Its terms are taken relative to the largest one, by the ratio of
 * neighbours, and divided by the sum of all: no factorial, no logarithm of one (which for a million
 * nodes would lose eight digits), and a few standard deviations of terms instead of n.
 */
#include "model/nines.h"

#include <math.h>

#include "base/assert.h"

/* More nodes than this are judged by the law of large numbers. */
#define SUMMED_MAX 1e9

static double year_s(void)
{
    return NW_MODEL_YEAR_H * 3600;
}

struct nw_model_downtime nw_model_nines_downtime(double availability)
{
    NW_ASSERT(availability >= 0 && availability <= 1);
    double away = 1 - availability;
    return (struct nw_model_downtime){
        .year_s = away * year_s(),
        .month_s = away * NW_MODEL_MONTH_H * 3600,
        .week_s = away * 7 * NW_MODEL_DAY_S,
    };
}

double nw_model_nines_series(const double *availability, size_t count)
{
    double all = 1;
    for (size_t i = 0; i < count; i++) {
        NW_ASSERT(availability[i] >= 0 && availability[i] <= 1);
        all *= availability[i];
    }
    return all;
}

double nw_model_nines_parallel(const double *availability, size_t count)
{
    double none = 1;
    for (size_t i = 0; i < count; i++) {
        NW_ASSERT(availability[i] >= 0 && availability[i] <= 1);
        none *= 1 - availability[i];
    }
    return 1 - none;
}

/* The chance that at most `allowed` of `count` fail, each with chance `away` in (0, 1). */
static double at_most(double allowed, double count, double away)
{
    double odds = away / (1 - away), mode = floor((count + 1) * away);
    if (mode > count)
        mode = count;
    double all = 1, within = mode <= allowed ? 1 : 0, weight = 1;
    for (double i = mode; i < count && weight > 0; i++) {
        weight *= (count - i) / (i + 1) * odds;
        all += weight;
        if (i + 1 <= allowed)
            within += weight;
        if (weight < 1e-20 * all)
            break;
    }
    weight = 1;
    for (double i = mode; i > 0 && weight > 0; i--) {
        weight *= i / ((count - i + 1) * odds);
        all += weight;
        if (i - 1 <= allowed)
            within += weight;
        if (weight < 1e-20 * all && i - 1 <= allowed)
            break;
    }
    return within / all;
}

double nw_model_nines_of(double availability, double needed, double count, double common_cause)
{
    NW_ASSERT(availability >= 0 && availability <= 1 && common_cause >= 0 && common_cause <= 1);
    NW_ASSERT(needed >= 0 && needed <= count);
    NW_ASSERT(needed == floor(needed) && count == floor(count));
    double away = 1 - availability;
    double alone = away * (1 - common_cause), together = away * common_cause;
    if (needed == 0)
        return 1;
    if (alone <= 0)
        return 1 - together;
    if (alone >= 1)
        return 0;
    if (count > SUMMED_MAX) /* the spread is under 1e-5 of the count: by the mean */
        return nw_model_is_above(needed, count * (1 - alone)) ? 0 : 1 - together;
    return (1 - together) * at_most(count - needed, count, alone);
}

double nw_model_nines_repair(double mtbf_s, double mttr_s)
{
    NW_ASSERT(mtbf_s >= 0 && mttr_s >= 0 && mtbf_s + mttr_s > 0);
    return mtbf_s / (mtbf_s + mttr_s);
}

double nw_model_nines_error_window_s(double target, double error_share, double period_s)
{
    NW_ASSERT(target >= 0 && target <= 1 && error_share >= 0 && period_s >= 0);
    double away = 1 - target;
    return away >= error_share ? period_s : away / error_share * period_s;
}

static void show_allowed(const struct nw_model_nines_in *in, const struct nw_model_nines *out,
                         struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "allowed_year_s"),
                   .label = "Nines",
                   .formula = "(1 - {0}) x {1} h",
                   .operands = {nw_model_operand("target", NW_MODEL_RATIO, in->target),
                                nw_model_operand_derived("8,760", NW_MODEL_COUNT, NW_MODEL_YEAR_H)},
                   .operand_count = 2,
                   .exact = out->allowed.year_s,
                   .unit = NW_MODEL_SECONDS,
                   .what = "away each year by the target",
               });
}

/* "0.99 x 0.999", as long as the parts fit a step. */
static void show_series(const struct nw_model_nines_in *in, const struct nw_model_nines *out,
                        struct nw_model_steps *steps)
{
    struct nw_model_step step = {
        .path = nw_model_steps_path(steps, in->at, "series"),
        .exact = out->availability,
        .unit = NW_MODEL_RATIO,
        .what = out->is_met ? "in series, if they fail independently: met"
                            : "in series, if they fail independently: missed",
    };
    struct nw_text formula = {0};
    for (unsigned i = 0; i < in->part_count && in->part_count <= NW_MODEL_OPERANDS_MAX; i++) {
        nw_text_addf(&formula, "%s{%u}", i ? " x " : "", i);
        step.operands[step.operand_count++] =
            nw_model_operand(in->parts[i].name, NW_MODEL_RATIO, in->parts[i].availability);
    }
    step.formula = formula.len ? nw_model_steps_text(steps, "%s", formula.ptr) : NULL;
    nw_text_done(&formula);
    nw_model_steps_add(steps, &step);
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "downtime_year_s"),
            .formula = "(1 - {0}) x {1} h",
            .operands = {nw_model_operand_derived("series", NW_MODEL_RATIO, out->availability),
                         nw_model_operand_derived("8,760", NW_MODEL_COUNT, NW_MODEL_YEAR_H)},
            .operand_count = 2,
            .exact = out->downtime.year_s,
            .unit = NW_MODEL_SECONDS,
            .what = "away each year",
        });
}

struct nw_model_nines nw_model_nines_judge(const struct nw_model_nines_in *in,
                                           struct nw_model_steps *steps)
{
    struct nw_model_nines out = {.availability = 1, .weakest_index = -1, .best = 1};
    for (unsigned i = 0; i < in->part_count; i++) {
        double part = in->parts[i].availability.value;
        out.availability *= nw_model_nines_series(&part, 1);
        if (out.weakest_index < 0 || part < out.best) {
            out.best = part;
            out.weakest_index = (int)i;
        }
    }
    out.downtime = nw_model_nines_downtime(out.availability);
    out.allowed = nw_model_nines_downtime(in->target.value);
    out.is_met = !nw_model_is_above(in->target.value, out.availability);
    if (steps) {
        show_allowed(in, &out, steps);
        if (in->part_count > 0)
            show_series(in, &out, steps);
    }
    return out;
}

double nw_model_nines_fleet(const struct nw_model_nines_fleet_in *in, struct nw_model_steps *steps)
{
    double together = in->common_cause.value;
    double availability = nw_model_nines_of(in->node.value, nw_model_ceil(in->needed.value),
                                            floor(in->nodes.value), together);
    if (steps)
        nw_model_steps_add(
            steps,
            &(struct nw_model_step){
                .path = nw_model_steps_path(steps, in->at, "availability"),
                .formula = together > 0 ? "{0} of {1} nodes at {2}, {3} of failures together"
                                        : "{0} of {1} nodes at {2}",
                .operands = {nw_model_operand("needed", NW_MODEL_COUNT, in->needed),
                             nw_model_operand("all", NW_MODEL_COUNT, in->nodes),
                             nw_model_operand("what one is up", NW_MODEL_RATIO, in->node),
                             nw_model_operand("common_cause", NW_MODEL_RATIO, in->common_cause)},
                .operand_count = together > 0 ? 4 : 3,
                .exact = availability,
                .unit = NW_MODEL_RATIO,
                .what = together > 0 ? "of the time" : "of the time, if they fail independently",
            });
    return availability;
}
