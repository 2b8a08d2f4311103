/*
 * A calendar: the time line is cut into days of equal width, day d is kept in bucket d mod n, so a
 * bucket holds the same day of every year. A push goes straight to its day; a pop reads the days
 * in order. With about one event a day both touch one bucket.
 *
 * Workload: a simulation of n stations holds about one event for each of them, and every pop
 * is followed by a push somewhat later. What costs is memory, so a bucket is 16 bytes and holds its
 * first event itself: pops read the buckets in sequence, which the processor foresees, and a push
 * to an empty bucket touches a single line. The others of a bucket are a circular list in one
 * pool, sorted; the bucket points to its last, whose successor is the first, so that an event
 * later than all others of its bucket (every tie is) is appended at once.
 *
 * Invariant: a bucket is sorted by time, equal times by age. Equal times are in the same bucket
 * whatever the width, and rebuilding reads each bucket in order, so ties need no sequence number.
 * A day is computed from the time by one and the same expression wherever it is asked for; a
 * comparison with the day's end would round differently.
 *
 * Width: 1.5 gaps between the earliest quarter of 256 sampled events, measured when the
 * number of events has doubled or halved, and when walking costs more than WORK_MAX steps an
 * operation. Where a new width does not help twice (thousands of ties with another event behind
 * them) the calendar becomes a heap until it is empty.
 *
 * Not taken: a list per bucket in the pool alone (two dependent reads more per push); a ladder
 * queue, which sorts far events only when they come near, for the far events here are few.
 * Numbers: docs/decisions/0012-calendar-queue.md.
 */
#include "model/eventlist.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "model/eventheap.h"

enum {
    NONE = UINT32_MAX,
    BUCKET_MIN = 16,
    SAMPLE_MAX = 256,
    CHECK_MIN = 4096, /* operations between two looks at the work done */
    WORK_MAX = 6,     /* steps an operation, above which another width is tried */
    FAILURE_MAX = 2,  /* widths that did not help before the heap takes over */
};
#define WIDTH_GAPS 1.5
#define DAY_MAX 0x1p62

struct bucket {
    double time_s; /* of its first event; HUGE_VAL: empty */
    uint32_t payload;
    uint32_t last; /* of the others: slot of the last, whose next is the first; NONE: no others */
};

struct slot {
    double time_s;
    uint32_t payload;
    uint32_t next;
};

struct nw_model_eventlist {
    struct bucket *buckets;
    struct slot *slots;
    double days_per_s; /* 1 / width */
    int64_t today;     /* no event is earlier than this day */
    uint32_t bucket_mask;
    uint32_t free_slot; /* list of those given back */
    uint32_t slot_used, slot_space;
    uint32_t count, event_max;
    uint32_t grow_at, shrink_at; /* counts at which the buckets are rebuilt */
    uint32_t operations, check_at;
    uint32_t failures;
    uint64_t work; /* steps since the last look */
    nw_model_eventlist_kind kind;
    bool is_heap; /* asked for, or fallen back to */
    struct nw_model_eventheap heap;
};

/* Monotone in the time, so days sort as times do; far days share the last one. */
static inline int64_t day_of(const struct nw_model_eventlist *list, double time_s)
{
    double day = time_s * list->days_per_s;
    return (int64_t)(day < DAY_MAX ? day : DAY_MAX);
}

static uint32_t slot_take(struct nw_model_eventlist *list)
{
    uint32_t at = list->free_slot;
    if (at != NONE) {
        list->free_slot = list->slots[at].next;
        return at;
    }
    if (list->slot_used == list->slot_space) {
        list->slot_space = list->slot_space > 0 ? 2 * list->slot_space : 16;
        list->slots = nw_realloc(list->slots, list->slot_space * sizeof *list->slots);
    }
    return list->slot_used++;
}

/* Puts an event among the others of a bucket that has some, or makes it their only one. */
static void rest_insert(struct nw_model_eventlist *list, struct bucket *bucket, double time_s,
                        uint32_t payload)
{
    uint32_t at = slot_take(list), last = bucket->last;
    struct slot *slots = list->slots;
    slots[at].time_s = time_s;
    slots[at].payload = payload;
    if (last == NONE) {
        slots[at].next = at;
        bucket->last = at;
        return;
    }
    uint32_t before = last;
    if (time_s < slots[last].time_s) {
        while (slots[slots[before].next].time_s <= time_s) {
            before = slots[before].next;
            list->work++;
        }
    } else {
        bucket->last = at;
    }
    slots[at].next = slots[before].next;
    slots[before].next = at;
}

