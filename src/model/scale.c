/*
 * A rule that adds machines is a loop with a delay in it, and everything here is about that delay.
 *
 * What a fleet can do is counted in warm nodes: `ready` is how many warm nodes would answer what is
 * answered now. With it the rule needs no model of starting nodes: if they do half the work they
 * count half, and their own readings, which say that they start and not that there is load, are
 * used nowhere. Ordered nodes count as there, so the same need is never ordered twice.
 *
 * A reading cannot say more than 100 %, but refused requests can: CPU x (served + refused) / served
 * is what the load asks for, so a fleet of half the size learns its size in one step.
 *
 * The tolerance is asymmetric. Too few nodes hurt at once: 10 %. Too many cost money: 20 %, one
 * node at a time, and only if the last hour's peak would have fitted. Cooldown counts from the last
 * node added; between nodes taken away only the drain is waited for, since the hour's peak is the
 * stronger guard (docs/decisions/0014-the-scaling-rule.md has the numbers).
 *
 * A step is on trial until the fleet is half as large again and warm. Its forecast is that a
 * request costs the same node-seconds as before; if the cost rose so far that under half of the
 * forecast gain is left, the nodes wait for something that they share, and more of them would wait
 * too. While the new nodes are still cold, a request is taken to cost what it did before the step:
 * cold caches slow down everybody, and a rule that answers this with more cold caches runs away
 * like the one that counts them as busy. Where the database is known to be full no trial is needed.
 * Half as large again is not arbitrary: then the verdict at
 * 50 % needs a cost ratio of 1.25, and readings that err by 10 % on both sides reach 1.1 / 0.9 =
 * 1.22 at the most.
 */
#include "model/scale.h"

#include <math.h>

#include "base/assert.h"
#include "model/units.h"

static const double WINDOW_S = 15; /* up by double or 4 in so long */
static const int64_t WINDOW_NODES = 4;
static const double TRIAL_GROWTH = 1.5;  /* of ready nodes, before a step is judged */
static const double COLD_AT_TRIAL = 0.1; /* of the warm ones, at most */
static const double REPORTS_MIN = 0.5;
static const double DATABASE_FULL = 0.95;

/* What the readings mean, in warm nodes. */
struct view {
    int64_t total_nodes; /* warm, cold and coming */
    double ready;        /* warm nodes that would do what is done now */
    double busy_nodes;   /* of them, as if nothing were refused */
    double need_nodes;   /* to be at target, not rounded */
    double cost_s;       /* busy node-seconds of one request; 0 without traffic */
    nw_model_scale_signal signal;
};

struct nw_model_scale_policy nw_model_scale_default(double start_s, int64_t max_nodes)
{
    NW_ASSERT(isfinite(start_s) && start_s >= 0);
    return (struct nw_model_scale_policy){
        .target = {[NW_MODEL_SCALE_CPU] = 0.7},
        .every_s = 15,
        .cooldown_s = fmax(300, 2 * start_s),
        .band_up_ratio = 0.1,
        .band_in_ratio = 0.2,
        .in_peak_ratio = 0.7,
        .scales_in = true,
        .min_nodes = 1,
        .max_nodes = max_nodes,
        .no_benefit_ratio = 0.5,
    };
}

static const char *policy_fault(const struct nw_model_scale_policy *p)
{
    const double plain[] = {
        p->for_s,          p->cooldown_s,       p->add_ratio,     p->add_nodes,
        p->band_up_ratio,  p->band_in_ratio,    p->in_peak_ratio, p->price_per_h,
        p->max_cost_per_h, p->no_benefit_ratio, p->pool_size,     p->pool_wall};
    double targets = 0;
    for (size_t i = 0; i < NW_COUNT(plain); i++)
        if (!isfinite(plain[i]) || plain[i] < 0)
            return "a number of the policy is negative or not finite";
    for (size_t i = 0; i < NW_MODEL_SCALE_SIGNAL_COUNT; i++) {
        if (!isfinite(p->target[i]) || p->target[i] < 0)
            return "a target is negative or not finite";
        targets += p->target[i];
    }
    if (!isfinite(p->every_s) || p->every_s <= 0)
        return "the time between judgements must be above 0";
    if (targets <= 0)
        return "there is no target to scale on";
    if ((p->add_ratio > 0 || p->add_nodes > 0) && p->target[NW_MODEL_SCALE_CPU] <= 0)
        return "a step rule needs a CPU target";
    if (p->min_nodes < 1 || p->max_nodes < p->min_nodes || p->max_nodes > NW_MODEL_SCALE_NODES_MAX)
        return "nodes must be 1 <= min <= max";
    return NULL;
}

