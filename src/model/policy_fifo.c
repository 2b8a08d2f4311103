/*
 * First in, first out. The trace itself is the queue: an entry stands at the request that filled
 * it, and the oldest entry is found by walking the trace behind the newest, past the requests that
 * filled nothing. So there are no links and no ring, just one word for each id, where it was filled
 * last, and one bit for each request, so that the walk is a search for a bit. A position that the
 * walk has passed is out of the cache, which makes leaving free.
 *
 * As a list it would be this, and the tests do it so:
 *   hit: nothing.  miss: while full, remove the tail; insert at the head.
 */
#define NW_MODEL_HIT_MOVES 0
#include "model/policy_trail.h"

const struct nw_model_policy_face nw_model_policy_fifo = {"fifo", bytes, init, play};
