/* write(2) until all is out; a full pipe is waited for, but not for ever. */
#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { STUCK_MS = 2000 };

int nw_output_open(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

void nw_output_close(int fd)
{
    if (fd > 2)
        close(fd);
}

bool nw_output_write(int fd, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        if (poll(&ready, 1, STUCK_MS) <= 0 || (ready.revents & (POLLERR | POLLNVAL)) != 0)
            return false;
        size_t piece = bytes.len < 4096 ? bytes.len : 4096; /* what a writable pipe surely takes */
        ssize_t written = write(fd, bytes.ptr, piece);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (written > 0)
            bytes = nw_slice_skip(bytes, (size_t)written);
    }
    return true;
}
