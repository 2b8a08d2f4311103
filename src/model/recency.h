/*
 * recency.h - how many others were used since? Ids in the order of their last use.
 *
 * Each use takes the next position and frees the one that the id had. Live positions are bits; a
 * Fenwick tree (1994) counts them by blocks of 256, so the answer is a walk of its few steps and
 * at most four words. When the positions run out the live ones move together: there are twice as
 * many as ids, so that costs a step or two for each use, and memory does not grow with the uses.
 *
 * Owner:   the memory is the caller's
 * Threads: one at a time
 */
#ifndef NW_MODEL_RECENCY_H
#define NW_MODEL_RECENCY_H

#include <stdbool.h>

#include "base/compiler.h"

struct nw_model_recency {
    uint64_t *bits;   /* by position: live? */
    uint32_t *tree;   /* live positions of all blocks but the one that `end` is in */
    uint32_t *ids;    /* by position */
    uint32_t *places; /* by id: position + 1; 0: not in it */
    uint64_t room;    /* positions; a whole number of blocks */
    uint64_t end;     /* the next position */
    uint64_t oldest;  /* no live position is below */
    uint32_t count;   /* ids in it */
};

uint64_t nw_model_recency_bytes(uint64_t id_count);
/* For ids 0 … id_count - 1; memory: zeroed, 8-byte aligned. */
void nw_model_recency_init(struct nw_model_recency *out, uint64_t id_count, char *memory);

static inline bool nw_model_recency_has(const struct nw_model_recency *recency, uint32_t id)
{
    return recency->places[id] != 0;
}

/* How many ids were used after this one, which is in it. */
uint32_t nw_model_recency_younger(const struct nw_model_recency *recency, uint32_t id);
/* The id, in it or not, becomes the youngest. */
void nw_model_recency_use(struct nw_model_recency *recency, uint32_t id);
/* Takes an id out that is in it. */
void nw_model_recency_forget(struct nw_model_recency *recency, uint32_t id);
/* The one that was not used for the longest time; there must be one. */
uint32_t nw_model_recency_oldest(struct nw_model_recency *recency);

#endif
