/*
 * Every message of every group is an entry of 40 bytes in one pool, from its acceptance until it is
 * settled. A group's line is two lists, high and low messages, each in the order of joining; a
 * running number says which head is first, so that the youngest low one is found at once.
 *
 * Those blocked at the door are not stored: a second copy of the source, behind the first, goes
 * through the same times again when they are let in.
 *
 * Peaks are taken after whatever an event sets going has happened: a message that finds a free
 * worker never waits.
 */
#include "model/queuesim.h"

#include <math.h>

#include "base/assert.h"
#include "base/histogram.h"
#include "model/eventlist.h"
#include "model/queuesource.h"

enum {
    NONE = UINT32_MAX,
    ENTRY_MAX = 1 << 25, /* 1.3 GB */
    EVENT_ARRIVE = 0, /* the two upper bits of a payload; 0, or 1 + a group whose first expires */
    EVENT_WORKED = 1, /* entry */
    EVENT_RETRY = 2,  /* entry */
    EVENT_OUTAGE = 3, /* group: the next begins or ends */
    KIND_SHIFT = 30,
    HIGH = 0,
    LOW = 1,
    PRECISION_EVERY = 1 << 16, /* events between two looks at the intervals */
};

struct entry {
    double accepted_s;
    double work_s;
    uint32_t next, prev; /* within its line; next of a free one */
    uint32_t turn;       /* running number of joining a line */
    uint16_t attempts;
    uint8_t group;
    uint8_t line;
};

struct line {
    uint32_t first, last;
};

struct group {
    const struct nw_model_queue_group *spec;
    struct nw_rng works, again, losses, backoffs;
    struct line lines[2];
    uint32_t turn;
    uint32_t busy;
    uint64_t in_line, backing_off;
    bool is_watched; /* an event is to come when its first expires */
    size_t toggles;  /* begins and ends of outages so far; odd: out */
    struct nw_model_queue_counts counts;
    uint64_t retried;
    struct nw_histogram *waits_ns, *stays_ns;
    struct nw_model_series series;
    double seen_s;                  /* integrals and bins reach to here */
    double depth_s, busy_s, wait_s; /* sums */
    uint64_t begun;
    struct nw_model_queue_seen seen; /* peaks, bins and moments; the rest is made on a look */
};

struct nw_model_queuesim {
    const struct nw_model_queue_spec *spec;
    struct nw_model_eventlist *events;
    struct nw_model_queue_source arriving, door;
    struct nw_rng classes;
    struct entry *entries;
    uint32_t entry_used, entry_space, free_entry;
    uint64_t event_count, blocked, blocked_peak, unblocked;
    double block_s, block_s_max;
    double now_s;
    bool has_ended, is_out_of_memory;
    struct group groups[NW_MODEL_QUEUE_GROUPS_MAX];
};

static void event_push(struct nw_model_queuesim *sim, double time_s, uint32_t kind, uint32_t what)
{
    /* Times stay below 1e9 x (services + back-offs), the list has room for all entries. */
    nw_err err = nw_model_eventlist_push(sim->events, time_s, kind << KIND_SHIFT | what);
    NW_ASSERT(err == NW_OK);
}

/* ---- entries and lines ---- */

static uint32_t entry_take(struct nw_model_queuesim *sim)
{
    uint32_t at = sim->free_entry;
    if (at != NONE) {
        sim->free_entry = sim->entries[at].next;
        return at;
    }
    if (sim->entry_used == sim->entry_space) {
        sim->entry_space = sim->entry_space > 0 ? 2 * sim->entry_space : 256;
        sim->entries = nw_realloc(sim->entries, sim->entry_space * sizeof *sim->entries);
    }
    return sim->entry_used++;
}

static void entry_give(struct nw_model_queuesim *sim, uint32_t at)
{
    sim->entries[at].next = sim->free_entry;
    sim->free_entry = at;
}

static void line_join(struct nw_model_queuesim *sim, struct group *group, uint32_t at)
{
    struct entry *entry = &sim->entries[at];
    struct line *line = &group->lines[entry->line];
    entry->turn = group->turn++;
    entry->prev = line->last;
    entry->next = NONE;
    if (line->last == NONE)
        line->first = at;
    else
        sim->entries[line->last].next = at;
    line->last = at;
    group->in_line++;
}

