/*
 * balance.h - which of several nodes comes next? A plug point.
 *
 * A rule sees numbers only: for each member its effective weight (0: not to be chosen), its
 * requests in flight and its latency. It knows neither nodes nor connections, so tests and
 * simulators drive it directly.
 *
 * Owner:   everything is borrowed for the call; a ring belongs to who built it
 * Threads: `current` and `rng` belong to one worker; a ring may be read by all
 */
#ifndef NW_PEER_BALANCE_H
#define NW_PEER_BALANCE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/rng.h"

struct nw_balance_ring;

struct nw_balance_item {
    uint32_t weight;     /* configured weight x percent of slow start; 0: out */
    uint32_t in_flight;  /* over all workers; only for rules that need_in_flight */
    uint64_t latency_us; /* 0: not measured yet; only for rules that need_latency */
};

struct nw_balance_pick {
    const struct nw_balance_item *items;
    unsigned count;
    int64_t *current; /* round-robin's memory, one for each item */
    struct nw_rng *rng;
    const struct nw_balance_ring *ring; /* for rules that need_ring */
    uint64_t key_hash;
};

struct nw_balance_ops {
    const char *name;
    bool need_in_flight;
    bool need_latency;
    bool need_ring;
    /* The index of an item with a weight; -1 when there is none. */
    int (*choose)(const struct nw_balance_pick *pick);
};

extern const struct nw_balance_ops nw_balance_round_robin;
extern const struct nw_balance_ops nw_balance_least_connections;
extern const struct nw_balance_ops nw_balance_two_choices;
extern const struct nw_balance_ops nw_balance_latency;
extern const struct nw_balance_ops nw_balance_hash;

enum { NW_RING_POINTS = 256, NW_RING_POINTS_MAX = 1 << 18 };

/*
 * 256 points per weight unit (fewer for all alike when that would pass NW_RING_POINTS_MAX), placed
 * by the xxh3 of name and number: the same names give the same ring in every process.
 */
struct nw_balance_ring *nw_balance_ring_new(const char *const *names, const uint32_t *weights,
                                            unsigned count);
void nw_balance_ring_free(struct nw_balance_ring *ring);
/* Point number `index` in order of position; false behind the last one. */
bool nw_balance_ring_point(const struct nw_balance_ring *ring, unsigned index,
                           uint64_t *out_position, unsigned *out_item);
/*
 * What an item may carry: 1.25 x its fair share of one request more than are in flight, rounded
 * up.
 */
uint64_t nw_balance_bound(uint64_t in_flight_total, uint64_t weight, uint64_t weight_total);

#endif
