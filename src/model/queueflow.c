/*
 * A fluid of messages. Between two moments at which a rate changes everything is linear, so the
 * state is carried from one such moment to the next and nothing is cut into ticks: a peak, the end
 * of a backlog, the moment of an alarm are exact to rounding.
 *
 * A group's line is a list of parcels: amounts that came in evenly between two times. What stands
 * first is worked on, and grows older by the second less what is taken from it. Ends of parcels, a
 * line that runs empty or full, a message that reaches its time to live or the alarm's age, the
 * door that empties, outages and changes of arrivals are the moments.
 */
#include <math.h>

#include "base/assert.h"
#include "model/queuesim.h"
#include "model/queuesource.h"

#define SPECK 1e-7   /* messages, and */
#define SPECK_S 1e-7 /* seconds, that are nothing beside the rest */

struct parcel {
    double from_s, until_s, amount;
};

/* What arrives next: evenly over the span, or at once where it is empty. */
struct segment {
    double from_s, until_s, amount;
};

struct group {
    const struct nw_model_queue_group *spec;
    struct nw_model_queue_flow *out;
    double work_per_s; /* while not out */
    double dead_ratio;
    struct parcel *parcels;
    size_t first, count, space;
    double depth;
    size_t toggles;
    /* rates until the next moment */
    double enter_per_s, serve_per_s, expire_per_s, drop_per_s, refuse_per_s, lose_per_s;
    double wait_total_s;
};

struct flow {
    const struct nw_model_queue_spec *spec;
    struct nw_model_queue_source source; /* on-off: the phases */
    uint64_t segments;
    double given; /* in segments so far */
    struct segment segment;
    bool has_segment;
    double now_s, door, arrive_per_s, door_peak;
    struct group groups[NW_MODEL_QUEUE_GROUPS_MAX];
};

/* ---- what arrives ---- */

static struct segment on_off_segment(struct flow *flow)
{
    struct nw_model_queue_source *source = &flow->source;
    double from_s = source->time_s, until_s = source->phase_end_s;
    double amount = (until_s - from_s) * nw_model_queue_on_rate_per_s(flow->spec);
    double left = (double)flow->spec->count - flow->given;
    if (amount >= left) {
        until_s = from_s + (until_s - from_s) * (left / amount);
        amount = left;
    }
    source->time_s = source->phase_end_s + nw_rng_exponential(&source->phases, flow->spec->off_s);
    source->phase_end_s = source->time_s + nw_rng_exponential(&source->phases, flow->spec->on_s);
    return (struct segment){from_s, until_s, amount};
}

static struct segment shape_segment(struct flow *flow)
{
    const struct nw_model_queue_spec *spec = flow->spec;
    double count = (double)spec->count, left = count - flow->given;
    uint64_t index = flow->segments;
    switch (spec->shape) {
    case NW_MODEL_SHAPE_FRONT: return (struct segment){0, spec->front_s, count};
    case NW_MODEL_SHAPE_BURST: {
        double burst = (double)spec->burst_count < left ? (double)spec->burst_count : left;
        double at_s = spec->over_s * (flow->given / count);
        return (struct segment){at_s, at_s, burst};
    }
    case NW_MODEL_SHAPE_ON_OFF: return on_off_segment(flow);
    case NW_MODEL_SHAPE_TRACE: {
        double at_s = spec->trace_s[index];
        return (struct segment){at_s, at_s, 1};
    }
    case NW_MODEL_SHAPE_EVEN:
    case NW_MODEL_SHAPE_POISSON: break;
    }
    return (struct segment){0, spec->over_s, count};
}

static void segment_next(struct flow *flow)
{
    flow->has_segment = flow->given < (double)flow->spec->count;
    if (!flow->has_segment)
        return;
    flow->segment = shape_segment(flow);
    flow->given += flow->segment.amount;
    flow->segments++;
}

/* ---- lines ---- */

/*
 * What follows the last parcel without a gap and as densely, or is a speck beside it, becomes part
 * of it: specks would beget specks for ever, each end of one being a moment.
 */