static void line_leave(struct nw_model_queuesim *sim, struct group *group, uint32_t at)
{
    struct entry *entry = &sim->entries[at];
    struct line *line = &group->lines[entry->line];
    if (entry->prev == NONE)
        line->first = entry->next;
    else
        sim->entries[entry->prev].next = entry->next;
    if (entry->next == NONE)
        line->last = entry->prev;
    else
        sim->entries[entry->next].prev = entry->prev;
    group->in_line--;
}

/* Who stands first; NONE: nobody. */
static uint32_t line_first(const struct nw_model_queuesim *sim, const struct group *group)
{
    uint32_t high = group->lines[HIGH].first, low = group->lines[LOW].first;
    if (high == NONE || low == NONE)
        return high == NONE ? low : high;
    return (int32_t)(sim->entries[high].turn - sim->entries[low].turn) < 0 ? high : low;
}

/* ---- what is noted ---- */

static uint64_t depth_of(const struct group *group)
{
    return group->in_line + group->backing_off + group->busy;
}

/* Twice as wide bins, until one holds this moment. */
static uint32_t bin_at(struct nw_model_queue_seen *seen, double now_s)
{
    while (now_s >= seen->bin_s * NW_MODEL_QUEUE_BINS) {
        for (uint32_t i = 0; i < NW_MODEL_QUEUE_BINS / 2; i++) {
            uint32_t a = 2 * i < seen->bin_count ? seen->bins[2 * i] : 0;
            uint32_t b = 2 * i + 1 < seen->bin_count ? seen->bins[2 * i + 1] : 0;
            seen->bins[i] = a > b ? a : b;
        }
        seen->bin_count = (seen->bin_count + 1) / 2;
        seen->bin_s *= 2;
    }
    return (uint32_t)(now_s / seen->bin_s);
}

/* Before a group changes: what it was until now. */
static void time_pass(struct group *group, double now_s)
{
    struct nw_model_queue_seen *seen = &group->seen;
    double past_s = now_s - group->seen_s;
    if (past_s <= 0)
        return;
    uint64_t depth = depth_of(group);
    group->depth_s += past_s * (double)depth;
    group->busy_s += past_s * group->busy;
    group->seen_s = now_s;
    uint32_t upto = bin_at(seen, now_s);
    for (; seen->bin_count <= upto; seen->bin_count++)
        seen->bins[seen->bin_count] = (uint32_t)depth;
    if (seen->bins[upto] < depth)
        seen->bins[upto] = (uint32_t)depth;
}

/* After a group has changed. */
static void peaks_note(struct nw_model_queuesim *sim, struct group *group)
{
    struct nw_model_queue_seen *seen = &group->seen;
    uint64_t depth = depth_of(group), waiting = group->in_line + group->backing_off;
    if (depth > seen->depth_peak) {
        seen->depth_peak = depth;
        seen->depth_peak_s = sim->now_s;
    }
    if (waiting > seen->waiting_peak)
        seen->waiting_peak = waiting;
    uint32_t bin = bin_at(seen, sim->now_s);
    for (; seen->bin_count <= bin; seen->bin_count++)
        seen->bins[seen->bin_count] = 0;
    if (seen->bins[bin] < depth)
        seen->bins[bin] = (uint32_t)depth;
    if (depth == 0)
        seen->empty_s = sim->now_s;
    bool is_behind = sim->spec->backlog > 0 || group->spec->outage_count > 0;
    if (group->in_line == 0 && !seen->is_caught_up && is_behind &&
        group->counts.arrived >= sim->spec->backlog &&
        group->toggles == 2 * group->spec->outage_count) {
        seen->is_caught_up = true;
        seen->caught_up_s = sim->now_s;
    }
}

/* A message stops waiting, or the run stops: has it waited for too long? */
static void alarm_note(struct group *group, double accepted_s, double now_s)
{
    double at_s = accepted_s + group->spec->alarm_s;
    if (group->spec->alarm_s <= 0 || !(now_s > at_s))
        return;
    if (!group->seen.is_alarmed || at_s < group->seen.alarm_s)
        group->seen.alarm_s = at_s;
    group->seen.is_alarmed = true;
}

static uint64_t ns_of(double s)
{
    s = s < NW_MODEL_QUEUE_S_MAX ? s : NW_MODEL_QUEUE_S_MAX;
    return s > 0 ? (uint64_t)(s * 1e9 + 0.5) : 0;
}

