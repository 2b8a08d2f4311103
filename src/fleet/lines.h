/*
 * lines.h - bytes of an application's output to bounded lines.
 *
 * Owner:   embedded, nothing allocates
 * Threads: one
 */
#ifndef NW_FLEET_LINES_H
#define NW_FLEET_LINES_H

#include "base/slice.h"

enum { NW_FLEET_LINE_MAX_BYTES = 1000 }; /* a value of the log holds 1 KiB */

/* Zeroed is empty. */
struct nw_fleet_lines {
    char bytes[NW_FLEET_LINE_MAX_BYTES];
    unsigned len;
};

/*
 * Calls `line` for each whole line, without its end (\n or \r\n) and never for an empty one. A
 * longer one than fits comes in pieces, cut between characters of UTF-8.
 */
void nw_fleet_lines_feed(struct nw_fleet_lines *lines, struct nw_slice bytes,
                         void (*line)(void *arg, struct nw_slice text), void *arg);
/* What has no end yet is a line, too. */
void nw_fleet_lines_flush(struct nw_fleet_lines *lines,
                          void (*line)(void *arg, struct nw_slice text), void *arg);

#endif