nw_err nw_model_scale_policy_check(const struct nw_model_scale_policy *policy, const char **out_why)
{
    const char *why = policy_fault(policy);
    if (why == NULL)
        return NW_OK;
    if (out_why != NULL)
        *out_why = why;
    return NW_INVALID;
}

void nw_model_scale_init(struct nw_model_scale_state *state)
{
    *state = (struct nw_model_scale_state){0};
}

/* ---- what there is to see ---- */

static bool are_counts_sensible(const struct nw_model_scale_seen *seen)
{
    const int64_t counts[] = {seen->warm_nodes, seen->cold_nodes, seen->coming_nodes,
                              seen->draining_nodes};
    for (size_t i = 0; i < NW_COUNT(counts); i++)
        if (counts[i] < 0 || counts[i] > NW_MODEL_SCALE_NODES_MAX)
            return false;
    return true;
}

/* Written so that a NaN fails each comparison. */
static bool are_readings_there(const struct nw_model_scale_policy *policy,
                               const struct nw_model_scale_seen *seen)
{
    const double readings[] = {seen->cpu_ratio,     seen->cpu_all_ratio, seen->latency_s,
                               seen->concurrency,   seen->served_per_s,  seen->served_warm_per_s,
                               seen->refused_per_s, seen->database_ratio};
    for (size_t i = 0; i < NW_COUNT(readings); i++)
        if (!(readings[i] >= 0 && readings[i] < 1e15))
            return false;
    if (!(seen->report_ratio >= REPORTS_MIN))
        return false;
    return seen->warm_nodes > 0 || (policy->counts_cold && seen->cold_nodes > 0);
}

/* Is a step on trial whose nodes still start or fill their caches? */
static bool is_trial_cold(const struct nw_model_scale_state *state,
                          const struct nw_model_scale_seen *seen)
{
    return state->has_base && (seen->coming_nodes > 0 ||
                               (double)seen->cold_nodes > COLD_AT_TRIAL * (double)seen->warm_nodes);
}

static void need_at_least(struct view *view, double nodes, nw_model_scale_signal signal)
{
    if (nodes <= view->need_nodes)
        return;
    view->need_nodes = fmin(nodes, (double)NW_MODEL_SCALE_NODES_MAX);
    view->signal = signal;
}

static struct view look(const struct nw_model_scale_policy *policy,
                        const struct nw_model_scale_state *state,
                        const struct nw_model_scale_seen *seen)
{
    const double *target = policy->target;
    double serving = (double)(seen->warm_nodes + seen->cold_nodes);
    double offered_per_s = seen->served_per_s + seen->refused_per_s, dearer = 1;
    bool is_cold = is_trial_cold(state, seen);
    struct view view = {
        .total_nodes = seen->warm_nodes + seen->cold_nodes + seen->coming_nodes,
        .ready = serving,
    };
    if (seen->served_warm_per_s > 0) {
        view.ready = fmin(serving, (double)seen->warm_nodes *
                                       fmax(1, seen->served_per_s / seen->served_warm_per_s));
        view.cost_s = (double)seen->warm_nodes * seen->cpu_ratio / seen->served_warm_per_s;
        if (is_cold && view.cost_s > state->base_cost_s)
            dearer = view.cost_s / state->base_cost_s;
    }
    double asked = seen->cpu_ratio / dearer;
    if (seen->served_per_s > 0)
        asked *= offered_per_s / seen->served_per_s;
    view.busy_nodes = view.ready * asked;
    if (target[NW_MODEL_SCALE_CPU] > 0)
        need_at_least(&view, view.busy_nodes / target[NW_MODEL_SCALE_CPU], NW_MODEL_SCALE_CPU);
    if (target[NW_MODEL_SCALE_LATENCY] > 0 && !is_cold)
        need_at_least(&view, view.ready * seen->latency_s / target[NW_MODEL_SCALE_LATENCY],
                      NW_MODEL_SCALE_LATENCY);
    if (target[NW_MODEL_SCALE_CONCURRENCY] > 0 && !is_cold)
        need_at_least(&view, view.ready * seen->concurrency / target[NW_MODEL_SCALE_CONCURRENCY],
                      NW_MODEL_SCALE_CONCURRENCY);
    return view;
}