static bool line_extend(struct group *group, double from_s, double until_s, double amount)
{
    if (group->count == 0 || until_s <= from_s)
        return false;
    struct parcel *last = &group->parcels[group->first + group->count - 1];
    if (last->until_s < from_s || last->until_s <= last->from_s)
        return false;
    double span_s = last->until_s - last->from_s, more_s = until_s - from_s;
    bool is_speck = more_s < SPECK_S || span_s < SPECK_S;
    if (!is_speck && fabs(amount * span_s - last->amount * more_s) > 1e-9 * amount * span_s)
        return false;
    last->until_s = until_s;
    last->amount += amount;
    return true;
}

static void line_add(struct group *group, double from_s, double until_s, double amount)
{
    if (amount <= 0)
        return;
    group->depth += amount;
    if (line_extend(group, from_s, until_s, amount))
        return;
    if (group->first + group->count == group->space) {
        if (group->first > group->space / 2) {
            for (size_t i = 0; i < group->count; i++)
                group->parcels[i] = group->parcels[group->first + i];
            group->first = 0;
        } else {
            group->space = 2 * group->space + 16;
            group->parcels = nw_realloc(group->parcels, group->space * sizeof *group->parcels);
        }
    }
    group->parcels[group->first + group->count++] = (struct parcel){from_s, until_s, amount};
}

/* Takes an amount from the front. */
static void line_take(struct group *group, double amount)
{
    while (amount > 0 && group->count > 0) {
        struct parcel *parcel = &group->parcels[group->first];
        if (amount < parcel->amount * (1 - 1e-12)) {
            parcel->from_s += (parcel->until_s - parcel->from_s) * (amount / parcel->amount);
            parcel->amount -= amount;
            group->depth -= amount;
            break;
        }
        amount -= parcel->amount;
        group->depth -= parcel->amount;
        group->first++;
        group->count--;
    }
    if (group->count == 0 || group->depth < SPECK) {
        group->first = group->count = 0;
        group->depth = 0;
    }
}

static double age_s(const struct flow *flow, const struct group *group)
{
    return group->count > 0 ? flow->now_s - group->parcels[group->first].from_s : 0;
}

/* Messages per second of arrival in the parcel that stands first; HUGE_VAL: all came at once. */
static double density_per_s(const struct group *group)
{
    const struct parcel *parcel = &group->parcels[group->first];
    double span_s = parcel->until_s - parcel->from_s;
    return span_s > 0 ? parcel->amount / span_s : HUGE_VAL;
}

static bool is_full(const struct flow *flow, const struct group *group)
{
    return group->depth >= (double)flow->spec->depth_max * (1 - 1e-12);
}

static bool is_old(const struct flow *flow, const struct group *group, double bound_s)
{
    return bound_s > 0 && group->count > 0 && age_s(flow, group) >= bound_s * (1 - 1e-12);
}

/* ---- what happens at once ---- */

static void peak_note(struct flow *flow, struct group *group)
{
    if (group->depth > group->out->depth_peak * (1 + 1e-12)) {
        group->out->depth_peak = group->depth;
        group->out->depth_peak_s = flow->now_s;
    }
}

static double room_of(const struct flow *flow)
{
    double room = HUGE_VAL;
    for (size_t g = 0; g < flow->spec->group_count; g++) {
        double left = (double)flow->spec->depth_max - flow->groups[g].depth;
        room = left < room ? left : room;
    }
    return room > 0 ? room : 0;
}

