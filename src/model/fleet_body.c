/*
 * The clock of a fleet is whole ticks, so that ages compare exactly and a year of seconds adds up
 * without drift; the bill is node-ticks, turned into money once at the end.
 *
 * Sums of exponentials drift when cohorts leave them. Both are therefore set to exactly 0 when the
 * last node that contributes has gone.
 */
#include "model/fleet_body.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

/* Knots and delays become whole ticks, upward; a hair above a whole second is that second. */
static int64_t ticks_of(double seconds)
{
    return (int64_t)ceil(seconds - 1e-9);
}

void nw_model_fleet_body_init(struct nw_model_fleet_body *body, const struct nw_model_fleet *in,
                              nw_model_fleet_sink *sink, void *ctx)
{
    *body = (struct nw_model_fleet_body){
        .in = in,
        .sink = sink,
        .ctx = ctx,
        .end_tick = ticks_of(in->for_s),
        .every_ticks = ticks_of(in->policy.every_s),
        .start_ticks = ticks_of(in->start_s),
        .cold_ticks = ticks_of(in->cold_s),
        .drain_ticks = ticks_of(in->drain_s),
        .lost_tick = in->cache_lost_s > 0 ? ticks_of(in->cache_lost_s) : -1,
        .warm = in->nodes,
        .result = {.braked = NW_MODEL_SCALE_NOT_DUE, .peak_nodes = in->nodes},
    };
    body->judge_tick = body->every_ticks;
    body->fill_factor = body->cold_ticks > 0 ? exp(-3 / (double)body->cold_ticks) : 0;
    uint64_t steps = (uint64_t)((body->start_ticks + body->cold_ticks) / body->every_ticks) + 2;
    uint64_t size = 4;
    while (size < steps)
        size *= 2;
    body->ring = nw_alloc_array(size, sizeof *body->ring);
    body->ring_mask = size - 1;
    nw_model_scale_init(&body->state);
    nw_model_stream_init(&body->reading_rng, in->seed, NW_MODEL_NOISE, 1);
    nw_model_stream_init(&body->lost_rng, in->seed, NW_MODEL_LOSS, 0);
    for (size_t i = 0; i < NW_COUNT(body->turn_ticks); i++)
        body->turn_ticks[i] = INT64_MIN / 2;
}

void nw_model_fleet_body_done(struct nw_model_fleet_body *body)
{
    nw_free(body->ring);
    body->ring = NULL;
}

/* ---- nodes grow older ---- */

static struct nw_model_fleet_cohort *cohort_at(struct nw_model_fleet_body *body, uint64_t index)
{
    return &body->ring[index & body->ring_mask];
}

static void order(struct nw_model_fleet_body *body, int64_t nodes)
{
    NW_ASSERT(body->end_at - body->warm_at <= body->ring_mask);
    struct nw_model_fleet_cohort *cohort = cohort_at(body, body->end_at++);
    cohort->nodes = nodes;
    cohort->serve_tick = body->tick + body->start_ticks;
    cohort->warm_tick = cohort->serve_tick + body->cold_ticks;
    body->coming += nodes;
}

static void drain_one(struct nw_model_fleet_body *body)
{
    body->warm_missing *= (double)(body->warm - 1) / (double)body->warm;
    body->warm--;
    body->draining++;
    body->drained_tick = body->tick + body->drain_ticks;
}

static void begin_to_serve(struct nw_model_fleet_body *body)
{
    while (body->serve_at < body->end_at &&
           cohort_at(body, body->serve_at)->serve_tick <= body->tick) {
        int64_t nodes = cohort_at(body, body->serve_at++)->nodes;
        body->coming -= nodes;
        body->cold += nodes;
        body->cold_missing += (double)nodes * (body->in->hit_ratio - body->in->prewarm_ratio);
    }
}

/* A cohort that is warm has its hit ratio, unless all caches were emptied since it began. */
static void get_warm(struct nw_model_fleet_body *body)
{
    while (body->warm_at < body->serve_at &&
           cohort_at(body, body->warm_at)->warm_tick <= body->tick) {
        const struct nw_model_fleet_cohort *cohort = cohort_at(body, body->warm_at++);
        bool was_emptied = body->lost_tick > cohort->serve_tick && body->lost_tick <= body->tick;
        int64_t from = was_emptied ? body->lost_tick : cohort->serve_tick;
        double began =
            was_emptied ? body->in->hit_ratio : body->in->hit_ratio - body->in->prewarm_ratio;
        double left =
            (double)cohort->nodes * began * pow(body->fill_factor, (double)(body->tick - from));
        body->cold_missing = nw_model_fleet_most(0, body->cold_missing - left);
        if (was_emptied && body->tick < body->lost_tick + body->cold_ticks)
            body->warm_missing += left;
        body->cold -= cohort->nodes;
        body->warm += cohort->nodes;
    }
    if (body->cold == 0)
        body->cold_missing = 0;
}

