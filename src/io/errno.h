/*
 * errno.h - the one place where errno becomes nw_err.
 *
 * Owner:   nothing
 * Threads: stateless
 */
#ifndef NW_IO_ERRNO_H
#define NW_IO_ERRNO_H

#include "base/err.h"

/* `number` is a positive errno. EAGAIN gives NW_AGAIN; what nothing else fits gives NW_IO. */
nw_err nw_errno_to_err(int number);

#endif