/* So many come in at once, into every group. */
static void jump(struct flow *flow, double amount)
{
    const struct nw_model_queue_spec *spec = flow->spec;
    bool is_gate = spec->full == NW_MODEL_FULL_REFUSE || spec->full == NW_MODEL_FULL_BLOCK;
    double room = room_of(flow), over = is_gate && amount > room ? amount - room : 0;
    if (spec->full == NW_MODEL_FULL_BLOCK)
        flow->door += over;
    flow->door_peak = flow->door > flow->door_peak ? flow->door : flow->door_peak;
    for (size_t g = 0; g < spec->group_count; g++) {
        struct group *group = &flow->groups[g];
        double taken = amount - over, left = (double)spec->depth_max - group->depth;
        double lost = taken > left ? taken - left : 0;
        if (spec->full == NW_MODEL_FULL_REFUSE)
            group->out->refused += over;
        group->out->dropped += lost;
        if (spec->full == NW_MODEL_FULL_DROP_OLDEST) {
            line_add(group, flow->now_s, flow->now_s, taken);
            line_take(group, lost);
        } else {
            line_add(group, flow->now_s, flow->now_s, taken - lost);
        }
        peak_note(flow, group);
    }
}

static void moment(struct flow *flow)
{
    const struct nw_model_queue_spec *spec = flow->spec;
    for (size_t g = 0; g < spec->group_count; g++) {
        struct group *group = &flow->groups[g];
        const struct nw_model_window *outages = group->spec->outages;
        while (group->toggles < 2 * group->spec->outage_count) {
            const struct nw_model_window *outage = &outages[group->toggles / 2];
            if ((group->toggles % 2 ? outage->until_s : outage->from_s) > flow->now_s)
                break;
            group->toggles++;
            group->out->caught_up_from_s = flow->now_s;
        }
        while (is_old(flow, group, spec->ttl_s) && density_per_s(group) == HUGE_VAL) {
            group->out->expired += group->parcels[group->first].amount;
            line_take(group, group->parcels[group->first].amount);
        }
    }
    while (flow->has_segment && flow->segment.from_s <= flow->now_s &&
           flow->segment.until_s <= flow->now_s) {
        if (flow->segment.until_s <= flow->segment.from_s)
            jump(flow, flow->segment.amount);
        segment_next(flow);
    }
    double room = flow->door > 0 ? room_of(flow) : 0;
    if (room > (double)spec->depth_max * 1e-12) {
        double in = room < flow->door ? room : flow->door;
        flow->door -= in;
        jump(flow, in);
    }
}

/* ---- rates ---- */

static void rates_of_group(struct flow *flow, struct group *group)
{
    double able = group->toggles % 2 ? 0 : group->work_per_s;
    group->enter_per_s = flow->arrive_per_s;
    group->serve_per_s = able;
    group->expire_per_s = group->drop_per_s = group->refuse_per_s = group->lose_per_s = 0;
    if (is_old(flow, group, flow->spec->ttl_s) && density_per_s(group) > able)
        group->expire_per_s = density_per_s(group) - able;
    if (group->depth <= 0 && able > flow->arrive_per_s)
        group->serve_per_s = flow->arrive_per_s;
    double leave_per_s = group->serve_per_s + group->expire_per_s;
    if (!is_full(flow, group) || flow->arrive_per_s <= leave_per_s)
        return;
    if (flow->spec->full == NW_MODEL_FULL_DROP_OLDEST) {
        group->drop_per_s = flow->arrive_per_s - leave_per_s;
    } else if (flow->spec->full == NW_MODEL_FULL_DROP_NEWEST ||
               flow->spec->full == NW_MODEL_FULL_SHED_LOW) {
        group->lose_per_s = flow->arrive_per_s - leave_per_s;
        group->enter_per_s = leave_per_s;
    }
}

/* The slowest full group decides for all where senders are told or made to wait. */
static void rates_set(struct flow *flow)
{
    const struct segment *segment = &flow->segment;
    bool is_gate =
        flow->spec->full == NW_MODEL_FULL_REFUSE || flow->spec->full == NW_MODEL_FULL_BLOCK;
    bool is_on = flow->has_segment && segment->from_s <= flow->now_s;
    flow->arrive_per_s = is_on ? segment->amount / (segment->until_s - segment->from_s) : 0;
    double let_in = flow->door > 0 ? HUGE_VAL : flow->arrive_per_s;
    for (size_t g = 0; g < flow->spec->group_count; g++) {
        struct group *group = &flow->groups[g];
        rates_of_group(flow, group);
        double leave_per_s = group->serve_per_s + group->expire_per_s;
        if (is_gate && is_full(flow, group) && leave_per_s < let_in)
            let_in = leave_per_s;
    }
    for (size_t g = 0; is_gate && g < flow->spec->group_count; g++) {
        struct group *group = &flow->groups[g];
        if (flow->spec->full == NW_MODEL_FULL_REFUSE)
            group->refuse_per_s = flow->arrive_per_s - let_in;
        group->enter_per_s = let_in;
        if (group->depth <= 0 && group->toggles % 2 == 0)
            group->serve_per_s = let_in < group->work_per_s ? let_in : group->work_per_s;
    }
}