/* ---- the last hour ---- */

static void peak_note(struct nw_model_scale_state *state, double now_s, double busy_nodes)
{
    int64_t minute = (int64_t)floor(fmin(fmax(now_s, -9e15), 9e15) / 60);
    if (!state->has_judged || minute > state->peak_minute + NW_MODEL_SCALE_PEAKS)
        state->peak_minute = minute - NW_MODEL_SCALE_PEAKS; /* nothing is left of what was */
    while (state->peak_minute < minute) {
        state->peak_minute++;
        state->peaks_nodes[(uint64_t)state->peak_minute % NW_MODEL_SCALE_PEAKS] = 0;
    }
    double *peak = &state->peaks_nodes[(uint64_t)state->peak_minute % NW_MODEL_SCALE_PEAKS];
    *peak = fmax(*peak, busy_nodes);
}

static double peak_of_hour(const struct nw_model_scale_state *state)
{
    double peak = 0;
    for (size_t i = 0; i < NW_MODEL_SCALE_PEAKS; i++)
        peak = peak > state->peaks_nodes[i] ? peak : state->peaks_nodes[i];
    return peak;
}

/* ---- brakes ---- */

int64_t nw_model_scale_bound(const struct nw_model_scale_policy *policy,
                             nw_model_scale_reason *out_which)
{
    double bound = (double)policy->max_nodes;
    nw_model_scale_reason which = NW_MODEL_SCALE_AT_MAX;
    if (policy->max_cost_per_h > 0 && policy->price_per_h > 0) {
        double paid = floor(policy->max_cost_per_h / policy->price_per_h * (1 + 1e-9));
        which = paid < bound ? NW_MODEL_SCALE_AT_COST : which;
        bound = fmin(bound, paid);
    }
    if (policy->pool_size > 0) {
        double walled = floor(policy->pool_wall / policy->pool_size * (1 + 1e-9));
        which = walled < bound ? NW_MODEL_SCALE_AT_POOL_WALL : which;
        bound = fmin(bound, walled);
    }
    *out_which = which;
    return (int64_t)bound;
}

/* Did the step on trial gain too little? Ends the trial of one that gained enough. */
static bool is_without_benefit(const struct nw_model_scale_policy *policy,
                               struct nw_model_scale_state *state, const struct view *view,
                               const struct nw_model_scale_seen *seen)
{
    if (policy->no_benefit_ratio <= 0 || !state->has_base)
        return false;
    if (view->ready < TRIAL_GROWTH * state->base_ready || is_trial_cold(state, seen))
        return false;
    double grown = view->ready - state->base_ready;
    double benefit = (state->base_cost_s * view->ready - view->cost_s * state->base_ready) /
                     (state->base_cost_s * grown);
    state->has_base = false;
    state->benefit_ratio = benefit;
    return benefit < policy->no_benefit_ratio;
}

static void stop(struct nw_model_scale_state *state, const struct nw_model_scale_seen *seen,
                 struct nw_model_scale_verdict *out)
{
    state->is_stopped = true;
    out->benefit_ratio = state->benefit_ratio;
    out->reason = NW_MODEL_SCALE_NO_BENEFIT;
    out->bottleneck =
        seen->database_ratio >= DATABASE_FULL ? NW_MODEL_SCALE_DATABASE : NW_MODEL_SCALE_SHARED;
}

/* ---- up ---- */

