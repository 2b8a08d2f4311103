/*
 * A socket that systemd opened is a blocking one and would be inherited by every program that newel
 * starts; a worker must never block and a child must not keep a listener open.
 */
#include "io/sysfd.h"

#include <errno.h>
#include <fcntl.h>

#include "io/errno.h"

nw_err nw_fd_adopt(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return nw_errno_to_err(errno);
    return NW_OK;
}
