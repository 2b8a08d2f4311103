/*
 * ip_ranges.h - a large list of networks, asked often: is this address in one of them?
 *
 * Networks become ranges, sorted; those that overlap or touch are one. A look-up is a binary search
 * (17 steps among 100,000). An IPv4-mapped address is an IPv4 one, as in cidr.h.
 *
 * Memory: 8 bytes for each range of IPv4 addresses and 32 of IPv6, at most 3.2 MB; while they are
 * made, 40 bytes for each network besides, from the heap.
 *
 * Owner:   the arena that they were made in
 * Threads: immutable once made
 */
#ifndef NW_BASE_IP_RANGES_H
#define NW_BASE_IP_RANGES_H

#include "base/arena.h"
#include "base/cidr.h"

#define NW_IP_RANGES_MAX 100000

/* A range by its first and last address, both in it. */
struct nw_ip4_range {
    uint32_t first;
    uint32_t last;
};
struct nw_ip6_range {
    uint64_t first[2]; /* high, low */
    uint64_t last[2];
};

struct nw_ip_ranges {
    uint32_t ip4_count;
    uint32_t ip6_count;
    const struct nw_ip4_range *ip4;
    const struct nw_ip6_range *ip6;
};

/* Any order, at most NW_IP_RANGES_MAX of them (asserted). */
const struct nw_ip_ranges *nw_ip_ranges_new(const struct nw_cidr *networks, size_t count,
                                            struct nw_arena *arena);
bool nw_ip_ranges_have(const struct nw_ip_ranges *ranges, const struct nw_ip *ip);
/* Is every address of that family in them? */
bool nw_ip_ranges_have_all(const struct nw_ip_ranges *ranges, bool is_v6);

#endif