static inline void bucket_insert(struct nw_model_eventlist *list, struct bucket *bucket,
                                 double time_s, uint32_t payload)
{
    if (bucket->time_s == HUGE_VAL) {
        bucket->time_s = time_s;
        bucket->payload = payload;
    } else if (time_s >= bucket->time_s) {
        rest_insert(list, bucket, time_s, payload);
    } else {
        /* Earlier than the first: the first becomes the first of the others. */
        uint32_t at = slot_take(list);
        list->slots[at] = (struct slot){bucket->time_s, bucket->payload, at};
        if (bucket->last == NONE) {
            bucket->last = at;
        } else {
            list->slots[at].next = list->slots[bucket->last].next;
            list->slots[bucket->last].next = at;
        }
        bucket->time_s = time_s;
        bucket->payload = payload;
    }
}

static inline void bucket_pop(struct nw_model_eventlist *list, struct bucket *bucket)
{
    uint32_t last = bucket->last;
    if (last == NONE) {
        bucket->time_s = HUGE_VAL;
        return;
    }
    struct slot *slots = list->slots;
    uint32_t at = slots[last].next;
    bucket->time_s = slots[at].time_s;
    bucket->payload = slots[at].payload;
    if (at == last)
        bucket->last = NONE;
    else
        slots[last].next = slots[at].next;
    slots[at].next = list->free_slot;
    list->free_slot = at;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds between neighbours among the earliest; 0 when all events are of the same time. */
static double gap_measure(const double *times_s, uint32_t sample_count, uint32_t count)
{
    for (uint32_t part = 4; part >= 1; part /= 2) {
        uint32_t upto = (sample_count - 1) / part;
        double span_s = times_s[upto] - times_s[0];
        if (span_s > 0)
            return span_s * sample_count / upto / count;
    }
    return 0;
}

/* Width for `count` events of which every stride-th is looked at. */
static void width_choose(struct nw_model_eventlist *list, const struct nw_model_event *events,
                         uint32_t count)
{
    double times_s[SAMPLE_MAX];
    uint32_t sample_count = count < SAMPLE_MAX ? count : SAMPLE_MAX;
    if (sample_count < 2)
        return;
    for (uint32_t i = 0; i < sample_count; i++)
        times_s[i] = events[(uint64_t)i * count / sample_count].time_s;
    qsort(times_s, sample_count, sizeof times_s[0], by_time);
    double width_s = WIDTH_GAPS * gap_measure(times_s, sample_count, count);
    /* A day is worth at least a rounding step of the times in it. */
    double least_s = times_s[sample_count - 1] * 0x1p-50;
    if (width_s < least_s)
        width_s = least_s;
    if (width_s > 0 && isfinite(1 / width_s))
        list->days_per_s = 1 / width_s;
}

/* Moves all events, in order within each bucket, into an array. */
static struct nw_model_event *events_take(struct nw_model_eventlist *list)
{
    struct nw_model_event *events = nw_alloc_array(list->count + 1, sizeof *events);
    uint32_t taken = 0;
    for (uint32_t b = 0; list->buckets && b <= list->bucket_mask; b++)
        while (list->buckets[b].time_s < HUGE_VAL) {
            events[taken++] =
                (struct nw_model_event){list->buckets[b].time_s, list->buckets[b].payload};
            bucket_pop(list, &list->buckets[b]);
        }
    NW_ASSERT(taken == list->count);
    return events;
}

static void buckets_make(struct nw_model_eventlist *list, uint32_t bucket_count)
{
    nw_free(list->buckets);
    list->buckets = nw_alloc_array(bucket_count, sizeof *list->buckets);
    for (uint32_t b = 0; b < bucket_count; b++)
        list->buckets[b] = (struct bucket){HUGE_VAL, 0, NONE};
    list->bucket_mask = bucket_count - 1;
    list->grow_at = bucket_count;
    list->shrink_at = bucket_count > BUCKET_MIN ? bucket_count / 4 : 0;
    list->free_slot = NONE;
    list->slot_used = 0;
}

static void look_again_later(struct nw_model_eventlist *list)
{
    list->operations = 0;
    list->work = 0;
    list->check_at = list->count < CHECK_MIN / 4 ? CHECK_MIN : 4 * list->count;
}

/* Buckets for the events there are, days for the gaps between them. */
static void rebuild(struct nw_model_eventlist *list)
{
    struct nw_model_event *events = events_take(list);
    uint32_t bucket_count = BUCKET_MIN;
    while (bucket_count < 2 * (uint64_t)list->count && bucket_count < 1u << 30)
        bucket_count *= 2;
    width_choose(list, events, list->count);
    buckets_make(list, bucket_count);
    list->today = INT64_MAX;
    for (uint32_t i = 0; i < list->count; i++) {
        int64_t day = day_of(list, events[i].time_s);
        if (day < list->today)
            list->today = day;
        bucket_insert(list, &list->buckets[day & list->bucket_mask], events[i].time_s,
                      events[i].payload);
    }
    nw_free(events);
    look_again_later(list);
}

static void become_heap(struct nw_model_eventlist *list)
{
    struct nw_model_event *events = events_take(list);
    for (uint32_t i = 0; i < list->count; i++)
        nw_model_eventheap_push(&list->heap, events[i].time_s, events[i].payload);
    nw_free(events);
    list->is_heap = true;
}

/* Were the days worth their width? Called now and then. */
static NW_NOINLINE void work_judge(struct nw_model_eventlist *list)
{
    if (list->work <= (uint64_t)WORK_MAX * list->operations) {
        list->failures = 0;
        look_again_later(list);
        return;
    }
    if (++list->failures > FAILURE_MAX)
        become_heap(list);
    else
        rebuild(list);
}

/* A whole year was empty: the earliest first event of all buckets says which day is next. */
static NW_NOINLINE void year_skip(struct nw_model_eventlist *list)
{
    double earliest_s = HUGE_VAL;
    for (uint32_t b = 0; b <= list->bucket_mask; b++)
        if (list->buckets[b].time_s < earliest_s)
            earliest_s = list->buckets[b].time_s;
    list->work += list->bucket_mask / 4;
    list->today = day_of(list, earliest_s);
}

/* The bucket whose first event is the next of all; the list is a calendar and not empty. */
static inline struct bucket *next_bucket(struct nw_model_eventlist *list)
{
    int64_t day = list->today, year_end = day + list->bucket_mask;
    for (;; day++) {
        struct bucket *bucket = &list->buckets[day & list->bucket_mask];
        if (bucket->time_s < HUGE_VAL && day_of(list, bucket->time_s) <= day) {
            list->work += (uint64_t)(day - list->today) / 4; /* empty days are read in sequence */
            list->today = day;
            return bucket;
        }
        if (NW_UNLIKELY(day == year_end)) {
            year_skip(list);
            return &list->buckets[list->today & list->bucket_mask];
        }
    }
}

struct nw_model_eventlist *nw_model_eventlist_new(nw_model_eventlist_kind kind, uint32_t event_max)
{
    NW_ASSERT(event_max >= 1 && event_max <= 1u << 30);
    struct nw_model_eventlist *list = nw_alloc_zero(sizeof *list);
    list->kind = kind;
    list->is_heap = kind == NW_MODEL_HEAP;
    list->event_max = event_max;
    list->days_per_s = 1;
    if (!list->is_heap)
        buckets_make(list, BUCKET_MIN);
    look_again_later(list);
    return list;
}

void nw_model_eventlist_free(struct nw_model_eventlist *list)
{
    if (!list)
        return;
    nw_model_eventheap_done(&list->heap);
    nw_free(list->buckets);
    nw_free(list->slots);
    nw_free(list);
}

nw_err nw_model_eventlist_push(struct nw_model_eventlist *list, double time_s, uint32_t payload)
{
    if (NW_UNLIKELY(!(time_s >= 0 && time_s < HUGE_VAL)))
        return NW_INVALID;
    if (NW_UNLIKELY(list->count == list->event_max))
        return NW_NO_MEMORY;
    if (NW_UNLIKELY(list->count == list->grow_at) && !list->is_heap)
        rebuild(list);
    list->count++;
    if (list->is_heap) {
        nw_model_eventheap_push(&list->heap, time_s, payload);
        return NW_OK;
    }
    int64_t day = day_of(list, time_s);
    if (day < list->today || list->count == 1)
        list->today = day;
    bucket_insert(list, &list->buckets[day & list->bucket_mask], time_s, payload);
    if (NW_UNLIKELY(++list->operations == list->check_at))
        work_judge(list);
    return NW_OK;
}

bool nw_model_eventlist_peek(struct nw_model_eventlist *list, struct nw_model_event *out)
{
    if (list->count == 0)
        return false;
    if (list->is_heap) {
        *out = nw_model_eventheap_peek(&list->heap);
        return true;
    }
    const struct bucket *bucket = next_bucket(list);
    *out = (struct nw_model_event){bucket->time_s, bucket->payload};
    return true;
}

bool nw_model_eventlist_pop(struct nw_model_eventlist *list, struct nw_model_event *out)
{
    if (list->count == 0)
        return false;
    if (list->is_heap) {
        *out = nw_model_eventheap_pop(&list->heap);
        if (--list->count == 0 && list->kind == NW_MODEL_CALENDAR)
            nw_model_eventlist_clear(list);
        return true;
    }
    struct bucket *bucket = next_bucket(list);
    *out = (struct nw_model_event){bucket->time_s, bucket->payload};
    bucket_pop(list, bucket);
    if (NW_UNLIKELY(--list->count < list->shrink_at))
        rebuild(list);
    return true;
}

uint32_t nw_model_eventlist_count(const struct nw_model_eventlist *list)
{
    return list->count;
}

void nw_model_eventlist_clear(struct nw_model_eventlist *list)
{
    list->heap.count = 0;
    list->count = 0;
    list->failures = 0;
    list->is_heap = list->kind == NW_MODEL_HEAP;
    if (!list->is_heap)
        buckets_make(list, BUCKET_MIN);
    look_again_later(list);
}
