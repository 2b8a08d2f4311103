/*
 * sysfd.h - descriptors that somebody else opened: inherited listeners.
 *
 * Never used in a simulation.
 *
 * Owner:   the caller keeps the descriptor
 * Threads: stateless
 */
#ifndef NW_IO_SYSFD_H
#define NW_IO_SYSFD_H

#include "base/err.h"

/* What a descriptor from outside lacks: O_NONBLOCK and close-on-exec. */
NW_MUST_CHECK nw_err nw_fd_adopt(int fd);

#endif
