/*
 * output.h - appending whole lines to a descriptor, for the log's thread.
 *
 * Owner:   the caller owns descriptors that nw_output_open made
 * Threads: any; blocks
 */
#ifndef NW_IO_OUTPUT_H
#define NW_IO_OUTPUT_H

#include <stdbool.h>

#include "base/slice.h"

/* Opens for appending, created 0640; -1 when it cannot be. */
int nw_output_open(const char *path);
void nw_output_close(int fd);
/* All of it; false when the other side is gone or does not read for two seconds. */
bool nw_output_write(int fd, struct nw_slice bytes);

#endif