/* ---- work ---- */

static double work_draw(const struct nw_model_service_law *law, struct nw_rng *rng, uint64_t index)
{
    switch (law->law) {
    case NW_MODEL_LAW_FIXED: return law->mean_s;
    case NW_MODEL_LAW_EXPONENTIAL: return nw_rng_exponential(rng, law->mean_s);
    case NW_MODEL_LAW_LOGNORMAL: return nw_model_draw_lognormal(rng, law->mean_s, law->cv);
    case NW_MODEL_LAW_LIST: return law->list_s[index % law->list_count];
    }
    return 0;
}

static bool is_expired(const struct nw_model_queuesim *sim, const struct entry *entry)
{
    return sim->spec->ttl_s > 0 && sim->now_s >= entry->accepted_s + sim->spec->ttl_s;
}

/* Those who stand first and have passed their time leave. */
static void line_expire(struct nw_model_queuesim *sim, struct group *group)
{
    uint32_t at;
    while ((at = line_first(sim, group)) != NONE && is_expired(sim, &sim->entries[at])) {
        alarm_note(group, sim->entries[at].accepted_s, sim->now_s);
        line_leave(sim, group, at);
        entry_give(sim, at);
        group->counts.expired++;
    }
}

static void work_begin(struct nw_model_queuesim *sim, struct group *group, uint32_t at)
{
    struct entry *entry = &sim->entries[at];
    double wait_s = sim->now_s - entry->accepted_s;
    alarm_note(group, entry->accepted_s, sim->now_s);
    if (entry->attempts == 0) {
        nw_histogram_record(group->waits_ns, ns_of(wait_s));
        nw_model_series_add(&group->series, wait_s);
        group->wait_s += wait_s;
        group->begun++;
        if (wait_s > group->seen.wait_s_max)
            group->seen.wait_s_max = wait_s;
    } else {
        group->retried++;
    }
    entry->attempts++;
    group->busy++;
    event_push(sim, sim->now_s + entry->work_s, EVENT_WORKED, at);
}

/* Free workers take who stands first. */
static void group_dispatch(struct nw_model_queuesim *sim, struct group *group)
{
    while (group->busy < group->spec->workers && group->toggles % 2 == 0) {
        line_expire(sim, group);
        uint32_t at = line_first(sim, group);
        if (at == NONE)
            return;
        line_leave(sim, group, at);
        work_begin(sim, group, at);
    }
}

static double backoff_draw(struct group *group, uint16_t attempts)
{
    const struct nw_model_queue_group *spec = group->spec;
    double most_s = ldexp(spec->backoff_s, attempts - 1);
    most_s = most_s < spec->backoff_s_max ? most_s : spec->backoff_s_max;
    if (!spec->has_jitter)
        return most_s;
    if (most_s <= spec->backoff_s_min)
        return spec->backoff_s_min;
    return spec->backoff_s_min + nw_rng_double(&group->backoffs) * (most_s - spec->backoff_s_min);
}

static void group_worked(struct nw_model_queuesim *sim, struct group *group, uint32_t at)
{
    struct entry *entry = &sim->entries[at];
    const struct nw_model_queue_group *spec = group->spec;
    bool has_failed = spec->fail_ratio > 0 && nw_rng_chance(&group->losses, spec->fail_ratio);
    group->busy--;
    if (has_failed && entry->attempts < spec->attempt_max) {
        group->backing_off++;
        entry->work_s = work_draw(&spec->service, &group->again, group->retried);
        event_push(sim, sim->now_s + backoff_draw(group, entry->attempts), EVENT_RETRY, at);
        return;
    }
    if (has_failed) {
        group->counts.dead++;
    } else {
        double stay_s = sim->now_s - entry->accepted_s;
        group->counts.done++;
        nw_histogram_record(group->stays_ns, ns_of(stay_s));
        if (stay_s > group->seen.stay_s_max)
            group->seen.stay_s_max = stay_s;
    }
    entry_give(sim, at);
}

/* ---- arrivals ---- */

static bool is_full(const struct nw_model_queuesim *sim, const struct group *group)
{
    return depth_of(group) >= sim->spec->depth_max;
}

