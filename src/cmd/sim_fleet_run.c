/*
 * Files are sampled run by run, not file by file: whatever of it is counted, also at Ctrl-C, all of
 * them have met the same seeds, so a difference is always one of pairs.
 */
#include "cmd/sim_fleet_run.h"

#include <math.h>

#include "base/alloc.h"
#include "cmd/jobs.h"
#include "io/console.h"
#include "model/stats.h"

/* From so many runs on, each is looked at; from 100 on, one in each hundredth part of them. */
enum { PRECISION_RUNS_MIN = 10 };

/* ---- one course ---- */

static void row_add(struct fleet_row *row, const struct nw_model_fleet_period *period)
{
    double length_s = period->to_s - period->from_s, served = period->served_per_s * length_s;
    row->to_s = period->to_s;
    row->warm = (double)period->warm_nodes;
    row->cold = (double)period->cold_nodes;
    row->coming = (double)period->coming_nodes;
    row->draining = (double)period->draining_nodes;
    row->offered += period->offered_per_s * length_s;
    row->served += served;
    row->refused += period->refused_per_s * length_s;
    row->cpu_s += period->cpu_ratio * length_s;
    row->database_s += period->database_ratio * length_s;
    row->response_total_s += period->response_s * served;
    row->cost += period->cost;
}

static void rows_halve(struct fleet_course *course)
{
    for (size_t i = 0; i < FLEET_ROWS_MAX / 2; i++) {
        struct fleet_row row = course->rows[2 * i + 1];
        const struct fleet_row *before = &course->rows[2 * i];
        row.from_s = before->from_s;
        row.offered += before->offered;
        row.served += before->served;
        row.refused += before->refused;
        row.cpu_s += before->cpu_s;
        row.database_s += before->database_s;
        row.response_total_s += before->response_total_s;
        row.cost += before->cost;
        course->rows[i] = row;
    }
    course->row_count = FLEET_ROWS_MAX / 2;
    course->periods_per_row *= 2;
    course->periods_in_last = course->periods_per_row;
}

static void course_add(struct fleet_course *course, const struct nw_model_fleet_period *period)
{
    if (course->row_count > 0 && course->periods_in_last < course->periods_per_row) {
        row_add(&course->rows[course->row_count - 1], period);
        course->periods_in_last++;
        return;
    }
    if (course->row_count == FLEET_ROWS_MAX)
        rows_halve(course);
    course->rows[course->row_count] = (struct fleet_row){.from_s = period->from_s};
    row_add(&course->rows[course->row_count++], period);
    course->periods_in_last = 1;
}

static void change_add(struct fleet_course *course, const struct nw_model_fleet_period *period)
{
    const struct nw_model_scale_verdict *verdict = &period->verdict;
    bool is_brake = verdict->reason >= NW_MODEL_SCALE_AT_MAX;
    bool is_news = verdict->change != 0 || (is_brake && verdict->reason != course->last_brake);
    if (verdict->reason != NW_MODEL_SCALE_LOST && verdict->reason != NW_MODEL_SCALE_NOT_DUE)
        course->last_brake = is_brake ? verdict->reason : NW_MODEL_SCALE_NOT_DUE;
    if (!is_news)
        return;
    if (course->change_count == FLEET_CHANGES_MAX) {
        course->changes_left_out++;
        return;
    }
    if (course->change_count == course->change_room) {
        course->change_room = course->change_room == 0 ? 64 : 2 * course->change_room;
        course->changes =
            nw_realloc(course->changes, course->change_room * sizeof *course->changes);
    }
    int64_t before = period->warm_nodes + period->cold_nodes + period->coming_nodes;
    course->changes[course->change_count++] = (struct fleet_change){
        .at_s = period->to_s,
        .change = verdict->change,
        .nodes = before + verdict->change,
        .reason = verdict->reason,
        .bottleneck = verdict->bottleneck,
    };
}

/* On a terminal: how far the run is, when a thousandth more of it is played. */
struct watch {
    struct fleet_course *course;
    double for_s;
    unsigned shown_permille;
};

