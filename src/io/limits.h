/*
 * limits.h - what the machine and the container really grant.
 *
 * Owner:   plain values
 * Threads: any; reads small files of /proc and /sys at start-up
 */
#ifndef NW_IO_LIMITS_H
#define NW_IO_LIMITS_H

#include "base/slice.h"

/* Cores by affinity and by the cgroup's quota (v1 and v2), rounded down; at least 1. */
unsigned nw_limits_core_count(void);
/* Memory by the machine and the cgroup's limit. */
uint64_t nw_limits_memory_bytes(void);
/* vm.max_map_count. */
uint64_t nw_limits_map_count(void);

/* Parses cgroup v2's cpu.max: "150000 100000" is 1.5 cores, in thousandths; 0: no quota. */
uint64_t nw_limits_parse_cpu_max(struct nw_slice text);

#endif