static bool is_any_full(struct nw_model_queuesim *sim)
{
    bool is_any = false;
    for (size_t g = 0; g < sim->spec->group_count; g++) {
        line_expire(sim, &sim->groups[g]);
        is_any |= is_full(sim, &sim->groups[g]);
    }
    return is_any;
}

static void line_drop(struct nw_model_queuesim *sim, struct group *group, uint32_t at)
{
    alarm_note(group, sim->entries[at].accepted_s, sim->now_s);
    line_leave(sim, group, at);
    entry_give(sim, at);
    group->counts.dropped++;
}

/* A full group loses one; is it the one that came? */
static bool group_makes_room(struct nw_model_queuesim *sim, struct group *group, bool is_low)
{
    line_expire(sim, group);
    if (!is_full(sim, group))
        return true;
    uint32_t first = line_first(sim, group), low = group->lines[LOW].last;
    if (sim->spec->full == NW_MODEL_FULL_DROP_OLDEST && first != NONE) {
        line_drop(sim, group, first);
        return true;
    }
    if (sim->spec->full == NW_MODEL_FULL_SHED_LOW && !is_low && low != NONE) {
        line_drop(sim, group, low);
        return true;
    }
    if (sim->spec->full == NW_MODEL_FULL_SHED_LOW && !is_low)
        group->counts.refused++;
    else
        group->counts.dropped++;
    return false;
}

static void group_accept(struct nw_model_queuesim *sim, size_t index, double work_s, bool is_low)
{
    struct group *group = &sim->groups[index];
    uint32_t at = entry_take(sim);
    sim->entries[at] = (struct entry){.accepted_s = sim->now_s,
                                      .work_s = work_s,
                                      .group = (uint8_t)index,
                                      .line = is_low ? LOW : HIGH};
    line_join(sim, group, at);
    group_dispatch(sim, group);
}

/* A message comes to every group, from outside or from the door. */
static void message_take(struct nw_model_queuesim *sim, bool is_refused)
{
    const struct nw_model_queue_spec *spec = sim->spec;
    bool is_low = spec->low_ratio > 0 && nw_rng_chance(&sim->classes, spec->low_ratio);
    for (size_t g = 0; g < spec->group_count; g++) {
        struct group *group = &sim->groups[g];
        double work_s = work_draw(&group->spec->service, &group->works, group->counts.arrived);
        group->counts.arrived++;
        if (is_refused) {
            group->counts.refused++;
            continue;
        }
        time_pass(group, sim->now_s);
        if (spec->full == NW_MODEL_FULL_REFUSE || spec->full == NW_MODEL_FULL_BLOCK ||
            group_makes_room(sim, group, is_low))
            group_accept(sim, g, work_s, is_low);
        peaks_note(sim, group);
    }
}

/* Somebody stands at the door, so the moment at which a message expires makes a difference. */
static void expiry_watch(struct nw_model_queuesim *sim)
{
    for (size_t g = 0; g < sim->spec->group_count; g++) {
        struct group *group = &sim->groups[g];
        uint32_t first = line_first(sim, group);
        if (group->is_watched || first == NONE)
            continue;
        double at_s = sim->entries[first].accepted_s + sim->spec->ttl_s;
        event_push(sim, at_s > sim->now_s ? at_s : sim->now_s, EVENT_ARRIVE, 1 + (uint32_t)g);
        group->is_watched = true;
    }
}

/* Whoever stands at the door comes in while no group is full. */
static void door_open(struct nw_model_queuesim *sim)
{
    double since_s;
    while (sim->blocked > 0 && !is_any_full(sim)) {
        bool is_there = nw_model_queue_source_next(&sim->door, &since_s);
        NW_ASSERT(is_there);
        double block_s = sim->now_s - since_s;
        sim->block_s += block_s;
        sim->block_s_max = block_s > sim->block_s_max ? block_s : sim->block_s_max;
        sim->blocked--;
        sim->unblocked++;
        message_take(sim, false);
    }
    if (sim->blocked > 0 && sim->spec->ttl_s > 0)
        expiry_watch(sim);
}

