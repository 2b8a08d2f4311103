/*
 * One pool of customers, one event list. A FIFO station keeps its queue as a list through the pool
 * and has one event for each customer in service. A PS station keeps a heap by the share at which
 * each customer is done and has one event that counts, for the first of them: a departure changes
 * everybody's end, but nobody's order.
 *
 * An event cannot be taken back, so PS events are judged when they come: the one whose time is the
 * station's `due_s` counts. When an arrival puts the end off, the event is left where it is and
 * renewed when it comes; when an arrival brings the end nearer, another is pushed and the old
 * one is passed over.
 */
#include "model/station.h"

#include <math.h>

#include "base/assert.h"

enum {
    NONE = UINT32_MAX,
    KIND_REMINDER = 0, /* the two upper bits of a payload; a reminder is bare */
    KIND_CUSTOMER = 1,
    KIND_STATION = 2,
    KIND_SHIFT = 30,
};

struct customer {
    double entered_s, begun_s;
    double work_s; /* PS: the share at which it is done */
    uint32_t tag;
    uint32_t station;
    uint32_t next; /* in the queue, or in the free list */
    uint32_t age;  /* PS: equal ends leave in the order of arrival */
};

struct station {
    nw_model_discipline discipline;
    uint32_t servers;
    double speed;
    uint32_t inside;
    uint32_t first, last; /* FIFO: the queue */
    double share_s;       /* PS: what each customer has got since the station was empty */
    double share_at_s;    /* the time of share_s */
    double due_s;         /* PS: the event that counts; HUGE_VAL: none */
    uint32_t *heap;       /* PS: customers, the next to be done first */
    uint32_t heap_space;
    uint32_t age;
    double seen_s; /* the integrals reach to here */
    double inside_s, serving_s;
    uint64_t departed;
};

struct nw_model_stations {
    struct nw_model_eventlist *list;
    struct station *stations;
    uint32_t station_count, station_space;
    struct customer *customers;
    uint32_t customer_used, customer_space, customer_max;
    uint32_t free_customer;
    uint32_t inside;
    double now_s;
};

struct nw_model_stations *nw_model_stations_new(nw_model_eventlist_kind kind, uint32_t customer_max)
{
    NW_ASSERT(customer_max >= 1 && customer_max <= 1u << 29);
    struct nw_model_stations *set = nw_alloc_zero(sizeof *set);
    set->list = nw_model_eventlist_new(kind, 1u << 30);
    set->customer_max = customer_max;
    set->free_customer = NONE;
    return set;
}

void nw_model_stations_free(struct nw_model_stations *set)
{
    if (!set)
        return;
    for (uint32_t i = 0; i < set->station_count; i++)
        nw_free(set->stations[i].heap);
    nw_free(set->stations);
    nw_free(set->customers);
    nw_model_eventlist_free(set->list);
    nw_free(set);
}

static uint32_t serving_of(const struct station *station)
{
    return station->inside < station->servers ? station->inside : station->servers;
}

static void time_pass(struct station *station, double now_s)
{
    double past_s = now_s - station->seen_s;
    station->inside_s += past_s * station->inside;
    station->serving_s += past_s * serving_of(station);
    station->seen_s = now_s;
}

static uint32_t customer_take(struct nw_model_stations *set)
{
    uint32_t at = set->free_customer;
    set->inside++;
    if (at != NONE) {
        set->free_customer = set->customers[at].next;
        return at;
    }
    if (set->customer_used == set->customer_space) {
        set->customer_space = set->customer_space > 0 ? 2 * set->customer_space : 64;
        set->customers = nw_realloc(set->customers, set->customer_space * sizeof *set->customers);
    }
    return set->customer_used++;
}

static void customer_give(struct nw_model_stations *set, uint32_t at)
{
    set->customers[at].next = set->free_customer;
    set->free_customer = at;
    set->inside--;
}

/* Times stay finite by the bounds on work and speed; the list has room for everybody inside. */
static void event_push(struct nw_model_stations *set, double time_s, uint32_t kind, uint32_t what)
{
    nw_err err = nw_model_eventlist_push(set->list, time_s, kind << KIND_SHIFT | what);
    NW_ASSERT(err == NW_OK);
}

/* ---- FIFO ---- */

static void fifo_begin(struct nw_model_stations *set, const struct station *station, uint32_t who)
{
    struct customer *customer = &set->customers[who];
    customer->begun_s = set->now_s;
    event_push(set, set->now_s + customer->work_s / station->speed, KIND_CUSTOMER, who);
}

static void fifo_enter(struct nw_model_stations *set, struct station *station, uint32_t who)
{
    if (station->inside <= station->servers) {
        fifo_begin(set, station, who);
        return;
    }
    if (station->first == NONE)
        station->first = who;
    else
        set->customers[station->last].next = who;
    station->last = who;
    set->customers[who].next = NONE;
}

