/*
 * Requests as a liquid. Between two things that happen (a judgement, a cohort that changes state, a
 * knot of the load) the fleet is the same in every tick, so where nothing is over capacity the
 * ticks of such a segment are added up by the sum of an arithmetic series, exactly: its mean is
 * the mean of its ends. Noise needs a loop; overload and filling caches go tick by tick.
 *
 * A liquid does not queue below capacity, requests do: their wait comes from the queueing formula
 * at the tick's utilisation, or the segment's mean. The formula costs 30 to 60 ns, a tick 10: its
 * values are kept on a grid of 1/512 until the number of nodes changes.
 */
#include "model/fleet_body.h"

#include <math.h>

#include "base/assert.h"

enum { WAIT_CELLS = 512, WAIT_STEEP = 8 };

struct fluid {
    struct nw_model_fleet_body body;
    struct nw_model_fleet_feed feed;
    double backlog;    /* requests that wait */
    double weight;     /* this segment: warm nodes' worth of the serving ones */
    double full_per_s; /* what they serve when the database bears it */
    double service_s;  /* mean, cold ones included */
    double queries;
    double wait_nodes;           /* for so many nodes */
    double wait[WAIT_CELLS + 1]; /* at utilisation i / WAIT_CELLS; -1: not asked for yet */
};

static NW_NOINLINE double wait_compute(struct fluid *fluid, int cell)
{
    fluid->wait[cell] =
        nw_model_fleet_wait(fluid->body.in, fluid->wait_nodes, (double)cell / WAIT_CELLS);
    return fluid->wait[cell];
}

static void waits_begin(struct fluid *fluid)
{
    double nodes = (double)(fluid->body.warm + fluid->body.cold);
    if (nodes == fluid->wait_nodes)
        return;
    fluid->wait_nodes = nodes;
    for (int i = 0; i <= WAIT_CELLS; i++)
        fluid->wait[i] = -1;
}

/* In service times, between 0 and 1 busy; after waits_begin. The last cells are too steep. */
static inline double wait_of(struct fluid *fluid, double busy)
{
    int cell = (int)(busy * WAIT_CELLS);
    if (NW_UNLIKELY(cell > WAIT_CELLS - WAIT_STEEP))
        return nw_model_fleet_wait(fluid->body.in, fluid->wait_nodes, busy);
    double low = fluid->wait[cell], high = fluid->wait[cell + 1];
    if (NW_UNLIKELY(low < 0))
        low = wait_compute(fluid, cell);
    if (NW_UNLIKELY(high < 0))
        high = wait_compute(fluid, cell + 1);
    return low + (high - low) * (busy * WAIT_CELLS - cell);
}

/* Nobody waits for longer than wait_s: he is refused instead. */
static double response_s(struct fluid *fluid, double busy)
{
    double wait = wait_of(fluid, nw_model_fleet_least(busy, 1)) * fluid->service_s;
    return fluid->service_s + nw_model_fleet_least(wait, fluid->body.in->wait_s);
}

static void segment_begin(struct fluid *fluid)
{
    const struct nw_model_fleet *in = fluid->body.in;
    double working = (double)fluid->body.warm;
    if (in->cold_rate_ratio > 0)
        working += (double)fluid->body.cold;
    waits_begin(fluid);
    fluid->weight = nw_model_fleet_body_weight(&fluid->body);
    fluid->full_per_s = in->node_rate_per_s * fluid->weight;
    fluid->service_s = fluid->weight > 0 ? working / fluid->full_per_s : 0;
    fluid->queries = in->database_per_s > 0 ? nw_model_fleet_body_queries(&fluid->body) : 0;
}

/* Readings of `ticks` with these nodes; busy is summed over them. */
static void readings_add(struct fluid *fluid, double busy, double cold_busy, int64_t ticks)
{
    struct nw_model_fleet_sums *sums = &fluid->body.sums;
    double warm = (double)fluid->body.warm, cold = (double)fluid->body.cold;
    if (cold > 0)
        sums->cpu += (warm * busy + cold * cold_busy) / (warm + cold);
    else
        sums->cpu += warm > 0 ? busy : 0;
    sums->cpu_warm += warm > 0 ? busy : 0;
    nw_model_fleet_body_pass(&fluid->body, ticks);
}

static void served_add(struct fluid *fluid, double served, double mean_response_s)
{
    struct nw_model_fleet_sums *sums = &fluid->body.sums;
    sums->served += served;
    if (fluid->weight > 0)
        sums->served_warm += served * ((double)fluid->body.warm / fluid->weight);
    sums->response_s += served * mean_response_s;
    if (fluid->body.in->database_per_s > 0)
        sums->database += served * fluid->queries / fluid->body.in->database_per_s;
}