static void message_arrive(struct nw_model_queuesim *sim)
{
    double next_s, passed_s;
    if (sim->spec->full == NW_MODEL_FULL_BLOCK && (sim->blocked > 0 || is_any_full(sim))) {
        if (++sim->blocked > sim->blocked_peak)
            sim->blocked_peak = sim->blocked;
        door_open(sim);
    } else {
        bool is_there = nw_model_queue_source_next(&sim->door, &passed_s);
        NW_ASSERT(is_there);
        message_take(sim, sim->spec->full == NW_MODEL_FULL_REFUSE && is_any_full(sim));
    }
    if (nw_model_queue_source_next(&sim->arriving, &next_s))
        event_push(sim, next_s, EVENT_ARRIVE, 0);
}

static void outage_toggle(struct nw_model_queuesim *sim, size_t index)
{
    struct group *group = &sim->groups[index];
    size_t next = ++group->toggles;
    if (next < 2 * group->spec->outage_count) {
        const struct nw_model_window *outage = &group->spec->outages[next / 2];
        event_push(sim, next % 2 ? outage->until_s : outage->from_s, EVENT_OUTAGE, (uint32_t)index);
    }
    if (next == 2 * group->spec->outage_count)
        group->seen.caught_up_from_s = sim->now_s;
}

/* ---- the whole ---- */

nw_err nw_model_queuesim_new(const struct nw_model_queue_spec *spec, struct nw_model_queuesim **out)
{
    if (nw_model_queue_spec_judge(spec))
        return NW_INVALID;
    struct nw_model_queuesim *sim = nw_alloc_zero(sizeof *sim);
    double first_s;
    sim->spec = spec;
    sim->events = nw_model_eventlist_new(NW_MODEL_CALENDAR, 1u << 30);
    sim->free_entry = NONE;
    nw_model_queue_source_init(&sim->arriving, spec);
    sim->door = sim->arriving;
    nw_model_stream_init(&sim->classes, spec->seed, NW_MODEL_CHOICE, 0);
    for (size_t g = 0; g < spec->group_count; g++) {
        struct group *group = &sim->groups[g];
        group->spec = &spec->groups[g];
        nw_model_stream_init(&group->works, spec->seed, NW_MODEL_SERVICE, 2 * g);
        nw_model_stream_init(&group->again, spec->seed, NW_MODEL_SERVICE, 2 * g + 1);
        nw_model_stream_init(&group->losses, spec->seed, NW_MODEL_LOSS, g);
        nw_model_stream_init(&group->backoffs, spec->seed, NW_MODEL_BACKOFF, g);
        group->lines[HIGH] = group->lines[LOW] = (struct line){NONE, NONE};
        group->waits_ns = nw_histogram_new(3, 1, 1ull << 60);
        group->stays_ns = nw_histogram_new(3, 1, 1ull << 60);
        group->seen.bin_s = spec->over_s > 1e-6 ? spec->over_s / 200 : 1e-3;
        if (group->spec->outage_count > 0)
            event_push(sim, group->spec->outages[0].from_s, EVENT_OUTAGE, (uint32_t)g);
    }
    if (nw_model_queue_source_next(&sim->arriving, &first_s))
        event_push(sim, first_s, EVENT_ARRIVE, 0);
    *out = sim;
    return NW_OK;
}

void nw_model_queuesim_free(struct nw_model_queuesim *sim)
{
    if (!sim)
        return;
    for (size_t g = 0; g < sim->spec->group_count; g++) {
        nw_histogram_free(sim->groups[g].waits_ns);
        nw_histogram_free(sim->groups[g].stays_ns);
    }
    nw_model_eventlist_free(sim->events);
    nw_free(sim->entries);
    nw_free(sim);
}

static void event_play(struct nw_model_queuesim *sim, const struct nw_model_event *event)
{
    uint32_t kind = event->payload >> KIND_SHIFT, what = event->payload & ((1u << KIND_SHIFT) - 1);
    if (kind == EVENT_ARRIVE && what == 0) {
        message_arrive(sim);
        return;
    }
    size_t index = kind == EVENT_OUTAGE   ? what
                   : kind == EVENT_ARRIVE ? what - 1
                                          : sim->entries[what].group;
    struct group *group = &sim->groups[index];
    time_pass(group, sim->now_s);
    if (kind == EVENT_WORKED) {
        group_worked(sim, group, what);
    } else if (kind == EVENT_RETRY) {
        group->backing_off--;
        line_join(sim, group, what);
    } else if (kind == EVENT_OUTAGE) {
        outage_toggle(sim, index);
    } else {
        group->is_watched = false;
        line_expire(sim, group);
    }
    group_dispatch(sim, group);
    peaks_note(sim, group);
    door_open(sim);
}

