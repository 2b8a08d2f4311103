/*
 * What the options of a queue scenario mean together, and how they become the model's description.
 * Every mistake is told at its own place before anything is read or played. Numbers are bounded by
 * sim_queue.def; the model's own judgement, at the end, catches what no single bound can say.
 */
#include <math.h>

#include "base/assert.h"
#include "cmd/sim_queue.h"

/* What is given where, and what was wrong so far. */
struct reading {
    struct sim_queue *sim;
    struct nw_arena *arena;
    struct nw_diag *diag;
    size_t mistakes;
};

#define BLAME(reading, at, option, hint, ...)                                                      \
    (nw_conf_block_blame((reading)->sim->name, at, option, hint, (reading)->diag, __VA_ARGS__),    \
     (reading)->mistakes++)

/* ---- lists of texts ---- */

static size_t word_count(const struct nw_conf_strings *list)
{
    struct nw_slice rest = {0}, word;
    size_t count = 0;
    for (size_t item = 0; nw_conf_words_next(list, &item, &rest, &word);)
        count++;
    return count;
}

static bool read_span(struct reading *r, const struct nw_conf_block *at, const char *option,
                      struct nw_slice text, double *out_s)
{
    struct nw_conf_why why = {0};
    if (nw_conf_value_span(text, out_s, &why) != NW_OK) {
        BLAME(r, at, option, why.hint, "`%.*s`: %s", NW_SLICE_ARG(text), why.sentence);
        return false;
    }
    if (*out_s > NW_MODEL_QUEUE_S_MAX)
        BLAME(r, at, option, NULL, "`%.*s` is more than 11574d", NW_SLICE_ARG(text));
    return *out_s <= NW_MODEL_QUEUE_S_MAX;
}

static void read_services(struct reading *r, const struct nw_conf_block *at,
                          const struct nw_conf_strings *list, struct nw_model_service_law *to)
{
    struct nw_slice rest = {0}, word;
    double *times_s = nw_arena_zero(r->arena, (word_count(list) + 1) * sizeof *times_s), sum_s = 0;
    to->law = NW_MODEL_LAW_LIST;
    to->list_count = 0;
    for (size_t item = 0; nw_conf_words_next(list, &item, &rest, &word);)
        if (read_span(r, at, "services", word, &times_s[to->list_count]))
            sum_s += times_s[to->list_count++];
    to->list_s = times_s;
    if (sum_s < 1e-6 * (double)to->list_count)
        BLAME(r, at, "services", NULL, "their mean must be at least 1us");
}

static void read_outages(struct reading *r, const struct nw_conf_block *at,
                         const struct nw_conf_strings *list, struct nw_model_queue_group *to)
{
    struct nw_slice rest = {0}, word;
    struct nw_model_window *outages =
        nw_arena_zero(r->arena, (word_count(list) + 1) * sizeof *outages);
    double last_s = 0;
    for (size_t item = 0; nw_conf_words_next(list, &item, &rest, &word);) {
        double from_s, length_s;
        size_t plus = nw_slice_find(word, '+');
        if (plus == word.len) {
            BLAME(r, at, "outages", "write start+length: 60s+2m", "`%.*s` has no length",
                  NW_SLICE_ARG(word));
            continue;
        }
        if (!read_span(r, at, "outages", nw_slice_first(word, plus), &from_s) ||
            !read_span(r, at, "outages", nw_slice_skip(word, plus + 1), &length_s))
            continue;
        if (from_s < last_s || from_s + length_s > NW_MODEL_QUEUE_S_MAX)
            BLAME(r, at, "outages", NULL,
                  "`%.*s` begins before the one above it has ended, or is "
                  "too late",
                  NW_SLICE_ARG(word));
        last_s = from_s + length_s;
        outages[to->outage_count++] = (struct nw_model_window){from_s, last_s};
    }
    to->outages = outages;
}

/* ---- groups ---- */

static bool is_whole(double value)
{
    return value == floor(value);
}

static void judge_law(struct reading *r, const struct nw_conf_block *at, const char *const *given,
                      size_t given_count, bool has_list)
{
    for (size_t i = 0; has_list && i < given_count; i++)
        if (given[i] != NULL)
            BLAME(r, at, given[i], "keep one of them", "services lists the times already");
}

static void take_backoff(struct reading *r, const struct sim_queue_backoff *from,
                         struct nw_model_queue_group *to)
{
    to->backoff_s = from->base_s;
    to->backoff_s_max = from->most_s;
    to->backoff_s_min = from->least_s;
    to->has_jitter = from->jitter;
    if (from->least_s > from->most_s)
        BLAME(r, &from->block, "least", NULL, "is more than `most`");
}

