/*
 * Five rules over the same numbers.
 *
 * Round-robin is nginx's smooth weighted one: each turn everybody gains its weight, the richest is
 * chosen and pays the total. Over a cycle the counts are exact and the order is interleaved
 * (5,1,1 gives a a b a c a a). It is the tie-breaker of least-connections too.
 *
 * Two-choices compares two random nodes instead of all: no herd runs to the one that looked idle a
 * moment ago, because different workers look at different pairs. The latency rule is two-choices by
 * (peak EWMA) x (in flight + 1). A node that was never measured is taken while nothing is in
 * flight there and avoided after that, so that one request, not a thousand, finds out how it does.
 *
 * Hash walks a ring of points clockwise from the key and takes the first node under its bound. The
 * bound (1.25 x fair share) is what keeps a hot key from drowning one node; the walk is at most one
 * turn. Roads not taken: rendezvous hashing costs one hash per node and request, and a table
 * (maglev) is rebuilt as a whole on every change of a weight.
 */
#include "peer/balance.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "base/assert.h"

struct ring_point {
    uint64_t position;
    uint32_t item;
};
struct nw_balance_ring {
    unsigned count;
    struct ring_point points[];
};

static int round_robin_choose(const struct nw_balance_pick *pick)
{
    int best = -1;
    int64_t total = 0;
    for (unsigned i = 0; i < pick->count; i++) {
        uint32_t weight = pick->items[i].weight;
        if (weight == 0)
            continue;
        pick->current[i] += weight;
        total += weight;
        if (best < 0 || pick->current[i] > pick->current[best])
            best = (int)i;
    }
    if (best >= 0)
        pick->current[best] -= total;
    return best;
}

/* Is a/weight_a smaller than b/weight_b? */
static bool is_less_loaded(const struct nw_balance_item *a, const struct nw_balance_item *b)
{
    return (uint64_t)a->in_flight * b->weight < (uint64_t)b->in_flight * a->weight;
}

static int least_connections_choose(const struct nw_balance_pick *pick)
{
    const struct nw_balance_item *least = NULL;
    for (unsigned i = 0; i < pick->count; i++) {
        const struct nw_balance_item *item = &pick->items[i];
        if (item->weight != 0 && (least == NULL || is_less_loaded(item, least)))
            least = item;
    }
    int best = -1;
    int64_t total = 0;
    for (unsigned i = 0; i < pick->count; i++) {
        const struct nw_balance_item *item = &pick->items[i];
        if (item->weight == 0 || is_less_loaded(least, item))
            continue;
        pick->current[i] += item->weight;
        total += item->weight;
        if (best < 0 || pick->current[i] > pick->current[best])
            best = (int)i;
    }
    if (best >= 0)
        pick->current[best] -= total;
    return best;
}

/* A random item by weight, never `but`; -1 when there is no other. */
static int draw(const struct nw_balance_pick *pick, int but)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < pick->count; i++)
        total += (int)i != but ? pick->items[i].weight : 0;
    if (total == 0)
        return -1;
    uint64_t at = nw_rng_below(pick->rng, total);
    for (unsigned i = 0; i < pick->count; i++) {
        uint32_t weight = (int)i != but ? pick->items[i].weight : 0;
        if (at < weight)
            return (int)i;
        at -= weight;
    }
    return -1;
}

static int two_choices_choose(const struct nw_balance_pick *pick)
{
    int first = draw(pick, -1);
    int second = first >= 0 ? draw(pick, first) : -1;
    if (second < 0)
        return first;
    return pick->items[second].in_flight < pick->items[first].in_flight ? second : first;
}

static uint64_t latency_cost(const struct nw_balance_item *item)
{
    if (item->latency_us == 0)
        return item->in_flight == 0 ? 0 : UINT64_MAX;
    return item->latency_us * ((uint64_t)item->in_flight + 1);
}

static int latency_choose(const struct nw_balance_pick *pick)
{
    int first = draw(pick, -1);
    int second = first >= 0 ? draw(pick, first) : -1;
    if (second < 0)
        return first;
    return latency_cost(&pick->items[second]) < latency_cost(&pick->items[first]) ? second : first;
}