/* Nothing is to come but outages of idle groups. */
static bool is_settled(const struct nw_model_queuesim *sim)
{
    if (sim->blocked > 0 || sim->arriving.given < sim->spec->backlog + sim->spec->count ||
        sim->door.given < sim->arriving.given)
        return false;
    for (size_t g = 0; g < sim->spec->group_count; g++)
        if (depth_of(&sim->groups[g]) > 0)
            return false;
    return true;
}

static bool is_precise(const struct nw_model_queuesim *sim)
{
    for (size_t g = 0; g < sim->spec->group_count; g++) {
        struct nw_model_interval wait = nw_model_series_interval(&sim->groups[g].series);
        if (!nw_model_interval_is_precise(&wait, sim->spec->precision))
            return false;
    }
    return true;
}

nw_err nw_model_queuesim_play(struct nw_model_queuesim *sim, uint64_t event_max)
{
    struct nw_model_event event;
    if (sim->is_out_of_memory)
        return NW_NO_MEMORY;
    for (uint64_t i = 0; i < event_max; i++) {
        if (sim->has_ended || is_settled(sim) || !nw_model_eventlist_pop(sim->events, &event)) {
            sim->has_ended = true;
            return NW_OK;
        }
        if (event.time_s > sim->now_s)
            sim->now_s = event.time_s;
        event_play(sim, &event);
        if (sim->entry_used > ENTRY_MAX - NW_MODEL_QUEUE_GROUPS_MAX) {
            sim->is_out_of_memory = true;
            return NW_NO_MEMORY;
        }
        if (++sim->event_count % PRECISION_EVERY == 0 && sim->spec->precision > 0)
            sim->has_ended = is_precise(sim);
    }
    return sim->has_ended ? NW_OK : NW_AGAIN;
}

struct nw_model_queue_counts nw_model_queuesim_counts(const struct nw_model_queuesim *sim,
                                                      size_t index)
{
    NW_ASSERT(index < sim->spec->group_count);
    const struct group *group = &sim->groups[index];
    struct nw_model_queue_counts counts = group->counts;
    counts.arrived += sim->blocked;
    counts.blocked = sim->blocked;
    counts.waiting = group->in_line + group->backing_off;
    counts.serving = group->busy;
    return counts;
}

static double quantile_s(const struct nw_histogram *histogram, double percent, double most_s)
{
    double at_s = (double)nw_histogram_percentile(histogram, percent) * 1e-9;
    return at_s < most_s ? at_s : most_s;
}

void nw_model_queuesim_look(const struct nw_model_queuesim *sim, size_t index,
                            struct nw_model_queue_seen *out)
{
    NW_ASSERT(index < sim->spec->group_count);
    struct group *group = nw_alloc(sizeof *group); /* a copy, brought up to now */
    *group = sim->groups[index];
    time_pass(group, sim->now_s);
    uint32_t oldest = line_first(sim, group);
    if (oldest != NONE)
        alarm_note(group, sim->entries[oldest].accepted_s, sim->now_s);
    *out = group->seen;
    out->counts = nw_model_queuesim_counts(sim, index);
    out->retried = group->retried;
    out->blocked_peak = sim->blocked_peak;
    out->depth_mean = sim->now_s > 0 ? group->depth_s / sim->now_s : 0;
    out->serving_mean = sim->now_s > 0 ? group->busy_s / sim->now_s : 0;
    out->wait_s_mean = group->begun > 0 ? group->wait_s / (double)group->begun : 0;
    out->wait_s_p50 = quantile_s(group->waits_ns, 50, out->wait_s_max);
    out->wait_s_p99 = quantile_s(group->waits_ns, 99, out->wait_s_max);
    out->stay_s_p50 = quantile_s(group->stays_ns, 50, out->stay_s_max);
    out->stay_s_p99 = quantile_s(group->stays_ns, 99, out->stay_s_max);
    out->block_s_mean = sim->unblocked > 0 ? sim->block_s / (double)sim->unblocked : 0;
    out->block_s_max = sim->block_s_max;
    out->wait = nw_model_series_interval(&group->series);
    nw_free(group);
}
