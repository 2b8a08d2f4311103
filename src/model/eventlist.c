/*
 * A calendar: the time line is cut into days of equal width, day d is kept in bucket d mod n, so a
 * bucket holds the same day of every year. A push goes straight to its day; a pop looks for the
 * next day that has something.
 *
 * Workload: a simulation of n stations holds about one event for each of them, and every pop is
 * followed by a push somewhat later. What costs most there is neither comparing nor copying but
 * branches that go either way at random: is the day empty, are there others, which is earlier. So
 * days are short and buckets many (32 to 64 an event): nearly every push meets an empty bucket and
 * nearly every pop a lone event. A bitmap, 64 days a word, passes over the empty ones. Textbook
 * occupancy, an event a day, is half as fast. A bucket is 16 bytes and holds its first event
 * itself, so a push touches one line. The others of a bucket are a circular list in one pool,
 * sorted; the bucket points to its last, whose successor is the first, so that an event later than
 * all others of its bucket (every tie is) is appended at once.
 *
 * Invariant: a bucket is sorted by time, equal times by age. Equal times are in the same bucket
 * whatever the width, and rebuilding reads each bucket in order, so ties need no sequence number.
 * A day is computed from the time by one and the same expression wherever it is asked for; a
 * comparison with the day's end would round differently.
 *
 * Width: a year is twice the number of events times the gap between the earliest quarter of them
 * (of 256 sampled), measured when their number has doubled or fallen to a quarter, and when
 * steps cost more than WORK_MAX an operation. Where a new width does not help twice (thousands of
 * ties with another event behind them) the calendar becomes a heap until it is empty.
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
    BUCKET_MIN = 64, /* a word of the bitmap */
    BUCKETS_PER_EVENT = 32,
    BUCKETS_ROOMY = 1 << 20, /* 16 MB; beyond them two an event must do */
    SAMPLE_MAX = 256,
    CHECK_MIN = 4096, /* operations between two looks at the work done */
    WORK_MAX = 6,     /* steps an operation, above which another width is tried */
    FAILURE_MAX = 2,  /* widths that did not help before the heap takes over */
};
#define YEAR_LIVES 2.0 /* a year, in times that an event waits when gaps are even */
#define DAY_MAX 0x1p62

struct bucket {
    double time_s; /* of its first event */
    uint32_t payload;
    uint32_t last; /* of the others: slot of the last, whose next is the first; NONE: no others */
};

struct slot {
    double time_s;
    uint32_t payload;
    uint32_t next;
};

struct nw_model_eventlist {
    struct bucket *buckets; /* of an empty one nothing is defined */
    uint64_t *filled;       /* a bit per bucket: it has events */
    struct slot *slots;
    double days_per_s; /* 1 / width */
    int64_t today;     /* no event is earlier than this day */
    uint32_t bucket_mask;
    uint32_t free_slot; /* list of those given back */
    uint32_t slot_used, slot_space;
    uint32_t count, event_max;
    uint32_t grow_at, shrink_at; /* counts at which the buckets are rebuilt */
    uint64_t operations, check_at;
    uint64_t work, work_max; /* steps since the last look, and how many bring the next one on */
    uint32_t failures;
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
        if (list->work > list->work_max)
            list->check_at = 0;
    } else {
        bucket->last = at;
    }
    slots[at].next = slots[before].next;
    slots[before].next = at;
}

