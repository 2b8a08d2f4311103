/*
 * turn.h - work at fixed points of a loop turn.
 *
 * Owner:   the node is embedded in what it is about
 * Threads: the worker's own
 */
#ifndef NW_IO_TURN_H
#define NW_IO_TURN_H

#include "base/list.h"

struct nw_worker;

/*
 * One call at the next flush (after the fibers of this turn ran) or at the turn's end (rest).
 * Removed before it runs, so `run` may register it again. On the loop's stack: must not yield.
 */
struct nw_turn_node {
    struct nw_list node; /* nw_list_init before the first use */
    void (*run)(struct nw_turn_node *node);
};

/* Registers for this turn's flush, or for its end; nothing when it is registered already. */
void nw_loop_at_flush(struct nw_worker *worker, struct nw_turn_node *node);
void nw_loop_at_rest(struct nw_worker *worker, struct nw_turn_node *node);

#endif