/* ---- how long until a rate changes ---- */

static void sooner(double *io_s, double amount, double per_s)
{
    if (per_s > 0 && amount / per_s < *io_s)
        *io_s = amount / per_s;
}

static double group_step_s(const struct flow *flow, const struct group *group)
{
    const struct nw_model_queue_spec *spec = flow->spec;
    double step_s = HUGE_VAL;
    double leave_per_s = group->serve_per_s + group->expire_per_s + group->drop_per_s;
    double grow_per_s = group->enter_per_s - leave_per_s;
    if (group->toggles < 2 * group->spec->outage_count) {
        const struct nw_model_window *outage = &group->spec->outages[group->toggles / 2];
        sooner(&step_s, (group->toggles % 2 ? outage->until_s : outage->from_s) - flow->now_s, 1);
    }
    if (grow_per_s > 1e-12 * leave_per_s && !is_full(flow, group))
        sooner(&step_s, (double)spec->depth_max - group->depth, grow_per_s);
    if (group->count == 0 && grow_per_s <= 0)
        return step_s;
    double density = group->count > 0 ? density_per_s(group) : group->enter_per_s;
    double aging = 1 - leave_per_s / density, age = age_s(flow, group);
    if (group->count > 0) {
        sooner(&step_s, group->depth, -grow_per_s);
        sooner(&step_s, group->parcels[group->first].amount, leave_per_s);
    }
    if (spec->ttl_s > 0 && !is_old(flow, group, spec->ttl_s))
        sooner(&step_s, spec->ttl_s - age, aging);
    if (group->spec->alarm_s > 0 && !group->out->is_alarmed)
        sooner(&step_s, group->spec->alarm_s - age, aging);
    return step_s;
}

static double step_s(const struct flow *flow)
{
    double step = HUGE_VAL;
    if (flow->has_segment)
        sooner(&step,
               (flow->arrive_per_s > 0 ? flow->segment.until_s : flow->segment.from_s) -
                   flow->now_s,
               1);
    if (flow->door > 0)
        sooner(&step, flow->door, flow->groups[0].enter_per_s - flow->arrive_per_s);
    for (size_t g = 0; g < flow->spec->group_count; g++) {
        double own_s = group_step_s(flow, &flow->groups[g]);
        step = own_s < step ? own_s : step;
    }
    double least_s = 1e-12 * (1 + flow->now_s);
    return step > least_s ? step : least_s;
}