/* The group as a file's top level describes it; what a group says itself goes over it. */
static void take_top(struct reading *r, struct nw_model_queue_group *to)
{
    const struct sim_queue_top *top = &r->sim->top;
    const char *const given[] = {SIM_QUEUE_GIVEN(top, top, service) ? "service" : NULL,
                                 SIM_QUEUE_GIVEN(top, top, law) ? "law" : NULL};
    *to = (struct nw_model_queue_group){
        .workers = (uint32_t)nw_conf_whole(top->workers, UINT32_MAX),
        .service = {.law = (nw_model_law)top->law, .mean_s = top->service_s, .cv = top->cv},
        .fail_ratio = top->fail_ratio,
        .attempt_max = (uint32_t)top->attempts,
        .alarm_s = top->alarm_s};
    if (!is_whole(top->workers))
        BLAME(r, &top->block, "workers", NULL, "must be a whole number");
    judge_law(r, &top->block, given, NW_COUNT(given), top->services.count > 0);
    if (top->services.count > 0)
        read_services(r, &top->block, &top->services, &to->service);
    read_outages(r, &top->block, &top->outages, to);
    take_backoff(r, &top->backoff, to);
}

static void take_group(struct reading *r, const struct sim_queue_group *from,
                       struct nw_model_queue_group *to)
{
    const char *const given[] = {SIM_QUEUE_GIVEN(from, group, service) ? "service" : NULL,
                                 SIM_QUEUE_GIVEN(from, group, law) ? "law" : NULL};
    bool has_law = given[0] != NULL || given[1] != NULL || SIM_QUEUE_GIVEN(from, group, cv);
    if (SIM_QUEUE_GIVEN(from, group, workers))
        to->workers = (uint32_t)nw_conf_whole(from->workers, UINT32_MAX);
    if (!is_whole(from->workers))
        BLAME(r, &from->block, "workers", NULL, "must be a whole number");
    if (has_law && to->service.law == NW_MODEL_LAW_LIST)
        to->service = (struct nw_model_service_law){.mean_s = from->service_s, .cv = from->cv};
    if (given[0] != NULL)
        to->service.mean_s = from->service_s;
    if (given[1] != NULL)
        to->service.law = (nw_model_law)from->law;
    if (SIM_QUEUE_GIVEN(from, group, cv))
        to->service.cv = from->cv;
    judge_law(r, &from->block, given, NW_COUNT(given), from->services.count > 0);
    if (from->services.count > 0)
        read_services(r, &from->block, &from->services, &to->service);
    if (SIM_QUEUE_GIVEN(from, group, fail))
        to->fail_ratio = from->fail_ratio;
    if (SIM_QUEUE_GIVEN(from, group, attempts))
        to->attempt_max = (uint32_t)from->attempts;
    if (SIM_QUEUE_GIVEN(from, group, alarm))
        to->alarm_s = from->alarm_s;
    if (SIM_QUEUE_GIVEN(from, group, outages)) {
        to->outage_count = 0;
        read_outages(r, &from->block, &from->outages, to);
    }
    if (nw_conf_is_given(&from->backoff.block))
        take_backoff(r, &from->backoff, to);
}

static void read_groups(struct reading *r)
{
    struct sim_queue *sim = r->sim;
    const struct sim_queue_groups *groups = &sim->top.groups;
    struct nw_model_queue_group above;
    take_top(r, &above);
    if (groups->count > NW_MODEL_QUEUE_GROUPS_MAX)
        BLAME(r, &sim->top.block, "groups", NULL, "%zu are more than %d", groups->count,
              NW_MODEL_QUEUE_GROUPS_MAX);
    sim->spec.group_count = 1;
    sim->spec.groups[0] = above;
    sim->group_names[0] = "default";
    for (size_t g = 0; g < groups->count && g < NW_MODEL_QUEUE_GROUPS_MAX; g++) {
        sim->spec.groups[g] = above;
        sim->group_names[g] = groups->items[g].name.ptr;
        sim->spec.group_count = g + 1;
        take_group(r, &groups->items[g], &sim->spec.groups[g]);
    }
}

/* ---- arrivals ---- */

static void judge_recorded(struct reading *r)
{
    struct sim_queue *sim = r->sim;
    const struct sim_queue_top *top = &sim->top;
    const char *why;
    static const char *const names[] = {"arrive", "over", "shape", "burst", "front", "on", "off"};
    const bool is_given[] = {SIM_QUEUE_GIVEN(top, top, arrive), SIM_QUEUE_GIVEN(top, top, over),
                             SIM_QUEUE_GIVEN(top, top, shape),  SIM_QUEUE_GIVEN(top, top, burst),
                             SIM_QUEUE_GIVEN(top, top, front),  SIM_QUEUE_GIVEN(top, top, on),
                             SIM_QUEUE_GIVEN(top, top, off)};
    for (size_t i = 0; i < NW_COUNT(names); i++)
        if (is_given[i])
            BLAME(r, &top->block, names[i], NULL,
                  "is of invented messages; `trace` names recorded ones");
    if (top->columns.len > 0 && nw_trace_columns_parse(top->columns, &sim->columns, &why) != NW_OK)
        BLAME(r, &top->block, "columns", NULL, "%s", why);
    sim->spec.shape = NW_MODEL_SHAPE_TRACE;
    sim->spec.count = 0; /* until the trace is read */
}