/* Makes an event the first of a bucket; the first so far becomes the first of the others. */
static void first_insert(struct nw_model_eventlist *list, struct bucket *bucket, double time_s,
                         uint32_t payload)
{
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

static inline void bucket_insert(struct nw_model_eventlist *list, uint32_t index, double time_s,
                                 uint32_t payload)
{
    struct bucket *bucket = &list->buckets[index];
    uint64_t *word = &list->filled[index / 64], bit = 1ull << index % 64;
    if (NW_LIKELY(!(*word & bit))) {
        *word |= bit;
        *bucket = (struct bucket){time_s, payload, NONE};
    } else if (time_s >= bucket->time_s) {
        rest_insert(list, bucket, time_s, payload);
    } else {
        first_insert(list, bucket, time_s, payload);
    }
}

/* The first event of a bucket that has one. */
static inline struct nw_model_event bucket_pop(struct nw_model_eventlist *list, uint32_t index)
{
    struct bucket *bucket = &list->buckets[index];
    struct nw_model_event out = {bucket->time_s, bucket->payload};
    uint32_t last = bucket->last;
    if (NW_LIKELY(last == NONE)) {
        list->filled[index / 64] &= ~(1ull << index % 64);
        return out;
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
    return out;
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

/* Days for the gaps between the events there are; none: as before. */
static void width_choose(struct nw_model_eventlist *list, const struct nw_model_event *events,
                         uint32_t bucket_count)
{
    double times_s[SAMPLE_MAX];
    uint32_t sample_count = list->count < SAMPLE_MAX ? list->count : SAMPLE_MAX;
    if (sample_count < 2)
        return;
    for (uint32_t i = 0; i < sample_count; i++)
        times_s[i] = events[(uint64_t)i * list->count / sample_count].time_s;
    qsort(times_s, sample_count, sizeof times_s[0], by_time);
    double year_s = YEAR_LIVES * list->count * gap_measure(times_s, sample_count, list->count);
    double width_s = year_s / bucket_count;
    /* A day is worth at least a rounding step of the times in it. */
    double least_s = times_s[sample_count - 1] * 0x1p-50;
    if (width_s < least_s)
        width_s = least_s;
    if (width_s > 0 && isfinite(width_s) && isfinite(1 / width_s))
        list->days_per_s = 1 / width_s;
}

/* Moves all events, in order within each bucket, into an array; the buckets are then empty. */
static struct nw_model_event *events_take(struct nw_model_eventlist *list)
{
    struct nw_model_event *events = nw_alloc_array((size_t)list->count + 1, sizeof *events);
    uint32_t taken = 0;
    for (uint32_t word = 0; word <= list->bucket_mask / 64; word++)
        while (list->filled[word])
            events[taken++] =
                bucket_pop(list, word * 64 + (uint32_t)__builtin_ctzll(list->filled[word]));
    NW_ASSERT(taken == list->count);
    return events;
}

static void buckets_make(struct nw_model_eventlist *list, uint32_t bucket_count)
{
    nw_free(list->buckets);
    nw_free(list->filled);
    list->buckets = nw_alloc(bucket_count * sizeof *list->buckets);
    list->filled = nw_alloc_array(bucket_count / 64, sizeof *list->filled);
    list->bucket_mask = bucket_count - 1;
    list->grow_at = list->count > 2 ? 2 * list->count : 4;
    list->shrink_at = bucket_count > BUCKET_MIN ? list->count / 4 : 0;
    list->free_slot = NONE;
    list->slot_used = 0;
}

static void look_again_later(struct nw_model_eventlist *list)
{
    list->operations = 0;
    list->work = 0;
    list->check_at = CHECK_MIN + 4 * (uint64_t)list->count;
    list->work_max = WORK_MAX * list->check_at;
}

/* Buckets for the events there are, days for the gaps between them. */
static void rebuild(struct nw_model_eventlist *list)
{
    struct nw_model_event *events = events_take(list);
    uint32_t bucket_count = BUCKET_MIN;
    while (bucket_count < BUCKETS_PER_EVENT * (uint64_t)list->count &&
           (bucket_count < BUCKETS_ROOMY || bucket_count < 2 * (uint64_t)list->count))
        bucket_count *= 2;
    width_choose(list, events, bucket_count);
    buckets_make(list, bucket_count);
    list->today = INT64_MAX;
    for (uint32_t i = 0; i < list->count; i++) {
        int64_t day = day_of(list, events[i].time_s);
        if (day < list->today)
            list->today = day;
        bucket_insert(list, (uint32_t)day & list->bucket_mask, events[i].time_s, events[i].payload);
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
    for (uint32_t word = 0; word <= list->bucket_mask / 64; word++)
        for (uint64_t bits = list->filled[word]; bits; bits &= bits - 1) {
            uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (list->buckets[index].time_s < earliest_s)
                earliest_s = list->buckets[index].time_s;
            list->work++;
        }
    if (list->work > list->work_max)
        list->check_at = 0;
    list->today = day_of(list, earliest_s);
}

/* The bucket whose first event is the next of all; the list is a calendar and not empty. */
static inline uint32_t next_bucket(struct nw_model_eventlist *list)
{
    uint32_t mask = list->bucket_mask, at = (uint32_t)list->today & mask;
    uint64_t bits = list->filled[at / 64] & ~0ull << at % 64;
    int64_t day = list->today - at % 64; /* of bit 0 */
    int64_t year_end = list->today + mask;
    for (;;) {
        for (; bits; bits &= bits - 1) {
            int64_t found = day + __builtin_ctzll(bits);
            if (NW_LIKELY(day_of(list, list->buckets[found & mask].time_s) == found)) {
                list->today = found;
                return (uint32_t)found & mask;
            }
            list->work++;
        }
        day += 64;
        if (NW_UNLIKELY(day > year_end)) {
            year_skip(list);
            return (uint32_t)list->today & mask;
        }
        bits = list->filled[(day & mask) / 64];
        list->work++;
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
    nw_free(list->filled);
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
    bucket_insert(list, (uint32_t)day & list->bucket_mask, time_s, payload);
    if (NW_UNLIKELY(++list->operations >= list->check_at))
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
    const struct bucket *bucket = &list->buckets[next_bucket(list)];
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
    *out = bucket_pop(list, next_bucket(list));
    if (NW_UNLIKELY(--list->count < list->shrink_at))
        rebuild(list);
    else if (NW_UNLIKELY(++list->operations >= list->check_at))
        work_judge(list);
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
