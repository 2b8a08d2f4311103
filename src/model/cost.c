/*
 * Money is machines times hours; the rest is comparison. A day under autoscaling needs a shape, and
 * has that of day.h.
 */
#include "model/cost.h"

#include <math.h>

#include "base/assert.h"
#include "model/day.h"

static double month_of(double per_h)
{
    return per_h * NW_MODEL_MONTH_H;
}

static struct nw_model_operand month_operand(void)
{
    return (struct nw_model_operand){"730", NW_MODEL_MONTH_H, NW_MODEL_COUNT, NW_MODEL_ASSUMED};
}

static void show_line(const struct nw_model_cost_line *line, struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, line->name, "cost_month"),
                   .label = line->name,
                   .formula = line->reason ? NULL : "{0} x {1} x {2} h",
                   .operands = {nw_model_operand("machines", NW_MODEL_COUNT, line->count),
                                nw_model_operand("price", NW_MODEL_MONEY_PER_H, line->price_per_h),
                                month_operand()},
                   .operand_count = 3,
                   .exact = month_of(line->count.value * line->price_per_h.value),
                   .unit = NW_MODEL_MONEY,
                   .what = "a month",
                   .reason = line->reason,
               });
}

static void show_sum(const struct nw_model_cost_in *in, const struct nw_model_cost *out,
                     struct nw_model_steps *steps)
{
    struct nw_model_operand per_h =
        nw_model_operand_derived("all machines", NW_MODEL_MONEY_PER_H, out->per_h);
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, in->at, "per_h"),
                                  .label = "Cost",
                                  .exact = out->per_h,
                                  .unit = NW_MODEL_MONEY_PER_H,
                                  .what = "all machines",
                                  .reason = out->reason,
                              });
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, in->at, "month"),
                                  .formula = out->reason ? NULL : "{0} x {1} h",
                                  .operands = {per_h, month_operand()},
                                  .operand_count = 2,
                                  .exact = out->month,
                                  .unit = NW_MODEL_MONEY,
                                  .what = "a month",
                                  .reason = out->reason,
                              });
    if (out->has_per_million)
        nw_model_steps_add(
            steps,
            &(struct nw_model_step){
                .path = nw_model_steps_path(steps, in->at, "per_million"),
                .formula = out->reason ? NULL : "{0} / ({1} x 3,600 s) x 1,000,000",
                .operands = {per_h, nw_model_operand("average", NW_MODEL_PER_S, in->average_per_s)},
                .operand_count = 2,
                .exact = out->per_million,
                .unit = NW_MODEL_MONEY,
                .what = "for a million requests",
                .reason = out->reason,
            });
}

struct nw_model_cost nw_model_cost_sum(const struct nw_model_cost_in *in,
                                       struct nw_model_steps *steps)
{
    struct nw_model_cost out = {0};
    for (unsigned i = 0; i < in->line_count; i++) {
        const struct nw_model_cost_line *line = &in->lines[i];
        NW_ASSERT(line->count.value >= 0 && line->price_per_h.value >= 0);
        out.per_h += line->count.value * line->price_per_h.value;
        out.reason = out.reason ? out.reason : line->reason;
        if (steps)
            show_line(line, steps);
    }
    out.month = month_of(out.per_h);
    out.has_per_million = in->average_per_s.value > 0;
    if (out.has_per_million)
        out.per_million = out.per_h / (in->average_per_s.value * 3600) * 1e6;
    if (steps)
        show_sum(in, &out, steps);
    return out;
}