/* Orders so many more, as far as the brakes allow. */
static void add(const struct nw_model_scale_policy *policy, struct nw_model_scale_state *state,
                const struct view *view, const struct nw_model_scale_seen *seen, int64_t step,
                struct nw_model_scale_verdict *out)
{
    if (state->is_stopped || is_without_benefit(policy, state, view, seen)) {
        stop(state, seen, out);
        return;
    }
    if (policy->no_benefit_ratio > 0 && seen->database_ratio >= DATABASE_FULL) {
        out->reason = NW_MODEL_SCALE_NO_BENEFIT; /* for as long as it is full, no longer */
        out->bottleneck = NW_MODEL_SCALE_DATABASE;
        return;
    }
    nw_model_scale_reason which;
    int64_t room = nw_model_scale_bound(policy, &which) - view->total_nodes - seen->draining_nodes;
    out->reason = step > room ? which : NW_MODEL_SCALE_ADDED;
    step = step > room ? room : step;
    if (step <= 0)
        return;
    if (!state->has_base && view->cost_s > 0) {
        state->has_base = true;
        state->base_ready = view->ready;
        state->base_cost_s = view->cost_s;
    }
    out->change = step;
    state->has_added = true;
    state->added_s = seen->now_s;
    state->over_s = 0;
}

/* Has it been over target for long enough? Counts the time. */
static bool is_over_for_long(const struct nw_model_scale_policy *policy,
                             struct nw_model_scale_state *state,
                             const struct nw_model_scale_seen *seen, bool is_over, double elapsed_s)
{
    state->over_s = is_over ? state->over_s + elapsed_s : 0;
    if (!is_over) { /* the pain is gone: nothing is stopped, and a warm step need not be judged */
        state->is_stopped = false;
        state->has_base = state->has_base && is_trial_cold(state, seen);
    }
    return is_over && !nw_model_is_above(policy->for_s, state->over_s);
}

/* What may be there at most after this judgement: double, or 4 more, than 15 s ago. */
static int64_t growth_bound(struct nw_model_scale_state *state, double now_s, int64_t total_nodes)
{
    if (!state->has_judged || now_s - state->window_s >= WINDOW_S || now_s < state->window_s) {
        state->window_s = now_s;
        state->window_nodes = total_nodes;
    }
    int64_t by_double = 2 * state->window_nodes, by_count = state->window_nodes + WINDOW_NODES;
    return by_double > by_count ? by_double : by_count;
}

/* ---- in ---- */

static void take_one(const struct nw_model_scale_policy *policy, struct nw_model_scale_state *state,
                     const struct view *view, const struct nw_model_scale_seen *seen,
                     struct nw_model_scale_verdict *out)
{
    double left = (double)(view->total_nodes - 1), now_s = seen->now_s;
    out->reason = NW_MODEL_SCALE_IN_BAND;
    if (!policy->scales_in || view->total_nodes <= policy->min_nodes ||
        !(view->need_nodes < (double)view->total_nodes * (1 - policy->band_in_ratio)))
        return;
    out->reason = NW_MODEL_SCALE_WAITING;
    if (seen->draining_nodes + seen->coming_nodes + seen->cold_nodes > 0 ||
        now_s - state->begun_s < policy->cooldown_s ||
        (state->has_added && now_s - state->added_s < policy->cooldown_s))
        return;
    out->reason = NW_MODEL_SCALE_PEAK_NEEDED;
    if (!(peak_of_hour(state) < policy->in_peak_ratio * left))
        return;
    out->reason = NW_MODEL_SCALE_TAKEN;
    out->change = -1;
}

/* ---- the rules ---- */

static void judge_step(const struct nw_model_scale_policy *policy,
                       struct nw_model_scale_state *state, const struct view *view,
                       const struct nw_model_scale_seen *seen, double elapsed_s,
                       struct nw_model_scale_verdict *out)
{
    double reading = policy->counts_cold ? seen->cpu_all_ratio : seen->cpu_ratio;
    bool is_over = nw_model_is_above(reading, policy->target[NW_MODEL_SCALE_CPU]);
    bool is_due = is_over_for_long(policy, state, seen, is_over, elapsed_s);
    if (!is_over) {
        take_one(policy, state, view, seen, out);
        return;
    }
    out->reason = NW_MODEL_SCALE_WAITING;
    if (!is_due || (state->has_added && seen->now_s - state->added_s < policy->cooldown_s))
        return;
    double step = nw_model_ceil((double)view->total_nodes * policy->add_ratio);
    step = fmin(fmax(step, nw_model_ceil(policy->add_nodes)), (double)NW_MODEL_SCALE_NODES_MAX);
    out->wanted_nodes = view->total_nodes + (int64_t)step;
    add(policy, state, view, seen, (int64_t)step, out);
}

