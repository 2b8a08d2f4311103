/*
 * A queue in the fluid view is a level between two slopes: arrivals while the burst lasts, draining
 * once the workers run. The level is piecewise linear, so its highest point is at a corner: when
 * the workers start, or when the arrivals end. "Spread over a minute" and "all at once" are the
 * same function with another `over_s`; they differ by the whole depth (X16).
 */
#include "model/queuemath.h"

#include <math.h>

#include "base/assert.h"

struct corners {
    double stop_s;      /* workers start */
    double over_s;      /* arrivals end */
    double depth_start; /* waiting when the workers start */
    double depth_end;   /* waiting when the arrivals end, workers running */
};

static double arrived_by(const struct nw_model_burst_in *in, double at_s)
{
    if (at_s >= in->over_s.value)
        return in->jobs.value;
    return in->jobs.value * at_s / in->over_s.value;
}

static struct corners corners_of(const struct nw_model_burst_in *in)
{
    struct corners c = {.stop_s = in->stopped_s.value, .over_s = in->over_s.value};
    c.depth_start = arrived_by(in, c.stop_s);
    if (c.over_s > c.stop_s)
        c.depth_end = fmax(0, in->jobs.value - in->drain_per_s.value * (c.over_s - c.stop_s));
    return c;
}

/* When nothing waits any more: perhaps long before the arrivals end, if they are slower. */
static double empty_at(const struct nw_model_burst_in *in, const struct corners *c)
{
    double drain_per_s = in->drain_per_s.value;
    if (in->jobs.value == 0)
        return 0;
    if (c->over_s <= c->stop_s)
        return c->stop_s + in->jobs.value / drain_per_s;
    if (c->depth_end > 0)
        return c->over_s + c->depth_end / drain_per_s;
    double arrive_per_s = in->jobs.value / c->over_s;
    if (!nw_model_is_above(drain_per_s, arrive_per_s)) /* just as fast: empty when it ends */
        return c->over_s;
    return fmin(c->over_s, c->stop_s + c->depth_start / (drain_per_s - arrive_per_s));
}

/* The first waits for the workers, the last of each stretch for all before it. */
static double age_max(const struct nw_model_burst_in *in, const struct corners *c)
{
    double drain_per_s = in->drain_per_s.value;
    if (in->jobs.value == 0)
        return 0;
    double corner_s = fmin(c->over_s, c->stop_s);
    double at_corner_s = c->stop_s - corner_s + c->depth_start / drain_per_s;
    return fmax(c->stop_s, fmax(at_corner_s, c->depth_end / drain_per_s));
}

static void show_burst(const struct nw_model_burst_in *in, const struct nw_model_burst *out,
                       struct nw_model_steps *steps)
{
    bool is_stopped = in->stopped_s.value > 0;
    struct nw_model_operand jobs = nw_model_operand("messages", NW_MODEL_COUNT, in->jobs),
                            over = nw_model_operand("time", NW_MODEL_SECONDS, in->over_s),
                            drain = nw_model_operand("drain", NW_MODEL_PER_S, in->drain_per_s),
                            stopped = nw_model_operand("stopped", NW_MODEL_SECONDS, in->stopped_s);
    struct nw_model_step step = {
        .path = nw_model_steps_path(steps, in->at, "peak_depth"),
        .label = in->label,
        .formula = is_stopped              ? "{0+} over {1}, drained at {2}/s after {3}"
                   : in->over_s.value == 0 ? "{0+} at once, drained at {2}/s"
                                           : "{0+} over {1}, drained at {2}/s",
        .operands = {jobs, over, drain, stopped},
        .operand_count = is_stopped ? 4 : 3,
        .exact = out->peak_depth,
        .unit = NW_MODEL_COUNT,
        .what = "wait at most",
    };
    nw_model_steps_add(steps, &step);
    step.path = nw_model_steps_path(steps, in->at, "empty_s");
    step.label = NULL;
    step.formula = NULL;
    step.exact = out->empty_s;
    step.unit = NW_MODEL_SECONDS;
    step.what = "until nothing waits";
    step.reason = out->reason;
    nw_model_steps_add(steps, &step);
    step.path = nw_model_steps_path(steps, in->at, "age_max_s");
    step.exact = out->age_max_s;
    step.what = "old is the oldest";
    nw_model_steps_add(steps, &step);
}

struct nw_model_burst nw_model_queue_burst(const struct nw_model_burst_in *in,
                                           struct nw_model_steps *steps)
{
    NW_ASSERT(in->jobs.value >= 0 && in->over_s.value >= 0 && in->stopped_s.value >= 0);
    NW_ASSERT(in->drain_per_s.value >= 0);
    struct corners c = corners_of(in);
    struct nw_model_burst out = {.peak_depth = fmax(c.depth_start, c.depth_end)};
    if (in->drain_per_s.value == 0 && in->jobs.value > 0) {
        out.reason = "never-drains";
        out.peak_depth = in->jobs.value;
    } else {
        out.empty_s = empty_at(in, &c);
        out.age_max_s = age_max(in, &c);
    }
    if (steps)
        show_burst(in, &out, steps);
    return out;
}

