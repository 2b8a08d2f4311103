/*
 * A timer's level is the position of the highest 6-bit digit in which its moment differs from now;
 * its slot is that digit of the moment. So a timer on level n is at least one whole slot of that
 * level away, the slot that now itself stands in is empty on every level, and as time passes a
 * timer steps down level by level, at most once per level, until its digit on level 0 comes up.
 *
 * Nearly all timers are deadlines that never fire, so arming and disarming must cost nothing worth
 * mentioning (a list insertion and a bit), and a turn in which nothing is due costs one comparison
 * per level. One bitmap per level finds the next occupied slot without looking at empty ones, which
 * also makes a jump of hours (a suspended machine, a test) as cheap as a millisecond.
 *
 * A heap would tell the exact next moment instead of "at most a cascade early", for log n per arm.
 */
#include "io/wheel.h"

#include "base/assert.h"
#include "io/fiber.h"

enum { SLOT_MASK = NW_WHEEL_SLOTS - 1 };

/* Farther than this (139 years) a timer waits at the horizon and is placed anew from there. */
static const uint64_t HORIZON_MS = (1ull << (NW_WHEEL_LEVELS * NW_WHEEL_SLOT_BITS - 1)) - 1;

void nw_wheel_init(struct nw_wheel *wheel, uint64_t now_ms)
{
    wheel->now_ms = now_ms;
    nw_list_init(&wheel->due);
    for (unsigned level = 0; level < NW_WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < NW_WHEEL_SLOTS; slot++)
            nw_list_init(&wheel->slots[level][slot]);
    }
}

/* Of a moment that lies in the future. */
static void place(struct nw_wheel *wheel, struct nw_timer *timer)
{
    uint64_t at_ms = timer->at_ms;
    if (at_ms - wheel->now_ms > HORIZON_MS)
        at_ms = wheel->now_ms + HORIZON_MS;
    unsigned level = (63 - (unsigned)__builtin_clzll(at_ms ^ wheel->now_ms)) / NW_WHEEL_SLOT_BITS;
    NW_ASSERT(level < NW_WHEEL_LEVELS);
    unsigned slot = (at_ms >> (level * NW_WHEEL_SLOT_BITS)) & SLOT_MASK;
    wheel->occupied[level] |= 1ull << slot;
    nw_list_push_back(&wheel->slots[level][slot], &timer->node);
}

void nw_wheel_disarm(struct nw_wheel *wheel, struct nw_timer *timer)
{
    struct nw_list *node = &timer->node, *head = node->next;
    if (head == node)
        return;
    bool is_last = head == node->prev; /* then head is the slot's own head (or due's) */
    nw_list_remove(node);
    uintptr_t offset = (uintptr_t)head - (uintptr_t)wheel->slots;
    if (is_last && offset < sizeof wheel->slots) {
        size_t index = offset / sizeof *head;
        wheel->occupied[index / NW_WHEEL_SLOTS] &= ~(1ull << (index % NW_WHEEL_SLOTS));
    }
}

void nw_wheel_arm(struct nw_wheel *wheel, struct nw_timer *timer, uint64_t at_ms)
{
    nw_wheel_disarm(wheel, timer);
    timer->at_ms = at_ms;
    if (at_ms == NW_NEVER)
        return;
    if (at_ms <= wheel->now_ms)
        nw_list_push_back(&wheel->due, &timer->node);
    else
        place(wheel, timer);
}

/* The slots behind `from` up to and including `to`, both counted in slots of one level. */
static uint64_t passed_slots(uint64_t from, uint64_t to)
{
    uint64_t count = to - from;
    if (count >= NW_WHEEL_SLOTS)
        return UINT64_MAX;
    uint64_t ones = (1ull << count) - 1;
    unsigned turn = (unsigned)((from + 1) & SLOT_MASK);
    return turn == 0 ? ones : (ones << turn) | (ones >> (NW_WHEEL_SLOTS - turn));
}

/* Empties the slots of `mask` on one level, in the order in which they come up. */
static void take_slots(struct nw_wheel *wheel, unsigned level, uint64_t mask, unsigned first_slot,
                       struct nw_list *into)
{
    mask &= wheel->occupied[level];
    wheel->occupied[level] &= ~mask;
    while (mask != 0) {
        uint64_t turned = first_slot == 0
                              ? mask
                              : (mask >> first_slot) | (mask << (NW_WHEEL_SLOTS - first_slot));
        unsigned slot = (first_slot + (unsigned)__builtin_ctzll(turned)) & SLOT_MASK;
        nw_list_splice_back(into, &wheel->slots[level][slot]);
        mask &= ~(1ull << slot);
    }
}

void nw_wheel_advance(struct nw_wheel *wheel, uint64_t to_ms)
{
    if (to_ms <= wheel->now_ms)
        return;
    struct nw_list passed;
    nw_list_init(&passed);
    for (unsigned level = 0; level < NW_WHEEL_LEVELS; level++) {
        uint64_t from = wheel->now_ms >> (level * NW_WHEEL_SLOT_BITS);
        uint64_t to = to_ms >> (level * NW_WHEEL_SLOT_BITS);
        if (from == to)
            break; /* no higher digit moved either */
        take_slots(wheel, level, passed_slots(from, to), (unsigned)((from + 1) & SLOT_MASK),
                   &passed);
    }
    wheel->now_ms = to_ms;
    for (struct nw_list *node; (node = nw_list_pop_front(&passed)) != NULL;) {
        struct nw_timer *timer = NW_CONTAINER_OF(node, struct nw_timer, node);
        if (timer->at_ms <= to_ms)
            nw_list_push_back(&wheel->due, &timer->node);
        else
            place(wheel, timer);
    }
}

size_t nw_wheel_fire(struct nw_wheel *wheel, uint64_t *out_first_at_ms)
{
    struct nw_list firing;
    nw_list_init(&firing);
    nw_list_splice_back(&firing, &wheel->due);
    size_t count = 0;
    for (struct nw_list *node; (node = nw_list_pop_front(&firing)) != NULL; count++) {
        struct nw_timer *timer = NW_CONTAINER_OF(node, struct nw_timer, node);
        if (count == 0)
            *out_first_at_ms = timer->at_ms;
        timer->fire(timer);
    }
    return count;
}

uint64_t nw_wheel_next_ms(const struct nw_wheel *wheel)
{
    if (!nw_list_is_empty(&wheel->due))
        return wheel->now_ms;
    for (unsigned level = 0; level < NW_WHEEL_LEVELS; level++) {
        uint64_t occupied = wheel->occupied[level];
        if (occupied == 0)
            continue;
        /* No slot at or before now's digit is occupied, so the lowest bit above it comes first. */
        unsigned shift = level * NW_WHEEL_SLOT_BITS;
        uint64_t digit = wheel->now_ms >> shift;
        unsigned now_slot = (unsigned)(digit & SLOT_MASK);
        NW_ASSERT((occupied & ((2ull << now_slot) - 1)) == 0);
        unsigned slot = (unsigned)__builtin_ctzll(occupied);
        return (digit - now_slot + slot) << shift;
    }
    return NW_NEVER;
}