uint64_t nw_balance_bound(uint64_t in_flight_total, uint64_t weight, uint64_t weight_total)
{
    uint64_t above = (in_flight_total + 1) * weight * 5, below = weight_total * 4;
    return (above + below - 1) / below;
}

/* Index of the first point at or after the key; wraps to 0. */
static unsigned ring_find(const struct nw_balance_ring *ring, uint64_t key_hash)
{
    unsigned low = 0, high = ring->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (ring->points[middle].position < key_hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ring->count ? low : 0;
}

static int hash_choose(const struct nw_balance_pick *pick)
{
    const struct nw_balance_ring *ring = pick->ring;
    uint64_t weight_total = 0, in_flight_total = 0;
    for (unsigned i = 0; i < pick->count; i++) {
        if (pick->items[i].weight == 0)
            continue;
        weight_total += pick->items[i].weight;
        in_flight_total += pick->items[i].in_flight;
    }
    if (weight_total == 0)
        return -1;
    int first = -1;
    unsigned at = ring->count != 0 ? ring_find(ring, pick->key_hash) : 0;
    for (unsigned i = 0; i < ring->count; i++) {
        unsigned item = ring->points[at].item;
        uint64_t weight = pick->items[item].weight;
        if (weight != 0) {
            first = first < 0 ? (int)item : first;
            if (pick->items[item].in_flight <
                nw_balance_bound(in_flight_total, weight, weight_total))
                return (int)item;
        }
        at = at + 1 < ring->count ? at + 1 : 0;
    }
    return first;
}

static int compare_points(const void *left, const void *right)
{
    const struct ring_point *a = left, *b = right;
    if (a->position != b->position)
        return a->position < b->position ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

struct nw_balance_ring *nw_balance_ring_new(const char *const *names, const uint32_t *weights,
                                            unsigned count)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += weights[i];
    /* Points per unit in 1/256, so that a huge sum of weights shrinks all nodes alike. */
    uint64_t scale = NW_RING_POINTS * 256u;
    if (total > NW_RING_POINTS_MAX / NW_RING_POINTS)
        scale = (uint64_t)NW_RING_POINTS_MAX * 256 / total;
    struct nw_balance_ring *ring = nw_alloc_zero(
        sizeof *ring + (size_t)(total * scale / 256 + count + 1) * sizeof ring->points[0]);
    for (unsigned i = 0; i < count; i++) {
        uint64_t points = weights[i] * scale / 256;
        points = weights[i] != 0 && points == 0 ? 1 : points;
        size_t name_bytes = strlen(names[i]);
        uint64_t seed = XXH3_64bits(names[i], name_bytes);
        for (uint64_t number = 0; number < points; number++) {
            uint64_t position = XXH3_64bits_withSeed(&number, sizeof number, seed);
            ring->points[ring->count++] = (struct ring_point){position, i};
        }
    }
    qsort(ring->points, ring->count, sizeof ring->points[0], compare_points);
    return ring;
}

void nw_balance_ring_free(struct nw_balance_ring *ring)
{
    nw_free(ring);
}

bool nw_balance_ring_point(const struct nw_balance_ring *ring, unsigned index,
                           uint64_t *out_position, unsigned *out_item)
{
    if (index >= ring->count)
        return false;
    *out_position = ring->points[index].position;
    *out_item = ring->points[index].item;
    return true;
}

const struct nw_balance_ops nw_balance_round_robin = {
    .name = "round-robin",
    .choose = round_robin_choose,
};
const struct nw_balance_ops nw_balance_least_connections = {
    .name = "least-connections",
    .need_in_flight = true,
    .choose = least_connections_choose,
};
const struct nw_balance_ops nw_balance_two_choices = {
    .name = "two-choices",
    .need_in_flight = true,
    .choose = two_choices_choose,
};
const struct nw_balance_ops nw_balance_latency = {
    .name = "latency",
    .need_in_flight = true,
    .need_latency = true,
    .choose = latency_choose,
};
const struct nw_balance_ops nw_balance_hash = {
    .name = "hash",
    .need_in_flight = true,
    .need_ring = true,
    .choose = hash_choose,
};
