/*
 * fleet_body.h - what both fleet engines share: the nodes on their way, their caches, the bill and
 * the judgements. An engine only adds what happens to the requests of a tick.
 *
 * A body holds no node by itself. Steps are cohorts in a ring, oldest first; as every node starts
 * and warms for equally long, cohorts change state in the order in which they were ordered, so a
 * tick touches at most the two ends. How cold the caches are is one sum for all cold nodes and one
 * for the warm ones: an exponential decays by the same factor whenever it began.
 *
 * Owner:   the engine; _done frees the ring
 * Threads: one body, one thread
 */
#ifndef NW_MODEL_FLEET_BODY_H
#define NW_MODEL_FLEET_BODY_H

#include "model/fleetsim.h"
#include "model/random.h"

struct nw_model_fleet_cohort {
    int64_t serve_tick, warm_tick;
    int64_t nodes;
};

/* fmin and fmax are calls, since they must think of NaN; no number here is one. */
static inline double nw_model_fleet_least(double a, double b)
{
    return a < b ? a : b;
}
static inline double nw_model_fleet_most(double a, double b)
{
    return a > b ? a : b;
}

/* Sums over the ticks of the open period. */
struct nw_model_fleet_sums {
    int64_t ticks;
    double offered, served, served_warm, refused;
    double cpu, cpu_warm; /* means over nodes, summed over ticks */
    double response_s;    /* summed over the requests served */
    double database;      /* busy part, summed over ticks */
};

struct nw_model_fleet_body {
    const struct nw_model_fleet *in;
    nw_model_fleet_sink *sink;
    void *ctx;
    bool is_interrupted;
    int64_t tick, end_tick, judge_tick; /* judge_tick: of the next judgement */
    int64_t every_ticks, start_ticks, cold_ticks, drain_ticks, lost_tick;

    int64_t warm, cold, coming, draining;
    int64_t drained_tick;
    struct nw_model_fleet_cohort *ring;
    uint64_t ring_mask, warm_at, serve_at, end_at; /* oldest not warm, not serving; next free */

    double cold_missing, warm_missing; /* hit ratio still missing, summed over nodes */
    double fill_factor;                /* of it is left after a tick */

    int64_t node_ticks, period_from_tick, period_node_ticks;
    struct nw_model_fleet_sums sums;
    struct nw_model_scale_state state;
    struct nw_rng reading_rng, lost_rng;
    int last_way; /* 1 up, -1 in, 0 nothing yet */
    int64_t turn_ticks[8];
    double cpu_total; /* summed over ticks */
    double response_total_s;
    struct nw_model_fleet_result result;
};

void nw_model_fleet_body_init(struct nw_model_fleet_body *body, const struct nw_model_fleet *in,
                              nw_model_fleet_sink *sink, void *ctx);
void nw_model_fleet_body_done(struct nw_model_fleet_body *body);

/*
 * At the start of body->tick: judges when it is due and lets nodes grow older. Returns the first
 * tick at which something of this can happen again (at most end_tick); until then the four node
 * counts stay. False in *out_goes_on when the sink ended the run.
 */
int64_t nw_model_fleet_body_turn(struct nw_model_fleet_body *body, bool *out_goes_on);
/* `ticks` passed with the nodes as they are: the bill, and caches that filled. */
void nw_model_fleet_body_pass(struct nw_model_fleet_body *body, int64_t ticks);
/* After the last tick: closes the open period and completes body->result. */
void nw_model_fleet_body_end(struct nw_model_fleet_body *body);

/* Warm nodes that would do what the serving nodes can. */
static inline double nw_model_fleet_body_weight(const struct nw_model_fleet_body *body)
{
    return (double)body->warm + body->in->cold_rate_ratio * (double)body->cold;
}
/* Database queries per request, as the caches are now. */
static inline double nw_model_fleet_body_queries(const struct nw_model_fleet_body *body)
{
    double missing = body->warm_missing + body->in->cold_rate_ratio * body->cold_missing;
    double miss_ratio = 1 - body->in->hit_ratio;
    if (missing > 0)
        miss_ratio += missing / nw_model_fleet_body_weight(body);
    return body->in->queries * miss_ratio;
}
/* Do the caches change from tick to tick? */
static inline bool nw_model_fleet_body_is_filling(const struct nw_model_fleet_body *body)
{
    return body->in->database_per_s > 0 && body->cold_missing + body->warm_missing > 0;
}

/* One for each engine; they write out only on success. */
NW_MUST_CHECK nw_err nw_model_fleet_fluid_run(const struct nw_model_fleet *fleet,
                                              nw_model_fleet_sink *sink, void *ctx,
                                              struct nw_model_fleet_result *out);
NW_MUST_CHECK nw_err nw_model_fleet_event_run(const struct nw_model_fleet *fleet,
                                              nw_model_fleet_sink *sink, void *ctx,
                                              struct nw_model_fleet_result *out);

/* ---- the load, tick by tick ---- */

struct nw_model_fleet_feed {
    const struct nw_model_fleet_load *load;
    size_t at;          /* knot that holds */
    int64_t base_tick;  /* where the current repetition began */
    int64_t until_tick; /* the next knot's tick */
    double rate_per_s;  /* in the tick asked for */
    double slope_per_s; /* change per tick until then */
    struct nw_rng noise;
};

void nw_model_fleet_feed_init(struct nw_model_fleet_feed *feed, const struct nw_model_fleet *in);
/* Sets rate, slope and until_tick for `tick`; ticks only go forward. */
void nw_model_fleet_feed_seek(struct nw_model_fleet_feed *feed, int64_t tick);
/* What a tick's rate becomes with noise; draws only when there is any. */
static inline double nw_model_fleet_feed_noisy(struct nw_model_fleet_feed *feed, double rate_per_s)
{
    if (feed->load->noise_ratio <= 0)
        return rate_per_s;
    double off = (double)(nw_rng_next(&feed->noise) >> 11) * 0x1p-52 - 1;
    return rate_per_s * (1 + feed->load->noise_ratio * off);
}

#endif
