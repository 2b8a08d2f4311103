/*
 * suggest.h - "did you mean …?"
 *
 * Owner:   the result is one of the caller's candidates
 * Threads: stateless
 */
#ifndef NW_BASE_SUGGEST_H
#define NW_BASE_SUGGEST_H

#include "base/compiler.h"
#include "base/slice.h"

#define NW_SUGGEST_MAX_BYTES 64 /* longer words are never near anything */

/*
 * Damerau-Levenshtein distance (insert, delete, replace, swap neighbours; no part edited twice)
 * without regard to ASCII case; more than `bound` is returned as bound + 1.
 */
unsigned nw_suggest_distance(struct nw_slice a, struct nw_slice b, unsigned bound);
/*
 * The candidate nearest to `word`, the first of equals; NULL when none is near: one edit for words
 * of up to 4 bytes, two up to 8, then three.
 */
const char *nw_suggest(struct nw_slice word, const char *const *candidates, size_t count);

#endif