static void judge_shape(struct reading *r)
{
    const struct sim_queue_top *top = &r->sim->top;
    static const struct {
        const char *option;
        nw_model_shape shape;
        const char *name;
    } uses[] = {{"burst", NW_MODEL_SHAPE_BURST, "burst"},
                {"front", NW_MODEL_SHAPE_FRONT, "front"},
                {"on", NW_MODEL_SHAPE_ON_OFF, "on-off"},
                {"off", NW_MODEL_SHAPE_ON_OFF, "on-off"}};
    const bool is_given[] = {SIM_QUEUE_GIVEN(top, top, burst), SIM_QUEUE_GIVEN(top, top, front),
                             SIM_QUEUE_GIVEN(top, top, on), SIM_QUEUE_GIVEN(top, top, off)};
    for (size_t i = 0; i < NW_COUNT(uses); i++)
        if (is_given[i] && top->shape != (int)uses[i].shape)
            BLAME(r, &top->block, uses[i].option, NULL, "counts with shape: %s only", uses[i].name);
    if (SIM_QUEUE_GIVEN(top, top, front) && top->front_s > top->over_s)
        BLAME(r, &top->block, "front", NULL, "is longer than `over`");
    if (top->engine == 1 && top->shape == NW_MODEL_SHAPE_BURST && top->arrive / top->burst > 1e7)
        BLAME(r, &top->block, "burst", "--engine event",
              "more than 10,000,000 bursts are too many for a fluid");
    if (top->shape == NW_MODEL_SHAPE_ON_OFF && top->over_s <= 0)
        BLAME(r, &top->block, "over", NULL, "must be more than 0s with shape: on-off");
    static const char *const names[] = {"format", "columns"};
    const bool is_of_trace[] = {SIM_QUEUE_GIVEN(top, top, format),
                                SIM_QUEUE_GIVEN(top, top, columns)};
    for (size_t i = 0; i < NW_COUNT(names); i++)
        if (is_of_trace[i])
            BLAME(r, &top->block, names[i], NULL, "is of a recorded trace, and there is none");
}

static void judge_numbers(struct reading *r)
{
    const struct sim_queue_top *top = &r->sim->top;
    static const char *const names[] = {"arrive", "burst", "backlog", "depth"};
    const double values[] = {top->arrive, top->burst, top->backlog, top->depth};
    for (size_t i = 0; i < NW_COUNT(names); i++)
        if (!is_whole(values[i]))
            BLAME(r, &top->block, names[i], NULL, "must be a whole number");
    if (top->low_ratio > 0 && top->full != NW_MODEL_FULL_SHED_LOW)
        BLAME(r, &top->block, "low", "add full: shed-low", "counts with full: shed-low only");
    if (top->precision_ratio > 0 && top->engine == 1)
        BLAME(r, &top->block, "precision", NULL, "a fluid has no chance to be precise about");
    if (top->runs > 1 && top->engine == 1)
        BLAME(r, &top->block, "runs", NULL, "a fluid gives the same each time");
}

nw_err sim_queue_want(struct sim_queue *sim, struct nw_arena *arena, struct nw_diag *diag)
{
    const struct sim_queue_top *top = &sim->top;
    struct reading r = {.sim = sim, .arena = arena, .diag = diag};
    size_t before = diag->error_count;
    sim->spec = (struct nw_model_queue_spec){
        .shape = (nw_model_shape)top->shape,
        .count = nw_conf_whole(top->arrive, UINT64_MAX),
        .over_s = top->over_s,
        .burst_count = nw_conf_whole(top->burst, UINT64_MAX),
        .front_s = SIM_QUEUE_GIVEN(top, top, front) ? top->front_s : top->over_s / 6,
        .on_s = top->on_s,
        .off_s = top->off_s,
        .backlog = nw_conf_whole(top->backlog, UINT64_MAX),
        .low_ratio = top->low_ratio,
        .depth_max = nw_conf_whole(top->depth, UINT64_MAX),
        .full = (nw_model_full)top->full,
        .ttl_s = top->ttl_s,
        .seed = (uint64_t)top->seed,
        .precision = top->precision_ratio,
    };
    sim->runs = (size_t)top->runs;
    if (SIM_QUEUE_GIVEN(top, top, trace))
        judge_recorded(&r);
    else
        judge_shape(&r);
    judge_numbers(&r);
    read_groups(&r);
    const char *wrong = before > 0 || r.mistakes > 0 ? NULL : nw_model_queue_spec_judge(&sim->spec);
    if (wrong != NULL)
        BLAME(&r, &top->block, NULL, NULL, "%s", wrong);
    return r.mistakes > 0 ? NW_INVALID : NW_OK;
}

void sim_queue_done(struct sim_queue *sim)
{
    nw_free(sim->trace_s);
    nw_free(sim->figures);
    nw_free(sim->seen);
    nw_free(sim->points);
}
