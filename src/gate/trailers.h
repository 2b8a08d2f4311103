/*
 * trailers.h - which fields behind a body may be passed on.
 *
 * RFC 9110 section 6.5.1: what frames, routes, authenticates or controls a message has no place
 * behind it, and is left out wherever it came from.
 *
 * Owner:   the result lies in the arena, or is what was given
 * Threads: stateless
 */
#ifndef NW_GATE_TRAILERS_H
#define NW_GATE_TRAILERS_H

#include "base/arena.h"
#include "base/err.h"

/* `lines`: "name: value\r\n" each, names in lower case. NW_NO_MEMORY beyond the arena. */
NW_MUST_CHECK nw_err gate_trailers_pick(struct nw_slice lines, struct nw_arena *arena,
                                        struct nw_slice *out_lines);

#endif