struct nw_model_catchup nw_model_queue_catchup(const struct nw_model_catchup_in *in,
                                               struct nw_model_steps *steps)
{
    NW_ASSERT(in->backlog.value >= 0 && in->arrive_per_s.value >= 0 && in->drain_per_s.value >= 0);
    struct nw_model_catchup out = {0};
    double gain_per_s = in->drain_per_s.value - in->arrive_per_s.value;
    if (!nw_model_is_above(in->drain_per_s.value, in->arrive_per_s.value)) {
        out.growth_per_s = fmax(0, -gain_per_s);
        out.reason = in->backlog.value > 0 || out.growth_per_s > 0 ? "unstable" : NULL;
    } else {
        out.catchup_s = in->backlog.value / gain_per_s;
    }
    if (steps)
        nw_model_steps_add(
            steps, &(struct nw_model_step){
                       .path = nw_model_steps_path(steps, in->at, "catchup_s"),
                       .formula = "{0+} / ({1} - {2})",
                       .operands = {nw_model_operand("behind", NW_MODEL_COUNT, in->backlog),
                                    nw_model_operand("drain", NW_MODEL_PER_S, in->drain_per_s),
                                    nw_model_operand("arrivals", NW_MODEL_PER_S, in->arrive_per_s)},
                       .operand_count = 3,
                       .exact = out.catchup_s,
                       .unit = NW_MODEL_SECONDS,
                       .what = "to catch up",
                       .reason = out.reason,
                   });
    return out;
}

double nw_model_queue_retention(const struct nw_model_retention_in *in,
                                struct nw_model_steps *steps)
{
    double bytes =
        in->arrive_per_s.value * in->message_bytes.value * in->retention_s.value * in->topics.value;
    NW_ASSERT(bytes >= 0);
    if (steps)
        nw_model_steps_add(
            steps,
            &(struct nw_model_step){
                .path = nw_model_steps_path(steps, in->at, "retention_bytes"),
                .formula = in->topics.value == 1 ? "{0} x {1} x {2}" : "{0} x {1} x {2} x {3+}",
                .operands = {nw_model_operand("arrivals", NW_MODEL_PER_S, in->arrive_per_s),
                             nw_model_operand("message", NW_MODEL_BYTES, in->message_bytes),
                             nw_model_operand("retention", NW_MODEL_SECONDS, in->retention_s),
                             nw_model_operand("topics", NW_MODEL_COUNT, in->topics)},
                .operand_count = 4,
                .exact = bytes,
                .unit = NW_MODEL_BYTES,
                .what = "kept",
            });
    return bytes;
}

double nw_model_queue_behind(double arrive_per_s, double behind_s)
{
    NW_ASSERT(arrive_per_s >= 0 && behind_s >= 0);
    return arrive_per_s * behind_s;
}

static void show_inline(const struct nw_model_inline_in *in, const struct nw_model_inline *out,
                        struct nw_model_steps *steps)
{
    struct nw_model_operand rate = nw_model_operand("rate", NW_MODEL_PER_S, in->rate_per_s),
                            calls = nw_model_operand("calls", NW_MODEL_COUNT, in->calls),
                            call = nw_model_operand("of a call", NW_MODEL_SECONDS, in->call_s);
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, in->at, "calls_per_s"),
                                  .formula = "{0} x {1+}",
                                  .operands = {rate, calls},
                                  .operand_count = 2,
                                  .exact = out->calls_per_s,
                                  .unit = NW_MODEL_PER_S,
                                  .what = "calls",
                              });
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, in->at, "inline_s"),
                                  .formula = "{0+} x {1}",
                                  .operands = {calls, call},
                                  .operand_count = 2,
                                  .exact = out->inline_s,
                                  .unit = NW_MODEL_SECONDS,
                                  .what = "the client waits, inline",
                              });
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "held"),
            .formula = "{0} x {1}",
            .operands = {rate, nw_model_operand_derived("inline", NW_MODEL_SECONDS, out->inline_s)},
            .operand_count = 2,
            .exact = out->held,
            .unit = NW_MODEL_NUMBER,
            .what = "requests in progress at any moment (Little)",
        });
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "held_queued"),
                   .formula = "{0} x {1}",
                   .operands = {rate, nw_model_operand("publish", NW_MODEL_SECONDS, in->publish_s)},
                   .operand_count = 2,
                   .exact = out->held_queued,
                   .unit = NW_MODEL_NUMBER,
                   .what = "in progress when the work is queued",
               });
}

struct nw_model_inline nw_model_queue_inline(const struct nw_model_inline_in *in,
                                             struct nw_model_steps *steps)
{
    NW_ASSERT(in->rate_per_s.value >= 0 && in->calls.value >= 0 && in->call_s.value >= 0);
    struct nw_model_inline out = {
        .calls_per_s = in->rate_per_s.value * in->calls.value,
        .inline_s = in->calls.value * in->call_s.value,
        .held_queued = in->rate_per_s.value * in->publish_s.value,
    };
    out.held = in->rate_per_s.value * out.inline_s;
    if (steps)
        show_inline(in, &out, steps);
    return out;
}