static void group_advance(struct flow *flow, struct group *group, double before_s, double step)
{
    struct nw_model_queue_flow *out = group->out;
    double age_before_s = group->count > 0 ? before_s - group->parcels[group->first].from_s : 0;
    double entered = group->enter_per_s * step, served = group->serve_per_s * step;
    double leaves = served + (group->expire_per_s + group->drop_per_s) * step;
    bool is_through = group->count == 0 && leaves >= entered * (1 - 1e-12);
    if (is_through)
        leaves = entered;
    double density = group->count > 0 ? density_per_s(group) : group->enter_per_s;
    double aging = is_through ? 0 : 1 - leaves / step / density;
    double age_after_s = age_before_s + aging * step;
    if (!is_through) {
        line_add(group, before_s, flow->now_s, entered);
        line_take(group, leaves);
    }
    if (served > 0) {
        group->wait_total_s += served * (age_before_s + age_after_s) / 2;
        out->wait_s_max = age_before_s > out->wait_s_max ? age_before_s : out->wait_s_max;
        out->wait_s_max = age_after_s > out->wait_s_max ? age_after_s : out->wait_s_max;
    }
    out->done += served * (1 - group->dead_ratio);
    out->dead += served * group->dead_ratio;
    out->expired += group->expire_per_s * step;
    out->dropped += (group->drop_per_s + group->lose_per_s) * step;
    out->refused += group->refuse_per_s * step;
    peak_note(flow, group);
    if (!out->is_alarmed && is_old(flow, group, group->spec->alarm_s)) {
        out->is_alarmed = true;
        out->alarm_s = flow->now_s;
    }
    if (served > 0 || leaves > 0)
        out->empty_s = flow->now_s;
    bool is_behind = flow->spec->backlog > 0 || group->spec->outage_count > 0;
    if (is_behind && !out->is_caught_up && group->count == 0 &&
        group->toggles == 2 * group->spec->outage_count) {
        out->is_caught_up = true;
        out->caught_up_s = flow->now_s;
    }
}

static bool is_over(const struct flow *flow)
{
    bool is_busy = flow->has_segment || flow->door > 0;
    for (size_t g = 0; g < flow->spec->group_count; g++)
        is_busy |= flow->groups[g].count > 0;
    return !is_busy;
}

static void group_init(struct group *group, const struct nw_model_queue_group *spec)
{
    const struct nw_model_service_law *law = &spec->service;
    double mean_s = law->mean_s, attempts = 0, left = 1;
    if (law->law == NW_MODEL_LAW_LIST) {
        double sum_s = 0;
        for (size_t i = 0; i < law->list_count; i++)
            sum_s += law->list_s[i];
        mean_s = sum_s / (double)law->list_count;
    }
    for (uint32_t i = 0; i < spec->attempt_max; i++) {
        attempts += left;
        left *= spec->fail_ratio;
    }
    group->spec = spec;
    group->work_per_s = spec->workers / (mean_s * attempts);
    group->dead_ratio = left;
}

static void flow_end(struct flow *flow)
{
    for (size_t g = 0; g < flow->spec->group_count; g++) {
        struct group *group = &flow->groups[g];
        struct nw_model_queue_flow *out = group->out;
        double served = out->done + out->dead;
        out->arrived = (double)flow->spec->backlog + (double)flow->spec->count;
        out->wait_s_mean = served > 0 ? group->wait_total_s / served : 0;
        out->blocked_peak = flow->door_peak;
        nw_free(group->parcels);
    }
}

nw_err nw_model_queue_flow_solve(const struct nw_model_queue_spec *spec,
                                 struct nw_model_queue_flow *out)
{
    if (nw_model_queue_spec_judge(spec))
        return NW_INVALID;
    struct flow *flow = nw_alloc_zero(sizeof *flow);
    flow->spec = spec;
    nw_model_queue_source_init(&flow->source, spec);
    for (size_t g = 0; g < spec->group_count; g++) {
        out[g] = (struct nw_model_queue_flow){0};
        flow->groups[g].out = &out[g];
        group_init(&flow->groups[g], &spec->groups[g]);
    }
    segment_next(flow);
    jump(flow, (double)spec->backlog);
    moment(flow);
    while (!is_over(flow)) {
        rates_set(flow);
        double step = step_s(flow), before_s = flow->now_s;
        NW_ASSERT(step < HUGE_VAL);
        flow->now_s += step;
        double in_per_s = flow->groups[0].enter_per_s;
        if (spec->full == NW_MODEL_FULL_BLOCK)
            flow->door += (flow->arrive_per_s - in_per_s) * step;
        if (flow->door < (double)spec->depth_max * 1e-12)
            flow->door = 0;
        flow->door_peak = flow->door > flow->door_peak ? flow->door : flow->door_peak;
        for (size_t g = 0; g < spec->group_count; g++)
            group_advance(flow, &flow->groups[g], before_s, step);
        moment(flow);
    }
    flow_end(flow);
    nw_free(flow);
    return NW_OK;
}
