/*
 * gauges.h - what the runtime shows of itself, asked only when metrics are read.
 *
 * Owner:   the runtime
 * Threads: nw_gauge_add and the rest where nothing else can do the same: while the runtime is made
 *          and freed, or under lanes_mutex. What is asked runs on any thread, under the registry's
 *          mutex
 */
#ifndef NW_IO_GAUGES_H
#define NW_IO_GAUGES_H

#include "base/metric.h"

struct nw_runtime;

/* Adds fn(arg) to the series of this label (NULL: it has none). Without metrics nothing. */
void nw_gauge_add(struct nw_runtime *runtime, nw_metric metric, const char *label,
                  double (*fn)(void *arg), void *arg);
/* Workers, memory, the log. */
void nw_gauges_open(struct nw_runtime *runtime);
/* All that were added; what they asked may go now. */
void nw_gauges_close(struct nw_runtime *runtime);

#endif