static void show_bigger(const struct nw_model_bigger_in *in, const struct nw_model_bigger *out,
                        struct nw_model_steps *steps)
{
    struct nw_model_operand price =
        nw_model_operand("bigger.price", NW_MODEL_MONEY_PER_H, in->bigger_price_per_h);
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "bigger_month"),
            .formula = "ceil({0} / {1}) x {2} x {3} h",
            .operands = {nw_model_operand("nodes", NW_MODEL_NUMBER, in->nodes_exact),
                         nw_model_operand("bigger.factor", NW_MODEL_NUMBER, in->bigger_factor),
                         price, month_operand()},
            .operand_count = 4,
            .exact = out->big_month,
            .unit = NW_MODEL_MONEY,
            .what = out->is_big_cheaper ? "a month on larger machines: cheaper"
                                        : "a month on larger machines: not cheaper",
        });
    if (out->has_ratio)
        nw_model_steps_add(steps,
                           &(struct nw_model_step){
                               .path = nw_model_steps_path(steps, in->at, "bigger_break_even"),
                               .formula = "{0} / {1}",
                               .operands = {price, nw_model_operand("price", NW_MODEL_MONEY_PER_H,
                                                                    in->price_per_h)},
                               .operand_count = 2,
                               .exact = out->price_ratio,
                               .rounded = out->break_even,
                               .is_rounded = true,
                               .unit = NW_MODEL_COUNT,
                               .what = "small machines cost as much as a larger one",
                           });
}

struct nw_model_bigger nw_model_cost_bigger(const struct nw_model_bigger_in *in,
                                            struct nw_model_steps *steps)
{
    double price_per_h = in->price_per_h.value, big_per_h = in->bigger_price_per_h.value;
    double factor = in->bigger_factor.value;
    NW_ASSERT(in->nodes_exact.value >= 0 && price_per_h >= 0 && factor > 0 && big_per_h >= 0);
    struct nw_model_bigger out = {
        .small = nw_model_ceil(in->nodes_exact.value),
        .big = nw_model_ceil(in->nodes_exact.value / factor),
        .fair_price_per_h = price_per_h * factor,
    };
    out.small_month = month_of(out.small * price_per_h);
    out.big_month = month_of(out.big * big_per_h);
    out.is_big_cheaper = nw_model_is_above(out.small_month, out.big_month);
    out.has_ratio = price_per_h > 0;
    if (out.has_ratio) {
        out.price_ratio = big_per_h / price_per_h;
        out.unit_ratio = out.price_ratio / factor;
        out.break_even = nw_model_ceil(out.price_ratio);
    }
    if (steps)
        show_bigger(in, &out, steps);
    return out;
}

static void show_cache(const struct nw_model_cache_or_database_in *in,
                       const struct nw_model_cache_or_database *out, struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "with_month"),
            .formula = "({0} x {1} + {2}) x {3} h",
            .operands = {nw_model_operand("cache nodes", NW_MODEL_COUNT, in->cache_nodes),
                         nw_model_operand("price", NW_MODEL_MONEY_PER_H, in->cache_price_per_h),
                         nw_model_operand("databases behind it", NW_MODEL_MONEY_PER_H,
                                          in->with_database_per_h),
                         month_operand()},
            .operand_count = 4,
            .exact = out->with_month,
            .unit = NW_MODEL_MONEY,
            .what = "a month with the cache",
        });
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "only_month"),
                   .formula = "{0} x {1} h",
                   .operands = {nw_model_operand("databases alone", NW_MODEL_MONEY_PER_H,
                                                 in->only_database_per_h),
                                month_operand()},
                   .operand_count = 2,
                   .exact = out->only_month,
                   .unit = NW_MODEL_MONEY,
                   .what = out->is_cache_cheaper ? "a month with databases alone: dearer"
                                                 : "a month with databases alone: not dearer",
               });
}

