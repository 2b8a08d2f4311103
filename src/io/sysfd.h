/*
 * sysfd.h - descriptors that are no sockets of the backend: pipes for splice, inherited listeners.
 *
 * Never used in a simulation.
 *
 * Owner:   the caller closes what it opened
 * Threads: stateless
 */
#ifndef NW_IO_SYSFD_H
#define NW_IO_SYSFD_H

#include "base/err.h"

struct nw_pipe {
    int read_fd;
    int write_fd;
};

/* Non-blocking; smaller than asked when the system's limit for pipe memory says so. */
NW_MUST_CHECK nw_err nw_pipe_open(struct nw_pipe *out, int bytes);
void nw_pipe_close(struct nw_pipe *pipe);
/* What a descriptor from outside lacks: O_NONBLOCK and close-on-exec. */
NW_MUST_CHECK nw_err nw_fd_adopt(int fd);

#endif