static void judge_proportional(const struct nw_model_scale_policy *policy,
                               struct nw_model_scale_state *state, const struct view *view,
                               const struct nw_model_scale_seen *seen, double elapsed_s,
                               struct nw_model_scale_verdict *out)
{
    bool is_over = view->total_nodes < policy->min_nodes ||
                   nw_model_is_above(view->need_nodes,
                                     (double)view->total_nodes * (1 + policy->band_up_ratio));
    bool is_due = is_over_for_long(policy, state, seen, is_over, elapsed_s);
    int64_t bound = growth_bound(state, seen->now_s, view->total_nodes);
    if (!is_over) {
        take_one(policy, state, view, seen, out);
        return;
    }
    out->reason = NW_MODEL_SCALE_WAITING;
    if (!is_due)
        return;
    int64_t wanted = out->wanted_nodes < bound ? out->wanted_nodes : bound;
    if (wanted > view->total_nodes)
        add(policy, state, view, seen, wanted - view->total_nodes, out);
}

void nw_model_scale_judge(const struct nw_model_scale_policy *policy,
                          struct nw_model_scale_state *state,
                          const struct nw_model_scale_seen *seen,
                          struct nw_model_scale_verdict *out)
{
    NW_ASSERT(policy->every_s > 0 && policy->min_nodes >= 1);
    NW_ASSERT(policy->max_nodes >= policy->min_nodes);
    NW_ASSERT(isfinite(seen->now_s));
    *out = (struct nw_model_scale_verdict){.reason = NW_MODEL_SCALE_NOT_DUE};
    double elapsed_s = state->has_judged ? seen->now_s - state->judged_s : policy->every_s;
    if (elapsed_s >= 0 && nw_model_is_above(policy->every_s, elapsed_s))
        return;
    if (!state->has_judged || elapsed_s < 0) { /* a clock that jumped back begins anew */
        nw_model_scale_init(state);
        state->begun_s = seen->now_s;
        elapsed_s = policy->every_s;
    }

    out->reason = NW_MODEL_SCALE_LOST;
    if (are_counts_sensible(seen) && are_readings_there(policy, seen)) {
        struct view view = look(policy, state, seen);
        peak_note(state, seen->now_s, view.busy_nodes);
        out->signal = view.signal;
        out->wanted_nodes = (int64_t)nw_model_ceil(view.need_nodes);
        if (out->wanted_nodes < policy->min_nodes)
            out->wanted_nodes = policy->min_nodes;
        if (policy->add_ratio > 0 || policy->add_nodes > 0)
            judge_step(policy, state, &view, seen, elapsed_s, out);
        else
            judge_proportional(policy, state, &view, seen, elapsed_s, out);
    }
    state->has_judged = true;
    state->judged_s = seen->now_s;
}

/* ---- words ---- */

const char *nw_model_scale_reason_name(nw_model_scale_reason reason)
{
    static const char *const names[NW_MODEL_SCALE_REASON_COUNT] = {
        [NW_MODEL_SCALE_NOT_DUE] = "not due",
        [NW_MODEL_SCALE_LOST] = "metrics lost",
        [NW_MODEL_SCALE_IN_BAND] = "in band",
        [NW_MODEL_SCALE_WAITING] = "waiting",
        [NW_MODEL_SCALE_ADDED] = "added",
        [NW_MODEL_SCALE_TAKEN] = "taken away",
        [NW_MODEL_SCALE_PEAK_NEEDED] = "kept for the last hour's peak",
        [NW_MODEL_SCALE_AT_MAX] = "at max",
        [NW_MODEL_SCALE_AT_COST] = "at max_cost",
        [NW_MODEL_SCALE_AT_POOL_WALL] = "at the pool wall",
        [NW_MODEL_SCALE_NO_BENEFIT] = "stopped: no benefit",
    };
    return names[reason];
}

const char *nw_model_scale_bottleneck_name(nw_model_scale_bottleneck bottleneck)
{
    static const char *const names[] = {"none", "database", "something the nodes share"};
    return names[bottleneck];
}

const char *nw_model_scale_signal_name(nw_model_scale_signal signal)
{
    static const char *const names[] = {"cpu", "latency", "concurrency"};
    return names[signal];
}