/* One tick, whatever it brings. */
static void tick(struct fluid *fluid, double rate_per_s)
{
    const struct nw_model_fleet *in = fluid->body.in;
    double arrived = nw_model_fleet_feed_noisy(&fluid->feed, rate_per_s);
    double work = fluid->backlog + arrived, capacity = fluid->full_per_s;
    if (in->database_per_s > 0 &&
        nw_model_fleet_least(work, capacity) * fluid->queries > in->database_per_s)
        capacity = in->database_per_s / fluid->queries; /* the herd: all wait for the database */
    double served = nw_model_fleet_least(work, capacity);
    double left = work - served, kept = nw_model_fleet_least(left, capacity * in->wait_s);
    double busy = kept > 0 || capacity <= 0 ? 1 : nw_model_fleet_least(1, arrived / capacity);
    fluid->backlog = kept;
    fluid->body.sums.offered += arrived;
    fluid->body.sums.refused += left - kept;
    if (served > 0) {
        double service_s = fluid->service_s * (fluid->full_per_s / capacity);
        double response = kept > 0 ? service_s + kept / capacity : response_s(fluid, busy);
        served_add(fluid, served, response);
    }
    readings_add(fluid, busy, nw_model_fleet_most(in->cold_cpu_ratio, busy), 1);
}

/* Do all ticks stay under capacity, whatever the noise does? */
static bool is_calm(const struct fluid *fluid, double first, double last)
{
    const struct nw_model_fleet *in = fluid->body.in;
    double most = nw_model_fleet_most(first, last) * (1 + in->load.noise_ratio);
    if (fluid->backlog > 0 || fluid->full_per_s <= 0 || most > fluid->full_per_s)
        return false;
    return in->database_per_s <= 0 || most * fluid->queries <= in->database_per_s;
}

/* Is the reading of cold nodes one sum? */
static bool is_plain(const struct fluid *fluid, double first, double last)
{
    double cold_from = fluid->body.in->cold_cpu_ratio * fluid->full_per_s;
    if (fluid->body.in->load.noise_ratio > 0)
        return false;
    return fluid->body.cold == 0 || nw_model_fleet_most(first, last) <= cold_from ||
           nw_model_fleet_least(first, last) >= cold_from;
}

static void calm_ticks(struct fluid *fluid, double first, double last, int64_t ticks)
{
    double offered = (double)ticks * ((first + last) / 2);
    double busy = offered / fluid->full_per_s, cold = fluid->body.in->cold_cpu_ratio;
    fluid->body.sums.offered += offered;
    if (offered > 0)
        served_add(fluid, offered, response_s(fluid, busy / (double)ticks));
    readings_add(fluid, busy, nw_model_fleet_most(cold * (double)ticks, busy), ticks);
}

/* The same where each tick differs. The generator stays in registers. */
static void noisy_ticks(struct fluid *fluid, double rate, double slope, int64_t ticks)
{
    double part = 1 / fluid->full_per_s, cold_ratio = fluid->body.in->cold_cpu_ratio;
    double wait_most = fluid->body.in->wait_s / fluid->service_s;
    double offered = 0, waits = 0, cold = 0;
    struct nw_model_fleet_feed feed = {.load = fluid->feed.load, .noise = fluid->feed.noise};
    for (int64_t i = 0; i < ticks; i++) {
        double wanted = nw_model_fleet_most(0, rate + slope * (double)i);
        double arrived = nw_model_fleet_feed_noisy(&feed, wanted), busy = arrived * part;
        offered += arrived;
        waits += arrived * nw_model_fleet_least(wait_of(fluid, busy), wait_most);
        cold += nw_model_fleet_most(cold_ratio, busy);
    }
    fluid->feed.noise = feed.noise;
    fluid->body.sums.offered += offered;
    if (offered > 0)
        served_add(fluid, offered, fluid->service_s * (1 + waits / offered));
    readings_add(fluid, offered * part, cold, ticks);
}

/* From body.tick to `end`, over which nodes and the load's slope stay. */
static void segment(struct fluid *fluid, int64_t end)
{
    double rate = fluid->feed.rate_per_s, slope = fluid->feed.slope_per_s;
    int64_t ticks = end - fluid->body.tick;
    double last = rate + slope * (double)(ticks - 1);
    bool is_filling = nw_model_fleet_body_is_filling(&fluid->body);
    segment_begin(fluid);
    if (!is_filling && is_calm(fluid, rate, last) && is_plain(fluid, rate, last)) {
        calm_ticks(fluid, rate, last, ticks);
    } else if (!is_filling && is_calm(fluid, rate, last)) {
        noisy_ticks(fluid, rate, slope, ticks);
    } else {
        for (int64_t i = 0; i < ticks; i++) {
            if (is_filling)
                fluid->queries = nw_model_fleet_body_queries(&fluid->body);
            tick(fluid, nw_model_fleet_most(0, rate + slope * (double)i));
        }
    }
}

nw_err nw_model_fleet_fluid_run(const struct nw_model_fleet *fleet, nw_model_fleet_sink *sink,
                                void *ctx, struct nw_model_fleet_result *out)
{
    struct fluid fluid = {.wait_nodes = -1};
    bool goes_on = true;
    nw_model_fleet_body_init(&fluid.body, fleet, sink, ctx);
    nw_model_fleet_feed_init(&fluid.feed, fleet);
    while (fluid.body.tick < fluid.body.end_tick) {
        int64_t end = nw_model_fleet_body_turn(&fluid.body, &goes_on);
        if (!goes_on)
            break;
        nw_model_fleet_feed_seek(&fluid.feed, fluid.body.tick);
        end = fluid.feed.until_tick < end ? fluid.feed.until_tick : end;
        segment(&fluid, end);
    }
    nw_model_fleet_body_end(&fluid.body);
    *out = fluid.body.result;
    nw_model_fleet_body_done(&fluid.body);
    return NW_OK;
}