struct nw_model_cache_or_database nw_model_cost_cache(
    const struct nw_model_cache_or_database_in *in, struct nw_model_steps *steps)
{
    NW_ASSERT(in->cache_nodes.value >= 0 && in->cache_price_per_h.value >= 0);
    NW_ASSERT(in->with_database_per_h.value >= 0 && in->only_database_per_h.value >= 0);
    double cache_per_h = in->cache_nodes.value * in->cache_price_per_h.value;
    struct nw_model_cache_or_database out = {
        .with_month = month_of(cache_per_h + in->with_database_per_h.value),
        .only_month = month_of(in->only_database_per_h.value),
    };
    out.is_cache_cheaper = nw_model_is_above(out.only_month, out.with_month);
    out.has_ratio = out.with_month > 0;
    if (out.has_ratio)
        out.ratio = out.only_month / out.with_month;
    if (steps)
        show_cache(in, &out, steps);
    return out;
}

/* The highest rate of each hour; the peak stands in the middle of hour 12. */
static void fill_day(const struct nw_model_autoscale_in *in, struct nw_model_autoscale *out)
{
    double peak_per_s = in->peak_per_s.value;
    double ratio = peak_per_s > 0 ? in->average_per_s.value / peak_per_s : 1;
    double power = nw_model_day_power(fmin(1, fmax(ratio, 1e-4)));
    for (int hour = 0; hour < NW_MODEL_DAY_HOURS; hour++) {
        double at_h = hour < 12 ? hour + 1 : hour > 12 ? hour : 12.5;
        double cosine = cos(M_PI * (at_h - 12.5) / NW_MODEL_DAY_HOURS);
        out->rate_per_s[hour] = peak_per_s * pow(cosine * cosine, power);
    }
}

static double nodes_for(const struct nw_model_autoscale_in *in, double rate_per_s)
{
    double nodes = rate_per_s * (1 + in->margin.value) / in->capacity_per_s.value;
    return fmax(1, nw_model_ceil(nodes)) + in->spare.value;
}

static void show_autoscale(const struct nw_model_autoscale_in *in,
                           const struct nw_model_autoscale *out, struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "autoscaled_month"),
                   .formula = "{0} node hours a day / 24 x {1} x {2} h",
                   .operands = {nw_model_operand_derived("sized each hour:", NW_MODEL_COUNT,
                                                         out->node_hours),
                                nw_model_operand("price", NW_MODEL_MONEY_PER_H, in->price_per_h),
                                month_operand()},
                   .operand_count = 3,
                   .exact = out->month,
                   .unit = NW_MODEL_MONEY,
                   .what = "a month, sized anew each hour",
               });
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "saved_share"),
            .formula = "1 - {0} / {1}",
            .operands = {nw_model_operand_derived("node hours", NW_MODEL_COUNT, out->node_hours),
                         nw_model_operand_derived("those of the peak's fleet", NW_MODEL_COUNT,
                                                  out->fixed_node_hours)},
            .operand_count = 2,
            .exact = out->saved_share,
            .unit = NW_MODEL_RATIO,
            .what = "saved",
        });
}

struct nw_model_autoscale nw_model_cost_autoscale(const struct nw_model_autoscale_in *in,
                                                  struct nw_model_steps *steps)
{
    NW_ASSERT(in->average_per_s.value >= 0 && in->capacity_per_s.value > 0);
    NW_ASSERT(!nw_model_is_above(in->average_per_s.value, in->peak_per_s.value));
    struct nw_model_autoscale out = {0};
    fill_day(in, &out);
    for (int hour = 0; hour < NW_MODEL_DAY_HOURS; hour++) {
        out.nodes[hour] = nodes_for(in, out.rate_per_s[hour]);
        out.node_hours += out.nodes[hour];
    }
    out.fixed_node_hours = NW_MODEL_DAY_HOURS * nodes_for(in, in->peak_per_s.value);
    out.node_hours = fmin(out.node_hours, out.fixed_node_hours); /* but for the last bits */
    out.month = month_of(out.node_hours / NW_MODEL_DAY_HOURS * in->price_per_h.value);
    if (out.fixed_node_hours > 0)
        out.saved_share = 1 - out.node_hours / out.fixed_node_hours;
    if (steps)
        show_autoscale(in, &out, steps);
    return out;
}