static void lose_caches(struct nw_model_fleet_body *body)
{
    if (body->lost_tick < 0 || body->cold_ticks == 0)
        return;
    if (body->tick == body->lost_tick) {
        body->warm_missing = (double)body->warm * body->in->hit_ratio;
        body->cold_missing = (double)body->cold * body->in->hit_ratio;
    } else if (body->tick == body->lost_tick + body->cold_ticks) {
        body->warm_missing = 0;
    }
}

/* ---- periods and judgements ---- */

static double per_tick(double sum, int64_t ticks)
{
    return ticks > 0 ? sum / (double)ticks : 0;
}

static struct nw_model_fleet_period period_of(const struct nw_model_fleet_body *body)
{
    const struct nw_model_fleet_sums *sums = &body->sums;
    return (struct nw_model_fleet_period){
        .from_s = (double)body->period_from_tick,
        .to_s = (double)body->tick,
        .warm_nodes = body->warm,
        .cold_nodes = body->cold,
        .coming_nodes = body->coming,
        .draining_nodes = body->draining,
        .offered_per_s = per_tick(sums->offered, sums->ticks),
        .served_per_s = per_tick(sums->served, sums->ticks),
        .refused_per_s = per_tick(sums->refused, sums->ticks),
        .cpu_ratio = per_tick(sums->cpu, sums->ticks),
        .cpu_warm_ratio = per_tick(sums->cpu_warm, sums->ticks),
        .response_s = sums->served > 0 ? sums->response_s / sums->served : 0,
        .database_ratio = per_tick(sums->database, sums->ticks),
        .cost = (double)body->period_node_ticks * body->in->policy.price_per_h / 3600,
        .verdict = {.reason = NW_MODEL_SCALE_NOT_DUE},
    };
}

/* Draws the same numbers whatever the policy does: two policies meet the same luck. */
static struct nw_model_scale_seen seen_of(struct nw_model_fleet_body *body,
                                          const struct nw_model_fleet_period *period)
{
    const struct nw_model_fleet *in = body->in;
    double off = 1, serving = (double)(body->warm + body->cold);
    bool is_lost = false;
    if (in->reading_noise_ratio > 0)
        off += in->reading_noise_ratio * (2 * nw_rng_double(&body->reading_rng) - 1);
    if (in->lost_ratio > 0)
        is_lost = nw_rng_chance(&body->lost_rng, in->lost_ratio);
    body->result.lost_judgements += is_lost;
    return (struct nw_model_scale_seen){
        .now_s = period->to_s,
        .warm_nodes = body->warm,
        .cold_nodes = body->cold,
        .coming_nodes = body->coming,
        .draining_nodes = body->draining,
        .report_ratio = is_lost ? 0 : 1,
        .cpu_ratio = nw_model_fleet_least(1, period->cpu_warm_ratio * off),
        .cpu_all_ratio = nw_model_fleet_least(1, period->cpu_ratio * off),
        .latency_s = period->response_s,
        .concurrency = serving > 0 ? period->served_per_s * period->response_s / serving : 0,
        .served_per_s = period->served_per_s,
        .served_warm_per_s = per_tick(body->sums.served_warm, body->sums.ticks),
        .refused_per_s = period->refused_per_s,
        .database_ratio = period->database_ratio,
    };
}

static void turn_note(struct nw_model_fleet_body *body, int way)
{
    if (body->last_way != 0 && way != body->last_way) {
        uint32_t near = 1;
        uint64_t slot = (uint64_t)body->result.turns % NW_COUNT(body->turn_ticks);
        body->turn_ticks[slot] = INT64_MIN / 2;
        for (size_t i = 0; i < NW_COUNT(body->turn_ticks); i++)
            near += body->tick - body->turn_ticks[i] < 300;
        body->turn_ticks[slot] = body->tick;
        body->result.turns++;
        if (near > body->result.turns_in_5_min)
            body->result.turns_in_5_min = near;
    }
    body->last_way = way;
}

static void act(struct nw_model_fleet_body *body, const struct nw_model_scale_verdict *verdict)
{
    struct nw_model_fleet_result *result = &body->result;
    if (verdict->reason >= NW_MODEL_SCALE_AT_MAX)
        result->braked = verdict->reason;
    if (verdict->bottleneck != NW_MODEL_SCALE_NONE)
        result->bottleneck = verdict->bottleneck;
    if (verdict->change > 0) {
        order(body, verdict->change);
        result->added_nodes += (double)verdict->change;
        turn_note(body, 1);
    } else if (verdict->change < 0) {
        drain_one(body);
        result->taken_nodes++;
        turn_note(body, -1);
    }
    int64_t nodes = body->warm + body->cold + body->coming + body->draining;
    if (nodes > result->peak_nodes)
        result->peak_nodes = nodes;
}