static void show_course(struct watch *watch, double at_s)
{
    double permille = 1000 * at_s / watch->for_s;
    if (!nw_console_has_progress() || permille < watch->shown_permille + 1)
        return;
    struct nw_text line = {0};
    watch->shown_permille = (unsigned)permille;
    nw_text_addf(&line, "playing: %.1f%%", watch->shown_permille / 10.0);
    nw_console_progress(nw_text_slice(&line));
    nw_text_done(&line);
}

static bool keep(void *ctx, const struct nw_model_fleet_period *period)
{
    struct watch *watch = ctx;
    course_add(watch->course, period);
    change_add(watch->course, period);
    show_course(watch, period->to_s);
    return !nw_console_is_interrupted();
}

nw_err fleet_course_run(const struct nw_model_fleet *fleet, struct fleet_course *out)
{
    *out = (struct fleet_course){.periods_per_row = 1, .last_brake = NW_MODEL_SCALE_NOT_DUE};
    struct watch watch = {.course = out, .for_s = fleet->for_s};
    nw_err err = nw_model_fleet_run(fleet, keep, &watch, &out->result);
    nw_console_progress(NW_SLICE(""));
    if (err != NW_OK)
        fleet_course_done(out);
    return err;
}

void fleet_course_done(struct fleet_course *course)
{
    nw_free(course->changes);
    course->changes = NULL;
}

/* ---- what a fleet is like ---- */

double fleet_measure_of(const struct nw_model_fleet_result *result, fleet_measure measure)
{
    switch (measure) {
    case FLEET_COST: return result->cost;
    case FLEET_NODE_HOURS: return result->node_hours;
    case FLEET_PEAK_NODES: return (double)result->peak_nodes;
    case FLEET_END_NODES: return (double)result->end_nodes;
    case FLEET_REFUSED_RATIO: return result->offered > 0 ? result->refused / result->offered : 0;
    case FLEET_RESPONSE_S:
    case FLEET_MEASURE_COUNT: break;
    }
    return result->response_s;
}

bool fleet_has_chance(const struct nw_model_fleet *fleet)
{
    if (fleet->load.noise_ratio > 0 || fleet->reading_noise_ratio > 0 || fleet->lost_ratio > 0)
        return true;
    return fleet->engine == NW_MODEL_FLEET_EVENT &&
           (fleet->arrivals == NW_MODEL_FLEET_POISSON || fleet->service_cv > 0 ||
            fleet->balance == NW_MODEL_FLEET_RANDOM ||
            fleet->balance == NW_MODEL_FLEET_TWO_CHOICES);
}

bool fleet_runs_away(const struct nw_model_fleet *fleet, double *out_cold_ratio)
{
    const struct nw_model_scale_policy *policy = &fleet->policy;
    if (!policy->counts_cold || policy->add_ratio <= 0 || fleet->cold_cpu_ratio < 1)
        return false;
    double between_s = fmax(fmax(policy->every_s, policy->for_s), policy->cooldown_s);
    double steps = ceil(fleet->cold_s / between_s - 1e-9);
    double cold_ratio = 1 - pow(1 + policy->add_ratio, -steps);
    if (!(cold_ratio > policy->target[NW_MODEL_SCALE_CPU]))
        return false;
    *out_cold_ratio = cold_ratio;
    return true;
}

/* ---- many runs ---- */

struct playing {
    struct fleet_sampling *sampling;
    double total_s;    /* of all runs */
    uint64_t played_s; /* so far; added to by all threads */
};

/* One run of one file. */
struct leg {
    uint64_t *played_s;
    uint64_t at_s;
};

static bool go_on(void *ctx, const struct nw_model_fleet_period *period)
{
    struct leg *leg = ctx;
    uint64_t at_s = (uint64_t)period->to_s;
    __atomic_fetch_add(leg->played_s, at_s - leg->at_s, __ATOMIC_RELAXED);
    leg->at_s = at_s;
    return !nw_console_is_interrupted();
}