static void fifo_leave(struct nw_model_stations *set, struct station *station)
{
    uint32_t who = station->first;
    if (who == NONE)
        return;
    station->first = set->customers[who].next;
    fifo_begin(set, station, who);
}

/* ---- PS ---- */

static bool is_done_before(const struct customer *a, const struct customer *b)
{
    return a->work_s < b->work_s || (a->work_s == b->work_s && (int32_t)(a->age - b->age) < 0);
}

static void heap_rise(const struct customer *customers, uint32_t *heap, uint32_t at, uint32_t who)
{
    while (at > 0 && is_done_before(&customers[who], &customers[heap[(at - 1) / 2]])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = who;
}

/* Takes the first out of a heap of `count`. */
static void heap_shift(const struct customer *customers, uint32_t *heap, uint32_t count)
{
    uint32_t last = heap[--count], at = 0, child;
    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count &&
            is_done_before(&customers[heap[child + 1]], &customers[heap[child]]))
            child++;
        if (!is_done_before(&customers[heap[child]], &customers[last]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
}

/* Share of a second that each customer inside gets, in seconds of work. */
static double share_rate(const struct station *station)
{
    uint32_t inside = station->inside;
    return inside <= station->servers ? station->speed : station->speed * station->servers / inside;
}

/* Brings the share up to now; before the number inside or the speed changes. */
static void share_pass(struct station *station, double now_s)
{
    if (station->inside == 0)
        station->share_s = 0; /* nobody remembers; small numbers stay exact */
    else
        station->share_s += (now_s - station->share_at_s) * share_rate(station);
    station->share_at_s = now_s;
}

/* When the first of those inside is done, as things stand. */
static double ps_end_s(const struct nw_model_stations *set, const struct station *station)
{
    double left_s = set->customers[station->heap[0]].work_s - station->share_s;
    return set->now_s + (left_s > 0 ? left_s / share_rate(station) : 0);
}

/* Sees to it that an event comes when the next is done, or earlier. */
static void ps_expect(struct nw_model_stations *set, uint32_t index)
{
    struct station *station = &set->stations[index];
    double end_s = ps_end_s(set, station);
    if (station->due_s <= end_s)
        return;
    event_push(set, end_s, KIND_STATION, index);
    station->due_s = end_s;
}

static void ps_enter(struct nw_model_stations *set, uint32_t index, uint32_t who)
{
    struct station *station = &set->stations[index];
    struct customer *customer = &set->customers[who];
    customer->work_s += station->share_s;
    customer->begun_s = customer->entered_s;
    customer->age = station->age++;
    if (station->inside > station->heap_space) {
        station->heap_space = 2 * station->inside + 6;
        station->heap = nw_realloc(station->heap, station->heap_space * sizeof *station->heap);
    }
    heap_rise(set->customers, station->heap, station->inside - 1, who);
    ps_expect(set, index);
}

/* ---- both ---- */

static bool is_speed(double speed)
{
    return speed >= 1 / NW_MODEL_SPEED_MAX && speed <= NW_MODEL_SPEED_MAX;
}

uint32_t nw_model_station_add(struct nw_model_stations *set, nw_model_discipline discipline,
                              uint32_t servers, double speed)
{
    NW_ASSERT(servers > 0 && is_speed(speed));
    NW_ASSERT(set->station_count < NW_MODEL_STATION_INDEX_MAX);
    if (set->station_count == set->station_space) {
        set->station_space = set->station_space > 0 ? 2 * set->station_space : 4;
        set->stations = nw_realloc(set->stations, set->station_space * sizeof *set->stations);
    }
    set->stations[set->station_count] = (struct station){.discipline = discipline,
                                                         .servers = servers,
                                                         .speed = speed,
                                                         .first = NONE,
                                                         .seen_s = set->now_s,
                                                         .share_at_s = set->now_s,
                                                         .due_s = HUGE_VAL};
    return set->station_count++;
}

static struct station *station_at(struct nw_model_stations *set, double now_s, uint32_t index)
{
    NW_ASSERT(index < set->station_count);
    NW_ASSERT(now_s >= set->now_s && now_s < HUGE_VAL);
    set->now_s = now_s;
    return &set->stations[index];
}

void nw_model_station_speed_set(struct nw_model_stations *set, double now_s, uint32_t index,
                                double speed)
{
    NW_ASSERT(is_speed(speed));
    struct station *station = station_at(set, now_s, index);
    if (station->discipline == NW_MODEL_PS)
        share_pass(station, now_s);
    station->speed = speed;
    if (station->discipline == NW_MODEL_PS && station->inside > 0)
        ps_expect(set, index);
}

nw_err nw_model_station_enter(struct nw_model_stations *set, double now_s, uint32_t index,
                              double work_s, uint32_t tag)
{
    NW_ASSERT(work_s >= 0 && work_s <= NW_MODEL_WORK_S_MAX);
    struct station *station = station_at(set, now_s, index);
    if (set->inside == set->customer_max)
        return NW_NO_MEMORY;
    time_pass(station, now_s);
    if (station->discipline == NW_MODEL_PS)
        share_pass(station, now_s);
    uint32_t who = customer_take(set);
    set->customers[who] = (struct customer){
        .entered_s = now_s, .work_s = work_s, .tag = tag, .station = index, .next = NONE};
    station->inside++;
    if (station->discipline == NW_MODEL_PS)
        ps_enter(set, index, who);
    else
        fifo_enter(set, station, who);
    return NW_OK;
}

nw_err nw_model_stations_remind(struct nw_model_stations *set, double time_s, uint32_t what)
{
    NW_ASSERT(what <= NW_MODEL_STATION_INDEX_MAX);
    return nw_model_eventlist_push(set->list, time_s, what);
}

/* Takes a customer whose service has ended out of its station and tells of it. */
static void customer_leave(struct nw_model_stations *set, uint32_t who,
                           struct nw_model_happening *out)
{
    const struct customer *customer = &set->customers[who];
    struct station *station = &set->stations[customer->station];
    *out = (struct nw_model_happening){set->now_s, customer->entered_s, customer->begun_s,
                                       customer->station, customer->tag};
    time_pass(station, set->now_s);
    if (station->discipline == NW_MODEL_PS)
        share_pass(station, set->now_s);
    station->inside--;
    station->departed++;
    customer_give(set, who);
}

/* The event that counts has come: somebody is done, or the end was put off. */
static bool ps_judge(struct nw_model_stations *set, uint32_t index, struct nw_model_happening *out)
{
    struct station *station = &set->stations[index];
    station->due_s = HUGE_VAL;
    share_pass(station, set->now_s);
    bool is_done = ps_end_s(set, station) <= set->now_s;
    if (is_done) {
        uint32_t who = station->heap[0];
        heap_shift(set->customers, station->heap, station->inside);
        customer_leave(set, who, out);
    }
    if (station->inside > 0)
        ps_expect(set, index);
    return is_done;
}

bool nw_model_stations_next(struct nw_model_stations *set, struct nw_model_happening *out)
{
    struct nw_model_event event;
    while (nw_model_eventlist_pop(set->list, &event)) {
        uint32_t kind = event.payload >> KIND_SHIFT;
        uint32_t what = event.payload & NW_MODEL_STATION_INDEX_MAX;
        if (kind == KIND_STATION && event.time_s != set->stations[what].due_s)
            continue; /* another one took its place */
        if (event.time_s > set->now_s)
            set->now_s = event.time_s;
        if (kind == KIND_REMINDER) {
            *out = (struct nw_model_happening){
                .time_s = set->now_s, .station = NW_MODEL_STATION_NONE, .tag = what};
            return true;
        }
        if (kind == KIND_CUSTOMER) {
            customer_leave(set, what, out);
            fifo_leave(set, &set->stations[out->station]);
            return true;
        }
        if (ps_judge(set, what, out))
            return true;
    }
    return false;
}

struct nw_model_station_state nw_model_station_look(const struct nw_model_stations *set,
                                                    double now_s, uint32_t index)
{
    NW_ASSERT(index < set->station_count);
    struct station station = set->stations[index];
    time_pass(&station, now_s);
    return (struct nw_model_station_state){station.inside, serving_of(&station), station.inside_s,
                                           station.serving_s, station.departed};
}

/* ---- FIFO without events ---- */

void nw_model_lindley_init(struct nw_model_lindley *queue, uint32_t servers)
{
    NW_ASSERT(servers > 0);
    queue->free_s = nw_alloc_array(servers, sizeof *queue->free_s);
    queue->servers = servers;
}

void nw_model_lindley_done(struct nw_model_lindley *queue)
{
    nw_free(queue->free_s);
    *queue = (struct nw_model_lindley){0};
}

double nw_model_lindley_serve(struct nw_model_lindley *queue, double arrive_s, double service_s)
{
    double *free_s = queue->free_s;
    double begin_s = arrive_s > free_s[0] ? arrive_s : free_s[0];
    double end_s = begin_s + service_s;
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < queue->servers) {
        if (child + 1 < queue->servers && free_s[child + 1] < free_s[child])
            child++;
        if (free_s[child] >= end_s)
            break;
        free_s[at] = free_s[child];
        at = child;
    }
    free_s[at] = end_s;
    return begin_s;
}
