/*
 * An unprivileged user may own 64 MiB of pipe buffers; beyond it the kernel refuses to enlarge a pipe,
 * and a smaller one still works. So the size is a wish.
 */
#include "io/sysfd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "io/errno.h"

nw_err nw_pipe_open(struct nw_pipe *out, int bytes)
{
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return nw_errno_to_err(errno);
    (void)fcntl(fds[1], F_SETPIPE_SZ, bytes);
    *out = (struct nw_pipe){.read_fd = fds[0], .write_fd = fds[1]};
    return NW_OK;
}

void nw_pipe_close(struct nw_pipe *pipe)
{
    close(pipe->read_fd);
    close(pipe->write_fd);
    *pipe = (struct nw_pipe){-1, -1};
}

nw_err nw_fd_adopt(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return nw_errno_to_err(errno);
    return NW_OK;
}