/* The costs, or their differences to the first file's, known well enough? */
static bool is_precise(const struct fleet_sampling *sampling, size_t runs)
{
    const double *first = sampling->samples[0].values[FLEET_COST];
    if (runs < PRECISION_RUNS_MIN || runs % (1 + runs / 100) != 0)
        return false;
    struct nw_model_interval base = nw_model_interval_of(first, runs);
    if (sampling->file_count == 1)
        return nw_model_interval_is_precise(&base, sampling->precision);
    for (size_t i = 1; i < sampling->file_count; i++) {
        struct nw_model_interval difference =
            nw_model_interval_paired(sampling->samples[i].values[FLEET_COST], first, runs);
        if (difference.half > sampling->precision * fabs(base.mean))
            return false;
    }
    return true;
}

/* Jobs are ordered by run, then by file. */
static nw_err play_one(void *ctx, size_t job)
{
    struct playing *playing = ctx;
    struct fleet_sampling *sampling = playing->sampling;
    size_t run = job / sampling->file_count, file = job % sampling->file_count;
    struct nw_model_fleet fleet = sampling->files[file]->fleet;
    struct nw_model_fleet_result result;
    struct leg leg = {.played_s = &playing->played_s};
    fleet.seed = sampling->seed + run;
    NW_TRY(nw_model_fleet_run(&fleet, go_on, &leg, &result));
    if (!result.is_complete)
        return NW_CANCELLED;
    for (int m = 0; m < FLEET_MEASURE_COUNT; m++)
        sampling->samples[file].values[m][run] = fleet_measure_of(&result, (fleet_measure)m);
    return NW_OK;
}

static bool is_enough(void *ctx, size_t done)
{
    const struct fleet_sampling *sampling = ((const struct playing *)ctx)->sampling;
    return done % sampling->file_count == 0 && is_precise(sampling, done / sampling->file_count);
}

static void show_progress(void *ctx, size_t ended)
{
    const struct playing *playing = ctx;
    const struct fleet_sampling *sampling = playing->sampling;
    struct nw_text line = {0};
    double played_s = (double)__atomic_load_n(&playing->played_s, __ATOMIC_RELAXED);
    nw_text_addf(&line, "playing: %.1f%%, %zu of %s%zu runs", 100 * played_s / playing->total_s,
                 ended / sampling->file_count, sampling->precision > 0 ? "at most " : "",
                 sampling->runs_max);
    nw_console_progress(nw_text_slice(&line));
    nw_text_done(&line);
}

nw_err fleet_sample(struct fleet_sampling *sampling)
{
    struct playing playing = {.sampling = sampling};
    size_t count = sampling->runs_max * sampling->file_count;
    for (size_t i = 0; i < sampling->file_count; i++) {
        playing.total_s += sampling->files[i]->fleet.for_s * (double)sampling->runs_max;
        for (int m = 0; m < FLEET_MEASURE_COUNT; m++)
            sampling->samples[i].values[m] = nw_alloc_array(sampling->runs_max, sizeof(double));
    }
    struct jobs jobs = {
        .play = play_one,
        .is_enough = sampling->precision > 0 ? is_enough : NULL,
        .progress = nw_console_has_progress() ? show_progress : NULL,
        .ctx = &playing,
        .count = count,
        .threads = jobs_threads(sampling->threads, count),
        .stop = nw_console_stop(),
    };
    nw_err err = jobs_play(&jobs);
    nw_console_progress(NW_SLICE(""));
    for (size_t i = 0; i < sampling->file_count; i++)
        sampling->samples[i].count = jobs.done / sampling->file_count;
    sampling->is_stopped = jobs.is_stopped;
    return err;
}

void fleet_samples_free(struct fleet_sample *samples, size_t count)
{
    for (size_t i = 0; samples != NULL && i < count; i++)
        for (int m = 0; m < FLEET_MEASURE_COUNT; m++)
            nw_free(samples[i].values[m]);
    nw_free(samples);
}