static void result_add(struct nw_model_fleet_body *body)
{
    body->result.offered += body->sums.offered;
    body->result.served += body->sums.served;
    body->result.refused += body->sums.refused;
    body->response_total_s += body->sums.response_s;
    body->cpu_total += body->sums.cpu;
    body->sums = (struct nw_model_fleet_sums){0};
    body->period_from_tick = body->tick;
    body->period_node_ticks = 0;
}

static bool close_period(struct nw_model_fleet_body *body, bool is_judged)
{
    struct nw_model_fleet_period period = period_of(body);
    if (is_judged) {
        struct nw_model_scale_seen seen = seen_of(body, &period);
        nw_model_scale_judge(&body->in->policy, &body->state, &seen, &period.verdict);
        body->result.judgements++;
        act(body, &period.verdict);
    }
    result_add(body);
    return body->sink == NULL || body->sink(body->ctx, &period);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t nw_model_fleet_body_turn(struct nw_model_fleet_body *body, bool *out_goes_on)
{
    *out_goes_on = true;
    if (body->tick == body->judge_tick) {
        body->judge_tick += body->every_ticks;
        *out_goes_on = close_period(body, true);
        body->is_interrupted = !*out_goes_on;
    }
    begin_to_serve(body);
    get_warm(body);
    lose_caches(body);
    if (body->draining > 0 && body->drained_tick <= body->tick)
        body->draining = 0;

    int64_t next = least(body->end_tick, body->judge_tick);
    if (body->serve_at < body->end_at)
        next = least(next, cohort_at(body, body->serve_at)->serve_tick);
    if (body->warm_at < body->serve_at)
        next = least(next, cohort_at(body, body->warm_at)->warm_tick);
    if (body->draining > 0)
        next = least(next, body->drained_tick);
    if (body->lost_tick > body->tick)
        next = least(next, body->lost_tick);
    else if (body->lost_tick >= 0 && body->lost_tick + body->cold_ticks > body->tick)
        next = least(next, body->lost_tick + body->cold_ticks);
    return next;
}

void nw_model_fleet_body_pass(struct nw_model_fleet_body *body, int64_t ticks)
{
    int64_t nodes = body->warm + body->cold + body->coming + body->draining;
    body->node_ticks += nodes * ticks;
    body->period_node_ticks += nodes * ticks;
    body->sums.ticks += ticks;
    body->tick += ticks;
    if (nw_model_fleet_body_is_filling(body)) {
        double factor = ticks == 1 ? body->fill_factor : pow(body->fill_factor, (double)ticks);
        body->cold_missing *= factor;
        body->warm_missing *= factor;
    }
}

void nw_model_fleet_body_end(struct nw_model_fleet_body *body)
{
    struct nw_model_fleet_result *result = &body->result;
    if (body->sums.ticks > 0 && !close_period(body, false))
        body->is_interrupted = true;
    result->is_complete = !body->is_interrupted;
    result->ran_s = (double)body->tick;
    result->end_nodes = body->warm + body->cold + body->coming + body->draining;
    result->node_hours = (double)body->node_ticks / 3600;
    result->cost = (double)body->node_ticks * body->in->policy.price_per_h / 3600;
    result->response_s = result->served > 0 ? body->response_total_s / result->served : 0;
    result->cpu_ratio = per_tick(body->cpu_total, body->tick);
}

/* ---- the load ---- */

void nw_model_fleet_feed_init(struct nw_model_fleet_feed *feed, const struct nw_model_fleet *in)
{
    *feed = (struct nw_model_fleet_feed){.load = &in->load, .until_tick = 0};
    nw_model_stream_init(&feed->noise, in->seed, NW_MODEL_NOISE, 0);
}

/* The tick of a knot in this repetition; beyond the last one: of the repetition's end, or never. */
static int64_t knot_tick(const struct nw_model_fleet_feed *feed, size_t knot)
{
    if (knot < feed->load->knot_count)
        return feed->base_tick + ticks_of(feed->load->knots[knot].at_s);
    return feed->load->repeat_s > 0 ? feed->base_tick + ticks_of(feed->load->repeat_s) : INT64_MAX;
}

void nw_model_fleet_feed_seek(struct nw_model_fleet_feed *feed, int64_t tick)
{
    const struct nw_model_fleet_load *load = feed->load;
    for (;;) {
        int64_t next = knot_tick(feed, feed->at + 1);
        if (tick < next) {
            feed->until_tick = next;
            break;
        }
        if (++feed->at >= load->knot_count) {
            feed->base_tick = next;
            feed->at = 0;
        }
    }
    double from_per_s = load->knots[feed->at].rate_per_s;
    feed->slope_per_s = 0;
    if (load->is_linear && feed->at + 1 < load->knot_count) {
        int64_t begin = knot_tick(feed, feed->at);
        feed->slope_per_s = (load->knots[feed->at + 1].rate_per_s - from_per_s) /
                            (double)(feed->until_tick - begin);
        from_per_s += feed->slope_per_s * (double)(tick - begin);
    }
    feed->rate_per_s = from_per_s;
}
