/*
 * Least recently used. As in policy_fifo.c the trace itself is the list, only that a hit moves the
 * entry to this request and leaves the position where it stood: the tail of the list is the oldest
 * position that nobody left. A doubly linked list touches four neighbours at random for each hit;
 * this touches one bit among those of the last few hundred thousand requests.
 *
 * As a list it would be this, and the tests do it so:
 *   hit: move to the head.  miss: while full, remove the tail; insert at the head.
 */
#define NW_MODEL_HIT_MOVES 1
#include "model/policy_trail.h"

const struct nw_model_policy_face nw_model_policy_lru = {"lru", bytes, init, play};
